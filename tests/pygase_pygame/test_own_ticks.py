"""Prediction through the adapter, whole games in virtual time: the player's own picture, and the others'."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Prediction, Session, host

pytestmark = pytest.mark.usefixtures("display")

TICK = 1 / 60
FRAME = 1 / 60
SPEED = 2.0  # units a tick


def move(mine: dict[str, Any], keys: Mapping[str, bool]) -> dict[str, Any]:
    """The rules of one tick, for both sides."""
    return {**mine, "x": mine["x"] + SPEED * (keys["right"] - keys["left"])}


class Game:
    """Everybody has an x. `push` moves a player, and no client can predict it."""

    def __init__(self) -> None:
        self.push: dict[str, float] = {}
        self.backend = Backend(GameState(players={}), self.step, {CLIENT_CONNECTED: self.enter})

    def enter(self, client_id: int) -> dict[str, Any]:
        return {"players": {client_id: {"x": 0.0}}}

    def step(self, game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        players = {}
        for me, each in inputs.items():
            moved = move(game_state.players[me], each.value)
            moved["x"] += self.push.pop(me, 0.0)
            if moved["x"] != game_state.players[me]["x"]:
                players[me] = moved
        return {"players": players}


def session_of(network: SimulatedNetwork, **options: Any) -> Session:
    client = Client()
    predict = Prediction(move, "players.{me}")
    session = Session(
        client,
        clock=network.clock,
        connect=lambda: network.connect(client),
        interpolate=["players.*.x"],
        tick=TICK,
        predict=predict,
        **options,
    )
    session.connect()
    network.run_until(lambda: session.view().ready and client.id in session.view().players, 5.0)
    return session


def me(session: Session) -> int:
    assert session.me is not None
    return session.me


def play(network: SimulatedNetwork, session: Session, seconds: float, right: bool = False) -> list[float]:
    """Hold a key, or none, for a time. Return the shown place of the player in each frame."""
    seen = []
    for _ in range(round(seconds / FRAME)):
        network.run(FRAME)
        session.send_input({"left": False, "right": right})
        seen.append(session.view().players[me(session)]["x"])
    return seen


def test_an_input_shows_in_the_very_frame_in_which_it_is_given() -> None:
    network = SimulatedNetwork(3, Link(latency=0.05))
    network.serve(Game().backend, interval=TICK)
    session = session_of(network)
    play(network, session, 2.0)
    before = session.view().players[me(session)]["x"]
    first, second, third = play(network, session, 3 * FRAME, right=True)
    assert first > before
    assert third - second == pytest.approx(SPEED, abs=0.2 * SPEED)


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_with_a_round_trip_of_100_ms_nothing_needs_to_be_corrected(loss: float) -> None:
    network = SimulatedNetwork(11, Link(latency=0.05, loss=loss))
    network.serve(Game().backend, interval=TICK)
    session = session_of(network)
    assert session.predictor is not None
    for round_ in range(10):
        play(network, session, 0.5, right=round_ % 2 == 0)
    assert session.predictor.corrections <= (0 if not loss else 2)
    assert 0.1 <= session.lead <= 0.25


def test_a_push_by_somebody_else_is_smoothed_and_does_not_swing() -> None:
    network = SimulatedNetwork(5, Link(latency=0.05))
    game = Game()
    network.serve(game.backend, interval=TICK)
    session = session_of(network)
    play(network, session, 2.0)
    start = session.view().players[me(session)]["x"]
    game.push[me(session)] = 40.0
    seen = play(network, session, 1.0)
    assert seen == sorted(seen), "never back again"
    assert max(b - a for a, b in itertools.pairwise(seen)) < 25.0, "no jump of the whole way"
    assert seen[-1] == start + 40.0


def test_when_all_keys_are_let_go_picture_and_truth_are_the_same() -> None:
    network = SimulatedNetwork(8, Link(latency=0.07, jitter=0.02, loss=0.1))
    game = Game()
    network.serve(game.backend, interval=TICK)
    session = session_of(network)
    for _ in range(4):
        play(network, session, 0.7, right=True)
        play(network, session, 0.3)
    play(network, session, 2.0)
    truth = game.backend.game_state_store.get_game_state().players[me(session)]["x"]
    assert truth > 100.0
    assert session.view().players[me(session)]["x"] == truth


def test_the_others_are_interpolated_and_i_am_not() -> None:
    network = SimulatedNetwork(8, Link(latency=0.05))
    network.serve(Game().backend, interval=TICK)
    mine, other = session_of(network), session_of(network)
    for _ in range(90):
        network.run(FRAME)
        for session in (mine, other):
            session.send_input({"left": False, "right": True})
            session.view()
    ahead = mine.view().players[me(mine)]["x"] - other.view().players[me(mine)]["x"]
    assert ahead >= 0.1 / TICK * SPEED, "I see myself at least a round trip ahead of how others see me"


def test_a_tap_between_two_ticks_is_not_lost() -> None:
    network = SimulatedNetwork(8, Link(latency=0.01))
    game = Game()
    network.serve(game.backend, interval=TICK)
    session = session_of(network)
    play(network, session, 1.0)
    before = game.backend.game_state_store.get_game_state().players[me(session)]["x"]
    for frame in range(120):  # frames of a quarter of a tick, one of them with the key
        network.run(TICK / 4)
        session.send_input({"left": False, "right": frame == 50})
        session.view()
    assert game.backend.game_state_store.get_game_state().players[me(session)]["x"] == before + SPEED


def test_a_reconnect_begins_anew() -> None:
    network = SimulatedNetwork(8, Link(latency=0.02))
    network.serve(Game().backend, interval=TICK)
    session = session_of(network)
    play(network, session, 1.0, right=True)
    session.client.disconnect()
    network.run(0.3)
    session.connect()
    network.run_until(lambda: session.status == "connected" and session.me in session.view().players)
    seen = play(network, session, 1.0, right=True)
    assert seen[-1] - seen[0] == pytest.approx(SPEED * 59, abs=3 * SPEED)


@pytest.mark.parametrize("stall", [0.3, 2.0, 60.0])
def test_after_a_frame_of_seconds_nobody_runs_ahead_and_is_pulled_back(stall: float) -> None:
    network = SimulatedNetwork(8, Link(latency=0.05))
    network.serve(Game().backend, interval=TICK)
    session = session_of(network)
    play(network, session, 5.0, right=True)
    network.run(stall)  # a level is loaded, a window dragged about
    seen = play(network, session, 2.0, right=True)
    assert min(b - a for a, b in itertools.pairwise(seen)) > 0.9 * SPEED


def test_who_only_watches_after_a_reconnect_does_not_see_themselves_where_they_were_before() -> None:
    network = SimulatedNetwork(8, Link(latency=0.02))

    def step(game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        mine: Any = game_state.mine
        for each in inputs.values():
            mine = move(mine, each.value)
        return {"mine": mine, "turn": game_state.turn + 1}

    def serve(x: float) -> Backend:
        backend = Backend(GameState(mine={"x": x}, turn=0), step)
        network.serve(backend, interval=TICK)
        return backend

    client = Client()
    session = Session(
        client,
        clock=network.clock,
        connect=lambda: network.connect(client),
        tick=TICK,
        predict=Prediction(move, "mine"),
    )
    first = serve(0.0)
    session.connect()
    network.run_until(lambda: session.view().ready, 5.0)
    for _ in range(60):
        network.run(FRAME)
        session.send_input({"left": False, "right": True})
    assert session.view().mine["x"] > 50 * SPEED
    first.shutdown()
    network.run(0.5)
    serve(-500.0)  # a new game, whose ticks start again
    session.retry()
    network.run_until(lambda: session.status == "connected", 5.0)
    for _ in range(60):
        network.run(FRAME)
        session.view()
    assert session.view().mine["x"] == -500.0


def test_what_makes_no_sense_is_refused_in_words() -> None:
    with pytest.raises(ValueError, match="tick"):
        Session(Client(), predict=Prediction(move, "players.{me}"))
    with pytest.raises(ValueError, match="seconds"):
        Session(Client(), tick=60)
    with pytest.raises(ValueError, match="input_rate"):
        Session(Client(), tick=TICK, input_rate=30)
    with pytest.raises(TypeError, match="mine"):
        Prediction(move, 5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="step"):
        Prediction("move", "players.{me}")  # type: ignore[arg-type]


def test_an_input_tells_the_moment_that_the_player_saw_when_giving_it() -> None:
    """The time of the latest view: pictures after the input do not count."""
    network = SimulatedNetwork(5, Link(latency=0.05))
    game = Game()
    network.serve(game.backend, interval=TICK)
    session = session_of(network)
    told: list[float | None] = []
    send_input = session.client.send_input
    session.client.send_input = lambda value, *, view_time: told.append(view_time) or send_input(value)  # type: ignore
    play(network, session, 1.0)
    seen = session.buffer.playback_time(now=network.now)
    network.run(FRAME)
    session.send_input({"left": False, "right": False})
    assert told[-1] == seen


def test_a_host_whose_ticks_would_differ_from_its_own_players_is_refused() -> None:
    with pytest.raises(ValueError, match="interval"):
        host(Game().backend, interval=1 / 50, tick=1 / 60)


def watched(network: SimulatedNetwork, **options: Any) -> Session:
    client = Client()
    session = Session(client, clock=network.clock, connect=lambda: network.connect(client), **options)
    session.connect()
    for _ in range(300):
        network.run(FRAME)
        session.send_input({"left": False, "right": True})
        session.view()
    return session


def test_ticks_that_differ_from_the_servers_are_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    network = SimulatedNetwork(1, Link(latency=0.02))
    network.serve(Game().backend, interval=1 / 50)
    with caplog.at_level("WARNING", "pygase_pygame"):
        watched(network, tick=1 / 60, predict=Prediction(move, "players.{me}"))
    (record,) = [each for each in caplog.records if each.name.startswith("pygase_pygame")]
    assert "about 50 ticks a second" in record.message
    assert "says 60" in record.message


def test_a_path_that_leads_nowhere_is_told_of_once(caplog: pytest.LogCaptureFixture) -> None:
    network = SimulatedNetwork(1, Link(latency=0.02))
    network.serve(Game().backend, interval=TICK)
    with caplog.at_level("WARNING", "pygase_pygame"):
        watched(network, tick=TICK, predict=Prediction(move, "players.me"))
    (record,) = caplog.records
    assert "players.me" in record.message
    assert "it has: " in record.message


def test_nothing_is_said_where_all_fits(caplog: pytest.LogCaptureFixture) -> None:
    network = SimulatedNetwork(1, Link(latency=0.05, jitter=0.03, loss=0.05))
    network.serve(Game().backend, interval=TICK)
    with caplog.at_level("WARNING", "pygase_pygame"):
        watched(network, tick=TICK, predict=Prediction(move, "players.{me}"))
    assert not caplog.records


def test_what_stands_for_nothing_or_predicts_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="stands for nothing"):
        Prediction(move, "players.{ME}")
    with pytest.raises(TypeError, match="players"):
        Session(Client(), interpolate=[5])  # type: ignore[list-item]
    with pytest.raises(TypeError, match="Prediction"):
        Session(Client(), tick=TICK, predict=move)  # type: ignore[arg-type]


def ride(mine: dict[str, Any], keys: Mapping[str, bool], world: Any) -> dict[str, Any]:
    """Walk, and be carried by a platform; a closed door stops everybody. The server passes its own state."""
    x = mine["x"] + SPEED * (keys["right"] - keys["left"]) + world.platform["speed"]
    return {**mine, "x": x if world["door"]["open"] else min(x, world.door["x"])}


def test_a_step_that_sees_the_world_predicts_doors_and_platforms_to_the_last_bit() -> None:
    """The only correction is that of the way that was walked against the door after it had been opened."""

    def step(game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        players = {me: ride(game_state.players[me], each.value, game_state) for me, each in inputs.items()}
        opened = any(player["x"] >= 40.0 for player in players.values())
        return {"players": players, "door": {"open": True}} if opened and network.now > 8.0 else {"players": players}

    network = SimulatedNetwork(seed=5, link=Link(latency=0.05))
    backend = Backend(
        GameState(players={}, platform={"speed": 0.25}, door={"x": 40.0, "open": False}),
        step,
        {CLIENT_CONNECTED: lambda client_id: {"players": {client_id: {"x": 0.0}}}},
    )
    network.serve(backend, interval=TICK)
    client = Client()
    session = Session(
        client,
        clock=network.clock,
        connect=lambda: network.connect(client),
        tick=TICK,
        predict=Prediction(ride, "players.{me}"),
    )
    session.connect()
    network.run_until(lambda: session.view().ready and client.id in session.view().players, 5.0)
    predictor = session.predictor
    assert predictor is not None
    keys = {"right": True, "left": False}

    def frames(seconds: float) -> None:
        for _ in range(round(seconds / FRAME)):
            network.run(FRAME)
            session.send_input(keys)
            session.view()

    frames(1.0)
    before = predictor.corrections  # of the first inputs, for which the server did not wait
    frames(4.0)
    assert session.view().players[client.id]["x"] == 40.0
    assert predictor.corrections == before
    frames(4.0)
    assert session.view().players[client.id]["x"] > 100.0
    assert before < predictor.corrections <= before + 15
    opened = predictor.corrections
    frames(2.0)
    assert predictor.corrections == opened
