"""Numbers that are left out at random, so that a peer that acknowledges packets without receiving them gives itself
away.

QUIC does the same against optimistic acknowledgements: RFC 9000, section 21.4.
"""

from __future__ import annotations

from typing import Final

from ..errors import MalformedPacket
from .handshake import RandomBytes
from .record import PeerRecord
from .sequence import ACK_BITS_MASK, RECEIVE_WINDOW, unwrap
from .wire import ORDER

MIN_SKIP_DISTANCE: Final = 64
"""Least distance of two numbers that are left out. So an acknowledgement of 32 packets never names two of them."""

NEVER: Final = 1 << 60


class SkipPlan:
    """Chooses the numbers that a sender leaves out.

    :param random_bytes: a source of unpredictable bytes.
    :param within: packets beyond ``MIN_SKIP_DISTANCE`` within which the next number is chosen; 0 to leave out none.
    :ivar at: the number from which on one is left out, as soon as an acknowledgement arrives.
    """

    __slots__ = ("_random_bytes", "at", "within")

    def __init__(self, random_bytes: RandomBytes, within: int, next_sequence: int) -> None:
        self._random_bytes = random_bytes
        self.within = within
        self.at = NEVER
        self.plan(next_sequence)

    def plan(self, next_sequence: int) -> None:
        if self.within:
            distance = int.from_bytes(self._random_bytes(2), "big") % self.within
            self.at = next_sequence + MIN_SKIP_DISTANCE + distance


def receive_skipped(record: PeerRecord, body: bytes) -> None:
    """Take in a SKIPPED message: the client has left out a number, which was not lost. The client repeats the message
    until it is acknowledged."""
    if len(body) != ORDER.size:
        raise MalformedPacket(f"skipped number of {len(body)} bytes")
    latest = record.latest
    number = unwrap(ORDER.unpack(body)[0], latest)
    if record.skipped_number < number < latest and (
        latest - number >= RECEIVE_WINDOW or record.holes >> (latest - number) & 1
    ):
        record.skipped_number = number
        record.skipped_count += 1


def numbers_received(record: PeerRecord) -> tuple[int, int]:
    """Return the number of the newest packet, and bits for the 31 before it (bit i: the i-th before has arrived), as if
    the client had left out no number. The numbers of a new path go on where those of the former path ended."""
    arrived = ~record.holes & ACK_BITS_MASK
    latest = record.latest + record.numbers_before
    if not record.skipped_count:
        return latest, arrived
    distance = record.latest - record.skipped_number
    if distance < 32:
        after = (1 << distance) - 1
        arrived = (arrived & after) | (~record.holes >> 1 & ACK_BITS_MASK & ~after)
    return latest - record.skipped_count, arrived
