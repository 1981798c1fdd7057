"""The last save of a server with a checkpoint, whichever ends first: the server or its game loop."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from ..errors import CheckpointUnusable
from .checkpoint_file import CheckpointFile

if TYPE_CHECKING:
    from .state_keeper import StateKeeper

logger = logging.getLogger("pygase")

TICK_WITHIN: Final = 1.0
"""Most seconds for which the last save of a server waits for the end of the tick that another thread computes."""


class LastSave:
    """Saves at the end of a server, and again at the end of a game loop that outlives it.

    :param file: stays marked as used until the server ends.
    :param runs_together: returns whether one call runs server and game loop, and calls :meth:`end` after both.
    """

    def __init__(self, file: CheckpointFile, states: StateKeeper, runs_together: Callable[[], bool]) -> None:
        self.runs_together = runs_together
        self._file = file
        self._states = states
        self._lock = threading.Lock()
        self._save: Callable[[], None] | None = None
        """Saves the newest run and the newest state; None while the run goes on."""

    def begin(self) -> None:
        """A run begins."""
        self._save = None

    def end(self, save: Callable[[], None] | None) -> None:
        """The run ends; ``save``: saves the run and the newest state without waiting, None if nothing is to be saved.

        May be called again, with None.
        """
        with self._lock:
            if save is None:
                self._file.release()
                return
            self._save = save  # from here on the end of the game loop saves: it waits for this one
            self._save_now(save)

    def after_game(self) -> None:
        """The game loop has ended. If the run goes on, its end will save."""
        with self._lock:
            if self._save is None:
                return
            try:
                self._file.claim()
            except CheckpointUnusable as error:
                logger.error("the game loop has outlived its server, and its last state is not saved: %s", error)
                return
            self._save_now(self._save)

    def _save_now(self, save: Callable[[], None]) -> None:
        """Save, wait for the disk, and let others use the file."""
        self._states.between_ticks(save, TICK_WITHIN)
        if not self._file.finish():
            logger.error("the last save of the checkpoint %s has not ended in time", self._file.path)
        self._file.release()
