"""The receiver of events: joins fragments, drops duplicates, restores the order."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from ..errors import MalformedPacket
from .acknowledged import AcknowledgedEvent
from .channels import WINDOW_BYTES, WINDOW_MESSAGES
from .fragments import Reassembler, TooLarge
from .sequence import ReceiveWindow, unwrap
from .wire import AFTER, EVENT, EVENT_ONCE, EVENT_ORDERED, ORDER

_ONCE_WINDOW: Final = 4096
"""Numbers back within which a retried event that has been handled is recognised."""


class WindowOverrun(MalformedPacket):
    """An acknowledged event lies beyond the window or is too large. It is never resent, so the connection must end."""


class EventReceiver:
    """All incoming events of a connection: joins fragments, drops duplicates, restores the order.

    ``deliver`` gets each serialised event in its turn. Retried and reliable ones are AcknowledgedEvents.

    :param fragment_timeout: seconds without progress after which an unfinished unreliable event is given up.
    :ivar held_bytes: bytes of unfinished messages, and of reliable ones ahead of their turn.
    :ivar reassemblers: by kind of message, each made for the first fragment of its kind.
    """

    __slots__ = (
        "_deliver",
        "_fragment_timeout",
        "_limit",
        "_next_order",
        "_once",
        "_waiting_bytes",
        "held",
        "held_bytes",
        "reassemblers",
    )

    def __init__(
        self, deliver: Callable[[bytes], None], max_message_bytes: int, fragment_timeout: float = math.inf
    ) -> None:
        self._deliver = deliver
        self._limit = max_message_bytes + AFTER.size + ORDER.size
        self._fragment_timeout = fragment_timeout
        self._once: ReceiveWindow | None = None
        """The numbers of the retried events; None before the first, since most clients never send one."""
        self._next_order = 1
        self.held: dict[int, bytes] = {}
        self.reassemblers: dict[int, Reassembler] = {}
        self._waiting_bytes = self.held_bytes = 0

    @property
    def received(self) -> int:
        """Count of the reliable events that have arrived in order."""
        return self._next_order - 1

    def renew(self) -> None:
        """Begin with a new path: all that is held is dropped. The peer sends again what must arrive."""
        for reassembler in self.reassemblers.values():
            reassembler.forget()
        self.held.clear()
        self._waiting_bytes = self.held_bytes = 0

    def join(self, acked: int) -> None:
        """Go on after the last reliable event that the peer knows to be acknowledged. Next after :meth:`renew`.

        It is a later one than this side remembers only after a restart from a checkpoint. Those between are lost.
        """
        if acked > self.received:
            self.begin_anew(acked)

    def begin_anew(self, received: int) -> None:
        """Forget the peer's events but the count of the reliable ones, which go on after it. Next after
        :meth:`renew`."""
        self._once = None
        self._next_order = received + 1

    def _count_held(self) -> None:
        self.held_bytes = self._waiting_bytes + sum(r.held_bytes for r in self.reassemblers.values())

    def expire(self, now: float) -> None:
        if EVENT in self.reassemblers:
            self.reassemblers[EVENT].expire(now)
            self._count_held()

    def forgive(self, slept: float) -> None:
        if EVENT in self.reassemblers:
            self.reassemblers[EVENT].forgive(slept)

    def drop_unreliable(self) -> bool:
        """Return False if there are none. All else that is held was acknowledged."""
        loose = self.reassemblers.get(EVENT)
        if loose is None or not loose.held_bytes:
            return False
        loose.clear()
        self._count_held()
        return True

    def receive(self, kind: int, body: bytes) -> None:
        """Take a whole message of kind EVENT, EVENT_ONCE or EVENT_ORDERED.

        :raises MalformedPacket: if it is too short for its number.
        """
        if kind == EVENT:
            self._deliver(body)
            return
        if len(body) < ORDER.size:
            raise MalformedPacket("event without its number")
        number = ORDER.unpack_from(body)[0]
        if kind == EVENT_ONCE:
            if self._once is None:
                self._once = ReceiveWindow(_ONCE_WINDOW)
            if self._once.receive(unwrap(number, max(self._once.latest, 0))):
                self._deliver(AcknowledgedEvent(body[ORDER.size :]))
        else:
            self._receive_ordered(unwrap(number, self._next_order), body[ORDER.size :])

    def _receive_ordered(self, order: int, payload: bytes) -> None:
        if not self._next_order <= order < self._next_order + WINDOW_MESSAGES or order in self.held:
            return
        if order != self._next_order and self.held and self._waiting_bytes + len(payload) > 2 * WINDOW_BYTES:
            raise WindowOverrun("more reliable events ahead of their turn than the window allows")
        before = self._waiting_bytes
        self.held[order] = payload
        self._waiting_bytes += len(payload)
        while self._next_order in self.held:
            self._next_order += 1
            ready = self.held.pop(self._next_order - 1)
            self._waiting_bytes -= len(ready)
            self._deliver(AcknowledgedEvent(ready))
        self.held_bytes += self._waiting_bytes - before

    def receive_fragment(self, kind: int, group: int, index: int, count: int, part: bytes, now: float = 0.0) -> None:
        """A complete event is received at once.

        :raises MalformedPacket: if the fragment is wrong, or its kind is no event's.
        """
        reassembler = self.reassemblers.get(kind) or self._new_reassembler(kind)
        try:
            body = reassembler.receive(group, index, count, part, now)
        except TooLarge as error:
            if kind == EVENT_ORDERED:  # it is acknowledged, so the peer never resends it
                raise WindowOverrun(f"a reliable event that is too large: {error}") from None
            raise MalformedPacket(str(error)) from None
        self._count_held()
        if body is not None:
            self.receive(kind, body)

    def _new_reassembler(self, kind: int) -> Reassembler:
        """:raises MalformedPacket: the kind is no event's."""
        if kind == EVENT:
            made = Reassembler(self._limit, max_groups=4, lifetime=self._fragment_timeout)
        elif kind in (EVENT_ONCE, EVENT_ORDERED):
            made = Reassembler(self._limit)
        else:
            raise MalformedPacket(f"fragment of unknown kind {kind}")
        self.reassemblers[kind] = made
        return made
