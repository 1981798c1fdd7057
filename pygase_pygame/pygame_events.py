"""Events of the server and of the connection, as pygame events on the main thread."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Final

import pygame

from .event_timing import EventMoment, EventTiming, TickTime, TimedEvent
from .session_happenings import Report, SessionHappenings

SERVER_EVENT: Final[int] = pygame.event.custom_type()
"""Type of a pygame event: the server sent an event. It has ``name``, ``args`` (a tuple), ``kwargs`` (a dict) and
``session``.

It also has ``tick``, the ``Snapshot.tick`` of the state that precedes it, and ``time``, that tick's time in seconds of
the server's clock; None if they are not known. ``late`` is 0.0, or the seconds by which its tick had been drawn before
it arrived."""

CONNECTED: Final[int] = pygame.event.custom_type()
"""Type of a pygame event: the connection is up, for the first time or again. It has ``session``."""

LOST: Final[int] = pygame.event.custom_type()
"""Type of a pygame event: the connection ended, or none was made. It has ``session``, and ``reason``, a sentence for
the player."""

MAX_UNPOSTED_EVENTS: Final = 4096
"""Events kept while pygame takes none: its queue is full, or there is no display yet."""

_logger = logging.getLogger(__name__)


class PygameQueue:
    """Posts events to pygame from any thread, in order, and keeps those that wait."""

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
            if len(self._waiting) > MAX_UNPOSTED_EVENTS:
                self._waiting.popleft()
                self._report_drops()
        self.flush()

    def flush(self) -> None:
        """Post waiting events until pygame takes no more. Call it once a frame."""
        with self._lock:
            while self._waiting:
                try:
                    # False means that the game has blocked this type, so it does not want the event.
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
                MAX_UNPOSTED_EVENTS,
            )


class SessionEvents:
    """Posts the events of one session, from any thread.

    :param session: the events' ``session``.
    :param time_of, moment, at_once: see :class:`EventTiming`.
    :param matched: takes the events that ``Session.happenings`` hands out.
    :ivar timing: holds events of the server until their tick is drawn.
    :ivar has_server_event: whether the server has dispatched an event in this attempt.
    """

    def __init__(
        self,
        session: object,
        time_of: Callable[[int], TickTime | None],
        moment: EventMoment,
        at_once: Collection[str],
        matched: SessionHappenings,
    ) -> None:
        self._session = session
        self.matched = matched
        self.timing = EventTiming(self._post_server_event, time_of, moment, at_once)
        self._queue = PygameQueue()
        self._lock = threading.Lock()  # for `_has_posted_loss`, which the network's thread and the main thread change
        self._has_posted_loss = False
        self.has_server_event = False

    def flush(self) -> None:
        """Let the events that :attr:`matched` took go their way, and pygame's as in :meth:`PygameQueue.flush`."""
        for report in self.matched.unconfirming():
            self.timing.add(report.name, report.args, report.kwargs, report.tick)
        self._queue.flush()

    def begin_attempt(self) -> None:
        """Begin an attempt to connect: a loss will be posted, and the server has sent nothing."""
        self.has_server_event = False
        self._expect_loss()

    def post_connected(self) -> None:
        """Post CONNECTED, after the events of an earlier connection that still wait."""
        self.timing.release()
        self._expect_loss()
        self._post(CONNECTED)

    def post_loss(self, reason: str) -> None:
        """Post LOST, once for each connection, after all its events."""
        with self._lock:
            posted, self._has_posted_loss = self._has_posted_loss, True
        if not posted:
            self.timing.release()
            self._post(LOST, reason=reason)

    def add_server_event(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], tick: int | None) -> None:
        """Post SERVER_EVENT when its tick is drawn, unless the session matches events of this type."""
        self.has_server_event = True
        if name in self.matched.types:
            self.matched.add(Report(name, args, kwargs, tick))
            return
        self.timing.add(name, args, kwargs, tick)

    def _post_server_event(self, event: TimedEvent, late: float) -> None:
        if event.name in self.matched.types:
            self.matched.add_drawn(Report(event.name, event.args, event.kwargs, event.tick, late))
            return
        time = None if event.moment is None else event.moment.time
        fields = {"name": event.name, "args": event.args, "kwargs": event.kwargs}
        self._post(SERVER_EVENT, **fields, tick=event.tick, time=time, late=late)

    def _expect_loss(self) -> None:
        with self._lock:
            self._has_posted_loss = False

    def _post(self, event_type: int, **attributes: Any) -> None:
        self._queue.post(pygame.event.Event(event_type, session=self._session, **attributes))
