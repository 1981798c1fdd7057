"""Events and inputs from clients: to the server's own handlers, to its wire, or to the game loop."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from .._diagnostics.callbacks import call_back
from .._diagnostics.holdups import Holdups
from .._io.clocks import fine_clock
from .._protocol.acknowledged import AcknowledgedEvent
from .._protocol.peer_events import (
    Connected,
    Disconnected,
    InputsReceived,
    Lost,
    MessageAcked,
    Moved,
    ProtocolEvent,
    Restored,
    Resumed,
)
from .._protocol.server_peer import ServerProtocol
from .._state.event_codec import decode_event, event_type_of
from ..addresses import client_name
from ..errors import DisconnectReason, MalformedPacket
from ..event import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    RESERVED_PREFIX,
    SHUTDOWN_REQUEST,
    Event,
    handler_name,
)
from .event_queue import ClientEvents, EventQueue
from .remote_client import RemoteClient

if TYPE_CHECKING:
    from .run import ServerRun

UNCOUNTED_EVENTS: Final = 1024
UNCOUNTED_BYTES: Final = 1200
"""While fewer events than these wait for the next tick, nobody's events below this size are counted."""

_SHUTDOWN_HEAD: Final = bytes([0xA0 + len(SHUTDOWN_REQUEST)])
"""The second byte of events that ask for the shutdown (and of others with a type of that length)."""


class Incoming:
    """Distributes the events and inputs of a run. All methods are for the network's thread only."""

    def __init__(self, run: ServerRun) -> None:
        server = run.server
        self._run = run
        self._wire = server.wire
        self._dropped = run.endpoint.dropped
        self._states = server.states
        self._handlers = server.handlers
        self._log = server.log
        self._inputs = server.face.player_inputs
        self._own_events = EventQueue()
        """Events for our own handlers, and for wires that take none serialised."""
        self._holdups = Holdups(server.log, run.config.slow_handler, lambda: fine_clock(run.clock))

    @property
    def has_work(self) -> bool:
        return bool(self._own_events)

    def handle_inbox(self) -> None:
        inbox, tick = self._run.endpoint.inbox, self._states.committed.tick
        waiting = self._wire.waiting if self._handlers.is_empty else None
        while inbox:
            peer, event = inbox.popleft()
            if type(event) is InputsReceived:
                self._inputs.receive(peer, event, event.at)
            elif type(event) is not bytes and type(event) is not AcknowledgedEvent:
                self._handle_protocol_event(peer, event)
            elif waiting is None or event[1:2] == _SHUTDOWN_HEAD:
                self._receive_event(peer, event, tick)
            else:
                remote: RemoteClient = peer.user
                client = remote.events
                is_usual = len(waiting) < UNCOUNTED_EVENTS and len(event) < UNCOUNTED_BYTES and not client.waiting
                if is_usual or self._admits(peer, client, event, tick):
                    waiting.append((client, event))
        if self._own_events:
            self.handle_own_events()

    # -- events of the game ------------------------------------------------------------------------------------------

    def _admits(self, peer: ServerProtocol, client: ClientEvents, event: bytes, tick: int) -> bool:
        """Count an event; return False if it is dropped, since too many of this client's events wait.

        If it was acknowledged, the connection ends.
        """
        if client.admits(event, tick):
            return True
        self._dropped["too many events between two ticks"] += 1
        if type(event) is AcknowledgedEvent:
            peer.user.close(DisconnectReason.PROTOCOL_ERROR, "more of your events wait for the server than may")
        return False

    def _receive_event(self, peer: ServerProtocol, payload: bytes, tick: int) -> None:
        """Give an event to its receiver: this server, its own handlers or wire, or the game loop.

        An event without a receiver is not decoded, as that may take long.
        """
        try:
            event_type = event_type_of(payload)
        except MalformedPacket:
            self._dropped["malformed event"] += 1
            return
        waiting, handled = self._wire.waiting, self._handlers.has_event_type(event_type)
        if event_type.startswith(RESERVED_PREFIX):
            self._receive_reserved(peer, event_type)
        elif handled or (waiting is None and self._wire.wants(event_type, handled)):
            client = peer.user.own_events
            if self._admits(peer, client, payload, tick):
                self._own_events.arrived.append((client, payload))
        elif waiting is not None:
            if self._admits(peer, peer.user.events, payload, tick):
                waiting.append((peer.user.events, payload))
        else:
            self._handlers.warn_of_unknown(event_type, str(peer.user))

    def handle_own_events(self, share: float | None = None) -> None:
        """Call our own handlers and wires, within each client's ``share`` of the interval (None: the config's)."""
        run, interval = self._run, self._wire.interval
        turn = int(run.clock() / interval)
        budget = (run.config.event_share if share is None else share) * interval
        for client, content in self._own_events.due(turn, budget, fine_clock(run.clock)):
            event = content if type(content) is Event else self._decoded(client, content)
            if event is not None:
                self._distribute(event)
        if self._own_events:
            run.driver.arm((turn + 1) * interval)

    def _decoded(self, client: ClientEvents, payload: bytes) -> Event | None:
        try:
            event_type, args, kwargs = decode_event(payload, self._run.config.max_event_values)
        except MalformedPacket:
            self._dropped["malformed event"] += 1
            self._own_events.refuse(client)
            return None
        event = Event(event_type, *args)
        event.handler_kwargs, event.sender = kwargs, client.in_game
        event.client_id, event.client_address = client.client_id, client.address
        return event

    # -- events of the protocol --------------------------------------------------------------------------------------

    def _handle_protocol_event(self, peer: ServerProtocol, event: bytes | ProtocolEvent) -> None:
        if isinstance(event, MessageAcked):
            self._call_back(peer.user, event.ticket)
        elif isinstance(event, Connected):
            self._on_connected(peer)
        elif isinstance(event, Moved):
            self._on_moved(peer.user, event)
        elif isinstance(event, Lost):
            self._on_lost(peer.user)
        elif isinstance(event, Restored):
            self._on_restored(peer, event)
        elif isinstance(event, Resumed):
            self._on_resumed(peer.user, event)
            self._run.show_state(peer)
        elif isinstance(event, Disconnected):
            self._on_left(peer, event)

    def _call_back(self, client: RemoteClient | None, ticket: int) -> None:
        callback = client.redeem(ticket) if client is not None else None
        if client is not None and callback is not None:
            call_back(self._run.driver.spawn, self._log, self._holdups, callback, client.connection)

    def _added(self, peer: ServerProtocol) -> RemoteClient:
        run = self._run
        client = RemoteClient(peer, run.endpoint, run.clock, self._inputs, run.after_state)
        peer.user = client
        run.attendance.add(client)
        run.server.was_used = True
        return client

    def _note(self, client: RemoteClient, happened: str, kind: str = "") -> None:
        """Log a change of a client's connection, by default in a line for each client.

        :param kind: of the line, if many clients share one line a second: those who come and go at will.
        """
        self._log.write(logging.INFO, "%s %s", client, happened, kind=kind or (happened, client.client_id))

    def _on_connected(self, peer: ServerProtocol) -> None:
        client = self._added(peer)
        self._note(client, "has connected", kind="has connected")
        self._distribute_own(CLIENT_CONNECTED, client, profile=client.profile)
        self._run.show_state(peer)

    def _on_restored(self, peer: ServerProtocol, event: Restored) -> None:
        """Take in a client of an earlier process. The game goes on with its events where it was."""
        client = self._added(peer)
        if event.is_new:
            self._distribute_own(CLIENT_CONNECTED, client)
        if self._wire.waiting is not None:
            self._wire.waiting.extend((client.events, AcknowledgedEvent(payload)) for payload in event.unhandled)
        if peer.closed is None:
            self._note(client, f"of the saved game has a place for {self._run.config.resume_seconds:g} s")
        if not event.is_lost and peer.closed is None:
            self._distribute_own(CLIENT_LOST, client)

    def _on_moved(self, client: RemoteClient, event: Moved) -> None:
        client.note_address()
        self._run.attendance.move(client, event.former)
        where = client_name(None, event.former)
        self._log.write(logging.INFO, "%s has moved; it was at %s", client, where)

    def _on_lost(self, client: RemoteClient) -> None:
        self._note(client, f"no longer answers; its place is kept for {self._run.config.resume_seconds:g} s")
        self._distribute_own(CLIENT_LOST, client)

    def _on_resumed(self, client: RemoteClient, event: Resumed) -> None:
        client.note_return()
        former = client.events.address
        if former != event.address:
            client.note_address()
            self._run.attendance.move(client, former)
        if event.is_fresh:
            self._inputs.forget(client.client_id)
        self._note(client, "is back")
        self._distribute_own(CLIENT_RESUMED, client, is_new_process=event.is_fresh)

    def _on_left(self, peer: ServerProtocol, event: Disconnected) -> None:
        client: RemoteClient = peer.user
        vanished = event.reason is DisconnectReason.TIMED_OUT and not event.remote
        self._note(client, f"has left: {event.reason.sentence}", kind="" if vanished else "has left")
        self._inputs.forget(client.client_id)
        # after our own shutdown they are remembered; a client that gives this reason itself is gone
        is_remembered = event.reason is DisconnectReason.SERVER_SHUTDOWN and not event.remote
        self._run.attendance.remove(client, is_remembered=is_remembered)
        self._distribute_own(CLIENT_LEFT, client, reason=event.reason)

    def _receive_reserved(self, peer: ServerProtocol, event_type: str) -> None:
        if event_type == SHUTDOWN_REQUEST and peer.is_host:
            self._log.write(logging.INFO, "the host, %s, has asked for the shutdown", peer.user)
            self._run.driver.defer(self._run.server.request_stop)
        else:
            self._dropped["reserved event type"] += 1

    # -- to handlers and wire ------------------------------------------------------------------------------------------

    def _distribute_own(self, event_type: str, client: RemoteClient, **details: Any) -> None:
        """Distribute one of PyGaSe's own events after the client's earlier events."""
        event = Event(event_type)
        event.details, event.sender = details, client.events
        event.client_id, event.client_address = client.client_id, client.address
        if client.own_events.waiting:
            self._own_events.arrived.append((client.own_events, event))
        else:
            self._distribute(event)

    def _distribute(self, event: Event) -> None:
        """Give an event to our own handler and to the wire, if they know its type."""
        handled = self._handlers.has_event_type(event.type)
        if handled:
            self._call_handler(event)
        if not self._wire.is_connected:
            if not handled and not event.type.startswith(RESERVED_PREFIX):
                self._call_handler(event)  # warns, and counts it
            return
        try:
            if self._wire.wants(event.type, handled):
                self._push(event)
        except Exception as error:
            message = "the event wire raised %r at %r; the server goes on"
            self._log.write(logging.ERROR, message, error, event.type, error=error)

    def _push(self, event: Event) -> None:
        result = self._wire.push(event)
        if hasattr(result, "__await__"):
            self._run.driver.spawn(self._log.watch(result, f"the event wire, at {event.type!r},"))

    def _call_handler(self, event: Event) -> None:
        name, handlers = handler_name(event.type), self._handlers
        context = {
            "client_id": event.client_id,
            "client_address": event.client_address,
            "game_state": self._states.state(),
            "dt": 0.0,
        }
        try:
            function = handlers.function_for(event.type)
            result = self._holdups.call(name, function, lambda: handlers.handle(event, **context))
            if hasattr(result, "__await__"):
                self._run.driver.spawn(self._log.watch(result, name))
        except Exception as error:
            self._log.write(
                logging.ERROR, "%s raised %r; the server goes on", name, error, kind=event.type, error=error
            )
