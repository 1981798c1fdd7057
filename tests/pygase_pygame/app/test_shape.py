"""The shape of a state: a fitting one passes in silence, another one is reported in words."""

import math
import random
from typing import Any

import pytest

from pygase_pygame.app.shape import Each, Either, Flag, Number, Row, State, Text
from tests.games.trees import anything

PLAYER = {"name": Text(longest=9), "x": Number(0, 640), "it": Flag(), 7: Number(0, 9, whole=True)}
CHECK = State(
    players=Each(PLAYER, most=3),
    side=Text("left", "right"),
    at=Row(Number(), Number()),
    winner=Either(Row(Number(), Text()), Row()),
    pages=Each(None),
)
ADA = {"name": "Ada", "x": 1.5, "it": False, 7: 3}
FITS: dict[str, Any] = {"players": {"a": ADA}, "side": "left", "at": [1, 2.5], "winner": [], "pages": {1: "x"}}


@pytest.mark.parametrize(
    "more",
    [{}, {"more": object()}, {"players": {}}, {"winner": [1, "Ada"]}, {"at": (0, 0)}, {"players": {5: ADA | {"y": 1}}}],
)
def test_what_fits_says_nothing(more: dict[str, Any]) -> None:
    assert CHECK({**FITS, **more}) == ""


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"players": {"a": {**ADA, "x": math.nan}}}, "its players.a.x is nan, not a number from 0 to 640"),
        ({"players": {"a": {**ADA, "x": math.inf}}}, "its players.a.x is inf, not a number from 0 to 640"),
        ({"players": {"a": {**ADA, "x": -1}}}, "its players.a.x is -1, not a number from 0 to 640"),
        ({"players": {"a": {**ADA, "x": True}}}, "its players.a.x is True, not a number from 0 to 640"),
        ({"players": {"a": {**ADA, "it": 1}}}, "its players.a.it is 1, not True or False"),
        ({"players": {"a": {**ADA, "name": "A" * 10}}}, "its players.a.name has 10 characters, and 9 at most fit"),
        ({"players": {"a": {**ADA, "name": b"Ada"}}}, "its players.a.name is a bytes, not a text"),
        (
            {"players": {"a": {**ADA, 7: 1.5}}},
            "its players.a.7 is 1.5, not a whole number from 0 to 9",
        ),
        ({"players": {"a": {}}}, "its players.a has no 'name' (it has: nothing)"),
        ({"players": [ADA]}, "its players is a list, not a dict"),
        ({"players": dict.fromkeys(range(4), ADA)}, "its players has 4 entries, and 3 at most fit"),
        ({"side": "up"}, "its side is 'up', not one of 'left', 'right'"),
        ({"side": ["left"]}, "its side is a list, not one of 'left', 'right'"),
        ({"at": [1]}, "its at is a list, not a list of 2"),
        ({"at": [1, None]}, "its at.1 is None, not a number from -1,000,000 to 1,000,000"),
        ({"winner": [1]}, "its winner is a list, not a list of 2"),
        ({"pages": 5}, "its pages is 5, not a dict"),
    ],
)
def test_what_does_not_fit_says_what_is_wrong(wrong: dict[str, Any], sentence: str) -> None:
    assert CHECK({**FITS, **wrong}) == sentence


def test_a_state_of_another_game_lacks_what_this_one_has() -> None:
    assert CHECK({"ball": 1, "score": 2}) == "its state has no 'players' (it has: ball, score)"


def test_no_tree_whatever_raises(rng: random.Random) -> None:
    for _ in range(3_000):
        state = {name: anything(rng) for name in FITS}
        assert isinstance(CHECK(state), str)
        assert isinstance(CHECK(anything(rng)), str)
