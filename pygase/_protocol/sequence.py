"""Packet sequence numbers: 16 bits on the wire, plain growing integers inside.

Inside, a sequence number counts up for ever (at 60 packets a second 2**63 lasts for longer than the sun), so that
comparing two is ``<``. Only the lowest 16 bits travel; the receiver restores the rest from what it expects, which works
as long as a packet is less than 32,768 numbers off (RFC 9000, appendix A.3, does the same).
"""

from __future__ import annotations

WINDOW = 256
"""How far back duplicates are recognised; older packets are dropped as too late. 256 packets are four seconds at 60
Hz."""

ACK_BITS_MASK = 0xFFFFFFFF

FULL_MASK = (1 << WINDOW) - 1
"""The mask of a ReceiveWindow, as this very object, when nothing is missing: then there is nothing to shift either."""


def unwrap(wire: int, expected: int, bits: int = 16) -> int:
    """Return the full number nearest to ``expected`` whose lowest ``bits`` are ``wire``; never negative."""
    half = 1 << (bits - 1)
    full = expected + ((wire - expected + half) & ((1 << bits) - 1)) - half
    return full if full >= 0 else full + (1 << bits)


class ReceiveWindow:
    """Which numbers have been received: the newest, and a bit for each of the ``window`` before it.

    ``mask`` has bit 0 for ``latest`` itself, bit n for ``latest - n``. ``latest`` is -1 before the first packet.
    """

    __slots__ = ("_full_mask", "_missing", "_window", "latest", "mask")

    def __init__(self, window: int = WINDOW) -> None:
        self.latest = -1
        self.mask = 0
        self._missing = 0
        """How many numbers up to ``latest`` have not been received."""
        self._window = window
        self._full_mask = (1 << window) - 1

    @property
    def ack_bits(self) -> int:
        """The 32 packets before ``latest``, nearest in the lowest bit."""
        return (self.mask >> 1) & ACK_BITS_MASK

    @property
    def count(self) -> int:
        """How many numbers have been received."""
        return self.latest + 1 - self._missing

    def advance(self) -> None:
        """Note the number after ``latest``: what nearly every packet is."""
        self.latest += 1
        mask = ((self.mask << 1) & self._full_mask) | 1
        self.mask = FULL_MASK if mask == FULL_MASK else mask

    def receive(self, sequence: int) -> bool:
        """Note a number; False if it is a duplicate or too old to tell."""
        ahead = sequence - self.latest
        if ahead > 0:
            self.mask = ((self.mask << ahead) & self._full_mask) | 1 if ahead < self._window else 1
            self._missing += ahead - 1
            self.latest = sequence
            return True
        if ahead <= -self._window:
            return False
        bit = 1 << -ahead
        if self.mask & bit:
            return False
        self.mask |= bit
        self._missing -= 1
        return True
