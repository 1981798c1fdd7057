"""Draws the figures of ``docs/smoothness.md`` from games in virtual time.

::

    python -m docs.draw_smoothness

Each line is the screen of a simulated client. The same seeds give the same files, byte for byte; a test checks that
those in ``docs/images`` are current.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from benchmarks._smooth_playback import changing_weather
from benchmarks._smooth_players import FRAME, RTT_100, TICK, Player, Walkers
from benchmarks._smooth_shots import SPEED, Gallery, Shooter
from benchmarks.view_smoothness import arrivals, play
from docs.chart import BLUE, FAINT, GREEN, GREY, INK, RED, SAND, Picture, Plot, Point
from games.pong import flight, rules
from games.pong.foresight import Foresight
from games.pong.rules import Match
from pygase import SnapshotBuffer
from pygase.testing import Link, SimulatedNetwork
from pygase.timeline.interpolation import AdaptiveClock

FOLDER: Final = Path(__file__).parent / "images"

BAD: Final = Link(latency=0.05, jitter=0.06, loss=0.1)
"""80 ± 30 ms from the server to the client, and a loss of 10 %."""


def main() -> None:
    """Draw them all."""
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8", newline="\n")
        print(FOLDER / name)


# -- the same link, two clients --------------------------------------------------------------------------------------
def to_and_fro(time: float) -> float:
    """Return the position, at a time, of a thing that moves from 0 to 60 and back, 60 units a second."""
    part = time % 2.0
    return 60.0 * (part if part < 1.0 else 2.0 - part)


def same_link() -> str:
    """Draw a position: at the server, in a client that draws the newest state, and in one of ours."""
    since, until = 24.4, 26.4
    arrived = [replace(one, state={"x": to_and_fro(one.time)}) for one in arrivals(BAD, 20.0, until + 1.0, seed=3)]
    buffer, naive, ours = SnapshotBuffer("x"), list[Point](), list[Point]()
    for now in play(buffer, arrived, 60.0, until + FRAME):
        view, newest = buffer.view(now=now), buffer.newest
        if newest is not None and now >= since:
            naive.append((now - since, newest.state["x"]))
            ours.append((now - since, view["x"]))
    server = [(n / 200, to_and_fro(since + n / 200)) for n in range(401)]
    picture = Picture("The same snapshots, drawn by two clients", 470)
    picture.legend(
        52, [(GREY, "server"), (RED, "client that draws the newest state"), (BLUE, "client that interpolates")]
    )
    plot = Plot(picture, 82, 268, x=(0.0, 2.0), y=(0, 62), y_marks=_marks((0, 20, 40, 60)), y_name="position")
    plot.line(server, GREY, width=1.5)
    plot.steps(naive, RED, width=1.6)
    plot.line(ours, BLUE, width=2.2)
    for top, points, colour, x_name in ((302, naive, RED, ""), (382, ours, BLUE, "seconds")):
        moved = [(b[0], abs(b[1] - a[1])) for a, b in itertools.pairwise(points)]
        bars = Plot(
            *(picture, top, top + 46),
            x=(0.0, 2.0),
            y=(0, 6.5),
            x_marks=_marks((0, 0.5, 1, 1.5, 2)) if x_name else (),
            y_marks=_marks((0, 6)),
            x_name=x_name,
            y_name="how far it moves from frame to frame",
        )
        bars.bars(moved, colour, width=3.2)
    return picture.svg()


# -- the delay -------------------------------------------------------------------------------------------------------
def adapting_delay() -> str:
    """Draw the lateness of snapshots and the delay of playback while the link changes."""
    arrived = changing_weather(20.0, seed=2)
    clock = AdaptiveClock()
    buffer, delays, late = SnapshotBuffer("x", clock=clock), list[Point](), list[Point]()
    for now in play(buffer, arrived, 20.0, 60.0):
        buffer.view(now=now)
        delays.append((now, clock.delay * 1e3))
    fastest = min(one.received_at - one.time for one in arrived)
    newest = -1
    for one in arrived:
        if one.tick > newest:
            newest = one.tick
            late.append((one.received_at, (one.received_at - one.time - fastest) * 1e3))
    picture = Picture("The delay follows the link: 20 snapshots a second, one every 50 ms", 330)
    picture.legend(52, [(GREY, "how late each snapshot came"), (BLUE, "how far the picture stays behind")])
    plot = Plot(
        *(picture, 82, 280),
        x=(0, 60),
        y=(0, 200),
        x_marks=_marks(range(0, 61, 10)),
        y_marks=_marks(range(0, 201, 50)),
        x_name="seconds",
        y_name="milliseconds behind the fastest datagram",
    )
    plot.band(20, 40, SAND, "up to 80 ms of jitter, 5 % lost")
    plot.dots(late, GREY, radius=1.3)
    plot.line(_thinned(delays, 2), BLUE, width=2.2)
    return picture.svg()


# -- prediction ------------------------------------------------------------------------------------------------------
KEY_DOWN, KEY_UP = 0.1, 0.5


def _walk(*, predict: bool) -> tuple[list[Point], list[Point]]:
    """Press a key for 0.4 s; return the player's position in its own picture and at the server."""
    network, game = SimulatedNetwork(4, RTT_100), Walkers()
    network.serve(game.backend, interval=TICK)
    player = Player(network, predict=predict)
    for _ in range(240):
        player.frame(0)
    since, seen, true = network.now, list[Point](), list[Point]()
    while network.now - since < 1.0:
        at = network.now + FRAME - since
        x = player.frame(1 if KEY_DOWN <= at < KEY_UP else 0)
        seen.append((at, x))
        true.append((at, game.backend.game_state_store.get_game_state().players[player.me]["x"]))
    return seen, true


def prediction() -> str:
    """Draw the effect of a key press, with and without prediction."""
    predicted, true = _walk(predict=True)
    plain, _ = _walk(predict=False)
    picture = Picture("A key is held for 0.4 s, with a round trip of 100 ms", 350)
    picture.legend(52, [(BLUE, "my screen, predicted"), (GREY, "server"), (RED, "my screen, not predicted")])
    top = 10 * (int(max(x for _, x in plain)) // 10 + 1)
    plot = Plot(
        *(picture, 82, 300),
        x=(0, 1),
        y=(0, top),
        x_marks=_marks((0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        y_marks=_marks(range(0, top + 1, 20)),
        x_name="seconds",
        y_name="position",
    )
    plot.band(KEY_DOWN, KEY_UP, SAND, "the key is down")
    plot.line(true, GREY, width=1.6)
    plot.line(plain, RED)
    plot.line(predicted, BLUE, width=2.4)
    half = 0.45 * max(x for _, x in plain)
    mine, theirs = _when(predicted, half), _when(plain, half)
    plot.arrow((mine, half), (theirs, half), INK, both=True)
    plot.say((theirs + 0.012, half), f"{(theirs - mine) * 1e3:.0f} ms of waiting", INK, up=-4)
    return picture.svg()


def _push(*, smoothing_time: float) -> tuple[list[Point], list[Point]]:
    """Push a walking player; return its position in its own picture and at the server."""
    network, game = SimulatedNetwork(4, RTT_100), Walkers()
    network.serve(game.backend, interval=TICK)
    player = Player(network, smoothing_time=smoothing_time)
    for _ in range(120):
        player.frame(0)
    for _ in range(30):
        player.frame(1)
    since, start = network.now, player.frame(1)
    seen, true = list[Point](), list[Point]()
    for frame in range(48):
        if frame == 11:
            game.push[player.me] = -40.0
        seen.append((network.now + FRAME - since, player.frame(1) - start))
        truth = game.backend.game_state_store.get_game_state().players[player.me]["x"]
        true.append((network.now - since, truth - start))
    return seen, true


def push() -> str:
    """Draw a push by another player: the server's truth, and the picture."""
    seen, true = _push(smoothing_time=0.1)
    jumped, _ = _push(smoothing_time=0.0)
    picture = Picture("Somebody pushes me back by 40 while I walk on, with a round trip of 100 ms", 350)
    picture.legend(52, [(GREY, "server"), (RED, "my screen, if it showed the correction at once"), (BLUE, "my screen")])
    plot = Plot(
        *(picture, 82, 300),
        x=(0, 0.8),
        y=(-60, 130),
        x_marks=_marks((0, 0.2, 0.4, 0.6, 0.8)),
        y_marks=_marks(range(-40, 121, 40)),
        x_name="seconds",
        y_name="position",
    )
    pushed_at = next(b[0] for a, b in itertools.pairwise(true) if b[1] < a[1])
    known_at = next(b[0] for a, b in itertools.pairwise(jumped) if b[1] < a[1])
    plot.line(true, GREY, width=1.6)
    plot.line(jumped, RED, width=1.6)
    plot.line(seen, BLUE, width=2.4)
    low = min(y for x, y in true if x < pushed_at + 0.1)
    plot.say((pushed_at, low - 26), "the push", FAINT, anchor="middle")
    plot.arrow((pushed_at, low - 17), (pushed_at, low - 3), FAINT)
    plot.arrow((known_at + 0.02, 92), (known_at - 0.01, 50), FAINT)
    plot.say((known_at + 0.02, 108), "I hear of it: back to the truth, and the inputs since then", FAINT)
    plot.say((known_at + 0.02, 108), "upon it; what is off glides away within a tenth of a second", FAINT, up=-15)
    return picture.svg()


# -- rewind ----------------------------------------------------------------------------------------------------------
def rewind() -> str:
    """Draw a shot at the shooter's picture, and the server's judgement."""
    network = SimulatedNetwork(5)
    gallery, shooter = Gallery(network), Shooter(network)
    rng, times = random.Random(5), list[tuple[float, float]]()
    for _ in range(200 + rng.randrange(20)):
        shooter.frame()
    begin = network.now
    fired_at = begin + 0.25
    fired = False
    while network.now < begin + 0.6:
        fire = not fired and network.now >= fired_at
        shooter.frame(fire=fire)
        if fire:
            fired, fired_at = True, network.now
        times.append((network.now - begin, shooter.session.view().at))
    (shot,) = gallery.shots
    way: Callable[[float], float] = lambda time: SPEED * (time - begin)  # noqa: E731
    picture = Picture("A shot at 150 ms round trip: the server looks at what the shooter saw", 372)
    picture.legend(52, [(GREY, "target at the server"), (BLUE, "target on the shooter's screen")])
    plot = Plot(
        *(picture, 82, 322),
        x=(0, 0.6),
        y=(-40, 140),
        x_marks=_marks((0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),
        y_marks=_marks(range(-40, 141, 20)),
        x_name="seconds",
        y_name="way of the target",
    )
    plot.line([(n / 60, way(begin + n / 60)) for n in range(37)], GREY, width=1.8)
    plot.line([(at, way(shown)) for at, shown in times], BLUE, width=2.2)
    aim, judged, now, at = way(shot.judged_at), shot.judged_at - begin, shot.now - begin, fired_at - begin
    plot.arrow((at, aim), (now, aim), RED)
    plot.dots([(at, aim)], RED, radius=4.5)
    plot.say((at, aim), " fired here", RED, up=-18)
    plot.line([(now, aim), (now, way(shot.now))], RED, width=1.4, dash="3 3")
    plot.say(
        (now - 0.008, way(shot.now)), f"a miss by {shot.off:.0f}, if judged by the present", RED, anchor="end", up=10
    )
    plot.say((now + 0.008, aim), "arrives with the moment that was seen", RED, up=-4)
    low = aim - 26
    plot.line([(now, aim), (now, low)], GREEN, width=1.4)
    plot.arrow((now, low), (judged, low), GREEN)
    plot.line([(judged, low), (judged, aim)], GREEN, width=1.4)
    plot.dots([(judged, aim)], GREEN, radius=4.5)
    plot.say((now, low), f"rewound by {(shot.now - shot.judged_at) * 1e3:.0f} ms: a hit", GREEN, anchor="end", up=-16)
    return picture.svg()


# -- Pong ------------------------------------------------------------------------------------------------------------
def _rally(ticks: int) -> list[Match]:
    """Play Pong between two players who never miss; return the match of each tick, from the third hit on."""
    match, seen = rules.new_match(), list[Match]()
    while len(seen) < ticks:
        match = rules.step(match, {side: _towards(match, side) for side in flight.SIDES})
        if match["rally"] >= 3:
            seen.append(match)
    return seen


def _towards(match: Match, side: flight.Side) -> int:
    off = match["ball"]["y"] - match["paddles"][side]
    return (off > flight.PADDLE_SPEED) - (off < -flight.PADDLE_SPEED)


def pong() -> str:
    """Draw the ball at the other paddle's time, at the own paddle's time, and on the screen."""
    network = SimulatedNetwork(4, Link(latency=0.075))
    network.serve(Walkers().backend, interval=TICK)
    player = Player(network)
    for _ in range(300):
        player.frame(1)
    lead = round(player.session.lead / TICK)
    matches, foresight, shown = _rally(60 * 4), Foresight("left"), list[float]()
    for match, mine in zip(matches, matches[lead:], strict=False):
        paddles = {**match["paddles"], "left": mine["paddles"]["left"]}
        shown.append(foresight.ball({**match, "paddles": paddles}, lead)["x"])
    then = [match["ball"]["x"] for match in matches]
    picture = Picture(f"A rally at 150 ms round trip: my paddle is {lead * TICK * 1e3:.0f} ms ahead of theirs", 350)
    picture.legend(
        52, [(GREY, "ball when theirs is shown"), (RED, "ball when mine is shown"), (BLUE, "ball on my screen")]
    )
    plot = Plot(
        *(picture, 82, 300),
        x=(0, 3.5),
        y=(0, 320),
        x_marks=_marks((0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5)),
        y_marks=[(flight.REACH["left"], "mine"), (flight.REACH["right"], "theirs")],
        x_name="seconds",
        y_name="from paddle to paddle",
    )
    plot.line(((n * TICK, x) for n, x in enumerate(then)), GREY, width=1.6)
    plot.line(((n * TICK, x) for n, x in enumerate(then[lead:])), RED, width=1.6)
    plot.line(((n * TICK, x) for n, x in enumerate(shown)), BLUE, width=2.4)
    return picture.svg()


# -- helpers ---------------------------------------------------------------------------------------------------------
def _marks(values: Iterable[float]) -> list[tuple[float, str]]:
    return [(value, f"{value:g}") for value in values]


def _thinned(points: list[Point], every: int) -> list[Point]:
    return points[::every]


def _when(points: list[Point], value: float) -> float:
    """Return the time at which a rising line reaches a value."""
    for (x, y), (after, above) in itertools.pairwise(points):
        if y <= value < above:
            return x + (after - x) * (value - y) / (above - y)
    raise ValueError(f"the line never gets to {value}")


PICTURES: Final[dict[str, Callable[[], str]]] = {
    "same-link.svg": same_link,
    "delay.svg": adapting_delay,
    "prediction.svg": prediction,
    "push.svg": push,
    "rewind.svg": rewind,
    "pong.svg": pong,
}

if __name__ == "__main__":
    main()
