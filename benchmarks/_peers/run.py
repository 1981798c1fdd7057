"""Runs one server and its players, each pinned to a core, and puts what both measured into one record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any

from .workload import Load

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent


@dataclass(frozen=True)
class Side:
    """A program that is a server or its players: its file in this folder, the Python that runs it, more arguments."""

    program: str
    python: str = sys.executable
    arguments: tuple[str, ...] = ()
    from_checkout: bool = False
    """Whether ``import pygase`` and ``import benchmarks`` mean this checkout."""

    def start(self, load: Load, errors: IO[str]) -> subprocess.Popen[str]:
        """Start the program for a run; what it says of errors goes into that file."""
        command = [self.python, str(HERE / self.program), load.as_argument(), *self.arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=errors, text=True, env=self._settings(), cwd=HERE
        )

    def about_pygase(self) -> str:
        """Return what the program's PyGaSe says of itself, in one line: its Python, what is compiled, the batches."""
        command = [self.python, "-m", "pygase"]
        done = subprocess.run(command, capture_output=True, text=True, env=self._settings(), cwd=HERE)
        return ", ".join(" ".join(line.split()) for line in (done.stdout or done.stderr).splitlines()[1:] if line)

    def _settings(self) -> dict[str, str]:
        found = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        return found | {"PYTHONPATH": str(ROOT)} if self.from_checkout else found


@dataclass(frozen=True)
class Figures:
    """The figures of one run. Bytes and datagrams are by client and tick, without the heads of IP and UDP or TCP."""

    micros: float
    """Microseconds of the server's CPU time by client and tick; a tick is a nominal one, however many there were."""
    share: float
    """The share of a core that the server took."""
    ticks_per_second: float
    up_bytes: float
    down_bytes: float
    up_datagrams: float
    down_datagrams: float
    wakes_a_tick: float
    """How often the server's process went to sleep, by nominal tick."""
    resident_bytes: float
    kept_up: float
    """By how much the state of the slowest client advanced, as a share of the ticks that there should have been."""
    players_share: float
    """The share of a core that all players took: near 1 they, and not the server, are the limit."""
    latencies: tuple[float, ...]
    """Seconds from the begin of a time step to the moment at which a witness has its state."""
    begun: tuple[float, ...]
    """The moments at which the ticks began, in seconds."""
    profile: tuple[tuple[str, float, float, float], ...] = ()
    """For each function its name, calls a tick, seconds a tick in itself and with its callees; only if profiled."""


class RunFailed(Exception):
    """A server or its players ended before they had measured anything."""


def run(load: Load, server: Side, players: Side, *, watch: Callable[[int], None] | None = None) -> Figures:
    """Run a server with its players once; raise ``RunFailed`` with the last words of the one that ended.

    ``watch`` is called with the number of the server's process when the measurement begins.
    """
    with ExitStack() as stack:
        served = stack.enter_context(Program(server, load))
        port = int(served.read().split()[1])
        played = stack.enter_context(Program(players, replace(load, port=port)))
        for word in ("start", "stop"):
            if played.read() != word:
                raise RunFailed(f"{players.program} did not print {word!r}")
            served.write(word)
            if word == "start" and watch is not None:
                watch(served.pid)
        crowd, meter = json.loads(played.read()), json.loads(served.read())
    return figures(load, meter, crowd)


class Program:
    """One side of a run, as long as it lives; ``with`` ends it. It is killed when it takes a minute too long."""

    def __init__(self, side: Side, load: Load) -> None:
        self._side = side
        self._errors = tempfile.TemporaryFile("w+")  # noqa: SIM115 (it is closed with the program)
        self._process = side.start(load, self._errors)
        self._watchdog = threading.Timer(load.seconds + 60, self._process.kill)
        self._watchdog.daemon = True

    def __enter__(self) -> Program:
        self._watchdog.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._watchdog.cancel()
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def read(self) -> str:
        """Return the next line of the program; raise RunFailed if it has ended."""
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return line.strip()
        self._errors.seek(0)
        last = self._errors.read().strip().rpartition("\n")[2]
        raise RunFailed(f"{self._side.program} ended: {last or 'it said nothing'}")

    def write(self, word: str) -> None:
        """Give the program a word."""
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()


def datagram_sizes(figures: Figures) -> tuple[int, int]:
    """Return the mean bytes of a datagram down and up, for the bare loop beside that run."""
    return (
        round(figures.down_bytes / figures.down_datagrams),
        round(figures.up_bytes / figures.up_datagrams),
    )


def figures(load: Load, meter: dict[str, Any], crowd: dict[str, Any]) -> Figures:
    """Put together what a server and its players have printed; raise ``RunFailed`` if it cannot be true."""
    if meter["wall_seconds"] < load.seconds / 2:
        raise RunFailed("the server was too busy to notice when the measurement began")
    ticks = meter["wall_seconds"] * load.hz
    shares = ticks * load.clients
    begun = dict(meter["begun"])
    if not crowd["down"]:
        raise RunFailed("nothing arrived at the players")
    latencies = tuple(at - begun[turn] for turn, at in crowd["arrivals"] if turn in begun)
    if min(latencies, default=0.0) < 0:
        raise RunFailed("a state arrived before its tick began: server and players number the ticks differently")
    return Figures(
        micros=meter["cpu_seconds"] / shares * 1e6,
        share=meter["cpu_seconds"] / meter["wall_seconds"],
        ticks_per_second=len(begun) / meter["wall_seconds"],
        up_bytes=crowd["up"] / shares,
        down_bytes=crowd["down"] / shares,
        up_datagrams=crowd["sent"] / shares,
        down_datagrams=crowd["received"] / shares,
        wakes_a_tick=meter["wakes"] / ticks,
        resident_bytes=meter["resident_bytes"],
        kept_up=crowd["fewest_turns"] / (load.seconds * load.hz),
        players_share=crowd["players_share"],
        latencies=latencies,
        begun=tuple(sorted(begun.values())),
        profile=tuple(map(tuple, meter.get("profile", ()))),
    )
