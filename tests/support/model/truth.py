"""What must be true, whatever happens: kept beside the game, in the plainest terms, and compared with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_LOST, CLIENT_RESUMED

TIMEOUT: Final = 2.0
"""Seconds of silence after which each side misses the other."""
RESUME_SECONDS: Final = 6.0
SAVES_APART: Final = 2.0
"""Seconds between two saves of a checkpoint."""

MARGIN: Final = 3.0
"""Seconds by which a silence must differ from the bound, so that the model knows what became of the connection: the
back-off of at most 1 s, the time-out that began at the latest packet, and a handshake with losses."""

SAVED_WITHIN: Final = 1.5
"""Seconds after which a join, a resume or a leave is on the disk."""

HEARD_WITHIN: Final = 1.0
"""Seconds after which a server must know of a goodbye on a link that loses nothing: the client's last events have half
a second. It is less than ``TIMEOUT``, so no time-out looks like a goodbye."""

LOOSE: Final = "unreliable"
RETRIED: Final = "retried"
ORDERED: Final = "reliable"
KINDS: Final = (LOOSE, RETRIED, ORDERED)

FOLLOWERS: Final = {
    None: {CLIENT_CONNECTED},
    CLIENT_CONNECTED: {CLIENT_LOST, CLIENT_LEFT},
    CLIENT_LOST: {CLIENT_RESUMED, CLIENT_LEFT},
    CLIENT_RESUMED: {CLIENT_LOST, CLIENT_LEFT},
    CLIENT_LEFT: set(),
}
"""The events of a client's life, each with those that may follow it."""


class Broken(AssertionError):
    """Something that must be true is not."""


def must(condition: object, words: str) -> None:
    """Raise Broken, with these words, unless the condition holds."""
    if not condition:
        raise Broken(words)


@dataclass
class Letters:
    """The events of one direction between the server and one client."""

    sent: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    got: dict[str, list[int]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    excused: set[int] = field(default_factory=set)
    """Reliable events that a killed server may have taken with it."""

    def begin_anew(self, excused: set[int]) -> None:
        """A new process of the client begins, and remembers nothing."""
        self.excused |= excused
        self.got = {kind: [] for kind in KINDS}

    def check(self, whose: str) -> None:
        """Check what must hold at any time: nothing twice, nothing invented, and reliable events in order."""
        for kind in KINDS:
            got = self.got[kind]
            must(len(set(got)) == len(got), f"{whose}: a {kind} event was handled twice: {got}")
            must(set(got) <= set(self.sent[kind]), f"{whose}: a {kind} event was handled that nobody had sent")
        must(self.got[ORDERED] == sorted(self.got[ORDERED]), f"{whose}: out of order: {self.got[ORDERED]}")
        if self.got[ORDERED]:
            missing = self.missing(up_to=self.got[ORDERED][-1])
            must(not missing, f"{whose}: {self.got[ORDERED][-1]} was handled before {sorted(missing)[:3]}")

    def missing(self, up_to: int | None = None) -> set[int]:
        """Return the reliable events, up to a number, that were not handled and have no excuse."""
        wanted = {n for n in self.sent[ORDERED] if up_to is None or n <= up_to}
        return wanted - set(self.got[ORDERED]) - self.excused

    def check_complete(self, whose: str) -> None:
        """Check what must hold at rest, if the client is still there."""
        missing = sorted(self.missing())
        must(not missing, f"{whose}: {len(missing)} reliable events have not arrived, the first is {missing[:1]}")


class Silence:
    """How long a client and its server could not hear each other.

    :ivar longest: seconds at a stretch; ``longest_with_pauses``: the same, if pauses that may have been too short to
        reconnect do not count.
    """

    def __init__(self) -> None:
        self.longest = self.longest_with_pauses = 0.0
        self._began_at = self._first_at = self._ended_at = -math.inf
        self._is_silent = False

    def begin(self, now: float) -> None:
        """From now on they do not hear each other."""
        if self._is_silent:
            return
        if now - self._ended_at > MARGIN:
            self._first_at = now
        self._began_at, self._is_silent = now, True

    def end(self, now: float) -> None:
        """From now on they do."""
        if not self._is_silent:
            return
        self._ended_at, self._is_silent = now, False
        self.longest = max(self.longest, now - self._began_at)
        self.longest_with_pauses = max(self.longest_with_pauses, now - self._first_at)

    @property
    def must_survive(self) -> bool:
        """Whether the connection must go on after it."""
        return self.longest_with_pauses < TIMEOUT + RESUME_SECONDS - MARGIN

    @property
    def must_end(self) -> bool:
        """Whether the connection must be over after it."""
        return self.longest > TIMEOUT + RESUME_SECONDS + MARGIN


class Lives:
    """The events of all clients' lives, as handlers of the server get them."""

    def __init__(self) -> None:
        self._latest: dict[int, str] = {}
        self.ids: set[int] = set()
        self._gone: set[int] = set()
        """The ids of those whose goodbye the server has heard."""

    def note(self, client_id: int, event_type: str) -> None:
        """Note an event, and check that it may follow the one before.

        :raises Broken: if it may not.
        """
        latest = self._latest.get(client_id)
        is_back = event_type in (CLIENT_CONNECTED, CLIENT_RESUMED)
        must(not (is_back and client_id in self._gone), f"client {client_id} is back after its goodbye")
        must(event_type in FOLLOWERS[latest], f"client {client_id}: {event_type} after {latest}")
        if event_type == CLIENT_CONNECTED:
            must(client_id not in self.ids, f"the id {client_id} was given twice")
            self.ids.add(client_id)
        self._latest[client_id] = event_type

    def note_goodbye(self, client_id: int) -> None:
        """Check that a client that has said goodbye has left. Its id must never be back.

        :raises Broken: if it has not.
        """
        latest = self._latest.get(client_id)
        must(latest == CLIENT_LEFT, f"client {client_id} has said goodbye, and the latest of it is {latest}")
        self._gone.add(client_id)

    def present(self) -> set[int]:
        """Return the ids of the clients that have connected and not left."""
        return {client_id for client_id, event_type in self._latest.items() if event_type != CLIENT_LEFT}

    def lost(self) -> set[int]:
        """Return the ids of those that are lost."""
        return {client_id for client_id, event_type in self._latest.items() if event_type == CLIENT_LOST}

    def forget(self) -> None:
        """Another server begins, which knows nothing of this one."""
        self._latest.clear()
        self.ids.clear()
        self._gone.clear()

    def go_back(self, known: dict[int, str | None]) -> None:
        """A new process goes on from a checkpoint, and may report again what happened after it.

        :param known: of each client of the checkpoint, the latest event that its game had handled; None for none.
        """
        self._latest = {client_id: event_type for client_id, event_type in known.items() if event_type is not None}
        self.ids -= {client_id for client_id, event_type in known.items() if event_type is None}
