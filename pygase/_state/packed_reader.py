"""Applies packed deltas, which anybody may have made. See ``packed_layout``."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from ..errors import MalformedPacket
from .codec import most_bytes, unpack
from .packed_layout import (
    FLOAT_WIDTH,
    INT_WIDTH,
    ITEM_TYPES,
    MAX_MASKED,
    MAX_PACKED_BYTES,
    Order,
    Orders,
    float_ranks,
    floats_of_ranks,
    gap_parameter,
)
from .precision import MAX_STEPS, STEPS_BOUND, Places, steps_of, values_of
from .tree import MAX_INT, MIN_INT, Tree, too_deep

_MOST_ZEROS: Final = 66
"""Most zeros in front of a number: those of a difference of 65 bits, coded with the parameter 0."""

_KEY: Final = object()
"""Stands for the key of a new value: the next value of the list is the key, and then the value follows."""


class Applied:
    """A state that a packed delta led to.

    :ivar tree: the state. It shares all unchanged parts with the baseline.
    :ivar own_values: an upper bound of the number of values that it does not share.
    :ivar growth_bytes: an upper bound of the bytes by which the serialised state is larger than the baseline.
    """

    __slots__ = ("growth_bytes", "own_values", "tree")

    def __init__(self, tree: Tree, own_values: int, growth_bytes: int) -> None:
        self.tree = tree
        self.own_values = own_values
        self.growth_bytes = growth_bytes


def apply_packed(payload: bytes, baseline: Tree, places: Places | None, orders: Orders) -> Applied:
    """Return the state that a packed delta leads to. The baseline stays as it is.

    :param places: the declared precision of the sender; None for none.
    :param orders: of the states of this receiver.
    :raises MalformedPacket: the payload is no packed delta of this baseline. Memory is bounded by the baseline and a
        multiple of the payload.
    """
    if len(payload) > MAX_PACKED_BYTES:
        raise MalformedPacket(f"a packed delta of {len(payload)} bytes")
    reader = _Reader(payload, orders)
    try:
        return reader.applied(baseline, places)
    except (ValueError, IndexError):
        raise MalformedPacket("a packed delta that is cut off") from None


class _Marked:
    """The marked floats or ints of a delta.

    :ivar holders: the new dict or list of each, and its key there.
    :ivar old: their old values.
    :ivar places: their declared precision, if they have one.
    """

    __slots__ = ("holders", "old", "places")

    def __init__(self) -> None:
        self.holders: list[tuple[Any, Any]] = []
        self.old: list[Any] = []
        self.places: list[Places] = []


class _Reader:
    """Reads one packed delta: first the bits of its nodes, then the numbers of the marked places, then the list."""

    __slots__ = (
        "_at",
        "_bits",
        "_floats",
        "_followed",
        "_fresh",
        "_growth",
        "_ints",
        "_later",
        "_masks",
        "_orders",
        "_own_values",
        "_payload",
        "_room",
        "_stepped",
    )

    def __init__(self, payload: bytes, orders: Orders) -> None:
        self._payload = payload
        self._orders = orders
        self._bits = bin(int.from_bytes(b"\1" + payload, "big"))[3:]
        self._at = 0
        self._masks: dict[int, int] = {}
        self._own_values = 0
        self._growth = 0
        self._fresh = 0  # new keys of the present dict
        self._room = len(payload)  # for listed values: each takes a byte at least
        self._ints, self._stepped, self._floats = _Marked(), _Marked(), _Marked()
        self._later: list[tuple[Any, Any, int]] = []
        self._followed: list[tuple[Order, Tree]] = []
        """The new dicts whose keys are those of the baseline's."""

    def applied(self, baseline: Tree, places: Places | None) -> Applied:
        tree = self._node(baseline, places, 0)
        self._put_ints()
        self._put_stepped()
        self._put_floats()
        size = (self._at + 7) // 8
        if self._at > len(self._bits) or self._bits.find("1", self._at, 8 * size) >= 0:
            raise MalformedPacket("a packed delta that is cut off, or with bits behind it")
        rest = self._payload[size:]
        self._put_later(rest)
        for order, new in self._followed:  # only now: a damaged delta leaves nothing behind
            self._orders.follow(order, new)
        return Applied(tree, self._own_values + len(rest), self._growth + most_bytes(len(rest)))

    # -- bits --------------------------------------------------------------------------------------------------------

    def _bit(self) -> bool:
        at = self._at
        self._at = at + 1
        return self._bits[at] == "1"

    def _binary(self, width: int) -> int:
        at = self._at
        self._at = at + width
        return int(self._bits[at : at + width], 2) if width else 0

    def _codes(self, count: int, width: int) -> list[int]:
        """Return differences in exponential Golomb codes, behind the parameter of the code."""
        k = self._binary(width) if count else 0
        return self._differences(count, k)

    def _differences(self, count: int, k: int) -> list[int]:
        bits, at, one_more, offset = self._bits, self._at, k + 1, 1 << k
        found: list[int] = []
        for _ in range(count):
            one = bits.index("1", at)
            if one - at > _MOST_ZEROS:
                raise MalformedPacket("a packed delta with a number of too many bits")
            end = 2 * one - at + one_more
            number = int(bits[one:end], 2) - offset
            found.append(~(number >> 1) if number & 1 else number >> 1)
            at = end
        self._at = at
        return found

    def _marked(self, size: int) -> list[int]:
        """Return the marked places of a large node."""
        count, places, expected = self._binary(size.bit_length()), list[int](), 0
        k = gap_parameter(size, count) if count else 0
        for _ in range(count):
            at = self._at
            one = self._bits.index("1", at)
            self._at = one + k + 1
            place = expected + (one - at << k) + int(self._bits[one : one + k + 1], 2) - (1 << k)
            if place >= size:
                raise MalformedPacket("a packed delta with a place that the baseline does not have")
            places.append(place)
            expected = place + 1
        if self._at > len(self._bits):  # then the last place is a wrong one, perhaps for the second time
            raise MalformedPacket("a packed delta that is cut off")
        return places

    def _mask(self, kind: int, size: int) -> int:
        self._masks[kind] = mask = self._binary(size)
        return mask

    # -- nodes -------------------------------------------------------------------------------------------------------

    def _node(self, old: Tree, places: Places | None, depth: int) -> Tree:
        """Return a dict of the baseline with its changes."""
        order = self._orders.of(old)
        new = old.copy()
        self._own_values += len(new)
        parts: list[Any] = []
        for key in self._keys(order, new):
            before = old[key]
            kind = type(before)
            if kind is dict or kind is list:
                parts.append(key)
            else:
                self._scalar(before, new, key, places.below(key) if places is not None else None, depth)
        if self._fresh:
            self._later += [(new, _KEY, depth)] * self._fresh
            self._fresh = 0
        for key in parts:
            before = old[key]
            inner = places.below(key) if places is not None else None
            if type(before) is dict:
                new[key] = self._node(before, inner, depth + 1)
            else:
                self._list(before, new, key, inner, depth)
        return new

    def _keys(self, order: Order, new: Tree) -> Iterable[Any]:
        """Return the marked keys of a dict. Remove the keys that are gone, and note the number of new ones."""
        size = len(order.keys)
        if size > MAX_MASKED:
            return self._many_keys(order, new)
        if self._bit():
            return order.chosen(self._masks.get(size, (1 << size) - 1))
        marked = order.chosen(self._mask(size, size))
        if self._bit():
            self._move(new, order.chosen(self._binary(size)))
        return marked

    def _many_keys(self, order: Order, new: Tree) -> Iterable[Any]:
        keys = order.keys
        moved = self._bit()
        marked = [keys[place] for place in self._marked(len(keys))]
        if moved:
            self._move(new, [keys[place] for place in self._marked(len(keys))])
        else:
            self._followed.append((order, new))
        return marked

    def _move(self, new: Tree, gone: Iterable[Any]) -> None:
        for key in gone:
            del new[key]
        at = self._at
        one = self._bits.index("1", at)
        self._at = end = 2 * one - at + 1
        count = int(self._bits[one:end], 2) - 1
        self._need(2 * count)
        self._fresh = count
        self._growth += 4  # the count of a dict may take more bytes

    def _need(self, count: int) -> None:
        """:raises MalformedPacket: there cannot be so many listed values."""
        self._room -= count
        if self._room < 0:
            raise MalformedPacket("a packed delta with fewer values than it claims")

    def _scalar(self, before: Any, holder: Any, key: Any, places: Places | None, depth: int) -> None:
        """Note a place of the dict or list ``holder`` that has a new value."""
        kind = type(before)
        if kind is float:
            if places is not None and places.scale and -STEPS_BOUND < before * places.scale < STEPS_BOUND:
                marked = self._stepped
                marked.places.append(places)
            else:
                marked = self._floats
            marked.old.append(before)
            marked.holders.append((holder, key))
        elif kind is int:
            self._ints.old.append(before)
            self._ints.holders.append((holder, key))
        elif kind is bool:
            holder[key] = not before
        else:
            self._need(1)
            self._later.append((holder, key, depth))

    def _list(self, old: list[Any], holder: Any, key: Any, places: Places | None, depth: int) -> None:
        if not self._bit():
            self._need(1)
            self._later.append((holder, key, depth))
            return
        if not ITEM_TYPES.issuperset(map(type, old)):
            raise MalformedPacket("a packed delta with items of a list whose items have parts")
        size = len(old)
        if size > MAX_MASKED:
            marked = self._marked(size)
        else:
            mask = self._masks.get(-size, (1 << size) - 1) if self._bit() else self._mask(-size, size)
            marked = [place for place in range(size) if mask >> (size - 1 - place) & 1]
        holder[key] = new = old.copy()
        self._own_values += size
        for place in marked:
            self._scalar(old[place], new, place, places, depth + 1)

    # -- values ------------------------------------------------------------------------------------------------------

    def _put_ints(self) -> None:
        ints = self._ints
        moves = self._codes(len(ints.old), INT_WIDTH)
        self._growth += 8 * len(moves)
        for (holder, key), before, by in zip(ints.holders, ints.old, moves, strict=True):
            value = before + by
            if not MIN_INT <= value <= MAX_INT:
                raise MalformedPacket("a packed delta with an int beyond 64 bits")
            holder[key] = value

    def _put_stepped(self) -> None:
        stepped = self._stepped
        moves = self._codes(len(stepped.old), INT_WIDTH)
        counts = [before + by for before, by in zip(steps_of(stepped.old, stepped.places), moves, strict=True)]
        if counts and not -MAX_STEPS < min(counts) <= max(counts) < MAX_STEPS:
            raise MalformedPacket("a packed delta with a number beyond the steps of its precision")
        for (holder, key), value in zip(stepped.holders, values_of(counts, stepped.places), strict=True):
            holder[key] = value

    def _put_floats(self) -> None:
        floats = self._floats
        moves = self._codes(len(floats.old), FLOAT_WIDTH)
        ranks = [before + by for before, by in zip(float_ranks(floats.old), moves, strict=True)]
        for (holder, key), value in zip(floats.holders, floats_of_ranks(ranks), strict=True):
            holder[key] = value

    def _put_later(self, data: bytes) -> None:
        """Put the listed values into their places."""
        if not self._later:
            if data:
                raise MalformedPacket("a packed delta with bytes behind it")
            return
        values = unpack(data)
        if type(values) is not list:
            raise MalformedPacket("a packed delta whose values are no list")
        if len(values) != len(self._later) + sum([key is _KEY for _, key, _ in self._later]):
            raise MalformedPacket(f"a packed delta with {len(values)} values in its list")
        following = iter(values)
        for holder, key, depth in self._later:
            if key is _KEY:
                key = next(following)
                if type(key) is not str and type(key) is not int:
                    raise MalformedPacket("a state with a key that is neither an int nor a str")
            value = next(following)
            if too_deep(value, depth + 1):
                raise MalformedPacket("a value nested too deeply")
            holder[key] = value
