"""Pong's server: gives players their sides, handles their events and runs the match.

The public state is `match` (see `rules.Match`), `seats` (see `seats`), and whether the players are in the `lobby`:
they wait for each other there. After a restart from a checkpoint the game goes on from it.

Inputs from clients, one a tick: see `rules.wishes`. A client's profile has its `name`. Events from clients: those of
`pygase.Seats`, and `GUEST(plays)` when a second player sits down at a player's keyboard (true) or gets up (false). The
next game begins when all players have sent `READY(true)`. Event to clients: `NEWS(text)`.
"""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from games.common.news import Announcer
from games.pong import rules
from games.pong.bot import Bot
from games.pong.flight import SIDES, Side
from games.pong.rules import Match
from games.pong.seats import GUESTS, KeyboardSeats, Table, Update
from pygase import CLIENT_CONNECTED, CLIENT_LEFT, RELIABLE, Backend, DisconnectReason, GameState, PlayerInput, changes
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "pong"
TICK: Final = 1 / rules.TICKS_PER_SECOND  # seconds


class PongServer:
    """Two players and any number of spectators. Run `backend` at `TICK` seconds a tick.

    :param checkpoint: the file that keeps the game, if any.
    :param lobby: whether two clients wait for each other before a match. A client and a bot, or a guest, never do.
    """

    def __init__(
        self,
        bots: bool = True,
        best_of: int = 1,
        rng: random.Random | None = None,
        checkpoint: Path | None = None,
        lobby: bool = False,
    ) -> None:
        self._seats = KeyboardSeats(bots)
        self._bots_allowed = bots
        self._best_of = best_of
        self._lobby = lobby
        rng = rng or random.Random()
        self._bots = {side: Bot(side, rng) for side in SIDES}
        self._tick = 0
        self.backend = Backend(
            GameState(match=self._new_match(rules.WAITING), seats={}, lobby=False),
            self.time_step,
            {
                **self._seats.handlers,
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LEFT: self.on_left,
                "GUEST": self.on_guest,
            },
            game=GAME_NAME,
            checkpoint=checkpoint,
        )
        seats = self.backend.game_state_store.get_game_state().seats
        self._company = Company(number for number in seats if 0 < number < GUESTS)
        self._guests = Company(number - GUESTS for number in seats if number > GUESTS)
        self._clients = {number for number, seat in seats.items() if number > 0 and seat["place"] is not None}
        self._announcer = Announcer(self.backend)

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Play one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._tick += 1
        self._introduce(game_state.seats)
        players = self._seats.players(game_state)
        before = self._begun(game_state, players)
        if any(seat["lost"] for seat in players.values()):
            before = rules.interrupted(before)
        match = rules.step(before, self._directions(players, before, inputs), self._tell)
        waits = match["phase"] in (rules.WAITING, rules.OVER) and sum(0 < number < GUESTS for number in players) > 1
        update: Update = changes(
            {"match": game_state.match, "lobby": game_state.lobby}, {"match": match, "lobby": self._lobby and waits}
        )
        begins = match["phase"] == rules.SERVE and game_state.match["phase"] in (rules.WAITING, rules.OVER)
        return update | self._seats.unready(game_state) if begins else update

    def _begun(self, game_state: GameState, players: Table) -> Match:
        """Return the match, begun anew with a new player, or the next game if all players are ready for it."""
        match: Match = game_state.match
        clients = {number for number in players if number > 0}
        came, self._clients = clients - self._clients, clients
        if len(players) < len(SIDES) or not clients:
            return self._new_match(rules.WAITING)
        if came or match["phase"] == rules.WAITING:
            waits = self._lobby and not self._seats.may_start(game_state) and max(clients) < GUESTS
            return self._new_match(rules.WAITING if waits else rules.SERVE)
        is_next = match["phase"] == rules.OVER and match["winner"] and self._seats.all_ready(game_state)
        return rules.next_game(match) if is_next else match

    def _directions(self, players: Table, match: Match, inputs: Mapping[int, PlayerInput]) -> dict[Side, int]:
        directions = {}
        for number, seat in players.items():
            side, client_id = SIDES[seat["place"]], number % GUESTS
            if number < 0:
                directions[side] = self._bots[side].direction(match)
            elif client_id in inputs:
                directions[side] = rules.wishes(inputs[client_id].value)[number > GUESTS]
        return directions

    def _tell(self, what: str, which: int, x: float) -> None:
        self.backend.server.dispatch_event(what, which, round(x), retries=RELIABLE)

    def _new_match(self, phase: rules.Phase) -> Match:
        return rules.new_match(phase, self._best_of)

    def on_connected(self, game_state: GameState, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Give the new client a free side if there is one; otherwise it watches."""
        self._company.came(client_id, self._tick * TICK)
        return self._seats.on_connected(game_state, client_id, profile)

    def on_guest(self, plays: object, game_state: GameState, client_id: int) -> Update:
        """Let a second player sit down at a client's keyboard if the other side is free, or get up again."""
        update = self._seats.on_guest(plays, game_state, client_id)
        if update and plays:
            self._guests.came(client_id, self._tick * TICK)
        elif update:
            self._announce_departure("The guest has left.", game_state, update, announced=self._guests.left(client_id))
        return update

    def on_left(self, game_state: GameState, client_id: int, reason: DisconnectReason) -> Update:
        """Give the side of a client that has left to a spectator, or else to a bot, which plays on."""
        gone = game_state.seats[client_id]
        update = self._seats.on_left(game_state, client_id)
        self._guests.left(client_id)
        news, played = f"{gone['name']} {how_left(reason)}.", gone["place"] is not None
        self._announce_departure(news, game_state, update, announced=self._company.left(client_id), played=played)
        return update

    def _introduce(self, seats: Table) -> None:
        for client_id in self._company.settled(self._tick * TICK):
            seat = seats[client_id]
            does = "watches" if seat["place"] is None else "plays"
            self._announcer.announce(f"{seat['name']} {does} now.", about=client_id)
        for client_id in self._guests.settled(self._tick * TICK):
            self._announcer.announce(f"A guest plays beside {seats[client_id]['name']} now.")

    def _announce_departure(
        self, news: str, before: GameState, update: Update, *, announced: bool, played: bool = True
    ) -> None:
        """Announce a departure, if the arrival was `announced`, and the new players. `played`: it had a side."""
        changed = {number: seat for number, seat in update.get("seats", {}).items() if isinstance(seat, dict)}
        heirs = [before.seats[n]["name"] for n, seat in changed.items() if n > 0 and seat.get("place") is not None]
        names, one = " and ".join(heirs), len(heirs) == 1
        if announced:
            follows = f" {names} {'takes' if one else 'take'} their place." if heirs else ""
            bot = " A bot plays on." if played and not heirs and self._bots_allowed else ""
            self._announcer.announce(f"{news}{follows}{bot}")
        elif heirs:
            self._announcer.announce(f"{names} {'plays' if one else 'play'} now.")
