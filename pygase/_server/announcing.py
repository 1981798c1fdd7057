"""A server's announcement on the local network, from run to run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .announcer import Announcement, Announcer
    from .run import ServerRun


class Announcing:
    """The planned announcement, and the announcer that answers with it.

    :param game: the game's name; ``password``: whether players need one.
    """

    def __init__(self, game: str, password: bool) -> None:
        self._game = game
        self._password = password
        self._announcement: Announcement | None = None
        self._announcer: Announcer | None = None

    def plan(self, name: str, port: int, info: Mapping[str, Any] | None) -> None:
        """Announce this from the next :meth:`begin` on; from any thread. See ``Server.announce``."""
        from .announcer import Announcement  # only here: few servers need it, and its import takes time

        self._announcement = Announcement(name, port, info)

    def cancel(self) -> None:
        """Undo :meth:`plan`; from any thread. Next: :meth:`end`."""
        self._announcement = None

    def begin(self, run: ServerRun) -> None:
        """Begin to answer for a run, or take a new plan over; on the run's event loop."""
        announcement, announcer = self._announcement, self._announcer
        if announcement is None or not run.is_open or not run.driver.can_be_found:
            return
        if announcer is not None and announcer.announcement.port == announcement.port:
            announcer.change(announcement)
            return
        self.end()
        from .announcer import Announcer

        endpoint, most = run.endpoint, run.config.max_clients
        address = run.transport.address
        self._announcer = Announcer(
            announcement, address, self._game, self._password, lambda: (len(endpoint.peers), most)
        )
        self._announcer.start()

    def end(self) -> None:
        announcer, self._announcer = self._announcer, None
        if announcer is not None:
            announcer.stop()
