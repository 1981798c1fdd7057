"""Also without debug mode, a game loop reports the mistakes of its game: once, by name, and at very low cost."""

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import TO_DELETE, Backend, Client, GameState, GameStateMachine, GameStateStore
from pygase._server.event_queue import ClientEvents
from pygase._server.slow_ticks import REPORT_EVERY, TIME_STEP
from pygase._server.watching import Watch
from pygase._state.event_codec import encode_event
from pygase.event import Event


@pytest.fixture(autouse=True)
def _hear_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING, "pygase"):
        yield


def nothing(game_state: GameState, dt: float) -> dict[str, Any]:
    return {}


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Game:
    """A machine whose ticks a test runs, and its log."""

    def __init__(
        self,
        caplog: pytest.LogCaptureFixture,
        time_step: Callable[..., Any] = nothing,
        handlers: dict[str, Callable[..., Any]] | None = None,
        interval: float = 0.02,
        **state: Any,
    ) -> None:
        self.machine = GameStateMachine(GameStateStore(GameState(**state)), debug=False)
        self.machine.time_step = time_step  # type: ignore[method-assign]
        self.machine.interval = interval
        for event_type, handler in (handlers or {}).items():
            self.machine.register_event_handler(event_type, handler)
        self.caplog = caplog
        self.client = ClientEvents(1, ("127.0.0.1", 1))
        self.now = 5.0

    def run(self, seconds: float, *event_types: str, serialised: bool = True) -> None:
        """Make ticks; an event of each of these types arrives before each of them."""
        interval = self.machine.interval
        for _ in range(round(seconds / interval)):
            for event_type in event_types:
                payload = encode_event(event_type, (), {}, 1000)
                if serialised:
                    self.machine.plumbing.events.arrived.append((self.client, payload))
                else:
                    self.machine.plumbing.push(Event(event_type))
            self.now += interval
            self.machine.plumbing.tick(interval, self.now)

    @property
    def said(self) -> list[str]:
        return [record.getMessage() for record in self.caplog.records]


# -- changes in place --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [1 / 60, 0.02, 0.1])
def test_a_time_step_that_changes_the_state_in_place_is_named_once(
    caplog: pytest.LogCaptureFixture, interval: float
) -> None:
    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        game_state.players["anna"]["x"] += 1
        return {"ticks": game_state.ticks + 1}

    game = Game(caplog, time_step, interval=interval, players={"anna": {"x": 0}, "bob": {"x": 0}}, ticks=0)
    game.run(30.0)
    (words,) = game.said
    line = time_step.__code__.co_firstlineno
    assert words.startswith(f"time_step (test_watching.py, line {line}) changed game_state.players.anna.x in place, ")
    assert words.endswith("return a dict of the changes, such as {'players': ...}")


@pytest.mark.parametrize("serialised", [True, False], ids=["from the wire", "whole"])
def test_each_handler_that_does_it_is_named_once_and_no_other(
    caplog: pytest.LogCaptureFixture, serialised: bool
) -> None:
    def heal(game_state: GameState) -> dict[str, Any]:
        game_state.players["anna"]["hp"] += 1
        return {}

    def clear(game_state: GameState) -> None:
        game_state.log.clear()
        game_state.log.append(game_state.n)

    def count(game_state: GameState) -> dict[str, Any]:
        return {"n": game_state.n + 1, "players": {"bob": {"hp": game_state.n}}}

    handlers = {"HEAL": heal, "CLEAR": clear, "COUNT": count}
    game = Game(caplog, nothing, handlers, players={"anna": {"hp": 1}, "bob": {"hp": 1}}, log=[], n=0)
    game.run(10.0, "COUNT", "HEAL", "CLEAR", serialised=serialised)
    assert sorted(words.partition(" changed ")[0] for words in game.said) == [
        f"the handler of event 'CLEAR' (test_watching.py, line {clear.__code__.co_firstlineno})",
        f"the handler of event 'HEAL' (test_watching.py, line {heal.__code__.co_firstlineno})",
    ]
    assert "game_state.players.anna.hp" in "".join(game.said)


@pytest.mark.parametrize(
    "change",
    [
        lambda state: state.players.update(eve={"x": 1}),
        lambda state: state.players.pop("anna", None),
        lambda state: state.trail.append(state.n),
        lambda state: state.trail.__setitem__(0, state.n),
        lambda state: setattr(state, "unknown", state.n),
        lambda state: setattr(state, "score", [state.n]),
        lambda state: delattr(state, "score"),
        lambda state: state.players["anna"].update(sprite=object()),
        lambda state: state.players.setdefault("anna", {}).update(tags={1, 2}),
    ],
    ids=["add", "remove", "append", "replace", "attribute", "assign", "delete", "object", "set"],
)
def test_every_kind_of_change_in_place_is_seen(caplog: pytest.LogCaptureFixture, change: Callable[[Any], Any]) -> None:
    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        change(game_state)
        return {"n": game_state.n + 1}

    game = Game(caplog, time_step, players={"anna": {"x": 0}}, trail=[0], score=0, n=0)
    game.run(5.0)
    assert [words[:10] for words in game.said] == ["time_step "]


def test_one_that_happens_once_is_reported_with_the_names_of_those_who_can_have_done_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def join(game_state: GameState) -> None:
        game_state.players["eve"] = {"x": 0}

    others = {"RENAME": lambda name: None, "WAVE": lambda **context: None}  # only one of them gets the state
    game = Game(caplog, nothing, {"JOIN": join, **others}, players={"anna": {"x": 0}})
    game.run(0.5)
    game.run(0.02, "JOIN")
    assert game.said == []
    game.run(20.0)
    (words,) = game.said
    line = join.__code__.co_firstlineno
    who = f"the handler of event 'JOIN' (test_watching.py, line {line}) or the handler of event 'WAVE' "
    assert words.startswith(who)
    assert "or time_step " in words
    assert "RENAME" not in words
    assert "changed game_state.players.eve in place" in words


def test_looking_changes_nothing_that_the_game_does(caplog: pytest.LogCaptureFixture) -> None:
    """A program that stores something of its own in the state object goes on as before."""

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        game_state.memory["n"] += 1
        return {"shown": game_state.memory["n"]}

    game = Game(caplog, time_step, memory={"n": 0}, shown=0)
    game.run(10.0)
    assert game.machine.game_state_store.get_game_state().shown == 500
    assert game.machine.game_state_store.get_game_state().memory == {"n": 0}
    assert len(game.said) == 1


def test_a_proper_game_is_never_suspected(caplog: pytest.LogCaptureFixture) -> None:
    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        gone = dict.fromkeys(list(game_state.players)[:-2], TO_DELETE)
        trail = [*game_state.trail, (game_state.n, 0.5)]
        return {
            "players": {**gone, f"p{game_state.n}": {"at": (1, 2)}},
            "trail": trail[-3:],
            "n": game_state.n + 1,
            "odd": {"nan": float("nan"), 3: b"bytes"},
        }

    def pushed(game_state: GameState) -> dict[str, Any]:
        mine = dict(game_state.players)
        mine["me"] = {"at": [game_state.n, 0]}
        return {"players": mine}

    game = Game(caplog, time_step, {"PUSH": pushed}, players={}, trail=[], n=0, odd={})
    game.run(10.0, "PUSH")
    assert game.said == []


def test_looks_at_a_large_state_are_rare_and_the_search_is_bounded() -> None:
    class Slow:
        """A store in which a look takes 20 ms of the clock's time."""

        committed = GameStateStore().plumbing.committed
        working_state = GameState()

        def change_in_place(self) -> str | None:
            clock.now += 0.02
            return None

    clock = Clock()
    watch, looks, look_at = Watch(Slow(), clock, str), 0, 0.0
    for second in range(100):
        if second >= look_at:
            looks += 1
            look_at = second + watch.look(0.02, {}, has_players=True, in_place=True)
    assert looks == 5  # a thousandth of the time, so every 20 s


# -- a time step without a return -------------------------------------------------------------------------------------


def forgetful(game_state: GameState, dt: float) -> None:
    {"x": game_state.x + 1}  # the return is missing


def test_a_time_step_that_never_returns_anything_is_named_with_its_place(caplog: pytest.LogCaptureFixture) -> None:
    game = Game(caplog, forgetful, x=0)
    game.machine.plumbing.has_players = lambda: True
    game.run(10.0)
    (words,) = game.said
    line = forgetful.__code__.co_firstlineno
    assert re.match(rf"time_step \(test_watching\.py, line {line}\) has returned None for 5[01] ticks", words)


# -- slow ticks --------------------------------------------------------------------------------------------------------


class SlowGame:
    """A watch whose calls take as long as a test says."""

    def __init__(self, caplog: pytest.LogCaptureFixture, interval: float) -> None:
        self.clock = Clock()
        self.store = GameStateStore(GameState())
        states = self.store.plumbing
        self.watch = Watch(states, self.clock, lambda name: "time_step" if name is TIME_STEP else f"handler {name}")
        self.look_at = 0.0
        self.interval = interval
        self.caplog = caplog

    def run(self, seconds: float, beside: float = 0.0, **parts: float) -> None:
        """Make ticks whose parts take so long, as a loop with fixed times does; `step` is the time step."""
        end, next_at = self.clock.now + seconds, self.clock.now
        while next_at < end:
            self.clock.now = began_at = max(next_at, self.clock.now)
            self.store.plumbing.begin_tick()
            for name, took in parts.items():
                self.part(TIME_STEP if name == "step" else name, took)
            if self.clock.now >= self.look_at:
                self.look_at = self.clock.now + self.watch.look(self.interval, {}, has_players=True, in_place=True)
            self.store.plumbing.end_tick(self.clock.now)
            took = self.clock.now - began_at
            self.clock.now += beside
            next_at += self.interval
            overdue = int((self.clock.now - next_at) / self.interval + 1e-9)
            if overdue > 0:
                next_at += overdue * self.interval
                self.watch.late(overdue, took, self.interval)

    def part(self, name: str, took: float) -> None:
        def call() -> None:
            self.clock.now += took

        if self.watch.closer:
            self.watch.call(name, call)
        else:
            call()
        if name is not TIME_STEP and took > self.interval:
            self.watch.note_slow_call(name, took)

    @property
    def said(self) -> list[str]:
        return [record.getMessage() for record in self.caplog.records]


@pytest.mark.parametrize(
    ("interval", "took", "words"),
    [
        (0.02, 0.104, r"ticks take 104 ms, there are 20 ms for each: (79|80|81) % were left out; "),
        (1 / 60, 0.05, r"ticks take 50 ms, there are 16\.7 ms for each: 6\d % were left out; "),
        (0.1, 0.35, r"ticks take 350 ms, there are 100 ms for each: (6|7)\d % were left out; "),
        (0.05, 1.5, r"ticks take 1\.5 s, there are 50 ms for each: 97 % were left out; "),
    ],
)
def test_ticks_that_take_too_long_are_reported_with_the_slow_part_every_ten_seconds(
    caplog: pytest.LogCaptureFixture, interval: float, took: float, words: str
) -> None:
    game = SlowGame(caplog, interval)
    game.run(60.0, AIM=took / 10, step=took * 9 / 10)
    assert 60 / (REPORT_EVERY + 10) <= len(game.said) <= 60 / REPORT_EVERY
    for said in game.said:
        assert re.match(words, said)
        assert "the slowest part is time_step, with " in said


def test_the_handlers_are_named_where_they_are_the_slow_part(caplog: pytest.LogCaptureFixture) -> None:
    game = SlowGame(caplog, 0.02)
    game.run(3.0, AIM=0.04, step=0.01)
    (words,) = game.said
    assert "the slowest part is handler AIM, with 40 ms in each" in words


def test_what_is_slow_beside_time_step_and_handlers_blames_neither(caplog: pytest.LogCaptureFixture) -> None:
    game = SlowGame(caplog, 0.02)
    game.run(3.0, AIM=0.0001, step=0.0001, beside=0.1)
    (words,) = game.said
    assert "though a tick takes 0.2 ms: something else holds up the game loop" in words


def test_a_single_pause_that_players_see_is_reported_with_the_handler(caplog: pytest.LogCaptureFixture) -> None:
    game = SlowGame(caplog, 0.02)
    game.run(2.0, AIM=0.0001, step=0.001)
    game.run(0.02, SAVE=0.5, AIM=0.0001, step=0.001)
    game.run(2.0, AIM=0.0001, step=0.001)
    (words,) = game.said
    assert words.startswith("handler SAVE took 500 ms, so 24 ticks were left out: do what takes long in a thread")


def test_a_busy_second_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    """A game that starts loads pictures in another thread, and the ticks wait for it."""
    game = SlowGame(caplog, 1 / 60)
    game.run(0.01, step=0.3)
    game.run(3.0, step=0.001)
    game.run(0.8, step=0.04)
    game.run(5.0, step=0.001)
    assert game.said == []


def test_ticks_that_do_not_explain_how_many_are_left_out_are_not_blamed(caplog: pytest.LogCaptureFixture) -> None:
    game = SlowGame(caplog, 1 / 60)
    game.run(5.0, step=0.0171, beside=0.02)
    (words,) = game.said
    assert "though a tick takes 17.1 ms: something else holds up the game loop" in words


@pytest.mark.parametrize("took", [0.0, 0.015, 0.045])
def test_ticks_in_time_and_single_hiccups_are_not_reported(caplog: pytest.LogCaptureFixture, took: float) -> None:
    game = SlowGame(caplog, 0.02)
    for _ in range(20):
        game.run(0.02, step=took)
        game.run(2.0, step=0.01)
    assert game.said == []


def test_a_process_that_slept_is_not_reported(caplog: pytest.LogCaptureFixture) -> None:
    game = SlowGame(caplog, 0.02)
    game.run(1.0, step=0.001)
    game.run(0.01, step=0.001, beside=30.0)  # between two ticks
    game.run(5.0, step=0.001)
    assert game.said == []


# -- for real ----------------------------------------------------------------------------------------------------------


def wait_for(caplog: pytest.LogCaptureFixture, words: str, seconds: float = 20.0) -> str:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for record in list(caplog.records):
            if words in record.getMessage():
                return record.getMessage()
        time.sleep(0.05)
    raise AssertionError(f"{words!r} was not logged, but: {caplog.text}")


@pytest.mark.integration
def test_a_real_loop_whose_time_step_is_slow_says_so(caplog: pytest.LogCaptureFixture) -> None:
    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        time.sleep(0.1)
        return {"n": game_state.n + 1}

    backend = Backend(GameState(n=0), time_step)
    backend.run_in_thread("127.0.0.1")
    try:
        words = wait_for(caplog, "ticks take ")
        assert "there are 20 ms for each: " in words
        line = time_step.__code__.co_firstlineno
        assert f"the slowest part is time_step (test_watching.py, line {line}), with 1" in words
    finally:
        backend.shutdown()


@pytest.mark.integration
def test_a_real_loop_that_a_coroutine_handler_holds_up_says_so(caplog: pytest.LogCaptureFixture) -> None:
    async def think(game_state: GameState) -> None:
        for _ in range(40):
            await asyncio.sleep(0.01)
            time.sleep(0.1)

    backend, client = Backend(GameState(n=0), nothing, {"THINK": think}), Client()
    backend.run_in_thread("127.0.0.1")
    try:
        client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
        client.dispatch_event("THINK", retries=5)
        assert "a coroutine handler that calls time.sleep()" in wait_for(caplog, "ticks were left out, though")
    finally:
        client.disconnect()
        backend.shutdown()


@pytest.mark.integration
def test_a_real_handler_that_changes_the_state_in_place_is_named(caplog: pytest.LogCaptureFixture) -> None:
    def hit(game_state: GameState) -> None:
        game_state.players["anna"]["hp"] -= 1

    backend, client = Backend(GameState(players={"anna": {"hp": 9}}), nothing, {"HIT": hit}), Client()
    backend.run_in_thread("127.0.0.1")
    try:
        client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
        for _ in range(200):
            client.dispatch_event("HIT")
            time.sleep(0.02)
            if caplog.records:
                break
        words = wait_for(caplog, "in place")
        assert words.startswith("the handler of event 'HIT' (test_watching.py, line ")
    finally:
        client.disconnect()
        backend.shutdown()
