"""The deltas of the latest ticks, and the difference of two trees by them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from .delta import diff
from .tree import ABSENT, TO_DELETE, Tree

_SMALL: Final = 32
"""Items of a dict up to which all are compared: that takes less time than to find out which to leave out."""


class KnownDeltas:
    """Keeps the delta of each tick that has changed something: the update that leads to it from the tick before.

    With them a difference costs as much as has changed, and not as much as there is.
    """

    __slots__ = ("_deltas",)

    def __init__(self) -> None:
        self._deltas: dict[int, Tree | None] = {}

    def add(self, tick: int, delta: Tree | None) -> None:
        """Take in the delta of a newer tick; None if it is not known."""
        self._deltas[tick] = delta

    def drop(self, tick: int) -> None:
        """Forget the oldest tick."""
        self._deltas.pop(tick, None)

    def difference(self, since: int, old: Tree, new: Tree) -> Tree:
        """Return the delta from ``old`` to ``new``, as :func:`diff` does.

        :param since: the tick of ``old``, not dropped yet; ``new`` is the tree of the newest tick.
        """
        passed: list[Tree] = []
        for tick in reversed(self._deltas):
            if tick <= since:
                break
            delta = self._deltas[tick]
            if delta is None:
                return diff(old, new)
            passed.append(delta)
        return passed[0] if len(passed) == 1 else _difference(old, new, passed)


def _difference(old: Tree, new: Tree, passed: list[Tree]) -> Tree:
    """Return the delta from ``old`` to ``new``. ``passed`` are the deltas between the two."""
    delta: Tree = {}
    for key in _touched(old, new, passed):
        before, value = old.get(key, ABSENT), new.get(key, ABSENT)
        if before is value:
            continue
        if value is ABSENT:
            delta[key] = TO_DELETE
        elif type(value) is dict and type(before) is dict:
            inner = _inner_difference(key, before, value, passed)
            if inner:
                delta[key] = inner
        else:
            delta[key] = value
    return delta


def _touched(old: Tree, new: Tree, passed: list[Tree]) -> Iterable[Any]:
    """Return the keys that may differ."""
    if len(new) > _SMALL and sum(map(len, passed)) < len(new):
        return set[str | int]().union(*passed)
    return new if old.keys() <= new.keys() else {**old, **new}


def _inner_difference(key: str | int, old: Tree, new: Tree, passed: list[Tree]) -> Tree:
    below: list[Tree] = []
    for delta in passed:
        value = delta.get(key)
        if type(value) is dict:
            below.append(value)
        elif key in delta:  # for a while there was no dict
            return diff(old, new)
    return _difference(old, new, below)
