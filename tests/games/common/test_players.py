"""Everybody gets a free name."""

from games.common.players import name_in


def test_the_name_in_a_profile_can_be_shown_and_is_nobody_elses() -> None:
    assert name_in({"name": " Ada\n"}, ["Bob"]) == "Ada"
    assert name_in({"name": "Ada"}, ["ada"]) == "Ada 2"
    assert name_in({"name": 7}, []) == name_in({}, []) == "Player"
