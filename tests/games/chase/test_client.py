"""Players at windows: real server, sessions and (invisible) windows, in virtual time."""

import math
import random
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from games.chase import rules, words
from games.chase.__main__ import GAME
from games.chase.client import ChaseScreen
from games.chase.figures import Figures
from games.chase.picture import Picture
from games.chase.server import ChaseServer
from pygase.testing import Link
from pygase_pygame.app import hud
from pygase_pygame.ui.palette import WHITE
from tests.support.table import Seat, Table


class Chase(Table):
    """A table at which Chase is played. A test can change the server's state."""

    def __init__(self, bots: int = 0, **options: Any) -> None:
        self.server = ChaseServer(bots, random.Random(1))
        super().__init__(GAME, backend=self.server.backend, **options)

    def put(self, seat: Seat, **parts: Any) -> None:
        number = me(seat)
        self.server.runners[number] = {**self.server.runners[number], **parts}  # type: ignore[typeddict-item]

    def make_it(self, seat: Seat) -> None:
        self.server.runners = rules.elected(self.server.runners, me(seat))
        self.put(seat, frozen=0)


@pytest.fixture
def table() -> Iterator[Chase]:
    chase = Chase()
    yield chase
    chase.close()


def screen_of(seat: Seat) -> ChaseScreen:
    assert isinstance(seat.screen, ChaseScreen)
    return seat.screen


def me(seat: Seat) -> int:
    number = seat.session.me
    assert number is not None
    return number


def mine(seat: Seat) -> Any:
    """Return a player's own runner, as their window shows it."""
    return seat.session.view()["runners"][me(seat)]


def status(seat: Seat) -> str:
    return seat.session.status


def truth(table: Table, seat: Seat) -> Any:
    return table.state.runners[me(seat)]


@pytest.mark.parametrize(
    ("keys", "way"),
    [
        ([pygame.K_RIGHT], (1, 0)),
        ([pygame.K_a], (-1, 0)),
        ([pygame.K_UP], (0, -1)),
        ([pygame.K_s], (0, 1)),
        ([pygame.K_w, pygame.K_d], (math.sqrt(0.5), -math.sqrt(0.5))),
        ([pygame.K_LEFT, pygame.K_RIGHT], (0, 0)),
    ],
)
def test_keys_move_ones_own_runner(table: Chase, keys: list[int], way: tuple[float, float]) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.0)
    table.put(ada, x=2_800, y=1_500, it=True, frozen=0)
    table.runs(0.5)
    bob_at = truth(table, bob)["x"], truth(table, bob)["y"]
    ada.presses(*keys)
    table.runs(0.2)
    ada.releases(*keys)
    table.runs(0.3)
    ran = truth(table, ada)["x"] - 2_800, truth(table, ada)["y"] - 1_500
    for along, wanted in zip(ran, way, strict=True):
        assert along == pytest.approx(12 * rules.CHASING_SPEED * wanted, abs=2.2 * rules.CHASING_SPEED)
    assert (truth(table, bob)["x"], truth(table, bob)["y"]) == bob_at


def test_ones_own_runner_obeys_at_once_on_a_slow_link_and_is_where_the_server_says_in_the_end() -> None:
    table = Chase(link=Link(latency=0.15))
    ada = table.sit("Ada")
    table.runs(4.0)
    table.put(ada, x=2_800, y=1_500)
    table.runs(1.0)
    before = mine(ada)["x"]
    ada.presses(pygame.K_RIGHT)
    table.runs(0.1)
    assert mine(ada)["x"] > before + 2 * rules.CHASING_SPEED
    ada.releases(pygame.K_RIGHT)
    table.runs(1.0)
    assert mine(ada)["x"] == truth(table, ada)["x"]
    assert ada.session.predictor is not None
    assert ada.session.predictor.last_error == 0.0
    table.close()


def test_space_dashes(table: Chase) -> None:
    ada = table.sit("Ada")
    table.runs(2.0)
    ada.presses(pygame.K_RIGHT, pygame.K_SPACE)
    ada.releases(pygame.K_SPACE)  # a tap counts, even a short one
    table.runs(0.1)
    assert rules.is_dashing(truth(table, ada))
    assert rules.is_dashing(mine(ada))


def test_whom_one_touches_on_ones_own_screen_one_has_caught_also_on_a_slow_link() -> None:
    """Bob runs, and Ada runs after him. When she touches him on her screen, he is the chaser."""
    table = Chase(link=Link(latency=0.06))
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(2.0)
    table.make_it(ada)
    table.put(ada, x=300, y=250)
    table.put(bob, x=300 + 2 * rules.TOUCH, y=250, safe=0)
    table.runs(0.3)
    bob.presses(pygame.K_RIGHT)
    ada.presses(pygame.K_RIGHT, pygame.K_SPACE)
    touched_at = None
    while truth(table, ada)["it"] and table.network.now < 10:
        table.runs(1 / 60)
        view = ada.session.view()["runners"]
        if touched_at is None and rules.touches(view[me(ada)], view[me(bob)]):
            touched_at = table.network.now
    assert touched_at is not None
    assert table.network.now - touched_at <= 0.06 + 0.08  # the way to the server, and the wait for its tick
    gap = math.dist(*((runner["x"], runner["y"]) for runner in (truth(table, ada), truth(table, bob))))
    assert gap > rules.TOUCH  # at the server they did not touch: Ada's screen counted
    table.close()


def test_a_tag_is_told_to_both(table: Chase) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.0)
    table.make_it(ada)
    table.put(ada, x=2_800, y=1_500)
    table.put(bob, x=2_800, y=1_500 + rules.TOUCH, safe=0)
    table.runs(0.5)
    assert screen_of(ada).news.text == "You caught Bob."
    assert screen_of(bob).news.text == "Ada caught you."
    assert headline(bob).startswith("You are it! Stuck for")
    assert headline(ada).startswith("Bob is it. You are safe for")


def headline(seat: Seat) -> str:
    view = seat.session.view()
    return words.headline(view["runners"], view["people"], seat.session.me, view["round"]["winner"])


def test_sounds_are_made_of_what_happens(table: Chase, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    heard: dict[str, list[str]] = {"Ada": [], "Bob": []}
    for name, seat in (("Ada", ada), ("Bob", bob)):
        listen = heard[name].append
        monkeypatch.setattr(seat.screen.playing.sounds, "play", lambda sound, *_, listen=listen, **__: listen(sound))
    table.runs(1.0)
    table.make_it(ada)
    table.put(ada, x=2_800, y=1_500)
    table.put(bob, x=2_800, y=1_500 + 2 * rules.TOUCH, safe=0)
    table.runs(0.5)
    assert "heart" in heard["Bob"]
    table.put(bob, x=2_800, y=1_500 + rules.TOUCH)
    table.runs(2.0)
    assert "tag" in heard["Ada"]
    assert heard["Bob"][-2:] == ["caught", "go"]
    table.server.ticks_left = 1
    table.runs(0.3)
    assert heard["Ada"][-1] == "win"
    assert heard["Bob"][-1] == "over"


def test_alone_one_is_told_how_friends_join(table: Chase, monkeypatch: pytest.MonkeyPatch) -> None:
    notices: list[tuple[str, ...]] = []
    monkeypatch.setattr(Picture, "notice", lambda _self, _surface, *texts: notices.append(texts))
    ada = table.sit("Ada")
    ada.screen.playing.invitation = "python -m games.chase join 192.168.1.5"
    table.runs(0.5)
    assert notices[-1] == ("Nobody to catch yet", "Friends join with:", "python -m games.chase join 192.168.1.5")
    table.sit("Bob")
    table.runs(0.5)
    notices.clear()
    table.runs(0.1)
    assert notices == []


def test_who_comes_back_after_a_lost_connection_plays_on(table: Chase, monkeypatch: pytest.MonkeyPatch) -> None:
    footers: list[str] = []
    monkeypatch.setattr(hud, "footer", lambda _surface, _letters, status, _keys: footers.append(status))
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.0)
    table.network.partition(ada.session.client)
    table.runs(12.0)
    assert status(ada) == "reconnecting"
    assert "2 players" in footers[-2:]
    assert headline(bob) == "You are it, and alone"
    table.network.partition(ada.session.client, on=False)
    table.runs(2.0)
    assert status(ada) == "connected"
    at = truth(table, ada)["x"]
    ada.presses(pygame.K_LEFT if at > 2_800 else pygame.K_RIGHT)
    table.runs(0.5)
    assert truth(table, ada)["x"] != at
    assert ada.open


@pytest.mark.parametrize("size", [(960, 640), (320, 240), (240, 400), (1600, 500), (30, 20), (1, 1)])
def test_every_moment_can_be_drawn_on_a_window_of_any_size(table: Chase, size: tuple[int, int]) -> None:
    ada = table.sit("Ada")
    surface = pygame.Surface(size)
    ada.screen.draw(surface)  # before the first state
    table.runs(0.5)
    ada.screen.draw(surface)  # alone
    bob = table.sit("Bob" * 6)
    table.runs(0.5)
    table.make_it(ada)
    table.put(ada, x=2_800, y=1_500)
    table.put(bob, x=2_800, y=1_500 + rules.TOUCH, safe=0)
    table.runs(0.2)
    ada.screen.draw(surface)  # a tag, somebody frozen, somebody safe
    ada.session.client.condition("wifi")
    ada.screen.draw(surface)
    table.server.ticks_left = 1
    table.runs(0.3)
    ada.screen.draw(surface)  # a round is over


@pytest.mark.usefixtures("table")
def test_who_is_it_can_be_told_without_colours() -> None:
    """In shades of grey, the chaser is much larger than the others, with a bright rim."""
    figures = Figures(12)
    with_spikes = pygame.mask.from_surface(figures.spikes(0, frozen=False)).count()
    frozen = pygame.mask.from_surface(figures.spikes(0, frozen=True)).count()
    for number in range(16):
        assert with_spikes > 1.5 * pygame.mask.from_surface(figures.body(number)).count()
    assert 0 < frozen < with_spikes


@pytest.mark.usefixtures("table")
def test_the_two_players_of_one_colour_have_different_bodies() -> None:
    figures = Figures(12)
    pictures = {pygame.image.tobytes(figures.body(number), "RGBA") for number in range(16)}
    assert len(pictures) == 16


def test_the_icon_shows_something() -> None:
    icon = ChaseScreen.icon()
    colours = {tuple(icon.get_at((x, y)))[:3] for x in range(0, 64, 2) for y in range(0, 64, 2)}
    assert len(colours) > 5
    assert any(min(abs(a - b) for a, b in zip(colour, WHITE, strict=True)) < 8 for colour in colours)


def test_two_players_and_bots_play_for_a_while() -> None:
    """A smoke test: players press keys, catch and are caught, and the link gets bad. Nobody loses the connection."""
    table = Chase(bots=4, seed=3)
    pygame.display.set_mode((480, 320))  # a small window, because two of them draw many frames
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(2.0)
    keys = [pygame.K_LEFT, pygame.K_UP, pygame.K_RIGHT, pygame.K_DOWN]
    places = set()
    for turn in range(28):
        if turn == 14:
            ada.presses(pygame.K_F3)
            ada.session.client.condition("mobile")
        ada.presses(keys[turn % 4], *([pygame.K_SPACE] if turn % 5 == 0 else []))
        bob.presses(keys[turn // 3 % 4])
        table.runs(0.5)
        ada.releases(*keys, pygame.K_SPACE)
        bob.releases(*keys)
        places |= {(truth(table, seat)["x"], truth(table, seat)["y"]) for seat in (ada, bob)}
        assert len(table.state.runners) == 6
        assert sum(runner["it"] for runner in table.state.runners.values()) == 1
    assert len(places) > 20
    assert sum(tags for _, tags in table.state.scores.values()) >= 1
    for seat in (ada, bob):
        assert seat.open
        assert seat.session.status == "connected"
        assert math.dist(*((one["x"], one["y"]) for one in (mine(seat), truth(table, seat)))) < 400
    ada.leaves()
    assert not ada.open
    table.close()
