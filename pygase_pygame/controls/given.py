"""The player's input of a moment, copied for the network. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def latched(sent: Any, given: Any, state: Any) -> Any:
    """Return the input for the next tick, so that a key pressed and released between two ticks counts.

    A value that differs from the last one sent stays until it is sent, unless another new one replaces it.

    :param sent: the input of the last tick.
    :param given: the input for the next tick until now.
    :param state: the input of this moment.
    """
    if isinstance(state, dict):
        sent, given = (value if isinstance(value, dict) else {} for value in (sent, given))
        return {key: latched(sent.get(key, value), given.get(key, value), value) for key, value in state.items()}
    return given if state == sent and given is not None else state


def plain(value: Any) -> Any:
    """Return a copy in types that can be sent: dicts for mappings, lists for tuples."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
