"""Who plays which side. Pure.

A seat's place is its side. A second player at a client's keyboard, the guest, has a seat of its own: its number is the
client's plus `GUESTS`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal

from games.pong.flight import SIDES, Side
from pygase import GameState, GameStateUpdate, Seats, changes, clean_name, unused_name

GUESTS: Final = 2**30
BOT_NAME: Final = "Bot"
GUEST_NAME: Final = "Guest"

Seat = Literal["left", "right", ""]  # a side, or "" for spectators
Table = Mapping[int, Mapping[str, Any]]
Update = dict[str, Any]


NO_PLAYER: Final = {"name": "", "bot": False, "guest": False, "lost": False, "ready": False}


def seat_of(seats: Table | None, client_id: int | None) -> Seat:
    """Return the side that a client plays, or ""."""
    seat = seats.get(client_id) if seats and client_id else None
    return SIDES[seat["place"]] if seat and seat["place"] is not None else ""


def people_of(seats: Table) -> dict[str, Any]:
    """Return the `players` of both sides, and the names of the spectators `watching`, by client id.

    A player is a seat that also has `bot` and `guest`: a second player at the opponent's keyboard.
    """
    players: dict[Side, Mapping[str, Any]] = dict.fromkeys(SIDES, NO_PLAYER)
    for number, seat in seats.items():
        if seat["place"] is not None:
            players[SIDES[seat["place"]]] = {**seat, "bot": number < 0, "guest": number > GUESTS}
    watching = {number: seat["name"] for number, seat in seats.items() if seat["place"] is None}
    return {"players": players, "watching": watching}


class KeyboardSeats(Seats):
    """Two seats, for clients and their guests. A guest is ready, and leaves, together with the client."""

    def __init__(self, bots: bool) -> None:
        super().__init__(2, bots=int(bots), bot_names=[BOT_NAME])

    def on_connected(self, game_state: GameState, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Give a new client a seat. Its name is neither the bot's nor the guest's."""
        name = unused_name(clean_name(profile.get("name")), (BOT_NAME, GUEST_NAME))
        return super().on_connected(game_state, client_id, {**profile, "name": name})

    def on_left(self, game_state: GameState, client_id: int) -> Update:
        """Remove a client."""
        return self._at_keyboard(super().on_left, game_state, client_id)

    def on_ready(self, is_ready: object, game_state: GameState, client_id: int) -> Update:
        """A player says whether it is ready."""
        ready = super().on_ready
        return self._at_keyboard(lambda state, number: ready(is_ready, state, number), game_state, client_id)

    def on_guest(self, plays: object, game_state: GameState, client_id: int) -> Update:
        """Let a second player sit down at a client's keyboard if no client has the other side, or get up again."""
        guest = client_id + GUESTS
        clients = [number for number in self.players(game_state) if number > 0]
        if plays is True and clients == [client_id]:
            return super().on_connected(game_state, guest, {"name": GUEST_NAME})
        return super().on_left(game_state, guest) if plays is False and guest in game_state.seats else {}

    def _at_keyboard(
        self, handler: Callable[[GameState, int], Update], game_state: GameState, client_id: int
    ) -> Update:
        """Return the update of a handler for a client, and then for its guest."""
        after = GameState(seats={number: dict(seat) for number, seat in game_state.seats.items()})
        for number in (client_id, client_id + GUESTS):
            if number in after.seats:
                after += GameStateUpdate(**handler(after, number))
        change = changes(game_state.seats, after.seats)
        return {"seats": change} if change else {}
