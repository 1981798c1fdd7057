"""Lost clients on real sockets: a proxy that can be cut, and processes that are stopped or killed."""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pygase import (
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    RELIABLE,
    Backend,
    Client,
    ClientConfig,
    GameState,
    ServerConfig,
)

pytestmark = pytest.mark.integration

WAIT = 15.0
"""Seconds that anything may take on a busy machine."""

SERVER_CONFIG = ServerConfig(timeout=1.0, heartbeat_interval=0.2)
CLIENT_CONFIG = ClientConfig(timeout=1.0, heartbeat_interval=0.2)


def eventually(condition: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.005)


class Cable:
    """A UDP proxy for one client, which can be cut.

    :ivar port: where the client reaches the server.
    """

    def __init__(self, server_port: int) -> None:
        self._inside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._inside.bind(("127.0.0.1", 0))
        self._outside.connect(("127.0.0.1", server_port))
        self.port: int = self._inside.getsockname()[1]
        self.is_cut = False
        self._client: Any = None
        self._ends = False
        self._thread = threading.Thread(target=self._carry, daemon=True)
        self._thread.start()

    def _carry(self) -> None:
        while not self._ends:
            for sock in select.select([self._inside, self._outside], [], [], 0.05)[0]:
                with contextlib.suppress(OSError):
                    data, address = sock.recvfrom(2048)
                    self._pass_on(sock is self._inside, data, address)

    def _pass_on(self, upwards: bool, data: bytes, address: Any) -> None:
        if upwards:
            self._client = address
        if self.is_cut:
            return
        if upwards:
            self._outside.send(data)
        elif self._client is not None:
            self._inside.sendto(data, self._client)

    def close(self) -> None:
        self._ends = True
        self._thread.join()
        self._inside.close()
        self._outside.close()


class Game:
    def __init__(self) -> None:
        self.backend = Backend(
            GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, {"SAY": self.on_say}, config=SERVER_CONFIG
        )
        self.news: list[str] = []
        self.heard: list[int] = []
        for event_type in (CLIENT_LOST, CLIENT_RESUMED, CLIENT_LEFT):
            self.backend.server.register_event_handler(event_type, self.noting(event_type))
        self.backend.run_in_thread("127.0.0.1", 0)
        assert self.backend.server.port is not None
        self.port = self.backend.server.port

    def noting(self, event_type: str) -> Callable[..., None]:
        return lambda **_: self.news.append(event_type)

    def on_say(self, number: int) -> dict[str, Any]:
        self.heard.append(number)
        return {}


@pytest.fixture
def game() -> Iterator[Game]:
    game = Game()
    yield game
    game.backend.shutdown()


def test_a_cut_cable_costs_no_reliable_event_and_no_identity(game: Game) -> None:
    cable = Cable(game.port)
    client, heard = Client(config=CLIENT_CONFIG), list[int]()
    client.register_event_handler("SAY", heard.append)
    client.connect_in_thread(cable.port, "127.0.0.1")
    try:
        eventually(lambda: client.snapshots, "no state")
        number = 0
        for cut in (False, True, False):
            cable.is_cut = cut
            for _ in range(20):
                number += 1
                client.dispatch_event("SAY", number, retries=RELIABLE)
                game.backend.server.dispatch_event("SAY", number, retries=RELIABLE)
                time.sleep(0.1)
            if cut:
                eventually(lambda: client.status == "reconnecting", "the client noticed nothing")
        eventually(lambda: len(game.heard) == len(heard) == number, "events are missing")
        assert game.heard == heard == list(range(1, number + 1))
        assert client.id == 1
        assert game.news == [CLIENT_LOST, CLIENT_RESUMED]
    finally:
        client.disconnect()
        cable.close()


PLAYER = """
import sys
from pygase import Client, ClientConfig, RELIABLE
client = Client(config=ClientConfig(timeout=1.0, heartbeat_interval=0.2))
client.connect_in_thread(int(sys.argv[1]), "127.0.0.1", resume=sys.argv[2])
client.wait_until(lambda game_state: game_state.n > 0, timeout=15.0)
print("id", client.id, flush=True)
number = 0
for line in sys.stdin:
    number += 1
    client.dispatch_event("SAY", number, retries=RELIABLE)
"""


class Player:
    """A player in a process of its own."""

    def __init__(self, port: int, path: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PLAYER, str(port), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        self.line = self.process.stdout.readline().strip()

    def say(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self, signal_number: int) -> None:
        self.process.send_signal(signal_number)
        self.process.wait(WAIT)

    def close(self) -> None:
        self.process.kill()
        self.process.wait(WAIT)
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError, AttributeError):
                stream.close()  # type: ignore[union-attr]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither SIGSTOP nor SIGKILL")
def test_a_process_that_is_stopped_and_one_that_is_killed_are_the_same_client_again(game: Game, tmp_path: Path) -> None:
    path = tmp_path / "place"
    player = Player(game.port, path)
    again: Player | None = None
    try:
        assert player.line == "id 1"
        player.say()
        eventually(lambda: game.heard == [1], "the event did not arrive")
        os.kill(player.process.pid, signal.SIGSTOP)
        eventually(lambda: game.news == [CLIENT_LOST], "a stopped client was not missed")
        os.kill(player.process.pid, signal.SIGCONT)
        player.say()
        eventually(lambda: game.heard == [1, 2], "the event did not arrive after the pause")
        assert game.news == [CLIENT_LOST, CLIENT_RESUMED]
        player.end(signal.SIGKILL)
        again = Player(game.port, path)
        assert again.line == "id 1"
        assert game.news == [CLIENT_LOST, CLIENT_RESUMED] * 2
        again.end(signal.SIGINT)  # a goodbye
        eventually(lambda: game.news[-1] == CLIENT_LEFT, "the goodbye did not arrive")
        assert not path.exists()
    finally:
        player.close()
        if again is not None:
            again.close()
