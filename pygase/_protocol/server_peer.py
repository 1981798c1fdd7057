"""The server's end of one connection, pure: datagrams and ``now`` in, datagrams and events out.

``now`` is any clock in seconds that never goes back, the same one in all calls of one object. The order of a turn:
receive what has come, take the events, queue what is to be sent, take the datagrams, sleep until ``next_timeout``.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, ClassVar, Final

from ..config import ConnectionConfig
from ..errors import DisconnectReason, MalformedPacket
from .acks import FEW, Contents
from .admission import host_of
from .channels import Message, TrackedSender
from .fragments import split
from .handshake import RandomBytes
from .inputs import InputState, decode_inputs
from .peer import (
    Disconnected,
    InputsReceived,
    MessageAcked,
    PeerProtocol,
    ProtocolEvent,
)
from .sequence import ACK_BITS_MASK, unwrap
from .snapshots import SnapshotRing, SnapshotSender
from .wire import (
    AFTER,
    BULK_SNAPSHOT,
    CLIENT_HEADER,
    DATA,
    INPUT_STATE,
    INPUTS,
    ORDER,
    SERVER_HEADER,
    SKIPPED,
    SNAPSHOT,
    message,
    to_wire_time,
)

_LOOK_INTERVAL: Final = 0.2
"""Seconds between two looks at the acknowledgements of a peer that has nothing to be acknowledged: often enough to see
how the round trip changes, and one look takes as long as all else that is done for a packet."""


class ServerProtocol(PeerProtocol):
    """The server's end of one connection. Made by ServerEndpoint, which hands it what comes from this peer.

    :ivar address: where the peer is; ``host``: what stands for its machine, see :func:`.admission.host_of`.
    :ivar nonce: the client's, from the handshake.
    :ivar joined_at: since when it is here; ``took_part_at``: when it was last seen to have sent an event or an input.
    """

    __slots__ = (
        "_acks_at",
        "_bulk",
        "_bulk_group",
        "_carried_bytes",
        "_inbox",
        "_inputs_came",
        "_loose",
        "_reported_tick",
        "_ring",
        "_settled_report",
        "_skipped_count",
        "_skipped_number",
        "accepted",
        "address",
        "counted_bytes",
        "host",
        "is_host",
        "joined_at",
        "nonce",
        "note",
        "snapshots",
        "took_part_at",
        "user",
        "violators",
    )

    _header_bytes: ClassVar = CLIENT_HEADER.size

    def __init__(
        self,
        address: tuple[Any, ...],
        nonce: bytes,
        token: bytes,
        ring: SnapshotRing,
        inbox: deque[tuple[ServerProtocol, bytes | ProtocolEvent]],
        config: ConnectionConfig,
        now: float,
        first_sequence: int = 0,
        random_bytes: RandomBytes | None = None,
    ) -> None:
        super().__init__(token, config, now, first_sequence, random_bytes)
        self.address = address
        self.host = host_of(address)
        self.nonce = nonce
        self.is_host = False
        self.joined_at = self.took_part_at = now
        self._carried_bytes = 0
        self.counted_bytes = 0
        """How much of what is held is counted in the endpoint's total."""
        self.accepted = b""
        self.note = b""
        """A framed message for this client alone, that goes along with the next packet."""
        self.user: Any = None
        """Whatever the layer above wants to find again with this peer."""
        self.snapshots = SnapshotSender(ring)
        self._ring = ring
        self._inbox = inbox
        self._acks_at = -math.inf
        """Until then acknowledgements need not be looked at: what they tell, later ones tell as well."""
        self._reported_tick = self._settled_report = -1
        self._bulk = TrackedSender(config.burst_bytes)
        self._bulk_group = 0
        self._loose: deque[bytes] = deque()
        self.violators: list[ServerProtocol] = []
        """To this list a peer adds itself when it is to be closed as soon as all that has arrived was taken in."""
        self._skipped_number = -1
        self._skipped_count = 0
        self._inputs_came = False
        """Whether the packet that is being received has brought inputs already: once is enough for everyone."""

    def queue_event(self, payload: bytes, retries: int, ticket: int | None, *, now: float) -> None:
        """Queue a serialised event. The client hands it on as soon as it has the state that is current now."""
        super().queue_event(AFTER.pack(self._ring.changed_tick & 0xFFFF) + payload, retries, ticket, now=now)

    def _deliver(self, payload: bytes) -> None:
        self._inbox.append((self, payload))

    def _on_message_acked(self, ticket: int, now: float) -> None:
        if ticket >= 0:
            self._inbox.append((self, MessageAcked(ticket)))
        elif ticket == -self._bulk_group:  # not a transfer that has been replaced since
            self.snapshots.bulk_delivered_at = now

    def _end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        if self.closed is None:
            self.closed = Disconnected(reason, detail, remote)
            self._inbox.append((self, self.closed))

    def _tracked_senders(self) -> tuple[TrackedSender, ...]:
        return (self.outgoing.ordered, self.outgoing.once, self._bulk)

    def _on_violation(self) -> None:
        self.violators.append(self)

    def receive_packet(self, data: bytes, now: float) -> None:
        """Take a DATA datagram that carries this connection's token. (Most never get here: see fast_path.)"""
        self.bytes_received += len(data)
        _, _, sequence, ack, ack_bits, delay, reported = CLIENT_HEADER.unpack_from(data)
        if self._is_duplicate(sequence, now):
            return
        if now >= self._acks_at:
            self.take_acks(ack, ack_bits, delay, now)
        # an overtaken packet's report is out of date
        if sequence == self._window.latest & 0xFFFF and reported != self._reported_tick:
            self._reported_tick = reported
            if self.snapshots.bulk_tick or not reported:
                self.next_at = now  # there may be a state that has waited for this
        if len(data) > CLIENT_HEADER.size:
            self._receive_messages(data, now)

    @property
    def has_acknowledged_state(self) -> bool:
        """True if the client has said that it has a state, or is seen to receive a large one, piece by piece."""
        return self._reported_tick > 0 or bool(self.snapshots.bulk_tick and self.rtt.rtt)

    def note_part(self, now: float) -> None:
        """Look whether packets have brought more than their headers since the last look: events, inputs."""
        headers = CLIENT_HEADER.size * (self.packets_received + self.packets_dropped)
        carried = self.bytes_received - headers
        if carried > self._carried_bytes:
            self.took_part_at = now
        self._carried_bytes = carried

    def forgive(self, slept: float, now: float) -> None:
        """See PeerProtocol. Nobody could take part meanwhile, either."""
        super().forgive(slept, now)
        self.joined_at = min(self.joined_at + slept, now)
        self.took_part_at = min(self.took_part_at + slept, now)

    def take_acks(self, ack: int, ack_bits: int, delay: int, now: float) -> None:
        """Take in what a packet's header acknowledges. Unless somebody waits for it, now and then will do."""
        self._receive_ack(ack, ack_bits, delay, now)
        sent = self._sent
        if not sent.has_contents and sent.outstanding <= FEW:
            self._acks_at = now + _LOOK_INTERVAL

    def _packet(self, messages: bytes, contents: Contents, now: float) -> bytes:
        datagram = super()._packet(messages, contents, now)
        if contents or self._sent.outstanding > FEW:
            self._acks_at = -math.inf
        return datagram

    def _measure(self, rtt: float, now: float) -> None:
        super()._measure(rtt, now)
        again_at = self.snapshots.due_at(self.rtt.rto)  # sooner now if the time-out has become shorter
        if again_at is not None and again_at < self.next_at:
            self.next_at = again_at

    def snapshot_age(self, now: float) -> float:
        """Return how old the newest state is that the client is known to have, in seconds; 0.0 if there is none.

        Changes nothing: statistics may be read from any thread, while the network's is about to make a delta.
        """
        tick, reported = self.snapshots.baseline_tick, self._reported_tick
        if self._report_waits:
            tick = unwrap(reported, self._ring.tick, 32) if reported > 0 else 0
        made_at = self._ring.times.get(tick)
        return max(now - made_at, 0.0) if made_at is not None else 0.0

    @property
    def _report_waits(self) -> bool:
        return self._reported_tick != self._settled_report

    def settle_report(self) -> None:
        """Hold on to the state that the client last said it has, before it leaves the ring: now and then will do."""
        if self._report_waits:
            self._take_report()

    def _take_report(self) -> None:
        """Settle what the client last said it has. Put off until it matters, which usually is not often: see
        fast_path.

        If that state has left the ring meanwhile, the client gets a full one. The baseline settled before may be of
        long ago, as those between have been passed over, and the client may have let go of it.
        """
        self._settled_report = self._reported_tick
        snapshots = self.snapshots
        tick = unwrap(self._reported_tick, self._ring.tick, 32) if self._reported_tick else 0
        held = tick in self._ring.ring or tick in (snapshots.baseline_tick, snapshots.bulk_tick)
        snapshots.on_reported(tick if held else 0)
        if len(self._bulk) and not snapshots.bulk_tick:  # the client has it all, though not each acknowledgement came
            self._bulk = TrackedSender(self.config.burst_bytes)

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
        return SERVER_HEADER.pack(DATA, self.token, sequence, ack, ack_bits, delay, to_wire_time(now))

    def _receive_messages(self, data: bytes, now: float) -> None:
        self._inputs_came = False
        super()._receive_messages(data, now)

    def _receive_message(self, kind: int, body: bytes, now: float) -> None:
        if kind == INPUTS:
            if self._inputs_came:  # of a few bytes each, a packet could have a thousand inputs
                raise MalformedPacket("inputs twice in a packet")
            self._inputs_came = True
            self._inbox.append((self, InputsReceived(decode_inputs(body), *self._numbers_received())))
        elif kind == SKIPPED:
            self._receive_skipped(body)
        else:
            super()._receive_message(kind, body, now)

    def _receive_skipped(self, body: bytes) -> None:
        """The client has left out a number, so that nothing was lost there. It says so until it knows that we know."""
        if len(body) != ORDER.size:
            raise MalformedPacket(f"skipped number of {len(body)} bytes")
        latest, mask = self._window.latest, self._window.mask
        number = unwrap(ORDER.unpack(body)[0], latest)
        if self._skipped_number < number < latest and not mask >> (latest - number) & 1:
            self._skipped_number = number
            self._skipped_count += 1

    def _numbers_received(self) -> tuple[int, int]:
        """Return the number of the newest packet, and which of those before it have come (bit i: the i-th before), as
        they would be if the client had left out none.
        """
        latest, mask = self._window.latest, self._window.mask
        after = (1 << (latest - self._skipped_number)) - 1 if self._skipped_count else 0
        return latest - self._skipped_count, (mask & after | mask >> 1 & ~after if after else mask) & ACK_BITS_MASK

    def tell_input_state(self, applied: int, margin: float) -> None:
        """Let the next packet tell which of the client's inputs the current state includes."""
        self.note = message(INPUT_STATE, InputState(self._ring.tick, applied, margin).encode())

    def _riders(self, room: int) -> bytes:
        return self.note if len(self.note) <= room else b""

    def _rode(self, contents: list[Any]) -> None:
        self.note = b""

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return all datagrams that are due."""
        datagrams = self._datagrams(now)
        self.next_at = self._due_at(now)
        return datagrams

    def _datagrams(self, now: float) -> list[bytes]:
        if self._report_waits:
            self._take_report()
        # a state that is on its way, piece by piece as the budget allows, is finished before the next one begins: else
        # none would ever arrive
        if not self._loose and self.snapshots.wanted(now, self.rtt.rto) and self._bucket.allows(now):
            self._queue_state(now)
        datagrams = super()._datagrams(now)
        if self._loose or self.snapshots.bulk_tick:
            self._busy = True
        return datagrams

    def _queue_state(self, now: float) -> None:
        body, kind = self.snapshots.next_body(now, self.rtt.rto)
        if kind == SNAPSHOT:
            self._loose.extend(self.snapshots.fragments(body))
        else:
            self._bulk_group += 1
            self._bulk = TrackedSender(self.config.burst_bytes)
            self._bulk.queue(Message(split(BULK_SNAPSHOT, self._bulk_group, body), math.inf, -self._bulk_group))

    def _fill_with_states(self, parts: list[bytes], room: int) -> None:
        while self._loose and len(self._loose[0]) <= room:
            parts.append(self._loose.popleft())
            room -= len(parts[-1])

    def _due_at(self, now: float) -> float:
        if self._report_waits:
            self._take_report()
        due = super()._due_at(now)
        waiting = [self.snapshots.due_at(self.rtt.rto), self._bulk.next_due(now) if len(self._bulk) else None]
        if self._loose:
            waiting.append(now)
        for at in waiting:
            if at is not None:
                due = min(due, max(at, self._bucket.ready_at(now)))
        return due
