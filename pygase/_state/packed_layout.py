"""The common ground of packed deltas: the places of keys, and the codes of numbers.

``packed_writer`` makes a packed delta and ``packed_reader`` applies it. ``docs/protocol.md`` describes every bit of it.
Both sides hold the baseline, so both can sort the keys of each of its dicts. The *place* of a key is its index in that
order, and a packed delta names a key by its place.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Collection, Iterable
from typing import Any, Final

from ..errors import MalformedPacket
from .tree import Tree

MAX_PACKED_BYTES: Final = 1 << 16
"""Largest packed delta. It is read bit by bit, and each bit takes a byte of memory while that lasts."""

MAX_MASKED: Final = 16
"""Most keys of a dict whose changed places are marked by a mask. In larger ones the gaps between them are sent."""

INT_WIDTH: Final = 5
"""Bits for the parameter of the code of ints, and of that of declared floats."""
FLOAT_WIDTH: Final = 6
"""Bits for the parameter of the code of undeclared floats."""

ITEM_TYPES: Final = frozenset({int, float, bool, str, bytes, type(None)})
"""Types of the items of a list that is compared item by item."""

REPLACEABLE: Final = frozenset({str, bytes, type(None), list})
"""Types of old values that a value of any type can follow under the same mark."""

_TEXT_ONLY: Final = frozenset({str})
_KEY_TYPES: Final = frozenset({int, str})
_CACHED_KEYS: Final = 64
"""Most keys of a dict whose order is found again by its keys. Larger dicts are recognised by identity."""
_MOST_CACHED: Final = 1024
_MOST_LARGE_KEYS: Final = 1 << 15
"""Bound on the keys of the large dicts that one ``Orders`` keeps alive, beyond the latest of them."""
_LEAST_LARGE: Final = 8
"""Large dicts that are kept in any case: those of the states that a round trip lies back."""
_MOST_INDEXED: Final = 1024
"""Most keys of a dict whose places are looked up in an index. In larger ones they are found by bisection."""
_MOST_CHOICES: Final = 64
_TABLE_SIZE: Final = 128
_ROW_BITS: Final = 256
_BLOCK_BITS: Final = 1 << 14
_SIGN: Final = 1 << 63
_MODULUS: Final = 1 << 64
_LOWEST_63: Final = _SIGN - 1


class Sorted:
    """Keys in the order of their places.

    :ivar mask: of those that have a place in a dict that is marked by a mask.
    :ivar places: of all keys, if each has a place in a dict that is too large for a mask; else None.
    """

    __slots__ = ("keys", "mask", "places")

    def __init__(self, keys: list[Any], mask: int, places: list[int] | None = None) -> None:
        self.keys = keys
        self.mask = mask
        self.places = places


class Order:
    """The places of a dict's keys: ints by value, then texts by their UTF-8.

    :ivar keys: the keys by place.
    :ivar bits: for a dict that is marked by a mask, each key's bit in it. Place 0 has the highest bit.
    """

    __slots__ = ("_chosen", "_ints", "_places", "_sorted", "bits", "keys")

    def __init__(self, ints: list[int], texts: list[str]) -> None:
        self.keys: list[Any] = [*ints, *texts]
        self._ints = len(ints)
        self._places: dict[Any, int] = {}
        self.bits: dict[Any, int] = {}
        self._chosen: dict[int, tuple[Any, ...]] = {}
        self._sorted: dict[tuple[Any, ...], Sorted] = {}
        count = len(self.keys)
        if count <= MAX_MASKED:
            self.bits = {key: 1 << (count - 1 - place) for place, key in enumerate(self.keys)}

    def place(self, key: Any) -> int:
        """Return the place of one of the keys."""
        if type(key) is int:
            return bisect_left(self.keys, key, 0, self._ints)
        return bisect_left(self.keys, key, self._ints, len(self.keys))

    def sorted(self, delta: Tree) -> Sorted:
        """Return the keys of a delta in the order of their places, with the unknown ones among them."""
        if not self.bits:
            return self._sorted_large(delta)
        wanted = tuple(delta)
        found = self._sorted.get(wanted)
        if found is None:
            if len(self._sorted) >= _MOST_CHOICES:
                self._sorted.clear()
            keys = order_of(delta).keys
            found = self._sorted[wanted] = Sorted(keys, self.mask([key for key in keys if key in self.bits]))
        return found

    def _sorted_large(self, delta: Tree) -> Sorted:
        known = self._places
        if not known and len(self.keys) <= _MOST_INDEXED:
            known = self._places = {key: place for place, key in enumerate(self.keys)}
        try:
            places = sorted([known[key] for key in delta])
        except KeyError:
            return Sorted(order_of(delta).keys, 0)
        keys = self.keys
        return Sorted([keys[place] for place in places], 0, places)

    def mask(self, keys: Iterable[Any]) -> int:
        """Return the mask of some keys of a dict that is marked by one."""
        bits, mask = self.bits, 0
        for key in keys:
            mask |= bits[key]
        return mask

    def chosen(self, mask: int) -> tuple[Any, ...]:
        """Return the keys of a mask, in the order of their places."""
        found = self._chosen.get(mask)
        if found is None:
            if len(self._chosen) >= _MOST_CHOICES:
                self._chosen.clear()
            found = self._chosen[mask] = tuple([key for key in self.keys if mask & self.bits[key]])
        return found


def order_of(keys: Collection[Any]) -> Order:
    """Return the order of these keys.

    :raises MalformedPacket: one of them is neither an int nor a text. No clean tree has such a key.
    """
    kinds = set(map(type, keys))
    if kinds <= _TEXT_ONLY:
        return Order([], sorted(keys))
    if not kinds <= _KEY_TYPES:
        raise MalformedPacket("a state with a key that is neither an int nor a str")
    ints = sorted([key for key in keys if type(key) is int])
    return Order(ints, sorted([key for key in keys if type(key) is str]))


class Orders:
    """The orders of the dicts of recent states, so that hardly any dict is sorted anew.

    The order of a small dict is found by its keys, that of a large dict by its identity.
    """

    __slots__ = ("_known", "_large", "_large_keys")

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Order] = {}
        self._large: dict[int, tuple[Tree, Order]] = {}
        self._large_keys = 0

    def of(self, node: Tree) -> Order:
        """:raises MalformedPacket: see :func:`order_of`."""
        if len(node) > _CACHED_KEYS:
            return self._of_large(node)
        keys = tuple(node)
        order = self._known.get(keys)
        if order is None:
            if len(self._known) >= _MOST_CACHED:
                self._known.clear()
            order = self._known[keys] = order_of(keys)
        return order

    def _of_large(self, node: Tree) -> Order:
        held = self._large.get(id(node))
        if held is not None:
            return held[1]
        order = order_of(node)
        self._keep(node, order)
        return order

    def follow(self, order: Order, node: Tree) -> None:
        """Note the order of a dict with exactly the keys of ``order``."""
        if len(node) > _CACHED_KEYS and id(node) not in self._large:
            self._keep(node, order)

    def _keep(self, node: Tree, order: Order) -> None:
        self._large[id(node)] = node, order
        self._large_keys += len(node)
        while self._large_keys > _MOST_LARGE_KEYS and len(self._large) > _LEAST_LARGE:
            oldest = self._large.pop(next(iter(self._large)))
            self._large_keys -= len(oldest[0])


# -- numbers -----------------------------------------------------------------------------------------------------------


def gap_parameter(size: int, count: int) -> int:
    """Return the parameter of the Rice code of the gaps between ``count`` marks among ``size`` places."""
    return max((size * 11 // (count * 16)).bit_length() - 1, 0)


def rice(gap: int, k: int) -> str:
    """Return the Rice code of a gap: its part above the lowest ``k`` bits as zeros, a one, and these bits."""
    one = 1 << k
    return f"{gap & (one - 1) | one:0{(gap >> k) + k + 1}b}"


_rice_tables: Final[dict[int, list[str]]] = {}


def rice_table(k: int) -> list[str]:
    """Return the codes of the gaps below 64."""
    table = _rice_tables.get(k)
    if table is None:
        table = _rice_tables[k] = [rice(gap, k) for gap in range(64)]
    return table


def golomb(number: int, k: int) -> str:
    """Return the exponential Golomb code of a number from 0 on: as many zeros as the binary form of ``number + 2**k``
    has digits beyond ``k + 1``, and then these digits."""
    shifted = number + (1 << k)
    return f"{shifted:0{2 * shifted.bit_length() - 1 - k}b}"


_tables: Final[dict[int, list[str]]] = {}


class Bits:
    """A long row of bits that grows at its end.

    Numbers of any size are cheap to put together as long as they are short. So the bits gather in short rows, the rows
    in blocks, and the blocks in the whole.
    """

    __slots__ = ("_block", "_block_width", "_whole")

    def __init__(self) -> None:
        self._whole = 1  # the highest bit is not part of the row
        self._block = self._block_width = 0

    def add(self, row: int, width: int) -> None:
        """Append a number in ``width`` binary digits; it has no more."""
        self._block = self._block << width | row
        self._block_width += width
        if self._block_width > _BLOCK_BITS:
            self._join()

    def add_text(self, text: str) -> None:
        """Append binary digits."""
        if text:
            self.add(int(text, 2), len(text))

    def _join(self) -> None:
        self._whole = self._whole << self._block_width | self._block
        self._block = self._block_width = 0

    def to_bytes(self) -> bytes:
        """Return all bits, highest first, padded with zeros to whole bytes."""
        self._join()
        width = self._whole.bit_length() - 1
        size = (width + 7) // 8
        return ((self._whole ^ 1 << width) << 8 * size - width).to_bytes(size, "big")


def add_golomb_codes(bits: Bits, numbers: list[int], k: int) -> None:
    """Append the codes of numbers, one after the other."""
    if max(numbers) < _TABLE_SIZE:
        table = golomb_table(k)
        bits.add_text("".join([table[number] for number in numbers]))
        return
    offset, below = 1 << k, k + 1
    row = width = 0
    for number in numbers:
        shifted = number + offset
        digits = 2 * shifted.bit_length() - below
        row = row << digits | shifted
        width += digits
        if width > _ROW_BITS:
            bits.add(row, width)
            row = width = 0
    bits.add(row, width)


def golomb_table(k: int) -> list[str]:
    """Return the codes of the numbers below 128."""
    table = _tables.get(k)
    if table is None:
        table = _tables[k] = [golomb(number, k) for number in range(_TABLE_SIZE)]
    return table


def best_parameter(numbers: list[int], most: int) -> int:
    """Return the parameter of the shortest code for these numbers, or nearly the shortest; at most ``most``."""
    # A greater parameter makes each number longer by a bit that is shorter than it, and the others shorter by one.
    middle = sorted(numbers)[len(numbers) // 2]
    return max(min(middle.bit_length() - 1, most), 0)


def float_ranks(floats: list[float]) -> list[int]:
    """Return the rank of each float among all floats: a signed number of 64 bits, one more for the next greater
    float."""
    count = len(floats)
    patterns = struct.unpack(f">{count}q", struct.pack(f">{count}d", *floats))
    return [pattern if pattern >= 0 else pattern ^ _LOWEST_63 for pattern in patterns]


def rank_differences(before: list[float], after: list[float]) -> list[int]:
    """Return how far each float is from the one before it, in ranks, as a number for a Golomb code."""
    count = len(before)
    patterns = struct.unpack(f">{2 * count}q", struct.pack(f">{2 * count}d", *before, *after))
    numbers: list[int] = []
    for place in range(count):
        old: int = patterns[place]
        new: int = patterns[count + place]
        if old < 0:
            old ^= _LOWEST_63
        if new < 0:
            new ^= _LOWEST_63
        by = new - old
        numbers.append(by << 1 if by >= 0 else ~(by << 1))
    return numbers


def floats_of_ranks(ranks: list[int]) -> list[float]:
    """Return the floats of ranks, each modulo 2**64."""
    count = len(ranks)
    patterns = [_pattern(rank) for rank in ranks]
    return list(struct.unpack(f">{count}d", struct.pack(f">{count}q", *patterns)))


def _pattern(rank: int) -> int:
    rank = (rank + _SIGN) % _MODULUS - _SIGN
    return rank if rank >= 0 else rank ^ _LOWEST_63
