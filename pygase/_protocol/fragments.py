"""Splits large messages into fragments, and joins them within fixed bounds.

Every fragment but the last has exactly FRAGMENT_BYTES, so the count bounds the size. The bytes that a peer makes us
hold are bounded by the bytes that it really sent and by ``max_bytes``, never by its announcement.
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
    """The peer sends something larger than this side's config allows. Its own config allows more, so it will repeat
    that."""


class _Group:
    __slots__ = ("count", "number", "parts", "progress_at", "size_bytes")

    def __init__(self, number: int, count: int, now: float) -> None:
        self.number = number
        self.count = count
        self.parts: dict[int, bytes] = {}
        self.size_bytes = 0
        self.progress_at = now


class Reassembler:
    """Joins the fragments of one kind of message.

    At most ``max_groups`` messages are unfinished at once; a newer one replaces the oldest. So a sender whose messages
    must all arrive sends one at a time. Groups are numbered modulo 2**16, upwards.

    :param lifetime: seconds without a new fragment after which an unfinished message is given up. It must be infinite
        for resent messages: their fragments are acknowledged and do not arrive again.
    :ivar held_bytes: bytes of unfinished messages.
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
        """Return the body of the whole message once it is complete.

        :raises MalformedPacket: if the fragment contradicts itself or its group.
        :raises TooLarge: if the whole message exceeds ``max_bytes``.
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
                return None  # a late fragment of a group older than all unfinished ones
            self._let_go(oldest)
        held = self.groups[number] = _Group(number, count, now)
        return held

    def expire(self, now: float) -> None:
        for number in [n for n, held in self.groups.items() if now >= held.progress_at + self._lifetime]:
            self._let_go(number)

    def forgive(self, slept: float) -> None:
        for held in self.groups.values():
            held.progress_at += slept

    def clear(self) -> None:
        for number in tuple(self.groups):
            self._let_go(number)

    def forget(self) -> None:
        """Begin anew: the sender sends each message again from its first fragment."""
        self.groups.clear()
        self._finished.clear()
        self.held_bytes = 0

    def _let_go(self, number: int) -> None:
        """Ignore the later fragments of a message."""
        self.held_bytes -= self.groups.pop(number).size_bytes
        self._finished.append(number)
        del self._finished[:-16]
