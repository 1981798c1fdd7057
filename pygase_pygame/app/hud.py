"""Lines and boxes of text over a game, legible in windows of any size.

The functions that draw return the rectangle of their drawing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pygame

from ..ui.lettering import Lettering, stacked
from ..ui.palette import GREY, NIGHT, WHITE, Colour
from ..ui.widgets import box

_TEXT_LINES: Final = 30  # lines of text that would fill the window's height
_TEXT_COLUMNS: Final = 42  # text heights that would fill its width
_SMALLEST_TEXT: Final = 15  # pixels

Rows = Sequence[tuple[Sequence[str], Colour]]
"""Rows of a table: the cells of each, and its colour."""


def text_size(surface: pygame.Surface) -> int:
    """Return the height of text for this window, in pixels."""
    width, height = surface.get_size()
    return max(_SMALLEST_TEXT, min(height // _TEXT_LINES, width // _TEXT_COLUMNS))


def footer_height(surface: pygame.Surface) -> int:
    """Return the height of :func:`footer` in pixels."""
    return round(text_size(surface) * 1.5)


def notice(surface: pygame.Surface, letters: Lettering, title: str, text: str = "", hint: str = "") -> pygame.Rect:
    """Draw a box in the middle: a heading, one or more sentences, and the keys that help."""
    size, width = text_size(surface), round(surface.get_width() * 0.75)
    parts = [
        letters.block(words, letters.fitting(words, part_size, width) if short else part_size, colour, width)
        for words, part_size, colour, short in (
            (title, round(size * 1.8), WHITE, True),
            (text, size, GREY, False),
            (hint, size, WHITE, True),
        )
        if words
    ]
    return _boxed(surface, stacked(parts, gap=size // 2), surface.get_rect().center, size)


def news(surface: pygame.Surface, letters: Lettering, text: str) -> pygame.Rect:
    """Draw a line in a box above the footer, such as "Ada has left"."""
    size = text_size(surface)
    line = letters.line(text, size, WHITE, surface.get_width() - 4 * size)
    return _boxed(surface, line, (surface.get_width() // 2, surface.get_height() - 3 * size), size // 3)


def footer(surface: pygame.Surface, letters: Lettering, left: str, right: str = "") -> pygame.Rect:
    """Draw a line at the bottom. The right text is left out if there is no room for it."""
    size = text_size(surface)
    area = surface.get_rect()
    band = pygame.Rect(0, area.h - footer_height(surface), area.w, footer_height(surface))
    surface.fill(NIGHT, band)
    room = area.w - size
    if left:
        line = letters.line(left, size, GREY, room)
        surface.blit(line, line.get_rect(midleft=(size // 2, band.centery)))
        room -= line.get_width() + size
    if right and letters.width(right, size) <= room:
        line = letters.line(right, size, GREY, room)
        surface.blit(line, line.get_rect(midright=(area.w - size // 2, band.centery)))
    return band


def scoreboard(surface: pygame.Surface, letters: Lettering, rows: Rows, title: str = "") -> pygame.Rect:
    """Draw a table in a box at the top right, with the first cell of a row at the left, the others at the right.

    Rows that do not fit become "...". Text takes a third of the window's width at most.
    """
    size, columns = text_size(surface), max((len(cells) for cells, _ in rows), default=0)
    most = max(1, round(surface.get_height() * 0.7) // (size + 2) - 1)
    shown = list(rows[:most]) + ([(["..."], GREY)] if len(rows) > most else [])
    widest = surface.get_width() // 3
    cells = [[letters.line(cell, size, colour, widest) for cell in row] for row, colour in shown]
    widths = [max((row[n].get_width() for row in cells if n < len(row)), default=0) for n in range(columns)]
    heading = letters.line(title, size, WHITE, widest) if title else None
    inner = max(sum(widths) + size * max(0, columns - 1), heading.get_width() if heading else 0)
    top = size + 4 if heading else 0
    table = pygame.Surface((inner, top + len(cells) * (size + 2)), pygame.SRCALPHA)
    if heading:
        table.blit(heading, (0, 0))
    for number, row in enumerate(cells):
        _draw_row(table, row, widths, top + number * (size + 2), size)
    place = table.get_rect(topright=(surface.get_width() - size, size))
    return _boxed(surface, table, place.center, size // 2)


def name_tag(
    surface: pygame.Surface, letters: Lettering, name: str, middle: tuple[float, float], colour: Colour = WHITE
) -> pygame.Rect:
    """Draw a name above a figure.

    :param middle: the middle of the text's lower edge, in pixels.
    """
    size, widest = max(_SMALLEST_TEXT, text_size(surface) - 2), surface.get_width() // 4
    line, shadow = (letters.line(name, size, shade, widest) for shade in (colour, NIGHT))
    place = line.get_rect(midbottom=(round(middle[0]), round(middle[1]))).clamp(surface.get_rect())
    surface.blit(shadow, place.move(1, 1))
    return surface.blit(line, place)


def _draw_row(table: pygame.Surface, row: list[pygame.Surface], widths: list[int], y: int, gap: int) -> None:
    x = 0
    for column, (cell, width) in enumerate(zip(row, widths, strict=False)):
        last = x + width if column < len(widths) - 1 else table.get_width()
        left = x if column == 0 else last - cell.get_width()  # figures stand at the right of their column
        table.blit(cell, (left, y))
        x += width + gap


def _boxed(surface: pygame.Surface, content: pygame.Surface, middle: tuple[int, int], padding: int) -> pygame.Rect:
    place = content.get_rect(center=middle).inflate(2 * padding, 2 * padding)
    box(surface, place, radius=padding)
    surface.blit(content, content.get_rect(center=place.center))
    return place
