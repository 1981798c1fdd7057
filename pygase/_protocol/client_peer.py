"""The client's end of a connection, pure.

The order of a turn: receive datagrams, take events, queue messages, take the datagrams to send, sleep until
``next_timeout``. ``now`` never goes back.
"""

from __future__ import annotations

from collections import deque
from itertools import starmap
from typing import Final

from .._state.precision import Precision
from ..config import ClientConfig
from ..errors import DisconnectReason, MalformedPacket
from .acks import Carried
from .client_sides import PlayerSide, StateSide
from .crypto import FROM_CLIENT
from .datagrams import PathChallenge, Welcome
from .doubt import Doubt
from .event_gate import LARGE_STATE_BYTES, EventGate
from .fragments import TooLarge
from .handshake import EMPTY_PROFILE, Connector, RandomBytes, decode_address, reason_from_wire
from .inputs import InputState
from .paths import PathAnswers, path_key
from .peer import CLOSE_COPIES, PeerProtocol, encrypt
from .peer_events import (
    Connected,
    Disconnected,
    EventReceived,
    InputStateReceived,
    Lost,
    MessageAcked,
    ProtocolEvent,
    Resumed,
    StateReceived,
)
from .resumption import NO_SEAT, RESUMED_FROM_CHECKPOINT, Seat
from .secrecy import NO_TRUST, ClientSecrecy, Trust
from .sequence import unwrap
from .server_clock import ServerClock
from .way_in import WayIn
from .wire import (
    CLIENT_HEADER,
    DATA,
    DELTA,
    ENCRYPTED,
    FRAGMENT_BYTES,
    INPUT_STATE,
    PATH_CHALLENGE,
    SERVER_HEADER,
    SNAPSHOT,
    TOKEN_BYTES,
    URGENT,
)
from .wishes import NO_WISH, Wish

CLIENT_SKIPS_WITHIN: Final = 4096
"""Greater than the server's, since each missing number costs the server a little for each packet, while it is among the
latest 256."""


class ClientProtocol(PeerProtocol):
    """The client's end of a connection, from the first request on.

    :param game: the server's must be the same.
    :param profile: the player's profile, serialised.
    :param seat: of a connection that another process of this player had, to be resumed if possible.
    :param trust: by which the client recognises the server.
    :param wish: the room that a newcomer wants to enter.
    :param skip_within: the bound on the distance of two numbers that are left out.
    :ivar clock: the estimate of the server's time.
    :ivar doubt: whether the server still knows the connection.
    :ivar inputs: the player's unacknowledged inputs.
    :ivar states: the received states, and the unfinished ones.
    :ivar path: the answers to the server's path challenges.
    """

    __slots__ = (
        "_events",
        "_farewell",
        "_gate",
        "_player",
        "clock",
        "connected",
        "doubt",
        "inputs",
        "path",
        "states",
        "way_in",
    )

    def __init__(
        self,
        *,
        now: float,
        random_bytes: RandomBytes,
        config: ClientConfig | None = None,
        game: str = "",
        password: str | None = None,
        host_token: str = "",
        profile: bytes = EMPTY_PROFILE,
        seat: Seat = NO_SEAT,
        trust: Trust = NO_TRUST,
        wish: Wish = NO_WISH,
        first_sequence: int = 0,
        skip_within: int = CLIENT_SKIPS_WITHIN,
    ) -> None:
        config = config or ClientConfig()
        super().__init__(bytes(TOKEN_BYTES), config, now, first_sequence, random_bytes, skip_within)
        self.connected = False
        pause, claim = config.connect_retry_interval, seat.claim(0, 0)
        secrecy = ClientSecrecy(config.encryption, trust, random_bytes)
        if seat.identity:
            secrecy = secrecy.again(seat.identity)
        asked = Wish(seat.room) if claim.client_id else wish
        connector = Connector(game, password, host_token, random_bytes, pause, profile, claim, secrecy, asked)
        self.way_in = WayIn(connector, seat, now + config.connect_timeout, wish)
        self.doubt = Doubt()
        self.states = StateSide(config)
        self._events: deque[ProtocolEvent] = deque()
        self._gate = EventGate(config.event_patience)
        self._farewell: list[bytes] = []
        self.clock = ServerClock()
        self.path = PathAnswers()
        self._player = PlayerSide()
        self.record.ride = self._player.rhythm
        self.inputs = self._player.inputs

    def next_event(self) -> ProtocolEvent | None:
        return self._events.popleft() if self._events else None

    def _deliver(self, payload: bytes) -> None:
        if not self._gate.add(payload):
            self.record.packets_dropped += 1

    def on_message_acked(self, ticket: int, now: float) -> None:
        self._events.append(MessageAcked(ticket))

    def end(self, reason: DisconnectReason, detail: str, remote: bool) -> None:
        if self.closed is None:
            self._events.extend(starmap(EventReceived, self._gate.release_all()))
            self.closed = Disconnected(reason, detail, remote)
            self._events.append(self.closed)

    def receive_datagram(self, data: bytes, *, now: float) -> None:
        """A foreign datagram from the server's address does no harm."""
        if self.closed is not None or not data:
            return
        self.record.bytes_received += len(data)
        if data[0] in (DATA, ENCRYPTED, URGENT):
            self._receive_data(data, now)
            return
        try:
            self._receive_other(data, now)
        except MalformedPacket:
            self.record.packets_dropped += 1
        if not self.connected and self.way_in.connector.outcome is not None:
            self._finish_handshake(now)

    def _receive_other(self, data: bytes, now: float) -> None:
        if data[0] == PATH_CHALLENGE:
            challenge = PathChallenge.decode(data)
            if self.connected and challenge.token == self.token:
                self.path.receive(challenge)
            else:
                self.record.packets_dropped += 1
        elif not self.connected:
            self.way_in.connector.receive(data[0], data, now)
        elif self.doubt.receive(data, self, now):
            resumed = self.doubt.resumed
            self.lose(now)
            self.way_in.connector = resumed or self.way_in.connector

    def _receive_data(self, data: bytes, now: float) -> None:
        if not self.connected or len(data) < SERVER_HEADER.size or data[1:9] != self.token:
            self.record.packets_dropped += 1
            return
        if self.seals is not None or data[0] != DATA:
            data = self.seals.open(data, self.record.latest) if self.seals is not None else b""
        if data:
            self._receive_packet(data, now)
            return
        self.record.packets_dropped += 1
        if self.seals is not None and self.seals.is_worn_out:
            self.close(DisconnectReason.PROTOCOL_ERROR, now=now)

    def _finish_handshake(self, now: float) -> None:
        outcome = self.way_in.connector.outcome
        if isinstance(outcome, Welcome):
            self._begin(outcome, now)
        elif outcome is not None:
            reason = reason_from_wire(outcome.reason)
            if not self.way_in.goes_on_after(reason, now):
                self.end(reason, outcome.detail, remote=True)

    def _begin(self, welcome: Welcome, now: float) -> None:
        address = decode_address(welcome.address)
        if not self.way_in.is_return:
            self.token = welcome.token
            self._events.append(Connected(welcome, address))
        elif welcome.resumed:
            forgot = welcome.resumed == RESUMED_FROM_CHECKPOINT
            lost = max(self.outgoing.ordered_acked - welcome.received, 0) if forgot else 0
            self.renew(welcome.token, welcome.received, now=now, peer_forgot=forgot)
            self._events.append(Resumed(welcome, address, False, lost))
        else:  # the server has made another client of us
            self.end(DisconnectReason.NOT_RESUMABLE, "", remote=False)
            return
        self.path.key = path_key(welcome.resume_secret)
        agreement = self.way_in.connector.agreement
        encrypt(self, agreement.keys if agreement is not None else None, FROM_CLIENT)
        self.way_in.succeed(welcome)
        self.states.take_precision(Precision.decode(welcome.precision))
        self.connected = True
        self.clock.units = welcome.time
        self.record.last_received_at = self.record.last_sent_at = now
        self.record.ack_due_at = now  # answer at once: the server's first round-trip measurement

    def lose(self, now: float) -> None:
        """Reconnect, since the server does not answer any more. If it keeps no lost clients, end the connection."""
        if not self.connected or self.closed is not None:
            return
        if not self.way_in.seat.seconds:
            self.end(DisconnectReason.TIMED_OUT, "", remote=False)
            return
        self.connected = False
        self.doubt.end(now)
        self.outgoing.unreliable.pieces.clear()
        self.way_in.begin_return(self.incoming.received, self.outgoing.ordered_acked, now)
        self._events.append(Lost(self.way_in.until))

    def renew(self, token: bytes, received: int, *, now: float, peer_forgot: bool = False) -> None:
        """Do the same as PeerProtocol. If the server forgot, it does not know the states that it has sent either."""
        super().renew(token, received, now=now, peer_forgot=peer_forgot)
        if peer_forgot:
            self.incoming.begin_anew(self.incoming.received)
            self.states.received.forget_baselines()
            self.clock = ServerClock()
        self.path = PathAnswers()
        self._player.renew()
        self.states.renew()
        self._gate.hurried = False

    def _receive_packet(self, data: bytes, now: float) -> None:
        _, _, sequence, ack, ack_bits, delay, wire_time = SERVER_HEADER.unpack_from(data)
        if not self.record.note_packet(sequence, now):
            return
        self._player.sequence = sequence
        self.doubt.end(now)
        sent_at = self._receive_ack(ack, ack_bits, delay, now)
        self.clock.note(wire_time, sent_at, delay, now)
        if len(data) > SERVER_HEADER.size:
            if not self._receive_messages(data, now):
                self.record.hurry_ack(now)
            if not self._gate.is_empty:  # only now: the state of a datagram precedes its events
                self._events.extend(starmap(EventReceived, self._gate.release(self.states.received.newest_tick, now)))
        if self.closed is not None and not self.closed.remote:  # the server broke the protocol; report it
            self._farewell = self.close_datagrams(self.closed.reason, self.closed.detail, now)

    def _receive_message(self, kind: int, body: bytes, now: float) -> bool:
        try:
            if kind in (DELTA, SNAPSHOT):
                self._receive_state(body, kind)
            elif kind == INPUT_STATE:
                self._receive_input_state(InputState.decode(body))
            else:
                return super()._receive_message(kind, body, now)
        except TooLarge:  # the server would send it again and again
            words = (
                f"At most {self.config.max_state_bytes:,} bytes and {self.config.max_state_values:,} values are "
                "allowed here (max_state_bytes and max_state_values of ClientConfig)."
            )
            self.close(DisconnectReason.STATE_TOO_LARGE, words, now=now)
        return True

    def _receive_input_state(self, reported: InputState) -> None:
        if self._player.is_overtaken(unwrap(self._player.sequence, self.record.latest)):
            return
        tick = unwrap(reported.tick, self.states.received.newest_tick, 32)
        applied = unwrap(reported.applied, self.inputs.newest, 32)
        self._events.append(InputStateReceived(tick, applied, reported.margin))

    def give_up_fragments(self, now: float) -> None:
        super().give_up_fragments(now)
        self.states.expire(now)

    def _receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes, now: float) -> None:
        fragments = self.states.fragments(kind)
        if fragments is None:
            super()._receive_fragment(kind, group, index, count, part, now)
            return
        if count * FRAGMENT_BYTES > LARGE_STATE_BYTES:
            self._gate.hurried = True
        body = fragments.receive(group, index, count, part, now)
        if body is not None:
            self._receive_state(body, kind)

    def _receive_state(self, body: bytes, kind: int) -> None:
        self._gate.hurried = False
        self.states.received.note_server_time(self.clock.units)
        state = self.states.received.receive(body, kind)
        if state is not None:
            self.states.note_interval(state)
            self._events.append(StateReceived(state))

    def queue_input(self, payload: bytes, view_time: float | None) -> int:
        """See :meth:`InputSender.queue`. It leaves with the next ``datagrams_to_send``, if necessary alone."""
        number = self.inputs.queue(payload, view_time)
        self.hurried = True
        return number

    def _piggyback(self, room: int) -> bytes:
        return self._player.piggyback(room, self.acks.loss)

    def _note_piggybacked(self, contents: list[Carried]) -> None:
        contents.append(self._player.note_piggybacked())
        self.hurried = False

    def _skip_number(self) -> int:
        self._player.unreported = number = super()._skip_number()
        return number

    def _datagrams(self, now: float) -> list[bytes]:
        self._player.has_piggybacked = False
        if self.hurried or self.outgoing.unreliable.pieces:
            self._player.rhythm.note(now)
        if self.record.skip_is_due:
            self._skip_number()  # before the packet that has to report it is filled
        if len(self.inputs) and now >= self.record.last_sent_at + self.states.patience(self.rtt):
            self.hurried = True
            self.inputs.repeat_all()
        return super()._datagrams(now)

    def due_at(self, now: float) -> float:
        due = min(super().due_at(now), self._gate.next_at)
        if len(self.inputs):
            at = now if self.hurried else self.record.last_sent_at + self.states.patience(self.rtt)
            due = min(due, max(at, self.budget.ready_at(now)))
        return due

    def _header(self, sequence: int, ack: int, ack_bits: int, delay: int, now: float) -> bytes:
        acked_tick = self.states.received.acked_tick & 0xFFFFFFFF
        return CLIENT_HEADER.pack(DATA, self.token, sequence, ack, ack_bits, delay, acked_tick)

    def datagrams_to_send(self, *, now: float) -> list[bytes]:
        if self.closed is not None:
            farewell, self._farewell = self._farewell, []
            return farewell
        if self.connected and not self.doubt.is_open:
            return [*self.path.take(), *self._datagrams(now)]
        request = (self.doubt if self.connected else self.way_in.connector).datagram_to_send(now)
        datagrams = [*self.path.take(), *self.doubt.take_question(), *self._datagrams(now)] if self.connected else []
        if request is not None:
            self.budget.spend(len(request))
            datagrams.append(request)
        return datagrams

    def next_timeout(self, *, now: float) -> float | None:
        """When to call :meth:`handle_timeout` and ``datagrams_to_send`` next, if no datagram arrives earlier."""
        if self.closed is not None:
            return None
        if self.connected:
            due_at = min(self.due_at(now), self.doubt.next_timeout(self.config.heartbeat_interval))
            return now if len(self.path) else due_at
        return self.way_in.next_timeout()

    def forgive(self, slept: float, now: float) -> None:
        """Do the same as PeerProtocol, and give the time to a server that has not answered yet."""
        super().forgive(slept, now)
        self.states.forgive(slept)
        self.way_in.until += slept

    def handle_timeout(self, *, now: float) -> None:
        if self.closed is not None:
            return
        if self.connected:
            self.give_up_fragments(now)
            if now >= self._gate.next_at:
                self._events.extend(starmap(EventReceived, self._gate.release(self.states.received.newest_tick, now)))
            refused = self.doubt.refusal(self.config.heartbeat_interval, now)
            if refused is not None:
                self.end(*refused, remote=True)
            elif self.timed_out(now):
                self.lose(now)
            return
        self.way_in.connector.settle(now)
        if self.way_in.connector.outcome is not None:
            self._finish_handshake(now)
        elif now >= self.way_in.until:
            self.end(self.way_in.reason_if_vain, "", remote=False)

    def close(self, reason: DisconnectReason = DisconnectReason.CLOSED, detail: str = "", *, now: float) -> None:
        """The queued messages and the CLOSE leave with the next ``datagrams_to_send``; if the connection is lost, a
        GOODBYE leaves instead."""
        if self.closed is None:
            if self.connected:
                self._farewell = self.close_datagrams(reason, detail, now)
            if self.way_in.is_return or self.doubt.is_open:  # the server may not know the connection any more
                self._farewell += [self.way_in.seat.goodbye().encode()] * CLOSE_COPIES
            self.end(reason, detail, remote=False)
