"""The mark of a player in a list: a shape for the team, and a colour for the player."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pygame

from ..ui.palette import GREY, WHITE, Colour

_CORNERS: Final[tuple[tuple[tuple[float, float], ...], ...]] = (
    ((0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)),
    ((0.5, 0.0), (1.0, 0.95), (0.0, 0.95)),
    ((0.5, 0.0), (1.0, 0.5), (0.5, 1.0), (0.0, 0.5)),
    ((0.0, 0.05), (1.0, 0.05), (0.5, 1.0)),
)
"""Corners of the shapes of teams 1 to 4, as parts of the mark's width and height. Team 0 has a disc."""


def seat_colour(seat: Mapping[str, Any]) -> Colour:
    """Return the colour of a seat of :class:`pygase.Seats`. A lost player, and a colour unknown to pygame, is grey."""
    try:
        colour = pygame.Color(str(seat["colour"]))
    except ValueError:
        return GREY
    return GREY if seat["lost"] else (colour.r, colour.g, colour.b)


def draw_mark(surface: pygame.Surface, place: pygame.Rect, colour: Colour, team: int | None = None) -> None:
    """Draw the mark of a player: each of five teams has a shape of its own, so colours are not needed to see a team."""
    shape = (team or 0) % (len(_CORNERS) + 1)
    if shape == 0:
        pygame.draw.circle(surface, colour, place.center, place.w // 2)
        pygame.draw.circle(surface, WHITE, place.center, place.w // 2, 1)
        return
    corners = [(place.left + x * place.w, place.top + y * place.h) for x, y in _CORNERS[shape - 1]]
    pygame.draw.polygon(surface, colour, corners)
    pygame.draw.polygon(surface, WHITE, corners, 1)
