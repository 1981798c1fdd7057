"""Past states for a judge: the picture that a player saw when they fired.

A player acts upon an old picture, so a server that judges a shot by its newest state forces players to aim ahead. With
a :class:`StateHistory` it looks at the player's own picture::

    seen = history.at(player_input.view_time)      # as the shooter's screen showed it
    hit = near(seen["players"][target], aim)

States are frozen trees that share structure; they are kept, not copied. Pure: times are seconds of the server's clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from .blending import Blender
from .keeping import EMPTY_STATE
from .rules import Interpolate

__all__ = ["StateHistory"]

DEFAULT_SECONDS: Final = 1.0
"""Seconds that a judge can look back. An older shot would hit players who have hidden since then."""

MAX_STATES: Final = 256
"""Most states held: one second of 128 ticks twice over."""


class _Past(NamedTuple):
    """A state that held from ``time`` on."""

    tick: int
    time: float
    changed_after: float  # the time of the previous tick: until then the previous state held
    state: Mapping[str, Any]


class StateHistory:
    """The states of the last second, and every moment between them.

    Call :meth:`push` after each tick. A tick without changes (the same state object again) takes no memory.

    :param seconds: how far back :meth:`at` looks.
    :param interpolate: paths (or :class:`Interpolate` rules) of the numbers that clients draw smoothly. Give the rules
        of the clients' buffers, else the judge sees another picture.
    :param max_states: most states held, from 2 up. If fast ticks make them cover less than ``seconds``, :meth:`at`
        looks less far back.
    :raises ValueError: an argument is out of its range, or a path is malformed or named twice.
    """

    def __init__(
        self,
        seconds: float = DEFAULT_SECONDS,
        interpolate: Iterable[str | Interpolate] = (),
        *,
        max_states: int = MAX_STATES,
    ) -> None:
        if not 0 < seconds < math.inf:
            raise ValueError(f"seconds must be a number above 0, not {seconds!r}")
        if max_states < 2:
            raise ValueError(f"max_states must be from 2 up, since a moment lies between two; got {max_states!r}")
        self.seconds = seconds
        self._max_states = max_states
        self._blender = Blender(interpolate)
        self._held: list[_Past] = []  # by tick
        self._tick, self._time = 0, -math.inf  # of the latest push, with or without changes

    def __len__(self) -> int:
        return len(self._held)

    @property
    def newest(self) -> float | None:
        """The time of the latest tick pushed, in server seconds; None before the first."""
        return self._time if self._held else None

    @property
    def oldest(self) -> float | None:
        """The earliest time that :meth:`at` answers for, in server seconds; None before the first push."""
        return max(self._held[0].time, self._time - self.seconds) if self._held else None

    @property
    def states(self) -> tuple[Mapping[str, Any], ...]:
        """The pushed states themselves, oldest first."""
        return tuple(past.state for past in self._held)

    def push(self, tick: int, time: float, state: Mapping[str, Any], *, span: float = math.inf) -> None:
        """Keep the state of a tick. Push ticks without changes as well: they mark the end of a rest exactly.

        :param tick: number of the tick, higher than at the previous push. Skipped numbers are ticks without changes.
        :param time: the server's clock at that tick, in seconds; never lower than at the previous push.
        :param state: the frozen state. It is held, not copied: do not change it any more.
        :param span: seconds that the tick simulated, if the game loop had paused before. Until ``time - span`` the
            previous state held.
        :raises ValueError: ``tick`` or ``time`` does not continue the previous push, or ``time`` is not finite.
        """
        if self._held and not (tick > self._tick and self._time <= time < math.inf):
            raise ValueError(
                f"tick {tick!r} at {time!r} s cannot follow tick {self._tick} at {self._time} s; "
                "clear() the history when a new game begins"
            )
        if not -math.inf < time < math.inf:
            raise ValueError(f"time must be a number of seconds, not {time!r}")
        if not self._held or state is not self._held[-1].state:
            changed_after = max(self._time_before(tick, time), time - span)
            self._held.append(_Past(tick, time, changed_after, state))
        self._tick, self._time = tick, time
        self._forget()

    def at(self, time: float | None) -> Mapping[str, Any]:
        """Return the state that a client drew when its playback was at ``time``; empty before the first push.

        Times before :attr:`oldest` mean the oldest moment, times after :attr:`newest` and None the newest state. The
        result shares all unmoved parts with the pushed states: read it, never change it. It equals the client's view if
        every changed state reached that client in time and its playback is at least one tick behind.

        :param time: server seconds, such as ``PlayerInput.view_time``.
        """
        held = self._held
        if not held:
            return EMPTY_STATE
        if time is None or not time < self._time:  # NaN too
            return held[-1].state
        time = max(time, held[0].time, self._time - self.seconds)
        index = bisect_right(held, time, key=_time)
        older = held[index - 1]
        if index == len(held):
            return older.state
        newer = held[index]
        start = max(older.time, newer.changed_after)  # after a rest, movement begins at the end of the rest
        if time <= start:
            return older.state
        return self._blender.blend(older.state, newer.state, (time - start) / (newer.time - start))

    def clear(self) -> None:
        """Forget everything. Call it when a new game begins."""
        self._held.clear()
        self._tick, self._time = 0, -math.inf

    def _time_before(self, tick: int, time: float) -> float:
        """Return the time of the previous tick, the last with the old state."""
        if not self._held:
            return time
        return time - (time - self._time) / (tick - self._tick)

    def _forget(self) -> None:
        held, limit = self._held, self._time - self.seconds
        del held[: -self._max_states]
        while len(held) > 1 and held[1].time <= limit:
            del held[0]


def _time(past: _Past) -> float:
    return past.time
