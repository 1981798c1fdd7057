"""The picture as PNG: painted as it is at the moment, a bit in each frame, so that nobody waits for it."""

import time
from pathlib import Path
from typing import Final

import pygame

from games.canvas import rules
from games.canvas.files import FileTrouble, unused
from games.canvas.painter import Painter
from games.canvas.picture import Picture

SIZE: Final = (rules.WIDTH // 2, rules.HEIGHT // 2)
SECONDS: Final = 0.004  # of a frame, beside what is painted anyway


class Export:
    """Saves a picture beside where the program was started, under the time of day. Call `work` in each frame."""

    def __init__(self, picture: Picture) -> None:
        self._painter = Painter(picture, SIZE)

    def work(self) -> Path | None:
        """Go on for a moment; return the file when it is written, and None until then. Raises `FileTrouble`."""
        self._painter.work(SECONDS)
        if self._painter.is_busy:
            return None
        path = Path(time.strftime("canvas-%Y%m%d-%H%M%S.png"))
        path = unused(path) if path.exists() else path
        try:
            pygame.image.save(self._painter.surface, str(path))
        except (pygame.error, OSError) as error:
            raise FileTrouble(f"The picture could not be saved as {path.name}: {error}") from error
        return path
