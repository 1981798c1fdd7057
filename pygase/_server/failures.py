"""Errors of a game's own functions: logged, or in debug mode raised."""

from __future__ import annotations

import logging
from typing import Any

from .._diagnostics.log_lines import LogLines
from .._diagnostics.tracebacks import place_of
from ..errors import InPlaceChange, InvalidValue, PygaseError
from ..event import UniversalEventHandler, handler_name
from ..gamestate import GameState
from .bots import BOT
from .changes_in_place import changed_in_place
from .simulation import Simulation
from .slow_ticks import TIME_STEP, VIEW
from .state_keeper import StateKeeper


class Failures:
    """Reports the exceptions of handlers and time step, named by event type or TIME_STEP."""

    def __init__(self, simulation: Simulation, handlers: UniversalEventHandler, log: LogLines) -> None:
        self._simulation = simulation
        self._handlers = handlers
        self._log = log
        self._pending: Exception | None = None
        """The exception of a coroutine."""

    def report(self, error: Exception, name: str) -> None:
        """Log the exception of a function, once a second at most; in debug mode raise it."""
        place = isinstance(error, PygaseError)  # the traceback of any other shows the place
        called = self.called(name, place=place)
        if self._simulation.debug:
            if not isinstance(error, InPlaceChange):  # which names the function itself
                error.add_note(f"(raised by {called})")
            raise error
        self._write(error, called)

    def report_coroutine(self, error: Exception, event_type: str) -> None:
        """Log the exception of a coroutine; in debug mode the next tick raises it."""
        if self._simulation.debug:
            self._pending = error
        self._write(error, f"the handler of event {event_type!r}")

    def raise_pending(self) -> None:
        if self._pending is not None:
            failure, self._pending = self._pending, None
            raise failure

    def _write(self, error: Exception, called: str) -> None:
        if isinstance(error, PygaseError):  # its sentence is complete
            self._log.write(logging.ERROR, "%s: %s", called, error, kind=called)
        else:
            self._log.write(logging.ERROR, "%s raised %r; the game goes on", called, error, kind=called, error=error)

    def called(self, name: str, *, place: bool) -> str:
        """Return the words for a function in a log; with ``place``, also the file and line of its definition."""
        if name == TIME_STEP:
            return "time_step" + (place_of(self._simulation.time_step) if place else "")
        if name == BOT:
            return "a bot's function"
        if name == VIEW:
            return "the view, for all clients together"
        handler = self._handlers.find(name) if place else None
        return handler_name(name) + (place_of(handler.function) if handler is not None else "")


class UpdateApplier:
    def __init__(self, simulation: Simulation, states: StateKeeper, failures: Failures) -> None:
        self._simulation = simulation
        self._states = states
        self._failures = failures

    def apply(self, update: Any, name: str) -> None:
        """Apply the return value of the function ``name``.

        :raises InvalidValue, StateTooLarge: if it cannot be applied.
        :raises InPlaceChange: in debug mode, if the function has changed the state in place.
        """
        if isinstance(update, GameState):
            raise InvalidValue(
                f"{self._failures.called(name, place=False)} has returned the game state itself; return a dict of "
                "the changes, such as {'score': 1}"
            )
        if update is not None and (update or type(update) is not dict):
            self._states.apply(update)
        if self._simulation.debug:
            path = self._states.take_back_change_in_place()
            if path is not None:
                raise InPlaceChange(changed_in_place(self._failures.called(name, place=True), path))
