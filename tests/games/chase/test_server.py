"""Chase's server is fair to everyone, and always has exactly one chaser.

Real backend and clients, on a simulated network in virtual time.
"""

import math
import random
from typing import Any

import pytest

from games.chase import rules, walls
from games.chase.rules import FROZEN_TICKS, MOST_RUNNERS, SAFE_TICKS, TOUCH
from games.chase.server import GAME_NAME, TICK, ChaseServer
from pygase import RELIABLE, TO_DELETE, Client, DisconnectReason, GameState, ServerConfig
from pygase.names import LONGEST_NAME
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame.app.company import STAYS
from tests.games import guests


class Guest(guests.Guest):
    """A client in the chase, and the events that it received."""

    def __init__(self, network: SimulatedNetwork, name: Any, link: Link | None = None) -> None:
        self.tags: list[tuple[int, int]] = []
        self.view_delay: float | None = None
        self._input: Any = None
        self._begun = False
        tag = {"TAG": lambda chaser, caught: self.tags.append((chaser, caught))}
        super().__init__(network, GAME_NAME, name, link, tag)

    @property
    def number(self) -> int:
        assert self.client.id is not None
        return self.client.id

    @property
    def runner(self) -> Any:
        return self.state["runners"][self.number]

    def names(self) -> list[str]:
        return [person["name"] for person in self.state["people"].values()]

    def holds(self, value: Any) -> None:
        """Send this input in every tick from now on."""
        self._input = value
        if not self._begun:
            self._begun = True
            self._give()
        self.network.run(0.2)

    def _give(self) -> None:
        seen = self.client.snapshots[-1].time - self.view_delay if self.view_delay is not None else None
        self.client.send_input(self._input, view_time=seen)
        self.network.call_at(self.network.now + TICK / self.client.input_pace, self._give)

    def leaves(self) -> None:
        self.client.disconnect()
        self.network.run(0.3)


class Place:
    """A server of Chase with a network of its own."""

    def __init__(self, bots: int = 0, seed: int = 1, lobby: bool = False) -> None:
        self.network = SimulatedNetwork(seed=seed)
        self.chase = ChaseServer(bots, random.Random(seed), lobby=lobby)
        self.network.serve(self.chase.backend, interval=TICK)

    def guest(self, name: Any, link: Link | None = None) -> Guest:
        return Guest(self.network, name, link)

    def put(self, number: int, **parts: Any) -> None:
        """Create a situation that would take long to reach by running."""
        self.chase.runners[number] = {**self.chase.runners[number], **parts}  # type: ignore[typeddict-item]

    def chaser(self, guest: Guest) -> None:
        self.chase.runners = rules.elected(self.chase.runners, guest.number)
        self.put(guest.number, frozen=0)


@pytest.fixture
def place() -> Place:
    return Place()


RIGHT = {"x": 1, "y": 0, "dash": False}
STILL = {"x": 0, "y": 0, "dash": False}


def its(state: Any) -> list[int]:
    return [number for number, runner in state["runners"].items() if runner["it"]]


def test_the_first_to_come_is_it(place: Place) -> None:
    ada = place.guest("Ada")
    assert its(ada.state) == [ada.number]
    assert ada.names() == ["Ada"]


def test_the_second_runs_and_is_safe_at_first(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    assert its(bob.state) == [ada.number]
    assert 0 < bob.runner["safe"] <= SAFE_TICKS
    assert ada.news == []
    place.network.run(STAYS)
    assert ada.news == ["Bob runs along now."], "as soon as he is there to stay"


def test_each_moves_their_own_runner_only(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.chaser(ada)
    place.put(ada.number, x=300, y=300)
    at = bob.runner["x"], bob.runner["y"]
    ada.holds(RIGHT)
    assert bob.state["runners"][ada.number]["x"] > 400
    assert (bob.runner["x"], bob.runner["y"]) == at


def test_who_is_touched_becomes_it_and_everybody_is_told(place: Place) -> None:
    ada, bob, eve = place.guest("Ada"), place.guest("Bob"), place.guest("Eve")
    place.chaser(ada)
    place.put(ada.number, x=300, y=300)
    place.put(bob.number, x=300 + TOUCH, y=300, safe=0)
    place.network.run(0.2)
    assert its(eve.state) == [bob.number]
    assert 0 < bob.runner["frozen"] <= FROZEN_TICKS
    assert 0 < ada.runner["safe"] <= SAFE_TICKS
    assert ada.tags == bob.tags == eve.tags == [(ada.number, bob.number)]
    assert eve.state["scores"][ada.number][1] == 1


def test_nobody_is_tagged_back_within_five_seconds_and_is_after_that(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.chaser(ada)
    place.put(ada.number, x=300, y=300)
    place.put(bob.number, x=300 + TOUCH, y=300, safe=0)
    place.network.run(4.9)
    assert its(ada.state) == [bob.number]
    place.network.run(0.4)
    assert ada.tags == [(ada.number, bob.number), (bob.number, ada.number)]
    assert its(ada.state) == [ada.number]


def test_of_several_the_nearest_is_caught(place: Place) -> None:
    ada, bob, eve = place.guest("Ada"), place.guest("Bob"), place.guest("Eve")
    place.chaser(ada)
    place.put(ada.number, x=300, y=300)
    place.put(bob.number, x=300 + TOUCH, y=300, safe=0)
    place.put(eve.number, x=300, y=300 + TOUCH - 20, safe=0)
    place.network.run(0.2)
    assert its(ada.state) == [eve.number]


@pytest.mark.parametrize(("view_delay", "is_caught"), [(0.1, True), (None, False), (5.0, False)])
def test_a_tag_is_judged_by_what_the_chaser_saw_but_not_by_long_ago(
    place: Place, view_delay: float | None, is_caught: bool
) -> None:
    """Bob runs past Ada. She sees him 0.1 s late, and touches him on her screen when he has already passed."""
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.chaser(ada)
    place.put(ada.number, x=3000, y=3000)  # out of the way
    place.put(bob.number, x=300, y=300, safe=0)
    bob.holds(RIGHT)
    ada.view_delay = view_delay
    ada.holds(STILL)
    x = bob.runner["x"]
    place.put(ada.number, x=x - 2 * rules.SPEED, y=300 - TOUCH + 20)  # his place 0.1 to 0.15 s ago
    touching = math.hypot(2 * rules.SPEED, TOUCH - 20)
    assert touching <= TOUCH
    place.put(bob.number, x=x + 11 * rules.SPEED)
    place.network.run(0.1)
    assert (its(ada.state) == [bob.number]) is is_caught


def test_the_asleep_hand_it_on(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    bob.holds(RIGHT)
    assert its(ada.state) == [ada.number]
    place.network.run(11.0)
    assert its(ada.state) == [bob.number]
    assert "Ada sleeps. Bob is it now." in bob.news


def test_where_everybody_sleeps_it_stays_with_who_has_it(place: Place) -> None:
    ada, _bob = place.guest("Ada"), place.guest("Bob")
    place.network.run(25.0)
    assert its(ada.state) == [ada.number]


def test_the_time_that_one_is_free_counts(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.network.run(3.0)
    assert ada.state["scores"][ada.number][0] == 0
    assert ada.state["scores"][bob.number][0] in (2, 3)


def test_alone_no_time_passes(place: Place) -> None:
    ada = place.guest("Ada")
    place.network.run(5.0)
    assert ada.state["round"] == {"seconds": rules.ROUND_TICKS * TICK, "winner": []}
    assert ada.state["scores"] == {ada.number: [0, 0]}


def test_a_round_ends_with_a_winner_and_the_next_begins_from_nothing(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.chase.ticks_left = 150
    place.network.run(4.0)
    assert ada.state["round"]["winner"][:2] == [bob.number, "Bob"]
    place.put(ada.number, x=300, y=300)
    place.put(bob.number, x=300 + TOUCH, y=300, safe=0)
    place.network.run(1.0)
    assert its(ada.state) == [ada.number], "nobody is caught between rounds"
    place.put(bob.number, x=5000)
    place.network.run(6.0)
    assert ada.state["round"]["winner"] == []
    assert max(seconds for seconds, _ in ada.state["scores"].values()) <= 3
    assert len(its(ada.state)) == 1


def test_the_winner_may_leave_before_the_next_round(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.chase.ticks_left = 60
    place.network.run(1.5)
    bob.leaves()
    assert ada.state["round"]["winner"][1] == "Bob"
    place.network.run(9.0)
    assert ada.state["round"]["winner"] == []


def test_when_the_chaser_leaves_another_is_it_and_is_named(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.network.run(STAYS)
    ada.leaves()
    assert its(bob.state) == [bob.number]
    assert bob.news[-1] == "Ada has left. Bob is it now."


def test_nobody_hears_of_who_only_looks_in_but_of_who_is_it_instead(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    ada.leaves()
    assert bob.news == ["Bob is it now."]
    place.guest("Eve").leaves()
    place.network.run(2 * STAYS)
    assert bob.news == ["Bob is it now."]


def test_whoever_comes_after_everyone_has_left_is_it(place: Place) -> None:
    for guest in (place.guest("Ada"), place.guest("Bob")):
        guest.leaves()
    eve = place.guest("Eve")
    assert eve.names() == ["Eve"]
    assert its(eve.state) == [eve.number]


def test_whoever_comes_to_bots_alone_finds_a_new_round() -> None:
    place = Place(bots=3)
    ada = place.guest("Ada")
    place.network.run(20.0)
    ada.leaves()
    eve = place.guest("Eve")
    assert eve.state["round"]["seconds"] >= rules.ROUND_TICKS * TICK - 1
    assert max(seconds for seconds, _ in eve.state["scores"].values()) == 0
    assert len(its(eve.state)) == 1


def test_who_loses_the_connection_is_not_it_any_more_and_leaves_at_last(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    place.network.partition(ada.client)
    place.network.run_until(lambda: its(bob.state) == [bob.number], timeout=15.0)
    assert bob.news[-1] == "Ada has lost the connection. Bob is it now."
    assert bob.state["people"][ada.number]["lost"]
    place.network.run(2 * ServerConfig.resume_seconds)
    assert list(bob.state["runners"]) == [bob.number]


class Crowd:
    """Calls a server as its backend would, without a network, and keeps the state that a client would have."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.chase = ChaseServer(rng.choice([0, 0, 1, 3, 15]), rng)
        self.chase.backend.server.dispatch_event = lambda *_, **__: None  # type: ignore[method-assign]
        self.told: Any = self.chase.tables()
        self.people: list[int] = []
        self.came = 0

    def joins(self) -> None:
        self.came += 1
        self.people.append(self.came)
        profile = {"name": self.rng.choice(["Ada", "Bob", ""])}
        _apply(self.told, self.chase.on_connected(self.came, profile))

    def leaves(self) -> None:
        """Remove a random client: the chaser in half of the cases, if it is one."""
        it = rules.chaser_of(self.chase.runners) if self.rng.random() < 0.5 else None
        gone = it if it in self.people else self.rng.choice([self.people[0], self.people[-1], *self.people])
        self.people.remove(gone)
        _apply(self.told, self.chase.on_left(gone, self.rng.choice(list(DisconnectReason))))

    def loses(self) -> None:
        """Let the connection of a random client be lost, or let it come back."""
        client_id = self.rng.choice(self.people)
        happens = self.chase.on_resumed if self.chase.people[client_id]["lost"] else self.chase.on_lost
        _apply(self.told, happens(client_id))

    def meets(self) -> None:
        """Move two runners together, so that there are tags."""
        runners = self.chase.runners
        a, b = self.rng.sample(sorted(runners), 2)
        runners[b] = {**runners[b], "x": runners[a]["x"], "y": runners[a]["y"], "safe": 0}

    def tick(self) -> None:
        _apply(self.told, self.chase.time_step(GameState(), TICK, {}))

    def check(self) -> None:
        told = self.told
        assert told["runners"].keys() == told["people"].keys() == told["scores"].keys()
        assert len(told["runners"]) <= MOST_RUNNERS
        assert len(its(told)) == min(1, len(told["runners"]))
        assert sorted(number for number in told["people"] if number > 0) == self.people
        (chaser,) = its(told) or [0]
        present = [number for number, person in told["people"].items() if not person["lost"]]
        assert chaser in present or not present
        assert len({person["name"] for person in told["people"].values()}) == len(told["people"])


@pytest.mark.parametrize("turn", range(3))
def test_exactly_one_is_it_whoever_comes_and_goes(turn: int) -> None:
    """Players and bots arrive, run, catch and leave in any order, several in one tick. There is always exactly one
    chaser.
    """
    rng = random.Random(turn)
    crowd = Crowd(rng)
    for _ in range(500):
        for _ in range(rng.choice([0, 0, 0, 1, 1, 2, 5])):
            if crowd.people and rng.random() < 0.5:
                rng.choice([crowd.leaves, crowd.loses])()
            elif len(crowd.people) < MOST_RUNNERS:
                crowd.joins()
            crowd.check()
        if rng.random() < 0.1 and len(crowd.told["runners"]) > 1:
            crowd.meets()
        if rng.random() < 0.02:
            crowd.chase.ticks_left = 1
        for _ in range(rng.choice([1, 1, 1, 20])):
            crowd.tick()
            crowd.check()


def _apply(told: Any, update: Any) -> None:
    """Merge an update as a client does."""
    for key, value in update.items():
        if value == TO_DELETE:
            del told[key]
        elif isinstance(value, dict) and isinstance(told.get(key), dict):
            told[key] = dict(told[key])
            _apply(told[key], value)
        else:
            told[key] = value


def test_bots_give_way_for_people_and_come_back() -> None:
    place = Place(bots=15)
    ada, bob = place.guest("Ada"), place.guest("Bob")
    assert len(ada.state["runners"]) == MOST_RUNNERS
    assert sum(number < 0 for number in ada.state["people"]) == 14
    bob.leaves()
    assert sum(number < 0 for number in ada.state["people"]) == 15


def test_sixteen_people_fit_and_a_seventeenth_is_told_that_it_is_full(place: Place) -> None:
    guests = [place.guest(f"Guest {number}") for number in range(16)]
    assert len(guests[0].state["runners"]) == 16
    late = Client(game=GAME_NAME)
    place.network.connect(late)
    place.network.run(1.0)
    assert late.disconnect_reason is DisconnectReason.SERVER_FULL


def test_bots_chase_people_down_and_rest_when_nobody_is_there() -> None:
    place = Place(bots=3)
    state = place.chase.backend.game_state_store.get_game_state()
    assert place.chase.time_step(state, TICK, {}) == {}
    ada = place.guest("Ada")
    place.network.run_until(lambda: len(ada.tags) >= 3, timeout=120.0)


def test_a_hostile_client_moves_at_most_its_own_runner(place: Place) -> None:
    ada, mallory = place.guest("Ada"), place.guest("Mallory")
    before = dict(ada.runner), ada.names()
    for event in ("TAG", "NEWS", "WELCOME", "runners"):
        mallory.client.dispatch_event(event, mallory.number, ada.number, retries=RELIABLE)
    mallory.client.dispatch_event("JOIN", "Somebody else", it=True, retries=RELIABLE)
    for nonsense in (None, 10**18, {"x": float("nan")}, {"it": True, "x": 99}, [1] * 50, "right"):
        mallory.holds(nonsense)
    place.network.run(0.5)
    safe = {"frozen": 0, "safe": 0, "dash": 0}
    assert {**ada.runner, **safe} == {**before[0], **safe}
    assert ada.names() == before[1] == ["Ada", "Mallory"]
    assert ada.client.status == mallory.client.status == "connected"


@pytest.mark.parametrize("name", ["x" * 300, "🐍", "", "Ada\n\x00", 17, None, {"a": 1}])
def test_every_name_becomes_one_that_can_be_shown_and_told_apart(place: Place, name: Any) -> None:
    ada, other = place.guest("Ada"), place.guest("Ada")
    place.guest(name)
    names = other.names()
    assert names[:2] == ["Ada", "Ada 2"]
    assert len(set(names)) == 3
    assert all(shown and shown.isprintable() and len(shown) <= LONGEST_NAME for shown in names)
    assert ada.names() == names


@pytest.fixture
def crowd() -> Place:
    return Place(bots=15, seed=1)


def test_bots_stay_within_the_walls_and_get_about(crowd: Place) -> None:
    ada = crowd.guest("Ada")
    first = ada.state["runners"]
    crowd.network.run(20.0)
    last = ada.state["runners"]
    for runner in last.values():
        assert walls.is_free(runner["x"], runner["y"], walls.RADIUS - 1.5)
    moved = [n for n in last if n != ada.number and math.dist(_at(first[n]), _at(last[n])) > 200]
    assert len(moved) >= 8


def _at(runner: Any) -> tuple[int, int]:
    return runner["x"], runner["y"]


def ready(place: Place, *guests: Guest) -> None:
    for guest in guests:
        guest.client.dispatch_event("READY", True, retries=RELIABLE)
    place.network.run(0.3)


def test_before_the_first_round_nobody_is_caught_and_no_time_counts() -> None:
    place = Place(bots=6, lobby=True)
    ada = place.guest("Ada")
    place.network.run(20.0)
    assert (ada.state["lobby"], ada.state["round"]["seconds"]) == (True, rules.ROUND_TICKS // rules.TICKS_PER_SECOND)
    assert all(score == [0, 0] for score in ada.state["scores"].values())
    ready(place, ada)
    place.network.run(20.0)
    assert not ada.state["lobby"]
    assert sum(tags for _, tags in ada.state["scores"].values()) > 0
    assert not ada.state["people"][ada.number]["ready"], "each round wants a new word"


def test_between_two_rounds_clients_see_the_lobby_and_the_next_begins_when_all_are_ready() -> None:
    place = Place(bots=2, lobby=True)
    ada, bob = place.guest("Ada"), place.guest("Bob")
    assert ada.state["lobby"], "before the first round, too"
    ready(place, ada, bob)
    assert not ada.state["lobby"]
    place.chase.ticks_left = 10
    place.network.run(1.0)
    assert ada.state["lobby"]
    ready(place, ada)
    assert ada.state["round"]["winner"]
    ready(place, bob)
    assert (ada.state["lobby"], ada.state["round"]["winner"]) == (False, [])
    assert not any(ada.state["people"][guest.number]["ready"] for guest in (ada, bob)), "each round wants a new word"
    assert max(seconds for seconds, _ in ada.state["scores"].values()) == 0


def test_who_watches_has_no_runner_until_it_plays_again(place: Place) -> None:
    ada, bob = place.guest("Ada"), place.guest("Bob")
    ada.client.dispatch_event("PLAY", False, retries=RELIABLE)
    place.network.run(0.3)
    assert list(bob.state["runners"]) == its(bob.state) == [bob.number]
    assert bob.names() == ["Ada", "Bob"]
    ada.holds(RIGHT)
    ada.client.dispatch_event("PLAY", True, retries=RELIABLE)
    place.network.run(0.3)
    assert set(bob.state["runners"]) == {ada.number, bob.number}
