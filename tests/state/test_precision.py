"""Declared precision: paths, steps, rounding, and the table as it travels."""

import math
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._state.codec import pack
from pygase._state.precision import (
    MAX_PATHS,
    MAX_STEPS,
    MAX_TABLE_BYTES,
    NO_PRECISION,
    Precision,
    equal_within,
    rounded,
    rounded_changes,
    rounded_part,
    steps_of,
    values_of,
)
from pygase._state.tree import TO_DELETE
from pygase.errors import InvalidValue, MalformedPacket
from tests.support.trees import exact, trees


def root_of(declared: dict[str, float]) -> Any:
    return Precision.parse(declared).root


def places_of(step: float) -> Any:
    return root_of({"x": step}).below("x")


def steps(value: float, places: Any) -> int:
    return steps_of([value], [places])[0]


def value_of(count: int, places: Any) -> float:
    return values_of([count], [places])[0]


STEPS = [0.01, 0.1, 0.3, 1, 1.0, 2.5, 1e-5, 1e-9, 1e9, 1 / 3, 1 / 64, 0.07]


@pytest.mark.parametrize("step", STEPS)
def test_a_value_of_some_steps_has_so_many_steps(step: float) -> None:
    places, rng = places_of(step), random.Random(7)
    for count in [
        0,
        1,
        -1,
        7,
        MAX_STEPS - 1,
        1 - MAX_STEPS,
        *[rng.randrange(-MAX_STEPS + 1, MAX_STEPS) for _ in range(2000)],
    ]:
        value = value_of(count, places)
        assert steps(value, places) == count
        assert rounded(value, places) is value


@pytest.mark.parametrize("step", STEPS)
def test_a_rounded_value_is_off_by_half_a_step_at_most(step: float) -> None:
    places, rng = places_of(step), random.Random(8)
    for _ in range(2000):
        value = rng.uniform(-1000.0, 1000.0) * step
        assert abs(rounded(value, places) - value) <= step * 0.5000001


def test_a_hundredth_is_the_float_that_people_write() -> None:
    places = places_of(0.01)
    assert [value_of(n, places) for n in (1, 29, 123456)] == [0.01, 0.29, 1234.56]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300, -1e17])
def test_a_number_beyond_all_steps_stays_as_it_is(value: float) -> None:
    places = places_of(0.01)
    assert rounded(value, places) is value
    assert steps(value, places) == MAX_STEPS


@pytest.mark.parametrize("value", [MAX_STEPS - 0.25, 0.25 - MAX_STEPS])
def test_a_number_that_rounds_to_the_bound_stays_as_it_is(value: float) -> None:
    assert rounded(value, places_of(1)) is value


def test_a_rounded_delta_has_real_changes_only() -> None:
    root = root_of({"a.*.x": 0.01, "b": 0.1})
    node = {"a": {1: {"x": 0.5, "hp": 3}, 2: {"x": 1.0}}, "b": [0.1, 2.0], "c": 0.0}
    same = {"a": {1: {"x": 0.501, "hp": 3}, 2: {"x": 1.0}}, "b": [0.12, 2.01], "c": 0.0}
    assert rounded_changes(node, same, root) == {}
    assert rounded_changes(node, {}, root) == {}
    other = {"a": {1: {"x": 0.52, "hp": 4}, 2: TO_DELETE, 3: {"x": 0.019}}, "b": 3, "c": -0.0}
    expected = {"a": {1: {"x": 0.52, "hp": 4}, 2: TO_DELETE, 3: {"x": 0.02}}, "b": 3, "c": -0.0}
    assert exact(rounded_changes(node, other, root)) == exact(expected)
    assert exact(rounded_changes(node, {"a": 5}, root)) == exact({"a": 5})
    assert exact(rounded_changes({}, {"a": {1: {"x": 0.123}}}, root)) == exact({"a": {1: {"x": 0.12}}})


def test_minus_nothing_is_nothing() -> None:
    places = places_of(0.01)
    assert exact(rounded(-0.0, places)) == exact(0.0)
    assert exact(rounded(-0.004, places)) == exact(0.0)


def test_only_declared_floats_are_rounded() -> None:
    tree = {"ents": {7: {"x": 1.2345, "hp": 3, "name": "a", "v": 1.2345}}, "x": 1.2345, "on": True, "no": None}
    declared = root_of({"ents.*.x": 0.01, "ents.*.hp": 0.01, "ents.*.name": 1, "on": 10.0, "no": 1})
    assert exact(rounded_part(tree, declared)) == exact({**tree, "ents": {7: {**tree["ents"][7], "x": 1.23}}})


def test_each_item_of_a_list_is_rounded() -> None:
    declared = root_of({"pos": 0.1, "grid": 1.0})
    tree = {"pos": [1.26, 2, [3.33]], "grid": [0.4, "a"]}
    assert rounded_part(tree, declared) == {"pos": [1.3, 2, [3.3]], "grid": [0.0, "a"]}


def test_what_is_right_already_is_shared() -> None:
    tree = {"ents": {1: {"x": 0.25, "pos": [1.5]}, 2: {"x": 1.0}}, "other": {"x": 1.11}}
    declared = root_of({"ents.*.x": 0.01, "ents.*.pos": 0.5})
    assert rounded_part(tree, declared) is tree
    tree["ents"][2]["x"] = 1.001
    made = rounded_part(tree, declared)
    assert made["ents"][1] is tree["ents"][1]
    assert made["other"] is tree["other"]
    assert made["ents"][2] == {"x": 1.0}


def test_an_update_keeps_its_marks() -> None:
    declared = root_of({"ents.*.x": 0.01})
    assert rounded_part({"ents": {1: TO_DELETE, 2: {"x": 0.123}}}, declared) == {"ents": {1: TO_DELETE, 2: {"x": 0.12}}}


def test_a_key_that_is_named_counts_before_the_star_and_inherits_from_it() -> None:
    root = root_of({"ents.*.x": 0.01, "ents.7.x": 1.0, "ents.7.y": 0.1, "ents.boss.*": 0.5})
    seven, other, boss = (root.below("ents").below(key) for key in (7, 8, "boss"))
    assert [seven.below(name).scale for name in "xy"] == [1.0, 10.0]
    assert root.below("ents").below("7") is seven
    assert other.below("x").scale == 100.0
    assert other.below("y") is None
    assert [boss.below(name).scale for name in "xy"] == [100.0, 2.0]


def test_nothing_declared_has_no_places() -> None:
    assert Precision.parse(None).root is None
    assert Precision.parse({}).root is None
    assert Precision.decode(NO_PRECISION.encode()).root is None


def test_the_table_arrives_as_it_was_sent() -> None:
    declared = {"ents.*.x": 0.01, "a.pos": 0.3, "b": 2}
    precision = Precision.parse(declared)
    assert precision.table() == {"ents.*.x": 100, "a.pos": 0.3, "b": 2.0}
    received = Precision.decode(precision.encode())
    assert exact(received.table()) == exact(precision.table())
    assert received.declared() == {"ents.*.x": 0.01, "a.pos": 0.3, "b": 2.0}


@given(trees)
def test_rounding_twice_changes_nothing_more(tree: dict[Any, Any]) -> None:
    declared = root_of({"*": 0.1, "*.*": 0.01, "*.*.*": 0.3})
    once = rounded_part(tree, declared)
    assert rounded_part(once, declared) is once


@given(trees, st.sampled_from([0.01, 0.3]))
def test_a_rounded_tree_equals_its_source_within_the_precision(tree: dict[Any, Any], step: float) -> None:
    declared = root_of({"*": step, "*.*": step})
    assert equal_within(rounded_part(tree, declared), tree, declared)


@pytest.mark.parametrize(
    ("a", "b"),
    [(1.0, 1.0201), (1.0, 1), (math.nan, 1.0), ([1.0], [1.0, 1.0]), ({"x": 1.0}, {}), ({"x": 1.0}, {"y": 1.0}), (1, 2)],
)
def test_what_is_not_equal_within_the_precision(a: Any, b: Any) -> None:
    root = root_of({"v": 0.01, "v.x": 0.01, "v.y": 0.01})
    assert not equal_within({"v": a}, {"v": b}, root)


def test_without_a_declaration_equal_is_exactly_equal() -> None:
    root = root_of({"v": 0.01})
    assert not equal_within({"w": 1.0}, {"w": 1.0000001}, root)
    assert not equal_within(1.0, 1.0000001, None)
    assert equal_within({"v": math.inf, "w": 2.0}, {"v": math.inf, "w": 2.0}, root)


@pytest.mark.parametrize(
    ("declared", "words"),
    [
        ([("x", 1)], "must be a dict of paths and steps"),
        ({"x": 0}, "a number from 1e-09 to 1e+09"),
        ({"x": -1.0}, "got -1.0"),
        ({"x": math.nan}, "got nan"),
        ({"x": True}, "got True"),
        ({"x": "0.01"}, "got '0.01'"),
        ({"a..x": 0.01}, "malformed"),
        ({3: 0.01}, "a path is a str"),
        ({".".join("a" * 80): 0.01}, "80 keys, at most 64"),
        ({f"k{n}": 0.01 for n in range(MAX_PATHS + 1)}, "at most 64 paths"),
        ({"x" * MAX_TABLE_BYTES: 0.01}, "at most 64 paths and 800 bytes"),
        ({".".join("a" if i == n else "*" for i in range(16)): 0.01 for n in range(16)}, "more than 4,096 places"),
    ],
)
def test_a_wrong_declaration_is_refused_with_a_sentence(declared: Any, words: str) -> None:
    with pytest.raises(InvalidValue, match=words.replace("+", "[+]")):
        Precision.parse(declared)


@pytest.mark.parametrize(
    "received",
    [
        [],
        None,
        {1: 100},
        {"x": "1"},
        {"x": 0},
        {"x": -5},
        {"x": True},
        {"x": 2**40},
        {"x": math.nan},
        {"x": 0.0},
        {"x": math.inf},
        {"a..x": 100},
        {"": 100},
        {f"k{n}": 1 for n in range(MAX_PATHS + 1)},
        {".".join("a" if i == n else "*" for i in range(14)): 100 for n in range(14)},
    ],
)
def test_a_wrong_table_from_the_wire_is_malformed(received: Any) -> None:
    with pytest.raises(MalformedPacket):
        Precision.decode(pack(received))


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x81", b"\x81\xa1x", b"x" * 801, b"\x81\xa1x\x91\x01", b"\x80\x80"])
def test_bytes_that_are_no_table_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        Precision.decode(data)
