"""A player's inputs: numbered, in every packet until one of them has arrived, and applied by the server one a tick.

The client's :class:`InputSender` numbers inputs and repeats those unacknowledged in each packet, so that an input is
lost only if all the packets of a whole second are. The server's :class:`InputBuffer` gives each input number a tick of
its own: number and tick count up together, as they do in the client's own prediction. Where the input of a tick has not
arrived, the one before is repeated in its place; it is dropped when it comes after all, never applied a tick later, as
that would shift all that follow. The schedule as a whole is moved only when it does not fit any more.

How early inputs arrive is the *margin*, in ticks: above 0 in time, below too late. An input whose own datagram gets
lost comes with one of those after it, later by as many ticks. How many may get lost in a row is measured
(:class:`~.losses.LossMeter`), and so many ticks count as gone, though most inputs come without them. The server tells
each client its margin (:class:`InputState`), and the client makes its inputs a little faster or slower (:func:`pace`)
so that even the latest come just in time: as many ticks of latency as the link requires, and no more.
"""

from __future__ import annotations

import math
from collections import deque
from struct import Struct
from typing import Final, NamedTuple

from ..errors import MalformedPacket, MessageTooLarge
from .wire import MAX_BODY_BYTES, MESSAGE_HEADER, ORDER, TIME_UNIT, acks_message

MAX_INPUTS: Final = 64
"""Most inputs that are kept unacknowledged, and that a message carries: a second's at 60 Hz."""

MAX_INPUT_BYTES: Final = 254
"""Most bytes of one input. It travels about as many times as a round trip takes ticks, so it ought to be small."""

WANTED_MARGIN: Final = 1.0
"""Ticks that the latest inputs shall arrive early."""

PACE_GAIN: Final = 0.003
"""By how much a client changes its pace for each tick that the margin is off; at 60 Hz that fades by two thirds in 6 s.
The margin is some ``MARGIN_WINDOW`` old when it rises, and to correct much more strongly what is known so late would
overshoot."""

AMPLE: Final = 1.0
"""Ticks of margin more than wanted, beyond which a client slows down more strongly."""

AMPLE_GAIN: Final = 0.01
"""By how much more, for each tick: what was kept in reserve before the link was known is given back in a few seconds.
(Downwards the margin is known at once, and nothing overshoots.)"""

MAX_PACE: Final = 0.03
"""Most that the pace differs from 1."""

# newest number, and how many (the highest bit: with view times); then the newest of the view times
_HEADER: Final = Struct("!IB")
_WITH_VIEW_TIMES: Final = 0x80
_VIEW_TIME: Final = Struct("!I")
# each input, newest first: size or "as before"; view time, as how much less than the one before; payload
_SAME: Final = 0xFF
_STEP: Final = Struct("!h")
_NO_VIEW_TIME: Final = -0x8000
_LARGEST_ENTRY: Final = 1 + _STEP.size

# tick of the state, newest input number that it includes, margin in quarters of a tick
_INPUT_STATE_LAYOUT: Final = Struct("!IIb")

_SKIPPED_BYTES: Final = MESSAGE_HEADER.size + ORDER.size
_MAX_BYTES: Final = MAX_BODY_BYTES - _HEADER.size - _VIEW_TIME.size - len(acks_message(0, 0)) - _SKIPPED_BYTES
"""What unacknowledged inputs may take, so that all of them fit into every packet: also beside an ACKS and a SKIPPED
message."""


class _Unacked(NamedTuple):
    number: int
    payload: bytes
    view_time: int | None  # units of the wire


class InputSender:
    """The client's inputs, until they have arrived.

    :ivar newest: number of the latest input; 0 before the first.
    :ivar dropped: how many were given up, because more than ``MAX_INPUTS`` (or what fits into a datagram) waited.
    """

    __slots__ = ("_bytes", "_unacked", "dropped", "newest")

    def __init__(self, *, first_number: int = 1) -> None:
        self.newest = first_number - 1
        self.dropped = 0
        self._unacked: deque[_Unacked] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        """Return how many wait for their acknowledgement."""
        return len(self._unacked)

    def queue(self, payload: bytes, view_time: float | None = None) -> int:
        """Take the input of the next tick; return its number, one more than that before.

        :param view_time: the server's time, in seconds, of what the player saw of others when giving this input.
        :raises MessageTooLarge: for more than ``MAX_INPUT_BYTES``; send what is large as an event.
        :raises ValueError: if ``view_time`` is not finite.
        """
        if len(payload) > MAX_INPUT_BYTES:
            raise MessageTooLarge(
                f"an input of {len(payload)} bytes, at most {MAX_INPUT_BYTES} are possible: send only what changes "
                "every tick as input, and the rest as events"
            )
        if view_time is not None and not math.isfinite(view_time):
            raise ValueError(f"view_time must be seconds of the server's time or None, not {view_time}")
        self.newest += 1
        units = None if view_time is None else round(view_time / TIME_UNIT)
        self._unacked.append(_Unacked(self.newest, payload, units))
        self._bytes += _LARGEST_ENTRY + len(payload)
        limit = _MAX_BYTES
        while len(self._unacked) > MAX_INPUTS or self._bytes > limit:
            self._forget_oldest()
            self.dropped += 1
        return self.newest

    def message_body(self, room: int) -> tuple[bytes, int] | None:
        """Return a message body of at most ``room`` bytes, and the newest number in it, for :meth:`on_acked`.

        It has all unacknowledged inputs, or as many of the newest as fit. None if there is nothing, or no room.
        """
        view_time = next((each.view_time for each in reversed(self._unacked) if each.view_time is not None), None)
        size = _HEADER.size + (_VIEW_TIME.size if view_time is not None else 0)
        parts: list[bytes] = []
        before: bytes | None = None
        previous = view_time
        for each in reversed(self._unacked):
            same = each.payload == before
            part = bytes([_SAME if same else len(each.payload)])
            if previous is not None:
                step, previous = _view_step(previous, each.view_time)
                part += step
            part = part if same else part + each.payload
            size += len(part)
            if size > room:
                break
            parts.append(part)
            before = each.payload
        if not parts:
            return None
        flag = 0 if view_time is None else _WITH_VIEW_TIMES
        head = _HEADER.pack(self.newest & 0xFFFFFFFF, len(parts) | flag)
        if view_time is not None:
            head += _VIEW_TIME.pack(view_time & 0xFFFFFFFF)
        return head + b"".join(parts), self.newest

    def on_acked(self, newest: int) -> None:
        """Let go of the inputs up to ``newest``: a packet that carried them has been acknowledged."""
        while self._unacked and self._unacked[0].number <= newest:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._bytes -= _LARGEST_ENTRY + len(self._unacked.popleft().payload)


def _view_step(previous: int, view_time: int | None) -> tuple[bytes, int]:
    """Return an input's view time as told by the one before, and what the next is told by."""
    if view_time is None or not _NO_VIEW_TIME < previous - view_time <= 0x7FFF:  # (over 3 s apart: a clock was set)
        return _STEP.pack(_NO_VIEW_TIME), previous
    return _STEP.pack(previous - view_time), view_time


class InputsMessage(NamedTuple):
    """Inputs as they were on the wire: the lowest 32 bits of the newest's number; and payload and view time (0.1 ms,
    modulo 2**32) of that and those before it, newest first."""

    newest: int
    inputs: list[tuple[bytes, int | None]]


def decode_inputs(body: bytes) -> InputsMessage:
    """Read what :meth:`InputSender.message_body` wrote.

    :raises MalformedPacket: if it is anything else.
    """
    if len(body) < _HEADER.size:
        raise MalformedPacket(f"inputs of {len(body)} bytes")
    newest, count = _HEADER.unpack_from(body)
    view_time, at = None, _HEADER.size
    if count & _WITH_VIEW_TIMES:
        if len(body) < at + _VIEW_TIME.size:
            raise MalformedPacket("inputs without their view time")
        view_time, at = _VIEW_TIME.unpack_from(body, at)[0], at + _VIEW_TIME.size
    count &= ~_WITH_VIEW_TIMES
    if not 0 < count <= MAX_INPUTS:
        raise MalformedPacket(f"{count} inputs in a message, 1 to {MAX_INPUTS} expected")
    inputs: list[tuple[bytes, int | None]] = []
    for _ in range(count):
        at, view_time, entry = _decode_input(body, at, view_time, inputs[-1][0] if inputs else None)
        inputs.append(entry)
    if at != len(body):
        raise MalformedPacket(f"{len(body) - at} bytes after the last input")
    return InputsMessage(newest, inputs)


def _decode_input(
    body: bytes, at: int, view_time: int | None, before: bytes | None
) -> tuple[int, int | None, tuple[bytes, int | None]]:
    """Read an input; return where it ends, what the next one's view time is told by, and the input."""
    start = at + 1 if view_time is None else at + 1 + _STEP.size
    if start > len(body):
        raise MalformedPacket("inputs end early")
    seen_at = None
    if view_time is not None:
        step = _STEP.unpack_from(body, at + 1)[0]
        if step != _NO_VIEW_TIME:
            seen_at = view_time = (view_time - step) & 0xFFFFFFFF
    if body[at] == _SAME:
        if before is None:
            raise MalformedPacket("an input like the one before, and there is none")
        return start, view_time, (before, seen_at)
    end = start + body[at]
    if end > len(body):
        raise MalformedPacket("input reaches beyond its message")
    return end, view_time, (body[start:end], seen_at)


class InputState(NamedTuple):
    """What a server tells a client of its inputs: which the state of ``tick`` includes, and how early they come.

    ``tick`` and ``applied`` are modulo 2**32, ``margin`` in ticks (on the wire in quarters, -32 to 31.75).
    """

    tick: int
    applied: int
    margin: float

    def encode(self) -> bytes:
        """Return the body of an INPUT_STATE message."""
        quarters = max(-128, min(127, round(self.margin * 4)))
        return _INPUT_STATE_LAYOUT.pack(self.tick & 0xFFFFFFFF, self.applied & 0xFFFFFFFF, quarters)

    @classmethod
    def decode(cls, body: bytes) -> InputState:
        """Read the body of an INPUT_STATE message."""
        if len(body) != _INPUT_STATE_LAYOUT.size:
            raise MalformedPacket(f"input state of {len(body)} bytes, {_INPUT_STATE_LAYOUT.size} expected")
        tick, applied, quarters = _INPUT_STATE_LAYOUT.unpack(body)
        return cls(tick, applied, quarters / 4)


def pace(margin: float) -> float:
    """Return how fast a client shall make its inputs (1.0: one a tick), given the margin that the server tells."""
    surplus = margin - WANTED_MARGIN
    slower = PACE_GAIN * surplus + AMPLE_GAIN * max(surplus - AMPLE, 0.0)
    return 1.0 - max(-MAX_PACE, min(MAX_PACE, slower))
