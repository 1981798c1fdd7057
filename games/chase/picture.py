"""Draws Chase: the arena, the runners, the scores, and the most important sentence at the top."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import pygame

from games.chase import rules, walls, words
from games.chase.figures import Figures
from games.chase.layout import ROW, WORLD, Places
from pygase_pygame.app import (
    FAINT,
    FLOOR,
    GREY,
    LINE,
    NIGHT,
    ORANGE,
    WHITE,
    YELLOW,
    Colour,
    Lettering,
    hud,
    mixed,
    player_colour,
)

TRAIL: Final = 7  # places in the trail of a dash
FLASH_SECONDS: Final = 0.6
SPIN_SECONDS: Final = 0.05  # from one picture of the spikes to the next
TILE_POINTS: Final = 700  # points
SMALLEST_NAME: Final = 14  # pixels
LOST_FADED: Final = 0.75  # share of the floor in the colour of a runner whose connection is lost
NEEDS_ARROW: Final = 450  # points: farther than this, an arrow shows the direction

Table = Mapping[int, Any]
Spot = tuple[float, float]
Cell = tuple[int, int, int, int]  # left, top, width, height


class Row(NamedTuple):
    """A row of the board."""

    number: int
    name: str
    seconds: int
    tags: int
    it: bool
    mine: bool


class Picture:
    """Draws frames. It keeps the ground, and the runners' directions and trails."""

    def __init__(self, letters: Lettering) -> None:
        self._letters = letters
        self._size = (0, 0)
        self._places = Places((1, 1), 1, 1)
        self._ground = pygame.Surface((0, 0))
        self._figures = Figures(1)
        self._board: pygame.Surface | None = None
        self._board_rows: list[Row | None] = []
        self._facing: dict[int, float] = {}
        self._trails: dict[int, deque[Spot]] = {}
        self._flashes: deque[tuple[float, Spot]] = deque(maxlen=rules.MOST_RUNNERS)

    def flash(self, at: Spot, now: float) -> None:
        """Show a flash at the place of a tag, from `now` (seconds) on."""
        self._flashes.append((now, at))

    def draw(self, surface: pygame.Surface, state: Mapping[str, Any], me: int | None, now: float) -> None:
        """Draw everything but the footer.

        :param state: the game state; it may be empty.
        :param me: the number of the player's own runner.
        :param now: seconds.
        """
        self._prepare(surface)
        surface.blit(self._ground, (0, 0))
        runners, people = state.get("runners", {}), state.get("people", {})
        runners = {number: runner for number, runner in runners.items() if number in people}
        if not runners:
            return
        self._remember(runners)
        self._draw_flashes(surface, now)
        self._draw_runners(surface, runners, people, me, now)
        arrow = self._draw_me(surface, me, runners) if me is not None and me in runners else None
        self._draw_names(surface, runners, people, me, arrow)
        is_me = me in runners and runners[me]["it"]
        colour = YELLOW if is_me else WHITE
        self._draw_header(
            surface,
            words.headline(runners, people, me, state["round"]["winner"]),
            colour,
            words.time_left(state["round"]),
        )
        self._draw_board(surface, state["scores"], people, runners, me)

    def notice(self, surface: pygame.Surface, title: str, text: str, hint: str = "") -> None:
        """Draw a box in the middle of the arena."""
        area = surface.get_rect().clip(self._places.world.area)
        hud.notice(surface.subsurface(area), self._letters, title, text, hint)

    # -- the ground --------------------------------------------------------------------------------------------------

    def _prepare(self, surface: pygame.Surface) -> None:
        if surface.get_size() == self._size:
            return
        self._size = surface.get_size()
        self._places = Places(self._size, hud.text_size(surface), hud.footer_height(surface))
        self._figures = Figures(self._places.world.pixels(walls.RADIUS))
        self._ground, self._board = self._paint_ground(), None

    def _paint_ground(self) -> pygame.Surface:
        layout, ground = self._places.world, pygame.Surface(self._size).convert()
        ground.fill(NIGHT)
        ground.fill(FLOOR, layout.area)
        checks = mixed(FLOOR, FAINT, 0.25)
        for column in range(WORLD[0] // TILE_POINTS):
            for row in range(column % 2, WORLD[1] // TILE_POINTS, 2):
                ground.fill(checks, layout.rect(column * TILE_POINTS, row * TILE_POINTS, TILE_POINTS, TILE_POINTS))
        for wall in walls.WALLS:
            ground.fill(LINE, layout.rect(wall.left, wall.top, wall.right - wall.left, wall.bottom - wall.top))
        lit = mixed(LINE, WHITE, 0.35)
        for wall in walls.WALLS:
            ground.fill(lit, layout.rect(wall.left, wall.top, wall.right - wall.left, 30))
        edge = layout.pixels(20)
        pygame.draw.rect(ground, LINE, pygame.Rect(layout.area).inflate(2 * edge, 2 * edge), edge)
        return ground

    # -- the runners -------------------------------------------------------------------------------------------------

    def _remember(self, runners: Table) -> None:
        for gone in self._trails.keys() - runners.keys():
            del self._trails[gone]
            self._facing.pop(gone, None)
        for number, runner in runners.items():
            at = (runner["x"], runner["y"])
            trail = self._trails.setdefault(number, deque(maxlen=TRAIL))
            if trail and math.dist(trail[-1], at) > 4:
                self._facing[number] = math.atan2(at[1] - trail[-1][1], at[0] - trail[-1][0])
            trail.append(at)

    def _draw_runners(self, surface: pygame.Surface, runners: Table, people: Table, me: int | None, now: float) -> None:
        for number in sorted(runners, key=lambda n: (n == me, runners[n]["it"])):
            if people[number]["lost"]:  # a shadow, which nobody can catch
                at = self._places.world.point(runners[number]["x"], runners[number]["y"])
                _blit(surface, self._figures.body(number, faded=LOST_FADED), at)
            else:
                self._draw_runner(surface, number, runners[number], now)

    def _draw_runner(self, surface: pygame.Surface, number: int, runner: Mapping[str, Any], now: float) -> None:
        figures, point = self._figures, self._places.world.point
        middle = point(runner["x"], runner["y"])
        if rules.is_dashing(runner):
            for age, spot in enumerate(self._trails[number]):
                _blit(surface, figures.body(number, faded=0.9 - 0.08 * age), point(*spot))
        if runner["it"]:
            _blit(surface, figures.spikes(int(now / SPIN_SECONDS), bool(runner["frozen"])), middle)
        _blit(surface, figures.body(number), middle)
        figures.draw_eyes(surface, middle, self._facing.get(number, math.pi / 2), angry=runner["it"])
        if runner["safe"]:
            figures.draw_dots(surface, middle, runner["safe"] / rules.SAFE_TICKS)

    def _draw_me(self, surface: pygame.Surface, me: int, runners: Table) -> pygame.Rect | None:
        """Draw the player's rim, and an arrow to the chaser or to the nearest prey. Return the arrow's box."""
        mine = runners[me]
        middle = self._places.world.point(mine["x"], mine["y"])
        self._figures.draw_rim(surface, middle)
        others = {n: r for n, r in runners.items() if n != me and (r["it"] or (mine["it"] and not r["safe"]))}
        if not others:
            return None
        to = min(others.values(), key=lambda r: math.dist((r["x"], r["y"]), (mine["x"], mine["y"])))
        if math.dist((to["x"], to["y"]), (mine["x"], mine["y"])) < NEEDS_ARROW:
            return None
        bearing = math.atan2(to["y"] - mine["y"], to["x"] - mine["x"])
        return self._figures.draw_pointer(surface, middle, bearing, WHITE if mine["it"] else ORANGE)

    def _draw_names(
        self, surface: pygame.Surface, runners: Table, people: Table, me: int | None, arrow: pygame.Rect | None
    ) -> None:
        """Draw the names that fit; the player's own and the chaser's always."""
        area, radius = pygame.Rect(self._places.world.area), self._figures.radius
        size = max(min(round(self._places.text * 0.85), 2 * radius), SMALLEST_NAME)
        bodies = {n: pygame.Rect(0, 0, 2 * radius, 2 * radius) for n in runners}
        for number, body in bodies.items():
            body.center = self._places.world.point(runners[number]["x"], runners[number]["y"])
        taken = list(bodies.values()) + ([arrow] if arrow else [])
        for number in sorted(runners, key=lambda n: (n != me, not runners[n]["it"], n)):
            runner, matters = runners[number], number == me or runners[number]["it"]
            name = "You" if number == me else words.name_of(people[number])
            line = self._letters.line(name, size, WHITE if matters else GREY, area.w // 4)
            (x, y), away = bodies[number].center, round(radius * (2.0 if runner["it"] or runner["safe"] else 1.3))
            above = line.get_rect(midbottom=(x, y - away)).clamp(area)
            below = line.get_rect(midtop=(x, y + away)).clamp(area)
            places = [above, below]
            if matters:  # more places for these two names
                places += [line.get_rect(midleft=(x + away, y)), line.get_rect(midright=(x - away, y))]
            free = [place for place in places if area.contains(place) and place.collidelist(taken) < 0]
            if free or matters:
                place = free[0] if free else above
                taken.append(place)
                surface.blit(line, place)

    def _draw_flashes(self, surface: pygame.Surface, now: float) -> None:
        while self._flashes and now - self._flashes[0][0] > FLASH_SECONDS:
            self._flashes.popleft()
        for since, at in self._flashes:
            done = max(0.0, (now - since) / FLASH_SECONDS)
            radius = round(self._figures.radius * (1 + 5 * done))
            width = max(1, round(self._figures.radius * 0.4 * (1 - done)))
            pygame.draw.circle(surface, mixed(YELLOW, FLOOR, done), self._places.world.point(*at), radius, width)

    # -- header and board ----------------------------------------------------------------------------------------------

    def _draw_header(self, surface: pygame.Surface, headline: str, colour: Colour, time: str) -> None:
        left, top, width, height = self._places.header
        size, gap, middle = round(self._places.text * 1.5), self._places.text // 2, top + height // 2
        clock = self._letters.line(time, size, WHITE, width // 3)
        surface.blit(clock, clock.get_rect(midright=(left + width - gap, middle)))
        line = self._letters.line(headline, size, colour, width - clock.get_width() - 4 * gap)
        surface.blit(line, line.get_rect(midleft=(left + gap, middle)))

    def _draw_board(
        self, surface: pygame.Surface, scores: Table, people: Table, runners: Table, me: int | None
    ) -> None:
        """Draw the scores, as the room allows. They change about once a second, so the board is kept between frames."""
        places = self._places
        if not places.board[2]:
            return
        rows = max(1, places.rows - 1)
        shown = [
            None if n is None else Row(n, people[n]["name"], scores[n][0], scores[n][1], runners[n]["it"], n == me)
            for n in words.board(scores, people, runners, rows * places.columns, me)
        ]
        if self._board is None or shown != self._board_rows:
            self._board, self._board_rows = self._paint_board(shown, rows), shown
        surface.blit(self._board, places.board[:2])

    def _paint_board(self, shown: Sequence[Row | None], rows: int) -> pygame.Surface:
        _, _, width, height = self._places.board
        board = pygame.Surface((width, height)).convert()
        board.fill(NIGHT)
        step, column_width = self._places.text * ROW, width / self._places.columns
        for column in range(math.ceil(len(shown) / rows)):
            x, inner = round(column * column_width), round(column_width) - self._places.text // 2
            self._paint_cells(board, (x, 0, inner, round(step)), ("Player", "free", "tags"), GREY)
            for number, row in enumerate(shown[column * rows : (column + 1) * rows], 1):
                self._paint_row(board, (x, round(number * step), inner, round(step)), row)
        return board

    def _paint_row(self, board: pygame.Surface, cell: Cell, row: Row | None) -> None:
        if row is None:
            self._paint_cells(board, cell, ("...", "", ""), GREY)
            return
        if row.mine:
            pygame.draw.rect(board, FAINT, cell, border_radius=cell[3] // 4)
        time = f"{row.seconds // 60}:{row.seconds % 60:02}"
        self._paint_cells(board, cell, (row.name, time, str(row.tags)), WHITE if row.mine else GREY)
        middle, radius = (cell[0] + cell[3] // 2, cell[1] + cell[3] // 2), max(3, cell[3] // 4)
        if row.it:
            _paint_burst(board, middle, radius * 1.7)
            pygame.draw.circle(board, NIGHT, middle, radius + 1)
        pygame.draw.circle(board, player_colour(row.number), middle, radius)

    def _paint_cells(self, surface: pygame.Surface, cell: Cell, texts: Sequence[str], colour: Colour) -> None:
        left, top, width, height = cell
        name, *figures = texts
        size, middle, right = self._places.text, top + height // 2, left + width - self._places.text // 4
        for text in reversed(figures):
            line = self._letters.line(text, size, colour, width // 4)
            surface.blit(line, line.get_rect(midright=(right, middle)))
            right -= round(size * 2.3)
        line = self._letters.line(name, size, colour, max(1, right - left - height))
        surface.blit(line, line.get_rect(midleft=(left + height, middle)))


def _blit(surface: pygame.Surface, picture: pygame.Surface, middle: tuple[int, int]) -> None:
    surface.blit(picture, (middle[0] - picture.get_width() // 2, middle[1] - picture.get_height() // 2))


def _paint_burst(surface: pygame.Surface, middle: tuple[int, int], radius: float) -> None:
    corners = [
        (
            round(middle[0] + radius * (0.6 if point % 2 else 1.1) * math.cos(math.pi * point / 8)),
            round(middle[1] + radius * (0.6 if point % 2 else 1.1) * math.sin(math.pi * point / 8)),
        )
        for point in range(16)
    ]
    pygame.draw.polygon(surface, WHITE, corners)
