"""Canvas in windows: two players and a bot draw for half a minute. Each window shows the right picture."""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pygame
import pytest

from games.canvas import files, rules
from games.canvas.__main__ import GAME
from games.canvas.client import CanvasScreen
from games.canvas.server import CanvasServer
from games.canvas.tools import TOOLS, Toolbar
from pygase.testing import Link
from tests.games.canvas.drawings import megabyte
from tests.support.table import Seat, Table

BAD = Link(latency=0.08, jitter=0.02, loss=0.05)


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table(GAME, backend=CanvasServer(bots=1, rng=random.Random(4)).backend)
    yield made
    made.close()


def screen_of(seat: Seat) -> CanvasScreen:
    return cast(CanvasScreen, seat.screen)


def pixels(seat: Seat) -> bytes:
    """Return the whole picture in a player's window, fully painted."""
    painter = screen_of(seat).painter
    assert painter is not None
    painter.finish()
    return pygame.image.tobytes(painter.surface, "RGB")


def rests(table: Table, seconds: float = 1.0) -> None:
    """Stop the bot, and let everything that is under way arrive."""
    table.network.run(0)
    for seat in table.seats:
        if seat.open:
            seat.happens(pygame.MOUSEBUTTONUP, button=1, pos=(0, 0))
    table.runs(seconds)


def draws(table: Table, seat: Seat, points: list[tuple[int, int]], button: int = 1) -> None:
    """Draw with the mouse, a point in each frame."""
    seat.happens(pygame.MOUSEBUTTONDOWN, button=button, pos=points[0])
    for point in points[1:]:
        seat.happens(pygame.MOUSEMOTION, pos=point, rel=(0, 0), buttons=(1, 0, 0))
        table.runs(1 / 60)
    seat.happens(pygame.MOUSEBUTTONUP, button=button, pos=points[-1])


def curve(rng: random.Random) -> list[tuple[int, int]]:
    x, y, a = rng.uniform(250, 800), rng.uniform(150, 450), rng.uniform(1, 3)
    return [(round(x + 70 * math.cos(a * n / 9)), round(y + 70 * math.sin(n / 7))) for n in range(rng.randrange(3, 40))]


def undoes(seat: Seat) -> None:
    seat.happens(pygame.KEYDOWN, key=pygame.K_z, mod=pygame.KMOD_CTRL, unicode="")


@pytest.mark.parametrize("link", [BAD], ids=["bad"])
def test_two_players_and_a_bot_draw_for_15_s_and_a_late_joiner_sees_the_same(link: Link, rng: random.Random) -> None:
    server = CanvasServer(bots=1, rng=random.Random(4))
    table = Table(GAME, backend=server.backend, link=link)
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.5)
    begun = table.network.now
    undone = 0
    while table.network.now < begun + 15:
        seat = rng.choice([ada, bob])
        seat.happens(pygame.MOUSEWHEEL, x=0, y=rng.choice([-2, -1, 1, 2]), flipped=False)
        seat.presses(pygame.K_0 + rng.randrange(9))
        draws(table, seat, curve(rng), rng.choice([1, 1, 1, 3]))
        if rng.random() < 0.3:
            undoes(seat)
            undone += 1
        table.runs(0.3)
    cyd = table.sit("Cyd")
    table.runs(2.0)
    server.artists = {number: artist for number, artist in server.artists.items() if artist.bot is None}
    rests(table, 2.0)
    assert undone > 1
    assert len(screen_of(ada).picture) > 25
    assert pixels(ada) == pixels(bob) == pixels(cyd)
    assert list(screen_of(cyd).picture.pieces.values()) == list(server.sheet.pieces.values())
    table.close()


def test_ones_own_stroke_is_there_at_once_and_never_flickers(table: Table) -> None:
    """Round trip 0.2 s; checked for every pixel of the stroke in every frame."""
    pygame.display.set_mode((960, 640), pygame.RESIZABLE)  # here a thin stroke has the full colour in its middle
    ada = table.sit("Ada", link=Link(latency=0.1, jitter=0.02, loss=0.05))
    table.runs(2.0)
    line = [(300 + 4 * n, 200) for n in range(40)]
    ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=line[0])
    ink = rules.COLOURS[1]
    for n, point in enumerate(line):
        ada.happens(pygame.MOUSEMOTION, pos=point, rel=(0, 0), buttons=(1, 0, 0))
        painter, layout = screen_of(ada).painter, screen_of(ada).layout
        assert painter
        assert layout
        for x, y in line[: n + 1]:
            assert painter.surface.get_at((x - layout.area[0], y - layout.area[1]))[:3] == ink, (x, n)
        table.runs(1 / 60)
    ada.happens(pygame.MOUSEBUTTONUP, button=1, pos=line[-1])
    for _ in range(60):
        table.runs(1 / 60)
        for x, y in line:
            assert painter.surface.get_at((x - layout.area[0], y - layout.area[1]))[:3] == ink
    assert screen_of(ada).hand.unconfirmed() == []


def test_an_undo_shows_at_once_and_for_good(table: Table) -> None:
    ada = table.sit("Ada", link=Link(latency=0.1))
    bob = table.sit("Bob")
    table.runs(2.0)
    draws(table, ada, [(300 + 4 * n, 200) for n in range(20)])
    undoes(ada)  # while most of it is still under way
    painter, layout = screen_of(ada).painter, screen_of(ada).layout
    assert painter
    assert layout
    for _ in range(60):
        table.runs(1 / 60)
        painter.finish()
        assert painter.surface.get_at((340 - layout.area[0], 200 - layout.area[1]))[:3] == rules.COLOURS[rules.PAPER]
    assert all(rules.artist_of(p) != screen_of(ada).hand.artist for p in screen_of(bob).picture.pieces.values())
    undoes(ada)
    assert screen_of(ada).news.text == "You have no stroke to undo."


def test_what_was_drawn_while_the_connection_was_lost_is_there_when_it_is_back(table: Table) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.5)
    number = screen_of(ada).hand.artist
    table.network.partition(ada.session.client)
    draws(table, ada, [(300 + 4 * n, 200) for n in range(30)])
    table.runs(7.0)
    assert ada.session.status == "reconnecting"
    before = len(screen_of(ada).hand.unconfirmed())
    draws(table, ada, [(300 + 4 * n, 250) for n in range(30)])  # and meanwhile, too
    strokes = {sent.stroke for sent in screen_of(ada).hand.unconfirmed()}
    assert len(screen_of(ada).hand.unconfirmed()) > before
    assert len(strokes) == 2
    assert ada.session.reason.startswith("No answer from")
    table.network.partition(ada.session.client, on=False)
    table.runs(3.0)
    assert ada.session.status == "connected"
    assert screen_of(ada).hand.artist == number
    mine = [piece for piece in screen_of(bob).picture.pieces.values() if rules.artist_of(piece) == number]
    assert {rules.unpack(piece).number for piece in mine} == strokes
    assert screen_of(ada).hand.unconfirmed() == []
    undoes(ada)
    undoes(ada)
    table.runs(1.0)
    assert all(rules.artist_of(piece) != number for piece in screen_of(bob).picture.pieces.values())


def test_the_host_is_asked_before_all_is_cleared_and_others_are_told_that_they_may_not(table: Table) -> None:
    ada, bob = table.sit("Ada"), table.sit("Bob")
    table.runs(1.5)
    host, guest = (ada, bob) if screen_of(ada).is_host else (bob, ada)
    draws(table, guest, [(300 + 4 * n, 200) for n in range(20)])
    table.runs(0.5)
    there = len(screen_of(host).picture)
    guest.presses(pygame.K_c)
    assert "Only the host" in screen_of(guest).news.text
    host.presses(pygame.K_c)
    host.presses(pygame.K_ESCAPE)
    table.runs(0.3)
    assert host.open
    assert len(screen_of(host).picture) >= there
    number = screen_of(guest).hand.artist
    host.presses(pygame.K_c)
    host.presses(pygame.K_y)
    table.runs(0.5)
    assert all(rules.artist_of(piece) != number for piece in screen_of(guest).picture.pieces.values())


def test_the_picture_is_saved_as_png_and_never_over_another(
    table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ada = table.sit("Ada")
    table.runs(1.5)
    draws(table, ada, [(300 + 4 * n, 200) for n in range(20)])
    table.runs(0.5)
    for _ in range(2):
        ada.presses(pygame.K_p)
        for _ in range(200):
            table.runs(1 / 60)
    saved = sorted(tmp_path.glob("canvas-*.png"))
    assert len(saved) == 2
    image = pygame.image.load(saved[0])
    assert image.get_size() == (rules.WIDTH // 2, rules.HEIGHT // 2)
    assert str(saved[1]) in screen_of(ada).news.text or str(saved[0]) in screen_of(ada).news.text


def test_a_limit_is_told_and_what_cannot_be_is_not_to_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    table = Table(GAME, backend=CanvasServer().backend)
    ada = table.sit("Ada")
    table.runs(1.5)
    before = pixels(ada)
    monkeypatch.setattr(rules, "MAX_PICTURE_BYTES", 10)
    draws(table, ada, [(300 + 4 * n, 200) for n in range(20)])
    table.runs(1.0)
    assert "picture is full" in screen_of(ada).news.text
    assert pixels(ada) == before
    table.close()


def test_a_stroke_without_end_goes_on_as_another(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(1.5)
    ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=(200, 150))
    for n in range(400):
        for k in range(16):
            pos = (200 + 100 * ((n + k) % 2), 150 + k)
            ada.loop.frame([pygame.event.Event(pygame.MOUSEMOTION, pos=pos, rel=(0, 0), buttons=(1, 0, 0))])
        table.runs(1 / 60)
        if "maximum length" in screen_of(ada).news.text:
            break
    assert "continues as a new one" in screen_of(ada).news.text
    assert screen_of(ada).hand.stroke == 1


@pytest.mark.parametrize("size", [(960, 640), (320, 240), (1600, 500), (400, 900), (200, 150), (2400, 1350)])
def test_the_tools_do_not_overlap_in_windows_of_any_size(size: tuple[int, int]) -> None:
    tools = Toolbar(size, 24, 24, is_host=True)
    boxes = [tools.box_of(tool.action, tool.colour) for tool in TOOLS]
    window = pygame.Rect(0, 24, size[0], size[1] - 48)
    for place, box in enumerate(boxes):
        assert window.contains(box)
        assert box.right <= tools.width
        assert box.collidelist(boxes[:place]) == -1
        assert tools.at(box.center) == TOOLS[place]


def test_a_click_on_a_tool_does_what_its_key_does(table: Table) -> None:
    ada = table.sit("Ada")
    table.runs(1.5)
    screen = screen_of(ada)
    assert screen.toolbar
    for tool in TOOLS[:9]:
        ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=screen.toolbar.box_of(tool.action, tool.colour).center)
        assert screen.colour == tool.colour
    for by in (1, 1, -1):
        before = screen.width
        action: Any = "wider" if by > 0 else "thinner"
        ada.happens(pygame.MOUSEBUTTONDOWN, button=1, pos=screen.toolbar.box_of(action).center)
        assert screen.width == before + by
    assert screen.hand.stroke == -1, "and nothing is drawn"


def test_a_megabyte_of_strokes_is_seen_by_who_joins_late_as_by_who_was_there(
    tmp_path: Path, rng: random.Random
) -> None:
    big = megabyte(rng)
    files.save(tmp_path / "big.json", big)
    table = Table(GAME, backend=CanvasServer(file=tmp_path / "big.json").backend)
    ada, late = table.sit("Ada"), table.sit("Late", link=BAD)
    table.network.run(10.0)  # round trip 160 ms, 5 % loss each way
    table.runs(0.5)
    assert len(screen_of(late).picture) == len(big)
    assert pixels(ada) == pixels(late)
    table.close()
