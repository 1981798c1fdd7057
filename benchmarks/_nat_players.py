"""The server and the client of ``benchmarks.nat_rebind``, each a process in a network namespace of its own.

::

    python -m benchmarks._nat_players server HOST
    python -m benchmarks._nat_players client HOST PORT ENCRYPTION

Each prints one line of JSON when its standard input is closed. Times are those of ``time.monotonic``, which all
processes of a machine share.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

from pygase import CLIENT_LEFT, DISCONNECTED, RELIABLE, Backend, Client, ClientConfig, DisconnectReason, GameState

INTERVAL = 1 / 60


class _Count:
    """Checks that the numbers 0, 1, 2 … arrive each once and in order."""

    def __init__(self) -> None:
        self.next = 0
        self.wrong = 0

    def receive(self, number: int) -> None:
        self.wrong += number != self.next
        self.next = number + 1


def serve(host: str) -> None:
    """Serve a game of 60 ticks a second that sends an event each tick, and note each address of its client."""
    received, sent = _Count(), _Count()
    addresses: list[tuple[float, str, int]] = []
    ends: list[str] = []
    resting = threading.Event()

    def time_step(game_state: GameState, dt: float) -> dict[str, Any]:
        for address in backend.server.connections:
            if not addresses or addresses[-1][1:] != address[:2]:
                addresses.append((time.monotonic(), *address[:2]))
        if backend.server.connections and not resting.is_set():
            backend.server.dispatch_event("TOCK", sent.next, retries=RELIABLE)
            sent.receive(sent.next)
        return {"ticks": game_state.ticks + 1}

    def left(reason: DisconnectReason) -> None:
        if reason is not DisconnectReason.CLOSED:
            ends.append(str(reason))

    handlers: dict[str, Any] = {"TICK": received.receive, "REST": resting.set, CLIENT_LEFT: left}
    backend = Backend(GameState(ticks=0), time_step, handlers)
    backend.run_in_thread(host, 0, interval=INTERVAL)
    print(backend.server.port, flush=True)
    sys.stdin.read()
    backend.shutdown()
    report = {"received": received.next, "wrong": received.wrong, "sent": sent.next, "ends": ends}
    print(json.dumps({**report, "addresses": addresses}), flush=True)


def play(host: str, port: int, encryption: str) -> None:
    """Send an event each tick, and note when each state arrives."""
    received = _Count()
    ends: list[str] = []
    arrivals: dict[int, float] = {}
    ended = threading.Event()
    client = Client(config=ClientConfig(encryption=encryption))
    client.register_event_handler("TOCK", received.receive)
    client.register_event_handler(DISCONNECTED, lambda reason: ends.append(str(reason)))
    client.connect_in_thread(port, host)
    client.wait_until(lambda game_state: game_state.ticks > 10, timeout=10)

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    print("ready", flush=True)
    sent = 0
    while not ended.wait(INTERVAL):
        client.dispatch_event("TICK", sent, retries=RELIABLE)
        sent += 1
        arrivals.update((snapshot.tick, snapshot.received_at) for snapshot in client.snapshots)
    client.dispatch_event("REST", retries=RELIABLE)
    time.sleep(0.5)  # the last events arrive
    rtt, is_encrypted = client.stats.rtt, client.is_encrypted
    ends_before = list(ends)
    client.disconnect()
    report = {
        "sent": sent,
        "received": received.next,
        "wrong": received.wrong,
        "rtt": rtt,
        "is_encrypted": is_encrypted,
    }
    print(json.dumps({**report, "ends": ends_before, "arrivals": sorted(arrivals.values())}), flush=True)


if __name__ == "__main__":
    if sys.argv[1] == "server":
        serve(sys.argv[2])
    else:
        play(sys.argv[2], int(sys.argv[3]), sys.argv[4])
