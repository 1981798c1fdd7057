"""The next state for a client, and the one that it has."""

from __future__ import annotations

import math
from typing import Final

from .._state.tree import Tree
from .congestion import SendWindow
from .fragments import split
from .packing import MAX_BACK
from .partial_states import PartialStates
from .record import PeerRecord
from .snapshots import SnapshotRing
from .wire import BULK_SNAPSHOT, DELTA, MAX_BODY_BYTES

MAX_UNRELIABLE_FRAGMENTS: Final = 4
"""Larger deltas are bulk transfers, whose fragments are resent. At 5 % loss four fragments arrive together in 81 of 100
cases, ten in 60."""

_LARGE_DELTA: Final = 64 * 1024
"""Size of a delta from which the full state may be smaller (as after deleting most of it)."""

_PATIENCE: Final = 0.5
"""Seconds beyond two time-outs in which no state became the client's baseline. Then fragments get lost faster than a
whole state arrives, as on a narrow link, and the next state is sent reliably."""

_PART_OVERHEAD: Final = 40
"""Bytes of a datagram beside the payload of a state."""

_LEAST_PART: Final = 48
"""Bytes of a part of a state for which a datagram is worth its headers."""

_MOST_PART: Final = int(MAX_UNRELIABLE_FRAGMENTS * MAX_BODY_BYTES * 0.9)
"""Bytes of a state that leaves at once, and not as a bulk transfer."""

_NO_STATE: Final[Tree] = {}
"""The baseline of all clients without a state."""


class SnapshotSender:
    """The baseline of one client, and its next snapshot. The ticks are in the client's record.

    :ivar ring: the states that the client may see.
    :ivar baseline: the state of ``record.baseline_tick``.
    :ivar bulk_tick: the tick of the state under way as a bulk transfer; 0: none.
    :ivar bulk_delivered_at: when all of that state had arrived, seconds; None while it is under way.
    :ivar window: bounds the bytes of states that are under way.
    :ivar parts: the states of which the client gets a part; None: it gets whole ones only.
    """

    __slots__ = (
        "_bulk",
        "_group",
        "_progress_at",
        "_progress_tick",
        "baseline",
        "bulk_delivered_at",
        "bulk_tick",
        "parts",
        "record",
        "ring",
        "window",
    )

    def __init__(
        self, record: PeerRecord, ring: SnapshotRing, max_bytes_per_second: float = math.inf, now: float = 0.0
    ) -> None:
        self.record = record
        self.ring = ring
        self.window = SendWindow(record, max_bytes_per_second, now)
        self.parts: PartialStates | None = None
        self.baseline: Tree = _NO_STATE
        self._progress_tick = 0  # the baseline at its last change, and the time of that:
        self._progress_at = 0.0
        self._group = 0
        self.bulk_tick = 0
        self.bulk_delivered_at: float | None = None
        self._bulk: Tree = _NO_STATE

    def renew(self, now: float) -> None:
        """Begin with a new path: a state under way is dropped, and the baseline stays."""
        self.window.begin(now)
        self._end_bulk()
        self._progress_tick = -1
        if self.parts is not None:
            self.parts.renew()

    def forget(self) -> None:
        """Note that the client has no state."""
        self.record.forget_states()
        self._forget_baseline()

    def _forget_baseline(self) -> None:
        self.record.baseline_tick, self.baseline = 0, _NO_STATE
        if self.parts is not None:
            self.parts.forget()

    def on_acked(self, tick: int) -> None:
        """``tick`` is the client's newest state; 0 asks for a full state."""
        if tick == 0:
            self._forget_baseline()
            return
        if tick == self.bulk_tick:
            tree: Tree | None = self._bulk
            self._end_bulk()
        else:
            tree = self._sent(tick)
        if tree is not None:
            self.record.baseline_tick, self.baseline = tick, tree
            if self.parts is not None:
                self.parts.on_acked(tick)

    def _sent(self, tick: int) -> Tree | None:
        """Return the state of a tick as the client got it; None if it is not known any more."""
        part = self.parts.sent(tick) if self.parts is not None else None
        return part if part is not None else self.ring.ring.get(tick)

    def holds(self, tick: int) -> bool:
        return self._sent(tick) is not None or tick == self.record.baseline_tick or tick == self.bulk_tick

    @property
    def is_partial(self) -> bool:
        """Whether the client has a part of a state, or one is on its way to it."""
        return self.parts is not None and self.parts.is_partial

    def _end_bulk(self) -> None:
        self.bulk_tick, self._bulk, self.bulk_delivered_at = 0, _NO_STATE, None

    @property
    def up_to_date(self) -> bool:
        """True if the client has the current state or a part of it, or there is none."""
        ring, tick = self.ring, self.record.baseline_tick
        return tick == ring.tick or not ring.tick or (ring.rests_since(tick) and not self.is_partial)

    def wanted(self, now: float, rto: float) -> bool:
        """Return whether to send a snapshot now: a new one, or the last one again after a time-out."""
        if self.bulk_tick:
            if self.bulk_delivered_at is None or now < self.bulk_delivered_at + 2 * rto:
                return False
            self._end_bulk()  # all of it arrived, yet the client did not acknowledge it: it could not use it
        if self.up_to_date:
            return False
        return self.record.sent_tick != self.ring.tick or now >= self.record.sent_at + rto

    def due_at(self, rto: float) -> float | None:
        """Return when :meth:`wanted` becomes true if the state does not change; None for never."""
        if self.bulk_tick:
            return None if self.bulk_delivered_at is None else self.bulk_delivered_at + 2 * rto
        if self.up_to_date:
            return None
        return self.record.sent_at + rto if self.record.sent_tick == self.ring.tick else 0.0

    def room(self, beside: int) -> float:
        """Return the bytes that a state's message ought to have at most; math.inf for any number.

        :param beside: bytes of other messages in its datagram.
        """
        if self.parts is None:
            return math.inf
        room = self.window.room(self.ring.span)
        return room if room == math.inf else min(max(room - beside - _PART_OVERHEAD, _LEAST_PART), _MOST_PART)

    def next_body(self, now: float, rto: float = 0.0, room: float = math.inf) -> tuple[bytes, int]:
        """Return the message body to send, and its kind: DELTA, SNAPSHOT, or BULK_SNAPSHOT to be sent reliably.

        :param rto: time-out for resending, seconds. A large state goes reliably if no progress was made for much
            longer.
        :param room: bytes that the state ought to have at most, if a part of it may leave.
        """
        record, ring = self.record, self.ring
        if record.baseline_tick != self._progress_tick or record.sent_tick == record.baseline_tick:
            self._progress_tick, self._progress_at = record.baseline_tick, now
        usable = record.baseline_tick > 0 and ring.tick - record.baseline_tick <= MAX_BACK
        again = record.sent_tick == ring.tick
        if self.parts is not None and usable:
            ring = self.parts.next_ring(record, self.baseline, room, now)
        body, kind = ring.body_for(*((record.baseline_tick, self.baseline) if usable else (0, {})), now)
        if usable and len(body) > _LARGE_DELTA:
            full, full_kind = ring.body_for(0, {}, now)
            if len(full) < len(body):
                body, kind = full, full_kind
        record.sent_tick, record.sent_at = ring.tick, now
        if len(body) <= MAX_BODY_BYTES:
            return body, kind
        stuck = now > self._progress_at + _PATIENCE + 2 * rto
        if usable and not again and not stuck and len(body) <= _MOST_PART:
            return body, kind
        self.bulk_tick, self._bulk, self.bulk_delivered_at = ring.tick, ring.tree, None
        if kind == DELTA:
            body, _ = ring.body_for(record.baseline_tick, self.baseline, now, is_long=True)
        return body, BULK_SNAPSHOT

    def fragments(self, body: bytes, kind: int) -> list[bytes]:
        # A group number of its own counts only fragmented states. Ticks or whole states may be so far apart that the
        # receiver takes the newer one for the older one.
        self._group += len(body) > MAX_BODY_BYTES
        return split(kind, self._group, body)
