"""A token bucket: so many bytes a second, with some saved up for bursts."""

from __future__ import annotations


class TokenBucket:
    """``rate`` in bytes per second, ``burst`` in bytes; full at ``now``.

    May be overdrawn by one packet, so that none is ever too large.
    As long as there are tokens nothing is computed: ``spent`` only counts up to ``limit``. When they are used up, what
    the time since the last look has brought is added, a burst at most. (So after a rest two bursts may leave at once.)
    """

    __slots__ = ("_at", "burst", "limit", "rate", "spent")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self.rate = rate
        self.burst = burst
        self.spent = 0
        self.limit = float(burst)
        self._at = now

    def allows(self, now: float) -> bool:
        """Tell whether a packet may leave now."""
        return self.spent < self.limit or self._refill(now)

    def _refill(self, now: float) -> bool:
        elapsed = now - self._at
        if elapsed > 0:
            self.limit = min(self.limit + elapsed * self.rate, self.spent + self.burst)
            self._at = now
        return self.spent < self.limit

    def spend(self, size_bytes: int) -> None:
        """Book a packet that has left."""
        self.spent += size_bytes

    def ready_at(self, now: float) -> float:
        """The time from which :meth:`allows` will be true, if nothing is spent until then."""
        if self.allows(now):
            return now
        return now + (1 + self.spent - self.limit) / self.rate
