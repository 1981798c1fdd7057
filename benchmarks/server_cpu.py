"""Server CPU per client and tick, beside a bare UDP loop that moves as many datagrams of the same size.

::

    python -m benchmarks.server_cpu [--clients 128] [--hz 60] [--seconds 8] [--rounds 3] [--changing] [--pure]

The workload: 64 entities of six fields, a quarter of which moves every tick; each client sends one event a tick, whose
handler notes it (with ``--changing`` it also changes an entry of that client's in the state, which all clients get).
Clients are one process with plain sockets that speak as much of the protocol as a perfect network asks for, so that the
load generator is cheap; the server is a real Backend in a process of its own. The bare loop receives one datagram per
client and tick and sends one, of the sizes measured at the server, drained once a tick, and does nothing else. It is
plain Python; the server uses what is compiled of PyGaSe, unless ``--pure`` keeps it from that. Both run in the same
minutes on the same machine, in turns: the ratio is what counts.
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
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from pygase._io import udp
from pygase._protocol import wire
from pygase._protocol.client_peer import ClientProtocol
from pygase._state.event_codec import encode_event

COMPILED = {"batches": udp.in_batches()}
ENTITIES = 64
MOVING = ENTITIES // 4


@dataclass
class Result:
    """What one run of a server measured: CPU seconds, ticks, client-ticks, datagram sizes."""

    cpu_seconds: float
    wall_seconds: float
    ticks: int
    received: int
    sent: int
    bytes_received: int
    bytes_sent: int

    def micros(self, clients: int) -> float:
        """Microseconds of CPU per client and tick."""
        return self.cpu_seconds / self.ticks / clients * 1e6


def _pin(core: int) -> None:
    """Keep this process on one core, where the system can: server and load generator shall not take turns on both."""
    if hasattr(os, "sched_setaffinity"):
        with contextlib.suppress(OSError):  # a core that this process may not use
            os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


def _entities() -> dict[int, dict[str, Any]]:
    return {i: {"x": i * 1.5, "y": i * 2.5, "vx": 1.0, "vy": -1.0, "hp": 100, "name": f"e{i}"} for i in range(ENTITIES)}


def _serve(pipe: Connection, hz: float, changing: bool) -> None:
    """Run a Backend; measure between "start" and "stop"."""
    from pygase import CLIENT_CONNECTED, Backend, GameState

    _pin(0)

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        first = int(game_state.turn) * MOVING % ENTITIES
        moved = {}
        for i in range(first, first + MOVING):
            entity = game_state.entities[i]
            moved[i] = {"x": entity["x"] + entity["vx"] * dt, "y": entity["y"] + entity["vy"] * dt}
        return {"entities": moved, "turn": game_state.turn + 1}

    def on_connected(client_address: Any) -> dict[str, Any]:
        return {"seen": {client_address[1]: 0}}

    inputs: dict[Any, int] = {}

    def on_input(buttons: int, client_address: Any) -> dict[str, Any] | None:
        inputs[client_address] = buttons
        return {"seen": {client_address[1]: buttons}} if changing else None

    state = GameState(entities=_entities(), turn=0, seen={})
    backend = Backend(state, time_step, {CLIENT_CONNECTED: on_connected, "INPUT": on_input})
    backend.run_in_thread("127.0.0.1", 0, interval=1 / hz)
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
    cpu, wall = time.process_time(), time.perf_counter()
    pipe.recv()  # stop
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    ticks = int(backend.game_state_store.get_game_state().time_order) - ticks
    moved = [new - old for new, old in zip(totals(), before, strict=True)]
    pipe.send(Result(cpu, wall, ticks, *moved))


def _serve_bare(pipe: Connection, hz: float, request_bytes: int, answer_bytes: int) -> None:
    """The least that any server must do: drain the socket once a tick, send one datagram to each client."""
    _pin(0)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    pipe.send(sock.getsockname()[1])
    answer, addresses = bytes(answer_bytes), set()
    received = sent = ticks = 0
    cpu = wall = 0.0
    measuring = False
    next_at = time.perf_counter()
    while True:
        next_at += 1 / hz
        time.sleep(max(next_at - time.perf_counter(), 0.0))
        if pipe.poll():
            pipe.recv()
            if measuring:
                break
            measuring, received, sent, ticks = True, 0, 0, 0
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
    pipe.send(Result(cpu, wall, ticks, received, sent, received * request_bytes, sent * answer_bytes))


class _LeanClient:
    """A client that costs next to nothing: the real handshake, then acknowledgements and events by hand.

    It reports the tick of every state it gets, without decoding the state, as on a perfect network it may.
    """

    def __init__(self, port: int, rng: random.Random) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.setblocking(False)
        self.protocol = ClientProtocol(now=time.monotonic(), random_bytes=rng.randbytes)
        self.sequence = 0
        self.latest, self.ack_bits = -1, 0
        self.tick = self.arriving = 0

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
                data = self.sock.recv(2048)
                if len(data) > 30 and data[0] == wire.DATA:
                    self._note_number(data[9] << 8 | data[10])
                    if data[23] == wire.SNAPSHOT:
                        self.tick = int.from_bytes(data[27:31], "big")
                    elif data[23] == wire.FRAGMENT:
                        self._receive_fragment(data)

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

    def _receive_fragment(self, data: bytes) -> None:
        # of a state larger than a packet, as right after joining: the first names the tick, with the last it is whole
        _, _, index, count = wire.FRAGMENT_HEADER.unpack_from(data, 26)
        if index == 0:
            self.arriving = int.from_bytes(data[34:38], "big")
        if index == count - 1:
            self.tick = self.arriving

    def send(self, message: bytes) -> None:
        """Send one event, and the acknowledgement of all that has come."""
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
        self.sequence += 1
        self.sock.send(header + message)


def _clients(port: int, clients: int, hz: float, seconds: float, pipe: Connection, bare_bytes: int) -> None:
    """Play all clients from one loop for so long."""
    rng = random.Random(1)
    messages = [wire.message(wire.EVENT, encode_event("INPUT", (n,), {}, 1000)) for n in range(16)]
    players = [_LeanClient(port, rng) for _ in range(clients)]
    if not bare_bytes:
        give_up_at = time.monotonic() + 20
        while sum([player.shake_hands() for player in players]) < clients:
            time.sleep(0.01)
            if time.monotonic() > give_up_at:
                raise SystemExit("the clients did not get connected")
    begin = next_at = time.monotonic()
    started, turn = False, 0
    while next_at < begin + 2.0 + seconds:
        if not started and next_at > begin + 2.0:
            started = True
            pipe.send("start")
        next_at += 1 / hz
        time.sleep(max(next_at - time.monotonic(), 0.0))
        turn += 1
        for index, player in enumerate(players):
            if bare_bytes:
                player.sock.send(bytes(bare_bytes))
                with contextlib.suppress(OSError):
                    player.sock.recv(2048)
            else:
                player.receive()
                player.send(messages[(turn + index) % 16])
    pipe.send("stop")
    for player in players:
        player.sock.close()


def _run(target: Any, args: tuple[Any, ...], clients: int, hz: float, seconds: float, bare_bytes: int = 0) -> Result:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    _pin(1)
    process = context.Process(target=target, args=(theirs, *args), daemon=True)
    process.start()
    port = ours.recv()
    _clients(port, clients, hz, seconds, ours, bare_bytes)
    result: Result = ours.recv()
    process.terminate()
    process.join()
    return result


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=128)
    parser.add_argument("--hz", type=float, default=60.0)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--changing", action="store_true", help="each event changes the state, too")
    parser.add_argument("--pure", action="store_true", help="without what is compiled of PyGaSe")
    options = parser.parse_args()
    if options.pure:
        os.environ["PYGASE_PUREPYTHON"] = "1"  # for the server, which is a process of its own
    compiled = [] if options.pure else [name for name, there in COMPILED.items() if there]
    print(f"compiled parts of PyGaSe in use: {', '.join(compiled) or 'none'}")
    clients, hz, seconds = options.clients, options.hz, options.seconds
    ratios = []
    for number in range(options.rounds):
        ours = _run(_serve, (hz, options.changing), clients, hz, seconds)
        request, answer = ours.bytes_received // ours.received, ours.bytes_sent // ours.sent
        bare = _run(_serve_bare, (hz, request, answer), clients, hz, seconds, bare_bytes=request)
        ratios.append(ours.micros(clients) / bare.micros(clients))
        for name, result in (("pygase", ours), ("bare loop", bare)):
            print(
                f"round {number + 1}  {name:10} {result.micros(clients):6.2f} µs per client and tick, "
                f"{result.ticks / result.wall_seconds:6.2f} ticks/s, per client and tick "
                f"{result.received / result.ticks / clients:.3f} in ({result.bytes_received // result.received} B), "
                f"{result.sent / result.ticks / clients:.3f} out ({result.bytes_sent // result.sent} B)"
            )
        print(f"round {number + 1}  ratio {ratios[-1]:.2f}")
    print(f"median ratio {statistics.median(ratios):.2f} ({clients} clients, {hz:g} Hz, {seconds:g} s a run)")


if __name__ == "__main__":
    main()
