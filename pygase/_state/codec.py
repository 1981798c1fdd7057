"""msgpack, as PyGaSe uses it: plain values, and one extension type for TO_DELETE."""

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
"""How timestamps (extension -1) may begin: with or without the size, and that in one, two or four bytes. The same bytes
may be part of something else."""

MAX_VALUES: Final = 1 << 24
"""Values that there may be where nobody says otherwise."""

_FEW_BYTES: Final = 2048
"""Up to here Python looks for what is nested too deeply, and the garbage collector need not wait."""
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
    """Serialise a clean value (see ``tree.Cleaner``)."""
    return msgpack.packb(value, default=_pack_marker)  # type: ignore[no-any-return]


def pack_plain(value: Any) -> bytes:
    """The same as :func:`pack`, where TO_DELETE cannot be: TypeError."""
    return msgpack.packb(value)  # type: ignore[no-any-return]


def _refuse_extension(code: int, data: bytes) -> Any:
    raise MalformedPacket(f"extension type {code} where there can be none")


def unpack(data: bytes, *, markers: bool = False, max_values: int = MAX_VALUES) -> Any:
    """Deserialise, allocating no more than a small multiple of ``len(data)``. The caller checks how deep it is nested.

    :param markers: whether TO_DELETE may occur.
    :param max_values: how many values there may be; see :func:`count_values`.
    :raises MalformedPacket: for whatever is wrong with the bytes.
    """
    _check_values(data, max_values)
    return _unpack(data, _unpack_marker if markers else _refuse_extension)


def unpack_plain(data: bytes, max_values: int = MAX_VALUES, max_levels: int = MAX_DEPTH + 1) -> Any:
    """The same as :func:`unpack`, where TO_DELETE cannot be, and nothing may be nested deeper than ``max_levels``.

    :param max_levels: how many lists and dicts there may be within one another. (One more is let pass if it is empty.)
    """
    size = len(data)
    if size > max_levels or size > max_values or 255 in data:  # (a level, or a value, takes a byte at least)
        return _unpack_checked(data, max_values, max_levels)
    try:  # what most events are, without further ado
        return _unpackb(data, strict_map_key=False, ext_hook=_refuse_extension)
    except MalformedPacket:
        raise
    except Exception as error:
        raise MalformedPacket(f"not msgpack: {error}") from None


def _unpack_checked(data: bytes, max_values: int, max_levels: int) -> Any:
    _check_values(data, max_values)
    if len(data) <= _FEW_BYTES or not _LEVELS:
        value = _unpack(data, _refuse_extension)
        if too_deep(value, MAX_DEPTH + 1 - max_levels):
            raise MalformedPacket(f"nested deeper than {max_levels} levels")
        return value
    # in lists as deep as msgpack takes them: it counts the levels itself, faster than anybody could afterwards
    outer = _LEVELS - max_levels
    value = _unpack(b"\x91" * outer + data, _refuse_extension)
    for _ in range(outer):
        value = value[0]
    return value


def _check_values(data: bytes, most: int) -> None:
    # (an int is looked for much faster than bytes)
    if len(data) > most or (255 in data and _TIMESTAMP.search(data)):
        count_values(data, most)


def _unpack(data: bytes, hook: Callable[[int, bytes], Any]) -> Any:
    # Thousands of new dicts set off the garbage collector again and again, in vain, and then for all that the program
    # holds: 15 to 40 ms were measured at a time. None of what is made here is garbage.
    pause = len(data) > _FEW_BYTES and gc.isenabled()
    if pause:
        gc.disable()
    try:
        return _unpackb(data, strict_map_key=False, ext_hook=hook)
    except MalformedPacket:
        raise
    except Exception as error:  # msgpack raises half a dozen kinds; none of them may escape
        raise MalformedPacket(f"not msgpack: {error}") from None
    finally:
        if pause:
            gc.enable()


def count_values(data: bytes, most: int) -> int:
    """Return how many values serialised data holds, without making any: each key, list and dict counts, too.

    What a few bytes cost the receiver is told by this number: an empty dict takes one byte on the wire, 64 in memory,
    and half a microsecond.

    :raises MalformedPacket: if there are more than ``most``, or what is no value of ours, such as a timestamp, which
        msgpack would make without asking.
    """
    at, count, end = 0, 0, len(data)
    many = _pattern(_IN_A_ROW)
    in_runs = True
    while at < end and count <= most:
        told_in = _SIZES.get(data[at], 0)
        size = int.from_bytes(data[at + 1 : at + 1 + told_in], "big") if told_in else 0
        if size >= _SHORT:
            at, count = at + 1 + told_in + size, count + 1
        elif in_runs and (found := many.match(data, at)) is not None:
            at, count = found.end(), count + _MANY
        elif (found := _pattern(_UP_TO).match(data, at)) is not None:
            values = len(_pattern("{1}").findall(data, at, found.end()))
            at, count, in_runs = found.end(), count + values, values == _MANY
        else:
            raise MalformedPacket("not msgpack in its shortest form, or an extension where there can be none")
    if count > most:
        raise MalformedPacket(f"more than {most:,} values")
    return count


def holds_more(data: bytes, most: int) -> bool:
    """Tell whether what this module has serialised holds more than ``most`` values."""
    try:
        count_values(data, most)
    except MalformedPacket:
        return True
    return False


_MANY: Final = 256
"""Values that are counted with one step, where all of them are short."""
_IN_A_ROW: Final = f"{{{_MANY}}}"
_UP_TO: Final = f"{{1,{_MANY}}}+"

_SHORT: Final = 32
"""Bytes from which on a text, or what is bytes, is a long one."""

_SIZES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
"""Heads of bytes and texts → how many bytes tell their size."""


@cache
def _pattern(values: str) -> re.Pattern[bytes]:
    """Return a pattern of so many values: ``{256}``, ``{1,256}+`` or ``{1}``. Made when it is needed, in 2 ms."""
    sizes = [re.escape(bytes([size])) + b".{%d}" % size for size in range(_SHORT)]
    value = b"|".join(
        [
            rb"[\x00-\xa0\xc0\xc2\xc3\xe0-\xff]",  # small ints, None, bools, "", and heads of small lists and dicts
            rb"[\xcb\xcf\xd3].{8}|[\xca\xce\xd2\xdd\xdf].{4}|[\xcd\xd1\xdc\xde]..|[\xcc\xd0].",  # numbers, larger heads
            *(re.escape(bytes([0xA0 + size])) + b".{%d}" % size for size in range(1, _SHORT)),  # texts
            rb"\xc4(?:%b)" % b"|".join(sizes),  # bytes
            rb"\xc7\x00\x01",  # TO_DELETE
        ]
    )
    return re.compile(b"(?s:%b)%b" % (value, values.encode()))


def prepare_counting() -> None:
    """Make now what counting needs, so that the first large event need not wait for it."""
    for values in (_IN_A_ROW, _UP_TO, "{1}"):
        _pattern(values)


def _msgpacks_levels() -> int:
    """Return how many lists within one another msgpack takes: 1024, a constant of its C code; 0 if it is another."""
    try:
        _unpackb(b"\x91" * 1024 + b"\xc0")
        _unpackb(b"\x91" * 1025 + b"\xc0")
    except msgpack.exceptions.StackError:
        return 1024
    except Exception:
        return 0
    return 0


_LEVELS: Final = _msgpacks_levels()
