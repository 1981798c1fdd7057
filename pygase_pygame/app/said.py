"""What a key has just changed, said for two seconds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pygame

from ..ui.lettering import Lettering
from ..ui.palette import WHITE
from ..ui.widgets import box
from . import hud

SAID_SECONDS: Final = 2.0
"""Seconds for which a sentence is shown."""


class Said:
    """One sentence at the top of the window, such as "Sound: off".

    :param clock: returns the time in seconds.
    """

    def __init__(self, letters: Lettering, clock: Callable[[], float]) -> None:
        self._letters, self._clock = letters, clock
        self._text, self._until = "", 0.0

    def say(self, text: str) -> None:
        """Show a sentence now, instead of the last one."""
        self._text, self._until = text, self._clock() + SAID_SECONDS

    @property
    def text(self) -> str:
        """The sentence that is shown now, or ""."""
        return self._text if self._clock() < self._until else ""

    def draw(self, surface: pygame.Surface) -> pygame.Rect | None:
        """Draw the sentence, if there is one; return its rectangle."""
        if not self.text:
            return None
        size = hud.text_size(surface)
        line = self._letters.line(self.text, size, WHITE, surface.get_width() - 2 * size)
        place = line.get_rect(midtop=(surface.get_width() // 2, size)).inflate(size, size // 2)
        box(surface, place, radius=size // 3)
        surface.blit(line, line.get_rect(center=place.center))
        return place
