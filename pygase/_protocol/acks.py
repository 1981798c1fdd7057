"""What was sent in which packet, and what became of it."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from ..errors import MalformedPacket

Contents = tuple[Any, ...] | None
"""What a packet carried that somebody wants to hear about (channels' pieces), or None."""

KEPT_TIMES: Final = 256
"""Of so many packets it is remembered when they were sent, a power of two: a round trip of four seconds at 60 Hz can be
measured."""
TIMES_MASK: Final = KEPT_TIMES - 1

FEW: Final = (1 << 30) - 1
"""``outstanding`` of so few packets under way that one acknowledgement (32 bits) tells of all of them."""


_CERTAIN: Final = 0x4000
"""Packets since the newest one that is known to have arrived, up to which a number of 16 bits cannot be mistaken: a
quarter of all numbers, so that an acknowledgement which was overtaken is not taken for one of the future either."""


class NeverSent(MalformedPacket):
    """The peer acknowledges a packet that was never sent: it says so of whatever it likes, received or not."""


class SentPackets:
    """Packets sent and not yet acknowledged; bounded, since what many newer ones have overtaken counts as lost.

    ``next_sequence`` is the number that the next packet gets. ``loss`` is the recent share of lost packets, 0..1.
    ``skips`` counts the numbers that were left out (see :meth:`skip`): no packet has them, so none was lost.
    ``outstanding`` has a bit for each packet that is under way, the newest in the lowest; so an acknowledgement is an
    AND, however many there are.
    """

    __slots__ = (
        "_contents",
        "_first",
        "_newest_acked",
        "_skipped",
        "has_contents",
        "loss",
        "next_sequence",
        "outstanding",
        "skips",
        "times",
    )

    LOST_AFTER: ClassVar = 256
    """Overtaken by so many acknowledged packets, one counts as lost. More than the 32 of ack_bits, since after a
    burst an ACKS message tells of those further back."""
    MAX_PACKETS: ClassVar = 8192
    """Unacknowledged packets remembered: four seconds of the whole default budget. Beyond that, as with a peer that
    never acknowledges anything, the oldest counts as lost."""
    LOSS_GAIN: ClassVar = 1 / 64
    """Weight of one packet in ``loss``: a memory of about a second at 60 Hz."""

    def __init__(self, first_sequence: int = 0) -> None:
        self.outstanding = 0
        self.times = [0.0] * KEPT_TIMES
        self._contents: dict[int, tuple[Any, ...]] = {}
        self.has_contents = False
        self._first = self.next_sequence = first_sequence
        self._newest_acked = first_sequence - 1
        self._skipped = -1
        self.skips = 0
        self.loss = 0.0

    def __len__(self) -> int:
        return self.outstanding.bit_count()

    @property
    def newest_acked(self) -> int:
        """Number of the newest packet that :meth:`acknowledge` knows to have arrived; below the first one for none."""
        return self._newest_acked

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

    def skip(self) -> int:
        """Leave the next number out, and return it. Whoever acknowledges it has not received what it acknowledges."""
        self._skipped = self.next_sequence
        self.next_sequence += 1
        self.skips += 1
        self.outstanding <<= 1
        if self.outstanding > _FULL:
            self._give_up(self.MAX_PACKETS)
        self._contents.pop(self._skipped - self.MAX_PACKETS, None)
        return self._skipped

    def acknowledge(self, wire_ack: int, ack_bits: int, width: int = 32) -> tuple[float | None, list[Contents]]:
        """Take in a received acknowledgement (16-bit number, bits of the ``width`` packets before it).

        :returns: when the packet ``ack`` was sent if this is the first we hear of it (else None: no round trip to be
            measured), and the contents of all packets newly acknowledged.
        :raises NeverSent: if it names a packet that was never sent. Nothing is acknowledged by it then.
        """
        back = (self.next_sequence - 1 - wire_ack) & 0xFFFF
        named = (ack_bits & (1 << width) - 1) << 1 | 1
        self._check(back, named)
        outstanding = self.outstanding
        if not outstanding >> back:
            return None, []  # of what is known already
        acked = outstanding & (named << back)
        self.outstanding = outstanding ^ acked
        if self.loss:
            self.note_arrived(acked)
        if self.outstanding >> (back + self.LOST_AFTER + 1):
            self._give_up(back + self.LOST_AFTER + 1)
        first = acked >> back & 1 and back < KEPT_TIMES
        sent_at = self.times[(self.next_sequence - 1 - back) & TIMES_MASK] if first else None
        return sent_at, self._take_contents(acked) if self.has_contents else []

    def _check(self, back: int, named: int) -> None:
        """Raise if a packet that is named was not sent. Bit n of ``named``: the one ``back + n`` before the newest.

        If nothing was acknowledged for very many packets, a number may be an old one or one of the future.
        """
        newest = self.next_sequence - 1
        if back >= 0x8000:
            if newest - self._newest_acked < _CERTAIN:
                raise NeverSent(f"packet {newest - back + 0x10000} is acknowledged, {newest} is the newest")
            return
        ack = newest - back
        if ack < self._first or named >> (ack - self._first + 1):
            raise NeverSent(f"packets before the first one ({self._first}) are acknowledged")
        if ack >= self._skipped >= 0 and named >> (ack - self._skipped) & 1:
            raise NeverSent(f"packet {self._skipped} is acknowledged, a number that was left out")
        if ack > self._newest_acked:
            self._newest_acked = ack

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
