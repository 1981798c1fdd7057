"""Whole games on bad links, in virtual time: the player's picture, and the effect of the keys."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pygame
import pytest

from pygase import Backend, Client, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import CONNECTED, LOST, Controls, Session, StatusBanner

pytestmark = pytest.mark.usefixtures("display")

SPEED = 100.0  # of the moving ball, units per second
FRAME = 1 / 60
INTERVAL = 0.02


class Game:
    """A server with a ball that rolls between two moments. It counts the players' actions."""

    def __init__(self, rolls_from: float = 0.0, rolls_until: float = 1e9) -> None:
        self.time = 0.0
        self.rolls = (rolls_from, rolls_until)
        self.taps = 0
        state = GameState(ball={"x": 0.0, "step": 0}, keys={})
        self.backend = Backend(state, self.step, {"INPUT": self.steer})

    def step(self, game_state: GameState, dt: float) -> dict[str, Any]:
        self.time += dt
        if not self.rolls[0] <= self.time < self.rolls[1]:
            return {}
        return {"ball": {"x": game_state.ball["x"] + SPEED * dt, "step": game_state.ball["step"] + 1}}

    def steer(self, keys: dict[str, bool], game_state: GameState) -> dict[str, Any]:
        self.taps += keys["fire"] and not game_state.keys.get("fire", False)
        return {"keys": keys}


def play(game: Game, seed: int, link: Link, **options: Any) -> tuple[SimulatedNetwork, Session]:
    network = SimulatedNetwork(seed=seed, link=link)
    network.serve(game.backend, interval=INTERVAL)
    client = Client()
    session = Session(client, clock=network.clock, connect=lambda: network.connect(client), **options)
    session.connect()
    network.run_until(lambda: session.view().ready)
    return network, session


def frames(network: SimulatedNetwork, seconds: float) -> Iterator[int]:
    for frame in range(int(seconds / FRAME)):
        network.run(FRAME)
        yield frame


def steps_seen(network: SimulatedNetwork, session: Session, seconds: float) -> list[float]:
    """How far the ball moves from frame to frame."""
    seen = [session.view().ball["x"] for _ in frames(network, seconds)]
    return [after - before for before, after in itertools.pairwise(seen)]


JITTERY = Link(latency=0.06, jitter=0.03)
LOSSY = Link(latency=0.06, jitter=0.03, loss=0.1)


def test_on_a_jittery_link_the_ball_moves_steadily(seed: int):
    network, session = play(Game(), seed, JITTERY, interpolate=["ball.x"], delay=0.1)
    network.run(1.0)
    session.view()
    steps = steps_seen(network, session, 10.0)
    assert min(steps) > 0.8 * SPEED * FRAME
    assert max(steps) < 1.2 * SPEED * FRAME


def test_with_a_tenth_of_all_datagrams_lost_it_neither_stalls_nor_steps_back(seed: int):
    network, session = play(Game(), seed, LOSSY, interpolate=["ball.x"], delay=0.3)
    network.run(1.0)
    session.view()
    steps = steps_seen(network, session, 10.0)
    assert min(steps) > 0.5 * SPEED * FRAME
    assert max(steps) < 1.5 * SPEED * FRAME


def test_without_being_named_it_steps(seed: int):
    network, session = play(Game(), seed, JITTERY)
    network.run(1.0)
    whole = {round(step / (SPEED * INTERVAL), 6) for step in steps_seen(network, session, 2.0)}
    assert whole <= {0.0, 1.0, 2.0}


@pytest.mark.parametrize("link", [JITTERY, LOSSY], ids=["jittery", "lossy"])
def test_when_the_world_rests_the_view_equals_the_servers_state_exactly(seed: int, link: Link):
    game = Game(rolls_until=2.0)
    network, session = play(game, seed, link, interpolate=["ball.x"], delay=0.1)
    network.run(5.0)
    true = game.backend.game_state_store.get_game_state()
    assert session.view().ball == true.ball
    assert session.view(shared=True).ball is session.client.snapshots[-1].state["ball"]


def test_what_a_game_does_to_a_view_does_not_spoil_what_comes_after(seed: int):
    game = Game(rolls_until=2.0)
    network, session = play(game, seed, LOSSY, interpolate=["ball.x"])
    for _ in frames(network, 4.0):
        view = session.view()
        view.ball["x"] += 1000
        view.ball["step"] = "mine"
        view.keys.clear()
    true = game.backend.game_state_store.get_game_state()
    assert session.view().ball == true.ball
    with session.client.access_game_state() as state:
        assert state.ball == true.ball


def test_a_rest_of_seconds_ends_without_a_jump(seed: int):
    game = Game(rolls_from=5.0)
    network, session = play(game, seed, JITTERY, interpolate=["ball.x"], delay=0.1)
    steps = steps_seen(network, session, 8.0)
    assert min(steps) == 0.0
    assert max(steps) < 1.2 * SPEED * FRAME
    assert min(steps[-60:]) > 0.8 * SPEED * FRAME


def test_the_view_is_the_delay_behind_the_fastest_way(seed: int):
    network, session = play(Game(), seed, Link(latency=0.05), interpolate=["ball.x"], delay=0.1)
    network.run(2.0)
    shown = session.view().ball["x"] / SPEED
    true = session.client.snapshots[-1].state["ball"]["x"] / SPEED
    assert true - shown == pytest.approx(0.1, abs=INTERVAL)


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_every_tap_arrives_and_no_key_is_left_stuck(seed: int, loss: float):
    game = Game()
    link = Link(latency=0.05, jitter=0.1, loss=loss, duplicate=0.1, reorder=0.1)
    network, session = play(game, seed, link)
    controls = Controls(fire=pygame.K_SPACE, up=pygame.K_UP)
    presses = 0
    for frame in frames(network, 10.0):
        if frame % 7 in (0, 3):
            kind = pygame.KEYDOWN if frame % 7 == 0 else pygame.KEYUP
            controls.handle(pygame.event.Event(kind, key=pygame.K_SPACE))
            presses += frame % 7 == 0
        session.send_input(controls.state)
    controls.release_all()
    session.send_input(controls.state)
    network.run_until(lambda: game.taps == presses, timeout=120.0)  # at 30 % some take many attempts
    network.run(60.0)
    assert game.taps == presses > 50
    assert session.view().keys == {"fire": False, "up": False}


def test_at_a_fixed_rate_the_newest_input_gets_through_the_worst_link(seed: int):
    link = Link(latency=0.05, jitter=0.2, loss=0.3)
    network, session = play(Game(), seed, link, input_rate=20)
    for frame in frames(network, 5.0):
        session.send_input({"fire": False, "aim": min(frame, 200)})
    assert session.view().keys["aim"] == 200


def test_nothing_is_sent_while_no_key_changes(seed: int):
    network, session = play(Game(rolls_until=0.0), seed, Link(latency=0.02))
    controls = Controls(fire=pygame.K_SPACE)
    session.send_input(controls.state)
    network.run(2.0)
    before = sum(network.bytes_sent.values())
    for _ in frames(network, 10.0):
        session.send_input(controls.state)
    assert sum(network.bytes_sent.values()) - before < 10 * 100  # heartbeats


def test_a_cut_cable_is_told_and_the_game_goes_on_after_trying_again(seed: int):
    network, session = play(Game(), seed, Link(latency=0.02), interpolate=["ball.x"])
    network.run(1.0)
    assert session.send_input({"fire": True})
    network.partition(session.client)
    last = _run_until(network, session, lambda: session.status == "reconnecting")
    assert "reconnecting" in session.reason
    network.run(20.0)
    assert session.view().ball["x"] == last.ball["x"]
    network.run(12.0)
    assert session.status == "lost"
    assert "network" in session.reason
    assert session.view().ball["x"] == last.ball["x"]
    session.retry()
    _run_until(network, session, lambda: session.status == "connected")
    assert session.send_input({"fire": True})
    _run_until(network, session, lambda: session.view().ball["x"] > last.ball["x"] + 20 * SPEED)
    kinds = [event.type for event in pygame.event.get() if event.type in (CONNECTED, LOST)]
    assert kinds == [CONNECTED, LOST, CONNECTED]


def _run_until(network: SimulatedNetwork, session: Session, condition: Callable[[], bool]) -> Any:
    for _ in frames(network, 20.0):
        view = session.view()
        if condition():
            return view
    raise AssertionError(f"not so within 20 s; the session is {session.status}: {session.reason}")


def test_a_server_that_falls_silent_is_told_of_and_the_seconds_that_are_left() -> None:
    """The network cable is pulled for a while: no goodbye arrives."""
    network, session = play(Game(), 1, Link(latency=0.02))
    network.run(2.0)
    surface = pygame.Surface((640, 480))
    banner = StatusBanner()
    assert session.reason == ""
    assert banner.draw(surface, session) is None
    network.set_link(session.client, Link(loss=1.0))
    network.run(2.8)
    assert session.status == "connected"
    assert "Nothing has come from" in session.reason
    assert banner.draw(surface, session) is not None
    network.run(3.0)
    assert session.status == "reconnecting"
    assert session.is_in_game
    assert session.reason == "No answer from the server: reconnecting … 30 s"
    assert banner.draw(surface, session) is not None
    network.run(10.0)
    assert "20 s" in session.reason
    network.set_link(session.client, Link(latency=0.02))
    network.run(2.0)
    assert session.status == "connected"
    assert session.reason == ""
