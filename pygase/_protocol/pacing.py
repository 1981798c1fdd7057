"""A token bucket: so many bytes a second, with some saved up for bursts."""

from __future__ import annotations


class TokenBucket:
    """``rate`` in bytes per second, ``burst`` in bytes. May be overdrawn by one packet, so that none is ever too
    large."""

    __slots__ = ("_at", "_tokens", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._at = 0.0

    def allows(self, now: float) -> bool:
        """Tell whether a packet may leave now."""
        elapsed = now - self._at
        if elapsed > 0:
            self._tokens = min(self.burst, self._tokens + elapsed * self.rate)
            self._at = now
        return self._tokens > 0

    def spend(self, size_bytes: int) -> None:
        """Book a packet that has left."""
        self._tokens -= size_bytes

    def ready_at(self, now: float) -> float:
        """The time from which :meth:`allows` will be true, if nothing is spent until then."""
        if self.allows(now):
            return now
        return now + (1 - self._tokens) / self.rate
