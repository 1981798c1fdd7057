"""What the server says, as pygame events on the main thread.

- ``SERVER_EVENT``: the server dispatched an event; it has ``name``, ``args`` (a tuple) and ``kwargs`` (a
dict).
- ``CONNECTED``: the connection is up (again).
- ``LOST``: it came to an end, or none came about; ``reason`` is a sentence to be shown to the player.

Each also has ``session``, for programs with more than one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from typing import Final

import pygame

SERVER_EVENT: Final[int] = pygame.event.custom_type()
"""Type of a pygame event: the server sent an event. It has ``name``, ``args`` (a tuple) and ``kwargs`` (a dict)."""

CONNECTED: Final[int] = pygame.event.custom_type()
"""Type of a pygame event: the connection is up, for the first time or again."""

LOST: Final[int] = pygame.event.custom_type()
"""Type of a pygame event: the connection ended, or none was made. ``reason`` is a sentence for the player."""

MAX_WAITING_EVENTS: Final = 4096
"""Most events kept while pygame takes none: its queue is full, or there is no display yet."""

_logger = logging.getLogger(__name__)


class Outbox:
    """Posts events to pygame from any thread, in order, and keeps those that pygame cannot take yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: deque[pygame.event.Event] = deque()
        self._has_warned = False

    def __len__(self) -> int:
        return len(self._waiting)

    def post(self, event: pygame.event.Event) -> None:
        """Post an event after those that still wait."""
        with self._lock:
            self._waiting.append(event)
            if len(self._waiting) > MAX_WAITING_EVENTS:
                self._waiting.popleft()
                self._report_drops()
        self.flush()

    def flush(self) -> None:
        """Post what waits, as far as pygame takes it: call it once per frame."""
        with self._lock:
            while self._waiting:
                try:
                    # False means that the game has blocked this type: then it does not want to hear of it.
                    pygame.event.post(self._waiting[0])
                except pygame.error:
                    return
                self._waiting.popleft()

    def _report_drops(self) -> None:
        if not self._has_warned:
            self._has_warned = True
            _logger.warning(
                "pygame takes no events, and more than %d of the server's are waiting: dropping the oldest. "
                "Does the game call pygame.event.get() in each frame?",
                MAX_WAITING_EVENTS,
            )
