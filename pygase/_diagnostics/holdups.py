"""Slow handlers and callbacks of a program, which hold up the network's thread.

While they run, nothing is received or sent: the state becomes old, and the other side may count this one as lost.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Final

from .log_lines import Late, LogLines
from .tracebacks import place_of

_FUNCTION_ADVICE: Final = (
    "let it put its arguments into a list or a queue.Queue, and do the work in the game's own loop (or in a thread)"
)
_COROUTINE_ADVICE: Final = (
    "write `await asyncio.sleep(...)` for time.sleep, and `await asyncio.to_thread(function)` for a long computation"
)


class Holdups:
    """Logs each call that takes longer than a limit, once a second for each function.

    :param log: receives the lines.
    :param limit: seconds.
    :param clock: returns the clock, a function that returns seconds.
    """

    __slots__ = ("_clock", "_limit", "_log")

    def __init__(self, log: LogLines, limit: float, clock: Callable[[], Callable[[], float]]) -> None:
        self._log = log
        self._limit = limit
        self._clock = clock

    def call(self, name: str, place: Callable[..., Any] | None, function: Callable[..., Any], *args: Any) -> Any:
        """Return ``function(*args)`` and measure it. If it returns a coroutine, its steps are measured as well.

        :param name: of the function in the log.
        :param place: the function whose file and line the log shows; None: no place.
        """
        clock = self._clock()
        began = clock()
        try:
            result = function(*args)
        finally:
            self._note(clock() - began, name, place, _FUNCTION_ADVICE)
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
        """Measure one step of a coroutine, to its next ``await``, in the same way."""
        clock = self._clock()
        began = clock()
        try:
            return function(*args)
        finally:
            self._note(clock() - began, name, place, _COROUTINE_ADVICE)


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
            except BaseException as error:  # an exception thrown in by the loop, such as CancelledError
                move, args = steps.throw, (error,)
