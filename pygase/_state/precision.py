"""Declared precision: the numbers of a state that are rounded on the wire, and the steps to which they are rounded.

A game declares the smallest difference that matters to it: ``{"ents.*.x": 0.01}``. On the wire such a float is a whole
number of steps. The table travels to each client in the handshake as a dict of paths and units. A unit that is an int
is the number of steps in 1.0: the value of n steps is ``n / unit``. A unit that is a float is the step itself: the
value is ``n * unit``. Either is one operation of IEEE 754, so every language computes the same float.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..errors import InvalidValue, MalformedPacket
from .codec import pack, unpack_plain
from .state_paths import ANY_KEY, keys_of, parts_of
from .tree import ABSENT, MAX_DEPTH, Tree, exactly_equal

MAX_PATHS: Final = 64
"""Most paths in a table."""

MAX_TABLE_BYTES: Final = 800
"""Most bytes of a serialised table: it travels in one datagram with the server's other answers."""

MAX_PLACES: Final = 4096
"""Most nodes of the tree that paths are made into. Paths with many ``*`` could ask for millions."""

MAX_STEPS: Final = 1 << 50
"""Numbers of so many steps are not rounded: a float has 53 bits, and the value and its steps must be one to one."""

STEPS_BOUND: Final = float(MAX_STEPS)

LEAST_STEP: Final = 1e-9
GREATEST_STEP: Final = 1e9
_WHOLE: Final = 1e-9
"""The share by which ``1 / step`` may differ from a whole number and count as one. 1 / 1e-5 is 99999.99999999999."""

_ALMOST_ONE: Final = 1.0 + 1e-6
"""Steps by which two values may differ and count as equal. A difference of floats is not exact."""

Unit = int | float


class Places:
    """A part of a state, and the precision of the numbers in it.

    :ivar named: the parts below it that are named by their keys; ``every``: the part under all other keys, or None.
    :ivar scale: the number of steps in 1.0, for the float here or for each float of the list here; 0.0: undeclared.
    :ivar step: the step, if ``scale`` is not whole; else 0.0.
    """

    __slots__ = ("every", "named", "scale", "step")

    def __init__(self) -> None:
        self.named: dict[Any, Places] = {}
        self.every: Places | None = None
        self.scale = 0.0
        self.step = 0.0

    def below(self, key: Any) -> Places | None:
        """Return the part under a key; None if nothing is declared there."""
        found = self.named.get(key)
        return found if found is not None else self.every

    def declare(self, unit: Unit) -> None:
        is_step = type(unit) is float
        self.scale = 1.0 / unit if is_step else float(unit)
        self.step = float(unit) if is_step else 0.0


def steps_of(values: list[float], places: list[Places]) -> list[int]:
    """Return the number of steps nearest to each value, each with its place; MAX_STEPS for a value that is not rounded,
    NaN included."""
    return [
        round(scaled) if -STEPS_BOUND < (scaled := value * place.scale) < STEPS_BOUND else MAX_STEPS
        for value, place in zip(values, places, strict=True)
    ]


def values_of(counts: list[int], places: list[Places]) -> list[float]:
    """Return the value of each number of steps, each with its place."""
    return [
        float(count) * place.step if place.step else float(count) / place.scale
        for count, place in zip(counts, places, strict=True)
    ]


def rounded(value: Any, places: Places) -> Any:
    """Return a value of a state as the wire has it: its floats rounded, everything else as it is.

    A value that is right already keeps its identity.
    """
    kind = type(value)
    if kind is float:
        return _rounded_number(value, places) if places.scale else value
    if kind is dict:
        return rounded_part(value, places)
    if kind is list and places.scale:
        result = [rounded(item, places) for item in value]
        return value if all(new is old for new, old in zip(result, value, strict=True)) else result
    return value


def _rounded_number(value: Any, places: Places) -> Any:
    number: float = value  # `value` itself keeps its identity, also where floats are no objects
    scaled = number * places.scale
    if not -STEPS_BOUND < scaled < STEPS_BOUND:
        return value
    count = round(scaled)
    if not -MAX_STEPS < count < MAX_STEPS:
        return value
    result = float(count) * places.step if places.step else float(count) / places.scale
    return value if result == number and (count or exactly_equal(result, value)) else result


def rounded_part(part: Tree, places: Places) -> Tree:
    """Return a dict of a state, or of an update to it, with its declared floats rounded. Unchanged parts are shared."""
    result = part
    for key, value in part.items():
        below = places.below(key)
        if below is None:
            continue
        new = rounded(value, below)
        if new is not value:
            if result is part:
                result = part.copy()
            result[key] = new
    return result


def rounded_changes(node: Tree, delta: Tree, places: Places | None) -> Tree:
    """Return the delta of a tree with rounded numbers, from the delta of the exact one. It has real changes only.

    :param node: the rounded tree, of the same state as the exact tree before the change.
    """
    changed: Tree = {}
    for key, value in delta.items():
        below = places.named.get(key, places.every) if places is not None else None
        old, new = node.get(key, ABSENT), value
        if type(value) is float:
            if below is not None and below.scale:
                new = _rounded_number(value, below)
            if new == old and type(old) is float and new:
                continue
        elif type(value) is dict and type(old) is dict:
            new = rounded_changes(old, value, below)
            if new:
                changed[key] = new
            continue
        elif below is not None:
            new = rounded(value, below)
        if not exactly_equal(new, old):
            changed[key] = new
    return changed


def equal_within(a: Any, b: Any, places: Places | None) -> bool:
    """Return whether two values are equal as far as their precision goes: a declared float may differ by one step."""
    if places is None:
        return exactly_equal(a, b)
    kind = type(a)
    if kind is not type(b):
        return False
    if kind is dict:
        return len(a) == len(b) and all(
            key in b and equal_within(item, b[key], places.below(key)) for key, item in a.items()
        )
    if kind is list:
        return len(a) == len(b) and all(equal_within(x, y, places) for x, y in zip(a, b, strict=True))
    if kind is float and abs(a - b) * places.scale <= _ALMOST_ONE and places.scale:
        return True
    return exactly_equal(a, b)


class Precision:
    """The declared precision of a game.

    :param units: paths and their units, as the wire has them.
    :raises ValueError: the paths ask for too many places.

    :ivar root: of the whole state; None if nothing is declared.
    """

    __slots__ = ("_units", "root")

    def __init__(self, units: dict[str, Unit]) -> None:
        self._units = units
        self.root = _Builder().places([(parts_of(path), unit) for path, unit in units.items()]) if units else None

    @staticmethod
    def parse(declared: Any) -> Precision:
        """Check what a game declares: a dict of paths and steps, or None.

        :raises InvalidValue: it is something else.
        """
        if declared is None:
            return Precision({})
        if not isinstance(declared, Mapping):
            raise InvalidValue(
                f'precision must be a dict of paths and steps, such as {{"ents.*.x": 0.01}}, got {declared!r:.80}'
            )
        try:
            precision = Precision({_checked_path(path): _unit_of(path, step) for path, step in declared.items()})
        except (TypeError, ValueError) as error:
            raise error if isinstance(error, InvalidValue) else InvalidValue(f"precision: {error}") from None
        size = len(precision.encode())
        if len(declared) > MAX_PATHS or size > MAX_TABLE_BYTES:
            raise InvalidValue(
                f"precision has {len(declared)} paths of {size} bytes; at most {MAX_PATHS} paths and {MAX_TABLE_BYTES} "
                'bytes travel with the handshake: write "*" for keys that are alike'
            )
        return precision

    def table(self) -> dict[str, Unit]:
        """Return the paths and units, as the wire has them."""
        return dict(self._units)

    def declared(self) -> dict[str, float]:
        """Return the paths and steps, as a game declares them."""
        return {path: unit if type(unit) is float else 1.0 / unit for path, unit in self._units.items()}

    @staticmethod
    def from_table(received: Any) -> Precision:
        """Check a table that somebody has sent.

        :raises MalformedPacket: it is no table, or beyond the bounds.
        """
        if type(received) is not dict or len(received) > MAX_PATHS:
            raise MalformedPacket("a table of precision that is no dict, or too long")
        for path, unit in received.items():
            if type(path) is not str or not _is_unit(unit):
                raise MalformedPacket("a table of precision with something else than paths and units")
        try:
            return Precision({_checked_path(path): unit for path, unit in received.items()})
        except (TypeError, ValueError) as error:
            raise MalformedPacket(f"a table of precision with a wrong path: {error}") from None

    def encode(self) -> bytes:
        """Return the table as the handshake carries it."""
        return pack(self._units)

    @staticmethod
    def decode(data: bytes) -> Precision:
        """Read what :meth:`encode` wrote.

        :raises MalformedPacket: it is something else.
        """
        if len(data) > MAX_TABLE_BYTES:
            raise MalformedPacket(f"a table of precision of {len(data)} bytes, at most {MAX_TABLE_BYTES} expected")
        return Precision.from_table(unpack_plain(data, MAX_TABLE_BYTES, 1))


NO_PRECISION: Final = Precision({})


class _Builder:
    """Makes a tree of places, and counts them."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def places(self, paths: list[tuple[tuple[str, ...], Unit]]) -> Places:
        """Return the places of these paths. What is named counts before ``*``, and inherits from it."""
        self._count += 1
        if self._count > MAX_PLACES:
            raise ValueError(f'the paths name more than {MAX_PLACES:,} places; write fewer with both names and "*"')
        node = Places()
        below: dict[str, list[tuple[tuple[str, ...], Unit]]] = {}
        for parts, unit in paths:
            if parts:
                below.setdefault(parts[0], []).append((parts[1:], unit))
            else:
                node.declare(unit)
        every = below.pop(ANY_KEY, [])
        if every:
            node.every = self.places(every)
        for name, own in below.items():
            child = self.places([*every, *own])
            for key in keys_of(name):
                node.named[key] = child
        return node


def _checked_path(path: Any) -> str:
    parts = parts_of(path)
    if len(parts) > MAX_DEPTH:
        raise ValueError(f"the path {path!r:.80} has {len(parts)} keys, at most {MAX_DEPTH} are possible")
    return str(path)


def _unit_of(path: Any, step: Any) -> Unit:
    if isinstance(step, bool) or not isinstance(step, (int, float)) or not LEAST_STEP <= step <= GREATEST_STEP:
        raise InvalidValue(
            f"precision[{path!r}] must be the smallest difference that matters, a number from {LEAST_STEP:g} to "
            f"{GREATEST_STEP:g} such as 0.01, got {step!r}"
        )
    whole = round(1.0 / step)
    if whole and abs(1.0 / step - whole) <= _WHOLE * whole:
        return whole
    return float(step)


def _is_unit(unit: Any) -> bool:
    if type(unit) is int:
        return 1 <= unit <= round(1.0 / LEAST_STEP)
    return type(unit) is float and LEAST_STEP <= unit <= GREATEST_STEP
