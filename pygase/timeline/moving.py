"""The moving parts of a state, and the walk that moves its numbers."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from .._state.state_paths import ANY_KEY, keys_of, parts_of
from .._state.tree import ABSENT
from .rules import Interpolate

_NUMBERS: Final = frozenset({int, float})  # by exact type: a bool does not glide
_MAX: Final = sys.float_info.max

_Mark = tuple[tuple[str | int, ...], ...]
"""Path to a value: for each level the possible keys."""


class MovingParts:
    """The rules for one dict of the state; its children have those for the dicts in it."""

    __slots__ = ("any_child", "any_points", "children", "guarded", "only_point", "points")

    def __init__(self) -> None:
        self.points: list[MovingNumbers] = []  # numbers right here
        self.any_points: list[MovingNumbers] = []  # numbers under any key
        self.children: dict[str | int, MovingParts] = {}
        self.any_child: MovingParts | None = None
        self.guarded: dict[_Mark, MovingParts] = {}  # rules that hold here unless the value at that path changed
        self.only_point: MovingNumbers | None = None  # set if these numbers are all that moves here

    def add_rule(self, rule: Interpolate) -> None:
        """Add a rule to the node of the whole state."""
        places: dict[int, tuple[MovingParts, list[str]]] = {}
        for path in rule.paths:
            node, name = self._find_place(rule, parts_of(path))
            places.setdefault(id(node), (node, []))[1].append(name)
        for node, names in places.values():
            node._add_points(rule, names)

    def _find_place(self, rule: Interpolate, parts: tuple[str, ...]) -> tuple[MovingParts, str]:
        """Return the node of the dict that a path ends in, and the number's name in it."""
        guarded_at, mark = rule.guard_of(parts)
        node = self
        for depth, part in enumerate(parts):
            if mark and depth == guarded_at:
                node = node.guarded.setdefault(tuple(map(keys_of, mark)), MovingParts())
            if depth < len(parts) - 1:
                node = node._child(part)
        return node, parts[-1]

    def _child(self, part: str) -> MovingParts:
        if part == ANY_KEY:
            self.any_child = self.any_child or MovingParts()
            return self.any_child
        node = self.children.get(part) or MovingParts()
        self.children.update(dict.fromkeys(keys_of(part), node))
        return node

    def _add_points(self, rule: Interpolate, names: list[str]) -> None:
        limit = _MAX if rule.snap_distance is None else min(rule.snap_distance, _MAX)
        period = rule.whole
        keys = tuple(key for name in names if name != ANY_KEY for key in keys_of(name))
        together = len(names) > 1 and rule.snap_distance is not None
        if keys:
            for known in self.points:  # fewer entries are fewer calls per entity and frame
                if not together and (known.limit, known.period, known.together) == (limit, period, False):
                    self.points.remove(known)
                    keys = known.keys + keys
                    break
            self.points.append(MovingNumbers(keys, limit, period, together))
        if ANY_KEY in names:
            self.any_points.append(MovingNumbers((), limit, period, False))

    def settle(self) -> None:
        """Choose the shortest way to blend, here and below. Call it once, after the last rule."""
        below = [*self.children.values(), *self.guarded.values()] + ([self.any_child] if self.any_child else [])
        for node in below:
            node.settle()
        alone = len(self.points) == 1 and not (below or self.any_points or self.points[0].together)
        self.only_point = self.points[0] if alone else None

    def blend(self, older: Any, newer: Any, out: Any, progress: float) -> Any:
        """Return ``out`` with its numbers moved by ``progress`` of their way from ``older`` to ``newer``.

        :param out: ``older`` itself, or a private copy of it. ``older`` is returned as it is if nothing moves.
        """
        for point in self.points:
            if not (point.together and point.jumped(older, newer)):
                out = _blend_point(point, point.keys, older, newer, out, progress)
        if self.children:
            for key, child in self.children.items():
                out = _blend_children(child, (key,), older, newer, out, progress)
        if self.any_child is not None:
            out = _blend_children(self.any_child, older, older, newer, out, progress)
        for point in self.any_points:
            out = _blend_point(point, older, older, newer, out, progress)
        if self.guarded:
            for mark, node in self.guarded.items():
                if _read(older, mark) == _read(newer, mark):
                    out = node.blend(older, newer, out, progress)
        return out


@dataclass(frozen=True, slots=True)
class MovingNumbers:
    """Numbers of one dict that move by one rule."""

    keys: tuple[str | int, ...]
    limit: float  # a longer way is a jump; finite, so an infinite way is a jump
    period: float  # the whole circle of an angle, or the width of a world without edges; 0 for other numbers
    together: bool  # the limit counts for all of them as the coordinates of one point
    square_limit: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "square_limit", min(self.limit * self.limit, _MAX))

    def jumped(self, older: Any, newer: Any) -> bool:
        """Return whether the numbers, as one point, moved farther than the limit."""
        square, period = 0.0, self.period
        for key in self.keys:
            a, b = older.get(key), newer.get(key)
            if type(a) is float and type(b) is float and not period:
                way = b - a
                square += way * way
                continue
            if type(a) is not list or type(b) is not list:
                a, b = [a], [b]
            if len(a) == len(b) and _NUMBERS.issuperset(map(type, a + b)):
                ways = [_shortest(y - x, period) for x, y in zip(a, b, strict=True)]
                square += sum(way * way for way in ways)
        return not square <= self.square_limit


def _blend_children(
    child: MovingParts, keys: Iterable[str | int], older: Any, newer: Any, out: Any, progress: float
) -> Any:
    blend, point = child.blend, child.only_point
    for key in keys:
        a, b = older.get(key), newer.get(key)
        if a is b or type(a) is not dict or type(b) is not dict:
            continue
        before = out[key]
        if point is not None:
            value = _blend_point(point, point.keys, a, b, before, progress)
        else:
            value = blend(a, b, before, progress)
        if value is not before:
            if out is older:
                out = {**older}
            out[key] = value
    return out


def _blend_point(
    point: MovingNumbers, keys: Iterable[str | int], older: Any, newer: Any, out: Any, progress: float
) -> Any:
    """Set each number under these keys in ``out`` to its value at ``progress``, 0 to 1, from ``older`` to ``newer``.

    Return ``out``; if it is ``older``, a copy is changed. This is the innermost loop, once for each entity and frame.
    """
    limit, period, square_limit = point.limit, point.period, point.square_limit
    for key in keys:
        a, b = older.get(key), newer.get(key)
        if a is b:
            continue
        if (type(a) is float or type(a) is int) and (type(b) is float or type(b) is int):
            way = b - a
            if period and not -period <= 2 * way <= period:
                way = _shortest(way, period)
            if not way or not -limit <= way <= limit:  # NaN and infinity are beyond any limit
                continue
            value: Any = a + way * progress
        elif type(a) is list and type(b) is list:
            value = _blend_list(a, b, progress, period, square_limit)
            if value is a:
                continue
        else:
            continue
        if out is older:
            out = {**older}
        out[key] = value
    return out


def _blend_list(a: list[Any], b: list[Any], progress: float, period: float, square_limit: float) -> list[Any]:
    """Return the numbers between those of two lists; ``a`` itself if none moves."""
    count = len(a)
    if count != len(b):
        return a
    if count == 2 and not period:  # most lists are points of a plane; this is twice as fast
        x, y = a
        dx, dy = b
        if type(x) is type(y) is type(dx) is type(dy) is float:
            dx -= x
            dy -= y
            return [x + dx * progress, y + dy * progress] if 0.0 < dx * dx + dy * dy <= square_limit else a
    square, value = 0.0, []
    for x, y in zip(a, b):  # noqa: B905  # strict costs time, and the lengths are equal
        if not (type(x) is float is type(y)) and not (type(x) in _NUMBERS and type(y) in _NUMBERS):
            return a
        way = _shortest(y - x, period) if period else y - x
        square += way * way
        value.append(x + way * progress)
    return value if 0.0 < square <= square_limit else a


def _shortest(way: float, period: float) -> float:
    """Return the shorter way round a circle. Infinite ways and ways on a line are returned as they are."""
    return math.remainder(way, period) if period and math.isfinite(way) else way


def _read(node: Any, mark: _Mark) -> Any:
    """Return the value at a path, or ABSENT."""
    for keys in mark:
        if type(node) is not dict:
            return ABSENT
        here = node
        for key in keys:
            node = here.get(key, ABSENT)
            if node is not ABSENT:
                break
    return node
