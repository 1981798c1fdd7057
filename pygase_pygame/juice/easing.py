"""Easing: curves from 0 to 1, and values that move along them. Pure.

Each curve takes the share of the time that is over. A share below 0 counts as 0, and one above 1 as 1.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

Curve = Callable[[float], float]

_OVERSHOOT: Final = 1.70158
"""Makes :func:`back_out` go a tenth too far: R. Penner, "Programming Macromedia Flash MX" (2002), chapter 7."""

_BOUNCES: Final = ((4 / 11, 0.0, 0.0), (8 / 11, 6 / 11, 0.75), (10 / 11, 9 / 11, 0.9375), (1.0, 10.5 / 11, 0.984375))
"""The parabolas of :func:`bounce_out`: end, middle and height of each, from the same book."""


def ease_in(share: float) -> float:
    """Begin slowly: for what leaves the screen."""
    return _clamped(share) ** 3


def ease_out(share: float) -> float:
    """End slowly: for what arrives."""
    return 1.0 - (1.0 - _clamped(share)) ** 3


def ease_in_out(share: float) -> float:
    """Begin and end slowly: for what moves from one place to another."""
    share = _clamped(share)
    return share * share * (3.0 - 2.0 * share)


def back_out(share: float) -> float:
    """Go a tenth too far and come back: for what pops up."""
    left = _clamped(share) - 1.0
    return 1.0 + left * left * ((_OVERSHOOT + 1.0) * left + _OVERSHOOT)


def bounce_out(share: float) -> float:
    """Fall, and bounce three times: for what lands."""
    share = _clamped(share)
    middle, height = next((middle, height) for end, middle, height in _BOUNCES if share <= end)
    return 7.5625 * (share - middle) ** 2 + height


def elastic_out(share: float) -> float:
    """Swing around the end like a spring."""
    share = _clamped(share)
    if share in (0.0, 1.0):
        return share
    return 1.0 + math.pow(2.0, -10.0 * share) * math.sin((share * 10.0 - 0.75) * math.tau / 3.0)


def pulse(share: float) -> float:
    """Rise from 0 to 1 at a fifth of the time, and fall to 0 again: for squash, a swollen digit, a glow."""
    share = _clamped(share)
    return ease_out(share / 0.2) if share < 0.2 else 1.0 - ease_in_out((share - 0.2) / 0.8)


@dataclass(frozen=True)
class Tween:
    """A value that moves once from ``start`` to ``end``.

    :ivar begins_at: seconds of the clock with which :meth:`at` is asked.
    :ivar seconds: the length of the way; 0: the value jumps.
    :ivar curve: one of the functions of this module, or one of your own.
    """

    start: float
    end: float
    begins_at: float
    seconds: float
    curve: Curve = ease_out

    def at(self, now: float) -> float:
        """Return the value at a time."""
        return self.start + (self.end - self.start) * self.curve(self.share(now))

    def share(self, now: float) -> float:
        """Return the part of the time that is over, from 0 to 1."""
        if self.seconds <= 0.0:
            return float(now >= self.begins_at)
        return _clamped((now - self.begins_at) / self.seconds)


def _clamped(share: float) -> float:
    return min(max(share, 0.0), 1.0)
