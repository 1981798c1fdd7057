"""News: one line of text from the server to the players, shown for some seconds."""

from collections.abc import Callable
from typing import Any

from pygase import RELIABLE, Backend


class Announcer:
    """Sends a game's events to its clients, reliably and in order."""

    def __init__(self, backend: Backend) -> None:
        self._server = backend.server

    def send(self, client_id: int, event: str, *data: Any) -> None:
        """Send an event to one client."""
        self._server.dispatch_event(event, *data, target_client=client_id, retries=RELIABLE)

    def announce(self, text: str, *, about: int | None = None) -> None:
        """Send `NEWS(text)` to all clients, except the one that it is about."""
        for client_id in list(self._server.clients):
            if client_id != about:
                self.send(client_id, "NEWS", text)


class NewsLine:
    """The line of news on a player's screen.

    :param clock: returns the time in seconds.
    :param seconds: time for which a line is shown.
    """

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock, self._seconds = clock, seconds
        self._text, self._until = "", 0.0

    def show(self, text: str, seconds: float | None = None) -> None:
        """Show a line now, instead of the last one."""
        self._text, self._until = text, self._clock() + (self._seconds if seconds is None else seconds)

    @property
    def is_shown(self) -> bool:
        """Whether a line is shown now."""
        return self._clock() < self._until

    @property
    def text(self) -> str:
        """The line to show now, or ""."""
        return self._text if self.is_shown else ""
