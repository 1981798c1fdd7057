"""The prediction of a whole world: replayed in place, from each truth, with the inputs of all players. Pure.

There is no history of worlds. Each truth is copied once, and stepped forward through all inputs that it does not
include. What the replay changes is drawn by springs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .._state.precision import Precision
from .bodies import GlidingBodies, Numbers, moved
from .first_guesses import FirstGuesses, Spread
from .happenings import Happenings
from .pending_inputs import PendingInputs
from .springs import Motion, Springs
from .switching import Switching
from .world_prediction import WorldPrediction, wanted_delay
from .world_rules import KnownInputs, WorldRules, copied

__all__ = ["WorldPredictor"]

MAX_PENDING_INPUTS: Final = 128
"""Most inputs that wait for the server's answer, and most ticks of a replay."""

_NOT_GIVEN: Final = object()


class _Truth(NamedTuple):
    """A received world.

    :ivar applied: the last of the player's inputs that it includes.
    :ivar rested: ticks for which it stands already.
    """

    world: Any
    inputs: KnownInputs
    applied: int
    rested: int


class _Received:
    """What has been received.

    :ivar tick: of the latest state.
    :ivar applied: the last of the player's inputs that it includes.
    :ivar waiting: truths that are ahead of the shown tick, oldest first.
    """

    def __init__(self) -> None:
        self.tick: int | None = None
        self.applied = -1
        self.waiting: list[_Truth] = []

    def is_new(self, applied: int, tick: int | None) -> bool:
        """Return whether a state is newer than all others."""
        if tick is not None and self.tick is not None:
            return tick > self.tick
        return applied >= self.applied


class _Run:
    """A private copy of a truth, stepped in place.

    :ivar world: the world after ``ticks`` ticks.
    :ivar here: its bodies; ``before``: the same one tick before.
    """

    __slots__ = ("_bodies", "_rules", "_truth", "before", "here", "ticks", "world")

    def __init__(self, rules: WorldRules, bodies: GlidingBodies, truth: _Truth) -> None:
        self._rules, self._bodies, self._truth = rules, bodies, truth
        self.world = copied(truth.world)
        self.ticks = 0
        self.before: Numbers = {}
        self.here: Numbers = {}

    def step(self, mine: Any, number: int) -> None:
        """Go on by a tick."""
        self.world = self._rules.step(self.world, self._inputs(mine), number)
        self.ticks += 1

    def step_and_look(self, mine: Any, number: int) -> None:
        """Go on by a tick, and read the bodies."""
        self.before = self.here
        self.step(mine, number)
        self.look()

    def look(self) -> None:
        """Read the bodies."""
        self.here = self._bodies.read(self.world)

    @property
    def motion(self) -> Motion:
        """The bodies of the last tick, for the springs."""
        return Motion(self.before, self.here, self._bodies.marks(self.world))

    def begun(self, mine: Any, number: int) -> Any:
        """Return the world after the next tick; this one stays."""
        return self._rules.step(copied(self.world), self._inputs(mine), number)

    def _inputs(self, mine: Any) -> dict[int, Any]:
        return self._truth.inputs.at(self._truth.rested + self.ticks + 1, mine)


class WorldPredictor:
    """Predicts a whole world for one player. A pygame session has one; this is for other loops.

    In each frame: :meth:`reconcile` with the newest state. For each tick that is due, send the input and
    :meth:`predict` it. Then draw :meth:`view`.

    :param prediction: the rules.
    :param interval: seconds of a tick.
    :param max_pending: most inputs kept for a replay, from 1 up. Beyond it the oldest are dropped.
    :param happenings: gets what ``tell`` reports; by default :attr:`happenings` is new.
    :ivar happenings: what the steps have reported: call its ``take`` once a frame.
    :ivar owner: the player's own id; set it before the first state.
    :ivar delay: ticks by which inputs are shown later than they are sent.
    """

    def __init__(
        self,
        prediction: WorldPrediction,
        interval: float,
        *,
        max_pending: int = MAX_PENDING_INPUTS,
        happenings: Happenings | None = None,
    ) -> None:
        self._prediction = prediction
        self._interval = interval
        self._rules = WorldRules(prediction.step)
        self._bodies = GlidingBodies(prediction.glide)
        self._inputs = PendingInputs(max_pending, self._rules.input)
        self._received = _Received()
        self._springs = Springs(self._bodies, interval)
        self._guesses = FirstGuesses(self._bodies)
        self._switching = Switching(self._bodies)
        self.happenings = Happenings(prediction.within, interval=interval) if happenings is None else happenings
        self.owner: int | None = None
        self.reset()

    def reset(self) -> None:
        """Forget states, inputs and numbers. Call it when a new connection begins."""
        delay = self._prediction.input_delay
        self.delay = 0 if delay == "auto" else int(delay)
        self._inputs.reset()
        self._received = _Received()
        self._shown = -1  # number of the latest input in the world
        self._truth: _Truth | None = None
        self._run: _Run | None = None
        self._springs.reset()
        self._guesses.reset()
        self._switching.reset()
        self.happenings.reset()

    # -- figures ---------------------------------------------------------------------------------------------------

    @property
    def errors(self) -> dict[str, Spread]:
        """How far the first guess of each body was from the truth, in its own unit, by its path in the world.

        Jumps beyond ``Glide.snap`` do not count; differences within the declared precision are 0.0.
        """
        return self._guesses.spreads()

    @property
    def precision(self) -> Mapping[str, float]:
        """The steps to which the server rounds the world's numbers, by their paths; may be set at any time."""
        return self._guesses.precision.declared()

    @precision.setter
    def precision(self, declared: Mapping[str, float] | None) -> None:
        self._guesses.precision = Precision.parse(declared)

    @property
    def number(self) -> int:
        """Number of the latest input; -1 before the first."""
        return self._inputs.number

    @property
    def dropped(self) -> int:
        """Number of inputs dropped because of ``max_pending``."""
        return self._inputs.dropped

    @property
    def predicted(self) -> Any:
        """The world after all shown inputs, without smoothing, for game logic; None while there is none.

        Only read it. The next call of :meth:`predict` changes it.
        """
        return None if self._run is None else self._run.world

    @property
    def pending(self) -> int:
        """Number of inputs that the server has not confirmed."""
        return len(self._inputs)

    @property
    def ahead(self) -> int:
        """Ticks from the latest truth to the predicted world."""
        return 0 if self._run is None else self._run.ticks

    @property
    def visible_error(self) -> float:
        """The largest distance between a body in the picture and its prediction."""
        return self._springs.size

    # -- inputs ----------------------------------------------------------------------------------------------------

    def predict(self, input: Any, number: int) -> None:
        """Take the input of a tick, and let the world go on by a tick.

        An exception of ``step`` passes through; the input then is not taken, and the world is as before.

        :param number: of the input, higher than all others.
        :raises ValueError: ``number`` is not higher.
        :raises InvalidValue: the input cannot be sent.
        """
        earlier, shown = self.number, self._shown
        self.keep(input, number)
        try:
            self._go_on()
        except BaseException:
            self._inputs.take_back(earlier)
            self._rewind_to(shown)
            raise

    def keep(self, input: Any, number: int) -> None:
        """Keep the input of a tick for a replay without applying it, in a silence. See :meth:`predict`."""
        self._inputs.add(input, number)

    def coast(self) -> None:
        """Apply the newest input once more, while the picture slows down to a stop. The next replay replaces it."""
        if self._run is not None and self._inputs:
            self._run.step_and_look(self._inputs.newest, -1)
            self._rules.take_told()

    def aim(self, rtt: float) -> None:
        """Let "auto" choose the delay of inputs by the round-trip time, in seconds."""
        if self._prediction.input_delay == "auto":
            self.delay = wanted_delay(rtt, self._interval, self.delay)

    def _go_on(self) -> None:
        """Step the world through the inputs that are due to be shown."""
        run, target = self._run, self.number - self.delay
        if run is None or target <= self._shown:
            return
        first = self._shown
        self._rules.take_told()
        for sent in self._inputs.between(first, target):
            run.step_and_look(sent.input, sent.number)
            self._shown = sent.number
            self._guesses.guess(sent.number, run.world)
        self.happenings.simulated(self._rules.take_told(), after=first, upto=self._shown)

    def _rewind_to(self, shown: int) -> None:
        """Put the world back as it was, after a step that raised an exception in the middle of it."""
        self._shown, self._run = shown, None
        if self._truth is not None:
            self._run = self._replayed(self._truth, shown)
        self._rules.take_told()

    # -- the truth and the replay ----------------------------------------------------------------------------------

    def reconcile(
        self,
        game_state: Mapping[str, Any],
        applied: int | None,
        *,
        tick: int | None = None,
        inputs: Mapping[int, tuple[Any, ...]] | None = None,
        rested: int = 0,
        replay: bool = True,
        smoothing_time: float = 0.0,
    ) -> bool:
        """Take the server's truth, and replay all inputs that it does not include yet.

        An exception of ``step`` passes through; everything then stays as it was.

        :param game_state: a received state. It is only read.
        :param applied: number of the last input that the state includes; None or -1 if it includes none.
        :param tick: number of the state, or any other number that rises with each newer truth.
        :param inputs: ``Snapshot.inputs``.
        :param rested: ticks for which the state stands already.
        :param replay: False while the server confirms no inputs. Then pending inputs are only kept.
        :param smoothing_time: seconds in which an error found here fades out, if longer than the rules say.
        :returns: False if the state is not newer than another. A truth that is ahead of the shown tick waits for it.
        """
        applied = -1 if applied is None else applied
        received, is_new = self._received, self._received.is_new(applied, tick)
        truths = received.waiting
        if is_new:
            known = KnownInputs(inputs or {}, self.owner, self._prediction.guess)
            truths = [*truths, _Truth(self._world_of(game_state), known, applied, rested)]
        due = self._due(truths, replay)
        if due is not None:
            self._take(due, replay, smoothing_time)
            truths = [truth for truth in truths if truth.applied > due.applied]
        received.waiting = truths
        if is_new:
            received.tick, received.applied = tick, applied
        return is_new

    def _world_of(self, game_state: Mapping[str, Any]) -> Any:
        keys = self._prediction.keys(game_state)
        node: Any = game_state
        for key in keys or ():
            node = node[key]
        return None if keys is None else self._prediction.part(node, self.owner)

    def _due(self, truths: list[_Truth], replay: bool) -> _Truth | None:
        """Return the newest truth that is not ahead of the shown tick.

        Without input delay it is the newest of all. Truths do not wait longer than the delay: while no inputs are sent
        the shown tick stands, and the world goes on.
        """
        if not truths:
            return None
        if self._run is None or not replay or not self.delay:
            return truths[-1]
        target = self.number - self.delay
        due = [truth for truth in truths if truth.applied <= target or truth.world is None]
        if due:
            return due[-1]
        return truths[0] if len(truths) > self.delay else None

    def _take(self, truth: _Truth, replay: bool, smoothing_time: float) -> None:
        """Replace the world by the replay of a truth."""
        target = max(self.number - self.delay, truth.applied) if replay else truth.applied
        run = None if truth.world is None else self._replayed(truth, target)
        told, old = self._rules.take_told(), self._run
        if run is None:
            self._springs.clear()
        elif old is not None:
            self._springs.correct(old.motion, run.motion, self.owner, smoothing_time)
        if run is not None:
            self._guesses.truth(truth.applied, truth.world, measure=replay)
            self._guesses.guess(target, run.world)
        if replay and run is not None:
            self.happenings.simulated(told, after=truth.applied, upto=target)
        self.happenings.settle(truth.applied)
        self._inputs.confirm(truth.applied)
        self._truth, self._run, self._shown = truth, run, target

    def _replayed(self, truth: _Truth, target: int) -> _Run:
        """Return a copy of a truth after the inputs up to the shown one."""
        self._rules.take_told()
        run = _Run(self._rules, self._bodies, truth)
        due = self._inputs.between(truth.applied, target)
        for sent in due[:-1]:
            run.step(sent.input, sent.number)
        run.look()
        for sent in due[-1:]:
            run.step_and_look(sent.input, sent.number)
        return run

    # -- the picture -----------------------------------------------------------------------------------------------

    def view(
        self,
        now: float,
        fraction: float | None = None,
        input: Any = _NOT_GIVEN,
        around: Mapping[Any, Any] | None = None,
    ) -> Any:
        """Return the world to be drawn at ``now``, a copy; None while there is none.

        :param now: any clock that counts seconds, the same in each call.
        :param fraction: position of ``now`` in the current tick, from 0.0 to 1.0. The picture runs ahead by it, so a
            command shows in this very frame. None: the picture is the last tick.
        :param input: the player's command at this moment; by default the newest one.
        :param around: with ``WorldPrediction.near``, the whole world as it is interpolated: all that is not predicted
            is drawn from it.
        """
        run = self._run
        if run is None:
            return None
        self._springs.fade(now, fraction or 0.0)
        errors = self._springs.errors()
        if fraction is None or fraction <= 0.0:
            world, numbers = copied(run.world), run.here if errors else {}
        else:
            world, numbers = self._partly(run, min(fraction, 1.0), input)
        if numbers:
            self._bodies.write(world, moved(numbers, errors) if errors else numbers)
        return world if around is None else self._switching.joined(around, world, now)

    def _partly(self, run: _Run, fraction: float, input: Any) -> tuple[Any, Numbers]:
        """Return the world at the end of the tick that has begun, and its bodies at a fraction of their way there."""
        number = self._shown + 1
        after = run.begun(self._command(number, input), number)
        told = self._rules.take_told()
        if not self._coasts(run):
            self.happenings.simulated(told, after=self._shown, upto=number)
        here, there = run.here, self._bodies.read(after)
        back, old, new = 1.0 - fraction, self._bodies.marks(run.world), self._bodies.marks(after)
        for body, numbers in there.items():
            start = here.get(body)
            if start is None or start == numbers or len(start) != len(numbers) or old.get(body) != new.get(body):
                continue
            way = self._bodies.ways(body, numbers, start)
            if not self._bodies.jumps(body, way):
                there[body] = tuple([b + each * back for b, each in zip(numbers, way, strict=True)])
        return after, there

    def _coasts(self, run: _Run) -> bool:
        """Return whether the world has gone beyond the shown tick, or not up to it, in a silence."""
        applied = -1 if self._truth is None else self._truth.applied
        return run.ticks != len(self._inputs.between(applied, self._shown))

    def _command(self, number: int, input: Any) -> Any:
        """Return the input of the tick that has begun: one that was sent and waits, or the newest."""
        for sent in self._inputs.between(number - 1, number):
            return sent.input
        return self._inputs.newest if input is _NOT_GIVEN else self._rules.input(input)
