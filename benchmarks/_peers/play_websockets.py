"""Players of ``websockets`` who speak just enough of RFC 6455 by hand, so that they cost little."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import msgpack
from crowd import Crowd, Traffic
from workload import given, turn_of

BINARY = 0x82
MASKED = 0x80
UPGRADE = (
    "GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class WebsocketPlayer:
    """One player on one TCP connection, without Nagle's delay."""

    def __init__(self, port: int, number: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port))
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock.setblocking(False)
        self._sock.send(UPGRADE.format(port=port).encode())
        self._pending = b""
        self._joined = False
        self.traffic = Traffic()
        self.newest = 0

    def fileno(self) -> int:
        return self._sock.fileno()

    def join(self) -> bool:
        self._read()
        if not self._joined and b"\r\n\r\n" in self._pending:
            _, _, self._pending = self._pending.partition(b"\r\n\r\n")
            self._joined = True
        return self._joined

    def receive(self) -> None:
        self._read()
        for message in self._messages():
            self.newest = turn_of(message)

    def _read(self) -> None:
        try:
            data = self._sock.recv(1 << 16)
        except BlockingIOError:
            return
        if not data:
            raise SystemExit("the server has closed the connection")
        self.traffic.count_down(len(data))
        self._pending += data

    def _messages(self) -> Iterator[bytes]:
        """Take the whole frames off what has arrived; give the content of binary ones."""
        while len(self._pending) >= 4:
            begin, size = 2, self._pending[1]
            if size == 126:
                begin, size = 4, int.from_bytes(self._pending[2:4], "big")
            if len(self._pending) < begin + size:
                return
            kind, content = self._pending[0], self._pending[begin : begin + size]
            self._pending = self._pending[begin + size :]
            if kind == BINARY:
                yield content

    def send(self, turn: int) -> None:
        content = msgpack.packb(["INPUT", turn % 16])
        frame = bytes([BINARY, MASKED | len(content)]) + bytes(4) + content  # a mask of zeros changes nothing
        self.traffic.count_up(self._sock.send(frame))


if __name__ == "__main__":
    Crowd(given(), WebsocketPlayer).run()
