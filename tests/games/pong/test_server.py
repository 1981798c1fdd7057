"""Pong's server is fair to players, to spectators, to those who leave, and against those who cheat.

Real backend and clients, on a simulated network in virtual time.
"""

import random
from typing import Any

import pytest

from games.pong import flight, rules
from games.pong.flight import LEFT, RIGHT
from games.pong.seats import people_of, seat_of
from games.pong.server import GAME_NAME, TICK, PongServer
from pygase import CLIENT_LEFT, RELIABLE, Client
from pygase.testing import SimulatedNetwork
from pygase.utils import Sqn
from pygase_pygame.app.company import STAYS
from tests.games import guests


class Guest(guests.Guest):
    """A client at the table, and the news that it received."""

    def __init__(self, network: SimulatedNetwork, name: Any) -> None:
        self._direction: tuple[Any] | None = None
        super().__init__(network, GAME_NAME, name)

    @property
    def seat(self) -> str:
        return seat_of(self.state["seats"], self.client.id)

    @property
    def people(self) -> dict[str, Any]:
        return people_of(self.state["seats"])

    @property
    def match(self) -> rules.Match:
        match: rules.Match = self.state["match"]
        return match

    def names(self) -> tuple[str, str]:
        players = self.people["players"]
        return players[LEFT]["name"], players[RIGHT]["name"]

    def does(self, event_type: str, *args: Any, **kwargs: Any) -> None:
        self.client.dispatch_event(event_type, *args, retries=RELIABLE, **kwargs)
        self.network.run(0.1)

    def holds(self, direction: Any) -> None:
        """Send this input in every tick from now on."""
        begins = self._direction is None
        self._direction = (direction,)
        if begins:
            self._give()
        self.network.run(0.2)

    def _give(self) -> None:
        assert self._direction is not None
        self.client.send_input(self._direction[0])
        self.network.call_at(self.network.now + TICK / self.client.input_pace, self._give)

    def leaves(self) -> None:
        self.client.disconnect()
        self.network.run(0.3)


class Table:
    """A server of Pong with a network of its own."""

    def __init__(self, bots: bool = True, best_of: int = 1, lobby: bool = False) -> None:
        self.network = SimulatedNetwork(seed=1)
        self.pong = PongServer(bots, best_of, random.Random(1), lobby=lobby)
        self.network.serve(self.pong.backend, interval=TICK)

    def guest(self, name: Any) -> Guest:
        return Guest(self.network, name)

    def put(self, **of_the_match: Any) -> None:
        """Create a situation that would take long to reach by playing."""
        match = self.pong.backend.game_state_store.get_game_state().match
        handlers = self.pong.backend.game_state_machine
        handlers.register_event_handler("PUT", lambda: {"match": {**match, **of_the_match}})
        guest = Client(game=GAME_NAME)
        self.network.connect(guest)
        guest.dispatch_event("PUT", retries=RELIABLE)
        self.network.run(0.1)
        guest.disconnect()
        self.network.run(0.1)


@pytest.fixture
def table() -> Table:
    return Table()


def test_the_first_guest_plays_against_a_bot_at_once(table: Table) -> None:
    ada = table.guest("Ada")
    assert ada.seat == LEFT
    assert ada.names() == ("Ada", "Bot")
    assert ada.people["players"][RIGHT]["bot"]
    table.network.run(2.0)
    assert ada.match["phase"] == rules.RALLY


def test_the_second_guest_takes_the_bots_place_and_the_match_begins_anew(table: Table) -> None:
    ada = table.guest("Ada")
    table.network.run(3.0)
    bob = table.guest("Bob")
    assert (ada.seat, bob.seat) == (LEFT, RIGHT)
    assert ada.names() == bob.names() == ("Ada", "Bob")
    assert ada.match["phase"] == rules.SERVE
    assert ada.news == bob.news == []
    table.network.run(STAYS)
    assert ada.news == ["Bob plays now."], "as soon as he is there to stay"
    assert bob.news == []


def test_each_player_moves_their_own_paddle(table: Table) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    ada.holds(-1)
    bob.holds(1)
    table.network.run(1.5)
    assert ada.match["paddles"] == {LEFT: flight.PADDLE_HALF, RIGHT: flight.HEIGHT - flight.PADDLE_HALF}
    bob.holds(0)
    before = bob.match["paddles"][RIGHT]
    table.network.run(0.5)
    assert bob.match["paddles"][RIGHT] == before


def test_a_match_is_played_to_its_end_and_space_starts_the_next(table: Table) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    ada.holds(-1)
    bob.holds(-1)
    table.network.run_until(lambda: ada.match["phase"] == rules.OVER, timeout=240.0)
    assert max(ada.match["score"].values()) == rules.WINNING_SCORE
    bob.does("READY", True)
    assert ada.match["phase"] == rules.OVER, "not before both are ready"
    ada.does("READY", True)
    table.network.run(0.2)
    assert ada.match["score"] == {LEFT: 0, RIGHT: 0}
    assert ada.match["phase"] == rules.SERVE


def test_nobody_starts_again_in_the_middle_of_a_match(table: Table) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    table.put(score={LEFT: 3, RIGHT: 4})
    ada.does("READY", True)
    bob.does("READY", True)
    assert bob.match["score"] == {LEFT: 3, RIGHT: 4}


def test_a_third_guest_watches_and_moves_nothing(table: Table) -> None:
    ada, bob, eve = table.guest("Ada"), table.guest("Bob"), table.guest("Eve")
    assert eve.seat == ""
    assert eve.people["watching"] == {eve.client.id: "Eve"}
    table.network.run(STAYS)
    assert "Eve watches now." in ada.news
    assert "Eve watches now." in bob.news
    before = dict(ada.match["paddles"])
    eve.holds(-1)
    table.network.run(0.5)
    assert ada.match["paddles"] == before


def test_a_spectator_cannot_start_a_match(table: Table) -> None:
    table.guest("Ada"), table.guest("Bob")
    eve = table.guest("Eve")
    table.put(phase=rules.OVER, winner=LEFT, score={LEFT: 11, RIGHT: 2})
    eve.does("READY", True)
    assert eve.match["phase"] == rules.OVER


def test_a_spectator_moves_up_when_a_player_leaves(table: Table) -> None:
    ada, bob, eve = table.guest("Ada"), table.guest("Bob"), table.guest("Eve")
    table.network.run(STAYS)
    table.put(score={LEFT: 3, RIGHT: 4})
    ada.leaves()
    assert eve.seat == LEFT
    assert bob.names() == ("Eve", "Bob")
    assert bob.people["watching"] == {}
    assert bob.match["score"] == {LEFT: 0, RIGHT: 0}
    assert "Ada has left. Eve takes their place." in bob.news
    assert "Ada has left. Eve takes their place." in eve.news


def test_nobody_hears_of_who_only_looks_in(table: Table) -> None:
    ada = table.guest("Ada")
    table.network.run(STAYS)
    for name in ("Bob", None):
        bob = table.guest(name)
        table.network.run(STAYS - 1.0)
        bob.leaves()
    for _ in range(3):
        ada.does("GUEST", True)
        ada.does("GUEST", False)
    table.network.run(2 * STAYS)
    assert ada.news == []


def test_who_takes_the_place_of_somebody_who_only_looked_in_is_named(table: Table) -> None:
    _, bob = table.guest("Ada"), table.guest("Bob")
    eve = table.guest("Eve")
    bob.leaves()
    assert eve.news == ["Eve plays now."]


def test_a_bot_plays_on_for_whoever_leaves_and_the_other_is_told(table: Table) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    table.network.run(STAYS)
    table.put(score={LEFT: 3, RIGHT: 4})
    bob.leaves()
    assert ada.names() == ("Ada", "Bot")
    assert ada.match["score"] == {LEFT: 3, RIGHT: 4}
    assert ada.news[-1] == "Bob has left. A bot plays on."
    ada.holds(-1)
    table.network.run_until(lambda: ada.match["rally"] > 0 or ada.match["score"][RIGHT] > 4, timeout=30)


def test_without_bots_the_match_waits_for_a_second_player() -> None:
    table = Table(bots=False)
    ada = table.guest("Ada")
    table.network.run(3.0)
    assert ada.match["phase"] == rules.WAITING
    assert ada.names() == ("Ada", "")
    bob = table.guest("Bob")
    assert ada.match["phase"] == rules.SERVE
    table.network.run(STAYS)
    bob.leaves()
    assert ada.match["phase"] == rules.WAITING
    assert ada.news[-1] == "Bob has left."


def test_an_empty_table_rests(table: Table) -> None:
    ada = table.guest("Ada")
    ada.leaves()
    state = table.pong.backend.game_state_store.get_game_state()
    assert state.match == rules.new_match(rules.WAITING)
    assert table.pong.time_step(state, TICK, {}) == {}


def test_whoever_comes_after_everyone_has_left_finds_a_fresh_match(table: Table) -> None:
    table.guest("Ada").leaves()
    bob = table.guest("Bob")
    assert bob.seat == LEFT
    assert bob.match["phase"] == rules.SERVE


def test_a_time_step_returns_only_what_changed_and_changes_nothing_in_place(table: Table) -> None:
    table.guest("Ada")
    state = table.pong.backend.game_state_store.get_game_state()
    before = repr(state.match)
    update = table.pong.time_step(state, TICK, {})
    assert update["match"].keys() <= {"countdown", "paddles", "ball", "phase"}
    assert repr(state.match) == before


@pytest.mark.parametrize(
    "nonsense",
    [5, -2, 0.5, "1", None, [1], [9, 1], {"up": True}, b"\x01", 10**18, float("nan"), float("inf"), Sqn(40_000)],
)
def test_an_input_that_is_no_direction_moves_nothing(table: Table, nonsense: Any) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    ada.holds(nonsense)
    table.network.run(0.5)
    assert bob.match["paddles"] == {LEFT: flight.HEIGHT / 2, RIGHT: flight.HEIGHT / 2}


def test_a_hostile_client_moves_at_most_its_own_paddle(table: Table) -> None:
    ada, mallory = table.guest("Ada"), table.guest("Mallory")
    before = dict(ada.people["players"])
    mallory.does("INPUT", 1, side=LEFT)
    mallory.does("INPUT", 1, client_address=ada.client.address)
    mallory.holds({"side": LEFT, "direction": 1})
    mallory.does("JOIN", "Somebody else")
    mallory.does("READY", "now")
    with pytest.raises(ValueError, match="pygase:"):
        mallory.does(CLIENT_LEFT)
    mallory.does("GUEST", True)
    mallory.does("GUEST", [])
    mallory.does("GUEST", 1)
    mallory.does("GUEST")
    mallory.holds([0, 1])
    mallory.does("NEWS", "Ada cheats")
    table.network.run(STAYS)
    assert ada.match["paddles"][LEFT] == flight.HEIGHT / 2
    assert ada.people["players"] == before
    assert ada.news == ["Mallory plays now."]
    assert ada.client.status == mallory.client.status == "connected"


def test_two_guests_of_one_name_can_be_told_apart(table: Table) -> None:
    ada, other = table.guest("Ada"), table.guest("Ada")
    assert other.names() == ("Ada", "Ada 2")
    assert ada.names() == ("Ada", "Ada 2")


def test_nobody_can_call_themselves_the_bot(table: Table) -> None:
    assert table.guest("Bot").names() == ("Bot 2", "Bot")


def test_a_guest_who_tells_no_name_plays_all_the_same(table: Table) -> None:
    ada = table.guest(None)
    assert ada.names()[0]
    assert ada.match["phase"] != rules.WAITING


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("  Ada \n Lovelace\t", "Ada Lovelace"),
        ("", "Player"),
        ("x" * 300, "x" * 16),
        ("🐍 Ada", "Ada"),
        (None, "Player"),
        ({"a": 1}, "Player"),
        ("guest", "guest 2"),
    ],
)
def test_every_name_becomes_one_that_can_be_shown(table: Table, sent: Any, shown: str) -> None:
    assert table.guest(sent).names() == (shown, "Bot")


def test_nobody_is_told_anybodys_address(table: Table) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    assert ada.client.address is not None
    host, port = ada.client.address[:2]
    assert host not in repr(bob.state)
    assert str(port) not in repr(bob.state)
    assert list(bob.state["seats"]) == [ada.client.id, bob.client.id]


# -- two at one keyboard


def test_a_second_player_at_the_keyboard_takes_the_bots_paddle(table: Table) -> None:
    ada = table.guest("Ada")
    table.network.run(3.0)
    ada.does("GUEST", True)
    assert ada.names() == ("Ada", "Guest")
    assert ada.people["players"][RIGHT]["guest"]
    assert ada.seat == LEFT
    assert ada.match["phase"] == rules.SERVE
    ada.holds([-1, 1])
    table.network.run(1.2)
    assert ada.match["paddles"] == {LEFT: flight.PADDLE_HALF, RIGHT: flight.HEIGHT - flight.PADDLE_HALF}


def test_without_a_second_player_the_second_direction_moves_nothing(table: Table) -> None:
    ada, bob = table.guest("Ada"), table.guest("Bob")
    ada.holds([0, 1])
    table.network.run(0.5)
    assert bob.match["paddles"] == {LEFT: flight.HEIGHT / 2, RIGHT: flight.HEIGHT / 2}


def test_the_bot_is_back_when_the_second_player_gets_up(table: Table) -> None:
    ada = table.guest("Ada")
    ada.does("GUEST", True)
    table.network.run(STAYS)
    assert ada.news == ["A guest plays beside Ada now."]
    table.put(score={LEFT: 3, RIGHT: 4})
    ada.does("GUEST", False)
    assert ada.names() == ("Ada", "Bot")
    assert ada.match["score"] == {LEFT: 3, RIGHT: 4}
    assert ada.news[-1] == "The guest has left. A bot plays on."


def test_a_second_player_at_the_keyboard_begins_a_match_that_waits() -> None:
    table = Table(bots=False)
    ada = table.guest("Ada")
    assert ada.match["phase"] == rules.WAITING
    ada.does("GUEST", True)
    assert ada.match["phase"] == rules.SERVE
    ada.does("GUEST", False)
    assert ada.match["phase"] == rules.WAITING


def test_who_comes_while_two_play_at_a_keyboard_watches_and_then_takes_the_free_place(table: Table) -> None:
    ada = table.guest("Ada")
    ada.does("GUEST", True)
    bob = table.guest("Bob")
    assert bob.seat == ""
    table.network.run(STAYS)
    ada.does("GUEST", False)
    assert bob.seat == RIGHT
    assert ada.names() == ("Ada", "Bob")
    assert bob.news[-1] == "The guest has left. Bob takes their place."


def test_both_places_are_filled_when_the_owner_of_the_keyboard_leaves(table: Table) -> None:
    ada = table.guest("Ada")
    ada.does("GUEST", True)
    bob, eve = table.guest("Bob"), table.guest("Eve")
    table.network.run(STAYS)
    ada.leaves()
    assert (bob.seat, eve.seat) == (LEFT, RIGHT)
    assert bob.news[-1] == "Ada has left. Bob and Eve take their place."


def test_nobodys_place_is_taken_by_a_second_player_of_another(table: Table) -> None:
    ada, bob, eve = table.guest("Ada"), table.guest("Bob"), table.guest("Eve")
    for guest in (ada, eve):
        guest.does("GUEST", True)
    assert bob.names() == ("Ada", "Bob")
    assert (ada.seat, bob.seat, eve.seat) == (LEFT, RIGHT, "")


# -- best of several


def test_a_series_goes_on_game_by_game_and_then_begins_anew() -> None:
    table = Table(best_of=3)
    ada, bob = table.guest("Ada"), table.guest("Bob")
    table.put(phase=rules.OVER, winner=LEFT, games={LEFT: 1, RIGHT: 0}, score={LEFT: 11, RIGHT: 2})
    bob.does("READY", True), ada.does("READY", True)
    assert (ada.match["games"], ada.match["score"]) == ({LEFT: 1, RIGHT: 0}, {LEFT: 0, RIGHT: 0})
    table.put(phase=rules.OVER, winner=LEFT, games={LEFT: 2, RIGHT: 0}, score={LEFT: 11, RIGHT: 2})
    assert not bob.state["seats"][bob.client.id]["ready"], "each game wants a new word"
    bob.does("READY", True), ada.does("READY", True)
    assert ada.match["games"] == {LEFT: 0, RIGHT: 0}
    assert ada.match["best_of"] == 3


def test_a_newcomer_begins_a_series_anew() -> None:
    table = Table(best_of=5)
    ada = table.guest("Ada")
    table.put(games={LEFT: 2, RIGHT: 1})
    table.guest("Bob")
    assert ada.match["games"] == {LEFT: 0, RIGHT: 0}
    assert ada.match["best_of"] == 5


# -- the lobby


def test_with_a_lobby_two_clients_wait_for_each_other_and_a_rematch_is_the_wish_of_both() -> None:
    table = Table(lobby=True)
    ada = table.guest("Ada")
    assert (ada.state["lobby"], ada.match["phase"]) == (False, rules.SERVE), "a bot is never waited for"
    bob = table.guest("Bob")
    assert (bob.state["lobby"], bob.match["phase"]) == (True, rules.WAITING)
    bob.does("READY", True)
    assert bob.state["lobby"]
    ada.does("READY", True)
    assert (bob.state["lobby"], bob.match["phase"]) == (False, rules.SERVE)
    table.put(phase=rules.OVER, winner=LEFT, score={LEFT: 11, RIGHT: 2})
    assert bob.state["lobby"]
    ada.does("READY", True)
    bob.does("READY", True)
    assert (bob.state["lobby"], bob.match["phase"], bob.match["score"]) == (False, rules.SERVE, {LEFT: 0, RIGHT: 0})
    bob.leaves()
    assert not ada.state["lobby"]


def test_who_watches_in_the_lobby_gives_the_place_to_a_spectator_or_a_bot() -> None:
    table = Table(lobby=True)
    ada, bob, eve = table.guest("Ada"), table.guest("Bob"), table.guest("Eve")
    bob.does("PLAY", False)
    assert ada.names() == ("Ada", "Eve")
    assert ada.state["lobby"]
    eve.does("PLAY", False)
    assert ada.names() == ("Ada", "Bot")
    assert (ada.state["lobby"], ada.match["phase"]) == (False, rules.SERVE)


def test_two_at_one_keyboard_see_no_lobby_and_begin_again_with_one_key() -> None:
    table = Table(bots=False, lobby=True)
    ada = table.guest("Ada")
    ada.does("GUEST", True)
    assert (ada.state["lobby"], ada.match["phase"]) == (False, rules.SERVE)
    table.put(phase=rules.OVER, winner=LEFT, score={LEFT: 11, RIGHT: 2})
    ada.does("READY", True)
    assert ada.match["score"] == {LEFT: 0, RIGHT: 0}
