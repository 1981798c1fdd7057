"""The delivery guarantees alone: the times of sending, resending and giving up, and the delivered messages."""

import itertools
import random
from collections import deque

import pytest

from pygase._protocol.channels import (
    RELIABLE,
    WINDOW_BYTES,
    WINDOW_MESSAGES,
    EventSender,
    Piece,
    TrackedSender,
)
from pygase._protocol.event_receiver import EventReceiver
from pygase._protocol.wire import (
    EVENT,
    EVENT_ONCE,
    EVENT_ORDERED,
    FRAGMENT,
    FRAGMENT_BYTES,
    FRAGMENT_HEADER,
    MAX_BODY_BYTES,
    MESSAGE_HEADER,
    ORDER,
)
from pygase.errors import MalformedPacket

RTO = 0.1
ROOM = MAX_BODY_BYTES + MESSAGE_HEADER.size
PLENTY = 1 << 30


class Ends:
    """A sender and a receiver. The test decides which packets arrive."""

    def __init__(self, max_queued: int = 4096, max_message_bytes: int = 256 * 1024) -> None:
        self.sender = EventSender(max_queued, PLENTY)
        self.delivered: list[bytes] = []
        self.receiver = EventReceiver(self.delivered.append, max_message_bytes)
        self.acked: list[int] = []

    def take(self, now: float = 0.0, channel: TrackedSender | None = None) -> list[Piece]:
        """All pieces due now."""
        pieces = []
        for sender in (channel,) if channel else (self.sender.ordered, self.sender.once):
            sender.give_up(now)
            while (piece := sender.take(ROOM, now)) is not None:
                sender.sent(piece, RTO, now)
                pieces.append(piece)
        while (piece := self.sender.unreliable.take(ROOM, now)) is not None:
            pieces.append(piece)
        return pieces

    def arrive(self, *pieces: Piece, ack: bool = True) -> None:
        for piece in pieces:
            kind, _ = MESSAGE_HEADER.unpack_from(piece.data)
            body = piece.data[MESSAGE_HEADER.size :]
            if kind == FRAGMENT:
                whole, group, index, count = FRAGMENT_HEADER.unpack_from(body)
                self.receiver.receive_fragment(whole, group, index, count, body[FRAGMENT_HEADER.size :])
            else:
                self.receiver.receive(kind, body)
            if ack:
                self.acknowledge(piece)

    def acknowledge(self, *pieces: Piece) -> None:
        for piece in pieces:
            ticket = piece.acknowledge()
            if ticket is not None:
                self.acked.append(ticket)
        self.sender.ordered.on_acked()
        self.sender.once.on_acked()


def test_an_unreliable_event_is_sent_once_whatever_becomes_of_it() -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", 0, None)
    (piece,) = ends.take()
    assert not piece.tracked
    assert ends.take(now=100.0) == []
    assert ends.sender.idle


def test_an_unreliable_event_with_a_ticket_is_tracked_but_not_resent() -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", 0, 9)
    (piece,) = ends.take()
    assert piece.tracked
    assert ends.take(now=100.0) == []
    ends.arrive(piece)
    assert ends.acked == [9]


def test_beyond_the_bound_the_oldest_unreliable_events_make_room() -> None:
    ends = Ends(max_queued=3)
    for number in range(5):
        ends.sender.queue_event(b"%d" % number, 0, None)
    ends.arrive(*ends.take())
    assert ends.delivered == [b"2", b"3", b"4"]


@pytest.mark.parametrize("retries", [1, 2, 5])
def test_retries_count_the_resends_after_time_outs(retries: int) -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", retries, None)
    times = [now / 100 for now in range(2000) for _ in ends.take(now / 100)]
    assert len(times) == 1 + retries
    assert times[1] == pytest.approx(RTO, abs=0.011)
    pauses = [b - a for a, b in itertools.pairwise(times)]
    assert pauses == sorted(pauses)  # each pause is longer than the last
    assert ends.sender.idle  # given up, and forgotten


def test_a_retried_event_is_not_resent_once_acknowledged() -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", 5, 1)
    ends.arrive(*ends.take())
    assert ends.take(now=100.0) == []
    assert (ends.delivered, ends.acked) == ([b"hello"], [1])


def test_a_retried_event_is_handled_once_however_often_it_arrives() -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", 5, 1)
    for now in (0.0, 1.0, 3.0):
        (piece,) = ends.take(now)
        ends.arrive(piece, piece, ack=False)
    ends.acknowledge(piece)
    ends.acknowledge(piece)
    assert ends.delivered == [b"hello"]
    assert ends.acked == [1]


def test_an_event_given_up_on_is_still_reported_if_it_turns_out_to_have_arrived() -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", 1, 4)
    (piece,) = ends.take(0.0)
    ends.take(1.0)
    ends.take(10.0)
    assert ends.sender.idle
    ends.acknowledge(piece)
    assert ends.acked == [4]


def test_an_event_given_up_on_does_not_hold_up_those_after_it() -> None:
    ends = Ends()
    for number in range(WINDOW_MESSAGES + 1):
        ends.sender.queue_event(b"%d" % number, 1, None)
    first = ends.take(0.0)
    assert len(first) == WINDOW_MESSAGES
    ends.acknowledge(*first[1:])
    assert ends.take(0.01) == []  # the window spans from the oldest
    ends.take(1.0)
    (last,) = ends.take(5.0)
    assert last.data.endswith(b"128")


def test_when_one_piece_of_a_retried_event_is_given_up_the_rest_of_it_is_not_sent_either() -> None:
    ends = Ends()
    ends.sender.queue_event(bytes(20 * FRAGMENT_BYTES), 1, 4)
    pieces = ends.take(0.0)
    ends.arrive(*pieces[1:])
    ends.take(1.0)
    ends.take(10.0)
    assert ends.sender.idle
    assert (ends.delivered, ends.acked) == ([], [])


def test_a_reliable_event_is_resent_until_it_is_acknowledged() -> None:
    ends = Ends()
    ends.sender.queue_event(b"hello", RELIABLE, 1)
    sends = sum(len(ends.take(now=float(second))) for second in range(600))
    assert sends > 100
    assert not ends.sender.idle
    ends.arrive(*ends.take(now=601.0))
    assert ends.sender.idle


def test_reliable_events_are_delivered_in_order_however_they_arrive() -> None:
    ends = Ends()
    for number in range(5):
        ends.sender.queue_event(b"%d" % number, RELIABLE, None)
    pieces = ends.take()
    ends.arrive(pieces[3], pieces[1], pieces[4])
    assert ends.delivered == []
    ends.arrive(pieces[0], pieces[0])
    assert ends.delivered == [b"0", b"1"]
    ends.arrive(pieces[2], pieces[1])
    assert ends.delivered == [b"0", b"1", b"2", b"3", b"4"]
    assert ends.receiver.held_bytes == 0


def test_no_more_than_a_window_of_messages_is_under_way() -> None:
    ends = Ends()
    for number in range(3 * WINDOW_MESSAGES):
        ends.sender.queue_event(b"%d" % number, RELIABLE, None)
    pieces = ends.take()
    assert len(pieces) == WINDOW_MESSAGES
    ends.arrive(*pieces[1:])
    assert ends.take(0.01) == []  # all but the first have arrived, and wait at the receiver for it
    ends.arrive(pieces[0])
    assert len(ends.take(0.02)) == WINDOW_MESSAGES


def test_no_more_than_a_window_of_bytes_is_under_way() -> None:
    ends = Ends()
    for _ in range(1000):
        ends.sender.queue_event(bytes(1100), RELIABLE, None)
    in_flight = sum(len(piece.data) for piece in ends.take())
    assert in_flight <= WINDOW_BYTES


def test_what_is_in_flight_at_once_is_bounded_in_bytes() -> None:
    sender = EventSender(4096, max_in_flight_bytes=10_000)
    sender.queue_event(bytes(100_000), RELIABLE, None)
    sent = []
    while (piece := sender.ordered.take(ROOM, 0.0)) is not None:
        sender.ordered.sent(piece, RTO, 0.0)
        sent.append(piece)
    assert 10_000 <= sum(len(piece.data) for piece in sent) <= 10_000 + ROOM
    assert sender.next_due(0.0) == pytest.approx(RTO)
    sent[0].acknowledge()
    sender.ordered.on_acked()
    assert sender.ordered.take(ROOM, 0.0) is not None


def test_a_large_event_travels_alone_among_large_ones_but_small_ones_pass() -> None:
    ends = Ends()
    ends.sender.queue_event(bytes(3 * FRAGMENT_BYTES), RELIABLE, None)
    ends.sender.queue_event(b"small", RELIABLE, None)
    ends.sender.queue_event(bytes(2 * FRAGMENT_BYTES), RELIABLE, None)
    first = ends.take()
    assert len(first) == 4 + 1  # with its number the event needs a fourth fragment; then the small one
    ends.arrive(*first)
    ends.arrive(*ends.take(0.01))
    assert [len(event) for event in ends.delivered] == [3 * FRAGMENT_BYTES, 5, 2 * FRAGMENT_BYTES]


def test_too_many_waiting_events_are_an_error_of_the_sender() -> None:
    ends = Ends(max_queued=10)
    for _ in range(10):
        ends.sender.queue_event(b"x", RELIABLE, None)
        ends.sender.queue_event(b"x", 3, None)
    for retries in (RELIABLE, 3):
        with pytest.raises(BufferError, match="10 events wait already"):
            ends.sender.queue_event(b"x", retries, None)
    ends.sender.queue_event(b"x", 0, None)  # this one has room of its own


def test_numbers_of_events_wrap_without_anything_lost_or_doubled() -> None:
    ends = Ends()
    for number in range(70_000):
        ends.sender.queue_event(b"%d" % number, RELIABLE, None)
        ends.sender.queue_event(b"%d" % number, 2, None)
        for piece in ends.take():
            ends.arrive(piece, ack=False)
            ends.arrive(piece)
    assert len(ends.delivered) == 140_000
    assert ends.delivered[-1] == b"69999"


@pytest.mark.parametrize("retries", [0, 3, RELIABLE])
def test_a_large_event_arrives_however_many_small_ones_came_before(retries: int) -> None:
    """Group numbers of fragments have 16 bits. None may be confused with an old one."""
    ends = Ends()
    large = bytes(2 * FRAGMENT_BYTES)
    for between in (0, 65_535, 40_000):
        for _ in range(between):
            ends.sender.queue_event(b"small", retries, None)
            ends.arrive(*ends.take())
        ends.delivered.clear()
        ends.sender.queue_event(large, retries, None)
        ends.arrive(*ends.take())
        assert ends.delivered == [large]


@pytest.mark.parametrize("retries", [0, 3])
def test_an_unfinished_large_event_of_long_ago_does_not_stand_in_the_way_of_a_new_one(retries: int) -> None:
    ends = Ends()
    large = bytes(2 * FRAGMENT_BYTES)
    for _ in range(4):
        ends.sender.queue_event(large, retries, None)
        ends.arrive(ends.take()[0])  # the rest of it is lost
        for now in (10.0, 20.0, 30.0, 40.0, 50.0):
            ends.take(now)
    for _ in range(40_000):
        ends.sender.queue_event(b"small", retries, None)
        ends.arrive(*ends.take(60.0))
    ends.delivered.clear()
    ends.sender.queue_event(large, retries, None)
    ends.arrive(*ends.take(70.0))
    assert ends.delivered == [large]


def test_reliable_events_wait_for_their_turn_even_while_large_unreliable_ones_are_unfinished() -> None:
    """The peer acknowledges the messages that it holds back, so it must never drop one."""
    ends = Ends()
    for _ in range(4):
        ends.sender.queue_event(bytes(256 * 1024), 0, None)
        ends.arrive(*ends.take()[1:])  # one fragment of each is lost
    for number in range(100):
        ends.sender.queue_event(b"%d" % number * 500, RELIABLE, None)
    first, *rest = ends.take()
    ends.arrive(*rest)
    ends.arrive(first)
    assert len(ends.delivered) == 100


def test_what_a_peer_can_make_the_receiver_hold_is_bounded(rng: random.Random) -> None:
    receiver = EventReceiver(lambda payload: None, 64 * 1024)
    for _ in range(5000):
        order = rng.randint(2, 3000)
        try:
            receiver.receive(EVENT_ORDERED, ORDER.pack(order) + bytes(60_000))
        except MalformedPacket:
            pass
    assert 0 < receiver.held_bytes <= 2 * WINDOW_BYTES + 60_000


@pytest.mark.parametrize("kind", [EVENT_ONCE, EVENT_ORDERED])
def test_an_event_without_its_number_is_malformed(kind: int) -> None:
    with pytest.raises(MalformedPacket):
        EventReceiver(lambda payload: None, 1000).receive(kind, b"\0")


def test_a_fragment_of_something_that_is_never_fragmented_is_malformed() -> None:
    with pytest.raises(MalformedPacket):
        EventReceiver(lambda payload: None, 1000).receive_fragment(FRAGMENT, 0, 0, 2, bytes(FRAGMENT_BYTES))


def test_an_empty_event_passes_on_every_channel() -> None:
    ends = Ends()
    for retries in (0, 1, RELIABLE):
        ends.sender.queue_event(b"", retries, None)
    assert MESSAGE_HEADER.unpack_from(ends.sender.unreliable.pieces[0].data) == (EVENT, 0)
    ends.arrive(*ends.take())
    assert ends.delivered == [b"", b"", b""]


@pytest.mark.parametrize("loss", [0.1, 0.5])
def test_on_a_line_that_loses_doubles_and_reorders_each_channel_keeps_its_word(loss: float, rng: random.Random) -> None:
    ends = Ends()
    line: deque[tuple[float, Piece]] = deque()
    acks: list[tuple[float, Piece]] = []
    reliable = [b"r%d" % n * rng.choice([1, 1, 1, 900]) for n in range(300)]
    retried = [b"o%d" % n * rng.choice([1, 1, 1, 900]) for n in range(300)]
    for step in range(60_000):
        now = step / 100
        if step < 300:
            ends.sender.queue_event(reliable[step], RELIABLE, step)
            ends.sender.queue_event(retried[step], 3, 1000 + step)
        for piece in ends.take(now):
            for _ in range(rng.choice([1, 1, 2])):
                if rng.random() >= loss:
                    line.append((now + rng.random() * 0.2, piece))
        for item in [item for item in line if item[0] <= now]:
            line.remove(item)
            ends.arrive(item[1], ack=False)
            if rng.random() >= loss:
                acks.append((now + rng.random() * 0.2, item[1]))
        ends.acknowledge(*[piece for at, piece in acks if at <= now])
        acks = [(at, piece) for at, piece in acks if at > now]
        if step > 300 and ends.sender.idle and not line and not acks:
            break
    assert [event for event in ends.delivered if event.startswith(b"r")] == reliable
    once = [event for event in ends.delivered if event.startswith(b"o")]
    assert len(set(once)) == len(once)  # at most once
    assert len(once) > 300 * (0.99 if loss < 0.2 else 0.3)
    assert sorted(t for t in ends.acked if t < 1000) == list(range(300))
    assert len(set(ends.acked)) == len(ends.acked)
