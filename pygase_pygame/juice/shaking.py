"""A screen that shakes. Pure."""

import math
from collections import deque
from typing import Final

from .comfort import Comfort

_MOST_KICKS: Final = 16

_WAVES: Final = ((17.0, 0.0), (23.0, 1.3), (19.0, 2.1), (27.0, 4.2))
"""Swings a second, and beginnings, of two waves sideways and two up and down. No two have a common measure, so the way
does not look like a circle."""


class Shake:
    """The sum of kicks that fade. Several at once never shake more than one of full strength.

    :param comfort: the player's limits.
    """

    def __init__(self, comfort: Comfort | None = None) -> None:
        self.comfort = comfort or Comfort()
        self._kicks: deque[tuple[float, float, float]] = deque(maxlen=_MOST_KICKS)  # begin, seconds, strength

    def kick(self, strength: float, now: float, seconds: float = 0.35) -> None:
        """Begin to shake.

        :param strength: from 0 to 1; 0.3 is a shot, 1.0 an explosion nearby.
        :param seconds: time until it has faded.
        """
        self._kicks.append((now, max(seconds, 1e-3), min(max(strength, 0.0), 1.0)))

    def strength(self, now: float) -> float:
        """Return the strength at a time, from 0 to 1, without the player's limit."""
        ages = ((now - at, seconds, strength) for at, seconds, strength in self._kicks)
        return min(sum(strength * (1 - age / seconds) for age, seconds, strength in ages if 0 <= age < seconds), 1.0)

    def offset(self, now: float, pixels: float) -> tuple[int, int]:
        """Return by how many pixels to move the picture: right and down.

        :param pixels: the largest offset, at full strength. A sixtieth of the window's height is strong.
        """
        strength = self.strength(now) ** 2 * pixels * self.comfort.shake
        if not strength:
            return 0, 0
        waves = [math.sin(math.tau * swings * now / 2 + begin) for swings, begin in _WAVES]
        return round(strength * (waves[0] + waves[1]) / 2), round(strength * (waves[2] + waves[3]) / 2)

    def clear(self) -> None:
        """Stop shaking."""
        self._kicks.clear()
