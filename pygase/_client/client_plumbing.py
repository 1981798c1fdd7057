"""The insides of a client, for simulated networks and tests. Games use :class:`pygase.Client`."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from .._diagnostics.log_lines import LogLines
from .._io.ports import Driver
from .._protocol.handshake import EMPTY_PROFILE, Introduction
from ..checks import Destination
from ..config import ClientConfig
from ..event import UniversalEventHandler
from .client_endpoint import ClientEndpoint
from .outbox import Outbox, OutgoingEvent
from .seat_file import SeatFile
from .session import ClientSession, Parts, Request
from .states import ReceivedStates

if TYPE_CHECKING:
    from ..links import Link


class ClientPlumbing:
    """The parts of a client that outlive a connection, and the session of the current one.

    :ivar current: the session of the newest connection, ended or not; None before the first.
    :ivar log: the log for lines that may repeat often.
    :ivar link: the bad link that the game has asked for, and its seed.
    """

    def __init__(self, game: str, password: str | None, config: ClientConfig) -> None:
        self._game = game
        self._password = password
        self.log = LogLines()
        self.handlers = UniversalEventHandler(self.log)
        self.states = ReceivedStates(config)
        self.current: ClientSession | None = None
        self.link: tuple[Link | None, int | None] = (None, None)
        self._early = Outbox()
        """Events dispatched before the first session."""
        self._claiming = threading.Lock()

    @property
    def session(self) -> ClientSession:
        """:raises RuntimeError: before the first."""
        if self.current is None:
            raise RuntimeError("this client has not begun to connect")
        return self.current

    @property
    def endpoint(self) -> ClientEndpoint:
        """:raises RuntimeError: before its socket is open."""
        return self.session.line.endpoint

    @property
    def driver(self) -> Driver:
        """:raises RuntimeError: before its socket is open."""
        return self.session.line.driver

    def claim(
        self,
        target: Destination,
        config: ClientConfig,
        *,
        connect_timeout: float | None = None,
        host_token: str = "",
        profile: bytes = EMPTY_PROFILE,
        resume: str | os.PathLike[str] | None = None,
    ) -> ClientSession:
        """Make a new session the current one. Next: ``run``, ``run_in_thread``, ``open`` or ``begin``.

        :param connect_timeout: seconds to try for; the config's if None.
        :param profile: the player's, serialised.
        :raises RuntimeError: if the current one has not ended.
        """
        if connect_timeout is not None:
            config = replace(config, connect_timeout=connect_timeout)
        port, hostname, trust, wish = target
        seat_file = SeatFile(resume, (hostname, port), self._game, wish.room) if resume is not None else None
        player = Introduction(self._game, self._password, host_token, profile, wish)
        request = Request(hostname, port, config, player, trust, seat_file)
        with self._claiming:
            former = self.current
            if former is not None and former.status != "disconnected":
                raise RuntimeError(
                    "this client is connected, or connecting, already; disconnect() it first, or make another Client"
                )
            if former is not None:
                former.supersede()
            self.states.begin(config)
            parts = Parts(self.handlers, self.log, self.states)
            session = ClientSession(request, parts, self._early if former is None else Outbox())
            session.link = self.link
            self.current = session
        return session

    def lay_link(self, link: Link | None, seed: int | None) -> None:
        """Lay a bad link over this connection and the next ones; from any thread."""
        self.link = (link, seed)
        if self.current is not None:
            self.current.lay_link(link, seed)

    def queue(self, event: OutgoingEvent, max_queued: int) -> None:
        """Send an event in the current session, or in the first one as soon as it begins.

        :raises BufferError: if it has retries, and ``max_queued`` events wait already.
        """
        if self.current is not None:
            self.current.queue(event)
            return
        if event.retries:
            self._early.check_room(0, max_queued)
        self._early.put(event, connected=False)

    @property
    def outbox(self) -> Outbox:
        return self.current.outbox if self.current is not None else self._early
