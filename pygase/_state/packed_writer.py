"""Makes packed deltas: the difference of two states, in places of the older one. See ``packed_layout``."""

from __future__ import annotations

import struct
from typing import Any, Final

from .codec import pack_plain
from .delta import diff
from .packed_layout import (
    FLOAT_WIDTH,
    INT_WIDTH,
    ITEM_TYPES,
    MAX_MASKED,
    MAX_PACKED_BYTES,
    REPLACEABLE,
    Bits,
    Order,
    Orders,
    Sorted,
    add_golomb_codes,
    best_parameter,
    gap_parameter,
    golomb,
    rank_differences,
    rice,
    rice_table,
)
from .precision import MAX_STEPS, STEPS_BOUND, Places, steps_of, values_of
from .tree import ABSENT, Tree, exactly_equal

NOT_PACKED: Final = b""
"""A delta that has to be sent plain."""

_LISTS: Final = MAX_MASKED + 1
"""The place of the masks of lists, behind those of dicts."""

_ALL_MARKED: Final = [(1 << size) - 1 for size in range(MAX_MASKED + 1)] * 2
"""The masks at the beginning of a delta, by size, of dicts and of lists."""


MOST_VALUES: Final = 1 << 15
"""Most keys of a packed delta. More would take too long, and hardly fit."""


def pack_delta(baseline: Tree, tree: Tree, delta: Tree, places: Places | None, orders: Orders) -> bytes:
    """Return the packed delta that leads from ``baseline`` to ``tree``, or NOT_PACKED.

    :param delta: names all keys at which the two differ, as ``delta.diff`` does. The values are taken from the trees.
    :param places: the declared precision; None for none. The receiver must have the same.
    :param orders: of the states of this sender.
    """
    writer = PackedWriter(orders)
    writer.node(baseline, tree, delta, places)
    return writer.finished()


class PackedWriter:
    """The parts of one packed delta: the bits of its nodes, and the numbers and listed values of marked places."""

    __slots__ = (
        "_bits",
        "_later",
        "_masks",
        "_new_floats",
        "_new_stepped",
        "_numbers",
        "_old_floats",
        "_old_stepped",
        "_orders",
        "_step_places",
        "_values",
    )

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._bits: list[str] = []
        self._masks = list(_ALL_MARKED)
        self._numbers: list[int] = []
        self._old_stepped: list[float] = []
        self._new_stepped: list[float] = []
        self._step_places: list[Places] = []
        self._old_floats: list[float] = []
        self._new_floats: list[float] = []
        self._later: list[Any] = []
        self._values = 0

    # -- nodes -------------------------------------------------------------------------------------------------------

    def node(self, old: Tree, new: Tree, delta: Tree, places: Places | None) -> None:
        """Write the difference of two dicts."""
        self._values += len(delta)
        if self._values > MOST_VALUES:
            return
        order = self._orders.of(old)
        found = order.sorted(delta)
        unmarked: list[Any] | None = None
        parts: list[Any] | None = None
        for key in found.keys:
            before, value = old.get(key, ABSENT), new.get(key, ABSENT)
            kind = type(before)
            if before is value or value is ABSENT or (kind is not type(value) and kind not in REPLACEABLE):
                unmarked = _with(unmarked, key)
            elif kind is float and places is None:  # the usual ones first
                self._old_floats.append(before)
                self._new_floats.append(value)
            elif kind is dict or kind is list:
                parts = _with(parts, key)
            else:
                self._scalar(before, value, places.named.get(key, places.every) if places is not None else None)
        if unmarked is not None:
            self._mark_some(order, found, unmarked, old, new)
        else:
            self._mark(order, found, new)
        if parts is not None:
            for key in parts:
                self._part(old[key], new[key], delta[key], places.below(key) if places is not None else None)

    def _part(self, old: Any, new: Any, delta: Any, places: Places | None) -> None:
        if type(old) is list:
            self._list(old, new, places)
        else:
            self.node(old, new, delta if type(delta) is dict else diff(old, new), places)

    def _scalar(self, before: Any, value: Any, places: Places | None) -> None:
        kind = type(before)
        if kind is float:
            if places is not None and places.scale and -STEPS_BOUND < before * places.scale < STEPS_BOUND:
                self._old_stepped.append(before)
                self._new_stepped.append(value)
                self._step_places.append(places)
            else:
                self._old_floats.append(before)
                self._new_floats.append(value)
        elif kind is int:
            self._numbers.append(value - before)
        elif kind is not bool:  # a marked bool becomes the other one
            self._later.append(value)

    def _list(self, old: list[Any], new: Any, places: Places | None) -> None:
        if not _is_alike(old, new):
            self._bits.append("0")
            self._later.append(new)
            return
        self._bits.append("1")
        size = len(old)
        marked = [place for place in range(size) if not exactly_equal(old[place], new[place])]
        if size > MAX_MASKED:
            self._mark_places(size, marked)
        elif not self._repeats_mask(_LISTS + size, mask := sum([1 << (size - 1 - place) for place in marked])):
            self._bits += ("0", _binary(mask, size))
        for place in marked:
            self._scalar(old[place], new[place], places)

    # -- marks -------------------------------------------------------------------------------------------------------

    def _mark(self, order: Order, marked: Sorted, new: Tree) -> None:
        """Write that these keys have new values, and none came or went."""
        size = len(order.keys)
        if size > MAX_MASKED:
            self._bits.append("0")
            known = marked.places
            self._mark_places(size, known if known is not None else [order.place(key) for key in marked.keys])
            self._orders.follow(order, new)
        elif not self._repeats_mask(size, marked.mask):
            self._bits += ("0", _binary(marked.mask, size), "0")

    def _mark_some(self, order: Order, found: Sorted, unmarked: list[Any], old: Tree, new: Tree) -> None:
        """Write which keys have new values: all but those ``unmarked``. Some of these may have come or gone."""
        same = {key for key in unmarked if old.get(key, ABSENT) is new.get(key, ABSENT)}
        gone = [key for key in unmarked if key in old and key not in same]
        fresh = [key for key in unmarked if key in new and key not in same]
        left_out = set(unmarked)
        marked = [key for key in found.keys if key not in left_out]
        size = len(order.keys)
        if not gone and not fresh:
            self._mark(order, Sorted(marked, order.mask(marked) if size <= MAX_MASKED else 0), new)
            return
        if size > MAX_MASKED:
            self._bits.append("1")
            self._mark_places(size, [order.place(key) for key in marked])
            self._mark_places(size, [order.place(key) for key in gone])
        else:
            self._masks[size] = mask = order.mask(marked)
            self._bits += ("0", _binary(mask, size), "1", _binary(order.mask(gone), size))
        self._bits.append(golomb(len(fresh), 0))
        for key in fresh:
            self._later += (key, new[key])

    def _repeats_mask(self, kind: int, mask: int) -> bool:
        """Write one bit and return True if the last node of this kind had this mask too.

        :param kind: the size; behind those of dicts for lists.
        """
        if self._masks[kind] == mask:
            self._bits.append("1")
            return True
        self._masks[kind] = mask
        return False

    def _mark_places(self, size: int, marked: list[int]) -> None:
        """Mark places of a large node: their count, and the gaps between them in a Rice code."""
        self._bits.append(_binary(len(marked), size.bit_length()))
        if not marked:
            return
        k = gap_parameter(size, len(marked))
        table = rice_table(k)
        expected = 0
        for place in marked:
            gap = place - expected
            self._bits.append(table[gap] if gap < len(table) else rice(gap, k))
            expected = place + 1

    # -- the end -----------------------------------------------------------------------------------------------------

    def finished(self) -> bytes:
        """Return all parts of the delta, one after the other; NOT_PACKED if it has to be sent plain."""
        counted = self._counted() if self._values <= MOST_VALUES else None
        if counted is None:
            return NOT_PACKED
        bits = Bits()
        bits.add_text("".join(self._bits))
        _add_coded(bits, _zigzag(self._numbers), INT_WIDTH)
        _add_coded(bits, _zigzag(counted), INT_WIDTH)
        if self._old_floats:
            _add_coded(bits, rank_differences(self._old_floats, self._new_floats), FLOAT_WIDTH)
        packed = bits.to_bytes()
        if self._later:
            packed += pack_plain(self._later)
        return packed if len(packed) <= MAX_PACKED_BYTES else NOT_PACKED

    def least_plain(self) -> int:
        """Return a size that the delta exceeds in msgpack: a key has a byte at least, a float 9, any other value 1."""
        return 10 * (len(self._old_floats) + len(self._old_stepped)) + 2 * len(self._numbers)

    def _counted(self) -> list[int] | None:
        """Return the differences in steps of the declared values; None for a value that is no whole number of steps."""
        if not self._old_stepped:
            return []
        places = self._step_places
        counts = steps_of(self._new_stepped, places)
        if _as_bytes(values_of(counts, places)) != _as_bytes(self._new_stepped):
            return None
        if max(counts) >= MAX_STEPS or min(counts) <= -MAX_STEPS:
            return None
        return [new - old for new, old in zip(counts, steps_of(self._old_stepped, places), strict=True)]


def _with(keys: list[Any] | None, key: Any) -> list[Any]:
    """Return the keys and one more. Most dicts need no list, so it is made for the first key."""
    if keys is None:
        return [key]
    keys.append(key)
    return keys


def _zigzag(differences: list[int]) -> list[int]:
    """Return a number from 0 on for each difference: the smaller, the nearer to 0."""
    return [by << 1 if by >= 0 else ~(by << 1) for by in differences]


def _add_coded(bits: Bits, numbers: list[int], width: int) -> None:
    """Append the codes of numbers, behind the parameter of the code; nothing for none."""
    if numbers:
        k = best_parameter(numbers, (1 << width) - 1)
        bits.add(k, width)
        add_golomb_codes(bits, numbers, k)


def _binary(number: int, width: int) -> str:
    """Return a number in exactly ``width`` binary digits; it has no more."""
    return f"{number | 1 << width:b}"[1:]


def _is_alike(old: list[Any], new: Any) -> bool:
    """Return whether two lists have the same length, and items of the same types, which have no parts."""
    if type(new) is not list or len(new) != len(old):
        return False
    kinds = list(map(type, old))
    return kinds == list(map(type, new)) and ITEM_TYPES.issuperset(kinds)


def _as_bytes(floats: list[float]) -> bytes:
    return struct.pack(f">{len(floats)}d", *floats)
