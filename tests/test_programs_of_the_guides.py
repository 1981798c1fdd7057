"""The programs of the guides run as they are printed: they keep their promises, and end without a complaint."""

import sys
from pathlib import Path

import pytest

from pygase import Backend, GameState
from pygase.__main__ import main as show
from tests.support.documents import ROOT, free_port, on_port, programs
from tests.support.playing import STARTING, connected, eventually, played, running

pytestmark = pytest.mark.integration

NOTHING = ""
FOR_BEING_ALONE = ("this machine is in no network", "is announced to this machine only")
"""Warnings about the changes that a test makes to keep programs on this machine."""


def without_known(ended: tuple[int, str, str]) -> tuple[int, str, str]:
    """Remove the known warnings."""
    status, printed, complaints = ended
    others = [line for line in complaints.splitlines() if not any(words in line for words in FOR_BEING_ALONE)]
    return status, printed, "\n".join(others)


def programs_of(page: str) -> dict[str, str]:
    return programs((ROOT / "docs" / page).read_text(encoding="utf-8"))


ADAPTER = programs_of("adapter.md")
COOKBOOK = programs_of("cookbook.md")
DISCOVERY = programs_of("discovery.md")
OBJECTS = programs_of("objects.md")
PREDICTION = programs_of("prediction.md")

ALONE = "from pygase._io import lan as _lan\n_lan.get_available_ip_addresses = lambda: ['127.0.0.1']\n"
"""Runs before a program that searches the network: it finds this machine only."""


def test_the_adapters_loop_opens_a_game_plays_it_and_ends(tmp_path: Path) -> None:
    port = free_port()
    with played(on_port(ADAPTER["pads.py"], port), tmp_path, port) as player:
        player.does("tap tab", "tap tab", "tap return", "tap return")  # to the button "host", and "start"
        with connected(port, game="pads") as watcher:
            watcher.wait_until(lambda game_state: len(game_state.pads) == 2, timeout=STARTING)
            me = watcher.id
            player.does("press s")
            watcher.wait_until(
                lambda game_state: any(pad["y"] > 400 for key, pad in game_state.pads.items() if key != me),
                timeout=STARTING,
            )
            assert without_known(player.closes_the_window()) == (0, NOTHING, NOTHING)
            eventually(lambda: watcher.status == "disconnected")


def test_the_adapters_loop_joins_by_address_and_is_back_at_the_screen_when_the_game_ends(tmp_path: Path) -> None:
    port = free_port()
    backend = Backend(GameState(pads={}), lambda game_state, dt, inputs: {}, game="pads")
    backend.run_in_thread("127.0.0.1", port, interval=1 / 60)
    try:
        with played(on_port(ADAPTER["pads.py"], port), tmp_path, port) as player:
            player.does("type 127.0.0.1", "tap return")
            eventually(lambda: len(backend.server.connections) == 1)
            (connection,) = backend.server.connections.values()
            eventually(lambda: connection.input_counts.applied > 10)
            backend.shutdown()
            # keys that mean "leave" at the connect screen only
            assert without_known(player.repeats("tap escape")) == (0, NOTHING, NOTHING)
    finally:
        backend.shutdown()


def test_a_predicted_client_moves_its_player_on_the_server(tmp_path: Path) -> None:
    port = free_port()
    with (
        running(on_port(PREDICTION["predicted_server.py"], port), tmp_path) as server,
        connected(port) as watcher,
        played(on_port(PREDICTION["predicted_client.py"], port), tmp_path, port) as player,
    ):
        player.does("press d")
        watcher.wait_until(
            lambda game_state: any(other["x"] > 400 for other in game_state.players.values()), timeout=STARTING
        )
        assert player.closes_the_window() == (0, NOTHING, NOTHING)
        watcher.wait_until(lambda game_state: len(game_state.players) == 1, timeout=STARTING)
        assert server.poll() is None


def test_sprites_on_the_server_are_shot_by_a_player(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "aliens_things.py").write_text(OBJECTS["aliens_things.py"], encoding="utf-8")
    with (
        running(on_port(OBJECTS["aliens_server.py"], port), tmp_path) as server,
        connected(port) as watcher,
        played(on_port(OBJECTS["aliens_client.py"], port), tmp_path, port) as player,
    ):
        watcher.wait_until(lambda game_state: len(game_state.ships) == 2, timeout=STARTING)
        player.does("press space")
        watcher.wait_until(lambda game_state: game_state.score > 0, timeout=STARTING)
        with watcher.access_game_state() as game_state:
            assert len(game_state.aliens) < 12
        player.does("release space", "press right")
        watcher.wait_until(
            lambda game_state: any(ship["x"] > 400 for ship in game_state.ships.values()), timeout=STARTING
        )
        assert player.closes_the_window() == (0, NOTHING, NOTHING)
        watcher.wait_until(lambda game_state: len(game_state.ships) == 1, timeout=STARTING)
        assert server.poll() is None


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM there")
def test_the_server_of_the_cookbook_saves_when_a_service_manager_ends_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    port, save = free_port(), tmp_path / "game.save"
    code = on_port(COOKBOOK["night_server.py"], port).replace("game.save", str(save))
    with running(code, tmp_path) as server, connected(port) as watcher:
        watcher.wait_until(lambda game_state: game_state.seconds > 0.1, timeout=STARTING)
        server.terminate()
        printed, complaints = server.communicate(timeout=STARTING)
    assert (server.returncode, printed, complaints) == (143, f"Serving at port {port}\n", "")
    assert show(["show", str(save)]) == 0
    assert "seconds" in capsys.readouterr().out


def test_the_programs_that_announce_and_find_a_game_meet(tmp_path: Path) -> None:
    port = free_port()
    name = f"clock{port}"  # another test on this machine may run the same programs
    host = on_port(DISCOVERY["lan_host.py"], port).replace('"clock"', f'"{name}"')
    find = DISCOVERY["lan_find.py"].replace('"clock"', f'"{name}"')
    with running(ALONE + host, tmp_path, "host.py"), connected(port, game=name) as watcher:
        watcher.wait_until(lambda game_state: game_state.seconds > 0, timeout=STARTING)
        with running(ALONE + find, tmp_path, "find.py") as finder:
            printed, complaints = finder.communicate(timeout=STARTING)
    ended, _, unforeseen = without_known((finder.returncode, printed, complaints))
    assert (ended, unforeseen) == (0, NOTHING)
    first, status = printed.splitlines()
    assert first.startswith("Anna's clock: 1 of 256 players, ")
    assert status == "connected"
