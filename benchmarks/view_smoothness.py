"""How smoothly a view moves, and how far behind the server it is: computed in virtual time, the same each time.

::

    python -m benchmarks.view_smoothness [--seconds 60] [--seeds 5]

A server sends one snapshot a tick over a bad link; an entity moves at constant speed; a display draws frames through a
:class:`pygase.SnapshotBuffer` that chooses its delay itself. Perfect would be the same movement in every frame. Printed
for each combination of ticks and frames a second:

- spread: the standard deviation of the movement per frame, by its mean;
- worst: the frame that is farthest off, by the mean;
- delay: of playback behind the fastest datagram, in send intervals, on average and at most.

The last table is of the real clock: the time that a view of 256 entities takes on this machine.
"""

from __future__ import annotations

import itertools
import random
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pygase import Snapshot, SnapshotBuffer
from pygase.interpolation import AdaptiveClock
from pygase.testing import Link

TICK_RATES = (20, 30, 60)
FRAME_RATES = (30, 60, 144)
WARM_UP = 10.0
"""Seconds before measuring begins."""

SPEED = 100.0
"""Of the entity, units a second."""

JITTERY = Link(latency=0.04, jitter=0.02)
BURSTY = Link(latency=0.04, jitter=0.01, burst_loss=0.02, burst_length=2.0)
"""Loses 5 %, in bursts of 2.5 datagrams on average (as a Link counts, one and on average 1.5 that follow)."""

GOOD = Link(latency=0.04, jitter=0.005, loss=0.01)
SHAKY = Link(latency=0.04, jitter=0.01, loss=0.01)
"""Delays by ± 5 ms, that is, by up to 10 ms more than the fastest."""

LINKS: Mapping[str, Link] = {
    "20 ms jitter": JITTERY,
    "5 % loss in bursts": BURSTY,
    "1 % loss, 5 ms jitter": GOOD,
    "1 % loss, ± 5 ms jitter": SHAKY,
}


@dataclass(frozen=True)
class Smoothness:
    """What one run has shown.

    :ivar spread: standard deviation of the movement per frame, by the mean.
    :ivar worst: of the frame that is farthest off, by the mean.
    :ivar delay: of playback behind the fastest datagram, in send intervals, on average; ``longest_delay``: at most.
    :ivar loss: share of the snapshots that were lost.
    :ivar bridged: share of the frames in which movement was carried on.
    :ivar stalls: how often it stood still.
    """

    spread: float
    worst: float
    delay: float
    longest_delay: float
    loss: float
    bridged: float
    stalls: int


def arrivals(link: Link, tick_rate: float, seconds: float, seed: int) -> list[Snapshot]:
    """Return the snapshots of an entity at constant speed, in the order in which that link delivers them."""
    from pygase.testing import _Path

    path, rng = _Path(link), random.Random(seed)
    arrived = []
    for tick in range(int(seconds * tick_rate)):
        time = tick / tick_rate
        for delay in path.delays(200, time, rng):
            state = {"x": SPEED * time}
            arrived.append(Snapshot(tick, time, time + delay, state, (tick - 1) / tick_rate, tick - 1))
    return sorted(arrived, key=lambda snapshot: snapshot.received_at)


def play(buffer: SnapshotBuffer, arrived: list[Snapshot], frame_rate: float, seconds: float) -> Iterator[float]:
    """Draw frames; yield the clock at each of them, after the snapshots that have arrived by then were taken in."""
    waiting = iter(arrived)
    following = next(waiting, None)
    for frame in range(1, int(seconds * frame_rate)):
        now = frame / frame_rate + 0.0001
        while following is not None and following.received_at <= now:
            buffer.add(following)
            following = next(waiting, None)
        yield now


def measure(link: Link, tick_rate: float, frame_rate: float, *, seconds: float = 60.0, seed: int = 1) -> Smoothness:
    """Play one game back, and say how it looked.

    :param seconds: of the game after the warm-up.
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
