"""A computer player for Arena: it sees late, aims roughly and pauses between bursts."""

import math
import random
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Final

from games.arena import rules, walls
from games.arena.rules import AIM, AT, FULL_STICK, Command, Ship
from games.common.places import spread

REACTION: Final = 8  # ticks: it sees others as they were a quarter of a second ago
THINKING: Final = 12  # ticks from one look around to the next
SIGHT: Final = 5_600  # points: about as far as a player's window shows
TURN: Final = 13  # degrees: largest turn of its gun in a tick
STEADY: Final = 7  # degrees: it fires when its gun is this near to the wanted angle
WORST_ERROR: Final = (13.0, 26.0)  # degrees: largest aiming error of the best and of the worst bot
BURST: Final = (6, 20)  # ticks of firing: shortest, longest
REST: Final = (15, 40)  # ticks of a pause: shortest, longest
RETREAT_WITHIN: Final = 1_500  # points: nearer than this it retreats from its target
APPROACH_BEYOND: Final = 3_300  # points: farther than this it approaches
ARRIVED_WITHIN: Final = 300
GIVES_UP: Final = 150  # ticks until it drops a goal that it has not reached

_SPACING: Final = 1_600

PLACES: Final = spread(walls.WIDTH, walls.HEIGHT, _SPACING, walls.is_free)
"""Places to fly to and to appear at, evenly spread over the arena."""


class Bot:
    """Plays one ship. Call `command` once a tick. The same `rng` seed in the same fight gives the same commands."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._error = rng.uniform(*WORST_ERROR)
        self._thinks_in = rng.randrange(THINKING)  # spreads the bots' looks over different ticks
        self._target: int | None = None
        self._seen: deque[tuple[float, float]] = deque(maxlen=REACTION)
        self._beside = 0.0  # degrees: present aiming error
        self._firing = False
        self._switch_in = 0
        self._side = 1  # direction around its target: 1 clockwise, -1 the other way
        self._goal: tuple[float, float] | None = None
        self._goal_left = 0

    def command(self, number: int, ships: Mapping[int, Ship]) -> Command:
        """Return the command of ship `number` for this tick."""
        me = ships[number]
        self._think(number, me[AT], ships)
        target = ships.get(self._target) if self._target is not None else None
        if target is None:
            self._forget()
            x, y = self._wander(me[AT])
            return x, y, self._turned(me[AIM], rules.bearing((0, 0), (x, y)) if x or y else me[AIM]), False
        self._seen.append(tuple(target[AT]))
        wanted = rules.bearing(me[AT], self._guess()) + self._beside
        aim = self._turned(me[AIM], wanted)
        steady = abs(math.remainder(wanted - aim, 360)) <= STEADY
        return *self._dance(me[AT], target[AT]), aim, self._wants_to_fire() and steady

    def _think(self, number: int, at: Sequence[int], ships: Mapping[int, Ship]) -> None:
        """Every `THINKING` ticks, choose the nearest visible ship as the target."""
        self._thinks_in -= 1
        if self._thinks_in > 0:
            return
        self._thinks_in = THINKING
        self._beside = self._rng.uniform(-self._error, self._error)
        if self._rng.random() < 0.3:
            self._side = -self._side
        others = sorted((math.dist(at, ship[AT]), key) for key, ship in ships.items() if key != number)
        found = (key for away, key in others[:3] if away < SIGHT and walls.sees(at, ships[key][AT]))
        target = next(found, None)
        if target != self._target:
            self._forget()
            self._target = target

    def _forget(self) -> None:
        self._target = None
        self._seen.clear()
        self._firing, self._switch_in = False, REACTION

    def _guess(self) -> tuple[float, float]:
        """Return its guess of the target's place: the place it saw, plus 40 % of the way since then."""
        (x, y), (later_x, later_y) = self._seen[0], self._seen[min(2, len(self._seen) - 1)]
        ticks = 0.4 * len(self._seen)
        return x + (later_x - x) * ticks, y + (later_y - y) * ticks

    def _wants_to_fire(self) -> bool:
        self._switch_in -= 1
        if self._switch_in <= 0:
            self._firing = not self._firing
            self._switch_in = self._rng.randint(*(BURST if self._firing else REST))
        return self._firing

    def _dance(self, at: Sequence[int], target: Sequence[int]) -> tuple[int, int]:
        """Return the stick (x, y) for a circle around the target."""
        away = math.dist(at, target)
        turn = 90 * self._side
        if away > APPROACH_BEYOND:
            turn //= 2
        elif away < RETREAT_WITHIN:
            turn = 3 * turn // 2
        return _stick(rules.bearing(at, target) + turn)

    def _wander(self, at: Sequence[int]) -> tuple[int, int]:
        """Return the stick (x, y) towards the present goal."""
        self._goal_left -= 1
        if self._goal is None or self._goal_left <= 0 or math.dist(at, self._goal) < ARRIVED_WITHIN:
            self._goal, self._goal_left = self._next_place(at), GIVES_UP
        return _stick(rules.bearing(at, self._goal))

    def _next_place(self, at: Sequence[int]) -> tuple[float, float]:
        for place in self._rng.sample(PLACES, 8):
            if math.dist(at, place) > 2 * _SPACING and walls.sees(at, place, walls.GROWN):
                return place
        return self._rng.choice(PLACES)

    def _turned(self, aim: int, wanted: float) -> int:
        return rules.degrees(aim + min(max(math.remainder(wanted - aim, 360), -TURN), TURN))


def _stick(bearing: float) -> tuple[int, int]:
    dx, dy = rules.direction(bearing)
    return round(FULL_STICK * dx), round(FULL_STICK * dy)
