"""What was sent in which packet, and what became of it."""

from __future__ import annotations

from typing import Any

from .sequence import unwrap

Contents = tuple[Any, ...] | None
"""What a packet carried that somebody wants to hear about (channels' pieces), or None."""


class SentPackets:
    """Packets sent and not yet acknowledged, oldest first; bounded, since what many newer ones have overtaken counts
    as lost.

    ``next_sequence`` is the number that the next packet gets. ``loss`` is the recent share of lost packets, 0..1.
    """

    __slots__ = ("_packets", "loss", "next_sequence")

    LOST_AFTER = 256
    """Overtaken by so many acknowledged packets, one counts as lost. More than the 32 of ack_bits, since after a
    burst an ACKS message tells of those further back."""
    MAX_PACKETS = 8192
    """Unacknowledged packets remembered: four seconds of the whole default budget. Beyond that, as with a peer that
    never acknowledges anything, the oldest counts as lost."""
    LOSS_GAIN = 1 / 64
    """Weight of one packet in ``loss``: a memory of about a second at 60 Hz."""

    def __init__(self, first_sequence: int = 0) -> None:
        self._packets: dict[int, float | tuple[float, tuple[Any, ...]]] = {}
        """Number → when it was sent; with its contents, if it has any."""
        self.next_sequence = first_sequence
        self.loss = 0.0

    def __len__(self) -> int:
        return len(self._packets)

    def sent(self, contents: Contents, now: float) -> int:
        """Note that a packet leaves now; return its number."""
        sequence = self.next_sequence
        packets = self._packets
        packets[sequence] = (now, contents) if contents else now
        if len(packets) > self.MAX_PACKETS:
            del packets[next(iter(packets))]
        self.next_sequence = sequence + 1
        return sequence

    def acknowledge_only(self, wire_ack: int) -> float | None:
        """Take in an acknowledgement if it is of the only packet that is under way, and that has no contents.

        The usual case, made cheap. Returns when the packet was sent, or None if it is another case.
        """
        ack = self.next_sequence - 1
        if ack & 0xFFFF != wire_ack or len(self._packets) != 1:
            return None
        sent_at = self._packets.get(ack)
        if type(sent_at) is not float:
            return None
        self._packets.popitem()  # (clear would free and allocate its table)
        if self.loss:
            self.loss -= self.loss * self.LOSS_GAIN
        return sent_at

    def acknowledge(self, wire_ack: int, ack_bits: int, width: int = 32) -> tuple[float | None, list[Contents]]:
        """Take in a received acknowledgement (16-bit number, bits of the ``width`` packets before it).

        :returns: when the packet ``ack`` was sent if this is the first we hear of it (else None: no round trip to be
            measured), and the contents of all packets newly acknowledged.
        """
        packets = self._packets
        ack = self.next_sequence - 1
        if ack & 0xFFFF != wire_ack:
            ack = unwrap(wire_ack, ack)
        newest = packets.pop(ack, None)
        sent_at: float | None = None
        acked: list[Contents] = []
        if newest is not None:
            self.loss -= self.loss * self.LOSS_GAIN
            if isinstance(newest, tuple):
                sent_at = newest[0]
                acked.append(newest[1])
            else:
                sent_at = newest
        if packets and next(iter(packets)) < ack < self.next_sequence:
            self._acknowledge_older(ack, ack_bits, width, acked)
        return sent_at, acked

    def _acknowledge_older(self, ack: int, ack_bits: int, width: int, acked: list[Contents]) -> None:
        done = []
        for sequence, packet in self._packets.items():
            back = ack - sequence
            if back <= 0:
                break
            received = back <= width and ack_bits >> (back - 1) & 1
            if received or back > self.LOST_AFTER:
                done.append(sequence)
                self.loss += ((0.0 if received else 1.0) - self.loss) * self.LOSS_GAIN
                if received and isinstance(packet, tuple):
                    acked.append(packet[1])
        for sequence in done:
            del self._packets[sequence]
