"""A server that blocks its program says where it serves, once, to a person who would see nothing else."""

import io
import logging
import os
import signal
import subprocess
import sys
import textwrap
from types import SimpleNamespace

import pytest

from pygase._server import start_line
from pygase._server.start_line import after_bound, place, show_start

PROGRAM = """
import logging
import os
import signal
import threading
import time

from pygase import Backend, GameState

def end():
    while backend.server.port is None:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
threading.Thread(target=end).start()
SETTING
try:
    backend.run("127.0.0.1"ARGUMENTS)
except KeyboardInterrupt:
    pass
"""


class Bound:
    hostname: str | None = "localhost"
    port: int | None = 4711


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def quiet_logger(monkeypatch: pytest.MonkeyPatch) -> logging.Logger:
    """A logger as of a program that has not configured its logging; pytest has."""
    logger = logging.Manager(logging.RootLogger(logging.WARNING)).getLogger("pygase")
    monkeypatch.setattr(start_line, "logger", logger)
    return logger


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal instead of the standard error. (Between this and the test pytest puts its own stream there.)"""
    terminal = Terminal()
    monkeypatch.setattr(start_line, "sys", SimpleNamespace(stderr=terminal))
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(terminal))
    return terminal


@pytest.mark.parametrize(
    ("hostname", "sentence"),
    [
        ("localhost", "PyGaSe serves at localhost, port 4711, for this machine alone"),
        ("127.0.0.1", "PyGaSe serves at 127.0.0.1, port 4711, for this machine alone"),
        ("192.0.2.7", "PyGaSe serves at 192.0.2.7, port 4711"),
    ],
)
def test_the_line_says_who_reaches_the_server(hostname: str, sentence: str) -> None:
    assert place(hostname, 4711) == sentence


@pytest.mark.parametrize("hostname", ["0.0.0.0", "::", ""])
def test_the_line_names_an_address_for_others(hostname: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_line, "get_available_ip_addresses", lambda: ["192.0.2.7", "127.0.0.1"])
    words = "PyGaSe serves at port 4711 of all addresses of this machine, such as 192.0.2.7"
    assert place(hostname, 4711) == words


def test_a_terminal_shows_one_line(quiet_logger: logging.Logger, terminal: Terminal) -> None:
    show_start(Bound())
    assert terminal.getvalue() == "PyGaSe serves at localhost, port 4711, for this machine alone. Ctrl-C ends it.\n"


def test_a_file_shows_nothing(quiet_logger: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    show_start(Bound())
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


def test_a_program_with_a_log_of_its_own_has_the_line_there_only(
    quiet_logger: logging.Logger, terminal: Terminal
) -> None:
    quiet_logger.addHandler(logging.NullHandler())
    show_start(Bound())
    assert terminal.getvalue() == ""


def test_a_program_that_silences_the_log_sees_no_line(quiet_logger: logging.Logger, terminal: Terminal) -> None:
    quiet_logger.setLevel(logging.CRITICAL)
    show_start(Bound())
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("stream", [None, "closed"])
def test_a_program_without_a_standard_error_lives(
    quiet_logger: logging.Logger, stream: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed if stream else None)
    show_start(Bound())


def test_a_program_that_prints_its_own_line_is_left_to_it(quiet_logger: logging.Logger, terminal: Terminal) -> None:
    server, got = Bound(), []
    after_bound(server, got.append)()
    assert (got, terminal.getvalue()) == ([server], "")
    after_bound(server, None)()
    assert "port 4711" in terminal.getvalue()


def run_at_a_terminal(setting: str = "", arguments: str = "") -> str:
    """Run a server that gets a Ctrl-C soon; return all that its terminal shows."""
    pty = pytest.importorskip("pty", reason="there are no such terminals here")
    code = textwrap.dedent(PROGRAM).replace("SETTING", setting).replace("ARGUMENTS", arguments)
    own, its = pty.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.DEVNULL, stdout=its, stderr=its) as process:
        os.close(its)
        shown = b""
        try:
            while read := os.read(own, 4096):
                shown += read
        except OSError:  # Linux: nobody has the other end open
            pass
        process.wait(timeout=20)
    os.close(own)
    return shown.decode().replace("\r\n", "\n")


@pytest.mark.integration
def test_a_whole_program_at_a_terminal_shows_the_line() -> None:
    (line,) = run_at_a_terminal().splitlines()
    assert line.startswith("PyGaSe serves at 127.0.0.1, port ")
    assert line.endswith(", for this machine alone. Ctrl-C ends it.")


@pytest.mark.integration
def test_a_whole_program_with_a_log_has_the_line_in_its_log_once() -> None:
    shown = run_at_a_terminal("logging.basicConfig(level=logging.INFO)")
    (line,) = [line for line in shown.splitlines() if "serves" in line]
    assert line.startswith("INFO:pygase:PyGaSe serves at 127.0.0.1, port ")


@pytest.mark.integration
def test_a_whole_program_with_a_line_of_its_own_shows_that_alone() -> None:
    assert run_at_a_terminal(arguments=", on_bound=lambda server: print('Welcome')") == "Welcome\n"


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no Ctrl-C of its own")
@pytest.mark.parametrize("moment", ["import asyncio", "a new loop"])
def test_an_early_ctrl_c_is_no_more_than_that(moment: str) -> None:
    """It arrives while `run` imports asyncio, or makes its loop: before its coroutine has begun."""
    code = f"""
import builtins
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from pygase import Backend, GameState
from pygase._io import runner

def interrupted(*args, **kwargs):
    builtins.__import__ = importing
    signal.raise_signal(signal.SIGINT)

importing = builtins.__import__
if {moment!r} == "a new loop":
    runner.new_loop = interrupted
else:
    builtins.__import__ = lambda name, *args: interrupted() if name == "asyncio" else importing(name, *args)
Backend(GameState(n=0), lambda game_state, dt: None).run("127.0.0.1")
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert run.returncode == -signal.SIGINT
    assert run.stderr.splitlines()[-1] == "KeyboardInterrupt"
    assert "never awaited" not in run.stderr
