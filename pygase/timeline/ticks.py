"""Real time into ticks: how many simulation steps are due, however unevenly frames come.

A game that moves things by ``dt`` behaves differently on each machine; one that takes steps of the same length does
not, and only such a one can be predicted (see :class:`~pygase.Predictor`). A :class:`FixedTimestep` says in each frame
how many steps to take, and how far the picture is into the next one::

    timestep = FixedTimestep(1 / 60)
    while running:
        for tick in timestep.ticks(time.monotonic()):
            world = step(world, keys)
        draw(world, timestep.fraction)

Pure: no clock of its own. ``now`` is any clock that counts seconds; ``time.monotonic()`` is the right one.
"""

from __future__ import annotations

import math
from typing import Any, Final

__all__ = ["FixedTimestep"]

MAX_CATCH_UP: Final = 0.25
"""Seconds of ticks at most in one frame, unless the game says otherwise. The source of the idea, and of the figure, is
Glenn Fiedler's "Fix Your Timestep!"."""

_ROUNDING: Final = 1e-4
"""Part of a tick by which one may come early: it makes up for the rounding of clocks that count from long ago."""


class FixedTimestep:
    """Turns real time into ticks of the same length.

    After a long frame the ticks that it has missed come all at once, but never more than ``max_ticks``: what is beyond
    is dropped and counted. So a machine that is too slow for its game runs it slower, instead of falling ever further
    behind, and a window that was dragged about for a minute does not make up a minute.

    :param interval: seconds between ticks: ``1 / 60`` for sixty a second.
    :param max_ticks: most ticks due at once, from 1 up; by default as many as a quarter of a second has.
    :param pace: how fast ticks come, see the property.
    :raises TypeError: one of them is no number.
    :raises ValueError: one of them is out of its range.

    :ivar tick: how many ticks have been due so far, so the number of the next one.
    :ivar dropped: how many were dropped because more than ``max_ticks`` were due at once.
    """

    __slots__ = (
        "_done",
        "_fraction",
        "_interval",
        "_max_ticks",
        "_now",
        "_pace",
        "_phase",
        "_since",
        "dropped",
        "tick",
    )

    def __init__(self, interval: float, *, max_ticks: int | None = None, pace: float = 1.0) -> None:
        self._interval = _positive(interval, "interval", "seconds, such as 1 / 60")
        if max_ticks is None:
            max_ticks = max(1, round(MAX_CATCH_UP / interval))
        if not isinstance(max_ticks, int) or isinstance(max_ticks, bool):
            raise TypeError(f"max_ticks must be an int from 1 up, or None, not {max_ticks!r}")
        if max_ticks < 1:
            raise ValueError(f"max_ticks must be from 1 up, or nothing would ever move; got {max_ticks!r}")
        self._max_ticks = max_ticks
        self._pace = _positive(pace, "pace", "1.0 is real time")
        self.tick = 0
        self.dropped = 0
        self._now: float | None = None  # when advance() was last asked
        # Ticks are counted from the latest change of the pace, not added up: so nothing drifts.
        self._since = 0.0  # the moment from which they are counted,
        self._phase = 0.0  # how far into a tick that was,
        self._done = 0  # and how many have been due since
        self._fraction = 0.0

    @property
    def interval(self) -> float:
        """Seconds between ticks at pace 1."""
        return self._interval

    @property
    def max_ticks(self) -> int:
        """Most ticks that are due at once."""
        return self._max_ticks

    @property
    def fraction(self) -> float:
        """How far the latest ``now`` is into the tick under way, from 0.0 to 1.0: for drawing between two ticks."""
        return self._fraction

    @property
    def pace(self) -> float:
        """How fast ticks come: 1.0 is real time, 1.02 two per cent faster. A change holds from the latest ``now`` on.

        A client whose inputs reach the server too late runs a few per cent faster for a while.
        """
        return self._pace

    @pace.setter
    def pace(self, pace: float) -> None:
        if pace != self._pace:
            pace = _positive(pace, "pace", "1.0 is real time")
            if self._now is not None:
                self._count_from(self._now)
            self._pace = pace

    def advance(self, now: float) -> int:
        """Return how many ticks are due at ``now``: 0 in the first call, which starts the clock.

        A clock that steps back is taken as one that stood still.

        :raises ValueError: ``now`` is not finite.
        """
        if not -math.inf < now < math.inf:
            raise ValueError(f"now must be a number of seconds, such as time.monotonic(), not {now!r}")
        if self._now is None:
            self._since = now
        elif now < self._now:
            self._count_from(self._now)
            self._since = now
        self._now = now
        position = self._position(now)
        reached = max(math.floor(position + _ROUNDING), self._done)
        due, self._done = reached - self._done, reached
        self._fraction = min(max(position - reached, 0.0), 1.0)
        if due > self._max_ticks:
            self.dropped += due - self._max_ticks
            due = self._max_ticks
        self.tick += due
        return due

    def ticks(self, now: float) -> range:
        """Return the numbers of the ticks that are due at ``now``, to be looped over: counted from 0, none left out.

        Take them all: they count as taken even if the loop ends early.
        """
        due = self.advance(now)
        return range(self.tick - due, self.tick)

    def reset(self) -> None:
        """Start the clock anew with the next call, as after a pause: no tick is due for the time in between.

        ``tick`` and ``dropped`` count on.
        """
        self._now = None
        self._phase, self._done, self._fraction = 0.0, 0, 0.0

    def _position(self, now: float) -> float:
        """Return how many ticks after the counted-from moment's own tick ``now`` is."""
        return self._phase + (now - self._since) * self._pace / self._interval

    def _count_from(self, now: float) -> None:
        """Count from this moment on; nothing is due that was not due before."""
        self._phase = self._position(now) - self._done
        self._since, self._done = now, 0


def _positive(value: Any, name: str, unit: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number above 0 ({unit}), not {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a number above 0 ({unit}), not {value!r}")
    return value
