"""The page of the menu on which the player chooses other keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pygame

from ..controls.bindings import binding_of
from .game_screen import GameScreen
from .menu_rows import MenuRow


class KeyPage:
    """Lists a game's inputs, and gives one of them the next key that is pressed.

    :param say: shows a sentence.
    """

    def __init__(self, screen: GameScreen, say: Callable[[str], None]) -> None:
        self._screen = screen
        self._say = say
        self._first = screen.controls.__class__(**screen.inputs).save()
        self.waits_for: str | None = None
        """The input that receives the next key; None: none does."""

    def rows(self) -> list[MenuRow]:
        """Return a row for each input, and one for all keys as they were."""
        controls = self._screen.controls
        rows = [MenuRow(name, _words(name), partial(self._ask, name), self._label(name)) for name in controls.bindings]
        return [*rows, MenuRow("first keys", "All keys as at first", self._reset)]

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in an event; return True if it was the key that an input waits for. Esc keeps the present one."""
        name = self.waits_for
        if name is None:
            return False
        if event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE:
            self.waits_for = None
            return True
        binding = binding_of(event)
        if binding is None or (isinstance(binding, int) and pygame.K_F1 <= binding <= pygame.K_F12):
            return event.type in (pygame.KEYDOWN, pygame.MOUSEBUTTONDOWN, pygame.JOYBUTTONDOWN)
        self.waits_for = None
        self._screen.controls.rebind(name, binding)
        self._keep()
        self._say(f"{_words(name)}: {self._screen.controls.label(name)}")
        return True

    def _ask(self, name: str) -> None:
        self.waits_for = name

    def _label(self, name: str) -> str:
        return "press a key …" if name == self.waits_for else self._screen.controls.label(name)

    def _reset(self) -> None:
        self._screen.controls.load(self._first)
        self._keep()
        self._say("All keys are as at first")

    def _keep(self) -> None:
        playing = self._screen.playing
        playing.settings.keys[playing.game] = self._screen.controls.save()
        playing.settings.save()


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()
