"""The players' entries in the game state. Pure."""

from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from games.pong.rules import SIDES, Side

Seat = Literal["left", "right", ""]  # a side, or "" for spectators


class Player(TypedDict):
    """The entry of one side in `players`."""

    id: int  # the `client_id` of the player; 0 for a bot, a guest and a free side
    name: str
    bot: bool
    guest: bool  # a second player at the opponent's keyboard
    lost: bool  # whether the connection is lost, and the match waits for the player


def seat_of(players: Mapping[Side, Mapping[str, Any]] | None, client_id: int | None) -> Seat:
    """Return the side that a client plays, or ""."""
    if not players or not client_id:
        return ""
    return next((side for side in SIDES if players[side]["id"] == client_id), "")
