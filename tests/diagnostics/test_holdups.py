"""A handler that blocks the network's thread is reported with its name and a remedy."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, CONNECTED, RELIABLE, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase._diagnostics.holdups import Holdups
from pygase._diagnostics.log_lines import LogLines
from pygase.testing import ManualClock, SimulatedNetwork


@pytest.fixture(autouse=True)
def _hear_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    with caplog.at_level(logging.WARNING, "pygase"):
        yield


def words_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


def on_clock(clock: ManualClock, limit: float = 0.1) -> Holdups:
    return Holdups(LogLines(clock), limit, lambda: clock)


@pytest.mark.parametrize(("limit", "took", "reported"), [(0.1, 0.09, 0), (0.1, 0.2, 1), (0.5, 0.4, 0), (0.02, 0.03, 1)])
def test_a_call_beyond_the_limit_is_reported(
    caplog: pytest.LogCaptureFixture, limit: float, took: float, reported: int
) -> None:
    clock = ManualClock()
    assert on_clock(clock, limit).call("the handler", None, lambda: clock.advance(took) or 7) == 7
    assert [words.startswith(f"the handler took {took * 1000:.0f} ms, ") for words in words_of(caplog)] == [
        True
    ] * reported


def test_one_that_raises_is_reported_too(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()

    def fail() -> None:
        clock.advance(0.3)
        raise KeyError("x")

    with pytest.raises(KeyError):
        on_clock(clock).call("the handler", fail, fail)
    (words,) = words_of(caplog)
    line = fail.__code__.co_firstlineno
    assert words.startswith(f"the handler (test_holdups.py, line {line}) took 300 ms, and the network waited for it: ")


def test_a_slow_one_that_is_called_all_the_time_is_reported_once_a_second(caplog: pytest.LogCaptureFixture) -> None:
    clock = ManualClock()
    holdups = on_clock(clock)
    for _ in range(50):
        holdups.call("the handler", None, lambda: clock.advance(0.2))
    assert len(caplog.records) == 10
    assert "more such lines left out" in words_of(caplog)[-1]


@pytest.mark.parametrize("blocks", [0.3, 0.0])
def test_each_step_of_a_coroutine_is_measured_by_itself(caplog: pytest.LogCaptureFixture, blocks: float) -> None:
    clock = ManualClock()

    async def handler() -> str:
        for _ in range(5):
            await asyncio.sleep(0)
            clock.advance(0.05)
        clock.advance(blocks)
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 0.001)
        except TimeoutError:
            return "done"
        return "not cancelled"

    async def main() -> Any:
        return await on_clock(clock).call("the handler", handler, handler)

    assert asyncio.run(main()) == "done"
    assert [words.partition(": ")[2][:31] for words in words_of(caplog)] == ["write `await asyncio.sleep(...)"] * bool(
        blocks
    )


def test_in_virtual_time_nothing_is_slow(caplog: pytest.LogCaptureFixture) -> None:
    """So the log of a simulation does not depend on the machine."""
    network, client = SimulatedNetwork(seed=1), Client(config=ClientConfig(slow_handler=0.001))
    client.register_event_handler(CONNECTED, lambda: time.sleep(0.01))
    network.serve(Backend(GameState(), lambda game_state, dt: {}))
    network.connect(client)
    network.run(1.0)
    assert client.status == "connected"
    assert words_of(caplog) == []


def eventually(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + 10.0
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.integration
@pytest.mark.parametrize("kind", ["handler", "coroutine", "own event", "callback", "pumped"])
def test_a_real_client_names_what_holds_up_its_network(caplog: pytest.LogCaptureFixture, kind: str) -> None:
    def slow(*_: Any) -> None:
        time.sleep(0.05)

    async def slow_coroutine(*_: Any) -> None:
        await asyncio.sleep(0)
        time.sleep(0.05)

    def greet(client_address: Any) -> None:
        backend.server.dispatch_event("HELLO", retries=RELIABLE)

    backend = Backend(GameState(), lambda game_state, dt: {}, {CLIENT_CONNECTED: greet, "ASK": lambda: None})
    client = Client(config=ClientConfig(slow_handler=0.04))
    if kind == "own event":
        client.register_event_handler(CONNECTED, slow)
    elif kind != "callback":
        client.register_event_handler("HELLO", slow_coroutine if kind == "coroutine" else slow)
    backend.run_in_thread("127.0.0.1")
    port = backend.server.port or 0
    try:
        client.open(port, "127.0.0.1") if kind == "pumped" else client.connect_in_thread(port, "127.0.0.1")
        client.dispatch_event("ASK", retries=RELIABLE, ack_callback=slow if kind == "callback" else None)
        pump = client.pump if kind == "pumped" else lambda: None
        eventually(lambda: pump() or "the network waited for it" in caplog.text)
    finally:
        client.disconnect()
        backend.shutdown()
    name = {"own event": "the handler of CONNECTED", "callback": "callback "}.get(kind, "the handler of event 'HELLO'")
    (words,) = (words for words in words_of(caplog) if "the network waited" in words)
    assert words.startswith(name)
    assert "(test_holdups.py, line " in words


@pytest.mark.integration
def test_a_real_server_names_its_own_handler(caplog: pytest.LogCaptureFixture) -> None:
    backend = Backend(GameState(), lambda game_state, dt: {}, config=ServerConfig(slow_handler=0.04))
    backend.server.register_event_handler("ASK", lambda: time.sleep(0.05))
    client = Client()
    backend.run_in_thread("127.0.0.1")
    try:
        client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
        client.dispatch_event("ASK", retries=RELIABLE)
        eventually(lambda: "the handler of event 'ASK' (test_holdups.py, line " in caplog.text)
    finally:
        client.disconnect()
        backend.shutdown()
