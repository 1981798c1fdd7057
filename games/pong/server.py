"""Pong's server: who sits where, what they may do, and the match that follows from it.

The state that everybody sees is `match` (see `rules.Match`), `players` (a name for each side, and whether a
bot plays it) and `watching` (how many look on). What nobody needs to know, such as addresses, stays in
`PongServer`.

Inputs from clients, one a tick: -1, 0 or 1. Events: `JOIN(name)` once, `AGAIN()` after a match.
Events to clients: `SEAT(side)` with "left", "right" or "" for those who watch, and `NEWS(text)`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from games.pong import rules
from games.pong.bot import Bot
from games.pong.rules import SIDES, Match, Side
from pygase import CLIENT_CONNECTED, CLIENT_LEFT, RELIABLE, Backend, DisconnectReason, GameState, PlayerInput

GAME: Final = "pong"
TICK: Final = 1 / rules.TICKS_PER_SECOND  # seconds
LONGEST_NAME: Final = 16  # characters
BOT_NAME: Final = "Bot"

Address = tuple[Any, ...]
Update = dict[str, Any]


@dataclass
class Person:
    """Somebody who is connected: a player while they have a side, otherwise a spectator."""

    name: str = ""  # "" until they have told it
    side: Side | None = None


class PongServer:
    """A table for two, and room for those who watch. `backend` is what to run, at `TICK` seconds a tick."""

    def __init__(self, bots: bool = True, rng: random.Random | None = None) -> None:
        self._bots_allowed = bots
        self._rng = rng or random.Random()
        self._people: dict[Address, Person] = {}  # in the order in which they came
        self._bots: dict[Side, Bot] = {}
        self.backend = Backend(
            GameState(match=rules.new_match(rules.WAITING), players=self._players(), watching=0),
            self.time_step,
            {
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LEFT: self.on_left,
                "JOIN": self.on_join,
                "AGAIN": self.on_again,
            },
            game=GAME,
        )

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[Address, PlayerInput]) -> Update:
        """Play one tick of the match. A tick is a tick: a server that was held up plays slower, not other."""
        match: Match = game_state.match
        directions = {
            person.side: direction_of(inputs[address].value)
            for address, person in self._people.items()
            if person.side and address in inputs
        }
        directions |= {side: bot.direction(match) for side, bot in self._bots.items()}
        change = rules.changes(match, rules.step(match, directions))
        return {"match": change} if change else {}

    def on_connected(self, client_address: Address) -> Update:
        """Give the newcomer a side if one is free, and let them watch otherwise."""
        person = self._people[client_address] = Person()
        person.side = self._free_side()
        self._tell_seat(client_address, person)
        return self._reseated(new_match=person.side is not None)

    def on_join(self, name: object, client_address: Address) -> Update:
        """Take the name that somebody gives, once, and tell the others who has come."""
        person = self._people.get(client_address)
        if person is None or person.name:
            return {}
        person.name = self._unused(clean_name(name))
        self._tell_others(client_address, f"{person.name} {'plays' if person.side else 'watches'} now.")
        return {"players": self._players()}

    def on_again(self, game_state: GameState, client_address: Address) -> Update:
        """Start a new match, if the last one is over and one of its players asks for it."""
        person = self._people.get(client_address)
        if person is None or person.side is None or game_state.match["phase"] != rules.OVER:
            return {}
        return {"match": rules.new_match()}

    def on_left(self, reason: DisconnectReason, client_address: Address) -> Update:
        """Fill the place of somebody who has left: with a spectator, or else with a bot, which plays on."""
        gone = self._people.pop(client_address, None)
        if gone is None:
            return {}
        heir = self._first_spectator() if gone.side else None
        if heir is not None:
            self._people[heir].side = gone.side
            self._tell_seat(heir, self._people[heir])
        self._tell_others(client_address, self._farewell(gone, heir))
        return self._reseated(new_match=heir is not None)

    def _reseated(self, new_match: bool) -> Update:
        """Return what changes when people have come or gone: perhaps bots, perhaps the match itself."""
        taken = {person.side for person in self._people.values()}
        bots = [side for side in SIDES if self._bots_allowed and side not in taken]
        self._bots = {side: self._bots.get(side) or Bot(side, self._rng) for side in bots}
        watching = sum(person.side is None for person in self._people.values())
        update: Update = {"players": self._players(), "watching": watching}
        if not self._two_can_play():
            update["match"] = rules.new_match(rules.WAITING)
        elif new_match:
            update["match"] = rules.new_match()
        return update

    def _two_can_play(self) -> bool:
        """Return whether both sides can play. Bots among themselves do not: nobody is there to see it."""
        seated = sum(person.side is not None for person in self._people.values())
        return seated > 0 and seated + len(self._bots) == len(SIDES)

    def _players(self) -> dict[Side, dict[str, Any]]:
        players: dict[Side, dict[str, Any]] = {
            side: {"name": BOT_NAME if self._bots_allowed else "", "bot": self._bots_allowed} for side in SIDES
        }
        for person in self._people.values():
            if person.side:
                players[person.side] = {"name": person.name or "...", "bot": False}
        return players

    def _free_side(self) -> Side | None:
        taken = {person.side for person in self._people.values()}
        return next((side for side in SIDES if side not in taken), None)

    def _first_spectator(self) -> Address | None:
        return next((address for address, person in self._people.items() if person.side is None), None)

    def _unused(self, name: str) -> str:
        """Return the name, with a number if somebody here has it already."""
        taken = {person.name for person in self._people.values()} | {BOT_NAME}
        numbered = (f"{name} {number}" for number in range(2, len(taken) + 2))
        return name if name not in taken else next(other for other in numbered if other not in taken)

    def _farewell(self, gone: Person, heir: Address | None) -> str:
        left = f"{gone.name or 'Somebody'} has left."
        if heir is not None:
            return f"{left} {self._people[heir].name or 'Somebody'} takes their place."
        if gone.side and self._bots_allowed:
            return f"{left} A bot plays on."
        return left

    def _tell_seat(self, address: Address, person: Person) -> None:
        self.backend.server.dispatch_event("SEAT", person.side or "", target_client=address, retries=RELIABLE)

    def _tell_others(self, about: Address, text: str) -> None:
        for address in self._people:
            if address != about:
                self.backend.server.dispatch_event("NEWS", text, target_client=address, retries=RELIABLE)


def direction_of(value: object) -> int:
    """Return the direction that an input tells, whatever somebody sent."""
    return int(value) if isinstance(value, int) and -1 <= value <= 1 else 0


def clean_name(name: object) -> str:
    """Return a name that can be shown, whatever somebody sent: short, one line, never empty."""
    text = name if isinstance(name, str) else ""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST_NAME])
    return " ".join(printable.split())[:LONGEST_NAME].strip() or "Player"
