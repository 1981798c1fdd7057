"""Chase's server: players, bots, tags, and the winner of a round.

A tag is judged by the chaser's screen. Each input carries the time of the state on that screen, and the server looks up
the other runners at that time. (By the present state, a chaser would have to run ahead of the runners on the screen.)
The others pay: on their own screens they may be a step or two away already. So the server looks back at most
`MOST_REWIND`, and a tag costs no points, only time.

The public state:

- `runners`: by number, see `rules.Runner`; exactly one of them is the chaser
- `people`: the table of `pygase.Seats`; a client whose `place` is None watches
- `scores`: by number: [seconds free, tags] in this round
- `round`: the `seconds` left, and the `winner`: [number, name, seconds free] between two rounds, [] during one

- `lobby`: whether the clients are asked to get ready, before the first round or between two rounds

After a restart from a checkpoint the game goes on from this state.

Inputs of clients are commands (see `rules.command`). A client's profile has its `name`. Events from clients: those of
`Seats`. If all are ready before the pause between two rounds ends, the next one begins. Events to clients:
`NEWS(text)`, and `TAG(chaser, caught)` with the numbers of both.
"""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from games.chase import rules
from games.chase.bot import PLACES, Bot
from games.chase.rules import MOST_RUNNERS, TICKS_PER_SECOND, Runners
from games.common.news import Announcer
from games.common.places import farthest
from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    RELIABLE,
    Backend,
    DisconnectReason,
    GameState,
    GameStateUpdate,
    Interpolate,
    PlayerInput,
    Seats,
    ServerConfig,
    StateHistory,
    changes,
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

Update = dict[str, Any]


@dataclass
class Player:
    """The round of a player: a client or a bot."""

    bot: Bot | None = None
    free_ticks: int = 0
    tags: int = 0
    still_ticks: int = 0  # ticks since the player last wanted to move


class ChaseServer:
    """A chase for up to 16 clients and bots. Run `backend` at `TICK` seconds a tick.

    :param bots: number of bots, as far as there is room beside the clients.
    :param checkpoint: the file that keeps the game, if any.
    :param lobby: whether clients see the lobby before the first round, which begins when all are ready, and between two
        rounds.
    """

    def __init__(
        self, bots: int = 0, rng: random.Random | None = None, checkpoint: Path | None = None, lobby: bool = False
    ) -> None:
        self._rng = rng or random.Random()
        names = self._rng.sample(BOT_NAMES, len(BOT_NAMES))
        self._seats = Seats(MOST_RUNNERS, bots=min(max(bots, 0), MOST_RUNNERS), bot_names=names, table="people")
        self._seated = GameState(people={})
        self._lobby = lobby
        self.players: dict[int, Player] = {}
        """The players by number."""
        self._tick = 0
        self.runners: Runners = {}
        """The runners by number."""
        self.ticks_left = rules.ROUND_TICKS
        """Ticks until the round ends; between two rounds, until the next begins."""
        self._winner: list[Any] = []
        self._sent: Update = {}
        self._warms_up = lobby  # nobody is caught, and the first round begins when all are ready
        self._seat({"people": self._seats.first()})
        self.backend = Backend(
            GameState(0, 0, **self.tables()),
            self.time_step,
            {
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LOST: self.on_lost,
                CLIENT_RESUMED: self.on_resumed,
                CLIENT_LEFT: self.on_left,
                "READY": self.on_ready,
                "PLAY": self.on_play,
            },
            game=GAME_NAME,
            config=ServerConfig(max_clients=MOST_RUNNERS),
            checkpoint=checkpoint,
        )
        self._take_over(self.backend.game_state_store.get_game_state())
        self._company = Company(number for number in self.people if number > 0)
        self._announcer = Announcer(self.backend)
        self._sent = self.tables()

    def _take_over(self, state: GameState) -> None:
        """Take over the players of a state: those of a checkpoint, or the bots of the beginning."""
        self.runners, self._seated = dict(state.runners), GameState(people=state.people)
        for number, (seconds, tags) in state.scores.items():
            bot = Bot(self._rng) if number < 0 else None
            self.players[number] = Player(bot, seconds * TICKS_PER_SECOND, tags)
        self.ticks_left, self._winner = state.round["seconds"] * TICKS_PER_SECOND, state.round["winner"]
        self._warms_up = state.lobby and not self._winner

    @property
    def people(self) -> Mapping[int, Mapping[str, Any]]:
        """The seats by number."""
        people: Mapping[int, Mapping[str, Any]] = self._seated.people
        return people

    @cached_property
    def _history(self) -> StateHistory:
        """The states of the last second, from the first tick on: no clock runs before."""
        return self.backend.game_state_machine.keep_history(1.0, interpolate=MOVING)

    # -- players -------------------------------------------------------------------------------------------------------

    def on_connected(self, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Let a client play under its name. A bot leaves if there is no room."""
        if not any(number > 0 for number in self.people):
            self._begin_round()  # the last round ended when the last client left
        self._company.came(client_id, self._tick * TICK)
        return self._seat(self._seats.on_connected(self._seated, client_id, profile))

    def on_lost(self, client_id: int) -> Update:
        """Keep the place of a client that has lost the connection. It cannot be the chaser: the game would stand."""
        was_it = rules.chaser_of(self.runners) == client_id
        update = self._seat(self._seats.on_lost(self._seated, client_id))
        if was_it and not self.runners[client_id]["it"]:
            self._announce_heir(client_id, "has lost the connection")
        return update

    def on_resumed(self, client_id: int) -> Update:
        """Let a client play on."""
        return self._seat(self._seats.on_resumed(self._seated, client_id))

    def on_ready(self, is_ready: object, client_id: int) -> Update:
        """A player says whether it is ready for the next round."""
        return self._seat(self._seats.on_ready(is_ready, self._seated, client_id))

    def on_play(self, wants: object, client_id: int) -> Update:
        """Let a client watch, or play."""
        return self._seat(self._seats.on_play(wants, self._seated, client_id))

    def on_left(self, client_id: int, reason: DisconnectReason) -> Update:
        """Remove a client. If it was the chaser, another runner becomes the chaser."""
        was_it, name = rules.chaser_of(self.runners) == client_id, self.people[client_id]["name"]
        update = self._seat(self._seats.on_left(self._seated, client_id))
        heir = rules.chaser_of(self.runners)
        news = [f"{name} {how_left(reason)}."] if self._company.left(client_id) else []
        if was_it and heir is not None:
            news.append(f"{self.people[heir]['name']} is it now.")
        if news:
            self._announcer.announce(" ".join(news), about=client_id)
        return update

    def _seat(self, update: Update) -> Update:
        """Take over a change of the seats: runners go and arrive. Return the change of the public state."""
        self._seated += GameStateUpdate(**update)
        playing = self._seats.players(self._seated)
        for number in self.players.keys() - playing.keys():
            del self.players[number], self.runners[number]
        for number in playing.keys() - self.players.keys():
            self.players[number] = Player(Bot(self._rng) if number < 0 else None)
            self.runners[number] = rules.new_runner(self._quiet_place())
        self._ensure_a_chaser()
        return self._changes()

    def _ensure_a_chaser(self) -> None:
        """Elect a chaser if there is none, or if its connection is lost while somebody else is present."""
        chaser = rules.chaser_of(self.runners)
        if self.runners and (chaser is None or (self.people[chaser]["lost"] and self._present())):
            self._elect(self._present() or list(self.runners))

    def _present(self) -> list[int]:
        return [number for number in self.players if not self.people[number]["lost"]]

    def _announce_heir(self, former: int, because: str) -> None:
        heir = rules.chaser_of(self.runners)
        assert heir is not None
        self._announcer.announce(f"{self.people[former]['name']} {because}. {self.people[heir]['name']} is it now.")

    def _elect(self, candidates: list[int]) -> None:
        heir = self._rng.choice(candidates)
        self.runners = rules.elected(self.runners, heir)
        self.players[heir].still_ticks = 0

    def _quiet_place(self) -> tuple[int, int]:
        """Return the place farthest from all runners, of eight random ones."""
        others = [(runner["x"], runner["y"]) for runner in self.runners.values()]
        return farthest(self._rng.sample(PLACES, 8), others)

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Run one tick. `dt` does not matter: a late server plays slower, by the same rules."""
        self._history  # noqa: B018  # the first access begins it
        self._tick += 1
        for client_id in self._company.settled(self._tick * TICK):
            self._announcer.announce(f"{self.people[client_id]['name']} runs along now.", about=client_id)
        if all(number < 0 or seat["lost"] for number, seat in self.people.items()):
            return {}  # bots rest while no client watches
        self._move(inputs)
        if self._warms_up:
            self._wait_for_all()
        elif self._winner:
            self._count_down_to_next_round()
        else:
            self._catch(inputs)
            self._wake_the_chaser()
            self._count()
        return self._changes()

    def _move(self, inputs: Mapping[int, PlayerInput]) -> None:
        before, after = self.runners, {}
        for number, runner in before.items():
            player = self.players[number]
            if player.bot is not None:
                wish: object = player.bot.command(number, before)
            else:
                given = inputs.get(number)
                wish = given.value if given else None  # a client silent for a second sends no input: its runner stays
            after[number] = rules.move(runner, wish)
            moves = runner["frozen"] or rules.command(wish) != rules.STILL
            player.still_ticks = 0 if moves else player.still_ticks + 1
        self.runners = after

    def _catch(self, inputs: Mapping[int, PlayerInput]) -> None:
        """Judge by the chaser's screen whether it has caught a runner."""
        number = rules.chaser_of(self.runners)
        if number is None:
            return
        chaser, seen = self.runners[number], self._seen_by(number, inputs)
        caught = [
            other
            for other in self.runners
            if self._can_be_caught(other, chaser) and other in seen and rules.touches(chaser, seen[other])
        ]
        if caught:
            self._tag(number, min(caught, key=lambda n: _distance(chaser, seen[n])))

    def _can_be_caught(self, number: int, chaser: rules.Runner) -> bool:
        return not self.people[number]["lost"] and rules.can_catch(chaser, self.runners[number])

    def _seen_by(self, number: int, inputs: Mapping[int, PlayerInput]) -> Mapping[int, Mapping[str, Any]]:
        """Return the runners on a player's screen at the time of its input; for a bot, the present ones."""
        given = inputs.get(number)
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
        awake = [n for n in self._present() if n != number and self.players[n].still_ticks < ASLEEP_TICKS]
        if awake:
            self._elect(awake)
            self._announce_heir(number, "sleeps")

    def _count(self) -> None:
        """Count the free time of all runners but the chaser. A runner alone does not count."""
        if len(self.runners) < 2:
            return
        for number, runner in self.runners.items():
            player = self.players[number]
            player.free_ticks += not (runner["it"] or self.people[number]["lost"])
        self.ticks_left -= 1
        if self.ticks_left <= 0:
            best = rules.ranking(self._scores())[0]
            self._winner = [best, self.people[best]["name"], self._scores()[best][0]]
            self.ticks_left = rules.ROUND_PAUSE_TICKS

    def _count_down_to_next_round(self) -> None:
        self.ticks_left -= 1
        if self.ticks_left <= 0 or self._seats.all_ready(self._seated):
            self._begin_round()

    def _wait_for_all(self) -> None:
        if self._seats.all_ready(self._seated):
            self._warms_up = False
            self._begin_round()

    def _begin_round(self) -> None:
        self._winner, self.ticks_left = [], rules.ROUND_TICKS
        for player in self.players.values():
            player.free_ticks = player.tags = player.still_ticks = 0
        self._seated += GameStateUpdate(**self._seats.unready(self._seated))
        if self.runners:
            self._elect(self._present() or list(self.runners))

    @property
    def _is_in_company(self) -> bool:
        return sum(number > 0 for number in self.people) > 1

    # -- the public state ----------------------------------------------------------------------------------------------

    def _scores(self) -> dict[int, list[int]]:
        return {n: [player.free_ticks // TICKS_PER_SECOND, player.tags] for n, player in self.players.items()}

    def tables(self) -> Update:
        """Return the whole public state."""
        return {
            "runners": dict(self.runners),
            "people": {number: dict(seat) for number, seat in self.people.items()},
            "scores": self._scores(),
            "round": {"seconds": -(-self.ticks_left // TICKS_PER_SECOND), "winner": self._winner},
            "lobby": self._warms_up or (self._lobby and bool(self._winner) and self._is_in_company),
        }

    def _changes(self) -> Update:
        now = self.tables()
        update = changes(self._sent, now)
        self._sent = now
        return update


def _distance(a: Mapping[str, Any], b: Mapping[str, Any]) -> float:
    return math.dist((a["x"], a["y"]), (b["x"], b["y"]))
