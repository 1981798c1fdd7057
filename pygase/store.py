"""The true game state, and the updates to it."""

from __future__ import annotations

import logging
import math
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from ._diagnostics.log_lines import LogLines
from ._diagnostics.tracebacks import program_lines_only
from ._io.clocks import monotonic
from ._server.updates import UpdateCache
from ._state.game_status import PAUSED, checked_status
from ._state.handed_over import HandedOver
from ._state.sizes import StateSize
from ._state.tree import TO_DELETE, Cleaner, Tree, exactly_equal, first_difference, merge
from .config import ServerConfig
from .errors import InPlaceChange, StateTooLarge
from .gamestate import GameState, GameStateUpdate, order_is_ignored, time_order_of
from .utils import Sqn


class Commit(NamedTuple):
    """A state that is settled, as it is sent.

    :ivar tick: its absolute number; ``time``: when it was settled, seconds; ``span``: seconds in which it became what
        it is: those since the commit before, but for a pause of the game loop.
    :ivar tree: the frozen state.
    """

    tick: int
    time: float
    span: float
    tree: Tree


class GameStateStore:
    """Provide access to a game state and manage state updates.

    The store follows the initial state until the game begins: with the first tick, or with a server that has no game
    loop behind it. What the program keeps of that state shows the newest one from then on, and cannot be written.

    :param initial_game_state: state of the game before the simulation begins; an empty one if None. Its class is that
        of all states which the store gives.
    :param max_state_bytes: bound on the state's serialised size.
    :param max_state_values: bound on its values: numbers, texts, keys, lists, dicts, all that it consists of.
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
        max_state_values: int = ServerConfig.max_state_values,
    ) -> None:
        is_ours = initial_game_state is None
        if initial_game_state is None:
            initial_game_state = GameState()
        if not isinstance(initial_game_state, GameState):
            raise TypeError(
                f"initial_game_state must be a GameState, got {initial_game_state!r} of type "
                f"{type(initial_game_state).__name__}; write GameState(name=value, ...)"
            )
        self._size = StateSize(max_state_bytes, max_state_values)
        self._cleaner = Cleaner()
        self._log = LogLines()
        self._lock = threading.RLock()
        self._clock: Callable[[], float] = monotonic
        self._listeners: list[Callable[[], None]] = []
        self._owned: dict[int, Tree] = {}
        self._kind = type(initial_game_state)
        self._draft: Tree = {}
        self._committed = Commit(0, self._clock(), 0.0, self._draft)
        self._order: int | None = None
        """The time order that updates are compared with, if news has raised the state's own meanwhile."""
        self._working: GameState | None = None
        self._deleted: str | None = None
        self._tick_thread: int | None = None
        self._pending: deque[tuple[Tree, int, int]] = deque()
        self._ahead = 1
        """By how many the tick that is going on will raise the number of the state."""
        self._cache = UpdateCache(self.UPDATE_CACHE_SIZE)
        self._given: GameState | None = initial_game_state
        """The state that the program has handed over, until the game begins."""
        self._shown: GameState | None = None
        """The same from then on, if something has to be done for it after each commit."""
        self._is_followed = True
        self._loop_has_begun = False
        with program_lines_only:
            self._take_in(vars(initial_game_state))
        self._is_followed = not is_ours and type(initial_game_state._source) is not HandedOver

    def get_update_cache(self) -> list[GameStateUpdate]:
        """Return the latest state updates, oldest first: one for each tick, UPDATE_CACHE_SIZE at most.

        The list is the caller's own.
        """
        self.check_initial()
        return self._cache.updates()

    def get_game_state(self) -> GameState:
        """Return the current game state. It is the caller's own: changes to it reach nobody; push an update instead."""
        committed = self.committed
        return self._kind._of_tree(committed.tree, committed.tick)

    def push_update(self, update: GameStateUpdate) -> None:
        """Push a new state update, to be merged deeply into the state.

        Usually called by whatever is progressing the game state, usually a GameStateMachine. From any thread.

        An update with a lower time order than the state's is ignored, as ``state + update`` does: higher means more
        recent, and 1 follows 65535. One with a higher order is merged, and the state takes that order over. One with
        the same order, or with 0, is merged as news: of two writers that both began with one state nobody loses. While
        a game loop runs, which raises the order with each tick, write 0 (or nothing at all).

        :raises TypeError: if it is no GameStateUpdate, or (InvalidValue) holds what cannot be sent, or a
            ``game_status`` that is no GameStatus value; names path and type.
        :raises StateTooLarge: if the state would become too large; it stays as it was. (An update that another thread
            pushes during a tick waits for its end, and then the error is logged.)
        """
        if not isinstance(update, GameStateUpdate):
            raise TypeError(
                f"push_update takes a GameStateUpdate, got {type(update).__name__}; "
                "write GameStateUpdate(n, name=value)"
            )
        attributes = dict(update.__dict__)
        order = int(Sqn(attributes.pop("time_order", 0)))
        with program_lines_only, self._lock:
            self.check_initial()
            cleaned = self._clean(attributes, "update")
            if order_is_ignored(order, self._settled_order):
                self._log_ignored(order)
                return
            settled = self._tick_thread is None
            if settled:
                self._apply_clean(cleaned)
                self._commit_push(order)
                if self._given is not None and self._is_followed:
                    GameState._take_over(self._given, cleaned, self._committed.tick)
            elif self._tick_thread == threading.get_ident():
                self._apply_clean(cleaned)
                self._go_ahead(order)
            else:
                self._pending.append((cleaned, self._cleaner.size_bytes, order))
        if settled:
            self._notify()

    @property
    def _settled_order(self) -> int:
        return time_order_of(self._committed.tick) if self._order is None else self._order

    def _commit_push(self, order: int) -> None:
        """Settle a push between two ticks.

        The state's number is higher afterwards in any case, but another writer who began with the same state as this
        one is not to be ignored for that.
        """
        order = order or self._settled_order
        self._go_ahead(order)
        self._commit(self._clock())
        self._order = order

    def _go_ahead(self, order: int) -> None:
        """See to it that the next commit has the order of an update, if it is higher than the next one anyway.

        By 1 at least: a client that has the state of a tick never asks for another one of that tick.
        """
        if order:
            self._ahead = max(self._ahead, Sqn(order) - time_order_of(self._committed.tick))

    def _log_ignored(self, order: int) -> None:
        self._log.write(
            logging.WARNING,
            "an update with time_order %d was ignored, since the state has %d already (higher means more recent): "
            "write GameStateUpdate(name=value), with no time_order, for what counts whenever it arrives",
            order,
            self._settled_order,
        )

    # -- the state that the program handed over, until the game begins ----------------------------------------------

    def check_initial(self) -> None:
        """Take over what the program has done to its initial state, if the game has not begun.

        :raises InvalidValue, StateTooLarge: if it cannot be sent like this.
        """
        with self._lock:
            given = self._given
            if given is None or not self._is_followed:
                return
            source = given._source
            if type(source) is HandedOver:  # another game has begun with it
                self._is_followed = False
                self._take_in(source.attributes)
            else:
                self._take_in(vars(given))

    def _take_in(self, attributes: Mapping[str, Any]) -> None:
        attributes = {"game_status": PAUSED, **attributes}
        order = attributes.pop("time_order", 0)
        tree = self._clean(attributes, "initial_game_state")
        tick = self._committed.tick
        if order != time_order_of(tick):
            tick, self._order = int(order), None
        if exactly_equal(tree, self._draft) and tick == self._committed.tick:
            return
        self._size.measure(tree)
        self._draft = tree
        self._committed = self._committed._replace(tick=tick, tree=tree)
        self._cache.begin(tick, tree)

    def begin(self, *, has_loop: bool) -> None:
        """The game begins: the state that the program handed over shows the newest state from now on.

        :param has_loop: whether it does so by the game loop, or by a server that has none. Else attributes may still be
            assigned, each as an update.
        :raises InvalidValue, StateTooLarge: if the state cannot be sent as it is now.
        """
        with self._lock:
            self.check_initial()
            self._loop_has_begun = self._loop_has_begun or has_loop
            state, self._given = self._given, None
            if state is None:
                return
            attributes = {**self._draft, "time_order": time_order_of(self._committed.tick)}
            GameState._hand_over(state, HandedOver(self._newest, self._assign, attributes))
            if GameState._is_hidden(state, self._draft):
                self._shown = state
                GameState._show(state, self._draft)

    def _newest(self) -> tuple[Tree, int]:
        committed = self._committed
        return committed.tree, time_order_of(committed.tick)

    def _assign(self, name: str, value: Any) -> None:
        """Take over what is assigned to the initial state when a server runs already, but no game loop yet."""
        if self._loop_has_begun:
            change = "TO_DELETE" if value is TO_DELETE else "..."
            raise InPlaceChange(
                f"game_state.{name} cannot be assigned: the game has begun, and the state that it was made with only "
                f"shows the newest state. Return {{{name!r}: {change}}} from time_step or an event handler, or write "
                f"game_state_store.push_update(GameStateUpdate({name}={change}))"
            )
        with self._lock:
            cleaned = self._clean({name: value}, "initial_game_state")
            before = self._draft
            self._draft = {key: item for key, item in before.items() if key != name}  # replaced, not merged
            try:
                self._apply_clean(cleaned)
            except StateTooLarge:
                self._draft = before
                raise
            self._commit_push(0)
        self._notify()

    # -- for the machine and the server -----------------------------------------------------------------------------

    @property
    def committed(self) -> Commit:
        """The newest settled state; may be read from any thread."""
        if self._given is not None:
            self.check_initial()
        return self._committed

    @property
    def tick_of_caller(self) -> int:
        """The tick that belongs to whatever this thread does now: the one that is going on, if this thread computes it;
        else that of the newest settled state.
        """
        in_tick = self._tick_thread == threading.get_ident()
        return self._committed.tick + self._ahead * in_tick

    @property
    def is_paused(self) -> bool:
        """True if the newest settled state says that the game is paused."""
        return bool(self._committed.tree["game_status"] == PAUSED)

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
            if not self._loop_has_begun:
                self.begin(has_loop=True)
            self._tick_thread = threading.get_ident()
            if self._working is None or self._working._source is not self._draft:
                self._working = self._kind._of_tree(self._draft, self._committed.tick)
            GameState._at(self._working, self._committed.tick)
            return self._working

    def _apply_pending(self, cleaned: Tree, size_bytes: int, order: int) -> None:
        self._cleaner.size_bytes = size_bytes
        try:
            self._apply_clean(cleaned)
            self._go_ahead(order)
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
            elif "game_status" in update:
                checked_status(update["game_status"], "update")
            self._apply_clean(update)

    def end_tick(self, now: float, span: float = math.inf) -> None:
        """Settle the tick, and tell the listeners.

        :param span: seconds in which the state became what it is, at most: what is beyond was a pause, and until its
            end the state stayed as it was.
        """
        with self._lock:
            self._tick_thread = None
            while self._pending:
                self._apply_pending(*self._pending.popleft())
            self._commit(now, span)
        self._notify()

    def strayed(self) -> str | None:
        """Return the path of what somebody has changed in place in the state of the tick, and undo that; or None."""
        assert self._working is not None
        path = GameState._strayed(self._working) or self._deleted_in_place()
        if path is not None:
            self._working = self._kind._of_tree(self._draft, self._committed.tick)
        return path

    def changed_in_place(self) -> str | None:
        """Return the path of what somebody has changed in place in the state that handlers are given, or None.

        It is left as it is: a program that has lived with it so far goes on as before.
        """
        working = self._working
        if working is None:
            return None
        path = None if GameState._looks_untouched(working) else GameState._strayed(working)
        return path or self._deleted_in_place()

    def _deleted_in_place(self) -> str | None:
        """Return the path of an attribute that somebody has deleted in place since the last call, or None."""
        if self._working is not None and self._working._source is not self._draft:
            self._deleted = first_difference(self._draft, self._working._source)
        path, self._deleted = self._deleted, None
        return path

    @property
    def working_state(self) -> GameState:
        """The state of the tick that is going on."""
        assert self._working is not None
        return self._working

    def _clean(self, attributes: Mapping[str, Any], what: str) -> Tree:
        """Return a private, checked copy of attributes; errors call them ``what``."""
        self._cleaner.size_bytes = 0
        cleaned = self._cleaner.clean_attributes(attributes, what)
        if "game_status" in cleaned:
            checked_status(cleaned["game_status"], what)
        return cleaned

    def _apply_clean(self, cleaned: Tree) -> None:
        if not cleaned:
            return
        working = self._working
        if working is not None and working._source is not self._draft:  # an update would bring back what was deleted
            self._deleted = first_difference(self._draft, working._source)
        if self._size.may_be_reached(self._cleaner.size_bytes):
            self._apply_near_the_bound(cleaned)
        else:
            self._draft = merge(self._draft, cleaned, self._owned)
        if self._working is not None:
            GameState._follow(self._working, self._draft, cleaned)

    def _apply_near_the_bound(self, cleaned: Tree) -> None:
        draft = merge(self._draft, cleaned, {})  # in the draft itself nothing is changed before that is measured
        try:
            self._size.measure(draft)
        except StateTooLarge:
            self._size.measure(self._draft)
            raise
        self._draft = draft

    def _commit(self, now: float, span: float = math.inf) -> None:
        self._owned.clear()
        before = self._committed
        tick, self._ahead = before.tick + self._ahead, 1
        if now < before.time:  # settled by another thread, just after this tick looked at the clock
            now = before.time
        self._committed = Commit(tick, now, min(now - before.time, span), self._draft)
        self._cache.add(tick, self._draft)
        self._order = None
        if self._shown is not None:
            GameState._show(self._shown, self._draft)

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()
