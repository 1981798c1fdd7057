"""The window: opened, made full screen, resized, minimised; or a sentence why there is none."""

import logging
import os
from collections.abc import Callable
from typing import Final

import pygame

from .icon import initial_icon

SIZE: Final = (960, 640)
NO_DRIVERS: Final = {"dummy", "offscreen"}  # what SDL may fall back on where there is nothing to be seen
NO_DISPLAY: Final = "There is no display here to open a window on."

_GONE: Final = {pygame.WINDOWMINIMIZED, pygame.WINDOWHIDDEN}
_BACK: Final = {pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.WINDOWMAXIMIZED, pygame.WINDOWEXPOSED}

logger = logging.getLogger(__name__)


class NoDisplay(Exception):
    """There is nothing to open a window on; says so in a sentence."""


class Window:
    """pygame's one window, which can be resized. Raises `NoDisplay`. As a context manager it closes itself.

    :param icon: draws the icon; by default it is the title's initial.
    """

    def __init__(
        self, title: str, icon: Callable[[], pygame.Surface] | None = None, size: tuple[int, int] = SIZE
    ) -> None:
        self.visible = True
        self._full = False
        self._size = size
        try:
            pygame.display.init()
            if pygame.display.get_driver() in NO_DRIVERS and not os.environ.get("SDL_VIDEODRIVER"):
                raise pygame.error(NO_DISPLAY)
            _draw_without_opengl()
            pygame.font.init()
            _use_gamepads()
            _set_icon(icon or (lambda: initial_icon(title)))
            pygame.display.set_caption(title)
            pygame.display.set_mode(size, pygame.RESIZABLE)
        except pygame.error as error:
            pygame.quit()
            raise NoDisplay(NO_DISPLAY) from error

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def surface(self) -> pygame.Surface:
        """What to draw on. It is another one after the window has been resized: ask in each frame."""
        return pygame.display.get_surface()

    def handle(self, event: pygame.event.Event) -> None:
        """Take in what becomes of the window, so that nothing is drawn that nobody sees."""
        if event.type in _GONE:
            self.visible = False
        elif event.type in _BACK:
            self.visible = True

    def toggle_full_screen(self) -> None:
        """Fill the screen, or go back to the window as it was. If the display refuses, it stays as it is."""
        if not self._full:
            self._size = self.surface.get_size()
        self._full = not self._full
        if self._full:
            try:
                pygame.display.set_mode((0, 0), pygame.FULLSCREEN)
                return
            except pygame.error as error:
                logger.warning("This display has no full screen: %s", error)
                self._full = False
        pygame.display.set_mode(self._size, pygame.RESIZABLE)
        if self.surface.get_size() != self._size:  # some drivers first only leave full screen
            pygame.display.set_mode(self._size, pygame.RESIZABLE)

    def close(self) -> None:
        """Close the window, and everything of pygame's."""
        pygame.quit()


def _draw_without_opengl() -> None:
    """Hand X11 the frames as they are, which are pictures in memory anyway.

    SDL would take the way by OpenGL. Where that is computed, too, as in virtual machines, it costs more than the game.
    """
    if pygame.display.get_driver() == "x11":  # elsewhere SDL knows better, or has no other way
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")


def _use_gamepads() -> None:
    """Let gamepads be heard of, those that are plugged in later, too."""
    try:
        pygame.joystick.init()
    except pygame.error as error:
        logger.warning("Gamepads cannot be used: %s", error)


def _set_icon(icon: Callable[[], pygame.Surface]) -> None:
    try:
        pygame.display.set_icon(icon())
    except (pygame.error, OSError) as error:
        logger.warning("This window has no icon: %s", error)
