"""A real man in the middle: a program between a client's socket and a server's, which forwards, reads and forges."""

from __future__ import annotations

import contextlib
import random
import select
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from pygase import Backend, Client, ClientConfig, ConnectionFailed, DisconnectReason, GameState, ServerConfig
from pygase._protocol.datagrams import Challenge
from pygase._protocol.wire import CHALLENGE, CHALLENGE_RESPONSE, CONNECT_REQUEST, DATA, ENCRYPTED

pytest.importorskip("cryptography")
pytestmark = pytest.mark.integration

SECRET = "the treasure is under the old oak"

Forge = Callable[[bytes, bool], list[bytes]]
"""Takes a datagram, and whether it goes to the server; returns the datagrams to send in its place."""


class Middle:
    """Forwards datagrams between one client and a server.

    :ivar port: where the client believes the server to be.
    :ivar seen: all datagrams, as their senders sent them.
    """

    def __init__(self, server_port: int, forge: Forge | None = None) -> None:
        self.forge = forge or (lambda data, to_server: [data])
        self.seen: list[bytes] = []
        self._front, self._back = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._front.bind(("127.0.0.1", 0))
        self._back.connect(("127.0.0.1", server_port))
        self.port: int = self._front.getsockname()[1]
        self._client: tuple[str, int] | None = None
        self._ending = False
        self._thread = threading.Thread(target=self._forward, daemon=True)
        self._thread.start()

    def _forward(self) -> None:
        while not self._ending:
            for ready in select.select([self._front, self._back], [], [], 0.05)[0]:
                to_server = ready is self._front
                data, sender = ready.recvfrom(2048)
                if to_server:
                    self._client = sender
                self.seen.append(data)
                for forged in self.forge(data, to_server):
                    self.send(forged, to_server)

    def send(self, data: bytes, to_server: bool) -> None:
        with contextlib.suppress(OSError):
            if to_server:
                self._back.send(data)
            elif self._client is not None:
                self._front.sendto(data, self._client)

    def close(self) -> None:
        self._ending = True
        self._thread.join()
        self._front.close()
        self._back.close()


@pytest.fixture
def backend() -> Iterator[Backend]:
    def count(game_state: GameState, dt: float) -> dict[str, int]:
        return {"n": game_state.n + 1}

    served = Backend(GameState(n=0, text=SECRET), count, config=ServerConfig(max_password_pause=0.1))
    served.run_in_thread()
    yield served
    served.shutdown()


@contextlib.contextmanager
def between(backend: Backend, forge: Forge | None = None) -> Iterator[Middle]:
    middle = Middle(backend.server.port or 0, forge)
    try:
        yield middle
    finally:
        middle.close()


def test_with_an_invite_he_reads_nothing_and_changes_nothing(backend: Backend) -> None:
    rng = random.Random(5)

    def forge(data: bytes, to_server: bool) -> list[bytes]:
        """Change a bit, send it as an open packet, send it back, send an old one again; and forward it."""
        if data[0] & 0x7F != ENCRYPTED:
            return [data]
        changed = bytearray(data)
        changed[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        middle.send(data, not to_server)
        return [bytes(changed), bytes([DATA]) + data[1:-16], data, rng.choice(middle.seen)]

    heard: list[str] = []
    backend.game_state_machine.register_event_handler("SAY", lambda text: heard.append(text))
    with between(backend, forge) as middle:
        client = Client()
        client.connect_in_thread(middle.port, "127.0.0.1", invite=backend.server.invite())
        client.wait_until(lambda state: state.n > 5, timeout=10.0)
        for number in range(20):
            client.dispatch_event("SAY", f"{SECRET} {number}", retries=-1)
        client.wait_until(lambda state: len(heard) == 20, timeout=10.0)
        assert heard == [f"{SECRET} {number}" for number in range(20)]
        assert client.is_encrypted
        (connection,) = backend.server.clients.values()
        assert connection.is_encrypted
        assert client.snapshots[-1].state["text"] == SECRET
        assert SECRET.encode() not in b"".join(middle.seen)
        assert not any(data[0] == DATA for data in middle.seen)
        client.disconnect()


@pytest.mark.parametrize("where", ["request", "challenge"])
def test_with_an_invite_he_cannot_downgrade(backend: Backend, where: str) -> None:
    def forge(data: bytes, to_server: bool) -> list[bytes]:
        if where == "request" and data[0] == CONNECT_REQUEST:
            return [data[:11] + b"\0" + data[12:]]
        if where == "challenge" and data[0] == CHALLENGE:
            return [Challenge(*Challenge.decode(data)[:3]).encode()]
        return [data]

    with between(backend, forge) as middle:
        with pytest.raises(ConnectionFailed, match="somebody on the way prevents it") as failed:
            Client(password="sesame").connect(middle.port, "127.0.0.1", invite=backend.server.invite())
        assert failed.value.reason is DisconnectReason.NOT_ENCRYPTED
        assert not any(data[0] in (CHALLENGE_RESPONSE, DATA) for data in middle.seen)
    assert not backend.server.clients


def test_without_one_and_in_auto_mode_he_can_and_required_prevents_that(backend: Backend) -> None:
    """What docs/security.md says of connections without an invite."""

    def forge(data: bytes, to_server: bool) -> list[bytes]:
        return [data[:11] + b"\0" + data[12:]] if data[0] == CONNECT_REQUEST else [data]

    with between(backend, forge) as middle:
        client = Client()
        client.connect_in_thread(middle.port, "127.0.0.1")
        client.wait_until(lambda state: state.n > 5, timeout=10.0)
        assert not client.is_encrypted
        assert SECRET.encode() in b"".join(middle.seen)
        client.disconnect()
        with pytest.raises(ConnectionFailed) as failed:
            Client(config=ClientConfig(encryption="required")).connect(middle.port, "127.0.0.1")
        assert failed.value.reason is DisconnectReason.NOT_ENCRYPTED
