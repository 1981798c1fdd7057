"""A host of rooms: many games in a process, behind one port."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from .._diagnostics.tracebacks import program_lines_only
from .._io import runner
from .._io.calls import block_or_return
from .._io.ports import Address
from .._io.signals import ended_by_signals
from .._server.encryption import check_encryption
from .._state.codec import pack_plain
from .._state.tree import Cleaner
from ..backend import Backend
from ..checks import check_address, check_names
from ..config import ServerConfig
from ..connection import ServerConnection
from ._life import HostPlumbing
from ._room import Lodging
from ._run import Full, Maker, Plan, RoomsRun
from .asking import checked_kind
from .info import RoomInfo, RoomLimits

END_SECONDS = 5.0
"""Seconds for which ``shutdown`` waits."""


class Room:
    """A room of a :class:`RoomHost`.

    :ivar info: what it was made with.
    :ivar backend: its Backend. Do not ``run`` or ``shutdown`` it: its host does.
    """

    def __init__(self, host: RoomHost, lodging: Lodging) -> None:
        self.info: RoomInfo = lodging.info
        self.backend: Backend = lodging.backend
        self._host = host
        self._lodging = lodging

    def __repr__(self) -> str:
        return f"<Room {self.code} ({self.info.kind}), {len(self.players)} players>"

    @property
    def code(self) -> str:
        """The text by which players enter it: ``client.connect(..., room=code)``."""
        return self.info.code

    @property
    def players(self) -> dict[int, ServerConnection]:
        """Client id → ServerConnection. An id belongs to this room; another room has the same numbers."""
        return dict(self.backend.server.clients)

    @property
    def is_open(self) -> bool:
        """Whether the room is there."""
        return not self._lodging.has_ended

    def dispatch_event(self, event_type: str, *args: Any, **kwargs: Any) -> None:
        """Send an event to the room's players, from any thread; parameters as in ``Server.dispatch_event``."""
        self.backend.server.dispatch_event(event_type, *args, **kwargs)

    def lock(self, is_locked: bool = True) -> None:
        """Let nobody in any more, or again: newcomers are refused with ROOM_FULL. Lost players still come back."""
        self._lodging.is_locked = is_locked

    def close(self, reason: str = "") -> None:
        """End the room; from any thread.

        :param reason: words for its players.
        """
        self._host.plumbing.ask(lambda hosting: self._lodging.close(reason))


class RoomHost:
    """Runs many games in one process, behind one UDP port::

        def duel(room):                          # the same Backend that a single game has
            return Backend(GameState(), time_step)

        host = RoomHost("pong", {"duel": duel}, interval=1 / 60)
        host.run("0.0.0.0", 8080)

    A player enters a room by its code, ``client.connect(8080, host, room="7KQ2")``, finds one with
    ``room=quick("duel")``, or makes one with ``room=new("duel")``. A client without ``room`` gets what ``quick`` finds,
    if there is only one maker.

    A room without players rests: it takes no ticks and no time passes in it.

    :param game: the game's name; clients of another are refused.
    :param makers: kind of room → a function that takes a :class:`RoomInfo` and returns a new Backend. It raises a
        ValueError with words for the player, if the options are wrong.
    :param interval: seconds between the ticks of a room.
    :param limits: see :class:`RoomLimits`.
    :param config: of the handshakes; a room's own ``ServerConfig`` is for its connections.
    :param password: if given, clients must know it.
    :raises TypeError, ValueError: if one of them is wrong.

    Next: ``run``, ``run_in_thread`` or ``serve``.
    """

    def __init__(
        self,
        game: str,
        makers: Mapping[str, Maker],
        *,
        interval: float = 0.05,
        limits: RoomLimits | None = None,
        config: ServerConfig | None = None,
        password: str | None = None,
    ) -> None:
        check_names(game, password)
        if not isinstance(makers, Mapping) or not makers or not all(callable(maker) for maker in makers.values()):
            raise TypeError(f"makers must be a dict such as {{'duel': make_duel}}, got {makers!r:.80}")
        for kind in makers:
            checked_kind(kind)
        config = config or ServerConfig()
        check_encryption(config)
        plan = Plan(game, dict(makers), interval, limits or RoomLimits(), config, password)
        self.plumbing: HostPlumbing = HostPlumbing(plan)
        """PyGaSe's own, not for games; it may change at any time."""

    # -- running -----------------------------------------------------------------------------------------------------

    @property
    def port(self) -> int | None:
        """Port number on which the host listens; None when it is not running."""
        run = self.plumbing.current
        return int(run.transport.address[1]) if run is not None and run.is_open else None

    def run(
        self, hostname: str = "localhost", port: int = 0, *, on_bound: Callable[[RoomHost], Any] | None = None
    ) -> Any:
        """Serve until :meth:`shutdown`. Blocks; inside an event loop it returns a coroutine.

        Ctrl-C, SIGTERM and SIGHUP end it with a goodbye to every player; see ``Server.run``.

        :param hostname, port: as in ``Server.run``.
        :param on_bound: called with this host as soon as it is bound: the moment to print ``host.port`` and to
            ``create`` rooms.
        :raises AddressInUse, AddressNotUsable: (both OSError) if it cannot be bound.
        """
        with program_lines_only:
            check_address(port, hostname, "run", least_port=0)

        async def run() -> None:
            self.plumbing.claim()
            await ended_by_signals(
                self.plumbing.run(port, hostname, lambda: on_bound(self) if on_bound is not None else None)
            )

        with program_lines_only:
            return block_or_return(run, "host.run(...)", "host.run_in_thread(...)")

    def run_in_thread(self, hostname: str = "localhost", port: int = 0) -> threading.Thread:
        """Serve in a daemon thread, and return it as soon as the host is bound. See :meth:`run`."""
        with program_lines_only:
            check_address(port, hostname, "run_in_thread", least_port=0)
        plumbing = self.plumbing
        plumbing.claim()
        bound = plumbing.bound

        def run() -> None:
            try:
                runner.run_to_end(plumbing.run(port, hostname, lambda: None))
            except Exception as error:
                if bound.done():
                    raise
                bound.set_exception(error)

        thread = runner.start_thread(run, "pygase-rooms")
        with program_lines_only:
            bound.result()
        return thread

    def serve(self, hostname: str = "localhost", port: int = 0) -> AbstractAsyncContextManager[Address]:
        """Serve inside a block of an asyncio program. The block begins when the host is bound::

        async with host.serve("0.0.0.0", 8080) as address:
            ...
        """
        check_address(port, hostname, "serve", least_port=0)
        return self.plumbing.serve(port, hostname)

    def shutdown(self) -> Any:
        """End all rooms; every player gets a goodbye. Blocks; inside an event loop the result can be awaited."""
        self.plumbing.begin_shutdown()
        return runner.Completion(self.plumbing.life.ended, END_SECONDS).or_block()

    # -- rooms -------------------------------------------------------------------------------------------------------

    def create(self, kind: str, *, options: Mapping[str, Any] | None = None, private: bool = False) -> Room:
        """Make a room, from any thread, while the host runs. It stays until :meth:`close`, also if it is empty.

        :param options: plain values for the maker.
        :param private: whether only players with the code get in.
        :raises KeyError: if no maker has this kind.
        :raises RuntimeError: if the host does not run, or has its most rooms.
        :raises Exception: what the maker raises.
        """
        makers = self.plumbing.plan.makers
        if kind not in makers:
            raise KeyError(f"there is no maker for {kind!r:.80}; there are: {', '.join(makers)}")
        given = Cleaner().clean(dict(options or {}), "options")
        pack_plain(given)

        def make(hosting: RoomsRun) -> Lodging:
            try:
                return hosting.create(kind, given, private=private, is_kept=True)
            except Full as error:
                raise RuntimeError(f"no room can be made: {error}") from None

        return Room(self, self.plumbing.ask(make))

    @property
    def rooms(self) -> list[Room]:
        """The rooms, oldest first; empty when the host is not running."""
        run = self.plumbing.current
        if run is None or not run.is_open:
            return []
        return self.plumbing.ask(lambda hosting: [Room(self, lodging) for lodging in hosting.rooms.values()])

    def find(self, code: str) -> Room | None:
        """Return the room with a code, in capitals or not; None if there is none."""
        return next((room for room in self.rooms if room.code == code.upper()), None)

    def close(self, code: str, reason: str = "") -> bool:
        """Close the room with a code, with words for its players; return whether there was one."""
        room = self.find(code)
        if room is not None:
            room.close(reason)
        return room is not None
