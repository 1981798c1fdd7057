"""The insides of a game state machine, for backends, servers, simulated networks and tests. Games use
:class:`pygase.GameStateMachine`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .._diagnostics.log_lines import LogLines
from .._io.clocks import monotonic
from ..event import Event, UniversalEventHandler
from .event_handling import EventHandling
from .failures import Failures, UpdateApplier
from .loop import MAX_DT, TickLoop
from .reused_keys import ReusedKeys
from .simulation import Simulation
from .state_keeper import StateKeeper
from .time_step import TimeStepCall
from .turns import Turns
from .watching import Watch

if TYPE_CHECKING:
    from ..timeline.history import StateHistory
    from ..timeline.rules import Interpolate


def debug_wanted(debug: bool | None) -> bool:
    """Return ``debug``; if it is None, whether PYGASE_DEBUG is set or Python runs in its development mode."""
    if debug is not None:
        return debug
    return os.environ.get("PYGASE_DEBUG", "") not in ("", "0") or sys.flags.dev_mode


class MachinePlumbing:
    """The loop of a game state machine, its tick, and the parts of a tick.

    :param simulation: the machine; ``states``: the core of its store.
    :param missing_time_step: the time step of a game that has none.

    :ivar events: the events of the next tick.
    :ivar log: logs repeated lines once a second.
    :ivar has_players: returns whether any client is connected.
    :ivar turns: the turns of a server on the same thread.
    """

    def __init__(
        self,
        simulation: Simulation,
        states: StateKeeper,
        missing_time_step: Callable[..., Any],
        takes_serialised: Callable[[], bool],
    ) -> None:
        self.simulation = simulation
        self.states = states
        self.log = LogLines()
        self.handlers = UniversalEventHandler(self.log)
        self._failures = Failures(simulation, self.handlers, self.log)
        updates = UpdateApplier(simulation, states, self._failures)
        self.watch = Watch(
            states,
            monotonic,
            lambda name: self._failures.called(name, place=True),
            lambda: self.handlers.types_that_get("game_state"),
        )
        self.events = EventHandling(simulation, states, self.handlers, self._failures, updates, self.watch, self.log)
        self._step = TimeStepCall(simulation, states, self._failures, updates, missing_time_step)
        self._reused_keys = ReusedKeys()
        self.loop = TickLoop(self)
        self.has_players: Callable[[], bool] = lambda: False
        self.turns = Turns()
        self._takes_serialised = takes_serialised
        self._watch_at = 0.0
        """When the watch has something to do next, on the store's clock."""
        self._look_at = 0.0

    @property
    def takes_serialised(self) -> bool:
        """Whether events may go straight to ``events.arrived``, because no subclass replaces ``_push_event``."""
        return self._takes_serialised()

    def push(self, event: Event) -> None:
        """Take an event for the next tick; from any thread."""
        self.events.arrived.append(event)

    def dt_after(self, elapsed: float) -> float:
        """Return the seconds since the last tick, up to ``max_dt``."""
        interval, max_dt = self.simulation.interval, self.simulation.max_dt
        return min(elapsed, max(MAX_DT, 2 * interval) if max_dt is None else max(max_dt, interval))

    def tick(self, dt: float, now: float) -> None:
        """Handle events, call the time step, settle the state.

        :param dt: seconds that the world moves on; ``now``: the time on the store's clock.
        """
        self.turns.before_tick()
        states, simulation = self.states, self.simulation
        states.begin_tick()
        try:
            self.events.apply_finished()
            self._failures.raise_pending()
            if now < self._watch_at:
                self.events.handle(dt)
                self._step.take(dt, now)
            else:
                self._advance_watched(dt, now)
            simulation.game_time += dt
        finally:
            states.end_tick(now, dt + simulation.interval / 2)
            if states.committed.is_paused:  # the game has set its status
                self.loop.is_stopping = True
            if simulation.history is not None:
                self.remember(simulation.history)
            if simulation.debug:
                self._reused_keys.look(states.committed.delta, states.committed.time)
            self.turns.after_tick()

    def _advance_watched(self, dt: float, now: float) -> None:
        watch, simulation = self.watch, self.simulation
        if watch.closer:
            self.events.handle(dt, watch.finder(self.handlers.find))
            update = self._step.take(dt, now, watch.call)
        else:
            self.events.handle(dt)
            update = self._step.take(dt, now)
        if now >= self._look_at:
            players, in_place = self.has_players(), not simulation.debug
            self._look_at = now + watch.look(simulation.interval, update, has_players=players, in_place=in_place)
        self._watch_at = 0.0 if watch.closer else self._look_at

    def note_late(self, count: int, took: float) -> None:
        """``count`` ticks were left out, right after the late tick, which took ``took`` seconds."""
        self.watch.late(count, took, self.simulation.interval)
        if self.watch.closer:
            self._watch_at = 0.0

    # -- history ---------------------------------------------------------------------------------------------------

    def new_history(self, seconds: float, interpolate: Iterable[str | Interpolate]) -> StateHistory:
        from ..timeline.history import StateHistory  # only here: few games need it, and its import takes time

        history = StateHistory(seconds, interpolate)
        commit = self.states.wire.follow(self.states.committed)
        history.push(commit.tick, commit.time, commit.tree)
        return history

    def remember(self, history: StateHistory) -> None:
        commit = self.states.wire.follow(self.states.committed)
        history.push(commit.tick, commit.time, commit.tree, span=commit.span)

    def restart_history(self) -> None:
        """Let the history begin with the newest state: the store has another clock."""
        history = self.simulation.history
        if history is not None:
            history.clear()
            commit = self.states.wire.follow(self.states.committed)
            history.push(commit.tick, commit.time, commit.tree)
