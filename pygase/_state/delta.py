"""The difference of two state trees, and its application.

A delta is a nested dict. A dict under a key means "merge", TO_DELETE means "remove", any other value means "replace".
If the receiver has no dict under the key, a dict is the new value. A delta expresses every change exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..errors import MalformedPacket
from .reading import Readable
from .tree import ABSENT, MAX_DEPTH, TO_DELETE, Tree, as_lists, exactly_equal, too_deep


def changes(before: Mapping[Any, Any] | Readable, after: Mapping[Any, Any] | Readable) -> Tree:
    """Return the update that turns ``before`` into ``after``: the changed values only, in nested dicts.

    Return it from ``time_step`` or an event handler if the rules of a game compute a whole new state::

        def time_step(game_state, dt):
            return pygase.changes(game_state, rules.step(game_state, dt))

    Keys that are missing in ``after`` become ``TO_DELETE``. Dicts are compared key by key, all other values as a whole.
    A list equals a tuple of the same items, because tuples arrive as lists; ``1``, ``1.0`` and ``True`` differ.

    :param before: a state or a dict, such as one player.
    :param after: the state or dict that the update leads to.
    :returns: a new dict, empty if nothing changed. It shares the changed values with ``after``.
    :raises TypeError: one of them is neither a state nor a dict.
    """
    return diff(_attributes(before), _attributes(after), _same_when_sent)


def _attributes(state: object) -> Tree:
    if not isinstance(state, (Mapping, Readable)):
        raise TypeError(f"changes(before, after) takes two states or dicts, got {state!r:.80}")
    return {key: state[key] for key in state}


def _same_when_sent(a: Any, b: Any) -> bool:
    return exactly_equal(as_lists(a), as_lists(b))


def diff(old: Tree, new: Tree, same: Callable[[Any, Any], bool] | None = None) -> Tree:
    """Return the delta from ``old`` to ``new``. Branches that are one object in both are skipped.

    :param same: compares two values that are no dicts. By default only identical objects are the same: equal values of
        different identity then cost bytes, never correctness.
    """
    delta: Tree = {}
    common = len(old)
    for key, value in new.items():
        before = old.get(key, ABSENT)
        if before is value:
            continue
        if isinstance(value, dict) and isinstance(before, dict):
            inner = diff(before, value, same)
            if inner:
                delta[key] = inner
        elif same is None or not same(before, value):
            delta[key] = value
            if before is ABSENT:
                common += 1
    if common != len(new):
        for key in old:
            if key not in new:
                delta[key] = TO_DELETE
    return delta


def apply(old: Tree, delta: Any, depth: int = 0, copied: list[int] | None = None) -> Tree:
    """Return ``old`` with a received ``delta`` applied. The result shares all unchanged parts.

    :param depth: levels of the tree above ``old``.
    :param copied: a list to which the number of items of each copied dict is appended.
    :raises MalformedPacket: the delta is no dict, or is nested too deeply.
    """
    if type(delta) is not dict or depth > MAX_DEPTH:
        raise MalformedPacket("a delta that is no dict, or nested too deeply")
    new = old.copy()
    if copied is not None:
        copied.append(len(new))
    for key, value in delta.items():
        if value is TO_DELETE:
            new.pop(key, None)
        elif type(value) is dict:
            before = old.get(key)
            new[key] = apply(before if type(before) is dict else {}, value, depth + 1, copied)
        else:
            if type(value) is list and too_deep(value, depth + 1):
                raise MalformedPacket("a list nested too deeply")
            new[key] = value
    return new
