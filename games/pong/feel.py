"""What makes Pong felt: sparks, a ball that sticks to the paddle for a moment, digits that pop, and a crowd."""

from typing import Final

from games.pong import rules
from games.pong.echo import sound_of
from games.pong.flight import BALL_RADIUS, HEIGHT, REACH, SIDES, WIDTH, Ball, Side, ball_speed, fly
from games.pong.ground import SIDE_COLOURS
from games.pong.rules import TICKS_PER_SECOND, Match
from pygase import Happening
from pygase_pygame import juice
from pygase_pygame.app import WHITE, Playing

HELD: Final = 0.05  # seconds for which a ball rests at the paddle that hits it. The player's paddle moves on.
CAUGHT_UP: Final = 0.2  # seconds after a hit, at which the ball is where the rules have it again
POP: Final = 0.4  # seconds
SQUASH: Final = 0.16  # seconds
CROWD_FROM: Final = 4  # hits of a rally, from which the crowd can be heard
CROWD_EVERY: Final = 0.9  # seconds from one murmur to the next
SHAKES_FROM: Final = 5  # hits of a rally: slower balls shake nothing
LOUDEST: Final = 16  # hits of a rally with the loudest crowd

_LONG_AGO: Final = -99.0


class Feel:
    """Follows the match on the screen. Times are seconds of the playing clock."""

    def __init__(self, playing: Playing) -> None:
        self._playing = playing
        self._scores: dict[Side, int] = {}
        self._popped = dict.fromkeys(SIDES, _LONG_AGO)
        self._hits = dict.fromkeys(SIDES, _LONG_AGO)
        self._murmurs_at = 0.0

    def happen(self, bounce: Happening, match: Match, now: float) -> None:
        """Let sparks fly where the ball bounces."""
        sound = sound_of(bounce)
        if sound is None:
            return
        x, ball = float(bounce.args[0]), match["ball"]
        force = ball_speed(match["rally"]) / ball_speed(LOUDEST)
        side: Side = "left" if x < WIDTH / 2 else "right"
        colour = SIDE_COLOURS[side] if bounce.what == "HIT" else WHITE
        burst = juice.Burst(count=16, speed=150, seconds=0.4, size=2.0, colours=[colour, WHITE])
        kit = self._playing.juice
        if bounce.what == "HIT":
            self._hits[side] = now
            away = 0.0 if side == "left" else 180.0
            kit.particles.burst(burst, REACH[side], ball["y"], now, angle=away, strength=0.5 + force)
            if match["rally"] >= SHAKES_FROM:
                kit.shake.kick(0.35 * force, now)
        else:
            wall = 0.0 if ball["y"] < HEIGHT / 2 else HEIGHT
            kit.particles.burst(burst, x, wall, now, strength=0.4)

    def follow(self, match: Match, now: float) -> None:
        """Notice points, and let the crowd murmur."""
        for side in SIDES:
            if match["score"][side] > self._scores.get(side, match["score"][side]):
                self._score(side, match, now)
            self._scores[side] = match["score"][side]
        if match["phase"] == rules.RALLY and match["rally"] >= CROWD_FROM and now >= self._murmurs_at:
            self._murmurs_at = now + CROWD_EVERY
            self._playing.sounds.play("crowd", volume=min(match["rally"] / LOUDEST, 1.0))

    def _score(self, side: Side, match: Match, now: float) -> None:
        self._popped[side] = now
        net = WIDTH if side == "left" else 0.0
        burst = juice.Burst(count=50, speed=260, seconds=0.8, size=3.0, colours=[SIDE_COLOURS[side], WHITE])
        y = min(max(match["ball"]["y"], BALL_RADIUS), HEIGHT - BALL_RADIUS)
        self._playing.juice.particles.burst(burst, net, y, now)
        self._playing.juice.flash.flash(SIDE_COLOURS[side], now, strength=0.15)
        self._playing.sounds.play("cheer", volume=0.5)

    def pop(self, side: Side, now: float) -> float:
        """Return how far the digits of a side have swollen, 0 to 1."""
        return juice.pulse((now - self._popped[side]) / POP)

    def squash(self, side: Side, now: float) -> float:
        """Return how far a paddle is pressed by the ball, 0 to 1."""
        return juice.pulse((now - self._hits[side]) / SQUASH)

    def held(self, ball: Ball, now: float) -> Ball:
        """Return the ball to draw: after a hit it rests for a moment, and then catches up."""
        since = now - max(self._hits.values())
        if not 0.0 <= since < CAUGHT_UP or not ball["vx"]:
            return ball
        late = min(since, HELD) * min((CAUGHT_UP - since) / (CAUGHT_UP - HELD), 1.0)
        return fly(ball, -late * TICKS_PER_SECOND)
