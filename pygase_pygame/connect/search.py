"""The search for games on the local network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


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
    """Finds games on the local network; ``pygase.Browser`` is one."""

    @property
    def games(self) -> Sequence[Any]:
        """The present games, each a :class:`FoundGame`."""

    @property
    def problem(self) -> str:
        """A sentence for the player while no game can be found, or ""."""

    def start(self) -> Any:
        """Begin to search."""

    def stop(self) -> None:
        """End the search."""


class Search:
    """A browser that is started and stopped as needed.

    :param browser: None: this program does not search.
    """

    def __init__(self, browser: GameBrowser | None) -> None:
        self._browser = browser
        self._is_running = False

    @property
    def games(self) -> Sequence[Any]:
        """As :attr:`GameBrowser.games`."""
        return self._browser.games if self._browser is not None else ()

    @property
    def problem(self) -> str:
        """As :attr:`GameBrowser.problem`."""
        if self._browser is None:
            return "This program does not search for games."
        return self._browser.problem

    def start(self) -> None:
        """Begin to search, unless it does."""
        if self._browser is not None and not self._is_running:
            self._is_running = True
            self._browser.start()

    def stop(self) -> None:
        """End the search."""
        if self._browser is not None and self._is_running:
            self._is_running = False
            self._browser.stop()
