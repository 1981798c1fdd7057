"""The endpoint names a client by an id. An address is only where the client is at the moment."""

from collections import Counter

from pygase import DisconnectReason
from pygase._protocol.bans import Bans, network_text
from pygase._protocol.peer_events import Moved
from pygase.config import ServerConfig
from tests.support.peers import Peers


def ids(peers: Peers) -> list[int]:
    return list(peers.server.peers)


def test_ids_count_from_one_and_none_is_given_twice() -> None:
    peers = Peers()
    first, second = peers.joined(), peers.joined()
    assert ids(peers) == [1, 2]
    peers.clients[first].close(now=peers.now)
    peers.run(0.2)
    peers.clients[second].close(now=peers.now)
    peers.run(0.2)
    assert ids(peers) == []
    again = peers.joined()
    assert ids(peers) == [3]
    assert peers.peer(again).client_id == 3


def test_an_endpoint_goes_on_where_an_earlier_one_stopped() -> None:
    peers = Peers(first_client_id=65)
    peers.joined()
    assert ids(peers) == [65]
    assert peers.server.entrance.ids.next == 66


def test_lost_answers_and_refused_newcomers_use_up_no_id() -> None:
    peers = Peers(config=ServerConfig(max_clients=1), loss=0.4)
    peers.joined()
    peers.loss = 0.0
    refused = peers.connect(port=9, host="elsewhere")
    peers.run(3.0)
    assert peers.ended[refused].reason is DisconnectReason.SERVER_FULL
    assert ids(peers) == [1]
    assert peers.server.entrance.ids.next == 2


def test_a_client_knows_its_own_id() -> None:
    peers = Peers()
    for _ in range(3):
        peers.joined()
    accepted = [client.way_in.connector.outcome for client in peers.clients.values()]
    assert [peers.peer(address).client_id for address in peers.clients] == ids(peers) == [1, 2, 3]
    assert len(set(accepted)) == 3


def test_a_newcomer_on_a_former_clients_port_is_another_client() -> None:
    peers = Peers()
    address = peers.joined()
    peers.connect(port=address[1])
    assert peers.run(5.0, lambda: peers.clients[address].connected)
    assert ids(peers) == [2]


def test_a_peer_that_moves_keeps_its_id_and_its_token() -> None:
    peers = Peers()
    address = peers.joined()
    other = peers.joined()
    peer = peers.peer(address)
    peers.at_server.clear()
    peers.server.move_peer(peer, ("10.0.0.9", 77))
    assert (peer.address, peer.host) == (("10.0.0.9", 77), "10.0.0.9")
    assert peers.server.peers == {1: peer, 2: peers.peer(other)}
    assert peers.server.by_address == {("10.0.0.9", 77): peer, other: peers.peer(other)}
    assert peers.server.by_token[peer.token] is peer
    assert list(peers.server.inbox) == [(peer, Moved(address))]
    peers.server.move_peer(peer, ("10.0.0.9", 77))  # to where it is already: nothing
    assert len(peers.server.inbox) == 1


def test_of_two_peers_that_had_one_address_one_after_the_other_each_goes_its_own_way() -> None:
    """A router gives a port that it has taken from one client to another."""
    peers = Peers()
    first, second = peers.joined(), peers.joined()
    one, two = peers.peer(first), peers.peer(second)
    peers.server.move_peer(two, first)
    assert peers.server.by_address == {first: two}
    assert ids(peers) == [1, 2]
    peers.server.move_peer(one, ("10.0.0.9", 77))
    assert peers.server.by_address == {first: two, ("10.0.0.9", 77): one}
    peers.server.close_peer(one, DisconnectReason.KICKED, now=peers.now)
    assert peers.server.by_address == {first: two}
    assert ids(peers) == [2]


def test_a_peer_that_has_ended_moves_nowhere() -> None:
    peers = Peers()
    peer = peers.peer(peers.joined())
    peers.server.close_peer(peer, DisconnectReason.KICKED, now=peers.now)
    peers.server.move_peer(peer, ("10.0.0.9", 77))
    assert peers.server.by_address == {}


def test_clients_of_one_host_are_counted_one_by_one() -> None:
    peers = Peers(config=ServerConfig(max_clients=3))
    here = [peers.connect(port=port, host="10.0.0.1") for port in (1, 2, 3, 4)]
    peers.run(1.0)
    assert Counter(address in peers.server.by_address for address in here) == {True: 3, False: 1}
    (refused,) = peers.ended
    assert peers.ended[refused].reason is DisconnectReason.SERVER_FULL
    leaver = next(address for address in here if address != refused)
    peers.clients[leaver].close(now=peers.now)
    peers.run(0.2)
    assert len(ids(peers)) == 2, "nobody else goes with it"


# -- bans ------------------------------------------------------------------------------------------------------------


def test_a_network_has_one_spelling() -> None:
    assert network_text("192.0.2.77/24") == "192.0.2.0/24"
    assert network_text("::ffff:192.0.2.0/120") == "192.0.2.0/24"
    assert network_text("2001:DB8::1/32") == "2001:db8::/32"
    assert network_text("::/0") == "::/0"


def test_bans_refuse_the_addresses_that_they_name_and_no_others() -> None:
    bans = Bans()
    assert not bans.refuses(("192.0.2.1", 5))
    bans.add("192.0.2.1")
    bans.add("198.51.100.0/24")
    bans.add("2001:db8::/32")
    refused = [
        "192.0.2.1",
        "::ffff:192.0.2.1",
        "198.51.100.200",
        "::ffff:198.51.100.7",
        "2001:db8:1::5",
        "2001:db8::%4",
    ]
    let_in = ["192.0.2.2", "198.51.101.1", "2001:db9::1", "localhost", ""]
    assert [host for host in (*refused, *let_in) if bans.refuses((host, 5))] == refused
    assert bans.network_around("198.51.100.200") == "198.51.100.0/24"
    bans.discard("198.51.100.0/24")
    assert bans.listed() == ["192.0.2.1", "2001:db8::/32"]
    assert not bans.refuses(("198.51.100.200", 5))
