"""The send window: how many bytes may be under way to a client.

A thin line does not drop surplus datagrams at once, it queues them, often for a second and more. So the server watches
how long its datagrams wait in the line: the round trip less its floor. While they hardly wait, nothing is held back.
Else the window follows what arrives: of the bytes under way it keeps those that fill the line without a queue, and a
small surplus. A state that finds the window full is skipped, and the next tick has a newer one. Events and
acknowledgements do not wait.

The rule is that of FAST TCP (Wei, Jin, Low, Hegde, "FAST TCP: Motivation, Architecture, Algorithms, Performance"): each
sender keeps the same surplus in the queue, so senders that share a line get equal shares. The queue is measured as
in RFC 6817 (LEDBAT) and RFC 8298 (SCReAM), and a window grows like a slow start while there is no queue.
"""

from __future__ import annotations

import math
from typing import Final

from .pacing import Pacing
from .queue_meter import QueueMeter
from .record import PeerRecord

FIRST_WINDOW: Final = 6_000.0
"""Bytes of the first window: less than a line of 64 kbit/s queues in a second, and 20 states of 300 bytes."""

MAX_WINDOW: Final = 256_000.0
"""Bytes of the largest window."""

NO_QUEUE: Final = 0.04
"""Seconds of queue that count as none. Wi-Fi and busy processes delay datagrams as much."""

SURPLUS: Final = 600.0
"""Least bytes in the line's queue, beside one state. Without any, the line would be idle between two states."""

SURPLUS_STATES: Final = 0.5
"""The same in states: with less, a line on which one state takes long would be idle until it is acknowledged."""

SURPLUS_SECONDS: Final = 0.03
"""The same in seconds, for lines on which the other two take less."""

CALM: Final = 2.0
"""Seconds without a queue and without a held state after which a window is no longer watched."""

LONG_QUEUE: Final = 0.3
"""Seconds of queue from which on the surplus shrinks. So the states of many clients share a thin line."""

CROWD_BEGINS: Final = 0.4
"""Mean seconds of the others' queue from which on they count as greedy. Those that follow this module stay below."""

CROWD_ENDS: Final = 0.25
"""Seconds of the others' queue below which they do not, at once."""

CROWD_GAIN: Final = 0.3
"""Weight of one packet in the mean."""

CROWD_INTERVAL: Final = 6.0
"""Seconds between two looks at the others' queue, while they are greedy."""

LOOK_FROM: Final = 0.1
"""Seconds of queue from which on it is worth a look."""

LITTLE: Final = 400
"""Bytes under way that count as none, such as acknowledgements."""

SILENT_FOR: Final = 0.1
"""Seconds beyond ``SILENCE`` round trips without an acknowledgement, until a state may leave all the same: else nothing
would show that a line works again."""

SILENCE: Final = 1.25
"""See ``SILENT_FOR``."""

FIRST_SILENCE: Final = 0.5
"""The same in seconds, while no round trip is known."""

PART_SECONDS: Final = 0.1
"""Seconds for which a part of a state fills the line, or two intervals if that is more: each part has a header."""

LEAST_BURST: Final = 400.0
"""Bytes of such a part at least, while a window holds states back."""

CEILING_SECONDS: Final = 0.05
"""Seconds between two parts of states at a ceiling, at least."""


class Crowd:
    """Whether a greedy sender fills the line's queue, so that a short queue is out of reach.

    A packet that leaves while next to nothing of ours is under way shows the queue of the others.

    :ivar is_there: True if so. Then the window grows until packets get lost, as that of the other.
    """

    __slots__ = ("_halve_at", "_level", "_looked", "_lost", "is_there")

    def __init__(self) -> None:
        self.is_there = False
        self._level = 0.0
        self._looked = -1.0
        self._halve_at = -math.inf
        self._lost = 0

    def note(self, queue: float, now: float) -> None:
        """Take in the queue of the others, in seconds."""
        self._level += (queue - self._level) * CROWD_GAIN
        self._looked = now // CROWD_INTERVAL
        if queue < CROWD_ENDS:
            self.is_there, self._level = False, 0.0
        elif self._level > CROWD_BEGINS:
            self.is_there = True

    def wants_look(self, now: float) -> bool:
        """Return whether to send nothing until nothing is under way, to look at the queue of the others.

        All clients look at one time: with none of their states in the queue, each finds the floor of the round trip.
        """
        return self._looked != now // CROWD_INTERVAL

    def is_losing(self, record: PeerRecord, newest: int, passed: float, now: float) -> bool:
        """Return whether a packet has got lost since the last time. Count one loss in a round trip."""
        lost = (record.outstanding >> (record.next_sequence - newest)).bit_count()
        is_more, self._lost = lost > self._lost, lost
        if not is_more or now < self._halve_at:
            return False
        self._halve_at = now + passed
        return True


class Turn:
    """Packets that have left together.

    :ivar first: the number before the first of them; ``last``: the number of the last.
    :ivar total: the bytes sent up to the last, in all.
    :ivar before, under_way: bytes under way before them and after them.
    :ivar sent_at: when they left.
    """

    __slots__ = ("before", "first", "last", "sent_at", "total", "under_way")

    def __init__(self, first: int, last: int, total: int, before: float, under_way: float, sent_at: float) -> None:
        self.first = first
        self.last = last
        self.total = total
        self.before = before
        self.under_way = under_way
        self.sent_at = sent_at


class Flight:
    """The bytes of states that are under way. A packet is no longer under way once it or a later one is acknowledged.

    :ivar arrived: the bytes sent up to the newest acknowledged packet, in all.
    """

    __slots__ = ("_counted", "_noted", "_sequence", "_spent", "_total", "_turns", "arrived", "record")

    def __init__(self, record: PeerRecord) -> None:
        self.record = record
        self._turns: list[Turn] = []
        self._noted = record.next_sequence - 1  # the last packet that is counted, or that has no state
        self._sequence = self._noted  # the last packet that counts as arrived
        self._spent = record.spent
        self._total = 0
        self.arrived = self._counted = 0.0

    @property
    def bytes(self) -> float:
        return self._total + (self.record.spent - self._spent) - self.arrived

    @property
    def limit(self) -> float:
        """The value of ``record.spent`` with which nothing would be under way."""
        return self.record.spent - self.bytes

    def take_arrived(self) -> float:
        """Return the bytes that have arrived since the last call."""
        more, self._counted = self.arrived - self._counted, self.arrived
        return more

    def leave_out(self) -> None:
        """Do not count the packets that have left since the last call: there is no state in them."""
        self._spent, self._noted = self.record.spent, self.record.next_sequence - 1

    def note(self, now: float) -> None:
        """Count the packets that have left since the last call, as one turn."""
        first, before = self._noted, self._total - self.arrived
        self._total += self.record.spent - self._spent
        self.leave_out()
        if self._noted > first:
            self._turns.append(Turn(first, self._noted, self._total, before, self.bytes, now))

    def advance(self, newest: int) -> Turn | None:
        """Note that packet ``newest`` has arrived. Return the newest turn of which nothing is under way any more, if it
        is another one."""
        turns, found = self._turns, None
        while turns and turns[0].last <= newest:
            found = turns.pop(0)
            self._sequence, self.arrived = found.last, float(found.total)
        if turns and newest > max(self._sequence, turns[0].first):  # a part of a turn, of packets of about one size
            turn, begin = turns[0], max(self._sequence, turns[0].first)
            self.arrived += (turn.total - self.arrived) * (newest - begin) / (turn.last - begin)
            self._sequence = newest
        return found


class SkippedStates:
    """Counts the states that did not leave until a newer one replaced them.

    :ivar count: of these states.
    """

    __slots__ = ("_held_tick", "count")

    def __init__(self) -> None:
        self.count = 0
        self._held_tick = 0

    def hold(self, tick: int) -> None:
        """Note that the state of this tick does not leave now."""
        if tick != self._held_tick:
            self._held_tick = tick
            self.count += 1

    def let(self, tick: int) -> None:
        """Note that the state of this tick leaves."""
        if tick == self._held_tick:
            self._held_tick = 0
            self.count -= 1


class SendWindow:
    """A bound on the bytes that are under way to one client.

    On a line that is far from full, the record's ``state_limit`` says until when a state needs no look at the window.
    A window that is *watched* follows every packet.

    :ivar size_bytes: the bound. A state may leave while fewer bytes than that are under way.
    :ivar queue: how long datagrams wait in the line.
    :ivar rate: bytes a second that arrived, over the latest round trip; 0.0 before.
    :ivar skipped: counts the states that did not leave.
    :ivar state_bytes: size of the latest state.
    :param ceiling: most bytes a second, whatever the line takes; math.inf for no ceiling.
    """

    __slots__ = (
        "_calm_since",
        "_crowd",
        "_flight",
        "_is_held",
        "_is_starting",
        "_pacing",
        "_ready_at",
        "_round_trip",
        "queue",
        "rate",
        "record",
        "size_bytes",
        "skipped",
        "state_bytes",
        "watched",
    )

    def __init__(self, record: PeerRecord, ceiling: float, now: float) -> None:
        self.record = record
        self.skipped = SkippedStates()
        self._pacing = Pacing(record, ceiling)
        self.begin(now)

    def begin(self, now: float) -> None:
        """Forget the line, as a new path begins."""
        self.size_bytes = FIRST_WINDOW
        self.rate = 0.0
        self.state_bytes = 0
        self.queue = QueueMeter()
        self.watched = False
        self._crowd = Crowd()
        self._flight = Flight(self.record)
        self._calm_since = now
        self._is_held = False
        self._is_starting = True
        self._round_trip = FIRST_SILENCE
        self._ready_at = now
        self.record.state_limit = min(self.record.spent + FIRST_WINDOW, self._pacing.limit(now))

    # -- sending -----------------------------------------------------------------------------------------------------

    def watch(self, now: float) -> None:
        """Follow every packet from now on."""
        self._calm_since = now
        if not self.watched:
            self.watched = True
            self._flight.note(now)
            used = 2.0 * self.rate * (self.queue.rtt + 0.1)
            self.size_bytes = min(self.size_bytes, max(used, FIRST_WINDOW))
            self.record.state_limit = self.record.look_at = -math.inf

    def allows(self, now: float) -> bool:
        """Return whether a state, or a fragment of a large one, may leave now. After a long silence, one may."""
        if not self._pacing.allows(now):
            return False
        if self._has_room(now):
            return True
        if not self.watched:
            self.watch(now)  # what is known of the bytes under way is too old to hold anything back
            return True
        if now >= self._ready_at:
            self._ready_at = now + self._silence
            return True
        self._is_held = True
        self._calm_since = now
        return False

    def _has_room(self, now: float) -> bool:
        looks = self.queue.delay > LOOK_FROM and self._crowd.wants_look(now)
        return self._flight.bytes < (LITTLE if looks else self.size_bytes)

    def room(self, interval: float) -> float:
        """Return the bytes that a state ought to have at most if a part of it may leave; math.inf for any number.

        :param interval: seconds between two states.
        """
        room = self._pacing.rate * max(interval, CEILING_SECONDS)
        if not self.watched:
            return room
        return min(room, max(self.rate * max(2 * interval, PART_SECONDS), LEAST_BURST))

    def ready_at(self, now: float) -> float:
        """Return when :meth:`allows` becomes true, if nothing is acknowledged until then."""
        is_open = not self.watched or self._has_room(now)
        return max(now if is_open else self._ready_at, self._pacing.free_at, now)

    @property
    def _silence(self) -> float:
        return SILENCE * self._round_trip + SILENT_FOR

    @property
    def send_rate(self) -> float:
        """Bytes a second that may leave at present. While nothing waits in the line, only the ceiling bounds them."""
        if self.queue.delay <= NO_QUEUE or not self.watched:
            return self._pacing.rate
        return min((self.size_bytes + self.state_bytes) / self._round_trip, self._pacing.rate)

    def end_turn(self, has_state: bool, now: float) -> None:
        """Note the packets that have left in this turn.

        :param has_state: whether a state is in them, or a fragment of one.
        """
        self._is_held = self._is_held and not has_state
        if self.watched and has_state:
            self._flight.note(now)
            self._ready_at = now + self._silence
        elif self.watched:
            self._flight.leave_out()

    # -- receiving ---------------------------------------------------------------------------------------------------

    def acknowledge(self, newest: int, rtt: float, now: float) -> bool:
        """Take in an acknowledgement.

        :param newest: number of the newest packet that has arrived.
        :param rtt: round trip of a packet that is named for the first time, seconds; 0.0 for none.
        :returns: True if a state that was held back may leave now.
        """
        if rtt:
            self._measure(rtt, now)
        turn = self._flight.advance(newest)
        if turn is not None and now > turn.sent_at:
            if rtt and turn.before < LITTLE:
                self._crowd.note(self.queue.latest, now)
            self._adapt(turn.under_way, newest, now - turn.sent_at, now)
        if not self.watched:
            self._flight.note(now)
            self.record.state_limit = min(self._flight.limit + self.size_bytes, self._pacing.limit(now))
        return self._is_held and self._has_room(now)

    def _measure(self, rtt: float, now: float) -> None:
        queue = self.queue
        queue.add(rtt, now)
        if queue.delay > NO_QUEUE or queue.latest > 2 * NO_QUEUE:
            self.watch(now)
        elif self.watched and now >= self._calm_since + CALM:
            self.watched, self._is_starting = False, True

    def _adapt(self, under_way: float, newest: int, passed: float, now: float) -> None:
        """Follow a turn that has arrived ``passed`` seconds after it left, as the last of the bytes under way."""
        self.rate = under_way / passed
        self._round_trip = passed
        arrived = self._flight.take_arrived()
        is_used = self._is_held or 2.0 * under_way >= self.size_bytes
        if self.queue.delay > LOOK_FROM and self._crowd.is_losing(self.record, newest, passed, now):
            self.size_bytes /= 2
        elif self._crowd.is_there:
            if self._is_held:
                self._grow(arrived / self.size_bytes * max(self.state_bytes, SURPLUS))
        elif self.queue.delay > NO_QUEUE:
            self._is_starting = False
            wanted = under_way * max(1.0 - self.queue.delay / passed, 0.0) + self._surplus
            if is_used or wanted < self.size_bytes:
                self.size_bytes += (wanted - self.size_bytes) / 2
        elif is_used and self.queue.latest <= 2 * NO_QUEUE:
            self._grow(arrived if self._is_starting else min(arrived, self._surplus / 2))

    def _grow(self, bytes_more: float) -> None:
        self.size_bytes = min(self.size_bytes + bytes_more, MAX_WINDOW)

    @property
    def _surplus(self) -> float:
        surplus = max(SURPLUS, SURPLUS_STATES * self.state_bytes, SURPLUS_SECONDS * self.rate)
        return surplus * LONG_QUEUE / max(self.queue.delay, LONG_QUEUE)
