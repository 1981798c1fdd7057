"""A mistake shows the program's own line on the terminal, then the sentence, and none of our lines between them."""

import os
import re
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path

import pytest

from pygase._diagnostics.tracebacks import program_lines_only
from pygase.errors import InvalidValue
from tests.support.documents import ROOT

pytestmark = pytest.mark.integration

GAME = """
import asyncio, socket
from pygase import *
import pygase_pygame

taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
taken.bind(("127.0.0.1", 0))
PORT = taken.getsockname()[1]

def nothing(game_state, dt):
    return {}

def in_place(game_state, dt):
    game_state.players["a"]["x"] += 1

def no_number(game_state, dt):
    return {"x": {1, 2}}

def broken(game_state, dt):
    return {"x": 1 / 0}

def game(time_step, **options):
    return Backend(GameState(players={"a": {"x": 1}}), time_step, **options)

def machine(debug=None):
    return GameStateMachine(GameStateStore(), debug=debug)
"""
"""The beginning of the programs below. The port PORT is in use."""


def complaint(line: str, folder: Path, *, ends: bool = True) -> str:
    """Run a program whose last line is `line`. Return everything that it prints to the terminal."""
    program = folder / "game.py"
    program.write_text(GAME + line + "\n", encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(
        [sys.executable, "-W", "error::RuntimeWarning", program],
        env=environment,
        text=True,
        capture_output=True,
        timeout=60,
    )
    assert (ended.returncode != 0) == ends, ended.stderr
    return ended.stderr


def shown(line: str, folder: Path) -> str:
    """Run the same program in this process. Return the traceback that would end it."""
    program = folder / "game.py"
    program.write_text(GAME + line + "\n", encoding="utf-8")
    names = {"__name__": "__main__"}
    try:
        exec(compile(GAME + line, program, "exec"), names)
    except Exception as error:
        return "".join(traceback.format_exception(error.with_traceback(error.__traceback__.tb_next)))  # type: ignore[union-attr]
    finally:
        names["taken"].close()  # type: ignore[attr-defined]
    raise AssertionError("the program did not fail")


def frames(printed: str) -> list[tuple[str, str]]:
    """Return the file and the function of each entry of a traceback."""
    return [(Path(file).name, function) for file, function in re.findall(r'File "([^"]+)", line \d+, in (.+)', printed)]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("game(nothing).run('127.0.0.1', PORT)", r"AddressInUse: port \d+ is already in use"),
        ("game(nothing).run_in_thread('127.0.0.1', PORT)", r"AddressInUse: port \d+ is already in use"),
        ("Server(GameStateStore()).run(PORT, '127.0.0.1')", r"AddressInUse: port \d+ is already in use"),
        ("Server(GameStateStore()).run_in_thread(PORT)", r"AddressInUse: port \d+ is already in use"),
        ("pygase_pygame.host(game(nothing), PORT)", r"AddressInUse: port \d+ is already in use"),
        ("game(nothing).run('192.0.2.1', 0)", r"AddressNotUsable: .*192\.0\.2\.1"),
        ("pygase_pygame.host(game(nothing), 0, '192.0.2.1')", r"AddressNotUsable: .*192\.0\.2\.1"),
        ("game(in_place, debug=True).run()", r"InPlaceChange: time_step \(game\.py, line \d+\) changed game_state"),
        ("game(no_number, debug=True).run()", r"InvalidValue: update\.x is of type set.*\n\(raised by time_step \("),
        ("machine(debug=True).run_game_loop()", "NotImplementedError: time_step is not implemented"),
        ("game(nothing).run(8080)", "TypeError: hostname must be a str"),
        ("Backend(GameState(x=taken), nothing)", r"InvalidValue: initial_game_state\.x is of type socket\.socket"),
        ("GameStateStore().push_update(GameStateUpdate(x=taken))", r"InvalidValue: update\.x is of type socket\."),
        ("Client().connect(PORT, connect_timeout=0.2)", "ConnectionFailed: Nobody answers there"),
        ("Client().dispatch_event('E', taken)", r"InvalidValue: event 'E': args\[0\] is of type socket\.socket"),
        ("Client().send_input(taken)", r"InvalidValue: input is of type socket\.socket"),
        ("Server(GameStateStore()).dispatch_event('E', x={1})", r"InvalidValue: event 'E': kwargs\.x is of type set"),
    ],
)
def test_the_programs_line_is_the_last_one_before_the_sentence(line: str, sentence: str, tmp_path: Path) -> None:
    check_shape(shown(line, tmp_path), line, sentence)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("game(nothing).run('127.0.0.1', PORT)", "AddressInUse"),
        ("pygase_pygame.host(game(nothing), PORT)", "AddressInUse"),
        ("game(in_place, debug=True).run()", "InPlaceChange"),
    ],
)
def test_a_program_ends_with_its_own_line_and_the_sentence(line: str, sentence: str, tmp_path: Path) -> None:
    check_shape(complaint(line, tmp_path), line, sentence)


def check_shape(printed: str, line: str, sentence: str) -> None:
    assert frames(printed) == [("game.py", "<module>")]
    head, file, own, *rest = printed.splitlines()
    assert (head, own.strip()) == ("Traceback (most recent call last):", line)
    assert file.startswith('  File "')
    assert len(rest) <= 3, "at most the marks below the line, the sentence and a note"
    assert re.search(sentence, printed)


def test_what_a_time_step_raises_in_debug_mode_shows_its_line_last(tmp_path: Path) -> None:
    printed = complaint("game(broken, debug=True).run()", tmp_path)
    assert frames(printed) == [("game.py", "<module>"), ("game.py", "broken")]
    assert printed.endswith("ZeroDivisionError: division by zero\n(raised by time_step)\n")


def test_in_an_asyncio_program_its_await_is_the_last_line(tmp_path: Path) -> None:
    main = "async def main():\n    await game(no_number, debug=True).run()\nasyncio.run(main())"
    assert frames(complaint(main, tmp_path))[-1] == ("game.py", "main")


def test_a_thread_shows_the_sentence_and_none_of_our_lines(tmp_path: Path) -> None:
    printed = complaint("game(in_place, debug=True).run_in_thread().join()", tmp_path, ends=False)
    assert {file for file, _ in frames(printed)} == {"threading.py"}
    assert re.search(r"InPlaceChange: time_step \(game\.py, line \d+\) changed game_state\.players\.a\.x in", printed)


def test_the_log_of_what_a_time_step_raises_has_the_games_lines_alone(tmp_path: Path) -> None:
    line = "game(broken).run_in_thread(); import time; time.sleep(0.3)"
    assert set(frames(complaint(line, tmp_path, ends=False))) == {("game.py", "broken")}


def test_a_fault_that_may_be_ours_keeps_every_line() -> None:
    def fail() -> None:
        with program_lines_only:
            exec(textwrap.dedent(code), names)

    code, names = "def inner(): raise KeyError('x')\ninner()", {"__name__": "pygase.somewhere", "E": InvalidValue}
    with pytest.raises(KeyError) as fault:
        fail()
    code = "def inner(): raise E('x')\ninner()"
    with pytest.raises(InvalidValue) as mistake:
        fail()
    names["__name__"] = "game"
    with pytest.raises(InvalidValue) as own:
        fail()
    assert [len(list(caught.traceback)) for caught in (fault, mistake, own)] == [4, 2, 4]
