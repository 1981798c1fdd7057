"""Many peers on one socket: strangers, forgers, and the end of connections."""

import random
import tracemalloc

import pytest

from pygase._protocol.datagrams import ChallengeResponse, ConnectRequest, ResponseBody
from pygase._protocol.endpoint import ServerEndpoint
from pygase._protocol.wire import CHALLENGE_RESPONSE, CLIENT_HEADER, DATA, PROTOCOL_VERSION, close_message
from pygase.config import ServerConfig
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers


def answers(endpoint: ServerEndpoint, data: bytes, address: tuple[str, int]) -> int:
    """Return how many bytes the endpoint sends in answer to one datagram of a stranger."""
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

    flood()  # everything that grows once grows here
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    flood()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 10_000
    assert not endpoint.by_address
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
        forged = ChallengeResponse(
            PROTOCOL_VERSION, rng.randbytes(8), 500, rng.randbytes(16), "", b"", False, ResponseBody().encode()
        )
        assert answers(endpoint, forged.encode(), ("stranger", 1)) == 0
    assert endpoint.dropped["wrong cookie"] == 1000
    assert not endpoint.by_address


def forged_goodbye(token: bytes) -> bytes:
    return CLIENT_HEADER.pack(DATA, token, 1000, 0, 0, 0, 0) + close_message(0, "")


def test_a_packet_with_a_wrong_token_is_counted_and_dropped(rng: random.Random) -> None:
    peers = Peers()
    address = peers.joined()
    for _ in range(100):
        peers.server.receive_datagram(forged_goodbye(rng.randbytes(8)), address, now=peers.now)
    assert peers.server.dropped["unknown token"] == 100
    assert address in peers.server.by_address


def test_the_right_token_from_another_address_does_nothing_before_its_sender_has_proved_to_be_the_client() -> None:
    peers = Peers()
    address = peers.joined()
    peers.server.receive_datagram(forged_goodbye(peers.peer(address).token), (address[0], 999), now=peers.now)
    peers.run(0.5)
    assert address in peers.server.by_address
    peers.server.receive_datagram(forged_goodbye(peers.peer(address).token), address, now=peers.now)
    assert address not in peers.server.by_address  # the very same bytes from its own address end it


def test_one_clients_token_does_not_serve_another() -> None:
    peers = Peers()
    first, second = peers.joined(), peers.joined()
    peers.server.receive_datagram(forged_goodbye(peers.peer(first).token), second, now=peers.now)
    assert set(peers.server.by_address) == {first, second}


def test_a_client_takes_nothing_without_its_token(rng: random.Random) -> None:
    peers = Peers()
    address = peers.joined()
    client = peers.clients[address]
    before = client.record.packets_dropped
    goodbye = b"\x06" + rng.randbytes(8) + bytes(10) + close_message(1, "")
    client.receive_datagram(goodbye, now=peers.now)
    assert client.closed is None
    assert client.record.packets_dropped == before + 1


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
    peers = Peers(config=ServerConfig(timeout=5.0, resume_seconds=0))
    silent, lively = peers.joined(), peers.joined()
    del peers.clients[silent]
    peers.run(4.5)
    assert silent in peers.server.by_address
    peers.run(1.0)
    assert list(peers.server.by_address) == [lively]
    assert [(a, e.reason) for a, e in peers.at_server if hasattr(e, "reason")] == [(silent, DisconnectReason.TIMED_OUT)]


def test_a_client_notices_that_the_server_fell_silent() -> None:
    peers = Peers(config=ServerConfig(resume_seconds=0))
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
    assert address in peers.server.by_address
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
    assert address not in peers.server.by_address


def test_what_is_queued_leaves_before_the_goodbye() -> None:
    peers = Peers()
    address = peers.joined()
    peers.clients[address].queue_event(b"last words", 0, None, now=peers.now)
    peers.clients[address].close(now=peers.now)
    peers.run(0.1)
    assert peers.events_of(address) == [b"last words"]
    assert address not in peers.server.by_address


def test_after_the_end_nothing_is_sent_and_nothing_remains() -> None:
    peers = Peers()
    for _ in range(20):
        address = peers.joined()
        peers.clients[address].close(now=peers.now)
        peers.run(0.1)
    assert not peers.server.by_address
    assert not peers.server.by_token
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
    peers.push(tree)  # reported once: the world rests
    peers.run(0.3)
    peers.sent.clear()
    peers.push(tree)
    assert peers.sent == []


def test_who_falls_silent_is_given_up_in_time_though_states_go_out_in_every_tick() -> None:
    """Each tick delays a peer's next check, but not the end of patience."""
    peers = Peers()
    silent, lively = peers.joined(), peers.joined()
    last_word_at = peers.peer(silent).record.last_received_at
    peers.drop = lambda data, sender, receiver: sender == silent
    number = 0
    while silent in peers.server.by_address:
        number += 1
        peers.push({"n": number})
        peers.run(1 / 60)
        assert peers.now < last_word_at + 5.3
    assert peers.now > last_word_at + 5.0
    assert list(peers.server.by_address) == [lively]


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
    """Let a client acknowledge the state of this tick."""
    peer = peers.peer(address)
    header = (peer.record.latest + 1, peer.record.next_sequence - 1, 0, 0, tick)
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
    """The first acked tick exists, so there is a baseline that a mistake could return to."""
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 1, "other": "#" * 100})
    peers.run(2.0)
    report(peers, address, tick)
    peers.sent.clear()
    peers.push({"n": 2, "other": "#" * 100})
    ((_, _, data),) = [each for each in peers.sent if each[0] == SERVER]
    assert b"#" * 100 in data
