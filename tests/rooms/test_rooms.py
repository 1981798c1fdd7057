"""A host of rooms in virtual time: many games behind one port, with clients that know nothing of each other."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest

from pygase import Backend, Client, ClientConfig, DisconnectReason, GameState, ServerConfig
from pygase.rooms import Room, RoomHost, RoomInfo, RoomLimits, new, quick
from pygase.testing import Link, SimulatedNetwork


class Hall:
    """A host on a simulated network. Each room counts its ticks and remembers the calls of its players."""

    def __init__(self, *, link: Link | None = None, limits: RoomLimits | None = None, **options: Any) -> None:
        self.network = SimulatedNetwork(5, link)
        self.ticks: Counter[str] = Counter()
        self.work: dict[str, float] = {}
        self.made: list[RoomInfo] = []
        makers = options.pop("makers", None) or {"duel": self.make, "hall": self.make}
        self.host = RoomHost("pong", makers, interval=0.05, limits=limits, **options)
        self.network.add_host(self.host)

    def make(self, room: RoomInfo) -> Backend:
        if room.options.get("best_of", 1) % 2 == 0:
            raise ValueError("best_of must be odd")
        self.made.append(room)

        def step(game_state: Any, dt: float) -> dict[str, Any]:
            self.ticks[room.code] += 1
            self.network.clock.advance(self.work.get(room.code, 0.0))
            return {"count": game_state.count + 1}

        def call(words: str, client_id: int, game_state: Any) -> dict[str, Any]:
            return {"calls": [*game_state.calls, [client_id, words]]}

        return Backend(GameState(code=room.code, count=0, calls=[]), step, {"CALL": call}, game="pong")

    def join(self, room: Any = "", **options: Any) -> Client:
        client = self.begin(room, **options)
        self.network.run_until(lambda: bool(client.snapshots) or client.status == "disconnected", 30.0)
        return client

    def begin(self, room: Any = "", *, config: ClientConfig | None = None, **options: Any) -> Client:
        client = Client(game="pong", config=config, password=options.pop("password", None))
        self.network.connect(client, room=room, **options)
        return client


def code_of(client: Client) -> str:
    assert client.connection is not None
    return client.connection.room


def refused(client: Client) -> tuple[DisconnectReason | None, str]:
    assert client.status == "disconnected"
    return client.disconnect_reason, client.disconnect_detail


# -- entering --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("link", [None, Link(latency=0.05, loss=0.2, jitter=0.03)])
@pytest.mark.parametrize("encryption", ["auto", "off"])
def test_each_client_plays_in_the_room_that_it_names(link: Link | None, encryption: Any) -> None:
    hall = Hall(link=link)
    rooms = [hall.host.create("duel") for _ in range(3)]
    clients = [
        (room, hall.join(room.code, config=ClientConfig(encryption=encryption))) for room in rooms for _ in range(2)
    ]
    for room, client in clients:
        client.dispatch_event("CALL", room.code, retries=3)
    hall.network.run(1.0)
    assert [client.id for _, client in clients] == [1, 2] * 3
    for room, client in clients:
        with client.access_game_state() as state:
            assert state.code == room.code == code_of(client)
            assert sorted(state.calls) == [[1, room.code], [2, room.code]]


def test_a_code_may_be_typed_in_small_letters() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    assert code_of(hall.join(room.code.lower())) == room.code


def test_a_wrong_code_is_refused_in_words() -> None:
    hall = Hall()
    hall.host.create("duel")
    assert refused(hall.join("NOPE")) == (DisconnectReason.NO_SUCH_ROOM, "It has no room 'NOPE'.")


def test_a_client_that_names_no_room_enters_the_only_kind() -> None:
    hall = Hall()
    only = Hall(makers={"duel": hall.make})
    first, second = only.join(), only.join()
    assert code_of(first) == code_of(second) != ""
    words = "Name a room's code, or a kind of room: duel, hall."
    assert refused(hall.join()) == (DisconnectReason.NO_SUCH_ROOM, words)


def test_a_quick_match_fills_rooms_before_it_makes_one() -> None:
    hall = Hall(limits=RoomLimits(players_per_room=2))
    codes = [code_of(hall.join(quick("duel"))) for _ in range(5)]
    assert codes[0] == codes[1] != codes[2] == codes[3] != codes[4]
    assert [room.info.kind for room in hall.host.rooms] == ["duel"] * 3


def test_a_new_room_has_the_players_options_and_is_private() -> None:
    hall = Hall()
    owner = hall.join(new("duel", {"best_of": 3}))
    assert hall.made[-1] == RoomInfo(code_of(owner), "duel", {"best_of": 3}, True)
    assert code_of(hall.join(quick("duel"))) != code_of(owner)
    assert code_of(hall.join(code_of(owner))) == code_of(owner)


def test_options_that_the_maker_refuses_are_refused_in_its_words() -> None:
    hall = Hall()
    client = hall.join(new("duel", {"best_of": 2}))
    assert refused(client) == (DisconnectReason.NO_SUCH_ROOM, "The room could not be made: best_of must be odd")
    assert hall.host.rooms == []


def test_a_maker_that_fails_is_logged_and_the_player_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    def fail(room: RoomInfo) -> Backend:
        raise ZeroDivisionError

    hall = Hall(makers={"duel": fail})
    assert refused(hall.join(quick("duel"))) == (DisconnectReason.NO_SUCH_ROOM, "The room could not be made.")
    assert "the maker of 'duel' raised ZeroDivisionError()" in caplog.text


def test_another_game_is_refused_before_any_room_is_looked_for() -> None:
    hall = Hall()
    client = Client(game="chess")
    hall.network.connect(client, room="NOPE")
    hall.network.run(1.0)
    assert refused(client) == (DisconnectReason.WRONG_GAME, "It hosts 'pong'.")


def test_the_host_asks_for_its_password_before_it_looks_for_a_room() -> None:
    hall = Hall(password="sesame")
    room = hall.host.create("duel")
    assert refused(hall.join("NOPE", password="guess"))[0] is DisconnectReason.WRONG_PASSWORD
    assert code_of(hall.join(room.code, password="sesame")) == room.code


# -- limits ----------------------------------------------------------------------------------------------------------


def test_a_full_or_locked_room_refuses_in_words() -> None:
    hall = Hall(limits=RoomLimits(players_per_room=1))
    room, other = hall.host.create("duel"), hall.host.create("duel")
    hall.join(room.code)
    assert refused(hall.join(room.code)) == (DisconnectReason.ROOM_FULL, "It takes 1 player.")
    other.lock()
    assert refused(hall.join(other.code)) == (DisconnectReason.ROOM_FULL, "It is locked.")
    other.lock(False)
    assert code_of(hall.join(other.code)) == other.code


def test_wrong_codes_are_limited_per_address_and_the_right_one_is_not_looked_up_then() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    for _ in range(8):
        assert refused(hall.join("NOPE"))[0] is DisconnectReason.NO_SUCH_ROOM
    assert refused(hall.join(room.code))[0] is DisconnectReason.NO_ANSWER
    elsewhere = hall.join(room.code, address=("192.0.2.7", 50000))
    assert code_of(elsewhere) == room.code


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    for number in range(8):
        hall.join("NOPE", address=(f"2001:db8::{number + 1}", 5000))
    blocked = hall.join(room.code, address=("2001:db8::77", 5000))
    assert refused(blocked)[0] is DisconnectReason.NO_ANSWER
    assert code_of(hall.join(room.code, address=("2001:db8:0:1::77", 5000))) == room.code


def test_players_from_one_address_are_limited_over_all_rooms() -> None:
    hall = Hall(limits=RoomLimits(per_address=2))
    codes = [hall.host.create("duel").code for _ in range(3)]
    hall.join(codes[0])
    hall.join(codes[1])
    words = "It takes 2 players from one address."
    assert refused(hall.join(codes[2])) == (DisconnectReason.SERVER_FULL, words)
    assert code_of(hall.join(codes[2], address=("192.0.2.7", 50000))) == codes[2]


def test_the_rooms_that_one_address_makes_are_limited() -> None:
    hall = Hall(limits=RoomLimits(creates_per_minute=2))
    made = {code_of(hall.join(new("duel"))) for _ in range(2)}
    assert len(made) == 2
    words = "Your address has made many rooms; wait a minute."
    assert refused(hall.join(new("duel"))) == (DisconnectReason.SERVER_FULL, words)
    hall.network.run(31.0)
    assert hall.join(new("duel")).status == "connected"


def test_the_host_takes_no_more_rooms_than_it_may() -> None:
    hall = Hall(limits=RoomLimits(rooms=1))
    hall.host.create("duel")
    with pytest.raises(RuntimeError, match="the host takes 1 rooms"):
        hall.host.create("duel")
    words = "No more rooms: the host takes 1 rooms."
    assert refused(hall.join(new("duel"))) == (DisconnectReason.SERVER_FULL, words)


# -- rest ------------------------------------------------------------------------------------------------------------


def test_an_empty_room_takes_no_ticks_and_no_time_passes_in_it() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    hall.network.run(10.0)
    assert hall.ticks[room.code] == 0
    client = hall.join(room.code)
    hall.network.run(1.0)
    assert 19 <= hall.ticks[room.code] <= 22
    client.disconnect()
    hall.network.run(2.0)
    before = hall.ticks[room.code]
    hall.network.run(60.0)
    assert hall.ticks[room.code] == before
    again = hall.join(room.code)
    with again.access_game_state() as state:
        assert before <= state.count <= before + 2
    assert again.id == 2


def test_a_resting_host_has_nothing_to_do() -> None:
    hall = Hall()
    for _ in range(100):
        hall.host.create("duel")
    calls = Counter[str]()
    original = hall.network.call_at
    hall.network.call_at = lambda at, function: (calls.update(["call"]), original(at, function))[1]  # type: ignore[method-assign]
    hall.network.run(60.0)
    assert calls["call"] == 0


def test_a_room_that_a_player_has_made_is_closed_when_it_stays_empty() -> None:
    hall = Hall(limits=RoomLimits(close_empty_after=5.0))
    kept, client = hall.host.create("duel"), hall.join(new("duel"))
    hall.network.run(20.0)
    assert len(hall.host.rooms) == 2
    client.disconnect()
    hall.network.run(3.0)
    assert len(hall.host.rooms) == 2
    hall.network.run(5.0)
    assert [room.code for room in hall.host.rooms] == [kept.code]


# -- coming back -----------------------------------------------------------------------------------------------------


def test_a_lost_player_comes_back_into_the_same_room() -> None:
    hall = Hall()
    codes = [hall.host.create("duel").code for _ in range(3)]
    clients = [hall.join(code) for code in codes]
    for client in clients:
        hall.network.partition(client)
    hall.network.run(12.0)
    assert all(client.status == "reconnecting" for client in clients)
    for client in clients:
        hall.network.partition(client, on=False)
    hall.network.run(2.0)
    assert [(client.status, client.id, code_of(client)) for client in clients] == [
        ("connected", 1, code) for code in codes
    ]


def test_a_player_who_leaves_while_lost_gives_back_the_place_in_the_own_room_only() -> None:
    hall = Hall()
    rooms = [hall.host.create("duel") for _ in range(2)]
    clients = [hall.join(room.code) for room in rooms]
    for client in clients:
        hall.network.partition(client)
    hall.network.run(7.0)
    hall.network.partition(clients[1], on=False, ways="up")
    clients[1].disconnect()
    hall.network.run(1.0)
    taken = [room.backend.server.plumbing.run.endpoint.table for room in rooms]
    assert [len(table) for table in taken] == [1, 0]


def test_a_lost_acceptance_is_repeated() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    client = hall.begin(room.code)
    hall.network.run_until(lambda: len(room.players) == 1)
    hall.network.partition(client, ways="down")
    hall.network.run(0.6)
    hall.network.partition(client, on=False)
    hall.network.run(1.0)
    assert (client.status, client.id) == ("connected", 1)


# -- the end ---------------------------------------------------------------------------------------------------------


def test_a_closed_room_says_goodbye_in_words_and_the_others_go_on() -> None:
    hall = Hall()
    room, other = hall.host.create("duel"), hall.host.create("duel")
    client, neighbour = hall.join(room.code), hall.join(other.code)
    assert hall.host.close(room.code.lower(), "The hall closes.")
    hall.network.run(1.0)
    assert refused(client) == (DisconnectReason.SERVER_SHUTDOWN, "The hall closes.")
    assert not room.is_open
    assert hall.host.find(room.code) is None
    assert not hall.host.close(room.code)
    assert neighbour.status == "connected"
    assert refused(hall.join(room.code))[0] is DisconnectReason.NO_SUCH_ROOM


def test_a_shut_down_host_says_goodbye_to_everybody() -> None:
    hall = Hall()
    clients = [hall.join(hall.host.create("duel").code) for _ in range(3)]
    hall.host.shutdown()
    hall.network.run(0.5)
    assert [client.disconnect_reason for client in clients] == [DisconnectReason.SERVER_SHUTDOWN] * 3
    assert hall.host.port is None
    assert hall.host.rooms == []


def test_a_stranger_on_this_machine_cannot_end_a_room() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    first, second = hall.join(room.code), hall.join(room.code)
    first.disconnect(shutdown_server=True)
    hall.network.run(1.0)
    assert second.status == "connected"


# -- harm ------------------------------------------------------------------------------------------------------------


def gaps(hall: Hall, client: Client, seconds: float) -> list[float]:
    """Return the times between the states of a client, by their arrival."""
    times: list[float] = []
    end = hall.network.now + seconds
    while hall.network.now < end:
        seen = client.snapshots[-1].tick
        hall.network.run_until(lambda: client.snapshots[-1].tick != seen)  # noqa: B023
        times.append(hall.network.now)
    return [after - before for before, after in pairwise(times)]


def test_a_room_that_takes_too_long_is_slowed_and_then_closed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pygase")
    hall = Hall()
    slow, other = hall.host.create("duel"), hall.host.create("duel")
    victim, neighbour = hall.join(slow.code), hall.join(other.code)
    hall.network.run(1.0)
    hall.work[slow.code] = 0.04
    measured = gaps(hall, neighbour, 10.0)
    assert refused(victim) == (
        DisconnectReason.SERVER_SHUTDOWN,
        "The room took too much of the machine, and was closed.",
    )
    assert sum(gap > 0.06 for gap in measured) <= 6
    assert neighbour.status == "connected"
    assert f"room {slow.code} (duel) ticks half as often" in caplog.text
    assert f"room {slow.code} (duel) is closed: its ticks take too long, the last one 40.0 ms" in caplog.text


def test_rare_long_ticks_are_forgiven() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    client = hall.join(room.code)
    for _ in range(10):
        hall.work[room.code] = 0.04
        hall.network.run(0.04)
        hall.work[room.code] = 0.0
        hall.network.run(4.0)
    assert client.status == "connected"


def test_a_room_that_was_slowed_is_as_fast_as_before_ten_seconds_later() -> None:
    hall = Hall()
    room = hall.host.create("duel")
    hall.join(room.code)
    hall.work[room.code] = 0.011
    hall.network.run_until(lambda: hall.ticks[room.code] >= 4)
    hall.work[room.code] = 0.0
    hall.network.run(0.3)
    before = hall.ticks[room.code]
    hall.network.run(2.0)
    assert 18 <= hall.ticks[room.code] - before <= 22
    hall.network.run(10.0)
    before = hall.ticks[room.code]
    hall.network.run(2.0)
    assert 38 <= hall.ticks[room.code] - before <= 42


def test_a_step_that_raises_harms_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    hall = Hall()
    room = hall.host.create("duel")
    neighbour = hall.join(room.code)

    def fail(game_state: Any, dt: float) -> dict[str, Any]:
        raise ZeroDivisionError

    broken = Hall.make(hall, RoomInfo("X", "duel"))
    broken.game_state_machine.time_step = fail  # type: ignore[method-assign]
    hall.host.plumbing.plan.makers["hall"] = lambda info: broken  # type: ignore[index]
    client = hall.join(hall.host.create("hall").code)
    measured = gaps(hall, neighbour, 5.0)
    assert max(measured) < 0.06
    assert client.status == "connected"


# -- mistakes --------------------------------------------------------------------------------------------------------


def test_mistakes_are_raised_at_once() -> None:
    hall = Hall()
    with pytest.raises(TypeError, match="makers must be a dict"):
        RoomHost("pong", {})
    with pytest.raises(ValueError, match="a kind of room must be a short text"):
        RoomHost("pong", {"": hall.make})
    with pytest.raises(ValueError, match=r"RoomLimits\.rooms must be a positive number"):
        RoomLimits(rooms=0)
    with pytest.raises(KeyError, match="there is no maker for 'chess'; there are: duel, hall"):
        hall.host.create("chess")
    with pytest.raises(RuntimeError, match="does not run"):
        RoomHost("pong", {"duel": hall.make}).create("duel")
    with pytest.raises(RuntimeError, match="runs already"):
        hall.network.add_host(hall.host, port=8081)
    with pytest.raises(ValueError, match="best_of must be odd"):
        hall.host.create("duel", options={"best_of": 2})


def test_a_maker_must_return_a_backend_without_a_password() -> None:
    def locked(room: RoomInfo) -> Backend:
        return Backend(GameState(), lambda game_state, dt: {}, password="sesame")

    wrong: Any = {"none": lambda room: None, "locked": locked}
    hall = Hall(makers=wrong)
    with pytest.raises(TypeError, match="the maker of 'none' must return a Backend, got None"):
        hall.host.create("none")
    with pytest.raises(ValueError, match="give it to RoomHost"):
        hall.host.create("locked")


def test_a_room_shows_its_players() -> None:
    hall = Hall(config=ServerConfig(max_clients=4))
    room = hall.host.create("duel", options={"best_of": 3}, private=True)
    assert isinstance(room, Room)
    hall.join(room.code)
    hall.join(room.code)
    assert list(room.players) == [1, 2]
    assert repr(room) == f"<Room {room.code} (duel), 2 players>"
    assert room.info == RoomInfo(room.code, "duel", {"best_of": 3}, True)
