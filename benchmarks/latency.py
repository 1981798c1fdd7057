"""The time from an event to its visible effect: from ``dispatch_event`` to the state that the event changed.

::

    python -m benchmarks.latency [--hz 60] [--events 400]

A Backend in one process, a Client in another, over 127.0.0.1. Events are sent at random moments of the tick. The effect
is visible when its snapshot has been received (``Snapshot.received_at``). An event waits for its tick, half an interval
on average; the rest is the cost of the way there and back. The same run also measures the round trip of a bare UDP echo
between two processes, and the delay with which this machine wakes a sleeper.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import socket
import statistics
import time
from multiprocessing.connection import Connection
from typing import Any

from pygase import Backend, Client, GameState


def _serve(pipe: Connection, hz: float) -> None:
    backend = Backend(
        GameState(echo=-1, ticks=0),
        lambda game_state, dt: {"ticks": game_state.ticks + 1},
        {"PING": lambda number: {"echo": number}},
    )
    backend.run_in_thread("127.0.0.1", 0, interval=1 / hz)
    pipe.send(backend.server.port)
    pipe.recv()
    backend.shutdown()


def _echo(pipe: Connection) -> None:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    pipe.send(sock.getsockname()[1])
    while True:
        data, address = sock.recvfrom(2048)
        sock.sendto(data, address)
        if data == b"end":
            return


def measure(hz: float, events: int) -> list[float]:
    """Return the seconds from each event to its visible effect."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, hz), daemon=True)
    process.start()
    client = Client()
    client.connect_in_thread(ours.recv(), "127.0.0.1")
    client.wait_until(lambda game_state: game_state.ticks > 10, timeout=10)
    rng = random.Random(1)
    delays = []
    for number in range(events):
        time.sleep(rng.uniform(1.0, 2.0) / hz)
        sent_at = time.monotonic()
        client.dispatch_event("PING", number)
        client.wait_until(lambda game_state, number=number: game_state.echo >= number, timeout=5)
        seen = next(s for s in client.snapshots if s.state["echo"] >= number)
        delays.append(seen.received_at - sent_at)
    client.disconnect()
    ours.send("end")
    process.join(5)
    return delays


def measure_echo(count: int) -> list[float]:
    """Return the seconds of each round trip of a bare UDP echo."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_echo, args=(theirs,), daemon=True)
    process.start()
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect(("127.0.0.1", ours.recv()))
    trips = []
    for _ in range(count):
        time.sleep(0.005)
        begin = time.monotonic()
        sock.send(b"x" * 40)
        sock.recv(2048)
        trips.append(time.monotonic() - begin)
    sock.send(b"end")
    process.join(5)
    return trips


def measure_sleep(count: int) -> list[float]:
    """Return the delays in seconds with which sleeps of 5 ms end."""
    late = []
    for _ in range(count):
        begin = time.monotonic()
        time.sleep(0.005)
        late.append(time.monotonic() - begin - 0.005)
    return late


def _row(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[min(int(len(ordered) * 0.99), len(ordered) - 1)]
    return f"{name:34} median {statistics.median(ordered) * 1e3:6.2f} ms   p99 {p99 * 1e3:6.2f} ms"


def main(arguments: Any = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hz", type=float, default=60.0)
    parser.add_argument("--events", type=int, default=400)
    options = parser.parse_args(arguments)
    tick = 1e3 / options.hz
    print(_row("event to visible effect", measure(options.hz, options.events)))
    print(f"{'target':34} median {tick / 2 + 2:6.2f} ms   p99 {tick + 5:6.2f} ms   (tick: {tick:.2f} ms)")
    print(_row("bare UDP echo", measure_echo(200)))
    print(_row("a sleep ends late by", measure_sleep(200)))


if __name__ == "__main__":
    main()
