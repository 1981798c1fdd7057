"""States for a client that is short: its line, or the ceiling on its bytes, lets through less than a whole state needs.

Such a client gets a part of what has changed. Everything else stays as in the state that it was sent last. So the
server knows exactly what the client has, and an acknowledged part is a baseline like any other. A thing that waits
becomes more urgent with each tick, by its weight, so none waits for ever.

What has been sent is not sent anew before it is acknowledged, unless its turn comes again: each delta until then
repeats it. So nothing that a client sees ever goes back to a former value.
"""

from __future__ import annotations

import math
from typing import Final

from .._state.priorities import Path, Priorities, Thing, delta_of, with_things
from .._state.tree import Tree
from .record import PeerRecord
from .snapshots import SnapshotRing
from .wire import DELTA_HEADER

_MOST_TRIALS: Final = 4
"""Encodings of a state, to find out how much fits."""

_GOOD_USE: Final = 0.9
"""Share of the room from which a state counts as full."""

_AIM: Final = 0.96
"""Share of the room at which a trial aims."""

_FIRST_THING_BYTES: Final = 8.0
"""Bytes of a thing, before the first is known."""


class PartialStates:
    """The states of one client, as they are sent to it.

    :param priorities: the weights of the things.
    :param whole: the ring of the whole states that the client may see.
    """

    __slots__ = (
        "_client_id",
        "_missing",
        "_priorities",
        "_seen_tick",
        "_sent",
        "_since",
        "_thing_bytes",
        "_whole",
        "_whole_until",
    )

    def __init__(self, priorities: Priorities, client_id: int, whole: SnapshotRing) -> None:
        self._priorities = priorities
        self._client_id = client_id
        self._whole = whole
        self._thing_bytes = _FIRST_THING_BYTES
        self._sent: SnapshotRing | None = None
        """As they were sent, from the first part on; None while all that may be a baseline are whole."""
        self._missing: Tree = {}
        """Leads from the state that was sent last to the whole one of ``_seen_tick``."""
        self._seen_tick = 0
        self._whole_until = 0
        """The states up to this tick are sent whole."""
        self._since: dict[Path, int] = {}
        """The things that wait, and the last tick in which they did not."""

    @property
    def is_partial(self) -> bool:
        """Whether the client has a part of a state, or one is on its way."""
        return self._sent is not None

    def forget(self) -> None:
        """Note that the client gets a whole state next."""
        self._sent, self._missing, self._since = None, {}, {}

    def renew(self) -> None:
        """Begin with a new path. The client may have the current state, as it was sent on the former one."""
        self._whole_until = self._whole.tick

    def sent(self, tick: int) -> Tree | None:
        """Return the state of a tick as it was sent; None if that was a whole one, or is forgotten."""
        return self._sent.ring.get(tick) if self._sent is not None else None

    def on_acked(self, tick: int) -> None:
        """Forget the states before the client's new baseline; and all of them, once it is a whole one."""
        sent, whole = self._sent, self._whole.ring
        if sent is not None:
            sent.forget_before(tick)
            if all(whole.get(number) is tree for number, tree in sent.ring.items()):
                self.forget()

    def next_ring(self, record: PeerRecord, baseline: Tree, room: float, now: float) -> SnapshotRing:
        """Return the ring with the next state: that of the whole states if it fits, else one with a part of it.

        :param record: has the tick of the baseline, and that of the newest state that was sent.
        :param room: most bytes of the state's message. One thing leaves in any case, beside those that always do.
        """
        whole, sent = self._whole, self._sent
        if sent is not None and sent.tick == whole.tick:  # it is sent again, and must be the same
            return sent
        if sent is None:
            is_again = record.sent_tick == whole.tick or whole.tick <= self._whole_until
            if is_again or room == math.inf or self._whole_fits(record.baseline_tick, baseline, room, now):
                return whole
            sent = self._begin(record, baseline)
        missing = whole.missing_in(sent.tree, self._seen_tick, self._missing)
        things = self._priorities.things(sent.tree, whole.tree, missing, self._client_id)
        things.sort(key=self._urgency, reverse=True)
        self._push(sent, _Choice(sent, whole, things, record.baseline_tick, baseline), missing, room)
        return sent

    def _whole_fits(self, baseline_tick: int, baseline: Tree, room: float, now: float) -> bool:
        return len(self._whole.body_for(baseline_tick, baseline, now)[0]) <= room

    def _begin(self, record: PeerRecord, baseline: Tree) -> SnapshotRing:
        """Begin after the state that was sent last."""
        whole = self._whole
        tick, tree = record.sent_tick, whole.ring.get(record.sent_tick)
        if tree is None or tick < record.baseline_tick:
            tick, tree = record.baseline_tick, baseline
        sent = self._sent = whole.of_parts()
        sent.push(tick, tree, whole.times.get(tick, whole.time), whole.span)
        self._seen_tick = tick
        return sent

    def _urgency(self, thing: Thing) -> float:
        return thing.weight * (self._whole.tick - self._since.get(thing.path, self._seen_tick))

    def _push(self, sent: SnapshotRing, choice: _Choice, missing: Tree, room: float) -> None:
        """Make what fits of the changes the state that is sent next."""
        whole, things = self._whole, choice.things
        count = choice.most_within(room, self._thing_bytes)
        if count == len(things):
            tree, delta = whole.tree, missing
            self._missing = {}
        else:
            tree, delta = with_things(sent.tree, whole.tree, things[:count]), delta_of(things[:count])
            self._missing = delta_of(things[count:])
        if count and choice.size:
            self._thing_bytes = max(choice.size / count, 1.0)
        self._since = {each.path: self._since.get(each.path, self._seen_tick) for each in things[count:]}
        self._seen_tick = whole.tick
        sent.push_part(whole, tree, delta)


class _Choice:
    """How many of the most urgent things fit into a state.

    :ivar things: the most urgent first.
    :ivar size: bytes of the last state that was tried and fitted.
    """

    __slots__ = ("_baseline", "_baseline_tick", "_sent", "_whole", "size", "things")

    def __init__(
        self, sent: SnapshotRing, whole: SnapshotRing, things: list[Thing], baseline_tick: int, baseline: Tree
    ) -> None:
        self._sent = sent
        self._whole = whole
        self.things = things
        self._baseline_tick = baseline_tick
        self._baseline = baseline
        self.size = 0

    def most_within(self, room: float, thing_bytes: float) -> int:
        """Return how many fit: all that are always sent and one more at least, or that one would wait for ever.

        :param thing_bytes: of one thing, as far as is known.
        """
        most = len(self.things)
        least = min(sum([each.weight == math.inf for each in self.things]) + 1, most)
        if room == math.inf or most <= least:
            return most
        fitting, count = least, max(min(int(room / thing_bytes), most), least)
        for _ in range(_MOST_TRIALS):
            size = self._size(count)
            if size <= room:
                fitting, self.size = count, size
            else:
                most = count - 1
            if fitting >= most or (size <= room and size >= room * _GOOD_USE):
                break
            count = max(min(int(count * room * _AIM / max(size, 1)), most), fitting + 1)
        return fitting

    def _size(self, count: int) -> int:
        things = self.things[:count]
        tree = with_things(self._sent.tree, self._whole.tree, things)
        size = self._sent.part_bytes(self._baseline_tick, self._baseline, tree, delta_of(things))
        return DELTA_HEADER.size + size
