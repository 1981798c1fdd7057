"""The command line of all games reports mistakes with a remedy, and ends everything at once."""

import argparse
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest

from games.hello.__main__ import GAME as HELLO
from pygase import Client, DisconnectReason
from pygase_pygame.app import cli
from pygase_pygame.app.arguments import make_parser
from pygase_pygame.app.connector import GameConnector
from pygase_pygame.app.game import Game
from pygase_pygame.connect.remembered import login_name
from tests.support.demo import DEMO
from tests.support.programs import Program, guest, wait_for_names, wait_until


def parsed(*argv: str, game: Game = DEMO) -> argparse.Namespace:
    return make_parser(game).parse_args(argv)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["--help"], ["host", "join", "Nothing much."]),
        (["host", "--help"], ["--port", "--headless", "--bots N", "--no-bot", "--name", "--bind", "--link", "7699"]),
        (["join", "--help"], ["HOST[:PORT]", "--name", "--link", "--mute", "--debug", "loss=5%"]),
    ],
)
def test_help_names_everything(command: list[str], words: list[str], capsys: Any) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.run(DEMO, command)
    assert exit_info.value.code == 0
    text = capsys.readouterr().out
    assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["join", "two words"], '"two words" is not an address: '),
        (["join", "host:demo"], '"host:demo" is not an address: the port must be a number'),
        (["host", "--port", "65536"], '"65536" is not a port: '),
        (["host", "--bots", "6"], "'6' is no number of bots: type one from 0 to 5"),
        (["host", "--bots", "-1"], "no number of bots"),
        (["host", "--link", "moon"], "there is no link 'moon'"),
        (["join", "--link", "loss=5"], "as in 'loss=5%'"),
        (["join", "--host-token", "abc"], "--host-token is for one server only: say which"),
    ],
)
def test_a_mistyped_command_is_answered_with_a_sentence(command: list[str], sentence: str, capsys: Any) -> None:
    with pytest.raises(SystemExit) as exit_info:
        cli.run(DEMO, command)
    assert exit_info.value.code == 2
    assert sentence in capsys.readouterr().err


def test_bots_are_as_many_as_one_says_and_else_as_many_as_the_game_likes() -> None:
    assert parsed("host").bots == 2
    assert parsed("host", "--bots", "5").bots == 5
    assert parsed("host", "--no-bot").bots == 0


def test_a_game_without_bots_has_no_such_option(capsys: Any) -> None:
    lonely = Game("lonely", "Lonely", "Nobody else", DEMO.serve, DEMO.screen, port=1)
    assert parsed("host", game=lonely).bots == 0
    with pytest.raises(SystemExit):
        parsed("host", "--bots", "1", game=lonely)


def test_a_game_may_have_options_of_its_own() -> None:
    def options(parser: argparse.ArgumentParser, command: str) -> None:
        parser.add_argument("--colour" if command == "join" else "--rounds")

    own = Game("own", "Own", "Its own", DEMO.serve, DEMO.screen, port=1, options=options)
    assert parsed("join", "--colour", "red", game=own).colour == "red"
    assert parsed("host", "--rounds", "3", game=own).rounds == "3"


@pytest.mark.parametrize("command", ["host", "join"])
def test_without_pygame_it_says_what_to_install(command: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(cli, "_has_pygame", lambda: False)
    assert cli.run(DEMO, [command]) == 1
    text = capsys.readouterr().err
    assert 'pip install "pygase[pygame]"' in text
    assert ("host --headless" in text) == (command == "host")


def test_the_handlers_of_signals_are_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    during: list[Any] = []
    monkeypatch.setattr(cli, "_join", lambda game, args: during.append(signal.getsignal(signal.SIGTERM)) or 0)
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    cli.run(DEMO, ["join"])
    assert during == [cli.leave]
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_without_a_word_the_start_screen_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []

    def play(game: Game, args: Any, address: Any) -> bool:
        opened.append((args.command, args.start_screen, address))
        return True

    monkeypatch.setattr(cli, "_play", play)
    assert cli.run(DEMO, []) == cli.run(DEMO, ["join"]) == 0
    assert opened == [("join", True, None), ("join", False, None)]


def test_a_machine_that_knows_no_user_has_a_player(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> str:
        raise OSError("no such user")

    monkeypatch.setattr("getpass.getuser", unknown)
    assert login_name() == "Player"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="keeps its settings elsewhere")
def test_who_types_no_name_is_called_as_the_last_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[str] = []
    monkeypatch.setattr(cli, "_play", lambda game, args, address: not called.append(args.name))
    monkeypatch.setattr("getpass.getuser", lambda: "root")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    cli.run(DEMO, ["join"])
    (tmp_path / "pygase").mkdir()
    (tmp_path / "pygase" / "demo.json").write_text('{"name": "Bob"}')
    cli.run(DEMO, ["join"])
    cli.run(DEMO, ["join", "--name", "Ada"])
    assert called == ["root", "Bob", "Ada"]


def test_a_port_that_another_kind_of_program_has_is_not_to_be_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {}
    for user in ("", "python -m tests.support.demo host (process 7)", "python -m games.pong host (process 7)"):
        monkeypatch.setattr(cli, "user_of_port", lambda port, user=user: user)
        told[user] = cli.port_in_use(DEMO, 7699)
    assert ["join" in text for text in told.values()] == [True, True, False]
    assert all("host --port 7700" in text for text in told.values())


def test_a_screen_that_is_none_is_a_mistake_that_says_so() -> None:
    from pygase_pygame.app import play

    for screen in ("tests.support.demo:serve", "tests.support.demo:Nobody", "tests.support.demo"):
        wrong = Game("wrong", "Wrong", "Wrong", DEMO.serve, screen, port=1)
        with pytest.raises(ValueError, match=r'Game\.screen is "module:class"'):
            play.load_screen(wrong)


@pytest.mark.integration
def test_the_command_line_brings_in_no_pygame() -> None:
    script = "import sys; import pygase_pygame.app.cli; print('pygame' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


# -- as programs


@pytest.mark.integration
@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM])
def test_programs_play_together_and_each_ends_when_told_to(
    port: int, programs: list[Program], by: signal.Signals
) -> None:
    host = Program("hello", "host", "--headless", "--no-bot", "--bind", "127.0.0.1", "--port", str(port))
    programs.append(host)
    host.read_until("Serving without a window")
    client = guest(HELLO.name, port)
    ada = Program("hello", "join", f"127.0.0.1:{port}", "--name", "Ada", "--link", "latency=20ms")
    programs.append(ada)
    wait_for_names(client, "Player", "Ada")
    time.sleep(0.3)  # a program that does not know yet that it was accepted cannot say goodbye
    assert ada.ends(by) == 0
    wait_for_names(client, "Player")
    assert host.ends(by) == 0
    wait_until(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


@pytest.mark.integration
def test_the_host_of_a_server_without_a_window_is_who_has_its_secret(port: int, programs: list[Program]) -> None:
    """Also on the server's own machine: others may have programs there."""
    programs.append(Program("hello", "host", "--headless", "--no-bot", "--bind", "127.0.0.1", "--port", str(port)))
    command = programs[0].read_until("--host-token ").split()
    assert command[:6] == ["python", "-m", "games.hello", "join", f"127.0.0.1:{port}", "--host-token"]
    first = guest(HELLO.name, port)
    owner = Client(game=HELLO.name)
    owner.connect_in_thread(port, "127.0.0.1", host_token=command[6])
    wait_until(lambda: owner.status == "connected")
    first.disconnect(shutdown_server=True)
    owner.wait_until(lambda state: len(state.players) == 1, timeout=5)
    assert owner.status == "connected"
    owner.disconnect(shutdown_server=True)
    assert programs[0].ends() == 0


def test_an_invite_stands_where_an_address_does() -> None:
    text = "pygase://192.0.2.7:7000/#AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
    assert parsed("join", text).address == (text, 7000)


@pytest.mark.parametrize(("connects_to", "token"), [(("there", 5), "abc"), (("elsewhere", 5), ""), (("there", 6), "")])
def test_the_secret_is_shown_to_the_server_that_the_command_line_names_and_to_no_other(
    connects_to: tuple[str, int], token: str
) -> None:
    args = parsed("join", "there:5", "--host-token", "abc")
    assert GameConnector(DEMO, args, {}).token_for(*connects_to) == token
    assert GameConnector(DEMO, parsed("join"), {}).token_for(*connects_to) == ""


@pytest.mark.integration
def test_a_host_plays_at_his_own_server_and_takes_it_with_him(port: int, programs: list[Program]) -> None:
    host = Program("hello", "host", "--bind", "127.0.0.1", "--port", str(port), "--name", "Ada", "--bots", "1")
    programs.append(host)
    host.read_until(f"join 127.0.0.1:{port}")
    client = guest(HELLO.name, port)
    wait_for_names(client, "Player", "Ada", "Bot")
    assert host.ends(signal.SIGINT) == 0
    wait_until(lambda: client.status == "disconnected")
    names = {player["name"] for player in cast(dict[str, Any], client.snapshots[-1].state["seats"]).values()}
    assert names == {"Player", "Ada", "Bot"}, "the last to be seen is the game as it was"


@pytest.mark.integration
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems have a display, or ask otherwise")
def test_without_a_display_it_says_so_and_a_host_serves(port: int, programs: list[Program]) -> None:
    none = {"SDL_VIDEODRIVER": None, "DISPLAY": None, "WAYLAND_DISPLAY": None}
    host = Program("hello", "host", "--bind", "127.0.0.1", "--port", str(port), **none)
    programs.append(host)
    host.read_until("There is no display here")
    host.read_until("Serving without a window")
    programs.append(Program("hello", "join", f"127.0.0.1:{port}", **none))
    programs[1].read_until("There is no display here")
    assert programs[1].ends() == 1
    assert host.ends(signal.SIGINT) == 0


@pytest.mark.integration
def test_a_port_in_use_is_named_and_another_suggested(port: int, programs: list[Program]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        programs.append(Program("hello", "host", "--headless", "--bind", "127.0.0.1", "--port", str(port)))
        assert f"(process {os.getpid()})" in programs[0].read_until(f"Port {port} is in use") or sys.platform != "linux"
        programs[0].read_until("host --port ")
        assert programs[0].ends() == 1


@pytest.mark.integration
def test_an_address_that_is_not_this_machines_cannot_be_served_at(port: int, programs: list[Program]) -> None:
    programs.append(Program("hello", "host", "--headless", "--unlisted", "--bind", "192.0.2.1", "--port", str(port)))
    programs[0].read_until("Cannot serve at 192.0.2.1")
    assert programs[0].ends() == 1
