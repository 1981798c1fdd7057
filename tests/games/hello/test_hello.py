"""Hello: one file of 150 lines at most, played by two players and a bot."""

import random
from collections.abc import Iterator
from pathlib import Path

import pygame
import pytest

from games.hello import __main__ as hello
from pygase import RELIABLE
from tests.support.table import Seat, Table

KEYS = [pygame.K_LEFT, pygame.K_RIGHT, pygame.K_UP, pygame.K_DOWN]


@pytest.fixture
def table() -> Iterator[Table]:
    random.seed(1)  # Hello uses the global generator
    table = Table(hello.GAME, bots=1)
    yield table
    table.close()


def shown(seat: Seat, of: Seat | None = None) -> tuple[float, float]:
    """Return the place of a player in somebody's window."""
    player = seat.session.view().players[(of or seat).session.me]
    return player["x"], player["y"]


def test_it_is_one_file_of_150_lines_at_most() -> None:
    source = Path(hello.__file__)
    assert len(source.read_text(encoding="utf-8").splitlines()) <= 150
    assert "from games.hello" not in source.read_text(encoding="utf-8")


def test_two_players_and_a_bot_play_for_15_s(table: Table, rng: random.Random) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.0)
    held: dict[Seat, int] = {}
    bot_places = set()
    for _ in range(60):
        seat = rng.choice([ada, bob])
        if seat in held:
            seat.releases(held.pop(seat))
        else:
            held[seat] = rng.choice(KEYS)
            seat.presses(held[seat])
        table.runs(0.25)
        bot = table.state.players[-1]
        bot_places.add((bot["x"], bot["y"]))
    for seat, key in held.items():
        seat.releases(key)
    table.runs(0.5)
    assert len(bot_places) > 10, "the bot walks about"
    names = {seat["name"] for seat in ada.session.view().seats.values()}
    assert names == {"Ada", "Bob", "Bot"}
    for seat in (ada, bob):
        truth = table.state.players[seat.session.me]
        assert shown(ada, seat) == shown(bob, seat) == (truth["x"], truth["y"]), "everyone sees the truth"
        assert seat.session.predictor is not None
        assert seat.session.predictor.corrections == 0, "who is alone in his way is never corrected"


def test_ones_own_circle_moves_before_the_server_can_have_answered(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(1.0)
    key = pygame.K_LEFT if shown(ada)[0] > hello.WIDTH / 2 else pygame.K_RIGHT
    before = shown(ada)
    table.network.partition(ada.session.client)
    ada.presses(key)
    table.runs(0.1)
    assert abs(shown(ada)[0] - before[0]) >= 5 * hello.STEP


@pytest.mark.parametrize("wish", [None, "left", [2, 0], [0], {"dx": 1}, [[], []], 1e308, [float("nan"), 0]])
def test_what_is_no_wish_moves_nobody(wish: object) -> None:
    player = {"x": 50.0, "y": 50.0}
    assert hello.move(player, wish) == player


def test_nobody_leaves_the_floor() -> None:
    player = {"x": 50.0, "y": 50.0}
    for _ in range(500):
        player = hello.move(player, [1, 1])
    assert player == {"x": hello.WIDTH - hello.RADIUS, "y": hello.HEIGHT - hello.RADIUS}


def test_who_leaves_is_gone_and_two_of_one_name_are_told_apart(table: Table) -> None:
    seats = [table.sit("Ada") for _ in range(3)]
    table.runs(1.0)
    names = sorted(seat["name"] for seat in table.state.seats.values())
    assert names == ["Ada", "Ada 2", "Ada 3", "Bot"]
    seats[0].happens(pygame.QUIT)
    seats[0].session.close()
    table.runs(0.5)
    assert len(table.state.players) == 3


def test_after_a_frame_of_some_seconds_nothing_is_made_up_for(table: Table) -> None:
    """The window was dragged, or the laptop slept: no flood of inputs, no jump, no lost connection."""
    ada = table.sit("Ada")
    table.runs(1.0)
    ada.presses(pygame.K_LEFT)
    sent = table.network.bytes_sent[ada.session.client.address]
    table.network.run(4.0)
    before = table.state.players[ada.session.me]["x"]
    table.frame()
    table.network.run(0.05)
    assert ada.session.status == "connected"
    assert table.network.bytes_sent[ada.session.client.address] - sent < 10_000
    assert before - table.state.players[ada.session.me]["x"] <= 0.3 * 60 * hello.STEP
    ada.releases(pygame.K_LEFT)
    table.runs(1.0)
    assert shown(ada) == (table.state.players[ada.session.me]["x"], table.state.players[ada.session.me]["y"])


def test_a_minimised_window_lets_all_keys_go(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(1.0)
    ada.presses(pygame.K_LEFT, pygame.K_UP)
    ada.happens(pygame.WINDOWFOCUSLOST)
    ada.happens(pygame.WINDOWMINIMIZED)
    table.runs(0.5)
    rests = dict(table.state.players[ada.session.me])
    table.runs(2.0)
    assert table.state.players[ada.session.me] == rests
    assert ada.session.status == "connected"


def put(table: Table, **attributes: object) -> None:
    """Put the server into a situation that would take long to reach by playing."""
    table.backend.game_state_machine.register_event_handler("PUT", lambda: attributes)
    table.seats[0].session.client.dispatch_event("PUT", retries=RELIABLE)
    table.runs(0.2)


def test_a_star_that_is_reached_counts_and_another_appears_under_a_new_key(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(1.0)
    me = ada.session.me
    keys = set(table.state.stars)
    player, before = table.state.players[me], table.state.scores[me]
    put(table, stars={min(keys): {"x": player["x"], "y": player["y"]}})
    assert table.state.scores[me] >= before + 1
    assert len(table.state.stars) == len(keys)
    assert min(keys) not in table.state.stars
    assert max(table.state.stars) > max(keys)


def test_after_a_minute_the_best_has_the_crown_and_the_next_round_begins(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(1.0)
    put(table, left=5, scores={ada.session.me: 1000})
    table.runs(1.0)
    assert table.state.left < 0
    assert hello.leaders(dict(table.state.scores)) == [ada.session.me]
    stars = table.state.stars
    table.runs(1.0)
    assert table.state.stars == stars, "between two rounds nobody collects"
    table.runs(hello.PAUSE / 60)
    assert table.state.left > 0
    assert max(table.state.scores.values()) < 1000


def test_there_is_a_crown_for_everybody_with_most_stars_and_none_without_stars() -> None:
    assert hello.leaders({}) == []
    assert hello.leaders({1: 0, 2: 0}) == []
    assert hello.leaders({1: 3, 2: 5, -1: 5}) == [2, -1]


def test_bots_collect_stars(table: Table) -> None:
    table.sit("Ada")
    table.waits(10.0)
    assert table.state.scores[-1] >= 3
