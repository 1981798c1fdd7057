"""A player's inputs, from the client to the server's schedule.

The client's :class:`InputSender` numbers the inputs. Each packet repeats the latest inputs, so that each is in as many
packets as the link's loss asks for. If none of them arrives, an acknowledgement shows it, and all that the server may
lack follows. The server's ``InputBuffer`` gives each number a tick of its own: number and
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

MAX_INPUT_BYTES: Final = 253
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
# each input, newest first: its size, or _CHANGED or _SAME; its view time; its payload, or its bytes that differ from
# those of the newer input
_SAME: Final = 0xFF
_CHANGED: Final = 0xFE
# a view time: by how much it is farther from the newer one than that from its own, or _WHOLE_STEP and the distance
_WHOLE_STEP: Final = 0x80
_STEP: Final = Struct("!Bh")
_STEP_BYTES: Final = 3
_NO_VIEW_TIME: Final = -0x8000
_LARGEST_ENTRY: Final = 1 + _STEP_BYTES

# tick of the state, newest input number in it, margin in quarters of a tick
_INPUT_STATE_LAYOUT: Final = Struct("!IIb")

_SKIPPED_BYTES: Final = MESSAGE_HEADER.size + ORDER.size
_MAX_BYTES: Final = MAX_BODY_BYTES - _INPUTS_HEADER_BYTES - _VIEW_TIME_BYTES - len(acks_message(0, 0)) - _SKIPPED_BYTES
"""Bytes for unacknowledged inputs. All of them fit into every packet, even beside an ACKS and a SKIPPED message."""


LEAST_COPIES: Final = 8
"""Packets that carry an input, at least: a burst of losses is longer than its mean suggests."""

LEAST_LOSS: Final = 0.02
"""Share of lost packets that is added to the measured one, which follows a new loss a second late."""

_NEGLIGIBLE_LOSS: Final = 1e-6
"""Chance that all copies of an input get lost: the same for which the server waits, see ``LossMeter``."""


def copies_for(loss: float) -> int:
    """Return how many packets carry an input on a link that loses this share of its packets."""
    certain = math.log(_NEGLIGIBLE_LOSS) / math.log(min(loss + LEAST_LOSS, 0.9))
    return min(max(round(certain), LEAST_COPIES), MAX_INPUTS)


class _Unacked(NamedTuple):
    number: int
    payload: bytes
    view_time: int | None  # units of the wire
    change: bytes = b""  # the payload, or what differs from that of the next input, once there is one


class InputSender:
    """The client's unacknowledged inputs.

    :ivar newest: number of the latest input; 0 before the first.
    :ivar carried: number of inputs in the latest message.
    :ivar dropped: inputs given up, since more than ``MAX_INPUTS`` (or more than a datagram holds) waited.
    """

    __slots__ = ("_arrived", "_bytes", "_left", "_repeats_all", "_unacked", "carried", "dropped", "newest")

    def __init__(self, *, first_number: int = 1) -> None:
        self.newest = first_number - 1
        self.dropped = 0
        self._unacked: deque[_Unacked] = deque()
        self._bytes = 0
        self.carried = 0
        self._left: deque[int] = deque(maxlen=MAX_INPUTS)
        """The newest numbers of the messages that left last."""
        self._arrived: set[int] = set()
        """Numbers that have arrived, behind one that may be lacking."""
        self._repeats_all = False

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
        if self._unacked:
            last = self._unacked[-1]
            change = _change(payload, last.payload)
            self._unacked[-1] = _Unacked(last.number, last.payload, last.view_time, change)
        units = None if view_time is None else round(view_time / TIME_UNIT)
        self._unacked.append(_Unacked(self.newest, payload, units))
        self._bytes += _LARGEST_ENTRY + len(payload)
        limit = _MAX_BYTES
        while len(self._unacked) > MAX_INPUTS or self._bytes > limit:
            self._forget_oldest()
            self.dropped += 1
        return self.newest

    def message_body(self, room: int, copies: int = MAX_INPUTS) -> tuple[bytes, int] | None:
        """Return a message body of at most ``room`` bytes, and the newest number in it for :meth:`on_acked`; None if
        there is no input, or no room.

        The body has the inputs that were new in one of the latest ``copies`` messages, or all unacknowledged ones if
        the server is known to lack an older one; or the newest of them that fit.
        """
        if not self._unacked:
            return None
        is_all = self._repeats_all or len(self._left) < copies
        last = 0 if is_all else min(self._left[-copies], self.newest - 1)
        view_time = next((each.view_time for each in reversed(self._unacked) if each.view_time is not None), None)
        size = _INPUTS_HEADER_BYTES + (_VIEW_TIME_BYTES if view_time is not None else 0)
        parts: list[bytes] = []
        previous, distance = view_time, 0
        for each in reversed(self._unacked):
            if each.number <= last:
                break
            part = each.change if parts else bytes([len(each.payload)]) + each.payload
            if previous is not None:
                step, previous, distance = _view_step(previous, each.view_time, distance)
                part = part[:1] + step + part[1:]
            size += len(part)
            if size > room:
                break
            parts.append(part)
        if not parts:
            return None
        self.carried = len(parts)
        flag = 0 if view_time is None else _WITH_VIEW_TIMES
        head = _HEADER.pack(self.newest & 0xFFFFFFFF, len(parts) | flag)
        if view_time is not None:
            head += _VIEW_TIME.pack(view_time & 0xFFFFFFFF)
        return head + b"".join(parts), self.newest

    def note_sent(self) -> None:
        """Note that the latest message leaves."""
        self._left.append(self.newest)

    def on_acked(self, newest: int, count: int = MAX_INPUTS) -> None:
        """Note that a packet with ``count`` inputs up to ``newest`` has arrived. Forget those that need no repetition.

        If an older one has not arrived, none of the packets with it has, and all are repeated.
        """
        unacked = self._unacked
        if unacked and newest - count >= unacked[0].number:
            self._repeats_all = True
            self._arrived.update(range(newest - count + 1, newest + 1))
            return
        while unacked and (unacked[0].number <= newest or unacked[0].number in self._arrived):
            self._forget_oldest()
        if not self._arrived or not unacked:
            self._repeats_all = False

    def repeat_all(self) -> None:
        """Let the next messages carry all unacknowledged inputs, since no acknowledgement arrives."""
        self._repeats_all = bool(self._unacked)

    def _forget_oldest(self) -> None:
        oldest = self._unacked.popleft()
        self._bytes -= _LARGEST_ENTRY + len(oldest.payload)
        self._arrived.discard(oldest.number)


def _change(newer: bytes, older: bytes) -> bytes:
    """Return the shortest entry, without a view time, of an input that precedes ``newer`` in time."""
    if newer == older:
        return bytes([_SAME])
    size = len(older)
    whole = bytes([size]) + older
    if len(newer) != size:
        return whole
    mask_bytes = -(-size // 8)
    changed = [index for index in range(size) if newer[index] != older[index]]
    if mask_bytes + len(changed) >= size:
        return whole
    mask = sum([1 << (8 * mask_bytes - 1 - index) for index in changed])
    return bytes([_CHANGED]) + mask.to_bytes(mask_bytes, "big") + bytes([older[index] for index in changed])


def _changed(newer: bytes, mask: int, mask_bits: int, new_bytes: bytes) -> bytes:
    """Return a payload with some bytes replaced: those of the mask's bits, the highest first."""
    older = bytearray(newer)
    for value in new_bytes:
        bit = mask.bit_length()
        older[mask_bits - bit] = value
        mask ^= 1 << (bit - 1)
    return bytes(older)


def _view_step(previous: int, view_time: int | None, distance: int) -> tuple[bytes, int, int]:
    """Return the bytes of a view time, and the ``previous`` and the ``distance`` of the next input.

    :param previous: the nearest view time of a newer input.
    :param distance: from that to the one before it.
    """
    if view_time is None or not _NO_VIEW_TIME < previous - view_time <= 0x7FFF:  # (over 3 s apart: a clock was set)
        return _STEP.pack(_WHOLE_STEP, _NO_VIEW_TIME), previous, distance
    step = previous - view_time
    if -_WHOLE_STEP < step - distance < _WHOLE_STEP:
        return bytes([step - distance & 0xFF]), view_time, step
    return _STEP.pack(_WHOLE_STEP, step), view_time, step


class InputsMessage:
    """:ivar newest: the lowest 32 bits of the newest number.
    :ivar inputs: payload and view time (0.1 ms, modulo 2**32) of each input, newest first.
    """

    __slots__ = ("inputs", "newest")

    def __init__(self, newest: int, inputs: list[tuple[bytes, int | None]]) -> None:
        self.newest = newest
        self.inputs = inputs

    @property
    def count(self) -> int:
        """The number of inputs."""
        return len(self.inputs)

    def first(self, count: int) -> list[tuple[bytes, int | None]]:
        """Return the ``count`` newest inputs, newest first."""
        return self.inputs[:count]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, InputsMessage) and self.newest == other.newest and self.inputs == other.inputs

    def __hash__(self) -> int:
        return hash((self.newest, len(self.inputs)))


class PackedInputs(InputsMessage):
    """Inputs that are read when they are needed: most of a message have usually arrived before.

    :raises MalformedPacket: the body has no whole header.
    """

    __slots__ = ("_at", "_body", "_count", "_view_time", "_with_view_times")

    def __init__(self, body: bytes) -> None:
        if len(body) < _INPUTS_HEADER_BYTES:
            raise MalformedPacket(f"inputs of {len(body)} bytes")
        newest: int
        count: int
        newest, count = _HEADER.unpack_from(body)
        super().__init__(newest, [])
        self._body, self._at, self._view_time = body, _INPUTS_HEADER_BYTES, 0
        self._with_view_times = bool(count & _WITH_VIEW_TIMES)
        if self._with_view_times:
            if len(body) < self._at + _VIEW_TIME_BYTES:
                raise MalformedPacket("inputs without their view time")
            self._view_time = int.from_bytes(body[self._at : self._at + _VIEW_TIME_BYTES], "big")
            self._at += _VIEW_TIME_BYTES
        self._count = count & ~_WITH_VIEW_TIMES
        if not 0 < self._count <= MAX_INPUTS:
            raise MalformedPacket(f"{self._count} inputs in a message, 1 to {MAX_INPUTS} expected")

    @property
    def count(self) -> int:
        return self._count

    def first(self, count: int) -> list[tuple[bytes, int | None]]:
        """Do the same as InputsMessage.

        :raises MalformedPacket: these inputs are not what they have to be, or if all are read, something follows them.
        """
        try:
            found, end = _decode_entries(self._body, self._at, count, self._view_time, self._with_view_times)
        except IndexError:
            raise MalformedPacket("inputs end early") from None
        if count == self._count and end != len(self._body):
            raise MalformedPacket(f"{len(self._body) - end} bytes after the last input")
        return found


def decode_inputs(body: bytes) -> InputsMessage:
    """Read all of a body that :meth:`InputSender.message_body` wrote.

    :raises MalformedPacket: if it is anything else.
    """
    packed = PackedInputs(body)
    return InputsMessage(packed.newest, packed.first(packed.count))


def _decode_entries(
    body: bytes, at: int, count: int, view_time: int, with_view_times: bool
) -> tuple[list[tuple[bytes, int | None]], int]:
    """Read ``count`` inputs. Return them, and where they end.

    :param view_time: of the newest input, units of the wire.
    :raises IndexError: the body ends before the last input.
    """
    inputs: list[tuple[bytes, int | None]] = []
    payload: bytes | None = None
    distance = 0
    seen_at: int | None = None
    for _ in range(count):
        size = body[at]
        at += 1
        if with_view_times:
            step = body[at]
            at += 1
            if step != _WHOLE_STEP:
                distance += step - ((step & 0x80) << 1)
                view_time = (view_time - distance) & 0xFFFFFFFF
                seen_at = view_time
            else:
                step = (body[at] << 8 | body[at + 1]) ^ 0x8000  # how far it lies above _NO_VIEW_TIME
                at += 2
                if step:
                    distance = step + _NO_VIEW_TIME
                    view_time = (view_time - distance) & 0xFFFFFFFF
                seen_at = view_time if step else None
        if size != _SAME:
            payload, at = _payload(body, at, size, payload)
        elif payload is None:
            raise MalformedPacket("an input like the one before, and there is none")
        inputs.append((payload, seen_at))
    return inputs, at


def _payload(body: bytes, at: int, size: int, newer: bytes | None) -> tuple[bytes, int]:
    """Read the payload of an input: whole, or by its difference from ``newer``. Return it, and where it ends."""
    if size != _CHANGED:
        end = at + size
        payload = body[at:end]
    else:
        if newer is None:
            raise MalformedPacket("an input like the one before, and there is none")
        mask_bytes = -(-len(newer) // 8)
        begin = at + mask_bytes
        mask = int.from_bytes(body[at:begin], "big")
        end = begin + mask.bit_count()
        if end > len(body) or mask & ((1 << (8 * mask_bytes - len(newer))) - 1):
            raise MalformedPacket("an input with bytes that the newer one does not have")
        payload = _changed(newer, mask, 8 * mask_bytes, body[begin:end])
    if end > len(body):
        raise MalformedPacket("input reaches beyond its message")
    return payload, end


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
