"""What goes wrong when a game of sprites for one becomes one for many, noticed and said once."""

from __future__ import annotations

import inspect
import logging
import threading
from typing import Any, Final

DEAF_FRAMES: Final = 120
"""Frames after which a loop that never handles events is warned."""

logger = logging.getLogger(__name__)


class SpriteMistakes:
    """Notices mistakes of one :class:`pygase_pygame.SpriteWorld`.

    :ivar lock: to be held while a tick or a predicted update runs. In the host's program the server's thread and the
        window have the same groups.
    """

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self._deaf_frames = 0  # since the beginning; -1: an event was handled
        self._has_warned = False

    def note_event(self) -> None:
        """The loop hands events on."""
        self._deaf_frames = -1

    def note_frame(self) -> None:
        """Say so if the loop seems to have forgotten to hand events on."""
        if 0 <= self._deaf_frames < DEAF_FRAMES:
            self._deaf_frames += 1
            if self._deaf_frames == DEAF_FRAMES:
                logger.warning(
                    "world.frame() was called %d times, and world.handle(event) never: call it for each event of "
                    "pygame.event.get(), or no key counts",
                    DEAF_FRAMES,
                )

    def update(self, sprite: Any, groups: list[Any]) -> None:
        """Let a player's sprite update itself for a prediction. Remove the sprites that it makes, and say so once.

        :param groups: those of the game.
        """
        with self.lock:
            before = [group.sprites() for group in groups]
            sprite.update()
            for group, known in zip(groups, before, strict=True):
                if len(group) > len(known):
                    for new in [each for each in group.sprites() if each not in known]:
                        new.kill()
                        self._warn_of(type(sprite).__name__, type(new).__name__)

    def _warn_of(self, maker: str, made: str) -> None:
        if not self._has_warned:
            self._has_warned = True
            logger.warning(
                "the update of %s has made a %s: it runs in the window too, and again in each replay, so it may only "
                "move its own sprite; set an attribute, such as self.shoots = True, and make the %s in the tick",
                maker,
                made,
                made,
            )


def check_made_of_nothing(made_of: type) -> None:
    """:raises TypeError: a class cannot be made without arguments."""
    try:
        parameters = inspect.signature(made_of).parameters.values()
    except (TypeError, ValueError):  # some classes have no signature
        return
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    needed = [each.name for each in parameters if each.default is each.empty and each.kind not in kinds]
    if needed:
        name = made_of.__name__
        raise TypeError(
            f"{name} cannot be made without arguments ({', '.join(needed)}): give them defaults, or write "
            f"SpriteWorld(..., make={{{name}: lambda: {name}(...)}}); a window makes an empty one and fills it"
        )
