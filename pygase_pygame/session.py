"""A player's connection to a game, in the form that a pygame loop wants it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Literal, Self

import pygame

from pygase import ANY_EVENT, Backend, Client, DisconnectReason, Interpolate, Predictor, Snapshot, SnapshotBuffer
from pygase import CONNECTED as CLIENT_IS_CONNECTED
from pygase import DISCONNECTED as CLIENT_IS_DISCONNECTED

from . import guard, pygame_events
from .connect.reasons import explain
from .controls.input_events import DEFAULT_EVENT, InputSender
from .moving import PathWatch
from .own_ticks import OwnTicks, Prediction
from .view import View

Status = Literal["connecting", "connected", "lost", "closed"]

_WORRIED_AFTER = 2.5
"""Seconds of the server's silence after which the player is told: two heartbeats that did not come."""

_STANDS_AFTER = 0.3
"""Seconds of silence after which it is the reason that a predicted player stands, and not a game loop that does."""

_CLOSE_TIMEOUT = 1.0
"""Seconds that closing waits for the network's thread, which is a daemon and holds up nobody's exit."""


class Session:
    """A :class:`pygase.Client` in a render loop: call :meth:`view` once per frame, the rest is as you like.

    Never blocks, and never takes over the loop. All methods belong to the main thread. Usually made by
    :func:`join` or :func:`host`; made directly, the client is yours to connect. As a context manager it
    closes itself.

    :param client: not connected yet, or just now.
    :param interpolate: paths (or :class:`pygase.Interpolate` rules) of the numbers that shall move smoothly.
    :param delay: seconds that the view stays behind the server; more hides more loss and jitter. None: as little as the
        link allows, found out all the time.
    :param tick: seconds between the server's ticks. If given, :meth:`send_input` gives one input to each tick, which
        the server's ``time_step`` gets as ``inputs``; else it dispatches events.
    :param predict: what of the game is the player's own, and the rules for it: it is shown at once, without waiting for
        the server. Only together with ``tick``.
    :param check: function of a game state that returns what is wrong with it, such as ``"its state has no 'ball'"``, or
        "" if all is well. It is called with each state that arrives, before the game sees it. A server that sends
        another is left; see :meth:`refuse`.
    :param input_event: type of the event that :meth:`send_input` dispatches.
    :param input_rate: inputs a second, sent unreliably; None: each change, reliably. See :meth:`send_input`.
    :param clock: the clock of ``Snapshot.received_at``, in seconds; another one for tests in virtual time.
    :param connect: called by :meth:`retry` to connect the client again.
    :param backend: what is served in the background here, and ends with this session.
    :param address: what to call the server's address in sentences.
    :raises ValueError: an argument makes no sense; the message says which, and what would.
    """

    def __init__(
        self,
        client: Client,
        *,
        interpolate: Iterable[str | Interpolate] = (),
        delay: float | None = None,
        tick: float | None = None,
        predict: Prediction | None = None,
        check: Callable[[Mapping[str, Any]], str] | None = None,
        input_event: str = DEFAULT_EVENT,
        input_rate: float | None = None,
        clock: Callable[[], float] = time.monotonic,
        connect: Callable[[], threading.Thread | None] | None = None,
        backend: Backend | None = None,
        address: str = "the server",
    ) -> None:
        self.client = client
        self.backend = backend
        self.address = address
        self._clock = clock
        self._connect = connect
        self._check = check
        rules = (interpolate,) if isinstance(interpolate, (str, Interpolate)) else tuple(interpolate)
        self._buffer = SnapshotBuffer(rules, delay=delay)
        self._paths = PathWatch(rules)
        self._inputs = InputSender(client.dispatch_event, event_type=input_event, rate=input_rate, clock=clock)
        if predict is not None and tick is None:
            raise ValueError("prediction needs tick=..., the seconds between the server's ticks, such as 1 / 60")
        if tick is not None and input_rate is not None:
            raise ValueError("input_rate is for input events; with tick=... there is one input for each tick")
        self._ticks = None if tick is None else OwnTicks(client, tick, predict, self._own_interval)
        self._view_time: float | None = None  # of the latest view: what the player saw when acting
        self._outbox = pygame_events.Outbox()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()  # for `_loss_told`, which both threads change
        self._loss_told = False
        self._connections = 0  # counted by the network's thread; the main one compares it with what it knows:
        self._shown_connection = 0
        self._steered_connection = 0
        self._last_taken: Snapshot | None = None
        self._closed = False
        self._refusal = ""
        self._heard = False  # whether the server has sent anything yet that could mislead a game
        client.register_event_handler(ANY_EVENT, self._on_event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- once per frame

    def view(self, *, shared: bool = False) -> View:
        """Return the game state for this frame: interpolated, and empty before the first one has arrived.

        :param shared: do not copy what is read, and change nothing in it; see :class:`View`.
        """
        self.poll()
        self._forget_earlier_connection()
        if self._refusal:
            return View({}, ready=False, shared=shared)
        now = self._clock()
        state = self._buffer.view(now=now)
        self._view_time = self._buffer.playback_time(now=now)
        if self._ticks is not None:
            self._ticks.reconcile(now=now)
            state = self._ticks.shown(state, now=now)
        return View(state, ready=self._buffer.newest is not None, shared=shared)

    def send_input(self, state: Any) -> bool:
        """Tell the server what the player does; call it in each frame. True if something was sent.

        The server gets an event (``"INPUT"``, with the state as its argument), whose handler keeps the state
        until the next one. By default it is sent when it says something new, reliably and in order, and again
        after a reconnect: no lost datagram leaves a key stuck, and the shortest tap arrives. With
        ``input_rate`` it is sent at that rate, unreliably, for what changes all the time. Nothing is sent
        without a connection.

        With ``tick`` it is no event: each tick of the server's length gets the state of that moment as its input, and
        none is lost. What was pressed and let go again between two ticks counts for one. It is also what
        ``predict`` goes by.

        :param state: ``controls.take()``, or whatever else can be sent.
        """
        if self.status != "connected":
            return False
        self._forget_earlier_connection()
        if self._ticks is None:
            return self._inputs.send(state)
        now = self._clock()
        return self._ticks.send(state, now=now, view_time=self._view_time)

    @property
    def lead(self) -> float:
        """How many seconds the player's own, predicted part is ahead of the rest of the view; 0.0 without prediction.

        For games in which the two meet, as a ball and a paddle: see docs/smoothness.md.
        """
        newest = self._buffer.newest
        if self._ticks is None or newest is None:
            return 0.0
        shown = self._buffer.shown_time(now=self._clock())
        return 0.0 if shown is None else max(newest.time + self._ticks.lead - shown, 0.0)

    @property
    def is_stalled(self) -> bool:
        """Whether the player's own, predicted part slows down or stands, since the server confirms no inputs any more.

        After ``Prediction.max_ahead`` seconds without an answer; or after some more while the server's game loop stands
        still. It ends as soon as the server has confirmed a newer input. False without prediction.
        """
        return self._ticks is not None and self.status == "connected" and self._ticks.is_stalled

    @property
    def newest(self) -> Mapping[str, Any]:
        """The newest state received, as it came: empty before the first. Read it, never change it.

        A SERVER_EVENT finds the state of its tick here, or a later one. (In :meth:`view` that state is shown after the
        interpolation delay.)
        """
        self._take_snapshots()
        newest = self._buffer.newest
        return {} if newest is None else newest.state

    @property
    def predictor(self) -> Predictor | None:
        """What predicts, with its figures (corrections, errors); None if nothing is predicted."""
        return None if self._ticks is None else self._ticks.predictor

    @property
    def buffer(self) -> SnapshotBuffer:
        """What plays the states back, with its figures (delay, stalls)."""
        return self._buffer

    def poll(self) -> None:
        """Take in what has arrived. :meth:`view` does that; call it yourself in frames that draw nothing."""
        self._take_snapshots()
        if self.status == "lost":
            self._tell_loss(self.reason)
        self._outbox.flush()

    # -- the connection

    @property
    def status(self) -> Status:
        """ "connecting", "connected", "lost" (:attr:`reason` says why) or "closed" (by this program)."""
        if self._closed:
            return "closed"
        if self._refusal:
            return "lost"
        if self.client.status == "connected":
            return "connected"
        reason = self.client.disconnect_reason
        if self.client.status == "connecting" or (reason is None and self.client.error is None):
            return "connecting"
        return "closed" if reason is DisconnectReason.CLOSED else "lost"

    @property
    def reason(self) -> str:
        """A plain sentence about the status, fit for the screen; "" while connected and the server answers."""
        status = self.status
        if status == "connecting":
            return f"Connecting to {self.address} …"
        if status == "closed":
            return "You have left the game."
        if status == "connected":
            silence = self.client.stats.silence
            if silence < _WORRIED_AFTER:
                stands = self.is_stalled and silence >= _STANDS_AFTER
                return f"No answer from {self.address}. Your player waits for it." if stands else ""
            return f"Nothing has come from {self.address} for {silence:.0f} seconds. It may be gone, or the network."
        if self._refusal:
            return self._refusal
        return explain(self.client.disconnect_reason, self.client.disconnect_detail, self.client.error)

    def connect(self) -> None:
        """Begin to connect; :func:`join` and :func:`host` have done so.

        :raises RuntimeError: the session is closed, or was made around a client that the game connects
        itself.
        """
        if self._closed:
            raise RuntimeError("this session is closed; join again to get a new one")
        if self._connect is None:
            raise RuntimeError("this Session was made without connect=..., so connect its client yourself")
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT)  # of the connection before: it is over, or about to be
        with self._lock:
            self._loss_told = False
        self._refusal, self._heard = "", False
        self._thread = self._connect()

    def retry(self) -> None:
        """Connect once more, if the connection is lost; else do nothing.

        :raises RuntimeError: as :meth:`connect`.
        """
        if self.status == "lost":
            self.connect()

    def close(self) -> None:
        """Leave the game; a host ends it for everyone. Afterwards the session only shows the last state."""
        if self._closed:
            return
        self._closed = True
        self.client.disconnect()
        if self.backend is not None:
            self.backend.shutdown()
        if self._thread is not None:
            self._thread.join(_CLOSE_TIMEOUT)

    # -- a server that makes no sense

    @property
    def refusal(self) -> str:
        """Why this session has left a server whose data made no sense, as a sentence; "" if it has not."""
        return self._refusal

    @contextlib.contextmanager
    def guard(self) -> Iterator[None]:
        """Take what is raised within for nonsense of the server's, and leave it: ``with session.guard(): ...``

        Put around what a frame does with events, view and inputs, it lets no server end your program: what it sends
        may be of another version, of another game, or meant to do harm. See :meth:`refuse` for what follows.

        A mistake of your own is not hidden. It is raised as ever as long as nothing has come from the server, if the
        server is your own (:func:`host`), and always if the environment variable PYGASE_DEBUG is set or Python runs in
        its development mode (``python -X dev``).
        """
        try:
            yield
        except Exception as error:
            if not self._refusal:
                self._mistrust(guard.described(error), error)

    def refuse(self, what: str) -> None:
        """Leave the server because what it sends makes no sense.

        The status is "lost" then, :attr:`reason` is a sentence for the player, the view is empty, and :meth:`retry`
        tries again.

        :param what: what is wrong, as a part of that sentence: ``"its state has no 'ball'"``.
        """
        if self.status == "closed" or self._refusal:
            return
        self._refusal = guard.sentence(what)
        self.client.disconnect()
        self._buffer.reset()
        if self._ticks is not None:
            self._ticks.forget()
        self._tell_loss(self._refusal)

    def _mistrust(self, what: str, error: Exception | None = None) -> None:
        """Leave the server, unless it is our own program that is at fault, or a programmer wants to see it."""
        if self.backend is not None or not self._heard or guard.debug_wanted():
            raise error or ValueError(f"the server's state does not fit what `check` expects: {what}")
        guard.report(self.address, what, error)
        self.refuse(what)

    # -- inside

    def _own_interval(self) -> float | None:
        return None if self.backend is None else self.backend.game_state_machine.interval

    def _forget_earlier_connection(self) -> None:
        """In a new connection, let go of the inputs of the one before and of what they led to."""
        if self._steered_connection != self._connections:
            self._steered_connection = self._connections
            self._inputs.forget()
            if self._ticks is not None:
                self._ticks.forget()

    def _take_snapshots(self) -> None:
        if self._refusal:
            return
        snapshots, fresh = self.client.snapshots, []
        for snapshot in reversed(snapshots):
            if snapshot is self._last_taken:
                break
            fresh.append(snapshot)
        if not fresh:
            return
        if self._shown_connection != self._connections:
            self._shown_connection = self._connections
            self._buffer.reset()  # only now: until the first state was here, the old picture stayed
        self._last_taken, self._heard = fresh[0], True
        for snapshot in reversed(fresh):
            what = self._check(snapshot.state) if self._check is not None else ""
            if what:
                self._mistrust(what)
                return
            self._buffer.add(snapshot)
        self._paths.look(fresh[0])

    def _on_event(self, event_type: str, /, *args: Any, **kwargs: Any) -> None:
        """Turn an event of the client into one of pygame. Runs on the network's thread."""
        if self._closed:
            return
        if event_type == CLIENT_IS_CONNECTED:
            with self._lock:
                self._loss_told = False
            self._connections += 1
            self._post(pygame_events.CONNECTED)
        elif event_type == CLIENT_IS_DISCONNECTED:
            self._on_disconnected(*args, **kwargs)
        else:
            self._heard = True
            self._post(pygame_events.SERVER_EVENT, name=event_type, args=args, kwargs=kwargs)

    def _on_disconnected(self, reason: DisconnectReason, detail: str = "") -> None:
        if reason is not DisconnectReason.CLOSED:
            self._tell_loss(explain(reason, detail, self.client.error))

    def _tell_loss(self, reason: str) -> None:
        with self._lock:
            told, self._loss_told = self._loss_told, True
        if not told:
            self._post(pygame_events.LOST, reason=reason)

    def _post(self, event_type: int, **attributes: Any) -> None:
        self._outbox.post(pygame.event.Event(event_type, session=self, **attributes))
