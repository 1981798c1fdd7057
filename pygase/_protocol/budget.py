"""The budget of a connection."""

from __future__ import annotations

from .record import PeerRecord


class TokenBucket:
    """A budget of ``rate`` bytes per second and of ``burst`` bytes at once. It is full at ``now``.

    One packet may overdraw it, so no packet is ever too large. While there are tokens nothing is computed:
    ``record.spent`` counts up to ``record.limit``. Once they are used up, the limit grows by the bytes earned since the
    last look, by one burst at most. (After a rest two bursts may leave at once.)
    """

    __slots__ = ("_at", "burst", "rate", "record")

    def __init__(self, record: PeerRecord, rate: float, burst: float, now: float) -> None:
        self.record = record
        self.rate = rate
        self.burst = burst
        self.begin(now)

    def begin(self, now: float) -> None:
        """Fill the bucket."""
        self.record.limit = float(self.record.spent + self.burst)
        self._at = now

    def allows(self, now: float) -> bool:
        record = self.record
        return record.spent < record.limit or self._refill(record, now)

    def _refill(self, record: PeerRecord, now: float) -> bool:
        elapsed = now - self._at
        if elapsed > 0:
            record.limit = min(record.limit + elapsed * self.rate, record.spent + self.burst)
            self._at = now
        return record.spent < record.limit

    def spend(self, size_bytes: int) -> None:
        self.record.spent += size_bytes

    def ready_at(self, now: float) -> float:
        """Return when :meth:`allows` becomes true, if nothing is spent until then."""
        if self.allows(now):
            return now
        return now + (1 + self.record.spent - self.record.limit) / self.rate
