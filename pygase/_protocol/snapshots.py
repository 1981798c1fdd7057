"""The server's states, and their encodings.

The server keeps a ring of its latest states, which share structure. With every packet a client acknowledges its newest
state. That state is its baseline, and the server sends the delta from there to the current state. A lost packet needs
no repair, since the next delta contains its changes. A client without a baseline gets a full state. (The idea is Quake
III's; see Sanglard, "Quake 3 source code review: network model".)
"""

from __future__ import annotations

from collections import OrderedDict

from .._state.delta import diff
from .._state.known_deltas import KnownDeltas
from .._state.tree import Tree
from .packing import MAX_BACK, Encoded, Packing, head_of, is_fresh
from .sequence import unwrap
from .wire import DELTA, MAX_BODY_BYTES, RESTING, SNAPSHOT, last_message

Encodings = dict[tuple[int, int], tuple[Encoded | None, Tree, Tree]]
"""The encoding of each pair of baseline and tree, by their identities, with the two themselves."""


class _Made:
    """The messages of the current state, made once for all clients.

    :ivar bodies: by the tick of the baseline and the kind of the message.
    :ivar frames: see :meth:`SnapshotRing.frame_for`.
    """

    __slots__ = ("bodies", "frames")

    def __init__(self) -> None:
        self.bodies: dict[tuple[int, int], bytes] = {}
        self.frames: dict[int, bytes | None] = {}

    def clear(self) -> None:
        self.bodies.clear()
        self.frames.clear()


class SnapshotRing:
    """The server's recent states and their encodings, shared by all clients of an endpoint.

    The ring holds the ticks that changed something, and the first unchanged tick after each. That one reports to the
    clients that the world rests, so silence can only mean loss. ``tick`` is 0 while there is no state.
    """

    __slots__ = (
        "_encodings",
        "_known",
        "_made",
        "_previous_tick",
        "_rests_from",
        "_size",
        "changed_tick",
        "is_behind",
        "packing",
        "ring",
        "span",
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
        self.span = 0.0
        self._previous_tick = 0
        self.changed_tick = 0
        """The newest tick that has changed something; 0: none."""
        self._rests_from = 0
        """The first tick that has changed nothing since; 0: the newest one has."""
        self.is_behind = False
        """Whether some client has a part of the current state. Then the next tick is sent though it changes nothing."""
        self._known = KnownDeltas()
        self._encodings: Encodings = {}
        self._made = _Made()

    @property
    def resting(self) -> bool:
        """Whether the current tick has changed nothing."""
        return self._rests_from > 0

    def apart(self) -> SnapshotRing:
        """Return a ring for what a single client sees. It shares the encodings of a tick with all its like."""
        ring = SnapshotRing(self._size)
        ring.packing, ring._encodings = self.packing, self._encodings
        return ring

    def of_parts(self) -> SnapshotRing:
        """Return a ring for the states that a single client gets instead of this ring's, see :meth:`push_part`."""
        ring = SnapshotRing(self._size)
        ring.packing = self.packing
        return ring

    def push(self, tick: int, tree: Tree, time: float, span: float, delta: Tree | None = None) -> bool:
        """Make ``tree`` the current state. Return False if nothing changed again and there is nothing to send.

        :param time: the tick's time on the server's clock, seconds.
        :param span: seconds before ``time`` until which the previous state held.
        :param delta: frozen; leads from the previous state to ``tree``. None if it is not known.
        """
        unchanged = tree is self.tree and self.tick > 0
        if unchanged and ((self.resting and not self.is_behind) or tick == self.tick):
            return False
        if not (unchanged and self.resting):
            self._rests_from = tick if unchanged else 0
        self.is_behind = False
        self._previous_tick = self.changed_tick
        if not unchanged:
            self.changed_tick = tick
        self._add(tick, tree, time, span, delta, not unchanged)
        return True

    def push_part(self, whole: SnapshotRing, tree: Tree, delta: Tree) -> None:
        """Make ``tree``, which has a part of the newest changes of another ring's state, the current state.

        :param delta: leads to it from the previous state.
        """
        self._rests_from = whole.tick if whole.resting and tree is whole.tree else 0
        self._previous_tick, self.changed_tick = whole._previous_tick, whole.tick
        self._add(whole.tick, tree, whole.time, whole.span, delta, True)

    def _add(self, tick: int, tree: Tree, time: float, span: float, delta: Tree | None, is_change: bool) -> None:
        if is_change:
            self._known.add(tick, delta)
        self.tick, self.tree, self.time, self.span = tick, tree, time, span
        self.ring[tick], self.times[tick] = tree, time
        if len(self.ring) > self._size:
            self._drop_oldest()
        self._encodings.clear()
        self._made.clear()

    def body_for(self, baseline_tick: int, baseline: Tree, now: float, *, is_long: bool = False) -> tuple[bytes, int]:
        """Return the message body that leads from ``baseline`` (tick 0: nothing) to the current state, and its kind:
        DELTA if that can express it, else SNAPSHOT. It is made once for all clients with this baseline.

        :param now: when it leaves, seconds on the clock of ``time``.
        :param is_long: whether it has to be a SNAPSHOT, which may leave at any time.
        """
        flags, payload, back = self._encoded(baseline_tick, baseline)
        head = head_of(flags, self.tick, back, self.tick - self._previous_tick, self.time, self.span)
        kind = DELTA if head.is_short and is_fresh(self.time, now) and not is_long else SNAPSHOT
        body = self._made.bodies.get((baseline_tick, kind))
        if body is None:
            body = (head.encode_short() if kind == DELTA else head.encode()) + payload
            self._made.bodies[baseline_tick, kind] = body
        return body, kind

    def delta_since(self, baseline_tick: int, baseline: Tree) -> Tree:
        """Return the delta that leads from ``baseline``, the state of an earlier tick, to the current state."""
        if self.ring.get(baseline_tick) is not baseline:
            return diff(baseline, self.tree)
        return self._known.difference(baseline_tick, baseline, self.tree)

    def missing_in(self, tree: Tree, since: int, missing: Tree) -> Tree:
        """Return the delta that leads from ``tree`` to the current state.

        :param since: a former tick; ``missing`` names where ``tree`` differs from its state.
        """
        if since not in self.ring:
            return diff(tree, self.tree)
        return self._known.difference(since, tree, self.tree, missing)

    def part_bytes(self, baseline_tick: int, baseline: Tree, tree: Tree, delta: Tree) -> int:
        """Return the size of the payload with which a state would be sent.

        :param delta: leads to it from the current state.
        """
        if self.ring.get(baseline_tick) is baseline:
            change = self._known.difference(baseline_tick, baseline, tree, delta)
        else:
            change = diff(baseline, tree)
        encoded = self.packing.delta(baseline, tree, change)
        return len(encoded[1]) if encoded is not None else self.packing.max_bytes

    def rests_since(self, tick: int) -> bool:
        """Return whether a client with the state of this tick has all, and knows that it rests."""
        return tick == self.tick or 0 < self._rests_from <= tick

    def frame_for(self, acked: int, now: float) -> bytes | None:
        """Return the framed message for all clients with this acked tick; None if it does not exist or fit a packet.

        It has to be the last message of its packet, and to leave now.

        :param acked: the lowest 32 bits of the tick of their newest state; 0: none, -1: nothing acknowledged.
        """
        frames = self._made.frames
        if acked in frames:
            return frames[acked]
        framed = None
        tick = unwrap(acked, self.tick, 32) if acked > 0 else 0
        baseline = self.ring.get(tick) if tick else {}
        is_new = self.tick > 0 and baseline is not None and not self.rests_since(tick)
        if is_new and baseline is not None and (not tick or self.tick - tick <= MAX_BACK):
            body, kind = self.body_for(tick, baseline, now)
            framed = last_message(kind, body) if len(body) <= MAX_BODY_BYTES else None
        frames[acked] = framed
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
