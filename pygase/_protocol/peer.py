"""What both ends of a connection share: packets, acknowledgements, events, heartbeats, time-outs.

``now`` is any clock in seconds that never goes back, the same one in all calls of one object.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar, Final, NamedTuple

from ..config import ConnectionConfig
from ..errors import DisconnectReason, MalformedPacket
from .acks import Contents, NeverSent, SentPackets
from .budget import TokenBucket
from .channels import EventReceiver, EventSender, TrackedSender, WindowOverrun
from .handshake import RandomBytes, reason_from_wire
from .inputs import InputsMessage
from .sequence import ACK_BITS_MASK, ReceiveWindow
from .snapshots import ReceivedState
from .timing import ConnectionStats, RateMeter, RttEstimator
from .wire import (
    ACKS,
    CLOSE,
    EVENT,
    EVENT_ONCE,
    EVENT_ORDERED,
    FRAGMENT,
    FRAGMENT_HEADER,
    MAX_MESSAGE_ROOM,
    NO_ACK_DELAY,
    TIME_UNIT,
    Accepted,
    acks_message,
    close_message,
    decode_acks,
    decode_close,
)

CLOSE_COPIES: Final = 3
"""A goodbye is not acknowledged: at 10 % loss one of three arrives in 999 of 1,000 cases; else the time-out tells."""

ACK_AT_ONCE: Final = 8
"""After so many packets an acknowledgement waits no longer: ack_bits reach 32 packets back, so each is covered four
times."""

ACK_BITS: Final = 32

_WORRIED_AFTER: Final = 1.5
"""Heartbeat intervals without a word from the peer, after which heartbeats become more frequent …"""
_WORRIED_RATE: Final = 4
"""… by this factor: with the defaults, a burst of loss would have to swallow 14 in a row to end a connection."""

MEASURE_INTERVAL: Final = 0.05
"""Seconds between two measurements of the round trip at least; RFC 6298 asks for one a round trip."""

NOTHING_RECEIVED: Final = (0xFFFF, 0, NO_ACK_DELAY)
"""``ack``, ``ack_bits`` and ``ack_delay`` of somebody who has received nothing yet."""

MIN_SKIP_DISTANCE: Final = 64
"""Packets from one number that is left out to the next one at least: an acknowledgement of 32 packets never has to do
with two of them."""

NEVER_SENT: Final = "A packet was acknowledged that was never sent."

# -- what next_event() returns ---------------------------------------------------------------------------------------


class Connected(NamedTuple):
    """The connection stands; ``address`` is the client's, as the server sees it."""

    accepted: Accepted
    address: tuple[Any, ...]


class EventReceived(NamedTuple):
    """The peer's event, serialised (client only; the server's inbox holds the bare bytes)."""

    payload: bytes


class MessageAcked(NamedTuple):
    """The peer has the event which was queued with this ticket."""

    ticket: int


class StateReceived(NamedTuple):
    """A new state (client only)."""

    state: ReceivedState


class InputsReceived(NamedTuple):
    """Inputs of the client's player, most of them not for the first time (server only).

    ``datagram`` is the number of the newest datagram so far; bit i of ``came``: whether the i-th before it has come.
    """

    message: InputsMessage
    datagram: int
    came: int


class InputStateReceived(NamedTuple):
    """Which inputs the state of ``tick`` includes, and how many ticks early they come (client only)."""

    tick: int
    applied: int
    margin: float


class Disconnected(NamedTuple):
    """The connection has ended, or never came about. Nothing follows."""

    reason: DisconnectReason
    detail: str
    remote: bool


ProtocolEvent = (
    Connected | EventReceived | MessageAcked | StateReceived | InputsReceived | InputStateReceived | Disconnected
)


class PeerProtocol:
    """What both ends share: packets, acknowledgements, events, heartbeats, time-outs."""

    __slots__ = (
        "_ack_delay",
        "_ack_due_at",
        "_bucket",
        "_busy",
        "_first_sequence",
        "_incoming",
        "_last_sent_at",
        "_latest_received_at",
        "_measure_at",
        "_random_bytes",
        "_rates",
        "_sent",
        "_skip_at",
        "_skips_next",
        "_unacknowledged",
        "_window",
        "bytes_received",
        "closed",
        "config",
        "last_received_at",
        "next_at",
        "outgoing",
        "packets_dropped",
        "rtt",
        "token",
    )

    _header_bytes: ClassVar[int]

    _skip_within: ClassVar = 1024
    """A number is left out after so many packets at most, and ``MIN_SKIP_DISTANCE`` more: once in ten seconds or so at
    60 Hz. (QUIC does the same against optimistic acknowledgements: RFC 9000, section 21.4.)"""

    def __init__(
        self,
        token: bytes,
        config: ConnectionConfig,
        now: float,
        first_sequence: int = 0,
        random_bytes: RandomBytes | None = None,
    ) -> None:
        self.token = token
        self.config = config
        self.rtt = RttEstimator(config.min_rto)
        self.outgoing = EventSender(config.max_queued_messages, config.burst_bytes)
        self.closed: Disconnected | None = None
        self._ack_delay = config.ack_delay
        self._measure_at = now
        self.last_received_at = now
        self.next_at = now
        """Not later than the time at which this peer has something to send or to notice."""
        self.bytes_received = self.packets_dropped = 0
        self._first_sequence = first_sequence
        self._sent = SentPackets(first_sequence)
        self._random_bytes = random_bytes
        self._skip_at = math.inf
        """From this number on, one is to be left out when an acknowledgement has been looked at."""
        self._skips_next = False
        self._plan_skip()
        self._window = ReceiveWindow()
        self._latest_received_at = now
        self._last_sent_at = now
        self._ack_due_at = math.inf
        self._unacknowledged = 0
        self._bucket = TokenBucket(config.bytes_per_second, config.burst_bytes, now)
        self._rates = RateMeter(4)
        self._incoming = EventReceiver(self._deliver, config.max_message_bytes, config.fragment_timeout)
        self._busy = False
        """True if there may be more to do than one message a packet: events or states wait to be sent or acknowledged,
        or more is to be acknowledged than a header can."""

    @property
    def packets_received(self) -> int:
        """How many packets have come, duplicates not counted."""
        return self._window.count

    @property
    def bytes_sent(self) -> int:
        """How many bytes have left in packets."""
        return self._bucket.spent

    # -- receiving -----------------------------------------------------------------------------------------------

    def _deliver(self, payload: bytes) -> None:
        raise NotImplementedError

    def _on_message_acked(self, ticket: int, now: float) -> None:
        raise NotImplementedError

    def _end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        raise NotImplementedError

    def _is_duplicate(self, wire_sequence: int, now: float) -> bool:
        window = self._window
        latest = window.latest
        sequence = wire_sequence
        if latest >= 0:
            sequence = latest + ((wire_sequence - latest + 0x8000) & 0xFFFF) - 0x8000
        if not window.receive(sequence):
            self.packets_dropped += 1
            return True
        if sequence > latest:
            self._latest_received_at = now
        self.last_received_at = now
        return False

    def _receive_ack(self, ack: int, ack_bits: int, delay: int, now: float) -> float | None:
        """Take in an acknowledgement; return when the packet ``ack`` was sent, if that is news."""
        try:
            sent_at, acked = self._sent.acknowledge(ack, ack_bits)
        except NeverSent:
            if (ack, ack_bits, delay) != NOTHING_RECEIVED:
                self._on_violation()
            return None
        if self._sent.next_sequence >= self._skip_at:
            self._skips_next = self._busy = True  # the long way: the short one does not know of it
        if sent_at is not None and delay != NO_ACK_DELAY and now >= self._measure_at:
            self._measure(now - sent_at - delay * TIME_UNIT, now)
        if acked:
            self._receive_acked_contents(acked, now)
        return sent_at

    def _on_violation(self) -> None:
        """The peer has acknowledged what was never sent."""
        self._end(DisconnectReason.PROTOCOL_ERROR, NEVER_SENT, remote=False)

    def _plan_skip(self) -> None:
        """Choose when to leave out a number, so that nobody can know which."""
        if self._random_bytes is not None:
            distance = int.from_bytes(self._random_bytes(2), "big") % self._skip_within
            self._skip_at = float(self._sent.next_sequence + MIN_SKIP_DISTANCE + distance)

    def _skip_number(self) -> None:
        """Leave out the number of the next packet, if it is time to."""
        if self._skips_next:
            self._note_skipped(self._sent.skip())
            self._skips_next = False
            self._plan_skip()

    def _note_skipped(self, number: int) -> None:
        """The number will not be used (client only: to tell the server)."""

    def _measure(self, rtt: float, now: float) -> None:
        is_first = not self.rtt.rtt
        self.rtt.sample(rtt if rtt > TIME_UNIT else TIME_UNIT)
        self._measure_at = now + MEASURE_INTERVAL
        if is_first:  # what has left by now was given the time-out of a link of which nothing is known
            again_at = now + self.rtt.rto
            for sender in self._tracked_senders():
                if len(sender):
                    sender.hasten(again_at)
                    self.next_at = min(self.next_at, again_at)

    def _receive_acked_contents(self, acked: list[Contents], now: float) -> None:
        for contents in acked:
            for piece in contents or ():
                ticket = piece.acknowledge()
                if ticket is not None:
                    self._on_message_acked(ticket, now)
        for sender in self._tracked_senders():
            if len(sender):
                sender.on_acked()
                due_at = sender.next_due(now)  # there may be room under way for more
                if due_at is not None and due_at < self.next_at:
                    self.next_at = due_at

    def _tracked_senders(self) -> tuple[TrackedSender, ...]:
        return (self.outgoing.ordered, self.outgoing.once)

    def _note_eliciting(self, now: float) -> None:
        """Note that a packet has come which wants to be acknowledged."""
        self._unacknowledged += 1
        if self._ack_due_at > now + self._ack_delay:
            self._ack_due_at = now + self._ack_delay
        if self._unacknowledged >= ACK_AT_ONCE:
            self._ack_due_at = now
            if self._unacknowledged > ACK_BITS:
                self._busy = True
        if self._ack_due_at < self.next_at:
            self.next_at = self._ack_due_at

    def _receive_messages(self, data: bytes, now: float) -> None:
        """Take in all messages of a packet; counts what is malformed and drops the rest of it."""
        at, end = self._header_bytes, len(data)
        self._note_eliciting(now)
        try:
            while at < end and self.closed is None:
                if end - at < 3:
                    raise MalformedPacket("message header is cut off")
                kind = data[at]
                begin = at + 3
                at = begin + (data[at + 1] << 8 | data[at + 2])
                if at > end:
                    raise MalformedPacket("message reaches beyond its packet")
                if kind == EVENT:
                    self._deliver(data[begin:at])
                else:
                    self._receive_message(kind, data[begin:at], now)
        except WindowOverrun:
            self._end(DisconnectReason.PROTOCOL_ERROR, "", remote=False)
        except NeverSent:
            self._on_violation()
        except MalformedPacket:
            self.packets_dropped += 1

    def _receive_message(self, kind: int, body: bytes, now: float) -> None:
        if kind in (EVENT_ONCE, EVENT_ORDERED):
            self._incoming.receive(kind, body)
        elif kind == FRAGMENT:
            if len(body) < FRAGMENT_HEADER.size:
                raise MalformedPacket("fragment without its header")
            whole, group, index, count = FRAGMENT_HEADER.unpack_from(body)
            self._receive_fragment(whole, group, index, count, body[FRAGMENT_HEADER.size :], now)
        elif kind == ACKS:
            sequence, bits = decode_acks(body)
            self._receive_acked_contents(self._sent.acknowledge(sequence, bits, 256)[1], now)
        elif kind == CLOSE:
            reason, detail = decode_close(body)
            self._end(reason_from_wire(reason), detail, remote=True)
        # an unknown kind is from a future version: skipped

    def _receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes, now: float) -> None:
        self._incoming.receive_fragment(kind, group, index, count, part, now)

    def give_up_fragments(self, now: float) -> None:
        """Let go of unreliable messages of which no fragment has arrived for ``fragment_timeout``."""
        if self._incoming.held_bytes:
            self._incoming.expire(now)

    def drop_unreliable(self) -> bool:
        """Let go of all unfinished unreliable messages; False if there are none."""
        return self._incoming.drop_unreliable()

    @property
    def held_bytes(self) -> int:
        """How much of what the peer has sent is held back, since something before or of it is missing."""
        return self._incoming.held_bytes

    # -- sending -------------------------------------------------------------------------------------------------

    def queue_event(self, payload: bytes, retries: int, ticket: int | None, *, now: float) -> None:
        """Queue a serialised event; see :meth:`EventSender.queue_event`. It leaves with the next
        ``datagrams_to_send``.
        """
        self.outgoing.queue_event(payload, retries, ticket)
        self._busy = True
        self.next_at = min(self.next_at, now)

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
        raise NotImplementedError

    def _packet(self, messages: bytes, contents: Contents, now: float) -> bytes:
        """Return a finished DATA datagram and note that it leaves now."""
        window, sent = self._window, self._sent
        delay = NO_ACK_DELAY
        if window.latest >= 0:
            held = int((now - self._latest_received_at) / TIME_UNIT + 0.5)
            delay = held if held < NO_ACK_DELAY else NO_ACK_DELAY
        ack_bits = (window.mask >> 1) & ACK_BITS_MASK
        self._skip_number()
        sequence = sent.sent(contents, now)
        datagram = self._header(sequence & 0xFFFF, window.latest & 0xFFFF, ack_bits, delay, now) + messages
        self._bucket.spend(len(datagram))
        self._last_sent_at = now
        self._ack_due_at = math.inf
        self._unacknowledged = 0
        return datagram

    def _datagrams(self, now: float) -> list[bytes]:
        """Return all datagrams that are due, as far as the budget goes."""
        datagrams: list[bytes] = []
        rto = self.rtt.rto
        if self._busy:
            for sender in self._tracked_senders():
                sender.give_up(now)
        while self._bucket.allows(now):
            filled = self._fill_packet(rto, now)
            if filled is None:
                break
            datagrams.append(self._packet(*filled, now))
        if not datagrams and (now >= self._ack_due_at or now >= self._heartbeat_at()):
            datagrams.append(self._bare_packet(now))
        self._busy = not self.outgoing.idle
        return datagrams

    def _bare_packet(self, now: float) -> bytes:
        """Return a packet for the sake of its header, with what rides along."""
        acks, contents = self._acks(), list[Any]()
        riders = self._riders(MAX_MESSAGE_ROOM - len(acks))
        if riders:
            self._rode(contents)
        return self._packet(acks + riders, tuple(contents) or None, now)

    def _riders(self, room: int) -> bytes:
        """Return framed messages that go along with whatever packet leaves."""
        return b""

    def _rode(self, contents: list[Any]) -> None:
        """The riders are on their way. Add to ``contents`` what wants to hear of their arrival."""

    _hurried = False
    """True if the riders shall leave now, even alone."""

    def _heartbeat_at(self) -> float:
        """Return when to break our silence; sooner if the peer is silent, too, since heartbeats may be getting lost."""
        interval = self.config.heartbeat_interval
        worried_at = self.last_received_at + _WORRIED_AFTER * interval
        return min(self._last_sent_at + interval, max(worried_at, self._last_sent_at + interval / _WORRIED_RATE))

    def _acks(self) -> bytes:
        """Return an ACKS message if more has come since our last packet than its header can acknowledge."""
        if self._unacknowledged <= ACK_BITS:
            return b""
        return acks_message(self._window.latest, self._window.mask >> 1)

    def _fill_packet(self, rto: float, now: float) -> tuple[bytes, Contents] | None:
        """Collect messages for one packet; None if nothing is waiting."""
        acks = self._acks()
        contents: list[Any] = []
        room = MAX_MESSAGE_ROOM - len(acks)
        riders = self._riders(room)
        parts = self._parts(room - len(riders), contents, rto, now)
        if not parts and not self._hurried and riders:
            riders = b""  # a whole fragment has no room beside them, and shall not wait for them
            parts = self._parts(room, contents, rto, now)
        if not parts and not riders:
            return None
        if riders:
            self._rode(contents)
        return acks + riders + b"".join(parts), tuple(contents) or None

    def _parts(self, room: int, contents: list[Any], rto: float, now: float) -> list[bytes]:
        """Return the framed messages that wait and fit; add to ``contents`` what wants to hear of their arrival."""
        parts: list[bytes] = []
        for sender in self._tracked_senders():
            while len(sender) and (piece := sender.take(room, now)) is not None:
                sender.sent(piece, rto, now)
                parts.append(piece.data)
                contents.append(piece)
                room -= len(piece.data)
        unreliable = self.outgoing.unreliable
        while (loose := unreliable.take(room, now)) is not None:
            parts.append(loose.data)
            room -= len(loose.data)
            if loose.tracked:
                contents.append(loose)
        self._fill_with_states(parts, room)
        return parts

    def _fill_with_states(self, parts: list[bytes], room: int) -> None:
        """Add state messages (server only)."""

    def _due_at(self, now: float) -> float:
        """Return when there is something to send or to notice next."""
        config = self.config
        due = min(
            self._ack_due_at,
            self._heartbeat_at(),
            self.last_received_at + config.timeout,
        )
        waiting = self.outgoing.next_due(now) if self._busy else None
        if waiting is not None:
            due = min(due, max(waiting, self._bucket.ready_at(now)))
        return due

    def forgive(self, slept: float, now: float) -> None:
        """Do not count the silence of ``slept`` seconds in which this side itself did not run.

        One heartbeat interval of it counts, so that a peer which is gone is noticed even by a side that sleeps between
        any two turns. What has waited in the socket measures no round trip.
        """
        forgiven = max(slept - self.config.heartbeat_interval, 0.0)
        self.last_received_at = min(self.last_received_at + forgiven, now)
        self._measure_at = max(self._measure_at, now + MEASURE_INTERVAL)
        self._incoming.forgive(forgiven)

    def timed_out(self, now: float) -> bool:
        """True if the peer has been silent for too long."""
        return now >= self.last_received_at + self.config.timeout

    @property
    def newest_packet(self) -> int:
        """Number of the packet that has left last, for :meth:`has_arrived`."""
        return self._sent.next_sequence - 1

    def has_arrived(self, packet: int) -> bool:
        """Tell whether the peer has a packet of that number, or a later one."""
        return self._sent.newest_acked >= packet

    def close_datagrams(self, reason: DisconnectReason, detail: str, now: float) -> list[bytes]:
        """Return the datagrams that say goodbye (the same one several times).

        Before them leaves what waits to be sent, and once more each event that may be resent and is not acknowledged.
        """
        for sender in (self.outgoing.ordered, self.outgoing.once):
            sender.hasten(now)
        return [
            *self._datagrams(now),
            *[self._packet(close_message(reason.value, detail), None, now)] * CLOSE_COPIES,
        ]

    @property
    def loss(self) -> float:
        """Share of our packets that got lost lately, 0..1; the same as in :meth:`stats`."""
        return self._sent.loss

    def stats(self, *, now: float) -> ConnectionStats:
        """Return what has been measured of this connection so far."""
        sent = self._sent.next_sequence - self._first_sequence - self._sent.skips
        totals = (sent, self.packets_received, self.bytes_sent, self.bytes_received)
        self._rates.update(totals, now)
        sent_rate, received_rate, bytes_sent_rate, bytes_received_rate = self._rates.rates
        return ConnectionStats(
            rtt=self.rtt.rtt,
            jitter=self.rtt.variation,
            loss=self.loss,
            packets_sent=sent,
            packets_received=self.packets_received,
            bytes_sent=self.bytes_sent,
            bytes_received=self.bytes_received,
            packets_sent_per_second=sent_rate,
            packets_received_per_second=received_rate,
            bytes_sent_per_second=bytes_sent_rate,
            bytes_received_per_second=bytes_received_rate,
            silence=max(now - self.last_received_at, 0.0),
            packets_dropped=self.packets_dropped,
        )
