"""The rules of a game for smooth movement: which numbers of its state move, and when they jump."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from .._state.state_paths import ANY_KEY, parts_of

PERIODS: Final = {None: 0.0, "radians": math.tau, "degrees": 360.0}
"""``angle`` of a rule → the whole circle; 0.0 for a number that is no angle."""


@dataclass(frozen=True, slots=True, init=False)
class Interpolate:
    """Names numbers that move smoothly: ``Interpolate("ball.x", "ball.y", snap_distance=50)``.

    :param paths: keys joined by dots, with ``*`` for any key: ``"players.*.position"``. A path leads to a number or to
        a list of numbers. A key of digits also means the int key. Only ``*`` matches a key that contains a dot.
    :param angle: ``"radians"`` or ``"degrees"``: the number turns the short way round. Values in between may leave the
        range that the game uses (3.2 radians on the way from 3.1 to -3.1); the direction is right.
    :param period: the same for angles in any other unit (256 for a whole circle of 256 steps), and for places in a
        world without edges: ``period=640`` if what leaves at 640 comes back at 0. Values in between may leave the
        range, so draw them at ``x % 640``.
    :param snap_distance: a longer way between two snapshots is a jump and is not drawn as a movement. The paths of one
        rule that end in the same dict count together, as the coordinates of one point.
    :param snap_on: path of a value, such as a counter of teleports. A change of this value marks a jump. Each ``*`` in
        it means the same key as in ``paths``, which must begin with the same keys.
    :param extrapolate: seconds for which the movement is carried on at its last speed while the next snapshot is late,
        if the buffer itself bridges less. A higher value hides longer gaps and guesses wrong more often.
    :raises ValueError: a path is malformed, ``period`` is not above 0 or given beside an ``angle``, ``extrapolate`` is
        negative or not finite, or ``snap_on`` has a ``*`` that the paths do not begin with.
    """

    paths: tuple[str, ...]
    angle: Literal["radians", "degrees"] | None
    period: float | None
    snap_distance: float | None
    snap_on: str | None
    extrapolate: float

    def __init__(
        self,
        *paths: str,
        angle: Literal["radians", "degrees"] | None = None,
        period: float | None = None,
        snap_distance: float | None = None,
        snap_on: str | None = None,
        extrapolate: float = 0.0,
    ) -> None:
        if not paths:
            raise ValueError('Interpolate needs at least one path, such as "players.*.position"')
        if angle not in PERIODS:
            raise ValueError(
                f'angle must be "radians", "degrees" or None, not {angle!r}; other units have a period=...'
            )
        _check_period(period, angle)
        if snap_distance is not None and not snap_distance >= 0:
            raise ValueError(f"snap_distance must be a number from 0 up, or None, not {snap_distance!r}")
        if not 0 <= extrapolate < math.inf:
            raise ValueError(f"extrapolate must be a number of seconds from 0 up, not {extrapolate!r}")
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "angle", angle)
        object.__setattr__(self, "period", period)
        object.__setattr__(self, "snap_distance", snap_distance)
        object.__setattr__(self, "snap_on", snap_on)
        object.__setattr__(self, "extrapolate", extrapolate)
        for path in paths:
            self.guard_of(parts_of(path))

    @property
    def whole(self) -> float:
        """The way after which a number is back where it was; 0.0 if there is none."""
        return PERIODS[self.angle] if self.period is None else self.period

    def guard_of(self, parts: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        """Return how many parts of a path ``snap_on`` has in common with it, and the rest of ``snap_on``."""
        if self.snap_on is None:
            return 0, ()
        mark, shared = parts_of(self.snap_on), 0
        while shared < min(len(parts), len(mark)) - 1 and parts[shared] == mark[shared]:
            shared += 1
        if ANY_KEY in mark[shared:]:
            path = ".".join(parts)
            raise ValueError(f'snap_on={self.snap_on!r} has a "*" that is not in {path!r}')
        return shared, mark[shared:]


def _check_period(period: float | None, angle: str | None) -> None:
    if period is None:
        return
    if isinstance(period, bool) or not isinstance(period, (int, float)) or not 0 < period < math.inf:
        raise ValueError(f"period must be a number above 0, such as the width of the world, not {period!r}")
    if angle is not None:
        raise ValueError(f"angle={angle!r} has a period of {PERIODS[angle]:g} already; give one of angle and period")
