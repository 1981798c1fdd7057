"""The server's end of one connection, pure. The order of a turn is the client's, until ``record.next_at``."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

from .._state.precision import NO_PRECISION
from .._state.priorities import Priorities
from ..config import ServerConfig
from ..errors import DisconnectReason, MalformedPacket
from .acks import ONE_ACK_COVERS, Carried, TickTimes
from .admission import Participation, host_of
from .channels import NO_MESSAGES, Message, TrackedSender
from .fragments import split
from .handshake import Address, RandomBytes
from .inputs import PackedInputs, encode_input_state
from .partial_states import PartialStates
from .paths import ClientPath, PathChallenges
from .peer import PeerProtocol
from .peer_events import Disconnected, InputsReceived, MessageAcked, ProtocolEvent
from .resumption import Identity
from .rhythm import Ride
from .sequence import unwrap
from .skips import numbers_received, receive_skipped
from .snapshot_sender import SnapshotSender
from .snapshots import SnapshotRing
from .view_rings import ViewRings
from .wire import (
    AFTER,
    BULK_SNAPSHOT,
    CLIENT_HEADER,
    DATA,
    FRAGMENT,
    HEADER_BYTES,
    INPUT_STATE,
    INPUTS,
    MAX_MESSAGE_ROOM,
    NO_ACK_DELAY,
    SERVER_HEADER,
    SKIPPED,
    TIME_UNIT,
    as_last,
    message,
    to_wire_time,
)

_ACKS_INTERVAL: Final = 0.2
"""Seconds between two looks at the acknowledgements of a peer for which no arrival is reported: enough to follow the
round trip. One look costs as much as all other work on a packet."""

SERVER_SKIPS_WITHIN: Final = 1024
"""Packets beyond ``MIN_SKIP_DISTANCE`` within which a number is left out: about once in ten seconds at 60 Hz."""

_BULK: Final = 2
"""The place of the sender of a large state in ``tracked``, behind those of the events."""


class Shared:
    """The parts that all peers of one endpoint share.

    :ivar ticks: when the datagrams of the latest ticks left.
    :ivar ride: the datagrams of the next tick, on which acknowledgements ride.
    :ivar inbox: pairs of a peer and its event. Bare bytes are the peer's own event, serialised.
    :ivar paths: makes and checks the challenges of clients that move to another address.
    :ivar violators: peers to close once all received datagrams have been processed.
    :ivar skip_within: the bound on the distance of two numbers that are left out.
    :ivar precision: of the numbers in the states, which each client learns when it connects.
    :ivar priorities: what goes first to a client that is short; None: it gets whole states.
    :ivar is_paused: whether no game loop runs.
    :ivar views: the rings of single clients, if each has a view of its own. Then no state is in ``ring``.
    """

    __slots__ = (
        "first_sequence",
        "inbox",
        "is_paused",
        "paths",
        "precision",
        "priorities",
        "random_bytes",
        "ride",
        "ring",
        "skip_within",
        "ticks",
        "views",
        "violators",
    )

    def __init__(self, ring: SnapshotRing, random_bytes: RandomBytes, first_sequence: int, skip_within: int) -> None:
        self.precision = NO_PRECISION
        self.priorities: Priorities | None = None
        self.is_paused = False
        self.views: ViewRings | None = None
        self.ring = ring
        self.ticks = TickTimes()
        self.ride = Ride()
        self.inbox: deque[tuple[ServerProtocol, bytes | ProtocolEvent]] = deque()
        self.paths = PathChallenges(random_bytes)
        self.violators: list[ServerProtocol] = []
        self.random_bytes = random_bytes
        self.first_sequence = first_sequence
        self.skip_within = skip_within

    def new_ring(self) -> SnapshotRing:
        """Return the ring of a new peer."""
        return self.ring if self.views is None else self.views.new_ring()


class ServerProtocol(PeerProtocol):
    """The server's end of one connection. ServerEndpoint makes it, and passes it the peer's datagrams.

    :ivar address: where the client's datagrams come from at present. :meth:`move` changes it.
    :ivar host: the name of the peer's machine, see :func:`.admission.host_of`.
    :ivar identity: who the client is; ``path``: what is known of its path.
    :ivar bulk_group: the number of the latest bulk transfer.
    :ivar note: a framed message for this client alone, which piggybacks on the next packet.
    :ivar counted_bytes: this peer's part of the endpoint's total of held bytes.
    :ivar user: any object that the layer above keeps with this peer.
    """

    __slots__ = (
        "_fragments",
        "_has_inputs",
        "_shared",
        "address",
        "bulk_group",
        "counted_bytes",
        "host",
        "identity",
        "is_host",
        "note",
        "part",
        "path",
        "snapshots",
        "user",
    )

    def __init__(
        self,
        identity: Identity,
        address: Address,
        token: bytes,
        shared: Shared,
        config: ServerConfig,
        now: float,
    ) -> None:
        super().__init__(
            token, config, now, shared.first_sequence, shared.random_bytes, shared.skip_within, shared.ticks
        )
        self.record.ride = shared.ride
        self._shared = shared
        self.identity = identity
        self.address = address
        self.host = host_of(address)
        self.is_host = False
        self.part = Participation(self.record, now)
        self.path = ClientPath()
        self.counted_bytes = 0
        self.note = b""
        self.user: Any = None
        self.snapshots = SnapshotSender(self.record, shared.new_ring(), config.max_bytes_per_second, now)
        if shared.priorities is not None:
            self.snapshots.parts = PartialStates(shared.priorities, self.client_id, self.snapshots.ring)
        self.bulk_group = 0
        self.tracked.append(NO_MESSAGES)
        self._fragments: list[bytes] = []  # of the state being sent unreliably, framed
        self._has_inputs = False

    @property
    def client_id(self) -> int:
        """Who the client is: from 1, never given twice."""
        return self.identity.client_id

    def renew(self, token: bytes, received: int, *, now: float, peer_forgot: bool = False) -> None:
        """Begin with a new path of packets. The client's baseline stays.

        If the client forgot, all is new but the reliable events that it had not acknowledged.
        """
        self.settle_acked_tick()
        super().renew(token, received, now=now, peer_forgot=peer_forgot)
        self.path = ClientPath()  # the numbers of packets begin anew; the handshake's answer gives it a key
        self.part.lost_until = math.inf
        self.snapshots.renew(now)
        self.tracked[_BULK] = NO_MESSAGES
        self._fragments.clear()
        self.note = b""
        if peer_forgot:
            self.outgoing.begin_anew()
            self.incoming.begin_anew(0)
            self.snapshots.forget()

    @property
    def is_lost(self) -> bool:
        """Whether the client no longer answers, and its place is kept."""
        return self.part.lost_until < math.inf

    def lose(self, until: float) -> None:
        """Keep what a client needs that comes back before this time, and drop everything else."""
        self.part.lost_until = until
        self.settle_acked_tick()
        self.outgoing.unreliable.pieces.clear()
        self.incoming.renew()
        self._fragments.clear()

    def move(self, address: Address) -> None:
        """Send to another address of the same client from now on. For ``PeerTable.move`` alone."""
        self.address = address
        self.host = host_of(address)

    def queue_event(self, payload: bytes, retries: int, ticket: int | None, *, now: float) -> None:
        """The client delivers the event once it has the current state."""
        tick = self.snapshots.ring.changed_tick & 0xFFFF
        super().queue_event(AFTER.pack(tick) + payload, retries, ticket, now=now)

    def _deliver(self, payload: bytes) -> None:
        self._shared.inbox.append((self, payload))

    def on_message_acked(self, ticket: int, now: float) -> None:
        if ticket >= 0:
            self._shared.inbox.append((self, MessageAcked(ticket)))
        elif ticket == -self.bulk_group:  # not a transfer that has been replaced since
            self.snapshots.bulk_delivered_at = now

    def end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        if self.closed is None:
            self.closed = Disconnected(reason, detail, remote)
            self._shared.inbox.append((self, self.closed))

    def _on_violation(self) -> None:
        self._shared.violators.append(self)

    # -- receiving -----------------------------------------------------------------------------------------------

    def receive_packet(self, data: bytes, now: float) -> bool:
        """Take in a DATA datagram with this connection's token.

        :returns: True for a usual one, of events and inputs alone. Another one may have ended the connection, or
            changed :attr:`held_bytes`.
        """
        record = self.record
        record.bytes_received += len(data)
        _, _, sequence, ack, ack_bits, delay, acked_tick = CLIENT_HEADER.unpack_from(data)
        if not record.note_packet(sequence, now):
            return True
        if now >= record.look_at:
            self.take_acks(ack, ack_bits, delay, now)
        # an overtaken packet's acked tick is out of date
        if acked_tick != record.acked_tick and sequence == record.latest & 0xFFFF:
            record.acked_tick = acked_tick
            if self.snapshots.bulk_tick or not acked_tick:
                record.next_at = now  # a state may have waited for this
        if len(data) == HEADER_BYTES:
            return True
        self._has_inputs = False
        is_usual = self._receive_messages(data, now)
        if not is_usual:
            record.hurry_ack(now)
        return is_usual

    @property
    def has_acknowledged_state(self) -> bool:
        """True if the client has acknowledged a state, or is receiving a large one piece by piece."""
        return self.record.acked_tick > 0 or bool(self.snapshots.bulk_tick and self.rtt.rtt)

    @property
    def held_bytes(self) -> int:
        """The received bytes that wait for a missing part or predecessor."""
        return self.incoming.held_bytes

    def forgive(self, slept: float, now: float) -> None:
        """No client could take part in that time either."""
        super().forgive(slept, now)
        self.part.forgive(slept, now)

    def take_acks(self, ack: int, ack_bits: int, delay: int, now: float) -> None:
        """Take in the acknowledgements of a packet's header. The next look may be later, unless an arrival is to be
        reported."""
        sent_at = self._receive_ack(ack, ack_bits, delay, now)
        rtt = now - sent_at - delay * TIME_UNIT if sent_at is not None and delay != NO_ACK_DELAY else 0.0
        window = self.snapshots.window
        if window.acknowledge(self.acks.newest_acked, max(rtt, 0.0), now):
            self.record.next_at = now
        if not (window.watched or self.acks.has_contents or self.record.outstanding > ONE_ACK_COVERS):
            self.record.look_at = now + _ACKS_INTERVAL

    def _measure(self, rtt: float, now: float) -> None:
        super()._measure(rtt, now)
        again_at = self.snapshots.due_at(self.rtt.rto)  # it is sooner if the time-out has become shorter
        if again_at is not None and again_at < self.record.next_at:
            self.record.next_at = again_at

    def _receive_message(self, kind: int, body: bytes, now: float) -> bool:
        if kind == INPUTS:
            if self._has_inputs:  # inputs of a few bytes each could fill a packet with a thousand
                raise MalformedPacket("inputs twice in a packet")
            self._has_inputs = True
            datagram, arrived = numbers_received(self.record)
            self._shared.inbox.append((self, InputsReceived(PackedInputs(body), datagram, arrived, now)))
            return True
        if kind == SKIPPED:
            receive_skipped(self.record, body)
            return True
        return super()._receive_message(kind, body, now)

    # -- the state that the client has ---------------------------------------------------------------------------

    def snapshot_age(self, now: float) -> float:
        """Return the age of the client's newest known state, in seconds; 0.0 if there is none.

        It changes nothing, since any thread may read statistics while the network's thread makes a delta.
        """
        ring, acked_tick = self.snapshots.ring, self.record.acked_tick
        tick = self.record.baseline_tick
        if acked_tick != self.record.settled_tick:
            tick = unwrap(acked_tick, ring.tick, 32) if acked_tick > 0 else 0
        made_at = ring.times.get(tick)
        return max(now - made_at, 0.0) if made_at is not None else 0.0

    def settle_acked_tick(self) -> None:
        """Make the client's newest acknowledged state its baseline, before it leaves the ring.

        It is called only on demand, since :meth:`state_datagram` needs no baseline. If the state has left the ring, the
        client gets a full one, since it may have forgotten its old baseline.
        """
        record, ring = self.record, self.snapshots.ring
        if record.acked_tick == record.settled_tick:
            return
        record.settled_tick = record.acked_tick
        tick = unwrap(record.acked_tick, ring.tick, 32) if record.acked_tick else 0
        self.snapshots.on_acked(tick if self.snapshots.holds(tick) else 0)
        if self.tracked[_BULK] is not NO_MESSAGES and not self.snapshots.bulk_tick:
            self.tracked[_BULK] = NO_MESSAGES  # all arrived, if not each acknowledgement

    # -- sending -------------------------------------------------------------------------------------------------

    def state_datagram(self, framed: bytes, now: float, ask_at: float) -> bytes | None:
        """Make the datagram with the current state, if nothing else is to be sent to the client.

        :param framed: the message for all clients with this acked tick, see :meth:`SnapshotRing.frame_for`.
        :param ask_at: when to ask this peer again at the latest, seconds.
        :returns: None if there is more to send, or nothing. Then :meth:`datagrams_to_send` does the work.
        """
        record, note = self.record, self.note
        if record.has_backlog or record.spent >= record.limit or len(note) + len(framed) > MAX_MESSAGE_ROOM:
            return None
        is_looked_at, snapshots = record.spent + len(framed) > record.state_limit, self.snapshots
        window = snapshots.window
        if is_looked_at and (snapshots.parts is not None or not (window.watched and window.allows(now))):
            return None
        if note:
            framed = note + framed
            self.note = b""
        record.sent_tick = self.snapshots.ring.tick
        record.sent_at = now
        record.next_at = ask_at
        datagram = self._packet(framed, None, now)
        if is_looked_at:
            window.state_bytes = len(framed)
            window.skipped.let(record.sent_tick)
            window.end_turn(True, now)
        return datagram

    def datagrams_to_send(self, now: float) -> list[bytes]:
        datagrams = self._datagrams(now)
        self.record.next_at = self.due_at(now)
        return datagrams

    def report_input_state(self, applied: int, margin: float) -> None:
        """Queue a report on the newest of the client's inputs in the current state. It leaves with the next packet."""
        self.note = message(INPUT_STATE, encode_input_state(self.snapshots.ring.tick, applied, margin))

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
        return SERVER_HEADER.pack(DATA, self.token, sequence, ack, ack_bits, delay, to_wire_time(now))

    def _piggyback(self, room: int) -> bytes:
        return self.note if len(self.note) <= room else b""

    def _note_piggybacked(self, contents: list[Carried]) -> None:
        self.note = b""

    def _datagrams(self, now: float) -> list[bytes]:
        self.settle_acked_tick()
        # A state that is on its way, piece by piece within the budget, is finished before the next one begins. Else
        # none would ever arrive.
        window, has_state = self.snapshots.window, bool(self._fragments)
        if not has_state and self.snapshots.wanted(now, self.rtt.rto) and self.budget.allows(now):
            has_state = window.allows(now)
            if has_state:
                self._queue_state(now)
            else:
                window.skipped.hold(self.snapshots.ring.tick)
        datagrams = super()._datagrams(now)
        window.end_turn(has_state or self.snapshots.bulk_tick > 0, now)
        is_partial = self.snapshots.is_partial
        if is_partial:
            self.snapshots.ring.is_behind = True
        if self._fragments or self.snapshots.bulk_tick or is_partial:
            self.record.has_backlog = True
        return datagrams

    def _queue_state(self, now: float) -> None:
        room = math.inf if self._shared.is_paused else self.snapshots.room(len(self.note))
        body, kind = self.snapshots.next_body(now, self.rtt.rto, room)
        self.snapshots.window.state_bytes = len(body)
        self.snapshots.window.skipped.let(self.snapshots.ring.tick)
        if kind != BULK_SNAPSHOT:
            self._fragments.extend(self.snapshots.fragments(body, kind))
        else:
            self.bulk_group += 1
            transfer = self.tracked[_BULK] = TrackedSender(self.config.burst_bytes)
            transfer.queue(Message(split(BULK_SNAPSHOT, self.bulk_group, body), math.inf, -self.bulk_group))
            self.snapshots.window.watch(now)

    def _parts(self, room: int, contents: list[Carried], rto: float, now: float) -> list[bytes]:
        transfer = self.tracked[_BULK]
        if len(transfer):
            transfer.is_held = not self.snapshots.window.allows(now)
        parts = super()._parts(room, contents, rto, now)
        room -= sum(map(len, parts))
        count = len(parts)
        while self._fragments and len(self._fragments[0]) <= room:
            parts.append(self._fragments.pop(0))
            room -= len(parts[-1])
        if len(parts) > count and parts[-1][0] != FRAGMENT:
            parts[-1] = as_last(parts[-1])
        return parts

    def due_at(self, now: float) -> float:
        self.settle_acked_tick()
        due = super().due_at(now)
        transfer = self.tracked[_BULK]
        waiting = [self.snapshots.due_at(self.rtt.rto), transfer.next_due(now) if len(transfer) else None]
        ready_at = max(self.budget.ready_at(now), self.snapshots.window.ready_at(now))
        for at in waiting:
            if at is not None:
                due = min(due, max(at, ready_at))
        if self._fragments:
            due = min(due, self.budget.ready_at(now))
        return due
