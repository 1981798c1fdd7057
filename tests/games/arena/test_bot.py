"""Bots follow the rules, find their way, and are neither harmless nor perfect."""

import random

import pytest

from games.arena import rules, walls
from games.arena.bot import PLACES, SIGHT, STEADY, TURN, Bot
from games.arena.rules import AIM, AT, SHOTS, Ship


def alone(seed: int, ticks: int) -> list[Ship]:
    """The ships of a bot that plays alone, tick by tick."""
    bot, ship = Bot(random.Random(seed)), rules.new_ship(PLACES[seed % len(PLACES)])
    flown: list[Ship] = [ship]
    for _ in range(ticks):
        command = bot.command(0, {0: flown[-1]})
        assert rules.command(command) == command, "bots do nothing that a client could not do"
        flown.append(rules.move(flown[-1], command))
    return flown


@pytest.mark.parametrize("seed", range(5))
def test_a_bot_that_sees_nobody_gets_around_and_does_not_fire(seed: int) -> None:
    flown = alone(seed, 30 * 40)
    cells = {(x // 3_200, y // 3_200) for x, y in (ship[AT] for ship in flown)}
    assert len(cells) >= 5
    assert flown[-1][SHOTS] == 0
    still = max(sum(a[AT] == b[AT] for a, b in zip(flown[i:], flown[i + 1 : i + 60], strict=False)) for i in range(900))
    assert still < 60, "it was stuck for two seconds"


@pytest.mark.parametrize("seed", range(5))
def test_a_bots_gun_turns_no_faster_than_a_hand_could(seed: int) -> None:
    bot, rng = Bot(random.Random(seed)), random.Random(seed)
    ship = rules.new_ship((6_000, 6_200))
    for _ in range(300):
        other = rules.new_ship((rng.randint(3_000, 9_000), 6_200))
        after = rules.move(ship, bot.command(0, {0: ship, 1: other}))
        assert abs(rules.degrees(after[AIM] - ship[AIM])) <= TURN + 1
        ship = after


def fight(seed: int, seconds: float) -> tuple[int, int]:
    """Let a bot shoot at a ship that moves up and down. Return the numbers of shots and hits."""
    bot = Bot(random.Random(seed))
    me, other, way = rules.new_ship((4_200, 6_200)), rules.new_ship((7_200, 6_000)), 10
    shots = hits = 0
    for tick in range(round(seconds * rules.TICKS_PER_SECOND)):
        if tick % 25 == 0:
            way = -way
        ships = {0: me, 1: other}
        after = rules.move(me, bot.command(0, ships))
        if after[SHOTS] != me[SHOTS]:
            shots += 1
            hits += rules.shoot(after[AT], after[AIM], [(1, other[AT])]).target == 1
        me, other = {**after, AT: me[AT]}, rules.move(other, [0, way, 0, False])
    return shots, hits


def test_bots_hit_now_and_then() -> None:
    """Twelve bots of all skills; the figures are far from the limits."""
    shots, hits = map(sum, zip(*(fight(seed, 30.0) for seed in range(12)), strict=True))
    assert shots > 12 * 20
    assert 0.1 < hits / shots < 0.6


def test_a_bot_does_not_fire_at_whom_it_cannot_see() -> None:
    wall = walls.WALLS[0]
    y = (wall.top + wall.bottom) // 2
    for at in ((wall.right + 700, y), (wall.left - 800 - SIGHT - 500, y)):
        bot = Bot(random.Random(3))
        ship = rules.new_ship((wall.left - 800, y))
        for _ in range(200):
            assert not bot.command(0, {0: ship, 1: rules.new_ship(at)})[3]


def test_a_bot_sees_late() -> None:
    """A bot does not shoot at a ship sooner than a person could react to it."""
    for seed in range(20):
        bot, me = Bot(random.Random(seed)), rules.new_ship((6_000, 6_200))
        for _ in range(30):
            me = {**rules.move(me, bot.command(0, {0: me})), AT: [6_000, 6_200]}
        waited = 0
        while not (command := bot.command(0, {0: me, 1: rules.new_ship((8_000, 6_200))}))[3] and waited < 60:
            me, waited = {**me, AIM: command[2]}, waited + 1
        assert waited >= 6


def test_the_places_to_come_back_to_are_spread_over_the_arena() -> None:
    assert len(PLACES) > rules.CREW
    assert all(walls.is_free(*place) for place in PLACES)
    assert STEADY > 0
