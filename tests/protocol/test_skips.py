"""Skipped numbers: they never count as lost, and a peer that acknowledges one is found out."""

from __future__ import annotations

import random
from itertools import pairwise
from typing import Any

import pytest

from pygase._protocol.channels import RELIABLE
from pygase._protocol.input_buffer import InputBuffer
from pygase._protocol.peer import NEVER_SENT
from pygase._protocol.peer_events import InputsReceived
from pygase._protocol.skips import MIN_SKIP_DISTANCE
from pygase._protocol.wire import CLIENT_HEADER, DATA, SERVER_HEADER, acks_message
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers

TICK = 1 / 60
EVENT = b"\x91\xa4move"


def play(peers: Peers, ticks: int, *, inputs: bool = False, interval: float = TICK) -> None:
    """Play states, events and inputs as in a game, until a peer is thrown out."""
    for number in range(ticks):
        if peers.ended or not peers.server.by_address:
            return
        for address, client in peers.clients.items():
            if inputs:
                client.queue_input(b"\xc0", None)
            client.queue_event(EVENT, RELIABLE if number % 40 == 0 else 0, None, now=peers.now)
            peers.transmit()
            peers.server.by_address[address].note = b""
        peers.push({"n": number})
        peers.run(interval)


def gaps(peers: Peers, sender: Address, receiver: Address) -> list[int]:
    """Return the full numbers that one side has left out."""
    numbers: list[int] = []
    for source, target, data in peers.sent:
        if source == sender and target == receiver and data[0] == DATA:
            wire = int.from_bytes(data[9:11], "big")
            numbers.append(wire if not numbers else numbers[-1] + ((wire - numbers[-1]) & 0xFFFF))
    return [gap for a, b in pairwise(numbers) for gap in range(a + 1, b)]


@pytest.mark.parametrize("within", [30, 300])
def test_both_sides_leave_out_a_number_now_and_then_at_random(within: int) -> None:
    left_out: dict[str, set[tuple[int, ...]]] = {"server": set(), "client": set()}
    for seed in range(3):
        peers = Peers(seed, latency=0.005, server_skips=within, client_skips=within)
        address = peers.joined()
        play(peers, 1_500)
        for side, way in (("server", (SERVER, address)), ("client", (address, SERVER))):
            numbers = gaps(peers, *way)
            left_out[side].add(tuple(numbers))
            distances = [b - a for a, b in pairwise([0, *numbers])]
            late = 20  # the server looks at acknowledgements every 0.2 s
            assert all(MIN_SKIP_DISTANCE <= distance <= MIN_SKIP_DISTANCE + within + late for distance in distances)
            assert len(numbers) >= 1_500 // (MIN_SKIP_DISTANCE + within + late)
        assert not peers.ended
    assert len(left_out["server"]) == len(left_out["client"]) == 3


@pytest.mark.parametrize("first", [0, 65_000])
def test_a_number_that_was_left_out_is_in_no_figure(first: int) -> None:
    peers = Peers(first_sequence=first, latency=0.005, server_skips=16, client_skips=16)
    address = peers.joined()
    play(peers, 2_000, inputs=True)
    peers.run(0.5)
    server, client = peers.peer(address), peers.clients[address]
    for side, other, way in ((server, client, (SERVER, address)), (client, server, (address, SERVER))):
        assert len(gaps(peers, *way)) == side.acks.skips > 20
        packets = sum(s == way[0] and r == way[1] and data[0] == DATA for s, r, data in peers.sent)
        stats, others = side.stats(now=peers.now), other.stats(now=peers.now)
        assert (stats.packets_sent, others.packets_received) == (packets, packets)
        assert (stats.loss, others.packets_dropped) == (0.0, 0)
    assert not peers.ended


def buffer_after(seed: int, loss: float, *, skips: bool) -> InputBuffer:
    """The server's measurement of a client's link by its inputs. The same ones get lost, with and without skips."""
    peers = Peers(seed, latency=0.02, server_skips=0, client_skips=40 if skips else 0)
    chance, lost = random.Random(seed), False
    address = peers.joined()

    def is_lost(data: bytes, sender: Address, receiver: Address) -> bool:
        nonlocal lost
        if sender == address and data[0] == DATA:
            lost = chance.random() < (0.7 if lost else loss)  # in bursts
            return lost
        return False

    peers.drop = is_lost
    buffer, taken = InputBuffer(TICK), 0
    for number in range(1_800):
        peers.clients[address].queue_input(b"\xc0", None)
        if number % 7 == 0:  # a packet without inputs beside it
            peers.transmit()
            peers.clients[address].queue_event(EVENT, 0, None, now=peers.now)
        peers.push({"n": number})
        peers.run(TICK)
        for _, event in peers.at_server[taken:]:
            if isinstance(event, InputsReceived):
                buffer.receive(event.message, datagram=event.datagram, arrived=event.arrived, now=peers.now)
        taken = len(peers.at_server)
        buffer.take(now=peers.now)
    assert (peers.clients[address].acks.skips > 15) == skips
    assert not peers.ended
    return buffer


@pytest.mark.parametrize("loss", [0.0, 0.02, 0.1])
def test_inputs_do_not_have_to_arrive_earlier_because_of_numbers_that_were_left_out(loss: float, seed: int) -> None:
    """The margins are equal to the last bit, even if a burst loses the packets that report such a number."""
    without = buffer_after(seed, loss, skips=False)
    with_skips = buffer_after(seed, loss, skips=True)
    assert with_skips.losses.steps == without.losses.steps
    assert (with_skips.losses.loss, with_skips.needed) == (without.losses.loss, without.needed)
    assert with_skips.per_datagram == without.per_datagram
    assert with_skips.counts == without.counts


# -- peers that acknowledge without receiving ------------------------------------------------------------------------


def with_optimist(claims: str, seed: int = 1, **line: Any) -> tuple[Peers, Address]:
    """A client that acknowledges more than it has received, since its datagrams are forged on their way."""
    peers = Peers(seed, latency=0.005, **line)
    cheat: Address = peers.connect(9, host="cheat")
    client = peers.clients[cheat]

    def forged(data: bytes, sender: Address) -> bytes:
        if sender != cheat or not client.connected or data[0] != DATA:
            return data
        latest = client.record.latest
        if claims == "by message":
            return data + acks_message(latest, (1 << 256) - 1) if latest >= 300 else data
        if latest < 40:
            return data
        ack = latest + {"the next one": 1, "far ahead": 5_000}.get(claims, 0)
        return data[:11] + (ack & 0xFFFF).to_bytes(2, "big") + b"\xff" * 4 + data[17:]

    peers.forge = forged
    assert peers.run(5.0, lambda: client.connected)
    return peers, cheat


@pytest.mark.parametrize("claims", ["the next one", "far ahead", "all before", "by message"])
def test_a_client_that_acknowledges_what_was_never_sent_is_thrown_out(claims: str) -> None:
    """If it is far ahead, the next look notices it. Else the first skipped number does, after 1,087 packets at most."""
    peers, cheat = with_optimist(claims)
    honest = peers.joined()
    for tick in range(1_200):
        if cheat in peers.ended:
            break
        peers.push({"n": tick})
        for address in (honest, cheat):
            peers.clients[address].queue_event(EVENT, 0, None, now=peers.now)
        peers.run(TICK)
    told = peers.ended.get(cheat)
    assert told is not None, "not found out"
    assert (told.reason, told.detail, told.remote) == (DisconnectReason.PROTOCOL_ERROR, NEVER_SENT, True)
    assert list(peers.server.by_address) == [honest]
    assert (cheat, told._replace(remote=False)) in peers.at_server
    if claims == "far ahead":
        assert tick < 80


def test_an_optimist_that_only_sends_events_is_found_out_between_its_looks() -> None:
    """The server looks at acknowledgements every 0.2 s. 32 bits reach back that far at 60 Hz and at 250."""
    for interval in (1 / 20, 1 / 60, 1 / 250):
        peers, cheat = with_optimist("all before", seed=2)
        for tick in range(1_200):
            if cheat in peers.ended:
                break
            peers.push({"n": tick})
            peers.clients[cheat].queue_event(EVENT, 0, None, now=peers.now)
            peers.run(interval)
        assert cheat in peers.ended, f"not found out at {interval:.3f} s"


def test_who_hides_that_it_loses_half_of_a_large_state_is_found_out() -> None:
    """So it cannot make the server send at full speed through a narrow line."""
    peers, cheat = with_optimist("all before", loss=0.5)
    noise = random.Random(1)
    for _ in range(20):
        if cheat in peers.ended or cheat not in peers.server.by_address:
            break
        peers.push({"noise": noise.randbytes(100_000)})
        peers.run(1.0)
    assert cheat not in peers.server.by_address
    assert peers.at_server[-1][1].reason == DisconnectReason.PROTOCOL_ERROR


def test_a_server_that_acknowledges_what_was_never_sent_is_left() -> None:
    for ahead, bits in ((1, 0), (0, 0xFFFFFFFF)):
        peers = Peers(latency=0.005)
        address = peers.joined()
        client = peers.clients[address]
        play(peers, 60)
        if bits:
            client.acks.skip()
            play(peers, 1)
        peers.run(0.2)
        peer = peers.peer(address)
        ack = (peer.record.latest + ahead) & 0xFFFF
        forged = SERVER_HEADER.pack(DATA, client.token, peer.record.next_sequence & 0xFFFF, ack, bits, 0, 0)
        client.receive_datagram(forged, now=peers.now)
        assert client.closed is not None
        assert (client.closed.reason, client.closed.detail) == (DisconnectReason.PROTOCOL_ERROR, NEVER_SENT)
        peers.run(0.2)
        assert address not in peers.server.by_address  # it got the reason
        assert peers.at_server[-1][1].reason == DisconnectReason.PROTOCOL_ERROR


def test_events_of_the_packet_that_gave_it_away_stand_before_the_end_and_nothing_stands_behind() -> None:
    peers = Peers()
    address = peers.joined()
    play(peers, 30)
    peer, now = peers.peer(address), peers.now + 1.0
    packets = []
    for number in range(3):
        ack = peer.record.next_sequence + 5
        header = CLIENT_HEADER.pack(DATA, peer.token, peer.record.latest + 1 + number, ack, 0, 0, peers.tick)
        packets.append((header + bytes([1, 0, 1]) + b"%d" % number, address, now))
    peers.server.receive_datagrams(packets, now=now)
    events = [event for _, event in peers.server.inbox]
    assert events[:-1] == [b"0", b"1", b"2"]
    assert events[-1].reason == DisconnectReason.PROTOCOL_ERROR
    assert not peers.server.by_address
    assert any(NEVER_SENT.encode() in data for data, _ in peers.server.datagrams_to_send(now=now))


@pytest.mark.parametrize("loss", [0.0, 0.3])
@pytest.mark.parametrize("first", [0, 64_000])
def test_nobody_who_acknowledges_what_it_has_received_is_ever_thrown_out(loss: float, first: int, seed: int) -> None:
    """Over loss, disorder, bursts of packets, bulk transfers and wrap-around, with numbers left out very often."""
    peers = Peers(seed, loss=loss, latency=0.03, jitter=0.06, first_sequence=first, server_skips=4, client_skips=4)
    address = peers.joined()
    for number in range(700):
        client, peer = peers.clients[address], peers.peer(address)
        client.queue_input(b"%d" % number, None)
        for side in (client, peer):
            for _ in range(peers.rng.choice([0, 1, 1, 3, 40 if number % 50 == 0 else 1])):
                retries = peers.rng.choice([0, 3, RELIABLE])
                side.queue_event(bytes(peers.rng.choice([10, 3_000])), retries, None, now=peers.now)
        noise = peers.rng.randbytes(20_000 if number % 100 == 0 else 10)
        peers.push({"n": number, "noise": noise})
        peers.run(TICK)
    peers.run(3.0)
    assert not peers.ended
    assert peers.states[address][-1].tree["n"] == 699
    assert peers.peer(address).acks.skips > 5
    assert client.acks.skips > 5


def test_for_a_peer_that_acknowledges_nothing_no_number_is_left_out() -> None:
    peers = Peers()
    address = peers.joined()
    peers.drop = lambda data, sender, receiver: sender == address
    for number in range(2_000):
        peers.push({"n": number})
        peers.run(0.001)
    assert peers.peer(address).acks.skips == 0
