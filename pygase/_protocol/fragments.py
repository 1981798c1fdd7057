"""Large messages in pieces, and back, within fixed bounds.

Every fragment but the last has exactly FRAGMENT_BYTES, so that count bounds size, and what a peer can make us hold is
bounded by what it really sent and by ``max_bytes``, never by what it announces.
"""

from __future__ import annotations

from ..errors import MalformedPacket
from .wire import FRAGMENT, FRAGMENT_BYTES, FRAGMENT_HEADER, MAX_BODY_BYTES, message


def split(kind: int, group: int, body: bytes) -> list[bytes]:
    """Return the framed messages that carry ``body``: itself, or its fragments."""
    if len(body) <= MAX_BODY_BYTES:
        return [message(kind, body)]
    count = -(-len(body) // FRAGMENT_BYTES)
    return [
        message(
            FRAGMENT,
            FRAGMENT_HEADER.pack(kind, group & 0xFFFF, index, count)
            + body[index * FRAGMENT_BYTES : (index + 1) * FRAGMENT_BYTES],
        )
        for index in range(count)
    ]


class TooLarge(MalformedPacket):
    """The peer sends something larger than this side's config allows, and will go on to: its config allows more."""


class _Group:
    __slots__ = ("count", "number", "parts")

    def __init__(self, number: int, count: int) -> None:
        self.number = number
        self.count = count
        self.parts: dict[int, bytes] = {}


class Reassembler:
    """Puts the fragments of one kind of message together again.

    At most ``max_groups`` messages are in the making; a newer one pushes out the oldest. A sender that must not lose
    any sends one at a time. Groups are numbered modulo 2**16, upwards; fragments of groups already finished are
    ignored.
    """

    __slots__ = ("_finished", "_groups", "_max_count", "_max_groups")

    def __init__(self, max_bytes: int, max_groups: int = 1) -> None:
        self._max_count = -(-max_bytes // FRAGMENT_BYTES) + 1
        self._max_groups = max_groups
        self._groups: dict[int, _Group] = {}
        self._finished: list[int] = []

    @property
    def held_bytes(self) -> int:
        """How much is being held of unfinished messages."""
        return sum(len(part) for group in self._groups.values() for part in group.parts.values())

    def receive(self, group: int, index: int, count: int, part: bytes) -> bytes | None:
        """Take one fragment; return the whole message's body once it is complete.

        :raises MalformedPacket: if the fragment contradicts itself or its group; TooLarge if the whole is.
        """
        if count > self._max_count:
            raise TooLarge(f"{count} fragments, at most {self._max_count} allowed")
        if index >= count or count < 2:
            raise MalformedPacket(f"fragment {index} of {count}")
        if (len(part) != FRAGMENT_BYTES) if index < count - 1 else not 0 < len(part) <= FRAGMENT_BYTES:
            raise MalformedPacket(f"fragment {index} of {count} has {len(part)} bytes")
        held = self._group(group, count)
        if held is None:
            return None
        if held.count != count:
            raise MalformedPacket(f"group of {held.count} fragments now claims {count}")
        held.parts[index] = part
        if len(held.parts) < count:
            return None
        del self._groups[group]
        self._note_finished(group)
        return b"".join(held.parts[i] for i in range(count))

    def _group(self, number: int, count: int) -> _Group | None:
        held = self._groups.get(number)
        if held is not None or number in self._finished:
            return held
        if len(self._groups) >= self._max_groups:
            oldest = next(iter(self._groups))
            if (number - oldest) & 0xFFFF >= 0x8000:
                return None  # a straggler of a group older than all in the making
            del self._groups[oldest]
            self._note_finished(oldest)
        held = self._groups[number] = _Group(number, count)
        return held

    def _note_finished(self, number: int) -> None:
        self._finished.append(number)
        del self._finished[:-16]
