"""How smoothly a view moves, and its delay behind the server: in virtual time, the same each time.

::

    python -m benchmarks.view_smoothness [--seconds 60] [--seeds 5]

A server sends one snapshot a tick over a bad link. An entity moves at constant speed. A display draws frames through a
:class:`pygase.SnapshotBuffer` that chooses its own delay. Perfect would be the same movement in every frame. The output
for each pair of tick rate and frame rate:

- spread: the standard deviation of the movement per frame, as a share of its mean;
- worst: the largest deviation of a frame, as a share of the mean;
- delay: of playback behind the fastest datagram, in send intervals, on average and at most.

The last table uses the real clock: the time of a view of 256 entities on this machine, for several forms of their four
numbers.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import timeit
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pygase import Snapshot, SnapshotBuffer
from pygase.links import LinkPath
from pygase.testing import Link
from pygase.timeline.interpolation import AdaptiveClock

TICK_RATES = (20, 30, 60)
FRAME_RATES = (30, 60, 144)
WARM_UP = 20.0
"""Seconds before the measurement: the buffer learns about bursts from some of them."""

SPEED = 100.0
"""Speed of the entity, units a second."""

JITTERY = Link(latency=0.04, jitter=0.02)
BURSTY = Link(latency=0.04, jitter=0.01, burst_loss=0.02, burst_length=2.0)
"""Loses 5 %, in bursts of 2.5 datagrams on average (a Link counts one and on average 1.5 that follow)."""

GOOD = Link(latency=0.04, jitter=0.005, loss=0.01)
SHAKY = Link(latency=0.04, jitter=0.01, loss=0.01)
"""Delays by ± 5 ms: up to 10 ms more than the fastest."""

LINKS: Mapping[str, Link] = {
    "20 ms jitter": JITTERY,
    "5 % loss in bursts": BURSTY,
    "1 % loss, 5 ms jitter": GOOD,
    "1 % loss, ± 5 ms jitter": SHAKY,
}


@dataclass(frozen=True)
class Smoothness:
    """The figures of one run.

    :ivar spread: standard deviation of the movement per frame, as a share of the mean.
    :ivar worst: largest deviation of a frame, as a share of the mean.
    :ivar delay: of playback behind the fastest datagram, in send intervals, on average; ``longest_delay``: at most.
    :ivar loss: share of the snapshots that were lost.
    :ivar bridged: share of the frames with extrapolated movement.
    :ivar stalls: number of times that it stood still.
    """

    spread: float
    worst: float
    delay: float
    longest_delay: float
    loss: float
    bridged: float
    stalls: int


def arrivals(link: Link, tick_rate: float, seconds: float, seed: int) -> list[Snapshot]:
    """Return the snapshots of an entity at constant speed, in the order of their arrival over a link."""
    path, rng = LinkPath(link), random.Random(seed)
    arrived = []
    for tick in range(int(seconds * tick_rate)):
        time = tick / tick_rate
        for delay in path.delays(200, time, rng):
            state = {"x": SPEED * time}
            arrived.append(Snapshot(tick, time, time + delay, state, (tick - 1) / tick_rate, tick - 1))
    return sorted(arrived, key=lambda snapshot: snapshot.received_at)


def play(buffer: SnapshotBuffer, arrived: list[Snapshot], frame_rate: float, seconds: float) -> Iterator[float]:
    """Draw frames. Yield the clock of each, after the snapshots that had arrived by then were added."""
    waiting = iter(arrived)
    following = next(waiting, None)
    for frame in range(1, int(seconds * frame_rate)):
        now = frame / frame_rate + 0.0001
        while following is not None and following.received_at <= now:
            buffer.add(following)
            following = next(waiting, None)
        yield now


def measure(link: Link, tick_rate: float, frame_rate: float, *, seconds: float = 60.0, seed: int = 1) -> Smoothness:
    """Play one game back and measure it.

    :param seconds: length of the game after the warm-up.
    """
    arrived = arrivals(link, tick_rate, WARM_UP + seconds, seed)
    clock = AdaptiveClock()
    buffer = SnapshotBuffer("x", clock=clock)
    seen, delays, before = [], [], None
    for now in play(buffer, arrived, frame_rate, WARM_UP + seconds):
        x = buffer.view(now=now).get("x")
        if now >= WARM_UP and x is not None:
            before = before or buffer.stats(now=now)
            seen.append(x)
            delays.append(clock.delay * tick_rate)
    stats = buffer.stats(now=now)
    assert before is not None
    assert stats is not None
    steps = [b - a for a, b in itertools.pairwise(seen)]
    mean = statistics.fmean(steps)
    return Smoothness(
        spread=statistics.pstdev(steps) / mean,
        worst=max(abs(step - mean) for step in steps) / mean,
        delay=statistics.fmean(delays),
        longest_delay=max(delays),
        loss=1 - len(arrived) / ((WARM_UP + seconds) * tick_rate),
        bridged=(stats.bridged_frames - before.bridged_frames) / len(steps),
        stalls=stats.stalls - before.stalls,
    )


ENTITIES = 256
FORMS: Mapping[str, tuple[tuple[str, ...], Callable[[float], dict[str, Any]]]] = {
    "four numbers": (("e.*.x", "e.*.y", "e.*.u", "e.*.v"), lambda at: {"x": at, "y": -at, "u": 1 - at, "v": at / 7}),
    "two lists of two": (("e.*.p", "e.*.v"), lambda at: {"p": [at, -at], "v": [1 - at, at / 7]}),
    "a list of four": (("e.*.p",), lambda at: {"p": [at, -at, 1 - at, at / 7]}),
}


@dataclass(frozen=True)
class Cost:
    """Milliseconds of a view: the fastest of many, because the others measure other programs, too.

    :ivar interpolated: between two snapshots.
    :ivar extrapolated: beyond the newest one.
    :ivar joining: while every number returns to the true path.
    """

    interpolated: float
    extrapolated: float
    joining: float


def cost(form: str, *, repeat: int = 200) -> Cost:
    """Measure views of 256 entities whose numbers all move."""
    rules, entity = FORMS[form]

    def snapshot(tick: int, speed: float = 1.0) -> Snapshot:
        state: Any = {"e": {n: {**entity(n + tick * speed), "name": "bob"} for n in range(ENTITIES)}}
        time = tick / 20
        return Snapshot(tick, time, time, state, time - 0.05, tick - 1)

    def fastest(buffer: SnapshotBuffer, now: float, until: float) -> float:
        """Draw frames from ``now`` to ``until``, in small steps."""
        frames = itertools.count()
        return 1e3 * min(
            timeit.repeat(lambda: buffer.view(now=now + (until - now) * next(frames) / repeat), number=1, repeat=repeat)
        )

    buffer = SnapshotBuffer(rules)
    for tick in range(200):
        buffer.add(snapshot(tick))
        buffer.view(now=tick / 20)
    interpolated = fastest(buffer, 9.96, 9.99)
    extrapolated = fastest(buffer, 10.055, 10.095)
    buffer.add(snapshot(202, speed=1.1))
    return Cost(interpolated, extrapolated, fastest(buffer, 10.10, 10.14))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each game")
    parser.add_argument("--seeds", type=int, default=5, help="games of each kind")
    options = parser.parse_args()
    print("                       a second:             spread             delay in intervals      stalls")
    print("link                      ticks  frames   (mean, most)    worst     (mean, most)     lost   a min.")
    for name, link in LINKS.items():
        for tick_rate, frame_rate in itertools.product(TICK_RATES, FRAME_RATES):
            seeds = range(options.seeds)
            runs = [measure(link, tick_rate, frame_rate, seconds=options.seconds, seed=seed) for seed in seeds]
            print(_row(name, tick_rate, frame_rate, runs, options.seconds))
    print(f"\na view of {ENTITIES} entities, ms    interpolated   extrapolated   joining the true way")
    for form in FORMS:
        ms = cost(form)
        print(f"{form:31s} {ms.interpolated:10.2f} {ms.extrapolated:14.2f} {ms.joining:14.2f}")


def _row(name: str, tick_rate: int, frame_rate: int, runs: list[Smoothness], seconds: float) -> str:
    def mean(*values: float) -> float:
        return statistics.fmean(values)

    return (
        f"{name:24s} {tick_rate:7d} {frame_rate:8d}"
        f"  {mean(*(run.spread for run in runs)):8.2%}, {max(run.spread for run in runs):6.2%}"
        f"  {max(run.worst for run in runs):9.1%}"
        f"   {mean(*(run.delay for run in runs)):7.2f}, {max(run.longest_delay for run in runs):5.2f}"
        f"  {mean(*(run.loss for run in runs)):5.1%}  {mean(*(run.stalls for run in runs)) * 60 / seconds:6.1f}"
    )


if __name__ == "__main__":
    main()
