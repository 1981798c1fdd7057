"""How long datagrams wait in the line, by their round trips."""

from __future__ import annotations

import math
from typing import Final

FLOOR_WINDOW: Final = 30.0
"""Seconds after which a floor of the round trip is forgotten if no newer one is as low, twice this time at most."""

LEAST_WINDOW: Final = 0.1
"""Seconds of the latest round trips, twice this time at most: the fastest of them is not late by jitter alone."""


class LateLeast:
    """The least of the latest values: those of the last ``span`` to two times ``span`` seconds."""

    __slots__ = ("_next", "_span", "_until", "value")

    def __init__(self, span: float) -> None:
        self.value = math.inf
        self._next = math.inf
        self._span = span
        self._until = -math.inf

    def add(self, value: float, now: float) -> float:
        """Take in a value, and return the least."""
        if now >= self._until:
            self.value, self._next, self._until = self._next, value, now + self._span
        self._next = min(value, self._next)
        self.value = min(value, self.value)
        return self.value


class QueueMeter:
    """How long datagrams wait in the line: the least of the latest round trips, less the floor of all.

    :ivar delay: that, in seconds; 0.0 before the first round trip.
    :ivar latest: the same of the latest round trip alone.
    """

    __slots__ = ("_floor", "_least", "delay", "latest", "rtt")

    def __init__(self) -> None:
        self.delay = self.latest = self.rtt = 0.0
        self._floor = LateLeast(FLOOR_WINDOW)
        self._least = LateLeast(LEAST_WINDOW)

    def add(self, rtt: float, now: float) -> None:
        """Take in a round trip, in seconds."""
        floor = self._floor.add(rtt, now)
        self.delay = self._least.add(rtt, now) - floor
        self.latest = rtt - floor
        self.rtt = floor
