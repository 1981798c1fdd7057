"""An update with a Whole: exactly this is there now."""

import copy
import random
import sys
from typing import Any

import pytest
from hypothesis import given

from pygase import (
    RELIABLE,
    TO_DELETE,
    Backend,
    Client,
    GameState,
    GameStateStore,
    GameStateUpdate,
    InvalidValue,
    Whole,
)
from pygase._server.draft import Draft
from pygase._state.delta import apply
from pygase._state.merging import UpdateReader
from pygase._state.tree import Tree
from pygase.testing import SimulatedNetwork
from tests.support.trees import exact, random_value, trees


def changed(state: Tree, update: Any) -> Tree:
    """Return what an update makes of a state."""
    return apply(state, UpdateReader().changes(state, update, "update"))


@given(trees, trees)
def test_under_a_key_there_is_exactly_what_the_whole_has(before: Tree, after: Tree) -> None:
    kept = exact(before), exact(after)
    assert exact(changed({"x": before, "y": 1}, {"x": Whole(after)})) == exact({"x": after, "y": 1})
    assert exact(changed({"y": 1}, {"x": Whole(after)})) == exact({"x": after, "y": 1})
    assert exact(changed({"x": 5}, {"x": Whole(after)})) == exact({"x": after})
    assert exact(changed({"a": {"x": before}}, {"a": {"x": Whole(after)}})) == exact({"a": {"x": after}})
    assert (exact(before), exact(after)) == kept


def test_on_many_random_trees_the_delta_has_nothing_but_the_differences() -> None:
    rng = random.Random(3)
    for _ in range(3000):
        before, after = random_value(rng, 3), random_value(rng, 3)
        if type(before) is not dict or type(after) is not dict:
            continue
        assert exact(changed({"x": before}, {"x": Whole(after)})["x"]) == exact(after)
        assert UpdateReader().changes({"x": after}, {"x": Whole(copy.deepcopy(after))}, "update") == {}


def test_what_stays_is_the_very_object() -> None:
    state: Tree = {"aliens": {1: {"x": 1.0, "tags": [1, 2]}, 2: {"x": 2.0}, 3: {"x": 3.0}}}
    delta = UpdateReader().changes(state, {"aliens": Whole({1: {"x": 1.0, "tags": [1, 2]}, 2: {"x": 5.0}})}, "update")
    assert delta == {"aliens": {2: {"x": 5.0}, 3: TO_DELETE}}
    assert apply(state, delta)["aliens"][1] is state["aliens"][1]


def test_dicts_inside_are_whole_too_and_markers_inside_change_nothing() -> None:
    state: Tree = {"a": {"b": {"c": 1, "d": 2}, "e": 3}}
    assert changed(state, {"a": Whole({"b": {"c": 1}})}) == {"a": {"b": {"c": 1}}}
    assert changed(state, {"a": Whole({"b": {"c": TO_DELETE, "d": 2}, "e": TO_DELETE})}) == {"a": {"b": {"d": 2}}}
    assert changed(state, {"a": Whole({"b": Whole({"d": 2})})}) == {"a": {"b": {"d": 2}}}
    assert changed({}, {"a": {"b": Whole({"c": {"d": Whole({})}})}}) == {"a": {"b": {"c": {"d": {}}}}}


def test_an_empty_whole_leaves_an_empty_dict() -> None:
    assert changed({"a": {"b": 1}}, {"a": Whole({})}) == {"a": {}}


@pytest.mark.parametrize("wrong", [None, 3, [1], {1, 2}])
def test_it_takes_a_dict(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"Whole\(\.\.\.\) takes a dict"):
        Whole(wrong)


def test_what_cannot_be_sent_is_refused_with_its_path() -> None:
    with pytest.raises(InvalidValue, match=r"update\.a\.b\[1\]"):
        UpdateReader().changes({}, {"a": Whole({"b": [0, object()]})}, "update")
    with pytest.raises(InvalidValue, match=r"update\.a\.b"):
        UpdateReader().changes({"a": {"b": 1}}, {"a": Whole({"b": object()})}, "update")


def test_it_has_its_place_in_an_update_alone() -> None:
    with pytest.raises(InvalidValue, match=r"update\.a\[0\] is a Whole, which"):
        UpdateReader().changes({}, {"a": [Whole({})]}, "update")
    with pytest.raises(InvalidValue, match="is a Whole, which has its place in an update, as"):
        GameStateStore(GameState(a=Whole({})))
    with pytest.raises(InvalidValue, match="is a Whole, which has its place in an update, as"):
        Backend(GameState(), lambda game_state, dt: {}).server.dispatch_event("E", Whole({}), retries=RELIABLE)


def test_as_the_whole_update_it_removes_attributes_but_none_of_pygases_own() -> None:
    draft = Draft(GameState, 10_000, 10_000)
    draft.apply({"a": 1, "b": {"c": 2, "d": 3}, "game_status": 1})
    draft.apply(Whole({"b": {"d": 3}, "e": 4}))
    assert {k: v for k, v in draft.tree.items() if k != "time_order"} == {"b": {"d": 3}, "e": 4, "game_status": 1}
    with pytest.raises(InvalidValue, match="attribute names"):
        draft.apply(Whole({1: 2}))
    with pytest.raises(InvalidValue, match="time_order"):
        draft.apply(Whole({"time_order": 2}))


def test_a_pushed_update_may_have_one() -> None:
    store = GameStateStore(GameState(players={1: {"x": 1}, 2: {"x": 2}}, score=3))
    store.push_update(GameStateUpdate(1, players=Whole({2: {"x": 5}, 3: {"x": 6}})))
    state = store.get_game_state()
    assert state.players == {2: {"x": 5}, 3: {"x": 6}}
    assert state.score == 3


def test_updates_and_states_that_are_added_up_know_it() -> None:
    first = GameStateUpdate(1, players=Whole({1: {"x": 1}, 2: {"x": 2}}))
    merged = first + GameStateUpdate(2, players={1: TO_DELETE, 2: {"y": 3}, 4: {"x": 4}})
    state = GameState(players={9: {"x": 9}}) + merged
    assert state.players == {2: {"x": 2, "y": 3}, 4: {"x": 4}}
    later = merged + GameStateUpdate(3, players=Whole({5: {"x": 5}}))
    assert (GameState(players={9: {"x": 9}}) + later).players == {5: {"x": 5}}
    assert first.players.mapping == {1: {"x": 1}, 2: {"x": 2}}


class Alien:
    """An object that changes in place."""

    def __init__(self, x: float) -> None:
        self.x = x

    def data(self) -> dict[str, float]:
        return {"x": self.x}


def test_a_game_of_objects_needs_no_bookkeeping() -> None:
    aliens = {n: Alien(n * 10.0) for n in range(5)}
    next_key = 5

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        nonlocal next_key
        for alien in aliens.values():
            alien.x += 1.0
        for key in [key for key, alien in aliens.items() if alien.x > 45.0]:
            del aliens[key]
            aliens[next_key] = Alien(0.0)
            next_key += 1
        return {"aliens": Whole({key: alien.data() for key, alien in aliens.items()})}

    network = SimulatedNetwork(seed=1)
    network.serve(Backend(GameState(aliens={}), time_step), interval=1 / 30)
    client = Client()
    network.connect(client)
    network.run(3.0)
    assert next_key > 6
    newest = client.snapshots[-1].state["aliens"]
    assert len(newest) == 5
    assert min(newest) > 0
    assert max(newest) < next_key


@pytest.mark.interpreted
@pytest.mark.parametrize("moving", [300, 30])
def test_a_whole_costs_about_what_the_merge_of_the_same_update_costs(moving: int) -> None:
    """Of 300 things. Counted in executed lines, which are the same on every machine."""
    tree = {"ents": {key: {"x": 1.0 * key, "y": 2.0, "hp": 100, "kind": "alien"} for key in range(300)}}
    moved = {key: {**thing, "x": thing["x"] + (key < moving)} for key, thing in tree["ents"].items()}
    merge, whole = (lines_of(UpdateReader(), tree, {"ents": each}) for each in (moved, Whole(moved)))
    assert merge > 1500
    assert whole <= 1.2 * merge


def lines_of(reader: UpdateReader, tree: Any, update: Any) -> int:
    """Return the number of lines that an update executes."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        reader.attribute_changes(tree, update, "update")
    finally:
        sys.settrace(before)
    return count


def test_a_marker_of_what_is_not_there_hides_nothing_that_has_gone() -> None:
    """Both have one key, and they are different ones."""
    assert changed({"a": {1: 5}}, {"a": Whole({2: TO_DELETE})}) == {"a": {}}
    assert changed({"a": {1: {"x": 1}}}, {"a": Whole({1: {"y": TO_DELETE}})}) == {"a": {1: {}}}
    assert changed({"a": {1: 5}}, {"a": Whole({2: 5})}) == {"a": {2: 5}}
