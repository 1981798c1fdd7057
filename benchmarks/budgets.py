"""What a client sees whose states have a bounded number of bytes: how old each entity is, and what a state costs.

::

    python -m benchmarks.budgets [--ticks 200]

256 entities with a declared precision of 0.01, of which 64 move in each tick, in turn. An eighth of them is near, and
weighs 4; the others weigh 1. Each state is acknowledged before the next one. The age of an entity is the number of
ticks since it first differed from what the client has. The microseconds are the processor's time for choosing and
encoding a state, the median of all ticks.
"""

from __future__ import annotations

import argparse
import math
import random
import statistics
import time
from typing import Any, Final

from pygase import build_info
from pygase._protocol.partial_states import PartialStates
from pygase._protocol.record import PeerRecord
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase._protocol.snapshot_sender import SnapshotSender
from pygase._protocol.snapshots import SnapshotRing
from pygase._state.precision import Places, Precision, rounded_part
from pygase._state.priorities import Priorities
from pygase._state.tree import Tree

ENTITIES: Final = 256
MOVING: Final = 64
NEAR: Final = frozenset(range(1000, 1000 + ENTITIES, 8))
PRECISION: Final = Precision.parse({"ents.*.x": 0.01, "ents.*.y": 0.01})
WEIGHTS: Final = {"ents.*": 1.0, **{f"ents.{key}": 4.0 for key in NEAR}}


class Played:
    """A world, and one client with a budget.

    :ivar sizes: bytes of each state's message; ``micros``: what it took to make it.
    :ivar ages: of the entities at each tick, near and far.
    """

    def __init__(self, room: float) -> None:
        rng = random.Random(1)
        self.speeds = {1000 + n: (rng.uniform(-25.0, 25.0), rng.uniform(-25.0, 25.0)) for n in range(ENTITIES)}
        self.tree: Tree = {"ents": {key: {"x": key * 1.0, "y": 0.0, "hp": 100} for key in self.speeds}}
        self.room = room
        self.sizes: list[int] = []
        self.micros: list[float] = []
        self.ages: dict[bool, list[int]] = {True: [], False: []}
        self._lacks: dict[int, int] = {}
        self._ring, self._receiver = SnapshotRing(64), SnapshotReceiver(1 << 20)
        self._places = PRECISION.root or Places()
        self._ring.packing.places = self._receiver.places = self._places
        self._sender = SnapshotSender(PeerRecord(), self._ring)
        self._sender.parts = PartialStates(Priorities.parse(WEIGHTS), 1, self._ring)

    def tick(self, number: int) -> None:
        """Move, send, and receive."""
        delta = self._moved(number)
        for key in delta["ents"]:
            self._lacks.setdefault(key, number)
        self.tree = {"ents": {**self.tree["ents"], **delta["ents"]}}
        self._ring.push(number, self.tree, number / 20, 0.05, delta)
        began_at = time.process_time_ns()
        body, kind = self._sender.next_body(number / 20, 1.0, self.room)
        self.micros.append((time.process_time_ns() - began_at) / 1000)
        self.sizes.append(len(body))
        state = self._receiver.receive(body, kind)
        self._sender.on_acked(self._receiver.acked_tick)
        if state is not None:
            self._note_ages(state.tree["ents"], number)

    def _moved(self, number: int) -> dict[str, Any]:
        moved = {}
        for n in range(MOVING):
            key = 1000 + (number * MOVING + n) % ENTITIES
            entity, (x, y) = self.tree["ents"][key], self.speeds[key]
            moved[key] = {**entity, "x": entity["x"] + x, "y": entity["y"] + y}
        return rounded_part({"ents": moved}, self._places)

    def _note_ages(self, seen: Tree, number: int) -> None:
        for key, entity in self.tree["ents"].items():
            if seen[key] == entity:
                self._lacks.pop(key, None)
            self.ages[key in NEAR].append(number - self._lacks.get(key, number + 1) + 1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.budgets", description=__doc__.partition("\n")[0])
    parser.add_argument("--ticks", type=int, default=200)
    options = parser.parse_args()
    print(build_info())
    for room in (math.inf, 200, 120, 60):
        played = Played(room)
        for number in range(1, options.ticks + 1):
            played.tick(number)
        sizes, far, near = played.sizes[1:], played.ages[False], played.ages[True]
        print(
            f"budget {room:4g}: sent {statistics.mean(sizes):3.0f} B, {max(sizes):3} at most; age near "
            f"{statistics.median(near):g}, {max(near)} at most; far {statistics.median(far):g}, {max(far)} at most; "
            f"{statistics.median(played.micros):.0f} us"
        )


if __name__ == "__main__":
    main()
