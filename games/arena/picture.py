"""Draws Arena: the part of the place that is around one's own ship, and in front of it what one has to know.

`Scene` says all that there is to see; `Layout` where on a window of any size which words go, so that none cover others.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pygame

from games.arena import sprites, walls
from games.arena.memory import BLAST_SECONDS, HIT_SECONDS, TRACER_SECONDS, Blast, Judgement, Line, Memory, Tracer
from games.arena.rules import AIM, AT, FULL_HEALTH, Ship
from games.common import hud
from games.common.lettering import Lettering
from games.common.palette import (
    FAINT,
    FLOOR,
    GREY,
    LINE,
    NIGHT,
    ORANGE,
    RED,
    SKY,
    WHITE,
    YELLOW,
    Colour,
    mixed,
    player_colour,
)
from pygase_pygame import TextEntry

SEEN: Final = (9_600, 6_400)  # points of the place that a window shows at most: nobody sees farther in a larger one
_GRID: Final = 1_600
_TILE: Final[Colour] = (26, 35, 56)
_WALL: Final[Colour] = (66, 79, 110)
_ROOF: Final[Colour] = (92, 107, 142)

KEYS: Final = (
    "WASD: fly · Mouse: aim and shoot · Tab: scores · Enter: chat · F3: network · F5: judge · Esc: leave",
    "WASD: fly · Mouse: shoot · Tab: scores · Enter: chat · F5: judge · Esc: leave",
    "WASD: fly · Mouse: shoot · Tab · Enter: chat · Esc",
    "WASD, mouse · Esc: leave",
)


@dataclass
class Scene:
    """Everything that is to be seen in one frame. The tables are those of the state; see `server`."""

    now: float
    memory: Memory
    me: int | None = None
    ships: Mapping[int, Ship] = field(default_factory=dict)
    health: Mapping[int, int] = field(default_factory=dict)
    shields: Mapping[int, bool] = field(default_factory=dict)
    pilots: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    scores: Mapping[int, Sequence[int]] = field(default_factory=dict)
    winner: int | None = None
    middle: Sequence[float] = (walls.WIDTH / 2, walls.HEIGHT / 2)  # what the window looks at
    sight: tuple[int, int] | None = None  # where one aims, in pixels
    hurt: float = 0.0  # how much of a warning flash there is, 0 to 1
    notice: tuple[str, str] | None = None
    status: Sequence[str] = ("",)  # how things are, the long way first
    board: bool = False
    judge: bool = False
    chat: TextEntry | None = None


class Camera:
    """Points of the place to pixels of a window."""

    def __init__(self, size: tuple[int, int], middle: Sequence[float]) -> None:
        self.size = size
        self.scale = max(size[0] / SEEN[0], size[1] / SEEN[1], 1e-6)
        self.left = _held(middle[0], size[0] / self.scale, walls.WIDTH)
        self.top = _held(middle[1], size[1] / self.scale, walls.HEIGHT)

    def pixel(self, place: Sequence[float]) -> tuple[int, int]:
        """Return the pixel at which a place is."""
        return round((place[0] - self.left) * self.scale), round((place[1] - self.top) * self.scale)

    def pixels(self, length: float) -> int:
        """Return a length in pixels, at least one."""
        return max(1, round(length * self.scale))

    def shows(self, place: Sequence[float], around: float) -> bool:
        """Tell whether something of that size around a place is in the window."""
        x, y = (place[0] - self.left) * self.scale, (place[1] - self.top) * self.scale
        around *= self.scale
        return -around < x < self.size[0] + around and -around < y < self.size[1] + around


def field_of(surface: pygame.Surface) -> tuple[int, int]:
    """Return the size of the part of a window in which the arena is to be seen: all but the footer."""
    return surface.get_width(), max(1, surface.get_height() - _footer_height(surface))


def _footer_height(surface: pygame.Surface) -> int:
    return round(hud.text_size(surface) * 1.5)


class Layout:
    """Where in a window of a given size is what, in pixels; what there is no room for has no height."""

    def __init__(self, surface: pygame.Surface) -> None:
        self.text = hud.text_size(surface)
        self.line = self.text + 3
        area, gap = surface.get_rect(), self.text // 2
        usable = area.h - _footer_height(surface) - 2 * gap
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


class Picture:
    """Draws scenes. Keeps what does not change from frame to frame; make it after `pygame.init()`."""

    def __init__(self, lettering: Lettering) -> None:
        self._letters = lettering
        self._radar: pygame.Surface | None = None

    def draw(self, surface: pygame.Surface, scene: Scene) -> None:
        """Draw the scene over the whole surface."""
        camera, layout = Camera(field_of(surface), scene.middle), Layout(surface)
        _draw_floor(surface, camera)
        for tracer in scene.memory.tracers:
            _draw_tracer(surface, camera, tracer, scene.now)
        for number, ship in scene.ships.items():
            if camera.shows(ship[AT], 3 * walls.RADIUS):
                self._draw_ship(surface, camera, scene, number, ship)
        for blast in scene.memory.blasts:
            _draw_blast(surface, camera, blast, scene.now)
        if scene.judge:
            for judgement in scene.memory.judgements:
                _draw_judgement(surface, camera, judgement)
        if scene.hurt > 0:
            _draw_hurt(surface, scene.hurt)
        self._draw_front(surface, layout, scene)

    def _draw_front(self, surface: pygame.Surface, layout: Layout, scene: Scene) -> None:
        """Draw what stands in front of the game."""
        if scene.board:
            self._draw_board(surface, layout, scene)
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

    def _draw_footer(self, surface: pygame.Surface, layout: Layout, scene: Scene) -> None:
        """Draw how things are, and which keys there are: the more words the more room there is."""
        room = surface.get_width() - 2 * layout.text
        fitting = (
            (status, keys)
            for status in scene.status
            for keys in KEYS
            if self._letters.width(status + keys, layout.text) <= room
        )
        hud.footer(surface, self._letters, *next(fitting, (scene.status[-1], "")))

    # -- in the place

    def _draw_ship(self, surface: pygame.Surface, camera: Camera, scene: Scene, number: int, ship: Ship) -> None:
        middle, radius = camera.pixel(ship[AT]), camera.pixels(walls.RADIUS)
        picture = sprites.ship(player_colour(number), 2 * radius, ship[AIM])
        surface.blit(picture, picture.get_rect(center=middle))
        if scene.shields.get(number):
            sprites.ring(surface, SKY, middle, radius * 1.5, 8)
        if number == scene.me:
            pygame.draw.circle(surface, WHITE, middle, radius + 4, 2)
            return
        health = scene.health.get(number, 0)
        if 0 < health < FULL_HEALTH:
            bar = pygame.Rect(0, 0, 2 * radius, max(3, radius // 5))
            bar.midtop = (middle[0], middle[1] + radius + 4)
            _draw_bar(surface, bar, health / FULL_HEALTH)
        if number in scene.pilots:
            name, is_bot = scene.pilots[number]
            above = (middle[0], middle[1] - radius - 4)
            hud.name_tag(surface, self._letters, name, above, GREY if is_bot else WHITE)

    # -- in front of it

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
        """Draw words straight onto the game, with a shadow, so that they can be read on everything."""
        surface.blit(self._letters.line(text, size, NIGHT, width), (at[0] + 1, at[1] + 1))
        surface.blit(self._letters.line(text, size, colour, width), at)

    def _draw_health(self, surface: pygame.Surface, place: pygame.Rect, scene: Scene) -> None:
        health = scene.health.get(scene.me, 0) if scene.me is not None else 0
        if not health:
            return
        _draw_bar(surface, place, health / FULL_HEALTH)
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

    def _draw_board(self, surface: pygame.Surface, layout: Layout, scene: Scene) -> None:
        """Draw the scores of all, in as many columns as they need."""
        title = "Scores"
        if scene.winner is not None and scene.winner in scene.pilots:
            title = (
                "You win the round" if scene.winner == scene.me else f"{scene.pilots[scene.winner][0]} wins the round"
            )
        ranked = ranking(scene.scores)
        place = layout.board
        columns = 2 if len(ranked) > 10 and place.w >= 400 else 1
        rows = -(-len(ranked) // columns)
        line = max(12, min(layout.line + 3, (place.h - layout.line * 3) // max(rows + 1, 1)))
        shown = max(1, (place.h - layout.line * 3) // line - 1)
        width = min((place.w - layout.text) // columns - layout.text, 16 * line)
        box = pygame.Rect(0, 0, columns * (width + layout.text), layout.line * 2 + (min(rows, shown) + 1) * line)
        box.inflate_ip(layout.text, layout.text)
        box.center = place.center
        box.clamp_ip(place)
        pygame.draw.rect(surface, NIGHT, box, border_radius=8)
        pygame.draw.rect(surface, LINE, box, 1, border_radius=8)
        heading = self._letters.line(title, round(layout.text * 1.5), WHITE, box.w - layout.text)
        surface.blit(heading, heading.get_rect(midtop=(box.centerx, box.top + layout.text // 2)))
        top = box.top + layout.text // 2 + layout.line * 2
        for column in range(columns):
            x = box.left + layout.text + column * (width + layout.text)
            self._draw_row(surface, (x, top), width, line, ("", "Pilot", "Wrecked", "Lost"), GREY)
            for row, number in enumerate(ranked[column * rows : column * rows + min(rows, shown)]):
                kills, deaths = scene.scores[number]
                cells = (f"{column * rows + row + 1}.", scene.pilots.get(number, ["?"])[0], str(kills), str(deaths))
                colour = WHITE if number == scene.me else mixed(player_colour(number), WHITE, 0.35)
                at = (x, top + (row + 1) * line)
                if number == scene.me:
                    pygame.draw.rect(surface, FAINT, (x - 4, at[1] - 2, width + 4, line), border_radius=3)
                self._draw_row(surface, at, width, line, cells, colour)

    def _draw_row(
        self, surface: pygame.Surface, at: tuple[int, int], width: int, line: int, cells: Sequence[str], colour: Colour
    ) -> None:
        size = line - 2
        edges = (0.1, 0.6, 0.84, 1.0)  # where cells end, of the width
        for number, (cell, end) in enumerate(zip(cells, edges, strict=True)):
            start = edges[number - 1] if number else 0.0
            text = self._letters.line(cell, size, colour, round((end - start) * width) - 4)
            x = at[0] + (round(start * width) + 4 if number == 1 else round(end * width) - text.get_width() - 2)
            surface.blit(text, (x, at[1]))


def _title(scene: Scene) -> str:
    if scene.winner is None or scene.winner not in scene.pilots:
        return "Scores"
    return "You win the round" if scene.winner == scene.me else f"{scene.pilots[scene.winner][0]} wins the round"


def ranking(scores: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the numbers of all pilots, the best first."""
    return sorted(scores, key=lambda number: (-scores[number][0], scores[number][1], number))


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


def _held(middle: float, seen: float, size: int) -> float:
    """Return where the window begins, so that it looks at the middle, but not out of the place."""
    return max(0.0, min(middle - seen / 2, size - seen))


def _draw_floor(surface: pygame.Surface, camera: Camera) -> None:
    surface.fill(FLOOR)
    (left, top), (right, bottom) = camera.pixel((0, 0)), camera.pixel((walls.WIDTH, walls.HEIGHT))
    for x in range(_GRID, walls.WIDTH, _GRID):
        surface.fill(_TILE, (camera.pixel((x, 0))[0], 0, 2, surface.get_height()))
    for y in range(_GRID, walls.HEIGHT, _GRID):
        surface.fill(_TILE, (0, camera.pixel((0, y))[1], surface.get_width(), 2))
    edge = camera.pixels(60)
    for wall in walls.WALLS:
        (x, y), (end_x, end_y) = camera.pixel((wall.left, wall.top)), camera.pixel((wall.right, wall.bottom))
        surface.fill(_WALL, (x, y, end_x - x, end_y - y))
        surface.fill(_ROOF, (x, y, end_x - x, edge))
    pygame.draw.rect(surface, _ROOF, (left, top, right - left, bottom - top), edge)


def _draw_tracer(surface: pygame.Surface, camera: Camera, tracer: Tracer, now: float) -> None:
    age = min(max((now - tracer.at) / TRACER_SECONDS, 0.0), 1.0)
    length = math.dist(tracer.start, tracer.end)
    if length <= walls.RADIUS:
        return
    muzzle = [a + (b - a) * walls.RADIUS * 1.2 / length for a, b in zip(tracer.start, tracer.end, strict=True)]
    colour = mixed(mixed(player_colour(tracer.shooter), WHITE, 0.4), FLOOR, age)
    end = camera.pixel(tracer.end)
    pygame.draw.line(surface, colour, camera.pixel(muzzle), end, max(1, round(camera.pixels(35) * (1 - age / 2))))
    spark = camera.pixels(110 if tracer.hit else 60)
    pygame.draw.circle(surface, mixed(WHITE, FLOOR, age), end, max(1, round(spark * (0.4 + age))), 1 + tracer.hit)


def _draw_blast(surface: pygame.Surface, camera: Camera, blast: Blast, now: float) -> None:
    if not camera.shows(blast.place, 6 * walls.RADIUS):
        return
    age = min(max((now - blast.at) / BLAST_SECONDS, 0.0), 1.0)
    middle, colour = camera.pixel(blast.place), player_colour(blast.number)
    pygame.draw.circle(
        surface,
        mixed(WHITE, FLOOR, age),
        middle,
        camera.pixels(walls.RADIUS * (0.6 + 3 * age)),
        max(1, round(6 * (1 - age))),
    )
    for part in range(10):
        angle, speed = part * 2.4, 1.6 + part % 4
        way = camera.pixels(walls.RADIUS * speed * age)
        size = max(1, round(camera.pixels(70) * (1 - age)))
        x, y = middle[0] + way * math.cos(angle), middle[1] + way * math.sin(angle)
        surface.fill(mixed(colour, FLOOR, age * 0.7), (x - size / 2, y - size / 2, size, size))


def _draw_judgement(surface: pygame.Surface, camera: Camera, judgement: Judgement) -> None:
    seen, now, radius = camera.pixel(judgement.seen), camera.pixel(judgement.now), camera.pixels(walls.RADIUS)
    pygame.draw.line(surface, ORANGE, camera.pixel(judgement.start), camera.pixel(judgement.end), 1)
    pygame.draw.line(surface, GREY, seen, now, 1)
    sprites.ring(surface, GREY, now, radius, 10)
    pygame.draw.circle(surface, SKY, seen, radius, 3 if judgement.hit else 1)
    if judgement.shown is not None:
        x, y = camera.pixel(judgement.shown)
        pygame.draw.line(surface, YELLOW, (x - 6, y), (x + 6, y), 2)
        pygame.draw.line(surface, YELLOW, (x, y - 6), (x, y + 6), 2)


def _draw_hurt(surface: pygame.Surface, share: float) -> None:
    colour, width = mixed(RED, FLOOR, 1 - share), max(2, round(surface.get_height() * 0.02))
    pygame.draw.rect(surface, colour, surface.get_rect(), width)


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


def _draw_bar(surface: pygame.Surface, place: pygame.Rect, share: float) -> None:
    """Draw how much there is of something: the less, the shorter, and below a third in another colour."""
    pygame.draw.rect(surface, NIGHT, place.inflate(2, 2))
    colour = ORANGE if share <= 0.4 else SKY
    surface.fill(mixed(colour, NIGHT, 0.25), (place.x, place.y, round(place.w * share), place.h))


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
        radar.fill(_WALL, pygame.Rect(*map(round, place)))
    pygame.draw.rect(radar, LINE, radar.get_rect(), 1)
    return radar
