"""What makes Derby felt: tyre marks, flames, sparks, shakes, and the sounds."""

import math
from collections import deque
from typing import Final, NamedTuple

from games.derby.pitch import MIDDLE, WIDTH
from games.derby.rules import BALL, BALL_TOP, CAR, TOP, Car, World
from games.derby.sprites import TEAM_COLOURS
from pygase import Happening
from pygase_pygame import juice
from pygase_pygame.app import GREY, ORANGE, RED, WHITE, YELLOW, Playing, SoundSet, Tone

SLIDES_FROM: Final = 1.3  # units a tick sideways, from which the tyres leave marks
MARK_SECONDS: Final = 5.0
MOST_MARKS: Final = 320
TRAIL: Final = 12  # places of the ball
FAST: Final = 7.0  # units a tick, from which the ball leaves a trail
ENGINE_EVERY: Final = 0.11  # seconds from one beat of the engine to the next

SOUNDS: Final = SoundSet(
    hit=[Tone(180, 0.1, to=60, shape="triangle", volume=0.8)],
    bump=[Tone(900, 0.07, shape="noise", volume=0.6)],
    wall=[Tone(240, 0.09, to=120, volume=0.5)],
    goal=[
        Tone(523, 0.12, shape="square", volume=0.4),
        Tone(659, 0.12, shape="square", volume=0.4),
        Tone(784, 0.4, shape="square", volume=0.4),
    ],
    cheer=[Tone(3200, 2.2, to=1200, shape="noise", volume=0.5)],
    whistle=[Tone(2100, 0.09, volume=0.4), Tone(1900, 0.09, volume=0.4), Tone(2200, 0.4, volume=0.4)],
    count=[Tone(440, 0.12, shape="triangle", volume=0.5)],
    boost=[Tone(600, 0.3, to=2400, shape="noise", volume=0.35)],
    engine=[Tone(62, 0.13, to=58, shape="triangle", volume=0.3)],
)

_SPARKS: Final = juice.Burst(count=14, speed=230, seconds=0.35, size=3.0, colours=[YELLOW, WHITE])
_DUST: Final = juice.Burst(count=10, speed=120, seconds=0.5, size=5.0, colours=[GREY, WHITE])
_FLAME: Final = juice.Burst(count=2, speed=200, seconds=0.28, size=6.0, colours=[ORANGE, YELLOW, RED], spread=36)


class Mark(NamedTuple):
    """A piece of a tyre's mark, in units."""

    at: float
    start: tuple[float, float]
    end: tuple[float, float]


class Feel:
    """Follows the pictures of the world, frame by frame.

    :ivar marks: the tyre marks, the oldest first.
    :ivar trail: the latest places of the ball.
    :ivar roll: how far the ball has rolled, in turns.
    """

    def __init__(self, playing: Playing) -> None:
        self._juice = playing.juice
        self._sounds = playing.sounds
        self.marks: deque[Mark] = deque(maxlen=MOST_MARKS)
        self.trail: deque[tuple[float, float]] = deque(maxlen=TRAIL)
        self.roll = 0.0
        self._wheels: dict[int, tuple[tuple[float, float], ...]] = {}
        self._tanks: dict[int, float] = {}
        self._boosting: set[int] = set()
        self._engine_at = 0.0

    def follow(self, world: World, me: int | None, now: float) -> None:
        """Take in the world of a frame."""
        ball = world["ball"]
        self.roll += (abs(ball["vx"]) + abs(ball["vy"])) / (math.tau * BALL)
        self.trail.append((ball["x"], ball["y"]))
        for who, car in world["cars"].items():
            self._follow_wheels(who, car, now)
            self._follow_tank(who, car, now)
        if me in world["cars"] and now >= self._engine_at:
            self._beat(world["cars"][me], now)
        while self.marks and now - self.marks[0].at > MARK_SECONDS:
            self.marks.popleft()

    def _follow_wheels(self, who: int, car: Car, now: float) -> None:
        x, y, hx, hy = car["x"], car["y"], car["hx"], car["hy"]
        wheels = tuple(
            (x - hx * CAR * 0.6 - hy * side, y - hy * CAR * 0.6 + hx * side) for side in (-0.6 * CAR, 0.6 * CAR)
        )
        before, self._wheels[who] = self._wheels.get(who), wheels
        aside = abs(car["vy"] * hx - car["vx"] * hy)
        if before is None or aside < SLIDES_FROM or math.dist(before[0], wheels[0]) > 4 * CAR:
            return
        self.marks.extend(Mark(now, *pair) for pair in zip(before, wheels, strict=True))

    def _follow_tank(self, who: int, car: Car, now: float) -> None:
        before, self._tanks[who] = self._tanks.get(who, car["boost"]), car["boost"]
        if car["boost"] >= before:
            self._boosting.discard(who)
            return
        back = math.degrees(math.atan2(-car["hy"], -car["hx"]))
        tail = car["x"] - car["hx"] * CAR, car["y"] - car["hy"] * CAR
        self._juice.particles.burst(_FLAME, *tail, now, angle=back)
        if who not in self._boosting:
            self._boosting.add(who)
            self._play("boost", car["x"], 0.5)

    def _beat(self, car: Car, now: float) -> None:
        speed = math.hypot(car["vx"], car["vy"])
        self._engine_at = now + ENGINE_EVERY
        self._sounds.play("engine", volume=0.25 + 0.2 * min(speed / TOP, 1.0), pitch=0.7 + 1.1 * min(speed / TOP, 1.2))

    def happen(self, happening: Happening, me: int | None, now: float) -> None:
        """Show and sound a thing that has happened, such as a hit."""
        if happening.taken_back or len(happening.args) != 3:
            return
        x, y, speed = (float(each) for each in happening.args)
        force = min(speed / BALL_TOP, 1.0)
        mine = happening.who == me
        if happening.what == "HIT":
            self._juice.particles.burst(_SPARKS, x, y, now, strength=0.4 + force)
            self._play("hit", x, 0.4 + 0.6 * force, pitch=juice.vary() * (1.25 - 0.4 * force))
        elif happening.what == "BUMP":
            self._juice.particles.burst(_SPARKS, x, y, now, strength=0.3 + force)
            self._play("bump", x, 0.3 + 0.5 * force, pitch=juice.vary(0.12))
        elif happening.what == "WALL":
            self._juice.particles.burst(_DUST, x, y, now, strength=0.3 + force)
            self._play("wall", x, 0.2 + 0.6 * force, pitch=juice.vary())
        if happening.what == "HIT" or mine:
            self._juice.shake.kick(0.5 * force * (1.0 if mine else 0.4), now)

    def score(self, team: int, now: float) -> None:
        """A goal for a team: an explosion in the other's net."""
        colour = TEAM_COLOURS[team]
        x = WIDTH if team == 0 else 0.0
        burst = juice.Burst(count=150, speed=620, seconds=1.5, size=7.0, colours=[colour, WHITE, YELLOW], drag=1.8)
        self._juice.particles.burst(burst, x, MIDDLE, now)
        self._juice.shake.kick(1.0, now)
        self._juice.flash.flash(colour, now, strength=0.35, seconds=0.4)
        self._play("goal", x, 1.0)
        self._play("cheer", WIDTH / 2, 0.8)

    def sound(self, name: str) -> None:
        """Play a sound that has no place."""
        self._play(name, WIDTH / 2, 0.8)

    def _play(self, name: str, x: float, volume: float, pitch: float = 1.0) -> None:
        self._sounds.play(name, volume=min(volume, 1.0), pan=min(max(1.4 * x / WIDTH - 0.7, -1.0), 1.0), pitch=pitch)
