"""The client's received states."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from .._state.codec import holds_more, pack, unpack
from .._state.delta import apply
from .._state.tree import Tree
from ..config import ConnectionConfig
from ..errors import MalformedPacket
from .fragments import TooLarge
from .sequence import unwrap
from .wire import COMPRESSED, RESTING, SNAPSHOT_HEADER, TIME_UNIT

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
        "_server_time",
        "_time",
        "acked_tick",
        "newest_tick",
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
        self.newest_tick = 0
        self.acked_tick = 0
        self.unusable = 0

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

    def receive(self, body: bytes) -> ReceivedState | None:
        """Return the new state; None if it is known, old or not usable.

        :raises MalformedPacket: if the body is not a valid snapshot.
        :raises TooLarge: if the state exceeds the bound on bytes or values.
        """
        if len(body) < SNAPSHOT_HEADER.size:
            raise MalformedPacket("snapshot without its header")
        flags, wire_tick, back, previous_back, wire_time, wire_span = SNAPSHOT_HEADER.unpack_from(body)
        if flags & ~(COMPRESSED | RESTING):
            raise MalformedPacket(f"snapshot with unknown flags {flags:#x}")
        tick = unwrap(wire_tick, self.newest_tick, 32)
        is_known = tick == self.newest_tick and self.acked_tick != 0
        if tick < self.newest_tick or (is_known and tick in self.states):
            return None
        baseline = self.states.get(tick - back) if back else self._nothing
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
        """:raises TooLarge: if the state exceeds the bound on bytes or values."""
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
        """Restore the whole time of a state. In a resting world it may be days old."""
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
