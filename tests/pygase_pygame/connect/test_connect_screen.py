"""The screen before a game: by keyboard, mouse and gamepad, with real clients in virtual time."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from pygase import CLIENT_CONNECTED, AddressInUse, Backend, DiscoveredGame, GameState, ServerConfig
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import CONNECTED, SERVER_EVENT, ConnectScreen, Session
from pygase_pygame.connect.remembered import Remembered, config_directory, default_path
from pygase_pygame.headless import Headless

UP, DOWN, LEFT, RIGHT = pygame.K_UP, pygame.K_DOWN, pygame.K_LEFT, pygame.K_RIGHT
RETURN, ESCAPE, TAB = pygame.K_RETURN, pygame.K_ESCAPE, pygame.K_TAB

SIZES = [(480, 320), (640, 360), (960, 640), (1920, 1080), (480, 1000), (1600, 320)]


class FakeBrowser:
    """The local network, as a test wants it."""

    def __init__(self, *games: DiscoveredGame) -> None:
        self.games = games
        self.problem = ""
        self.running = 0

    def start(self) -> None:
        self.running += 1

    def stop(self) -> None:
        self.running -= 1


def found(name: str, host: str = "127.0.0.1", port: int = 8080, **changes: Any) -> DiscoveredGame:
    fields = {"players": 1, "max_players": 4, "ping": 0.012, "password": False, "version_ok": True, **changes}
    return DiscoveredGame(address=host, port=port, name=name, game="pong", **fields)


class Evening:
    """A player in front of the screen, and servers on a simulated network."""

    def __init__(self, seed: int, size: tuple[int, int] = (640, 400)) -> None:
        self.network = SimulatedNetwork(seed=seed, link=Link(latency=0.03))
        self.stage = Headless(self.network, size=size)
        self.browser = FakeBrowser()
        self.asked: list[tuple[str, int, str | None]] = []
        self.sessions: list[Session] = []

    def serve(self, port: int = 8080, game: str = "pong", **options: Any) -> Backend:
        def hello(client_address: Any, **_: Any) -> dict[str, Any]:
            backend.server.dispatch_event("SEAT", "left", target_client=client_address)
            return {}

        backend = Backend(GameState(x=0), lambda game_state, dt: {}, {CLIENT_CONNECTED: hello}, game=game, **options)
        self.network.serve(backend, port=port)
        return backend

    def connect(self, hostname: str, port: int, password: str | None) -> Session:
        self.asked.append((hostname, port, password))
        session = self.stage.join(port=port, game="pong", password=password)
        session.address = f"{hostname}:{port}"
        self.sessions.append(session)
        return session

    def open(self, **options: Any) -> ConnectScreen:
        defaults: dict[str, Any] = {
            "browser": self.browser,
            "remember": False,
            "name": "Zoë",
            "connect": self.connect,
            "clock": self.stage.clock,
            "addresses": lambda: ["192.168.1.5", "10.0.0.2", "127.0.0.1"],
        }
        self.screen = ConnectScreen("pong", **{**defaults, **options})
        self.frames(1)
        return self.screen

    def frame(self) -> None:
        for event in pygame.event.get():
            self.screen.handle(event)
        self.screen.draw(self.stage.screen)

    def frames(self, count: int = 1) -> None:
        self.stage.step(count, self.frame)

    def press(self, *keys: int, mod: int = 0) -> None:
        for key in keys:
            self.stage.tap(key, mod)
            self.frames(1)

    def type(self, text: str) -> None:
        self.stage.type(text)
        self.frames(1)

    def until(self, condition: Callable[[], object], timeout: float = 20.0) -> None:
        self.stage.run_until(condition, self.frame, timeout)

    def item(self, key: Any) -> pygame.Rect:
        return next(item.rect for item in self.screen.inside.page().items if item.key == key)


@pytest.fixture
def evening(seed: int) -> Iterator[Evening]:
    made = Evening(seed)
    with made.stage:
        yield made


# -- joining


def test_typing_an_address_and_return_joins_the_game_there(evening):
    evening.serve(port=9000)
    screen = evening.open()
    assert (screen.page, screen.session, screen.name) == ("main", None, "Zoë")
    evening.type("example.org:9000")
    evening.press(RETURN)
    assert screen.page == "connecting"
    evening.until(lambda: screen.session)
    assert evening.asked == [("example.org", 9000, None)]
    assert screen.session.status == "connected"
    assert screen.session is evening.sessions[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ("localhost", 8080)),
        ("box", ("box", 8080)),
        (" 10.0.0.7:5 ", ("10.0.0.7", 5)),
        ("[fe80::1]:77", ("fe80::1", 77)),
        ("::1", ("::1", 8080)),
    ],
)
def test_the_address_can_be_written_in_every_way(evening, text, expected):
    evening.serve(port=expected[1])
    evening.open()
    evening.type(text)
    evening.press(RETURN)
    assert evening.asked == [(*expected, None)]


INVITE = "pygase://example.org:9000/#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"


def test_an_invite_is_taken_pasted(evening):
    evening.serve(port=9000)
    screen = evening.open()
    screen.inside.flow.entries.address.text = f" {INVITE}\n"
    evening.press(RETURN)
    assert evening.asked == [(INVITE, 9000, None)]


def test_an_invite_is_remembered_without_its_secrets(evening, tmp_path):
    evening.serve(port=9000)
    path = tmp_path / "pong.json"
    screen = evening.open(remember=path)
    screen.inside.flow.entries.address.text = INVITE
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    assert screen.inside.flow.entries.address.text == "example.org:9000"
    assert "#" not in path.read_text()


def test_a_torn_invite_is_told_without_its_secrets(evening):
    screen = evening.open()
    screen.inside.flow.entries.address.text = INVITE[:-9]
    evening.press(RETURN)
    assert not evening.asked
    assert "is no invite" in screen.message
    assert "copy it once more" in screen.message
    assert "AAECAw" not in screen.message


def test_without_an_address_the_only_game_of_the_list_is_joined(evening):
    evening.serve(port=9001)
    evening.browser.games = (found("Bob's", port=9001),)
    evening.open()
    evening.press(RETURN)
    assert evening.asked == [("127.0.0.1", 9001, None)]


def test_without_an_address_among_several_games_one_has_to_choose(evening):
    evening.browser.games = (found("Anna's"), found("Bob's", port=9001))
    screen = evening.open()
    evening.press(RETURN)
    assert not evening.asked
    assert "Choose one" in screen.message


@pytest.mark.parametrize("text", ["a b", "host:", "host:99999", "[::1", ":80"])
def test_what_is_no_address_is_told_and_nothing_is_tried(evening, text):
    screen = evening.open()
    evening.type(text)
    evening.press(RETURN)
    assert screen.page == "main"
    assert "is not an address" in screen.message
    assert not evening.asked


def test_a_game_of_the_list_is_joined_by_keyboard(evening):
    evening.serve(port=9001)
    evening.browser.games = (found("Anna's"), found("Bob's", port=9001))
    screen = evening.open()
    evening.press(UP, RETURN)
    evening.until(lambda: screen.session)
    assert evening.asked == [("127.0.0.1", 9001, None)]


def test_a_game_of_the_list_is_joined_by_mouse(evening):
    evening.serve()
    evening.browser.games = (found("Anna's"), found("Bob's", port=9001))
    screen = evening.open()
    evening.stage.click(evening.item(("game", "127.0.0.1", 8080)).center)
    evening.until(lambda: screen.session)
    assert evening.asked == [("127.0.0.1", 8080, None)]


def test_a_game_of_the_list_is_joined_by_gamepad(evening):
    evening.serve()
    evening.browser.games = (found("Anna's"), found("Bob's", port=9001))
    screen = evening.open()
    evening.stage.push_hat(0, 1)
    evening.stage.push_hat(0, 0)
    evening.stage.push_stick(1, -0.9)
    evening.stage.push_stick(1, 0.0)
    evening.stage.press_pad(0)
    evening.until(lambda: screen.session)
    assert evening.asked == [("127.0.0.1", 8080, None)]


def test_games_come_and_go_while_one_looks_and_the_focus_stays_on_its_own(evening):
    evening.browser.games = (found("Anna's"), found("Bob's", port=9001))
    screen = evening.open()
    evening.press(UP)
    assert screen.inside.menu.focus == ("game", "127.0.0.1", 9001)
    evening.browser.games = (found("Bob's", port=9001), found("Cleo's", port=9002))
    evening.frames(1)
    assert screen.inside.menu.focus == ("game", "127.0.0.1", 9001)
    evening.browser.games = ()
    evening.frames(1)
    assert screen.inside.menu.focus == "address"


def test_all_of_a_long_list_can_be_reached_by_keyboard_and_by_wheel(evening):
    evening.browser.games = tuple(found(f"game {number}", port=9000 + number) for number in range(30))
    screen = evening.open()
    evening.press(TAB, mod=pygame.KMOD_LSHIFT)
    seen = {screen.inside.menu.focus}
    for key in [DOWN] * 30 + [UP] * 31:
        evening.press(key)
        seen.add(screen.inside.menu.focus)
    assert len([key for key in seen if key[0] == "game"]) == 30
    screen.reopen()
    for _ in range(40):
        evening.stage.scroll(y=-1)
    evening.frames(1)
    assert evening.item(("game", "127.0.0.1", 9029))
    for _ in range(40):
        evening.stage.scroll(y=1)
    evening.frames(1)
    assert evening.item(("game", "127.0.0.1", 9000))


def test_it_searches_while_it_is_needed(evening):
    evening.serve()
    screen = evening.open()
    assert evening.browser.running == 1
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    assert evening.browser.running == 0
    screen.reopen()
    evening.frames(2)
    assert evening.browser.running == 1
    screen.close()
    assert evening.browser.running == 0


# -- what can go wrong


def test_while_it_tries_it_can_be_cancelled(evening):
    screen = evening.open()
    evening.type("nobody.example")
    evening.press(RETURN)
    evening.frames(30)
    assert screen.page == "connecting"
    evening.press(ESCAPE)
    assert screen.page == "main"
    assert evening.sessions[0].status == "closed"
    assert not screen.left
    evening.press(ESCAPE)
    assert screen.left


def test_nobody_answers_and_what_to_do_is_told(evening):
    screen = evening.open()
    evening.press(RETURN)
    evening.until(lambda: screen.page == "main")
    assert "Nobody answers" in screen.message
    assert "firewall" in screen.message
    assert screen.session is None
    assert evening.sessions[0].status == "closed"


def test_a_full_game_and_another_game_are_told(evening):
    evening.serve(config=ServerConfig(max_clients=1))
    evening.serve(port=9000, game="chess")
    evening.stage.join(game="pong")
    evening.stage.run(1.0)
    screen = evening.open()
    evening.press(RETURN)
    evening.until(lambda: screen.page == "main")
    assert "full" in screen.message
    evening.type("localhost:9000")
    evening.press(RETURN)
    evening.until(lambda: screen.page == "main")
    assert "different game" in screen.message


def test_another_version_is_told_before_it_is_tried(evening):
    evening.browser.games = (found("old", version_ok=False),)
    screen = evening.open()
    evening.press(UP, RETURN)
    assert "version" in screen.message
    assert screen.page == "main"
    assert not evening.asked


def test_what_connecting_raises_is_told(evening):
    def refuse(*_: Any) -> Session:
        raise ValueError("this makes no sense")

    screen = evening.open(connect=refuse)
    evening.press(RETURN)
    assert (screen.page, screen.message) == ("main", "this makes no sense")


def test_a_password_is_asked_for_where_it_is_needed_and_again_if_it_was_wrong(evening):
    evening.serve(password="sesame")
    screen = evening.open()
    evening.press(RETURN)
    evening.until(lambda: screen.page == "password")
    assert screen.message == ""
    evening.type("open")
    evening.press(RETURN)
    evening.until(lambda: screen.page == "password")
    assert "password is wrong" in screen.message
    evening.press(pygame.K_a, mod=pygame.KMOD_LCTRL)
    evening.type("sesame")
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    assert [password for _, _, password in evening.asked] == [None, "open", "sesame"]


def test_a_game_known_to_have_a_password_asks_for_it_first(evening):
    evening.serve(password="sesame")
    evening.browser.games = (found("secret", password=True),)
    screen = evening.open()
    evening.press(UP, RETURN)
    assert (screen.page, evening.asked) == ("password", [])
    evening.type("sesame")
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    screen.reopen()
    evening.frames(1)
    assert screen.inside.flow.entries.password.text == ""


def test_a_password_that_cannot_be_one_is_told(evening):
    def connect(hostname: str, port: int, password: str | None) -> Session:
        raise ValueError("no such password")

    evening.browser.games = (found("secret", password=True),)
    screen = evening.open(connect=connect)
    evening.press(UP, RETURN, RETURN)
    assert (screen.page, screen.message) == ("password", "no such password")
    evening.press(ESCAPE)
    assert screen.page == "main"


def test_without_a_network_the_list_says_why(evening):
    evening.browser.problem = "this machine is in no network"
    screen = evening.open()
    assert "no network" in screen.inside.flow.search.problem
    evening.open(browser=None, search=False)


def test_after_a_lost_game_one_is_back_here_and_hears_why(evening):
    backend = evening.serve()
    screen = evening.open()
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    session = screen.session
    backend.shutdown()
    evening.stage.run_until(lambda: session.status == "lost", session.poll)
    screen.reopen(session.reason)
    evening.frames(1)
    assert screen.page == "main"
    assert "host has ended the game" in screen.message
    assert screen.session is None
    assert session.status == "closed"


# -- for the game that follows


def test_what_the_server_says_at_once_comes_by_again_for_the_game(evening):
    evening.serve()
    screen = evening.open()
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    heard: list[Any] = []

    def game() -> None:
        for event in pygame.event.get():
            if event.type in (CONNECTED, SERVER_EVENT):
                assert event.session is screen.session
                heard.append("CONNECTED" if event.type == CONNECTED else (event.name, event.args))
        screen.session.view()

    evening.stage.run(1.0, game)
    assert heard == ["CONNECTED", ("SEAT", ("left",))]


def test_a_program_that_blocks_connected_gets_its_session_all_the_same(evening):
    evening.serve()
    screen = evening.open()
    pygame.event.set_blocked(CONNECTED)
    try:
        evening.press(RETURN)
        evening.until(lambda: screen.session)
    finally:
        pygame.event.set_allowed(CONNECTED)


def test_once_there_is_a_session_events_are_the_games(evening):
    evening.serve()
    screen = evening.open()
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    assert not screen.handle(pygame.event.Event(pygame.KEYDOWN, key=ESCAPE, mod=0, unicode=""))
    assert not screen.left


@pytest.mark.parametrize(
    ("typed", "name"), [("", "Player"), ("   ", "Player"), ("x" * 500, "x" * 24), (" 😀  Zoë\t", "😀 Zoë")]
)
def test_a_name_is_one_line_and_never_empty(evening, typed, name):
    screen = evening.open(name="")
    assert screen.inside.menu.focus == "name"
    evening.type(typed)
    assert screen.name == name


# -- hosting


def test_hosting_shows_what_friends_type_and_opens_the_game(evening):
    opened: list[tuple[int, str | None]] = []

    def host(port: int, password: str | None) -> Session:
        opened.append((port, password))
        evening.serve(port=port, password=password)
        return evening.connect("localhost", port, password)

    screen = evening.open(host=host)
    evening.stage.click(evening.item("host").center)
    evening.frames(1)
    assert screen.page == "host"
    assert screen.friends_type == ["192.168.1.5", "10.0.0.2"]
    evening.stage.click(evening.item("port").center)
    evening.frames(1)
    evening.press(pygame.K_a, mod=pygame.KMOD_LCTRL)
    evening.type("9123")
    assert screen.friends_type == ["192.168.1.5:9123", "10.0.0.2:9123"]
    evening.press(DOWN)
    evening.type("sesame")
    evening.press(RETURN)
    evening.until(lambda: screen.session)
    assert opened == [(9123, "sesame")]


def test_a_game_without_passwords_asks_for_none(evening):
    evening.open(host=lambda *_: None, passwords=False)
    evening.stage.click(evening.item("host").center)
    evening.frames(1)
    assert [item.key for item in evening.screen.inside.page().items] == ["name", "port", "start", "back"]


def test_a_port_that_is_taken_is_told_and_another_suggested(evening):
    def host(port: int, password: str | None) -> Session:
        if port == 8080:
            raise AddressInUse("taken")
        evening.serve(port=port)
        return evening.connect("localhost", port, password)

    screen = evening.open(host=host)
    evening.stage.click(evening.item("host").center)
    evening.frames(1)
    evening.press(RETURN)
    assert screen.page == "host"
    assert "Port 8080 is taken" in screen.message
    assert "8081" in screen.message
    evening.press(RETURN)
    evening.until(lambda: screen.session)


@pytest.mark.parametrize("port", ["", "0", "65536", "http", "٣"])
def test_what_is_no_port_is_told(evening, port):
    screen = evening.open(host=lambda port, password: pytest.fail("it was tried"))
    evening.stage.click(evening.item("host").center)
    evening.frames(1)
    evening.stage.click(evening.item("port").center)
    evening.frames(1)
    evening.press(pygame.K_a, mod=pygame.KMOD_LCTRL)
    evening.press(pygame.K_BACKSPACE)
    evening.type(port)
    evening.press(RETURN)
    assert "is not a port" in screen.message
    evening.press(ESCAPE)
    assert screen.page == "main"


def test_who_is_in_no_network_hears_so(evening):
    screen = evening.open(host=lambda *_: None, addresses=lambda: ["127.0.0.1"])
    evening.stage.click(evening.item("host").center)
    evening.frames(2)
    assert screen.friends_type == []


def test_a_game_that_cannot_be_hosted_offers_no_button(evening):
    screen = evening.open()
    assert "host" not in [item.key for item in screen.inside.page().items]


# -- keyboard, mouse and gamepad


def test_tab_goes_round_and_back(evening):
    evening.browser.games = (found("Anna's"),)
    screen = evening.open(host=lambda *_: None)
    order = [screen.inside.menu.focus]
    for _ in range(6):
        evening.press(TAB)
        order.append(screen.inside.menu.focus)
    assert order == ["address", "join", "host", "leave", "name", ("game", "127.0.0.1", 8080), "address"]
    evening.press(TAB, mod=pygame.KMOD_LSHIFT)
    assert screen.inside.menu.focus == ("game", "127.0.0.1", 8080)


def test_arrows_go_where_they_point(evening):
    screen = evening.open(host=lambda *_: None)
    evening.press(DOWN)
    assert screen.inside.menu.focus == "host"
    evening.press(RIGHT)
    assert screen.inside.menu.focus == "leave"
    evening.press(RIGHT, DOWN)
    assert screen.inside.menu.focus == "leave"
    evening.press(UP, LEFT, RIGHT)
    assert screen.inside.menu.focus == "address"
    evening.press(TAB)
    assert screen.inside.menu.focus == "join"
    evening.press(LEFT)
    assert screen.inside.menu.focus == "address"
    evening.press(UP)
    assert screen.inside.menu.focus == "name"
    evening.press(RETURN)
    assert screen.inside.menu.focus == "address"


def test_only_the_entry_with_the_focus_takes_what_is_typed(evening):
    screen = evening.open()
    evening.type("abc")
    evening.press(UP)
    evening.type("!")
    assert screen.name == "Zoë!"
    assert screen.inside.flow.entries.address.text == "abc"
    assert not screen.inside.flow.entries.address.focused


def test_with_a_gamepad_one_types_on_the_screen(evening):
    screen = evening.open(name="")
    evening.stage.press_pad(0)
    evening.stage.release_pad(0)
    evening.frames(1)
    assert screen.page == "typing"
    for key in ("q", "w"):
        evening.stage.click(evening.item(("key", key)).center)
        evening.frames(1)
    evening.stage.push_hat(1, 0)
    evening.stage.push_hat(0, 0)
    evening.stage.press_pad(0)
    evening.stage.release_pad(0)
    evening.frames(1)
    evening.stage.click(evening.item("space").center)
    evening.stage.click(evening.item("shift").center)
    evening.frames(1)
    evening.stage.click(evening.item(("key", "1")).center)
    evening.stage.click(evening.item("delete").center)
    evening.stage.click(evening.item("done").center)
    evening.frames(1)
    assert screen.page == "main"
    assert screen.inside.menu.focus == "name"
    assert screen.inside.flow.entries.name.text == "Qwe "
    evening.stage.press_pad(0)
    evening.stage.release_pad(0)
    evening.stage.press_pad(1)
    evening.frames(1)
    assert screen.page == "main"
    assert not screen.left


# -- how it looks


def pages(evening: Evening) -> Iterator[str]:
    screen = evening.open(host=lambda *_: None)
    flow = screen.inside.flow
    words = "The whole sentence of what is wrong, and what the player can do about it. " * 3
    games = [found("😀 " * 30 + "and a long name", players=4, password=True), found("old", port=2, version_ok=False)]
    for games_found in ([], games, [found(f"game {port}", port=port) for port in range(1, 40)]):
        evening.browser.games = tuple(games_found)
        for message in ("", "short", words):
            for page in ("main", "password"):
                flow.show(page, message)
                yield f"{page} {len(games_found)} {message}"
    for addresses in ((), ("192.168.1.5",), tuple(f"10.0.0.{number}" for number in range(20))):
        flow.own_addresses = addresses
        flow.show("host", words)
        yield f"host {len(addresses)}"
    flow.type_into(flow.entries.name)
    yield "typing"
    flow.finish_typing()
    flow.attempt.begin(evening.stage.join())
    flow.show("connecting")
    yield "connecting"


@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_or_leaves_the_window(seed, size):
    evening = Evening(seed, size)
    with evening.stage:
        for what in pages(evening):
            page = evening.screen.inside.page()
            rects = [item.rect for item in page.items] + page.text_places
            window = pygame.Rect(0, 0, *size)
            for number, rect in enumerate(rects):
                assert window.contains(rect), (what, rect)
                others = rects[:number] + rects[number + 1 :]
                assert rect.collidelist(others) == -1, (what, rect, others[rect.collidelist(others)])
            evening.screen.draw(evening.stage.screen)
            evening.screen.inside.flow.attempt.end()


@pytest.mark.parametrize("size", [(1, 1), (100, 80), (320, 200)])
def test_in_a_window_that_is_too_small_it_does_not_fail(seed, size):
    evening = Evening(seed, size)
    with evening.stage:
        for _ in pages(evening):
            evening.screen.draw(pygame.Surface(size))
            evening.screen.inside.flow.attempt.end()


def test_the_window_may_change_its_size_at_any_time(evening):
    screen = evening.open()
    for size in SIZES:
        evening.stage.resize(size)
        evening.frames(2)
        assert screen.inside.page().sheet.width <= size[0]


# -- what is remembered


def test_name_and_address_are_there_again_the_next_time(evening, tmp_path):
    evening.serve(port=9000)
    path = tmp_path / "deep" / "pong.json"
    screen = evening.open(remember=path)
    evening.type("example.org:9000")
    evening.press(UP)
    evening.type("!")
    evening.press(RETURN, RETURN)
    evening.until(lambda: screen.session)
    screen.session.close()
    again = evening.open(remember=path, name="somebody else")
    assert again.name == "Zoë!"
    again.name = "Ann"
    assert again.name == again.inside.flow.entries.name.text == "Ann"
    assert again.inside.flow.entries.address.text == "example.org:9000"


def test_the_port_of_an_opened_game_is_remembered(evening, tmp_path):
    def host(port: int, password: str | None) -> Session:
        evening.serve(port=port)
        return evening.connect("localhost", port, password)

    screen = evening.open(host=host, remember=tmp_path / "x.json")
    screen.inside.flow.open_hosting()
    screen.inside.flow.entries.port.text = "9555"
    screen.inside.flow.start_hosting()
    evening.until(lambda: screen.session)
    assert json.loads((tmp_path / "x.json").read_text())["port"] == "9555"
    assert evening.open(host=host, remember=str(tmp_path / "x.json")).inside.flow.entries.port.text == "9555"


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[1]", b'{"name": 5}', b"\xff\xfe", b"[" * 5000, b'"' + b"x" * 100_000 + b'"']
)
def test_a_file_that_cannot_be_read_is_as_good_as_none(evening, tmp_path, content):
    path = tmp_path / "pong.json"
    path.write_bytes(content)
    assert evening.open(remember=path).name == "Zoë"
    Remembered(path).update({"name": "Ann"})
    assert Remembered(path).get("name") == "Ann"


def test_a_file_that_cannot_be_written_is_no_drama(tmp_path):
    (tmp_path / "file").write_text("")
    remembered = Remembered(tmp_path / "file" / "pong.json")
    remembered.update({"name": "Ann"})
    assert remembered.get("name") == "Ann"
    assert Remembered(None).get("name", "nobody") == "nobody"


def test_a_name_that_cannot_be_written_costs_nothing_else(tmp_path):
    remembered = Remembered(tmp_path / "pong.json")
    remembered.update({"name": "\ud800", "address": "box"})
    assert Remembered(tmp_path / "pong.json").get("address") == "box"
    assert list(tmp_path.iterdir()) == [tmp_path / "pong.json"]


def test_settings_are_kept_where_the_system_wants_them(monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/cfg")
    assert default_path("My Game: 2") == Path("/cfg/pygase/my-game-2.json")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")
    monkeypatch.setenv("HOME", "/ann")
    assert config_directory() == Path("/ann/.config")
    monkeypatch.setattr("sys.platform", "darwin")
    assert config_directory() == Path("/ann/Library/Application Support")
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setenv("APPDATA", "/roaming")
    assert config_directory() == Path("/roaming")
    assert default_path("../..").name == "game.json"


def test_what_arrives_together_with_the_connection_keeps_its_order(evening):
    screen = evening.open()
    evening.press(RETURN)
    session = evening.sessions[0]
    pygame.event.clear()
    for kind, attributes in ((CONNECTED, {}), (SERVER_EVENT, {"name": "A"}), (SERVER_EVENT, {"name": "B"})):
        screen.handle(pygame.event.Event(kind, session=session, **attributes))
    assert screen.session is session
    again = pygame.event.get([CONNECTED, SERVER_EVENT])
    assert [getattr(event, "name", "CONNECTED") for event in again] == ["CONNECTED", "A", "B"]
    for event in again:
        assert screen.handle(event)
    assert not pygame.event.get([CONNECTED, SERVER_EVENT])


def test_what_comes_of_a_connection_that_was_cancelled_is_nobodys(evening):
    screen = evening.open()
    evening.press(RETURN)
    evening.press(ESCAPE)
    assert screen.handle(pygame.event.Event(CONNECTED, session=evening.sessions[0]))
    assert screen.session is None


KEYS = [UP, DOWN, LEFT, RIGHT, RETURN, ESCAPE, TAB, pygame.K_BACKSPACE, pygame.K_a, pygame.K_v, pygame.K_SPACE]


def anything(stage: Headless, rng: random.Random) -> None:
    """Do something that a player, or a cat, might do."""
    spot = (rng.randrange(-5, stage.screen.get_width() + 5), rng.randrange(-5, stage.screen.get_height() + 5))
    rng.choice(
        [
            lambda: stage.tap(rng.choice(KEYS), rng.choice([0, 0, pygame.KMOD_LCTRL, pygame.KMOD_LSHIFT])),
            lambda: stage.type(rng.choice(["x", "9", "[::1]:80", "日本", "😀", "\ud800", "a" * 300])),
            lambda: stage.click(spot, rng.choice([1, 1, 2, 3])),
            lambda: stage.scroll(rng.randint(-3, 3), rng.randint(-3, 3)),
            lambda: stage.push_hat(rng.randint(-1, 1), rng.randint(-1, 1)),
            lambda: stage.push_stick(rng.randrange(6), rng.uniform(-1, 1)),
            lambda: (stage.press_pad(button := rng.randrange(4)), stage.release_pad(button)),
            lambda: stage.post(pygame.TEXTEDITING, text=rng.choice(["", "にほ"]), start=0, length=0),
            lambda: stage.resize(rng.choice(SIZES[:3])),
            stage.lose_focus,
        ]
    )()


def test_whatever_is_pressed_in_whatever_order_it_goes_on(evening, rng):
    evening.serve(password="x")

    def host(port: int, password: str | None) -> Session:
        if port < 1024:
            raise AddressInUse("taken")
        return evening.connect("localhost", 8080, password)

    screen = evening.open(host=host)
    flow = screen.inside.flow
    ways_in = [screen.reopen, flow.open_hosting, flow.join_typed, lambda: flow.type_into(flow.entries.address)]
    for number in range(240):
        evening.browser.games = tuple(found(f"{n}", port=9000 + n, password=n % 2 == 0) for n in range(number % 7))
        if number % 30 == 0:
            screen.reopen("again")
            ways_in[number // 30 % len(ways_in)]()
        for _ in range(rng.randrange(4)):
            anything(evening.stage, rng)
        evening.frames(1)
        assert screen.session is not None or screen.inside.menu.focus in [
            item.key for item in screen.inside.page().items
        ]
        if screen.session is not None:
            screen.reopen("again")
