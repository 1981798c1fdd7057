"""Merging: an update is checked, compared and merged in one walk, and the delta that it makes is exact."""

import copy
import random
from typing import Any

import pytest
from hypothesis import given

from pygase._state.codec import pack
from pygase._state.delta import apply, diff
from pygase._state.merging import UpdateReader, compose, merged
from pygase._state.sizes import StateSize
from pygase._state.tree import MAX_DEPTH, MAX_INT, TO_DELETE, Cleaner, Tree, as_lists, exactly_equal
from pygase.errors import InvalidValue
from tests.support.trees import exact, merge, merged_plainly, random_update, random_value, trees

# -- merging ---------------------------------------------------------------------------------------------------------


@given(trees, trees, trees)
def test_merging_is_deep_and_leaves_what_was_handed_out_alone(state: Tree, first: Tree, second: Tree) -> None:
    before = exact(state), exact(first), exact(second)
    once = merge(state, first, {})
    assert exact(once) == exact(merged_plainly(state, first))
    kept = exact(once)
    twice = merge(once, second, {})
    assert exact(twice) == exact(merged_plainly(once, second))
    assert exact(once) == kept
    assert (exact(state), exact(first), exact(second)) == before


@given(trees, trees, trees)
def test_many_updates_of_one_tick_give_the_same_as_one_after_the_other(state: Tree, first: Tree, second: Tree) -> None:
    before = exact(state), exact(first), exact(second)
    owned: dict[int, Tree] = {}
    result = merge(merge(state, first, owned), second, owned)
    assert exact(result) == exact(merged_plainly(merged_plainly(state, first), second))
    assert (exact(state), exact(first), exact(second)) == before


@given(trees)
def test_an_update_that_says_nothing_new_keeps_the_very_object(state: Tree) -> None:
    assert merge(state, copy.deepcopy(state), {}) is state
    assert merge(state, {"missing!": TO_DELETE}, {}) is state


def test_within_a_tick_a_dict_is_copied_only_once() -> None:
    state: Tree = {"players": {n: {"x": 0} for n in range(3)}}
    owned: dict[int, Tree] = {}
    first = merge(state, {"players": {0: {"x": 1}}}, owned)
    second = merge(first, {"players": {1: {"x": 1}}}, owned)
    assert second is first
    assert second["players"] is first["players"]
    assert state == {"players": {n: {"x": 0} for n in range(3)}}
    assert second["players"][2] is state["players"][2]


def test_an_update_is_never_part_of_the_state_that_later_updates_change_in_place() -> None:
    owned: dict[int, Tree] = {}
    update = {"new": {"inner": {"x": 1}}}
    state = merge({}, update, owned)
    state = merge(state, {"new": {"inner": {"x": 2}}}, owned)
    assert update == {"new": {"inner": {"x": 1}}}
    assert state == {"new": {"inner": {"x": 2}}}


def test_deletions_work_at_any_depth_and_replace_nothing_else() -> None:
    state: Tree = {"a": {"b": {"c": 1, "d": 2}}, "e": 3}
    assert merge(state, {"a": {"b": {"c": TO_DELETE}}}, {}) == {"a": {"b": {"d": 2}}, "e": 3}
    assert merge(state, {"a": TO_DELETE}, {}) == {"e": 3}
    assert merge({}, {"a": {"b": TO_DELETE, "c": 1}}, {}) == {"a": {"c": 1}}
    assert merge({"a": 5}, {"a": {"b": TO_DELETE}}, {}) == {"a": {}}


def test_type_changes_count_as_changes() -> None:
    for old, new in ((1, 1.0), (1, True), (0.0, -0.0), ([1], [1.0])):
        result = merge({"x": old}, {"x": new}, {})
        assert exactly_equal(result["x"], new)


# -- one walk does the work of checking, merging and comparing ---------------------------------------------------------


class Tick:
    """Updates of one tick, each merged as the server does it."""

    def __init__(self, base: Tree) -> None:
        self.base = self.tree = base
        self.owned: dict[int, Tree] = {}
        self.delta: Tree = {}
        self.reader = UpdateReader()

    def apply(self, update: Tree) -> None:
        delta = self.reader.changes(self.tree, update, "update")
        if not delta:
            return
        self.tree = merged(self.tree, delta, self.owned)
        if self.delta:
            compose(self.delta, delta, self.base, self.tree)
        else:
            self.delta = delta


@pytest.mark.parametrize("part", range(4))
def test_the_deltas_of_a_tick_lead_exactly_from_its_first_tree_to_its_last(rng: random.Random, part: int) -> None:
    """Against the definitions: merging without a thought for speed, and a comparison of the two whole trees."""
    for _ in range(600):
        base = {key: random_value(rng, 3) for key in ("a", "b", 1, 2)}
        base_before, tick, plain = exact(base), Tick(base), base
        for _ in range(rng.randrange(1, 6)):
            update = random_update(rng, tick.tree)
            update_before = exact(as_lists(update))
            tick.apply(update)
            plain = merged_plainly(plain, as_lists(update))
            assert exact(tick.tree) == exact(plain)
            assert exact(tick.delta) == exact(diff(base, tick.tree, exactly_equal))
            assert exact(apply(base, tick.delta)) == exact(plain)
            assert exact(as_lists(update)) == update_before
        assert exact(base) == base_before


def test_what_an_update_adds_is_never_more_than_it_is_counted_for(rng: random.Random) -> None:
    for _ in range(2_000):
        tick = Tick({key: random_value(rng, 3) for key in ("a", "b", 1, 2)})
        for _ in range(3):
            before = tick.tree
            tick.apply(random_update(rng, before))
            assert len(pack(tick.tree)) - len(pack(before)) <= tick.reader.size_bytes
            assert 5 * (values_in(tick.tree) - values_in(before)) <= tick.reader.size_bytes


def values_in(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + sum(1 + values_in(item) for item in value.values())
    return 1 + (sum(map(values_in, value)) if isinstance(value, list) else 0)


def test_numbers_that_change_all_the_time_never_have_the_state_measured() -> None:
    size, reader = StateSize(1_000, 100), UpdateReader()
    tree = {"ents": {n: {"x": 0.0, "hp": 100} for n in range(8)}}
    size.measure(tree)
    for turn in range(1, 10_000):
        delta = reader.attribute_changes(tree, {"ents": {turn % 8: {"x": turn * 0.1, "hp": 100}}}, "update")
        assert not size.may_be_reached(reader.size_bytes)
        tree = merged(tree, delta, {})


BAD = [object(), MAX_INT + 1, {1.5: 0}, {True: 0}, "\ud800", {"\ud800": 1}, [1, TO_DELETE], {1, 2}, [[{"x": len}]]]


def test_what_cannot_be_sent_is_refused_in_the_words_of_a_whole_check(rng: random.Random) -> None:
    for turn in range(1_000):
        tree = {"a": random_value(rng, 3), "b": random_value(rng, 3)}
        update: Tree = {"a": random_update(rng, tree), "b": 1}
        node = update
        while rng.random() < 0.5 and (inner := [item for item in node.values() if isinstance(item, dict)]):
            node = rng.choice(inner)
        node[rng.choice(["a", "odd key", 7, "new"]) if node is not update else "c"] = BAD[turn % len(BAD)]
        before = exact(tree)
        with pytest.raises(InvalidValue) as in_one_walk:
            UpdateReader().attribute_changes(tree, update, "update")
        with pytest.raises(InvalidValue) as checked:
            Cleaner().clean_attributes(update, "update")
        assert str(in_one_walk.value) == str(checked.value)
        assert exact(tree) == before


@pytest.mark.parametrize(
    "update", [5, None, [1], {1: 2}, {"time_order": 5}, {"time_order": TO_DELETE}, {"a": {}, 2: 0}]
)
def test_what_is_no_update_is_refused(update: Any) -> None:
    with pytest.raises(InvalidValue) as found:
        UpdateReader().attribute_changes({}, update, "update")
    with pytest.raises(InvalidValue) as checked:
        Cleaner().clean_attributes(update, "update")
    assert str(found.value) == str(checked.value)


def test_an_update_may_be_as_deep_as_a_state_and_no_deeper() -> None:
    update: Tree = {"x": 1}
    for _ in range(MAX_DEPTH):
        update = {"x": update}
    assert merge({}, update) == update
    assert merge(update, {"x": {"y": 1}})["x"]["y"] == 1
    for tree in ({}, update):
        with pytest.raises(InvalidValue, match="nested deeper than 64 levels"):
            merge(tree, {"x": update})


def test_subclasses_merge_as_what_they_are_built_on() -> None:
    class Table(dict[Any, Any]):
        pass

    tree = {"a": {"x": 1, "y": 2}}
    delta = UpdateReader().changes(tree, {"a": Table(x=1, y=3, z=(1, 2))}, "update")
    assert exact(delta) == exact({"a": {"y": 3, "z": [1, 2]}})
    assert UpdateReader().changes(tree, {"a": Table(x=1, gone=TO_DELETE)}, "update") == {}


def test_a_dict_that_was_removed_and_made_again_in_a_tick_is_compared_with_the_first() -> None:
    base: Tree = {"a": {"x": 1, "y": 2}, "shots": {}}
    tick = Tick(base)
    tick.apply({"a": TO_DELETE, "shots": {7: {"x": 1}}})
    tick.apply({"a": {"y": 2, "z": {"n": 1}}, "shots": {7: TO_DELETE}})
    assert tick.delta == {"a": {"x": TO_DELETE, "z": {"n": 1}}}
    tick.apply({"a": {"z": {"n": 2}}})
    assert tick.delta == {"a": {"x": TO_DELETE, "z": {"n": 2}}}
    tick.apply({"a": {"x": 1, "z": TO_DELETE}})
    assert tick.delta == {}
