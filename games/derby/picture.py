"""Draws Derby: the pitch with all that moves on it. What lies on top of it is in `front`."""

import math

import pygame

from games.derby import sprites
from games.derby.feel import FAST, MARK_SECONDS, Feel
from games.derby.front import Front, header_height
from games.derby.pitch import GOAL_DEPTH
from games.derby.rules import BALL, CAR, Car
from games.derby.scene import Camera, Scene, followed
from pygase_pygame import juice
from pygase_pygame.app import GREY, LINE, NIGHT, WHITE, Lettering, hud, mixed


class Picture:
    """Draws scenes. Create it after `pygame.init()`."""

    def __init__(self, lettering: Lettering, effects: juice.Juice) -> None:
        self._letters = lettering
        self._juice = effects
        self._front = Front(lettering)

    def draw(self, surface: pygame.Surface, scene: Scene, feel: Feel) -> None:
        """Draw the scene over the whole surface."""
        top, footer = header_height(surface), hud.footer_height(surface)
        size = surface.get_width(), max(surface.get_height() - top - footer, 1)
        dx, dy = self._juice.shake.offset(scene.now, pixels=max(min(size) // 45, 3))
        camera = Camera(size, top + round(dy), followed(scene.world, scene.me))
        surface.fill(NIGHT)
        ground = sprites.ground(round(camera.scale, 4))
        left, up = camera.point(-GOAL_DEPTH, 0.0)
        surface.blit(ground, (left + round(dx), up))
        _draw_marks(surface, camera, feel, scene.now)
        _draw_ball(surface, camera, scene, feel)
        for who, car in sorted(scene.world["cars"].items()):
            self._draw_car(surface, camera, scene, who, car)
        self._juice.particles.draw(surface, scene.now, camera)
        self._draw_arrow_to_ball(surface, camera, scene)
        self._juice.flash.draw(surface, scene.now)
        self._front.draw(surface, scene)

    def _draw_car(self, surface: pygame.Surface, camera: Camera, scene: Scene, who: int, car: Car) -> None:
        middle, radius = camera.point(car["x"], car["y"]), sprites.car_radius(camera.scale)
        seat = scene.seats.get(who, {})
        shade = sprites.shadow(radius)
        surface.blit(shade, shade.get_rect(center=(middle[0] + radius // 6, middle[1] + radius // 4)))
        paint = LINE if seat.get("lost") else sprites.TEAM_COLOURS[car["team"]]
        picture = sprites.car(paint, car["team"], radius, sprites.turn_of(car["hx"], car["hy"]))
        surface.blit(picture, picture.get_rect(center=middle))
        if who == scene.me:
            pygame.draw.circle(surface, WHITE, middle, round(radius * 1.5), max(radius // 9, 1))
            return
        name = scene.name_of(who)
        if name:
            shown = f"{name} (reconnecting)" if seat.get("lost") else name
            above = middle[0], middle[1] - radius * 1.3
            hud.name_tag(surface, self._letters, shown, above, GREY if seat.get("lost") else WHITE)

    def _draw_arrow_to_ball(self, surface: pygame.Surface, camera: Camera, scene: Scene) -> None:
        """Point at a ball that is out of sight."""
        ball = scene.world["ball"]
        if camera.shows(ball["x"], ball["y"]):
            return
        area = pygame.Rect((0, camera.top), camera.size).inflate(-camera.pixels(60), -camera.pixels(60))
        to_x, to_y = camera.point(ball["x"], ball["y"])
        angle = math.atan2(to_y - area.centery, to_x - area.centerx)
        x, y = min(max(to_x, area.left), area.right), min(max(to_y, area.top), area.bottom)
        size = camera.pixels(BALL)
        tip, wings = (x + size * math.cos(angle), y + size * math.sin(angle)), (angle + 2.4, angle - 2.4)
        corners = [tip, *((x + size * math.cos(wing), y + size * math.sin(wing)) for wing in wings)]
        pygame.draw.polygon(surface, WHITE, corners)


def _draw_marks(surface: pygame.Surface, camera: Camera, feel: Feel, now: float) -> None:
    width = camera.pixels(CAR * 0.28)
    for mark in feel.marks:
        age = (now - mark.at) / MARK_SECONDS
        colour = mixed(mixed(sprites.TURF, NIGHT, 0.4), sprites.TURF, min(max(age, 0.0), 1.0))
        pygame.draw.line(surface, colour, camera.point(*mark.start), camera.point(*mark.end), width)


def _draw_ball(surface: pygame.Surface, camera: Camera, scene: Scene, feel: Feel) -> None:
    ball, radius = scene.world["ball"], sprites.ball_radius(camera.scale)
    speed = math.hypot(ball["vx"], ball["vy"])
    if speed > FAST:
        for place, (x, y) in enumerate(feel.trail):
            share = place / len(feel.trail)
            colour = mixed(sprites.TURF_STRIPE, WHITE, 0.35 * share)
            pygame.draw.circle(surface, colour, camera.point(x, y), max(round(radius * share * 0.8), 1))
    middle = camera.point(ball["x"], ball["y"])
    shade = sprites.shadow(radius)
    surface.blit(shade, shade.get_rect(center=(middle[0] + radius // 5, middle[1] + radius // 3)))
    picture = sprites.ball(radius, round(feel.roll * 24) % 24)
    surface.blit(picture, picture.get_rect(center=middle))
