"""What `Whole` costs beside the merge of the same update.

Each tick, all things of a game are in the update, as those of a game whose objects live on the server. Once the update
is a plain dict, and once a `Whole`. Measured is the CPU time in which it is merged and settled. The two take turns, and
the best of several rounds counts: other programs only ever add time.

    python -m benchmarks.whole
"""

from __future__ import annotations

import argparse
import time
from typing import Any

from pygase import GameState, Whole, build_info
from pygase._server.state_keeper import StateKeeper
from pygase.config import ServerConfig

TICKS = 40


def things(count: int, moving: int, tick: int) -> dict[int, Any]:
    """Return the data of all things in a tick."""
    return {
        key: {
            "x": key + (tick * 0.5 if key < moving else 0.0),
            "y": 2.0 * key,
            "vx": 0.5,
            "vy": 0.25,
            "hp": 100,
            "kind": "a",
        }
        for key in range(count)
    }


def microseconds(updates: list[Any], first: Any) -> float:
    """Return the CPU time of a tick."""
    states = StateKeeper(GameState(things=first), ServerConfig.max_state_bytes, ServerConfig.max_state_values)
    began = time.process_time()
    for number, update in enumerate(updates, 1):
        states.begin_tick()
        states.apply(update)
        states.end_tick(number * 0.02)
    return (time.process_time() - began) / len(updates) * 1e6


def measure(count: int, moving: int, rounds: int) -> tuple[float, float]:
    """Return the microseconds of a tick with a plain dict, and with a `Whole`."""
    first = things(count, moving, 0)
    plain = [{"things": things(count, moving, tick)} for tick in range(1, TICKS + 1)]
    whole = [{"things": Whole(each["things"])} for each in plain]
    both = [(microseconds(plain, first), microseconds(whole, first)) for _ in range(rounds)]
    return min(merge for merge, _ in both), min(whole for _, whole in both)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=25)
    rounds = parser.parse_args().rounds
    print(build_info())
    for count, moving in ((300, 300), (300, 30)):
        merge, whole = measure(count, moving, rounds)
        print(f"{count} things, {moving} move: merge {merge:.0f} µs, Whole {whole:.0f} µs, {whole / merge:.2f} times")


if __name__ == "__main__":
    main()
