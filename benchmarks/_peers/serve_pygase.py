"""PyGaSe: a Backend with the same game, run as a server of its own runs it. The Python that starts this has its PyGaSe.

``python serve_pygase.py LOAD precise`` declares a precision of 0.01 for places and speeds; ``profiled`` counts calls.
"""

from __future__ import annotations

import sys
from typing import Any

from meter import Meter
from profiler import Profiler
from workload import Load, entities, given, moves

from pygase import CLIENT_CONNECTED, Backend, GameState, ServerConfig

PRECISION = {f"entities.*.{name}": 0.01 for name in ("x", "y", "vx", "vy")}


def backend(load: Load, meter: Meter, **options: Any) -> Backend:
    """Return the game's Backend, for as many clients as there are on one machine."""
    held: dict[int, int] = {}
    ahead = 0

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        nonlocal ahead
        turn = game_state.turn
        if turn % 16 == 0:  # a game asks for no time_order; the wire's number of the next state is two more
            ahead = int(game_state.time_order) + 2 - turn
        meter.tick(turn + ahead)
        return {"entities": moves(game_state.entities, turn, dt), "turn": turn + 1}

    def on_input(buttons: int, client_id: int) -> None:
        held[client_id] = buttons

    def on_connected(client_id: int) -> dict[str, Any]:
        return {"seen": {client_id: 0}}

    most = max(2 * load.clients, 256)  # where no place is short, nobody gives way to a newcomer
    config = ServerConfig(max_clients=most, joins_per_host=most)
    state = GameState(entities=entities(), turn=0, seen={})
    return Backend(state, time_step, {CLIENT_CONNECTED: on_connected, "INPUT": on_input}, config=config, **options)


def main() -> None:
    load, meter = given(), Meter(Profiler() if sys.argv[2:] == ["profiled"] else None)
    options = {"precision": PRECISION} if sys.argv[2:] == ["precise"] else {}
    game = backend(load, meter, **options)
    game.run("127.0.0.1", 0, interval=1 / load.hz, on_bound=lambda server: meter.serve(server.port))


if __name__ == "__main__":
    main()
