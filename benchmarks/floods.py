"""The share of everybody's ticks that one hostile client takes.

::

    python -m benchmarks.floods [--seconds 5] [--runs 3]

A server runs 60 ticks a second for four players that send an event each in every tick. A fifth client floods it with
events of a type that has a handler: 1.3 MB a second, just within the bounds of an event or far beyond them, or 2,000
small ones a second. Each run is paired with one without the fifth client. The output holds two medians: the ticks as a
share of the undisturbed run's, and the longest time between two ticks. Each party is a process of its own.
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import statistics
import struct
import time
from multiprocessing.connection import Connection

from pygase import Backend, Client, GameState
from pygase._state.event_codec import MAX_EVENT_VALUES

INTERVAL = 1 / 60
PLAYERS = 4
BYTES_PER_SECOND = 1_300_000
SMALL_PER_SECOND = 2000
LEAST_SHARE = 0.97
LONGEST_GAP = 0.06


def _event(part: bytes, number: int) -> bytes:
    """Return a serialised event HIT with a list of ``number`` parts."""
    return b"\x92\xa3HIT\x91\xdd" + struct.pack("!I", number) + part * number


def _within_and_beyond(part: bytes, values: int) -> list[bytes]:
    """Return an event with the largest allowed number of parts, ``values`` each, and one of 255 KB."""
    return [_event(part, (MAX_EVENT_VALUES - 10) // values), _event(part, 255_000 // len(part))]


FLOODS = {
    "empty maps": _within_and_beyond(b"\x80", 1),
    "deep lists": [*_within_and_beyond(b"\x91" * 62 + b"\x90", 63), _event(b"\x91" * 500 + b"\xc0", 500)],
    "false timestamps": [
        b"\x92\xa3HIT\x91\xc6" + struct.pack("!I", 250_000) + b"\xd6\xff" * 125_000,
        *_within_and_beyond(b"\xd6\xff\0\0\0\5", 1),
        _event(b"\xa2\xd6\xff", MAX_EVENT_VALUES - 10),
    ],
    "small ones": [b"\x92\xa3HIT\x91\x05"],
}


def _serve(pipe: Connection, seconds: float) -> None:
    times: list[float] = []

    def time_step(game_state: GameState, dt: float) -> dict[str, int]:
        times.append(time.perf_counter())
        return {"tick": len(times)}

    backend = Backend(GameState(), time_step, {"HIT": lambda value: None, "MOVE": lambda number: None})
    backend.run_in_thread("127.0.0.1", 0, interval=INTERVAL)
    pipe.send(backend.server.port)
    pipe.recv()  # all clients have connected
    times.clear()
    time.sleep(seconds)
    taken = tuple(times)
    pipe.send((len(taken), max(after - before for before, after in itertools.pairwise(taken))))
    pipe.recv()
    backend.shutdown()


def _play(pipe: Connection, port: int) -> None:
    clients = [Client() for _ in range(PLAYERS)]
    for client in clients:
        client.connect_in_thread(port, "127.0.0.1")
    while not all(client.status == "connected" for client in clients):
        time.sleep(0.01)
    pipe.send("connected")
    number = 0
    while not pipe.poll(INTERVAL):
        number += 1
        for client in clients:
            client.dispatch_event("MOVE", number)
    for client in clients:
        client.disconnect()


def _attack(pipe: Connection, port: int, flood: str) -> None:
    client = Client()
    client.connect_in_thread(port, "127.0.0.1")
    while client.status != "connected":
        time.sleep(0.01)
    endpoint, driver = client.plumbing.endpoint, client.plumbing.driver
    payloads = itertools.cycle(FLOODS[flood])
    began, sent = time.perf_counter(), 0.0
    pipe.send("connected")
    while not pipe.poll(0.004):
        while sent < time.perf_counter() - began:
            payload = next(payloads)
            sent += 1 / SMALL_PER_SECOND if len(payload) < 100 else len(payload) / BYTES_PER_SECOND
            driver.call(lambda payload=payload: endpoint.queue_event(payload, 0, None))
        driver.wake()
    client.disconnect()


def measure(flood: str | None, seconds: float) -> tuple[int, float]:
    """Return the number of ticks in ``seconds``, and the longest time between two, in seconds."""
    context = multiprocessing.get_context("spawn")

    def start(target: object, *args: object) -> tuple[Connection, multiprocessing.Process]:
        ours, theirs = context.Pipe()
        process = context.Process(target=target, args=(theirs, *args))  # type: ignore[arg-type]
        process.start()
        return ours, process  # type: ignore[return-value]

    server, server_process = start(_serve, seconds)
    port = server.recv()
    others = [start(_play, port), *([start(_attack, port, flood)] if flood else [])]
    for pipe, _ in others:
        pipe.recv()
    time.sleep(0.5)
    server.send("measure")
    ticks, gap = server.recv()
    for pipe, process in [*others, (server, server_process)]:
        pipe.send("end")
        process.join()
    return ticks, gap


def main() -> None:
    """Measure, and print a line for each flood."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    print(f"{'flood':18}{'ticks':>8}{'of':>6}{'share':>9}{'longest gap':>14}{'without':>10}")
    for flood in FLOODS:
        runs = [(measure(None, options.seconds), measure(flood, options.seconds)) for _ in range(options.runs)]
        share = statistics.median(flooded[0] / calm[0] for calm, flooded in runs)
        gap, calm_gap = (statistics.median(run[which][1] for run in runs) for which in (1, 0))
        good = share >= LEAST_SHARE and gap <= max(LONGEST_GAP, 1.5 * calm_gap)
        ticks = (statistics.median(run[which][0] for run in runs) for which in (1, 0))
        print(
            f"{flood:18}{next(ticks):8.0f}{next(ticks):6.0f}{share:9.1%}{gap * 1000:11.1f} ms{calm_gap * 1000:7.1f} ms"
            f"{'' if good else '   beyond the bounds'}",
            flush=True,
        )


if __name__ == "__main__":
    main()
