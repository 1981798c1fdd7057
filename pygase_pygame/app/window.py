"""The window, or a sentence why there is none."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Final, Self

import pygame

from .icons import initial_icon

WINDOW_SIZE: Final = (960, 640)
NO_DRIVERS: Final = {"dummy", "offscreen"}
"""Drivers that SDL may choose on a machine without a display."""

NO_DISPLAY: Final = "There is no display here to open a window on."

_GONE: Final = {pygame.WINDOWMINIMIZED, pygame.WINDOWHIDDEN}
_BACK: Final = {pygame.WINDOWRESTORED, pygame.WINDOWSHOWN, pygame.WINDOWMAXIMIZED, pygame.WINDOWEXPOSED}

logger = logging.getLogger(__name__)


class NoDisplay(Exception):
    """There is no display for a window. The message is a sentence for the player."""


class Window:
    """pygame's one window, resizable. As a context manager it closes itself.

    :param icon: draws the icon; by default the title's initial.
    :raises NoDisplay: no window can be opened.
    """

    def __init__(
        self, title: str, icon: Callable[[], pygame.Surface] | None = None, size: tuple[int, int] = WINDOW_SIZE
    ) -> None:
        self.visible = True
        self._full = False
        self._size = size
        try:
            pygame.display.init()
            if pygame.display.get_driver() in NO_DRIVERS and not os.environ.get("SDL_VIDEODRIVER"):
                raise pygame.error(NO_DISPLAY)
            draw_without_opengl()
            pygame.font.init()
            _use_gamepads()
            _set_icon(icon or (lambda: initial_icon(title)))
            pygame.display.set_caption(title)
            pygame.display.set_mode(size, pygame.RESIZABLE)
        except pygame.error as error:
            pygame.quit()
            raise NoDisplay(NO_DISPLAY) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def surface(self) -> pygame.Surface:
        """The surface to draw on. Ask for it in each frame: a resized window has another one."""
        return pygame.display.get_surface()

    @property
    def is_full(self) -> bool:
        """Whether the window fills the screen."""
        return self._full

    def handle(self, event: pygame.event.Event) -> None:
        """Notice that the window is minimised or comes back."""
        if event.type in _GONE:
            self.visible = False
        elif event.type in _BACK:
            self.visible = True

    def toggle_full_screen(self) -> None:
        """Fill the screen, or return to the previous window. A display that refuses changes nothing."""
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
        if self.surface.get_size() != self._size:  # some drivers only leave full screen at first
            pygame.display.set_mode(self._size, pygame.RESIZABLE)

    def close(self) -> None:
        """Close the window, and quit pygame."""
        pygame.quit()


def draw_without_opengl() -> None:
    """Hand frames to X11 directly.

    SDL would send them by way of OpenGL. On a virtual machine the processor computes OpenGL, which costs more than the
    game.
    """
    if pygame.display.get_driver() == "x11":  # on other systems SDL chooses better, or has no other way
        os.environ.setdefault("SDL_FRAMEBUFFER_ACCELERATION", "0")


def _use_gamepads() -> None:
    """Make pygame report gamepads, also those plugged in later."""
    try:
        pygame.joystick.init()
    except pygame.error as error:
        logger.warning("Gamepads cannot be used: %s", error)


def _set_icon(icon: Callable[[], pygame.Surface]) -> None:
    try:
        pygame.display.set_icon(icon())
    except (pygame.error, OSError) as error:
        logger.warning("This window has no icon: %s", error)
