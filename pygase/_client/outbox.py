"""Events that wait for the connection."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from .._protocol.tickets import AckCallback

MAX_OUTBOX_EVENTS: Final = 1024
"""Most events that wait for the connection; the oldest unreliable ones make room."""


class OutgoingEvent(NamedTuple):
    payload: bytes
    retries: int
    ack_callback: AckCallback | None


class Outbox:
    """The events that a client has dispatched in one session, in their order; from any thread.

    :ivar on_put: called after each event. The session sets it.
    """

    def __init__(self) -> None:
        self.on_put: Callable[[], None] = lambda: None
        self._events: deque[OutgoingEvent] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._events)

    def check_room(self, others: int, most: int) -> None:
        """Refuse an event with retries while too many events wait.

        :param others: number of events in the connection; ``most``: bound on them and those here.
        :raises BufferError: the bound is reached.
        """
        waiting = len(self._events) + others
        if waiting >= most:
            raise BufferError(
                f"{waiting} events wait to be sent already; send fewer, or those that may get lost with retries=0"
            )

    def put(self, event: OutgoingEvent, *, connected: bool) -> None:
        """Before the connection stands, only the newest unreliable events are kept."""
        with self._lock:
            self._events.append(event)
            if len(self._events) > MAX_OUTBOX_EVENTS and not connected:
                self._drop_oldest_unreliable()
        self.on_put()

    def _drop_oldest_unreliable(self) -> None:
        for index, event in enumerate(self._events):
            if event.retries == 0:
                del self._events[index]
                return

    def take(self) -> OutgoingEvent | None:
        with self._lock:
            return self._events.popleft() if self._events else None

    def clear(self) -> None:
        with self._lock:
            self._events.clear()
