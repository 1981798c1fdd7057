"""The routers of the simulated network map and filter as their kinds say, and forget when they are told to."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from pygase import Backend, Client, GameState
from pygase._io.nat import KINDS
from pygase._io.virtual import SimulatedTransport
from pygase.testing import Link, Nat, NatKind, SimulatedNetwork


class Street:
    """A home with two hosts behind one router, and three sockets elsewhere: two of them on one machine."""

    def __init__(self, kind: NatKind = "port-restricted", **options: Any) -> None:
        self.network = SimulatedNetwork(3)
        self.nat = Nat(kind, **options)
        self.home = self.network.open_socket(nat=self.nat)
        self.sister = self.network.open_socket(nat=self.nat)
        self.near = self.network.open_socket(("198.51.100.1", 1000))
        self.same_machine = self.network.open_socket(("198.51.100.1", 2000))
        self.far = self.network.open_socket(("198.51.100.9", 1000))

    def send(self, sender: SimulatedTransport, receiver: SimulatedTransport | Any) -> None:
        sender.send(b"x", receiver.own if isinstance(receiver, SimulatedTransport) else receiver)
        self.network.run(0.001)

    def seen(self, receiver: SimulatedTransport, sender: SimulatedTransport | None = None) -> Any:
        """Send a datagram of the home (or of another host) to a socket; return the sender that it sees."""
        self.send(sender or self.home, receiver)
        ((_, address),) = receiver.take()
        return address

    def reaches_home(self, sender: SimulatedTransport, public: Any) -> bool:
        self.send(sender, public)
        return bool(self.home.take())


MAPPINGS = {"full cone": 1, "address-restricted": 1, "port-restricted": 1, "symmetric": 3}
"""Public ports of one host that sends to three sockets."""

LET_IN = {
    "full cone": (True, True, True),
    "address-restricted": (True, True, False),
    "port-restricted": (True, False, False),
    "symmetric": (True, False, False),
}
"""Whether a host that sent to `near` is reached by `near`, by another port of its machine, and by another machine."""


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_maps_as_it_says(kind: NatKind) -> None:
    street = Street(kind)
    seen = [street.seen(socket) for socket in (street.near, street.same_machine, street.far)]
    assert len(set(seen)) == MAPPINGS[kind]
    assert {address[0] for address in seen} == {street.nat.public_host}
    assert [street.seen(socket) for socket in (street.near, street.same_machine, street.far)] == seen
    assert len(street.nat.mappings) == MAPPINGS[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_filters_as_it_says(kind: NatKind) -> None:
    street = Street(kind)
    public = street.seen(street.near)
    senders = (street.near, street.same_machine, street.far)
    assert tuple(street.reaches_home(sender, public) for sender in senders) == LET_IN[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_mapping_nobody_gets_in_and_nobody_reaches_a_private_address(kind: NatKind) -> None:
    street = Street(kind)
    assert not street.reaches_home(street.near, ("203.0.113.1", 40000))
    assert not street.reaches_home(street.near, street.home.own)
    street.seen(street.near)
    assert not street.reaches_home(street.near, street.home.own)


def test_two_hosts_of_a_home_have_two_ports_of_one_address_and_reach_each_other_without_it() -> None:
    street = Street()
    one, other = street.seen(street.near), street.seen(street.near, street.sister)
    assert one[0] == other[0]
    assert one[1] != other[1]
    street.send(street.sister, street.home)
    assert street.home.take() == [(b"x", street.sister.own)]
    assert not street.reaches_home(street.sister, one), "there is no hairpinning"


def test_only_the_hosts_own_datagrams_keep_a_mapping_alive() -> None:
    street = Street("full cone", mapping_timeout=10.0)
    public = street.seen(street.near)
    street.network.run(9.0)
    assert street.seen(street.near) == public
    street.network.run(9.0)
    assert street.reaches_home(street.far, public)
    street.network.run(2.0)
    assert not street.reaches_home(street.far, public)
    assert street.seen(street.near) != public


def test_an_address_to_which_nothing_was_sent_for_long_is_shut_out_though_the_mapping_lives() -> None:
    street = Street("port-restricted", mapping_timeout=10.0)
    public = street.seen(street.far)
    street.network.run(6.0)
    assert street.seen(street.near) == public
    street.network.run(6.0)
    assert not street.reaches_home(street.far, public)
    assert street.reaches_home(street.near, public)


def test_a_router_rebinds_at_its_time_and_forgets_all_mappings() -> None:
    street = Street("full cone")
    street.nat.rebind(at=5.0)
    before = street.seen(street.near)
    street.network.run(4.9)
    assert street.reaches_home(street.far, before)
    street.network.run(0.1)
    assert not street.reaches_home(street.far, before)
    after = street.seen(street.near)
    assert after[0] == before[0]
    assert after[1] != before[1]
    street.nat.rebind()
    assert street.nat.mappings == []
    assert street.seen(street.near) not in (before, after)


def test_the_ports_can_be_chosen_so_that_two_hosts_swap_them() -> None:
    street = Street(ports=[7001, 7002, 7002, 7001])
    before = [street.seen(street.near), street.seen(street.near, street.sister)]
    street.nat.rebind()
    after = [street.seen(street.near), street.seen(street.near, street.sister)]
    assert [port for _, port in before] == [7001, 7002]
    assert after == before[::-1]
    street.nat.rebind()
    with pytest.raises(ValueError, match="used up"):
        street.seen(street.near)


NO_HOLE = ({"symmetric"}, {"symmetric", "port-restricted"})
"""The kinds between which no hole can be punched: each port that one needs to know shows only once it has sent."""


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations_with_replacement(KINDS, 2)))
def test_holes_are_punched_between_all_kinds_but_those_that_hide_the_port(one: NatKind, other: NatKind) -> None:
    """Two hosts learn each other's address from a third, and send to it at the same time (RFC 5128, section 3.3)."""
    network = SimulatedNetwork(3, Link(latency=0.02))
    helper = network.open_socket(("198.51.100.1", 1000))
    peers = [network.open_socket(nat=Nat(kind)) for kind in (one, other)]
    for peer in peers:
        peer.send(b"hello", helper.own)
    network.run(0.1)
    targets = [sender for _, sender in helper.take()][::-1]
    reached = [False, False]
    for _ in range(4):
        for number, peer in enumerate(peers):
            for _, sender in peer.take():
                reached[number] = True
                targets[number] = sender  # a symmetric router shows another port than to the helper
            peer.send(b"punch", targets[number])
        network.run(0.1)
    assert reached == [{one, other} not in NO_HOLE] * 2


def test_a_game_is_played_through_every_kind_and_a_server_bound_to_all_addresses_gets_through() -> None:
    network = SimulatedNetwork(3, Link(latency=0.02))
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
    network.serve(backend, hostname="0.0.0.0")
    clients = [Client() for _ in KINDS]
    for client, kind in zip(clients, KINDS, strict=True):
        network.connect(client, nat=Nat(kind))
    network.run(5.0)
    for client in clients:
        assert client.status == "connected"
        assert client.snapshots[-1].tick > 200
        assert network.address_of(client)[0].startswith("192.168.")
        assert client.address is not None
        assert client.address[0].startswith("203.0.113.")


def test_the_path_of_a_client_behind_a_router_has_its_own_weather() -> None:
    network = SimulatedNetwork(3)
    network.serve(Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}))
    client = Client()
    network.connect(client, link=Link(latency=0.1), nat=Nat())
    network.run(3.0)
    assert client.stats.rtt > 0.2
    network.partition(client)
    tick = client.snapshots[-1].tick
    network.run(2.0)
    assert client.snapshots[-1].tick <= tick + 7


def test_a_server_behind_a_router_is_reached_from_its_home_alone() -> None:
    network, nat = SimulatedNetwork(3), Nat()
    address = network.serve(Backend(GameState(n=0), lambda game_state, dt: None), nat=nat)
    at_home, outside = Client(), Client()
    network.connect(at_home, nat=nat, server_address=address)
    network.connect(outside, server_address=address)
    network.run(3.0)
    assert (at_home.status, outside.status) == ("connected", "connecting")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "restricted"}, "'full cone', 'address-restricted', 'port-restricted', 'symmetric'; got 'restricted'"),
        ({"mapping_timeout": 0.0}, "mapping_timeout is a positive number of seconds; got 0.0"),
    ],
)
def test_a_router_that_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Nat(**options)


def test_its_text_names_its_kind_and_address() -> None:
    assert repr(Nat("symmetric", public_host="192.0.2.5")) == "Nat('symmetric', public_host='192.0.2.5')"
