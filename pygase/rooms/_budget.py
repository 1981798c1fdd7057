"""The budget of a room: what its ticks may take, so that it does not harm the others."""

from __future__ import annotations

from collections import deque
from typing import Final

OVERRUNS_WITHIN: Final = 10.0
"""Seconds after which an overrun is forgiven."""

SLOW_FROM: Final = 3
"""Overruns from which on the room ticks half as often."""

CLOSED_FROM: Final = 5
"""Overruns from which on the room is closed."""


class Budget:
    """Counts the overruns of a room.

    :param seconds: of work that a tick may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._overruns: deque[float] = deque(maxlen=CLOSED_FROM)

    def note(self, worked: float, now: float) -> bool:
        """Note a piece of work; return whether it was an overrun."""
        if worked <= self._seconds:
            return False
        self._overruns.append(now)
        return True

    def overruns(self, now: float) -> int:
        """Return the number of overruns that are not forgiven yet."""
        while self._overruns and now > self._overruns[0] + OVERRUNS_WITHIN:
            self._overruns.popleft()
        return len(self._overruns)
