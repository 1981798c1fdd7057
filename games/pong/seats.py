"""The players' entries in the game state. Pure.

Each entry has a key, by which a player's own program finds its side. It is a part of a hash: a client's address is not
for the other players. (An IPv4 address with its port has 48 bits, the key 32, so the key does not reveal it.)
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from games.pong.rules import SIDES, Side

Seat = Literal["left", "right", ""]  # a side, or "" for spectators


class Player(TypedDict):
    """The entry of one side in `players`."""

    name: str
    bot: bool
    guest: bool  # a second player at the opponent's keyboard
    key: str  # `key_of(address)`; "" if no client plays here


def key_of(address: object) -> str:
    """Return the key of a client's address: eight hexadecimal digits."""
    return hashlib.blake2b(str(address).encode(), digest_size=4).hexdigest()


def seat_of(players: Mapping[Side, Mapping[str, Any]] | None, address: object) -> Seat:
    """Return the side that an address plays, or ""."""
    if not players or address is None:
        return ""
    key = key_of(address)
    return next((side for side in SIDES if players[side]["key"] == key), "")
