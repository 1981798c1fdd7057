"""What the window remembers of what has happened, to show it for a while: shots, wrecks, words and judgements.

Pure: it is told what there is to see and what time it is, in seconds of any clock. It never holds more than a few of
anything, however much happens.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from games.arena.rules import AT, COUNT, Ship

TRACER_SECONDS: Final = 0.14
BLAST_SECONDS: Final = 0.5
LINE_SECONDS: Final = 9.0
FEED_SECONDS: Final = 6.0
JUDGED_SECONDS: Final = 3.0
HIT_SECONDS: Final = 0.2  # that the sight says: you have hit

Place = Sequence[float]


@dataclass(frozen=True)
class Tracer:
    """A shot: the line that it drew."""

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
    """Something that was said, by somebody or by the game."""

    text: str
    kind: Literal["chat", "news", "mine", "feed"]
    at: float


@dataclass(frozen=True)
class Judgement:
    """How the server judged one of our shots, beside what we saw ourselves when we fired it.

    :ivar shown: where the target was drawn in our window; None if it was not.
    :ivar seen: where the server saw it, looking back; :ivar now: where it was at the server by then.
    :ivar rewound: by how many seconds the server looked back.
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
    """Tell it what happens; what it knows is in its deques, the newest last. `forget` drops what is over."""

    def __init__(self) -> None:
        self.tracers: deque[Tracer] = deque(maxlen=64)
        self.blasts: deque[Blast] = deque(maxlen=32)
        self.lines: deque[Line] = deque(maxlen=6)
        self.feed: deque[Line] = deque(maxlen=4)
        self.judgements: deque[Judgement] = deque(maxlen=5)
        self.hit_at = -1.0
        self._counts: dict[int, int] = {}  # of each pilot's shots, as far as they have been shown
        self._places: dict[int, Place] = {}  # of all ships in the picture before
        self._aimed: dict[int, tuple[Place, dict[int, Place]]] = {}  # by our own shots: whence, and where others were

    def see(
        self, ships: Mapping[int, Ship], shots: Mapping[int, Sequence[int]], me: int, now: float
    ) -> tuple[list[Tracer], list[Blast]]:
        """Take in a picture; return what has happened since the one before: shots of others, and wrecks."""
        tracers = [
            _tracer(number, shot, ships, now)
            for number, shot in shots.items()
            if self._counts.get(number, shot[0]) != shot[0] and number != me and number in ships
        ]
        blasts = [Blast(number, place, now) for number, place in self._places.items() if number not in ships]
        self._counts = {number: shot[0] for number, shot in shots.items()}
        self._places = {number: tuple(ship[AT]) for number, ship in ships.items()}
        self.tracers.extend(tracers)
        self.blasts.extend(blasts)
        return tracers, blasts

    def fire(self, count: int, tracer: Tracer, others: Mapping[int, Ship]) -> None:
        """Take in a shot of our own, which is shown before the server knows of it, and what we saw when firing it."""
        self.tracers.append(tracer)
        self._aimed[count] = (tracer.start, {number: tuple(ship[AT]) for number, ship in others.items()})
        self._aimed.pop((count - COUNT // 2) % COUNT, None)

    def judge(self, judged: Sequence[Any], now: float) -> None:
        """Take in what the server says of a shot: the data of `JUDGED`, see `server`."""
        shot, end, hit, target, seen, where, rewound = judged
        if hit:
            self.hit_at = now
        start, others = self._aimed.pop(shot, (None, {}))
        if start is not None and seen is not None:
            shown = others.get(target)
            self.judgements.append(Judgement(hit, start, end, shown, seen, where, rewound, now))

    def say(self, text: str, kind: Literal["chat", "news", "mine", "feed"], now: float) -> None:
        """Take in a line of text."""
        (self.feed if kind in ("feed", "mine") else self.lines).append(Line(text, kind, now))

    def forget(self, now: float) -> None:
        """Drop what has been shown for long enough."""
        _drop(self.tracers, now - TRACER_SECONDS)
        _drop(self.blasts, now - BLAST_SECONDS)
        _drop(self.lines, now - LINE_SECONDS)
        _drop(self.feed, now - FEED_SECONDS)
        _drop(self.judgements, now - JUDGED_SECONDS)

    def clear_picture(self) -> None:
        """A new connection begins: what was in the picture before says nothing of the next."""
        self._counts.clear()
        self._places.clear()
        self._aimed.clear()


def _tracer(number: int, shot: Sequence[int], ships: Mapping[int, Ship], now: float) -> Tracer:
    """Return the line of somebody's shot. Whom it hit may be drawn elsewhere here than the shooter saw them."""
    _, x, y, target = shot
    hit = ships.get(target)
    return Tracer(number, tuple(ships[number][AT]), tuple(hit[AT]) if hit else (x, y), target >= 0, now)


def _drop(things: deque[Any], before: float) -> None:
    while things and things[0].at < before:
        things.popleft()
