"""What a server keeps for each client: little at first, and little after a long time of play."""

import gc
import random
import sys
import tracemalloc
from types import BuiltinFunctionType, FunctionType, ModuleType

import pytest

from pygase._protocol.channels import NO_MESSAGES, RELIABLE
from pygase._protocol.resumption import Identity
from pygase._protocol.server_peer import ServerProtocol, Shared
from pygase._protocol.snapshots import SnapshotRing
from pygase.config import ServerConfig
from tests.support.peers import Address, Peers

MOST_BYTES = 5_000
MOST_BYTES_IN_PLAY = 7_000
MOST_BYTES_WITH_ALL_CHANNELS = 10_000
CLIENTS = 100


def bytes_each(peers: list[ServerProtocol], shared: Shared) -> float:
    """Return the mean size of new peers, which are appended to a list."""
    config = ServerConfig()
    outside = [(Identity(n + 1, bytes(16), {}), ("10.0.0.1", 1000 + n), bytes(8), n + 0.5) for n in range(CLIENTS)]
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        peers.extend([ServerProtocol(who, at, token, shared, config, now) for who, at, token, now in outside])
        return (tracemalloc.get_traced_memory()[0] - before) / CLIENTS
    finally:
        tracemalloc.stop()


def test_the_protocol_objects_of_a_client_take_less_than_five_kilobytes(rng: random.Random) -> None:
    peers: list[ServerProtocol] = []
    assert 1_000 < bytes_each(peers, Shared(SnapshotRing(256), rng.randbytes, 0, 1024)) < MOST_BYTES / 1.5
    assert len(peers) == CLIENTS


def reachable(root: object) -> dict[int, object]:
    """Return all values that an object leads to, by id."""
    found: dict[int, object] = {}
    waiting = [root]
    while waiting:
        value = waiting.pop()
        if id(value) not in found and not isinstance(value, (type, ModuleType, FunctionType, BuiltinFunctionType)):
            found[id(value)] = value
            waiting += gc.get_referents(value)
    return found


def own_bytes(peer: ServerProtocol, other: ServerProtocol) -> int:
    """Return the size of what belongs to one of two peers of a server alone."""
    shared = reachable(other)
    return sum(sys.getsizeof(value) for number, value in reachable(peer).items() if number not in shared)


def play(peers: Peers, address: Address, turn: int, channels: tuple[int, ...]) -> None:
    """Send large events both ways, now and then."""
    for retries in channels:
        if turn % 20 == retries + 1:
            peers.clients[address].queue_event(b"up" * 2_000, retries, None, now=peers.now)
            peers.peer(address).queue_event(b"down" * 2_000, retries, None, now=peers.now)


@pytest.mark.parametrize(
    ("channels", "most"),
    [((), MOST_BYTES_IN_PLAY), ((0, 3, RELIABLE), MOST_BYTES_WITH_ALL_CHANNELS)],
    ids=["usual", "all"],
)
def test_a_client_takes_no_more_after_a_time_of_play(seed: int, channels: tuple[int, ...], most: int) -> None:
    """Two clients with small events each tick, a large state once, and large events on these channels."""
    peers = Peers(seed, loss=0.02, jitter=0.005)
    ada, bob = peers.connect(1), peers.connect(2)
    peers.run(1.0)
    for turn in range(700):
        peers.loss = 0.02 if turn < 400 else 0.0  # in the end it is known what was lost
        peers.push({"n": turn, "large": peers.rng.randbytes(20_000) if turn == 100 else b""})
        for address in (ada, bob):
            peers.clients[address].queue_event(b"input", 0, None, now=peers.now)
            play(peers, address, turn, channels if turn < 400 else ())
        peers.run(0.05)
    first, second = peers.peer(ada), peers.peer(bob)
    assert len(peers.events_of(ada)) > 500
    assert len(peers.events[bob]) > 50 or not channels
    assert 1_000 < own_bytes(first, second) < most
    assert 1_000 < own_bytes(second, first) < most


def test_a_channel_that_is_not_used_costs_nothing_and_all_clients_share_it(seed: int) -> None:
    peers = Peers(seed)
    ada, bob = peers.connect(1), peers.connect(2)
    peers.run(1.0)
    peers.push({"n": 1})
    peers.run(1.0)
    assert all(sender is NO_MESSAGES for sender in (*peers.peer(ada).tracked, *peers.peer(bob).tracked))
    peers.peer(ada).queue_event(b"for Ada", RELIABLE, None, now=peers.now)
    peers.run(1.0)
    assert (peers.events[ada], peers.events[bob]) == ([b"for Ada"], [])
    assert len(NO_MESSAGES) == 0
    assert NO_MESSAGES.next_due(peers.now) is None
