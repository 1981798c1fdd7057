"""What was sent in which packet, and what became of it."""

from __future__ import annotations

from typing import Any, Final

Contents = tuple[Any, ...] | None
"""What a packet carried that somebody wants to hear about (channels' pieces), or None."""

KEPT_TIMES: Final = 256
"""Of so many packets it is remembered when they were sent, a power of two: a round trip of four seconds at 60 Hz can be
measured."""
TIMES_MASK: Final = KEPT_TIMES - 1

FEW: Final = (1 << 30) - 1
"""``outstanding`` of so few packets under way that one acknowledgement (32 bits) tells of all of them."""


class SentPackets:
    """Packets sent and not yet acknowledged; bounded, since what many newer ones have overtaken counts as lost.

    ``next_sequence`` is the number that the next packet gets. ``loss`` is the recent share of lost packets, 0..1.
    ``outstanding`` has a bit for each packet that is under way, the newest in the lowest; so an acknowledgement is an
    AND, however many there are.
    """

    __slots__ = ("_contents", "has_contents", "loss", "next_sequence", "outstanding", "times")

    LOST_AFTER = 256
    """Overtaken by so many acknowledged packets, one counts as lost. More than the 32 of ack_bits, since after a
    burst an ACKS message tells of those further back."""
    MAX_PACKETS = 8192
    """Unacknowledged packets remembered: four seconds of the whole default budget. Beyond that, as with a peer that
    never acknowledges anything, the oldest counts as lost."""
    LOSS_GAIN = 1 / 64
    """Weight of one packet in ``loss``: a memory of about a second at 60 Hz."""

    def __init__(self, first_sequence: int = 0) -> None:
        self.outstanding = 0
        self.times = [0.0] * KEPT_TIMES
        self._contents: dict[int, tuple[Any, ...]] = {}
        self.has_contents = False
        self.next_sequence = first_sequence
        self.loss = 0.0

    def __len__(self) -> int:
        return self.outstanding.bit_count()

    def sent(self, contents: Contents, now: float) -> int:
        """Note that a packet leaves now; return its number."""
        sequence = self.next_sequence
        self.next_sequence = sequence + 1
        self.times[sequence & TIMES_MASK] = now
        self.outstanding = self.outstanding << 1 | 1
        if self.outstanding > _FULL:
            self._give_up(self.MAX_PACKETS)
            self._contents.pop(sequence - self.MAX_PACKETS, None)
        if contents:
            self._contents[sequence] = contents
            self.has_contents = True
        return sequence

    def acknowledge(self, wire_ack: int, ack_bits: int, width: int = 32) -> tuple[float | None, list[Contents]]:
        """Take in a received acknowledgement (16-bit number, bits of the ``width`` packets before it).

        :returns: when the packet ``ack`` was sent if this is the first we hear of it (else None: no round trip to be
            measured), and the contents of all packets newly acknowledged.
        """
        back = (self.next_sequence - 1 - wire_ack) & 0xFFFF
        outstanding = self.outstanding
        if not outstanding >> back:
            return None, []  # of what is known already, or was never sent
        acked = outstanding & (((ack_bits & (1 << width) - 1) << 1 | 1) << back)
        self.outstanding = outstanding ^ acked
        if self.loss:
            self.note_arrived(acked)
        if self.outstanding >> (back + self.LOST_AFTER + 1):
            self._give_up(back + self.LOST_AFTER + 1)
        first = acked >> back & 1 and back < KEPT_TIMES
        sent_at = self.times[(self.next_sequence - 1 - back) & TIMES_MASK] if first else None
        return sent_at, self._take_contents(acked) if self.has_contents else []

    def note_arrived(self, acked: int) -> None:
        """Count the packets of these bits as arrived in ``loss``."""
        self.loss *= (1.0 - self.LOSS_GAIN) ** acked.bit_count()
        if self.loss < 1e-4:
            self.loss = 0.0

    def _give_up(self, width: int) -> None:
        """Count as lost what lies further back than ``width`` packets."""
        lost = (self.outstanding >> width).bit_count()
        self.outstanding &= (1 << width) - 1
        self.loss = 1.0 - (1.0 - self.loss) * (1.0 - self.LOSS_GAIN) ** lost

    def _take_contents(self, acked: int) -> list[Contents]:
        """Remove and return the contents of the acknowledged packets; forget those of lost ones."""
        newest, outstanding = self.next_sequence - 1, self.outstanding
        taken: list[Contents] = []
        for sequence in tuple(self._contents):
            back = newest - sequence
            if acked >> back & 1:
                taken.append(self._contents.pop(sequence))
            elif not outstanding >> back & 1:
                del self._contents[sequence]
        self.has_contents = bool(self._contents)
        taken.reverse()
        return taken


_FULL: Final = (1 << SentPackets.MAX_PACKETS) - 1
