"""Encrypted connections: who gets one, and what a stranger on the way can read, change, repeat or prevent."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase._protocol.channels import RELIABLE
from pygase._protocol.crypto import KeyPair, Opener, password_proof, session_keys, transcript_hash
from pygase._protocol.datagrams import Accepted, Challenge, ChallengeResponse, ConnectRequest, Refused, ResponseBody
from pygase._protocol.identity import ServerIdentity
from pygase._protocol.secrecy import BY_INVITE, BY_MEMORY, Trust
from pygase._protocol.server_peer import ServerProtocol
from pygase._protocol.wire import (
    ACCEPTED,
    CHALLENGE,
    CHALLENGE_RESPONSE,
    CONNECT_REQUEST,
    DATA,
    ENCRYPTED,
    HEADER_BYTES,
    REFUSED,
    URGENT,
    sequence_of,
)
from pygase.config import ClientConfig, ServerConfig
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers

pytest.importorskip("cryptography")

IDENTITY = ServerIdentity(bytes(range(48)))
INVITE = Trust(BY_INVITE, IDENTITY.pair.public, IDENTITY.join_secret)
SECRET = b"a text that nobody else shall read"
AUTO, REQUIRED, OFF = (ClientConfig(encryption=mode) for mode in ("auto", "required", "off"))


def peers(seed: int = 1, **options: Any) -> Peers:
    return Peers(seed, identity=IDENTITY, **options)


def connected(seed: int = 1, trust: Trust | None = INVITE, **options: Any) -> tuple[Peers, Address]:
    both = peers(seed, **options)
    both.push({"text": SECRET})
    return both, both.joined(config=AUTO, **({} if trust is None else {"trust": trust}))


def server_peer(both: Peers) -> ServerProtocol:
    return next(iter(both.server.peers.values()))


def kinds(both: Peers) -> set[int]:
    return {data[0] for _, _, data in both.sent}


def talk(both: Peers, client: Address) -> None:
    """Both sides send everything that there is."""
    both.clients[client].queue_event(b"\x91\xc4\x22" + SECRET, RELIABLE, None, now=both.now)
    server_peer(both).queue_event(b"\x91\xc4\x22" + SECRET, 0, None, now=both.now)
    for n in range(5):
        both.push({"text": SECRET, "n": n})
        both.run(0.05)


class TestModes:
    @pytest.mark.parametrize(
        ("client", "server", "encrypted"),
        [
            (AUTO, "auto", True),
            (AUTO, "required", True),
            (REQUIRED, "auto", True),
            (REQUIRED, "required", True),
            (AUTO, "off", False),
            (OFF, "auto", False),
            (OFF, "off", False),
        ],
    )
    def test_both_decide(self, client: ClientConfig, server: str, encrypted: bool) -> None:
        both = peers(config=ServerConfig(encryption=server))
        address = both.joined(config=client)
        talk(both, address)
        assert (both.clients[address].seals is not None) == encrypted == (server_peer(both).seals is not None)
        assert (DATA in kinds(both)) == (not encrypted)
        assert both.events[address]
        assert both.states[address]

    def test_a_server_that_requires_it_refuses_the_others_at_once(self) -> None:
        both = peers(config=ServerConfig(encryption="required"))
        address = both.connect(config=OFF)
        both.run(0.1)
        assert both.ended[address].reason == DisconnectReason.ENCRYPTION_REQUIRED
        assert "pip install 'pygase[secure]'" in DisconnectReason.ENCRYPTION_REQUIRED.sentence

    def test_nor_does_it_admit_a_response_without_a_key(self) -> None:
        """Whoever asked for a key and does not use it."""
        both = peers(config=ServerConfig(encryption="required"))
        nonce = bytes(8)
        challenge = challenge_of(both, ConnectRequest(2, nonce, "", 1))
        response = ChallengeResponse(2, *challenge[:3], "", b"", 0, ResponseBody().encode())
        (answer,) = answers_to(both, response.encode())
        assert Refused.decode(answer).reason == DisconnectReason.ENCRYPTION_REQUIRED

    def test_a_client_that_requires_it_gives_a_server_without_it_a_second(self) -> None:
        both = peers(config=ServerConfig(encryption="off"))
        address = both.connect(config=REQUIRED)
        both.run(0.9)
        assert address not in both.ended
        both.run(0.3)
        assert both.ended[address].reason == DisconnectReason.NOT_ENCRYPTED
        assert CHALLENGE_RESPONSE not in kinds(both)

    @pytest.mark.parametrize("latency", [0.3, 0.6, 1.1])
    def test_a_slow_path_hinders_nobody(self, latency: float) -> None:
        """Many challenges are under way when the first answer is accepted."""
        both = peers(latency=latency)
        address = both.connect(config=REQUIRED, trust=INVITE)
        assert both.run(5.0, lambda: both.clients[address].connected)
        assert both.clients[address].seals is not None


def challenge_of(both: Peers, request: ConnectRequest, address: Address = ("someone", 1)) -> Challenge:
    (answer,) = answers_to(both, request.encode(), address)
    return Challenge.decode(answer)


def answers_to(both: Peers, data: bytes, address: Address = ("someone", 1)) -> list[bytes]:
    both.server.receive_datagram(data, address, now=both.now)
    return [out for out, to in both.server.datagrams_to_send(now=both.now) if to == address]


class TestWhatAStrangerReads:
    @pytest.mark.parametrize("trust", [None, INVITE], ids=["no invite", "invite"])
    def test_nothing_but_the_lengths(self, trust: Trust | None) -> None:
        both = peers(password="sesame")
        both.push({"text": SECRET})
        profile = b"\x81\xa4name\xa9Ann Onyme"
        given = {} if trust is None else {"trust": trust}
        address = both.joined(config=AUTO, password="sesame", host_token="tok" * 9, profile=profile, **given)
        talk(both, address)
        assert both.states[address][-1].tree["text"] == SECRET
        assert both.events_of(address)
        sent = b"".join(data for _, _, data in both.sent)
        for private in (SECRET, b"Ann Onyme", b"toktok", b"text"):
            assert private not in sent

    def test_the_same_test_finds_all_of_it_in_an_open_connection(self) -> None:
        both = peers()
        both.push({"text": SECRET})
        address = both.joined(config=OFF, host_token="tok" * 9, profile=b"\x81\xa4name\xa9Ann Onyme")
        talk(both, address)
        sent = b"".join(data for _, _, data in both.sent)
        assert all(private in sent for private in (SECRET, b"Ann Onyme", b"toktok"))

    def test_whether_a_packet_is_urgent(self) -> None:
        both, address = connected()
        both.run(1.0)
        both.sent.clear()
        both.push({"text": SECRET, "n": 7})
        both.run(0.1)
        assert kinds(both) == {ENCRYPTED}
        both.clients[address].queue_event(b"\x91\xa1x", RELIABLE, None, now=both.now)
        both.transmit()
        assert both.sent[-1][2][0] == URGENT
        both.clients[address].close(now=both.now)
        both.transmit()
        assert both.sent[-1][2][0] == URGENT


class TestInvites:
    def test_the_server_s_own_one_opens_the_door(self) -> None:
        both, address = connected(config=ServerConfig(invited_only=True))
        assert both.clients[address].seals is not None

    @pytest.mark.parametrize(
        "trust",
        [
            Trust(BY_INVITE, IDENTITY.pair.public, bytes(16)),
            Trust(BY_INVITE, KeyPair(b"x" * 32).public, IDENTITY.join_secret),
        ],
        ids=["another join secret", "another server's key"],
    )
    def test_another_one_does_not(self, trust: Trust) -> None:
        both = peers()
        address = both.connect(config=AUTO, trust=trust)
        both.run(2.0)
        assert both.ended[address].reason == DisconnectReason.NOT_INVITED
        assert not both.server.peers

    def test_without_one_nobody_enters_where_it_is_asked_for(self) -> None:
        both = peers(config=ServerConfig(invited_only=True), own_token="own", host_token="host")
        address = both.connect(config=AUTO)
        both.run(0.2)
        assert both.ended[address].reason == DisconnectReason.NOT_INVITED
        assert both.joined(config=AUTO, host_token="host")
        assert both.joined(config=AUTO, host_token="own")

    def test_whoever_knows_the_server_from_before_is_not_invited_by_that(self) -> None:
        both = peers(config=ServerConfig(invited_only=True))
        address = both.connect(config=AUTO, trust=Trust(BY_MEMORY, IDENTITY.pair.public, b""))
        both.run(0.2)
        assert both.ended[address].reason == DisconnectReason.NOT_INVITED

    def test_a_client_learns_by_whom_it_knows_the_server_next_time(self) -> None:
        both = peers()
        address = both.joined(config=AUTO)
        welcome = both.clients[address].way_in.connector.outcome
        assert welcome.identity == IDENTITY.pair.public  # type: ignore[union-attr]
        again = both.connect(port=9, config=AUTO, trust=Trust(BY_MEMORY, IDENTITY.pair.public, b""))
        assert both.run(1.0, lambda: both.clients[again].connected)

    def test_a_server_with_another_identity_does_not_know_the_connection(self) -> None:
        both = peers()
        address = both.connect(config=AUTO, trust=Trust(BY_MEMORY, KeyPair(b"x" * 32).public, b""))
        both.run(2.0)
        assert both.ended[address].reason == DisconnectReason.NOT_RESUMABLE


class TestAManInTheMiddle:
    """He sits between a client with an invite and the server, and changes datagrams as he likes."""

    def attacked(self, forge: Any, seconds: float = 2.0) -> tuple[Peers, Address]:
        both = peers()
        both.push({"text": SECRET})
        both.forge = forge
        address = both.connect(config=AUTO, trust=INVITE)
        both.run(seconds)
        return both, address

    def test_cannot_downgrade_by_changing_the_request(self) -> None:
        def forge(data: bytes, sender: Address) -> bytes:
            return data[:11] + b"\0" + data[12:] if data[0] == CONNECT_REQUEST else data

        both, address = self.attacked(forge)
        assert both.ended[address].reason == DisconnectReason.NOT_ENCRYPTED
        assert not kinds(both) & {CHALLENGE_RESPONSE, DATA}

    def test_nor_by_taking_the_key_out_of_the_challenge(self) -> None:
        def forge(data: bytes, sender: Address) -> bytes:
            return Challenge(*Challenge.decode(data)[:3]).encode() if data[0] == CHALLENGE else data

        both, address = self.attacked(forge)
        assert both.ended[address].reason == DisconnectReason.NOT_ENCRYPTED
        assert not kinds(both) & {CHALLENGE_RESPONSE, DATA}

    def test_nor_by_taking_keys_and_trust_out_of_the_response(self) -> None:
        def forge(data: bytes, sender: Address) -> bytes:
            if data[0] != CHALLENGE_RESPONSE:
                return data
            response = ChallengeResponse.decode(data)
            return response._replace(key=b"", trust=0, body=ResponseBody().encode()).encode()

        both, address = self.attacked(forge, 4.0)
        assert not both.clients[address].connected  # the server took him for an open client; the client knows better
        assert both.states[address] == []

    def test_his_own_key_in_the_challenge_opens_nothing(self) -> None:
        own = KeyPair(b"m" * 32)
        seen: list[tuple[bytes, bytes]] = []

        def forge(data: bytes, sender: Address) -> bytes:
            if data[0] == CHALLENGE:
                seen.append((Challenge.decode(data)._replace(key=own.public).encode(), b""))
                return seen[-1][0]
            if data[0] == CHALLENGE_RESPONSE:
                seen.append((seen[0][0], data))
            return data

        both, address = self.attacked(forge)
        assert not both.clients[address].connected
        challenge, data = seen[-1]
        assert opened_by(own, challenge, data) is None
        assert opened_by(own, challenge, data, IDENTITY.join_secret) is None  # even a friend with the same invite

    def test_without_an_invite_it_does(self) -> None:
        """This is what docs/security.md says of a connection without an invite."""
        own = KeyPair(b"m" * 32)
        both = peers()
        seen: list[bytes] = []

        def forge(data: bytes, sender: Address) -> bytes:
            if data[0] == CHALLENGE:
                seen.append(Challenge.decode(data)._replace(key=own.public).encode())
                return seen[-1]
            if data[0] == CHALLENGE_RESPONSE:
                seen.append(data)
            return data

        both.forge = forge
        both.connect(config=AUTO, host_token="the token")
        both.run(0.1)
        body = opened_by(own, seen[0], seen[1])
        assert body is not None
        assert ResponseBody.decode(body).host_token == "the token"

    def test_his_refusals_end_nothing_while_the_server_answers(self) -> None:
        both = peers()
        both.drop = lambda data, sender, receiver: self._refuse_first(both, data, sender)
        address = both.connect(config=AUTO, trust=INVITE)
        assert both.run(2.0, lambda: both.clients[address].connected)

    def _refuse_first(self, both: Peers, data: bytes, sender: Address) -> bool:
        """Overtake each datagram of a client's handshake with a refusal to it."""
        if sender != SERVER and data[0] in (CONNECT_REQUEST, CHALLENGE_RESPONSE):
            at = 3  # both have the nonce there
            forged = Refused(data[at : at + 8], DisconnectReason.BANNED, "Send money to ...", bytes(16)).encode()
            both.clients[sender].receive_datagram(forged, now=both.now)
        return False

    def test_alone_he_refuses_after_a_second_and_without_words_of_his_own(self) -> None:
        both = peers()
        both.drop = lambda data, sender, receiver: self._refuse_first(both, data, sender) or True
        address = both.connect(config=AUTO, trust=INVITE)
        both.run(0.9)
        assert address not in both.ended
        both.run(0.3)
        assert (both.ended[address].reason, both.ended[address].detail) == (DisconnectReason.BANNED, "")

    def test_the_server_s_own_refusal_counts_at_once_with_its_words(self) -> None:
        both = peers(password="sesame")
        address = both.connect(config=AUTO, trust=INVITE)
        both.run(0.2)
        assert both.ended[address].reason == DisconnectReason.WRONG_PASSWORD
        assert both.ended[address].detail == "It asks for one, and none was given."

    def test_a_proof_of_the_password_is_good_for_one_handshake(self) -> None:
        """He cannot make a handshake with each side, and hand the client's proof on."""
        key = bytes(32)
        transcripts = [
            transcript_hash(Challenge(bytes(8), 1, bytes(16), side * 32).encode(), b"") for side in (b"a", b"b")
        ]
        assert password_proof(key, transcripts[0]) != password_proof(key, transcripts[1])


def opened_by(own: KeyPair, challenge: bytes, data: bytes, join_secret: bytes = b"") -> bytes | None:
    """Return the body of a response, as a man in the middle with a key of his own opens it; None if he cannot."""
    response = ChallengeResponse.decode(data)
    shared = own.shared_with(response.key) + join_secret
    keys = session_keys(transcript_hash(challenge, response.clear()), shared)
    return Opener(keys.response, 0).open(0, response.body, response.clear())


def newest_packet(both: Peers, sender: Address) -> bytes:
    return next(data for who, _, data in reversed(both.sent) if who == sender and data[0] & 0x7F == ENCRYPTED)


class TestPackets:
    @settings(max_examples=60, deadline=None)
    @given(st.data())
    def test_no_bit_can_be_changed_and_a_forgery_moves_nothing(self, data: st.DataObject) -> None:
        both, address = connected()
        both.run(0.5)
        peer, client = server_peer(both), both.clients[address]
        client.queue_event(b"\x91\xa1x", 0, None, now=both.now)
        (packet,) = client.datagrams_to_send(now=both.now)
        before = peer.record.latest, peer.record.holes, peer.record.last_received_at
        bit = data.draw(st.integers(0, len(packet) * 8 - 1))
        forged = bytearray(packet)
        forged[bit // 8] ^= 1 << bit % 8
        both.server.receive_datagram(bytes(forged), address, now=both.now + 1.0)
        assert (peer.record.latest, peer.record.holes, peer.record.last_received_at) == before
        assert not both.server.inbox
        both.server.receive_datagram(packet, address, now=both.now)
        assert [event for _, event in both.server.inbox] == [b"\x91\xa1x"]

    def test_a_replayed_packet_is_a_duplicate(self) -> None:
        both, address = connected()
        talk(both, address)
        received = len(both.events_of(address))
        peer = server_peer(both)
        before = peer.record.latest, peer.record.holes, peer.record.last_received_at
        for who, _, data in tuple(both.sent):
            if who == address:
                both.server.receive_datagram(data, address, now=both.now)
        assert (peer.record.latest, peer.record.holes, peer.record.last_received_at) == before
        assert len(both.events_of(address)) == received

    def test_packets_in_any_order_arrive_within_256_numbers(self) -> None:
        both, address = connected(client_skips=0)
        both.run(0.5)
        client = both.clients[address]
        packets = []
        for number in range(300):
            client.queue_event(b"\x92\xa1x\xcd" + number.to_bytes(2, "big"), 0, None, now=both.now)
            packets += client.datagrams_to_send(now=both.now)
        assert len(packets) == 300
        random.Random(3).shuffle(packets)
        newest = -1
        for packet in packets:
            number = sequence_of(packet)
            newest = max(newest, number)
            count = len(both.events_of(address))
            both.receive(packet, address, SERVER)
            assert len(both.events_of(address)) - count == (newest - number < 256)

    def test_none_goes_back_to_its_sender(self) -> None:
        both, address = connected()
        talk(both, address)
        peer = server_peer(both)
        latest, dropped = peer.record.latest, both.server.dropped["not sealed by the client"]
        both.server.receive_datagram(newest_packet(both, SERVER), address, now=both.now)
        assert both.server.dropped["not sealed by the client"] == dropped + 1
        client_latest = both.clients[address].record.latest
        both.clients[address].receive_datagram(newest_packet(both, address), now=both.now)
        assert (peer.record.latest, both.clients[address].record.latest) == (latest, client_latest)

    @pytest.mark.parametrize("to_server", [True, False])
    def test_no_open_packet_enters_an_encrypted_connection(self, to_server: bool) -> None:
        both, address = connected()
        both.run(0.5)
        client, peer = both.clients[address], server_peer(both)
        forged = bytes([DATA]) + client.token + bytes(14) + b"\6\0\2\0\0"  # a goodbye
        if to_server:
            both.receive(forged, address, SERVER)
        else:
            both.receive(forged, SERVER, address)
        assert client.closed is None
        assert peer.closed is None

    def test_no_number_is_used_for_two_texts(self, seed: int) -> None:
        """On a bad network, through the end of the 16 bits of the sequence."""
        both, address = connected(seed, loss=0.2, jitter=0.05, first_sequence=0xFFFF - 60)
        for n in range(120):
            both.push({"n": n, "text": SECRET})
            both.clients[address].queue_event(b"\x91\xa1x", n % 3, None, now=both.now)
            both.run(0.02)
        both.loss = 0.0
        both.push({"n": -1})
        both.run(1.0)
        for sender in (address, SERVER):
            texts: dict[int, bytes] = {}
            sealed = [data for who, _, data in both.sent if who == sender and data[0] & 0x7F == ENCRYPTED]
            assert len(sealed) > 100
            for data in sealed:
                assert texts.setdefault(sequence_of(data), data) == data
            assert max(texts) > 0xFFF0
            assert min(texts) < 100
        assert both.states[address][-1].tree["n"] == -1

    def test_a_client_that_seals_nonsense_harms_nobody(self) -> None:
        both, address = connected()
        both.run(0.5)
        client, peer = both.clients[address], server_peer(both)
        seals = client.seals
        assert seals is not None
        number = client.record.next_sequence
        for length in range(40):
            header = bytes([DATA]) + client.token + (number & 0xFFFF).to_bytes(2, "big")
            both.receive(seals.seal(number, header, bytes([0xFF] * length), False), address, SERVER)
            number += 1
        assert peer.closed is None or peer.closed.reason == DisconnectReason.PROTOCOL_ERROR


class TestHandshakesAreUsedOnce:
    """A handshake that is accepted twice would make the same keys twice, and seal two texts with one number."""

    def recorded(self, both: Peers, address: Address) -> bytes:
        return next(data for who, _, data in both.sent if who == address and data[0] == CHALLENGE_RESPONSE)

    def test_repeated_at_once_it_gets_the_same_answer(self) -> None:
        both, address = connected()
        first = next(data for who, _, data in both.sent if who == SERVER and data[0] == ACCEPTED)
        assert answers_to(both, self.recorded(both, address), address) == [first]

    def test_after_the_end_of_the_connection_it_gets_none(self) -> None:
        both, address = connected()
        both.clients[address].close(now=both.now)
        both.run(0.1)
        assert not both.server.peers
        assert answers_to(both, self.recorded(both, address), address) == []
        assert not both.server.peers

    def test_after_the_client_has_moved_it_gets_none(self) -> None:
        both, address = connected()
        both.server.move_peer(server_peer(both), ("elsewhere", 5))
        both.server.inbox.clear()
        assert answers_to(both, self.recorded(both, address), address) == []
        assert len(both.server.peers) == 1

    def test_nor_when_the_memory_of_accepted_ones_has_overflowed(self) -> None:
        both, address = connected()
        recorded = self.recorded(both, address)
        both.clients[address].close(now=both.now)
        both.run(0.1)
        for number in range(5000):
            both.server.entrance.challenges.nonces.add(number.to_bytes(8, "big"), ("", 0), both.now + number / 1e5)
        assert answers_to(both, recorded, address) == []
        assert not both.server.peers
        both.run(0.3)
        assert both.joined(config=AUTO)  # whoever asks now is not taken for an old one

    def test_who_never_got_the_acceptance_is_accepted_again_with_other_keys(self) -> None:
        both = peers(config=ServerConfig(timeout=1.0))
        both.drop = lambda data, sender, receiver: sender == SERVER and data[0] != CHALLENGE
        address = both.connect(config=ClientConfig(encryption="required", connect_timeout=20.0))
        assert both.run(1.0, lambda: both.server.peers)
        former = server_peer(both)
        both.drop = lambda data, sender, receiver: True
        assert both.run(3.0, lambda: not both.server.peers)
        both.drop = lambda data, sender, receiver: False
        assert both.run(2.5, lambda: both.clients[address].connected)
        seals = both.clients[address].seals
        assert seals is not None
        for peer, opens in ((server_peer(both), True), (former, False)):
            assert peer.seals is not None
            packet = peer.seals.seal(0, bytes(HEADER_BYTES), b"", False)
            assert bool(seals.open(packet, -1)) == opens

    def test_two_attempts_of_a_client_have_other_keys(self) -> None:
        both = peers()
        one, other = both.joined(config=AUTO, trust=INVITE), both.joined(config=AUTO, trust=INVITE)
        agreements = [both.clients[address].way_in.connector.agreement for address in (one, other)]
        assert not set(agreements[0].keys) & set(agreements[1].keys)  # type: ignore[union-attr]


class TestForwardSecrecy:
    def test_the_handshake_s_keys_are_gone_after_two_periods_also_if_nothing_happens(self) -> None:
        both, address = connected()
        both.clients[address].close(now=both.now)
        both.run(0.1)
        secrecy = both.server.entrance.challenges.secrecy
        request = ConnectRequest(2, bytes(8), "", 1)
        issued_at = challenge_of(both, request).issued_at
        assert secrecy.key_of(issued_at)
        assert both.server.next_timeout() is not None
        both.run(21.0)
        assert secrecy.key_of(issued_at) == b""
        assert both.server.next_timeout() is None

    def test_who_then_has_the_identity_and_the_recording_opens_nothing(self) -> None:
        both, address = connected()
        talk(both, address)
        challenge = next(data for who, _, data in both.sent if who == SERVER and data[0] == CHALLENGE)
        data = next(data for who, _, data in both.sent if who == address and data[0] == CHALLENGE_RESPONSE)
        assert opened_by(IDENTITY.pair, challenge, data) is None
        assert opened_by(IDENTITY.pair, challenge, data, IDENTITY.join_secret) is None

    def test_a_challenge_can_be_answered_for_ten_seconds_whenever_it_was_made(self) -> None:
        for start in range(10):
            both = peers(start)
            both.run(start + 0.95)
            held: list[bytes] = []
            both.drop = lambda data, sender, receiver: data[0] == CHALLENGE_RESPONSE and not held.append(data)  # noqa: B023
            address = both.connect(config=ClientConfig(connect_timeout=30.0))
            both.run(9.5)
            first = held[0]
            assert [data[0] for data in answers_to(both, first, address)] == [ACCEPTED]

    def test_no_key_but_the_connection_s_own_stays(self) -> None:
        both, address = connected()
        both.run(30.0)
        assert both.server.entrance.challenges.secrecy.key_of(int(1000.0 * 10)) == b""
        talk(both, address)
        assert both.events[address]


def test_refusals_without_keys_have_no_tag() -> None:
    both = peers(game="pong")
    (answer,) = answers_to(both, ConnectRequest(2, bytes(8), "chess", 1).encode())
    assert Refused.decode(answer).tag == b""
    assert answer[0] == REFUSED


def test_an_acceptance_without_a_seal_is_no_answer_to_a_sealed_response() -> None:
    both = peers()

    def forge(data: bytes, sender: Address) -> bytes:
        return Accepted(data[1:9], bytes(72) + b"\x92\xa1a\1\0").encode() if data[0] == ACCEPTED else data

    both.forge = forge
    address = both.connect(config=AUTO)
    both.run(1.0)
    assert not both.clients[address].connected
    assert both.clients[address].record.packets_dropped
