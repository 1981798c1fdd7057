"""Pong's server: gives players their sides, handles their events and runs the match.

The public state is `match` (see `rules.Match`), `players` (a `seats.Player` for each side) and `watching` (the names of
the spectators by client id). After a restart from a checkpoint the game goes on from it.

Inputs from clients, one a tick: see `rules.wishes`. A client's profile has its `name`. Events from clients: `AGAIN()`
after a game, and `GUEST(plays)` when a second player sits down at a player's keyboard (true) or gets up (false). Event
to clients: `NEWS(text)`.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from games.common.news import Announcer
from games.common.players import NOBODY, name_in
from games.pong import rules
from games.pong.bot import Bot
from games.pong.rules import SIDES, Match, Side
from games.pong.seats import Player
from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    RELIABLE,
    Backend,
    DisconnectReason,
    GameState,
    PlayerInput,
    changes,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "pong"
TICK: Final = 1 / rules.TICKS_PER_SECOND  # seconds
BOT_NAME: Final = "Bot"
GUEST_NAME: Final = "Guest"

Update = dict[str, Any]


@dataclass
class Person:
    """A client: a player if it has a side, otherwise a spectator."""

    name: str
    side: Side | None = None
    guest: bool = False  # whether a second player at this keyboard plays the other side
    lost: bool = False

    @property
    def sides(self) -> tuple[Side, ...]:
        """The sides that are played at this keyboard."""
        if self.side is None:
            return ()
        return (self.side, rules.other(self.side)) if self.guest else (self.side,)


class PongServer:
    """Two players and any number of spectators. Run `backend` at `TICK` seconds a tick.

    :param checkpoint: the file that keeps the game, if any.
    """

    def __init__(
        self,
        bots: bool = True,
        best_of: int = 1,
        rng: random.Random | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        self._bots_allowed = bots
        self._best_of = best_of
        self._rng = rng or random.Random()
        self._people: dict[int, Person] = {}  # by client id, in the order of their arrival
        self._bots: dict[Side, Bot] = {}
        self._tick = 0
        self.backend = Backend(
            GameState(match=self._new_match(rules.WAITING), **self._public()),
            self.time_step,
            {
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LOST: self.on_lost,
                CLIENT_RESUMED: self.on_resumed,
                CLIENT_LEFT: self.on_left,
                "GUEST": self.on_guest,
                "AGAIN": self.on_again,
            },
            game=GAME_NAME,
            checkpoint=checkpoint,
        )
        self._people = people_of(self.backend.game_state_store.get_game_state())
        self._seat_bots()
        self._company = Company(self._people)
        self._guests = Company(client_id for client_id, person in self._people.items() if person.guest)
        self._announcer = Announcer(self.backend)

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Play one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._tick += 1
        self._introduce()
        match: Match = game_state.match
        if any(person.lost and person.side for person in self._people.values()):
            match = rules.interrupted(match)
        directions = {side: bot.direction(match) for side, bot in self._bots.items()}
        for client_id, person in self._people.items():
            if client_id in inputs:
                wishes = rules.wishes(inputs[client_id].value)
                directions |= dict(zip(person.sides, wishes, strict=False))
        change = changes(game_state.match, rules.step(match, directions, self._tell))
        return {"match": change} if change else {}

    def _tell(self, what: str, which: int, x: float) -> None:
        self.backend.server.dispatch_event(what, which, round(x), retries=RELIABLE)

    def _introduce(self) -> None:
        for client_id in self._company.settled(self._tick * TICK):
            person = self._people[client_id]
            self._announcer.announce(f"{person.name} {'plays' if person.side else 'watches'} now.", about=client_id)
        for client_id in self._guests.settled(self._tick * TICK):
            self._announcer.announce(f"A guest plays beside {self._people[client_id].name} now.")

    def on_connected(self, game_state: GameState, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Give the new client a free side if there is one; otherwise it watches."""
        taken = [person.name for person in self._people.values()]
        self._people[client_id] = Person(name_in(profile, [*taken, BOT_NAME, GUEST_NAME]))
        self._company.came(client_id, self._tick * TICK)
        return self._reseated(game_state, new_match=bool(self._seat_who_waits()))

    def on_lost(self, game_state: GameState, client_id: int) -> Update:
        """Let the match wait for a player whose connection is lost."""
        self._people[client_id].lost = True
        return self._reseated(game_state)

    def on_resumed(self, game_state: GameState, client_id: int) -> Update:
        """Let the match go on with a player who is back."""
        self._people[client_id].lost = False
        return self._reseated(game_state)

    def on_guest(self, plays: object, game_state: GameState, client_id: int) -> Update:
        """Let a second player sit down at a client's keyboard if the other side is free, or get up again."""
        person = self._people[client_id]
        if person.side is None or person.guest == plays:
            return {}
        if plays is True and self._free_sides():
            person.guest = True
            self._guests.came(client_id, self._tick * TICK)
            return self._reseated(game_state, new_match=True)
        if plays is False:
            person.guest = False
            heirs = self._seat_who_waits()
            self._announce_departure("The guest has left.", heirs, announced=self._guests.left(client_id))
            return self._reseated(game_state, new_match=bool(heirs))
        return {}

    def on_again(self, game_state: GameState, client_id: int) -> Update:
        """Start the next game at the request of a player."""
        person, match = self._people[client_id], game_state.match
        if person.side is None or match["phase"] != rules.OVER or not match["winner"]:
            return {}
        what = "plays again" if rules.is_decided(match) else "starts the next game"
        self._announcer.announce(f"{person.name} {what}.", about=client_id)
        return {"match": rules.next_game(match)}

    def on_left(self, game_state: GameState, client_id: int, reason: DisconnectReason) -> Update:
        """Give the side of a client that has left to a spectator, or else to a bot, which plays on."""
        gone = self._people.pop(client_id)
        heirs = self._seat_who_waits()
        self._guests.left(client_id)
        news = f"{gone.name} {how_left(reason)}."
        self._announce_departure(news, heirs, announced=self._company.left(client_id), played=bool(gone.side))
        return self._reseated(game_state, new_match=bool(heirs))

    def _seat_who_waits(self) -> list[Person]:
        """Give the free sides to the spectators that have watched longest; return them."""
        waiting = [person for person in self._people.values() if person.side is None and not person.lost]
        seated = []
        for person, side in zip(waiting, self._free_sides(), strict=False):
            person.side = side
            seated.append(person)
        return seated

    def _free_sides(self) -> list[Side]:
        taken = {side for person in self._people.values() for side in person.sides}
        return [side for side in SIDES if side not in taken]

    def _seat_bots(self) -> None:
        bots = self._free_sides() if self._bots_allowed else []
        self._bots = {side: self._bots.get(side) or Bot(side, self._rng) for side in bots}

    def _reseated(self, game_state: GameState, new_match: bool = False) -> Update:
        """Return the update after a change of people, with new bots, and a new match if needed."""
        self._seat_bots()
        update: Update = changes({name: game_state[name] for name in ("players", "watching")}, self._public())
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

    def _public(self) -> Update:
        """Return the state's `players` and `watching`."""
        watching = {client_id: person.name for client_id, person in self._people.items() if person.side is None}
        return {"players": self._players(), "watching": watching}

    def _players(self) -> dict[Side, Player]:
        bots = self._bots_allowed
        players: dict[Side, Player] = {
            side: {"id": NOBODY, "name": BOT_NAME if bots else "", "bot": bots, "guest": False, "lost": False}
            for side in SIDES
        }
        for client_id, person in self._people.items():
            for guest, side in enumerate(person.sides):
                players[side] = {
                    "id": NOBODY if guest else client_id,
                    "name": GUEST_NAME if guest else person.name,
                    "bot": False,
                    "guest": bool(guest),
                    "lost": person.lost,
                }
        return players

    def _announce_departure(self, news: str, heirs: list[Person], *, announced: bool, played: bool = True) -> None:
        """Announce a departure, if the arrival was `announced`, and the new players. `played`: it had a side."""
        names, one = " and ".join(heir.name for heir in heirs), len(heirs) == 1
        if announced:
            follows = f" {names} {'takes' if one else 'take'} their place." if heirs else ""
            bot = " A bot plays on." if played and not heirs and self._bots_allowed else ""
            self._announcer.announce(f"{news}{follows}{bot}")
        elif heirs:
            self._announcer.announce(f"{names} {'plays' if one else 'play'} now.")


def people_of(state: GameState) -> dict[int, Person]:
    """Return the people in a game state by client id: those of a checkpoint, or nobody at the beginning."""
    people = {client_id: Person(name) for client_id, name in state.watching.items()}
    for side in SIDES:
        player, opponent = state.players[side], state.players[rules.other(side)]
        if player["id"] != NOBODY:
            people[player["id"]] = Person(player["name"], side, opponent["guest"], player["lost"])
    return dict(sorted(people.items()))
