"""The parts in front of the arena, none over another: radar, news, chat, hull, scores, keys."""

import math
from collections.abc import Iterable, Sequence
from typing import Final

import pygame

from games.arena import sprites, walls
from games.arena.board import draw_board
from games.arena.memory import HIT_SECONDS, Judgement, Line
from games.arena.rules import AT, FULL_HEALTH
from games.arena.scene import Scene
from pygase_pygame.app import GREY, LINE, NIGHT, ORANGE, SKY, WHITE, YELLOW, Colour, Lettering, hud, player_colour

KEYS: Final = (
    "WASD: fly · Mouse: aim and shoot · Tab: scores · Enter: chat · F3: network · F5: judge · Esc: menu",
    "WASD: fly · Mouse: shoot · Tab: scores · Enter: chat · F5: judge · Esc: menu",
    "WASD: fly · Mouse: shoot · Tab · Enter: chat · Esc",
    "WASD, mouse · Esc: menu",
)


class Layout:
    """Places of all parts in a window, in pixels. A part without room has height 0."""

    def __init__(self, surface: pygame.Surface) -> None:
        self.text = hud.text_size(surface)
        self.line = self.text + 3
        area, gap = surface.get_rect(), self.text // 2
        usable = area.h - hud.footer_height(surface) - 2 * gap
        radar = min(area.w // 5, 190) if area.w >= 420 and usable >= 220 else 0
        self.radar = pygame.Rect(gap, gap, radar, radar * walls.HEIGHT // walls.WIDTH)
        width = max(area.w * 2 // 5 - gap, 0)
        top = self.radar.bottom + gap if radar else gap
        feed_lines = max(min(4, (usable // 2 - top - 2 * self.line) // self.line), 0)
        self.feed = pygame.Rect(gap, top, width, feed_lines * self.line)
        bottom = usable + gap
        self.entry = pygame.Rect(gap, bottom - self.line - 6, width, self.line + 6)
        log_lines = max(min(6, (usable // 2 - 3 * self.line) // self.line), 0)
        self.log = pygame.Rect(gap, self.entry.top - log_lines * self.line - 2, width, log_lines * self.line)
        bar = min(area.w // 4, 240)
        self.bar = pygame.Rect(area.right - gap - bar, bottom - self.line, bar, self.line)
        judge_lines = max(min(5, (usable // 2 - 3 * self.line) // self.line), 0)
        self.judge = pygame.Rect(0, 0, width, judge_lines * self.line)
        self.judge.bottomright = (area.right - gap, self.bar.top - gap)
        self.board = pygame.Rect(gap, gap, area.w - 2 * gap, usable)


class Front:
    """Draws the parts in front. Create it after `pygame.init()`."""

    def __init__(self, lettering: Lettering) -> None:
        self._letters = lettering
        self._radar: pygame.Surface | None = None

    def draw(self, surface: pygame.Surface, scene: Scene) -> None:
        """Draw the parts in front of a scene."""
        layout = Layout(surface)
        if scene.board:
            draw_board(surface, self._letters, layout.board, layout.text, scene)
        else:
            self._draw_radar(surface, layout.radar, scene)
            self._draw_lines(surface, layout.feed, layout, scene.memory.feed)
            self._draw_lines(surface, layout.log, layout, scene.memory.lines, from_below=True)
            self._draw_health(surface, layout.bar, scene)
            if scene.judge:
                self._draw_legend(surface, layout, scene)
            if scene.notice:
                hud.notice(surface, self._letters, *scene.notice)
        if scene.chat is not None:
            scene.chat.draw(surface, layout.entry, size=layout.text)
        elif scene.sight and not scene.board:
            _draw_sight(surface, scene.sight, max(7, layout.text // 2), scene.now - scene.memory.hit_at < HIT_SECONDS)
        self._draw_footer(surface, layout, scene)

    def _draw_radar(self, surface: pygame.Surface, place: pygame.Rect, scene: Scene) -> None:
        if not place.w:
            return
        if self._radar is None or self._radar.get_size() != place.size:
            self._radar = _radar(place.size)
        surface.blit(self._radar, place)
        scale = place.w / walls.WIDTH
        for number, ship in scene.ships.items():
            middle = round(place.x + ship[AT][0] * scale), round(place.y + ship[AT][1] * scale)
            if number == scene.me:
                pygame.draw.circle(surface, WHITE, middle, 4, 1)
                surface.fill(WHITE, (middle[0] - 1, middle[1] - 1, 3, 3))
            else:
                surface.fill(player_colour(number), (middle[0] - 1, middle[1] - 1, 3, 3))

    def _draw_lines(
        self,
        surface: pygame.Surface,
        place: pygame.Rect,
        layout: Layout,
        lines: Sequence[Line],
        from_below: bool = False,
    ) -> None:
        room = place.h // layout.line
        shown = list(lines)[-room:] if room else []
        y = place.bottom - len(shown) * layout.line if from_below else place.top
        for line in shown:
            colour = {"chat": WHITE, "news": YELLOW, "mine": ORANGE, "feed": GREY}[line.kind]
            self._draw_text(surface, line.text, (place.x, y), layout.text, colour, place.w)
            y += layout.line

    def _draw_text(
        self, surface: pygame.Surface, text: str, at: tuple[int, int], size: int, colour: Colour, width: int
    ) -> None:
        """Draw text with a shadow, readable on any background, at most `width` pixels wide."""
        surface.blit(self._letters.line(text, size, NIGHT, width), (at[0] + 1, at[1] + 1))
        surface.blit(self._letters.line(text, size, colour, width), at)

    def _draw_health(self, surface: pygame.Surface, place: pygame.Rect, scene: Scene) -> None:
        health = scene.health.get(scene.me, 0) if scene.me is not None else 0
        if not health:
            return
        sprites.bar(surface, place, health / FULL_HEALTH)
        text = self._letters.line(f"Hull {health}", place.h - 2, WHITE, place.w - 8)
        shadow = self._letters.line(f"Hull {health}", place.h - 2, NIGHT, place.w - 8)
        at = text.get_rect(center=place.center)
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            surface.blit(shadow, at.move(dx, dy))
        surface.blit(text, at)

    def _draw_legend(self, surface: pygame.Surface, layout: Layout, scene: Scene) -> None:
        place, lines = layout.judge, list(_legend(scene.memory.judgements))
        shown = lines[: place.h // layout.line]
        if shown:
            surface.fill(NIGHT, (place.x, place.y - 2, place.w + 4, len(shown) * layout.line + 2))
        for number, (text, colour) in enumerate(shown):
            width = min(self._letters.width(text, layout.text), place.w)
            at = (place.right - width, place.top + number * layout.line)
            self._draw_text(surface, text, at, layout.text, colour, place.w)

    def _draw_footer(self, surface: pygame.Surface, layout: Layout, scene: Scene) -> None:
        room = surface.get_width() - 2 * layout.text
        fitting = (
            (status, keys)
            for status in scene.status
            for keys in KEYS
            if self._letters.width(status + keys, layout.text) <= room
        )
        hud.footer(surface, self._letters, *next(fitting, (scene.status[-1], "")))


def _legend(judgements: Iterable[Judgement]) -> list[tuple[str, Colour]]:
    lines = [
        ("F5: where the server judged your shots", WHITE),
        ("+ you saw it here", YELLOW),
        ("O the judge saw it here, looking back", SKY),
        ("dashed: here it was at the server by then", GREY),
    ]
    for last in list(judgements)[-1:]:
        off = "" if last.shown is None else f", {math.dist(last.shown, last.seen) / 10:.1f} px from what you saw"
        lines.append((f"{'Hit' if last.hit else 'Miss'}: {last.rewound * 1000:.0f} ms back{off}", ORANGE))
    return lines


def _draw_sight(surface: pygame.Surface, middle: tuple[int, int], size: int, hit: bool) -> None:
    x, y = middle
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        for colour, width in ((NIGHT, 4), (WHITE, 2)):
            start, end = (x + dx * size // 3, y + dy * size // 3), (x + dx * size, y + dy * size)
            pygame.draw.line(surface, colour, start, end, width)
    if hit:
        for dx, dy in ((1, 1), (-1, 1), (1, -1), (-1, -1)):
            pygame.draw.line(
                surface, ORANGE, (x + dx * size // 2, y + dy * size // 2), (x + dx * size, y + dy * size), 3
            )


def _radar(size: tuple[int, int]) -> pygame.Surface:
    radar = pygame.Surface(size).convert()
    radar.fill(NIGHT)
    scale = size[0] / walls.WIDTH
    for wall in walls.WALLS:
        place = (
            wall.left * scale,
            wall.top * scale,
            (wall.right - wall.left) * scale,
            (wall.bottom - wall.top) * scale,
        )
        radar.fill(sprites.WALL, pygame.Rect(*map(round, place)))
    pygame.draw.rect(radar, LINE, radar.get_rect(), 1)
    return radar
