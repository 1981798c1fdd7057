"""Pong's server: gives players their sides, handles their events and runs the match.

The public state is `match` (see `rules.Match`), `players` (a `seats.Player` for each side) and `watching` (the number
of spectators). Everything else, such as addresses, stays in `PongServer`.

Inputs from clients, one a tick: see `rules.wishes`. Events from clients: `JOIN(name)` once, `AGAIN()` after a game, and
`GUEST(plays)` when a second player sits down at a player's keyboard (true) or gets up (false). Event to clients:
`NEWS(text)`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from games.common.news import Announcer
from games.common.players import by_address
from games.pong import rules
from games.pong.bot import Bot
from games.pong.rules import SIDES, Match, Side
from games.pong.seats import Player, key_of
from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    Backend,
    DisconnectReason,
    GameState,
    PlayerInput,
    changes,
    clean_name,
    unused_name,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "pong"
TICK: Final = 1 / rules.TICKS_PER_SECOND  # seconds
BOT_NAME: Final = "Bot"
GUEST_NAME: Final = "Guest"

Address = tuple[Any, ...]
Update = dict[str, Any]


@dataclass
class Person:
    """A connected client: a player if it has a side, otherwise a spectator."""

    name: str = ""  # "" until the client has joined
    side: Side | None = None
    guest: bool = False  # whether a second player at this keyboard plays the other side

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that are played at this keyboard."""
        if self.side is None:
            return ()
        return (self.side, rules.other(self.side)) if self.guest else (self.side,)


class PongServer:
    """Two players and any number of spectators. Run `backend` at `TICK` seconds a tick."""

    def __init__(self, bots: bool = True, best_of: int = 1, rng: random.Random | None = None) -> None:
        self._bots_allowed = bots
        self._best_of = best_of
        self._rng = rng or random.Random()
        self._people: dict[Address, Person] = {}  # in the order of their arrival
        self._bots: dict[Side, Bot] = {}
        self._company, self._guests = Company(), Company()
        self._tick = 0
        self.backend = Backend(
            GameState(match=self._new_match(rules.WAITING), players=self._players(), watching=0),
            self.time_step,
            {
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LEFT: self.on_left,
                "JOIN": self.on_join,
                "GUEST": self.on_guest,
                "AGAIN": self.on_again,
            },
            game=GAME_NAME,
        )
        self._announcer = Announcer(self.backend, self._people)

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Play one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._tick += 1
        self._introduce()
        match: Match = game_state.match
        directions = {side: bot.direction(match) for side, bot in self._bots.items()}
        given = by_address(self.backend.server.clients, inputs)
        for address, person in self._people.items():
            if address in given:
                wishes = rules.wishes(given[address].value)
                directions |= dict(zip(person.sides, wishes, strict=False))
        change = changes(match, rules.step(match, directions))
        return {"match": change} if change else {}

    def _introduce(self) -> None:
        for address in self._company.settled(self._tick * TICK):
            person = self._people[address]
            self._announcer.announce(f"{person.name} {'plays' if person.side else 'watches'} now.", about=address)
        for address in self._guests.settled(self._tick * TICK):
            self._announcer.announce(f"A guest plays beside {_called(self._people[address])} now.")

    def on_connected(self, client_address: Address) -> Update:
        """Give the new client a free side if there is one; otherwise it watches."""
        self._people[client_address] = Person()
        return self._reseated(new_match=bool(self._seat_who_waits()))

    def on_join(self, name: object, client_address: Address) -> Update:
        """Store a client's name, once."""
        person = self._people.get(client_address)
        if person is None or person.name:
            return {}
        taken = [other.name for other in self._people.values()]
        person.name = unused_name(clean_name(name), [*taken, BOT_NAME, GUEST_NAME])
        self._company.came(client_address, self._tick * TICK)
        return {"players": self._players()}

    def on_guest(self, plays: object, client_address: Address) -> Update:
        """Let a second player sit down at a client's keyboard if the other side is free, or get up again."""
        person = self._people.get(client_address)
        if person is None or person.side is None or person.guest == plays:
            return {}
        if plays is True and self._free_sides():
            person.guest = True
            self._guests.came(client_address, self._tick * TICK)
            return self._reseated(new_match=True)
        if plays is False:
            person.guest = False
            heirs = self._seat_who_waits()
            self._announce_departure("The guest has left.", heirs, announced=self._guests.left(client_address))
            return self._reseated(new_match=bool(heirs))
        return {}

    def on_again(self, game_state: GameState, client_address: Address) -> Update:
        """Start the next game at the request of a player."""
        person = self._people.get(client_address)
        match: Match = game_state.match
        if person is None or person.side is None or match["phase"] != rules.OVER or not match["winner"]:
            return {}
        what = "plays again" if rules.is_decided(match) else "starts the next game"
        self._announcer.announce(f"{_called(person)} {what}.", about=client_address)
        return {"match": rules.next_game(match)}

    def on_left(self, reason: DisconnectReason, client_address: Address) -> Update:
        """Give the side of a client that has left to a spectator, or else to a bot, which plays on."""
        gone = self._people.pop(client_address, None)
        if gone is None:
            return {}
        heirs = self._seat_who_waits()
        self._guests.left(client_address)
        news = f"{_called(gone)} {how_left(reason)}."
        self._announce_departure(news, heirs, announced=self._company.left(client_address), played=bool(gone.side))
        return self._reseated(new_match=bool(heirs))

    def _seat_who_waits(self) -> list[Person]:
        """Give the free sides to the spectators that have watched longest; return them."""
        waiting = [person for person in self._people.values() if person.side is None]
        seated = []
        for person, side in zip(waiting, self._free_sides(), strict=False):
            person.side = side
            seated.append(person)
        return seated

    def _free_sides(self) -> list[Side]:
        taken = {side for person in self._people.values() for side in person.sides}
        return [side for side in SIDES if side not in taken]

    def _reseated(self, new_match: bool) -> Update:
        """Return the update after a change of people, with new bots, and a new match if needed."""
        bots = self._free_sides() if self._bots_allowed else []
        self._bots = {side: self._bots.get(side) or Bot(side, self._rng) for side in bots}
        watching = sum(person.side is None for person in self._people.values())
        update: Update = {"players": self._players(), "watching": watching}
        if not self._two_can_play():
            update["match"] = self._new_match(rules.WAITING)
        elif new_match:
            update["match"] = self._new_match(rules.SERVE)
        return update

    def _two_can_play(self) -> bool:
        """Return whether both sides can play. Two bots do not play each other: nobody would watch."""
        free = len(self._free_sides())
        return free == 0 or (free == 1 and self._bots_allowed)

    def _new_match(self, phase: rules.Phase) -> Match:
        return rules.new_match(phase, self._best_of)

    def _players(self) -> dict[Side, Player]:
        bots = self._bots_allowed
        players: dict[Side, Player] = {
            side: {"name": BOT_NAME if bots else "", "bot": bots, "guest": False, "key": ""} for side in SIDES
        }
        for address, person in self._people.items():
            for guest, side in enumerate(person.sides):
                name = GUEST_NAME if guest else person.name or "..."
                key = "" if guest else key_of(address)
                players[side] = {"name": name, "bot": False, "guest": bool(guest), "key": key}
        return players

    def _announce_departure(self, news: str, heirs: list[Person], *, announced: bool, played: bool = True) -> None:
        """Announce a departure, if the arrival was `announced`, and the new players. `played`: it had a side."""
        names, one = " and ".join(map(_called, heirs)), len(heirs) == 1
        if announced:
            follows = f" {names} {'takes' if one else 'take'} their place." if heirs else ""
            bot = " A bot plays on." if played and not heirs and self._bots_allowed else ""
            self._announcer.announce(f"{news}{follows}{bot}")
        elif heirs:
            self._announcer.announce(f"{names} {'plays' if one else 'play'} now.")


def _called(person: Person) -> str:
    return person.name or "Somebody"
