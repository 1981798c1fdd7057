"""Actions in virtual time: each at its moment, in order."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Self


class Agenda:
    """Actions with their times, in seconds. An action may add others.

    :ivar time: the time of the latest action.
    """

    def __init__(self) -> None:
        self.time = 0.0
        self._queue: list[tuple[float, int, Callable[[float], None]]] = []
        self._count = 0

    def at(self, time: float, action: Callable[[float], None]) -> None:
        """Call ``action(time)`` at that time, after the earlier actions of the same time."""
        self._count += 1
        heapq.heappush(self._queue, (time, self._count, action))

    def run(self, until: float) -> Self:
        """Call all actions before a time."""
        while self._queue and self._queue[0][0] < until:
            self.time, _, action = heapq.heappop(self._queue)
            action(self.time)
        return self
