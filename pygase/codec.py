"""msgpack, as PyGaSe uses it: plain values, and one extension type for TO_DELETE."""

from __future__ import annotations

import logging
from typing import Any, Final

import msgpack

from .errors import MalformedPacket
from .tree import MAX_DEPTH, TO_DELETE

_DELETE_CODE: Final = 1
_TIMESTAMP_HEADS: Final = (
    *(b"\xd6\xff", b"\xd7\xff"),
    *(head + bytes([size, 255]) for head in (b"\xc7", b"\xc8\0", b"\xc9\0\0\0") for size in (4, 8, 12)),
)
"""How timestamps (extension -1) may begin: with or without the size, and that in one, two or four bytes."""
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


def unpack(data: bytes, *, markers: bool = False) -> Any:
    """Deserialise, allocating no more than a small multiple of ``len(data)``.

    :param markers: whether TO_DELETE may occur.
    :raises MalformedPacket: for whatever is wrong with the bytes.
    """
    if not markers:
        return unpack_plain(data)
    try:
        value = _unpackb(data, strict_map_key=False, ext_hook=_unpack_marker)
    except MalformedPacket:
        raise
    except Exception as error:
        raise MalformedPacket(f"not msgpack: {error}") from None
    if 255 in data:
        _look_for_timestamps(data, value)
    return value


def unpack_plain(data: bytes) -> Any:
    """The same as :func:`unpack`, where TO_DELETE cannot be."""
    try:
        value = _unpackb(data, strict_map_key=False, ext_hook=_refuse_extension)
    except MalformedPacket:
        raise
    except Exception as error:  # msgpack raises half a dozen kinds; none of them may escape
        raise MalformedPacket(f"not msgpack: {error}") from None
    if 255 in data:  # (an int is looked for much faster than bytes)
        _look_for_timestamps(data, value)
    return value


def _look_for_timestamps(data: bytes, value: Any) -> None:
    if any(head in data for head in _TIMESTAMP_HEADS):
        _refuse_timestamps(value)


def _refuse_timestamps(value: Any, depth: int = 0) -> None:
    """Raise if msgpack has made a Timestamp (extension -1, which it never gives to a hook)."""
    if isinstance(value, msgpack.Timestamp) or depth > MAX_DEPTH + 2:  # in an event's data, in what is innermost
        raise MalformedPacket("a timestamp where there can be none, or nested too deeply")
    items = (*value, *value.values()) if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        _refuse_timestamps(item, depth + 1)
