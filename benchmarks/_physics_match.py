"""A match of car football in virtual time: the server, its drivers, and clients that draw it in several ways at once.

The drivers look at the server's world and hold their keys as long as people do. So all ways draw the same match, with
the same inputs and the same lost datagrams. The rules are those of ``physics_cost``.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from benchmarks.physics_cost import drive, new_world, step
from pygase import (
    Backend,
    Client,
    FixedTimestep,
    GameState,
    Glide,
    PlayerInput,
    Predictor,
    SnapshotBuffer,
    Whole,
    WorldPrediction,
    WorldPredictor,
    step_world,
)
from pygase.testing import Link, SimulatedNetwork

TICK: Final = 1 / 60
PLAYERS: Final = 4
KICK_OFF: Final = 100
"""Ticks from one kick-off to the next: the server alone puts the ball and the cars around it to new places."""

APART: Final = 20
"""Ticks without a touch after which the next touch of a player is a hit."""

Place = tuple[float, float]


class Drawn(NamedTuple):
    """A picture: the places of the cars by client id, and of the ball."""

    cars: dict[int, Place]
    ball: Place


def drawn(world: Mapping[str, Any]) -> Drawn:
    """Return the places of all bodies."""
    cars = {who: (car["x"], car["y"]) for who, car in world["cars"].items()}
    return Drawn(cars, (world["ball"]["x"], world["ball"]["y"]))


def distance(one: Place, other: Place) -> float:
    """Return the distance of two places."""
    return math.hypot(one[0] - other[0], one[1] - other[1])


class Driver:
    """Presses keys like a person: towards the ball, not quite exactly, each key for 7 to 15 ticks."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self._left = 0
        self._keys = (0, 0)

    def keys(self, world: Mapping[str, Any], who: int) -> tuple[int, int]:
        """Return (turn, gas) of a tick."""
        self._left -= 1
        if self._left < 0 and who in world["cars"]:
            self._left = self._chance.randint(7, 15)
            self._keys = self._towards(world["cars"][who], world["ball"])
        return self._keys

    def _towards(self, car: Mapping[str, float], ball: Mapping[str, float]) -> tuple[int, int]:
        dx = ball["x"] + self._chance.gauss(0.0, 15.0) - car["x"]
        dy = ball["y"] + self._chance.gauss(0.0, 15.0) - car["y"]
        gas = 1 if dx >= 0.0 else -1
        wanted = gas * dy / (math.hypot(dx, dy) + abs(dx) + 1e-9)  # tangent of half the angle, as the rules turn
        off = wanted - car["heading"]
        return (0 if abs(off) < 0.1 else 1 if off > 0.0 else -1), gas


class Server:
    """The backend of a match, which remembers the truth.

    :ivar truths: by client id, the world after each of its inputs, by number.
    :ivar hits: by client id, the numbers of its inputs in whose tick its car has hit the ball.
    :ivar kick_offs: by client id, the numbers of its inputs at kick-offs.
    """

    def __init__(self, cars: int, bots: int, seed: int, *, kick_off: int = KICK_OFF, **options: Any) -> None:
        self.truths: dict[int, dict[int, Drawn]] = {}
        self.hits: dict[int, list[int]] = {}
        self.kick_offs: dict[int, list[int]] = {}
        self._touched: dict[int, int] = {}
        self._chance = random.Random(seed)
        self._tick = 0
        self._cars = cars + bots
        self._kick_off = kick_off
        self.backend = Backend(GameState(world=self._kicked_off()), self._step, **{"share_inputs": True, **options})
        drivers = [Driver(seed * 100 + number) for number in range(bots)]
        for driver in drivers:
            self.backend.bot(_deciding(driver), ahead=12)

    @property
    def world(self) -> Any:
        """The newest world."""
        return self.backend.game_state_store.plumbing.committed.tree["world"]

    def _kicked_off(self) -> dict[str, Any]:
        world = new_world()
        world["cars"] = {who: dict(world["cars"][1]) for who in range(1, self._cars + 1)}
        world["ball"].update(x=self._chance.uniform(400, 800), y=self._chance.uniform(300, 400), vx=0.0, vy=0.0)
        for car in world["cars"].values():
            angle, way = self._chance.uniform(0.0, math.tau), self._chance.uniform(130.0, 260.0)
            dx, dy = way * math.cos(angle), way * math.sin(angle)
            heading = math.copysign(dy / (way + abs(dx)), dx * dy)  # towards the ball, forwards or backwards
            car.update(x=world["ball"]["x"] + dx, y=world["ball"]["y"] + dy, heading=heading)
        return world

    def _step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> dict[str, Any]:
        self._tick += 1
        told: list[int] = []
        if self._kick_off and self._tick % self._kick_off == 0:
            world = self._kicked_off()
            for who, each in inputs.items():
                self.kick_offs.setdefault(who, []).append(each.number)
        else:
            world = step_world(
                step, game_state.world, inputs, lambda what, who, *_: told.append(who) if what == "hit" else None
            )
        for who in told:
            if self._tick - self._touched.get(who, -APART) >= APART and who in inputs:
                self.hits.setdefault(who, []).append(inputs[who].number)
            self._touched[who] = self._tick
        truth = drawn(world)
        for who, each in inputs.items():
            self.truths.setdefault(who, {})[each.number] = truth
        return {"world": Whole(world)}


def _deciding(driver: Driver) -> Callable[[GameState, int], tuple[int, int]]:
    return lambda game_state, client_id: driver.keys(game_state.world, client_id)


class Way:
    """A way to draw the match at a client.

    :ivar pictures: by number of the input after which the picture shows the world.
    :ivar seconds: of each frame.
    """

    delay = 0

    def __init__(self) -> None:
        self.pictures: dict[int, Drawn] = {}
        self.seconds: list[float] = []

    def frame(self, client: Client, commands: list[tuple[int, Any]], now: float) -> None:
        """Take in what has arrived and what was sent, and draw."""
        began = time.perf_counter()
        picture = self._picture(client, commands, now)
        self.seconds.append(time.perf_counter() - began)
        if picture is not None and commands:
            self.pictures[commands[-1][0] - self.delay] = picture

    def _picture(self, client: Client, commands: list[tuple[int, Any]], now: float) -> Drawn | None:
        raise NotImplementedError


class Interpolated(Way):
    """The own car predicted by itself, everything else interpolated."""

    def __init__(self) -> None:
        super().__init__()
        self._buffer = SnapshotBuffer(["world.cars.*.x", "world.cars.*.y", "world.ball.x", "world.ball.y"])
        self._predictor: Predictor | None = None
        self._tick = -1

    def _picture(self, client: Client, commands: list[tuple[int, Any]], now: float) -> Drawn | None:
        me = client.id
        if self._predictor is None:
            self._predictor = Predictor(_drive, lambda state: state["world"]["cars"].get(me), smooth=["x", "y"])
        for snapshot in client.snapshots:
            if snapshot.tick > self._tick:
                self._tick = snapshot.tick
                self._buffer.add(snapshot)
        newest = client.snapshots[-1]
        applied = client.input_applied(newest.tick)
        if applied is not None:
            self._predictor.reconcile(newest.state, applied, tick=newest.tick)
        for number, keys in commands:
            self._predictor.predict(keys, number)
        mine, others = self._predictor.view(now), self._buffer.view(now=now).get("world")
        if mine is None or others is None:
            return None
        picture = drawn(others)
        picture.cars[me or 0] = mine["x"], mine["y"]
        return picture


def _drive(car: Mapping[str, float], keys: tuple[int, int]) -> dict[str, float]:
    moved = dict(car)
    drive(moved, *keys)
    return moved


class Predicted(Way):
    """The whole world predicted.

    :param delay: ticks by which inputs are shown later.
    :param shared: whether it knows the others' inputs.
    """

    def __init__(self, delay: int = 0, *, shared: bool = True) -> None:
        super().__init__()
        self.delay = delay
        self._shared = shared
        glide = [Glide("cars.*", "x", "y", snap=150.0), Glide("ball", "x", "y", snap=150.0)]
        self.predictor = WorldPredictor(WorldPrediction(step, "world", glide=glide, input_delay=delay), TICK)

    def _picture(self, client: Client, commands: list[tuple[int, Any]], now: float) -> Drawn | None:
        predictor, newest = self.predictor, client.snapshots[-1]
        predictor.owner = client.id
        applied = client.input_applied(newest.tick)
        if applied is not None:
            inputs = newest.inputs if self._shared else {who: each[:1] for who, each in newest.inputs.items()}
            predictor.reconcile(newest.state, applied, tick=newest.tick, inputs=inputs)
        for number, keys in commands:
            predictor.predict(keys, number)
        predictor.happenings.take()
        world = predictor.view(now)
        return None if world is None else drawn(world)


class Player:
    """A client, its driver, and its pictures."""

    def __init__(
        self, network: SimulatedNetwork, server: Server, ways: dict[str, Way], keys: Callable[..., Any]
    ) -> None:
        self.client = Client()
        self.ways = ways
        self._network = network
        self._server = server
        self.keys = keys
        self._timestep = FixedTimestep(TICK)
        network.connect(self.client)

    def frame(self) -> None:
        """Send the inputs of the ticks that are due, and draw."""
        client, now = self.client, self._network.now
        if not client.snapshots or client.id is None:
            return
        self._timestep.pace = client.input_pace
        commands = []
        for _ in range(self._timestep.advance(now)):
            keys = self.keys(self._server.world, client.id)
            number = client.send_input(keys)
            if number:
                commands.append((number, keys))
        for way in self.ways.values():
            way.frame(client, commands, now)


class Match:
    """A match of some clients and bots.

    :param make_ways: makes the ways in which each client draws.
    :param keys: returns the keys of a client, by its place from 0 on; by default of drivers.
    """

    def __init__(
        self,
        link: Link,
        seed: int,
        make_ways: Callable[[], dict[str, Way]],
        *,
        clients: int = PLAYERS,
        bots: int = 0,
        keys: Callable[[int], Callable[[Any, int], tuple[int, int]]] | None = None,
        **options: Any,
    ) -> None:
        self.network = SimulatedNetwork(seed, link)
        self.server = Server(clients, bots, seed, **options)
        self.address = self.network.serve(self.server.backend, interval=TICK)
        self.players: list[Player] = []
        for place in range(clients):
            own = Driver(seed * 1000 + place).keys if keys is None else keys(place)
            self.players.append(Player(self.network, self.server, make_ways(), own))
            self.network.run(0.2)

    def play(self, seconds: float) -> None:
        """Let the match go on."""
        for _ in range(round(seconds / TICK)):
            self.network.run(TICK)
            for player in self.players:
                player.frame()
