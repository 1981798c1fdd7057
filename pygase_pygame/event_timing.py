"""When an event of the server reaches the loop: in the frame that draws its tick, or at once."""

from __future__ import annotations

import statistics
import threading
from collections import deque
from collections.abc import Callable, Collection
from typing import Any, Final, Literal, NamedTuple

EventMoment = Literal["with the view", "at once"]

MAX_WAITING_EVENTS: Final = 4096
"""Events that wait for their tick. Beyond it the oldest one waits no longer."""

NOT_DRAWING_AFTER: Final = 0.25
"""Seconds without a view after which events come at once: the game shows something else."""

_FRAMES: Final = 5
"""Frames whose median is the length of the next one: one long frame changes nothing."""

_LONGEST_FRAME: Final = 0.1
_USUAL_FRAME: Final = 1 / 60

_SLOWEST: Final = 0.8
_FASTEST: Final = 1.25
"""Bounds of the pace at which the view goes on. It follows the links, so the latest frame's pace is the next one's."""


class TickTime(NamedTuple):
    """The time of a tick, seconds of the server's clock; ``lasts``: nothing has changed since that tick."""

    time: float
    lasts: bool


class TimedEvent(NamedTuple):
    """An event of the server.

    :ivar tick: of the state that precedes it; None: unknown.
    :ivar moment: the time of that tick; None: unknown.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tick: int | None
    moment: TickTime | None


class EventTiming:
    """Holds the events of one session until the frame that draws their tick.

    A frame of a game takes pygame's events first and draws then. So an event is posted before the frame that is going
    to draw its tick: :meth:`note_frame` foresees what the next frame shows. Events of one type keep their order.

    :param post: posts an event, with the seconds by which it is late: its tick had been drawn before it arrived.
    :param time_of: returns the time of a tick, or None. Called on any thread.
    :param moment: "at once": no event waits.
    :param at_once: the types that never wait.
    :raises ValueError, TypeError: these two make no sense; the message says what was expected.
    """

    def __init__(
        self,
        post: Callable[[TimedEvent, float], None],
        time_of: Callable[[int], TickTime | None],
        moment: EventMoment = "with the view",
        at_once: Collection[str] = (),
    ) -> None:
        if moment not in ("with the view", "at once"):
            raise ValueError(f'events must be "with the view" or "at once", got {moment!r:.80}')
        if isinstance(at_once, str) or not all(isinstance(name, str) for name in at_once):
            raise TypeError(f'at_once must be a list of event types, such as ["CHAT"], got {at_once!r:.80}')
        self._post = post
        self._time_of = time_of
        self._never_waits = moment == "at once"
        self._at_once = frozenset(at_once)
        self._waiting: deque[TimedEvent] = deque()
        self._lock = threading.Lock()  # the network's thread adds events
        self._frames: deque[float] = deque([_USUAL_FRAME] * _FRAMES, _FRAMES)
        self._frame_at: float | None = None
        self._shown: float | None = None
        self._horizon: float | None = None
        """The moment that the next frame will show; None while nothing is drawn."""

    def __len__(self) -> int:
        """Return the number of events that wait."""
        return len(self._waiting)

    def add(self, name: str, args: tuple[Any, ...], kwargs: dict[str, Any], tick: int | None) -> None:
        """Take an event of the server; from any thread."""
        with self._lock:
            event = TimedEvent(name, args, kwargs, tick, None if tick is None else self._time_of(tick))
            if self._may_wait(event):
                self._waiting.append(event)
                if len(self._waiting) > MAX_WAITING_EVENTS:
                    self._let_go(self._waiting.popleft())
            else:
                self._let_go(event)

    def note_frame(self, shown: float | None, now: float) -> None:
        """A frame is drawn: post the events that belong to the next one.

        :param shown: the moment that the frame shows, seconds of the server's clock; None: no state yet.
        :param now: seconds of a clock that never goes back.
        """
        with self._lock:
            pace = 1.0
            if self._frame_at is not None:
                took = max(now - self._frame_at, 0.0)
                self._frames.append(min(took, _LONGEST_FRAME))
                if took and shown is not None and self._shown is not None:
                    pace = min(max((shown - self._shown) / took, _SLOWEST), _FASTEST)
            self._frame_at = now
            self._shown = shown
            self._horizon = None if shown is None else shown + pace * statistics.median(self._frames)
            self._post_due()

    def note_no_frame(self, now: float) -> None:
        """A frame draws something else: no event waits once no view was asked for some time."""
        if self._horizon is not None and self._frame_at is not None and now - self._frame_at > NOT_DRAWING_AFTER:
            self.release()

    def release(self) -> None:
        """Post everything that waits, and let nothing wait until the next frame with a view."""
        with self._lock:
            self._horizon = self._frame_at = None
            self._post_due()

    def _may_wait(self, event: TimedEvent) -> bool:
        if self._never_waits or event.name in self._at_once:
            return False
        return not self._is_due(event) or any(other.name == event.name for other in self._waiting)

    def _is_due(self, event: TimedEvent) -> bool:
        return self._horizon is None or event.moment is None or event.moment.time <= self._horizon

    def _post_due(self) -> None:
        kept: deque[TimedEvent] = deque()
        held: set[str] = set()
        for event in self._waiting:
            if event.name not in held and self._is_due(event):
                self._let_go(event)
            else:
                held.add(event.name)
                kept.append(event)
        self._waiting = kept

    def _let_go(self, event: TimedEvent) -> None:
        """Post an event. One of a world that rests is not late: it may have been sent at any moment since its tick."""
        late = 0.0
        if event.moment is not None and self._shown is not None and not event.moment.lasts:
            late = max(self._shown - event.moment.time, 0.0)
        self._post(event, late)
