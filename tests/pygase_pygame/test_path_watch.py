"""A path of `interpolate` without a value is reported once; one that has no value yet is not."""

from __future__ import annotations

from typing import Any

import pytest

from pygase import Interpolate, Snapshot
from pygase_pygame import Session
from pygase_pygame.path_watch import PathWatch, why_not
from tests.pygase_pygame.conftest import FakeClient

PLAYERS: dict[str, Any] = {"players": {"anna": {"x": 1.5, "at": [0, 0], "name": "Anna"}}, "stars": [{"x": 1}], "n": 3}


@pytest.mark.parametrize(
    ("state", "path"),
    [
        (PLAYERS, "players.*.x"),
        (PLAYERS, "players.anna.x"),
        (PLAYERS, "players.*.at"),
        (PLAYERS, "players.anna.*"),
        (PLAYERS, "n"),
        ({"players": {7: {"x": 1}}}, "players.7.x"),
        ({"things": {"wall": {}, "crate": {"name": "c"}, "ball": {"x": 1}}}, "things.*.x"),
    ],
)
def test_a_path_to_a_number_is_right(state: dict[str, Any], path: str) -> None:
    assert why_not(state, path.split(".")) is None


@pytest.mark.parametrize(
    ("state", "path"),
    [
        ({}, "players.*.x"),
        ({"game_status": 1}, "players.*.x"),
        ({"players": {}}, "players.*.x"),
        ({"players": {"anna": {}}}, "players.*.x"),
        ({"players": {"anna": {}, "ben": {"name": "Ben"}}}, "players.*.x"),
        ({"players": {"ben": {"name": "Ben"}, "anna": {}}}, "players.*.x"),
        ({"players": None}, "players.*.x"),
        ({"ball": {"x": None}}, "ball.x"),
        ({"line": []}, "line"),
        ({"ball": {}}, "ball"),
    ],
)
def test_of_what_is_empty_nothing_is_known_yet(state: dict[str, Any], path: str) -> None:
    assert why_not(state, path.split(".")) == ""


@pytest.mark.parametrize(
    ("state", "path", "words"),
    [
        ({"game_status": 1, **PLAYERS}, "plyers.*.x", "the state has no 'plyers', but: players, stars, n"),
        (PLAYERS, "players.*.X", "players.anna has no 'X', but: x, at, name"),
        (PLAYERS, "players.x", "players has no 'x', but: anna"),
        (PLAYERS, "players.*", "players.anna is a dict, and a path ends at a number: go on with one of its keys, x"),
        (PLAYERS, "players.*.name", "players.anna.name is of type str, and a path ends at a number"),
        (PLAYERS, "stars.*.x", "stars is of type list, and paths lead into dicts only"),
        (PLAYERS, "stars", "stars is a list of something else, and a path ends at a number or a list of numbers"),
        (PLAYERS, "n.x", "n is of type int, and paths lead into dicts only"),
    ],
)
def test_a_path_to_nothing_is_told_with_what_the_state_has(state: dict[str, Any], path: str, words: str) -> None:
    assert (why_not(state, path.split(".")) or "").startswith(words)


def looked(watch: PathWatch, state: dict[str, Any], begin: float, seconds: float) -> None:
    for frame in range(round(seconds * 60)):
        now = begin + frame / 60
        watch.look(Snapshot(round(now * 60), now, now, state))


def test_a_misspelt_path_is_told_once_after_three_seconds(caplog: pytest.LogCaptureFixture) -> None:
    watch = PathWatch(["players.*.x", Interpolate("plyers.*.x", "n"), "players.*.z"])
    looked(watch, PLAYERS, 10.0, 2.9)
    assert not caplog.records
    looked(watch, PLAYERS, 12.9, 60.0)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2
    assert "'plyers.*.x' so far: the state has no 'plyers', but: players, stars, n." in caplog.text
    assert "'players.*.z' so far: players.anna has no 'z', but: x, at, name." in caplog.text


def test_while_the_state_is_empty_nothing_is_told_and_what_is_found_once_is_right(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = PathWatch(["players.*.x"])
    looked(watch, {"players": {}}, 0.0, 60.0)
    looked(watch, {"players": {"anna": {"name": "Anna"}}}, 60.0, 2.0)  # half a player, complete a moment later
    looked(watch, PLAYERS, 62.0, 1.0)
    looked(watch, {"score": 1}, 63.0, 60.0)
    assert not caplog.records


def test_a_session_looks_at_what_it_receives(
    client: FakeClient, display: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with Session(client, interpolate="ball.xx", clock=lambda: 0.0) as session:
        client.come_up()
        for tick in range(64):
            client.receive(tick, tick / 16, 1 / 16, ball={"x": tick})
            session.view()
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "ball has no 'xx', but: x" in caplog.text
