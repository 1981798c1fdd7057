"""Nothing that a server sends ends a window in a traceback: the window goes on, or leaves with a reason."""

from __future__ import annotations

import argparse
import importlib
import logging
import random
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from pygase import RELIABLE, Backend, GameState
from pygase_pygame.app import choosing, play
from pygase_pygame.app.game import Game
from tests.games.trees import anything, mangled
from tests.support.table import Seat, Table

NAMES = ("hello", "pong", "derby", "chase", "arena", "canvas")
GAMES: dict[str, Game] = {name: importlib.import_module(f"games.{name}.__main__").GAME for name in NAMES}
EVENTS = ("NEWS", "CHAT", "WRECK", "JUDGED", "SHOT", "HIT", "WALL", "TAG", "REFUSED", "CAME", "SOMETHING")
DOES_NOT_FIT = "This server does not fit the game: "


def states_of(game: Game) -> list[dict[str, Any]]:
    """Return true states of a game in play, seen by the first client."""
    table = Table(game, bots=1)
    ada = table.sit("Ada")
    states = []
    for key in (pygame.K_RIGHT, pygame.K_SPACE, pygame.K_DOWN):
        ada.presses(key)
        table.runs(1.0)
        states.append({name: value for name, value in ada.session.newest.items() if name != "game_status"})
    table.close()
    return states


@pytest.fixture(scope="module")
def true_states() -> dict[str, list[dict[str, Any]]]:
    return {name: states_of(game) for name, game in GAMES.items()}


class Liar:
    """A server of one game's name that sends the content of `says`."""

    def __init__(self, game: Game, state: dict[str, Any]) -> None:
        self._state = state
        backend = Backend(
            GameState(**state), lambda game_state, dt: self._update(game_state), game=game.name, debug=False
        )
        self.table = Table(game, backend=backend)
        self.seat: Seat = self.table.sit("Ada")

    def says(self, state: dict[str, Any]) -> None:
        self._state = state

    def _update(self, game_state: GameState) -> dict[str, Any]:
        return self._state

    def tells(self, event: str, *args: Any) -> None:
        self.table.backend.server.dispatch_event(event, *args, retries=RELIABLE)

    @property
    def left_with(self) -> str:
        """The sentence with which the window went back to the choice of a game; "" if it did not."""
        seat = self.seat
        assert seat.open == (seat.loop.end is None)
        if seat.open:
            return ""
        assert seat.loop.end == "back"
        assert seat.session.status == "lost"
        assert seat.session.reason.startswith(DOES_NOT_FIT)
        return seat.session.reason


@pytest.fixture
def opened() -> Iterator[list[Liar]]:
    liars: list[Liar] = []
    yield liars
    for liar in liars:
        liar.table.close()


def lie(rng: random.Random, state: dict[str, Any]) -> dict[str, Any]:
    """Return a false state: near to the truth, or far from it."""
    if rng.random() < 0.2:
        return {str(name): anything(rng) for name in state if rng.random() < 0.9}
    told = {name: mangled(rng, value, rng.choice((0.01, 0.05, 0.3))) for name, value in state.items()}
    return {name: value for name, value in told.items() if rng.random() < 0.98}


@pytest.mark.parametrize("checked", [True, False], ids=["checked", "unchecked"])
@pytest.mark.parametrize("name", NAMES)
def test_no_state_and_no_event_of_a_lying_server_is_a_traceback(
    name: str,
    checked: bool,
    rng: random.Random,
    true_states: dict[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    opened: list[Liar],
) -> None:
    """Checked also without `check`, by the guard around each frame alone."""
    if not checked:
        monkeypatch.setitem(play.load_screen(GAMES[name]).options, "check", lambda state: "")  # type: ignore[arg-type]
    for _ in range(12):
        truth = rng.choice(true_states[name])
        liar = Liar(GAMES[name], truth if rng.random() < 0.7 else lie(rng, truth))
        opened.append(liar)
        liar.table.runs(0.3)
        for _ in range(5):
            liar.says(lie(rng, truth))
            for _ in range(rng.randrange(4)):
                liar.tells(rng.choice(EVENTS), *[anything(rng) for _ in range(rng.choice((1, 2, 2, 3, 7)))])
            liar.seat.presses(rng.choice((pygame.K_SPACE, pygame.K_RIGHT, pygame.K_2, pygame.K_TAB, pygame.K_F5)))
            liar.table.runs(0.1)
        assert isinstance(liar.left_with, str)


@pytest.mark.parametrize("spoken", NAMES)
@pytest.mark.parametrize("name", NAMES)
def test_who_speaks_another_game_is_left_with_a_sentence_that_says_so(
    name: str, spoken: str, true_states: dict[str, list[dict[str, Any]]], opened: list[Liar]
) -> None:
    liar = Liar(GAMES[name], true_states[spoken][-1])
    opened.append(liar)
    liar.table.runs(1.0)
    if name == spoken:
        assert liar.seat.open
    else:
        assert "its " in liar.left_with


def test_an_empty_state_is_no_state_of_any_game(opened: list[Liar]) -> None:
    for game in GAMES.values():
        liar = Liar(game, {"nothing": 0})
        opened.append(liar)
        liar.table.runs(0.5)
        assert "its state has no" in liar.left_with


@pytest.mark.parametrize("name", NAMES)
def test_news_without_end_hold_no_frame_up(
    name: str, true_states: dict[str, list[dict[str, Any]]], opened: list[Liar]
) -> None:
    """Measured letter by letter, one of these would take minutes."""
    liar = Liar(GAMES[name], true_states[name][-1])
    opened.append(liar)
    liar.table.runs(0.5)
    for text in ("W" * 200_000, "ä " * 50_000, "\u202e" * 50_000):
        liar.tells("NEWS", text)
        liar.tells("CHAT", "Ada", text)
        liar.table.runs(0.5)
    assert liar.seat.open


def test_the_programmers_log_says_where_and_only_at_level_debug_with_the_traceback(
    true_states: dict[str, list[dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    opened: list[Liar],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setitem(play.load_screen(GAMES["pong"]).options, "check", lambda state: "")  # type: ignore[arg-type]
    liar = Liar(GAMES["pong"], {**true_states["pong"][0], "match": {"phase": "rally"}})
    opened.append(liar)
    with caplog.at_level(logging.DEBUG, "pygase_pygame"):
        liar.table.runs(0.5)
    assert "KeyError" in liar.left_with
    (line,) = [record for record in caplog.records if record.levelno == logging.WARNING and "left the" in record.msg]
    assert ".py, line " in line.getMessage()
    assert line.exc_info is None
    assert sum(record.exc_info is not None for record in caplog.records) == 1


def test_a_programmer_who_asks_for_it_gets_the_traceback(
    true_states: dict[str, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, opened: list[Liar]
) -> None:
    monkeypatch.setenv("PYGASE_DEBUG", "1")
    liar = Liar(GAMES["pong"], {**true_states["pong"][0], "match": {}})
    opened.append(liar)
    with pytest.raises(ValueError, match=r"its match has no 'phase'"):
        liar.table.runs(0.5)


@pytest.mark.integration
def test_the_screen_on_which_a_game_is_chosen_says_why_the_last_one_was_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """A whole window on real sockets."""
    said: list[str] = []
    monkeypatch.setattr(choosing.Choosing, "run", lambda self, message="": said.append(message))
    backend = Backend(GameState(puck=1), lambda game_state, dt: {}, game="pong")
    backend.run_in_thread(port=0)
    try:
        args = argparse.Namespace(name="Ada", mute=True, link=None)
        play.play(GAMES["pong"], args, ("127.0.0.1", int(backend.server.port or 0)))
    finally:
        backend.shutdown()
    (sentence,) = said
    assert sentence.startswith(DOES_NOT_FIT + "its state has no 'match' (it has: ")
