"""Tracebacks with a program's own lines only.

A program's mistake ends with a sentence that says what to do. The last line of code before it should be the program's
own, not the thirtieth line of an event loop.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final

from ..errors import PygaseError

_NOT_THE_PROGRAMS: Final = frozenset({"pygase", "asyncio", "concurrent", "selectors", "threading"})
"""Packages whose frames are left out."""

_EXPLAINED: Final = (PygaseError, NotImplementedError, KeyboardInterrupt)
"""Exceptions that need no frame of PyGaSe: their sentence is complete, or none is needed. (NotImplementedError names a
method that the program has to write.)"""


_CHECKS: Final = frozenset({"pygase.addresses", "pygase.checks", "pygase.names"})
"""Modules whose errors are about a program's arguments, and explain themselves."""


class _ProgramLinesOnly:
    """A context manager that shortens the traceback of an exception by :func:`program_lines`.

    The frame of the ``with`` is also left out: when ``__exit__`` returns False, Python raises the exception with its
    new traceback and adds no entry for that frame (CPython 3.11 to 3.13).
    """

    __slots__ = ()

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is not None:
            error.__traceback__ = program_lines(error)


program_lines_only: Final = _ProgramLinesOnly()
"""``with program_lines_only: ...``"""


def program_lines(error: BaseException) -> TracebackType | None:
    """Return an exception's traceback without the frames of PyGaSe and asyncio.

    An exception that was raised in such a frame keeps all frames, since it may be a fault of PyGaSe, unless it explains
    itself: an exception of PyGaSe, one of an argument's check, a NotImplementedError, or Ctrl-C.
    """
    entries = list(_entries(error.__traceback__))
    own = [entry for entry in entries if _package(entry) not in _NOT_THE_PROGRAMS]
    if entries and (not own or entries[-1] is not own[-1]) and not _explains_itself(error, entries[-1]):
        return error.__traceback__
    shortened: TracebackType | None = None
    for entry in reversed(own):
        shortened = TracebackType(shortened, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    return shortened


def shortened(error: BaseException) -> BaseException:
    """Give an exception the traceback of :func:`program_lines`, and return it: for ``exc_info=`` of a log."""
    return error.with_traceback(program_lines(error))


def place_of(function: Callable[..., Any]) -> str:
    """Return the place of a function's definition, such as ``" (game.py, line 12)"``; ``""`` if it is unknown."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    return f" ({os.path.basename(code.co_filename)}, line {code.co_firstlineno})" if code is not None else ""


def _explains_itself(error: BaseException, innermost: TracebackType) -> bool:
    return isinstance(error, _EXPLAINED) or innermost.tb_frame.f_globals.get("__name__") in _CHECKS


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _package(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
