"""A game loop: ticks at fixed times."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from .._io.ports import Loop
from .._io.runner import Completion, run_to_end
from .._io.tickers import Ticker, call_every, end_calls
from ..gamestate import GameStatus
from .life import Life

if TYPE_CHECKING:
    import asyncio

    from .machine_plumbing import MachinePlumbing

logger = logging.getLogger("pygase")

DEFAULT_INTERVAL: Final = 0.02
"""Seconds between ticks."""

MAX_DT: Final = 0.25
"""Seconds: the longest ``dt`` after a pause of the machine, or two intervals if that is more. As in FixedTimestep."""

LIKELY_MISTAKE: Final = 5.0
"""Seconds between ticks. A longer interval probably means ticks a second, and is logged."""

_SAME_DT: Final = 1e-4
"""Seconds by which the time of a virtual tick may differ from the interval, as sums of floats do."""


class TickLoop:
    """Ticks a game at fixed times. :meth:`claim` first; then :meth:`run`, or :meth:`begin_on`.

    :ivar is_stopping: whether the current tick is the last one.
    """

    def __init__(self, game: MachinePlumbing) -> None:
        self.life = Life("this game loop runs already; stop() it first")
        self.is_stopping = False
        self._game = game
        self._end_calls: Callable[[], None] = lambda: None
        self._wait: Callable[[Completion], Any] = Completion.or_block
        self._tasks: set[asyncio.Task[Any]] = set()
        game.events.spawn = run_to_end

    def claim(self, interval: Any) -> None:
        """:raises ValueError: if the interval is not a positive number of seconds.
        :raises RuntimeError: if the loop runs already.
        :raises InvalidValue, StateTooLarge: if the initial state holds by now what cannot be sent.
        """
        if not isinstance(interval, (int, float)) or isinstance(interval, bool) or not 0 < interval < math.inf:
            raise ValueError(f"interval must be a positive number of seconds, got {interval!r}")
        self._game.states.check_initial()
        self.life.begin()
        self.is_stopping = False
        self._game.simulation.interval = float(interval)
        if interval > LIKELY_MISTAKE:
            logger.warning(
                "interval is in seconds: %g is a tick every %g seconds; for %g ticks a second write interval=1 / %g",
                *(interval,) * 4,
            )

    # -- on asyncio's loop -------------------------------------------------------------------------------------------

    async def run(self, interval: float) -> None:
        import asyncio

        loop = asyncio.get_running_loop()
        wakeup: asyncio.Future[None] = loop.create_future()
        self._end_calls = lambda: end_calls(loop, wakeup)
        self._wait = Completion.or_block
        self._game.events.spawn = lambda coroutine: self._spawn_task(loop, coroutine)
        ticks = _Ticks(self._game, loop)

        def tick() -> None:
            ticks.tick()
            if self.is_stopping and not wakeup.done():
                wakeup.set_result(None)

        try:
            self._set_status("Active")
            if not self.is_stopping:
                await call_every(interval, tick, wakeup, ticks.note_late)
        finally:
            self._end_calls = lambda: None
            for task in tuple(self._tasks):
                task.cancel()
            self.end()

    def _spawn_task(self, loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> None:
        task = loop.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- on a virtual loop -------------------------------------------------------------------------------------------

    def begin_on(self, loop: Loop, interval: float) -> TickSwitch:
        """Tick on a loop, by calls alone: in virtual time, or in a host of rooms. Does not block.

        :returns: lets the ticks rest, and go on.
        """
        self._end_calls = lambda: None
        self._wait = lambda completion: completion
        self._game.events.spawn = run_to_end
        self._set_status("Active")
        ticks = _Ticks(self._game, loop, same_dt=_SAME_DT)

        def tick() -> None:
            if self.is_stopping:
                rests.rest()
                self.end()
            else:
                ticks.tick()

        rests = TickSwitch(ticks.restart, lambda pace: Ticker(loop, pace * interval, tick, ticks.count_late))
        rests.go_on()
        return rests

    # -- the end -----------------------------------------------------------------------------------------------------

    def request_stop(self) -> None:
        """Let the current tick be the last one; from any thread."""
        self.is_stopping = True
        self._end_calls()

    def wait(self, timeout: float) -> Any:
        """Return whether the loop has ended in time. Inside an event loop return a Completion."""
        return self._wait(Completion(self.life.ended, timeout, lambda done: done))

    def end(self) -> None:
        """The loop has ended: the game is paused."""
        self._set_status("Paused")
        try:
            self._game.turns.before_end()
        finally:
            self.life.end()
        self._game.turns.after_loop()

    def _set_status(self, name: str) -> None:
        states = self._game.states
        states.begin_tick()
        states.apply({"game_status": GameStatus.get(name)})
        states.end_tick(states.clock())


class TickSwitch:
    """Lets the ticks of a loop rest, and go on.

    :param restart: called before they go on; ``make``: begins to tick at a multiple of the interval.
    """

    def __init__(self, restart: Callable[[], None], make: Callable[[int], Ticker]) -> None:
        self._restart = restart
        self._make = make
        self._ticker: Ticker | None = None
        self._pace = 1

    @property
    def is_resting(self) -> bool:
        return self._ticker is None

    def rest(self) -> None:
        """Take no tick until :meth:`go_on`. No time passes in the game. May be called again."""
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def go_on(self) -> None:
        """May be called again."""
        if self._ticker is None:
            self._restart()
            self._ticker = self._make(self._pace)

    def slow_down(self, pace: int) -> None:
        """Tick at this multiple of the interval from now on. May be called again."""
        if pace == self._pace:
            return
        self._pace = pace
        if self._ticker is not None:
            self._ticker.stop()
            self._ticker = self._make(pace)


class _Ticks:
    """The ticks of one loop.

    :param same_dt: seconds by which the time between two ticks may differ from the interval and count as equal.
    """

    def __init__(self, game: MachinePlumbing, loop: Loop, same_dt: float = 0.0) -> None:
        self._game = game
        self._loop = loop
        self._same_dt = same_dt
        self._last_at = loop.time()

    def tick(self) -> None:
        game, now = self._game, self._loop.time()
        interval, elapsed = game.simulation.interval, now - self._last_at
        game.tick(interval if abs(elapsed - interval) < self._same_dt else game.dt_after(elapsed), game.states.clock())
        self._last_at = now

    def restart(self) -> None:
        """Let the world move on from now: the time before passed without it."""
        self._last_at = self._loop.time()

    def count_late(self, count: int) -> None:
        self._game.simulation.late_ticks += count

    def note_late(self, count: int) -> None:
        """Count ticks that were left out, and watch for the reason; right after the late tick."""
        self.count_late(count)
        self._game.note_late(count, self._loop.time() - self._last_at)
