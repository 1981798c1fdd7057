"""The size of a game state: in bytes on the wire, and in values in memory."""

from __future__ import annotations

from typing import Final

from ..errors import MalformedPacket, StateTooLarge
from .codec import count_values, pack
from .tree import Tree

_MIN_VALUE_BYTES: Final = 5
"""Bytes by which ``Cleaner.size_bytes`` grows at least for each value."""


class StateSize:
    """Keeps a state within its bounds. It is measured only when it may have reached them, because measuring is slow.

    :param max_bytes: bound on the serialised size.
    :param max_values: bound on the number of values, keys included.
    """

    __slots__ = ("_max_bytes", "_max_values", "_room")

    def __init__(self, max_bytes: int, max_values: int) -> None:
        self._max_bytes = max_bytes
        self._max_values = max_values
        self._room = 0

    def may_be_reached(self, size_bytes: int) -> bool:
        """Record that the state grows by ``size_bytes`` at most (see ``Cleaner``); return whether to measure it."""
        self._room -= size_bytes
        return self._room < 0

    def measure(self, tree: Tree) -> None:
        """:raises StateTooLarge: a bound is exceeded; the message names it and says what to do."""
        data = pack(tree)
        if len(data) > self._max_bytes:
            raise StateTooLarge(
                f"the game state would take {len(data):,} bytes, at most {self._max_bytes:,} are allowed, so the "
                "update was not applied; keep less in the state, or raise max_state_bytes in the config of the server "
                "AND the clients"
            )
        self._room = min(self._max_bytes - len(data), _MIN_VALUE_BYTES * (self._max_values - self._values_in(data)))

    def _values_in(self, data: bytes) -> int:
        if len(data) <= self._max_values:  # each value takes at least one byte
            return len(data)
        try:
            return count_values(data, self._max_values)
        except MalformedPacket:
            raise StateTooLarge(
                f"the game state would hold more than {self._max_values:,} values (numbers, texts, keys, lists, "
                "dicts), so the update was not applied; keep less in the state, or many numbers as bytes, or raise "
                "max_state_values in the config of the server AND the clients"
            ) from None
