"""The players' inputs in the tree that clients get, beside the game's own attributes.

They stand under a key that no attribute of a game has: an int. So they are a part of the state for deltas, baselines
and fragments, and neither the game nor a client's program ever sees that part. The entry of a player is a text of
bytes: one run after the other, each a count (1 byte), a size (1 byte) and an input, serialised. A run means that input
in so many ticks in a row, and the first tick is that of the state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from ..errors import MalformedPacket
from .event_codec import decode_input
from .tree import Tree

SHARED_INPUTS: Final = 0
"""The key of the part in the tree. Attributes have texts as keys."""

MOST_SHARED: Final = 64
"""Most inputs of one player in a state: one second at 60 Hz. Those beyond it are left out."""

MOST_ENTRY_BYTES: Final = 512
"""Most bytes of a player's entry. Further inputs are left out, so that a client that sends large ones far ahead cannot
fill the lines of all others."""

MOST_KEPT: Final = 1 << 16
"""Most inputs of all players that a client takes from a state."""

NO_INPUTS: Final[Mapping[int, tuple[Any, ...]]] = MappingProxyType({})
"""No player's input is known."""


def runs_of(payloads: Sequence[bytes]) -> bytes:
    """Return the entry of a player whose inputs of the next ticks are known.

    :param payloads: serialised, of 255 bytes at most; the first one is the input of the state's tick.
    """
    entry = bytearray()
    known = payloads[:MOST_SHARED]
    begin, size = 0, len(known)
    while begin < size:
        payload, end = known[begin], begin + 1
        while end < size and known[end] == payload:
            end += 1
        if len(entry) + 2 + len(payload) > MOST_ENTRY_BYTES:
            break
        entry += bytes((end - begin, len(payload))) + payload
        begin = end
    return bytes(entry)


def still_holds(entry: bytes, payloads: Sequence[bytes]) -> bool:
    """Return whether an entry is true of these inputs, and all that it leaves out are like its last input."""
    count = entry[0] if entry else 0
    if not 0 < count <= len(payloads) or len(entry) != 2 + entry[1]:
        return False
    payload = entry[2:]
    return all(each == payload for each in payloads)


def inputs_of(entry: Any) -> tuple[Any, ...]:
    """Return the inputs of an entry, one a tick.

    :raises MalformedPacket: it is no entry.
    """
    if type(entry) is not bytes:
        raise MalformedPacket("the inputs of a player are no bytes")
    inputs: list[Any] = []
    at, size = 0, len(entry)
    while at < size:
        end = at + 2 + (entry[at + 1] if at + 1 < size else size)
        if end > size or not 0 < entry[at] <= MOST_SHARED - len(inputs):
            raise MalformedPacket("the inputs of a player are no runs")
        inputs += [decode_input(entry[at + 2 : end])] * entry[at]
        at = end
    return tuple(inputs)


class InputReader:
    """Takes the players' inputs out of the trees that a client receives.

    A tree that is the same object as the last one gives the same result. So does the entry of a player.
    """

    __slots__ = ("_inputs", "_known", "_part", "_state", "_tree")

    def __init__(self) -> None:
        self._tree: Tree = {}
        self._state: Tree = self._tree
        self._part: Any = None
        self._inputs = NO_INPUTS
        self._known: dict[Any, tuple[Any, tuple[Any, ...]]] = {}

    def read(self, tree: Tree) -> tuple[Tree, Mapping[int, tuple[Any, ...]]]:
        """Return the game's part of a tree, and the players' inputs by client id, without broken entries."""
        if tree is self._tree:
            return self._state, self._inputs
        self._tree = self._state = tree
        if SHARED_INPUTS not in tree:
            self._part, self._inputs = None, NO_INPUTS
            self._known.clear()
            return tree, NO_INPUTS
        self._state = tree.copy()
        part = self._state.pop(SHARED_INPUTS)
        if part is not self._part:
            self._part, self._inputs = part, self._read(part)
        return self._state, self._inputs

    def _read(self, part: Any) -> Mapping[int, tuple[Any, ...]]:
        known, count = dict[Any, tuple[Any, tuple[Any, ...]]](), 0
        for client_id, entry in part.items() if type(part) is dict else ():
            found = self._known.get(client_id)
            try:
                inputs = found[1] if found is not None and found[0] is entry else inputs_of(entry)
            except MalformedPacket:
                continue
            count += len(inputs)
            if inputs and type(client_id) is int and count <= MOST_KEPT:
                known[client_id] = entry, inputs
        self._known = known
        return {client_id: inputs for client_id, (_, inputs) in known.items()}
