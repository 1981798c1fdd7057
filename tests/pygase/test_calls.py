"""Inside a running loop, blocking calls are awaited. A forgotten await, or another framework's loop, gets a sentence
with
the right code.
"""

import asyncio
import gc
import logging
import sys
import types
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateMachine, GameStateStore, Server
from pygase._io.calls import REMIND_AFTER
from tests.support.virtual_loop import run_virtually


def a_backend() -> Backend:
    return Backend(GameState(a=1), lambda game_state, dt: {})


CALLS: dict[str, Callable[[], Any]] = {
    "client.connect": lambda: Client().connect(9),
    "backend.run": lambda: a_backend().run("127.0.0.1", 0),
    "server.run": lambda: Server(GameStateStore()).run(0, "127.0.0.1"),
    "machine.run_game_loop": lambda: GameStateMachine(GameStateStore()).run_game_loop(),
}
each_call = pytest.mark.parametrize("name", CALLS)


def reminders(caplog: pytest.LogCaptureFixture) -> list[str]:
    found = [record.getMessage() for record in caplog.records if "has not begun" in record.getMessage()]
    assert all(record.levelno == logging.WARNING for record in caplog.records)
    return found


@each_call
@pytest.mark.parametrize("kept", [True, False])
def test_a_call_that_nobody_awaits_is_logged_within_a_second_with_what_to_write(
    name: str, kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """Once, and without Python's own warning, which says less."""

    async def main() -> None:
        call = CALLS[name]()
        if not kept:
            del call
        await asyncio.sleep(0.99)
        assert len(reminders(caplog)) == 1
        await asyncio.sleep(10)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run_virtually(main())
        gc.collect()
    (reminder,) = reminders(caplog)
    for words in (f"{name}(...) has not begun", f"`await {name}(...)`", f"asyncio.create_task({name}(...))"):
        assert words in reminder


@each_call
def test_a_program_that_ends_before_that_is_told_all_the_same(name: str, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        CALLS[name]()

    run_virtually(main())
    gc.collect()
    assert len(reminders(caplog)) == 1


def test_a_call_that_is_awaited_cancelled_or_closed_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        machine = a_backend().game_state_machine
        machine.run_game_loop().close()
        cancelled = asyncio.create_task(machine.run_game_loop())
        cancelled.cancel()
        with pytest.raises(asyncio.CancelledError):
            await cancelled
        late = machine.run_game_loop(0.1)
        await asyncio.sleep(REMIND_AFTER / 2)
        running = asyncio.create_task(late)
        await asyncio.sleep(2.0)
        assert await machine.stop()
        await running
        assert machine.game_time == pytest.approx(2.0, abs=0.15)
        with pytest.raises(RuntimeError, match="cannot reuse"):
            await late

    run_virtually(main())
    gc.collect()
    assert reminders(caplog) == []


def test_what_a_call_raises_reaches_whoever_awaits_it() -> None:
    async def main() -> None:
        machine = a_backend().game_state_machine
        with pytest.raises(ValueError, match="positive number of seconds"):
            await machine.run_game_loop(-1)
        with pytest.raises(ValueError, match="positive number of seconds"):
            await asyncio.wait_for(machine.run_game_loop(0), 5)

    run_virtually(main())


def fake_framework(name: str, running: bool) -> dict[str, Any]:
    """The framework's module, as far as a check for a running task uses it."""
    if name == "curio":
        return {"curio.meta": types.SimpleNamespace(curio_running=lambda: running)}

    def current_task() -> object:
        if not running:
            raise RuntimeError("must be called from async context")
        return object()

    return {"trio": types.SimpleNamespace(lowlevel=types.SimpleNamespace(current_task=current_task))}


@each_call
@pytest.mark.parametrize("framework", ["curio", "trio"])
def test_inside_another_frameworks_task_a_sentence_says_what_to_write(
    name: str, framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, fake in fake_framework(framework, True).items():
        monkeypatch.setitem(sys.modules, module, fake)
    with pytest.raises(RuntimeError, match=f"inside a task of {framework}, .*; write .*_in_thread"):
        CALLS[name]()


@pytest.mark.parametrize("framework", ["curio", "trio"])
def test_another_framework_that_is_only_imported_is_in_nobodys_way(
    framework: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, fake in fake_framework(framework, False).items():
        monkeypatch.setitem(sys.modules, module, fake)
    with pytest.raises(ValueError, match="positive number of seconds"):
        GameStateMachine(GameStateStore()).run_game_loop(-1)
