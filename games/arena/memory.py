"""The recent events that the window shows for a while. Pure: times are seconds of any clock."""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from games.arena.rules import AT, SHOT_NUMBERS, Ship

TRACER_SECONDS: Final = 0.14
BLAST_SECONDS: Final = 0.5
LINE_SECONDS: Final = 9.0
FEED_SECONDS: Final = 6.0
JUDGED_SECONDS: Final = 3.0
HIT_SECONDS: Final = 0.2  # seconds: how long the crosshair shows a hit

Place = Sequence[float]


@dataclass(frozen=True)
class Tracer:
    """The line of a shot."""

    shooter: int
    start: Place
    end: Place
    hit: bool
    at: float


@dataclass(frozen=True)
class Blast:
    """The end of a ship."""

    number: int
    place: Place
    at: float


@dataclass(frozen=True)
class Line:
    """A line of chat or news."""

    text: str
    kind: Literal["chat", "news", "mine", "feed"]
    at: float


@dataclass(frozen=True)
class Judgement:
    """The server's judgement of one of the player's shots.

    :ivar shown: the target's place in the player's window; None if it was not there.
    :ivar seen: its place in the past state that the server looked up.
    :ivar now: its place at the server when it judged.
    :ivar rewound: seconds between `seen` and `now`.
    """

    hit: bool
    start: Place
    end: Place
    shown: Place | None
    seen: Place
    now: Place
    rewound: float
    at: float


class Memory:
    """Keeps events in bounded deques, newest last. `forget` drops the old ones."""

    def __init__(self) -> None:
        self.tracers: deque[Tracer] = deque(maxlen=64)
        self.blasts: deque[Blast] = deque(maxlen=32)
        self.lines: deque[Line] = deque(maxlen=6)
        self.feed: deque[Line] = deque(maxlen=4)
        self.judgements: deque[Judgement] = deque(maxlen=5)
        self.hit_at = -1.0
        self._places: dict[int, Place] = {}  # places of all ships in the last frame
        self._aimed: dict[
            int, tuple[Place, dict[int, Place]]
        ] = {}  # by own shot: its start, and the others' places then

    def see(self, ships: Mapping[int, Ship], now: float) -> list[Blast]:
        """Compare the ships with those of the last frame. Return the new wrecks."""
        blasts = [Blast(number, place, now) for number, place in self._places.items() if number not in ships]
        self._places = {number: tuple(ship[AT]) for number, ship in ships.items()}
        self.blasts.extend(blasts)
        return blasts

    def fire(self, count: int, tracer: Tracer, others: Mapping[int, Ship]) -> None:
        """Record the player's own shot, and the other ships on the screen."""
        self.tracers.append(tracer)
        self._aimed[count] = (tracer.start, {number: tuple(ship[AT]) for number, ship in others.items()})
        self._aimed.pop((count - SHOT_NUMBERS // 2) % SHOT_NUMBERS, None)

    def judge(self, judged: Sequence[Any], now: float) -> None:
        """Record the data of a `JUDGED` event (see `server`)."""
        shot, end, hit, target, seen, where, rewound = judged
        if hit:
            self.hit_at = now
        start, others = self._aimed.pop(shot, (None, {}))
        if start is not None and seen is not None:
            shown = others.get(target)
            self.judgements.append(Judgement(hit, start, end, shown, seen, where, rewound, now))

    def say(self, text: str, kind: Literal["chat", "news", "mine", "feed"], now: float) -> None:
        """Record a line of text."""
        (self.feed if kind in ("feed", "mine") else self.lines).append(Line(text, kind, now))

    @property
    def unjudged(self) -> int:
        """The player's own shots without a judgement."""
        return len(self._aimed)

    def forget(self, now: float) -> None:
        """Drop the events that are over at `now` (seconds)."""
        _drop(self.tracers, now - TRACER_SECONDS)
        _drop(self.blasts, now - BLAST_SECONDS)
        _drop(self.lines, now - LINE_SECONDS)
        _drop(self.feed, now - FEED_SECONDS)
        _drop(self.judgements, now - JUDGED_SECONDS)

    def clear_picture(self) -> None:
        """Drop the last frame, when a new connection begins."""
        self._places.clear()
        self._aimed.clear()


def _drop(things: deque[Any], before: float) -> None:
    while things and things[0].at < before:
        things.popleft()
