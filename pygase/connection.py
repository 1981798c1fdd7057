"""A protocol joined to a transport: the two ends of a connection, as a game sees them."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._diagnostics.holdups import Holdups
from ._diagnostics.log_lines import LogLines
from ._io.clocks import random_sources
from ._io.ports import Driver
from ._io.udp import ClientTransport
from ._protocol.client_peer import ClientProtocol
from ._protocol.endpoint import ServerEndpoint
from ._protocol.input_buffer import InputCounts
from ._protocol.peer import ProtocolEvent
from ._protocol.server_peer import ServerProtocol
from ._protocol.sleep import SleepWatch
from ._protocol.timing import ConnectionStats
from ._server.event_queue import ClientEvents
from ._server.players import PlayerInputs
from .errors import DisconnectReason
from .event import encode_event
from .utils import NamedEnum

if TYPE_CHECKING:
    from ._client.conditioner import Conditioner
    from .links import Link

__all__ = ["ClientConnection", "ConnectionStats", "ConnectionStatus", "ServerConnection"]

AckCallback = Callable[..., Any]


class ConnectionStatus(NamedEnum, first=2):
    """Status of a connection: ``"Disconnected"`` (2), ``"Connected"`` (3) or ``"Connecting"`` (4), as in PyGaSe 0.x.

    0 and 1 are GameStatus values; further names get further numbers.
    """


ConnectionStatus.register("Disconnected")
ConnectionStatus.register("Connected")
ConnectionStatus.register("Connecting")

_DISCONNECTED = ConnectionStatus.get("Disconnected")
_CONNECTING = ConnectionStatus.get("Connecting")
_CONNECTED = ConnectionStatus.get("Connected")


class _Tickets:
    """Numbers for events whose arrival somebody wants to hear of, and whom to tell."""

    def __init__(self) -> None:
        self._next = 0
        self._callbacks: dict[int, AckCallback] = {}

    def issue(self, callback: AckCallback | None) -> int | None:
        if callback is None:
            return None
        self._next += 1
        self._callbacks[self._next] = callback
        if len(self._callbacks) > 16384:  # of events that never arrived
            del self._callbacks[next(iter(self._callbacks))]
        return self._next

    def redeem(self, ticket: int) -> AckCallback | None:
        return self._callbacks.pop(ticket, None)


def run_callback(driver: Driver, log: LogLines, holdups: Holdups, callback: Callable[..., Any], *args: Any) -> None:
    """Call what a user has given us; a coroutine is spawned, and what it raises is logged and goes no further."""
    try:
        result = holdups.call(f"callback {callback!r}", callback, callback, *args)
    except Exception as error:
        log.write(logging.ERROR, "callback %r raised %r", callback, error, kind="callback", error=error)
    else:
        if hasattr(result, "__await__"):
            driver.spawn(log.watch(result, f"callback {callback!r}", "callback"))


class ClientConnection:
    """A client's end of a connection: its protocol and its socket.

    :ivar remote_address: ``(hostname, port)`` as given to ``Client.connect``.
    :ivar status: a ConnectionStatus value.
    """

    def __init__(
        self,
        remote_address: tuple[str, int],
        protocol: ClientProtocol,
        transport: ClientTransport | Any,
        clock: Callable[[], float],
        on_event: Callable[[ProtocolEvent], None],
    ) -> None:
        self.remote_address = remote_address
        self._protocol = protocol
        self._transport = transport
        self._clock = clock
        self._on_event = on_event
        self._tickets = _Tickets()
        self._close_at: float | None = None
        self._close_reason = DisconnectReason.CLOSED
        self._event_waits = False
        """Whether events have been queued that may not have left yet."""
        self._last_event_packet: int | None = None
        """Number of the newest packet that had events in it."""
        self._conditioner: Conditioner | None = None
        self._sleep = SleepWatch()
        self._due_at: float | None = None

    @property
    def status(self) -> int:
        """A ConnectionStatus value."""
        if self._protocol.closed is not None:
            return _DISCONNECTED
        return _CONNECTED if self._protocol.connected else _CONNECTING

    @property
    def is_closed(self) -> bool:
        """True after the end of the connection, or of the attempt."""
        return self._protocol.closed is not None

    @property
    def stats(self) -> ConnectionStats:
        """What has been measured of this connection so far."""
        return self._protocol.stats(now=self._clock())

    @property
    def latency(self) -> float:
        """Round-trip time in seconds; the same as ``stats.rtt``."""
        return self._protocol.rtt.rtt

    def queue_event(self, payload: bytes, retries: int, ack_callback: AckCallback | None) -> None:
        """Queue a serialised event; it leaves with the next :meth:`advance`. On the network's thread only."""
        self._protocol.queue_event(payload, retries, self._tickets.issue(ack_callback), now=self._clock())
        self._event_waits = True

    def queue_input(self, payload: bytes, view_time: float | None) -> None:
        """Queue a serialised input; it leaves with the next :meth:`advance`. On the network's thread only."""
        self._protocol.queue_input(payload, view_time)

    def server_time(self) -> float | None:
        """Return the server's time in seconds; None while it is not known."""
        return self._protocol.clock.server_time(now=self._clock())

    def redeem(self, ticket: int) -> AckCallback | None:
        """Return the callback of an event that has arrived."""
        return self._tickets.redeem(ticket)

    @property
    def waiting_events(self) -> int:
        """How many events with retries wait to be sent or acknowledged."""
        outgoing = self._protocol.outgoing
        return len(outgoing.ordered) + len(outgoing.once)

    def close(self, reason: DisconnectReason = DisconnectReason.CLOSED, linger: float = 0.0) -> None:
        """Hang up: what is queued leaves with the next :meth:`advance`, and then the goodbye.

        :param linger: seconds to wait at most until the connection stands and the peer has all events; those with
            retries are resent meanwhile. (A goodbye that overtakes an event would make the peer drop it.)
        """
        self._close_reason = reason
        self._close_at = self._clock() + linger

    def _close_if_due(self, now: float) -> None:
        if self._close_at is not None and (now >= self._close_at or self._all_is_said()):
            self._protocol.close(self._close_reason, now=now)

    def _all_is_said(self) -> bool:
        """Tell whether the peer has all events, as far as can be known: one without retries may have got lost."""
        protocol, last = self._protocol, self._last_event_packet
        if not protocol.connected or self._event_waits or not protocol.outgoing.idle:
            return False
        return last is None or protocol.has_arrived(last)

    def _note_sent_events(self) -> None:
        if self._event_waits and not self._protocol.outgoing.unreliable.pieces:
            self._event_waits = False
            self._last_event_packet = self._protocol.newest_packet

    def condition(self, link: Link | None, seed: int | None = None) -> None:
        """Lay a bad link over this connection, or take it away; holds from the next :meth:`advance`. On the network's
        thread only.
        """
        if self._conditioner is None:
            if link is None:
                return
            from ._client.conditioner import (
                Conditioner,  # only here: few games need it, and it takes its time to import
            )

            self._conditioner = Conditioner(*random_sources(seed))
        self._conditioner.link = link

    def _notice_sleep(self, now: float) -> bool:
        """Forgive the server's silence while we slept; return whether we did."""
        slept = self._sleep.ran(now, self._due_at)
        if slept:
            self._protocol.forgive(slept, now)
        return slept > 0.0

    def receive(self) -> int:
        """Take in all datagrams that have come, and handle what they bring."""
        now = self._clock()
        self._notice_sleep(now)
        datagrams = self._transport.take()
        count = len(datagrams)
        if self._conditioner is not None:
            for data, address in datagrams:
                self._conditioner.receive(data, address, now)
            datagrams = self._conditioner.due_to_receive(now)
        for data, _ in datagrams:
            self._protocol.receive_datagram(data, now=now)
        self._handle_events()
        return count

    def advance(self) -> float | None:
        """Do what is due, and send what is to be sent; return when to be called next."""
        now = self._clock()
        if self._notice_sleep(now):  # what lies in the socket comes before any judgement
            self.receive()
        self._due_at = self._advance(now)
        return self._due_at

    def _advance(self, now: float) -> float | None:
        protocol = self._protocol
        if self._conditioner is not None:
            for data, _ in self._conditioner.due_to_receive(now):
                protocol.receive_datagram(data, now=now)
        protocol.handle_timeout(now=now)
        self._close_if_due(now)
        self._handle_events()
        for datagram in protocol.datagrams_to_send(now=now):
            self._send(datagram, now)
            if not protocol.connected and protocol.closed is None:
                self._transport.try_next()
        self._note_sent_events()
        due_at = protocol.next_timeout(now=now)
        if due_at is not None and self._close_at is not None:
            due_at = min(due_at, self._close_at)
        return due_at if self._conditioner is None else self._send_conditioned(self._conditioner, now, due_at)

    def _send(self, datagram: bytes, now: float) -> None:
        if self._conditioner is None:
            self._transport.send(datagram, self._transport.address)
        else:
            self._conditioner.send(datagram, self._transport.address, now)

    def _send_conditioned(self, conditioner: Conditioner, now: float, due_at: float | None) -> float | None:
        """Send what has got through; return when to be called next, for the connection or for what is under way."""
        for datagram, address in conditioner.due_to_send(now):
            self._transport.send(datagram, address)
        if conditioner.idle:
            self._conditioner = None
        return due_at if due_at is None else min(due_at, conditioner.next_at)

    def _handle_events(self) -> None:
        while (event := self._protocol.next_event()) is not None:
            self._on_event(event)

    @property
    def hint(self) -> str:
        """What the system said when it refused to send, or ``""``."""
        return str(getattr(self._transport, "hint", ""))

    def release(self) -> None:
        """Close the socket. What a bad link holds back leaves before: on a real one it would be on its way."""
        if self._conditioner is not None:
            self._send_conditioned(self._conditioner, math.inf, None)
        self._transport.close()


class ServerConnection:
    """The server's end of one connection, as ``Server.connections`` holds it.

    :ivar remote_address: the client's address.
    """

    def __init__(
        self,
        peer: ServerProtocol,
        endpoint: ServerEndpoint,
        clock: Callable[[], float],
        inputs: PlayerInputs,
        after_state: Callable[[Callable[[], None]], None] = lambda queue: queue(),
    ) -> None:
        self.remote_address = peer.address
        self._peer = peer
        self._endpoint = endpoint
        self._clock = clock
        self._inputs = inputs
        self._after_state = after_state
        self._tickets = _Tickets()
        self.events = ClientEvents(peer.address, endpoint.config)
        """What this client's events cost the game loop, and which of them wait for it."""
        self.own_events = ClientEvents(peer.address, endpoint.config, in_game=self.events)
        """The same of the server's own handlers, and of wires that take no serialised events."""

    @property
    def status(self) -> int:
        """A ConnectionStatus value."""
        return _CONNECTED if self._peer.closed is None else _DISCONNECTED

    @property
    def stats(self) -> ConnectionStats:
        """What has been measured of this connection so far."""
        now = self._clock()
        return self._peer.stats(now=now)._replace(
            interpolation_delay=self._inputs.delay(self._peer) or 0.0,
            snapshot_age=self._peer.snapshot_age(now),
        )

    @property
    def input_counts(self) -> InputCounts:
        """What has become of this player's inputs so far: applied, repeated, late, skipped, dropped."""
        return replace(self._inputs.counts(self._peer))

    @property
    def view_time(self) -> float | None:
        """About which moment this player sees of others at present, by the server's time in seconds; None: not known.

        For events, which do not tell. An input does, exactly: ``PlayerInput.view_time``.
        """
        delay = self._inputs.delay(self._peer)
        return None if delay is None else self._clock() - delay

    @property
    def latency(self) -> float:
        """Round-trip time in seconds; the same as ``stats.rtt``."""
        return self._peer.rtt.rtt

    @property
    def is_host(self) -> bool:
        """True if this client may shut the server down."""
        return self._peer.is_host

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        retries: int = 0,
        ack_callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to this client; see ``Server.dispatch_event``. On the network's thread only (as handlers
        are).
        """
        config = self._endpoint.config
        payload = encode_event(event_type, args, kwargs, config.max_message_bytes, config.max_event_values)
        self._after_state(lambda: self.queue_event(payload, retries, ack_callback))

    def queue_event(self, payload: bytes, retries: int, ack_callback: AckCallback | None) -> None:
        """Queue a serialised event behind the newest state that the endpoint has. On the network's thread only."""
        if self._peer.closed is None:
            self._peer.queue_event(payload, retries, self._tickets.issue(ack_callback), now=self._clock())
            self._endpoint.next_at = min(self._endpoint.next_at, self._peer.next_at)

    def redeem(self, ticket: int) -> AckCallback | None:
        """Return the callback of an event that has arrived."""
        return self._tickets.redeem(ticket)

    def close(self, reason: DisconnectReason, detail: str = "") -> None:
        """End the connection and tell the client why. On the network's thread only."""
        self._endpoint.close_peer(self._peer, reason, detail, now=self._clock())
