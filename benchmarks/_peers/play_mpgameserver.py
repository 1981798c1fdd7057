"""Players of mpgameserver: its own client, whose ``update`` is called once a frame, and again while states wait."""

from __future__ import annotations

import select
import socket

import crowd

socket.socket = crowd.CountedSocket  # type: ignore[misc]  # before the library takes it

import msgpack  # noqa: E402
from mpgameserver import RetryMode, UdpClient  # noqa: E402
from workload import given, turn_of  # noqa: E402


class MpPlayer:
    """One player, who trusts the server that answers."""

    def __init__(self, port: int, number: int) -> None:
        self._client = UdpClient()
        self._client.connect(("127.0.0.1", port))
        self.newest = 0

    def fileno(self) -> int:
        return int(self._client.sock.fileno())

    @property
    def traffic(self) -> crowd.Traffic:
        return crowd.CountedSocket.traffic_of.setdefault(self.fileno(), crowd.Traffic())

    def join(self) -> bool:
        self._client.update()
        return bool(self._client.connected())

    def receive(self) -> None:
        while select.select([self], [], [], 0)[0]:
            self._client.update()
        for _, message in self._client.getMessages():
            self.newest = turn_of(message)

    def send(self, turn: int) -> None:
        self._client.send(msgpack.packb(["INPUT", turn % 16]), retry=RetryMode.NONE)
        self._client.update()


if __name__ == "__main__":
    crowd.Crowd(given(), MpPlayer).run()
