"""The weights by which a game says what is urgent for clients that are short."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable, Mapping
from typing import Any

from .._diagnostics.log_lines import LogLines
from .._diagnostics.tracebacks import place_of
from .._state.priorities import Path, Priorities, check_weight
from ..errors import InvalidValue


def priorities_of(priority: Any, log: LogLines, is_debug: Callable[[], bool]) -> Priorities:
    """Check what a game gives as its priority: patterns and their weights, or a function.

    :param is_debug: returns whether an exception of the function is raised. Otherwise it is logged.
    :raises TypeError: the function cannot be called with (client_id, path, record).
    :raises InvalidValue: it is something else, or a pattern or a weight makes no sense.
    """
    if isinstance(priority, Mapping):
        return Priorities.parse(priority)
    if not callable(priority):
        raise InvalidValue(
            'priority must be a dict of paths and weights, such as {"ents.*": 1.0, "ents.{me}": 10.0}, or a function '
            f"of (client_id, path, record) that returns a weight, got {priority!r:.80}"
        )
    _check_parameters(priority)
    return Priorities({}, CheckedWeigh(priority, log, is_debug).weigh)


def _check_parameters(weigh: Callable[..., Any]) -> None:
    try:
        signature = inspect.signature(weigh)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(1, ("ents", 1), {})
    except TypeError as error:
        words = f"priority is called with (client_id, path, record); yours takes {signature}: {error}"
        raise TypeError(words) from None


class CheckedWeigh:
    """Asks a game's function for weights, and checks its answers. A thing without a proper answer weighs 1.0."""

    def __init__(self, weigh: Callable[..., Any], log: LogLines, is_debug: Callable[[], bool]) -> None:
        self._weigh = weigh
        self._log = log
        self._is_debug = is_debug
        self.called = f"the priority{place_of(weigh)}"

    def weigh(self, client_id: int, path: Path, record: Any) -> float:
        """Return the weight of a thing for a client."""
        try:
            weight = self._weigh(client_id, path, record)
            check_weight(weight, f"what {self.called} returned")
        except Exception as error:
            if self._is_debug():
                error.add_note(f"(raised by {self.called}, for client {client_id} and {path})")
                raise
            words = "%s, for client %d and %s: raised %r. The thing weighs 1.0"
            self._log.write(logging.ERROR, words, self.called, client_id, path, error, kind="priority", error=error)
            return 1.0
        return float(weight)
