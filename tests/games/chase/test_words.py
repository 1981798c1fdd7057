"""The sentences of Chase are true, and fit into their places."""

from typing import Any

import pytest

from games.chase import rules, words

PEOPLE = {1: {"name": "Ada", "lost": False}, 2: {"name": "Bob", "lost": False}, 3: {"name": "Eve", "lost": False}}


def runners(**of_ada: Any) -> dict[int, Any]:
    """Return three runners: Bob is the chaser, Ada and Eve are not. The arguments change Ada."""
    three: dict[int, Any] = {number: {**rules.new_runner((0, 0)), "safe": 0} for number in PEOPLE}
    three[2]["it"] = not of_ada.get("it")
    three[1] |= of_ada
    return three


@pytest.mark.parametrize(
    ("ada", "me", "text"),
    [
        ({}, 1, "Bob is it. Run!"),
        ({"safe": 61}, 1, "Bob is it. You are safe for 2 s"),
        ({"it": True}, 1, "You are it: catch somebody!"),
        ({"it": True, "frozen": 90}, 1, "You are it! Stuck for 2 s"),
        ({}, None, "Bob is it. You are watching"),
        ({}, 9, "Bob is it. You are watching"),
    ],
)
def test_the_headline_says_what_matters_most(ada: dict[str, Any], me: int | None, text: str) -> None:
    assert words.headline(runners(**ada), PEOPLE, me, []) == text


def test_the_headline_says_when_one_is_alone_or_nobody_is_there() -> None:
    assert words.headline({1: {**rules.new_runner((0, 0)), "it": True}}, PEOPLE, 1, []) == "You are it, and alone"
    assert words.headline({}, {}, None, []) == "Nobody is here"


def test_the_headline_does_not_ask_to_catch_those_who_have_lost_the_connection() -> None:
    others_lost = {number: {**person, "lost": number != 1} for number, person in PEOPLE.items()}
    assert words.headline(runners(it=True), others_lost, 1, []) == "You are it, and alone"
    assert words.name_of(others_lost[2]) == "Bob (reconnecting)"
    assert words.name_of(others_lost[1]) == "Ada"


@pytest.mark.parametrize(
    ("seconds", "winner", "text"), [(120, [], "2:00"), (7, [], "0:07"), (5, [1], "next round in 5")]
)
def test_the_clock_tells_the_round_or_the_pause(seconds: int, winner: list[Any], text: str) -> None:
    assert words.time_left({"seconds": seconds, "winner": winner}) == text


def test_a_result_names_the_winner_and_their_time() -> None:
    assert words.result([2, "Bob", 95], 1) == ("Bob wins!", "Bob was free for 1 min 35 s.")
    assert words.result([1, "Ada", 42], 1) == ("You win!", "You were free for 42 s.")


@pytest.mark.parametrize(
    ("chaser", "caught", "text"),
    [
        (2, 3, "Bob caught Eve."),
        (1, 2, "You caught Bob."),
        (2, 1, "Bob caught you."),
        (9, 1, "Somebody who left caught you."),
    ],
)
def test_a_tag_is_told_from_where_one_stands(chaser: int, caught: int, text: str) -> None:
    assert words.tag(PEOPLE, chaser, caught, 1) == text


@pytest.mark.parametrize(
    ("rows", "me", "shown"),
    [
        (5, 1, [5, 4, 3, 2, 1]),
        (9, None, [5, 4, 3, 2, 1]),
        (4, None, [5, 4, 3, None]),
        (4, 1, [5, 4, None, 1]),
        (4, 4, [5, 4, 3, None]),
        (3, 2, [5, None, 2]),
        (2, 1, [None, 1]),
        (1, 1, [1]),
    ],
)
def test_the_board_shows_the_best_and_always_oneself(rows: int, me: int | None, shown: list[int | None]) -> None:
    scores = {number: [number, 0] for number in range(1, 6)}
    everybody: dict[int, Any] = {number: {} for number in scores}
    assert words.board(scores, everybody, everybody, rows, me) == shown
