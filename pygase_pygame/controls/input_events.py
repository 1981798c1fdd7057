"""The player's input as events: after each change, or at a fixed rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pygase import RELIABLE

from .given import plain

DEFAULT_EVENT = "INPUT"
"""Event that carries the input, unless the game chooses another."""


class InputEvents:
    """Sends inputs as :meth:`pygase_pygame.Session.send_input` describes.

    :param dispatch: has the parameters of ``Client.dispatch_event``.
    :param rate: times a second, above 0; None: after each change.
    :param clock: returns seconds.
    :raises ValueError: ``rate`` is not above 0.
    """

    def __init__(
        self,
        dispatch: Callable[..., object],
        *,
        event_type: str = DEFAULT_EVENT,
        rate: float | None = None,
        clock: Callable[[], float],
    ) -> None:
        if rate is not None and not 0 < rate < math.inf:
            raise ValueError(f"input_rate must be a number of inputs a second above 0, or None, not {rate!r}")
        self._dispatch = dispatch
        self._event_type = event_type
        self._interval = None if rate is None else 1 / rate
        self._clock = clock
        self.forget()

    def forget(self) -> None:
        """Begin a new connection: the server has no input yet."""
        self._sent: tuple[Any] | None = None
        self._due_at = -math.inf

    def send(self, state: Any) -> bool:
        """Send a copy of the input if it is due; return whether it was."""
        if self._interval is not None:
            return self._send_on_time(state, self._interval)
        if self._sent is not None and self._sent[0] == state:
            return False
        copy = plain(state)
        if self._sent is not None and self._sent[0] == copy:
            return False
        self._dispatch(self._event_type, copy, retries=RELIABLE)
        self._sent = (copy,)
        return True

    def _send_on_time(self, state: Any, interval: float) -> bool:
        now = self._clock()
        if now < self._due_at:
            return False
        self._dispatch(self._event_type, plain(state))
        # Counted from the due time, so that the rate is exact at any frame rate; after a pause, from now.
        self._due_at = self._due_at + interval if self._due_at + interval > now else now + interval
        return True
