"""The sounds and the trail of the ball. Pure.

The screen draws the ball ahead of the server's events. So the frames that are shown foretell its bounces, and each
sounds once, in the frame that shows it (see `Session.happenings`). Points follow from the score that is shown.
"""

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from games.pong import flight, rules
from games.pong.flight import LEFT, RIGHT, SIDES, Side
from games.pong.rules import Match
from pygase import Happening
from pygase_pygame.app import SoundSet, Tone

SOUNDS: Final = SoundSet(
    hit=[Tone(560, 0.07, shape="triangle", volume=0.6)],
    wall=[Tone(280, 0.05, shape="triangle", volume=0.45)],
    point=[Tone(520, 0.08, shape="triangle"), Tone(780, 0.16, shape="triangle")],
    missed=[Tone(330, 0.3, to=120, shape="triangle")],
    win=[Tone(pitch, 0.13, shape="triangle") for pitch in (523, 659, 784)] + [Tone(1047, 0.45, shape="triangle")],
    crowd=[Tone(1400, 1.0, to=1900, shape="noise", volume=0.22)],
    cheer=[Tone(2600, 1.6, to=1100, shape="noise", volume=0.4)],
    lost=[Tone(pitch, 0.16, shape="triangle") for pitch in (440, 370, 311)] + [Tone(262, 0.45, shape="triangle")],
)

BOUNCES: Final = {"HIT": 60, "WALL": 60}
"""Kinds of bounces, and the ticks by which a picture may be ahead of the server: less than a serve waits."""

TO_THE_SIDE: Final = 0.6  # pan of a sound at the end of the court: 0 is the middle, 1 fully to one side

TRAIL_SECONDS: Final = 0.25
MOST_POINTS: Final = 60  # limit of a trail, at any frame rate
LONGEST_LEAP: Final = 4 * flight.TOP_SPEED  # court units between two frames: a longer way is a reset, not a flight


Foretell = Callable[[str, int, float], object]


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

    def follow(self, match: Match | None, now: float, you: Side | None, foretell: Foretell) -> list[Sound]:
        """Take in the match shown at `now` (seconds), for the player of side `you`. Return the sounds of its points.

        `foretell` is called for each bounce that it shows: kind, number, and x.
        """
        before, self._before = self._before, match
        self._lengthen(before, match, now)
        if before is None or match is None:
            return []
        _foretell_bounce(before, match, foretell)
        return _of_the_score(before, match, you)

    def trail(self, now: float) -> list[TrailPoint]:
        """Return the ball's places of the last `TRAIL_SECONDS`, oldest first."""
        points = [TrailPoint(x, y, (now - at) / TRAIL_SECONDS) for x, y, at in self._points]
        return [point for point in points if 0.0 <= point.age < 1.0]

    def _lengthen(self, before: Match | None, match: Match | None, now: float) -> None:
        if match is None or match["phase"] != rules.RALLY or _leaps(before, match):
            self._points.clear()
        if match is not None and match["phase"] == rules.RALLY:
            self._points.append((match["ball"]["x"], match["ball"]["y"], now))


def _leaps(before: Match | None, match: Match) -> bool:
    return before is None or abs(match["ball"]["x"] - before["ball"]["x"]) > LONGEST_LEAP


def _foretell_bounce(before: Match, match: Match, foretell: Foretell) -> None:
    """Report the bounce between two frames, if any. It has one number, also if the ball wavers about it."""
    if not before["phase"] == match["phase"] == rules.RALLY:
        return
    ball, was, rally = match["ball"], before["ball"], max(before["rally"], match["rally"])
    if was["vx"] * ball["vx"] < 0.0:
        foretell("HIT", rally, ball["x"])
    elif was["vy"] * ball["vy"] < 0.0:
        foretell("WALL", flight.wall_number(rally, ball["y"]), ball["x"])


def sound_of(bounce: Happening) -> Sound | None:
    """Return the sound of a bounce of the ball; None for anything else."""
    match bounce.what, bounce.args:
        case ("HIT" | "WALL") as what, (int() | float() as x,) if not bounce.taken_back and 0 <= x <= flight.WIDTH:
            return Sound(what.lower(), (2.0 * x / flight.WIDTH - 1.0) * TO_THE_SIDE)
    return None


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
