"""NOT_HERE at a client: a proof is believed wholly, anything else costs next to nothing."""

import random

import pytest

from pygase._protocol.datagrams import NotHere, Refused
from pygase._protocol.peer_events import Lost, Resumed
from pygase._protocol.wire import CONNECT_REQUEST, DATA, NOT_HERE
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers


def playing(**peers: object) -> tuple[Peers, Address]:
    """Return a connected client that gets a new state every 0.1 s with ``play``."""
    pair = Peers(**peers)  # type: ignore[arg-type]
    address = pair.joined()
    return pair, address


def play(pair: Peers, seconds: float) -> None:
    for _ in range(round(seconds * 10)):
        pair.push({"tick": pair.tick})
        pair.run(0.1)


def forged(pair: Peers, address: Address) -> bytes:
    return NotHere(pair.clients[address].token, bytes(14)).encode()


def test_a_proof_makes_the_client_resume_at_once() -> None:
    pair, address = playing()
    client = pair.clients[address]
    proof = NotHere(client.token, client.way_in.reset_token).encode()
    client.receive_datagram(proof, now=pair.now)
    assert not client.connected
    assert [data[0] for data in client.datagrams_to_send(now=pair.now)] == [CONNECT_REQUEST]


@pytest.mark.parametrize("bit", range(14 * 8))
def test_a_proof_with_any_wrong_bit_is_none(bit: int) -> None:
    pair, address = playing()
    client = pair.clients[address]
    reset = bytearray(client.way_in.reset_token)
    reset[bit // 8] ^= 1 << bit % 8
    client.receive_datagram(NotHere(client.token, bytes(reset)).encode(), now=pair.now)
    assert client.connected


def test_a_proof_for_another_token_is_dropped(rng: random.Random) -> None:
    pair, address = playing()
    client = pair.clients[address]
    for _ in range(100):
        client.receive_datagram(NotHere(rng.randbytes(8), client.way_in.reset_token).encode(), now=pair.now)
    assert client.connected
    assert not client.doubt.is_open
    assert client.record.packets_dropped == 100


@pytest.mark.parametrize("size", range(23))
def test_a_cut_one_is_malformed(size: int) -> None:
    pair, address = playing()
    client = pair.clients[address]
    client.receive_datagram(forged(pair, address)[:size], now=pair.now)
    assert client.connected
    assert not client.doubt.is_open


def test_a_stream_of_forged_ones_costs_a_few_requests_and_the_game_goes_on() -> None:
    pair, address = playing()
    client = pair.clients[address]
    play(pair, 1.0)
    requests = len([data for _, to, data in pair.sent if to == SERVER and data[0] == CONNECT_REQUEST])
    states = len(pair.states[address])
    for _ in range(600):
        client.receive_datagram(forged(pair, address), now=pair.now)
        play(pair, 0.1)
    more = len([data for _, to, data in pair.sent if to == SERVER and data[0] == CONNECT_REQUEST]) - requests
    assert more <= 10
    assert client.connected
    assert len(pair.states[address]) - states == 600
    assert not [event for _, event in pair.at_server if isinstance(event, (Lost, Resumed))]


def test_without_a_packet_of_the_old_connection_the_client_is_back_after_a_handshake() -> None:
    """The server is alive, but nothing of it arrives for a moment, so the doubt goes to its end."""
    pair, address = playing()
    client = pair.clients[address]
    client.receive_datagram(forged(pair, address), now=pair.now)
    pair.transmit()
    pair.run(0.3)
    assert client.connected
    assert not client.doubt.is_open
    play(pair, 1.0)
    assert pair.states[address][-1].tree == {"tick": pair.tick - 1}


def test_a_forged_refusal_of_the_doubt_ends_nothing_while_the_old_connection_lives() -> None:
    pair, address = playing()
    client = pair.clients[address]
    for _ in range(50):
        client.receive_datagram(forged(pair, address), now=pair.now)
        if client.doubt.is_open:
            nonce = request_nonce(client.datagrams_to_send(now=pair.now))
            client.receive_datagram(Refused(nonce, DisconnectReason.NOT_RESUMABLE.value, "").encode(), now=pair.now)
        play(pair, 0.2)
    assert client.connected
    assert client.closed is None


def request_nonce(datagrams: list[bytes]) -> bytes:
    return next(data[3:11] for data in datagrams if data[0] == CONNECT_REQUEST)


def test_a_refusal_is_believed_once_the_old_connection_has_been_silent() -> None:
    pair, address = playing()
    client = pair.clients[address]
    began = pair.now
    client.receive_datagram(forged(pair, address), now=began)
    nonce = request_nonce(client.datagrams_to_send(now=began))
    client.receive_datagram(Refused(nonce, DisconnectReason.NOT_RESUMABLE.value, "").encode(), now=began)
    assert client.closed is None
    due = client.next_timeout(now=began)
    assert due is not None
    assert due <= began + 1.5
    client.handle_timeout(now=began + 1.49)
    assert client.closed is None
    client.handle_timeout(now=began + 1.5)
    assert client.closed is not None
    assert client.closed.reason is DisconnectReason.NOT_RESUMABLE


def test_the_server_sends_no_answer_to_a_not_here() -> None:
    pair, address = playing()
    before = len(pair.sent)
    pair.server.receive_datagram(forged(pair, address), address, now=pair.now)
    assert [data for _, _, data in pair.sent[before:] if data[0] == NOT_HERE] == []
    assert pair.server.dropped["unknown kind"] == 1


def besiege(pair: Peers, address: Address, seconds: float) -> list[type]:
    """Forge sixty NOT_HERE a second in a game that rests. Return what the server has noticed of it."""
    pair.push({"tick": 0})
    pair.run(1.0)
    pair.at_server.clear()
    for _ in range(round(seconds * 60)):
        pair.receive(forged(pair, address), SERVER, address)
        pair.run(1 / 60)
    assert pair.clients[address].connected
    return [type(event) for _, event in pair.at_server if isinstance(event, (Lost, Resumed))]


@pytest.mark.parametrize("latency", [0.001, 0.03, 0.2])
def test_in_a_game_that_rests_a_stream_of_forged_ones_loses_nothing_either(latency: float) -> None:
    pair, address = playing(latency=latency)
    assert besiege(pair, address, 40.0) == []


def test_what_gets_through_on_a_bad_line_becomes_rare() -> None:
    """The question or its answer may be lost, so some doubts end with a new path. They may not follow each other."""
    pair, address = playing(latency=0.03)
    pair.drop = lambda data, sender, receiver: data[0] == DATA and pair.rng.random() < 0.5
    noticed = besiege(pair, address, 120.0)
    assert noticed.count(Resumed) <= 10


def test_the_claim_is_held_back_no_longer_than_the_answer_would_take() -> None:
    pair, address = playing(latency=0.03)
    pair.push({"tick": 0})
    pair.run(1.5)
    pair.drop = lambda data, sender, receiver: data[0] == DATA
    began = pair.now
    pair.receive(forged(pair, address), SERVER, address)
    pair.run(1.0, lambda: any(isinstance(event, Resumed) for _, event in pair.at_server))
    assert pair.now - began < 0.25
