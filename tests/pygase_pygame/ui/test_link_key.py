"""F4: a bad link over the connection, the next one, and none again."""

from __future__ import annotations

import pygame
import pytest

from pygase import Backend, Client, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import LinkKey, Session
from pygase_pygame.headless import Headless


def f4(mod: int = 0) -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYDOWN, key=pygame.K_F4, mod=mod)


@pytest.fixture
def now() -> list[float]:
    return [0.0]


@pytest.fixture
def key(now) -> LinkKey:
    return LinkKey(Session(Client()), clock=lambda: now[0])


def test_it_goes_through_all_links_and_back_to_none(key):
    names = []
    for _ in range(7):
        names.append(key.name)
        assert key.handle(f4())
    assert names == ["off", "lan", "wifi", "mobile", "satellite", "awful", "off"]
    assert key.handle(f4(pygame.KMOD_LSHIFT))
    assert key.name == "off"
    key.handle(f4(pygame.KMOD_LSHIFT))
    assert key.name == "awful"


def test_other_keys_are_not_its_own(key):
    assert not key.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_F3))
    assert not key.handle(pygame.event.Event(pygame.KEYUP, key=pygame.K_F4))
    assert key.name == "off"


def test_it_shows_which_link_is_on_whoever_laid_it(display, key, now):
    assert key.draw(display) is None
    key.session.client.condition("mobile")
    assert key.name == "mobile"
    rect = key.draw(display)
    assert rect is not None
    assert display.get_rect().contains(rect)
    assert "mobile (ping +80 to 160 ms" in key.words(key.name)
    key.session.client.condition("latency=100ms loss=5%")
    assert key.name == "custom"
    assert "(ping +200 ms, about 5.0% lost" in key.words(key.name)
    key.handle(f4())
    assert key.name == "lan"


def test_when_it_is_taken_away_that_is_told_for_a_moment(display, key, now):
    key.choose("wifi")
    now[0] += 100.0
    assert key.draw(display) is not None
    key.choose("off")
    now[0] += 2.9
    assert key.draw(display) is not None
    now[0] += 0.2
    assert key.draw(display) is None


@pytest.mark.parametrize("size", [(1, 1), (200, 100), (1920, 1080)])
def test_it_can_be_drawn_at_any_size(display, key, size):
    key.choose("awful")
    assert key.draw(pygame.Surface(size)) is not None


def test_an_unknown_link_is_refused_with_those_there_are(key):
    with pytest.raises(ValueError, match=r"'tin can'.*satellite"):
        key.choose("tin can")


def test_the_connection_is_really_that_bad_from_then_on(seed):
    network = SimulatedNetwork(seed=seed, link=Link(latency=0.01))
    network.serve(Backend(GameState(x=0.0), lambda game_state, dt: {"x": game_state.x + dt}))
    with Headless(network) as stage:
        session = stage.join()
        stage.run(3.0, session.view)
        assert session.client.stats.rtt < 0.06
        LinkKey(session).choose("satellite")
        stage.run(5.0, session.view)
        assert session.client.stats.rtt > 0.4
        LinkKey(session).choose("off")
        stage.run(5.0, session.view)
        assert session.client.stats.rtt < 0.1
