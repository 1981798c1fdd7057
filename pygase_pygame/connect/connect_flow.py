"""What the screen before a game does, whatever it looks like: which page is up, what is tried, what went wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import pygame

from pygase import (
    DEFAULT_PORT,
    AddressInUse,
    Browser,
    DisconnectReason,
    PygaseError,
    clean_line,
    format_address,
    get_available_ip_addresses,
    is_loopback,
    parse_address,
    parse_port,
    port_beside,
)

from ..pygame_events import CONNECTED, LOST, SERVER_EVENT
from ..session import Session
from ..ui.text_entry import Clipboard, TextEntry
from .remembered import Remembered, default_path, login_name

MAX_NAME_LENGTH: Final = 24
"""Most code points of a player's name."""

_CONNECTED_WAIT: Final = 1.0
"""Seconds after which a game begins although CONNECTED has not come by: the program has blocked it, perhaps."""


class FoundGame(Protocol):
    """A game on the local network; ``pygase.DiscoveredGame`` is one."""

    address: str
    port: int
    name: str
    players: int
    max_players: int
    ping: float
    password: bool
    version_ok: bool


class GameBrowser(Protocol):
    """What finds games on the local network; ``pygase.Browser`` is one."""

    @property
    def games(self) -> Sequence[Any]:
        """Those that are there at present, each a :class:`FoundGame`."""

    @property
    def problem(self) -> str:
        """Why none can be found, or ""."""

    def start(self) -> Any:
        """Begin to search."""

    def stop(self) -> None:
        """End the search."""


class ConnectFlow:
    """Joins games and opens them as the player wishes. Its parameters are those of :class:`ConnectScreen`.

    :ivar page: what is up: "main", "connecting", "password", "host" or "typing".
    :ivar message: what is wrong, in plain words.
    :ivar left: the player wants to leave the program.
    :ivar session: what was joined or opened, once it is connected.
    """

    def __init__(
        self,
        game: str,
        connect: Callable[[str, int, str | None], Session],
        *,
        host: Callable[[int, str | None], Session] | None = None,
        passwords: bool = True,
        default_port: int = DEFAULT_PORT,
        name: str | None = None,
        browser: GameBrowser | None = None,
        search: bool = True,
        remember: bool | str | Path = True,
        addresses: Callable[[], Sequence[str]] = get_available_ip_addresses,
        clipboard: Clipboard | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.clock = clock
        self.passwords = passwords
        self.default_port = default_port
        self.page, self.message, self.left = "main", "", False
        self.session: Session | None = None
        self.pending: Session | None = None
        self.began_at = 0.0
        self.own_addresses: tuple[str, ...] = ()
        self.typing_into: TextEntry | None = None
        self.capitals = True
        self._connect, self._host, self._addresses = connect, host, addresses
        self._browser: GameBrowser | None = browser or (Browser(game) if search else None)
        self._searching = False
        self._target: tuple[str, int] | None = None  # what was tried last
        self._password_tried = self._hosting = False
        self._connected_at: float | None = None
        self._typed_on = "main"
        path = default_path(game) if remember is True else (Path(remember) if remember else None)
        self._remembered = Remembered(path)
        known = self._remembered.get("name") or (name if name is not None else login_name(""))
        self.name_entry = TextEntry(
            known, max_length=MAX_NAME_LENGTH, placeholder="what others call you", clipboard=clipboard, clock=clock
        )
        self.address_entry = TextEntry(
            self._remembered.get("address"),
            max_length=300,
            placeholder=f"192.168.1.5 or a name or name:{default_port}",
            clipboard=clipboard,
            clock=clock,
        )
        port = self._remembered.get("port", str(default_port))
        self.port_entry = TextEntry(port, max_length=5, clipboard=clipboard, clock=clock)
        self.password_entry = TextEntry(masked=True, placeholder="password", clipboard=clipboard, clock=clock)
        self.host_password_entry = TextEntry(placeholder="none: everyone may join", clipboard=clipboard, clock=clock)

    @property
    def name(self) -> str:
        """The player's name, never empty, on one line."""
        return clean_line(self.name_entry.text) or "Player"

    @property
    def can_host(self) -> bool:
        """Whether the game has told how."""
        return self._host is not None

    @property
    def games(self) -> Sequence[Any]:
        """Those found on the local network, each a :class:`FoundGame`."""
        return self._browser.games if self._browser is not None else ()

    @property
    def search_problem(self) -> str:
        """Why no games can be found, or ""."""
        if self._browser is None:
            return "This program does not search for games."
        return self._browser.problem

    @property
    def friends_type(self) -> list[str]:
        """The addresses that friends on the same network type to join the game that is opened here."""
        try:
            port = parse_port(self.port_entry.text.strip())
        except ValueError:
            return []
        return [format_address(address, port, self.default_port) for address in self.own_addresses]

    @property
    def seconds_connecting(self) -> float:
        """For how long it has been trying."""
        return self.clock() - self.began_at

    # -- beginning and ending

    def check(self) -> None:
        """See what has become of the attempt; once a frame."""
        if self.session is None and self._browser is not None and not self._searching:
            self._searching = True
            self._browser.start()
        pending = self.pending
        if pending is None:
            return
        pending.poll()
        if pending.status == "connected":
            self._connected_at = self.clock() if self._connected_at is None else self._connected_at
            if self.clock() - self._connected_at > _CONNECTED_WAIT:
                self._enter(pending)
        elif pending.status != "connecting":
            self._fail(pending)

    def hear(self, event: pygame.event.Event) -> bool:
        """Take in an event of a session; True if it was one. What comes of ours is kept for the game."""
        session = getattr(event, "session", None)
        if session is None or event.type not in (CONNECTED, SERVER_EVENT, LOST):
            return False
        if event.type == CONNECTED and self.pending is not None and session is self.pending:
            self._enter(self.pending)
        if session is self.session and not getattr(event, "kept", False):
            try:
                pygame.event.post(pygame.event.Event(event.type, {**event.dict, "kept": True}))
            except pygame.error:
                pass  # the queue is full: a program that takes no events does not miss this one
        return True

    def reopen(self, message: str) -> None:
        """Begin anew; the session of before is closed."""
        if self.session is not None:
            _abandon(self.session)
        self.session, self.left = None, False
        self.show("main", clean_line(message))

    def close(self) -> None:
        """Stop searching, and give up what is still connecting."""
        if self._browser is not None and self._searching:
            self._searching = False
            self._browser.stop()
        if self.pending is not None:
            _abandon(self.pending)
            self.pending = None
        self.blur()

    def blur(self) -> None:
        """Give the keyboard back: another page has other places to type in."""
        for entry in (
            *(self.name_entry, self.address_entry, self.port_entry),
            *(self.password_entry, self.host_password_entry),
        ):
            entry.blur()

    def _begin(self, connect: Callable[[], Session], page: str) -> None:
        try:
            self.pending = connect()
        except AddressInUse:
            self._suggest_port()
        except (PygaseError, OSError, ValueError, TypeError) as error:
            self.show(page, clean_line(str(error)))
        else:
            self.began_at, self._connected_at = self.clock(), None
            self.show("connecting")

    def _enter(self, session: Session) -> None:
        self.pending, self.session = None, session
        remembered = {"name": self.name_entry.text}
        if self._hosting:
            remembered["port"] = self.port_entry.text
        elif self._target is not None:
            self.address_entry.text = remembered["address"] = self._short(*self._target)
        self._remembered.update(remembered)
        self.password_entry.clear()
        self.close()

    def _fail(self, session: Session) -> None:
        self.pending = None
        reason, words = session.client.disconnect_reason, session.reason
        _abandon(session)
        if self._hosting:
            self.show("host", words)
        elif reason is DisconnectReason.WRONG_PASSWORD:
            self.show("password", words if self._password_tried else "")
        else:
            self.show("main", words)

    def _short(self, hostname: str, port: int) -> str:
        """Return an address as short as it can be typed."""
        return format_address(hostname, port, self.default_port)

    # -- what the player does

    def show(self, page: str, message: str = "") -> None:
        """Go to a page, and say something there."""
        self.page, self.message = page, message

    def back(self) -> None:
        """Leave the page; on the first one, the program."""
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
        """Give up connecting."""
        pending, self.pending = self.pending, None
        if pending is not None:
            _abandon(pending)
        self.show("host" if self._hosting else "main")

    def join_typed(self) -> None:
        """Join the game at the address that was typed. If none was: the one of the list, or one on this machine."""
        typed = self.address_entry.text.strip()
        if not typed and len(self.games) == 1:
            self.join_found(self.games[0])
            return
        if not typed and self.games:
            self.show("main", "Choose one of the games in the list, or type an address.")
            return
        try:
            self._target = parse_address(typed or "localhost", self.default_port)
        except ValueError as error:
            self.show("main", str(error))
        else:
            self._join(None)

    def join_found(self, found: FoundGame) -> None:
        """Join a game of the list."""
        self._target = (found.address, found.port)
        if not found.version_ok:
            self.show("main", f"{DisconnectReason.WRONG_VERSION.sentence} Update the game on both machines.")
        elif found.password:
            self.show("password")
        else:
            self._join(None)

    def join_with_password(self) -> None:
        """Try again, with the password that was typed."""
        self._join(self.password_entry.text)

    def open_hosting(self) -> None:
        """Go to the page on which a game is opened."""
        self.own_addresses = tuple(address for address in self._addresses() if not is_loopback(address))
        self.show("host")

    def start_hosting(self) -> None:
        """Open a game here."""
        assert self._host is not None
        host, text = self._host, self.port_entry.text.strip()
        try:
            port = parse_port(text)
        except ValueError as error:
            self.show("host", str(error))
            return
        password = self.host_password_entry.text or None
        self._hosting = True
        self._begin(lambda: host(port, password), "host")

    def _join(self, password: str | None) -> None:
        assert self._target is not None
        hostname, port = self._target
        self._password_tried, self._hosting = password is not None, False
        self._begin(lambda: self._connect(hostname, port, password), self.page)

    def _suggest_port(self) -> None:
        port = int(self.port_entry.text)
        other = port_beside(port)
        self.port_entry.text = str(other)
        self.show(
            "host",
            f"Port {port} is taken by another program, perhaps by a game that is still open on this machine. "
            f"{other} is filled in now: start again.",
        )

    # -- typing with a gamepad

    def type_into(self, entry: TextEntry) -> None:
        """Put up a keyboard on the screen."""
        self.typing_into, self._typed_on = entry, self.page
        self.capitals = entry is self.name_entry and not entry.text
        self.show("typing")

    def type(self, character: str) -> None:
        """Press a key of it."""
        if self.typing_into is not None:
            self.typing_into.insert(character)
        self.capitals = False

    def rub_out(self) -> None:
        """Press its backspace."""
        if self.typing_into is not None:
            self.typing_into.rub_out()

    def toggle_capitals(self) -> None:
        """Press its shift key."""
        self.capitals = not self.capitals

    def finish_typing(self) -> None:
        """Take it away."""
        self.show(self._typed_on)


def _abandon(session: Session) -> None:
    """Close a session without waiting for it: while a name is being looked up, closing takes seconds."""
    if session.client.status == "connecting" and session.client.connection is None:
        threading.Thread(target=session.close, name="pygase-closing", daemon=True).start()
    else:
        session.close()
