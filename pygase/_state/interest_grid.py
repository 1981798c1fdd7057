"""Things on a plane, found by their places."""

from __future__ import annotations

import math
from typing import Any, Final

from .tree import Tree

CELL_SHARE: Final = 0.7
"""The edge of a cell, in radii: so a look visits about 18 cells. Smaller ones take more time than they save."""

MOST_CELLS: Final = float(1 << 52)
"""Cells between the origin and the farthest places. A number beyond that, such as 1e300, counts as no place."""

LEAVE_SHARE: Final = 1.12
"""The distance, in radii, at which a thing that was seen is seen no longer. It is more than one, so that a thing at the
edge does not come and go."""

STRIDE_SHARE: Final = 1 / 16
"""The way of a thing in one state, in radii, from which on those that see it look at once."""

Place = tuple[float, float]
_Cell = tuple[int, int]


def place_of(record: Any, x: Any, y: Any) -> Place | None:
    """Return the place of a record; None if it has no finite numbers under its keys ``x`` and ``y``."""
    if type(record) is not dict:
        return None
    return as_place(record.get(x), record.get(y))


def as_place(x: Any, y: Any) -> Place | None:
    """Return two numbers as a place, or None."""
    if type(x) not in _NUMBERS or type(y) not in _NUMBERS:
        return None
    place = float(x), float(y)
    return place if math.isfinite(place[0]) and math.isfinite(place[1]) else None


_NUMBERS: Final = frozenset({int, float})


class InterestGrid:
    """Knows the place of each thing, and finds those near a point. A look costs as much as there is near.

    :param radius: within which things are found.
    :param x, y: the keys of the coordinates in a record.
    """

    __slots__ = ("_cell_of", "_cells", "_inner", "_outer", "_reach", "_size", "_stride", "_x", "_y")

    def __init__(self, radius: float, x: Any, y: Any) -> None:
        self._x = x
        self._y = y
        self._size = radius * CELL_SHARE
        self._reach = radius * LEAVE_SHARE
        self._stride = radius * STRIDE_SHARE
        self._inner = radius * radius
        self._outer = self._reach * self._reach
        self._cells: dict[_Cell, dict[Any, Place]] = {}
        self._cell_of: dict[Any, _Cell] = {}

    def put(self, key: Any, record: Any) -> bool:
        """Note a new or changed record. One without a place is not found.

        :returns: True if it has moved far, or has a place no longer.
        """
        place, size = place_of(record, self._x, self._y), self._size
        if place is None or not self._has(place):
            return self.remove(key)
        cell = math.floor(place[0] / size), math.floor(place[1] / size)
        before, is_far = self._cell_of.get(key), False
        if before is not None:
            old = self._cells[before][key]
            is_far = abs(place[0] - old[0]) > self._stride or abs(place[1] - old[1]) > self._stride
        if before != cell:
            if before is not None:
                self._leave(key, before)
            self._cell_of[key] = cell
        things = self._cells.get(cell)
        if things is None:
            things = self._cells[cell] = {}
        things[key] = place
        return is_far

    def _has(self, place: Place) -> bool:
        """Return whether a place is in a cell that has a number."""
        most = self._size * MOST_CELLS
        return -most < place[0] < most and -most < place[1] < most

    def remove(self, key: Any) -> bool:
        """Forget a thing. Return whether it had a place."""
        cell = self._cell_of.pop(key, None)
        if cell is not None:
            self._leave(key, cell)
        return cell is not None

    def _leave(self, key: Any, cell: _Cell) -> None:
        things = self._cells[cell]
        del things[key]
        if not things:
            del self._cells[cell]

    def place(self, key: Any) -> Place | None:
        """Return the place of a thing, or None."""
        cell = self._cell_of.get(key)
        return self._cells[cell][key] if cell is not None else None

    def near(self, centre: Place, seen: Tree) -> dict[Any, None]:
        """Return the keys of the things near a point: within the radius, or not far beyond if they are in ``seen``."""
        x, y = centre
        inner, outer = self._inner, self._outer
        found: dict[Any, None] = {}
        for things in self.cells_around(x, y):
            for key, place in things.items():
                dx = place[0] - x
                dy = place[1] - y
                square = dx * dx + dy * dy
                if square <= inner or (square <= outer and key in seen):
                    found[key] = None
        return found

    def cells_around(self, x: float, y: float) -> list[dict[Any, Place]]:
        """Return the things and their places in each cell that a look from here visits."""
        size, reach = self._size, self._reach
        if not self._has((x, y)):
            return []
        bottom, top = math.floor((y - reach) / size), math.floor((y + reach) / size)
        found = []
        for column in range(math.floor((x - reach) / size), math.floor((x + reach) / size) + 1):
            for row in range(bottom, top + 1):
                things = self._cells.get((column, row))
                if things is not None:
                    found.append(things)
        return found
