"""Which packets are known to have arrived."""

from pygase._protocol.acks import SentPackets


def sent(count: int, first: int = 0) -> SentPackets:
    packets = SentPackets(first)
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
    packets = SentPackets()
    packets.sent(None, 0.5)
    assert packets.acknowledge(0, 0) == (0.5, [])


def test_acknowledgements_are_understood_across_the_wrap() -> None:
    packets = sent(6, first=65533)  # 65533, 65534, 65535, then 0, 1, 2 on the wire
    sent_at, contents = packets.acknowledge(1, 0b111)
    assert sent_at == 4.0
    assert {c[0] for c in contents if c} == {"packet 65537", "packet 65536", "packet 65535", "packet 65534"}


def test_an_acknowledgement_of_what_was_never_sent_changes_nothing() -> None:
    packets = sent(3)
    assert packets.acknowledge(500, 0) == (None, [])
    assert packets.acknowledge(65535, 0xFFFFFFFF) == (None, [])
    assert len(packets) == 3
    assert packets.loss == 0.0


def test_an_acks_message_reaches_256_packets_back() -> None:
    packets = SentPackets()
    for number in range(90):
        packets.sent((number,), 0.0)
    _, contents = packets.acknowledge(89, 1 << 87, 256)
    assert contents == [(89,), (1,)]
    assert packets.acknowledge(89, 1 << 87, 32) == (None, [])


def test_unacknowledged_packets_far_behind_count_as_lost_so_that_memory_is_bounded() -> None:
    packets = SentPackets()
    for number in range(10_000):
        packets.sent(None, 0.0)
        if number % 2:
            packets.acknowledge(number & 0xFFFF, 0)
    assert len(packets) <= SentPackets.LOST_AFTER + 1
    assert 0.4 < packets.loss < 0.6


def test_a_peer_that_never_acknowledges_anything_costs_bounded_memory() -> None:
    packets = SentPackets()
    for _ in range(SentPackets.MAX_PACKETS + 1000):
        packets.sent(None, 0.0)
    assert len(packets) == SentPackets.MAX_PACKETS


def test_loss_falls_back_when_everything_arrives() -> None:
    packets = sent(SentPackets.LOST_AFTER + 100)
    packets.acknowledge(SentPackets.LOST_AFTER + 99, 0)
    assert packets.loss > 0.5
    for _ in range(800):
        packets.sent(None, 0.0)
        packets.acknowledge((packets.next_sequence - 1) & 0xFFFF, 0)
    assert packets.loss < 0.01
