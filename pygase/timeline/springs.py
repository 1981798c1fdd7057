"""Springs between the picture and a corrected prediction: a correction changes neither place nor speed at once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .bodies import Body, GlidingBodies, Numbers

_SPRING_FADED: Final = 4.743865
"""At this time, in the spring's own unit, 5 % of an error are left: (1 + x) * e**-x is 0.05."""

_FORGOTTEN: Final = 3.0
"""A spring is dropped after three times its fading time: less than a millionth of the error is left."""


MAX_FOUND: Final = 8
"""Most corrections between two pictures that are drawn; while nothing is drawn, only the newest count."""


class _Spring:
    """The error of one body since its latest correction: critically damped."""

    __slots__ = ("_at", "_fading_time", "_omega", "errors", "speeds")

    def __init__(self, errors: list[float], speeds: list[float], at: float, fading_time: float) -> None:
        self.errors, self.speeds = errors, speeds
        self._at, self._fading_time = at, fading_time
        self._omega = _SPRING_FADED / fading_time

    def rests(self, now: float) -> bool:
        return now - self._at > _FORGOTTEN * self._fading_time

    def place(self, now: float) -> list[float]:
        """Return the errors at a time."""
        passed, omega = now - self._at, self._omega
        left = math.exp(-omega * passed)
        return [(e + (v + omega * e) * passed) * left for e, v in zip(self.errors, self.speeds, strict=True)]

    def speed(self, now: float) -> list[float]:
        """Return the speeds of the errors at a time."""
        passed, omega = now - self._at, self._omega
        left = math.exp(-omega * passed)
        return [(v - omega * (v + omega * e) * passed) * left for e, v in zip(self.errors, self.speeds, strict=True)]


class Motion:
    """The bodies of a prediction at its end: where they are, and where they were one tick before.

    :param marks: the values of ``snap_on``.
    """

    __slots__ = ("before", "here", "marks")

    def __init__(self, before: Numbers, here: Numbers, marks: dict[Body, Any]) -> None:
        self.before, self.here, self.marks = before, here, marks


class _Correction(NamedTuple):
    old: Motion
    new: Motion
    me: Any
    longer: float


def _differ(body: Body, old: Mapping[Body, Any], new: Mapping[Body, Any]) -> bool:
    return bool(old.get(body) != new.get(body))


class Springs:
    """The visible errors of all bodies.

    :param bodies: the rules.
    :param interval: seconds of a tick.
    """

    def __init__(self, bodies: GlidingBodies, interval: float) -> None:
        self._bodies = bodies
        self._interval = interval
        self.reset()

    def reset(self) -> None:
        """Forget the errors and the time of the latest picture."""
        self._springs: dict[Body, _Spring] = {}
        self._found: list[_Correction] = []  # since the latest picture
        self._shown_at: float | None = None

    def clear(self) -> None:
        """Drop all errors: the next picture is the prediction."""
        self._springs.clear()
        self._found.clear()

    @property
    def size(self) -> float:
        """The largest error in the picture, as a distance."""
        now = self._shown_at
        return 0.0 if now is None else max((math.hypot(*each.place(now)) for each in self._springs.values()), default=0)

    def correct(self, old: Motion, new: Motion, me: Any, longer: float = 0.0) -> None:
        """Replace a prediction by another one of the same tick. The picture stays where it is.

        :param me: the player's own id.
        :param longer: seconds in which the errors fade, if longer than the rules say.
        """
        if self._shown_at is not None:
            del self._found[: -MAX_FOUND + 1]
            self._found.append(_Correction(old, new, me, longer))

    def _apply(self, correction: _Correction, at: float) -> None:
        old, new = correction.old, correction.new
        if not self._springs.keys() <= new.here.keys():
            self._springs = {body: spring for body, spring in self._springs.items() if body in new.here}
        for body, there in new.here.items():
            here = old.here.get(body)
            if here is None or len(here) != len(there):
                self._springs.pop(body, None)
            elif here != there or _differ(body, old.before, new.before) or _differ(body, old.marks, new.marks):
                self._displace(body, correction, at)

    def _displace(self, body: Body, correction: _Correction, at: float) -> None:
        old, new = correction.old, correction.new
        fading_time = max(self._bodies.time(body, correction.me), correction.longer)
        errors = self._bodies.ways(body, new.here[body], old.here[body])
        speeds = [b - a for a, b in zip(self._speed(body, new), self._speed(body, old), strict=True)]
        spring = self._springs.pop(body, None)
        if spring is not None:
            errors = [a + b for a, b in zip(errors, spring.place(at), strict=True)]
            speeds = [a + b for a, b in zip(speeds, spring.speed(at), strict=True)]
        same = old.marks.get(body) == new.marks.get(body)
        if fading_time and same and not self._bodies.jumps(body, errors) and all(map(math.isfinite, errors + speeds)):
            self._springs[body] = _Spring(errors, speeds, at, fading_time)

    def _speed(self, body: Body, motion: Motion) -> list[float]:
        """Return the speed of a body in its last tick, in units a second; 0.0 if it jumped or is new."""
        here, before = motion.here[body], motion.before.get(body)
        if before is None or len(before) != len(here):
            return [0.0] * len(here)
        way = self._bodies.ways(body, before, here)
        return [0.0] * len(here) if self._bodies.jumps(body, way) else [each / self._interval for each in way]

    def fade(self, now: float, fraction: float = 0.0) -> None:
        """Note the time of a picture. A step back of the clock counts as no time.

        :param fraction: ticks by which it is ahead of the prediction's last tick. The corrections since the latest
            picture were found at that tick, so their springs begin there.
        """
        self._shown_at = now if self._shown_at is None else max(now, self._shown_at)
        for correction in self._found:
            self._apply(correction, self._shown_at - fraction * self._interval)
        self._found.clear()
        for body in [body for body, spring in self._springs.items() if spring.rests(self._shown_at)]:
            del self._springs[body]

    def errors(self) -> dict[Body, list[float]]:
        """Return the errors that the picture shows, by body."""
        now = self._shown_at or 0.0
        return {body: spring.place(now) for body, spring in self._springs.items()}
