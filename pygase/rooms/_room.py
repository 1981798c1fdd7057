"""One room of a host, as the host has it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .._io.clocks import work_clock
from .._io.phases import set_phase
from .._io.ports import Clock, Driver, Loop, Platform, Pump, Timer, Transport
from .._protocol.endpoint import ServerEndpoint
from .._protocol.house import Arrival, House, HousePlace
from .._server.loop import TickSwitch
from ..backend import Backend
from ..errors import DisconnectReason
from ._budget import CLOSED_FROM, SLOW_FROM, Budget
from ._lodging import Account, RoomLoop, RoomTransport
from .info import RoomInfo

if TYPE_CHECKING:
    from .._protocol.house import Home

logger = logging.getLogger("pygase")

RESTS_AFTER: Final = 1.0
"""Seconds without a player after which a room rests. Its handlers of CLIENT_LEFT have run by then."""

NOTICE_SECONDS: Final = 0.1
"""Seconds between two looks for the players of a room."""

MakeDriver = Callable[[Pump, RoomTransport], Driver]


class Ground:
    """What a room stands on: the host's loop, socket and clocks.

    :param make_driver: makes the driver of a room; ``pull``: reads the host's socket, if datagrams may lie in it.
    """

    def __init__(
        self, loop: Loop, transport: Transport, platform: Platform, make_driver: MakeDriver, pull: Callable[[], None]
    ) -> None:
        self.loop = loop
        self.transport = transport
        self.platform = platform
        self.make_driver = make_driver
        self.pull = pull


class Lodging:
    """A room with its Backend, on the host's loop. All methods are for the network's thread only.

    :param budget: seconds of work that a tick may take.
    :param on_empty: called when the room begins to rest; ``on_gone``: when it has ended.
    :ivar has_ended: whether it is closed, or about to be.
    :ivar is_locked: whether nobody gets in any more.
    :ivar closing: the timer by which an empty room is closed, or None.
    """

    def __init__(
        self,
        info: RoomInfo,
        backend: Backend,
        ground: Ground,
        budget: float,
        on_empty: Callable[[Lodging], None],
        on_gone: Callable[[Lodging], None],
    ) -> None:
        self.info = info
        self.backend = backend
        self.is_locked = False
        self.closing: Timer | None = None
        self._ground = ground
        self._budget = Budget(budget)
        self._on_empty = on_empty
        self._on_gone = on_gone
        self._looks_at = self._empty_since = self._clock()
        account = Account(work_clock(self._clock), self._on_worked, self._on_error)
        self._loop = RoomLoop(ground.loop, account)
        self._transport = RoomTransport(self._loop, ground.transport, lambda: account.work_for_others(ground.pull))
        self.has_ended = False
        self._rests: TickSwitch | None = None

    @property
    def _clock(self) -> Clock:
        return self._ground.platform.clock

    def begin(self, house: House, interval: float, phase: float) -> None:
        """Serve, and rest until the first player is there.

        :param phase: the room's part of an interval, 0..1, by which its ticks are later than others'.
        """
        platform, ground, backend = self._ground.platform, self._ground, self.backend
        backend.plumbing.claim(interval)
        backend.server.plumbing.credentials.room = HousePlace(house, self, self.info.code)
        backend.game_state_store.plumbing.use_clock(platform.clock)
        backend.game_state_machine.plumbing.restart_history()
        set_phase(self._loop, interval, self._loop.time() + phase * interval)
        own = Platform(
            platform.clock,
            platform.random_bytes,
            lambda pump, _: ground.make_driver(pump, self._transport),
            platform.wall_clock,
        )
        self._rests = backend.plumbing.begin_on(self._loop, interval, self._transport, own)
        self._rests.rest()
        backend.plumbing.life.ended.add_done_callback(lambda _: self._on_gone(self))

    @property
    def endpoint(self) -> ServerEndpoint:
        return self.backend.server.plumbing.run.endpoint

    @property
    def is_awake(self) -> bool:
        """Whether the room takes ticks."""
        return self._rests is not None and not self._rests.is_resting

    @property
    def taken(self) -> int:
        """The number of places that are taken, lost players included."""
        return len(self.endpoint.table)

    # -- the home of an endpoint -----------------------------------------------------------------------------------

    def take(self, arrival: Arrival) -> None:
        self._transport.take(arrival)

    def rouse(self) -> None:
        if self.has_ended:
            return
        if self.taken and self._rests is not None:
            self._empty_since = self._clock()
            if self.closing is not None:
                self.closing.cancel()
                self.closing = None
            self._rests.go_on()
        self.backend.server.plumbing.run.driver.wake()

    # -- the account -----------------------------------------------------------------------------------------------

    def _on_worked(self, seconds: float) -> None:
        now = self._clock()
        if self._budget.note(seconds, now):
            self._on_overrun(seconds, self._budget.overruns(now))
        if now >= self._looks_at:
            self._look(now)

    def _on_overrun(self, seconds: float, count: int) -> None:
        if self.has_ended or self._rests is None:
            return
        took = (self.info.code, self.info.kind, seconds * 1000)
        if count >= CLOSED_FROM:
            logger.error("room %s (%s) is closed: its ticks take too long, the last one %.1f ms", *took)
            self.close("The room took too much of the machine, and was closed.")
        elif count == SLOW_FROM:
            logger.warning("room %s (%s) ticks half as often: its last tick took %.1f ms", *took)
            self._rests.slow_down(2)
        else:
            logger.warning("room %s (%s): a tick took %.1f ms, more than its budget", *took)

    def _look(self, now: float) -> None:
        self._looks_at = now + NOTICE_SECONDS
        if self.has_ended or self._rests is None or self._rests.is_resting:
            return
        if not self._budget.overruns(now):
            self._rests.slow_down(1)
        if self.taken:
            self._empty_since = now
        elif now >= self._empty_since + RESTS_AFTER:
            self._rests.rest()
            self._on_empty(self)

    def _on_error(self, error: Exception) -> None:
        logger.error("room %s (%s) is closed: %r", self.info.code, self.info.kind, error, exc_info=error)
        self.close("The room has failed, and was closed.")

    # -- the end ---------------------------------------------------------------------------------------------------

    def close(self, words: str) -> None:
        """End the room soon, with words for its players. May be called again."""
        if not self.has_ended:
            self.has_ended = True
            self._ground.loop.call_soon(lambda: self._end(words))

    def end_at_once(self) -> None:
        """End the room in this call, between two pieces of its work."""
        self.has_ended = True
        self._end("")

    def _end(self, words: str) -> None:
        now = self._clock()
        for peer in (*self.endpoint.peers.values(), *self.endpoint.table.lost.values()):
            self.endpoint.close_peer(peer, DisconnectReason.SERVER_SHUTDOWN, words, now=now)
        if self._rests is not None:
            self._rests.rest()
        self.backend.plumbing.begin_shutdown()
        self.backend.game_state_machine.plumbing.loop.end()


if TYPE_CHECKING:

    def _home(lodging: Lodging) -> Home:
        """Let mypy check the port."""
        return lodging
