"""Runs coroutines and threads, and waits for results. For imports of asyncio see ``loops``."""

from __future__ import annotations

import collections.abc
import concurrent.futures
import contextlib
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

logger = logging.getLogger("pygase")


def new_loop() -> asyncio.AbstractEventLoop:
    """Of the kind that serves UDP well on every system."""
    import asyncio

    return asyncio.SelectorEventLoop()


def run_to_end(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a loop of its own, and block until it has ended. Ctrl-C cancels it first, then is raised."""
    try:
        import asyncio  # takes a while, in which an impatient person presses Ctrl-C

        with asyncio.Runner(loop_factory=new_loop) as runner:
            return runner.run(coroutine)
    except KeyboardInterrupt as interrupt:
        raise interrupt.with_traceback(None) from None  # without the frames of asyncio
    finally:
        with contextlib.suppress(AttributeError):  # a compiled one that has ended cannot be closed
            coroutine.close()  # one that has not begun would otherwise warn that it was never awaited


async def logged(awaitable: Awaitable[Any]) -> None:
    """Await something; an exception from it is logged."""
    try:
        await awaitable
    except Exception as error:
        logger.error("a coroutine raised %r", error, exc_info=error)


_background: set[asyncio.Task[Any]] = set()


def run_logged(awaitable: Awaitable[Any]) -> None:
    """Run a coroutine to its end, or inside a running loop as its task. An exception from it is logged."""
    if in_running_loop():
        import asyncio

        task = asyncio.ensure_future(logged(awaitable))
        _background.add(task)  # the loop itself holds tasks weakly
        task.add_done_callback(_background.discard)
    else:
        run_to_end(logged(awaitable))


async def in_background(function: Callable[..., Any], *args: Any) -> Any:
    """Call a function that may block for a while, such as a look-up of a host name, in a daemon thread.

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
    asyncio = sys.modules.get("asyncio")
    if asyncio is None or not hasattr(asyncio, "get_running_loop"):  # another thread may be importing it just now
        return False
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def program_ends() -> bool:
    """Return whether the main thread has ended, which explains failures in other threads."""
    return not threading.main_thread().is_alive()


def start_thread(target: Callable[[], Any], name: str, *, daemon: bool = True) -> threading.Thread:
    thread = threading.Thread(target=target, name=name, daemon=daemon)
    thread.start()
    return thread


class Completion(collections.abc.Coroutine[Any, Any, Any]):
    """The end of an action that has begun: ``await`` it, make it a task, block on it, or ignore it.

    :param future: done when the action is.
    :param timeout: seconds to wait.
    :param result: called with whether the action ended in time; returns the result of awaiting or blocking.
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
        """Wait for ``timeout`` seconds at most; return the result. Never raises the action's error."""
        done, _ = concurrent.futures.wait([self._future], self._timeout)
        return self._result(bool(done))

    def or_block(self) -> Any:
        """Inside an event loop return this completion, elsewhere block and return the result."""
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
    future: concurrent.futures.Future[Any] = concurrent.futures.Future()
    future.set_result(None)
    return future
