"""Drawn over the picture: cursors, the ends of unfinished strokes, the player's brush."""

from collections.abc import Mapping
from typing import Any

import pygame

from games.canvas import rules
from games.canvas.rules import COLOURS, PAPER, WIDTHS
from pygase_pygame import View
from pygase_pygame.app import NIGHT, WHITE, Layout, Lettering, hud, player_colour


def draw_tails(
    surface: pygame.Surface, layout: Layout, view: View, latest_pieces: Mapping[int, bytes], me: int | None
) -> None:
    """Draw a line from the last known point of each other player's stroke to their cursor."""
    cursors = view.get("cursors", {})
    for number, stroke in view.get("pens", {}).items():
        latest = latest_pieces.get(number)
        if number == me or latest is None or number not in cursors:
            continue
        if rules.stroke_of(latest) != rules.stroke_key(number, stroke):
            continue  # no piece of the new stroke yet
        piece = rules.unpack(latest)
        start, end = layout.point(*piece.points[-1]), layout.point(*cursors[number])
        width = layout.pixels(WIDTHS[piece.width])
        pygame.draw.line(surface, COLOURS[piece.colour], start, end, width)
        pygame.draw.circle(surface, COLOURS[piece.colour], end, width / 2)


def draw_brush(surface: pygame.Surface, at: tuple[int, int], width: int) -> None:
    """Draw the width of the player's pen, as a ring visible on any colour."""
    radius = max(2, width // 2)
    pygame.draw.circle(surface, COLOURS[1], at, radius + 2, 1)
    pygame.draw.circle(surface, COLOURS[PAPER], at, radius + 1, 1)


def draw_cursors(surface: pygame.Surface, layout: Layout, letters: Lettering, view: View, me: int | None) -> None:
    """Draw the other players' cursors with their names."""
    people: Mapping[int, Any] = view.get("people", {})
    size = max(15, hud.text_size(surface) - 3)
    area = pygame.Rect(layout.area)
    for number, (x, y) in view.get("cursors", {}).items():
        if number == me or number not in people:
            continue
        at, colour = layout.point(x, y), player_colour(number)
        tip = [at, (at[0], at[1] + size), (at[0] + size * 0.7, at[1] + size * 0.7)]
        pygame.draw.polygon(surface, colour, tip)
        pygame.draw.polygon(surface, NIGHT, tip, 2)
        name = letters.line(people[number]["name"], size, WHITE, area.w // 4)
        box = name.get_rect(topleft=(at[0] + size, at[1] + size)).inflate(8, 4).clamp(area)
        pygame.draw.rect(surface, NIGHT, box, border_radius=4)
        pygame.draw.rect(surface, colour, box, 1, border_radius=4)
        surface.blit(name, name.get_rect(center=box.center))


def paint_icon(surface: pygame.Surface) -> None:
    """Paint the window's icon: brush strokes on paper."""
    side = surface.get_width()
    sheet = surface.get_rect().inflate(-side // 4, -side // 4)
    pygame.draw.rect(surface, COLOURS[PAPER], sheet, border_radius=side // 16)
    for number, (colour, y) in enumerate(((3, 0.36), (2, 0.52), (7, 0.68))):
        points = [(side * (0.25 + 0.05 * n), side * (y + 0.05 * (-1) ** (n // 3 + number))) for n in range(11)]
        for point in points:
            pygame.draw.circle(surface, COLOURS[colour], point, side // 18)
        pygame.draw.lines(surface, COLOURS[colour], False, points, side // 9)
