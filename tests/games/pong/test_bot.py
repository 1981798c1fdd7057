"""The bot is an opponent: it plays, it can be beaten, and it reacts as late as a human."""

import random
from collections.abc import Callable

import pytest

from games.pong import rules
from games.pong.bot import REACTION_TICKS, Bot
from games.pong.flight import LEFT, RIGHT
from games.pong.rules import Match

Player = Callable[[Match], int]


def stands_still(match: Match) -> int:
    return 0


def follows_the_ball(match: Match) -> int:
    """Move towards the ball, without a thought of its path."""
    away = match["ball"]["y"] - match["paddles"][LEFT]
    return 0 if abs(away) < 5 else (1 if away > 0 else -1)


def play(left: Player, bot: Bot, most_ticks: int = 100_000) -> list[Match]:
    matches = [rules.new_match()]
    while matches[-1]["phase"] != rules.OVER and len(matches) < most_ticks:
        now = matches[-1]
        matches.append(rules.step(now, {LEFT: left(now), RIGHT: bot.direction(now)}))
    return matches


def test_it_beats_a_paddle_that_nobody_moves(rng: random.Random) -> None:
    assert play(stands_still, Bot(RIGHT, rng))[-1]["winner"] == RIGHT


@pytest.mark.parametrize("luck", range(5))
def test_it_is_beaten_by_whoever_stays_with_the_ball(luck: int) -> None:
    end = play(follows_the_ball, Bot(RIGHT, random.Random(luck)))[-1]
    assert end["winner"] == LEFT


def test_it_plays_rallies_worth_the_name(rng: random.Random) -> None:
    matches = play(follows_the_ball, Bot(RIGHT, rng))
    assert max(match["rally"] for match in matches) >= 8


def test_two_bots_come_to_an_end(rng: random.Random) -> None:
    left = Bot(LEFT, random.Random(rng.random()))
    assert play(left.direction, Bot(RIGHT, rng))[-1]["phase"] == rules.OVER


def test_the_same_seed_plays_the_same_match() -> None:
    first, second = (play(follows_the_ball, Bot(RIGHT, random.Random(7))) for _ in range(2))
    assert first == second


def test_it_does_not_react_to_a_ball_before_its_reaction_time(rng: random.Random) -> None:
    bot = Bot(RIGHT, rng)
    resting = rules.new_match()
    assert bot.direction(resting) == 0
    coming: Match = {**resting, "phase": rules.RALLY, "ball": {"x": 100.0, "y": 20.0, "vx": 3.0, "vy": 0.0}}
    moves = [bot.direction(coming) for _ in range(REACTION_TICKS)]
    assert moves == [0] * (REACTION_TICKS - 1) + [-1]


def test_it_asks_for_directions_that_exist_only(rng: random.Random) -> None:
    bot = Bot(LEFT, rng)
    assert {bot.direction(match) for match in play(stands_still, Bot(RIGHT, rng))} <= {-1, 0, 1}
