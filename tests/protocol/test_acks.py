"""Which packets are known to have arrived."""

import random

import pytest

from pygase._protocol.acks import KEPT_TIMES, NeverSent, SentPackets
from pygase._protocol.record import PeerRecord
from pygase._protocol.sequence import unwrap


def packets_from(first: int = 0) -> SentPackets:
    return SentPackets(PeerRecord(first_sequence=first))


def sent(count: int, first: int = 0) -> SentPackets:
    packets = packets_from(first)
    for number in range(count):
        packets.sent((f"packet {first + number}",), now=float(number))
    return packets


def test_an_acknowledgement_tells_when_the_packet_was_sent_and_what_it_carried() -> None:
    assert sent(3).acknowledge(1, 0) == (1.0, [("packet 1",)])


def test_the_same_acknowledgement_again_tells_nothing() -> None:
    packets = sent(3)
    packets.acknowledge(2, 0b11)
    assert packets.acknowledge(2, 0b11) == (None, [])
    assert len(packets) == 0


def test_ack_bits_acknowledge_the_packets_before() -> None:
    packets = sent(40)
    sent_at, contents = packets.acknowledge(39, 1 | 1 << 3 | 1 << 31)
    assert sent_at == 39.0
    assert sorted(contents) == [("packet 35",), ("packet 38",), ("packet 39",), ("packet 7",)]


def test_an_older_acknowledgement_arriving_late_still_counts_but_measures_its_own_packet() -> None:
    packets = sent(5)
    packets.acknowledge(4, 0)
    assert packets.acknowledge(2, 1) == (2.0, [("packet 2",), ("packet 1",)])


def test_a_packet_without_contents_is_acknowledged_silently() -> None:
    packets = packets_from()
    packets.sent(None, 0.5)
    assert packets.acknowledge(0, 0) == (0.5, [])


def test_acknowledgements_are_understood_across_the_wrap() -> None:
    packets = sent(6, first=65533)  # 65533, 65534, 65535, then 0, 1, 2 on the wire
    sent_at, contents = packets.acknowledge(1, 0b111)
    assert sent_at == 4.0
    assert {c[0] for c in contents if c} == {"packet 65537", "packet 65536", "packet 65535", "packet 65534"}


@pytest.mark.parametrize("first", [0, 10, 65_530, 200_000])
@pytest.mark.parametrize(
    ("ahead", "bits", "width"),
    [(0, 0, 32), (1, 0, 32), (500, 0, 32), (16_000, 0, 256), (-3, 0b10, 32), (-1, 1 << 60, 256)],
)
def test_an_acknowledgement_of_what_was_never_sent_is_noticed_and_changes_nothing(
    first: int, ahead: int, bits: int, width: int
) -> None:
    """``ahead`` counts from the number that the next packet gets; with bits, packets before the first one are named."""
    packets = sent(3, first)
    with pytest.raises(NeverSent):
        packets.acknowledge((first + 3 + ahead) & 0xFFFF, bits, width)
    assert len(packets) == 3
    assert packets.loss == 0.0


@pytest.mark.parametrize("first", [0, 65_530])
@pytest.mark.parametrize("before", [0, 1, 31, 32, 200])
@pytest.mark.parametrize("width", [32, 256])
def test_an_acknowledgement_of_a_number_that_was_left_out_is_noticed(first: int, before: int, width: int) -> None:
    """The number is this far before the acknowledged one."""
    packets = sent(300, first)
    skipped = packets.skip()
    for _ in range(before):
        packets.sent(None, 0.0)
    ack, honest = skipped + before, (1 << width) - 1 & ~(1 << before - 1 if before else 0)
    if before:
        packets.acknowledge(ack & 0xFFFF, honest, width)  # as an honest peer does that has received all the others
    if before <= width:
        with pytest.raises(NeverSent, match=f"packet {skipped} is acknowledged, a number that was left out"):
            packets.acknowledge(ack & 0xFFFF, (1 << width) - 1, width)
    else:
        packets.acknowledge(ack & 0xFFFF, (1 << width) - 1, width)


def test_a_number_that_was_left_out_is_no_loss_and_is_never_under_way() -> None:
    packets, plain = packets_from(), packets_from()
    for number in range(2_000):
        if number % 100 == 50:
            packets.skip()
        for each in (packets, plain):
            each.sent((number,), 0.0)
        if number % 4 == 3:
            newest = packets.record.next_sequence - 1
            received = [n for n in range(newest - 39, newest) if n >= 0]
            bits = sum(1 << newest - 1 - n for n in received)
            left_out = newest - 1 - packets.skipped
            bits &= ~(1 << left_out) if left_out >= 0 else -1
            packets.acknowledge(newest & 0xFFFF, bits)
            plain.acknowledge(plain.record.next_sequence - 1 & 0xFFFF, 0b111)
    assert packets.loss == plain.loss == 0.0
    assert len(packets) == len(plain) == 0
    assert packets.record.next_sequence - packets.skips == plain.record.next_sequence == 2_000


def test_numbers_left_out_while_nobody_answers_keep_memory_bounded() -> None:
    packets = packets_from()
    for number in range(3 * SentPackets.MAX_PACKETS):
        packets.skip() if number % 3 == 0 else packets.sent((number,), 0.0)
    assert packets.record.outstanding.bit_length() <= SentPackets.MAX_PACKETS
    assert len(packets.contents) <= SentPackets.MAX_PACKETS


def test_after_a_long_silence_an_old_number_is_not_taken_for_one_of_the_future() -> None:
    """The peer last had packet 10; 40,000 later its acknowledgement of that looks like one of 25,536 packets ahead."""
    packets = sent(11)
    packets.acknowledge(10, 0)
    for _ in range(40_000):
        packets.sent(None, 0.0)
    assert packets.acknowledge(10, 0) == (None, [])
    packets.acknowledge(packets.record.next_sequence - 1 & 0xFFFF, 0)
    with pytest.raises(NeverSent):
        packets.acknowledge(packets.record.next_sequence & 0xFFFF, 0)


def test_an_acks_message_reaches_256_packets_back() -> None:
    packets = packets_from()
    for number in range(90):
        packets.sent((number,), 0.0)
    _, contents = packets.acknowledge(89, 1 << 87, 256)
    assert contents == [(89,), (1,)]
    assert packets.acknowledge(89, 1 << 87, 32) == (None, [])


def test_unacknowledged_packets_far_behind_count_as_lost_so_that_memory_is_bounded() -> None:
    packets = packets_from()
    for number in range(10_000):
        packets.sent(None, 0.0)
        if number % 2:
            packets.acknowledge(number & 0xFFFF, 0)
    assert len(packets) <= SentPackets.LOST_AFTER + 1
    assert 0.4 < packets.loss < 0.6


def test_a_peer_that_never_acknowledges_anything_costs_bounded_memory_and_is_seen_to_lose_all() -> None:
    packets = packets_from()
    for _ in range(SentPackets.MAX_PACKETS + 1000):
        packets.sent(None, 0.0)
    assert len(packets) == SentPackets.MAX_PACKETS
    assert packets.loss > 0.99


def test_loss_falls_back_when_everything_arrives() -> None:
    packets = sent(SentPackets.LOST_AFTER + 100)
    packets.acknowledge(SentPackets.LOST_AFTER + 99, 0)
    assert packets.loss > 0.5
    for _ in range(800):
        packets.sent(None, 0.0)
        packets.acknowledge((packets.record.next_sequence - 1) & 0xFFFF, 0)
    assert packets.loss < 0.01


# -- a comparison with a simpler model -------------------------------------------------------------------------------


class PlainPackets:
    """SentPackets with a dict instead of bits: number → (time of sending, contents)."""

    def __init__(self, first_sequence: int) -> None:
        self.under_way: dict[int, tuple[float, object]] = {}
        self.first_sequence = self.next_sequence = first_sequence
        self.loss = 0.0

    def sent(self, contents: object, now: float) -> None:
        self.under_way[self.next_sequence] = now, contents
        self.next_sequence += 1
        if self.under_way.pop(self.next_sequence - 1 - SentPackets.MAX_PACKETS, None):
            self.loss += (1.0 - self.loss) * SentPackets.LOSS_GAIN

    def acknowledge(self, wire_ack: int, ack_bits: int, width: int) -> tuple[float | None, set[object]]:
        ack = unwrap(wire_ack, self.next_sequence - 1)
        if ack >= self.next_sequence:
            raise NeverSent
        named = {ack} | {ack - 1 - i for i in range(width) if ack_bits >> i & 1}
        if min(named) < self.first_sequence:
            raise NeverSent
        arrived = {number: self.under_way.pop(number) for number in named & self.under_way.keys()}
        lost = [number for number in self.under_way if number < ack - SentPackets.LOST_AFTER]
        for number in lost:
            del self.under_way[number]
        for _ in arrived:
            self.loss -= self.loss * SentPackets.LOSS_GAIN
        self.loss = 0.0 if self.loss < 1e-4 else self.loss
        for _ in lost:
            self.loss += (1.0 - self.loss) * SentPackets.LOSS_GAIN
        known = ack in arrived and ack > self.next_sequence - 1 - KEPT_TIMES
        return arrived[ack][0] if known else None, {contents for _, contents in arrived.values() if contents}


def compare(packets: SentPackets, plain: PlainPackets, ack: int, bits: int, width: int) -> int:
    """Give both the same acknowledgement. Return the number of contents that it freed."""
    try:
        sent_at, contents = packets.acknowledge(ack & 0xFFFF, bits, width)
    except NeverSent:
        with pytest.raises(NeverSent):
            plain.acknowledge(ack & 0xFFFF, bits, width)
        return 0
    assert (sent_at, {each for each in contents if each}) == plain.acknowledge(ack & 0xFFFF, bits, width)
    assert len(packets) == len(plain.under_way)
    assert packets.contents == {number: c for number, (_, c) in plain.under_way.items() if c}
    assert packets.loss == pytest.approx(plain.loss, abs=1e-3)
    if packets.contents:
        assert packets.has_contents
    return len(contents)


@pytest.mark.parametrize("first", [0, 65_500, 3 * 65_536 - 300])
@pytest.mark.parametrize("burst", [1, 5, 60, 400])
def test_bits_tell_what_a_dict_of_packets_tells(first: int, burst: int, rng: random.Random) -> None:
    """It has loss, disorder, silence, and acknowledgements that are repeated, late, invalid, or of 256 packets."""
    packets, plain = packets_from(first), PlainPackets(first)
    received: set[int] = set()
    order: list[int] = []  # of the received ones
    said: list[tuple[int, int, int]] = []
    freed, now = 0, 0.0
    for _ in range(600):
        for _ in range(rng.randint(1, burst)):
            now += 0.01
            contents = (packets.record.next_sequence,) if rng.random() < 0.3 else None
            if rng.random() < 0.8:
                received.add(packets.record.next_sequence)
                order.append(packets.record.next_sequence)
            packets.sent(contents, now)
            plain.sent(contents, now)
        kind = rng.random()
        if kind < 0.7 and received:
            ack = order[-1] if rng.random() < 0.8 else rng.choice(order[-40:])
            width = rng.choice([32, 32, 256])
            bits = sum(1 << i for i in range(width) if ack - 1 - i in received)
            said.append((ack, bits, width))
        elif kind < 0.8:
            ack, bits, width = rng.randint(0, 0xFFFF), rng.getrandbits(256), rng.choice([32, 256])
        elif said:
            ack, bits, width = rng.choice(said[-20:])
        else:
            continue
        freed += compare(packets, plain, ack, bits, width)
    assert freed > 100


def test_bits_and_dict_agree_when_nobody_answers_for_long() -> None:
    """More than 8,192 packets under way, then an acknowledgement of some in the midst of them."""
    packets, plain = packets_from(60_000), PlainPackets(60_000)
    for number in range(9_000):
        contents = (number,) if number % 7 == 0 else None
        packets.sent(contents, number * 0.01)
        plain.sent(contents, number * 0.01)
    for back in (8_500, 8_191, 8_192, 4_000, 3_999, 300, 0, 0):
        compare(packets, plain, packets.record.next_sequence - 1 - back, (1 << 256) - 1, 256)
    assert len(packets) == 0
    assert not packets.contents


def test_contents_that_were_given_up_do_not_make_every_acknowledgement_look_for_them() -> None:
    packets = packets_from()
    packets.sent(("given up",), 0.0)
    for _ in range(SentPackets.MAX_PACKETS):
        packets.sent(None, 0.0)
    assert packets.acknowledge((packets.record.next_sequence - 1) & 0xFFFF, 0) == (0.0, [])
    assert not packets.has_contents
