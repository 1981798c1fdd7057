"""The parts of a window of any size: the arena, the scores beside or below it, a line above and one below. Pure."""

from typing import Final

from games.chase import walls
from pygase_pygame.app import Layout, Rect

WORLD: Final = (walls.WIDTH, walls.HEIGHT)
ROW: Final = 1.35  # height of a row of the board, in heights of the text
WIDTH_OF_ROW: Final = 10.5  # width of a column of the board, in heights of the text
ROWS_BELOW: Final = 4  # rows of a board below the arena
TOO_SMALL: Final = 24  # heights of the text: a smaller window has no board


class Places:
    """The parts of a window, none over another.

    :param window: width and height in pixels.
    :param text: height of the text in pixels.
    :param footer: height of the footer in pixels.
    """

    def __init__(self, window: tuple[int, int], text: int, footer: int) -> None:
        width, height = window
        self.text = text
        self.header: Rect = (0, 0, width, round(text * 2.2))
        beside, below = self._board_beside(width, height, footer), self._board_below(width, height, footer)
        self.world, self.board = max(beside, below, key=lambda found: found[0].scale)
        """The layout of the arena, and the rectangle of the board."""
        if max(window) < TOO_SMALL * text:
            self.world, self.board = Layout(window, WORLD, header=self.header[3], footer=footer), (0, 0, 0, 0)

    @property
    def rows(self) -> int:
        """Rows in a column of the board, the heading included."""
        return max(1, int(self.board[3] / (self.text * ROW)))

    @property
    def columns(self) -> int:
        """Columns of the board."""
        return max(1, int(self.board[2] / (self.text * WIDTH_OF_ROW)))

    def _board_beside(self, width: int, height: int, footer: int) -> tuple[Layout, Rect]:
        board = round(min(self.text * WIDTH_OF_ROW + self.text, width * 0.4))
        top = self.header[3]
        layout = Layout((width - board, height), WORLD, header=top, footer=footer)
        left, right_edge = layout.area[0] + layout.area[2], width - self.text // 2
        return layout, (
            left + self.text,
            layout.area[1],
            right_edge - left - self.text,
            height - footer - layout.area[1],
        )

    def _board_below(self, width: int, height: int, footer: int) -> tuple[Layout, Rect]:
        board = round(self.text * ROW * ROWS_BELOW)
        top = self.header[3]
        layout = Layout((width, height), WORLD, header=top, footer=footer + board)
        margin = self.text // 2
        return layout, (margin, height - footer - board, width - 2 * margin, board)
