"""A ship's tick and a shot's target, for all inputs, invalid ones among them."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.arena import rules, walls
from games.arena.bot import PLACES
from games.arena.rules import AIM, AT, FULL_STICK, RANGE, RELOAD, SHOTS, SPEED, WAIT

commands = st.tuples(st.integers(-99, 99), st.integers(-99, 99), st.integers(-999, 999), st.booleans())
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
OPEN = (6_000, 6_200)  # nothing near it


@given(anything)
def test_whatever_a_client_sends_a_ship_stays_a_ship(value: Any) -> None:
    ship = rules.new_ship(OPEN)
    after = rules.move(ship, value)
    assert after.keys() == ship.keys()
    assert walls.is_free(*after[AT])
    assert math.dist(ship[AT], after[AT]) <= SPEED + 1
    assert -180 <= after[AIM] < 180
    assert all(type(number) is int for number in (*after[AT], after[AIM], after[WAIT], after[SHOTS]))


@pytest.mark.parametrize(
    "value",
    [
        *(None, 7, "fire", b"", {}, [], [1, 0, 0], [1, 0, 0, True, 5], {"x": 1}),
        *([1.0, 0, 0, 1], [math.nan, 0, 0, 1], [0, 0, math.inf, 1], ["1", 0, 0, 1], [0, 0, 2**60, 1], [[1], 0, 0, 1]),
    ],
    ids=repr,
)
def test_what_is_no_command_does_nothing(value: Any) -> None:
    ship = rules.new_ship(OPEN, aim=33)
    assert rules.move(ship, value) == ship


@given(st.lists(commands, max_size=30))
def test_the_same_commands_do_the_same_again_and_leave_their_arguments_alone(given_: list[tuple[Any, ...]]) -> None:
    first = second = rules.new_ship(OPEN)
    for command in given_:
        before, kept = first, {**first, AT: list(first[AT])}
        first, second = rules.move(first, command), rules.move(second, list(command))
        assert before == kept
    assert first == second


@given(st.integers(-FULL_STICK, FULL_STICK), st.integers(-FULL_STICK, FULL_STICK))
def test_nobody_is_faster_across_than_straight_on(x: int, y: int) -> None:
    after = rules.move(rules.new_ship(OPEN), [x, y, 0, False])
    way = math.dist(OPEN, after[AT])
    assert way <= SPEED + 1
    if math.hypot(x, y) >= FULL_STICK:
        assert way >= SPEED - 1


def test_a_stick_that_is_pushed_half_way_moves_half_as_fast() -> None:
    assert rules.move(rules.new_ship(OPEN), [FULL_STICK // 2, 0, 0, False])[AT] == [OPEN[0] + SPEED // 2, OPEN[1]]


def test_holding_the_trigger_fires_at_once_and_then_in_every_so_many_ticks() -> None:
    ship, fired = rules.new_ship(OPEN), []
    for tick in range(3 * RELOAD + 1):
        after = rules.move(ship, [0, 0, 0, True])
        if after[SHOTS] != ship[SHOTS]:
            fired.append(tick)
        ship = after
    assert fired == [0, RELOAD, 2 * RELOAD, 3 * RELOAD]


def test_the_count_of_shots_goes_round_and_every_shot_changes_it() -> None:
    ship = rules.new_ship(OPEN)
    for _ in range(3 * rules.SHOT_NUMBERS):
        after = rules.move({**ship, WAIT: 0}, [0, 0, 0, True])
        assert after[SHOTS] != ship[SHOTS]
        assert 0 <= after[SHOTS] < rules.SHOT_NUMBERS
        ship = after


@given(st.integers(-(2**31) + 1, 2**31 - 1))
def test_every_angle_is_one_of_360(angle: int) -> None:
    assert -180 <= rules.degrees(angle) < 180
    assert (rules.degrees(angle) - angle) % 360 == 0


# -- shots


def test_a_shot_hits_the_nearest_on_its_way() -> None:
    hit = rules.shoot((6_000, 6_200), 0, [(1, (8_000, 6_200)), (2, (7_000, 6_200)), (3, (5_000, 6_200))])
    assert hit.target == 2
    assert hit.end == (7_000 - walls.RADIUS, 6_200)


def test_a_shot_is_stopped_by_a_wall_in_front_of_a_target() -> None:
    wall = walls.WALLS[0]
    y = (wall.top + wall.bottom) // 2
    hit = rules.shoot((wall.left - 1_000, y), 0, [(1, (wall.right + 500, y))])
    assert hit == rules.Hit((wall.left, y), None)


def test_a_shot_that_meets_nothing_ends_where_its_range_does() -> None:
    assert rules.shoot((6_000, 300), 0, []) == rules.Hit((6_000 + RANGE, 300), None)


@given(st.sampled_from(PLACES), st.integers(-180, 179), st.sampled_from(PLACES))
def test_a_shot_hits_exactly_who_is_near_its_line_and_in_sight(
    at: tuple[int, int], aim: int, target: tuple[int, int]
) -> None:
    hit = rules.shoot(at, aim, [(7, target)])
    distance = math.dist(at, target)
    off = math.radians(rules.bearing(at, target) - aim)
    beside, along = abs(distance * math.sin(off)), distance * math.cos(off)
    reach = rules.shoot(at, aim, []).end
    could = along > 0 and beside < walls.RADIUS - 1 and along < math.dist(at, reach) - 1
    could_not = along <= 0 or beside > walls.RADIUS + 1 or along > math.dist(at, reach) + walls.RADIUS + 1
    if could:
        assert hit.target == 7
    if could_not:
        assert hit.target is None
