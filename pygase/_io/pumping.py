"""The driver without loop and thread: the game calls it once a frame."""

from __future__ import annotations

import collections
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

from .clocks import monotonic, random_bytes, wall_clock
from .ports import Driver, Platform, Pump
from .runner import run_logged

if TYPE_CHECKING:
    from .runner import Completion


class PumpDriver:
    """A Driver in the caller's own loop: call :meth:`turn` once a frame. There is no thread.

    :param ended: done when the pump's connection has ended.
    """

    can_be_found = False
    looks_later = False
    rests = False

    def __init__(self, pump: Pump, ended: concurrent.futures.Future[Any]) -> None:
        self._pump = pump
        self._ended = ended
        self._stopped = False
        self._turning = False
        self._thread = threading.get_ident()
        self._deferred: list[Callable[[], Any]] = []
        self._from_elsewhere: collections.deque[Callable[[], Any]] = collections.deque()

    def turn(self) -> None:
        """Receives as well."""
        self._turning = True
        try:
            while self._from_elsewhere:
                self._from_elsewhere.popleft()()
            if not self._stopped:
                self._pump.receive()
            if not self._stopped:
                self._pump.advance()
        finally:
            self._turning = False
        deferred, self._deferred = self._deferred, []
        for function in deferred:
            function()

    def wake(self) -> None:
        """Turns at once; within a turn does nothing, as the turn sends anyway."""
        if not self._turning and self.on_own_thread:
            self.turn()

    def call(self, function: Callable[[], Any]) -> None:
        """A function from another thread waits for the next turn."""
        if self.on_own_thread:
            function()
            self.wake()
        else:
            self._from_elsewhere.append(function)

    @property
    def on_own_thread(self) -> bool:
        return threading.get_ident() == self._thread

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """The coroutine runs to its end here; beside a running loop it becomes a task of that loop."""
        run_logged(coroutine)

    def defer(self, function: Callable[[], Any]) -> None:
        self._deferred.append(function)

    @property
    def is_driven(self) -> bool:
        """True if it was opened in another thread, and that thread lives."""
        others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
        return any(thread.ident == self._thread for thread in others)

    def turn_by_hand(self) -> None:
        self.turn()

    def arm(self, due_at: float) -> None:
        """The next frame calls anyway."""

    def looked(self, count: int) -> None:
        """The sockets are read in each turn."""

    def rest(self, wanted: bool) -> None:
        """The sockets are read in each turn."""

    def finish(self, completion: Completion) -> Any:
        """Turns until the connection has ended, since nobody else does."""
        give_up_at = monotonic() + 1.5
        while not self._ended.done() and monotonic() < give_up_at:
            self.turn()
            concurrent.futures.wait([self._ended], 0.005)
        return completion.or_block()

    def stop(self) -> None:
        self._stopped = True


def pumped_platform(ended: concurrent.futures.Future[Any]) -> Platform:
    """Return the real machine, driven by the game's own loop.

    :param ended: done when the connection has ended.
    """
    return Platform(monotonic, random_bytes, lambda pump, transport: PumpDriver(pump, ended), wall_clock)


if TYPE_CHECKING:

    def _driver(driver: PumpDriver) -> Driver:
        """Let mypy check the port."""
        return driver
