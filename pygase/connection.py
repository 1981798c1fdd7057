"""The two ends of a connection, as a game sees them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ._protocol.input_buffer import InputCounts
from ._protocol.tickets import AckCallback
from ._protocol.timing import ConnectionStats
from ._state.event_codec import encode_event
from .utils import NamedEnum

if TYPE_CHECKING:
    from ._client.client_endpoint import ClientEndpoint
    from ._server.remote_client import RemoteClient

__all__ = ["ClientConnection", "ConnectionStats", "ConnectionStatus", "ServerConnection"]


class ConnectionStatus(NamedEnum, first=2):
    """Status of a connection: ``"Disconnected"`` (2), ``"Connected"`` (3) or ``"Connecting"`` (4), as in PyGaSe 0.x.

    0 and 1 are GameStatus values; further names get further numbers.
    """


ConnectionStatus.register("Disconnected")
ConnectionStatus.register("Connected")
ConnectionStatus.register("Connecting")
ConnectionStatus.register("Reconnecting")

_STATUS_DISCONNECTED = ConnectionStatus.get("Disconnected")
_STATUS_CONNECTING = ConnectionStatus.get("Connecting")
_STATUS_CONNECTED = ConnectionStatus.get("Connected")
_STATUS_RECONNECTING = ConnectionStatus.get("Reconnecting")


class ClientConnection:
    """A client's end of a connection, and its measurements.

    :ivar remote_address: ``(hostname, port)`` as given to ``Client.connect``.
    """

    def __init__(self, remote_address: tuple[str, int], endpoint: ClientEndpoint) -> None:
        self.remote_address = remote_address
        self._endpoint = endpoint

    @property
    def status(self) -> int:
        """A ConnectionStatus value."""
        if self._endpoint.is_closed:
            return _STATUS_DISCONNECTED
        protocol = self._endpoint.protocol
        if protocol.way_in.is_return:
            return _STATUS_RECONNECTING
        return _STATUS_CONNECTED if protocol.connected else _STATUS_CONNECTING

    @property
    def is_closed(self) -> bool:
        """True after the end of the connection, or of the attempt."""
        return self._endpoint.is_closed

    @property
    def is_encrypted(self) -> bool:
        """Whether this connection is encrypted; see ``Client.is_encrypted``."""
        return self._endpoint.protocol.seals is not None

    @property
    def room(self) -> str:
        """The code of the room that this client is in; ``""`` at a server without rooms, and before the connection
        stands. Friends enter the room by it."""
        return self._endpoint.protocol.way_in.seat.room

    @property
    def precision(self) -> dict[str, float]:
        """The steps to which the server rounds floats of its states, by their paths: what its Backend has declared. {}
        before the connection stands."""
        return self._endpoint.protocol.states.precision.declared()

    @property
    def stats(self) -> ConnectionStats:
        """See ``Client.stats``."""
        return self._endpoint.stats

    @property
    def latency(self) -> float:
        """The same as ``stats.rtt``, in seconds."""
        return self._endpoint.protocol.rtt.rtt

    @property
    def waiting_events(self) -> int:
        """Number of events with retries that are not acknowledged yet."""
        return self._endpoint.waiting_events

    def server_time(self) -> float | None:
        """Return the server's time in seconds; None while it is unknown."""
        return self._endpoint.server_time()


class ServerConnection:
    """The server's end of one connection, as ``Server.clients`` and ``Server.connections`` hold it.

    :ivar client_id: the client's id: an int from 1, which the server never gives to another client.
    """

    def __init__(self, client: RemoteClient) -> None:
        self.client_id = client.client_id
        self._client = client

    @property
    def client_address(self) -> tuple[Any, ...]:
        """Where the client's datagrams come from at present; the last address after its end."""
        return self._client.address

    @property
    def remote_address(self) -> tuple[Any, ...]:
        """The same as ``client_address``."""
        return self._client.address

    @property
    def profile(self) -> dict[str, Any]:
        """What the client says of its player (``Client.connect(profile=...)``); {} if it says nothing.

        Its keys and values are the client's choice: any plain data. Check them before use.
        """
        return self._client.profile

    @property
    def is_lost(self) -> bool:
        """Whether the client is silent, and its place is kept for its return."""
        return self._client.is_lost

    @property
    def status(self) -> int:
        """A ConnectionStatus value; "Reconnecting" while the client is lost."""
        if self._client.is_lost:
            return _STATUS_RECONNECTING
        return _STATUS_CONNECTED if self._client.peer.closed is None else _STATUS_DISCONNECTED

    @property
    def stats(self) -> ConnectionStats:
        """The measurements of this connection so far."""
        client, now = self._client, self._client.clock()
        delay = client.inputs.delay(client.client_id) or 0.0
        window, budget = client.peer.snapshots.window, client.endpoint.config.bytes_per_second
        measured = client.peer.stats(now=now).with_view(delay, client.peer.snapshot_age(now))
        return measured.with_line(min(window.send_rate, budget), window.queue.delay, window.skipped.count)

    @property
    def input_counts(self) -> InputCounts:
        """This player's inputs so far, counted by their fate: applied, repeated, late, skipped, dropped."""
        return replace(self._client.inputs.counts(self.client_id))

    @property
    def view_time(self) -> float | None:
        """The moment, in seconds of the server's time, at which this player sees the others now; None if unknown.

        An estimate, for events. An input carries its own: ``PlayerInput.view_time``.
        """
        delay = self._client.inputs.delay(self.client_id)
        return None if delay is None else self._client.clock() - delay

    @property
    def latency(self) -> float:
        """The same as ``stats.rtt``, in seconds."""
        return self._client.peer.rtt.rtt

    @property
    def is_encrypted(self) -> bool:
        """Whether this connection is encrypted."""
        return self._client.peer.seals is not None

    @property
    def is_host(self) -> bool:
        """True if this client may shut the server down."""
        return self._client.peer.is_host

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        retries: int = 0,
        ack_callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to this client; see ``Server.dispatch_event``. On the network's thread only, where handlers
        run.
        """
        client, config = self._client, self._client.endpoint.config
        payload = encode_event(event_type, args, kwargs, config.max_message_bytes, config.max_event_values)
        client.after_state(lambda: client.queue_event(payload, retries, ack_callback))
