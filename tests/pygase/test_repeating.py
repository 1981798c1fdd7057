"""check_rules finds what makes rules differ between a server and its clients."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from benchmarks import physics_cost
from pygase import InvalidValue
from pygase.repeating import RulesDiffer
from pygase.testing import check_rules

COUNTER = itertools.count()


def start() -> dict[str, Any]:
    return {"cars": {1: {"x": 0.0}, 2: {"x": 50.0}}, "order": ""}


def good(world: dict[str, Any], inputs: Mapping[int, Any], tell: Any) -> dict[str, Any]:
    for who, car in world["cars"].items():
        car["x"] += 0.1 * inputs.get(who, 0)
    tell("tick")
    return world


def random_numbers(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
    world["cars"][1]["x"] += random.random()
    return world


def clock(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
    world["cars"][2]["x"] = time.perf_counter()
    return world


def set_order(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
    world["order"] = "".join({"red", "green", "blue", "white"})
    return world


def sorted_set(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
    world["order"] = "".join(sorted({"red", "green", "blue", "white"}))
    return world


def test_good_rules_pass() -> None:
    check_rules(good, start(), {1: 1, 2: -1})
    check_rules(sorted_set, start(), {1: 1}, hash_seeds=(1, 2))


def test_a_physics_game_passes() -> None:
    inputs = [{who: physics_cost.keys_of(who, tick) for who in range(1, 9)} for tick in range(90)]
    check_rules(physics_cost.step, physics_cost.new_world(), inputs, hash_seeds=(1,))


def test_random_numbers_are_found_with_path_and_size() -> None:
    with pytest.raises(RulesDiffer, match=r"tick 0, cars\.1\.x differs by 0\.\d+: .*random") as found:
        check_rules(random_numbers, start(), {1: 1})
    assert (found.value.tick, found.value.path) == (0, "cars.1.x")
    assert found.value.by is not None
    assert 0.0 < found.value.by < 1.0


def test_a_clock_is_found() -> None:
    with pytest.raises(RulesDiffer, match=r"cars\.2\.x differs by .*clock"):
        check_rules(clock, start(), {1: 1})


def test_the_order_of_a_set_is_found() -> None:
    with pytest.raises(RulesDiffer, match=r"order differs '\w+' and '\w+': .*sorted"):
        check_rules(set_order, start(), {1: 1}, ticks=2)


def test_memory_outside_of_the_world_is_found() -> None:
    def remembers(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["cars"][1]["x"] += next(COUNTER)
        return world

    with pytest.raises(RulesDiffer, match="twice"):
        check_rules(remembers, start(), {1: 1})


def test_a_part_that_stands_twice_in_the_world_is_found_by_the_rewind() -> None:
    def shares(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["cars"][1]["x"] += 1.0
        world["cars"][2]["x"] += 0.5
        if world["cars"][1]["x"] > 3.0:
            world["cars"][2] = world["cars"][1]
        return world

    with pytest.raises(RulesDiffer, match=r"cars\.\d\.x differs by .*rewind") as found:
        check_rules(shares, start(), {1: 1})
    assert found.value.tick > 0


def test_a_tuple_that_arrives_as_a_list_is_found() -> None:
    class Keys(NamedTuple):
        right: int

    def reads_names(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["cars"][1]["x"] += 1.0 if isinstance(inputs[1], tuple) else 2.0
        return world

    with pytest.raises(RulesDiffer, match="wire"):
        check_rules(reads_names, start(), {1: Keys(1)})


def test_changed_inputs_are_found() -> None:
    def eats(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        inputs[1].clear()
        return world

    with pytest.raises(RulesDiffer, match="changed its inputs"):
        check_rules(eats, start(), {1: [1, 2]})


def test_a_report_that_differs_is_found() -> None:
    def tells(world: dict[str, Any], inputs: Mapping[int, Any], tell: Any) -> dict[str, Any]:
        tell("hit", next(COUNTER))
        return world

    with pytest.raises(RulesDiffer, match=r"tell\.0\.1 differs by 1"):
        check_rules(tells, start(), {1: 1})


def test_declared_precision_allows_one_step_and_no_more() -> None:
    def slides(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["cars"][1]["x"] = world["cars"][1]["x"] * 0.9 + 1.23456
        return world

    def explodes(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["cars"][1]["x"] = world["cars"][1]["x"] * 50.0 % 77.0 + 1.23456
        return world

    check_rules(slides, start(), {1: 1}, precision={"cars.*.x": 0.01})
    with pytest.raises(RulesDiffer, match=r"cars\.1\.x differs by .*rounded world"):
        check_rules(explodes, start(), {1: 1}, precision={"cars.*.x": 0.01})


def test_a_world_that_cannot_be_sent_is_refused() -> None:
    def makes_sets(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["order"] = {1, 2}
        return world

    with pytest.raises(InvalidValue, match="order"):
        check_rules(makes_sets, start(), {1: 1})
    with pytest.raises(TypeError, match="step must be a function"):
        check_rules("rules", start(), {1: 1})  # type: ignore[arg-type]
