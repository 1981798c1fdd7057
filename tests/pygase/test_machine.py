"""The game loop: fixed times of ticks, and the limits of handlers and time step."""

import asyncio
import functools
import logging
import math
import re
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pygase._diagnostics import log_lines
from pygase._server.event_queue import ClientEvents
from pygase._state.event_codec import encode_event
from pygase.backend import Backend
from pygase.client import Client
from pygase.errors import InPlaceChange, InvalidValue, MalformedPacket
from pygase.event import Event
from pygase.gamestate import TO_DELETE, GameState, GameStateUpdate, GameStatus
from pygase.machine import GameStateMachine
from pygase.store import GameStateStore
from pygase.testing import ManualClock, SimulatedNetwork
from tests.support.virtual_loop import VirtualLoop, run_virtually

PAUSED, ACTIVE = GameStatus.get("Paused"), GameStatus.get("Active")


def machine_of(
    time_step: Callable[[Any, float], Any] = lambda game_state, dt: None, *, debug: bool = False, **state: Any
) -> GameStateMachine:
    machine = GameStateMachine(GameStateStore(GameState(**state)), debug=debug)
    machine.time_step = time_step  # type: ignore[method-assign]
    return machine


def content(machine: GameStateMachine) -> dict[str, Any]:
    attributes = dict(vars(machine.game_state_store.get_game_state()))
    del attributes["time_order"], attributes["game_status"]
    return attributes


def event(event_type: str, *args: Any, address: Any = None, **kwargs: Any) -> Event:
    made = Event(event_type, *args, **kwargs)
    made.client_address = address
    return made


# -- a tick ----------------------------------------------------------------------------------------------------------


def test_a_tick_applies_the_time_step_and_counts_the_time() -> None:
    machine = machine_of(lambda game_state, dt: {"foo": game_state.foo + game_state.bar * dt}, foo=0.0, bar=0.5)
    machine.plumbing.tick(0.02, 1.0)
    machine.plumbing.tick(0.04, 1.04)
    assert content(machine)["foo"] == pytest.approx(0.03)
    assert machine.game_time == pytest.approx(0.06)
    assert machine.game_state_store.get_game_state().time_order == 2


def test_events_are_handled_before_the_time_step_and_all_see_what_came_before() -> None:
    order: list[Any] = []

    def on_add(amount: int, game_state: GameState, dt: float, client_address: Any) -> dict[str, Any]:
        order.append((game_state.x, dt, client_address))
        return {"x": game_state.x + amount}

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        order.append(game_state.x)
        return {"y": game_state.x}

    machine = machine_of(time_step, x=0)
    machine.register_event_handler("ADD", on_add)
    machine.plumbing.push(event("ADD", 1, address=("a", 1)))
    machine.plumbing.push(event("ADD", amount=10, address=("b", 2)))
    assert order == []  # nothing happens before the tick
    machine.plumbing.tick(0.5, 1.0)
    assert order == [(0, 0.5, ("a", 1)), (1, 0.5, ("b", 2)), 11]
    assert content(machine) == {"x": 11, "y": 11}


def test_an_event_pushed_by_a_handler_is_handled_in_the_next_tick() -> None:
    machine = machine_of(n=0)

    def again(game_state: GameState) -> dict[str, int]:
        machine.plumbing.push(event("AGAIN"))
        return {"n": game_state.n + 1}

    machine.register_event_handler("AGAIN", again)
    machine.plumbing.push(event("AGAIN"))
    for expected in (1, 2, 3):
        machine.plumbing.tick(0.02, float(expected))
        assert content(machine) == {"n": expected}


def test_ten_players_in_one_tick_are_ten_changes() -> None:
    machine = machine_of(players={n: {"x": 0, "y": n} for n in range(10)})
    machine.register_event_handler("MOVE", lambda who, x: {"players": {who: {"x": x}}})
    for who in range(10):
        machine.plumbing.push(event("MOVE", who, who * 2))
    machine.plumbing.tick(0.02, 1.0)
    assert content(machine)["players"] == {n: {"x": n * 2, "y": n} for n in range(10)}


@pytest.mark.parametrize("nothing", [None, {}])
def test_an_update_of_nothing_changes_nothing(nothing: Any) -> None:
    machine = machine_of(lambda game_state, dt: nothing, x=1)
    before = machine.game_state_store.plumbing.committed.tree
    machine.plumbing.tick(0.02, 1.0)
    assert machine.game_state_store.plumbing.committed.tree is before


def test_to_delete_removes_a_key_at_any_depth() -> None:
    machine = machine_of(
        lambda game_state, dt: {"shots": {1: TO_DELETE}, "gone": TO_DELETE}, shots={1: 1, 2: 2}, gone=1
    )
    machine.plumbing.tick(0.02, 1.0)
    assert content(machine) == {"shots": {2: 2}}


def test_the_machine_can_be_inherited_from() -> None:
    class Game(GameStateMachine):
        def time_step(self, game_state: GameState, dt: float) -> dict[str, Any]:  # type: ignore[override]
            return {"x": game_state.x + dt}

    game = Game(GameStateStore(GameState(x=1.0)))
    game.plumbing.tick(0.5, 1.0)
    assert content(game) == {"x": 1.5}


def test_a_machine_without_a_time_step_says_what_to_do() -> None:
    machine = GameStateMachine(GameStateStore())
    with pytest.raises(NotImplementedError, match="assign a function time_step"):
        machine.plumbing.tick(0.02, 1.0)


@pytest.mark.parametrize("wrong", [None, GameState(), 5])
def test_a_machine_needs_a_store(wrong: Any) -> None:
    with pytest.raises(TypeError, match="must be a GameStateStore"):
        GameStateMachine(wrong)


# -- what goes wrong -------------------------------------------------------------------------------------------------


def broken(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("the game has a bug")


def test_a_handler_or_time_step_that_raises_is_logged_with_its_traceback_and_the_tick_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = machine_of(broken, x=0)
    machine.register_event_handler("BREAK", broken)
    machine.register_event_handler("SET", lambda x: {"x": x})
    for name in ("BREAK", "SET"):
        machine.plumbing.push(event(name, *([7] if name == "SET" else [])))
    with caplog.at_level(logging.ERROR, "pygase"):
        machine.plumbing.tick(0.02, 1.0)
    assert content(machine) == {"x": 7}
    assert len(caplog.records) == 2
    assert "event 'BREAK'" in caplog.text
    assert "time_step" in caplog.text
    assert 'raise RuntimeError("the game has a bug")' in caplog.text
    assert machine.game_time == 0.02


@pytest.mark.parametrize(
    ("update", "message"),
    [
        ({"players": {3: {"pos": {1, 2}}}}, r"update\.players\[3\]\.pos is of type set"),
        ([1, 2], "must be a dict"),
        ("x", "must be a dict"),
        ({1: 2}, "must be str"),
    ],
)
def test_an_update_that_cannot_be_is_logged_by_path_and_who_made_it_and_changes_nothing(
    update: Any, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    machine = machine_of(lambda game_state, dt: update, x=0)
    machine.register_event_handler("E", lambda: update)
    machine.plumbing.push(event("E"))
    with caplog.at_level(logging.ERROR, "pygase"):
        machine.plumbing.tick(0.02, 1.0)
    assert content(machine) == {"x": 0}
    assert len(caplog.records) == 2
    for record, name in zip(caplog.records, ("'E'", "time_step"), strict=True):
        assert name in record.getMessage()
        assert re.search(message, record.getMessage())


def test_a_state_that_would_become_too_large_is_logged_and_the_game_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = machine_of(lambda game_state, dt: {"noise": bytes(4 * 1024 * 1024)}, x=0)
    with caplog.at_level(logging.ERROR, "pygase"):
        machine.plumbing.tick(0.02, 1.0)
    assert content(machine) == {"x": 0}
    assert "at most 4,194,304 are allowed" in caplog.text
    machine.time_step = lambda game_state, dt: {"x": 1}  # type: ignore[method-assign]
    machine.plumbing.tick(0.02, 1.02)
    assert content(machine) == {"x": 1}


def test_unknown_events_and_wrong_arguments_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    machine = machine_of(x=0)
    machine.register_event_handler("SET", lambda x: {"x": x})
    machine.plumbing.push(event("UNKNOWN", 1))
    machine.plumbing.push(event("SET", 1, 2))
    with caplog.at_level(logging.WARNING, "pygase"):
        machine.plumbing.tick(0.02, 1.0)
    assert content(machine) == {"x": 0}
    assert len(caplog.records) == 2


@pytest.mark.parametrize("where", ["handler", "time_step"])
def test_debug_mode_raises_what_the_game_raises(where: str) -> None:
    machine = machine_of(broken if where == "time_step" else lambda game_state, dt: None, debug=True)
    machine.register_event_handler("BREAK", broken)
    if where == "handler":
        machine.plumbing.push(event("BREAK"))
    with pytest.raises(RuntimeError, match="the game has a bug"):
        machine.plumbing.tick(0.02, 1.0)


def test_debug_mode_raises_for_an_update_that_cannot_be_sent() -> None:
    with pytest.raises(InvalidValue, match="time_step"):
        machine_of(lambda game_state, dt: {"x": object()}, debug=True).plumbing.tick(0.02, 1.0)


def test_debug_mode_names_handler_and_path_of_a_change_in_place() -> None:
    def in_place(game_state: GameState, dt: float) -> dict[str, Any]:
        game_state.players[7]["pos"][0] += 1
        return {"n": 1}

    with pytest.raises(
        InPlaceChange, match=r"time_step \(test_machine\.py, line \d+\) changed game_state\.players\[7\]\.pos in"
    ):
        machine_of(in_place, debug=True, players={7: {"pos": [0, 0]}}, n=0).plumbing.tick(0.02, 1.0)

    machine = machine_of(debug=True, score=[0, 0])
    machine.register_event_handler("GOAL", lambda game_state: game_state.score.append(1))
    machine.plumbing.push(event("GOAL"))
    with pytest.raises(InPlaceChange, match=r"the handler of event 'GOAL' \(test_.* changed game_state\.score in"):
        machine.plumbing.tick(0.02, 1.0)


def test_debug_mode_lets_a_proper_game_pass() -> None:
    machine = machine_of(
        lambda game_state, dt: {"players": {1: {"x": game_state.players[1]["x"] + 1}}},
        debug=True,
        players={1: {"x": 0, "trail": (1, 2)}},
    )
    for tick in range(10):
        machine.plumbing.tick(0.02, float(tick))
    assert content(machine)["players"][1]["x"] == 10


def forgetful(game_state: GameState, dt: float) -> None:
    {"x": game_state.x + 1}  # the return is missing


def played(
    time_step: Callable[[Any, float], Any], seconds: float, *, debug: bool = True, join: bool = True, interval: float
) -> tuple[SimulatedNetwork, Client]:
    network, client = SimulatedNetwork(seed=1), Client()
    handlers = {"SET": lambda y: {"y": y}}
    network.serve(Backend(GameState(x=0, y=0), time_step, handlers, debug=debug), interval=interval)
    if join:
        network.connect(client)
    network.run(seconds)
    return network, client


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "time_step" in record.getMessage()]


@pytest.mark.parametrize("debug", [False, True])
def test_a_time_step_that_never_returns_anything_is_told_of_once(debug: bool, caplog: pytest.LogCaptureFixture) -> None:
    network, _ = played(forgetful, 0.9, debug=debug, interval=0.02)
    assert warnings_of(caplog) == []
    network.run(5.0)
    (words,) = warnings_of(caplog)
    assert words.startswith("time_step (test_machine.py, line ")
    assert "has returned None for 50 ticks" in words
    assert "return a dict of the changes" in words


def test_it_is_not_told_of_until_nobody_else_changes_the_state(caplog: pytest.LogCaptureFixture) -> None:
    network, client = played(forgetful, 0.5, interval=0.02)
    for y in range(20):
        client.dispatch_event("SET", y)
        network.run(0.5)
    assert warnings_of(caplog) == []
    network.run(2.5)
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize(
    ("time_step", "options"),
    [
        (forgetful, {"join": False}),
        (forgetful, {"interval": 0.5}),  # a few slow ticks
        (lambda game_state, dt: {}, {}),
        (lambda game_state, dt: {"x": 1} if game_state.x == 0 else None, {}),
    ],
)
def test_a_state_that_rests_as_it_may_is_not_told_of(
    time_step: Callable[[Any, float], Any], options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    played(time_step, 4.0, **{"interval": 0.02, **options})
    assert warnings_of(caplog) == []


def test_without_debug_mode_a_change_in_place_never_reaches_anybody() -> None:
    machine = machine_of(lambda game_state, dt: game_state.walls.append(1), walls=[])
    machine.plumbing.tick(0.02, 1.0)
    machine.plumbing.tick(0.02, 1.02)
    assert content(machine) == {"walls": []}


@pytest.mark.parametrize(("value", "debug"), [("1", True), ("0", False), ("", False)])
def test_the_environment_turns_debug_mode_on(monkeypatch: pytest.MonkeyPatch, value: str, debug: bool) -> None:
    monkeypatch.setenv("PYGASE_DEBUG", value)
    assert GameStateMachine(GameStateStore()).debug is debug
    assert GameStateMachine(GameStateStore(), debug=not debug).debug is not debug


# -- the loop, in virtual time ---------------------------------------------------------------------------------------


async def play(machine: GameStateMachine, interval: float, seconds: float) -> None:
    running = asyncio.ensure_future(machine.run_game_loop(interval))
    await asyncio.sleep(seconds)
    assert await machine.stop()
    await running


def virtual(machine: GameStateMachine) -> list[float]:
    """Let a machine note the times of its ticks."""
    times: list[float] = []
    step = machine.time_step

    def noted(game_state: GameState, dt: float) -> Any:
        times.append(asyncio.get_running_loop().time())
        return step(game_state, dt)

    machine.time_step = noted  # type: ignore[method-assign]
    return times


def test_ticks_have_fixed_times_one_interval_apart() -> None:
    machine = machine_of()
    times = virtual(machine)
    run_virtually(play(machine, 0.02, 2.0))
    assert len(times) in (99, 100)
    assert times == pytest.approx([100.0 + 0.02 * (n + 1) for n in range(len(times))], abs=1e-6)
    assert machine.game_time == pytest.approx(times[-1] - 100.0)


def test_work_within_the_interval_does_not_slow_the_ticks_down() -> None:
    def busy(game_state: GameState, dt: float) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.work(0.015)

    machine = machine_of(busy)
    times = virtual(machine)
    run_virtually(play(machine, 0.02, 20.0))
    assert 998 <= len(times) <= 1000
    assert machine.late_ticks == 0


def test_the_true_dt_is_passed_and_overdue_ticks_are_left_out_and_counted() -> None:
    dts: list[float] = []

    def step(game_state: GameState, dt: float) -> None:
        dts.append(dt)
        if len(dts) == 5:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            loop.work(1.0)

    machine = machine_of(step)
    machine.max_dt = math.inf
    times = virtual(machine)
    run_virtually(play(machine, 0.1, 3.0))
    assert sum(dts) == pytest.approx(times[-1] - 100.0)
    assert dts[4:7] == pytest.approx([0.1, 1.0, 0.1], abs=1e-6)
    assert machine.late_ticks == 9
    offsets = [(time - 100.0) / 0.1 % 1 for time in times]
    assert all(min(offset, 1 - offset) < 1e-3 for offset in offsets)  # back on the fixed times


def test_the_status_is_active_while_the_loop_runs_and_paused_otherwise() -> None:
    seen: list[int] = []
    machine = machine_of(lambda game_state, dt: seen.append(game_state.game_status))
    store = machine.game_state_store
    assert store.get_game_state().is_paused()
    run_virtually(play(machine, 0.1, 1.0))
    assert set(seen) == {ACTIVE}
    assert store.get_game_state().is_paused()


def test_a_stopped_game_resumes_where_it_was() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)
    run_virtually(play(machine, 0.1, 1.05))
    assert content(machine) == {"n": 10}
    order, game_time = machine.game_state_store.get_game_state().time_order, machine.game_time
    machine.plumbing.push(event("IGNORED"))
    run_virtually(play(machine, 0.1, 1.05))
    assert content(machine) == {"n": 20}
    assert machine.game_state_store.get_game_state().time_order > order
    assert machine.game_time == pytest.approx(2 * game_time)


def test_stop_may_come_from_a_handler_and_the_tick_is_finished() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)
    machine.register_event_handler("STOP", lambda: machine.stop() and None)

    async def main() -> None:
        running = asyncio.ensure_future(machine.run_game_loop(0.1))
        await asyncio.sleep(0.35)
        machine.plumbing.push(event("STOP"))
        await running

    run_virtually(main())
    assert content(machine) == {"n": 4}


def test_stop_gives_false_if_the_game_does_not_stop_in_time() -> None:
    async def main() -> tuple[bool, bool]:
        machine = machine_of()
        machine.plumbing.loop.claim(0.1)  # it is about to run, but never gets to it
        in_time = await machine.stop(timeout=0.5)
        running = asyncio.ensure_future(machine.plumbing.loop.run(0.1))
        late = await machine.stop(timeout=0.5)
        await running
        return in_time, late

    assert run_virtually(main()) == (False, True)


def test_a_coroutine_handlers_update_is_applied_after_it_has_ended() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)

    async def slow(x: int, game_state: GameState) -> dict[str, int]:
        await asyncio.sleep(0.25)
        return {"x": x}

    machine.register_event_handler("SLOW", slow)
    seen: list[Any] = []
    states = machine.game_state_store.plumbing
    states.subscribe(lambda: seen.append((content(machine)["n"], content(machine).get("x"))))

    async def main() -> None:
        machine.plumbing.push(event("SLOW", 7))
        await play(machine, 0.1, 1.0)

    run_virtually(main())
    assert seen[3:5] == [(3, None), (4, 7)]


def test_a_coroutine_handler_that_raises_or_returns_nonsense_is_logged_and_the_game_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)

    async def raising() -> None:
        raise RuntimeError("the game has a bug")

    async def nonsense() -> Any:
        return {"x": {1, 2}}

    machine.register_event_handler("RAISING", raising)
    machine.register_event_handler("NONSENSE", nonsense)
    machine.plumbing.push(event("RAISING"))
    machine.plumbing.push(event("NONSENSE"))
    with caplog.at_level(logging.ERROR, "pygase"):
        run_virtually(play(machine, 0.1, 1.05))
    assert content(machine) == {"n": 10}
    assert "event 'RAISING' raised RuntimeError" in caplog.text
    assert "NONSENSE" in caplog.text
    assert "update.x is of type set" in caplog.text


def test_a_raising_time_step_does_not_end_the_loop(caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def sometimes(game_state: GameState, dt: float) -> dict[str, int]:
        calls.append(dt)
        if len(calls) % 2:
            raise RuntimeError("the game has a bug")
        return {"n": len(calls)}

    machine = machine_of(sometimes, n=0)
    run_virtually(play(machine, 0.1, 1.05))
    assert len(calls) == 10
    assert content(machine) == {"n": 10}
    assert [record.exc_info is not None for record in caplog.records].count(True) == 1  # in full only once


def test_what_fails_again_and_again_is_told_in_full_once_and_then_once_a_second(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ManualClock()
    machine = machine_of(broken)
    monkeypatch.setattr(log_lines, "monotonic", clock)
    for tick in range(150):
        machine.plumbing.tick(0.02, 0.02 * tick)
        clock.advance(0.02)
    texts = [record.getMessage() for record in caplog.records]
    assert len(texts) == 3
    assert "the game goes on" in texts[0]
    assert all("(and 49 more such lines left out)" in text for text in texts[1:])
    assert [record.exc_info is not None for record in caplog.records] == [True, False, False]


def test_debug_mode_ends_the_loop_with_the_exception_and_pauses_the_game() -> None:
    machine = machine_of(broken, debug=True)
    machine.plumbing.loop.claim(0.1)
    with pytest.raises(RuntimeError, match="the game has a bug"):
        run_virtually(machine.plumbing.loop.run(0.1))
    assert machine.game_state_store.get_game_state().is_paused()


@pytest.mark.parametrize("wrong", [0, -1.0, None, "fast", True, math.inf, math.nan])
def test_an_interval_must_be_a_positive_number(wrong: Any) -> None:
    machine = machine_of()
    for run in (machine.run_game_loop, machine.run_game_loop_in_thread):
        with pytest.raises(ValueError, match="positive number of seconds"):
            run(wrong)


def test_a_running_loop_cannot_be_started_again() -> None:
    async def main() -> None:
        machine = machine_of()
        running = asyncio.ensure_future(machine.run_game_loop(0.1))
        await asyncio.sleep(0.5)
        with pytest.raises(RuntimeError, match="runs already"):
            await machine.run_game_loop(0.1)
        await machine.stop()
        await running

    run_virtually(main())


def test_updates_pushed_while_the_loop_runs_are_in_the_state() -> None:
    async def main() -> dict[str, Any]:
        machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)
        running = asyncio.ensure_future(machine.run_game_loop(0.1))
        await asyncio.sleep(0.55)
        machine.game_state_store.push_update(GameStateUpdate(0, x=1))
        assert content(machine) == {"n": 5, "x": 1}
        await asyncio.sleep(0.1)
        await machine.stop()
        await running
        return content(machine)

    assert run_virtually(main()) == {"n": 6, "x": 1}


# -- in earnest ------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_the_loop_in_a_thread_ticks_stops_and_resumes() -> None:
    ticked = threading.Event()
    machine = machine_of(lambda game_state, dt: ticked.set() or {"n": game_state.n + 1}, n=0)
    for _ in range(2):
        ticked.clear()
        thread = machine.run_game_loop_in_thread(interval=0.005)
        assert thread.daemon
        assert ticked.wait(5.0)
        assert not machine.game_state_store.get_game_state().is_paused()
        assert machine.stop(timeout=5.0) is True
        thread.join(5.0)
        assert not thread.is_alive()
        assert machine.game_state_store.get_game_state().is_paused()
    assert content(machine)["n"] >= 2


@pytest.mark.integration
def test_stop_during_a_long_tick_waits_its_time_and_says_that_it_was_not_enough() -> None:
    release, entered = threading.Event(), threading.Event()

    def long_step(game_state: GameState, dt: float) -> None:
        entered.set()
        release.wait(5.0)

    machine = machine_of(long_step)
    thread = machine.run_game_loop_in_thread(interval=0.005)
    assert entered.wait(5.0)
    assert machine.stop(timeout=0.05) is False
    release.set()
    thread.join(5.0)
    assert machine.stop() is True


@pytest.mark.integration
def test_run_game_loop_blocks_until_another_thread_stops_it() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)
    threading.Timer(0.2, machine.stop).start()
    machine.run_game_loop(0.01)
    assert 5 <= content(machine)["n"] <= 20


@pytest.mark.parametrize(
    "function", [lambda game_state: {}, lambda game_state, dt, input: {}], ids=["too few", "input for inputs"]
)
def test_a_time_step_that_could_not_be_called_is_refused_at_once(function: Any) -> None:
    with pytest.raises(TypeError, match="game_state, dt"):
        Backend(GameState(), function)


def test_ticks_a_second_in_place_of_seconds_are_told_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("WARNING", "pygase"):
        Backend(GameState(), lambda game_state, dt: {}).game_state_machine.plumbing.loop.claim(60)
    assert "interval=1 / 60" in caplog.text


def test_who_returns_the_state_itself_is_told_once_a_second_what_to_return(caplog: pytest.LogCaptureFixture) -> None:
    machine = GameStateMachine(GameStateStore(GameState(score=1)))
    machine.time_step = lambda game_state, dt: game_state
    for tick in range(20):
        machine.plumbing.tick(0.02, 1.0 + tick * 0.02)
    assert len(caplog.records) == 1
    assert "return a dict of the changes" in caplog.text


def test_a_handlers_own_malformed_packet_is_no_malformed_event() -> None:
    def handler() -> None:
        raise MalformedPacket("the game's own")

    machine = GameStateMachine(GameStateStore(GameState()), debug=True)
    machine.time_step = lambda game_state, dt: None
    machine.register_event_handler("E", handler)
    machine.plumbing.events.arrived.append((ClientEvents(1, ("there", 1)), encode_event("E", (), {}, 1000)))
    with pytest.raises(MalformedPacket, match="the game's own"):
        machine.plumbing.tick(0.02, 1.0)
    machine.plumbing.events.arrived.append((ClientEvents(1, ("there", 1)), b"\xc1"))
    machine.plumbing.tick(0.02, 1.02)
    assert machine.plumbing.events.refused == {"malformed event": 1}


def test_a_decorated_handler_gets_the_context_by_name() -> None:
    """A decorator hides the positional parameters of the function behind it, and may look at the names."""
    seen: list[Any] = []

    def spied(function: Any) -> Any:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            seen.append((args, kwargs))
            return function(*args, **kwargs)

        return wrapper

    machine = GameStateMachine(GameStateStore(GameState()))
    machine.time_step = lambda game_state, dt: None
    machine.register_event_handler("E", spied(lambda text, client_address: {"said": text}))
    machine.plumbing.events.arrived.append((ClientEvents(1, ("there", 1)), encode_event("E", ("hi",), {}, 1000)))
    machine.plumbing.tick(0.02, 1.0)
    assert seen == [(("hi",), {"client_address": ("there", 1)})]
    assert machine.game_state_store.get_game_state().said == "hi"
