"""A clock that measures how snapshots arrive, and how far it stays behind."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.timeline.arrivals import ASSUMED_INTERVAL, MAX_ARRIVALS, MAX_BRIDGING, MAX_LATE
from pygase.timeline.playback import MAX_DELAY, MAX_RATE_CHANGE, AdaptiveClock

LATENCY = 1.0  # from the server's clock to ours: transit and difference of the clocks
FRAME = 1 / 60


@dataclass(frozen=True)
class Tick:
    """A snapshot of a world that moves all the time, unless the test sets otherwise."""

    tick: int
    time: float
    received_at: float
    previous_tick: int
    changed_after: float
    resting: bool = False
    state: dict[str, Any] = field(default_factory=dict)


def moving(tick: int, interval: float, late: float = 0.0) -> Tick:
    time = tick * interval
    return Tick(tick, time, time + LATENCY + late, tick - 1, time - interval)


def play(clock: AdaptiveClock, arrived: Iterable[Tick], frame: float = FRAME) -> Iterator[tuple[float, float]]:
    """Yield our clock and the playback time of each frame, until all have arrived."""
    now = math.inf
    for one in sorted(arrived, key=lambda one: one.received_at):
        now = min(now, one.received_at)
        while now < one.received_at:
            playback = clock.playback_time(now=now)
            assert playback is not None
            yield now, playback
            now += frame
        clock.observe(one)


def weather(
    rng: random.Random, interval: float, seconds: float, jitter: float = 0.0, loss: float = 0.0, first: int = 0
) -> list[Tick]:
    ticks = range(first, first + int(seconds / interval))
    return [moving(tick, interval, rng.uniform(0, jitter)) for tick in ticks if rng.random() >= loss]


def settle(clock: AdaptiveClock, arrived: Iterable[Tick]) -> AdaptiveClock:
    for _ in play(clock, arrived):
        pass
    return clock


@pytest.mark.parametrize("jitter", [0.005, 0.01], ids=["5 ms", "± 5 ms"])
@pytest.mark.parametrize("rate", [20, 30, 60])
def test_with_1_percent_loss_and_5_ms_of_jitter_it_stays_within_2_2_intervals(rate, jitter, rng: random.Random):
    clock, interval = AdaptiveClock(), 1 / rate
    delays = [clock.delay for now, _ in play(clock, weather(rng, interval, 60.0, jitter, 0.01)) if now > LATENCY + 10.0]
    assert 1.5 * interval < min(delays)
    assert max(delays) <= 2.2 * interval


@pytest.mark.parametrize("rate", [20, 30, 60])
def test_delay_and_bridging_reach_over_two_lost_snapshots_and_all_jitter(rate, rng: random.Random):
    """However the two are divided: three intervals and the jitter, but a fraction of a frame."""
    interval, jitter = 1 / rate, 0.005
    clock = settle(AdaptiveClock(), weather(rng, interval, 20.0, jitter))
    assert clock.bridging <= 1.5 * interval
    assert clock.delay + clock.bridging > 3 * interval + jitter - 0.001


def test_what_it_measures_is_so(rng: random.Random):
    arrivals = settle(AdaptiveClock(), weather(rng, 0.05, 60.0, jitter=0.02, loss=0.1)).arrivals
    assert arrivals.offset == pytest.approx(LATENCY, abs=0.002)
    assert arrivals.interval == pytest.approx(0.05)
    assert arrivals.jitter == pytest.approx(0.02, abs=0.002)
    assert arrivals.loss == pytest.approx(0.1, abs=0.08)  # three sigma of 200 snapshots


def test_ticks_that_changed_nothing_are_no_loss():
    clock = AdaptiveClock()
    changes = [0, 1, 5, 6, 7, 20, 50, 51, 52, 53, 80, 120, 125, 130]
    settle(clock, (Tick(b, b * 0.05, b * 0.05 + LATENCY, a, (b - 1) * 0.05) for a, b in itertools.pairwise(changes)))
    assert clock.arrivals.loss == 0.0
    assert clock.arrivals.interval == pytest.approx(0.05)
    assert clock.target_delay == pytest.approx(0.1)


def test_a_server_that_sends_every_third_tick_only_loses_nothing():
    clock = AdaptiveClock()
    settle(clock, [moving(tick, 1 / 60) for tick in range(0, 600, 3)])
    assert clock.arrivals.loss == 0.0
    assert clock.target_delay == pytest.approx(0.1)
    assert clock.arrivals.interval == pytest.approx(0.05)


def test_stragglers_are_not_lost_and_do_not_count_as_late(rng: random.Random):
    """With a jitter of three intervals, datagrams overtake each other all the time."""
    clock = settle(AdaptiveClock(), weather(rng, 1 / 60, 20.0, jitter=0.05))
    assert clock.arrivals.loss < 0.02
    assert clock.delay < 0.05 + 3 / 60


def test_the_delay_follows_the_interval():
    clock = settle(AdaptiveClock(), [moving(tick, 0.1) for tick in range(100)])
    assert clock.delay == pytest.approx(0.2, abs=0.005)
    assert settle(AdaptiveClock(), [moving(tick, 1 / 60) for tick in range(300)]).delay == pytest.approx(
        2 / 60, abs=0.005
    )


def test_the_delay_rises_within_seconds_when_the_link_gets_worse_and_falls_later(rng: random.Random):
    clock, interval = AdaptiveClock(), 0.05
    settle(clock, weather(rng, interval, 10.0, jitter=0.005))
    assert clock.delay < 0.11
    settle(clock, weather(rng, interval, 4.0, jitter=0.15, first=200))
    assert clock.target_delay > 0.17
    assert clock.delay > 0.16
    settle(clock, weather(rng, interval, 4.0, jitter=0.005, first=280))
    assert clock.delay > 0.16
    settle(clock, weather(rng, interval, 60.0, jitter=0.005, first=360))
    assert clock.delay < 0.11


@pytest.mark.parametrize("rate", [20, 60])
@pytest.mark.parametrize("seconds", [0.2, 0.4, 1.5])
def test_one_hiccup_in_which_everything_is_held_up_changes_nothing(seconds, rate):
    clock, interval = AdaptiveClock(), 1 / rate

    def late(tick: int) -> float:
        return max(seconds - (tick * interval - 10.0), 0.0) if tick * interval >= 10.0 else 0.0

    frames = play(clock, [moving(tick, interval, late(tick)) for tick in range(12 * rate)])
    assert max(clock.delay for now, _ in frames if now > LATENCY + 10.0 + seconds) < 2.1 * interval


def test_hiccups_that_come_again_and_again_are_made_room_for():
    clock = AdaptiveClock()
    settle(clock, [moving(tick, 0.05, max(0.2 - tick % 60 * 0.05, 0.0)) for tick in range(640)])
    assert clock.delay > 0.2


def test_a_link_that_was_down_is_no_reason_to_stay_farther_behind():
    clock = AdaptiveClock()
    settle(clock, [moving(tick, 0.05) for tick in range(400) if not 300 <= tick < 340])
    assert clock.delay == pytest.approx(0.1, abs=0.002)


def test_when_the_whole_way_gets_slower_playback_follows(rng: random.Random):
    clock = AdaptiveClock()
    settle(clock, weather(rng, 0.05, 10.0, 0.005))
    slower = [moving(tick, 0.05, 0.15 + rng.uniform(0, 0.005)) for tick in range(200, 1300)]
    *_, (now, playback) = play(clock, slower)
    assert now - playback == pytest.approx(LATENCY + 0.15 + 0.1, abs=0.01)


@pytest.mark.parametrize("frame", [1 / 30, 1 / 60, 1 / 144])
@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_playback_hurries_or_dawdles_by_a_twentieth_at_most(frame, loss, rng: random.Random):
    arrived = weather(rng, 0.05, 20.0, 0.01, loss) + weather(rng, 0.05, 20.0, 0.08, loss, first=400)
    frames = list(play(AdaptiveClock(), arrived, frame))
    speeds = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in itertools.pairwise(frames)]
    assert min(speeds) >= 1 - MAX_RATE_CHANGE - 1e-6
    assert max(speeds) <= 1 + MAX_RATE_CHANGE + 1e-6
    assert max(speeds) > 1.0 > min(speeds), "nothing was adapted at all"


def test_a_game_that_does_not_draw_for_ten_seconds_goes_on_where_it_should_be():
    clock = AdaptiveClock()
    settle(clock, [moving(tick, 0.05) for tick in range(200)])
    for tick in range(200, 400):
        clock.observe(moving(tick, 0.05))
    assert clock.playback_time(now=LATENCY + 20.0) == pytest.approx(20.0 - 0.1, abs=0.01)


def test_a_server_that_was_suspended_is_followed_at_once():
    clock = AdaptiveClock()
    settle(clock, [moving(tick, 0.05) for tick in range(200)])
    *_, (now, playback) = play(clock, [moving(tick, 0.05, late=30.0) for tick in range(200, 260)])
    assert now - 30.0 - LATENCY - playback == pytest.approx(0.1, abs=0.01)


def test_the_delay_has_a_limit():
    clock = AdaptiveClock()
    settle(clock, [moving(tick, 1.0) for tick in range(60)])
    assert clock.delay == pytest.approx(MAX_DELAY, abs=0.001)
    assert clock.bridging == MAX_BRIDGING
    small = AdaptiveClock(max_delay=0.03)
    settle(small, [moving(tick, 0.05) for tick in range(200)])
    assert small.target_delay == 0.03
    assert small.delay == pytest.approx(0.03)


@pytest.mark.parametrize("limit", [-0.1, math.inf, math.nan])
def test_a_limit_that_is_no_time_is_refused(limit):
    with pytest.raises(ValueError, match="max_delay must be"):
        AdaptiveClock(max_delay=limit)


def test_before_anything_is_measured_the_delay_is_that_of_20_snapshots_a_second():
    clock = AdaptiveClock()
    assert clock.playback_time(now=5.0) is None
    assert clock.delay == clock.target_delay == 2 * ASSUMED_INTERVAL
    assert (clock.arrivals.interval, clock.arrivals.jitter, clock.arrivals.loss) == (ASSUMED_INTERVAL, 0.0, 0.0)


def test_reset_forgets_everything(rng: random.Random):
    clock = settle(AdaptiveClock(), weather(rng, 0.02, 20.0, 0.1, 0.3))
    clock.reset()
    assert clock.playback_time(now=5.0) is None
    assert clock.delay == 2 * ASSUMED_INTERVAL
    assert clock.arrivals.loss == clock.arrivals.jitter == 0.0


def test_memory_is_bounded(rng: random.Random):
    clock = AdaptiveClock()
    for tick in range(5000):
        clock.observe(Tick(tick, tick * 1e-3, tick * 1.1e-3 + rng.choice([0.0, 0.4]), tick - 2, (tick - 1) * 1e-3))
    arrivals = clock.arrivals
    candidates, recent, late = arrivals.held
    assert candidates <= MAX_ARRIVALS
    assert recent <= MAX_ARRIVALS
    assert late <= MAX_LATE


moments = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(st.integers(-5, 100), moments, st.floats(0, 3), st.booleans(), moments), max_size=30))
def test_whatever_arrives_it_never_steps_back_and_never_fails(arrived):
    """Unless a snapshot shows that the server's clock is another one."""
    clock, now, latest = AdaptiveClock(), 0.0, -math.inf
    for tick, time, pause, resting, changed_after in arrived:
        now += pause
        one = Tick(tick, time, now, tick - 1, changed_after, resting)
        if clock.arrivals.is_another_clocks(one):
            latest = -math.inf
        clock.observe(one)
        playback = clock.playback_time(now=now)
        assert playback is not None
        assert playback >= latest
        assert 0.0 <= clock.target_delay <= MAX_DELAY
        assert 0.0 <= clock.bridging <= MAX_BRIDGING
        assert clock.delay >= 0.0
        assert 0.0 <= clock.arrivals.loss <= 1.0
        latest = playback
