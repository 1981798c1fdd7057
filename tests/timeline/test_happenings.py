"""What happens once is reported once, however often it is simulated, and taken back once if it was wrong."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pygase.timeline.happenings import MAX_KNOWN, Happening, Happenings, Told
from pygase.timeline.prediction import Predictor

ME = 7


def shots(*ticks: int) -> list[Told]:
    return [Told("SHOT", ME, (), tick) for tick in ticks]


def kinds(happenings: Happenings) -> list[tuple[str, int | None, bool]]:
    return [(each.what, each.tick, each.taken_back) for each in happenings.take()]


class TestPredictions:
    def test_a_report_comes_at_once_and_repeated_simulations_add_none(self) -> None:
        happenings = Happenings()
        happenings.simulated(shots(10), after=9, upto=10)
        assert happenings.take() == [Happening("SHOT", ME, (), 10)]
        for _ in range(30):
            happenings.simulated(shots(10), after=5, upto=12)
        assert happenings.take() == []

    @pytest.mark.parametrize(("shift", "times"), [(0, 1), (3, 1), (-3, 1), (4, 2), (-4, 2)])
    def test_a_report_some_ticks_away_is_the_same_thing(self, shift: int, times: int) -> None:
        happenings = Happenings(within=3)
        happenings.simulated(shots(100), after=90, upto=110)
        happenings.simulated(shots(100 + shift), after=90, upto=110)
        assert [each for each in happenings.take() if not each.taken_back].__len__() == times

    def test_a_long_contact_is_one_thing(self) -> None:
        happenings = Happenings()
        for newest in range(20, 60):
            happenings.simulated(shots(*range(20, newest + 1)), after=19, upto=newest)
        assert len(happenings.take()) == 1

    def test_two_owners_and_two_kinds_are_different_things(self) -> None:
        happenings = Happenings()
        told = [Told("SHOT", 1, (), 5), Told("SHOT", 2, (), 5), Told("HIT", 1, (), 5)]
        happenings.simulated(told, after=4, upto=5)
        assert len(happenings.take()) == 3

    def test_what_a_replay_finds_in_the_past_is_late(self) -> None:
        happenings = Happenings(interval=0.02)
        happenings.simulated(shots(10), after=4, upto=15)
        assert happenings.take() == [Happening("SHOT", ME, (), 10, late=pytest.approx(0.1))]

    def test_what_a_replay_does_not_repeat_is_taken_back_when_the_truth_has_passed_it(self) -> None:
        happenings = Happenings(within=3)
        happenings.simulated(shots(10), after=9, upto=10)
        happenings.simulated([], after=8, upto=11)
        happenings.settle(12)
        assert kinds(happenings) == [("SHOT", 10, False)]
        happenings.settle(13)
        assert kinds(happenings) == [("SHOT", 10, True)]
        happenings.settle(200)
        assert happenings.take() == []

    def test_what_another_replay_repeats_stands(self) -> None:
        happenings = Happenings(within=3)
        happenings.simulated(shots(10), after=9, upto=10)
        happenings.simulated([], after=8, upto=11)
        happenings.simulated(shots(11), after=9, upto=12)
        happenings.settle(50)
        assert kinds(happenings) == [("SHOT", 10, False)]

    def test_a_replay_from_a_later_truth_withdraws_nothing_before_it(self) -> None:
        happenings = Happenings()
        happenings.simulated(shots(10), after=9, upto=10)
        happenings.simulated([], after=10, upto=20)
        happenings.settle(50)
        assert kinds(happenings) == [("SHOT", 10, False)]


class TestTheServersEvents:
    def test_an_event_confirms_a_prediction_and_makes_nothing(self) -> None:
        happenings = Happenings(reported=["SHOT"])
        happenings.simulated(shots(10), after=9, upto=10)
        assert happenings.hear("SHOT", ME, 11)
        happenings.settle(500)
        assert kinds(happenings) == [("SHOT", 10, False)]

    def test_an_event_without_a_prediction_happens_when_it_is_drawn(self) -> None:
        happenings = Happenings(reported=["SHOT"])
        assert not happenings.hear("SHOT", 3, 10)
        happenings.happen("SHOT", 3, (1, 2), 10, late=0.25)
        assert happenings.take() == [Happening("SHOT", 3, (1, 2), 10, 0.25)]

    def test_the_picture_may_show_it_while_its_event_waits_to_be_drawn(self) -> None:
        happenings = Happenings(reported=["HIT"])
        assert not happenings.hear("HIT", "left", 10)
        happenings.foretell("HIT", "left", (), 11)
        happenings.happen("HIT", "left", (), 10)
        assert kinds(happenings) == [("HIT", 11, False)]

    def test_or_after_it_was_drawn(self) -> None:
        happenings = Happenings(reported=["HIT"])
        happenings.happen("HIT", "left", (), 10)
        happenings.foretell("HIT", "left", (), 12)
        happenings.settle(500)
        assert kinds(happenings) == [("HIT", 10, False)]

    def test_events_of_the_server_are_never_one_with_another(self) -> None:
        happenings = Happenings(reported=["HIT"])
        happenings.simulated([Told("HIT", ME, (), 10)], after=9, upto=10)
        for tick in (10, 11, 11):
            if not happenings.hear("HIT", ME, tick):
                happenings.happen("HIT", ME, (), tick)
        assert len(happenings.take()) == 3

    def test_a_prediction_that_no_event_confirms_is_taken_back_a_second_after_its_truth(self) -> None:
        happenings = Happenings(reported=["SHOT"], interval=1 / 60)
        happenings.simulated(shots(10), after=9, upto=10)
        happenings.settle(69)
        assert kinds(happenings) == [("SHOT", 10, False)]
        happenings.settle(70)
        assert kinds(happenings) == [("SHOT", 10, True)]

    def test_an_event_after_that_has_happened_nevertheless(self) -> None:
        happenings = Happenings(reported=["SHOT"])
        happenings.simulated(shots(10), after=9, upto=10)
        happenings.settle(100)
        happenings.take()
        assert not happenings.hear("SHOT", ME, 10)
        happenings.happen("SHOT", ME, (), 10, late=1.5)
        assert happenings.take() == [Happening("SHOT", ME, (), 10, 1.5)]

    def test_an_event_of_an_unknown_tick_confirms_the_oldest_prediction(self) -> None:
        happenings = Happenings(reported=["SHOT"])
        happenings.simulated(shots(10, 40), after=9, upto=40)
        assert [happenings.hear("SHOT", ME, None) for _ in range(3)] == [True, True, False]


def test_each_kind_may_have_its_own_number_of_ticks() -> None:
    happenings = Happenings({"SHOT": 0}, reported=["SHOT", "HIT"])
    told = [Told(what, ME, (), tick) for what in ("SHOT", "HIT") for tick in (5, 6, 7)]
    happenings.simulated(told, after=4, upto=7)
    assert [each.what for each in happenings.take()] == ["SHOT", "SHOT", "SHOT", "HIT"]


def test_a_new_connection_forgets_all_but_what_was_not_taken() -> None:
    happenings = Happenings(reported=["SHOT"])
    happenings.simulated(shots(10), after=9, upto=10)
    happenings.reset()
    happenings.settle(500)
    happenings.simulated(shots(10), after=9, upto=10)
    assert kinds(happenings) == [("SHOT", 10, False)] * 2


@pytest.mark.parametrize("wrong", [{"within": -1}, {"within": 1.5}, {"within": {"A": -1}}, {"interval": 0.0}])
def test_a_number_out_of_range_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a number of"):
        Happenings(**wrong)


def test_memory_is_bounded() -> None:
    happenings = Happenings(reported=["SHOT"])
    for tick in range(0, 25 * MAX_KNOWN, 20):
        happenings.simulated(shots(tick), after=tick - 1, upto=tick)
    assert len(happenings.take()) == MAX_KNOWN
    assert sum(happenings.hear("SHOT", ME, tick) for tick in range(0, 25 * MAX_KNOWN, 20)) == MAX_KNOWN


@given(seed=st.integers(0, 2**32))
@settings(max_examples=60)
def test_each_thing_comes_once_whatever_the_order_of_replays_events_and_pictures(seed: int) -> None:
    """The truth has shots at multiples of 20. Each is simulated, replayed with errors of 3 ticks, and reported."""
    rng = random.Random(seed)
    happenings = Happenings(within=6, reported=["SHOT"])
    truth = range(20, 200, 20)
    heard: list[Happening] = []
    waiting: list[int] = []
    for now in range(1, 300):
        behind = rng.randint(0, 15)
        shift = rng.randint(-3, 3)
        told = shots(*[tick + shift for tick in truth if now - behind < tick + shift <= now])
        happenings.simulated(told, after=now - behind, upto=now)
        if now - 20 in truth:
            tick = now - 20
            if not happenings.hear("SHOT", ME, tick):
                waiting.append(tick)
        if waiting and rng.random() < 0.5:
            happenings.happen("SHOT", ME, (), waiting.pop(0))
        happenings.settle(now - 20)
        heard += happenings.take()
    for tick in waiting:
        happenings.happen("SHOT", ME, (), tick)
    heard += happenings.take()
    assert len(heard) == len(truth)
    assert not any(each.taken_back for each in heard)


# -- with a predictor --------------------------------------------------------------------------------------------------


def shoot(mine: dict[str, Any], fire: bool, tell: Any = lambda *_: None) -> dict[str, Any]:
    """A gun with a cool-down of ten ticks, and one that is jammed."""
    if fire and not mine["wait"] and not mine["jammed"]:
        tell("SHOT", mine["x"])
        return {**mine, "wait": 10}
    return {**mine, "wait": max(mine["wait"] - 1, 0)}


GUN = {"x": 5.0, "wait": 0, "jammed": False}


def shooter(**options: Any) -> Predictor:
    predictor = Predictor(shoot, lambda state: state["me"], **options)
    predictor.owner = ME
    predictor.reconcile({"me": GUN}, None)
    return predictor


def test_a_step_reports_in_the_frame_of_the_key_before_the_tick_is_due() -> None:
    predictor = shooter()
    predictor.view(0.0, 0.3, True)
    assert predictor.happenings.take() == [Happening("SHOT", ME, (5.0,), 0)]
    predictor.predict(True, 0)
    predictor.view(0.1, 0.1, True)
    predictor.reconcile({"me": {**GUN, "x": 6.0}}, -1, tick=2)
    assert predictor.happenings.take() == []


def test_a_shot_that_the_truth_forbids_is_taken_back() -> None:
    predictor = shooter()
    for number in range(8):
        predictor.predict(number == 3, number)
    assert [each.taken_back for each in predictor.happenings.take()] == [False]
    predictor.reconcile({"me": {**GUN, "jammed": True}}, 2)
    predictor.reconcile({"me": {**GUN, "jammed": True}}, 7)
    assert predictor.happenings.take() == [Happening("SHOT", ME, (5.0,), 3, taken_back=True)]


def test_a_shot_as_predicted_is_not_taken_back() -> None:
    predictor = shooter()
    for number in range(30):
        predictor.predict(number == 3, number)
    predictor.reconcile({"me": {**GUN, "wait": 4}}, 9)
    predictor.reconcile({"me": {**GUN, "wait": 0}}, 29)
    assert [each.taken_back for each in predictor.happenings.take()] == [False]


def test_a_step_that_raises_has_reported_nothing() -> None:
    def step(mine: dict[str, Any], fire: bool, tell: Any) -> dict[str, Any]:
        tell("SHOT")
        raise ZeroDivisionError

    predictor = Predictor(step, lambda state: state["me"])
    predictor.reconcile({"me": GUN}, None)
    with pytest.raises(ZeroDivisionError):
        predictor.predict(True, 0)
    predictor.view(0.0)
    assert predictor.happenings.take() == []


def test_a_silence_reports_nothing() -> None:
    """The picture only slows down; the ticks of the silence are simulated when the server is heard again."""
    predictor = shooter()
    predictor.predict(False, 0)
    predictor.keep(True, 1)
    predictor.coast()
    predictor.view(0.0, 0.5, True)
    assert predictor.happenings.take() == []
    predictor.reconcile({"me": GUN}, 0, tick=1)
    assert [each.tick for each in predictor.happenings.take()] == [1]


def test_a_kind_that_is_no_text_is_refused() -> None:
    predictor = Predictor(lambda mine, fire, tell: tell(1), lambda state: state["me"])
    predictor.reconcile({"me": GUN}, None)
    with pytest.raises(TypeError, match='tell expected the kind of what happened, as in tell\\("SHOT"\\), got 1'):
        predictor.predict(True, 0)
