"""The rules of Chase hold: walls stop runners, nobody is too fast, and there is exactly one chaser."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.chase import rules, walls
from games.chase.rules import CHASING_SPEED, DASHING, FROZEN_TICKS, SAFE_TICKS, SPEED, TOUCH, Runner

AXIS = st.floats(-1, 1)
COMMAND = st.fixed_dictionaries({"x": AXIS, "y": AXIS, "dash": st.booleans()})
RIGHT = {"x": 1, "y": 0, "dash": False}


def runner(x: int = 300, y: int = 300, **parts: Any) -> Runner:
    return {**rules.new_runner((x, y)), "safe": 0, **parts}  # type: ignore[typeddict-item]


def moved(one: Runner, value: object, ticks: int) -> Runner:
    for _ in range(ticks):
        one = rules.move(one, value)
    return one


def test_a_key_moves_a_runner_by_the_speed_in_its_direction() -> None:
    after = moved(runner(), RIGHT, 10)
    assert (after["x"], after["y"]) == (300 + 10 * SPEED, 300)


def test_across_is_no_faster_than_straight_on() -> None:
    after = moved(runner(), {"x": 1, "y": 1}, 10)
    assert math.dist((after["x"], after["y"]), (300, 300)) == pytest.approx(10 * SPEED, abs=10)


def test_a_stick_pushed_half_way_runs_half_as_fast() -> None:
    assert moved(runner(), {"x": 0.5, "y": 0}, 10)["x"] == 300 + 5 * SPEED


def test_who_is_it_runs_faster() -> None:
    assert moved(runner(it=True), RIGHT, 10)["x"] == 300 + 10 * CHASING_SPEED


def test_a_dash_is_fast_and_short_and_needs_a_rest() -> None:
    dash = {"x": 1, "y": 0, "dash": True}
    far = moved(runner(), dash, rules.DASH_TICKS + rules.DASH_REST)
    first = moved(runner(), dash, rules.DASH_TICKS)
    assert first["x"] == pytest.approx(300 + rules.DASH_TICKS * SPEED * DASHING, abs=rules.DASH_TICKS)
    assert moved(first, dash, 1)["x"] == first["x"] + SPEED
    assert not far["dash"] or not rules.is_dashing(far)
    assert rules.is_dashing(rules.move(far, dash))


def test_a_dash_waits_for_a_direction() -> None:
    assert rules.move(runner(), {"x": 0, "y": 0, "dash": True})["dash"] == 0


def test_the_frozen_stand_still_and_thaw() -> None:
    one = runner(frozen=3)
    assert moved(one, RIGHT, 3)["x"] == one["x"]
    assert moved(one, RIGHT, 4)["x"] > one["x"]


@pytest.mark.parametrize(
    "nonsense",
    [
        *(None, 7, "right", [1, 0], b"\x01", {"x": "1"}, {"x": float("nan"), "y": float("inf")}, {"x": 10**18}, {}),
        *({"x": 1.01, "y": -2}, {"x": [1], "dash": True}, {0: 1}),
    ],
)
def test_what_is_no_command_stands_still(nonsense: object) -> None:
    one = runner()
    assert rules.command(nonsense)[:2] == (0.0, 0.0)
    assert rules.move(one, nonsense) == one


def test_nothing_is_changed_in_place() -> None:
    one = runner(frozen=2, dash=5, safe=9)
    before = dict(one)
    rules.move(one, RIGHT)
    assert one == before


@given(st.integers(0, 2**32), st.lists(st.tuples(COMMAND, st.integers(1, 40)), max_size=12), st.booleans())
def test_nobody_gets_into_a_wall_or_out_of_the_place(seed: int, ways: list[Any], it: bool) -> None:
    rng = random.Random(seed)
    at = (0, 0)
    step = CHASING_SPEED * DASHING
    farthest = 2 * walls.RADIUS * math.sin(math.asin(step / walls.RADIUS) / 2)  # around a corner: 4 % more than `step`
    while not walls.is_free(*at):
        at = (rng.randrange(walls.WIDTH), rng.randrange(walls.HEIGHT))
    one = runner(*at, it=it)
    for value, ticks in ways:
        for _ in range(ticks):
            after = rules.move(one, value)
            assert walls.is_free(after["x"], after["y"], walls.RADIUS - 1.5)
            way = math.dist((one["x"], one["y"]), (after["x"], after["y"]))
            assert way <= farthest + 1.5  # points are whole
            one = after


@pytest.mark.parametrize("wall", [walls.WALLS[0], walls.WALLS[4], walls.WALLS[6], walls.WALLS[-1]])
def test_a_runner_slides_around_the_corner_of_a_wall(wall: walls.Wall) -> None:
    """A runner that runs against a wall near its end slips past it slowly."""
    one = runner(wall.left - 300, wall.top - walls.RADIUS // 2)
    after = moved(one, RIGHT, 80)
    assert after["x"] > wall.left + 100


def test_every_place_can_be_reached_by_everybody() -> None:
    free = {
        (x, y) for x in range(100, walls.WIDTH, 100) for y in range(100, walls.HEIGHT, 100) if walls.is_free(x, y, 100)
    }
    reached, edge = set(), [min(free)]
    while edge:
        x, y = edge.pop()
        if (x, y) in free and (x, y) not in reached:
            reached.add((x, y))
            edge += [(x + 100, y), (x - 100, y), (x, y + 100), (x, y - 100)]
    assert reached == free


def test_two_touch_when_they_are_near_and_no_wall_is_between() -> None:
    assert rules.touches(runner(1000, 300), runner(1000 + TOUCH, 300))
    assert not rules.touches(runner(1000, 300), runner(1001 + TOUCH, 300))
    thin = walls.WALLS[0]
    above, below = runner(1000, thin.top - 1), runner(1000, thin.bottom + 1)
    assert thin.bottom + 1 - (thin.top - 1) <= TOUCH
    assert not rules.touches(above, below)


def test_who_is_caught_is_it_and_frozen_and_the_one_before_is_safe() -> None:
    before = {1: runner(it=True), 2: runner(), 3: runner()}
    after = rules.tagged(before, 2)
    assert rules.chaser_of(after) == 2
    assert (after[2]["frozen"], after[1]["safe"], after[3]["safe"]) == (FROZEN_TICKS, SAFE_TICKS, 0)
    assert not rules.can_catch(after[2], after[1])


def test_nobody_can_tag_back_for_five_seconds() -> None:
    after = rules.tagged({1: runner(it=True), 2: runner()}, 2)
    for _ in range(5 * rules.TICKS_PER_SECOND):
        assert not rules.can_catch(after[2], after[1])
        after = {number: rules.move(one, None) for number, one in after.items()}
    assert rules.can_catch(after[2], after[1])


@given(st.lists(st.integers(0, 5), max_size=20))
def test_exactly_one_is_it_whatever_happens(tags: list[int]) -> None:
    runners = rules.elected({number: runner() for number in range(6)}, 0)
    for number in tags:
        runners = rules.tagged(runners, number)
        assert [key for key, one in runners.items() if one["it"]] == [number]


def test_most_time_free_is_best_and_of_the_same_time_most_tags() -> None:
    assert rules.ranking({1: [10, 0], 2: [30, 1], 3: [30, 4]}) == [3, 2, 1]
