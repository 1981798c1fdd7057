"""Common to the six games: windows, gamepads, and the command line."""

import importlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from games.arena.rules import AT
from games.pong.flight import LEFT
from games.pong.seats import seat_of
from pygase_pygame.app import cli
from pygase_pygame.app.game import Game
from tests.support.table import FRAME, Seat, Table

NAMES = ("hello", "pong", "derby", "chase", "arena", "canvas")
GAMES: dict[str, Game] = {name: importlib.import_module(f"games.{name}.__main__").GAME for name in NAMES}
MOST_BYTES = 6_000  # bytes that a client may send in a second


@pytest.fixture(params=NAMES)
def table(request: pytest.FixtureRequest) -> Iterator[Table]:
    made = Table(GAMES[request.param], bots=1)
    pygame.display.set_mode((480, 320), pygame.RESIZABLE)
    yield made
    made.close()


def all_play(table: Table) -> bool:
    return all(seat.open and seat.session.status == "connected" and not seat.session.reason for seat in table.seats)


# -- windows


def test_nothing_that_becomes_of_a_window_disconnects_or_floods(table: Table) -> None:
    """The window is paused, minimised, without focus, resized, full screen, and stopped for a second."""
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.0)
    address = ada.session.client.address

    def held_up() -> None:
        table.network.run(1.0)

    def minimised() -> None:
        ada.happens(pygame.WINDOWFOCUSLOST)
        ada.happens(pygame.WINDOWMINIMIZED)
        table.runs(1.0)
        ada.happens(pygame.WINDOWRESTORED)
        ada.happens(pygame.WINDOWFOCUSGAINED)

    def resized() -> None:
        for size in ((1, 1), (300, 700), (480, 320)):
            pygame.display.set_mode(size, pygame.RESIZABLE)
            table.runs(3 * FRAME)

    def full() -> None:
        for _ in range(2):
            ada.presses(pygame.K_F11)
            ada.releases(pygame.K_F11)
            table.runs(3 * FRAME)

    for trouble in (held_up, minimised, resized, full, held_up, held_up):
        before = table.network.bytes_sent[address]
        ada.presses(pygame.K_RIGHT, pygame.K_DOWN)
        trouble()
        ada.releases(pygame.K_RIGHT, pygame.K_DOWN)
        table.runs(0.25)
        assert all_play(table), trouble.__name__
        assert table.network.bytes_sent[address] - before < 1.5 * MOST_BYTES, trouble.__name__
    assert ada.session.client.address == address
    assert bob.open


@pytest.mark.parametrize("name", ["arena", "chase"])  # the other games show it all the time
def test_who_hosts_is_told_at_the_beginning_what_friends_type(name: str) -> None:
    table = Table(GAMES[name], bots=1)
    ada = table.sit("Ada")
    ada.screen.playing.invitation = "python -m games.there join 10.0.0.1"
    written: list[str] = []
    line = ada.screen.playing.lettering.line
    ada.screen.playing.lettering.line = lambda text, *rest: written.append(text) or line(text, *rest)
    table.runs(1.0)
    assert "Friends type: python -m games.there join 10.0.0.1" in written
    table.close()


# -- gamepads


def push(seat: Seat, axis: int, value: float) -> None:
    seat.happens(pygame.JOYAXISMOTION, instance_id=0, joy=0, axis=axis, value=value)


def button(seat: Seat, number: int, down: bool = True) -> None:
    seat.happens(pygame.JOYBUTTONDOWN if down else pygame.JOYBUTTONUP, instance_id=0, joy=0, button=number)


def height_of(table: Table, seat: Seat) -> float:
    """Return the y of the player's own thing in the server's state."""
    state, me = table.state, seat.session.me
    match table.game.name:
        case "hello":
            return float(state.players[me]["y"])
        case "pong":
            return float(state.match["paddles"][seat_of(state.seats, me) or LEFT])
        case "chase":
            return float(state.runners[me]["y"])
        case "arena":
            return float(state.ships[me][AT][1])
    return float(state.cursors.get(me, (0, -1))[1])  # a pen above the paper has no entry


@pytest.mark.parametrize("name", [name for name in NAMES if name != "derby"])  # a car rolls on
def test_a_stick_moves_what_the_keys_move_and_its_rest_is_rest(name: str) -> None:
    table = Table(GAMES[name], bots=int(name == "pong"))  # in the other games a bot might be in the way
    ada = table.sit("Ada")
    table.runs(3.0)  # in Chase a new chaser stands still for a while
    push(ada, 1, -1.0)
    table.runs(3.0)
    highest = height_of(table, ada)
    push(ada, 1, 1.0)
    table.runs(0.25)
    push(ada, 1, 0.0)
    table.runs(0.25)
    rests = height_of(table, ada)
    assert rests > highest
    table.runs(0.25)
    assert height_of(table, ada) == rests
    table.close()


def test_a_pads_button_draws_and_another_undoes() -> None:
    table = Table(GAMES["canvas"])
    ada = table.sit("Ada")
    table.runs(0.5)
    button(ada, 0)
    push(ada, 0, 0.8)
    table.runs(0.5)
    push(ada, 0, 0.0)
    button(ada, 0, down=False)
    table.runs(0.5)
    assert any(table.state.ink.values())
    button(ada, 2)
    button(ada, 2, down=False)
    table.runs(0.5)
    assert not any(table.state.ink.values())
    table.close()


def test_a_pads_button_dashes_also_if_it_is_tapped_between_two_frames() -> None:
    table = Table(GAMES["chase"])
    ada = table.sit("Ada")
    table.runs(4.0)
    push(ada, 0, 1.0)
    table.runs(0.1)
    me = ada.session.me
    assert not table.state.runners[me]["dash"]
    pad = {"instance_id": 0, "joy": 0, "button": 0}
    ada.frame([pygame.event.Event(pygame.JOYBUTTONDOWN, pad), pygame.event.Event(pygame.JOYBUTTONUP, pad)])
    table.runs(0.3)
    assert table.state.runners[me]["dash"]
    table.close()


# -- the command line


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", [[], ["host"], ["join"]])
def test_every_game_explains_itself(name: str, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.run(GAMES[name], [*command, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert f"python -m games.{name}" in told
    wanted = {"host": ["--headless", "--bots N", "--link", "--port"], "join": ["--link", "HOST[:PORT]"]}
    assert all(word in told for word in wanted.get(" ".join(command), ["host", "join"]))


def free_ports(count: int) -> list[int]:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@pytest.mark.integration
@pytest.mark.skipif(os.name != "posix", reason="ends them with SIGINT")
def test_every_game_is_served_without_a_window_with_bots_until_ctrl_c() -> None:
    """All games at the same time, to save time."""
    hosts: dict[str, Any] = {}
    for name, port in zip(NAMES, free_ports(len(NAMES)), strict=True):
        options = ["--headless", "--bots", "1", "--link", "mobile", "--bind", "127.0.0.1", "--port", str(port)]
        hosts[name] = subprocess.Popen(
            [sys.executable, "-m", f"games.{name}", "host", *options], stdout=subprocess.PIPE, text=True
        )
    for name, host in hosts.items():
        told = ""
        while "Ctrl-C" not in told:
            line = host.stdout.readline()
            assert line, f"{name} ended after it had told: {told}"
            told += line
        assert f"python -m games.{name} join" in told
        host.send_signal(signal.SIGINT)
    for name, host in hosts.items():
        assert host.wait(timeout=30) == 0, name
        host.stdout.close()
