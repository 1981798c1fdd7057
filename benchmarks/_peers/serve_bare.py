"""The least that any server must do: drain the socket once a tick, and send one datagram to each client.

``python serve_bare.py LOAD BYTES``: the datagrams have as many bytes as were measured at PyGaSe's server in this round.
"""

from __future__ import annotations

import contextlib
import socket
import sys
import time

from meter import Meter, Metronome
from workload import FIRST_TURN, given


def main() -> None:
    load, meter = given(), Meter()
    rest = bytes(max(int(sys.argv[2]) - 4, 0))
    metronome = Metronome(load.hz)
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    sock.bind(("127.0.0.1", 0))
    sock.setblocking(False)
    meter.serve(sock.getsockname()[1])
    addresses = set()
    turn = FIRST_TURN
    while True:
        time.sleep(metronome.pause())
        turn += 1
        with contextlib.suppress(BlockingIOError):
            while True:
                addresses.add(sock.recvfrom(2048)[1])
        meter.tick(turn)
        answer = turn.to_bytes(4, "big") + rest
        for address in addresses:
            sock.sendto(answer, address)


if __name__ == "__main__":
    main()
