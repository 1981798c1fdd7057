"""A session whose server sends fewer states than it makes ticks: prediction and playback stay exact."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Prediction, Session

pytestmark = pytest.mark.usefixtures("display")

TICK = 1 / 60


def move(mine: Mapping[str, Any], keys: int) -> dict[str, Any]:
    """The rules of one tick, for both sides: the place depends on each earlier input."""
    speed = mine["v"] * 0.9 + keys
    return {"x": mine["x"] + speed, "v": speed}


class Game:
    """Everybody has a place, and a pendulum swings."""

    def __init__(self, link: Link, rate: float | None) -> None:
        self.network = SimulatedNetwork(3, link, start=10.0)
        self.ticks = 0
        self.backend = Backend(
            GameState(players={}, pendulum={"x": 0.0}),
            self._step,
            {CLIENT_CONNECTED: lambda client_id: {"players": {client_id: {"x": 0.0, "v": 0.0}}}},
            state_rate=rate,
        )
        self.network.serve(self.backend, interval=TICK)
        self.client = Client()
        self.session = Session(
            self.client,
            clock=self.network.clock,
            connect=lambda: self.network.connect(self.client),
            interpolate=["pendulum.x"],
            tick=TICK,
            predict=Prediction(move, "players.{me}"),
        )
        self.session.connect()
        self.network.run_until(lambda: self.session.view().ready and self.session.me is not None, 5.0)

    def _step(self, game_state: GameState, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
        self.ticks += 1
        players = {who: move(game_state.players[who], each.value) for who, each in inputs.items()}
        return {"players": players, "pendulum": {"x": 100.0 * math.sin(self.ticks / 30)}}

    def play(self, seconds: float) -> list[float]:
        """Return the drawn places of the pendulum."""
        drawn = []
        for n in range(round(seconds / TICK)):
            self.network.run(TICK)
            self.session.send_input(n // 5 % 3 - 1)
            drawn.append(self.session.view().pendulum["x"])
        return drawn


@pytest.mark.parametrize("rate", [60, 20, 10])
def test_prediction_is_exact_at_any_rate_of_states(rate: float, caplog: pytest.LogCaptureFixture) -> None:
    """No input is late, so what was predicted is what the server computes, to the last bit."""
    game = Game(Link(latency=0.05, jitter=0.005, loss=0.03), rate)
    game.play(4.0)
    predictor = game.session.predictor
    assert predictor is not None
    connection = game.backend.server.clients[game.session.me or 0]
    repeated, before = connection.input_counts.repeated, predictor.corrections
    with caplog.at_level(logging.WARNING):
        game.play(8.0)
    assert connection.input_counts.repeated == repeated, "no input was late"
    assert predictor.corrections == before
    assert not game.session.is_stalled
    assert caplog.text == ""


@pytest.mark.parametrize("rate", [60, 20])
def test_playback_is_smooth_at_any_rate_of_states(rate: float) -> None:
    """A pendulum swings evenly: its acceleration stays near that of the sine."""
    game = Game(Link(latency=0.05, jitter=0.005), rate)
    game.play(6.0)
    drawn = game.play(4.0)
    kinks = [abs(drawn[n + 1] - 2 * drawn[n] + drawn[n - 1]) for n in range(1, len(drawn) - 1)]
    assert sorted(kinks)[int(0.99 * len(kinks))] < {60: 0.5, 20: 1.0}[rate]
    assert max(map(abs, drawn)) > 95.0
