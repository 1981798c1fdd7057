"""How a state travels: the smallest of a packed delta, a plain one, and a compressed one, behind a long or short head.

SNAPSHOT and BULK_SNAPSHOT have the long head, which can express every state. DELTA has the short one, for the usual
delta: against a baseline of the last 255 ticks, and not older than a few seconds.
"""

from __future__ import annotations

import zlib
from typing import Final

from .._state.codec import pack
from .._state.packed_layout import Orders
from .._state.packed_writer import NOT_PACKED, PackedWriter
from .._state.precision import Places
from .._state.tree import Tree
from ..errors import MalformedPacket
from .sequence import unwrap
from .wire import (
    COMPRESSED,
    DELTA_HEADER,
    MAX_BODY_BYTES,
    PACKED,
    RESTING,
    SNAPSHOT_HEADER,
    TIME_UNIT,
    to_wire_time,
)

MAX_BACK: Final = 0xFFFF
"""Greatest distance of a baseline, in ticks."""

_MAX_SHORT_BACK: Final = 0xFF
_MAX_SHORT_PREVIOUS: Final = 15
_PREVIOUS_SHIFT: Final = 4
"""The place of ``previous_back`` in the flags of a DELTA."""

_MAX_SHORT_AGE: Final = 3.0
"""Seconds after its tick until which a state may be sent as a DELTA. Its time has 16 bits, and they wrap after 6.5
s."""

_ONE_PACKET: Final = MAX_BODY_BYTES - SNAPSHOT_HEADER.size

_ZLIB_LEVEL: Final = 1
"""The fastest level: a full state is compressed between two ticks."""

_ALL_FLAGS: Final = COMPRESSED | RESTING | PACKED
Encoded = tuple[int, bytes]
"""Flags and payload of a state."""


class Packing:
    """Encodes the states of one server.

    :ivar max_bytes: bound on a serialised state.
    :ivar places: the declared precision; None for none.
    """

    __slots__ = ("_orders", "max_bytes", "places")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._orders = Orders()
        self.places: Places | None = None

    def full(self, tree: Tree) -> Encoded:
        return _compressed(pack(tree))

    def delta(self, baseline: Tree, tree: Tree, delta: Tree) -> Encoded | None:
        """Return the smallest form of the delta from ``baseline`` to ``tree``; None if it is larger than any state."""
        writer, packed = PackedWriter(self._orders), NOT_PACKED
        if delta:
            writer.node(baseline, tree, delta, self.places)
            packed = writer.finished()
        fits = bool(packed) and len(packed) <= _ONE_PACKET
        if fits and len(packed) <= writer.least_plain():
            return PACKED, packed
        plain = pack(delta)
        if fits and len(packed) < len(plain):
            return PACKED, packed
        if len(plain) > self.max_bytes:
            return None
        flags, smallest = _compressed(plain)
        if packed and len(packed) < len(smallest):
            return PACKED, packed
        return flags, smallest


def _compressed(payload: bytes) -> Encoded:
    if len(payload) > _ONE_PACKET:
        compressed = zlib.compress(payload, _ZLIB_LEVEL)
        if len(compressed) < len(payload):
            return COMPRESSED, compressed
    return 0, payload


class StateHead:
    """What a message says of its state, beside the payload.

    :ivar tick: the number of the state, 32 bits.
    :ivar back: ticks back to the baseline; 0: none.
    :ivar previous_back: ticks back to the last change; 65535: or more.
    :ivar time: the time of the tick, in units of the wire; its lowest ``time_bits`` bits.
    :ivar span: units of the wire before ``time`` until which the previous state held; 65535: or more.
    :ivar size: of the head in bytes: the payload is behind it.
    """

    __slots__ = ("back", "flags", "previous_back", "size", "span", "tick", "time", "time_bits")

    def __init__(self, flags: int, tick: int, back: int, previous_back: int, time: int, span: int) -> None:
        self.flags = flags
        self.tick = tick & 0xFFFFFFFF
        self.back = back
        self.previous_back = min(previous_back, MAX_BACK)
        self.time = time
        self.span = min(span, 0xFFFF)
        self.size = SNAPSHOT_HEADER.size
        self.time_bits = 32

    def encode(self) -> bytes:
        """Return the long head."""
        return SNAPSHOT_HEADER.pack(self.flags, self.tick, self.back, self.previous_back, self.time, self.span)

    def encode_short(self) -> bytes:
        """Return the short head, of a DELTA. See :attr:`is_short`."""
        flags = self.flags | self.previous_back << _PREVIOUS_SHIFT
        return DELTA_HEADER.pack(flags, self.tick - self.back & 0xFFFF, self.back, self.time & 0xFFFF, self.span)

    @property
    def is_short(self) -> bool:
        """Whether a DELTA can express it, as far as its ticks go."""
        return 0 < self.back <= _MAX_SHORT_BACK and self.previous_back <= _MAX_SHORT_PREVIOUS

    @staticmethod
    def decode(body: bytes) -> StateHead:
        """Read the long head."""
        if len(body) < SNAPSHOT_HEADER.size:
            raise MalformedPacket("snapshot without its header")
        return _checked(StateHead(*SNAPSHOT_HEADER.unpack_from(body)))

    @staticmethod
    def decode_short(body: bytes, newest_tick: int) -> StateHead:
        """Read the short head.

        :param newest_tick: the newest tick of the receiver: the baseline is near.
        """
        if len(body) < DELTA_HEADER.size:
            raise MalformedPacket("delta without its header")
        flags, baseline, back, time, span = DELTA_HEADER.unpack_from(body)
        if not back:
            raise MalformedPacket("delta without a baseline")
        tick = unwrap(baseline, newest_tick, 16) + back
        flags, previous_back = flags & 15, flags >> _PREVIOUS_SHIFT
        head = _checked(StateHead(flags, tick, back, previous_back, time, span))
        head.size, head.time_bits = DELTA_HEADER.size, 16
        return head


def _checked(head: StateHead) -> StateHead:
    is_packed = bool(head.flags & PACKED)
    if head.flags & ~_ALL_FLAGS or (is_packed and (head.flags & COMPRESSED or not head.back)):
        raise MalformedPacket(f"state with the flags {head.flags:#x}")
    return head


def is_fresh(time: float, now: float) -> bool:
    """Return whether the time of a state, in seconds, may be expressed by a DELTA that leaves now."""
    return -TIME_UNIT < now - time < _MAX_SHORT_AGE


def head_of(flags: int, tick: int, back: int, previous_back: int, time: float, span: float) -> StateHead:
    """Return the head of a state whose times are given in seconds."""
    return StateHead(flags, tick, back, previous_back, to_wire_time(time), min(int(span / TIME_UNIT), 0xFFFF))
