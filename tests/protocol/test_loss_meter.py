"""The number of copies that a link needs, measured from its arrivals."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.loss_meter import MAX_STEP, MEMORY, NEGLIGIBLE, START_LOSS, LossMeter


def watched(loss: float, again: float, numbers: int, *, seed: int) -> LossMeter:
    """Return a meter that has seen datagrams. Chances of a loss: ``loss``, or ``again`` after a loss."""
    chance, meter, lost = random.Random(seed), LossMeter(), False
    for number in range(1, numbers):
        lost = chance.random() < (again if lost else loss)
        if not lost:
            meter.receive(number)
    return meter


def test_of_a_link_that_is_not_known_some_loss_is_assumed() -> None:
    meter = LossMeter()
    assert meter.loss == pytest.approx(START_LOSS, rel=0.01)
    assert 2.0 < meter.cover < 4.0


def test_while_nothing_gets_lost_the_assumption_fades() -> None:
    covers = [watched(0.0, 0.0, numbers, seed=1).cover for numbers in (60, 180, 600, 3600)]
    assert covers == sorted(covers, reverse=True)
    assert covers[0] < 2.0
    assert covers[-1] < 0.1


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.2])
def test_random_loss_takes_so_many_copies_that_all_are_lost_once_in_a_million(loss: float) -> None:
    """The measured number may be off by one."""
    for seed in range(5):
        meter = watched(loss, loss, 3 * MEMORY, seed=seed)
        assert meter.loss == pytest.approx(loss, abs=0.3 * loss + 0.005)
        assert NEGLIGIBLE / 20 < loss ** (meter.cover + 1) < NEGLIGIBLE * 20


def test_loss_in_bursts_takes_more_copies_than_as_much_at_random() -> None:
    bursts, at_random = watched(0.02, 0.6, 1800, seed=1), watched(0.048, 0.048, 1800, seed=1)
    assert bursts.loss == pytest.approx(at_random.loss, abs=0.02)
    assert bursts.cover > 2 * at_random.cover


def test_a_single_burst_is_no_pattern_and_an_outage_is_none_either() -> None:
    calm = watched(0.005, 0.005, 1200, seed=2)
    burst, outage = (watched(0.005, 0.005, 1200, seed=2) for _ in range(2))
    for meter, first in ((calm, 1200), (burst, 1204), (outage, 1230)):
        for number in range(first, first + 60):
            meter.receive(number)
    assert calm.cover < burst.cover < calm.cover + 3.5
    assert outage.cover == pytest.approx(calm.cover, abs=0.1)


@pytest.mark.parametrize("loss", [0.0, 0.05])
def test_datagrams_of_which_nothing_was_told_but_that_they_came_are_not_lost(loss: float) -> None:
    """Only every third datagram has inputs. The bits report the others."""
    chance, meter, came = random.Random(3), LossMeter(), 0
    for number in range(1, 3600):
        came = (came << 1 | (chance.random() >= loss)) & 0xFFFFFFFF
        if number % 3 == 0 and came & 1:
            meter.receive(number, came)
    assert meter.loss == pytest.approx(loss, abs=0.025)
    assert (meter.cover < 0.5) == (loss == 0.0)


def test_what_is_overtaken_is_not_lost() -> None:
    chance, meter = random.Random(4), LossMeter()
    for number in sorted(range(1, 3600), key=lambda each: each + chance.uniform(0, 4)):
        meter.receive(number)
    assert meter.loss < 0.001


def test_it_tells_whether_a_number_is_the_highest_so_far() -> None:
    meter = LossMeter()
    assert [meter.receive(number) for number in (5, 7, 6, 7, 8, 2, 1000, 9, -1, 1001)] == [
        *(True, True, False, False, True, False),
        *(True, False, False, True),
    ]


@given(st.lists(st.integers(-(1 << 40), 1 << 40) | st.integers(0, 40), max_size=200))
def test_whatever_comes_it_stays_within_its_bounds(numbers: list[int]) -> None:
    meter = LossMeter()
    for number in numbers:
        meter.receive(number)
        assert meter._arrived < 1 << (3 * MAX_STEP)
    assert 0.0 <= meter.loss <= 1.0
    assert 0.0 <= meter.cover < 10_000
