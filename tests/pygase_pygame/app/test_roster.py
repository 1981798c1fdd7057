"""The list of players in a host's window: everybody's name, and kick and ban for everybody but the host."""

import importlib
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from pygase import RELIABLE, Client, DisconnectReason
from pygase_pygame.app import roster
from pygase_pygame.app.game import Game
from pygase_pygame.app.roster import Roster
from tests.support.demo import DEMO
from tests.support.table import Seat, Table

NAMES = ("hello", "pong", "chase", "arena", "canvas")
FAR = ("10.0.0.7", 5000)
NEAR = ("127.0.0.1", 5001)


class Hosted:
    """A game hosted in Ada's window, and guests."""

    def __init__(self, game: Game) -> None:
        self.table = Table(game)
        self.ada: Seat = self.table.sit("Ada")
        self.ada.session.backend = self.table.backend
        self.table.runs(0.5)

    def guest(self, name: str, address: Any) -> Client:
        client = Client(game=self.table.game.name)
        self.table.network.connect(client, address=address, profile={"name": name})
        self.table.runs(0.5)
        return client

    @property
    def roster(self) -> Roster:
        return self.ada.loop.roster

    def presses(self, *keys: int) -> None:
        for key in keys:
            self.ada.presses(key)
            self.ada.releases(key)
        self.table.runs(0.3)


@pytest.fixture
def hosted(request: pytest.FixtureRequest) -> Iterator[Hosted]:
    made = Hosted(getattr(request, "param", DEMO))
    yield made
    made.ada.session.backend = None  # the table ends it; here there is no thread to wait for
    made.table.close()


def why(client: Client) -> DisconnectReason | None:
    return client.disconnect_reason


def test_who_joins_somebodys_game_has_no_list(hosted: Hosted) -> None:
    bob = hosted.table.sit("Bob")
    hosted.table.runs(0.5)
    bob.presses(pygame.K_F6)
    assert not bob.loop.roster.open


def test_the_chosen_guest_is_kicked_and_may_come_back(hosted: Hosted) -> None:
    bob, eve = hosted.guest("Bob", FAR), hosted.guest("Eve", NEAR)
    hosted.presses(pygame.K_F6, pygame.K_DOWN, pygame.K_DOWN, pygame.K_k)
    assert why(eve) is DisconnectReason.KICKED
    assert bob.status == "connected"
    assert hosted.guest("Eve", NEAR).status == "connected"


def test_the_chosen_guest_is_banned_with_all_from_that_address(hosted: Hosted) -> None:
    bob = hosted.guest("Bob", FAR)
    hosted.presses(pygame.K_F6, pygame.K_UP, pygame.K_b)
    assert why(bob) is DisconnectReason.BANNED
    assert why(hosted.guest("Bob", ("10.0.0.7", 5009))) is DisconnectReason.BANNED


def test_who_plays_at_the_hosts_own_address_cannot_be_banned_but_kicked(hosted: Hosted) -> None:
    bob = hosted.guest("Bob", NEAR)
    hosted.presses(pygame.K_F6, pygame.K_DOWN, pygame.K_b)
    assert bob.status == "connected"
    assert hosted.table.backend.server.banned == []
    hosted.presses(pygame.K_k)
    assert why(bob) is DisconnectReason.KICKED


def test_two_guests_behind_one_router_are_two_players_of_whom_one_is_kicked(hosted: Hosted) -> None:
    bob, eve = hosted.guest("Bob", FAR), hosted.guest("Eve", ("10.0.0.7", 5001))
    assert [player.key for player in hosted.roster.players()] == [hosted.ada.session.me, bob.id, eve.id]
    hosted.presses(pygame.K_F6, pygame.K_DOWN, pygame.K_DOWN, pygame.K_k)
    assert (bob.status, why(eve)) == ("connected", DisconnectReason.KICKED)


def test_the_hosts_own_player_can_be_neither_chosen_nor_thrown_out(hosted: Hosted) -> None:
    hosted.presses(pygame.K_F6, pygame.K_DOWN, pygame.K_UP, pygame.K_k, pygame.K_b)
    hosted.roster.choose(hosted.ada.session.me)
    hosted.presses(pygame.K_k, pygame.K_b)
    assert hosted.ada.session.status == "connected"
    (ada,) = hosted.roster.players()
    assert ada.is_me


def test_nobody_is_thrown_out_while_the_list_is_closed_or_nobody_is_chosen(hosted: Hosted) -> None:
    bob = hosted.guest("Bob", FAR)
    hosted.presses(pygame.K_k, pygame.K_b, pygame.K_F6, pygame.K_k, pygame.K_b)
    assert bob.status == "connected"
    hosted.presses(pygame.K_DOWN, pygame.K_F6, pygame.K_k)
    assert bob.status == "connected"


def test_who_is_chosen_stays_chosen_when_others_come_and_go(hosted: Hosted) -> None:
    bob, eve = hosted.guest("Bob", FAR), hosted.guest("Eve", ("10.0.0.8", 1))
    hosted.presses(pygame.K_F6, pygame.K_UP)
    bob.disconnect()
    hosted.table.runs(0.5)
    zoe = hosted.guest("Zoe", ("10.0.0.9", 1))
    hosted.presses(pygame.K_k)
    assert why(eve) is DisconnectReason.KICKED
    hosted.presses(pygame.K_k)
    assert zoe.status == "connected", "a second press is not for whoever is next"


def test_esc_closes_the_list_and_not_the_game_and_the_game_hears_no_keys(hosted: Hosted) -> None:
    hosted.presses(pygame.K_F6)
    heard = len(hosted.ada.screen.heard)  # type: ignore[attr-defined]
    hosted.ada.presses(pygame.K_SPACE)
    hosted.ada.presses(pygame.K_ESCAPE)
    assert len(hosted.ada.screen.heard) == heard  # type: ignore[attr-defined]
    assert not hosted.roster.open
    assert not hosted.ada.loop.menu.is_open
    hosted.ada.presses(pygame.K_ESCAPE)
    assert hosted.ada.loop.menu.is_open


def test_the_mouse_does_the_same(hosted: Hosted) -> None:
    bob = hosted.guest("Bob", FAR)
    hosted.presses(pygame.K_F6)
    (row, _), *_ = hosted.roster.places
    hosted.ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=row.center)
    hosted.table.runs(0.1)
    kick, _ = hosted.roster.places[-2]
    hosted.ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=kick.center)
    hosted.table.runs(0.3)
    assert why(bob) is DisconnectReason.KICKED


@pytest.mark.parametrize("size", [(1, 1), (40, 900), (900, 40), (480, 320), (1920, 1080)])
def test_it_can_be_drawn_at_any_size_and_shows_who_is_chosen(hosted: Hosted, size: tuple[int, int]) -> None:
    for number in range(30):
        hosted.table.network.connect(Client(game="demo"), address=(f"10.0.0.{number}", 1))
    hosted.table.runs(0.2)
    hosted.presses(pygame.K_F6, pygame.K_UP)
    pygame.display.set_mode(size, pygame.RESIZABLE)
    hosted.table.runs(0.1)
    players = hosted.roster.players()
    for most in (1, 2, 7, 31, 40):
        assert hosted.roster.chosen in [one.key for one in hosted.roster.in_sight(players, most)]


@pytest.mark.parametrize(
    "hosted", [importlib.import_module(f"games.{name}.__main__").GAME for name in NAMES], ids=NAMES, indirect=True
)
def test_in_each_game_guests_are_listed_by_name_and_can_be_kicked(hosted: Hosted) -> None:
    hosted.guest("Bob", FAR)
    names = {player.host: player.name for player in hosted.roster.players()}
    assert names == {"127.0.0.1": "Ada", "10.0.0.7": "Bob"}
    hosted.presses(roster.ROSTER_KEY, pygame.K_DOWN, pygame.K_k)
    assert [player.name for player in hosted.roster.players()] == ["Ada"]
    assert hosted.ada.session.status == "connected"


@pytest.mark.parametrize(
    "hosted", [importlib.import_module("games.canvas.__main__").GAME], ids=["canvas"], indirect=True
)
def test_in_canvas_the_host_undoes_all_of_somebody_from_the_list(hosted: Hosted) -> None:
    bob = hosted.guest("Bob", FAR)
    line = importlib.import_module("games.canvas.rules").pack_line(1, 1, [(5, 5), (50, 50)])
    bob.dispatch_event("INK", 0, 0, line, retries=RELIABLE)
    hosted.table.runs(0.3)
    assert any(hosted.table.state.ink.values())
    hosted.presses(roster.ROSTER_KEY, pygame.K_DOWN, pygame.K_u)
    assert not any(hosted.table.state.ink.values())
    assert bob.status == "connected"


@pytest.mark.parametrize(
    "hosted", [importlib.import_module("games.canvas.__main__").GAME], ids=["canvas"], indirect=True
)
def test_in_canvas_the_host_undoes_all_of_somebody_who_has_left(hosted: Hosted) -> None:
    """An artist that scribbles and leaves stays in the list as long as the scribble."""
    eve = hosted.guest("Eve", FAR)
    line = importlib.import_module("games.canvas.rules").pack_line(1, 1, [(5, 5), (50, 50)])
    eve.dispatch_event("INK", 0, 0, line, retries=RELIABLE)
    hosted.table.runs(0.3)
    eve.disconnect()
    hosted.table.runs(0.5)
    gone = hosted.roster.players()[-1]
    assert (gone.name, gone.where, gone.gone) == ("Eve", "has left", True)
    hosted.presses(roster.ROSTER_KEY, pygame.K_UP, pygame.K_k, pygame.K_b)
    assert hosted.roster.players()[-1] == gone  # neither can be done to her any more
    assert not hosted.table.backend.server.banned
    hosted.ada.frame()
    hosted.presses(pygame.K_u)
    assert not any(hosted.table.state.ink.values())
    assert [player.name for player in hosted.roster.players()] == ["Ada"]
