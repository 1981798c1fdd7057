"""The numbers of one connection that every tick touches, in one flat object.

One object of plain numbers costs one look into memory; five objects that refer to each other cost five. The parts of a
peer share the record of their connection. Each number belongs to one part, which alone changes it.
"""

from __future__ import annotations

import math
from typing import Final

from .rhythm import NO_RIDE
from .sequence import ReceiveWindow

ACK_AT_ONCE: Final = 8
"""Packets after which an acknowledgement waits no longer. ack_bits name 32 packets, so each packet is acknowledged four
times."""

ACK_BITS: Final = 32

RIDERS: Final = 16
"""The same for packets whose acknowledgement waits for a tick. Each packet is acknowledged twice."""

NUMBERS_APART: Final = 1024
"""Distance of the last number of a path from the first of the next one, for the inputs. Nothing counts as lost between
numbers so far apart."""


class PeerRecord(ReceiveWindow):
    """The numbers of one connection. As a window it records the received packets of the peer.

    It has more than 15 attributes, since it is a flat record without behaviour. Times are seconds of the connection's
    clock; sizes are bytes.

    Of the received packets: :ivar bytes_received, packets_dropped: totals.
    :ivar latest_received_at: when the newest packet arrived.
    :ivar last_received_at: when any packet arrived last; before the first one, when the handshake did.
    :ivar unacknowledged: packets since our last one.
    :ivar ack_due_at: when their acknowledgement leaves at the latest.
    :ivar ride: the packet on which their acknowledgement may wait.
    :ivar ack_delay: how long an acknowledgement may wait.
    :ivar acked_tick: the newest state that the client acknowledges; 0: none, -1: nothing acknowledged yet.

    Of the sent packets: :ivar next_sequence: the number of the next packet.
    :ivar outstanding: a bit for each packet under way, the newest in the lowest bit.
    :ivar tick_offset: the number of a tick less that of the packet sent with it, from ``offset_from`` on.
    :ivar spent, limit: the budget, see :class:`~.budget.TokenBucket`.
    :ivar last_sent_at: when a packet left last.
    :ivar skip_is_due: True if the number of the next packet is to be left out.
    :ivar next_at: when something is to be sent or noticed, or an earlier time.
    :ivar look_at: until then acknowledgements are not looked at, since later ones repeat them.
    :ivar has_backlog: True if one message a packet may not suffice: events or states wait to be sent or acknowledged,
        or more packets are to be acknowledged than a header names.

    Of the states: :ivar baseline_tick: the state that deltas are made against; 0: none.
    :ivar state_limit: the bytes sent in all, from which on a state needs a look at the send window.
    :ivar sent_tick, sent_at: the newest state that has been sent, and when.
    :ivar settled_tick: the ``acked_tick`` that last settled ``baseline_tick``.
    :ivar urgent: True if the packet being made carries what should not wait for the receiver's tick.
    :ivar skipped_number: the latest number that the client left out; -1: none.
    :ivar skipped_count: how many numbers it left out.
    :ivar numbers_before: by how much the numbers of former paths are ahead of this path's, for the inputs.
    """

    __slots__ = (
        "ack_delay",
        "ack_due_at",
        "acked_tick",
        "baseline_tick",
        "bytes_received",
        "first_sequence",
        "has_backlog",
        "last_received_at",
        "last_sent_at",
        "latest_received_at",
        "limit",
        "look_at",
        "next_at",
        "next_sequence",
        "numbers_before",
        "offset_from",
        "outstanding",
        "packets_dropped",
        "ride",
        "sent_at",
        "sent_tick",
        "settled_tick",
        "skip_is_due",
        "skipped_count",
        "skipped_number",
        "spent",
        "state_limit",
        "tick_offset",
        "unacknowledged",
        "urgent",
    )

    def __init__(self, now: float = 0.0, first_sequence: int = 0, ack_delay: float = 0.0) -> None:
        super().__init__()
        self.bytes_received = 0
        self.packets_dropped = 0
        self.ride = NO_RIDE
        self.ack_delay = ack_delay
        self.first_sequence = first_sequence
        self.spent = 0
        self.limit = 0.0
        self.state_limit = math.inf
        self.numbers_before = 0
        self.forget_states()
        self._begin(now)

    def renew(self, now: float) -> None:
        """Begin with a new path of packets. The totals of bytes stay, and the states that the client has."""
        self.numbers_before += max(self.latest - self.skipped_count, 0) + NUMBERS_APART
        self.forget()
        self._begin(now)

    def _begin(self, now: float) -> None:
        self.latest_received_at = now
        self.last_received_at = now
        self.unacknowledged = 0
        self.ack_due_at = math.inf
        self.next_sequence = self.first_sequence
        self.outstanding = 0
        self.tick_offset = 0
        self.offset_from = self.first_sequence
        self.last_sent_at = now
        self.skip_is_due = False
        self.urgent = False
        self.next_at = now
        self.look_at = -math.inf
        self.has_backlog = False
        self.sent_tick = 0
        self.sent_at = 0.0
        self.skipped_number = -1
        self.skipped_count = 0

    def forget_states(self) -> None:
        """Note that the client has no state."""
        self.acked_tick = -1
        self.baseline_tick = 0
        self.settled_tick = -1

    def note_eliciting(self, now: float) -> None:
        """Note that a packet with messages has arrived, which is to be acknowledged."""
        self.unacknowledged += 1
        due_at, most = now + self.ack_delay, ACK_AT_ONCE
        if self.ride.leaves_by > due_at:
            due_at, most = self.ride.leaves_by, RIDERS
        if self.unacknowledged >= most:
            due_at = now
            if self.unacknowledged > ACK_BITS:
                self.has_backlog = True
        self._acknowledge_by(due_at)

    def hurry_ack(self, now: float) -> None:
        """Let the acknowledgement of the packet that has just arrived ride on no later packet than ``ack_delay``
        allows."""
        self._acknowledge_by(now + self.ack_delay)

    def _acknowledge_by(self, due_at: float) -> None:
        if due_at < self.ack_due_at:
            self.ack_due_at = due_at
        if self.ack_due_at < self.next_at:
            self.next_at = self.ack_due_at

    def hasten(self, now: float) -> None:
        """Have a packet sent now, also if nothing waits."""
        self.has_backlog = True
        self.ack_due_at = self.next_at = now

    def note_repeated_handshake(self, now: float) -> None:
        """Note that the client has not got the acceptance yet, and is there."""
        if self.latest < 0:
            self.last_received_at = now

    def note_packet(self, wire: int, now: float) -> bool:
        """Note the arrival of a packet with this number (16 bits). Return False if it is a duplicate or too old, or
        would be before the first one."""
        latest = self.latest
        ahead = ((wire - latest + 0x8000) & 0xFFFF) - 0x8000 if latest >= 0 else wire + 1
        number = latest + ahead
        if number < 0 or not self.receive(number):
            self.packets_dropped += 1
            return False
        if ahead > 0:
            self.latest_received_at = now
        self.last_received_at = now
        return True
