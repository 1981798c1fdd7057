"""Real time into ticks: the number of simulation steps that are due in a frame.

Only a game with ticks of equal length can be predicted (see :class:`~pygase.Predictor`)::

    timestep = FixedTimestep(1 / 60)
    while running:
        for tick in timestep.ticks(time.monotonic()):
            world = step(world, keys)
        draw(world, timestep.fraction)

Pure: ``now`` is any clock that counts seconds, normally ``time.monotonic()``.
"""

from __future__ import annotations

import math
from typing import Any, Final

__all__ = ["FixedTimestep"]

MAX_CATCH_UP: Final = 0.25
"""Most seconds of ticks in one frame, by default. Idea and figure are from Glenn Fiedler's "Fix Your Timestep!"."""

_EARLY_SHARE: Final = 1e-4
"""Share of a tick by which a tick may be early. It covers the rounding of clocks with large values."""


class FixedTimestep:
    """Turns real time into ticks of equal length.

    After a long frame all missed ticks are due at once, but never more than ``max_ticks``; the rest is dropped. So a
    machine that is too slow runs the game slower, instead of falling further and further behind.

    :param interval: seconds between ticks: ``1 / 60`` for sixty a second.
    :param max_ticks: most ticks due at once, from 1 up; by default those of a quarter of a second.
    :param pace: speed of the ticks, see the property.
    :raises TypeError: an argument is no number.
    :raises ValueError: an argument is out of its range.

    :ivar tick: number of ticks that have been due so far, and the number of the next one.
    :ivar dropped: number of ticks dropped because more than ``max_ticks`` were due at once.
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
        self._now: float | None = None  # of the latest advance()
        # Ticks are counted from the latest change of the pace, not added up, so there is no drift.
        self._since = 0.0  # the moment from which they are counted,
        self._phase = 0.0  # its position in its tick,
        self._done = 0  # and the number of ticks due since
        self._fraction = 0.0

    @property
    def interval(self) -> float:
        """Seconds between ticks at pace 1."""
        return self._interval

    @property
    def max_ticks(self) -> int:
        """Most ticks due at once."""
        return self._max_ticks

    @property
    def fraction(self) -> float:
        """Position of the latest ``now`` in the current tick, from 0.0 to 1.0, for drawing between two ticks."""
        return self._fraction

    @property
    def pace(self) -> float:
        """Speed of the ticks: 1.0 is real time, 1.02 is 2 % faster. A change holds from the latest ``now`` on.

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
        """Return the number of ticks due at ``now``: 0 in the first call, which starts the clock.

        A step back of the clock counts as no time.

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
        reached = max(math.floor(position + _EARLY_SHARE), self._done)
        due, self._done = reached - self._done, reached
        self._fraction = min(max(position - reached, 0.0), 1.0)
        if due > self._max_ticks:
            self.dropped += due - self._max_ticks
            due = self._max_ticks
        self.tick += due
        return due

    def ticks(self, now: float) -> range:
        """Return the numbers of the ticks that are due at ``now``, for a loop. They count from 0 without gaps.

        All of them count as done, even if the loop ends early.

        :raises ValueError: ``now`` is not finite.
        """
        due = self.advance(now)
        return range(self.tick - due, self.tick)

    def reset(self) -> None:
        """Restart the clock at the next call, as after a pause: no tick is due for the time in between.

        ``tick`` and ``dropped`` keep their values.
        """
        self._now = None
        self._phase, self._done, self._fraction = 0.0, 0, 0.0

    def _position(self, now: float) -> float:
        """Return the position of ``now``, in ticks since the beginning of the tick of ``_since``."""
        return self._phase + (now - self._since) * self._pace / self._interval

    def _count_from(self, now: float) -> None:
        self._phase = self._position(now) - self._done
        self._since, self._done = now, 0


def _positive(value: Any, name: str, unit: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise TypeError(f"{name} must be a number above 0 ({unit}), not {value!r}")
    if not 0 < value < math.inf:
        raise ValueError(f"{name} must be a number above 0 ({unit}), not {value!r}")
    return value
