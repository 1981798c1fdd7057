"""The share of a core that an idle server uses: clients are connected, and nothing changes.

::

    python -m benchmarks.idle [--clients 8] [--seconds 10]

Three measurements: a game loop at 60 Hz with an empty time step, the server alone with the game loop stopped, and a
loop that only sleeps 60 times a second.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from multiprocessing.connection import Connection

from pygase import Backend, Client, GameState


def _serve(pipe: Connection, seconds: float) -> None:
    backend = Backend(GameState(a=1), lambda game_state, dt: {})
    backend.run_in_thread("127.0.0.1", 0, interval=1 / 60)
    pipe.send(backend.server.port)
    pipe.recv()  # all clients have connected
    playing = _share(seconds)
    backend.game_state_machine.stop()
    time.sleep(0.5)
    pipe.send((playing, _share(seconds)))
    pipe.recv()
    backend.shutdown()


def _share(seconds: float) -> float:
    """Return the share of a core that this process uses while its main thread sleeps."""
    cpu, wall = time.process_time(), time.monotonic()
    time.sleep(seconds)
    return (time.process_time() - cpu) / (time.monotonic() - wall)


def _only_sleeping(seconds: float) -> float:
    cpu, begin = time.process_time(), time.monotonic()
    while time.monotonic() < begin + seconds:
        time.sleep(1 / 60)
    return (time.process_time() - cpu) / (time.monotonic() - begin)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, options.seconds), daemon=True)
    process.start()
    port = ours.recv()
    clients = [Client() for _ in range(options.clients)]
    for client in clients:
        client.connect_in_thread(port, "127.0.0.1")
        client.wait_until(lambda game_state: game_state.a == 1, timeout=10)
    ours.send("go")
    playing, alone = ours.recv()
    ours.send("end")
    process.join(5)
    print(f"server with a game loop at 60 Hz and {options.clients} idle clients: {playing:.2%} of a core")
    print(f"server with {options.clients} idle clients, no game loop:           {alone:.2%} of a core")
    print(f"a loop that only sleeps 60 times a second:             {_only_sleeping(options.seconds):.2%} of a core")


if __name__ == "__main__":
    main()
