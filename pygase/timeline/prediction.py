"""Prediction: a player's own part of the world, ahead of the server's answer.

In each frame: receive, and :meth:`Predictor.reconcile`. For each tick that is due, send the input and
:meth:`Predictor.predict` it. Then draw :meth:`Predictor.view`. ``docs/prediction.md`` is the guide.

During a silence of the server (:class:`pygase.SilenceWatch`) inputs are only kept (:meth:`Predictor.keep`), the picture
slows down to a stop (:meth:`Predictor.coast`), and states are taken with ``replay=False``.

Pure: ``now`` is any clock that counts seconds.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from .._state.precision import Precision
from .._state.tree import exactly_equal
from .corrections import FloatBlender
from .first_guesses import Spread
from .happenings import Happenings
from .own_rules import OwnRules
from .visible_error import GlidingNumbers, Smooth, SpringError, VisibleError, glides_of

__all__ = ["Predictor"]

DEFAULT_SMOOTHING_TIME: Final = 0.1
"""Seconds in which a visible error fades out: too short to feel, too long to be seen as a jump."""

MAX_PENDING_INPUTS: Final = 128
"""Most inputs that wait for the server's answer: two seconds of 60 a second."""

USUAL_TICK: Final = 1 / 60
"""Seconds of a tick, as most games have it."""

_ALMOST: Final = 1.0 - sys.float_info.epsilon
"""The longest share of a way that does not reach its end."""

_NOT_GIVEN: Final = object()

_ALL_FLOATS: Final = FloatBlender(None)


class _Tick(NamedTuple):
    """An input that the server has not confirmed yet."""

    number: int
    input: Any
    after: Any  # the player's part after it; None while there is no such part, or if the input is only kept


class Predictor:
    """Applies a player's inputs at once, and reconciles them with the server's truth when it arrives.

    An error is drawn on top of the corrected prediction and fades out, so the picture does not jump. If the rules are
    deterministic and nobody interferes, prediction and truth are equal to the last bit.

    :param step: ``step(mine, input) -> mine``, one tick of the player's own part; the server must run the same rules.
        It may change its arguments, which are copies. It must return the whole of ``mine`` and use no clock and no
        random numbers. A third parameter named ``world`` gets the newest received state, read only: for platforms and
        doors. One named ``tell`` gets a function that reports what happens once, as in ``tell("SHOT", x, y)``; see
        :class:`pygase.Happenings`.
    :param moves: ``moves(world) -> update``, a tick of everything that moves by itself, such as platforms: a dict of
        changes, as a time step returns. With it ``step`` gets the world as it will be before its tick, instead of the
        newest received one.
    :param select: ``select(game_state) -> mine``, the player's own part of a state: a dict, a list or a number; None
        while there is none.
    :param smooth: paths within ``mine`` (or :class:`pygase.Interpolate` rules) of the numbers that glide; all others
        step. By default every float glides. If ``mine`` is no dict, its path is ``"*"``.
        Or :class:`pygase.Glide` rules, whose errors keep the speed of the picture; their times and distances count.
    :param smoothing_time: seconds within which 95 % of a visible error fade out, from 0 (at once) up.
    :param snap_distance: a number with a larger error jumps. The plain paths of ``smooth`` in the same dict count
        together, as the coordinates of one point; rules have their own.
    :param max_pending: most inputs kept for a replay, from 1 up. Beyond it the oldest are dropped.
    :param precision: paths within ``mine``, and the steps to which the server rounds these floats, as in
        ``Backend(..., precision=...)``. A truth that differs from the prediction by a step or less is as predicted, and
        the prediction stays. If ``mine`` is no dict, its path is ``"*"``.
    :param interval: seconds of a tick, for the speeds of :class:`pygase.Glide` rules.
    :param happenings: gets what ``tell`` reports; by default :attr:`happenings` is new.
    :raises TypeError: ``step`` or ``select`` is no function, ``step`` needs other parameters, or (InvalidValue)
        ``precision`` is wrong.
    :raises ValueError: a number is out of its range, or a path is malformed or named twice.

    :ivar corrections: number of reconciliations with a truth other than predicted.
    :ivar last_error: largest error of a number at the latest reconciliation; 0.0 if everything was right.
    :ivar dropped: number of inputs dropped because of ``max_pending``.
    """

    def __init__(
        self,
        step: Callable[..., Any],
        select: Callable[[Mapping[str, Any]], Any],
        *,
        smooth: Smooth = None,
        smoothing_time: float = DEFAULT_SMOOTHING_TIME,
        snap_distance: float | None = None,
        max_pending: int = MAX_PENDING_INPUTS,
        precision: Mapping[str, float] | None = None,
        interval: float = USUAL_TICK,
        happenings: Happenings | None = None,
        moves: Callable[[Any], Mapping[str, Any]] | None = None,
    ) -> None:
        self._rules = OwnRules(step, select, moves)
        if not 0 <= smoothing_time < math.inf:
            raise ValueError(f"smoothing_time must be a number of seconds from 0 up, not {smoothing_time!r}")
        if snap_distance is not None and not snap_distance >= 0:
            raise ValueError(f"snap_distance must be a number from 0 up, or None, not {snap_distance!r}")
        if max_pending < 1:
            raise ValueError(f"max_pending must be from 1 up, not {max_pending!r}")
        self._rules.precision = Precision.parse(precision)
        self._rules.happenings = Happenings() if happenings is None else happenings
        self.corrections = 0
        self.last_error = 0.0
        self.dropped = 0
        self._gliding = GlidingNumbers(smooth, snap_distance)
        glides = glides_of(smooth)
        self._error: VisibleError | SpringError = (
            SpringError(glides, interval) if glides else VisibleError(self._gliding, smoothing_time)
        )
        self._max_pending = max_pending
        self._pending: deque[_Tick] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget states, inputs and numbers. Call it when a new connection begins."""
        self._pending.clear()
        self._number = -1  # of the latest predicted input,
        self._applied = -1  # and of the latest that the server has confirmed
        self._tick: int | None = None  # of the latest state
        self._truth: Any = None  # the player's part of that state,
        self._mine: Any = None  # the same after all pending inputs,
        self._before: Any = None  # and after all but the last
        self._ahead = 0  # ticks from the latest state to the predicted part
        self._error.reset()
        self._gliding.guesses.reset()
        self._rules.world.follow({})
        self._rules.happenings.reset()

    @property
    def precision(self) -> Mapping[str, float]:
        """The steps to which the server rounds the numbers of ``mine``, by their paths; may be set at any time."""
        return self._rules.precision.declared()

    @precision.setter
    def precision(self, declared: Mapping[str, float] | None) -> None:
        self._rules.precision = self._gliding.guesses.precision = Precision.parse(declared)

    @property
    def errors(self) -> dict[str, Spread]:
        """How far the first guess was from the truth, by the path of each dict within ``mine``; ``""`` is ``mine``.

        It is the distance of the numbers that :class:`pygase.Glide` rules name, or of all floats of the dict.
        """
        return self._gliding.guesses.spreads()

    @property
    def happenings(self) -> Happenings:
        """What the steps have reported: call its ``take`` once a frame."""
        return self._rules.happenings

    @property
    def owner(self) -> Any:
        """The ``who`` of everything that ``tell`` reports, such as the client's id; may be set at any time."""
        return self._rules.owner

    @owner.setter
    def owner(self, who: Any) -> None:
        self._rules.owner = who

    @property
    def number(self) -> int:
        """Number of the latest input; -1 before the first."""
        return self._number

    @property
    def predicted(self) -> Any:
        """The player's part after all inputs, without smoothing, for game logic; None while there is none."""
        return self._mine

    @property
    def pending(self) -> int:
        """Number of inputs that the server has not confirmed."""
        return len(self._pending)

    @property
    def ahead(self) -> int:
        """Ticks from the latest state to the predicted part. It equals :attr:`pending` unless inputs are only kept."""
        return self._ahead

    @property
    def visible_error(self) -> float:
        """The largest distance between a number in the picture and its predicted value."""
        return self._error.size

    def predict(self, input: Any, number: int) -> None:
        """Apply the input of a tick at once, and keep it until the server confirms it.

        An exception of ``step`` passes through; the input then is not taken.

        :param number: of the input, higher than all others. Skipped numbers had no input.
        :raises ValueError: ``number`` is not higher.
        :raises InvalidValue: the input cannot be sent.
        """
        command = self._taken(input, number)
        mine, before = None if self._mine is None else self._step(self._mine, command, number), self._number
        self._append(_Tick(number, command, mine))
        self._rules.happenings.simulated(self._rules.take_told(), after=before, upto=number)
        self._rules.world.move()
        self._ahead += 1
        self._before, self._mine = self._mine, mine
        self._gliding.guesses.guess(number, mine)

    def keep(self, input: Any, number: int) -> None:
        """Keep the input of a tick for a replay without applying it, in a silence. See :meth:`predict`."""
        self._append(_Tick(number, self._taken(input, number), None))

    def coast(self) -> None:
        """Apply the newest input once more, while the picture slows down to a stop. The next replay replaces it.

        An exception of ``step`` passes through; nothing then is applied.
        """
        if self._pending and self._mine is not None:
            self._before, self._mine = self._mine, self._step(self._mine, self._pending[-1].input)
            self._rules.world.move()
            self._ahead += 1

    def reconcile(
        self,
        game_state: Mapping[str, Any],
        applied: int | None,
        *,
        tick: int | None = None,
        replay: bool = True,
        smoothing_time: float = 0.0,
    ) -> bool:
        """Take the server's truth, and replay the inputs that it does not include yet.

        An exception of ``step`` or ``select`` passes through; everything then stays as it was.

        :param game_state: a received state. It is only read.
        :param applied: number of the last input that the state includes; None or -1 if it includes none.
        :param tick: number of the state. Without it, a state counts as old only if it includes fewer inputs than
            another.
        :param replay: False while the server confirms no inputs. Then pending inputs are only kept.
        :param smoothing_time: seconds in which an error found here fades out, if longer than the predictor's own.
        :returns: False, and nothing is done, if the state is not newer than another.
        """
        applied = -1 if applied is None else applied
        if self._is_old(applied, tick):
            return False
        truth = self._rules.select(game_state)
        self._rules.world.follow(game_state)
        ticks, known = self._replayed(truth, applied) if replay else (self._kept(applied), False)
        if known:
            self.last_error = 0.0
        else:
            mine = ticks[-1].after if ticks and replay else truth
            before = ticks[-2].after if len(ticks) > 1 and replay else truth
            self._correct(before, mine, smoothing_time)
            self._before, self._mine = before, mine
            if replay:
                self._rules.happenings.simulated(self._rules.take_told(), after=applied, upto=self._number)
        self._gliding.guesses.truth(applied, truth, measure=replay)
        self._rules.happenings.settle(applied)
        self._pending, self._truth, self._applied, self._tick = ticks, truth, applied, tick
        self._ahead = len(ticks) if replay else 0
        return True

    def view(self, now: float, fraction: float | None = None, input: Any = _NOT_GIVEN) -> Any:
        """Return the player's part to be drawn at ``now``; None while there is none.

        - With ``fraction`` and ``input`` the picture runs ahead into the current tick. A command shows in this very
          frame; on release in the middle of a tick the picture recoils a little.
        - With ``fraction`` alone it moves from the last tick but one to the last. It never recoils, and is a tick late.
        - With neither it is the last tick.

        The result shares parts with the predicted state: read it, never change it.

        :param now: any clock that counts seconds, the same in each call.
        :param fraction: position of ``now`` in the current tick, from 0.0 to 1.0: ``FixedTimestep.fraction``.
        :param input: the player's command at this moment.
        """
        mine = self._mine
        if mine is None:
            return None
        if fraction is not None:
            mine = self._partly(mine, fraction, input)
        late = 1.0 if input is _NOT_GIVEN else 0.0  # ticks: such a picture moves from the last tick but one
        self._error.fade(now, 0.0 if fraction is None else fraction - late)
        return self._error.drawn(mine)

    def moved(self, fraction: float = 0.0) -> dict[str, Any]:
        """Return the attributes of the state that ``moves`` changes, for the moment of :meth:`view`.

        :param fraction: as for :meth:`view`. Floats are between the ticks, everything else is that of the earlier one.
        """
        before, after = self._rules.world.next()
        return before if fraction <= 0.0 else _ALL_FLOATS.blend(before, after, min(fraction, _ALMOST))

    # -- inputs ----------------------------------------------------------------------------------------------------

    def _taken(self, input: Any, number: int) -> Any:
        """Return a copy of an input; refuse a number that does not rise."""
        if not number > self._number:
            raise ValueError(
                f"input {number!r} cannot follow input {self._number}: numbers rise from 0 up, one for each tick; "
                "reset() the predictor when a new connection begins"
            )
        return self._rules.input(input)

    def _append(self, tick: _Tick) -> None:
        if len(self._pending) >= self._max_pending:
            self._pending.popleft()
            self.dropped += 1
        self._pending.append(tick)
        self._number = tick.number

    # -- the truth and the replay ----------------------------------------------------------------------------------

    def _is_old(self, applied: int, tick: int | None) -> bool:
        if tick is not None and self._tick is not None:
            return tick <= self._tick
        return applied < self._applied

    def _replayed(self, truth: Any, applied: int) -> tuple[deque[_Tick], bool]:
        """Return the remaining inputs applied to ``truth``, and whether the result was predicted before."""
        ticks = [tick for tick in self._pending if tick.number > applied]
        expected = self._expected(applied)
        as_expected = truth is not None and expected is not None and self._rules.agree(truth, expected)
        if as_expected and not self._rules.looks_around and all(tick.after is not None for tick in ticks):
            for _ in ticks:
                self._rules.world.move()
            return deque(ticks), True
        mine, replayed = truth, deque[_Tick]()
        self._rules.take_told()
        for tick in ticks:
            mine = None if mine is None else self._rules.step(mine, tick.input, tick.number)
            self._rules.world.move()
            replayed.append(_Tick(tick.number, tick.input, mine))
        return replayed, False

    def _kept(self, applied: int) -> deque[_Tick]:
        return deque([_Tick(tick.number, tick.input, None) for tick in self._pending if tick.number > applied])

    def _expected(self, applied: int) -> Any:
        """Return the predicted part after that input; None if it is unknown."""
        for tick in self._pending:
            if tick.number == applied:
                return tick.after
        return self._truth if applied == self._applied else None

    def _correct(self, earlier: Any, mine: Any, smoothing_time: float) -> None:
        """Turn the difference between the picture and ``mine`` into a visible error that fades out."""
        before = self._mine
        self.last_error = 0.0
        if mine is None or before is None:
            self._error.clear()
        elif before != mine and not exactly_equal(before, mine):
            self.last_error = self._error.correct(before, mine, smoothing_time, (self._before, earlier))
            self.corrections += 1

    def _partly(self, mine: Any, fraction: float, input: Any) -> Any:
        """Return the part at ``fraction`` of the current tick; without an input, of the last tick."""
        if input is _NOT_GIVEN:
            before, after = self._before, mine
        elif fraction > 0.0:
            before, after = mine, self._begun(mine, self._rules.input(input))
        else:
            return mine
        # backwards, so that all numbers that do not glide are those of ``after``
        return after if fraction >= 1.0 else self._gliding.blend(after, before, min(1.0 - fraction, _ALMOST))

    def _begun(self, mine: Any, command: Any) -> Any:
        """Return the part after the tick that has begun. Its reports count in this very frame."""
        number = self._number + 1
        after = self._step(mine, command, number)
        told = self._rules.take_told()
        if not self._pending or self._pending[-1].after is mine:  # else it coasts, or stands
            self._rules.happenings.simulated(told, after=self._number, upto=number)
        return after

    def _step(self, mine: Any, command: Any, number: int = -1) -> Any:
        """Return the part one tick later. An earlier step that raised has reported nothing."""
        self._rules.take_told()
        return self._rules.step(mine, command, number)
