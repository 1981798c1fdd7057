"""What a tick costs on the wire, and what a packed delta costs to make and to read.

::

    python -m benchmarks.bytes [--seconds 10] [--only chase]

Real servers and clients play in virtual time, so the bytes are exact and repeat. They are whole payloads of UDP, with
bare acknowledgements, in the time after the first two seconds. "down" is to each client, by ticks of the game; "up" is
from each.
The worlds: 64 entities of six fields, of which 16 move each tick at 20 Hz, undeclared and with a declared precision of
0.01; and the five games, with bots and two clients. The clients play Chase by keys, by keys that change in every fourth
tick to another angle (as its bots steer), or by a stick that moves in each tick.

The microseconds are of the first world, beside ``diff`` and msgpack: the least of many turns, since other programs only
ever add to them.
"""

from __future__ import annotations

import argparse
import importlib
import random
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from pygase import Backend, Client, ClientConfig, GameState, build_info
from pygase._state.codec import pack, unpack
from pygase._state.delta import apply, diff
from pygase._state.packed_layout import Orders
from pygase._state.packed_reader import apply_packed
from pygase._state.packed_writer import pack_delta
from pygase._state.precision import Precision, rounded_part
from pygase._state.tree import Tree
from pygase.testing import Link, SimulatedNetwork

ENTITIES: Final = 64
MOVING: Final = ENTITIES // 4
HZ: Final = 20
CLIENTS: Final = 2
DECLARED: Final = {f"entities.*.{name}": 0.01 for name in ("x", "y", "vx", "vy")}
LINKS: Final = {
    "LAN": Link(latency=0.0005),
    "50 ms": Link(latency=0.05),
    "120 ms, 20 % lost": Link(latency=0.12, loss=0.2),
}
GAMES: Final = ("hello", "pong", "chase", "arena", "canvas")

Steer = Callable[[int], Any]
"""Returns a client's input for a tick."""


def first_entities() -> dict[int, dict[str, Any]]:
    """Return the entities at the beginning. Each has a velocity of its own."""
    rng = random.Random(1)
    return {
        i: {
            "x": i * 1.5,
            "y": i * 2.5,
            "vx": rng.uniform(-5.0, 5.0),
            "vy": rng.uniform(-5.0, 5.0),
            "hp": 100,
            "name": f"e{i}",
        }
        for i in range(ENTITIES)
    }


def moved(entities: Any, turn: int) -> dict[str, Any]:
    """Return the update of a tick: a quarter of the entities moves."""
    first = turn * MOVING % ENTITIES
    return {
        "entities": {
            i: {
                "x": entities[i]["x"] + entities[i]["vx"] / HZ,
                "y": entities[i]["y"] + entities[i]["vy"] / HZ,
            }
            for i in range(first, first + MOVING)
        },
        "turn": turn + 1,
    }


def world(declared: dict[str, float] | None) -> Backend:
    """Return a server of the entities."""
    return Backend(
        GameState(entities=first_entities(), turn=0),
        lambda game_state, dt: moved(game_state.entities, game_state.turn),
        precision=declared,
    )


def key_presses(rng: random.Random) -> Steer:
    """Hold keys, and change them a few times a second."""
    held = {"x": 0, "y": 0, "dash": False}

    def steer(tick: int) -> Any:
        nonlocal held
        if rng.random() < 0.05:
            held = {"x": rng.randint(-1, 1), "y": rng.randint(-1, 1), "dash": rng.random() < 0.1}
        return held

    return steer


def angles(rng: random.Random, ticks: int) -> Steer:
    """Steer to another angle after so many ticks."""
    held = {"x": 0.0, "y": 0.0, "dash": False}

    def steer(tick: int) -> Any:
        nonlocal held
        if tick % ticks == 0:
            held = {"x": rng.uniform(-1.0, 1.0), "y": rng.uniform(-1.0, 1.0), "dash": False}
        return held

    return steer


def played(
    backend: Backend, interval: float, link: Link, seconds: float, steer: Steer | None, game: str = ""
) -> tuple[float, float]:
    """Play, and return the bytes down per client and tick, and up per client and second."""
    network, counted = SimulatedNetwork(7, link), Counter[bool]()
    network.serve(backend, interval)
    clients = [Client(game=game, config=ClientConfig(encryption="off")) for _ in range(CLIENTS)]
    for client in clients:
        network.connect(client)

    def run(ticks: int) -> None:
        for tick in range(ticks):
            if steer is not None:
                for client in clients:
                    client.send_input(steer(tick))
            network.run(interval)

    run(round(2.0 / interval))
    server = ("127.0.0.1", 8080)
    network.on_datagram = lambda data, sender, receiver: counted.update({sender == server: len(data)})
    ticks = round(seconds / interval)
    run(ticks)
    return counted[True] / CLIENTS / ticks, counted[False] / CLIENTS / (ticks * interval)


def report(name: str, link: str, bytes_down: float, bytes_up: float) -> None:
    print(f"{name:28}{link:20}{bytes_down:8.1f} B a tick down{bytes_up:9.0f} B/s up", flush=True)


def measure_worlds(seconds: float) -> None:
    """Measure the entities."""
    for name, declared in (("64 entities", None), ("64 entities, 0.01", DECLARED)):
        for link, weather in LINKS.items():
            report(name, link, *played(world(declared), 1 / HZ, weather, seconds, None))


def measure_games(seconds: float, only: str | None) -> None:
    """Measure the games, with inputs in Chase."""
    from pygase_pygame.app.game import Hosting

    for name in GAMES:
        if only not in (None, name):
            continue
        game = importlib.import_module(f"games.{name}.__main__").GAME
        rng = random.Random(3)
        players: dict[str, Steer | None] = {name: None}
        if name == "chase":
            players = {"chase, keys": key_presses(rng), "chase, angles": angles(rng, 4), "chase, stick": angles(rng, 1)}
        for player, steer in players.items():
            for link, weather in LINKS.items():
                report(player, link, *played(game.serve(Hosting(2)), game.tick, weather, seconds, steer, game.name))


# -- microseconds ------------------------------------------------------------------------------------------------------


def states(precision: Precision, ticks: int) -> list[Tree]:
    """Return successive states of the entities, as they are on the wire."""
    exact: Tree = {"entities": first_entities(), "turn": 0}
    found = [exact if precision.root is None else rounded_part(exact, precision.root)]
    for turn in range(ticks):
        update = moved(exact["entities"], turn)
        exact = apply(exact, update)
        found.append(apply(found[-1], update if precision.root is None else rounded_part(update, precision.root)))
    return found


def least_micros(works: list[Callable[[], object]], turns: int = 1_500) -> list[float]:
    """Return the least time of each piece of work, in microseconds. They take turns."""
    least = [1e9] * len(works)
    for _ in range(turns):
        for index, work in enumerate(works):
            begin = time.perf_counter_ns()
            work()
            least[index] = min(least[index], (time.perf_counter_ns() - begin) / 1000)
    return least


def measure_codec(back: int) -> None:
    """Measure encoding and decoding, against a baseline so many ticks back."""
    for name, declared in (("undeclared", None), ("0.01", DECLARED)):
        precision = Precision.parse(declared)
        old, new = states(precision, 50)[50 - back :: back]
        delta, places, orders, own_orders = diff(old, new), precision.root, Orders(), Orders()
        plain = pack(delta)
        packed = pack_delta(old, new, delta, places, orders)
        works: list[Callable[[], object]] = [
            lambda old=old, new=new: pack(diff(old, new)),  # type: ignore[misc]
            lambda: pack_delta(old, new, delta, places, orders),  # noqa: B023 (it is called at once)
            lambda: apply(old, unpack(plain, markers=True)),  # noqa: B023
            lambda: apply_packed(packed, old, places, own_orders),  # noqa: B023
        ]
        encode, encode_packed, decode, decode_packed = least_micros(works)
        print(
            f"{name:12}{back} back: plain {len(plain)} B, packed {len(packed)} B; encode {encode:.1f} -> "
            f"{encode_packed:.1f} us ({encode_packed / encode:.2f} x), decode {decode:.1f} -> {decode_packed:.1f} us"
        )


def main() -> None:
    """Measure everything, or one game."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bytes", description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=10.0, help="of play")
    parser.add_argument("--only", choices=[*GAMES, "codec", "world"])
    options = parser.parse_args()
    print(build_info())
    if options.only in (None, "codec"):
        for back in (1, 3):
            measure_codec(back)
    if options.only in (None, "world"):
        measure_worlds(options.seconds)
    if options.only not in ("codec", "world"):
        measure_games(options.seconds, options.only)


if __name__ == "__main__":
    main()
