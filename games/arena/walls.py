"""The walls of Arena, and free ways and lines of sight between them.

Lengths are whole points; ten of them are a pixel of the default window. (0, 0) is the top left corner, y points down.

A ship counts as a square. If it touches a wall, it stands exactly at its edge and slides along it. The results are the
same on every machine.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Final

from games.common.walls import Wall, mirrored

Point = Sequence[float]

WIDTH: Final = 19_200  # two windows wide
HEIGHT: Final = 12_800  # two windows high
RADIUS: Final = 180  # of a ship

_QUARTER: Final = [  # the top left quarter; the other three are its mirror images
    Wall(2_000, 2_000, 3_400, 2_600),
    Wall(4_800, 900, 5_200, 2_900),
    Wall(5_200, 2_500, 6_900, 2_900),
    Wall(8_300, 1_300, 9_600, 1_700),
    Wall(1_300, 4_300, 1_700, 5_900),
    Wall(3_500, 4_400, 5_100, 4_800),
    Wall(6_900, 4_700, 7_500, 5_300),
]
_MIDDLE: Final = Wall(9_000, 6_000, 10_200, 6_800)

WALLS: Final = (*mirrored(_QUARTER, WIDTH, HEIGHT), _MIDDLE)
GROWN: Final = tuple(Wall(w.left - RADIUS, w.top - RADIUS, w.right + RADIUS, w.bottom + RADIUS) for w in WALLS)
"""The walls grown by a ship's radius. A ship's middle cannot be inside one; edges are allowed."""

_CELL: Final = 1_600
_GRAZED: Final = 1e-6  # points: a shorter way through a corner is rounding error, and does not count


def _cells() -> dict[tuple[int, int], tuple[Wall, ...]]:
    """Return the grown walls near each cell of a grid, so that a step checks only a few."""
    return {
        (column, row): tuple(
            wall
            for wall in GROWN
            if wall.left < (column + 2) * _CELL
            and wall.right > (column - 1) * _CELL
            and wall.top < (row + 2) * _CELL
            and wall.bottom > (row - 1) * _CELL
        )
        for column in range(WIDTH // _CELL + 1)
        for row in range(HEIGHT // _CELL + 1)
    }


_WALLS_NEAR: Final = _cells()


def step(at: Sequence[int], way: tuple[int, int]) -> tuple[int, int]:
    """Return the place of a ship after a movement of at most a cell. Walls stop it, and it slides along them."""
    (x, y), (dx, dy) = at, way
    near = _WALLS_NEAR[x // _CELL, y // _CELL]
    if dx:
        x = min(max(x + dx, RADIUS), WIDTH - RADIUS)
        for wall in near:
            if wall.left < x < wall.right and wall.top < y < wall.bottom:
                x = wall.left if dx > 0 else wall.right
    if dy:
        y = min(max(y + dy, RADIUS), HEIGHT - RADIUS)
        for wall in near:
            if wall.left < x < wall.right and wall.top < y < wall.bottom:
                y = wall.top if dy > 0 else wall.bottom
    return x, y


def is_free(x: float, y: float) -> bool:
    """Return whether a ship can be at a place."""
    if not (RADIUS <= x <= WIDTH - RADIUS and RADIUS <= y <= HEIGHT - RADIUS):
        return False
    return not any(wall.left < x < wall.right and wall.top < y < wall.bottom for wall in GROWN)


def free_way(x: float, y: float, dx: float, dy: float, length: float, walls: Iterable[Wall] = WALLS) -> float:
    """Return the free way from a point in a direction, in points: up to a wall, the arena's edge or `length`.

    (`dx`, `dy`) is a unit vector. This is the slab test of a ray against boxes.
    """
    length = min(length, _way_to_edge(x, dx, WIDTH), _way_to_edge(y, dy, HEIGHT))
    across, down = 1 / dx if dx else math.inf, 1 / dy if dy else math.inf
    end_x, end_y = x + dx * length, y + dy * length
    low_x, high_x = (x, end_x) if dx > 0 else (end_x, x)
    low_y, high_y = (y, end_y) if dy > 0 else (end_y, y)
    for left, top, right, bottom in walls:
        if left >= high_x or right <= low_x or top >= high_y or bottom <= low_y:
            continue  # also a wall whose edge the way only touches
        enter, leave = 0.0, length
        if dx:
            near, far = (left - x) * across, (right - x) * across
            enter, leave = max(enter, min(near, far)), min(leave, max(near, far))
        if dy:
            near, far = (top - y) * down, (bottom - y) * down
            enter, leave = max(enter, min(near, far)), min(leave, max(near, far))
        if enter < leave - _GRAZED:
            length = enter
    return length


def sees(a: Point, b: Point, walls: Iterable[Wall] = WALLS) -> bool:
    """Return whether no wall is between two points."""
    dx, dy = b[0] - a[0], b[1] - a[1]
    distance = math.hypot(dx, dy)
    return not distance or free_way(a[0], a[1], dx / distance, dy / distance, distance, walls) >= distance


def _way_to_edge(at: float, direction: float, size: float) -> float:
    if not direction:
        return math.inf
    return max(((size if direction > 0 else 0.0) - at) / direction, 0.0)
