"""Random drawings for tests."""

import math
import random

from games.canvas import rules
from games.canvas.pen import Pen


def scribble(
    rng: random.Random,
    steps: int = 20,
    *,
    stride: float = 40,
    colour: int | None = None,
    width: int | None = None,
    ends: float = 0.2,
) -> list[bytes]:
    """Return the lines of one stroke, in pieces of random length. `ends` is the probability that a piece ends at a
    step.
    """
    x, y, angle = rng.uniform(0, rules.WIDTH), rng.uniform(0, rules.HEIGHT), rng.uniform(0, math.tau)
    pen = Pen(
        rng.randrange(len(rules.COLOURS)) if colour is None else colour,
        rng.randrange(len(rules.WIDTHS)) if width is None else width,
        rules.clamped(x, y),
    )
    lines = pen.take() if rng.random() < 0.5 else []
    for _ in range(steps):
        angle += rng.uniform(-0.6, 0.6)
        x, y = x + stride * math.cos(angle), y + stride * math.sin(angle)
        pen.move(x, y)
        if rng.random() < ends:
            lines += pen.take()
    return lines + pen.take()


def megabyte(rng: random.Random) -> list[bytes]:
    """Return pieces of 3,200 strokes. Compressed they still take a megabyte: equal pieces are farther apart than zlib
    looks
    back.
    """
    strokes = [scribble(rng, 130, stride=20, ends=0.02) for _ in range(400)]
    pieces = [rules.piece_of(0, number, line) for number, stroke in enumerate(strokes * 8) for line in stroke]
    assert 900_000 < sum(map(len, pieces)) < rules.MAX_PICTURE_BYTES
    return pieces


def pieces_of(rng: random.Random, strokes: int, steps: int = 20, *, artist: int = 0, stride: float = 40) -> list[bytes]:
    """Return the pieces of `strokes` strokes of one artist, one after the other."""
    return [
        rules.piece_of(artist, number, line)
        for number in range(strokes)
        for line in scribble(rng, steps, stride=stride)
    ]
