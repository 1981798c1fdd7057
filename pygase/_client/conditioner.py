"""A bad link laid over a good one: datagrams of a real connection are lost, delayed, doubled and queued, both ways.

Pure: it holds datagrams back, and says until when; whoever asks it has the socket and the clock.
"""

from __future__ import annotations

import heapq
import math
from typing import TYPE_CHECKING, Any, Final

from ..links import Link, LinkPath

if TYPE_CHECKING:
    import random

__all__ = ["Conditioner"]

Address = tuple[Any, ...]

MAX_HELD: Final = 16_384
MAX_HELD_BYTES: Final = 8 * 1024 * 1024
"""What may be under way in each direction; more is lost. Enough for a connection's whole budget (2 MB/s) on a link with
four seconds of delay."""


class Conditioner:
    """What lies between a connection and its socket.

    :param there, back: the randomness of each direction, apart, so that one does not depend on what the other sends.

    Next: set ``link``; ``send`` and ``receive`` what is to pass; ``due_to_send`` and ``due_to_receive`` give what has
    got through; look again at ``next_at``.
    """

    def __init__(self, there: random.Random, back: random.Random) -> None:
        self._there = _Way(there)
        self._back = _Way(back)
        self._link: Link | None = None

    @property
    def link(self) -> Link | None:
        """The link, each way. None: all gets through at once, also what is under way, in its order.

        Another link holds for what is sent from then on; what is under way arrives when it would have.
        """
        return self._link

    @link.setter
    def link(self, link: Link | None) -> None:
        self._link = link
        for way in (self._there, self._back):
            way.set_link(link)

    @property
    def idle(self) -> bool:
        """True if it has nothing to do: there is no bad link, and nothing is under way."""
        return self._link is None and self.next_at == math.inf

    @property
    def next_at(self) -> float:
        """When the next datagram gets through, infinity if none is under way."""
        return min(self._there.next_at, self._back.next_at)

    @property
    def held(self) -> tuple[int, int]:
        """How many datagrams are under way there and back."""
        return len(self._there), len(self._back)

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Let a datagram go there."""
        self._there.put(data, address, now)

    def receive(self, data: bytes, address: Address, now: float) -> None:
        """Let a datagram come back."""
        self._back.put(data, address, now)

    def due_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what has got through there by now, in the order in which it did; ``now=math.inf`` for all of it."""
        return self._there.due(now)

    def due_to_receive(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what has come back by now, in the order in which it did."""
        return self._back.due(now)


class _Way:
    """One direction: what is under way, by when it arrives."""

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
        """Let all that is under way arrive at once, and in its order before anything that follows."""
        waiting = sorted(self._held)
        self._held = [(-math.inf, self._count + i, data, sender) for i, (_, _, data, sender) in enumerate(waiting, 1)]
        self._count += len(waiting)

    def put(self, data: bytes, address: Address, now: float) -> None:
        path = self._path
        for delay in path.delays(len(data), now, self._rng) if path is not None else (-math.inf,):
            if len(self._held) < MAX_HELD and self._held_bytes + len(data) <= MAX_HELD_BYTES:
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
