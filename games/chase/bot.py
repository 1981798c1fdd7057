"""A computer player for Chase: it sees late, hesitates, and is sometimes caught."""

import math
import random
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from games.chase import paths, rules, walls
from games.chase.rules import Runner
from games.chase.walls import Point
from games.common.places import spread

REACTION: Final = 12  # ticks: it sees others as they were a fifth of a second ago
THINKING: Final = 20  # ticks from one look around to the next
STEERING: Final = 4  # ticks from one change of direction to the next
LAZY: Final = (0.86, 0.98)  # shares of the full speed: the slowest and the fastest bot
AFRAID: Final = 1_900  # points: it flees from a chaser nearer than this
PANIC: Final = 650  # points: it dashes away from a chaser nearer than this
LUNGE: Final = 800  # points: as the chaser, it dashes at a runner nearer than this
LOYAL: Final = 500  # points: it changes its prey only for one that is nearer by this
ARRIVED_WITHIN: Final = 200

_SPACING: Final = 560

PLACES: Final = spread(walls.WIDTH, walls.HEIGHT, _SPACING, lambda x, y: walls.is_free(x, y, walls.RADIUS + 10))
"""Places to flee to, to walk to and to begin at, evenly spread."""

Seen = Mapping[int, Mapping[str, Any]]


class Bot:
    """Plays one runner. Call `command` once a tick. The same `rng` seed in the same chase gives the same commands."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._effort = rng.uniform(*LAZY)
        self._thinks_in = rng.randrange(THINKING)  # spreads the bots' looks over different ticks
        self._past: deque[Seen] = deque(maxlen=REACTION)
        self._prey: int | None = None
        self._goal: Point | None = None
        self._bearing = 0.0
        self._steers_in = rng.randrange(STEERING)

    def command(self, number: int, runners: Mapping[int, Runner]) -> dict[str, Any]:
        """Return the input of runner `number` for this tick, as a client's would be."""
        self._past.append(runners)
        seen = self._past[0]
        me = (runners[number]["x"], runners[number]["y"])
        self._thinks_in -= 1
        thinks = self._thinks_in <= 0
        if thinks:
            self._thinks_in = self._rng.randint(THINKING // 2, THINKING)
        if runners[number]["it"]:
            return self._chase(me, number, seen, runners, thinks)
        return self._flee(me, number, seen, thinks)

    def _chase(self, me: Point, number: int, seen: Seen, runners: Mapping[int, Runner], thinks: bool) -> dict[str, Any]:
        if thinks or self._prey not in runners:
            self._prey = self._choice(me, number, seen, runners)
        target = seen.get(self._prey) if self._prey is not None else None
        if target is None:
            return self._stroll(me, thinks)
        at = (target["x"], target["y"])
        lunges = math.dist(me, at) < LUNGE and walls.sees(me, at)
        return self._heading(me, at, dash=lunges)

    def _choice(self, me: Point, number: int, seen: Seen, runners: Mapping[int, Runner]) -> int | None:
        """Return the number of its prey: the nearest runner that is not safe for long. It prefers its present prey."""
        ways = {
            key: paths.distance(me, (other["x"], other["y"])) - (LOYAL if key == self._prey else 0)
            for key, other in seen.items()
            if key != number and key in runners and runners[key]["safe"] < rules.TICKS_PER_SECOND
        }
        return min(ways, key=lambda key: ways[key], default=None)

    def _flee(self, me: Point, number: int, seen: Seen, thinks: bool) -> dict[str, Any]:
        chaser = rules.chaser_of(seen)
        if chaser is None or chaser == number:  # in the past state that it sees, it was the chaser itself
            return self._stroll(me, thinks)
        danger = (seen[chaser]["x"], seen[chaser]["y"])
        away = math.dist(me, danger)
        if away > AFRAID:
            return self._stroll(me, thinks)
        if thinks or self._goal is None or math.dist(me, self._goal) < ARRIVED_WITHIN:
            self._goal = self._refuge(me, danger)
        return self._heading(me, self._goal, dash=away < PANIC and walls.sees(me, danger))

    def _refuge(self, me: Point, danger: Point) -> Point:
        """Return the place with the longest lead over the chaser, of twelve random ones."""

        def start(place: Point) -> float:
            first = paths.next_point(me, place)
            towards = math.cos(_bearing(me, first) - _bearing(me, danger))  # 1: straight towards the chaser
            return paths.distance(danger, place) - paths.distance(me, place) - 900 * max(towards, 0.0)

        return max(self._rng.sample(PLACES, 12), key=start)

    def _stroll(self, me: Point, thinks: bool) -> dict[str, Any]:
        """Walk around, with pauses."""
        if self._goal is None or math.dist(me, self._goal) < ARRIVED_WITHIN:
            self._goal = None
            if thinks and self._rng.random() < 0.4:
                self._goal = self._rng.choice(PLACES)
        if self._goal is None:
            return {"x": 0, "y": 0, "dash": False}
        return self._heading(me, self._goal, effort=0.55)

    def _heading(self, me: Point, goal: Point, dash: bool = False, effort: float = 1.0) -> dict[str, Any]:
        self._steers_in -= 1
        if self._steers_in <= 0:
            self._steers_in = STEERING
            self._bearing = _bearing(me, paths.next_point(me, goal))
        effort *= self._effort
        return {"x": math.cos(self._bearing) * effort, "y": math.sin(self._bearing) * effort, "dash": dash}


def _bearing(a: Point, b: Point) -> float:
    return math.atan2(b[1] - a[1], b[0] - a[0])
