"""A sample of the figures of ``python -m benchmarks.physics``, in virtual time, in each run of the suite."""

from __future__ import annotations

from benchmarks.physics import NETWORKS, bytes_a_second, measured, share, touch_to_answer


def test_a_ball_answers_in_the_frame_of_the_touch_if_the_world_is_predicted() -> None:
    answers = touch_to_answer(NETWORKS["150"], 1)
    assert answers["world"] == answers["world, input_delay=3"] == 0
    assert (answers["interpolated"] or 0) >= 10


def test_hits_hold_if_the_world_is_predicted_and_do_not_if_it_is_interpolated() -> None:
    rows = measured("150", 1, seconds=12.0)
    world, delayed, interpolated = rows["world"], rows["world, input_delay=3"], rows["interpolated"]
    assert world.hits >= 5
    assert world.held >= world.hits - 1
    assert interpolated.held < world.held
    assert share(delayed.others, 0.99) < share(world.others, 0.99) < share(interpolated.others, 0.99)


def test_a_third_of_the_states_takes_less_than_half_of_the_bytes() -> None:
    assert bytes_a_second(20.0, seconds=4.0) <= 0.5 * bytes_a_second(None, seconds=4.0)
