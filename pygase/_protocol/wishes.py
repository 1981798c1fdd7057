"""What a newcomer says of the room that it wants to enter."""

from __future__ import annotations

from typing import Final, NamedTuple

EMPTY_OPTIONS: Final = b"\x80"


class Wish(NamedTuple):
    """The room that a client wants to enter.

    :ivar room: its code; ``""`` for the game of a server without rooms.
    :ivar options: of a new room: msgpack of a dict.
    """

    room: str = ""
    options: bytes = EMPTY_OPTIONS


NO_WISH: Final = Wish()
