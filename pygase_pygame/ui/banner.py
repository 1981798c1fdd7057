"""A band at the top of the window with the connection's trouble."""

from __future__ import annotations

from typing import Final

import pygame

from pygase import clean_line

from ..session import Session
from .lettering import SMALLEST, Lettering
from .palette import WHITE, Colour

_PADDING: Final = 0.5  # around the text, in text heights
_LARGEST, _SMALL = 40, 16  # text heights in pixels; smaller text only where it would not fit otherwise
_LINES_PER_WINDOW: Final = 15  # lines of text that would fill the window's height
BACKGROUNDS: Final[dict[str, Colour]] = {
    "connecting": (28, 52, 94),
    "connected": (110, 72, 0),
    "reconnecting": (110, 72, 0),
    "lost": (122, 24, 24),
    "closed": (48, 48, 48),
}
"""The ground of the band by the status."""


class StatusBanner:
    """Draws :attr:`Session.reason`, if there is one, in a band.

    The text is broken into lines and shrinks until it fits.
    """

    def __init__(self) -> None:
        self._lettering = Lettering()
        self._drawn_for: tuple[object, ...] | None = None
        self._band: pygame.Surface | None = None

    def draw(self, surface: pygame.Surface, session: Session, hint: str = "") -> pygame.Rect | None:
        """Draw the band and return its rectangle. While all is well, draw nothing and return None.

        :param hint: a key for the player after a loss, such as "R: try again".
        """
        status, reason = session.status, session.reason
        if not reason:
            return None
        texts = (clean_line(reason), clean_line(hint) if status == "lost" else "")
        if self._drawn_for != (texts, status, surface.get_size()):
            self._drawn_for = (texts, status, surface.get_size())
            self._band = render_band(self._lettering, texts, BACKGROUNDS[status], surface.get_size())
        return surface.blit(self._band, (0, 0)) if self._band is not None else None


def draw_status(surface: pygame.Surface, session: Session, hint: str = "") -> pygame.Rect | None:
    """Draw connection trouble over a frame, just before the flip. See :class:`StatusBanner`."""
    return _banner.draw(surface, session, hint)


_banner = StatusBanner()


def render_band(
    lettering: Lettering, texts: tuple[str, ...], background: Colour, size: tuple[int, int]
) -> pygame.Surface:
    """Return a band as wide as ``size``. Each text begins a new line, at the largest size at which all fit."""
    width, height = size
    text_size = max(_SMALL, min(_LARGEST, height // _LINES_PER_WINDOW))
    while True:
        padding = int(text_size * _PADDING)
        inner = max(1, width - 2 * padding)
        lines = [line for text in texts for line in lettering.wrapped(text, text_size, inner)]
        line_height = lettering.height(text_size)
        needed = len(lines) * line_height + 2 * padding
        if needed <= height or text_size <= SMALLEST:
            break
        text_size = max(SMALLEST, int(text_size * 0.9))
    band = pygame.Surface((max(1, width), max(1, min(needed, height))))
    band.fill(background)
    for number, line in enumerate(lines):
        band.blit(lettering.line(line, text_size, WHITE), (padding, padding + number * line_height))
    return band
