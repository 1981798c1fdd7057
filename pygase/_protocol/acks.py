"""The sent packets: their times, their contents and their arrivals."""

from __future__ import annotations

from typing import ClassVar, Final, Protocol

from ..errors import MalformedPacket
from .record import PeerRecord


class Carried(Protocol):
    def acknowledge(self) -> int | None:
        """Note the arrival. Return the ticket to report, or None."""


Contents = tuple[Carried, ...] | None

KEPT_TIMES: Final = 256
"""Packets whose time of sending is kept: a round trip of four seconds at 60 Hz."""

ONE_ACK_COVERS: Final = (1 << 30) - 1
"""A mask for ``outstanding``: the packets that one acknowledgement (32 bits) names, with two to spare."""

_CERTAIN: Final = 0x4000
"""Packets since the newest acknowledged one, up to which a number of 16 bits is certain. With a quarter of all numbers,
an overtaken acknowledgement is not taken for a future one either."""

_TICKS: Final = 1024
"""Ticks whose times are kept, a power of two: four seconds at 250 Hz."""

_MAX_PACKETS: Final = 8192
_FULL: Final = (1 << _MAX_PACKETS) - 1
_LOST_AFTER: Final = 256
_LOSS_GAIN: Final = 1 / 64


class NeverSent(MalformedPacket):
    """The peer acknowledges a packet that was never sent."""


class TickTimes:
    """When the datagrams of the latest ticks left. All peers of a server share one ring.

    :ivar count: number of the latest tick, from 1 on.
    :ivar now: its time, seconds; -1.0 before the first.
    """

    __slots__ = ("_times", "count", "now")

    def __init__(self) -> None:
        self.count = 0
        self.now = -1.0
        self._times = [0.0] * _TICKS

    def begin(self, now: float) -> None:
        self.count += 1
        self.now = now
        self._times[self.count & (_TICKS - 1)] = now

    def at(self, number: int) -> float | None:
        return self._times[number & (_TICKS - 1)] if number > self.count - _TICKS else None


class SentPackets:
    """Packets sent and not yet acknowledged. A packet counts as lost once many newer ones have arrived.

    ``record.outstanding`` has a bit for each packet under way, so one AND takes in an acknowledgement.

    :ivar loss: the recent share of lost packets, 0..1.
    :ivar skips: count of the numbers left out.
    :ivar has_contents: True if the arrival of some packet under way is to be reported.
    :ivar newest_acked: below the first number for none.
    :ivar skipped: the latest number left out; -1 for none.
    """

    __slots__ = ("_contents", "_ticks", "_times", "has_contents", "loss", "newest_acked", "record", "skipped", "skips")

    LOST_AFTER: ClassVar[int] = _LOST_AFTER
    """Packets from a lost one to the newest acknowledged one: more than the 32 of ack_bits, since an ACKS message after
    a burst names older packets."""
    MAX_PACKETS: ClassVar[int] = _MAX_PACKETS
    """Unacknowledged packets that are kept: four seconds of the default budget. Older ones count as lost."""
    LOSS_GAIN: ClassVar[float] = _LOSS_GAIN
    """Weight of one packet in ``loss``: a memory of about a second at 60 Hz."""

    def __init__(self, record: PeerRecord, ticks: TickTimes | None = None) -> None:
        self.record = record
        self._ticks = ticks if ticks is not None else TickTimes()
        self.begin()

    def begin(self) -> None:
        """Forget all packets, as a new path begins."""
        self._times: dict[int, float] = {}
        self._contents: dict[int, tuple[Carried, ...]] = {}
        self.has_contents = False
        self.newest_acked = self.record.first_sequence - 1
        self.skipped = -1
        self.skips = 0
        self.loss = 0.0

    def __len__(self) -> int:
        return self.record.outstanding.bit_count()

    @property
    def newest(self) -> int:
        return self.record.next_sequence - 1

    def has_arrived(self, packet: int) -> bool:
        """Return whether the peer has this packet or a later one."""
        return self.newest_acked >= packet

    @property
    def contents(self) -> dict[int, tuple[Carried, ...]]:
        return self._contents

    def sent(self, contents: Contents, now: float) -> int:
        """Note that a packet leaves now, and return its number.

        A packet that leaves with a tick has the tick's time. Its number plus ``record.tick_offset`` is the number of
        the tick. Only other packets have a time of their own.
        """
        record, ticks = self.record, self._ticks
        sequence = record.next_sequence
        if now != ticks.now:
            self._note_time(sequence, now)
        elif sequence + record.tick_offset != ticks.count:
            self._change_offset(sequence)
        record.next_sequence = sequence + 1
        record.outstanding = outstanding = record.outstanding << 1 | 1
        if outstanding > ONE_ACK_COVERS:
            self._bound(sequence)
        if contents:
            self._contents[sequence] = contents
            self.has_contents = True
        return sequence

    def _note_time(self, sequence: int, now: float) -> None:
        times = self._times
        times[sequence] = now
        if len(times) > KEPT_TIMES:
            del times[next(iter(times))]

    def _change_offset(self, sequence: int) -> None:
        """Begin a run of one packet a tick. The packets under way of the previous run get times of their own."""
        record, ticks = self.record, self._ticks
        outstanding, newest = record.outstanding, sequence - 1
        for back in range(min(sequence - record.offset_from, outstanding.bit_length(), KEPT_TIMES) - 1, -1, -1):
            number = newest - back
            if outstanding >> back & 1 and number not in self._times:
                at = ticks.at(number + record.tick_offset)
                if at is not None:
                    self._note_time(number, at)
        record.tick_offset, record.offset_from = ticks.count - sequence, sequence

    def _sent_at(self, sequence: int) -> float | None:
        record = self.record
        if sequence < record.next_sequence - KEPT_TIMES:
            return None
        at = self._times.get(sequence)
        if at is None and sequence >= record.offset_from:
            at = self._ticks.at(sequence + record.tick_offset)
        return at

    def _bound(self, sequence: int) -> None:
        if self.record.outstanding > _FULL:
            self._give_up(_MAX_PACKETS)
        if self._contents:
            self._contents.pop(sequence - _MAX_PACKETS, None)

    def skip(self) -> int:
        """Leave out the next number, and return it. A peer that acknowledges it acknowledges without receiving."""
        record = self.record
        self.skipped = record.next_sequence
        record.next_sequence += 1
        self.skips += 1
        record.outstanding <<= 1
        self._bound(self.skipped)
        return self.skipped

    def acknowledge(self, wire_ack: int, ack_bits: int, width: int = 32) -> tuple[float | None, list[Contents]]:
        """Take in a received acknowledgement (16-bit number, bits of the ``width`` packets before it).

        :returns: the time at which packet ``ack`` was sent, if it is newly acknowledged (else None: no round trip is
            measured); and the contents of all newly acknowledged packets.
        :raises NeverSent: if it names a packet that was never sent. Then it acknowledges nothing.
        """
        record = self.record
        newest = record.next_sequence - 1
        back = (newest - wire_ack) & 0xFFFF
        named = (ack_bits & (1 << width) - 1) << 1 | 1
        self._check(back, named)
        outstanding = record.outstanding
        if not outstanding >> back:
            return None, []  # all of it was known
        acked = outstanding & (named << back)
        record.outstanding = outstanding ^ acked
        if self.loss:
            self._note_arrived(acked)
        if record.outstanding >> (back + _LOST_AFTER + 1):
            self._give_up(back + _LOST_AFTER + 1)
        sent_at = self._sent_at(newest - back) if acked >> back & 1 else None
        if self._times:
            self._forget_times(newest)
        return sent_at, self._take_contents(acked) if self.has_contents else []

    def _forget_times(self, newest: int) -> None:
        outstanding = self.record.outstanding
        self._times = {number: at for number, at in self._times.items() if outstanding >> (newest - number) & 1}

    def _check(self, back: int, named: int) -> None:
        """Raise if a named packet was not sent. Bit n of ``named`` is packet ``back + n`` before the newest.

        After very many packets without an acknowledgement, a number may be an old or a future one.
        """
        record = self.record
        newest = record.next_sequence - 1
        if back >= 0x8000:
            if newest - self.newest_acked < _CERTAIN:
                raise NeverSent(f"packet {newest - back + 0x10000} is acknowledged, {newest} is the newest")
            return
        ack, first = newest - back, record.first_sequence
        if ack < first or (ack - first < 256 and named >> (ack - first + 1)):
            raise NeverSent(f"packets before the first one ({first}) are acknowledged")
        if ack >= self.skipped >= 0 and ack - self.skipped <= 256 and named >> (ack - self.skipped) & 1:
            raise NeverSent(f"packet {self.skipped} is acknowledged, a number that was left out")
        if ack > self.newest_acked:
            self.newest_acked = ack

    def _note_arrived(self, acked: int) -> None:
        self.loss *= (1.0 - _LOSS_GAIN) ** acked.bit_count()
        if self.loss < 1e-4:
            self.loss = 0.0

    def _give_up(self, width: int) -> None:
        record = self.record
        lost = (record.outstanding >> width).bit_count()
        record.outstanding &= (1 << width) - 1
        self.loss = 1.0 - (1.0 - self.loss) * (1.0 - _LOSS_GAIN) ** lost

    def _take_contents(self, acked: int) -> list[Contents]:
        """Remove the contents of acknowledged and lost packets. Return the former."""
        record = self.record
        newest, outstanding = record.next_sequence - 1, record.outstanding
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
