"""The bodies of a part of a state: their numbers as flat lists, read and written by the rules of a game.

A :class:`Body` is the key of a body in these mappings.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from operator import itemgetter
from typing import Any, Final

from .._state.state_paths import ANY_KEY, keys_of, parts_of
from .._state.tree import ABSENT
from .glide import Glide

_NUMBERS: Final = frozenset({int, float})  # by exact type: a bool does not glide

Keys = tuple[Any, ...]


class Body(str):
    """A body of a world, as a key: a text, whose hash is known.

    :ivar rule: the index of its Glide; -1 for a body without one.
    :ivar keys: lead to it.
    :ivar names: the keys of its numbers.
    :ivar path: its path, as text.
    :ivar read: returns its values from its dict: a tuple, or the only one.
    """

    __slots__ = ("keys", "names", "path", "read", "rule")

    rule: int
    keys: Keys
    names: Keys
    path: str
    read: Callable[[Any], Any]

    @staticmethod
    def of(rule: int, keys: Keys, names: Keys) -> Body:
        """Return the body at these keys."""
        body = Body(f"{rule} {keys} {names}")
        body.rule, body.keys, body.names, body.path = rule, keys, names, ".".join(map(str, keys))
        body.read = itemgetter(*names)
        return body


MAX_REMEMBERED: Final = 4096
"""Bodies of a rule whose keys are kept for the next reading."""

Values = tuple[float, ...]

Numbers = dict[Body, Values]
"""The numbers of each body, in the order of its names."""


class GlidingBodies:
    """The bodies that glide by the rules of a game.

    :param glides: the rules. Without any, each dict and each list that holds floats is a body of all of them.
    :param all_mine: whether all bodies are the player's own.
    :raises TypeError: one is no Glide.
    :raises ValueError: two name the same number.
    """

    def __init__(self, glides: Glide | Iterable[Glide] = (), *, all_mine: bool = False) -> None:
        self._all_mine = all_mine
        self.glides = (glides,) if isinstance(glides, Glide) else tuple(glides)
        named = set[str]()
        for glide in self.glides:
            if not isinstance(glide, Glide):
                raise TypeError(f'glide expected rules such as Glide("cars.*", "x", "y"), got {glide!r:.80}')
            for path in glide.interpolation().paths:
                if path in named:
                    raise ValueError(f"the path {path!r} is named twice; name it in one Glide only")
                named.add(path)
        self._kinds = [_Kind(index, glide) for index, glide in enumerate(self.glides)]
        self._periods = [glide.interpolation().whole for glide in self.glides]
        self._limits = [math.inf if glide.snap is None else float(glide.snap) for glide in self.glides]
        self._marks = [(index, _steps(glide.snap_on)) for index, glide in enumerate(self.glides) if glide.snap_on]

    def read(self, part: Any) -> Numbers:
        """Return the numbers of all bodies in a part of a state."""
        found: Numbers = {}
        if not self.glides:
            _read_floats(part, (), found)
        for kind in self._kinds:
            kind.read(part, found)
        return found

    def write(self, part: Any, numbers: Numbers) -> None:
        """Set the numbers of these bodies in a part that may be changed and has these bodies."""
        for body, values in numbers.items():
            node = part
            for key in body.keys:
                node = node[key]
            place = 0
            for name in body.names:
                old = node[name]
                if type(old) is list:
                    node[name] = list(values[place : place + len(old)])
                    place += len(old)
                else:
                    node[name] = values[place]
                    place += 1

    def marks(self, part: Any) -> dict[Body, Any]:
        """Return the value of ``snap_on`` of each body that has one."""
        found: dict[Body, Any] = {}
        for index, mark in self._marks:
            bodies: Numbers = {}
            self._kinds[index].read(part, bodies)
            depth = len(_steps(self.glides[index].body))
            for body in bodies:
                keys = _filled(mark, self.glides[index].body, body.keys[:depth])
                found[body] = _value_at(part, keys)
        return found

    def distance(self, body: Body, here: Values, there: Values) -> float:
        """Return the distance between two places of a body; infinity if it is so long that the body jumps."""
        if body.rule < 0:
            return math.dist(here, there)
        whole, limit = self._periods[body.rule], self._limits[body.rule]
        distance = math.hypot(*self.ways(body, here, there)) if whole else math.dist(here, there)
        return distance if distance <= limit else math.inf

    def ways(self, body: Body, here: Values, there: Values) -> list[float]:
        """Return the way of each number of a body; the short way round for angles."""
        period = self._periods[body.rule] if body.rule >= 0 else 0.0
        if not period:
            return [b - a for a, b in zip(here, there, strict=False)]
        return [_shortest(b - a, period) for a, b in zip(here, there, strict=False)]

    def jumps(self, body: Body, way: list[float]) -> bool:
        """Return whether a way is so long that the body jumps."""
        limit = self._limits[body.rule] if body.rule >= 0 else math.inf
        return not math.hypot(*way) <= limit

    def time(self, body: Body, me: Any) -> float:
        """Return the seconds in which an error of a body fades.

        :param me: the player's own id.
        """
        if body.rule < 0:
            return DEFAULT.mine
        glide = self.glides[body.rule]
        places = zip(_steps(glide.body), body.keys, strict=False)
        own = self._all_mine or any(part == ANY_KEY and me is not None and str(key) == str(me) for part, key in places)
        return glide.mine if own else glide.time


DEFAULT: Final = Glide("*", "x")
"""Where the usual times stand."""


class _Kind:
    """Finds the bodies of one rule."""

    def __init__(self, index: int, glide: Glide) -> None:
        self._index = index
        self._steps = [None if part == ANY_KEY else keys_of(part) for part in _steps(glide.body)]
        self._names = [keys_of(name) for name in glide.names]
        self._below: dict[Any, dict[Any, Body]] = {}  # the bodies under a key, or by all their keys

    def read(self, part: Any, found: Numbers) -> None:
        """Add the numbers of all bodies of this kind."""
        steps = self._steps
        if len(steps) != 2 or steps[1] is not None or steps[0] is None or type(part) is not dict:
            for keys, node in _matches(part, steps, ()):
                if type(node) is dict:
                    self._take(node, keys, found)
            return
        for key in steps[0]:  # "cars.*", the usual case
            nodes, known = part.get(key), self._below.setdefault(key, {})
            if type(nodes) is dict:
                for inner, node in nodes.items():
                    if type(node) is dict:
                        self._add(known.get(inner) or self._remembered(node, (key, inner), inner, known), node, found)

    def _take(self, node: dict[Any, Any], keys: Keys, found: Numbers) -> None:
        known = self._below.setdefault(None, {})
        self._add(known.get(keys) or self._remembered(node, keys, keys, known), node, found)

    def _add(self, body: Body, node: dict[Any, Any], found: Numbers) -> None:
        try:
            values = body.read(node)
        except KeyError:
            return
        if type(values) is not tuple:
            values = (values,)
        if not _NUMBERS.issuperset(map(type, values)):
            flat = _flat(values)
            if flat is None:
                return
            values = flat
        found[body] = values

    def _remembered(self, node: dict[Any, Any], keys: Keys, key: Any, known: dict[Any, Body]) -> Body:
        if len(known) >= MAX_REMEMBERED:
            known.clear()
        names = tuple([next((key for key in choices if key in node), choices[0]) for choices in self._names])
        body = known[key] = Body.of(self._index, keys, names)
        return body


def _flat(values: tuple[Any, ...]) -> Values | None:
    """Return the numbers of a list of numbers and lists of numbers; None if there is anything else."""
    numbers: list[float] = []
    for value in values:
        numbers += value if type(value) is list else [value]
    return tuple(numbers) if _NUMBERS.issuperset(map(type, numbers)) else None


def _steps(path: str | None) -> tuple[str, ...]:
    return parts_of(path) if path else ()


def _matches(node: Any, steps: list[tuple[str | int, ...] | None], keys: Keys) -> Iterator[tuple[Keys, Any]]:
    """Yield the keys and the values that a path leads to."""
    if not steps:
        yield keys, node
        return
    items: Iterable[tuple[Any, Any]]
    if steps[0] is None:
        items = node.items() if type(node) is dict else enumerate(node) if type(node) is list else ()
    else:
        items = [(key, node[key]) for key in steps[0] if key in node] if type(node) is dict else ()
    for key, value in items:
        yield from _matches(value, steps[1:], (*keys, key))


def _read_floats(node: Any, keys: Keys, found: Numbers) -> None:
    """Add a body for each dict and each list that holds floats."""
    kind = type(node)
    if kind is not dict and kind is not list:
        return
    items = list(node.items() if kind is dict else enumerate(node))
    names = tuple(key for key, value in items if type(value) is float)
    if names:
        found[Body.of(-1, keys, names)] = tuple([node[name] for name in names])
    for key, value in items:
        if type(value) is dict or type(value) is list:
            _read_floats(value, (*keys, key), found)


def _filled(mark: tuple[str, ...], body: str, keys: Keys) -> Keys:
    """Return the path of a mark with the keys of a body in the place of each ``*``."""
    given = [key for part, key in zip(_steps(body), keys, strict=False) if part == ANY_KEY]
    filled: list[Any] = []
    for part in mark:
        filled.append(given[sum(other == ANY_KEY for other in mark[: len(filled)])] if part == ANY_KEY else part)
    return tuple(filled)


def _value_at(node: Any, keys: Keys) -> Any:
    for key in keys:
        if type(node) is not dict:
            return ABSENT
        choices = keys_of(key) if isinstance(key, str) else (key,)
        node = next((node[choice] for choice in choices if choice in node), ABSENT)
    return node


def _shortest(way: float, period: float) -> float:
    return math.remainder(way, period) if math.isfinite(way) else way


def moved(numbers: Numbers, ways: Mapping[Body, list[float]], share: float = 1.0) -> Numbers:
    """Return the numbers with a share of these ways added."""
    return {
        body: tuple([a + way * share for a, way in zip(values, ways[body], strict=False)]) if body in ways else values
        for body, values in numbers.items()
    }
