"""The game of the soak test, its server's process, and what both sides check."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, RELIABLE, TO_DELETE, Backend, GameState, ServerConfig

INTERVAL: Final = 0.05
RESUME_SECONDS: Final = 20.0
CHECKPOINT_INTERVAL: Final = 2.0
NO_LETTERS: Final = {"process": 0, "letters": 0, "gaps": 0}
"""What has arrived of a client's process: its number, its newest letter, and how many before that are missing."""


def check_sum(state: Mapping[str, Any]) -> int:
    """Return a number that differs for different players, of whatever order."""
    return zlib.crc32(repr(sorted(state["players"].items(), key=lambda item: str(item[0]))).encode())


def resources() -> dict[str, int]:
    """Return what a process holds: threads, open files and sockets, and resident memory in KB."""
    status = Path("/proc/self/status").read_text().splitlines()
    memory = int(next(line for line in status if line.startswith("VmRSS")).split()[1])
    return {"threads": threading.active_count(), "files": len(os.listdir("/proc/self/fd")), "memory": memory}


def say(**fields: Any) -> None:
    """Report to the parent."""
    print(json.dumps(fields), flush=True)


def listen(commands: Callable[[str], Any]) -> threading.Thread:
    """Call a function for each line of the parent's."""

    def read() -> None:
        for line in sys.stdin:
            commands(line.strip())

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread


class Game:
    """Counts each player's letters, and writes letters to them."""

    def __init__(self, checkpoint: Path, encryption: str) -> None:
        self.faults: list[str] = []
        self._written: dict[int, int] = {}
        self.is_resting = False
        self.backend = Backend(
            GameState(players={}, starts=0, tick=0, check=check_sum({"players": {}})),
            self._time_step,
            {
                "letter": self._on_letter,
                CLIENT_CONNECTED: self._on_connected,
                CLIENT_LEFT: self._on_left,
            },
            config=ServerConfig(
                joins_per_host=100_000, resume_seconds=RESUME_SECONDS, encryption=encryption, max_clients=64
            ),
            checkpoint=checkpoint,
            checkpoint_interval=CHECKPOINT_INTERVAL,
        )
        self.server = self.backend.server
        self._epoch = os.getpid()

    def _on_connected(self, client_id: int, profile: dict[str, Any], game_state: GameState) -> dict[str, Any]:
        if client_id in game_state.players:
            self.faults.append(f"the id {client_id} was given twice")
        return self._with({client_id: {"name": profile.get("name", ""), **NO_LETTERS, "inputs": 0}}, game_state)

    def _on_left(self, client_id: int, game_state: GameState) -> dict[str, Any]:
        self._written.pop(client_id, None)
        rest = {key: dict(value) for key, value in game_state.players.items() if key != client_id}
        return {"players": {client_id: TO_DELETE}, "check": check_sum({"players": rest})}

    def _with(self, players: dict[int, dict[str, Any]], game_state: GameState) -> dict[str, Any]:
        """Return the update that changes players, and the check sum."""
        whole = {key: dict(value) for key, value in game_state.players.items()}
        for key, values in players.items():
            whole[key] = {**whole.get(key, {}), **values}
        return {"players": players, "check": check_sum({"players": whole})}

    def _on_letter(self, process: int, number: int, client_id: int, game_state: GameState) -> dict[str, Any] | None:
        player = game_state.players.get(client_id)
        if player is None:
            self.faults.append(f"a letter of {client_id}, who is not in the game")
            return None
        known = player if player["process"] == process else NO_LETTERS
        if number <= known["letters"]:
            self.faults.append(f"letter {number} of client {client_id} arrives after {known['letters']}")
        gaps = known["gaps"] + number - known["letters"] - 1
        return self._with({client_id: {"process": process, "letters": number, "gaps": gaps}}, game_state)

    def _time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
        if self.is_resting:
            return {}
        if game_state.tick % 5 == 0:
            for client_id in tuple(self.server.clients):
                self._written[client_id] = self._written.get(client_id, 0) + 1
                self.server.dispatch_event(
                    "news", self._epoch, self._written[client_id], target_client=client_id, retries=RELIABLE
                )
        moved = {
            client_id: {"inputs": game_state.players[client_id]["inputs"] + 1}
            for client_id in inputs
            if client_id in game_state.players
        }
        return {"tick": game_state.tick + 1, **self._with(moved, game_state)}

    def report(self) -> None:
        """Say how things are."""
        state = self.backend.game_state_store.get_game_state()
        players = {key: dict(value) for key, value in state.players.items()}
        clients = {client_id: connection.is_lost for client_id, connection in self.server.clients.items()}
        say(
            faults=self.faults,
            tasks=len(asyncio.all_tasks()),
            players={str(key): value for key, value in players.items()},
            check=state.check,
            present=sorted(key for key, is_lost in clients.items() if not is_lost),
            lost=sorted(key for key, is_lost in clients.items() if is_lost),
            **resources(),
        )

    async def run(self, port: int) -> None:
        """Serve until the parent says "end"."""
        loop = asyncio.get_running_loop()

        def obey(command: str) -> None:
            if command == "report":
                loop.call_soon_threadsafe(self.report)
            elif command == "rest":
                self.is_resting = True
            elif command == "end":
                loop.call_soon_threadsafe(self.backend.shutdown)

        listen(obey)
        await self.backend.run("127.0.0.1", port, INTERVAL, on_bound=lambda server: say(bound=server.port))
        say(ended=True, tasks=len(asyncio.all_tasks()), faults=self.faults)


if __name__ == "__main__":
    asyncio.run(Game(Path(sys.argv[2]), sys.argv[3]).run(int(sys.argv[1])))
