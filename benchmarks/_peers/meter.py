"""What each server does for the measurement: it says its port, notes its ticks, and measures between two words.

A server prints ``port N``. It reads ``start`` and ``stop`` from its standard input, and prints then what it measured in
between, as one line of JSON. A thread waits for these words. It sleeps the rest of the time.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import sys
import threading
import time

from profiler import Profiler


def pin(core: int) -> None:
    """Keep this process on one core, where the system can, so that servers and players do not take turns on both."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


def resident_bytes() -> int:
    """Return the memory of this process that is in RAM (RSS): as Linux says, elsewhere its highest value so far."""
    try:
        with open("/proc/self/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        scale = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale


def free_port(kind: int = socket.SOCK_DGRAM) -> int:
    """Return a port of the loopback interface that nobody has, for libraries that do not say which one they took."""
    with socket.socket(socket.AF_INET, kind) as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Meter:
    """Measures the process that it is made in, which is one server."""

    def __init__(self, profiler: Profiler | None = None) -> None:
        pin(0)
        self._profiler = profiler
        self._begun: dict[int, float] = {}

    def serve(self, port: int) -> None:
        """Say that the server listens at ``port``. From now on the words of the driver count."""
        threading.Thread(target=self._listen, daemon=True).start()
        print("port", port, flush=True)

    def tick(self, turn: int) -> None:
        """Note that the game makes the state of this turn now. What has arrived was handled before."""
        self._begun[turn] = time.monotonic()
        if self._profiler is not None:
            self._profiler.follow()

    def _listen(self) -> None:
        cpu = wall = 0.0
        wakes = 0
        for word in sys.stdin:
            if word.strip() == "start":
                self._begun.clear()
                if self._profiler is not None:
                    self._profiler.start()
                wakes, cpu, wall = _wakes(), time.process_time(), time.monotonic()
            elif word.strip() == "stop":
                cpu, wall, wakes = time.process_time() - cpu, time.monotonic() - wall, _wakes() - wakes
                self._report(cpu, wall, wakes)
        os._exit(0)  # the driver has closed the pipe: whatever the server's own threads do

    def _report(self, cpu: float, wall: float, wakes: int) -> None:
        """Print the measurement. The thread that reports costs CPU time only after the measurement."""
        found = {
            "cpu_seconds": cpu,
            "wall_seconds": wall,
            "wakes": wakes,
            "begun": sorted(self._begun.copy().items()),
            "resident_bytes": resident_bytes(),
        }
        if self._profiler is not None:
            self._profiler.stop()
            time.sleep(0.5)  # until the next tick has ended it
            found["profile"] = self._profiler.lines()
        print(json.dumps(found), flush=True)


def _wakes() -> int:
    """Return how often the process has gone to sleep of its own accord."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw


class Metronome:
    """Fixed moments for servers that have to make their own: each a tick after the last, whatever the work took."""

    def __init__(self, hz: float) -> None:
        self._interval = 1 / hz
        self._next_at = time.monotonic()

    def pause(self) -> float:
        """Return the seconds until the next tick, and count on to the one after it."""
        self._next_at += self._interval
        return max(self._next_at - time.monotonic(), 0.0)
