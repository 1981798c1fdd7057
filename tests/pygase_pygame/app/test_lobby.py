"""The lobby: everybody sees who plays, gets ready by keys, mouse or gamepad, and the game starts when all are."""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pygame
import pytest

from pygase import RELIABLE, Client, DisconnectReason
from pygase_pygame.app import LobbyOptions, player_colour, seat_mark
from pygase_pygame.app.game import Hosting
from tests.support.race import RACE, TEAMS, serve
from tests.support.table import Seat, Table

FAR = ("10.0.0.7", 5000)


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table(RACE)
    yield made
    for seat in made.seats:
        seat.session.backend = None  # the table ends it
    made.close()


def host(table: Table, name: str = "Ada") -> Seat:
    seat = table.sit(name)
    seat.session.backend = table.backend
    table.runs(0.4)
    return seat


def guest(table: Table, name: str = "Bob", **connecting: Any) -> Client:
    client = Client(game="race")
    table.network.connect(client, profile={"name": name}, **connecting)
    table.runs(0.3)
    return client


def says(table: Table, client: Client, event: str, *args: Any) -> None:
    client.dispatch_event(event, *args, retries=RELIABLE)
    table.runs(0.2)


def presses(table: Table, seat: Seat, *keys: int) -> None:
    for key in keys:
        seat.presses(key)
        seat.releases(key)
        table.runs(0.2)


def keys_of(seat: Seat) -> list[Any]:
    return [item.key for item in seat.loop.lobby.items]


def clicks(table: Table, seat: Seat, key: object) -> None:
    (place,) = (item.rect for item in seat.loop.lobby.items if item.key == key)
    seat.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=place.center)
    table.runs(0.2)


def test_a_key_that_gets_ready_does_nothing_else_in_the_game(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    """The space bar fires a gun in some games, and the arrows move. Other keys reach the game."""
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(0.4)
    controls = ada.screen.controls
    monkeypatch.setattr(ada.screen, "handle", lambda event: controls.handle(event) and False)
    for handed_on in (pygame.K_LEFT, pygame.K_a):
        ada.presses(handed_on)
        table.runs(0.1)
        assert controls.state["left"] is (handed_on == pygame.K_a)
        ada.releases(handed_on)
    assert bob.loop.lobby.is_open


def test_the_game_starts_when_all_are_ready_and_a_rematch_too(table: Table) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(0.4)
    assert ada.loop.lobby.is_open
    assert ada.loop.lobby.listed().heading == "0 of 2 ready"
    presses(table, ada, pygame.K_SPACE)
    assert bob.loop.lobby.listed().heading == "1 of 2 ready"
    presses(table, ada, pygame.K_RETURN)
    assert bob.loop.lobby.listed().heading == "0 of 2 ready", "the second press takes it back"
    presses(table, ada, pygame.K_SPACE)
    presses(table, bob, pygame.K_SPACE)
    assert not table.state.lobby
    assert not ada.loop.lobby.is_open
    ada.screen.tell("OVER")
    table.runs(0.3)
    assert ada.loop.lobby.listed().heading == "0 of 2 ready"
    for seat in (ada, bob):
        presses(table, seat, pygame.K_SPACE)
    assert not table.state.lobby


def test_who_plays_with_bots_alone_sees_no_lobby() -> None:
    table = Table(RACE, bots=1)
    ada = table.sit("Ada")
    table.runs(0.4)
    assert not table.state.lobby
    assert not ada.loop.lobby.is_open
    table.close()


def test_a_game_without_a_lobby_has_none_whatever_its_server_sends(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = table.sit("Ada")
    table.runs(0.4)
    monkeypatch.setattr(type(ada.screen), "lobby", None)
    assert not ada.loop.lobby.is_open


def test_esc_opens_the_menu_and_other_keys_reach_the_game(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(0.4)
    heard = len(ada.screen.heard)  # type: ignore[attr-defined]
    ada.presses(pygame.K_2)
    assert len(ada.screen.heard) == heard + 1  # type: ignore[attr-defined]
    ada.presses(pygame.K_ESCAPE)
    assert ada.loop.menu.is_open


def test_a_player_changes_the_team_and_watches_and_plays_again_by_mouse(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(0.4)
    me = ada.key
    assert table.state.seats[me]["team"] == 0
    clicks(table, ada, "team 1")
    assert table.state.seats[me]["team"] == 1
    clicks(table, ada, "play")
    assert table.state.seats[me]["place"] is None
    assert keys_of(ada) == ["play"], "a spectator has no team, and nobody waits for one"
    clicks(table, ada, "play")
    assert table.state.seats[me]["place"] == 0


def test_a_gamepad_does_the_same(table: Table) -> None:
    ada, _ = table.sit("Ada"), guest(table)

    def pushes(number: int) -> None:
        for kind in (pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP):
            ada.happens(kind, instance_id=0, joy=0, button=number)
        table.runs(0.2)

    pushes(0)
    assert table.state.seats[ada.key]["ready"]
    for x in (1.0, 0.0):
        ada.happens(pygame.JOYAXISMOTION, instance_id=0, joy=0, axis=0, value=x)
    pushes(0)
    assert table.state.seats[ada.key]["team"] == 1
    pushes(1)
    assert ada.open


def test_a_host_kicks_and_bans_the_chosen_player(table: Table) -> None:
    ada, bob, eve = host(table), guest(table, address=FAR), guest(table, "Eve", address=("10.0.0.8", 1))
    assert keys_of(ada)[:2] == [eve.id, bob.id], "by team; nobody can choose the host"
    clicks(table, ada, bob.id)
    clicks(table, ada, "deed kick")
    assert bob.disconnect_reason is DisconnectReason.KICKED
    presses(table, ada, pygame.K_UP, pygame.K_SPACE)
    assert "deed ban" in keys_of(ada)
    clicks(table, ada, "deed ban")
    assert eve.disconnect_reason is DisconnectReason.BANNED
    assert list(table.state.seats) == [ada.key]


def test_who_is_no_host_chooses_and_kicks_nobody(table: Table) -> None:
    ada, _ = table.sit("Ada"), guest(table)
    table.runs(0.2)
    assert not [key for key in keys_of(ada) if isinstance(key, int) or key.startswith("deed")]


def test_a_resumed_player_keeps_the_seat_and_nobody_starts_without_it(table: Table) -> None:
    ada, bob = table.sit("Ada"), guest(table)
    says(table, bob, "TEAM", "Red")
    says(table, bob, "READY", True)
    before = table.state.seats[bob.id]
    table.network.partition(bob)
    table.waits(10.0)
    assert table.state.seats[bob.id] == {**before, "lost": True}
    presses(table, ada, pygame.K_SPACE)
    assert ada.loop.lobby.listed().heading == "1 of 2 ready"
    assert table.state.lobby
    table.network.partition(bob, on=False)
    table.waits(2.0)
    assert table.state.seats[bob.id] == before
    assert not table.state.lobby


def test_a_checkpoint_keeps_the_seats(tmp_path: Path) -> None:
    hosting = Hosting(args=argparse.Namespace(checkpoint=tmp_path / "race"))
    table = Table(RACE, backend=serve(hosting))
    bob, eve = guest(table), guest(table, "Eve")
    says(table, bob, "READY", True)
    seats = table.state.seats
    table.network.run(10.0)  # two checkpoints
    table.network.kill(table.backend)
    table.network.run(2.0)
    table.backend = serve(hosting)
    table.network.serve(table.backend, interval=RACE.tick)
    table.network.run(3.0)
    assert table.state.seats == seats
    assert (bob.status, eve.status) == ("connected", "connected")
    says(table, eve, "READY", True)
    assert not table.state.lobby
    table.close()


SIZES = [(1, 1), (40, 900), (900, 40), (320, 200), (960, 640), (1920, 1080)]


@pytest.mark.parametrize("size", SIZES)
def test_it_can_be_drawn_at_any_size_with_any_crowd(table: Table, size: tuple[int, int]) -> None:
    ada = host(table)
    ada.screen.playing.invitation = "python -m games.race join 192.168.1.5"
    for number in range(12):
        table.network.connect(Client(game="race"), address=(f"10.0.0.{number}", 1), profile={"name": "W" * 40})
    pygame.display.set_mode(size, pygame.RESIZABLE)
    table.runs(0.3)
    presses(table, ada, pygame.K_UP, pygame.K_SPACE)
    assert "ready" in keys_of(ada)
    if min(size) >= 200:
        window = pygame.Rect(0, 0, *size)
        places = [item.rect for item in ada.loop.lobby.items]
        assert all(window.contains(place) for place in places)
        assert all(place.collidelist(places[n + 1 :]) < 0 for n, place in enumerate(places)), "nothing covers another"


def test_teams_have_different_shapes_and_an_unknown_colour_is_grey() -> None:
    def drawn(team: int | None) -> bytes:
        surface = pygame.Surface((20, 20))
        seat_mark.draw_mark(surface, surface.get_rect(), (255, 255, 255), team)
        return pygame.image.tostring(surface, "RGB")

    assert len({drawn(team) for team in range(5)}) == 5
    assert seat_mark.seat_colour({"colour": "no such", "lost": False}) == seat_mark.GREY
    assert seat_mark.seat_colour({"colour": "red", "lost": False}) == (255, 0, 0)
    assert seat_mark.seat_colour({"colour": "red", "lost": True}) == seat_mark.GREY


def test_the_mark_has_the_colour_that_the_game_gives_the_player(table: Table, monkeypatch: pytest.MonkeyPatch) -> None:
    ada, bob_number = table.sit("Ada"), guest(table).id or 0

    def shows(colour: tuple[int, int, int]) -> bool:
        ada.frame()
        surface = table.window.surface
        places = ((x, y) for x in range(surface.get_width()) for y in range(surface.get_height()))
        return any(surface.get_at(place)[:3] == colour for place in places)

    green = tuple(pygame.Color("green"))[:3]
    assert shows(tuple(pygame.Color(table.state.seats[ada.key]["colour"]))[:3])
    assert not shows(green)
    monkeypatch.setattr(type(ada.screen), "lobby", LobbyOptions(TEAMS, colours=["green"]))
    assert shows(green)
    assert not shows(player_colour(bob_number))
    monkeypatch.setattr(type(ada.screen), "lobby", LobbyOptions(TEAMS, numbered=True))
    assert shows(player_colour(bob_number))
