"""``game_status``: a game pauses itself by an update; and that it cannot be misused, nor ``time_order``."""

import asyncio
import enum
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateMachine, GameStateStore, GameStateUpdate, GameStatus
from pygase.errors import InPlaceChange, InvalidValue
from pygase.event import Event
from pygase.gamestate import TO_DELETE
from pygase.testing import SimulatedNetwork
from tests.support.virtual_loop import run_virtually

PAUSED, ACTIVE = GameStatus.get("Paused"), GameStatus.get("Active")
WAIT = 5.0


def machine_of(time_step: Callable[[Any, float], Any], **state: Any) -> GameStateMachine:
    machine = GameStateMachine(GameStateStore(GameState(**state)), debug=False)
    machine.time_step = time_step  # type: ignore[method-assign]
    return machine


def pausing_at(*moments: int) -> Callable[[Any, float], Any]:
    def step(game_state: Any, dt: float) -> dict[str, Any]:
        n = game_state.n + 1
        return {"n": n, **({"game_status": PAUSED} if n in moments else {})}

    return step


async def played(machine: GameStateMachine, interval: float) -> None:
    """Play until the game loop ends by itself."""
    async with asyncio.timeout(1000 * interval):
        await machine.run_game_loop(interval)


# -- the game pauses itself ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("interval", [0.001, 0.02, 0.5])
def test_a_tick_that_says_paused_is_the_last_one_and_a_later_run_resumes(interval: float) -> None:
    machine = machine_of(pausing_at(3, 7), n=0)
    store = machine.game_state_store
    for expected in (3, 7):
        run_virtually(played(machine, interval))  # ends by itself, without anybody's stop()
        state = store.get_game_state()
        assert (state.n, state.is_paused()) == (expected, True)
        assert machine.stop(timeout=0.0)
    assert machine.game_time == pytest.approx(7 * interval)


def test_a_handler_may_say_paused_and_its_tick_is_finished() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)
    machine.register_event_handler("PAUSE", lambda: {"game_status": PAUSED})
    machine.plumbing.push(Event("PAUSE"))
    run_virtually(played(machine, 0.1))
    state = machine.game_state_store.get_game_state()
    assert (state.n, state.is_paused()) == (1, True)


def test_what_counts_is_the_status_at_the_end_of_the_tick() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1, "game_status": ACTIVE}, n=0)
    machine.register_event_handler("PAUSE", lambda: {"game_status": PAUSED})
    machine.plumbing.push(Event("PAUSE"))

    async def main() -> None:
        running = asyncio.ensure_future(machine.run_game_loop(0.1))
        await asyncio.sleep(1.05)
        assert not running.done()
        assert not machine.game_state_store.get_game_state().is_paused()
        await machine.stop()
        await running

    run_virtually(main())
    assert machine.game_state_store.get_game_state().n == 10


def test_a_push_from_elsewhere_that_says_paused_ends_the_loop_with_the_next_tick() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)

    async def main() -> None:
        running = asyncio.ensure_future(machine.run_game_loop(0.1))
        await asyncio.sleep(0.35)
        machine.game_state_store.push_update(GameStateUpdate(game_status=PAUSED))
        await asyncio.wait_for(running, 10.0)

    run_virtually(main())
    assert machine.game_state_store.get_game_state().n == 4


def test_a_pause_cancels_the_coroutines_of_handlers_as_stop_does() -> None:
    machine, ended = machine_of(pausing_at(2), n=0), []

    async def slow() -> None:
        try:
            await asyncio.sleep(100.0)
        finally:
            ended.append(True)

    machine.register_event_handler("SLOW", slow)
    machine.plumbing.push(Event("SLOW"))

    async def main() -> None:
        await played(machine, 0.1)
        await asyncio.sleep(0)

    run_virtually(main())
    assert ended == [True]


def test_a_paused_backend_still_serves_its_clients() -> None:
    backend, network = Backend(GameState(n=0), pausing_at(5)), SimulatedNetwork(seed=3)
    network.serve(backend, 0.02)
    early, late = Client(), Client()
    network.connect(early)
    network.run(1.0)
    network.connect(late)
    network.run(1.0)
    backend.game_state_store.push_update(GameStateUpdate(word="hello"))
    network.run(1.0)
    for client in (early, late):
        with client.access_game_state() as game_state:
            assert (game_state.n, game_state.is_paused(), game_state.word) == (5, True, "hello")
        assert client.status == "connected"


@pytest.mark.integration
def test_on_real_sockets_a_paused_game_serves_on_and_can_be_resumed() -> None:
    backend = Backend(GameState(n=0), pausing_at(5, 12))
    running = backend.run_in_thread("127.0.0.1", 0, 0.005)
    machine, client = backend.game_state_machine, Client()
    client.connect_in_thread(backend.server.port or 0)
    try:
        client.wait_until(lambda game_state: game_state.n == 5 and game_state.is_paused(), timeout=WAIT)
        backend.game_state_store.push_update(GameStateUpdate(word="hello"))
        client.wait_until(lambda game_state: game_state.word == "hello" and game_state.n == 5, timeout=WAIT)
        assert running.is_alive()
        assert machine.stop(timeout=WAIT)
        resumed = machine.run_game_loop_in_thread(0.005)
        client.wait_until(lambda game_state: game_state.n == 12 and game_state.is_paused(), timeout=WAIT)
        resumed.join(WAIT)
        assert not resumed.is_alive()
        resumed = machine.run_game_loop_in_thread(0.005)
        client.wait_until(lambda game_state: game_state.n > 20, timeout=WAIT)
    finally:
        backend.shutdown()
    for thread in (running, resumed):
        thread.join(WAIT)
        assert not thread.is_alive()
    assert backend.game_state_store.get_game_state().is_paused()


@pytest.mark.integration
def test_the_thread_of_a_game_loop_that_says_paused_ends() -> None:
    machine = machine_of(pausing_at(3), n=0)
    thread = machine.run_game_loop_in_thread(0.002)
    thread.join(WAIT)
    assert not thread.is_alive()
    n = machine.game_state_store.get_game_state().n
    time.sleep(0.05)
    assert machine.game_state_store.get_game_state().n == n == 3


# -- what is no status -----------------------------------------------------------------------------------------------

WRONG = ["Paused", 2, -1, True, None, 1.0, [1], TO_DELETE, {"phase": 1}]
ADVICE = r'game_status must be a GameStatus value, GameStatus\.get\("Paused"\) .* such as phase'


@pytest.mark.parametrize("wrong", WRONG)
def test_an_update_whose_status_is_none_is_refused_wherever_it_comes_from(
    wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    store = GameStateStore(GameState(n=0))
    with pytest.raises(InvalidValue, match=ADVICE):
        GameStateUpdate(1, game_status=wrong)
    update = GameStateUpdate(1, n=5)
    update.game_status = wrong
    for use in (lambda: store.push_update(update), lambda: GameState(n=0) + update):
        with pytest.raises(InvalidValue, match=ADVICE):
            use()
    machine = GameStateMachine(store, debug=False)
    machine.time_step = lambda game_state, dt: {"n": 1, "game_status": wrong}  # type: ignore[method-assign]
    machine.register_event_handler("SET", lambda: {"m": 1, "game_status": wrong})
    machine.plumbing.push(Event("SET"))
    with caplog.at_level(logging.ERROR, "pygase"):
        machine.plumbing.tick(0.02, 1.0)
    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("the handler of event 'SET'")
    assert second.startswith("time_step")
    assert caplog.text.count("must be a GameStatus value") == 2
    assert dict(store.get_game_state()) == {"n": 0}
    assert store.get_game_state().game_status == PAUSED


@pytest.mark.parametrize("wrong", [wrong for wrong in WRONG if wrong is not TO_DELETE])
def test_a_state_whose_status_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidValue, match=ADVICE):
        GameState(game_status=wrong)
    state = GameState()
    with pytest.raises(InvalidValue, match=ADVICE):
        state.game_status = wrong
    vars(state)["game_status"] = wrong
    with pytest.raises(InvalidValue, match=r"initial_game_state\.game_status must be"):
        GameStateStore(state)


def test_a_status_may_be_an_int_of_another_class() -> None:
    class Status(enum.IntEnum):
        ACTIVE = 1

    store = GameStateStore(GameState(game_status=Status.ACTIVE))
    assert type(store.plumbing.committed.tree["game_status"]) is int
    store.push_update(GameStateUpdate(game_status=Status.ACTIVE))
    assert not store.get_game_state().is_paused()


# -- and no other use ------------------------------------------------------------------------------------------------


def test_an_update_of_time_order_is_refused_with_advice() -> None:
    machine = GameStateMachine(GameStateStore(GameState(n=0)), debug=True)
    machine.time_step = lambda game_state, dt: {"n": 1, "time_order": 5}  # type: ignore[method-assign]
    with pytest.raises(InvalidValue, match=r"time_order, which cannot be set: PyGaSe counts .* leave it out"):
        machine.plumbing.tick(0.02, 1.0)
    assert machine.game_state_store.get_game_state().n == 0


def test_a_whole_state_as_an_update_is_none_of_that() -> None:
    machine = GameStateMachine(GameStateStore(GameState(n=0, m=1)), debug=True)
    machine.time_step = lambda game_state, dt: {**game_state, "n": game_state.n + 1}  # type: ignore[method-assign]
    machine.plumbing.tick(0.02, 1.0)
    assert dict(machine.game_state_store.get_game_state()) == {"n": 1, "m": 1}


@pytest.mark.parametrize("debug", [True, False])
@pytest.mark.parametrize(("name", "value"), [("game_status", PAUSED), ("game_status", "Paused"), ("time_order", 5)])
def test_assigning_either_in_a_handler_raises_with_advice(
    name: str, value: Any, debug: bool, caplog: pytest.LogCaptureFixture
) -> None:
    machine = GameStateMachine(GameStateStore(GameState(n=0, game_status=ACTIVE)), debug=debug)
    machine.time_step = lambda game_state, dt: setattr(game_state, name, value)  # type: ignore[method-assign]
    advice = "return {" if name == "game_status" else "take another name"
    if debug:
        with pytest.raises(InPlaceChange, match=advice):
            machine.plumbing.tick(0.02, 1.0)
    else:
        machine.plumbing.tick(0.02, 1.0)
        assert advice in caplog.text
    assert machine.game_state_store.get_game_state()[name] == 1


@pytest.mark.integration
def test_pausing_from_many_threads_at_once_ends_the_loop_once() -> None:
    machine = machine_of(lambda game_state, dt: {"n": game_state.n + 1}, n=0)
    thread = machine.run_game_loop_in_thread(0.001)
    update = GameStateUpdate(game_status=PAUSED)
    pushers = [threading.Thread(target=machine.game_state_store.push_update, args=(update,)) for _ in range(8)]
    for pusher in pushers:
        pusher.start()
    for pusher in pushers:
        pusher.join()
    thread.join(WAIT)
    assert not thread.is_alive()
    assert machine.stop()
