"""Changes of samples: field by field, by splicing, cutting off, flipping bits, and msgpack that nobody wants."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

from tests.support.fuzzing.shapes import Field, Sample

MAX_BYTES: Final = 4096
"""Most bytes of a result; a datagram has at most 65,507, and the decoders are no different beyond 4,096."""

_HUGE: Final = [prefix + b"\xff\xff\xff\xff" for prefix in (b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9")]
ODD_VALUES: Final = [
    *_HUGE,
    b"\xc0",
    b"\xc1",  # never used by msgpack
    b"\xc7\x00\x01",  # TO_DELETE
    b"\xc7\x02\x01ab",  # not quite TO_DELETE
    b"\xd4\x05\x00",  # an unknown extension type
    b"\xd6\xff\x00\x00\x00\x01",  # timestamps
    b"\xd7\xff" + b"\xff" * 8,
    b"\xc7\x0c\xff" + b"\xff" * 12,
    b"\x81\xc0\x01",  # keys: nil, NaN, bytes, a list, TO_DELETE
    b"\x81\xcb\x7f\xf8\x00\x00\x00\x00\x00\x01\x01",
    b"\x81\xc4\x01k\x01",
    b"\x81\x90\x01",
    b"\x81\xc7\x00\x01\x01",
    b"\xa2\xff\xfe",  # no UTF-8
    b"\xa3\xed\xa0\x80",  # half a surrogate pair
    b"\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00",  # infinity
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # NaN
    b"\xcf" + b"\xff" * 8,
    b"\xd3\x80" + bytes(7),
    b"\x91" * 70 + b"\xc0",  # lists in lists
    b"\x91" * 1_100 + b"\xc0",
    b"\x81\xa1a" * 70 + b"\xc0",  # dicts in dicts
    b"\x81\xa1a" * 350 + b"\xc0",
    b"\xdc\x03\xe8" + b"\x90" * 1_000,  # many small objects
    b"",
]
_BYTES: Final = (0, 1, 2, 0x7F, 0x80, 0x81, 0xFE, 0xFF)
_OFFSETS: Final = (-256, -2, -1, 1, 2, 256)


class Mutator:
    """Changes samples, the same way for the same generator.

    :param rng: all chance is its own.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._by_field: list[Callable[[Sample, Field, Sample], bytes]] = [
            self._number,
            self._number,
            self._offset,
            self._random,
            self._exchanged,
            self._exchanged,
            self._removed,
            self._repeated,
            self._replaced,
            self._cut,
        ]
        self._of_bytes: list[Callable[[bytes, bytes], bytes]] = [
            self.flipped,
            self._truncated,
            self._spliced,
            self._without_part,
            self._with_noise,
            self._byte,
        ]

    def mutated(self, one: Sample, others: Sequence[Sample]) -> bytes:
        """Return a changed sample, made with parts of others. One in 50 is left as it is, and one is noise."""
        rng = self.rng
        kind = rng.random()
        if kind < 0.02:
            return one.data
        if kind < 0.04:
            return rng.randbytes(rng.choice((3, 30, 1_200)))
        other = others[int(rng.random() * len(others))]
        data = one.data
        if kind < 0.75 and one.fields:
            field = one.fields[int(rng.random() * len(one.fields))]
            data = self._by_field[int(rng.random() * len(self._by_field))](one, field, other)
        if kind > 0.6:
            data = self._of_bytes[int(rng.random() * len(self._of_bytes))](data, other.data)
        return data[:MAX_BYTES]

    # -- changes of one field --------------------------------------------------------------------------------------

    def _number(self, one: Sample, field: Field, other: Sample) -> bytes:
        """Set it to 0, to the largest number, or to one beside a power of two."""
        begin, end = field
        most, half = (1 << 8 * (end - begin)) - 1, 1 << max(8 * (end - begin) - 1, 0)
        number = self.rng.choice((0, 1, most, half, half - 1)) & most
        return one.data[:begin] + number.to_bytes(end - begin, "big") + one.data[end:]

    def _offset(self, one: Sample, field: Field, other: Sample) -> bytes:
        begin, end = field[0], min(field[1], field[0] + 8)
        size = end - begin
        number = int.from_bytes(one.data[begin:end], "big") + self.rng.choice(_OFFSETS)
        return one.data[:begin] + (number & (1 << 8 * size) - 1).to_bytes(size, "big") + one.data[end:]

    def _random(self, one: Sample, field: Field, other: Sample) -> bytes:
        begin, end = field
        return one.data[:begin] + self.rng.randbytes(end - begin) + one.data[end:]

    def _exchanged(self, one: Sample, field: Field, other: Sample) -> bytes:
        """Put a field of another sample there."""
        if not other.fields:
            return one.data
        begin, end = other.fields[int(self.rng.random() * len(other.fields))]
        return one.data[: field[0]] + other.data[begin:end] + one.data[field[1] :]

    def _removed(self, one: Sample, field: Field, other: Sample) -> bytes:
        return one.data[: field[0]] + one.data[field[1] :]

    def _repeated(self, one: Sample, field: Field, other: Sample) -> bytes:
        begin, end = field
        return one.data[:end] + one.data[begin:end] * self.rng.choice((1, 1, 2, 50)) + one.data[end:]

    def _replaced(self, one: Sample, field: Field, other: Sample) -> bytes:
        """Put msgpack there that is odd."""
        return one.data[: field[0]] + self.rng.choice(ODD_VALUES) + one.data[field[1] :]

    def _cut(self, one: Sample, field: Field, other: Sample) -> bytes:
        return one.data[: self.rng.choice(field)]

    # -- changes of any bytes --------------------------------------------------------------------------------------

    def flipped(self, data: bytes, other: bytes = b"", *, begin: int = 0, end: int | None = None) -> bytes:
        """Return the bytes with one to eight bits flipped, between two places."""
        changed, last = bytearray(data), len(data) if end is None else min(end, len(data))
        for _ in range(self.rng.choice((1, 1, 2, 8)) if last > begin else 0):
            changed[begin + int(self.rng.random() * (last - begin))] ^= 1 << int(self.rng.random() * 8)
        return bytes(changed)

    def _place(self, data: bytes) -> int:
        return int(self.rng.random() * (len(data) + 1))

    def _truncated(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)]

    def _spliced(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)] + other[self._place(other) :]

    def _without_part(self, data: bytes, other: bytes) -> bytes:
        begin = self._place(data)
        return data[:begin] + data[begin + self.rng.choice((1, 2, 8, 64)) :]

    def _with_noise(self, data: bytes, other: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + self.rng.randbytes(self.rng.choice((1, 2, 8, 64))) + data[place:]

    def _byte(self, data: bytes, other: bytes) -> bytes:
        place = self._place(data)
        return data[:place] + bytes([self.rng.choice(_BYTES)]) + data[place + 1 :]
