"""The server's states, and the next state for a client.

The server keeps a ring of its latest states, which share structure. With every packet a client acknowledges its newest
state. That state is its baseline, and the server sends the delta from there to the current state. A lost packet needs
no repair, since the next delta contains its changes. A client without a baseline gets a full state. (The idea is Quake
III's; see Sanglard, "Quake 3 source code review: network model".)
"""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Final

from .._state.delta import diff
from .._state.known_deltas import KnownDeltas
from .._state.tree import Tree
from .congestion import SendWindow
from .fragments import split
from .packing import MAX_BACK, Encoded, Packing, head_of, is_fresh
from .record import PeerRecord
from .sequence import unwrap
from .wire import BULK_SNAPSHOT, DELTA, MAX_BODY_BYTES, RESTING, SNAPSHOT, last_message

MAX_UNRELIABLE_FRAGMENTS: Final = 4
"""Larger deltas are bulk transfers, whose fragments are resent. At 5 % loss four fragments arrive together in 81 of 100
cases, ten in 60."""

_LARGE_DELTA: Final = 64 * 1024
"""Size of a delta from which the full state may be smaller (as after deleting most of it)."""

_PATIENCE: Final = 0.5
"""Seconds beyond two time-outs in which no state became the client's baseline. Then fragments get lost faster than a
whole state arrives, as on a narrow link, and the next state is sent reliably."""

_NO_STATE: Final[Tree] = {}
"""The baseline of all clients without a state."""


Encodings = dict[tuple[int, int], tuple[Encoded | None, Tree, Tree]]
"""The encoding of each pair of baseline and tree, by their identities, with the two themselves."""


class SnapshotRing:
    """The server's recent states and their encodings, shared by all clients of an endpoint.

    The ring holds the ticks that changed something, and the first unchanged tick after each. That one reports to the
    clients that the world rests, so silence can only mean loss. ``tick`` is 0 while there is no state.
    """

    __slots__ = (
        "_bodies",
        "_encodings",
        "_known",
        "_previous_tick",
        "_size",
        "_span",
        "by_acked_tick",
        "changed_tick",
        "packing",
        "resting",
        "ring",
        "tick",
        "time",
        "times",
        "tree",
    )

    def __init__(self, size: int, max_state_bytes: int = 4 * 1024 * 1024) -> None:
        self._size = size
        self.packing = Packing(max_state_bytes)
        self.ring: OrderedDict[int, Tree] = OrderedDict()
        self.times: dict[int, float] = {}
        self.tick = 0
        self.tree: Tree = {}
        self.time = 0.0
        self._span = 0.0
        self._previous_tick = 0
        self.changed_tick = 0
        """The newest tick that has changed something; 0: none."""
        self.resting = False
        self._known = KnownDeltas()
        self._encodings: Encodings = {}
        self._bodies: dict[tuple[int, int], bytes] = {}
        self.by_acked_tick: dict[int, bytes | None] = {}

    def apart(self) -> SnapshotRing:
        """Return a ring for what a single client sees. It shares the encodings of a tick with all its like."""
        ring = SnapshotRing(self._size)
        ring.packing, ring._encodings = self.packing, self._encodings
        return ring

    def push(self, tick: int, tree: Tree, time: float, span: float, delta: Tree | None = None) -> bool:
        """Make ``tree`` the current state. Return False if nothing changed again and there is nothing to send.

        :param time: the tick's time on the server's clock, seconds.
        :param span: seconds before ``time`` until which the previous state held.
        :param delta: frozen; leads from the previous state to ``tree``. None if it is not known.
        """
        unchanged = tree is self.tree and self.tick > 0
        if unchanged and (self.resting or tick == self.tick):
            return False
        self.resting = unchanged
        self._previous_tick, self.tick = self.changed_tick, tick
        if not unchanged:
            self.changed_tick = tick
            self._known.add(tick, delta)
        self.tree, self.time, self._span = tree, time, span
        self.ring[tick], self.times[tick] = tree, time
        if len(self.ring) > self._size:
            self._drop_oldest()
        self._encodings.clear()
        self._bodies.clear()
        self.by_acked_tick.clear()
        return True

    def body_for(self, baseline_tick: int, baseline: Tree, now: float, *, is_long: bool = False) -> tuple[bytes, int]:
        """Return the message body that leads from ``baseline`` (tick 0: nothing) to the current state, and its kind:
        DELTA if that can express it, else SNAPSHOT. It is made once for all clients with this baseline.

        :param now: when it leaves, seconds on the clock of ``time``.
        :param is_long: whether it has to be a SNAPSHOT, which may leave at any time.
        """
        flags, payload, back = self._encoded(baseline_tick, baseline)
        head = head_of(flags, self.tick, back, self.tick - self._previous_tick, self.time, self._span)
        kind = DELTA if head.is_short and is_fresh(self.time, now) and not is_long else SNAPSHOT
        body = self._bodies.get((baseline_tick, kind))
        if body is None:
            body = (head.encode_short() if kind == DELTA else head.encode()) + payload
            self._bodies[baseline_tick, kind] = body
        return body, kind

    def delta_since(self, baseline_tick: int, baseline: Tree) -> Tree:
        """Return the delta that leads from ``baseline``, the state of an earlier tick, to the current state."""
        if self.ring.get(baseline_tick) is not baseline:
            return diff(baseline, self.tree)
        return self._known.difference(baseline_tick, baseline, self.tree)

    def frame_for(self, acked: int, now: float) -> bytes | None:
        """Return the framed message for all clients with this acked tick; None if it does not exist or fit a packet.

        It has to be the last message of its packet, and to leave now.

        :param acked: the lowest 32 bits of the tick of their newest state; 0: none, -1: nothing acknowledged.
        """
        if acked in self.by_acked_tick:
            return self.by_acked_tick[acked]
        framed = None
        tick = unwrap(acked, self.tick, 32) if acked > 0 else 0
        baseline = self.ring.get(tick) if tick else {}
        if self.tick and baseline is not None and tick != self.tick and (not tick or self.tick - tick <= MAX_BACK):
            body, kind = self.body_for(tick, baseline, now)
            framed = last_message(kind, body) if len(body) <= MAX_BODY_BYTES else None
        self.by_acked_tick[acked] = framed
        return framed

    def _encoded(self, baseline_tick: int, baseline: Tree) -> tuple[int, bytes, int]:
        """Return flags, payload, and ticks back to the baseline: 0 for a full state. It is encoded once."""
        key = id(baseline) if baseline_tick else 0, id(self.tree)
        found = self._encodings.get(key)
        if found is None:
            found = self._encodings[key] = self._encode(baseline_tick, baseline), baseline, self.tree
        encoded = found[0]
        if encoded is None:  # deletions can make a delta larger than any state
            return self._encoded(0, {})
        flags, payload = encoded
        return flags | RESTING if self.resting else flags, payload, self.tick - baseline_tick if baseline_tick else 0

    def _encode(self, baseline_tick: int, baseline: Tree) -> Encoded | None:
        if not baseline_tick:
            return self.packing.full(self.tree)
        return self.packing.delta(baseline, self.tree, self.delta_since(baseline_tick, baseline))

    def forget_before(self, tick: int) -> None:
        """Drop the states before a tick, which are no baselines any more."""
        while self.ring and next(iter(self.ring)) < tick:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest, _ = self.ring.popitem(last=False)
        del self.times[oldest]
        self._known.drop(oldest)


class SnapshotSender:
    """The baseline of one client, and its next snapshot. The ticks are in the client's record.

    :ivar ring: the states that the client may see.
    :ivar baseline: the state of ``record.baseline_tick``.
    :ivar bulk_tick: the tick of the state under way as a bulk transfer; 0: none.
    :ivar bulk_delivered_at: when all of that state had arrived, seconds; None while it is under way.
    :ivar window: bounds the bytes of states that are under way.
    """

    __slots__ = (
        "_bulk",
        "_group",
        "_progress_at",
        "_progress_tick",
        "baseline",
        "bulk_delivered_at",
        "bulk_tick",
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

    def forget(self) -> None:
        """Note that the client has no state."""
        self.record.forget_states()
        self.baseline = _NO_STATE

    def on_acked(self, tick: int) -> None:
        """``tick`` is the client's newest state; 0 asks for a full state."""
        if tick == 0:
            self.record.baseline_tick, self.baseline = 0, _NO_STATE
            return
        if tick == self.bulk_tick:
            tree: Tree | None = self._bulk
            self._end_bulk()
        else:
            tree = self.ring.ring.get(tick)
        if tree is not None:
            self.record.baseline_tick, self.baseline = tick, tree

    def holds(self, tick: int) -> bool:
        return tick in self.ring.ring or tick == self.record.baseline_tick or tick == self.bulk_tick

    def _end_bulk(self) -> None:
        self.bulk_tick, self._bulk, self.bulk_delivered_at = 0, _NO_STATE, None

    @property
    def up_to_date(self) -> bool:
        """True if the client has the current state, or there is none."""
        ring = self.ring
        return (self.record.baseline_tick == ring.tick) or not ring.tick

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

    def next_body(self, now: float, rto: float = 0.0) -> tuple[bytes, int]:
        """Return the message body to send, and its kind: DELTA, SNAPSHOT, or BULK_SNAPSHOT to be sent reliably.

        :param rto: time-out for resending, seconds. A large state goes reliably if no progress was made for much
            longer.
        """
        record, ring = self.record, self.ring
        if record.baseline_tick != self._progress_tick or record.sent_tick == record.baseline_tick:
            self._progress_tick, self._progress_at = record.baseline_tick, now
        usable = record.baseline_tick > 0 and ring.tick - record.baseline_tick <= MAX_BACK
        body, kind = ring.body_for(*((record.baseline_tick, self.baseline) if usable else (0, {})), now)
        if usable and len(body) > _LARGE_DELTA:
            full, full_kind = ring.body_for(0, {}, now)
            if len(full) < len(body):
                body, kind = full, full_kind
        again = record.sent_tick == ring.tick
        record.sent_tick, record.sent_at = ring.tick, now
        if len(body) <= MAX_BODY_BYTES:
            return body, kind
        stuck = now > self._progress_at + _PATIENCE + 2 * rto
        if usable and not again and not stuck and len(body) <= MAX_UNRELIABLE_FRAGMENTS * MAX_BODY_BYTES * 0.9:
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
