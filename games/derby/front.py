"""What lies on top of Derby's pitch: score and clock, the boost, countdowns, goals and notices."""

from typing import Final

import pygame

from games.derby.referee import GOAL, NOBODY, OVER, PLAY, WAITING
from games.derby.rules import TANK, TEAMS, TICKS_PER_SECOND
from games.derby.scene import Scene
from games.derby.sprites import TEAM_COLOURS
from pygase_pygame import juice
from pygase_pygame.app import FAINT, FLOOR, NIGHT, ORANGE, RED, WHITE, YELLOW, Colour, Lettering, hud, mixed

POP_SECONDS: Final = 0.35


def header_height(surface: pygame.Surface) -> int:
    """Return the height of the line with score and clock, in pixels."""
    return round(hud.text_size(surface) * 2.2)


class Front:
    """Draws what is not on the pitch."""

    def __init__(self, lettering: Lettering) -> None:
        self._letters = lettering

    def draw(self, surface: pygame.Surface, scene: Scene) -> None:
        """Draw it over the picture."""
        self._draw_header(surface, scene)
        self._draw_boost(surface, scene)
        if scene.match["phase"] == GOAL:
            self._draw_goal(surface, scene)
        elif scene.seconds_to_kick_off and scene.match["phase"] == PLAY:
            share = 1.0 - scene.world["wait"] % TICKS_PER_SECOND / TICKS_PER_SECOND
            self._draw_large(surface, str(scene.seconds_to_kick_off), WHITE, juice.pulse(share), 0.0)
        if scene.news:
            hud.news(surface, self._letters, scene.news)
        hud.footer(surface, self._letters, scene.status, "W A S D or arrows drive, Space boosts")
        if scene.notice:
            hud.notice(surface, self._letters, *scene.notice)

    def _draw_header(self, surface: pygame.Surface, scene: Scene) -> None:
        size, middle = hud.text_size(surface), surface.get_width() // 2
        height = header_height(surface)
        surface.fill(NIGHT, (0, 0, surface.get_width(), height))
        clock = self._letters.line(clock_text(scene), round(size * 1.3), WHITE, surface.get_width() // 4)
        surface.blit(clock, clock.get_rect(center=(middle, height // 2)))
        own = own_team(scene)
        for team, side in enumerate((-1, 1)):
            points = self._letters.line(str(scene.match["score"][team]), round(size * 1.5), NIGHT, size * 4)
            box = pygame.Rect(0, 0, max(points.get_width() + size, size * 2), height - 6)
            box.center = middle + side * size * 5, height // 2
            pygame.draw.rect(surface, TEAM_COLOURS[team], box, border_radius=size // 3)
            surface.blit(points, points.get_rect(center=box.center))
            name = self._letters.line(TEAMS[team] + (" (you)" if own == team else ""), size, WHITE, middle - size * 7)
            place = name.get_rect(centery=box.centery)
            place.x = box.left - size // 2 - place.w if side < 0 else box.right + size // 2
            surface.blit(name, place)

    def _draw_boost(self, surface: pygame.Surface, scene: Scene) -> None:
        car = scene.world["cars"].get(scene.me) if scene.me is not None else None
        if car is None:
            return
        size = hud.text_size(surface)
        bar = pygame.Rect(0, 0, surface.get_width() // 5, max(size // 2, 6))
        bar.midbottom = surface.get_width() // 2, surface.get_height() - hud.footer_height(surface) - size // 3
        share = car["boost"] / TANK
        pygame.draw.rect(surface, FLOOR, bar.inflate(6, 6), border_radius=bar.h)
        pygame.draw.rect(surface, FAINT, bar, border_radius=bar.h // 2)
        colour = mixed(RED, mixed(ORANGE, YELLOW, share), min(share * 3, 1.0))
        pygame.draw.rect(surface, colour, (bar.x, bar.y, round(bar.w * share), bar.h), border_radius=bar.h // 2)

    def _draw_goal(self, surface: pygame.Surface, scene: Scene) -> None:
        score = scene.match
        name = scene.name_of(score["scorer"]) if score["scorer"] != NOBODY else ""
        team = score["team"]
        swell = juice.back_out(scene.phase_age / POP_SECONDS)
        self._draw_large(surface, "GOAL!", TEAM_COLOURS[team], 0.0, -0.06, swell)
        words = f"{name}, into the own net" if score["own"] and name else name
        if words:
            line = self._letters.line(words, round(hud.text_size(surface) * 1.8), WHITE, surface.get_width() * 3 // 4)
            surface.blit(line, line.get_rect(center=(surface.get_width() // 2, round(surface.get_height() * 0.56))))

    def _draw_large(
        self, surface: pygame.Surface, text: str, colour: Colour, pulse: float, down: float, swell: float = 1.0
    ) -> None:
        """Draw large letters in the middle, with an edge so that they stand out from any ground."""
        size = max(round(surface.get_height() * 0.2 * swell * (1.0 + 0.25 * pulse)), 8)
        middle = surface.get_width() // 2, round(surface.get_height() * (0.45 + down))
        for shade, off in ((NIGHT, max(size // 24, 2)), (colour, 0)):
            line = self._letters.line(text, size, shade, surface.get_width())
            surface.blit(line, line.get_rect(center=(middle[0] + off, middle[1] + off)))


def own_team(scene: Scene) -> int | None:
    """Return the player's team; None for a spectator."""
    car = scene.world["cars"].get(scene.me) if scene.me is not None else None
    return car["team"] if car else None


def clock_text(scene: Scene) -> str:
    """Return the time that is left, or what is going on."""
    phase, left = scene.match["phase"], scene.match["left"]
    if phase == WAITING:
        return "warm-up"
    if phase == OVER:
        return "end"
    if left == 0:
        return "next goal wins"
    seconds = -(-left // TICKS_PER_SECOND)
    return f"{seconds // 60}:{seconds % 60:02}"
