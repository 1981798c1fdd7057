"""A server whose data a game cannot use ends the session with a sentence, not the program with an exception.

A game that reads ``view.players[me]["x"]`` raises ``KeyError`` if the server sent no such value. See
:meth:`pygase_pygame.Session.guard`.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback

from pygase import clean_line

_logger = logging.getLogger(__name__)

MAX_SHOWN = 160
"""Characters of the fault that are shown. The server may have written some."""


def debug_wanted() -> bool:
    """Return whether exceptions are wanted: by PYGASE_DEBUG, or by Python's development mode."""
    return os.environ.get("PYGASE_DEBUG", "") not in ("", "0") or sys.flags.dev_mode


def sentence(what: str) -> str:
    """Return the sentence for the player.

    :param what: the fault, such as ``"its state has no 'ball'"``.
    """
    short = clean_line(what, MAX_SHOWN).rstrip(". ")
    return f"This server does not fit the game: {short}. Perhaps it runs another version of the game, or another game."


def described(error: Exception) -> str:
    """Return an exception and its line as a part of a sentence."""
    raised = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" in {os.path.basename(raised[0].filename)}, line {raised[0].lineno}" if raised else ""
    kind = type(error).__name__
    return f"what it sends led to {kind}{where} ({error})" if str(error) else f"what it sends led to {kind}{where}"


def report(address: str, what: str, error: Exception | None) -> None:
    """Log the fault in one line, and its traceback at level DEBUG."""
    _logger.warning(
        "left the server at %s: %s. With PYGASE_DEBUG=1 this is raised instead", address, clean_line(what, MAX_SHOWN)
    )
    if error is not None:
        _logger.debug("the traceback of that", exc_info=error)
