"""Which state a client has, and what to send it next.

The server keeps a ring of the states that it has sent lately (they share structure). A client reports the tick of the
newest state it has, with every packet; that state is its baseline, and it is sent the delta from there to now. So a
lost packet needs no repair: the next delta contains what it contained. Who has no baseline gets a full state. (The
idea is Quake III's; see Sanglard, "Quake 3 source code review: network model".)
"""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, NamedTuple

from .._state.codec import holds_more, pack, unpack
from .._state.delta import apply, diff
from .._state.tree import Tree
from ..config import ConnectionConfig
from ..errors import MalformedPacket
from .fragments import TooLarge, split
from .sequence import unwrap
from .wire import (
    BULK_SNAPSHOT,
    COMPRESSED,
    MAX_BODY_BYTES,
    RESTING,
    SNAPSHOT,
    SNAPSHOT_HEADER,
    TIME_UNIT,
    message,
    to_wire_time,
)

MAX_UNRELIABLE_FRAGMENTS: Final = 4
"""Larger deltas are sent as a bulk transfer, whose fragments are resent: at 5 % loss four arrive together in 81 of 100
cases, ten in 60."""

_MAX_BACK: Final = 0xFFFF
_LARGE_DELTA: Final = 64 * 1024
"""From this size on it is worth while to see whether the full state is smaller (as after deleting most of it)."""

_ROUNDED: Final = 100
"""Units of the wire by which a state may seem to be newer than the server's clock."""

_PATIENCE: Final = 0.5
"""Seconds beyond two time-outs in which none of the states sent has become the client's. Then fragments get lost faster
than a whole state can arrive, as on a link that is too narrow, and the next one is sent reliably."""

_ZLIB_LEVEL: Final = 1
"""Fastest: a full state is compressed between two ticks."""


class SnapshotRing:
    """The server's recent states and their encodings, shared by all clients of an endpoint.

    Only ticks that changed something are held, and the first after each that changed nothing: with that one the
    clients are told that the world rests, so that silence can only mean loss. ``tick`` 0 means that there is no state
    yet.
    """

    __slots__ = (
        "_deltas",
        "_max_bytes",
        "_previous_tick",
        "_size",
        "_span",
        "by_report",
        "changed_tick",
        "resting",
        "ring",
        "tick",
        "time",
        "times",
        "tree",
    )

    def __init__(self, size: int, max_state_bytes: int = 4 * 1024 * 1024) -> None:
        self._size = size
        self._max_bytes = max_state_bytes
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
        self._deltas: dict[int, bytes] = {}
        self.by_report: dict[int, bytes | None] = {}
        """What a client reported (see frame_for) → the framed message that it is to get, once that has been made."""

    def push(self, tick: int, tree: Tree, time: float, span: float) -> bool:
        """Make ``tree`` the current state; False if nothing has changed again, so that there is nothing to send.

        :param time: the tick's time on the server's clock, seconds.
        :param span: seconds before ``time`` up to which the state was still the previous one.
        """
        unchanged = tree is self.tree and self.tick > 0
        if unchanged and (self.resting or tick == self.tick):
            return False
        self.resting = unchanged
        self._previous_tick, self.tick = self.changed_tick, tick
        if not unchanged:
            self.changed_tick = tick
        self.tree, self.time, self._span = tree, time, span
        self.ring[tick], self.times[tick] = tree, time
        if len(self.ring) > self._size:
            oldest, _ = self.ring.popitem(last=False)
            del self.times[oldest]
        self._deltas.clear()
        self.by_report.clear()
        return True

    def encoded(self, baseline_tick: int, baseline: Tree) -> bytes:
        """Return the body of the message that takes ``baseline`` (tick 0: nothing) to the current state; made only
        once.
        """
        body = self._deltas.get(baseline_tick)
        if body is None:
            body = self._deltas[baseline_tick] = self._encode(baseline_tick, baseline)
        return body

    def frame_for(self, reported: int) -> bytes | None:
        """Return the framed message for all clients with this report, or None if there is none that fits a packet.

        :param reported: the lowest 32 bits of the tick of the newest state that they have; 0: none, -1: nothing said.
        """
        framed = None
        tick = unwrap(reported, self.tick, 32) if reported > 0 else 0
        baseline = self.ring.get(tick) if tick else {}
        if self.tick and baseline is not None and tick != self.tick and (not tick or self.tick - tick <= _MAX_BACK):
            body = self.encoded(tick, baseline)
            framed = message(SNAPSHOT, body) if len(body) <= MAX_BODY_BYTES else None
        self.by_report[reported] = framed
        return framed

    def _encode(self, baseline_tick: int, baseline: Tree) -> bytes:
        payload = pack(diff(baseline, self.tree) if baseline_tick else self.tree)
        if baseline_tick and len(payload) > self._max_bytes:  # deletions can make a delta larger than any state
            return self.encoded(0, {})
        flags = RESTING if self.resting else 0
        if len(payload) > MAX_BODY_BYTES - SNAPSHOT_HEADER.size:
            compressed = zlib.compress(payload, _ZLIB_LEVEL)
            if len(compressed) < len(payload):
                payload, flags = compressed, flags | COMPRESSED
        header = SNAPSHOT_HEADER.pack(
            flags,
            self.tick & 0xFFFFFFFF,
            self.tick - baseline_tick if baseline_tick else 0,
            min(self.tick - self._previous_tick, _MAX_BACK),
            to_wire_time(self.time),
            min(int(self._span / TIME_UNIT), 0xFFFF),
        )
        return header + payload


class SnapshotSender:
    """What one client has, and what it is to be sent next."""

    __slots__ = (
        "_bulk",
        "_group",
        "_progress_at",
        "_progress_tick",
        "_ring",
        "baseline",
        "baseline_tick",
        "bulk_delivered_at",
        "bulk_tick",
        "sent_at",
        "sent_tick",
    )

    def __init__(self, ring: SnapshotRing) -> None:
        self._ring = ring
        self.baseline_tick = 0
        self.baseline: Tree = {}
        self.sent_tick = 0
        self.sent_at = 0.0
        self._progress_tick = 0  # the baseline when it last changed, and when that was seen:
        self._progress_at = 0.0
        self._group = 0
        self.bulk_tick = 0
        self.bulk_delivered_at: float | None = None
        self._bulk: Tree = {}

    def on_reported(self, tick: int) -> None:
        """The client says that ``tick`` is the newest state it has; 0 asks for a full state."""
        if tick == 0:
            self.baseline_tick, self.baseline = 0, {}
            return
        if tick == self.bulk_tick:
            tree: Tree | None = self._bulk
            self._end_bulk()
        else:
            tree = self._ring.ring.get(tick)
        if tree is not None:
            self.baseline_tick, self.baseline = tick, tree

    def _end_bulk(self) -> None:
        self.bulk_tick, self._bulk, self.bulk_delivered_at = 0, {}, None

    @property
    def up_to_date(self) -> bool:
        """True if the client is known to have the current state, or there is none."""
        ring = self._ring
        return (self.baseline_tick == ring.tick) or not ring.tick

    def wanted(self, now: float, rto: float) -> bool:
        """Tell whether a snapshot should be sent now: a new one, or the last one again after a time-out."""
        ring = self._ring
        if self.bulk_tick:
            if self.bulk_delivered_at is None or now < self.bulk_delivered_at + 2 * rto:
                return False
            self._end_bulk()  # all of it arrived, yet the client does not have it: it could not use it
        if self.baseline_tick == ring.tick or not ring.tick:
            return False
        return self.sent_tick != ring.tick or now >= self.sent_at + rto

    def due_at(self, rto: float) -> float | None:
        """When :meth:`wanted` becomes true if the state stays as it is; None for never."""
        if self.bulk_tick:
            return None if self.bulk_delivered_at is None else self.bulk_delivered_at + 2 * rto
        if self.up_to_date:
            return None
        return self.sent_at + rto if self.sent_tick == self._ring.tick else 0.0

    def next_body(self, now: float, rto: float = 0.0) -> tuple[bytes, int]:
        """Return the message body to send, and its kind: SNAPSHOT, or BULK_SNAPSHOT to be sent reliably.

        :param rto: time-out for resending, seconds: far beyond it without any progress, large ones go reliably.
        """
        if self.baseline_tick != self._progress_tick or self.sent_tick == self.baseline_tick:
            self._progress_tick, self._progress_at = self.baseline_tick, now
        ring = self._ring
        usable = self.baseline_tick and ring.tick - self.baseline_tick <= _MAX_BACK
        body = ring.encoded(self.baseline_tick, self.baseline) if usable else ring.encoded(0, {})
        if usable and len(body) > _LARGE_DELTA:
            body = min(body, ring.encoded(0, {}), key=len)
        again = self.sent_tick == ring.tick
        self.sent_tick, self.sent_at = ring.tick, now
        if len(body) <= MAX_BODY_BYTES:
            return body, SNAPSHOT
        stuck = now > self._progress_at + _PATIENCE + 2 * rto
        if usable and not again and not stuck and len(body) <= MAX_UNRELIABLE_FRAGMENTS * MAX_BODY_BYTES * 0.9:
            return body, SNAPSHOT
        self.bulk_tick, self._bulk, self.bulk_delivered_at = ring.tick, ring.tree, None
        return body, BULK_SNAPSHOT

    def fragments(self, body: bytes) -> list[bytes]:
        """Return the framed messages of a body that goes out unreliably."""
        # no tick, and nothing that is whole: such may be so far apart that the receiver takes the newer for the older
        self._group += len(body) > MAX_BODY_BYTES
        return split(SNAPSHOT, self._group, body)


@dataclass(frozen=True, slots=True)
class ReceivedState:
    """A state as the client got it.

    :ivar tick: its number.
    :ivar time: the tick's time on the server's clock, seconds.
    :ivar changed_after: until this time (same clock) the state was still that of ``previous_tick``.
    :ivar previous_tick: the last tick before it that changed something.
    :ivar tree: the frozen state.
    :ivar resting: this tick changed nothing, for the first time since one that did.
    :ivar own_values: how much it holds that it does not share with its baseline: what arrived, and each item of each
        dict that had to be copied for it.
    """

    tick: int
    time: float
    changed_after: float
    previous_tick: int
    tree: Tree
    resting: bool = False
    own_values: int = 0


class _Kept(NamedTuple):
    """A state that may become a baseline, and what it holds of its own; and bounds on the size of all of it.

    ``size_bytes`` is an upper bound. It has to be looked at more closely when it grows beyond ``checked_until``.
    """

    tree: Tree
    own_values: int
    size_bytes: int
    checked_until: int


class SnapshotReceiver:
    """The client's side: applies deltas to the states it has, and knows what to report.

    :param max_state_bytes: bound on a state, serialised; it may seem larger by a quarter before that is looked at.
    :param max_values: bound on the values in a state.
    :param max_kept_values: bound on those that the kept states hold beyond what they share; ``max_values`` if None.
    """

    __slots__ = (
        "_max_bytes",
        "_max_kept_values",
        "_max_values",
        "_server_time",
        "_states",
        "_time",
        "newest_tick",
        "reported_tick",
        "unusable",
    )

    MAX_STATES: Final = 1024
    """States kept as possible baselines: 17 seconds at 60 Hz without the arrival of any report of ours."""
    MIN_STATES: Final = 2
    """So many are kept whatever they hold: the server's baseline, and one that can take its place."""

    def __init__(
        self,
        max_state_bytes: int,
        max_values: int = ConnectionConfig.max_state_values,
        max_kept_values: int | None = None,
    ) -> None:
        self._max_bytes = max_state_bytes
        self._max_values = max_values
        self._max_kept_values = max_values if max_kept_values is None else max_kept_values
        self._states: dict[int, _Kept] = {}
        self._time = 0
        self._server_time: int | None = None
        self.newest_tick = 0
        self.reported_tick = 0
        self.unusable = 0

    def note_server_time(self, units: int) -> None:
        """Take note of what the server's clock shows, in units of the wire, whole: no state is newer than that."""
        self._server_time = units

    @property
    def own_values(self) -> int:
        """How much the kept states hold beyond what they share."""
        return sum(kept.own_values for kept in self._states.values())

    def receive(self, body: bytes) -> ReceivedState | None:
        """Take a snapshot's message body; return the new state, or None if it is no news.

        :raises MalformedPacket: if it is not what it should be.
        :raises TooLarge: if the state has more bytes or values than may be.
        """
        if len(body) < SNAPSHOT_HEADER.size:
            raise MalformedPacket("snapshot without its header")
        flags, wire_tick, back, previous_back, wire_time, wire_span = SNAPSHOT_HEADER.unpack_from(body)
        if flags & ~(COMPRESSED | RESTING):
            raise MalformedPacket(f"snapshot with unknown flags {flags:#x}")
        tick = unwrap(wire_tick, self.newest_tick, 32)
        is_known = tick == self.newest_tick and self.reported_tick != 0
        if tick < self.newest_tick or (is_known and tick in self._states):
            return None
        baseline = self._states.get(tick - back) if back else self._nothing
        if baseline is None:
            self.unusable += 1
            return None
        kept = self._state(baseline, self._payload(flags, body), bool(back))
        self._remember(tick, kept, tick - back if back else 0)
        if is_known:
            return None
        self._time = self._whole(wire_time)
        time, resting = self._time * TIME_UNIT, bool(flags & RESTING)
        changed_after, previous_tick = time - wire_span * TIME_UNIT, tick - previous_back
        return ReceivedState(tick, time, changed_after, previous_tick, kept.tree, resting, kept.own_values)

    @property
    def _nothing(self) -> _Kept:
        return _Kept({}, 0, 0, min(self._max_bytes, self._max_values))

    def _state(self, baseline: _Kept, payload: bytes, is_delta: bool) -> _Kept:
        """Return the state that ``payload`` makes of its baseline, if it is none of too many bytes or values."""
        self._check(payload)
        copied: list[int] = []
        delta = unpack(payload, markers=is_delta)
        rests = is_delta and delta == {}
        tree = baseline.tree if rests else apply(baseline.tree, delta, copied=copied)
        own_values = sum(copied) + min(len(payload), self._max_values)  # (a value takes a byte at least)
        size, checked_until = baseline.size_bytes + len(payload), baseline.checked_until
        if size > checked_until:
            data = pack(tree)
            self._check(data)
            size, checked_until = len(data), len(data) + self._max_bytes // 4
        return _Kept(tree, own_values, size, checked_until)

    def _check(self, data: bytes) -> None:
        if len(data) > self._max_bytes + 64:
            raise TooLarge(f"a state of more than {self._max_bytes:,} bytes")
        if len(data) > self._max_values and holds_more(data, self._max_values):
            raise TooLarge(f"a state of more than {self._max_values:,} values")

    def _whole(self, wire_time: int) -> int:
        """Restore the time of a state. A world that rests may have one of days ago."""
        if self._server_time is None:
            return unwrap(wire_time, self._time, 32)
        return unwrap(wire_time, self._server_time + _ROUNDED - (1 << 31), 32)

    def _payload(self, flags: int, body: bytes) -> bytes:
        payload = body[SNAPSHOT_HEADER.size :]
        if not flags & COMPRESSED:
            return payload
        try:
            inflater = zlib.decompressobj()
            inflated = inflater.decompress(payload, self._max_bytes + 64)
        except zlib.error as error:
            raise MalformedPacket(f"snapshot does not decompress: {error}") from None
        if inflater.unconsumed_tail:
            raise TooLarge(f"snapshot inflates to more than {self._max_bytes} bytes")
        if not inflater.eof:
            raise MalformedPacket("compressed snapshot is cut off")
        return inflated

    def _remember(self, tick: int, state: _Kept, baseline_tick: int) -> None:
        """Keep a state as a possible baseline, and report it, if there is room.

        Where there is none, the report stays that of an older one: as soon as it has arrived, the server makes its
        deltas against that, and all before it can go.
        """
        # The server's baselines never go back, so nothing before this one will be needed again. Of a full state's (0)
        # we learn nothing: a report of any state we have may be on its way to the server.
        for old in [t for t in self._states if t < baseline_tick]:
            del self._states[old]
        self.newest_tick = tick
        while not self._has_room(state):
            if baseline_tick:
                return
            del self._states[next(iter(self._states))]  # whole states may be all that the server sends
        self._states[tick] = state
        if tick & 0xFFFFFFFF:  # on the wire, 0 would ask for a full state
            self.reported_tick = tick

    def _has_room(self, state: _Kept) -> bool:
        states = self._states
        return len(states) < self.MIN_STATES or (
            len(states) < self.MAX_STATES and self.own_values + state.own_values <= self._max_kept_values
        )
