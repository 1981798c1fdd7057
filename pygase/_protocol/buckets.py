"""Token buckets, which bound how often something may happen."""

from __future__ import annotations

from collections import OrderedDict


class Bucket:
    """A token bucket, full at first.

    :param most: tokens at once; ``rate``: new tokens a second.
    """

    __slots__ = ("_at", "_most", "_rate", "_tokens")

    def __init__(self, most: int, rate: float, now: float) -> None:
        self._most = most
        self._rate = rate
        self._tokens = float(most)
        self._at = now

    def has_one(self, now: float) -> bool:
        """Return whether there is a token, and take none."""
        self._tokens = min(self._tokens + (now - self._at) * self._rate, float(self._most))
        self._at = now
        return self._tokens >= 1.0

    def take(self, now: float) -> bool:
        """Take a token; return False if there is none."""
        if not self.has_one(now):
            return False
        self._tokens -= 1.0
        return True


class Buckets:
    """A bucket for each of the hosts that came last.

    :param most, rate: of each bucket; ``hosts``: the number of hosts that are remembered.
    """

    __slots__ = ("_buckets", "_hosts", "_most", "_rate")

    def __init__(self, most: int, rate: float, hosts: int) -> None:
        self._most = most
        self._rate = rate
        self._hosts = hosts
        self._buckets: OrderedDict[object, Bucket] = OrderedDict()

    def take(self, host: object, now: float) -> bool:
        """Take a token of a host; return False if there is none."""
        return self._bucket_of(host, now).take(now)

    def has_one(self, host: object, now: float) -> bool:
        """Return whether a host has a token, and take none."""
        bucket = self._buckets.get(host)
        return bucket is None or bucket.has_one(now)

    def _bucket_of(self, host: object, now: float) -> Bucket:
        bucket = self._buckets.get(host)
        if bucket is None:
            bucket = self._buckets[host] = Bucket(self._most, self._rate, now)
            if len(self._buckets) > self._hosts:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(host)
        return bucket
