"""The guide leads from the single-player game to the multiplayer one in 25 lines, and both games work."""

import math
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygame
import pytest

import pygase_pygame
from games.hello import multiplayer, single_player
from pygase import Backend, Client
from pygase.testing import Link, SimulatedNetwork
from tests.support.documents import difference
from tests.support.staged import HeldKeys

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "embed.md"
BEFORE, AFTER = "games/hello/single_player.py", "games/hello/multiplayer.py"
MOST_LINES = 25


def test_no_more_lines_change_than_the_guide_promises() -> None:
    written, gone, _ = difference(BEFORE, AFTER)
    assert written <= MOST_LINES
    assert f"{written} lines are new or different, {gone} of the old ones are gone" in _words(PAGE)


def test_the_guide_shows_the_whole_difference() -> None:
    assert difference(BEFORE, AFTER)[2] in PAGE.read_text(encoding="utf-8")


def test_the_single_player_game_is_an_ordinary_one_of_about_80_lines() -> None:
    source = (ROOT / BEFORE).read_text(encoding="utf-8")
    assert 70 <= len(source.splitlines()) <= 90
    assert "pygase" not in source


def _words(page: Path) -> str:
    return " ".join(page.read_text(encoding="utf-8").split())


def towards_a_star(ship: dict[str, Any], stars: list[dict[str, Any]]) -> list[str]:
    """Return the keys that a player holds to fly to the nearest star."""
    star = min(stars, key=lambda star: math.hypot(star["x"] - ship["x"], star["y"] - ship["y"]))
    across, down = star["x"] - ship["x"], star["y"] - ship["y"]
    wishes = {"left": across < -3, "right": across > 3, "up": down < -3, "down": down > 3}
    return [name for name, wanted in wishes.items() if wanted]


class Player:
    """Plays at a game's window: flies to stars, and closes the window after some seconds.

    `look` returns the own ship and the stars as they were last drawn. `pass_time` is called in each frame.
    """

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, seconds: float, look: Callable[[], Any], pass_time: Callable[[], None]
    ) -> None:
        self.held = HeldKeys(monkeypatch)
        self._look = look
        self.frames = 0
        self._last = round(seconds * 60)
        self._pass_time = pass_time
        monkeypatch.setattr(pygame.time, "Clock", lambda: self)

    def tick(self, rate: int) -> None:
        """Replaces `pygame.time.Clock.tick`: look at the screen, press keys, and let time pass."""
        assert rate == 60
        self.frames += 1
        ship, stars = self._look()
        if ship is not None:
            self.held.keys = {single_player.KEYS[name] for name in towards_a_star(ship, stars)}
        if self.frames == self._last:
            pygame.event.post(pygame.event.Event(pygame.QUIT))
        self._pass_time()


def test_one_plays_alone_for_half_a_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    random.seed(1)
    drawn: list[Any] = []
    draw = single_player.draw

    def watch(screen: pygame.Surface, font: pygame.font.Font, game: Any) -> None:
        draw(screen, font, game)
        drawn.append(dict(game))

    monkeypatch.setattr(single_player, "draw", watch)
    player = Player(monkeypatch, 30, lambda: (drawn[-1]["ship"], drawn[-1]["stars"]), lambda: None)
    single_player.main()
    assert player.frames == 30 * 60 + 1, "the last frame sees the window close"
    assert drawn[-1]["ship"]["score"] > 20


class Host:
    """Replaces `pygase_pygame.host`: the same on a simulated network."""

    def __init__(self) -> None:
        self.network = SimulatedNetwork(seed=1, link=Link(latency=0.03, jitter=0.01))
        self.guest = Client()

    def __call__(self, backend: Backend, port: int, hostname: str, *, interval: float, **options: Any) -> Any:
        """Serve the game, and connect the host and a guest."""
        self.backend = backend
        self.network.serve(backend, port=port, interval=interval)
        self.network.connect(self.guest, port)
        client = Client()
        self.session = pygase_pygame.Session(client, clock=self.network.clock, backend=backend, **options)
        self.network.connect(client, port)
        return self.session

    def pass_time(self) -> None:
        """Let the time of a frame pass. The guest flies, and sends nonsense from time to time."""
        wishes: list[Any] = [["left"], ["right", "down"], ["up"], [], None, 7, [["left"]], {"left": True}]
        self.guest.send_input(random.choice(wishes))
        self.network.run(1 / 60)


def test_two_play_for_half_a_minute_whatever_one_of_them_sends(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    random.seed(1)
    host = Host()
    drawn: list[dict[str, Any]] = []
    draw = multiplayer.draw

    def watch(screen: pygame.Surface, font: pygame.font.Font, game: Any) -> None:
        draw(screen, font, game)
        drawn.append({"ships": game.get("ships", {}), "stars": game.get("stars", [])})

    def look() -> Any:
        return drawn[-1]["ships"].get(host.session.me), drawn[-1]["stars"]

    monkeypatch.setattr("sys.argv", ["multiplayer.py"])
    monkeypatch.setattr(multiplayer, "draw", watch)
    monkeypatch.setattr(multiplayer, "host", host)
    player = Player(monkeypatch, 30, look, host.pass_time)
    multiplayer.main()
    assert player.frames == 30 * 60 + 1, "the last frame sees the window close"
    assert drawn[0]["ships"] == {}, "the first frames are drawn before anything has arrived"
    ships = drawn[-1]["ships"]
    assert ships.keys() == {host.session.me, host.guest.id}
    assert ships[host.session.me]["score"] > 20
    guest = {frame["ships"][host.guest.id]["x"] for frame in drawn[120:]}
    assert len(guest) > 100, "the other one is seen to fly about"
    assert "raised" not in caplog.text
    host.network.run(1.0)
    assert host.guest.status == "disconnected", "the game ends with its host"


def test_with_an_address_it_joins(monkeypatch: pytest.MonkeyPatch) -> None:
    joined: list[str] = []
    host = Host()

    def join(address: str, **options: Any) -> Any:
        joined.append(address)
        client = Client()
        session = pygase_pygame.Session(client, clock=host.network.clock, **options)
        host.network.connect(client)
        return session

    monkeypatch.setattr("sys.argv", ["multiplayer.py", "192.168.1.5"])
    monkeypatch.setattr(multiplayer, "join", join)
    Player(monkeypatch, 1, lambda: (None, []), lambda: host.network.run(1 / 60))
    multiplayer.main()
    assert joined == ["192.168.1.5"]
