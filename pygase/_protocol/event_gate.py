"""State before events: the client delivers an event when it has the state that precedes it.

The server writes into each event the newest tick that had changed something when it was queued. That state, or a later
one, usually lies in the same datagram. If not (lost, overtaken, too large), the event waits here for a moment.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final, NamedTuple

from .sequence import unwrap
from .wire import AFTER

FIRST_STATE_PATIENCE: Final = 5.0
"""Most seconds that an event waits for the first state. It may be large, and a handler would find no state at all."""

LARGE_STATE_BYTES: Final = 64 * 1024
"""No event waits for a larger state. So a player who joins a large world gets events at once."""

MAX_WAITING_BYTES: Final = 512 * 1024
"""Beyond it the oldest events wait no longer, since a server must not fill the client's memory."""

_EVENT_BYTES: Final = 256
"""Approximate size of an event without its payload."""


Released = tuple[bytes, int]
"""An event, and the tick of the state that precedes it; 0: unknown, since there is no state."""


class _Waiting(NamedTuple):
    after: int
    payload: bytes
    since: float


class EventGate:
    """Holds events until their state has arrived.

    :param patience: most seconds that an event waits, once there is a state.
    """

    __slots__ = ("_arrived", "_newest_tick", "_patience", "_waiting", "held_bytes", "hurried", "next_at")

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._newest_tick = 0
        self._arrived: list[bytes] = []
        self._waiting: deque[_Waiting] = deque()
        self.held_bytes = 0
        self.hurried = False
        """True while a large state is under way."""
        self.next_at = math.inf
        """When the patience with some event ends, or an earlier time."""

    def add(self, body: bytes) -> bool:
        """Return False if the body is cut off. :meth:`release` decides whether the event waits."""
        if len(body) < AFTER.size:
            return False
        self._arrived.append(body)
        return True

    @property
    def is_empty(self) -> bool:
        return not (self._arrived or self._waiting)

    def release(self, newest_tick: int, now: float) -> list[Released]:
        """Return the events that need not wait any longer, in the order of their arrival.

        :param newest_tick: 0: no state yet.
        """
        patience = self._patience if newest_tick else FIRST_STATE_PATIENCE
        released: list[Released] = []
        if newest_tick != self._newest_tick or self.hurried or now >= self.next_at:
            self._newest_tick = newest_tick
            released += self._look_at_waiting(patience, now)
        for body in self._arrived:
            after, payload = AFTER.unpack_from(body)[0], body[AFTER.size :]
            if self.hurried or self._is_here(after):
                released.append((payload, self._tick(after)))
            else:
                self._waiting.append(_Waiting(after, payload, now))
                self.held_bytes += len(payload) + _EVENT_BYTES
                self.next_at = min(self.next_at, now + patience)
        self._arrived.clear()
        while self.held_bytes > MAX_WAITING_BYTES:
            released.append(self._forget(self._waiting.popleft()))
        return released

    def _is_here(self, after: int) -> bool:
        return bool(self._newest_tick) and (after - self._newest_tick) & 0xFFFF not in _AHEAD

    def _look_at_waiting(self, patience: float, now: float) -> list[Released]:
        released: list[Released] = []
        kept: deque[_Waiting] = deque()
        for event in self._waiting:
            if self.hurried or now >= event.since + patience or self._is_here(event.after):
                released.append(self._forget(event))
            else:
                kept.append(event)
        self._waiting = kept
        self.next_at = kept[0].since + patience if kept else math.inf
        return released

    def _forget(self, event: _Waiting) -> Released:
        self.held_bytes -= len(event.payload) + _EVENT_BYTES
        return event.payload, self._tick(event.after)

    def _tick(self, after: int) -> int:
        return unwrap(after, self._newest_tick) if self._newest_tick else 0

    def release_all(self) -> list[Released]:
        arrived = [(body[AFTER.size :], AFTER.unpack_from(body)[0]) for body in self._arrived]
        waiting = [(event.payload, event.after) for event in self._waiting]
        released = [(payload, self._tick(after)) for payload, after in waiting + arrived]
        self._waiting.clear()
        self._arrived.clear()
        self.held_bytes, self.next_at = 0, math.inf
        return released


_AHEAD: Final = range(1, 0x8000)
