"""The game loop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ._diagnostics.tracebacks import program_lines_only
from ._io import runner
from ._io.calls import block_or_return
from ._io.leaving import note_running
from ._io.signals import ended_by_signals
from ._server.loop import DEFAULT_INTERVAL
from ._server.machine_plumbing import MachinePlumbing, debug_wanted
from ._server.players import PlayerInputs
from .event import Event, Handler
from .gamestate import GameState
from .registering import TakesHandlers
from .store import GameStateStore

if TYPE_CHECKING:
    from .timeline.history import StateHistory
    from .timeline.rules import Interpolate


class GameStateMachine(TakesHandlers):
    """Run a simulation that propagates the game state.

    Inherit from it and implement :meth:`time_step`, or assign a function to ``time_step`` after instantiation.

    :param game_state_store: the part of the backend that holds the state.
    :param debug: raise the exceptions of handlers and time step, and raise InPlaceChange at the first change in place.
        A key that is used again within a second after its removal is logged.
        None: if the environment variable PYGASE_DEBUG is set, or under ``python -X dev``. Otherwise both are logged.
    :param max_dt: the longest ``dt``, in seconds, after any pause of the machine (a suspended process, a long tick), so
        that no ball flies through a wall in one step. None: 0.25, or two intervals if that is more. It is never less
        than the interval. ``math.inf``: ``dt`` is always the true one.
    :raises ValueError: ``max_dt`` is not above 0.

    The loop logs a time step that only ever returns None, once, and ticks that take longer than their interval, with
    their slowest part.

    :ivar game_time: seconds that the game has run: the sum of all ``dt``.
    :ivar max_dt: as the parameter; may be set at any time.
    :ivar late_ticks: number of ticks that were left out because earlier ones took too long.
    :ivar interval: seconds between ticks, as given to the newest game loop.
    :ivar history: the states of the last second, if :meth:`keep_history` was called; else None.
    :ivar plumbing: PyGaSe's own, not for games; it may change at any time.
    """

    time_step: Callable[..., Mapping[str, Any] | None]

    def __init__(
        self, game_state_store: GameStateStore, *, debug: bool | None = None, max_dt: float | None = None
    ) -> None:
        if not isinstance(game_state_store, GameStateStore):
            raise TypeError(f"game_state_store must be a GameStateStore, got {game_state_store!r}")
        if max_dt is not None and not (isinstance(max_dt, (int, float)) and max_dt > 0):
            raise ValueError(f"max_dt must be a number of seconds above 0, math.inf or None, got {max_dt!r}")
        self.max_dt = max_dt
        self.game_time = 0.0
        self.late_ticks = 0
        self.interval = DEFAULT_INTERVAL
        self.history: StateHistory | None = None
        self.player_inputs: PlayerInputs | None = None
        self.debug = debug_wanted(debug)
        self.game_state_store = game_state_store
        self.plumbing: MachinePlumbing = MachinePlumbing(
            self, game_state_store.plumbing, _missing_time_step, self._takes_serialised
        )

    @property
    def _game_state_store(self) -> GameStateStore:
        return self.game_state_store

    # -- events --------------------------------------------------------------------------------------------------

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register an event handler for a specific event type.

        Events reach it if this machine is the ``event_wire`` of ``Server.run``, as in a Backend.

        :param event_type: as in ``Client.register_event_handler``.
        :param event_handler_function: function or coroutine function. Besides the event's data it gets by name, if its
            signature takes them, ``game_state``, ``dt`` (seconds since the last tick), ``client_id`` (the sender) and
            ``client_address`` (where the sender is). It returns a dict of updated state attributes, like
            :meth:`time_step`, or None. A coroutine's update is applied in the tick after its end.
        """
        self.plumbing.handlers.register_event_handler(event_type, event_handler_function)

    def _push_event(self, event: Event) -> None:
        """Take an event for the next tick; from any thread."""
        self.plumbing.push(event)

    def _takes_serialised(self) -> bool:
        """Return whether nobody has replaced ``_push_event``."""
        return getattr(self._push_event, "__func__", None) is GameStateMachine._push_event

    def has_event_type(self, event_type: str) -> bool:
        """Return whether there is a handler for that type. A server asks this of its event wire."""
        return self.plumbing.handlers.has_event_type(event_type)

    # -- the loop ------------------------------------------------------------------------------------------------

    def run_game_loop(self, interval: float = DEFAULT_INTERVAL) -> Any:
        """Simulate the game world.

        Blocks until :meth:`stop`; inside an event loop it returns a coroutine. As long as the simulation runs,
        ``game_state.game_status`` is ``GameStatus.get("Active")``. A tick that sets it to ``GameStatus.get("Paused")``,
        by what a handler or the time step returns, is the last one: the loop ends as by :meth:`stop`.

        Ticks have fixed times, ``interval`` apart. After a longer tick, the overdue ones are left out, and ``dt`` is
        longer, up to :attr:`max_dt`.

        :param interval: seconds between consecutive ticks.
        :raises ValueError: if it is not positive.
        :raises RuntimeError: if the loop runs already.
        :raises InvalidValue, StateTooLarge: if the initial state holds by now what cannot be sent.
        """

        async def run() -> None:  # it claims when it begins: a coroutine that is never awaited leaves nothing behind
            with program_lines_only:
                self.plumbing.loop.claim(interval)
                await ended_by_signals(self.plumbing.loop.run(interval))

        with program_lines_only:
            return block_or_return(run, "machine.run_game_loop(...)", "machine.run_game_loop_in_thread(...)")

    def run_game_loop_in_thread(self, interval: float = DEFAULT_INTERVAL) -> threading.Thread:
        """Simulate the game in a separate (daemon) thread, and return it. See :meth:`run_game_loop`."""
        plumbing = self.plumbing
        plumbing.loop.claim(interval)
        plumbing.states.begin(has_loop=True)
        calls = "machine.run_game_loop_in_thread(...)", "machine.run_game_loop(...)"
        note_running(plumbing.loop.life.ended, *calls, lambda: plumbing.has_players())

        def run() -> None:
            with program_lines_only:
                runner.run_to_end(plumbing.loop.run(interval))

        return runner.start_thread(run, "pygase-game-loop")

    def stop(self, timeout: float = 1.0) -> Any:
        """Pause the game simulation: ``game_status`` becomes ``GameStatus.get("Paused")``.

        A later ``run_game_loop`` resumes it. Blocks; inside an event loop it begins at once, and returns an awaitable.

        :param timeout: seconds to wait for the simulation to stop.
        :returns: whether it has stopped in time.
        """
        self.plumbing.loop.request_stop()
        return self.plumbing.loop.wait(timeout)

    # -- the game ------------------------------------------------------------------------------------------------

    def keep_history(self, seconds: float = 1.0, interpolate: Iterable[str | Interpolate] = ()) -> StateHistory:
        """Keep the states of the last seconds, to judge what a player saw: ``history.at(player_input.view_time)``.

        :param seconds: how far back.
        :param interpolate: the numbers that clients draw smoothly, as they name them.
        :returns: the history, which is :attr:`history` as well; a second call begins a new one.
        """
        self.history = self.plumbing.new_history(seconds, interpolate)
        return self.history

    def time_step(self, game_state: GameState, dt: float) -> dict[str, Any] | None:  # type: ignore[no-redef]
        """Calculate a game state update; to be implemented by the game.

        :param game_state: the state before the tick. Do not change it; return the changes.
        :param dt: seconds since the last tick; use it to simulate at a constant speed. After a pause it is
            :attr:`max_dt` (by default max(0.25 s, 2 × interval)), so the game goes on where it was.
        :param inputs: (if the signature has a parameter of that name) a dict of client id → PlayerInput: the
            input in this tick of each player with ``Client.send_input``.
        :returns: updated state attributes: nested dicts are merged, everything else replaced, TO_DELETE removes a key.
        """
        raise NotImplementedError(
            "time_step is not implemented: assign a function time_step(game_state, dt) to the GameStateMachine, or "
            "inherit "
            "from it and define the method"
        )


_missing_time_step = GameStateMachine.time_step
