"""Objects that have handlers of events: clients, servers, game loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from ._diagnostics.near_misses import NearMisses
from .event import Handler, UniversalEventHandler

AnyHandler = TypeVar("AnyHandler", bound=Handler)


class HasHandlers(Protocol):
    """The insides of a client, a server or a game loop."""

    handlers: UniversalEventHandler


class TakesHandlers(NearMisses):
    """A client, a server or a game loop: it has one handler for each type of event."""

    plumbing: HasHandlers

    def on(self, event_type: str) -> Callable[[AnyHandler], AnyHandler]:
        """Register the decorated function as the handler of an event type::

            @client.on("NEWS")
            def show(text):
                ...

        It is ``register_event_handler`` in another form. The function stays as it is.

        :raises TypeError: it is used without an event type.
        """
        if not isinstance(event_type, str):
            raise TypeError(f'event_type must be a str, as in @client.on("TYPE"), got {event_type!r:.80}')

        def register(function: AnyHandler) -> AnyHandler:
            self.plumbing.handlers.register_event_handler(event_type, function)
            return function

        return register

    def unregister_event_handler(self, event_type: str) -> bool:
        """Drop the handler of an event type: its events are ignored from now on. From any thread.

        :returns: whether there was one.
        """
        return self.plumbing.handlers.unregister_event_handler(event_type)
