"""The state that a client has, and the next one that it is sent."""

import copy
import itertools
import random
import zlib

import pytest

from pygase._protocol.record import PeerRecord
from pygase._protocol.snapshot_receiver import ReceivedState, SnapshotReceiver
from pygase._protocol.snapshot_sender import MAX_UNRELIABLE_FRAGMENTS, SnapshotSender
from pygase._protocol.snapshots import SnapshotRing
from pygase._protocol.wire import BULK_SNAPSHOT, COMPRESSED, DELTA, MAX_BODY_BYTES, SNAPSHOT, SNAPSHOT_HEADER
from pygase._state.codec import pack
from pygase._state.tree import Tree
from pygase.errors import MalformedPacket
from tests.support.trees import exact

RTO = 0.1


def body_of(
    payload: bytes, tick: int, back: int = 0, flags: int = 0, previous: int = 1, time: int = 0, span: int = 0
) -> bytes:
    return SNAPSHOT_HEADER.pack(flags, tick & 0xFFFFFFFF, back, previous, time, span) + payload


class Line:
    """A ring, one client's sender, and its receiver."""

    def __init__(self, ring_size: int = 256, max_state_bytes: int = 1 << 20) -> None:
        self.ring = SnapshotRing(ring_size, max_state_bytes)
        self.sender = SnapshotSender(PeerRecord(), self.ring)
        self.receiver = SnapshotReceiver(max_state_bytes)
        self.tree: Tree = {}
        self.kinds: dict[bytes, int] = {}

    def push(self, tree: Tree, tick: int | None = None, time: float = 0.0, span: float = 0.0) -> None:
        self.tree = tree
        self.ring.push(self.ring.tick + 1 if tick is None else tick, tree, time, span)

    def send(self, now: float = 0.0) -> bytes:
        body, kind = self.sender.next_body(now)
        self.kinds[body] = kind
        return body

    def receive(self, body: bytes) -> ReceivedState | None:
        """Let the client receive a body that was sent."""
        return self.receiver.receive(body, self.kinds.get(body, SNAPSHOT))

    def report(self) -> None:
        self.sender.on_acked(self.receiver.acked_tick)


def test_without_a_state_there_is_nothing_to_send() -> None:
    line = Line()
    assert not line.sender.wanted(0.0, RTO)
    assert line.sender.due_at(RTO) is None


def test_a_client_that_has_nothing_gets_the_whole_state() -> None:
    line = Line()
    line.push({"x": 1, "y": [1, 2]}, time=12.5, span=0.02)
    state = line.receive(line.send())
    assert state is not None
    assert (state.tick, state.tree) == (1, {"x": 1, "y": [1, 2]})
    assert state.time == pytest.approx(12.5)
    assert state.changed_after == pytest.approx(12.48)


def test_a_client_that_reported_a_state_gets_what_changed_since() -> None:
    line = Line()
    line.push({"x": 1, "map": "#" * 500})
    line.receive(line.send())
    line.report()
    line.push({"x": 2, "map": line.tree["map"]})
    body = line.send()
    assert len(body) < 50
    state = line.receive(body)
    assert state is not None
    assert state.tree == {"x": 2, "map": "#" * 500}
    assert state.previous_tick == 1


def test_that_the_world_rests_is_told_once() -> None:
    line = Line()
    tree: Tree = {"x": 1}
    assert line.ring.push(1, tree, 0.0, 0.0)
    assert line.ring.push(2, tree, 0.02, 0.02)
    assert not line.ring.push(3, tree, 0.04, 0.02)
    assert line.ring.tick == 2
    line.ring.push(4, {"x": 2}, 0.06, 0.02)
    assert not line.ring.resting


def test_a_resting_snapshot_says_so_and_names_the_tick_of_the_last_change() -> None:
    line = Line()
    tree: Tree = {"x": 1}
    for tick in (5, 6):
        line.push(tree, tick=tick)
        state = line.receive(line.send())
        line.report()
    assert state is not None
    assert (state.tick, state.previous_tick, state.resting, state.tree) == (6, 5, True, tree)
    line.push({"x": 2}, tick=9)
    moved = line.receive(line.send())
    assert moved is not None
    assert (moved.previous_tick, moved.resting) == (5, False)


def test_the_same_tick_again_is_no_news() -> None:
    line = Line()
    tree: Tree = {"x": 1}
    assert line.ring.push(1, tree, 0.0, 0.0)
    assert not line.ring.push(1, tree, 0.0, 0.0)


def test_an_equal_state_that_is_another_object_is_sent_but_costs_next_to_nothing() -> None:
    line = Line()
    line.push({"x": {"y": 1.5}})
    line.receive(line.send())
    line.report()
    line.push(copy.deepcopy(line.tree))
    assert len(line.send()) < SNAPSHOT_HEADER.size + 20


def test_a_snapshot_is_sent_once_and_again_after_the_time_out() -> None:
    line = Line()
    line.push({"x": 1})
    assert line.sender.wanted(0.0, RTO)
    line.send(0.0)
    assert not line.sender.wanted(0.05, RTO)
    assert line.sender.due_at(RTO) == RTO
    assert line.sender.wanted(0.1, RTO)
    line.receive(line.send(0.1))
    line.report()
    assert not line.sender.wanted(9.9, RTO)
    assert line.sender.due_at(RTO) is None


def test_a_newer_state_does_not_wait_for_the_time_out() -> None:
    line = Line()
    line.push({"x": 1})
    line.send(0.0)
    line.push({"x": 2})
    assert line.sender.wanted(0.001, RTO)
    assert line.sender.due_at(RTO) == 0.0


def test_all_clients_with_one_baseline_share_one_encoding() -> None:
    ring = SnapshotRing(8, 1 << 20)
    senders = [SnapshotSender(PeerRecord(), ring) for _ in range(3)]
    ring.push(1, {"x": 1}, 0.0, 0.0)
    assert len({id(sender.next_body(0.0)[0]) for sender in senders}) == 1
    for sender in senders[:2]:
        sender.on_acked(1)
    ring.push(2, {"x": 2}, 0.0, 0.0)
    bodies = [sender.next_body(0.0)[0] for sender in senders]
    assert bodies[0] is bodies[1]
    assert bodies[0] != bodies[2]


def test_losing_any_snapshots_never_leads_to_a_wrong_state(rng: random.Random) -> None:
    line = Line(ring_size=16)
    tree: Tree = {"players": {n: {"x": 0} for n in range(5)}}
    received = 0
    for _ in range(2000):
        tree = {"players": {**tree["players"]}}
        tree["players"][rng.randrange(8)] = {"x": rng.random()}
        tree["players"].pop(rng.randrange(8), None)
        line.push(tree)
        body = line.send()
        if rng.random() < 0.5:
            state = line.receive(body)
            if state is not None:
                received += 1
                assert exact(state.tree) == exact(tree)
        if rng.random() < 0.2:
            line.report()
    assert received > 900
    assert line.receiver.unusable == 0


def test_a_baseline_that_has_left_the_ring_still_serves_since_the_sender_holds_it() -> None:
    line = Line(ring_size=4)
    line.push({"x": 0, "big": "#" * 900})
    line.receive(line.send())
    line.report()
    for number in range(20):
        line.push({"x": number, "big": line.tree["big"]})
    assert len(line.ring.ring) == 4
    state = line.receive(line.send())
    assert state is not None
    assert state.tree == line.tree


def test_a_report_of_a_tick_that_has_left_the_ring_leaves_the_baseline_as_it_is() -> None:
    line = Line(ring_size=4)
    line.push({"x": 0})
    first = line.send()
    for number in range(20):
        line.push({"x": number})
    line.receive(first)
    line.report()
    assert line.sender.record.baseline_tick == 0
    state = line.receive(line.send())
    assert state is not None
    assert state.tree == line.tree


def test_who_reports_zero_gets_everything() -> None:
    line = Line()
    line.push({"x": 1})
    line.receive(line.send())
    line.report()
    line.push({"x": 2})
    line.sender.on_acked(0)
    assert SnapshotReceiver(1000).receive(line.send()) is not None


def test_a_state_older_than_the_newest_is_no_news() -> None:
    line = Line()
    line.push({"x": 1})
    first = line.send()
    line.push({"x": 2})
    second = line.send()
    assert line.receive(second) is not None
    assert line.receive(first) is None
    assert line.receive(second) is None
    assert line.receiver.acked_tick == 2


def test_a_delta_whose_baseline_is_unknown_is_counted_and_ignored() -> None:
    receiver = SnapshotReceiver(1000)
    assert receiver.receive(body_of(pack({"x": 1}), tick=10, back=3)) is None
    assert (receiver.unusable, receiver.acked_tick) == (1, 0)


def test_received_states_share_what_did_not_change_and_stay_as_they_were() -> None:
    line = Line()
    line.push({"map": {"walls": [1, 2]}, "x": 1})
    first = line.receive(line.send())
    line.report()
    line.push({"map": line.tree["map"], "x": 2})
    second = line.receive(line.send())
    assert first is not None
    assert second is not None
    assert first.tree["map"] is second.tree["map"]
    assert first.tree == {"map": {"walls": [1, 2]}, "x": 1}


@pytest.mark.parametrize("start", [2**32 - 3, 2**32 - 1, 2**33 - 2])
def test_ticks_go_on_across_the_wrap_of_their_32_bits(start: int) -> None:
    line = Line()
    for tick in range(start, start + 8):
        line.push({"tick": tick & 0xFFFF}, tick=tick)
        state = line.receive(line.send())
        assert state is not None
        assert state.tree == {"tick": tick & 0xFFFF}
        line.sender.on_acked(tick if line.receiver.acked_tick & 0xFFFFFFFF == tick & 0xFFFFFFFF else 0)
    assert (state.tick - 7) & 0xFFFFFFFF == start & 0xFFFFFFFF


def test_the_tick_whose_low_bits_are_zero_is_not_reported_since_that_asks_for_a_full_state() -> None:
    receiver = SnapshotReceiver(1000)
    receiver.receive(body_of(pack({"x": 1}), tick=2**32 - 1))
    assert receiver.receive(body_of(pack({"x": 2}), tick=2**32, back=1)) is not None
    assert receiver.acked_tick == 2**32 - 1
    assert receiver.receive(body_of(pack({"x": 3}), tick=2**32 + 1, back=2)) is not None
    assert receiver.acked_tick == 2**32 + 1


def test_the_servers_time_goes_on_across_its_wrap() -> None:
    line = Line()
    wrap = 2**32 / 10_000
    times = []
    for step in range(4):
        line.push({"x": step}, time=wrap - 0.03 + step * 0.02)
        state = line.receive(line.send())
        assert state is not None
        times.append(state.time)
    assert [b - a for a, b in itertools.pairwise(times)] == pytest.approx([0.02] * 3)


def test_a_baseline_farther_back_than_the_wire_can_say_gives_a_full_state() -> None:
    line = Line()
    line.push({"x": 1}, tick=1)
    line.receive(line.send())
    line.report()
    line.push({"x": 2}, tick=1 + 0xFFFF)
    assert SNAPSHOT_HEADER.unpack_from(line.send())[2] == 0xFFFF
    line.push({"x": 3}, tick=2 + 0xFFFF)
    body = line.send()
    assert SNAPSHOT_HEADER.unpack_from(body)[2] == 0
    state = line.receive(body)
    assert state is not None
    assert state.tree == {"x": 3}


# -- large states ----------------------------------------------------------------------------------------------------


def noise(rng: random.Random, size: int) -> bytes:
    return rng.randbytes(size)


def test_a_full_state_beyond_one_packet_goes_as_a_bulk_transfer(rng: random.Random) -> None:
    line = Line()
    line.push({"x": noise(rng, MAX_BODY_BYTES)})
    body, kind = line.sender.next_body(0.0)
    assert kind == BULK_SNAPSHOT
    assert line.sender.bulk_tick == 1
    state = line.receive(body)
    assert state is not None
    assert state.tree == line.tree


def test_a_delta_of_a_few_packets_goes_unreliably_first_and_as_a_bulk_transfer_again(
    rng: random.Random,
) -> None:
    line = Line()
    line.push({"x": 1})
    line.receive(line.send())
    line.report()
    line.push({"x": noise(rng, 2 * MAX_BODY_BYTES)})
    assert line.sender.next_body(0.0)[1] == DELTA
    assert line.sender.wanted(0.2, RTO)
    assert line.sender.next_body(0.2)[1] == BULK_SNAPSHOT


def test_a_large_delta_goes_as_a_bulk_transfer_at_once(rng: random.Random) -> None:
    line = Line()
    line.push({"x": 1})
    line.receive(line.send())
    line.report()
    line.push({"x": noise(rng, (MAX_UNRELIABLE_FRAGMENTS + 1) * MAX_BODY_BYTES)})
    assert line.sender.next_body(0.0)[1] == BULK_SNAPSHOT


def test_during_a_bulk_transfer_nothing_newer_is_sent_and_after_it_the_delta_to_now(
    rng: random.Random,
) -> None:
    line = Line(ring_size=4)
    line.push({"x": noise(rng, 50_000), "n": 0})
    body = line.send(0.0)
    for number in range(1, 50):  # far beyond the ring
        line.push({"x": line.tree["x"], "n": number})
        assert not line.sender.wanted(number, RTO)
    line.receive(body)
    line.report()
    assert line.sender.wanted(50.0, RTO)
    delta = line.send(50.0)
    assert len(delta) < 100
    state = line.receive(delta)
    assert state is not None
    assert state.tree == line.tree


def test_a_bulk_transfer_that_arrived_whole_but_is_not_reported_is_sent_again(rng: random.Random) -> None:
    line = Line()
    line.push({"x": noise(rng, 50_000)})
    line.send(0.0)
    line.sender.bulk_delivered_at = 5.0
    assert line.sender.due_at(RTO) == pytest.approx(5.2)
    assert not line.sender.wanted(5.1, RTO)
    assert line.sender.wanted(5.2, RTO)


def test_a_delta_larger_than_the_full_state_is_not_sent() -> None:
    line = Line(max_state_bytes=1 << 22)
    line.push({"many": {f"key {n * 7919 % 100_003}": 0 for n in range(60_000)}})
    line.sender.record.baseline_tick, line.sender.baseline = 1, line.tree
    line.push({"many": {}})
    body, _ = line.sender.next_body(0.0)
    assert SNAPSHOT_HEADER.unpack_from(body)[2] == 0
    assert len(body) < 100


def test_a_state_is_compressed_where_that_helps() -> None:
    line = Line()
    line.push({"x": "#" * 100_000})
    body = line.send()
    assert SNAPSHOT_HEADER.unpack_from(body)[0] & COMPRESSED
    assert len(body) < 1000


def test_a_bomb_is_refused_and_does_not_inflate() -> None:
    bomb = zlib.compress(bytes(100 << 20), 9)
    receiver = SnapshotReceiver(max_state_bytes=1 << 20)
    with pytest.raises(MalformedPacket, match="inflates to more than"):
        receiver.receive(body_of(bomb, tick=1, flags=COMPRESSED))
    assert receiver.acked_tick == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        bytes(SNAPSHOT_HEADER.size - 1),
        body_of(b"", 1),
        body_of(b"\xc1", 1),
        body_of(pack([1]), 1),
        body_of(pack(7), 1),
        body_of(b"no zlib", 1, flags=COMPRESSED),
        body_of(zlib.compress(pack({"x": 1}))[:-1], 1, flags=COMPRESSED),
    ],
    ids=["empty", "cut off", "no payload", "no msgpack", "a list", "an int", "no zlib", "zlib cut off"],
)
def test_a_malformed_snapshot_is_refused_and_changes_nothing(body: bytes) -> None:
    receiver = SnapshotReceiver(1000)
    with pytest.raises(MalformedPacket):
        receiver.receive(body)
    assert (receiver.newest_tick, receiver.acked_tick) == (0, 0)
    assert receiver.receive(body_of(pack({"x": 1}), 1)) is not None


def test_a_full_state_that_crosses_the_first_report_does_not_make_the_reported_one_useless() -> None:
    line = Line()
    line.push({"x": 1})
    line.receive(line.send())
    line.push({"x": 2})
    crossing = line.send()
    line.report()  # of the first, while the second is on its way, whole as well
    line.receive(crossing)
    line.push({"x": 3})
    state = line.receive(line.send())
    assert state is not None
    assert state.tree == {"x": 3}


def test_the_client_keeps_no_states_from_before_the_servers_baseline() -> None:
    line = Line()
    for number in range(5000):
        line.push({"x": number})
        line.receive(line.send())
        if number % 10 == 0:
            line.report()
    assert len(line.receiver.states) <= 11


def test_a_client_whose_reports_never_arrive_goes_on_in_bounded_memory() -> None:
    line = Line()
    line.push({"x": 0})
    line.receive(line.send())
    line.report()
    for number in range(3 * SnapshotReceiver.MAX_STATES):
        line.push({"x": number})
        state = line.receive(line.send())
        assert state is not None
        assert state.tree == {"x": number}
        assert len(line.receiver.states) <= SnapshotReceiver.MAX_STATES
    assert line.receiver.acked_tick < line.receiver.newest_tick
    line.sender.on_acked(0)  # the state that it reports has long left the ring
    for _ in range(2):
        line.push({"x": "news"})
        state = line.receive(line.send())
        assert state is not None
        assert state.tree == line.tree
        assert line.receiver.acked_tick == line.receiver.newest_tick
        line.report()
    assert len(line.receiver.states) <= 2
