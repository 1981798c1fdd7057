"""What holds up the thread of the network: a handler or a callback of the program that takes long.

Nothing is received or sent meanwhile, so the state grows old and the other side may take this one for lost.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

from .log_lines import Late, LogLines
from .tracebacks import place_of

_ADVICE: Final = (
    "let it put what arrived into a list or a queue.Queue, and do the work in the game's own loop (or in a thread)"
)
_ADVICE_FOR_COROUTINES: Final = (
    "write `await asyncio.sleep(...)` for time.sleep, and `await asyncio.to_thread(function)` for what computes long"
)


class Holdups:
    """Logs each call that takes longer than a limit, once a second for each function.

    :param log: where to; ``limit``: seconds.
    :param clock: returns the clock to measure by, seconds.
    """

    __slots__ = ("_clock", "_limit", "_log")

    def __init__(self, log: LogLines, limit: float, clock: Callable[[], Callable[[], float]]) -> None:
        self._log = log
        self._limit = limit
        self._clock = clock

    def call(self, name: str, place: Callable[..., Any] | None, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)``; a coroutine that it returns is watched as well.

        :param name: what a log calls it; ``place``: the function whose place a log shows, if there is any.
        """
        clock = self._clock()
        began = clock()
        try:
            result = function(*args)
        finally:
            self._note(clock() - began, name, place, _ADVICE)
        return _Steps(result, self, name, place) if hasattr(result, "__await__") else result

    def _note(self, took: float, name: str, place: Callable[..., Any] | None, advice: str) -> None:
        if took > self._limit:
            self._log.write(
                logging.WARNING,
                "%s%s took %.0f ms, and the network waited for it: %s",
                name,
                Late(lambda: place_of(place) if place is not None else ""),
                took * 1000,
                advice,
                kind=f"holds up {name}",
            )

    def step(self, name: str, place: Callable[..., Any] | None, function: Callable[..., Any], *args: Any) -> Any:
        """Return what one step of a coroutine does: it ends at its next ``await``."""
        clock = self._clock()
        began = clock()
        try:
            return function(*args)
        finally:
            self._note(clock() - began, name, place, _ADVICE_FOR_COROUTINES)


class _Steps:
    """An awaitable whose steps are measured one by one."""

    __slots__ = ("_awaitable", "_holdups", "_who")

    def __init__(
        self, awaitable: Awaitable[Any], holdups: Holdups, name: str, place: Callable[..., Any] | None
    ) -> None:
        self._awaitable = awaitable
        self._holdups = holdups
        self._who = name, place

    def __await__(self) -> Generator[Any, Any, Any]:
        steps: Any = self._awaitable.__await__()
        move: Any = steps.__next__
        args: tuple[Any, ...] = ()
        while True:
            try:
                waiting_for = self._holdups.step(*self._who, move, *args)
            except StopIteration as end:
                return end.value
            try:
                sent = yield waiting_for
                move, args = (steps.__next__, ()) if sent is None else (steps.send, (sent,))
            except BaseException as error:  # what the loop throws in, such as CancelledError, is the coroutine's
                move, args = steps.throw, (error,)
