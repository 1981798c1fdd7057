"""Saves the picture as PNG, a few milliseconds a frame."""

import time
from pathlib import Path
from typing import Final

import pygame

from games.canvas import rules
from games.canvas.files import FileTrouble, unused
from games.canvas.painter import Painter
from games.canvas.picture import Picture

EXPORT_SIZE: Final = (rules.WIDTH // 2, rules.HEIGHT // 2)
EXPORT_SECONDS: Final = 0.004  # time in a frame, beyond the usual painting


class Export:
    """Saves the present picture in the working directory, named by date and time. Call `work` in each frame."""

    def __init__(self, picture: Picture) -> None:
        self._painter = Painter(picture, EXPORT_SIZE)

    def work(self) -> Path | None:
        """Continue for `EXPORT_SECONDS`. Return the path of the finished file, or None. Raises `FileTrouble`."""
        self._painter.work(EXPORT_SECONDS)
        if self._painter.is_busy:
            return None
        path = Path(time.strftime("canvas-%Y%m%d-%H%M%S.png"))
        path = unused(path) if path.exists() else path
        try:
            pygame.image.save(self._painter.surface, str(path))
        except (pygame.error, OSError) as error:
            raise FileTrouble(f"The picture could not be saved as {path.name}: {error}") from error
        return path
