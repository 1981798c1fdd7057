"""Debug mode reports a key that is used again at once: clients would take the new thing for the old one."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from pygase import TO_DELETE, Backend, GameState, Whole
from pygase._server.reused_keys import MAX_GONE, ReusedKeys
from pygase.testing import SimulatedNetwork


@pytest.fixture(autouse=True)
def _hear_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING, "pygase"):
        yield


def reports(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "is used again" in record.getMessage()]


def run(updates: dict[int, Any], debug: bool) -> None:
    """Run a game of 50 ticks a second that returns these updates, by the number of the tick."""
    ticks = iter(range(1000))
    backend = Backend(
        GameState(bullets={1: {"x": 0.0}, 2: {"x": 5.0}}), lambda game_state, dt: updates.get(next(ticks)), debug=debug
    )
    network = SimulatedNetwork(seed=1)
    network.serve(backend, interval=0.02)
    network.run(4.0)


@pytest.mark.parametrize("gone", [{"bullets": {1: TO_DELETE}}, {"bullets": Whole({2: {"x": 5.0}})}])
def test_a_key_that_comes_back_within_a_second_is_reported_with_what_to_do(
    gone: Any, caplog: pytest.LogCaptureFixture
) -> None:
    run({10: gone, 35: {"bullets": {1: {"x": 90.0}}}}, debug=True)
    (report,) = reports(caplog)
    assert report.startswith(
        "the key 1 of 'bullets' was removed and is used again 0.50 s later. If it is another thing"
    )
    assert "give it a new key" in report


@pytest.mark.parametrize(
    ("back_at", "debug", "key"), [(65, True, 1), (35, False, 1), (35, True, 3)], ids=["late", "no debug", "a new key"]
)
def test_nothing_else_is_reported(back_at: int, debug: bool, key: int, caplog: pytest.LogCaptureFixture) -> None:
    run({10: {"bullets": {1: TO_DELETE}}, back_at: {"bullets": {key: {"x": 9.0}}}}, debug=debug)
    assert reports(caplog) == []


def test_each_table_is_reported_once_and_tables_within_things_are_tables(caplog: pytest.LogCaptureFixture) -> None:
    keys = ReusedKeys()
    for time in range(10):
        keys.look({"rooms": {"hall": {"doors": {time % 2: TO_DELETE}}}}, float(time) / 10)
        keys.look({"rooms": {"hall": {"doors": {time % 2: {"open": True}}}}}, float(time) / 10 + 0.05)
    (report,) = reports(caplog)
    assert "'rooms.hall.doors'" in report


def test_attributes_and_single_values_are_no_things(caplog: pytest.LogCaptureFixture) -> None:
    keys = ReusedKeys()
    keys.look({"ball": TO_DELETE, "scores": {1: TO_DELETE}}, 0.0)
    keys.look({"ball": {"x": 1.0}, "scores": {1: 5}}, 0.1)
    assert reports(caplog) == []


def test_a_game_that_removes_everything_fills_no_memory() -> None:
    keys = ReusedKeys()
    for number in range(3):
        keys.look({"bullets": dict.fromkeys(range(number * MAX_GONE, (number + 1) * MAX_GONE), TO_DELETE)}, 0.0)
    assert len(keys._gone) == MAX_GONE
    keys.look({}, 2.0)
    assert not keys._gone
