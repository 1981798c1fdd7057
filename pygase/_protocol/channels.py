"""The delivery guarantees: unreliable, retried, reliable ordered.

The sender keeps *pieces*: framed messages, each small enough for a datagram. The acknowledgement of a packet
acknowledges its pieces.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final

from ..errors import MalformedPacket
from .acknowledged import AcknowledgedEvent
from .fragments import Reassembler, TooLarge, split
from .sequence import ReceiveWindow, unwrap
from .wire import AFTER, EVENT, EVENT_ONCE, EVENT_ORDERED, ORDER

RELIABLE: Final = -1
"""A value of ``retries``: resend until the peer has the event, exactly once and in order."""

WINDOW_MESSAGES: Final = 128
"""Most tracked messages under way, and most that the receiver of the reliable channel holds back."""

WINDOW_BYTES: Final = 512 * 1024
"""Most bytes of the messages under way. A single larger message travels alone."""

MAX_BACKOFF: Final = 2.0
"""Greatest factor by which the time-out of a resent piece grows. A game that waits for an event is stuck, and the
budget bounds the rate anyway."""

_ONCE_WINDOW: Final = 4096
"""Numbers back within which a retried event that has been handled is recognised."""


class WindowOverrun(MalformedPacket):
    """An acknowledged event lies beyond the window or is too large. It is never resent, so the connection must end."""


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
        return self.message.ticket if self.message.unacked == 0 else None


class UnreliableSender:
    """Messages that are sent once. Those with a ticket are tracked, to report their arrival."""

    __slots__ = ("_group", "_max_queued", "pieces")

    def __init__(self, max_queued: int) -> None:
        self.pieces: deque[Piece] = deque()
        self._group = 0
        self._max_queued = max_queued

    def queue(self, body: bytes, ticket: int | None) -> None:
        """Add a message. Beyond the bound the oldest piece makes room."""
        message = Message(split(EVENT, self._group, body), 0, ticket)
        self._group += len(message.pieces) > 1
        self.pieces.extend(message.pieces)
        while len(self.pieces) > self._max_queued:
            self.pieces.popleft()

    def take(self, room_bytes: int, now: float) -> Piece | None:
        if self.pieces and len(self.pieces[0].data) <= room_bytes:
            return self.pieces.popleft()
        return None


class TrackedSender:
    """Messages that are resent until they are acknowledged: the retried and the reliable channel, and bulk states.

    A message starts when it fits into the window. Fragmented ones travel one at a time, so that the receiver keeps only
    one unfinished message.
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
    )

    def __init__(self, max_in_flight_bytes: int) -> None:
        self._max_in_flight = max_in_flight_bytes
        self._queue: deque[Message] = deque()
        self._open: deque[Message] = deque()
        self._open_bytes = 0
        self._unsent: deque[Piece] = deque()
        self._in_flight: list[Piece] = []

    def __len__(self) -> int:
        return len(self._queue) + len(self._open)

    def queue(self, message: Message) -> None:
        self._queue.append(message)

    def _start_messages(self) -> None:
        while self._queue and len(self._open) < WINDOW_MESSAGES:
            message = self._queue[0]
            if self._open and (
                self._open_bytes + message.size_bytes > WINDOW_BYTES
                or (len(message.pieces) > 1 and any(len(other.pieces) > 1 for other in self._open))
            ):
                return
            self._open.append(self._queue.popleft())
            self._open_bytes += message.size_bytes
            self._unsent.extend(message.pieces)

    def take(self, room_bytes: int, now: float) -> Piece | None:
        """Return a piece to send now, if it fits: an overdue one, else a fresh one."""
        for piece in self._in_flight:
            overdue = piece.due_at <= now and not piece.acked and piece.sends <= piece.message.resends
            if overdue and len(piece.data) <= room_bytes:
                self._in_flight.remove(piece)
                return piece
        self._start_messages()
        if not self._unsent or len(self._unsent[0].data) > room_bytes:
            return None
        return None if self._full else self._unsent.popleft()

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
            self._unsent = deque(p for p in self._unsent if not p.message.abandoned)
            self._close_finished()

    def _close_finished(self) -> None:
        # in order only: the window spans from the oldest open message, like the receiver's
        while self._open and (self._open[0].unacked == 0 or self._open[0].abandoned):
            self._open_bytes -= self._open.popleft().size_bytes

    def next_due(self, now: float) -> float | None:
        """None for never."""
        if self._queue:
            self._start_messages()  # those that now have room
        if self._unsent and not self._full:
            return now
        return min((piece.due_at for piece in self._in_flight), default=None)


class EventSender:
    __slots__ = (
        "_max_queued",
        "_once_group",
        "_once_number",
        "_order",
        "_ordered_group",
        "once",
        "ordered",
        "unreliable",
    )

    def __init__(self, max_queued: int, max_in_flight_bytes: int) -> None:
        self.unreliable = UnreliableSender(max_queued)
        self.once = TrackedSender(max_in_flight_bytes)
        self.ordered = TrackedSender(max_in_flight_bytes)
        self._max_queued = max_queued
        self._once_number = 0
        self._order = 0
        # only fragmented messages count, so the receiver never confuses a group with one of 65,536 events ago
        self._once_group = self._ordered_group = 0

    def queue_event(self, payload: bytes, retries: int, ticket: int | None) -> None:
        """Queue one serialised event.

        :param retries: 0 (unreliable), n > 0 (resent up to n times) or RELIABLE.
        :raises BufferError: if ``max_queued_messages`` tracked events wait already.
        """
        if retries == 0:
            self.unreliable.queue(payload, ticket)
            return
        channel = self.ordered if retries == RELIABLE else self.once
        if len(channel) >= self._max_queued:
            raise BufferError(
                f"{len(channel)} events wait already for this peer; send fewer, or send them with retries=0"
            )
        if retries == RELIABLE:
            self._order += 1
            pieces = split(EVENT_ORDERED, self._ordered_group, ORDER.pack(self._order & 0xFFFF) + payload)
            self._ordered_group += len(pieces) > 1
            self.ordered.queue(Message(pieces, math.inf, ticket))
        else:
            self._once_number += 1
            pieces = split(EVENT_ONCE, self._once_group, ORDER.pack(self._once_number & 0xFFFF) + payload)
            self._once_group += len(pieces) > 1
            self.once.queue(Message(pieces, retries, ticket))

    @property
    def idle(self) -> bool:
        return not (self.unreliable.pieces or len(self.once) or len(self.ordered))

    def next_due(self, now: float) -> float | None:
        if self.unreliable.pieces:
            return now
        due = [at for at in (self.once.next_due(now), self.ordered.next_due(now)) if at is not None]
        return min(due, default=None)


class EventReceiver:
    """All incoming events of a connection: joins fragments, drops duplicates, restores the order.

    ``deliver`` gets each serialised event in its turn. Retried and reliable ones are AcknowledgedEvents.

    :param fragment_timeout: seconds without progress after which an unfinished unreliable event is given up.
    :ivar held_bytes: bytes of unfinished messages, and of reliable ones ahead of their turn.
    """

    __slots__ = ("_deliver", "_next_order", "_once", "_waiting_bytes", "held", "held_bytes", "reassemblers")

    def __init__(
        self, deliver: Callable[[bytes], None], max_message_bytes: int, fragment_timeout: float = math.inf
    ) -> None:
        self._deliver = deliver
        self._once = ReceiveWindow(_ONCE_WINDOW)
        self._next_order = 1
        self.held: dict[int, bytes] = {}
        limit = max_message_bytes + AFTER.size + ORDER.size
        self.reassemblers = {
            EVENT: Reassembler(limit, max_groups=4, lifetime=fragment_timeout),
            EVENT_ONCE: Reassembler(limit),
            EVENT_ORDERED: Reassembler(limit),
        }
        self._waiting_bytes = self.held_bytes = 0

    def _count_held(self) -> None:
        self.held_bytes = self._waiting_bytes + sum(r.held_bytes for r in self.reassemblers.values())

    def expire(self, now: float) -> None:
        self.reassemblers[EVENT].expire(now)
        self._count_held()

    def forgive(self, slept: float) -> None:
        self.reassemblers[EVENT].forgive(slept)

    def drop_unreliable(self) -> bool:
        """Give up all unfinished unreliable events; return False if there are none. All else that is held was
        acknowledged."""
        loose = self.reassemblers[EVENT]
        found = loose.held_bytes > 0
        loose.clear()
        self._count_held()
        return found

    def receive(self, kind: int, body: bytes) -> None:
        """Take a whole message of kind EVENT, EVENT_ONCE or EVENT_ORDERED.

        :raises MalformedPacket: if it is too short for its number.
        """
        if kind == EVENT:
            self._deliver(body)
            return
        if len(body) < ORDER.size:
            raise MalformedPacket("event without its number")
        number = ORDER.unpack_from(body)[0]
        if kind == EVENT_ONCE:
            if self._once.receive(unwrap(number, max(self._once.latest, 0))):
                self._deliver(AcknowledgedEvent(body[ORDER.size :]))
        else:
            self._receive_ordered(unwrap(number, self._next_order), body[ORDER.size :])

    def _receive_ordered(self, order: int, payload: bytes) -> None:
        if not self._next_order <= order < self._next_order + WINDOW_MESSAGES or order in self.held:
            return
        if order != self._next_order and self.held and self._waiting_bytes + len(payload) > 2 * WINDOW_BYTES:
            raise WindowOverrun("more reliable events ahead of their turn than the window allows")
        before = self._waiting_bytes
        self.held[order] = payload
        self._waiting_bytes += len(payload)
        while self._next_order in self.held:
            self._next_order += 1
            ready = self.held.pop(self._next_order - 1)
            self._waiting_bytes -= len(ready)
            self._deliver(AcknowledgedEvent(ready))
        self.held_bytes += self._waiting_bytes - before

    def receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes, now: float = 0.0) -> None:
        """A complete event is received at once.

        :raises MalformedPacket: if the fragment is wrong, or its kind is no event's.
        """
        reassembler = self.reassemblers.get(kind)
        if reassembler is None:
            raise MalformedPacket(f"fragment of unknown kind {kind}")
        try:
            body = reassembler.receive(group, index, count, part, now)
        except TooLarge as error:
            if kind == EVENT_ORDERED:  # it is acknowledged, so the peer never resends it
                raise WindowOverrun(f"a reliable event that is too large: {error}") from None
            raise MalformedPacket(str(error)) from None
        self._count_held()
        if body is not None:
            self.receive(kind, body)
