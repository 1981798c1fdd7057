"""However a program ends, its last events arrive, and both sides learn of its end."""

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import CLIENT_LEFT, Backend, Client, DisconnectReason, GameState

pytestmark = pytest.mark.integration

WAIT = 20.0
"""Seconds that a program may take to start on a busy machine."""


def eventually(condition: Callable[[], Any], seconds: float = WAIT) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


class Inn:
    """A server that keeps the last event of each client, and the reasons of their departures."""

    def __init__(self) -> None:
        self.last: list[str] = []
        self.left: list[DisconnectReason] = []
        self.backend = Backend(
            GameState(n=0),
            lambda game_state, dt: {"n": game_state.n + 1},
            {"LAST": lambda word: self.last.append(word), CLIENT_LEFT: lambda reason: self.left.append(reason)},
        )
        self.backend.run_in_thread("127.0.0.1", 0)


@pytest.fixture
def inn() -> Iterator[Inn]:
    inn = Inn()
    yield inn
    inn.backend.shutdown()


def start(program: str, **values: Any) -> "subprocess.Popen[str]":
    """Start a program. Its names in capitals are replaced by the values."""
    text = textwrap.dedent(program)
    for name, value in values.items():
        text = text.replace(name, str(value))
    streams: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    process = subprocess.Popen([sys.executable, "-c", text], text=True, **streams)
    started.append(process)
    return process


started: "list[subprocess.Popen[str]]" = []


@pytest.fixture(autouse=True)
def _ends_its_programs() -> Iterator[None]:
    """End the programs that a failed test leaves running."""
    yield
    while started:
        with started.pop() as process:
            process.kill()


def run(program: str, **values: Any) -> tuple[int, str]:
    """Run a program to its end. Return its exit status and its stderr."""
    process = start(program, **values)
    _, errors = process.communicate(timeout=WAIT)
    return process.returncode, errors


CONNECTED = """
from pygase import *
client = Client()
client.connect_in_thread(port=PORT)
client.wait_until(lambda game_state: game_state.n > 0, timeout=10)
"""

PROGRAMS: dict[str, tuple[str, int]] = {
    "it ends": (CONNECTED + "client.dispatch_event('LAST', 'a')", 0),
    "sys.exit": (CONNECTED + "import sys; client.dispatch_event('LAST', 'a'); sys.exit(3)", 3),
    "an exception": (CONNECTED + "client.dispatch_event('LAST', 'a'); 1 / 0", 1),
    "still connecting": (
        """
        from pygase import Client
        client = Client()
        client.connect_in_thread(port=PORT, hostname="127.0.0.1")
        client.dispatch_event("LAST", "a", retries=3)
        """,
        0,
    ),
    "opened and pumped": (
        """
        from pygase import Client
        client = Client()
        client.open(PORT, "127.0.0.1")
        while not client.snapshots:
            client.pump()
        client.dispatch_event("LAST", "a")
        """,
        0,
    ),
    "opened and never pumped": (
        """
        from pygase import Client
        client = Client()
        client.open(PORT, "127.0.0.1")
        client.dispatch_event("LAST", "a")
        """,
        0,
    ),
    "opened in a thread that has ended": (
        """
        import threading
        from pygase import Client
        client = Client()
        thread = threading.Thread(target=lambda: client.open(PORT, "127.0.0.1"))
        thread.start()
        thread.join()
        client.dispatch_event("LAST", "a")
        """,
        0,
    ),
    "disconnect while connecting": (
        """
        from pygase import Client
        client = Client()
        client.connect_in_thread(port=PORT, hostname="127.0.0.1")
        client.dispatch_event("LAST", "a")
        client.disconnect()
        """,
        0,
    ),
    "asyncio.run with a task that goes on": (
        """
        import asyncio
        from pygase import Client

        async def main():
            client = Client()
            task = asyncio.create_task(client.connect(PORT, "127.0.0.1"))
            while not client.snapshots:
                await asyncio.sleep(0.01)
            client.dispatch_event("LAST", "a", retries=3)

        asyncio.run(main())
        """,
        0,
    ),
    "a loop that is left as it stands": (
        """
        import asyncio
        from pygase import Client
        client = Client()

        async def main():
            global task
            task = asyncio.create_task(client.connect(PORT, "127.0.0.1"))
            while not client.snapshots:
                await asyncio.sleep(0.01)

        loop = asyncio.new_event_loop()
        loop.run_until_complete(main())
        client.dispatch_event("LAST", "a")
        import os; os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # asyncio: "Task was destroyed but it is pending!"
        """,
        0,
    ),
    "an exit hook of its own has the last word": (
        CONNECTED + "import atexit; atexit.register(lambda: client.dispatch_event('LAST', 'a'))",
        0,
    ),
    "a thread of its own plays on after the end of the main thread": (
        CONNECTED
        + """
import threading, time
def play():
    time.sleep(0.5)
    client.dispatch_event('LAST', 'a' if client.status == 'connected' else 'it was over already')
threading.Thread(target=play).start()
""",
        0,
    ),
    "much is said at once": (
        CONNECTED
        + "client.dispatch_event('LAST', 'a'); [client.dispatch_event('NOISE', 'x' * 1000) for _ in range(90)]",
        0,
    ),
    "jitter without loss": (
        """
        from pygase import *
        client = Client()
        client.condition("latency=20ms jitter=40ms", seed=SEED)
        client.connect_in_thread(port=PORT, hostname="127.0.0.1")
        client.wait_until(lambda game_state: game_state.n > 0, timeout=10)
        client.dispatch_event('LAST', 'a')
        """,
        0,
    ),
    "pygame": (
        """
        import pygame, pygase_pygame
        pygame.init()
        session = pygase_pygame.join("127.0.0.1", PORT)
        while session.status != "connected":
            session.poll()
        session.client.dispatch_event("LAST", "a")
        """,
        0,
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_a_program_dispatched_last_arrives_and_goodbye_is_said(name: str, inn: Inn, seed: int) -> None:
    program, status = PROGRAMS[name]
    ended, errors = run(program, PORT=inn.backend.server.port, SEED=seed)
    assert ended == status, errors
    assert "Traceback" not in errors or name == "an exception", errors
    eventually(lambda: inn.left, 1.0)
    assert (inn.last, inn.left) == (["a"], [DisconnectReason.CLOSED])


def test_a_program_that_ends_while_a_host_name_is_looked_up_does_not_wait_for_it() -> None:
    program = """
    import socket, time
    from pygase import Client
    socket.getaddrinfo = lambda *args, **kwargs: time.sleep(60)
    client = Client()
    client.connect_in_thread(port=8080, hostname="far.example")
    time.sleep(0.3)
    print(time.monotonic(), flush=True)
    """
    process = start(program)
    assert process.stdout is not None
    began_at = float(process.stdout.readline())
    _, errors = process.communicate(timeout=WAIT)
    assert (process.returncode, errors) == (0, "")
    assert time.monotonic() - began_at < 10.0, "a minute is what the look-up takes"


def test_many_clients_of_one_program_say_goodbye_at_the_same_time(inn: Inn) -> None:
    """Even if the server is silent: half a second in all, not for each client."""
    program = """
    import time, atexit
    from pygase import Client
    clients = [Client() for _ in range(6)]
    for client in clients:
        client.connect_in_thread(port=PORT, hostname="127.0.0.1")
    for client in clients:
        client.wait_until(lambda game_state: game_state.n > 0, timeout=10)
    nobody = [Client() for _ in range(6)]
    for client in nobody:
        client.connect_in_thread(port=9, hostname="127.0.0.1")
    for number, client in enumerate([*clients, *nobody]):
        client.dispatch_event("LAST", str(number), retries=3)
    import os
    print(time.monotonic(), flush=True)
    """
    process = start(program, PORT=inn.backend.server.port)
    assert process.stdout is not None
    began_at = float(process.stdout.readline())
    process.communicate(timeout=WAIT)
    took = time.monotonic() - began_at
    eventually(lambda: len(inn.left) == 6, 1.0)
    assert (sorted(inn.last), set(inn.left)) == (["0", "1", "2", "3", "4", "5"], {DisconnectReason.CLOSED})
    assert took < 3.0, "six of them, one after the other, would take so long"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.parametrize("opened", [False, True])
def test_a_forked_child_does_not_hang_up_its_parents_connection(inn: Inn, opened: bool) -> None:
    begin = "client.open(PORT, '127.0.0.1')" if opened else "client.connect_in_thread(PORT, '127.0.0.1')"
    program = f"""
    import os, time
    from pygase import Backend, Client, GameState
    own = Backend(GameState(), lambda game_state, dt: {{}})
    own.run_in_thread("127.0.0.1", 0)
    client = Client()
    {begin}
    while not client.snapshots:
        client.pump() if {opened} else time.sleep(0.01)
    began_at = time.monotonic()
    if os.fork() == 0:
        raise SystemExit(7)  # by the way of Python, exit hooks and all
    assert os.waitstatus_to_exitcode(os.wait()[1]) == 7
    assert time.monotonic() - began_at < 2.0, "the child has waited for somebody"
    for _ in range(50):
        client.pump() if {opened} else None
        time.sleep(0.01)
    assert client.status == "connected" and own.server.port
    client.dispatch_event("LAST", "a")
    """
    ended, errors = run(program, PORT=inn.backend.server.port)
    assert ended == 0, errors
    eventually(lambda: inn.left, 1.0)
    assert (inn.last, inn.left) == (["a"], [DisconnectReason.CLOSED])


# -- servers -----------------------------------------------------------------------------------------------------------

IN_THREADS = {
    "backend": "backend.run_in_thread('127.0.0.1', 0)",
    "server": "backend.server.run_in_thread(0, '127.0.0.1')",
    "server and loop": """machine = backend.game_state_machine
server.run_in_thread(0, '127.0.0.1', machine)
machine.run_game_loop_in_thread()""",
}

SERVER = """
import atexit, sys, logging
from pygase import *
backend = Backend(GameState(n=1), lambda game_state, dt: {"n": game_state.n + 1})
server = backend.server
"""


def guest_of(process: "subprocess.Popen[str]", ticks: int = 0) -> Client:
    """Join the server of a program that prints its port, and wait until its game loop has run some ticks."""
    assert process.stdout is not None
    client = Client()
    client.connect_in_thread(int(process.stdout.readline()), "127.0.0.1")
    client.wait_until(lambda game_state: game_state.n > ticks, timeout=WAIT)
    return client


@pytest.mark.parametrize("how", IN_THREADS)
@pytest.mark.parametrize("end", ["input()", "input(); sys.exit(2)", "input(); 1 / 0"])
def test_a_server_in_a_thread_tells_its_clients_when_the_program_ends(how: str, end: str) -> None:
    said = end.replace("input()", "input(); server.dispatch_event('LAST', 'a')")
    process = start(SERVER + IN_THREADS[how] + "\nprint(server.port, flush=True)\n" + said)
    client, heard = guest_of(process), list[str]()
    client.register_event_handler("LAST", heard.append)
    _, errors = process.communicate("\n", timeout=WAIT)
    eventually(lambda: client.status == "disconnected", 2.0)
    assert (heard, client.disconnect_reason) == (["a"], DisconnectReason.SERVER_SHUTDOWN)
    assert "the program has ended" not in errors  # a client has played


@pytest.mark.parametrize("how", IN_THREADS)
def test_a_program_whose_last_line_starts_something_in_a_thread_is_told_to_let_it_block(how: str) -> None:
    started = IN_THREADS[how].splitlines()[-1]
    ended, errors = run(SERVER + IN_THREADS[how])
    call = started.partition(".")[2].partition("(")[0].rpartition(".")[2]
    assert ended == 0
    assert f"{call}(...), and that ends with it" in errors
    assert (
        f"Let the last line be {started.partition('.')[0].replace('backend', how)}.".replace(
            "server and loop", "backend"
        )
        in errors
    )
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    "end",
    [
        "backend.shutdown()",
        "import time; time.sleep(1.2)",
        "raise ValueError('mine')",
        "client = Client(); client.connect_in_thread(server.port); client.wait_until(lambda state: state.n > 0, 10)",
        "import threading, time; threading.Thread(target=lambda: time.sleep(1.2)).start()",
    ],
)
def test_a_program_that_means_to_end_is_not(end: str) -> None:
    _, errors = run(SERVER + IN_THREADS["backend"] + "\n" + end)
    assert "the program has ended" not in errors


# -- signals -----------------------------------------------------------------------------------------------------------

BLOCKING = {
    "backend": "backend.run('127.0.0.1', PORT)",
    "server": "server.run(PORT, '127.0.0.1')",
    "loop": """machine = backend.game_state_machine
server.run_in_thread(PORT, '127.0.0.1', machine)
machine.run_game_loop()""",
    "asyncio.run": "import asyncio\nasync def main(): await backend.run('127.0.0.1', PORT)\nasyncio.run(main())",
    "a task": """import asyncio
async def main():
    task = asyncio.create_task(server.run(PORT, '127.0.0.1'))
    await asyncio.sleep(60)
asyncio.run(main())""",
}
ANNOUNCED = SERVER + "import threading, time, signal\n"
PORT_SHOWER = """
def show():
    while not server.port:
        time.sleep(0.01)
    print(server.port, flush=True)
threading.Thread(target=show, daemon=True).start()
"""
no_signals = pytest.mark.skipif(sys.platform == "win32", reason="there, a process cannot be sent these signals")


@no_signals
@pytest.mark.parametrize("how", BLOCKING)
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_ends_the_program_lets_a_server_say_goodbye_first(how: str, name: str) -> None:
    number = signal.Signals[name]
    process = start(ANNOUNCED + PORT_SHOWER + BLOCKING[how], PORT=0)
    client = guest_of(process, ticks=1 if how == "loop" else 0)  # only then does the main thread handle signals
    process.send_signal(number)
    _, errors = process.communicate(timeout=WAIT)
    assert (process.returncode, errors) == (128 + number, "")
    eventually(lambda: client.status == "disconnected", 2.0)
    assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


@no_signals
@pytest.mark.parametrize("how", ["backend", "server", "asyncio.run"])
def test_a_program_that_handles_ctrl_c_goes_the_same_way_and_has_its_signals_back(how: str) -> None:
    *before, last = BLOCKING[how].splitlines()
    handled = [*before, "try:", f"    {last}", "except KeyboardInterrupt as error:", "    print(error, server.port)"]
    after = "\nprint(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL == signal.getsignal(signal.SIGHUP))"
    process = start(ANNOUNCED + PORT_SHOWER + "\n".join(handled) + after, PORT=0)
    guest_of(process)
    process.send_signal(signal.SIGTERM)
    printed, errors = process.communicate(timeout=WAIT)
    assert (process.returncode, printed, errors) == (0, "ended by SIGTERM None\nTrue\n", "")


@no_signals
def test_what_the_program_has_arranged_for_a_signal_itself_is_left_alone() -> None:
    own = """
signal.signal(signal.SIGTERM, lambda number, frame: print("mine", flush=True))
signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
"""
    process = start(ANNOUNCED + own + PORT_SHOWER + BLOCKING["backend"], PORT=0)
    client = guest_of(process)
    for number in (signal.SIGHUP, signal.SIGTERM):
        process.send_signal(number)
    assert process.stdout is not None
    assert process.stdout.readline() == "mine\n"
    n = client.try_to(lambda game_state: game_state.n)
    client.wait_until(lambda game_state: game_state.n > n + 5, timeout=5)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=WAIT)
    eventually(lambda: client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN, 2.0)


@no_signals
def test_a_server_that_runs_outside_the_main_thread_touches_no_signal() -> None:
    backend = Backend(GameState(), lambda game_state, dt: {})
    thread = threading.Thread(target=lambda: backend.run("127.0.0.1", 0), daemon=True)
    thread.start()
    eventually(lambda: backend.server.port, 5.0)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    backend.shutdown()
    thread.join(5.0)
