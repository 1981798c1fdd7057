"""A state is read alike on both sides: by attribute, by key, and as a dict."""

import copy
import logging
import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateStore, Readable
from pygase._state.backing import source_of
from pygase.gamestate import TO_DELETE
from pygase.testing import SimulatedNetwork

GAME = {"ball": {"x": 1.5}, "score": 3, "names": ["anna", "bo"], "nobody": None}


def given_to_a_client(attributes: dict[str, Any]) -> Any:
    network = SimulatedNetwork()
    network.serve(Backend(GameState(**attributes), lambda game_state, dt: None))
    client = Client()
    network.connect(client)
    network.run(0.5)
    with client.access_game_state() as game_state:
        return game_state


def handed_over(attributes: dict[str, Any]) -> Any:
    state = GameState(**attributes)
    GameStateStore(state).plumbing.begin_tick()
    return state


def given_to_a_time_step(attributes: dict[str, Any]) -> Any:
    return GameStateStore(GameState(**attributes)).plumbing.begin_tick()


def given_and_changed(attributes: dict[str, Any]) -> Any:
    """A state in which some attributes have been read, and each has been set by an update."""
    store = GameStateStore(GameState(ball=1))
    state = store.plumbing.begin_tick()
    assert state.ball == 1
    store.plumbing.apply(attributes)
    store.plumbing.apply({"ball": {"x": 1.5}} if "ball" in attributes else {})
    return state


def assigned_later(attributes: dict[str, Any]) -> Any:
    state = GameState()
    for name, value in attributes.items():
        setattr(state, name, value)
    return state


class Subclass(GameState):
    score = -1


KINDS: list[Callable[[dict[str, Any]], Any]] = [
    lambda attributes: GameState(**attributes),
    lambda attributes: Subclass(**attributes),
    lambda attributes: GameStateStore(Subclass(**attributes)).get_game_state(),
    lambda attributes: GameState.from_bytes(GameState.to_bytes(GameState(**attributes))),
    lambda attributes: copy.deepcopy(GameState(**attributes)),
    assigned_later,
    given_to_a_client,
    given_to_a_time_step,
    given_and_changed,
    handed_over,
]


@pytest.mark.parametrize("kind", KINDS)
def test_a_state_is_read_like_a_dict(kind: Callable[[dict[str, Any]], Any]) -> None:
    state = kind(GAME)
    assert isinstance(state, Readable)
    assert (state.score, state["score"], state.get("score")) == (3, 3, 3)
    assert state.ball is state["ball"] is state.get("ball")
    assert (state.get("nothing"), state.get("nothing", 5), state.get("nobody", 5)) == (None, 5, None)
    assert "score" in state
    assert "nothing" not in state
    assert 7 not in state
    assert len(state) == 4
    assert set(state) == state.keys() == GAME.keys()
    assert sorted(map(str, state.values())) == sorted(map(str, GAME.values()))
    assert dict(state.items()) == dict(state) == {**state} == GAME
    assert state.keys() & {"score", "else"} == {"score"}
    assert ("score", 3) in state.items()


@pytest.mark.parametrize("kind", KINDS)
def test_what_pygase_counts_can_be_asked_for_by_name_but_is_left_out_of_the_rest(
    kind: Callable[[dict[str, Any]], Any],
) -> None:
    state = kind({})
    assert state["game_status"] == state.game_status == state.get("game_status")
    assert state["time_order"] == state.time_order
    assert "game_status" in state
    assert "ball" in state or len(state) == 0
    assert {"game_status", "time_order"}.isdisjoint([*state, *state.keys(), *dict(state)])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_missing_is_named_with_what_there_is_and_a_guess(kind: Callable[[dict[str, Any]], Any]) -> None:
    state = kind(GAME)
    with pytest.raises(AttributeError) as attribute:
        _ = state.scores
    with pytest.raises(KeyError) as key:
        _ = state["scores"]
    assert str(attribute.value) == str(key.value)
    assert str(key.value) == (
        "the game state has no attribute 'scores' (it has: ball, names, nobody, score, game_status). Did you mean "
        "'score'? While it may be missing, write game_state.get('scores', default)"
    )
    assert attribute.value.obj is state
    assert "it has: ball" in repr(attribute.value)
    assert not hasattr(state, "scores")
    assert getattr(state, "scores", 7) == 7


def test_a_state_with_thousands_of_attributes_is_not_listed_whole() -> None:
    state = GameState(**{f"thing{n}": n for n in range(5000)})
    with pytest.raises(AttributeError, match=r"and 4,970 more\)") as caught:
        _ = state.thin7
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("kind", KINDS)
def test_writing_by_key_is_answered_by_a_sentence(kind: Callable[[dict[str, Any]], Any]) -> None:
    state = kind(GAME)
    with pytest.raises(TypeError, match=r"game_state\['score'\] is only for reading: return \{'score': \.\.\.\}"):
        state["score"] = 1
    with pytest.raises(TypeError, match="only for reading"):
        del state["score"]
    assert state.score == 3


NAMES = ["items", "values", "get", "keys", "is_paused", "to_bytes", "from_bytes"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", NAMES)
def test_an_attribute_of_the_games_own_wins_over_a_method(kind: Callable[[dict[str, Any]], Any], name: str) -> None:
    state = kind({name: {"sword": 1}, "score": 3})
    assert getattr(state, name) == state[name] == {"sword": 1}
    assert isinstance(getattr(state, name), dict)
    assert name in state
    own = {key: value for key, value in dict(state).items() if key != "ball"}
    assert own == {key: state[key] for key in state if key != "ball"} == {name: {"sword": 1}, "score": 3}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [["red"], {"red": 1}, 3, 0.5, "red", b"red"])
def test_dict_works_in_a_game_that_has_keys(kind: Callable[[dict[str, Any]], Any], value: Any) -> None:
    state = kind({"keys": value, "score": 3})
    assert state.keys == state["keys"] == value
    assert dict(state)["keys"] == {**state}["keys"] == value
    assert copy.deepcopy(state.keys) == pickle.loads(pickle.dumps(state.keys)) == value
    assert type(copy.deepcopy(state.keys)) is type(value)


def test_what_a_game_does_to_its_keys_lasts_and_is_sent() -> None:
    state = GameState(keys=["red"])
    state.keys.append("blue")
    assert state["keys"] == ["red", "blue"]
    store = GameStateStore(state)
    state.keys.append("green")
    working = store.plumbing.begin_tick()
    assert working.keys == ["red", "blue", "green"]
    store.plumbing.apply({"keys": [*working.keys, "black"]})
    assert working.keys == ["red", "blue", "green", "black"]
    assert dict(working) == {"keys": working.keys}
    assert store.plumbing.take_back_change_in_place() is None
    store.plumbing.end_tick(1.0)
    assert type(store.plumbing.committed.tree["keys"]) is list
    assert state.keys == ["red", "blue", "green", "black"]


def test_nested_keys_are_merged_though_they_have_been_read() -> None:
    store = GameStateStore(GameState(keys={"red": 1}))
    working = store.plumbing.begin_tick()
    assert working.keys == {"red": 1}
    store.plumbing.apply({"keys": {"blue": 2}})
    assert working.keys == {"red": 1, "blue": 2}


@pytest.mark.parametrize("name", ["_source", "_read_names", "_read_value", "_has_name", "_follow", "_at", "__dict__"])
def test_an_attribute_that_is_called_like_our_machinery_stops_nothing(name: str) -> None:
    for kind in (kind for kind in KINDS if kind is not assigned_later):
        state = kind({name: 1, "score": 3})
        assert state[name] == 1
        assert dict(state)["score"] == state.score == 3
    machine_state = GameStateStore(GameState(**{name: 1}))
    for n in range(3):
        machine_state.plumbing.begin_tick()
        machine_state.plumbing.apply({name: n, "n": n})
        machine_state.plumbing.end_tick(float(n))
    assert machine_state.get_game_state()["n"] == 2


def test_an_empty_state_is_false_as_an_empty_dict_is() -> None:
    assert not GameState()
    assert GameState(a=0)


def test_a_rule_is_shared_by_the_server_and_a_dict(caplog: pytest.LogCaptureFixture) -> None:
    def total(state: Any) -> int:
        return sum(player["score"] for player in state["players"].values()) + state.get("bonus", 0)

    attributes = {"players": {1: {"score": 2}, 2: {"score": 3}}, "bonus": 1}
    backend = Backend(GameState(**attributes), lambda game_state, dt: {"total": total(game_state)})
    network = SimulatedNetwork()
    network.serve(backend)
    with caplog.at_level(logging.WARNING, "pygase"):
        network.run(0.1)
    assert backend.game_state_store.get_game_state().total == total(attributes) == 6
    assert caplog.text == ""


# -- anything at all -------------------------------------------------------------------------------------------------

NAMES_OF_ALL_KINDS = [*NAMES, "score", "name", "a", "_follow", "_class_names", "_read_value"]


def some_value(rng: random.Random, depth: int = 0) -> Any:
    if depth < 3 and rng.random() < 0.3:
        return {rng.choice("abc"): some_value(rng, depth + 1) for _ in range(3)}
    if depth < 3 and rng.random() < 0.2:
        return [some_value(rng, depth + 1) for _ in range(2)]
    return rng.choice([rng.randrange(5), rng.random(), "x"])


def some_update(rng: random.Random, names: Any = NAMES_OF_ALL_KINDS, depth: int = 0) -> dict[str, Any]:
    def change() -> Any:
        if depth < 3 and rng.random() < 0.4:
            return some_update(rng, "abcd", depth + 1)
        return TO_DELETE if rng.random() < 0.2 else some_value(rng, depth)

    return {rng.choice(names): change() for _ in range(rng.randrange(4))}


def read_in_all_ways(state: Any, tree: dict[str, Any], where: str) -> None:
    own = {name: value for name, value in tree.items() if name != "game_status"}
    assert dict(state) == {name: state[name] for name in state} == own, where
    assert len(state) == len(own), where
    for name in NAMES_OF_ALL_KINDS:
        assert (name in state) is (name in own), where
        if name in own:
            assert getattr(state, name) == state[name] == own[name], f"{where}: {name}"


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("kind", [GameState, Subclass])
def test_whatever_is_updated_and_read_in_between_all_see_the_same(seed: int, kind: type[GameState]) -> None:
    rng = random.Random(seed)
    state = kind(**{rng.choice(NAMES_OF_ALL_KINDS): some_value(rng) for _ in range(3)})
    store = GameStateStore(state)
    for tick in range(6):
        working, where = store.plumbing.begin_tick(), f"seed {seed}, tick {tick}"
        for _ in range(3):
            for name in rng.sample(NAMES_OF_ALL_KINDS, 4):
                working.__class__.get(working, name)
                getattr(working, name, None)
            store.plumbing.apply(some_update(rng))
            read_in_all_ways(working, source_of(working), where)
            assert store.plumbing.take_back_change_in_place() is None, where
        store.plumbing.end_tick(float(tick))
        given = store.get_game_state()
        read_in_all_ways(given, store.plumbing.committed.tree, where)
        assert {name: state[name] for name in state} == dict(given), where
        assert state == given == copy.deepcopy(state) == pickle.loads(pickle.dumps(given)), where
