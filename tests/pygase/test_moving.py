"""A client's address changes in the middle of a game: for the game nothing happens. In virtual time."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pygase import DISCONNECTED, RELIABLE, Backend, Client, ClientConfig, GameState
from pygase._io.nat import KINDS
from pygase._protocol.wire import DATA, ENCRYPTED, PATH_CHALLENGE, PATH_RESPONSE, URGENT
from pygase.testing import Link, Nat, NatKind, SimulatedNetwork

HZ = 60
SERVER = ("127.0.0.1", 8080)
RTT_OF_50_MS = Link(latency=0.025)


MODES = ["off", "required"]
"""Values of ``ClientConfig.encryption``."""


class Game:
    """A game of 60 ticks a second, in which server and clients send a numbered event each tick."""

    def __init__(self, link: Link = RTT_OF_50_MS, seed: int = 1, encryption: str = "off") -> None:
        if encryption == "required":
            pytest.importorskip("cryptography")
        self.config = ClientConfig(encryption=encryption)
        self.network = SimulatedNetwork(seed, link)
        self.backend = Backend(GameState(ticks=0), self.time_step, {"TICK": self.receive})
        self.network.serve(self.backend, interval=1 / HZ)
        self.sent = 0
        self.at_server: dict[int, list[int]] = {}
        self.players: list[Player] = []

    def time_step(self, game_state: GameState, dt: float) -> dict[str, Any]:
        self.backend.server.dispatch_event("TOCK", self.sent, retries=RELIABLE)
        self.sent += 1
        return {"ticks": game_state.ticks + 1}

    def receive(self, number: int, client_id: int) -> None:
        self.at_server.setdefault(client_id, []).append(number)

    def join(self, **options: Any) -> Player:
        player = Player(self, **options)
        self.network.run_until(lambda: len(player.client.snapshots) > 10)
        self.players.append(player)
        return player

    def play(self, seconds: float) -> None:
        """Let the clients send in each tick."""
        end = self.network.now + seconds
        while self.network.now < end:
            for player in self.players:
                player.send()
            self.network.run(1 / HZ)

    def check(self) -> None:
        """Let the last events arrive. Nobody has noticed anything: all have arrived, each once and in order."""
        self.network.run(1.0)
        for player in self.players:
            assert player.ends == []
            assert player.client.status == "connected"
            client_id = player.client.id
            assert client_id is not None
            assert self.at_server[client_id] == list(range(player.sent))
            first = player.received[0]
            assert player.received == list(range(first, first + len(player.received)))
            assert player.received[-1] >= self.sent - HZ

    def address_of(self, player: Player) -> Any:
        assert player.client.id is not None
        return self.backend.server.clients[player.client.id].client_address


class Player:
    """One client of a game, and when it has received a state."""

    def __init__(self, game: Game, **options: Any) -> None:
        self.client = Client(config=game.config)
        self.sent = 0
        self.received: list[int] = []
        self.ends: list[Any] = []
        self.arrived_at = [0.0]
        self.client.register_event_handler("TOCK", self.received.append)
        self.client.register_event_handler(DISCONNECTED, lambda reason: self.ends.append(reason))
        self._game = game
        game.network.connect(self.client, **options)

    def send(self) -> None:
        self.client.dispatch_event("TICK", self.sent, retries=RELIABLE)
        self.sent += 1
        newest = self.client.snapshots[-1].received_at
        if newest != self.arrived_at[-1]:
            self.arrived_at.append(newest)

    @property
    def hole(self) -> float:
        """The longest time without a new state, seconds."""
        return max(b - a for a, b in itertools.pairwise(self.arrived_at[1:]))


@pytest.mark.parametrize("encryption", MODES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_router_forgets_its_mapping_and_for_the_game_nothing_happens(kind: NatKind, encryption: str) -> None:
    game, nat = Game(encryption=encryption), Nat(kind)
    player = game.join(nat=nat)
    before, client_id = game.address_of(player), player.client.id
    nat.rebind(at=game.network.now + 2.0)
    game.play(4.0)
    game.check()
    after = game.address_of(player)
    assert after != before
    assert after == nat.mappings[0].public
    assert player.client.id == client_id
    assert list(game.backend.server.connections) == [after]
    assert player.hole <= 0.15
    assert player.hole > 0.05, "the router did forget"


@pytest.mark.parametrize("seed", range(5))
def test_a_router_that_forgets_every_second_on_a_bad_link_loses_no_event(seed: int) -> None:
    link = Link(latency=0.03, jitter=0.03, loss=0.05, duplicate=0.02, reorder=0.02)
    game, nat = Game(link, seed), Nat("symmetric")
    player = game.join(nat=nat)
    for second in range(20):
        nat.rebind(at=game.network.now + second)
    game.play(20.0)
    game.check()
    assert player.hole < 0.6
    assert game.address_of(player) == nat.mappings[0].public


def test_two_clients_behind_one_router_whose_ports_swap_stay_themselves() -> None:
    game, nat = Game(), Nat(ports=[7001, 7002, 7002, 7001])
    one, other = game.join(nat=nat), game.join(nat=nat)
    ids = one.client.id, other.client.id
    before = game.address_of(one), game.address_of(other)
    nat.rebind(at=game.network.now + 1.0)
    game.play(3.0)
    game.check()
    assert (game.address_of(one), game.address_of(other)) == before[::-1]
    connections = game.backend.server.connections
    assert {address: connection.client_id for address, connection in connections.items()} == {
        before[1]: ids[0],
        before[0]: ids[1],
    }
    assert max(one.hole, other.hole) <= 0.15


def test_an_idle_client_moves_with_its_next_heartbeat() -> None:
    game, nat = Game(), Nat()
    player = game.join(nat=nat)
    nat.rebind()
    game.network.run(2.5)
    assert game.address_of(player) == nat.mappings[0].public
    assert player.client.status == "connected"


def test_nobody_moves_to_a_banned_address() -> None:
    game, home, cafe = Game(), Nat(), Nat()
    player = game.join(nat=home)
    before = game.address_of(player)
    banned = Client()
    game.network.connect(banned, nat=cafe)
    game.network.run(1.0)
    game.backend.server.ban(f"{cafe.public_host}/32")
    game.network.run(0.5)
    assert banned.status == "disconnected"
    protocol = player.client.plumbing.endpoint.protocol
    for _ in range(20):  # the player's own packets, from there
        player.send()
        for data in protocol.datagrams_to_send(now=game.network.now):
            game.network.inject(data, (cafe.public_host, 7), SERVER)
    game.network.run(0.5)
    assert game.address_of(player) == before
    assert game.backend.server.plumbing.run.endpoint.dropped["packet from a banned address"] > 0


class Stranger:
    """Somebody elsewhere who can read all datagrams of a game, and repeats them from an address of his own."""

    def __init__(self, game: Game, delay: float) -> None:
        self.address = ("198.51.100.66", 6666)
        self.challenges = 0
        self._game = game
        self._delay = delay
        game.network.on_datagram = self._read

    def later(self, data: bytes, sender: Any, receiver: Any) -> None:
        network = self._game.network
        network.call_at(network.now + self._delay, lambda: network.inject(data, sender, receiver))

    def _read(self, data: bytes, sender: Any, receiver: Any) -> None:
        if receiver == SERVER and data[0] in (DATA, ENCRYPTED, URGENT, PATH_RESPONSE):
            self.later(data, self.address, SERVER)
        elif receiver == self.address and data[0] == PATH_CHALLENGE:
            self.challenges += 1
            for player in self._game.players:
                self.later(data, SERVER, player.client.address)


@pytest.mark.parametrize("encryption", MODES)
@pytest.mark.parametrize("delay", [0.026, 0.05, 0.3, 2.0])
def test_packets_that_a_stranger_repeats_get_no_challenge_and_move_nothing(delay: float, encryption: str) -> None:
    game = Game(encryption=encryption)
    player = game.join()
    before, stranger = game.address_of(player), Stranger(game, delay)
    game.play(5.0)
    game.check()
    assert game.address_of(player) == before
    assert stranger.challenges == 0
    assert player.hole < 0.05


@pytest.mark.parametrize("encryption", MODES)
@pytest.mark.parametrize("delay", [0.015, 0.02])
def test_a_stranger_who_is_faster_gets_challenges_but_not_the_connection(delay: float, encryption: str) -> None:
    """He even has the client answer them. But the client's own packets go on to arrive from its address."""
    game = Game(encryption=encryption)
    player = game.join()
    before, stranger = game.address_of(player), Stranger(game, delay)
    addresses = set()
    for _ in range(50):
        game.play(0.1)
        addresses.add(game.address_of(player))
    game.check()
    assert stranger.challenges > 5
    assert addresses == {before}


@pytest.mark.parametrize("encryption", MODES)
@pytest.mark.parametrize("delay", [0.001, 0.004, 0.008])
def test_a_stranger_on_a_way_three_times_as_fast_holds_it_for_a_round_trip_once(delay: float, encryption: str) -> None:
    game = Game(encryption=encryption)
    player = game.join()
    before, stranger = game.address_of(player), Stranger(game, delay)
    addresses = []
    for _ in range(5 * HZ):
        game.play(1 / HZ)
        addresses.append(game.address_of(player))
    game.check()
    assert set(addresses) == {before, stranger.address}
    assert addresses.count(stranger.address) / HZ < 0.25
    assert addresses[HZ:] == [before] * 4 * HZ


def test_a_guarded_path_moves_after_a_second_of_silence() -> None:
    game, nat = Game(), Nat("full cone")
    player = game.join(nat=nat)
    Stranger(game, 0.002)
    game.play(1.0)
    game.network.on_datagram = None
    nat.rebind()
    game.play(3.0)
    game.check()
    assert game.address_of(player) == nat.mappings[0].public
    assert 1.0 < player.hole < 1.25


def test_packets_that_are_sent_back_to_their_sender_move_nothing() -> None:
    game, nat = Game(), Nat()
    player = game.join(nat=nat)
    network = game.network

    def reflect(data: bytes, sender: Any, receiver: Any) -> None:
        """Send the server's datagrams back to it, and the client's from elsewhere once they have arrived."""
        network.call_at(network.now + 0.03, lambda: network.inject(data, ("198.51.100.66", 6666), SERVER))

    network.on_datagram = reflect
    nat.rebind(at=network.now + 2.0)
    game.play(4.0)
    game.check()
    assert game.address_of(player) == nat.mappings[0].public


@pytest.mark.parametrize("encryption", MODES)
@pytest.mark.parametrize("at", [0.01, 0.04, 0.06, 0.08, 0.11])
def test_a_router_that_forgets_its_mapping_while_a_client_connects_costs_little(at: float, encryption: str) -> None:
    """Also between the server's acceptance and its arrival. The client answers the next challenge from its new address
    with the nonce of the answer that was accepted.
    """
    pytest.importorskip("cryptography" if encryption == "required" else "pygase")
    network, nat = SimulatedNetwork(1, RTT_OF_50_MS), Nat("symmetric")
    network.serve(Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}), interval=1 / HZ)
    client = Client(config=ClientConfig(encryption=encryption))
    network.connect(client, nat=nat)
    network.run(at)
    nat.rebind()
    network.run(3.0)
    assert client.status == "connected"
    assert len(client.snapshots) > 10
