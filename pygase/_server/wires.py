"""The receivers of a server's events beside its own handlers."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from ..config import ServerConfig
from ..event import RESERVED_PREFIX, Event
from .event_handling import SerialisedEvent
from .loop import DEFAULT_INTERVAL
from .machine_plumbing import MachinePlumbing
from .players import PlayerInputs


class EventWire:
    """The wire of a server that has none.

    :ivar waiting: the serialised events for the next tick; None if the wire takes none.
    """

    waiting: deque[Event | SerialisedEvent] | None = None
    has_game_loop = False
    is_connected = False

    @property
    def interval(self) -> float:
        return DEFAULT_INTERVAL

    def connect(
        self, inputs: PlayerInputs, has_players: Callable[[], bool], dropped: Counter[str], config: ServerConfig
    ) -> None:
        """Begin a run of the server.

        :param has_players: returns whether any client is connected.
        :param dropped: counts dropped events, by reason.
        """

    def wants(self, event_type: str, handled: bool) -> bool:
        """``handled``: the server has a handler for the event."""
        return False

    def push(self, event: Event) -> Any:
        """Return the receiver's result, which may be a coroutine."""


class ObjectWire(EventWire):
    """A receiver with a method ``_push_event(event)``, as PyGaSe 0.x had it.

    PyGaSe's own events go to it only if its ``has_event_type`` returns True for them.
    """

    is_connected = True

    def __init__(self, receiver: Any) -> None:
        self._receiver = receiver

    def wants(self, event_type: str, handled: bool) -> bool:
        knows = getattr(self._receiver, "has_event_type", None)
        if event_type.startswith(RESERVED_PREFIX):
            return callable(knows) and bool(knows(event_type))
        return not handled or not callable(knows) or bool(knows(event_type))

    def push(self, event: Event) -> Any:
        """The sender is in ``handler_kwargs``, whatever a client sends under these names."""
        sender = {"client_id": event.client_id, "client_address": event.client_address}
        event.handler_kwargs = {**event.handler_kwargs, **sender}
        return self._receiver._push_event(event)


class MachineWire(ObjectWire):
    """A GameStateMachine; it takes serialised events, unless its class has a ``_push_event`` of its own."""

    has_game_loop = True

    def __init__(self, receiver: Any, game: MachinePlumbing) -> None:
        super().__init__(receiver)
        self._game = game
        if game.takes_serialised:
            self.waiting = game.events.arrived

    @property
    def interval(self) -> float:
        return self._game.simulation.interval

    def connect(
        self, inputs: PlayerInputs, has_players: Callable[[], bool], dropped: Counter[str], config: ServerConfig
    ) -> None:
        self._game.simulation.player_inputs = inputs
        inputs.has_machine = True
        self._game.has_players = has_players
        events = self._game.events
        if self.waiting is not None:
            events.refused = dropped
        events.share, events.max_values = config.event_share, config.max_event_values

    def push(self, event: Event) -> Any:
        if self.waiting is None:
            return super().push(event)
        self._game.push(event)
        return None


def wire_to(receiver: Any) -> EventWire:
    """Return the wire to the ``event_wire`` of ``Server.run``.

    :raises TypeError: if it has no method ``_push_event``.
    """
    if receiver is None:
        return EventWire()
    game = getattr(receiver, "plumbing", None)
    if isinstance(game, MachinePlumbing):
        return MachineWire(receiver, game)
    if not callable(getattr(receiver, "_push_event", None)):
        raise TypeError(
            f"event_wire must have a method _push_event(event), as a GameStateMachine has; got {receiver!r}"
        )
    return ObjectWire(receiver)
