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
    """The rules of one tick, for both sides: speed up towards where the keys point, slow down without them."""
    v = 0.8 * mine["v"] + 0.6 * direction
    return {"x": mine["x"] + v, "v": v}


class Walkers:
    """A game of people who walk on a line, at 60 ticks a second.

    :ivar push: how far to move somebody in the next tick, which nobody could foresee.
    :ivar ticks: how many there have been.
    """

    def __init__(self) -> None:
        self.push: dict[str, float] = {}
        self.ticks = 0
        self.backend = Backend(GameState(players={}), self.step, {CLIENT_CONNECTED: self.enter})

    def enter(self, client_address: Any) -> dict[str, Any]:
        """Somebody has come."""
        return {"players": {str(client_address): {"x": 0.0, "v": 0.0}}}

    def counts(self, player: Player) -> InputCounts:
        """Return what became of a player's inputs."""
        assert player.client.address is not None
        return self.backend.server.connections[player.client.address].input_counts

    def step(self, game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        """Move everybody by their input of this tick."""
        self.ticks += 1
        players = {}
        for address, each in inputs.items():
            me = str(address)
            players[me] = walk(game_state.players[me], each.value)
            players[me]["x"] += self.push.pop(me, 0.0)
        return {"players": players}


class Player:
    """Somebody who plays Walkers in virtual time.

    :param predict: whether their own part is shown at once.
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
    def me(self) -> str:
        """The player's key in the state."""
        return str(self.client.address)

    def frame(self, direction: float, seconds: float = FRAME) -> float:
        """Let a frame's time pass, steer, and look where one is."""
        self.network.run(seconds)
        self.session.send_input(direction)
        x: float = self.session.view().players[self.me]["x"]
        return x


def keys(rng: random.Random) -> Callable[[], float]:
    """Return what somebody does in each frame who turns three times a second."""
    direction = 0

    def turn() -> float:
        nonlocal direction
        if rng.random() < 3 * FRAME:
            direction = rng.choice([d for d in (-1, 0, 1) if d != direction])
        return direction

    return turn


def stick(rng: random.Random) -> Callable[[], float]:
    """Return what somebody does in each frame whose stick is never twice at the same place."""
    return lambda: round(rng.uniform(-1.0, 1.0), 3)


@dataclass(frozen=True)
class Fate:
    """What became of a player's inputs.

    :ivar sent: how many there were. ``arrived``: how many came to the server. ``applied``: how many were played there.
    :ivar repeated: ticks that had to play the one before again, as theirs had not come.
    """

    sent: int
    arrived: int
    applied: int
    repeated: int


def fate_of_inputs(link: Link, seed: int, seconds: float = 30.0) -> Fate:
    """Send an input each tick over that link, and count what becomes of them."""
    network, game, rng = SimulatedNetwork(seed, link), Walkers(), random.Random(seed)
    network.serve(game.backend, interval=TICK)
    player, turn = Player(network), stick(rng)
    for _ in range(round(seconds / FRAME)):
        player.frame(turn())
    repeated = game.counts(player).repeated
    network.run(3.0)  # for those under way
    counts = game.counts(player)
    sent = player.client.send_input(0) - 1
    return Fate(sent, counts.applied + counts.late + counts.skipped + counts.dropped, counts.applied, repeated)


def walk_of_a_fast_sender(seed: int, factor: float = 2.0, seconds: float = 20.0) -> float:
    """Return how far somebody gets in a tick who makes inputs so much too fast, by how far an honest player gets."""
    honest, fast = (_way_per_tick(seed, pace, seconds) for pace in (1.0, factor))
    return fast / honest


def _way_per_tick(seed: int, pace: float, seconds: float) -> float:
    """Return how far somebody gets in a tick of the server who makes inputs at that pace, once at full speed."""
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
        seen.append((game.ticks, game.backend.game_state_store.get_game_state().players[str(client.address)]["x"]))
    (since, start), (until, end) = seen
    return float(end - start) / (until - since)


def frames_to_picture(link: Link, frame_rate: float, seed: int, *, predict: bool = True, times: int = 5) -> list[int]:
    """Press a key now and then; return after how many frames each shows: 0 is the frame in which it is given."""
    network, game, rng = SimulatedNetwork(seed, link), Walkers(), random.Random(seed)
    network.serve(game.backend, interval=TICK)
    player = Player(network, predict=predict)
    late = []
    for _ in range(times):
        before = 0.0
        for _ in range(round((2.5 + rng.random()) * frame_rate)):  # until nothing glides any more
            before = player.frame(0, 1 / frame_rate)
        frames = 0
        while player.frame(1, 1 / frame_rate) <= before + 1e-3:
            frames += 1
        late.append(frames)
    return late


@dataclass(frozen=True)
class Corrections:
    """How often a prediction turned out wrong in so many ticks, by how much at most, and how many inputs came late."""

    ticks: int
    count: int
    largest: float
    late_inputs: int


def corrections(
    link: Link, seed: int, hands: Callable[[random.Random], Callable[[], float]] = keys, seconds: float = 40.0
) -> Corrections:
    """Let somebody walk about whom nobody disturbs, and count what had to be corrected."""
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
    """What somebody sees who is pushed.

    :ivar seconds: from the first frame that shows it until 95 % of the way are gone.
    :ivar back: the farthest that the picture went back again, by the push. ``beyond``: the same, beyond its end.
    :ivar off: how far picture and truth are apart in the end.
    """

    seconds: float
    back: float
    beyond: float
    off: float


def push(link: Link, seed: int, way: float = 40.0) -> Push:
    """Push somebody who stands."""
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
    """Return the milliseconds that a frame takes in which 30 ticks of Pong's rules are replayed, and the view drawn.

    The fastest of many, the rest being other programs' doing.

    :param whole_match: predict the whole match with its ball, and not only the own paddle.
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
