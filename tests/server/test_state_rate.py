"""A rate of states apart from the rate of ticks: what is sent, what it says, and that nothing else changes."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateUpdate
from pygase._protocol.played_inputs import PlayerInput
from pygase._server.state_keeper import Commit
from pygase._server.state_pace import StatePace
from pygase.testing import Link, SimulatedNetwork

TICK = 1 / 60


class Game:
    """A game in virtual time whose state names the tick's input numbers.

    :ivar committed: the server's states by tick, and their times; ``taken``: the inputs of each tick.
    """

    def __init__(self, link: Link, *, seed: int = 1, rate: float | None = 20, **options: Any) -> None:
        self.network = SimulatedNetwork(seed, link, start=100.0)
        self.committed: dict[int, tuple[Any, float]] = {}
        self.taken: dict[int, dict[int, tuple[Any, ...]]] = {}
        self.rests = False
        self.received: dict[int, Any] = {}
        self.arrived: list[tuple[str, int | None, int]] = []
        self.backend = Backend(GameState(n={}, x=0), self._step, {"HIT": self._hit}, state_rate=rate, **options)
        self.store = self.backend.game_state_store.plumbing
        self.store.subscribe(self._commit)
        self.network.serve(self.backend, interval=TICK)
        self.client = Client()
        self.client.register_event_handler("BANG", self._bang)
        self.network.connect(self.client)

    def _step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> dict[str, Any]:
        self.taken[self.store.tick_of_caller] = {who: (each.value, *each.ahead) for who, each in inputs.items()}
        if self.rests:
            return {}
        return {"n": {who: each.number for who, each in inputs.items()}, "x": game_state.x + 1}

    def _hit(self, client_id: int) -> None:
        self.backend.server.dispatch_event("BANG", self.store.tick_of_caller, target_client=client_id)

    def _bang(self, tick: int, server_tick: int | None = None) -> None:
        self.arrived.append(("BANG", server_tick, tick))

    def _commit(self) -> None:
        commit = self.store.committed
        self.committed[commit.tick] = commit.tree, commit.time

    def play(self, seconds: float, event_each: int = 0) -> None:
        for n in range(round(seconds / TICK)):
            self.client.send_input(n % 7)
            if event_each and n % event_each == 0:
                self.client.dispatch_event("HIT")
            self.network.run(TICK)
            self.received.update({each.tick: each for each in self.client.snapshots})

    @property
    def gaps(self) -> list[int]:
        ticks = sorted(self.received)
        return [later - earlier for earlier, later in itertools.pairwise(ticks)]


@pytest.mark.parametrize(("rate", "gap"), [(60, 1), (30, 2), (20, 3), (15, 4), (10, 6), (None, 1), (1000, 1)])
def test_states_are_evenly_apart(rate: float | None, gap: int) -> None:
    game = Game(Link(latency=0.03), rate=rate)
    game.play(4.0)
    assert set(game.gaps[3:]) == {gap}


def test_a_rate_that_does_not_divide_that_of_the_ticks_is_kept_on_average() -> None:
    game = Game(Link(latency=0.03), rate=25)
    game.play(4.0)
    assert set(game.gaps[3:]) == {2, 3}
    ticks = sorted(game.received)
    assert (len(ticks) - 1) / (game.received[ticks[-1]].time - game.received[ticks[0]].time) == pytest.approx(
        25, rel=0.03
    )


@pytest.mark.parametrize(("loss", "seed"), [(0.0, 1), (0.1, 2), (0.3, 3)])
def test_each_state_is_that_of_its_tick_and_says_which_inputs_it_includes(loss: float, seed: int) -> None:
    game = Game(Link(latency=0.04, jitter=0.01, loss=loss), seed=seed)
    game.network.run(0.5)
    client, known = game.client, 0
    for n in range(300):
        client.send_input(n)
        game.network.run(TICK)
        if client.snapshots:
            newest = client.snapshots[-1]
            tree, time = game.committed[newest.tick]
            assert newest.state == tree
            assert newest.time == pytest.approx(time, abs=1e-4)
            applied = client.input_applied(newest.tick)
            if applied is not None and newest.state["n"]:
                assert applied == newest.state["n"][1]
                known += 1
    assert known > 200


def test_a_state_says_until_when_the_one_before_held() -> None:
    """For smooth playback: though the changes between two states come at any tick."""
    game = Game(Link(latency=0.03))
    game.rests = True
    chance = random.Random(4)
    for _ in range(120):
        game.play(TICK)
        game.network.run(TICK / 2)
        if chance.random() < 0.3:
            game.store.push({"x": chance.random()}, 0)
        game.network.run(TICK / 2)
    ticks = sorted(game.received)
    checked = 0
    for earlier, later in itertools.pairwise(ticks):
        before, after = game.received[earlier], game.received[later]
        assert after.previous_tick <= earlier
        for tick, (tree, time) in game.committed.items():
            if earlier < tick < later and not after.resting:
                held = tree["x"] == before.state["x"]
                assert held == (time <= after.changed_after + 1e-3) or time < before.time
                checked += 1
    assert checked > 30


def test_a_moving_world_moves_all_the_time_between_two_states() -> None:
    game = Game(Link(latency=0.03))
    game.play(3.0)
    ticks = sorted(game.received)[3:]
    for earlier, later in itertools.pairwise(ticks):
        assert game.received[later].changed_after == pytest.approx(game.received[earlier].time, abs=2e-4)
        assert game.received[later].previous_tick == earlier


@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_a_tick_that_sends_an_event_sends_its_state_as_well(loss: float) -> None:
    game = Game(Link(latency=0.03, loss=loss))
    game.network.run(0.5)
    game.play(4.0, event_each=7)
    assert len(game.arrived) > 20
    assert all(server_tick == tick for _, server_tick, tick in game.arrived)
    if not loss:
        assert all(tick in game.received for *_, tick in game.arrived)
        assert len({tick % 3 for *_, tick in game.arrived}) == 3


def test_an_event_between_two_ticks_leaves_at_once_with_the_state_of_the_last_tick() -> None:
    game = Game(Link(latency=0.03))
    game.network.run(1.0)
    for n in range(20):
        game.network.run(TICK)
        sent_at, tick = game.network.now, game.store.committed.tick
        game.backend.server.dispatch_event("BANG", tick)
        game.network.run(0.0305)
        assert len(game.arrived) == n + 1, "it waits for no later tick"
        assert game.arrived[-1] == ("BANG", tick, tick)
        assert game.network.now - sent_at < 0.031
        assert game.client.snapshots[-1].tick >= tick


def test_a_world_comes_to_rest_and_its_last_state_arrives() -> None:
    game = Game(Link(latency=0.03))
    game.play(1.0)
    game.rests = True
    game.play(0.3)
    assert game.client.snapshots[-1].resting
    assert game.client.snapshots[-1].state == game.store.committed.tree
    count = len(game.received)
    game.play(1.0)
    assert len(game.received) == count


def test_the_end_of_the_game_loop_is_sent_at_once() -> None:
    for ticks in range(3):
        game = Game(Link(latency=0.0))
        game.play(0.5 + ticks * TICK)
        game.backend.game_state_machine.stop()
        game.network.run(0.1)
        assert game.client.snapshots[-1].state["game_status"] == 0
        game.backend.game_state_store.push_update(GameStateUpdate(0, x=-5))
        game.network.run(0.1)
        assert game.client.snapshots[-1].state["x"] == -5


def test_views_and_shared_inputs_keep_to_the_rate() -> None:
    game = Game(Link(latency=0.03, loss=0.05), view=lambda tree, client_id: dict(tree), share_inputs=True)
    game.play(3.0)
    assert min(game.gaps[3:]) >= 3
    newest = game.client.snapshots[-1]
    assert newest.inputs == game.taken[newest.tick]
    assert game.client.input_applied(newest.tick) == newest.state["n"][1]


def test_acknowledgements_make_no_packets_of_their_own_at_ordinary_rates() -> None:
    """They ride on the states, as they do with a state in each tick."""
    game = Game(Link(latency=0.03))
    game.play(1.0)
    sent = 0

    def count(data: bytes, sender: Any, receiver: Any) -> None:
        nonlocal sent
        sent += receiver == game.client.address

    game.network.on_datagram = count
    game.play(5.0)
    assert sent <= 5 * 20 + 5


@pytest.mark.parametrize("rate", [0, 4.9, -1, math.nan, "20", True])
def test_a_rate_that_is_none_is_refused(rate: Any) -> None:
    with pytest.raises(ValueError, match="state_rate must be states a second, from 5 up"):
        Backend(GameState(), lambda game_state, dt: None, state_rate=rate)


def test_ticks_of_uneven_length_do_not_shift_the_pace() -> None:
    pace, chance, due, tree = StatePace(20.0), random.Random(1), 0, {"game_status": 1}
    now = 0.0
    for tick in range(6000):
        span = TICK * chance.uniform(0.7, 1.3)
        now += span
        due += pace.note(Commit(tick, now, span, {**tree}, tree, {}), TICK)
    assert due == pytest.approx(20 * now, rel=0.002)


def test_a_pause_brings_no_burst_of_states() -> None:
    pace, tree = StatePace(20.0), {"game_status": 1}
    for tick in range(60):
        pace.note(Commit(tick, tick * TICK, TICK, tree, tree, {}), TICK)
    dues = [
        pace.note(Commit(100 + n, 10.0 + n * TICK, 5.0 if n == 0 else TICK, tree, tree, {}), TICK) for n in range(9)
    ]
    assert sum(dues) <= 4
