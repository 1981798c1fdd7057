"""Numbers for events whose arrival is reported."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

AckCallback = Callable[..., Any]

MAX_TICKETS: Final = 16_384
"""Callbacks that one connection keeps. Unreliable events may never arrive, so the oldest callbacks make room."""


class Tickets:
    def __init__(self) -> None:
        self._next = 0
        self._callbacks: dict[int, AckCallback] = {}

    def issue(self, callback: AckCallback | None) -> int | None:
        if callback is None:
            return None
        self._next += 1
        self._callbacks[self._next] = callback
        if len(self._callbacks) > MAX_TICKETS:
            del self._callbacks[next(iter(self._callbacks))]
        return self._next

    def redeem(self, ticket: int) -> AckCallback | None:
        return self._callbacks.pop(ticket, None)
