"""The client's received states."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from .._state.codec import holds_more, most_bytes, pack, unpack
from .._state.delta import apply
from .._state.packed_layout import Orders
from .._state.packed_reader import apply_packed
from .._state.precision import Places
from .._state.tree import Tree
from ..config import ConnectionConfig
from ..errors import MalformedPacket
from .fragments import TooLarge
from .packing import StateHead
from .sequence import unwrap
from .wire import COMPRESSED, DELTA, PACKED, RESTING, SNAPSHOT, TIME_UNIT

_ROUNDED: Final = 100
"""Units of the wire by which rounding lets a state seem newer than the server's clock."""


@dataclass(frozen=True, slots=True)
class ReceivedState:
    """A state as the client received it.

    :ivar time: the tick's time on the server's clock, seconds.
    :ivar changed_after: the time (same clock) until which the state of ``previous_tick`` held.
    :ivar previous_tick: the last earlier tick that changed something.
    :ivar tree: the frozen state.
    :ivar resting: True for the first tick that changes nothing after one that did.
    :ivar own_values: count of values not shared with the baseline: those that arrived, and the items of each copied
        dict.
    """

    tick: int
    time: float
    changed_after: float
    previous_tick: int
    tree: Tree
    resting: bool = False
    own_values: int = 0


class _Kept(NamedTuple):
    """A state that may become a baseline. ``size_bytes`` is an upper bound; beyond ``checked_until`` the exact size is
    computed."""

    tree: Tree
    own_values: int
    size_bytes: int
    checked_until: int


class SnapshotReceiver:
    """Applies deltas to the client's states, and decides which tick it acknowledges.

    :param max_state_bytes: bound on a serialised state. The estimate may exceed it by a quarter before an exact check.
    :param max_values: bound on the values in a state.
    :param max_kept_values: bound on the unshared values of all kept states; ``max_values`` if None.
    """

    __slots__ = (
        "_max_bytes",
        "_max_kept_values",
        "_max_values",
        "_orders",
        "_server_time",
        "_time",
        "acked_tick",
        "missed",
        "newest_tick",
        "places",
        "states",
        "unusable",
    )

    MAX_STATES: ClassVar[int] = 1024
    """Possible baselines that are kept: 17 seconds at 60 Hz in which no acknowledgement of ours arrives."""
    MIN_STATES: ClassVar[int] = 2
    """States kept whatever their size: the server's baseline, and one to replace it."""

    def __init__(
        self,
        max_state_bytes: int,
        max_values: int = ConnectionConfig.max_state_values,
        max_kept_values: int | None = None,
    ) -> None:
        self._max_bytes = max_state_bytes
        self._max_values = max_values
        self._max_kept_values = max_values if max_kept_values is None else max_kept_values
        self.states: dict[int, _Kept] = {}
        self._time = 0
        self._server_time: int | None = None
        self._orders = Orders()
        self.newest_tick = 0
        self.acked_tick = 0
        self.unusable = 0
        self.missed = 0
        """Count of the states between the received ones, as if they had been evenly apart."""
        self.places: Places | None = None
        """The precision that the server has declared; None for none."""

    def note_server_time(self, units: int) -> None:
        """Note the server's clock, in whole units of the wire. No state is newer than that."""
        self._server_time = units

    def forget_baselines(self) -> None:
        """Ask for a whole state, from a server that does not know the states that it has sent."""
        self.acked_tick = 0
        self.states.clear()

    @property
    def own_values(self) -> int:
        return sum(kept.own_values for kept in self.states.values())

    def receive(self, body: bytes, kind: int = SNAPSHOT) -> ReceivedState | None:
        """Return the new state; None if it is known, old or not usable.

        :param kind: of the message: DELTA, or SNAPSHOT, also for a BULK_SNAPSHOT.
        :raises MalformedPacket: if the body is not a valid state.
        :raises TooLarge: if the state exceeds the bound on bytes or values.
        """
        head = StateHead.decode_short(body, self.newest_tick) if kind == DELTA else StateHead.decode(body)
        back = head.back
        tick = unwrap(head.tick, self.newest_tick, 32)
        is_known = tick == self.newest_tick and self.acked_tick != 0
        if tick < self.newest_tick or (is_known and tick in self.states):
            return None
        baseline = self.states.get(tick - back) if back else self._nothing
        if baseline is None:
            self.unusable += 1
            return None
        kept = self._state(baseline, body[head.size :], head)
        if 0 < self.newest_tick < tick - head.previous_back:
            self.missed += max((tick - self.newest_tick) // max(head.previous_back, 1) - 1, 1)
        self._remember(tick, kept, tick - back if back else 0)
        if is_known:
            return None
        self._time = self._whole(head.time, head.time_bits)
        time, resting = self._time * TIME_UNIT, bool(head.flags & RESTING)
        changed_after, previous_tick = time - head.span * TIME_UNIT, tick - head.previous_back
        return ReceivedState(tick, time, changed_after, previous_tick, kept.tree, resting, kept.own_values)

    @property
    def _nothing(self) -> _Kept:
        return _Kept({}, 0, 0, min(self._max_bytes, self._max_values))

    def _state(self, baseline: _Kept, payload: bytes, head: StateHead) -> _Kept:
        """:raises TooLarge: if the state exceeds the bound on bytes or values."""
        if head.flags & PACKED:
            applied = apply_packed(payload, baseline.tree, self.places, self._orders)
            tree, own_values, growth_bytes = applied.tree, applied.own_values, applied.growth_bytes
        else:
            payload = self._inflated(payload) if head.flags & COMPRESSED else payload
            tree, own_values = self._plain(baseline.tree, payload, bool(head.back))
            growth_bytes = most_bytes(len(payload))
        size, checked_until = baseline.size_bytes + growth_bytes, baseline.checked_until
        if size > checked_until:
            data = pack(tree)
            self._check(data)
            size, checked_until = len(data), len(data) + self._max_bytes // 4
        return _Kept(tree, own_values, size, checked_until)

    def _plain(self, baseline: Tree, payload: bytes, is_delta: bool) -> tuple[Tree, int]:
        """Return the state that a delta in msgpack leads to, and its number of unshared values."""
        self._check(payload)
        copied: list[int] = []
        delta = unpack(payload, markers=is_delta)
        rests = is_delta and delta == {}
        tree = baseline if rests else apply(baseline, delta, copied=copied)
        return tree, sum(copied) + min(len(payload), self._max_values)  # (a value takes a byte at least)

    def _check(self, data: bytes) -> None:
        if len(data) > self._max_bytes + 64:
            raise TooLarge(f"a state of more than {self._max_bytes:,} bytes")
        if len(data) > self._max_values and holds_more(data, self._max_values):
            raise TooLarge(f"a state of more than {self._max_values:,} values")

    def _whole(self, wire_time: int, bits: int) -> int:
        """Restore the whole time of a state. In a resting world it may be days old."""
        if self._server_time is None:
            return unwrap(wire_time, self._time, bits)
        return unwrap(wire_time, self._server_time + _ROUNDED - (1 << (bits - 1)), bits)

    def _inflated(self, payload: bytes) -> bytes:
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
        """Keep a state as a possible baseline and acknowledge it, if there is room.

        Without room the acked tick stays older. Once the server's deltas start there, all earlier states can go.
        """
        # The server's baselines never go back, so no earlier state is needed again. A full state (baseline 0) shows
        # nothing: an acknowledgement of any kept state may be on its way to the server.
        for old in [t for t in self.states if t < baseline_tick]:
            del self.states[old]
        self.newest_tick = tick
        while not self._has_room(state):
            if baseline_tick:
                return
            del self.states[next(iter(self.states))]  # the server may send nothing but whole states
        self.states[tick] = state
        if tick & 0xFFFFFFFF:  # on the wire, 0 would ask for a full state
            self.acked_tick = tick

    def _has_room(self, state: _Kept) -> bool:
        states = self.states
        return len(states) < self.MIN_STATES or (
            len(states) < self.MAX_STATES and self.own_values + state.own_values <= self._max_kept_values
        )
