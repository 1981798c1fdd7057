"""The arithmetic of ``benchmarks/peers.py`` and ``benchmarks/scale.py``: medians, percentiles, grids and tables."""

import math
from dataclasses import replace

import pytest

from benchmarks._peers.run import Figures, RunFailed, figures
from benchmarks._peers.table import latencies_of, markdown, median_of, on_time, percentile, ratio_of, waits_of
from benchmarks._peers.workload import FIRST_TURN, MOVING, Load, World, turn_of
from benchmarks.profile_server import shares_of
from pygase._state.codec import pack

LOAD = Load(clients=2, hz=10.0, seconds=1.0)
METER = {"cpu_seconds": 0.1, "wall_seconds": 1.0, "wakes": 20, "begun": [[7, 1.0], [8, 1.1]], "resident_bytes": 5e6}
CROWD = {
    "up": 400,
    "down": 2000,
    "sent": 20,
    "received": 40,
    "fewest_turns": 9,
    "players_share": 0.5,
    "arrivals": [[7, 1.002], [8, 1.104], [99, 3.0]],
}


@pytest.fixture
def one_round() -> Figures:
    return figures(LOAD, METER, CROWD)


def test_figures_are_by_client_and_tick(one_round: Figures) -> None:
    assert one_round.micros == pytest.approx(5000.0)
    assert (one_round.up_bytes, one_round.down_bytes) == (20.0, 100.0)
    assert (one_round.up_datagrams, one_round.down_datagrams) == (1.0, 2.0)
    assert (one_round.wakes_a_tick, one_round.ticks_per_second, one_round.kept_up) == (2.0, 2.0, 0.9)


def test_a_latency_is_from_the_begin_of_that_tick_and_unknown_ticks_have_none(one_round: Figures) -> None:
    assert one_round.latencies == pytest.approx((0.002, 0.004))
    assert latencies_of([one_round, one_round]) == pytest.approx((2.0, 4.0))


def test_a_state_before_its_tick_is_a_fault_of_the_measurement() -> None:
    with pytest.raises(RunFailed, match="before its tick began"):
        figures(LOAD, METER, {**CROWD, "arrivals": [[8, 1.05]]})


def test_a_server_that_began_to_measure_too_late_is_not_measured() -> None:
    with pytest.raises(RunFailed, match="too busy"):
        figures(LOAD, {**METER, "wall_seconds": 0.4}, CROWD)


def test_silence_is_not_measured() -> None:
    with pytest.raises(RunFailed, match="nothing arrived"):
        figures(LOAD, METER, {**CROWD, "down": 0})


def test_ratios_are_of_the_same_round_and_their_median_counts(one_round: Figures) -> None:
    ours = [replace(one_round, micros=micros) for micros in (10.0, 40.0, 90.0)]
    bare = [replace(one_round, micros=micros) for micros in (5.0, 10.0, 30.0)]
    assert ratio_of(ours, bare) == 3.0
    assert median_of(ours, lambda found: found.micros) == 40.0


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = list(range(100, 0, -1))
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1.0)) == (50, 99, 100)
    assert percentile([3.0], 0.01) == 3.0
    assert math.isnan(percentile([], 0.5))


def test_ticks_on_a_grid_are_on_time() -> None:
    begun = [100.0 + n / 20 for n in range(60)]
    assert on_time(begun, 1 / 20, 0.01) == 1.0
    assert waits_of(begun, 1 / 20) == pytest.approx([0.0] * 60, abs=1e-9)


def test_a_late_tick_and_a_missing_one_are_not_on_time() -> None:
    begun = [n / 20 for n in range(100)]
    begun[50] += 0.02
    assert on_time(begun, 1 / 20, 0.01) == 0.99
    assert on_time(begun[:30] + begun[31:], 1 / 20, 0.01) == 0.98


def test_a_late_first_tick_does_not_make_the_others_early() -> None:
    begun = [0.02, *(n / 20 for n in range(1, 100))]
    assert on_time(begun, 1 / 20, 0.01) == 0.99
    assert waits_of(begun, 1 / 20)[0] == pytest.approx(0.02)


def test_a_table_has_columns_of_one_width() -> None:
    assert markdown(("a", "bb"), [("long", "1")]) == "| a    | bb |\n|------|----|\n| long | 1  |"


@pytest.mark.parametrize("sends", ["changes", "everything"])
def test_a_light_player_finds_the_turn_in_a_packed_message(sends: str) -> None:
    world = World(sends)
    message = world.step(0.05)
    assert turn_of(pack(message)) == FIRST_TURN + 1
    assert len(message["entities"]) == (MOVING if sends == "changes" else 64)


def test_a_report_of_perf_is_read_by_shares() -> None:
    report = (
        "# Overhead  Object\n\n    83.41%  libpython3.so  [.] eval  -  -\n     1.20%  [kernel]\n#\n# (Tip: 5% more)\n"
    )
    assert list(shares_of(report)) == [(83.41, "libpython3.so [.] eval"), (1.2, "[kernel]")]
