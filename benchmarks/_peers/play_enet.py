"""Players of ENet: each has a host of its own, as it would on its own machine."""

from __future__ import annotations

import enet
import msgpack
from crowd import Crowd, Traffic
from workload import given, turn_of


class EnetPlayer:
    """One player; its input is sent unreliably, as the next one replaces it."""

    def __init__(self, port: int, number: int) -> None:
        self._host = enet.Host(None, 1, 2, 0, 0)
        self._peer = self._host.connect(enet.Address(b"127.0.0.1", port), 2)
        self._joined = False
        self.newest = 0

    def fileno(self) -> int:
        return int(self._host.socket.fileno())

    @property
    def traffic(self) -> Traffic:
        """The totals that ENet counts itself."""
        counted, host = Traffic(), self._host
        counted.up, counted.sent = host.totalSentData, host.totalSentPackets
        counted.down, counted.received = host.totalReceivedData, host.totalReceivedPackets
        return counted

    def join(self) -> bool:
        self.receive()
        return self._joined

    def receive(self) -> None:
        while (event := self._host.service(0)).type != enet.EVENT_TYPE_NONE:
            if event.type == enet.EVENT_TYPE_RECEIVE:
                self.newest = turn_of(event.packet.data)
            elif event.type == enet.EVENT_TYPE_CONNECT:
                self._joined = True

    def send(self, turn: int) -> None:
        self._peer.send(1, enet.Packet(msgpack.packb(["INPUT", turn % 16]), 0))
        self._host.flush()


if __name__ == "__main__":
    Crowd(given(), EnetPlayer).run()
