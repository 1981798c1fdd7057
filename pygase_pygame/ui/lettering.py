"""Text that always fits its place: shortened, made smaller, or broken into lines."""

from __future__ import annotations

import unicodedata
import weakref
from collections.abc import Callable, Iterator
from typing import Final, TypeVar

import pygame

from .clusters import clusters
from .palette import WHITE, Colour
from .typefaces import Typeface

SMALLEST: Final = 12
"""Height in pixels below which text is illegible."""

ELLIPSIS: Final = "…"
"""The end of a text that was shortened."""

MAX_CHARACTERS: Final = 500
"""Characters of a text that are drawn: they fill a window."""

MAX_KEPT_TEXTS: Final = 256
"""Rendered texts, and measured ones, that a Lettering keeps."""

Key = TypeVar("Key")
Value = TypeVar("Value")


class Lettering:
    """Renders text in DejaVu Sans, which is installed with the adapter. It keeps rendered texts, since most recur in
    each frame.

    Sizes and widths are in pixels. Any text can be given: see :func:`drawable`. What the font lacks, such as Chinese,
    is drawn in a font of the system. If that has none, "🔥" becomes "[fire]", and other characters "?". Draw the
    returned surfaces, never draw on them: they are kept.

    :param smallest_share: a line too wide shrinks to this share of its size, 0 to 1, before it is shortened. No text is
        smaller than 12 pixels.
    """

    def __init__(self, smallest_share: float = 0.0) -> None:
        self._smallest_share = smallest_share
        self._fonts: dict[int, Typeface] = {}
        self.rendered: dict[tuple[str, int, Colour, int | None], pygame.Surface] = {}
        """Texts as surfaces, the newest last."""
        self._widths: dict[tuple[str, int], int] = {}

    def line(self, text: str, size: int, colour: Colour = WHITE, max_width: int | None = None) -> pygame.Surface:
        """Return one line, ``size`` pixels high; smaller or shortened if it is wider than ``max_width``."""
        key = (text[:MAX_CHARACTERS], size, colour, max_width)
        rendered = self.rendered.pop(key, None)
        if rendered is None:
            rendered = self._render(key[0], size, colour, max_width)
        return _keep(self.rendered, key, rendered, MAX_KEPT_TEXTS)

    def lines(
        self, text: str, size: int, colour: Colour, max_width: int, max_lines: int | None = None
    ) -> list[pygame.Surface]:
        """Return a text's lines, broken between words, or inside a word wider than a line.

        :param max_lines: if there are more lines, the last one is shortened.
        """
        lines = self.wrapped(text, size, max_width)
        if max_lines is not None and len(lines) > max_lines:
            lines[max_lines - 1 :] = [self._shortened(" ".join(lines[max_lines - 1 :]), size, max_width)]
        return [self.line(line, size, colour) for line in lines]

    def wrapped(self, text: str, size: int, max_width: int) -> list[str]:
        """Return the lines of a text without rendering them."""
        return list(self._lines_of(drawable(text[:MAX_CHARACTERS]), size, max_width))

    def block(self, text: str, size: int, colour: Colour, max_width: int) -> pygame.Surface:
        """Return the lines of a text as one surface, each line centred."""
        return stacked(self.lines(text, size, colour, max_width))

    def fitting(self, text: str, size: int, max_width: int) -> int:
        """Return the largest size up to ``size`` at which the text is one line, or the smallest size."""
        smallest = max(SMALLEST, round(size * self._smallest_share))
        while size > smallest and self.width(text, size) > max_width:
            size -= 1
        return size

    def width(self, text: str, size: int) -> int:
        """Return the width of a line."""
        key = (text[:MAX_CHARACTERS], size)
        width = self._widths.pop(key, None)
        if width is None:
            width = self._font(size).width(drawable(key[0]))
        return _keep(self._widths, key, width, MAX_KEPT_TEXTS)

    def height(self, size: int) -> int:
        """Return the height of a line."""
        return self._font(size).height()

    def forget(self) -> None:
        """Release all fonts and texts: after pygame quits, using a font crashes the program."""
        for kept in (self._fonts, self.rendered, self._widths):
            kept.clear()

    def _render(self, text: str, size: int, colour: Colour, max_width: int | None) -> pygame.Surface:
        text = drawable(text)
        if max_width is not None:
            size = self.fitting(text, size, max_width)
            text = self._shortened(text, size, max_width)
        font = self._font(size)
        if not text:
            return pygame.Surface((0, font.height()), pygame.SRCALPHA)
        return font.render(text, colour)

    def _shortened(self, text: str, size: int, max_width: int) -> str:
        if self.width(text, size) <= max_width:
            return text
        low, high = 0, len(text)  # the first `low` characters fit with the ellipsis, the first `high` do not
        while high - low > 1:
            middle = (low + high) // 2
            fits = self.width(text[:middle] + ELLIPSIS, size) <= max_width
            low, high = (middle, high) if fits else (low, middle)
        shortened = text[:low].rstrip() + ELLIPSIS
        return shortened if self.width(shortened, size) <= max_width else ""

    def _lines_of(self, text: str, size: int, max_width: int) -> Iterator[str]:
        line = ""
        for word in text.split():
            longer = f"{line} {word}" if line else word
            if self.width(longer, size) <= max_width:
                line = longer
                continue
            if line:
                yield line
            while self.width(word, size) > max_width and len(word) > 1:
                fitting = self._count_fitting(word, size, max_width)
                yield word[:fitting]
                word = word[fitting:]
            line = word
        if line:
            yield line

    def _count_fitting(self, word: str, size: int, max_width: int) -> int:
        """Return how many first characters of a word fit, at least one."""
        return next((n - 1 for n in range(2, len(word) + 1) if self.width(word[:n], size) > max_width), len(word))

    def _font(self, size: int) -> Typeface:
        size = max(size, SMALLEST)
        if size not in self._fonts:
            if not pygame.font.get_init():
                pygame.font.init()
            if not self._fonts:
                pygame.register_quit(_forgetter(weakref.ref(self)))
            self._fonts[size] = Typeface(size)
        return self._fonts[size]


def drawable(text: str, limit: int = MAX_CHARACTERS) -> str:
    """Return a text that every font can render: one line, without characters of no width.

    Of several characters that make one sign, such as an emoji with a skin tone, the first stays.
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


def stacked(parts: list[pygame.Surface], gap: int = 0) -> pygame.Surface:
    """Return one surface with the parts below each other, centred, ``gap`` pixels apart."""
    width = max((part.get_width() for part in parts), default=0)
    height = sum(part.get_height() + gap for part in parts) - gap
    whole = pygame.Surface((width, max(height, 0)), pygame.SRCALPHA)
    y = 0
    for part in parts:
        whole.blit(part, part.get_rect(midtop=(width // 2, y)))
        y += part.get_height() + gap
    return whole


def _keep(kept: dict[Key, Value], key: Key, value: Value, most: int) -> Value:
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
    return value


def _forgetter(lettering: weakref.ref[Lettering]) -> Callable[[], None]:
    """Return a function for pygame's end that does not keep the Lettering alive."""

    def forget() -> None:
        alive = lettering()
        if alive is not None:
            alive.forget()

    return forget
