"""The errors of the numbers in a tree, and trees that are drawn with a share of these errors (see
:mod:`pygase.timeline.prediction`). Pure: arguments are never changed.
"""

from __future__ import annotations

import sys
from typing import Any, Final

_MAX: Final = sys.float_info.max

Ways = Any
"""Errors of the numbers of a tree, in its shape: a float, or a dict by key or index; None if there is no error."""


class FloatBlender:
    """Blends every float of a tree instead of named paths.

    :param limit: a longer way is a jump; None: no limit.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = _MAX if limit is None else min(limit, _MAX)

    def blend(self, older: Any, newer: Any, progress: float) -> Any:
        """Return ``older`` with its floats moved by ``progress`` of their way to ``newer``: itself if none moves."""
        kind, other = type(older), type(newer)
        if kind is float or other is float:
            if not (kind is float or kind is int) or not (other is float or other is int):
                return older
            way = newer - older
            return older + way * progress if way and -self._limit <= way <= self._limit else older
        if older is newer or kind is not other:
            return older
        if kind is dict:
            return self._blend_items(older, list(older.items()), newer, progress)
        if kind is list and len(older) == len(newer):
            return self._blend_items(older, list(enumerate(older)), dict(enumerate(newer)), progress)
        return older

    def _jumps(self, items: list[tuple[Any, Any]], newer: Any) -> bool:
        """Return whether a float of these jumps. Then they all do: the coordinates of a point stay together."""
        ways = [newer[key] - value for key, value in items if type(value) is float and type(newer.get(key)) is float]
        return not all(-self._limit <= way <= self._limit for way in ways)

    def _blend_items(self, older: Any, items: list[tuple[Any, Any]], newer: Any, progress: float) -> Any:
        out = older
        jumps = self._limit < _MAX and self._jumps(items, newer)
        for key, value in items:
            stays = key not in newer or (jumps and type(value) is float)
            moved = value if stays else self.blend(value, newer[key], progress)
            if moved is not value:
                if out is older:
                    out = older.copy()
                out[key] = moved
        return out


def doubled_way(here: Any, halfway: Any) -> Ways:
    """Return twice the way of each number from ``here`` to ``halfway``, which shares all unmoved parts with it."""
    if here is halfway:
        return None
    if type(here) is dict:
        return {key: doubled_way(value, halfway[key]) for key, value in here.items() if value is not halfway[key]}
    if type(here) is list:
        return {index: doubled_way(value, halfway[index]) for index, value in enumerate(here)}
    return 2.0 * (halfway - here)


def displaced(value: Any, ways: Ways, factor: float) -> Any:
    """Return a copy of a tree with its numbers moved by ``factor`` of their ways; ways without a number are ignored."""
    kind = type(value)
    if kind is float or kind is int:
        return value + ways * factor if type(ways) is float else value
    if type(ways) is not dict or (kind is not dict and kind is not list):
        return value
    out = value.copy()
    places = value if kind is dict else range(len(value))
    for key, way in ways.items():
        if key in places:
            out[key] = displaced(value[key], way, factor)
    return out


def largest(ways: Ways) -> float:
    """Return the largest error, as a distance; 0.0 if there is none."""
    if type(ways) is dict:
        return max(map(largest, ways.values()), default=0.0)
    return abs(ways) if ways else 0.0


def greatest_difference(a: Any, b: Any) -> float:
    """Return the largest difference between numbers at the same places of two trees."""
    if type(a) is dict and type(b) is dict:
        return max((greatest_difference(value, b[key]) for key, value in a.items() if key in b), default=0.0)
    if type(a) is list and type(b) is list:
        return max(map(greatest_difference, a, b), default=0.0)
    numbers = (int, float)
    return abs(float(b) - float(a)) if type(a) in numbers and type(b) in numbers else 0.0
