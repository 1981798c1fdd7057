"""A player at a window: real server, session and (invisible) window, in virtual time."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any, cast

import pygame
import pytest

from games.pong import flight, rules
from games.pong.__main__ import GAME
from games.pong.client import NEWS_SECONDS, PongScreen
from games.pong.flight import LEFT, RIGHT
from games.pong.scene import Scene
from games.pong.server import PongServer
from pygase import RELIABLE, Client
from pygase.testing import Link
from pygase_pygame.app.company import STAYS
from pygase_pygame.app.window import NoDisplay, Window
from tests.support.table import FRAME, Seat, Table


@pytest.fixture
def make() -> Iterator[Callable[..., Table]]:
    """Return a function that makes tables. They are closed after the test."""
    made = []

    def make_table(link: Link | None = None, seed: int = 1, **options: Any) -> Table:
        server = PongServer(rng=random.Random(4), **options)
        made.append(Table(GAME, backend=server.backend, seed=seed, link=link))
        return made[-1]

    yield make_table
    for table in made:
        table.close()


@pytest.fixture
def table(make: Callable[..., Table]) -> Table:
    return make()


@pytest.fixture
def ada(table: Table) -> Seat:
    seat = table.sit("Ada")
    table.runs(1.0)
    return seat


def scene(seat: Seat) -> Scene:
    return cast(PongScreen, seat.screen).scene()


def match(seat: Seat) -> rules.Match:
    shown = scene(seat).match
    assert shown is not None
    return shown


def notice(seat: Seat) -> str:
    """Return the text of the notice in front of the court."""
    shown = scene(seat).notice
    return f"{shown.title} | {shown.text} | {shown.hint}" if shown else ""


def put(table: Table, **of_the_match: Any) -> None:
    """Create a situation that would take long to reach by playing."""
    now = table.state.match
    machine = table.backend.game_state_machine
    machine.register_event_handler("PUT", lambda: {"match": {**now, **of_the_match}})
    table.seats[0].session.client.dispatch_event("PUT", retries=RELIABLE)
    table.runs(0.3)


class Ears:
    """Keeps the sounds that a seat plays, but for those of the crowd."""

    def __init__(self, seat: Seat) -> None:
        self.heard: list[str] = []
        seat.screen.playing.sounds.play = self._play  # type: ignore[method-assign]

    def _play(self, name: str, volume: float = 1.0, pan: float = 0.0, pitch: float = 1.0) -> None:
        assert -1.0 <= pan <= 1.0
        assert 0.5 <= pitch <= 2.0
        if name not in ("crowd", "cheer"):
            self.heard.append(name)


def test_it_says_that_it_is_connecting_until_it_is(table: Table) -> None:
    seat = table.sit("Ada")
    seat.frame()
    assert "Connecting to localhost:7664" in notice(seat)
    table.runs(1.0)
    assert notice(seat) == ""


def test_one_sits_at_the_left_under_the_name_one_gave(ada: Seat) -> None:
    shown = scene(ada)
    assert shown.names == {LEFT: "Ada", RIGHT: "Bot"}
    assert shown.you == LEFT
    assert shown.healthy


@pytest.mark.parametrize(
    ("key", "arrives_at"),
    [
        (pygame.K_w, flight.PADDLE_HALF),
        (pygame.K_UP, flight.PADDLE_HALF),
        (pygame.K_s, flight.HEIGHT - flight.PADDLE_HALF),
        (pygame.K_DOWN, flight.HEIGHT - flight.PADDLE_HALF),
    ],
)
def test_holding_a_key_moves_ones_own_paddle_to_its_end(table: Table, ada: Seat, key: int, arrives_at: float) -> None:
    ada.presses(key)
    table.runs(1.2)
    assert match(ada)["paddles"][LEFT] == arrives_at


def test_letting_the_key_go_stops_the_paddle(table: Table, ada: Seat) -> None:
    ada.presses(pygame.K_w)
    table.runs(0.2)
    ada.releases(pygame.K_w)
    table.runs(0.3)
    stopped = match(ada)["paddles"][LEFT]
    table.runs(0.3)
    assert flight.PADDLE_HALF < stopped < flight.HEIGHT / 2
    assert match(ada)["paddles"][LEFT] == stopped


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("by_menu", [True, False])
def test_one_can_always_leave(table: Table, by_menu: bool, connected: bool) -> None:
    if not connected:
        table.backend.shutdown()
    seat = table.sit("Ada")
    table.runs(0.5)
    assert seat.open
    if by_menu:
        seat.leaves()
    else:
        seat.happens(pygame.QUIT)
    assert not seat.open


def test_where_nobody_serves_it_says_so_and_tries_again_on_r(table: Table) -> None:
    seat = table.sit("Ada")
    table.network.partition(seat.session.client)
    table.runs(8.0)
    assert "No game at localhost:7664" in notice(seat)
    assert "R: try again" in notice(seat)
    table.network.partition(seat.session.client, False)
    seat.presses(pygame.K_r)
    table.runs(1.0)
    assert notice(seat) == ""
    assert scene(seat).names[LEFT] == "Ada"


def test_when_the_host_ends_one_sees_why_and_the_match_as_it_was(table: Table, ada: Seat) -> None:
    table.backend.shutdown()
    table.runs(1.0)
    assert "Disconnected" in notice(ada)
    assert ada.session.reason
    assert ada.session.reason in notice(ada)
    assert match(ada)["phase"] in (rules.SERVE, rules.RALLY)
    assert scene(ada).you == LEFT
    assert not scene(ada).healthy


def test_one_is_told_for_a_while_who_came_and_who_left(table: Table, ada: Seat) -> None:
    bob = Client(game="pong")
    table.network.connect(bob, profile={"name": "Bob"})
    table.runs(STAYS + 0.5)
    assert scene(ada).news == "Bob plays now."
    bob.disconnect()
    table.runs(0.5)
    assert scene(ada).news == "Bob has left. A bot plays on."
    table.runs(NEWS_SECONDS)
    assert scene(ada).news == ""


def test_who_sits_down_is_told_how_to_play_and_a_host_how_friends_come(table: Table) -> None:
    ada = table.sit("Ada")
    ada.screen.playing.invitation = "python -m games.pong join 10.0.0.1"
    table.runs(0.5)
    assert scene(ada).news == "You play on the left: W/S or Up/Down."
    table.runs(NEWS_SECONDS)
    assert scene(ada).news == "Friends type: python -m games.pong join 10.0.0.1"
    table.runs(NEWS_SECONDS)
    assert scene(ada).news == ""


def test_space_plays_again_after_the_end_and_does_nothing_before(table: Table, ada: Seat) -> None:
    ada.presses(pygame.K_w)
    ada.presses(pygame.K_SPACE)
    ada.releases(pygame.K_SPACE)
    while match(ada)["phase"] != rules.OVER:
        table.waits(1.0)
        assert table.network.now < 300
    assert "Bot wins 5 : " in notice(ada)
    assert "Space: play again" in notice(ada)
    ada.presses(pygame.K_SPACE)
    table.runs(0.5)
    assert match(ada)["score"] == {LEFT: 0, RIGHT: 0}
    assert match(ada)["phase"] == rules.SERVE


def test_a_series_is_played_game_by_game_and_both_are_told(make: Callable[..., Table]) -> None:
    table = make(best_of=3)
    ada, bob, eve = table.sit("Ada"), table.sit("Bob"), table.sit("Eve")
    table.runs(1.0)
    put(table, phase=rules.OVER, winner=LEFT, games={LEFT: 1, RIGHT: 0}, score={LEFT: 11, RIGHT: 3})
    assert notice(ada) == "You win 11 : 3 | 1 : 0 in games, best of 3. | Space: next game"
    assert notice(bob) == "Ada wins 11 : 3 | 1 : 0 in games, best of 3. | Space: next game"
    assert notice(eve) == "Ada wins 11 : 3 | 1 : 0 in games, best of 3. | "
    eve.presses(pygame.K_SPACE)
    table.runs(0.3)
    assert match(ada)["phase"] == rules.OVER
    bob.presses(pygame.K_SPACE)
    table.runs(0.3)
    assert notice(bob).endswith("Waiting for Ada")
    assert notice(ada).endswith("Space: next game")
    ada.presses(pygame.K_SPACE)
    table.runs(0.3)
    for seat in (ada, bob, eve):
        assert match(seat)["games"] == {LEFT: 1, RIGHT: 0}
        assert match(seat)["phase"] == rules.SERVE


def test_the_ball_is_never_drawn_on_a_way_that_it_did_not_fly(table: Table, ada: Seat) -> None:
    """It may jump from behind the line to the middle. Every other step is a possible movement."""
    before, jumps = match(ada)["ball"], 0
    for _ in range(60 * 20):
        table.runs(FRAME)
        ball = match(ada)["ball"]
        way = abs(ball["x"] - before["x"])
        if way > 2 * flight.TOP_SPEED:
            assert ball["x"] == flight.WIDTH / 2
            jumps += 1
        before = ball
    assert jumps > 0


def test_ones_own_paddle_moves_in_the_very_frame_in_which_the_key_goes_down(make: Callable[..., Table]) -> None:
    table = make(Link(latency=0.075))
    ada = table.sit("Ada")
    table.runs(3.0)
    before = match(ada)["paddles"][LEFT]
    table.network.run(FRAME)
    ada.presses(pygame.K_s)
    assert match(ada)["paddles"][LEFT] > before


class Hits:
    """Counts the returns of a ball from the left paddle, from look to look."""

    def __init__(self) -> None:
        self.count = 0
        self._before = 0.0

    def look(self, ball: flight.Ball) -> None:
        self.count += self._before < 0 < ball["vx"] and ball["x"] < flight.WIDTH / 4
        self._before = ball["vx"]


def rally(table: Table, ahead: bool, seconds: float, most_lost: float = math.inf) -> tuple[int, int, int]:
    """Play with a paddle that follows the ball on the screen, at most until more points are lost than ``most_lost``.

    Return the hits on the screen, the hits at the server, and the points lost.
    """
    ada = table.sit("Ada")
    table.runs(2.0)
    table.window.visible = False  # the player uses numbers; other tests look at pictures
    seen, true = Hits(), Hits()
    for _ in range(round(seconds / FRAME)):
        shown = match(ada)
        ball = shown["ball"] if ahead else ada.session.view().match["ball"]
        seen.look(ball)
        true.look(table.state.match["ball"])
        away = ball["y"] - shown["paddles"][LEFT]
        keys = ((pygame.K_s, away > 4.0), (pygame.K_w, away < -4.0))
        ada.frame(pygame.event.Event(pygame.KEYDOWN if held else pygame.KEYUP, key=key, mod=0) for key, held in keys)
        table.network.run(FRAME)
        if match(ada)["score"][RIGHT] > most_lost:
            break
    return seen.count, true.count, match(ada)["score"][RIGHT]


@pytest.mark.parametrize("seed", range(1))
def test_with_a_round_trip_of_150_ms_a_ball_hit_on_the_screen_is_hit(seed: int, make: Callable[..., Table]) -> None:
    table = make(Link(latency=0.07, jitter=0.01, loss=0.01), seed=seed)
    seen, true, lost = rally(table, ahead=True, seconds=45.0)
    assert abs(seen - true) <= 1, "the last one may be under way"
    assert true > 6
    assert lost <= 2, "as many as on no network at all: some balls are too steep for this player"


def test_the_ball_as_the_server_last_told_of_it_could_not_be_met(make: Callable[..., Table]) -> None:
    """A check of the test above: with the ball of the server's last state, the same player loses."""
    table = make(Link(latency=0.07, jitter=0.01, loss=0.01))
    assert rally(table, ahead=False, seconds=60.0, most_lost=2)[2] > 2


def test_a_key_that_is_held_on_a_bad_line_is_let_go_in_the_end(make: Callable[..., Table]) -> None:
    table = make(Link(latency=0.05, jitter=0.03, loss=0.2))
    ada = table.sit("Ada")
    table.runs(3.0)
    ada.presses(pygame.K_s)
    table.runs(0.1)
    ada.releases(pygame.K_s)
    table.runs(3.0)
    stopped = match(ada)["paddles"][LEFT]
    table.runs(1.0)
    assert match(ada)["paddles"][LEFT] == stopped


# -- two at one keyboard


@pytest.mark.parametrize("key", [pygame.K_2, pygame.K_KP2, pygame.K_F2])
def test_a_second_player_at_the_keyboard_takes_the_bots_paddle_and_gives_it_back(
    table: Table, ada: Seat, key: int
) -> None:
    ada.presses(key)
    table.runs(0.5)
    assert scene(ada).names == {LEFT: "Ada", RIGHT: "Guest"}
    assert scene(ada).remarks == {LEFT: "you, W/S", RIGHT: "Up/Down"}
    ada.presses(key)
    table.runs(0.5)
    assert scene(ada).names == {LEFT: "Ada", RIGHT: "Bot"}


def test_of_two_at_one_keyboard_each_moves_the_paddle_on_their_side(table: Table, ada: Seat) -> None:
    ada.presses(pygame.K_2)
    table.runs(0.5)
    ada.presses(pygame.K_w, pygame.K_DOWN)
    table.runs(1.2)
    ends = {LEFT: flight.PADDLE_HALF, RIGHT: flight.HEIGHT - flight.PADDLE_HALF}
    assert match(ada)["paddles"] == table.state.match["paddles"] == ends


def test_with_a_guest_at_the_left_the_keys_at_the_left_are_the_guests(make: Callable[..., Table]) -> None:
    table = make()
    first, ada = table.sit("First"), table.sit("Ada")
    table.runs(0.5)
    first.happens(pygame.QUIT)
    first.session.close()
    table.runs(0.5)
    assert scene(ada).you == RIGHT
    ada.presses(pygame.K_2)
    table.runs(0.5)
    assert scene(ada).names == {LEFT: "Guest", RIGHT: "Ada"}
    ada.presses(pygame.K_w, pygame.K_DOWN)
    table.runs(1.2)
    ends = {LEFT: flight.PADDLE_HALF, RIGHT: flight.HEIGHT - flight.PADDLE_HALF}
    assert match(ada)["paddles"] == ends
    predictor = ada.session.predictor
    assert predictor is not None
    assert predictor.corrections == 0


def test_nobody_can_call_a_guest_to_a_side_that_is_taken(table: Table, ada: Seat) -> None:
    bob, eve = table.sit("Bob"), table.sit("Eve")
    table.runs(0.5)
    for seat in (ada, bob, eve):
        seat.presses(pygame.K_2)
    table.runs(0.5)
    assert scene(eve).names == {LEFT: "Ada", RIGHT: "Bob"}


# -- what follows the ball


def test_each_hit_is_heard_once_by_who_plays_and_by_who_watches(make: Callable[..., Table]) -> None:
    """The picture foretells it at another time for each of them, and the server's event reports it again."""
    table = make(Link(latency=0.075, jitter=0.02, loss=0.03))
    dispatch, hits = table.backend.server.dispatch_event, list[int]()

    def count(what: str, *args: Any, **options: Any) -> None:
        if what == "HIT":
            hits.append(args[0])
        dispatch(what, *args, **options)

    ada, bob, eve = (table.sit(name) for name in ("Ada", "Bob", "Eve"))
    table.runs(1.0)
    table.backend.server.dispatch_event = count  # type: ignore[method-assign]
    ears = [Ears(seat) for seat in (ada, bob, eve)]
    players = [(seat, cast(flight.Side, scene(seat).you)) for seat in (ada, bob, eve) if scene(seat).you]
    assert len(players) == 2
    for _ in range(60 * 13):
        for seat, side in players:
            ball = match(seat)["ball"]
            y = flight.fly(ball, max(flight.ticks_to_reach(ball, side), 0.0))["y"]
            away = y - match(seat)["paddles"][side]
            keys = ((pygame.K_s, away > 5.0), (pygame.K_w, away < -5.0))
            seat.frame(
                pygame.event.Event(pygame.KEYDOWN if held else pygame.KEYUP, key=key, mod=0) for key, held in keys
            )
        for seat in {ada, bob, eve} - {seat for seat, _ in players}:
            seat.frame()
        table.network.run(FRAME)
    assert len(hits) > 5
    for each in ears:
        assert abs(each.heard.count("hit") - len(hits)) <= 1, "the last one may be on its way"


def test_a_match_can_be_heard_and_the_ball_has_a_trail(table: Table, ada: Seat) -> None:
    ears, trails = Ears(ada), []
    for _ in range(60 * 20):
        away = match(ada)["ball"]["y"] - match(ada)["paddles"][LEFT]
        keys = ((pygame.K_s, away > 12.0), (pygame.K_w, away < -12.0))
        ada.frame(pygame.event.Event(pygame.KEYDOWN if held else pygame.KEYUP, key=key, mod=0) for key, held in keys)
        table.network.run(FRAME)
        trails.append(len(scene(ada).trail))
    assert ears.heard.count("hit") >= 4
    assert ears.heard.count("wall") >= 3
    points = table.state.match["score"]
    heard = (ears.heard.count("point") + ears.heard.count("win"), ears.heard.count("missed") + ears.heard.count("lost"))
    assert heard == (points[LEFT], points[RIGHT])
    assert max(trails) >= 10
    assert 0 in trails, "a ball that is served leaves none"


@pytest.mark.parametrize(("winner", "yours", "theirs"), [(LEFT, "win", "lost"), (RIGHT, "lost", "win")])
def test_the_end_sounds_like_victory_to_the_winner_and_to_those_who_watch(
    table: Table, ada: Seat, winner: flight.Side, yours: str, theirs: str
) -> None:
    bob, eve = table.sit("Bob"), table.sit("Eve")
    table.runs(0.5)
    put(table, score={LEFT: 10, RIGHT: 10})
    ears = [Ears(seat) for seat in (ada, bob, eve)]
    put(table, score={**table.state.match["score"], winner: 11}, phase=rules.OVER, winner=winner)
    assert [each.heard for each in ears] == [[yours], [theirs], ["win"]]


# -- the window


@pytest.mark.parametrize("size", [(320, 200), (777, 333), (1920, 1080)])
def test_the_window_can_have_any_size_at_any_time(table: Table, ada: Seat, size: tuple[int, int]) -> None:
    pygame.display.set_mode(size, pygame.RESIZABLE)
    table.runs(0.1)
    assert pygame.display.get_surface().get_size() == size


def test_the_window_says_what_it_is(table: Table) -> None:
    assert pygame.display.get_caption()[0] == "Pong"
    icon = PongScreen.icon()
    assert icon is not None
    assert icon.get_size() == (64, 64)


@pytest.mark.parametrize("driver", ["dummy", "offscreen"])
def test_a_window_that_nobody_asked_to_be_invisible_is_no_window(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SDL may choose such a driver by itself on a machine without a display."""
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.setattr(pygame.display, "init", lambda: None)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: driver)
    with pytest.raises(NoDisplay, match="no display"):
        Window("Pong")


# -- a quarter of a minute of everything


def test_two_play_one_watches_and_all_see_the_same(make: Callable[..., Table], rng: random.Random) -> None:
    table = make(Link(latency=0.02, jitter=0.005, loss=0.02), best_of=3)
    pygame.display.set_mode((480, 320), pygame.RESIZABLE)
    seats = []
    for name in ("Ada", "Bob", "Eve"):
        seats.append(table.sit(name))
        table.runs(1.0)
    keys = [pygame.K_w, pygame.K_s, pygame.K_UP, pygame.K_DOWN, pygame.K_SPACE, pygame.K_2, pygame.K_F3, pygame.K_F9]
    for _ in range(60):
        seat, key = rng.choice(seats), rng.choice(keys)
        seat.presses(key)
        table.runs(0.25)
        seat.releases(key)
    put(table, phase=rules.OVER, winner=RIGHT)
    table.runs(1.0)
    assert [scene(seat).names for seat in seats] == [{LEFT: "Ada", RIGHT: "Bob"}] * 3
    assert [scene(seat).you for seat in seats] == [LEFT, RIGHT, None]
    assert [match(seat) for seat in seats] == [table.state.match] * 3
    assert "you are watching" in scene(seats[2]).status
    assert "1 watching" in scene(seats[0]).status
