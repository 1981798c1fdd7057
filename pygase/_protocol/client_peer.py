"""The client's end of a connection, pure: datagrams and ``now`` in, datagrams and events out.

``now`` is any clock in seconds that never goes back, the same one in all calls of one object. The order of a turn:
receive what has come, take the events, queue what is to be sent, take the datagrams, sleep until ``next_timeout``.
"""

from __future__ import annotations

from collections import deque
from typing import Any, ClassVar

from ..config import ClientConfig
from ..errors import DisconnectReason, MalformedPacket
from .event_gate import LARGE_STATE_BYTES, EventGate
from .fragments import Reassembler, TooLarge
from .handshake import Connector, RandomBytes, decode_address, reason_from_wire
from .inputs import InputSender, InputState
from .peer import (
    Connected,
    Disconnected,
    EventReceived,
    InputStateReceived,
    MessageAcked,
    PeerProtocol,
    ProtocolEvent,
    StateReceived,
)
from .sequence import unwrap
from .server_clock import ServerClock
from .snapshots import SnapshotReceiver
from .wire import (
    BULK_SNAPSHOT,
    CLIENT_HEADER,
    DATA,
    FRAGMENT_BYTES,
    INPUT_STATE,
    INPUTS,
    MESSAGE_HEADER,
    NO_ACK_DELAY,
    ORDER,
    SERVER_HEADER,
    SKIPPED,
    SNAPSHOT,
    SNAPSHOT_HEADER,
    TIME_UNIT,
    TOKEN_BYTES,
    Accepted,
    message,
)


class _CarriedInputs:
    """What a packet with inputs is to do when it is acknowledged."""

    __slots__ = ("_client", "_newest", "_skipped")

    def __init__(self, client: ClientProtocol, newest: int, skipped: int | None) -> None:
        self._client = client
        self._newest = newest
        self._skipped = skipped

    def acknowledge(self) -> None:
        """Let go of them, and of the number that was left out, which the server knows now."""
        self._client.inputs.on_acked(self._newest)
        if self._client.untold == self._skipped:
            self._client.untold = None


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
        "_gate",
        "_give_up_at",
        "_hurried",
        "_riding",
        "_sequence",
        "_server_time",
        "_state_fragments",
        "_states",
        "_told_in",
        "clock",
        "connected",
        "inputs",
        "untold",
    )

    _header_bytes: ClassVar = SERVER_HEADER.size

    _skip_within: ClassVar = 4096
    """Rarer than the server does it: there, a number that is missing makes each packet a little more work for as long
    as it is among the latest 256."""

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
        super().__init__(bytes(TOKEN_BYTES), self._client_config, now, first_sequence, random_bytes)
        self.connected = False
        self._connector = Connector(
            game, password, host_token, random_bytes, self._client_config.connect_retry_interval
        )
        self._give_up_at = now + self._client_config.connect_timeout
        self._states = SnapshotReceiver(self._client_config.max_state_bytes, self._client_config.max_state_values)
        limit = self._client_config.max_state_bytes + SNAPSHOT_HEADER.size + 64
        self._state_fragments = {
            SNAPSHOT: Reassembler(limit, 2, self._client_config.fragment_timeout),
            BULK_SNAPSHOT: Reassembler(limit),
        }
        self._events: deque[ProtocolEvent] = deque()
        self._gate = EventGate(self._client_config.event_patience)
        self._farewell: list[bytes] = []
        self.clock = ServerClock()
        """The server's time, as well as it is known."""
        self.inputs = InputSender()
        """The player's inputs, until they have arrived."""
        self.untold: int | None = None
        """A number that was left out and of which it is not known that the server knows."""
        self._hurried = False
        self._riding = False
        self._server_time = 0
        self._sequence = 0  # of the packet that is being received, as on the wire
        self._told_in = 0  # number of the newest packet that told of inputs

    def next_event(self) -> ProtocolEvent | None:
        """Return the next thing that has happened, or None."""
        return self._events.popleft() if self._events else None

    def _deliver(self, payload: bytes) -> None:
        if not self._gate.add(payload):
            self.packets_dropped += 1

    def _hand_on(self, payloads: list[bytes]) -> None:
        self._events.extend(map(EventReceived, payloads))

    def _on_message_acked(self, ticket: int, now: float) -> None:
        self._events.append(MessageAcked(ticket))

    def _end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        if self.closed is None:
            self._hand_on(self._gate.release_all())
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
            self._server_time = outcome.time
            self.last_received_at = self._last_sent_at = now
            self._ack_due_at = now  # greet at once: the server's first round-trip measurement
            self._events.append(Connected(outcome, decode_address(outcome.address)))
        elif outcome is not None:
            self._end(reason_from_wire(outcome.reason), outcome.detail, remote=True)

    def _receive_packet(self, data: bytes, now: float) -> None:
        _, _, sequence, ack, ack_bits, delay, wire_time = SERVER_HEADER.unpack_from(data)
        if self._is_duplicate(sequence, now):
            return
        self._sequence = sequence
        sent_at = self._receive_ack(ack, ack_bits, delay, now)
        self._note_time(wire_time, sent_at, delay, now)
        if len(data) > SERVER_HEADER.size:
            self._receive_messages(data, now)
            if not self._gate.is_empty:  # only now: the state of a datagram goes before its events
                self._hand_on(self._gate.release(self._states.newest_tick, now))
        if self.closed is not None and not self.closed.remote:  # the server has broken the protocol; tell it so
            self._farewell = self.close_datagrams(self.closed.reason, self.closed.detail, now)

    def _note_time(self, wire_time: int, sent_at: float | None, delay: int, now: float) -> None:
        self._server_time = unwrap(wire_time, self._server_time, 32)
        server_sent_at = self._server_time * TIME_UNIT
        known = sent_at is not None and delay != NO_ACK_DELAY
        self.clock.observe(
            sent_at=sent_at if known else None,
            server_received_at=server_sent_at - delay * TIME_UNIT if known else None,
            server_sent_at=server_sent_at,
            received_at=now,
        )

    def _receive_message(self, kind: int, body: bytes, now: float) -> None:
        try:
            if kind == SNAPSHOT:
                self._receive_state(body)
            elif kind == INPUT_STATE:
                self._receive_input_state(InputState.decode(body))
            else:
                super()._receive_message(kind, body, now)
        except TooLarge:  # the server would send it again and again
            words = (
                f"At most {self.config.max_state_bytes:,} bytes and {self.config.max_state_values:,} values are "
                "allowed here (max_state_bytes and max_state_values of ClientConfig)."
            )
            self.close(DisconnectReason.STATE_TOO_LARGE, words, now=now)

    def _receive_input_state(self, told: InputState) -> None:
        number = unwrap(self._sequence, self._window.latest)
        if number < self._told_in:  # overtaken by what was told later, maybe of the same tick
            return
        self._told_in = number
        tick = unwrap(told.tick, self._states.newest_tick, 32)
        applied = unwrap(told.applied, self.inputs.newest, 32)
        self._events.append(InputStateReceived(tick, applied, told.margin))

    def give_up_fragments(self, now: float) -> None:
        super().give_up_fragments(now)
        self._state_fragments[SNAPSHOT].expire(now)

    def _receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes, now: float) -> None:
        fragments = self._state_fragments.get(kind)
        if fragments is None:
            super()._receive_fragment(kind, group, index, count, part, now)
            return
        if count * FRAGMENT_BYTES > LARGE_STATE_BYTES:
            self._gate.hurried = True
        body = fragments.receive(group, index, count, part, now)
        if body is not None:
            self._receive_state(body)

    def _receive_state(self, body: bytes) -> None:
        self._gate.hurried = False
        self._states.note_server_time(self._server_time)
        state = self._states.receive(body)
        if state is not None:
            self._events.append(StateReceived(state))

    def queue_input(self, payload: bytes, view_time: float | None) -> int:
        """Queue the serialised input of a tick; see :meth:`InputSender.queue`. It leaves with the next
        ``datagrams_to_send``, alone if need be.
        """
        number = self.inputs.queue(payload, view_time)
        self._hurried = True
        return number

    def _riders(self, room: int) -> bytes:
        if self._riding or not len(self.inputs):
            return b""
        skipped = b"" if self.untold is None else message(SKIPPED, ORDER.pack(self.untold & 0xFFFF))
        found = self.inputs.message_body(room - len(skipped) - MESSAGE_HEADER.size)
        return skipped + message(INPUTS, found[0]) if found is not None else b""

    def _rode(self, contents: list[Any]) -> None:
        contents.append(_CarriedInputs(self, self.inputs.newest, self.untold))
        self._hurried, self._riding = False, True

    def _note_skipped(self, number: int) -> None:
        self.untold = number

    def _datagrams(self, now: float) -> list[bytes]:
        self._riding = False  # once in a turn is enough
        self._skip_number()  # before anything is filled into the packet that has to tell of it
        if len(self.inputs) and now >= self._last_sent_at + self.rtt.rto:
            self._hurried = True
        return super()._datagrams(now)

    def _due_at(self, now: float) -> float:
        due = min(super()._due_at(now), self._gate.next_at)
        if len(self.inputs):
            at = now if self._hurried else self._last_sent_at + self.rtt.rto
            due = min(due, max(at, self._bucket.ready_at(now)))
        return due

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
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
        self._bucket.spend(len(request))
        return [request]

    def next_timeout(self, *, now: float) -> float | None:
        """When to call :meth:`handle_timeout` and ``datagrams_to_send`` next, if nothing is received until then."""
        if self.closed is not None:
            return None
        if self.connected:
            return self._due_at(now)
        return min(self._connector.next_timeout(), self._give_up_at)

    def forgive(self, slept: float, now: float) -> None:
        """See PeerProtocol. A server that has not answered gets as much more time, too."""
        super().forgive(slept, now)
        self._state_fragments[SNAPSHOT].forgive(slept)
        self._give_up_at += slept

    def handle_timeout(self, *, now: float) -> None:
        """Notice what the passing of time brings: the end of patience."""
        if self.closed is not None:
            return
        if self.connected:
            self.give_up_fragments(now)
            if now >= self._gate.next_at:
                self._hand_on(self._gate.release(self._states.newest_tick, now))
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
