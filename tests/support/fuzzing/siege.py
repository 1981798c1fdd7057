"""An endpoint and its honest clients under attack, pure and fast: the protocol without games, loops and sockets.

The attackers are

- strangers: any datagram, from anywhere;
- eavesdroppers: each datagram of an honest client or to it again, before or after the real one, from its own address or
  from elsewhere, and answers to the path challenges that they get for it. On an encrypted connection they change any
  bit as well. On an open one they do not change what stands behind the token, since nothing protects against that;
- a hostile client: connected, with a right header and seal, and any messages;
- a hostile server, to a client that is connected to it, or that connects.

The honest clients play as if nothing were there. :meth:`Siege.check` says whether that was true.
"""

from __future__ import annotations

import random
from collections import Counter, deque
from collections.abc import Callable
from struct import Struct
from typing import Any, Final

from pygase import RELIABLE, ClientConfig, ServerConfig
from pygase._protocol.acks import SentPackets
from pygase._protocol.peer import NOTHING_RECEIVED, PeerProtocol
from pygase._protocol.server_peer import ServerProtocol
from pygase._protocol.wire import (
    BULK_SNAPSHOT,
    CLIENT_HEADER,
    CLOSE,
    DATA,
    DELTA,
    EVENT,
    EVENT_ONCE,
    EVENT_ORDERED,
    HEADER_BYTES,
    INPUT_STATE,
    INPUTS,
    MAX_BODY_BYTES,
    MAX_DATAGRAM_BYTES,
    MAX_MESSAGE_ROOM,
    ORDER,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    SERVER_HEADER,
    SNAPSHOT,
    message,
)
from pygase._state.codec import pack, unpack
from pygase._state.tree import exactly_equal
from tests.support.fuzzing.corpus import load
from tests.support.fuzzing.decoders import MAX_MESSAGE_BYTES, MAX_STATE_BYTES, targets
from tests.support.fuzzing.mutations import Mutator
from tests.support.fuzzing.shapes import Sample, sample
from tests.support.peers import SERVER, Address, Peers

TICK: Final = 0.05
A_TICK_BRINGS: Final = 40
"""Hostile datagrams in a tick."""

STRANGERS: Final = [("203.0.113.9", port) for port in range(1, 33)]
HONEST: Final = 2
LEFT_OVER: Final = 24
"""Most connections beside the honest ones: of hostile clients that the server has not missed yet."""

_OF_KIND: Final = {
    EVENT: "event",
    EVENT_ONCE: "event",
    EVENT_ORDERED: "event",
    SNAPSHOT: "snapshot",
    DELTA: "delta",
    BULK_SNAPSHOT: "snapshot",
    INPUTS: "inputs",
    INPUT_STATE: "input state",
}
_NUMBERED: Final = (EVENT_ONCE, EVENT_ORDERED)


class Honest:
    """An honest client: it sends reliable events and expects the server's, and states."""

    def __init__(self, address: Address, client_id: int, token: bytes) -> None:
        self.address = address
        self.client_id = client_id
        self.token = token
        self.sent = self.server_sent = 0
        self.got: list[int] = []
        self.server_got: list[int] = []
        self.state: Any = None
        self.outgoing: deque[bytes] = deque(maxlen=500)
        self.incoming: deque[bytes] = deque(maxlen=500)


class Siege:
    """A game under attack.

    :param seed: the same one does the same.
    :param encrypted: whether all connections are encrypted.
    :ivar counts: numbers of hostile datagrams, by attacker.
    :ivar answers: numbers of the datagrams that strangers got, by kind.
    """

    def __init__(self, seed: int, *, encrypted: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self.answers: Counter[int] = Counter()
        self._challenged: dict[Address, bytes] = {}
        self.rng = random.Random(f"siege {seed}")
        self.encrypted = encrypted
        self._mutator = Mutator(self.rng)
        mode = "required" if encrypted else "off"
        bounds: dict[str, Any] = {
            "max_state_bytes": MAX_STATE_BYTES,
            "max_message_bytes": MAX_MESSAGE_BYTES,
            "encryption": mode,
        }
        self._client_config = ClientConfig(**bounds)
        self.peers = Peers(seed, config=ServerConfig(**bounds, joins_per_host=1_000_000, resume_seconds=2.0))
        self.peers.forge, self.peers.drop = self._overhear, self._account
        self._kept = self._corpus()
        self._joined = self._wooed = 0
        self._taken: Counter[Address] = Counter()
        self._answered: Counter[Address] = Counter()
        self.tree: dict[Any, Any] = {"time": 0, "players": {}}
        self.honest: dict[Address, Honest] = {}
        self.suitor: Address = ("nobody", 0)
        for _ in range(HONEST):
            address = self._join()
            self.honest[address] = Honest(address, self._id_of(address), self.peers.clients[address].token)
        self.hostile, self.victim = self._join(), self._join()
        self.suitor = self._woo_again()
        self._attacks: list[Callable[[], None]] = [
            self._as_stranger,
            self._as_stranger,
            self._as_challenged,
            self._as_eavesdropper,
            self._as_eavesdropper,
            self._as_forger,
            self._as_forger,
            self._as_client,
            self._as_client,
            self._as_client,
            self._as_server,
            self._as_server,
            self._as_server,
            self._as_wooed_server,
        ]

    def _corpus(self) -> dict[str, list[Sample]]:
        corpus, shapes = load(), {target.name: target.shape for target in targets()}
        found = {name: [sample(data, shapes[name]) for data in corpus[name]] for name in corpus if name in shapes}
        found["inside"] = [sample(data[HEADER_BYTES:], "messages") for data in corpus["packet"]]
        return found

    def _join(self) -> Address:
        self._joined += 1
        address = self.peers.connect(port=self._joined, config=self._client_config)
        assert self.peers.run(5.0, lambda: self.peers.clients[address].connected), self.peers.ended
        self._drain()
        return address

    def _id_of(self, address: Address) -> int:
        return self.peers.peer(address).client_id

    # -- what honest clients do ------------------------------------------------------------------------------------

    def run(self, count: int) -> None:
        """Send that many hostile datagrams, while the game goes on."""
        for number in range(count):
            if number % A_TICK_BRINGS == 0:
                self.tick()
            self._attacks[int(self.rng.random() * len(self._attacks))]()

    def tick(self) -> None:
        """Let a tick pass: a new state, an event each way, and what was on its way arrives."""
        self._play()
        self.peers.push(self.tree)
        self.peers.run(TICK)
        self._drain()
        if self.peers.tick % 20 == 0:
            self.check_bounds()

    def _play(self) -> None:
        self.tree = self.tree | {"time": self.peers.tick, "noise": self.rng.randbytes(20)}
        now = self.peers.now
        for honest in self.honest.values():
            honest.sent += 1
            padding = bytes(3_000 if honest.sent % 20 == 0 else 10)
            client = self.peers.clients[honest.address]
            client.queue_event(pack(["mail", [honest.sent, padding]]), RELIABLE, None, now=now)
            honest.server_sent += 1
            payload = pack(["news", [honest.server_sent, padding]])
            self._peer_of(honest).queue_event(payload, RELIABLE, None, now=now)

    def _peer_of(self, honest: Honest) -> ServerProtocol:
        assert self._has_place(honest.address), "the server has lost an honest client"
        peer = self.peers.peer(honest.address)
        assert peer.client_id == honest.client_id, "another client has an honest client's address"
        return peer

    def _drain(self) -> None:
        """Note what has arrived, and forget it."""
        for address, event in self.peers.at_server:
            if address in self.honest and isinstance(event, bytes):
                self.honest[address].server_got.append(unpack(event)[1][0])
        self.peers.at_server.clear()
        self.peers.sent.clear()
        for address, honest in self.honest.items():
            honest.got += [unpack(payload)[1][0] for payload in self.peers.events[address]]
            if self.peers.states[address]:
                honest.state = self.peers.states[address][-1].tree
        for record in (self.peers.events, self.peers.states, self.peers.acked):
            for received in record.values():
                received.clear()

    def _overhear(self, data: bytes, sender: Address) -> bytes:
        if sender in self.honest:
            self.honest[sender].outgoing.append(data)
            if self.rng.random() < 0.1:  # a copy from elsewhere wins the race
                self._throw("racer", data, self.rng.choice(STRANGERS), SERVER)
        return data

    def _account(self, data: bytes, sender: Address, receiver: Address) -> bool:
        """Overhear what is sent to honest clients. Account for what strangers get, and lose it.

        An address that has proved nothing gets no more than it sends.
        """
        if sender == self.suitor:
            return True  # the server that it wants does not exist
        if receiver in self.honest:
            self.honest[receiver].incoming.append(data)
        if receiver in self.peers.clients or receiver == SERVER:
            return False
        if receiver not in STRANGERS:
            return True  # it had a connection
        self.answers[data[0]] += 1
        if data[0] == PATH_CHALLENGE:
            self._challenged[receiver] = data
        self._answered[receiver] += len(data)
        assert self._answered[receiver] <= self._taken[receiver], f"{receiver} gets more than it sent: {data[:9]!r}"
        return True

    # -- attacks ---------------------------------------------------------------------------------------------------

    def _throw(self, attacker: str, data: bytes, sender: Address, receiver: Address) -> None:
        self.counts[attacker] += 1
        data = data[:MAX_DATAGRAM_BYTES]
        if receiver == SERVER:
            self._taken[sender] += len(data)
        self.peers.receive(data, sender, receiver)
        if sender in STRANGERS and attacker != "racer":
            self.peers.transmit()

    def _someone(self) -> Honest:
        return self.honest[self.rng.choice(list(self.honest))]

    def _overheard(self, datagrams: deque[bytes]) -> bytes:
        """Return one of the latest datagrams, mostly one that is still on its way."""
        rng, size = self.rng, len(datagrams)
        return datagrams[-1 - int(rng.random() * min(size, rng.choice((2, 10, size))))]

    def _handshake(self) -> bytes:
        name = self.rng.choice(
            ("request", "response", "path response", "accepted", "challenge", "not here", "goodbye", "query")
        )
        return self._mutator.mutated(self.rng.choice(self._kept[name]), self._kept[name])

    def _harmless(self, data: bytes) -> bytes:
        """Return the datagram, but with another token if an open connection could not tell it from a real one."""
        tokens = {self.peers.clients[address].token for address in self.honest}
        if not self.encrypted and data[1:9] in tokens:
            return data[:1] + self.rng.randbytes(8) + data[9:]
        return data

    def _as_stranger(self) -> None:
        rng, one = self.rng, self._someone()
        if rng.random() < 0.5:
            data = self._handshake()
        else:
            heard = sample(self._overheard(rng.choice((one.outgoing, one.incoming))), "1 8 2 2 4 2 4 messages")
            data = self._harmless(self._mutator.mutated(heard, [heard, *self._kept["request"]]))
        self._throw("stranger", data, rng.choice(STRANGERS), SERVER)

    def _as_challenged(self) -> None:
        """Answer a path challenge without the key."""
        if not self._challenged:
            self._as_stranger()
            return
        address = self.rng.choice(list(self._challenged))
        data = self._challenged[address]
        answer = bytes([PATH_RESPONSE]) + data[1:13] + self.rng.choice((data[13:], self.rng.randbytes(8)))
        self._throw("challenged", answer, address, SERVER)

    def _as_eavesdropper(self) -> None:
        """Send a client's own datagram again, to the server."""
        one = self._someone()
        data = self._spoilt(self._overheard(one.outgoing))
        sender = one.address if self.rng.random() < 0.5 else self.rng.choice(STRANGERS)
        self._throw("eavesdropper", data, sender, SERVER)

    def _as_forger(self) -> None:
        """Send to a client what it has got before, or what another one has."""
        one, other = self._someone(), self._someone()
        data = self._handshake() if self.rng.random() < 0.2 else self._spoilt(self._overheard(other.incoming))
        self._throw("forger", data, SERVER, one.address)

    def _spoilt(self, data: bytes) -> bytes:
        kind = self.rng.random()
        if kind < 0.4:
            return data
        if self.encrypted:
            heard = sample(data, "1 8 2 *")
            return self._mutator.mutated(heard, [heard])
        if kind < 0.7:
            return self._mutator.flipped(data, end=9)
        return data[: self.rng.randrange(HEADER_BYTES)]

    # -- attacks by those who have a connection -----------------------------------------------------------------------

    def _as_client(self) -> None:
        if self.peers.clients[self.hostile].closed is not None or not self._has_place(self.hostile):
            self._forget(self.hostile)
            self.hostile = self._join()
        self._inject("client", self.peers.clients[self.hostile], CLIENT_HEADER, self.hostile, SERVER)

    def _as_server(self) -> None:
        client = self.peers.clients[self.victim]
        if not client.connected or client.closed is not None or not self._has_place(self.victim):
            self._forget(self.victim)
            self.victim = self._join()
        self._inject("server", self.peers.peer(self.victim), SERVER_HEADER, SERVER, self.victim)

    def _has_place(self, address: Address) -> bool:
        return any(peer.address == address for peer in self.peers.server.peers.values())

    def _forget(self, address: Address) -> None:
        for record in (self.peers.clients, self.peers.ended, self.peers.states, self.peers.events, self.peers.acked):
            record.pop(address, None)

    def _inject(self, attacker: str, liar: PeerProtocol, layout: Struct, sender: Address, receiver: Address) -> None:
        """Send a packet with a right header and seal, in the name of a protocol that knows nothing of it."""
        rng, record = self.rng, liar.record
        sequence = liar.acks.sent(None, self.peers.now)
        ack, bits, delay = (record.latest, 0, rng.getrandbits(16)) if record.latest >= 0 else NOTHING_RECEIVED
        if rng.random() < 0.003:  # mostly of a packet that was never sent, which ends the connection
            ack, bits = rng.getrandbits(16), rng.choice((0, rng.getrandbits(32)))
        last = rng.choice((0, rng.getrandbits(32), self.peers.tick, int(self.peers.now * 1e4)))
        head = layout.pack(DATA, liar.token, sequence & 0xFFFF, ack & 0xFFFF, bits, delay, last)
        messages = self._messages()[:MAX_MESSAGE_ROOM]
        seals = liar.seals
        data = head + messages if seals is None else seals.seal(sequence, head, messages, False)
        self._throw(attacker, data, sender, receiver)

    def _messages(self) -> bytes:
        rng = self.rng
        if rng.random() < 0.3:
            return self._mutator.mutated(rng.choice(self._kept["inside"]), self._kept["inside"])
        return b"".join(self._message() for _ in range(rng.choice((1, 1, 2, 3))))

    def _message(self) -> bytes:
        rng = self.rng
        if rng.random() < 0.05:
            return self._mutator.mutated(rng.choice(self._kept["messages"]), self._kept["messages"])
        if rng.random() < 0.002:
            return message(CLOSE, rng.randbytes(rng.choice((1, 2, 30))))
        kind = rng.choice(list(_OF_KIND))
        samples = self._kept[_OF_KIND[kind]]
        body = self._mutator.mutated(rng.choice(samples), samples)
        if kind in _NUMBERED:
            body = ORDER.pack(rng.choice((rng.randint(0, 300), rng.getrandbits(16)))) + body
        return message(kind, body[:MAX_BODY_BYTES])

    # -- attacks on those who connect ---------------------------------------------------------------------------------

    def _woo_again(self) -> Address:
        self._wooed += 1
        return self.peers.connect(self._wooed, "suitor", config=self._client_config)

    def _as_wooed_server(self) -> None:
        """Answer a client that connects, with its nonce at the right place."""
        client = self.peers.clients[self.suitor]
        if client.connected or client.closed is not None:
            self._forget(self.suitor)
            self.suitor = self._woo_again()
            client = self.peers.clients[self.suitor]
        samples = self._kept[self.rng.choice(("challenge", "accepted", "refused"))]
        data = self._mutator.mutated(self.rng.choice(samples), samples)
        data = data[:1] + client.way_in.connector.nonce + data[9:]
        self._throw("wooed server", data, SERVER, self.suitor)

    # -- what must hold -----------------------------------------------------------------------------------------------

    def check_bounds(self) -> None:
        """Check that nobody holds more than the bounds allow."""
        server = self.peers.server
        assert len(server.peers) == len(server.by_token) <= HONEST + LEFT_OVER
        assert len(server.table.lost) <= LEFT_OVER
        assert not server.inbox
        assert len(server.dropped) <= 40
        assert len(self.peers.clients) <= HONEST + 3
        for peer in (*server.peers.values(), *self.peers.clients.values()):
            assert len(peer.acks) <= SentPackets.MAX_PACKETS
            assert peer.incoming.held_bytes <= 4 * 1024 * 1024
            assert len(peer.outgoing.ordered) + len(peer.outgoing.once) <= 2 * peer.config.max_queued_messages
        for honest in self.honest.values():
            client = self.peers.clients[honest.address]
            assert client.closed is None, client.closed
            assert client.connected, "an honest client has lost its connection"
            assert client.token == honest.token, "an honest client had to reconnect"
            self._peer_of(honest)

    def check(self) -> None:
        """End the attack, wait until everything has arrived, and check that the honest have noticed nothing."""
        for _ in range(40):
            self.peers.run(TICK)
            self.peers.push(self.tree)
            self._drain()
        self.check_bounds()
        for honest in self.honest.values():
            assert honest.got == list(range(1, honest.server_sent + 1)), _first_wrong(honest.got)
            assert honest.server_got == list(range(1, honest.sent + 1)), _first_wrong(honest.server_got)
            assert exactly_equal(honest.state, self.peers.server.ring.tree), "another state than the server's"
            assert self.peers.clients[honest.address].incoming.held_bytes == 0


def _first_wrong(numbers: list[int]) -> str:
    wrong = [(index + 1, number) for index, number in enumerate(numbers) if number != index + 1]
    return f"{len(numbers)} reliable events, first wrong one (expected, arrived): {wrong[:1]}"
