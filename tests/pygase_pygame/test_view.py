"""The game state of one frame."""

from __future__ import annotations

import copy

import pytest

from pygase import GameStatus
from pygase_pygame import View


def test_a_view_reads_like_a_game_state_and_like_a_dict():
    view = View({"ball": {"x": 1}, "score": 3})
    assert view.ball == view["ball"] == view.get("ball") == {"x": 1}
    assert "score" in view
    assert {name: view[name] for name in view} == view == {"ball": {"x": 1}, "score": 3}
    assert len(view) == 2
    assert view.ready


def test_before_the_first_state_it_is_empty_and_gives_defaults():
    view = View({}, ready=False)
    assert not view.ready
    assert view.get("ball", "none") == "none"
    assert getattr(view, "ball", "none") == "none"
    assert "ball" not in view


def test_what_is_missing_is_named_together_with_what_there_is_and_what_to_do():
    with pytest.raises(AttributeError, match=r"'bal'.*ball.*view\.get\('bal', default\)"):
        _ = View({"ball": 1}).bal
    with pytest.raises(AttributeError, match="nothing yet"):
        _ = View({}).ball
    with pytest.raises(KeyError):
        View({})["ball"]


def test_a_game_may_call_its_things_keys_and_items_and_values():
    view = View({"keys": {"up": True}, "items": [1], "values": 2})
    assert (view.keys, view.items, view.values) == ({"up": True}, [1], 2)


def test_what_is_called_like_a_name_of_the_views_own_is_found_by_its_key():
    assert View({"ready": 2})["ready"] == 2


def test_a_view_is_read_only():
    view = View({"score": 1})
    with pytest.raises(AttributeError, match="send the server an event"):
        view.score = 2
    with pytest.raises(AttributeError, match="read-only"):
        view.ready = False
    with pytest.raises(TypeError):
        view["score"] = 2
    with pytest.raises(TypeError):
        hash(view)


def test_what_a_game_does_to_a_view_reaches_neither_the_state_nor_the_next_view():
    state = {"players": {"a": {"at": [1, 2], "tags": [["x"]]}}}
    before = copy.deepcopy(state)
    view = View(state)
    view.players["a"]["at"][0] += 100
    view["players"]["a"]["tags"][0].append("y")
    view.get("players")["b"] = {}
    assert state == before == View(state)
    assert view.players["a"]["at"] == [101, 2]


def test_a_shared_view_hands_out_the_state_itself():
    state = {"ball": {"x": 1}}
    assert View(state, shared=True).ball is state["ball"]


def test_a_view_tells_whether_the_game_is_paused():
    assert View({"game_status": GameStatus.get("Paused")}).is_paused()
    assert not View({"game_status": GameStatus.get("Active")}).is_paused()
    assert not View({}).is_paused()


def test_a_view_can_be_copied_and_printed():
    view = View({"score": 1})
    assert copy.copy(view) == copy.deepcopy(view) == view == {"score": 1}
    assert not copy.copy(View({}, ready=False)).ready
    assert repr(view) == "View({'score': 1})"
