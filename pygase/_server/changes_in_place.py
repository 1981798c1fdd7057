"""Finds changes in place: a handler or time step changes its state itself, which no client sees.

Pure: time is a ``clock`` argument. All times are seconds.
"""

from __future__ import annotations

import logging
import marshal
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from .._state.backing import attributes_read, source_of
from .._state.tree import first_difference
from ..gamestate import GameState
from .slow_ticks import TIME_STEP

logger = logging.getLogger("pygase")

EXAMINE_SHARE: Final = 0.005
"""Share of the time for examining calls, while the author of a change in place is searched."""
EXAMINE_AT_ONCE: Final = 0.002
"""Most seconds of examining at once."""

MAX_SUSPECTS: Final = 4


class WorkingStates(Protocol):
    @property
    def working_state(self) -> GameState:
        """See StateKeeper."""

    def change_in_place(self) -> str | None:
        """See StateKeeper."""


class ChangeSearch:
    """Finds the function that changes the state in place, and logs it once. Names of functions are event types, or
    TIME_STEP.

    :param clock: measures the search itself.
    :param describe: returns the words for a function in a log.
    :param event_types: returns the types whose handlers get the state, so that they can change it.
    """

    def __init__(
        self,
        states: WorkingStates,
        clock: Callable[[], float],
        describe: Callable[[str], str],
        event_types: Callable[[], Iterable[str]],
    ) -> None:
        self._states = states
        self._clock = clock
        self._describe = describe
        self._event_types = event_types
        self._armed_at: float | None = None
        """Since when an author is searched, or None."""
        self._examined = 0.0
        """Seconds of examining since then."""
        self._named: set[str] = set()
        """The reported functions; ``""`` stands for an unknown one."""

    @property
    def is_armed(self) -> bool:
        return self._armed_at is not None

    def look(self, now: float) -> None:
        """Once a second."""
        path = self._states.change_in_place()
        if path is None:
            self._armed_at = None
        elif self._armed_at is None:
            self._armed_at, self._examined = now, 0.0
        elif not self._named:  # the change was not made again, or it was the very same one
            self._named.add("")
            logger.warning("%s", changed_in_place(self._suspects(), path))

    def _suspects(self) -> str:
        suspects = [*self._event_types(), TIME_STEP]
        if len(suspects) > MAX_SUSPECTS:
            return "a handler or time_step"
        return " or ".join(map(self._describe, suspects))

    def before(self, name: str) -> Fingerprint | None:
        """Return the state before a call; None if the call is not examined, to save time."""
        now = self._clock()
        if self._armed_at is None or name in self._named:
            return None
        if self._examined > EXAMINE_AT_ONCE + EXAMINE_SHARE * (now - self._armed_at):
            return None
        before = Fingerprint(self._states.working_state)
        self._examined += self._clock() - now
        return before

    def compare(self, name: str, before: Fingerprint) -> None:
        began_at = self._clock()
        path = before.difference(self._states.working_state)
        self._examined += self._clock() - began_at
        if path is not None:
            self._named.add(name)
            logger.warning("%s", changed_in_place(self._describe(name), path))


class Fingerprint:
    """A state's attributes before a call: only those that were read, because no others can change."""

    __slots__ = ("_attributes", "_source")

    def __init__(self, state: GameState) -> None:
        self._source = source_of(state)
        self._attributes = {name: _fingerprint(value) for name, value in attributes_read(state).items()}

    def difference(self, state: GameState) -> str | None:
        if source_of(state) is not self._source:  # an attribute was deleted
            return first_difference(self._source, source_of(state))
        for name, value in attributes_read(state).items():
            if name not in self._attributes:
                if name not in self._source:
                    return name
                path = first_difference(self._source[name], value, name)
            else:
                path = self._changed(name, value)
            if path is not None:
                return path
        return None

    def _changed(self, name: str, value: Any) -> str | None:
        before = self._attributes[name]
        if before == _fingerprint(value):
            return None
        return name if before is None else first_difference(marshal.loads(before), value, name) or name


def _fingerprint(value: Any) -> bytes | None:
    """Return bytes that differ whenever the value differs; None if it holds values that are not plain."""
    try:
        return marshal.dumps(value, 2)  # the last version that does not look at which objects are one
    except ValueError:
        return None


def changed_in_place(called: str, path: str) -> str:
    """Return the warning about the attribute or item at ``path``."""
    outermost = re.split(r"[.\[]", path, maxsplit=1)[0]
    return (
        f"{called} changed game_state.{path} in place, where nobody else sees it; leave the state as it is, and return "
        f"a dict of the changes, such as {{{outermost!r}: ...}}"
    )
