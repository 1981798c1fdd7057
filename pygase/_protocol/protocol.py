"""One peer's protocol, pure: datagrams and ``now`` in, datagrams and events out. ClientProtocol and ServerProtocol.

``now`` is any clock in seconds that never goes back, the same one in all calls of one object. The order of a turn:
receive what has come, take the events, queue what is to be sent, take the datagrams, sleep until ``next_timeout``.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final

from ..config import ClientConfig, ConnectionConfig
from ..errors import DisconnectReason, MalformedPacket
from .channels import Message, TrackedSender
from .fragments import Reassembler, TooLarge, split
from .handshake import Connector, RandomBytes, decode_address, reason_from_wire
from .peer import (
    ACK_BITS,
    Connected,
    Disconnected,
    EventReceived,
    MessageAcked,
    PeerProtocol,
    ProtocolEvent,
    StateReceived,
)
from .sequence import ACK_BITS_MASK, unwrap
from .snapshots import SnapshotReceiver, SnapshotRing, SnapshotSender
from .wire import (
    BULK_SNAPSHOT,
    CLIENT_HEADER,
    DATA,
    EVENT,
    MESSAGE_HEADER,
    NO_ACK_DELAY,
    SERVER_HEADER,
    SNAPSHOT,
    SNAPSHOT_HEADER,
    TIME_UNIT,
    TOKEN_BYTES,
    Accepted,
)

_FIRST_MESSAGE: Final = CLIENT_HEADER.size
_FIRST_BODY: Final = _FIRST_MESSAGE + MESSAGE_HEADER.size


class ServerProtocol(PeerProtocol):
    """The server's end of one connection. Made by ServerEndpoint, which hands it what comes from this peer.

    :ivar address: where the peer is.
    :ivar nonce: the client's, from the handshake.
    """

    __slots__ = (
        "_bulk",
        "_bulk_group",
        "_inbox",
        "_loose",
        "_reported_by",
        "_reported_tick",
        "_ring",
        "accepted",
        "address",
        "is_host",
        "nonce",
        "snapshots",
        "user",
    )

    _header_bytes = CLIENT_HEADER.size

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
    ) -> None:
        super().__init__(token, config, now, first_sequence)
        self.address = address
        self.nonce = nonce
        self.is_host = False
        self.accepted = b""
        self.user: Any = None
        """Whatever the layer above wants to find again with this peer."""
        self.snapshots = SnapshotSender(ring)
        self._ring = ring
        self._inbox = inbox
        self._reported_tick = -1
        self._reported_by = -1
        self._bulk = TrackedSender(config.burst_bytes)
        self._bulk_group = 0
        self._loose: deque[bytes] = deque()

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

    def receive_packet(self, data: bytes, now: float) -> None:
        """Take a DATA datagram that carries this connection's token.

        This runs for every client in every tick, so the usual cases (next in order, newest packet acknowledged, one
        unreliable event) are handled in place; all others take the way that the client's end takes, too.
        """
        _, _, sequence, ack, ack_bits, delay, reported = CLIENT_HEADER.unpack_from(data)
        size = len(data)
        self.bytes_received += size
        window = self._window
        if (sequence - window.latest) & 0xFFFF == 1 and window.latest >= 0:
            window.advance()
            self._latest_received_at = self.last_received_at = now
            self.packets_received += 1
        elif self._is_duplicate(sequence, now):
            return
        sent_at = self._sent.acknowledge_only(ack)
        if sent_at is None:
            self._receive_ack(ack, ack_bits, delay, now)
        elif now >= self._measure_at and delay != NO_ACK_DELAY:
            self._measure(now - sent_at - delay * TIME_UNIT, now)
        if reported != self._reported_tick:
            newest = window.latest
            if (
                newest > self._reported_by and sequence == newest & 0xFFFF
            ):  # an overtaken packet's report is out of date
                self._reported_by, self._reported_tick = newest, reported
                self.snapshots.on_reported(unwrap(reported, self._ring.tick, 32) if reported else 0)
        if size <= CLIENT_HEADER.size:
            return
        if (
            size > _FIRST_BODY
            and data[_FIRST_MESSAGE] == EVENT
            and size - _FIRST_BODY == data[_FIRST_BODY - 2] << 8 | data[_FIRST_BODY - 1]
        ):
            self._note_eliciting(now)
            self._inbox.append((self, data[_FIRST_BODY:]))
        else:
            self._receive_messages(data, now)

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int) -> bytes:
        return SERVER_HEADER.pack(DATA, self.token, sequence, ack, ack_bits, delay)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return all datagrams that are due."""
        snapshots, ring = self.snapshots, self._ring
        if snapshots.sent_tick != ring.tick and not (self._busy or self._loose or snapshots.bulk_tick):
            # the common case, every tick for every client: one state, shared by many, in one packet
            baseline_tick = snapshots.baseline_tick
            framed = ring.framed(baseline_tick, snapshots.baseline)
            if framed and baseline_tick != ring.tick and self._unacknowledged <= ACK_BITS and self._bucket.allows(now):
                snapshots.sent_tick, snapshots.sent_at = ring.tick, now
                again_at, lost_at = now + self.rtt.rto, self.last_received_at + self._timeout
                self.next_at = again_at if again_at < lost_at else lost_at
                return [self._state_packet(framed, now)]
        datagrams = self._datagrams(now)
        self.next_at = self._due_at(now)
        return datagrams

    def _state_packet(self, framed: bytes, now: float) -> bytes:
        """Do what :meth:`_packet` does, for a state alone, without a call for each step."""
        window, sent = self._window, self._sent
        delay = NO_ACK_DELAY
        if window.latest >= 0:
            held = int((now - self._latest_received_at) / TIME_UNIT + 0.5)
            delay = held if held < NO_ACK_DELAY else NO_ACK_DELAY
        sequence = sent.sent(None, now)
        header = SERVER_HEADER.pack(
            DATA, self.token, sequence & 0xFFFF, window.latest & 0xFFFF, (window.mask >> 1) & ACK_BITS_MASK, delay
        )
        size = SERVER_HEADER.size + len(framed)
        self.bytes_sent += size
        self._bucket.spent += size
        self._last_sent_at = now
        self._ack_due_at = math.inf
        self._unacknowledged = 0
        return header + framed

    def _datagrams(self, now: float) -> list[bytes]:
        if self.snapshots.wanted(now, self.rtt.rto) and self._bucket.allows(now):
            self._queue_state(now)
        return super()._datagrams(now)

    def _queue_state(self, now: float) -> None:
        body, kind = self.snapshots.next_body(now)
        if kind == SNAPSHOT:
            self._loose.clear()  # what is left of an older state is worthless now
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
        due = super()._due_at(now)
        waiting = [self.snapshots.due_at(self.rtt.rto), self._bulk.next_due(now) if len(self._bulk) else None]
        if self._loose:
            waiting.append(now)
        for at in waiting:
            if at is not None:
                due = min(due, max(at, self._bucket.ready_at(now)))
        return due


class ClientProtocol(PeerProtocol):
    """The client's end of a connection, from the first request on.

    :param game: name of the game; the server's must be the same.
    :param random_bytes: a source of unpredictable bytes.
    """

    __slots__ = (
        "_client_config",
        "_connector",
        "_events",
        "_farewell",
        "_give_up_at",
        "_state_fragments",
        "_states",
        "connected",
    )

    _header_bytes = SERVER_HEADER.size

    def __init__(
        self,
        *,
        now: float,
        random_bytes: RandomBytes,
        config: ClientConfig | None = None,
        game: str = "",
        password: str | None = None,
        host_token: str = "",
        first_sequence: int = 0,
    ) -> None:
        self._client_config = config or ClientConfig()
        super().__init__(bytes(TOKEN_BYTES), self._client_config, now, first_sequence)
        self.connected = False
        self._connector = Connector(
            game, password, host_token, random_bytes, self._client_config.connect_retry_interval
        )
        self._give_up_at = now + self._client_config.connect_timeout
        self._states = SnapshotReceiver(config.max_state_bytes if config else ClientConfig.max_state_bytes)
        limit = self._client_config.max_state_bytes + SNAPSHOT_HEADER.size + 64
        self._state_fragments = {SNAPSHOT: Reassembler(limit, 2), BULK_SNAPSHOT: Reassembler(limit)}
        self._events: deque[ProtocolEvent] = deque()
        self._farewell: list[bytes] = []

    def next_event(self) -> ProtocolEvent | None:
        """Return the next thing that has happened, or None."""
        return self._events.popleft() if self._events else None

    def _deliver(self, payload: bytes) -> None:
        self._events.append(EventReceived(payload))

    def _on_message_acked(self, ticket: int, now: float) -> None:
        self._events.append(MessageAcked(ticket))

    def _end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        if self.closed is None:
            self.closed = Disconnected(reason, detail, remote)
            self._events.append(self.closed)

    def receive_datagram(self, data: bytes, *, now: float) -> None:
        """Take whatever came from the server's address. Nothing that does not belong here does any harm."""
        if self.closed is not None or not data:
            return
        self.bytes_received += len(data)
        if data[0] == DATA:
            if self.connected and len(data) >= SERVER_HEADER.size and data[1:9] == self.token:
                self._receive_packet(data, now)
            else:
                self.packets_dropped += 1
            return
        try:
            self._connector.receive(data[0], data, now)
        except MalformedPacket:
            self.packets_dropped += 1
        if not self.connected and self._connector.outcome is not None:
            self._finish_handshake(now)

    def _finish_handshake(self, now: float) -> None:
        outcome = self._connector.outcome
        if isinstance(outcome, Accepted):
            self.connected = True
            self.token = outcome.token
            self.last_received_at = self._last_sent_at = now
            self._ack_due_at = now  # greet at once: the server's first round-trip measurement
            self._events.append(Connected(outcome, decode_address(outcome.address)))
        elif outcome is not None:
            self._end(reason_from_wire(outcome.reason), outcome.detail, remote=True)

    def _receive_packet(self, data: bytes, now: float) -> None:
        _, _, sequence, ack, ack_bits, delay = SERVER_HEADER.unpack_from(data)
        if self._is_duplicate(sequence, now):
            return
        self._receive_ack(ack, ack_bits, delay, now)
        if len(data) > SERVER_HEADER.size:
            self._receive_messages(data, now)
            if self.closed is not None and not self.closed.remote:  # the server has broken the protocol; tell it so
                self._farewell = self.close_datagrams(self.closed.reason, "", now)

    def _receive_message(self, kind: int, body: bytes, now: float) -> None:
        try:
            if kind == SNAPSHOT:
                self._receive_state(body)
            else:
                super()._receive_message(kind, body, now)
        except TooLarge:  # the server would send it again and again
            words = f"At most {self.config.max_state_bytes:,} bytes are allowed here (ClientConfig.max_state_bytes)."
            self.close(DisconnectReason.STATE_TOO_LARGE, words, now=now)

    def _receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes) -> None:
        fragments = self._state_fragments.get(kind)
        if fragments is None:
            super()._receive_fragment(kind, group, index, count, part)
            return
        body = fragments.receive(group, index, count, part)
        if body is not None:
            self._receive_state(body)

    def _receive_state(self, body: bytes) -> None:
        state = self._states.receive(body)
        if state is not None:
            self._events.append(StateReceived(state))

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int) -> bytes:
        reported = self._states.reported_tick & 0xFFFFFFFF
        return CLIENT_HEADER.pack(DATA, self.token, sequence, ack, ack_bits, delay, reported)

    def datagrams_to_send(self, *, now: float) -> list[bytes]:
        """Return all datagrams that are due."""
        if self.closed is not None:
            farewell, self._farewell = self._farewell, []
            return farewell
        if self.connected:
            return self._datagrams(now)
        request = self._connector.datagram_to_send(now)
        if request is None:
            return []
        self.bytes_sent += len(request)
        return [request]

    def next_timeout(self, *, now: float) -> float | None:
        """When to call :meth:`handle_timeout` and ``datagrams_to_send`` next, if nothing is received until then."""
        if self.closed is not None:
            return None
        if self.connected:
            return self._due_at(now)
        return min(self._connector.next_timeout(), self._give_up_at)

    def handle_timeout(self, *, now: float) -> None:
        """Notice what the passing of time brings: the end of patience."""
        if self.closed is not None:
            return
        if self.connected:
            if self.timed_out(now):
                self._end(DisconnectReason.TIMED_OUT, "", remote=False)
        elif now >= self._give_up_at:
            self._end(DisconnectReason.NO_ANSWER, "", remote=False)

    def close(self, reason: DisconnectReason = DisconnectReason.CLOSED, detail: str = "", *, now: float) -> None:
        """Hang up. What is queued and the goodbye leave with the next ``datagrams_to_send``."""
        if self.closed is None:
            if self.connected:
                self._farewell = self.close_datagrams(reason, detail, now)
            self._end(reason, detail, remote=False)
