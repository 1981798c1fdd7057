"""The shapes of buttons, text fields and boxes."""

from __future__ import annotations

import pygame

from .palette import FIELD, FLOOR, GREY, LINE, NIGHT, SKY, WHITE, Colour


def button(surface: pygame.Surface, rect: pygame.Rect, *, focused: bool, hovered: bool = False) -> None:
    """Draw a button."""
    pygame.draw.rect(surface, SKY if focused else FLOOR, rect, border_radius=5)
    edge = WHITE if focused else (GREY if hovered else LINE)
    pygame.draw.rect(surface, edge, rect, width=2, border_radius=5)


def field(surface: pygame.Surface, rect: pygame.Rect, *, focused: bool) -> None:
    """Draw the field of a text entry."""
    pygame.draw.rect(surface, FIELD, rect, border_radius=4)
    pygame.draw.rect(surface, SKY if focused else LINE, rect, width=2 if focused else 1, border_radius=4)


def box(surface: pygame.Surface, rect: pygame.Rect, radius: int = 0, edge: Colour = LINE) -> None:
    """Draw a dark box with a thin edge and corners of ``radius`` pixels."""
    pygame.draw.rect(surface, NIGHT, rect, border_radius=radius)
    pygame.draw.rect(surface, edge, rect, width=1, border_radius=radius)
