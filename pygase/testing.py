"""Test a game without a network: server and clients in virtual time, on links as bad as you like, the same way each
time.

::

    from pygase.testing import Link, SimulatedNetwork

    network = SimulatedNetwork(seed=7, link=Link(latency=0.05, jitter=0.02, loss=0.05))
    network.serve(backend)
    client = Client()
    network.connect(client)
    network.run(10.0)                       # ten seconds, in a few milliseconds
    with client.access_game_state() as game_state:
        assert game_state.score == 1

No socket, no thread, no sleep. Everything random comes from the seed: what fails once fails again.
"""

from __future__ import annotations

import heapq
import logging
import math
import random
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final

from ._io.loops import LoopDriver
from ._io.ports import Clock, Driver, Loop, Platform, Pump, Transport, TransportToServer
from ._io.pumping import PumpDriver
from ._io.runner import Completion, run_logged
from .backend import Backend
from .client import Client
from .links import LINKS, Link, LinkPath, describe_link, parse_link
from .server import Server

__all__ = ["LINKS", "Link", "ManualClock", "SimulatedNetwork", "describe_link", "parse_link"]

logger = logging.getLogger("pygase")

Address = tuple[Any, ...]
_Path = LinkPath
"""As it was called here once; benchmarks ask for it."""

_TIMER_RESOLUTION: Final = 1e-4
"""Seconds; a timer never fires twice at one moment, so that virtual time always moves on."""


class ManualClock:
    """A clock that stands still until it is told to go on; call it for the time in seconds.

    :param start: the time it shows first.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def __call__(self) -> float:
        """Return the time, seconds."""
        return self._now

    @property
    def now(self) -> float:
        """The time, seconds."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass.

        :raises ValueError: if it would go back.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back; got {seconds!r} seconds")
        self._now += seconds


class _VirtualTimer:
    """A call that is to come, in virtual time."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], Any]) -> None:
        self.callback: Callable[[], Any] | None = callback

    def cancel(self) -> None:
        """Do not make the call."""
        self.callback = None


class _VirtualLoop:
    """One process of the simulated network: as much of an event loop as its driver needs, in virtual time.

    See :class:`pygase._io.ports.Loop`. The sockets that it reads are simulated transports.
    """

    def __init__(self, network: SimulatedNetwork) -> None:
        self._network = network
        self._asleep_until = -math.inf
        self._readers: dict[_SimulatedTransport, Callable[[], Any]] = {}

    def time(self) -> float:
        return self._network.now

    def call_soon(self, callback: Callable[[], Any]) -> _VirtualTimer:
        return self._call(self._network.now, callback)

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Callable[[], Any]) -> _VirtualTimer:
        return self.call_at(self._network.now + delay, callback)

    def call_at(self, when: float, callback: Callable[[], Any]) -> _VirtualTimer:
        return self._call(max(when, self._network.now + _TIMER_RESOLUTION), callback)

    def _call(self, at: float, callback: Callable[[], Any]) -> _VirtualTimer:
        timer = _VirtualTimer(callback)
        self._network.call_at(at, lambda: self._fire(timer))
        return timer

    def _fire(self, timer: _VirtualTimer) -> None:
        if timer.callback is None:
            return
        if self._network.now < self._asleep_until:
            self._network.call_at(self._asleep_until, lambda: self._fire(timer))
        else:
            timer.callback()

    def sleep(self, seconds: float) -> None:
        """Run nothing for so long: what falls due meanwhile runs afterwards, in order."""
        self._asleep_until = max(self._asleep_until, self._network.now + seconds)

    def add_reader(self, transport: _SimulatedTransport, callback: Callable[[], Any]) -> None:
        self._readers[transport] = callback
        if transport.inbox:
            self.call_soon(lambda: self.on_datagram(transport))

    def remove_reader(self, transport: _SimulatedTransport) -> None:
        self._readers.pop(transport, None)

    def on_datagram(self, transport: _SimulatedTransport) -> None:
        """A datagram lies in the inbox: let it be read, at once or after the sleep."""
        if self._network.now < self._asleep_until:
            self.call_soon(lambda: self.on_datagram(transport))
        elif transport.inbox and transport in self._readers:
            self._readers[transport]()

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        run_logged(coroutine)

    def is_running(self) -> bool:
        return True


class _SimulatedTransport:
    """What takes a UDP socket's place; its process is ``loop``."""

    def __init__(self, network: SimulatedNetwork, own: Address, remote: Address | None) -> None:
        self.sockets: list[Any] = [self]
        self.loop = _VirtualLoop(network)
        self.own = own
        self.address = remote if remote is not None else own
        self.inbox: deque[tuple[bytes, Address]] = deque()
        self.closed = False
        self.hint = ""
        self._network = network

    def fileno(self) -> int:
        return -1 if self.closed else 0

    def take(self) -> list[tuple[bytes, Address]]:
        datagrams = list(self.inbox)
        self.inbox.clear()
        return datagrams

    def send(self, data: bytes, address: Address) -> None:
        self._network._send(data, self.own, address)

    def send_all(self, datagrams: Iterable[tuple[bytes, Address]]) -> None:
        for data, address in datagrams:
            self._network._send(data, self.own, address)

    def try_next(self) -> None:
        """There is one address only."""

    def close(self) -> None:
        self.closed = True
        self._network._release(self)


class _SimulatedDriver(LoopDriver):
    """The driver of real sockets, in virtual time: when to arm and wake is decided by the same code."""

    can_be_found = False

    def __init__(self, network: SimulatedNetwork, pump: Any, transport: _SimulatedTransport) -> None:
        super().__init__(pump, transport, transport.loop, network.clock)

    @property
    def on_own_thread(self) -> bool:
        """There are no threads."""
        return True

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        run_logged(coroutine)

    def finish(self, completion: Completion) -> Any:
        return completion  # virtual time goes on only when the test lets it: nothing may block


class SimulatedNetwork:
    """Runs servers and clients in virtual time, joined by links that lose, delay, duplicate and reorder.

    :param seed: of everything random here.
    :param link: the path between the server and each client, both ways, unless ``connect`` names another.
    :param start: the time at which the clock begins, seconds.

    :ivar clock: a ManualClock; ``now``: its time.
    :ivar delivered, lost: how many datagrams were.
    """

    def __init__(self, seed: int = 0, link: Link | None = None, *, start: float = 0.0) -> None:
        self.seed = seed
        self.clock = ManualClock(start)
        self.link = link or Link()
        self.delivered = self.lost = 0
        self.bytes_sent: Counter[Address] = Counter()
        self.on_datagram: Callable[[bytes, Address, Address], None] | None = None
        """Called with (data, sender, receiver) for every datagram sent, if set."""
        self._rng = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = 0
        self._transports: dict[Address, _SimulatedTransport] = {}
        self._paths: dict[tuple[Address, Address], LinkPath] = {}
        self._next_port = 50000

    def __repr__(self) -> str:
        return f"SimulatedNetwork(seed={self.seed}, link={self.link}, now={self.now:.6f})"

    @property
    def now(self) -> float:
        """Virtual time, seconds."""
        return self.clock._now  # past its property: nothing is asked as often

    # -- who takes part --------------------------------------------------------------------------------------------

    def serve(
        self,
        backend: Backend | Server,
        interval: float = 0.02,
        port: int = 8080,
        *,
        hostname: str = "127.0.0.1",
        event_wire: Any = None,
    ) -> Address:
        """Run a Backend (or a Server alone) here; return its address.

        :param interval: seconds between ticks.
        :param hostname: the address that it is bound to. Clients reach it at 127.0.0.1 in any case.
        :param event_wire: of a Server alone; see ``Server.run``.
        """
        address = ("127.0.0.1", port)
        if address in self._transports:
            raise ValueError(f"port {port} is taken by another server on this network")
        if isinstance(backend, Backend):
            backend.plumbing.claim(interval)
        else:
            backend.plumbing.claim(event_wire)
        transport = self._transports[address] = self._add((hostname, port), None)
        if isinstance(backend, Backend):
            backend.game_state_store.plumbing.use_clock(self.clock)
            backend.game_state_machine.plumbing.restart_history()
            backend.plumbing.begin_on(transport.loop, interval, transport, self._platform(transport))
        else:
            backend.game_state_store.plumbing.use_clock(self.clock)
            backend.plumbing.open(transport, "localhost", self._platform(transport))
        return address

    def _platform(self, transport: _SimulatedTransport) -> Platform:
        return Platform(self.clock, self._rng.randbytes, lambda pump, _: _SimulatedDriver(self, pump, transport))

    def connect(
        self,
        client: Client,
        port: int = 8080,
        *,
        link: Link | None = None,
        address: Address | None = None,
        connect_timeout: float | None = None,
        host_token: str = "",
        clock: Callable[[], float] | None = None,
        pumped: bool = False,
    ) -> None:
        """Let a client connect to the server at ``port``, as ``Client.open`` would; let time pass for it to succeed.

        :param link: the path of this client, both ways; the network's own if None.
        :param address: the client's address; a free port on this machine if None.
        :param clock: the client's own clock, which may drift; the network's if None.
        :param pumped: let the test call ``client.pump()``, as a game without threads does.
        """
        if address is None:
            self._next_port += 1
            address = ("127.0.0.1", self._next_port)
        server_address = ("127.0.0.1", port)
        session = client.plumbing.claim(
            port,
            "localhost",
            config=client.config,
            connect_timeout=connect_timeout,
            host_token=host_token,
        )
        transport = self._add(address, server_address)
        for path in ((address, server_address), (server_address, address)):
            self._paths[path] = LinkPath(link or self.link)

        def drive(pump: Pump, _: Transport) -> Driver:
            return PumpDriver(pump, session.ended) if pumped else _SimulatedDriver(self, pump, transport)

        session.begin(transport, Platform(clock or self.clock, self._rng.randbytes, drive))

    def _add(self, own: Address, remote: Address | None) -> _SimulatedTransport:
        transport = self._transports[own] = _SimulatedTransport(self, own, remote)
        return transport

    def _release(self, transport: _SimulatedTransport) -> None:
        self._transports = {address: other for address, other in self._transports.items() if other is not transport}

    # -- the weather -------------------------------------------------------------------------------------------------

    def set_link(self, client: Client, link: Link) -> None:
        """Change the path of a client, both ways, from now on."""
        for path in self._paths_of(client):
            path.link = link

    def partition(self, client: Client, on: bool = True, *, ways: str = "both") -> None:
        """Cut a client off, or join it again.

        :param ways: ``"both"``; ``"up"`` for the way to the server alone, ``"down"`` for the way back alone.
        """
        own = self.address_of(client)
        for (sender, receiver), path in self._paths.items():
            if (sender == own and ways != "down") or (receiver == own and ways != "up"):
                path.blocked = on

    def suspend(self, party: Client | Backend | Server, seconds: float) -> None:
        """Let a client's or a server's process sleep, as behind a closed lid: it runs nothing for so long.

        What is sent to it meanwhile lies in its socket. Returns at once; time passes by :meth:`run`.

        :raises ValueError: if it does not take part in this network.
        """
        transport = self._transport_of(party)
        if transport is None:
            raise ValueError("only clients and servers that run on this network can be suspended")
        transport.loop.sleep(seconds)

    def _transport_of(self, party: Client | Backend | Server) -> _SimulatedTransport | None:
        if isinstance(party, Client):
            has_socket = party.connection is not None
            transport: object = party.plumbing.endpoint.transport if has_socket else None
        else:
            run = (party.server if isinstance(party, Backend) else party).plumbing.open_run
            transport = run.transport if run is not None else None
        return transport if isinstance(transport, _SimulatedTransport) else None

    def _paths_of(self, client: Client) -> list[LinkPath]:
        own = self.address_of(client)
        return [path for ends, path in self._paths.items() if own in ends]

    def address_of(self, client: Client) -> Address:
        """Return a client's address on this network.

        :raises ValueError: if it has not been connected by this network.
        """
        transport = self._transport_of(client)
        if transport is None:
            raise ValueError("this client has not been connected by this network")
        return transport.own

    def inject(self, data: bytes, sender: Address, receiver: Address) -> None:
        """Deliver any datagram at once, as if ``sender`` had sent it: for tests of strangers, forgers and noise."""
        self._deliver(data, sender, receiver)

    def _send(self, data: bytes, sender: Address, receiver: Address) -> None:
        self.bytes_sent[sender] += len(data)
        if self.on_datagram is not None:
            self.on_datagram(data, sender, receiver)
        path = self._paths.get((sender, receiver))
        if path is None:
            path = self._paths[sender, receiver] = LinkPath(self.link)
        delays = path.delays(len(data), self.now, self._rng)
        if not delays:
            self.lost += 1
        for delay in delays:
            self.call_at(self.now + delay, lambda: self._deliver(data, sender, receiver))

    def _deliver(self, data: bytes, sender: Address, receiver: Address) -> None:
        transport = self._transports.get(receiver)
        if transport is None:
            self.lost += 1
            return
        self.delivered += 1
        transport.inbox.append((data, sender))
        transport.loop.on_datagram(transport)

    # -- time --------------------------------------------------------------------------------------------------------

    def call_at(self, at: float, function: Callable[[], Any]) -> None:
        """Have a function called when virtual time reaches ``at`` (at once, if it has passed, but not before this
        returns).
        """
        self._counter += 1
        heapq.heappush(self._events, (at, self._counter, function))

    def run(self, seconds: float) -> None:
        """Let so much virtual time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self._step()
        self.clock.advance(max(end - self.now, 0.0))

    def run_until(self, condition: Callable[[], Any], timeout: float = 10.0) -> None:
        """Let virtual time pass until ``condition()`` is true.

        :param timeout: virtual seconds.
        :raises TimeoutError: if it is not by then.
        """
        end = self.now + timeout
        while not condition():
            if not self._events or self._events[0][0] > end:
                raise TimeoutError(f"condition not met within {timeout} virtual seconds ({self!r})")
            self._step()

    def _step(self) -> None:
        at, _, function = heapq.heappop(self._events)
        if at > self.clock._now:
            self.clock._now = at
        function()


if TYPE_CHECKING:

    def _fits(
        clock: ManualClock, loop: _VirtualLoop, transport: _SimulatedTransport, driver: _SimulatedDriver
    ) -> tuple[Clock, Loop, Transport, TransportToServer, Driver]:
        """Let mypy check that each implementation fits its port."""
        return clock, loop, transport, transport, driver
