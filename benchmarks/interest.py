"""What views cost: 2,000 things of which a quarter moves, and 200 clients that each see about 30 of them.

::

    python -m benchmarks.interest [--clients 200] [--things 2000] [--ticks 60]

All is one process, and the CPU time of each part is measured: the rounding of the world, which all clients share; the
views of all clients; the encoding of what each client gets; and these as a share of a core at 20 Hz. The bytes are
those of the messages. Each client acknowledges a state one to three ticks after it was sent, as at round trips of up to
150 ms. The yardstick is the plain delta of a world of 64 things of which 16 move: 20 µs on a quiet machine of 2024.

``python -m benchmarks.server_cpu --wide --clients 200 --hz 20`` measures a whole server with such a world.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from typing import Any, NamedTuple

from pygase import Backend, GameState, Interest
from pygase._protocol import wire
from pygase._protocol.snapshots import SnapshotRing
from pygase._protocol.view_rings import ViewRings
from pygase._server.state_keeper import Commit
from pygase._server.wire_tree import WireTree
from pygase._state.codec import pack
from pygase._state.delta import diff
from pygase._state.merging import UpdateReader, merged
from pygase._state.precision import Precision
from pygase._state.sights import Sights
from pygase._state.tree import Tree

HZ = 20
MOST_BACK = 3
RADIUS = 100.0
PRECISION = {"ents.*.x": 0.01, "ents.*.y": 0.01}


class Figures(NamedTuple):
    """Of one tick: seconds, and bytes for each client."""

    rounding: float
    views: float
    encoding: float
    sizes: float


class World:
    """Things that walk over a square in which a client sees about 30 of them."""

    def __init__(self, things: int) -> None:
        self.rng = random.Random(1)
        edge = RADIUS * (3.14159 * things / 30) ** 0.5
        self.tree: Tree = {"ents": {key: self._thing(edge) for key in range(things)}}
        self.wire = WireTree(Precision.parse(PRECISION))
        self._reader = UpdateReader()

    def _thing(self, edge: float) -> dict[str, Any]:
        return {"x": self.rng.uniform(0.0, edge), "y": self.rng.uniform(0.0, edge), "hp": 100, "kind": 3}

    def commit(self, tick: int) -> Commit:
        ents, rng, before = self.tree["ents"], self.rng, self.tree
        moved = {
            key: {"x": ents[key]["x"] + rng.uniform(-0.25, 0.25), "y": ents[key]["y"] + rng.uniform(-0.25, 0.25)}
            for key in rng.sample(range(len(ents)), len(ents) // 4)
        }
        delta = self._reader.attribute_changes(before, {"ents": moved}, "update")
        self.tree = merged(before, delta, {})
        return Commit(tick, tick / HZ, 1 / HZ, self.tree, before, delta)


def measured(clients: int, things: int, ticks: int) -> list[Figures]:
    """Return the figures of each tick, once all clients have a baseline."""
    world, found = World(things), list[Figures]()
    sights = Sights("ents", "x", "y", RADIUS, lambda tree, client_id: client_id)
    common = SnapshotRing(256)
    common.packing.places = world.wire.precision.root
    view_rings = ViewRings(common)
    rings = [view_rings.new_ring() for _ in range(clients)]
    for tick in range(1, ticks + 10):
        commit, now = world.commit(tick), tick / HZ
        began_at = time.process_time()
        sent = world.wire.follow(commit)
        rounded_at = time.process_time()
        view_rings.begin(tick, sent.tree, now, 1 / HZ)
        sights.follow(sent.tree, sent.delta_from(sights.tree))
        for client_id, ring in enumerate(rings):
            tree, delta = sights.tree_for(client_id, ring.tree)
            ring.push(tick, tree, now, 1 / HZ, delta)
            ring.forget_before(tick - MOST_BACK)
        seen_at = time.process_time()
        frames = [ring.frame_for(max(tick - 1 - n % MOST_BACK, 0), now) or b"" for n, ring in enumerate(rings)]
        encoded_at = time.process_time()
        sizes = statistics.mean(map(len, frames))
        found.append(Figures(rounded_at - began_at, seen_at - rounded_at, encoded_at - seen_at, sizes))
    return found[9:]


def yardstick() -> float:
    """Return the CPU time of the plain delta of a small world, in seconds: the least of many."""
    old: Tree = {n: {"x": n * 1.5, "y": n * 2.5, "vx": 1.0, "vy": -1.0, "hp": 100, "name": f"e{n}"} for n in range(64)}
    new: Tree = {n: {**thing, "x": n * 1.6, "y": n * 2.6} if n % 4 == 0 else thing for n, thing in old.items()}
    least = 1.0
    for _ in range(100):
        began_at = time.process_time()
        for _ in range(20):
            pack(diff(old, new))
        least = min(least, (time.process_time() - began_at) / 20)
    return least


def wide_backend() -> Backend:
    """Return a server with 2,000 things of which a quarter moves in each tick. The clients' own are among them."""
    world = World(2000)
    steps = [(world.rng.uniform(-0.25, 0.25), world.rng.uniform(-0.25, 0.25)) for _ in range(2003)]

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        turn, ents = game_state.turn, game_state.ents
        moved = {}
        for key in range(turn % 4, len(ents), 4):
            by, thing = steps[(key + turn) % len(steps)], ents[key]
            moved[key] = {"x": thing["x"] + by[0], "y": thing["y"] + by[1]}
        return {"ents": moved, "turn": turn + 1}

    view = Interest("ents", position=("x", "y"), radius=RADIUS)
    state = GameState(ents=world.tree["ents"], turn=0)
    return Backend(state, time_step, {"INPUT": lambda buttons: None}, view=view, precision=PRECISION)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--things", type=int, default=2000)
    parser.add_argument("--ticks", type=int, default=60)
    options = parser.parse_args()
    figures = Figures(
        *map(statistics.median, zip(*measured(options.clients, options.things, options.ticks), strict=True))
    )
    print(f"compiled: {not wire.__file__.endswith('.py')}; {options.clients} clients, {options.things:,} things")
    for name, seconds in zip(("rounding", "views", "encoding"), figures, strict=False):
        each = seconds / options.clients * 1e6
        print(f"{name:9} {seconds * HZ * 100:5.1f} % of a core at {HZ} Hz, {each:5.1f} µs per client and tick")
    ours = (figures.views + figures.encoding) * HZ * 100
    print(f"views and encoding together {ours:5.1f} % of a core; yardstick {yardstick() * 1e6:.1f} µs")
    print(f"message   {figures.sizes:5.1f} bytes per client and tick")


if __name__ == "__main__":
    main()
