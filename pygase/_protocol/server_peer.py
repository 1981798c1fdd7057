"""The server's end of one connection, pure: datagrams and ``now`` in, datagrams and events out.

``now`` is any clock in seconds that never goes back, the same one in all calls of one object. The order of a turn:
receive what has come, take the events, queue what is to be sent, take the datagrams, sleep until ``record.next_at``.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

from ..config import ConnectionConfig
from ..errors import DisconnectReason, MalformedPacket
from .acks import ONE_ACK_COVERS, Carried, TickTimes
from .admission import Participation, host_of
from .channels import Message, TrackedSender
from .fragments import split
from .handshake import Address, RandomBytes
from .inputs import InputState, decode_inputs
from .peer import PeerProtocol
from .peer_events import Disconnected, InputsReceived, MessageAcked, ProtocolEvent
from .sequence import unwrap
from .skips import numbers_received, receive_skipped
from .snapshots import SnapshotRing, SnapshotSender
from .wire import (
    AFTER,
    BULK_SNAPSHOT,
    CLIENT_HEADER,
    DATA,
    HEADER_BYTES,
    INPUT_STATE,
    INPUTS,
    MAX_MESSAGE_ROOM,
    SERVER_HEADER,
    SKIPPED,
    SNAPSHOT,
    message,
    to_wire_time,
)

_ACKS_INTERVAL: Final = 0.2
"""Seconds between two looks at the acknowledgements of a peer that has nothing to be acknowledged: often enough to see
how the round trip changes. One look takes as long as all else that is done for a packet."""

SERVER_SKIPS_WITHIN: Final = 1024
"""A number is left out after this many packets at most, and ``MIN_SKIP_DISTANCE`` more: once in ten seconds or so at
60 Hz."""


class Shared:
    """The parts that all peers of one endpoint share.

    :ivar ring: the states. ``ticks``: when the datagrams of the latest ticks left.
    :ivar inbox: what has happened, with the peer; bare bytes are an event of the peer's, serialised.
    :ivar violators: the peers that are to be closed as soon as all that has arrived was taken in.
    :ivar skip_within: the bound on the distance of two numbers that are left out.
    """

    __slots__ = ("first_sequence", "inbox", "random_bytes", "ring", "skip_within", "ticks", "violators")

    def __init__(self, ring: SnapshotRing, random_bytes: RandomBytes, first_sequence: int, skip_within: int) -> None:
        self.ring = ring
        self.ticks = TickTimes()
        self.inbox: deque[tuple[ServerProtocol, bytes | ProtocolEvent]] = deque()
        self.violators: list[ServerProtocol] = []
        self.random_bytes = random_bytes
        self.first_sequence = first_sequence
        self.skip_within = skip_within


class ServerProtocol(PeerProtocol):
    """The server's end of one connection. ServerEndpoint makes it, and hands it what comes from this peer.

    :ivar address: where the peer is; ``host``: the name of its machine, see :func:`.admission.host_of`.
    :ivar nonce: the client's, from the handshake; ``accepted``: the answer to it.
    :ivar part: whether the client takes part in the game.
    :ivar snapshots: which state the client has; ``bulk_group``: the number of its latest bulk transfer.
    :ivar note: a framed message for this client alone, that goes along with the next packet.
    :ivar counted_bytes: the bytes of this peer that the endpoint's total of held bytes includes.
    :ivar user: whatever the layer above wants to find again with this peer.
    """

    __slots__ = (
        "_fragments",
        "_inputs_came",
        "_shared",
        "accepted",
        "address",
        "bulk_group",
        "counted_bytes",
        "host",
        "is_host",
        "nonce",
        "note",
        "part",
        "snapshots",
        "user",
    )

    def __init__(
        self, address: Address, nonce: bytes, token: bytes, shared: Shared, config: ConnectionConfig, now: float
    ) -> None:
        super().__init__(
            token, config, now, shared.first_sequence, shared.random_bytes, shared.skip_within, shared.ticks
        )
        self._shared = shared
        self.address = address
        self.host = host_of(address)
        self.nonce = nonce
        self.accepted = b""
        self.is_host = False
        self.part = Participation(self.record, now)
        self.counted_bytes = 0
        self.note = b""
        self.user: Any = None
        self.snapshots = SnapshotSender(self.record, shared.ring)
        self.bulk_group = 0
        self.tracked.append(TrackedSender(config.burst_bytes))
        self._fragments: deque[bytes] = deque()  # of the state that goes out unreliably, framed
        self._inputs_came = False

    def queue_event(self, payload: bytes, retries: int, ticket: int | None, *, now: float) -> None:
        """Queue a serialised event. The client hands it on as soon as it has the state that is current now."""
        tick = self._shared.ring.changed_tick & 0xFFFF
        super().queue_event(AFTER.pack(tick) + payload, retries, ticket, now=now)

    def _deliver(self, payload: bytes) -> None:
        self._shared.inbox.append((self, payload))

    def on_message_acked(self, ticket: int, now: float) -> None:
        """Note that the peer has the message that was queued with this ticket."""
        if ticket >= 0:
            self._shared.inbox.append((self, MessageAcked(ticket)))
        elif ticket == -self.bulk_group:  # not a transfer that has been replaced since
            self.snapshots.bulk_delivered_at = now

    def end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        """End the connection on this side; nothing is sent. ``remote``: the peer has ended it."""
        if self.closed is None:
            self.closed = Disconnected(reason, detail, remote)
            self._shared.inbox.append((self, self.closed))

    def _on_violation(self) -> None:
        self._shared.violators.append(self)

    # -- receiving -----------------------------------------------------------------------------------------------

    def receive_packet(self, data: bytes, now: float) -> bool:
        """Take in a DATA datagram that carries this connection's token.

        :returns: True if it is a usual one, of events and inputs alone. Another one may have ended the connection, or
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
                record.next_at = now  # there may be a state that has waited for this
        if len(data) == HEADER_BYTES:
            return True
        self._inputs_came = False
        return self._receive_messages(data, now)

    @property
    def has_acknowledged_state(self) -> bool:
        """True if the client acknowledges a state, or is seen to receive a large one, piece by piece."""
        return self.record.acked_tick > 0 or bool(self.snapshots.bulk_tick and self.rtt.rtt)

    @property
    def held_bytes(self) -> int:
        """The bytes of what the peer has sent that are held back, since something before or of it is missing."""
        return self.incoming.held_bytes

    def forgive(self, slept: float, now: float) -> None:
        """See PeerProtocol. No client could take part in that time either."""
        super().forgive(slept, now)
        self.part.forgive(slept, now)

    def take_acks(self, ack: int, ack_bits: int, delay: int, now: float) -> None:
        """Take in what a packet's header acknowledges. Unless somebody waits for it, now and then will do."""
        self._receive_ack(ack, ack_bits, delay, now)
        if not self.acks.has_contents and self.record.outstanding <= ONE_ACK_COVERS:
            self.record.look_at = now + _ACKS_INTERVAL

    def _measure(self, rtt: float, now: float) -> None:
        super()._measure(rtt, now)
        again_at = self.snapshots.due_at(self.rtt.rto)  # sooner now if the time-out has become shorter
        if again_at is not None and again_at < self.record.next_at:
            self.record.next_at = again_at

    def _receive_message(self, kind: int, body: bytes, now: float) -> bool:
        if kind == INPUTS:
            if self._inputs_came:  # of a few bytes each, a packet could have a thousand inputs
                raise MalformedPacket("inputs twice in a packet")
            self._inputs_came = True
            datagram, came = numbers_received(self.record)
            self._shared.inbox.append((self, InputsReceived(decode_inputs(body), datagram, came)))
            return True
        if kind == SKIPPED:
            receive_skipped(self.record, body)
            return True
        return super()._receive_message(kind, body, now)

    # -- the state that the client has ---------------------------------------------------------------------------

    def snapshot_age(self, now: float) -> float:
        """Return how old the newest state is that the client is known to have, in seconds; 0.0 if there is none.

        Changes nothing: statistics may be read from any thread, while the network's is about to make a delta.
        """
        ring, acked_tick = self._shared.ring, self.record.acked_tick
        tick = self.record.baseline_tick
        if self.acked_tick_waits:
            tick = unwrap(acked_tick, ring.tick, 32) if acked_tick > 0 else 0
        made_at = ring.times.get(tick)
        return max(now - made_at, 0.0) if made_at is not None else 0.0

    @property
    def acked_tick_waits(self) -> bool:
        """True if the client's acked tick has not been settled yet."""
        return self.record.acked_tick != self.record.settled_tick

    def settle_acked_tick(self) -> None:
        """Make the state that the client last acknowledged its baseline, before it leaves the ring.

        That is put off until it matters, which usually is not often: :meth:`state_datagram` needs no baseline.
        If that state has left the ring meanwhile, the client gets a full one. The baseline settled before may be of
        long ago, as those between have been passed over, and the client may have let go of it.
        """
        record, ring = self.record, self._shared.ring
        if record.acked_tick == record.settled_tick:
            return
        record.settled_tick = record.acked_tick
        tick = unwrap(record.acked_tick, ring.tick, 32) if record.acked_tick else 0
        self.snapshots.on_acked(tick if self.snapshots.holds(tick) else 0)
        if len(self.tracked[2]) and not self.snapshots.bulk_tick:
            self.tracked[2] = TrackedSender(self.config.burst_bytes)  # it has all, though not each acknowledgement came

    # -- sending -------------------------------------------------------------------------------------------------

    def state_datagram(self, framed: bytes, now: float, ask_at: float) -> bytes | None:
        """Make the datagram that takes the current state to the client, if that is all there is to do for it.

        :param framed: the message for all clients with this acked tick, see :meth:`SnapshotRing.frame_for`.
        :param ask_at: when to ask this peer again at the latest, seconds.
        :returns: None if there is more to do, or nothing; :meth:`datagrams_to_send` does it.
        """
        record, note = self.record, self.note
        if record.has_backlog or record.spent >= record.limit:
            return None
        if note:
            if len(note) + len(framed) > MAX_MESSAGE_ROOM:
                return None
            framed = note + framed
            self.note = b""
        record.sent_tick = self._shared.ring.tick
        record.sent_at = now
        record.next_at = ask_at
        return self._packet(framed, None, now)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return all datagrams that are due."""
        datagrams = self._datagrams(now)
        self.record.next_at = self.due_at(now)
        return datagrams

    def report_input_state(self, applied: int, margin: float) -> None:
        """Let the next packet report which of the client's inputs the current state includes."""
        self.note = message(INPUT_STATE, InputState(self._shared.ring.tick, applied, margin).encode())

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
        return SERVER_HEADER.pack(DATA, self.token, sequence, ack, ack_bits, delay, to_wire_time(now))

    def _riders(self, room: int) -> bytes:
        return self.note if len(self.note) <= room else b""

    def _rode(self, contents: list[Carried]) -> None:
        self.note = b""

    def _datagrams(self, now: float) -> list[bytes]:
        self.settle_acked_tick()
        # A state that is on its way, piece by piece as the budget allows, is finished before the next one begins. Else
        # none would ever arrive.
        if not self._fragments and self.snapshots.wanted(now, self.rtt.rto) and self.budget.allows(now):
            self._queue_state(now)
        datagrams = super()._datagrams(now)
        if self._fragments or self.snapshots.bulk_tick:
            self.record.has_backlog = True
        return datagrams

    def _queue_state(self, now: float) -> None:
        body, kind = self.snapshots.next_body(now, self.rtt.rto)
        if kind == SNAPSHOT:
            self._fragments.extend(self.snapshots.fragments(body))
        else:
            self.bulk_group += 1
            transfer = self.tracked[2] = TrackedSender(self.config.burst_bytes)
            transfer.queue(Message(split(BULK_SNAPSHOT, self.bulk_group, body), math.inf, -self.bulk_group))

    def _parts(self, room: int, contents: list[Carried], rto: float, now: float) -> list[bytes]:
        parts = super()._parts(room, contents, rto, now)
        room -= sum(map(len, parts))
        while self._fragments and len(self._fragments[0]) <= room:
            parts.append(self._fragments.popleft())
            room -= len(parts[-1])
        return parts

    def due_at(self, now: float) -> float:
        """Return when there is something to send or to notice next."""
        self.settle_acked_tick()
        due = super().due_at(now)
        transfer = self.tracked[2]
        waiting = [self.snapshots.due_at(self.rtt.rto), transfer.next_due(now) if len(transfer) else None]
        if self._fragments:
            waiting.append(now)
        for at in waiting:
            if at is not None:
                due = min(due, max(at, self.budget.ready_at(now)))
        return due
