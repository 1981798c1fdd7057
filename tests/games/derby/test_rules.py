"""The rules of Derby hold for every possible match."""

import ast
import copy
import inspect
import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.derby import pitch, rules
from games.derby.pitch import CORNER, GOAL_DEPTH, GOAL_HALF, HEIGHT, MIDDLE, WIDTH
from games.derby.rules import BACK, BALL, BOOST, CAR, FORWARD, LEFT, RIGHT, TANK, World
from pygase.testing import check_rules

Told = list[tuple[Any, ...]]
places = st.tuples(st.floats(CORNER, WIDTH - CORNER), st.floats(CAR, HEIGHT - CAR))
speeds = st.tuples(st.floats(-9, 9), st.floats(-9, 9))
held = st.lists(st.tuples(st.dictionaries(st.integers(1, 8), st.integers(0, 31)), st.integers(1, 50)), max_size=12)


def world_of(count: int) -> World:
    cars = {who: rules.new_car(who % 2, who // 2) for who in range(1, count + 1)}
    return rules.kick_off({"ball": rules.new_ball(), "cars": cars, "wait": 0}, 0)


def play(world: World, inputs: dict[int, int], ticks: int, told: Told | None = None) -> World:
    for _ in range(ticks):
        rules.step(world, inputs, lambda *report: told.append(report) if told is not None else None)
    return world


def is_inside(body: Any, radius: float) -> bool:
    """Whether a body is on the pitch or in a goal, but for a hair's breadth."""
    x, y, slack = body["x"], body["y"], 0.5
    if x < radius - slack or x > WIDTH - radius + slack:
        return (
            abs(y - MIDDLE) < GOAL_HALF and -GOAL_DEPTH - slack < x - radius < x + radius < WIDTH + GOAL_DEPTH + slack
        )
    from_x = CORNER - min(x, WIDTH - x)
    from_y = CORNER - min(y, HEIGHT - y)
    if from_x > 0 and from_y > 0:
        return math.hypot(from_x, from_y) <= CORNER - radius + slack
    return radius - slack <= y <= HEIGHT - radius + slack


@given(held)
def test_nothing_leaves_the_pitch_and_nothing_is_faster_than_its_top(played: list[tuple[dict[int, int], int]]) -> None:
    world = world_of(4)
    for inputs, ticks in played:
        for _ in range(ticks):
            play(world, inputs, 1)
            assert is_inside(world["ball"], BALL)
            assert all(is_inside(car, CAR) for car in world["cars"].values())
            assert all(0.0 <= car["boost"] <= TANK for car in world["cars"].values())
            assert all(abs(math.hypot(car["hx"], car["hy"]) - 1.0) < 1e-12 for car in world["cars"].values())


@given(st.randoms(use_true_random=False))
def test_the_order_of_the_cars_in_the_dict_changes_nothing(rng: random.Random) -> None:
    world = world_of(6)
    mixed = copy.deepcopy(world)
    keys = list(mixed["cars"])
    rng.shuffle(keys)
    mixed["cars"] = {key: mixed["cars"][key] for key in keys}
    for _ in range(120):
        inputs = {who: rng.randrange(32) for who in world["cars"]}
        told, told_mixed = list[Any](), list[Any]()
        play(world, inputs, 1, told)
        play(mixed, inputs, 1, told_mixed)
        assert world == mixed
        assert told == told_mixed


def test_nothing_moves_before_the_kick_off() -> None:
    world = rules.kick_off(world_of(2), 30)
    before = copy.deepcopy(world)
    play(world, {1: FORWARD, 2: FORWARD | BOOST}, 30)
    assert world == {**before, "wait": 0}
    play(world, {1: FORWARD}, 1)
    assert world["cars"][1] != before["cars"][1]


def test_both_teams_start_as_each_others_mirror() -> None:
    world = world_of(8)
    for who in (2, 4, 6, 8):
        left = world["cars"][who]
        right = next(
            car for car in world["cars"].values() if car["team"] == 1 and abs(car["x"] + left["x"] - WIDTH) < 1e-9
        )
        assert left["hx"] == -right["hx"]


def test_a_car_drives_brakes_and_turns_only_while_it_moves() -> None:
    world = world_of(1)
    car = world["cars"][1]
    looks = car["hx"], car["hy"]
    play(world, {1: LEFT}, 20)
    assert (car["hx"], car["hy"]) == looks
    play(world, {1: FORWARD | LEFT}, 20)
    assert (car["hx"], car["hy"]) != looks
    speed = math.hypot(car["vx"], car["vy"])
    play(world, {1: BACK}, 5)
    assert math.hypot(car["vx"], car["vy"]) < speed


def test_in_reverse_the_wheels_turn_the_other_way() -> None:
    ahead, back = world_of(1), world_of(1)
    play(ahead, {1: FORWARD | RIGHT}, 12)
    play(back, {1: BACK | RIGHT}, 12)
    turned = [world["cars"][1]["hy"] * world["cars"][1]["hx"] for world in (ahead, back)]
    assert turned[0] * turned[1] < 0


def test_boost_is_faster_until_the_tank_is_empty_and_comes_back() -> None:
    world = world_of(1)
    world["ball"]["y"] = 100.0
    car = world["cars"][1]
    car.update(x=100.0, y=MIDDLE, hx=1.0, hy=0.0, boost=60.0)
    play(world, {1: FORWARD | BOOST}, 60)
    assert math.hypot(car["vx"], car["vy"]) > rules.TOP
    play(world, {1: FORWARD | BOOST}, 5)
    assert car["boost"] < 2.0
    play(world, {}, 400)
    assert car["boost"] == TANK


def test_a_car_that_meets_the_ball_pushes_it_ahead_and_says_so_once_each_tick() -> None:
    world, told = world_of(1), list[Any]()
    car, ball = world["cars"][1], world["ball"]
    car.update(x=ball["x"] - 100, y=ball["y"], hx=1.0, hy=0.0, vx=6.0, vy=0.0)
    play(world, {1: FORWARD}, 20, told)
    hits = [each for each in told if each[0] == "HIT"]
    assert hits
    assert hits[0][1] == 1
    assert ball["vx"] > 6.0
    assert abs(ball["vy"]) < 1e-9


def test_two_cars_that_meet_keep_their_common_momentum() -> None:
    one = {"x": 0.0, "y": 0.0, "vx": 4.0, "vy": 1.0}
    other = {"x": 30.0, "y": 4.0, "vx": -3.0, "vy": 0.5}
    speed = pitch.collide(one, other, 36.0, 0.5, 0.35)  # type: ignore[arg-type]
    assert speed > 0
    assert one["vx"] + other["vx"] == pytest.approx(1.0)
    assert one["vy"] + other["vy"] == pytest.approx(1.5)
    assert math.hypot(other["x"] - one["x"], other["y"] - one["y"]) == pytest.approx(36.0)


@given(places, speeds)
def test_a_wall_never_adds_speed(place: tuple[float, float], speed: tuple[float, float]) -> None:
    body: Any = {"x": place[0], "y": place[1], "vx": speed[0], "vy": speed[1]}
    for _ in range(200):
        before = math.hypot(body["vx"], body["vy"])
        body["x"] += body["vx"]
        body["y"] += body["vy"]
        pitch.keep_inside(body, BALL, 0.78)
        assert math.hypot(body["vx"], body["vy"]) <= before + 1e-9


@pytest.mark.parametrize("value", [None, "x", 1.5, True, [1], 1 << 40, -1])
def test_a_strange_input_is_an_input_of_known_bits(value: object) -> None:
    assert 0 <= rules.wishes(value) <= 31


def test_the_rules_need_nothing_that_differs_between_machines() -> None:
    """Sines, powers and random numbers may differ in the last bit, or from run to run."""
    for module in (rules, pitch):
        tree = ast.parse(inspect.getsource(module))
        used = {
            node.attr
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "math"
        }
        imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
        assert used <= {"sqrt"}
        assert imported <= {"math"}
        assert not any(isinstance(node, ast.Pow) for node in ast.walk(tree))


def test_the_rules_repeat_as_a_prediction_of_the_world_needs_it() -> None:
    rng = random.Random(4)
    held = [{who: rng.randrange(32) for who in range(1, 5)} for _ in range(8)]
    check_rules(rules.step, world_of(4), [held[tick // 20] for tick in range(160)], hash_seeds=(1,))
