"""The drawings of runners, cached for one size.

The chaser has spikes, a safe runner a ring of dots, the player's own runner a white rim: readable without colours.
"""

import math
from collections.abc import Callable

import pygame

from pygase_pygame.app import FLOOR, NIGHT, RED, WHITE, Colour, mixed, player_colour

SPIKES = 10
SPIN_STEPS = 6  # pictures of the spikes in one turn by a spike
DOTS = 10  # around a safe runner

_OVERSAMPLING = 4  # drawn larger by this factor and scaled down, for smooth edges
_STRIPED_FROM = 8  # there are eight colours: the second eight of 16 numbers have a belt


class Figures:
    """Draws runners of one radius in pixels."""

    def __init__(self, radius: int) -> None:
        self.radius = radius
        self._kept: dict[tuple[object, ...], pygame.Surface] = {}

    def body(self, number: int, faded: float = 0.0) -> pygame.Surface:
        """Return a runner's body. `faded` (0 to 1) mixes it with the floor, for a trail."""
        kind = number % (2 * _STRIPED_FROM)
        return self._picture(("body", kind, faded), 1.15, lambda big, r: _paint_body(big, r, kind, faded))

    def spikes(self, step: int, frozen: bool) -> pygame.Surface:
        """Return the chaser's spikes, turned further with each step. A frozen chaser has outlines only."""
        step = 0 if frozen else step % SPIN_STEPS
        return self._picture(("spikes", step, frozen), 2.0, lambda big, r: _paint_spikes(big, r, step, frozen))

    def draw_eyes(self, surface: pygame.Surface, middle: tuple[int, int], facing: float, angry: bool) -> None:
        """Draw two eyes in the direction `facing` (radians). Angry ones have larger pupils."""
        r = self.radius
        for side in (-0.45, 0.45):
            x = middle[0] + r * 0.42 * math.cos(facing) - r * side * math.sin(facing)
            y = middle[1] + r * 0.42 * math.sin(facing) + r * side * math.cos(facing)
            pygame.draw.circle(surface, WHITE, (round(x), round(y)), max(1, round(r * 0.3)))
            look = round(x + r * 0.12 * math.cos(facing)), round(y + r * 0.12 * math.sin(facing))
            pygame.draw.circle(surface, NIGHT, look, max(1, round(r * (0.2 if angry else 0.14))))

    def draw_dots(self, surface: pygame.Surface, middle: tuple[int, int], share: float) -> None:
        """Draw the dots around a safe runner. `share` (0 to 1) is the part of its safe time that is left."""
        away, size = self.radius * 1.55, max(1, round(self.radius * 0.16))
        for dot in range(math.ceil(DOTS * min(share, 1.0))):
            angle = 2 * math.pi * dot / DOTS - math.pi / 2
            at = round(middle[0] + away * math.cos(angle)), round(middle[1] + away * math.sin(angle))
            pygame.draw.circle(surface, WHITE, at, size)

    def draw_rim(self, surface: pygame.Surface, middle: tuple[int, int]) -> None:
        """Draw the rim around the player's own runner."""
        pygame.draw.circle(surface, WHITE, middle, round(self.radius * 1.22), max(2, round(self.radius * 0.17)))

    def draw_pointer(
        self, surface: pygame.Surface, middle: tuple[int, int], bearing: float, colour: Colour
    ) -> pygame.Rect:
        """Draw a small arrow beside a runner in the direction `bearing` (radians). Return its box."""

        def corner(away: float, turn: float) -> tuple[int, int]:
            return (
                round(middle[0] + self.radius * away * math.cos(bearing + turn)),
                round(middle[1] + self.radius * away * math.sin(bearing + turn)),
            )

        return pygame.draw.polygon(
            surface, colour, [corner(3.3, 0.0), corner(2.1, 0.26), corner(2.4, 0.0), corner(2.1, -0.26)]
        )

    def _picture(
        self, key: tuple[object, ...], reach: float, paint: Callable[[pygame.Surface, float], None]
    ) -> pygame.Surface:
        found = self._kept.get(key)
        if found is None:
            side = 2 * math.ceil(self.radius * reach) + 2
            big = pygame.Surface((side * _OVERSAMPLING, side * _OVERSAMPLING), pygame.SRCALPHA)
            paint(big, float(self.radius * _OVERSAMPLING))
            found = self._kept[key] = pygame.transform.smoothscale(big, (side, side)).convert_alpha()
        return found


def _paint_body(big: pygame.Surface, r: float, kind: int, faded: float) -> None:
    middle, colour = big.get_rect().center, mixed(player_colour(kind), FLOOR, faded)
    big.fill((*colour, 0))
    if faded:
        pygame.draw.circle(big, colour, middle, r)
        return
    dark = mixed(colour, NIGHT, 0.55)
    pygame.draw.circle(big, dark, middle, r)
    pygame.draw.circle(big, colour, middle, r * 0.86)
    if kind >= _STRIPED_FROM:
        belt = pygame.Rect(0, 0, round(r * 1.5), round(r * 0.36))
        belt.center = middle[0], round(middle[1] + r * 0.3)
        pygame.draw.rect(big, dark, belt)


def _paint_spikes(big: pygame.Surface, r: float, step: int, frozen: bool) -> None:
    middle, turned = big.get_rect().center, 2 * math.pi * step / SPIKES / SPIN_STEPS
    corners = []
    for point in range(2 * SPIKES):
        angle, away = math.pi * point / SPIKES + turned, r * (1.25 if point % 2 else 1.9)
        corners.append((middle[0] + away * math.cos(angle), middle[1] + away * math.sin(angle)))
    big.fill((*WHITE, 0))
    if frozen:
        pygame.draw.polygon(big, WHITE, corners, max(1, round(r * 0.14)))
    else:
        pygame.draw.polygon(big, WHITE, corners)
        inner = [(middle[0] + (x - middle[0]) * 0.87, middle[1] + (y - middle[1]) * 0.87) for x, y in corners]
        pygame.draw.polygon(big, RED, inner)


def paint_icon(surface: pygame.Surface) -> None:
    """Paint the window's icon: the chaser."""
    big, r = surface, surface.get_width() * 0.24
    _paint_over(big, lambda layer: _paint_spikes(layer, r, 0, frozen=False))
    _paint_over(big, lambda layer: _paint_body(layer, r, 0, 0.0))
    figures = Figures(round(r))
    figures.draw_eyes(big, big.get_rect().center, -0.5, angry=True)


def _paint_over(surface: pygame.Surface, paint: Callable[[pygame.Surface], None]) -> None:
    layer = pygame.Surface(surface.get_size(), pygame.SRCALPHA)
    paint(layer)
    surface.blit(layer, (0, 0))
