"""A client's profile travels with the handshake: the server has it from the first moment."""

from typing import Any

import pytest

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    TO_DELETE,
    Backend,
    Client,
    ClientConfig,
    GameState,
    GameStateStore,
    InvalidValue,
    Server,
    ServerConfig,
)
from pygase._protocol.datagrams import ResponseBody
from pygase._protocol.wire import CHALLENGE_RESPONSE
from pygase._state.codec import pack_plain
from pygase.testing import Link, SimulatedNetwork
from tests.support.peers import SERVER, Peers

ANN: dict[str, Any] = {"name": "Ann", "colour": "red", "level": 7, "hat": None, "keys": [1, 2.5, b"\x00"]}


class Hall:
    """A game whose state has every player's name from the first moment, as the profile says."""

    def __init__(self, link: Link | None = None) -> None:
        self.network = SimulatedNetwork(3, link)
        handlers = {CLIENT_CONNECTED: self.enter, CLIENT_LEFT: lambda client_id: {"players": {client_id: TO_DELETE}}}
        self.backend = Backend(GameState(players={}), lambda game_state, dt: {}, handlers)
        self.network.serve(self.backend)
        self.profiles: dict[int, Any] = {}

    def enter(self, client_id: int, profile: dict[str, Any]) -> dict[str, Any]:
        self.profiles[client_id] = profile
        return {"players": {client_id: {"name": profile.get("name", "player")}}}

    def join(self, profile: Any = None) -> Client:
        client = Client()
        self.network.connect(client, profile=profile)
        self.network.run_until(lambda: client.status == "connected" and client.snapshots)
        return client


@pytest.mark.parametrize("link", [None, Link(latency=0.05, loss=0.2, jitter=0.03)])
def test_the_handler_the_connection_and_the_state_have_it_from_the_first_moment(link: Link | None) -> None:
    hall = Hall(link)
    seen: list[Any] = []
    hall.backend.game_state_store.plumbing.subscribe(
        lambda: seen.append(hall.backend.game_state_store.get_game_state().players)
    )
    ann, bob = hall.join(ANN), hall.join()
    hall.network.run(0.5)
    assert (ann.id, bob.id) == (1, 2)
    assert hall.profiles == {1: ANN, 2: {}}
    assert {key: each.profile for key, each in hall.backend.server.clients.items()} == hall.profiles
    names = {player["name"] for players in seen for key, player in players.items() if key == 1}
    assert names == {"Ann"}, "there is no player called 'player' for a moment"


def test_a_later_change_of_the_dict_is_no_change_of_the_profile() -> None:
    hall, profile = Hall(), {"name": "Ann"}
    hall.join(profile)
    profile["name"] = "Eve"
    assert hall.backend.server.clients[1].profile == {"name": "Ann"}


def test_each_connection_has_the_profile_of_its_own_call() -> None:
    hall = Hall()
    client = hall.join({"name": "Ann"})
    client.disconnect()
    hall.network.run(0.3)
    hall.network.connect(client, profile={"name": "Zoe"})
    hall.network.run(0.3)
    assert hall.profiles == {1: {"name": "Ann"}, 2: {"name": "Zoe"}}
    assert client.id == 2


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("Ann", r"profile must be a dict of plain values such as \{'name': 'Ann'\}, got 'Ann'"),
        ([("name", "Ann")], "profile must be a dict of plain values"),
        ({"name": object()}, r"profile\.name|profile\['name'\]"),
        ({"name": TO_DELETE}, "it holds TO_DELETE"),
        ({"text": "x" * 400}, "takes 409 bytes, at most 400 travel with the handshake; send the rest"),
        ({"a": [[[[[[[[[1]]]]]]]]]}, "nests lists and dicts more than 8 deep"),
    ],
)
@pytest.mark.parametrize("call", ["connect", "connect_in_thread", "open"])
def test_what_is_no_profile_is_refused_at_the_call(wrong: Any, words: str, call: str) -> None:
    client = Client()
    with pytest.raises(InvalidValue, match=words):
        getattr(client, call)(5, "localhost", profile=wrong)
    assert client.status == "disconnected"
    assert client.connection is None


def test_the_largest_profile_travels() -> None:
    hall = Hall()
    profile = {"text": "x" * 391}
    assert len(pack_plain(profile)) == 400
    hall.join(profile)
    assert hall.profiles == {1: profile}


@pytest.mark.parametrize(
    "profile", [b"\x90", b"\xc1", b"", b"\x81\xa4name", pack_plain({"a": [[[[[[[[[1]]]]]]]]]}), b"\x80\x80", b"\xc0"]
)
def test_a_malformed_profile_is_dropped_with_its_datagram_and_costs_nobody_a_place(profile: bytes) -> None:
    peers = Peers()

    def forge(data: bytes, sender: Any) -> bytes:
        if data[0] != CHALLENGE_RESPONSE:
            return data
        whole = ResponseBody(bytes(16), "", profile=b"\x80").encode()
        assert data.endswith(whole)
        return data.removesuffix(whole) + ResponseBody(bytes(16), "", profile=profile).encode()

    peers.forge = forge
    peers.connect()
    peers.run(1.0)
    assert peers.server.dropped["malformed"] > 0
    assert not peers.server.peers
    assert peers.server.entrance.ids.next == 1
    assert not [receiver for sender, receiver, _ in peers.sent if sender == SERVER and receiver == SERVER]


@pytest.mark.parametrize("encryption", ["off", "required"])
def test_on_an_encrypted_connection_nobody_else_reads_it(encryption: str) -> None:
    if encryption == "required":
        pytest.importorskip("cryptography")
    network, datagrams = SimulatedNetwork(), list[bytes]()
    network.on_datagram = lambda data, sender, receiver: datagrams.append(data)
    server = Server(GameStateStore(), config=ServerConfig(encryption=encryption))
    network.serve(server)
    network.connect(Client(config=ClientConfig(encryption=encryption)), profile={"name": "Ann of Cleves"})
    network.run(0.5)
    assert server.clients[1].profile == {"name": "Ann of Cleves"}
    assert any(b"Ann of Cleves" in data for data in datagrams) == (encryption == "off")


def test_a_handler_of_the_server_itself_gets_it_as_well() -> None:
    network, server, seen = SimulatedNetwork(), Server(GameStateStore()), list[Any]()
    server.register_event_handler(CLIENT_CONNECTED, lambda client_id, profile: seen.append((client_id, profile)))
    network.serve(server)
    network.connect(Client(), profile=ANN)
    network.run(0.3)
    assert seen == [(1, ANN)]
