"""A player at a window of Arena: real server, session and (invisible) window, in virtual time."""

import math
import random
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from games.arena import rules, walls
from games.arena.__main__ import GAME
from games.arena.client import ArenaScreen
from games.arena.rules import AT, DAMAGE, FULL_HEALTH, SHOTS
from games.arena.scene import Camera, Scene, field_of
from games.arena.server import NO_PILOT, SHIELDED, TICK, ArenaServer
from pygase.testing import Link
from pygase_pygame import SERVER_EVENT
from tests.support.table import FRAME, Seat, Table

LEFT, RIGHT = (2_600, 6_400), (6_000, 6_400)  # two places with nothing between, above or below them
FAR = Link(latency=0.075)  # round trip 150 ms
SHAKY = Link(latency=0.075, jitter=0.03, loss=0.02)


class Fight(Table):
    """A table at which a test can place ships."""

    def __init__(self, bots: int = 0, link: Link | None = None) -> None:
        self.server = ArenaServer(bots, random.Random(1))
        super().__init__(GAME, backend=self.server.backend, link=link)
        self.backend.game_state_machine.register_event_handler("PUT", self._put)

    def _put(self, number: int, at: list[int], aim: int = 0) -> dict[str, Any]:
        return {"ships": {number: rules.new_ship(at, aim)}}

    def put(self, seat: Seat, at: tuple[int, int]) -> None:
        seat.screen.tell("PUT", me(seat), list(at))
        self.runs(0.6)


@pytest.fixture
def fight() -> Iterator[Fight]:
    fight = Fight()
    yield fight
    fight.close()


@pytest.fixture
def far() -> Iterator[Fight]:
    far = Fight(link=FAR)
    yield far
    far.close()


def scene(seat: Seat) -> Scene:
    assert isinstance(seat.screen, ArenaScreen)
    return seat.screen.scene()


def me(seat: Seat) -> int:
    return scene(seat).me if scene(seat).me is not None else NO_PILOT  # type: ignore[return-value]


def place(seat: Seat) -> tuple[float, float]:
    """The player's own ship, as their window shows it."""
    x, y = scene(seat).ships[me(seat)][AT]
    return x, y


def pixel(seat: Seat, where: Any) -> tuple[int, int]:
    """The pixel of a place of the arena in a player's window."""
    return Camera(field_of(pygame.display.get_surface()), scene(seat).middle).pixel(where)


def points_at(seat: Seat, where: Any) -> None:
    """Move the mouse to a place of the arena."""
    seat.happens(pygame.MOUSEMOTION, pos=pixel(seat, where), rel=(0, 0), buttons=(0, 0, 0))


def clicks(seat: Seat, where: Any) -> None:
    """Click at a place of the arena, as shortly as possible."""
    for event_type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP):
        seat.happens(event_type, button=1, pos=pixel(seat, where))


def writes(seat: Seat, text: str) -> None:
    seat.presses(pygame.K_RETURN, text="\r")
    for character in text:
        seat.happens(pygame.TEXTINPUT, text=character)
    seat.presses(pygame.K_RETURN, text="\r")


def says(seat: Seat) -> list[str]:
    return [line.text for line in scene(seat).memory.lines]


def duel(fight: Fight) -> tuple[Seat, Seat]:
    """Two players that face each other, without shields."""
    ada, bob = fight.sit("Ada"), fight.sit("Bob")
    fight.waits(2.0 + SHIELDED * TICK)
    fight.put(ada, LEFT)
    fight.put(bob, RIGHT)
    return ada, bob


# -- to fly


@pytest.mark.parametrize(
    ("key", "way"),
    [
        *((pygame.K_w, (0, -1)), (pygame.K_s, (0, 1)), (pygame.K_a, (-1, 0)), (pygame.K_d, (1, 0))),
        *((pygame.K_UP, (0, -1)), (pygame.K_RIGHT, (1, 0))),
    ],
)
def test_keys_fly_ones_ship(fight: Fight, key: int, way: tuple[int, int]) -> None:
    ada, _ = duel(fight)
    ada.presses(key)
    fight.runs(0.5)
    ada.releases(key)
    fight.runs(0.3)
    x, y = place(ada)
    flown = 0.5 * rules.TICKS_PER_SECOND * rules.SPEED
    assert math.dist((x, y), (LEFT[0] + way[0] * flown, LEFT[1] + way[1] * flown)) <= 2.5 * rules.SPEED


def test_a_key_moves_ones_ship_long_before_the_server_can_have_answered(far: Fight) -> None:
    ada, _ = duel(far)
    ada.presses(pygame.K_s)
    far.runs(0.05)
    assert place(ada)[1] > LEFT[1] + rules.SPEED
    assert far.state.ships[me(ada)][AT][1] == LEFT[1]


def test_what_was_predicted_is_what_the_server_says(far: Fight) -> None:
    ada, _ = duel(far)
    predictor = ada.session.predictor
    assert predictor is not None
    corrected = predictor.corrections
    rng = random.Random(5)
    for _ in range(20):
        key = rng.choice([pygame.K_w, pygame.K_a, pygame.K_s, pygame.K_d])
        ada.presses(key)
        far.runs(rng.uniform(0.05, 0.4))
        ada.releases(key)
    assert predictor.corrections == corrected


def test_a_stick_flies_and_another_aims(fight: Fight) -> None:
    ada, _ = duel(fight)
    ada.happens(pygame.JOYAXISMOTION, instance_id=0, joy=0, axis=0, value=1.0)
    ada.happens(pygame.JOYAXISMOTION, instance_id=0, joy=0, axis=4, value=-1.0)
    fight.runs(0.5)
    assert place(ada)[0] > LEFT[0] + 10 * rules.SPEED
    assert fight.state.ships[me(ada)][rules.AIM] == -90
    assert scene(ada).sight is not None


# -- to shoot


def test_a_click_shows_a_shot_in_its_very_frame_and_takes_health_a_little_later(far: Fight) -> None:
    ada, bob = duel(far)
    points_at(ada, RIGHT)
    far.runs(0.3)
    clicks(ada, RIGHT)
    far.runs(TICK + 0.02)
    assert [tracer.hit for tracer in scene(ada).memory.tracers] == [True]
    assert far.state.health[me(bob)] == FULL_HEALTH
    far.runs(0.5)
    assert far.state.health[me(bob)] == FULL_HEALTH - DAMAGE
    assert far.state.ships[me(ada)][SHOTS] == 1


def test_each_shot_is_shown_once_to_its_shooter_and_once_to_the_others(far: Fight) -> None:
    """The shooter's window predicts it, and the server's event adds none. It ends at the target as drawn."""
    ada, bob = duel(far)
    shown: dict[Seat, list[Any]] = {ada: [], bob: []}
    points_at(ada, RIGHT)
    ada.presses(pygame.K_SPACE)
    for frame in range(120):
        far.runs(0.02)
        for seat in (ada, bob):
            shown[seat] += [tracer for tracer in scene(seat).memory.tracers if tracer not in shown[seat]]
        if frame == 40:
            ada.releases(pygame.K_SPACE)
    count = far.state.ships[me(ada)][SHOTS]
    assert count > 3
    assert [len(shown[ada]), len(shown[bob])] == [count, count]
    assert {tracer.end for tracer in shown[bob]} == {RIGHT}
    assert {tracer.shooter for seat in shown for tracer in shown[seat]} == {me(ada)}


def test_shots_of_a_long_time_in_which_the_window_was_minimised_are_not_shown_all_at_once(fight: Fight) -> None:
    ada, bob = duel(fight)
    points_at(ada, RIGHT)
    ada.presses(pygame.K_SPACE)
    fight.window.visible = False
    for _ in range(120):
        fight.network.run(FRAME)
        fight.frame()
    fight.window.visible = True
    fight.frame()
    assert fight.state.ships[me(ada)][SHOTS] > 8
    assert len(scene(ada).memory.tracers) <= 1
    assert len(scene(bob).memory.tracers) <= 1


def test_even_the_shortest_click_is_one_shot(fight: Fight) -> None:
    ada, _ = duel(fight)
    for number in range(1, 6):
        clicks(ada, RIGHT)
        points_at(ada, (RIGHT[0], RIGHT[1] + 300 * number))
        fight.runs(0.4)
        assert fight.state.ships[me(ada)][SHOTS] == number


@pytest.mark.parametrize("link", [Link(), SHAKY], ids=["lan", "150 ms, shaky"])
def test_who_aims_at_what_they_see_hits_also_far_from_the_server(link: Link) -> None:
    """Bob flies across at full speed. Ada points at him on her screen and clicks. With 150 ms of round trip the server
    has him
    some 900 points away from there by then, five times his radius.
    """
    fight = Fight(link=link)
    try:
        ada, bob = duel(fight)
        shot = hit = 0
        for _ in range(6):
            for key in (pygame.K_w, pygame.K_s):
                bob.presses(key)
                fight.runs(0.45)
                clicks(ada, scene(ada).ships[me(bob)][AT])
                fight.runs(0.05)
                bob.releases(key)
                fight.runs(0.1)
                shot += 1
            fight.runs(0.8)
            judged = [judgement for judgement in scene(ada).memory.judgements if judgement.hit]
            hit += len(judged)
            fight.server.pilots[me(bob)].health = FULL_HEALTH
            scene(ada).memory.judgements.clear()
        assert shot == 12
        assert hit >= 11
    finally:
        fight.close()


def test_the_judge_saw_what_the_shooter_saw(far: Fight) -> None:
    ada, bob = duel(far)
    ada.presses(pygame.K_F5)
    bob.presses(pygame.K_w)
    far.runs(0.6)
    clicks(ada, scene(ada).ships[me(bob)][AT])
    far.runs(0.5)
    (judgement,) = scene(ada).memory.judgements
    assert judgement.shown is not None
    assert math.dist(judgement.shown, judgement.seen) < walls.RADIUS / 4
    assert math.dist(judgement.now, judgement.seen) > 3 * walls.RADIUS, "or it would have made no difference"
    assert 0.15 < judgement.rewound < 0.5
    assert scene(ada).judge


def test_what_is_told_before_the_first_state_is_nobodys_news(fight: Fight) -> None:
    eve = fight.sit("Eve")
    assert not eve.session.newest.get("pilots")
    eve.happens(SERVER_EVENT, name="WRECK", args=(0, 1), kwargs={}, session=eve.session)
    assert not scene(eve).memory.feed


def test_who_is_hit_sees_it_and_who_is_wrecked_is_told_by_whom(fight: Fight) -> None:
    ada, bob = duel(fight)
    points_at(ada, RIGHT)
    ada.presses(pygame.K_SPACE)
    fight.runs(0.5)
    assert scene(bob).hurt > 0
    fight.runs(1.5)
    ada.releases(pygame.K_SPACE)
    assert scene(bob).notice == ("Wrecked by Ada", "You are back in a moment.")
    assert "You wrecked Bob" in [line.text for line in scene(ada).memory.feed]
    fight.runs(3.0)
    assert me(bob) in scene(bob).ships
    assert scene(bob).notice is None


# -- to talk


def test_enter_opens_the_chat_and_sends_it_and_meanwhile_letters_are_letters(fight: Fight) -> None:
    ada, bob = duel(fight)
    ada.presses(pygame.K_RETURN, text="\r")
    ada.presses(pygame.K_w, text="w")
    ada.happens(pygame.TEXTINPUT, text="well done")
    fight.runs(0.5)
    assert scene(ada).chat is not None
    assert place(ada) == LEFT, "w was no command to fly"
    ada.presses(pygame.K_RETURN, text="\r")
    fight.runs(0.3)
    assert scene(ada).chat is None
    assert says(ada)[-1] == says(bob)[-1] == "Ada: well done"


def test_esc_closes_the_chat_without_leaving_and_without_saying_anything(fight: Fight) -> None:
    ada, _ = duel(fight)
    before = says(ada)
    ada.presses(pygame.K_RETURN, text="\r")
    ada.happens(pygame.TEXTINPUT, text="oops")
    ada.presses(pygame.K_ESCAPE)
    fight.runs(0.3)
    assert ada.open
    assert scene(ada).chat is None
    assert says(ada) == before
    ada.leaves()
    assert not ada.open


def test_keys_held_when_the_chat_opens_are_let_go(fight: Fight) -> None:
    ada, _ = duel(fight)
    ada.presses(pygame.K_w)
    ada.presses(pygame.K_RETURN, text="\r")
    fight.runs(0.2)
    before = place(ada)
    fight.runs(0.3)
    assert place(ada) == before


# -- to look


def test_tab_shows_the_scores_as_long_as_it_is_held(fight: Fight) -> None:
    ada, _ = duel(fight)
    ada.presses(pygame.K_TAB)
    assert scene(ada).board
    ada.releases(pygame.K_TAB)
    assert not scene(ada).board


def test_everybody_sees_the_others_leave_in_any_order(fight: Fight) -> None:
    seats = [fight.sit(name) for name in ("Ada", "Bob", "Cy", "Di")]
    fight.runs(2.0)
    assert len(scene(seats[0]).pilots) == 4
    for gone in (2, 0, 3):
        seats[gone].leaves()
        seats[gone].session.close()
        fight.runs(1.0)
    assert [name for name, _ in scene(seats[1]).pilots.values()] == ["Bob"]
    assert me(seats[1]) in scene(seats[1]).ships


def test_when_the_host_ends_the_window_stays_and_says_so(fight: Fight) -> None:
    ada, _ = duel(fight)
    fight.backend.shutdown()
    fight.runs(1.0)
    assert ada.session.status == "lost"
    assert ada.open
    assert scene(ada).sight is None


# -- all together


def test_somebody_plays_against_31_bots_on_a_bad_link(rng: random.Random) -> None:
    """For 15 s. Random keys of all kinds stop nobody."""
    fight = Fight(bots=31, link=Link(latency=0.06, jitter=0.03, loss=0.03))
    keys = [
        *(pygame.K_w, pygame.K_a, pygame.K_s, pygame.K_d, pygame.K_SPACE, pygame.K_TAB, pygame.K_RETURN, pygame.K_F3),
        *(pygame.K_F5, pygame.K_UP, pygame.K_BACKSPACE),
    ]
    try:
        ada = fight.sit("Ada")
        fight.runs(1.0)
        for _ in range(60):
            key = rng.choice(keys)
            ada.presses(key, text="w" if key == pygame.K_w else "")
            ada.happens(pygame.MOUSEMOTION, pos=(rng.randrange(960), 99), rel=(0, 0), buttons=(0, 0, 0))
            fight.runs(0.25)
            ada.releases(key)
        assert ada.open
        assert ada.session.status == "connected"
        assert len(scene(ada).pilots) == rules.CREW
        assert sum(pilot.deaths for pilot in fight.server.pilots.values()) > 5
    finally:
        fight.close()
