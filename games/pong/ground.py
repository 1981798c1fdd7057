"""What lies still in Pong's pictures: the frame of a window, the court's ground, and the icon."""

import pygame

from games.pong.flight import HEIGHT, LEFT, RIGHT, WIDTH, Side
from pygase_pygame.app import FLOOR, LINE, NIGHT, ORANGE, SKY, WHITE, Colour, Layout, hud, icon, mixed

SIDE_COLOURS: dict[Side, Colour] = {LEFT: ORANGE, RIGHT: SKY}

GLOW = 0.2  # share of a side's colour at its end of the court
NET: Colour = (74, 88, 132)


class Frame:
    """The parts of a window: the court, and a line of text above and below it."""

    def __init__(self, surface: pygame.Surface) -> None:
        self.text = hud.text_size(surface)
        line = round(self.text * 1.6)
        self.layout = Layout(surface.get_size(), (WIDTH, HEIGHT), header=line, footer=line)
        self.court = pygame.Rect(self.layout.area)
        self.header = pygame.Rect(self.court.left, self.court.top - line, self.court.w, line)
        self.footer = pygame.Rect(self.court.left, self.court.bottom, self.court.w, line)


def ground_of(frame: Frame, size: tuple[int, int]) -> pygame.Surface:
    """Return all that lies still in a window of a size in pixels."""
    layout = frame.layout
    ground = pygame.Surface(size).convert()
    ground.fill(NIGHT)
    ground.blit(_floor(frame.court.size), frame.court)
    for y in range(4, int(HEIGHT), 12):
        ground.fill(NET, layout.rect(WIDTH / 2 - 1, y, 2, 6))
    middle, thick = layout.point(WIDTH / 2, HEIGHT / 2), layout.pixels(1)
    pygame.draw.circle(ground, mixed(FLOOR, NET, 0.5), middle, layout.pixels(30), thick)
    edge = layout.pixels(1)
    pygame.draw.rect(ground, LINE, frame.court.inflate(2 * edge, 2 * edge), edge)
    return ground


def disc(diameter: int, colour: Colour) -> pygame.Surface:
    """Return a disc with a smooth edge. pygame's own circles have none."""
    large = pygame.Surface((4 * diameter, 4 * diameter), pygame.SRCALPHA)
    large.fill((*colour, 0))
    pygame.draw.circle(large, colour, (2 * diameter, 2 * diameter), 2 * diameter)
    return pygame.transform.smoothscale(large, (diameter, diameter))


def _floor(size: tuple[int, int]) -> pygame.Surface:
    """Return the floor: each side glows in the colour of who plays there, and the middle is dark."""
    row = pygame.Surface((256, 1))
    for x in range(256):
        colour, away = (SIDE_COLOURS[LEFT], x) if x < 128 else (SIDE_COLOURS[RIGHT], 255 - x)
        row.set_at((x, 0), mixed(mixed(FLOOR, NIGHT, 0.3), colour, GLOW * (1.0 - away / 128) ** 2))
    return pygame.transform.smoothscale(row, size)


def paint_icon(surface: pygame.Surface) -> None:
    """Paint two paddles and a ball."""
    side = surface.get_width()
    for colour, left, top in ((SIDE_COLOURS[LEFT], 0.14, 0.36), (SIDE_COLOURS[RIGHT], 0.74, 0.16)):
        paddle = pygame.Rect(round(left * side), round(top * side), round(0.12 * side), round(0.46 * side))
        pygame.draw.rect(surface, colour, paddle, border_radius=side // 24)
    pygame.draw.circle(surface, WHITE, (round(0.52 * side), round(0.54 * side)), round(0.1 * side))


def pong_icon() -> pygame.Surface:
    """Return the window's icon."""
    return icon(paint_icon)
