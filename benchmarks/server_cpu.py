"""Server CPU per client and tick, beside a bare UDP loop that moves as many datagrams of the same size.

::

    python -m benchmarks.server_cpu [--inputs] [--encrypted] [--clients 128] [--hz 60] [--seconds 8] [--rounds 3]

The workload: 64 entities of six fields; a quarter of them moves every tick. Each client sends one event a tick, and a
handler notes it (with ``--changing`` it also changes that client's entry in the state, which all clients get). With
``--inputs`` each client sends one input a tick instead, with all inputs that are not acknowledged yet, as ``Client``
does, and ``time_step`` gets them.

The clients send at times spread evenly over the tick, as real ones do. ``--together`` lets all of them send at once.
They are one process with plain sockets that speaks only the part of the protocol that a perfect network asks for, so
that the load generator is cheap. The server is a real Backend in a process of its own. The bare loop receives one
datagram per client and tick and sends one, of the sizes measured at the server, drained once a tick, and does nothing
else. It is plain Python. The server uses the compiled parts of PyGaSe that are there, unless ``--pure`` keeps it from
the batches. Both run in the same minutes on the same machine, in turns: the ratio is what counts.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import random
import socket
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from benchmarks.interest import wide_backend, yardstick
from pygase._io import udp
from pygase._protocol import wire
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.inputs import InputSender
from pygase._state.event_codec import encode_event, encode_input
from pygase.config import ClientConfig

IS_COMPILED = not wire.__file__.endswith(".py")
HAS_BATCHES = udp.in_batches()
ENTITIES = 64
MOVING = ENTITIES // 4


@dataclass(frozen=True)
class Load:
    """What the clients do: how many there are, how often they send, for how long, and what."""

    clients: int
    hz: float
    seconds: float
    inputs: bool = False
    changing: bool = False
    together: bool = False
    encrypted: bool = False
    wide: bool = False

    @property
    def slots(self) -> int:
        """The number of moments of a tick at which clients send, a millisecond apart at least."""
        return 1 if self.together else max(min(self.clients, int(1000 / self.hz)), 1)

    def __str__(self) -> str:
        kind = "inputs" if self.inputs else "events"
        spread = "at once" if self.together else "spread over the tick"
        kind = f"encrypted {kind}" if self.encrypted else kind
        return f"{self.clients} clients, {kind} {spread}, {self.hz:g} Hz, {self.seconds:g} s a run"


@dataclass
class Result:
    """What one run of a server measured: CPU seconds, ticks, client-ticks, datagram sizes, and how often it slept."""

    cpu_seconds: float
    wall_seconds: float
    ticks: int
    received: int
    sent: int
    bytes_received: int
    bytes_sent: int
    sleeps: int = 0

    def micros(self, clients: int) -> float:
        """Microseconds of CPU per client and tick."""
        return self.cpu_seconds / self.ticks / clients * 1e6


def _pin(core: int) -> None:
    """Keep this process on one core, where the system can: server and load generator shall not take turns on both."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # a core that this process may not use
            os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


def _sleeps() -> int:
    """Return how often the threads of this process have gone to sleep until now; 0 where the system does not say."""
    found = 0
    for status in Path("/proc/self/task").glob("*/status"):
        with contextlib.suppress(OSError, StopIteration):  # a thread that has ended
            lines = status.read_text(encoding="ascii").splitlines()
            found += int(next(line for line in lines if line.startswith("voluntary")).split()[1])
    return found


def _entities() -> dict[int, dict[str, Any]]:
    return {i: {"x": i * 1.5, "y": i * 2.5, "vx": 1.0, "vy": -1.0, "hp": 100, "name": f"e{i}"} for i in range(ENTITIES)}


def _backend(load: Load) -> Any:
    """Return the Backend that is measured: a state in motion, and events or inputs that are noted."""
    from pygase import CLIENT_CONNECTED, Backend, GameState

    if load.wide:
        return wide_backend()

    def moved(game_state: Any, dt: float) -> dict[str, Any]:
        first = int(game_state.turn) * MOVING % ENTITIES
        entities = {}
        for i in range(first, first + MOVING):
            entity = game_state.entities[i]
            entities[i] = {"x": entity["x"] + entity["vx"] * dt, "y": entity["y"] + entity["vy"] * dt}
        return {"entities": entities, "turn": game_state.turn + 1}

    def moved_with_inputs(game_state: Any, dt: float, inputs: dict[Any, Any]) -> dict[str, Any]:
        for client_id, played in inputs.items():
            held[client_id] = played.value
        return moved(game_state, dt)

    def on_connected(client_id: int) -> dict[str, Any]:
        return {"seen": {client_id: 0}}

    held: dict[Any, Any] = {}

    def on_input(buttons: int, client_id: int) -> dict[str, Any] | None:
        held[client_id] = buttons
        return {"seen": {client_id: buttons}} if load.changing else None

    state = GameState(entities=_entities(), turn=0, seen={})
    time_step = moved_with_inputs if load.inputs else moved
    return Backend(state, time_step, {CLIENT_CONNECTED: on_connected, "INPUT": on_input})


def _serve(pipe: Connection, load: Load) -> None:
    """Run a Backend; measure between "start" and "stop"."""
    _pin(0)
    backend = _backend(load)
    backend.run_in_thread("127.0.0.1", 0, interval=1 / load.hz)
    pipe.send(backend.server.port)
    pipe.recv()  # start

    def totals() -> tuple[int, int, int, int]:
        stats = [connection.stats for connection in backend.server.connections.values()]
        return (
            sum(s.packets_received for s in stats),
            sum(s.packets_sent for s in stats),
            sum(s.bytes_received for s in stats),
            sum(s.bytes_sent for s in stats),
        )

    before, ticks = totals(), int(backend.game_state_store.get_game_state().time_order)
    sleeps = _sleeps()
    cpu, wall = time.process_time(), time.perf_counter()
    pipe.recv()  # stop
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    sleeps = _sleeps() - sleeps
    ticks = int(backend.game_state_store.get_game_state().time_order) - ticks
    moved = [new - old for new, old in zip(totals(), before, strict=True)]
    pipe.send(Result(cpu, wall, ticks, *moved, sleeps))


def _serve_bare(pipe: Connection, load: Load, request_bytes: int, answer_bytes: int) -> None:
    """The least that any server must do: drain the socket once a tick, send one datagram to each client."""
    _pin(0)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    pipe.send(sock.getsockname()[1])
    answer, addresses = bytes(answer_bytes), set()
    received = sent = ticks = sleeps = 0
    cpu = wall = 0.0
    measuring = False
    next_at = time.perf_counter()
    while True:
        next_at += 1 / load.hz
        time.sleep(max(next_at - time.perf_counter(), 0.0))
        if pipe.poll():
            pipe.recv()
            if measuring:
                break
            measuring, received, sent, ticks = True, 0, 0, 0
            sleeps = _sleeps()
            cpu, wall = time.process_time(), time.perf_counter()
        try:
            while True:
                _, address = sock.recvfrom(2048)
                received += 1
                addresses.add(address)
        except BlockingIOError:
            pass
        for address in addresses:
            sock.sendto(answer, address)
            sent += 1
        ticks += 1
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    sleeps = _sleeps() - sleeps
    moved = (received, sent, received * request_bytes, sent * answer_bytes)
    pipe.send(Result(cpu, wall, ticks, *moved, sleeps))


def _tick_of(kind: int, data: bytes, at: int) -> int:
    """Return the tick of the state, whole or a delta, that begins at this place."""
    if kind == wire.DELTA:
        return (data[at + 1] << 8 | data[at + 2]) + data[at + 3]
    return int.from_bytes(data[at + 1 : at + 5], "big")


class _LeanClient:
    """A client that costs next to nothing: the real handshake, then acknowledgements, events and inputs by hand.

    It acknowledges the tick of every state it gets, without decoding the state, as on a perfect network it may.
    """

    def __init__(self, port: int, rng: random.Random, load: Load) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        config = ClientConfig(encryption="required" if load.encrypted else "off")
        self.protocol = ClientProtocol(now=time.monotonic(), random_bytes=rng.randbytes, config=config)
        self.sequence = 0
        self.latest, self.ack_bits = -1, 0
        self.tick = self.arriving = 0
        self.inputs = InputSender() if load.inputs else None
        self.server_time = 0

    def shake_hands(self) -> bool:
        """Go on with the handshake; return whether it is done."""
        now = time.monotonic()
        for datagram in self.protocol.datagrams_to_send(now=now):
            self.sock.send(datagram)
        with contextlib.suppress(OSError):
            self.protocol.receive_datagram(self.sock.recv(2048), now=now)
        return self.protocol.connected

    def receive(self) -> None:
        """Take in what has come."""
        with contextlib.suppress(OSError):
            while True:
                data = self._opened(self.sock.recv(2048))
                if len(data) >= wire.HEADER_BYTES and data[0] in (wire.DATA, wire.ENCRYPTED, wire.URGENT):
                    self._note_number(data[9] << 8 | data[10])
                    self._note_ack(data)
                    self._receive_states(data)

    def _receive_states(self, data: bytes) -> None:
        at = wire.HEADER_BYTES
        while at < len(data):
            kind, begin, end = data[at] & ~wire.LAST, at + 1, len(data)
            if kind == data[at]:
                begin += 2
                end = begin + (data[at + 1] << 8 | data[at + 2])
            if kind in (wire.SNAPSHOT, wire.DELTA):
                self.tick = _tick_of(kind, data, begin)
            elif kind == wire.FRAGMENT:
                self._receive_fragment(data, begin)
            at = end

    def _opened(self, data: bytes) -> bytes:
        seals = self.protocol.seals
        return data if seals is None else seals.open(data, self.latest)

    def _note_number(self, number: int) -> None:
        """Acknowledge what has come, and nothing else: the server leaves a number out now and then."""
        ahead = (number - self.latest) & 0xFFFF if self.latest >= 0 else 0
        if self.latest < 0:
            self.latest = number
        elif ahead < 0x8000:
            self.ack_bits = (self.ack_bits << 1 | 1) << (ahead - 1) & 0xFFFFFFFF if ahead else self.ack_bits
            self.latest = number
        elif ahead >= 0x10000 - 32:
            self.ack_bits |= 1 << (0xFFFF - ahead)

    def _note_ack(self, data: bytes) -> None:
        """Let go of the inputs that have arrived: the packet ``n`` had the inputs up to ``n + 1``."""
        self.server_time = int.from_bytes(data[19:23], "big")
        if self.inputs is not None and data[17:19] != b"\xff\xff":
            late = (self.sequence - 1 - (data[11] << 8 | data[12])) & 0xFFFF
            self.inputs.on_acked(self.inputs.newest - late)

    def _receive_fragment(self, data: bytes, at: int) -> None:
        # of a state larger than a packet, as right after joining: the first names the tick, with the last it is whole
        kind, _, index, count = wire.FRAGMENT_HEADER.unpack_from(data, at)
        if index == 0:
            self.arriving = _tick_of(kind, data, at + wire.FRAGMENT_HEADER.size)
        if index == count - 1:
            self.tick = self.arriving

    def give_input(self, payload: bytes) -> bytes:
        """Give the input of a tick; return the message with all that wait."""
        assert self.inputs is not None
        self.inputs.queue(payload, self.server_time * wire.TIME_UNIT - 0.1)
        found = self.inputs.message_body(wire.MAX_BODY_BYTES)
        assert found is not None
        return wire.message(wire.INPUTS, found[0])

    def send(self, message: bytes) -> None:
        """Send one message, and the acknowledgement of all that has come."""
        delay = 0 if self.latest >= 0 else wire.NO_ACK_DELAY
        header = wire.CLIENT_HEADER.pack(
            wire.DATA,
            self.protocol.token,
            self.sequence & 0xFFFF,
            self.latest & 0xFFFF,
            self.ack_bits,
            delay,
            self.tick,
        )
        seals = self.protocol.seals
        self.sock.send(header + message if seals is None else seals.seal(self.sequence, header, message, urgent=False))
        self.sequence += 1


def _connected(port: int, load: Load) -> list[_LeanClient]:
    """Return the clients, once all of them are connected."""
    rng = random.Random(1)
    players = [_LeanClient(port, rng, load) for _ in range(load.clients)]
    give_up_at = time.monotonic() + 20
    while sum([player.shake_hands() for player in players]) < load.clients:
        time.sleep(0.01)
        if time.monotonic() > give_up_at:
            raise SystemExit("the clients did not get connected")
    return players


def _turn(players: list[_LeanClient], load: Load) -> Callable[[int, int], None]:
    """Return what a client does in a turn, by the number of the client and of the turn."""
    events = [wire.message(wire.EVENT, encode_event("INPUT", (n,), {}, 1000)) for n in range(16)]
    inputs = [encode_input({"buttons": n, "aim": n / 7}, 254) for n in range(16)]

    def play(index: int, turn: int) -> None:
        player = players[index]
        player.receive()
        if load.inputs:
            player.send(player.give_input(inputs[(turn // 8 + index) % 16]))
        else:
            player.send(events[(turn + index) % 16])

    return play


def _bare_turn(port: int, load: Load, request_bytes: int) -> Callable[[int, int], None]:
    """Return what a client of the bare loop does in a turn."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(load.clients)]
    for sock in sockets:
        sock.connect(("127.0.0.1", port))
        sock.setblocking(False)

    def play(index: int, turn: int) -> None:
        sockets[index].send(bytes(request_bytes))
        with contextlib.suppress(OSError):
            sockets[index].recv(2048)

    return play


def _play(load: Load, pipe: Connection, play: Callable[[int, int], None]) -> None:
    """Let all clients play from one loop, each at its moment of the tick; measure after two seconds."""
    begin = next_at = time.monotonic()
    started, turn = False, 0
    while next_at < begin + 2.0 + load.seconds:
        if not started and next_at > begin + 2.0:
            started = True
            pipe.send("start")
        turn += 1
        for slot in range(load.slots):
            next_at += 1 / load.hz / load.slots
            time.sleep(max(next_at - time.monotonic(), 0.0))
            for index in range(slot, load.clients, load.slots):
                play(index, turn)
    pipe.send("stop")


def _run(load: Load, bare: tuple[int, int] | None = None) -> Result:
    """Measure the server, or the bare loop with requests and answers of these sizes."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    _pin(1)
    target, args = (_serve, (load,)) if bare is None else (_serve_bare, (load, *bare))
    process = context.Process(target=target, args=(theirs, *args), daemon=True)
    process.start()
    theirs.close()  # so that a server that fails ends this process as well
    port = ours.recv()
    turn = _turn(_connected(port, load), load) if bare is None else _bare_turn(port, load, bare[0])
    _play(load, ours, turn)
    result: Result = ours.recv()
    process.terminate()
    process.join()
    return result


def _print_share(result: Result) -> None:
    share = result.cpu_seconds / result.wall_seconds * 100
    print(
        f"the whole server takes {share:.1f} % of a core; yardstick {yardstick() * 1e6:.1f} µs, see benchmarks.interest"
    )


def _print(number: int, name: str, result: Result, clients: int) -> None:
    print(
        f"round {number}  {name:10} {result.micros(clients):6.2f} µs per client and tick, "
        f"{result.ticks / result.wall_seconds:6.2f} ticks/s, per client and tick "
        f"{result.received / result.ticks / clients:.3f} in ({result.bytes_received // result.received} B), "
        f"{result.sent / result.ticks / clients:.3f} out ({result.bytes_sent // result.sent} B), "
        f"{result.sleeps / result.ticks:.2f} wake-ups a tick"
    )


def _cost(number: int, load: Load, ours: Result, bare: Result) -> tuple[float, float]:
    """Measure the same load encrypted. Return its time by that of the open mode, and what it adds in bare loops."""
    sealed = _run(replace(load, encrypted=True))
    _print(number, "encrypted", sealed, load.clients)
    open_micros, micros = ours.micros(load.clients), sealed.micros(load.clients)
    return micros / open_micros, (micros - open_micros) / bare.micros(load.clients)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=128)
    parser.add_argument("--hz", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--inputs", action="store_true", help="inputs instead of events")
    parser.add_argument("--changing", action="store_true", help="each event changes the state as well")
    parser.add_argument("--together", action="store_true", help="all clients send at once, not spread over the tick")
    parser.add_argument("--encrypted", action="store_true", help="measure encrypted connections beside open ones")
    parser.add_argument("--wide", action="store_true", help="2,000 entities; each client sees about 30 (Interest)")
    parser.add_argument("--pure", action="store_true", help="without the batches, and without what is compiled")
    options = parser.parse_args()
    if options.pure:
        os.environ["PYGASE_PUREPYTHON"] = "1"  # for the server, which is a process of its own
    load = Load(options.clients, options.hz, options.seconds, options.inputs, options.changing, options.together)
    load = replace(load, wide=options.wide)
    print(f"compiled: {'protocol' if IS_COMPILED else 'not the protocol'}, batches: {not options.pure and HAS_BATCHES}")
    ratios: list[float] = []
    costs: list[tuple[float, float]] = []
    for number in range(1, options.rounds + 1):
        ours = _run(load)
        bare = _run(load, (ours.bytes_received // ours.received, ours.bytes_sent // ours.sent))
        ratios.append(ours.micros(load.clients) / bare.micros(load.clients))
        _print(number, "pygase", ours, load.clients)
        _print(number, "bare loop", bare, load.clients)
        if options.wide:
            _print_share(ours)
        if options.encrypted:
            costs.append(_cost(number, load, ours, bare))
        print(f"round {number}  ratio {ratios[-1]:.2f}")
    print(f"median ratio {statistics.median(ratios):.2f} ({load})")
    if costs:
        times, loops = (statistics.median(each) for each in zip(*costs, strict=True))
        print(f"median cost of encryption: {times:.2f} times the open mode, {loops:+.2f} bare loops")


if __name__ == "__main__":
    main()
