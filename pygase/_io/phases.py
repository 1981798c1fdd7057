"""One clock for all game loops on an event loop: they tick at the same moments.

Code that has just run is still in the processor's caches. Game loops that tick one right after the other share it, and
the event loop wakes once for all of them.
"""

from __future__ import annotations

import math
from typing import Final
from weakref import WeakKeyDictionary

from .ports import Loop

_WHOLE_WITHIN: Final = 1e-6
"""Share by which a multiple of an interval may differ from a whole one, as sums of floats do."""

MOST_PHASES: Final = 16
"""Intervals of one event loop that are remembered."""

_phases: Final[WeakKeyDictionary[Loop, dict[float, float]]] = WeakKeyDictionary()
"""Of each event loop: interval → a moment at which game loops with that interval tick."""


def first_tick(loop: Loop, interval: float) -> float:
    """Return when a new game loop ticks first: about one interval from now, at a moment at which others tick.

    It joins the first game loop that had the same interval, or else the first whose interval is a multiple of its own,
    or the contrary. Without such a one, the first tick is exactly one interval from now.

    :param interval: seconds between ticks.
    """
    phases = _phases.setdefault(loop, {})
    wanted = loop.time() + interval
    others = [interval] if interval in phases else [other for other in phases if _fit(interval, other)]
    if not others:
        first = wanted
    else:
        step, moment = min(interval, others[0]), phases[others[0]]
        first = moment + round((wanted - moment) / step) * step
    if len(phases) < MOST_PHASES:
        phases.setdefault(interval, first)
    return first


def set_phase(loop: Loop, interval: float, moment: float) -> None:
    """Let the game loops with this interval tick at a moment, and whole intervals before and after it."""
    _phases.setdefault(loop, {})[interval] = moment


def _fit(one: float, other: float) -> bool:
    """Return whether the greater interval is a multiple of the smaller one."""
    ratio = max(one, other) / min(one, other)
    return abs(ratio - math.floor(ratio + 0.5)) <= _WHOLE_WITHIN * ratio
