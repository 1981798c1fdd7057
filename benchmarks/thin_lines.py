"""How old the newest state is on a thin line: whole games in virtual time, so the figures are the same in every run.

::

    python -m benchmarks.thin_lines [--seconds 20] [--seed 0]

Each line has a latency of 30 ms each way and a buffer of one second. A client gives an input each tick. The figures are
those of the client with the oldest states, from five seconds after it began to connect:

- age: of the client's newest state on the server's clock, half of the time at most and in 95 of 100 moments;
- queue: seconds that a datagram waits in the line's buffer, likewise;
- states a second, and the share of the datagrams that are lost on the way down.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pygase import Backend, Client, GameState, ServerConfig
from pygase.testing import Bottleneck, Link, SimulatedNetwork

PRECISION: Final = {f"entities.*.{name}": 0.01 for name in ("x", "y", "vx", "vy")}
"""The declared precision of the worlds that have one."""

SAMPLE: Final = 0.005
"""Seconds between two looks at a client."""


def line(kbit: float, **figures: Any) -> Link:
    """Return a line of some kbit/s with a second of buffer. ``figures``: those of a Link that differ."""
    bandwidth = kbit * 125
    return Link(**{"latency": 0.03, "bandwidth": bandwidth, "queue_bytes": int(bandwidth), **figures})


@dataclass(frozen=True)
class World:
    """A world in motion: a quarter of its entities moves in each tick, in turn.

    :ivar precise: whether a precision of 0.01 is declared for positions and speeds.
    :ivar urgent: whether a priority is declared, so that short clients get parts of states.
    """

    entities: int = 64
    hz: float = 20.0
    precise: bool = False
    urgent: bool = False

    @property
    def name(self) -> str:
        declared = (", precision" if self.precise else "") + (", priority" if self.urgent else "")
        return f"{self.entities} at {self.hz:g} Hz{declared}"

    def backend(self, config: ServerConfig | None = None) -> Backend:
        """Return a game of this world."""

        def moved(game_state: GameState, dt: float, inputs: Any) -> Mapping[str, Any]:
            moving = self.entities // 4
            first = game_state.turn * moving % self.entities
            step = 1 / self.hz
            changed = {}
            for number in range(first, first + moving):
                thing = game_state.entities[number]
                changed[number] = {"x": thing["x"] + thing["vx"] * step, "y": thing["y"] + thing["vy"] * step}
            return {"entities": changed, "turn": game_state.turn + 1}

        rng = random.Random(4)
        entities = {number: _entity(number, rng) for number in range(self.entities)}
        options: dict[str, Any] = {"precision": PRECISION} if self.precise else {}
        if self.urgent:
            options["priority"] = {"entities.*": 1.0, "entities.{me}": 10.0}
        return Backend(GameState(entities=entities, turn=0), moved, config=config, **options)


def _entity(number: int, rng: random.Random) -> dict[str, Any]:
    speeds = {"vx": rng.uniform(-50, 50), "vy": rng.uniform(-50, 50)}
    return {"x": rng.uniform(0, 1000), "y": rng.uniform(0, 1000), **speeds, "hp": 100, "name": f"e{number}"}


@dataclass
class Seen:
    """What one client saw from second to second.

    :ivar ages: of its newest state at each look, seconds. Before the first state: infinite.
    :ivar states: how many states it had received, at each look.
    """

    ages: list[float] = field(default_factory=list)
    states: list[int] = field(default_factory=list)

    def age(self, share: float, begin: float = 0.0, end: float = math.inf) -> float:
        """Return the age that a share of the looks between two times (seconds since the first) does not exceed."""
        return quantile(self._between(self.ages, begin, end), share)

    def states_per_second(self, begin: float = 0.0, end: float = math.inf) -> float:
        counts = self._between(self.states, begin, end)
        return (counts[-1] - counts[0]) / (len(counts) * SAMPLE)

    def good_again_after(self, moment: float, age: float) -> float:
        """Return the seconds from a moment until the states are never again older than ``age``."""
        after = self.ages[round(moment / SAMPLE) :]
        late = [number for number, each in enumerate(after) if each > age]
        return (late[-1] + 1) * SAMPLE if late else 0.0

    def _between(self, values: list[Any], begin: float, end: float) -> list[Any]:
        return values[round(begin / SAMPLE) : None if end == math.inf else round(end / SAMPLE)]


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of all values does not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


class Run:
    """One game on one line, which several clients and a greedy flow may share.

    :ivar seen: of each client.
    :ivar queues: seconds of queue on the way down, at each look.
    """

    def __init__(
        self, world: World, link: Link, *, clients: int = 1, seed: int = 0, config: ServerConfig | None = None
    ) -> None:
        self.world = world
        self.network = SimulatedNetwork(seed, Link(latency=0.03))
        self.bottleneck = Bottleneck(link)
        self.backend = world.backend(config)
        self.network.serve(self.backend, 1 / world.hz)
        self.clients = [Client() for _ in range(clients)]
        self.seen = [Seen() for _ in self.clients]
        self.queues: list[float] = []
        self._counts = [0] * clients
        self._newest = [0] * clients
        for number, client in enumerate(self.clients):
            self.network.call_at(0.013 * number, lambda client=client: self._join(client))
        self._look()

    def _join(self, client: Client) -> None:
        self.network.connect(client, bottleneck=self.bottleneck)
        self._play(client)

    def _play(self, client: Client) -> None:
        if client.status == "connected":
            client.send_input({"x": 1, "y": 0})
        self.network.call_at(self.network.now + 1 / self.world.hz / client.input_pace, lambda: self._play(client))

    def _look(self) -> None:
        now = self.network.now
        self.queues.append(self.bottleneck.down.queued(now))
        for number, client in enumerate(self.clients):
            snapshots = client.snapshots
            newest = self._newest[number]
            fresh = [each for each in snapshots[-8:] if each.tick > newest]
            if fresh:
                self._newest[number] = fresh[-1].tick
                self._counts[number] += len(fresh)
            self.seen[number].ages.append(now - snapshots[-1].time if snapshots else math.inf)
            self.seen[number].states.append(self._counts[number])
        self.network.call_at(now + SAMPLE, self._look)

    def run(self, seconds: float) -> None:
        self.network.run(seconds)

    @property
    def lost(self) -> float:
        """The share of the datagrams that got lost on the way down."""
        down = self.bottleneck.down
        return down.lost / max(down.lost + down.carried, 1)


def show(name: str, run: Run, begin: float) -> None:
    worst = max(run.seen, key=lambda seen: seen.age(0.95, begin))
    queues = run.queues[round(begin / SAMPLE) :]
    print(
        f"{name:58} age {1e3 * worst.age(0.5, begin):5.0f} {1e3 * worst.age(0.95, begin):5.0f} ms  "
        f"queue {1e3 * quantile(queues, 0.5):5.0f} {1e3 * quantile(queues, 0.95):5.0f} ms  "
        f"{min(seen.states_per_second(begin) for seen in run.seen):5.1f} states/s  {run.lost:6.1%} lost"
    )


def alone(seconds: float, seed: int) -> Iterator[tuple[str, Run]]:
    """One client on one line."""
    worlds = [World(), World(hz=60), World(entities=256), World(entities=256, hz=60)]
    for kbit in (64, 256, 1000):
        for world in worlds:
            run = Run(world, line(kbit), seed=seed)
            run.run(5 + seconds)
            yield f"{kbit} kbit/s, {world.name}", run


def together(seconds: float, seed: int) -> Iterator[tuple[str, Run]]:
    """Several clients on one line, and worlds whose one state takes longer than a second there."""
    crowded = [(2, 256.0, World(hz=60)), (3, 64.0, World()), (3, 64.0, World(urgent=True))]
    large = [(1, 64.0, World(entities=512)), (1, 64.0, World(entities=512, urgent=True))]
    precise = [(1, 64.0, World(precise=True)), (1, 64.0, World(hz=60, precise=True))]
    for clients, kbit, world in (*crowded, *large, *precise):
        run = Run(world, line(kbit), clients=clients, seed=seed)
        run.run(5 + seconds)
        yield f"{kbit:g} kbit/s, {world.name}, {clients} client{'s' * (clients > 1)}", run


def step(before: float, after: float, hz: float, seed: int) -> float:
    """Return how many seconds after a step of the line's rate (kbit/s) its states are young again."""
    run = Run(World(hz=hz), line(before), seed=seed)
    run.run(12.0)
    run.bottleneck.set_link(line(after))
    run.run(8.0)
    return run.seen[0].good_again_after(12.0, 0.8 if after < before else 0.15)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    for name, run in alone(options.seconds, options.seed):
        show(name, run, 5.0)
    for name, run in together(options.seconds, options.seed):
        show(name, run, 5.0)
    for hz in (20.0, 60.0):
        for before, after in ((1000.0, 64.0), (64.0, 1000.0)):
            seconds = step(before, after, hz, options.seed)
            print(f"{before:g} -> {after:g} kbit/s, {hz:g} Hz: the states are young again after {seconds:.1f} s")


if __name__ == "__main__":
    main()
