"""Tracebacks that show a program's own lines, and leave out the frames between them that belong to PyGaSe and asyncio.

A mistake of the program ends with a sentence that says what to do. The last line of code before that sentence should be
the program's own, and not the thirtieth line of an event loop.
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
"""Exceptions that need no frame of ours: the sentence says all there is to say, or there is nothing to say.
(NotImplementedError is about a method that the program has to write.)"""


class _ProgramLinesOnly:
    """A context manager that shortens the traceback of what passes through it, by :func:`program_lines`.

    The frame that has the ``with`` is left out, too: when ``__exit__`` returns False, the exception is raised again
    with the traceback that it has then, and Python adds no entry for the frame (CPython 3.11 to 3.13).
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
"""The context manager: ``with program_lines_only: ...``"""


def program_lines(error: BaseException) -> TracebackType | None:
    """Return an exception's traceback without the frames of PyGaSe and asyncio.

    An exception that begins in such a frame keeps all of them, since it may be a fault of ours. Exceptions are those
    that explain themselves: PyGaSe's own ones, what the checks of arguments raise, a method that the program has to
    write, and Ctrl-C.
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
    """Return the exception, now with the traceback that :func:`program_lines` returns: for ``exc_info=`` of a log."""
    return error.with_traceback(program_lines(error))


def place_of(function: Callable[..., Any]) -> str:
    """Return where a function is defined, such as ``" (game.py, line 12)"``; ``""`` if that is not known."""
    code = getattr(inspect.unwrap(getattr(function, "__func__", function)), "__code__", None)
    return f" ({os.path.basename(code.co_filename)}, line {code.co_firstlineno})" if code is not None else ""


def _explains_itself(error: BaseException, innermost: TracebackType) -> bool:
    return isinstance(error, _EXPLAINED) or innermost.tb_frame.f_globals.get("__name__") == "pygase.checks"


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _package(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__", "")).partition(".")[0]
