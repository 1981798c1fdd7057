"""The deltas of the latest ticks, and the difference of two trees by them."""

from __future__ import annotations

from typing import Any, Final

from .delta import diff
from .tree import ABSENT, TO_DELETE, Tree

_SMALL: Final = 32
"""Items of a dict without dicts up to which all are compared: that takes less time than to find out which to leave
out."""

_DICTS: Final = frozenset({dict})


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

    def difference(self, since: int, old: Tree, new: Tree, missing: Tree | None = None) -> Tree:
        """Return the delta from ``old`` to ``new``, as :func:`diff` does.

        :param since: the tick of ``old``, not dropped yet; ``new`` is the tree of the newest tick.
        :param missing: names where ``old`` differs from the tree of its tick; None: nowhere.
        """
        passed: list[Tree] = [missing] if missing else []
        for tick in reversed(self._deltas):
            if tick <= since:
                break
            delta = self._deltas[tick]
            if delta is None:
                return diff(old, new)
            passed.append(delta)
        if len(passed) == 1 and not missing:
            return passed[0]
        passed.reverse()
        return _difference(old, new, passed)


def _difference(old: Tree, new: Tree, passed: list[Tree]) -> Tree:
    """Return the delta from ``old`` to ``new``. ``passed`` are the deltas between the two, the oldest first.

    A key that a single one of them has keeps the change that it has there.
    """
    delta: Tree = {}
    several = set[str | int]()
    for each in passed:
        if delta:
            several.update(delta.keys() & each.keys())
        delta.update(each)
    for key in several:
        change = _change(key, old.get(key, ABSENT), new.get(key, ABSENT), passed)
        if change is ABSENT:
            del delta[key]
        else:
            delta[key] = change
    return delta


def _change(key: str | int, before: Any, value: Any, passed: list[Tree]) -> Any:
    """Return what a delta says of a key that several have changed; ABSENT for nothing."""
    if before is value:
        return ABSENT
    if value is ABSENT:
        return TO_DELETE
    if type(value) is dict and type(before) is dict:
        return _inner_difference(key, before, value, passed) or ABSENT
    return value


def _inner_difference(key: str | int, old: Tree, new: Tree, passed: list[Tree]) -> Tree:
    if len(new) <= _SMALL and len(old) <= _SMALL and _DICTS.isdisjoint(map(type, new.values())):
        return diff(old, new)
    below: list[Tree] = []
    for delta in passed:
        value = delta.get(key)
        if type(value) is dict:
            below.append(value)
        elif key in delta:  # for a while there was no dict
            return diff(old, new)
    return _difference(old, new, below)
