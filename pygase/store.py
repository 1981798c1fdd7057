"""The true game state, and the updates to it."""

from __future__ import annotations

import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ._io.runner import monotonic
from ._protocol.delta import diff
from .codec import pack
from .config import ServerConfig
from .errors import StateTooLarge
from .gamestate import GameState, GameStateUpdate, time_order_of
from .loglines import LogLines
from .tracebacks import program_lines_only
from .tree import Cleaner, Tree, first_difference, merge, thawed
from .utils import Sqn


class Commit(NamedTuple):
    """A state that is settled, as it is sent.

    :ivar tick: its absolute number; ``time``: when it was settled, seconds; ``span``: seconds since the commit before.
    :ivar tree: the frozen state.
    """

    tick: int
    time: float
    span: float
    tree: Tree


class GameStateStore:
    """Provide access to a game state and manage state updates.

    :param initial_game_state: state of the game before the simulation begins; an empty one if None.
    :param max_state_bytes: bound on the state's serialised size.
    :raises TypeError: if ``initial_game_state`` is not a GameState, or holds what cannot be sent.
    :raises StateTooLarge: if it is larger than the bound.
    """

    UPDATE_CACHE_SIZE: Final = 100
    """How many updates ``get_update_cache`` remembers."""

    def __init__(
        self,
        initial_game_state: GameState | None = None,
        *,
        max_state_bytes: int = ServerConfig.max_state_bytes,
    ) -> None:
        if initial_game_state is None:
            initial_game_state = GameState()
        if not isinstance(initial_game_state, GameState):
            raise TypeError(
                f"initial_game_state must be a GameState, got {initial_game_state!r} of type "
                f"{type(initial_game_state).__name__}; write GameState(name=value, ...)"
            )
        self._max_bytes = max_state_bytes
        self._cleaner = Cleaner()
        self._log = LogLines()
        self._lock = threading.RLock()
        self._clock: Callable[[], float] = monotonic
        self._listeners: list[Callable[[], None]] = []
        self._owned: dict[int, Tree] = {}
        attributes = dict(initial_game_state.__dict__)
        tick = int(attributes.pop("time_order", 0))
        with program_lines_only:
            self._draft: Tree = self._clean(attributes, "initial_game_state")
        self._size_bound = len(pack(self._draft))
        if self._size_bound > max_state_bytes:
            raise StateTooLarge(_too_large(self._size_bound, max_state_bytes))
        self._committed = Commit(tick, self._clock(), 0.0, self._draft)
        self._working: GameState | None = None
        self._tick_thread: int | None = None
        self._pending: deque[tuple[Tree, int]] = deque()
        self._history: deque[tuple[int, Tree]] = deque([(tick, self._draft)] * 2, maxlen=self.UPDATE_CACHE_SIZE + 1)
        """The last states, each with its tick; the first is only there to tell what changed to the second."""

    def get_update_cache(self) -> list[GameStateUpdate]:
        """Return the latest state updates, oldest first: one for each tick, UPDATE_CACHE_SIZE at most.

        The list is the caller's own.
        """
        history = list(self._history)
        updates = []
        for (_, before), (tick, after) in itertools.pairwise(history):
            update = GameStateUpdate(time_order_of(tick))
            update.__dict__.update(thawed(diff(before, after)))
            updates.append(update)
        return updates

    def get_game_state(self) -> GameState:
        """Return the current game state. It is the caller's own: changes to it reach nobody; push an update instead."""
        committed = self._committed
        return GameState._of_tree(committed.tree, committed.tick)

    def push_update(self, update: GameStateUpdate) -> None:
        """Push a new state update, to be merged deeply into the state.

        Usually called by whatever is progressing the game state, usually a GameStateMachine. From any thread.

        :raises TypeError: if it is no GameStateUpdate, or (InvalidValue) holds what cannot be sent; names path and
            type.
        :raises StateTooLarge: if the state would become too large; it stays as it was. (An update that another thread
            pushes during a tick waits for its end, and then the error is logged.)
        """
        if not isinstance(update, GameStateUpdate):
            raise TypeError(
                f"push_update takes a GameStateUpdate, got {type(update).__name__}; "
                "write GameStateUpdate(n, name=value)"
            )
        attributes = dict(update.__dict__)
        time_order = attributes.pop("time_order")
        with program_lines_only, self._lock:
            cleaned = self._clean(attributes, "update")
            # always ahead: who has the state of a tick never asks for another one of that tick
            ahead = max(Sqn(time_order) - time_order_of(self._committed.tick), 1) if time_order else 1
            settled = self._tick_thread is None
            if settled:
                self._apply_clean(cleaned)
                self._commit(self._committed.tick + ahead, self._clock())
            elif self._tick_thread == threading.get_ident():
                self._apply_clean(cleaned)
            else:
                self._pending.append((cleaned, self._cleaner.size_bytes))
        if settled:
            self._notify()

    # -- for the machine and the server -----------------------------------------------------------------------------

    @property
    def committed(self) -> Commit:
        """The newest settled state; may be read from any thread."""
        return self._committed

    @property
    def tick_of_caller(self) -> int:
        """The tick that belongs to whatever this thread does now: the one that is going on, if this thread computes it;
        else that of the newest settled state.
        """
        in_tick = self._tick_thread == threading.get_ident()
        return self._committed.tick + in_tick

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Have ``listener`` called after each commit, on the thread that commits."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        """Undo :meth:`subscribe`."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def begin_tick(self) -> GameState:
        """Begin a tick on this thread; return the state that handlers and time step see. It follows every update."""
        with self._lock:
            self._tick_thread = threading.get_ident()
            if self._working is None or self._working._source is not self._draft:
                self._working = GameState._of_tree(self._draft, self._committed.tick)
            self._working.time_order = time_order_of(self._committed.tick)
            return self._working

    def _apply_pending(self, cleaned: Tree, size_bytes: int) -> None:
        self._cleaner.size_bytes = size_bytes
        try:
            self._apply_clean(cleaned)
        except StateTooLarge as error:  # who pushed it has gone on meanwhile, and the game shall not end for it
            self._log.write(logging.ERROR, "an update pushed during a tick: %s", error)

    def apply(self, update: Mapping[str, Any]) -> None:
        """Merge an update into the tick that is going on.

        :raises InvalidValue, StateTooLarge: and nothing is changed.
        """
        with self._lock:
            cleaner = self._cleaner
            cleaner.size_bytes = 0
            if type(update) is not dict or not cleaner.is_simple(update) or "time_order" in update:
                update = self._clean(update, "update")
            self._apply_clean(update)

    def end_tick(self, now: float) -> None:
        """Settle the tick, and tell the listeners."""
        with self._lock:
            self._tick_thread = None
            while self._pending:
                self._apply_pending(*self._pending.popleft())
            self._commit(self._committed.tick + 1, now)
        self._notify()

    def strayed(self) -> str | None:
        """Return the path of what somebody has changed in place in the state of the tick, and undo that; or None."""
        assert self._working is not None
        path = self._working._strayed()
        if path is None and self._working._source is not self._draft:  # an attribute was deleted
            path = first_difference(self._draft, self._working._source)
        if path is not None:
            self._working = GameState._of_tree(self._draft, self._committed.tick)
        return path

    @property
    def working_state(self) -> GameState:
        """The state of the tick that is going on."""
        assert self._working is not None
        return self._working

    def _clean(self, attributes: Mapping[str, Any], what: str) -> Tree:
        """Return a private, checked copy of attributes; errors call them ``what``."""
        self._cleaner.size_bytes = 0
        return self._cleaner.clean_attributes(attributes, what)

    def _apply_clean(self, cleaned: Tree) -> None:
        if not cleaned:
            return
        self._size_bound += self._cleaner.size_bytes
        if self._size_bound > self._max_bytes:
            self._apply_near_the_bound(cleaned)
        else:
            self._draft = merge(self._draft, cleaned, self._owned)
        if self._working is not None:
            self._working._follow(self._draft, cleaned)

    def _apply_near_the_bound(self, cleaned: Tree) -> None:
        # ``_size_bound`` only ever grows by upper bounds; here the true size is counted, before anything is changed
        draft = merge(self._draft, cleaned, {})
        size = len(pack(draft))
        if size > self._max_bytes:
            self._size_bound = len(pack(self._draft))
            raise StateTooLarge(_too_large(size, self._max_bytes))
        self._draft, self._size_bound = draft, size

    def _commit(self, tick: int, now: float) -> None:
        self._owned.clear()
        before = self._committed
        if now < before.time:  # settled by another thread, just after this tick looked at the clock
            now = before.time
        self._committed = Commit(tick, now, now - before.time, self._draft)
        self._history.append((tick, self._draft))

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def _too_large(size_bytes: int, max_bytes: int) -> str:
    return (
        f"the game state would take {size_bytes:,} bytes, at most {max_bytes:,} are allowed, so the update was "
        "not applied; keep less in the state, or raise max_state_bytes in the config of the server AND the clients"
    )
