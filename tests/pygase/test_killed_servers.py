"""A real server process is killed and started again, with real clients."""

import random

import pytest

from benchmarks.restarts import measure, measure_without

pytestmark = pytest.mark.integration

INTERVAL = 1.0


def test_after_kill_9_and_a_restart_every_player_is_back_in_its_seat_within_two_seconds(rng: random.Random) -> None:
    rounds = measure(2, 3, 2.0, rng, INTERVAL)
    assert len(rounds) == 2
    for each in rounds:
        assert each.kept
        assert each.back_after <= 2.0
        assert each.lost <= INTERVAL + 0.5


def test_without_a_checkpoint_a_client_soon_knows_that_its_connection_is_gone(rng: random.Random) -> None:
    seconds, reason = measure_without(rng)
    assert reason == "NOT_RESUMABLE"
    assert seconds < 4.0
