"""Players of PyGaSe 0.3.1, light ones: packages made by its own classes, and states that nobody decodes."""

from __future__ import annotations

import contextlib
import re
import socket

from crowd import Crowd, Traffic
from workload import given

from pygase.connection import ClientPackage, Header
from pygase.event import Event

TURN = re.compile(rb"\xa4turn\xce(....)", re.DOTALL)
TIME_ORDER = re.compile(rb"\xaatime_order(?:([\x00-\x7f])|\xcc(.)|\xcd(..))", re.DOTALL)


class OldPlayer:
    """One player, who acknowledges each package and says how far its state is."""

    def __init__(self, port: int, number: int) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.connect(("127.0.0.1", port))
        self._sock.setblocking(False)
        self._sequence = self._heard = self._time_order = 0
        self.traffic = Traffic()
        self.newest = 0

    def fileno(self) -> int:
        return self._sock.fileno()

    def join(self) -> bool:
        if self._sequence == 0:
            self.send(0)
        self.receive()
        return self.newest > 0

    def receive(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data = self._sock.recv(4096)
                self.traffic.count_down(len(data))
                self._heard = int.from_bytes(data[4:6], "big")
                if found := TURN.search(data):
                    self.newest = int.from_bytes(found[1], "big")
                if found := TIME_ORDER.search(data):
                    self._time_order = int.from_bytes(found[found.lastindex or 1], "big")

    def send(self, turn: int) -> None:
        self._sequence = self._sequence % 0xFFFF + 1
        package = ClientPackage(Header(self._sequence, self._heard, "1" * 32), self._time_order)
        package.add_event(Event("INPUT", turn % 16))
        self.traffic.count_up(self._sock.send(package.to_datagram()))


if __name__ == "__main__":
    Crowd(given(), OldPlayer).run()
