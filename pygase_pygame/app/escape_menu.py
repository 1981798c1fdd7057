"""The menu behind Esc: volumes, comfort, link, full screen, keys, the invitation, and the ways out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import pygame

from ..ui.clipboard import Clipboard, system_clipboard
from ..ui.link_key import PRESETS, LinkKey
from .game_screen import GameScreen
from .key_page import KeyPage
from .menu_rows import MenuRow, MenuRows
from .said import Said
from .standstill import Standstill
from .window import Window

VOLUME_STEP: Final = 0.1
"""The change of a volume by one press."""

WISHED_COLOURS: Final = ("", "red", "blue", "yellow", "green", "purple", "orange", "cyan", "pink")
"""Colours to wish for, as `pygase.Seats` has them; "": whichever is free."""

PAD_START: Final = 7
"""A gamepad's button that opens the menu, unless the game uses it."""

_FOR_THE_MENU: Final = {
    *(pygame.KEYDOWN, pygame.TEXTINPUT, pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEWHEEL),
    *(pygame.JOYBUTTONDOWN, pygame.JOYHATMOTION, pygame.JOYAXISMOTION),
}
_GRADED: Final = {"sound": "Sound", "music": "Music", "shake": "Screen shake", "flash": "Flashes"}

Way = Literal["leave", "back"]


class EscapeMenu:
    """Opens at Esc, and closes at a second Esc. Pass it events before the game, and draw it after the game.

    The game goes on, except for a host who plays alone or against bots: then it stands. A host with other players is
    asked before the game ends for all.

    :param end: called with the player's choice: to leave the program, or to go back to the choice of a game.
    :param clipboard: replaces the system's.
    """

    def __init__(
        self,
        screen: GameScreen,
        window: Window,
        link: LinkKey,
        said: Said,
        end: Callable[[Way], None],
        clipboard: Clipboard = system_clipboard,
    ) -> None:
        self._screen, self._window, self._link, self._said, self._end = screen, window, link, said, end
        self.clipboard = clipboard
        self.rows = MenuRows(screen.playing.lettering, self._back)
        """The rows of the page that is shown."""
        self._keys = KeyPage(screen, said.say)
        self.standstill = Standstill(screen.session)
        self.page: Literal["", "menu", "keys", "ask"] = ""
        """The page that is shown; "" while the menu is closed."""
        self._wanted: Way = "leave"

    @property
    def is_open(self) -> bool:
        """Whether the menu is shown."""
        return self.page != ""

    def open(self) -> None:
        """Show the menu. All keys of the game are released."""
        self._screen.controls.release_all()
        self._show("menu", "resume")

    def close(self) -> None:
        """Go on with the game."""
        self.page = ""
        self.standstill.follow(False)

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in an event; return True if the game must not handle it as well."""
        if not self.is_open:
            return self._opened_by_pad(event)
        if self._keys.handle(event):
            return True
        if event.type == pygame.KEYDOWN and pygame.K_F1 <= event.key <= pygame.K_F12:
            return False
        if event.type in _FOR_THE_MENU or event.type == pygame.MOUSEMOTION:
            self.rows.handle(event)
        return event.type in _FOR_THE_MENU

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the page that is shown, if there is one."""
        if self.is_open:
            pygame.mouse.set_visible(True)  # some games hide it
            self.rows.draw(surface, *self.contents())

    def _opened_by_pad(self, event: pygame.event.Event) -> bool:
        taken = {binding for bindings in self._screen.controls.bindings.values() for binding in bindings}
        if event.type != pygame.JOYBUTTONDOWN or event.button != PAD_START or f"pad {PAD_START}" in taken:
            return False
        self.open()
        return True

    # -- the pages

    def contents(self) -> tuple[str, list[MenuRow], str]:
        """Return title, rows and note of the page that is shown."""
        if self.page == "keys":
            back = MenuRow("back", "Back", self._back)
            return "Keys", [*self._keys.rows(), back], "Choose an input, then press its new key. Esc: keep the old one"
        if self.page == "ask":
            stay = MenuRow("stay", "Stay", self._back)
            end = MenuRow("end", "End the game for all", lambda: self._end(self._wanted))
            return "End the game?", [stay, end], _warning(self.standstill.others)
        return ("Paused" if self.standstill.is_on else "Menu"), self._menu_rows(), self._note()

    def _note(self) -> str:
        if self.standstill.is_on:
            return "The game stands until you go on."
        return "The game goes on, and your place is kept."

    def _menu_rows(self) -> list[MenuRow]:
        playing = self._screen.playing
        full = "on" if self._window.is_full else "off"
        rows = [MenuRow("resume", "Back to the game", self.close)]
        rows += [self._level_row(key, text) for key, text in _GRADED.items()]
        rows.append(MenuRow("link", "Link", lambda: self._turn_link(1), self._link_words(), self._turn_link))
        rows.append(MenuRow("full", "Full screen", self.toggle_full_screen, full, lambda by: self.toggle_full_screen()))
        rows.append(MenuRow("keys", "Keys", lambda: self._show("keys", None)))
        if self._screen.lobby is not None and not self._screen.lobby.numbered and not self._screen.lobby.colours:
            colour = playing.settings.colour or "any"
            rows.append(MenuRow("colour", "Colour, from the next game on", lambda: self._dye(1), colour, self._dye))
        if playing.invitation:
            rows.append(MenuRow("invite", "Copy the invitation", self._copy))
        rows.append(MenuRow("back", "Choose another game", lambda: self._leave("back")))
        rows.append(MenuRow("leave", "Leave", lambda: self._leave("leave")))
        return rows

    def _level_row(self, key: str, text: str) -> MenuRow:
        def more() -> None:
            self._set_level(key, 0.0 if self._level(key) > 1.0 - VOLUME_STEP / 2 else self._level(key) + VOLUME_STEP)

        def turn(by: int) -> None:
            self._set_level(key, self._level(key) + by * VOLUME_STEP)

        return MenuRow(key, text, more, f"{self._level(key):.0%}", turn)

    def _level(self, key: str) -> float:
        settings = self._screen.playing.settings
        return float(getattr(settings if key in ("sound", "music") else settings.comfort, key))

    def _set_level(self, key: str, level: float) -> None:
        playing = self._screen.playing
        level = round(min(max(level, 0.0), 1.0), 2)
        setattr(playing.settings if key in ("sound", "music") else playing.settings.comfort, key, level)
        playing.settings.save()
        if key == "sound":
            playing.sounds.volume = level
            playing.sounds.on = playing.sounds.on or level > 0.0
        elif key == "music" and pygame.mixer.get_init():
            pygame.mixer.music.set_volume(level)

    def _link_words(self) -> str:
        return "as it is" if self._link.name == "off" else self._link.name

    def _turn_link(self, by: int) -> None:
        here = PRESETS.index(self._link.name) if self._link.name in PRESETS else 0
        self._link.choose(PRESETS[(here + by) % len(PRESETS)])

    def toggle_full_screen(self) -> None:
        """Fill the screen, or return to the window, and say so."""
        self._window.toggle_full_screen()
        self._said.say(f"Full screen: {'on' if self._window.is_full else 'off'} (F11)")

    def _dye(self, by: int) -> None:
        settings = self._screen.playing.settings
        here = WISHED_COLOURS.index(settings.colour) if settings.colour in WISHED_COLOURS else 0
        settings.colour = WISHED_COLOURS[(here + by) % len(WISHED_COLOURS)]
        settings.save()

    def _copy(self) -> None:
        self.clipboard.put(self._screen.playing.invitation)
        self._said.say(f"Copied: {self._screen.playing.invitation}")

    # -- the ways out

    def _leave(self, way: Way) -> None:
        self._wanted = way
        if self.standstill.others:
            self._show("ask", "stay")
        else:
            self._end(way)

    def _back(self) -> None:
        if self.page == "menu":
            self.close()
        else:
            self._show("menu", "keys" if self.page == "keys" else "leave")

    def _show(self, page: Literal["menu", "keys", "ask"], focus: str | None) -> None:
        self.page = page
        self.rows.focus_first(focus)


def _warning(others: int) -> str:
    players = "1 other player plays" if others == 1 else f"{others} other players play"
    return f"{players} in the game that you host. It ends for all of them when you leave."
