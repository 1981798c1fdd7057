"""A server's endpoint and clients, pure, joined by a line that the test controls. Time jumps to the next due action."""

import heapq
import math
import random
from collections.abc import Callable
from typing import Any

from pygase._protocol.client_peer import CLIENT_SKIPS_WITHIN, ClientProtocol
from pygase._protocol.endpoint import ServerEndpoint
from pygase._protocol.peer_events import Disconnected, EventReceived, MessageAcked, StateReceived
from pygase._protocol.server_peer import SERVER_SKIPS_WITHIN, ServerProtocol
from pygase._state.tree import Tree
from pygase.config import ClientConfig, ServerConfig

Address = tuple[str, int]
SERVER: Address = ("server", 1)


class Peers:
    """The endpoint ``server``, and ``clients`` by address.

    ``drop`` decides about each datagram, ``forge`` may change it.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        loss: float = 0.0,
        latency: float = 0.01,
        jitter: float = 0.0,
        first_sequence: int = 0,
        server_skips: int = SERVER_SKIPS_WITHIN,
        client_skips: int = CLIENT_SKIPS_WITHIN,
        config: ServerConfig | None = None,
        **server: Any,
    ) -> None:
        self.rng = random.Random(seed)
        self.now = 1000.0
        self.loss, self.latency, self.jitter = loss, latency, jitter
        self.first_sequence = first_sequence
        self.client_skips = client_skips
        self.server = ServerEndpoint(
            random_bytes=self.rng.randbytes,
            config=config,
            first_sequence=first_sequence,
            skip_within=server_skips,
            **server,
        )
        self.clients: dict[Address, ClientProtocol] = {}
        self.states: dict[Address, list[Any]] = {}
        self.events: dict[Address, list[bytes]] = {}
        self.acked: dict[Address, list[int]] = {}
        self.ended: dict[Address, Disconnected] = {}
        self.at_server: list[tuple[Address, Any]] = []
        self.sent: list[tuple[Address, Address, bytes]] = []
        self.drop: Callable[[bytes, Address, Address], bool] = lambda data, sender, receiver: False
        self.forge: Callable[[bytes, Address], bytes] = lambda data, sender: data
        self.tick = 0
        self._line: list[tuple[float, int, bytes, Address, Address]] = []

    def connect(self, port: int = 1, host: str = "client", **client: Any) -> Address:
        address = (host, port)
        client.setdefault("config", ClientConfig(encryption="off"))  # most tests look into the datagrams
        self.clients[address] = ClientProtocol(
            now=self.now,
            random_bytes=self.rng.randbytes,
            first_sequence=self.first_sequence,
            skip_within=self.client_skips,
            **client,
        )
        for record in (self.states, self.events, self.acked):
            record[address] = []
        return address

    def readdress(self, address: Address, other: Address) -> None:
        """Give a client another address."""
        self.clients[other] = self.clients.pop(address)
        self.states[other] = self.states.pop(address)
        self.events[other] = self.events.pop(address)
        self.acked[other] = self.acked.pop(address)

    def push(self, tree: Tree, tick: int | None = None) -> None:
        self.tick = tick if tick is not None else self.tick + 1
        self.server.push_state(self.tick, tree, time=self.now, span=0.0)
        self.transmit(everyone=True)

    def peer(self, address: Address) -> ServerProtocol:
        return self.server.by_address[address]

    # -- the line -----------------------------------------------------------------------------------------------

    def transmit(self, everyone: bool = False) -> None:
        for data, address in self.server.datagrams_to_send(now=self.now, everyone=everyone):
            self._send(data, SERVER, address)  # type: ignore[arg-type]
        for address, client in self.clients.items():
            for data in client.datagrams_to_send(now=self.now):
                self._send(data, address, SERVER)

    def _send(self, data: bytes, sender: Address, receiver: Address) -> None:
        data = self.forge(data, sender)
        assert len(data) <= 1200
        self.sent.append((sender, receiver, data))
        if self.drop(data, sender, receiver) or self.rng.random() < self.loss:
            return
        at = self.now + self.latency + self.rng.random() * self.jitter
        heapq.heappush(self._line, (at, len(self.sent), data, sender, receiver))

    def receive(self, data: bytes, sender: Address, receiver: Address) -> None:
        if receiver == SERVER:
            self.server.receive_datagram(data, sender, now=self.now)
        elif receiver in self.clients:
            self.clients[receiver].receive_datagram(data, now=self.now)
        self._collect()

    def _collect(self) -> None:
        while self.server.inbox:
            peer, event = self.server.inbox.popleft()
            self.at_server.append((peer.address, event))  # type: ignore[arg-type]
        for address, client in self.clients.items():
            while (event := client.next_event()) is not None:
                if isinstance(event, StateReceived):
                    self.states[address].append(event.state)
                elif isinstance(event, EventReceived):
                    self.events[address].append(event.payload)
                elif isinstance(event, MessageAcked):
                    self.acked[address].append(event.ticket)
                elif isinstance(event, Disconnected):
                    self.ended[address] = event

    def run(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Let time pass, or until the condition holds; return whether it did."""
        end = self.now + seconds
        while not until():
            self.transmit()
            due = [self._line[0][0]] if self._line else []
            due += [at for c in self.clients.values() if (at := c.next_timeout(now=self.now)) is not None]
            if (at := self.server.next_timeout()) is not None:
                due.append(at)
            step = min(due, default=math.inf)
            if step > end:
                self.now = end
                return bool(until())
            self.now = max(step, self.now + 1e-5)
            while self._line and self._line[0][0] <= self.now:
                self.receive(*heapq.heappop(self._line)[2:])
            self.server.handle_timeout(now=self.now)
            for client in self.clients.values():
                client.handle_timeout(now=self.now)
            self._collect()
        return True

    def joined(self, **client: Any) -> Address:
        """Connect a client, and wait until it is connected."""
        address = self.connect(port=len(self.clients) + 1, **client)
        assert self.run(5.0, lambda: self.clients[address].connected), self.ended
        return address

    def events_of(self, address: Address) -> list[bytes]:
        """The events that the server has received from a client."""
        return [e for a, e in self.at_server if a == address and isinstance(e, bytes)]
