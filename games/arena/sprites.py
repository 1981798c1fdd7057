"""Arena's drawings: ships, rings, bars, and the colours of walls.

A ship is drawn large and then scaled down, so that its edges are smooth at every angle.
"""

import math
from functools import lru_cache
from typing import Final

import pygame

from pygase_pygame.app import NIGHT, ORANGE, SKY, WHITE, Colour, mixed

WALL: Final[Colour] = (66, 79, 110)
ROOF: Final[Colour] = (92, 107, 142)

_OVERSAMPLING: Final = 4
_DEGREES_A_PICTURE: Final = 3  # degrees between two pictures of a ship: no visible step, few pictures
_MOST_PICTURES: Final = 1_500  # cached pictures: 120 angles of eight colours, and room for other window sizes


@lru_cache(maxsize=_MOST_PICTURES)
def _turned(colour: Colour, diameter: int, step: int) -> pygame.Surface:
    large = pygame.transform.rotate(_ship(colour, diameter * _OVERSAMPLING), -step * _DEGREES_A_PICTURE)
    size = max(1, large.get_width() // _OVERSAMPLING), max(1, large.get_height() // _OVERSAMPLING)
    return pygame.transform.smoothscale(large, size)


def ship(colour: Colour, diameter: int, aim: float) -> pygame.Surface:
    """Return the picture of a ship at an angle in degrees. It is cached: do not draw on it."""
    return _turned(colour, diameter, round(aim / _DEGREES_A_PICTURE) % (360 // _DEGREES_A_PICTURE))


def forget() -> None:
    """Drop all cached pictures, which are invalid after `pygame.quit()`."""
    _turned.cache_clear()


def _ship(colour: Colour, size: int) -> pygame.Surface:
    """Return a ship that points to the right. `size` is the diameter of its hull in pixels; its gun sticks out."""
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
    """Draw a bar, filled to `share` (0 to 1). Its colour changes at 0.4."""
    pygame.draw.rect(surface, NIGHT, place.inflate(2, 2))
    colour = ORANGE if share <= 0.4 else SKY
    surface.fill(mixed(colour, NIGHT, 0.25), (place.x, place.y, round(place.w * share), place.h))
