"""Bots find their way around walls, catch a runner that stands still, and flee from the chaser."""

import math
import random

import pytest

from games.chase import paths, rules, walls
from games.chase.bot import PLACES, Bot
from games.chase.rules import Runners

BEHIND_A_WALL = [((2_800, 1_700), (2_800, 2_500)), ((1_000, 500), (1_000, 950)), ((300, 300), (5_300, 3_900))]


def two(a: tuple[int, int], b: tuple[int, int]) -> Runners:
    """Return two runners. The first one is the chaser."""
    return {
        0: {**rules.new_runner(a), "it": True, "safe": 0},
        1: {**rules.new_runner(b), "safe": 0},
    }


def run(runners: Runners, bots: dict[int, Bot], ticks: int) -> Runners:
    for _ in range(ticks):
        wishes = {number: bot.command(number, runners) for number, bot in bots.items()}
        runners = {number: rules.move(runner, wishes.get(number)) for number, runner in runners.items()}
        if rules.touches(runners[0], runners[1]):
            break
    return runners


@pytest.mark.parametrize(("chaser", "prey"), BEHIND_A_WALL)
@pytest.mark.parametrize("seed", range(3))
def test_a_bot_gets_around_walls_to_who_stands_still(chaser: tuple[int, int], prey: tuple[int, int], seed: int) -> None:
    ticks = round(3 * math.dist(chaser, prey) / rules.SPEED) + 120
    after = run(two(chaser, prey), {0: Bot(random.Random(seed))}, ticks)
    assert rules.touches(after[0], after[1])


@pytest.mark.parametrize("seed", range(5))
def test_a_bot_runs_from_who_is_it(seed: int) -> None:
    rng = random.Random(seed)
    runners = two((2_800, 1_400), (3_200, 1_400))
    after = run(runners, {1: Bot(rng)}, 120)
    assert math.dist((after[0]["x"], after[0]["y"]), (after[1]["x"], after[1]["y"])) > 1_000


@pytest.mark.parametrize("seed", range(5))
def test_a_bot_catches_another_before_a_round_is_over(seed: int) -> None:
    rng = random.Random(seed)
    after = run(two((300, 300), (5_300, 3_900)), {0: Bot(rng), 1: Bot(rng)}, rules.ROUND_TICKS)
    assert rules.touches(after[0], after[1])


def test_a_chaser_leaves_the_safe_alone() -> None:
    runners = two((2_800, 1_400), (2_500, 1_400))
    runners[1]["safe"] = 10_000
    runners[2] = {**rules.new_runner((4_800, 2_800)), "safe": 0}
    assert rules.touches(runners[0], runners[1]) is False
    bot, met = Bot(random.Random(1)), set()
    for _ in range(240):
        wish = bot.command(0, runners)
        runners = {number: rules.move(one, wish if number == 0 else None) for number, one in runners.items()}
        met |= {number for number in (1, 2) if rules.touches(runners[0], runners[number])}
    assert met == {2}


def test_the_same_seed_does_the_same() -> None:
    first, second = (
        run(two(*BEHIND_A_WALL[2]), {0: Bot(random.Random(7)), 1: Bot(random.Random(8))}, 300) for _ in "12"
    )
    assert first == second


def test_what_bots_want_is_what_clients_can_send() -> None:
    bot, runners = Bot(random.Random(2)), two((300, 300), (900, 300))
    for _ in range(200):
        wish = bot.command(1, runners)
        assert rules.command(wish) == pytest.approx((wish["x"], wish["y"], wish["dash"]))


@pytest.mark.parametrize("seed", range(20))
def test_every_way_leads_there_by_points_that_can_be_seen(seed: int) -> None:
    rng = random.Random(seed)
    a, b = (rng.choice(PLACES) for _ in "ab")
    way = [(float(a[0]), float(a[1]))]
    while math.dist(way[-1], b) > 0 and len(way) < 60:
        x, y = paths.next_point(way[-1], b)
        way.append((x, y))
        assert walls.sees(way[-2], way[-1])
    assert math.dist(way[-1], b) == 0
    assert paths.distance(a, b) >= math.dist(a, b) - paths.CELL_SIZE


def test_places_to_be_are_free_and_many() -> None:
    assert len(PLACES) > 30
    assert all(walls.is_free(x, y) for x, y in PLACES)
