"""The shortest way around the walls, for those who have no eyes: the place as a grid, and distances on it.

Distances from a cell to all others are computed when they are first asked for (in less than a millisecond), and kept:
about a kilobyte for each of some 800 cells, at most.
"""

import math
from functools import cache
from typing import Final

from games.chase import walls
from games.chase.walls import Point

SIZE: Final = 140  # points: of a cell; it fits between all walls, and steps of it are less than a runner is wide
COLUMNS: Final = walls.WIDTH // SIZE
ROWS: Final = walls.HEIGHT // SIZE
FAR: Final = 255  # steps: more than any way has

Cell = tuple[int, int]

_LOOK_AHEAD: Final = 8  # cells


def middle(cell: Cell) -> tuple[float, float]:
    """Return the middle of a cell, in points."""
    return (cell[0] + 0.5) * SIZE, (cell[1] + 0.5) * SIZE


CELLS: Final = frozenset(
    (column, row) for column in range(COLUMNS) for row in range(ROWS) if walls.is_free(*middle((column, row)))
)

_NEXT: Final = {
    (column, row): tuple(
        cell for cell in ((column + 1, row), (column - 1, row), (column, row + 1), (column, row - 1)) if cell in CELLS
    )
    for column, row in CELLS
}


def cell_at(at: Point) -> Cell:
    """Return the cell that a runner is in, or the nearest in which one can be."""
    cell = int(at[0] // SIZE), int(at[1] // SIZE)
    if cell in CELLS:
        return cell
    around = [(cell[0] + dx, cell[1] + dy) for dx in (-2, -1, 0, 1, 2) for dy in (-2, -1, 0, 1, 2)]
    return min((c for c in around if c in CELLS), key=lambda c: math.dist(middle(c), at), default=min(CELLS))


def distance(a: Point, b: Point) -> float:
    """Return how long the way is, in points: straight on where one can see, else in steps of the grid."""
    if walls.sees(a, b):
        return math.dist(a, b)
    return SIZE * _steps_to(cell_at(b))[_index(cell_at(a))]


def next_point(a: Point, b: Point) -> Point:
    """Return where to head to from `a`, straight on, to get to `b` around all walls."""
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
    return cell[1] * COLUMNS + cell[0]


@cache
def _steps_to(goal: Cell) -> bytes:
    """Return how many steps it is to a cell from each."""
    steps = bytearray([FAR]) * (COLUMNS * ROWS)
    steps[_index(goal)] = 0
    edge, count = [goal], 0
    while edge:
        count += 1
        reached = []
        for cell in edge:
            for other in _NEXT[cell]:
                place = other[1] * COLUMNS + other[0]
                if steps[place] == FAR:
                    steps[place] = count
                    reached.append(other)
        edge = reached
    return bytes(steps)
