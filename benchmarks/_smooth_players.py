"""Figures of inputs and prediction: whole games in virtual time, from the key to the picture."""

from __future__ import annotations

import os
import random
import timeit
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

from games.pong import rules
from pygase import CLIENT_CONNECTED, Backend, Client, GameState, Predictor
from pygase._protocol.input_buffer import InputCounts
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Prediction, Session

TICK = 1 / 60
FRAME = 1 / 60
RTT_100 = Link(latency=0.05)
RTT_100_LOSSY = Link(latency=0.05, loss=0.05)


def walk(mine: dict[str, Any], direction: float) -> dict[str, Any]:
    """The rules of one tick, for both sides: accelerate in the wanted direction, slow down without one."""
    v = 0.8 * mine["v"] + 0.6 * direction
    return {"x": mine["x"] + v, "v": v}


class Walkers:
    """A game of people that walk on a line, at 60 ticks a second.

    :ivar push: distance by which to move somebody in the next tick; no client can predict it.
    :ivar ticks: number of ticks so far.
    """

    def __init__(self) -> None:
        self.push: dict[str, float] = {}
        self.ticks = 0
        self.backend = Backend(GameState(players={}), self.step, {CLIENT_CONNECTED: self.enter})

    def enter(self, client_id: int) -> dict[str, Any]:
        """Add a client."""
        return {"players": {client_id: {"x": 0.0, "v": 0.0}}}

    def counts(self, player: Player) -> InputCounts:
        """Return the counts of a player's inputs."""
        assert player.client.id is not None
        return self.backend.server.clients[player.client.id].input_counts

    def step(self, game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        """Move everybody by their input of this tick."""
        self.ticks += 1
        players = {}
        for me, each in inputs.items():
            players[me] = walk(game_state.players[me], each.value)
            players[me]["x"] += self.push.pop(me, 0.0)
        return {"players": players}


class Player:
    """A player of Walkers in virtual time.

    :param predict: whether to predict their own walker.
    :param smoothing_time: seconds in which corrections glide.
    """

    def __init__(self, network: SimulatedNetwork, *, predict: bool = True, smoothing_time: float = 0.1) -> None:
        self.network = network
        self.client = client = Client()
        self.session = Session(
            client,
            clock=network.clock,
            connect=lambda: network.connect(client),
            interpolate=["players.*.x"],
            tick=TICK,
            predict=Prediction(walk, "players.{me}", smoothing_time=smoothing_time) if predict else None,
        )
        self.session.connect()
        network.run_until(lambda: self.session.view().ready and self.me in self.session.view().players, 5.0)

    @property
    def me(self) -> int | None:
        """The player's key in the state."""
        return self.client.id

    def frame(self, direction: float, seconds: float = FRAME) -> float:
        """Let the time of a frame pass, steer, and return the shown place of the player's walker."""
        self.network.run(seconds)
        self.session.send_input(direction)
        x: float = self.session.view().players[self.me]["x"]
        return x


def keys(rng: random.Random) -> Callable[[], float]:
    """Return the directions of a player, frame by frame, that turns three times a second."""
    direction = 0

    def turn() -> float:
        nonlocal direction
        if rng.random() < 3 * FRAME:
            direction = rng.choice([d for d in (-1, 0, 1) if d != direction])
        return direction

    return turn


def stick(rng: random.Random) -> Callable[[], float]:
    """Return the directions of a player, frame by frame, whose stick moves all the time."""
    return lambda: round(rng.uniform(-1.0, 1.0), 3)


@dataclass(frozen=True)
class Fate:
    """The counts of a player's inputs.

    :ivar sent: inputs sent. ``arrived``: inputs at the server. ``applied``: inputs used in a tick.
    :ivar repeated: ticks that used the last input again, because theirs had not arrived.
    """

    sent: int
    arrived: int
    applied: int
    repeated: int


def fate_of_inputs(link: Link, seed: int, seconds: float = 30.0) -> Fate:
    """Send an input in each tick over a link. Return their counts."""
    network, game, rng = SimulatedNetwork(seed, link), Walkers(), random.Random(seed)
    network.serve(game.backend, interval=TICK)
    player, turn = Player(network), stick(rng)
    for _ in range(round(seconds / FRAME)):
        player.frame(turn())
    repeated = game.counts(player).repeated
    network.run(3.0)  # for inputs under way
    counts = game.counts(player)
    sent = player.client.send_input(0) - 1
    return Fate(sent, counts.applied + counts.late + counts.skipped + counts.dropped, counts.applied, repeated)


def walk_of_a_fast_sender(seed: int, factor: float = 2.0, seconds: float = 20.0) -> float:
    """Return the movement per tick of a client that sends inputs ``factor`` times too fast, as a share of an honest
    one's.
    """
    honest, fast = (_way_per_tick(seed, pace, seconds) for pace in (1.0, factor))
    return fast / honest


def _way_per_tick(seed: int, pace: float, seconds: float) -> float:
    """Return the movement per tick of the server, at full speed, of a client that sends inputs at a pace."""
    network, game = SimulatedNetwork(seed, Link(latency=0.03, jitter=0.01)), Walkers()
    network.serve(game.backend, interval=TICK)
    client = Client()
    network.connect(client)
    network.run_until(lambda: bool(client.snapshots))
    seen = []
    for passing in (3.0, seconds):
        for _ in range(round(passing * pace / TICK)):
            client.send_input(1)
            network.run(TICK / pace)
        seen.append((game.ticks, game.backend.game_state_store.get_game_state().players[client.id]["x"]))
    (since, start), (until, end) = seen
    return float(end - start) / (until - since)


def frames_to_picture(link: Link, frame_rate: float, seed: int, *, predict: bool = True, times: int = 5) -> list[int]:
    """Press a key several times. Return the frames until each press shows: 0 is the frame of the press."""
    network, game, rng = SimulatedNetwork(seed, link), Walkers(), random.Random(seed)
    network.serve(game.backend, interval=TICK)
    player = Player(network, predict=predict)
    late = []
    for _ in range(times):
        before = 0.0
        for _ in range(round((2.5 + rng.random()) * frame_rate)):  # until nothing glides
            before = player.frame(0, 1 / frame_rate)
        frames = 0
        while player.frame(1, 1 / frame_rate) <= before + 1e-3:
            frames += 1
        late.append(frames)
    return late


@dataclass(frozen=True)
class Corrections:
    """The number of wrong predictions and of ticks, the largest error, and the number of late inputs."""

    ticks: int
    count: int
    largest: float
    late_inputs: int


def corrections(
    link: Link, seed: int, hands: Callable[[random.Random], Callable[[], float]] = keys, seconds: float = 40.0
) -> Corrections:
    """Let an undisturbed player walk, and count the corrections."""
    network, game, rng = SimulatedNetwork(seed, link), Walkers(), random.Random(seed)
    network.serve(game.backend, interval=TICK)
    player, turn, largest = Player(network), hands(rng), 0.0
    predictor = player.session.predictor
    assert predictor is not None
    network.run(rng.random() * TICK)
    for _ in range(round(seconds / FRAME)):
        player.frame(turn())
        largest = max(largest, predictor.last_error)
    counts = game.counts(player)
    return Corrections(round(seconds / TICK), predictor.corrections, largest, counts.late)


@dataclass(frozen=True)
class Push:
    """The picture of a player that is pushed.

    :ivar seconds: from the first frame that shows the push until 95 % of its way are shown.
    :ivar back: largest step back of the picture, as a share of the push. ``beyond``: the largest step beyond its end.
    :ivar off: final distance of picture and truth.
    """

    seconds: float
    back: float
    beyond: float
    off: float


def push(link: Link, seed: int, way: float = 40.0) -> Push:
    """Push a player that stands still."""
    network, game, rng = SimulatedNetwork(seed, link), Walkers(), random.Random(seed)
    network.serve(game.backend, interval=TICK)
    player = Player(network)
    for _ in range(60 + rng.randrange(60)):
        player.frame(0)
    network.run(rng.random() * TICK)
    game.push[player.me] = way
    seen = [player.frame(0) for _ in range(90)]
    first = next(frame for frame, x in enumerate(seen) if x > 0.0)
    last = next(frame for frame, x in enumerate(seen) if x >= 0.95 * way)
    back = max(max(seen[: n + 1]) - x for n, x in enumerate(seen))
    truth = game.backend.game_state_store.get_game_state().players[player.me]["x"]
    return Push((last - first + 1) * FRAME, back / way, max(seen) / way - 1.0, abs(seen[-1] - truth))


REPLAYED = 30


def replay_cost(*, whole_match: bool, repeat: int = 200) -> float:
    """Return the milliseconds of a frame that replays 30 ticks of Pong's rules and draws the view.

    The fastest of ``repeat`` runs counts: the others measure other programs, too.

    :param whole_match: whether to predict the whole match with its ball, or the own paddle only.
    """
    match: Any = {**rules.new_match(), "countdown": 1}
    for tick in range(60):
        match = rules.step(match, {"left": tick % 3 - 1})
    step: Callable[[Any, Any], Any] = rules.move_paddle
    select: Callable[[Any], Any] = lambda state: state["match"]["paddles"]["left"]  # noqa: E731
    if whole_match:
        step, select = lambda mine, direction: rules.step(mine, {"left": direction}), lambda state: state["match"]
    predictor = Predictor(step, select)
    states = [{"match": {**match, "paddles": {**match["paddles"], "left": 60.0 + n % 7}}} for n in range(repeat)]
    predictor.reconcile({"match": match}, 0)
    for number in range(1, REPLAYED + 1):
        predictor.predict(number % 3 - 1, number)
    frames = iter(enumerate(states))

    def frame() -> None:
        tick, state = next(frames)
        predictor.reconcile(state, 0, tick=tick)
        predictor.view(tick / 60, 0.5, 1)

    taken = timeit.repeat(frame, number=1, repeat=repeat)
    assert predictor.corrections == repeat, "each of the states has to be another one than was predicted"
    assert predictor.pending == REPLAYED
    return 1e3 * min(taken)
