"""msgpack for PyGaSe: plain values, and one extension type for TO_DELETE."""

from __future__ import annotations

import gc
import logging
import re
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import msgpack

from ..errors import MalformedPacket
from .tree import MAX_DEPTH, TO_DELETE, too_deep

_DELETE_CODE: Final = 1
_TIMESTAMP: Final = re.compile(rb"[\xd6\xd7]\xff|(?:\xc7|\xc8\0|\xc9\0\0\0)[\x04\x08\x0c]\xff")
"""Beginnings of timestamps (extension -1): without a size, or with one of one, two or four bytes. The same bytes may be
a part of another value."""

MAX_VALUES: Final = 1 << 24

_SMALL_BYTES: Final = 2048
"""Bytes up to which Python checks the nesting, and the garbage collector keeps running."""
_unpackb: Final = msgpack.unpackb
_DELETE: Final = msgpack.ExtType(_DELETE_CODE, b"")

if msgpack.Packer.__module__ == "msgpack.fallback":
    logging.getLogger("pygase").warning(
        "msgpack runs without its C extension, about 25 times slower; reinstall it (pip install --force-reinstall "
        "msgpack)"
    )


def _pack_marker(value: Any) -> Any:
    if value is TO_DELETE:
        return _DELETE
    raise TypeError(f"cannot serialise {type(value).__name__}")


def _unpack_marker(code: int, data: bytes) -> Any:
    if code == _DELETE_CODE and not data:
        return TO_DELETE
    raise MalformedPacket(f"unknown extension type {code}")


def pack(value: Any) -> bytes:
    """Return a clean value (see ``tree.Cleaner``) as bytes."""
    return msgpack.packb(value, default=_pack_marker)  # type: ignore[no-any-return]


def most_bytes(received: int) -> int:
    """Return the most bytes that :func:`pack` makes of values which were received in so many.

    A peer may send floats of 32 bits in five bytes each, and :func:`pack` takes nine. All else becomes no longer.
    """
    return received + received // 5 * 4


def pack_plain(value: Any) -> bytes:
    """Like :func:`pack`.

    :raises TypeError: it has a TO_DELETE.
    """
    return msgpack.packb(value)  # type: ignore[no-any-return]


def _refuse_extension(code: int, data: bytes) -> Any:
    raise MalformedPacket(f"extension type {code} where there can be none")


def unpack(data: bytes, *, markers: bool = False, max_values: int = MAX_VALUES) -> Any:
    """Return the value of bytes. Memory is a small multiple of ``len(data)``. The caller checks the nesting.

    :param markers: whether TO_DELETE may occur.
    :raises MalformedPacket: the bytes are not a value within these bounds.
    """
    _check_values(data, max_values)
    return _unpack(data, _unpack_marker if markers else _refuse_extension)


def unpack_plain(data: bytes, max_values: int = MAX_VALUES, max_levels: int = MAX_DEPTH + 1) -> Any:
    """Like :func:`unpack`, without TO_DELETE and nested no deeper than ``max_levels``.

    :param max_levels: most lists and dicts within one another. (One more is accepted if it is empty.)
    :raises MalformedPacket: the bytes are not a value within these bounds.
    """
    size = len(data)
    if size > max_levels or size > max_values or 255 in data:  # a level and a value take at least one byte
        return _unpack_checked(data, max_values, max_levels)
    try:  # most events need no further check
        return _unpackb(data, strict_map_key=False, ext_hook=_refuse_extension)
    except MalformedPacket:
        raise
    except Exception as error:
        raise MalformedPacket(f"not msgpack: {error}") from None


def _unpack_checked(data: bytes, max_values: int, max_levels: int) -> Any:
    _check_values(data, max_values)
    if len(data) <= _SMALL_BYTES or not _LEVELS:
        value = _unpack(data, _refuse_extension)
        if too_deep(value, MAX_DEPTH + 1 - max_levels):
            raise MalformedPacket(f"nested deeper than {max_levels} levels")
        return value
    # lists around the data use up the levels that msgpack itself allows: msgpack counts them fastest
    outer = _LEVELS - max_levels
    value = _unpack(b"\x91" * outer + data, _refuse_extension)
    for _ in range(outer):
        value = value[0]
    return value


def _check_values(data: bytes, most: int) -> None:
    # the search for an int is much faster than that for bytes
    if len(data) > most or (255 in data and _TIMESTAMP.search(data)):
        count_values(data, most)


def _unpack(data: bytes, hook: Callable[[int, bytes], Any]) -> Any:
    # Thousands of new dicts start the garbage collector again and again, finally for all objects of the program: 15 to
    # 40 ms were measured at a time. No object made here is garbage.
    pause = len(data) > _SMALL_BYTES and gc.isenabled()
    if pause:
        gc.disable()
    try:
        return _unpackb(data, strict_map_key=False, ext_hook=hook)
    except MalformedPacket:
        raise
    except Exception as error:  # msgpack raises many types; none of them may escape
        raise MalformedPacket(f"not msgpack: {error}") from None
    finally:
        if pause:
            gc.enable()


def count_values(data: bytes, most: int) -> int:
    """Return the number of values in serialised data, without making them. Each key, list and dict counts.

    The number shows the cost for the receiver: an empty dict takes one byte on the wire, 64 bytes in memory and half a
    microsecond.

    :raises MalformedPacket: there are more than ``most`` values, or one has a type that PyGaSe does not send, such as a
        timestamp.
    """
    at, count, end = 0, 0, len(data)
    many = _pattern(_IN_A_ROW)
    in_runs = True
    while at < end and count <= most:
        size_bytes = _SIZES.get(data[at], 0)
        size = int.from_bytes(data[at + 1 : at + 1 + size_bytes], "big") if size_bytes else 0
        if size >= _SHORT_BYTES:
            at, count = at + 1 + size_bytes + size, count + 1
        elif in_runs and (found := many.match(data, at)) is not None:
            at, count = found.end(), count + _RUN_VALUES
        elif (found := _pattern(_UP_TO).match(data, at)) is not None:
            values = len(_pattern("{1}").findall(data, at, found.end()))
            at, count, in_runs = found.end(), count + values, values == _RUN_VALUES
        else:
            raise MalformedPacket("not msgpack in its shortest form, or an extension where there can be none")
    if count > most:
        raise MalformedPacket(f"more than {most:,} values")
    return count


def holds_more(data: bytes, most: int) -> bool:
    """Return whether data that this module has serialised holds more than ``most`` values."""
    try:
        count_values(data, most)
    except MalformedPacket:
        return True
    return False


_RUN_VALUES: Final = 256
"""Short values that one step counts."""
_IN_A_ROW: Final = f"{{{_RUN_VALUES}}}"
_UP_TO: Final = f"{{1,{_RUN_VALUES}}}+"

_SHORT_BYTES: Final = 32
"""Bytes from which on a text, or a bytes value, is long."""

_SIZES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""First byte of a text or bytes value → number of bytes of its size."""


@cache
def _pattern(values: str) -> re.Pattern[bytes]:
    """Return a pattern of ``values`` short values: ``{256}``, ``{1,256}+`` or ``{1}``. The first call takes 2 ms."""
    sizes = [re.escape(bytes([size])) + b".{%d}" % size for size in range(_SHORT_BYTES)]
    value = b"|".join(
        [
            rb"[\x00-\xa0\xc0\xc2\xc3\xe0-\xff]",  # small ints, None, bools, "", and heads of small lists and dicts
            rb"[\xcb\xcf\xd3].{8}|[\xca\xce\xd2\xdd\xdf].{4}|[\xcd\xd1\xdc\xde]..|[\xcc\xd0].",  # numbers, larger heads
            *(re.escape(bytes([0xA0 + size])) + b".{%d}" % size for size in range(1, _SHORT_BYTES)),  # texts
            rb"\xc4(?:%b)" % b"|".join(sizes),  # bytes
            rb"\xc7\x00\x01",  # TO_DELETE
        ]
    )
    return re.compile(b"(?s:%b)%b" % (value, values.encode()))


def prepare_counting() -> None:
    """Compile the patterns now, so that the first large event does not wait for them."""
    for values in (_IN_A_ROW, _UP_TO, "{1}"):
        _pattern(values)


def _msgpacks_levels() -> int:
    """Return the nesting that msgpack accepts: 1024, a constant of its C code; 0 if it has another limit."""
    try:
        _unpackb(b"\x91" * 1024 + b"\xc0")
        _unpackb(b"\x91" * 1025 + b"\xc0")
    except msgpack.exceptions.StackError:
        return 1024
    except Exception:
        return 0
    return 0


_LEVELS: Final = _msgpacks_levels()
