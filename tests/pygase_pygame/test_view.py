"""The game state of one frame."""

from __future__ import annotations

import copy

import pytest

from pygase import GameState, GameStateStore, GameStatus
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


STATE = {"ball": {"x": 1}, "score": 3, "nobody": None, "game_status": 1}


@pytest.mark.parametrize("shared", [False, True])
def test_a_view_a_game_state_and_a_dict_are_read_alike(shared):
    view, plain = View(STATE, shared=shared), {name: STATE[name] for name in STATE if name != "game_status"}
    store = GameStateStore(GameState(**STATE))
    for state in (view, store.get_game_state(), store.plumbing.begin_tick(), GameState(**STATE)):
        assert dict(state) == {**state} == dict(state.items()) == plain
        assert list(state) == list(state.keys()) == list(plain)
        assert list(state.values()) == list(plain.values())
        assert len(state) == len(plain)
        for name in ("ball", "score", "nobody", "game_status"):
            assert name in state
            assert getattr(state, name) == state[name] == state.get(name, 5) == STATE[name]
        assert state.get("nothing", 5) == 5
        assert "nothing" not in state
        assert not state.is_paused()


def test_the_sentences_of_a_view_and_of_a_game_state_are_alike():
    sentences = set()
    for state in (View(STATE), GameState(**STATE)):
        for read in (lambda state: state.scor, lambda state: state["scor"]):
            with pytest.raises((AttributeError, KeyError)) as caught:
                read(state)
            sentences.add(str(caught.value).replace("view", "game_state"))
    (sentence,) = sentences
    assert sentence == (
        "the game state has no attribute 'scor' (it has: ball, nobody, score, game_status). Did you mean 'score'? "
        "While it may be missing, write game_state.get('scor', default)"
    )


def test_an_empty_view_is_false_and_so_is_an_empty_dict():
    assert not View({}, ready=False)
    assert View({"score": 0})


NAMES = ["items", "values", "keys", "get", "is_paused", "ready"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shared", [False, True])
def test_what_the_game_calls_like_a_name_of_the_views_own_wins(name, shared):
    view = View({name: {"sword": 1}, "score": 3}, shared=shared)
    assert getattr(view, name) == view[name] == {"sword": 1}
    assert name in view
    assert dict(view) == {**view} == {name: {"sword": 1}, "score": 3}
    assert copy.deepcopy(view) == view


def test_a_view_in_a_game_with_keys_can_be_made_a_dict_whatever_they_are():
    for keys in (["red"], {"red": 1}, 3, 0.5, "red", b"red"):
        view = View({"keys": keys, "score": 3})
        assert view.keys == keys
        assert dict(view) == {"keys": keys, "score": 3}


def test_a_view_is_read_only():
    view = View({"score": 1})
    with pytest.raises(AttributeError, match="send the server an event"):
        view.score = 2
    with pytest.raises(AttributeError, match="read-only"):
        view.ready = False
    with pytest.raises(TypeError, match=r"read-only: to change 'score', send the server an event"):
        view["score"] = 2
    with pytest.raises(TypeError, match="read-only"):
        del view["score"]
    with pytest.raises(AttributeError, match="read-only"):
        del view.score
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
