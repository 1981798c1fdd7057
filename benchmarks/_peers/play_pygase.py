"""Players of PyGaSe: the light clients of ``benchmarks/server_cpu.py``. They acknowledge states and send events."""

from __future__ import annotations

import random

from crowd import Crowd, Traffic
from workload import given

from benchmarks import server_cpu
from pygase._protocol import wire
from pygase._state.event_codec import encode_event

EVENTS = [wire.message(wire.EVENT, encode_event("INPUT", (n,), {}, 1000)) for n in range(16)]


class CountedSocket:
    """The socket of a light client: it counts for its traffic."""

    def __init__(self, sock: object, traffic: Traffic) -> None:
        self._sock, self._traffic = sock, traffic

    def send(self, data: bytes) -> int:
        self._traffic.count_up(len(data))
        return self._sock.send(data)

    def recv(self, size: int) -> bytes:
        data = self._sock.recv(size)
        self._traffic.count_down(len(data))
        return data


class PygasePlayer:
    """One player; the head of a state's message has its tick."""

    def __init__(self, port: int, number: int) -> None:
        load = server_cpu.Load(clients=1, hz=60.0, seconds=1.0)
        self._client = server_cpu._LeanClient(port, random.Random(number), load)
        self.traffic = Traffic()
        self._fileno = self._client.sock.fileno()
        self._client.sock = CountedSocket(self._client.sock, self.traffic)

    @property
    def newest(self) -> int:
        return self._client.tick

    def fileno(self) -> int:
        return self._fileno

    def join(self) -> bool:
        return self._client.protocol.connected or self._client.shake_hands()

    def receive(self) -> None:
        self._client.receive()

    def send(self, turn: int) -> None:
        self._client.send(EVENTS[turn % 16])


if __name__ == "__main__":
    Crowd(given(), PygasePlayer).run()
