"""Real time into ticks: all that are due, never too many, and none lost over hours."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.timeline.ticks import FixedTimestep

INTERVAL = 1 / 64  # a power of two, so that the moments of ticks are exact


def started(interval: float = INTERVAL, at: float = 0.0, **options: float) -> FixedTimestep:
    timestep = FixedTimestep(interval, **options)  # type: ignore[arg-type]
    assert timestep.advance(at) == 0
    return timestep


def test_the_first_call_starts_the_clock_whatever_it_says():
    timestep = FixedTimestep(INTERVAL)
    assert timestep.fraction == 0.0
    assert timestep.advance(123_456.789) == 0
    assert timestep.advance(123_456.789 + INTERVAL) == 1


def test_ticks_come_when_their_time_has_come():
    timestep = started()
    due = [timestep.advance(n * INTERVAL / 4) for n in range(1, 9)]
    assert due == [0, 0, 0, 1, 0, 0, 0, 1]


def test_the_fraction_is_how_far_now_is_into_the_tick_under_way():
    timestep = started()
    fractions = []
    for n in range(1, 6):
        timestep.advance(n * INTERVAL / 4)
        fractions.append(timestep.fraction)
    assert fractions == [0.25, 0.5, 0.75, 0.0, 0.25]


def test_a_loop_gets_the_numbers_of_the_ticks_in_order_and_none_twice():
    timestep = started()
    numbers = [tick for frame in range(1, 40) for tick in timestep.ticks(frame * INTERVAL * 0.7)]
    assert numbers == list(range(27))
    assert timestep.tick == 27


@pytest.mark.parametrize("start", [0.0, 1e5, 1.7e9], ids=["0", "a day's uptime", "seconds since 1970"])
@pytest.mark.parametrize("rate", [20, 50, 60, 128])
def test_after_ten_hours_there_have_been_exactly_as_many_ticks_as_intervals(rate, start):
    hours = 10 * 3600
    timestep = started(1 / rate, at=start)
    total = sum(timestep.advance(start + second) for second in _seconds(hours, per_second=5))
    assert total == hours * rate
    assert timestep.dropped == 0


@pytest.mark.parametrize("rate", [30, 60])
def test_where_each_frame_lasts_exactly_a_tick_each_frame_has_exactly_one(rate):
    """However the moments are rounded: 2 and 0 in turn would be seen as a stutter."""
    timestep = started(1 / rate, at=1e5)
    assert {timestep.advance(1e5 + n / rate) for n in range(1, 10 * 60 * rate)} == {1}


def test_uneven_frames_lose_and_invent_nothing(rng: random.Random):
    timestep, now, total = started(), 0.0, 0
    for _ in range(100_000):
        now += rng.uniform(0.0, 0.04)
        total += timestep.advance(now)
        assert 0.0 <= timestep.fraction <= 1.0
        assert (total + timestep.fraction) * INTERVAL == pytest.approx(now, abs=2e-4 * INTERVAL)


def test_what_is_beyond_the_most_ticks_is_dropped_and_counted():
    timestep = started(max_ticks=3)
    assert timestep.advance(5.25 * INTERVAL) == 3
    assert (timestep.dropped, timestep.tick, timestep.fraction) == (2, 3, 0.25)
    assert timestep.advance(6.0 * INTERVAL) == 1
    assert timestep.dropped == 2


def test_by_default_a_quarter_of_a_second_is_caught_up_with():
    assert FixedTimestep(1 / 60).max_ticks == 15
    assert FixedTimestep(2.0).max_ticks == 1


def test_after_an_hours_pause_the_game_goes_on_where_it_was():
    timestep = started(at=1.0)
    assert timestep.advance(3601.0) == timestep.max_ticks
    assert timestep.dropped == 3600 * 64 - timestep.max_ticks
    assert timestep.advance(3601.0 + INTERVAL) == 1


def test_no_spiral_of_death_where_a_tick_takes_longer_than_its_interval():
    """A frame is at most ``max_ticks`` long, though its work makes more ticks due than it does."""
    timestep, now, frames = started(max_ticks=4), 0.0, []
    for _ in range(100):
        due = timestep.advance(now)
        frames.append(due)
        now += 0.001 + due * 3 * INTERVAL
    assert max(frames) == 4
    assert timestep.dropped > 0


def test_a_clock_that_stands_still_is_no_time():
    timestep = started()
    timestep.advance(0.5 * INTERVAL)
    assert [timestep.advance(0.5 * INTERVAL) for _ in range(3)] == [0, 0, 0]
    assert timestep.fraction == 0.5


def test_a_clock_that_steps_back_by_an_hour_holds_nothing_up_and_makes_up_nothing():
    timestep = started(at=4000.0)
    timestep.advance(4000.0 + 2.5 * INTERVAL)
    assert timestep.advance(400.0) == 0
    assert timestep.fraction == 0.5
    assert timestep.advance(400.0 + INTERVAL) == 1
    assert timestep.fraction == 0.5


@pytest.mark.parametrize("pace", [0.97, 1.03])
def test_the_pace_makes_ticks_come_faster_or_slower_by_so_much(pace):
    timestep = started(1 / 60, pace=pace)
    total = sum(timestep.advance(n / 144) for n in range(1, 144 * 100 + 1))
    assert total == pytest.approx(6000 * pace, abs=1)


def test_a_change_of_pace_holds_from_the_latest_moment_on_and_makes_no_jump():
    timestep = started()
    timestep.advance(10.5 * INTERVAL)
    timestep.pace = 2.0
    assert timestep.advance(10.5 * INTERVAL) == 0
    assert timestep.fraction == 0.5
    assert timestep.advance(10.75 * INTERVAL) == 1


def test_a_pace_that_changes_in_each_frame_for_hours_loses_nothing(rng: random.Random):
    timestep = started(1 / 60)
    now, expected, total = 0.0, 0.0, 0
    for frame in range(1, 500_000):
        expected += (frame / 50 - now) * 60 * timestep.pace
        now = frame / 50
        total += timestep.advance(now)
        timestep.pace = rng.uniform(0.97, 1.03)
    assert total + timestep.fraction == pytest.approx(expected, abs=2e-4)


def test_a_tick_that_came_a_little_early_is_not_taken_back_when_the_pace_changes():
    timestep = started(0.02)
    assert timestep.advance(0.079998) == 4, "a ten thousandth early: the rounding of a clock is made up for"
    timestep.pace = 1.01
    assert timestep.advance(0.079998) == 0
    assert timestep.tick == 4


def test_a_reset_forgets_the_time_in_between_but_not_the_count():
    timestep = started()
    timestep.advance(2.5 * INTERVAL)
    timestep.reset()
    assert timestep.fraction == 0.0
    assert timestep.advance(100.0) == 0
    assert timestep.advance(100.0 + INTERVAL) == 1
    assert (timestep.tick, timestep.dropped) == (3, 0)


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12), max_size=30))
def test_whatever_the_clock_does_the_answers_are_sane(moments):
    timestep = FixedTimestep(0.02, max_ticks=7)
    total = 0
    for now in moments:
        due = timestep.advance(now)
        total += due
        assert 0 <= due <= 7
        assert 0.0 <= timestep.fraction <= 1.0
    assert timestep.tick == total
    assert timestep.dropped >= 0


@pytest.mark.parametrize("interval", [0, -1, math.nan, math.inf])
def test_an_impossible_interval_is_refused(interval):
    with pytest.raises(ValueError, match="interval must be a number above 0"):
        FixedTimestep(interval)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"interval": "fast"}, TypeError),
        ({"interval": True}, TypeError),
        ({"interval": 0.1, "max_ticks": 0}, ValueError),
        ({"interval": 0.1, "max_ticks": 2.5}, TypeError),
        ({"interval": 0.1, "pace": 0}, ValueError),
        ({"interval": 0.1, "pace": math.nan}, ValueError),
    ],
)
def test_other_bad_arguments_are_refused(arguments, error):
    with pytest.raises(error, match="must be"):
        FixedTimestep(**arguments)


@pytest.mark.parametrize("now", [math.nan, math.inf, -math.inf])
def test_a_clock_without_a_number_is_refused_and_changes_nothing(now):
    timestep = started()
    with pytest.raises(ValueError, match="now must be"):
        timestep.advance(now)
    assert timestep.advance(INTERVAL) == 1


def test_a_refused_pace_changes_nothing():
    timestep = started()
    with pytest.raises(ValueError, match="pace must be"):
        timestep.pace = 0.0
    assert timestep.advance(INTERVAL) == 1


def _seconds(count: int, per_second: int) -> list[float]:
    return [n / per_second for n in range(1, count * per_second + 1)]
