"""Waiting messages are bounded, no reliable one is lost in silence, and one client's flood costs no other client."""

import gc
import threading
import weakref
from typing import Any

import pytest

from pygase import (
    RELIABLE,
    TO_DELETE,
    Backend,
    Client,
    ClientConfig,
    DisconnectReason,
    GameState,
    GameStateMachine,
    GameStateStore,
    GameStateUpdate,
    InvalidValue,
    Server,
)
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase._protocol.wire import SNAPSHOT_HEADER
from pygase._server.incoming import UNCOUNTED_EVENTS
from pygase._server.state_keeper import Commit, StateKeeper
from pygase._state.codec import pack
from pygase._state.event_codec import decode_event, encode_event
from pygase._state.tree import MAX_DEPTH
from pygase.config import ServerConfig
from pygase.errors import MalformedPacket
from pygase.testing import Link, SimulatedNetwork


def network_with(handlers: dict[str, Any], **state: Any) -> tuple[SimulatedNetwork, Backend]:
    network = SimulatedNetwork(1, Link(latency=0.005))
    backend = Backend(GameState(**state), lambda game_state, dt: {}, handlers)
    network.serve(backend)
    return network, backend


def join(network: SimulatedNetwork, client: Client) -> Client:
    network.connect(client)
    network.run_until(lambda: client.status == "connected")
    return client


def resume(backend: Backend, network: SimulatedNetwork) -> None:
    """Let a paused game take one tick."""
    backend.game_state_machine.plumbing.tick(0.02, network.now)


# -- events that wait --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bound", [10, 4096])
@pytest.mark.parametrize("retries", [3, RELIABLE])
def test_events_with_retries_that_wait_for_the_connection_are_refused_beyond_the_bound_and_none_is_lost(
    bound: int, retries: int
) -> None:
    got: list[int] = []
    network, _ = network_with({"X": got.append})
    client = Client(config=ClientConfig(max_queued_messages=bound))
    for number in range(bound):
        client.dispatch_event("X", number, retries=retries)
    with pytest.raises(BufferError, match=f"{bound} events wait"):
        client.dispatch_event("X", bound, retries=retries)
    network.connect(client)
    with pytest.raises(BufferError, match=f"{bound} events wait"):  # also while connecting
        client.dispatch_event("X", bound, retries=retries)
    network.run(3.0)
    assert client.status == "connected"
    assert sorted(got) == list(range(bound))
    client.dispatch_event("X", bound, retries=retries)
    network.run(0.5)
    assert got[-1] == bound


def test_unreliable_events_that_wait_for_the_connection_do_not_crowd_out_reliable_ones() -> None:
    got: list[int] = []
    network, _ = network_with({"X": got.append, "NOISE": lambda: None})
    client = Client()
    for number in range(100):
        client.dispatch_event("X", number, retries=RELIABLE)
    for _ in range(2000):
        client.dispatch_event("NOISE")
    assert len(client.plumbing.outbox) < 1200
    join(network, client)
    network.run(2.0)
    assert got == list(range(100))


@pytest.mark.parametrize("retries", [3, RELIABLE])
def test_events_with_retries_are_refused_beyond_the_bound_when_connected_and_none_is_lost(retries: int) -> None:
    got: list[int] = []
    network, _ = network_with({"X": got.append})
    client = join(network, Client(config=ClientConfig(max_queued_messages=200)))
    taken: list[int] = []
    for number in range(900):
        try:
            client.dispatch_event("X", number, retries=retries)
        except BufferError:
            network.run(0.02)
        else:
            taken.append(number)
    network.run(3.0)
    assert client.status == "connected"
    assert 200 <= len(taken) < 900
    assert sorted(got) == taken


def test_one_clients_flood_while_the_game_is_paused_does_not_evict_anothers_events() -> None:
    got: list[int] = []
    network, backend = network_with({"R": got.append, "X": lambda: None})
    machine, dropped = backend.game_state_machine, backend.server.dropped
    quiet, loud = join(network, Client()), join(network, Client())
    machine.stop()
    network.run(0.5)
    for number in range(100):
        quiet.dispatch_event("R", number, retries=RELIABLE)
    network.run(0.5)
    for _ in range(4):
        for _ in range(1500):
            loud.dispatch_event("X")
        network.run(0.5)
    most = ServerConfig.max_waiting_events
    assert len(machine.plumbing.events.arrived) == UNCOUNTED_EVENTS + most  # (the first few are nobody's)
    assert dropped["too many events between two ticks"] == 100 + 6000 - UNCOUNTED_EVENTS - most
    quiet.dispatch_event("R", 100, retries=RELIABLE)
    network.run(0.5)
    resume(backend, network)
    assert got == list(range(101))


def test_one_clients_large_events_while_the_game_is_paused_take_a_bounded_amount_of_memory() -> None:
    got: list[Any] = []
    network, backend = network_with({"X": lambda number, data: got.append((number, len(data)))})
    client = join(network, Client())
    backend.game_state_machine.stop()
    network.run(0.5)
    size = 100_000
    for number in range(20):
        client.dispatch_event("X", number, b"x" * size)
        network.run(0.2)
    fit = ServerConfig.max_waiting_event_bytes // size
    assert len(backend.game_state_machine.plumbing.events.arrived) == fit
    assert backend.server.dropped["too many events between two ticks"] == 20 - fit
    resume(backend, network)
    assert got == [(number, size) for number in range(fit)]
    client.dispatch_event("X", 20, b"x" * size)
    network.run(1.0)
    resume(backend, network)
    assert got[fit:] == [(20, size)]


@pytest.mark.parametrize("retries", [5, RELIABLE])
def test_what_a_client_knows_to_have_arrived_is_never_dropped_but_its_connection_may_end(retries: int) -> None:
    got: list[Any] = []
    network, backend = network_with({"X": lambda number, data: got.append(number)})
    client = join(network, Client())
    backend.game_state_machine.stop()
    network.run(0.5)
    size = 100_000
    fit = 2 * ServerConfig.max_waiting_event_bytes // size
    for number in range(fit):
        client.dispatch_event("X", number, b"x" * size, retries=retries)
    network.run(8.0)
    assert not backend.server.dropped["too many events between two ticks"]
    assert client.status == "connected"
    client.dispatch_event("X", fit, b"x" * size, retries=retries)
    network.run(2.0)
    assert backend.server.dropped["too many events between two ticks"] == 1
    assert client.status == "disconnected"
    assert client.disconnect_reason is DisconnectReason.PROTOCOL_ERROR
    assert "events wait" in client.disconnect_detail
    resume(backend, network)
    assert got == list(range(fit))


# -- states ------------------------------------------------------------------------------------------------------------


def full_state(tick: int, payload: bytes) -> bytes:
    return SNAPSHOT_HEADER.pack(0, tick, 0, 1, 0, 0) + payload


def test_the_states_that_a_client_keeps_take_a_bounded_amount_of_memory() -> None:
    bound = 10_000
    receiver = SnapshotReceiver(bound, 3 * bound)
    for tick in range(1, 50):  # each a state of its own, that shares nothing with the others
        tree = {"tick": tick, "data": bytes([tick]) * 9_000}
        received = receiver.receive(full_state(tick, pack(tree)))
        assert received is not None
        assert (received.tick, received.tree) == (tick, tree)
        kept = sum(len(pack(state.tree)) for state in receiver.states.values())
        assert kept <= max(3 * bound, SnapshotReceiver.MIN_STATES * bound)


def test_a_client_goes_on_from_each_of_many_whole_states() -> None:
    receiver = SnapshotReceiver(1_000, 1_000)
    for tick in range(1, 6):
        receiver.receive(full_state(tick, pack({"data": bytes([tick]) * 900})))
        assert receiver.acked_tick == tick
        assert len(receiver.states) <= SnapshotReceiver.MIN_STATES
    received = receiver.receive(SNAPSHOT_HEADER.pack(0, 6, 1, 1, 0, 0) + pack({"n": 7}))
    assert received is not None
    assert received.tree == {"data": bytes([5]) * 900, "n": 7}


def nested(depth: int, kind: str, innermost: Any) -> Any:
    value = innermost
    for _ in range(depth):
        value = [value] if kind == "list" else {"a": value}
    return value


@pytest.mark.parametrize("depth", [66, 127, 200, 330, 450, 511, 1000])
def test_lists_nested_too_deeply_are_refused_in_states(depth: int) -> None:
    payload = b"\x81\xa1a" + b"\x91" * depth + b"\x01"
    with pytest.raises(MalformedPacket):
        SnapshotReceiver(1 << 20).receive(full_state(1, payload))
    receiver = SnapshotReceiver(1 << 20)
    assert receiver.receive(full_state(1, pack({"a": 1})))
    with pytest.raises(MalformedPacket):
        receiver.receive(SNAPSHOT_HEADER.pack(0, 2, 1, 1, 0, 0) + payload)
    assert receiver.newest_tick == 1


@pytest.mark.parametrize("depth", [66, 127, 200, 330, 450, 511, 1000])
@pytest.mark.parametrize("kind", [b"\x91", b"\x81\xa1a"])
def test_data_nested_too_deeply_is_refused_in_events(depth: int, kind: bytes) -> None:
    with pytest.raises(MalformedPacket):
        decode_event(b"\x92\xa1X\x91" + kind * depth + b"\x01")


@pytest.mark.parametrize("innermost", [1, b"\xd6\xff"])  # the latter looks like the head of a timestamp
@pytest.mark.parametrize("kind", ["list", "dict"])
def test_what_a_program_may_nest_arrives(kind: str, innermost: Any) -> None:
    got: list[Any] = []
    value = nested(MAX_DEPTH, kind, innermost)
    network, _ = network_with({"X": got.append}, value=value)
    client = join(network, Client())
    client.dispatch_event("X", value)
    with pytest.raises(InvalidValue):
        client.dispatch_event("X", [value])
    network.run(0.5)
    assert got == [value]
    with client.access_game_state() as game_state:
        assert game_state.value == value


# -- commits -----------------------------------------------------------------------------------------------------------


@pytest.mark.interpreted
def test_a_commit_while_the_server_takes_the_one_before_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    store = GameStateStore(GameState(a=1))
    network, server = SimulatedNetwork(1, Link(latency=0.005)), Server(store)
    network.serve(server)
    client = join(network, Client())
    network.run(0.5)

    committed = StateKeeper.committed

    def committed_and_changed_at_once(looked_at: StateKeeper) -> Commit:
        commit: Commit = committed.fget(looked_at)
        if commit.tree["a"] == 2:
            store.push_update(GameStateUpdate(a=3))
        return commit

    monkeypatch.setattr(StateKeeper, "committed", property(committed_and_changed_at_once))
    store.push_update(GameStateUpdate(a=2))
    network.run(1.0)
    assert store.get_game_state().a == 3
    with client.access_game_state() as game_state:
        assert game_state.a == 3


def test_times_of_commits_do_not_run_backwards_when_another_thread_pushes_just_before_a_tick() -> None:
    store = GameStateStore(GameState(a=0))
    machine = GameStateMachine(store)
    machine.time_step = lambda game_state, dt: {"b": dt}
    looked_at_clock = store.plumbing.clock()
    pusher = threading.Thread(target=lambda: store.push_update(GameStateUpdate(a=1)))
    pusher.start()
    pusher.join()
    pushed = store.plumbing.committed
    machine.plumbing.tick(0.02, looked_at_clock)
    assert pushed.time > looked_at_clock
    assert store.plumbing.committed.tick == pushed.tick + 1
    assert store.plumbing.committed.time == pushed.time
    assert store.plumbing.committed.span == 0.0


@pytest.mark.parametrize("debug", [False, True])
def test_a_part_of_the_state_with_a_deletion_put_into_it_may_be_returned_as_the_update(
    debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    network = SimulatedNetwork(1)

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        players = game_state.players
        if len(players) < 3:
            return {}
        players[2] = TO_DELETE
        return {"players": players}

    backend = Backend(GameState(players={1: {}, 2: {}, 3: {}}), time_step, debug=debug)
    network.serve(backend)
    client = join(network, Client())
    network.run(0.5)
    assert backend.game_state_store.get_game_state().players == {1: {}, 3: {}}
    assert backend.game_state_store.plumbing.begin_tick().players == {1: {}, 3: {}}
    with client.access_game_state() as game_state:
        assert game_state.players == {1: {}, 3: {}}
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_what_waits_while_the_game_is_paused_keeps_no_connection_that_has_ended() -> None:
    network, backend = network_with({"X": lambda: None})
    backend.game_state_machine.stop()
    network.run(0.5)
    client = join(network, Client())
    connection = weakref.ref(backend.server.connections[client.address])
    client.dispatch_event("X")
    network.run(0.5)
    client.disconnect()
    network.run(0.5)
    arrived = backend.game_state_machine.plumbing.events.arrived
    (sender, payload), *_ = (event for event in arrived if isinstance(event, tuple))
    assert (sender.address, payload) == (client.address, encode_event("X", (), {}, 100))
    gc.collect()
    assert connection() is None
