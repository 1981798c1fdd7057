"""A bad line between clients and a server on this machine: it loses, delays, doubles, cuts, and gives new addresses."""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import threading
import time
from typing import Final

Address = tuple[str, int]

LOSS: Final = 0.03
DOUBLED: Final = 0.01
LATENCY: Final = 0.02
JITTER: Final = 0.02
FORGET_AFTER: Final = 90.0
"""Seconds of silence after which a client's socket towards the server is closed."""


class _Way:
    """A client's way: its address, and a socket of its own towards the server."""

    def __init__(self, client: Address) -> None:
        self.client = client
        self.socket = _udp_socket()
        self.used_at = time.monotonic()
        self.cut_until = 0.0


def _udp_socket() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setblocking(False)
    made.bind(("127.0.0.1", 0))
    return made


class Line:
    """Runs in a thread of its own. Clients send to ``port``; the server is at ``server_port``."""

    def __init__(self, server_port: int, seed: int) -> None:
        self.counts = {"carried": 0, "lost": 0, "new addresses": 0, "cuts": 0}
        self.is_good = False
        self._server = ("127.0.0.1", server_port)
        self._rng = random.Random(seed)
        self._front = _udp_socket()
        self.port: int = self._front.getsockname()[1]
        self._ways: dict[Address, _Way] = {}
        self._queue: list[tuple[float, int, bytes, _Way, bool]] = []
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._front, selectors.EVENT_READ, None)
        self._is_ending = False
        self._thread = threading.Thread(target=self._run, name="soak-line", daemon=True)
        self._thread.start()

    # -- what happens to it ------------------------------------------------------------------------------------------

    def give_new_address(self) -> None:
        """Let a router forget one client: from now on the server sees it at another address."""
        with self._lock:
            if self._ways:
                way = self._rng.choice(list(self._ways.values()))
                self._selector.unregister(way.socket)
                way.socket.close()
                way.socket = _udp_socket()
                self._selector.register(way.socket, selectors.EVENT_READ, way)
                self.counts["new addresses"] += 1

    def cut(self, seconds: float) -> None:
        """Pull one client's cable for some seconds."""
        with self._lock:
            if self._ways:
                self._rng.choice(list(self._ways.values())).cut_until = time.monotonic() + seconds
                self.counts["cuts"] += 1

    def repair(self) -> None:
        """Carry everything from now on, at once."""
        with self._lock:
            self.is_good = True
            for way in self._ways.values():
                way.cut_until = 0.0

    def close(self) -> None:
        self._is_ending = True
        self._thread.join()
        for made in (self._front, *(way.socket for way in self._ways.values())):
            made.close()
        self._selector.close()

    # -- carrying ------------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_ending:
            wait = min(self._queue[0][0] - time.monotonic(), 0.02) if self._queue else 0.02
            ready = self._selector.select(max(wait, 0.0))
            with self._lock:
                for key, _ in ready:
                    self._read(key.data)
                self._send_due()
                self._forget_silent()

    def _read(self, way: _Way | None) -> None:
        source = self._front if way is None else way.socket
        while True:
            try:
                data, sender = source.recvfrom(65536)
            except OSError:  # nothing more, or the port is closed at the moment
                return
            self._carry(data, self._way_of(sender) if way is None else way, to_server=way is None)

    def _way_of(self, client: Address) -> _Way:
        way = self._ways.get(client)
        if way is None:
            way = self._ways[client] = _Way(client)
            self._selector.register(way.socket, selectors.EVENT_READ, way)
        way.used_at = time.monotonic()
        return way

    def _carry(self, data: bytes, way: _Way, *, to_server: bool) -> None:
        now, rng = time.monotonic(), self._rng
        if now < way.cut_until or (not self.is_good and rng.random() < LOSS):
            self.counts["lost"] += 1
            return
        for _ in range(1 + (not self.is_good and rng.random() < DOUBLED)):
            delay = 0.0 if self.is_good else LATENCY + rng.random() * JITTER
            self.counts["carried"] += 1
            heapq.heappush(self._queue, (now + delay, self.counts["carried"], data, way, to_server))

    def _send_due(self) -> None:
        now = time.monotonic()
        while self._queue and self._queue[0][0] <= now:
            _, _, data, way, to_server = heapq.heappop(self._queue)
            try:
                if to_server:
                    way.socket.sendto(data, self._server)
                else:
                    self._front.sendto(data, way.client)
            except OSError:  # no room, or nobody there: it is lost
                self.counts["lost"] += 1

    def _forget_silent(self) -> None:
        now = time.monotonic()
        for client, way in [(c, w) for c, w in self._ways.items() if now - w.used_at > FORGET_AFTER]:
            self._selector.unregister(way.socket)
            way.socket.close()
            del self._ways[client]
