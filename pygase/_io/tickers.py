"""Calls at fixed times, on any loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .phases import first_tick
from .ports import Loop

if TYPE_CHECKING:
    import asyncio


class Ticker:
    """Calls a function at fixed times, ``interval`` seconds apart, until :meth:`stop`.

    The first call is one interval from now, or up to half an interval earlier or later, so that all tickers on one
    event loop call at the same times as far as their intervals allow.

    Times that pass while the function runs, or while the process sleeps, are left out.

    :param on_late: called with the number of times that were left out, right after the late call.
    """

    def __init__(
        self,
        loop: Loop,
        interval: float,
        function: Callable[[], Any],
        on_late: Callable[[int], Any] = lambda count: None,
    ) -> None:
        self._loop = loop
        self._interval = interval
        self._function = function
        self._on_late = on_late
        self._stopped = False
        self._next_at = first_tick(loop, interval)
        self._timer = loop.call_at(self._next_at, self._call)

    def _call(self) -> None:
        if self._stopped:
            return
        self._function()
        self._next_at += self._interval
        overdue = int((self._loop.time() - self._next_at) / self._interval)
        if overdue > 0:
            self._next_at += overdue * self._interval
            self._on_late(overdue)
        if not self._stopped:
            self._timer = self._loop.call_at(self._next_at, self._call)

    def stop(self) -> None:
        self._stopped = True
        self._timer.cancel()


async def call_every(
    interval: float,
    function: Callable[[], Any],
    until: asyncio.Future[None],
    on_late: Callable[[int], Any] = lambda count: None,
) -> None:
    """Call a function at fixed times, as a :class:`Ticker` does, until the future is done.

    An exception from the function ends the calls and is raised here. (Callbacks, because a task that sleeps would make
    the loop turn twice for each call.)
    """
    import asyncio

    def call() -> None:
        if until.done():
            ticker.stop()
            return
        try:
            function()
        except BaseException as error:
            ticker.stop()
            until.set_exception(error)

    ticker = Ticker(asyncio.get_running_loop(), interval, call, on_late)
    try:
        await until
    finally:
        ticker.stop()


def _set_done(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def end_calls(loop: asyncio.AbstractEventLoop, wakeup: asyncio.Future[None]) -> None:
    """End a call_every, from any thread."""
    try:
        loop.call_soon_threadsafe(_set_done, wakeup)
    except RuntimeError:
        pass  # the loop has ended, and the calls with it
