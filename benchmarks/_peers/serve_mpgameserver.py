"""mpgameserver with msgpack, as its "getting started" page does it: headless, all messages encrypted.

It sends one datagram of at most 1,472 bytes per client and tick, so a whole state would fall behind: changes only.
"""

from __future__ import annotations

from typing import Any

import msgpack
from meter import Meter, free_port
from mpgameserver import EventHandler, RetryMode, ServerContext, TwistedServer
from workload import Load, World, given


class Game(EventHandler):
    def __init__(self, load: Load, meter: Meter) -> None:
        self._load, self._meter = load, meter
        self._world = World(load.sends)
        self._players: dict[Any, Any] = {}

    def connect(self, client: Any) -> None:
        self._players[client.token] = client

    def disconnect(self, client: Any) -> None:
        self._players.pop(client.token, None)

    def handle_message(self, client: Any, seqnum: Any, msg: bytes = b"") -> None:
        self._world.held[client.token] = msgpack.unpackb(msg)

    def update(self, delta_t: float) -> None:
        self._meter.tick(self._world.turn + 1)
        message = msgpack.packb(self._world.step(1 / self._load.hz))
        for player in self._players.values():
            player.send(message, retry=RetryMode.RETRY_ON_TIMEOUT)


def main() -> None:
    load, meter, port = given(), Meter(), free_port()
    context = ServerContext(Game(load, meter))
    context.setInterval(1 / load.hz)
    server = TwistedServer(context, ("127.0.0.1", port))
    meter.serve(port)
    server.run()


if __name__ == "__main__":
    main()
