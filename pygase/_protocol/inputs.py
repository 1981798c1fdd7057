"""A player's inputs, from the client to the server's schedule.

The client's :class:`InputSender` numbers the inputs. Each packet repeats all unacknowledged inputs, so an input is lost
only if all packets of a whole second are. The server's ``InputBuffer`` gives each number a tick of its own: number and
tick count up together, as in the client's prediction. The previous input replaces a missing one. An input that arrives
after its tick is dropped, since to apply it later would shift all that follow.

The *margin* is how many ticks early inputs arrive; below 0 they are late. An input whose datagram gets lost arrives
with a later datagram. A ``LossMeter`` measures how many datagrams get lost in a row, and the margin allows for them.
The server reports the margin (:class:`InputState`), and the client makes its inputs a little faster or slower
(:func:`pace`), until even the latest arrive just in time. So inputs have only the latency that the link requires.
"""

from __future__ import annotations

import math
from collections import deque
from struct import Struct
from typing import Final, NamedTuple

from ..errors import MalformedPacket, MessageTooLarge
from .wire import MAX_BODY_BYTES, MESSAGE_HEADER, ORDER, TIME_UNIT, acks_message

MAX_INPUTS: Final = 64
"""Most inputs that the sender keeps and that a message carries: one second at 60 Hz."""

MAX_INPUT_BYTES: Final = 254
"""Most bytes of one input. It travels about once for each tick of a round trip, so it ought to be small."""

WANTED_MARGIN: Final = 1.0
"""Ticks by which the latest inputs ought to arrive early."""

PACE_GAIN: Final = 0.003
"""Change of the client's pace for each tick of margin. At 60 Hz a deviation fades by two thirds in 6 s. A stronger
correction would overshoot, since a rising margin is known only after ``MARGIN_WINDOW``."""

AMPLE: Final = 1.0
"""Ticks of surplus margin beyond which a client slows down more strongly."""

AMPLE_GAIN: Final = 0.01
"""Further change of pace for each such tick: the reserve of an unknown link is given back within seconds. (A falling
margin is known at once, and nothing overshoots.)"""

MAX_PACE: Final = 0.03
"""Greatest deviation of the pace from 1."""

# newest number, and the count (its highest bit: with view times); then the newest view time
_HEADER: Final = Struct("!IB")
_INPUTS_HEADER_BYTES: Final = 5
_WITH_VIEW_TIMES: Final = 0x80
_VIEW_TIME: Final = Struct("!I")
_VIEW_TIME_BYTES: Final = 4
# each input, newest first: its size or _SAME; its view time as the difference to the input after it; its payload
_SAME: Final = 0xFF
_STEP: Final = Struct("!h")
_STEP_BYTES: Final = 2
_NO_VIEW_TIME: Final = -0x8000
_LARGEST_ENTRY: Final = 1 + _STEP_BYTES

# tick of the state, newest input number in it, margin in quarters of a tick
_INPUT_STATE_LAYOUT: Final = Struct("!IIb")

_SKIPPED_BYTES: Final = MESSAGE_HEADER.size + ORDER.size
_MAX_BYTES: Final = MAX_BODY_BYTES - _INPUTS_HEADER_BYTES - _VIEW_TIME_BYTES - len(acks_message(0, 0)) - _SKIPPED_BYTES
"""Bytes for unacknowledged inputs. All of them fit into every packet, even beside an ACKS and a SKIPPED message."""


class _Unacked(NamedTuple):
    number: int
    payload: bytes
    view_time: int | None  # units of the wire


class InputSender:
    """The client's unacknowledged inputs.

    :ivar newest: number of the latest input; 0 before the first.
    :ivar dropped: inputs given up, since more than ``MAX_INPUTS`` (or more than a datagram holds) waited.
    """

    __slots__ = ("_bytes", "_unacked", "dropped", "newest")

    def __init__(self, *, first_number: int = 1) -> None:
        self.newest = first_number - 1
        self.dropped = 0
        self._unacked: deque[_Unacked] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._unacked)

    def queue(self, payload: bytes, view_time: float | None = None) -> int:
        """Return the number of the input, one more than the previous number.

        :param view_time: the time on the server's clock, in seconds, of the other players as this player saw them.
        :raises MessageTooLarge: for more than ``MAX_INPUT_BYTES``; send large data as an event.
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
        """Return a message body of at most ``room`` bytes, and the newest number in it for :meth:`on_acked`; None if
        there is no input, or no room.

        The body has all unacknowledged inputs, or the newest that fit.
        """
        view_time = next((each.view_time for each in reversed(self._unacked) if each.view_time is not None), None)
        size = _INPUTS_HEADER_BYTES + (_VIEW_TIME_BYTES if view_time is not None else 0)
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
        """Forget the inputs up to ``newest``, since a packet that carried them has been acknowledged."""
        while self._unacked and self._unacked[0].number <= newest:
            self._forget_oldest()

    def _forget_oldest(self) -> None:
        self._bytes -= _LARGEST_ENTRY + len(self._unacked.popleft().payload)


def _view_step(previous: int, view_time: int | None) -> tuple[bytes, int]:
    """Return the view time of an input as a difference to ``previous``, and the ``previous`` of the next input."""
    if view_time is None or not _NO_VIEW_TIME < previous - view_time <= 0x7FFF:  # (over 3 s apart: a clock was set)
        return _STEP.pack(_NO_VIEW_TIME), previous
    return _STEP.pack(previous - view_time), view_time


class InputsMessage:
    """:ivar newest: the lowest 32 bits of the newest number.
    :ivar inputs: payload and view time (0.1 ms, modulo 2**32) of each input, newest first.
    """

    __slots__ = ("inputs", "newest")

    def __init__(self, newest: int, inputs: list[tuple[bytes, int | None]]) -> None:
        self.newest = newest
        self.inputs = inputs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputsMessage) and self.newest == other.newest and self.inputs == other.inputs

    def __hash__(self) -> int:
        return hash((self.newest, len(self.inputs)))


def decode_inputs(body: bytes) -> InputsMessage:
    """Read a body that :meth:`InputSender.message_body` wrote.

    :raises MalformedPacket: if it is anything else.
    """
    if len(body) < _INPUTS_HEADER_BYTES:
        raise MalformedPacket(f"inputs of {len(body)} bytes")
    newest, count = _HEADER.unpack_from(body)
    at, view_time, step_bytes = _INPUTS_HEADER_BYTES, 0, 0
    if count & _WITH_VIEW_TIMES:
        if len(body) < at + _VIEW_TIME_BYTES:
            raise MalformedPacket("inputs without their view time")
        view_time = int.from_bytes(body[at : at + _VIEW_TIME_BYTES], "big")
        at, step_bytes = at + _VIEW_TIME_BYTES, _STEP_BYTES
    count &= ~_WITH_VIEW_TIMES
    if not 0 < count <= MAX_INPUTS:
        raise MalformedPacket(f"{count} inputs in a message, 1 to {MAX_INPUTS} expected")
    return InputsMessage(newest, _decode_entries(body, at, count, view_time, step_bytes))


def _decode_entries(
    body: bytes, at: int, count: int, view_time: int, step_bytes: int
) -> list[tuple[bytes, int | None]]:
    """Read ``count`` inputs, which end with the body.

    :param view_time: of the newest input, units of the wire.
    :param step_bytes: the size of each input's view time: 0 without view times.
    """
    inputs: list[tuple[bytes, int | None]] = []
    payload: bytes | None = None
    for _ in range(count):
        start = at + 1 + step_bytes
        if start > len(body):
            raise MalformedPacket("inputs end early")
        seen_at: int | None = None
        if step_bytes:
            step = (body[at + 1] << 8 | body[at + 2]) ^ 0x8000  # how far it lies above _NO_VIEW_TIME
            if step:
                view_time = (view_time - step - _NO_VIEW_TIME) & 0xFFFFFFFF
                seen_at = view_time
        size, at = body[at], start
        if size != _SAME:
            at += size
            if at > len(body):
                raise MalformedPacket("input reaches beyond its message")
            payload = body[start:at]
        elif payload is None:
            raise MalformedPacket("an input like the one before, and there is none")
        inputs.append((payload, seen_at))
    if at != len(body):
        raise MalformedPacket(f"{len(body) - at} bytes after the last input")
    return inputs


class InputState(NamedTuple):
    """The server's report on a client's inputs: the newest input in the state of ``tick``, and the margin.

    ``tick`` and ``applied`` are modulo 2**32. ``margin`` is in ticks (on the wire in quarters, -32 to 31.75).
    """

    tick: int
    applied: int
    margin: float

    def encode(self) -> bytes:
        return encode_input_state(self.tick, self.applied, self.margin)

    @classmethod
    def decode(cls, body: bytes) -> InputState:
        if len(body) != _INPUT_STATE_LAYOUT.size:
            raise MalformedPacket(f"input state of {len(body)} bytes, {_INPUT_STATE_LAYOUT.size} expected")
        tick, applied, quarters = _INPUT_STATE_LAYOUT.unpack(body)
        return cls(tick, applied, quarters / 4)


def encode_input_state(tick: int, applied: int, margin: float) -> bytes:
    """Return the body of an INPUT_STATE message; see :class:`InputState`."""
    quarters = max(-128, min(127, round(margin * 4)))
    return _INPUT_STATE_LAYOUT.pack(tick & 0xFFFFFFFF, applied & 0xFFFFFFFF, quarters)


def pace(margin: float) -> float:
    """Return the pace of the client's inputs for the margin that the server reports. 1.0 is one a tick."""
    surplus = margin - WANTED_MARGIN
    slower = PACE_GAIN * surplus + AMPLE_GAIN * max(surplus - AMPLE, 0.0)
    return 1.0 - max(-MAX_PACE, min(MAX_PACE, slower))
