"""How large a game state is: in bytes, as it is sent, and in values, as it lies in everybody's memory."""

from __future__ import annotations

from typing import Final

from ..errors import MalformedPacket, StateTooLarge
from .codec import count_values, pack
from .tree import Tree

_LEAST_BYTES: Final = 5
"""``Cleaner.size_bytes`` grows by so much at least for each value."""


class StateSize:
    """Holds a state to its bounds, at little cost: it is measured only when it may have reached them.

    :param max_bytes: bound on its serialised size; ``max_values``: bound on its values, keys counted.
    """

    __slots__ = ("_max_bytes", "_max_values", "_room")

    def __init__(self, max_bytes: int, max_values: int) -> None:
        self._max_bytes = max_bytes
        self._max_values = max_values
        self._room = 0

    def may_be_reached(self, size_bytes: int) -> bool:
        """Take note that the state grows, by ``size_bytes`` at most (see ``Cleaner``); tell whether to measure it."""
        self._room -= size_bytes
        return self._room < 0

    def measure(self, tree: Tree) -> None:
        """Measure the state.

        :raises StateTooLarge: if it is beyond a bound; says which, and what to do.
        """
        data = pack(tree)
        if len(data) > self._max_bytes:
            raise StateTooLarge(
                f"the game state would take {len(data):,} bytes, at most {self._max_bytes:,} are allowed, so the "
                "update was not applied; keep less in the state, or raise max_state_bytes in the config of the server "
                "AND the clients"
            )
        self._room = min(self._max_bytes - len(data), _LEAST_BYTES * (self._max_values - self._values_in(data)))

    def _values_in(self, data: bytes) -> int:
        if len(data) <= self._max_values:  # a value takes a byte at least
            return len(data)
        try:
            return count_values(data, self._max_values)
        except MalformedPacket:
            raise StateTooLarge(
                f"the game state would hold more than {self._max_values:,} values (numbers, texts, keys, lists, "
                "dicts), so the update was not applied; keep less in the state, or many numbers as bytes, or raise "
                "max_state_values in the config of the server AND the clients"
            ) from None
