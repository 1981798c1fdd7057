"""The backend of a game."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ._diagnostics.near_misses import OF_A_BACKEND, NearMisses
from ._diagnostics.tracebacks import program_lines_only
from ._io import runner
from ._io.calls import block_or_return
from ._io.leaving import note_running
from ._io.signals import ended_by_signals
from ._server.backend_plumbing import BackendPlumbing
from ._server.bots import check_bot
from ._server.start_line import after_bound
from ._server.state_pace import StatePace, rate_of
from ._server.time_step import check_time_step
from ._server.wire_tree import WireTree
from ._state.precision import Precision
from ._state.tree import Cleaner
from .checks import check_address, check_checkpoint_interval
from .config import DISCOVERY_PORT, ServerConfig
from .event import Handler
from .gamestate import GameState
from .machine import GameStateMachine
from .registering import AnyHandler
from .server import Server
from .store import GameStateStore

__all__ = ["Backend", "GameStateMachine", "GameStateStore", "Server"]


class Backend(NearMisses):
    """A complete backend: state, game loop and server.

    :param initial_game_state: state of the game before the simulation begins. (``initial_gamestate`` works as well.)
    :param time_step_function: takes a game state and a time difference in seconds and returns a dict of updated state
        attributes; see ``GameStateMachine.time_step``. With a parameter ``inputs`` it gets the players' inputs.
    :param event_handlers: event types and their handlers; see ``GameStateMachine.register_event_handler``.
    :param game, password, config, identity: see Server.
    :param debug, max_dt: see GameStateMachine.
    :param checkpoint: a file in which the state and the table of clients are saved while the backend runs. If it
        exists, the game goes on from it: its state replaces ``initial_game_state``, and its clients can resume their
        connections for ``config.resume_seconds``. Move the file away to begin a new game.
    :param checkpoint_interval: seconds between two saves. At most this time is lost if the process dies.
    :param precision: the smallest differences that matter: ``{"ents.*.x": 0.01, "ships.*.pos": 0.1}``. Clients get
        these floats (each item, of a list) rounded to such steps, in far fewer bytes. The game's own state stays exact.
        A path is keys joined by dots, with ``*`` for any key.
    :param view: ``see(tree, client_id) -> tree``, the part of the state that a client may see: it is called in each
        tick for each client, and everything else is never sent to it. ``tree`` is the state as nested dicts. Read it,
        never change it, and return a new dict made of parts of it, or ``tree`` itself. A part that the view no longer
        returns disappears at the client. One returned object for several clients is encoded once. If the view raises an
        exception, the client goes on seeing what it saw last.
    :param priority: what is urgent for a client whose line takes less than whole states: ``{"ents.*": 1.0,
        "ents.{me}": 10.0}``, or ``weigh(client_id, path, record) -> float`` with a path such as ``("ents", 7)``. Such a
        client gets the most urgent changes of each state, by weight × time since they wait, and no change waits for
        ever. Without it, such a client gets whole states, and fewer of them.
    :param share_inputs: whether each state carries every player's inputs: that of its tick, and those of the next ticks
        that are here already (``PlayerInput.ahead``, and a bot's plan). Clients predict the other players by them, as
        ``WorldPrediction`` does, and find them in ``Snapshot.inputs``. They are encoded once for all clients. A client
        that cheats can read inputs that wait for their tick. With a ``view``, a client gets the inputs of the players
        whom it may see: the view has left the player's id wherever it is a key in the state, in an attribute
        (``cars.7``) or in a dict in one (``world.cars.7``), and there is such a place.
    :param state_rate: states a second that clients get, 5 or more; None: one in each tick. Each state says which inputs
        it includes, so prediction and playback are as exact with few states, and lie further ahead and behind by at
        most the time between two of them. A tick in which an event is sent to a client has a state as well.
    :raises ValueError: ``state_rate`` is no such number.
    :raises TypeError: ``view`` is no such function; or (InvalidValue) ``precision`` or ``priority`` is no such dict.
    :raises CheckpointUnusable: (an OSError) the file is damaged or of another game, and stays as it is; or no file can
        be kept there.

    :ivar game_state_store: the GameStateStore, ``game_state_machine``: the GameStateMachine, ``server``: the Server.
    :ivar plumbing: PyGaSe's own, not for games; it may change at any time.

    Next: :meth:`run`, or :meth:`run_in_thread`.
    """

    _NEAR_MISSES: ClassVar = OF_A_BACKEND

    def __init__(
        self,
        initial_game_state: GameState | None = None,
        time_step_function: Callable[..., Mapping[str, Any] | None] | None = None,
        event_handlers: Mapping[str, Handler] | None = None,
        *,
        initial_gamestate: GameState | None = None,
        game: str = "",
        password: str | None = None,
        config: ServerConfig | None = None,
        identity: str | os.PathLike[str] | None = None,
        debug: bool | None = None,
        max_dt: float | None = None,
        checkpoint: str | os.PathLike[str] | None = None,
        checkpoint_interval: float = 5.0,
        precision: Mapping[str, float] | None = None,
        view: Callable[[Any, int], Mapping[str, Any]] | None = None,
        priority: Mapping[str, float] | Callable[[int, tuple[str | int, ...], Any], float] | None = None,
        share_inputs: bool = False,
        state_rate: float | None = None,
    ) -> None:
        if (initial_game_state is None) == (initial_gamestate is None):
            raise TypeError("Backend needs initial_game_state, once: Backend(GameState(...), time_step_function)")
        if not callable(time_step_function):
            raise TypeError(
                f"time_step_function must be a function of (game_state, dt) that returns a dict, got "
                f"{time_step_function!r}"
            )
        check_time_step(time_step_function)
        if event_handlers is not None and not isinstance(event_handlers, Mapping):
            raise TypeError(
                f"event_handlers must be a dict of event types and functions, got {event_handlers!r:.80} "
                f"of type {type(event_handlers).__name__}"
            )
        config = config or ServerConfig()
        state = initial_game_state if initial_game_state is not None else initial_gamestate
        with program_lines_only:
            self.game_state_store = GameStateStore(
                state, max_state_bytes=config.max_state_bytes, max_state_values=config.max_state_values
            )
            wire = self.game_state_store.plumbing.wire = WireTree(Precision.parse(precision))
            wire.pace = StatePace(rate_of(state_rate))
        self.game_state_machine = GameStateMachine(self.game_state_store, debug=debug, max_dt=max_dt)
        self.game_state_machine.time_step = time_step_function
        self.server = Server(self.game_state_store, game=game, password=password, config=config, identity=identity)
        machine = self.game_state_machine
        self.plumbing = BackendPlumbing(self.server.plumbing, machine.plumbing, machine)
        if view is not None:
            self.plumbing.show(view, share_inputs=share_inputs)
        elif share_inputs:
            self.plumbing.share_inputs()
        if priority is not None:
            with program_lines_only:
                self.plumbing.prefer(priority)
        if checkpoint is not None:
            check_checkpoint_interval(checkpoint_interval)
            with program_lines_only:
                self.plumbing.keep_checkpoint(checkpoint, checkpoint_interval, game, config.max_state_values)
        for event_type, handler in (event_handlers or {}).items():
            self.game_state_machine.register_event_handler(event_type, handler)

    def on(self, event_type: str) -> Callable[[AnyHandler], AnyHandler]:
        """Register the decorated function as the handler of an event type in the game loop::

            @backend.on("JOIN")
            def join(name, client_id):
                return {"players": {client_id: {"name": name}}}

        It is ``game_state_machine.register_event_handler`` in another form. The function stays as it is.
        """
        return self.game_state_machine.on(event_type)

    def bot(self, decide: Callable[..., Any], *, ahead: int = 12, profile: Mapping[str, Any] | None = None) -> int:
        """Let a function play like a client, and return the bot's client id, from the same counter as the clients'::

            def drive(game_state, client_id):
                return chase(game_state.cars[client_id], game_state.ball)

            backend.bot(drive)

        Its input is in ``inputs`` of the time step, and it counts ``ahead`` ticks after its decision, like a person's
        after the reaction time. With ``share_inputs``, clients get this plan, and predict the bot exactly. A handler of
        CLIENT_CONNECTED gets the bot's id and profile in the next tick, so :class:`Seats` gives it a seat. It is not in
        ``server.clients``, and no event can be sent to it.

        A checkpoint keeps the bots and their plans. The program makes them again when it starts: then the call returns
        the id that the bot of the checkpoint has, in the order in which they were made.

        :param decide: ``decide(game_state)``, with a parameter ``client_id`` if it wants its own id. It is called once
            in each tick, before the time step, and returns an input, as ``Client.send_input`` takes it. If it raises an
            exception, that is logged, and the last input of its plan is repeated.
        :param ahead: ticks from a decision to the tick in which it counts, 0 to 63. Until the first decision is due,
            that one counts.
        :param profile: plain data for the handler of CLIENT_CONNECTED, by default ``{"name": "Bot"}``.
        :raises TypeError: ``decide`` cannot be called in this way.
        :raises ValueError: ``ahead`` is no such number.
        """
        with program_lines_only:
            check_bot(decide, ahead)
            profile = {"name": "Bot"} if profile is None else profile
            return self.plumbing.add_bot(decide, ahead, Cleaner().clean(dict(profile), "profile"))

    def dismiss(self, client_id: int) -> bool:
        """End a bot, from any thread. A handler of CLIENT_LEFT gets its id in the next tick.

        :returns: whether there was a bot with this id.
        """
        return self.plumbing.dismiss_bot(client_id)

    def run(
        self,
        hostname: str = "localhost",
        port: int = 0,
        interval: float = 0.02,
        *,
        on_bound: Callable[[Server], Any] | None = None,
    ) -> Any:
        """Run state machine and server, in one loop, and bind the server to a given address.

        Blocks until :meth:`shutdown`; inside an event loop it returns a coroutine. Ctrl-C, SIGTERM and SIGHUP end it
        with a goodbye to every client; see ``Server.run``. On a terminal, a program that neither configures logging nor
        gives ``on_bound`` shows one line: where it serves.

        :param hostname, port: see ``Server.run``.
        :param interval: seconds between ticks; 0.02 is 50 a second.
        :param on_bound: called with the Server as soon as it is bound, before the first client gets in: the moment to
            print ``server.port``. An exception that it raises ends the run.
        :raises AddressInUse, AddressNotUsable: (both OSError) if it cannot be bound.
        """

        with program_lines_only:
            check_address(port, hostname, "run", least_port=0)

        async def run() -> None:  # it claims when it begins: a coroutine that is never awaited leaves nothing behind
            with program_lines_only:
                self.plumbing.claim(interval)
                then = after_bound(self.server, on_bound)
                await ended_by_signals(self.plumbing.run(hostname, port, interval, then))

        with program_lines_only:
            return block_or_return(run, "backend.run(...)", "backend.run_in_thread(...)")

    def run_in_thread(self, hostname: str = "localhost", port: int = 0, interval: float = 0.02) -> threading.Thread:
        """Run in a separate (daemon) thread, and return it as soon as the server is bound. See :meth:`run`."""
        with program_lines_only:
            check_address(port, hostname, "run_in_thread", least_port=0)
        plumbing = self.plumbing
        plumbing.claim(interval)
        bound = plumbing.server.bound
        calls = "backend.run_in_thread(...)", "backend.run(...)"
        note_running(plumbing.life.ended, *calls, lambda: plumbing.server.was_used)

        def run() -> None:
            try:
                with program_lines_only:
                    runner.run_to_end(plumbing.run(hostname, port, interval))
            except Exception as error:
                if bound.done():
                    raise
                bound.set_exception(error)

        thread = runner.start_thread(run, "pygase-backend")
        with program_lines_only:
            bound.result()
        return thread

    def announce(self, name: str = "", *, port: int = DISCOVERY_PORT, info: Mapping[str, Any] | None = None) -> None:
        """Let others on the local network find this game; see ``Server.announce``."""
        self.server.announce(name, port=port, info=info)

    def shutdown(self) -> Any:
        """Shut down server and stop game loop. Blocks; inside an event loop it begins at once and can be awaited."""
        driver = self.plumbing.begin_shutdown()
        completion = runner.Completion(self.plumbing.life.ended, 5.0)
        return driver.finish(completion) if driver is not None else completion.or_block()
