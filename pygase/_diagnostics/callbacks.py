"""Calls the functions that a program gives PyGaSe to be called later, such as an event's ``ack_callback``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any

from .holdups import Holdups
from .log_lines import LogLines


def call_back(
    spawn: Callable[[Coroutine[Any, Any, Any]], None],
    log: LogLines,
    holdups: Holdups,
    callback: Callable[..., Any],
    *args: Any,
) -> None:
    """Call ``callback(*args)``, and log what it raises.

    :param spawn: runs the coroutine that the callback returns, if it is a coroutine function.
    """
    try:
        result = holdups.call(f"callback {callback!r}", callback, callback, *args)
    except Exception as error:
        log.write(logging.ERROR, "callback %r raised %r", callback, error, kind="callback", error=error)
    else:
        if hasattr(result, "__await__"):
            spawn(log.watch(result, f"callback {callback!r}", "callback"))
