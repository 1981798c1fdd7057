"""Rewind from end to end, in virtual time: a hit on the shooter's screen counts, and lying gains nothing.

The game, its target and its shooter are those of ``benchmarks/_smooth_shots.py``: a target on a circle moves six times
its radius while a shot is under way.
"""

from __future__ import annotations

import math
from statistics import median

import pytest

from benchmarks._smooth_shots import (
    EXPLAINED,
    LIMIT,
    RADIUS,
    RTT_150,
    SPEED,
    TICK,
    Gallery,
    Shooter,
    shots_at_what_is_seen,
    shots_with_claims,
)
from pygase import ServerConfig
from pygase.testing import Link, SimulatedNetwork

LINKS = {
    "150 ms RTT": RTT_150,
    "5 % loss": Link(latency=0.07, jitter=0.01, loss=0.05),
    "50 ms jitter": Link(latency=0.05, jitter=0.05),
}

OLDEST = LIMIT + TICK
"""The oldest time, in seconds before its tick, by which a shot is judged. The newest kept state is one tick old."""


@pytest.mark.parametrize("link", LINKS.values(), ids=LINKS.keys())
def test_a_shot_that_hits_on_the_shooters_screen_hits_on_the_server(link: Link, seed: int) -> None:
    shots = shots_at_what_is_seen(seed, link)
    assert 38 <= len(shots) <= 40, "one whose input comes too late for its tick is no shot"
    assert all(shot.hits for shot in shots)
    assert median(shot.rewound for shot in shots) < 0.02 * RADIUS, "the judge sees the very picture"


def test_judged_by_the_present_alone_it_misses_by_far(seed: int) -> None:
    shots = shots_at_what_is_seen(seed)
    assert not any(shot.hits_without_rewind for shot in shots)
    assert min(shot.off for shot in shots) > 5 * RADIUS


def test_the_judge_goes_back_by_the_round_trip_and_the_interpolation_delay(seed: int) -> None:
    shots = shots_at_what_is_seen(seed)
    for shot in shots:
        assert 0.15 < shot.now - shot.judged_at < 0.15 + 5 * TICK
    back = math.dist(Gallery.target(shots[0].now), shots[0].aim) / SPEED
    assert back == pytest.approx(shots[0].now - shots[0].judged_at, abs=2 * TICK)


def test_who_aims_beside_what_is_seen_misses(seed: int) -> None:
    network = SimulatedNetwork(seed)
    gallery, shooter = Gallery(network), Shooter(network)
    for _ in range(200):
        shooter.frame()
    shown = shooter.session.view().target
    beside = [1.2 * each for each in shown]  # by 20 units
    shooter.claim(beside, shooter.session.buffer.playback_time(now=network.now))
    network.run(0.5)
    (shot,) = gallery.shots
    assert not shot.hits


@pytest.mark.parametrize("age", [0.8, 1.2, 3.0, 60.0, 86_400.0])
def test_a_shot_older_than_the_link_explains_is_judged_by_what_it_explains(age: float, seed: int) -> None:
    """tests/server/test_view_times.py has the details."""
    (shot,) = shots_with_claims(seed, [age])
    assert 0.15 + 0.3 < shot.now - shot.judged_at < EXPLAINED
    assert not shot.hits


@pytest.mark.parametrize("age", [1.2, 3.0, 86_400.0])
def test_even_what_is_explained_is_judged_by_the_second_that_is_kept(age: float, seed: int) -> None:
    (shot,) = shots_with_claims(seed, [age], ServerConfig(rewind_slack=1e6, max_rewind=1e6))
    assert shot.now - shot.judged_at == pytest.approx(OLDEST, abs=1e-6)


def test_a_shot_that_the_link_explains_is_judged_as_of_when_it_was_seen(seed: int) -> None:
    (shot,) = shots_with_claims(seed, [0.3])
    assert 0.3 < shot.now - shot.judged_at < EXPLAINED
    assert shot.hits


@pytest.mark.parametrize("age", [-1.0, -1e5, -1e9, 1e9, 2.0**32 * 1e-4], ids=str)
def test_whatever_a_client_claims_it_is_judged_by_a_moment_between_the_limit_and_the_present(
    age: float, seed: int
) -> None:
    (shot,) = shots_with_claims(seed, [age])
    assert -1e-9 <= shot.now - shot.judged_at <= OLDEST + 1e-6


def test_who_claims_to_see_the_future_is_judged_by_the_present(seed: int) -> None:
    """The wire's clock gives only the arrival of the input: nobody shoots at the future."""
    for shot in shots_with_claims(seed, [-0.1, -1.0, -3600.0]):
        assert shot.judged_at <= shot.now
        assert shot.now - shot.judged_at < 0.1, "as of when it came: it waits some ticks for its own"


def test_a_view_time_that_is_no_time_is_refused_at_the_client(seed: int) -> None:
    network = SimulatedNetwork(seed)
    gallery, shooter = Gallery(network), Shooter(network)
    with pytest.raises(ValueError, match="view_time"):
        shooter.claim([0.0, 0.0], math.nan)
    network.run(0.5)
    assert gallery.shots == []


def test_without_a_view_time_the_present_counts(seed: int) -> None:
    network = SimulatedNetwork(seed)
    gallery, shooter = Gallery(network), Shooter(network)
    shooter.claim([0.0, 0.0], None)
    network.run(0.5)
    (shot,) = gallery.shots
    assert shot.now - shot.judged_at == pytest.approx(TICK)
