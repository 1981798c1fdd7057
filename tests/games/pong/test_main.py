"""Pong's own part of the command line, and the whole game as programs.

The common part of all command lines is tested in `tests/pygase_pygame/app`.
"""

import argparse
import dataclasses
import signal
from typing import Any

import pytest

from games.pong.__main__ import GAME
from pygase import Backend, DisconnectReason
from pygase_pygame.app import cli, invite
from pygase_pygame.app.game import Hosting
from tests.support.programs import Program, guest, names_of, wait_for_names, wait_until


def host(*options: str) -> int:
    return cli.run(GAME, ["host", *options])


def hosting_of(*options: str) -> Hosting:
    """Return the host's choices by these options."""
    hostings: list[Hosting] = []

    def serve(hosting: Hosting) -> Backend:
        hostings.append(hosting)
        raise KeyboardInterrupt  # before the network opens

    assert cli.run(dataclasses.replace(GAME, serve=serve), ["host", "--headless", *options]) == 0
    return hostings[0]


def state_of(*options: str) -> Any:
    """Return the first state of a game that is hosted with these options."""
    return GAME.serve(hosting_of(*options)).game_state_store.get_game_state()


def test_help_names_everything(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        host("--help")
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
        host("--best-of", number)
    assert exit_info.value.code == 2
    assert "--best-of" in capsys.readouterr().err


def test_a_bot_plays_unless_nobody_wants_it() -> None:
    assert hosting_of().bots == 1
    for no_bots in (["--no-bot"], ["--bots", "0"]):
        assert hosting_of(*no_bots).bots == 0


def test_players_wait_for_each_other_where_the_host_has_a_window_or_wants_it() -> None:
    assert not hosting_of().lobby, "the host of this test has no window"
    assert hosting_of("--lobby").lobby
    assert dataclasses.replace(hosting_of(), args=argparse.Namespace(headless=False, lobby=None)).lobby
    assert not Hosting().lobby


@pytest.mark.parametrize("argv", [["host", "--port", "0"], ["join", "host:pong"], ["join", "two words"]])
def test_a_mistyped_command_is_answered_with_a_sentence(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.run(GAME, argv)
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


@pytest.mark.integration
def test_programs_play_together_and_each_ends_on_ctrl_c(port: int, programs: list[Program]) -> None:
    host = Program("pong", "host", "--headless", "--bind", "127.0.0.1", "--port", str(port))
    programs.append(host)
    host.read_until("Serving without a window")
    client = guest(GAME.name, port)
    for watching, name in enumerate(("Ada", "Bob")):
        programs.append(Program("pong", "join", f"127.0.0.1:{port}", "--name", name))
        client.wait_until(lambda state, expected=2 + watching: sum(n > 0 for n in state.seats) == expected, timeout=10)
        wait_for_names(client, "Player", "Ada")
    _, ada, bob = programs
    assert ada.ends(signal.SIGINT) == 0
    wait_for_names(client, "Player", "Bob")
    assert bob.ends(signal.SIGINT) == 0
    wait_for_names(client, "Player", "Bot")
    assert host.ends(signal.SIGINT) == 0
    wait_until(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


@pytest.mark.integration
def test_a_host_with_a_window_plays_at_its_own_table_and_ends_on_ctrl_c(port: int, programs: list[Program]) -> None:
    host = Program("pong", "host", "--bind", "127.0.0.1", "--port", str(port), "--name", "Ada")
    programs.append(host)
    host.read_until(f"join 127.0.0.1:{port}")
    client = guest(GAME.name, port)
    wait_for_names(client, "Player", "Ada")
    assert host.ends(signal.SIGINT) == 0
    wait_until(lambda: client.status == "disconnected")
    assert names_of(client.snapshots[-1].state) == {"Player", "Ada"}, "the last to be seen is the match as it was"
