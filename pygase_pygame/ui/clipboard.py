"""The system's clipboard, by pygame or pygame-ce."""

from __future__ import annotations

from typing import Final, Protocol

import pygame


class Clipboard(Protocol):
    """A place to copy text to and paste it from."""

    def get(self) -> str:
        """Return the text there; "" if there is none."""

    def put(self, text: str) -> None:
        """Put text there."""


class SystemClipboard:
    """The system's clipboard; if pygame cannot reach it, one of this program's own."""

    def __init__(self) -> None:
        self._own = ""

    def get(self) -> str:
        """As :meth:`Clipboard.get`."""
        text = self._ask_system()
        return self._own if text is None else text

    def put(self, text: str) -> None:
        """As :meth:`Clipboard.put`."""
        self._own = text
        try:
            if not pygame.display.get_init():
                return
            if hasattr(pygame.scrap, "put_text"):  # pygame-ce, which warns of the older function
                pygame.scrap.put_text(text)
            elif _old_scrap():
                pygame.scrap.put(_SCRAP_TYPE, text.encode("utf-8", "replace"))
        except pygame.error:
            pass

    def _ask_system(self) -> str | None:
        try:
            if not pygame.display.get_init():
                return None
            if hasattr(pygame.scrap, "get_text"):
                return str(pygame.scrap.get_text())
            data = pygame.scrap.get(_SCRAP_TYPE) if _old_scrap() else None
        except (pygame.error, UnicodeError):
            return None
        return None if data is None else data.decode("utf-8", "replace").rstrip("\0")


_SCRAP_TYPE: Final = "text/plain;charset=utf-8"


def _old_scrap() -> bool:
    """Prepare pygame's own clipboard module; return whether it works here."""
    if pygame.display.get_surface() is None:
        return False
    if not pygame.scrap.get_init():
        pygame.scrap.init()
    return bool(pygame.scrap.get_init())


system_clipboard: Final = SystemClipboard()
