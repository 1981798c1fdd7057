"""Chase's server: who plays, who has been caught, and who wins.

A tag is judged by what the chaser saw: each input comes with the moment that was on its player's screen, and the server
looks up where the others were then. Whom one touches there, one has caught. (Judged by the server's newest state, a
chaser would have to run ahead of everybody whom they see, farther the slower their link.) The price is paid by those
who flee: on their own screen they may be a step or two away already. So the server looks back `MOST_REWIND` at most,
whatever a link is like, and who is caught loses no point, only the lead.

The state that everybody sees:

- `runners`: by number, see `rules.Runner`; exactly one of them is it, as long as there are any
- `people`: by number, a name, whether it is a bot, and a mark by which a client knows its own number
- `scores`: by number, [seconds free, tags] in this round
- `round`: the `seconds` left, and the `winner`: [number, name, seconds free] until the next round begins, [] during one

Inputs of clients are commands (see `rules.command`). Events from clients: `JOIN(name)` once.
Events to clients: `NEWS(text)`, `TAG(chaser, caught)`, both numbers.
"""

import math
import random
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from games.chase import rules
from games.chase.bot import PLACES, Bot
from games.chase.rules import MOST_RUNNERS, TICKS_PER_SECOND, Runners
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
from pygase_pygame.app.company import Company, how_left

GAME: Final = "chase"
TICK: Final = 1 / TICKS_PER_SECOND  # seconds

MOVING: Final = (Interpolate("runners.*.x", "runners.*.y", snap_distance=400),)
"""What glides from tick to tick: on the players' screens, and for the judge who looks up what they saw."""

MOST_REWIND: Final = 0.25  # seconds
ASLEEP_TICKS: Final = 10 * TICKS_PER_SECOND
"""Who is it and does nothing for so long hands it on: a window left open shall not end the game for all."""

BOT_NAMES: Final = (
    *("Hare", "Lynx", "Otter", "Fox", "Swift", "Stoat", "Gecko", "Robin", "Marten", "Puma"),
    *("Ibex", "Wren", "Badger", "Jackal", "Kite", "Heron"),
)
NEW_NUMBERS: Final = 128  # then again from 0: so that a number takes one byte

Address = tuple[Any, ...]
Update = dict[str, Any]


@dataclass
class Player:
    """Somebody who plays: at a client, or a bot."""

    name: str
    address: Address | None = None
    bot: Bot | None = None
    free_ticks: int = 0
    tags: int = 0
    still_ticks: int = 0  # since they last wanted to move


class ChaseServer:
    """A chase for 16, some of whom may be bots. `backend` is what to run, at `TICK` seconds a tick.

    :param bots: how many run along, as long as there is room for them beside people.
    """

    def __init__(self, bots: int = 0, rng: random.Random | None = None) -> None:
        self._wanted_bots = min(max(bots, 0), MOST_RUNNERS)
        self._rng = rng or random.Random()
        self._players: dict[int, Player] = {}
        self._numbers: dict[Address, int] = {}
        self._next_number = 0
        self._company = Company()
        self._tick = 0
        self._runners: Runners = {}
        self._ticks_left = rules.ROUND_TICKS
        self._winner: list[Any] = []
        self._told: Update = {}
        self._fill_up()
        self.backend = Backend(
            GameState(0, 0, **self._tables()),
            self.time_step,
            {CLIENT_LEFT: self.on_left, "JOIN": self.on_join},
            game=GAME,
            config=ServerConfig(max_clients=MOST_RUNNERS),
        )
        self._told = self._tables()

    @cached_property
    def _history(self) -> StateHistory:
        """What everybody saw in the last moments. Begun with the first tick: until then no clock is known to run."""
        return self.backend.game_state_machine.keep_history(1.0, interpolate=MOVING)

    # -- who plays ---------------------------------------------------------------------------------------------------

    def on_join(self, name: object = "", *, client_address: Address) -> Update:
        """Let somebody play, once, under the name that they give; a bot gives way if there is no room."""
        if client_address in self._numbers:
            return {}
        if not self._numbers:
            self._begin_round()  # the one before was over when the last of the people left
        if len(self._players) >= MOST_RUNNERS:
            self._remove_a_bot()
        player = Player(unused_name(clean_name(name), self._names()), client_address)
        self._numbers[client_address] = self._add(player)
        self._company.came(client_address, self._tick * TICK)
        return self._changes()

    def on_left(self, client_address: Address, reason: DisconnectReason) -> Update:
        """Take somebody out who has left. If they were it, somebody else is."""
        number = self._numbers.pop(client_address, None)
        if number is None:
            return {}
        was_it = self._runners[number]["it"]
        gone = self._remove(number)
        heir = rules.chaser_of(self._runners)
        news = [f"{gone.name} {how_left(reason)}."] if self._company.left(client_address) else []
        if was_it and heir is not None:
            news.append(f"{self._players[heir].name} is it now.")
        if news:
            self._tell_others(client_address, " ".join(news))
        self._fill_up()
        return self._changes()

    def _add(self, player: Player) -> int:
        """Give somebody the next number that is free, so that nobody is taken for who has just left."""
        while self._next_number in self._players:
            self._next_number = (self._next_number + 1) % NEW_NUMBERS
        number, self._next_number = self._next_number, (self._next_number + 1) % NEW_NUMBERS
        self._players[number] = player
        self._runners[number] = rules.new_runner(self._quiet_place())
        self._see_to_a_chaser()
        return number

    def _remove(self, number: int) -> Player:
        del self._runners[number]
        self._see_to_a_chaser()
        return self._players.pop(number)

    def _see_to_a_chaser(self) -> None:
        """See to it that somebody is it. Called whenever somebody came or went, so that there is no other moment."""
        if self._runners and rules.chaser_of(self._runners) is None:
            self._elect(list(self._runners))

    def _elect(self, candidates: list[int]) -> None:
        self._runners = rules.elected(self._runners, self._rng.choice(candidates))

    def _remove_a_bot(self) -> None:
        """Make room: of the bots, the one that does worst goes; who is it, only if there is no other."""
        bots = [number for number, player in self._players.items() if player.bot]
        if bots:
            self._remove(min(bots, key=lambda n: (self._runners[n]["it"], self._players[n].free_ticks)))

    def _fill_up(self) -> None:
        """Bring as many bots as are wanted and as there is room for."""
        bots = sum(player.bot is not None for player in self._players.values())
        for _ in range(min(self._wanted_bots - bots, MOST_RUNNERS - len(self._players))):
            taken = self._names()
            name = self._rng.choice([name for name in BOT_NAMES if name not in taken] or ["Bot"])
            self._add(Player(unused_name(name, taken), bot=Bot(self._rng)))

    def _quiet_place(self) -> tuple[int, int]:
        """Return a place to begin at: of some, the one that is farthest from everybody."""
        others = [(runner["x"], runner["y"]) for runner in self._runners.values()]
        return max(self._rng.sample(PLACES, 8), key=lambda at: min((math.dist(at, o) for o in others), default=0.0))

    def _names(self) -> set[str]:
        return {player.name for player in self._players.values()}

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[Address, PlayerInput]) -> Update:
        """Run and catch for a tick. A tick is a tick: a server that was held up plays slower, not other."""
        self._history  # noqa: B018  # which begins it
        self._tick += 1
        for address in self._company.settled(self._tick * TICK):
            self._tell_others(address, f"{self._players[self._numbers[address]].name} runs along now.")
        if not self._numbers:
            return {}  # bots among themselves rest: nobody is there to see it
        self._move(inputs)
        if self._winner:
            self._count_down_to_next_round()
        else:
            self._catch(inputs)
            self._wake_the_chaser()
            self._count()
        return self._changes()

    def _move(self, inputs: Mapping[Address, PlayerInput]) -> None:
        """Let everybody do what their player wants, and nobody else."""
        before, after = self._runners, {}
        for number, runner in before.items():
            player = self._players[number]
            if player.bot is not None:
                wish: object = player.bot.command(number, before)
            else:
                given = inputs.get(player.address) if player.address else None
                wish = given.value if given else None  # silent for a second: stays where it is
            after[number] = rules.move(runner, wish)
            moves = runner["frozen"] or rules.command(wish) != rules.STILL
            player.still_ticks = 0 if moves else player.still_ticks + 1
        self._runners = after

    def _catch(self, inputs: Mapping[Address, PlayerInput]) -> None:
        """See whether the one who is it has caught somebody, in the picture that they had of the others."""
        number = rules.chaser_of(self._runners)
        if number is None:
            return
        chaser, seen = self._runners[number], self._seen_by(self._players[number], inputs)
        caught = [
            other
            for other, runner in self._runners.items()
            if rules.can_catch(chaser, runner) and other in seen and rules.touches(chaser, seen[other])
        ]
        if caught:
            self._tag(number, min(caught, key=lambda n: _distance(chaser, seen[n])))

    def _seen_by(self, player: Player, inputs: Mapping[Address, PlayerInput]) -> Mapping[int, Mapping[str, Any]]:
        """Return the runners as somebody saw them when they gave their input: a bot, as they are."""
        given = inputs.get(player.address) if player.address else None
        newest = self._history.newest
        if given is None or given.view_time is None or newest is None:
            return self._runners
        seen: Mapping[int, Mapping[str, Any]] = self._history.at(max(given.view_time, newest - MOST_REWIND))["runners"]
        return seen

    def _tag(self, chaser: int, caught: int) -> None:
        self._runners = rules.tagged(self._runners, caught)
        self._players[chaser].tags += 1
        self._players[caught].still_ticks = 0
        self.backend.server.dispatch_event("TAG", chaser, caught, retries=RELIABLE)

    def _wake_the_chaser(self) -> None:
        """Let somebody else be it if the one who is does nothing."""
        number = rules.chaser_of(self._runners)
        if number is None or len(self._runners) < 2 or self._players[number].still_ticks < ASLEEP_TICKS:
            return
        awake = [n for n, p in self._players.items() if n != number and p.still_ticks < ASLEEP_TICKS]
        if awake:
            self._elect(awake)
            heir = rules.chaser_of(self._runners)
            assert heir is not None
            self._players[heir].still_ticks = 0
            text = f"{self._players[number].name} sleeps. {self._players[heir].name} is it now."
            self.backend.server.dispatch_event("NEWS", text, retries=RELIABLE)

    def _count(self) -> None:
        """Count the time of those who are free, as long as there is anybody to be free of."""
        if len(self._runners) < 2:
            return
        for number, runner in self._runners.items():
            self._players[number].free_ticks += not runner["it"]
        self._ticks_left -= 1
        if self._ticks_left <= 0:
            best = rules.ranking(self._scores())[0]
            self._winner = [best, self._players[best].name, self._scores()[best][0]]
            self._ticks_left = rules.PAUSE_TICKS

    def _count_down_to_next_round(self) -> None:
        self._ticks_left -= 1
        if self._ticks_left <= 0:
            self._begin_round()

    def _begin_round(self) -> None:
        self._winner, self._ticks_left = [], rules.ROUND_TICKS
        for player in self._players.values():
            player.free_ticks = player.tags = player.still_ticks = 0
        if self._runners:
            self._elect(list(self._runners))

    # -- what is told ------------------------------------------------------------------------------------------------

    def _scores(self) -> dict[int, list[int]]:
        return {n: [player.free_ticks // TICKS_PER_SECOND, player.tags] for n, player in self._players.items()}

    def _tables(self) -> Update:
        """Return all that everybody sees."""
        return {
            "runners": dict(self._runners),
            "people": {
                n: {"name": p.name, "bot": p.bot is not None, "mark": mark_of(p.address)}
                for n, p in self._players.items()
            },
            "scores": self._scores(),
            "round": {"seconds": -(-self._ticks_left // TICKS_PER_SECOND), "winner": self._winner},
        }

    def _changes(self) -> Update:
        """Return what is different from what has been told before: so whatever happened, it is told once."""
        now = self._tables()
        update = changes(self._told, now)
        self._told = now
        return update

    def _tell_others(self, about: Address, text: str) -> None:
        for address in self._numbers:
            if address != about:
                self.backend.server.dispatch_event("NEWS", text, target_client=address, retries=RELIABLE)


def mark_of(address: object) -> int:
    """Return the number by which a client finds itself among `people`: 0 for bots, which have no address.

    A client's address itself is nobody else's business, and longer.
    """
    return 0 if address is None else zlib.crc32(str(address).encode()) or 1


def _distance(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    return math.dist((a["x"], a["y"]), (b["x"], b["y"]))
