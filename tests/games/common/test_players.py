"""Numbers of bots are reused as late as possible, and everybody gets a free name."""

import random

from games.common.players import BotNumbers, bot_name, name_in


def test_a_number_is_given_again_only_after_all_others() -> None:
    numbers = BotNumbers(3)
    assert [numbers.take({}) for _ in range(4)] == [-1, -2, -3, -1]
    assert numbers.take({-2, -3}) == -1
    assert numbers.take({1, 2, -2}) == -3


def test_the_name_in_a_profile_can_be_shown_and_is_nobody_elses() -> None:
    assert name_in({"name": " Ada\n"}, ["Bob"]) == "Ada"
    assert name_in({"name": "Ada"}, ["ada"]) == "Ada 2"
    assert name_in({"name": 7}, []) == name_in({}, []) == "Player"


def test_a_bot_gets_a_free_name_and_else_the_spare_one(rng: random.Random) -> None:
    names = ("Hare", "Lynx", "Otter")
    assert bot_name(rng, names, {"Hare", "Otter"}, "Bot") == "Lynx"
    assert {bot_name(rng, names, set(), "Bot") for _ in range(100)} == set(names)
    assert bot_name(rng, names, set(names), "Bot") == "Bot"
    assert bot_name(rng, names, {*names, "Bot"}, "Bot") == "Bot 2"
