"""Seats: who plays and who watches, on the server. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count, cycle
from typing import Any, Final

from ._state.delta import changes
from .event import CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_LOST, CLIENT_RESUMED
from .gamestate import GameState
from .names import clean_name, unused_name

COLOURS: Final = ("red", "blue", "yellow", "green", "purple", "orange", "cyan", "pink")
"""The names of the colours that players get in turn. pygame knows them."""

MOST_PLACES: Final = 1024

BOT_NUMBERS: Final = 32
"""Numbers of bots before one is used again, with few bots: a new bot has a new key for a while."""

Seat = dict[str, Any]
Table = dict[int, Seat]
Update = dict[str, Any]


class Seats:
    """Gives a game's places to clients and bots, and keeps who is ready, in which team, and of which colour.

    The table of seats is a part of the game state, so all clients see it, and a checkpoint keeps it::

        seats = pygase.Seats(2, bots=1)

        def time_step(game_state, dt, inputs):
            for number, seat in seats.players(game_state).items(): ...

        backend = Backend(GameState(seats=seats.first()), time_step, seats.handlers)

    A client's number is its ``client_id``; bots have numbers below 0. A client who is lost keeps the seat until the
    client leaves. A seat is a dict:

    - ``name``: from the profile's ``"name"``, made fit for a screen, and different from all others
    - ``place``: from 0 to ``places - 1``; None for a spectator
    - ``team``: index into ``teams``; None for spectators and without teams
    - ``colour``: one of ``colours``, the profile's ``"colour"`` if it is free; different while there are enough colours
    - ``ready``: whether the player is ready; True for a bot
    - ``lost``: whether the connection is lost
    - ``wants``: whether the client wants to play. If no place is free, it waits for one, the oldest client first.

    :attr:`handlers` has the handlers of these events. ``CLIENT_CONNECTED``, ``CLIENT_LOST``, ``CLIENT_RESUMED`` and
    ``CLIENT_LEFT`` come from the server, the others from clients: ``"READY"`` (True or False), ``"PLAY"`` (True, or
    False to watch), ``"TEAM"`` (name of a team). What makes no sense is ignored. A game that does more at one of these
    events has a handler of its own, and merges the update of the method of that event into its own.

    :param places: most players, bots included.
    :param teams: the names of the teams. A player is put into the smallest one.
    :param bots: bots that fill free places, at most. A bot gives its place to a client who wants one.
    :param colours: the names of the players' colours.
    :param bot_names: the names of the bots, in turn.
    :param table: the attribute of the game state that has the seats.
    :raises ValueError: a parameter makes no sense; the message says which.
    """

    def __init__(
        self,
        places: int,
        *,
        teams: Sequence[str] = (),
        bots: int = 0,
        colours: Sequence[str] = COLOURS,
        bot_names: Sequence[str] = ("Bot",),
        table: str = "seats",
    ) -> None:
        _check_number("places", places, 1, MOST_PLACES)
        _check_number("bots", bots, 0, places)
        _check_names("teams", teams, 0)
        _check_names("colours", colours, 1)
        _check_names("bot_names", bot_names, 1)
        self.places = places
        self.teams = tuple(teams)
        self.colours = tuple(colours)
        self._bots = bots
        self._bot_names = cycle(bot_names)
        self._bot_numbers = cycle(range(-1, -1 - max(BOT_NUMBERS, 2 * bots), -1))
        self._table = table

    @property
    def handlers(self) -> dict[str, Callable[..., Update]]:
        """The event handlers by event type, for ``Backend`` or ``register_event_handler``."""
        return {
            CLIENT_CONNECTED: self.on_connected,
            CLIENT_LOST: self.on_lost,
            CLIENT_RESUMED: self.on_resumed,
            CLIENT_LEFT: self.on_left,
            "READY": self.on_ready,
            "PLAY": self.on_play,
            "TEAM": self.on_team,
        }

    def first(self) -> Table:
        """Return the table of a new game, with the bots that play in it: ``GameState(seats=seats.first())``."""
        seats: Table = {}
        self._add_bots(seats)
        return seats

    # -- who is there ----------------------------------------------------------------------------------------------

    def players(self, game_state: GameState) -> Table:
        """Return the seats of those who play, by number, in the order of their places."""
        return dict(sorted(((n, seat) for n, seat in self._seats(game_state).items() if _plays(seat)), key=_place_of))

    def spectators(self, game_state: GameState) -> Table:
        """Return the seats of those who watch, by number, in the order of their arrival."""
        return {n: seat for n, seat in sorted(self._seats(game_state).items()) if not _plays(seat)}

    def bots(self, game_state: GameState) -> Table:
        """Return the seats of the bots, by number."""
        return {n: seat for n, seat in self.players(game_state).items() if n < 0}

    def player_at(self, game_state: GameState, place: int) -> int | None:
        """Return the number of the player at a place, None if it is free."""
        return next((n for n, seat in self._seats(game_state).items() if seat["place"] == place), None)

    def all_ready(self, game_state: GameState, least: int = 1) -> bool:
        """Return whether all players are ready and connected.

        :param least: players that it takes, bots included. One of them has to be a client.
        """
        players = self.players(game_state)
        ready = all(seat["ready"] and not seat["lost"] for seat in players.values())
        return ready and len(players) >= least and any(number > 0 for number in players)

    def may_start(self, game_state: GameState, least: int = 2) -> bool:
        """Return whether nobody has to be waited for: all players are ready, or one client plays with bots alone.

        :param least: players that it takes, bots included.
        """
        players = self.players(game_state)
        clients = [seat for number, seat in players.items() if number > 0]
        alone = len(clients) == 1 and len(players) >= least and not clients[0]["lost"]
        return alone or self.all_ready(game_state, least)

    def unready(self, game_state: GameState) -> Update:
        """Return the update after which no client is ready, such as at the end of a game: a rematch begins once
        :meth:`all_ready` is true again."""
        seats = self._copy(game_state)
        for number, seat in seats.items():
            seat["ready"] = number < 0
        return self._update(game_state, seats)

    # -- events ----------------------------------------------------------------------------------------------------

    def on_connected(self, game_state: GameState, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Give a new client a seat, and a place if it can have one."""
        seats = self._copy(game_state)
        name = unused_name(clean_name(profile.get("name")), [seat["name"] for seat in seats.values()])
        seats[client_id] = self._new_seat(seats, name, profile.get("colour"))
        return self._settle(game_state, seats)

    def on_lost(self, game_state: GameState, client_id: int) -> Update:
        """Keep the seat of a client whose connection is lost."""
        return self._change(game_state, client_id, lost=True)

    def on_resumed(self, game_state: GameState, client_id: int) -> Update:
        """Let a client go on that is back."""
        return self._change(game_state, client_id, lost=False)

    def on_left(self, game_state: GameState, client_id: int) -> Update:
        """Remove a client. The client that has waited longest gets the place, or else a bot."""
        seats = self._copy(game_state)
        seats.pop(client_id, None)
        return self._settle(game_state, seats)

    def on_ready(self, is_ready: object, game_state: GameState, client_id: int) -> Update:
        """A player says whether it is ready."""
        return self._change(game_state, client_id, ready=is_ready) if isinstance(is_ready, bool) else {}

    def on_play(self, wants: object, game_state: GameState, client_id: int) -> Update:
        """A client wants to play, or to watch."""
        return self._change(game_state, client_id, wants=wants) if isinstance(wants, bool) else {}

    def on_team(self, team: object, game_state: GameState, client_id: int) -> Update:
        """A player changes to another team, if that has room. A bot there changes to the player's team."""
        seats = self._copy(game_state)
        seat = seats.get(client_id)
        if team not in self.teams or seat is None or not _plays(seat):
            return {}
        wanted = self.teams.index(str(team))
        members = [n for n, other in seats.items() if other["team"] == wanted and n != client_id]
        if len(members) >= self._most_in_team:
            bot = next((n for n in members if n < 0), None)
            if bot is None:
                return {}
            seats[bot]["team"] = seat["team"]
        seat["team"] = wanted
        return self._update(game_state, seats)

    # -- inside ----------------------------------------------------------------------------------------------------

    @property
    def _most_in_team(self) -> int:
        return -(-self.places // len(self.teams))

    def _seats(self, game_state: GameState) -> Table:
        seats: Table = getattr(game_state, self._table)
        return seats

    def _copy(self, game_state: GameState) -> Table:
        return {number: dict(seat) for number, seat in self._seats(game_state).items()}

    def _update(self, game_state: GameState, seats: Table) -> Update:
        change = changes(self._seats(game_state), seats)
        return {self._table: change} if change else {}

    def _change(self, game_state: GameState, client_id: int, **changed: Any) -> Update:
        seats = self._copy(game_state)
        if client_id not in seats:
            return {}
        seats[client_id].update(changed)
        return self._settle(game_state, seats)

    def _new_seat(self, seats: Table, name: str, colour: object = None, is_bot: bool = False) -> Seat:
        return {
            "name": name,
            "place": None,
            "team": None,
            "colour": self._free_colour(seats, colour),
            "ready": is_bot,
            "lost": False,
            "wants": True,
        }

    def _free_colour(self, seats: Table, wish: object) -> str:
        used = [seat["colour"] for seat in seats.values()]
        if isinstance(wish, str) and wish in self.colours and wish not in used:
            return wish
        return min(self.colours, key=used.count)

    def _settle(self, game_state: GameState, seats: Table) -> Update:
        """Return the update after a change, with the places given anew where somebody can have one or gives one up."""
        for seat in seats.values():
            if _plays(seat) and not seat["wants"]:
                _stand_up(seat)
        waiting = [n for n in sorted(seats) if n > 0 and _waits(seats[n])]
        free = self.places - sum(map(_plays, seats.values()))
        bots = sorted((n for n in seats if n < 0), key=lambda n: -int(seats[n]["place"]))
        for bot in bots[: max(len(waiting) - free, 0)]:
            del seats[bot]
        for number in waiting:
            self._sit_down(seats, number)
        self._add_bots(seats)
        return self._update(game_state, seats)

    def _add_bots(self, seats: Table) -> None:
        bots = sum(number < 0 for number in seats)
        for _ in range(min(self._bots - bots, self.places - sum(map(_plays, seats.values())))):
            number = next(n for n in self._bot_numbers if n not in seats)
            name = unused_name(clean_name(next(self._bot_names)), [seat["name"] for seat in seats.values()])
            seats[number] = self._new_seat(seats, name, is_bot=True)
            self._sit_down(seats, number)

    def _sit_down(self, seats: Table, number: int) -> None:
        taken = {seat["place"] for seat in seats.values()}
        place = next(place for place in count() if place not in taken)
        if place < self.places:
            teams = [seat["team"] for seat in seats.values()]
            seats[number]["place"] = place
            seats[number]["team"] = min(range(len(self.teams)), key=teams.count, default=None)


def _plays(seat: Seat) -> bool:
    return seat["place"] is not None


def _waits(seat: Seat) -> bool:
    return bool(seat["wants"] and not seat["lost"] and not _plays(seat))


def _stand_up(seat: Seat) -> None:
    seat.update(place=None, team=None, ready=False)


def _place_of(item: tuple[int, Seat]) -> int:
    return int(item[1]["place"])


def _check_number(name: str, value: object, least: int, most: int) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ValueError(f"{name} must be an int from {least} to {most}, got {value!r:.80}")


def _check_names(name: str, value: object, least: int) -> None:
    names = list(value) if isinstance(value, Sequence) and not isinstance(value, str) else [None]
    if len(names) < least or not all(isinstance(each, str) and each for each in names) or len(set(names)) < len(names):
        raise ValueError(f"{name} must be a list of at least {least} different names, got {value!r:.80}")
