"""A client's datagrams come from another address: the connection moves there if the client proves it, else never."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.channels import RELIABLE
from pygase._protocol.datagrams import PathChallenge, PathResponse
from pygase._protocol.paths import (
    CHALLENGE_INTERVAL,
    LIFETIME,
    MOST_ANSWERS,
    MOST_HELD,
    SAME_ADDRESS_INTERVAL,
    path_key,
)
from pygase._protocol.server_peer import ServerProtocol
from pygase._protocol.wire import (
    CLIENT_HEADER,
    DATA,
    ENCRYPTED,
    HEADER_BYTES,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    URGENT,
    close_message,
    sequence_of,
)
from pygase.config import ClientConfig
from tests.support.peers import SERVER, Address, Peers

ELSEWHERE: Address = ("elsewhere", 9)
ENCRYPTED_CLIENT = {"config": ClientConfig(encryption="required")}


class Moving(Peers):
    """One client. ``now_at`` is the address at which it is now; it may differ from the one that the server knows."""

    was_at: Address = ("client", 1)

    def __init__(self, seed: int = 0, latency: float = 0.025, client: dict[str, Any] | None = None) -> None:
        if client is ENCRYPTED_CLIENT:
            pytest.importorskip("cryptography")
        super().__init__(seed, latency=latency)
        self.now_at = self.was_at
        self.challenges: list[tuple[Address, bytes]] = []
        self.joined(**(client or {}))
        self.client = self.clients[self.was_at]
        self.connection: ServerProtocol = self.server.by_token[self.client.token]

    def move(self, address: Address = ELSEWHERE) -> None:
        self.now_at = address

    def _send(self, data: bytes, sender: Address, receiver: Address) -> None:
        sender = self.now_at if sender == self.was_at else sender
        if data[0] == PATH_CHALLENGE:
            self.challenges.append((receiver, data))
        super()._send(data, sender, receiver)

    def receive(self, data: bytes, sender: Address, receiver: Address) -> None:
        """Deliver at the client's present address only."""
        if receiver == self.now_at:
            receiver = self.was_at
        elif receiver == self.was_at:
            return
        super().receive(data, sender, receiver)

    def at_server_from(self, data: bytes, address: Address) -> None:
        self.server.receive_datagram(data, address, now=self.now)

    def play(self, seconds: float, until: Callable[[], object] = lambda: False) -> None:
        """Let the client send an event 60 times a second, and the server a state."""
        end = self.now + seconds
        while self.now < end and not until():
            self.client.queue_event(b"\x91\xa1x", 0, None, now=self.now)
            self.push({"tick": self.tick})
            self.run(1 / 60)

    @property
    def address(self) -> object:
        return self.connection.address

    def packet(self, ahead: int = 1, messages: bytes = b"") -> bytes:
        """A packet of the client that nobody has sent, with this distance to the newest that the server knows."""
        sequence = self.connection.record.latest + ahead & 0xFFFF
        return CLIENT_HEADER.pack(DATA, self.client.token, sequence, 0xFFFF, 0, 0xFFFF, 0) + messages

    def challenge(self, address: Address = ELSEWHERE) -> bytes:
        """Have the server challenge an address."""
        before = len(self.challenges)
        self.at_server_from(self.packet(), address)
        self.transmit()
        assert len(self.challenges) == before + 1
        return self.challenges[-1][1]

    def answer(self, challenge: bytes) -> bytes:
        """Let the client answer a challenge; return its response."""
        self.client.receive_datagram(challenge, now=self.now)
        (response,) = (d for d in self.client.datagrams_to_send(now=self.now) if d[0] == PATH_RESPONSE)
        return response


def test_one_round_trip_after_the_first_packet_from_elsewhere_the_connection_is_there() -> None:
    peers = Moving()
    peers.play(1.0)
    states = len(peers.states[peers.was_at])
    peers.move()
    begin = peers.now
    peers.play(1.0, lambda: peers.address == ELSEWHERE)
    assert peers.now - begin <= 0.025 * 3 + 2 / 60
    peers.play(0.5)
    assert len(peers.states[peers.was_at]) > states + 20
    assert len(peers.challenges) == 1
    assert not peers.ended
    assert peers.server.by_address == {ELSEWHERE: peers.connection}


def test_what_arrives_before_the_response_waits_for_it_in_bounds() -> None:
    """Who only knows the token takes no part in the game, and the client's own packets are not lost."""
    peers = Moving()
    for number in range(2 * MOST_HELD):
        peers.at_server_from(peers.packet(number + 1, b"\x01\x00\x01%c" % number), ELSEWHERE)
        peers.at_server_from(peers.packet(number + 1, b"\x01\x00\x01x"), ("third", 1))
    peers.transmit()
    ((_, challenge),) = peers.challenges
    assert not peers.server.inbox
    peers.at_server_from(peers.answer(challenge), ELSEWHERE)
    events = [event for peer, event in peers.server.inbox if isinstance(event, bytes)]
    assert events == [bytes([number]) for number in range(MOST_HELD)]


def test_packets_that_wait_for_another_address_are_not_taken_in() -> None:
    peers = Moving()
    challenge = peers.challenge()
    peers.now += CHALLENGE_INTERVAL
    peers.at_server_from(peers.packet(2, b"\x01\x00\x01x"), ("third", 1))
    peers.at_server_from(peers.answer(challenge), ELSEWHERE)
    assert peers.address == ELSEWHERE
    assert [event for peer, event in peers.server.inbox if isinstance(event, bytes)] == []


def test_an_encrypted_packet_is_taken_in_at_once_and_its_connection_moves() -> None:
    """Nobody else can have made it."""
    peers = Moving(client=ENCRYPTED_CLIENT)
    peers.play(0.5)
    peers.run(0.1)
    peers.client.queue_event(b"\x91\xa1z", 0, None, now=peers.now)
    (packet,) = peers.client.datagrams_to_send(now=peers.now)
    assert packet[0] in (ENCRYPTED, URGENT)
    peers.at_server_from(packet, ELSEWHERE)
    assert peers.server.inbox[-1] == (peers.connection, b"\x91\xa1z")
    peers.move()
    peers.play(0.5)
    assert peers.address == ELSEWHERE
    assert len(peers.challenges) == 1
    assert not peers.ended


@pytest.mark.parametrize("spoil", [lambda data: data, lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_an_encrypted_packet_that_is_repeated_or_changed_gets_no_challenge(spoil: Callable[[bytes], bytes]) -> None:
    peers = Moving(client=ENCRYPTED_CLIENT)
    peers.play(0.5)
    peers.run(0.1)
    for data in [data for _, receiver, data in peers.sent if receiver == SERVER][-20:]:
        changed = spoil(data)
        peers.at_server_from(changed, ELSEWHERE)
        number = sequence_of(data) + 100
        peers.at_server_from(changed[:9] + number.to_bytes(2, "big") + changed[11:], ELSEWHERE)
    peers.run(0.5)
    assert peers.challenges == []
    assert peers.address == peers.was_at


def test_a_forged_packet_from_the_clients_own_address_does_not_hold_up_the_move_of_an_encrypted_connection() -> None:
    peers = Moving(client=ENCRYPTED_CLIENT)
    peers.play(0.5)
    peers.move()
    for _ in range(20):
        peers.play(1 / 60)
        forged = bytearray(next(d for _, r, d in reversed(peers.sent) if r == SERVER and d[0] in (ENCRYPTED, URGENT)))
        forged[-1] ^= 1
        peers.at_server_from(bytes(forged), peers.was_at)
    assert peers.address == ELSEWHERE


def test_the_old_path_serves_meanwhile() -> None:
    peers = Moving()
    peers.at_server_from(peers.packet(), ELSEWHERE)
    outgoing = peers.server.datagrams_to_send(now=peers.now + 2.0)
    assert {address for data, address in outgoing if data[0] == DATA} == {peers.was_at}
    assert {address for data, address in outgoing if data[0] == PATH_CHALLENGE} == {ELSEWHERE}


def test_reliable_events_that_were_lost_on_the_old_path_are_sent_again_at_once() -> None:
    peers = Moving()
    peers.play(1.0)
    peers.move()
    for number in range(20):
        peers.connection.queue_event(b"%d" % number, RELIABLE, None, now=peers.now)
    peers.play(1.0, lambda: peers.address == ELSEWHERE)
    peers.play(0.06)
    assert peers.events[peers.was_at] == [b"%d" % number for number in range(20)]


def test_no_answer_is_longer_than_its_question() -> None:
    peers = Moving()
    challenge = peers.challenge()
    response = peers.answer(challenge)
    assert len(response) <= len(challenge) <= HEADER_BYTES


def test_a_lost_challenge_or_response_is_repeated_soon() -> None:
    peers = Moving()
    lost = set()

    def drop(data: bytes, sender: Address, receiver: Address) -> bool:
        first = data[0] in (PATH_CHALLENGE, PATH_RESPONSE) and data[0] not in lost
        lost.add(data[0])
        return first

    peers.play(1.0)
    peers.drop = drop
    peers.move()
    begin = peers.now
    peers.play(2.0, lambda: peers.address == ELSEWHERE)
    assert len(peers.challenges) == 3
    assert peers.now - begin < 0.025 * 3 + 2 * SAME_ADDRESS_INTERVAL + 4 / 60


def test_the_newest_packet_alone_gets_a_challenge() -> None:
    peers = Moving()
    peers.play(0.5)
    peers.run(0.1)
    sent = [data for _, receiver, data in peers.sent if receiver == SERVER and data[0] == DATA]
    for data in sent:
        peers.at_server_from(data, ELSEWHERE)
    peers.at_server_from(peers.packet(5), peers.was_at)
    peers.at_server_from(peers.packet(-2), ELSEWHERE)  # new, but older than the newest
    peers.run(1.0)
    assert peers.challenges == []
    assert peers.address == peers.was_at


def test_at_most_one_challenge_in_50_ms_from_however_many_addresses() -> None:
    peers = Moving()
    begin = peers.now
    for number in range(2000):
        peers.now = begin + number / 2000
        peers.at_server_from(peers.packet(), (f"10.0.{number // 250}.{number % 250}", 1))
    peers.transmit()
    assert len(peers.challenges) <= 1 / CHALLENGE_INTERVAL
    assert peers.address == peers.was_at


def test_a_flood_from_ten_thousand_addresses_with_a_known_token_leaves_no_memory() -> None:
    peers = Moving()
    begin = peers.now

    def flood() -> None:
        for number in range(10_000):
            address = (f"10.0.{number // 250}.{number % 250}", 1)
            peers.now += 1e-5
            peers.at_server_from(peers.packet(), address)
            peers.at_server_from(PathResponse(peers.client.token, number, bytes(8)).encode(), address)
            peers.server.outbox.clear()

    flood()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    flood()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 10_000
    assert peers.now < begin + 1.0
    assert peers.address == peers.was_at


def test_a_response_counts_once_from_the_challenged_address_and_for_a_while_only() -> None:
    peers = Moving()
    response = peers.answer(peers.challenge())
    peers.at_server_from(response, ("elsewhere", 10))
    peers.at_server_from(response, peers.was_at)
    assert peers.address == peers.was_at
    peers.at_server_from(response, ELSEWHERE)
    assert peers.address == ELSEWHERE
    peers.now += SAME_ADDRESS_INTERVAL
    back = peers.answer(peers.challenge(peers.was_at))
    peers.at_server_from(back, peers.was_at)
    assert peers.address == peers.was_at
    peers.now += SAME_ADDRESS_INTERVAL
    peers.challenge(("third", 1))
    peers.at_server_from(response, ELSEWHERE)  # replayed
    assert peers.address == peers.was_at
    late = peers.answer(peers.challenges[-1][1])
    peers.now += LIFETIME + 0.01
    peers.at_server_from(late, ("third", 1))
    assert peers.address == peers.was_at


def test_two_challenges_that_wait_do_not_both_move_the_connection() -> None:
    peers = Moving()
    responses = []
    for number in range(2):
        responses.append(peers.answer(peers.challenge(("elsewhere", number))))
        peers.now += SAME_ADDRESS_INTERVAL
    peers.at_server_from(responses[1], ("elsewhere", 1))
    peers.at_server_from(responses[0], ("elsewhere", 0))
    assert peers.address == ("elsewhere", 1)


@pytest.mark.parametrize("is_repeated", [False, True], ids=["new", "duplicate"])
def test_while_the_client_still_sends_from_its_address_nothing_moves(is_repeated: bool) -> None:
    """Somebody who repeats the client's packets from elsewhere, faster than they arrive, gets a right response, too."""
    peers = Moving()
    packet = peers.packet()
    peers.at_server_from(packet, ELSEWHERE)
    peers.transmit()
    response = peers.answer(peers.challenges[-1][1])
    peers.at_server_from(packet if is_repeated else peers.packet(), peers.was_at)
    peers.at_server_from(response, ELSEWHERE)
    assert peers.address == peers.was_at


def test_packets_that_left_before_the_move_and_arrive_late_do_not_hold_it_up() -> None:
    peers = Moving()
    late = peers.packet(1)
    peers.at_server_from(peers.packet(2), ELSEWHERE)
    peers.transmit()
    peers.at_server_from(late, peers.was_at)
    peers.at_server_from(peers.answer(peers.challenges[-1][1]), ELSEWHERE)
    assert peers.address == ELSEWHERE


def test_a_client_answers_no_challenge_with_another_token_and_not_many_at_once() -> None:
    peers = Moving()
    client = peers.client
    dropped = client.record.packets_dropped
    client.receive_datagram(PathChallenge(bytes(8), 1, bytes(8)).encode(), now=peers.now)
    client.receive_datagram(PathChallenge(client.token, 1, bytes(8)).encode()[:-1], now=peers.now)
    assert client.record.packets_dropped == dropped + 2
    assert all(data[0] != PATH_RESPONSE for data in client.datagrams_to_send(now=peers.now))
    for number in range(100):
        client.receive_datagram(PathChallenge(client.token, number, bytes(8)).encode(), now=peers.now)
    assert client.next_timeout(now=peers.now) == peers.now
    sent = [data for data in client.datagrams_to_send(now=peers.now) if data[0] == PATH_RESPONSE]
    assert len(sent) == MOST_ANSWERS


def test_a_client_that_is_not_connected_yet_answers_no_challenge() -> None:
    peers = Peers()
    client = peers.clients[peers.connect()]
    client.receive_datagram(PathChallenge(bytes(8), 1, bytes(8)).encode(), now=peers.now)
    assert all(data[0] != PATH_RESPONSE for data in client.datagrams_to_send(now=peers.now))


def test_the_key_of_a_connection_is_its_resume_secrets_alone() -> None:
    peers = Moving()
    other = peers.joined()
    keys = {
        peers.connection.path.key,
        peers.server.by_token[peers.clients[other].token].path.key,
        b"",
        path_key(bytes(16)),
    }
    assert len(keys) == 4
    assert peers.client.path.key == peers.connection.path.key


def test_a_goodbye_from_elsewhere_counts_once_its_sender_has_answered() -> None:
    peers = Moving()
    peers.at_server_from(peers.packet(messages=close_message(0, "")), ELSEWHERE)
    peers.transmit()
    assert peers.connection.closed is None
    peers.at_server_from(peers.answer(peers.challenges[-1][1]), ELSEWHERE)
    assert peers.connection.closed is not None


def test_a_rival_that_falls_silent_is_forgotten() -> None:
    peers = Moving()
    peers.at_server_from(peers.packet(1000), ELSEWHERE)
    peers.play(LIFETIME - 0.1)
    assert peers.connection.path.is_watched
    peers.play(0.2)
    assert not peers.connection.path.is_watched


def test_a_packet_with_a_number_before_the_first_one_is_dropped() -> None:
    peers = Moving()
    peers.play(0.2)
    latest = peers.connection.record.latest
    dropped = peers.connection.record.packets_dropped
    for ahead in (-latest - 1, -latest - 100):
        peers.at_server_from(peers.packet(ahead), Moving.was_at)
    assert peers.connection.record.packets_dropped == dropped + 2
    assert peers.connection.closed is None


FORGERIES = st.one_of(
    st.tuples(st.just("early"), st.integers(0, 3)),
    st.tuples(st.just("packet"), st.integers(-300, 0)),
    st.tuples(st.just("response"), st.integers(0, 255)),
    st.tuples(st.just("changed"), st.integers(1, 20)),
    st.tuples(st.just("replay"), st.integers(0, 400)),
    st.tuples(st.just("reflect"), st.integers(0, 400)),
    st.tuples(st.just("elsewhere"), st.integers(0, 3)),
    st.tuples(st.just("wait"), st.integers(0, 12)),
)


class Forger:
    """Knows the token and all datagrams so far, but not the path key, and sends from every address."""

    ADDRESSES: ClassVar[list[Address]] = [ELSEWHERE, ("elsewhere", 10), Moving.was_at, ("client", 77)]

    def __init__(self, peers: Moving) -> None:
        self.peers = peers
        self.at = ELSEWHERE

    def do(self, what: str, value: int) -> None:
        peers = self.peers
        if what == "wait":
            peers.play(value / 60)
        elif what == "elsewhere":
            self.at = self.ADDRESSES[value]
        elif what == "early":  # the client's packet arrives from here first, and gets a challenge
            peers.client.queue_event(b"\x91\xa1x", 0, None, now=peers.now)
            peers.transmit()
            self.send(self.recorded(up=True)[-1])
        else:
            self.send(self.forged(what, value))

    def forged(self, what: str, value: int) -> bytes:
        if what == "packet":
            return self.peers.packet(value)
        if what == "response":
            return bytes([PATH_RESPONSE]) + self.peers.client.token + bytes([value]) * 12
        if what == "changed" and self.peers.challenges:
            response = bytearray(self.peers.challenges[-1][1])
            response[0] = PATH_RESPONSE
            response[value] ^= value
            return bytes(response)
        recorded = self.recorded(up=what == "replay")
        return recorded[-1 - value % len(recorded)]

    def recorded(self, up: bool) -> list[bytes]:
        return [data for _, receiver, data in self.peers.sent if (receiver == SERVER) == up]

    def send(self, data: bytes) -> None:
        self.peers.at_server_from(data, self.at)
        self.peers.transmit()


@given(st.lists(FORGERIES, max_size=30), st.integers(0, 2**32))
def test_nothing_that_somebody_without_the_key_sends_moves_a_connection(
    forgeries: list[tuple[str, int]], seed: int
) -> None:
    peers = Moving(seed)
    peers.play(0.3)
    forger = Forger(peers)
    for what, value in forgeries:
        forger.do(what, value)
        assert peers.address == peers.was_at
    peers.play(0.3)
    assert peers.address == peers.was_at
    assert not peers.ended
