"""The command line says what is wrong and what to do, whatever is missing or mistyped."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from games.pong import __main__ as cli
from games.pong.server import GAME
from pygase import Client, DisconnectReason


@pytest.fixture(autouse=True)
def _keeps_signal_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["--help"], ["host", "join"]),
        (["host", "--help"], ["--port", "--headless", "--no-bot", "--name", "--bind", "default: 7664"]),
        (["join", "--help"], ["HOST[:PORT]", "--name"]),
    ],
)
def test_help_names_everything(command: list[str], words: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.main(command)
    assert exit_info.value.code == 0
    text = said(capsys)
    assert all(word in text for word in words)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["join", "two words"], "'two words' is no address: "),
        (["join", "host:pong"], "'pong' is no port: "),
        (["host", "--port", "65536"], "'65536' is no port: "),
        (["host", "--port", "0"], "'0' is no port: "),
        ([], "host|join"),
    ],
)
def test_a_mistyped_command_is_answered_with_a_sentence(command: list[str], sentence: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.main(command)
    assert exit_info.value.code == 2
    assert sentence in said(capsys)


@pytest.mark.parametrize("command", ["host", "join"])
def test_without_pygame_it_says_what_to_install(command: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(cli, "_has_pygame", lambda: False)
    assert cli.main([command]) == 1
    text = said(capsys)
    assert 'pip install "pygase[pygame]"' in text
    assert ("host --headless" in text) == (command == "host")


def test_a_machine_that_knows_no_user_has_a_player(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise OSError("no such user")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert cli._own_name() == "Player"


class Program:
    """`python -m games.pong …` as a process of its own."""

    def __init__(self, *arguments: str, **environment: str | None) -> None:
        inherited = {**os.environ, **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "games.pong", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={name: value for name, value in inherited.items() if value is not None},
        )
        self.printed = ""

    def read_until(self, words: str) -> str:
        """Read on until a line has these words; what never comes is the test's time-out."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed += line
            if words in line:
                return line
        raise AssertionError(f"{words!r} did not come, but: {self.printed}")

    def interrupt(self, signal_number: int = signal.SIGINT) -> int:
        """Press Ctrl-C; return the exit status, which has to come soon."""
        self.process.send_signal(signal_number)
        return self.process.wait(timeout=5)


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    started: list[Program] = []
    yield started
    for program in started:
        program.process.kill()
        program.process.communicate()


@pytest.fixture
def port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def guest(port: int) -> Client:
    """Return a client in this process that has come to the table and told no name."""
    client = Client(game=GAME)
    client.connect_in_thread(port, "127.0.0.1")
    client.wait_until(lambda state: hasattr(state, "players"), timeout=10)
    return client


def wait_for_players(client: Client, *names: str) -> None:
    def are_there(state: Any) -> bool:
        return {player["name"] for player in state.players.values()} == set(names)

    client.wait_until(are_there, timeout=10)


@pytest.mark.integration
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_programs_play_together_and_each_ends_when_told_to(
    port: int, programs: list[Program], by: signal.Signals
) -> None:
    host = Program("host", "--headless", "--bind", "127.0.0.1", "--port", str(port))
    programs.append(host)
    host.read_until("Serving without a window")
    client = guest(port)
    for watching, name in enumerate(("Ada", "Bob")):
        programs.append(Program("join", f"127.0.0.1:{port}", "--name", name))
        client.wait_until(lambda state, expected=watching: state.watching == expected, timeout=10)
        wait_for_players(client, "...", "Ada")
    _, ada, bob = programs
    assert ada.interrupt(by) == 0
    wait_for_players(client, "...", "Bob")
    assert bob.interrupt(by) == 0
    wait_for_players(client, "...", "Bot")
    assert host.interrupt(by) == 0
    wait_until(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


def wait_until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


@pytest.mark.integration
def test_a_host_with_a_window_plays_at_its_own_table_and_ends_on_ctrl_c(port: int, programs: list[Program]) -> None:
    host = Program("host", "--bind", "127.0.0.1", "--port", str(port), "--name", "Ada")
    programs.append(host)
    host.read_until(f"join 127.0.0.1:{port}")
    client = guest(port)
    wait_for_players(client, "...", "Ada")
    assert host.interrupt() == 0
    wait_until(lambda: client.status == "disconnected")
    players = client.snapshots[-1].state["players"].values()
    assert {player["name"] for player in players} == {"...", "Ada"}, "the last to be seen is the match as it was"


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display, or ask otherwise")
def test_a_host_without_a_display_says_so_and_serves(port: int, programs: list[Program]) -> None:
    none = {"SDL_VIDEODRIVER": None, "DISPLAY": None, "WAYLAND_DISPLAY": None}
    host = Program("host", "--bind", "127.0.0.1", "--port", str(port), **none)
    programs.append(host)
    host.read_until("There is no display here")
    host.read_until("Serving without a window")
    guest(port).disconnect()
    assert host.interrupt() == 0


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display, or ask otherwise")
def test_joining_without_a_display_says_so(port: int, programs: list[Program]) -> None:
    none = {"SDL_VIDEODRIVER": None, "DISPLAY": None, "WAYLAND_DISPLAY": None}
    programs.append(Program("join", f"127.0.0.1:{port}", **none))
    programs[0].read_until("There is no display here")
    assert programs[0].process.wait(timeout=5) == 1


@pytest.mark.integration
def test_a_port_in_use_is_named_and_another_suggested(port: int, programs: list[Program]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        programs.append(Program("host", "--headless", "--bind", "127.0.0.1", "--port", str(port)))
        programs[0].read_until(f"Port {port} is in use")
        programs[0].read_until("host --port ")
        assert programs[0].process.wait(timeout=5) == 1


@pytest.mark.integration
def test_an_address_that_is_not_this_machines_cannot_be_served_at(port: int, programs: list[Program]) -> None:
    programs.append(Program("host", "--headless", "--bind", "192.0.2.1", "--port", str(port)))
    programs[0].read_until("Cannot serve at 192.0.2.1")
    assert programs[0].process.wait(timeout=5) == 1
