"""Spaces the states to one client in time, so that a game pays for no more bytes than it wants to."""

from __future__ import annotations

import math
from typing import Final

from .record import PeerRecord

SAVED: Final = 0.1
"""Seconds whose bytes may be saved up: two ticks at 20 Hz."""


class Pacing:
    """A ceiling on the bytes a second of a connection. Everything that leaves counts, but only states wait.

    :param rate: bytes a second; math.inf for no ceiling.
    :ivar free_at: when the next state may leave, seconds.
    """

    __slots__ = ("_counted", "free_at", "rate", "record")

    def __init__(self, record: PeerRecord, rate: float) -> None:
        self.record = record
        self.rate = rate
        self.free_at = -math.inf
        self._counted = record.spent

    def allows(self, now: float) -> bool:
        """Return whether a state, or a fragment of one, may leave now."""
        if self.rate == math.inf:
            return True
        spent = self.record.spent
        self.free_at = max(self.free_at, now - SAVED) + (spent - self._counted) / self.rate
        self._counted = spent
        return self.free_at <= now

    def limit(self, now: float) -> float:
        """Return the value of ``record.spent`` up to which states may leave now."""
        if self.rate == math.inf:
            return math.inf
        if not self.allows(now):
            return -math.inf
        return self.record.spent + (now - self.free_at) * self.rate
