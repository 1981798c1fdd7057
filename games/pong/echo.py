"""The sounds and the trail of the ball. Pure.

Both follow from the frames that are shown, not from events of the server. So a hit sounds in the frame that shows it.
"""

from collections import deque
from typing import Final, NamedTuple

from games.pong import rules
from games.pong.rules import LEFT, RIGHT, SIDES, Match, Side
from pygase_pygame.app import SoundSet, Tone

SOUNDS: Final = SoundSet(
    hit=[Tone(560, 0.07, shape="triangle", volume=0.6)],
    wall=[Tone(280, 0.05, shape="triangle", volume=0.45)],
    point=[Tone(520, 0.08, shape="triangle"), Tone(780, 0.16, shape="triangle")],
    missed=[Tone(330, 0.3, to=120, shape="triangle")],
    win=[Tone(pitch, 0.13, shape="triangle") for pitch in (523, 659, 784)] + [Tone(1047, 0.45, shape="triangle")],
    lost=[Tone(pitch, 0.16, shape="triangle") for pitch in (440, 370, 311)] + [Tone(262, 0.45, shape="triangle")],
)

DEAF_SECONDS: Final = 0.1  # a ball may jump back across a bounce between two frames; the bounce sounds once
TO_THE_SIDE: Final = 0.6  # pan of a sound at the end of the court: 0 is the middle, 1 fully to one side

TRAIL_SECONDS: Final = 0.25
MOST_POINTS: Final = 60  # limit of a trail, at any frame rate
LONGEST_LEAP: Final = 4 * rules.TOP_SPEED  # court units between two frames: a longer way is a reset, not a flight


class Sound(NamedTuple):
    """A sound of `SOUNDS`, and its pan: -1 is left, 0 the middle, 1 right."""

    name: str
    pan: float = 0.0


class TrailPoint(NamedTuple):
    """A place of the ball in court units, and its age: 0 is now, 1 is the end of the trail."""

    x: float
    y: float
    age: float


class Echo:
    """Follows the ball. Call `follow` once a frame with the match that is shown."""

    def __init__(self) -> None:
        self._before: Match | None = None
        self._points: deque[tuple[float, float, float]] = deque(maxlen=MOST_POINTS)  # x, y, seconds
        self._heard_at: dict[str, float] = {}

    def follow(self, match: Match | None, now: float, you: Side | None = None) -> list[Sound]:
        """Return the sounds of the match shown at `now` (seconds), for the player of side `you`."""
        before, self._before = self._before, match
        self._lengthen(before, match, now)
        if before is None or match is None:
            return []
        sounds = _of_the_ball(before, match) + _of_the_score(before, match, you)
        return [sound for sound in sounds if self._is_new(sound.name, now)]

    def trail(self, now: float) -> list[TrailPoint]:
        """Return the ball's places of the last `TRAIL_SECONDS`, oldest first."""
        points = [TrailPoint(x, y, (now - at) / TRAIL_SECONDS) for x, y, at in self._points]
        return [point for point in points if 0.0 <= point.age < 1.0]

    def _lengthen(self, before: Match | None, match: Match | None, now: float) -> None:
        if match is None or match["phase"] != rules.RALLY or _leaps(before, match):
            self._points.clear()
        if match is not None and match["phase"] == rules.RALLY:
            self._points.append((match["ball"]["x"], match["ball"]["y"], now))

    def _is_new(self, name: str, now: float) -> bool:
        heard_at, self._heard_at[name] = self._heard_at.get(name), now
        return heard_at is None or now - heard_at > DEAF_SECONDS


def _leaps(before: Match | None, match: Match) -> bool:
    return before is None or abs(match["ball"]["x"] - before["ball"]["x"]) > LONGEST_LEAP


def _of_the_ball(before: Match, match: Match) -> list[Sound]:
    if not before["phase"] == match["phase"] == rules.RALLY:
        return []
    ball, was = match["ball"], before["ball"]
    pan = (2.0 * ball["x"] / rules.WIDTH - 1.0) * TO_THE_SIDE
    if was["vx"] * ball["vx"] < 0.0:
        return [Sound("hit", pan)]
    return [Sound("wall", pan)] if was["vy"] * ball["vy"] < 0.0 else []


def _of_the_score(before: Match, match: Match, you: Side | None) -> list[Sound]:
    """Return the sound of a new point: good for the scorer and for spectators, bad for the loser."""
    for side in SIDES:
        if match["score"][side] == before["score"][side] + 1:
            good = you is None or you == side
            pan = TO_THE_SIDE if side == LEFT else -TO_THE_SIDE  # the side where the ball left the court
            if match["phase"] == rules.OVER:
                return [Sound("win" if good else "lost")]
            return [Sound("point" if good else "missed", pan)]
    return []


def flies_from(match: Match) -> Side:
    """Return the side that the ball flies away from."""
    return LEFT if match["ball"]["vx"] > 0 else RIGHT
