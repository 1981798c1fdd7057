"""PyGaSe's log lines, limited in rate: a peer or a fast loop can cause thousands of equal lines a second."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable
from time import monotonic
from typing import Final

from .tracebacks import shortened

logger = logging.getLogger("pygase")

LINE_INTERVAL: Final = 1.0
"""Seconds between two lines of a kind: they show that it goes on, and take at most 360 KB an hour."""

MAX_KINDS: Final = 256
"""Most kinds that are remembered. Beyond it, new kinds within a second share a line."""

_OTHERS: Final = "others"


def _default_clock() -> float:
    return monotonic()


class LogLines:
    """Logs one line of a kind per second, and counts the others; the next line has their number. Each object that logs
    has its own; use any thread.

    :param clock: returns seconds and never steps back; None: ``monotonic`` of this module.
    """

    __slots__ = ("_clock", "_kinds")

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self._clock = clock or _default_clock
        self._kinds: dict[Hashable, tuple[float, int]] = {}
        """Kind → time of its latest line, and number of lines left out since then. Oldest first."""

    @property
    def kinds(self) -> int:
        return len(self._kinds)

    def write(
        self,
        level: int,
        message: str,
        *args: object,
        kind: Hashable = None,
        error: BaseException | None = None,
    ) -> None:
        """Log a line, unless one of its kind was logged within the last second.

        :param level: a level of ``logging``; ``message`` and ``args`` are those of ``logging``.
        :param kind: of the line; None: ``message``. A peer must not be able to choose it freely.
        :param error: an exception. Its type and place become part of the kind, and the first line has its traceback.
        """
        if not logger.isEnabledFor(level):
            return
        kind = (message if kind is None else kind, *_origin(error))
        first = kind not in self._kinds
        more = self.count(kind)
        if more is None:
            return
        if more:
            message, args = message + " (and %d more such lines left out)", (*args, more)
        logger.log(
            level, message, *args, exc_info=shortened(error) if first and error is not None else None, stacklevel=2
        )

    async def watch(self, awaitable: Awaitable[object], name: str, kind: Hashable = None) -> None:
        """Await something, and log its exception instead of raising it.

        :param name: of the awaitable in the log.
        :param kind: of the line; None: ``name``.
        """
        try:
            await awaitable
        except Exception as error:
            self.write(logging.ERROR, "%s raised %r", name, error, kind=kind or name, error=error)

    def count(self, kind: Hashable) -> int | None:
        """Count a line; return the number left out since the latest one, or None to leave this one out."""
        now = self._clock()
        logged_at, left_out = self._kinds.get(kind, (-LINE_INTERVAL, 0))
        if now < logged_at + LINE_INTERVAL:
            self._kinds[kind] = logged_at, left_out + 1
            return None
        if kind not in self._kinds and len(self._kinds) >= MAX_KINDS:
            oldest = next(iter(self._kinds))
            if kind != _OTHERS and now < self._kinds[oldest][0] + LINE_INTERVAL:
                return self.count(_OTHERS)
            del self._kinds[oldest]
        self._kinds.pop(kind, None)  # to the end
        self._kinds[kind] = now, 0
        return left_out


class Late:
    """A part of a log line that is made only if the line is written."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def __str__(self) -> str:
        return self._make()


def _origin(error: BaseException | None) -> tuple[Hashable, ...]:
    """Return the type of an error, and the file and line that raised it."""
    if error is None:
        return ()
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else ()
    return type(error), *where
