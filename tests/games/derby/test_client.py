"""Derby's window, on simulated networks: what answers at once, and that all windows agree."""

import math
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from games.derby import rules
from games.derby.__main__ import GAME
from games.derby.pitch import MIDDLE
from games.derby.referee import GOAL, PLAY
from pygase import RELIABLE
from pygase.testing import parse_link
from tests.support.table import FRAME, Seat, Table

FAR = parse_link("latency=75ms jitter=10ms loss=3%")  # a round trip of about 160 ms


@pytest.fixture
def table() -> Iterator[Table]:
    made = Table(GAME, bots=0, link=FAR)
    yield made
    made.close()


def begin(table: Table) -> tuple[Seat, Seat]:
    """Seat two players, and run until the kick-off."""
    seats = table.sit("Ada"), table.sit("Bob")
    table.waits(5.0)
    assert table.state.match["phase"] == PLAY
    assert table.state.world["wait"] == 0
    return seats


def put(table: Table, world: dict[str, Any]) -> None:
    """Put the server's world into a situation."""
    table.backend.game_state_machine.register_event_handler("PUT", lambda: {"world": world})
    table.seats[0].session.client.dispatch_event("PUT", retries=RELIABLE)
    table.waits(1.0)


def drawn(seat: Seat) -> Any:
    return seat.screen.scene().world  # type: ignore[attr-defined]


def test_my_car_answers_in_the_frame_of_the_key(table: Table) -> None:
    ada, _ = begin(table)
    before = drawn(ada)["cars"][ada.session.me]["x"]
    table.runs(5 * FRAME)
    assert drawn(ada)["cars"][ada.session.me]["x"] == before
    ada.presses(pygame.K_UP)
    table.runs(2 * FRAME)
    car = drawn(ada)["cars"][ada.session.me]
    assert (car["x"] - before) * car["hx"] > 0.0


def test_the_ball_answers_in_the_frame_of_the_touch_and_the_hit_is_heard_once(table: Table) -> None:
    ada, _ = begin(table)
    me = ada.session.me
    left = {"x": 430.0, "y": MIDDLE, "hx": 1.0, "hy": 0.0}
    put(table, {"ball": {"x": 560.0, "y": MIDDLE, "vx": 0.0, "vy": 0.0}, "cars": {me: left}})
    played: list[str] = []
    ada.screen.playing.sounds.play = lambda name, **_: played.append(name)  # type: ignore[method-assign]
    ada.presses(pygame.K_UP)
    for _ in range(90):
        table.runs(FRAME, draws_each=1)
        world = drawn(ada)
        car, ball = world["cars"][me], world["ball"]
        gap = math.hypot(ball["x"] - car["x"], ball["y"] - car["y"]) - rules.CAR - rules.BALL
        if ball["x"] > 561.0:
            break
    assert ball["x"] > 561.0
    assert gap > -2 * rules.TOP, "the car does not drive through the ball"
    assert table.state.world["ball"]["x"] == 560.0, "the server does not know of it yet"
    table.runs(0.5, draws_each=1)
    assert played.count("hit") == 1
    assert table.state.world["ball"]["x"] > 561.0


def test_both_windows_and_the_server_agree_on_the_score(table: Table) -> None:
    ada, bob = begin(table)
    put(table, {"ball": {"x": 1100.0, "y": MIDDLE, "vx": 8.0, "vy": 0.0}})
    table.runs(1.0)
    for seat in (ada, bob):
        assert seat.screen.scene().match["score"] == [1, 0]  # type: ignore[attr-defined]
        assert seat.screen.scene().match["phase"] == GOAL  # type: ignore[attr-defined]


def test_a_spectator_sees_the_match_without_a_car_of_their_own() -> None:
    table = Table(GAME, bots=0, link=FAR)
    seats = [table.sit(f"P{number}") for number in range(9)]
    table.waits(4.0)
    (watcher,) = (seat for seat in seats if seat.session.me not in table.state.world["cars"])
    watcher.presses(pygame.K_UP)
    table.runs(0.2, draws_each=1)
    assert len(drawn(watcher)["cars"]) == 8
    table.close()


def test_a_window_without_an_answer_says_so() -> None:
    table = Table(GAME, bots=0)
    ada = table.sit("Ada")
    table.runs(FRAME, draws_each=1)
    assert ada.screen.scene().notice is not None  # type: ignore[attr-defined]
    table.runs(1.0, draws_each=1)
    pixels = table.window.surface.subsurface((0, 0, 480, 40))
    assert any(min(pixels.get_at((x, y))[:3]) > 200 for x in range(480) for y in range(40)), "score and clock"
    table.close()


def test_thirty_seconds_of_four_with_bots_on_a_bad_link_raise_nothing(caplog: pytest.LogCaptureFixture) -> None:
    table = Table(GAME, bots=3, link=parse_link("mobile"))
    ada = table.sit("Ada")
    keys = (pygame.K_UP, pygame.K_LEFT, pygame.K_RIGHT, pygame.K_SPACE)
    for number in range(30):
        ada.presses(keys[number % 4])
        table.runs(1.0, draws_each=12)
        ada.releases(keys[(number + 1) % 4])
    assert ada.open
    assert table.state.match["phase"] != "waiting"
    assert "Traceback" not in caplog.text
