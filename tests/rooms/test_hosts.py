"""A host of rooms on real sockets."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from pygase import AddressInUse, Backend, Client, DisconnectReason, GameState
from pygase.rooms import RoomHost, RoomInfo, quick

pytestmark = pytest.mark.integration


def make(room: RoomInfo) -> Backend:
    return Backend(GameState(code=room.code, count=0), lambda game_state, dt: {"count": game_state.count + 1})


def new_host() -> RoomHost:
    return RoomHost("", {"duel": make}, interval=0.02)


def play(port: int | None, room: Any = "") -> Client:
    assert port is not None
    client = Client()
    client.connect_in_thread(port, room=room)
    client.wait_until(lambda game_state: game_state.count > 2, timeout=10.0)
    return client


def code_in(client: Client) -> str:
    with client.access_game_state() as game_state:
        return str(game_state.code)


def test_rooms_can_be_made_as_soon_as_run_in_thread_returns() -> None:
    host = new_host()
    thread = host.run_in_thread()
    rooms = [host.create("duel") for _ in range(3)]
    clients = [play(host.port, room.code) for room in rooms]
    assert [code_in(client) for client in clients] == [room.code for room in rooms]
    assert code_in(play(host.port, quick("duel"))) == rooms[0].code
    rooms[1].close("So long.")
    clients[1].plumbing.session.ended.result(5.0)
    assert (clients[1].disconnect_reason, clients[1].disconnect_detail) == (
        DisconnectReason.SERVER_SHUTDOWN,
        "So long.",
    )
    host.shutdown()
    thread.join(5.0)
    assert not thread.is_alive()
    for client in clients:
        client.plumbing.session.ended.result(5.0)
    assert host.port is None


def test_a_block_begins_when_the_host_is_bound() -> None:
    async def serve() -> str:
        host = new_host()
        async with host.serve() as address:
            assert address[1] == host.port
            room = host.create("duel")
            client = Client()
            connection = asyncio.ensure_future(client.connect(host.port, room=room.code))
            while not client.snapshots:
                await asyncio.sleep(0.01)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), 0.1)
        await asyncio.wait_for(connection, 5.0)
        assert host.port is None
        return client.disconnect_reason.name if client.disconnect_reason is not None else ""

    assert asyncio.run(serve()) == "SERVER_SHUTDOWN"


def test_on_bound_makes_rooms_before_the_first_player() -> None:
    host, found = new_host(), list[Any]()
    bound = threading.Event()

    def on_bound(host: RoomHost) -> None:
        found.append((host.port, host.create("duel").code))
        bound.set()

    thread = threading.Thread(target=lambda: host.run(on_bound=on_bound))
    thread.start()
    assert bound.wait(5.0)
    port, code = found[0]
    assert code_in(play(port)) == code
    host.shutdown()
    thread.join(5.0)
    assert not thread.is_alive()


def test_a_taken_port_is_an_error_of_the_call() -> None:
    host, other = new_host(), new_host()
    host.run_in_thread()
    with pytest.raises(AddressInUse):
        other.run_in_thread(port=host.port or 0)
    with pytest.raises(RuntimeError, match="runs already"):
        host.run_in_thread()
    host.shutdown()
    other.run_in_thread()
    other.shutdown()
