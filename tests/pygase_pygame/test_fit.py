"""Warnings about a game's ticks, or its own part, blame nobody for a pause or an outage."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, GameState, Snapshot
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Prediction, Session, host
from pygase_pygame.fit import LOOKS, MEASURED_SECONDS, SECONDS_PER_LOOK, FitWatch, TickRateWatch
from pygase_pygame.path_watch import PathWatch

pytestmark = pytest.mark.usefixtures("display")

TICK = 1 / 60


def states(lengths: Iterable[float], first: int = 1, begin: float = 5.0) -> list[Snapshot]:
    """Return a state for each tick, ``interval`` seconds apart."""
    times = itertools.accumulate(lengths, initial=begin)
    return [Snapshot(first + number, time, time, {"x": number}) for number, time in enumerate(times)]


def measured(snapshots: Iterable[Snapshot]) -> list[float]:
    watch = TickRateWatch()
    return [round(rate, 1) for rate in map(watch.add, snapshots) if rate is not None]


@pytest.mark.parametrize("hz", [10, 20, 50, 128])
def test_ticks_are_measured_in_two_windows(hz: int) -> None:
    assert not measured(states([1 / hz] * round(1.9 * MEASURED_SECONDS * hz)))
    assert measured(states([1 / hz] * round(2.1 * MEASURED_SECONDS * hz + 2))) == [hz]


@pytest.mark.parametrize("pause", [0.1, 1.0, 10.0])
def test_a_pause_of_the_server_changes_nothing(pause: float) -> None:
    lengths = [TICK] * 100 + [pause] + [TICK] * 300
    assert set(measured(states(lengths))) == {60.0}


def test_lost_states_change_nothing() -> None:
    some = [snapshot for snapshot in states([0.02] * 600) if snapshot.tick % 7 and not 200 < snapshot.tick < 350]
    assert set(measured(some)) == {50.0}


def test_a_server_that_is_late_time_and_again_has_no_rate() -> None:
    assert not measured(states([TICK, 2 * TICK] * 300))


def test_one_that_changes_its_interval_is_measured_anew() -> None:
    rates = measured(states([0.02] * 200 + [0.05] * 100))
    assert list(dict.fromkeys(rates)) == [50.0, 20.0]


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name.startswith("pygase_pygame")]


def feed(watch: FitWatch, snapshots: Iterable[Snapshot], **options: Any) -> None:
    for snapshot in snapshots:
        watch.look(snapshot, **{"own_interval": None, "missing": None, **options})


def test_another_rate_is_reported_once_even_if_all_seemed_well_at_first(caplog: pytest.LogCaptureFixture) -> None:
    watch = FitWatch(TICK)
    feed(watch, states([TICK] * 600))
    assert not caplog.records
    feed(watch, states([0.05] * 400, first=700, begin=20.0))
    (message,) = warnings(caplog)
    assert "makes about 20 ticks" in message


def test_an_own_server_is_not_measured(caplog: pytest.LogCaptureFixture) -> None:
    """It makes 42 ticks instead of 60: no setting is wrong."""
    watch = FitWatch(TICK)
    feed(watch, states([1 / 42] * 2000), own_interval=TICK)
    assert not warnings(caplog)
    feed(watch, states([1 / 50] * 2, first=3000, begin=100.0), own_interval=1 / 50)
    (message,) = warnings(caplog)
    assert "about 50 ticks a second, and tick=... says 60" in message


def test_a_part_that_is_never_there_is_reported_after_seconds_of_states_and_not_of_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    missing = "players.{me}", ("players", 5)
    watch = FitWatch(TICK)
    feed(watch, states([TICK] * 60), missing=missing)
    feed(watch, states([TICK] * 60, first=100, begin=60.0), missing=missing)  # an outage lay in between
    assert not caplog.records
    feed(watch, states([TICK] * round(LOOKS * SECONDS_PER_LOOK / TICK), first=200, begin=62.0), missing=missing)
    (message,) = warnings(caplog)
    assert "nothing at 'players.{me}'" in message
    assert "it has: x" in message


def test_a_path_of_interpolate_is_not_called_wrong_for_an_outage_either(caplog: pytest.LogCaptureFixture) -> None:
    watch = PathWatch(["ball.x"])
    for snapshot in (*states([TICK] * 60), *states([TICK] * 60, first=100, begin=60.0)):
        watch.look(snapshot)
    assert not caplog.records
    for snapshot in states([TICK] * 200, first=200, begin=62.0):
        watch.look(snapshot)
    assert len(warnings(caplog)) == 1


# -- in whole games


def move(mine: dict[str, Any], key: bool) -> dict[str, Any]:
    return {"x": mine["x"] + key}


def enter(client_id: int) -> dict[str, Any]:
    return {"players": {client_id: {"x": 0}}}


def time_step(game_state: GameState, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
    players = {who: move(game_state.players[who], each.value) for who, each in inputs.items()}
    return {"players": players, "turn": game_state.turn + 1}


def game() -> Backend:
    return Backend(GameState(players={}, turn=0), time_step, {CLIENT_CONNECTED: enter})


def play(network: SimulatedNetwork, session: Session, seconds: float) -> None:
    for _ in range(round(seconds / TICK)):
        network.run(TICK)
        session.send_input(True)
        session.view()


BAD = Link(latency=0.06, jitter=0.04, loss=0.1)


@pytest.mark.parametrize(("link", "number"), [(Link(latency=0.03), 5), (BAD, 5), (BAD, 1), (BAD, 2)])
def test_a_server_that_sleeps_and_a_link_that_is_cut_blame_nobody(
    link: Link, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    """With the numbers 1 and 2 the playback stays half a second behind for long."""
    network, backend = SimulatedNetwork(number, link), game()
    network.serve(backend, interval=TICK)
    client = Client()
    session = Session(client, clock=network.clock, tick=TICK, predict=Prediction(move, "players.{me}"))
    network.connect(client)
    for pause in (0.3, 1.0, 2.0):
        play(network, session, 1.0)
        network.suspend(backend, pause)
        play(network, session, pause + 1.3)
        network.partition(client)
        play(network, session, pause)
        network.partition(client, False)
    play(network, session, 8.0)
    assert not [record for record in caplog.records if record.levelname != "INFO"]


def test_a_host_is_not_blamed_for_a_machine_that_is_too_slow(caplog: pytest.LogCaptureFixture) -> None:
    network, backend = SimulatedNetwork(4, Link()), game()
    network.serve(backend, interval=1 / 42)
    backend.game_state_machine.interval = TICK  # as it was asked for
    client = Client()
    session = Session(client, clock=network.clock, tick=TICK, backend=backend)
    network.connect(client)
    play(network, session, 40.0)
    assert not [record for record in caplog.records if record.levelname != "INFO"]


@pytest.mark.integration
def test_hosting_for_real_with_pauses_blames_nobody(caplog: pytest.LogCaptureFixture) -> None:
    backend = game()
    backend.game_state_machine.register_event_handler("NAP", lambda: time.sleep(0.35))
    session = host(backend, tick=TICK, predict=Prediction(move, "players.{me}"))
    try:
        begin = time.monotonic()
        for nap in (1.5, 4.0, 8.0, 12.0):
            while time.monotonic() < begin + nap:
                time.sleep(1 / 120)
                session.send_input(True)
                session.view()
            session.client.dispatch_event("NAP")
    finally:
        session.close()
    told = [record.message for record in caplog.records]
    assert not [message for message in told if "tick=..." in message or "inputs a second" in message]
