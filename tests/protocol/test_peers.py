"""Two ends on a bad line: everything together, and numbers that wrap around."""

import math
from collections.abc import Callable
from typing import Any

import pytest

from pygase._protocol.channels import RELIABLE, Message, TrackedSender
from pygase._protocol.inputs import InputSender, decode_inputs
from pygase._protocol.wire import MAX_MESSAGE_ROOM, MESSAGE_HEADER, SNAPSHOT, acks_message
from pygase.config import ClientConfig, ServerConfig
from tests.support.peers import SERVER, Address, Peers
from tests.support.trees import exact


def talk(peers: Peers, address: Address, ticks: int, first_tick: int = 1) -> dict[str, Any]:
    """``ticks`` ticks of 20 ms: the state changes, both sides send events on every channel. Returns the last state."""
    tree: dict[str, Any] = {"n": 0, "players": {}}
    for step in range(ticks):
        players = {**tree["players"], step % 5: {"x": float(step), "hits": step % 3 == 0}}
        if step % 7 == 0:
            players.pop((step + 1) % 5, None)
        tree = {"n": step, "players": players}
        peers.push(tree, tick=first_tick + step)
        for retries, name in ((0, b"u"), (3, b"o"), (RELIABLE, b"r")):
            event = b"%s %d" % (name, step)
            peers.clients[address].queue_event(event, retries, None, now=peers.now)
            peers.peer(address).queue_event(event, retries, None, now=peers.now)
        peers.run(0.02)
    return tree


def check_events(events: list[bytes], count: int, perfect: bool = False) -> None:
    by_channel = {name: [e for e in events if e.startswith(name)] for name in (b"u", b"o", b"r")}
    assert by_channel[b"r"] == [b"r %d" % n for n in range(count)]
    for name in (b"u", b"o"):
        assert len(set(by_channel[name])) == len(by_channel[name]) <= count
        assert not perfect or len(by_channel[name]) == count


@pytest.mark.parametrize("first_sequence", [0, 65_436, 65_534, 65_535, 3 * 65_536 - 7])
def test_packet_numbers_wrap_without_anybody_noticing(first_sequence: int) -> None:
    peers = Peers(first_sequence=first_sequence)
    address = peers.joined()
    tree = talk(peers, address, 300)
    peers.run(1.0)
    check_events(peers.events[address], 300, perfect=True)
    check_events(peers.events_of(address), 300, perfect=True)
    assert exact(peers.states[address][-1].tree) == exact(tree)
    stats = peers.clients[address].stats(now=peers.now)
    assert stats.loss == 0.0
    assert stats.packets_dropped == 0
    assert stats.rtt == pytest.approx(0.02, abs=0.005)


def test_packet_numbers_wrap_on_a_bad_line_too(seed: int) -> None:
    peers = Peers(seed, first_sequence=65_400, latency=0.05, jitter=0.05, loss=0.2)
    address = peers.joined()
    tree = talk(peers, address, 400)
    peers.run(10.0)
    check_events(peers.events[address], 400)
    check_events(peers.events_of(address), 400)
    assert exact(peers.states[address][-1].tree) == exact(tree)


@pytest.mark.parametrize("first_tick", [2**32 - 100, 2**33 - 3, 2**31 - 50])
@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_ticks_wrap_on_the_wire_without_anybody_noticing(first_tick: int, loss: float, seed: int) -> None:
    peers = Peers(seed, loss=loss, jitter=0.03)
    address = peers.joined()
    tree = talk(peers, address, 200, first_tick)
    peers.run(5.0)
    states = peers.states[address]
    assert exact(states[-1].tree) == exact(tree)
    ticks = [state.tick for state in states]
    assert ticks == sorted(set(ticks))
    assert (ticks[-1] - first_tick) & 0xFFFFFFFF == 199
    for state in states:
        assert state.tree["n"] == (state.tick - first_tick) & 0xFFFFFFFF


@pytest.mark.parametrize("loss", [0.05, 0.3])
def test_a_lossy_line_converges_and_keeps_the_guarantees(loss: float, seed: int) -> None:
    peers = Peers(seed, loss=loss, latency=0.03, jitter=0.1)
    address = peers.joined()
    tree = talk(peers, address, 300)
    peers.run(15.0)
    check_events(peers.events[address], 300)
    check_events(peers.events_of(address), 300)
    assert exact(peers.states[address][-1].tree) == exact(tree)


def test_acks_are_reported_once_each_and_only_for_what_arrived(seed: int) -> None:
    peers = Peers(seed, loss=0.2)
    address = peers.joined()
    for number in range(300):
        retries = (0, 2, RELIABLE)[number % 3]
        peers.clients[address].queue_event(b"%d" % number, retries, number, now=peers.now)
        peers.run(0.01)
    peers.run(10.0)
    acked = peers.acked[address]
    assert len(set(acked)) == len(acked)
    arrived = {int(payload) for payload in peers.events_of(address)}
    assert set(acked) <= arrived
    assert {n for n in range(300) if n % 3 == 2} <= set(acked)
    assert len(acked) > 250


def test_the_round_trip_is_measured_without_the_peers_holding_time() -> None:
    peers = Peers(latency=0.04)
    address = peers.joined()
    for _ in range(30):  # the server answers late: only its acknowledgements, held back for up to 25 ms
        peers.clients[address].queue_event(b"x", 0, None, now=peers.now)
        peers.run(0.2)
    assert peers.clients[address].rtt.rtt == pytest.approx(0.08, abs=0.002)
    assert peers.peer(address).rtt.rtt == pytest.approx(0.08, abs=0.002)


def test_loss_is_measured(seed: int) -> None:
    peers = Peers(seed)
    address = peers.joined()
    dropped = peers.rng
    peers.drop = lambda data, sender, receiver: receiver == SERVER and dropped.random() < 0.25
    for _ in range(600):
        peers.clients[address].queue_event(b"x", 0, None, now=peers.now)
        peers.run(0.02)
    assert 0.15 < peers.clients[address].stats(now=peers.now).loss < 0.35
    assert peers.peer(address).stats(now=peers.now).loss < 0.02


@pytest.mark.parametrize("size", [1_000, 64_000, 1_000_000, 4 * 1024 * 1024 - 32])
def test_full_states_of_every_size_arrive(size: int, seed: int) -> None:
    peers = Peers(seed)
    address = peers.joined()
    tree = {"noise": peers.rng.randbytes(size)}
    peers.push(tree)
    assert peers.run(10.0, lambda: peers.states[address])
    assert peers.states[address][-1].tree == tree


def test_a_large_state_arrives_over_a_lossy_line_and_players_go_on_sending(seed: int) -> None:
    peers = Peers(seed, loss=0.1, jitter=0.02)
    address = peers.joined()
    tree = {"noise": peers.rng.randbytes(300_000), "n": 0}
    peers.push(tree)
    for number in range(1, 200):
        peers.push({**tree, "n": number})
        peers.clients[address].queue_event(b"%d" % number, RELIABLE, None, now=peers.now)
        peers.run(0.05)
    peers.run(5.0)
    assert peers.states[address][-1].tree == {**tree, "n": 199}
    assert peers.events_of(address) == [b"%d" % n for n in range(1, 200)]


def test_nobody_exceeds_the_byte_budget(seed: int) -> None:
    budget = ServerConfig(bytes_per_second=100_000, burst_bytes=10_000)
    peers = Peers(seed, config=budget)
    address = peers.joined()
    start = peers.now
    peers.sent.clear()
    peers.push({"noise": peers.rng.randbytes(400_000)})
    assert peers.run(20.0, lambda: peers.states[address])
    sent = sum(len(data) for sender, _, data in peers.sent if sender == SERVER)
    assert sent <= 10_000 + (peers.now - start) * 100_000 + 2 * 1200
    assert 3.5 < peers.now - start < 6.0


def test_several_events_fit_one_datagram() -> None:
    peers = Peers()
    address = peers.joined()
    peers.run(0.5)
    peers.sent.clear()
    for number in range(20):
        peers.clients[address].queue_event(b"event %d" % number, number % 2, None, now=peers.now)
    peers.transmit()
    assert len(peers.sent) == 1
    peers.run(0.1)
    assert len(peers.events_of(address)) == 20


def test_an_event_from_the_server_leaves_in_the_same_datagram_as_the_state_of_its_tick() -> None:
    peers = Peers()
    address = peers.joined()
    peers.run(0.5)
    peers.sent.clear()
    peers.peer(address).queue_event(b"goal", RELIABLE, None, now=peers.now)
    peers.push({"score": 1})
    assert len(peers.sent) == 1
    peers.run(0.1)
    assert peers.events[address] == [b"goal"]
    assert peers.states[address][-1].tree == {"score": 1}


def test_large_events_pass_both_ways_on_every_channel(seed: int) -> None:
    peers = Peers(seed, loss=0.02)
    address = peers.joined()
    payload = peers.rng.randbytes(256 * 1024)
    for retries in (5, RELIABLE):
        peers.clients[address].queue_event(payload, retries, None, now=peers.now)
        peers.peer(address).queue_event(payload, retries, None, now=peers.now)
    peers.run(10.0)
    assert peers.events_of(address) == [payload, payload]
    assert peers.events[address] == [payload, payload]


def test_a_partition_shorter_than_the_time_out_heals() -> None:
    peers = Peers()
    address = peers.joined()
    talk(peers, address, 20)
    peers.drop = lambda data, sender, receiver: True
    start = peers.now
    peers.clients[address].queue_event(b"r in the dark", RELIABLE, None, now=peers.now)
    while peers.now < start + 4.0:
        peers.push({"n": peers.now})
        peers.run(0.02)
    peers.drop = lambda data, sender, receiver: False
    peers.run(3.0)
    assert peers.events_of(address)[-1] == b"r in the dark"
    assert peers.states[address][-1].tree == peers.server.ring.tree


def test_an_idle_line_says_nothing_but_heartbeats_after_a_burst() -> None:
    """Every acknowledgement of an acknowledgement must end somewhere."""
    peers = Peers()
    address = peers.joined()
    talk(peers, address, 50)
    peers.run(2.0)
    peers.sent.clear()
    peers.run(10.0)
    assert len(peers.sent) <= 45
    assert peers.clients[address].closed is None


def test_the_configured_time_out_and_heartbeat_are_used() -> None:
    config = ClientConfig(timeout=2.0, heartbeat_interval=0.5)
    peers = Peers()
    address = peers.joined(config=config)
    peers.run(1.0)
    peers.sent.clear()
    peers.run(10.0)
    assert 19 <= sum(sender == address for sender, _, _ in peers.sent) <= 45
    peers.drop = lambda data, sender, receiver: sender == SERVER
    assert peers.run(2.6, lambda: not peers.clients[address].connected)


def play(peers: Peers, first: int, count: int, interval: float = 1 / 60) -> int:
    """Play ``count`` ticks with the states ``{"n": number}``, from ``first`` on. Return the next number."""
    for number in range(first, first + count):
        peers.push({"n": number, "others": {number % 9: number}})
        peers.run(interval)
    return first + count


@pytest.mark.parametrize(("ring", "ticks"), [(4, 30), (16, 60), (256, 276)])
def test_a_cut_longer_than_the_ring_of_states_heals(ring: int, ticks: int) -> None:
    """Not every tick looks at the acked ticks. None may be missed so that the client waits for ever."""
    peers = Peers(config=ServerConfig(snapshot_ring=ring))
    address = peers.joined()
    number = play(peers, 0, 60)
    peers.peer(address).queue_event(b"away from the usual", 0, None, now=peers.now)
    number = play(peers, number, 60)
    peers.drop = lambda data, sender, receiver: True
    number = play(peers, number, ticks)
    peers.drop = lambda data, sender, receiver: False
    number = play(peers, number, 30)
    peers.run(0.5)
    assert peers.states[address][-1].tree == peers.server.ring.tree
    assert len({state.tick for state in peers.states[address]} & set(range(number - 20, number))) > 15, "also meanwhile"
    assert address not in peers.ended


def test_after_a_cut_longer_than_the_ring_the_difference_is_sent_and_not_all_of_the_state() -> None:
    """The client's state from before the cut is checked in time, and kept."""
    peers = Peers()
    address = peers.joined()
    ballast = {"ballast": peers.rng.randbytes(200_000)}
    peers.push(ballast)
    peers.run(2.0)
    for number in range(336):
        if number == 60:
            peers.drop = lambda data, sender, receiver: True
        peers.push({**ballast, "n": number})
        peers.run(1 / 60)
    peers.drop = lambda data, sender, receiver: False
    peers.sent.clear()
    peers.push({**ballast, "n": -1})
    assert peers.run(1.0, lambda: peers.states[address][-1].tree["n"] == -1)
    assert sum(len(data) for sender, _, data in peers.sent if sender == SERVER) < 2_000


# -- inputs beside everything else -----------------------------------------------------------------------------------


def turns_until(peers: Peers, seconds: float, arrived: Callable[[], object]) -> int:
    """Return how many turns the two sides took until the condition held."""
    turns = 0

    def until() -> object:
        nonlocal turns
        turns += 1
        return arrived()

    assert peers.run(seconds, until)
    return turns


def test_inputs_that_wait_for_their_acknowledgement_hold_up_no_large_event() -> None:
    """Its fragments fill whole packets, so they leave without the inputs, and the loop does not spin."""
    peers = Peers(latency=0.04)
    address = peers.joined()
    peers.run(0.5)
    client = peers.clients[address]
    client.queue_input(b"left", None)
    peers.transmit()
    client.queue_event(bytes(20_000), RELIABLE, None, now=peers.now)
    begun_at = peers.now
    assert turns_until(peers, 1.0, lambda: peers.events_of(address)) < 10
    assert peers.now - begun_at == pytest.approx(0.04, abs=0.001)


def test_what_a_player_is_told_of_inputs_holds_up_no_bulk_state() -> None:
    peers = Peers(latency=0.04)
    address = peers.joined()
    peers.run(0.5)
    peers.peer(address).report_input_state(1, 0.0)
    begun_at = peers.now
    peers.push({"noise": peers.rng.randbytes(5_500)})  # as large as the first send window
    assert turns_until(peers, 1.0, lambda: peers.states[address]) < 12
    assert peers.now - begun_at == pytest.approx(0.04, abs=0.001)


def test_inputs_beyond_the_budget_wait_for_it_without_anybody_spinning() -> None:
    peers = Peers(latency=0.04)
    address = peers.joined(config=ClientConfig(bytes_per_second=2_000, burst_bytes=2_000))
    peers.run(2.0)
    client = peers.clients[address]
    for number in range(30):
        client.queue_event(b"#" * 100, 0, None, now=peers.now)
        client.queue_input(b"%d" % number, None)
    peers.transmit()
    client.queue_input(b"the last", None)
    assert turns_until(peers, 5.0, lambda: not len(client.inputs)) < 30


def test_all_inputs_that_wait_fit_into_each_packet_so_that_one_acknowledgement_is_for_all() -> None:
    """They fit even beside an ACKS message, which may not wait either."""
    sender = InputSender()
    for number in range(40):
        sender.queue(bytes([number]) * 40, number * 0.1)
    room = MAX_MESSAGE_ROOM - len(acks_message(0, 0)) - MESSAGE_HEADER.size
    found = sender.message_body(room)
    assert found is not None
    assert len(decode_inputs(found[0]).inputs) == len(sender) < 40
    assert sender.dropped == 40 - len(sender)


def test_inputs_leave_alone_at_once_and_again_when_nothing_else_has_left_for_a_time_out() -> None:
    """The sending of an input does not depend on other messages."""
    peers = Peers()
    address = peers.joined()
    peers.run(3.0)
    client = peers.clients[address]
    peers.sent.clear()
    client.queue_input(b"up", None)
    assert client.next_timeout(now=peers.now) == peers.now
    sent_at: list[float] = []
    peers.drop = lambda data, sender, receiver: sent_at.append(peers.now) or True
    peers.transmit()
    assert sent_at == [peers.now]
    peers.transmit()
    assert len(sent_at) == 1, "once for each new input"
    assert peers.run(1.0, lambda: len(sent_at) == 3)
    assert sent_at[1] - sent_at[0] == sent_at[2] - sent_at[1] == pytest.approx(client.rtt.rto, abs=1e-4)
    assert [sender for sender, _, _ in peers.sent] == [address] * 3
    assert [decode_inputs(data[26:]).inputs for _, _, data in peers.sent] == [[(b"up", None)]] * 3


def test_what_is_told_of_inputs_by_an_overtaken_packet_is_out_of_date() -> None:
    """While the world rests, the same tick is reported again and again. The latest report counts."""
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 1})
    peers.run(1.0)
    client, peer = peers.clients[address], peers.peer(address)
    packets = []
    for applied in range(1, 6):
        peer.report_input_state(applied, 0.0)
        packets.append(peer.bare_packet(peers.now))
    for index in (1, 0, 3, 4, 2):
        client.receive_datagram(packets[index], now=peers.now)
    assert [event.applied for event in iter(client.next_event, None)] == [2, 4, 5]


# -- answers in time -------------------------------------------------------------------------------------------------


def test_the_eighth_packet_is_acknowledged_at_once_whatever_the_packets_carry() -> None:
    for retries in (0, 1):
        peers = Peers(latency=0.001)
        address = peers.joined()
        peers.run(3.0)
        client, peer = peers.clients[address], peers.peer(address)
        for count in range(1, 9):
            client.queue_event(b"x", retries, None, now=peers.now)
            for data in client.datagrams_to_send(now=peers.now):
                peers.server.receive_datagram(data, address, now=peers.now)
            due_at = peers.now if count == 8 else peers.now + peer.config.ack_delay
            assert peers.server.next_at == peer.record.next_at == pytest.approx(due_at), (retries, count)


def test_a_bulk_transfer_goes_on_as_soon_as_there_is_room_under_way() -> None:
    """64,000 bytes a round trip of 80 ms: the server is called for each acknowledgement, not some time later. The send
    window needs four round trips to grow as large as that."""
    peers = Peers(latency=0.04)
    address = peers.joined()
    peers.run(1.0)
    begun_at = peers.now
    peers.push({"noise": peers.rng.randbytes(1_000_000)})
    assert peers.run(5.0, lambda: peers.states[address])
    assert peers.now - begun_at < (1_000_000 / 64_000 + 4) * 0.08 + 0.04


def test_of_a_bulk_state_that_has_arrived_nothing_stays_and_nothing_is_sent_again() -> None:
    """Acknowledgements of some fragments were lost for good. The acked tick suffices."""
    peers = Peers(latency=0.03, jitter=0.02)
    address = peers.joined()
    peers.run(1.0)
    peers.drop = lambda data, sender, receiver: sender == address and data[19:23] == bytes(4)
    noise = peers.rng.randbytes(50_000)
    window = peers.peer(address).snapshots.window
    window.watch(peers.now)
    window.size_bytes = 64_000.0  # as after other large states
    peers.push({"noise": noise, "n": 0})
    assert peers.run(0.2, lambda: peers.peer(address).record.acked_tick > 0)
    for number in range(1, 10):
        peers.sent.clear()
        peers.push({"noise": noise, "n": number})
        peers.run(1 / 60)
        assert sum(len(data) for sender, _, data in peers.sent if sender == SERVER) < 300
    assert not len(peers.peer(address).tracked[2])


def test_a_state_beside_a_reliable_event_and_a_report_on_inputs_is_read() -> None:
    """The state is the last message of its packet, and has no length."""
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 1})
    peers.run(0.1)
    peers.sent.clear()
    peers.peer(address).report_input_state(0, 1.0)
    peers.peer(address).queue_event(b"news", RELIABLE, None, now=peers.now)
    peers.push({"n": 2})
    peers.run(0.01)
    assert len([data for sender, _, data in peers.sent if sender == SERVER]) == 1
    assert peers.states[address][-1].tree == {"n": 2}
    assert peers.events[address] == [b"news"]


@pytest.mark.parametrize("latency", [0.3, 0.6, 1.2])
def test_a_very_long_round_trip_is_measured_too_though_many_packets_are_under_way(latency: float) -> None:
    peers = Peers(latency=latency)
    address = peers.joined()
    for number in range(600):
        peers.push({"n": number})
        peers.clients[address].queue_input(b"%d" % number, None)
        peers.run(1 / 60)
    client, peer = peers.clients[address], peers.peer(address)
    assert client.rtt.rtt == pytest.approx(2 * latency, abs=0.002)
    assert peer.rtt.rtt == pytest.approx(2 * latency, abs=0.002)
    assert client.clock.server_time(now=peers.now) == pytest.approx(peers.now, abs=0.001)


def test_many_small_states_between_two_in_fragments_do_not_make_the_second_look_old() -> None:
    """Groups of fragments are numbered with 16 bits. With whole states they would wrap around in ten minutes."""
    peers = Peers()
    address = peers.joined()
    peers.push({"n": 0})
    peers.run(0.1)
    peers.drop = lambda data, sender, receiver: sender == SERVER and len(data) > 1_000
    for _ in range(2):  # the first fragments are lost, so two messages remain unfinished
        peers.push({"noise": peers.rng.randbytes(1_500)})
    peers.run(0.011)
    peers.drop = lambda data, sender, receiver: False
    peers.push({"n": 1})
    peers.run(0.1)
    for _ in range(40_000):
        peers.peer(address).snapshots.fragments(b"small", SNAPSHOT)
    peers.sent.clear()
    peers.push({"noise": peers.rng.randbytes(3_000)})
    assert peers.run(0.03, lambda: peers.states[address][-1].tree == peers.server.ring.tree)


def test_a_large_event_that_waited_for_another_leaves_as_soon_as_that_has_arrived() -> None:
    """A small event between the two is not acknowledged yet."""
    sender = TrackedSender(64_000)
    for pieces in ([b"a" * 1_000] * 2, [b"small"], [b"b" * 1_000] * 2):
        sender.queue(Message(pieces, math.inf, None))
    sent = list(iter(lambda: sender.take(1_200, 0.0), None))
    for piece in sent:
        sender.sent(piece, 0.5, 0.0)
    assert [piece.data[:1] for piece in sent] == [b"a", b"a", b"s"]
    assert sender.next_due(0.1) == 0.5
    for piece in sent[:2]:
        piece.acknowledge()
    sender.on_acked()
    assert sender.next_due(0.1) == 0.1
    assert sender.take(1_200, 0.1).data[:1] == b"b"  # type: ignore[union-attr]
