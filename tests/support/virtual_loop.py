"""An asyncio loop whose time is stepped: it never sleeps, it jumps to the next timer."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any


class _NoWaiting(selectors.DefaultSelector):
    """A selector that, instead of waiting, lets the loop's time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.elapsed = 0.0

    def select(self, timeout: float | None = None) -> Any:
        if timeout is None:
            raise RuntimeError("everything waits for something that never comes")
        self.elapsed += max(timeout, 0.0)
        return super().select(0)


class VirtualLoop(asyncio.SelectorEventLoop):
    """``now`` is its time in seconds; ``work(seconds)`` lets time pass as a busy function would."""

    def __init__(self, start: float = 100.0) -> None:
        self._waiting = _NoWaiting()
        self._start = start
        super().__init__(self._waiting)

    def time(self) -> float:
        return self._start + self._waiting.elapsed

    def work(self, seconds: float) -> None:
        self._waiting.elapsed += seconds

    def _timer_resolution(self) -> float:
        return 1e-9


def run_virtually(main: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end in a VirtualLoop."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)
