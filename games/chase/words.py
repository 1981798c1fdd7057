"""The sentences that a player of Chase reads. Pure, so that tests can check them."""

from collections.abc import Mapping
from typing import Any

from games.chase import rules
from games.chase.rules import TICKS_PER_SECOND

KEYS = "Arrows or WASD: run · Space: dash · F3: network · F9: sound · F11: full screen · Esc: menu"
KEYS_SHORT = "Arrows: run · Space: dash · Esc: menu"

Table = Mapping[int, Any]


def name_of(person: Mapping[str, Any]) -> str:
    """Return the name of a player, as it is written beside the runner."""
    return f"{person['name']} (reconnecting)" if person["lost"] else str(person["name"])


def headline(runners: Table, people: Table, me: int | None, winner: list[Any]) -> str:
    """Return the most important sentence for a player. `winner` is the round's, [] during a round."""
    chaser = rules.chaser_of(runners)
    if chaser is None:
        return "Nobody is here"
    if winner:
        return "Take a breath: nobody can be caught"
    if me is None or me not in runners:
        return f"{people[chaser]['name']} is it. You are watching"
    if all(number == me or people[number]["lost"] for number in runners):
        return "You are it, and alone"
    mine = runners[me]
    if me == chaser:
        return _wait(mine) if mine["frozen"] else "You are it: catch somebody!"
    name = people[chaser]["name"]
    if mine["safe"]:
        return f"{name} is it. You are safe for {_seconds(mine['safe'])} s"
    return f"{name} is it. Run!"


def _wait(mine: Mapping[str, Any]) -> str:
    return f"You are it! Stuck for {_seconds(mine['frozen'])} s"


def _seconds(ticks: int) -> int:
    return -(-ticks // TICKS_PER_SECOND)


def time_left(this_round: Mapping[str, Any]) -> str:
    """Return the time left of the round, or until the next one."""
    minutes, seconds = divmod(this_round["seconds"], 60)
    return f"next round in {seconds}" if this_round["winner"] else f"{minutes}:{seconds:02}"


def result(winner: list[Any], me: int | None) -> tuple[str, str]:
    """Return a title and a sentence about the winner."""
    number, name, seconds = winner
    who, whose = ("You win!", "You were") if number == me else (f"{name} wins!", f"{name} was")
    return who, f"{whose} free for {_minutes(seconds)}."


def _minutes(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def tag(people: Table, chaser: int, caught: int, me: int | None) -> str:
    """Return the sentence about a tag. The runners may have left since."""

    def called(number: int, you: str) -> str:
        return you if number == me else people[number]["name"] if number in people else "somebody who left"

    text = f"{called(chaser, 'you')} caught {called(caught, 'you')}"
    return f"{text[0].upper()}{text[1:]}."


def board(scores: Table, people: Table, runners: Table, rows: int, me: int | None) -> list[int | None]:
    """Return the numbers in the rows of a board, best first; None is a row of dots.

    The player's own row is always there, in the last place if needed.
    """
    order = [number for number in rules.ranking(scores) if number in people and number in runners]
    if len(order) <= rows:
        return list(order)
    shown: list[int | None] = list(order[: max(rows - 1, 0)])
    if me in order and me not in shown:
        return [*shown[:-1], None, me][-rows:] if rows > 1 else [me]
    return [*shown, None]
