"""What goes first to a client for which a whole state is too large: the things of a state, and their weights.

A state is divided into *things*, which change as a whole. An item of an attribute is a thing if it is a dict, such as
``ents.7``. All other items of an attribute are one thing together, such as a dict ``ball`` with ``x`` and ``y``. A
pattern divides further: what it matches is a thing of its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..errors import InvalidValue
from .precision import MAX_PATHS
from .shared_inputs import SHARED_INPUTS
from .state_paths import ANY_KEY, keys_of, parts_of
from .tree import MAX_DEPTH, TO_DELETE, Tree

ME: Final = "{me}"
"""The key that means the id of the client."""

LEAST_WEIGHT: Final = 0.001
GREATEST_WEIGHT: Final = 1000.0

ALWAYS: Final = math.inf
"""The weight of what is never left out."""

Path = tuple[str | int, ...]
Weigh = Callable[[int, Path, Any], float]
"""``weigh(client_id, path, record) -> float``. ``record`` is the thing's newest value, or its last if it is gone."""


class Thing:
    """A thing whose newest value a client does not have.

    :ivar path: its keys.
    :ivar delta: what has changed in it, or TO_DELETE.
    :ivar is_rest: whether it is those items of the dict at ``path`` that are no things of their own.
    """

    __slots__ = ("delta", "is_rest", "path", "weight")

    def __init__(self, path: Path, delta: Any, weight: float, is_rest: bool) -> None:
        self.path = path
        self.delta = delta
        self.weight = weight
        self.is_rest = is_rest

    @property
    def place(self) -> Path:
        """The keys of the dict in which it is."""
        return self.path if self.is_rest else self.path[:-1]


class _Rule:
    """What the patterns say of one place.

    :ivar weight: 0.0 for that of the place above.
    """

    __slots__ = ("every", "mine", "named", "weight")

    def __init__(self) -> None:
        self.weight = 0.0
        self.named: dict[Any, _Rule] = {}
        self.mine: _Rule | None = None
        self.every: _Rule | None = None

    @property
    def has_parts(self) -> bool:
        return bool(self.named) or self.mine is not None or self.every is not None

    def below(self, key: str | int, client_id: int) -> _Rule | None:
        """Return the rule for a key: that of the client itself before a named one, and that before ``*``."""
        if self.mine is not None and (key == client_id or key == str(client_id)):
            return self.mine
        return self.named.get(key, self.every)


class Priorities:
    """The weights of the things of a state.

    :param patterns: paths and weights, checked by :meth:`parse`.
    :param weigh: the game's own function, instead of patterns.
    """

    __slots__ = ("_root", "_weigh")

    def __init__(self, patterns: Mapping[str, float], weigh: Weigh | None = None) -> None:
        self._weigh = weigh
        self._root = _rule([(parts_of(path), float(weight)) for path, weight in patterns.items()])

    @staticmethod
    def parse(declared: Mapping[Any, Any]) -> Priorities:
        """Check the patterns that a game declares.

        :raises InvalidValue: a path or a weight makes no sense.
        """
        if len(declared) > MAX_PATHS:
            raise InvalidValue(f'priority has {len(declared)} paths, at most {MAX_PATHS} are possible: write "*"')
        for path, weight in declared.items():
            _check(path, weight)
        return Priorities(declared)

    def things(self, old: Tree, new: Tree, delta: Tree, client_id: int) -> list[Thing]:
        """Return the things at which two states differ. A client's own, whose key is its id, have the weight ALWAYS.

        :param delta: leads from ``old``, which the client has, to ``new``.
        """
        collector = _Collector(client_id, self._weigh)
        for name, change in delta.items():
            if name == SHARED_INPUTS:  # of the state's own tick, so they never wait
                collector.things.append(Thing((name,), change, ALWAYS, False))
                continue
            before, value = old.get(name), new.get(name)
            rule = self._root.below(name, client_id)
            weight = rule.weight if rule is not None and rule.weight else 1.0
            if type(change) is dict and type(before) is dict and type(value) is dict:
                collector.parts((name,), before, value, change, rule, weight)
            else:
                collector.add((name,), change, weight, value if change is not TO_DELETE else before)
        return collector.things


class _Collector:
    """Divides the difference of two states into things."""

    __slots__ = ("_client_id", "_own_keys", "_weigh", "things")

    def __init__(self, client_id: int, weigh: Weigh | None) -> None:
        self._client_id = client_id
        self._own_keys = frozenset((client_id, str(client_id)))
        self._weigh = weigh
        self.things: list[Thing] = []

    def parts(self, path: Path, old: Tree, new: Tree, delta: Tree, rule: _Rule | None, weight: float) -> None:
        """Divide the difference of two dicts at one place."""
        rest: Tree = {}
        is_table = len(path) == 1
        for key, change in delta.items():
            before, value = old.get(key), new.get(key)
            below = rule.below(key, self._client_id) if rule is not None else None
            its_weight = below.weight if below is not None and below.weight else weight
            are_dicts = type(before) is dict and type(value) is dict and type(change) is dict
            if below is not None and below.has_parts and are_dicts:
                self.parts((*path, key), old[key], new[key], change, below, its_weight)
            elif below is not None or (is_table and (type(before) is dict or type(value) is dict)):
                self.add((*path, key), change, its_weight, value if change is not TO_DELETE else before)
            else:
                rest[key] = change
        if rest:
            self.add(path, rest, weight, new, is_rest=True)

    def add(self, path: Path, change: Any, weight: float, record: Any, is_rest: bool = False) -> None:
        """Add a thing.

        :param record: its newest value.
        """
        if not self._own_keys.isdisjoint(path):
            weight = ALWAYS
        elif self._weigh is not None:
            weight = self._weigh(self._client_id, path, record)
        self.things.append(Thing(path, change, weight, is_rest))


def with_things(old: Tree, new: Tree, things: list[Thing]) -> Tree:
    """Return ``old`` with some things as they are in ``new``. It shares the unchanged parts, and the things."""
    copies: dict[Path, Tree] = {(): old.copy()}
    for thing in things:
        place = thing.place
        target, source = _copy(copies, place), new
        for key in place:
            source = source[key]
        for key in thing.delta if thing.is_rest else thing.path[-1:]:
            _put(target, source, key)
    return copies[()]


def _copy(copies: dict[Path, Tree], path: Path) -> Tree:
    """Return the dict at a path of the new tree, which is copied once."""
    found = copies.get(path)
    if found is None:
        above = _copy(copies, path[:-1])
        copied: Tree = above[path[-1]].copy()
        above[path[-1]] = copies[path] = found = copied
    return found


def delta_of(things: list[Thing]) -> Tree:
    """Return the delta of some things alone."""
    delta: Tree = {}
    for thing in things:
        node = delta
        for key in thing.place:
            node = node.setdefault(key, {})
        if thing.is_rest:
            node.update(thing.delta)
        else:
            node[thing.path[-1]] = thing.delta
    return delta


def _put(target: Tree, source: Tree, key: str | int) -> None:
    if key in source:
        target[key] = source[key]
    else:
        target.pop(key, None)


def _rule(patterns: list[tuple[tuple[str, ...], float]]) -> _Rule:
    """Return the rule of a place, of the patterns below it. What is named counts before ``*``, and inherits from it."""
    rule = _Rule()
    below: dict[str, list[tuple[tuple[str, ...], float]]] = {}
    for parts, weight in patterns:
        if parts:
            below.setdefault(parts[0], []).append((parts[1:], weight))
        else:
            rule.weight = weight
    every = below.pop(ANY_KEY, [])
    if every:
        rule.every = _rule(every)
    for name, own in below.items():
        child = _rule([*every, *own])
        if name == ME:
            rule.mine = child
        else:
            for key in keys_of(name):
                rule.named[key] = child
    return rule


def _check(path: Any, weight: Any) -> None:
    """:raises InvalidValue: with what was expected."""
    try:
        parts = parts_of(path)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f'priority: {error}; such as "ents.*", or "ents.{ME}" for the client\'s own') from None
    for part in parts:
        if ("{" in part or "}" in part) and part != ME:
            raise InvalidValue(
                f'priority: the path {path!r} has the key {part!r}; the only key in braces is "{ME}", for the id of '
                "the client"
            )
    if parts[0] in (ANY_KEY, ME) or len(parts) > MAX_DEPTH:
        raise InvalidValue(
            f'priority: the path {path!r} must begin with the name of a state attribute, such as "ents.*", and have at '
            f"most {MAX_DEPTH} keys"
        )
    check_weight(weight, f"priority[{path!r}]")


def check_weight(weight: Any, name: str) -> None:
    """:raises InvalidValue: it is no weight.

    :param name: of the weight, in the message.
    """
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not is_weight(weight):
        raise InvalidValue(
            f"{name} must be a weight from {LEAST_WEIGHT:g} to {GREATEST_WEIGHT:g}, such as 10.0 for what is ten times "
            f"as urgent, or math.inf for what is never left out; got {weight!r:.80}"
        )


def is_weight(number: float) -> bool:
    """Return whether a number is a possible weight."""
    return LEAST_WEIGHT <= number <= GREATEST_WEIGHT or number == ALWAYS
