"""Colours and lettering of all that the adapter draws itself: legible at any size, whatever somebody calls himself."""

from __future__ import annotations

import unicodedata
import weakref
from collections.abc import Callable, Iterator
from typing import Final

import pygame

from .clusters import clusters

Colour = tuple[int, int, int]

# The hues are those that people with any kind of colour blindness tell apart: Okabe and Ito, "Color Universal Design"
# (2002). Nothing is told by colour alone.
BACKGROUND: Final[Colour] = (13, 18, 28)
PANEL: Final[Colour] = (24, 31, 46)
FIELD: Final[Colour] = (8, 11, 18)
EDGE: Final[Colour] = (92, 106, 132)
INK: Final[Colour] = (240, 244, 250)
PALE: Final[Colour] = (170, 182, 202)
SKY: Final[Colour] = (86, 180, 233)
YELLOW: Final[Colour] = (240, 228, 66)
ORANGE: Final[Colour] = (230, 159, 0)
RED: Final[Colour] = (240, 110, 40)

SMALLEST: Final = 14
"""Height in pixels below which pygame's own font is hard to read."""

ELLIPSIS: Final = "…"

_MAX_KEPT: Final = 256
"""Rendered texts that are kept; few are on the screen at a time."""


class Letters:
    """Renders text in pygame's own font, which is there on every system, and keeps what it has rendered.

    Sizes and widths are in pixels. Any text can be given: what the font has no glyph for becomes a box.
    """

    def __init__(self) -> None:
        self._fonts: dict[int, pygame.font.Font] = {}
        self._kept: dict[tuple[str, int, Colour], pygame.Surface] = {}

    def line(self, text: str, size: int, colour: Colour = INK, max_width: int | None = None) -> pygame.Surface:
        """Return one line; a fifth smaller at most, and then shortened, where ``max_width`` asks for it."""
        text = drawable(text)
        if max_width is not None:
            smallest = max(SMALLEST, round(size * 0.8))
            while size > smallest and self._width(text, size) > max_width:
                size -= 1
            text = self._shortened(text, size, max_width)
        return self._render(text, size, colour)

    def block(self, text: str, size: int, colour: Colour, max_width: int, max_lines: int = 8) -> list[pygame.Surface]:
        """Return the lines of a text, broken between words (or inside one too long); the last is shortened."""
        lines = list(self._wrapped(drawable(text), size, max_width))
        if len(lines) > max_lines:
            lines[max_lines - 1 :] = [" ".join(lines[max_lines - 1 :])]
        return [self._render(self._shortened(line, size, max_width), size, colour) for line in lines]

    def width(self, text: str, size: int) -> int:
        """Return how wide a line is."""
        return self._width(drawable(text), size)

    def height(self, size: int) -> int:
        """Return how high a line is."""
        return self._font(size).get_linesize()

    def forget(self) -> None:
        """Let all fonts go: pygame is quitting, and crashes where they are used afterwards."""
        self._fonts.clear()
        self._kept.clear()

    def _width(self, text: str, size: int) -> int:
        return self._font(size).size(text)[0]

    def _shortened(self, text: str, size: int, max_width: int) -> str:
        if self._width(text, size) <= max_width:
            return text
        low, high = 0, len(text)  # of the first characters so many fit, and so many do not
        while high - low > 1:
            middle = (low + high) // 2
            fits = self._width(text[:middle] + ELLIPSIS, size) <= max_width
            low, high = (middle, high) if fits else (low, middle)
        return text[:low].rstrip() + ELLIPSIS

    def _wrapped(self, text: str, size: int, max_width: int) -> Iterator[str]:
        line = ""
        for word in text.split():
            longer = f"{line} {word}" if line else word
            if self._width(longer, size) <= max_width:
                line = longer
                continue
            if line:
                yield line
            while self._width(word, size) > max_width and len(word) > 1:
                fitting = self._fitting(word, size, max_width)
                yield word[:fitting]
                word = word[fitting:]
            line = word
        if line:
            yield line

    def _fitting(self, word: str, size: int, max_width: int) -> int:
        """Return how many of a word's characters fit, at least one."""
        return next((n - 1 for n in range(2, len(word) + 1) if self._width(word[:n], size) > max_width), len(word))

    def _render(self, text: str, size: int, colour: Colour) -> pygame.Surface:
        key = (text, size, colour)
        rendered = self._kept.pop(key, None)
        if rendered is None:
            font = self._font(size)
            rendered = font.render(text, True, colour) if text else pygame.Surface((0, font.get_linesize()))
        self._kept[key] = rendered  # now the newest
        if len(self._kept) > _MAX_KEPT:
            del self._kept[next(iter(self._kept))]
        return rendered

    def _font(self, size: int) -> pygame.font.Font:
        if size not in self._fonts:
            if not pygame.font.get_init():
                pygame.font.init()
            if not self._fonts:
                pygame.register_quit(_forgetter(weakref.ref(self)))
            self._fonts[size] = pygame.font.Font(None, max(size, 1))
        return self._fonts[size]


def _forgetter(letters: weakref.ref[Letters]) -> Callable[[], None]:
    """Return what pygame shall call when it quits; it keeps nothing alive until then."""

    def forget() -> None:
        alive = letters()
        if alive is not None:
            alive.forget()

    return forget


def drawable(text: str, limit: int = 400) -> str:
    """Return a text that every font can render: on one line, not endless, without what has no width of its own.

    Several characters that make one sign, as emoji do, become the first of them: most fonts have none of them, and
    show one box instead of five.
    """
    if text.isascii() and text.isprintable():
        return text[:limit]
    shown = []
    for cluster in clusters(unicodedata.normalize("NFC", text[:limit])):
        character = cluster[0]
        if "\ud800" <= character <= "\udfff":
            character = "\ufffd"
        elif not character.isprintable():
            character = " "
        if unicodedata.category(character) not in ("Mn", "Me", "Cf"):
            shown.append(character)
    return "".join(shown)


def button(surface: pygame.Surface, rect: pygame.Rect, *, focused: bool, hovered: bool = False) -> None:
    """Draw what a button looks like, without what is written on it."""
    pygame.draw.rect(surface, SKY if focused else PANEL, rect, border_radius=5)
    edge = INK if focused else (PALE if hovered else EDGE)
    pygame.draw.rect(surface, edge, rect, width=2, border_radius=5)


def field(surface: pygame.Surface, rect: pygame.Rect, *, focused: bool) -> None:
    """Draw what a place to type in looks like, without what is typed."""
    pygame.draw.rect(surface, FIELD, rect, border_radius=4)
    pygame.draw.rect(surface, SKY if focused else EDGE, rect, width=2 if focused else 1, border_radius=4)
