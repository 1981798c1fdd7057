"""The true state of a game."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from .._diagnostics.log_lines import LogLines
from .._io.clocks import monotonic
from .._io.ports import Clock
from .._state.backing import state_of, time_order_of
from .._state.game_status import PAUSED
from .._state.handed_over import HandedOver
from .._state.precision import NO_PRECISION
from .._state.tree import TO_DELETE, Tree
from .._state.whole import Whole
from ..errors import InPlaceChange, StateTooLarge
from ..gamestate import GameState, order_is_ignored
from ..utils import Sqn
from .draft import Draft
from .initial_state import InitialState
from .updates import UpdateCache
from .wire_tree import WireTree

UPDATE_CACHE_SIZE: Final = 100

TICK_LOOKS_APART: Final = 0.001
"""Seconds between two looks whether another thread's tick has ended."""


class Commit(NamedTuple):
    """A settled state, ready to be sent.

    :ivar tick: its absolute number; ``time``: when it was settled, seconds.
    :ivar span: seconds since the last commit, without a pause of the game loop.
    :ivar before: the tree of the last commit; ``delta``: what leads from there to ``tree``.
    """

    tick: int
    time: float
    span: float
    tree: Tree
    before: Tree
    delta: Tree

    @property
    def is_paused(self) -> bool:
        return bool(self.tree["game_status"] == PAUSED)

    def delta_from(self, tree: Tree) -> Tree | None:
        """Return the delta that leads from ``tree`` to this state's tree; None if it is not known."""
        return self.delta if self.before is tree else None

    def with_tree(self, tree: Tree, before: Tree, delta: Tree) -> Commit:
        """Return this commit with another tree, such as that of the wire, and the way to it."""
        return Commit(self.tick, self.time, self.span, tree, before, delta)

    def with_span(self, span: float) -> Commit:
        """Return this commit with another time since the last one."""
        return Commit(self.tick, self.time, span, self.tree, self.before, self.delta)

    @classmethod
    def of(cls, tree: Tree, tick: int, time: float, span: float) -> Commit:
        """Return a commit of a tree that no delta leads to."""
        return cls(tick, time, span, tree, tree, {})


class StateKeeper:
    """Keeps the state of a :class:`~pygase.GameStateStore` for its game loop and its server.

    A game loop calls ``begin_tick``, ``apply`` for each update, and ``end_tick``, on one thread. Any thread may
    ``push`` an update. Both end in a commit, after which the listeners are called.

    :param given: the state object of the program, None if there is none.
    :param max_state_bytes: bound on the state's serialised size; ``max_state_values``: bound on its values.
    """

    def __init__(self, given: GameState | None, max_state_bytes: int, max_state_values: int) -> None:
        self.clock: Clock = monotonic
        self._kind = GameState if given is None else type(given)
        self._draft = Draft(self._kind, max_state_bytes, max_state_values)
        self._committed = Commit.of(self._draft.tree, 0, self.clock(), 0.0)
        self._order: int | None = None
        """The time order to compare updates with; None: that of the committed state."""
        self._ahead = 1
        """By how much the current tick will raise the state's tick."""
        self._tick_thread: int | None = None
        self._pending: deque[tuple[Tree, int]] = deque()
        """Pushed updates that wait for the end of the tick, each with its order."""
        self._cache = UpdateCache(UPDATE_CACHE_SIZE)
        self._loop_has_begun = False
        self._listeners: list[Callable[[], None]] = []
        self._lock = threading.RLock()
        self.log = LogLines()
        self.wire = WireTree(NO_PRECISION)
        """Follows the commits with what clients get of them."""
        self._take_in(vars(GameState() if given is None else given))
        self._initial = InitialState(given)

    # -- reading ---------------------------------------------------------------------------------------------------

    @property
    def committed(self) -> Commit:
        """The newest settled state; may be read from any thread."""
        if self._initial.is_followed:
            self.check_initial()
        return self._committed

    def state(self) -> GameState:
        """Return the newest settled state, the caller's own to change; from any thread."""
        committed = self.committed
        return state_of(self._kind, committed.tree, committed.tick)

    @property
    def cache(self) -> UpdateCache:
        self.check_initial()
        return self._cache

    @property
    def tick_of_caller(self) -> int:
        """The tick of the caller's work: the current one if this thread computes it, else the newest settled one."""
        in_tick = self._tick_thread == threading.get_ident()
        return self._committed.tick + self._ahead * in_tick

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Have a function called after each commit, on the thread that commits."""
        self._listeners.append(listener)

    def unsubscribe(self, listener: Callable[[], None]) -> None:
        if listener in self._listeners:
            self._listeners.remove(listener)

    def use_clock(self, clock: Clock) -> None:
        """The newest settled state counts as settled now on the other clock."""
        self.clock = clock
        self._committed = self._committed._replace(time=clock())

    # -- pushes ----------------------------------------------------------------------------------------------------

    def push(self, attributes: Mapping[str, Any], order: int) -> None:
        """From any thread; see ``GameStateStore.push_update``.

        :param order: the update's time order, 0 for an update that counts whenever it arrives.
        """
        with self._lock:
            self.check_initial()
            cleaned = self._draft.clean_update(attributes)
            if order_is_ignored(order, self._settled_order):
                self._log_ignored(order)
                return
            settled = self._tick_thread is None
            if settled:
                self._draft.apply(cleaned)
                self._commit_push(order)
                self._initial.take_over(cleaned, self._committed.tick)
            elif self._tick_thread == threading.get_ident():
                self._draft.apply(cleaned)
                self._go_ahead(order)
            else:
                self._pending.append((cleaned, order))
        if settled:
            self._notify()

    @property
    def _settled_order(self) -> int:
        return time_order_of(self._committed.tick) if self._order is None else self._order

    def _commit_push(self, order: int) -> None:
        """Settle a push between two ticks, under a new number.

        The order to compare with stays, so that another writer who began with the same state is not ignored.
        """
        order = order or self._settled_order
        self._go_ahead(order)
        self._commit(self.clock())
        self._order = order

    def _go_ahead(self, order: int) -> None:
        """Let the next commit have an update's order if that is higher than the last order plus one."""
        if order:
            self._ahead = max(self._ahead, Sqn(order) - time_order_of(self._committed.tick))

    def _log_ignored(self, order: int) -> None:
        self.log.write(
            logging.WARNING,
            "an update with time_order %d was ignored, since the state has %d already (higher means more recent): "
            "write GameStateUpdate(name=value), with no time_order, for what counts whenever it arrives",
            order,
            self._settled_order,
        )

    # -- the state that the program handed over ------------------------------------------------------------------------

    def check_initial(self) -> None:
        """Take over the program's changes to its initial state, if the game has not begun.

        :raises InvalidValue, StateTooLarge: if it cannot be sent any more.
        """
        with self._lock:
            attributes = self._initial.attributes()
            if attributes is not None:
                self._take_in(attributes)

    def _take_in(self, attributes: Mapping[str, Any]) -> None:
        attributes = {"game_status": PAUSED, **attributes}
        order = attributes.pop("time_order", 0)
        tree = self._draft.clean_state(attributes)
        tick = self._committed.tick
        if order != time_order_of(tick):
            tick, self._order = int(order), None
        if self._draft.begin_with(tree) or tick != self._committed.tick:
            self._committed = Commit.of(self._draft.tree, tick, self._committed.time, self._committed.span)
            self._cache.begin(tick)

    def begin(self, *, has_loop: bool) -> None:
        """Begin the game: the program's state object shows the newest state from now on.

        :param has_loop: False for a server without a game loop, at which the program may still assign attributes.
        :raises InvalidValue, StateTooLarge: if the state cannot be sent.
        """
        with self._lock:
            self.check_initial()
            self._loop_has_begun = self._loop_has_begun or has_loop
            tree = self._draft.tree
            attributes = {**tree, "time_order": time_order_of(self._committed.tick)}
            self._initial.begin(HandedOver(self._newest, self._assign, attributes), tree)

    def _newest(self) -> tuple[Tree, int]:
        committed = self._committed
        return committed.tree, time_order_of(committed.tick)

    def _assign(self, name: str, value: Any) -> None:
        """Apply an assignment to the initial state, while a server runs and no game loop has begun."""
        if self._loop_has_begun:
            change = "TO_DELETE" if value is TO_DELETE else "..."
            raise InPlaceChange(
                f"game_state.{name} cannot be assigned: the game has begun, and the state that it was made with only "
                f"shows the newest state. Return {{{name!r}: {change}}} from time_step or an event handler, or write "
                f"game_state_store.push_update(GameStateUpdate({name}={change}))"
            )
        with self._lock:
            self._draft.replace(name, self._draft.clean_state({name: value}))
            self._commit_push(0)
        self._notify()

    # -- a checkpoint ------------------------------------------------------------------------------------------------

    def restore(self, tree: Tree, tick: int) -> None:
        """Take a saved state in place of the initial one, which shows it from now on.

        :raises InvalidValue, StateTooLarge: if it cannot be sent.
        """
        with self._lock:
            self.begin(has_loop=False)
            self._take_in({**tree, "game_status": PAUSED, "time_order": time_order_of(tick)})
            self._initial.show(self._draft.tree)
            self.go_ahead_to(tick)

    def go_ahead_to(self, tick: int) -> None:
        """Give the newest state a number that no client has seen yet, unless its number is higher already."""
        with self._lock:
            before = self._committed
            if tick > before.tick:
                self._committed = Commit.of(before.tree, tick, self.clock(), 0.0)
                self._order = None
                self._cache.begin(tick)

    # -- ticks -----------------------------------------------------------------------------------------------------

    def begin_tick(self) -> GameState:
        """Begin a tick on this thread; return the state for handlers and time step, which follows every update."""
        with self._lock:
            if not self._loop_has_begun:
                self.begin(has_loop=True)
            self._tick_thread = threading.get_ident()
            return self._draft.show(self._committed.tick)

    @property
    def working_state(self) -> GameState:
        return self._draft.shown

    def apply(self, update: Mapping[str, Any] | Whole) -> None:
        """Merge an update into the current tick.

        :raises InvalidValue, StateTooLarge: and nothing is changed.
        """
        with self._lock:
            self._draft.apply(update)

    def end_tick(self, now: float, span: float = math.inf) -> None:
        """Settle the tick, and call the listeners.

        :param span: the longest span of a commit, in seconds. A longer time since the last commit was a pause.
        """
        with self._lock:
            self._tick_thread = None
            while self._pending:
                self._apply_pending(*self._pending.popleft())
            self._commit(now, span)
        self._notify()

    def _apply_pending(self, cleaned: Tree, order: int) -> None:
        try:
            self._draft.apply(cleaned)
            self._go_ahead(order)
        except StateTooLarge as error:  # its writer has gone on meanwhile, and the game goes on as well
            self.log.write(logging.ERROR, "an update pushed during a tick: %s", error)

    def between_ticks(self, work: Callable[[], None], seconds: float) -> None:
        """Wait for the end of the tick that another thread computes, and call ``work`` before the next one begins.

        :param seconds: after which it is called within that tick.
        """
        until = monotonic() + seconds
        while True:
            with self._lock:
                if self._tick_thread is None or monotonic() >= until:
                    work()
                    return
            time.sleep(TICK_LOOKS_APART)

    def take_back_change_in_place(self) -> str | None:
        return self._draft.take_back_change_in_place(self._committed.tick)

    def change_in_place(self) -> str | None:
        return self._draft.change_in_place()

    def _commit(self, now: float, span: float = math.inf) -> None:
        tree_before, delta = self._draft.settle()
        before = self._committed
        tick, self._ahead = before.tick + self._ahead, 1
        if now < before.time:  # settled by another thread, just after this tick looked at the clock
            now = before.time
        tree = self._draft.tree
        self._committed = Commit(tick, now, min(now - before.time, span), tree, tree_before, delta)
        self._cache.add(tick, delta)
        self._order = None
        self._initial.show(tree)

    def _notify(self) -> None:
        for listener in tuple(self._listeners):
            listener()
