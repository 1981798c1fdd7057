"""Finds mistakes in a game that raise no exception."""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, Protocol

from .changes_in_place import ChangeSearch, WorkingStates
from .slow_ticks import TIME_STEP, VIEW, SlowTicks

logger = logging.getLogger("pygase")

LOOK_EVERY: Final = 1.0
LOOK_SHARE: Final = 0.001
"""Share of the time that looks may take. A state of several MB is looked at less often."""

SILENT_TICKS: Final = 10
"""Ticks without any change, and LOOK_EVERY at least, after which a time step that returns None is reported."""


class Store(WorkingStates, Protocol):
    """The part of a StateKeeper that a watch uses."""

    @property
    def committed(self) -> Any:
        """The newest settled state: ``tick`` and ``tree``."""


class Watch:
    """Finds three mistakes in a running game, and logs each once, or rarely: a state that is changed in place, a time
    step that returns nothing, and ticks that take longer than their interval.

    It must cost next to nothing, so it looks once a second, and closer only after a find.

    :param clock: measures calls, seconds.
    :param describe: returns the words of a log for an event's handler, or for TIME_STEP.
    :param event_types: returns the types whose handlers get the state.

    :ivar closer: whether calls are to go through :meth:`call` and :meth:`finder`.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        describe: Callable[[str], str],
        event_types: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.closer = False
        self.clock = clock
        self._store = store
        self._describe = describe
        self._changes = ChangeSearch(store, clock, describe, event_types)
        self._slow = SlowTicks(lambda: store.committed.tick, clock, describe)
        self._is_answered = False
        """Whether the time step has returned an update, or its silence has been reported."""
        self._rested: tuple[Any, int] | None = None
        """An unchanged state, and the number of times that the time step has returned None since."""

    def look(self, interval: float, update: Any, *, has_players: bool, in_place: bool) -> float:
        """Look at the state, in a tick, after the time step.

        :param interval: between ticks, seconds; ``update``: the time step's return value.
        :param in_place: whether to look for changes in place.
        :returns: seconds until the next call.
        """
        began_at = self.clock()
        if not self._is_answered:
            self._look_for_return(update, has_players)
        if in_place:
            self._changes.look(began_at)
        self._slow.look(began_at, interval)
        self.closer = self._changes.is_armed or self._slow.is_watching or self._rested is not None
        return max(LOOK_EVERY, (self.clock() - began_at) / LOOK_SHARE)

    # -- a time step that returns nothing ------------------------------------------------------------------------------

    def _look_for_return(self, update: Any, has_players: bool) -> None:
        """Log, once, a time step that has never returned anything: its return may be missing."""
        tree = self._store.committed.tree
        state, ticks = self._rested or (None, 0)
        if update is not None:
            self._is_answered, self._rested = True, None
        elif tree is not state:
            self._rested = (tree, 0) if has_players else None
        elif ticks >= SILENT_TICKS:
            self._is_answered, self._rested = True, None
            logger.warning(
                "%s has returned None for %d ticks, and nobody else has changed the state meanwhile: return a dict of "
                "the changes, or {} if there are none",
                self._describe(TIME_STEP),
                ticks,
            )

    def _note_return(self, update: Any) -> None:
        if update is not None:
            self._is_answered, self._rested = True, None
        elif self._rested is not None:
            self._rested = self._rested[0], self._rested[1] + 1

    # -- calls under the closer look -----------------------------------------------------------------------------------

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a handler or time step, measure it, and report it if it changes the state in place."""
        before = self._changes.before(name)
        began_at = self.clock()
        try:
            result = function(*args, **kwargs)
            if name == TIME_STEP:
                self._note_return(result)
            return result
        finally:
            if self._slow.is_watching:
                self._slow.note_call(name, self.clock() - began_at)
            if before is not None:
                self._changes.compare(name, before)

    def finder(self, find: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return a function that finds the same handlers as ``find``, each to be called through :meth:`call`."""

        def find_watched(event_type: str) -> Any:
            handler = find(event_type)
            if handler is None:
                return None
            watched = copy.copy(handler)
            watched.function = partial(self.call, event_type, handler.function)
            return watched

        return find_watched

    def note_view(self, took: float) -> None:
        """``took``: the seconds in which the view was asked for all clients, after a tick."""
        if self._slow.is_watching:
            self._slow.note_call(VIEW, took)

    # -- slow ticks ----------------------------------------------------------------------------------------------------

    def note_slow_call(self, name: str, took: float) -> None:
        self._slow.note_slow_call(name, took)

    def late(self, count: int, took: float, interval: float) -> None:
        self._slow.late(count, took, interval)
        if self._slow.is_watching:
            self.closer = True
