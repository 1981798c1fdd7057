"""Arena's server is fair to players, to those who leave, to those who lag, and against those who cheat.

Real backend and clients, on a simulated network in virtual time.
"""

import math
import random
from pathlib import Path
from typing import Any

import pytest

from games.arena import rules, walls
from games.arena.chat import AT_ONCE, LONGEST_CHAT_LINE
from games.arena.rules import AIM, AT, CREW, DAMAGE, FULL_HEALTH, RELOAD, SHOTS
from games.arena.server import (
    BACK_AFTER,
    BETWEEN_ROUNDS,
    GAME_NAME,
    KILLS_TO_WIN,
    MENDS_AFTER,
    NO_PILOT,
    SHIELDED,
    TABLES,
    TICK,
    ArenaServer,
)
from pygase import RELIABLE, Client
from pygase.names import LONGEST_NAME
from pygase.testing import SimulatedNetwork
from pygase_pygame.app.company import STAYS

EVENTS = ("NEWS", "CHAT", "WRECK", "JUDGED", "SHOT")
LEFT, RIGHT = (4_200, 6_200), (7_200, 6_200)  # two places with nothing between them


class Guest:
    """A client that plays, and the events that it received."""

    def __init__(self, arena: "Arena", name: Any = "Ada") -> None:
        self.arena, self.client = arena, Client(game=GAME_NAME)
        self.told: dict[str, list[tuple[Any, ...]]] = {event: [] for event in EVENTS}
        for event in EVENTS:
            self.client.register_event_handler(event, lambda *data, event=event: self.told[event].append(data))
        arena.network.connect(self.client, profile={"name": name})
        arena.network.run(0.2)

    @property
    def number(self) -> int:
        assert self.client.id is not None
        return self.client.id

    @property
    def state(self) -> Any:
        return self.client.snapshots[-1].state

    @property
    def ship(self) -> Any:
        return self.state["ships"].get(self.number)

    @property
    def name(self) -> str:
        name: str = self.state["pilots"][self.number]["name"]
        return name

    def does(self, event: str, *data: Any) -> None:
        self.client.dispatch_event(event, *data, retries=RELIABLE)

    def sends(self, value: Any, ticks: int = 1, view_time: float | None = None) -> None:
        """Send the same input in `ticks` ticks, and wait until the last one takes effect."""
        for _ in range(ticks):
            self.client.send_input(value, view_time=view_time)
            self.arena.network.run(TICK)

    def leaves(self) -> None:
        self.client.disconnect()
        self.arena.network.run(0.2)


class Arena:
    """A server with a network of its own."""

    def __init__(self, bots: int = 0, seed: int = 1, lobby: bool = False, checkpoint: Path | None = None) -> None:
        self.network = SimulatedNetwork(seed=seed)
        self.server = ArenaServer(bots, random.Random(seed), checkpoint=checkpoint, lobby=lobby)
        self.network.serve(self.server.backend, interval=TICK)
        self.server.backend.game_state_machine.register_event_handler("PUT", self._put)
        self.network.run(0.1)

    def _put(self, number: int, at: list[int], aim: int = 0) -> dict[str, Any]:
        return {"ships": {number: rules.new_ship(at, aim)}}

    def put(self, guest: Guest, at: tuple[int, int], aim: int = 0) -> None:
        """Create a situation that would take long to reach by playing."""
        guest.does("PUT", guest.number, list(at), aim)
        self.network.run(0.1)

    def duel(self) -> tuple[Guest, Guest]:
        """Return two guests that face each other, without shields."""
        ada, bob = Guest(self, "Ada"), Guest(self, "Bob")
        self.network.run((SHIELDED + 5) * TICK)
        self.put(ada, LEFT, 0)
        self.put(bob, RIGHT, 180 - 360)
        return ada, bob

    def runs(self, ticks: float) -> None:
        self.network.run(ticks * TICK)


@pytest.fixture
def arena() -> Arena:
    return Arena()


# -- who plays

ORDERS = ((0, 1, 2, 3), (3, 2, 1, 0))  # with all their rotations everybody leaves first, last, and after each neighbour


def test_who_joins_flies_under_their_name_with_full_health_and_a_shield(arena: Arena) -> None:
    ada = Guest(arena)
    state = ada.state
    assert {number: (seat["name"], seat["lost"]) for number, seat in state["pilots"].items()} == {
        ada.number: ("Ada", False)
    }
    assert state["health"] == {ada.number: FULL_HEALTH}
    assert state["shields"] == {ada.number: True}
    assert walls.is_free(*ada.ship[AT])
    arena.runs(SHIELDED)
    assert ada.state["shields"] == {}


def test_others_are_told_who_comes_and_who_leaves(arena: Arena) -> None:
    ada = Guest(arena, "Ada")
    bob = Guest(arena, "Bob")
    arena.network.run(STAYS)
    bob.leaves()
    assert [text for (text,) in ada.told["NEWS"]] == ["Bob flies along now.", "Bob has left."]


def test_nobody_hears_of_who_only_looks_in(arena: Arena) -> None:
    ada = Guest(arena, "Ada")
    for _ in range(3):
        Guest(arena, "Bob").leaves()
    arena.network.run(2 * STAYS)
    assert ada.told["NEWS"] == []


@pytest.mark.parametrize("name", [None, 7, "", " \n", "x" * 300, "😀😀", b"bytes", ["a"], "\x00\x1b[2J"], ids=repr)
def test_any_name_becomes_one_that_can_be_shown(arena: Arena, name: Any) -> None:
    ada = Guest(arena, name)
    assert 0 < len(ada.name) <= LONGEST_NAME
    assert ada.name.isprintable()


def test_no_two_have_one_name(arena: Arena) -> None:
    names = [Guest(arena, "Ada").name for _ in range(3)]
    assert len(set(names)) == 3


@pytest.mark.parametrize("order", [order[first:] + order[:first] for order in ORDERS for first in range(4)])
def test_nobody_is_lost_in_whatever_order_others_leave(order: tuple[int, ...]) -> None:
    arena = Arena(bots=2)
    guests = [Guest(arena, f"Guest {number}") for number in range(4)]
    staying = dict(enumerate(guests))
    for gone in order[:-1]:
        staying.pop(gone).leaves()
        arena.runs(BACK_AFTER + 60)
        watcher = next(iter(staying.values()))
        numbers = {guest.number for guest in staying.values()}
        people = {number for number in watcher.state["pilots"] if number > 0}
        assert people == numbers
        for table in ("pilots", "scores", "health"):
            assert len(watcher.state[table]) == len(numbers) + 2
        for guest in staying.values():
            before = guest.state["ships"].get(guest.number) or guest.state["health"][guest.number] == 0
            assert before, "everybody flies, or will be back"
    staying.popitem()[1].leaves()
    arena.runs(5)
    left = arena.server.backend.game_state_store.get_game_state()
    assert all(len(getattr(left, table)) <= 2 for table in TABLES)


def test_numbers_are_not_given_again_at_once(arena: Arena) -> None:
    ada = Guest(arena)
    first = ada.number
    ada.leaves()
    assert Guest(arena).number != first


def test_bots_fill_the_arena_make_room_for_people_and_come_back() -> None:
    arena = Arena(bots=CREW)
    guests = [Guest(arena, f"Guest {number}") for number in range(3)]
    pilots = guests[0].state["pilots"]
    assert len(pilots) == CREW
    assert sum(number < 0 for number in pilots) == CREW - 3
    guests.pop().leaves()
    arena.runs(2)
    assert sum(number < 0 for number in guests[0].state["pilots"]) == CREW - 2
    assert len({seat["name"] for seat in guests[0].state["pilots"].values()}) == CREW


def test_32_people_can_play_and_no_more() -> None:
    arena = Arena(bots=5)
    clients = [Client(game=GAME_NAME) for _ in range(CREW + 1)]
    for client in clients:
        arena.network.connect(client, profile={"name": "Ada"})
        arena.runs(3)
    arena.runs(60)
    assert [client.status for client in clients] == ["connected"] * CREW + ["disconnected"]
    pilots = clients[0].snapshots[-1].state["pilots"]
    assert len(pilots) == CREW
    assert all(number > 0 for number in pilots)


# -- inputs, whatever they are


def test_each_flies_their_own_ship_and_nobody_elses(arena: Arena) -> None:
    ada, bob = arena.duel()
    ada.sends([10, 0, 0, False], ticks=10)
    arena.runs(5)
    assert ada.ship[AT][0] > LEFT[0]
    assert ada.ship[AT][1] == LEFT[1]
    assert bob.ship[AT] == list(RIGHT)


@pytest.mark.parametrize(
    "value",
    [
        *(None, 0, "fire", [], {}, [1, 0, 0], [0, 0, 0, True, 0], {"move": [1, 0]}, b"\xff" * 100),
        *([math.nan, 0, 0, True], [math.inf, 0, 0, True], [0, 0, math.nan, True], ["1", 0, 0, True]),
        *([1e300, 0, 0, 1], [2**63, 0, 0, 1], [[1], 0, 0, 1], [0, 0, None, 1]),
    ],
    ids=repr,
)
def test_inputs_that_make_no_sense_do_nothing(arena: Arena, value: Any) -> None:
    ada, bob = arena.duel()
    ada.sends(value, ticks=20)
    arena.runs(5)
    assert ada.ship == rules.new_ship(LEFT, 0)
    assert ada.state["health"][bob.number] == FULL_HEALTH


def test_nobody_is_faster_than_the_rules(arena: Arena) -> None:
    """Neither with huge numbers nor with more inputs than ticks."""
    ada, _ = arena.duel()
    for _ in range(20):
        for _ in range(5):
            ada.client.send_input([2_000_000_000, 0, 0, False])
        before = ada.ship[AT][0]
        arena.runs(1)
        assert ada.ship[AT][0] - before <= rules.SPEED


def test_nobody_fires_faster_than_the_rules(arena: Arena) -> None:
    ada, _ = arena.duel()
    for _ in range(60):
        ada.client.send_input([0, 0, 90, True])
        ada.client.send_input([0, 0, 90, False])
        ada.client.send_input([0, 0, 90, True])
        arena.runs(1)
    assert ada.ship[SHOTS] <= 60 // RELOAD + 1


@pytest.mark.parametrize("event", ["JOIN", "CHAT"])
@pytest.mark.parametrize("data", [(), (1, 2, 3), ({"a": [1] * 50},), (None,), (b"\x00",)], ids=repr)
def test_events_that_make_no_sense_change_nothing(arena: Arena, event: str, data: tuple[Any, ...]) -> None:
    ada, bob = Guest(arena, "Ada"), Guest(arena, "Bob")
    bob.does(event, *data)
    arena.runs(10)
    assert set(ada.state["pilots"]) == {ada.number, bob.number}
    assert ada.told["CHAT"] == []


def test_who_falls_silent_stops(arena: Arena) -> None:
    ada, _ = arena.duel()
    ada.sends([0, 10, 0, True], ticks=3)
    arena.runs(60)
    before = ada.ship
    arena.runs(30)
    assert ada.ship == before


# -- shots


def test_a_shot_takes_health_and_everybody_sees_it(arena: Arena) -> None:
    ada, bob = arena.duel()
    ada.sends([0, 0, 0, True])
    arena.runs(4)
    assert bob.state["health"] == {ada.number: FULL_HEALTH, bob.number: FULL_HEALTH - DAMAGE}
    assert ada.told["SHOT"] == bob.told["SHOT"] == [(ada.number, 1, list(LEFT), 0, bob.number)]


def test_only_the_shooter_is_told_what_the_judge_saw(arena: Arena) -> None:
    ada, bob = arena.duel()
    ada.sends([0, 0, 0, True])
    arena.runs(4)
    end = [RIGHT[0] - walls.RADIUS, RIGHT[1]]
    assert ada.told["JUDGED"] == [(1, end, True, bob.number, list(RIGHT), list(RIGHT), 0.0)]
    assert bob.told["JUDGED"] == []


def test_a_miss_is_judged_too_by_whom_it_was_nearest_to(arena: Arena) -> None:
    ada, bob = arena.duel()
    ada.sends([0, 0, 8, True])
    arena.runs(4)
    ((_, _, hit, target, seen, _, _),) = ada.told["JUDGED"]
    assert (hit, target) == (False, bob.number)
    assert seen == list(RIGHT)
    assert ada.state["health"][bob.number] == FULL_HEALTH


@pytest.mark.parametrize(("ago", "hits"), [(0.1, True), (0.5, False)], ids=["a tenth", "half a second"])
def test_the_judge_looks_back_by_what_the_shooters_link_explains_whatever_they_claim(
    arena: Arena, ago: float, hits: bool
) -> None:
    """Bob was there until a while ago, and Ada claims to see an older state."""
    ada, bob = arena.duel()
    arena.runs(60)
    arena.put(bob, (RIGHT[0], RIGHT[1] + 1_200), -180)
    arena.network.run(ago - 0.1)
    ada.sends([0, 0, 0, True], view_time=arena.network.now - 0.8)
    arena.runs(4)
    assert (ada.state["health"][bob.number] < FULL_HEALTH) == hits


@pytest.mark.parametrize("view_time", [-1e6, 1e6, 0.0])
def test_no_claim_of_what_was_seen_stops_the_server(arena: Arena, view_time: float) -> None:
    ada, _ = arena.duel()
    ada.sends([0, 0, 0, True], ticks=5, view_time=view_time)
    ada.sends([10, 0, 0, False], ticks=5)
    arena.runs(5)
    assert ada.ship[SHOTS] == 1
    assert ada.ship[AT][0] > LEFT[0]


def wreck(ada: Guest, bob: Guest) -> None:
    ada.sends([0, 0, 0, True], ticks=RELOAD * (FULL_HEALTH // DAMAGE))
    ada.arena.runs(4)


def test_who_has_no_health_left_is_a_wreck_and_comes_back_elsewhere(arena: Arena) -> None:
    ada, bob = arena.duel()
    wreck(ada, bob)
    assert bob.ship is None
    assert ada.told["WRECK"] == bob.told["WRECK"] == [(ada.number, bob.number)]
    assert ada.state["scores"] == {ada.number: [1, 0], bob.number: [0, 1]}
    arena.runs(BACK_AFTER)
    assert bob.state["health"][bob.number] == FULL_HEALTH
    assert math.dist(bob.ship[AT], ada.ship[AT]) > rules.RANGE / 2, "not in front of the gun again"


def test_nobody_can_hurt_who_has_just_come_back_unless_they_shoot(arena: Arena) -> None:
    ada, bob = arena.duel()
    wreck(ada, bob)
    arena.runs(BACK_AFTER)
    arena.put(bob, RIGHT, 90)
    ada.sends([0, 0, 0, True])
    arena.runs(2)
    assert bob.state["health"][bob.number] == FULL_HEALTH
    bob.sends([0, 0, 90, True])
    arena.runs(2)
    ada.sends([0, 0, 0, True])
    arena.runs(3)
    assert bob.state["health"][bob.number] == FULL_HEALTH - DAMAGE


def test_two_who_fire_the_last_shot_at_each_other_in_one_tick_both_go(arena: Arena) -> None:
    ada, bob = arena.duel()
    for _ in range(RELOAD * (FULL_HEALTH // DAMAGE)):
        for guest, aim in ((ada, 0), (bob, -180)):
            guest.client.send_input([0, 0, aim, True])
        arena.runs(1)
    arena.runs(8)
    assert ada.ship is None
    assert bob.ship is None
    assert ada.state["scores"] == {ada.number: [1, 1], bob.number: [1, 1]}


def test_who_is_left_alone_mends(arena: Arena) -> None:
    ada, bob = arena.duel()
    ada.sends([0, 0, 0, True])
    ada.sends([0, 0, 0, False])
    arena.runs(MENDS_AFTER - 10)
    assert bob.state["health"][bob.number] == FULL_HEALTH - DAMAGE
    arena.runs(60)
    assert bob.state["health"][bob.number] == FULL_HEALTH


def test_a_round_ends_when_somebody_has_won_it_and_the_next_begins_at_nothing(arena: Arena) -> None:
    ada, bob = arena.duel()
    arena.server.pilots[ada.number].kills = KILLS_TO_WIN - 1
    wreck(ada, bob)
    assert bob.state["winner"] == ada.number
    arena.runs(BETWEEN_ROUNDS + 2)
    assert bob.state["winner"] == NO_PILOT
    assert set(map(tuple, bob.state["scores"].values())) == {(0, 0)}


def test_when_the_winner_leaves_the_next_round_begins(arena: Arena) -> None:
    ada, bob = arena.duel()
    arena.server.pilots[ada.number].kills = KILLS_TO_WIN - 1
    wreck(ada, bob)
    ada.leaves()
    assert bob.state["winner"] == NO_PILOT
    assert bob.state["scores"] == {bob.number: [0, 0]}


def begin(arena: Arena, *guests: Guest) -> None:
    for guest in guests:
        guest.does("READY", True)
    arena.runs(10)


def test_before_the_first_round_clients_see_the_lobby_and_wrecks_do_not_count() -> None:
    arena = Arena(bots=1, lobby=True)
    ada, bob = arena.duel()
    assert (ada.state["lobby"], ada.state["winner"]) == (True, NO_PILOT)
    wreck(ada, bob)
    assert (ada.state["scores"][ada.number], ada.state["scores"][bob.number]) == ([0, 0], [0, 0])
    begin(arena, ada)
    assert ada.state["lobby"]
    begin(arena, bob)
    assert not ada.state["lobby"]
    assert not any(seat["ready"] for number, seat in ada.state["pilots"].items() if number > 0)
    arena.runs(BACK_AFTER + SHIELDED + 5)
    arena.put(ada, LEFT, 0)
    arena.put(bob, RIGHT, 180 - 360)
    wreck(ada, bob)
    assert ada.state["scores"][ada.number] == [1, 0]


def test_a_fight_that_warmed_up_goes_on_warming_up_after_a_restart(tmp_path: Path) -> None:
    for begins in (False, True):
        file = tmp_path / f"{begins}.game"
        arena = Arena(lobby=True, checkpoint=file)
        ada = Guest(arena)
        if begins:
            begin(arena, ada)
        arena.network.run(6.0)
        arena.server.backend.shutdown()
        again = ArenaServer(0, random.Random(1), checkpoint=file, lobby=True)
        assert again.backend.game_state_store.get_game_state().lobby is not begins


def test_between_two_rounds_clients_see_the_lobby_and_the_next_begins_when_all_are_ready() -> None:
    arena = Arena(lobby=True)
    ada, bob = arena.duel()
    begin(arena, ada, bob)
    arena.server.pilots[ada.number].kills = KILLS_TO_WIN - 1
    wreck(ada, bob)
    assert (bob.state["winner"], bob.state["lobby"]) == (ada.number, True)
    ada.does("READY", True)
    arena.runs(10)
    assert bob.state["lobby"]
    bob.does("READY", True)
    arena.runs(10)
    assert (bob.state["winner"], bob.state["lobby"]) == (NO_PILOT, False)
    assert set(map(tuple, bob.state["scores"].values())) == {(0, 0)}
    assert not any(seat["ready"] for seat in bob.state["pilots"].values()), "each round wants a new word"


def test_who_watches_has_no_ship_and_flies_when_it_plays_again(arena: Arena) -> None:
    ada, bob = arena.duel()
    bob.does("PLAY", False)
    arena.runs(10)
    assert set(ada.state["ships"]) == set(ada.state["scores"]) == {ada.number}
    assert bob.name == "Bob"
    bob.does("CHAT", "from the bench")
    bob.does("PLAY", True)
    arena.runs(10)
    assert set(ada.state["ships"]) == {ada.number, bob.number}
    assert ada.told["CHAT"] == [("Bob", "from the bench")]


# -- what is said


def test_everybody_hears_what_somebody_says(arena: Arena) -> None:
    ada, bob = Guest(arena, "Ada"), Guest(arena, "Bob")
    ada.does("CHAT", "  good   shot\n")
    arena.runs(5)
    assert ada.told["CHAT"] == bob.told["CHAT"] == [("Ada", "good shot")]


def test_who_says_too_much_is_told_and_nobody_else_hears_it(arena: Arena) -> None:
    ada, bob = Guest(arena, "Ada"), Guest(arena, "Bob")
    news = len(bob.told["NEWS"])
    arena.runs(30)
    for number in range(50):
        ada.does("CHAT", f"buy {number} " + "x" * 1_000)
    arena.runs(10)
    assert len(bob.told["CHAT"]) == AT_ONCE
    assert all(len(text) <= LONGEST_CHAT_LINE for _, text in bob.told["CHAT"])
    assert len(bob.told["NEWS"]) == news
    assert "Too many lines" in ada.told["NEWS"][-1][0]


# -- size


def test_a_full_arena_takes_few_bytes() -> None:
    """Measured: about 11 kB a second with 32 ships."""
    arena = Arena(bots=CREW - 1)
    Guest(arena)
    server = next(address for address in arena.network.bytes_sent if address[1] == 8080)
    arena.runs(30)
    before = arena.network.bytes_sent[server]
    arena.network.run(10.0)
    assert (arena.network.bytes_sent[server] - before) / 10 < 16_000


def test_aim_is_whole_degrees_and_places_are_whole_points() -> None:
    """Others would take nine bytes instead of three."""
    arena = Arena(bots=CREW)
    arena.runs(100)
    for ship in arena.server.backend.game_state_store.get_game_state().ships.values():
        assert all(type(number) is int for number in (*ship[AT], ship[AIM]))
