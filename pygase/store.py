"""The true game state, and the updates to it."""

from __future__ import annotations

from typing import Final

from ._diagnostics.tracebacks import program_lines_only
from ._server.state_keeper import UPDATE_CACHE_SIZE, StateKeeper
from .config import ServerConfig
from .gamestate import GameState, GameStateUpdate
from .utils import Sqn


class GameStateStore:
    """Holds a game state, and applies updates to it.

    The store follows the initial state until the game begins: with the first tick, or with a server that has no game
    loop. From then on the program's state object shows the newest state, and cannot be written.

    :param initial_game_state: state of the game before the simulation begins; an empty one if None. All states that the
        store gives are of its class.
    :param max_state_bytes: bound on the state's serialised size.
    :param max_state_values: bound on the number of its values: numbers, texts, keys, lists and dicts all count.
    :raises TypeError: if ``initial_game_state`` is no GameState, or holds a value that cannot be sent.
    :raises StateTooLarge: if it is larger than the bound.

    :ivar plumbing: PyGaSe's own, not for games; it may change at any time.
    """

    UPDATE_CACHE_SIZE: Final = UPDATE_CACHE_SIZE
    """Most updates that ``get_update_cache`` returns."""

    def __init__(
        self,
        initial_game_state: GameState | None = None,
        *,
        max_state_bytes: int = ServerConfig.max_state_bytes,
        max_state_values: int = ServerConfig.max_state_values,
    ) -> None:
        if initial_game_state is not None and not isinstance(initial_game_state, GameState):
            raise TypeError(
                f"initial_game_state must be a GameState, got {initial_game_state!r} of type "
                f"{type(initial_game_state).__name__}; write GameState(name=value, ...)"
            )
        with program_lines_only:
            self.plumbing = StateKeeper(initial_game_state, max_state_bytes, max_state_values)

    def get_update_cache(self) -> list[GameStateUpdate]:
        """Return the latest state updates, oldest first: one for each tick, UPDATE_CACHE_SIZE at most. The list is the
        caller's own."""
        return self.plumbing.cache.updates()

    def get_game_state(self) -> GameState:
        """Return the current game state, the caller's own: changes to it reach nobody; push an update instead."""
        return self.plumbing.state()

    def push_update(self, update: GameStateUpdate) -> None:
        """Push a new state update, to be merged deeply into the state; from any thread.

        An update with a lower time order than the state's is ignored: higher means more recent, and 1 follows 65535. An
        update with a higher order is merged, and the state takes that order over. An update with the same order, or
        with 0, is merged in any case: of two writers that began with one state, both count. A running game loop raises
        the order with each tick, so write 0 (or leave it out) beside it.

        :raises TypeError: if it is no GameStateUpdate, or (InvalidValue) holds a value that cannot be sent, or a
            ``game_status`` that is no GameStatus value.
        :raises StateTooLarge: if the state would become too large; it stays as it was. (During a tick, the update of
            another thread waits for the end of the tick, and then the error is logged.)
        """
        if not isinstance(update, GameStateUpdate):
            raise TypeError(
                f"push_update takes a GameStateUpdate, got {type(update).__name__}; "
                "write GameStateUpdate(n, name=value)"
            )
        attributes = dict(update.__dict__)
        order = int(Sqn(attributes.pop("time_order", 0)))
        with program_lines_only:
            self.plumbing.push(attributes, order)
