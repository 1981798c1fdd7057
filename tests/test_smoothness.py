"""A sample of the figures of ``python -m benchmarks.smoothness``, in virtual time, in each run of the suite."""

from __future__ import annotations

import re

import pytest

from benchmarks import smoothness
from benchmarks._smooth_playback import DRIFT, clock_errors, lose_in_a_row, playback_speeds
from benchmarks._smooth_players import (
    RTT_100,
    RTT_100_LOSSY,
    corrections,
    fate_of_inputs,
    frames_to_picture,
    push,
    stick,
    walk_of_a_fast_sender,
)
from docs.draw_smoothness import FOLDER, PICTURES
from pygase.testing import Link

ONE = range(1)


@pytest.mark.parametrize("drift", [DRIFT, -DRIFT], ids=["a fast clock", "a slow clock"])
def test_the_servers_time_is_known_to_5_ms_at_80_plus_minus_40_ms_each_way(drift: float, seed: int) -> None:
    errors = clock_errors(seed, drift=drift, seconds=10.0)
    assert smoothness.quantile([abs(error) for error in errors], 0.99) <= 0.005


@pytest.mark.parametrize("tick_rate", [20, 60])
def test_two_snapshots_lost_in_a_row_stop_nothing(tick_rate: int, seed: int) -> None:
    seen = lose_in_a_row(2, tick_rate, 60, seed)
    assert seen.stalls == 0
    assert 0.95 <= seen.slowest <= seen.fastest <= 1.05


def test_playback_hurries_and_dawdles_by_a_twentieth_at_most(seed: int) -> None:
    speeds = playback_speeds(30, seed)
    assert 0.95 - 1e-6 <= min(speeds) < 0.99, "it did adapt"
    assert 1.01 < max(speeds) <= 1.05 + 1e-6


def test_where_the_world_rests_the_view_is_the_very_state() -> None:
    assert [row.measured for row in smoothness.rest(ONE)] == ["0"]


@pytest.mark.parametrize("game", range(2))
def test_at_20_percent_loss_every_input_arrives_and_is_applied(game: int, seed: int) -> None:
    fate = fate_of_inputs(Link(latency=0.05, jitter=0.01, loss=0.2), seed + game, 8.0)
    assert fate.applied == fate.arrived == fate.sent


def test_who_sends_twice_as_fast_gets_no_farther(seed: int) -> None:
    assert walk_of_a_fast_sender(seed, seconds=5.0) <= 1.0 + 1e-9


@pytest.mark.parametrize("frame_rate", [30, 60, 144])
def test_an_input_shows_in_the_frame_in_which_it_is_given(frame_rate: int, seed: int) -> None:
    assert set(frames_to_picture(RTT_100_LOSSY, frame_rate, seed, times=3)) == {0}


def test_without_prediction_it_shows_after_more_than_the_round_trip(seed: int) -> None:
    assert min(frames_to_picture(RTT_100, 60, seed, predict=False, times=3)) >= 6


def test_where_every_input_comes_in_time_nothing_at_all_is_corrected(seed: int) -> None:
    found = corrections(RTT_100, seed, stick, 10.0)
    assert (found.count, found.largest) == (0, 0.0)


def test_at_5_percent_loss_nothing_is_corrected_either(seed: int) -> None:
    found = corrections(RTT_100_LOSSY, seed, stick, 10.0)
    assert (found.count, found.largest, found.late_inputs) == (0, 0.0, 0)


def test_a_push_is_shown_within_a_tenth_of_a_second_without_swinging(seed: int) -> None:
    seen = push(RTT_100_LOSSY, seed)
    assert seen.seconds <= 0.12
    assert (seen.back, seen.beyond, seen.off) == (0.0, 0.0, 0.0)


def test_the_table_says_what_is_kept_and_what_is_not(capsys: pytest.CaptureFixture[str]) -> None:
    smoothness.main(["--seeds", "1", "--only", "pushes", "--only", "rewind"])
    *rows, _, summary = capsys.readouterr().out.splitlines()
    assert len(rows) == 6
    assert sum(bool(re.search(r"(ok|MISSED)$", row)) for row in rows) == 5, "one is for comparison"
    missed = sum(row.endswith("MISSED") for row in rows)
    assert summary.startswith(f"{missed} of 5 missed; 1 seeds")


@pytest.mark.parametrize("name", PICTURES)
def test_the_pictures_of_the_guide_are_what_the_games_drawn_there_give(name: str) -> None:
    if name == "rewind.svg":  # its game encrypts where it can, and other random bytes lose other datagrams
        pytest.importorskip("cryptography")
    drawn = PICTURES[name]()
    assert drawn == (FOLDER / name).read_text(encoding="utf-8"), (
        "run `python -m docs.draw_smoothness`, and look at them"
    )
    assert PICTURES[name]() == drawn, "each time the same"


def test_every_picture_is_drawn_by_the_script_and_shown_in_the_guide() -> None:
    assert {file.name for file in FOLDER.iterdir()} == set(PICTURES)
    guide = (FOLDER.parent / "smoothness.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(images/([^)]+)\)", guide)) == set(PICTURES)
