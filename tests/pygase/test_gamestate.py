"""Game states and updates, as users hold them."""

import copy
import pickle
from typing import Any

import pytest

import pygase
from pygase._state.backing import attributes_read, state_of, time_order_of
from pygase._state.tree import Tree
from pygase.gamestate import TO_DELETE, GameState, GameStateUpdate, GameStatus
from pygase.utils import Sqn

PAUSED, ACTIVE = GameStatus.get("Paused"), GameStatus.get("Active")


def frozen(tree: Tree, tick: int = 5) -> GameState:
    return state_of(GameState, {"game_status": ACTIVE, **tree}, tick)


def test_a_new_state_is_paused_at_time_zero_and_has_what_it_is_given() -> None:
    state = GameState(foo=0.5, bar=[1])
    assert (state.time_order, state.game_status, state.foo, state.bar) == (0, PAUSED, 0.5, [1])
    assert type(state.time_order) is Sqn
    assert state.is_paused()


def test_attributes_can_be_assigned_later() -> None:
    state = GameState()
    state.score = 3
    assert state.score == 3


def test_the_status_tells_whether_it_is_paused() -> None:
    assert not GameState(game_status=ACTIVE).is_paused()
    assert GameStatus.get(ACTIVE) == "Active"
    assert (PAUSED, ACTIVE) == (0, 1)


def test_a_missing_attribute_is_named_and_so_are_those_there_are() -> None:
    state = frozen({"ball": 1})
    with pytest.raises(AttributeError, match=r"no attribute 'bal' .*ball, game_status") as caught:
        _ = state.bal
    assert caught.value.obj is state
    assert not hasattr(state, "bal")
    assert getattr(state, "bal", 7) == 7


def test_what_is_done_to_a_state_that_was_handed_out_reaches_nobody() -> None:
    tree: Tree = {"game_status": ACTIVE, "players": {1: {"pos": [1, 2]}}, "n": 1}
    first, second = state_of(GameState, tree, 5), state_of(GameState, tree, 5)
    first.players[1]["pos"].append(3)
    first.n = 7
    first.players[2] = {}
    assert second.players == {1: {"pos": [1, 2]}}
    assert tree == {"game_status": ACTIVE, "players": {1: {"pos": [1, 2]}}, "n": 1}
    assert first.players == {1: {"pos": [1, 2, 3]}, 2: {}}


def test_attributes_are_copied_when_they_are_first_read_and_only_those() -> None:
    big = {n: {"x": n} for n in range(10)}
    state = frozen({"big": big, "small": 1})
    assert state.small == 1
    assert set(attributes_read(state)) == {"small"}
    read = state.big
    assert read == big
    assert read is not big
    assert state.big is read


def test_an_attribute_can_be_deleted_from_a_state_that_was_handed_out() -> None:
    state = frozen({"a": 1, "b": {"x": 1}})
    del state.a
    assert not hasattr(state, "a")
    assert state.b == {"x": 1}
    with pytest.raises(AttributeError):
        del state.a


def test_states_are_equal_if_all_their_attributes_are() -> None:
    assert frozen({"a": {"b": [1]}}) == frozen({"a": {"b": [1]}})
    assert frozen({"a": 1}) == GameState(5, ACTIVE, a=1)
    assert frozen({"a": 1}) != frozen({"a": 2})
    assert frozen({"a": 1}) != frozen({"a": 1}, tick=6)
    assert frozen({"a": 1}) != frozen({"a": 1, "b": 1})
    assert GameState(a=1) != {"a": 1}
    assert GameState() != GameStateUpdate()


def test_a_state_read_in_part_equals_one_not_read_at_all() -> None:
    one, other = frozen({"a": {"b": 1}, "c": 2}), frozen({"a": {"b": 1}, "c": 2})
    assert one.a == {"b": 1}
    assert one == other


def test_vars_and_repr_show_all_attributes_read_or_not() -> None:
    state = frozen({"a": {"b": 1}})
    assert vars(state) == {"time_order": 5, "game_status": ACTIVE, "a": {"b": 1}}
    assert repr(frozen({"a": 1})) == "GameState(time_order=5, game_status=1, a=1)"


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy, lambda s: pickle.loads(pickle.dumps(s))])
@pytest.mark.parametrize("state", [GameState(7, 1, a={"b": [1]}), frozen({"a": {"b": [1]}}, tick=7)])
def test_states_can_be_copied_and_pickled(way: Any, state: GameState) -> None:
    copied = way(state)
    assert type(copied) is GameState
    assert copied == state
    assert type(copied.time_order) is Sqn
    copied.new = 1
    assert not hasattr(state, "new")


def test_a_deep_copy_shares_nothing() -> None:
    state = frozen({"a": {"b": [1]}})
    copied = copy.deepcopy(state)
    copied.a["b"].append(2)
    assert state.a == {"b": [1]}


class Arena(GameState):
    """A game's own class of states."""

    def corner(self) -> Any:
        return self.walls[0]


def test_a_subclass_keeps_its_class_when_copied() -> None:
    arena = Arena(walls=[1, 2])
    for copied in (copy.deepcopy(arena), copy.copy(arena), pickle.loads(pickle.dumps(arena))):
        assert type(copied) is Arena
        assert copied.corner() == 1
        assert copied == arena


@pytest.mark.parametrize("state", [GameState(9, ACTIVE, a={"b": [1], 7: b"x"}), frozen({"a": {"b": [1]}}, 9)])
def test_a_state_survives_the_way_to_bytes_and_back(state: GameState) -> None:
    back = GameState.from_bytes(state.to_bytes())
    assert back == state
    assert type(back.time_order) is Sqn
    assert back.time_order == 9


def test_states_and_updates_are_ordered_by_time_across_the_wrap() -> None:
    assert GameState(5) < GameState(6)
    assert GameState(3) > GameState(65530)
    assert GameStateUpdate(65530) < GameStateUpdate(3)
    assert GameStateUpdate(3) > GameState(65530)
    assert GameState.from_bytes(GameState(3).to_bytes()) > GameState(65530)


@pytest.mark.parametrize(
    ("tick", "order"), [(0, 0), (1, 1), (65535, 65535), (65536, 1), (65537, 2), (2 * 65535 + 1, 1)]
)
def test_the_time_order_of_a_tick_wraps_from_65535_to_1(tick: int, order: int) -> None:
    assert time_order_of(tick) == order
    assert type(time_order_of(tick)) is Sqn


@pytest.mark.parametrize("wrong", ["1", None, 1.5])
def test_a_time_order_that_is_no_int_is_a_type_error(wrong: Any) -> None:
    with pytest.raises(TypeError):
        GameState(wrong)
    with pytest.raises(TypeError):
        GameStateUpdate(wrong)


# -- updates ---------------------------------------------------------------------------------------------------------


def test_an_update_added_to_a_state_changes_it_deeply() -> None:
    state = GameState(1, players={1: {"x": 0, "y": 0}}, gone=1, map=[1])
    result = state + GameStateUpdate(2, players={1: {"x": 5}, 2: {"x": 1}}, gone=TO_DELETE, map=[2])
    assert result is state
    assert state.players == {1: {"x": 5, "y": 0}, 2: {"x": 1}}
    assert not hasattr(state, "gone")
    assert state.map == [2]
    assert state.time_order == 2


@pytest.mark.parametrize(("order", "other"), [(5, 4), (3, 65530), (40000, 39999), (1, 65535)])
def test_an_update_older_than_the_state_does_not_change_it(order: int, other: int) -> None:
    state = GameState(order, x=1)
    state += GameStateUpdate(other, x=2)
    assert (state.x, state.time_order) == (1, order)


@pytest.mark.parametrize("order", [0, 5])
def test_an_update_of_the_same_order_or_none_is_news_and_leaves_the_order(order: int) -> None:
    state = GameState(5, players={1: {"x": 1}})
    state = state + GameStateUpdate(order, players={2: {"x": 2}}) + GameStateUpdate(order, players={3: {"x": 3}})
    assert state.players == {1: {"x": 1}, 2: {"x": 2}, 3: {"x": 3}}
    assert state.time_order == 5
    assert type(state.time_order) is Sqn


def test_news_wins_over_an_update_that_it_is_added_to() -> None:
    combined = GameStateUpdate(5, x=1, y=1) + GameStateUpdate(0, x=2)
    assert (combined.x, combined.y, combined.time_order) == (2, 1, 5)
    combined = GameStateUpdate(0, x=1) + GameStateUpdate(5, x=2)
    assert (combined.x, combined.time_order) == (2, 5)


def test_updates_added_to_one_another_keep_deletions_and_the_newer_wins_in_either_order() -> None:
    older = GameStateUpdate(1, a={"x": 1, "y": 1}, b=1)
    newer = GameStateUpdate(2, a={"x": 2, "y": TO_DELETE}, c=TO_DELETE)
    for combined in (older + newer, newer + older):
        assert combined.time_order == 2
        assert combined.a == {"x": 2, "y": TO_DELETE}
        assert (combined.b, combined.c) == (1, TO_DELETE)
    assert older.a == {"x": 1, "y": 1}
    assert newer.a == {"x": 2, "y": TO_DELETE}


def test_a_sum_of_updates_is_an_update() -> None:
    assert sum(GameStateUpdate(n, **{f"k{n}": n}) for n in range(1, 4)) == GameStateUpdate(3, k1=1, k2=2, k3=3)


def test_a_combined_update_does_not_share_what_the_state_will_change() -> None:
    update = GameStateUpdate(1, a={"x": {"deep": [1]}})
    state = GameState() + update
    state.a["x"]["deep"].append(2)
    assert update.a == {"x": {"deep": [1]}}


def test_an_update_survives_the_way_to_bytes_and_back() -> None:
    update = GameStateUpdate(5, a={"b": 1})
    assert GameStateUpdate.from_bytes(update.to_bytes()) == update
    assert type(GameStateUpdate.from_bytes(update.to_bytes()).time_order) is Sqn


def test_adding_anything_else_is_a_type_error() -> None:
    with pytest.raises(TypeError):
        GameStateUpdate(1) + 5
    with pytest.raises(TypeError):
        "x" + GameStateUpdate(1)


def test_the_public_names_are_these_objects() -> None:
    assert pygase.GameState is GameState
    assert pygase.TO_DELETE is TO_DELETE
