"""State trees: the nested dicts of a game state.

A *frozen* tree is never changed after it is made, by convention. Two frozen trees share all equal parts. So ``is``
shows that a whole branch is unchanged, and a hundred past states cost little more than one. A frozen tree holds only
``str, bytes, int, float, bool, None``, lists of these, and dicts with ``str`` or ``int`` keys; :func:`Cleaner.clean`
makes such trees.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from .._diagnostics.advice import key_way_out, only_looks_plain, type_name, way_out
from ..errors import InvalidValue
from .whole import Whole

Tree = dict[Any, Any]

MAX_DEPTH: Final = 64
"""Deepest nesting of a state or an event's data, in levels. Every walk over a tree is recursive, so there is a
bound."""

MAX_INT: Final = 2**64 - 1
MIN_INT: Final = -(2**63)
"""Range of an int in msgpack: signed 64 bits below zero, unsigned 64 bits above."""

ABSENT: Final = object()
"""A missing value."""


class _ToDelete:
    """The type of TO_DELETE; there is one instance, so ``is`` compares."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "TO_DELETE"

    def __reduce__(self) -> str:
        return "TO_DELETE"


TO_DELETE: Final = _ToDelete()
"""A value in an update that removes its key. No value of a state equals it."""


class Unsendable(Exception):
    """A part of a value cannot be sent. Only for the walks over a value; their callers raise InvalidValue.

    :ivar what: the end of the sentence about it.
    """

    def __init__(self, what: str) -> None:
        self.what = what
        self._path: list[str] = []
        """It grows on the way up, innermost part first."""

    def under(self, part: str) -> None:
        """Put ``part`` before the path of the refused value."""
        self._path.append(part)

    def under_key(self, key: Any) -> None:
        self._path.append(f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!a}]")

    def as_error(self, name: str) -> InvalidValue:
        """Return the error to raise.

        :param name: of the whole value.
        """
        path = "".join(reversed(self._path))
        shown = path if len(path) <= 120 else f"{path[:60]} … {path[-40:]}"
        return InvalidValue(f"{name}{shown} {self.what}")


class Cleaner:
    """Copies values into the form of frozen trees, and refuses values that cannot be sent.

    :ivar size_bytes: upper bound of the serialised size of all values cleaned since it was set to 0.
    """

    __slots__ = ("size_bytes",)

    def __init__(self) -> None:
        self.size_bytes = 0

    def clean(self, value: Any, name: str) -> Any:
        """Return a private copy of ``value``: tuples as lists, values of subclasses as plain ones.

        :param name: of the value in error messages.
        :raises InvalidValue: a part cannot be sent; the message has its path and type.
        """
        try:
            return self._clean(value, 0)
        except Unsendable as unsendable:
            raise unsendable.as_error(name) from None

    def clean_attributes(self, attributes: Any, name: str) -> Tree:
        """Return a private copy of the attributes of a state or an update: a dict with text keys.

        :raises InvalidValue: it is no such dict, a part cannot be sent, or it has a ``time_order``, which only PyGaSe
            sets.
        """
        if not isinstance(attributes, dict):
            raise InvalidValue(
                f"{name} must be a dict of state attributes, such as {{'score': 1}}, or None; got {attributes!r:.80} "
                f"of type {type_name(attributes)}"
            )
        cleaned: Tree = self.clean(attributes, name)
        for key in cleaned:
            if type(key) is not str:
                raise InvalidValue(
                    f"{name} has the key {key!r}; on the top level keys are attribute names, so they must be str"
                )
        if "time_order" in cleaned:
            raise InvalidValue(
                f"{name} has time_order, which cannot be set: PyGaSe counts the ticks; leave it out (dict(game_state) "
                "does), and take another name for a counter of the game's own"
            )
        return cleaned

    def _clean(self, value: Any, depth: int) -> Any:
        kind = type(value)
        if kind is float or kind is bool or value is None or value is TO_DELETE:
            self.size_bytes += 9
            return value
        if kind is int:
            self.size_bytes += 9
            return value if MIN_INT <= value <= MAX_INT else _refuse_int(value)
        if kind is str:
            self.size_bytes += 5 + (len(value) if value.isascii() else _utf8_size(value))
            return value
        if kind is dict:
            return self._clean_dict(value, depth)
        if kind is list or kind is tuple:
            return self._clean_list(value, depth)
        if kind is bytes:
            self.size_bytes += 5 + len(value)
            return value
        return self._clean_subclass(value, depth)

    def _clean_dict(self, value: dict[Any, Any], depth: int) -> Tree:
        if depth > MAX_DEPTH:
            raise Unsendable(TOO_DEEP)
        self.size_bytes += 5 + 18 * len(value)  # a number as key and one as value; longer ones add their length
        result: Tree = {}
        key: Any = None
        try:
            for key, item in value.items():
                if type(key) is str and key.isascii():
                    if len(key) > 4:
                        self.size_bytes += len(key)
                elif type(key) is not int or not MIN_INT <= key <= MAX_INT:
                    key = self._clean_key(key)
                kind = type(item)
                if kind is float:  # the commonest values need no call, or one fewer
                    result[key] = item
                elif kind is dict:
                    result[key] = self._clean_dict(item, depth + 1)
                else:
                    result[key] = self._clean(item, depth + 1)
        except Unsendable as unsendable:
            unsendable.under_key(key)
            raise
        return result

    def _clean_key(self, key: Any) -> str | int:
        if type(key) is not str:
            if isinstance(key, bool) or not isinstance(key, (str, int)):
                raise Unsendable(f"is a key of type {type_name(key)}; keys must be str or int: {key_way_out(key)}")
            key = str.__str__(key) if isinstance(key, str) else int.__int__(key)
        return self._clean(key, MAX_DEPTH)  # type: ignore[no-any-return]

    def _clean_list(self, value: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        if depth > MAX_DEPTH:
            raise Unsendable(TOO_DEEP)
        self.size_bytes += 5
        if _SIMPLE.issuperset(map(type, value)):
            self.size_bytes += 9 * len(value)
            return list(value)
        result = []
        try:
            for item in value:
                if item is TO_DELETE:
                    raise Unsendable("is TO_DELETE in a list; lists are replaced whole, so leave the item out instead")
                if type(item) is Whole:
                    raise Unsendable(_MISPLACED)
                result.append(self._clean(item, depth + 1))
        except Unsendable as unsendable:
            unsendable.under(f"[{len(result)}]")
            raise
        return result

    def _clean_subclass(self, value: Any, depth: int) -> Any:
        if only_looks_plain(value):
            raise Unsendable(_not_plain(value))
        if type(value) is Whole:
            raise Unsendable(_MISPLACED)
        for base, convert in _CONVERSIONS:
            if isinstance(value, base):
                return self._clean(convert(value), depth)
        raise Unsendable(_not_plain(value))


_MISPLACED: Final = "is a Whole, which has its place in an update, as the value of a key; give its dict itself"

TOO_DEEP: Final = f"is nested deeper than {MAX_DEPTH} levels; flatten it (or does it contain itself?)"

_SIMPLE: Final = frozenset({float, bool, type(None)})
"""Types whose values need no check and no copy."""

_CONVERSIONS: Final[tuple[tuple[type, Callable[[Any], Any]], ...]] = (
    (int, int.__int__),
    (float, float.__float__),
    (str, str.__str__),
    (bytes, bytes),
    (bytearray, bytes),
    (dict, dict),
    (list, list),
    (tuple, list),
)
"""Values of subclasses (Sqn, IntEnum, namedtuple, defaultdict …) are sent as their base type."""


def _not_plain(value: Any) -> str:
    return f"is of type {type_name(value)}, which cannot be sent; {way_out(value)}"


def _refuse_int(value: int) -> Any:
    raise Unsendable(f"is an int beyond 64 bits ({value.bit_length()} bits); send it as str or bytes")


def _utf8_size(value: str) -> int:
    try:
        return len(value.encode())
    except UnicodeEncodeError as error:
        raise Unsendable(f"is a str that is not valid Unicode ({error.reason})") from None


def thawed(value: Any) -> Any:
    """Return a deep copy of a part of a frozen tree that may be changed."""
    kind = type(value)
    if kind is dict:
        return {k: v if type(v) is float or type(v) is int else thawed(v) for k, v in value.items()}
    if kind is list:
        return [v if type(v) is float or type(v) is int else thawed(v) for v in value]
    return value


def too_deep(value: Any, depth: int = 0) -> bool:
    """Return whether a value, with ``depth`` levels above it, is nested deeper than MAX_DEPTH."""
    level = [value] if type(value) is dict or type(value) is list else []
    while level:
        if depth > MAX_DEPTH:
            return True
        below: list[Any] = []
        for node in level:
            items = node.values() if type(node) is dict else node
            if not _NODES.isdisjoint(map(type, items)):
                below += [item for item in items if type(item) is dict or type(item) is list]
        level, depth = below, depth + 1
    return False


_NODES: Final = frozenset({dict, list})


def exactly_equal(a: Any, b: Any) -> bool:
    """Return whether two clean values are equal to the last bit: 1, 1.0 and True differ, and so do 0.0 and -0.0."""
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is float:
        return (a == b and (a != 0.0 or math.copysign(1.0, a) == math.copysign(1.0, b))) or (a != a and b != b)
    if kind is list:
        return len(a) == len(b) and all(map(exactly_equal, a, b))
    if kind is dict:
        return len(a) == len(b) and all(k in b and exactly_equal(v, b[k]) for k, v in a.items())
    return bool(a == b)


def first_difference(a: Any, b: Any, path: str = "") -> str | None:
    """Return the path of one difference between two trees; None if they are exactly equal."""
    if type(a) is dict and type(b) is dict:
        for key in [*a, *(k for k in b if k not in a)]:
            named = isinstance(key, str) and key.isidentifier()
            here = (f"{path}.{key}" if named else f"{path}[{key!r}]") if path else str(key)
            found = first_difference(a.get(key, ABSENT), b.get(key, ABSENT), here)
            if found is not None:
                return found
        return None
    return None if a is b or exactly_equal(a, b) else path


def without_markers(value: Tree) -> Tree:
    """Return the tree that an update creates where none was: without its nested TO_DELETE and Whole."""
    return {k: _without_marker(v) for k, v in value.items() if v is not TO_DELETE}


def _without_marker(value: Any) -> Any:
    kind = type(value)
    if kind is Whole:
        return without_markers(value.mapping)
    return without_markers(value) if kind is dict else value


def merge_in_place(target: Tree, update: Tree) -> None:
    """Merge a clean update into a thawed tree, which gets copies of the values."""
    for key, value in tuple(update.items()):  # the update may share parts with the target
        if value is TO_DELETE:
            target.pop(key, None)
        elif type(value) is dict:
            inner = target.get(key)
            if isinstance(inner, dict):
                merge_in_place(inner, value)
            else:
                target[key] = thawed(without_markers(value))
        elif type(value) is Whole:
            target[key] = thawed(without_markers(value.mapping))
        else:
            target[key] = thawed(value) if type(value) is list else value


def merged_updates(older: Tree, newer: Tree) -> Tree:
    """Return the update that has the effect of ``older`` and then ``newer``. TO_DELETE and Whole stay in it."""
    result = dict(older)
    for key, value in newer.items():
        before = result.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            result[key] = merged_updates(before, value)
        elif isinstance(value, dict) and type(before) is Whole:
            then = thawed(without_markers(before.mapping))
            merge_in_place(then, value)
            result[key] = Whole(then)
        else:
            result[key] = value
    return result


def as_lists(value: Any) -> Any:
    """Return a copy of a value with its tuples as lists, as the receiver gets it."""
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_lists(item) for item in value]
    return value
