"""Everything that starts can be ended, everything that has ended can be started again, and nothing makes it deaf."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from pygase import (
    AddressInUse,
    Backend,
    Client,
    ClientConfig,
    ConnectionFailed,
    GameState,
    GameStateMachine,
    GameStateStore,
    Server,
)
from pygase._io import runner
from pygase._io.loops import LoopDriver
from pygase._server.server_plumbing import ServerPlumbing
from pygase.event import Event
from pygase.testing import ManualClock
from tests.support.virtual_loop import run_virtually

WAIT = 5.0
"""Seconds that anything may take on a busy machine."""


def eventually(condition: Callable[[], Any], what: str = "") -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what or "it did not happen in time"
        time.sleep(0.001)


def a_backend() -> Backend:
    return Backend(GameState(a=1), lambda game_state, dt: {})


def a_server() -> Server:
    return Server(GameStateStore(GameState(a=1)))


# -- the driver, on a loop that does only what it is told --------------------------------------------------------------


class FakeSocket:
    def fileno(self) -> int:
        return 3


class FakeTransport:
    def __init__(self) -> None:
        self.sockets: list[Any] = [FakeSocket()]


class FakeTimer:
    def __init__(self, at: float) -> None:
        self._at = at

    def when(self) -> float:
        return self._at

    def cancel(self) -> None:
        """Timers of these tests fire when a test says so."""


class FakeLoop:
    """Keeps its listeners, and its timers with their functions."""

    def __init__(self, now: float = 0.0) -> None:
        self.now = now
        self.readers: dict[Any, Callable[[], None]] = {}
        self.timers: list[tuple[float, Callable[[], None]]] = []

    def time(self) -> float:
        return self.now

    def add_reader(self, sock: Any, function: Callable[[], None]) -> None:
        self.readers[sock] = function

    def remove_reader(self, sock: Any) -> None:
        self.readers.pop(sock, None)

    def call_later(self, delay: float, function: Callable[[], None]) -> FakeTimer:
        self.timers.append((delay, function))
        return FakeTimer(self.now + delay)

    def call_at(self, at: float, function: Callable[[], None]) -> FakeTimer:
        return self.call_later(at - self.now, function)

    def call_soon(self, function: Callable[[], None]) -> None:
        self.call_later(0.0, function)


class Pump:
    """Raises in the method named ``broken``."""

    def __init__(self) -> None:
        self.broken = ""

    def receive(self) -> int:
        if self.broken == "receive":
            raise ValueError("mine")
        return 1

    def advance(self) -> float | None:
        if self.broken == "advance":
            raise ValueError("mine")
        return None


@pytest.mark.parametrize("broken", ["receive", "advance"])
def test_an_exception_during_a_rush_does_not_leave_the_driver_deaf(broken: str) -> None:
    loop: Any = FakeLoop()
    pump, transport = Pump(), FakeTransport()
    LoopDriver(pump, transport, loop)
    on_readable = loop.readers[transport.sockets[0]]
    on_readable()
    on_readable()  # in the same moment: a rush
    assert not loop.readers
    pump.broken = broken
    _, resume = loop.timers.pop()
    with pytest.raises(ValueError, match="mine"):
        resume()
    assert loop.readers


@pytest.mark.parametrize("offset", [1000.0, 0.0, -1000.0])
def test_a_timer_fires_in_time_on_a_loop_with_a_clock_of_its_own(offset: float) -> None:
    clock = ManualClock(5000.0)
    loop: Any = FakeLoop(clock() + offset)
    driver = LoopDriver(Pump(), FakeTransport(), loop, clock)
    driver.arm(clock() + 0.5)
    assert [delay for delay, _ in loop.timers] == [pytest.approx(0.5)]
    clock.advance(0.1)
    loop.now += 0.1
    driver.arm(clock() + 0.2)  # earlier than the one that is set
    assert [delay for delay, _ in loop.timers] == [pytest.approx(0.5), pytest.approx(0.2)]
    driver.arm(clock() + 0.3)  # later: the timer is set again when it fires
    assert len(loop.timers) == 2


class ShiftedLoop(asyncio.SelectorEventLoop):
    offset = 0.0

    def time(self) -> float:
        return super().time() + self.offset


@pytest.mark.integration
@pytest.mark.parametrize("offset", [1000.0, -1000.0])
def test_connections_work_on_a_loop_with_a_clock_of_its_own(offset: float) -> None:
    async def main() -> None:
        backend, client = a_backend(), Client()
        running = asyncio.ensure_future(backend.run("127.0.0.1", 0))
        while not backend.server.port:
            await asyncio.sleep(0.005)
        connected = asyncio.ensure_future(client.connect(backend.server.port, "127.0.0.1"))
        while not client.snapshots:
            await asyncio.sleep(0.005)
        await client.disconnect()
        await connected
        port = backend.server.port
        await backend.shutdown()
        await running
        lonely = Client(config=ClientConfig(connect_timeout=0.2))
        with pytest.raises(ConnectionFailed):
            await lonely.connect(port, "127.0.0.1")

    def shifted() -> ShiftedLoop:
        loop = ShiftedLoop()
        loop.offset = offset
        return loop

    with asyncio.Runner(loop_factory=shifted) as asyncio_runner:
        asyncio_runner.run(asyncio.wait_for(main(), WAIT))


# -- a server that meets other people's mistakes in a rush -------------------------------------------------------------


async def nothing() -> None:
    return None


class RaisingWire:
    def _push_event(self, event: Event) -> None:
        raise ValueError("mine")


@pytest.mark.integration
@pytest.mark.parametrize("mistake", ["a handler that returns a future", "an event wire that raises"])
def test_a_rush_of_events_that_are_handled_badly_leaves_the_server_with_its_ears(
    mistake: str, caplog: pytest.LogCaptureFixture
) -> None:
    server, wire = a_server(), None
    if mistake == "an event wire that raises":
        wire = RaisingWire()
    else:
        server.register_event_handler("X", lambda: asyncio.ensure_future(nothing()))
    server.run_in_thread(0, "127.0.0.1", wire)
    assert server.port
    rusher, newcomer = Client(), Client()
    rusher.connect_in_thread(server.port, "127.0.0.1")
    eventually(lambda: rusher.status == "connected")
    for _ in range(300):
        rusher.dispatch_event("X")
        time.sleep(0.0003)
    thread = newcomer.connect_in_thread(server.port, "127.0.0.1", connect_timeout=3.0)
    eventually(lambda: newcomer.status == "connected" or not thread.is_alive())
    assert (newcomer.status, rusher.status) == ("connected", "connected")
    rusher.disconnect()
    newcomer.disconnect()
    server.shutdown()
    assert any("the event wire raised" in record.getMessage() for record in caplog.records) == (wire is not None)


# -- start again -------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_a_backend_that_has_been_shut_down_is_paused_and_runs_again_at_once() -> None:
    backend = a_backend()
    for _ in range(30):
        backend.run_in_thread("127.0.0.1", 0, 0.005)
        backend.shutdown()
        assert backend.server.port is None
        assert backend.game_state_store.get_game_state().is_paused()


def test_a_game_loop_cancelled_before_its_first_step_or_never_awaited_runs_afterwards() -> None:
    machine = GameStateMachine(GameStateStore(GameState()))
    machine.time_step = lambda game_state, dt: {}

    async def main() -> None:
        machine.run_game_loop(0.1).close()
        task = asyncio.ensure_future(machine.run_game_loop(0.1))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        running = asyncio.ensure_future(machine.run_game_loop(0.1))
        await asyncio.sleep(1.05)
        assert await machine.stop()
        await running

    run_virtually(main())
    assert machine.game_time == pytest.approx(1.0)


async def run_and_shut_down(runs: Backend | Server) -> None:
    server = runs.server if isinstance(runs, Backend) else runs
    running = asyncio.ensure_future(runs.run(hostname="127.0.0.1", port=0))
    while not server.port:
        await asyncio.sleep(0.001)
    await runs.shutdown()
    await running


@pytest.mark.integration
@pytest.mark.parametrize("make", [a_backend, a_server])
def test_a_run_cancelled_before_its_first_step_or_never_awaited_leaves_nothing_behind(
    make: Callable[[], Backend | Server],
) -> None:
    async def main() -> None:
        runs = make()
        runs.run(hostname="127.0.0.1", port=0).close()
        task = asyncio.ensure_future(runs.run(hostname="127.0.0.1", port=0))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await run_and_shut_down(runs)
        await run_and_shut_down(runs)

    asyncio.run(asyncio.wait_for(main(), WAIT))


@pytest.mark.integration
def test_a_connect_cancelled_before_its_first_step_or_never_awaited_leaves_nothing_behind() -> None:
    server, client = a_server(), Client()
    server.run_in_thread(0, "127.0.0.1")
    assert server.port
    port = server.port

    async def main() -> None:
        client.connect(port, "127.0.0.1").close()
        task = asyncio.ensure_future(client.connect(port, "127.0.0.1"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert client.status == "disconnected"
        connected = asyncio.ensure_future(client.connect(port, "127.0.0.1"))
        while client.status != "connected":
            await asyncio.sleep(0.001)
        await client.disconnect()
        await connected

    asyncio.run(asyncio.wait_for(main(), WAIT))
    server.shutdown()


# -- an end that meets a start -----------------------------------------------------------------------------------------


class StartsWhileLookedAt(ServerPlumbing):
    """Starts in the very moment after the thread that shuts it down has seen that there is no run yet."""

    start: Callable[[], None] | None = None
    _real_run: Any = None

    @property
    def current(self) -> Any:
        seen = self._real_run
        if self.start is not None and threading.current_thread().name == "ender":
            start, self.start = self.start, None
            start()
        return seen

    @current.setter
    def current(self, run: Any) -> None:
        self._real_run = run


@pytest.mark.integration
def test_a_shutdown_of_a_server_that_is_just_starting_is_not_lost() -> None:
    server = Server(GameStateStore(GameState(a=1)))
    plumbing = server.plumbing = StartsWhileLookedAt(server, server.game_state_store.plumbing, "", None)
    plumbing.claim(None)
    waits = threading.Event()

    def start() -> None:
        runner.start_thread(lambda: runner.run_to_end(plumbing.serve(0, "127.0.0.1")), "starter")
        plumbing.bound.result(WAIT)
        plumbing.run.driver.call(waits.set)  # its loop gets there when the start is over
        eventually(lambda: waits.is_set() or plumbing.life.is_over)

    plumbing.start = start
    ender = threading.Thread(target=server.shutdown, name="ender", daemon=True)
    ender.start()
    ender.join(WAIT / 2)
    ended = not ender.is_alive() and server.port is None
    if not ended:
        plumbing.run.driver.call(plumbing.request_stop)
    assert ended


# -- bound ------------------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.parametrize("face", ["backend", "server"])
def test_on_bound_is_called_once_with_a_server_that_has_its_port(face: str) -> None:
    backend, seen = a_backend(), []

    def note(server: Server) -> None:
        seen.append((server, server.port, server.hostname))
        server.shutdown()

    if face == "backend":
        backend.run("127.0.0.1", on_bound=note)
    else:
        backend.server.run(hostname="127.0.0.1", on_bound=note)
    ((server, port, hostname),) = seen
    assert (server, hostname) == (backend.server, "127.0.0.1")
    assert port
    assert server.port is None  # it has ended, because the shutdown arrived while it started


@pytest.mark.integration
def test_what_on_bound_raises_ends_the_run_and_the_port_is_free_again() -> None:
    backend, ports = a_backend(), []

    def fail(server: Server) -> None:
        ports.append(server.port)
        raise KeyError("the file of high scores")

    with pytest.raises(KeyError):
        backend.run("127.0.0.1", on_bound=fail)
    backend.run("127.0.0.1", ports[0], on_bound=lambda server: backend.server.plumbing.begin_shutdown())


@pytest.mark.integration
def test_on_bound_is_not_called_when_the_port_is_taken() -> None:
    other, backend = a_backend(), a_backend()
    other.run_in_thread("127.0.0.1")
    try:
        with pytest.raises(AddressInUse):
            backend.run("127.0.0.1", other.server.port or 0, on_bound=lambda server: pytest.fail("it is not bound"))
    finally:
        other.shutdown()
