"""The turns that a server and a game loop on one thread take."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .server_plumbing import ServerPlumbing


class Turns:
    """The turns of a game loop without a server on its thread."""

    def before_tick(self) -> None:
        """Let the server receive."""

    def after_tick(self) -> None:
        """Let the server end its part of the tick."""

    def before_end(self) -> None:
        """The last tick is settled, and the loop ends after this call."""

    def after_loop(self) -> None:
        """Report to the server that no tick will follow."""


class ServerTurns(Turns):
    """The turns of a backend's server."""

    def __init__(self, server: ServerPlumbing) -> None:
        self._server = server

    def before_tick(self) -> None:
        if self._server.current is not None:
            self._server.current.before_tick()

    def after_tick(self) -> None:
        if self._server.current is not None:
            self._server.current.after_tick()

    def before_end(self) -> None:
        self._server.memory.after_game()

    def after_loop(self) -> None:
        if self._server.current is not None:
            self._server.current.after_loop()
