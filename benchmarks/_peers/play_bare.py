"""Players of the bare loop: ``python play_bare.py LOAD BYTES`` sends datagrams of so many bytes."""

from __future__ import annotations

import contextlib
import socket
import sys

from crowd import Crowd, Traffic
from workload import given


class BarePlayer:
    """One player, who is known to the server from its first datagram on."""

    def __init__(self, port: int, number: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.connect(("127.0.0.1", port))
        self._sock.setblocking(False)
        self._input = bytes(int(sys.argv[2]))
        self.traffic = Traffic()
        self.newest = 0

    def fileno(self) -> int:
        return self._sock.fileno()

    def join(self) -> bool:
        if not self.newest:
            self.send(0)
        self.receive()
        return self.newest > 0

    def receive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._sock.recv(2048)
                self.traffic.count_down(len(data))
                self.newest = int.from_bytes(data[:4], "big")

    def send(self, turn: int) -> None:
        self.traffic.count_up(self._sock.send(self._input))


if __name__ == "__main__":
    Crowd(given(), BarePlayer).run()
