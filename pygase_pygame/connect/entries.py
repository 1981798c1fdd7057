"""The text entries of the connect screen, and a keyboard on it for gamepads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pygase import clean_line

from ..ui.clipboard import Clipboard
from ..ui.text_entry import TextEntry
from .remembered import MAX_TEXT, Remembered, login_name

MAX_NAME: Final = 24
"""Code points of a player's name."""

_NAMELESS: Final = "Player"


class Entries:
    """The entries of the connect screen; ``password`` is for joining, ``host_password`` for opening a game.

    :param remembered: the texts of the last time.
    :param name: the player's name if none is remembered; None: the login name.
    """

    def __init__(
        self,
        remembered: Remembered,
        *,
        name: str | None,
        default_port: int,
        clipboard: Clipboard | None,
        clock: Callable[[], float],
    ) -> None:
        def entry(text: str = "", placeholder: str = "", max_length: int = 64, masked: bool = False) -> TextEntry:
            return TextEntry(
                text,
                max_length=max_length,
                placeholder=placeholder,
                masked=masked,
                clipboard=clipboard,
                clock=clock,
            )

        known = remembered.get("name") or (name if name is not None else login_name(""))
        self.name = entry(known, "what others call you", MAX_NAME)
        example = f"192.168.1.5 or a name or name:{default_port}"
        self.address = entry(remembered.get("address"), example, MAX_TEXT)
        self.port = entry(remembered.get("port", str(default_port)), max_length=5)
        self.password = entry(placeholder="password", masked=True)
        self.host_password = entry(placeholder="none: everyone may join")

    @property
    def player_name(self) -> str:
        """The player's name, never empty, on one line."""
        return clean_line(self.name.text) or _NAMELESS

    def blur(self) -> None:
        """Give the keyboard back."""
        for entry in (self.name, self.address, self.port, self.password, self.host_password):
            entry.blur()


class ScreenKeyboard:
    """A keyboard on the screen.

    :ivar entry: the entry that is filled.
    :ivar page: the page to return to.
    """

    def __init__(self) -> None:
        self.entry: TextEntry | None = None
        self.capitals = True
        self.page = "main"

    def open(self, entry: TextEntry, page: str, *, capitals: bool) -> None:
        """Begin to fill an entry of a page."""
        self.entry, self.page, self.capitals = entry, page, capitals

    def type(self, character: str) -> None:
        """Press a letter."""
        if self.entry is not None:
            self.entry.insert(character)
        self.capitals = False

    def rub_out(self) -> None:
        """Press backspace."""
        if self.entry is not None:
            self.entry.rub_out()

    def toggle_capitals(self) -> None:
        """Press shift."""
        self.capitals = not self.capitals
