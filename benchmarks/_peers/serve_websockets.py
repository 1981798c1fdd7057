"""The library ``websockets`` with msgpack: its asyncio server, ``broadcast``, and no compression.

Its pages on broadcasting and on memory recommend these: one encoded message for all, and less CPU time and memory.
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgpack
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
    asyncio.run(run(given(), Meter()))
