"""The delivery guarantees: unreliable, retried, reliable ordered.

The sender keeps *pieces*: framed messages, each small enough for a datagram. The acknowledgement of a packet
acknowledges its pieces.
"""

from __future__ import annotations

import math
from typing import Final

from .fragments import split
from .wire import EVENT, EVENT_ONCE, EVENT_ORDERED, FRAGMENT, FRAGMENT_HEADER, MESSAGE_HEADER, ORDER

RELIABLE: Final = -1
"""A value of ``retries``: resend until the peer has the event, exactly once and in order."""

WINDOW_MESSAGES: Final = 128
"""Most tracked messages under way, and most that the receiver of the reliable channel holds back."""

WINDOW_BYTES: Final = 512 * 1024
"""Most bytes of the messages under way. A single larger message travels alone."""

MAX_BACKOFF: Final = 2.0
"""Greatest factor by which the time-out of a resent piece grows. A game that waits for an event is stuck, and the
budget bounds the rate anyway."""


class Message:
    """An event on its way, and its pieces.

    :ivar ticket: the number that is reported when the peer has the whole event, or None.
    :ivar resends: how often each piece may be resent; math.inf for reliable.
    :ivar abandoned: True once it is given up. A late arrival is still reported.
    """

    __slots__ = ("abandoned", "pieces", "resends", "size_bytes", "ticket", "unacked")

    def __init__(self, pieces: list[bytes], resends: float, ticket: int | None) -> None:
        self.pieces = [Piece(piece, self) for piece in pieces]
        self.size_bytes = sum(map(len, pieces))
        self.resends = resends
        self.ticket = ticket
        self.unacked = len(pieces)
        self.abandoned = False

    def take_ticket(self) -> int | None:
        """Return the ticket, which is reported once."""
        ticket, self.ticket = self.ticket, None
        return ticket

    def restart(self) -> None:
        """Note that no piece is on its way or has arrived."""
        self.unacked = len(self.pieces)
        for piece in self.pieces:
            piece.acked, piece.sends = False, 0

    @property
    def body(self) -> bytes:
        return b"".join(piece.data[_head_bytes(piece.data) :] for piece in self.pieces)

    def renumber(self, number: int) -> None:
        """Give an event with a number another one. It is in the first piece."""
        first = self.pieces[0]
        at = _head_bytes(first.data)
        first.data = first.data[:at] + ORDER.pack(number & 0xFFFF) + first.data[at + ORDER.size :]


def _head_bytes(framed: bytes) -> int:
    return MESSAGE_HEADER.size + (FRAGMENT_HEADER.size if framed[0] == FRAGMENT else 0)


class Piece:
    __slots__ = ("acked", "data", "due_at", "message", "sends")

    def __init__(self, data: bytes, message: Message) -> None:
        self.data = data
        self.message = message
        self.due_at = 0.0
        self.sends = 0
        self.acked = False

    @property
    def tracked(self) -> bool:
        return self.message.resends > 0 or self.message.ticket is not None

    def acknowledge(self) -> int | None:
        """Return the message's ticket if the peer has the whole message now."""
        if self.acked:
            return None
        self.acked = True
        self.message.unacked -= 1
        return self.message.take_ticket() if self.message.unacked == 0 else None


class UnreliableSender:
    """Messages that are sent once. Those with a ticket are tracked, to report their arrival."""

    __slots__ = ("_group", "_max_queued", "pieces")

    def __init__(self, max_queued: int) -> None:
        self.pieces: list[Piece] = []
        self._group = 0
        self._max_queued = max_queued

    def queue(self, body: bytes, ticket: int | None) -> None:
        """Add a message. Beyond the bound the oldest piece makes room."""
        message = Message(split(EVENT, self._group, body), 0, ticket)
        self._group += len(message.pieces) > 1
        self.pieces.extend(message.pieces)
        del self.pieces[: max(len(self.pieces) - self._max_queued, 0)]

    def take(self, room_bytes: int, now: float) -> Piece | None:
        if self.pieces and len(self.pieces[0].data) <= room_bytes:
            return self.pieces.pop(0)
        return None


class TrackedSender:
    """Messages that are resent until they are acknowledged: the retried and the reliable channel, and bulk states.

    A message starts when it fits into the window. Fragmented ones travel one at a time, so that the receiver keeps only
    one unfinished message.

    :ivar is_held: True while nothing may leave.
    """

    __slots__ = (
        "_give_up",
        "_in_flight",
        "_max_in_flight",
        "_oldest",
        "_open",
        "_open_bytes",
        "_queue",
        "_unsent",
        "is_held",
    )

    def __init__(self, max_in_flight_bytes: int) -> None:
        self.is_held = False
        self._max_in_flight = max_in_flight_bytes
        self._queue: list[Message] = []  # mostly empty, and an empty deque takes ten times the memory
        self._open: list[Message] = []
        self._open_bytes = 0
        self._unsent: list[Piece] = []
        self._in_flight: list[Piece] = []

    def __len__(self) -> int:
        return len(self._queue) + len(self._open)

    def queue(self, message: Message) -> None:
        self._queue.append(message)

    def waiting(self) -> list[bytes]:
        """Return the bodies of all messages, sent or not, in order."""
        return [message.body for message in (*self._open, *self._queue)]

    def restart(self) -> None:
        """Make all messages wait again as if none had left, as a new path begins. A message of which only fragments
        have arrived is sent as a whole, since the peer has dropped them."""
        again = [message for message in self._open if not message.abandoned]
        for message in again:
            message.restart()
        self._queue[:0] = again
        self.drop_started()

    def drop_started(self) -> None:
        """Give up the messages that may have reached the peer."""
        self._open.clear()
        self._open_bytes = 0
        self._unsent.clear()
        self._in_flight.clear()

    def clear(self) -> None:
        self.drop_started()
        self._queue.clear()

    def drop_first(self, count: int) -> list[Message]:
        """Remove the first messages, all waiting after :meth:`restart`, and return them."""
        count = max(count, 0)
        first, self._queue = self._queue[:count], self._queue[count:]
        return first

    def renumber(self, first: int) -> None:
        """Number all messages anew, all waiting after :meth:`restart`."""
        for number, message in enumerate(self._queue, first):
            message.renumber(number)

    def _start_messages(self) -> None:
        while self._queue and len(self._open) < WINDOW_MESSAGES:
            message = self._queue[0]
            if self._open and (
                self._open_bytes + message.size_bytes > WINDOW_BYTES
                or (len(message.pieces) > 1 and any(len(other.pieces) > 1 for other in self._open))
            ):
                return
            self._open.append(self._queue.pop(0))
            self._open_bytes += message.size_bytes
            self._unsent.extend(message.pieces)

    def take(self, room_bytes: int, now: float) -> Piece | None:
        """Return a piece to send now, if it fits: an overdue one, else a fresh one; while it is held, None."""
        if self.is_held:
            return None
        for piece in self._in_flight:
            overdue = piece.due_at <= now and not piece.acked and piece.sends <= piece.message.resends
            if overdue and len(piece.data) <= room_bytes:
                self._in_flight.remove(piece)
                return piece
        self._start_messages()
        if not self._unsent or len(self._unsent[0].data) > room_bytes:
            return None
        return None if self._full else self._unsent.pop(0)

    @property
    def _full(self) -> bool:
        return sum(len(piece.data) for piece in self._in_flight) >= self._max_in_flight

    def sent(self, piece: Piece, rto: float, now: float) -> None:
        """Note that a piece has left. Its time-out grows by half each time."""
        piece.due_at = now + rto * min(1.5 ** min(piece.sends, 8), MAX_BACKOFF)
        piece.sends += 1
        self._in_flight.append(piece)

    def hasten(self, due_at: float) -> None:
        """Make all pieces under way due by this time, since the time-out has become shorter."""
        for piece in self._in_flight:
            if piece.sends <= piece.message.resends:  # else it would be given up before its acknowledgement arrives
                piece.due_at = min(piece.due_at, due_at)

    def on_acked(self) -> None:
        self._in_flight = [piece for piece in self._in_flight if not piece.acked]
        self._close_finished()

    def give_up(self, now: float) -> None:
        """Drop the messages whose resends are used up."""
        spent = [p for p in self._in_flight if p.due_at <= now and p.sends > p.message.resends]
        if spent:
            for piece in spent:
                piece.message.abandoned = True
            self._in_flight = [p for p in self._in_flight if not p.message.abandoned]
            self._unsent = [p for p in self._unsent if not p.message.abandoned]
            self._close_finished()

    def _close_finished(self) -> None:
        # in order only: the window spans from the oldest open message, like the receiver's
        while self._open and (self._open[0].unacked == 0 or self._open[0].abandoned):
            self._open_bytes -= self._open.pop(0).size_bytes

    def next_due(self, now: float) -> float | None:
        """None for never."""
        if self._queue:
            self._start_messages()  # those that now have room
        if self._unsent and not self._full:
            return now
        return min((piece.due_at for piece in self._in_flight), default=None)


NO_MESSAGES: Final = TrackedSender(0)
"""The sender of a channel that has never been used, for all connections. Nothing is queued in it."""

ORDERED: Final = 0
ONCE: Final = 1
"""The places of the two channels in ``EventSender.tracked``."""


class EventSender:
    """All outgoing events of a connection.

    :ivar tracked: the senders of messages that may be resent, in the order in which they fill packets. A connection may
        append more of them. Each is NO_MESSAGES before its first message, since most clients never use it.
    :ivar remembered: after a restart from a checkpoint the number of the last reliable event in it; else None.
    """

    __slots__ = (
        "_max_in_flight",
        "_max_queued",
        "_once_group",
        "_once_number",
        "_order",
        "_ordered_group",
        "remembered",
        "tracked",
        "unreliable",
    )

    def __init__(self, max_queued: int, max_in_flight_bytes: int) -> None:
        self.unreliable = UnreliableSender(max_queued)
        self.tracked = [NO_MESSAGES, NO_MESSAGES]
        self.remembered: int | None = None
        self._max_queued = max_queued
        self._max_in_flight = max_in_flight_bytes
        self._once_number = 0
        self._order = 0
        # only fragmented messages count, so the receiver never confuses a group with one of 65,536 events ago
        self._once_group = self._ordered_group = 0

    @property
    def ordered(self) -> TrackedSender:
        return self.tracked[ORDERED]

    @property
    def once(self) -> TrackedSender:
        return self.tracked[ONCE]

    def _used(self, channel: int) -> TrackedSender:
        """Return the sender of a channel that gets a message."""
        if self.tracked[channel] is NO_MESSAGES:
            self.tracked[channel] = TrackedSender(self._max_in_flight)
        return self.tracked[channel]

    def queue_event(self, payload: bytes, retries: int, ticket: int | None) -> None:
        """Queue one serialised event.

        :param retries: 0 (unreliable), n > 0 (resent up to n times) or RELIABLE.
        :raises BufferError: if ``max_queued_messages`` tracked events wait already.
        """
        if retries == 0:
            self.unreliable.queue(payload, ticket)
            return
        channel = self._used(ORDERED if retries == RELIABLE else ONCE)
        if len(channel) >= self._max_queued:
            raise BufferError(
                f"{len(channel)} events wait already for this peer; send fewer, or send them with retries=0"
            )
        if retries == RELIABLE:
            self._order += 1
            pieces = split(EVENT_ORDERED, self._ordered_group, ORDER.pack(self._order & 0xFFFF) + payload)
            self._ordered_group += len(pieces) > 1
            channel.queue(Message(pieces, math.inf, ticket))
        else:
            self._once_number += 1
            pieces = split(EVENT_ONCE, self._once_group, ORDER.pack(self._once_number & 0xFFFF) + payload)
            self._once_group += len(pieces) > 1
            channel.queue(Message(pieces, retries, ticket))

    @property
    def ordered_acked(self) -> int:
        """Count of the reliable events that the peer is known to have, with all before them."""
        return self._order - len(self.ordered)

    def renew(self, *, peer_forgot: bool = False) -> None:
        """Begin with a new path: what the peer is not known to have is sent again. Unreliable events are dropped.

        :param peer_forgot: whether the peer may have handled retried events without knowing it. They are dropped: no
            event is handled twice.
        """
        self.unreliable.pieces.clear()
        if peer_forgot:
            self.once.drop_started()
        self.ordered.restart()
        self.once.restart()

    def join(self, received: int) -> list[int]:
        """Go on after the last reliable event that the peer has received. Next after :meth:`renew`.

        The peer may have events of a later time than this side remembers, after a restart from a checkpoint. Then
        the events that are newer than the memory get numbers after the peer's.

        :param received: count of all reliable events that the peer has received.
        :returns: the tickets of the events that it turns out to have.
        """
        known = min(received, self._order if self.remembered is None else self.remembered)
        arrived = self.ordered.drop_first(known - self.ordered_acked)
        if self.remembered is not None and received > self.remembered:
            self.ordered.renumber(received + 1)
            self._order = received + len(self.ordered)
        self.remembered = None
        return [ticket for message in arrived if (ticket := message.take_ticket()) is not None]

    def saved(self) -> tuple[int, list[bytes]]:
        """Return what :meth:`restore` needs: the number of the last reliable event, and the events that the peer is not
        known to have."""
        return self._order, [body[ORDER.size :] for body in self.ordered.waiting()]

    def restore(self, last: int, payloads: list[bytes]) -> None:
        """Go on with the reliable events of an earlier process, in a sender that has sent nothing yet."""
        self._order = last - len(payloads)
        for payload in payloads:
            self.queue_event(payload, RELIABLE, None)
        self.remembered = last

    def begin_anew(self) -> None:
        """Send to a peer that remembers nothing: the waiting reliable events, from number 1 on. Next after
        :meth:`renew`."""
        self.once.clear()
        self._once_number = 0
        self.ordered.renumber(1)
        self._order = len(self.ordered)
        self.remembered = None

    @property
    def idle(self) -> bool:
        return not (self.unreliable.pieces or len(self.once) or len(self.ordered))

    def next_due(self, now: float) -> float | None:
        if self.unreliable.pieces:
            return now
        due = [at for at in (self.once.next_due(now), self.ordered.next_due(now)) if at is not None]
        return min(due, default=None)
