"""Round-trip time, rates, and the token bucket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.budget import TokenBucket
from pygase._protocol.record import PeerRecord
from pygase._protocol.timing import RateMeter, RttEstimator


def test_before_any_measurement_the_time_out_is_the_initial_one() -> None:
    assert RttEstimator(0.05).rto == RttEstimator.INITIAL_RTO


def test_the_first_sample_is_taken_as_it_is() -> None:
    estimator = RttEstimator(0.05)
    estimator.sample(0.08)
    assert (estimator.rtt, estimator.variation) == (0.08, 0.04)
    assert estimator.rto == pytest.approx(0.08 + 4 * 0.04)


def test_steady_samples_converge_and_the_time_out_keeps_its_floor_above_them() -> None:
    estimator = RttEstimator(0.05)
    for _ in range(200):
        estimator.sample(0.03)
    assert estimator.rtt == pytest.approx(0.03)
    assert estimator.variation < 1e-6
    assert estimator.rto == pytest.approx(0.08, abs=1e-4)


def test_one_outlier_moves_the_mean_by_an_eighth() -> None:
    estimator = RttEstimator(0.05)
    for _ in range(200):
        estimator.sample(0.1)
    estimator.sample(0.9)
    assert estimator.rtt == pytest.approx(0.2, abs=1e-3)
    assert estimator.variation == pytest.approx(0.2, abs=1e-3)


@given(st.lists(st.floats(1e-4, 100.0), min_size=1, max_size=50))
def test_the_time_out_is_bounded_above(samples: list[float]) -> None:
    estimator = RttEstimator(0.05)
    for sample in samples:
        estimator.sample(sample)
    assert estimator.min_rto < estimator.rto <= RttEstimator.MAX_RTO


def test_rates_are_amounts_a_second_over_the_last_interval() -> None:
    meter = RateMeter(2)
    meter.update((100, 0), 10.0)
    meter.update((150, 5), 10.5)  # too early for a measurement
    assert meter.rates == (0.0, 0.0)
    meter.update((300, 50), 12.0)
    assert meter.rates == (100.0, 25.0)
    meter.update((300, 50), 14.0)
    assert meter.rates == (0.0, 0.0)


def test_a_bucket_begins_full_and_may_be_overdrawn_by_one_packet() -> None:
    bucket = TokenBucket(PeerRecord(), rate=1000, burst=100, now=5.0)
    assert bucket.allows(5.0)
    bucket.spend(99)
    assert bucket.allows(5.0)
    bucket.spend(1200)
    assert not bucket.allows(5.0)


def test_a_bucket_tells_exactly_when_it_allows_again() -> None:
    bucket = TokenBucket(PeerRecord(), rate=1000, burst=100, now=1.0)
    assert bucket.ready_at(1.0) == 1.0
    bucket.spend(600)
    ready_at = bucket.ready_at(1.0)
    assert ready_at == pytest.approx(1.501)
    assert not bucket.allows(ready_at - 0.002)
    assert bucket.allows(ready_at)


def test_savings_are_limited_to_the_burst() -> None:
    bucket = TokenBucket(PeerRecord(), rate=1000, burst=100, now=0.0)
    bucket.spend(100)
    assert bucket.allows(1e6)
    bucket.spend(100)
    assert not bucket.allows(1e6)


def test_a_bucket_that_is_used_up_for_the_first_time_has_been_filling_since_it_began() -> None:
    """Otherwise a connection's first pause would follow one burst, however slowly that was spent."""
    bucket = TokenBucket(PeerRecord(), rate=1000, burst=100, now=7.0)
    for tick in range(100):
        assert bucket.allows(7.0 + tick / 20)
        bucket.spend(45)


@given(st.lists(st.tuples(st.floats(0, 0.1), st.integers(1, 1200)), max_size=300))
def test_over_any_time_no_more_than_rate_burst_and_one_packet_leaves(steps: list[tuple[float, int]]) -> None:
    bucket = TokenBucket(PeerRecord(), rate=10_000, burst=5_000, now=0.0)
    now = sent = 0.0
    for pause, size in steps:
        now += pause
        if bucket.allows(now):
            bucket.spend(size)
            sent += size
        assert sent <= 5_000 + now * 10_000 + 1200


def test_a_clock_that_stands_still_or_jumps_back_gives_no_tokens() -> None:
    bucket = TokenBucket(PeerRecord(), rate=1000, burst=100, now=10.0)
    bucket.spend(150)
    assert not bucket.allows(10.0)
    assert not bucket.allows(3.0)
