"""PyGaSe 0.3.1 from the index, with the game loop in a thread, as its ``Backend.run`` does it.

A whole state must fit in its package of 2,048 bytes. The state of this game does not, so the entities have nothing but
their places here.
"""

from __future__ import annotations

from typing import Any

from meter import Meter, free_port
from workload import FIRST_TURN, entities, given, moves

from pygase import Backend, GameState


def main() -> None:
    load, meter, port = given(), Meter(), free_port()
    every = entities()
    held: dict[Any, int] = {}

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        turn = game_state.turn + 1
        meter.tick(turn)
        moved = moves(every, turn, 1 / load.hz)
        for number, place in moved.items():
            every[number].update(place)
        return {"turn": turn, "entities": moved}

    def on_input(buttons: int, client_address: Any, **context: Any) -> dict[str, Any]:
        held[client_address] = buttons
        return {}

    places = {i: {"x": entity["x"], "y": entity["y"]} for i, entity in every.items()}
    backend = Backend(GameState(entities=places, turn=FIRST_TURN), time_step, {"INPUT": on_input})
    backend.game_state_machine.run_game_loop_in_thread(1 / load.hz)
    meter.serve(port)
    backend.server.run(port, "127.0.0.1", backend.game_state_machine)


if __name__ == "__main__":
    main()
