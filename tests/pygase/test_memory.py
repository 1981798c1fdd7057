"""A server's power over a client's memory is bounded in values, not only in bytes."""

import random
import subprocess
import sys
from typing import Any

import pytest

from pygase import Backend, Client, ClientConfig, DisconnectReason, GameState, ServerConfig, Snapshot, SnapshotBuffer
from pygase._protocol.fragments import TooLarge
from pygase._protocol.record import PeerRecord
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase._protocol.snapshot_sender import SnapshotSender
from pygase._protocol.snapshots import SnapshotRing
from pygase._protocol.wire import SNAPSHOT_HEADER
from pygase._state.codec import pack
from pygase._state.tree import Tree
from pygase.errors import StateTooLarge
from pygase.gamestate import GameStateUpdate
from pygase.store import GameStateStore
from pygase.testing import Link, SimulatedNetwork
from pygase.timeline.keeping import newest_of


def body_of(tick: int, back: int, delta: Tree) -> bytes:
    return SNAPSHOT_HEADER.pack(0, tick, back, 1, tick * 200, 200) + pack(delta)


def flat(size: int) -> Tree:
    return {f"k{number}": 0 for number in range(size)}


@pytest.mark.parametrize("size", [10, 1000, 20_000])
@pytest.mark.parametrize("nested", [False, True])
def test_ever_new_copies_of_a_large_dict_are_not_kept(size: int, nested: bool) -> None:
    """The server's deltas are each made against the state before, and no report ever makes it drop one."""
    most = 50_000
    receiver = SnapshotReceiver(4 << 20, most)
    wrap = (lambda tree: {"a": {"b": tree}}) if nested else (lambda tree: tree)
    truth = flat(size)
    assert receiver.receive(body_of(1, 0, wrap(truth)))
    unusable = 0
    for tick in range(2, 500):
        received = receiver.receive(body_of(tick, tick - receiver.acked_tick, wrap({"k1": tick})))
        assert received is not None
        assert received.tree == wrap({**truth, "k1": tick})
        in_excess = receiver.own_values - most
        assert in_excess <= 0 or len(receiver.states) <= SnapshotReceiver.MIN_STATES
        unusable += receiver.unusable
    assert unusable == 0


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("most", [1, 40, 300, 10_000])
def test_with_little_memory_and_loss_each_state_is_right_and_the_newest_is_reached(seed: int, most: int) -> None:
    rng = random.Random(seed)
    ring = SnapshotRing(256)
    sender, receiver = SnapshotSender(PeerRecord(), ring), SnapshotReceiver(1 << 20, max_kept_values=most)
    tree: Tree = flat(20)
    loss = rng.choice([0.0, 0.1, 0.5])
    under_way: list[tuple[float, bool, Any]] = []
    truths: dict[int, Tree] = {}
    for tick in range(1, 400):
        now = tick * 0.02
        if tick < 300:
            tree = {**tree, f"k{rng.randrange(25)}": tick}
            if rng.random() < 0.2:
                tree = {key: value for key, value in tree.items() if rng.random() < 0.9 or key == "k0"}
            truths[tick] = tree
            ring.push(tick, tree, now, 0.02)
        if sender.wanted(now, 0.1):
            under_way.append((now + rng.uniform(0.03, 0.2), True, sender.next_body(now)))
        under_way.append((now + rng.uniform(0.03, 0.2), False, receiver.acked_tick))
        for at, down, content in sorted((each for each in under_way if each[0] <= now), key=lambda each: each[0]):
            under_way.remove((at, down, content))
            if rng.random() < loss and tick < 330:
                continue
            if down:
                received = receiver.receive(*content)
                assert received is None or received.tree == truths[received.tick], f"seed {seed}"
            elif content >= sender.record.baseline_tick:
                sender.on_acked(content)
    assert receiver.newest_tick == 299 == receiver.acked_tick, f"seed {seed}"
    assert sender.up_to_date
    assert receiver.unusable <= 300


@pytest.mark.parametrize("most", [100, 5000])
@pytest.mark.interpreted
def test_a_state_of_too_many_values_is_refused_before_any_is_made(most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    receiver = SnapshotReceiver(4 << 20, most)
    fits = {"a": [{}] * (most - 4)}
    made: list[int] = []
    assert receiver.receive(body_of(1, 0, fits))
    monkeypatch.setattr("pygase._protocol.snapshot_receiver.unpack", lambda *args, **options: made.append(1))
    for back in (0, 1):
        with pytest.raises(TooLarge, match="values"):
            receiver.receive(body_of(2, back, {"a": [{}] * (most + 4)}))
    assert not made


@pytest.mark.parametrize("kind", ["values", "bytes"])
def test_a_state_that_grows_delta_by_delta_is_refused_once_it_is_too_large(kind: str) -> None:
    most_bytes, most_values = (10**6, 1000) if kind == "values" else (10_000, 10**6)
    receiver = SnapshotReceiver(most_bytes, most_values)
    assert receiver.receive(body_of(1, 0, {"a": 1}))
    grown = [[]] * 100 if kind == "values" else "x" * 1000

    def grow() -> None:
        for tick in range(2, 2000):
            receiver.receive(body_of(tick, tick - receiver.acked_tick, {f"k{tick}": grown}))

    with pytest.raises(TooLarge, match=kind):
        grow()
    size = len(pack(receiver.states[receiver.newest_tick].tree))
    assert size <= 1.3 * most_bytes


def test_a_state_whose_parts_are_replaced_ever_again_is_not_taken_for_one_that_grows() -> None:
    receiver = SnapshotReceiver(20_000, 2_000)
    assert receiver.receive(body_of(1, 0, {"a": "x" * 1500}))
    for tick in range(2, 500):
        assert receiver.receive(body_of(tick, 1, {"a": "y" * 1500}))


def test_states_that_rest_share_everything() -> None:
    receiver = SnapshotReceiver(20_000, 2_000)
    first = receiver.receive(body_of(1, 0, flat(50)))
    rest = receiver.receive(body_of(2, 1, {}))
    assert first is not None
    assert rest is not None
    assert rest.tree is first.tree
    assert rest.own_values < 5


# -- what a program sees -----------------------------------------------------------------------------------------------


def snapshot(tick: int, own_values: int) -> Snapshot:
    return Snapshot(tick, tick * 0.02, tick * 0.02, {"x": tick}, own_values=own_values)


def test_snapshots_are_kept_as_far_as_their_own_values_go_and_two_in_any_case() -> None:
    kept: tuple[Snapshot, ...] = ()
    for tick in range(100):
        kept = newest_of((*kept, snapshot(tick, 10)), 64, 205)
    assert [each.tick for each in kept] == list(range(80, 100))
    kept = newest_of((*kept, snapshot(100, 150)), 64, 205)
    assert [each.tick for each in kept] == [95, 96, 97, 98, 99, 100]
    kept = newest_of((*kept, snapshot(101, 9999)), 64, 205)
    assert [each.tick for each in kept] == [100, 101]
    for tick in range(200, 300):
        kept = newest_of((*kept, snapshot(tick, 0)), 64, 205)
    assert len(kept) == 64


def test_a_buffer_holds_no_more_either() -> None:
    buffer = SnapshotBuffer(delay=0.1)
    for tick in range(200):
        buffer.add(snapshot(tick, 100_000))
    assert len(buffer) == 10


def test_the_server_refuses_what_its_clients_would_and_they_take_what_it_allows() -> None:
    most = 600
    config = {"max_state_values": most}
    backend = Backend(GameState(a=0), lambda game_state, dt: {}, config=ServerConfig(**config))
    network = SimulatedNetwork(seed=2, link=Link(latency=0.01))
    network.serve(backend)
    client = Client(config=ClientConfig(**config))
    network.connect(client)
    network.run(0.5)
    store = backend.game_state_store

    def grow() -> None:
        for number in range(most):
            store.push_update(GameStateUpdate(0, players={number: {"x": 1}}))
            network.run(0.02)

    with pytest.raises(StateTooLarge, match=r"more than 600 values .* max_state_values in the config of the server"):
        grow()
    accepted = len(store.get_game_state().players)
    assert (most - 4 * accepted) < 16  # of each player there are the key, the dict, a key, a number
    network.run(0.5)
    assert client.status == "connected"
    with client.access_game_state() as game_state:
        assert len(game_state.players) == accepted
    store.push_update(GameStateUpdate(0, a=5))
    network.run(0.5)
    with client.access_game_state() as game_state:
        assert game_state.a == 5


def test_a_client_that_allows_fewer_values_than_the_server_is_told() -> None:
    backend = Backend(GameState(a=[{}] * 500), lambda game_state, dt: {})
    network = SimulatedNetwork(seed=2)
    network.serve(backend)
    client = Client(config=ClientConfig(max_state_values=100))
    network.connect(client)
    network.run(1.0)
    assert client.disconnect_reason is DisconnectReason.STATE_TOO_LARGE
    assert "100 values" in client.disconnect_detail


@pytest.mark.parametrize("size", [0, 300])
@pytest.mark.interpreted
def test_a_store_does_not_measure_its_state_with_each_update(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    monkeypatch.setattr("pygase._state.sizes.pack", lambda tree: measured.append(1) or pack(tree))
    store = GameStateStore(GameState(a=[{}] * size), max_state_bytes=5000, max_state_values=1000)
    for number in range(1000):
        store.push_update(GameStateUpdate(0, b=number))
    assert len(measured) <= 1 + 1000 / (1500 if not size else 700) * 40


# -- under a limit of the system ---------------------------------------------------------------------------------------

SCRIPT = """
import resource, sys
import msgpack
from pygase import Client, SnapshotBuffer
from pygase._protocol.peer_events import (StateReceived)
from pygase._protocol.snapshot_receiver import (SnapshotReceiver)
from pygase._protocol.wire import SNAPSHOT_HEADER
from pygase.config import ClientConfig
config = ClientConfig()
client, buffer = Client(), SnapshotBuffer(delay=0.1)
receiver = SnapshotReceiver(config.max_state_bytes, config.max_state_values)
def feed(tick, back, payload):
    state = receiver.receive(SNAPSHOT_HEADER.pack(0, tick, back, 1, tick * 200, 200) + payload)
    if state is not None:
        client.plumbing.states.receive(StateReceived(state), 0.0)
        buffer.add(client.snapshots[-1])
resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
ATTACK
print("held", len(client.snapshots), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "MB")
"""

ATTACKS = {
    "one flat dict, and deltas of one key": """
feed(1, 0, msgpack.packb({f"k{i}": 0 for i in range(300_000)}))
for tick in range(2, 150):
    feed(tick, tick - receiver.acked_tick, b"\\x81\\xa1k" + bytes([tick % 100]))
""",
    "deltas, each against the one before": """
feed(1, 0, msgpack.packb({"a": {f"k{i}": 0 for i in range(200_000)}}))
for tick in range(2, 150):
    feed(tick, 1, b"\\x81\\xa1a\\x81\\xa1k" + bytes([tick % 100]))
""",
    "ever new states of empty dicts": """
for tick in range(1, 10):
    feed(tick, 0, b"\\x81\\xa1a\\xdd" + (900_000).to_bytes(4, "big") + b"\\x80" * 900_000)
""",
    "a state that grows": """
from pygase._protocol.fragments import TooLarge
try:
    feed(1, 0, b"\\x80")
    for tick in range(2, 20):
        delta = b"\\x81" + msgpack.packb(tick) + b"\\xdd" + (500_000).to_bytes(4, "big") + b"\\x80" * 500_000
        feed(tick, tick - receiver.acked_tick, delta)
except TooLarge:
    pass
""",
}


@pytest.mark.integration
@pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_AS is kept by Linux only")
@pytest.mark.parametrize("attack", ATTACKS)
def test_no_server_makes_a_client_hold_more_than_a_bounded_amount(attack: str) -> None:
    script = SCRIPT.replace("MEGABYTES", "700").replace("ATTACK", ATTACKS[attack])
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.startswith("held"), run.stdout
