"""The messages of clients that a server holds and cannot deliver yet: they expire, and share one budget."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pygase._protocol.channels import RELIABLE
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.server_peer import ServerProtocol
from pygase._protocol.wire import DATA, DELTA, EVENT, FRAGMENT, MESSAGE_HEADER, SERVER_HEADER
from pygase.config import ServerConfig
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers

MIB = 1024 * 1024
FIRST = b"the first, which never arrives"


class Line(Peers):
    """Loses the first fragment of each message of clients, and every packet that holds ``FIRST``."""

    def __init__(self, seed: int = 1, **config: Any) -> None:
        super().__init__(seed, config=ServerConfig(**config))
        self.drop = self._is_lost

    def _is_lost(self, data: bytes, sender: Address, receiver: Address) -> bool:
        if receiver != SERVER or data[0] != DATA or sender[0] == "honest":
            return False
        kind, _ = MESSAGE_HEADER.unpack_from(data.ljust(40), SERVER_HEADER.size)
        return FIRST in data or (kind == FRAGMENT and data[29:31] == bytes(2))

    def come(self, host: str, count: int = 1) -> list[Address]:
        addresses = [self.connect(port=len(self.clients) + 1, host=host) for _ in range(count)]
        assert self.run(5.0, lambda: all(self.clients[address].connected for address in addresses))
        self.run(0.1)
        return addresses

    def send(self, address: Address, size: int, retries: int) -> None:
        self.clients[address].queue_event(bytes(size), retries, None, now=self.now)

    def send_ahead(self, address: Address, count: int, size: int = 1_000) -> None:
        """Send reliable events. The first one does not arrive, so the others wait for their turn."""
        client = self.clients[address]
        client.queue_event(FIRST + bytes(1_110), RELIABLE, None, now=self.now)  # a packet for it alone
        for _ in range(count):
            client.queue_event(bytes(size), RELIABLE, None, now=self.now)

    def check(self) -> None:
        peers = self.server.peers.values()
        assert self.server.held.total == sum(peer.held_bytes for peer in peers) == sum(p.counted_bytes for p in peers)
        for peer in peers:
            waiting = sum(map(len, peer.incoming.held.values()))
            assert peer.held_bytes == waiting + sum(r.held_bytes for r in peer.incoming.reassemblers.values())


@pytest.mark.parametrize("timeout", [1.0, 2.0])
@pytest.mark.parametrize("ticking", [False, True])
def test_unfinished_unreliable_messages_expire_and_unfinished_reliable_ones_do_not(
    timeout: float, ticking: bool
) -> None:
    line = Line(fragment_timeout=timeout)
    loose, once = line.come("loose")[0], line.come("once")[0]
    line.send(loose, 50_000, 0)
    line.send(once, 50_000, 5)
    line.run(timeout - 0.2)
    assert line.peer(loose).held_bytes > 40_000
    for _ in range(15):  # a server that rests looks as often as it sends heartbeats
        line.run(0.1)
        if ticking:
            line.push({"n": line.tick})
        if ticking and line.now >= 0.5:
            line.check()
    assert line.peer(loose).held_bytes == 0
    assert line.peer(once).held_bytes > 40_000
    line.run(60.0)
    assert line.peer(once).held_bytes == line.server.held.total > 40_000
    line.check()


def test_a_client_lets_unfinished_messages_expire_as_well() -> None:
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 1})
    peers.run(1.0)
    event, delta = bytes([EVENT]), bytes([DELTA])
    lost = {event: False, delta: False}

    def first_fragments(data: bytes, sender: Address, receiver: Address) -> bool:
        whole = data[26:27]
        is_one = sender == SERVER and data[23:24] == bytes([FRAGMENT]) and data[29:31] == bytes(2) and whole in lost
        if is_one:
            lost[whole] = True
        return is_one

    peers.drop = first_fragments
    peers.peer(address).queue_event(bytes(20_000), 0, None, now=peers.now)
    peers.push({"n": 2, "noise": random.Random(1).randbytes(3_000)})
    peers.run(0.03)
    client: ClientProtocol = peers.clients[address]

    def held() -> int:
        return client.incoming.held_bytes + client.states.held_bytes

    assert lost == {event: True, delta: True}
    assert held() > 20_000
    peers.drop = lambda data, sender, receiver: False
    peers.run(3.5)
    assert held() == 0


def test_what_waits_in_the_socket_of_a_side_that_slept_still_completes_a_message() -> None:
    peers = Peers()
    address = peers.joined()
    peers.run(1.0)
    peers.clients[address].queue_event(bytes(5_000), 0, None, now=peers.now)
    *before, last = peers.clients[address].datagrams_to_send(now=peers.now)
    for data in before:
        peers.server.receive_datagram(data, address, now=peers.now)
    held = peers.peer(address).held_bytes
    assert held > 3_000
    asleep = peers.now + 10.0
    peers.server.forgive(10.0, now=asleep)
    peers.server.receive_datagram(last, address, now=asleep)
    assert [event for _, event in peers.server.inbox if isinstance(event, bytes)] == [bytes(5_000)]


def test_all_that_is_held_stays_within_one_budget_and_the_largest_holder_gives_way() -> None:
    """Ten connections of one host hold as much as they can; an honest player's large event still arrives."""
    line = Line(max_held_bytes=MIB)
    honest = line.come("honest")[0]
    takers = line.come("taker", 10)
    line.send(honest, 200_000, RELIABLE)
    for _ in range(3):
        for taker in takers:
            line.send(taker, 250_000, 0)
        for _ in range(20):
            line.run(0.02)
            line.check()
            assert line.server.held.total <= MIB
    assert line.server.dropped["unfinished messages, for want of room"] > 0
    assert len(line.events_of(honest)[0]) == 200_000
    assert set(line.server.by_address) == {honest, *takers}  # nothing that was acknowledged had to go


def test_where_something_acknowledged_would_have_to_go_its_connection_is_closed_with_a_reason() -> None:
    line = Line(max_held_bytes=MIB // 4)
    honest = line.come("honest")[0]
    takers = line.come("taker", 4)
    for number, taker in enumerate(takers):
        line.send_ahead(taker, 60 + 10 * number)
    line.run(3.0)
    line.check()
    assert line.server.held.total <= MIB // 4
    ended = {address: told for address, told in line.ended.items() if told.reason == DisconnectReason.OVERLOADED}
    ((largest, told),) = ended.items()
    assert largest in takers
    assert told.detail.endswith("bytes that wait for what did not arrive.")
    assert told.remote
    assert set(line.server.by_address) == {honest, *takers} - {largest}
    left = [event for address, event in line.at_server if address == largest]
    assert left[-1].reason == DisconnectReason.OVERLOADED
    assert not [event for event in left if isinstance(event, bytes)]  # never a gap


def test_unreliable_messages_go_before_a_connection_does() -> None:
    line = Line(max_held_bytes=200_000)
    taker = line.come("taker")[0]
    line.send_ahead(taker, 100)
    line.run(0.5)
    line.send(taker, 150_000, 0)
    line.run(0.5)
    assert line.server.dropped["unfinished messages, for want of room"] == 1
    assert taker in line.server.by_address
    assert 100_000 <= line.server.held.total <= 200_000


def test_the_host_that_holds_most_gives_way_though_another_holds_more_in_one_connection() -> None:
    line = Line(max_held_bytes=MIB // 2)
    single = line.come("single")[0]
    line.send_ahead(single, 110)
    takers = line.come("taker", 8)
    for taker in takers:
        line.send_ahead(taker, 70)
    line.run(3.0)
    line.check()
    assert single in line.server.by_address
    assert {address[0] for address in line.ended} == {"taker"}


def test_a_connection_that_ends_gives_back_what_was_held_of_it() -> None:
    line = Line()
    for end in ("close", "kick", "silence"):
        address = line.come("taker")[0]
        line.send_ahead(address, 50)
        line.send(address, 100_000, 0)
        line.run(0.5)
        assert line.server.held.total > 100_000
        if end == "close":
            line.clients[address].close(now=line.now)
        elif end == "kick":
            line.server.close_peer(line.peer(address), DisconnectReason.KICKED, now=line.now)
        else:
            del line.clients[address]
        line.run(8.0)
        assert address not in line.server.by_address
        assert line.server.held.total == 0


def test_a_goodbye_in_a_packet_that_goes_beyond_the_budget_ends_it_all_the_same() -> None:
    line = Line(max_held_bytes=1_000)
    address = line.come("taker")[0]
    line.send_ahead(address, 0)
    line.run(0.3)
    line.clients[address].queue_event(bytes(1_100), RELIABLE, None, now=line.now)
    line.clients[address].close(now=line.now)
    line.run(0.3)
    assert not line.server.by_address
    assert line.server.held.total == 0


@pytest.mark.interpreted
def test_what_is_held_is_counted_as_it_changes_and_not_anew_for_each_packet(monkeypatch: pytest.MonkeyPatch) -> None:
    line = Line()
    addresses = line.come("taker", 20)
    asked = 0
    held_bytes = ServerProtocol.held_bytes.fget  # type: ignore[attr-defined]

    def counted(peer: ServerProtocol) -> int:
        nonlocal asked
        asked += 1
        return int(held_bytes(peer))

    for address in addresses[1:]:
        line.send(address, 20_000, 5)
    line.run(0.5)
    monkeypatch.setattr(ServerProtocol, "held_bytes", property(counted))
    before = len(line.sent)
    line.send(addresses[0], 200_000, 0)
    line.run(0.3)
    packets = sum(sender == addresses[0] for sender, _, _ in line.sent[before:])
    assert packets > 150
    assert asked < 5 * (len(line.sent) - before) + 200
