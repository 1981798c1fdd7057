"""A client can name a room: the server has the name once the address is proven, and refuses a room that it lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pygase import Backend, Client, ClientConfig, ConnectionFailed, DisconnectReason, GameState
from pygase._client.seat_file import SeatFile
from pygase._protocol.datagrams import ResponseBody, Welcome
from pygase._protocol.resumption import NO_SEAT, Seat
from pygase._protocol.wire import CHALLENGE_RESPONSE, CONNECT_REQUEST, MAX_OPTIONS_BYTES, MAX_ROOM_BYTES
from pygase.errors import MalformedPacket
from pygase.testing import Link, SimulatedNetwork
from tests.support.peers import Peers

NEWCOMERS_WELCOME = Welcome(b"t" * 8, 1, False, 0, 0, bytes(16), 0, bytes(14), 0, b"\x92\xa1h\x01", room="7KQ2")


def served(link: Link | None = None, **options: Any) -> SimulatedNetwork:
    network = SimulatedNetwork(4, link)
    network.serve(Backend(GameState(score=1), lambda game_state, dt: {}, **options))
    return network


@pytest.mark.parametrize("encryption", ["auto", "off"])
def test_a_server_without_rooms_refuses_a_room_in_words(encryption: Any) -> None:
    network, client = served(Link(latency=0.03, loss=0.2)), Client(config=ClientConfig(encryption=encryption))
    network.connect(client, room="7KQ2")
    network.run_until(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.NO_SUCH_ROOM
    assert client.disconnect_detail == "It has no room '7KQ2', since it is a single game. Connect without room=."


def test_the_error_is_a_sentence() -> None:
    error = ConnectionFailed(DisconnectReason.NO_SUCH_ROOM)
    assert str(error) == "There is no such room. Check its code; the room may be closed by now."


@pytest.mark.parametrize("room", ["x" * 64, "ä" * 32, "'\"\\" * 21])
def test_the_words_for_the_longest_names_fit_in(room: str) -> None:
    network, client = served(), Client()
    network.connect(client, room=room)
    network.run_until(lambda: client.status == "disconnected")
    assert client.disconnect_detail.endswith("Connect without room=.")


def test_an_empty_name_enters_and_comes_back_after_a_loss() -> None:
    network, client = served(), Client()
    network.connect(client, room="")
    network.run_until(lambda: client.snapshots)
    network.partition(client)
    network.run_until(lambda: client.status == "reconnecting")
    network.partition(client, on=False)
    network.run_until(lambda: client.status == "connected")
    assert client.id == 1


def test_a_wrong_password_is_refused_before_the_room_is_looked_at() -> None:
    network, client = served(password="sesame"), Client(password="guess")
    network.connect(client, room="7KQ2")
    network.run_until(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.WRONG_PASSWORD


def test_only_the_proven_address_names_its_room() -> None:
    """The request, whose sender may be forged, has no room; the response has it, sealed on an encrypted connection."""
    network, sent = served(), list[bytes]()
    network.on_datagram = lambda data, sender, receiver: sent.append(data)
    for encryption in ("off", "auto"):
        network.connect(Client(config=ClientConfig(encryption=encryption)), room="MY-ROOM")
        network.run(0.2)
    requests = [data for data in sent if data[0] == CONNECT_REQUEST]
    responses = [data for data in sent if data[0] == CHALLENGE_RESPONSE]
    assert requests
    assert not any(b"MY-ROOM" in data for data in requests)
    assert any(b"MY-ROOM" in data for data in responses)


@pytest.mark.parametrize("wrong", [7, None, b"7KQ2", ["7KQ2"]])
def test_a_room_that_is_no_text_is_a_mistake_of_the_program(wrong: Any) -> None:
    with pytest.raises(TypeError, match="room must be a room's code, such as room='7KQ2'; got"):
        Client().open(8080, room=wrong)


@pytest.mark.parametrize("wrong", ["x" * 65, "ä" * 33, "7K\nQ2"])
def test_a_room_that_cannot_be_a_code_is_a_mistake_of_the_program(wrong: str) -> None:
    with pytest.raises(ValueError, match="room must be a room's code"):
        Client().open(8080, room=wrong)


# -- on the wire -----------------------------------------------------------------------------------------------------


def test_what_was_written_is_read() -> None:
    body = ResponseBody(bytes(16), "", room="x" * MAX_ROOM_BYTES, options=b"\x81\xa1a" + b"\xc4\xf8" + bytes(248))
    assert len(body.options) < MAX_OPTIONS_BYTES
    assert ResponseBody.decode(body.encode()) == body
    assert Welcome.decode(NEWCOMERS_WELCOME.encode()) == NEWCOMERS_WELCOME


@pytest.mark.parametrize("whole", [ResponseBody(room="7KQ2", options=b"\x81\xa1a\x01"), NEWCOMERS_WELCOME])
def test_a_body_that_is_cut_off_is_malformed(whole: ResponseBody | Welcome) -> None:
    data = whole.encode()
    for size in range(len(data)):
        with pytest.raises(MalformedPacket):
            whole.decode(data[:size])
    assert whole.decode(data + b"later fields") == whole


def test_larger_fields_than_the_limits_are_malformed() -> None:
    room_too_long = ResponseBody().encode()[:-3] + bytes([65]) + b"x" * 65 + b"\0\1\x80"
    options_too_large = ResponseBody(options=bytes(257)).encode()
    for data in (room_too_long, options_too_large):
        with pytest.raises(MalformedPacket):
            ResponseBody.decode(data)


def test_a_claim_is_valid_in_its_room_only() -> None:
    """The id belongs to a room. Another room has another client of that number."""
    peers = Peers(seed=2)
    client = peers.clients[peers.connect()]
    peers.run(0.5)
    assert client.connected
    seat = client.way_in.seat
    client.way_in.seat = Seat(seat.client_id, seat.secret, seat.seconds, room="OTHER")
    client.lose(peers.now)
    peers.run(1.0)
    assert client.closed is not None
    assert client.closed.reason is DisconnectReason.NOT_RESUMABLE


# -- the file that keeps a place -------------------------------------------------------------------------------------


def test_a_kept_place_holds_in_the_room_that_was_asked_for(tmp_path: Path) -> None:
    path, server = tmp_path / "seat", ("localhost", 8080)
    seat = Seat(7, bytes(16), 30.0, False, b"", "7KQ2")
    SeatFile(path, server, "pong", "?duel").save(seat)
    kept = SeatFile(path, server, "pong", "?duel").load()
    assert (kept.client_id, kept.room) == (7, "7KQ2")
    assert SeatFile(path, server, "pong", "OTHER").load() == NO_SEAT
    assert SeatFile(path, server, "pong").load() == NO_SEAT
