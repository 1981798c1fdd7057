"""The screen before a game: who am I, which game, and what is wrong if it cannot be joined."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Unpack

import pygame

from pygase import DEFAULT_PORT, get_available_ip_addresses

from ..joining import SessionOptions, join
from ..session import Session
from ..ui.lettering import Lettering
from ..ui.menu import Menu
from ..ui.palette import NIGHT
from ..ui.text_entry import Clipboard
from .connect_flow import ConnectFlow, GameBrowser
from .connect_pages import Page

_FIRST_FOCUS: Final = {
    "connecting": "cancel",
    "password": "password",
    "host": "start",
    "typing": ("key", "q"),
}
"""What has the focus when a page comes up."""


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

    It lists the games that are announced on the local network as they come and go, takes an address (``HOST``,
    ``HOST:PORT``, ``[IPV6]:PORT``), says in plain words what is wrong, asks for a password where one is needed, and
    remembers name and address. CONNECTED, and what the server says right after it, is kept for the game: it comes by
    again once :attr:`session` is there.

    :param game: the game's name, as in ``Server(game=...)``.
    :param title: what to call it; the same by default.
    :param host: opens a game here: ``host(port, password) -> Session``, such as a function that makes a backend and
        calls :func:`pygase_pygame.host`; what it raises is shown. None: the player cannot host.
    :param passwords: whether who opens a game here may give it a password; if not, ``host`` gets None.
    :param default_port: where nobody names another.
    :param name: the player's name at the very first time; by default what this machine calls its user.
    :param browser: another than ``pygase.Browser(game)``.
    :param search: whether to search the local network at all.
    :param remember: the file in which name and address are kept; True: one in this system's directory for settings;
        False: nowhere.
    :param addresses: returns this machine's addresses.
    :param clipboard: another than the system's.
    :param connect: joins a game: ``connect(hostname, port, password) -> Session``; by default
        :func:`pygase_pygame.join`.
    :param options: for the session, as :func:`pygase_pygame.join` takes them; ``clock`` is this screen's, too.
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

        self._flow = ConnectFlow(
            game,
            connect or join_it,
            host=host,
            passwords=passwords,
            default_port=default_port,
            name=name,
            browser=browser,
            search=search,
            remember=remember,
            addresses=addresses,
            clipboard=clipboard,
            clock=options.get("clock", time.monotonic),
        )
        self._title = title or game or "Join a game"
        self._letters = Lettering(0.8)
        self._menu = Menu(self._flow.back, self._flow.type_into)
        self._size = (640, 480)  # of the surface drawn on last,
        self._first_row = 0  # and where its list of games began
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
        """The player's name, never empty, on one line. Set it to have another there than was remembered."""
        return self._flow.name

    @name.setter
    def name(self, name: str) -> None:
        self._flow.name_entry.text = name

    @property
    def friends_type(self) -> list[str]:
        """What friends on the same network have to type to join the game that was opened here; else nothing."""
        return self._flow.friends_type

    @property
    def page(self) -> str:
        """What is up: "main", "connecting", "password", "host" or "typing"."""
        return self._flow.page

    @property
    def message(self) -> str:
        """What is wrong, in plain words; "" if nothing is."""
        return self._flow.message

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a pygame event in; True if it was for this screen. Does nothing once :attr:`session` is there."""
        if self._flow.hear(event):
            return True
        if self._flow.session is not None:
            return False
        page = self._page()
        if event.type == pygame.MOUSEWHEEL and self._flow.page == "main":
            self._menu.set_focus(page.items, "address")  # or the list would follow the focus
            self._first_row = max(0, page.first_row - event.y)
            return True
        taken = self._menu.handle(event, page.items)
        if page.wanted_focus is not None:
            self._menu.set_focus(page.items, page.wanted_focus)
        return taken

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the screen over the whole surface, and see how connecting goes. Never blocks."""
        self._size = surface.get_size()
        self._flow.check()
        page = self._page()
        surface.fill(NIGHT)
        page.draw(surface)
        self._menu.draw(surface, page.items, self._letters, page.sheet.text)

    def reopen(self, message: str = "") -> None:
        """Go back to the screen, as after the connection was lost; the session of before is closed.

        :param message: what to tell the player, such as ``session.reason``.
        """
        self._flow.reopen(message)

    def close(self) -> None:
        """Stop searching, and give up what is still connecting. The session, if there is one, stays."""
        self._flow.close()

    def _page(self) -> Page:
        """Lay out what is to be seen now."""
        page = Page(
            self._flow,
            self._title,
            self._size,
            self._letters,
            focus=self._menu.focus,
            first_row=self._first_row,
        )
        self._first_row = page.first_row
        if self._flow.session is None and not self._has_focus(page):
            self._flow.blur()
            self._menu.set_focus(page.items, self._first_focus(page))
            self._page_before = self._flow.page
        return page

    def _has_focus(self, page: Page) -> bool:
        return self._flow.page == self._page_before and any(item.key == self._menu.focus for item in page.items)

    def _first_focus(self, page: Page) -> Any:
        typed_into = [item.key for item in page.items if item.entry is self._flow.typing_into is not None]
        if self._page_before == "typing" and typed_into:
            return typed_into[0]
        if self._flow.page == "main":
            return "address" if self._flow.name_entry.text else "name"
        return _FIRST_FOCUS[self._flow.page]
