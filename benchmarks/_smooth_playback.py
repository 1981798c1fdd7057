"""Figures of time and playback, computed in virtual time: the shared clock, the delay, and how evenly views move."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks.view_smoothness import JITTERY, SPEED, arrivals, play
from pygase import Backend, Client, GameState, Snapshot, SnapshotBuffer
from pygase.testing import Link, SimulatedNetwork
from pygase.timeline.interpolation import AdaptiveClock

BAD_WIFI = Link(latency=0.04, jitter=0.08)
"""80 ± 40 ms each way."""

DRIFT = 100e-6
"""Largest rate error of a computer's clock, as a share."""

SETTLED = 5.0
"""Seconds after which the shared clock must be right."""


def clock_errors(seed: int, *, drift: float = DRIFT, tick_rate: float = 60.0, seconds: float = 30.0) -> list[float]:
    """Return the errors of ``Client.server_time()`` in seconds, 60 a second, once the clock has settled.

    :param drift: rate error of the client's clock against the server's.
    """
    network = SimulatedNetwork(seed, BAD_WIFI)
    backend = Backend(GameState(turn=0), lambda game_state, dt, inputs: {"turn": game_state.turn + 1})
    network.serve(backend, interval=1 / tick_rate)
    client = Client()
    network.connect(client, clock=_drifting(network, drift))
    network.run_until(lambda: client.server_time() is not None)
    errors = []
    for frame in range(int((SETTLED + seconds) * 60)):
        network.run(1 / 60)
        if frame * tick_rate % 60 == 0:
            client.send_input("right")
        told = client.server_time()
        if told is not None and frame >= SETTLED * 60:
            errors.append(told - network.now)
    return errors


def _drifting(network: SimulatedNetwork, drift: float) -> Callable[[], float]:
    """Return a clock that starts at the network's time, and runs too fast by a share of ``drift``."""
    clock, start = network.clock, network.now
    return lambda: clock() + (clock() - start) * drift


@dataclass(frozen=True)
class Bridged:
    """The picture after several lost snapshots in a row.

    :ivar stalls: number of times that the picture stood still because data was missing.
    :ivar slowest, fastest: movement in a frame, as a factor of the even movement.
    """

    stalls: int
    slowest: float
    fastest: float


def lose_in_a_row(count: int, tick_rate: float, frame_rate: float, seed: int) -> Bridged:
    """Lose ``count`` snapshots in a row once a second, on a link with 5 ms of jitter."""
    arrived = arrivals(Link(latency=0.04, jitter=0.005), tick_rate, 30.0, seed)
    arrived = [one for one in arrived if one.tick % tick_rate >= count or one.tick < 2 * tick_rate]
    buffer = SnapshotBuffer("x")
    drawn = [(now, buffer.view(now=now).get("x")) for now in play(buffer, arrived, frame_rate, 29.5)]
    seen = [x for now, x in drawn if x is not None and now > 2.0]
    steps = [(b - a) * frame_rate / SPEED for a, b in itertools.pairwise(seen)]
    stats = buffer.stats(now=29.5)
    assert stats is not None
    return Bridged(stats.stalls, min(steps), max(steps))


def changing_weather(tick_rate: float, seed: int) -> list[Snapshot]:
    """Return the arrivals on a link that is good, then has 80 ms of jitter and 5 % loss, then is good again."""
    good, bad = Link(latency=0.04, jitter=0.002), Link(latency=0.04, jitter=0.08, loss=0.05)
    parts = [arrivals(link, tick_rate, 60.0, seed) for link in (good, bad, good)]
    arrived = [one for number, part in enumerate(parts) for one in part if number <= one.time / 20.0 < number + 1]
    return sorted(arrived, key=lambda one: one.received_at)


def playback_speeds(tick_rate: float, seed: int) -> list[float]:
    """Return the playback speed of each frame while the link changes; 1 is real time."""
    clock = AdaptiveClock()
    buffer = SnapshotBuffer("x", clock=clock)
    times = []
    for now in play(buffer, changing_weather(tick_rate, seed), 60.0, 60.0):
        buffer.view(now=now)
        shown = buffer.playback_time(now=now)
        if shown is not None:
            times.append((now, shown))
    return [(b - a) / (until - since) for (since, a), (until, b) in itertools.pairwise(times)]


def differences_at_rest(seed: int, make_session: Callable[[SimulatedNetwork, Client], Any]) -> int:
    """Let a world stop moving on a bad link. Return the number of frames, from 2 s later on, with a view unlike the
    state.

    :param make_session: makes a session of (network, client), with ``interpolate=["ball.x"]``.
    """
    rng = random.Random(seed)
    rest_at, speed = rng.uniform(2.0, 4.0), rng.uniform(-300.0, 300.0)
    backend = Backend(GameState(ball={"x": 0.0}, time=0.0), lambda game_state, dt: move(game_state, dt))

    def move(game_state: Any, dt: float) -> dict[str, Any]:
        if game_state.time > rest_at:
            return {}
        return {"ball": {"x": game_state.ball["x"] + speed * dt}, "time": game_state.time + dt}

    network = SimulatedNetwork(seed, Link(latency=0.05, jitter=JITTERY.jitter, loss=0.1))
    network.serve(backend, interval=1 / 30)
    session = make_session(network, Client())
    differences = 0
    while network.now < rest_at + 6.0:
        network.run(1 / 60)
        view = session.view()
        true = backend.game_state_store.get_game_state()
        if network.now > rest_at + 2.0 and view.ball["x"] != true.ball["x"]:
            differences += 1
    return differences
