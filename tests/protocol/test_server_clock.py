"""The client's estimate of the server's time, on simulated links with clocks that drift.

A :class:`Simulation` is both ends in virtual time. Each sends at a steady rate, and the link delays each datagram. The
server's datagrams hold the number and the time of the last one received, with the resolution of the wire.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.server_clock import (
    CLOCK_WINDOW,
    MAX_SLEW,
    MAX_SLEWED,
    MAX_STANDSTILL,
    SETTLING,
    SETTLING_SPEED,
    ServerClock,
    SlidingMinimum,
)
from pygase._protocol.wire import TIME_UNIT
from tests.support.agenda import Agenda

Delay = Callable[[float, random.Random], float]

FRAME = 1 / 60


def bad_wifi(at: float, chance: random.Random) -> float:
    """80 ± 40 ms; datagrams overtake each other as it falls."""
    return chance.uniform(0.04, 0.12)


def steady(seconds: float) -> Delay:
    return lambda at, chance: seconds


def with_bursts(delay: Delay, *, extra: float = 0.3, lasting: float = 2.0, every: float = 9.0) -> Delay:
    """A buffer on the way fills up from time to time, and drains again."""
    return lambda at, chance: delay(at, chance) + (extra if at % every < lasting else 0.0)


class Simulation(Agenda):
    """A client that keeps asking for the server's time; ``errors`` has (true time, error in seconds) of each answer."""

    def __init__(
        self,
        seed: int,
        *,
        rate: float = 60.0,
        up: Delay = bad_wifi,
        down: Delay = bad_wifi,
        loss: float = 0.0,
        drift: float = 0.0,
        ahead: float = 1234.5,
    ) -> None:
        super().__init__()
        self.chance = random.Random(seed)
        self.rate, self.up, self.down, self.loss = rate, up, down, loss
        self.drift, self.ahead = drift, ahead
        self.clock = ServerClock()
        self.errors: list[tuple[float, float]] = []
        self.answers: list[tuple[float, float]] = []
        self.received: tuple[int, float, float] | None = None  # number, sent at, received at: the server's ack
        self.down_now = False
        phase = self.chance.uniform(0.0, 1 / rate)
        self.at(0.0, self.client_sends)
        self.at(phase, self.server_sends)
        self.at(0.0, self.draw)

    def server_clock(self, time: float) -> float:
        """True time is the client's clock."""
        return self.ahead + time * (1.0 + self.drift)

    def lost(self) -> bool:
        return self.down_now or self.chance.random() < self.loss

    def client_sends(self, time: float) -> None:
        self.at(time + 1 / self.rate, self.client_sends)
        if not self.lost():
            number = round(time * self.rate)
            self.at(time + self.up(time, self.chance), lambda now: self.server_receives(number, time, now))

    def server_receives(self, number: int, sent_at: float, time: float) -> None:
        if self.received is None or number > self.received[0]:
            self.received = number, sent_at, time

    def server_sends(self, time: float) -> None:
        self.at(time + 1 / self.rate, self.server_sends)
        if self.lost():
            return
        sent_at = None if self.received is None else self.received[1]
        held = 0.0 if self.received is None else time - self.received[2]
        server_sent_at = round(self.server_clock(time) / TIME_UNIT) * TIME_UNIT
        server_received_at = server_sent_at - round(held / TIME_UNIT) * TIME_UNIT
        usable = sent_at is not None and held < 6.0
        arrives = time + self.down(time, self.chance)
        self.at(
            arrives,
            lambda now: self.clock.observe(
                sent_at=sent_at if usable else None,
                server_received_at=server_received_at if usable else None,
                server_sent_at=server_sent_at,
                received_at=now,
            ),
        )

    def draw(self, time: float) -> None:
        self.at(time + FRAME, self.draw)
        answer = self.clock.server_time(now=time)
        if answer is not None:
            self.answers.append((time, answer))
            self.errors.append((time, answer - self.server_clock(time)))

    def worst(self, after: float, share: float = 1.0) -> float:
        return quantile([abs(error) for time, error in self.errors if time >= after], share)


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(len(values) * share), len(values) - 1)]


def exchange(clock: ServerClock, *, at: float, ahead: float, up: float = 0.05, down: float = 0.05) -> None:
    """One exchange that ends at ``at``, with a server that answers at once."""
    there = at - down + ahead
    clock.observe(sent_at=at - down - up, server_received_at=there, server_sent_at=there, received_at=at)


def steps(answers: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """(when, speed) between one answer and the next; 1.0 is real time."""
    pairs = itertools.pairwise(answers)
    return [(later[0], (later[1] - earlier[1]) / (later[0] - earlier[0])) for earlier, later in pairs]


# -- what it promises on bad links -----------------------------------------------------------------------------------
@pytest.mark.parametrize("rate", [60.0, 20.0])
@pytest.mark.parametrize("drift", [1e-4, -1e-4])
def test_the_error_is_at_most_5_ms_after_5_s_of_80_ms_jitter_and_drifting_clocks(rate: float, drift: float) -> None:
    errors = []
    for seed in range(10):
        run = Simulation(seed, rate=rate, drift=drift).run(25.0)
        errors += [abs(error) for time, error in run.errors if time >= 5.0]
    assert quantile(errors, 0.99) <= 0.005


@pytest.mark.parametrize("rate", [60.0, 20.0])
def test_loss_and_bursts_of_delay_move_it_no_further(rate: float) -> None:
    errors = []
    for seed in range(10):
        run = Simulation(
            seed, rate=rate, up=with_bursts(bad_wifi), down=with_bursts(bad_wifi, every=7.0), loss=0.05, drift=1e-4
        ).run(40.0)
        errors += [abs(error) for time, error in run.errors if time >= 5.0]
    assert quantile(errors, 0.99) <= 0.005


@pytest.mark.parametrize("seed", range(3))
def test_on_a_steady_link_it_is_as_good_as_the_wire(seed: int) -> None:
    run = Simulation(seed, up=steady(0.05), down=steady(0.05), drift=0.0).run(15.0)
    assert run.worst(after=0.0) < 3 * TIME_UNIT


@pytest.mark.parametrize(("up", "down"), [(0.02, 0.1), (0.15, 0.05)])
def test_paths_of_unequal_length_cost_half_the_difference_and_never_more_than_the_uncertainty(
    up: float, down: float
) -> None:
    run = Simulation(1, up=steady(up), down=steady(down)).run(10.0)
    assert run.errors[-1][1] == pytest.approx((up - down) / 2, abs=3 * TIME_UNIT)
    assert run.clock.rtt_floor == pytest.approx(up + down, abs=3 * TIME_UNIT)
    uncertainty = run.clock.uncertainty
    assert uncertainty is not None
    assert abs(run.errors[-1][1]) <= uncertainty


def test_a_new_route_is_followed_within_the_window_and_the_time_it_takes_to_slew() -> None:
    def rerouted(at: float, chance: random.Random) -> float:
        return 0.02 if at < 20.0 else 0.08

    run = Simulation(2, up=rerouted, down=rerouted, drift=1e-4).run(20.0 + CLOCK_WINDOW + 5.0)
    assert run.worst(after=20.0 + CLOCK_WINDOW + 3.0) < 0.002
    assert run.clock.rtt_floor == pytest.approx(0.16, abs=0.002)


@pytest.mark.parametrize("seed", range(5))
def test_it_never_steps_back_and_is_slewed_by_at_most_its_bound_once_it_has_settled(seed: int) -> None:
    run = Simulation(seed, rate=20.0, up=with_bursts(bad_wifi), loss=0.05, drift=1e-4).run(30.0)
    speeds = steps(run.answers)
    assert min(speed for _, speed in speeds) >= SETTLING_SPEED - 1e-6
    settled = [speed for time, speed in speeds if time > run.answers[0][0] + SETTLING + 2 * FRAME]
    assert min(settled) >= 1.0 - MAX_SLEW - 1e-6
    assert max(settled) <= 1.0 + MAX_SLEW + 1e-6


# -- beginnings ------------------------------------------------------------------------------------------------------
def test_before_the_first_whole_exchange_there_is_no_time() -> None:
    clock = ServerClock()
    assert clock.server_time(now=0.0) is None
    clock.observe(server_sent_at=100.0, received_at=0.05)
    assert clock.server_time(now=0.06) is None
    assert (clock.rtt_floor, clock.uncertainty) == (None, None)


def test_one_exchange_is_enough_and_the_time_that_the_server_held_it_back_does_not_count() -> None:
    clock = ServerClock()
    clock.observe(sent_at=10.0, server_received_at=500.04, server_sent_at=503.0, received_at=13.0)
    assert clock.rtt_floor == pytest.approx(0.04)
    assert clock.server_time(now=13.0) == pytest.approx(503.02)


def test_a_way_down_alone_improves_what_is_known() -> None:
    clock = ServerClock()
    exchange(clock, at=1.0, ahead=100.0, down=0.11)
    assert clock.server_time(now=1.0) == pytest.approx(100.97)
    clock.observe(server_sent_at=101.05, received_at=1.1)
    assert clock.server_time(now=1.1) == pytest.approx(101.1)


def test_while_settling_it_steps_forward_and_goes_slowly_to_get_back() -> None:
    clock = ServerClock()
    exchange(clock, at=1.0, ahead=100.0, down=0.13)  # 40 ms behind
    assert clock.server_time(now=1.0) == pytest.approx(100.96)
    exchange(clock, at=1.01, ahead=100.0, up=0.11, down=0.05)
    assert clock.server_time(now=1.01) == pytest.approx(101.01)
    exchange(clock, at=1.02, ahead=100.0, up=0.03, down=0.05)  # 10 ms ahead, it turns out
    assert clock.server_time(now=1.02) == pytest.approx(101.015)
    assert clock.server_time(now=1.03) == pytest.approx(101.02)
    assert clock.server_time(now=1.04) == pytest.approx(101.03)


def test_asking_with_an_older_time_does_not_turn_it_back() -> None:
    clock = ServerClock()
    exchange(clock, at=1.0, ahead=100.0)
    later = clock.server_time(now=1.5)
    assert later is not None
    assert clock.server_time(now=1.4) == pytest.approx(later)
    assert clock.server_time(now=1.6) == pytest.approx(101.6)


# -- clocks that jump, machines that sleep ---------------------------------------------------------------------------
def settled_clock(ahead: float = 100.0) -> ServerClock:
    """A clock that has run for 5 s, exchanges 10 times a second and is asked as often."""
    clock = ServerClock()
    for n in range(1, 51):
        exchange(clock, at=n / 10, ahead=ahead)
        clock.server_time(now=n / 10)
    return clock


def test_through_silence_it_goes_on() -> None:
    clock = settled_clock()
    assert clock.server_time(now=8.0) == pytest.approx(108.0)
    assert clock.server_time(now=5.0 + 3 * CLOCK_WINDOW) == pytest.approx(105.0 + 3 * CLOCK_WINDOW)


def test_after_a_gap_longer_than_the_window_the_first_exchange_counts_alone() -> None:
    clock = settled_clock()
    clock.server_time(now=20.0)
    exchange(clock, at=20.0, ahead=100.1, up=0.2, down=0.2)  # slower than all before
    assert clock.server_time(now=20.0) == pytest.approx(120.1)
    assert clock.rtt_floor == pytest.approx(0.4)


@pytest.mark.parametrize("slept", [0.3, 3.0, 36_000.0])
def test_when_our_clock_stood_still_while_the_machine_slept_it_steps_forward(slept: float) -> None:
    clock = settled_clock()
    exchange(clock, at=5.1, ahead=100.0 + slept)
    assert clock.server_time(now=5.1) == pytest.approx(105.1 + slept)
    assert clock.rtt_floor == pytest.approx(0.1)


def test_it_stands_still_where_the_server_fell_behind_a_little_and_then_dawdles() -> None:
    clock = settled_clock()
    answers = []
    for n in range(51, 300):
        exchange(clock, at=n / 10, ahead=99.5)
        answer = clock.server_time(now=n / 10)
        assert answer is not None
        answers.append((n / 10, answer))
    speeds = [speed for _, speed in steps(answers)]
    assert min(speeds) == 0.0
    assert sum(speed < 0.1 for speed in speeds) / 10 == pytest.approx(0.5 - MAX_SLEWED, abs=0.1)
    assert answers[-1][1] == pytest.approx(answers[-1][0] + 99.5)


def test_it_steps_back_only_where_the_server_has_another_clock() -> None:
    clock = settled_clock()
    exchange(clock, at=5.1, ahead=100.0 - MAX_STANDSTILL - 0.2)
    assert clock.server_time(now=5.1) == pytest.approx(105.1 - MAX_STANDSTILL - 0.2)


def test_a_jump_seen_on_the_way_down_alone_waits_for_the_way_up() -> None:
    clock = settled_clock()
    clock.observe(server_sent_at=110.05, received_at=5.1)  # 5 s of sleep
    assert clock.server_time(now=5.1) == pytest.approx(105.1)
    exchange(clock, at=5.2, ahead=105.0)
    assert clock.server_time(now=5.2) == pytest.approx(110.2)


@given(
    st.lists(
        st.tuples(
            st.floats(0.0, 30.0),
            st.floats(-1e5, 1e5) | st.none(),
            st.floats(-1e5, 1e5),
            st.floats(-1e5, 1e5),
        ),
        max_size=60,
    )
)
def test_whatever_the_server_claims_it_goes_back_by_nothing_or_by_more_than_what_is_held(
    claims: list[tuple[float, float | None, float, float]],
) -> None:
    clock, now, latest = ServerClock(), 0.0, None
    for passed, sent_at, server_received_at, server_sent_at in claims:
        now += passed
        clock.observe(
            sent_at=sent_at, server_received_at=server_received_at, server_sent_at=server_sent_at, received_at=now
        )
        answer = clock.server_time(now=now)
        if answer is not None and latest is not None:
            assert answer >= latest or answer < latest + passed - MAX_STANDSTILL
        latest = answer


# -- the window ------------------------------------------------------------------------------------------------------
@given(st.lists(st.tuples(st.floats(0.0, 1.0), st.floats(-5.0, 5.0)), min_size=1, max_size=300))
def test_the_minimum_lies_between_those_of_the_window_and_of_one_a_spacing_shorter(
    arrivals: list[tuple[float, float]],
) -> None:
    window = 4.0
    minimum, at, seen = SlidingMinimum(window), 0.0, []
    for passed, value in arrivals:
        at += passed
        minimum.add(value, at)
        seen.append((at, value))
        found = minimum.value
        assert found is not None
        assert found >= min(v for a, v in seen if a >= at - window)
        assert found <= min(v for a, v in seen if a > at - window * (1 - 1 / SlidingMinimum.SPACINGS))
        assert len(minimum) <= SlidingMinimum.SPACINGS + 2


def test_rising_values_are_kept_only_as_far_as_they_are_spaced() -> None:
    minimum = SlidingMinimum(10.0)
    for n in range(100_000):
        minimum.add(float(n), n / 1000)
    assert len(minimum) <= SlidingMinimum.SPACINGS + 2
    assert minimum.value == pytest.approx(90_000, abs=400)
