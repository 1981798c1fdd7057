"""Packet sequence numbers: 16 bits on the wire, plain growing integers inside.

At 60 packets a second, 2**63 numbers outlast the sun, so ``<`` compares two of them. Only the lowest 16 bits travel.
The receiver restores the rest from the number that it expects: right for every packet that is less than 32,768 numbers
off (as in RFC 9000, appendix A.3).
"""

from __future__ import annotations

from functools import cache
from typing import Final

RECEIVE_WINDOW: Final = 256
"""Numbers within which duplicates are recognised: four seconds at 60 Hz. Older packets are dropped."""

ACK_BITS_MASK: Final = 0xFFFFFFFF


def unwrap(wire: int, expected: int, bits: int = 16) -> int:
    """Return the number nearest to ``expected`` whose lowest ``bits`` bits are ``wire``. It is never negative."""
    half = 1 << (bits - 1)
    full = expected + ((wire - expected + half) & ((1 << bits) - 1)) - half
    return full if full >= 0 else full + (1 << bits)


@cache
def _all_ones(window: int) -> int:
    """Return an int of that many ones; the same object for all windows of a size."""
    return (1 << window) - 1


class ReceiveWindow:
    """The received numbers: the newest one, and each of the ``window`` numbers up to it.

    :ivar latest: the newest number; -1 before the first.
    :ivar holes: bit n is set if ``latest - n`` has not been received. 0 means that nothing is missing.
    :ivar missing: count of the missing numbers up to ``latest``.
    """

    __slots__ = ("_all", "_window", "holes", "latest", "missing")

    def __init__(self, window: int = RECEIVE_WINDOW) -> None:
        self._window = window
        self._all = _all_ones(window)
        self.forget()

    def forget(self) -> None:
        """Begin anew: no number has been received."""
        self.latest = -1
        self.holes = self._all
        self.missing = 0

    @property
    def mask(self) -> int:
        return self.holes ^ self._all

    @property
    def ack_bits(self) -> int:
        """The 32 numbers before ``latest``, nearest in the lowest bit."""
        return ~(self.holes >> 1) & ACK_BITS_MASK

    @property
    def count(self) -> int:
        return self.latest + 1 - self.missing

    def missing_among(self, newest: int, count: int) -> int:
        """Return how many of the ``count`` numbers up to ``newest`` have to be looked at to find all missing ones, from
        ``newest`` downwards."""
        ahead = newest - self.latest
        if ahead >= count:
            return count
        old = self.holes if ahead > 0 else self.holes >> -ahead
        missing = old & ((1 << (count - max(ahead, 0))) - 1)
        return max(ahead, 0) + missing.bit_length()

    def receive(self, sequence: int) -> bool:
        """Note a number. Return False if it is a duplicate, or older than the window."""
        ahead = sequence - self.latest
        if ahead == 1:
            self.latest = sequence
            if self.holes:
                self.holes = self.holes << 1 & self._all
            return True
        if ahead > 0:
            self._jump(ahead)
            return True
        if ahead <= -self._window or not self.holes >> -ahead & 1:
            return False
        self.holes ^= 1 << -ahead
        self.missing -= 1
        return True

    def _jump(self, ahead: int) -> None:
        between = (1 << min(ahead, self._window)) - 2
        self.holes = (self.holes << ahead | between) & self._all if ahead < self._window else between
        self.missing += ahead - 1
        self.latest += ahead
