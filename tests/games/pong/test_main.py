"""The command line: what is Pong's own of it, and all of it as programs that play together.

What all the games' command lines have in common is tested in `tests/games/common`.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.common import cli, invite
from games.common.game import Hosting
from games.pong.__main__ import GAME
from pygase import Client, DisconnectReason


def hosting(*options: str) -> Any:
    return cli._parser(GAME).parse_args(["host", *options])


def state_of(*options: str) -> Any:
    args = hosting(*options)
    return GAME.serve(Hosting(args.bots, args)).game_state_store.get_game_state()


def test_help_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        hosting("--help")
    text = " ".join(capsys.readouterr().out.split())
    words = ["--port", "--headless", "--no-bot", "--bots", "--best-of N", "1, 3, 5, 7, 9", "--name", "default: 7664"]
    assert [word for word in words if word not in text] == []


def test_a_series_is_as_long_as_the_host_says_and_else_one_game() -> None:
    assert state_of().match["best_of"] == 1
    assert state_of("--best-of", "3").match["best_of"] == 3


@pytest.mark.parametrize("number", ["2", "0", "-1", "11", "many"])
def test_a_series_that_nobody_could_win_is_refused_with_a_sentence(
    number: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        hosting("--best-of", number)
    assert exit_info.value.code == 2
    assert "--best-of" in capsys.readouterr().err


def test_a_bot_plays_unless_nobody_wants_it() -> None:
    assert state_of().players["left"]["bot"]
    for no_bots in (["--no-bot"], ["--bots", "0"]):
        assert not state_of(*no_bots).players["left"]["bot"]


@pytest.mark.parametrize("argv", [["host", "--port", "0"], ["join", "host:pong"], ["join", "two words"], []])
def test_a_mistyped_command_is_answered_with_a_sentence(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli._parser(GAME).parse_args(argv)
    assert exit_info.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_friends_are_told_every_address_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.1", "192.168.1.5", "10.8.0.2"]
    monkeypatch.setattr(invite, "get_available_ip_addresses", lambda: addresses)
    lines = invite.invitation(GAME, "0.0.0.0", 7664).splitlines()
    assert lines[0] == "Pong is open on port 7664, for everyone who can reach this machine over its network."
    assert "    python -m games.pong join 192.168.1.5" in lines
    assert "    python -m games.pong join 10.8.0.2" in lines
    assert lines[-1] == "    python -m games.pong join 127.0.0.1"


@pytest.mark.parametrize("typed", ["[::1", "[::1]7000", "[]:7000", ":", "host:-1", "host:99999999999", "host:²"])
def test_what_looks_like_an_address_and_is_none_is_answered_with_a_sentence(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is no (address|port): "):
        invite.parse_address(typed, GAME.port)


@given(st.text())
def test_no_address_whatever_does_worse_than_a_sentence(typed: str) -> None:
    try:
        host, port = invite.parse_address(typed, GAME.port)
    except ValueError:
        return
    assert host
    assert 1 <= port <= 65535


def test_a_server_that_is_bound_everywhere_is_joined_by_loopback() -> None:
    assert invite.joining_host("0.0.0.0") == "127.0.0.1"
    assert invite.joining_host("::") == "::1"
    assert invite.joining_host("192.168.1.5") == "192.168.1.5"


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
    client = Client(game=GAME.name)
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
    programs.append(Program("host", "--headless", "--unlisted", "--bind", "192.0.2.1", "--port", str(port)))
    programs[0].read_until("Cannot serve at 192.0.2.1")
    assert programs[0].process.wait(timeout=5) == 1
