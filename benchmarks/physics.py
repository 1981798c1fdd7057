"""Car football over bad links: what players see of a world that several of them push, drawn in several ways.

::

    python -m benchmarks.physics [--links 150] [--matches 8]

All is in virtual time, and each figure repeats exactly (but for the milliseconds). Four clients play matches of 60 s;
their drivers hold each key for 7 to 15 ticks, and look at the server's world. So all ways draw the same match, with the
same inputs and the same lost datagrams. Places are compared with the server's after the same input of the player: "own"
is the player's car, whose radius is 18; a ball has 22. Left out are 25 ticks from each kick-off, which nobody can
foresee.

- *touch to answer*: frames from the picture of a touch of a resting ball to the picture of a moving ball
- *hits held*: hits of the player after which, half a second later, the ball is drawn within its radius of the truth
- *own, ball, others*: the distance of the picture from the truth, half of the time, and 99 % of it
- *ms*: a frame's reconciliation, prediction and picture, median

The last table has the server's bytes at 20 states a second beside 60, both at 60 ticks.
"""

from __future__ import annotations

import argparse
import statistics
from bisect import bisect_right
from collections.abc import Callable
from typing import Any, NamedTuple

from benchmarks._physics_match import Interpolated, Match, Player, Predicted, Way, distance
from pygase.links import LINKS
from pygase.testing import Link

NETWORKS = {
    "50": Link(latency=0.025, jitter=0.003, loss=0.01),
    "150": Link(latency=0.075, jitter=0.005, loss=0.03),
    "mobile": LINKS["mobile"],
}
"""By round trip in milliseconds; loss and jitter are of each direction."""

AFTER_KICK_OFF = 25
LATER = 30
WARM_UP = 120
SECONDS = 60.0
BALL_RADIUS = 22.0
TOUCH = 40.0
WAYS: dict[str, Callable[[], Way]] = {
    "interpolated": Interpolated,
    "world": Predicted,
    "world, input_delay=3": lambda: Predicted(3),
}


class Row(NamedTuple):
    """The figures of a way: errors in units of the game, and milliseconds of a frame."""

    hits: int
    held: int
    own: list[float]
    ball: list[float]
    others: list[float]
    ms: float


def ways() -> dict[str, Way]:
    """Return all ways to draw."""
    return {name: make() for name, make in WAYS.items()}


def rows(match: Match) -> dict[str, Row]:
    """Return the figures of each way, of all players together."""
    found: dict[str, Row] = {}
    for name in match.players[0].ways:
        own, ball, others = list[float](), list[float](), list[float]()
        hits = held = 0
        for player in match.players:
            hits_here, held_here = _hits(match, player, player.ways[name])
            hits, held = hits + hits_here, held + held_here
            for number, (mine, of_ball, of_others) in _errors(match, player, player.ways[name]).items():
                if number > WARM_UP:
                    own.append(mine)
                    ball.append(of_ball)
                    others += of_others
        seconds = [each for player in match.players for each in player.ways[name].seconds]
        found[name] = Row(hits, held, sorted(own), sorted(ball), sorted(others), 1000 * statistics.median(seconds))
    return found


def _errors(match: Match, player: Player, way: Way) -> dict[int, tuple[float, float, list[float]]]:
    me = player.client.id or 0
    truths, kick_offs = match.server.truths[me], match.server.kick_offs.get(me, [])
    found: dict[int, tuple[float, float, list[float]]] = {}
    for number, picture in way.pictures.items():
        truth = truths.get(number)
        if truth is None or me not in picture.cars or _since(kick_offs, number) < AFTER_KICK_OFF:
            continue
        others = [distance(picture.cars[who], truth.cars[who]) for who in truth.cars if who != me]
        found[number] = distance(picture.cars[me], truth.cars[me]), distance(picture.ball, truth.ball), others
    return found


def _hits(match: Match, player: Player, way: Way) -> tuple[int, int]:
    """Return the number of a player's hits, and of those that hold."""
    me = player.client.id or 0
    truths, kick_offs = match.server.truths[me], match.server.kick_offs.get(me, [])
    hits = held = 0
    for number in match.server.hits.get(me, []):
        later = number + LATER
        if number <= WARM_UP or later not in way.pictures or later not in truths:
            continue
        if AFTER_KICK_OFF <= _since(kick_offs, number) == _since(kick_offs, later) - LATER:
            hits += 1
            held += distance(way.pictures[later].ball, truths[later].ball) <= BALL_RADIUS
    return hits, held


def _since(kick_offs: list[int], number: int) -> int:
    place = bisect_right(kick_offs, number)
    return number - kick_offs[place - 1] if place else number


def touch_to_answer(link: Link, seed: int) -> dict[str, int | None]:
    """Let one car drive straight at a resting ball. Return the frames from the picture of the touch to the answer."""
    match = Match(link, seed, ways, clients=1, kick_off=0, keys=lambda place: lambda world, who: (0, 0))
    match.play(3.0)
    (player,) = match.players
    player.keys = lambda world, who: _straight(world, who)
    match.play(4.0)
    return {name: _frames(way, player.client.id or 0) for name, way in player.ways.items()}


def _straight(world: Any, who: int) -> tuple[int, int]:
    return 0, 1 if world["ball"]["x"] >= world["cars"][who]["x"] else -1


def _frames(way: Way, me: int) -> int | None:
    pictures = [way.pictures[number] for number in sorted(way.pictures)][WARM_UP:]
    rest = pictures[0].ball
    touched = next((n for n, each in enumerate(pictures) if distance(each.cars[me], rest) <= TOUCH), None)
    moved = next((n for n, each in enumerate(pictures) if distance(each.ball, rest) > 0.01), None)
    return None if touched is None or moved is None else max(moved - touched, 0)


def bytes_a_second(
    state_rate: float | None, seed: int = 1, seconds: float = 10.0, *, share_inputs: bool = True
) -> float:
    """Return the server's bytes a second to each client, with two bots and shared inputs."""
    match = Match(NETWORKS["150"], seed, dict, bots=2, state_rate=state_rate, share_inputs=share_inputs)
    match.play(5.0)
    before = match.network.bytes_sent[match.address]
    match.play(seconds)
    return (match.network.bytes_sent[match.address] - before) / seconds / len(match.players)


def share(errors: list[float], part: float) -> float:
    """Return the error that this share of all does not exceed."""
    return errors[min(int(part * len(errors)), len(errors) - 1)] if errors else 0.0


def measured(name: str, seed: int, seconds: float = SECONDS) -> dict[str, Row]:
    """Play a match on a link, and return its figures."""
    match = Match(NETWORKS[name], seed, ways)
    match.play(seconds)
    return rows(match)


def together(several: list[dict[str, Row]]) -> dict[str, Row]:
    """Return the figures of several matches as those of one."""
    found: dict[str, Row] = {}
    for way in WAYS:
        each = [rows[way] for rows in several]
        own = [error for row in each for error in row.own]
        ball = [error for row in each for error in row.ball]
        others = [error for row in each for error in row.others]
        hits, held = sum(row.hits for row in each), sum(row.held for row in each)
        ms = statistics.median(row.ms for row in each)
        found[way] = Row(hits, held, sorted(own), sorted(ball), sorted(others), ms)
    return found


def print_link(name: str, several: list[dict[str, Row]]) -> None:
    """Print the rows of a link."""
    answers = [touch_to_answer(NETWORKS[name], seed) for seed in (1, 2)]
    for way, row in together(several).items():
        touch = [answer[way] for answer in answers]
        shown = "-".join(str(each) for each in sorted({min(touch, key=str), max(touch, key=str)}, key=str))
        cells = [f"{share(errors, 0.5):.2f}, {share(errors, 0.99):.1f}" for errors in (row.own, row.ball, row.others)]
        held = f"{row.held} of {row.hits} ({100 * row.held / max(row.hits, 1):.1f} %)"
        print(f"| {name} | {way} | {shown} | {held} | {' | '.join(cells)} | {row.ms:.2f} |", flush=True)


def main() -> None:
    """Measure what the command line asks for, and print tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--links", default=",".join(NETWORKS))
    parser.add_argument("--matches", type=int, default=8)
    arguments = parser.parse_args()
    print("| link | way | touch to answer | hits held | own | ball | others | ms |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for name in filter(None, arguments.links.split(",")):
        print_link(name, [measured(name, seed) for seed in range(1, arguments.matches + 1)])
    few, many, bare = bytes_a_second(20.0), bytes_a_second(None), bytes_a_second(None, share_inputs=False)
    print(f"\nbytes a second to each client: {few:,.0f} at 20 states, {many:,.0f} at 60: {few / many:.2f}")
    print(f"and {bare:,.0f} at 60 without the shared inputs")


if __name__ == "__main__":
    main()
