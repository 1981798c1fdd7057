"""Counts the calls of a server's functions, and the time in each, for ``benchmarks/profile_server.py``."""

from __future__ import annotations

import cProfile
import time
from types import CodeType


class Profiler:
    """Profiles the thread that calls ``follow`` in each tick, between ``start`` and ``stop`` of another thread."""

    def __init__(self) -> None:
        self._profile = cProfile.Profile(time.thread_time)  # of this thread alone: no pauses
        self._wanted = self._runs = False
        self._ticks = 0

    def start(self) -> None:
        """Let the profile begin with the next tick."""
        self._wanted = True

    def stop(self) -> None:
        """Let the profile end with the next tick."""
        self._wanted = False

    def follow(self) -> None:
        """Begin, count a tick, or end. The profiled thread calls it once a tick."""
        self._ticks += self._runs
        if self._wanted != self._runs:
            self._runs = self._wanted
            (self._profile.enable if self._runs else self._profile.disable)()

    def lines(self) -> list[tuple[str, float, float, float]]:
        """Return for each function: its name, calls a tick, seconds a tick in itself, and with all that it calls."""
        ticks = max(self._ticks, 1)
        return [
            (_name(entry.code), entry.callcount / ticks, entry.inlinetime / ticks, entry.totaltime / ticks)
            for entry in self._profile.getstats()
        ]


def _name(code: CodeType | str) -> str:
    """Return a function's name with its file, from the package on; one of C has a name alone."""
    if isinstance(code, str):
        return code
    folders = code.co_filename.replace("\\", "/").split("/")
    known = [place for place, folder in enumerate(folders) if folder in ("pygase", "asyncio", "_peers")]
    return f"{'/'.join(folders[known[-1] if known else -1 :])}:{code.co_firstlineno} {code.co_qualname}"
