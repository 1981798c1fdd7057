"""Numbers that are left out at random, so that a peer which acknowledges what it has not received gives itself away.

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
"""Packets from one number that is left out to the next one at least. So an acknowledgement of 32 packets never names
two of them."""

NEVER: Final = 1 << 60


class SkipPlan:
    """Chooses the numbers that a sender leaves out.

    :param random_bytes: a source of unpredictable bytes.
    :param within: packets beyond ``MIN_SKIP_DISTANCE`` within which the next number is chosen; 0 to leave out none.
    :ivar at: from this number on, one is to be left out as soon as an acknowledgement has arrived.
    """

    __slots__ = ("_random_bytes", "at", "within")

    def __init__(self, random_bytes: RandomBytes, within: int, next_sequence: int) -> None:
        self._random_bytes = random_bytes
        self.within = within
        self.at = NEVER
        self.plan(next_sequence)

    def plan(self, next_sequence: int) -> None:
        """Choose the next number to leave out, so that nobody can know which."""
        if self.within:
            distance = int.from_bytes(self._random_bytes(2), "big") % self.within
            self.at = next_sequence + MIN_SKIP_DISTANCE + distance


def receive_skipped(record: PeerRecord, body: bytes) -> None:
    """Take in a SKIPPED message: the client has left out a number, so that nothing was lost there. It repeats the
    message until it knows that the server knows.
    """
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
    """Return the number of the newest packet, and which of the 31 before it have come (bit i: the i-th before), as they
    would be if the client had left out none.
    """
    came = ~record.holes & ACK_BITS_MASK
    if not record.skipped_count:
        return record.latest, came
    distance = record.latest - record.skipped_number
    if distance < 32:
        after = (1 << distance) - 1
        came = (came & after) | (~record.holes >> 1 & ACK_BITS_MASK & ~after)
    return record.latest - record.skipped_count, came
