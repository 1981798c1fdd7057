"""What it costs to relay a datagram, beside a forwarder that only looks up the receiver.

::

    python -m benchmarks.relay [--rounds 300]
    PYGASE_PUREPYTHON=1 python -m benchmarks.relay       # one system call for each datagram

Both have the same socket, filled with the same datagrams: 205 bytes, of 20 players and their host, half in each
direction. Counted is the CPU time of one thread from the first system call of a turn to the last, in turns of both, one
after the other. The lower quartile of the turns is printed.
"""

from __future__ import annotations

import argparse
import os
import socket
import time
from collections.abc import Callable

from pygase._io.udp import UdpTransport, bound_socket, in_batches
from pygase._relay.limits import RelayLimits
from pygase._relay.relay import Relay
from pygase._relay.relay_datagrams import (
    MET,
    RELAY_VERSION,
    RELAYED,
    RELAYED_BYTES,
    JoinRoom,
    OpenRoom,
    RelayCookie,
    RelayRequest,
    RoomJoined,
    RoomOpened,
    of_channel,
)

PLAYERS = 20
PAYLOAD = bytes(200)
EACH = 5
"""Datagrams of a player, and to it, in one turn: 200 in all, which fit into a socket's buffer."""

Turn = Callable[[float], None]


def _socket() -> socket.socket:
    sock = bound_socket("127.0.0.1", 0)
    sock.settimeout(2.0)
    return sock


class Bed:
    """A relay, a host and players with sockets. The bare forwarder has the same socket and the same ways.

    :ivar datagrams: numbers of datagrams that one turn forwards.
    """

    def __init__(self) -> None:
        unlimited = RelayLimits(bytes_per_second=1e12, datagrams_per_second=1e12)
        self.relay = Relay(os.urandom(32), os.urandom, unlimited)
        self.transport = UdpTransport([bound_socket("127.0.0.1", 0)])
        self.address = self.transport.sockets[0].getsockname()
        self.host = _socket()
        self.players = [_socket() for _ in range(PLAYERS)]
        code = RoomOpened.decode(self._ask(self.host, lambda request: OpenRoom(request, bytes(16)).encode())).code
        self.channels = [self._join(player, code) for player in self.players]
        for channel in self.channels:
            self.host.sendto(of_channel(MET, channel), self.address)
        self.turn_of_relay(time.monotonic())
        self._drain()
        self.ways = {
            channel: (player.getsockname(), self.host.getsockname())
            for channel, player in zip(self.channels, self.players, strict=True)
        }
        self.datagrams = 2 * EACH * PLAYERS

    def _join(self, player: socket.socket, code: str) -> bytes:
        return RoomJoined.decode(self._ask(player, lambda request: JoinRoom(request, code).encode())).channel

    def _ask(self, sock: socket.socket, request: Callable[[RelayRequest], bytes]) -> bytes:
        first = RelayRequest(RELAY_VERSION, os.urandom(8))
        sock.sendto(request(first), self.address)
        self.turn_of_relay(time.monotonic())
        cookie = RelayCookie.decode(sock.recv(2048))
        sock.sendto(request(RelayRequest(RELAY_VERSION, first.nonce, *cookie[1:])), self.address)
        self.turn_of_relay(time.monotonic())
        return sock.recv(2048)

    def _drain(self) -> int:
        """Read what has been forwarded; return how many datagrams that is."""
        count = 0
        for sock in (self.host, *self.players):
            sock.setblocking(False)
            try:
                while True:
                    sock.recv(2048)
                    count += 1
            except BlockingIOError:
                pass
        return count

    def turn_of_relay(self, now: float) -> None:
        self.relay.receive_datagrams(self.transport.take_timed(now), now)
        self.relay.handle_timeout(now)
        self.transport.send_all(self.relay.datagrams_to_send())

    def bare_turn(self, now: float) -> None:
        """Forward each datagram by one look-up, and nothing else."""
        outgoing = []
        for data, sender, _ in self.transport.take_timed(now):
            player, host = self.ways[data[1:RELAYED_BYTES]]
            outgoing.append((data, host if sender == player else player))
        self.transport.send_all(outgoing)

    def fill(self) -> None:
        for channel, player in zip(self.channels, self.players, strict=True):
            data = of_channel(RELAYED, channel) + PAYLOAD
            for _ in range(EACH):
                player.sendto(data, self.address)
                self.host.sendto(data, self.address)

    def cost(self, turn: Turn) -> float:
        """Return the seconds of CPU that a turn takes for each datagram."""
        self.fill()
        now, begin = time.monotonic(), time.thread_time()
        turn(now)
        spent = time.thread_time() - begin
        forwarded = self._drain()
        assert forwarded == self.datagrams, f"{forwarded} of {self.datagrams} arrived"
        return spent / forwarded


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    rounds = parser.parse_args().rounds
    bed = Bed()
    costs = {"relay": [0.0] * 0, "bare": [0.0] * 0}
    for _ in range(rounds):
        costs["relay"].append(bed.cost(bed.turn_of_relay))
        costs["bare"].append(bed.cost(bed.bare_turn))
    typical = {name: sorted(found)[rounds // 4] for name, found in costs.items()}
    print(f"system calls for {'many datagrams' if in_batches() else 'one datagram'} each; {rounds} turns")
    for name, cost in typical.items():
        print(f"{name:6} {cost * 1e6:5.2f} µs for each datagram")
    print(f"ratio  {typical['relay'] / typical['bare']:5.2f}")
    print(f"players with 60 datagrams/s each way on a core: {1 / (120 * typical['relay']):.0f}")


if __name__ == "__main__":
    main()
