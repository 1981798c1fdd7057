"""The driver on an event loop, real or virtual (as in ``pygase.testing``): it decides when a pump is called.

asyncio is imported inside functions only: the import takes longer than that of all of PyGaSe, and a game that pumps its
client never needs it.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from .clocks import monotonic, random_bytes, wall_clock
from .listening import listener_for
from .ports import Clock, Driver, Listened, Loop, Platform, Pump, Timer
from .runner import logged

if TYPE_CHECKING:
    import asyncio

    from .runner import Completion

COALESCE_BELOW: Final = 0.001
"""Seconds between two wake-ups for datagrams, below which the sockets are left alone for COALESCE_PAUSE."""
COALESCE_PAUSE: Final = 0.02
"""Seconds. Under load one wake-up then serves many datagrams. A tick reads the sockets anyway, so the pause delays only
work between ticks."""


class LoopDriver:
    """A Driver that calls its pump on an event loop, from the loop's own thread. It never polls.

    :param transport: its sockets wake the pump.
    :param clock: the pump's clock. The loop may have another one.
    """

    can_be_found = True

    def __init__(self, pump: Pump, transport: Listened, loop: Loop, clock: Clock = monotonic) -> None:
        self._pump = pump
        self._loop = loop
        self._clock = clock
        self._own_thread = threading.get_ident()
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._wake_pending = False
        self._stopped = False
        self._looked_at = -math.inf
        self._resuming: Timer | None = None
        """Set while the sockets are left alone."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._listener = listener_for(transport, loop, self._on_readable)
        self._listener.resume()

    # -- datagrams -------------------------------------------------------------------------------------------------

    def _on_readable(self) -> None:
        if self._stopped:
            return
        now = self._loop.time()
        is_rush = now - self._looked_at < COALESCE_BELOW
        self._looked_at = now
        if is_rush:
            self._listener.pause()
            self._resume_later()
        try:
            self._pump.receive()
            self._advance()
        finally:
            if self._listener.reports_once and not is_rush:
                self._listener.resume()

    def _resume_later(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
        self._resuming = self._loop.call_later(COALESCE_PAUSE, self._resume)

    def _resume(self) -> None:
        if self._stopped:
            return
        count = 0
        try:
            count = self._pump.receive()
            self._advance()
        finally:  # the sockets are watched again, whatever the pump has raised
            self._end_pause(count)

    def _end_pause(self, count: int) -> None:
        if count > COALESCE_PAUSE / COALESCE_BELOW:  # the rush goes on
            self._resume_later()
            return
        if self._resuming is not None:
            self._resuming.cancel()
            self._resuming = None
        if not self._stopped:
            self._listener.resume()

    @property
    def looks_later(self) -> bool:
        """If False, the loop has read the sockets before it calls what is due."""
        return self._resuming is not None or self._listener.reports_once or self._listener.rests

    @property
    def rests(self) -> bool:
        return self._listener.rests

    def rest(self, wanted: bool) -> None:
        if wanted != self._listener.rests and not self._stopped and self._resuming is None:
            self._listener.rest(wanted)

    def looked(self, count: int) -> None:
        if self._resuming is not None and not self._stopped:
            self._end_pause(count)

    # -- time ------------------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Also sets the alarm for the next time."""
        if self._listener.rests and not self._stopped:  # a datagram in the socket may be what the pump waits for
            self._pump.receive()
        self._advance()

    def _advance(self) -> None:
        self._wake_pending = False
        if self._stopped:
            return
        due_at = self._pump.advance()
        if due_at is not None:
            self.arm(due_at)

    def arm(self, due_at: float) -> None:
        if self._stopped or due_at == math.inf:
            return
        if self._timer is not None:
            if self._timer_at <= due_at:
                return  # that call is early enough, and sets the alarm anew
            self._timer.cancel()
        self._timer_at = due_at
        self._timer = self._loop.call_later(max(due_at - self._clock(), 0.0), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.turn()

    def wake(self) -> None:
        if self._wake_pending or self._stopped:
            return
        self._wake_pending = True
        if self.on_own_thread:
            self._loop.call_soon(self.turn)
        else:
            self._call_from_elsewhere(self.turn)

    # -- functions and coroutines ----------------------------------------------------------------------------------

    def call(self, function: Callable[[], Any]) -> None:
        if self.on_own_thread:
            function()
        else:
            self._call_from_elsewhere(function)

    def _call_from_elsewhere(self, function: Callable[[], Any]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop has ended in the meantime
            self._stopped = True

    @property
    def on_own_thread(self) -> bool:
        return threading.get_ident() == self._own_thread

    def defer(self, function: Callable[[], Any]) -> None:
        self._loop.call_soon(function)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        task = self._loop.create_task(logged(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- the end ---------------------------------------------------------------------------------------------------

    def finish(self, completion: Completion) -> Any:
        """Blocks, or inside an event loop returns the completion."""
        return completion.or_block()

    @property
    def is_driven(self) -> bool:
        return self._loop.is_running()

    def turn_by_hand(self) -> None:
        self._pump.receive()
        self._pump.advance()

    def stop(self) -> None:
        if self._stopped:
            return
        self._stopped = True
        self._listener.close()
        for timer in (self._timer, self._resuming):
            if timer is not None:
                timer.cancel()


def running_platform(clock: Clock = monotonic) -> Platform:
    """The real machine, driven by the event loop that runs here.

    :param clock: the clock of the protocol.
    """
    import asyncio

    loop = asyncio.get_running_loop()
    return Platform(clock, random_bytes, lambda pump, transport: LoopDriver(pump, transport, loop, clock), wall_clock)


if TYPE_CHECKING:

    def _driver(driver: LoopDriver, loop: asyncio.AbstractEventLoop) -> tuple[Driver, Loop]:
        """Let mypy check both ports."""
        return driver, loop
