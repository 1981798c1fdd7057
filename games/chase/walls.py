"""The walls of Chase, and sliding along them.

Lengths are whole points; seven or eight of them are a pixel of the default window. (0, 0) is the top left corner, y
points down. Runners are round, so they slip around corners.
"""

import math
from collections.abc import Sequence
from typing import Final

from games.common.walls import Wall, mirrored

Point = Sequence[float]

WIDTH: Final = 5_600
HEIGHT: Final = 4_200
RADIUS: Final = 90  # of a runner

_QUARTER: Final = [  # the top left quarter; the other three are its mirror images
    Wall(620, 620, 1_500, 800),
    Wall(620, 800, 800, 1_350),
    Wall(2_020, 420, 2_200, 1_180),
    Wall(1_250, 1_640, 2_050, 1_820),
]
_MIDDLE: Final = Wall(2_480, 1_880, 3_120, 2_320)

WALLS: Final = (*mirrored(_QUARTER, WIDTH, HEIGHT), _MIDDLE)


def slide(x: float, y: float) -> tuple[int, int]:
    """Return the place of a runner that wants to be at (x, y): out of every wall, by the shortest way.

    A runner with steps shorter than `RADIUS` never has its middle in a wall. Prediction depends on the same result to
    the last bit on every machine.
    """
    x, y = _inside(x, y)
    for _ in range(2):  # in an inner corner, the way out of one wall may lead into another
        for wall in WALLS:
            left, top, right, bottom = wall
            if not (left - RADIUS < x < right + RADIUS and top - RADIUS < y < bottom + RADIUS):
                continue
            near_x, near_y = min(max(x, left), right), min(max(y, top), bottom)
            dx, dy = x - near_x, y - near_y
            square = dx * dx + dy * dy
            if 0 < square < RADIUS * RADIUS:
                out = RADIUS / math.sqrt(square)
                x, y = near_x + dx * out, near_y + dy * out
    x, y = _inside(x, y)
    return round(x), round(y)


def _inside(x: float, y: float) -> tuple[float, float]:
    return min(max(x, RADIUS), WIDTH - RADIUS), min(max(y, RADIUS), HEIGHT - RADIUS)


def is_free(x: float, y: float, room: float = RADIUS) -> bool:
    """Return whether a circle of radius `room` around a point touches no wall."""
    if not (room <= x <= WIDTH - room and room <= y <= HEIGHT - room):
        return False
    return all(math.dist((x, y), _nearest(wall, x, y)) >= room for wall in WALLS)


def _nearest(wall: Wall, x: float, y: float) -> tuple[float, float]:
    return min(max(x, wall.left), wall.right), min(max(y, wall.top), wall.bottom)


def sees(a: Point, b: Point, room: float = 0.0) -> bool:
    """Return whether a line is free: no wall nearer than `room` points. Corners count as square.

    This is the slab test of a line against boxes.
    """
    (ax, ay), (bx, by) = a, b
    left, right = (ax, bx) if ax < bx else (bx, ax)
    top, bottom = (ay, by) if ay < by else (by, ay)
    for wall in WALLS:
        if left >= wall.right + room or right <= wall.left - room:
            continue
        if top >= wall.bottom + room or bottom <= wall.top - room:
            continue
        if _crosses(wall, a, b, room):
            return False
    return True


def _crosses(wall: Wall, a: Point, b: Point, room: float) -> bool:
    enter, leave = 0.0, 1.0
    for start, end, low, high in (
        (a[0], b[0], wall.left - room, wall.right + room),
        (a[1], b[1], wall.top - room, wall.bottom + room),
    ):
        way = end - start
        if way:  # otherwise the caller has checked this axis
            first, last = (low - start) / way, (high - start) / way
            enter, leave = max(enter, min(first, last)), min(leave, max(first, last))
    return enter < leave
