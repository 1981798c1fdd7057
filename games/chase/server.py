"""Chase's server: players, bots, tags, and the winner of a round.

A tag is judged by the chaser's screen. Each input carries the time of the state on that screen, and the server looks up
the other runners at that time. (By the present state, a chaser would have to run ahead of the runners on the screen.)
The others pay: on their own screens they may be a step or two away already. So the server looks back at most
`MOST_REWIND`, and a tag costs no points, only time.

The public state:

- `runners`: by number, see `rules.Runner`; exactly one of them is the chaser
- `people`: by number: the name, whether it is a bot, and a mark by which a client finds its own number
- `scores`: by number: [seconds free, tags] in this round
- `round`: the `seconds` left, and the `winner`: [number, name, seconds free] between two rounds, [] during one

Inputs of clients are commands (see `rules.command`). Events from clients: `JOIN(name)` once. Events to clients:
`NEWS(text)`, `TAG(chaser, caught)` with the numbers of both.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from games.chase import rules
from games.chase.bot import PLACES, Bot
from games.chase.rules import MOST_RUNNERS, TICKS_PER_SECOND, Runners
from games.common.news import Announcer
from games.common.places import farthest
from games.common.players import Numbers, bot_name, by_address, input_of, mark_of
from pygase import (
    CLIENT_LEFT,
    RELIABLE,
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

GAME_NAME: Final = "chase"
TICK: Final = 1 / TICKS_PER_SECOND  # seconds

MOVING: Final = (Interpolate("runners.*.x", "runners.*.y", snap_distance=400),)
"""The values that glide from tick to tick, on the screens and in the judge's history."""

MOST_REWIND: Final = 0.25  # seconds
ASLEEP_TICKS: Final = 10 * TICKS_PER_SECOND
"""A chaser that stands still for this long is replaced: a forgotten window does not stop the game."""

BOT_NAMES: Final = (
    *("Hare", "Lynx", "Otter", "Fox", "Swift", "Stoat", "Gecko", "Robin", "Marten", "Puma"),
    *("Ibex", "Wren", "Badger", "Jackal", "Kite", "Heron"),
)
NEW_NUMBERS: Final = 128  # keeps a number in one byte

Address = tuple[Any, ...]
Update = dict[str, Any]


@dataclass
class Player:
    """A player: a client or a bot."""

    name: str
    address: Address | None = None
    bot: Bot | None = None
    free_ticks: int = 0
    tags: int = 0
    still_ticks: int = 0  # ticks since the player last wanted to move


class ChaseServer:
    """A chase for up to 16 clients and bots. Run `backend` at `TICK` seconds a tick.

    :param bots: number of bots, as far as there is room beside the clients.
    """

    def __init__(self, bots: int = 0, rng: random.Random | None = None) -> None:
        self._wanted_bots = min(max(bots, 0), MOST_RUNNERS)
        self._rng = rng or random.Random()
        self.players: dict[int, Player] = {}
        """The players by number."""
        self._numbers: dict[Address, int] = {}
        self._free_numbers = Numbers(NEW_NUMBERS)
        self._company = Company()
        self._tick = 0
        self.runners: Runners = {}
        """The runners by number."""
        self.ticks_left = rules.ROUND_TICKS
        """Ticks until the round ends; between two rounds, until the next begins."""
        self._winner: list[Any] = []
        self._sent: Update = {}
        self._fill_up()
        self.backend = Backend(
            GameState(0, 0, **self.tables()),
            self.time_step,
            {CLIENT_LEFT: self.on_left, "JOIN": self.on_join},
            game=GAME_NAME,
            config=ServerConfig(max_clients=MOST_RUNNERS),
        )
        self._announcer = Announcer(self.backend, self._numbers)
        self._sent = self.tables()

    @cached_property
    def _history(self) -> StateHistory:
        """The states of the last second, from the first tick on: no clock runs before."""
        return self.backend.game_state_machine.keep_history(1.0, interpolate=MOVING)

    # -- players -------------------------------------------------------------------------------------------------------

    def on_join(self, name: object = "", *, client_address: Address) -> Update:
        """Let a client play under a name. A bot leaves if there is no room."""
        if client_address in self._numbers:
            return {}
        if not self._numbers:
            self._begin_round()  # the last round ended when the last client left
        if len(self.players) >= MOST_RUNNERS:
            self._remove_a_bot()
        player = Player(unused_name(clean_name(name), self._names()), client_address)
        self._numbers[client_address] = self._add(player)
        self._company.came(client_address, self._tick * TICK)
        return self._changes()

    def on_left(self, client_address: Address, reason: DisconnectReason) -> Update:
        """Remove a client. If it was the chaser, another runner becomes the chaser."""
        number = self._numbers.pop(client_address, None)
        if number is None:
            return {}
        was_it = self.runners[number]["it"]
        gone = self._remove(number)
        heir = rules.chaser_of(self.runners)
        news = [f"{gone.name} {how_left(reason)}."] if self._company.left(client_address) else []
        if was_it and heir is not None:
            news.append(f"{self.players[heir].name} is it now.")
        if news:
            self._announcer.announce(" ".join(news), about=client_address)
        self._fill_up()
        return self._changes()

    def _add(self, player: Player) -> int:
        number = self._free_numbers.take(self.players)
        self.players[number] = player
        self.runners[number] = rules.new_runner(self._quiet_place())
        self._ensure_a_chaser()
        return number

    def _remove(self, number: int) -> Player:
        del self.runners[number]
        self._ensure_a_chaser()
        return self.players.pop(number)

    def _ensure_a_chaser(self) -> None:
        if self.runners and rules.chaser_of(self.runners) is None:
            self._elect(list(self.runners))

    def _elect(self, candidates: list[int]) -> None:
        self.runners = rules.elected(self.runners, self._rng.choice(candidates))

    def _remove_a_bot(self) -> None:
        """Remove the bot with the least free time, to make room. The chaser goes only if it is the only bot."""
        bots = [number for number, player in self.players.items() if player.bot]
        if bots:
            self._remove(min(bots, key=lambda n: (self.runners[n]["it"], self.players[n].free_ticks)))

    def _fill_up(self) -> None:
        bots = sum(player.bot is not None for player in self.players.values())
        for _ in range(min(self._wanted_bots - bots, MOST_RUNNERS - len(self.players))):
            taken = self._names()
            self._add(Player(bot_name(self._rng, BOT_NAMES, taken, "Bot"), bot=Bot(self._rng)))

    def _quiet_place(self) -> tuple[int, int]:
        """Return the place farthest from all runners, of eight random ones."""
        others = [(runner["x"], runner["y"]) for runner in self.runners.values()]
        return farthest(self._rng.sample(PLACES, 8), others)

    def _names(self) -> set[str]:
        return {player.name for player in self.players.values()}

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Run one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._history  # noqa: B018  # the first access begins it
        self._tick += 1
        for address in self._company.settled(self._tick * TICK):
            self._announcer.announce(f"{self.players[self._numbers[address]].name} runs along now.", about=address)
        if not self._numbers:
            return {}  # bots rest while no client watches
        given = by_address(self.backend.server.clients, inputs)
        self._move(given)
        if self._winner:
            self._count_down_to_next_round()
        else:
            self._catch(given)
            self._wake_the_chaser()
            self._count()
        return self._changes()

    def _move(self, inputs: Mapping[Address, PlayerInput]) -> None:
        before, after = self.runners, {}
        for number, runner in before.items():
            player = self.players[number]
            if player.bot is not None:
                wish: object = player.bot.command(number, before)
            else:
                given = input_of(player.address, inputs)
                wish = given.value if given else None  # a client silent for a second sends no input: its runner stays
            after[number] = rules.move(runner, wish)
            moves = runner["frozen"] or rules.command(wish) != rules.STILL
            player.still_ticks = 0 if moves else player.still_ticks + 1
        self.runners = after

    def _catch(self, inputs: Mapping[Address, PlayerInput]) -> None:
        """Judge by the chaser's screen whether it has caught a runner."""
        number = rules.chaser_of(self.runners)
        if number is None:
            return
        chaser, seen = self.runners[number], self._seen_by(self.players[number], inputs)
        caught = [
            other
            for other, runner in self.runners.items()
            if rules.can_catch(chaser, runner) and other in seen and rules.touches(chaser, seen[other])
        ]
        if caught:
            self._tag(number, min(caught, key=lambda n: _distance(chaser, seen[n])))

    def _seen_by(self, player: Player, inputs: Mapping[Address, PlayerInput]) -> Mapping[int, Mapping[str, Any]]:
        """Return the runners on a player's screen at the time of its input; for a bot, the present ones."""
        given = input_of(player.address, inputs)
        newest = self._history.newest
        if given is None or given.view_time is None or newest is None:
            return self.runners
        seen: Mapping[int, Mapping[str, Any]] = self._history.at(max(given.view_time, newest - MOST_REWIND))["runners"]
        return seen

    def _tag(self, chaser: int, caught: int) -> None:
        self.runners = rules.tagged(self.runners, caught)
        self.players[chaser].tags += 1
        self.players[caught].still_ticks = 0
        self.backend.server.dispatch_event("TAG", chaser, caught, retries=RELIABLE)

    def _wake_the_chaser(self) -> None:
        number = rules.chaser_of(self.runners)
        if number is None or len(self.runners) < 2 or self.players[number].still_ticks < ASLEEP_TICKS:
            return
        awake = [n for n, p in self.players.items() if n != number and p.still_ticks < ASLEEP_TICKS]
        if awake:
            self._elect(awake)
            heir = rules.chaser_of(self.runners)
            assert heir is not None
            self.players[heir].still_ticks = 0
            text = f"{self.players[number].name} sleeps. {self.players[heir].name} is it now."
            self.backend.server.dispatch_event("NEWS", text, retries=RELIABLE)

    def _count(self) -> None:
        """Count the free time of all runners but the chaser. A runner alone does not count."""
        if len(self.runners) < 2:
            return
        for number, runner in self.runners.items():
            self.players[number].free_ticks += not runner["it"]
        self.ticks_left -= 1
        if self.ticks_left <= 0:
            best = rules.ranking(self._scores())[0]
            self._winner = [best, self.players[best].name, self._scores()[best][0]]
            self.ticks_left = rules.ROUND_PAUSE_TICKS

    def _count_down_to_next_round(self) -> None:
        self.ticks_left -= 1
        if self.ticks_left <= 0:
            self._begin_round()

    def _begin_round(self) -> None:
        self._winner, self.ticks_left = [], rules.ROUND_TICKS
        for player in self.players.values():
            player.free_ticks = player.tags = player.still_ticks = 0
        if self.runners:
            self._elect(list(self.runners))

    # -- the public state ----------------------------------------------------------------------------------------------

    def _scores(self) -> dict[int, list[int]]:
        return {n: [player.free_ticks // TICKS_PER_SECOND, player.tags] for n, player in self.players.items()}

    def tables(self) -> Update:
        """Return the whole public state."""
        return {
            "runners": dict(self.runners),
            "people": {
                n: {"name": p.name, "bot": p.bot is not None, "mark": mark_of(p.address)}
                for n, p in self.players.items()
            },
            "scores": self._scores(),
            "round": {"seconds": -(-self.ticks_left // TICKS_PER_SECOND), "winner": self._winner},
        }

    def _changes(self) -> Update:
        now = self.tables()
        update = changes(self._sent, now)
        self._sent = now
        return update


def _distance(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    return math.dist((a["x"], a["y"]), (b["x"], b["y"]))
