"""``pygase.changes``: the update that leads from any state to any other, and no larger than it must be."""

import copy
from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given

from pygase import TO_DELETE, GameState, GameStateStore, GameStateUpdate, changes
from pygase._state.tree import Tree
from tests.support.trees import exact, merge, trees


@given(trees, trees)
def test_an_update_leads_exactly_from_any_state_to_any_other(before: Tree, after: Tree) -> None:
    assert exact(merge(before, changes(before, after), {})) == exact(after)


@given(trees)
def test_equal_states_have_no_changes_even_if_they_share_nothing(state: Tree) -> None:
    assert changes(state, copy.deepcopy(state)) == {}


@given(trees, trees)
def test_both_states_stay_as_they_are(before: Tree, after: Tree) -> None:
    were = exact(before), exact(after)
    changes(before, after)
    assert (exact(before), exact(after)) == were


def test_only_the_changed_values_are_in_the_update() -> None:
    assert changes({0: [1, 2], 1: 3}, {0: [1, 2], 1: 4, 2: 0}) == {1: 4, 2: 0}
    before = {"players": {1: {"x": 0, "name": "Anna"}, 2: {"x": 5}}, "score": [0, 0]}
    after = {"players": {1: {"x": 1, "name": "Anna"}, 2: {"x": 5}}, "score": [0, 0]}
    assert changes(before, after) == {"players": {1: {"x": 1}}}


def test_missing_keys_are_deleted_at_any_depth() -> None:
    before = {"players": {1: {"x": 0}, 2: {"x": 5, "shield": True}}, "bonus": 1}
    after = {"players": {2: {"x": 5}}}
    assert changes(before, after) == {"players": {1: TO_DELETE, 2: {"shield": TO_DELETE}}, "bonus": TO_DELETE}


def test_a_tuple_equals_a_list_because_it_arrives_as_one() -> None:
    assert changes({"at": [1, (2, 3)]}, {"at": (1, [2, 3])}) == {}
    assert changes({"at": [1, 2]}, {"at": (1, 3)}) == {"at": (1, 3)}


@pytest.mark.parametrize(("old", "new"), [(1, 1.0), (1, True), (0.0, -0.0), ([1], [1.0])])
def test_values_of_other_types_are_changes(old: Any, new: Any) -> None:
    assert exact(changes({"x": old}, {"x": new})["x"]) == exact(new)


def test_subclasses_of_dict_are_compared_key_by_key() -> None:
    before = OrderedDict(match=OrderedDict(ball=1, score=0))
    assert changes(before, {"match": {"ball": 2, "score": 0}}) == {"match": {"ball": 2}}


def test_a_game_state_can_be_compared_and_its_own_attributes_are_left_out() -> None:
    state = GameState(match={"ball": 1, "score": 0}, map="meadow")
    update = changes(state, {"match": {"ball": 2, "score": 0}, "map": "meadow"})
    assert update == {"match": {"ball": 2}}
    assert changes(state, GameState(time_order=7, match={"ball": 1, "score": 0}, map="meadow")) == {}


def test_a_store_accepts_the_update() -> None:
    store = GameStateStore(GameState(match={"ball": 1, "serve": "left"}, timer=3))
    store.push_update(GameStateUpdate(**changes(store.get_game_state(), {"match": {"ball": 2}})))
    assert dict(store.get_game_state()) == {"match": {"ball": 2}}


@pytest.mark.parametrize("wrong", [None, [1, 2], "ball", 5])
def test_anything_but_a_state_or_a_dict_is_refused(wrong: Any) -> None:
    with pytest.raises(TypeError, match="takes two states or dicts, got"):
        changes(wrong, {})
    with pytest.raises(TypeError, match="takes two states or dicts, got"):
        changes({}, wrong)
