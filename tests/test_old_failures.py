"""Failures of earlier generations of the library. Each test is one of them."""

from __future__ import annotations

import asyncio
import itertools
import random
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

import msgpack
import pytest

from pygase import (
    RELIABLE,
    Backend,
    Client,
    ClientConfig,
    ConnectionFailed,
    DisconnectReason,
    GameState,
    GameStateMachine,
    GameStateStore,
    ServerConfig,
)
from pygase.testing import Link, SimulatedNetwork

SERVER = ("127.0.0.1", 8080)
STRANGER = ("203.0.113.5", 4000)


def count_ticks(game_state: GameState, dt: float) -> dict[str, Any]:
    """A game that changes with every tick."""
    return {"ticks": game_state.ticks + 1}


def do_nothing(game_state: GameState, dt: float) -> dict[str, Any]:
    """A game that never changes by itself."""
    return {}


def counting_backend(**handlers: Callable[..., Any]) -> Backend:
    return Backend(GameState(ticks=0), count_ticks, handlers)


def join(network: SimulatedNetwork, **options: Any) -> Client:
    """Return a connected client that has a state."""
    client = Client(config=ClientConfig(timeout=60.0))
    network.connect(client, **options)
    network.run_until(lambda: client.snapshots)
    return client


# -- the interval is kept --------------------------------------------------------------------------------------------


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while it sleeps, and then at once."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self.now


class _JumpingSelector(selectors.DefaultSelector):  # type: ignore[valid-type, misc]
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        self._loop.now += timeout or 0.0
        return super().select(0.0)


def times_of_ticks(interval: float, work: Callable[[random.Random], float], until: float) -> list[tuple[float, float]]:
    """Run a real game loop whose time step takes ``work`` seconds. Return the times and the ``dt`` of its calls."""
    loop, rng = VirtualLoop(), random.Random(1)
    machine = GameStateMachine(GameStateStore())
    ticks: list[tuple[float, float]] = []

    def time_step(game_state: GameState, dt: float) -> None:
        ticks.append((loop.now, dt))
        loop.now += work(rng)
        if loop.now >= until:
            machine.stop()

    machine.time_step = time_step  # type: ignore[method-assign, assignment]
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(_run(machine, interval))
    return ticks


async def _run(machine: GameStateMachine, interval: float) -> None:
    await machine.run_game_loop(interval)


@pytest.mark.parametrize("interval", [0.02, 1 / 60, 0.1])
def test_the_game_loop_keeps_its_interval(interval: float) -> None:
    """It used to run 9,000-13,000 ticks a second at any interval. A tick's work does not stretch the interval."""
    ticks = times_of_ticks(interval, lambda rng: rng.uniform(0.0, 0.8 * interval), until=60.0)
    assert len(ticks) == pytest.approx(60.0 / interval, abs=2)
    assert sum(dt for _, dt in ticks) == pytest.approx(ticks[-1][0], abs=1e-6)
    for number, (at, _) in enumerate(ticks, start=1):
        assert at == pytest.approx(number * interval, abs=1e-6)


def test_ticks_that_take_too_long_do_not_make_the_next_ones_hurry() -> None:
    """After a delay of a second the old interval returns, without fifty ticks at once."""
    hiccup = iter([0.0] * 10 + [1.0] + [0.0] * 1_000)
    ticks = times_of_ticks(0.02, lambda rng: next(hiccup), until=3.0)
    after = [at for at, _ in ticks if at > 1.3]
    assert all(later - earlier == pytest.approx(0.02) for earlier, later in itertools.pairwise(after))
    assert len(ticks) < 110


@pytest.mark.integration
def test_the_game_loop_keeps_its_interval_by_the_real_clock() -> None:
    machine = GameStateMachine(GameStateStore(GameState(ticks=0)))
    machine.time_step = count_ticks  # type: ignore[method-assign, assignment]
    machine.run_game_loop_in_thread(interval=0.02)
    time.sleep(1.0)
    assert machine.stop()
    assert 35 <= machine.game_state_store.get_game_state().ticks <= 51


# -- what changes arrives --------------------------------------------------------------------------------------------


def test_thirty_changes_on_a_perfect_link_all_arrive() -> None:
    """28 of 30 used to be lost. Each of them is a snapshot of its own here, and none is missing."""
    network = SimulatedNetwork()
    network.serve(counting_backend())
    client = join(network)
    network.run_until(lambda: client.snapshots[-1].state["ticks"] > 0)
    first = client.snapshots[-1].state["ticks"]
    network.run(30.5 * 0.02)
    seen = [snapshot.state["ticks"] for snapshot in client.snapshots]
    assert seen[seen.index(first) :] == list(range(first, first + 31))


def test_the_first_state_is_sent_although_it_never_changes() -> None:
    """A client used to miss the state from before its arrival."""
    network = SimulatedNetwork()
    network.serve(Backend(GameState(board=[[1, 2], [3, 4]], turn="white"), do_nothing))
    network.run(5.0)
    client = join(network)
    with client.access_game_state() as game_state:
        assert (game_state.board, game_state.turn) == ([[1, 2], [3, 4]], "white")
    latecomer = join(network)
    assert latecomer.snapshots[-1].state == client.snapshots[-1].state


def test_updates_of_one_tick_merge() -> None:
    """They used to overwrite each other: of ten players that moved in one tick, one had moved."""
    network = SimulatedNetwork()
    backend = Backend(
        GameState(players={}, last="nobody"),
        do_nothing,
        {
            "MOVE": lambda number, x: {"players": {number: {"x": x}}},
            "NAME": lambda n: {"players": {n: {"name": str(n)}}},
        },
    )
    network.serve(backend, interval=0.1)
    clients = [join(network) for _ in range(10)]
    network.run_until(lambda: abs(network.now / 0.1 % 1 - 0.5) < 0.1)  # in the middle between two ticks
    before = backend.game_state_store.plumbing.committed
    for number, client in enumerate(clients):
        client.dispatch_event("MOVE", number, number * 1.5)
        client.dispatch_event("NAME", number)
    network.run(0.1)
    after = backend.game_state_store.plumbing.committed
    assert after.tick == before.tick + 1
    assert after.tree["players"] == {number: {"x": number * 1.5, "name": str(number)} for number in range(10)}
    assert all(client.snapshots[-1].state["players"] == after.tree["players"] for client in clients)


@pytest.mark.parametrize("missed_ticks", [99, 101, 150, 255, 257, 1_000])
def test_a_client_far_behind_heals(missed_ticks: int) -> None:
    """A client 100 updates behind used to stay wrong. Entries are created, changed and deleted meanwhile: all is right
    again.
    """

    def churn(game_state: GameState, dt: float) -> dict[str, Any]:
        number = game_state.ticks
        return {"ticks": number + 1, f"item_{number}": {"n": number}, "grid": {number % 50: number}}

    network = SimulatedNetwork()
    config = ServerConfig(timeout=60.0)
    backend = Backend(GameState(ticks=0, grid={}), churn, config=config)
    network.serve(backend)
    client = join(network)
    network.partition(client)
    network.run(missed_ticks * 0.02)
    assert backend.game_state_store.plumbing.committed.tick - client.snapshots[-1].tick >= missed_ticks - 1
    network.partition(client, False)
    network.run(3.0)
    backend.game_state_machine.time_step = do_nothing  # type: ignore[method-assign, assignment]
    network.run(1.0)
    assert client.status == "connected"
    assert client.snapshots[-1].state == backend.game_state_store.plumbing.committed.tree
    assert client.snapshots[-1].state["ticks"] > missed_ticks


# -- events from handlers --------------------------------------------------------------------------------------------


def test_events_sent_from_handlers_and_the_time_step_leave_with_the_same_tick() -> None:
    """They used to be dropped. All of them arrive with the state of the tick that sent them."""
    network = SimulatedNetwork()
    sent_at: list[float] = []
    came: list[tuple[str, float]] = []

    def answer(client_address: Any) -> dict[str, Any]:
        sent_at.append(network.now)
        backend.server.dispatch_event("ANSWER", target_client=client_address)
        backend.server.dispatch_event("NEWS")
        return {"asked": len(sent_at)}

    backend = Backend(GameState(asked=0), do_nothing, {"ASK": answer})
    network.serve(backend, interval=0.5)
    client = join(network)
    client.register_event_handler("ANSWER", lambda: came.append(("ANSWER", network.now)))
    client.register_event_handler("NEWS", lambda: came.append(("NEWS", network.now)))
    for _ in range(3):
        client.dispatch_event("ASK")
        network.run(0.5)
    assert len(sent_at) == 3
    assert came == [(name, at) for at in sent_at for name in ("ANSWER", "NEWS")]
    assert client.snapshots[-1].state["asked"] == 3
    assert client.snapshots[-1].received_at == sent_at[-1]


# -- bad luck and bad faith ------------------------------------------------------------------------------------------


def test_duplicates_do_not_end_the_server() -> None:
    """One duplicate used to end it. Here every datagram arrives twice, and every event is handled once."""
    heard: list[int] = []
    network = SimulatedNetwork(link=Link(duplicate=1.0, jitter=0.03))
    backend = counting_backend(TELL=heard.append)
    network.serve(backend)
    client = join(network)
    for number in range(50):
        client.dispatch_event("TELL", number, retries=[0, 3, RELIABLE][number % 3])
        network.run(0.05)
    assert sorted(heard) == list(range(50))
    assert client.snapshots[-1].state["ticks"] >= backend.game_state_store.get_game_state().ticks - 3


OLD_REQUESTS = [
    b"shut_me_down",
    b"shutdown",
    msgpack.packb({"type": "shut_me_down", "handler_args": [], "handler_kwargs": {}}),
    msgpack.packb(["shut_me_down"]),
    msgpack.packb(["pygase:shutdown"]),
    b"\xffffe2" + bytes(8) + b"shut_me_down",
]


@pytest.mark.parametrize("data", [b"", b"\0", b"\xff" * 14, b"\x06" + bytes(30), bytes(1_500), *OLD_REQUESTS])
def test_malformed_datagrams_and_requests_of_strangers_do_not_end_the_server(data: bytes) -> None:
    """One of them from anyone used to end it."""
    network = SimulatedNetwork()
    backend = counting_backend()
    network.serve(backend)
    client = join(network)
    for sender in (STRANGER, client.address, ("127.0.0.1", 1)):
        assert sender is not None
        network.inject(data, sender, SERVER)
    ticks = client.snapshots[-1].state["ticks"]
    network.run(1.0)
    assert backend.server.port == 8080
    assert client.status == "connected"
    assert client.snapshots[-1].state["ticks"] >= ticks + 49


def test_a_client_that_is_not_the_host_cannot_end_the_server() -> None:
    """Neither by the old event, nor by the new one, nor by a polite request."""
    network = SimulatedNetwork()
    backend = counting_backend()
    network.serve(backend)
    host = join(network)
    guest = join(network, address=STRANGER)
    assert backend.server.host_client == host.address
    guest.dispatch_event("shut_me_down", retries=RELIABLE)
    with pytest.raises(ValueError, match="PyGaSe's own"):
        guest.dispatch_event("pygase:client_left")
    network.run(1.0)
    guest.disconnect(shutdown_server=True)
    network.run(1.0)
    assert guest.status == "disconnected"
    assert host.status == "connected"
    host.disconnect(shutdown_server=True)
    network.run(1.0)
    assert backend.server.port is None


def test_a_stranger_from_elsewhere_is_not_the_host_though_first() -> None:
    """The first client, whoever it was, could shut the server down."""
    network = SimulatedNetwork()
    backend = counting_backend()
    network.serve(backend)
    stranger = join(network, address=STRANGER)
    stranger.disconnect(shutdown_server=True)
    network.run(1.0)
    assert backend.server.port == 8080
    owner = join(network, address=("203.0.113.6", 4000), host_token=backend.server.host_token)
    assert backend.server.host_client == owner.address


def test_a_forged_packet_is_answered_with_no_more_than_its_own_size() -> None:
    """14 forged bytes used to be answered with up to 345 KB. Here is a state of that size."""
    network = SimulatedNetwork()
    network.serve(Backend(GameState(blob=random.Random(2).randbytes(345_000)), do_nothing))
    rng = random.Random(14)
    for size in (14, 14, 14, 14, 50, 100, 999, 1_000, 1_200):
        for kind in range(12):
            before = network.bytes_sent[SERVER]
            network.inject(bytes([kind]) + rng.randbytes(size - 1), STRANGER, SERVER)
            network.run(10.0)
            assert network.bytes_sent[SERVER] - before <= size, f"kind {kind}, {size} bytes"


# -- a dead port -----------------------------------------------------------------------------------------------------


def test_a_connection_to_a_dead_port_fails_in_time() -> None:
    """It used to hang without end."""
    network = SimulatedNetwork()
    client = Client()
    network.connect(client, port=9)
    network.run(4.9)
    assert client.status == "connecting"
    network.run(0.2)
    assert client.status == "disconnected"
    assert client.disconnect_reason is DisconnectReason.NO_ANSWER
    assert isinstance(client.error, ConnectionFailed)
    assert str(client.error).startswith("Nobody answers there.")


@pytest.mark.integration
def test_a_connection_to_a_dead_port_raises_or_ends_its_thread() -> None:
    """With the real clock and a real socket, in both ways."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as placeholder:
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]
    began_at = time.monotonic()
    with pytest.raises(ConnectionFailed):
        Client().connect(port, "127.0.0.1", connect_timeout=0.3)
    client = Client()
    thread = client.connect_in_thread(port, "127.0.0.1", connect_timeout=0.3)
    assert thread.daemon
    thread.join(3.0)
    assert not thread.is_alive()
    assert isinstance(client.error, ConnectionFailed)
    assert time.monotonic() - began_at < 3.0
