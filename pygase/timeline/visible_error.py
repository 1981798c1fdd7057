"""The picture joins the corrected prediction softly instead of jumping."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from .._state.tree import thawed
from .blending import Blender
from .bodies import GlidingBodies, moved
from .corrections import FloatBlender, Ways, displaced, doubled_way, greatest_difference, largest
from .first_guesses import FirstGuesses
from .glide import Glide
from .rules import Interpolate
from .springs import Motion, Springs

_FADED: Final = 3.0
"""After the smoothing time an error has fallen to e**-3 of its size: 95 % are gone."""

_INVISIBLE: Final = 1e-4
"""Share of an error below which it is dropped: after three smoothing times."""

_ROOT: Final = "mine"
"""Key of a list or number where rules need a dict around it."""


class GlidingNumbers:
    """The numbers of a player's part that glide. All others step.

    :param smooth: paths or rules, as for :class:`pygase.Predictor`; None: every float.
    :param snap_distance: a longer way is a jump; None: no limit. Rules have their own.
    :raises ValueError: a path is malformed or named twice.
    :ivar guesses: measures how far off they were predicted.
    """

    def __init__(self, smooth: Smooth, snap_distance: float | None) -> None:
        self.guesses = FirstGuesses(GlidingBodies(glides_of(smooth)))
        self._blender = _blender(smooth, snap_distance)

    def blend(self, older: Any, newer: Any, progress: float) -> Any:
        """See FloatBlender."""
        if type(older) is dict and type(newer) is dict:
            return self._blender.blend(older, newer, progress)
        return self._blender.blend({_ROOT: older}, {_ROOT: newer}, progress)[_ROOT]

    def ways(self, here: Any, there: Any) -> Ways:
        """Return the ways of the gliding numbers from ``here`` to ``there``, without jumps."""
        return doubled_way(here, self.blend(here, there, 0.5))


class VisibleError:
    """The difference between the picture and the predicted part. It fades out exponentially.

    :param gliding: the numbers that can have an error.
    :param smoothing_time: seconds in which 95 % of an error fade, from 0 up.
    """

    def __init__(self, gliding: GlidingNumbers, smoothing_time: float) -> None:
        self._gliding = gliding
        self._smoothing_time = smoothing_time
        self.reset()

    def reset(self) -> None:
        """Forget the error and the time of the latest picture."""
        self.clear()
        self._left = 0.0  # share of the error that is left,
        self._fading_time = self._smoothing_time  # and the seconds in which it fades
        self._shown_at: float | None = None

    def clear(self) -> None:
        """Drop the error: the next picture is the predicted part."""
        self._ways: Ways = None

    @property
    def size(self) -> float:
        """The largest error of a number in the picture, as a distance."""
        return largest(self._ways) * self._left

    def drawn(self, mine: Any) -> Any:
        """Return the predicted part with the error added to it."""
        return mine if self._ways is None else displaced(mine, self._ways, self._left)

    def correct(self, before: Any, mine: Any, smoothing_time: float, earlier: tuple[Any, Any]) -> float:
        """Replace the prediction ``before`` by ``mine``; return the largest error of ``before``, as a distance.

        :param smoothing_time: seconds in which the error fades, if longer than usual.
        :param earlier: both one tick before, for errors with a speed.
        """
        off = self._gliding.ways(mine, before)
        shown = self.drawn(before)
        longer = max(smoothing_time, self._smoothing_time)
        self._fading_time = longer if self._ways is None else max(longer, self._fading_time)
        visible = self._smoothing_time and self._shown_at is not None
        self._ways = self._gliding.ways(mine, shown) if visible else None
        self._left = 1.0
        return greatest_difference(before, mine) if off is None else largest(off)

    def fade(self, now: float, fraction: float = 0.0) -> None:
        """Let the error fade for the time since the latest call. A step back of the clock counts as no time.

        :param fraction: ticks by which the picture is ahead of the last tick, for errors with a speed.
        """
        passed = 0.0 if self._shown_at is None else max(now - self._shown_at, 0.0)
        self._shown_at = now
        if self._ways is not None:
            self._left *= math.exp(-_FADED * passed / self._fading_time)
            if self._left < _INVISIBLE:
                self._ways = None


class SpringError:
    """The same with springs, body by body: neither place nor speed of the picture jumps.

    :param glides: the rules.
    :param interval: seconds of a tick.
    """

    def __init__(self, glides: list[Glide], interval: float) -> None:
        self._bodies = GlidingBodies(glides, all_mine=True)
        self._springs = Springs(self._bodies, interval)

    def reset(self) -> None:
        """Forget the error and the time of the latest picture."""
        self._springs.reset()

    def clear(self) -> None:
        """Drop the error: the next picture is the predicted part."""
        self._springs.clear()

    @property
    def size(self) -> float:
        """The largest error of a body in the picture, as a distance."""
        return self._springs.size

    def drawn(self, mine: Any) -> Any:
        """Return the predicted part with the error added to it."""
        errors = self._springs.errors()
        if not errors:
            return mine
        shown = thawed(mine)
        self._bodies.write(shown, moved(self._bodies.read(mine), errors))
        return shown

    def correct(self, before: Any, mine: Any, smoothing_time: float, earlier: tuple[Any, Any]) -> float:
        """See :class:`VisibleError`."""
        self._springs.correct(self._motion(earlier[0], before), self._motion(earlier[1], mine), None, smoothing_time)
        return greatest_difference(before, mine)

    def _motion(self, earlier: Any, here: Any) -> Motion:
        return Motion(self._bodies.read(earlier), self._bodies.read(here), self._bodies.marks(here))

    def fade(self, now: float, fraction: float = 0.0) -> None:
        """See :class:`VisibleError`."""
        self._springs.fade(now, fraction)


Smooth = str | Interpolate | Glide | Iterable[str | Interpolate | Glide] | None


def glides_of(smooth: Smooth) -> list[Glide]:
    """Return the rules of ``smooth`` if they are Glides; else none.

    :raises TypeError: some are, and some are not.
    """
    rules = _listed(smooth)
    glides = [rule for rule in rules if isinstance(rule, Glide)]
    if glides and len(glides) < len(rules):
        raise TypeError("smooth takes Glide rules, or paths and Interpolate rules, not both")
    return glides


def _listed(smooth: Smooth) -> list[str | Interpolate | Glide]:
    if smooth is None:
        return []
    return [smooth] if isinstance(smooth, (str, Interpolate, Glide)) else list(smooth)


def _blender(smooth: Smooth, snap_distance: float | None) -> Blender | FloatBlender:
    if smooth is None:
        return FloatBlender(snap_distance)
    rules = [rule.interpolation() if isinstance(rule, Glide) else rule for rule in _listed(smooth)]
    paths = [rule for rule in rules if isinstance(rule, str)]
    point = [Interpolate(*paths, snap_distance=snap_distance)] if paths else []
    return Blender([*point, *(rule for rule in rules if not isinstance(rule, str))])
