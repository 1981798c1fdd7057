"""A window's icon, drawn in code: nothing to load, nothing to miss."""

from collections.abc import Callable

import pygame

from .palette import FLOOR, ORANGE, WHITE, Colour

SIZE = 64  # pixels of an icon's side
_FINER = 4  # drawn so many times larger, and then made small, so that edges are smooth


def icon(paint: Callable[[pygame.Surface], None]) -> pygame.Surface:
    """Return an icon that `paint` draws on a dark square with round corners, 256 by 256 pixels large."""
    large = pygame.Surface((SIZE * _FINER, SIZE * _FINER), pygame.SRCALPHA)
    pygame.draw.rect(large, FLOOR, large.get_rect(), border_radius=SIZE * _FINER // 5)
    paint(large)
    return pygame.transform.smoothscale(large, (SIZE, SIZE))


def initial_icon(title: str, colour: Colour = ORANGE) -> pygame.Surface:
    """Return the icon of a game that has drawn none: its initial on a disc."""

    def paint(surface: pygame.Surface) -> None:
        middle = surface.get_rect().center
        pygame.draw.circle(surface, colour, middle, surface.get_width() * 2 // 5)
        letter = pygame.font.Font(None, surface.get_width() * 3 // 4).render(title[:1] or "?", True, WHITE)
        surface.blit(letter, letter.get_rect(center=middle))

    return icon(paint)
