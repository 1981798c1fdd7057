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
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from ..errors import MalformedPacket, MessageTooLarge
from .clock import SlidingMinimum
from .losses import LossMeter
from .sequence import ReceiveWindow, unwrap
from .wire import MAX_BODY_BYTES, TIME_UNIT, acks_message

MAX_INPUTS: Final = 64
"""Most inputs that are kept unacknowledged, and that a message carries: a second's at 60 Hz."""

MAX_INPUT_BYTES: Final = 254
"""Most bytes of one input. It travels about as many times as a round trip takes ticks, so it ought to be small."""

WANTED_MARGIN: Final = 1.0
"""Ticks that the latest inputs shall arrive early."""

MARGIN_WINDOW: Final = 3.0
"""Seconds of arrivals to choose the latest input from."""

SLACK: Final = 0.5
"""Ticks that inputs shall arrive early beyond those that loss may cost, as the pace does not keep to it exactly. Where
next to nothing gets lost, it is in the wanted margin already."""

MAX_COVER: Final = 0.15
"""Seconds for lost datagrams at most. Others see a player so much later, and rather miss an input once in a while than
see everything later yet."""

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

START_JITTER: Final = 0.25
"""Jitter (how much earlier or later than the one before an input comes; the mean of that, as in RFC 3550, section
6.4.1), in ticks, that is assumed while nothing is known of the link. With the loss that is assumed then, too, the first
input waits for 4 ticks."""

MAX_START_DEPTH: Final = 12
"""Most ticks that inputs wait for when playing begins again; the margin does the rest."""

PATIENCE: Final = 0.25
"""Seconds in a row that missing inputs are replaced before the schedule is given up."""

MIN_PATIENCE: Final = 3
"""The same in ticks, where they are few and far between."""

MAX_DEPTH: Final = 0.5
"""Seconds of inputs waiting for their ticks; beyond that the oldest make room."""

MIN_DEPTH: Final = 10
"""The same in ticks, where they are few and far between."""

GROW_AFTER: Final = 2.5
"""How often inputs have to be missing within about ``GROW_MEMORY`` seconds for the schedule to move back a tick."""

GROW_MEMORY: Final = 4.0

LEARNING: Final = 10.0
"""Seconds from a player's first input on, in which every missing input moves the schedule back a tick, and is applied
when it comes: more than was reckoned with gets lost, and the sooner that is made good, the better."""

MAX_HELD: Final = 3
"""Ticks in a row that the schedule moves back like that."""

SHRINK_MARGIN: Final = WANTED_MARGIN + 5.0
"""Above this margin an input is skipped, to catch up by a tick. Below, it is left to the client's pace, which costs no
input."""

SHRINK_INTERVAL: Final = 0.25
"""Seconds between one such tick and the next."""

SHRINK_HESITATION: Final = 1.0
"""Seconds to wait for an input that is like the one before, so that skipping it takes away no key press."""

SHRINK_AT_ONCE: Final = SHRINK_MARGIN + 2.0
"""Margin above which that is not waited for."""

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
_INPUT_STATE: Final = Struct("!IIb")

_MAX_BYTES: Final = MAX_BODY_BYTES - _HEADER.size - _VIEW_TIME.size - len(acks_message(0, 0))
"""What unacknowledged inputs may take, so that all of them fit into every packet: also beside an ACKS message."""

_WINDOW: Final = 256
"""How many numbers back it is known which have been received."""


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
        return _INPUT_STATE.pack(self.tick & 0xFFFFFFFF, self.applied & 0xFFFFFFFF, quarters)

    @classmethod
    def decode(cls, body: bytes) -> InputState:
        """Read the body of an INPUT_STATE message."""
        if len(body) != _INPUT_STATE.size:
            raise MalformedPacket(f"input state of {len(body)} bytes, {_INPUT_STATE.size} expected")
        tick, applied, quarters = _INPUT_STATE.unpack(body)
        return cls(tick, applied, quarters / 4)


def pace(margin: float) -> float:
    """Return how fast a client shall make its inputs (1.0: one a tick), given the margin that the server tells."""
    surplus = margin - WANTED_MARGIN
    slower = PACE_GAIN * surplus + AMPLE_GAIN * max(surplus - AMPLE, 0.0)
    return 1.0 - max(-MAX_PACE, min(MAX_PACE, slower))


class PlayedInput(NamedTuple):
    """The input of a tick. ``repeats`` counts for how many ticks in a row it has been repeated: 0 for a fresh one."""

    number: int
    payload: bytes
    view_time: float | None
    repeats: int


@dataclass
class InputCounts:
    """What became of a player's inputs.

    :ivar applied: ticks that had their input.
    :ivar repeated: ticks that had the one before again.
    :ivar late: inputs that came after their tick, and were not applied.
    :ivar skipped: inputs left out to catch up, as they had all been coming too early.
    :ivar dropped: inputs left out because too many waited, or numbers jumped.
    """

    applied: int = 0
    repeated: int = 0
    late: int = 0
    skipped: int = 0
    dropped: int = 0


class InputBuffer:
    """One player's inputs at the server: :meth:`receive` them as they come, :meth:`take` one each tick.

    What is guaranteed, while a schedule stands: number ``n`` is applied at its tick or never, each at most once, in
    order, one a tick; ``applied_number`` grows by one a tick. The schedule moves

    - back a tick, when inputs are missing time and again, or the link is not known yet (a tick repeats, and
      ``applied_number`` stays);
    - on a tick, when all of the latest inputs came far too early (one is skipped, if possible one like that before);
    - on to the newest, when more than ``MAX_DEPTH`` seconds wait (the player sends faster than real time, or has
      jumped ahead in number);
    - to wherever the next input is, when none came in time for ``PATIENCE`` seconds: then ``applied_number`` goes
      back to the newest number that has arrived, and stays until playing begins again.

    :param interval: seconds from tick to tick.
    :ivar applied_number: the newest input that the state includes, even if the one before was repeated in its place;
        0 before the first.
    """

    __slots__ = (
        "_inputs",
        "_interval",
        "_jitter",
        "_last",
        "_lead",
        "_leads",
        "_learning_until",
        "_losses",
        "_max_cover",
        "_max_depth",
        "_misses",
        "_missing",
        "_next",
        "_own_leads",
        "_patience",
        "_received",
        "_shrink_at",
        "_starting",
        "_taken_at",
        "_ticks",
        "applied_number",
        "counts",
    )

    def __init__(self, interval: float) -> None:
        self.applied_number = 0
        self.counts = InputCounts()
        self._inputs: dict[int, tuple[bytes, float | None]] = {}
        self._received = ReceiveWindow(_WINDOW)
        self._last: PlayedInput | None = None
        self._next: int | None = None  # the number that the next tick shall have; None while nobody plays
        self._starting = False  # nothing of this schedule has been applied yet
        self._ticks = 0
        self._taken_at = -math.inf
        self._missing = 0  # ticks in a row
        self._misses = 0.0  # times that it began, fading
        self._learning_until: float | None = None
        self._losses = LossMeter()
        self._leads = SlidingMinimum(MARGIN_WINDOW)  # how far numbers are ahead of ticks when they arrive,
        self._own_leads = SlidingMinimum(MARGIN_WINDOW)  # those that come in the first datagram that had them,
        self._lead: float | None = None  # and the latest of these
        self._jitter = START_JITTER
        self._shrink_at = math.inf
        self.interval = interval

    def __len__(self) -> int:
        """Return how many inputs wait for their ticks."""
        return len(self._inputs)

    @property
    def interval(self) -> float:
        """Seconds from tick to tick. May be changed when the game loop's is."""
        return self._interval

    @interval.setter
    def interval(self, interval: float) -> None:
        if not (math.isfinite(interval) and interval > 0.0):
            raise ValueError(f"interval must be seconds from tick to tick, above 0, not {interval}")
        self._interval = interval
        self._max_cover = MAX_COVER / interval  # ticks, as are:
        self._max_depth = max(int(MAX_DEPTH / interval), MIN_DEPTH)
        self._patience = max(int(PATIENCE / interval), MIN_PATIENCE)
        self._forget_leads()  # those were counted in ticks of the other length

    @property
    def received(self) -> int:
        """How many inputs have come, those included that came too late or were left out."""
        return self._received.count

    @property
    def needed(self) -> float:
        """How many ticks early inputs have to come for those whose datagrams get lost to be in time, too."""
        cover = min(self._losses.cover, self._max_cover)
        return max(cover + min(SLACK, cover - WANTED_MARGIN), WANTED_MARGIN)

    @property
    def margin(self) -> float:
        """How many ticks early the latest inputs are to be expected, the wanted margin if none came lately.

        By the slowest of the last seconds, and what loss may cost beyond that; or by the latest, if that was later yet.
        """
        latest, slowest = self._leads.value, self._own_leads.value
        if latest is None or self._next is None:
            return WANTED_MARGIN
        if slowest is not None:
            latest = min(latest, slowest + WANTED_MARGIN - self.needed)
        return latest + self._ticks - self._next

    @property
    def depth(self) -> int:
        """How many ticks the newest input shall wait when playing begins: 1 on a link without jitter and loss."""
        return min(math.ceil(self.needed - 0.5 + 2.5 * self._jitter), MAX_START_DEPTH, self._max_depth - 2)

    def receive(self, message: InputsMessage, *, now: float) -> None:
        """Take in what a packet carried; most of it has usually come before.

        :param now: seconds, the clock that clients know as the server's time.
        """
        newest = unwrap(message.newest, max(self._received.latest, 0), 32)
        if self._losses.receive(newest) and self._next is not None:
            self._measure_own(newest - self._losses.spacing + 1, now)
        for back in range(len(message.inputs) - 1, -1, -1):
            number = newest - back
            if number > 0 and self._received.receive(number):
                payload, view_time = message.inputs[back]
                self._add(number, payload, _view_seconds(view_time, now), now)
        self._reschedule(self._received.latest, now)

    def take(self, *, now: float) -> PlayedInput | None:
        """Return the input of the tick that begins now; None before the first."""
        if self._next is not None:
            self._shrink(now)
        self._ticks += 1
        self._taken_at = now
        self._misses *= max(1.0 - self._interval / GROW_MEMORY, 0.0)
        if self._next is None:
            return self._repeat(self.applied_number)
        number, self._next = self._next, self._next + 1
        if number in self._inputs:
            return self._apply(number)
        if number <= self.applied_number or self._starting:  # it has been moved back, or begins a little later
            return self._repeat(self.applied_number)
        return self._miss(number)

    def _add(self, number: int, payload: bytes, view_time: float | None, now: float) -> None:
        """Keep an input that comes for the first time, unless its tick is over."""
        if self._next is not None:
            self._measure(number, now)
        if number <= self.applied_number or (self._next is not None and number < self._next and not self._starting):
            self.counts.late += 1
        else:
            self._inputs[number] = payload, view_time

    def _measure(self, number: int, now: float) -> None:
        """Take note of how far an input is ahead of its tick when it comes for the first time."""
        lead = self._lead_of(number, now)
        if lead is not None:
            self._leads.add(lead, now)

    def _measure_own(self, number: int, now: float) -> None:
        """Take note of the same for the oldest of the inputs that were new in the datagram that has come."""
        lead = self._lead_of(number, now)
        if lead is None:
            return
        self._own_leads.add(lead, now)
        if self._lead is not None:
            self._jitter += (abs(lead - self._lead) - self._jitter) / 16
        self._lead = lead

    def _lead_of(self, number: int, now: float) -> float | None:
        """Return by how much a number is ahead of the ticks; None if it is so far off that no schedule will follow."""
        assert self._next is not None
        fraction = (now - self._taken_at) / self._interval
        lead = number - (self._ticks - 1) - max(0.0, min(fraction, 1.0))
        return lead if abs(lead + self._ticks - self._next) <= self._max_depth else None

    def _reschedule(self, newest: int, now: float) -> None:
        """Begin a schedule, or move it on if more inputs wait than may."""
        if not self._inputs:
            return
        if self._next is None:
            self._begin(newest, now)
        elif self._starting:
            self._move_on(max(self._next, newest - self.depth))
        elif newest - self._next > self._max_depth:
            self._move_on(newest - self.depth)
            self._forget_leads()

    def _begin(self, newest: int, now: float) -> None:
        if self._learning_until is None:
            self._learning_until = now + LEARNING
        self._next = newest - self.depth
        self._starting = True
        self._missing, self._misses = 0, 0.0
        self._shrink_at = now + MARGIN_WINDOW
        self._forget_leads()
        self._move_on(self._next)

    def _forget_leads(self) -> None:
        self._leads.clear()
        self._own_leads.clear()
        self._lead = None

    def _move_on(self, number: int) -> None:
        """Let ``number`` be the next, and drop what was before it."""
        self._next = number
        for passed in [each for each in self._inputs if each < number]:
            del self._inputs[passed]
            self.counts.dropped += 1

    def _apply(self, number: int) -> PlayedInput:
        payload, view_time = self._inputs.pop(number)
        self._starting = False
        self._missing = 0
        self.applied_number = number
        self.counts.applied += 1
        self._last = PlayedInput(number, payload, view_time, 0)
        return self._last

    def _repeat(self, number: int) -> PlayedInput | None:
        self.applied_number = number
        if self._last is not None:
            self.counts.repeated += 1
            self._last = self._last._replace(number=number, repeats=self._last.repeats + 1)
        return self._last

    def _miss(self, number: int) -> PlayedInput | None:
        """Repeat the input before for one that has not come: in its place, or holding up the schedule for it."""
        self._missing += 1
        if self._missing > self._patience and not self._inputs:
            self._next = None
            return self._repeat(min(number - 1, self._received.latest))
        self._misses += self._missing == 1
        learning = self._learning_until is not None and self._taken_at < self._learning_until
        if learning and self._missing <= MAX_HELD:
            self._next = number
            return self._repeat(self.applied_number)
        if self._missing == 1 and self._misses >= GROW_AFTER:
            self._next, self._misses = number, GROW_AFTER - 0.5  # the next one soon after counts
            return self._repeat(self.applied_number)
        return self._repeat(number)

    def _shrink(self, now: float) -> None:
        """Skip an input if there is too much margin: one like that before it, or any if none such came for a while."""
        assert self._next is not None
        if self.margin <= SHRINK_MARGIN:
            self._shrink_at = max(self._shrink_at, now)
        entry = self._inputs.get(self._next)
        if now <= self._shrink_at or entry is None or len(self._inputs) < 2:
            return
        patient = now < self._shrink_at + SHRINK_HESITATION and self.margin < SHRINK_AT_ONCE
        if patient and self._last is not None and entry[0] != self._last.payload:
            return
        del self._inputs[self._next]
        self._next += 1
        self.counts.skipped += 1
        self._shrink_at = now + SHRINK_INTERVAL


def _view_seconds(units: int | None, now: float) -> float | None:
    """Restore a view time near ``now``, and not after it: who extrapolates sees at most the present."""
    if units is None:
        return None
    present = int(now / TIME_UNIT)
    ahead = ((units - present + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    return min((present + ahead) * TIME_UNIT, now)
