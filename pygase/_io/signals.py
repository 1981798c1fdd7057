"""Signals that end a program: a server that runs in the main thread says goodbye first, as after Ctrl-C.

Without this, SIGTERM (``kill``, ``docker stop``, systemd) and SIGHUP (a terminal that closes) end the process at once:
its clients play on for the seconds of a time-out, and no ``finally`` of the program runs.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Final

ENDING: Final = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Names of the signals; not every system has all. (SIGBREAK: Ctrl-Break on Windows. Ctrl-C is Python's own.)"""


class EndedBySignal(KeyboardInterrupt, SystemExit):
    """What ``run`` raises after one of these signals, when everybody has been told.

    A KeyboardInterrupt, so that a program which handles Ctrl-C goes the same way; and a SystemExit, so that one which
    does not ends without a traceback. The exit status is 128 plus the signal's number, as shells report it: 143 for
    SIGTERM, 129 for SIGHUP.
    """

    def __init__(self, number: int) -> None:
        KeyboardInterrupt.__init__(self, f"ended by {signal.Signals(number).name}")
        self.code = 128 + number


async def ended_by_signals(work: Coroutine[Any, Any, Any]) -> Any:
    """Await some work; cancel it when such a signal arrives, and then raise :class:`EndedBySignal`.

    In the main thread only, for signals that the program neither handles itself nor ignores (as under ``nohup``).
    """
    import asyncio

    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    received: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        received.append(number)
        assert task is not None
        loop.call_soon_threadsafe(task.cancel)  # wakes the loop, too

    with _handling(on_signal):
        try:
            return await work
        except asyncio.CancelledError:
            if not received:
                raise
    assert task is not None
    task.add_done_callback(lambda ended: ended.exception())  # else the loop would log it as one that nobody has seen
    raise EndedBySignal(received[0])


@contextmanager
def _handling(handler: Callable[[int, object], Any]) -> Iterator[None]:
    """Handle the signals that have their default effect; afterwards give it back, unless somebody else has come."""
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
    """Set a signal's handler; return whether that is possible here: not in a subinterpreter, for one."""
    try:
        signal.signal(number, handler)
    except (ValueError, OSError):
        return False
    return True
