"""A player's inputs at the server, each waiting for its tick. The module ``inputs`` describes the whole way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ..errors import MalformedPacket
from .input_schedule import Schedule
from .inputs import WANTED_MARGIN, InputsMessage
from .loss_meter import LossMeter
from .sequence import ReceiveWindow, unwrap
from .server_clock import SlidingMinimum
from .wire import TIME_UNIT

MARGIN_WINDOW: Final = 3.0
"""Seconds of arrivals that the margin is measured over."""

SLACK: Final = 0.5
"""Ticks of margin beyond those that loss may cost, since the pace is not exact. With next to no loss, ``WANTED_MARGIN``
includes it."""

MAX_COVER: Final = 0.15
"""Most seconds of margin for lost datagrams. Others see a player later by this time; an input missed once in a while is
better."""

MAX_START_DEPTH: Final = 12
"""Most ticks that the first input waits when playing begins again."""

MISSING_PATIENCE: Final = 0.25
"""Seconds in a row without inputs, after which the schedule is given up."""

MIN_PATIENCE: Final = 3
"""Least ticks of that time, for slow game loops."""

MAX_DEPTH_SECONDS: Final = 0.5
"""Seconds of inputs that may wait. Beyond it the oldest make room."""

MIN_DEPTH_TICKS: Final = 10
"""Least ticks of that time, for slow game loops."""

GROW_AFTER: Final = 2.5
"""Times that inputs are missing within about ``GROW_MEMORY`` seconds, after which the schedule moves back a tick."""

GROW_MEMORY: Final = 4.0

LEARNING: Final = 10.0
"""Seconds after the first input in which every missing input moves the schedule back a tick, and is applied when it
arrives."""

MAX_HELD_TICKS: Final = 3
"""Ticks in a row that the schedule moves back in this way."""

SHRINK_MARGIN: Final = WANTED_MARGIN + 5.0
"""Margin above which an input is skipped, to catch up by a tick. Below it the client's pace suffices and costs no
input."""

SHRINK_INTERVAL: Final = 0.25
"""Seconds between two such skips."""

SHRINK_HESITATION: Final = 1.0
"""Seconds to wait for an input that equals the previous one. To skip that one takes away no key press."""

SHRINK_AT_ONCE: Final = SHRINK_MARGIN + 2.0
"""Margin above which the skip does not wait."""

_REMEMBERED: Final = 256

_NO_DATAGRAM: Final = -(1 << 40)
"""A number that is far from that of any datagram."""


class PlayedInput:
    """The input of a tick. ``repeats`` counts the ticks in a row that repeated it: 0 for a fresh one."""

    __slots__ = ("number", "payload", "repeats", "view_time")

    def __init__(self, number: int, payload: bytes, view_time: float | None, repeats: int) -> None:
        self.number = number
        self.payload = payload
        self.view_time = view_time
        self.repeats = repeats


@dataclass
class InputCounts:
    """Counts of a player's inputs.

    :ivar applied: ticks with their own input.
    :ivar repeated: ticks that repeated the previous input.
    :ivar late: inputs that arrived after their tick and were not applied.
    :ivar skipped: inputs left out to catch up, since all had arrived too early.
    :ivar dropped: inputs left out because too many waited, or because the numbers jumped.
    """

    applied: int = 0
    repeated: int = 0
    late: int = 0
    skipped: int = 0
    dropped: int = 0


class InputBuffer:
    """One player's inputs at the server. :meth:`receive` takes a message, and :meth:`take` gives the input of a tick.

    While a schedule stands, input ``n`` is applied at its tick or never. Each input is applied at most once, in order,
    one a tick, and ``applied_number`` grows by one a tick. The schedule moves

    - back a tick, when inputs are missing again and again, or the link is not known yet (a tick repeats, and
      ``applied_number`` stays);
    - on a tick, when all of the latest inputs arrived far too early (one is skipped, if possible one that equals the
      previous);
    - on to the newest, when inputs of more than ``MAX_DEPTH_SECONDS`` wait (the player sends faster than real time, or
      has jumped ahead in number);
    - to the next input, wherever it is, when none arrived in time for ``MISSING_PATIENCE`` seconds. ``applied_number``
      then goes back to the newest number received, and stays until playing begins again.

    :param interval: seconds from tick to tick.
    :ivar applied_number: the newest input in the state, even if the previous one was repeated in its place; 0 before
        the first.
    :ivar per_datagram: the average count of new inputs in a datagram.
    :ivar leads: by how many ticks numbers are ahead of the tick count when they arrive.
    """

    __slots__ = (
        "_inputs",
        "_last",
        "_newest_datagram",
        "_newest_input",
        "_own_leads",
        "_received",
        "applied_number",
        "counts",
        "leads",
        "losses",
        "per_datagram",
        "schedule",
    )

    def __init__(self, interval: float) -> None:
        self.applied_number = 0
        self.counts = InputCounts()
        self.schedule = Schedule()
        self.losses = LossMeter()
        self.per_datagram = 1.0
        self.leads = SlidingMinimum(MARGIN_WINDOW)
        self._own_leads = SlidingMinimum(MARGIN_WINDOW)
        self._inputs: dict[int, tuple[bytes, float | None]] = {}
        self._received = ReceiveWindow(_REMEMBERED)
        self._last: PlayedInput | None = None
        self._newest_datagram = _NO_DATAGRAM
        self._newest_input = 0  # the newest one in that datagram
        self.interval = interval

    def __len__(self) -> int:
        return len(self._inputs)

    @property
    def interval(self) -> float:
        return self.schedule.interval

    @interval.setter
    def interval(self, interval: float) -> None:
        if not (math.isfinite(interval) and interval > 0.0):
            raise ValueError(f"interval must be seconds from tick to tick, above 0, not {interval}")
        self.schedule.interval = interval
        self.schedule.max_cover = MAX_COVER / interval  # in ticks, like the next two
        self.schedule.max_depth = max(int(MAX_DEPTH_SECONDS / interval), MIN_DEPTH_TICKS)
        self.schedule.patience = max(int(MISSING_PATIENCE / interval), MIN_PATIENCE)
        self._forget_leads()  # they were counted in ticks of the other length

    @property
    def newest_received(self) -> int:
        """The newest input received, applied or not; -1 before the first."""
        return self._received.latest

    @property
    def received(self) -> int:
        """Count of the inputs that have arrived, including those that were late or left out."""
        return self._received.count

    @property
    def needed(self) -> float:
        """Ticks by which inputs have to be early to arrive in time in spite of loss."""
        cover = min(self.losses.cover * self.per_datagram, self.schedule.max_cover)
        return max(cover + min(SLACK, cover - WANTED_MARGIN), WANTED_MARGIN)

    @property
    def margin(self) -> float:
        """Ticks by which the latest inputs are expected to be early; the wanted margin if none arrived lately.

        The slowest inputs of the last seconds and the cover for loss determine it, or the latest input if later.
        """
        latest, slowest = self.leads.value, self._own_leads.value
        if latest is None or self.schedule.next is None:
            return WANTED_MARGIN
        if slowest is not None:
            latest = min(latest, slowest + WANTED_MARGIN - self.needed)
        return latest + self.schedule.ticks - self.schedule.next

    @property
    def depth(self) -> int:
        """Ticks that the newest input waits when playing begins: 1 on a link without jitter and loss."""
        return min(
            math.ceil(self.needed - 0.5 + 2.5 * self.schedule.jitter), MAX_START_DEPTH, self.schedule.max_depth - 2
        )

    def receive(self, message: InputsMessage, *, datagram: int, arrived: int = 1, now: float) -> None:
        """Take in the inputs of a packet. Most of them have usually arrived before.

        :param datagram: number of the newest datagram so far.
        :param arrived: bit i is set if datagram ``datagram - i`` has arrived. (Inputs alone do not show the loss, since
            a datagram has none or several new ones.)
        :param now: seconds of the server's clock, as clients know it.
        """
        newest = unwrap(message.newest, max(self._received.latest, 0), 32)
        if self.losses.receive(datagram, arrived):
            self._count_new(datagram, newest)
            if self.schedule.next is not None:
                self._measure_own(newest - self.per_datagram + 1.0, now)
        try:
            inputs = message.first(self._received.missing_among(newest, message.count))
        except MalformedPacket:
            return
        for back in range(len(inputs) - 1, -1, -1):
            number = newest - back
            if number > 0 and self._received.receive(number):
                payload, view_time = inputs[back]
                self._add(number, payload, _view_seconds(view_time, now), now)
        self._reschedule(self._received.latest, now)

    def take(self, *, now: float) -> PlayedInput | None:
        """Return the input of the tick that begins now; None before the first."""
        if self.schedule.next is not None:
            self._shrink(now)
        self.schedule.ticks += 1
        self.schedule.taken_at = now
        self.schedule.misses *= max(1.0 - self.schedule.interval / GROW_MEMORY, 0.0)
        if self.schedule.next is None:
            return self._repeat(self.applied_number)
        number, self.schedule.next = self.schedule.next, self.schedule.next + 1
        if number in self._inputs:
            return self._apply(number)
        if number <= self.applied_number or self.schedule.starting:  # it was moved back, or begins a little later
            return self._repeat(self.applied_number)
        return self._miss(number)

    def waiting(self) -> list[bytes]:
        """Return the inputs of the next ticks that are here already, in order, up to the first that is missing."""
        number, found = self.schedule.next, list[bytes]()
        while number is not None and number in self._inputs:
            found.append(self._inputs[number][0])
            number += 1
        return found

    def _add(self, number: int, payload: bytes, view_time: float | None, now: float) -> None:
        if self.schedule.next is not None:
            self._measure(number, now)
        if number <= self.applied_number or (
            self.schedule.next is not None and number < self.schedule.next and not self.schedule.starting
        ):
            self.counts.late += 1
        else:
            self._inputs[number] = payload, view_time

    def _measure(self, number: int, now: float) -> None:
        lead = self._lead_of(number, now)
        if lead is not None:
            self.leads.add(lead, now)

    def _count_new(self, datagram: int, newest: int) -> None:
        datagrams, inputs = datagram - self._newest_datagram, newest - self._newest_input
        if 0 < datagrams <= _REMEMBERED and 0 <= inputs <= self.schedule.max_depth:
            self.per_datagram += (inputs / datagrams - self.per_datagram) / 16
        self._newest_datagram, self._newest_input = datagram, newest

    def _measure_own(self, number: float, now: float) -> None:
        """Note the lead of the oldest input that was new in the datagram just received."""
        lead = self._lead_of(number, now)
        if lead is None:
            return
        self._own_leads.add(lead, now)
        if self.schedule.lead is not None:
            self.schedule.jitter += (abs(lead - self.schedule.lead) - self.schedule.jitter) / 16
        self.schedule.lead = lead

    def _lead_of(self, number: float, now: float) -> float | None:
        """Return the lead of a number, in ticks; None without a schedule, or if it is too far off to follow."""
        if self.schedule.next is None:
            return None
        fraction = (now - self.schedule.taken_at) / self.schedule.interval
        lead = number - (self.schedule.ticks - 1) - max(0.0, min(fraction, 1.0))
        return lead if abs(lead + self.schedule.ticks - self.schedule.next) <= self.schedule.max_depth else None

    def _reschedule(self, newest: int, now: float) -> None:
        if not self._inputs:
            return
        if self.schedule.next is None:
            self._begin(newest, now)
        elif self.schedule.starting:
            self._move_on(max(self.schedule.next, newest - self.depth))
        elif newest - self.schedule.next > self.schedule.max_depth:
            self._move_on(newest - self.depth)
            self._forget_leads()

    def _begin(self, newest: int, now: float) -> None:
        if self.schedule.learning_until is None:
            self.schedule.learning_until = now + LEARNING
        self.schedule.next = newest - self.depth
        self.schedule.starting = True
        self.schedule.missing, self.schedule.misses = 0, 0.0
        self.schedule.shrink_at = now + MARGIN_WINDOW
        self._forget_leads()
        self._move_on(self.schedule.next)

    def _forget_leads(self) -> None:
        self.leads.clear()
        self._own_leads.clear()
        self.schedule.lead = None

    def _move_on(self, number: int) -> None:
        self.schedule.next = number
        for passed in [each for each in self._inputs if each < number]:
            del self._inputs[passed]
            self.counts.dropped += 1

    def _apply(self, number: int) -> PlayedInput:
        payload, view_time = self._inputs.pop(number)
        self.schedule.starting = False
        self.schedule.missing = 0
        self.applied_number = number
        self.counts.applied += 1
        self._last = PlayedInput(number, payload, view_time, 0)
        return self._last

    def _repeat(self, number: int) -> PlayedInput | None:
        self.applied_number = number
        if self._last is not None:
            self.counts.repeated += 1
            last = self._last
            self._last = PlayedInput(number, last.payload, last.view_time, last.repeats + 1)
        return self._last

    def _miss(self, number: int) -> PlayedInput | None:
        """Repeat the previous input for a missing one: in its place, or while the schedule waits for it."""
        self.schedule.missing += 1
        if self.schedule.missing > self.schedule.patience and not self._inputs:
            self.schedule.next = None
            return self._repeat(min(number - 1, self._received.latest))
        self.schedule.misses += self.schedule.missing == 1
        learning = self.schedule.learning_until is not None and self.schedule.taken_at < self.schedule.learning_until
        if learning and self.schedule.missing <= MAX_HELD_TICKS:
            self.schedule.next = number
            return self._repeat(self.applied_number)
        if self.schedule.missing == 1 and self.schedule.misses >= GROW_AFTER:
            self.schedule.next, self.schedule.misses = number, GROW_AFTER - 0.5  # one more soon suffices
            return self._repeat(self.applied_number)
        return self._repeat(number)

    def _shrink(self, now: float) -> None:
        """Skip an input if the margin is too great, if possible one that equals the previous."""
        if self.margin <= SHRINK_MARGIN:
            self.schedule.shrink_at = max(self.schedule.shrink_at, now)
        if self.schedule.next is None:
            return
        entry = self._inputs.get(self.schedule.next)
        if now <= self.schedule.shrink_at or entry is None or len(self._inputs) < 2:
            return
        patient = now < self.schedule.shrink_at + SHRINK_HESITATION and self.margin < SHRINK_AT_ONCE
        if patient and self._last is not None and entry[0] != self._last.payload:
            return
        del self._inputs[self.schedule.next]
        self.schedule.next += 1
        self.counts.skipped += 1
        self.schedule.shrink_at = now + SHRINK_INTERVAL


def _view_seconds(units: int | None, now: float) -> float | None:
    """Restore a view time near ``now``, never later: even an extrapolating client sees at most the present."""
    if units is None:
        return None
    present = int(now / TIME_UNIT)
    ahead = ((units - present + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)
    return min((present + ahead) * TIME_UNIT, now)
