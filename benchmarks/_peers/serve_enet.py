"""ENet with msgpack: one pass over the events a tick, and one broadcast.

``python serve_enet.py LOAD waits`` handles each event as soon as it arrives instead, with ``service(timeout)`` as in
ENet's tutorial: it acknowledges sooner, and costs more. Changes are sent reliably, since a lost change is lost for
ever. A whole state is sent unreliably, in fragments.
"""

from __future__ import annotations

import sys
import time

import enet
import msgpack
from meter import Meter, Metronome, free_port
from workload import World, given


def take(event: enet.Event, world: World) -> bool:
    """Note the input of an event; return whether it was one."""
    if event.type == enet.EVENT_TYPE_RECEIVE:
        world.held[event.peer.incomingPeerID] = msgpack.unpackb(event.packet.data)
    return bool(event.type != enet.EVENT_TYPE_NONE)


def main() -> None:
    load, meter = given(), Meter()
    world, metronome = World(load.sends), Metronome(load.hz)
    port = free_port()
    host = enet.Host(enet.Address(b"127.0.0.1", port), load.clients, 2, 0, 0)
    flag = enet.PACKET_FLAG_RELIABLE if load.sends == "changes" else enet.PACKET_FLAG_UNRELIABLE_FRAGMENT
    meter.serve(port)
    while True:
        pause = metronome.pause()
        if sys.argv[2:] == ["waits"]:
            due_at = time.monotonic() + pause
            while (pause := due_at - time.monotonic()) > 0.001:
                take(host.service(int(pause * 1000)), world)
        time.sleep(max(pause, 0.0))
        while take(host.service(0), world):
            pass
        meter.tick(world.turn + 1)
        host.broadcast(0, enet.Packet(msgpack.packb(world.step(1 / load.hz)), flag))
        host.flush()


if __name__ == "__main__":
    main()
