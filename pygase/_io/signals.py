"""Signals that end a program: a server in the main thread says goodbye first, as after Ctrl-C.

Without this module, SIGTERM (``kill``, ``docker stop``, systemd) and SIGHUP (a terminal is closed) end the process at
once. Its clients play on until their time-out, and no ``finally`` of the program runs.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import asyncio

ENDING: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Not every system has all. (SIGBREAK: Ctrl-Break on Windows. Ctrl-C is Python's own.)"""


class EndedBySignal(KeyboardInterrupt, SystemExit):
    """Raised by ``run`` after one of these signals, when every client has its goodbye.

    A program that handles KeyboardInterrupt handles it as well; any other program ends as by SystemExit, without a
    traceback. The exit status is 128 plus the signal's number: 143 for SIGTERM, 129 for SIGHUP.
    """

    def __init__(self, number: int) -> None:
        KeyboardInterrupt.__init__(self, f"ended by {signal.Signals(number).name}")
        self.code = 128 + number


async def ended_by_signals(work: Coroutine[Any, Any, Any]) -> Any:
    """Await some work. If such a signal arrives, cancel the work and raise :class:`EndedBySignal`.

    This applies in the main thread, to signals that the program neither handles itself nor ignores (as under
    ``nohup``).
    """
    import asyncio

    task, loop = _current_task(), asyncio.get_running_loop()
    received: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        received.append(number)
        loop.call_soon_threadsafe(task.cancel)  # also wakes the loop

    with handling_signals(on_signal):
        try:
            return await work
        except asyncio.CancelledError:
            if not received:
                raise
    task.add_done_callback(lambda ended: ended.exception())  # else the loop logs an exception that was never retrieved
    raise EndedBySignal(received[0])


def _current_task() -> asyncio.Task[Any]:
    import asyncio

    task = asyncio.current_task()
    if task is None:
        raise RuntimeError("this coroutine has to run as a task, or within one")
    return task


@contextmanager
def handling_signals(handler: Callable[[int, object], Any]) -> Iterator[None]:
    """Handle the signals that have their default effect; restore it afterwards, unless the handler was replaced."""
    taken: list[int] = []
    if threading.current_thread() is threading.main_thread():
        for name in ENDING:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL and _set(number, handler):
                taken.append(number)
    try:
        yield
    finally:
        for number in taken:
            if signal.getsignal(number) is handler:
                _set(number, signal.SIG_DFL)


def _set(number: int, handler: Any) -> bool:
    """Set a signal's handler; return whether that is possible here. In a subinterpreter, for example, it is not."""
    try:
        signal.signal(number, handler)
    except (ValueError, OSError):
        return False
    return True
