"""Shortest paths around the walls, for bots: distances on a grid.

The distances from one cell to all others are computed at their first use (under a millisecond) and kept: about a
kilobyte for each of some 800 cells.
"""

import math
from functools import cache
from typing import Final

from games.chase import walls
from games.chase.walls import Point

CELL_SIZE: Final = 140  # points: side of a cell; cells fit between all walls, and are narrower than a runner
GRID_COLUMNS: Final = walls.WIDTH // CELL_SIZE
GRID_ROWS: Final = walls.HEIGHT // CELL_SIZE
UNREACHED: Final = 255  # steps: longer than any path

Cell = tuple[int, int]

_LOOK_AHEAD: Final = 8  # cells


def middle(cell: Cell) -> tuple[float, float]:
    """Return the middle of a cell, in points."""
    return (cell[0] + 0.5) * CELL_SIZE, (cell[1] + 0.5) * CELL_SIZE


CELLS: Final = frozenset(
    (column, row) for column in range(GRID_COLUMNS) for row in range(GRID_ROWS) if walls.is_free(*middle((column, row)))
)

_NEXT: Final = {
    (column, row): tuple(
        cell for cell in ((column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1)) if cell in CELLS
    )
    for column, row in CELLS
}


def cell_at(at: Point) -> Cell:
    """Return the cell of a runner, or the nearest free one."""
    cell = int(at[0] // CELL_SIZE), int(at[1] // CELL_SIZE)
    if cell in CELLS:
        return cell
    around = [(cell[0] + dx, cell[1] + dy) for dx in (-2, -1, 0, 1, 2) for dy in (-2, -1, 0, 1, 2)]
    return min((c for c in around if c in CELLS), key=lambda c: math.dist(middle(c), at), default=min(CELLS))


def distance(a: Point, b: Point) -> float:
    """Return the length of the path in points: straight if no wall is between, otherwise in steps of the grid."""
    if walls.sees(a, b):
        return math.dist(a, b)
    return CELL_SIZE * _steps_to(cell_at(b))[_index(cell_at(a))]


def next_point(a: Point, b: Point) -> Point:
    """Return the first point to run to, straight from `a`, on the path to `b`."""
    if walls.sees(a, b, walls.RADIUS - 10):
        return b
    steps, cell, best = _steps_to(cell_at(b)), cell_at(a), None
    for _ in range(_LOOK_AHEAD):
        cell = min(_NEXT[cell], key=lambda c: steps[_index(c)])
        if best is not None and not walls.sees(a, middle(cell), walls.RADIUS - 10):
            break
        best = middle(cell)
    return best or b


def _index(cell: Cell) -> int:
    return cell[1] * GRID_COLUMNS + cell[0]


@cache
def _steps_to(goal: Cell) -> bytes:
    """Return the steps from every cell to a goal, by index of the cell."""
    steps = bytearray([UNREACHED]) * (GRID_COLUMNS * GRID_ROWS)
    steps[_index(goal)] = 0
    edge, count = [goal], 0
    while edge:
        count += 1
        reached = []
        for cell in edge:
            for other in _NEXT[cell]:
                place = other[1] * GRID_COLUMNS + other[0]
                if steps[place] == UNREACHED:
                    steps[place] = count
                    reached.append(other)
        edge = reached
    return bytes(steps)
