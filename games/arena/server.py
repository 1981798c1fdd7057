"""Arena's server: players, bots, and the judge of shots.

A shot is judged by its shooter's screen. Each input carries the time of the state on that screen, and the server looks
up the ships at that time (`StateHistory.at`). So players aim at the ships that they see, on every link. The library
limits that time: a client cannot claim an older view than its link explains.

The state is a set of tables by the number of a pilot:

- `ships`: the ships that fly (see `rules`); a wreck has no entry
- `health`: 0 to 100; `shields`: True for a pilot that cannot be hurt
- `shots`: each pilot's last shot: its number, the x and y of its end, and the number of its target or `NO_PILOT`
- `pilots`: name, and whether it is a bot; `scores`: wrecks of others, wrecks of one's own

`winner` is the winner of the round until the next one begins. `seats` holds a client's own number (see `seat_of`).

Inputs of clients are commands (see `rules.command`). Events from clients: `JOIN(name)` once, `CHAT(text)`. Events to
clients: `NEWS(text)`, `CHAT(name, text)`, `WRECK(killer, victim)`, and to a shooter `JUDGED(shot, end, hit, target,
seen, now, rewound)`. `target` is the ship that the shot hit or nearly hit (or `NO_PILOT`), `seen` its place on the
shooter's screen, `now` its present place, `rewound` the seconds between the two.
"""

import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

from games.arena import rules, walls
from games.arena.bot import PLACES, Bot
from games.arena.chat import Voice, clean_text
from games.arena.rules import AIM, AT, CREW, DAMAGE, FULL_HEALTH, SHOT_NUMBERS, SHOTS, TICKS_PER_SECOND, Hit, Ship
from games.common.news import Announcer
from games.common.places import farthest
from games.common.players import Numbers, bot_name, by_address, input_of
from pygase import (
    CLIENT_LEFT,
    RELIABLE,
    TO_DELETE,
    Backend,
    DisconnectReason,
    GameState,
    Interpolate,
    PlayerInput,
    ServerConfig,
    StateHistory,
    changes,
    clean_name,
    unused_name,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "arena"
TICK: Final = 1 / TICKS_PER_SECOND  # seconds
NO_PILOT: Final = -1

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
TABLES: Final = ("ships", "health", "shields", "shots", "pilots", "scores")

Address = tuple[Any, ...]
Update = dict[str, Any]


@dataclass
class Pilot:
    """A player: a client or a bot."""

    name: str
    address: Address | None = None
    bot: Bot | None = None
    voice: Voice = field(default_factory=Voice)
    health: int = 0
    kills: int = 0
    deaths: int = 0
    back_at: int = 0  # tick of its return while it is wrecked
    hurt_at: int = 0  # tick
    shield_until: int = 0  # tick


class ArenaServer:
    """A fight for up to 32 clients and bots. Run `backend` at `TICK` seconds a tick.

    :param bots: number of bots, as far as there is room beside the clients.
    """

    def __init__(self, bots: int = 0, rng: random.Random | None = None) -> None:
        self._wanted_bots = min(max(bots, 0), CREW)
        self._rng = rng or random.Random()
        self.pilots: dict[int, Pilot] = {}
        """The players by number."""
        self._numbers: dict[Address, int] = {}
        self._company = Company()
        self._free_numbers = Numbers(SHOT_NUMBERS)
        self._tick = 0
        self._winner, self._next_round_at = NO_PILOT, 0
        self.backend = Backend(
            GameState(0, 0, winner=NO_PILOT, **_no_changes()),
            self.time_step,
            {CLIENT_LEFT: self.on_left, "JOIN": self.on_join, "CHAT": self.on_chat},
            game=GAME_NAME,
            config=ServerConfig(max_clients=CREW),
        )
        self._announcer = Announcer(self.backend, self._numbers)

    @cached_property
    def _history(self) -> StateHistory:
        """The states of the last second, from the first tick on: no clock runs before."""
        return self.backend.game_state_machine.keep_history(1.0, interpolate=MOVING)

    # -- players -------------------------------------------------------------------------------------------------------

    def on_join(self, name: object = "", *, client_address: Address) -> Update:
        """Let a client play under a name. A second `JOIN` changes nothing."""
        if client_address in self._numbers:
            return {}
        update = _no_changes()
        if len(self.pilots) >= CREW:
            self._remove_a_bot(update)
        pilot = Pilot(unused_name(clean_name(name), self._names()), client_address)
        number = self._numbers[client_address] = self._add(pilot, update)
        update["seats"][seat_of(client_address)] = number
        self._company.came(client_address, self._tick * TICK)
        return _without_empty_tables(update)

    def on_left(self, client_address: Address, reason: DisconnectReason) -> Update:
        """Remove a client. A bot takes its place if one made room for it."""
        number = self._numbers.pop(client_address, None)
        if number is None:
            return {}
        update = _no_changes()
        gone = self._remove(number, update)
        update["seats"][seat_of(client_address)] = TO_DELETE
        if self._company.left(client_address):
            self._announcer.announce(f"{gone.name} {how_left(reason)}.", about=client_address)
        return _without_empty_tables(update)

    def on_chat(self, text: object = "", *, client_address: Address) -> None:
        """Send a client's chat line to everybody, within its allowance."""
        number = self._numbers.get(client_address)
        line = clean_text(text)
        if number is None or not line:
            return
        pilot = self.pilots[number]
        if pilot.voice.speak(self._tick * TICK):
            self.backend.server.dispatch_event("CHAT", pilot.name, line, retries=RELIABLE)
        else:
            self._announcer.send(client_address, "NEWS", "Too many lines. Wait two seconds and write again.")

    def _add(self, pilot: Pilot, update: Update) -> int:
        number = self._free_numbers.take(self.pilots)
        self.pilots[number] = pilot
        pilot.back_at = self._tick + 1
        update["pilots"][number] = [pilot.name, pilot.bot is not None]
        update["scores"][number] = [0, 0]
        update["health"][number] = 0
        return number

    def _remove(self, number: int, update: Update) -> Pilot:
        gone = self.pilots.pop(number)
        for table in TABLES:
            update[table][number] = TO_DELETE
        if number == self._winner:
            update["winner"] = self._winner = NO_PILOT
            self._clear_scores(update)
        return gone

    def _remove_a_bot(self, update: Update) -> None:
        """Remove the bot with the fewest wrecks, to make room."""
        bots = [(pilot.kills, number) for number, pilot in self.pilots.items() if pilot.bot]
        if bots:
            self._remove(min(bots)[1], update)

    def _fill_up(self, update: Update) -> None:
        bots = sum(pilot.bot is not None for pilot in self.pilots.values())
        for _ in range(min(self._wanted_bots - bots, CREW - len(self.pilots))):
            taken = self._names()
            self._add(Pilot(bot_name(self._rng, BOT_NAMES, taken, "Nova"), bot=Bot(self._rng)), update)

    def _names(self) -> set[str]:
        return {pilot.name for pilot in self.pilots.values()}

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Run one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._tick += 1
        update = _no_changes()
        self._history  # noqa: B018  # the first access begins it
        given = by_address(self.backend.server.clients, inputs)
        ships = self._move(game_state.ships, given, update)
        fired = [number for number, ship in ships.items() if ship[SHOTS] != game_state.ships[number][SHOTS]]
        hits = [
            (number, self._judge(number, ships, given, update)) for number in fired
        ]  # judge all shots before any takes effect:
        for number, hit in hits:  # two ships can wreck each other in one tick
            if hit.target is not None:
                self._hurt(hit.target, number, update)
        self._mend(update)
        self._bring_back(ships, update)
        self._fill_up(update)
        self._referee(update)
        for address in self._company.settled(self._tick * TICK):
            self._announcer.announce(f"{self.pilots[self._numbers[address]].name} flies along now.", about=address)
        return _without_empty_tables(update)

    def _move(
        self, before: Mapping[int, Ship], inputs: Mapping[Address, PlayerInput], update: Update
    ) -> dict[int, dict[int, Any]]:
        ships = {}
        for number, ship in before.items():
            pilot = self.pilots[number]
            if pilot.bot is not None:
                command: object = pilot.bot.command(number, before)
            else:
                given = input_of(pilot.address, inputs)
                command = given.value if given else None  # a client silent for a second sends no input: its ship stays
            after = ships[number] = rules.move(ship, command)
            changed = changes(ship, after)
            if changed:
                update["ships"][number] = changed
        return ships

    def _judge(
        self, shooter: int, ships: Mapping[int, Ship], inputs: Mapping[Address, PlayerInput], update: Update
    ) -> Hit:
        """Judge a shot by its shooter's screen: write it into the update, report it to the shooter, and return it."""
        pilot, ship = self.pilots[shooter], ships[shooter]
        given = input_of(pilot.address, inputs)
        view_time = given.view_time if given else None  # None for a bot, which sees the present
        seen: Mapping[int, Ship] = self._history.at(view_time)["ships"]
        targets = {number: seen[number][AT] for number in ships if number != shooter and number in seen}
        hit = rules.shoot(ship[AT], ship[AIM], targets.items())
        update["shots"][shooter] = [ship[SHOTS], *hit.end, NO_PILOT if hit.target is None else hit.target]
        pilot.shield_until = min(pilot.shield_until, self._tick)  # a shot ends its shooter's own shield
        if pilot.address:
            self._send_judgement(pilot.address, ship, hit, targets, ships, view_time)
        return hit

    def _send_judgement(
        self,
        address: Address,
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
            address,
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
        if self._winner == NO_PILOT:  # wrecks between rounds do not count
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

    def _bring_back(self, ships: dict[int, dict[int, Any]], update: Update) -> None:
        for number, pilot in self.pilots.items():
            if not pilot.health and self._tick >= pilot.back_at and number not in ships:
                at = self._quiet_place(ships)
                aim = rules.degrees(rules.bearing(at, (walls.WIDTH / 2, walls.HEIGHT / 2)))
                update["ships"][number] = ships[number] = rules.new_ship(at, aim)
                pilot.health = update["health"][number] = FULL_HEALTH
                pilot.hurt_at, pilot.shield_until = self._tick, self._tick + SHIELDED
                update["shields"][number] = True

    def _quiet_place(self, ships: Mapping[int, Ship]) -> tuple[int, int]:
        """Return the place farthest from all ships, of six random ones."""
        return farthest(self._rng.sample(PLACES, 6), [ship[AT] for ship in ships.values()])

    def _referee(self, update: Update) -> None:
        """End a round that somebody has won; begin the next after a pause."""
        if self._winner != NO_PILOT:
            if self._tick >= self._next_round_at:
                update["winner"] = self._winner = NO_PILOT
                self._clear_scores(update)
            return
        best = max(self.pilots, key=lambda number: self.pilots[number].kills, default=NO_PILOT)
        if best != NO_PILOT and self.pilots[best].kills >= KILLS_TO_WIN:
            update["winner"] = self._winner = best
            self._next_round_at = self._tick + BETWEEN_ROUNDS

    def _clear_scores(self, update: Update) -> None:
        for number, pilot in self.pilots.items():
            if pilot.kills or pilot.deaths:
                pilot.kills = pilot.deaths = 0
                update["scores"][number] = [0, 0]


def seat_of(client_address: Address | None) -> int:
    """Return a client's key in `seats`: a checksum, because addresses are not for the other players."""
    return zlib.crc32(str(client_address).encode())


def own_ship(state: Mapping[str, Any], client_address: Address | None) -> tuple[str, int] | None:
    """Return the path to a client's own ship, for `Prediction`, or None."""
    number = state.get("seats", {}).get(seat_of(client_address))
    return None if number is None else ("ships", number)


def _no_changes() -> Update:
    return {table: {} for table in (*TABLES, "seats")}


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
