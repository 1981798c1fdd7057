"""The logic of the connect screen, without its looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pygame

from pygase import (
    AddressInUse,
    DisconnectReason,
    PygaseError,
    clean_line,
    format_address,
    is_loopback,
    parse_port,
    port_beside,
)

from ..pygame_events import CONNECTED, LOST, SERVER_EVENT
from ..session import Session
from ..ui.text_entry import TextEntry
from .address import parse_place, shown_place
from .attempt import Attempt, abandon
from .entries import Entries, ScreenKeyboard
from .remembered import Remembered
from .search import FoundGame, Search


class ConnectFlow:
    """Joins and opens games. See :class:`ConnectScreen` for the parameters.

    :ivar page: "main", "connecting", "password", "host" or "typing".
    :ivar message: the trouble, in plain words, or "".
    :ivar left: whether the player wants to leave the program.
    :ivar session: the game that was joined or opened, after it is connected.
    """

    def __init__(
        self,
        connect: Callable[[str, int, str | None], Session],
        host: Callable[[int, str | None], Session] | None,
        *,
        entries: Entries,
        search: Search,
        remembered: Remembered,
        addresses: Callable[[], Sequence[str]],
        default_port: int,
        clock: Callable[[], float],
    ) -> None:
        self.entries = entries
        self.search = search
        self.keyboard = ScreenKeyboard()
        self.attempt = Attempt(clock)
        self.page, self.message, self.left = "main", "", False
        self.session: Session | None = None
        self.own_addresses: tuple[str, ...] = ()
        self._connect, self._host, self._addresses = connect, host, addresses
        self._default_port = default_port
        self._remembered = remembered

    @property
    def can_host(self) -> bool:
        """Whether a game can be opened here."""
        return self._host is not None

    @property
    def friends_type(self) -> list[str]:
        """See :attr:`ConnectScreen.friends_type`."""
        try:
            port = parse_port(self.entries.port.text.strip())
        except ValueError:
            return []
        return [format_address(address, port, self._default_port) for address in self.own_addresses]

    # -- beginning and ending

    def check(self) -> None:
        """Look at the attempt. Call it once a frame."""
        if self.session is None:
            self.search.start()
        state = self.attempt.poll()
        session = self.attempt.session
        if session is not None and state == "connected":
            self._enter(session)
        elif session is not None and state == "failed":
            self._fail(session)

    def hear(self, event: pygame.event.Event) -> bool:
        """Take in an event; return True if a session posted it. Those of :attr:`session` are kept for the game."""
        session = getattr(event, "session", None)
        if session is None or event.type not in (CONNECTED, SERVER_EVENT, LOST):
            return False
        attempted = self.attempt.session
        if event.type == CONNECTED and attempted is not None and session is attempted:
            self._enter(attempted)
        if session is self.session and not getattr(event, "kept", False):
            try:
                pygame.event.post(pygame.event.Event(event.type, {**event.dict, "kept": True}))
            except pygame.error:
                pass  # the queue is full: a program that reads no events does not miss this one
        return True

    def reopen(self, message: str) -> None:
        """Begin again; close the present session."""
        if self.session is not None:
            abandon(self.session)
        self.session, self.left = None, False
        self.show("main", clean_line(message))

    def close(self) -> None:
        """Stop the search and the attempt."""
        self.search.stop()
        self.attempt.give_up()
        self.entries.blur()

    def _begin(self, connect: Callable[[], Session], page: str) -> None:
        try:
            self.attempt.begin(connect())
        except AddressInUse:
            self._suggest_port()
        except (PygaseError, OSError, ValueError, TypeError) as error:
            self.show(page, clean_line(str(error)))
        else:
            self.show("connecting")

    def _enter(self, session: Session) -> None:
        self.attempt.end()
        self.session = session
        remembered = {"name": self.entries.name.text}
        if self.attempt.is_hosting:
            remembered["port"] = self.entries.port.text
        elif self.attempt.target is not None:
            remembered["address"] = shown_place(*self.attempt.target, self._default_port)  # an invite is a secret
            self.entries.address.text = remembered["address"]
        self._remembered.update(remembered)
        self.entries.password.clear()
        self.close()

    def _fail(self, session: Session) -> None:
        reason, words = session.client.disconnect_reason, session.reason
        self.attempt.give_up()
        if self.attempt.is_hosting:
            self.show("host", words)
        elif reason is DisconnectReason.WRONG_PASSWORD:
            self.show("password", words if self.attempt.with_password else "")
        else:
            self.show("main", words)

    # -- the player's actions

    def show(self, page: str, message: str = "") -> None:
        """Go to a page, with a message."""
        self.page, self.message = page, message

    def back(self) -> None:
        """Leave the page; on the first page, leave the program."""
        if self.page == "connecting":
            self.cancel()
        elif self.page == "typing":
            self.finish_typing()
        elif self.page == "main":
            self.left = True
        else:
            self.show("main")

    def leave(self) -> None:
        """Leave the program."""
        self.left = True

    def cancel(self) -> None:
        """Stop connecting."""
        self.attempt.give_up()
        self.show("host" if self.attempt.is_hosting else "main")

    def join_typed(self) -> None:
        """Join at the typed address; without one, the only game of the list, or one on this machine."""
        typed = self.entries.address.text.strip()
        games = self.search.games
        if not typed and len(games) == 1:
            self.join_found(games[0])
            return
        if not typed and games:
            self.show("main", "Choose one of the games in the list, or type an address.")
            return
        try:
            self.attempt.target = parse_place(typed or "localhost", self._default_port)
        except ValueError as error:
            self.show("main", str(error))
        else:
            self._join(None)

    def join_found(self, found: FoundGame) -> None:
        """Join a game of the list."""
        self.attempt.target = (found.address, found.port)
        if not found.version_ok:
            self.show("main", f"{DisconnectReason.WRONG_VERSION.sentence} Update the game on both machines.")
        elif found.password:
            self.show("password")
        else:
            self._join(None)

    def join_with_password(self) -> None:
        """Join with the typed password."""
        self._join(self.entries.password.text)

    def open_hosting(self) -> None:
        """Go to the page on which a game is opened."""
        self.own_addresses = tuple(address for address in self._addresses() if not is_loopback(address))
        self.show("host")

    def start_hosting(self) -> None:
        """Open a game here."""
        host = self._host
        if host is None:
            return
        try:
            port = parse_port(self.entries.port.text.strip())
        except ValueError as error:
            self.show("host", str(error))
            return
        password = self.entries.host_password.text or None
        self.attempt.is_hosting = True
        self._begin(lambda: host(port, password), "host")

    def _join(self, password: str | None) -> None:
        target = self.attempt.target
        if target is not None:
            self.attempt.with_password, self.attempt.is_hosting = password is not None, False
            self._begin(lambda: self._connect(*target, password), self.page)

    def _suggest_port(self) -> None:
        port = int(self.entries.port.text)
        other = port_beside(port)
        self.entries.port.text = str(other)
        self.show(
            "host",
            f"Port {port} is taken by another program, perhaps by a game that is still open on this machine. "
            f"{other} is filled in now: start again.",
        )

    # -- typing with a gamepad

    def type_into(self, entry: TextEntry) -> None:
        """Show a keyboard to fill an entry with."""
        self.keyboard.open(entry, self.page, capitals=entry is self.entries.name and not entry.text)
        self.show("typing")

    def finish_typing(self) -> None:
        """Remove the keyboard."""
        self.show(self.keyboard.page)
