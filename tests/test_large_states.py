"""States from 1 KB to 4 MiB, the largest by default: they arrive, change, shrink; one byte more is refused."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
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
    GameStateUpdate,
    ServerConfig,
    StateTooLarge,
)
from pygase._protocol.record import PeerRecord
from pygase._protocol.snapshot_sender import SnapshotSender
from pygase._protocol.snapshots import SnapshotRing
from pygase._protocol.wire import BULK_SNAPSHOT
from pygase._state.codec import pack
from pygase._state.tree import exactly_equal
from pygase.testing import Link, SimulatedNetwork

KIB = 1024
MAX_BYTES = ServerConfig.max_state_bytes
SIZES = [KIB, 64 * KIB, KIB * KIB, MAX_BYTES]
GOOD = Link(latency=0.02)
LOSSY = Link(latency=0.02, jitter=0.01, loss=0.05)


def do_nothing(game_state: GameState, dt: float) -> dict[str, Any]:
    return {}


def state_of(size_bytes: int, rng: random.Random) -> GameState:
    """Return a state of exactly `size_bytes` bytes: many entries, and an incompressible blob."""
    entries = {number: rng.random() for number in range(size_bytes // 40)}
    bare = len(pack({"game_status": 0, "entries": entries, "blob": rng.randbytes(300)})) - 300
    for header_bytes in (0, 2):  # a blob's own header grows from 3 to 5 bytes at 64 KiB
        blob = rng.randbytes(size_bytes - bare - header_bytes)
        state = GameState(entries=entries, blob=blob)
        if size_of(state) == size_bytes:
            return state
    raise AssertionError(f"no state of {size_bytes} bytes")


def size_of(state: GameState) -> int:
    """Return the serialised size of a state, as the bound counts it."""
    return len(pack({name: value for name, value in state.__dict__.items() if name != "time_order"}))


def serve(
    state: GameState,
    link: Link,
    time_step: Callable[..., Any] = do_nothing,
    seed: int = 0,
    handlers: dict[str, Any] | None = None,
    **config: Any,
) -> tuple[SimulatedNetwork, Backend]:
    network = SimulatedNetwork(seed, link)
    backend = Backend(state, time_step, handlers, config=ServerConfig(**config))
    network.serve(backend)
    return network, backend


def join(network: SimulatedNetwork, **options: Any) -> Client:
    client = Client(config=options.pop("config", None))
    network.connect(client, **options)
    return client


def has_everything(client: Client, backend: Backend) -> bool:
    """Return whether a client's state equals the server's."""
    tree = backend.game_state_store.plumbing.committed.tree
    snapshots = client.snapshots
    return bool(snapshots) and (snapshots[-1].state is tree or exactly_equal(snapshots[-1].state, tree))


def expect_everything(network: SimulatedNetwork, client: Client, backend: Backend, within: float) -> None:
    """Wait until the client's state equals the server's, for at most `within` virtual seconds."""
    give_up_at = network.now + within
    while network.now < give_up_at and not has_everything(client, backend):
        network.run(0.1)
    assert has_everything(client, backend), f"not within {within} s; {client.status}, {client.stats}, {network!r}"


# -- full states -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", [GOOD, LOSSY], ids=["good", "lossy"])
@pytest.mark.parametrize("size_bytes", SIZES)
def test_a_full_state_arrives(size_bytes: int, link: Link, rng: random.Random) -> None:
    """Within the time that the budget of 2 MB/s allows, plus some for losses."""
    state = state_of(size_bytes, rng)
    network, backend = serve(state, link, seed=rng.randrange(1_000))
    client = join(network)
    expect_everything(network, client, backend, within=1.5 + size_bytes / 700_000)
    assert client.snapshots[-1].state["blob"] == state.blob
    assert client.status == "connected"


def test_a_full_state_that_compresses_well_costs_little() -> None:
    """A megabyte of mostly equal bytes takes a few packets."""
    network, backend = serve(GameState(rows={i: {"kind": "grass", "height": 1} for i in range(50_000)}), GOOD)
    client = join(network)
    expect_everything(network, client, backend, within=2.0)
    assert backend.server.connections[client.address].stats.bytes_sent < 400_000


def test_several_clients_get_a_large_state_at_once(rng: random.Random) -> None:
    network, backend = serve(state_of(300 * KIB, rng), LOSSY, seed=3)
    clients = [join(network) for _ in range(5)]
    for client in clients:
        expect_everything(network, client, backend, within=6.0)


# -- one byte more ---------------------------------------------------------------------------------------------------


def test_a_state_that_is_too_large_from_the_start_is_refused(rng: random.Random) -> None:
    state = state_of(MAX_BYTES, rng)
    state.blob += b"!"
    assert size_of(state) == MAX_BYTES + 1
    with pytest.raises(StateTooLarge, match=r"4,194,305 bytes, at most 4,194,304"):
        Backend(state, do_nothing)


@pytest.mark.parametrize("by", ["handler", "time step", "push_update"])
def test_one_byte_too_much_is_a_clear_error_and_the_server_goes_on(
    by: str, rng: random.Random, caplog: pytest.LogCaptureFixture
) -> None:
    """The update is not applied, the error names the sizes, and later updates work, on all three ways."""
    state = state_of(MAX_BYTES, rng)
    steps: list[dict[str, Any]] = []
    updates = {"GROW": {"blob": state.blob + b"!"}, "GO ON": {"blob": state.blob[:-10], "x": 1}}
    network, backend = serve(
        state,
        GOOD,
        lambda game_state, dt: steps.pop() if steps else {},
        handlers={name: lambda name=name: updates[name] for name in updates},
    )
    client = join(network)
    network.run_until(lambda: client.snapshots, timeout=10.0)

    def update(name: str) -> None:
        if by == "handler":
            client.dispatch_event(name)
        elif by == "time step":
            steps.append(updates[name])
        else:
            backend.game_state_store.push_update(GameStateUpdate(**updates[name]))

    if by == "push_update":
        with pytest.raises(StateTooLarge, match=r"4,194,305 bytes, at most 4,194,304"):
            update("GROW")
    else:
        update("GROW")
        network.run(1.0)
        assert len(_errors(caplog)) == 1
        assert "4,194,305 bytes, at most 4,194,304 are allowed" in _errors(caplog)[0]
    assert backend.game_state_store.plumbing.committed.tree["blob"] == state.blob
    update("GO ON")
    network.run(0.1)
    expect_everything(network, client, backend, within=10.0)
    assert client.snapshots[-1].state["x"] == 1


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]


@pytest.mark.integration
def test_an_update_from_another_thread_that_is_too_large_does_not_end_the_game(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An update pushed during a tick waits for the next one. Its sender is gone by then, so the error is logged."""
    backend: Backend

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        if game_state.ticks == 5:
            push = backend.game_state_store.push_update
            thread = threading.Thread(target=push, args=[GameStateUpdate(blob=bytes(MAX_BYTES))])
            thread.start()
            thread.join()
        return {"ticks": game_state.ticks + 1}

    network, backend = serve(GameState(ticks=0), GOOD, time_step)
    client = join(network)
    network.run(1.0)
    assert client.snapshots[-1].state["ticks"] > 40
    assert "blob" not in client.snapshots[-1].state
    assert any("at most 4,194,304" in record.getMessage() for record in caplog.records)


def test_a_larger_bound_can_be_agreed(rng: random.Random) -> None:
    """A size that both configurations allow works: here 6 MiB."""
    limit = 6 * KIB * KIB
    network = SimulatedNetwork(link=GOOD)
    backend = Backend(
        GameState(blob=rng.randbytes(5 * KIB * KIB)), do_nothing, config=ServerConfig(max_state_bytes=limit)
    )
    network.serve(backend)
    client = Client(config=ClientConfig(max_state_bytes=limit))
    network.connect(client)
    expect_everything(network, client, backend, within=8.0)


# -- large states in motion ------------------------------------------------------------------------------------------


def churning(rng: random.Random, entries: int) -> Callable[[GameState, float], dict[str, Any]]:
    """Return a time step that changes, creates and deletes a few of very many entries in each tick."""

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        changed = {rng.randrange(entries): {"x": rng.random(), "y": rng.random()} for _ in range(20)}
        gone = {rng.randrange(entries): TO_DELETE for _ in range(3)}
        return {"things": {**changed, **gone}}

    return time_step


@pytest.mark.parametrize("link", [GOOD, LOSSY], ids=["good", "lossy"])
def test_a_client_that_joins_in_the_middle_of_play_converges(link: Link, rng: random.Random) -> None:
    """The state changes faster than it can be transferred. The late client still catches up."""
    things = {number: {"x": rng.random(), "y": rng.random(), "name": f"thing {number}"} for number in range(5_000)}
    network, backend = serve(GameState(things=things), link, churning(rng, 6_000), seed=5)
    early = join(network)
    network.run(2.0)
    late = join(network)
    network.run(3.0)
    behind = backend.game_state_store.plumbing.committed.tick - late.snapshots[-1].tick
    assert behind < 25, f"{behind} ticks behind"
    backend.game_state_machine.time_step = do_nothing  # type: ignore[method-assign, assignment]
    for client in (early, late):
        expect_everything(network, client, backend, within=3.0)


@pytest.mark.parametrize("changed_bytes", [2_000, 4_000, 8_000, 40_000])
@pytest.mark.parametrize("link", [GOOD, LOSSY], ids=["good", "lossy"])
def test_deltas_that_need_fragments_arrive(link: Link, changed_bytes: int, rng: random.Random) -> None:
    """Two, four, seven and thirty-five packets of changes, ten times a second. The last of them arrives whole."""

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"news": rng.randbytes(changed_bytes)} if rng.random() < 0.2 else {}

    network, backend = serve(GameState(news=b"", ballast=rng.randbytes(100_000)), link, time_step, seed=9)
    client = join(network)
    network.run(4.0)  # in the first second the state itself arrives
    seen = {snapshot.state["news"] for snapshot in client.snapshots}
    assert len(seen) >= 5
    assert all(len(news) in (0, changed_bytes) for news in seen)
    backend.game_state_machine.time_step = do_nothing  # type: ignore[method-assign, assignment]
    expect_everything(network, client, backend, within=3.0)


@pytest.mark.parametrize("link", [GOOD, LOSSY], ids=["good", "lossy"])
def test_most_of_a_large_state_is_deleted(link: Link, rng: random.Random) -> None:
    """A megabyte is deleted, the rest remains, and nothing is mixed up."""
    things = {number: rng.randbytes(20) for number in range(40_000)}
    steps = [{"things": {number: TO_DELETE for number in range(40_000) if number % 100}}]
    network, backend = serve(GameState(things=things), link, seed=11)
    client = join(network)
    expect_everything(network, client, backend, within=6.0)
    machine = backend.game_state_machine
    machine.time_step = lambda game_state, dt: steps.pop() if steps else {}  # type: ignore[method-assign, assignment]
    network.run(0.1)
    expect_everything(network, client, backend, within=4.0)
    assert client.snapshots[-1].state["things"] == {number: things[number] for number in range(0, 40_000, 100)}


def test_a_deletion_larger_than_the_largest_state_arrives() -> None:
    """Deleting a short entry takes more bytes than the entry: in all more than the largest state, compressed well.

    The bounds here are a tenth of the usual ones.
    """
    bounds = {"max_state_bytes": MAX_BYTES // 10, "max_state_values": 400_000}
    row = dict.fromkeys(range(100))
    rows = {f"row {number}": row for number in range(1_500)}
    cleared = {name: dict.fromkeys(row, TO_DELETE) for name in rows}
    assert size_of(GameState(rows=rows)) < bounds["max_state_bytes"] < len(pack({"rows": cleared}))
    steps: list[dict[str, Any]] = []
    network, backend = serve(GameState(rows=rows), GOOD, lambda game_state, dt: steps.pop() if steps else {}, **bounds)
    client = join(network, config=ClientConfig(**bounds))
    expect_everything(network, client, backend, within=6.0)
    steps.append({"rows": cleared})
    network.run(0.1)
    expect_everything(network, client, backend, within=6.0)
    assert client.snapshots[-1].state["rows"] == {name: {} for name in rows}


def test_a_whole_large_state_is_replaced_at_once(rng: random.Random) -> None:
    """Everything is replaced: the delta is larger than the full state, so the full state is sent."""
    names = [rng.randbytes(15).hex() for _ in range(20_000)]
    steps: list[dict[str, Any]] = []
    network, backend = serve(
        GameState(things=dict.fromkeys(names, 1)), LOSSY, lambda game_state, dt: steps.pop() if steps else {}
    )
    client = join(network)
    expect_everything(network, client, backend, within=6.0)
    others = [rng.randbytes(15).hex() for _ in range(20_000)]
    steps.append({"things": {**dict.fromkeys(names, TO_DELETE), **dict.fromkeys(others, 2)}})
    network.run(0.1)
    expect_everything(network, client, backend, within=6.0)


def test_events_pass_while_a_large_state_is_under_way(rng: random.Random) -> None:
    """A player that joins receives events during the two seconds that 4 MiB take."""
    heard: list[float] = []
    network, backend = serve(state_of(MAX_BYTES, rng), GOOD)
    client = join(network)
    client.register_event_handler("PING", lambda sent_at: heard.append(network.now - sent_at))
    network.run_until(lambda: client.status == "connected")
    for _ in range(10):
        backend.server.dispatch_event("PING", network.now, retries=3)
        network.run(0.1)
    assert not client.snapshots
    assert len(heard) >= 9
    assert max(heard) < 0.3


def test_a_late_acknowledgement_does_not_end_the_next_transfer(rng: random.Random) -> None:
    """The client's report may overtake its last acknowledgement, which belongs to the earlier transfer."""
    ring = SnapshotRing(8)
    sender = SnapshotSender(PeerRecord(), ring)
    for tick in (1, 2):
        ring.push(tick, {"blob": rng.randbytes(100_000)}, tick, 1.0)
        assert sender.wanted(now=tick, rto=0.1)
        assert sender.next_body(now=tick)[1] == BULK_SNAPSHOT
        assert not sender.wanted(now=tick + 0.9, rto=0.1), "it is under way, and nobody has said that it arrived"
        sender.on_acked(tick)
        sender.bulk_delivered_at = tick + 0.5


def test_an_acknowledgement_of_a_replaced_transfer_says_nothing_of_the_new_one(rng: random.Random) -> None:
    """Only the arrival of all pieces of the present transfer counts."""
    network, backend = serve(GameState(blob=rng.randbytes(200_000)), GOOD)
    client = join(network)
    network.run_until(lambda: client.snapshots)
    backend.game_state_store.push_update(GameStateUpdate(blob=rng.randbytes(200_000)))
    (peer,) = backend.server.plumbing.run.endpoint.peers.values()
    network.run_until(lambda: peer.bulk_group == 2)
    peer.on_message_acked(-1, network.now)
    assert peer.snapshots.bulk_delivered_at is None
    peer.on_message_acked(-2, network.now)
    assert peer.snapshots.bulk_delivered_at == network.now


@pytest.mark.parametrize("blob", [random.Random(1).randbytes(300_000), bytes(300_000)], ids=["many packets", "one"])
def test_a_client_that_allows_less_than_the_server_is_told(blob: bytes) -> None:
    """The client disconnects with the reason, instead of receiving the same state again and again."""
    network, _ = serve(GameState(blob=blob), GOOD)
    client = Client(config=ClientConfig(max_state_bytes=100_000))
    network.connect(client)
    network.run(2.0)
    assert client.disconnect_reason is DisconnectReason.STATE_TOO_LARGE
    assert "100,000 bytes" in client.disconnect_detail
    sent = network.bytes_sent[("127.0.0.1", 8080)]
    network.run(10.0)
    assert network.bytes_sent[("127.0.0.1", 8080)] == sent < 150_000


def test_a_reliable_event_that_is_too_large_for_the_other_side_ends_the_connection() -> None:
    """The other side would never accept it, and all later reliable events would wait. So the connection ends with a
    reason.
    """
    heard: list[int] = []
    network = SimulatedNetwork(link=GOOD)
    backend = Backend(
        GameState(),
        do_nothing,
        {"TELL": lambda number, padding: heard.append(number)},
        config=ServerConfig(max_message_bytes=10_000),
    )
    network.serve(backend)
    client = join(network)
    network.run(1.0)
    for number, size in enumerate([10, 20_000, 10]):
        client.dispatch_event("TELL", number, bytes(size), retries=RELIABLE)
    network.run(1.0)
    assert heard == [0]
    assert client.disconnect_reason is DisconnectReason.PROTOCOL_ERROR
    assert not backend.server.connections


@pytest.mark.parametrize(
    ("link", "config", "entries", "most_behind"),
    [
        (Link(latency=0.03), ServerConfig(bytes_per_second=24_000, burst_bytes=8000), 100, 25),
        (Link(latency=0.03, bandwidth=64_000, queue_bytes=64_000), ServerConfig(), 200, 400),
    ],
    ids=["budget", "link"],
)
def test_where_every_tick_changes_more_than_can_be_sent_states_become_rarer_and_never_cease(
    link: Link, config: ServerConfig, entries: int, most_behind: int
) -> None:
    rng = random.Random(1)

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        return {"many": {number: [rng.random(), rng.random()] for number in range(entries)}}

    backend, client = Backend(GameState(many={}), time_step, config=config), Client()
    network = SimulatedNetwork(1, link)
    network.serve(backend, interval=0.02)
    network.connect(client)
    network.run(6.0)
    for _ in range(12):
        network.run(1.0)
        behind = backend.game_state_store.plumbing.committed.tick - client.snapshots[-1].tick
        assert behind <= most_behind
    assert client.status == "connected"
