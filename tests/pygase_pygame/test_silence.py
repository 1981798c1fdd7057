"""The link falls silent in the middle of a game: the length of the prediction, and the time after it."""

from __future__ import annotations

import itertools
import math
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pygame
import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import NetGraph, Prediction, Session, StatusBanner, host

pytestmark = pytest.mark.usefixtures("display")

SPEED = 240.0
"""Units a second."""

PREDICTED = 0.4 + 0.1
"""Seconds of walking that are predicted in a silence: at full speed, and while slowing down (0.2 s, half of that)."""

PATIENT = 30.0
"""Seconds until anybody is given up, for outages that are longer than the usual 5."""


def seconds(distance: float) -> float:
    """Return for how long one walks so far."""
    return distance / SPEED


def dragged_back(seen: list[float]) -> float:
    """Return the largest distance by which the picture went back."""
    return max(most - x for x, most in zip(seen, itertools.accumulate(seen, max), strict=True))


class Walk:
    """Players on a line, up to a wall; one of them is watched frame by frame."""

    def __init__(
        self,
        hz: int = 60,
        link: Link = Link(latency=0.03),  # (frozen)
        *,
        seed: int = 1,
        fps: int = 60,
        wall: float = math.inf,
        rests: bool = False,
        max_ahead: float = 0.4,
    ) -> None:
        self.hz, self.fps, self.wall, self.rests = hz, fps, wall, rests
        self.network = SimulatedNetwork(seed, link)
        config = ServerConfig(timeout=PATIENT)
        self.backend = Backend(
            GameState(players={}, turn=0), self.time_step, {CLIENT_CONNECTED: self.enter}, config=config
        )
        self.network.serve(self.backend, interval=1 / hz)
        self.client = Client(config=ClientConfig(timeout=PATIENT))
        predict = Prediction(self.step, "players.{me}", max_ahead=max_ahead)
        self.session = Session(self.client, clock=self.network.clock, tick=1 / hz, predict=predict)
        self.network.connect(self.client)
        self.key = True
        self.seen: list[float] = []
        self.stalled: list[bool] = []

    def enter(self, client_id: int) -> dict[str, Any]:
        return {"players": {client_id: {"x": 0.0}}}

    def step(self, mine: dict[str, float], key: bool) -> dict[str, float]:
        return {"x": min(mine["x"] + key * SPEED / self.hz, self.wall)}

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        players = {who: each.value for who, each in inputs.items()}
        moved = {me: self.step(game_state.players[me], key) for me, key in players.items()}
        changed = {me: mine for me, mine in moved.items() if mine != game_state.players[me]}
        turn: dict[str, Any] = {} if self.rests else {"turn": game_state.turn + 1}
        return {"players": changed, **turn} if changed else turn

    def play(self, seconds: float) -> list[float]:
        """Play on. Return the shown place of the player in each frame."""
        begin = len(self.seen)
        for _ in range(round(seconds * self.fps)):
            self.network.run(1 / self.fps)
            self.session.send_input(self.key)
            mine = self.session.view().get("players", {}).get(self.client.id)
            if mine is not None:
                self.seen.append(mine["x"])
                self.stalled.append(self.session.is_stalled)
        return self.seen[begin:]

    def cut(self, ways: str = "both", on: bool = True) -> None:
        self.network.partition(self.client, on, ways=ways)

    def silence(self, seconds: float, ways: str = "both", after: float = 2.0) -> tuple[float, float, list[float]]:
        """Cut the link for so long; return how far one walked in it, how far one was then dragged back, and the steps
        of the frames from there on.
        """
        before = self.seen[-1]
        self.cut(ways)
        walked = max(self.play(seconds)) - before
        self.cut(ways, False)
        seen = [self.seen[-1], *self.play(after)]
        return walked, dragged_back(seen), [b - a for a, b in itertools.pairwise(seen)]

    @property
    def truth(self) -> float:
        x: float = self.backend.game_state_store.get_game_state().players[self.client.id]["x"]
        return x


@pytest.mark.parametrize(
    ("hz", "latency", "outage"),
    [
        *[(60, 0.03, 0.2), (60, 0.03, 0.3), (60, 0.03, 0.6), (60, 0.03, 1.0), (60, 0.03, 10.0), (60, 0.15, 3.0)],
        *[(20, 0.03, 0.3), (20, 0.005, 3.0), (20, 0.15, 1.0), (30, 0.03, 0.6), (30, 0.15, 3.0)],
        *[(128, 0.005, 1.0), (128, 0.15, 3.0)],
    ],
)
def test_in_a_silence_one_walks_on_for_max_ahead_and_is_not_dragged_back_after_it(
    hz: int, latency: float, outage: float
) -> None:
    game = Walk(hz, Link(latency=latency))
    game.play(4.0)
    assert not any(game.stalled)
    walked, back, steps = game.silence(outage)
    ticks = 2 / hz + 2 / game.fps
    assert seconds(walked) <= min(outage, PREDICTED + latency + ticks) + 1e-6
    assert seconds(back) <= 0.02, "the server has walked on for as long as was predicted"
    assert not any(game.stalled[-int(game.fps) :])
    evenly = SPEED / game.fps
    assert all(step == pytest.approx(evenly, rel=0.35) for step in steps[-game.fps :])
    game.key = False
    game.play(1.0 + 2 * latency)
    assert game.seen[-1] == game.truth


def test_the_player_slows_down_and_stands_without_a_jolt_and_it_is_said_so() -> None:
    game = Walk(fps=120)
    game.play(3.0)
    game.cut()
    banner, picture = StatusBanner(), pygame.display.get_surface()
    seen = game.play(0.4)
    assert not any(game.stalled)
    assert banner.draw(picture, game.session) is None
    steps = [b - a for a, b in itertools.pairwise(seen)]
    assert all(step == pytest.approx(2.0, rel=0.05) for step in steps), "it begins at full speed"
    seen = game.play(0.6)
    assert game.session.is_stalled
    steps = [b - a for a, b in itertools.pairwise(seen)]
    slowed = [earlier - later for earlier, later in itertools.pairwise(steps)]
    assert max(slowed) < 0.2 * 2.0, "a little slower in each frame"
    assert min(steps) >= 0.0
    assert seen[-1] == seen[-30], "and then it stands"
    assert "No answer from the server" in game.session.reason
    assert banner.draw(picture, game.session) is not None
    lead = game.session.lead
    game.play(1.0)
    assert game.session.lead == pytest.approx(lead), "for a ball that has to meet a paddle that stands"
    game.cut(on=False)
    game.play(0.5)
    assert not game.session.is_stalled
    assert game.session.reason == ""


def test_the_graph_says_that_the_player_stands() -> None:
    game = Walk()
    game.play(2.0)
    graph = NetGraph(game.session, visible=True)
    graph.draw(pygame.display.get_surface())
    game.cut()
    game.play(1.0)
    assert graph.figures(game.network.now)["predicted"] == "stands: no answer"


@pytest.mark.parametrize("max_ahead", [0.2, 1.0, math.inf])
def test_how_long_one_walks_on_is_a_parameter(max_ahead: float) -> None:
    game = Walk(max_ahead=max_ahead)
    game.play(2.0)
    walked, _, _ = game.silence(1.5)
    assert seconds(walked) == pytest.approx(min(max_ahead + 0.13, 1.5), abs=0.05)


def test_an_impossible_max_ahead_is_refused() -> None:
    for wrong in (0, -1.0, "0.4", None):
        with pytest.raises(ValueError, match="max_ahead must be a number of seconds above 0"):
            Prediction(Walk.step, "players.{me}", max_ahead=wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("hz", [20, 60])
@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_a_key_held_at_a_wall_of_a_world_that_rests_stops_nobody(hz: int, loss: float) -> None:
    game = Walk(hz, Link(latency=0.05, jitter=0.02, loss=loss), wall=50.0, rests=True)
    game.play(8.0)
    assert game.seen[-1] == 50.0
    assert not any(game.stalled)
    game.cut()
    game.play(1.0)
    assert game.session.is_stalled, "but a silence is one there, too"
    game.cut(on=False)
    game.play(1.0)
    assert not game.session.is_stalled


def test_a_link_that_loses_a_tenth_and_is_uneven_is_no_silence() -> None:
    for seed in (1, 2):
        game = Walk(30, Link(latency=0.08, jitter=0.06, loss=0.1), seed=seed)
        game.play(15.0)
        assert not any(game.stalled), f"seed {seed}"


@pytest.mark.parametrize("hz", [20, 60])
def test_if_only_the_way_up_is_cut_it_is_noticed_by_inputs_that_are_not_confirmed(hz: int) -> None:
    game = Walk(hz)
    game.play(4.0)
    walked, back, _ = game.silence(3.0, "up")
    assert any(game.stalled)
    assert seconds(walked) < 1.5
    assert back <= walked, "nothing is taken back that was not predicted"
    assert not game.session.is_stalled


def test_if_only_the_way_down_is_cut_every_input_made_in_the_silence_counts() -> None:
    game = Walk()
    game.play(3.0)
    walked, back, _ = game.silence(2.0, "down")
    assert seconds(walked) <= PREDICTED + 0.1
    assert back == 0.0
    assert game.backend.server.clients[game.client.id].input_counts.late <= 1  # type: ignore[index]


def test_a_game_loop_that_stands_still_is_not_predicted_on_and_no_silence_of_the_server() -> None:
    game = Walk(rests=True)
    game.play(3.0)
    at = game.seen[-1]
    machine = game.backend.game_state_machine
    machine.player_inputs, inputs = None, machine.player_inputs  # ticks without inputs
    game.rests = True
    game.play(3.0)
    assert game.session.is_stalled
    assert game.session.reason == "", "the server is heard"
    assert seconds(game.seen[-1] - at) < 1.5
    machine.player_inputs = inputs
    game.play(2.0)
    assert not game.session.is_stalled


def test_whatever_is_done_in_a_silence_nobody_is_dragged_farther_than_was_predicted() -> None:
    """Keys that go up and down, links of all kinds: the truth may be elsewhere, but not by more than that."""
    for seed in range(6):
        chance = random.Random(seed)
        hz, latency = chance.choice([20, 30, 60, 128]), chance.choice([0.0, 0.02, 0.1])
        link = Link(latency=latency, jitter=chance.choice([0.0, 0.02]), loss=chance.choice([0.0, 0.05]))
        game = Walk(hz, link, seed=seed, rests=chance.random() < 0.5)
        game.play(4.0)
        before = game.seen[-1]
        game.cut()
        for _ in range(chance.randrange(2, 12)):
            game.key = chance.random() < 0.6
            game.play(chance.uniform(0.1, 0.4))
        walked = max(game.seen) - before
        assert seconds(walked) <= PREDICTED + latency + link.jitter + 3 / hz + 0.05, f"seed {seed}"
        game.cut(on=False)
        game.key = False
        seen = [game.seen[-1], *game.play(2.0)]
        assert dragged_back(seen) <= walked + 1e-6, f"seed {seed}"
        assert seen[-1] == game.truth, f"seed {seed}"


def test_inputs_of_the_silence_are_not_played_afterwards() -> None:
    """A press in the middle of it is over by the time that the server is heard again."""
    game = Walk()
    game.key = False
    game.play(3.0)
    before = game.truth
    game.cut()
    game.play(1.0)
    game.key = True
    game.play(1.0)
    game.key = False
    game.play(1.0)
    game.cut(on=False)
    game.play(1.0)
    assert game.truth == before
    assert game.seen[-1] == before


def test_a_new_connection_begins_without_a_silence() -> None:
    game = Walk()
    game.play(2.0)
    game.cut()
    game.play(1.0)
    assert game.session.is_stalled
    game.client.disconnect()
    game.network.run(0.5)
    assert not game.session.is_stalled
    game.network.connect(game.client)
    game.play(2.0)
    assert not game.session.is_stalled
    assert seconds(game.seen[-1] - game.seen[-60]) == pytest.approx(59 / 60, abs=0.1)


@pytest.mark.parametrize("hz", [20, 60, 128])
@pytest.mark.parametrize("pause", [0.2, 0.45, 1.0, 3.0])
def test_a_pause_of_the_server_takes_back_no_more_than_was_predicted_and_smoothly(hz: int, pause: float) -> None:
    """It plays the newest inputs afterwards, and drops those of more than half a second."""
    game = Walk(hz)
    game.play(4.0)
    begin = len(game.seen) - 1
    game.network.suspend(game.backend, pause)
    game.play(pause + 1.5)
    seen = game.seen[begin:]
    steps = [(b - a) / (SPEED / game.fps) for a, b in itertools.pairwise(seen)]
    assert max(steps) <= 2.0
    assert min(steps) >= -4.0, "a correction after a silence glides for 0.3 s"
    assert seconds(dragged_back(seen)) <= (0.3 if pause > 0.4 else 0.01)
    assert game.backend.server.clients[game.client.id].input_counts.late == 0  # type: ignore[index]
    game.key = False
    game.play(1.5)
    assert game.seen[-1] == game.truth


@pytest.mark.integration
def test_on_real_sockets_the_player_stands_in_a_silence_and_walks_on_after_it() -> None:
    game = Walk()
    backend = Backend(GameState(players={}, turn=0), game.time_step, {CLIENT_CONNECTED: game.enter})
    session = host(backend, tick=1 / 60, predict=Prediction(game.step, "players.{me}"))
    try:
        seen = _play_for_real(session, 2.0, lambda: True)
        session.client.condition(replace(Link(), loss=1.0))
        silent = _play_for_real(session, 2.0, lambda: True)
        assert session.is_stalled
        assert silent[-1] == silent[-5], "stands"
        assert seconds(silent[-1] - seen[-1]) < 1.2, "0.5 s and what a busy machine adds"
        session.client.condition(None)
        _play_for_real(session, 3.0, lambda: False)
        assert not session.is_stalled
    finally:
        session.close()


def _play_for_real(session: Session, seconds: float, key: Callable[[], bool]) -> list[float]:
    seen, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(1 / 120)
        session.send_input(key())
        mine = session.view().get("players", {}).get(session.me)
        if mine is not None:
            seen.append(mine["x"])
    return seen
