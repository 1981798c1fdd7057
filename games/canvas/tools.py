"""The buttons beside the picture: colours, eraser, width, undo, export, clear."""

import math
from itertools import count
from typing import Final, Literal, NamedTuple

import pygame

from games.canvas import rules
from games.canvas.rules import COLOUR_NAMES, COLOURS, PAPER, WIDTHS
from pygase_pygame.app import FLOOR, GREY, LINE, NIGHT, WHITE, YELLOW, Colour, Lettering, hud

BUTTON_COLUMNS: Final = 2
LARGEST_BUTTON: Final = 54  # side of a button in pixels

Action = Literal["colour", "thinner", "wider", "undo", "export", "clear"]


class Tool(NamedTuple):
    """A button: its action, its key, and its description."""

    action: Action
    key: str
    about: str
    colour: int = -1


TOOLS: Final = (
    *(Tool("colour", str(number), COLOUR_NAMES[number], number) for number in range(1, len(COLOURS))),
    Tool("colour", "E", "eraser (or draw with the right button)", PAPER),
    Tool("undo", "^Z", "undo your last stroke: Ctrl-Z"),
    Tool("thinner", "-", "thinner: mouse wheel, or -"),
    Tool("wider", "+", "wider: mouse wheel, or +"),
    Tool("export", "P", "save the picture as PNG"),
    Tool("clear", "C", "clear the picture for everybody"),
)


class Toolbar:
    """The places of the buttons in a window.

    :param window: width and height in pixels.
    :param top: pixels in use above.
    :param bottom: pixels in use below.
    :param is_host: whether to show "clear".
    """

    def __init__(self, window: tuple[int, int], top: int, bottom: int, is_host: bool) -> None:
        tools = [tool for tool in TOOLS if is_host or tool.action != "clear"]
        rows = -(-len(tools) // BUTTON_COLUMNS)
        height = window[1] - top - bottom
        self.side = max(1, min(LARGEST_BUTTON, (height - 8) // rows, window[0] // 10))
        first = top + (height - rows * self.side) // 2
        places = ((4 + n % BUTTON_COLUMNS * self.side, first + n // BUTTON_COLUMNS * self.side) for n in count())
        self._buttons = [
            (tool, pygame.Rect(place, (self.side, self.side))) for tool, place in zip(tools, places, strict=False)
        ]
        self.width = 4 + BUTTON_COLUMNS * self.side
        """Pixels of the buttons from the window's left edge."""
        self._strip = pygame.Surface((self.width, window[1]))  # the last drawing
        self._drawn: tuple[int, int, Tool | None] | None = None  # the arguments of the last drawing

    def at(self, pixel: tuple[int, int]) -> Tool | None:
        """Return the button at a pixel, or None."""
        return next((tool for tool, box in self._buttons if box.collidepoint(pixel)), None)

    def box_of(self, action: Action, colour: int = -1) -> pygame.Rect:
        """Return the place of a button."""
        return next(box for tool, box in self._buttons if tool.action == action and tool.colour == colour)

    def draw(
        self, surface: pygame.Surface, letters: Lettering, colour: int, width: int, hovered: Tool | None = None
    ) -> None:
        """Draw all buttons, and a ring around the chosen colour."""
        if self._drawn != (colour, width, hovered):
            self._drawn = (colour, width, hovered)
            self._strip.fill(NIGHT)
            self._draw(self._strip, letters, colour, width, hovered)
        surface.blit(self._strip, (0, 0))

    def _draw(self, surface: pygame.Surface, letters: Lettering, colour: int, width: int, hovered: Tool | None) -> None:
        for tool, box in self._buttons:
            inner = box.inflate(-max(2, self.side // 9), -max(2, self.side // 9))
            pygame.draw.rect(surface, FLOOR, inner, border_radius=self.side // 8)
            _FACES[tool.action](surface, inner, tool, width)
            chosen = tool.action == "colour" and tool.colour == colour
            if chosen or tool is hovered:
                ring = YELLOW if chosen else GREY
                pygame.draw.rect(surface, ring, inner.inflate(4, 4), max(2, self.side // 16), self.side // 7)
            if self.side >= 24:  # in a smaller button the letter would hide the symbol
                self._draw_key(surface, letters, tool, inner)

    def _draw_key(self, surface: pygame.Surface, letters: Lettering, tool: Tool, inner: pygame.Rect) -> None:
        size = max(12, self.side // 3)
        on_colour = tool.action == "colour"
        colour = _legible_on(COLOURS[tool.colour]) if on_colour else GREY
        text = letters.line(tool.key, size, colour)
        place = (
            text.get_rect(center=inner.center)
            if on_colour
            else text.get_rect(bottomright=inner.move(-2, -1).bottomright)
        )
        surface.blit(text, place)


def _legible_on(colour: Colour) -> Colour:
    red, green, blue = colour
    return NIGHT if red * 0.3 + green * 0.6 + blue * 0.1 > 120 else WHITE


def _swatch(surface: pygame.Surface, box: pygame.Rect, tool: Tool, width: int) -> None:
    face = box.inflate(-box.w // 8, -box.h // 8)
    pygame.draw.rect(surface, COLOURS[tool.colour], face, border_radius=box.w // 8)
    pygame.draw.rect(surface, LINE, face, 1, border_radius=box.w // 8)


def _undo(surface: pygame.Surface, box: pygame.Rect, tool: Tool, width: int) -> None:
    r = box.w * 0.26
    x, y = box.centerx - box.w * 0.06, box.centery
    points = [(x + r * math.cos(a / 10), y + r * math.sin(a / 10)) for a in range(-30, 14)]
    pygame.draw.lines(surface, WHITE, False, points, max(2, box.w // 14))
    tip = points[0]
    pygame.draw.polygon(
        surface, WHITE, [(tip[0] - r * 0.6, tip[1]), (tip[0] + r * 0.6, tip[1]), (tip[0], tip[1] + r * 0.8)]
    )


def _dot(surface: pygame.Surface, box: pygame.Rect, tool: Tool, width: int) -> None:
    share = (width + (1 if tool.action == "wider" else -1) + 1) / (len(WIDTHS) + 1)
    radius = max(1, round(box.w * 0.36 * min(max(share, 0.06), 1.0)))
    pygame.draw.circle(surface, WHITE, (box.centerx - box.w // 10, box.centery - box.h // 10), radius)


def _export(surface: pygame.Surface, box: pygame.Rect, tool: Tool, width: int) -> None:
    frame = box.inflate(-box.w * 2 // 5, -box.h // 2).move(-box.w // 12, -box.h // 10)
    pygame.draw.rect(surface, WHITE, frame, max(1, box.w // 20))
    left, right, bottom = frame.left, frame.right, frame.bottom - 1
    pygame.draw.polygon(
        surface, GREY, [(left, bottom), (left + frame.w * 0.35, frame.centery), (right - frame.w * 0.2, bottom)]
    )
    pygame.draw.circle(surface, YELLOW, (right - frame.w // 4, frame.top + frame.h // 3), max(1, frame.w // 9))


def _clear(surface: pygame.Surface, box: pygame.Rect, tool: Tool, width: int) -> None:
    sheet = box.inflate(-box.w // 2, -box.h * 2 // 5).move(-box.w // 12, -box.h // 12)
    pygame.draw.rect(surface, COLOURS[rules.PAPER], sheet)
    thick = max(2, box.w // 14)
    pygame.draw.line(surface, COLOURS[7], sheet.topleft, sheet.bottomright, thick)
    pygame.draw.line(surface, COLOURS[7], sheet.topright, sheet.bottomleft, thick)


_FACES: Final = {
    "colour": _swatch,
    "undo": _undo,
    "thinner": _dot,
    "wider": _dot,
    "export": _export,
    "clear": _clear,
}


def header_height(surface: pygame.Surface) -> int:
    """Return the height of the line above the picture, in pixels."""
    return hud.footer_height(surface)
