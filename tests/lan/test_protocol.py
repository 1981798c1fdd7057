"""Finding games, without a network: the bytes of questions and answers, the answered askers, the listed games."""

import random
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._lan import protocol as discovery
from pygase._lan.protocol import (
    FORGET_AFTER,
    KEPT_QUERIES,
    MAX_ANSWER_BYTES,
    MAX_ANSWERS,
    MAX_ANSWERS_PER_HOST,
    MAX_GAMES,
    MAX_GAMES_PER_HOST,
    MAX_INFO_BYTES,
    MAX_NAME_BYTES,
    QUERY_BYTES,
    REPEAT_INTERVAL,
    SWITCH_AFTER,
    TRIES,
    TRY_INTERVAL,
    Answer,
    DiscoveredGame,
    Listing,
    Query,
    Responder,
    encode_info,
)
from pygase._protocol.wire import MAX_GAME_BYTES, PROTOCOL_VERSION
from pygase.errors import MalformedPacket

NONCE, ID = b"nonce..8", b"server.8"


def an_answer(nonce: bytes = NONCE, **changes: Any) -> Answer:
    fields: dict[str, Any] = {
        "nonce": nonce,
        "server_id": ID,
        "version": PROTOCOL_VERSION,
        "password": False,
        "port": 8080,
        "players": 2,
        "max_players": 16,
        "game": "pong",
        "name": "Anna's game",
        "info": encode_info({"map": "moon"}),
    }
    return Answer(**fields | changes)


class TestBytes:
    @given(game=st.text(max_size=16))
    def test_a_query_says_what_was_put_in(self, game: str) -> None:
        data = Query(NONCE, game).encode()
        assert Query.decode(data) == Query(NONCE, game)
        assert len(data) == QUERY_BYTES

    @given(
        answer=st.builds(
            Answer,
            nonce=st.binary(min_size=8, max_size=8),
            server_id=st.binary(min_size=8, max_size=8),
            version=st.integers(0, 0xFFFF),
            password=st.booleans(),
            port=st.integers(1, 0xFFFF),
            players=st.integers(0, 0xFFFF),
            max_players=st.integers(0, 0xFFFF),
            game=st.text(max_size=16).filter(str.isprintable),
            name=st.text("abcäöü é😀-'!", max_size=16).map(str.strip),
            info=st.binary(max_size=MAX_INFO_BYTES),
        )
    )
    def test_an_answer_says_what_was_put_in(self, answer: Answer) -> None:
        assert Answer.decode(answer.encode()) == answer

    def test_the_longest_answer_is_shorter_than_every_query(self) -> None:
        longest = an_answer(game="g" * 500, name="😀" * 500, info=bytes(MAX_INFO_BYTES), players=10**9)
        assert len(longest.encode()) == MAX_ANSWER_BYTES < QUERY_BYTES

    def test_a_long_name_is_cut_between_two_characters(self) -> None:
        name = Answer.decode(an_answer(name="a" + "😀" * 500).encode()).name
        assert name == "a" + "😀" * ((MAX_NAME_BYTES - 1) // 4)

    def test_a_later_version_may_add_to_queries_and_answers(self) -> None:
        assert Query.decode(Query(NONCE, "pong").encode() + b"more") == Query(NONCE, "pong")
        assert Answer.decode(an_answer().encode() + b"more") == an_answer()

    def test_they_lie_in_bytes_as_the_guide_says(self) -> None:
        """Programs of different versions meet here before any handshake: these bytes stay."""
        assert Query(NONCE, "pong").encode() == b"PGS?nonce..8\x04pong".ljust(512, b"\0")
        answer = an_answer(version=0x0102, password=True, port=0x0304, players=0x0506, max_players=0x0708)
        numbers = b"\x01\x02\x01\x03\x04\x05\x06\x07\x08"
        texts = b"\x04pong\x0bAnna's game\x0a\x81\xa3map\xa4moon"
        assert answer.encode() == b"PGS!nonce..8server.8" + numbers + texts

    @pytest.mark.parametrize("size", [0, 3, 20, QUERY_BYTES - 1])
    def test_a_query_that_is_not_padded_is_none(self, size: int) -> None:
        with pytest.raises(MalformedPacket):
            Query.decode(Query(NONCE, "pong").encode()[:size])

    def test_a_truncated_answer_is_none(self) -> None:
        whole = an_answer().encode()
        for size in range(len(whole)):
            with pytest.raises(MalformedPacket):
                Answer.decode(whole[:size])

    @pytest.mark.parametrize(
        "broken",
        [an_answer(port=0).encode(), an_answer().encode().replace(b"Anna", b"\xff\xfe\xfd\xfc")],
        ids=["port 0", "not UTF-8"],
    )
    def test_an_answer_of_nonsense_is_none(self, broken: bytes) -> None:
        with pytest.raises(MalformedPacket):
            Answer.decode(broken)

    @pytest.mark.parametrize(
        ("told", "shown"),
        [
            (" Anna\n\x1b[31m ", "Anna[31m"),
            ("Anna\u202egnp.exe", "Annagnp.exe"),
            ("👩\u200d🚀 Anna", "👩\u200d🚀 Anna"),
            ("\x00", ""),
        ],
    )
    def test_a_name_can_be_drawn_in_one_line(self, told: str, shown: str) -> None:
        assert Answer.decode(an_answer(name=told).encode()).name == shown

    @pytest.mark.parametrize("game", ["po\0ng", "po\nng", "\u202egnop"])
    def test_a_game_whose_name_cannot_be_drawn_is_none(self, game: str) -> None:
        """Servers refuse such a name; and pygame cannot draw a zero."""
        with pytest.raises(MalformedPacket):
            Answer.decode(an_answer(game=game).encode())

    def test_a_name_is_not_longer_than_a_server_may_tell(self) -> None:
        marks = "e" + "\u0301" * 120  # higher than any screen
        data = an_answer(name="", info=b"").encode()[:-2] + bytes([241]) + marks.encode() + b"\0"
        assert len(Answer.decode(data).name.encode()) <= MAX_NAME_BYTES

    @given(data=st.binary(max_size=600) | st.binary(max_size=400).map(lambda rest: b"PGS!" + rest))
    def test_any_bytes_are_an_answer_or_malformed_and_nothing_else(self, data: bytes) -> None:
        listing, _ = asked()
        try:
            Answer.decode(data)
        except MalformedPacket:
            pass
        listing.receive(data, "10.0.0.1", now=0.0)
        assert listing.games == ()

    @given(data=st.binary(min_size=QUERY_BYTES, max_size=700).map(lambda rest: b"PGS?" + rest))
    def test_any_bytes_are_a_query_or_dropped_and_nothing_else(self, data: bytes) -> None:
        responder = Responder("pong")
        answer = responder.answer(data, "10.0.0.1", now=0.0, answer=an_answer)
        assert (answer is None) == (responder.dropped.total() == 1)

    def test_answers_with_bits_flipped_do_no_harm(self, rng: random.Random) -> None:
        """Some still parse; then the listed games are within their bounds."""
        listing, nonce = asked()
        for _ in range(3000):
            data = bytearray(an_answer(nonce).encode())
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(12, len(data))] = rng.randrange(256)
            listing.receive(bytes(data), "10.0.0.1", now=0.0)
        assert 1 < len(listing.games) <= MAX_GAMES
        assert listing.dropped["unreadable"] > 0
        for found in listing.games:
            assert 0 < found.port <= 0xFFFF
            assert len(found.name) <= 255
            assert all(type(key) is str for key in found.info)


class TestInfo:
    def test_it_arrives_and_cannot_be_changed(self) -> None:
        info: Any = found_of(an_answer(info=encode_info({"map": "moon", "round": [1, 2]}))).info
        assert info == {"map": "moon", "round": [1, 2]}
        with pytest.raises(TypeError):
            info["map"] = "mars"

    @pytest.mark.parametrize("wrong", [["map"], "map", {1: "map"}, {"map": object()}, {"map": {1, 2}}, {"n": 2**64}])
    def test_what_cannot_be_told_is_refused(self, wrong: Any) -> None:
        with pytest.raises(TypeError, match="info"):
            encode_info(wrong)

    def test_what_is_too_large_is_refused_with_its_size(self) -> None:
        assert len(encode_info({"a": "x" * 195})) == MAX_INFO_BYTES
        with pytest.raises(ValueError, match="takes 201 bytes, 200 are the most"):
            encode_info({"a": "x" * 196})

    @pytest.mark.parametrize("broken", [b"", b"\xc1", b"\x01", b"\x90", b"\x81\x01\x02", b"\xd4\x01\x00", b"\x80\x80"])
    def test_an_answer_with_anything_but_a_dict_is_dropped(self, broken: bytes) -> None:
        listing, nonce = asked()
        listing.receive(an_answer(nonce, info=broken).encode(), "10.0.0.1", now=0.0)
        assert (listing.games, listing.dropped) == ((), {"unreadable": 1})


class TestResponder:
    def answers(self, responder: Responder, nonce: bytes, host: str, now: float, game: str = "pong") -> bool:
        query = Query(nonce, game).encode()
        return responder.answer(query, host, now=now, answer=an_answer) is not None

    def test_it_answers_with_the_nonce_of_the_query(self) -> None:
        data = Responder("pong").answer(Query(b"12345678", "").encode(), "10.0.0.1", now=0.0, answer=an_answer)
        assert data is not None
        assert Answer.decode(data).nonce == b"12345678"

    def test_what_comes_by_broadcast_and_multicast_is_answered_once(self) -> None:
        responder = Responder("pong")
        assert [self.answers(responder, NONCE, "10.0.0.1", 0.0) for _ in range(2)] == [True, False]
        assert self.answers(responder, NONCE, "10.0.0.2", 0.0)
        assert self.answers(responder, b"another.", "10.0.0.1", 0.0)

    @pytest.mark.parametrize(("asked_for", "answered"), [("", True), ("pong", True), ("Pong", False), ("chase", False)])
    def test_only_who_asks_for_this_game_or_any_is_answered(self, asked_for: str, answered: bool) -> None:
        assert self.answers(Responder("pong"), NONCE, "10.0.0.1", 0.0, game=asked_for) is answered

    def test_a_host_gets_a_few_answers_a_second_and_others_get_theirs(self, rng: random.Random) -> None:
        responder = Responder("pong")
        got = [self.answers(responder, rng.randbytes(8), "10.0.0.1", i / 1000) for i in range(1000)]
        assert sum(got) == MAX_ANSWERS_PER_HOST
        assert self.answers(responder, NONCE, "10.0.0.2", 0.999)
        assert self.answers(responder, NONCE, "10.0.0.1", 1.0)

    def test_forged_hosts_get_no_more_than_the_whole_network_may(self, rng: random.Random) -> None:
        responder = Responder("pong")
        hosts = [f"10.0.{i // 256}.{i % 256}" for i in range(5000)]
        assert sum(self.answers(responder, NONCE, host, 0.5) for host in hosts) == MAX_ANSWERS
        assert responder.remembered == MAX_ANSWERS


def asked(game: str = "", now: float = 0.0) -> tuple[Listing, bytes]:
    """A listing that has just asked, and the nonce that it asked with."""
    listing = Listing(game, random.Random(1).randbytes)
    return listing, Query.decode(listing.query_to_send(now=now)).nonce


def found_of(answer: Answer, host: str = "10.0.0.1", ping: float = 0.01) -> DiscoveredGame:
    listing, nonce = asked()
    listing.receive(Answer(nonce, *answer[1:]).encode(), host, now=ping)
    (found,) = listing.games
    return found


class TestListing:
    def test_a_found_game_says_all_that_one_needs_to_choose_and_join(self) -> None:
        assert found_of(an_answer(password=True)) == DiscoveredGame(
            address="10.0.0.1",
            port=8080,
            name="Anna's game",
            game="pong",
            players=2,
            max_players=16,
            ping=0.01,
            password=True,
            version_ok=True,
            info={"map": "moon"},
            server_id=ID,
        )

    def test_a_full_game_and_one_of_another_version_are_listed_as_such(self) -> None:
        assert found_of(an_answer(players=16)).is_full
        assert not found_of(an_answer(players=15)).is_full
        assert not found_of(an_answer(version=PROTOCOL_VERSION + 1)).version_ok

    def test_it_asks_three_times_at_once_and_then_at_leisure(self) -> None:
        listing = Listing("", random.Random(1).randbytes)
        now, asked_at, queries = 100.0, [], []
        while now < 105.0:
            assert listing.is_query_due(now=now)
            queries.append(listing.query_to_send(now=now))
            assert not listing.is_query_due(now=now)
            asked_at.append(now)
            now = listing.next_timeout()
        gaps = [later - earlier for earlier, later in pairwise(asked_at)]
        assert gaps == pytest.approx([TRY_INTERVAL] * (TRIES - 1) + [REPEAT_INTERVAL] * 3)
        assert len({Query.decode(query).nonce for query in queries}) == len(queries)

    def test_an_answer_that_was_not_asked_for_is_dropped(self) -> None:
        listing, _ = asked()
        listing.receive(an_answer(b"forged!!").encode(), "10.0.0.1", now=0.0)
        assert (listing.games, listing.dropped) == ((), {"not asked for": 1})

    def test_only_the_last_queries_can_be_answered(self) -> None:
        listing, oldest = asked()
        nonces = [Query.decode(listing.query_to_send(now=0.0)).nonce for _ in range(KEPT_QUERIES)]
        listing.receive(an_answer(oldest).encode(), "10.0.0.1", now=0.0)
        assert listing.games == ()
        listing.receive(an_answer(nonces[0]).encode(), "10.0.0.1", now=0.0)
        assert len(listing.games) == 1

    def test_other_games_are_left_out(self) -> None:
        listing, nonce = asked("chase")
        listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=0.0)
        assert (listing.games, listing.dropped) == ((), {"another game": 1})

    def test_one_game_over_two_interfaces_is_listed_once_at_the_address_heard_first(self) -> None:
        listing, nonce = asked()
        for host in ("10.0.0.1", "192.168.0.1", "10.0.0.1"):
            listing.receive(an_answer(nonce).encode(), host, now=0.0)
        assert [found.address for found in listing.games] == ["10.0.0.1"]

    def test_two_servers_on_one_machine_are_two_games(self) -> None:
        listing, nonce = asked()
        listing.receive(an_answer(nonce, server_id=b"another.", port=9000).encode(), "10.0.0.1", now=0.0)
        listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=0.0)
        assert [found.port for found in listing.games] == [9000, 8080]

    @pytest.mark.parametrize("hosts", [("127.0.0.1", "10.0.0.1"), ("10.0.0.1", "127.0.0.1")])
    def test_a_game_on_this_machine_is_joined_without_the_network(self, hosts: tuple[str, str]) -> None:
        listing, nonce = asked()
        for host in hosts:
            listing.receive(an_answer(nonce).encode(), host, now=0.0)
        assert [found.address for found in listing.games] == ["127.0.0.1"]

    def test_when_one_of_a_games_addresses_falls_silent_the_other_takes_over_before_it_is_forgotten(self) -> None:
        listing, _ = asked()
        addresses = []
        for i in range(20):
            now = i * 0.5
            nonce = Query.decode(listing.query_to_send(now=now)).nonce
            for host in ["10.0.0.1"] * (now < 2.0) + ["192.168.0.1"]:
                listing.receive(an_answer(nonce).encode(), host, now=now)
            listing.handle_timeout(now=now)
            addresses += [found.address for found in listing.games]
        assert addresses == ["10.0.0.1"] * 9 + ["192.168.0.1"] * 11  # heard of last at 1.5 s
        assert SWITCH_AFTER < FORGET_AFTER

    def test_a_game_that_falls_silent_vanishes_and_who_looks_is_woken_for_it(self) -> None:
        listing, nonce = asked()
        listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=0.0)
        held = listing.games
        while (now := listing.next_timeout()) < FORGET_AFTER:
            listing.query_to_send(now=now)
            listing.handle_timeout(now=now)
            assert len(listing.games) == 1
        assert listing.next_timeout() == FORGET_AFTER
        listing.handle_timeout(now=FORGET_AFTER)
        assert listing.games == ()
        assert len(held) == 1  # earlier results stay as they were

    def test_a_game_is_renewed_by_each_answer_and_keeps_its_place(self) -> None:
        listing, nonce = asked()
        listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=0.0)
        listing.receive(an_answer(nonce, server_id=b"another.").encode(), "10.0.0.2", now=0.0)
        listing.receive(an_answer(nonce, players=9, name="Zoe").encode(), "10.0.0.1", now=4.0)
        listing.handle_timeout(now=FORGET_AFTER - 0.1)
        assert [(found.players, found.name) for found in listing.games] == [(9, "Zoe"), (2, "Anna's game")]
        listing.handle_timeout(now=FORGET_AFTER)
        assert [found.name for found in listing.games] == ["Zoe"]

    def test_ping_is_the_least_of_the_last_few(self) -> None:
        listing = Listing("", random.Random(1).randbytes)
        pings = []
        for i, ping in enumerate([0.030, 0.010, 0.020, 0.040, 0.050, 0.060]):
            nonce = Query.decode(listing.query_to_send(now=float(i))).nonce
            listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=i + ping)
            pings.append(listing.games[0].ping)
        assert pings == pytest.approx([0.030, 0.010, 0.010, 0.010, 0.010, 0.020])

    def test_a_flood_of_games_does_not_grow_the_list_or_push_out_the_first(self, rng: random.Random) -> None:
        listing, nonce = asked()
        listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=0.0)
        for number in range(500):
            host = f"10.0.1.{number % 50}"
            listing.receive(an_answer(nonce, server_id=rng.randbytes(8)).encode(), host, now=0.0)
        assert len(listing.games) == MAX_GAMES
        assert listing.games[0].server_id == ID
        assert listing.dropped["too many games"] == 501 - MAX_GAMES

    def test_one_host_cannot_fill_the_list(self, rng: random.Random) -> None:
        listing, nonce = asked()
        for _ in range(200):
            listing.receive(an_answer(nonce, server_id=rng.randbytes(8)).encode(), "10.0.0.9", now=0.0)
        listing.receive(an_answer(nonce).encode(), "10.0.0.1", now=0.0)
        assert len(listing.games) == MAX_GAMES_PER_HOST + 1
        assert listing.games[-1].server_id == ID


def test_the_bound_of_a_game_name_is_the_handshakes() -> None:
    """So a game that can be joined can be found."""
    game = "g" * MAX_GAME_BYTES
    assert Query.decode(Query(NONCE, game).encode()).game == game
    assert discovery.MAX_GAME_BYTES == MAX_GAME_BYTES
