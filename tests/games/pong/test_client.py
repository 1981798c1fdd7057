"""A player at a window: a real server, session and window (that nobody sees), in virtual time."""

import random
from collections.abc import Iterator

import pygame
import pytest

import pygase_pygame
from games.pong import rules
from games.pong.client import MOVING, NEWS_SECONDS, NoDisplay, OwnPaddle, Player, open_window
from games.pong.rules import LEFT, RIGHT
from games.pong.server import GAME, TICK, PongServer
from pygase import Client
from pygase.testing import Link, SimulatedNetwork

FRAME = 1 / 60


class Window:
    """A player who sits at a window and presses keys."""

    def __init__(self, network: SimulatedNetwork, name: str = "Ada") -> None:
        self.network = network
        own = OwnPaddle()
        self.session = pygase_pygame.Session(
            Client(game=GAME),
            interpolate=MOVING,
            tick=TICK,
            predict=own.prediction,
            clock=network.clock,
            connect=self._connect,
            address="localhost:7664",
        )
        self.player = Player(self.session, own, name, clock=network.clock)
        self.open = True
        self.session.connect()

    def _connect(self) -> None:
        self.network.connect(self.session.client)

    def runs(self, seconds: float) -> None:
        """Let time pass, frame by frame."""
        for _ in range(round(seconds / FRAME)):
            self.network.run(FRAME)
            self.frame(*pygame.event.get())

    def frame(self, *events: pygame.event.Event) -> None:
        self.open = self.player.frame(events)

    def presses(self, key: int) -> None:
        self.frame(pygame.event.Event(pygame.KEYDOWN, key=key))

    def releases(self, key: int) -> None:
        self.frame(pygame.event.Event(pygame.KEYUP, key=key))

    @property
    def notice(self) -> str:
        """What stands in front of the court."""
        notice = self.player.scene().notice
        return f"{notice.title} | {notice.text} | {notice.hint}" if notice else ""

    @property
    def match(self) -> rules.Match:
        match = self.player.scene().match
        assert match is not None
        return match


@pytest.fixture
def network() -> Iterator[SimulatedNetwork]:
    open_window()
    yield SimulatedNetwork(seed=1)
    pygame.quit()


@pytest.fixture
def pong(network: SimulatedNetwork) -> PongServer:
    server = PongServer()
    network.serve(server.backend, interval=TICK)
    return server


@pytest.fixture
def ada(network: SimulatedNetwork, pong: PongServer) -> Window:
    window = Window(network)
    window.runs(1.0)
    return window


def test_it_says_that_it_is_connecting_until_it_is(network: SimulatedNetwork, pong: PongServer) -> None:
    window = Window(network)
    window.frame()
    assert "Connecting to localhost:7664" in window.notice
    window.runs(1.0)
    assert window.notice == ""


def test_one_sits_at_the_left_under_the_name_one_gave(ada: Window) -> None:
    scene = ada.player.scene()
    assert scene.names == {LEFT: "Ada", RIGHT: "Bot"}
    assert scene.you == LEFT
    assert scene.healthy


@pytest.mark.parametrize(
    ("key", "arrives_at"),
    [
        (pygame.K_w, rules.PADDLE_HALF),
        (pygame.K_UP, rules.PADDLE_HALF),
        (pygame.K_s, rules.HEIGHT - rules.PADDLE_HALF),
        (pygame.K_DOWN, rules.HEIGHT - rules.PADDLE_HALF),
    ],
)
def test_holding_a_key_moves_ones_own_paddle_to_its_end(ada: Window, key: int, arrives_at: float) -> None:
    ada.presses(key)
    ada.runs(1.2)
    assert ada.match["paddles"][LEFT] == arrives_at


def test_letting_the_key_go_stops_the_paddle(ada: Window) -> None:
    ada.presses(pygame.K_w)
    ada.runs(0.2)
    ada.releases(pygame.K_w)
    ada.runs(0.3)
    stopped = ada.match["paddles"][LEFT]
    ada.runs(0.3)
    assert rules.PADDLE_HALF < stopped < rules.HEIGHT / 2
    assert ada.match["paddles"][LEFT] == stopped


@pytest.mark.parametrize(
    "event",
    [pygame.event.Event(pygame.QUIT), pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE)],
    ids=["closing the window", "Esc"],
)
def test_one_can_always_leave(network: SimulatedNetwork, event: pygame.event.Event) -> None:
    """Connected or not: nobody serves here."""
    window = Window(network)
    assert window.open
    window.frame(event)
    assert not window.open


def test_where_nobody_serves_it_says_so_and_tries_again_on_r(network: SimulatedNetwork) -> None:
    window = Window(network)
    window.runs(8.0)
    assert "No game at localhost:7664" in window.notice
    assert "R: try again" in window.notice
    network.serve(PongServer().backend, interval=TICK)
    window.presses(pygame.K_r)
    window.runs(1.0)
    assert window.notice == ""
    assert window.player.scene().names[LEFT] == "Ada"


def test_when_the_host_ends_one_sees_why_and_the_match_as_it_was(ada: Window, pong: PongServer) -> None:
    pong.backend.shutdown()
    ada.runs(1.0)
    assert "Disconnected" in ada.notice
    assert ada.session.reason
    assert ada.session.reason in ada.notice
    assert ada.match["phase"] in (rules.SERVE, rules.RALLY)
    assert not ada.player.scene().healthy


def test_one_is_told_for_a_while_who_came_and_who_left(ada: Window, network: SimulatedNetwork) -> None:
    other = Client(game=GAME)
    network.connect(other)
    other.dispatch_event("JOIN", "Bob", retries=5)
    ada.runs(0.5)
    assert ada.player.scene().news == "Bob plays now."
    other.disconnect()
    ada.runs(0.5)
    assert ada.player.scene().news == "Bob has left. A bot plays on."
    ada.runs(NEWS_SECONDS)
    assert ada.player.scene().news == ""


def test_space_plays_again_after_the_end_and_does_nothing_before(ada: Window) -> None:
    ada.presses(pygame.K_w)
    ada.presses(pygame.K_SPACE)
    while ada.match["phase"] != rules.OVER:
        ada.runs(1.0)
        assert ada.network.now < 300
    assert "Bot wins 11 : " in ada.notice
    assert "Space: play again" in ada.notice
    ada.presses(pygame.K_SPACE)
    ada.runs(0.5)
    assert ada.match["score"] == {LEFT: 0, RIGHT: 0}
    assert ada.match["phase"] == rules.SERVE


def test_the_ball_is_never_drawn_on_a_way_that_it_did_not_fly(ada: Window) -> None:
    """From behind the line to the middle it jumps; everything else is a movement it could make."""
    before, jumps = ada.match["ball"], 0
    for _ in range(60 * 20):
        ada.runs(FRAME)
        ball = ada.match["ball"]
        way = abs(ball["x"] - before["x"])
        if way > 2 * rules.TOP_SPEED:
            assert ball["x"] == rules.WIDTH / 2
            jumps += 1
        before = ball
    assert jumps > 0


def test_ones_own_paddle_moves_in_the_very_frame_in_which_the_key_goes_down(network: SimulatedNetwork) -> None:
    network.link = Link(latency=0.075)
    network.serve(PongServer().backend, interval=TICK)
    ada = Window(network)
    ada.runs(3.0)
    before = ada.match["paddles"][LEFT]
    network.run(FRAME)
    ada.presses(pygame.K_s)
    assert ada.match["paddles"][LEFT] > before


class Hits:
    """Counts how often a ball comes back from the left paddle, from one look at it to the next."""

    def __init__(self) -> None:
        self.count = 0
        self._before = 0.0

    def look(self, ball: rules.Ball) -> None:
        self.count += self._before < 0 < ball["vx"] and ball["x"] < rules.WIDTH / 4
        self._before = ball["vx"]


def rally(network: SimulatedNetwork, ahead: bool, seconds: float) -> tuple[int, int, int]:
    """Let somebody play who keeps the paddle at the ball that they see.

    Return how often it came back on the screen and at the server, and how many points were lost.
    """
    pong = PongServer(rng=random.Random(4))
    network.serve(pong.backend, interval=TICK)
    ada = Window(network)
    ada.runs(2.0)
    seen, true = Hits(), Hits()
    for _ in range(round(seconds / FRAME)):
        match = ada.match
        ball = match["ball"] if ahead else ada.session.view().match["ball"]
        seen.look(ball)
        true.look(pong.backend.game_state_store.get_game_state().match["ball"])
        away = ball["y"] - match["paddles"][LEFT]
        keys = ((pygame.K_s, away > 4.0), (pygame.K_w, away < -4.0))
        ada.frame(*[pygame.event.Event(pygame.KEYDOWN if held else pygame.KEYUP, key=key) for key, held in keys])
        network.run(FRAME)
    return seen.count, true.count, ada.match["score"][RIGHT]


@pytest.mark.parametrize("seed", range(2))
def test_with_a_round_trip_of_150_ms_a_ball_hit_on_the_screen_is_hit(seed: int) -> None:
    open_window()
    network = SimulatedNetwork(seed, Link(latency=0.07, jitter=0.01, loss=0.01))
    seen, true, lost = rally(network, ahead=True, seconds=45.0)
    assert abs(seen - true) <= 1, "the last one may be under way"
    assert true > 6
    assert lost <= 2, "as many as on no network at all: some balls are too steep for this player"


def test_the_ball_as_the_server_last_told_of_it_could_not_be_met(network: SimulatedNetwork) -> None:
    """The judge of the test above can say no: with that ball the same player loses."""
    network.link = Link(latency=0.07, jitter=0.01, loss=0.01)
    assert rally(network, ahead=False, seconds=60.0)[2] > 2


def test_a_key_that_is_held_on_a_bad_line_is_let_go_in_the_end(network: SimulatedNetwork, pong: PongServer) -> None:
    network.link = Link(latency=0.05, jitter=0.03, loss=0.2)
    ada = Window(network)
    ada.runs(3.0)
    ada.presses(pygame.K_s)
    ada.runs(0.1)
    ada.releases(pygame.K_s)
    ada.runs(3.0)
    stopped = ada.match["paddles"][LEFT]
    ada.runs(1.0)
    assert ada.match["paddles"][LEFT] == stopped


@pytest.mark.parametrize("size", [(320, 200), (777, 333), (1920, 1080)])
def test_the_window_can_have_any_size_at_any_time(ada: Window, size: tuple[int, int]) -> None:
    pygame.display.set_mode(size, pygame.RESIZABLE)
    ada.runs(0.1)
    assert pygame.display.get_surface().get_size() == size


def test_the_window_says_what_it_is(network: SimulatedNetwork) -> None:
    assert pygame.display.get_caption()[0] == "Pong"


@pytest.mark.parametrize("driver", ["dummy", "offscreen"])
def test_a_window_that_nobody_asked_to_be_invisible_is_no_window(driver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SDL may pick such a driver by itself where there is no display."""
    monkeypatch.delenv("SDL_VIDEODRIVER")
    monkeypatch.setattr(pygame.display, "init", lambda: None)
    monkeypatch.setattr(pygame.display, "get_driver", lambda: driver)
    with pytest.raises(NoDisplay, match="no display"):
        open_window()
