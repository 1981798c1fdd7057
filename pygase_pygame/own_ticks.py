"""The player's inputs, one a tick, and their prediction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pygase import (
    Backend,
    Client,
    FixedTimestep,
    Happenings,
    Predictor,
    SilenceWatch,
    Snapshot,
    WorldPrediction,
    WorldPredictor,
)

from .controls.given import latched, plain
from .fit import FitWatch
from .own_part import Path, Prediction
from .predicted import predicted

SILENT_SMOOTHING: Final = 0.3
"""Seconds in which an error fades after a silence: it may be large."""

MAX_TICK: Final = 2.0
"""Longest tick, seconds. A larger number is probably the ticks a second."""


class Confirmed:
    """The newest state from the server, and the inputs that it includes.

    :ivar version: changes with every newer state, and every further input in it.
    :ivar rested: inputs since the newest state was first sent. The server sends an unchanged state once.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self.forget()

    def forget(self) -> None:
        """Begin a new connection."""
        self._first = -1, 0  # tick of the newest state, and the last input that it included at first
        self.rested = 0
        self.version = -1

    def read(self, newest: Snapshot) -> tuple[int | None, bool]:
        """Return the last input that the newest state includes (None: unknown), and whether it is new."""
        applied = self._client.input_applied(newest.tick)
        if applied is None:
            return None, False
        if newest.tick != self._first[0]:
            self._first = newest.tick, applied
        self.rested = max(applied - self._first[1], 0)
        before, self.version = self.version, newest.tick << 48 | applied
        return applied, self.version != before


class Coasting:
    """The end of a prediction: while the server is silent, the part slows down and stands.

    :ivar watch: decides when the server counts as silent.
    :ivar was_stalled: whether there was a silence since the last state.
    """

    def __init__(self, interval: float, max_ahead: float | None) -> None:
        self.watch = SilenceWatch(interval) if max_ahead is None else SilenceWatch(interval, max_ahead)
        self.forget()

    def forget(self) -> None:
        """Begin a new connection."""
        self.watch.reset()
        self._ticks = 0  # since the silence began
        self._stands = False  # at the server's own state: the server is heard again, and confirms no inputs
        self.was_stalled = False

    @property
    def is_stalled(self) -> bool:
        """Whether the server confirms no inputs any more."""
        return self.watch.stalled

    def begin(self) -> None:
        """Begin to slow down."""
        self._ticks, self._stands, self.was_stalled = 0, False, True

    def go_on(self, predictor: Predictor | WorldPredictor, now: float) -> None:
        """Let the predicted part move on, ever slower."""
        while not self._stands and self._ticks < int(self.watch.travelled(now)):
            predictor.coast()
            self._ticks += 1

    def fraction(self, now: float) -> float:
        """Return the part of a tick by which the picture is ahead of the last whole one, 0..1."""
        return 0.0 if self._stands else min(self.watch.travelled(now) - self._ticks, 1.0)

    def took_in(self, stalled: bool) -> None:
        """Note a new state. ``stalled``: it confirms no inputs, so the part stands where it shows it."""
        self._stands = self.was_stalled = stalled


class OwnTicks:
    """Sends the player's inputs, one a tick, and predicts their effect.

    :param client: sends them.
    :param interval: the server's seconds of a tick.
    :param prediction: the part to predict; None: only send.
    :param backend: of this program's own server, if it has one.
    :param happenings: gets what the prediction's step reports.
    :raises ValueError, TypeError: a parameter makes no sense.
    """

    def __init__(
        self,
        client: Client,
        interval: float,
        prediction: Prediction | WorldPrediction | None,
        backend: Backend | None = None,
        happenings: Happenings | None = None,
    ) -> None:
        if isinstance(interval, (int, float)) and interval > MAX_TICK:
            raise ValueError(f"tick is the seconds between the server's ticks, such as 1 / 60; got {interval!r}")
        self._client = client
        self._timestep = FixedTimestep(interval)
        self._fit = FitWatch(interval)
        self._backend = backend
        self._confirmed = Confirmed(client)
        self._predicted = predicted(client, prediction, interval, happenings)
        self._coasting = Coasting(interval, None if self._predicted is None else self._predicted.max_ahead)
        self.predictor = None if self._predicted is None else self._predicted.predictor
        self.forget()

    def forget(self) -> None:
        """Begin a new connection: inputs count from 1 again."""
        self._timestep.reset()
        self._fit.forget()
        self._sent: Any = None
        self._given: Any = None
        self._confirmed.forget()
        self._coasting.forget()
        self._fraction = 0.0  # part of a tick by which the last picture was ahead of the last whole tick
        if self._predicted is not None:
            self._predicted.forget()

    @property
    def is_stalled(self) -> bool:
        """Whether the server confirms no inputs any more: the predicted part slows down or stands."""
        return self._coasting.is_stalled

    @property
    def lead(self) -> float:
        """Seconds by which the last picture is ahead of the newest state."""
        if self.predictor is None:
            return 0.0
        return (self.predictor.ahead + self._fraction + self._confirmed.rested) * self._timestep.interval

    def send(self, state: Any, *, now: float, view_time: float | None) -> bool:
        """Send and predict the input for each tick that is due; return whether one was."""
        if self.predictor is not None and self._client.snapshots:
            self._read_confirmed(self._client.snapshots[-1], now)  # an answer ends a silence
        self._given = latched(self._sent, self._given, plain(state))
        due = self._due(now)
        for _ in range(due):
            number = self._client.send_input(self._given, view_time=view_time)
            if number and self.predictor is not None:
                self._coasting.watch.sent(number, now=now)
                (self.predictor.keep if self.is_stalled else self.predictor.predict)(self._given, number)
            self._sent, self._given = self._given, plain(state)
        if self.predictor is not None:
            self._heed_silence(self.predictor, now)
        return due > 0

    def _due(self, now: float) -> int:
        """Return the number of ticks that are due.

        It is 1 after a frame so long that the server no longer waits. The server would play only the newest of more
        inputs, and correct a prediction of all of them.
        """
        self._timestep.pace = self._client.input_pace
        dropped = self._timestep.dropped
        due = self._timestep.advance(now)
        return 1 if self._timestep.dropped > dropped else due

    def _heed_silence(self, predictor: Predictor | WorldPredictor, now: float) -> None:
        if self.is_stalled:
            self._coasting.go_on(predictor, now)
            return
        stats, fraction = self._client.stats, self._timestep.fraction
        if self._coasting.watch.look(now=now, heard_at=now - stats.silence, rtt=stats.rtt, fraction=fraction):
            self._coasting.begin()

    @property
    def _own_interval(self) -> float | None:
        return None if self._backend is None else self._backend.game_state_machine.interval

    def reconcile(self, *, now: float) -> None:
        """Take in the server's newest state."""
        snapshots = self._client.snapshots
        if not snapshots:
            return
        newest = snapshots[-1]
        self._fit.look(newest, own_interval=self._own_interval, missing=self._missing())
        if self._predicted is None:
            return
        applied = self._read_confirmed(newest, now)
        stalled = self.is_stalled
        if applied is None or (stalled and now < self._coasting.watch.answer_at):
            return
        self._predicted.reconcile(
            newest,
            applied,
            version=self._confirmed.version,
            rested=self._confirmed.rested,
            replay=not stalled,
            smoothing_time=SILENT_SMOOTHING if self._coasting.was_stalled else 0.0,
        )
        self._coasting.took_in(stalled)

    def _read_confirmed(self, newest: Snapshot, now: float) -> int | None:
        applied, is_new = self._confirmed.read(newest)
        if applied is not None and is_new:
            before = self.is_stalled
            tick = None if newest.resting else newest.tick
            self._coasting.watch.confirmed(applied, tick=tick, now=now, fraction=self._timestep.fraction)
            if self.is_stalled and not before:
                self._coasting.begin()
        return applied

    def shown(self, state: Mapping[str, Any], *, now: float) -> Mapping[str, Any]:
        """Return the state with the predicted part in its place."""
        if self._predicted is None:
            return state
        self._fraction = self._coasting.fraction(now) if self.is_stalled else self._timestep.fraction
        return self._predicted.shown(state, now, self._fraction, self._given)

    def _missing(self) -> tuple[str, Path] | None:
        """Return the path to the predicted part, as given and as keys, if there never was one."""
        return None if self._predicted is None else self._predicted.missing()
