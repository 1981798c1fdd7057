"""The games as programs: processes of their own, that a test starts, listens to and ends."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pygase import Client


class Program:
    """`python -m games.NAME …` as a process of its own, or any other command."""

    def __init__(
        self,
        name: str = "",
        *arguments: str,
        command: Sequence[str] = (),
        folder: Path | None = None,
        environment: Mapping[str, str] = os.environ,
        **changes: str | None,
    ) -> None:
        inherited = {**environment, **changes}
        self.process = subprocess.Popen(
            [*(command or [sys.executable, "-m", f"games.{name}"]), *arguments],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={name: value for name, value in inherited.items() if value is not None},
        )
        self.printed = ""

    def read_until(self, words: str) -> str:
        """Read until a line contains these words, or until the test's time-out."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.printed += line
            if words in line:
                return line
        raise AssertionError(f"{words!r} did not come, but: {self.printed}")

    def ends(self, signal_number: int | None = None) -> int:
        """Send a signal. Return the exit status, which must arrive soon."""
        if signal_number is not None:
            self.process.send_signal(signal_number)
        return self.process.wait(timeout=5)


def guest(game: str, port: int) -> Client:
    """Return a client in this process that plays without a name."""
    client = Client(game=game)
    client.connect_in_thread(port, "127.0.0.1")
    client.wait_until(lambda state: hasattr(state, "seats") or hasattr(state, "players"), timeout=10)
    return client


def names_of(state: Any) -> set[str]:
    """Return the names of those who play."""
    players = state["seats"] if "seats" in state else state["players"]
    return {player["name"] for player in players.values() if player.get("place", 0) is not None}


def wait_for_names(client: Client, *names: str, timeout: float = 10.0) -> None:
    """Wait until exactly these play."""

    def are_there(state: Any) -> bool:
        return names_of(state) == set(names)

    client.wait_until(are_there, timeout=timeout)


def wait_until(condition: Callable[[], bool], timeout: float = 5.0) -> None:
    """Wait until a condition is true."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)
