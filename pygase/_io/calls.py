"""Calls that block; inside a running event loop they return a coroutine instead. Frameworks are looked up among the
imported modules, and never imported."""

from __future__ import annotations

import collections.abc
import logging
import sys
import weakref
from collections.abc import Callable, Coroutine, Generator
from typing import Any, Final

from .runner import in_running_loop, run_to_end

logger = logging.getLogger("pygase")

REMIND_AFTER: Final = 0.5
"""Seconds after which a call that nobody has awaited is logged. A program that stores the coroutine awaits it earlier,
and a person at a notebook reads the log after about a second."""


def block_or_return(make: Callable[[], Coroutine[Any, Any, Any]], call: str, in_thread: str) -> Any:
    """Run a coroutine and block; inside an asyncio event loop return it instead, to be awaited or made a task.

    :param make: makes the coroutine; called when it begins.
    :param call: the call as a program writes it, such as ``"client.connect(...)"``.
    :param in_thread: the call that does the same in a thread.
    :raises RuntimeError: inside another framework's loop, which would stand still meanwhile.
    """
    if in_running_loop():
        return Unstarted(make, call, in_thread)
    framework = other_framework()
    if framework is not None:
        raise RuntimeError(
            f"{call} was called inside a task of {framework}, whose loop would stand still until it ends, and PyGaSe's "
            f"coroutines run in asyncio's loop only; write {in_thread} instead, which needs no loop"
        )
    return run_to_end(make())


def other_framework() -> str | None:
    """Return the name of the framework, other than asyncio, in whose task the caller runs; None if there is none."""
    curio, trio = sys.modules.get("curio.meta"), sys.modules.get("trio")
    if getattr(curio, "curio_running", bool)():
        return "curio"
    if trio is not None:
        try:
            trio.lowlevel.current_task()
        except (RuntimeError, AttributeError):  # "must be called from async context"
            return None
        return "trio"
    return None


class Unstarted(collections.abc.Coroutine[Any, Any, Any]):
    """A coroutine that begins when it is awaited or made a task. If a program forgets that, a log line says what to
    write.
    """

    def __init__(self, make: Callable[[], Coroutine[Any, Any, Any]], call: str, in_thread: str) -> None:
        import asyncio

        self._make = make
        self._call = call
        self._in_thread = in_thread
        self._inner: Coroutine[Any, Any, Any] | None = None
        self._reminded = False
        itself = weakref.ref(self)

        def remind() -> None:
            forgotten = itself()
            if forgotten is not None:
                forgotten._remind()

        self._timer = asyncio.get_running_loop().call_later(REMIND_AFTER, remind)

    def _remind(self) -> None:
        if self._inner is not None or self._reminded:
            return
        self._reminded = True
        logger.warning(
            "%s has not begun, since nobody awaits it. An event loop runs here, as in every notebook: write `await %s` "
            "to wait until it ends, or `task = asyncio.create_task(%s)` to go on at once, or %s",
            *(self._call,) * 3,
            self._in_thread,
        )

    def _begun(self) -> Coroutine[Any, Any, Any]:
        if self._inner is None:
            self._timer.cancel()
            self._inner = self._make()
        return self._inner

    def __await__(self) -> Generator[Any, None, Any]:
        return self._begun().__await__()

    def send(self, value: Any) -> Any:
        return self._begun().send(value)

    def throw(self, *args: Any) -> Any:
        return self._begun().throw(*args)

    def close(self) -> None:
        """Nothing is logged then."""
        self._reminded = True
        self._timer.cancel()
        if self._inner is not None:
            self._inner.close()

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self._remind()
