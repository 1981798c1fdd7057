"""The things of Arena, drawn in code: ships, rings, bars, and the colours of walls.

A ship is drawn large, and then made small, so that its edges are smooth at every angle.
"""

import math
from functools import lru_cache
from typing import Final

import pygame

from pygase_pygame.app.palette import NIGHT, ORANGE, SKY, WHITE, Colour, mixed

WALL: Final[Colour] = (66, 79, 110)
ROOF: Final[Colour] = (92, 107, 142)

_FINER: Final = 4
_STEP: Final = 3  # degrees from one picture of a ship to the next: fewer pictures, and nobody sees it
_MOST: Final = 1_500  # pictures that are kept: 120 angles of eight colours, and some for a window that was resized


@lru_cache(maxsize=_MOST)
def _turned(colour: Colour, diameter: int, step: int) -> pygame.Surface:
    large = pygame.transform.rotate(_ship(colour, diameter * _FINER), -step * _STEP)
    size = max(1, large.get_width() // _FINER), max(1, large.get_height() // _FINER)
    return pygame.transform.smoothscale(large, size)


def ship(colour: Colour, diameter: int, aim: float) -> pygame.Surface:
    """Return a ship whose gun points somewhere. The picture is kept: draw it, never draw on it."""
    return _turned(colour, diameter, round(aim / _STEP) % (360 // _STEP))


def forget() -> None:
    """Drop all pictures: they are no use once pygame has ended."""
    _turned.cache_clear()


def _ship(colour: Colour, size: int) -> pygame.Surface:
    """Return a ship that points to the right: its hull is a disc of this size, its gun stands out."""
    surface = pygame.Surface((round(size * 1.5),) * 2, pygame.SRCALPHA)
    surface.fill((*colour, 0))
    middle = surface.get_width() / 2
    dark = mixed(colour, NIGHT, 0.55)
    gun = pygame.Rect(0, 0, round(size * 0.7), round(size * 0.2))
    gun.midleft = (round(middle), round(middle))
    pygame.draw.rect(surface, WHITE, gun, border_radius=gun.h // 3)
    fin = [(-0.5, -0.42), (-0.62, 0.0), (-0.5, 0.42), (-0.1, 0.3), (-0.1, -0.3)]
    pygame.draw.polygon(surface, dark, [(middle + x * size, middle + y * size) for x, y in fin])
    pygame.draw.circle(surface, dark, (middle, middle), size / 2)
    pygame.draw.circle(surface, colour, (middle, middle), size * 0.43)
    pygame.draw.circle(surface, dark, (middle + size * 0.1, middle), size * 0.2)
    return surface


def paint_icon(surface: pygame.Surface) -> None:
    """Paint the window's icon: a ship that fires."""
    size = surface.get_width()
    picture = pygame.transform.rotate(_ship(ORANGE, round(size * 0.55)), 45)
    surface.blit(picture, picture.get_rect(center=(size * 0.42, size * 0.58)))
    for start, end in ((0.72, 0.8), (0.84, 0.92)):
        a, b = (start * size, (1 - start) * size), (end * size, (1 - end) * size)
        pygame.draw.line(surface, SKY, a, b, round(size * 0.05))


def ring(surface: pygame.Surface, colour: Colour, middle: tuple[int, int], radius: float, parts: int) -> None:
    """Draw a ring of dashes."""
    for part in range(parts):
        a, b = (2 * math.pi * (part + end) / parts for end in (0.0, 0.55))
        start, stop = ((middle[0] + radius * math.cos(t), middle[1] + radius * math.sin(t)) for t in (a, b))
        pygame.draw.line(surface, colour, start, stop, 2)


def bar(surface: pygame.Surface, place: pygame.Rect, share: float) -> None:
    """Draw how much there is of something: the less, the shorter, and below a third in another colour."""
    pygame.draw.rect(surface, NIGHT, place.inflate(2, 2))
    colour = ORANGE if share <= 0.4 else SKY
    surface.fill(mixed(colour, NIGHT, 0.25), (place.x, place.y, round(place.w * share), place.h))
