"""Draws a `Scene` of Pong onto a surface of any size.

The layout is in the court units of the rules; one scale fits it to every window. Nothing is shown by colour alone.
"""

import itertools
import math
from collections.abc import Sequence

import pygame

from games.pong import flight, rules
from games.pong.echo import TrailPoint, flies_from
from games.pong.flight import LEFT, RIGHT, Side
from games.pong.ground import SIDE_COLOURS, Frame, disc, ground_of
from games.pong.key_line import KeyLine
from games.pong.rules import Match
from games.pong.scene import Notice, Scene
from pygase_pygame import juice
from pygase_pygame.app import (
    FLOOR,
    GREY,
    LINE,
    NIGHT,
    WHITE,
    Colour,
    Lettering,
    mixed,
    stacked,
)

MIDDLE_X: dict[Side, float] = {LEFT: flight.WIDTH / 4, RIGHT: flight.WIDTH * 3 / 4}  # of each half, in court units

PADDLE_X: dict[Side, float] = {
    LEFT: flight.PADDLE_MARGIN,
    RIGHT: flight.WIDTH - flight.PADDLE_MARGIN - flight.PADDLE_WIDTH,
}

SCORE_Y = 33.0  # court units: above any notice
GAMES_Y = 9.0
NOTICE_SIZES = (16.0, 14.0, 12.0, 10.0, 8.0)  # court units: the largest that fits is used
BEADS = 1.2  # court units between two discs of a trail: near enough to form a band
LEAST_RALLY = 2  # shorter rallies are not shown, hits


class Court:
    """Draws scenes. Create it after `pygame.init()`."""

    def __init__(self) -> None:
        self._lettering = Lettering()
        self._frame = Frame(pygame.Surface((1, 1)))
        self._layout = self._frame.layout
        self._ground = pygame.Surface((0, 0))
        self._ball = pygame.Surface((0, 0))
        self._key_line = KeyLine(self._lettering)

    def draw(self, surface: pygame.Surface, scene: Scene, effects: juice.Juice | None = None, now: float = 0.0) -> None:
        """Draw the scene over the whole surface, with the effects of a time in seconds."""
        if self._ground.get_size() != surface.get_size():
            self._prepare(surface)
        surface.blit(self._ground, (0, 0))
        if scene.match:
            self._draw_score(surface, scene.match, scene)
            self._draw_rally(surface, scene.match)
        if scene.news:
            self._draw_news(surface, scene.news)  # before the ball, which stays visible
        if scene.match:
            self._draw_match(surface, scene.match, scene)
        if effects is not None:
            self._draw_effects(surface, effects, now)
        self._draw_names(surface, scene)
        self._draw_footer(surface, scene)
        if scene.notice:
            self._draw_notice(surface, scene.notice)

    def _draw_effects(self, surface: pygame.Surface, effects: juice.Juice, now: float) -> None:
        effects.particles.draw(surface, now, self._layout)
        effects.flash.draw(surface, now, self._frame.court)
        dx, dy = effects.shake.offset(now, pixels=self._layout.pixels(5))
        if round(dx) or round(dy):
            surface.scroll(round(dx), round(dy))

    def _prepare(self, surface: pygame.Surface) -> None:
        self._frame = Frame(surface)
        self._layout = self._frame.layout
        self._ground = ground_of(self._frame, surface.get_size())
        self._ball = disc(self._layout.pixels(2 * flight.BALL_RADIUS), WHITE)

    def _draw_match(self, surface: pygame.Surface, match: Match, scene: Scene) -> None:
        surface.set_clip(self._frame.court)  # the predicted ball may leave the court before the server ends the rally
        self._draw_trail(surface, scene.trail, SIDE_COLOURS[flies_from(match)])
        self._draw_paddles(surface, match, scene)
        if match["phase"] != rules.OVER:
            self._draw_ball(surface, match)
        surface.set_clip(None)

    def _draw_score(self, surface: pygame.Surface, match: Match, scene: Scene) -> None:
        for side, points in match["score"].items():
            pop = scene.pops.get(side, 0.0)
            colour = mixed(mixed(LINE, SIDE_COLOURS[side], 0.45), WHITE, 0.6 * pop)
            size = self._layout.pixels(72 * (1.0 + 0.35 * pop))
            text = self._lettering.line(str(points), size, colour, self._frame.court.w // 2)
            surface.blit(text, text.get_rect(center=self._layout.point(MIDDLE_X[side], SCORE_Y)))
            if match["best_of"] > 1:
                self._draw_games(surface, match, side)

    def _draw_games(self, surface: pygame.Surface, match: Match, side: Side) -> None:
        """Draw a ring for each game that wins the series, a disc for each game won."""
        radius = self._layout.pixels(3)
        for number in range(match["best_of"] // 2 + 1):
            won, middle = number < match["games"][side], self._layout.point(games_x(side, number), GAMES_Y)
            width = 0 if won else self._layout.pixels(0.7)
            pygame.draw.circle(surface, GREY if won else LINE, middle, radius, width)

    def _draw_rally(self, surface: pygame.Surface, match: Match) -> None:
        if match["rally"] >= LEAST_RALLY:
            said = f"Rally {match['rally']}"
            text = self._lettering.line(said, self._layout.pixels(11), GREY, self._frame.court.w // 3)
            place = text.get_rect(midtop=self._layout.point(flight.WIDTH / 2, 4))
            surface.fill(FLOOR, place.inflate(self._layout.pixels(4), 0))  # interrupt the line in the middle
            surface.blit(text, place)

    def _draw_trail(self, surface: pygame.Surface, trail: Sequence[TrailPoint], colour: Colour) -> None:
        for one, next_one in itertools.pairwise(trail):
            beads = math.ceil(math.dist(one[:2], next_one[:2]) / BEADS)
            for bead in range(beads):
                x, y, age = (a + (b - a) * bead / beads for a, b in zip(one, next_one, strict=True))
                radius = self._layout.pixels(flight.BALL_RADIUS * (1.0 - age) * 0.9)
                pygame.draw.circle(surface, mixed(FLOOR, colour, 0.5 * (1.0 - age)), self._layout.point(x, y), radius)

    def _draw_paddles(self, surface: pygame.Surface, match: Match, scene: Scene) -> None:
        layout = self._layout
        for side, y in match["paddles"].items():
            squash = scene.squashes.get(side, 0.0)
            wide, half = flight.PADDLE_WIDTH * (1.0 - 0.3 * squash), flight.PADDLE_HALF * (1.0 + 0.06 * squash)
            left = PADDLE_X[side] if side == LEFT else PADDLE_X[side] + flight.PADDLE_WIDTH - wide
            paddle = layout.rect(left, y - half, wide, 2 * half)
            colour = mixed(_colour_of(side, scene), WHITE, 0.7 * squash)
            pygame.draw.rect(surface, colour, paddle, border_radius=layout.pixels(2))
            if side == scene.you:
                self._draw_pointer(surface, side, y)

    def _draw_pointer(self, surface: pygame.Surface, side: Side, y: float) -> None:
        tip = flight.PADDLE_MARGIN - 2.5
        corners = [(tip, y), (tip - 5, y - 3.5), (tip - 5, y + 3.5)]
        if side == RIGHT:
            corners = [(flight.WIDTH - x, y) for x, y in corners]
        pygame.draw.polygon(surface, WHITE, [self._layout.point(*corner) for corner in corners])

    def _draw_ball(self, surface: pygame.Surface, match: Match) -> None:
        ball = match["ball"]
        middle = self._layout.point(ball["x"], ball["y"])
        surface.blit(self._ball, self._ball.get_rect(center=middle))
        if match["phase"] == rules.SERVE:
            self._draw_serve(surface, match)

    def _draw_serve(self, surface: pygame.Surface, match: Match) -> None:
        """Draw the countdown as a ring around the ball, and an arrow in the direction of the serve."""
        layout, ball = self._layout, match["ball"]
        left = min(1.0, match["countdown"] / rules.SERVE_TICKS)
        ring = layout.rect(ball["x"] - 9, ball["y"] - 9, 18, 18)
        start = math.pi / 2
        pygame.draw.arc(surface, GREY, ring, start, start + 2 * math.pi * left, layout.pixels(1.5))
        ahead = 1 if match["serve_to"] == RIGHT else -1
        corners = [(ahead * 19, 0), (ahead * 13, -4), (ahead * 13, 4)]
        arrow = [layout.point(ball["x"] + x, ball["y"] + y) for x, y in corners]
        pygame.draw.polygon(surface, SIDE_COLOURS[match["serve_to"]], arrow)

    def _draw_names(self, surface: pygame.Surface, scene: Scene) -> None:
        header = self._frame.header
        for side, name in scene.names.items():
            said = f"{name} ({scene.remarks[side]})" if side in scene.remarks else name
            width = header.w // 2 - self._frame.text
            text = self._lettering.line(said, round(self._frame.text * 1.5), _colour_of(side, scene), width)
            at = header.midleft if side == LEFT else (header.right - text.get_width(), header.centery)
            surface.blit(text, text.get_rect(midleft=at))

    def _draw_footer(self, surface: pygame.Surface, scene: Scene) -> None:
        footer, size = self._frame.footer, self._frame.text
        dot = max(2, size // 4)
        middle = (footer.left + dot, footer.centery)
        filled = 0 if scene.healthy else max(1, dot // 3)  # 0 fills the disc; trouble draws a ring
        pygame.draw.circle(surface, WHITE if scene.healthy else GREY, middle, dot, filled)
        left = footer.left + 4 * dot
        status = self._lettering.line(scene.status, size, GREY, footer.right - left)
        surface.blit(status, status.get_rect(midleft=(left, footer.centery)))
        said = self._key_line.within(footer.right - left - status.get_width() - size, scene.keys, size)
        keys = self._lettering.line(said, size, GREY, footer.w)
        surface.blit(keys, keys.get_rect(midright=footer.midright))

    def _draw_news(self, surface: pygame.Surface, news: str) -> None:
        court, pad = self._frame.court, self._layout.pixels(5)
        text = self._lettering.line(news, self._layout.pixels(12), WHITE, court.w - 8 * pad)
        box = text.get_rect(midbottom=(court.centerx, court.bottom - 2 * pad)).inflate(4 * pad, pad)
        pygame.draw.rect(surface, NIGHT, box, border_radius=pad)
        pygame.draw.rect(surface, LINE, box, self._layout.pixels(0.7), border_radius=pad)
        surface.blit(text, text.get_rect(center=box.center))

    def _draw_notice(self, surface: pygame.Surface, notice: Notice) -> None:
        text, pad = self._notice_text(notice), self._layout.pixels(10)
        box = text.get_rect(center=self._frame.court.center).inflate(2 * pad, 2 * pad)
        pygame.draw.rect(surface, NIGHT, box, border_radius=pad)
        pygame.draw.rect(surface, LINE, box, self._layout.pixels(0.7), border_radius=pad)
        surface.blit(text, text.get_rect(center=box.center))

    def _notice_text(self, notice: Notice) -> pygame.Surface:
        """Return a notice's text, in the largest size that hides neither scores nor news."""
        for size in NOTICE_SIZES:
            text = self._notice_at(notice, size)
            if text.get_height() <= self._frame.court.h * 0.5:
                break
        return text

    def _notice_at(self, notice: Notice, size: float) -> pygame.Surface:
        letters, pixels = self._lettering, self._layout.pixels
        width = round(self._frame.court.w * 0.77)  # leaves the paddles free
        title_size = letters.fitting(notice.title, pixels(size * 1.6), width)
        hint_size = letters.fitting(notice.hint, pixels(size), width)  # one line: it may be a command to copy
        blocks = [
            letters.block(words, block_size, colour, width)
            for words, block_size, colour in (
                (notice.title, title_size, WHITE),
                (notice.text, pixels(size), GREY),
                (notice.hint, hint_size, WHITE),
            )
            if words
        ]
        return stacked(blocks, gap=pixels(size / 3))


def games_x(side: Side, number: int) -> float:
    """Return the x of the mark for game `number` of a side, in court units. Marks go outwards."""
    outwards = 30.0 + 10.0 * number
    return flight.WIDTH / 2 + (-outwards if side == LEFT else outwards)


def _colour_of(side: Side, scene: Scene) -> Colour:
    """Return the colour of a side: grey while its player has lost the connection."""
    return GREY if side in scene.lost else SIDE_COLOURS[side]
