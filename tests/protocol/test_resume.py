"""Lost clients and their return, at an endpoint: who may resume a connection, and who may not."""

from itertools import pairwise
from typing import Any

import pytest

from pygase._protocol.channels import RELIABLE
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.datagrams import Accepted, ChallengeResponse, Goodbye, NotHere, ResponseBody, Welcome
from pygase._protocol.endings import never_answered
from pygase._protocol.peer import CLOSE_COPIES
from pygase._protocol.peer_events import Connected, Disconnected, Lost, Resumed
from pygase._protocol.resumption import ResumeSecrets, Seat, goodbye_mac, hash_of
from pygase._protocol.wire import ACCEPTED, CHALLENGE_RESPONSE, CONNECT_REQUEST, DATA, GOODBYE, REFUSED
from pygase.config import ClientConfig, ServerConfig
from pygase.errors import DisconnectReason
from tests.support.peers import SERVER, Address, Peers


def happenings(peers: Peers, kinds: tuple[type, ...] = (Connected, Lost, Resumed, Disconnected)) -> list[str]:
    return [type(event).__name__ for _, event in peers.at_server if isinstance(event, kinds)]


def joined(peers: Peers, **client: Any) -> Address:
    """Connect a client, and wait until the server knows that the client has its acceptance."""
    address = peers.joined(**client)
    assert peers.run(2.0, lambda: not never_answered(peers.peer(address)))
    return address


def cut(peers: Peers, *addresses: Address) -> None:
    """Pull the cable of these clients."""
    peers.drop = lambda data, sender, receiver: sender in addresses or receiver in addresses


def join_again(peers: Peers) -> None:
    peers.drop = lambda data, sender, receiver: False


def is_lost(peers: Peers, client_id: int = 1) -> bool:
    return client_id in peers.server.table.lost


def back(peers: Peers, address: Address, seconds: float = 3.0) -> bool:
    return peers.run(seconds, lambda: peers.clients[address].connected)


def refusals(peers: Peers) -> list[int]:
    return [data[9] for sender, _, data in peers.sent if sender == SERVER and data[0] == REFUSED]


def test_a_silent_client_is_lost_and_resumes_as_the_same_client() -> None:
    peers = Peers()
    address = joined(peers)
    peers.push({"n": 1})
    peers.run(0.5)
    peer = peers.peer(address)
    cut(peers, address)
    assert peers.run(6.0, lambda: is_lost(peers))
    assert not peers.server.peers
    assert peers.run(6.0, lambda: not peers.clients[address].connected)
    join_again(peers)
    assert back(peers, address, 1.1)
    peers.run(0.5)
    assert peers.peer(address) is peer
    assert not is_lost(peers)
    assert peer.client_id == 1
    assert happenings(peers) == ["Connected", "Lost", "Resumed"]


def test_a_lost_client_leaves_after_the_time_and_the_client_gives_up() -> None:
    peers = Peers(config=ServerConfig(resume_seconds=4.0))
    address = joined(peers)
    cut(peers, address)
    assert peers.run(6.0, lambda: is_lost(peers))
    lost_at = peers.now
    assert peers.run(6.0, lambda: not is_lost(peers))
    assert peers.now == pytest.approx(lost_at + 4.0, abs=0.2)
    assert peers.run(3.0, lambda: address in peers.ended)
    assert peers.ended[address].reason is DisconnectReason.TIMED_OUT
    assert happenings(peers) == ["Connected", "Lost", "Disconnected"]
    assert peers.at_server[-1][1].reason is DisconnectReason.TIMED_OUT


def test_without_resume_seconds_a_silent_client_leaves_at_once() -> None:
    peers = Peers(config=ServerConfig(resume_seconds=0))
    address = joined(peers)
    cut(peers, address)
    peers.run(7.0)
    assert happenings(peers) == ["Connected", "Disconnected"]
    assert peers.ended[address].reason is DisconnectReason.TIMED_OUT


def test_a_client_that_comes_back_too_late_hears_that_its_place_is_gone() -> None:
    peers = Peers(config=ServerConfig(resume_seconds=4.0))
    address = joined(peers)
    peers.drop = lambda data, sender, receiver: sender == address  # the client still hears the server
    peers.run(4.5)
    peers.clients[address].way_in.seat = peers.clients[address].way_in.seat._replace(seconds=60.0)
    cut(peers, address)
    peers.run(12.0)
    assert not is_lost(peers)
    join_again(peers)
    assert peers.run(2.0, lambda: address in peers.ended)
    assert peers.ended[address].reason is DisconnectReason.NOT_RESUMABLE
    assert happenings(peers)[-1] == "Disconnected"


def test_the_pauses_between_the_tries_grow_to_one_second() -> None:
    peers = Peers()
    address = joined(peers)
    cut(peers, address)
    assert peers.run(6.0, lambda: not peers.clients[address].connected)
    peers.sent.clear()
    begun_at, times = peers.now, []
    while peers.now < begun_at + 5.0:
        peers.run(0.01)
        times += [peers.now for sender, _, data in peers.sent if sender == address and data[0] == CONNECT_REQUEST]
        peers.sent.clear()
    pauses = [after - before for before, after in pairwise(times)]
    assert times[0] == pytest.approx(begun_at, abs=0.02)
    assert pauses == pytest.approx([0.25, 0.5, 1.0, 1.0, 1.0, 1.0], abs=0.03)


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_events_of_both_sides_go_on_exactly_once_over_many_cuts(loss: float, seed: int) -> None:
    peers = Peers(seed, loss=loss, latency=0.03, jitter=0.02)
    address = joined(peers)
    client, number = peers.clients[address], 0

    def say() -> None:
        nonlocal number
        number += 1
        client.queue_event(b"%d" % number, RELIABLE, number, now=peers.now)
        peer = peers.server.peers.get(1) or peers.server.table.lost[1]
        peer.queue_event(b"%d" % number, RELIABLE, number, now=peers.now)

    for seconds in (0.7, 5.5, 9.0, 0.1, 20.0):
        for _ in range(10):
            say()
            peers.run(0.05)
        cut(peers, address)
        for _ in range(10):
            say()
            peers.run(seconds / 10)
        join_again(peers)
        assert back(peers, address, 20.0)  # (a handshake takes several tries at such a loss)
    peers.loss = 0.0
    peers.run(6.0)
    expected = [b"%d" % n for n in range(1, number + 1)]
    assert peers.events_of(address) == expected
    assert peers.events[address] == expected
    assert sorted(peers.acked[address]) == list(range(1, number + 1))


def test_the_resumption_survives_the_loss_of_each_of_its_datagrams(seed: int) -> None:
    for kind in (CONNECT_REQUEST, 0x02, CHALLENGE_RESPONSE, ACCEPTED, DATA):
        for lost in (1, 2, 3):
            peers = Peers(seed)
            address = joined(peers)
            cut(peers, address)
            peers.run(7.0)
            assert not peers.clients[address].connected
            assert is_lost(peers)
            left = lost

            def drop(data: bytes, sender: Address, receiver: Address, kind: int = kind) -> bool:
                nonlocal left
                if data[0] == kind and left > 0:
                    left -= 1
                    return True
                return False

            peers.drop = drop
            assert back(peers, address, 8.0), (kind, lost)
            peers.run(7.0)
            assert peers.clients[address].connected
            assert list(peers.server.peers) == [1]
            assert address not in peers.ended


def test_a_client_whose_acceptances_are_lost_until_it_is_lost_again_still_returns() -> None:
    """Until then the server repeats the acceptance. After that it has nothing to repeat, and accepts no nonce twice."""
    peers = Peers()
    address = joined(peers)
    cut(peers, address)
    assert peers.run(7.0, lambda: not peers.clients[address].connected and is_lost(peers))
    peers.drop = lambda data, sender, receiver: data[0] == ACCEPTED
    peers.run(14.0)
    assert happenings(peers)[:4] == ["Connected", "Lost", "Resumed", "Lost"]
    join_again(peers)
    assert back(peers, address, 4.0)
    peers.run(6.0)
    assert list(peers.server.peers) == [1]
    assert peers.clients[address].connected


@pytest.mark.parametrize("encryption", ["auto", "off"])
def test_an_encrypted_connection_is_resumed_by_an_encrypted_handshake_only(encryption: str) -> None:
    pytest.importorskip("cryptography")
    peers = Peers()
    address = joined(peers, config=ClientConfig(encryption="auto"))
    client = peers.clients[address]
    assert client.seals is not None
    cut(peers, address)
    assert peers.run(7.0, lambda: not client.connected and is_lost(peers))
    join_again(peers)
    seat = client.way_in.seat._replace(identity=b"", is_fresh=True)
    thief = peers.connect(port=99, config=ClientConfig(encryption=encryption), seat=seat)
    assert back(peers, thief)
    is_same = peers.clients[thief].way_in.seat.client_id == 1
    assert is_same is (encryption == "auto")


def test_an_encrypted_connection_goes_on_with_new_keys() -> None:
    pytest.importorskip("cryptography")
    peers = Peers()
    address = joined(peers, config=ClientConfig(encryption="auto"))
    client = peers.clients[address]
    first = client.seals
    client.queue_event(b"1", RELIABLE, None, now=peers.now)
    cut(peers, address)
    assert peers.run(7.0, lambda: not client.connected and is_lost(peers))
    client.queue_event(b"2", RELIABLE, None, now=peers.now)
    join_again(peers)
    assert back(peers, address)
    peers.run(1.0)
    assert client.seals is not first is not None
    assert peers.events_of(address) == [b"1", b"2"]


def test_the_secret_changes_with_each_acceptance_and_the_server_keeps_no_secret() -> None:
    peers = Peers()
    address = joined(peers)
    seen = []
    for _ in range(3):
        seen.append(peers.clients[address].way_in.seat.secret)
        assert peers.peer(address).identity.secrets.current == hash_of(seen[-1])
        cut(peers, address)
        assert peers.run(7.0, lambda: not peers.clients[address].connected and is_lost(peers))
        join_again(peers)
        assert back(peers, address)
    assert len(set(seen)) == 3
    secrets = peers.peer(address).identity.secrets
    assert all(secret not in (secrets.current, secrets.previous) for secret in seen)


def test_a_secret_is_valid_once_but_until_the_client_has_the_next_one() -> None:
    secrets = ResumeSecrets()
    numbers = iter(range(1, 9))
    first = secrets.issue(lambda n: bytes([next(numbers)]) * n)
    assert secrets.accepts(first, has_answered=False)
    second = secrets.issue(lambda n: bytes([next(numbers)]) * n, first)
    assert secrets.accepts(first, has_answered=False)  # the acceptance with the second may be lost
    assert not secrets.accepts(first, has_answered=True)
    assert secrets.accepts(second, has_answered=True)
    third = secrets.issue(lambda n: bytes([next(numbers)]) * n, second)
    assert not secrets.accepts(first, has_answered=False)
    assert secrets.accepts(third, has_answered=True)
    assert not ResumeSecrets().accepts(bytes(16), has_answered=False)


def stranger(peers: Peers, seat: Seat) -> Address:
    """A program at another address that presents this secret."""
    return peers.connect(port=99, host="stranger", seat=seat)


@pytest.mark.parametrize("lost", [True, False])
def test_a_stranger_with_a_guessed_secret_gets_a_place_of_its_own(lost: bool) -> None:
    peers = Peers()
    address = joined(peers)
    if lost:
        cut(peers, address)
        assert peers.run(6.0, lambda: is_lost(peers))
    other = stranger(peers, Seat(1, peers.rng.randbytes(16), 0.0, True))
    assert back(peers, other)
    assert peers.clients[other].way_in.seat.client_id == 2
    assert is_lost(peers) is lost
    assert DisconnectReason.NOT_RESUMABLE in refusals(peers)
    if not lost:
        peers.run(6.0)
        assert peers.clients[address].connected


@pytest.mark.parametrize("encryption", ["off", "auto"])
def test_a_client_resumes_no_faster_than_new_ones_may_join(encryption: str) -> None:
    """Each resume refills the budget of bytes and is two events for everybody, so it has a price."""
    bounds = ServerConfig(encryption=encryption, joins_per_host=10, joins_per_host_and_second=2.0)
    peers = Peers(config=bounds)
    address = joined(peers, config=ClientConfig(encryption=encryption))
    client, end = peers.clients[address], peers.now + 10.0
    while peers.now < end:
        client.lose(peers.now)
        peers.run(end - peers.now, lambda: client.connected)
    assert happenings(peers).count("Resumed") == pytest.approx(9 + 10 * 2.0, abs=3)
    assert back(peers, address)


def test_a_stranger_with_an_old_secret_gets_nowhere() -> None:
    peers = Peers()
    address = joined(peers)
    old = peers.clients[address].way_in.seat
    cut(peers, address)
    assert peers.run(7.0, lambda: not peers.clients[address].connected and is_lost(peers))
    join_again(peers)
    assert back(peers, address)
    peers.run(0.2)
    other = stranger(peers, old._replace(is_fresh=True))
    assert back(peers, other)
    peers.run(6.0)
    assert peers.clients[other].way_in.seat.client_id == 2
    assert peers.clients[address].connected
    assert happenings(peers) == ["Connected", "Lost", "Resumed", "Connected"]


def test_replayed_handshakes_neither_resume_nor_replace_anybody() -> None:
    peers = Peers(config=ServerConfig(cookie_lifetime=60.0))
    address = joined(peers)
    for _ in range(2):
        cut(peers, address)
        assert peers.run(7.0, lambda: not peers.clients[address].connected and is_lost(peers))
        join_again(peers)
        assert back(peers, address)
        peers.run(0.5)
    token = peers.peer(address).token
    before = happenings(peers)
    for _, _, data in list(peers.sent):
        if data[0] in (CONNECT_REQUEST, CHALLENGE_RESPONSE):
            peers.receive(data, address, SERVER)
            peers.receive(data, ("elsewhere", 7), SERVER)
            peers.run(0.05)
    peers.run(6.0)
    assert happenings(peers) == before
    assert peers.peer(address).token == token
    assert peers.clients[address].connected


def test_a_client_that_notices_the_loss_first_resumes_a_connection_that_the_server_has_not_given_up() -> None:
    peers = Peers()
    address = joined(peers)
    peers.run(0.5)
    peers.clients[address].lose(peers.now)
    assert back(peers, address, 0.2)
    peers.run(0.2)
    assert list(peers.server.peers) == [1]
    assert happenings(peers) == ["Connected", "Lost", "Resumed"]


def test_a_client_returns_from_another_address() -> None:
    peers = Peers()
    address = joined(peers)
    cut(peers, address)
    assert peers.run(7.0, lambda: not peers.clients[address].connected and is_lost(peers))
    elsewhere = ("client", 77)
    peers.readdress(address, elsewhere)
    join_again(peers)
    assert back(peers, elsewhere)
    assert peers.server.peers[1].address == elsewhere
    assert peers.server.by_address == {elsewhere: peers.server.peers[1]}
    assert isinstance(peers.at_server[-1][1], Resumed)


def test_a_new_process_of_the_same_player_takes_its_place_and_waiting_events() -> None:
    peers = Peers()
    address = joined(peers)
    peers.push({"n": 1})
    peers.run(0.3)
    seat = peers.clients[address].way_in.seat
    cut(peers, address)
    peers.peer(address).queue_event(b"while away", RELIABLE, None, now=peers.now)
    peers.run(0.5)
    join_again(peers)
    del peers.clients[address]
    again = peers.connect(port=50, seat=seat._replace(is_fresh=True))
    assert back(peers, again)
    peers.clients[again].queue_event(b"hello again", RELIABLE, None, now=peers.now)
    peers.run(1.0)
    assert peers.server.peers[1].address == again
    assert peers.events[again] == [b"while away"]
    assert peers.events_of(again)[-1] == b"hello again"
    assert peers.states[again][-1].tree == {"n": 1}
    resumed = next(event for _, event in peers.at_server if isinstance(event, Resumed))
    assert resumed.is_fresh


def full(peers: Peers, *, max_clients: int) -> list[Address]:
    return [joined(peers) for _ in range(max_clients)]


def test_lost_clients_give_way_to_newcomers_the_longest_lost_first() -> None:
    peers = Peers(config=ServerConfig(max_clients=3))
    peers.push({"n": 1})
    first, second, third = full(peers, max_clients=3)
    peers.run(0.5)
    cut(peers, second)
    peers.run(1.0)
    cut(peers, second, third)
    assert peers.run(8.0, lambda: is_lost(peers, 2) and is_lost(peers, 3))
    newcomer = peers.connect(port=60)
    assert back(peers, newcomer)
    assert list(peers.server.table.lost) == [3]
    assert [(a, e.reason) for a, e in peers.at_server if isinstance(e, Disconnected)] == [
        (second, DisconnectReason.SERVER_FULL)
    ]
    join_again(peers)
    assert back(peers, third)
    assert peers.run(12.0, lambda: second in peers.ended)
    assert peers.ended[second].reason is DisconnectReason.SERVER_FULL
    assert peers.clients[first].connected


def test_a_lost_client_counts_as_a_player_until_somebody_needs_the_place() -> None:
    peers = Peers(config=ServerConfig(max_clients=2))
    peers.push({"n": 1})
    addresses = full(peers, max_clients=2)
    peers.run(0.5)
    cut(peers, addresses[0])
    assert peers.run(8.0, lambda: is_lost(peers, 1))
    join_again(peers)
    assert back(peers, addresses[0])  # although the server is full


def test_a_client_that_returns_early_to_a_full_server_waits_until_it_is_missed() -> None:
    """The server is full and believes that the client is there. From another address it seems to be a newcomer."""
    peers = Peers(config=ServerConfig(max_clients=1))
    peers.push({"n": 1})
    address = joined(peers)
    peers.run(0.5)
    peers.clients[address].lose(peers.now)
    elsewhere = ("elsewhere", 7)
    peers.readdress(address, elsewhere)
    assert back(peers, elsewhere, 8.0)
    assert 2 <= refusals(peers).count(DisconnectReason.SERVER_FULL) <= 7
    assert peers.server.peers[1].address == elsewhere


def test_many_lost_clients_cost_no_datagram_and_no_memory_for_what_they_held_back() -> None:
    peers = Peers(config=ServerConfig(max_clients=64))
    addresses = full(peers, max_clients=64)
    for address in addresses:
        client = peers.clients[address]
        client.queue_event(bytes(3000), 0, None, now=peers.now)
        peers.server.receive_datagram(client.datagrams_to_send(now=peers.now)[0], address, now=peers.now)
    assert peers.server.held.total > 0
    peers.drop = lambda data, sender, receiver: True
    assert peers.run(8.0, lambda: len(peers.server.table.lost) == 64)
    assert peers.server.held.total == sum(peer.held_bytes for peer in peers.server.table.lost.values()) == 0
    peers.clients.clear()
    peers.sent.clear()
    peers.push({"n": 2})
    peers.run(10.0)
    assert peers.sent == []
    assert peers.server.next_timeout() == pytest.approx(
        min(p.part.lost_until for p in peers.server.table.lost.values())
    )
    assert peers.run(30.0, lambda: not peers.server.table.lost)
    assert happenings(peers, (Disconnected,)) == ["Disconnected"] * 64
    assert peers.server.next_timeout() is None


def test_a_goodbye_leaves_no_place_behind() -> None:
    peers = Peers()
    address = joined(peers)
    peers.clients[address].close(now=peers.now)
    peers.run(1.0)
    assert not peers.server.table.lost
    assert happenings(peers) == ["Connected", "Disconnected"]


def test_a_lost_client_that_is_removed_cannot_resume() -> None:
    peers = Peers()
    address = joined(peers)
    cut(peers, address)
    assert peers.run(6.0, lambda: is_lost(peers))
    peers.sent.clear()
    peers.server.close_peer(peers.server.table.lost[1], DisconnectReason.KICKED, now=peers.now)
    assert not peers.server.table.lost
    peers.run(0.1)
    assert not any(sender == SERVER for sender, _, _ in peers.sent)
    join_again(peers)
    assert peers.run(3.0, lambda: address in peers.ended)
    assert peers.ended[address].reason is DisconnectReason.NOT_RESUMABLE


def test_a_server_that_slept_keeps_the_places_for_as_long_as_before() -> None:
    peers = Peers()
    address = joined(peers)
    cut(peers, address)
    assert peers.run(6.0, lambda: is_lost(peers))
    until = peers.server.table.lost[1].part.lost_until
    peers.server.forgive(20.0, now=peers.now)
    assert (
        peers.server.table.lost[1].part.lost_until == until + 19.0
    )  # (a heartbeat interval counts, see PeerProtocol.forgive)


def test_a_lost_client_that_still_sends_learns_at_once_that_its_packets_are_not_known() -> None:
    peers = Peers()
    address = joined(peers)
    peers.drop = lambda data, sender, receiver: sender == address  # only one way is cut
    assert peers.run(6.0, lambda: is_lost(peers))
    assert peers.clients[address].connected
    join_again(peers)
    peers.clients[address].queue_event(b"x", RELIABLE, None, now=peers.now)
    assert peers.run(0.2, lambda: 1 in peers.server.peers)
    peers.run(0.5)
    assert peers.events_of(address) == [b"x"]


def forged(peers: Peers, address: Address, **changes: Any) -> bytes:
    """The client's last challenge response with another claim."""
    data = next(d for s, _, d in reversed(peers.sent) if s == address and d[0] == CHALLENGE_RESPONSE)
    response = ChallengeResponse.decode(data)
    body = ResponseBody.decode(response.body)
    return response._replace(body=body._replace(claim=body.claim._replace(**changes)).encode()).encode()


@pytest.mark.parametrize(
    "changes",
    [
        {"received": 0xFFFFFFFF},
        {"acked": 0xFFFFFFFF},
        {"received": 0xFFFFFFFF, "acked": 0xFFFFFFFF, "is_fresh": True},
        {"received": 3, "acked": 0},
    ],
)
def test_false_counts_in_a_claim_harm_only_the_client_that_makes_them(changes: dict[str, Any]) -> None:
    peers = Peers()
    peers.push({"n": 1})
    address, other = joined(peers), joined(peers)
    for n in range(5):
        peers.peer(address).queue_event(b"%d" % n, RELIABLE, None, now=peers.now)
    peers.run(0.3)
    cut(peers, address)
    assert peers.run(7.0, lambda: not peers.clients[address].connected and is_lost(peers))
    join_again(peers)
    peers.drop = lambda data, sender, receiver: data[0] == CHALLENGE_RESPONSE
    peers.run(1.0)
    peers.receive(forged(peers, address, **changes), address, SERVER)
    peers.run(1.0)
    assert 1 in peers.server.peers
    for n in range(5):
        peers.peer(other).queue_event(b"%d" % n, RELIABLE, None, now=peers.now)
    peers.run(1.0)
    assert peers.events[other] == [b"0", b"1", b"2", b"3", b"4"]


def test_an_acceptance_as_a_new_client_ends_a_return() -> None:
    """No honest server answers so: the client would be somebody else, and nobody would know."""
    peers = Peers()
    address = joined(peers)
    client: ClientProtocol = peers.clients[address]
    client.lose(peers.now)

    def forge(data: bytes, sender: Address) -> bytes:
        if data[0] != ACCEPTED:
            return data
        accepted = Accepted.decode(data)
        return accepted._replace(body=Welcome.decode(accepted.body)._replace(resumed=0).encode()).encode()

    peers.forge = forge
    assert peers.run(2.0, lambda: address in peers.ended)
    assert peers.ended[address].reason is DisconnectReason.NOT_RESUMABLE


# -- a goodbye without a connection -----------------------------------------------------------------------------------


def lost_on_both_sides(**server: Any) -> tuple[Peers, Address]:
    peers = Peers(**server)
    address = joined(peers)
    cut(peers, address)
    assert peers.run(8.0, lambda: is_lost(peers) and not peers.clients[address].connected)
    return peers, address


def goodbyes(peers: Peers) -> list[bytes]:
    return [data for _, receiver, data in peers.sent if receiver == SERVER and data[0] == GOODBYE]


def test_a_client_that_leaves_while_it_reconnects_gives_its_place_back_at_once() -> None:
    peers, address = lost_on_both_sides()
    join_again(peers)
    peers.clients[address].close(now=peers.now)
    assert peers.run(0.1, lambda: not is_lost(peers))
    assert happenings(peers) == ["Connected", "Lost", "Disconnected"]
    assert peers.at_server[-1][1] == Disconnected(DisconnectReason.CLOSED, "", remote=True)
    assert peers.ended[address].reason is DisconnectReason.CLOSED
    assert len(goodbyes(peers)) == CLOSE_COPIES


def test_a_goodbye_ends_a_connection_that_the_server_has_not_missed_yet() -> None:
    peers = Peers()
    address = joined(peers)
    peers.drop = lambda data, sender, receiver: sender == SERVER  # the server still hears the client
    assert peers.run(8.0, lambda: not peers.clients[address].connected)
    assert list(peers.server.peers) == [1]
    peers.clients[address].close(now=peers.now)
    peers.run(0.1)
    assert not peers.server.peers
    assert not is_lost(peers)


def test_a_goodbye_is_known_by_the_former_secret_if_the_acceptance_was_lost() -> None:
    peers, address = lost_on_both_sides()
    peers.drop = lambda data, sender, receiver: data[0] == ACCEPTED
    assert peers.run(3.0, lambda: not is_lost(peers))  # resumed, as the server sees it
    peers.clients[address].close(now=peers.now)
    peers.run(0.1)
    assert not peers.server.peers


def test_a_client_in_doubt_says_goodbye_to_a_server_that_may_not_know_its_connection() -> None:
    peers = Peers()
    address = joined(peers)
    client = peers.clients[address]
    client.receive_datagram(NotHere(client.token, bytes(14)).encode(), now=peers.now)
    assert client.doubt.is_open
    client.close(now=peers.now)
    kinds = [data[0] for data in client.datagrams_to_send(now=peers.now)]
    assert kinds[-2 * CLOSE_COPIES :] == [DATA] * CLOSE_COPIES + [GOODBYE] * CLOSE_COPIES


def test_a_stranger_gives_nobodys_place_back(seed: int) -> None:
    """Not with a guess, not with the secret itself, not with an older one, and not with another client's proof."""
    peers, address = lost_on_both_sides(seed=seed)
    join_again(peers)
    old = peers.clients[address].way_in.seat
    assert back(peers, address)
    peers.run(0.5)
    other = joined(peers)
    seat, others = peers.clients[address].way_in.seat, peers.clients[other].way_in.seat
    assert seat.secret != old.secret
    right = seat.goodbye()
    forged = [
        Goodbye(1, bytes(16)),
        Goodbye(1, peers.rng.randbytes(16)),
        Goodbye(1, seat.secret),
        Goodbye(1, hash_of(seat.secret)),
        Goodbye(1, others.goodbye().mac),
        Goodbye(1, goodbye_mac(hash_of(others.secret), 1)),
        Goodbye(2, right.mac),
        Goodbye(3, right.mac),
        old.goodbye(),
        *[Goodbye(1, flipped(right.mac, bit)) for bit in range(128)],
    ]
    for number, goodbye in enumerate(forged, 1):
        peers.server.receive_datagram(goodbye.encode(), ("stranger", 1), now=peers.now)
        assert peers.server.dropped["goodbye without a proof"] == number
    assert sorted(peers.server.peers) == [1, 2]
    assert not [data for data, to in peers.server.datagrams_to_send(now=peers.now) if to == ("stranger", 1)]
    peers.server.receive_datagram(right.encode()[:-1], ("stranger", 1), now=peers.now)
    assert peers.server.dropped["malformed"] == 1
    peers.server.receive_datagram(right.encode(), ("stranger", 1), now=peers.now)
    assert sorted(peers.server.peers) == [2]


def flipped(data: bytes, bit: int) -> bytes:
    return (int.from_bytes(data, "big") ^ 1 << bit).to_bytes(len(data), "big")


def test_a_goodbye_that_is_replayed_ends_nobody_else() -> None:
    peers, address = lost_on_both_sides()
    join_again(peers)
    peers.clients[address].close(now=peers.now)
    peers.run(0.5)
    del peers.clients[address]
    joined(peers)
    for data in goodbyes(peers):
        peers.server.receive_datagram(data, address, now=peers.now)
    assert list(peers.server.peers) == [2]


# -- clients that were never heard, and clients at one address ---------------------------------------------------------


def test_a_client_that_never_answered_its_acceptance_leaves_at_the_time_out() -> None:
    """Its program has ended in that moment, so nobody will come back."""
    peers = Peers()
    address = peers.connect()
    peers.drop = lambda data, sender, receiver: data[0] == ACCEPTED
    assert peers.run(3.0, lambda: peers.server.peers)
    del peers.clients[address]
    peers.run(6.0)
    assert happenings(peers) == ["Connected", "Disconnected"]
    assert peers.at_server[-1][1].reason is DisconnectReason.TIMED_OUT
    assert len(peers.server.table) == 0


def test_a_client_that_has_come_back_and_was_not_heard_since_is_lost_as_before() -> None:
    peers, address = lost_on_both_sides()
    peers.drop = lambda data, sender, receiver: data[0] == ACCEPTED
    assert peers.run(3.0, lambda: not is_lost(peers))
    cut(peers, address)
    assert peers.run(7.0, lambda: is_lost(peers))
    join_again(peers)
    assert back(peers, address)
    assert happenings(peers) == ["Connected", "Lost", "Resumed", "Lost", "Resumed"]


def test_a_claim_shows_that_a_client_has_its_acceptance() -> None:
    """The client was never heard, and resumes before the server has missed it."""
    peers = Peers()
    address = peers.joined()
    assert never_answered(peers.peer(address))
    client = peers.clients[address]
    client.lose(peers.now)
    assert back(peers, address)
    assert happenings(peers) == ["Connected", "Lost", "Resumed"]


def test_a_newcomer_at_the_address_of_another_client_leaves_it_its_place() -> None:
    """A player is no address: the other one may be elsewhere by now, and resumes from there."""
    peers = Peers()
    address = joined(peers)
    first, elsewhere = peers.clients.pop(address), ("client", 9)
    joined(peers)
    assert happenings(peers) == ["Connected", "Lost", "Connected"]
    assert list(peers.server.table.lost) == [1]
    peers.clients[elsewhere] = first
    for record in (peers.states, peers.events, peers.acked):
        record[elsewhere] = []  # type: ignore[assignment]
    assert peers.run(8.0, lambda: not is_lost(peers))
    peers.run(0.5)
    assert {peer.client_id: peer.address for peer in peers.server.peers.values()} == {1: elsewhere, 2: address}
    assert first.connected


def test_a_full_server_gives_the_place_at_one_address_to_the_newcomer() -> None:
    peers = Peers(config=ServerConfig(max_clients=1))
    peers.clients.pop(joined(peers))
    joined(peers)
    assert list(peers.server.peers) == [2]
    assert len(peers.server.table) == 1
