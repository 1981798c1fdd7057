"""Connection trouble, drawn over the game so that it can be read at any window size."""

from __future__ import annotations

from collections.abc import Iterator

import pygame

from ..connect.reasons import clean
from ..session import Session

_PADDING = 0.5  # around the text, in font heights
_LARGEST, _SMALL, _SMALLEST = 40, 16, 12  # font heights in pixels; the last only where it would not fit else
_LINES_PER_WINDOW = 15  # what would fill the window's height, between those two
_BACKGROUNDS = {"connecting": (28, 52, 94), "connected": (110, 72, 0), "lost": (122, 24, 24), "closed": (48, 48, 48)}
_TEXT = (255, 255, 255)


class StatusBanner:
    """Draws a band with :attr:`Session.reason` at the top of a surface while there is no connection, or no word on it.

    The text is wrapped, and made smaller until it fits; rendered anew only when it, or the surface's size,
    changes.
    """

    def __init__(self) -> None:
        self._drawn_for: tuple[object, ...] | None = None
        self._band: pygame.Surface | None = None

    def draw(self, surface: pygame.Surface, session: Session, hint: str = "") -> pygame.Rect | None:
        """Draw what is wrong, and return where; do nothing and return None while all is well.

        :param hint: what the player can press, such as "R: try again".
        """
        status = session.status
        reason = session.reason
        if not reason:
            return None
        texts = (clean(reason), clean(hint) if status == "lost" else "")
        if self._drawn_for != (texts, status, surface.get_size()):
            self._drawn_for = (texts, status, surface.get_size())
            self._band = _render_band(texts, _BACKGROUNDS[status], surface.get_size())
        return surface.blit(self._band, (0, 0)) if self._band is not None else None


def draw_status(surface: pygame.Surface, session: Session, hint: str = "") -> pygame.Rect | None:
    """Draw connection trouble over a frame: call it just before the flip. See :class:`StatusBanner`."""
    return _banner.draw(surface, session, hint)


_banner = StatusBanner()


def _render_band(texts: tuple[str, ...], background: tuple[int, int, int], size: tuple[int, int]) -> pygame.Surface:
    """Return a band as wide as ``size`` with the texts in it, each on its own lines, as large as they fit."""
    if not pygame.font.get_init():
        pygame.font.init()
    width, height = size
    font_height = max(_SMALL, min(_LARGEST, height // _LINES_PER_WINDOW))
    while True:
        font = pygame.font.Font(None, font_height)
        padding = int(font_height * _PADDING)
        lines = [line for text in texts for line in _wrapped(text, font, max(1, width - 2 * padding))]
        needed = len(lines) * font.get_linesize() + 2 * padding
        if needed <= height or font_height <= _SMALLEST:
            break
        font_height = max(_SMALLEST, int(font_height * 0.9))
    band = pygame.Surface((max(1, width), max(1, min(needed, height))))
    band.fill(background)
    for number, line in enumerate(lines):
        band.blit(font.render(line, True, _TEXT), (padding, padding + number * font.get_linesize()))
    return band


def _wrapped(text: str, font: pygame.font.Font, width: int) -> Iterator[str]:
    """Yield the text line by line, broken between words, or inside one that is wider than a line."""
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if font.size(longer)[0] <= width:
            line = longer
            continue
        if line:
            yield line
        while font.size(word)[0] > width and len(word) > 1:
            fitting = max(1, _fitting(word, font, width))
            yield word[:fitting]
            word = word[fitting:]
        line = word
    if line:
        yield line


def _fitting(word: str, font: pygame.font.Font, width: int) -> int:
    """Return how many of a word's first characters fit."""
    return next((n - 1 for n in range(1, len(word) + 1) if font.size(word[:n])[0] > width), len(word))
