"""The time until every player is back after ``kill -9`` of the server and its restart.

::

    python -m benchmarks.restarts [--rounds 20] [--clients 4] [--longest 10] [--without-checkpoint]

In each round a server process is killed at a random moment, and another one starts up to ``--longest`` seconds later on
the same port. The players count hits: each hit is a reliable event, and the state has the number. Printed is the time
from the moment at which the new server is bound to the last player's return, and the seconds of the game that are lost.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, NamedTuple

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, RELIABLE, TO_DELETE, Backend, Client, GameState

TICK = 1 / 60
CHECKPOINT_INTERVAL = 5.0


class Round(NamedTuple):
    """What a restart has shown.

    :ivar back_after: seconds until the last player was back; ``lost``: seconds of the game that are lost.
    :ivar kept: whether all players have their ids and seats.
    """

    dead_for: float
    back_after: float
    lost: float
    kept: bool


def _serve(pipe: Connection, port: int, checkpoint: str | None, interval: float) -> None:
    def hit(game_state: GameState, client_id: int) -> dict[str, Any]:
        return {"players": {client_id: game_state.players[client_id] + 1}}

    backend = Backend(
        GameState(played=0.0, players={}),
        lambda game_state, dt: {"played": game_state.played + dt},
        {
            CLIENT_CONNECTED: lambda client_id: {"players": {client_id: 0}},
            CLIENT_LEFT: lambda client_id: {"players": {client_id: TO_DELETE}},
            "HIT": hit,
        },
        checkpoint=checkpoint,
        checkpoint_interval=interval,
    )
    backend.run("127.0.0.1", port, TICK, on_bound=lambda server: pipe.send((server.port, time.monotonic())))


class Servers:
    """One server process after another, with the same checkpoint and port."""

    def __init__(self, checkpoint: str | None, interval: float = CHECKPOINT_INTERVAL) -> None:
        self._arguments = checkpoint, interval
        self._context = multiprocessing.get_context("spawn")
        self.port = 0
        self.bound_at = 0.0
        self._process: BaseProcess | None = None

    def start(self) -> None:
        """Start a process, and wait until it is bound."""
        ours, theirs = self._context.Pipe()
        self._process = self._context.Process(target=_serve, args=(theirs, self.port, *self._arguments), daemon=True)
        self._process.start()
        if not ours.poll(30.0):
            raise TimeoutError("the server does not start")
        self.port, self.bound_at = ours.recv()

    def kill(self) -> None:
        """End the process as ``kill -9`` does."""
        if self._process is not None:
            self._process.kill()
            self._process.join()


def wait_until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait for a condition; return the time at which it was true, seconds of the monotonic clock.

    :raises TimeoutError: it stays false.
    """
    give_up_at = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up_at:
            raise TimeoutError(f"not true within {seconds:g} s")
        time.sleep(0.002)
    return time.monotonic()


def shown(client: Client, name: str) -> Any:
    with client.access_game_state() as game_state:
        return game_state.get(name)


class Players:
    """Clients in threads, each with a hit of its own number."""

    def __init__(self, port: int, count: int) -> None:
        self.clients = [Client() for _ in range(count)]
        for client in self.clients:
            client.connect_in_thread(port=port, hostname="127.0.0.1")
        wait_until(lambda: all(client.status == "connected" for client in self.clients), 10.0)
        self.ids = [client.id for client in self.clients]
        for number, client in enumerate(self.clients, 1):
            for _ in range(number):
                client.dispatch_event("HIT", retries=RELIABLE)
        wait_until(lambda: self.have_their_seats, 10.0)

    @property
    def have_their_seats(self) -> bool:
        """Whether each sees all players with their hits."""
        expected = {client_id: number for number, client_id in enumerate(self.ids, 1)}
        return all(shown(client, "players") == expected for client in self.clients)

    def are_back(self, newer_than: int) -> bool:
        """Whether all are connected and have a state with a higher tick."""
        return all(c.status == "connected" and c.snapshots[-1].tick > newer_than for c in self.clients)

    @property
    def newest_tick(self) -> int:
        return max(client.snapshots[-1].tick for client in self.clients)

    @property
    def played(self) -> float:
        return max(float(shown(client, "played")) for client in self.clients)

    @property
    def are_gone(self) -> bool:
        return all(client.status == "disconnected" for client in self.clients)

    def leave(self) -> None:
        for client in self.clients:
            client.disconnect()


def restart(servers: Servers, players: Players, alive_for: float, dead_for: float) -> Round:
    """Let the server die and come back; return what the players have seen."""
    time.sleep(alive_for)
    servers.kill()
    before, tick = players.played, players.newest_tick
    time.sleep(dead_for)
    servers.start()
    back_at = wait_until(lambda: players.are_back(tick), 40.0)
    kept = [client.id for client in players.clients] == players.ids and players.have_their_seats
    return Round(dead_for, back_at - servers.bound_at, before - players.played, kept)


def measure(
    rounds: int, clients: int, longest: float, rng: random.Random, interval: float = CHECKPOINT_INTERVAL
) -> list[Round]:
    """Return what each round has shown.

    :param longest: seconds for which the server is dead at most; ``interval``: seconds between two saves.
    """
    with tempfile.TemporaryDirectory() as folder:
        servers = Servers(str(Path(folder) / "game.checkpoint"), interval)
        servers.start()
        players = Players(servers.port, clients)
        time.sleep(interval + 1.0)  # the hits are saved
        try:
            return [
                restart(servers, players, rng.uniform(1.0, interval + 1.0), rng.uniform(0.0, longest))
                for _ in range(rounds)
            ]
        finally:
            players.leave()
            servers.kill()


def measure_without(rng: random.Random) -> tuple[float, str]:
    """Return the seconds until a client knew of a restart without a checkpoint, and its reason."""
    servers = Servers(None)
    servers.start()
    players = Players(servers.port, 1)
    servers.kill()
    time.sleep(rng.uniform(0.0, 3.0))
    servers.start()
    ended_at = wait_until(lambda: players.are_gone, 40.0)
    servers.kill()
    return ended_at - servers.bound_at, str(players.clients[0].disconnect_reason)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--longest", type=float, default=10.0)
    parser.add_argument("--without-checkpoint", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    if arguments.without_checkpoint:
        for _ in range(arguments.rounds):
            seconds, reason = measure_without(rng)
            print(f"disconnected {seconds:5.2f} s after the server's return: {reason}")
        return
    rounds = measure(arguments.rounds, arguments.clients, arguments.longest, rng)
    for each in rounds:
        print(
            f"dead for {each.dead_for:5.2f} s, all back after {each.back_after:5.3f} s, "
            f"{each.lost:5.2f} s of the game lost, ids and seats {'kept' if each.kept else 'LOST'}"
        )
    times = [each.back_after for each in rounds]
    print(f"back after: median {statistics.median(times):.3f} s, longest {max(times):.3f} s")
    print(f"lost: at most {max(each.lost for each in rounds):.2f} s of {CHECKPOINT_INTERVAL:g} s")


if __name__ == "__main__":
    main()
