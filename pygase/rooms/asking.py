"""What a player can ask a host of rooms for, instead of a code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .._protocol.wire import MAX_OPTIONS_BYTES, MAX_ROOM_BYTES
from .._protocol.wishes import Wish
from .._state.codec import pack_plain
from .._state.tree import Cleaner
from ..errors import InvalidValue

QUICK: Final = "?"
NEW: Final = "+"
"""The first letters of the two wishes on the wire, before the kind of the room."""


def quick(kind: str) -> Wish:
    """Return the wish for a quick match: a free place in a room of this kind, or a new room if there is none::

        client.connect_in_thread(8080, "play.example", room=quick("duel"))

    :raises ValueError: the kind cannot be one.
    """
    return Wish(QUICK + checked_kind(kind))


def new(kind: str, options: Mapping[str, Any] | None = None) -> Wish:
    """Return the wish for a new private room of this kind. Friends enter it by its code::

        client.connect_in_thread(8080, "play.example", room=new("duel", {"best_of": 3}))

    :param options: plain values for the room's maker, at most 256 bytes, serialised.
    :raises ValueError: the kind cannot be one.
    :raises InvalidValue: (a TypeError) the options are no dict of plain values, or too large.
    """
    given = {} if options is None else options
    if not isinstance(given, Mapping):
        raise InvalidValue(f"options must be a dict such as {{'best_of': 3}}, got {options!r:.80}")
    packed = pack_plain(Cleaner().clean(dict(given), "options"))
    if len(packed) > MAX_OPTIONS_BYTES:
        raise InvalidValue(f"options take {len(packed)} bytes, serialised; at most {MAX_OPTIONS_BYTES} are allowed")
    return Wish(NEW + checked_kind(kind), packed)


def checked_kind(kind: Any) -> str:
    """Return a kind.

    :raises ValueError: it cannot be one.
    """
    if not isinstance(kind, str) or not kind.isprintable() or not 0 < len(kind.encode()) < MAX_ROOM_BYTES:
        raise ValueError(f"a kind of room must be a short text such as 'duel', got {kind!r:.80}")
    return kind
