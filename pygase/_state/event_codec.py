"""The bytes of events and inputs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..config import ConnectionConfig
from ..errors import InvalidValue, MalformedPacket, MessageTooLarge
from .codec import holds_more
from .codec import pack_plain as pack
from .codec import unpack_plain as unpack
from .tree import MAX_DEPTH, Cleaner

MAX_EVENT_VALUES: Final = ConnectionConfig.max_event_values
"""Most values in an event, by default."""

RESERVED_PREFIX: Final = "pygase:"
"""Event types with this prefix are PyGaSe's own. A game cannot send them."""

_MAX_LEVELS: Final = MAX_DEPTH + 2
"""Most lists and dicts within one another in a serialised event. The sender counts from the args."""


def encode_event(
    event_type: object,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    max_bytes: int,
    max_values: int = MAX_EVENT_VALUES,
    *,
    own: bool = False,
) -> bytes:
    """Serialise an event for the wire: msgpack of ``[type]``, ``[type, args]`` or ``[type, args, kwargs]``.

    :param max_bytes: largest size, serialised.
    :param max_values: most values: numbers, texts, keys, lists and dicts all count.
    :param own: whether the type may be one of PyGaSe's own.
    :raises InvalidValue: if a value cannot be sent (names path and type), or the type is no str.
    :raises MessageTooLarge: if a bound is exceeded.
    :raises ValueError: if the type is one of PyGaSe's own, and ``own`` is False.
    """
    if not isinstance(event_type, str):
        raise InvalidValue(f"event_type must be a str, got {event_type!r} of type {type(event_type).__name__}")
    if event_type.startswith(RESERVED_PREFIX) and not own:
        raise ValueError(
            f"event types that begin with {RESERVED_PREFIX!r} are PyGaSe's own; choose another than {event_type!r}"
        )
    cleaner = Cleaner()
    parts: list[Any] = [cleaner.clean(event_type, "event_type")]
    if args or kwargs:
        parts.append(cleaner.clean(list(args), f"event {event_type!r}: args"))
    if kwargs:
        parts.append(cleaner.clean(dict(kwargs), f"event {event_type!r}: kwargs"))
    try:
        payload = pack(parts)
    except TypeError:
        raise InvalidValue(
            f"event {event_type!r} holds TO_DELETE, which only updates of the state can; send the names of "
            "the things to delete"
        ) from None
    if len(payload) > max_bytes:
        raise MessageTooLarge(
            f"event {event_type!r} takes {len(payload):,} bytes, at most {max_bytes:,} are allowed; "
            "send less at once, or raise max_message_bytes in the config of BOTH sides"
        )
    if len(payload) > max_values and holds_more(payload, max_values):
        raise MessageTooLarge(
            f"event {event_type!r} holds more than {max_values:,} values (numbers, texts, keys, lists, dicts); send "
            "less at once, or many numbers as bytes (array('h', numbers).tobytes()), or raise max_event_values in the "
            "config of BOTH sides"
        )
    return payload


def event_type_of(payload: bytes) -> str:
    """Return the type of a serialised event. Its data is not read, and may be malformed.

    :raises MalformedPacket: if the bytes are no event.
    """
    head = payload[1] if len(payload) > 1 and 0x91 <= payload[0] <= 0x93 else 0
    length_bytes = {0xD9: 1, 0xDA: 2, 0xDB: 4}.get(head, 0)
    if not length_bytes and head & 0xE0 != 0xA0:
        raise MalformedPacket("not an event")
    begin = 2 + length_bytes
    size = int.from_bytes(payload[2:begin], "big") if length_bytes else head & 0x1F
    if begin + size > len(payload):
        raise MalformedPacket("an event that is cut off")
    try:
        return str(payload[begin : begin + size], "utf-8")
    except UnicodeDecodeError:
        raise MalformedPacket("an event whose type is no text") from None


def decode_event(payload: bytes, max_values: int = MAX_EVENT_VALUES) -> tuple[str, list[Any], dict[str, Any]]:
    """Read the bytes of :func:`encode_event`.

    :raises MalformedPacket: if they are no event, hold more values, or are nested too deeply.
    """
    parts = unpack(payload, max_values, _MAX_LEVELS)
    if type(parts) is list and len(parts) == 2:  # the usual case, checked first because it is the fastest
        event_type, args = parts
        if type(event_type) is str and type(args) is list:
            return event_type, args, {}
    size = len(parts) if type(parts) is list else 0
    if not 1 <= size <= 3 or type(parts[0]) is not str:
        raise MalformedPacket("not an event")
    args = parts[1] if size > 1 else []
    if type(args) is not list:
        raise MalformedPacket("an event's args must be a list")
    if size < 3:
        return parts[0], args, {}
    kwargs = parts[2]
    if type(kwargs) is not dict or (kwargs and {str} != set(map(type, kwargs))):
        raise MalformedPacket("an event's kwargs must be a dict with names as keys")
    return parts[0], args, kwargs


def encode_input(value: Any, max_bytes: int) -> bytes:
    """:param max_bytes: largest size, serialised.
    :raises InvalidValue: if a value cannot be sent (names path and type).
    :raises MessageTooLarge: if it is larger than ``max_bytes``.
    """
    payload = pack(Cleaner().clean(value, "input"))
    if len(payload) > max_bytes:
        raise MessageTooLarge(
            f"an input takes {len(payload)} bytes, at most {max_bytes} are possible, as it travels many times; "
            "send only what the player does in a tick (keys, directions), and the rest with dispatch_event"
        )
    return payload


def decode_input(payload: bytes) -> Any:
    """Read the bytes of :func:`encode_input`.

    :raises MalformedPacket: if they are no input.
    """
    return unpack(payload)
