"""Shapes of states, to check whether a state is one of this game's. Pure.

A server is a stranger. Before a window shows a state, the game checks it, and leaves the server if it does not fit
(`SessionOptions(check=...)`)::

    CHECK = State(players=Each({"name": Text(), "x": Number(0, WIDTH), "it": Flag()}), winner=Number(whole=True))
    CHECK({"players": {7: {"name": "Ada", "x": nan, "it": True}}, "winner": 0})   # "its players.7.x is nan, not a ..."

A dict may have more keys than the shape: a newer server may send more. Everything is bounded, so that a state that fits
can be drawn in a frame's time.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Shape = Callable[[Any], str]
"""A function of a value: "" if it fits, otherwise the rest of a sentence that begins with its name: ".x is nan, not
..."."""

FAR: Final = 1e6
"""The largest number, in any unit, unless a shape says otherwise."""

LONGEST_TEXT: Final = 200
"""Characters of a text."""

MAX_ENTRIES: Final = 256
"""Things of a kind: no server has more clients."""


def State(**parts: Any) -> Shape:  # reads like a class
    """Return the shape of a state with these attributes. Its faults are whole sentences."""
    shape = _Parts(parts)

    def check(state: Any) -> str:
        wrong = shape(state)
        return f"its {wrong[1:]}" if wrong.startswith(".") else f"its state{wrong}" if wrong else ""

    return check


class Number:
    """A number from `low` to `high`, an int if `whole`; never NaN."""

    def __init__(self, low: float = -FAR, high: float = FAR, *, whole: bool = False) -> None:
        self._low, self._high = low, high
        self._kinds = (int,) if whole else (int, float)
        self._name = f"a {'whole ' if whole else ''}number from {low:,.10g} to {high:,.10g}"

    def __call__(self, value: Any) -> str:
        """Return the fault, or ""."""
        fits = type(value) in self._kinds and self._low <= value <= self._high
        return "" if fits else _not(value, self._name)


class Text:
    """A text of `longest` characters at most; one of the `choices` if there are any."""

    def __init__(self, *choices: str, longest: int = LONGEST_TEXT) -> None:
        self._choices, self._longest = choices, longest

    def __call__(self, value: Any) -> str:
        """Return the fault, or ""."""
        if not isinstance(value, str) or (self._choices and value not in self._choices):
            return _not(value, f"one of {', '.join(map(repr, self._choices))}" if self._choices else "a text")
        return "" if len(value) <= self._longest else f" has {len(value)} characters, and {self._longest} at most fit"


class Flag:
    """True or False."""

    def __call__(self, value: Any) -> str:
        """Return the fault, or ""."""
        return "" if isinstance(value, bool) else _not(value, "True or False")


class Each:
    """A dict with `most` keys at most, whose values all have the same shape (None: any values).

    :param keys: the shape of its keys, such as `Number(whole=True)` for a dict by client id.
    """

    def __init__(self, shape: Any, most: int = MAX_ENTRIES, *, keys: Shape = lambda key: "") -> None:
        self._shape, self._most, self._keys = None if shape is None else shaped(shape), most, keys

    def __call__(self, value: Any) -> str:
        """Return the fault, or ""."""
        if not isinstance(value, Mapping):
            return _not(value, "a dict")
        if len(value) > self._most:
            return f" has {len(value)} entries, and {self._most} at most fit"
        for key, part in value.items():
            if wrong := self._keys(key):
                return f" has a key that{wrong}"
            if self._shape is not None and (wrong := self._shape(part)):
                return f".{str(key)[:20]}{wrong}"
        return ""


class Row:
    """A list with exactly these shapes."""

    def __init__(self, *shapes: Any) -> None:
        self._shapes = [shaped(shape) for shape in shapes]

    def __call__(self, value: Any) -> str:
        """Return the fault, or ""."""
        if not isinstance(value, (list, tuple)) or len(value) != len(self._shapes):
            return _not(value, f"a list of {len(self._shapes)}")
        wrong = ((place, shape(part)) for place, (shape, part) in enumerate(zip(self._shapes, value, strict=True)))
        return next((f".{place}{what}" for place, what in wrong if what), "")


class Either:
    """A value that fits at least one of several shapes. Otherwise the fault is the first shape's."""

    def __init__(self, *shapes: Any) -> None:
        self._shapes = [shaped(shape) for shape in shapes]

    def __call__(self, value: Any) -> str:
        """Return the fault, or ""."""
        wrong = [shape(value) for shape in self._shapes]
        return wrong[0] if all(wrong) else ""


class _Parts:
    """A dict with at least these keys."""

    def __init__(self, parts: Mapping[Any, Any]) -> None:
        self._parts = {key: shaped(shape) for key, shape in parts.items()}

    def __call__(self, value: Any) -> str:
        if not isinstance(value, Mapping):
            return _not(value, "a dict")
        for key, shape in self._parts.items():
            if key not in value:
                has = ", ".join(str(other)[:20] for other, _ in zip(value, range(6), strict=False))
                return f" has no {key!r} (it has: {has or 'nothing'})"
            if wrong := shape(value[key]):
                return f".{key}{wrong}"
        return ""


def shaped(shape: Any) -> Shape:
    """Return the shape that a dict of shapes describes, or any other shape as it is."""
    return _Parts(shape) if isinstance(shape, Mapping) else shape


def _not(value: Any, expected: str) -> str:
    kind = type(value).__name__
    shown = f"{value!r:.30}" if isinstance(value, (str, int, float, bool, type(None))) else f"a {kind}"
    return f" is {shown}, not {expected}"


def _nothing(value: Any) -> str:
    return "" if value is None else _not(value, "None")


_INDEX: Final = Either(Number(0, FAR, whole=True), _nothing)

SEATS: Final[Shape] = Each(
    {
        "name": Text(),
        "place": _INDEX,
        "team": _INDEX,
        "colour": Text(),
        "ready": Flag(),
        "lost": Flag(),
        "wants": Flag(),
    },
    keys=Number(-(2**32), 2**32, whole=True),
)
"""The shape of the table of :class:`pygase.Seats`."""
