"""The difference of two frozen state trees, and its application.

A delta is a nested dict: a dict under a key means "merge", anything else "replace", TO_DELETE "remove". Where the
receiver has no dict under the key, a dict is the new value. So every change between any two trees can be expressed,
exactly.
"""

from __future__ import annotations

from typing import Any, Final

from ..errors import MalformedPacket
from .tree import MAX_DEPTH, TO_DELETE, Tree, too_deep

_MISSING: Final = object()


def diff(old: Tree, new: Tree) -> Tree:
    """Return the delta from ``old`` to ``new``. Parts which both share are not looked into.

    Scalars are compared by identity: equal ones of different identity cost bytes, never correctness.
    """
    delta: Tree = {}
    common = len(old)
    for key, value in new.items():
        before = old.get(key, _MISSING)
        if before is value:
            continue
        if type(value) is dict and type(before) is dict:
            inner = diff(before, value)
            if inner:
                delta[key] = inner
        else:
            delta[key] = value
            if before is _MISSING:
                common += 1
    if common != len(new):
        for key in old:
            if key not in new:
                delta[key] = TO_DELETE
    return delta


def apply(old: Tree, delta: Any, depth: int = 0, copied: list[int] | None = None) -> Tree:
    """Return ``old`` with a received ``delta`` applied; what does not change is shared, ``old`` stays as it is.

    :param copied: to this is added how many items each dict has that had to be copied for it.
    :raises MalformedPacket: if the delta is no dict, or nested too deeply.
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
