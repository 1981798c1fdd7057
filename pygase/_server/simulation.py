"""The public attributes of a GameStateMachine that its parts read and write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from ..timeline.history import StateHistory
    from .players import PlayerInputs


class Simulation(Protocol):
    debug: bool
    game_time: float
    history: StateHistory | None
    interval: float
    late_ticks: int
    max_dt: float | None
    player_inputs: PlayerInputs | None

    @property
    def time_step(self) -> Callable[..., Any]:
        """The game's time step, as it is now: a game may assign another one at any time."""
