"""Derby's server: seats the players, runs the rules, asks the referee, and lets bots fill the free places.

The public state is `world` (see `rules.World`), `match` (see `referee.Match`), `seats` (see `pygase.Seats`, with two
teams), and whether the players are in the `lobby`. Each snapshot also has the players' inputs (`share_inputs`), from
which clients predict all cars; the bots' plans are among them. After a restart from a checkpoint the match goes on.

Inputs of clients, one a tick, are the bits of `rules`. A client's profile has its `name`. Events from clients are those
of `pygase.Seats`. Event to clients: `NEWS(text)`.
"""

import random
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from games.common.news import Announcer
from games.derby import rules
from games.derby.bot import AHEAD, Driver
from games.derby.referee import KICK_OFF_TICKS, MATCH_SECONDS, OVER, PLAY, WAITING, Match, Referee, scoring_team
from games.derby.rules import TEAMS, World
from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    Backend,
    DisconnectReason,
    GameState,
    PlayerInput,
    Seats,
    Whole,
    changes,
    step_world,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "derby"
TICK: Final = 1 / rules.TICKS_PER_SECOND  # seconds
PLACES: Final = 8
REST_TICKS: Final = 12 * rules.TICKS_PER_SECOND  # after a match, unless all are ready earlier
BOT_NAMES: Final = ("Axle", "Bumper", "Clutch", "Diesel", "Exhaust", "Fender", "Gearbox", "Hubcap")

STATES_PER_SECOND: Final = 30  # half of the ticks: between two states a client's prediction goes on by itself
PRECISION: Final = {
    **{f"world.{body}.{name}": 0.01 for body in ("ball", "cars.*") for name in ("x", "y")},
    **{f"world.{body}.{name}": 0.001 for body in ("ball", "cars.*") for name in ("vx", "vy")},
    **{f"world.cars.*.{name}": 0.0001 for name in ("hx", "hy")},
}
"""Steps to which the numbers of the world are rounded on their way to the clients. With half of the states that is a
quarter of the bytes."""

Update = dict[str, Any]
Table = Mapping[int, Mapping[str, Any]]


class DerbyServer:
    """Two to eight cars. Run `backend` at `TICK` seconds a tick.

    :param bots: the number of bots beside one player; each further player takes the place of one.
    :param seconds: length of a match.
    :param checkpoint: the file that keeps the match, if any.
    :param lobby: whether the players wait for each other before a match.
    """

    def __init__(
        self,
        bots: int = 3,
        seconds: int = MATCH_SECONDS,
        rng: random.Random | None = None,
        checkpoint: Path | None = None,
        lobby: bool = False,
    ) -> None:
        self._rng = rng or random.Random()
        self._size = min(max(bots, 0) + 1, PLACES)
        self._lobby = lobby
        self._referee = Referee(seconds)
        self._seats = Seats(PLACES, teams=TEAMS)
        self._bots: list[int] = []
        self._tick = self._over_for = 0
        world: World = {"ball": rules.new_ball(), "cars": {}, "wait": 0}
        self.backend = Backend(
            GameState(world=world, match=self._referee.new_match(), seats={}, bots=[], lobby=lobby),
            self.time_step,
            {**self._seats.handlers, CLIENT_CONNECTED: self.on_connected, CLIENT_LEFT: self.on_left},
            game=GAME_NAME,
            checkpoint=checkpoint,
            share_inputs=True,
            state_rate=STATES_PER_SECOND,
            precision=PRECISION,
        )
        kept = self.backend.game_state_store.get_game_state()
        for _ in kept.bots:
            self._add_bot()
        self._company = Company(number for number in kept.seats if number not in self._bots)
        self._announcer = Announcer(self.backend)

    # -- a tick

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Play one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._tick += 1
        self._introduce(game_state.seats)
        players = self._seats.players(game_state)
        self._fill_places(players)
        world: World = step_world(rules.step, game_state.world, inputs, partial(self._referee.note, game_state.world))
        _seat_cars(world, players)
        match = self._judged(game_state.match, world, players)
        after = {"match": match, "bots": list(self._bots), "lobby": self._lobby and match["phase"] in (WAITING, OVER)}
        begins = match["phase"] == PLAY and game_state.match["phase"] in (WAITING, OVER)
        unready = self._with_ready_bots(self._seats.unready(game_state)) if begins else {}
        return {"world": Whole(world), **changes({name: getattr(game_state, name) for name in after}, after), **unready}

    def _judged(self, match: Match, world: World, players: Table) -> Match:
        """Return the match after a tick."""
        if len(players) < 2 or all(number in self._bots for number in players):
            return self._training(world)
        if match["phase"] == WAITING:
            return self._begun(world) if self._may_begin(players) else self._training(world)
        if match["phase"] != OVER:
            return self._referee.judge(world, match)
        self._over_for += 1
        again = self._over_for > REST_TICKS if len(players) > len(self._bots) + 1 else False
        return self._begun(world) if again or self._all_ready(players) else match

    def _training(self, world: World) -> Match:
        """Let those who are there play with the ball; goals do not count."""
        if scoring_team(world) is not None:
            world["ball"] = rules.new_ball()
        return self._referee.new_match(WAITING)

    def _begun(self, world: World) -> Match:
        self._over_for = 0
        rules.kick_off(world, KICK_OFF_TICKS)
        return self._referee.new_match(PLAY)

    def _may_begin(self, players: Table) -> bool:
        """Return whether nobody has to be waited for. One who plays with bots alone need not be ready."""
        return not self._lobby or len(players) == len(self._bots) + 1 or self._all_ready(players)

    def _all_ready(self, players: Table) -> bool:
        return all(seat["ready"] and not seat["lost"] for number, seat in players.items() if number not in self._bots)

    # -- players and bots

    def on_connected(self, game_state: GameState, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Give a new client or bot a seat."""
        if client_id not in self._bots:
            self._company.came(client_id, self._tick * TICK)
        return self._with_ready_bots(self._seats.on_connected(game_state, client_id, profile))

    def on_left(self, game_state: GameState, client_id: int, reason: DisconnectReason) -> Update:
        """Free the seat of a client or a bot."""
        gone = game_state.seats.get(client_id)
        if client_id not in self._bots and self._company.left(client_id) and gone:
            self._announcer.announce(f"{gone['name']} {how_left(reason)}.")
        return self._seats.on_left(game_state, client_id)

    def _fill_places(self, players: Table) -> None:
        """Let bots come and go, one a tick, so that the match has its size, and both teams are about as large."""
        people = len(players) - sum(number in players for number in self._bots)
        wanted = max(self._size - people, 0) if people else 0
        if len(self._bots) < wanted:
            self._add_bot()
        elif len(self._bots) > wanted:
            teams = [seat["team"] for seat in players.values()]
            seated = [number for number in self._bots if number in players] or self._bots
            gives_way = max(seated, key=lambda number: teams.count(players[number]["team"]) if number in players else 0)
            self._bots.remove(gives_way)
            self.backend.dismiss(gives_way)

    def _add_bot(self) -> None:
        driver = Driver(random.Random(self._rng.random()))
        decide = partial(_decide, driver)
        name = BOT_NAMES[len(self._bots) % len(BOT_NAMES)]
        self._bots.append(self.backend.bot(decide, ahead=AHEAD, profile={"name": name}))

    def _with_ready_bots(self, update: Update) -> Update:
        """Return an update of the seats with bots that are always ready."""
        for number in self._bots:
            seat = update.get("seats", {}).get(number)
            if isinstance(seat, dict):
                seat["ready"] = True
        return update

    def _introduce(self, seats: Table) -> None:
        for client_id in self._company.settled(self._tick * TICK):
            does = "watches" if seats[client_id]["place"] is None else "plays"
            self._announcer.announce(f"{seats[client_id]['name']} {does} now.", about=client_id)


def _decide(driver: Driver, game_state: GameState, client_id: int) -> int:
    return driver.decide(game_state.world, client_id)


def _seat_cars(world: World, players: Table) -> None:
    """Give each player a car, at its goal if the match has begun, and remove the cars of those who have left."""
    for who in [who for who in world["cars"] if who not in players]:
        del world["cars"][who]
    for who, seat in players.items():
        car = world["cars"].get(who)
        if car is None or car["team"] != seat["team"]:
            world["cars"][who] = rules.new_car(seat["team"], 3)
