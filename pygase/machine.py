"""The game loop: handlers and time step, tick by tick."""

from __future__ import annotations

import concurrent.futures
import inspect
import logging
import math
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from ._diagnostics.log_lines import LogLines
from ._diagnostics.tracebacks import place_of, program_lines_only
from ._io import clocks, runner
from ._io.calls import block_or_return
from ._io.leaving import note_running
from ._io.signals import ended_by_signals
from ._io.tickers import call_every, end_calls
from ._server.event_queue import ClientEvents, EventQueue
from ._server.players import PlayerInputs
from ._server.watching import TIME_STEP, Watch, changed_in_place
from .config import ServerConfig
from .errors import InPlaceChange, InvalidValue, MalformedPacket, PygaseError
from .event import (
    RESERVED_PREFIX,
    Event,
    Handler,
    UniversalEventHandler,
    decode_event,
    event_type_of,
    handler_name,
    takes,
)
from .gamestate import GameState, GameStatus
from .store import GameStateStore

if TYPE_CHECKING:
    import asyncio

    from .timeline.history import StateHistory
    from .timeline.rules import Interpolate

logger = logging.getLogger("pygase")

_FEW_BYTES: Final = 64
"""Up to here it takes less to read an event than to look at its type first."""

DEFAULT_INTERVAL: Final = 0.02
"""Seconds between ticks if nobody says otherwise."""

MAX_DT: Final = 0.25
"""Seconds of ``dt`` at most after a pause of the machine, or two intervals if that is more. As a FixedTimestep does."""

_LONG: Final = 5.0
"""Seconds between ticks above which somebody probably means ticks a second."""

SerialisedEvent = tuple[ClientEvents, bytes]
"""Whose it is, and an event as it arrived. It is taken to pieces when its handler is called: until then it is only
bytes, nothing that the garbage collector would have to look at for each client and tick."""


def debug_wanted(debug: bool | None) -> bool:
    """Return ``debug``; if it is None, whether PYGASE_DEBUG is set or Python runs in its development mode."""
    if debug is not None:
        return debug
    return os.environ.get("PYGASE_DEBUG", "") not in ("", "0") or sys.flags.dev_mode


def check_time_step(function: Callable[..., Any]) -> None:
    """Refuse a time step that could not be called, before the game begins.

    :raises TypeError: says what it is given, and what it takes.
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


class GameStateMachine:
    """Run a simulation that propagates the game state.

    Inherit from it and implement :meth:`time_step`, or assign a function to ``time_step`` after instantiation.

    :param game_state_store: the part of the backend that holds the state.
    :param debug: raise what handlers and time step raise, and raise InPlaceChange at the first change in place; if
        None, the environment variable PYGASE_DEBUG or ``python -X dev`` decide. Without it both are logged: the loop
        looks for changes in place once a second.
    :param max_dt: seconds that ``dt`` is at most, however long the machine has paused (a suspended process, the garbage
        collector, a long tick): else a ball flies through a wall in one step. None: 0.25, or two intervals if that is
        more. It is never less than the interval. ``math.inf``: ``dt`` is always the true one.
    :raises ValueError: ``max_dt`` is not above 0.

    The loop also logs, once, that the time step only ever returns None; and, every ten seconds at most, that ticks take
    longer than their interval, and which part of them does.

    :ivar game_time: how long the game has been running, in seconds: the sum of all ``dt``. Of a pause it has no more
        than ``max_dt``.
    :ivar max_dt: as the parameter; may be set at any time.
    :ivar late_ticks: how many ticks were left out because earlier ones took too long.
    :ivar interval: seconds between ticks, as the game loop was told last.
    :ivar event_share: share of the interval that the events of one client may take in a tick, ``max_event_values``: how
        many values each may hold; a server that has this machine as its event wire sets both to those of its config.
    :ivar history: the states of the last second, if :meth:`keep_history` was called; else None.
    """

    time_step: Callable[..., dict[str, Any] | None]

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
        self._step_known: Any = None
        self._step_takes_inputs = False
        self.debug = debug_wanted(debug)
        self.game_state_store = game_state_store
        self._log = LogLines()
        self._handler = UniversalEventHandler(self._log)
        self._queue = EventQueue()
        self._events: deque[Event | SerialisedEvent] = self._queue.arrived
        self._turn = 0
        self.event_share = ServerConfig.event_share
        self.max_event_values = ServerConfig.max_event_values
        self.refused: Counter[str] = Counter()
        """How many serialised events were dropped, by reason."""
        self._finished_updates: deque[tuple[Any, str]] = deque()
        self._ended: concurrent.futures.Future[Any] = runner.done_future()
        self._stopping = False
        self._failure: Exception | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wakeup: asyncio.Future[None] | None = None
        self._spawn: Callable[[Any], Any] = runner.run_to_end
        self._tasks: set[asyncio.Task[Any]] = set()
        self._has_players: Callable[[], bool] = lambda: False
        self._watch = Watch(
            game_state_store.plumbing,
            clocks.monotonic,
            lambda name: self._called(name, place=True),
            lambda: self._handler.event_types,
        )
        self._look_at = 0.0
        """When the watch has something to do next, on the store's clock; ``_next_look_at``: when it looks next."""
        self._next_look_at = 0.0
        self._before_tick: Callable[[], Any] = lambda: None
        self._after_tick: Callable[[], Any] = lambda: None
        self._wait: Callable[[runner.Completion], Any] = runner.Completion.or_block
        self._claim_lock = threading.Lock()

    @property
    def _game_state_store(self) -> GameStateStore:
        return self.game_state_store

    # -- events --------------------------------------------------------------------------------------------------

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register an event handler for a specific event type.

        For handlers to have any effect, events have to be wired from a Server to this machine: ``event_wire`` of
        ``Server.run``. (Backend does that.)

        :param event_type: which type of event to link the handler function to. A type has one handler: a later one
            replaces an earlier one, and that is logged once.
        :param event_handler_function: function or coroutine function. Besides the event's data it gets, by name,
            what its signature takes of ``game_state``, ``dt`` (seconds since the last tick) and ``client_address``
            (who sent it). It returns a dict of updated state attributes, like :meth:`time_step`, or None. A
            coroutine's update is applied in the tick after it has ended.
        """
        self._handler.register_event_handler(event_type, event_handler_function)

    def _push_event(self, event: Event) -> None:
        """Take an event, to be handled in the next tick; from any thread."""
        self._events.append(event)

    @property
    def takes_serialised(self) -> bool:
        """True if events may go straight to ``waiting_events``: nobody has another ``_push_event``."""
        return getattr(self._push_event, "__func__", None) is GameStateMachine._push_event

    @property
    def waiting_events(self) -> deque[Event | SerialisedEvent]:
        """The events that wait for the next tick; a server adds to them as they come."""
        return self._events

    def has_event_type(self, event_type: str) -> bool:
        """Tell whether there is a handler for that type."""
        return self._handler.has_event_type(event_type)

    # -- the loop ------------------------------------------------------------------------------------------------

    def run_game_loop(self, interval: float = DEFAULT_INTERVAL) -> Any:
        """Simulate the game world.

        Blocks until :meth:`stop`; inside an event loop it returns a coroutine. As long as the simulation runs,
        ``game_state.game_status`` is ``GameStatus.get("Active")``. A tick that sets it to ``GameStatus.get("Paused")``,
        by what a handler or the time step returns, is the last one: the loop ends as by :meth:`stop`.

        Ticks have fixed times, ``interval`` apart, so that their rate is kept on average; if one takes longer than
        that, those that are overdue are left out. Then ``dt`` is longer, up to :attr:`max_dt`.

        :param interval: seconds between consecutive ticks.
        :raises ValueError: if it is not positive.
        :raises RuntimeError: if the loop runs already.
        :raises InvalidValue, StateTooLarge: if the initial state holds by now what cannot be sent.
        """

        async def run() -> None:  # claims when it begins, so that one which never does leaves nothing behind
            with program_lines_only:
                self._claim(interval)
                await ended_by_signals(self._run(interval))

        with program_lines_only:
            return block_or_return(run, "machine.run_game_loop(...)", "machine.run_game_loop_in_thread(...)")

    def run_game_loop_in_thread(self, interval: float = DEFAULT_INTERVAL) -> threading.Thread:
        """Simulate the game in a separate (daemon) thread, and return it. See :meth:`run_game_loop`."""
        self._claim(interval)
        self.game_state_store.plumbing.begin(has_loop=True)
        calls = "machine.run_game_loop_in_thread(...)", "machine.run_game_loop(...)"
        note_running(self._ended, *calls, lambda: self._has_players())

        def run() -> None:
            with program_lines_only:
                runner.run_to_end(self._run(interval))

        return runner.start_thread(run, "pygase-game-loop")

    def _claim(self, interval: float) -> None:
        if not isinstance(interval, (int, float)) or isinstance(interval, bool) or not 0 < interval < math.inf:
            raise ValueError(f"interval must be a positive number of seconds, got {interval!r}")
        self.game_state_store.plumbing.check_initial()
        with self._claim_lock:
            if not self._ended.done():
                raise RuntimeError("this game loop runs already; stop() it first")
            self._ended = concurrent.futures.Future()
            self._stopping = False
            self.interval = float(interval)
        if interval > _LONG:
            logger.warning(
                "interval is in seconds: %g is a tick every %g seconds; for %g ticks a second write interval=1 / %g",
                *(interval,) * 4,
            )

    async def _run(self, interval: float) -> None:
        import asyncio

        loop = self._loop = asyncio.get_running_loop()
        self._spawn = self._spawn_task
        self._wait = runner.Completion.or_block
        wakeup = self._wakeup = loop.create_future()
        last = loop.time()

        def tick() -> None:
            nonlocal last
            now = loop.time()
            self.tick(self.dt_after(now - last), self.game_state_store.plumbing.clock())
            last = now
            if self._stopping and not wakeup.done():
                wakeup.set_result(None)

        def late(count: int) -> None:  # right after a tick
            self._note_late(count)
            self._watch.late(count, loop.time() - last, interval)
            if self._watch.closer:
                self._look_at = 0.0

        try:
            self._set_status("Active")
            if not self._stopping:
                await call_every(interval, tick, wakeup, late)
        finally:
            self._loop = None
            for task in tuple(self._tasks):
                task.cancel()
            self._end()

    def _note_late(self, count: int) -> None:
        self.late_ticks += count

    def _end(self) -> None:
        self._set_status("Paused")
        if not self._ended.done():
            self._ended.set_result(None)

    def _set_status(self, name: str) -> None:
        store = self.game_state_store.plumbing
        store.begin_tick()
        store.apply({"game_status": GameStatus.get(name)})
        store.end_tick(store.clock())

    def stop(self, timeout: float = 1.0) -> Any:
        """Pause the game simulation: ``game_status`` becomes ``GameStatus.get("Paused")``.

        A later ``run_game_loop`` resumes where it was stopped. Blocks; inside an event loop it begins at once, and
        what it returns can be awaited for the result.

        :param timeout: seconds to wait for the simulation to stop.
        :returns: whether it has stopped in time.
        """
        self._stopping = True
        loop, wakeup = self._loop, self._wakeup
        if loop is not None and wakeup is not None:
            end_calls(loop, wakeup)
        return self._wait(runner.Completion(self._ended, timeout, lambda done: done))

    # -- a tick --------------------------------------------------------------------------------------------------

    def dt_after(self, elapsed: float) -> float:
        """Return the ``dt`` of a tick that begins so many seconds after the one before: that time, up to ``max_dt``."""
        most = max(MAX_DT, 2 * self.interval) if self.max_dt is None else max(self.max_dt, self.interval)
        return min(elapsed, most)

    def tick(self, dt: float, now: float) -> None:
        """Advance the simulation by one tick: events first, then the time step; then the new state goes out.

        Called by the game loop; call it yourself only where there is none, as tests do.

        :param dt: seconds that the world moves on; ``now``: the time on the store's clock.
        """
        self._before_tick()
        store = self.game_state_store.plumbing
        store.begin_tick()
        try:
            self._apply_finished_updates()
            if self._failure is not None:
                failure, self._failure = self._failure, None
                raise failure
            if now < self._look_at:
                self._handle_events(dt)
                self._take_step(dt, now)
            else:
                self._advance_watched(dt, now)
            self.game_time += dt
        finally:
            store.end_tick(now, dt + self.interval / 2)
            if store.is_paused:  # the game has said so
                self._stopping = True
            if self.history is not None:
                commit = store.committed
                self.history.push(commit.tick, commit.time, commit.tree, span=commit.span)
            self._after_tick()

    def _advance_watched(self, dt: float, now: float) -> None:
        """Do what each tick does, under the eyes of the watch."""
        watch = self._watch
        if watch.closer:
            self._handle_events(dt, watch.finder(self._handler.find))
            update = self._take_step(dt, now, watch.call)
        else:
            self._handle_events(dt)
            update = self._take_step(dt, now)
        if now >= self._next_look_at:
            pause = watch.look(self.interval, update, has_players=self._has_players(), in_place=not self.debug)
            self._next_look_at = now + pause
        self._look_at = 0.0 if watch.closer else self._next_look_at

    def _handle_events(self, dt: float, find: Callable[[str], Any] | None = None) -> None:  # noqa: C901 (flat, and hot)
        queue = self._queue
        if not queue:
            return
        self._turn += 1
        debug, most, call, find = self.debug, self.max_event_values, self._handler.call, find or self._handler.find
        clock = clocks.fine_clock(self.game_state_store.plumbing.clock)
        state = self.game_state_store.plumbing.working_state
        context: dict[str, Any] = {"game_state": state, "dt": dt, "client_address": None}
        for event in queue.due(self._turn, self.event_share * self.interval, clock):
            event_type = ""
            try:
                if type(event) is tuple:
                    client, payload = event
                    try:
                        if len(payload) > _FEW_BYTES and find(event_type := event_type_of(payload)) is None:
                            self._refuse(event_type, client)  # unread, as its data may take long to read
                            continue
                        event_type, args, kwargs = decode_event(payload, most)
                    except MalformedPacket:
                        self.refused["malformed event"] += 1
                        queue.refuse(client)
                        continue
                    handler = find(event_type)
                    if handler is None or handler.is_own:
                        self._refuse(event_type, client)
                        continue
                    if handler.takes_address_alone and len(args) == handler.leading and not kwargs:
                        result = handler.function(*args, client.address)  # what most of them take
                    else:
                        context["client_address"] = client.address
                        result = call(handler, event_type, args, kwargs, context)
                else:
                    event_type = event.type
                    result = self._dispatch_whole(event, context, find(event_type))
                if result is None or type(result) is dict:
                    if result or debug:
                        self._apply(result, event_type)
                else:
                    self._apply_later(result, event_type)
            except Exception as error:
                self._report(error, event_type)
        if queue.slowest[0] > self.interval:
            self._note_slow_event(*queue.slowest)
        if queue:
            self._look_behind()

    def _refuse(self, event_type: str, client: ClientEvents) -> None:
        self._queue.refuse(client)
        if event_type.startswith(RESERVED_PREFIX):
            self.refused["reserved event type"] += 1
        else:
            self._handler.warn_of_unknown(event_type, client.address)

    def _note_slow_event(self, took: float, event: Any) -> None:
        self._queue.slowest = (0.0, None)
        with suppress(MalformedPacket):
            self._watch.note_slow_call(event_type_of(event[1]) if type(event) is tuple else event.type, took)

    def _look_behind(self) -> None:
        """Log of whom events wait for later ticks, and count those that wait no longer."""
        if self._queue.dropped:
            self.refused["events of those who have left"] += self._queue.dropped
            self._queue.dropped = 0
        for client in self._queue.behind:
            if client.is_crowded(self.game_time):
                self._log.write(
                    logging.WARNING,
                    "%d events of client %s wait: to handle them takes more than %.1f ms a tick (event_share in the "
                    "config of the server); has a handler become slow, or does this client send too many?",
                    len(client.waiting),
                    client.address,
                    self.event_share * self.interval * 1000,
                    kind="events wait",
                )

    def _dispatch_whole(self, event: Event, context: dict[str, Any], handler: Any) -> Any:
        """Call the handler of an event that was made on this side, or decoded by the server."""
        if event.details is not None and handler is None:
            return None  # one of our own, which nobody wants to hear of
        kwargs, sender = event.handler_kwargs, event.client_address
        if "client_address" in kwargs:  # a wire between the server and this machine has passed it on
            kwargs = {name: value for name, value in kwargs.items() if name != "client_address"}
            sender = sender or event.handler_kwargs["client_address"]
        context["client_address"] = sender
        if handler is None:
            self._handler.warn_of_unknown(event.type, sender)
            return None
        return self._handler.call(handler, event.type, event.handler_args, kwargs, context, event.details)

    def _apply_finished_updates(self) -> None:
        while self._finished_updates:
            update, event_type = self._finished_updates.popleft()
            try:
                self._apply(update, event_type)
            except Exception as error:
                self._report(error, event_type)

    def _apply_later(self, result: Any, event_type: str) -> None:
        if hasattr(result, "__await__"):
            self._spawn(self._finish_handler(result, event_type))
        else:
            self._apply(result, event_type)  # says what is wrong with it

    def keep_history(self, seconds: float = 1.0, interpolate: Iterable[str | Interpolate] = ()) -> StateHistory:
        """Keep the states of the last seconds, to judge what a player saw: ``history.at(player_input.view_time)``.

        :param seconds: how far back.
        :param interpolate: the numbers that clients draw smoothly, as they name them.
        :returns: the history, which is :attr:`history` as well; a second call begins a new one.
        """
        from .timeline.history import StateHistory  # only here: few games need it, and it takes its time to import

        self.history = StateHistory(seconds, interpolate)
        commit = self.game_state_store.plumbing.committed
        self.history.push(commit.tick, commit.time, commit.tree)
        return self.history

    def _inputs_for(self, step: Callable[..., Any], now: float) -> dict[str, Any]:
        """Return the keyword arguments that a time step takes beyond its two."""
        function = getattr(step, "__func__", step)
        if function is not self._step_known:
            self._step_known, self._step_takes_inputs = function, takes(step, "inputs")
        inputs = self.player_inputs
        if not self._step_takes_inputs:
            if inputs is not None:
                inputs.pass_by()
            return {}
        return {"inputs": inputs.take(now=now) if inputs is not None else {}}

    def _take_step(self, dt: float, now: float, via: Callable[..., Any] | None = None) -> Any:
        try:
            step = self.time_step
            more = self._inputs_for(step, now)
            if via is not None:
                step = partial(via, TIME_STEP, step)
            update = step(self.game_state_store.plumbing.working_state, dt, **more)
            self._apply(update, TIME_STEP)
            return update
        except Exception as error:
            missing = getattr(self.time_step, "__func__", None) is _missing_time_step
            if missing and isinstance(error, NotImplementedError):
                raise
            self._report(error, TIME_STEP)
            return None

    async def _finish_handler(self, coroutine: Any, event_type: str) -> None:
        try:
            self._finished_updates.append((await coroutine, event_type))
        except Exception as error:
            if self.debug:
                self._failure = error  # raised by the next tick, since nobody waits for this task
            self._log_failure(error, f"the handler of event {event_type!r}")

    def _spawn_task(self, coroutine: Any) -> None:
        assert self._loop is not None
        task = self._loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _report(self, error: Exception, name: str) -> None:
        """Log what a handler or time step raised, and go on; in debug mode raise it.

        The same again, as from a time step that raises in every tick, is logged once a second.
        """
        place = isinstance(error, PygaseError)  # else the traceback has it
        name = self._called(name, place=place)
        if self.debug:
            if not isinstance(error, InPlaceChange):  # which names it itself
                error.add_note(f"(raised by {name})")
            raise error
        self._log_failure(error, name)

    def _log_failure(self, error: Exception, name: str) -> None:
        if isinstance(error, PygaseError):  # says all there is to say
            self._log.write(logging.ERROR, "%s: %s", name, error, kind=name)
        else:
            self._log.write(logging.ERROR, "%s raised %r; the game goes on", name, error, kind=name, error=error)

    def _apply(self, update: Any, name: str) -> None:
        if isinstance(update, GameState):
            raise InvalidValue(
                f"{self._called(name, place=False)} has returned the game state itself; return a dict of what shall "
                "change, such as {'score': 1}"
            )
        if update is not None and (update or type(update) is not dict):
            self.game_state_store.plumbing.apply(update)
        if self.debug:
            path = self.game_state_store.plumbing.take_back_change_in_place()
            if path is not None:
                raise InPlaceChange(changed_in_place(self._called(name, place=True), path))

    def _called(self, name: str, *, place: bool) -> str:
        """Return what a log calls the time step or an event's handler; with ``place``, also where it is defined."""
        if name is TIME_STEP:
            return "time_step" + (place_of(self.time_step) if place else "")
        handler = self._handler.find(name) if place else None
        return handler_name(name) + (place_of(handler.function) if handler is not None else "")

    def time_step(self, game_state: GameState, dt: float) -> dict[str, Any] | None:  # type: ignore[no-redef]
        """Calculate a game state update; to be implemented by the game.

        :param game_state: the state before the tick. Do not change it; return what shall change.
        :param dt: seconds since the last tick; use it to simulate at a constant speed. After a pause it is
            :attr:`max_dt` (by default max(0.25 s, 2 × interval)), so the game goes on where it was.
        :param inputs: (if the signature has a parameter of that name) a dict of client address → PlayerInput: what each
            player who uses ``Client.send_input`` does in this tick.
        :returns: updated state attributes: nested dicts are merged, everything else replaced, TO_DELETE removes a key.
        """
        raise NotImplementedError(
            "time_step is not implemented: assign a function time_step(game_state, dt) to the GameStateMachine, or "
            "inherit "
            "from it and define the method"
        )


_missing_time_step = GameStateMachine.time_step
