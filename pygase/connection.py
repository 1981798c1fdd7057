"""The two ends of a connection, as a game sees them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._protocol.endpoint import ServerEndpoint
from ._protocol.input_buffer import InputCounts
from ._protocol.server_peer import ServerProtocol
from ._protocol.tickets import AckCallback, Tickets
from ._protocol.timing import ConnectionStats
from ._server.event_queue import ClientEvents
from ._server.players import PlayerInputs
from ._state.event_codec import encode_event
from .errors import DisconnectReason
from .utils import NamedEnum

if TYPE_CHECKING:
    from ._client.endpoint import ClientEndpoint

__all__ = ["ClientConnection", "ConnectionStats", "ConnectionStatus", "ServerConnection"]


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


class ClientConnection:
    """A client's end of a connection, with everything known about the network.

    :ivar remote_address: ``(hostname, port)`` as given to ``Client.connect``.
    """

    def __init__(self, remote_address: tuple[str, int], endpoint: ClientEndpoint) -> None:
        self.remote_address = remote_address
        self._endpoint = endpoint

    @property
    def status(self) -> int:
        """A ConnectionStatus value."""
        if self._endpoint.is_closed:
            return _DISCONNECTED
        return _CONNECTED if self._endpoint.protocol.connected else _CONNECTING

    @property
    def is_closed(self) -> bool:
        """True after the end of the connection, or of the attempt."""
        return self._endpoint.is_closed

    @property
    def stats(self) -> ConnectionStats:
        """The measurements of this connection so far."""
        return self._endpoint.stats

    @property
    def latency(self) -> float:
        """Round-trip time in seconds; the same as ``stats.rtt``."""
        return self._endpoint.protocol.rtt.rtt

    @property
    def waiting_events(self) -> int:
        """How many events with retries wait to be sent or acknowledged."""
        return self._endpoint.waiting_events

    def server_time(self) -> float | None:
        """Return the server's time in seconds; None while it is not known."""
        return self._endpoint.server_time()


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
        self._tickets = Tickets()
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
        delay = self._inputs.delay(self._peer) or 0.0
        return self._peer.stats(now=now).with_view(delay, self._peer.snapshot_age(now))

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
            self._endpoint.next_at = min(self._endpoint.next_at, self._peer.record.next_at)

    def redeem(self, ticket: int) -> AckCallback | None:
        """Return the callback of an event that has arrived."""
        return self._tickets.redeem(ticket)

    def close(self, reason: DisconnectReason, detail: str = "") -> None:
        """End the connection and tell the client why. On the network's thread only."""
        self._endpoint.close_peer(self._peer, reason, detail, now=self._clock())
