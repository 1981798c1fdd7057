"""Derby's referee: goals, clock and kick-offs."""

import random

import pytest

from games.derby import referee, rules
from games.derby.bot import AHEAD, Driver
from games.derby.pitch import MIDDLE, WIDTH
from games.derby.referee import GOAL, GOAL_TICKS, KICK_OFF_TICKS, NOBODY, OVER, PLAY, WAITING, Match, Referee
from games.derby.rules import World


def world_of(count: int = 2) -> World:
    cars = {who: rules.new_car(who % 2, 0) for who in range(1, count + 1)}
    return {"ball": rules.new_ball(), "cars": cars, "wait": 0}


def put_ball(world: World, x: float) -> None:
    world["ball"].update(x=x, y=MIDDLE)


@pytest.mark.parametrize(("x", "team"), [(WIDTH + 23, 0), (-23, 1), (WIDTH, None), (-21, None), (500, None)])
def test_only_a_ball_that_is_wholly_behind_the_line_is_a_goal(x: float, team: int | None) -> None:
    world = world_of()
    put_ball(world, x)
    assert referee.scoring_team(world) == team


def test_the_scorer_is_who_touched_the_ball_last_in_the_team() -> None:
    judge, world = Referee(), world_of(4)
    match = judge.new_match(PLAY)
    for who in (1, 3, 2):
        judge.note(world, "HIT", who, 0, 0, 3)
    put_ball(world, -30)
    match = judge.judge(world, match)
    assert (match["phase"], match["score"], match["scorer"], match["own"]) == (GOAL, [0, 1], 3, False)


def test_a_goal_that_only_the_others_touched_is_an_own_goal() -> None:
    judge, world = Referee(), world_of()
    match = judge.new_match(PLAY)
    judge.note(world, "HIT", 2, 0, 0, 3)
    put_ball(world, -30)
    match = judge.judge(world, match)
    assert (match["score"], match["scorer"], match["own"]) == ([0, 1], 2, True)


def test_a_ball_that_nobody_touched_scores_for_nobody() -> None:
    judge, world = Referee(), world_of()
    judge.note(world, "BUMP", 1, 0, 0, 3)
    judge.note(world, "HIT", 99, 0, 0, 3)
    put_ball(world, WIDTH + 30)
    assert judge.judge(world, judge.new_match(PLAY))["scorer"] == NOBODY


def test_after_a_goal_there_is_a_pause_and_then_a_kick_off() -> None:
    judge, world = Referee(), world_of()
    put_ball(world, WIDTH + 30)
    match = judge.judge(world, judge.new_match(PLAY))
    left = match["left"]
    for _ in range(GOAL_TICKS):
        assert match["phase"] == GOAL
        match = judge.judge(world, match)
    assert match["phase"] == PLAY
    assert match["left"] == left
    assert match["score"] == [1, 0]
    assert world["wait"] == KICK_OFF_TICKS
    assert world["ball"] == rules.new_ball()


def run_down(judge: Referee, world: World, match: Match) -> Match:
    for _ in range(60 * 5):
        match = judge.judge(world, match)
    return match


def test_the_clock_rests_before_a_kick_off_and_while_nobody_plays() -> None:
    judge, world = Referee(), world_of()
    world["wait"] = 30
    for phase in (PLAY, WAITING):
        match = judge.new_match(phase)
        assert judge.judge(world, match) == match


def test_a_match_ends_with_its_time_and_an_even_one_with_the_next_goal() -> None:
    judge, world = Referee(seconds=5), world_of()
    assert run_down(judge, world, {**judge.new_match(PLAY), "score": [2, 1]})["phase"] == OVER
    even = run_down(judge, world, judge.new_match(PLAY))
    assert even["phase"] == PLAY
    assert even["left"] == 0
    put_ball(world, -30)
    for _ in range(GOAL_TICKS + 1):
        even = judge.judge(world, even)
    assert even["phase"] == OVER
    assert even["score"] == [0, 1]


def play_bots(seed: int, seconds: int) -> Match:
    judge, world = Referee(seconds), world_of(4)
    drivers = {who: Driver(random.Random(seed * 10 + who)) for who in world["cars"]}
    plans = {who: [0] * AHEAD for who in drivers}
    match = judge.new_match(PLAY)
    while match["phase"] != OVER:
        for who, driver in drivers.items():
            plans[who].append(driver.decide(world, who))
        rules.step(world, {who: plan.pop(0) for who, plan in plans.items()}, lambda *it: judge.note(world, *it))
        match = judge.judge(world, match)
    return match


def test_bots_play_matches_to_their_ends_with_goals_on_both_sides() -> None:
    """Two against two. Their decisions take effect a fifth of a second later."""
    scores = [play_bots(seed, 60)["score"] for seed in (1, 2, 3)]
    assert min(map(sum, zip(*scores, strict=True))) > 0
