"""What a player needs of past states: their own part of the world, ahead of the server's answer.

A key press takes a round trip until its effect comes back. A :class:`Predictor` does not wait: it applies each input at
once, by the same rules that the server runs, and keeps it until the server has it. When a state arrives, it takes the
server's truth and replays upon that what the server has not seen yet (*reconciliation*). If that leads elsewhere than
what was on the screen, as after a push by another player, the picture does not jump: the difference is drawn on top and
fades out within ``smoothing_time``.

In each frame: receive and :meth:`Predictor.reconcile`; for each tick that is due, send the input and
:meth:`Predictor.predict` it; then draw :meth:`Predictor.view`. ``docs/prediction.md`` is a guide to it.

A server that does not answer any more is not predicted for ever: :class:`pygase.SilenceWatch` says when to stop. From
then on inputs are kept (:meth:`Predictor.keep`), the picture runs to a stop (:meth:`Predictor.coast`), and states are
taken as they are (``replay=False``), until the server has confirmed an input again.

Where the rules are deterministic and nobody interferes, prediction and truth are the same bits, and nothing is
corrected at all. Pure: no clock of its own; ``now`` is any clock that counts seconds.
"""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

from .._state.tree import Cleaner, exactly_equal, thawed
from .blending import Blender, Interpolate
from .corrections import FloatBlender, Ways, displaced, doubled_way, greatest_difference, largest

__all__ = ["Predictor"]

DEFAULT_SMOOTHING_TIME: Final = 0.1
"""Seconds in which a visible error fades out: too short to feel, too long to be seen as a jump."""

MAX_PENDING: Final = 128
"""Most inputs waiting for the server's answer: two seconds of 60 a second."""

_FADED: Final = 3.0
"""After the smoothing time an error is down to e**-3 of itself: 95 % are gone."""

_INVISIBLE: Final = 1e-4
"""Part of an error below which it is dropped: after three smoothing times."""

_ALMOST: Final = 1.0 - sys.float_info.epsilon
"""The longest part of a way that is none of its ends."""

_ROOT: Final = "mine"
"""Key under which a list or a number stands where rules need a dict around it."""

_NO_INPUT: Final = object()


class _Tick(NamedTuple):
    """An input that the server is not known to have applied."""

    number: int
    input: Any
    after: Any  # my part once it is applied; None while there is nothing of mine, or if it is only kept


class Predictor:
    """Applies a player's inputs at once, and reconciles with the server's truth when it comes.

    :param step: ``step(mine, input) -> mine``, the rules of one tick for the player's own part; the server must run the
        same. It gets copies of both and may do with them what it likes, but must return the whole of ``mine``, and
        depend on nothing else: no clock, no chance.
    :param select: ``select(game_state) -> mine``, which part of a received state is the player's own: a dict, a list or
        a number. None while there is none, as before joining.
    :param smooth: paths within ``mine`` (or :class:`pygase.Interpolate` rules, for angles say) of the numbers that
        glide; all else steps. By default every float does. If ``mine`` is no dict, the path of the whole of it is
        ``"*"``.
    :param smoothing_time: seconds within which 95 % of a visible error fade out, from 0 (at once) up.
    :param snap_distance: a number that is farther off jumps. The plain paths of ``smooth`` that end in the same dict
        count together as the coordinates of one point; rules have their own ``snap_distance``.
    :param max_pending: most inputs kept for replay, from 1 up; beyond, the oldest are dropped and counted.
    :raises TypeError: ``step`` or ``select`` is no function.
    :raises ValueError: a number is out of its range, or a path is malformed or named twice.

    :ivar corrections: how often the truth was another than predicted.
    :ivar last_error: by how much the latest reconciliation found a number off; 0.0 if everything was right.
    :ivar dropped: inputs dropped for want of room.
    """

    def __init__(
        self,
        step: Callable[[Any, Any], Any],
        select: Callable[[Mapping[str, Any]], Any],
        *,
        smooth: Iterable[str | Interpolate] | None = None,
        smoothing_time: float = DEFAULT_SMOOTHING_TIME,
        snap_distance: float | None = None,
        max_pending: int = MAX_PENDING,
    ) -> None:
        if not callable(step) or not callable(select):
            raise TypeError("Predictor takes two functions: step(mine, input) -> mine, and select(game_state) -> mine")
        if not 0 <= smoothing_time < math.inf:
            raise ValueError(f"smoothing_time must be a number of seconds from 0 up, not {smoothing_time!r}")
        if snap_distance is not None and not snap_distance >= 0:
            raise ValueError(f"snap_distance must be a number from 0 up, or None, not {snap_distance!r}")
        if max_pending < 1:
            raise ValueError(f"max_pending must be from 1 up, not {max_pending!r}")
        self.corrections = 0
        self.last_error = 0.0
        self.dropped = 0
        self._step, self._select = step, select
        self._blender = _blender(smooth, snap_distance)
        self._smoothing_time = smoothing_time
        self._max_pending = max_pending
        self._cleaner = Cleaner()
        self._pending: deque[_Tick] = deque()
        self.reset()

    def reset(self) -> None:
        """Forget states, inputs and numbers: call it when a new connection begins."""
        self._pending.clear()
        self._number = -1  # of the latest input predicted,
        self._applied = -1  # and of the latest that the server is known to have applied
        self._tick: int | None = None  # of the latest state
        self._truth: Any = None  # my part of that
        self._mine: Any = None  # the same with all pending inputs applied,
        self._before: Any = None  # and with all but the last
        self._ahead = 0  # ticks from the latest state's to the predicted one
        self._ways: Ways = None  # what was visible of an error when it came up,
        self._left = 0.0  # how much of that is left,
        self._fading_time = self._smoothing_time  # and the seconds in which it fades
        self._shown_at: float | None = None

    @property
    def predicted(self) -> Any:
        """My part after all inputs, nothing smoothed: for the game's logic. None while there is nothing of mine."""
        return self._mine

    @property
    def pending(self) -> int:
        """How many inputs the server is not known to have applied."""
        return len(self._pending)

    @property
    def ahead(self) -> int:
        """How many ticks the predicted part is ahead of the latest state; :attr:`pending`, but for inputs only kept."""
        return self._ahead

    @property
    def visible_error(self) -> float:
        """By how much the number that is farthest off is drawn beside its predicted value at present."""
        return largest(self._ways) * self._left

    def predict(self, input: Any, number: int) -> None:
        """Apply the input of a tick at once, and keep it until the server has it.

        :param number: of the input, higher than the one before; numbers that are left out had no input.
        :raises ValueError: it is not higher.

        Whatever ``step`` raises comes through, and the input is not taken.
        """
        command = self._taken(input, number)
        mine = None if self._mine is None else self._run(self._mine, command)
        self._append(_Tick(number, command, mine))
        self._ahead += 1
        self._before, self._mine = self._mine, mine

    def keep(self, input: Any, number: int) -> None:
        """Keep the input of a tick for a replay, and do not apply it: the picture stays as it is.

        For ticks in which the server does not answer. Parameters and errors as in :meth:`predict`.
        """
        self._append(_Tick(number, self._taken(input, number), None))

    def coast(self) -> None:
        """Apply the newest input once more, without a number of its own; do nothing before the first.

        For the ticks in which the picture runs to a stop. The next replay replaces them.

        Whatever ``step`` raises comes through, and nothing is applied.
        """
        if self._pending and self._mine is not None:
            self._before, self._mine = self._mine, self._run(self._mine, self._pending[-1].input)
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
        """Take in the server's truth: begin there, and replay the inputs that it does not include yet.

        :param game_state: a received state. It is only read.
        :param applied: number of the last of my inputs that it includes; None or -1 if none.
        :param tick: the state's number. Give it where you know it: without, a state is known to be older than another
            only if it includes fewer inputs.
        :param replay: False while the server confirms no inputs: it may never apply those that are pending, so they are
            only kept, and my part is that of the state.
        :param smoothing_time: seconds in which an error that turns up here fades out, if that is more than the
            predictor's own: after a silence it may be a large one.
        :returns: False if it is older than another, or that one again: then nothing was done.

        Whatever ``step`` or ``select`` raise comes through, and everything stays as it was.
        """
        applied = -1 if applied is None else applied
        if self._is_old(applied, tick):
            return False
        truth = self._select(game_state)
        if truth is not None:
            truth = self._clean(truth, "select")
        ticks, known = self._replayed(truth, applied) if replay else (self._kept(applied), False)
        if known:
            self.last_error = 0.0
        else:
            mine = ticks[-1].after if ticks and replay else truth
            self._correct(mine, smoothing_time)
            self._before, self._mine = ticks[-2].after if len(ticks) > 1 and replay else truth, mine
        self._pending, self._truth, self._applied, self._tick = ticks, truth, applied, tick
        self._ahead = len(ticks) if replay else 0
        return True

    def view(self, now: float, fraction: float | None = None, input: Any = _NO_INPUT) -> Any:
        """Return my part to be drawn at ``now``; None while there is nothing of mine.

        With ``fraction`` and ``input`` the picture runs ahead into the tick under way: what the player does shows in
        this very frame. The price is a recoil of less than a tick's movement where they let go in the middle of a tick,
        since the server will see the whole tick without that input. With ``fraction`` alone the picture goes from the
        last tick but one to the last: it never recoils, and is a tick late. With neither it is the last tick.

        :param now: any clock that counts seconds, the same in each call.
        :param fraction: how far ``now`` is into the tick under way, from 0.0 to 1.0: ``FixedTimestep.fraction``.
            Numbers that glide go that far, all else is as at the end already.
        :param input: what the player does at this moment.

        It shares parts with the predicted state: read it, never change it.
        """
        mine = self._mine
        if mine is None:
            return None
        if fraction is not None:
            mine = self._partly(mine, fraction, input)
        self._fade(now)
        return mine if self._ways is None else displaced(mine, self._ways, self._left)

    # -- inputs ----------------------------------------------------------------------------------------------------

    def _taken(self, input: Any, number: int) -> Any:
        """Return an input as it will reach the server, and nobody else's; refuse a number that does not rise."""
        if not number > self._number:
            raise ValueError(
                f"input {number!r} cannot follow input {self._number}: numbers rise from 0 up, one for each tick; "
                "reset() the predictor when a new connection begins"
            )
        return self._cleaner.clean(input, "input")

    def _append(self, tick: _Tick) -> None:
        if len(self._pending) >= self._max_pending:
            self._pending.popleft()
            self.dropped += 1
        self._pending.append(tick)
        self._number = tick.number

    # -- the truth and what follows from it ------------------------------------------------------------------------

    def _is_old(self, applied: int, tick: int | None) -> bool:
        if tick is not None and self._tick is not None:
            return tick <= self._tick
        return applied < self._applied

    def _replayed(self, truth: Any, applied: int) -> tuple[deque[_Tick], bool]:
        """Return the inputs that remain, with what follows from ``truth``; and whether that was known before."""
        ticks = [tick for tick in self._pending if tick.number > applied]
        expected = self._expected(applied)
        as_expected = truth is not None and expected is not None and exactly_equal(truth, expected)
        if as_expected and all(tick.after is not None for tick in ticks):
            return deque(ticks), True
        mine, replayed = truth, deque[_Tick]()
        for tick in ticks:
            mine = None if mine is None else self._run(mine, tick.input)
            replayed.append(_Tick(tick.number, tick.input, mine))
        return replayed, False

    def _kept(self, applied: int) -> deque[_Tick]:
        """Return the inputs that remain, none of them applied."""
        return deque([tick._replace(after=None) for tick in self._pending if tick.number > applied])

    def _expected(self, applied: int) -> Any:
        """Return what my part should be once the server has applied that input; None if I cannot know."""
        for tick in self._pending:
            if tick.number == applied:
                return tick.after
        return self._truth if applied == self._applied else None

    def _correct(self, mine: Any, smoothing_time: float) -> None:
        """Make what was shown so far, as far as it is off ``mine``, a visible error that fades out."""
        before = self._mine
        if mine is None or before is None:
            self._ways, self.last_error = None, 0.0
        elif before == mine or exactly_equal(before, mine):
            self.last_error = 0.0
        else:
            off = self._ways_to(mine, before)
            shown = before if self._ways is None else displaced(before, self._ways, self._left)
            self.last_error = greatest_difference(before, mine) if off is None else largest(off)
            visible = self._smoothing_time and self._shown_at is not None
            longer = max(smoothing_time, self._smoothing_time)
            self._fading_time = longer if self._ways is None else max(longer, self._fading_time)
            self._ways = self._ways_to(mine, shown) if visible else None
            self._left = 1.0
            self.corrections += 1

    def _fade(self, now: float) -> None:
        """Let the visible error fade for the time since the latest view; a clock that steps back is no time."""
        passed = 0.0 if self._shown_at is None else max(now - self._shown_at, 0.0)
        self._shown_at = now
        if self._ways is not None:
            self._left *= math.exp(-_FADED * passed / self._fading_time)
            if self._left < _INVISIBLE:
                self._ways = None

    # -- steps, and trees between others ---------------------------------------------------------------------------

    def _run(self, mine: Any, command: Any) -> Any:
        """Run the rules on copies: received states are shared, and pending inputs are needed again."""
        return self._clean(self._step(thawed(mine), thawed(command)), "step")

    def _clean(self, mine: Any, name: str) -> Any:
        """Return a copy of what a function of the game gave, as it would arrive from the server: tuples as lists."""
        if mine is None:
            raise TypeError(f"{name} returned None; it must return the whole of the player's part, changed or not")
        return self._cleaner.clean(dict(mine) if isinstance(mine, Mapping) else mine, f"what {name} returned: mine")

    def _partly(self, mine: Any, fraction: float, input: Any) -> Any:
        """Return what is that far into the tick after my part, or if no input is given the one before."""
        if input is _NO_INPUT:
            before, after = self._before, mine
        elif fraction > 0.0:
            before, after = mine, self._run(mine, self._cleaner.clean(input, "input"))
        else:
            return mine
        # backwards, so that all that does not glide is as in ``after``
        return after if fraction >= 1.0 else self._blend(after, before, min(1.0 - fraction, _ALMOST))

    def _blend(self, older: Any, newer: Any, progress: float) -> Any:
        if type(older) is dict and type(newer) is dict:
            return self._blender.blend(older, newer, progress)
        return self._blender.blend({_ROOT: older}, {_ROOT: newer}, progress)[_ROOT]

    def _ways_to(self, here: Any, there: Any) -> Ways:
        """Return how far the gliding numbers of ``there`` are off those of ``here``; those that jump are not."""
        return doubled_way(here, self._blend(here, there, 0.5))


def _blender(smooth: Iterable[str | Interpolate] | None, snap_distance: float | None) -> Blender | FloatBlender:
    if smooth is None:
        return FloatBlender(snap_distance)
    rules = [smooth] if isinstance(smooth, (str, Interpolate)) else list(smooth)
    paths = [rule for rule in rules if isinstance(rule, str)]
    point = [Interpolate(*paths, snap_distance=snap_distance)] if paths else []
    return Blender([*point, *(rule for rule in rules if not isinstance(rule, str))])
