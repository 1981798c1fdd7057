"""The send window, against a line that is a formula: the bytes under way, the queue, and when a state has to wait."""

from __future__ import annotations

import heapq
import math

import pytest

from pygase._protocol.acks import SentPackets
from pygase._protocol.congestion import (
    FIRST_WINDOW,
    LONG_QUEUE,
    NO_QUEUE,
    SURPLUS,
    Flight,
    SendWindow,
    SkippedStates,
)
from pygase._protocol.queue_meter import LateLeast
from pygase._protocol.record import PeerRecord


class Sender:
    """A server that sends a state each tick through a line of some bytes a second.

    :ivar left, skipped: ticks whose state left, and whose state did not.
    :ivar delays: of each packet that arrived, from leaving to its acknowledgement.
    """

    def __init__(
        self,
        bandwidth: float,
        floor: float = 0.06,
        *,
        hz: float = 20.0,
        state_bytes: int = 500,
        ceiling: float = math.inf,
    ) -> None:
        self.record = PeerRecord()
        self.acks = SentPackets(self.record)
        self.window = SendWindow(self.record, ceiling, 0.0)
        self.bandwidth, self.floor, self.hz, self.state_bytes = bandwidth, floor, hz, state_bytes
        self.now = self.free_at = 0.0
        self.left = self.skipped = 0
        self.delays: list[float] = []
        self._arriving: list[tuple[float, int, float]] = []

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 1 / self.hz
            while self._arriving and self._arriving[0][0] <= self.now:
                at, sequence, sent_at = heapq.heappop(self._arriving)
                self.delays.append(at - sent_at)
                self.window.acknowledge(sequence, at - sent_at, at)
            self.tick()

    def tick(self) -> None:
        number = round(self.now * self.hz)
        if self.record.spent < self.record.state_limit or self.window.allows(self.now):
            self.left += 1
            self.window.state_bytes = self.state_bytes
            self.window.skipped.let(number)
            self.send(self.state_bytes)
            self.window.end_turn(True, self.now)
        else:
            self.skipped += 1
            self.window.skipped.hold(number)

    def send(self, size_bytes: int) -> None:
        sequence = self.acks.sent(None, self.now)
        self.record.spent += size_bytes
        self.free_at = max(self.free_at, self.now) + size_bytes / self.bandwidth
        heapq.heappush(self._arriving, (self.free_at + self.floor, sequence, self.now))


def test_on_a_line_that_is_far_from_full_no_state_waits_and_no_packet_is_followed() -> None:
    sender = Sender(bandwidth=1e6, hz=60.0)
    sender.run(10.0)
    assert sender.skipped == sender.window.skipped.count == 0
    assert not sender.window.watched
    assert sender.record.state_limit - sender.record.spent > FIRST_WINDOW / 2


@pytest.mark.parametrize("state_bytes", [200, 500, 1200, 4800])
@pytest.mark.parametrize("bandwidth", [8_000.0, 32_000.0])
def test_a_line_that_is_too_thin_is_kept_full_with_a_short_queue(bandwidth: float, state_bytes: int) -> None:
    """The queue is two states and twice the surplus at most, once the window has found its size."""
    sender = Sender(bandwidth, hz=60.0, state_bytes=state_bytes)
    wanted = 60.0 * state_bytes
    if wanted < bandwidth:
        pytest.skip("this line is not too thin")
    sender.run(5.0)
    left = sender.left
    sender.delays.clear()
    sender.run(20.0)
    carried = (sender.left - left) * state_bytes / 20.0
    assert carried > 0.8 * bandwidth
    queue = sorted(delay - sender.floor for delay in sender.delays)
    assert queue[len(queue) * 9 // 10] < (2 * state_bytes + 2 * SURPLUS) / bandwidth + 2 * NO_QUEUE
    assert sender.window.skipped.count > 0


def test_a_wider_line_is_used_within_a_second() -> None:
    sender = Sender(8_000.0)
    sender.run(10.0)
    assert sender.window.skipped.count
    sender.bandwidth = 125_000.0
    sender.run(1.0)
    left = sender.left
    sender.run(2.0)
    assert sender.left - left == 40


def test_a_line_that_becomes_thin_has_a_short_queue_within_three_seconds() -> None:
    sender = Sender(125_000.0)
    sender.run(10.0)
    sender.bandwidth = 4_000.0
    sender.run(3.0)
    sender.delays.clear()
    sender.run(5.0)
    assert max(sender.delays) < LONG_QUEUE + 2 * SURPLUS / 4_000.0


def test_after_a_silence_one_state_leaves_so_that_the_line_can_answer() -> None:
    """A line of which nothing comes back gets a state in about each round trip, not none."""
    sender = Sender(125_000.0, hz=20.0, state_bytes=1200)
    sender.run(5.0)
    sender.floor = 1e9
    sender.run(3.0)
    left = sender.left
    sender.run(10.0)
    assert 10 <= sender.left - left <= 60


def test_one_late_datagram_is_no_queue() -> None:
    sender = Sender(1e6)
    sender.run(5.0)
    sender.floor = 0.3
    sender.run(1.2 / sender.hz)
    sender.floor = 0.06
    sender.run(1.0)
    assert sender.window.queue.delay < NO_QUEUE
    assert sender.skipped == 0


def test_a_state_that_waits_and_leaves_is_not_skipped() -> None:
    states = SkippedStates()
    states.hold(7)
    states.hold(7)
    states.let(7)
    assert states.count == 0
    states.hold(8)
    states.let(9)
    assert states.count == 1


def test_acknowledgements_and_events_are_not_in_the_window() -> None:
    record = PeerRecord()
    acks, flight = SentPackets(record), Flight(record)
    for size_bytes, has_state in ((50, False), (300, True), (60, False)):
        acks.sent(None, 0.0)
        record.spent += size_bytes
        if has_state:
            flight.note(0.0)
        else:
            flight.leave_out()
    assert flight.bytes == 300


def test_an_acknowledgement_of_a_later_packet_counts_for_the_earlier_ones() -> None:
    """A part of a turn counts in part; a packet of the next turn for all of it, whether it arrived or got lost."""
    record = PeerRecord()
    acks, flight = SentPackets(record), Flight(record)
    for _ in range(4):
        acks.sent(None, 0.0)
        record.spent += 1000
    flight.note(0.0)
    first = acks.newest - 3
    assert flight.advance(first) is None
    assert flight.bytes == 3000
    assert flight.advance(first + 2) is None
    assert flight.bytes == 1000
    acks.sent(None, 0.1)
    record.spent += 500
    flight.note(0.1)
    turn = flight.advance(acks.newest)
    assert turn is not None
    assert (turn.before, turn.under_way, flight.bytes) == (1000, 1500, 0)


def test_the_least_of_the_latest_forgets_after_two_spans_at_most() -> None:
    least = LateLeast(1.0)
    assert least.add(5.0, 0.0) == 5.0
    assert least.add(9.0, 0.5) == 5.0
    assert least.add(8.0, 1.5) == 5.0
    assert least.add(8.5, 2.6) == 8.0
    assert least.add(9.0, 3.7) == 8.5


def test_a_ceiling_is_kept_on_a_line_that_takes_more() -> None:
    sender = Sender(1e6, hz=60.0, ceiling=10_000.0)
    sender.run(1.0)
    spent = sender.record.spent
    sender.run(20.0)
    assert 0.97 * 10_000 < (sender.record.spent - spent) / 20.0 < 1.01 * 10_000
    assert sender.window.send_rate == 10_000.0


def test_below_the_ceiling_no_state_waits() -> None:
    sender = Sender(1e6, hz=20.0, ceiling=11_000.0)
    sender.run(20.0)
    assert sender.skipped == 0
