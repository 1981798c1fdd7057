"""Which numbers of a state move smoothly, and the state between two others.

A :class:`Blender` compiles the paths that a game names into the shape of its state, once; then it walks two states
side by side, only along those paths, and copies only what moves. Parts that the two states share are skipped whole.

It also carries movement on beyond the newer state, for a while, and finds out by how much a picture that was carried on
too far differs from the truth, so that it can be taken back softly.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from .differences import difference

_ANY: Final = "*"
_PERIODS: Final = {None: 0.0, "radians": math.tau, "degrees": 360.0}
_NUMBERS: Final = frozenset({int, float})  # by exact type: a bool is no number that could glide
_MAX: Final = sys.float_info.max
_MISSING: Final = object()

HOLDING: Final = 0.5
"""Seconds that what was carried on stays where it came to, should the next snapshot still come."""

RETURNING: Final = 0.1
"""Seconds in which it then goes back to the last place known to be true."""


_Mark = tuple[tuple[str | int, ...], ...]
"""Way to a value: at each step the keys that it may go by."""


@dataclass(frozen=True, slots=True, init=False)
class Interpolate:
    """Names numbers that shall move smoothly: ``Interpolate("ball.x", "ball.y", snap_distance=50)``.

    :param paths: keys joined by dots, ``*`` for any key: ``"players.*.position"``. At their end stands a
        number or a list of numbers. A key of digits means the int key too. Only ``*`` matches a key that
        contains a dot.
    :param angle: ``"radians"`` or ``"degrees"``: turn the short way round. In between, a value may leave
        the range that the game keeps it in (3.2 radians on the way from 3.1 to -3.1): the direction is
        right.
    :param snap_distance: a longer way than this between two snapshots is a jump and not drawn as a
        movement. The paths of one rule that end in the same dict count together, as the coordinates of one point do.
    :param snap_on: path of a value (a counter of teleports, say) whose change tells that this was a jump.
        Its ``*`` stand for the same keys as those that the paths begin with.
    :param extrapolate: seconds for which the movement is carried on at its last speed when the next snapshot is
        late, should a buffer not bridge that long anyway. More keeps things moving through worse weather, and
        guesses wrong more often.
    :raises ValueError: a path is malformed, ``extrapolate`` is no such time, or ``snap_on`` has a ``*`` that the
        paths do not begin with.
    """

    paths: tuple[str, ...]
    angle: Literal["radians", "degrees"] | None
    snap_distance: float | None
    snap_on: str | None
    extrapolate: float

    def __init__(
        self,
        *paths: str,
        angle: Literal["radians", "degrees"] | None = None,
        snap_distance: float | None = None,
        snap_on: str | None = None,
        extrapolate: float = 0.0,
    ) -> None:
        if not paths:
            raise ValueError('Interpolate needs at least one path, such as "players.*.position"')
        if angle not in _PERIODS:
            raise ValueError(f'angle must be "radians", "degrees" or None, not {angle!r}')
        if snap_distance is not None and not snap_distance >= 0:
            raise ValueError(f"snap_distance must be a number from 0 up, or None, not {snap_distance!r}")
        if not 0 <= extrapolate < math.inf:
            raise ValueError(f"extrapolate must be a number of seconds from 0 up, not {extrapolate!r}")
        object.__setattr__(self, "paths", paths)
        object.__setattr__(self, "angle", angle)
        object.__setattr__(self, "snap_distance", snap_distance)
        object.__setattr__(self, "snap_on", snap_on)
        object.__setattr__(self, "extrapolate", extrapolate)
        for path in paths:
            self.guard_of(_parts(path))

    def guard_of(self, parts: tuple[str, ...]) -> tuple[int, tuple[str, ...]]:
        """Return how many parts of a path ``snap_on`` has in common with it, and the rest of ``snap_on``."""
        if self.snap_on is None:
            return 0, ()
        mark, shared = _parts(self.snap_on), 0
        while shared < min(len(parts), len(mark)) - 1 and parts[shared] == mark[shared]:
            shared += 1
        if _ANY in mark[shared:]:
            path = ".".join(parts)
            raise ValueError(f'snap_on={self.snap_on!r} has a "*" that is not in {path!r}')
        return shared, mark[shared:]


class Blender:
    """Computes states between two others, as a game's rules say.

    :param rules: paths, or :class:`Interpolate` for those that need more to be said.
    :raises ValueError: a path is malformed or named twice.
    """

    def __init__(self, rules: Iterable[str | Interpolate] = ()) -> None:
        self._root = _Node()
        self._ahead: dict[float, _Node] = {}  # the same rules, by their `extrapolate`
        self.can_snap = False  # whether any rule knows jumps
        named = set[str]()
        for rule in (rules,) if isinstance(rules, (str, Interpolate)) else rules:
            if not isinstance(rule, (str, Interpolate)):
                raise TypeError(f'a path such as "players.*.x", or an Interpolate, is expected; got {rule!r}')
            self._add(Interpolate(rule) if isinstance(rule, str) else rule, named)
        for root in (self._root, *self._ahead.values()):
            root.settle()

    def blend(self, older: Mapping[str, Any], newer: Mapping[str, Any], progress: float) -> Mapping[str, Any]:
        """Return the state ``progress`` (above 0, below 1) of the way from ``older`` to ``newer``.

        Both stay as they are. The result is ``older`` itself where nothing moves, else a copy along the moving paths.
        """
        result: Mapping[str, Any] = self._root.blend(older, newer, older, progress)
        return result

    @property
    def reach(self) -> float:
        """Seconds for which the rules want movement to be carried on, at most."""
        return max(self._ahead, default=0.0)

    def extrapolate(
        self,
        older: Mapping[str, Any],
        newer: Mapping[str, Any],
        span: float,
        overdue: float,
        bridging: float,
        easing: float = 0.0,
    ) -> Mapping[str, Any]:
        """Return ``newer`` with its movement carried on, as it was since ``older``, ``span`` seconds before.

        It goes on for ``bridging`` seconds, or longer where a rule says so; stays there for ``HOLDING`` and then
        returns: in the end it is ``newer`` itself again. What has appeared since ``older``, or jumped, has no speed.

        :param overdue: seconds since the time of ``newer``.
        :param easing: seconds of its speed that it goes beyond ``bridging``, slowing down evenly instead of stopping
            dead; what a rule says counts towards them.
        """
        result = newer
        for asked, root in self._ahead.items():
            reach = max(asked, bridging)
            ahead = carried(overdue, reach, max(bridging + easing - reach, 0.0))
            if ahead > 0.0 and span > 0.0:
                result = root.blend(newer, older, result, -ahead / span)
        return result

    def difference(self, state: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[Any, Any]:
        """Return by how much the numbers that move are other ones in ``shown``, in the shape of the state.

        Only what can be made good softly: neither jumps nor what is in one of them only.
        """
        return difference(self._root.blend(state, shown, state, 1.0), state)

    def _add(self, rule: Interpolate, named: set[str]) -> None:
        for path in rule.paths:
            if path in named:
                raise ValueError(f"the path {path!r} is named twice; name it in one rule only")
            named.add(path)
        self.can_snap = self.can_snap or rule.snap_on is not None or rule.snap_distance is not None
        for root in (self._root, self._ahead.setdefault(rule.extrapolate, _Node())):
            root.add_rule(rule)


class _Node:
    """What to do with one dict of the state: the rules, in the shape of the state."""

    __slots__ = ("any_child", "any_points", "children", "guarded", "only_point", "points")

    def __init__(self) -> None:
        self.points: list[_Point] = []  # numbers right here
        self.any_points: list[_Point] = []  # the same, under whatever key
        self.children: dict[str | int, _Node] = {}
        self.any_child: _Node | None = None
        self.guarded: dict[_Mark, _Node] = {}  # done here too unless the mark at that path changed
        self.only_point: _Point | None = None  # if there is nothing to do here but to move these numbers

    def add_rule(self, rule: Interpolate) -> None:
        """Take a rule in; this is the node of the whole state."""
        places: dict[int, tuple[_Node, list[str]]] = {}
        for path in rule.paths:
            node, name = self._find_place(rule, _parts(path))
            places.setdefault(id(node), (node, []))[1].append(name)
        for node, names in places.values():
            node._add_points(rule, names)

    def _find_place(self, rule: Interpolate, parts: tuple[str, ...]) -> tuple[_Node, str]:
        """Return the node of the dict that a path ends in, and the number's name there."""
        guarded_at, mark = rule.guard_of(parts)
        node = self
        for depth, part in enumerate(parts):
            if mark and depth == guarded_at:
                node = node.guarded.setdefault(tuple(map(_keys, mark)), _Node())
            if depth < len(parts) - 1:
                node = node._child(part)
        return node, parts[-1]

    def _child(self, part: str) -> _Node:
        """Return the node for a key, made if need be."""
        if part == _ANY:
            self.any_child = self.any_child or _Node()
            return self.any_child
        node = self.children.get(part) or _Node()
        self.children.update(dict.fromkeys(_keys(part), node))
        return node

    def _add_points(self, rule: Interpolate, names: list[str]) -> None:
        """Take note that the numbers of these names move as a rule says."""
        limit = _MAX if rule.snap_distance is None else min(rule.snap_distance, _MAX)
        period = _PERIODS[rule.angle]
        keys = tuple(key for name in names if name != _ANY for key in _keys(name))
        together = len(names) > 1 and rule.snap_distance is not None
        if keys:
            for known in self.points:  # fewer points are fewer calls per entity and frame
                if not together and (known.limit, known.period, known.together) == (limit, period, False):
                    self.points.remove(known)
                    keys = known.keys + keys
                    break
            self.points.append(_Point(keys, limit, period, together))
        if _ANY in names:
            self.any_points.append(_Point((), limit, period, False))

    def settle(self) -> None:
        """Find out what is the least to do here, and everywhere below; when all rules are known."""
        below = [*self.children.values(), *self.guarded.values()] + ([self.any_child] if self.any_child else [])
        for node in below:
            node.settle()
        alone = len(self.points) == 1 and not (below or self.any_points or self.points[0].together)
        self.only_point = self.points[0] if alone else None

    def blend(self, older: Any, newer: Any, out: Any, progress: float) -> Any:
        """Return ``out`` (``older``, or already a private copy of it) moved ``progress`` of the way on.

        Here and in what it calls, ``older`` itself comes back while nothing in it moves.
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
class _Point:
    """Numbers of one dict that move together, as one rule says."""

    keys: tuple[str | int, ...]
    limit: float  # a longer way is a jump; finite, so that an infinite one is
    period: float  # of an angle; 0 for what is none
    together: bool  # the limit is for the way of all of them as one point
    square_limit: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "square_limit", min(self.limit * self.limit, _MAX))

    def jumped(self, older: Any, newer: Any) -> bool:
        """Tell whether the numbers together moved farther than the limit."""
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


def _blend_children(child: _Node, keys: Iterable[str | int], older: Any, newer: Any, out: Any, progress: float) -> Any:
    """Move what is in those of the keys that hold dicts."""
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


def _blend_point(point: _Point, keys: Iterable[str | int], older: Any, newer: Any, out: Any, progress: float) -> Any:
    """Move the numbers under the keys. This is the innermost loop: it runs for each entity and frame."""
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
    """Return the numbers between those of two lists; ``a`` itself if nothing in it moves."""
    count = len(a)
    if count != len(b):
        return a
    if count == 2 and not period:  # most lists are points of a plane, and this is twice as fast
        x, y = a
        dx, dy = b
        if type(x) is type(y) is type(dx) is type(dy) is float:
            dx -= x
            dy -= y
            return [x + dx * progress, y + dy * progress] if 0.0 < dx * dx + dy * dy <= square_limit else a
    square, value = 0.0, []
    for x, y in zip(a, b):  # noqa: B905  # it costs, and their lengths are known
        if not (type(x) is float is type(y)) and not (type(x) in _NUMBERS and type(y) in _NUMBERS):
            return a
        way = _shortest(y - x, period) if period else y - x
        square += way * way
        value.append(x + way * progress)
    return value if 0.0 < square <= square_limit else a


def carried(overdue: float, reach: float, easing: float) -> float:
    """Return by how many seconds of its speed movement is carried on when news are overdue for that long.

    At full speed for ``reach``, then for ``2 * easing`` slower and slower: half of the way that it would have gone.
    """
    late = min(max(overdue - reach, 0.0), 2.0 * easing)
    ahead = min(overdue, reach) + (late * (1.0 - late / (4.0 * easing)) if late else 0.0)
    if overdue <= reach + HOLDING:
        return ahead
    return max(ahead * (1.0 - (overdue - reach - HOLDING) / RETURNING), 0.0)


def _shortest(way: float, period: float) -> float:
    """Return the way round a circle, at most half of it; infinite ways, and ways on a line, as they are."""
    return math.remainder(way, period) if period and math.isfinite(way) else way


def _parts(path: str) -> tuple[str, ...]:
    if not isinstance(path, str):
        raise TypeError(f'a path is a str such as "players.*.position", not {path!r}')
    parts = tuple(path.split("."))
    if any(not part or (_ANY in part and part != _ANY) for part in parts):
        raise ValueError(f'the path {path!r} is malformed: keys joined by single dots, "*" for a whole key')
    return parts


def _keys(part: str) -> tuple[str | int, ...]:
    """Return the keys that a part of a path can mean: a state's keys may be ints."""
    try:
        number = int(part)
    except ValueError:
        return (part,)
    return (part, number) if str(number) == part else (part,)


def _read(node: Any, mark: _Mark) -> Any:
    for keys in mark:
        if type(node) is not dict:
            return _MISSING
        here = node
        for key in keys:
            node = here.get(key, _MISSING)
            if node is not _MISSING:
                break
    return node
