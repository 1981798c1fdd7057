"""Esc opens a menu with everything that a player may want to change, and a host is asked before the game ends."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from pygase_pygame.app import GameLoop, Hosting, Playing, Settings, Window
from pygase_pygame.app.game_screen import LobbyOptions
from pygase_pygame.joining import host, join
from tests.support.demo import DEMO, DemoScreen
from tests.support.table import FRAME, Seat, Table


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table(DEMO)
    yield table
    table.close()


@pytest.fixture
def ada(table: Table, tmp_path: Path) -> Seat:
    seat = table.sit("Ada")
    seat.screen.playing.settings.path = tmp_path / "settings.json"
    seat.screen.playing.game = "demo"
    table.runs(0.5)
    seat.presses(pygame.K_ESCAPE)
    return seat


class Copied:
    """A clipboard."""

    text = ""

    def get(self) -> str:
        """Return the text."""
        return self.text

    def put(self, text: str) -> None:
        """Keep the text."""
        self.text = text


def rows(seat: Seat) -> dict[Any, str]:
    """Return the rows as they are drawn: key and value."""
    seat.frame()
    return {item.key: item.detail for item in seat.loop.menu.rows.items}


def choose(seat: Seat, key: str, *keys: int) -> None:
    """Give a row the focus, and press keys; Return if none is given."""
    seat.frame()
    seat.loop.menu.rows.choose(key)
    for each in keys or (pygame.K_RETURN,):
        seat.presses(each)
        seat.releases(each)


def kept(seat: Seat) -> Settings:
    return Settings.load(seat.screen.playing.settings.path)


def test_a_second_esc_closes_the_menu_and_the_game_hears_no_key_meanwhile(table: Table, ada: Seat) -> None:
    assert ada.loop.menu.is_open
    heard = list(ada.screen.heard)  # type: ignore[attr-defined]
    ada.presses(pygame.K_2)
    ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=(1, 1))
    assert ada.screen.heard == heard  # type: ignore[attr-defined]
    updates = ada.screen.updates  # type: ignore[attr-defined]
    table.runs(0.5)
    assert ada.screen.updates > updates, "the connection goes on"  # type: ignore[attr-defined]
    ada.presses(pygame.K_ESCAPE)
    assert not ada.loop.menu.is_open
    assert ada.open
    ada.presses(pygame.K_SPACE)
    assert len(ada.screen.heard) > len(heard)  # type: ignore[attr-defined]


def test_keys_that_were_held_are_released(table: Table) -> None:
    seat = table.sit("Ada")
    table.runs(0.5)
    seat.screen.controls.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_w))
    assert seat.screen.controls.held("up")
    seat.presses(pygame.K_ESCAPE)
    assert not seat.screen.controls.held("up")


def test_volumes_and_limits_change_by_the_arrows_and_are_kept(ada: Seat) -> None:
    assert rows(ada)["sound"] == "100%"
    choose(ada, "sound", pygame.K_LEFT, pygame.K_LEFT)
    choose(ada, "shake", *[pygame.K_LEFT] * 20)
    choose(ada, "flash")  # from the loudest to none
    choose(ada, "music", pygame.K_LEFT, pygame.K_RIGHT, pygame.K_RIGHT)
    now = rows(ada)
    assert [now[key] for key in ("sound", "music", "shake", "flash")] == ["80%", "100%", "0%", "0%"]
    assert ada.screen.playing.sounds.volume == pytest.approx(0.8)
    assert ada.screen.playing.juice.shake.comfort.shake == 0.0
    assert (kept(ada).sound, kept(ada).comfort.shake) == (0.8, 0.0)


def test_the_link_and_the_full_screen_are_rows_too(table: Table, ada: Seat) -> None:
    choose(ada, "link", pygame.K_RIGHT, pygame.K_RIGHT)
    assert rows(ada)["link"] == "wifi"
    choose(ada, "full")
    assert table.window.surface.get_flags() & pygame.FULLSCREEN
    assert "Full screen: on" in ada.loop.said.text
    choose(ada, "full")
    assert rows(ada)["full"] == "off"


def test_another_key_is_chosen_used_and_kept(ada: Seat) -> None:
    choose(ada, "keys")
    assert rows(ada)["up"] == "Up or W or pad up"
    choose(ada, "up")
    assert "press" in rows(ada)["up"]
    ada.presses(pygame.K_i)
    assert ada.screen.controls.bindings["up"] == (pygame.K_i,)
    assert ada.loop.said.text == "Up: I"
    assert kept(ada).keys["demo"]["up"] == [pygame.K_i]
    choose(ada, "up")
    ada.presses(pygame.K_ESCAPE)
    assert ada.screen.controls.bindings["up"] == (pygame.K_i,), "Esc keeps the key"
    assert ada.loop.menu.page == "keys"
    choose(ada, "up")
    ada.happens(pygame.JOYBUTTONDOWN, instance_id=0, joy=0, button=3)
    assert ada.screen.controls.bindings["up"] == ("pad 3",)
    choose(ada, "first keys")
    assert ada.screen.controls.label("up") == "Up or W or pad up"
    ada.presses(pygame.K_ESCAPE)
    assert ada.loop.menu.page == "menu"


def test_the_invitation_is_copied(ada: Seat) -> None:
    assert "invite" not in rows(ada), "who has none cannot copy it"
    clipboard = Copied()
    ada.loop.menu.clipboard = clipboard
    ada.screen.playing.invitation = "python -m demo join 10.0.0.1"
    choose(ada, "invite")
    assert clipboard.get() == "python -m demo join 10.0.0.1"
    assert "Copied" in ada.loop.said.text


def test_a_colour_is_wished_for_where_players_have_one(ada: Seat, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "colour" not in rows(ada)
    monkeypatch.setattr(DemoScreen, "lobby", LobbyOptions())
    choose(ada, "colour", pygame.K_RIGHT, pygame.K_RIGHT)
    assert rows(ada)["colour"] == kept(ada).colour == "blue"


@pytest.mark.parametrize(("row", "end"), [("leave", "leave"), ("back", "back")])
def test_the_last_rows_lead_out(ada: Seat, row: str, end: str) -> None:
    choose(ada, row)
    assert not ada.open
    assert ada.loop.end == end


def test_a_key_that_changes_something_says_so_for_two_seconds(table: Table, ada: Seat) -> None:
    ada.presses(pygame.K_ESCAPE)
    for key, words in (
        (pygame.K_F9, "Sound: off"),
        (pygame.K_F3, "Network graph: on"),
        (pygame.K_F11, "Full screen: on"),
    ):
        ada.presses(key)
        assert words in ada.loop.said.text
    table.runs(1.9)
    assert ada.loop.said.text
    table.runs(0.2)
    assert not ada.loop.said.text


def test_the_start_button_of_a_gamepad_opens_it_and_the_pad_moves_in_it(ada: Seat) -> None:
    ada.presses(pygame.K_ESCAPE)
    ada.happens(pygame.JOYBUTTONDOWN, instance_id=0, joy=0, button=7)
    assert ada.loop.menu.is_open
    ada.happens(pygame.JOYHATMOTION, instance_id=0, joy=0, hat=0, value=(0, -1))
    ada.happens(pygame.JOYHATMOTION, instance_id=0, joy=0, hat=0, value=(0, 0))
    assert ada.loop.menu.rows.focus == "sound"
    ada.happens(pygame.JOYBUTTONDOWN, instance_id=0, joy=0, button=1)
    assert not ada.loop.menu.is_open


@pytest.mark.parametrize("size", [(320, 200), (640, 360), (3840, 2160)])
def test_each_row_can_be_reached_in_any_window_and_lies_inside_it(
    table: Table, ada: Seat, size: tuple[int, int]
) -> None:
    pygame.display.set_mode(size, pygame.RESIZABLE)
    seen = set()
    for _ in range(12):
        seen |= rows(ada).keys()
        for item in ada.loop.menu.rows.items:
            assert table.window.surface.get_rect().contains(item.rect)
        assert ada.loop.menu.rows.focus in rows(ada)
        ada.presses(pygame.K_DOWN)
    assert {"resume", "sound", "music", "link", "full", "keys", "back", "leave"} <= seen


class Hosted:
    """A game that is served by threads, and played in a window."""

    def __init__(self) -> None:
        self.backend = DEMO.serve(Hosting())
        self.session = host(self.backend, game="demo", interval=1 / 60)
        self.window = Window("Demo")
        self.loop = GameLoop(self.window, DemoScreen(Playing(self.session, "Ada")))

    def frames(self, until: Any, *events: pygame.event.Event) -> None:
        """Do frames until something is true, ten seconds at most."""
        self.loop.frame(events)
        ends_at = time.monotonic() + 10.0
        while not until() and time.monotonic() < ends_at:
            self.loop.frame([])
            time.sleep(FRAME)
        assert until()

    def press(self, key: int) -> None:
        self.loop.frame([pygame.event.Event(pygame.KEYDOWN, key=key, mod=0)])

    @property
    def ticks(self) -> int:
        return self.backend.game_state_store.get_game_state().time_order


@pytest.fixture
def hosted() -> Iterator[Hosted]:
    hosted = Hosted()
    yield hosted
    hosted.session.close()
    hosted.window.close()


@pytest.mark.integration
def test_alone_the_game_stands_while_the_menu_is_open_and_goes_on_when_somebody_arrives(hosted: Hosted) -> None:
    hosted.frames(lambda: hosted.session.is_in_game and hosted.ticks > 5)
    hosted.press(pygame.K_ESCAPE)
    menu = hosted.loop.menu
    hosted.frames(lambda: menu.standstill.is_on)
    stood_at = hosted.ticks
    time.sleep(0.2)
    assert hosted.ticks == stood_at
    assert menu.contents()[0] == "Paused"
    guest = join("localhost", hosted.backend.server.port or 0, game="demo")
    hosted.frames(lambda: guest.status == "connected" and hosted.ticks > stood_at + 5)
    assert not menu.standstill.is_on
    assert menu.is_open
    hosted.press(pygame.K_UP)
    hosted.press(pygame.K_RETURN)
    assert (menu.page, hosted.loop.end) == ("ask", None)
    assert "1 other player plays" in menu.contents()[2]
    hosted.press(pygame.K_RETURN)
    assert menu.page == "menu", "staying is the first choice"
    guest.close()
    hosted.frames(lambda: menu.standstill.is_on)
    hosted.press(pygame.K_ESCAPE)
    stood_at = hosted.ticks
    hosted.frames(lambda: hosted.ticks > stood_at + 5)


@pytest.mark.integration
def test_a_host_may_leave_during_the_pause(hosted: Hosted) -> None:
    hosted.frames(lambda: hosted.session.is_in_game)
    hosted.press(pygame.K_ESCAPE)
    hosted.frames(lambda: hosted.loop.menu.standstill.is_on)
    hosted.press(pygame.K_UP)
    hosted.press(pygame.K_RETURN)
    assert hosted.loop.end == "leave"
    began_at = time.monotonic()
    hosted.session.close()
    assert time.monotonic() - began_at < 2.0
    assert hosted.backend.server.port is None
