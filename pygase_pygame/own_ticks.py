"""The player's own part of the game, ahead of the server: inputs one a tick, and what follows from them at once."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pygase import Client, FixedTimestep, Interpolate, Predictor, SilenceWatch, Snapshot

from .fit import FitWatch

Path = tuple[Any, ...]

SILENT_SMOOTHING: Final = 0.3
"""Seconds in which a correction glides that follows a silence, as the pictures of others do then: it may be large."""

MAX_PENDING: Final = 2.0
"""Seconds of inputs that are kept for a replay: longer than any round trip that a game can be played with."""

_LEAST_PENDING: Final = 128

MAX_TICK: Final = 2.0
"""Seconds from tick to tick; who says more means ticks a second."""


@dataclass(frozen=True)
class Prediction:
    """What a session shall predict: ``Prediction(rules.move, "players.{me}")``.

    :param step: ``step(mine, input) -> mine``, the rules of one tick for the player's own part, the same that the
        server applies to it with the same inputs; see :class:`pygase.Predictor`.
    :param mine: where that part is in the state: keys joined by dots, in which ``{me}`` stands for
        ``str(client.address)``; or a function of (game state, client address) that returns such a path, a tuple of
        keys, or None while there is nothing of mine.
    :param smooth: paths within it (or :class:`pygase.Interpolate` rules, for angles say) of the numbers that glide when
        the server corrects them; by default every float.
    :param smoothing_time: seconds in which a correction glides.
    :param snap_distance: a number that is farther off jumps.
    :param max_ahead: seconds for which prediction goes on while the server does not answer; then the player's part
        slows down and stands, and ``Session.is_stalled`` is true, until the server confirms inputs again.
        ``math.inf``: it never stands. It counts as four ticks at least.
    """

    step: Callable[[Any, Any], Any]
    mine: str | Callable[[Mapping[str, Any], Any], str | Sequence[Any] | None]
    smooth: Iterable[str | Interpolate] | None = None
    smoothing_time: float = 0.1
    snap_distance: float | None = None
    max_ahead: float = 0.4

    def __post_init__(self) -> None:
        if not isinstance(self.max_ahead, (int, float)) or not self.max_ahead > 0:
            raise ValueError(f"max_ahead must be a number of seconds above 0, or math.inf, not {self.max_ahead!r}")
        if not callable(self.step):
            raise TypeError(f"step must be a function of (mine, input), not {self.step!r}")
        if not callable(self.mine) and not isinstance(self.mine, str):
            raise TypeError(f'mine must be a path such as "players.{{me}}", or a function, not {self.mine!r}')
        for key in self.mine.split(".") if isinstance(self.mine, str) else ():
            if key != "{me}" and ("{" in key or "}" in key):
                raise ValueError(f'{key!r} in {self.mine!r} stands for nothing; "{{me}}" is the one that does')

    def path(self, state: Mapping[str, Any], address: Any) -> Path | None:
        """Return the keys that lead to the player's own part, or None while there is none."""
        found = self.mine if isinstance(self.mine, str) else self.mine(state, address)
        if found is None:
            return None
        keys = found.split(".") if isinstance(found, str) else found
        return tuple(str(address) if key == "{me}" else key for key in keys)


class OwnTicks:
    """Makes the player's inputs, one for each tick of the server's length, and predicts what they do.

    :param client: to send them.
    :param interval: seconds of a tick, as the server has it.
    :param prediction: what to predict; None: only send.
    :param own_interval: returns the seconds of a tick of the server, if it is this program's own; else None.
    """

    def __init__(
        self,
        client: Client,
        interval: float,
        prediction: Prediction | None,
        own_interval: Callable[[], float | None] = lambda: None,
    ) -> None:
        if isinstance(interval, (int, float)) and interval > MAX_TICK:
            raise ValueError(f"tick is the seconds between the server's ticks, such as 1 / 60; got {interval!r}")
        self._client = client
        if prediction is not None and not isinstance(prediction, Prediction):
            raise TypeError(f'predict must be a Prediction(step, "players.{{me}}"), not {prediction!r}')
        self._timestep = FixedTimestep(interval)
        self._fit = FitWatch(interval)
        self._own_interval = own_interval
        self._prediction = prediction
        self.predictor: Predictor | None = None
        self._silence = SilenceWatch(interval)
        if prediction is not None:
            self._silence = SilenceWatch(interval, prediction.max_ahead)
            self.predictor = Predictor(
                prediction.step,
                self._select,
                smooth=prediction.smooth,
                smoothing_time=prediction.smoothing_time,
                snap_distance=prediction.snap_distance,
                max_pending=max(_LEAST_PENDING, math.ceil(MAX_PENDING / interval)),
            )
        self.forget()

    def forget(self) -> None:
        """A new connection begins: inputs are numbered from 1 again."""
        self._timestep.reset()
        self._path: Path | None = None
        self._found = False
        self._fit.forget()
        self._sent: Any = None
        self._given: Any = None
        self._told = -1, 0  # the newest state, and the input that it included when that was first told
        self._rested = 0  # for how many of our inputs it has stayed the newest
        self._version = -1  # of the newest state, and of what is known of it
        self._silence.reset()
        self._fraction = 0.0  # how far into a tick the picture was that was shown last
        self._coasted = 0  # ticks since the silence began
        self._stands = False  # where the server says, since it is heard again but confirms no inputs
        self._was_stalled = False  # since the latest state that was taken in
        if self.predictor is not None:
            self.predictor.reset()

    @property
    def is_stalled(self) -> bool:
        """Whether the server confirms no inputs any more, so that what is predicted slows down or stands."""
        return self._silence.stalled

    @property
    def lead(self) -> float:
        """How many seconds what was shown last is ahead of the newest state received."""
        if self.predictor is None:
            return 0.0
        return (self.predictor.ahead + self._fraction + self._rested) * self._timestep.interval

    def send(self, state: Any, *, now: float, view_time: float | None) -> bool:
        """Take what the player does at present; send and predict it for each tick that is due. True if one was."""
        if self.predictor is not None and self._client.snapshots:
            self._confirmed_by(self._client.snapshots[-1], now)  # what is answered is no silence
        self._given = _latched(self._sent, self._given, plain(state))
        self._timestep.pace = self._client.input_pace
        dropped = self._timestep.dropped
        due = self._timestep.advance(now)
        if self._timestep.dropped > dropped:  # a frame of so long that the server has given up waiting
            due = 1  # it would play none but the newest; and who predicted them all would be pulled back
        for _ in range(due):
            number = self._client.send_input(self._given, view_time=view_time)
            if number and self.predictor is not None:
                self._silence.sent(number, now=now)
                (self.predictor.keep if self.is_stalled else self.predictor.predict)(self._given, number)
            self._sent, self._given = self._given, plain(state)
        if self.predictor is not None:
            self._heed_silence(self.predictor, now)
        return due > 0

    def _heed_silence(self, predictor: Predictor, now: float) -> None:
        """Look whether the server still answers; while it does not, let the picture run to a stop."""
        if self.is_stalled:
            while not self._stands and self._coasted < int(self._silence.travelled(now)):
                predictor.coast()
                self._coasted += 1
            return
        stats, fraction = self._client.stats, self._timestep.fraction
        if self._silence.look(now=now, heard_at=now - stats.silence, rtt=stats.rtt, fraction=fraction):
            self._begin_silence()

    def _begin_silence(self) -> None:
        self._coasted, self._stands, self._was_stalled = 0, False, True

    def reconcile(self, *, now: float) -> None:
        """Take in what the server has told since the last time."""
        snapshots = self._client.snapshots
        if not snapshots:
            return
        newest = snapshots[-1]
        self._fit.look(newest, own_interval=self._own_interval(), missing=self._missing())
        if self.predictor is None:
            return
        applied = self._confirmed_by(newest, now)
        if applied is None:
            return
        stalled = self.is_stalled
        if stalled and now < self._silence.answer_at:
            return
        self.predictor.reconcile(
            newest.state,
            applied,
            tick=self._version,
            replay=not stalled,
            smoothing_time=SILENT_SMOOTHING if self._was_stalled else 0.0,
        )
        self._stands, self._was_stalled = stalled, stalled

    def _confirmed_by(self, newest: Snapshot, now: float) -> int | None:
        """Return the last input that the newest state includes, and take note of it; None if that is not known."""
        applied = self._client.input_applied(newest.tick)
        if applied is None:
            return None
        if newest.tick != self._told[0]:
            self._told = newest.tick, applied
        self._rested = max(applied - self._told[1], 0)
        # while the world rests the state stays, and only the inputs that it includes become more
        version = newest.tick << 48 | applied
        if version != self._version:
            self._version, before = version, self.is_stalled
            tick = None if newest.resting else newest.tick
            self._silence.confirmed(applied, tick=tick, now=now, fraction=self._timestep.fraction)
            if self.is_stalled and not before:
                self._begin_silence()
        return applied

    def shown(self, state: Mapping[str, Any], *, now: float) -> Mapping[str, Any]:
        """Return the state with the predicted part in its place."""
        if self.predictor is None or self._path is None:
            return state
        self._fraction = self._timestep.fraction
        if self.is_stalled:
            self._fraction = 0.0 if self._stands else min(self._silence.travelled(now) - self._coasted, 1.0)
        mine = self.predictor.view(now, self._fraction, self._given)
        return state if mine is None else _with_part(state, self._path, mine)

    def _missing(self) -> tuple[str, Path] | None:
        """Return the path to the player's own part, as given and as keys, if there has never been anything."""
        where = self._prediction.mine if self._prediction is not None else None
        return None if self._found or self._path is None or not isinstance(where, str) else (where, self._path)

    def _select(self, state: Mapping[str, Any]) -> Any:
        assert self._prediction is not None
        self._path = self._prediction.path(state, self._client.address)
        part = None if self._path is None else _part(state, self._path)
        self._found = self._found or part is not None
        return part


def _part(state: Any, path: Path) -> Any:
    """Return what stands at the end of a path; None if nothing does."""
    for key in path:
        key = _own_key(state, key)
        if key is None:
            return None
        state = state[key]
    return state


def _own_key(tree: Any, key: Any) -> Any:
    """Return the key that is meant here (digits may mean an int), or None if there is none."""
    if isinstance(tree, Mapping):
        if key in tree:
            return key
        number = int(key) if isinstance(key, str) and key.isdecimal() else None
        return number if number in tree else None
    if isinstance(tree, (list, tuple)):
        number = int(key) if isinstance(key, (int, str)) and str(key).isdecimal() else -1
        return number if 0 <= number < len(tree) else None
    return None


def _with_part(state: Any, path: Path, part: Any) -> Any:
    """Return ``state`` with something else at the end of a path; as it is if the path leads nowhere."""
    if not path:
        return part
    key = _own_key(state, path[0])
    if key is None:
        return state
    copy = dict(state) if isinstance(state, Mapping) else list(state)
    copy[key] = _with_part(state[key], path[1:], part)
    return copy


def _latched(sent: Any, given: Any, state: Any) -> Any:
    """Return the input for the next tick, if ``given`` was it until now: what was pressed and let go again counts.

    A value that differs from the one sent last stays until it is sent, unless another new one replaces it.
    """
    if isinstance(state, dict):
        sent, given = (value if isinstance(value, dict) else {} for value in (sent, given))
        return {key: _latched(sent.get(key, value), given.get(key, value), value) for key, value in state.items()}
    return given if state == sent and given is not None else state


def plain(value: Any) -> Any:
    """Return a copy of our own, in types that can be sent: read-only mappings become dicts."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value
