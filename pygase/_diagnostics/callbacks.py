"""Calls a program's callbacks."""

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
    """Call ``callback(*args)``, such as an event's ``ack_callback``, and log an exception.

    :param spawn: runs the coroutine of a callback that is a coroutine function.
    :param holdups: measures how long the callback takes.
    """
    try:
        result = holdups.call(f"callback {callback!r}", callback, callback, *args)
    except Exception as error:
        log.write(logging.ERROR, "callback %r raised %r", callback, error, kind="callback", error=error)
    else:
        if hasattr(result, "__await__"):
            spawn(log.watch(result, f"callback {callback!r}", "callback"))
