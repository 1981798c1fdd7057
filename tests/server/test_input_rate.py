"""The warning about a client's inputs and the ticks blames nobody wrongly, and is not used up if it did."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable

import pytest

from pygase import Backend, Client, GameState, GameStateStore, Server
from pygase._protocol.input_rate import PAUSE, RATE_WINDOW, RateWatch
from pygase._server.event_queue import BACKLOG, CROWDED_AFTER, ClientEvents
from pygase._server.players import _UNREAD
from pygase.testing import Link, SimulatedNetwork

HZ = 60
WINDOWS = 2 * RATE_WINDOW + 0.1
"""Seconds in which two windows are over."""


class Table:
    """A server's ticks and a player's inputs, with the reports of the watch."""

    def __init__(self, interval: float = 1 / HZ) -> None:
        self.interval, self.now, self.inputs = interval, 0.0, 0.0
        self.watch = RateWatch()
        self.told: list[tuple[float, float]] = []

    def play(self, seconds: float, share: float = 1.0) -> Table:
        """Let ticks pass, with a number of inputs for each."""
        for _ in range(round(seconds / self.interval)):
            self.now += self.interval
            self.inputs += share
            self._tick()
        return self

    def pause(self, seconds: float, *, inputs: bool) -> Table:
        """Stop the server's ticks for a time. The player goes on making inputs, or does not."""
        self.now += seconds
        self.inputs += seconds / self.interval * inputs
        self._tick()
        return self

    def _tick(self) -> None:
        rates = self.watch.tick(int(self.inputs), self.interval, self.now)
        if rates is not None:
            self.told.append(rates)


@pytest.mark.parametrize("interval", [1 / 128, 1 / 60, 1 / 20, 1 / 5])
@pytest.mark.parametrize("share", [0.8, 0.9, 1.1, 1.5, 3.0])
def test_rates_that_differ_in_two_windows_in_a_row_are_told_of(interval: float, share: float) -> None:
    window = max(RATE_WINDOW, 50 * interval)
    table = Table(interval).play(1.9 * window, share)
    assert not table.told, "one window is no proof"
    table.play(0.3 * window, share)
    ((inputs, ticks),) = table.told
    assert inputs == pytest.approx(share / interval, rel=0.05)
    assert ticks == pytest.approx(1 / interval, rel=0.05)


@pytest.mark.parametrize("share", [0.97, 1.0, 1.03])
def test_a_clients_pace_is_no_difference(share: float) -> None:
    assert not Table().play(120.0, share).told


@pytest.mark.parametrize("pause", [0.3, 1.0, 3.0])
@pytest.mark.parametrize("inputs", [True, False])
def test_a_pause_of_the_server_or_of_the_player_is_no_difference(pause: float, inputs: bool) -> None:
    table = Table()
    for offset in (0.1, 2.5, 4.7, 4.9):
        table.play(offset).pause(pause, inputs=inputs).play(30.0)
        table.play(offset).play(pause, 0.0).play(30.0)
        assert not table.told


def test_a_server_that_is_too_slow_all_the_time_is_not_the_players_fault() -> None:
    """It makes 42 ticks instead of 60, and the player makes the 60."""
    table = Table()
    for tick in range(42 * 60):
        table.now = tick / 42
        table.inputs = tick / 42 * 60
        table._tick()
    assert not table.told


def test_a_pause_between_two_windows_that_differ_begins_the_row_anew() -> None:
    table = Table().play(1.5 * RATE_WINDOW, 1.3).pause(PAUSE + 0.1, inputs=True).play(0.9 * RATE_WINDOW, 1.3)
    assert not table.told
    assert table.play(2 * RATE_WINDOW, 1.3).told


def test_too_many_and_then_too_few_are_no_row() -> None:
    assert not Table().play(RATE_WINDOW + 0.1, 1.3).play(RATE_WINDOW, 0.7).play(RATE_WINDOW, 1.0).told


class World:
    """A game in virtual time, with clients that send inputs at an interval."""

    def __init__(self, rates: Iterable[float], seed: int = 1) -> None:
        self.network = SimulatedNetwork(seed, Link(latency=0.03, jitter=0.01, loss=0.01))
        self.backend = Backend(GameState(turn=0), self.time_step)
        self.network.serve(self.backend, interval=1 / HZ)
        self.rates = list(rates)
        self.clients = [Client() for _ in self.rates]
        for client in self.clients:
            self.network.connect(client)
        self.network.run_until(lambda: all(client.status == "connected" for client in self.clients))
        for number in range(len(self.clients)):
            self._play(number)

    def time_step(self, game_state: GameState, dt: float, inputs: object) -> dict[str, int]:
        return {"turn": game_state.turn + 1}

    def _play(self, number: int) -> None:
        client = self.clients[number]
        client.send_input(None)
        self.network.call_at(self.network.now + 1 / self.rates[number] / client.input_pace, lambda: self._play(number))


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def test_a_server_that_sleeps_now_and_then_blames_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The lid of the host's laptop is closed for a moment, time and again; in between all is well."""
    chance = random.Random(5)
    world = World([HZ])
    for _ in range(8):
        world.network.run(chance.uniform(2.0, 12.0))
        world.network.suspend(world.backend, chance.choice([0.3, 1.0, 3.0]))
    world.network.run(30.0)
    assert world.backend.game_state_machine.late_ticks > 200
    assert not warnings(caplog)


def test_a_warning_that_turned_out_false_is_not_used_up(caplog: pytest.LogCaptureFixture) -> None:
    world = World([75, 75])
    world.network.run(WINDOWS + 2.0)
    assert len(warnings(caplog)) == 1, "told once, though it is so for two"
    world.rates[:] = [HZ, HZ]
    world.network.run(3 * WINDOWS)
    assert len(warnings(caplog)) == 1
    world.rates[1] = 45
    world.network.run(3 * WINDOWS)
    assert len(warnings(caplog)) == 2
    assert "45" in warnings(caplog)[1]


def test_a_game_loop_that_does_not_run_yet_is_not_told_to_take_inputs(caplog: pytest.LogCaptureFixture) -> None:
    """Its time step does take them; players just wait for the game to begin."""
    world = World([HZ])
    world.backend.game_state_machine.stop()
    world.network.run(1.0)
    world.backend.server.player_inputs._unread = 0  # as in a lobby: no tick has been made at all
    world.network.run(5.0)
    assert world.backend.server.player_inputs._unread > _UNREAD
    assert not warnings(caplog)


def test_a_server_with_no_game_loop_is_told_that_nobody_takes_the_inputs(caplog: pytest.LogCaptureFixture) -> None:
    network = SimulatedNetwork(1)
    network.serve(Server(GameStateStore(GameState())))
    client = Client()
    network.connect(client)
    network.run(0.5)
    for _ in range(2 * _UNREAD):
        client.send_input(None)
        network.run(1 / HZ)
    (message,) = warnings(caplog)
    assert "nobody takes them" in message


def test_shots_that_wait_for_their_ticks_after_a_pause_of_the_server_are_not_the_clients_fault(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The view times of inputs that queued up meanwhile are older than any round trip explains."""
    world = World([HZ])
    client = world.clients[0]
    send = client.send_input
    client.send_input = lambda value: send(value, view_time=(client.server_time() or 0.2) - 0.1)  # type: ignore[method-assign]
    world.network.run(15.0)
    world.network.suspend(world.backend, 0.48)
    world.network.run(15.0)
    assert not warnings(caplog)


def test_events_that_queue_up_in_a_pause_are_not_called_too_many(caplog: pytest.LogCaptureFixture) -> None:
    """They arrive all at once, and may take no more than their share of a tick; some ticks later all is well."""
    count = 0

    def handle() -> None:
        nonlocal count
        count += 1
        world.network.clock.advance(5e-5)

    world = World([HZ])
    world.backend.game_state_machine.register_event_handler("SHOT", handle)

    def shoot() -> None:
        for _ in range(3):
            world.clients[0].dispatch_event("SHOT")
        world.network.call_at(world.network.now + 1 / HZ, shoot)

    shoot()
    world.network.run(2.0)
    world.network.suspend(world.backend, 2.0)
    world.network.run(8.0)
    assert count > 800
    assert not [message for message in warnings(caplog) if "wait" in message]


def test_events_that_wait_all_the_time_are_reported() -> None:
    client = ClientEvents(1, ("127.0.0.1", 1))
    for _ in range(BACKLOG):
        client.put_off(b"")
    assert not client.is_crowded(10.0)
    assert not client.is_crowded(10.0 + CROWDED_AFTER - 0.1)
    assert client.is_crowded(10.0 + CROWDED_AFTER)
    for _ in range(BACKLOG):
        client.next()
    client.put_off(b"")
    assert not client.is_crowded(20.0)
