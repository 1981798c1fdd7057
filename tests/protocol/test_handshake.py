"""How a connection starts, and how it is refused."""

import random
from collections import Counter
from typing import Any

import pytest

from pygase._protocol.challenges import Nonces
from pygase._protocol.crypto import password_proof, stretched_password
from pygase._protocol.datagrams import (
    Accepted,
    Challenge,
    ChallengeResponse,
    ConnectRequest,
    Refused,
    ResponseBody,
    Welcome,
)
from pygase._protocol.handshake import Connector, CookieJar, reason_from_wire
from pygase._protocol.peer_events import Connected
from pygase._protocol.wire import (
    ACCEPTED,
    CHALLENGE,
    CHALLENGE_RESPONSE,
    CONNECT_REQUEST,
    MIN_REQUEST_BYTES,
    PROTOCOL_VERSION,
    REFUSED,
)
from pygase._state.codec import pack, unpack
from pygase.config import ClientConfig, ServerConfig
from pygase.errors import DisconnectReason, MalformedPacket
from tests.support.peers import SERVER, Address, Peers

NONCE = bytes(range(8))
ADDRESS: Address = ("10.0.0.1", 5000)
WELCOME = Welcome(b"t" * 8, 1, False, 0, 0, bytes(16), 0, bytes(14), 0, pack(["host", 1]))


def jar(lifetime: float = 10.0) -> CookieJar:
    return CookieJar(random.Random(1).randbytes, lifetime)


def response_to(challenge: Challenge, **changes: Any) -> ChallengeResponse:
    plain = ChallengeResponse(
        PROTOCOL_VERSION,
        challenge.nonce,
        challenge.issued_at,
        challenge.cookie,
        "",
        b"",
        False,
        ResponseBody().encode(),
    )
    return plain._replace(**changes)


# -- cookies ---------------------------------------------------------------------------------------------------------


def test_a_challenge_is_answered_by_its_own_cookie() -> None:
    cookies = jar()
    assert cookies.accepts(response_to(cookies.challenge(NONCE, ADDRESS, 5.0)), ADDRESS, 5.1)


def test_a_cookie_is_for_one_address_one_nonce_and_one_time_only() -> None:
    cookies = jar()
    challenge = cookies.challenge(NONCE, ADDRESS, 5.0)
    response = response_to(challenge)
    assert not cookies.accepts(response, ("10.0.0.2", 5000), 5.1)
    assert not cookies.accepts(response, ("10.0.0.1", 5001), 5.1)
    assert not cookies.accepts(response._replace(nonce=bytes(8)), ADDRESS, 5.1)
    assert not cookies.accepts(response._replace(issued_at=challenge.issued_at + 1), ADDRESS, 5.2)
    assert not cookies.accepts(response._replace(cookie=bytes(16)), ADDRESS, 5.1)


def test_a_cookie_of_another_server_is_not_accepted() -> None:
    other = CookieJar(random.Random(2).randbytes, 10.0)
    assert not jar().accepts(response_to(other.challenge(NONCE, ADDRESS, 5.0)), ADDRESS, 5.1)


def test_a_cookie_expires() -> None:
    cookies = jar(lifetime=10.0)
    response = response_to(cookies.challenge(NONCE, ADDRESS, 5.0))
    assert cookies.accepts(response, ADDRESS, 14.9)
    assert not cookies.accepts(response, ADDRESS, 15.2)


def test_a_cookie_from_the_future_is_not_accepted() -> None:
    cookies = jar()
    assert not cookies.accepts(response_to(cookies.challenge(NONCE, ADDRESS, 50.0)), ADDRESS, 49.0)


def test_cookies_work_while_their_clock_wraps() -> None:
    cookies = jar()
    wrap = 2**32 / 10
    assert cookies.accepts(response_to(cookies.challenge(NONCE, ADDRESS, wrap - 0.5)), ADDRESS, wrap + 0.5)


def test_the_proof_depends_on_password_salt_challenge_and_nonce() -> None:
    proofs = {
        password_proof(stretched_password(password, salt), cookie + nonce)
        for password in ("secret", "Secret")
        for salt in (bytes(16), b"x" * 16)
        for cookie in (bytes(16), b"x" * 16)
        for nonce in (bytes(8), b"x" * 8)
    }
    assert len(proofs) == 16


# -- the client's way ------------------------------------------------------------------------------------------------


def connector(game: str = "", password: str | None = None, host_token: str = "") -> Connector:
    return Connector(game, password, host_token, random.Random(3).randbytes, retry_interval=0.25)


def test_the_first_datagram_is_padded_and_names_version_and_game() -> None:
    data = connector("pong").datagram_to_send(0.0)
    assert data is not None
    assert MIN_REQUEST_BYTES <= len(data) <= 1200
    request = ConnectRequest.decode(data)
    assert (request.version, request.game) == (PROTOCOL_VERSION, "pong")


def test_a_request_is_repeated_at_its_interval_until_it_is_answered() -> None:
    way = connector()
    times = [step / 100 for step in range(100) if way.datagram_to_send(step / 100)]
    assert times == [0.0, 0.25, 0.5, 0.75]


def test_a_challenge_is_answered_at_once_and_for_one_that_is_not_ours_nothing_happens() -> None:
    way = connector()
    way.datagram_to_send(0.0)
    way.receive(CHALLENGE, Challenge(bytes(8), 5, bytes(16)).encode(), 0.01)
    assert way.datagram_to_send(0.01) is None
    way.receive(CHALLENGE, Challenge(way.nonce, 5, b"c" * 16).encode(), 0.02)
    data = way.datagram_to_send(0.02)
    assert data is not None
    response = ChallengeResponse.decode(data)
    assert (response.nonce, response.issued_at, response.cookie) == (way.nonce, 5, b"c" * 16)


def test_without_an_answer_to_the_proof_the_client_begins_again() -> None:
    way = connector()
    way.receive(CHALLENGE, Challenge(way.nonce, 5, b"c" * 16).encode(), 0.0)
    kinds = [data[0] for step in range(400) if (data := way.datagram_to_send(step / 100))]
    assert kinds[0] == CHALLENGE_RESPONSE
    assert CONNECT_REQUEST in kinds


def test_an_outcome_for_another_nonce_is_ignored_and_the_first_of_ours_stays() -> None:
    way = connector()
    way.receive(ACCEPTED, Accepted(bytes(8), WELCOME.encode()).encode(), 0.0)
    assert way.outcome is None
    way.receive(REFUSED, Refused(way.nonce, 4, "full").encode(), 0.0)
    way.receive(ACCEPTED, Accepted(way.nonce, WELCOME.encode()).encode(), 0.0)
    assert way.outcome == Refused(way.nonce, 4, "full")
    assert way.datagram_to_send(100.0) is None


@pytest.mark.parametrize("kind", [CHALLENGE, ACCEPTED, REFUSED])
def test_a_malformed_answer_is_refused(kind: int) -> None:
    with pytest.raises(MalformedPacket):
        connector().receive(kind, bytes([kind]) + b"\0\0", 0.0)


def test_reasons_of_a_future_version_read_as_closed() -> None:
    assert reason_from_wire(255) is DisconnectReason.CLOSED
    for reason in DisconnectReason:
        assert reason_from_wire(reason.value) is reason


# -- both together ---------------------------------------------------------------------------------------------------


def test_a_connection_takes_two_round_trips_and_four_datagrams() -> None:
    peers = Peers(latency=0.05)
    address = peers.connect()
    assert peers.run(5.0, lambda: peers.clients[address].connected)
    assert peers.now == pytest.approx(1000.2, abs=0.01)
    assert [data[0] for _, _, data in peers.sent[:4]] == [
        CONNECT_REQUEST,
        CHALLENGE,
        CHALLENGE_RESPONSE,
        ACCEPTED,
    ]


@pytest.mark.parametrize("lost", range(1, 16))
def test_whichever_of_the_first_datagrams_are_lost_the_connection_comes_about_once(lost: int) -> None:
    peers = Peers()
    seen: Counter[int] = Counter()

    def drop(data: bytes, sender: Address, receiver: Address) -> bool:
        seen[data[0]] += 1
        return data[0] <= 4 and seen[data[0]] == 1 and bool(lost >> (data[0] - 1) & 1)

    peers.drop = drop
    address = peers.connect()
    assert peers.run(5.0, lambda: peers.clients[address].connected)
    peers.run(0.2)
    assert peers.clients[address].token == peers.peer(address).token
    assert len(peers.at_server) == 1


def test_an_acceptance_that_arrives_twice_changes_nothing() -> None:
    peers = Peers()
    address = peers.joined()
    accepted = next(data for _, _, data in peers.sent if data[0] == ACCEPTED)
    token = peers.clients[address].token
    peers.clients[address].receive_datagram(accepted, now=peers.now)
    assert peers.clients[address].token == token
    assert peers.clients[address].next_event() is None


def test_the_client_learns_its_address_as_the_server_sees_it() -> None:
    peers = Peers()
    peers.joined()
    accepted = Accepted.decode(next(data for _, _, data in peers.sent if data[0] == ACCEPTED))
    assert tuple(unpack(Welcome.decode(accepted.body).address)) == ("client", 1)


@pytest.mark.parametrize(
    ("server", "client", "reason"),
    [
        ({"game": "pong"}, {"game": "chess"}, DisconnectReason.WRONG_GAME),
        ({"game": "pong"}, {}, DisconnectReason.WRONG_GAME),
        ({}, {"game": "pong"}, DisconnectReason.WRONG_GAME),
        ({"password": "secret"}, {"password": "Secret"}, DisconnectReason.WRONG_PASSWORD),
        ({"password": "secret"}, {}, DisconnectReason.WRONG_PASSWORD),
        ({"password": ""}, {}, DisconnectReason.WRONG_PASSWORD),
    ],
)
def test_who_does_not_fit_is_refused_at_once_with_the_reason(
    server: dict[str, Any], client: dict[str, Any], reason: DisconnectReason
) -> None:
    peers = Peers(**server)
    address = peers.connect(**client)
    assert peers.run(0.2, lambda: address in peers.ended)
    assert peers.ended[address].reason is reason
    assert not peers.server.by_address


@pytest.mark.parametrize(
    ("server", "client"),
    [
        ({"game": "pong"}, {"game": "pong"}),
        ({"game": "ä" * 32}, {"game": "ä" * 32}),
        ({"password": "secret"}, {"password": "secret"}),
        ({"password": ""}, {"password": ""}),
        ({}, {"password": "needless"}),
    ],
)
def test_who_fits_is_let_in(server: dict[str, Any], client: dict[str, Any]) -> None:
    peers = Peers(**server)
    address = peers.connect(**client)
    assert peers.run(0.2, lambda: peers.clients[address].connected)


def test_a_password_never_crosses_the_wire() -> None:
    peers = Peers(password="open sesame")
    peers.joined(password="open sesame")
    assert not any(b"open sesame" in data for _, _, data in peers.sent)


def test_a_full_server_refuses_until_somebody_leaves() -> None:
    peers = Peers(config=ServerConfig(max_clients=2))
    first, _ = peers.joined(), peers.joined()
    third = peers.connect(port=3)
    peers.run(0.2)
    assert peers.ended[third].reason is DisconnectReason.SERVER_FULL
    assert "2 players" in peers.ended[third].detail
    peers.clients[first].close(now=peers.now)
    peers.run(0.2)
    peers.joined()


def test_another_version_is_refused_with_both_versions_named_whatever_follows_in_its_request() -> None:
    peers = Peers()
    request = ConnectRequest(PROTOCOL_VERSION + 1, NONCE, "").encode()[:11] + b"\xff" * 1100
    peers.server.receive_datagram(request, ADDRESS, now=peers.now)
    ((data, address),) = peers.server.datagrams_to_send(now=peers.now)
    refused = Refused.decode(data)
    assert (address, refused.nonce) == (ADDRESS, NONCE)
    assert refused.reason == DisconnectReason.WRONG_VERSION
    assert f"version {PROTOCOL_VERSION}," in refused.detail
    assert f"version {PROTOCOL_VERSION + 1}" in refused.detail


def test_who_is_banned_or_comes_while_the_server_ends_is_told_so() -> None:
    peers = Peers()
    peers.server.entrance.bans.add("client")
    banned = peers.connect()
    peers.run(0.2)
    assert peers.ended[banned].reason is DisconnectReason.BANNED
    peers.server.entrance.refuse_all = DisconnectReason.SERVER_SHUTDOWN
    late = peers.connect(port=2, host="other")
    peers.run(0.2)
    assert peers.ended[late].reason is DisconnectReason.SERVER_SHUTDOWN


def test_where_nobody_answers_the_client_gives_up_in_time() -> None:
    peers = Peers()
    peers.drop = lambda data, sender, receiver: receiver == SERVER
    address = peers.connect(config=ClientConfig(connect_timeout=3.0))
    assert not peers.run(2.99, lambda: address in peers.ended)
    assert peers.run(0.02, lambda: address in peers.ended)
    assert peers.ended[address].reason is DisconnectReason.NO_ANSWER
    requests = len(peers.sent)
    peers.run(10.0)
    assert len(peers.sent) == requests


def test_a_client_that_tries_before_the_server_is_there_gets_in_when_it_comes() -> None:
    peers = Peers()
    peers.drop = lambda data, sender, receiver: peers.now < 1002.0
    address = peers.connect()
    assert peers.run(5.0, lambda: peers.clients[address].connected)
    assert peers.now < 1002.4


# -- the host --------------------------------------------------------------------------------------------------------


def is_local(address: Any) -> bool:
    return bool(address[0] == "here")


def hosts(peers: Peers) -> list[Any]:
    return [address for address, peer in peers.server.by_address.items() if peer.is_host]


def test_the_first_client_from_the_servers_own_machine_is_the_host() -> None:
    peers = Peers(is_local=is_local)
    stranger, first, second = (peers.connect(n, host) for n, host in enumerate(["far", "here", "here"]))
    for address in (stranger, first, second):
        peers.run(1.0, lambda address=address: peers.clients[address].connected)
    assert hosts(peers) == [first]


def test_a_stranger_is_host_only_with_the_token() -> None:
    peers = Peers(is_local=is_local, host_token="abc123")
    cases = {"abc123": True, "": False, "abc12": False, "ABC123": False}
    for port, (token, _) in enumerate(cases.items()):
        peers.connect(port, "far", host_token=token)
    peers.run(1.0)
    assert [peer.is_host for peer in peers.server.peers.values()] == list(cases.values())


def test_without_a_token_at_the_server_presenting_none_makes_nobody_host() -> None:
    peers = Peers(is_local=is_local, host_token="")
    peers.connect(1, "far", host_token="")
    peers.run(1.0)
    assert hosts(peers) == []


# -- lost acceptances ------------------------------------------------------------------------------------------------


IMPATIENT = ServerConfig(timeout=1.0)


def without_acceptances(peers: Peers) -> Address:
    """Connect a client that gets nothing but challenges, and wait until the server has a connection with it."""
    peers.drop = lambda data, sender, receiver: sender == SERVER and data[0] != CHALLENGE
    address = peers.connect(config=ClientConfig(encryption="off", connect_timeout=20.0))
    assert peers.run(1.0, lambda: peers.server.peers)
    return address


def acceptances_arrive(peers: Peers) -> None:
    peers.drop = lambda data, sender, receiver: False


@pytest.mark.parametrize("end", ["timed out", "kicked", "another client at the address"])
def test_a_client_whose_acceptances_were_lost_gets_in_after_the_server_has_ended_its_connection(end: str) -> None:
    peers = Peers(config=IMPATIENT)
    address = without_acceptances(peers)
    if end == "timed out":
        peers.drop = lambda data, sender, receiver: True
        assert peers.run(3.0, lambda: not peers.server.peers)
    elif end == "kicked":
        peers.server.close_peer(peers.peer(address), DisconnectReason.KICKED, now=peers.now)
        peers.run(0.1)  # the goodbye is lost, too
    else:
        first = peers.clients.pop(address)
        peers.run(1.0)
        peers.connect()
        acceptances_arrive(peers)
        assert peers.run(1.0, lambda: peers.clients[address].connected)
        peers.clients[address].close(now=peers.now)
        peers.run(0.1)
        peers.clients[address] = first
    acceptances_arrive(peers)
    assert peers.run(2.5, lambda: peers.clients[address].connected)
    peers.push({"n": 1})
    peers.run(1.5)
    assert [peer.token for peer in peers.server.peers.values()] == [peers.clients[address].token]
    assert peers.states[address][-1].tree == {"n": 1}


def test_a_client_that_goes_on_trying_is_there_and_gets_its_first_acceptance_again() -> None:
    peers = Peers(config=IMPATIENT)
    address = without_acceptances(peers)
    peers.run(8.0)
    acceptances_arrive(peers)
    assert peers.run(0.5, lambda: peers.clients[address].connected)
    assert sum(isinstance(event, Connected) for _, event in peers.at_server) == 1


@pytest.mark.parametrize("latency", [0.3, 0.5, 1.0])
def test_a_slow_line_makes_no_second_connection(latency: float) -> None:
    peers = Peers(latency=latency)
    address = peers.connect(config=ClientConfig(encryption="off", connect_timeout=20.0))
    assert peers.run(4.5, lambda: peers.clients[address].connected)
    peers.run(10.0)
    assert sum(isinstance(event, Connected) for _, event in peers.at_server) == 1
    assert address not in peers.ended


def test_nothing_that_such_a_client_sent_makes_a_connection_once_it_is_gone() -> None:
    """The attacker records all datagrams and sends them again, also in another order."""
    peers = Peers(config=IMPATIENT)
    address = without_acceptances(peers)
    peers.run(4.5)
    del peers.clients[address]
    assert peers.run(1.1, lambda: not peers.server.peers)
    recorded = [data for sender, _, data in peers.sent if sender == address]
    responses = sum(data[0] == CHALLENGE_RESPONSE for data in recorded)
    for data in recorded + recorded[::-1]:
        peers.receive(data, address, SERVER)
        peers.run(0.01)
    assert responses >= 4
    assert peers.server.dropped["connection already over"] == 2 * responses
    assert sum(isinstance(event, Connected) for _, event in peers.at_server) == 1


def test_a_replayed_handshake_keeps_no_connection_whose_client_has_got_the_acceptance() -> None:
    peers = Peers(config=ServerConfig(timeout=1.0, resume_seconds=0.0))
    address = peers.joined()
    peers.run(0.5)
    response = next(data for _, _, data in peers.sent if data[0] == CHALLENGE_RESPONSE)
    del peers.clients[address]
    for _ in range(12):
        peers.receive(response, address, SERVER)
        peers.run(0.1)
    assert not peers.server.peers


def test_a_challenge_is_new_only_if_it_is_later_than_the_end() -> None:
    """Challenges have tenths of a second. Those of the tenth of the end are older ones."""
    nonces = Nonces()
    nonces.add(NONCE, ADDRESS, 5.01)
    nonces.end(NONCE, ADDRESS, 6.03)
    old, new = (response_to(Challenge(NONCE, issued_at, bytes(16))) for issued_at in (60, 61))
    assert [nonces.has(old, ADDRESS, now) for now in (6.04, 6.99, 9.0)] == [True, True, True]
    assert not nonces.has(new, ADDRESS, 6.99)
    nonces.add(NONCE, ADDRESS, 6.99)
    assert nonces.has(new, ADDRESS, 7.0)


def test_a_challenge_from_the_tenth_of_a_forgotten_acceptance_is_an_old_one() -> None:
    nonces = Nonces()
    nonces.add(NONCE, ADDRESS, 5.01)
    nonces.end(NONCE, ADDRESS, 5.02)
    for number in range(4096):
        nonces.add(number.to_bytes(8, "big"), ADDRESS, 5.5)
    nonces.end(NONCE, ADDRESS, 5.6)
    assert len(nonces) == 4096
    old, new = (response_to(Challenge(NONCE, issued_at, bytes(16))) for issued_at in (50, 51))
    assert nonces.has(old, ADDRESS, 5.99)
    assert not nonces.has(new, ADDRESS, 5.99)


# -- replay ----------------------------------------------------------------------------------------------------------


def test_a_replayed_handshake_of_a_connection_that_is_over_opens_none() -> None:
    peers = Peers()
    address = peers.joined()
    recorded = [data for sender, _, data in peers.sent if sender == address]
    peers.clients[address].close(now=peers.now)
    peers.run(0.5)
    assert not peers.server.by_address
    del peers.clients[address]
    for data in recorded:
        peers.server.receive_datagram(data, address, now=peers.now)
    assert not peers.server.by_address
    assert peers.server.dropped["connection already over"] == 1


def test_a_replayed_handshake_of_a_connection_that_stands_does_not_disturb_it() -> None:
    peers = Peers()
    address = peers.joined()
    token = peers.peer(address).token
    for _, receiver, data in list(peers.sent):
        if receiver == SERVER:
            peers.server.receive_datagram(data, address, now=peers.now)
    peers.run(1.0)
    assert peers.peer(address).token == token
    assert address not in peers.ended


def test_a_handshake_replayed_from_another_address_opens_nothing() -> None:
    peers = Peers()
    address = peers.joined()
    response = next(data for _, _, data in peers.sent if data[0] == CHALLENGE_RESPONSE)
    peers.server.receive_datagram(response, ("thief", 9), now=peers.now)
    assert list(peers.server.by_address) == [address]
    assert peers.server.dropped["wrong cookie"] == 1


@pytest.mark.parametrize("resume_seconds", [0.0, 30.0])
def test_a_client_that_restarts_on_the_same_port_takes_the_place_of_its_former_self(resume_seconds: float) -> None:
    """Where lost clients are kept, the former self is lost: the server cannot know that it is the same player."""
    peers = Peers(config=ServerConfig(resume_seconds=resume_seconds))
    address = peers.joined()
    peers.run(0.2)
    peers.connect(port=1)  # without a goodbye
    peers.run(1.0, lambda: peers.clients[address].connected)
    peers.run(0.2)
    ends = [event for _, event in peers.at_server if getattr(event, "reason", None) is not None]
    assert [end.reason for end in ends] == ([] if resume_seconds else [DisconnectReason.REPLACED])
    assert list(peers.server.table.lost) == ([1] if resume_seconds else [])
    assert peers.peer(address).token == peers.clients[address].token
    assert address not in peers.ended
