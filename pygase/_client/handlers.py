"""Calls a client's event handlers and callbacks; logs their errors, and the calls that take long."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from .._diagnostics.callbacks import call_back
from .._diagnostics.holdups import Holdups
from .._diagnostics.log_lines import LogLines
from .._state.event_codec import RESERVED_PREFIX, decode_event, event_type_of
from ..errors import MalformedPacket
from ..event import (
    ANY_EVENT,
    SERVER_TICK,
    Event,
    UniversalEventHandler,
    handler_name,
)


class HandlerCalls:
    """The calls of one session.

    :param registered: the client's handlers.
    :param spawn: runs a coroutine that a handler or callback returns.
    :param max_values: most values in an event; larger ones are dropped.
    """

    def __init__(
        self,
        registered: UniversalEventHandler,
        log: LogLines,
        holdups: Holdups,
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
        max_values: int,
    ) -> None:
        self._registered = registered
        self._log = log
        self._holdups = holdups
        self._spawn = spawn
        self._max_values = max_values

    def receive(self, payload: bytes, tick: int | None) -> None:
        """Handle a serialised event of the server. A malformed one is dropped, and logged at level DEBUG.

        :param tick: that of the state that precedes it; None: unknown.
        """
        try:
            event_type = event_type_of(payload)
            if event_type.startswith(RESERVED_PREFIX):
                return
            if not self._has(event_type) and not self._has(ANY_EVENT):
                self._registered.warn_of_unknown(event_type, "")  # not decoded: its data may take long to read
                return
            _, args, kwargs = decode_event(payload, self._max_values)
        except MalformedPacket as error:
            self._log.write(logging.DEBUG, "dropped an event: %s", error)
            return
        event = Event(event_type, *args)
        event.handler_kwargs = kwargs
        self._handle(event, {}, tick)

    def handle(self, event: Event, **details: Any) -> None:
        """Call the handler of ANY_EVENT, then the handler of an event. Exceptions are logged.

        :param details: values that handlers of PyGaSe's own events may take by name.
        """
        self._handle(event, details, None)

    def _handle(self, event: Event, details: dict[str, Any], tick: int | None) -> None:
        event.details = details
        own = event.type.startswith(RESERVED_PREFIX)
        catch_all = self._has(ANY_EVENT)
        if catch_all:
            everything = Event(ANY_EVENT, event.type, *event.handler_args, *details.values())
            everything.handler_kwargs = event.handler_kwargs
            self._call(everything, tick)
        if self._has(event.type) or not (own or catch_all):
            self._call(event, tick)

    def call_back(self, callback: Callable[..., Any]) -> None:
        """Call an event's ``ack_callback``; run the coroutine that it returns. Exceptions are logged."""
        call_back(self._spawn, self._log, self._holdups, callback)

    def _has(self, event_type: str) -> bool:
        return self._registered.has_event_type(event_type)

    def _call(self, event: Event, tick: int | None) -> None:
        name, registered = handler_name(event.type), self._registered
        if registered.takes(event.type, SERVER_TICK):
            event.details = {**(event.details or {}), SERVER_TICK: tick}
        try:
            result = self._holdups.call(name, registered.function_for(event.type), registered.handle, event)
            if hasattr(result, "__await__"):
                self._spawn(self._log.watch(result, name))
        except Exception as error:
            self._log.write(logging.ERROR, "%s raised %r", name, error, kind=event.type, error=error)
