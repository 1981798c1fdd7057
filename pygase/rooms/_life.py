"""The insides of a host of rooms, for simulated networks and tests. Games use :class:`pygase.rooms.RoomHost`."""

from __future__ import annotations

import concurrent.futures
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from .._io.leaving import note_living
from .._io.loops import LoopDriver, running_platform
from .._io.ports import Address, Loop, Platform, Transport
from .._io.udp import ServerTransport
from .._server.life import Life
from ._room import MakeDriver
from ._run import Plan, RoomsRun

T = TypeVar("T")


class HostPlumbing:
    """The run of a host, and the one before it.

    :ivar current: the newest run, or None.
    :ivar life: of the newest run.
    :ivar bound: done when its socket is open, or with the error that prevents it.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.current: RoomsRun | None = None
        self.life = Life("this RoomHost runs already; shutdown() it first, or make another RoomHost")
        self.bound: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._stop: Callable[[], None] = lambda: None

    def claim(self) -> None:
        """:raises RuntimeError: if it runs already."""
        self.life.begin()
        self.bound = concurrent.futures.Future()
        self.current = None

    @property
    def hosting(self) -> RoomsRun:
        """:raises RuntimeError: if it does not run."""
        if self.current is None or not self.current.is_open:
            raise RuntimeError("this RoomHost does not run; call run_in_thread() first, or create rooms in on_bound")
        return self.current

    # -- on asyncio's loop -------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def serve(self, port: int, hostname: str) -> AsyncIterator[Address]:
        """Claim, and serve on the running loop inside the block."""
        self.claim()
        async with self.serving(port, hostname) as address:
            self.bound.set_result(None)
            yield address

    @asynccontextmanager
    async def serving(self, port: int, hostname: str) -> AsyncIterator[Address]:
        """Serve on the running loop inside the block. Next to :meth:`claim`."""
        import asyncio

        clock_platform = running_platform()
        loop = asyncio.get_running_loop()
        try:
            transport = ServerTransport(hostname, port)
            hosting = self._begin(
                loop,
                transport,
                clock_platform,
                lambda pump, room: LoopDriver(pump, room, room.loop, clock_platform.clock),
            )
            try:
                yield transport.address
            finally:
                hosting.say_goodbye()
        finally:
            self._finish()

    async def run(self, port: int, hostname: str, on_bound: Callable[[], object]) -> None:
        """Serve on the running loop until :meth:`begin_shutdown`."""
        import asyncio

        stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._stop = lambda: None if stop.done() else stop.set_result(None)
        async with self.serving(port, hostname):
            note_living(_Leaving(self))
            on_bound()
            self.bound.set_result(None)
            await stop

    # -- in virtual time ---------------------------------------------------------------------------------------------

    def open(self, loop: Loop, transport: Transport, platform: Platform, make_driver: MakeDriver) -> None:
        """Serve on a loop of any kind until :meth:`begin_shutdown`."""
        self.claim()
        hosting = self._begin(loop, transport, platform, make_driver)
        self.bound.set_result(None)

        def stop() -> None:
            hosting.say_goodbye()
            self._finish()

        self._stop = stop

    def _begin(self, loop: Loop, transport: Transport, platform: Platform, make_driver: MakeDriver) -> RoomsRun:
        try:
            hosting = self.current = RoomsRun(self.plan, loop, transport, platform, make_driver)
        except BaseException:
            transport.close()
            raise
        hosting.driver.turn()
        return hosting

    def _finish(self) -> None:
        if self.current is not None:
            self.current.close()
        self.life.end()

    # -- from any thread ---------------------------------------------------------------------------------------------

    def ask(self, question: Callable[[RoomsRun], T]) -> T:
        """Return the answer of a function that runs on the network's thread.

        :raises RuntimeError: if the host does not run.
        """
        hosting = self.hosting
        if hosting.driver.on_own_thread:
            return question(hosting)
        answer: concurrent.futures.Future[T] = concurrent.futures.Future()

        def call() -> None:
            try:
                answer.set_result(question(hosting))
            except BaseException as error:
                answer.set_exception(error)

        hosting.driver.call(call)
        return answer.result(10.0)

    def begin_shutdown(self) -> None:
        """Ask the run to end, and do not wait."""
        hosting = self.current
        if hosting is not None and not self.life.is_over:
            hosting.driver.call(self._stop)


class _Leaving:
    is_server = True

    def __init__(self, host: HostPlumbing) -> None:
        self._host = host
        self.ended = host.life.ended

    def leave(self) -> None:
        """Begin to shut down."""
        self._host.begin_shutdown()

    def pump(self) -> None:
        """Nothing is left to do."""
