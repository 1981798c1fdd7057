"""No datagram, of any content, does harm: not to a server, not to a client, and not to the other players.

An :class:`Arena` is a running game in virtual time. It has two honest players, whose traffic is recorded; a hostile
client, and a client of a hostile server, both with valid tokens; and strangers without any knowledge.
"""

from __future__ import annotations

import gc
import logging
import random
import struct
import tracemalloc
import zlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final

import pytest

from pygase import RELIABLE, TO_DELETE, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase._protocol.acks import SentPackets
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.datagrams import Accepted, Challenge, ConnectRequest, Refused, Welcome
from pygase._protocol.endpoint import ServerEndpoint
from pygase._protocol.input_buffer import InputBuffer
from pygase._protocol.inputs import MAX_INPUTS, InputState, decode_inputs, pace
from pygase._protocol.peer import PeerProtocol
from pygase._protocol.played_inputs import PlayerInput
from pygase._protocol.server_clock import SlidingMinimum
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase._protocol.wire import (
    BULK_SNAPSHOT,
    CHALLENGE_RESPONSE,
    CLIENT_HEADER,
    CLOSE,
    DATA,
    DELTA,
    DELTA_HEADER,
    EVENT,
    EVENT_ONCE,
    EVENT_ORDERED,
    FRAGMENT,
    FRAGMENT_BYTES,
    FRAGMENT_HEADER,
    INPUT_STATE,
    INPUTS,
    MAX_BODY_BYTES,
    MESSAGE_HEADER,
    NONCE_BYTES,
    ORDER,
    SERVER_HEADER,
    SKIPPED,
    SNAPSHOT,
    SNAPSHOT_HEADER,
    TOKEN_BYTES,
    last_message,
    message,
)
from pygase._state.codec import pack, unpack
from pygase._state.tree import exactly_equal
from pygase.errors import MalformedPacket, PygaseError
from pygase.testing import Link, SimulatedNetwork
from tests.support.sessions import InputAccount

Address = tuple[str, int]

ROUND_DATAGRAMS: Final = 10_000
"""Datagrams of noise in one round. Each round has an arena of its own."""

SAMPLE_ROUNDS: Final = 2
SAMPLE_DATAGRAMS: Final = ROUND_DATAGRAMS // 2
TICK: Final = 0.05
MAX_STATE_BYTES: Final = 64 * 1024
MAX_MESSAGE_BYTES: Final = 32 * 1024
SERVER: Final = ("127.0.0.1", 8080)
STRANGERS: Final = [("203.0.113.9", port) for port in range(1, 33)]
WINDOW_BYTES: Final = 2 * 512 * 1024

# -- noise of every kind ---------------------------------------------------------------------------------------------


def noise(rng: random.Random) -> bytes:
    """Random bytes; half of them begin like a real datagram."""
    data = rng.randbytes(rng.choice([rng.randint(0, 40), rng.randint(0, 1500)]))
    return bytes([rng.randint(0, 9)]) + data if rng.random() < 0.5 else data


def truncated(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randint(0, len(data))]


def flipped(rng: random.Random, data: bytes, first_bytes: int | None = None) -> bytes:
    """Return ``data`` with some bits flipped, within its first bytes only if ``first`` is given."""
    changed = bytearray(data)
    reach = min(len(data), first_bytes or len(data))
    for _ in range(rng.randint(1, 8) if reach else 0):
        changed[rng.randrange(reach)] ^= 1 << rng.randrange(8)
    return bytes(changed)


def spliced(rng: random.Random, head: bytes, tail: bytes) -> bytes:
    return head[: rng.randint(0, len(head))] + tail[rng.randint(0, len(tail)) :]


def mutated(rng: random.Random, corpus: list[bytes]) -> bytes:
    """Return something made of real datagrams, or of nothing."""
    data = rng.choice(corpus)
    kind = rng.randrange(5)
    if kind == 0:
        return noise(rng)
    if kind == 1:
        return truncated(rng, data)
    if kind == 2:
        return flipped(rng, data)
    return spliced(rng, data, rng.choice(corpus)) if kind == 3 else data


_HUGE_LENGTHS: Final = [prefix + b"\xff\xff\xff\xff" for prefix in (b"\xdd", b"\xdf", b"\xdb", b"\xc6", b"\xc9")]
_ODD_VALUES: Final = [
    *_HUGE_LENGTHS,
    b"\xc1",  # never used by msgpack
    b"\xc7\x00\x01",  # TO_DELETE
    b"\xc7\x02\x01ab",  # not quite TO_DELETE
    b"\xd4\x05\x00",  # an unknown extension type
    b"\xd6\xff\x00\x00\x00\x01",  # timestamps: 32 bits
    b"\xd7\xff" + b"\xff" * 8,  # 64 bits, nanoseconds out of range
    b"\xc7\x0c\xff" + b"\xff" * 12,  # 96 bits
    b"\x81\xc0\x01",  # keys: nil
    b"\x81\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00\x01",  # NaN
    b"\x81\xc4\x01k\x01",  # bytes
    b"\x81\x90\x01",  # a list
    b"\x81\xc7\x00\x01\x01",  # TO_DELETE
    b"\xa2\xff\xfe",  # no UTF-8
    b"\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00",  # NaN
    b"\xcf" + b"\xff" * 8,
    b"",
]


def odd_welcome(rng: random.Random, address: bytes) -> bytes:
    """Return the body of an acceptance that no server has sent."""
    numbers = rng.choice([0, 1, 2, 255]), rng.choice([0, 7, 2**32 - 1])
    return Welcome(
        rng.randbytes(TOKEN_BYTES),
        rng.choice([0, 1, 2**32 - 1]),
        rng.random() < 0.5,
        *numbers,
        rng.randbytes(16),
        rng.choice([0, 300, 65535]),
        rng.randbytes(14),
        rng.choice([0, 2**64 - 1]),
        address,
        precision=rng.choice([b"\x80", b"\x81\xa3a.*\x64", b"\x81\xa1a\xc0", b"\x90", b"", rng.randbytes(9)]),
    ).encode()


def odd_value(rng: random.Random) -> bytes:
    """Return msgpack that one would rather not receive."""
    kind = rng.randrange(5)
    if kind == 0:
        return b"\x91" * rng.randint(1, 1_100) + b"\xc0"  # lists in lists
    if kind == 1:
        return b"\x81\xa1a" * rng.randint(1, 350) + b"\xc0"  # dicts in dicts
    if kind == 2:
        return b"\xdc\x03\xe8" + b"\x90" * 1_000  # many small objects
    return rng.choice(_ODD_VALUES) if kind == 3 else rng.randbytes(rng.randint(0, 60))


_TYPES: Final = ["mail", "scribble", "nobody knows", "pygase:shutdown", "pygase:client_left", "shut_me_down"]


def odd_event(rng: random.Random) -> bytes:
    """Return the payload of an event that is wrong in some way, or nearly right."""
    kind = rng.randrange(5)
    if kind == 0:
        return odd_value(rng)
    name = pack(rng.choice(_TYPES))
    if kind == 1:
        return b"\x92" + name + b"\x91" + odd_value(rng)
    if kind == 2:
        return b"\x93" + name + b"\x90\x81" + pack(rng.choice(["game_state", "dt", "value"])) + odd_value(rng)
    if kind == 3:
        return pack(
            [
                rng.choice(_TYPES),
                [rng.randint(0, 9)] * rng.randint(0, 3),
                {"client_address": ["x", 1], "client_id": rng.randint(0, 3)},
            ]
        )
    return flipped(rng, pack(["scribble", [1, "two"], {"three": {"a": 3.0}}]))


def odd_delta(rng: random.Random, newest_tick: int) -> bytes:
    """Return the body of a snapshot that is wrong in some way, or nearly right. Mostly newer than the newest."""
    payload = rng.choice([odd_value(rng), pack({"garden": {"a": 1}}), b"\x81\xa1a" + odd_value(rng)])
    flags = 0
    if rng.random() < 0.3:
        bomb = rng.choice([b"\0" * 2_000_000, b"\x91" * 60_000, b"\xdd\x00\x00\xea\x60" + b"\x90" * 60_000])
        payload, flags = zlib.compress(bomb), 1
    tick = newest_tick + rng.choice([0, 1, 1, 2, rng.randint(-3, 400), rng.randint(0, 2**32)])
    back = rng.choice([0, 0, 1, rng.randint(0, 400)])
    times = rng.randint(0, 9), rng.randint(0, 2**32 - 1), rng.randint(0, 0xFFFF)
    return SNAPSHOT_HEADER.pack(flags, tick & 0xFFFFFFFF, back, *times) + payload


def odd_short_delta(rng: random.Random, newest_tick: int) -> bytes:
    """Return the body of a DELTA: flags, baseline and payload may each be wrong."""
    flags = rng.choice([4, 4, 0, 1, 2, 6, 8, rng.randint(0, 15)]) | rng.choice([1, 1, 0, 15]) << 4
    baseline = newest_tick + rng.choice([0, 0, -1, 1, rng.randint(-300, 300)]) & 0xFFFF
    payload = rng.choice([rng.randbytes(rng.randint(0, 60)), pack({"n": rng.random()}), b"", bytes(40), b"\xff" * 40])
    return DELTA_HEADER.pack(flags, baseline, rng.choice([1, 1, 2, 0, 255]), rng.getrandbits(16), 200) + payload


def odd_fragment(rng: random.Random) -> bytes:
    """Return a bad fragment: one of an incomplete message, a contradictory one, or one of a forbidden message."""
    kind = rng.choice([EVENT, EVENT_ONCE, EVENT_ORDERED, SNAPSHOT, BULK_SNAPSHOT, DELTA, FRAGMENT, CLOSE, 200])
    count = rng.choice([2, 3, 20, rng.randint(0, 0xFFFF)])
    index = rng.randint(0, max(min(count, 25) - 1, 0))
    size = FRAGMENT_BYTES if rng.random() < 0.8 else rng.randint(0, FRAGMENT_BYTES)
    group = rng.choice([rng.randint(0, 9), rng.randint(0, 0xFFFF)])
    return FRAGMENT_HEADER.pack(kind, group, index, count) + rng.randbytes(size)


_ODD_NUMBERS: Final = [0, 1, 2**31 - 1, 2**31, 2**32 - 1]


def odd_inputs(rng: random.Random, newest: int) -> bytes:
    """Return the body of a message with inputs: numbers that jump, counts that lie, absurd view times, any bytes."""
    number = rng.choice([newest + rng.choice([0, 1, 1, 1, 2, 5, 70, -300, 2**31 - 1]), rng.choice(_ODD_NUMBERS)])
    count = rng.choice([1, 1, 2, 5, 64, rng.randint(0, 127)])
    with_view_times = rng.random() < 0.5
    body = (number & 0xFFFFFFFF).to_bytes(4, "big") + bytes([count | with_view_times << 7])
    if with_view_times:
        body += rng.choice([rng.randbytes(4), bytes(4), b"\xff" * 4])
    for _ in range(rng.choice([count, count, count, rng.randint(0, 80)])):
        payload = rng.choice([odd_value(rng), odd_event(rng), pack([rng.randint(0, 9)]), b""])[:253]
        size = rng.choice([len(payload), len(payload), len(payload), 255, 254, rng.randint(0, 255)])
        step = rng.choice([b"\1", b"\x80\x80\0", rng.randbytes(1)]) if with_view_times else b""
        body += bytes([size]) + step + (b"" if size == 255 else payload)
    return flipped(rng, body) if rng.random() < 0.2 else truncated(rng, body) if rng.random() < 0.2 else body


def odd_input_state(rng: random.Random, newest_tick: int) -> bytes:
    """Return the body of a message with feedback on inputs: near the true state or far off, with any number applied."""
    tick = rng.choice([newest_tick + rng.randint(-200, 400), rng.choice(_ODD_NUMBERS), rng.randint(0, 2**32 - 1)])
    applied = rng.choice([rng.randint(0, 300), rng.choice(_ODD_NUMBERS), rng.randint(0, 2**32 - 1)])
    body = struct.pack("!IIb", tick & 0xFFFFFFFF, applied, rng.randint(-128, 127))
    return body if rng.random() < 0.8 else truncated(rng, body + rng.randbytes(9))


def odd_message(rng: random.Random, newest: int) -> bytes:
    """Return a framed message, wrong or nearly right; rarely a CLOSE, since that ends the fun.

    :param newest: the newest tick (for a client), or input number (for a server), that the receiver has.
    """
    number = ORDER.pack(rng.choice([rng.randint(0, 300), rng.randint(0, 0xFFFF)]))
    makers: list[Callable[[], bytes]] = [
        lambda: message(EVENT, odd_event(rng)),
        lambda: message(EVENT_ONCE, number + odd_event(rng)),
        lambda: message(EVENT_ORDERED, number + odd_event(rng)),
        lambda: message(FRAGMENT, odd_fragment(rng)),
        lambda: message(FRAGMENT, odd_fragment(rng)),
        lambda: message(rng.choice([SNAPSHOT, BULK_SNAPSHOT]), odd_delta(rng, newest)[:MAX_BODY_BYTES]),
        lambda: message(DELTA, odd_short_delta(rng, newest)[:MAX_BODY_BYTES]),
        lambda: message(INPUTS, odd_inputs(rng, newest)[:MAX_BODY_BYTES]),
        lambda: message(INPUT_STATE, odd_input_state(rng, newest)),
        lambda: message(SKIPPED, number) + message(INPUTS, odd_inputs(rng, newest)[: MAX_BODY_BYTES - 5]),
        lambda: message(rng.choice([0, 8, 9, 10, 11, 12, 13, 127]), rng.randbytes(rng.choice([0, 34, 100]))),
        lambda: message(EVENT, b"") * rng.randint(1, 390),
        lambda: MESSAGE_HEADER.pack(rng.randint(0, 12), rng.randint(0, 0xFFFF)) + rng.randbytes(50),
        lambda: b"\xff" + rng.randbytes(rng.randint(0, 100)),
        lambda: last_message(rng.randint(1, 12), rng.randbytes(rng.choice([0, 8, 9, 30]))),
    ]
    if rng.random() < 0.005:
        return message(
            CLOSE, bytes([rng.choice([rng.randint(0, 13), rng.randint(0, 255)])]) + rng.choice([b"\0", b"\1"])
        )
    return rng.choice(makers)()


# -- the arena -------------------------------------------------------------------------------------------------------


class _Ears(logging.Handler):
    """Formats all the library's log lines, as a user's log would. It keeps those that no datagram may cause."""

    def __init__(self) -> None:
        super().__init__()
        self.unexpected: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, PygaseError):
            self.unexpected.append(f"{text}: {error!r}")


class _Honest:
    """A player that sends ten reliable events a second and an input each tick. It expects the server's events."""

    def __init__(self, arena: Arena, port: int) -> None:
        self.client = Client(config=arena.client_config)
        self.sent = 0
        self.got: list[int] = []
        self.inputs = InputAccount()
        self._arena = arena
        self.client.register_event_handler("news", lambda number, padding: self.got.append(number))
        arena.network.connect(self.client, address=("127.0.0.1", port))
        self._send_again()
        self._play_on()

    def _play_on(self) -> None:
        network = self._arena.network
        if not self._arena.resting:
            view_time = self.client.server_time()
            number = self.client.send_input({"step": len(self.inputs.sent) // 3}, view_time=view_time)
            if number:
                self.inputs.send(number, {"step": len(self.inputs.sent) // 3}, view_time)
            network.call_at(network.now + TICK / self.client.input_pace, self._play_on)

    def _send_again(self) -> None:
        if not self._arena.resting:
            self.sent += 1
            padding = bytes(5_000 if self.sent % 20 == 0 else 10)
            self.client.dispatch_event("mail", self.sent, padding, retries=RELIABLE)
            self._arena.network.call_at(self._arena.network.now + 0.1, self._send_again)

    @property
    def token(self) -> bytes:
        return self.client.plumbing.endpoint.protocol.token

    @property
    def address(self) -> Address:
        return self._arena.network.address_of(self.client)

    @property
    def client_id(self) -> int:
        return self._arena.server.connections[self.address].client_id


def odd_ack(rng: random.Random, sent: SentPackets) -> tuple[int, int]:
    """Return random `ack` and `ack_bits`; sometimes for packets that were never sent, which ends the connection."""
    following = sent.newest + 1
    if not following or rng.random() < 0.03:
        return rng.randint(0, 0xFFFF), rng.randint(0, 2**32 - 1)
    numbers = range(max(following - 300, 0), following)
    ack = rng.choice([number for number in numbers if number != sent.skipped])
    bits = rng.randint(0, 2**32 - 1) & (1 << ack) - 1
    return ack & 0xFFFF, bits & ~(1 << ack - 1 - sent.skipped) if 0 <= sent.skipped < ack else bits


class Arena:
    """A game in virtual time, with traffic recorded, and everybody's tricks."""

    def __init__(self, seed: int, kept: int | None = None) -> None:
        """Start the game. ``kept`` is the number of states that both sides keep, if not the default."""
        self.rng = random.Random(f"noise {seed}")
        self.kept = kept
        self.resting = False
        self.network = SimulatedNetwork(seed, Link(latency=0.01))
        self.client_config = ClientConfig(
            encryption="off",  # what a hostile one sends is put together here
            max_state_bytes=MAX_STATE_BYTES,
            max_message_bytes=MAX_MESSAGE_BYTES,
            kept_snapshots=kept or ClientConfig.kept_snapshots,
        )
        self.mail: dict[Address, list[int]] = {}
        self.news: list[int] = []
        self.to_server: deque[tuple[bytes, Address]] = deque(maxlen=3_000)
        self.to_client: deque[tuple[bytes, Address]] = deque(maxlen=3_000)
        self._visitors = 0
        self.honest: list[_Honest] = []
        self._serve()
        self.network.on_datagram = self._record
        self.honest = [_Honest(self, 50001), _Honest(self, 50002)]
        self.hostile, self.hostile_token = self._plant()
        self.victim = self._new_client()
        self.suitor = self._new_suitor()
        self.network.run(3.0)
        self.network.on_datagram = None  # nothing that is still on its way is replayed
        self.network.run(0.1)
        self.corpus = [data for data, _ in (*self.to_server, *self.to_client)]
        self.sent_by = {p.address: [d for d, sender in self.to_server if sender == p.address] for p in self.honest}
        self.sent_to = {p.address: [d for d, receiver in self.to_client if receiver == p.address] for p in self.honest}

    def _serve(self) -> None:
        ballast = {number: self.rng.randbytes(40).hex() for number in range(200)}
        self.backend = Backend(
            GameState(time=0.0, scratch=[], ballast=ballast),
            self._time_step,
            {"mail": self._on_mail, "scribble": lambda *args, **kwargs: {"scratch": [list(args), len(kwargs)]}},
            config=ServerConfig(
                resume_seconds=0.0,  # who falls silent has left: tests/protocol/test_resume.py attacks lost clients
                max_state_bytes=MAX_STATE_BYTES,
                max_message_bytes=MAX_MESSAGE_BYTES,
                snapshot_ring=self.kept or ServerConfig.snapshot_ring,
                joins_per_host=1_000_000,  # all hostile peers here share one host
            ),
        )
        self.network.serve(self.backend, interval=TICK)
        self.server = self.backend.server

    def _time_step(self, game_state: GameState, dt: float, inputs: dict[Any, PlayerInput]) -> dict[str, Any] | None:
        for player in self.honest:
            if player.client_id in inputs:
                player.inputs.apply(inputs[player.client_id])
        for client_id, played in inputs.items():
            assert played.view_time is None or played.view_time <= self.network.now, client_id
        if self.resting:
            return None
        if self.rng.random() < 0.3 and len(self.news) < 10_000:
            self.news.append(len(self.news))
            padding = bytes(4_000 if len(self.news) % 10 == 0 else 10)
            self.server.dispatch_event("news", self.news[-1], padding, retries=RELIABLE)
        number = self.rng.randrange(200)
        return {"time": self.network.now, "ballast": {number: self.rng.randbytes(40).hex()}}

    def _on_mail(self, number: int, padding: bytes, client_address: Address) -> None:
        self.mail.setdefault(client_address, []).append(number)

    def _record(self, data: bytes, sender: Address, receiver: Address) -> None:
        if receiver == SERVER:
            self.to_server.append((data, sender))
        else:
            self.to_client.append((data, receiver))

    # -- misbehaving peers -----------------------------------------------------------------------------------------

    def _new_client(self) -> Client:
        self._visitors += 1
        client = Client(config=self.client_config)
        for event_type in ("news", "mail", "scribble"):
            client.register_event_handler(event_type, lambda *args, **kwargs: None)
        self.network.connect(client, address=("127.0.0.1", 51000 + self._visitors % 1_000))
        self.network.run(0.1)
        assert client.status == "connected"
        return client

    def _plant(self) -> tuple[Address, bytes]:
        """Let a client connect, and take its place; return its address and token."""
        client = self._new_client()
        address, endpoint = self.network.address_of(client), client.plumbing.endpoint
        client.plumbing.session.line.release()
        return address, endpoint.protocol.token

    def _new_suitor(self) -> Client:
        """A client that connects to a dead address: every answer is forged, with the right nonce."""
        self._visitors += 1
        client = Client(config=self.client_config)
        self.network.connect(client, port=9, address=("127.0.0.1", 52000 + self._visitors % 1_000))
        return client

    # -- tricks ----------------------------------------------------------------------------------------------------

    def throw(self) -> None:
        """Send one datagram of noise to one side."""
        tricks = [self._stranger, self._impostor, self._forger, self._woo, self._hostile, self._false_server]
        self.rng.choices(tricks, weights=[2, 1, 2, 1, 4, 4])[0]()

    def _stranger(self) -> None:
        """To the server, from anywhere. The recorded datagrams hold real tokens, but came from other addresses."""
        self.network.inject(mutated(self.rng, self.corpus), self.rng.choice(STRANGERS), SERVER)

    def _impostor(self) -> None:
        """To the server, from an honest player's address, by an attacker that can replay but not write."""
        player = self.rng.choice(self.honest)
        datagram = self._without_knowledge(player, self.sent_by[player.address])
        self.network.inject(datagram, player.address, SERVER)

    def _forger(self) -> None:
        """To an honest player, as if from the server."""
        player = self.rng.choice(self.honest)
        datagram = self._without_knowledge(player, self.sent_to[player.address])
        self.network.inject(datagram, SERVER, player.address)

    def _without_knowledge(self, player: _Honest, own: list[bytes]) -> bytes:
        """Return a datagram by an attacker that has recorded a player's datagrams but cannot read them."""
        rng, data = self.rng, self.rng.choice(own)
        kind = rng.randrange(5)
        if kind == 0:
            return noise(rng)
        if kind == 1:
            return truncated(rng, data)
        if kind == 2:
            return flipped(rng, data, 1 + TOKEN_BYTES)
        other = rng.choice(self.corpus)
        if kind == 3 and other[1 : 1 + TOKEN_BYTES] != player.token:
            return flipped(rng, other)
        return data

    def _hostile(self) -> None:
        """To the server, from a connected client that sends anything."""
        rng = self.rng
        if self.hostile not in self.server.connections:
            self.hostile, self.hostile_token = self._plant()
        latest = self._endpoint.by_address[self.hostile].record.latest
        sequence = latest + rng.choice([0, 1, 1, 1, 1, 2, rng.randint(-300, 300)])
        header = CLIENT_HEADER.pack(
            DATA,
            self.hostile_token,
            sequence & 0xFFFF,
            *odd_ack(rng, self._endpoint.by_address[self.hostile].acks),
            rng.randint(0, 0xFFFF),
            rng.choice([0, rng.randint(0, 300), rng.randint(0, 2**32 - 1)]),
        )
        player = self.server.player_inputs._players.by_id.get(self._endpoint.by_address[self.hostile].client_id)
        newest = player.buffer.newest_received if player is not None else 0
        self.network.inject(self._filled(header, newest), self.hostile, SERVER)

    def _false_server(self) -> None:
        """To a client, from a server that sends anything."""
        rng = self.rng
        if self.victim.status != "connected":
            self.victim = self._new_client()
        protocol = self.victim.plumbing.endpoint.protocol
        sequence = protocol.record.latest + rng.choice([0, 1, 1, 1, 1, 2, rng.randint(-300, 300)])
        header = SERVER_HEADER.pack(
            DATA,
            protocol.token,
            sequence & 0xFFFF,
            *odd_ack(rng, protocol.acks),
            rng.randint(0, 0xFFFF),
            rng.randint(0, 2**32 - 1),
        )
        own = self.network.address_of(self.victim)
        self.network.inject(self._filled(header, protocol.states.received.newest_tick), SERVER, own)

    def _filled(self, header: bytes, newest: int) -> bytes:
        rng = self.rng
        if rng.random() < 0.2:  # real packets of others, damaged, with our own header
            return header + flipped(rng, rng.choice(self.corpus)[len(header) :])
        return header + b"".join(odd_message(rng, newest) for _ in range(rng.randint(0, 3)))

    def _woo(self) -> None:
        """To a client that is connecting, as if from the server that it wants."""
        rng = self.rng
        if self.suitor.status != "connecting":
            self.suitor = self._new_suitor()
        nonce = self.suitor.plumbing.endpoint.protocol.way_in.connector.nonce
        answers = [
            Challenge(nonce, rng.randint(0, 2**32 - 1), rng.randbytes(16)).encode(),
            Refused(nonce, rng.randint(0, 255), "nein " * rng.randint(0, 40)).encode(),
            Accepted(nonce, odd_welcome(rng, odd_value(rng)[:255])).encode(),
            Accepted(nonce, odd_welcome(rng, pack(["127.0.0.1", 5]))).encode(),
        ]
        data = rng.choice(answers)
        head, tail = data[: 1 + NONCE_BYTES], data[1 + NONCE_BYTES :]
        data = rng.choice([data, truncated(rng, data), head + flipped(rng, tail)])
        self.network.inject(data, ("127.0.0.1", 9), self.network.address_of(self.suitor))

    # -- what must hold --------------------------------------------------------------------------------------------

    def check_bounds(self) -> None:
        """Check that nobody holds more than the bounds allow."""
        endpoint = self._endpoint
        # a client that left because of a forged goodbye is a peer until the server has missed it for 5 s
        assert len(endpoint.peers) == len(endpoint.by_token) <= 40
        lost = endpoint.table.lost
        assert set(self.server.connections) == set(endpoint.by_address) | {peer.address for peer in lost.values()}
        assert set(self.server.clients) == set(endpoint.peers) | set(lost)
        assert not endpoint.inbox
        assert not endpoint.outbox
        assert len(endpoint.dropped) <= 12
        assert len(endpoint.entrance.challenges.nonces) <= 4096
        assert len(endpoint.ring.ring) <= self.server.config.snapshot_ring
        for peer in endpoint.peers.values():
            _check_peer(peer)
        players = self.server.player_inputs._players
        assert set(players.by_id) <= set(endpoint.peers)
        assert len(players._settled) <= 40
        for player in players.by_id.values():
            assert len(player.buffer) <= max(player.buffer.schedule.max_depth, MAX_INPUTS) + 1
            assert len(player.buffer.leads) <= SlidingMinimum.SPACINGS + 2
        for client in (self.victim, *(player.client for player in self.honest)):
            _check_client(client)

    @property
    def _endpoint(self) -> ServerEndpoint:
        assert self.server.plumbing.run.endpoint is not None
        return self.server.plumbing.run.endpoint

    def rest(self) -> None:
        """Stop everything; the hostile vanish."""
        self.resting = True
        self.victim.disconnect()
        self.suitor.disconnect()
        self.network.run(self.server.config.timeout + 2.0)

    def check_after_rest(self) -> None:
        """Check that the honest players have noticed nothing, and that nothing is left of the noise."""
        endpoint = self._endpoint
        assert set(endpoint.by_address) == set(self.server.connections) == {p.address for p in self.honest}
        assert not self.backend.game_state_machine.plumbing.events.arrived
        state = self.backend.game_state_store.plumbing.committed.tree
        for player in self.honest:
            assert player.client.status == "connected", player.client.disconnect_reason
            assert exactly_equal(player.client.snapshots[-1].state, state)
            assert not player.inputs.faults, player.inputs.faults[:3]
            assert player.inputs.fresh > 0.95 * player.inputs.newest > 0, "nobody else's noise costs an input"
            assert player.client.input_applied(player.client.snapshots[-1].tick) == player.inputs.newest
            assert self.mail[player.address] == list(range(1, player.sent + 1))
            assert player.got == self.news[-len(player.got) :]
            assert len(player.got) >= len(self.news) - 2  # the first may be from before the connection
            assert endpoint.by_address[player.address].incoming.held_bytes == 0
            assert player.client.plumbing.endpoint.protocol.incoming.held_bytes == 0


def _check_peer(peer: PeerProtocol) -> None:
    reassemblers = peer.incoming.reassemblers.values()
    assert all(len(r.groups) <= r.max_groups for r in reassemblers)
    assert all(len(group.parts) <= r.max_count for r in reassemblers for group in r.groups.values())
    most = sum(r.max_groups * r.max_count * FRAGMENT_BYTES for r in reassemblers) + WINDOW_BYTES
    assert peer.incoming.held_bytes <= most
    assert len(peer.incoming.held) <= 128
    assert len(peer.acks) <= SentPackets.MAX_PACKETS
    assert len(peer.outgoing.ordered) + len(peer.outgoing.once) <= 2 * peer.config.max_queued_messages


def _check_client(client: Client) -> None:
    protocol = client.plumbing.endpoint.protocol
    _check_peer(protocol)
    assert isinstance(protocol, ClientProtocol)
    assert protocol.next_event() is None
    assert len(protocol.states.received.states) <= SnapshotReceiver.MAX_STATES
    assert protocol.states.held_bytes <= 4 * MAX_STATE_BYTES
    assert len(client.snapshots) <= client.config.kept_snapshots
    assert len(client.plumbing.session.inputs) <= 2 * client.config.kept_snapshots
    assert len(protocol.inputs) <= MAX_INPUTS
    assert 0.97 <= client.input_pace <= 1.03


def run_round(seed: int, count: int = ROUND_DATAGRAMS) -> None:
    """Send datagrams of noise into a game of their own. Raise if one of them does harm."""
    logger, ears = logging.getLogger("pygase"), _Ears()
    logger.addHandler(ears)
    propagate, logger.propagate = logger.propagate, False
    try:
        arena = Arena(seed)
        for number in range(count):
            arena.throw()
            if number % 10 == 9:
                arena.network.run(0.01)
            if number % 500 == 499:
                arena.check_bounds()
        arena.rest()
        arena.check_bounds()
        arena.check_after_rest()
        assert not ears.unexpected, ears.unexpected[:5]
    finally:
        logger.propagate = propagate
        logger.removeHandler(ears)


# -- tests -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(SAMPLE_ROUNDS))
def test_noise_does_no_harm(seed: int) -> None:
    """No exception escapes, memory stays bounded and is freed, and the honest players notice nothing."""
    print(f"to repeat: python -m tests.long fuzz --only game --datagrams 5000 --seed {seed}")
    run_round(seed, SAMPLE_DATAGRAMS)


def test_noise_leaves_no_memory_behind() -> None:
    """Once the hostile have gone, a game holds no more than the same game that was disturbed a quarter as often.

    What the simulated network keeps of each visitor makes 90 to 230 KB more. The rest would be in all games.
    """
    _memory_after(10, 98)  # imports what stays by right
    grown = []
    for seed in (99, 100, 101):
        grown.append(_memory_after(2_000, seed) - _memory_after(500, seed))
        if grown[-1] < 300_000:
            return
    pytest.fail(f"{grown} bytes more")


def _memory_after(datagrams: int, seed: int) -> int:
    """Return the bytes that a game and all its participants hold in the end."""
    logging.disable(logging.CRITICAL)  # pytest keeps log lines
    tracemalloc.start()
    try:
        arena = Arena(seed, kept=32)
        machine = arena.backend.game_state_machine
        machine.register_event_handler("scribble", lambda *args, **kwargs: None)  # its values would stay by right
        for number in range(2_000):
            if number < datagrams:
                arena.throw()
            arena.network.run(0.001)
        arena.network.run(3.0)  # until the ring of past states is full, however long the noise took
        arena.rest()
        del arena.victim, arena.suitor  # they keep some of their latest states, or none, as chance had it
        gc.collect()
        return tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
        logging.disable(logging.NOTSET)


def test_ten_thousand_forged_first_datagrams_cost_nothing() -> None:
    """No memory, and no more bytes out than in, be the requests right, wrong or cut off."""
    rng = random.Random(10_000)
    endpoint = ServerEndpoint(random_bytes=rng.randbytes)
    taken = sent = 0
    tracemalloc.start()
    for number in range(10_000):
        address = (f"198.51.{number % 256}.{number // 256}", rng.randint(1, 0xFFFF))
        data = _first_datagram(rng)
        endpoint.receive_datagram(data, address, now=number / 1_000)
        answers = endpoint.datagrams_to_send(now=number / 1_000)
        assert all(to == address for _, to in answers)
        assert sum(len(answer) for answer, _ in answers) <= len(data)
        taken, sent = taken + len(data), sent + sum(len(answer) for answer, _ in answers)
        if number == 1_000:
            before = tracemalloc.get_traced_memory()[0]
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert not endpoint.peers
    assert 0 < sent < taken
    assert grown < 5_000, f"{grown} bytes more after 9,000 datagrams"


def _first_datagram(rng: random.Random) -> bytes:
    request = ConnectRequest(rng.choice([1, 1, 1, 2, 65535]), rng.randbytes(8), rng.choice(["", "x"])).encode()
    response = bytes([CHALLENGE_RESPONSE]) + b"\0\1" + rng.randbytes(60)
    return rng.choice([request, request, request[: rng.randint(0, 1_200)], response, flipped(rng, request)])


def test_players_notice_nothing_of_a_flood_of_first_datagrams() -> None:
    """All of them arrive within a second, and the game goes on undisturbed."""
    arena = Arena(7)
    for number in range(10_000):
        address = (f"198.51.{number % 256}.{number // 256}", 4_000)
        arena.network.inject(_first_datagram(arena.rng), address, SERVER)
        if number % 100 == 0:
            arena.network.run(0.01)
    arena.check_bounds()
    arena.rest()
    arena.check_after_rest()


def test_a_peer_that_never_acknowledges_is_remembered_within_bounds() -> None:
    """It keeps sending, so it never times out; but its unconfirmed packets do not pile up."""
    arena = Arena(8)
    peer = arena._endpoint.by_address[arena.hostile]
    for number in range(2 * SentPackets.MAX_PACKETS):
        now = arena.network.now + number * 0.02
        if number < 1_000:
            peer.queue_event(pack(["news", [number]]), RELIABLE, None, now=now)
        peer.datagrams_to_send(now)
        peer.record.last_received_at = now
    assert peer.record.next_sequence > SentPackets.MAX_PACKETS
    _check_peer(peer)


@pytest.mark.parametrize("depth", [60, 500, 900, 960, 1_000, 1_020, 1_100])
@pytest.mark.parametrize("event_type", ["mail", "scribble", "nobody knows"])
def test_deeply_nested_event_data_do_no_harm(depth: int, event_type: str) -> None:
    """Data too deep for recursion ends neither the server nor its log."""
    logger, ears = logging.getLogger("pygase"), _Ears()
    logger.addHandler(ears)
    try:
        arena = Arena(11)
        payload = b"\x92" + pack(event_type) + b"\x91" + b"\x91" * depth + b"\xc0"
        header = CLIENT_HEADER.pack(DATA, arena.hostile_token, 900, 0, 0, 0, 0)
        arena.network.inject(header + message(EVENT, payload), arena.hostile, SERVER)
        arena.rest()
        arena.check_after_rest()
        assert not ears.unexpected
    finally:
        logger.removeHandler(ears)


@pytest.mark.parametrize("value", [v for v in _ODD_VALUES if v])
def test_hostile_msgpack_gives_plain_values_or_a_malformed_packet(value: bytes) -> None:
    """No exotic object gets past the codec, no foreign exception out of it."""
    for data in (value, b"\x91" + value, b"\x81\xa1a" + value):
        try:
            assert _is_plain(unpack(data))
        except MalformedPacket:
            pass


def _is_plain(value: Any) -> bool:
    if isinstance(value, list):
        return all(map(_is_plain, value))
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    return value is None or value is TO_DELETE or isinstance(value, (bool, int, float, str, bytes))


@pytest.mark.parametrize("bomb", [b"\0", b"\x90", b"\x81\xa1a", b"\xdf\xff\xff\xff\xff"])
def test_a_zip_bomb_is_not_inflated_beyond_the_bound(bomb: bytes) -> None:
    """50 MB in 50 KB: more than the largest state is dropped before memory is allocated for it."""
    receiver = SnapshotReceiver(MAX_STATE_BYTES)
    body = SNAPSHOT_HEADER.pack(1, 5, 0, 0, 0, 0) + zlib.compress(bomb * (50_000_000 // len(bomb)), 9)
    tracemalloc.start()
    try:
        with pytest.raises(MalformedPacket):
            receiver.receive(body)
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_STATE_BYTES
    finally:
        tracemalloc.stop()
    assert receiver.newest_tick == 0


@pytest.mark.parametrize("reason", range(14))
def test_a_client_that_leaves_is_gone_whatever_reason_it_gives(reason: int) -> None:
    """Even if the reason is the server's shutdown, or an unknown one."""
    arena = Arena(12)
    header = CLIENT_HEADER.pack(DATA, arena.hostile_token, 900, 0, 0, 0, 0)
    assert arena.hostile in arena.server.connections
    arena.network.inject(header + message(CLOSE, bytes([reason, 0])), arena.hostile, SERVER)
    assert arena.hostile not in arena.server.connections


@pytest.mark.parametrize("seed", range(3))
def test_a_hostile_players_inputs_stay_bounded_and_give_one_a_tick(seed: int) -> None:
    """With any numbers, counts and times: no number is applied twice, and nothing takes long."""
    rng = random.Random(f"hostile inputs {seed}")
    buffer = InputBuffer(1 / 60)
    applied: set[int] = set()
    understood = 0
    for tick in range(1_500):
        now = 1e6 + tick / 60
        for _ in range(rng.choice([0, 1, 1, 5])):
            body = odd_inputs(rng, max(buffer.newest_received, 0))
            try:
                messages = decode_inputs(body)
            except MalformedPacket:
                continue
            understood += 1
            buffer.receive(
                messages, datagram=rng.choice([understood, messages.newest]), arrived=rng.getrandbits(40), now=now
            )
            assert len(buffer) <= buffer.schedule.max_depth + 1
        played = buffer.take(now=now)
        if played is not None and played.repeats == 0:
            assert played.number not in applied
            applied.add(played.number)
            assert played.view_time is None or played.view_time <= now
        told = InputState.decode(InputState(tick, buffer.applied_number, buffer.margin).encode())
        assert 0.97 <= pace(told.margin) <= 1.03
    assert understood > 300
    assert len(applied) > 50


@pytest.mark.parametrize("count", [0, 65, 127])
def test_a_count_that_is_not_allowed_is_malformed_however_many_bytes_follow(count: int) -> None:
    with pytest.raises(MalformedPacket):
        decode_inputs(struct.pack("!IB", 900, count) + b"\1\1" * count)
