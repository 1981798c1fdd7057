"""The rules of Chase: how one runs, who is it, and who is safe. Pure functions of their arguments.

The server runs `move` for everybody; each client runs it for its own runner, ahead of the server, with the same inputs,
and gets the same to the last bit. Time is in ticks, `TICKS_PER_SECOND` a second; lengths are points (see `walls`).

Who is it stands with each runner, since one runs faster then. Of several runners exactly one is it, always: `elected`
and `tagged` are the only ways to change who.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict, TypeVar

from games.chase import walls

TICKS_PER_SECOND: Final = 60
MOST_RUNNERS: Final = 16

SPEED: Final = 22.0  # points per tick: across the place in about four seconds
CHASING_SPEED: Final = 26.0  # somewhat faster, or nobody would ever be caught in the open
DASHING: Final = 1.8  # so many times as fast ...
DASH_TICKS: Final = 12  # ... for so long ...
DASH_REST: Final = 168  # ... and then not again for so long
TOUCH: Final = 2 * walls.RADIUS + 10  # from middle to middle: a bit more than needed, so that what looks like it is it

SAFE_TICKS: Final = 5 * TICKS_PER_SECOND
"""For so long nobody can catch who has just been it, or has just come: no tagging back."""

FROZEN_TICKS: Final = 3 * TICKS_PER_SECOND // 2
"""For so long who has just become it stands still: a start for those around."""

ROUND_TICKS: Final = 120 * TICKS_PER_SECOND
PAUSE_TICKS: Final = 8 * TICKS_PER_SECOND  # between rounds; nobody can be caught


class Runner(TypedDict):
    """Somebody who runs."""

    x: int
    y: int
    it: bool
    dash: int  # ticks until they can dash again; during the first `DASH_TICKS` of these they do
    frozen: int  # ticks
    safe: int  # ticks


Runners = dict[int, Runner]
Command = tuple[float, float, bool]
"""What a player wants in a tick: a direction (x, y, together at most 1 long), and whether to dash."""

Key = TypeVar("Key")

STILL: Final[Command] = (0.0, 0.0, False)


def new_runner(at: Sequence[int]) -> Runner:
    """Return somebody who has just come: safe for a while, since the one who is it may be near."""
    return {"x": at[0], "y": at[1], "it": False, "dash": 0, "frozen": 0, "safe": SAFE_TICKS}


def command(value: object) -> Command:
    """Return the command that a client sent: `{"x": -1..1, "y": -1..1, "dash": bool}`. What is none stands still."""
    if not isinstance(value, Mapping):
        return STILL
    x, y = _axis(value.get("x")), _axis(value.get("y"))
    length = math.sqrt(x * x + y * y)  # the same to the last bit everywhere, which `hypot` need not be
    if length > 1.0:  # not faster across than straight on
        x, y = x / length, y / length
    return x, y, value.get("dash") is True


def _axis(value: object) -> float:
    if isinstance(value, (int, float)) and -1 <= value <= 1:  # which NaN is not
        return float(value)
    return 0.0


def move(runner: Runner, value: object) -> Runner:
    """Return a runner one tick later, given what their player sent."""
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
    """Tell whether a runner is in the middle of a dash."""
    return bool(runner["dash"] > DASH_REST)


def chaser_of(runners: Mapping[int, Mapping[str, Any]]) -> int | None:
    """Return the number of who is it; None if nobody is there."""
    return next((number for number, runner in runners.items() if runner["it"]), None)


def can_catch(chaser: Runner, other: Runner) -> bool:
    """Tell whether the one may catch the other at all, wherever they are."""
    return chaser["it"] and not other["it"] and not chaser["frozen"] and not other["safe"]


def touches(chaser: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Tell whether two are so near that one can catch the other, and no wall stands between them."""
    dx, dy = chaser["x"] - other["x"], chaser["y"] - other["y"]
    if dx * dx + dy * dy > TOUCH * TOUCH:
        return False
    return walls.sees((chaser["x"], chaser["y"]), (other["x"], other["y"]))


def tagged(runners: Runners, caught: int) -> Runners:
    """Return the runners after one has been caught: who was it before is safe, and the new one is frozen."""
    before = chaser_of(runners)
    after = elected(runners, caught)
    if before is not None and before != caught:
        after[before] = {**after[before], "safe": SAFE_TICKS}
    return after


def elected(runners: Runners, number: int) -> Runners:
    """Return the runners with one of them being it, frozen for a while, and nobody else."""
    return {
        key: {**runner, "it": True, "frozen": FROZEN_TICKS, "safe": 0} if key == number else {**runner, "it": False}
        for key, runner in runners.items()
    }


def ranking(scores: Mapping[Key, Sequence[int]]) -> list[Key]:
    """Return who does best, by [seconds free, tags]: most time first, and of the same time most tags."""
    return sorted(scores, key=lambda number: (-scores[number][0], -scores[number][1]))
