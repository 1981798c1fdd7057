"""NOT_HERE: the answer to packets of unknown connections, its proof and its bounds."""

import random
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.datagrams import NotHere, Welcome
from pygase._protocol.endpoint import ServerEndpoint
from pygase._protocol.resets import Resets
from pygase._protocol.wire import DATA, ENCRYPTED, HEADER_BYTES, NOT_HERE, URGENT
from pygase.errors import DisconnectReason
from tests.support.peers import Peers


def open_at(now: float, key: bytes = b"key") -> Resets:
    keeper = Resets(key)
    keeper.answer_from(now)
    return keeper


PACKET = bytes([DATA]) + b"stranger" + bytes(14)


@given(st.sampled_from([DATA, ENCRYPTED, URGENT]), st.binary(min_size=8, max_size=8), st.integers(HEADER_BYTES, 1200))
def test_the_answer_names_the_packets_token_and_is_never_longer(kind: int, token: bytes, size: int) -> None:
    keeper = open_at(100.0)
    packet = (bytes([kind]) + token).ljust(size, b"\0")
    answer = keeper.answer(packet, "host", 100.0)
    assert answer is not None
    assert len(answer) <= len(packet)
    assert NotHere.decode(answer) == NotHere(token, keeper.token_for(token))


@given(st.binary(max_size=60))
def test_nothing_but_a_packet_is_answered(data: bytes) -> None:
    if len(data) < HEADER_BYTES or data[0] not in (DATA, ENCRYPTED, URGENT):
        assert open_at(0.0).answer(data, "host", 0.0) is None
    assert open_at(0.0).answer(NotHere(data[:8].ljust(8), bytes(14)).encode(), "host", 0.0) is None


def test_the_reset_token_depends_on_the_token_and_on_the_key_alone() -> None:
    assert Resets(b"key").token_for(b"a" * 8) == Resets(b"key").token_for(b"a" * 8)
    assert Resets(b"key").token_for(b"a" * 8) != Resets(b"key").token_for(b"b" * 8)
    assert Resets(b"key").token_for(b"a" * 8) != Resets(b"yek").token_for(b"a" * 8)
    assert len(Resets(b"key").token_for(b"a" * 8)) == 14


def answered(keeper: Resets, host: str, now: float, count: int) -> int:
    return sum(keeper.answer(PACKET, host, now) is not None for _ in range(count))


def test_the_answers_to_a_host_and_to_all_are_bounded() -> None:
    keeper = open_at(0.0)
    assert answered(keeper, "one", 0.0, 1_000) == 64
    assert answered(keeper, "one", 1.0, 1_000) == 16
    assert sum(answered(keeper, f"host {number}", 1.0, 100) for number in range(100)) == 256 - 16
    assert sum(answered(keeper, f"host {number}", 2.0, 100) for number in range(100, 200)) == 256


def test_a_flood_from_many_hosts_takes_bounded_memory() -> None:
    keeper = open_at(0.0)

    def flood(begin: int) -> None:
        for number in range(begin, begin + 5_000):
            keeper.answer(PACKET, f"host {number}", number / 1_000)

    flood(0)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    flood(5_000)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 300_000


def test_long_after_the_start_and_the_last_end_nobody_is_answered() -> None:
    keeper = Resets(b"key")
    assert answered(keeper, "one", 1_000.0, 1) == 0
    keeper.answer_from(1_000.0)
    assert answered(keeper, "one", 1_000.0, 1) == 1
    assert answered(keeper, "one", 1_060.0, 1) == 1
    assert answered(keeper, "one", 1_060.1, 1) == 0
    keeper.answer_from(2_000.0)
    assert answered(keeper, "one", 2_060.0, 1) == 1
    assert answered(keeper, "one", 2_060.1, 1) == 0


# -- at an endpoint ----------------------------------------------------------------------------------------------------


def not_here(endpoint: ServerEndpoint, now: float) -> list[tuple[bytes, object]]:
    return [(data, address) for data, address in endpoint.datagrams_to_send(now=now) if data[0] == NOT_HERE]


def test_a_client_of_a_connection_that_has_ended_is_answered_with_its_reset_token() -> None:
    peers = Peers()
    address = peers.joined()
    peer, client = peers.peer(address), peers.clients[address]
    welcome = client.way_in.connector.outcome
    assert isinstance(welcome, Welcome)
    peers.server.close_peer(peer, DisconnectReason.KICKED, now=peers.now)
    peers.server.datagrams_to_send(now=peers.now)  # the goodbye gets lost
    peers.server.receive_datagram(bytes([DATA]) + peer.token + bytes(14), address, now=peers.now)
    (answer, to) = not_here(peers.server, peers.now)[0]
    assert to == address
    assert NotHere.decode(answer) == NotHere(peer.token, welcome.reset_token)
    assert peers.server.dropped["unknown token"] == 1


def test_a_server_with_the_key_of_another_process_proves_that_the_connection_is_gone(rng: random.Random) -> None:
    tokens = [
        Resets(b"k" * 32).token_for(b"12345678"),
        ServerEndpoint(random_bytes=rng.randbytes, reset_key=b"k" * 32).entrance.keys.resets.token_for(b"12345678"),
        ServerEndpoint(random_bytes=rng.randbytes).entrance.keys.resets.token_for(b"12345678"),
    ]
    assert tokens[0] == tokens[1] != tokens[2]
