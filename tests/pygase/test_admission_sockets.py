"""Places and passwords on real sockets: the connections and the guesses of one host."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from pygase import Backend, Client, ConnectionFailed, DisconnectReason, GameState, ServerConfig
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.datagrams import Challenge, ChallengeResponse, ConnectRequest, ResponseBody
from pygase._protocol.wire import PROTOCOL_VERSION, REFUSED

pytestmark = pytest.mark.integration


def bound_to(source: str, port: int) -> socket.socket:
    """Return a socket that sends from an address of this machine's own network."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.bind((source, 0))
    except OSError as error:
        sock.close()
        pytest.skip(f"this system has no {source}: {error}")
    sock.connect(("127.0.0.1", port))
    sock.settimeout(0.2)
    return sock


def knock(sock: socket.socket, seconds: float = 3.0) -> ClientProtocol:
    """Go through the handshake and say nothing more."""
    protocol, end = ClientProtocol(now=time.monotonic(), random_bytes=os.urandom), time.monotonic() + seconds
    while not protocol.connected and protocol.closed is None and time.monotonic() < end:
        for datagram in protocol.datagrams_to_send(now=time.monotonic()):
            sock.send(datagram)
        with suppress(OSError):
            protocol.receive_datagram(sock.recv(2048), now=time.monotonic())
    return protocol


def serve(password: str | None = None, **config: float) -> Backend:
    backend = Backend(
        GameState(n=0),
        lambda game_state, dt: {"n": game_state.n + 1},
        config=ServerConfig(**config),  # type: ignore[arg-type]
        password=password,
    )
    backend.run_in_thread("127.0.0.1", 0)
    return backend


@pytest.fixture
def small() -> Iterator[Backend]:
    backend = serve(max_clients=12, absent_after=0.5)
    yield backend
    backend.shutdown()


def test_a_player_gets_in_though_one_host_has_taken_all_places_in_a_blink(small: Backend) -> None:
    port = small.server.port
    assert port is not None
    sockets = [bound_to("127.0.0.77", port) for _ in range(12)]
    try:
        assert all(knock(sock).connected for sock in sockets)
        with closing(bound_to("127.0.0.99", port)) as newcomer:
            assert knock(newcomer).connected
        assert sum(address[0] == "127.0.0.77" for address in small.server.connections) == 11
    finally:
        for sock in sockets:
            sock.close()


def test_a_flood_of_guesses_becomes_a_few_and_a_player_at_the_same_address_gets_in() -> None:
    backend = serve("sesame", free_password_guesses=4, max_password_pause=1.0)
    port, looked_at, tried, end = backend.server.port, 0, 0, time.monotonic() + 2.0
    assert port is not None
    try:
        while time.monotonic() < end:
            with closing(bound_to("127.0.0.1", port)) as sock:
                nonce = os.urandom(8)
                sock.send(ConnectRequest(PROTOCOL_VERSION, nonce, "").encode())
                challenge = Challenge.decode(sock.recv(2048))
                proof = os.urandom(16)  # of a wrong password: scrypt would slow the attacker down
                response = ChallengeResponse(
                    PROTOCOL_VERSION, *challenge[:3], "", b"", False, ResponseBody(proof).encode()
                )
                sock.settimeout(0.01)
                sock.send(response.encode())
                tried += 1
                with suppress(OSError):
                    looked_at += sock.recv(2048)[0] == REFUSED
        assert 4 <= looked_at <= 4 + 4
        assert tried > 2 * looked_at
        with pytest.raises(ConnectionFailed) as wrong:
            Client(password="sesam").connect(port, "127.0.0.1")
        assert wrong.value.reason == DisconnectReason.WRONG_PASSWORD
        client = Client(password="sesame")
        client.connect_in_thread(port, "127.0.0.1")
        client.wait_until(lambda game_state: game_state.n > 0, timeout=10.0)
        client.disconnect()
    finally:
        backend.shutdown()
