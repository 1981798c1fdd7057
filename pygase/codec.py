"""msgpack, as PyGaSe uses it: plain values, and one extension type for TO_DELETE."""

from __future__ import annotations

import logging
from typing import Any, Final

import msgpack

from .errors import MalformedPacket
from .tree import TO_DELETE

_DELETE_CODE: Final = 1
_DELETE: Final = msgpack.ExtType(_DELETE_CODE, b"")

if msgpack.Packer.__module__ == "msgpack.fallback":
    logging.getLogger("pygase").warning(
        "msgpack runs without its C extension, about 25 times slower; reinstall it (pip install --force-reinstall msgpack)"
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


def unpack(data: bytes | memoryview) -> Any:
    """Deserialise, allocating no more than a small multiple of ``len(data)``.

    :raises MalformedPacket: for whatever is wrong with the bytes.
    """
    try:
        return msgpack.unpackb(data, strict_map_key=False, ext_hook=_unpack_marker)
    except MalformedPacket:
        raise
    except Exception as error:  # msgpack raises half a dozen kinds; none of them may escape
        raise MalformedPacket(f"not msgpack: {error}") from None
