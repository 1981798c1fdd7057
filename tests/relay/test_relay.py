"""The relay brings players together, forwards their datagrams, and keeps to its bounds."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase._protocol.wire import MAX_DATAGRAM_BYTES
from pygase._relay.limits import FREE_TRIES, LONGEST_TRIES_PAUSE, TRIES_FORGOTTEN_AFTER, RelayLimits
from pygase._relay.relay import RELAY_COOKIE_LIFETIME
from pygase._relay.relay_datagrams import (
    ALIVE,
    CHANNEL_GONE,
    MIN_RELAY_REQUEST_BYTES,
    NO_SUCH_CODE,
    OTHER_RELAY_VERSION,
    OWN_ROOM,
    RELAY_COOKIE,
    RELAY_FULL,
    RELAY_VERSION,
    RELAYED,
    RELAYED_BYTES,
    TOO_MANY_TRIES,
    WRONG_ACCESS_KEY,
    JoinRoom,
    LeaveRoom,
    OpenRoom,
    RelayRefused,
    RelayRequest,
    of_channel,
)
from tests.support.relaying import Host, Player, RelayBed


def met(bed: RelayBed) -> tuple[Host, Player, bytes]:
    host, player = bed.host(), bed.player()
    return host, player, player.join(host.open())


def reasons(end: Host | Player) -> list[int]:
    return [refused.reason for refused in end.refused]


class TestMeeting:
    def test_a_code_leads_to_the_host_and_datagrams_go_both_ways(self) -> None:
        host, player, channel = met(RelayBed())
        player.send_game(channel, b"hello")
        host.send_game(channel, b"welcome")
        assert host.games == [(channel, b"hello")]
        assert player.games == [(channel, b"welcome")]

    def test_both_learn_each_others_address_and_candidates_and_one_secret(self) -> None:
        bed = RelayBed()
        host, player = bed.host("198.51.100.1", 4000), bed.player("2001:db8::7", 5000)
        host.candidates, player.candidates = b"at home", b"elsewhere"
        player.join(host.open())
        assert player.joined is not None
        assert host.opened is not None
        assert player.joined.host_address == host.opened.address == bytes([198, 51, 100, 1, 0x0F, 0xA0])
        assert player.joined.candidates == b"at home"
        assert host.peers[0].address == player.joined.address
        assert player.joined.address == bytes.fromhex("20010db8 00000000 00000000 00000007 1388")
        assert host.peers[0].candidates == b"elsewhere"
        assert host.peers[0].secret == player.joined.secret
        assert len(player.joined.secret) == 16

    def test_several_players_have_channels_of_their_own(self) -> None:
        bed = RelayBed()
        host = bed.host()
        code = host.open()
        players = [bed.player(port=5000 + index) for index in range(5)]
        channels = [player.join(code) for player in players]
        assert len(set(channels)) == 5
        for index, channel in enumerate(channels):
            host.send_game(channel, bytes([index]))
        assert [player.games for player in players] == [[(channels[i], bytes([i]))] for i in range(5)]

    def test_a_repeated_request_gets_the_same_answer(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        assert host.opened is not None
        assert player.join(host.open()) == channel
        assert bed.relay.rooms == bed.relay.players == 1

    def test_the_report_of_a_player_is_repeated_until_the_host_confirms_it(self) -> None:
        bed = RelayBed()
        host, player = bed.host(), bed.player()
        host.meets = False
        channel = player.join(host.open())
        for _ in range(10):
            bed.now += 0.06
            player.send_game(channel, b"x")
        assert 4 <= len(host.peers) <= 6, "one each 0.1 s"
        host.meets = True
        bed.now += 0.2
        player.send_game(channel, b"x")
        before = len(host.peers)
        bed.now += 1.0
        player.send_game(channel, b"x")
        assert len(host.peers) == before

    def test_a_cookie_holds_for_one_address_and_some_seconds(self) -> None:
        bed = RelayBed()
        host = bed.host()
        host.send(OpenRoom(host.request(), host.secret).encode())
        opening = OpenRoom(host.request(), host.secret).encode()
        other = bed.host("198.51.100.2")
        other.nonce = host.nonce
        other.send(opening)
        assert bed.relay.rooms == 0
        bed.now += RELAY_COOKIE_LIFETIME + 0.2
        host.send(opening)
        assert bed.relay.rooms == 0
        assert host.open()

    def test_a_room_with_another_access_key_is_refused(self) -> None:
        bed = RelayBed(access_key=b"only for pong")
        stranger, host = bed.host(), bed.host(port=4001)
        assert stranger.open() == ""
        assert reasons(stranger) == [WRONG_ACCESS_KEY]
        stranger.access_key = b"guessed"
        assert stranger.open() == ""
        host.access_key = b"only for pong"
        code = host.open()
        assert bed.player().join(code), "players need no key"

    def test_another_version_is_refused_with_few_bytes(self) -> None:
        bed = RelayBed()
        host = bed.host()
        host.send(OpenRoom(RelayRequest(RELAY_VERSION + 1, host.nonce), host.secret).encode())
        assert reasons(host) == [OTHER_RELAY_VERSION]


class TestStrangers:
    def test_nobody_else_sends_into_a_channel(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        stranger = bed.player("192.0.2.66", 666)
        stranger.send_game(channel, b"forged")
        assert not host.games
        assert not player.games
        assert stranger.gone == [channel]

    def test_nobody_else_closes_a_room_or_a_channel(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        stranger = bed.player("192.0.2.66", 666)
        stranger.send(LeaveRoom(OWN_ROOM, host.secret).encode())
        stranger.send(LeaveRoom(channel, bytes(16)).encode())
        assert (bed.relay.rooms, bed.relay.players) == (1, 1)
        bed.deliver(LeaveRoom(channel, bytes(16)).encode(), player.address)
        bed.deliver(LeaveRoom(OWN_ROOM, bytes(16)).encode(), host.address)
        assert (bed.relay.rooms, bed.relay.players) == (1, 1), "the sender can be forged, the secret cannot"

    def test_a_request_without_its_padding_gets_no_answer(self) -> None:
        bed = RelayBed()
        host = bed.host()
        host.send(OpenRoom(host.request(), host.secret).encode()[: MIN_RELAY_REQUEST_BYTES - 1])
        assert bed.got[host.address] == 0

    @pytest.mark.parametrize("data", [b"", b"\x16", b"\x16abc", b"\x19", b"\x06" * 100, b"\x11" * 100, b"\xff"])
    def test_other_bytes_get_no_answer(self, data: bytes) -> None:
        bed = RelayBed()
        bed.deliver(data, ("192.0.2.66", 666))
        assert bed.got == {}
        assert sum(bed.relay.counters.dropped.values()) == 1

    def test_nothing_is_forwarded_that_is_too_long_or_empty(self) -> None:
        host, player, channel = met(RelayBed())
        player.send_game(channel, bytes(MAX_DATAGRAM_BYTES - RELAYED_BYTES))
        player.send_game(channel, bytes(MAX_DATAGRAM_BYTES - RELAYED_BYTES + 1))
        player.send_game(channel, b"")
        assert [len(payload) for _, payload in host.games] == [MAX_DATAGRAM_BYTES - RELAYED_BYTES]


class TestBounds:
    def test_after_twenty_wrong_codes_a_host_waits_longer_and_longer(self) -> None:
        bed = RelayBed()
        host = bed.host()
        code = host.open()
        guesser = bed.player("203.0.113.9")
        wrong = "000000" if code != "000000" else "000001"
        for _ in range(FREE_TRIES):
            guesser.send(JoinRoom(guesser.request(), wrong).encode())
            if guesser.cookie and not guesser.refused:
                guesser.send(JoinRoom(guesser.request(), wrong).encode())
        assert reasons(guesser) == [NO_SUCH_CODE] * FREE_TRIES
        waits = []
        for _ in range(9):
            assert guesser.join(code) == b"", "not even the right one is looked up"
            assert guesser.refused[-1].reason == TOO_MANY_TRIES
            waits.append(guesser.refused[-1].wait)
            bed.now += waits[-1]
            guesser.cookie = None
            guesser.join(wrong)
            assert guesser.refused[-1].reason == NO_SUCH_CODE
        assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
        assert bed.player("203.0.113.10").join(code), "another host does not wait"
        bed.now += LONGEST_TRIES_PAUSE + TRIES_FORGOTTEN_AFTER + 1
        guesser.cookie = None
        host.send(of_channel(ALIVE, OWN_ROOM))
        assert guesser.join(code)

    def test_the_wrong_codes_of_a_whole_ipv6_network_count_together(self) -> None:
        bed = RelayBed()
        code = bed.host().open()
        for index in range(FREE_TRIES):
            bed.player(f"2001:db8:0:1::{index:x}").join("000000")
        last = bed.player("2001:db8:0:1:ffff::1")
        last.join(code)
        assert reasons(last)[-1:] == [TOO_MANY_TRIES]
        assert bed.player("2001:db8:0:2::1").join(code)

    def test_rooms_and_players_are_bounded_in_all_and_for_each_host(self) -> None:
        bed = RelayBed(limits=RelayLimits(rooms=3, rooms_per_host=2, channels_per_room=2, channels_per_host=3))
        hosts = [bed.host("198.51.100.1", 4000 + index) for index in range(3)]
        codes = [host.open() for host in hosts]
        assert [bool(code) for code in codes] == [True, True, False]
        assert reasons(hosts[2]) == [RELAY_FULL]
        assert bed.host("198.51.100.2").open()
        assert not bed.host("198.51.100.3").open()
        assert bed.player("203.0.113.1", 1).join(codes[0])
        assert bed.player("203.0.113.1", 2).join(codes[0])
        assert not bed.player("203.0.113.1", 3).join(codes[0]), "two players in a room"
        assert bed.player("203.0.113.1", 4).join(codes[1])
        assert not bed.player("203.0.113.1", 5).join(codes[1]), "three players of a host"
        assert bed.player("203.0.113.2", 6).join(codes[1])

    def test_space_is_free_again_after_an_end(self) -> None:
        bed = RelayBed(limits=RelayLimits(rooms=1, rooms_per_host=1, channels_per_room=1, channels_per_host=1))
        host, player, channel = met(bed)
        assert player.joined is not None
        player.send(LeaveRoom(channel, player.joined.secret).encode())
        assert host.gone == player.gone == [channel]
        other = bed.player(port=5001)
        assert other.join(host.open())
        host.close()
        assert host.gone[-1] == OWN_ROOM
        assert len(other.gone) == 1
        assert (bed.relay.rooms, bed.relay.players) == (0, 0)
        assert bed.host(port=4001).open()

    def test_a_host_opens_and_joins_only_so_often(self) -> None:
        bed = RelayBed(limits=RelayLimits(joins_per_host=3, joins_per_second=1.0))
        code = bed.host().open()
        players = [bed.player(port=6000 + index) for index in range(5)]
        assert [bool(player.join(code)) for player in players] == [True, True, True, False, False]
        bed.now += 1.0
        assert players[3].join(code)

    @pytest.mark.parametrize(
        ("size", "expected"),
        [(995, 20 + 10), (45, 40 + 20)],  # bytes are the bound, datagrams are
    )
    def test_a_channel_carries_so_much_in_each_direction(self, size: int, expected: int) -> None:
        limits = RelayLimits(bytes_per_second=10_000, datagrams_per_second=20, burst_seconds=2.0)
        bed = RelayBed(limits=limits)
        host, player, channel = met(bed)
        for _ in range(200):
            player.send_game(channel, bytes(size))
        bed.now += 1.0
        for _ in range(200):
            player.send_game(channel, bytes(size))
        assert len(host.games) == expected
        assert bed.relay.counters.dropped["over the channel's rate"] == 400 - expected
        host.send_game(channel, bytes(size))
        assert len(player.games) == 1, "the other direction has a budget of its own"


class TestTime:
    def test_a_room_ends_a_minute_after_the_hosts_last_datagram(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        for data in (of_channel(ALIVE, OWN_ROOM), of_channel(RELAYED, channel) + b"x"):
            bed.pass_time(50.0)
            player.send(of_channel(ALIVE, channel))
            host.send(data)
        bed.pass_time(59.0)
        assert bed.relay.rooms == 1
        bed.pass_time(3.0)
        assert bed.relay.rooms == bed.relay.players == 0
        assert player.gone == [channel]
        (ended,) = bed.relay.take_ended()
        assert (ended.joined, ended.reason, ended.host) == (1, "silent", "198.51.100.1")
        assert ended.carried_bytes == RELAYED_BYTES + 1
        assert 159.0 < ended.seconds < 163.0
        assert bed.relay.take_ended() == []

    def test_a_silent_players_channel_ends_and_the_host_learns_it(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        for _ in range(4):
            bed.pass_time(20.0)
            host.send(of_channel(ALIVE, OWN_ROOM))
        assert host.alive == [OWN_ROOM] * 4
        assert (bed.relay.rooms, bed.relay.players) == (1, 0)
        assert host.gone == player.gone == [channel]

    def test_a_sign_of_life_is_echoed_to_those_who_take_part_only(self) -> None:
        bed = RelayBed()
        _, player, channel = met(bed)
        player.send(of_channel(ALIVE, channel))
        assert player.alive == [channel]
        stranger = bed.player("192.0.2.66", 666)
        for number in (channel, OWN_ROOM):
            stranger.send(of_channel(ALIVE, number))
        assert stranger.gone == [channel, OWN_ROOM]

    def test_a_host_that_slept_gets_its_code_back(self) -> None:
        bed = RelayBed()
        host = bed.host()
        code = host.open()
        bed.pass_time(3600.0)
        assert bed.relay.rooms == 0
        host.send(of_channel(ALIVE, OWN_ROOM))
        assert host.gone == [OWN_ROOM]
        host.cookie = None
        assert host.open() == code

    def test_a_restart_keeps_the_codes_the_channels_and_the_secrets(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        code, before = host.open(), player.joined
        bed.restart()
        player.send_game(channel, b"?")
        host.send(of_channel(ALIVE, OWN_ROOM))
        assert player.gone == [channel]
        assert host.gone == [OWN_ROOM]
        host.cookie = player.cookie = None
        assert host.open() == code
        assert player.join(code) == channel
        assert player.joined == before
        player.send_game(channel, b"again")
        assert host.games[-1] == (channel, b"again")

    def test_the_end_of_a_relay_is_reported_to_everybody(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        bed.relay.close(bed.now)
        bed.transmit()
        assert host.gone == [OWN_ROOM]
        assert player.gone == [channel]
        assert [ended.reason for ended in bed.relay.take_ended()] == ["the relay ends"]


class TestMoving:
    def test_a_player_keeps_its_channel_at_another_address(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        code = host.open()
        bed.move(player, "203.0.113.77", 7777)
        player.send_game(channel, b"lost")
        assert player.gone == [channel]
        assert player.join(code) == channel
        player.send_game(channel, b"found")
        host.send_game(channel, b"back")
        assert host.games == [(channel, b"found")]
        assert player.games == [(channel, b"back")]
        assert len(host.peers) == 2, "the host learns the new address"
        assert host.peers[1].address == bytes([203, 0, 113, 77, 0x1E, 0x61])

    def test_a_host_keeps_its_room_and_its_players_at_another_address(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        code = host.open()
        bed.move(host, "198.51.100.99", 4999)
        assert host.open() == code
        player.send_game(channel, b"still here")
        host.send_game(channel, b"so am I")
        assert host.games == [(channel, b"still here")]
        assert player.games == [(channel, b"so am I")]
        assert bed.relay.rooms == 1

    def test_a_new_program_of_the_host_is_told_its_players_again(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        host.peers.clear()
        host.nonce, host.cookie = b"another!", None
        host.open()
        player.send_game(channel, b"x")
        assert [peer.channel for peer in host.peers] == [channel]

    def test_another_room_of_a_program_ends_the_first(self) -> None:
        bed = RelayBed()
        host, player, channel = met(bed)
        first, host.secret = host.open(), b"another secret!!"
        assert host.open() not in ("", first)
        assert player.gone == [channel]
        assert host.gone == []
        assert bed.relay.rooms == 1


# -- properties ------------------------------------------------------------------------------------------------------

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["open", "join", "game", "alive", "leave", "move", "forge", "time", "restart"]),
        st.integers(0, 2**32),
    ),
    max_size=60,
)


class Crowd:
    """Hosts, players and a forger who do whatever hypothesis says. The bed accounts for every byte."""

    def __init__(self, seed: int) -> None:
        limits = RelayLimits(rooms=3, rooms_per_host=2, channels_per_room=3, channels_per_host=4, joins_per_host=6)
        self.bed = RelayBed(seed, limits)
        self.hosts = [self.bed.host(f"198.51.100.{index + 1}", 4000) for index in range(4)]
        self.players = [self.bed.player(f"203.0.113.{index % 3}", 5000 + index) for index in range(6)]
        self.codes = ["000000"]
        self.heard: list[bytes] = []
        self.ports = iter(range(10_000, 20_000))

    def act(self, action: str, number: int) -> None:
        rng = random.Random(number)
        host, player = rng.choice(self.hosts), rng.choice(self.players)
        end = rng.choice([host, player])
        getattr(self, f"_{action}")(rng, host, player, end)
        self.check()

    def _open(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        self.codes.append(host.open() or "000000")

    def _join(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        player.join(rng.choice(self.codes))

    def _channel(self, rng: random.Random) -> bytes:
        return rng.choice([p.joined.channel for p in self.players if p.joined] or [OWN_ROOM])

    def _game(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        end.send_game(self._channel(rng), rng.randbytes(rng.randrange(1195)))

    def _alive(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        end.send(of_channel(ALIVE, rng.choice([OWN_ROOM, self._channel(rng)])))

    def _leave(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        secrets = [host.secret, *(p.joined.secret for p in self.players if p.joined)]
        end.send(LeaveRoom(rng.choice([OWN_ROOM, self._channel(rng)]), rng.choice(secrets)).encode())

    def _move(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        self.bed.move(end, f"203.0.113.{rng.randrange(3)}", next(self.ports))

    def _forge(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        """Send something from an address that never listens, or is another's."""
        address = rng.choice([("192.0.2.1", rng.randrange(1, 4)), host.address])
        requests = [OpenRoom(end.request(), host.secret).encode(), JoinRoom(end.request(), self.codes[-1]).encode()]
        data = rng.choice([*requests, of_channel(RELAYED, self._channel(rng)) + bytes(40), rng.randbytes(300)])
        self.bed.deliver(data[: rng.choice([len(data), rng.randrange(len(data) + 1)])], address)

    def _time(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        self.bed.pass_time(rng.choice([0.1, 1.0, 12.0, 70.0]))

    def _restart(self, rng: random.Random, host: Host, player: Player, end: Host | Player) -> None:
        self.bed.restart()

    def check(self) -> None:
        relay, limits = self.bed.relay, self.bed.relay.limits
        assert relay.rooms <= limits.rooms
        assert relay.players <= limits.rooms * limits.channels_per_room
        assert relay.datagrams_to_send() == []


@settings(deadline=None)
@given(actions=ACTIONS, seed=st.integers(0, 2**16))
def test_nobody_gets_anything_unasked_and_no_answer_is_longer_than_its_request(
    actions: list[tuple[str, int]], seed: int
) -> None:
    """The bed checks this for every datagram of the relay, see :meth:`RelayBed.account`."""
    crowd = Crowd(seed)
    for action, number in actions:
        crowd.act(action, number)


@given(number=st.integers(0, 2**32), bystander=st.integers(0, 5))
def test_a_relayed_datagram_reaches_the_other_end_of_its_channel_and_nobody_else(number: int, bystander: int) -> None:
    crowd = Crowd(number)
    host = crowd.hosts[0]
    code = host.open()
    channels = [player.join(code) for player in crowd.players[:3]]
    payload = crowd.bed.rng.randbytes(50)
    crowd.players[bystander].send_game(channels[0], payload)
    assert host.games == ([(channels[0], payload)] if bystander == 0 else [])
    assert not any(player.games for player in crowd.players)


def test_the_bed_notices_a_datagram_that_nobody_asked_for() -> None:
    """The test of the test."""
    bed = RelayBed()
    with pytest.raises(AssertionError, match="has never asked"):
        bed.account(of_channel(CHANNEL_GONE, OWN_ROOM), ("192.0.2.1", 1))
    bed.deliver(b"\x19", ("192.0.2.1", 1))
    with pytest.raises(AssertionError, match="gets more than it sends"):
        bed.account(of_channel(CHANNEL_GONE, OWN_ROOM), ("192.0.2.1", 1))


def test_answers_are_shorter_than_the_least_request() -> None:
    bed = RelayBed()
    host = bed.host("2001:db8::1")
    host.candidates = bytes(76)
    player = bed.player("2001:db8::2")
    player.candidates = bytes(76)
    player.join(host.open())
    assert player.joined is not None
    longest = max(len(each.encode()) for each in (player.joined, host.peers[0], RelayRefused(bytes(8), 1, 1)))
    assert longest == 144 < MIN_RELAY_REQUEST_BYTES
    assert RELAY_COOKIE not in (CHANNEL_GONE, ALIVE)
