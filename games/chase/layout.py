"""Where everything is in a window of any size: the place, the scores beside or below it, a line above and one below.

Pure: sizes in, numbers out.
"""

from typing import Final

from games.chase import walls
from pygase_pygame.app.layout import Layout, Rect

WORLD: Final = (walls.WIDTH, walls.HEIGHT)
ROW: Final = 1.35  # height of a row of the board, of the text's
WIDTH_OF_ROW: Final = 10.5  # of the text's height: a name, the time and the tags
ROWS_BELOW: Final = 4  # where the board is below the place
TOO_SMALL: Final = 24  # of the text's height: in a window smaller than this there is no board


class Places:
    """Where everything is. Nothing overlaps anything else.

    :param window: width and height in pixels.
    :param text: height of text in pixels.
    :param footer: height of the footer in pixels.
    """

    def __init__(self, window: tuple[int, int], text: int, footer: int) -> None:
        width, height = window
        self.text = text
        self.header: Rect = (0, 0, width, round(text * 2.2))
        beside, below = self._board_beside(width, height, footer), self._board_below(width, height, footer)
        self.world, self.board = max(beside, below, key=lambda found: found[0].scale)
        """Where the place is, and where the board is."""
        if max(window) < TOO_SMALL * text:
            self.world, self.board = Layout(window, WORLD, header=self.header[3], footer=footer), (0, 0, 0, 0)

    @property
    def rows(self) -> int:
        """How many rows the board has room for, one below the other; the first is for its heading."""
        return max(1, int(self.board[3] / (self.text * ROW)))

    @property
    def columns(self) -> int:
        """How many such columns stand beside each other."""
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
