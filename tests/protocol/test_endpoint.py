"""Many peers on one socket: strangers, forgers, and the end of connections."""

import random
import tracemalloc
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from pygase._protocol.channels import RELIABLE
from pygase._protocol.endpoint import Outgoing, ServerEndpoint
from pygase._protocol.server_peer import ServerProtocol
from pygase._protocol.wire import (
    CHALLENGE_RESPONSE,
    CLIENT_HEADER,
    DATA,
    PROTOCOL_VERSION,
    ChallengeResponse,
    ConnectRequest,
    close_message,
)
from pygase._state.tree import Tree
from pygase.config import ServerConfig
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers


def answers(endpoint: ServerEndpoint, data: bytes, address: tuple[str, int]) -> int:
    """How many bytes the endpoint sends in answer to one datagram of a stranger."""
    endpoint.receive_datagram(data, address, now=50.0)
    return sum(len(out) for out, _ in endpoint.datagrams_to_send(now=50.0))


def test_ten_thousand_forged_first_datagrams_leave_no_memory_and_get_no_more_than_they_cost(
    rng: random.Random,
) -> None:
    endpoint = ServerEndpoint(random_bytes=rng.randbytes)
    endpoint.push_state(1, {"large": "#" * 1_000_000}, time=0.0, span=0.0)

    def flood() -> None:
        for number in range(10_000):
            data = ConnectRequest(PROTOCOL_VERSION, rng.randbytes(8), "").encode()
            assert 0 < answers(endpoint, data, (f"10.0.{number // 250}.{number % 250}", 1000)) <= len(data)

    flood()  # whatever grows once does so now
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    flood()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 10_000
    assert not endpoint.peers
    assert not endpoint.inbox


def test_no_datagram_of_a_stranger_is_answered_with_more_bytes_than_it_has(rng: random.Random) -> None:
    endpoint = ServerEndpoint(random_bytes=rng.randbytes, game="a game with a rather long name " * 2)
    endpoint.push_state(1, {"large": "#" * 1_000_000}, time=0.0, span=0.0)
    request = ConnectRequest(PROTOCOL_VERSION, rng.randbytes(8), "").encode()
    datagrams = [request[:size] for size in range(1201)]
    datagrams += [bytes([kind]) + rng.randbytes(size) for kind in range(256) for size in (0, 8, 40, 1100)]
    answered = 0
    for data in datagrams:
        out = answers(endpoint, data, ("stranger", 1))
        answered += bool(out)
        assert out <= len(data), data[:20]
    assert answered > 100


@pytest.mark.parametrize("size", [0, 1, 28, 999])
def test_a_request_that_is_not_padded_gets_no_answer(size: int) -> None:
    endpoint = ServerEndpoint(random_bytes=random.Random(0).randbytes)
    data = ConnectRequest(PROTOCOL_VERSION, bytes(8), "").encode()[:size]
    assert answers(endpoint, data, ("stranger", 1)) == 0
    assert sum(endpoint.dropped.values()) == 1


def test_a_made_up_cookie_is_counted_and_gets_no_answer(rng: random.Random) -> None:
    endpoint = ServerEndpoint(random_bytes=rng.randbytes)
    for _ in range(1000):
        forged = ChallengeResponse(PROTOCOL_VERSION, rng.randbytes(8), 500, rng.randbytes(16), bytes(16), "", "")
        assert answers(endpoint, forged.encode(), ("stranger", 1)) == 0
    assert endpoint.dropped["wrong cookie"] == 1000
    assert not endpoint.peers


def forged_goodbye(token: bytes) -> bytes:
    return CLIENT_HEADER.pack(DATA, token, 1000, 0, 0, 0, 0) + close_message(0, "")


def test_a_packet_with_a_wrong_token_is_counted_and_dropped(rng: random.Random) -> None:
    peers = Peers()
    address = peers.joined()
    for _ in range(100):
        peers.server.receive_datagram(forged_goodbye(rng.randbytes(8)), address, now=peers.now)
    assert peers.server.dropped["unknown token"] == 100
    assert address in peers.server.peers


def test_the_right_token_from_another_address_is_counted_and_dropped() -> None:
    peers = Peers()
    address = peers.joined()
    peers.server.receive_datagram(forged_goodbye(peers.peer(address).token), (address[0], 999), now=peers.now)
    assert peers.server.dropped["token from another address"] == 1
    assert address in peers.server.peers
    peers.server.receive_datagram(forged_goodbye(peers.peer(address).token), address, now=peers.now)
    assert address not in peers.server.peers  # the very same bytes from its own address end it


def test_one_clients_token_does_not_serve_another() -> None:
    peers = Peers()
    first, second = peers.joined(), peers.joined()
    peers.server.receive_datagram(forged_goodbye(peers.peer(first).token), second, now=peers.now)
    assert set(peers.server.peers) == {first, second}


def test_a_client_takes_nothing_without_its_token(rng: random.Random) -> None:
    peers = Peers()
    address = peers.joined()
    client = peers.clients[address]
    before = client.packets_dropped
    goodbye = b"\x06" + rng.randbytes(8) + bytes(10) + close_message(1, "")
    client.receive_datagram(goodbye, now=peers.now)
    assert client.closed is None
    assert client.packets_dropped == before + 1


def test_a_client_takes_no_data_before_it_is_connected() -> None:
    peers = Peers()
    address = peers.connect()
    client = peers.clients[address]
    client.receive_datagram(b"\x06" + bytes(18) + close_message(1, ""), now=peers.now)
    assert client.closed is None
    assert client.next_event() is None


@pytest.mark.parametrize("datagram", [b"", b"\0", b"\xff" * 1200, bytes([DATA]), bytes([CHALLENGE_RESPONSE])])
def test_noise_is_counted(datagram: bytes) -> None:
    endpoint = ServerEndpoint(random_bytes=random.Random(0).randbytes)
    endpoint.receive_datagram(datagram, ("stranger", 1), now=0.0)
    assert sum(endpoint.dropped.values()) == 1


def test_who_falls_silent_is_given_up_after_the_time_out_and_the_others_stay() -> None:
    peers = Peers(config=ServerConfig(timeout=5.0))
    silent, lively = peers.joined(), peers.joined()
    del peers.clients[silent]
    peers.run(4.5)
    assert silent in peers.server.peers
    peers.run(1.0)
    assert list(peers.server.peers) == [lively]
    assert [(a, e.reason) for a, e in peers.at_server if hasattr(e, "reason")] == [(silent, DisconnectReason.TIMED_OUT)]


def test_a_client_notices_that_the_server_fell_silent() -> None:
    peers = Peers()
    address = peers.joined()
    peers.drop = lambda data, sender, receiver: sender == SERVER
    peers.run(5.5)
    assert peers.ended[address].reason is DisconnectReason.TIMED_OUT
    assert not peers.ended[address].remote


def test_heartbeats_keep_an_idle_connection_for_ever_and_cost_little() -> None:
    peers = Peers()
    address = peers.joined()
    peers.push({"x": 1})
    peers.run(1.0)
    peers.sent.clear()
    peers.run(100.0)
    assert address in peers.server.peers
    assert peers.clients[address].closed is None
    assert 100 <= len(peers.sent) <= 420


def test_a_kicked_client_is_told_the_reason_in_the_servers_words() -> None:
    peers = Peers()
    address = peers.joined()
    peers.server.close_peer(peers.peer(address), DisconnectReason.KICKED, "too loud", now=peers.now)
    peers.run(0.1)
    assert peers.ended[address] == (DisconnectReason.KICKED, "too loud", True)


def test_a_goodbye_arrives_though_two_of_three_copies_are_lost() -> None:
    peers = Peers()
    address = peers.joined()
    peers.run(0.5)
    peers.clients[address].close(now=peers.now)
    count = 0

    def drop(data: bytes, sender: object, receiver: object) -> bool:
        nonlocal count
        count += 1
        return count <= 2

    peers.drop = drop
    peers.run(0.1)
    assert address not in peers.server.peers


def test_what_is_queued_leaves_before_the_goodbye() -> None:
    peers = Peers()
    address = peers.joined()
    peers.clients[address].queue_event(b"last words", 0, None, now=peers.now)
    peers.clients[address].close(now=peers.now)
    peers.run(0.1)
    assert peers.events_of(address) == [b"last words"]
    assert address not in peers.server.peers


def test_after_the_end_nothing_is_sent_and_nothing_remains() -> None:
    peers = Peers()
    for _ in range(20):
        address = peers.joined()
        peers.clients[address].close(now=peers.now)
        peers.run(0.1)
    assert not peers.server.peers
    assert not peers.server._by_token
    assert peers.server.next_timeout() is None
    peers.sent.clear()
    peers.run(20.0)
    assert peers.sent == []


def test_all_clients_get_a_state_with_one_call_after_the_tick() -> None:
    peers = Peers()
    addresses = [peers.joined() for _ in range(5)]
    peers.run(1.0)
    peers.sent.clear()
    peers.push({"x": 1})
    assert sorted(receiver for _, receiver, _ in peers.sent) == addresses
    peers.run(0.1)
    assert all(peers.states[address][-1].tree == {"x": 1} for address in addresses)


def test_when_nothing_changed_nothing_is_sent() -> None:
    peers = Peers()
    peers.joined()
    tree = {"x": 1}
    peers.push(tree)
    peers.push(tree)  # told once: the world rests
    peers.run(0.3)
    peers.sent.clear()
    peers.push(tree)
    assert peers.sent == []


# -- the short way and the long way ----------------------------------------------------------------------------------


class PlainEndpoint(ServerEndpoint):
    """The server's end without what makes it fast: each packet takes the way that is there for all of them."""

    def receive_datagrams(self, datagrams: Iterable[Outgoing], *, now: float) -> None:
        for data, address in datagrams:
            self._receive_any(data, address, now)
        self._close_violators(now)
        for peer in self.peers.values():
            peer.settle_report()

    def _state_datagrams(self, others: list[ServerProtocol], now: float, soon: float) -> Iterator[Outgoing]:
        others += self.peers.values()
        return iter([])


def by_receiver(datagrams: list[Outgoing]) -> list[Outgoing]:
    """Each one's in their order."""
    return sorted(datagrams, key=lambda datagram: datagram[1])


class Twins:
    """Two endpoints that are given the same; the second one takes the plain way. They must not differ in anything.

    Stands where ``Peers`` has its endpoint, which is the first of the two.
    """

    def __init__(self, seed: int, config: ServerConfig, first_sequence: int) -> None:
        self.fast, self.plain = (
            endpoint(random_bytes=random.Random(seed).randbytes, config=config, first_sequence=first_sequence)
            for endpoint in (ServerEndpoint, PlainEndpoint)
        )
        self.compared = self.short_ways = 0
        self.late: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.fast, name)

    def receive_datagram(self, data: bytes, address: Address, *, now: float) -> None:
        for endpoint in (self.fast, self.plain):
            endpoint.receive_datagram(data, address, now=now)
        assert [event for _, event in self.fast.inbox] == [event for _, event in self.plain.inbox]
        self.plain.inbox.clear()
        self.compare(now)

    def push_state(self, tick: int, tree: Tree, *, time: float, span: float) -> None:
        for endpoint in (self.fast, self.plain):
            endpoint.push_state(tick, tree, time=time, span=span)

    def handle_timeout(self, *, now: float) -> None:
        for endpoint in (self.fast, self.plain):
            endpoint.handle_timeout(now=now)

    def datagrams_to_send(self, *, now: float, everyone: bool = False) -> list[Outgoing]:
        for peer in self.plain.peers.values():
            peer.next_at = min(peer.next_at, now)  # all are asked each time, so that nothing of theirs is too late
        sent = self.fast.datagrams_to_send(now=now, everyone=everyone)
        plain = self.plain.datagrams_to_send(now=now, everyone=everyone)
        assert by_receiver(sent) == by_receiver(plain), (
            f"{len(sent)} datagrams, and {len(plain)} in the plain way, at {now}"
        )
        soon = now + self.fast.config.min_rto  # what only the short way gives
        self.short_ways += sum(everyone and peer.next_at == soon for peer in self.fast.peers.values())
        self.compare(now)
        return sent

    def compare(self, now: float) -> None:
        """All that was measured is the same, and the fast one is called in time for all that the plain one is to do."""
        assert self.fast.peers.keys() == self.plain.peers.keys()
        assert self.fast.dropped == self.plain.dropped
        for address, peer in self.fast.peers.items():
            plain = self.plain.peers[address]
            assert peer.stats(now=now) == plain.stats(now=now)
            assert (peer.rtt.rto, peer._unacknowledged, peer._ack_due_at, peer.note) == (
                plain.rtt.rto,
                plain._unacknowledged,
                plain._ack_due_at,
                plain.note,
            )
            assert (peer._sent.outstanding, peer._window.mask) == (plain._sent.outstanding, plain._window.mask)
            assert peer.next_at >= self.fast.next_at
            due_at = max(plain._due_at(now), now)
            if self.fast.next_at > due_at + 1e-9:
                self.late.append(self.fast.next_at - due_at)
            self.compared += 1


def play_a_tick(peers: Peers, twins: Twins, addresses: list[Address], tick: int, rng: random.Random) -> None:
    """Both sides send events of every kind, the second player sends inputs and is told of them."""
    for number, address in enumerate(addresses):
        client = peers.clients[address]
        if rng.random() < 0.5:
            client.queue_event(b"to the server", rng.choice([0, 0, 0, 2, RELIABLE]), None, now=peers.now)
        payload, retries, mute = bytes(rng.choice([10, 10, 3_000])), rng.choice([0, 3, RELIABLE]), rng.random() < 0.9
        if number == 1:
            client.queue_input(b"%d" % (tick // 4), peers.now - 0.1)
        for endpoint in (twins.fast, twins.plain):
            if number == 1:
                endpoint.peers[address].tell_input_state(tick, 1.0)
            if not mute:
                endpoint.peers[address].queue_event(payload, retries, None, now=peers.now)
                endpoint.next_at = min(endpoint.next_at, peers.now)


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.3])
@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.usefixtures("fast_way")
def test_the_short_way_does_what_the_long_way_does(loss: float, large: bool, seed: int) -> None:
    """Byte by byte, over events, inputs, states of every size, rest, wrap-around and silence; and it is never late."""
    # (a budget is refilled when it is looked at, which is not at the same times)
    rng, config = random.Random(seed), ServerConfig(bytes_per_second=100_000_000)
    first = rng.choice([0, 65_300])
    peers = Peers(seed, loss=loss, latency=0.02, jitter=rng.choice([0.0, 0.04]), config=config, first_sequence=first)
    twins = peers.server = Twins(seed, config, first)  # type: ignore[assignment]
    addresses = [peers.joined() for _ in range(3)]
    tree: dict[str, Any] = {"n": 0}
    for tick in range(400):
        kind = rng.random()
        if kind < 0.8:
            tree = {**tree, "n": tick, tick % 5: rng.random()}
        if large and kind < 0.02:
            tree = {**tree, "noise": rng.randbytes(rng.choice([900, 4_000, 30_000]))}
        peers.push(tree)
        play_a_tick(peers, twins, addresses, tick, rng)
        peers.run(rng.choice([0.016, 0.05, 0.3]) if tick % 50 == 0 else 0.016)
    peers.run(3.0)
    assert twins.compared > 5_000
    assert twins.short_ways > 100
    for address in addresses:
        assert peers.states[address][-1].tree == tree
    assert max(twins.late, default=0.0) < 1e-9, f"{len(twins.late)} times too late, by up to {max(twins.late)} s"


@pytest.mark.usefixtures("fast_way")
def test_the_short_way_takes_hostile_datagrams_as_the_long_way_does(seed: int) -> None:
    """Of a player's own packets, some bytes are others: whatever that makes of the connection, it is the same."""
    rng = random.Random(seed)
    config = ServerConfig(bytes_per_second=100_000_000)
    lasted = 0
    for _ in range(30):
        peers = Peers(rng.randrange(1 << 32), config=config, first_sequence=rng.choice([0, 65_500]))
        twins = peers.server = Twins(rng.randrange(1 << 32), config, peers.first_sequence)  # type: ignore[assignment]
        address = peers.joined()
        for tick in range(60):
            if address not in twins.peers:
                break
            peers.push({"n": tick, "noise": rng.randbytes(rng.choice([10, 10, 900]))})
            peers.clients[address].queue_event(b"\x91\xa4move", 0, None, now=peers.now)
            peers.transmit()
            own = [data for sender, _, data in peers.sent[-20:] if sender == address and data[0] == DATA]
            for data in own[-2:]:
                peers._receive(altered(rng, data), rng.choice([address, address, ("client", 9)]), SERVER)
            peers.transmit(everyone=rng.random() < 0.2)
            peers.run(1 / 60)
            lasted += 1
    assert lasted > 300


def altered(rng: random.Random, data: bytes) -> bytes:
    """The next packet of the same sender (or the same one again), with something that is not what it should be."""
    sequence, reported = int.from_bytes(data[9:11], "big"), int.from_bytes(data[19:23], "big")
    sequence += rng.choice([0, 1, 1, 1])
    # (not the tick that comes next: whoever says that it has that one already gets it the long way only)
    reported = rng.choice([reported, reported, 0, max(reported - 1, 0), rng.getrandbits(32) | 1 << 20])
    changed = data[:9] + (sequence & 0xFFFF).to_bytes(2, "big") + data[11:19] + reported.to_bytes(4, "big") + data[23:]
    if rng.random() < 0.8:
        at, size = rng.choice([(0, 1), (1, 1), (8, 4), (11, 2), (13, 4), (17, 2), (23, 1), (24, 2), (25, 1), (26, 4)])
        changed = changed[:at] + rng.randbytes(size) + changed[at + size :]
    return changed[: rng.randrange(len(changed) + 1)] if rng.random() < 0.1 else changed


def test_who_falls_silent_is_given_up_in_time_though_states_go_out_in_every_tick() -> None:
    """Each tick puts off what a peer is to be asked next; not the end of patience."""
    peers = Peers()
    silent, lively = peers.joined(), peers.joined()
    last_word_at = peers.peer(silent).last_received_at
    peers.drop = lambda data, sender, receiver: sender == silent
    number = 0
    while silent in peers.server.peers:
        number += 1
        peers.push({"n": number})
        peers.run(1 / 60)
        assert peers.now < last_word_at + 5.3
    assert peers.now > last_word_at + 5.0
    assert list(peers.server.peers) == [lively]


def test_small_states_in_every_tick_keep_to_the_budget_too() -> None:
    """60 states a second of some 55 bytes are more than 1,000 bytes a second: most are left out, none is too late."""
    peers = Peers(config=ServerConfig(bytes_per_second=1_000, burst_bytes=500))
    address = peers.joined()
    peers.run(1.0)
    peers.sent.clear()
    begun_at = peers.now
    for number in range(600):
        peers.push({"n": number})
        peers.run(1 / 60)
    sent = sum(len(data) for sender, _, data in peers.sent if sender == SERVER)
    acknowledgements = sum(len(data) for sender, _, data in peers.sent if sender == SERVER and len(data) == 23)
    assert sent - acknowledgements <= 2 * 500 + (peers.now - begun_at) * 1_000 + 100
    assert len(peers.states[address]) > 100
    peers.run(1.0)
    assert peers.states[address][-1].tree == {"n": 599}


def report(peers: Peers, address: Address, tick: int) -> None:
    """Let a client say that this is the tick of the newest state that it has."""
    peer = peers.peer(address)
    header = (peer._window.latest + 1, peer._sent.next_sequence - 1, 0, 0, tick)
    peers.server.receive_datagram(CLIENT_HEADER.pack(DATA, peer.token, *header), address, now=peers.now)


def test_who_has_lost_its_states_gets_all_of_it_at_once_also_while_the_world_rests() -> None:
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 1, "other": "#" * 100})
    peers.run(2.0)
    report(peers, address, 0)
    assert peers.server.next_at == peers.now
    (answer,) = peers.server.datagrams_to_send(now=peers.now)
    assert b"#" * 100 in answer[0]


@pytest.mark.parametrize("tick", [7, 2**31, 2**32 - 1])
def test_who_reports_a_state_that_the_server_does_not_have_gets_all_of_it(tick: int) -> None:
    """The first report is of a state that exists, so that there is a baseline to go back to by mistake."""
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 1, "other": "#" * 100})
    peers.run(2.0)
    report(peers, address, tick)
    peers.sent.clear()
    peers.push({"n": 2, "other": "#" * 100})
    ((_, _, data),) = [each for each in peers.sent if each[0] == SERVER]
    assert b"#" * 100 in data
