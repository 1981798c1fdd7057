"""Game loops on one event loop tick at the same moments."""

import asyncio
import random
from itertools import pairwise

import pytest

from pygase import Backend, GameState
from pygase._io.phases import MOST_PHASES, first_tick
from pygase._io.tickers import Ticker
from tests.support.virtual_loop import VirtualLoop, run_virtually


def ticks_of(*rooms: tuple[float, float], seconds: float = 2.0) -> list[list[float]]:
    """The times at which rooms tick in a loop: each has the time at which it begins, and its interval."""

    async def main() -> list[list[float]]:
        loop = asyncio.get_running_loop()
        begin, calls = loop.time(), [list[float]() for _ in rooms]
        tickers: list[Ticker] = []

        def start(interval: float, times: list[float]) -> None:
            tickers.append(Ticker(loop, interval, lambda: times.append(loop.time() - begin)))

        for (at, interval), times in zip(rooms, calls, strict=True):
            loop.call_at(begin + at, start, interval, times)
        await asyncio.sleep(seconds)
        for ticker in tickers:
            ticker.stop()
        return calls

    called: list[list[float]] = run_virtually(main())
    return called


def apart(one: list[float], other: list[float]) -> float:
    """The greatest distance of a time of the second list to the nearest one of the first."""
    return max(min(abs(a - b) for a in one) for b in other)


def test_a_room_alone_ticks_one_interval_from_its_beginning() -> None:
    ((first, *_),) = ticks_of((0.5, 0.05))
    assert first == pytest.approx(0.55, abs=1e-6)


@pytest.mark.parametrize("begins_at", [0.0001, 0.013, 0.02501, 0.0499, 0.333])
def test_a_later_room_ticks_with_the_first_one_of_its_interval(begins_at: float) -> None:
    first, later = ticks_of((0.0, 0.05), (begins_at, 0.05))
    assert apart(first, later) < 1e-6
    assert 0.5 * 0.05 - 1e-6 <= later[0] - begins_at <= 1.5 * 0.05 + 1e-6


@pytest.mark.parametrize(
    ("first", "other"), [(0.05, 0.1), (0.1, 0.05), (1 / 60, 1 / 20), (1 / 20, 1 / 60), (0.02, 0.1)]
)
def test_the_slower_of_two_rooms_ticks_with_the_faster_one_if_its_interval_is_a_multiple(
    first: float, other: float
) -> None:
    one, two = ticks_of((0.0, first), (0.0173, other))
    fast, slow = (one, two) if first < other else (two, one)
    assert apart(fast, [each for each in slow if each >= fast[0] - 1e-6]) < 1e-6


def test_two_slow_rooms_beside_a_fast_one_tick_together() -> None:
    _, one, two = ticks_of((0.0, 0.05), (0.01, 0.1), (0.06, 0.1))
    assert apart(one, two) < 1e-6


def test_rooms_of_other_intervals_are_left_alone() -> None:
    _, (first, *_) = ticks_of((0.0, 0.05), (0.011, 0.03))
    assert first == pytest.approx(0.041, abs=1e-6)


def test_a_room_ticks_at_an_even_pace_from_its_second_tick_on() -> None:
    rng = random.Random(5)
    for times in ticks_of(*[(rng.random(), 0.02) for _ in range(20)])[1:]:
        assert {round(b - a, 6) for a, b in pairwise(times)} == {0.02}


def test_few_intervals_are_remembered() -> None:
    loop = VirtualLoop()
    for number in range(100):
        assert first_tick(loop, 0.1 + 0.0137 * number) > loop.time()
    assert first_tick(loop, 7.77) == pytest.approx(loop.time() + 7.77)
    assert MOST_PHASES < 100
    loop.close()


@pytest.mark.integration
def test_backends_in_one_event_loop_tick_in_phase() -> None:
    """Here with the real clock: all ticks of a round begin before the next round does."""
    ticks: list[tuple[float, int]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        rooms = []
        for number in range(4):
            room = Backend(GameState(n=0), lambda game_state, dt, number=number: ticks.append((loop.time(), number)))
            rooms.append((room, asyncio.ensure_future(room.run("127.0.0.1", 0, interval=0.1))))
            await asyncio.sleep(0.037)
        await asyncio.sleep(0.5)
        for room, running in rooms:
            await room.shutdown()
            await running

    asyncio.run(main())
    late = [at for at, number in ticks if number == 0][2:5]
    for number in range(1, 4):
        assert apart([at for at, n in ticks if n == number], late) < 0.03
