"""The insides of a server, for backends, simulated networks and tests. Games use :class:`pygase.Server`."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .._diagnostics.log_lines import LogLines
from .._io.leaving import note_living
from .._io.loops import running_platform
from .._io.ports import Address, Driver, Platform, Transport
from .._io.udp import ServerTransport
from .._protocol.endpoint import ServerEndpoint
from .._protocol.house import HousePlace
from .._protocol.identity import SECRETS_BYTES, ServerIdentity
from .._protocol.resets import RESET_KEY_BYTES
from ..config import ServerConfig
from ..event import UniversalEventHandler
from .announcing import Announcing
from .encryption import report_encryption
from .keeping_out import KeepingOut
from .life import Life
from .memory import Memory
from .run import ServerRun, is_own_address
from .start_line import log_start
from .wires import EventWire, wire_to

if TYPE_CHECKING:
    from ..connection import ServerConnection
    from .players import PlayerInputs
    from .state_keeper import StateKeeper


class Face(Protocol):
    """The public attributes of a Server that a run reads when it begins."""

    config: ServerConfig
    host_token: str
    own_token: str
    clients: dict[int, ServerConnection]
    connections: dict[Address, ServerConnection]
    player_inputs: PlayerInputs


@dataclass
class Credentials:
    """By what a server and its clients recognise each other."""

    game: str
    password: str | None
    identity: ServerIdentity | None
    """None until the first run, if no file keeps it."""
    room: HousePlace | None = None
    """The place in a host of rooms; None for a server of its own."""


class ServerPlumbing:
    """The parts of a server that outlive a run, and the newest run.

    A run begins with :meth:`claim`, then :meth:`serve` or :meth:`open`.

    :param face: the server; ``states``: the core of its store.

    :ivar log: logs repeated lines once a second.
    :ivar keeping_out: kicks and bans.
    :ivar bound: done when the socket of the newest run is open, or with the error that prevents it.
    :ivar memory: the part that outlives the process, with a checkpoint.
    :ivar was_used: whether any client has been connected since the newest run began.
    """

    def __init__(
        self, face: Face, states: StateKeeper, game: str, password: str | None, identity: ServerIdentity | None = None
    ) -> None:
        self.face = face
        self.states = states
        self.log = LogLines()
        self.handlers = UniversalEventHandler(self.log)
        self.keeping_out = KeepingOut(self.log, lambda: self.open_run)
        self.announcing = Announcing(game, password is not None)
        self.life = Life("this server is running already; shutdown() it first, or make another Server")
        self.bound: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.was_used = False
        self.wire = EventWire()
        self.current: ServerRun | None = None
        """None before its socket is open."""
        self.memory = Memory()
        self.credentials = Credentials(game, password, identity)
        self._stop: Callable[[], Any] = lambda: None
        self._stop_requested = False

    @property
    def run(self) -> ServerRun:
        """:raises RuntimeError: before the newest run's socket is open."""
        if self.current is None:
            raise RuntimeError("this server has not begun to run")
        return self.current

    @property
    def open_run(self) -> ServerRun | None:
        """The run whose socket is open, or None."""
        run = self.current
        return run if run is not None and run.is_open else None

    def give_client_id(self) -> int:
        """Return an id that no client has had, for a bot."""
        if self.current is not None:
            return self.current.endpoint.entrance.ids.give()
        given = self.memory.next_client_id
        self.memory.next_client_id += 1
        return given

    # -- the beginning ---------------------------------------------------------------------------------------------

    def claim(self, event_wire: Any) -> None:
        """Begin the life of a new run.

        :param event_wire: a receiver of events, or None.
        :raises TypeError: if it cannot receive events.
        :raises RuntimeError: if the server runs already.
        """
        wire = wire_to(event_wire)
        self.life.begin()
        self.bound = concurrent.futures.Future()
        self.wire = wire
        self.memory.set_clock()
        if self.current is not None:
            self.memory.next_client_id = self.current.endpoint.entrance.ids.next
        self.current, self._stop_requested, self.was_used = None, False, False

    async def serve(self, port: int, hostname: str, on_bound: Callable[[], Any] | None = None) -> None:
        """Run on the running event loop until :meth:`request_stop`; ``on_bound``: see ``Server.run``."""
        import asyncio

        try:
            stop: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._stop = lambda: None if stop.done() else stop.set_result(None)
            run = self._make_run(ServerTransport(hostname, port), hostname, running_platform(self.states.clock))
            leaving = _Leaving(self)
            note_living(leaving)
            self.announcing.begin(run)
            log_start(hostname, int(run.transport.address[1]))
            self.bound.set_result(None)
            if on_bound is not None:
                on_bound()
            run.driver.turn()
            if self._stop_requested:
                self._stop()
            try:
                await stop
            finally:
                run.say_goodbye()
        finally:
            self.finish()

    def open(self, transport: Transport, hostname: str, platform: Platform) -> ServerRun:
        """Begin to run on a platform's driver. The run ends by :meth:`request_stop`."""
        run = self._make_run(transport, hostname, platform)
        self._stop = self.end
        self.bound.set_result(None)
        run.driver.turn()
        return run

    def _make_run(self, transport: Transport, hostname: str, platform: Platform) -> ServerRun:
        try:
            run = ServerRun(self, transport, hostname, platform)
            self.memory.prepare(platform.wall_clock)
        except BaseException:
            transport.close()
            raise
        self.current = run
        if self.credentials.room is None:  # a host of rooms reports it once
            report_encryption(self.face.config, self.credentials.password is not None, hostname)
        run.begin()
        self.memory.begin(run)
        return run

    def new_endpoint(self, random_bytes: Callable[[int], bytes], is_local: bool) -> ServerEndpoint:
        """``is_local``: the first client from this machine is the host."""
        face = self.face
        known = self.credentials
        known.identity = known.identity or self.memory.identity or ServerIdentity(random_bytes(SECRETS_BYTES))
        self.memory.reset_key = self.memory.reset_key or random_bytes(RESET_KEY_BYTES)
        endpoint = ServerEndpoint(
            random_bytes=random_bytes,
            config=face.config,
            game=known.game,
            password=known.password,
            host_token=face.host_token,
            own_token=face.own_token,
            is_local=is_own_address if is_local and self.credentials.room is None else lambda address: False,
            first_client_id=self.memory.next_client_id,
            reset_key=self.memory.reset_key,
            identity=known.identity,
            precision=self.states.wire.precision,
            has_views=self.states.wire.views is not None,
            priorities=self.states.wire.priorities,
            room=known.room,
        )
        endpoint.entrance.bans = self.keeping_out.bans
        return endpoint

    # -- the end ---------------------------------------------------------------------------------------------------

    def begin_shutdown(self) -> Driver | None:
        """Ask the run to end, and do not wait; from any thread. Return its driver, or None."""
        self._stop_requested = True  # first: a run that is just beginning looks at this after its driver is there
        run = self.current
        if run is None or self.life.is_over:
            return None
        run.driver.call(self.request_stop)
        return run.driver

    def request_stop(self) -> None:
        """On the network's thread only."""
        self._stop_requested = True
        self._stop()

    def end(self) -> None:
        """Say goodbye, and end at once. On the network's thread only."""
        self.run.say_goodbye()
        self.finish()

    def finish(self) -> None:
        """Close the run, and end its life. May be called again."""
        self.announcing.end()
        if self.current is not None:
            self.current.close()
        try:
            self.memory.after_server()
        finally:
            self.life.end()

    # -- calls from any thread -------------------------------------------------------------------------------------

    def announce(self, name: str, port: int, info: Mapping[str, Any] | None) -> None:
        self.announcing.plan(name, port, info)
        run = self.open_run
        if run is not None:
            driver, begin = run.driver, lambda: self.announcing.begin(run)
            driver.call(lambda: driver.defer(begin))  # deferred, it runs inside the loop

    def stop_announcing(self) -> None:
        self.announcing.cancel()
        if self.current is not None:
            self.current.driver.call(self.announcing.end)


class _Leaving:
    is_server = True

    def __init__(self, server: ServerPlumbing) -> None:
        self._server = server
        self.ended = server.life.ended

    def leave(self) -> None:
        """Begin to shut down. If no loop runs any more, shut down at once."""
        driver = self._server.begin_shutdown()
        if driver is not None and not driver.is_driven:
            self._server.end()

    def pump(self) -> None:
        """Nothing is left to do."""
