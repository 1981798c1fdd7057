"""One Client object, one connection after the other: each begins afresh, and each ends in time."""

import asyncio
import concurrent.futures
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import (
    CLIENT_LEFT,
    CONNECTED,
    DISCONNECTED,
    RELIABLE,
    AddressNotUsable,
    Backend,
    Client,
    ClientConfig,
    ConnectionFailed,
    DisconnectReason,
    GameState,
    GameStateStore,
    Server,
)
from pygase._io.pumping import PumpDriver
from pygase.testing import Link, SimulatedNetwork
from tests.support.virtual_loop import run_virtually

WAIT = 5.0
"""Seconds that anything may take on a busy machine."""


def eventually(condition: Callable[[], Any], what: str = "") -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what or "it did not happen in time"
        time.sleep(0.001)


def network_with(handlers: dict[str, Any] | None = None, latency: float = 0.02) -> tuple[SimulatedNetwork, Backend]:
    network = SimulatedNetwork(1, Link(latency=latency))
    backend = Backend(GameState(a=1), lambda game_state, dt: {}, handlers)
    network.serve(backend)
    return network, backend


def join(network: SimulatedNetwork, client: Client) -> Client:
    network.connect(client)
    network.run_until(lambda: client.status == "connected")
    return client


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server(GameStateStore(GameState(a=1)))
    running.run_in_thread(0, "127.0.0.1")
    yield running
    running.shutdown()


# -- the next connection may begin as soon as the last one has ended ---------------------------------------------------


@pytest.mark.integration
def test_a_client_can_connect_again_at_once_after_disconnect(server: Server) -> None:
    client = Client()
    assert server.port
    for _ in range(40):
        client.connect_in_thread(server.port, "127.0.0.1")
        client.wait_until(lambda game_state: game_state.a == 1, WAIT)
        client.disconnect()
        assert client.status == "disconnected"


@pytest.mark.integration
def test_a_client_can_connect_again_as_soon_as_its_status_says_disconnected(server: Server) -> None:
    client = Client()
    assert server.port
    for _ in range(20):
        client.connect_in_thread(server.port, "127.0.0.1")
        eventually(lambda: client.status == "connected")
        server.kick(client.address or ())
        end = time.monotonic() + WAIT
        while client.status != "disconnected":  # without a pause, to see it in the very moment
            assert time.monotonic() < end
        assert client.disconnect_reason is DisconnectReason.KICKED
    assert client.error is None


@pytest.mark.integration
def test_a_thread_of_an_earlier_connection_that_ends_late_leaves_the_next_one_alone(server: Server) -> None:
    client = Client()
    assert server.port
    threads = []
    for _ in range(10):
        threads.append(client.connect_in_thread(server.port, "127.0.0.1"))
        client.wait_until(lambda game_state: game_state.a == 1, WAIT)
        client.disconnect()
    threads.append(client.connect_in_thread(server.port, "127.0.0.1"))
    client.wait_until(lambda game_state: game_state.a == 1, WAIT)
    for thread in threads[:-1]:
        thread.join(WAIT)
    assert [thread.is_alive() for thread in threads] == [False] * 10 + [True]
    assert (client.status, client.error, client.disconnect_reason) == ("connected", None, None)
    client.disconnect()


def test_a_handler_of_the_end_may_connect_again_at_once() -> None:
    network, backend = network_with()
    client, reasons = Client(), []

    def again(reason: DisconnectReason, detail: str) -> None:
        reasons.append((reason, client.status))
        network.connect(client)

    client.register_event_handler(DISCONNECTED, again)
    join(network, client)
    first = client.address
    assert first is not None
    backend.server.kick(first)
    network.run_until(lambda: client.status == "connected" and client.address != first)
    network.run(1.0)
    assert reasons == [(DisconnectReason.KICKED, "disconnected")]
    assert client.status == "connected"
    assert client.snapshots
    assert list(backend.server.connections) == [client.address]


@pytest.mark.integration
def test_a_handler_of_the_end_may_connect_again_in_a_thread(server: Server) -> None:
    client, connected = Client(), threading.Semaphore(0)
    assert server.port
    port = server.port
    client.register_event_handler(CONNECTED, connected.release)
    client.register_event_handler(DISCONNECTED, lambda reason: client.connect_in_thread(port, "127.0.0.1"))
    client.connect_in_thread(port, "127.0.0.1")
    for _ in range(5):
        assert connected.acquire(timeout=WAIT)
        eventually(lambda: client.address in server.connections)
        server.kick(client.address or ())
    assert connected.acquire(timeout=WAIT)
    client.register_event_handler(DISCONNECTED, lambda reason: None)
    client.disconnect()


# -- nothing is carried over from one connection to the next -----------------------------------------------------------


def test_events_dispatched_after_the_end_do_not_reach_the_next_connection() -> None:
    got: list[Any] = []
    network, _ = network_with({"FIRE": got.append})
    client = join(network, Client())
    client.disconnect()
    network.run(1.0)
    client.dispatch_event("FIRE", "after the end")
    client.dispatch_event("FIRE", "after the end, reliable", retries=RELIABLE)
    network.connect(client)
    client.dispatch_event("FIRE", "while connecting", retries=RELIABLE)
    network.run(1.0)
    assert client.status == "connected"
    assert got == ["while connecting"]


def test_events_dispatched_after_the_end_do_not_pile_up() -> None:
    network, _ = network_with()
    client = join(network, Client())
    client.disconnect()
    network.run(1.0)
    for _ in range(client.config.max_queued_messages + 1):  # this number of messages would be too many to wait
        client.dispatch_event("FIRE", retries=RELIABLE)
    assert not client.plumbing.outbox


@pytest.mark.parametrize("kept", [1, 2, 5])
def test_a_client_holds_as_many_states_as_its_config_says(kept: int) -> None:
    network = SimulatedNetwork(1, Link(latency=0.02))
    network.serve(Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}))
    client = join(network, Client(config=ClientConfig(kept_snapshots=kept)))
    network.run(1.0)
    assert len(client.snapshots) == kept


def test_events_that_wait_when_an_attempt_fails_do_not_reach_the_next_connection() -> None:
    got: list[str] = []
    network, client = SimulatedNetwork(1), Client()
    network.connect(client, connect_timeout=0.5)
    client.dispatch_event("FIRE", "to nobody", retries=RELIABLE)
    network.run(1.0)
    assert client.disconnect_reason is DisconnectReason.NO_ANSWER
    network.serve(Backend(GameState(), lambda game_state, dt: {}, {"FIRE": got.append}))
    join(network, client)
    client.dispatch_event("FIRE", "to somebody", retries=RELIABLE)
    network.run(1.0)
    assert got == ["to somebody"]


def test_events_dispatched_before_the_first_connection_wait_for_it() -> None:
    got: list[Any] = []
    network, _ = network_with({"FIRE": got.append})
    client = Client()
    client.dispatch_event("FIRE", 1, retries=RELIABLE)
    join(network, client)
    network.run(1.0)
    assert got == [1]


# -- a connection ends in time, and with what was promised ------------------------------------------------------------


def test_reliable_events_dispatched_just_before_disconnect_arrive() -> None:
    got: list[int] = []
    network, _ = network_with({"X": lambda number, _: got.append(number)})
    client = join(network, Client())
    for number in range(1000):  # 200 kB: more than may be in flight at once
        client.dispatch_event("X", number, b"x" * 200, retries=RELIABLE)
    client.disconnect()
    network.run_until(lambda: client.status == "disconnected", 0.6)
    network.run(0.1)
    assert got == list(range(1000))
    assert client.disconnect_reason is DisconnectReason.CLOSED


@pytest.mark.integration
def test_reliable_events_dispatched_just_before_disconnect_arrive_through_sockets(server: Server) -> None:
    got: list[int] = []
    server.register_event_handler("X", lambda number, _: got.append(number))
    client = Client()
    assert server.port
    client.connect_in_thread(server.port, "127.0.0.1")
    client.wait_until(lambda game_state: game_state.a == 1, WAIT)
    for number in range(500):
        client.dispatch_event("X", number, b"x" * 200, retries=RELIABLE)
    client.disconnect()
    assert client.status == "disconnected"
    eventually(lambda: len(got) == 500)
    assert got == list(range(500))


def test_disconnect_ends_as_soon_as_everything_has_arrived() -> None:
    left: list[DisconnectReason] = []
    network, _ = network_with({"X": lambda: None, CLIENT_LEFT: lambda reason: left.append(reason)})
    client = join(network, Client())
    client.dispatch_event("X", retries=RELIABLE)
    client.disconnect()
    network.run(0.2)  # a round trip is 40 ms
    assert client.status == "disconnected"
    assert left == [DisconnectReason.CLOSED]


@pytest.mark.parametrize(("shutdown_server", "seconds"), [(False, 0.5), (True, 1.0)])
def test_disconnect_waits_for_a_dead_line_but_not_for_long(shutdown_server: bool, seconds: float) -> None:
    network, _ = network_with()
    client = join(network, Client())
    network.run(1.0)
    network.partition(client)
    client.dispatch_event("X", retries=RELIABLE)
    client.disconnect(shutdown_server=shutdown_server)  # nobody awaits the result
    network.run(seconds - 0.1)
    assert client.status == "connected"
    network.run(0.2)
    assert client.status == "disconnected"
    assert client.disconnect_reason is DisconnectReason.CLOSED


def test_the_host_shuts_the_server_down_and_is_gone_although_nobody_awaits_it() -> None:
    network, backend = network_with()
    client = join(network, Client())
    network.run(0.5)
    client.disconnect(shutdown_server=True)
    network.run(0.5)
    assert client.status == "disconnected"
    assert backend.server.port is None


# -- where to, and what comes of it -----------------------------------------------------------------------------------


@pytest.mark.integration
def test_the_address_that_servers_bind_to_leads_a_client_to_this_machine(server: Server) -> None:
    client = Client()
    assert server.port
    thread = client.connect_in_thread(server.port, "0.0.0.0", connect_timeout=3.0)
    eventually(lambda: client.status == "connected" or not thread.is_alive())
    assert (client.status, client.error) == ("connected", None)
    client.disconnect()


def resolve_nothing(*args: Any, **kwargs: Any) -> Any:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.integration
def test_the_handler_of_the_end_is_told_that_a_host_name_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygase._io.udp.socket.getaddrinfo", resolve_nothing)
    client, told = Client(), []
    client.register_event_handler(
        DISCONNECTED, lambda reason, detail: told.append((reason, detail, client.status, str(client.error)))
    )
    client.connect_in_thread(8080, "nowhere.invalid").join(WAIT)
    assert isinstance(client.error, AddressNotUsable)
    assert (client.status, client.disconnect_reason) == ("disconnected", DisconnectReason.UNKNOWN_HOST)
    assert "host name is not known" in client.disconnect_reason.sentence
    assert "spelling" in client.disconnect_reason.sentence
    assert told == [(DisconnectReason.UNKNOWN_HOST, str(client.error), "disconnected", str(client.error))]
    assert "nowhere.invalid" in client.disconnect_detail


@pytest.mark.integration
def test_a_coroutine_that_handles_the_end_is_told_that_a_host_name_is_not_known(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pygase._io.udp.socket.getaddrinfo", resolve_nothing)
    client, told = Client(), []

    async def ended(reason: DisconnectReason) -> None:
        await asyncio.sleep(0)
        told.append(reason)

    client.register_event_handler(DISCONNECTED, ended)
    client.connect_in_thread(8080, "nowhere.invalid").join(WAIT)
    assert told == [DisconnectReason.UNKNOWN_HOST]
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_server_that_does_not_answer_is_told_once() -> None:
    network, client, told = SimulatedNetwork(1), Client(), []
    client.register_event_handler(DISCONNECTED, lambda reason, detail: told.append(reason))
    network.connect(client, connect_timeout=0.5)
    network.run(2.0)
    assert told == [DisconnectReason.NO_ANSWER]
    assert isinstance(client.error, ConnectionFailed)


# -- handlers that are coroutines, where there is no loop --------------------------------------------------------------


class NoPump:
    def receive(self) -> int:
        return 0

    def advance(self) -> float | None:
        return None


async def broken() -> None:
    raise ValueError("mine")


def test_what_a_coroutine_handler_raises_in_a_pump_is_logged_and_goes_no_further(
    caplog: pytest.LogCaptureFixture,
) -> None:
    driver = PumpDriver(NoPump(), concurrent.futures.Future())
    with caplog.at_level(logging.ERROR, "pygase"):
        driver.spawn(broken())
    assert ["mine" in record.getMessage() for record in caplog.records] == [True]


def test_a_coroutine_handler_of_a_pump_inside_a_running_loop_becomes_its_task(
    caplog: pytest.LogCaptureFixture,
) -> None:
    ran: list[str] = []

    async def slow() -> None:
        ran.append("begun")
        await asyncio.sleep(1.0)
        ran.append("ended")

    async def main() -> None:
        driver = PumpDriver(NoPump(), concurrent.futures.Future())
        driver.spawn(slow())
        driver.spawn(broken())
        assert ran == []
        await asyncio.sleep(0.5)
        assert ran == ["begun"]
        await asyncio.sleep(1.0)

    with caplog.at_level(logging.ERROR, "pygase"):
        run_virtually(main())
    assert ran == ["begun", "ended"]
    assert ["mine" in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.integration
def test_who_sees_that_a_connection_came_to_nothing_sees_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pygase._io.udp.socket.getaddrinfo", resolve_nothing)
    for _ in range(20):
        client = Client()
        thread = client.connect_in_thread(8080, "nowhere.invalid")
        while client.status != "disconnected":
            pass
        assert client.disconnect_reason is DisconnectReason.UNKNOWN_HOST
        assert "not known" in str(client.error)
        thread.join(WAIT)
