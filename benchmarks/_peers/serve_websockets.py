"""The library ``websockets`` with msgpack: its asyncio server on uvloop, ``broadcast``, and no compression.

Its pages on performance and on memory recommend these. ``python serve_websockets.py LOAD plain`` runs asyncio's own
loop instead.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import msgpack
import uvloop
from meter import Meter, Metronome
from websockets.asyncio.server import broadcast, serve
from workload import Load, World, given


async def run(load: Load, meter: Meter) -> None:
    world, players = World(load.sends), set()

    async def listen(player: Any) -> None:
        players.add(player)
        async for message in player:
            world.held[player] = msgpack.unpackb(message)

    async with serve(listen, "127.0.0.1", 0, compression=None) as server:
        meter.serve(next(iter(server.sockets)).getsockname()[1])
        metronome = Metronome(load.hz)
        while True:
            await asyncio.sleep(metronome.pause())
            meter.tick(world.turn + 1)
            broadcast(players, msgpack.packb(world.step(1 / load.hz)))


if __name__ == "__main__":
    (asyncio if sys.argv[2:] == ["plain"] else uvloop).run(run(given(), Meter()))
