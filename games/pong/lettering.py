"""Text on a pygame surface that always fits where it is meant to go."""

import pygame

Colour = tuple[int, int, int]

SMALLEST = 12  # pixels; pygame's own font cannot be read below this
MAX_KEPT = 200  # rendered texts; a game shows few at a time, and a resized window makes them all anew
ELLIPSIS = "..."


class Lettering:
    """Renders text in pygame's own font, and keeps what it rendered, since most of it is drawn every frame.

    Sizes and widths are in pixels. Make it after `pygame.font.init()`.
    """

    def __init__(self) -> None:
        self._fonts: dict[int, pygame.font.Font] = {}
        self._kept: dict[tuple[str, int, Colour], pygame.Surface] = {}

    def line(self, text: str, size: int, colour: Colour, max_width: int) -> pygame.Surface:
        """Return one line, smaller or shortened where `max_width` asks for it."""
        text = "".join(c if c.isprintable() else " " for c in text)
        size = self.fitting(text, size, max_width)
        return self._render(self._shortened(text, size, max_width), size, colour)

    def block(self, text: str, size: int, colour: Colour, max_width: int) -> pygame.Surface:
        """Return as many lines as the text needs, each in the middle, broken between words."""
        lines = self._wrapped(text.split(), size, max_width)
        return stacked([self.line(line, size, colour, max_width) for line in lines])

    def fitting(self, text: str, size: int, max_width: int) -> int:
        """Return the largest size up to `size` in which the text is one line; the smallest there is if none is."""
        while size > SMALLEST and self.width(text, size) > max_width:
            size -= 1
        return size

    def width(self, text: str, size: int) -> int:
        """Return how wide a line of this text is."""
        return self._font(size).size(text)[0]

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

    def _render(self, text: str, size: int, colour: Colour) -> pygame.Surface:
        key = (text, size, colour)
        if key not in self._kept:
            if len(self._kept) >= MAX_KEPT:
                self._kept.clear()
            self._kept[key] = self._font(size).render(text, True, colour)
        return self._kept[key]

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
