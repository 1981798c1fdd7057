"""The pictures of Derby's things: pitch, cars and ball. They are drawn large and scaled down for smooth edges."""

import math
from functools import lru_cache
from typing import Final

import pygame

from games.derby.pitch import CORNER, GOAL_DEPTH, GOAL_HALF, HEIGHT, MIDDLE, WIDTH
from games.derby.rules import BALL, CAR
from pygase_pygame.app import NIGHT, ORANGE, SKY, WHITE, Colour, mixed

TEAM_COLOURS: Final = (
    ORANGE,
    SKY,
)  # colour-blind people can distinguish them, and the two sides differ by stripes, too
TURF: Final[Colour] = (30, 104, 78)
TURF_STRIPE: Final[Colour] = (34, 116, 86)
CHALK: Final[Colour] = (176, 214, 196)
KERB: Final[Colour] = (16, 46, 44)
NET: Final[Colour] = (20, 64, 58)

STRIPES: Final = 14
ANGLES: Final = 96  # pictures of a car, by where it looks
_FINE: Final = 3  # times as large as drawn at last


@lru_cache(maxsize=3)
def ground(scale: float) -> pygame.Surface:
    """Return the pitch with both goals, ``scale`` pixels a unit. Its left top is the corner of the left goal's box."""
    fine = scale * (2 if scale < 1.2 else 1)
    picture = pygame.Surface((round((WIDTH + 2 * GOAL_DEPTH) * fine), round(HEIGHT * fine)))
    picture.fill(NIGHT)
    for team, x in enumerate((0.0, WIDTH + GOAL_DEPTH)):
        box = pygame.Rect(x * fine, (MIDDLE - GOAL_HALF) * fine, (GOAL_DEPTH + 1) * fine, 2 * GOAL_HALF * fine)
        picture.fill(mixed(NET, TEAM_COLOURS[team], 0.35), box)
        _draw_net(picture, box, fine)
    _draw_turf(picture, fine)
    _draw_lines(picture, fine)
    size = round((WIDTH + 2 * GOAL_DEPTH) * scale), round(HEIGHT * scale)
    return pygame.transform.smoothscale(picture, size) if fine != scale else picture


def _draw_net(picture: pygame.Surface, box: pygame.Rect, fine: float) -> None:
    step = max(round(12 * fine), 3)
    for x in range(box.left, box.right, step):
        pygame.draw.line(picture, NET, (x, box.top), (x, box.bottom))
    for y in range(box.top, box.bottom, step):
        pygame.draw.line(picture, NET, (box.left, y), (box.right, y))


def _draw_turf(picture: pygame.Surface, fine: float) -> None:
    area = pygame.Rect(GOAL_DEPTH * fine, 0, WIDTH * fine, HEIGHT * fine)
    turf = pygame.Surface(area.size, pygame.SRCALPHA)
    width = area.w / STRIPES
    for stripe in range(STRIPES):
        colour = TURF_STRIPE if stripe % 2 else TURF
        turf.fill(colour, (round(stripe * width), 0, math.ceil(width), area.h))
    mask = pygame.Surface(area.size, pygame.SRCALPHA)
    pygame.draw.rect(mask, (255, 255, 255, 255), mask.get_rect(), border_radius=round(CORNER * fine))
    turf.blit(mask, (0, 0), special_flags=pygame.BLEND_RGBA_MIN)
    picture.blit(turf, area)
    pygame.draw.rect(picture, KERB, area, max(round(5 * fine), 2), border_radius=round(CORNER * fine))
    for x in (area.left, area.right):  # the kerb leaves the mouths of the goals open
        mouth = pygame.Rect(0, 0, max(round(12 * fine), 4), (2 * GOAL_HALF - 6) * fine)
        mouth.center = round(x), round(MIDDLE * fine)
        picture.fill(CHALK, mouth.inflate(-max(mouth.w - round(4 * fine), 1), 0))


def _draw_lines(picture: pygame.Surface, fine: float) -> None:
    thick = max(round(3 * fine), 1)
    middle = round((GOAL_DEPTH + WIDTH / 2) * fine), round(MIDDLE * fine)
    pygame.draw.line(picture, CHALK, (middle[0], 4 * fine), (middle[0], (HEIGHT - 4) * fine), thick)
    pygame.draw.circle(picture, CHALK, middle, round(90 * fine), thick)
    pygame.draw.circle(picture, CHALK, middle, 2 * thick)
    for x, draws in ((GOAL_DEPTH, {"draw_top_right": True, "draw_bottom_right": True}), (GOAL_DEPTH + WIDTH, {})):
        draws = draws or {"draw_top_left": True, "draw_bottom_left": True}
        pygame.draw.circle(picture, CHALK, (round(x * fine), middle[1]), round(150 * fine), thick, **draws)


@lru_cache(maxsize=2 * ANGLES * 9)
def car(colour: Colour, team: int, radius: int, turn: int) -> pygame.Surface:
    """Return a car that looks ``turn`` of `ANGLES` to the right; its middle is the picture's."""
    upright = _upright_car(colour, team, radius)
    turned = pygame.transform.rotate(upright, -360.0 * turn / ANGLES)
    return pygame.transform.smoothscale(turned, [max(side // _FINE, 1) for side in turned.get_size()])


@lru_cache(maxsize=32)
def _upright_car(colour: Colour, team: int, radius: int) -> pygame.Surface:
    """Return a car that looks to the right, `_FINE` times as large."""
    unit = radius * _FINE / 18.0  # drawn for a radius of 18
    picture = pygame.Surface((round(52 * unit), round(52 * unit)), pygame.SRCALPHA)

    def part(paint: Colour, x: float, y: float, width: float, height: float, round_by: float = 0.0) -> None:
        place = pygame.Rect(round((26 + x) * unit), round((26 + y) * unit), round(width * unit), round(height * unit))
        pygame.draw.rect(picture, paint, place, border_radius=round(round_by * unit))

    for x, y in ((-15, -15), (6, -15), (-15, 9), (6, 9)):  # wheels
        part((22, 24, 30), x, y, 10, 6, 2)
    dark = mixed(colour, NIGHT, 0.45)
    part(dark, -21, -12, 42, 24, 8)
    part(colour, -20, -11, 40, 20, 8)
    part(mixed(colour, WHITE, 0.35), 8, -8, 9, 14, 4)  # bonnet
    part((24, 34, 50), -1, -9, 7, 17, 3)  # windscreen
    part(dark, -12, -8, 10, 15, 4)  # roof
    part(mixed(colour, WHITE, 0.15), -11, -7, 8, 12, 3)
    if team == 1:  # two stripes, for those who see no difference between the colours
        part(WHITE, -20, -5, 8, 3)
        part(WHITE, -20, 1, 8, 3)
    for y in (-9, 4):
        part((255, 244, 200), 17, y, 3, 5, 1)  # lights
    return picture


@lru_cache(maxsize=64)
def ball(radius: int, turn: int) -> pygame.Surface:
    """Return the ball, rolled on by ``turn`` of 24 steps."""
    large = radius * _FINE
    picture = pygame.Surface((2 * large, 2 * large), pygame.SRCALPHA)
    middle = large, large
    pygame.draw.circle(picture, (150, 158, 172), middle, large)
    pygame.draw.circle(picture, WHITE, (large, large - large // 14), large - large // 12)
    for patch in range(5):
        angle = math.tau * (patch / 5 + turn / 24)
        for out, size in ((0.62, 0.2), (0.0, 0.24)):
            x, y = large + math.cos(angle) * out * large, large + math.sin(angle) * out * large
            corners = [
                (
                    x + math.cos(angle + math.tau * k / 5) * size * large,
                    y + math.sin(angle + math.tau * k / 5) * size * large,
                )
                for k in range(5)
            ]
            pygame.draw.polygon(picture, (44, 54, 74), corners)
    return pygame.transform.smoothscale(picture, (2 * radius, 2 * radius))


@lru_cache(maxsize=64)
def shadow(radius: int) -> pygame.Surface:
    """Return the shadow of a round thing."""
    large = radius * _FINE
    picture = pygame.Surface((2 * large, 2 * large), pygame.SRCALPHA)
    pygame.draw.circle(picture, (0, 12, 10, 92), (large, large), large)
    return pygame.transform.smoothscale(picture, (2 * radius, 2 * radius))


def turn_of(hx: float, hy: float) -> int:
    """Return the number of the picture that looks into a direction."""
    return round(math.atan2(hy, hx) / math.tau * ANGLES) % ANGLES


def car_radius(scale: float) -> int:
    """Return a car's radius in pixels."""
    return max(round(CAR * scale), 3)


def ball_radius(scale: float) -> int:
    """Return the ball's radius in pixels."""
    return max(round(BALL * scale), 3)
