"""The call of a game's time step, once a tick."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

from ..event import takes
from .failures import Failures, UpdateApplier
from .simulation import Simulation
from .slow_ticks import TIME_STEP
from .state_keeper import StateKeeper


def check_time_step(function: Callable[..., Any]) -> None:
    """Refuse a time step that cannot be called, before the game begins.

    :raises TypeError: with the arguments of the call, and the function's parameters.
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(None, 0.0, **({"inputs": {}} if takes(function, "inputs") else {}))
    except TypeError as error:
        raise TypeError(
            f"time_step_function is called with (game_state, dt), and with inputs if it has a parameter of that name; "
            f"yours takes {signature}: {error}"
        ) from None


class TimeStepCall:
    """Calls the time step, and applies its return value.

    :param missing: the time step of a game that has none; its NotImplementedError is raised.
    """

    def __init__(
        self,
        simulation: Simulation,
        states: StateKeeper,
        failures: Failures,
        updates: UpdateApplier,
        missing: Callable[..., Any],
    ) -> None:
        self._simulation = simulation
        self._states = states
        self._failures = failures
        self._updates = updates
        self._missing = missing
        self._known: Any = None
        self._takes_inputs = False
        """Of the time step ``_known``."""

    def take(self, dt: float, now: float, via: Callable[..., Any] | None = None) -> Any:
        """Call the time step; return what it returns, or None if it raises.

        :param now: the time of the tick; ``via``: calls the function with its name and arguments.
        """
        inputs = self._simulation.player_inputs
        if inputs is not None and inputs.bots:
            inputs.bots.decide(self._states.working_state, now, self._failures.report)
        try:
            step = self._simulation.time_step
            more = self._inputs_for(step, now)
            if via is not None:
                step = partial(via, TIME_STEP, step)
            update = step(self._states.working_state, dt, **more)
            self._updates.apply(update, TIME_STEP)
            return update
        except Exception as error:
            is_missing = getattr(self._simulation.time_step, "__func__", None) is self._missing
            if is_missing and isinstance(error, NotImplementedError):
                raise
            self._failures.report(error, TIME_STEP)
            return None

    def _inputs_for(self, step: Callable[..., Any], now: float) -> dict[str, Any]:
        function = getattr(step, "__func__", step)
        if function is not self._known:
            self._known, self._takes_inputs = function, takes(step, "inputs")
        inputs = self._simulation.player_inputs
        if not self._takes_inputs:
            if inputs is not None:
                inputs.pass_by()
            return {}
        return {"inputs": inputs.take(now=now) if inputs is not None else {}}
