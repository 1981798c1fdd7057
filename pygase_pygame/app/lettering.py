"""Text on a pygame surface that always fits where it is meant to go."""

import pygame

from .palette import Colour

SMALLEST = 12  # pixels; pygame's own font cannot be read below this
MAX_KEPT = 300  # rendered texts; a game shows few at a time, and a resized window makes them all anew
ELLIPSIS = "..."
MOST_LETTERS = 500  # of a text: as many as fit into a window, and no stranger's news takes longer to measure
MISSING = "?"  # in place of a letter that the font does not have


class Lettering:
    """Renders text in pygame's own font, and keeps what it rendered, since most of it is drawn every frame.

    Sizes and widths are in pixels. What is returned is kept: draw it, never draw on it.
    """

    def __init__(self) -> None:
        if not pygame.font.get_init():
            pygame.font.init()
        self._fonts: dict[int, pygame.font.Font] = {}
        self._kept: dict[tuple[str, int, Colour, int], pygame.Surface] = {}
        self._widths: dict[tuple[str, int], int] = {}

    def line(self, text: str, size: int, colour: Colour, max_width: int = 10_000) -> pygame.Surface:
        """Return one line, smaller or shortened where `max_width` asks for it."""
        text = text[:MOST_LETTERS]
        key = (text, size, colour, max_width)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            found = self._kept[key] = self._line(text, size, colour, max_width)
        return found

    def block(self, text: str, size: int, colour: Colour, max_width: int) -> pygame.Surface:
        """Return as many lines as the text needs, each in the middle, broken between words."""
        lines = self._wrapped(self._printable(text[:MOST_LETTERS]).split(), size, max_width)
        return stacked([self.line(line, size, colour, max_width) for line in lines])

    def fitting(self, text: str, size: int, max_width: int) -> int:
        """Return the largest size up to `size` in which the text is one line; the smallest there is if none is."""
        while size > SMALLEST and self.width(text, size) > max_width:
            size -= 1
        return size

    def width(self, text: str, size: int) -> int:
        """Return how wide a line of this text is."""
        text = text[:MOST_LETTERS]
        key = (text, size)
        found = self._widths.get(key)
        if found is None:
            if len(self._widths) >= MAX_KEPT:
                self._widths.clear()
            found = self._widths[key] = self._font(size).size(text)[0]
        return found

    def _line(self, text: str, size: int, colour: Colour, max_width: int) -> pygame.Surface:
        text = self._printable(text)
        size = self.fitting(text, size, max_width)
        return self._font(size).render(self._shortened(text, size, max_width), True, colour)

    def _printable(self, text: str) -> str:
        """Return the text with nothing in it that pygame would refuse, or show as an empty box."""
        text = "".join(c if c.isprintable() else " " for c in text)
        metrics = self._font(SMALLEST).metrics(text) if not text.isascii() else []
        if len(metrics) != len(text):
            return text
        return "".join(c if known else MISSING for c, known in zip(text, metrics, strict=True))

    def _wrapped(self, words: list[str], size: int, max_width: int) -> list[str]:
        lines = [""]
        for word in words:
            longer = f"{lines[-1]} {word}".strip()
            if lines[-1] and self.width(longer, size) > max_width:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _shortened(self, text: str, size: int, max_width: int) -> str:
        if self.width(text, size) <= max_width:
            return text
        while text and self.width(text + ELLIPSIS, size) > max_width:
            text = text[:-1]
        return text + ELLIPSIS if text else ""

    def _font(self, size: int) -> pygame.font.Font:
        size = max(size, SMALLEST)
        if size not in self._fonts:
            self._fonts[size] = pygame.font.Font(None, size)
        return self._fonts[size]


def stacked(parts: list[pygame.Surface], gap: int = 0) -> pygame.Surface:
    """Return one surface with all the parts below each other, each in the middle, `gap` pixels apart."""
    width = max((part.get_width() for part in parts), default=0)
    height = sum(part.get_height() + gap for part in parts) - gap
    whole = pygame.Surface((width, max(height, 0)), pygame.SRCALPHA)
    y = 0
    for part in parts:
        whole.blit(part, part.get_rect(midtop=(width // 2, y)))
        y += part.get_height() + gap
    return whole
