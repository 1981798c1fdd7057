"""Draws Pong: a `Scene`, which says all that there is to see, onto a surface of any size.

Everything is laid out in the court units of the rules and then scaled, so one layout serves every window.
Orange and sky blue are told apart by nearly everyone who cannot tell other colours apart; even so, nothing is
said by colour alone.
"""

import math

import pygame

from games.pong import rules
from games.pong.lettering import Colour, Lettering, stacked
from games.pong.rules import LEFT, RIGHT, Match, Side
from games.pong.scene import Notice, Scene

NIGHT: Colour = (10, 14, 24)
FLOOR: Colour = (21, 29, 47)
LINE: Colour = (74, 88, 118)
FAINT: Colour = (52, 64, 92)
WHITE: Colour = (240, 243, 249)
GREY: Colour = (158, 170, 194)
SIDE_COLOURS: dict[Side, Colour] = {LEFT: (240, 165, 0), RIGHT: (86, 180, 233)}

PADDLE_X: dict[Side, float] = {
    LEFT: rules.PADDLE_MARGIN,
    RIGHT: rules.WIDTH - rules.PADDLE_MARGIN - rules.PADDLE_WIDTH,
}

MARGIN = 8.0  # court units around the court, and between all else
HEADER = 24.0  # court units for the names above the court ...
FOOTER = 18.0  # ... and for the line below it
NOTICE_SIZES = (18.0, 16.0, 14.0, 12.0, 10.0)  # court units, as large as fits
PICTURE = (rules.WIDTH + 2 * MARGIN, HEADER + rules.HEIGHT + FOOTER + MARGIN)


class Layout:
    """Where everything is in a window of a given size: court units to pixels, the picture in the middle."""

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self.scale = min(width / PICTURE[0], height / PICTURE[1])
        self._left = (width - PICTURE[0] * self.scale) / 2 + MARGIN * self.scale
        self._top = (height - PICTURE[1] * self.scale) / 2 + HEADER * self.scale
        self.court = self.rect(0, 0, rules.WIDTH, rules.HEIGHT)
        self.header = self.rect(0, -HEADER, rules.WIDTH, HEADER)
        self.footer = self.rect(0, rules.HEIGHT, rules.WIDTH, FOOTER + MARGIN)

    def point(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a point of the court."""
        return round(self._left + x * self.scale), round(self._top + y * self.scale)

    def rect(self, x: float, y: float, width: float, height: float) -> pygame.Rect:
        """Return the pixels of a part of the court."""
        left, top = self.point(x, y)
        right, bottom = self.point(x + width, y + height)
        return pygame.Rect(left, top, right - left, bottom - top)

    def pixels(self, length: float) -> int:
        """Return a length in pixels: at least one, so that nothing vanishes in a small window."""
        return max(1, round(length * self.scale))


class Court:
    """Draws scenes. Keeps what does not change from frame to frame; make it after `pygame.init()`."""

    def __init__(self) -> None:
        self._lettering = Lettering()
        self._layout = Layout((0, 0))
        self._ground = pygame.Surface((0, 0))
        self._ball = pygame.Surface((0, 0))

    def draw(self, surface: pygame.Surface, scene: Scene) -> None:
        """Draw the scene over the whole surface."""
        if self._ground.get_size() != surface.get_size():
            self._prepare(surface.get_size())
        surface.blit(self._ground, (0, 0))
        if scene.match:
            self._draw_match(surface, scene.match, scene.you)
        self._draw_names(surface, scene)
        self._draw_footer(surface, scene)
        if scene.notice:
            self._draw_notice(surface, scene.notice)
        if scene.news:
            self._draw_news(surface, scene.news)

    def _prepare(self, size: tuple[int, int]) -> None:
        self._layout = Layout(size)
        self._ground = _ground(self._layout, size)
        self._ball = _disc(self._layout.pixels(2 * rules.BALL_RADIUS), WHITE)

    def _draw_match(self, surface: pygame.Surface, match: Match, you: Side | None) -> None:
        self._draw_score(surface, match)
        self._draw_paddles(surface, match, you)
        if match["phase"] != rules.OVER:
            self._draw_ball(surface, match)

    def _draw_score(self, surface: pygame.Surface, match: Match) -> None:
        for side, points in match["score"].items():
            x = rules.WIDTH * (1 / 4 if side == LEFT else 3 / 4)
            text = self._lettering.line(str(points), self._layout.pixels(72), LINE, self._layout.court.w // 2)
            surface.blit(text, text.get_rect(center=self._layout.point(x, 34)))

    def _draw_paddles(self, surface: pygame.Surface, match: Match, you: Side | None) -> None:
        layout = self._layout
        for side, y in match["paddles"].items():
            paddle = layout.rect(PADDLE_X[side], y - rules.PADDLE_HALF, rules.PADDLE_WIDTH, 2 * rules.PADDLE_HALF)
            pygame.draw.rect(surface, SIDE_COLOURS[side], paddle, border_radius=layout.pixels(2))
            if side == you:
                self._draw_pointer(surface, side, y)

    def _draw_pointer(self, surface: pygame.Surface, side: Side, y: float) -> None:
        """Draw the little arrow behind a paddle that says: this one is yours."""
        tip = rules.PADDLE_MARGIN - 2.5
        corners = [(tip, y), (tip - 5, y - 3.5), (tip - 5, y + 3.5)]
        if side == RIGHT:
            corners = [(rules.WIDTH - x, y) for x, y in corners]
        pygame.draw.polygon(surface, WHITE, [self._layout.point(*corner) for corner in corners])

    def _draw_ball(self, surface: pygame.Surface, match: Match) -> None:
        ball = match["ball"]
        middle = self._layout.point(ball["x"], ball["y"])
        surface.blit(self._ball, self._ball.get_rect(center=middle))
        if match["phase"] == rules.SERVE:
            self._draw_serve(surface, match)

    def _draw_serve(self, surface: pygame.Surface, match: Match) -> None:
        """Draw a ring around the ball that runs out, and an arrow to where the ball will fly."""
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
        header = self._layout.header
        for side, name in scene.names.items():
            said = f"{name} (you)" if side == scene.you else name
            width = header.w // 2 - self._layout.pixels(MARGIN)
            text = self._lettering.line(said, self._layout.pixels(20), SIDE_COLOURS[side], width)
            at = header.midleft if side == LEFT else (header.right - text.get_width(), header.centery)
            surface.blit(text, text.get_rect(midleft=at))

    def _draw_footer(self, surface: pygame.Surface, scene: Scene) -> None:
        footer, size = self._layout.footer, self._layout.pixels(17)
        dot = self._layout.pixels(3)
        middle = (footer.left + dot, footer.centery)
        filled = 0 if scene.healthy else max(1, dot // 3)  # a ring for trouble: told without a colour, too
        pygame.draw.circle(surface, WHITE if scene.healthy else GREY, middle, dot, filled)
        left = footer.left + 4 * dot
        status = self._lettering.line(scene.status, size, GREY, footer.right - left)
        surface.blit(status, status.get_rect(midleft=(left, footer.centery)))
        room = footer.right - left - status.get_width() - self._layout.pixels(MARGIN)
        if self._lettering.width(scene.keys, size) <= room:
            keys = self._lettering.line(scene.keys, size, GREY, room)
            surface.blit(keys, keys.get_rect(midright=footer.midright))

    def _draw_news(self, surface: pygame.Surface, news: str) -> None:
        court, pad = self._layout.court, self._layout.pixels(5)
        text = self._lettering.line(news, self._layout.pixels(16), WHITE, court.w - 8 * pad)
        box = text.get_rect(midbottom=(court.centerx, court.bottom - 2 * pad)).inflate(4 * pad, pad)
        pygame.draw.rect(surface, NIGHT, box, border_radius=pad)
        pygame.draw.rect(surface, LINE, box, self._layout.pixels(0.7), border_radius=pad)
        surface.blit(text, text.get_rect(center=box.center))

    def _draw_notice(self, surface: pygame.Surface, notice: Notice) -> None:
        text, pad = self._notice_text(notice), self._layout.pixels(10)
        box = text.get_rect(center=self._layout.court.center).inflate(2 * pad, 2 * pad)
        pygame.draw.rect(surface, NIGHT, box, border_radius=pad)
        pygame.draw.rect(surface, LINE, box, self._layout.pixels(0.7), border_radius=pad)
        surface.blit(text, text.get_rect(center=box.center))

    def _notice_text(self, notice: Notice) -> pygame.Surface:
        """Return the words of a notice, as large as the court has room for between the scores and the news."""
        for size in NOTICE_SIZES:
            text = self._notice_at(notice, size)
            if text.get_height() <= self._layout.court.h * 0.55:
                break
        return text

    def _notice_at(self, notice: Notice, size: float) -> pygame.Surface:
        letters, pixels = self._lettering, self._layout.pixels
        width = round(self._layout.court.w * 0.77)  # clear of the paddles
        title_size = letters.fitting(notice.title, pixels(size * 1.6), width)
        hint_size = letters.fitting(notice.hint, pixels(size), width)  # on one line: it may be a command to copy
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


def _ground(layout: Layout, size: tuple[int, int]) -> pygame.Surface:
    """Return what lies under everything else: the floor, its edge, and the line in its middle."""
    ground = pygame.Surface(size).convert()
    ground.fill(NIGHT)
    ground.fill(FLOOR, layout.court)
    for y in range(4, int(rules.HEIGHT), 12):
        ground.fill(FAINT, layout.rect(rules.WIDTH / 2 - 1, y, 2, 6))
    edge = layout.pixels(1)
    pygame.draw.rect(ground, LINE, layout.court.inflate(2 * edge, 2 * edge), edge)
    return ground


def _disc(diameter: int, colour: Colour) -> pygame.Surface:
    """Return a disc with a smooth edge, which pygame's own circles do not have."""
    large = pygame.Surface((4 * diameter, 4 * diameter), pygame.SRCALPHA)
    large.fill((*colour, 0))
    pygame.draw.circle(large, colour, (2 * diameter, 2 * diameter), 2 * diameter)
    return pygame.transform.smoothscale(large, (diameter, diameter))
