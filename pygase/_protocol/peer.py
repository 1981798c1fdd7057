"""The part that both ends of a connection share: packets, acknowledgements, events, heartbeats, time-outs. ``now`` is
any clock in seconds that never goes back."""

from __future__ import annotations

import math
from typing import Final

from ..config import ConnectionConfig
from ..errors import DisconnectReason, MalformedPacket
from .acks import ONE_ACK_COVERS, Carried, Contents, NeverSent, SentPackets, TickTimes
from .budget import TokenBucket
from .channels import EventSender
from .crypto import SessionKeys
from .event_receiver import EventReceiver, WindowOverrun
from .handshake import RandomBytes, reason_from_wire
from .meter import ConnectionMeter
from .peer_events import Disconnected
from .record import ACK_BITS, PeerRecord
from .seals import Seals
from .sequence import ACK_BITS_MASK
from .skips import SkipPlan
from .timing import ConnectionStats, RttEstimator
from .wire import (
    ACKS,
    CLOSE,
    EVENT,
    EVENT_ONCE,
    EVENT_ORDERED,
    FRAGMENT,
    FRAGMENT_HEADER,
    HEADER_BYTES,
    LAST,
    MAX_MESSAGE_ROOM,
    NO_ACK_DELAY,
    TIME_UNIT,
    acks_message,
    close_message,
    decode_acks,
    decode_close,
)

CLOSE_COPIES: Final = 3
"""Copies of a CLOSE, since it is not acknowledged. At 10 % loss one of three arrives in 999 of 1,000 cases; else the
peer notices by the time-out."""

_HASTEN_AFTER: Final = 1.5
"""Heartbeat intervals of the peer's silence after which our heartbeats become more frequent."""
_HASTENED_BY: Final = 4
"""Factor by which they do. With the defaults, only the loss of 14 heartbeats in a row ends a connection."""

MEASURE_INTERVAL: Final = 0.05
"""Least seconds between two measurements of the round trip. RFC 6298 asks for one a round trip."""

NOTHING_RECEIVED: Final = (0xFFFF, 0, NO_ACK_DELAY)
"""``ack``, ``ack_bits`` and ``ack_delay`` of a peer that has received nothing yet."""

NEVER_SENT: Final = "A packet was acknowledged that was never sent."


class PeerProtocol:
    """One end of a connection.

    :ivar skips: the plan of the numbers that are left out.
    :ivar outgoing, incoming: the events to the peer, and from it.
    :ivar tracked: the senders of messages that may be resent, in the order in which they fill packets.
    :ivar closed: the end of the connection; None while it goes on.
    """

    __slots__ = (
        "_measure_at",
        "_meter",
        "acks",
        "budget",
        "closed",
        "config",
        "hurried",
        "incoming",
        "outgoing",
        "record",
        "rtt",
        "seals",
        "skips",
        "token",
        "tracked",
    )

    def __init__(
        self,
        token: bytes,
        config: ConnectionConfig,
        now: float,
        first_sequence: int,
        random_bytes: RandomBytes,
        skip_within: int,
        ticks: TickTimes | None = None,
    ) -> None:
        self.token = token
        self.config = config
        self.record = PeerRecord(now, first_sequence, config.ack_delay)
        self.acks = SentPackets(self.record, ticks)
        self.skips = SkipPlan(random_bytes, skip_within, first_sequence)
        self.budget = TokenBucket(self.record, config.bytes_per_second, config.burst_bytes, now)
        self.rtt = RttEstimator(config.min_rto)
        self.outgoing = EventSender(config.max_queued_messages, config.burst_bytes)
        self.tracked = self.outgoing.tracked
        self.incoming = EventReceiver(self._deliver, config.max_message_bytes, config.fragment_timeout)
        self.closed: Disconnected | None = None
        self.hurried = False
        """True if the piggybacked messages are to leave now, even alone."""
        self.seals: Seals | None = None
        """Set once the connection is encrypted."""
        self._measure_at = now
        self._meter = ConnectionMeter()

    def renew(self, token: bytes, received: int, *, now: float, peer_forgot: bool = False) -> None:
        """Begin with a new path of packets, and keep the messages; see the ``renew`` of senders and receivers.

        :param received: how many reliable events the peer has received in all.
        """
        self._meter.renew(self.record, self.acks)
        self.token = token
        self.record.renew(now)
        self.acks.begin()
        self.skips.plan(self.record.next_sequence)
        self.budget.begin(now)
        self.outgoing.renew(peer_forgot=peer_forgot)
        self.incoming.renew()
        self.hurried = False
        self._measure_at = now
        self.record.has_backlog = True
        for ticket in self.outgoing.join(received):
            self.on_message_acked(ticket, now)

    # -- receiving -----------------------------------------------------------------------------------------------

    def _deliver(self, payload: bytes) -> None:
        raise NotImplementedError

    def on_message_acked(self, ticket: int, now: float) -> None:
        """The peer has the message of this ticket."""
        raise NotImplementedError

    def end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        """End the connection on this side, and send nothing. ``remote``: the peer has ended it."""
        raise NotImplementedError

    def _receive_ack(self, ack: int, ack_bits: int, delay: int, now: float) -> float | None:
        """Take in an acknowledgement. Return when the packet ``ack`` was sent, if it is newly acknowledged."""
        record = self.record
        try:
            sent_at, acked = self.acks.acknowledge(ack, ack_bits)
        except NeverSent:
            if (ack, ack_bits, delay) != NOTHING_RECEIVED:
                self._on_violation()
            return None
        if record.next_sequence >= self.skips.at:
            record.skip_is_due = True
        if sent_at is not None and delay != NO_ACK_DELAY and now >= self._measure_at:
            self._measure(now - sent_at - delay * TIME_UNIT, now)
        if acked:
            self._receive_acked_contents(acked, now)
        return sent_at

    def _on_violation(self) -> None:
        self.end(DisconnectReason.PROTOCOL_ERROR, NEVER_SENT, remote=False)

    def _measure(self, rtt: float, now: float) -> None:
        is_first = not self.rtt.rtt
        self.rtt.sample(rtt if rtt > TIME_UNIT else TIME_UNIT)
        self._measure_at = now + MEASURE_INTERVAL
        if is_first:  # earlier packets have the time-out of an unknown link
            again_at = now + self.rtt.rto
            for sender in self.tracked:
                if len(sender):
                    sender.hasten(again_at)
                    self.record.next_at = min(self.record.next_at, again_at)

    def _receive_acked_contents(self, acked: list[Contents], now: float) -> None:
        for contents in acked:
            for piece in contents or ():
                ticket = piece.acknowledge()
                if ticket is not None:
                    self.on_message_acked(ticket, now)
        for sender in self.tracked:
            if len(sender):
                sender.on_acked()
                due_at = sender.next_due(now)  # more may fit under way now
                if due_at is not None and due_at < self.record.next_at:
                    self.record.next_at = due_at

    def _receive_messages(self, data: bytes, now: float) -> bool:
        """Take in all messages of a packet. Count a malformed one and drop the rest of the packet.

        :returns: True if all of them are usual: unreliable events, states, and a player's inputs. Otherwise the caller
            calls ``record.hurry_ack``.
        """
        at, end, is_usual = HEADER_BYTES, len(data), True
        self.record.note_eliciting(now)
        try:
            while at < end and self.closed is None:
                kind = data[at]
                if kind & LAST:
                    kind, begin, at = kind & ~LAST, at + 1, end
                else:
                    begin = at + 3
                    at = begin + (data[at + 1] << 8 | data[at + 2]) if begin <= end else end + 1
                if at > end:
                    raise MalformedPacket("message reaches beyond its packet")
                if kind == EVENT:
                    self._deliver(data[begin:at])
                elif not self._receive_message(kind, data[begin:at], now):
                    is_usual = False
        except WindowOverrun:
            self.end(DisconnectReason.PROTOCOL_ERROR, "", remote=False)
        except NeverSent:
            self._on_violation()
        except MalformedPacket:
            self.record.packets_dropped += 1
        else:
            return is_usual and self.closed is None
        return False

    def _receive_message(self, kind: int, body: bytes, now: float) -> bool:
        if kind in (EVENT_ONCE, EVENT_ORDERED):
            self.incoming.receive(kind, body)
        elif kind == FRAGMENT:
            if len(body) < FRAGMENT_HEADER.size:
                raise MalformedPacket("fragment without its header")
            whole, group, index, count = FRAGMENT_HEADER.unpack_from(body)
            self._receive_fragment(whole, group, index, count, body[FRAGMENT_HEADER.size :], now)
        elif kind == ACKS:
            sequence, bits = decode_acks(body)
            self._receive_acked_contents(self.acks.acknowledge(sequence, bits, 256)[1], now)
        elif kind == CLOSE:
            reason, detail = decode_close(body)
            self.end(reason_from_wire(reason), detail, remote=True)
        # an unknown kind belongs to a future version and is skipped
        return False

    def _receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes, now: float) -> None:
        self.incoming.receive_fragment(kind, group, index, count, part, now)

    def give_up_fragments(self, now: float) -> None:
        """Give up the unreliable messages without a new fragment for ``fragment_timeout``."""
        if self.incoming.held_bytes:
            self.incoming.expire(now)

    # -- sending -------------------------------------------------------------------------------------------------

    def queue_event(self, payload: bytes, retries: int, ticket: int | None, *, now: float) -> None:
        """See :meth:`EventSender.queue_event`. The event leaves with the next ``datagrams_to_send``."""
        self.outgoing.queue_event(payload, retries, ticket)
        self.record.has_backlog = True
        self.record.next_at = min(self.record.next_at, now)

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
        raise NotImplementedError

    def _packet(self, messages: bytes, contents: Contents, now: float) -> bytes:
        """Return a finished DATA datagram, which leaves now."""
        record = self.record
        if record.skip_is_due:
            self._skip_number()
        delay = NO_ACK_DELAY
        if record.latest >= 0:
            held = int((now - record.latest_received_at) / TIME_UNIT + 0.5)
            if held < NO_ACK_DELAY:
                delay = held
        ack_bits = ~(record.holes >> 1) & ACK_BITS_MASK if record.holes else ACK_BITS_MASK
        sequence = self.acks.sent(contents, now)
        header = self._header(sequence & 0xFFFF, record.latest & 0xFFFF, ack_bits, delay, now)
        if self.seals is None:
            datagram = header + messages
        else:
            datagram = self.seals.seal(sequence, header, messages, record.urgent)
        record.urgent = False
        record.spent += len(datagram)
        record.last_sent_at = now
        record.ack_due_at = math.inf
        record.unacknowledged = 0
        if contents or record.outstanding > ONE_ACK_COVERS:
            record.look_at = -math.inf
        return datagram

    def _skip_number(self) -> int:
        number = self.acks.skip()
        self.record.skip_is_due = False
        self.skips.plan(self.record.next_sequence)
        return number

    def _datagrams(self, now: float) -> list[bytes]:
        datagrams: list[bytes] = []
        rto = self.rtt.rto
        if self.record.has_backlog:
            for sender in self.tracked:
                sender.give_up(now)
        while self.budget.allows(now):
            filled = self._fill_packet(rto, now)
            if filled is None:
                break
            datagrams.append(self._packet(filled[0], filled[1], now))
        if not datagrams and (now >= self.record.ack_due_at or now >= self._heartbeat_at()):
            datagrams.append(self.bare_packet(now))
        self.record.has_backlog = not self.outgoing.idle
        return datagrams

    def bare_packet(self, now: float, *, asks: bool = False) -> bytes:
        """Return a packet that matters for its header, with the messages that piggyback.

        :param asks: the peer is to acknowledge it within ``ack_delay``. A packet of the peer must have arrived.
        """
        acks = self._acks_message(always=asks)
        contents: list[Carried] = []
        piggyback = self._piggyback(MAX_MESSAGE_ROOM - len(acks))
        if piggyback:
            self._note_piggybacked(contents)
        self.record.urgent = asks
        return self._packet(acks + piggyback, tuple(contents) or None, now)

    def _piggyback(self, room: int) -> bytes:
        """Return the framed messages that piggyback on the next packet."""
        return b""

    def _note_piggybacked(self, contents: list[Carried]) -> None:
        """Add to ``contents`` the parts whose arrival is reported."""

    def _heartbeat_at(self) -> float:
        """Return when to break our silence: sooner if the peer is silent as well, since heartbeats may get lost."""
        record, interval = self.record, self.config.heartbeat_interval
        hasten_at = record.last_received_at + _HASTEN_AFTER * interval
        return min(record.last_sent_at + interval, max(hasten_at, record.last_sent_at + interval / _HASTENED_BY))

    def _acks_message(self, *, always: bool = False) -> bytes:
        """Return an ACKS message if more packets have arrived since our last one than a header acknowledges."""
        if self.record.unacknowledged <= ACK_BITS and not always:
            return b""
        return acks_message(self.record.latest, self.record.mask >> 1)

    def _fill_packet(self, rto: float, now: float) -> tuple[bytes, Contents] | None:
        acks = self._acks_message()
        contents: list[Carried] = []
        room = MAX_MESSAGE_ROOM - len(acks)
        self.record.urgent = False
        piggyback = self._piggyback(room)
        parts = self._parts(room - len(piggyback), contents, rto, now)
        if not parts and not self.hurried and piggyback:
            piggyback = b""  # a whole fragment has no room beside them, and does not wait
            parts = self._parts(room, contents, rto, now)
        if not parts and not piggyback:
            return None
        if piggyback:
            self._note_piggybacked(contents)
        # a reliable event stands first: by that a server sees that the packet should not wait for its tick
        leading = 1 if self.record.urgent else 0
        return b"".join((acks, *parts[:leading], piggyback, *parts[leading:])), tuple(contents) or None

    def _parts(self, room: int, contents: list[Carried], rto: float, now: float) -> list[bytes]:
        """Return the waiting framed messages that fit. Add to ``contents`` those whose arrival is reported."""
        parts: list[bytes] = []
        for sender in self.tracked:
            while len(sender) and (piece := sender.take(room, now)) is not None:
                sender.sent(piece, rto, now)
                self.record.urgent = True
                parts.append(piece.data)
                contents.append(piece)
                room -= len(piece.data)
        unreliable = self.outgoing.unreliable
        while (loose := unreliable.take(room, now)) is not None:
            parts.append(loose.data)
            room -= len(loose.data)
            if loose.tracked:
                contents.append(loose)
        return parts

    def due_at(self, now: float) -> float:
        """Return the next time at which something is to be sent or noticed."""
        record = self.record
        due = min(record.ack_due_at, self._heartbeat_at(), record.last_received_at + self.config.timeout)
        waiting = self.outgoing.next_due(now) if record.has_backlog else None
        if waiting is not None:
            due = min(due, max(waiting, self.budget.ready_at(now)))
        return due

    def forgive(self, slept: float, now: float) -> None:
        """Do not count the silence of ``slept`` seconds in which this side did not run.

        One heartbeat interval of it counts, so that even a side that sleeps between any two turns notices the loss of
        its peer. A datagram that waited in the socket measures no round trip.
        """
        forgiven = max(slept - self.config.heartbeat_interval, 0.0)
        self.record.last_received_at = min(self.record.last_received_at + forgiven, now)
        self._measure_at = max(self._measure_at, now + MEASURE_INTERVAL)
        self.incoming.forgive(forgiven)

    def timed_out(self, now: float) -> bool:
        return now >= self.record.last_received_at + self.config.timeout

    def close_datagrams(self, reason: DisconnectReason, detail: str, now: float) -> list[bytes]:
        """Return the datagrams that close the connection: the same one several times.

        The waiting messages precede them, and once more each event that may be resent and is not acknowledged.
        """
        for sender in (self.outgoing.ordered, self.outgoing.once):
            sender.hasten(now)
        last_words = self._datagrams(now)
        self.record.urgent = True
        goodbye = self._packet(close_message(reason.value, detail), None, now)
        return [*last_words, *[goodbye] * CLOSE_COPIES]

    def stats(self, *, now: float) -> ConnectionStats:
        return self._meter.stats(self.record, self.acks, self.rtt, now)


def encrypt(peer: PeerProtocol, keys: SessionKeys | None, direction: int) -> None:
    """Seal all packets of a peer from now on, and take in sealed ones only; without keys, the contrary.

    :param direction: of its own packets: FROM_CLIENT or FROM_SERVER.
    """
    peer.seals = Seals(keys, direction) if keys is not None else None
