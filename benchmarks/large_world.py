"""What a tick costs in a world in which almost everything rests.

It measures the CPU time of the work that could grow with the state. The update of the time step is merged and settled.
The server takes the state over. The delta to the state of the last tick is encoded, as for clients on a LAN. The
sockets and the own time of the game are left out. The same with the moving entities alone stands beside it.

    python -m benchmarks.large_world
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from typing import Any

from pygase import GameState, build_info
from pygase._protocol.snapshots import SnapshotRing
from pygase._server.state_keeper import StateKeeper
from pygase.config import ServerConfig


class World:
    """A world of entities, some of which move each tick.

    :param resting: entities that never change; ``moving``: changed in each tick.
    """

    def __init__(self, resting: int, moving: int) -> None:
        ents = {i: {"x": i * 1.5, "y": i * 2.5, "hp": 100} for i in range(resting + moving)}
        self.states = StateKeeper(GameState(ents=ents), ServerConfig.max_state_bytes, ServerConfig.max_state_values)
        self.ring = SnapshotRing(ServerConfig.snapshot_ring)
        self._step = max((resting + moving) // moving, 1)
        self._moving = moving
        self._turn = 0
        self._take_over()

    def update(self) -> dict[str, Any]:
        """Return the update of the next tick; other entities move in each."""
        self._turn += 1
        first, value = self._turn % self._step, self._turn * 0.25
        moved = range(first, self._step * self._moving, self._step)
        return {"ents": {i: {"x": i + value, "y": i - value} for i in moved}}

    def tick(self, update: dict[str, Any]) -> int:
        """Merge, settle, take over and encode. Return the bytes of the delta."""
        states, ring = self.states, self.ring
        states.begin_tick()
        states.apply(update)
        states.end_tick(self._turn * 0.05)
        baseline_tick, baseline = ring.tick, ring.tree
        self._take_over()
        return len(ring.body_for(baseline_tick, baseline, ring.time)[0])

    def _take_over(self) -> None:
        commit = self.states.committed
        delta = commit.delta_from(self.ring.tree)
        self.ring.push(commit.tick + 1, commit.tree, commit.time, commit.span, delta)


def _measure(world: World, ticks: int) -> tuple[float, float, float]:
    """Return the mean, the median and the longest CPU time of a tick, in milliseconds."""
    took = []
    for _ in range(ticks):
        update = world.update()
        began_at = time.process_time()
        world.tick(update)
        took.append((time.process_time() - began_at) * 1000)
    return statistics.fmean(took), statistics.median(took), max(took)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resting", type=int, default=20_000)
    parser.add_argument("--moving", type=int, default=100)
    parser.add_argument("--ticks", type=int, default=600, help="ticks of a round; the server keeps 256 states")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"compiled: {'yes' if build_info().compiled else 'no'}")
    large, small = World(options.resting, options.moving), World(0, options.moving)
    for world in (large, small):
        _measure(world, ServerConfig.snapshot_ring)  # so that an old state goes with each new one
    gc.collect()
    rests = []
    for number in range(1, options.rounds + 1):
        whole, alone = _measure(large, options.ticks), _measure(small, options.ticks)
        rests.append(whole[0] - alone[0])
        print(
            f"round {number}  {options.resting:,} at rest and {options.moving} moving: {whole[0]:.3f} ms a tick "
            f"(median {whole[1]:.3f}, longest {whole[2]:.2f}), the moving alone {alone[0]:.3f} (median {alone[1]:.3f})"
        )
    print(f"median of what those at rest add to a tick: {statistics.median(rests):.3f} ms")


if __name__ == "__main__":
    main()
