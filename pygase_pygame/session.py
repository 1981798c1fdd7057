"""A player's connection to a game, for a pygame loop."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any, Final, Literal, Self

from pygase import (
    ANY_EVENT,
    CONNECTED,
    DISCONNECTED,
    EVENTS_LOST,
    RECONNECTED,
    RECONNECTING,
    Backend,
    Client,
    DisconnectReason,
    Happening,
    Interpolate,
    Predictor,
    SnapshotBuffer,
    WorldPrediction,
    WorldPredictor,
)

from . import guard
from .connect.reasons import explain
from .controls.input_events import DEFAULT_EVENT, InputEvents
from .controls.raw_input import check_input
from .event_timing import EventMoment
from .own_part import Prediction
from .own_ticks import OwnTicks
from .predicted import with_bodies
from .pygame_events import SessionEvents
from .session_happenings import SessionHappenings
from .state_feed import Check, StateFeed
from .view import View

Status = Literal["connecting", "connected", "reconnecting", "lost", "closed"]

SILENCE_REPORTED_AFTER: Final = 2.5
"""Seconds of the server's silence after which :attr:`Session.reason` reports it: two heartbeats are missing."""

_OF_THE_STATUS: Final = frozenset({RECONNECTING, RECONNECTED, EVENTS_LOST})
"""Events of the client that :attr:`Session.status` shows."""

_STANDS_AFTER: Final = 0.3
"""Seconds of silence after which it explains a predicted player who stands; before, the game loop may have paused."""

_CLOSE_TIMEOUT: Final = 1.0
"""Seconds that closing waits for the network's thread, a daemon that the program can end without."""


class Session:
    """A :class:`pygase.Client` in a render loop. Call :meth:`view` once a frame; everything else is optional.

    It never blocks. All methods belong to the main thread. :func:`join` and :func:`host` make sessions; if you make one
    yourself, you connect the client. As a context manager it closes itself.

    :param client: not connected yet, or just now.
    :param interpolate: paths (or :class:`pygase.Interpolate` rules) of the numbers that move smoothly; ``{me}`` in them
        is the client's own id.
    :param delay: seconds by which the view is behind the server. More hides more loss and jitter. None: measured, as
        little as the link allows.
    :param tick: seconds between the server's ticks. With it, :meth:`send_input` gives each tick one input, which the
        server's ``time_step`` receives as ``inputs``. Without it, inputs are events.
    :param predict: the player's own part of the game and its rules (:class:`Prediction`), or the whole world and its
        rules (:class:`pygase.WorldPrediction`). It is shown at once. Needs ``tick``.
    :param check: returns the fault of a game state, such as ``"its state has no 'ball'"``, or "". It is called with
        each state, before the game sees it. After a fault the session leaves the server; see :meth:`refuse`.
    :param events: when a SERVER_EVENT reaches the loop. "with the view": in the frame that draws its tick, so that a
        bang is heard when the explosion is seen. "at once": when it arrives, which is earlier by the view's delay.
    :param at_once: types of events that come at once, such as ``["CHAT"]``.
    :param happenings: types of events that :meth:`happenings` hands out, matched with what was predicted, instead of
        SERVER_EVENT. A dict gives each the ticks by which prediction and truth may differ; otherwise they are 3.
    :param input_event: type of the event that :meth:`send_input` dispatches.
    :param input_rate: inputs a second, sent unreliably; None: each change, reliably. See :meth:`send_input`.
    :param clock: the clock of ``Snapshot.received_at``, in seconds; another for virtual time.
    :param connect: called by :meth:`retry` to connect the client again.
    :param backend: the game that is served here; it ends with this session.
    :param address: the server's address in sentences.
    :raises ValueError: a parameter makes no sense; the message says which.
    """

    def __init__(
        self,
        client: Client,
        *,
        interpolate: Iterable[str | Interpolate] = (),
        delay: float | None = None,
        tick: float | None = None,
        predict: Prediction | WorldPrediction | None = None,
        check: Check | None = None,
        events: EventMoment = "with the view",
        at_once: Collection[str] = (),
        happenings: Collection[str] | Mapping[str, int] = (),
        input_event: str = DEFAULT_EVENT,
        input_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[], threading.Thread | None] | None = None,
        backend: Backend | None = None,
        address: str = "the server",
    ) -> None:
        if predict is not None and tick is None:
            raise ValueError("prediction needs tick=..., the seconds between the server's ticks, such as 1 / 60")
        if tick is not None and input_rate is not None:
            raise ValueError("input_rate is for input events; with tick=... there is one input for each tick")
        self.client = client
        self.backend = backend
        self.address = address
        self._clock = clock
        self._connect = connect
        whole = predict if isinstance(predict, WorldPrediction) else None
        self._feed = StateFeed(client, with_bodies(interpolate, whole), delay, check)
        self._inputs = InputEvents(client.dispatch_event, event_type=input_event, rate=input_rate, clock=clock)
        matched = SessionHappenings(client, happenings, tick, predicts=predict is not None)
        if whole is not None:
            matched.allow(whole.within)
        self._ticks = None if tick is None else OwnTicks(client, tick, predict, backend, matched.happenings)
        self._view_time: float | None = None  # of the last view: the picture that the player acted on
        self._events = SessionEvents(self, self._feed.time_of, events, at_once, matched)
        self._thread: threading.Thread | None = None
        self._connections = 0  # counted by the network's thread
        self._input_connection = 0  # the connection that the inputs belong to
        self._closed = False
        self._refusal = ""
        client.register_event_handler(ANY_EVENT, self._on_event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- once a frame

    def view(self, *, shared: bool = False) -> View:
        """Return the game state for this frame: interpolated, and empty before the first.

        :param shared: see :class:`View`.
        """
        self.poll()
        self._forget_earlier_connection()
        if self._refusal:
            return View({}, ready=False, shared=shared)
        now = self._clock()
        state = self.buffer.view(now=now)
        self._view_time = self.buffer.playback_time(now=now)
        self._events.timing.note_frame(self._view_time, now)
        if self._ticks is not None:
            self._ticks.reconcile(now=now)
            state = self._ticks.shown(state, now=now)
        return View(state, ready=self.buffer.newest is not None, shared=shared)

    def send_input(self, state: Any) -> bool:
        """Send the player's input, in each frame. Return whether something was sent.

        Without ``tick`` the server receives an event (``"INPUT"``, with the input as its argument), and its handler
        keeps the input until the next one. By default an input is sent after it has changed, reliably and in order, and
        again after a reconnect. No lost datagram leaves a key stuck, and the shortest tap arrives. With ``input_rate``
        it is sent at that rate, unreliably, for inputs that change all the time, such as a stick; taps between two of
        them are not seen. Nothing is sent without a connection.

        With ``tick`` each tick of the server's length has the input of its moment, and none is lost. A key that is
        pressed and released between two ticks counts for one tick. ``predict`` uses the same inputs.

        :param state: ``controls.take()``, or anything else that can be sent.
        :raises TypeError: it is ``pygame.key.get_pressed()``, an event of pygame, or the controls themselves; the
            message says what to write.
        """
        check_input(state)
        if not self.is_in_game:
            return False
        self._forget_earlier_connection()
        if self._ticks is None:
            return self._inputs.send(state)
        now = self._clock()
        return self._ticks.send(state, now=now, view_time=self._view_time)

    def happenings(self) -> list[Happening]:
        """Return the things that happened since the last call. Call it once a frame, after :meth:`view`.

        Each comes once: what the step of ``predict`` reports with ``tell("SHOT", x, y)``, in the frame of the key, and
        the server's events of the types in ``happenings=``, in the frame that draws their tick. The first argument of
        such an event is ``who``; a step's reports have :attr:`me` there. An event that was predicted does not come
        again. A prediction that was wrong comes a second time, with ``taken_back``: when the replay from a newer truth
        does not repeat it, or a second after the truth of its tick, if the server has sent no such event.
        """
        self._take_states()
        self._events.flush()
        return self._events.matched.take()

    def foretell(self, what: str, who: Any, *args: Any) -> None:
        """Report something that the picture shows before the server's event of the type ``what`` arrives.

        For what no step of ``predict`` reports, such as a ball that is drawn ahead of time. :meth:`happenings` hands it
        out once, and matches the server's event with it.
        """
        self._events.matched.foretell(what, who, args, None if self.prediction is None else self.prediction.number)

    @property
    def lead(self) -> float:
        """Seconds by which the player's predicted part is ahead of the rest of the view; 0.0 without prediction.

        For games in which the two meet, as a ball and a paddle: see docs/smoothness.md.
        """
        newest = self.buffer.newest
        if self._ticks is None or newest is None:
            return 0.0
        shown = self.buffer.shown_time(now=self._clock())
        return 0.0 if shown is None else max(newest.time + self._ticks.lead - shown, 0.0)

    @property
    def is_stalled(self) -> bool:
        """Whether the player's predicted part slows down or stands, since no inputs are confirmed.

        It begins after ``Prediction.max_ahead`` seconds without an answer, or somewhat later while the server's game
        loop pauses, and ends when a newer input is confirmed. False without prediction.
        """
        return self._ticks is not None and self.is_in_game and self._ticks.is_stalled

    @property
    def newest(self) -> Mapping[str, Any]:
        """The newest state received, not interpolated; empty before the first. Never change it.

        When a SERVER_EVENT is handled, this is the state of its tick or a later one.
        """
        self._take_states()
        return self._feed.newest

    @property
    def prediction(self) -> Predictor | WorldPredictor | None:
        """Predicts what ``predict`` names, and measures its ``errors``; None without prediction."""
        return None if self._ticks is None else self._ticks.predictor

    @property
    def predictor(self) -> Predictor | None:
        """Predicts the player's own part, and counts corrections; None without a :class:`Prediction`."""
        return self.prediction if isinstance(self.prediction, Predictor) else None

    @property
    def buffer(self) -> SnapshotBuffer:
        """Plays the states back; measures delay and stalls."""
        return self._feed.buffer

    def poll(self) -> None:
        """Take in everything that has arrived, as :meth:`view` does. Call it in frames that draw nothing."""
        self._take_states()
        if self.status == "lost":
            self._events.post_loss(self.reason)
        self._events.timing.note_no_frame(self._clock())
        self._events.flush()

    # -- the connection

    @property
    def me(self) -> int | None:
        """The player's id at the server, its ``client_id``; None before the connection stands."""
        return self.client.id

    @property
    def status(self) -> Status:
        """ "connecting", "connected", "reconnecting", "lost" (:attr:`reason` says why) or "closed" (by this program).

        While it is "reconnecting", the server does not answer, and the client tries to reach it again by itself. The
        view keeps the last state, and inputs and reliable events wait.
        """
        if self._closed:
            return "closed"
        if self._refusal:
            return "lost"
        if self.client.status == "connected":
            return "connected"
        if self.client.status == "reconnecting":
            return "reconnecting"
        reason = self.client.disconnect_reason
        if self.client.status == "connecting" or (reason is None and self.client.error is None):
            return "connecting"
        return "closed" if reason is DisconnectReason.CLOSED else "lost"

    @property
    def is_in_game(self) -> bool:
        """Whether the player takes part: the status is "connected" or "reconnecting"."""
        return self.status in ("connected", "reconnecting")

    @property
    def reason(self) -> str:
        """A sentence about the status; "" while connected to a server that answers."""
        status = self.status
        if status == "connecting":
            return f"Connecting to {self.address} …"
        if status == "closed":
            return "You have left the game."
        if status == "reconnecting":
            seconds = self.client.reconnecting_seconds_left or 0.0
            return f"No answer from {self.address}: reconnecting … {math.ceil(seconds)} s"
        if status == "connected":
            silence = self.client.stats.silence
            if silence < SILENCE_REPORTED_AFTER:
                stands = self.is_stalled and silence >= _STANDS_AFTER
                who = "Your player" if isinstance(self.prediction, Predictor) else "The game"
                return f"No answer from {self.address}. {who} waits for it." if stands else ""
            return f"Nothing has come from {self.address} for {silence:.0f} seconds. It may be gone, or the network."
        if self._refusal:
            return self._refusal
        return explain(self.client.disconnect_reason, self.client.disconnect_detail, self.client.error)

    def connect(self) -> None:
        """Begin to connect; :func:`join` and :func:`host` have done so.

        :raises RuntimeError: the session is closed, or was made without ``connect``.
        """
        if self._closed:
            raise RuntimeError("this session is closed; join again to get a new one")
        if self._connect is None:
            raise RuntimeError("this Session was made without connect=..., so connect its client yourself")
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT)  # of the previous connection, which is over or about to end
        self._events.begin_attempt()
        self._refusal = ""
        self._feed.expect()
        self._thread = self._connect()

    def retry(self) -> None:
        """Connect again if the connection is lost; otherwise do nothing.

        :raises RuntimeError: as :meth:`connect`.
        """
        if self.status == "lost":
            self.connect()

    def close(self) -> None:
        """Leave the game; a host ends it for everyone. The session keeps the last state."""
        if self._closed:
            return
        self._closed = True
        self.client.disconnect()
        if self.backend is not None:
            self.backend.shutdown()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT)

    # -- a server whose data make no sense

    @property
    def refusal(self) -> str:
        """Why this session has left a server whose data made no sense, or ""."""
        return self._refusal

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Leave the server if its data make the code within raise an exception: ``with session.guard(): ...``

        Put it around a frame's work with events, view and inputs. Then no server can end your program, whether it is of
        another version, of another game, or means harm. See :meth:`refuse`.

        Your own mistakes are not hidden: exceptions are raised as usual before the server has sent anything, at your
        own server (:func:`host`), and if the environment variable PYGASE_DEBUG is set or Python runs in development
        mode (``python -X dev``).
        """
        try:
            yield
        except Exception as error:
            if not self._refusal:
                self._mistrust(guard.described(error), error)

    def refuse(self, what: str) -> None:
        """Leave the server because its data make no sense.

        Then the status is "lost", :attr:`reason` is a sentence for the player, the view is empty, and :meth:`retry`
        connects again.

        :param what: the fault, as a part of that sentence: ``"its state has no 'ball'"``.
        """
        if self.status == "closed" or self._refusal:
            return
        self._refusal = guard.sentence(what)
        self.client.disconnect()
        self.buffer.reset()
        if self._ticks is not None:
            self._ticks.forget()
        self._events.post_loss(self._refusal)

    def _mistrust(self, what: str, error: Exception | None = None) -> None:
        """Leave the server, unless this program is at fault, or a programmer wants the exception."""
        if self.backend is not None or not self._has_data or guard.debug_wanted():
            raise error or ValueError(f"the server's state does not fit what `check` expects: {what}")
        guard.report(self.address, what, error)
        self.refuse(what)

    # -- inside

    def _forget_earlier_connection(self) -> None:
        """In a new connection, forget the inputs of the previous one."""
        if self._input_connection != self._connections:
            self._input_connection = self._connections
            self._inputs.forget()
            self._events.matched.forget()
            if self._ticks is not None:
                self._ticks.forget()

    @property
    def _has_data(self) -> bool:
        """Whether the server has sent anything that could mislead a game."""
        return self._feed.has_any or self._events.has_server_event

    def _take_states(self) -> None:
        if not self._refusal:
            fault = self._feed.take(self._connections)
            if fault:
                self._mistrust(fault)

    def _on_event(self, event_type: str, /, *args: Any, server_tick: int | None = None, **kwargs: Any) -> None:
        """Turn a client's event into one of pygame, on the network's thread."""
        if self._closed:
            return
        if event_type == CONNECTED:
            self._connections += 1
            self._events.post_connected()
        elif event_type == DISCONNECTED:
            self._on_disconnected(*args, **kwargs)
        elif event_type not in _OF_THE_STATUS:
            self._events.add_server_event(event_type, args, kwargs, server_tick)

    def _on_disconnected(self, reason: DisconnectReason, detail: str = "") -> None:
        if reason is not DisconnectReason.CLOSED:
            self._events.post_loss(explain(reason, detail, self.client.error))
