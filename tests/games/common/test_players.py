"""Numbers are reused as late as possible, marks find their owners, and bots get free names."""

import random

from games.common.players import Numbers, bot_name, input_of, mark_of, number_at
from pygase import PlayerInput


def test_a_number_is_given_again_only_after_all_others() -> None:
    numbers = Numbers(3)
    assert [numbers.take({}) for _ in range(4)] == [0, 1, 2, 0]
    assert numbers.take({1, 2}) == 0
    assert numbers.take({1}) == 2


def test_a_client_finds_its_number_by_its_address() -> None:
    ada, bob = ("10.0.0.1", 7000), ("10.0.0.2", 7000)
    people = {0: {"mark": mark_of(None)}, 1: {"mark": mark_of(ada)}, 2: {"mark": mark_of(bob)}}
    assert (number_at(people, ada), number_at(people, bob)) == (1, 2)
    assert number_at(people, ("10.0.0.3", 7000)) is None
    assert number_at({}, ada) is None
    assert mark_of(None) == 0 != mark_of(ada)


def test_bots_and_silent_clients_have_no_input() -> None:
    given = PlayerInput("left", 1, 0.0, None)
    assert input_of(("10.0.0.1", 7000), {("10.0.0.1", 7000): given}) is given
    assert input_of(("10.0.0.2", 7000), {("10.0.0.1", 7000): given}) is None
    assert input_of(None, {("10.0.0.1", 7000): given}) is None


def test_a_bot_gets_a_free_name_and_else_the_spare_one(rng: random.Random) -> None:
    names = ("Hare", "Lynx", "Otter")
    assert bot_name(rng, names, {"Hare", "Otter"}, "Bot") == "Lynx"
    assert {bot_name(rng, names, set(), "Bot") for _ in range(100)} == set(names)
    assert bot_name(rng, names, set(names), "Bot") == "Bot"
    assert bot_name(rng, names, {*names, "Bot"}, "Bot") == "Bot 2"
