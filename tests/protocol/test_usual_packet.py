"""The usual packet: taking it in, and making it, does byte for byte what the way for every packet does.

A server settles which state a client has only when it needs to know, and makes the datagram of a state at once for a
client that wants nothing else. The twin here settles it after each packet, and makes each datagram as if there were
more to do.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pygase._protocol.channels import RELIABLE
from pygase._protocol.endpoint import Outgoing, ServerEndpoint
from pygase._protocol.wire import DATA
from pygase._state.tree import Tree
from pygase.config import ServerConfig
from tests.support.peers import SERVER, Address, Peers


def by_receiver(datagrams: list[Outgoing]) -> list[Outgoing]:
    """The datagrams of each receiver in their order."""
    return sorted(datagrams, key=lambda datagram: datagram[1])


class Twins:
    """Two endpoints with the same input. They must not differ in anything.

    It stands where ``Peers`` has its endpoint.
    """

    def __init__(self, seed: int, config: ServerConfig, first_sequence: int) -> None:
        self.both = self.usual, self.plain = tuple(
            ServerEndpoint(random_bytes=random.Random(seed).randbytes, config=config, first_sequence=first_sequence)
            for _ in range(2)
        )
        self.compared = self.usual_datagrams = 0
        self.latest = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.usual, name)

    def receive_datagram(self, data: bytes, address: Address, *, now: float) -> None:
        for endpoint in self.both:
            endpoint.receive_datagram(data, address, now=now)
        for peer in self.plain.peers.values():
            peer.settle_acked_tick()
        assert [event for _, event in self.usual.inbox] == [event for _, event in self.plain.inbox]
        self.plain.inbox.clear()
        self.compare(now)

    def push_state(self, tick: int, tree: Tree, *, time: float, span: float) -> None:
        for endpoint in self.both:
            endpoint.push_state(tick, tree, time=time, span=span)

    def handle_timeout(self, *, now: float) -> None:
        for endpoint in self.both:
            endpoint.handle_timeout(now=now)

    def datagrams_to_send(self, *, now: float, everyone: bool = False) -> list[Outgoing]:
        for peer in self.plain.peers.values():
            peer.record.next_at = min(peer.record.next_at, now)  # all are asked, so that nothing of theirs is too late
            peer.record.has_backlog = True  # so each one goes the way that is there for all
        sent = self.usual.datagrams_to_send(now=now, everyone=everyone)
        plain = self.plain.datagrams_to_send(now=now, everyone=everyone)
        assert by_receiver(sent) == by_receiver(plain), f"{len(sent)} datagrams, and {len(plain)} of the twin, at {now}"
        soon = now + self.usual.config.min_rto  # this is given to nobody else
        self.usual_datagrams += sum(everyone and peer.record.next_at == soon for peer in self.usual.peers.values())
        self.compare(now)
        return sent

    def compare(self, now: float) -> None:
        """All that was measured is the same, and the usual one is called in time for all that the plain one does."""
        assert self.usual.peers.keys() == self.plain.peers.keys()
        assert self.usual.dropped == self.plain.dropped
        for address, peer in self.usual.by_address.items():
            twin = self.plain.by_address[address]
            assert peer.stats(now=now) == twin.stats(now=now)
            for name in ("unacknowledged", "ack_due_at", "latest", "holes", "acked_tick", "outstanding", "sent_tick"):
                assert getattr(peer.record, name) == getattr(twin.record, name), name
            assert (peer.rtt.rto, peer.note) == (twin.rtt.rto, twin.note)
            assert peer.record.next_at >= self.usual.next_at
            self.latest = max(self.latest, self.usual.next_at - max(twin.due_at(now), now))
            self.compared += 1


def play_a_tick(peers: Peers, twins: Twins, addresses: list[Address], tick: int, rng: random.Random) -> None:
    """Both sides send events of every kind. The second player sends inputs, and gets reports of them."""
    for number, address in enumerate(addresses):
        client = peers.clients[address]
        if rng.random() < 0.5:
            client.queue_event(b"to the server", rng.choice([0, 0, 0, 2, RELIABLE]), None, now=peers.now)
        payload, retries, mute = bytes(rng.choice([10, 10, 3_000])), rng.choice([0, 3, RELIABLE]), rng.random() < 0.9
        if number == 1:
            client.queue_input(b"%d" % (tick // 4), peers.now - 0.1)
        for endpoint in twins.both:
            if number == 1:
                endpoint.by_address[address].report_input_state(tick, 1.0)
            if not mute:
                endpoint.by_address[address].queue_event(payload, retries, None, now=peers.now)
                endpoint.next_at = min(endpoint.next_at, peers.now)


def twins_with(seed: int, first_sequence: int, **line: Any) -> tuple[Peers, Twins]:
    config = ServerConfig(bytes_per_second=100_000_000)  # (a budget is refilled when it is looked at: at other times)
    peers = Peers(seed, config=config, first_sequence=first_sequence, **line)
    twins = peers.server = Twins(seed, config, first_sequence)  # type: ignore[assignment]
    return peers, twins


def play_long(rng: random.Random, loss: float, first_sequence: int) -> None:
    """The play has events, inputs, small states, rest, wrap-around, loss and silence.

    The send windows are so large that nothing fills them, and the jitter looks like no queue. Else a window would
    follow every packet. What it notes depends on when it is asked, and the twin is asked more often.
    """
    peers, twins = twins_with(
        rng.getrandbits(32), first_sequence, loss=loss, latency=0.02, jitter=rng.choice([0.0, 0.015])
    )
    addresses = [peers.joined() for _ in range(3)]
    windows = [peer.snapshots.window for endpoint in twins.both for peer in endpoint.peers.values()]
    for window in windows:
        window.size_bytes = 1e6
    tree: dict[str, Any] = {"n": 0}
    for tick in range(150):
        kind = rng.random()
        if kind < 0.8:
            tree = {**tree, "n": tick, tick % 5: rng.random()}
        peers.push(tree)
        play_a_tick(peers, twins, addresses, tick, rng)
        peers.run(rng.choice([0.016, 0.05, 0.3]) if tick % 50 == 0 else 0.016)
    peers.run(3.0)
    assert not any(window.watched for window in windows)
    assert twins.compared > 2_000
    assert twins.usual_datagrams > 20
    for address in addresses:
        assert peers.states[address][-1].tree == tree
    assert twins.latest < 1e-9, f"too late, by up to {twins.latest} s"


def play_hostile(rng: random.Random, first_sequence: int) -> None:
    """Some bytes of a player's packets are altered. Both endpoints end in the same condition."""
    peers, twins = twins_with(rng.getrandbits(32), first_sequence)
    address = peers.joined()
    for tick in range(60):
        if address not in twins.by_address:
            break
        peers.push({"n": tick, "noise": rng.randbytes(rng.choice([10, 10, 900]))})
        peers.clients[address].queue_event(b"\x91\xa4move", 0, None, now=peers.now)
        if tick % 2:
            peers.clients[address].queue_input(b"\xc0", None)
        peers.transmit()
        own = [data for sender, _, data in peers.sent[-20:] if sender == address and data[0] == DATA]
        for data in own[-2:]:
            peers.receive(altered(rng, data), rng.choice([address, address, ("client", 9)]), SERVER)
        peers.transmit(everyone=rng.random() < 0.2)
        peers.run(1 / 60)


def altered(rng: random.Random, data: bytes) -> bytes:
    """The next packet of the same sender (or the same one again), with something that is not what it should be."""
    sequence, acked_tick = int.from_bytes(data[9:11], "big"), int.from_bytes(data[19:23], "big")
    sequence += rng.choice([0, 1, 1, 1])
    # (not the tick that comes next: a client that claims to have that one already gets no usual datagram)
    acked_tick = rng.choice([acked_tick, acked_tick, 0, max(acked_tick - 1, 0), rng.getrandbits(32) | 1 << 20])
    changed = (
        data[:9] + (sequence & 0xFFFF).to_bytes(2, "big") + data[11:19] + acked_tick.to_bytes(4, "big") + data[23:]
    )
    if rng.random() < 0.8:
        at, size = rng.choice([(0, 1), (1, 1), (8, 4), (11, 2), (13, 4), (17, 2), (23, 1), (24, 2), (25, 1), (26, 4)])
        changed = changed[:at] + rng.randbytes(size) + changed[at + size :]
    return changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.1 else changed


@settings(max_examples=16)
@given(
    seed=st.integers(0, 2**32 - 1),
    loss=st.sampled_from([0.0, 0.02, 0.3]),
    hostile=st.booleans(),
    first_sequence=st.sampled_from([0, 65_300, 65_500]),
)
def test_the_usual_packet_does_what_every_packet_does(
    seed: int, loss: float, hostile: bool, first_sequence: int
) -> None:
    """They agree in each byte, event and figure, and the usual one is never late."""
    rng = random.Random(seed)
    if hostile:
        for _ in range(4):
            play_hostile(rng, first_sequence)
    else:
        play_long(rng, loss, first_sequence)
