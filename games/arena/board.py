"""Arena's scores: the ranking, and the board that shows it."""

from collections.abc import Mapping, Sequence
from typing import Final

import pygame

from games.arena.scene import Scene
from pygase_pygame.app import FAINT, GREY, LINE, NIGHT, WHITE, Colour, Lettering, mixed, player_colour

_EDGES: Final = (0.1, 0.6, 0.84, 1.0)  # right edges of a row's cells, as shares of its width


def ranking(scores: Mapping[int, Sequence[int]]) -> list[int]:
    """Return the numbers of all pilots, best first."""
    return sorted(scores, key=lambda number: (-scores[number][0], scores[number][1], number))


def draw_board(surface: pygame.Surface, letters: Lettering, place: pygame.Rect, text: int, scene: Scene) -> None:
    """Draw all scores in the middle of a place, in one or two columns of letters `text` pixels high."""
    ranked = ranking(scene.scores)
    columns = 2 if len(ranked) > 10 and place.w >= 400 else 1
    rows = -(-len(ranked) // columns)
    head = 2 * (text + 3)
    room = place.h - 3 * (text + 3)
    line = max(12, min(text + 6, room // max(rows + 1, 1)))
    shown = min(rows, max(1, room // line - 1))
    width = min((place.w - text) // columns - text, 16 * line)
    box = pygame.Rect(0, 0, columns * (width + text), head + (shown + 1) * line)
    box.inflate_ip(text, text)
    box.center = place.center
    box.clamp_ip(place)
    pygame.draw.rect(surface, NIGHT, box, border_radius=8)
    pygame.draw.rect(surface, LINE, box, 1, border_radius=8)
    heading = letters.line(_title(scene), round(text * 1.5), WHITE, box.w - text)
    surface.blit(heading, heading.get_rect(midtop=(box.centerx, box.top + text // 2)))
    for column in range(columns):
        strip = pygame.Rect(0, box.top + text // 2 + head, width, line)
        strip.left = box.left + text + column * (width + text)
        _draw_row(surface, letters, strip, ("", "Pilot", "Wrecked", "Lost"), GREY)
        for place_on_board in range(column * rows, min(column * rows + shown, len(ranked))):
            strip.top += line
            _draw_pilot(surface, letters, strip, place_on_board + 1, ranked[place_on_board], scene)


def _draw_pilot(
    surface: pygame.Surface, letters: Lettering, strip: pygame.Rect, rank: int, number: int, scene: Scene
) -> None:
    kills, deaths = scene.scores[number]
    colour = WHITE if number == scene.me else mixed(player_colour(number), WHITE, 0.35)
    if number == scene.me:
        pygame.draw.rect(surface, FAINT, (strip.x - 4, strip.y - 2, strip.w + 4, strip.h), border_radius=3)
    name = scene.pilots.get(number, ["?"])[0]
    _draw_row(surface, letters, strip, (f"{rank}.", name, str(kills), str(deaths)), colour)


def _draw_row(
    surface: pygame.Surface, letters: Lettering, strip: pygame.Rect, cells: Sequence[str], colour: Colour
) -> None:
    start = 0.0
    for number, (cell, end) in enumerate(zip(cells, _EDGES, strict=True)):
        text = letters.line(cell, strip.h - 2, colour, round((end - start) * strip.w) - 4)
        inside = round(start * strip.w) + 4 if number == 1 else round(end * strip.w) - text.get_width() - 2
        surface.blit(text, (strip.x + inside, strip.y))
        start = end


def _title(scene: Scene) -> str:
    if scene.winner is None or scene.winner not in scene.pilots:
        return "Scores"
    return "You win the round" if scene.winner == scene.me else f"{scene.pilots[scene.winner][0]} wins the round"
