"""Admission: places when all are taken, new connections per host, guesses at the password."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pygase._protocol import admission
from pygase._protocol.admission import Visitors, host_of
from pygase._protocol.crypto import password_proof, stretched_password
from pygase._protocol.datagrams import Challenge, ChallengeResponse, ConnectRequest, Refused, ResponseBody
from pygase._protocol.endpoint import ServerEndpoint
from pygase._protocol.wire import ACCEPTED, DATA, NONCE_BYTES, PROTOCOL_VERSION, REFUSED
from pygase.config import ClientConfig, ServerConfig
from pygase.errors import DisconnectReason
from tests.support.peers import Address, Peers

PATIENT = ClientConfig(connect_timeout=30.0, encryption="off")


@pytest.mark.parametrize(
    ("address", "host"),
    [
        (("192.0.2.7", 5000), "192.0.2.7"),
        (("::ffff:192.0.2.7", 5000, 0, 0), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5000, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2:ffff::", 6000, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:3::1", 5000, 0, 0), "2001:db8:1:3::/64"),
        (("fe80::1%eth0", 5000, 0, 2), "fe80::1"),
        (("fe80::2", 5000, 0, 2), "fe80::2"),
        (("a name", 1), "a name"),
        (("no:address", 1), "no:address"),
        ((), ""),
    ],
)
def test_a_host_is_an_ip_address_and_of_ipv6_its_network(address: Any, host: str) -> None:
    assert host_of(address) == host


# -- places ----------------------------------------------------------------------------------------------------------


class House:
    """A server with few places and a state that changes 20 times a second, and clients at several hosts."""

    def __init__(
        self, seed: int = 1, *, state: Any = "", loss: float = 0.0, password: str | None = None, **config: Any
    ) -> None:
        config.setdefault("max_clients", 8)
        self.peers = Peers(seed, loss=loss, config=ServerConfig(**config), password=password)
        self.state = state
        self.mute: set[str] = set()
        self.active: list[Address] = []
        self.peers.drop = lambda data, sender, receiver: sender[0] in self.mute and data[0] == DATA
        self.peers.push({"n": 0, "state": state})

    def knock(self, host: str, **client: Any) -> Address:
        client.setdefault("config", PATIENT)
        return self.peers.connect(port=len(self.peers.clients) + 1, host=host, **client)

    def run(self, seconds: float) -> None:
        end = self.peers.now + seconds
        while self.peers.now < end - 1e-9:
            for address in self.active:
                self.peers.clients[address].queue_event(b"\x91\xa4move", 0, None, now=self.peers.now)
            self.peers.push({"n": self.peers.tick, "state": self.state})
            self.peers.run(0.05)

    def held(self) -> Counter[str]:
        return Counter(str(address[0]) for address in self.peers.server.by_address)

    def fill(self, host: str, count: int, *, active: bool = False) -> list[Address]:
        come = [self.knock(host) for _ in range(count)]
        self.peers.run(0.06)
        assert all(address in self.peers.server.by_address for address in come)
        if active:
            self.active += come
        return come


@pytest.mark.parametrize("absent_after", [0.5, 1.0, 3.0])
def test_connections_that_never_acknowledge_a_state_give_way_to_a_newcomer_from_elsewhere(absent_after: float) -> None:
    """When the newcomer arrives, the absent peers are not known yet. So it waits instead of being refused."""
    house = House(absent_after=absent_after)
    house.mute.add("taker")
    taken = house.fill("taker", 8)
    newcomer = house.knock("home")
    house.run(absent_after - 0.2)
    assert not house.peers.clients[newcomer].connected
    house.run(0.6)
    assert house.peers.clients[newcomer].connected
    assert house.held() == {"taker": 7, "home": 1}
    (told,) = [house.peers.ended[address] for address in taken if address in house.peers.ended]
    assert told.reason == DisconnectReason.SERVER_FULL
    assert told.detail == (
        f"Your program had acknowledged no state for {absent_after:g} s, and somebody else wanted to play."
    )


def test_a_newcomer_from_the_very_host_that_holds_all_places_is_refused_at_once() -> None:
    house = House()
    house.mute.add("taker")
    house.fill("taker", 8)
    for seconds in (0.0, 2.0):
        house.run(seconds)
        newcomer = house.knock("taker")
        house.peers.run(0.1)
        assert house.peers.ended[newcomer].reason == DisconnectReason.SERVER_FULL
    assert house.held() == {"taker": 8}


@pytest.mark.parametrize("silent_after", [5.0, 30.0])
def test_full_clients_that_send_nothing_give_way_down_to_what_a_host_keeps(silent_after: float) -> None:
    house = House(silent_after=silent_after, silent_places_per_host=3)
    house.fill("taker", 8)
    house.run(silent_after - 3.0)
    too_early = house.knock("home 0")
    house.peers.run(0.1)
    assert house.peers.ended[too_early].reason == DisconnectReason.SERVER_FULL
    house.run(4.5)
    newcomers = [house.knock(f"home {number}") for number in range(1, 8)]
    house.run(1.0)
    inside = [address for address in newcomers if house.peers.clients[address].connected]
    assert len(inside) == 5
    assert house.held()["taker"] == 3
    words = {told.detail for told in house.peers.ended.values() if told.detail.startswith("Your")}
    assert words == {
        f"Your program had sent no event and no input for {silent_after:g} s, and somebody else wanted to play."
    }


def test_a_host_keeps_half_of_the_places_at_most() -> None:
    house = House(silent_after=3.0)
    house.fill("taker", 8)
    house.run(5.0)
    for number in range(8):
        house.knock(f"home {number}")
    house.run(1.0)
    assert house.held()["taker"] == 4


@pytest.mark.parametrize("inputs", [False, True])
def test_who_sends_events_or_inputs_never_gives_way(inputs: bool) -> None:
    house = House(silent_after=3.0, silent_places_per_host=1)
    players = house.fill("school", 8, active=not inputs)
    for _ in range(20):
        if inputs:
            for address in players:
                house.peers.clients[address].queue_input(b"\xc0", None)
        house.run(0.5)
    newcomer = house.knock("home")
    house.run(0.1)
    assert house.peers.ended[newcomer].reason == DisconnectReason.SERVER_FULL
    assert house.held() == {"school": 8}


def test_a_class_behind_one_router_that_listens_is_not_drained_by_strangers() -> None:
    """30 listeners have sent nothing for long, all other places are taken, and strangers of many hosts try."""
    house = House(max_clients=64, silent_after=5.0)
    house.fill("school", 30)
    for number in range(34):
        house.fill(f"home {number}", 1, active=True)
    house.run(8.0)
    strangers = [house.knock(f"stranger {number}") for number in range(40)]
    house.run(1.0)
    assert {house.peers.ended[address].reason for address in strangers} == {DisconnectReason.SERVER_FULL}
    assert house.held()["school"] == 30


def test_the_host_that_holds_most_gives_way_first_and_the_longest_silent_there() -> None:
    house = House(max_clients=9, silent_after=3.0, silent_places_per_host=1)
    small = house.fill("small", 3)
    first = house.fill("large", 2)
    house.run(1.0)
    later = house.fill("large", 4)
    house.run(5.0)
    for number in range(3):
        house.knock(f"home {number}")
        house.run(0.2)
    gone = [address for address in small + first + later if address not in house.peers.server.by_address]
    assert set(gone) > set(first)
    assert house.held()["small"] == house.held()["large"] == 3


def test_a_host_that_holds_more_takes_no_place_of_a_silent_one_elsewhere() -> None:
    house = House(max_clients=9, silent_after=3.0, silent_places_per_host=2)
    house.fill("watchers", 4)
    house.fill("greedy", 5, active=True)
    house.run(5.0)
    greedy = house.knock("greedy")
    house.run(0.5)
    assert house.peers.ended[greedy].reason == DisconnectReason.SERVER_FULL
    assert house.held() == {"watchers": 4, "greedy": 5}


def test_the_one_who_may_end_the_server_never_gives_way() -> None:
    house = House(max_clients=2, silent_after=3.0)
    house.peers.server.entrance.keys.host_token = "secret"
    house.mute.add("taker")
    host = house.knock("taker", host_token="secret")
    house.fill("taker", 1)
    house.run(2.0)
    house.knock("home 1")
    house.knock("home 2")
    house.run(2.0)
    assert host in house.peers.server.by_address
    assert len(house.peers.server.by_address) == 2


def test_a_large_state_that_is_still_arriving_does_not_make_a_newcomer_absent() -> None:
    house = House(max_clients=1, state=random.Random(3).randbytes(1_500_000), bytes_per_second=500_000)
    slow = house.knock("slow")
    house.run(1.5)
    assert house.peers.states[slow] == []
    newcomer = house.knock("home")
    house.run(0.5)
    assert house.peers.ended[newcomer].reason == DisconnectReason.SERVER_FULL
    house.run(4.0)
    assert house.peers.states[slow]


def test_nobody_is_silent_for_as_long_as_the_server_itself_slept() -> None:
    house = House(silent_places_per_host=1)
    house.fill("watchers", 8)
    house.run(10.0)
    for client in house.peers.clients.values():
        client.forgive(40.0, house.peers.now + 40.0)
    house.peers.now += 40.0
    house.peers.server.forgive(40.0, now=house.peers.now)
    house.knock("home")
    house.run(1.0)
    assert house.held() == {"watchers": 8}
    house.knock("home")
    house.run(20.0)
    house.knock("home")
    house.run(1.0)
    assert house.held() == {"watchers": 7, "home": 1}


def test_where_there_is_no_state_nobody_is_absent() -> None:
    peers = Peers(config=ServerConfig(max_clients=2))
    peers.joined(), peers.joined()
    peers.run(3.0)
    newcomer = peers.connect(port=9, host="home")
    peers.run(0.1)
    assert peers.ended[newcomer].reason == DisconnectReason.SERVER_FULL


@pytest.mark.interpreted
def test_a_flood_of_requests_to_a_full_server_does_not_make_it_look_at_everybody_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House(max_clients=50)
    for number in range(50):
        house.fill(f"home {number}", 1, active=True)
    looks = Counter[str]()
    monkeypatch.setattr("pygase._protocol.admission.Participation.look", lambda self, now: looks.update(["look"]))
    for number in range(10_000):
        request = ConnectRequest(PROTOCOL_VERSION, number.to_bytes(8, "big"), "").encode()
        house.peers.server.receive_datagram(request, ("flood", 1), now=house.peers.now + number * 1e-4)
    assert looks["look"] <= 50 * 12  # a second of it


# -- new connections -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [0.0, 0.3])
def test_a_class_of_thirty_behind_one_router_gets_in_within_the_same_second_also_when_all_try_twice(
    loss: float,
) -> None:
    house = House(max_clients=256, loss=loss)
    for _ in range(2):
        pupils = [house.knock("school") for _ in range(30)]
        house.run(1.0 if not loss else 5.0)
        assert all(house.peers.clients[address].connected for address in pupils)
        for address in pupils:
            house.peers.clients[address].close(now=house.peers.now)
        house.run(0.5)


@pytest.mark.parametrize(("burst", "rate"), [(5, 2.0), (12, 0.5)])
def test_a_host_connects_no_faster_than_its_allowance_comes_back_and_no_other_host_notices(
    burst: int, rate: float
) -> None:
    house = House(max_clients=100, joins_per_host=burst, joins_per_host_and_second=rate)
    for _ in range(40):
        house.knock("busy")
    house.run(0.5)
    assert house.held()["busy"] in range(burst, burst + 2)
    other = house.knock("home")
    house.run(0.2)
    assert house.peers.clients[other].connected
    house.run(9.3)
    assert house.held()["busy"] == pytest.approx(burst + 10 * rate, abs=2)


@pytest.mark.interpreted
def test_what_is_remembered_of_hosts_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_HOSTS", 100)
    monkeypatch.setattr(admission, "MAX_GUESSES", 100)
    visitors = Visitors(ServerConfig(free_password_guesses=1))
    for number in range(5_000):
        visitors.may_join(f"host {number}", now=0.0)
        visitors.on_wrong(f"host {number}", number.to_bytes(16, "big"), bytes(16), now=0.0)
        visitors.may_guess("never seen", now=0.0)
    assert len(visitors) == len(visitors.guesses) == 100
    assert visitors.guessed((4_999).to_bytes(16, "big")) == bytes(16)


# -- passwords -------------------------------------------------------------------------------------------------------


class Guesser:
    """Does the handshake by hand, each time from another port, with any proof."""

    def __init__(self, server: ServerEndpoint, host: str = "guesser") -> None:
        self.server, self.host = server, host
        self.port = 0

    def answer(self, data: bytes, now: float) -> bytes | None:
        self.server.receive_datagram(data, (self.host, self.port), now=now)
        return next((out for out, to in self.server.datagrams_to_send(now=now) if to == (self.host, self.port)), None)

    def challenge(self, now: float) -> Challenge:
        self.port += 1
        nonce = self.port.to_bytes(NONCE_BYTES, "big")
        answer = self.answer(ConnectRequest(PROTOCOL_VERSION, nonce, "").encode(), now)
        assert answer is not None
        return Challenge.decode(answer)

    def give(self, challenge: Challenge, proof: bytes, now: float) -> bytes | None:
        nonce, issued_at, cookie = challenge[:3]
        body = ResponseBody(proof).encode()
        response = ChallengeResponse(PROTOCOL_VERSION, nonce, issued_at, cookie, "", b"", False, body)
        return self.answer(response.encode(), now)

    def guess(self, password: str, now: float) -> bytes | None:
        challenge = self.challenge(now)
        key = password.encode()  # whoever only floods saves the work of scrypt
        if password == "sesame":
            key = stretched_password(password, challenge.salt)
        return self.give(challenge, password_proof(key, challenge.cookie + challenge.nonce), now)


def locked(**config: Any) -> ServerEndpoint:
    return ServerEndpoint(random_bytes=random.Random(7).randbytes, password="sesame", config=ServerConfig(**config))


def kind(answer: bytes | None) -> int | None:
    return None if answer is None else answer[0]


@pytest.mark.parametrize(("free", "most"), [(8, 4.0), (3, 1.0)])
def test_a_flood_of_guesses_from_ever_new_ports_becomes_a_few(free: int, most: float) -> None:
    """20 seconds of 1,000 guesses a second: the free ones, then pauses that double, then one in each longest pause."""
    server = locked(free_password_guesses=free, max_password_pause=most)
    guesser = Guesser(server)
    looked_at = [n for n in range(20_000) if guesser.guess(str(n), now=100.0 + n / 1000) is not None]
    assert looked_at[:free] == list(range(free))
    pauses = [(b - a) / 1000 for a, b in zip(looked_at[free:], looked_at[free + 1 :], strict=False)]
    doubling = [min(admission.FIRST_PAUSE * 2.0**n, most) for n in range(len(pauses))]
    assert pauses == pytest.approx(doubling, abs=0.002)
    assert len(looked_at) <= free + 20 / most + math.log2(most / admission.FIRST_PAUSE) + 2
    assert server.dropped["guess too soon after a wrong one"] == 20_000 - len(looked_at)


def test_the_right_one_gets_in_from_the_same_host_after_the_longest_pause_and_clears_it() -> None:
    server = locked()
    guesser = Guesser(server)
    for number in range(1_000):
        guesser.guess(str(number), now=100.0 + number / 100)
    now = next(at for at in (110.0 + n * 0.25 for n in range(17)) if kind(guesser.guess("sesame", at)) == ACCEPTED)
    assert [kind(guesser.guess("wrong", now)) for _ in range(8)] == [REFUSED] * 8


def test_one_childs_typing_does_not_lock_out_the_class(seed: int) -> None:
    """One types wrong passwords all the time, as fast as there are answers; 29 others at the same router join."""
    house = House(max_clients=64, seed=seed, password="sesame")
    typing = house.knock("school", password="wrong")

    def type_for(seconds: float) -> None:
        nonlocal typing
        for _ in range(round(seconds / 0.1)):
            house.run(0.1)
            if typing in house.peers.ended:
                typing = house.knock("school", password="wrong")

    type_for(8.0)
    assert len(house.peers.ended) > ServerConfig.free_password_guesses
    pupils = [house.knock("school", password="sesame", config=ClientConfig()) for _ in range(29)]
    type_for(ClientConfig.connect_timeout)
    assert all(house.peers.clients[address].connected for address in pupils)


def test_other_hosts_do_not_notice_the_pause_of_one() -> None:
    server = locked()
    for number in range(100):
        Guesser(server, "guesser").guess(str(number), now=100.0)
    assert kind(Guesser(server, "home").guess("sesame", now=100.0)) == ACCEPTED


def test_a_challenge_is_good_for_one_guess() -> None:
    """A repeated guess gets the same answer, since the answer may have been lost. Another guess, even the right one, is
    ignored.
    """
    server = locked()
    guesser = Guesser(server)
    challenge = guesser.challenge(100.0)
    right = password_proof(stretched_password("sesame", challenge.salt), challenge.cookie + challenge.nonce)
    for _ in range(3):
        answer = guesser.give(challenge, b"wrong".ljust(16, b"!"), 100.0)
        assert answer is not None
        assert Refused.decode(answer).reason == DisconnectReason.WRONG_PASSWORD
    assert guesser.give(challenge, b"other".ljust(16, b"!"), 100.1) is None
    assert guesser.give(challenge, right, 100.2) is None
    assert server.dropped["second guess"] == 2
    assert kind(guesser.guess("sesame", now=100.3)) == ACCEPTED


def test_whoever_gives_no_password_has_not_guessed() -> None:
    server = locked(free_password_guesses=1)
    guesser = Guesser(server)
    for _ in range(20):
        answer = guesser.give(guesser.challenge(100.0), bytes(16), 100.0)
        assert answer is not None
        assert Refused.decode(answer).detail == "It asks for one, and none was given."
    assert kind(guesser.guess("sesame", now=100.0)) == ACCEPTED


def test_slips_of_long_ago_are_forgotten() -> None:
    server = locked(free_password_guesses=3)
    guesser = Guesser(server)
    for day in range(5):
        now = 100.0 + day * 86_400
        assert [kind(guesser.guess("wrong", now=now)) for _ in range(4)] == [REFUSED] * 4
        assert guesser.guess("wrong", now=now) is None


def test_guesses_of_addresses_that_have_not_proved_that_they_receive_store_nothing(rng: random.Random) -> None:
    server = locked()
    forge: Callable[[int], bytes] = rng.randbytes
    for number in range(5_000):
        response = ChallengeResponse(
            PROTOCOL_VERSION, forge(8), 1000, forge(16), "", b"", False, ResponseBody(forge(16)).encode()
        )
        server.receive_datagram(response.encode(), (f"10.0.0.{number % 250}", number), now=100.0)
    assert len(server.entrance.visitors) == 0
    assert server.dropped["wrong cookie"] == 5_000
