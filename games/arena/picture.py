"""Draws Arena: the surroundings of the player's own ship, and the parts of `front` on top."""

import math
from typing import Final

import pygame

from games.arena import sprites, walls
from games.arena.front import Front
from games.arena.memory import BLAST_SECONDS, TRACER_SECONDS, Blast, Judgement, Tracer
from games.arena.rules import AIM, AT, FULL_HEALTH, Ship
from games.arena.scene import Camera, Scene, field_of
from pygase_pygame.app import (
    FLOOR,
    GREY,
    LINE,
    ORANGE,
    RED,
    SKY,
    WHITE,
    YELLOW,
    Colour,
    Lettering,
    hud,
    mixed,
    player_colour,
)

_GRID: Final = 1_600
_GRID_COLOUR: Final[Colour] = (26, 35, 56)


class Picture:
    """Draws scenes. Create it after `pygame.init()`."""

    def __init__(self, lettering: Lettering) -> None:
        self._letters = lettering
        self._front = Front(lettering)

    def draw(self, surface: pygame.Surface, scene: Scene) -> None:
        """Draw the scene over the whole surface."""
        camera = Camera(field_of(surface), scene.middle)
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
        self._front.draw(surface, scene)

    def _draw_ship(self, surface: pygame.Surface, camera: Camera, scene: Scene, number: int, ship: Ship) -> None:
        middle, radius = camera.pixel(ship[AT]), camera.pixels(walls.RADIUS)
        name, is_lost = scene.pilots.get(number, ("", False))
        picture = sprites.ship(LINE if is_lost else player_colour(number), 2 * radius, ship[AIM])
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
            sprites.bar(surface, bar, health / FULL_HEALTH)
        if name:
            above = (middle[0], middle[1] - radius - 4)
            shown = f"{name} (reconnecting)" if is_lost else name
            hud.name_tag(surface, self._letters, shown, above, WHITE if number > 0 and not is_lost else GREY)


def _draw_floor(surface: pygame.Surface, camera: Camera) -> None:
    surface.fill(FLOOR)
    (left, top), (right, bottom) = camera.pixel((0, 0)), camera.pixel((walls.WIDTH, walls.HEIGHT))
    for x in range(_GRID, walls.WIDTH, _GRID):
        surface.fill(_GRID_COLOUR, (camera.pixel((x, 0))[0], 0, 2, surface.get_height()))
    for y in range(_GRID, walls.HEIGHT, _GRID):
        surface.fill(_GRID_COLOUR, (0, camera.pixel((0, y))[1], surface.get_width(), 2))
    edge = camera.pixels(60)
    for wall in walls.WALLS:
        (x, y), (end_x, end_y) = camera.pixel((wall.left, wall.top)), camera.pixel((wall.right, wall.bottom))
        surface.fill(sprites.WALL, (x, y, end_x - x, end_y - y))
        surface.fill(sprites.ROOF, (x, y, end_x - x, edge))
    pygame.draw.rect(surface, sprites.ROOF, (left, top, right - left, bottom - top), edge)


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
