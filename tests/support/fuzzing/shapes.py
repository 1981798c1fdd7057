"""Where the fields of some bytes are. A shape is a text such as ``"1 8 s1 m"``, one word for each field:

- a number: that many bytes;
- ``s1`` ``s2``: a length of one or two bytes, and the bytes;
- ``m1`` ``m2``: the same, and the bytes are msgpack;
- ``m``: msgpack up to the end; ``messages``: framed messages up to the end; ``*``: the rest.

The bytes may be cut off or damaged: the fields are those that can still be seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from pygase._protocol.wire import MESSAGE_HEADER

MAX_FIELDS: Final = 200
"""Most fields that are looked for in one sample. The rest is still reached by the changes of any bytes."""

Field = tuple[int, int]
"""Begin and end."""

_SIZED: Final = {"s1": (1, False), "s2": (2, False), "m1": (1, True), "m2": (2, True)}
_EXTRA: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xC7: 1, 0xC8: 2, 0xC9: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Bytes of the length of a text, of bytes or of an extension type, by its first byte."""
_PLAIN: Final = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8}
_FIXED_EXTENSIONS: Final = {0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17}
_CONTAINERS: Final = {0xDC: 2, 0xDD: 4, 0xDE: 2, 0xDF: 4}


class Sample(NamedTuple):
    """Bytes, and their fields."""

    data: bytes
    fields: tuple[Field, ...]


def sample(data: bytes, shape: str) -> Sample:
    """Return the bytes with the fields of the shape."""
    found: list[Field] = []
    for field in _fields(data, shape):
        found.append(field)
        if len(found) >= MAX_FIELDS:
            break
    return Sample(data, tuple(found))


def _fields(data: bytes, shape: str) -> Iterator[Field]:
    at = 0
    for word in shape.split():
        if at >= len(data):
            return
        if word in _SIZED:
            length_bytes, is_msgpack = _SIZED[word]
            begin = min(at + length_bytes, len(data))
            end = begin + int.from_bytes(data[at:begin], "big")
            yield at, begin
            yield begin, min(end, len(data))
            if is_msgpack:
                yield from _tokens(data, begin, min(end, len(data)))
            at = end
        elif word.isdigit():
            yield at, min(at + int(word), len(data))
            at += int(word)
        else:
            yield at, len(data)
            yield from {"m": _tokens, "messages": _messages}.get(word, _nothing)(data, at, len(data))
            return


def _nothing(data: bytes, begin: int, end: int) -> Iterator[Field]:
    return iter(())


def _messages(data: bytes, begin: int, end: int) -> Iterator[Field]:
    """Yield kind, length, body, and each message as a whole."""
    while begin + MESSAGE_HEADER.size <= end:
        body = begin + MESSAGE_HEADER.size
        close = min(body + int.from_bytes(data[begin + 1 : body], "big"), end)
        yield from ((begin, begin + 1), (begin + 1, body), (body, close), (begin, close))
        begin = close


def _tokens(data: bytes, begin: int, end: int) -> Iterator[Field]:
    """Yield the head and the content of each msgpack value. Containers have their items after them."""
    while begin < end:
        head, size = _token(data, begin)
        yield begin, min(begin + head, end)
        if size:
            yield min(begin + head, end), min(begin + head + size, end)
        begin += head + size


def _token(data: bytes, at: int) -> tuple[int, int]:
    """Return the bytes of a value's head and of its content."""
    first = data[at]
    if first in _EXTRA:
        head = 1 + _EXTRA[first]
        size = int.from_bytes(data[at + 1 : at + head], "big")
        return head, size + (0xC7 <= first <= 0xC9)
    if 0xA0 <= first <= 0xBF:
        return 1, first & 0x1F
    return 1 + _CONTAINERS.get(first, 0), _PLAIN.get(first, 0) or _FIXED_EXTENSIONS.get(first, 0)
