"""Loops, threads, the real clock: what drives the pure parts in earnest.

What is driven is a :class:`Pump`: it takes in what its transport has received, and says when it wants to be called
next.

asyncio is imported where a loop is made or used, and not before: it takes longer to import than all of PyGaSe, and a
game that pumps its client never needs it.
"""

from __future__ import annotations

import collections
import collections.abc
import concurrent.futures
import logging
import math
import os
import select
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import asyncio
    import random

logger = logging.getLogger("pygase")

monotonic: Callable[[], float] = time.monotonic
random_bytes: Callable[[int], bytes] = os.urandom


def fine_clock(clock: Callable[[], float]) -> Callable[[], float]:
    """Return the clock to measure by how long something of this program takes.

    The real one if ``clock`` is that: it tells microseconds apart on every system. A simulation keeps its own: there
    nothing takes any time, so that what happens does not depend on how fast the machine is.
    """
    return time.perf_counter if clock is monotonic else clock


def random_sources(seed: int | None) -> tuple[random.Random, random.Random]:
    """Return two sources of chance, for each direction of a connection; with a seed, the same ones each time."""
    import random

    first = random.Random(seed)
    return first, random.Random(first.random())


RUSH: Final = 0.001
"""Seconds: if datagrams come more often than this, the socket is left alone for RUSH_PAUSE after each look."""
RUSH_PAUSE: Final = 0.02
"""Seconds: under load, one wake-up serves many datagrams (50 a second or so). A tick looks without being woken, and
then nobody else need look for so long; so only what does not wait for a tick is held up, by this at most."""


class Pump(Protocol):
    """What a driver drives."""

    def receive(self) -> int:
        """Take in all datagrams that have come; return how many."""

    def advance(self) -> float | None:
        """Do what is due, send what is to be sent; return when to be called next (None: only when something comes)."""


class Transport(Protocol):
    """What a driver listens to."""

    sockets: list[Any]


class Timer(Protocol):
    """A call that is to come."""

    def cancel(self) -> None:
        """Do not make the call."""


class Loop(Protocol):
    """What a driver asks of an event loop: asyncio's have it, and that of pygase.testing, whose time is virtual."""

    def time(self) -> float:
        """Return the loop's time, seconds."""

    def call_soon(self, callback: Callable[[], Any], /) -> Any:
        """Call a function in the next turn."""

    def call_soon_threadsafe(self, callback: Callable[[], Any], /) -> Any:
        """The same, from another thread."""

    def call_later(self, delay: float, callback: Callable[[], Any], /) -> Timer:
        """Call a function after so many seconds."""

    def call_at(self, when: float, callback: Callable[[], Any], /) -> Timer:
        """Call a function at a time of the loop's."""

    def add_reader(self, sock: Any, callback: Callable[[], Any], /) -> Any:
        """Call a function whenever a socket has something to be read."""

    def remove_reader(self, sock: Any, /) -> Any:
        """Leave the socket alone."""

    def create_task(self, coroutine: Coroutine[Any, Any, Any], /) -> Any:
        """Run a coroutine."""

    def is_running(self) -> bool:
        """Tell whether the loop makes its calls."""


class Driver(Protocol):
    """What a face asks of whoever drives it."""

    def wake(self) -> None:
        """Have ``advance`` called soon; from any thread."""

    def call(self, function: Callable[[], Any]) -> None:
        """Run a function on the network's thread: at once if this is it, else soon; from any thread."""

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine."""

    def defer(self, function: Callable[[], Any]) -> None:
        """Run a function after the turn that is going on."""

    def finish(self, completion: Completion) -> Any:
        """Wait for a completion, in the way that fits whoever drives."""

    @property
    def looks_later(self) -> bool:
        """True if datagrams may have come that have not been taken in, as the sockets are left alone for now."""

    def looked(self, count: int) -> None:
        """Take note that somebody else has called ``receive``, and how many datagrams there were."""

    def arm(self, due_at: float) -> None:
        """Have ``advance`` called at this time, or before."""

    def stop(self) -> None:
        """Drive no longer."""

    @property
    def is_driven(self) -> bool:
        """True if a loop or another thread does the work; if not, ``turn_by_hand`` does."""

    def turn_by_hand(self) -> None:
        """Receive, do what is due, send, once. For the program's end, when no loop and no thread does it any more."""


class LoopDriver:
    """Drives a pump on an event loop, from the loop's own thread. Nothing is polled: it sleeps until there is a
    reason.

    :param clock: the pump's clock, seconds. (A loop may have another one.)
    """

    can_be_found = True
    """Whether there is a local network whose others could find what is driven."""

    def __init__(
        self, pump: Pump, transport: Transport, loop: Loop, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._pump = pump
        self._loop = loop
        self._clock = clock
        self._thread = threading.get_ident()
        self._timer: Timer | None = None
        self._timer_at = 0.0
        self._wake_pending = False
        self._stopped = False
        self._looked_at = -math.inf
        self._resuming: Timer | None = None
        """Set while the sockets are left alone."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._transport = transport
        self._listener = _ThreadListener(transport, loop, self._on_readable) if not _has_readers(loop) else None
        self._listen(True)

    def _listen(self, on: bool) -> None:
        if on and self._stopped:
            return
        if self._listener is not None:
            if on:
                self._listener.resume()
            return
        for sock in self._transport.sockets:
            if on:
                self._loop.add_reader(sock, self._on_readable)
            elif sock.fileno() >= 0:
                self._loop.remove_reader(sock)

    def _on_readable(self) -> None:
        if self._stopped:
            return
        now = self._loop.time()
        rush = now - self._looked_at < RUSH
        self._looked_at = now
        if rush:
            self._listen(False)
            self._resume_later()
        try:
            self._pump.receive()
            self.turn()
        finally:
            if self._listener is not None and not rush:
                self._listener.resume()

    def _resume(self) -> None:
        if self._stopped:
            return
        count = 0
        try:
            count = self._pump.receive()
            self.turn()
        finally:  # whatever happens there, the socket is looked at again
            self._end_pause(count)

    def _resume_later(self) -> None:
        if self._resuming is not None:
            self._resuming.cancel()
        self._resuming = self._loop.call_later(RUSH_PAUSE, self._resume)

    def _end_pause(self, count: int) -> None:
        if count > RUSH_PAUSE / RUSH:  # it goes on
            self._resume_later()
        else:
            if self._resuming is not None:
                self._resuming.cancel()
                self._resuming = None
            self._listen(True)

    @property
    def looks_later(self) -> bool:
        """See Driver. (Else the loop has looked just now, before whatever was due.)"""
        return self._resuming is not None or self._listener is not None

    def looked(self, count: int) -> None:
        """See Driver."""
        if self._resuming is not None and not self._stopped:
            self._end_pause(count)

    def turn(self) -> None:
        """Let the pump do what is due, and set the alarm for the next time."""
        self._wake_pending = False
        if self._stopped:
            return
        due_at = self._pump.advance()
        if due_at is not None:
            self.arm(due_at)

    def arm(self, due_at: float) -> None:
        """See Driver."""
        if self._stopped or due_at == math.inf:
            return
        if self._timer is not None:
            if self._timer_at <= due_at:
                return  # it fires early enough, and will be set anew then
            self._timer.cancel()
        self._timer_at = due_at
        self._timer = self._loop.call_later(max(due_at - self._clock(), 0.0), self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.turn()

    def wake(self) -> None:
        """See Driver."""
        if self._wake_pending or self._stopped:
            return
        self._wake_pending = True
        if self.on_own_thread:
            self._loop.call_soon(self.turn)
        else:
            self._threadsafe(self.turn)

    def call(self, function: Callable[[], Any]) -> None:
        """See Driver."""
        if self.on_own_thread:
            function()
        else:
            self._threadsafe(function)

    def _threadsafe(self, function: Callable[[], Any]) -> None:
        try:
            self._loop.call_soon_threadsafe(function)
        except RuntimeError:  # the loop has ended in the meantime
            self._stopped = True

    @property
    def on_own_thread(self) -> bool:
        """True if the caller runs on the network's thread."""
        return threading.get_ident() == self._thread

    def defer(self, function: Callable[[], Any]) -> None:
        """See Driver."""
        self._loop.call_soon(function)

    def finish(self, completion: Completion) -> Any:
        """See Driver."""
        return completion.or_block()

    @property
    def is_driven(self) -> bool:
        """See Driver."""
        return self._loop.is_running()

    def turn_by_hand(self) -> None:
        """See Driver."""
        self._pump.receive()
        self._pump.advance()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """See Driver. What the coroutine raises is logged."""
        task = self._loop.create_task(_logged(coroutine))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def stop(self) -> None:
        """See Driver."""
        if self._stopped:
            return
        self._stopped = True
        self._listen(False)
        if self._listener is not None:
            self._listener.close()
        for timer in (self._timer, self._resuming):
            if timer is not None:
                timer.cancel()


def _has_readers(loop: Loop) -> bool:
    import asyncio

    # Windows' default loop has no add_reader, and its own UDP goes deaf (CPython issue 127057)
    return type(loop).add_reader is not asyncio.AbstractEventLoop.add_reader and "Proactor" not in type(loop).__name__


class _ThreadListener:
    """Waits for datagrams in a thread, for loops that cannot: calls back on the loop, then waits to be resumed."""

    def __init__(self, transport: Transport, loop: Loop, on_readable: Callable[[], None]) -> None:
        self._sockets = transport.sockets
        self._loop = loop
        self._on_readable = on_readable
        self._go = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="pygase-listener")
        self._thread.start()

    def resume(self) -> None:
        self._go.set()

    def close(self) -> None:
        self._closed = True
        self._go.set()
        self._thread.join(1.0)  # it looks up every 0.2 s; the sockets are closed after this

    def _run(self) -> None:
        while True:
            self._go.wait()
            self._go.clear()
            readable: list[Any] = []
            while not readable and not self._closed:
                readable, _, _ = select.select(self._sockets, [], [], 0.2)
            if self._closed:
                return
            try:
                self._loop.call_soon_threadsafe(self._on_readable)
            except RuntimeError:
                return


class PumpDriver:
    """Drives a pump from the caller's own loop: ``turn()`` once a frame. No thread."""

    def __init__(self, pump: Pump, ended: concurrent.futures.Future[Any]) -> None:
        self._pump = pump
        self._ended = ended
        self._stopped = False
        self._turning = False
        self._thread = threading.get_ident()
        self._deferred: list[Callable[[], Any]] = []
        self._from_elsewhere: collections.deque[Callable[[], Any]] = collections.deque()

    def turn(self) -> None:
        """Receive, do what is due, send."""
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
        """See Driver: at once, but for calls from within a turn, which sends anyway."""
        if not self._turning and threading.get_ident() == self._thread:
            self.turn()

    def call(self, function: Callable[[], Any]) -> None:
        """See Driver: from another thread, it waits for the next turn."""
        if threading.get_ident() == self._thread:
            function()
            self.wake()
        else:
            self._from_elsewhere.append(function)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """See Driver: there is no loop, so the coroutine runs to its end here (beside a running loop, as its task)."""
        run_logged(coroutine)

    def defer(self, function: Callable[[], Any]) -> None:
        """See Driver."""
        self._deferred.append(function)

    @property
    def is_driven(self) -> bool:
        """See Driver: it is if it was opened in another thread, which lives."""
        others = (thread for thread in threading.enumerate() if thread is not threading.current_thread())
        return any(thread.ident == self._thread for thread in others)

    def turn_by_hand(self) -> None:
        """See Driver."""
        self.turn()

    def arm(self, due_at: float) -> None:
        """See Driver: whoever pumps comes by anyway."""

    def finish(self, completion: Completion) -> Any:
        """See Driver: nobody else turns the handle, so it is turned here."""
        give_up_at = monotonic() + 1.5
        while not self._ended.done() and monotonic() < give_up_at:
            self.turn()
            concurrent.futures.wait([self._ended], 0.005)
        return completion.or_block()

    def stop(self) -> None:
        """See Driver."""
        self._stopped = True


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop of the kind that serves UDP well on every system."""
    import asyncio

    return asyncio.SelectorEventLoop()


def run_to_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a loop of its own, and block until it has ended. Ctrl-C cancels it first, then is raised."""
    import asyncio

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(coroutine)
    except KeyboardInterrupt as interrupt:
        raise interrupt.with_traceback(None) from None  # without asyncio's own story of it


async def _logged(awaitable: Awaitable[Any]) -> None:
    try:
        await awaitable
    except Exception as error:
        logger.error("a coroutine raised %r", error, exc_info=error)


_background: set[asyncio.Task[Any]] = set()


def run_logged(awaitable: Awaitable[Any]) -> None:
    """Run a coroutine to its end, or inside a running loop as its task; what it raises is logged."""
    if in_running_loop():
        import asyncio

        task = asyncio.ensure_future(_logged(awaitable))
        _background.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(_background.discard)
    else:
        run_to_end(_logged(awaitable))


async def in_background(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function that may block for a while (a look-up of a host name) in a daemon thread.

    (Not in the loop's executor: the end of the program would wait for it.)
    """
    import asyncio

    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_running_or_notify_cancel()  # from now on nobody can cancel it, so its result can always be set

    def call() -> None:
        try:
            future.set_result(function(*args))
        except BaseException as error:
            future.set_exception(error)

    try:
        start_thread(call, "pygase-look-up")
    except RuntimeError:  # the program ends, and CPython 3.12 starts no thread any more
        call()
    return await asyncio.wrap_future(future)


def in_running_loop() -> bool:
    """Tell whether the caller runs inside an asyncio event loop."""
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not hasattr(asyncio, "get_running_loop"):  # another thread may be importing it just now
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def program_ends() -> bool:
    """Tell whether the main thread has ended, so that what fails in others fails for that."""
    return not threading.main_thread().is_alive()


def start_thread(target: Callable[[], Any], name: str, *, daemon: bool = True) -> threading.Thread:
    """Start a thread and return it."""
    thread = threading.Thread(target=target, name=name, daemon=daemon)
    thread.start()
    return thread


class Completion(collections.abc.Coroutine[Any, Any, Any]):
    """Something already under way: ``await`` it, make it a task, block on it, or let it be.

    :param future: done when that something is.
    :param timeout: how long to wait for it, seconds.
    :param result: what awaiting or blocking gives, made from whether it was done in time.
    """

    def __init__(
        self,
        future: concurrent.futures.Future[Any],
        timeout: float,
        result: Callable[[bool], Any] = lambda done: None,
    ) -> None:
        self._future = future
        self._timeout = timeout
        self._result = result
        self._inner: Coroutine[Any, Any, Any] | None = None

    def block(self) -> Any:
        """Wait in this thread."""
        done, _ = concurrent.futures.wait([self._future], self._timeout)
        return self._result(bool(done))

    def or_block(self) -> Any:
        """Inside an event loop return self, elsewhere block."""
        return self if in_running_loop() else self.block()

    async def _wait(self) -> Any:
        import asyncio

        done, _ = await asyncio.wait([asyncio.wrap_future(self._future)], timeout=self._timeout)
        return self._result(bool(done))

    def _coroutine(self) -> Coroutine[Any, Any, Any]:
        if self._inner is None:
            self._inner = self._wait()
        return self._inner

    def __await__(self) -> Generator[Any, None, Any]:
        return self._coroutine().__await__()

    def send(self, value: Any) -> Any:
        return self._coroutine().send(value)

    def throw(self, *args: Any) -> Any:
        return self._coroutine().throw(*args)

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()


def done_future() -> concurrent.futures.Future[Any]:
    """Return a future that is done already."""
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_result(None)
    return future


class Ticker:
    """Calls a function at fixed times, ``interval`` seconds apart, from one interval after now until :meth:`stop`.

    Times that pass while the function runs, or while the process sleeps, are left out.

    :param on_late: is given how many were left out.
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
        self._next_at = loop.time() + interval
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
        """Call no more."""
        self._stopped = True
        self._timer.cancel()


async def call_every(
    interval: float,
    function: Callable[[], Any],
    until: asyncio.Future[None],
    on_late: Callable[[int], Any] = lambda count: None,
) -> None:
    """Call a function at fixed times, as a :class:`Ticker` does, until the future is done.

    What it raises is raised. (A callback, since a task that sleeps would make the loop turn twice for each call.)
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
