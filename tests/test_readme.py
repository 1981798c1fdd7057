"""The README's two programs run as they are printed, and two people can play the game."""

import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from pygase import DisconnectReason
from tests.support.documents import ROOT, free_port, on_port, programs
from tests.support.playing import STARTING, connected, running

README = programs((ROOT / "README.md").read_text(encoding="utf-8"))
GUIDE = programs((ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8"))


@pytest.mark.integration
@pytest.mark.parametrize("client_code", [README["client.py"], GUIDE["smooth_client.py"]], ids=["README", "guide"])
def test_game_runs_as_it_stands_there(tmp_path: Path, client_code: str) -> None:
    """The client joins the README's server, both players see each other, and a departure is noticed."""
    port = free_port()
    with running(on_port(README["server.py"], port), tmp_path) as server, connected(port) as watcher:
        watcher.wait_until(lambda game_state: len(game_state.players) == 1, timeout=STARTING)
        with running(on_port(client_code, port), tmp_path) as client:
            watcher.wait_until(lambda game_state: len(game_state.players) == 2, timeout=STARTING)
            watcher.dispatch_event("AIM", 20, 30)
            me = watcher.id
            watcher.wait_until(lambda game_state: game_state.players[me]["x"] == pytest.approx(20), timeout=5)
            assert client.poll() is None, "the client runs until its window is closed"
            client.terminate()  # SDL turns this into closing the window
            assert client.communicate(timeout=10)[1] == ""
            assert client.returncode == 0
            watcher.wait_until(lambda game_state: len(game_state.players) == 1, timeout=5)
        assert server.poll() is None, "the server goes on when a player leaves"


@pytest.mark.integration
def test_readme_client_ends_when_nobody_serves(tmp_path: Path) -> None:
    """It does not hang, and the log gives the reason in one line."""
    with running(on_port(README["client.py"], free_port()), tmp_path) as client:
        (line,) = client.communicate(timeout=STARTING)[1].splitlines()
        assert "Nobody answers there" in line
        assert client.returncode == 0


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="a process there gets no Ctrl-C of its own")
def test_readme_server_ends_at_ctrl_c_and_everybody_is_told(tmp_path: Path) -> None:
    port = free_port()
    with running(on_port(README["server.py"], port), tmp_path) as server, connected(port) as client:
        client.wait_until(lambda game_state: len(game_state.players) == 1, timeout=STARTING)
        server.send_signal(signal.SIGINT)
        printed, complaints = server.communicate(timeout=10)
        assert (printed, complaints) == (f"Serving at port {port}. Ctrl-C ends it.\n", "")
        assert server.returncode == 0
        for _ in range(500):
            if client.status == "disconnected":
                break
            time.sleep(0.01)
        assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


@pytest.mark.integration
@pytest.mark.parametrize("code", [README["server.py"], GUIDE["lan_server.py"]], ids=["README", "guide"])
def test_a_server_whose_port_is_taken_does_not_say_that_it_serves(tmp_path: Path, code: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        with running(on_port(code, other.getsockname()[1]), tmp_path) as server:
            printed, complaints = server.communicate(timeout=STARTING)
    assert (printed, server.returncode) == ("", 1)
    assert "AddressInUse: port" in complaints.splitlines()[-1]


@pytest.mark.integration
def test_guide_server_tells_friends_where_to_join_and_lets_them(tmp_path: Path) -> None:
    port = free_port()
    code = on_port(GUIDE["lan_server.py"], port)
    with running(code, tmp_path) as server, connected(port) as client:
        client.wait_until(lambda game_state: game_state.seconds > 0, timeout=STARTING)
        assert server.stdout is not None
        lines = (server.stdout.readline().strip() for _ in range(100))
        assert f"Friends can join at 127.0.0.1:{port}" in lines


def test_readme_programs_are_as_short_as_it_says() -> None:
    """Twenty lines each, not counting the empty ones."""
    for name, code in README.items():
        assert len([line for line in code.splitlines() if line.strip()]) <= 20, name
