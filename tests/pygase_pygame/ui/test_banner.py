"""Connection trouble on the screen."""

from __future__ import annotations

import pygame
import pytest

from pygase import DisconnectReason
from pygase_pygame import Session, StatusBanner, draw_status
from pygase_pygame.ui import banner as status_module
from pygase_pygame.ui.typefaces import Typeface
from tests.pygase_pygame.conftest import FakeClient

BLACK = (0, 0, 0)


@pytest.fixture
def session(client: FakeClient) -> Session:
    return Session(client, connect=client.begin)


def test_while_connected_nothing_is_drawn(display, session, client):
    client.come_up()
    assert StatusBanner().draw(display, session) is None
    assert pygame.transform.average_color(display)[:3] == BLACK


def test_trouble_is_drawn_across_the_top(display, session):
    rect = draw_status(display, session)
    assert rect is not None
    assert rect.topleft == (0, 0)
    assert rect.width == 640
    assert 20 <= rect.height <= 90
    assert display.get_at((639, rect.height - 1))[:3] != BLACK
    assert display.get_at((0, rect.height))[:3] == BLACK


@pytest.mark.parametrize("size", [(1, 1), (40, 30), (120, 90), (320, 240), (1920, 1080), (3840, 200), (200, 2000)])
@pytest.mark.parametrize("detail", ["", "word " * 60, "x" * 300, "😀\x00\ud800\n"])
def test_it_can_be_drawn_at_any_window_size_whatever_the_server_says(display, session, client, size, detail):
    client.end(DisconnectReason.KICKED, detail)
    surface = pygame.Surface(size)
    rect = StatusBanner().draw(surface, session)
    assert rect is not None
    assert surface.get_rect().contains(rect)


@pytest.mark.parametrize("size", [(320, 240), (640, 480), (1280, 720), (3840, 2160)])
@pytest.mark.parametrize("reason", [reason for reason in DisconnectReason if reason.name != "CLOSED"])
def test_the_whole_sentence_is_legible_in_every_usual_window(display, session, client, size, reason, monkeypatch):
    drawn: list[tuple[str, int]] = []

    render = Typeface.render

    def spy(face, text, colour):
        surface = render(face, text, colour)
        drawn.append((text, surface.get_width()))
        return surface

    monkeypatch.setattr(Typeface, "render", spy)
    client.end(reason)
    rect = StatusBanner().draw(pygame.Surface(size), session, "R: try again")
    assert rect is not None
    assert " ".join(text for text, _ in drawn) == f"{session.reason} R: try again"
    assert max(width for _, width in drawn) <= size[0]
    assert rect.height <= size[1] / 2


def test_it_is_rendered_anew_only_when_text_or_size_change(display, session, client, monkeypatch):
    rendered = []
    render = status_module.render_band
    monkeypatch.setattr(status_module, "render_band", lambda *args: rendered.append(args) or render(*args))
    banner = StatusBanner()
    for _ in range(3):
        banner.draw(display, session)
    assert len(rendered) == 1
    banner.draw(pygame.Surface((300, 200)), session)
    assert len(rendered) == 2
    client.end(DisconnectReason.TIMED_OUT)
    banner.draw(pygame.Surface((300, 200)), session)
    assert len(rendered) == 3


def test_the_hint_is_shown_only_where_trying_again_makes_sense(display, session, client, monkeypatch):
    hints = []
    monkeypatch.setattr(status_module, "render_band", lambda _, texts, *__: hints.append(texts[1]))
    StatusBanner().draw(display, session, "R: try again")
    client.end(DisconnectReason.TIMED_OUT)
    StatusBanner().draw(display, session, "R: try again")
    session.close()
    StatusBanner().draw(display, session, "R: try again")
    assert hints == ["", "R: try again", ""]
