"""Events of the server reach the loop in the frame that draws their tick."""

from __future__ import annotations

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase import RELIABLE, TO_DELETE, Backend, GameState
from pygase.links import LINKS
from pygase.testing import SimulatedNetwork
from pygase_pygame import SERVER_EVENT, ViewGroup
from pygase_pygame.event_timing import MAX_WAITING_EVENTS, NOT_DRAWING_AFTER, EventTiming, TickTime
from pygase_pygame.headless import Headless

FRAME = 1 / 60


class Desk:
    """Tick n has the time n / 20. Frames are drawn at 60 Hz and show what was half a second ago."""

    def __init__(self, **options):
        self.posted = []
        self.lasts = False
        self.timing = EventTiming(
            lambda event, late: self.posted.append((event.name, event.tick, late)),
            lambda tick: TickTime(tick / 20, self.lasts),
            **options,
        )
        self.now = 10.0
        self.draw()
        self.draw()

    @property
    def shown(self):
        return self.now - 0.5

    def draw(self):
        self.now += FRAME
        self.timing.note_frame(self.shown, self.now)

    def add(self, name, tick):
        self.timing.add(name, (), {}, tick)

    def names(self):
        return [name for name, _, _ in self.posted]


def test_an_event_is_posted_before_the_frame_that_draws_its_tick():
    desk = Desk()
    tick = round(desk.shown * 20) + 3
    desk.add("BANG", tick)
    while not desk.posted:
        before = desk.shown
        desk.draw()
    assert desk.posted == [("BANG", tick, 0.0)]
    assert before + FRAME < tick / 20 <= desk.shown + FRAME + 1e-9


@pytest.mark.parametrize("pace", [0.9, 1.1])
def test_it_is_that_frame_too_while_the_view_goes_on_slower_or_faster(pace):
    posted = []
    timing = EventTiming(lambda event, late: posted.append(event.tick), lambda tick: TickTime(tick * 0.0051, False))
    timing.note_frame(9.9, 100.0)
    for tick in range(2_000, 2_050):
        timing.add("BANG", (), {}, tick)
    assert posted == []
    for frame in range(1, 100):
        before, shown = len(posted), 9.9 + frame * FRAME * pace
        timing.note_frame(shown, 100.0 + frame * FRAME)
        assert all(shown < tick * 0.0051 <= shown + FRAME * pace for tick in posted[before:])
    assert posted == list(range(2_000, 2_050))


def test_an_event_whose_tick_was_drawn_comes_at_once_and_says_by_how_much_it_is_late():
    desk = Desk()
    desk.add("BANG", 180)
    assert desk.posted == [("BANG", 180, pytest.approx(desk.shown - 9.0))]


def test_an_event_of_a_world_that_rests_is_not_late():
    desk = Desk()
    desk.lasts = True
    desk.add("CHAT", 180)
    assert desk.posted == [("CHAT", 180, 0.0)]


def test_an_event_without_a_known_tick_comes_at_once():
    desk = Desk()
    desk.add("BANG", None)
    assert desk.posted == [("BANG", None, 0.0)]


def test_events_of_one_type_keep_their_order_and_others_pass():
    desk = Desk()
    desk.add("NEWS", 250)
    desk.add("NEWS", None)
    desk.add("BANG", None)
    assert desk.names() == ["BANG"]
    for _ in range(300):
        desk.draw()
    assert desk.posted[1:] == [("NEWS", 250, 0.0), ("NEWS", None, 0.0)]


@pytest.mark.parametrize("options", [{"moment": "at once"}, {"at_once": ["BANG"]}])
def test_events_that_are_to_come_at_once_do(options):
    desk = Desk(**options)
    desk.add("BANG", 250)
    assert desk.names() == ["BANG"]


def test_before_the_first_picture_nothing_waits():
    desk = Desk()
    desk.timing.note_frame(None, desk.now + FRAME)
    desk.add("BANG", 250)
    assert desk.names() == ["BANG"]


def test_a_game_that_draws_something_else_gets_its_events():
    desk = Desk()
    desk.add("BANG", 250)
    desk.timing.note_no_frame(desk.now + NOT_DRAWING_AFTER)
    assert not desk.posted
    desk.timing.note_no_frame(desk.now + NOT_DRAWING_AFTER + 0.01)
    desk.add("BANG", 260)
    assert [tick for _, tick, _ in desk.posted] == [250, 260]


def test_at_the_end_of_a_connection_nothing_is_lost():
    desk = Desk()
    for number in range(3):
        desk.add("BANG", 250 + number)
    desk.timing.release()
    assert [tick for _, tick, _ in desk.posted] == [250, 251, 252]
    assert len(desk.timing) == 0


def test_events_that_wait_are_bounded():
    desk = Desk()
    for number in range(MAX_WAITING_EVENTS + 10):
        desk.add("BANG", 100_000 + number)
    assert len(desk.timing) == MAX_WAITING_EVENTS
    assert [tick for _, tick, _ in desk.posted] == [100_000 + number for number in range(10)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "draw", "else"]), st.sampled_from("AB"), st.integers(-10, 30)), max_size=60
    )
)
def test_each_event_comes_once_in_the_order_of_its_type(steps):
    desk = Desk()
    added = []
    for number, (step, name, ahead) in enumerate(steps):
        if step == "add":
            tick = int(desk.shown * 20) + ahead
            desk.timing.add(name, (number,), {}, tick)
            added.append((name, tick))
        elif step == "draw":
            desk.draw()
        else:
            desk.now += 0.2
            desk.timing.note_no_frame(desk.now)
    desk.timing.release()
    for name in "AB":
        assert [p[:2] for p in desk.posted if p[0] == name] == [each for each in added if each[0] == name]
    assert len(desk.posted) == len(added)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"moment": "soon"}, ValueError, 'must be "with the view" or "at once"'),
        ({"at_once": "CHAT"}, TypeError, r'such as \["CHAT"\]'),
        ({"at_once": [3]}, TypeError, "list of event types"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        EventTiming(lambda event, late: None, lambda tick: None, **options)


# -- a whole session ---------------------------------------------------------------------------------------------------


class Bomb(pygame.sprite.Sprite):
    def __init__(self, key, data):
        super().__init__()
        self.key = key

    def show(self, data):
        pass


def explosions(seed, link, seconds=20.0, **options):
    """Let bombs explode, with an event and with the end of their key; return for each one the frames of both, and
    whether the event was late."""

    def time_step(game_state, dt):
        turn = game_state.turn + 1
        update = {"turn": turn, "bombs": {turn: {"x": turn}}}
        if turn > 20 and turn % 7 == 0:
            backend.server.dispatch_event("BANG", turn - 20, retries=RELIABLE)
            update["bombs"][turn - 20] = TO_DELETE
        return update

    backend = Backend(GameState(turn=0, bombs={}), time_step)
    network = SimulatedNetwork(seed=seed, link=link)
    network.serve(backend, interval=1 / 20)
    seen, heard, frame = {}, {}, 0
    with Headless(network) as stage:
        session = stage.join(**options)
        group = ViewGroup(Bomb, on_gone=lambda bomb: seen.setdefault(bomb.key, frame))

        def one_frame():
            nonlocal frame
            frame += 1
            for event in pygame.event.get(SERVER_EVENT):
                heard[event.args[0]] = frame, event.late
            group.follow(session.view().get("bombs"))

        stage.run(seconds, one_frame)
    return {bomb: (seen[bomb], *heard[bomb]) for bomb in seen if bomb in heard}


@pytest.mark.parametrize("name", ["lan", "wifi", "mobile"])
@pytest.mark.parametrize("seed", [1, 2])
def test_bang_and_explosion_are_in_one_frame(name, seed):
    both = explosions(seed, LINKS[name])
    assert len(both) > 40
    in_time = [heard - seen for seen, heard, late in both.values() if not late]
    assert len(in_time) > 0.8 * len(both)
    assert set(in_time) == {0}


def test_an_event_that_comes_at_once_is_earlier_than_the_picture():
    both = explosions(1, LINKS["lan"], events="at once")
    assert all(heard < seen for seen, heard, _ in both.values())
