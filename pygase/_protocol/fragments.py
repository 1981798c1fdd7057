"""Large messages in pieces, and back, within fixed bounds.

Every fragment but the last has exactly FRAGMENT_BYTES, so that count bounds size, and what a peer can make us hold is
bounded by what it really sent and by ``max_bytes``, never by what it announces.
"""

from __future__ import annotations

import math

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
    __slots__ = ("count", "number", "parts", "progress_at", "size_bytes")

    def __init__(self, number: int, count: int, now: float) -> None:
        self.number = number
        self.count = count
        self.parts: dict[int, bytes] = {}
        self.size_bytes = 0
        self.progress_at = now


class Reassembler:
    """Puts the fragments of one kind of message together again.

    At most ``max_groups`` messages are in the making; a newer one pushes out the oldest. A sender that must not lose
    any sends one at a time. Groups are numbered modulo 2**16, upwards; fragments of groups already finished are
    ignored.

    :param lifetime: seconds without a new fragment after which a message in the making is given up. For those that are
        resent it must be infinite: their fragments have been acknowledged and do not arrive again.
    :ivar held_bytes: how much is being held of unfinished messages.
    """

    __slots__ = ("_finished", "_lifetime", "groups", "held_bytes", "max_count", "max_groups")

    def __init__(self, max_bytes: int, max_groups: int = 1, lifetime: float = math.inf) -> None:
        self.max_count = -(-max_bytes // FRAGMENT_BYTES) + 1
        self.max_groups = max_groups
        self._lifetime = lifetime
        self.groups: dict[int, _Group] = {}
        self._finished: list[int] = []
        self.held_bytes = 0

    def receive(self, group: int, index: int, count: int, part: bytes, now: float = 0.0) -> bytes | None:
        """Take one fragment; return the whole message's body once it is complete.

        :param now: seconds, for ``lifetime``.
        :raises MalformedPacket: if the fragment contradicts itself or its group; TooLarge if the whole is.
        """
        if count > self.max_count:
            raise TooLarge(f"{count} fragments, at most {self.max_count} allowed")
        if index >= count or count < 2:
            raise MalformedPacket(f"fragment {index} of {count}")
        if (len(part) != FRAGMENT_BYTES) if index < count - 1 else not 0 < len(part) <= FRAGMENT_BYTES:
            raise MalformedPacket(f"fragment {index} of {count} has {len(part)} bytes")
        self.expire(now)
        held = self._group(group, count, now)
        if held is None:
            return None
        if held.count != count:
            raise MalformedPacket(f"group of {held.count} fragments now claims {count}")
        if index not in held.parts:
            held.parts[index] = part
            held.size_bytes += len(part)
            held.progress_at = now
            self.held_bytes += len(part)
        if len(held.parts) < count:
            return None
        self._let_go(group)
        return b"".join(held.parts[i] for i in range(count))

    def _group(self, number: int, count: int, now: float) -> _Group | None:
        held = self.groups.get(number)
        if held is not None or number in self._finished:
            return held
        if len(self.groups) >= self.max_groups:
            oldest = next(iter(self.groups))
            if (number - oldest) & 0xFFFF >= 0x8000:
                return None  # a straggler of a group older than all in the making
            self._let_go(oldest)
        held = self.groups[number] = _Group(number, count, now)
        return held

    def expire(self, now: float) -> None:
        """Give up the messages of which no new fragment has arrived for ``lifetime``."""
        for number in [n for n, held in self.groups.items() if now >= held.progress_at + self._lifetime]:
            self._let_go(number)

    def forgive(self, slept: float) -> None:
        """Do not count ``slept`` seconds in which this side itself did not run."""
        for held in self.groups.values():
            held.progress_at += slept

    def clear(self) -> None:
        """Give up all messages in the making."""
        for number in tuple(self.groups):
            self._let_go(number)

    def _let_go(self, number: int) -> None:
        """Hold a message no more, and ignore what else arrives of it."""
        self.held_bytes -= self.groups.pop(number).size_bytes
        self._finished.append(number)
        del self._finished[:-16]
