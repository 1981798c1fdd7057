"""The picture of a text entry."""

from __future__ import annotations

from typing import Final

import pygame

from .clusters import boundaries
from .edited_line import EditedLine
from .lettering import Lettering, drawable
from .palette import GREY, SKY, WHITE, Colour
from .widgets import field

_MASK: Final = "•"
_SELECTED: Final[Colour] = (30, 78, 120)


class EntryPicture:
    """Draws an edited line, and finds the cursor's place for a click.

    :ivar rect: the last drawing's rectangle; None before the first.
    """

    def __init__(self, line: EditedLine) -> None:
        self._line = line
        self._lettering = Lettering()
        self.rect: pygame.Rect | None = None
        self._left, self._size = 0, 22  # of the text in the last drawing
        self._scroll = 0

    def draw(
        self,
        surface: pygame.Surface,
        rect: pygame.Rect,
        size: int,
        colour: Colour,
        *,
        composition: str,
        placeholder: str,
        focused: bool,
        cursor: bool,
    ) -> None:
        """Draw the line, scrolled so that the cursor is in sight.

        :param size: height of the letters, pixels.
        :param composition: an input method's unfinished text.
        :param cursor: whether the blinking cursor is visible now.
        """
        self.rect = pygame.Rect(rect)
        field(surface, self.rect, focused=focused)
        inner = self.rect.inflate(-2 * max(6, size // 3), -4)
        if inner.width <= 0 or inner.height <= 0:
            return
        text = self._line.text
        head, tail = self.shown(text[: self._line.cursor]), self.shown(text[self._line.cursor :])
        composed = self.shown(composition)
        before, whole = (self._lettering.width(part, size) for part in (head + composed, head + composed + tail))
        self._scroll = max(0, min(self._scroll, before, whole + 2 - inner.width), before + 2 - inner.width)
        self._left, self._size = inner.left - self._scroll, size
        clip = surface.get_clip()
        surface.set_clip(inner.clip(clip))
        if focused and not composition:
            self._draw_selection(surface, inner)
        top = inner.centery - self._lettering.height(size) // 2
        if head + composed + tail:
            surface.blit(self._lettering.line(head + composed + tail, size, colour), (self._left, top))
        elif placeholder:
            surface.blit(self._lettering.line(placeholder, size, GREY, inner.width), (inner.left, top))
        if focused:
            self._draw_cursor(surface, self._left + before, composed, inner, cursor)
        surface.set_clip(clip)

    def index_at(self, x: int) -> int:
        """Return the place in the text that is nearest to a pixel."""
        return min(self.stops(), key=lambda stop: abs(stop[1] - x))[0]

    def stops(self) -> list[tuple[int, int]]:
        """Return the cursor's places in the last drawing: index and x."""
        text = self._line.text
        return [
            (index, self._left + self._lettering.width(self.shown(text[:index]), self._size))
            for index in boundaries(text)
        ]

    def shown(self, text: str) -> str:
        """Return the text to draw: dots for a password."""
        if self._line.masked:
            return _MASK * (len(boundaries(text)) - 1)
        return drawable(text, self._line.max_length)

    def _draw_selection(self, surface: pygame.Surface, inner: pygame.Rect) -> None:
        text = self._line.text
        start, end = (
            self._left + self._lettering.width(self.shown(text[:index]), self._size) for index in self._line.selected
        )
        if end > start:
            surface.fill(_SELECTED, (start, inner.top + 2, end - start, inner.height - 4))

    def _draw_cursor(self, surface: pygame.Surface, x: int, composed: str, inner: pygame.Rect, visible: bool) -> None:
        line_height = self._lettering.height(self._size)
        if composed:
            width = self._lettering.width(composed, self._size)
            surface.fill(SKY, (x - width, inner.centery + line_height // 2 - 1, width, 2))
        if visible:
            height = min(inner.height, line_height + 2)
            surface.fill(WHITE, (x, inner.centery - height // 2, 2, height))
        if pygame.display.get_init():
            pygame.key.set_text_input_rect(pygame.Rect(x, inner.top, 2, inner.height))
