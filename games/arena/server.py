"""Arena's server: players, bots, and the judge of shots.

A shot is judged by its shooter's screen. Each input carries the time of the state on that screen, and the server looks
up the ships at that time (`StateHistory.at`). So players aim at the ships that they see, on every link. The library
limits that time: a client cannot claim an older view than its link explains.

The state is a set of tables by the number of a pilot, which is a client's id or negative for a bot:

- `ships`: the ships that fly (see `rules`); a wreck has no entry
- `health`: 0 to 100; `shields`: True for a pilot that cannot be hurt
- `scores`: wrecks of others, wrecks of one's own
- `pilots`: the table of `pygase.Seats`; a client whose `place` is None watches

`winner` is the winner of the round until the next one begins, and `lobby` whether the clients are asked to get ready
for it. After a restart from a checkpoint the fight goes on from
this state.

Inputs of clients are commands (see `rules.command`). A client's profile has its `name`. Events from clients:
`CHAT(text)`, and those of `Seats`. Events to clients: `NEWS(text)`, `CHAT(name, text)`, `WRECK(killer, victim)`,
`SHOT(shooter, shot, at, aim, target)`, which the shooter's window has predicted, and to a shooter
`JUDGED(shot, end, hit, target, seen, now, rewound)`. In `JUDGED`, `target` is the ship that the shot hit or nearly hit
(or `NO_PILOT`), `seen` its place on the shooter's screen, `now` its present place, `rewound` the seconds between the
two.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from games.arena import rules, walls
from games.arena.bot import PLACES, Bot
from games.arena.chat import Voice, clean_text
from games.arena.rules import AIM, AT, CREW, DAMAGE, FULL_HEALTH, SHOTS, TICKS_PER_SECOND, Hit, Ship
from games.common.news import Announcer
from games.common.places import farthest
from games.common.players import NOBODY
from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    RELIABLE,
    TO_DELETE,
    Backend,
    DisconnectReason,
    GameState,
    Interpolate,
    PlayerInput,
    Seats,
    ServerConfig,
    StateHistory,
    changes,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "arena"
TICK: Final = 1 / TICKS_PER_SECOND  # seconds
NO_PILOT: Final = NOBODY

MOVING: Final = (f"ships.*.{AT}", Interpolate(f"ships.*.{AIM}", angle="degrees"))
"""The values that glide from tick to tick, on the screens and in the judge's history."""

BACK_AFTER: Final = round(2.5 * TICKS_PER_SECOND)  # longer than the judge looks back: no shot hits the next life
SHIELDED: Final = 2 * TICKS_PER_SECOND
MENDS_AFTER: Final = 4 * TICKS_PER_SECOND  # ticks without a hit before a ship mends
MENDS_EVERY: Final = 5  # ticks from one mend to the next
MENDS_BY: Final = 5
KILLS_TO_WIN: Final = 20
BETWEEN_ROUNDS: Final = 8 * TICKS_PER_SECOND
NEAR_MISS: Final = 1_500  # points: a miss by less than this still has a target

BOT_NAMES: Final = (
    *("Altair", "Bellatrix", "Capella", "Deneb", "Electra", "Fomalhaut", "Gacrux", "Hadar", "Izar", "Jabbah"),
    *("Keid", "Lesath", "Mizar", "Nunki", "Okab", "Polaris", "Qamar", "Rigel", "Sirius", "Tarazed", "Ukdah", "Vega"),
    *("Wezen", "Xamidi", "Yildun", "Zaurak", "Algol", "Mimosa", "Naos", "Castor", "Pollux", "Spica"),
)
TABLES: Final = ("ships", "health", "shields", "scores")

Update = dict[str, Any]


@dataclass
class Pilot:
    """A player: a client or a bot."""

    bot: Bot | None = None
    health: int = 0
    kills: int = 0
    deaths: int = 0
    back_at: int = 0  # tick of its return while it is wrecked
    hurt_at: int = 0  # tick
    shield_until: int = 0  # tick


class ArenaServer:
    """A fight for up to 32 clients and bots. Run `backend` at `TICK` seconds a tick.

    :param bots: number of bots, as far as there is room beside the clients.
    :param checkpoint: the file that keeps the fight, if any.
    :param lobby: whether clients see the lobby before the first round, which begins when all are ready, and between two
        rounds.
    """

    def __init__(
        self, bots: int = 0, rng: random.Random | None = None, checkpoint: Path | None = None, lobby: bool = False
    ) -> None:
        self._rng = rng or random.Random()
        names = self._rng.sample(BOT_NAMES, len(BOT_NAMES))
        self._seats = Seats(CREW, bots=min(max(bots, 0), CREW), bot_names=names, table="pilots")
        self._lobby = lobby
        self.pilots: dict[int, Pilot] = {}
        """The players by number."""
        self._tick = 0
        self._winner, self._next_round_at = NO_PILOT, 0
        self._warms_up = lobby  # wrecks do not count, and the first round begins when all are ready
        self._voices: dict[int, Voice] = {}
        self.backend = Backend(
            GameState(0, 0, winner=NO_PILOT, lobby=lobby, pilots=self._seats.first(), **_no_changes()),
            self.time_step,
            {
                **self._seats.handlers,
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LEFT: self.on_left,
                "CHAT": self.on_chat,
            },
            game=GAME_NAME,
            config=ServerConfig(max_clients=CREW),
            checkpoint=checkpoint,
        )
        self._take_over(self.backend.game_state_store.get_game_state())
        self._company = Company(self.backend.game_state_store.get_game_state().pilots)
        self._announcer = Announcer(self.backend)

    def _take_over(self, state: GameState) -> None:
        """Take over the pilots of a state: those of a checkpoint, or nobody at the beginning."""
        for number, (kills, deaths) in state.scores.items():
            shield_until = SHIELDED if number in state.shields else 0
            bot = Bot(self._rng) if number < 0 else None
            self.pilots[number] = Pilot(
                bot, health=state.health[number], kills=kills, deaths=deaths, shield_until=shield_until
            )
        self._winner, self._next_round_at = state.winner, BETWEEN_ROUNDS
        self._warms_up = state.lobby and state.winner == NO_PILOT

    @cached_property
    def _history(self) -> StateHistory:
        """The states of the last second, from the first tick on: no clock runs before."""
        return self.backend.game_state_machine.keep_history(1.0, interpolate=MOVING)

    # -- players -------------------------------------------------------------------------------------------------------

    def on_connected(self, game_state: GameState, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Let a client play under its name. A bot makes room if there is none."""
        self._company.came(client_id, self._tick * TICK)
        return self._seats.on_connected(game_state, client_id, profile)

    def on_left(self, game_state: GameState, client_id: int, reason: DisconnectReason) -> Update:
        """Remove a client. A bot takes its place if one made room for it."""
        self._voices.pop(client_id, None)
        if self._company.left(client_id):
            name = game_state.pilots[client_id]["name"]
            self._announcer.announce(f"{name} {how_left(reason)}.", about=client_id)
        return self._seats.on_left(game_state, client_id)

    def on_chat(self, text: object = "", *, game_state: GameState, client_id: int) -> None:
        """Send a client's chat line to everybody, within its allowance."""
        line = clean_text(text)
        if not line:
            return
        voice = self._voices.setdefault(client_id, Voice())
        if voice.speak(self._tick * TICK):
            self.backend.server.dispatch_event("CHAT", game_state.pilots[client_id]["name"], line, retries=RELIABLE)
        else:
            self._announcer.send(client_id, "NEWS", "Too many lines. Wait two seconds and write again.")

    def _seat(self, players: Mapping[int, Any], update: Update) -> None:
        """Let those who have a place now fly, and remove the others."""
        for number in [number for number in self.pilots if number not in players]:
            del self.pilots[number]
            for table in TABLES:
                update[table][number] = TO_DELETE
            if number == self._winner:
                self._end_pause(update)
        for number in players.keys() - self.pilots.keys():
            self.pilots[number] = Pilot(Bot(self._rng) if number < 0 else None, back_at=self._tick + 1)
            update["scores"][number], update["health"][number] = [0, 0], 0

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Run one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._tick += 1
        update = _no_changes()
        self._history  # noqa: B018  # the first access begins it
        self._seat(self._seats.players(game_state), update)
        ships = self._move(game_state.ships, inputs, update)
        fired = [number for number, ship in ships.items() if ship[SHOTS] != game_state.ships[number][SHOTS]]
        hits = [
            (number, self._judge(number, ships, inputs)) for number in fired
        ]  # judge all shots before any takes effect:
        for number, hit in hits:  # two ships can wreck each other in one tick
            if hit.target is not None:
                self._hurt(hit.target, number, update)
        self._mend(update)
        self._bring_back(game_state, ships, update)
        self._referee(game_state, update)
        for client_id in self._company.settled(self._tick * TICK):
            self._announcer.announce(f"{game_state.pilots[client_id]['name']} flies along now.", about=client_id)
        return _without_empty_tables(update)

    def _move(
        self, before: Mapping[int, Ship], inputs: Mapping[int, PlayerInput], update: Update
    ) -> dict[int, dict[int, Any]]:
        ships = {}
        for number, ship in before.items():
            pilot = self.pilots.get(number)
            if pilot is None:
                continue
            if pilot.bot is not None:
                command: object = pilot.bot.command(number, before)
            else:
                given = inputs.get(number)
                command = given.value if given else None  # a client silent for a second sends no input: its ship stays
            after = ships[number] = rules.move(ship, command)
            changed = changes(ship, after)
            if changed:
                update["ships"][number] = changed
        return ships

    def _judge(self, shooter: int, ships: Mapping[int, Ship], inputs: Mapping[int, PlayerInput]) -> Hit:
        """Judge a shot by its shooter's screen: report it to everybody, and return it."""
        pilot, ship = self.pilots[shooter], ships[shooter]
        given = inputs.get(shooter)
        view_time = given.view_time if given else None  # None for a bot, which sees the present
        seen: Mapping[int, Ship] = self._history.at(view_time)["ships"]
        targets = {number: seen[number][AT] for number in ships if number != shooter and number in seen}
        hit = rules.shoot(ship[AT], ship[AIM], targets.items())
        met = NO_PILOT if hit.target is None else hit.target
        self.backend.server.dispatch_event("SHOT", shooter, ship[SHOTS], ship[AT], ship[AIM], met, retries=RELIABLE)
        pilot.shield_until = min(pilot.shield_until, self._tick)  # a shot ends its shooter's own shield
        if pilot.bot is None:
            self._send_judgement(shooter, ship, hit, targets, ships, view_time)
        return hit

    def _send_judgement(
        self,
        shooter: int,
        ship: Ship,
        hit: Hit,
        targets: Mapping[int, list[float]],
        ships: Mapping[int, Ship],
        view_time: float | None,
    ) -> None:
        target = hit.target if hit.target is not None else _meant(ship, targets)
        newest = self._history.newest or 0.0
        rewound = 0.0 if view_time is None else min(max(newest - view_time, 0.0), self._history.seconds)
        self._announcer.send(
            shooter,
            "JUDGED",
            ship[SHOTS],
            list(hit.end),
            hit.target is not None,
            NO_PILOT if target is None else target,
            None if target is None else [round(number) for number in targets[target]],
            None if target is None else ships[target][AT],
            round(rewound, 3),
        )

    def _hurt(self, victim: int, shooter: int, update: Update) -> None:
        pilot = self.pilots[victim]
        if pilot.health <= 0 or self._tick < pilot.shield_until:
            return
        pilot.hurt_at = self._tick
        pilot.health = update["health"][victim] = max(pilot.health - DAMAGE, 0)
        if not pilot.health:
            self._wreck(victim, shooter, update)

    def _wreck(self, victim: int, shooter: int, update: Update) -> None:
        update["ships"][victim] = TO_DELETE
        self.pilots[victim].back_at = self._tick + BACK_AFTER
        if self._winner == NO_PILOT and not self._warms_up:  # other wrecks do not count
            self.pilots[victim].deaths += 1
            self.pilots[shooter].kills += 1
            for number in (victim, shooter):
                update["scores"][number] = [self.pilots[number].kills, self.pilots[number].deaths]
        self.backend.server.dispatch_event("WRECK", shooter, victim, retries=RELIABLE)

    def _mend(self, update: Update) -> None:
        """Mend ships without a recent hit, and end shields."""
        for number, pilot in self.pilots.items():
            if pilot.shield_until and self._tick >= pilot.shield_until:
                pilot.shield_until = 0
                update["shields"][number] = TO_DELETE
            alone_for = self._tick - pilot.hurt_at
            if 0 < pilot.health < FULL_HEALTH and alone_for >= MENDS_AFTER and alone_for % MENDS_EVERY == 0:
                pilot.health = update["health"][number] = min(pilot.health + MENDS_BY, FULL_HEALTH)

    def _bring_back(self, game_state: GameState, ships: dict[int, dict[int, Any]], update: Update) -> None:
        for number, pilot in self.pilots.items():
            is_lost = game_state.pilots[number]["lost"]
            if not pilot.health and not is_lost and self._tick >= pilot.back_at and number not in ships:
                at = self._quiet_place(ships)
                aim = rules.degrees(rules.bearing(at, (walls.WIDTH / 2, walls.HEIGHT / 2)))
                update["ships"][number] = ships[number] = rules.new_ship(at, aim)
                pilot.health = update["health"][number] = FULL_HEALTH
                pilot.hurt_at, pilot.shield_until = self._tick, self._tick + SHIELDED
                update["shields"][number] = True

    def _quiet_place(self, ships: Mapping[int, Ship]) -> tuple[int, int]:
        """Return the place farthest from all ships, of six random ones."""
        return farthest(self._rng.sample(PLACES, 6), [ship[AT] for ship in ships.values()])

    def _referee(self, game_state: GameState, update: Update) -> None:
        """Begin the first round when all are ready. End a round that somebody has won; begin the next after a pause, or
        when all are ready."""
        if self._warms_up:
            if self._seats.all_ready(game_state):
                self._warms_up = False
                self._end_pause(update)
                update |= self._seats.unready(game_state)
            return
        if self._winner != NO_PILOT:
            if self._tick >= self._next_round_at or self._seats.all_ready(game_state):
                self._end_pause(update)
                update |= self._seats.unready(game_state)
            return
        best = max(self.pilots, key=lambda number: self.pilots[number].kills, default=NO_PILOT)
        if best != NO_PILOT and self.pilots[best].kills >= KILLS_TO_WIN:
            update["winner"] = self._winner = best
            self._next_round_at = self._tick + BETWEEN_ROUNDS
            update["lobby"] = self._lobby and sum(number > 0 for number in self.pilots) > 1

    def _end_pause(self, update: Update) -> None:
        update["winner"], update["lobby"], self._winner = NO_PILOT, False, NO_PILOT
        for number, pilot in self.pilots.items():
            if pilot.kills or pilot.deaths:
                pilot.kills = pilot.deaths = 0
                update["scores"][number] = [0, 0]


def _no_changes() -> Update:
    return {table: {} for table in TABLES}


def _without_empty_tables(update: Update) -> Update:
    return {name: value for name, value in update.items() if value != {}}


def _meant(ship: Ship, targets: Mapping[int, list[float]]) -> int | None:
    """Return the likely target of a miss: the ship nearest to its line, if near enough."""
    dx, dy = rules.direction(ship[AIM])
    beside = {}
    for number, (x, y) in targets.items():
        x, y = x - ship[AT][0], y - ship[AT][1]
        if 0 < x * dx + y * dy < rules.RANGE:
            beside[number] = abs(x * dy - y * dx)
    nearest = min(beside, key=lambda number: beside[number], default=None)
    return nearest if nearest is not None and beside[nearest] < NEAR_MISS else None
