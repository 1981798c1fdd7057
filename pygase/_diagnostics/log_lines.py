"""PyGaSe's log: a peer or a fast loop can make the same thing happen thousands of times a second, and no log may grow
with that.

Whatever can happen that often is logged by a :class:`LogLines`: one line of a kind and a second; the rest is counted,
and the next line of the kind says how many there were.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Final

from .tracebacks import shortened

logger = logging.getLogger("pygase")

PAUSE: Final = 1.0
"""Seconds between two lines of a kind: often enough to see that it goes on, and 360 KB an hour at most."""

MAX_KINDS: Final = 256
"""Kinds that are told apart; a bound on what is remembered. Beyond it, kinds of this second share a line."""

_OTHERS: Final = "others"


class LogLines:
    """Logs one line of a kind and a second, and counts the rest. One for each object that logs; from any thread.

    :param clock: seconds, any clock that never goes back.
    """

    __slots__ = ("_clock", "_kinds")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kinds: dict[Hashable, tuple[float, int]] = {}
        """Kind → when it was logged last, and how often it has happened since. Oldest first."""

    def write(
        self,
        level: int,
        message: str,
        *args: object,
        kind: Hashable = None,
        error: BaseException | None = None,
    ) -> None:
        """Log a line, unless there was one of its kind within the last second.

        :param level: a level of ``logging``; ``message`` and ``args``: as there.
        :param kind: lines of one kind are one; ``message`` if None. Nothing that a peer can choose freely.
        :param error: what was raised. Where and of which type is part of the kind, and the first line of a kind has
            the traceback.
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
        """Await something; what it raises is logged as what ``name`` has raised, and goes no further.

        :param kind: ``name`` if None; see :meth:`write`.
        """
        try:
            await awaitable
        except Exception as error:
            self.write(logging.ERROR, "%s raised %r", name, error, kind=kind or name, error=error)

    def count(self, kind: Hashable) -> int | None:
        """Count something that would be a line; return how many were left out since the last one, or None if this is
        to be left out, too.
        """
        now = self._clock()
        logged_at, left_out = self._kinds.get(kind, (-PAUSE, 0))
        if now < logged_at + PAUSE:
            self._kinds[kind] = logged_at, left_out + 1
            return None
        if kind not in self._kinds and len(self._kinds) >= MAX_KINDS:
            oldest = next(iter(self._kinds))
            if kind != _OTHERS and now < self._kinds[oldest][0] + PAUSE:
                return self.count(_OTHERS)
            del self._kinds[oldest]
        self._kinds.pop(kind, None)  # to the end
        self._kinds[kind] = now, 0
        return left_out


class Late:
    """Words for a log line that are made only if the line is written."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[], str]) -> None:
        self._make = make

    def __str__(self) -> str:
        return self._make()


def _origin(error: BaseException | None) -> tuple[Hashable, ...]:
    """Return of which type an error is, and which line of code has raised it."""
    if error is None:
        return ()
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = (trace.tb_frame.f_code.co_filename, trace.tb_lineno) if trace is not None else ()
    return type(error), *where
