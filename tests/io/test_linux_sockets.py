"""The second socket of a server gets the datagrams that cannot wait, and the kernel decides as ``can_wait`` does."""

import random
import socket
import sys
import time

import pytest

from pygase import RELIABLE, Backend, Client, GameState
from pygase._io import udp
from pygase._io.linux_sockets import fullness
from pygase._io.udp import ServerTransport
from pygase._protocol.wire import DATA, ENCRYPTED, EVENT, HEADER_BYTES, URGENT, can_wait

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux separates datagrams"),
]


def reader_of(transport: ServerTransport) -> int:
    """The number of the socket at which the next datagram arrives."""
    for _ in range(2000):
        for number, sock in enumerate(transport.sockets):
            try:
                sock.recv(2048)
            except BlockingIOError:
                continue
            return number
        time.sleep(0.0005)
    raise TimeoutError("nothing has arrived")


def datagrams(rng: random.Random) -> list[bytes]:
    head = bytes([DATA]) + rng.randbytes(HEADER_BYTES - 1)
    every = [head[:size] for size in (0, 1, 8, 22, 23)]
    every += [head + bytes([kind]) + rng.randbytes(rng.randrange(30)) for kind in range(256)]
    return every + [bytes([kind]) + rng.randbytes(rng.randrange(60)) for kind in range(256) if kind != DATA]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_kernel_separates_the_datagrams_as_can_wait_does(host: str) -> None:
    try:
        transport = ServerTransport(host, 0)
    except OSError:
        pytest.skip("no IPv6 here")
    if not transport.urgent_sockets:
        pytest.skip("this system does not separate datagrams")
    with socket.socket(transport.sockets[0].family, socket.SOCK_DGRAM) as sender:
        for data in datagrams(random.Random(3)):
            sender.sendto(data, transport.address)
            assert reader_of(transport) == (0 if can_wait(data) else 1), data.hex()
    transport.close()


def test_handshakes_and_reliable_events_cannot_wait_and_others_can() -> None:
    head = bytes([DATA]) + bytes(HEADER_BYTES - 1)
    assert can_wait(head)
    assert can_wait(head + bytes([EVENT, 0, 0]))
    assert can_wait(head + bytes([EVENT | 0x80]))
    assert can_wait(bytes([ENCRYPTED]) + bytes(40))
    assert not can_wait(bytes([URGENT]) + bytes(40))
    assert not any(can_wait(bytes([kind]) + bytes(40)) for kind in (1, 3, 8, 9, 10))
    assert not any(can_wait(head + bytes([kind])) for kind in (2, 3, 5, 6))


def test_datagrams_of_both_sockets_are_returned_in_the_order_of_their_arrival() -> None:
    transport = ServerTransport("127.0.0.1", 0)
    sent = [bytes([DATA if n % 3 else URGENT]) + bytes([n]) + bytes(30) for n in range(20)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for data in sent:
            sender.sendto(data, transport.address)
            time.sleep(0.001)
    arrivals = transport.take_timed(time.monotonic())
    transport.close()
    assert [data for data, _, _ in arrivals] == sent


def test_a_server_says_how_full_its_buffer_is() -> None:
    transport = ServerTransport("127.0.0.1", 0)
    assert transport.fullness() == 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(50):
            sender.sendto(bytes([DATA]) + bytes(HEADER_BYTES - 1) + bytes([EVENT]) + bytes(500), transport.address)
    assert 0.0 < transport.fullness() < 1.0
    assert fullness(transport.sockets[1]) == 0.0
    transport.close()


@pytest.mark.parametrize("separated", [True, False])
def test_a_game_is_played_on_systems_that_separate_datagrams_and_on_others(
    separated: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not separated:
        monkeypatch.setattr(udp, "urgent_socket", lambda sock: None)
    heard: list[int] = []
    backend = Backend(
        GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, {"HI": lambda n: heard.append(n) or None}
    )
    backend.run_in_thread("127.0.0.1", 0, interval=0.05)
    client = Client()
    client.connect_in_thread(backend.server.port)
    client.wait_until(lambda state: state.n > 3, timeout=10.0)
    assert backend.server.plumbing.run.driver.rests == separated
    acked: list[float] = []
    for number in range(10):
        client.dispatch_event("HI", number, retries=RELIABLE, ack_callback=lambda: acked.append(time.monotonic()))
        time.sleep(0.02)
    give_up_at = time.monotonic() + 10.0
    while len(acked) < 10 and time.monotonic() < give_up_at:
        time.sleep(0.01)
    client.disconnect()
    backend.shutdown()
    assert (heard, len(acked)) == (list(range(10)), 10)
