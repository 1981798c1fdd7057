"""Window icons drawn by code, without files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pygame

from ..ui.palette import FLOOR, ORANGE, WHITE, Colour

ICON_SIZE: Final = 64
"""Pixels of an icon's side."""

_FINER: Final = 4  # an icon is drawn larger by this factor and then scaled, so that its edges are smooth


def icon(paint: Callable[[pygame.Surface], None]) -> pygame.Surface:
    """Return an icon: a dark square with round corners and a drawing on it.

    :param paint: draws on a surface of 256 by 256 pixels.
    """
    large = pygame.Surface((ICON_SIZE * _FINER, ICON_SIZE * _FINER), pygame.SRCALPHA)
    pygame.draw.rect(large, FLOOR, large.get_rect(), border_radius=ICON_SIZE * _FINER // 5)
    paint(large)
    return pygame.transform.smoothscale(large, (ICON_SIZE, ICON_SIZE))


def initial_icon(title: str, colour: Colour = ORANGE) -> pygame.Surface:
    """Return the title's initial on a disc, for a game that draws no icon."""

    def paint(surface: pygame.Surface) -> None:
        middle = surface.get_rect().center
        pygame.draw.circle(surface, colour, middle, surface.get_width() * 2 // 5)
        letter = pygame.font.Font(None, surface.get_width() * 3 // 4).render(title[:1] or "?", True, WHITE)
        surface.blit(letter, letter.get_rect(center=middle))

    return icon(paint)
