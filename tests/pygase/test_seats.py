"""Who plays and who watches."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from pygase import CLIENT_CONNECTED, Backend, Client, GameState, Seats
from pygase._state.delta import apply
from pygase.seats import COLOURS
from pygase.testing import SimulatedNetwork


class Room:
    """Seats and the game state that they are in."""

    def __init__(self, places, **options):
        self.rules = Seats(places, **options)
        self.game_state = GameState(seats={})

    def __getitem__(self, number):
        return self.game_state.seats[number]

    def take(self, update):
        assert set(update) <= {"seats"}
        self.game_state = GameState(seats=apply(self.game_state.seats, update.get("seats", {})))
        return bool(update)

    def join(self, client_id, **profile):
        return self.take(self.rules.on_connected(self.game_state, client_id=client_id, profile=profile))

    def leave(self, client_id):
        return self.take(self.rules.on_left(self.game_state, client_id=client_id))

    def lose(self, client_id):
        return self.take(self.rules.on_lost(self.game_state, client_id=client_id))

    def resume(self, client_id):
        return self.take(self.rules.on_resumed(self.game_state, client_id=client_id))

    def ready(self, client_id, is_ready=True):
        return self.take(self.rules.on_ready(is_ready, self.game_state, client_id=client_id))

    def play(self, client_id, wants=True):
        return self.take(self.rules.on_play(wants, self.game_state, client_id=client_id))

    def team(self, client_id, team):
        return self.take(self.rules.on_team(team, self.game_state, client_id=client_id))

    @property
    def playing(self):
        return list(self.rules.players(self.game_state))

    @property
    def watching(self):
        return list(self.rules.spectators(self.game_state))


def test_clients_get_the_places_in_the_order_of_their_arrival():
    room = Room(2)
    for client_id in (1, 2, 3):
        room.join(client_id, name="Ann")
    assert room.playing == [1, 2]
    assert room.watching == [3]
    assert [room[n]["name"] for n in (1, 2, 3)] == ["Ann", "Ann 2", "Ann 3"]
    assert [room[n]["place"] for n in (1, 2, 3)] == [0, 1, None]


def test_who_waited_longest_gets_the_place_of_a_client_that_has_left():
    room = Room(1)
    for client_id in (1, 2, 3):
        room.join(client_id)
    room.leave(1)
    assert room.playing == [2]
    room.leave(2)
    assert room.playing == [3]


def test_a_lost_client_keeps_seat_colour_and_team_and_one_that_waits_is_passed_over():
    room = Room(2, teams=["red", "blue"])
    for client_id in (1, 2, 3, 4):
        room.join(client_id)
    before = dict(room[2])
    room.lose(2)
    room.lose(3)
    assert room[2] == before | {"lost": True}
    room.leave(1)
    assert room.playing == [4, 2]
    room.resume(2)
    assert room[2] == before
    room.leave(4)
    assert room.playing == [2]
    room.resume(3)
    assert room.playing == [3, 2]


def test_the_first_table_has_the_bots_and_nobody_else():
    seats = Seats(3, teams=["red", "blue"], bots=2, bot_names=["Hal", "Deep"])
    first = seats.first()
    assert [(seat["name"], seat["place"], seat["team"], seat["ready"]) for seat in first.values()] == [
        ("Hal", 0, 0, True),
        ("Deep", 1, 1, True),
    ]
    assert first.keys() == {-1, -2}
    assert Seats(2).first() == {}


def test_bots_fill_the_places_and_give_way():
    room = Room(3, bots=2, bot_names=["Hal", "Deep"])
    room.join(1)
    assert [room[n]["name"] for n in room.playing[1:]] == ["Hal", "Deep"]
    assert room.rules.bots(room.game_state).keys() == {-1, -2}
    room.join(2)
    assert room.playing == [1, -1, 2]
    room.join(3)
    assert room.playing == [1, 3, 2]
    room.join(4)
    assert room.watching == [4]
    room.leave(1)
    assert room.playing == [4, 3, 2]
    room.leave(2)
    assert len(room.rules.bots(room.game_state)) == 1


def test_a_new_bot_has_a_number_that_was_not_used_for_long():
    room = Room(2, bots=1)
    room.join(1)
    seen = []
    for _ in range(20):
        seen += room.rules.bots(room.game_state)
        room.join(2)
        room.leave(2)
    assert len(set(seen)) == 20


def test_who_wants_to_watch_gives_the_place_away_and_can_wait_for_one_again():
    room = Room(1)
    room.join(1)
    room.join(2)
    room.ready(1)
    room.play(1, False)
    assert room.playing == [2]
    assert not room[1]["ready"]
    room.play(1, True)
    assert room.watching == [1]
    room.leave(2)
    assert room.playing == [1]


def test_a_game_starts_when_all_are_ready_and_again_when_all_want_a_rematch():
    room = Room(2, bots=1)
    assert not room.rules.all_ready(room.game_state)
    room.join(1)
    assert not room.rules.all_ready(room.game_state)
    room.ready(1)
    assert room.rules.all_ready(room.game_state, least=2)
    room.join(2)
    assert not room.rules.all_ready(room.game_state)
    room.ready(2)
    assert room.rules.all_ready(room.game_state)
    assert not room.rules.all_ready(room.game_state, least=3)
    room.lose(2)
    assert not room.rules.all_ready(room.game_state)
    room.resume(2)
    room.take(room.rules.unready(room.game_state))
    assert not room.rules.all_ready(room.game_state)
    assert room.rules.unready(room.game_state) == {}


def test_bots_alone_are_never_ready():
    room = Room(2, bots=2)
    room.join(1)
    room.leave(1)
    assert len(room.playing) == 2
    assert not room.rules.all_ready(room.game_state)


def test_teams_are_filled_evenly_and_can_be_changed_while_there_is_room():
    room = Room(4, teams=["red", "blue"])
    for client_id in (1, 2, 3):
        room.join(client_id)
    assert [room[n]["team"] for n in (1, 2, 3)] == [0, 1, 0]
    assert room.team(1, "blue")
    assert room[1]["team"] == 1
    assert not room.team(3, "blue")
    assert room[3]["team"] == 0


def test_a_bot_changes_the_team_for_a_client():
    room = Room(2, teams=["red", "blue"], bots=1)
    room.join(1)
    assert room.team(1, "blue")
    assert [room[n]["team"] for n in room.playing] == [1, 0]


def test_a_profile_may_wish_for_a_free_colour():
    room = Room(3)
    room.join(1, colour="green")
    room.join(2, colour="green")
    room.join(3, colour=["green"])
    assert [room[n]["colour"] for n in (1, 2, 3)] == ["green", "red", "blue"]


def test_colours_repeat_only_when_all_are_used():
    room = Room(4, colours=["red", "blue"])
    for client_id in (1, 2, 3, 4):
        room.join(client_id)
    assert sorted(room[n]["colour"] for n in (1, 2, 3, 4)) == ["blue", "blue", "red", "red"]


@pytest.mark.parametrize("nonsense", [None, 1, "yes", {}, [True]])
def test_nonsense_of_a_client_changes_nothing(nonsense):
    room = Room(2, teams=["red", "blue"])
    room.join(1)
    assert not room.ready(1, nonsense)
    assert not room.play(1, nonsense)
    assert not room.team(1, nonsense)


def test_an_event_of_a_client_without_a_seat_changes_nothing():
    room = Room(2, teams=["red"])
    assert not room.ready(7)
    assert not room.play(7)
    assert not room.team(7, "red")
    assert not room.leave(7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"places": 0}, "places must be an int from 1"),
        ({"places": True}, "places must be an int"),
        ({"places": 2, "bots": 3}, "bots must be an int from 0 to 2"),
        ({"places": 2, "teams": "red"}, "teams must be a list"),
        ({"places": 2, "teams": ["red", "red"]}, "different names"),
        ({"places": 2, "colours": []}, "at least 1"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Seats(**options)


def test_pygame_knows_the_colours():
    pygame = pytest.importorskip("pygame")
    assert len({tuple(pygame.Color(name)) for name in COLOURS}) == len(COLOURS)


def test_over_the_network_with_a_handler_of_the_game():
    seats = Seats(2, bots=1)

    def on_connected(game_state, client_id, profile):
        return seats.on_connected(game_state, client_id, profile) | {"scores": {client_id: 0}}

    network = SimulatedNetwork(seed=3)
    handlers = seats.handlers | {CLIENT_CONNECTED: on_connected}
    backend = Backend(GameState(seats={}, scores={}), lambda game_state, dt: {}, handlers)
    network.serve(backend, interval=1 / 30)
    ann, bob = Client(), Client()
    network.connect(ann, profile={"name": "Ann"})
    network.connect(bob, profile={"name": "Bob"})
    network.run(0.5)
    ann.dispatch_event("READY", True)
    bob.dispatch_event("READY", True)
    network.run(0.5)
    with ann.access_game_state() as game_state:
        assert {n: (seat["name"], seat["ready"]) for n, seat in game_state.seats.items()} == {
            ann.id: ("Ann", True),
            bob.id: ("Bob", True),
        }
        assert game_state.scores == {ann.id: 0, bob.id: 0}
        assert seats.all_ready(game_state, least=2)


class AnyOrder(RuleBasedStateMachine):
    """Clients come, go, get lost, come back and ask for anything, in any order."""

    def __init__(self):
        super().__init__()
        self.room = Room(3, teams=["red", "blue"], bots=2)
        self.next_id = 1
        self.clients = set()
        self.lost = set()
        self.colours = {}

    @rule(colour=st.sampled_from(["red", "blue", None, 3]))
    def join(self, colour):
        self.room.join(self.next_id, name="Ann", colour=colour)
        self.clients.add(self.next_id)
        self.colours[self.next_id] = self.room[self.next_id]["colour"]
        self.next_id += 1

    def one(self, data):
        return data.draw(st.sampled_from(sorted(self.clients)))

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def leave(self, data):
        client_id = self.one(data)
        self.room.leave(client_id)
        self.clients.discard(client_id)
        self.lost.discard(client_id)

    @precondition(lambda self: self.clients)
    @rule(data=st.data())
    def lose_and_resume(self, data):
        client_id = self.one(data)
        place = self.room[client_id]["place"]
        if client_id in self.lost:
            self.room.resume(client_id)
            self.lost.discard(client_id)
            assert place is None or self.room[client_id]["place"] == place
        else:
            self.room.lose(client_id)
            self.lost.add(client_id)
            assert self.room[client_id]["place"] == place

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), wants=st.booleans())
    def play_or_watch(self, data, wants):
        self.room.play(self.one(data), wants)

    @precondition(lambda self: self.clients)
    @rule(data=st.data(), team=st.sampled_from(["red", "blue"]))
    def change_team(self, data, team):
        self.room.team(self.one(data), team)

    @invariant()
    def everybody_has_one_seat(self):
        seats = self.room.game_state.seats
        assert {n for n in seats if n > 0} == self.clients
        places = [seat["place"] for seat in seats.values() if seat["place"] is not None]
        assert len(set(places)) == len(places)
        assert set(places) <= {0, 1, 2}
        names = [seat["name"] for seat in seats.values()]
        assert len(set(names)) == len(names)

    @invariant()
    def nobody_waits_while_there_is_a_place_or_a_bot(self):
        seats = self.room.game_state.seats
        waits = [n for n, seat in seats.items() if seat["wants"] and seat["place"] is None and n not in self.lost]
        bots = [n for n in seats if n < 0]
        assert not (waits and (bots or len(self.room.playing) < 3))
        assert len(bots) <= 2
        assert not self.clients or len(self.room.playing) == 3 or len(bots) == 2

    @invariant()
    def what_belongs_to_a_client_stays(self):
        for client_id in self.clients:
            assert self.room[client_id]["colour"] == self.colours[client_id]
        teams = [seat["team"] for seat in self.room.game_state.seats.values() if seat["place"] is not None]
        assert None not in teams
        assert max(teams.count(0), teams.count(1)) <= 2


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestAnyOrder = AnyOrder.TestCase


def test_a_game_need_not_wait_for_a_client_alone_with_bots():
    room = Room(2, bots=1)
    room.join(1)
    assert room.rules.may_start(room.game_state)
    assert not room.rules.may_start(room.game_state, least=3)
    room.lose(1)
    assert not room.rules.may_start(room.game_state)
    room.resume(1)
    room.join(2)
    assert not room.rules.may_start(room.game_state)
    room.ready(1)
    assert not room.rules.may_start(room.game_state)
    room.ready(2)
    assert room.rules.may_start(room.game_state)


def test_a_client_quite_alone_waits_for_another():
    room = Room(2)
    room.join(1)
    room.ready(1)
    assert not room.rules.may_start(room.game_state)
    assert room.rules.may_start(room.game_state, least=1)
