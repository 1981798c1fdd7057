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
    Order,
    Orders,
    Sorted,
    best_parameter,
    float_ranks,
    gap_parameter,
    golomb,
    golomb_codes,
)
from .precision import MAX_STEPS, STEPS_BOUND, Places, steps_of, values_of
from .tree import ABSENT, Tree, exactly_equal

NOT_PACKED: Final = b""
"""A delta that has to be sent plain."""


def pack_delta(baseline: Tree, tree: Tree, delta: Tree, places: Places | None, orders: Orders) -> bytes:
    """Return the packed delta that leads from ``baseline`` to ``tree``, or NOT_PACKED.

    :param delta: names all keys at which the two differ, as ``delta.diff`` does. The values are taken from the trees.
    :param places: the declared precision; None for none. The receiver must have the same.
    :param orders: of the states of this sender.
    """
    writer = _Writer(orders)
    writer.node(baseline, tree, delta, places)
    return writer.finished()


class _Writer:
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
    )

    def __init__(self, orders: Orders) -> None:
        self._orders = orders
        self._bits: list[str] = []
        self._masks: dict[int, int] = {}
        self._numbers: list[int] = []
        self._old_stepped: list[float] = []
        self._new_stepped: list[float] = []
        self._step_places: list[Places] = []
        self._old_floats: list[float] = []
        self._new_floats: list[float] = []
        self._later: list[Any] = []

    # -- nodes -------------------------------------------------------------------------------------------------------

    def node(self, old: Tree, new: Tree, delta: Tree, places: Places | None) -> None:
        """Write the difference of two dicts."""
        order = self._orders.of(old)
        found = order.sorted(delta)
        unmarked: list[Any] = []
        parts: list[Any] = []
        for key in found.keys:
            before, value = old.get(key, ABSENT), new.get(key, ABSENT)
            kind = type(before)
            if before is value or value is ABSENT or (kind is not type(value) and kind not in REPLACEABLE):
                unmarked.append(key)
            elif kind is dict or kind is list:
                parts.append(key)
            elif kind is float and places is None:
                self._old_floats.append(before)
                self._new_floats.append(value)
            elif places is None:
                self._scalar(before, value, None)
            else:
                self._scalar(before, value, places.named.get(key, places.every))
        if unmarked:
            self._mark_some(order, found, unmarked, old, new)
        else:
            self._mark(order, found, new)
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
        elif not self._repeats_mask(-size, size, mask := sum([1 << (size - 1 - place) for place in marked])):
            self._bits += ("0", _binary(mask, size))
        for place in marked:
            self._scalar(old[place], new[place], places)

    # -- marks -------------------------------------------------------------------------------------------------------

    def _mark(self, order: Order, marked: Sorted, new: Tree) -> None:
        """Write that these keys have new values, and none came or went."""
        size = len(order.keys)
        if size > MAX_MASKED:
            self._bits.append("0")
            self._mark_places(size, [order.place(key) for key in marked.keys])
            self._orders.follow(order, new)
        elif not self._repeats_mask(size, size, marked.mask):
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

    def _repeats_mask(self, kind: int, size: int, mask: int) -> bool:
        """Write one bit and return True if the last node of this kind had this mask too.

        :param kind: the size; negative for lists.
        """
        if self._masks.get(kind, (1 << size) - 1) == mask:
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
        one, expected = 1 << k, 0
        for place in marked:
            gap = place - expected
            self._bits.append(f"{gap & (one - 1) | one:0{(gap >> k) + k + 1}b}")
            expected = place + 1

    # -- the end -----------------------------------------------------------------------------------------------------

    def finished(self) -> bytes:
        """Return all parts of the delta, one after the other."""
        counted = self._counted()
        if counted is None:
            return NOT_PACKED
        numbers = [_coded(self._numbers, INT_WIDTH), _coded(counted, INT_WIDTH), _coded(self._ranked(), FLOAT_WIDTH)]
        bits = "".join([*self._bits, *numbers])
        size = (len(bits) + 7) // 8
        packed = (int(bits, 2) << (8 * size - len(bits))).to_bytes(size, "big")
        if self._later:
            packed += pack_plain(self._later)
        return packed if len(packed) <= MAX_PACKED_BYTES else NOT_PACKED

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

    def _ranked(self) -> list[int]:
        """Return the differences in ranks of the undeclared floats."""
        before, after = float_ranks(self._old_floats), float_ranks(self._new_floats)
        return [new - old for new, old in zip(after, before, strict=True)]


def _coded(differences: list[int], width: int) -> str:
    """Return the codes of differences, behind the parameter of the code; nothing for none."""
    if not differences:
        return ""
    numbers = [by << 1 if by >= 0 else ~(by << 1) for by in differences]
    k = best_parameter(numbers, (1 << width) - 1)
    return _binary(k, width) + golomb_codes(numbers, k)


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
