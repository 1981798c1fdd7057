"""Flashes over the whole picture or a part of it."""

from __future__ import annotations

from collections import deque
from typing import Final

import pygame

from ..ui.palette import Colour
from .comfort import Comfort

MOST_A_SECOND: Final = 3
"""Flashes that begin in any one second. More can cause seizures: W3C, Web Content Accessibility Guidelines 2.2,
criterion 2.3.1."""

_STRIP: Final = 64  # pixels


class Flash:
    """Lights the picture for a moment. It never flashes more than three times a second.

    :param comfort: the player's limits.
    """

    def __init__(self, comfort: Comfort | None = None) -> None:
        self.comfort = comfort or Comfort()
        self._begun: deque[float] = deque(maxlen=MOST_A_SECOND)
        self._colour: Colour = (0, 0, 0)
        self._strength = self._seconds = 0.0

    def flash(self, colour: Colour, now: float, strength: float = 0.5, seconds: float = 0.2) -> bool:
        """Begin a flash; return False if it would be the fourth within a second, which is left out.

        :param strength: from 0 to 1: the part of the colour that is added to the picture.
        :param seconds: time until it has faded.
        """
        if len(self._begun) == MOST_A_SECOND and 0.0 <= now - self._begun[0] < 1.0:
            return False
        self._begun.append(now)
        self._colour, self._strength, self._seconds = colour, min(max(strength, 0.0), 1.0), max(seconds, 1e-3)
        return True

    def strength(self, now: float) -> float:
        """Return the part of the colour that is added at a time, from 0 to 1, within the player's limit."""
        if not self._begun:
            return 0.0
        age = now - self._begun[-1]
        return self._strength * self.comfort.flash * (1.0 - age / self._seconds) if 0.0 <= age < self._seconds else 0.0

    def draw(self, surface: pygame.Surface, now: float, area: pygame.Rect | None = None) -> None:
        """Add the light of a moment to the picture, or to the ``area`` of it."""
        strength = self.strength(now)
        if strength:
            _add_light(surface, [round(part * strength) for part in self._colour], area or surface.get_rect())

    def clear(self) -> None:
        """Stop the present flash. It still counts among the three."""
        self._strength = 0.0


def _add_light(surface: pygame.Surface, light: list[int], area: pygame.Rect) -> None:
    """Add a colour to an area, in strips: that is many times faster than to fill it with BLEND_RGB_ADD."""
    lit = surface.subsurface(area.clip(surface.get_rect()))
    strip = pygame.Surface((lit.get_width(), _STRIP), depth=32)
    strip.fill(light)
    for top in range(0, lit.get_height(), _STRIP):
        lit.blit(strip, (0, top), special_flags=pygame.BLEND_RGB_ADD)
