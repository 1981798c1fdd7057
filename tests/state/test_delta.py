"""Deltas: every change between two states arrives exactly, and shared parts stay untouched."""

import copy
import math
from typing import Any

import pytest
from hypothesis import example, given

from pygase._state.codec import pack, unpack
from pygase._state.delta import apply, diff
from pygase._state.tree import MAX_DEPTH, TO_DELETE, Tree
from pygase.errors import MalformedPacket
from tests.support.trees import exact, merge, trees


@given(trees, trees)
@example({"x": 1}, {"x": 1.0})
@example({"x": 1}, {"x": True})
@example({"x": 0.0}, {"x": -0.0})
@example({"x": math.nan}, {"x": math.nan})
@example({"x": {"y": 1}}, {"x": {}})
@example({"x": {}}, {"x": []})
@example({"x": []}, {"x": {}})
@example({"x": None}, {})
@example({}, {"x": None})
@example({"x": {"y": {"a": 1}}}, {"x": {"y": 1}})
@example({"x": [1, 2]}, {"x": [1, True]})
@example({1: "int"}, {"1": "str"})
def test_a_delta_leads_exactly_from_any_state_to_any_other(old: Tree, new: Tree) -> None:
    delta = unpack(pack(diff(old, new)), markers=True)
    assert exact(apply(old, delta)) == exact(new)


@given(trees, trees)
def test_neither_making_nor_applying_a_delta_changes_anything_there_was(old: Tree, new: Tree) -> None:
    before = exact(old), exact(new)
    delta = diff(old, new)
    delta_before = exact(unpack(pack(delta), markers=True))
    made = apply(old, delta)
    made["scribble"] = 1
    assert (exact(old), exact(new)) == before
    assert exact(unpack(pack(delta), markers=True)) == delta_before


@given(trees, trees, trees)
def test_deltas_of_merged_states_are_exact_too(state: Tree, update: Tree, second: Tree) -> None:
    """As in the server: states that share structure, each made by merging into the last."""
    first = merge(state, copy.deepcopy(update), {})
    then = merge(first, copy.deepcopy(second), {})
    assert exact(apply(state, unpack(pack(diff(state, then)), markers=True))) == exact(then)
    assert exact(apply(first, unpack(pack(diff(first, then)), markers=True))) == exact(then)


@given(trees)
def test_a_state_has_no_difference_to_itself(state: Tree) -> None:
    assert diff(state, state) == {}


def test_branches_that_both_share_are_not_looked_into() -> None:
    class Untouchable(dict[Any, Any]):
        def items(self) -> Any:
            raise AssertionError("looked into")

    shared = Untouchable(a=1)
    assert diff({"same": shared, "x": 1}, {"same": shared, "x": 2}) == {"x": 2}


def test_only_the_changed_path_is_in_the_delta() -> None:
    old = {"players": {1: {"x": 0, "name": "Anna"}, 2: {"x": 5}}, "score": [0, 0]}
    new = {**old, "players": {**old["players"], 1: {"x": 1, "name": old["players"][1]["name"]}}}
    assert diff(old, new) == {"players": {1: {"x": 1}}}


def test_what_does_not_change_is_shared_by_the_new_state() -> None:
    old: Tree = {"map": {"wall": [1, 2]}, "x": 1}
    new = apply(old, {"x": 2})
    assert new["map"] is old["map"]
    assert old == {"map": {"wall": [1, 2]}, "x": 1}


def test_creating_and_deleting_within_one_window_leaves_nothing() -> None:
    base: Tree = {"shots": {}}
    created = merge(base, {"shots": {7: {"x": 1}}}, {})
    deleted = merge(created, {"shots": {7: TO_DELETE}}, {})
    assert diff(base, deleted) == {}
    assert apply(created, unpack(pack(diff(created, deleted)), markers=True)) == {"shots": {}}


def test_deleting_and_creating_again_is_a_fresh_branch() -> None:
    base: Tree = {"shots": {7: {"x": 1, "old": True}}}
    gone = merge(base, {"shots": {7: TO_DELETE}}, {})
    again = merge(gone, {"shots": {7: {"x": 2}}}, {})
    assert apply(base, unpack(pack(diff(base, again)), markers=True)) == {"shots": {7: {"x": 2}}}


def test_deleting_what_is_not_there_is_no_error() -> None:
    assert apply({"x": 1}, {"y": TO_DELETE}) == {"x": 1}


@pytest.mark.parametrize("delta", [None, 5, [1], "x", TO_DELETE])
def test_a_delta_that_is_no_dict_is_refused(delta: Any) -> None:
    with pytest.raises(MalformedPacket):
        apply({}, delta)


def test_a_delta_nested_without_end_is_refused() -> None:
    delta: Tree = {}
    for _ in range(MAX_DEPTH + 2):
        delta = {"x": delta}
    with pytest.raises(MalformedPacket):
        apply({}, delta)
