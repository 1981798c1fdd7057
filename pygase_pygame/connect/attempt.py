"""One attempt to join a game or to open one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final, Literal

from ..session import Session

CONNECTED_WAIT: Final = 1.0
"""Seconds until a game begins without the event CONNECTED, which the program may have blocked."""


class Attempt:
    """The session that is connecting.

    :ivar session: None if nothing is being tried.
    :ivar target: host name and port of the last game to join.
    :ivar is_hosting: whether a game is opened here.
    :ivar with_password: whether the last attempt to join had a password.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._began_at = 0.0
        self._connected_at: float | None = None
        self.session: Session | None = None
        self.target: tuple[str, int] | None = None
        self.is_hosting = self.with_password = False

    @property
    def seconds(self) -> float:
        """Seconds since the attempt began."""
        return self._clock() - self._began_at

    def begin(self, session: Session) -> None:
        """Wait for a session that has begun to connect."""
        self.session, self._began_at, self._connected_at = session, self._clock(), None

    def poll(self) -> Literal["waiting", "connected", "failed"]:
        """Read the network, and return the attempt's state, once a frame."""
        session = self.session
        if session is None:
            return "waiting"
        session.poll()
        if session.status == "connected":
            if self._connected_at is None:
                self._connected_at = self._clock()
            return "connected" if self._clock() - self._connected_at > CONNECTED_WAIT else "waiting"
        return "waiting" if session.status == "connecting" else "failed"

    def end(self) -> Session | None:
        """Return the session, and keep none."""
        session, self.session = self.session, None
        return session

    def give_up(self) -> None:
        """Close the session, if there is one."""
        session = self.end()
        if session is not None:
            abandon(session)


def abandon(session: Session) -> None:
    """Close a session without waiting: while a host name is looked up, closing takes seconds."""
    if session.client.status == "connecting" and session.client.connection is None:
        threading.Thread(target=session.close, name="pygase-closing", daemon=True).start()
    else:
        session.close()
