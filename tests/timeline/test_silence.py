"""When prediction has to stop, and how the picture runs to a stop: all of it by numbers, without a network."""

from __future__ import annotations

import itertools
import math

import pytest

from pygase import Predictor, SilenceWatch
from pygase.timeline.silence import GIVEN_UP_TICKS, LEAST_TICKS, LONGEST_WAIT, MAX_AHEAD, SLOWING

TICK = 1 / 60


class Player:
    """A watch that is fed as in a game: an input each tick, and answers a round trip later while the link holds."""

    def __init__(self, interval: float = TICK, rtt: float = 0.06, max_ahead: float = MAX_AHEAD) -> None:
        self.interval, self.rtt = interval, rtt
        self.watch = SilenceWatch(interval, max_ahead)
        self.tick = 0
        self.now = self.heard_at = 0.0
        self.confirmed = 0
        self.resting = False

    def play(self, seconds: float, *, heard: bool = True, confirms: bool = True) -> float | None:
        """Let time pass; return how long it took until it was a silence, or None if it was none."""
        began = self.now
        for _ in range(round(seconds / self.interval)):
            self.tick += 1
            self.now += self.interval
            self.watch.sent(self.tick, now=self.now)
            if heard:
                self.heard_at = self.now
                if confirms:
                    self.confirmed = max(self.tick - math.ceil(self.rtt / self.interval) - 1, 0)
                tick = None if self.resting else self.tick
                self.watch.confirmed(self.confirmed, tick=tick, now=self.now)
            if self.watch.look(now=self.now, heard_at=self.heard_at, rtt=self.rtt):
                return self.now - began
        return None


@pytest.mark.parametrize("hz", [20, 30, 60, 128])
@pytest.mark.parametrize("rtt", [0.0, 0.06, 0.3])
def test_a_link_that_holds_is_no_silence_and_one_that_is_cut_is_after_max_ahead(hz: int, rtt: float) -> None:
    player = Player(1 / hz, rtt)
    assert player.play(10.0) is None
    silent_after = player.play(3.0, heard=False)
    assert silent_after is not None
    assert MAX_AHEAD - 1e-9 <= silent_after <= MAX_AHEAD + 3 / hz


@pytest.mark.parametrize("max_ahead", [0.15, 0.4, 1.0])
def test_how_long_is_a_parameter(max_ahead: float) -> None:
    player = Player(max_ahead=max_ahead)
    player.play(1.0)
    assert player.play(3.0, heard=False) == pytest.approx(max_ahead, abs=3 * TICK)


def test_where_ticks_are_far_apart_four_of_them_may_be_missing() -> None:
    player = Player(0.25)
    player.play(10.0)
    assert player.play(5.0, heard=False) == pytest.approx(LEAST_TICKS * 0.25, abs=0.5)


def test_a_prediction_may_be_told_never_to_stop() -> None:
    player = Player(max_ahead=math.inf)
    player.play(1.0)
    assert player.play(60.0, heard=False) is None


def test_a_world_that_rests_is_no_silence_as_long_as_inputs_are_confirmed() -> None:
    """A key that is held at a wall changes nothing: no state is sent, but inputs are confirmed."""
    player = Player()
    player.play(1.0)
    player.resting = True
    assert player.play(60.0) is None


def test_who_has_sent_nothing_waits_for_nothing() -> None:
    watch = SilenceWatch(TICK)
    assert not watch.look(now=1000.0, heard_at=0.0)
    watch.sent(1, now=1000.0)
    watch.confirmed(1, tick=5, now=1000.1)
    assert not watch.look(now=2000.0, heard_at=1000.1), "all is answered"
    watch.sent(2, now=2000.0)
    assert not watch.look(now=2000.0 + TICK, heard_at=1000.1), "an answer takes its time"
    assert not watch.look(now=2000.3, heard_at=1000.1, rtt=0.2)
    assert watch.look(now=2000.0 + 0.2 + MAX_AHEAD + 2 * TICK, heard_at=1000.1, rtt=0.2)


def test_a_server_that_is_heard_and_confirms_nothing_gets_half_a_second_more() -> None:
    """A game loop that stands still: its heartbeats arrive, and no input is applied."""
    player = Player()
    player.resting = True
    player.play(2.0)
    silent_after = player.play(5.0, confirms=False)
    assert silent_after == pytest.approx(MAX_AHEAD + LONGEST_WAIT, abs=0.1)


def test_a_server_that_makes_ticks_without_inputs_has_given_up_the_schedule() -> None:
    """The way up is cut: states still arrive, and the server counts no more inputs."""
    player = Player()
    player.play(2.0)
    silent_after = player.play(5.0, confirms=False)
    assert silent_after == pytest.approx(GIVEN_UP_TICKS * TICK, abs=2 * TICK)


def test_the_first_word_after_a_silence_does_not_end_it_and_one_that_confirms_more_does() -> None:
    player = Player()
    player.play(2.0)
    player.play(1.0, heard=False)
    watch, now = player.watch, player.now
    assert watch.answer_at == math.inf
    watch.confirmed(player.confirmed + 4, tick=player.tick, now=now)  # of inputs that were under way at the cut
    assert watch.stalled
    assert now < watch.answer_at <= now + player.rtt + LEAST_TICKS * TICK
    watch.confirmed(player.confirmed + 4, tick=player.tick + 1, now=now + TICK)
    assert watch.stalled
    watch.confirmed(player.confirmed + 40, tick=player.tick + 2, now=now + 2 * TICK)
    assert not watch.stalled
    assert not watch.look(now=now + 2 * TICK, heard_at=now + 2 * TICK, rtt=player.rtt)


def test_a_new_connection_begins_without_a_silence() -> None:
    player = Player()
    player.play(1.0)
    assert player.play(1.0, heard=False) is not None
    player.watch.reset()
    assert not player.watch.stalled
    assert player.watch.travelled(player.now) == 0.0


@pytest.mark.parametrize("hz", [20, 30, 60, 128])
@pytest.mark.parametrize("fraction", [0.0, 0.3, 0.99])
def test_the_picture_slows_down_evenly_and_stops_at_the_end_of_a_tick(hz: int, fraction: float) -> None:
    watch = SilenceWatch(1 / hz)
    watch.sent(1, now=0.0)
    watch.confirmed(1, tick=1, now=0.0)
    watch.sent(2, now=0.0)
    assert watch.look(now=1.0, heard_at=0.0, fraction=fraction)
    frame = 1 / 240
    places = [watch.travelled(1.0 + frame * n) for n in range(240)]
    speeds = [(b - a) / frame / hz for a, b in itertools.pairwise(places)]
    assert places[0] == fraction
    assert places[-1] == round(places[-1]) >= 1
    assert speeds[0] == pytest.approx(1.0, abs=0.1), "it begins with the full speed"
    assert all(0.0 <= later <= earlier + 1e-9 for earlier, later in itertools.pairwise(speeds))
    assert max(a - b for a, b in itertools.pairwise(speeds)) < 0.05, "and loses a little of it in each frame"
    stopped_after = frame * next(n for n, place in enumerate(places) if place == places[-1])
    assert SLOWING - frame <= stopped_after <= SLOWING + 2 / hz + frame


@pytest.mark.parametrize(("interval", "max_ahead"), [(0.0, 0.4), (TICK, 0.0), (TICK, -1.0), (TICK, math.nan)])
def test_impossible_times_are_refused(interval: float, max_ahead: float) -> None:
    with pytest.raises(ValueError, match="must be a number of seconds above 0"):
        SilenceWatch(interval, max_ahead)


# -- what the predictor does in it


def walk(mine: dict[str, float], direction: int) -> dict[str, float]:
    return {"x": mine["x"] + direction}


def walker() -> Predictor:
    """Somebody at 0 of whose inputs 1 to 3 the server has applied none."""
    predictor = Predictor(walk, lambda state: state.get("me"))
    predictor.reconcile({"me": {"x": 0.0}}, 0, tick=1)
    for number in (1, 2, 3):
        predictor.predict(1, number)
    return predictor


def test_what_is_kept_is_not_applied_and_replayed_once_the_server_answers() -> None:
    predictor = walker()
    for number in range(4, 10):
        predictor.keep(1, number)
    assert predictor.predicted == {"x": 3.0}
    assert (predictor.pending, predictor.ahead) == (9, 3)
    predictor.reconcile({"me": {"x": 2.0}}, 7, tick=50)  # the server never counts later inputs
    assert predictor.predicted == {"x": 4.0}
    assert (predictor.pending, predictor.ahead) == (2, 2)


def test_what_is_kept_is_replayed_even_if_the_truth_is_as_expected() -> None:
    predictor = walker()
    predictor.keep(1, 4)
    predictor.keep(1, 5)
    predictor.reconcile({"me": {"x": 3.0}}, 3, tick=2)
    assert predictor.predicted == {"x": 5.0}


def test_a_picture_that_runs_to_a_stop_repeats_the_newest_input() -> None:
    predictor = walker()
    predictor.keep(-1, 4)
    predictor.coast()
    assert predictor.predicted == {"x": 2.0}
    assert predictor.ahead == 4
    predictor.reconcile({"me": {"x": 3.0}}, 3, tick=2)
    assert predictor.predicted == {"x": 2.0}, "no more than its one input"
    assert predictor.ahead == 1


def test_before_anything_of_mine_nothing_runs_on() -> None:
    predictor = Predictor(walk, lambda state: state.get("me"))
    predictor.coast()
    predictor.keep(1, 1)
    predictor.coast()
    assert predictor.predicted is None
    predictor.reconcile({"me": {"x": 7.0}}, 0, tick=1)
    assert predictor.predicted == {"x": 8.0}


def test_while_nothing_is_confirmed_the_truth_is_taken_as_it_is_and_shown_without_a_jump() -> None:
    predictor = walker()
    assert predictor.view(1.0) == {"x": 3.0}
    assert predictor.reconcile({"me": {"x": -5.0}}, 0, tick=9, replay=False)
    assert predictor.predicted == {"x": -5.0}
    assert (predictor.pending, predictor.ahead) == (3, 0)
    shown = [predictor.view(1.0 + 0.01 * n)["x"] for n in range(1, 60)]
    assert 0.0 < shown[0] < 3.0
    assert shown == sorted(shown, reverse=True)
    assert shown[-1] == -5.0
    assert predictor.reconcile({"me": {"x": -5.0}}, 1, tick=10), "the server answers"
    assert predictor.predicted == {"x": -3.0}


def test_an_input_that_cannot_follow_is_not_kept_either() -> None:
    predictor = walker()
    with pytest.raises(ValueError, match="cannot follow"):
        predictor.keep(1, 3)
