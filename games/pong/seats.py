"""Who sits where, as the game state tells it to everybody.

Each player's entry has a key by which their own program finds its side: a part of a hash, not the address itself, which
is nobody else's business. (An IPv4 address with its port has 48 bits and the key 32, so it does not lead back to one.)

Pure: nothing here knows of a network or a window.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from games.pong.rules import SIDES, Side

Seat = Literal["left", "right", ""]  # a side, or "" for those who watch


class Player(TypedDict):
    """One side's entry in `players`."""

    name: str
    bot: bool
    guest: bool  # a second player at the other one's keyboard
    key: str  # `key_of(address)`; "" if nobody connected plays here


def key_of(address: object) -> str:
    """Return the key of a client's address: eight hexadecimal digits."""
    return hashlib.blake2b(str(address).encode(), digest_size=4).hexdigest()


def seat_of(players: Mapping[Side, Mapping[str, Any]] | None, address: object) -> Seat:
    """Return which side an address plays: "" if none, or if there are no players yet."""
    if not players or address is None:
        return ""
    key = key_of(address)
    return next((side for side in SIDES if players[side]["key"] == key), "")
