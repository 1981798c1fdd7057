"""Test a game without a network: server and clients in virtual time, on any link, the same way each time.

::

    from pygase.testing import Link, SimulatedNetwork

    network = SimulatedNetwork(seed=7, link=Link(latency=0.05, jitter=0.02, loss=0.05))
    network.serve(backend)
    client = Client()
    network.connect(client)
    network.run(10.0)                       # ten seconds, in a few milliseconds
    with client.access_game_state() as game_state:
        assert game_state.score == 1

No socket, no thread, no sleep. Everything random comes from the seed, so a failure repeats.
"""

from __future__ import annotations

import heapq
import os
import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from ._io.nat import Nat, NatKind, NatMapping, Routers
from ._io.ports import Address, Driver, Platform, Pump, Transport
from ._io.pumping import PumpDriver
from ._io.virtual import ManualClock, SimulatedDriver, SimulatedTransport, VirtualLoop
from ._protocol.wishes import Wish
from .backend import Backend
from .checks import Destination, as_wish, encode_profile
from .client import Client
from .links import LINKS, Link, LinkPath, describe_link, parse_link
from .repeating import RulesDiffer, check_rules
from .rooms import RoomHost
from .server import Server

__all__ = [
    "LINKS",
    "Bottleneck",
    "Link",
    "ManualClock",
    "Nat",
    "NatKind",
    "NatMapping",
    "RulesDiffer",
    "SimulatedNetwork",
    "check_rules",
    "describe_link",
    "parse_link",
]


class Bottleneck:
    """One path for several hosts, both ways: their datagrams wait in one queue, as behind the router of a home.

    :param link: of each direction.
    :ivar up, down: the paths from these hosts, and to them. Their ``carried`` and ``lost`` count datagrams, and
        ``queued(now)`` is the length of the queue in seconds.
    """

    def __init__(self, link: Link) -> None:
        self.up, self.down = LinkPath(link), LinkPath(link)

    def set_link(self, link: Link) -> None:
        """Change the path, both ways, from now on."""
        self.up.link = self.down.link = link


class SimulatedNetwork:
    """Runs servers and clients in virtual time, joined by links that lose, delay, duplicate and reorder.

    :param seed: of everything random here.
    :param link: the path between the server and each client, both ways, unless ``connect`` names another.
    :param start: the time at which the clock begins, seconds.

    :ivar clock: a ManualClock; ``now``: its time.
    :ivar delivered, lost: numbers of datagrams.
    """

    def __init__(self, seed: int = 0, link: Link | None = None, *, start: float = 0.0) -> None:
        self.seed = seed
        self.clock = ManualClock(start)
        self.link = link or Link()
        self.delivered = self.lost = 0
        self.bytes_sent: Counter[Address] = Counter()
        self.on_datagram: Callable[[bytes, Address, Address], None] | None = None
        """Called with (data, sender, receiver) for every datagram sent, if set. A sender behind a Nat has its public
        address there."""
        self._rng = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = 0
        self._transports: dict[Address, SimulatedTransport] = {}
        self._paths: dict[tuple[Address, Address], LinkPath] = {}
        self._bottlenecks: dict[Address, Bottleneck] = {}
        self._routers = Routers(self.clock)
        self._next_port = 50000

    def __repr__(self) -> str:
        return f"SimulatedNetwork(seed={self.seed}, link={self.link}, now={self.now:.6f})"

    @property
    def now(self) -> float:
        """Virtual time, seconds."""
        return self.clock()

    # -- the participants -------------------------------------------------------------------------------------------

    def serve(
        self,
        backend: Backend | Server,
        interval: float = 0.02,
        port: int = 8080,
        *,
        hostname: str = "127.0.0.1",
        event_wire: Any = None,
        nat: Nat | None = None,
    ) -> Address:
        """Run a Backend (or a Server alone) here; return its address.

        :param interval: seconds between ticks.
        :param hostname: the address that it is bound to. Clients reach it at 127.0.0.1 in any case.
        :param event_wire: of a Server alone; see ``Server.run``.
        :param nat: the router behind which it stands: only hosts behind the same one reach it, and those to which it
            sends.
        """
        address = self._address(None, nat, port) if nat is not None else ("127.0.0.1", port)
        if address in self._transports:
            raise ValueError(f"port {port} is taken by another server on this network")
        if isinstance(backend, Backend):
            backend.plumbing.claim(interval)
        else:
            backend.plumbing.claim(event_wire)
        transport = self._add(address, (hostname, port))
        if isinstance(backend, Backend):
            backend.game_state_store.plumbing.use_clock(self.clock)
            backend.game_state_machine.plumbing.restart_history()
            backend.plumbing.begin_on(transport.loop, interval, transport, self._platform(transport))
        else:
            backend.game_state_store.plumbing.use_clock(self.clock)
            backend.plumbing.open(transport, "localhost", self._platform(transport))
        return address

    def add_host(self, host: RoomHost, port: int = 8080, *, hostname: str = "127.0.0.1") -> Address:
        """Run a host of rooms here; return its address. Players enter a room by ``connect(client, room=...)``.

        Work takes no virtual time, so no room exceeds its budget, unless its time step moves ``network.clock`` on.
        """
        address = ("127.0.0.1", port)
        if address in self._transports:
            raise ValueError(f"port {port} is taken by another server on this network")
        transport = self._add(address, (hostname, port))
        host.plumbing.open(transport.loop, transport, self._platform(transport), SimulatedDriver)
        return address

    def _platform(self, transport: SimulatedTransport) -> Platform:
        return Platform(self.clock, self._rng.randbytes, lambda pump, _: SimulatedDriver(pump, transport), self.clock)

    def connect(
        self,
        client: Client,
        port: int = 8080,
        *,
        link: Link | None = None,
        bottleneck: Bottleneck | None = None,
        address: Address | None = None,
        connect_timeout: float | None = None,
        host_token: str = "",
        profile: Mapping[str, Any] | None = None,
        clock: Callable[[], float] | None = None,
        pumped: bool = False,
        nat: Nat | None = None,
        server_address: Address | None = None,
        resume: str | os.PathLike[str] | None = None,
        room: str | Wish = "",
    ) -> None:
        """Let a client begin to connect to the server at ``port``. Next: :meth:`run`, or :meth:`run_until`.

        :param link: the path of this client, both ways; the network's own if None.
        :param bottleneck: the path that this client shares with others, instead of ``link``.
        :param address: the client's address; a free port on this machine if None.
        :param clock: the client's own clock, which may drift; the network's if None.
        :param pumped: let the test call ``client.pump()``, as a game without threads does.
        :param nat: the router behind which the client stands; None: it has a public address.
        :param resume, room: as in ``Client.connect``.
        :param server_address: the server's, instead of ``port``, if it stands behind a router.
        """
        address = self._address(address, nat)
        server_address = server_address or ("127.0.0.1", port)
        session = client.plumbing.claim(
            Destination(port, "localhost", wish=as_wish(room)),
            client.config,
            connect_timeout=connect_timeout,
            host_token=host_token,
            profile=encode_profile(profile),
            resume=resume,
        )
        transport = self._add(address, server_address)
        own = bottleneck or Bottleneck(link or self.link)
        self._paths[address, server_address], self._paths[server_address, address] = own.up, own.down

        def drive(pump: Pump, _: Transport) -> Driver:
            return PumpDriver(pump, session.ended) if pumped else SimulatedDriver(pump, transport)

        session.begin(transport, Platform(clock or self.clock, self._rng.randbytes, drive, self.clock))

    def open_socket(
        self, address: Address | None = None, *, nat: Nat | None = None, bottleneck: Bottleneck | None = None
    ) -> SimulatedTransport:
        """Open a bare socket on this network, for tests of routers and of other protocols.

        It has ``own``, its address, ``send(data, address)``, ``take()``, which returns the pairs of data and sender
        that have arrived, and ``close()``.

        :param address: its own address; a free one if None.
        :param nat: the router behind which it stands.
        :param bottleneck: the path that it shares with others.
        """
        address = self._address(address, nat)
        if bottleneck is not None:
            self._bottlenecks[address] = bottleneck
        return self._add(address, None)

    def _address(self, address: Address | None, nat: Nat | None, port: int = 0) -> Address:
        """Return the address of a new host: this one, or a free one. Put it behind its router."""
        if address is None:
            self._next_port += not port
            port = port or self._next_port
            address = self._routers.new_address(nat, port) if nat is not None else ("127.0.0.1", port)
        if nat is not None:
            self._routers.join(nat, address)
        return address

    def _add(self, own: Address, shown: Address | None) -> SimulatedTransport:
        transport = self._transports[own] = SimulatedTransport(
            VirtualLoop(self.clock, self.call_at), own, shown, self._send, self._release
        )
        return transport

    def _release(self, transport: SimulatedTransport) -> None:
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
        """Let a client's or a server's process sleep, as behind a closed lid. Datagrams wait in its socket. Returns at
        once; time passes by :meth:`run`.

        :raises ValueError: if it does not take part in this network.
        """
        transport = self._transport_of(party)
        if transport is None:
            raise ValueError("only clients and servers that run on this network can be suspended")
        transport.loop.sleep(seconds)

    def kill(self, party: Client | Backend | Server) -> None:
        """End a client's or a server's process at once, as ``kill -9`` does: nothing in it runs any more, it says no
        goodbye, and what it had not saved is lost. Another one may take its address.

        :raises ValueError: if it does not take part in this network.
        """
        transport = self._transport_of(party)
        if transport is None:
            raise ValueError("only clients and servers that run on this network can be killed")
        transport.loop.end()
        transport.close()

    def _transport_of(self, party: Client | Backend | Server) -> SimulatedTransport | None:
        if isinstance(party, Client):
            has_socket = party.connection is not None
            transport: object = party.plumbing.endpoint.transport if has_socket else None
        else:
            run = (party.server if isinstance(party, Backend) else party).plumbing.open_run
            transport = run.transport if run is not None else None
        return transport if isinstance(transport, SimulatedTransport) else None

    def _paths_of(self, client: Client) -> list[LinkPath]:
        own = self.address_of(client)
        return [path for ends, path in self._paths.items() if own in ends]

    def address_of(self, client: Client) -> Address:
        """Return a client's own address on this network, behind its router if it has one.

        :raises ValueError: if it has not been connected by this network.
        """
        transport = self._transport_of(client)
        if transport is None:
            raise ValueError("this client has not been connected by this network")
        return transport.own

    def inject(self, data: bytes, sender: Address, receiver: Address) -> None:
        """Deliver any datagram at once, as if ``sender`` had sent it: for tests of strangers, forgers and noise.

        A router in front of the receiver filters it.
        """
        self._deliver(data, sender, sender, receiver)

    def _send(self, data: bytes, sender: Address, receiver: Address) -> None:
        self.bytes_sent[sender] += len(data)
        ends = (sender, self._routers.end_of(receiver))
        source = self._routers.leaving(sender, receiver)
        if self.on_datagram is not None:
            self.on_datagram(data, source, receiver)
        path = self._paths.get(ends)
        if path is None:
            path = self._paths[ends] = self._new_path(*ends)
        delays = path.delays(len(data), self.now, self._rng)
        if not delays:
            self.lost += 1
        for delay in delays:
            self.call_at(self.now + delay, lambda: self._deliver(data, sender, source, receiver))

    def _new_path(self, sender: Address, receiver: Address) -> LinkPath:
        if receiver in self._bottlenecks:
            return self._bottlenecks[receiver].down
        return self._bottlenecks[sender].up if sender in self._bottlenecks else LinkPath(self.link)

    def _deliver(self, data: bytes, sender: Address, source: Address, receiver: Address) -> None:
        """``source``: the sender as others see it, behind its router."""
        target = self._routers.arriving(sender, source, receiver)
        transport = self._transports.get(target) if target is not None else None
        if transport is None:
            self.lost += 1
            return
        self.delivered += 1
        transport.receive(data, source)

    # -- time --------------------------------------------------------------------------------------------------------

    def call_at(self, at: float, function: Callable[[], Any]) -> None:
        """Have a function called when virtual time reaches ``at``; after this call returns, if it has passed."""
        self._counter += 1
        heapq.heappush(self._events, (at, self._counter, function))

    def run(self, seconds: float) -> None:
        """Let seconds of virtual time pass."""
        end = self.now + seconds
        while self._events and self._events[0][0] <= end:
            self._step()
        self.clock.advance(max(end - self.now, 0.0))

    def run_until(self, condition: Callable[[], Any], timeout: float = 10.0) -> None:
        """Let virtual time pass until ``condition()`` is true.

        :param timeout: virtual seconds.
        :raises TimeoutError: if it is still false.
        """
        end = self.now + timeout
        while not condition():
            if not self._events or self._events[0][0] > end:
                raise TimeoutError(f"condition not met within {timeout} virtual seconds ({self!r})")
            self._step()

    def _step(self) -> None:
        at, _, function = heapq.heappop(self._events)
        self.clock.advance_to(at)
        function()
