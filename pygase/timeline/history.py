"""What a judge needs of past states: what did that player see when they fired?

A player acts upon a picture that is old: the snapshot took its time to arrive, and playback stays behind on top of
that. A server that judges a shot by its newest state demands that players aim ahead of what they see. One that keeps
a :class:`StateHistory` can look at the very picture instead::

    seen = history.at(player_input.view_time)      # as the shooter's screen showed it
    hit = near(seen["players"][target], aim)

``at`` computes a moment between two ticks by the rules that :class:`pygase.SnapshotBuffer` draws with. States are
frozen trees that share structure: kept as they are, never copied. Pure: times are the server's seconds, and arguments.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from .blending import Blender, Interpolate

__all__ = ["StateHistory"]

DEFAULT_SECONDS: Final = 1.0
"""How far back a moment can be asked for. A shot from longer ago would hit people who have long since hidden."""

MAX_STATES: Final = 256
"""Most states held: one second of 128 ticks twice over."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class _Past(NamedTuple):
    """A state that held from ``time`` on."""

    tick: int
    time: float
    changed_after: float  # the time of the tick before it: until then the state before still held
    state: Mapping[str, Any]


class StateHistory:
    """The states of the last second, and any moment in between.

    Call :meth:`push` after each tick; a tick that changed nothing (the same state object again) takes no room.

    :param seconds: how far back :meth:`at` goes.
    :param interpolate: paths (or :class:`Interpolate` rules) of the numbers that clients draw smoothly. Give the same
        ones as to the clients' buffers, else the judge sees another picture.
    :param max_states: most states held, from 2 up. Where ticks come so fast that these do not last for ``seconds``,
        :meth:`at` goes less far back.
    :raises ValueError: one of them is out of its range, or a path is malformed or named twice.
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
        self._tick, self._time = 0, -math.inf  # of the latest push, whether it changed anything or not

    def __len__(self) -> int:
        return len(self._held)

    @property
    def newest(self) -> float | None:
        """The time of the latest tick pushed, in server seconds; None before the first."""
        return self._time if self._held else None

    @property
    def oldest(self) -> float | None:
        """The earliest time that :meth:`at` can tell of, in server seconds; None before the first push."""
        return max(self._held[0].time, self._time - self.seconds) if self._held else None

    def push(self, tick: int, time: float, state: Mapping[str, Any], *, span: float = math.inf) -> None:
        """Keep the state of a tick.

        Ticks that changed nothing may be left out. Better push them too: then it is known exactly when a rest ended
        (else the ticks in between are taken to have been evenly spaced), and during it the limit moves on.

        :param tick: its number, higher than the one before; numbers that are left out were ticks that changed nothing.
        :param time: the server's clock at that tick, in seconds; not before the one before.
        :param state: the frozen state. It is held, not copied: nobody may change it any more.
        :param span: seconds in which it became what it is, if the game loop had paused before: less than the time since
            the tick before. Until then the state before still held.
        :raises ValueError: tick or time does not go on from the push before. For a new game, :meth:`clear` first.
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
        """Return the state that a client drew whose playback was at ``time``; empty before the first push.

        What is older than :attr:`oldest` is answered as of then, what is newer than :attr:`newest` with the newest
        state. So is None: nobody knows what was seen. Whatever a client claims, there is an answer.

        It shares with the states pushed all that did not move: read it, never change it. It equals the client's view
        if that client had every changed state in time and stays behind by a tick at least.
        """
        held = self._held
        if not held:
            return _NOTHING
        if time is None or not time < self._time:  # NaN too
            return held[-1].state
        time = max(time, held[0].time, self._time - self.seconds)
        index = bisect_right(held, time, key=_time)
        older = held[index - 1]
        if index == len(held):
            return older.state
        newer = held[index]
        start = max(older.time, newer.changed_after)  # where the world rested, movement begins when the rest ended
        if time <= start:
            return older.state
        return self._blender.blend(older.state, newer.state, (time - start) / (newer.time - start))

    def clear(self) -> None:
        """Forget everything: a new game begins."""
        self._held.clear()
        self._tick, self._time = 0, -math.inf

    def _time_before(self, tick: int, time: float) -> float:
        """Return when the tick before was: the last that still had the old state."""
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
