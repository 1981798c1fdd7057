"""When to tell the server what the player does."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pygase import RELIABLE

from .given import plain

DEFAULT_EVENT = "INPUT"
"""Event that carries the player's input, unless the game chooses another."""


class InputEvents:
    """Forwards inputs, in one of two ways by which no lost or overtaken datagram can leave a key stuck.

    Without a ``rate``: when the input is a new one, reliably and in order. Nothing is sent while nothing
    changes, and the shortest tap arrives. Right for keys.

    With a ``rate``: so many times a second whatever the input is then, unreliably; what is lost is made
    good by the next one. Taps between two of them are not seen. Right for what changes all the time, such
    as a mouse or a stick.

    :param dispatch: takes what ``Client.dispatch_event`` takes.
    :param rate: times a second, above 0; None: whenever the input changes.
    :param clock: returns seconds.
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
        """Start anew: the server at the other end knows nothing of our input."""
        self._sent: tuple[Any] | None = None
        self._due_at = -math.inf

    def send(self, state: Any) -> bool:
        """Forward an input if it is time to; True if it was. The state is copied."""
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
        # Counted from when it was due: so the rate is kept at any frame rate. After a pause, from now.
        self._due_at = self._due_at + interval if self._due_at + interval > now else now + interval
        return True
