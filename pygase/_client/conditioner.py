"""A bad link laid over a good one: datagrams of a real connection are lost, delayed, doubled and queued, both ways.
Pure."""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any, Final

from ..links import Link, LinkPath

if TYPE_CHECKING:
    import random

__all__ = ["Conditioner"]

Address = tuple[Any, ...]

MAX_UNDER_WAY: Final = 16_384
MAX_UNDER_WAY_BYTES: Final = 8 * 1024 * 1024
"""Most datagrams and bytes that are under way in each direction; more are lost. Enough for a connection's whole budget
(2 MB/s) on a link with four seconds of delay."""


class Conditioner:
    """Stands between a connection and its socket.

    :param outgoing, incoming: a source of chance for each direction, so that neither depends on the other's datagrams.

    Set ``link``; pass datagrams to ``send`` and ``receive``; take them from ``due_to_send`` and ``due_to_receive``,
    next at ``next_at``.
    """

    def __init__(self, outgoing: random.Random, incoming: random.Random) -> None:
        self._outgoing = _Way(outgoing)
        self._incoming = _Way(incoming)
        self._link: Link | None = None

    @property
    def link(self) -> Link | None:
        """The link, each way; a new one changes nothing for datagrams under way. None: all get through at once."""
        return self._link

    @link.setter
    def link(self, link: Link | None) -> None:
        self._link = link
        for way in (self._outgoing, self._incoming):
            way.set_link(link)

    @property
    def idle(self) -> bool:
        """True if there is no bad link, and no datagram is under way."""
        return self._link is None and self.next_at == math.inf

    @property
    def next_at(self) -> float:
        """When the next datagram gets through, seconds; infinity if none is under way."""
        return min(self._outgoing.next_at, self._incoming.next_at)

    @property
    def held(self) -> tuple[int, int]:
        """Numbers of outgoing and incoming datagrams under way."""
        return len(self._outgoing), len(self._incoming)

    def send(self, data: bytes, address: Address, now: float) -> None:
        self._outgoing.put(data, address, now)

    def receive(self, data: bytes, address: Address, now: float) -> None:
        self._incoming.put(data, address, now)

    def due_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return the datagrams that have got through by now, in order; ``now=math.inf`` for all of them."""
        return self._outgoing.due(now)

    def due_to_receive(self, now: float) -> list[tuple[bytes, Address]]:
        return self._incoming.due(now)


class _Way:
    """The datagrams under way in one direction, by their time of arrival."""

    def __init__(self, rng: random.Random) -> None:
        self._path: LinkPath | None = None
        self._rng = rng
        self._held: list[tuple[float, int, bytes, Address]] = []
        self._held_bytes = 0
        self._count = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def next_at(self) -> float:
        return self._held[0][0] if self._held else math.inf

    def set_link(self, link: Link | None) -> None:
        if link is None:
            self._path = None
            self._hurry()
        elif self._path is None:
            self._path = LinkPath(link)
        else:
            self._path.link = link  # its queue and its burst go on

    def _hurry(self) -> None:
        """Let all datagrams under way arrive at once, in order and before later ones."""
        waiting = sorted(self._held)
        self._held = [(-math.inf, self._count + i, data, sender) for i, (_, _, data, sender) in enumerate(waiting, 1)]
        self._count += len(waiting)

    def put(self, data: bytes, address: Address, now: float) -> None:
        path = self._path
        for delay in path.delays(len(data), now, self._rng) if path is not None else (-math.inf,):
            if len(self._held) < MAX_UNDER_WAY and self._held_bytes + len(data) <= MAX_UNDER_WAY_BYTES:
                self._count += 1
                self._held_bytes += len(data)
                heapq.heappush(self._held, (now + delay, self._count, data, address))

    def due(self, now: float) -> list[tuple[bytes, Address]]:
        held, datagrams = self._held, []
        while held and held[0][0] <= now:
            _, _, data, address = heapq.heappop(held)
            self._held_bytes -= len(data)
            datagrams.append((data, address))
        return datagrams
