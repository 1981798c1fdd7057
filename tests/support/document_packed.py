"""Decodes packed deltas by docs/protocol.md alone, as ``document_decoder`` does. Nothing of pygase is imported here."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import msgpack

State = dict[Any, Any]


def unpacked(baseline: State, data: bytes, units: dict[str, Any] | None = None) -> State:
    """Return the state that a packed delta leads to.

    :param units: the table of the declared precision.
    """
    return _Unpacked(baseline, data, units or {}).state


class _Unpacked:
    """One packed delta. The numbers and the listed values are put in their places at the end."""

    def __init__(self, baseline: State, data: bytes, units: dict[str, Any]) -> None:
        self._bits = "".join(f"{byte:08b}" for byte in data)
        self._at = 0
        self._units = units
        self._masks: dict[tuple[type, int], str] = {}
        self._ints: list[tuple[Any, Any]] = []
        self._declared: list[tuple[Any, Any, Any]] = []
        self._floats: list[tuple[Any, Any]] = []
        self._listed: list[Callable[[Any], None]] = []
        self.state = self._dict(baseline, ())
        self._numbers()
        assert "1" not in self._bits[self._at : -(-self._at // 8) * 8], "padding that is not zero"
        rest = data[-(-self._at // 8) :]
        values = msgpack.unpackb(rest, strict_map_key=False) if self._listed else []
        assert bool(rest) == bool(self._listed), "a list that is missing, or nobody asks for"
        assert len(values) == len(self._listed), "a list of another length"
        for put, value in zip(self._listed, values, strict=True):
            put(value)

    # -- codes ---------------------------------------------------------------------------------------------------------

    def _binary(self, count: int) -> int:
        taken = self._bits[self._at : self._at + count]
        assert len(taken) == count, "the bits end"
        self._at += count
        return int(taken, 2) if count else 0

    def _zeros(self) -> int:
        zeros = self._bits.index("1", self._at) - self._at
        self._at += zeros
        return zeros

    def _rice(self, k: int) -> int:
        zeros = self._zeros()
        self._at += 1
        return int(zeros * 2**k + self._binary(k))

    def _golomb(self, k: int) -> int:
        return int(self._binary(self._zeros() + k + 1) - 2**k)

    def _signed(self, k: int) -> int:
        number = self._golomb(k)
        return -(number + 1) // 2 if number % 2 else number // 2

    def _row(self, size: int) -> list[int]:
        count, places = self._binary(size.bit_length()), [-1]
        k = max((11 * size // (16 * count)).bit_length() - 1, 0) if count else 0
        for _ in range(count):
            places.append(places[-1] + 1 + self._rice(k))
        assert places[-1] < size, "a place beyond the last"
        return places[1:]

    def _mask(self, size: int) -> str:
        return f"{self._binary(size):0{size}b}" if size else ""

    # -- dicts and lists -----------------------------------------------------------------------------------------------

    def _dict(self, old: State, path: tuple[Any, ...]) -> State:
        keys = sorted(old, key=lambda key: (isinstance(key, str), key.encode() if isinstance(key, str) else key))
        size, moves = len(keys), False
        if size > 16:
            moves = bool(self._binary(1))
            places = self._row(size)
        else:
            places, moves = self._masked(dict, size)
        new = dict(old)
        coming = 0
        if moves:
            gone = self._row(size) if size > 16 else [i for i, bit in enumerate(self._mask(size)) if bit == "1"]
            for place in gone:
                del new[keys[place]]
            coming = self._golomb(0)
        marked = [keys[place] for place in places]
        for key in marked:
            if not isinstance(old[key], (dict, list)):
                self._value(old[key], new, key, (*path, key))
        for _ in range(coming):
            arriving: list[Any] = []
            self._listed.append(arriving.append)
            self._listed.append(lambda value, arriving=arriving: new.update({arriving[0]: value}))  # type: ignore[misc]
        for key in marked:
            if isinstance(old[key], dict):
                new[key] = self._dict(old[key], (*path, key))
            elif isinstance(old[key], list):
                self._list(old[key], new, key, (*path, key))
        return new

    def _masked(self, kind: type, size: int) -> tuple[list[int], bool]:
        """Return the marked places of a dict or list with a mask, and whether keys come or go."""
        moves = False
        if self._binary(1):
            mask = self._masks.get((kind, size), "1" * size)
        else:
            mask = self._masks[kind, size] = self._mask(size)
            moves = kind is dict and bool(self._binary(1))
        return [place for place, bit in enumerate(mask) if bit == "1"], moves

    def _list(self, old: list[Any], holder: Any, key: Any, path: tuple[Any, ...]) -> None:
        if not self._binary(1):
            self._listed.append(lambda value: holder.__setitem__(key, value))
            return
        places = self._row(len(old)) if len(old) > 16 else self._masked(list, len(old))[0]
        holder[key] = new = list(old)
        for place in places:
            assert not isinstance(old[place], (dict, list)), "an item with parts"
            self._value(old[place], new, place, path)

    def _value(self, old: Any, holder: Any, key: Any, path: tuple[Any, ...]) -> None:
        if isinstance(old, bool):
            holder[key] = not old
        elif isinstance(old, int):
            self._ints.append((holder, key))
        elif isinstance(old, float):
            unit = unit_at(self._units, path)
            if unit is not None and abs(old * scale_of(unit)) < 2**50:
                self._declared.append((holder, key, unit))
            else:
                self._floats.append((holder, key))
        else:
            self._listed.append(lambda value: holder.__setitem__(key, value))

    # -- numbers -------------------------------------------------------------------------------------------------------

    def _numbers(self) -> None:
        k = self._binary(5) if self._ints else 0
        for holder, key in self._ints:
            holder[key] += self._signed(k)
            assert -(2**63) <= holder[key] < 2**64, "an int beyond 64 bits"
        k = self._binary(5) if self._declared else 0
        for holder, key, unit in self._declared:
            count = round(holder[key] * scale_of(unit)) + self._signed(k)
            assert abs(count) < 2**50, "beyond the steps"
            holder[key] = count / unit if isinstance(unit, int) else count * unit
        k = self._binary(6) if self._floats else 0
        for holder, key in self._floats:
            holder[key] = float_of(rank_of(holder[key]) + self._signed(k))


def rank_of(value: float) -> int:
    """Return the rank of a float."""
    number = int.from_bytes(struct.pack(">d", value), "big", signed=True)
    return number if number >= 0 else number ^ (2**63 - 1)


def float_of(rank: int) -> float:
    """Return the float of a rank, modulo 2**64."""
    number = (rank + 2**63) % 2**64 - 2**63
    number = number if number >= 0 else number ^ (2**63 - 1)
    return float(struct.unpack(">d", number.to_bytes(8, "big", signed=True))[0])


def scale_of(unit: float) -> float:
    """Return the number of steps in 1.0."""
    return float(unit) if isinstance(unit, int) else 1.0 / unit


def unit_at(units: dict[str, Any], path: tuple[Any, ...]) -> Any:
    """Return the unit that is declared for a path: steps in 1.0, as an int, or the step, as a float; None for none.

    A name counts before ``*``, the last part most.
    """
    best: tuple[tuple[bool, ...], Any] | None = None
    for declared, unit in units.items():
        parts = declared.split(".")
        if len(parts) == len(path) and all(part in ("*", str(key)) for part, key in zip(parts, path, strict=True)):
            named = tuple(part != "*" for part in reversed(parts))
            if best is None or named > best[0]:
                best = named, unit
    return None if best is None else best[1]
