"""The last states that a client has received."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, TypeVar

from .._io.clocks import monotonic
from .._protocol.peer_events import StateReceived
from .._state.backing import state_of
from .._state.shared_inputs import NO_INPUTS, InputReader
from .._state.tree import Tree
from ..config import ClientConfig
from ..gamestate import GameState
from ..timeline.keeping import newest_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state as the client has received it. Snapshots share structure: never change anything in ``state``.

    :ivar tick: absolute number of the tick; counts up.
    :ivar time: the tick's time on the server's clock, seconds.
    :ivar received_at: when the snapshot arrived, on this side's monotonic clock, seconds.
    :ivar state: all attributes of the game state, by name.
    :ivar changed_after: up to this time (server's clock) the state was still that of ``previous_tick``.
    :ivar previous_tick: the last earlier tick that changed something, whether its snapshot arrived or not.
    :ivar resting: this tick changed nothing, and until the next snapshot nothing changes. (The server reports it
        once, in the first such tick. So silence means a lost or late datagram, never a world that stands still.)
    :ivar own_values: upper bound on the values that this snapshot does not share with earlier ones: the changed
        values, and all items of each dict with a change in it.
    :ivar inputs: (with ``Backend(share_inputs=True)``) by client id, the player's input of this tick, then those of the
        next ticks, in order, one a tick, as far as the server had them already. A player of whom nothing is known is
        missing. Never change anything in it.
    """

    tick: int
    time: float
    received_at: float
    state: Tree
    changed_after: float = 0.0
    previous_tick: int = 0
    resting: bool = False
    own_values: int = 0
    inputs: Mapping[int, tuple[Any, ...]] = field(default_factory=lambda: NO_INPUTS)


class StateAccess:
    """See ``Client.access_game_state``."""

    def __init__(self, newest: Callable[[], GameState]) -> None:
        self._newest = newest

    def __enter__(self) -> GameState:
        return self._newest()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class NotYet(Exception):
    """Raised by a function for :meth:`ReceivedStates.retry` that needs a newer state."""


class ReceivedStates:
    """The states of one client, over all its connections; from any thread.

    :ivar snapshots: the last states received, newest last. Never changes: each state brings a new tuple.
    """

    def __init__(self, config: ClientConfig) -> None:
        self.snapshots: tuple[Snapshot, ...] = ()
        self._config = config
        self._handed_out: tuple[Snapshot | None, GameState] = (None, GameState())
        self._changed = threading.Condition()
        self._reader = InputReader()

    def begin(self, config: ClientConfig) -> None:
        self._config = config
        self.snapshots = ()
        self._handed_out = (None, GameState())
        self._reader = InputReader()

    def receive(self, event: StateReceived, now: float) -> None:
        state = event.state
        tree, inputs = self._reader.read(state.tree)
        snapshot = Snapshot(  # on the wire ticks begin with 1, since 0 means "no state"
            tick=state.tick - 1,
            time=state.time,
            received_at=now,
            state=tree,
            changed_after=state.changed_after,
            previous_tick=state.previous_tick - 1,
            resting=state.resting,
            own_values=state.own_values,
            inputs=inputs,
        )
        config = self._config
        with self._changed:
            self.snapshots = newest_of((*self.snapshots, snapshot), config.kept_snapshots, config.max_state_values)
            self._changed.notify_all()

    def notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def newest(self) -> GameState:
        """Return the newest state, the same object until a newer one arrives; an empty one before the first."""
        snapshots = self.snapshots
        if not snapshots:
            return GameState()
        snapshot = snapshots[-1]
        source, state = self._handed_out
        if source is not snapshot:
            state = state_of(GameState, snapshot.state, snapshot.tick)
            self._handed_out = (snapshot, state)
        return state

    def age(self, server_time: float | None) -> float:
        """In seconds; 0 if the server's time or the state is unknown."""
        snapshots = self.snapshots
        return max(server_time - snapshots[-1].time, 0.0) if server_time is not None and snapshots else 0.0

    def wait(self, seen: tuple[Snapshot, ...], seconds: float) -> None:
        """Block until there is a state newer than ``seen``, for ``seconds`` at most."""
        with self._changed:
            if self.snapshots is seen:
                self._changed.wait(max(seconds, 0.0))

    def retry(
        self,
        function: Callable[[GameState], T],
        timeout: float,
        wait: Callable[[tuple[Snapshot, ...], float], None],
        complaint: Callable[[], str],
    ) -> T:
        """Return ``function(state)``; call it again with newer states while it raises NotYet or misses a name.

        :param wait: waits for a newer state: called with the newest snapshots, and the seconds left.
        :param complaint: returns the error's sentence.
        :raises TimeoutError: after ``timeout`` seconds.
        """
        end = monotonic() + timeout
        missing: Exception | None = None
        while True:
            seen, state = self.snapshots, self.newest()
            try:
                return function(state)
            except NotYet:
                pass
            except (KeyError, AttributeError) as error:
                if isinstance(error, AttributeError) and error.obj is not state:
                    raise
                missing = error
            left = end - monotonic()
            if left <= 0.0:
                reason = f"; last missing: {missing}" if missing else ""
                raise TimeoutError(complaint() + reason) from missing
            wait(seen, left)
