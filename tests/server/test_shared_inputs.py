"""The players' inputs that states share: what the server has, to whom they go, and what a client makes of them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase import TO_DELETE, Backend, Client, GameState, Interest
from pygase._protocol.played_inputs import PlayerInput
from pygase._state.event_codec import encode_input
from pygase._state.shared_inputs import (
    MOST_ENTRY_BYTES,
    MOST_SHARED,
    SHARED_INPUTS,
    InputReader,
    inputs_of,
    runs_of,
    still_holds,
)
from pygase.errors import MalformedPacket
from pygase.testing import Link, SimulatedNetwork

TICK = 1 / 60
VALUES = st.one_of(st.none(), st.booleans(), st.integers(-(2**31), 2**31), st.text(max_size=4), st.just([1, {"a": 2}]))


# -- an entry ------------------------------------------------------------------------------------------------------


@given(st.lists(VALUES, max_size=MOST_SHARED + 4))
def test_an_entry_gives_back_the_inputs_one_a_tick(values: list[Any]) -> None:
    payloads = [encode_input(value, 253) for value in values]
    assert inputs_of(runs_of(payloads)) == tuple(values[:MOST_SHARED])


@given(st.lists(st.binary(max_size=250), min_size=1, max_size=40))
def test_an_entry_of_large_inputs_is_short_and_a_part_of_the_truth(values: list[bytes]) -> None:
    """One client that sends large inputs far ahead must not fill the lines of all others."""
    entry = runs_of([encode_input(value, 253) for value in values])
    shared = inputs_of(entry)
    assert len(entry) <= MOST_ENTRY_BYTES
    assert shared
    assert list(shared) == values[: len(shared)]


@given(st.binary(max_size=24))
def test_bytes_are_an_entry_or_malformed(data: bytes) -> None:
    try:
        inputs = inputs_of(data)
    except MalformedPacket:
        return
    assert len(inputs) <= MOST_SHARED
    assert (len(inputs) == 0) == (not data)


@given(
    st.lists(st.sampled_from([b"\x01", b"\x02"]), min_size=1, max_size=6),
    st.lists(st.sampled_from([b"\x01", b"\x02"]), min_size=1, max_size=6),
)
def test_an_entry_still_holds_only_if_each_of_its_inputs_is_true(older: list[bytes], newer: list[bytes]) -> None:
    if still_holds(runs_of(older), newer):
        assert newer[: len(older)] == older
        assert set(newer) == set(older)


@pytest.mark.parametrize(
    "part", [7, None, [1], {"x": b"\x01\x01\x01"}, {1: "text"}, {1: b"\x00\x01\x01"}, {1: b"\x01"}]
)
def test_a_part_that_no_server_sends_is_left_out(part: Any) -> None:
    reader = InputReader()
    assert reader.read({"a": 1, SHARED_INPUTS: part}) == ({"a": 1}, {})


def test_an_entry_of_few_bytes_cannot_fill_the_memory() -> None:
    with pytest.raises(MalformedPacket):
        inputs_of(bytes((255, 1, 1)))
    many = {number: bytes((MOST_SHARED, 1, 1)) for number in range(3000)}
    _, inputs = InputReader().read({SHARED_INPUTS: many})
    assert sum(map(len, inputs.values())) <= 1 << 16


# -- a game ------------------------------------------------------------------------------------------------------------


class Game:
    """A game of cars in virtual time, and what its time step got.

    :ivar taken: by tick, each player's inputs of that tick and of the next ones, as the time step got them.
    :ivar received: by client id, the snapshots of that client by tick.
    """

    def __init__(self, link: Link, *, seed: int = 1, still: bool = False, **options: Any) -> None:
        self.network = SimulatedNetwork(seed, link, start=100.0)
        self.still = still
        self.taken: dict[int, dict[int, tuple[Any, ...]]] = {}
        self.clients: list[Client] = []
        self.received: dict[int, dict[int, Any]] = {}
        self.backend = Backend(
            GameState(cars={}),
            self._step,
            {"pygase:client_connected": self._join},
            **{"share_inputs": True, **options},
        )
        self.network.serve(self.backend, interval=TICK)

    def _join(self, client_id: int) -> dict[str, Any]:
        return {"cars": {client_id: {"x": 0.0, "y": 0.0}}}

    def _step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> dict[str, Any]:
        tick = self.backend.game_state_store.plumbing.tick_of_caller
        self.taken[tick] = {who: (each.value, *each.ahead) for who, each in inputs.items()}
        if self.still:
            return {}
        return {"cars": {who: {"x": game_state.cars[who]["x"] + (each.value or 0)} for who, each in inputs.items()}}

    def join(self, count: int) -> None:
        for _ in range(count):
            client = Client()
            self.network.connect(client)
            self.clients.append(client)
        self.network.run(0.5)

    def play(self, seconds: float, keys: Any) -> None:
        """Let each client send ``keys(index, n)`` in each tick."""
        for n in range(round(seconds / TICK)):
            for index, client in enumerate(self.clients):
                client.send_input(keys(index, n))
            self.network.run(TICK)
            for client in self.clients:
                if client.id is not None:
                    self.received.setdefault(client.id, {}).update({each.tick: each for each in client.snapshots})


@pytest.mark.parametrize(("seed", "loss"), [(1, 0.0), (2, 0.03), (3, 0.2)])
def test_a_snapshot_has_the_inputs_that_the_server_had_in_its_tick(seed: int, loss: float) -> None:
    """Whatever gets lost: of each tick that arrives, exactly what the time step got, waiting inputs included."""
    game = Game(Link(latency=0.06, jitter=0.01, loss=loss), seed=seed)
    game.join(3)
    chance = random.Random(seed)
    game.play(4.0, lambda index, n: chance.randrange(4))
    assert len(game.received) == 3
    checked = waiting = 0
    for received in game.received.values():
        for tick, snapshot in received.items():
            if tick in game.taken:
                assert snapshot.inputs == game.taken[tick]
                checked += 1
                waiting += any(len(inputs) > 1 for inputs in snapshot.inputs.values())
    assert checked > 300
    assert waiting > checked / 2


def test_nobody_sees_the_part_in_a_state() -> None:
    game = Game(Link(latency=0.02))
    game.join(2)
    game.play(1.0, lambda index, n: n % 3)
    assert all(set(each.state) == {"cars", "game_status"} for each in game.clients[0].snapshots)
    with game.clients[0].access_game_state() as state:
        assert set(vars(state)) <= {"cars", "game_status", "time_order"}
    assert set(game.backend.game_state_store.plumbing.committed.tree) == {"cars", "game_status"}


def test_without_sharing_no_inputs_are_in_a_snapshot() -> None:
    game = Game(Link(latency=0.02), share_inputs=False)
    game.join(2)
    game.play(1.0, lambda index, n: n % 3)
    assert all(not each.inputs for each in game.clients[0].snapshots)
    assert any(len(inputs) > 1 for taken in game.taken.values() for inputs in taken.values())  # ahead, all the same


def test_a_world_at_rest_with_unchanged_inputs_rests() -> None:
    """Though the number of inputs that wait goes up and down with the jitter."""
    game = Game(Link(latency=0.05, jitter=0.02, loss=0.02), still=True)
    game.join(2)
    game.play(4.0, lambda index, n: 1)
    before = {client_id: max(received) for client_id, received in game.received.items()}
    lengths = {len(taken[1]) for taken in list(game.taken.values())[-60:] if 1 in taken}
    assert len(lengths) > 1
    game.play(1.0, lambda index, n: 1)
    assert {client_id: max(received) for client_id, received in game.received.items()} == before
    newest = game.clients[0].snapshots[-1]
    assert newest.resting
    assert {who: set(inputs) for who, inputs in newest.inputs.items()} == {1: {1}, 2: {1}}
    assert all(
        len(inputs) <= len(game.taken[tick][who])
        for tick in list(game.taken)[-60:]
        for who, inputs in newest.inputs.items()
    )
    game.play(0.5, lambda index, n: 2)
    assert set(game.clients[0].snapshots[-1].inputs[2]) == {2}


def test_a_lost_player_s_inputs_end() -> None:
    game = Game(Link(latency=0.02))
    game.join(2)
    game.play(1.0, lambda index, n: n)
    gone = game.clients.pop()
    gone_id = gone.id
    gone.disconnect()
    game.play(1.0, lambda index, n: n)
    assert gone_id not in game.clients[0].snapshots[-1].inputs
    assert game.clients[0].snapshots[-1].inputs


def test_an_unreadable_input_is_not_shared() -> None:
    """What is no input must not reach the others: they get the one before, which the server repeats."""
    game = Game(Link(latency=0.02))
    game.join(2)
    game.play(0.5, lambda index, n: 5)
    session = game.clients[0].plumbing.session
    for _ in range(20):
        session.send_input(b"\xc1", None)
        game.network.run(TICK)
    received = game.clients[1].snapshots[-1].inputs
    assert set(received[1]) == {5}


# -- views -------------------------------------------------------------------------------------------------------------


def _split(tree: dict[str, Any], client_id: int) -> dict[str, Any]:
    """Odd clients see odd cars, even clients even ones."""
    cars = {who: car for who, car in tree["cars"].items() if who % 2 == client_id % 2}
    return {**tree, "cars": cars}


def test_inputs_go_only_to_who_may_see_the_player() -> None:
    game = Game(Link(latency=0.03, loss=0.05), view=_split)
    game.join(4)
    game.play(2.0, lambda index, n: n % 5)
    for client_id, received in game.received.items():
        for tick, snapshot in received.items():
            if tick in game.taken:
                expected = {who: inputs for who, inputs in game.taken[tick].items() if who % 2 == client_id % 2}
                assert snapshot.inputs == expected
                assert set(snapshot.state["cars"]) <= {1, 2, 3, 4}
    assert any(len(each.inputs) == 2 for each in game.received[1].values())


@pytest.mark.parametrize(
    ("hide", "is_shared"),
    [
        (lambda tree: tree, True),
        (lambda tree: {**tree, "cars": {who: {"x": 0} for who in tree["cars"]}}, True),
        (lambda tree: {**tree, "cars": {}}, False),
        (lambda tree: {key: value for key, value in tree.items() if key != "cars"}, False),
    ],
)
def test_a_player_is_hidden_by_any_place_that_the_view_leaves_out(hide: Any, is_shared: bool) -> None:
    game = Game(Link(latency=0.02), view=lambda tree, client_id: hide(tree))
    game.join(2)
    game.backend.game_state_store.push_update(_update(scores={1: 3, 2: 4}))
    game.play(1.0, lambda index, n: n % 5)
    assert bool(game.clients[0].snapshots[-1].inputs) is is_shared


def _update(**attributes: Any) -> Any:
    from pygase import GameStateUpdate

    return GameStateUpdate(0, **attributes)


def test_players_without_a_place_in_the_state_are_shared_with_nobody() -> None:
    game = Game(Link(latency=0.02), view=lambda tree, client_id: dict(tree))
    game.join(2)
    game.play(0.3, lambda index, n: 0)
    game.still = True
    game.backend.game_state_store.push_update(_update(cars={1: TO_DELETE, 2: TO_DELETE}))
    game.play(1.0, lambda index, n: n % 5)
    assert game.clients[0].snapshots[-1].inputs == {}


def test_with_interest_inputs_come_and_go_with_the_things() -> None:
    """A car drives away: from then on its inputs stay with it."""
    game = Game(Link(latency=0.02), view=Interest("cars", radius=100.0))
    game.join(2)
    game.play(1.0, lambda index, n: n % 2)
    assert set(game.clients[0].snapshots[-1].inputs) == {1, 2}
    game.play(2.0, lambda index, n: 2 if index else 0)
    assert set(game.clients[0].snapshots[-1].inputs) == {1}
    assert set(game.clients[1].snapshots[-1].inputs) == {2}
    for tick, snapshot in game.received[1].items():
        assert set(snapshot.inputs) <= set(snapshot.state["cars"])
        for who, inputs in snapshot.inputs.items():
            if tick in game.taken:
                assert inputs == game.taken[tick][who]


def test_a_view_of_one_object_is_encoded_once_with_its_inputs() -> None:
    game = Game(Link(latency=0.02), view=lambda tree, client_id: tree)
    game.join(4)
    game.play(1.0, lambda index, n: n % 5)
    endpoint = game.backend.server.plumbing.run.endpoint
    assert len({id(peer.snapshots.ring.tree) for peer in endpoint.peers.values()}) == 1


def test_a_client_that_is_short_gets_the_inputs_of_each_state_in_time() -> None:
    """Partial states: cars may lag, the inputs are of the state's own tick."""
    from pygase.config import ServerConfig

    game = Game(Link(latency=0.03), priority={"cars.*": 1.0}, config=ServerConfig(max_bytes_per_second=3000))
    game.join(6)
    chance = random.Random(5)
    game.play(3.0, lambda index, n: chance.randrange(50) / 7)
    checked = 0
    for received in game.received.values():
        for tick, snapshot in received.items():
            if tick in game.taken:
                assert snapshot.inputs == game.taken[tick]
                checked += 1
    assert checked > 60
