"""The rules of Chase: running, catching, and the chaser. Pure functions of their arguments.

The server runs `move` for every runner, each client for its own, ahead of the server, with the same inputs. Both get
the same result to the last bit. Times are in ticks, `TICKS_PER_SECOND` a second, lengths in points (see `walls`).

Exactly one of several runners is the chaser: its entry `it` is True. Only `elected` and `tagged` change the chaser.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, TypeVar

from games.chase import walls

TICKS_PER_SECOND: Final = 60
MOST_RUNNERS: Final = 16

SPEED: Final = 22.0  # points a tick: across the place in about four seconds
CHASING_SPEED: Final = 26.0  # points a tick: faster, so that it catches runners in the open
DASHING: Final = 1.8  # factor on the speed during a dash
DASH_TICKS: Final = 12  # length of a dash
DASH_REST: Final = 168  # ticks from the end of a dash until the next is possible
TOUCH: Final = 2 * walls.RADIUS + 10  # points from middle to middle: a little more than two radii

SAFE_TICKS: Final = 5 * TICKS_PER_SECOND
"""Ticks for which a runner is safe after it joins or stops being the chaser. So nobody is tagged back at once."""

FROZEN_TICKS: Final = 3 * TICKS_PER_SECOND // 2
"""Ticks for which a new chaser stands still, as a lead for the others."""

ROUND_TICKS: Final = 120 * TICKS_PER_SECOND
ROUND_PAUSE_TICKS: Final = 8 * TICKS_PER_SECOND  # between two rounds; nobody can be caught


class Runner(TypedDict):
    """One runner: its place in points and its state."""

    x: int
    y: int
    it: bool
    dash: int  # ticks until the next dash; a dash lasts for the first `DASH_TICKS` of them
    frozen: int  # ticks
    safe: int  # ticks


Runners = dict[int, Runner]
Command = tuple[float, float, bool]
"""A player's command for a tick: a direction (x, y) of length 1 at most, and whether to dash."""

Key = TypeVar("Key")

STILL: Final[Command] = (0.0, 0.0, False)


def new_runner(at: Sequence[int]) -> Runner:
    """Return a new runner. It is safe for a while: the chaser may be near."""
    return {"x": at[0], "y": at[1], "it": False, "dash": 0, "frozen": 0, "safe": SAFE_TICKS}


def command(value: object) -> Command:
    """Return the command in an input `{"x": -1..1, "y": -1..1, "dash": bool}`. Anything else means: stand still."""
    if not isinstance(value, Mapping):
        return STILL
    x, y = _axis(value.get("x")), _axis(value.get("y"))
    length = math.sqrt(x * x + y * y)  # exact on every machine; `hypot` may not be
    if length > 1.0:  # a diagonal run is not faster
        x, y = x / length, y / length
    return x, y, value.get("dash") is True


def _axis(value: object) -> float:
    if isinstance(value, (int, float)) and -1 <= value <= 1:  # false for NaN
        return float(value)
    return 0.0


def move(runner: Runner, value: object) -> Runner:
    """Return a runner one tick later. `value` is its player's input."""
    after: Runner = {
        **runner,
        "dash": max(runner["dash"] - 1, 0),
        "frozen": max(runner["frozen"] - 1, 0),
        "safe": max(runner["safe"] - 1, 0),
    }
    x, y, dash = command(value)
    if runner["frozen"] or not (x or y):
        return after
    if dash and not after["dash"]:
        after["dash"] = DASH_TICKS + DASH_REST
    speed = CHASING_SPEED if runner["it"] else SPEED
    if is_dashing(after):
        speed *= DASHING
    after["x"], after["y"] = walls.slide(runner["x"] + x * speed, runner["y"] + y * speed)
    return after


def is_dashing(runner: Mapping[str, Any]) -> bool:
    """Return whether a runner is dashing."""
    return bool(runner["dash"] > DASH_REST)


def chaser_of(runners: Mapping[int, Mapping[str, Any]]) -> int | None:
    """Return the chaser's number, or None."""
    return next((number for number, runner in runners.items() if runner["it"]), None)


def can_catch(chaser: Runner, other: Runner) -> bool:
    """Return whether `chaser` may catch `other` at any distance."""
    return chaser["it"] and not other["it"] and not chaser["frozen"] and not other["safe"]


def touches(chaser: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether the runners are near enough for a tag, with no wall between them."""
    dx, dy = chaser["x"] - other["x"], chaser["y"] - other["y"]
    if dx * dx + dy * dy > TOUCH * TOUCH:
        return False
    return walls.sees((chaser["x"], chaser["y"]), (other["x"], other["y"]))


def tagged(runners: Runners, caught: int) -> Runners:
    """Return the runners after a tag. The old chaser is safe, the new one frozen."""
    before = chaser_of(runners)
    after = elected(runners, caught)
    if before is not None and before != caught:
        after[before] = {**after[before], "safe": SAFE_TICKS}
    return after


def elected(runners: Runners, number: int) -> Runners:
    """Return the runners with `number` as the only chaser, frozen."""
    return {
        key: {**runner, "it": True, "frozen": FROZEN_TICKS, "safe": 0} if key == number else {**runner, "it": False}
        for key, runner in runners.items()
    }


def ranking(scores: Mapping[Key, Sequence[int]]) -> list[Key]:
    """Return the keys of `scores`, best first: most seconds free, then most tags."""
    return sorted(scores, key=lambda number: (-scores[number][0], -scores[number][1]))
