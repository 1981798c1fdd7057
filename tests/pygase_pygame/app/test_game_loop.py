"""One loop for all games: the keys, and no window event that disconnects or floods."""

import os
from collections.abc import Iterator
from typing import cast

import pygame
import pytest

from pygase import Client
from pygase.links import LINKS
from pygase_pygame.app import window
from pygase_pygame.app.game_loop import GameLoop
from tests.support.demo import DEMO, DemoScreen
from tests.support.table import FRAME, Seat, Table


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table(DEMO)
    yield table
    table.close()


@pytest.fixture
def ada(table: Table) -> Seat:
    seat = table.sit("Ada")
    table.runs(0.5)
    return seat


def screen(seat: Seat) -> DemoScreen:
    return cast(DemoScreen, seat.screen)


def drawn(table: Table) -> bool:
    """Return whether anything covers the demo, which is one colour."""
    surface = table.window.surface
    width, height = surface.get_size()
    return any(surface.get_at((x, y))[:3] != (1, 2, 3) for x in range(0, width, 4) for y in range(0, height, 4))


def test_the_server_learns_the_name_once_on_each_connection(table: Table, ada: Seat) -> None:
    assert table.state.names == ["Ada"]
    table.runs(3.0)
    assert table.state.names == ["Ada"]
    table.backend.server.kick(ada.session.client.address)
    table.runs(0.5)
    assert ada.session.status == "lost"
    ada.presses(pygame.K_r)
    table.runs(0.5)
    assert ada.session.status == "connected"
    assert table.state.names == ["Ada", "Ada"]


@pytest.mark.parametrize("by_menu", [True, False])
@pytest.mark.parametrize("connected", [True, False])
def test_one_can_always_leave(table: Table, by_menu: bool, connected: bool) -> None:
    seat = table.sit("Ada")
    if connected:
        table.runs(0.5)
    if by_menu:
        seat.leaves()
    else:
        seat.happens(pygame.QUIT)
    assert not seat.open
    assert seat.loop.end == "leave"


def test_a_game_may_keep_a_key_to_itself(ada: Seat) -> None:
    screen(ada).chatting = True
    ada.presses(pygame.K_ESCAPE)
    assert ada.open
    assert not ada.loop.menu.is_open
    ada.presses(pygame.K_ESCAPE)
    assert ada.loop.menu.is_open


def test_trouble_is_shown_across_the_top_until_it_is_over(table: Table, ada: Seat) -> None:
    assert not drawn(table)
    table.backend.shutdown()
    table.runs(5.0)
    assert ada.session.status == "lost"
    assert drawn(table)


@pytest.mark.parametrize("shows_status", [False, True])
def test_silence_is_told_of_while_the_connection_may_still_live(
    table: Table, ada: Seat, shows_status: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in games that say themselves when it is lost."""
    monkeypatch.setattr(DemoScreen, "shows_status", shows_status)
    table.network.partition(ada.session.client)
    table.runs(3.0)
    assert ada.session.status == "connected"
    assert drawn(table)


def test_esc_goes_back_to_choosing_as_soon_as_silence_is_told_of(table: Table, ada: Seat) -> None:
    table.network.partition(ada.session.client)
    table.runs(3.0)
    ada.presses(pygame.K_ESCAPE)
    assert ada.loop.end == "back"


def test_a_host_that_vanishes_without_a_word_is_missed_within_5_seconds(table: Table, ada: Seat) -> None:
    table.network.partition(ada.session.client)
    table.runs(5.0)
    assert ada.session.status == "reconnecting"
    assert ada.session.reason
    assert drawn(table)
    table.runs(31.0)
    assert ada.session.status == "lost"
    assert ada.session.reason


def test_a_minimised_window_draws_nothing_and_stays_in_the_game(table: Table, ada: Seat) -> None:
    ada.happens(pygame.WINDOWMINIMIZED)
    draws, updates = screen(ada).draws, screen(ada).updates
    table.runs(60.0)
    assert screen(ada).draws == draws
    assert screen(ada).updates == updates + 3600
    assert ada.session.status == "connected"
    ada.happens(pygame.WINDOWRESTORED)
    assert screen(ada).draws == draws + 1


def test_a_frame_that_takes_some_seconds_neither_disconnects_nor_floods(table: Table, ada: Seat) -> None:
    """As when a user drags the window, and the system stops the program meanwhile."""
    for _ in range(5):
        sent = table.network.bytes_sent[ada.session.client.address]
        table.network.run(8.0)
        table.frame()
        table.network.run(FRAME)
        assert ada.session.status == "connected"
        assert table.network.bytes_sent[ada.session.client.address] - sent < 8.0 * 2000


@pytest.mark.parametrize("size", [(1, 1), (40, 900), (3000, 20), (1920, 1080)])
def test_a_window_may_have_any_size(table: Table, ada: Seat, size: tuple[int, int]) -> None:
    ada.presses(pygame.K_F3)
    ada.presses(pygame.K_F4)
    pygame.display.set_mode(size, pygame.RESIZABLE)
    table.runs(0.1)
    table.backend.shutdown()
    table.runs(1.0)
    assert ada.open


def test_gamepads_are_heard_of_from_the_first_window_on(table: Table, ada: Seat) -> None:
    assert pygame.joystick.get_init()
    screen(ada).controls.handle(pygame.event.Event(pygame.JOYBUTTONDOWN, instance_id=0, joy=0, button=11))
    assert not any(screen(ada).controls.state.values()), "no game here means that one"
    screen(ada).controls.handle(pygame.event.Event(pygame.JOYHATMOTION, instance_id=0, joy=0, hat=0, value=(1, 0)))
    assert screen(ada).controls.held("right")


def test_f11_fills_the_screen_and_goes_back_to_the_size_before(table: Table, ada: Seat) -> None:
    pygame.display.set_mode((500, 400), pygame.RESIZABLE)
    ada.presses(pygame.K_F11)
    assert table.window.surface.get_flags() & pygame.FULLSCREEN
    ada.presses(pygame.K_F11)
    assert not table.window.surface.get_flags() & pygame.FULLSCREEN
    assert table.window.surface.get_size() == (500, 400)
    assert ada.session.status == "connected"


def test_f3_shows_the_net_graph_and_hides_it(table: Table, ada: Seat) -> None:
    ada.presses(pygame.K_F3)
    assert drawn(table)
    ada.releases(pygame.K_F3)
    ada.presses(pygame.K_F3)
    table.runs(2.1)  # until nothing says any longer that it is off
    assert not drawn(table)


def test_f4_goes_through_the_bad_links_and_back_to_none(table: Table, ada: Seat) -> None:
    links = []
    for _ in range(len(LINKS) + 1):
        ada.presses(pygame.K_F4)
        links.append(ada.session.client.link)
    assert links == [*LINKS.values(), None]


def test_f9_turns_the_sound_off_and_on(ada: Seat) -> None:
    assert ada.screen.playing.sounds.audible
    ada.presses(pygame.K_F9)
    assert not ada.screen.playing.sounds.audible
    ada.presses(pygame.K_F9)
    assert ada.screen.playing.sounds.audible


def test_two_windows_of_one_table_hear_only_of_themselves(table: Table, ada: Seat) -> None:
    """Guards the tests of the games: each seat gets the events of its own session."""
    bob = table.sit("Bob")
    table.runs(0.5)
    assert table.state.names == ["Ada", "Bob"]
    assert isinstance(bob.loop, GameLoop)
    assert isinstance(bob.session.client, Client)


@pytest.mark.parametrize(("driver", "wanted"), [("x11", "0"), ("wayland", None), ("dummy", None)])
def test_frames_go_to_x11_without_opengl(monkeypatch: pytest.MonkeyPatch, driver: str, wanted: str | None) -> None:
    monkeypatch.setenv("SDL_FRAMEBUFFER_ACCELERATION", "")
    monkeypatch.delenv("SDL_FRAMEBUFFER_ACCELERATION")
    monkeypatch.setattr(pygame.display, "get_driver", lambda: driver)
    window.draw_without_opengl()
    assert os.environ.get("SDL_FRAMEBUFFER_ACCELERATION") == wanted
