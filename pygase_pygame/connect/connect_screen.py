"""The screen before a game, on which the player chooses one."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Unpack

import pygame

from pygase import DEFAULT_PORT, Browser, get_available_ip_addresses

from ..joining import SessionOptions, join
from ..session import Session
from ..ui.clipboard import Clipboard
from ..ui.lettering import Lettering
from ..ui.menu import Menu
from ..ui.palette import NIGHT
from .connect_flow import ConnectFlow
from .connect_pages import Page
from .entries import Entries
from .remembered import Remembered, default_path
from .search import GameBrowser, Search

_FIRST_FOCUS: Final = {
    "connecting": "cancel",
    "password": "password",
    "host": "start",
    "typing": ("key", "q"),
}


@dataclass(frozen=True)
class Inside:
    """The parts of a connect screen, for its tests.

    :ivar flow: the logic.
    :ivar menu: the focus.
    :ivar page: lays out the present page.
    """

    flow: ConnectFlow
    menu: Menu
    page: Callable[[], Page]


class ConnectScreen:
    """Lets the player choose a name and a game, by keyboard, mouse or gamepad, and connects. The loop stays yours::

        screen = ConnectScreen("pong", title="Pong", host=open_a_game, interpolate=["ball.x", "ball.y"])
        game = None
        while running:
            for event in pygame.event.get():
                running = running and event.type != pygame.QUIT
                (game or screen).handle(event)
            (game or screen).draw(window)
            if game is None and screen.session is not None:
                game = Game(screen.session, screen.name)
            running = running and not screen.left
            pygame.display.flip()
        screen.close()

    It lists the games on the local network, and takes an address (``HOST``, ``HOST:PORT``, ``[IPV6]:PORT``). It reports
    trouble in plain words, asks for a password if a game needs one, and remembers name and address. CONNECTED and the
    events that follow it arrive again for the game after :attr:`session` is there.

    :param game: the game's name, as in ``Server(game=...)``.
    :param title: the title on the screen; by default the game's name.
    :param host: opens a game here: ``host(port, password) -> Session``, for example by :func:`pygase_pygame.host`. Its
        exceptions are shown. None: the player cannot host.
    :param passwords: whether the host may give a password; otherwise ``host`` receives None.
    :param default_port: the port of an address without one.
    :param name: the player's name the first time; by default the login name.
    :param browser: replaces ``pygase.Browser(game)``.
    :param search: whether to search the local network.
    :param remember: the file for name and address; True: one in this system's directory for settings; False: none.
    :param addresses: returns this machine's addresses.
    :param clipboard: replaces the system's.
    :param connect: joins a game: ``connect(hostname, port, password) -> Session``; by default
        :func:`pygase_pygame.join`.
    :param options: as for :func:`pygase_pygame.join`. ``clock`` is also this screen's.
    """

    def __init__(
        self,
        game: str,
        *,
        title: str = "",
        host: Callable[[int, str | None], Session] | None = None,
        passwords: bool = True,
        default_port: int = DEFAULT_PORT,
        name: str | None = None,
        browser: GameBrowser | None = None,
        search: bool = True,
        remember: bool | str | Path = True,
        addresses: Callable[[], Sequence[str]] = get_available_ip_addresses,
        clipboard: Clipboard | None = None,
        connect: Callable[[str, int, str | None], Session] | None = None,
        **options: Unpack[SessionOptions],
    ) -> None:
        def join_it(hostname: str, port: int, password: str | None) -> Session:
            address = f"[{hostname}]" if ":" in hostname else hostname
            return join(address, port, game=game, password=password, **options)

        self._clock = options.get("clock", time.monotonic)
        remembered = Remembered(default_path(game) if remember is True else Path(remember) if remember else None)
        self._flow = ConnectFlow(
            connect or join_it,
            host,
            entries=Entries(remembered, name=name, default_port=default_port, clipboard=clipboard, clock=self._clock),
            search=Search(browser or (Browser(game) if search else None)),
            remembered=remembered,
            addresses=addresses,
            default_port=default_port,
            clock=self._clock,
        )
        self._passwords = passwords
        self._title = title or game or "Join a game"
        self._lettering = Lettering(smallest_share=0.8)
        self._menu = Menu(self._flow.back, self._flow.type_into)
        self._size = (640, 480)  # of the surface in the last frame
        self._first_row = 0  # of its list of games
        self._page_before = ""

    @property
    def session(self) -> Session | None:
        """The game that was joined or opened; None until it is connected."""
        return self._flow.session

    @property
    def left(self) -> bool:
        """Whether the player wants to leave the program."""
        return self._flow.left

    @property
    def name(self) -> str:
        """The player's name, never empty, on one line. Setting it replaces the remembered name."""
        return self._flow.entries.player_name

    @name.setter
    def name(self, name: str) -> None:
        self._flow.entries.name.text = name

    @property
    def friends_type(self) -> list[str]:
        """Addresses for friends on the same network to join a game opened here; otherwise []."""
        return self._flow.friends_type

    @property
    def page(self) -> str:
        """The present page: "main", "connecting", "password", "host" or "typing"."""
        return self._flow.page

    @property
    def message(self) -> str:
        """The trouble, in plain words, or ""."""
        return self._flow.message

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in a pygame event; return True if it was for this screen. None is after :attr:`session` is there."""
        if self._flow.hear(event):
            return True
        if self._flow.session is not None:
            return False
        page = self._lay_out()
        if event.type == pygame.MOUSEWHEEL and self._flow.page == "main":
            self._menu.set_focus(page.items, "address")  # otherwise the list would follow the focus
            self._first_row = max(0, page.first_row - event.y)
            return True
        taken = self._menu.handle(event, page.items)
        if page.wanted_focus is not None:
            self._menu.set_focus(page.items, page.wanted_focus)
        return taken

    def draw(self, surface: pygame.Surface) -> None:
        """Draw over the whole surface, and look at the attempt to connect. Never blocks."""
        self._size = surface.get_size()
        self._flow.check()
        page = self._lay_out()
        surface.fill(NIGHT)
        page.draw(surface)
        self._menu.draw(surface, page.items, self._lettering, page.sheet.text)

    def reopen(self, message: str = "") -> None:
        """Return to the screen, as after a loss. The present session is closed.

        :param message: for the player, such as ``session.reason``.
        """
        self._flow.reopen(message)

    def close(self) -> None:
        """Stop searching, and stop an attempt to connect. A connected session stays."""
        self._flow.close()

    @property
    def inside(self) -> Inside:
        """The parts of this screen, for its tests."""
        return Inside(self._flow, self._menu, self._lay_out)

    def _lay_out(self) -> Page:
        """Return the present page, and focus one of its items."""
        page = Page(
            self._flow,
            self._title,
            self._size,
            self._lettering,
            focus=self._menu.focus,
            first_row=self._first_row,
            passwords=self._passwords,
            now=self._clock(),
        )
        self._first_row = page.first_row
        if self._flow.session is None and not self._has_focus(page):
            self._flow.entries.blur()
            self._menu.set_focus(page.items, self._first_focus(page))
            self._page_before = self._flow.page
        return page

    def _has_focus(self, page: Page) -> bool:
        return self._flow.page == self._page_before and any(item.key == self._menu.focus for item in page.items)

    def _first_focus(self, page: Page) -> Any:
        typed_into = [item.key for item in page.items if item.entry is self._flow.keyboard.entry is not None]
        if self._page_before == "typing" and typed_into:
            return typed_into[0]
        if self._flow.page == "main":
            return "address" if self._flow.entries.name.text else "name"
        return _FIRST_FOCUS[self._flow.page]
