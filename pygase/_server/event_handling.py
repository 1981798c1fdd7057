"""The events of a tick: each goes to its handler, and the handler's update into the state."""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, Final

from .._diagnostics.log_lines import LogLines
from .._io.clocks import fine_clock
from .._state.event_codec import decode_event, event_type_of
from ..addresses import client_name
from ..config import ServerConfig
from ..errors import MalformedPacket
from ..event import RESERVED_PREFIX, SENDER, Event, RegisteredHandler, UniversalEventHandler
from .event_queue import ClientEvents, EventQueue
from .failures import Failures, UpdateApplier
from .simulation import Simulation
from .state_keeper import StateKeeper
from .watching import Watch

READ_AT_ONCE_BYTES: Final = 64
"""Up to this size, decoding an event takes less time than looking at its type first."""

SerialisedEvent = tuple[ClientEvents, bytes]
"""The sender's account, and an event as it arrived. It is decoded when its handler is called. Until then it is only
bytes: the garbage collector has nothing to look at for each client and tick."""

Find = Callable[[str], RegisteredHandler | None]


class EventHandling:
    """Handles events with the handlers of a game loop.

    :ivar share: share of the interval that the events of one client may take in a tick.
    :ivar max_values: most values in an event.
    :ivar refused: the number of dropped serialised events, by reason. (A server sets all three.)
    :ivar spawn: runs a coroutine; the game loop sets it.
    """

    def __init__(
        self,
        simulation: Simulation,
        states: StateKeeper,
        handlers: UniversalEventHandler,
        failures: Failures,
        updates: UpdateApplier,
        watch: Watch,
        log: LogLines,
    ) -> None:
        self.share = ServerConfig.event_share
        self.max_values = ServerConfig.max_event_values
        self.refused: Counter[str] = Counter()
        self.spawn: Callable[[Coroutine[Any, Any, Any]], Any] = lambda coroutine: None
        self._simulation = simulation
        self._states = states
        self._handlers = handlers
        self._failures = failures
        self._updates = updates
        self._watch = watch
        self._log = log
        self._queue = EventQueue()
        self._turn = 0
        self._finished: deque[tuple[Any, str]] = deque()
        """Updates of ended coroutines, each with its event's type."""

    @property
    def arrived(self) -> deque[Event | SerialisedEvent]:
        """The events for the next tick. Any thread may append."""
        return self._queue.arrived

    def unhandled(self) -> list[tuple[ClientEvents, Any]]:
        """See EventQueue."""
        return self._queue.unhandled()

    def handle(self, dt: float, find: Find | None = None) -> None:
        """Handle the events of a tick, within each client's share of it.

        :param dt: seconds since the last tick; ``find``: finds the handler of an event type.
        """
        queue = self._queue
        if not queue:
            return
        self._turn += 1
        interval, states = self._simulation.interval, self._states
        find = find or self._handlers.find
        context: dict[str, Any] = {
            "game_state": states.working_state,
            "dt": dt,
            "client_id": None,
            "client_address": None,
        }
        for event in queue.due(self._turn, self.share * interval, fine_clock(states.clock)):
            if type(event) is tuple:
                client, payload = event
                self._handle_serialised(client, payload, context, find)
            else:
                self._handle_whole(event, context, find)
        if queue.slowest[0] > interval:
            self._note_slow_event(*queue.slowest)
        if queue:
            self._report_backlog()

    def _handle_serialised(self, client: ClientEvents, payload: bytes, context: dict[str, Any], find: Find) -> None:
        event_type = ""
        try:
            if len(payload) > READ_AT_ONCE_BYTES and find(event_type := event_type_of(payload)) is None:
                self._refuse(event_type, client)  # not decoded, as its data may take long to read
                return
            event_type, args, kwargs = decode_event(payload, self.max_values)
        except MalformedPacket:
            self.refused["malformed event"] += 1
            self._queue.refuse(client)
            return
        handler = find(event_type)
        if handler is None or handler.is_own:
            self._refuse(event_type, client)
            return
        try:
            if handler.sole in SENDER and len(args) == handler.leading and not kwargs:  # the usual case
                sender = client.client_id if handler.sole == "client_id" else client.address
                result = handler.function(*args, sender)
            else:
                context["client_id"], context["client_address"] = client.client_id, client.address
                result = self._handlers.call(handler, event_type, args, kwargs, context)
            if result is not None or self._simulation.debug:
                self._use(result, event_type)
        except Exception as error:
            self._failures.report(error, event_type)

    def _handle_whole(self, event: Event, context: dict[str, Any], find: Find) -> None:
        try:
            self._use(self._call_whole(event, context, find(event.type)), event.type)
        except Exception as error:
            self._failures.report(error, event.type)

    def _call_whole(self, event: Event, context: dict[str, Any], handler: RegisteredHandler | None) -> Any:
        if event.details is not None and handler is None:
            return None  # one of PyGaSe's own, for which the game has no handler
        kwargs = event.handler_kwargs
        context["client_id"], context["client_address"] = event.client_id, event.client_address
        for name in SENDER.intersection(kwargs):  # a wire between the server and this game loop has passed it on
            kwargs = {other: value for other, value in kwargs.items() if other != name}
            context[name] = context[name] or event.handler_kwargs[name]
        if handler is None:
            self._handlers.warn_of_unknown(event.type, client_name(context["client_id"], context["client_address"]))
            return None
        return self._handlers.call(handler, event.type, event.handler_args, kwargs, context, event.details)

    def _refuse(self, event_type: str, client: ClientEvents) -> None:
        """Drop an event without a handler; its client pays for the time."""
        self._queue.refuse(client)
        if event_type.startswith(RESERVED_PREFIX):
            self.refused["reserved event type"] += 1
        else:
            self._handlers.warn_of_unknown(event_type, client_name(client.client_id, client.address))

    # -- the handlers' updates -------------------------------------------------------------------------------------

    def _use(self, result: Any, event_type: str) -> None:
        """Apply a handler's result. A coroutine's update is applied in the tick after its end."""
        if hasattr(result, "__await__"):
            self.spawn(self._finish(result, event_type))
        else:
            self._updates.apply(result, event_type)

    async def _finish(self, coroutine: Any, event_type: str) -> None:
        try:
            self._finished.append((await coroutine, event_type))
        except Exception as error:
            self._failures.report_coroutine(error, event_type)

    def apply_finished(self) -> None:
        while self._finished:
            update, event_type = self._finished.popleft()
            try:
                self._updates.apply(update, event_type)
            except Exception as error:
                self._failures.report(error, event_type)

    # -- slow handlers ---------------------------------------------------------------------------------------------

    def _note_slow_event(self, took: float, event: Any) -> None:
        self._queue.slowest = (0.0, None)
        with suppress(MalformedPacket):
            self._watch.note_slow_call(event_type_of(event[1]) if type(event) is tuple else event.type, took)

    def _report_backlog(self) -> None:
        """Log the clients with waiting events, and count the dropped events of clients that have left."""
        if self._queue.dropped:
            self.refused["events of those who have left"] += self._queue.dropped
            self._queue.dropped = 0
        for client in self._queue.behind:
            if client.is_crowded(self._simulation.game_time):
                self._log.write(
                    logging.WARNING,
                    "%d events of %s wait: to handle them takes more than %.1f ms a tick (event_share in the "
                    "config of the server); has a handler become slow, or does this client send too many?",
                    len(client.waiting),
                    client_name(client.client_id, client.address),
                    self.share * self._simulation.interval * 1000,
                    kind="events wait",
                )
