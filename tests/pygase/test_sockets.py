"""The documented API in earnest: sockets on this machine, threads, asyncio programs, processes."""

import asyncio
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CONNECTED,
    DISCONNECTED,
    RELIABLE,
    AddressInUse,
    AddressNotUsable,
    Backend,
    Client,
    ConnectionFailed,
    DisconnectReason,
    GameState,
    GameStateMachine,
    GameStateStore,
    GameStateUpdate,
    GameStatus,
    PygaseError,
    Server,
)
from pygase._io.loops import LoopDriver

pytestmark = pytest.mark.integration

WAIT = 5.0
"""Seconds that anything may take on a busy machine."""


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


HOSTS = ["127.0.0.1", "localhost", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6"))]


def eventually(condition: Callable[[], Any], what: str = "") -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what or "it did not happen in time"
        time.sleep(0.002)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def game(**handlers: Any) -> Backend:
    """The backend of the documentation's example, with a counter of ticks."""
    return Backend(
        initial_game_state=GameState(foo=0.0, bar=0.5, n=0),
        time_step_function=lambda game_state, dt: {
            "foo": game_state.foo + game_state.bar * dt,
            "n": game_state.n + 1,
        },
        event_handlers={
            "RESET_FOO": lambda game_state, dt: {"foo": 0.0},
            "SET_BAR": lambda new_bar, game_state, dt: {"bar": new_bar},
            **handlers,
        },
    )


@pytest.fixture
def backend() -> Iterator[Backend]:
    running = game()
    thread = running.run_in_thread("127.0.0.1", 0, 0.01)
    yield running
    running.shutdown()
    thread.join(WAIT)
    assert not thread.is_alive()


@pytest.fixture
def client(backend: Backend) -> Iterator[Client]:
    joined = Client()
    assert backend.server.port is not None
    thread = joined.connect_in_thread(port=backend.server.port, hostname="127.0.0.1")
    joined.wait_until(lambda game_state: game_state.n > 0, timeout=WAIT)
    yield joined
    joined.disconnect()
    thread.join(WAIT)
    assert not thread.is_alive()


# -- threads: the documentation's examples ---------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_the_documented_example_runs(host: str) -> None:
    backend, client = game(), Client()
    server_thread = backend.run_in_thread(hostname=host, port=0)
    assert backend.server.hostname == host
    port = backend.server.port
    assert port
    thread = client.connect_in_thread(hostname=host, port=port)
    for new_bar in range(5):
        client.dispatch_event("SET_BAR", new_bar=new_bar, retries=RELIABLE)
    client.wait_until(lambda game_state: game_state.bar == 4 and game_state.foo > 0.05, timeout=WAIT)
    client.dispatch_event("SET_BAR", 0)
    client.dispatch_event("RESET_FOO")
    client.wait_until(lambda game_state: game_state.foo == 0.0, timeout=WAIT)
    assert client.address in backend.server.connections
    assert backend.server.host_client == client.address
    client.disconnect()
    thread.join(WAIT)
    backend.shutdown()
    server_thread.join(WAIT)
    assert not thread.is_alive()
    assert not server_thread.is_alive()
    assert backend.server.port is None


def test_a_connection_to_localhost_does_not_wait_for_a_retry() -> None:
    """For any addresses of the name, the first one asked is the one that servers are bound to."""
    backend, client = game(), Client()
    backend.run_in_thread("localhost", 0, 0.01)
    assert backend.server.port
    began = time.monotonic()
    client.connect_in_thread(backend.server.port)
    eventually(lambda: client.status == "connected")
    assert time.monotonic() - began < client.config.connect_retry_interval * 0.8
    client.disconnect()
    backend.shutdown()


def test_server_and_machine_run_in_threads_of_their_own_joined_by_the_event_wire() -> None:
    store = GameStateStore(GameState(hp=100))
    machine, server = GameStateMachine(store), Server(store)
    machine.time_step = lambda game_state, dt: None  # type: ignore[method-assign]
    machine.register_event_handler("ATTACK", lambda damage, game_state: {"hp": game_state.hp - damage})
    server_thread = server.run_in_thread(port=0, hostname="127.0.0.1", event_wire=machine)
    machine_thread = machine.run_game_loop_in_thread(0.01)
    assert server_thread.daemon
    assert server.port
    client = Client()
    client.connect_in_thread(server.port, "127.0.0.1")
    client.wait_until(lambda game_state: not game_state.is_paused(), timeout=WAIT)
    client.dispatch_event("ATTACK", damage=30, retries=RELIABLE)
    client.wait_until(lambda game_state: game_state.hp == 70, timeout=WAIT)
    assert machine.stop(timeout=WAIT)
    client.wait_until(lambda game_state: game_state.game_status == GameStatus.get("Paused"), timeout=WAIT)
    store.push_update(GameStateUpdate(0, hp=1))
    client.wait_until(lambda game_state: game_state.hp == 1, timeout=WAIT)
    server.shutdown()
    for thread in (server_thread, machine_thread):
        thread.join(WAIT)
        assert not thread.is_alive()
    eventually(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


def test_a_server_thread_can_be_no_daemon() -> None:
    server = Server(GameStateStore())
    thread = server.run_in_thread(hostname="127.0.0.1", daemon=False)
    assert not thread.daemon
    server.shutdown()
    thread.join(WAIT)
    assert not thread.is_alive()


def test_blocking_forms_block_until_the_end_is_asked_for_elsewhere() -> None:
    backend, client = game(), Client()
    port = free_port()
    ended: list[str] = []

    def serve() -> None:
        backend.run("127.0.0.1", port)
        ended.append("backend")

    def connect() -> None:
        client.connect(port, "127.0.0.1")
        ended.append("client")

    threads = [threading.Thread(target=target, daemon=True) for target in (serve, connect)]
    for thread in threads:
        thread.start()
    client.wait_until(lambda game_state: game_state.n > 3, timeout=WAIT)
    assert ended == []
    client.disconnect()
    threads[1].join(WAIT)
    assert ended == ["client"]
    backend.shutdown()
    threads[0].join(WAIT)
    assert ended == ["client", "backend"]


def test_two_clients_in_one_process_are_two_players(backend: Backend, client: Client) -> None:
    other = Client()
    other.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    other.wait_until(lambda game_state: game_state.n > 0, timeout=WAIT)
    assert other.address != client.address
    assert set(backend.server.connections) == {client.address, other.address}
    client.dispatch_event("SET_BAR", 77, retries=RELIABLE)
    other.wait_until(lambda game_state: game_state.bar == 77, timeout=WAIT)
    other.disconnect()


# -- waiting for the state -------------------------------------------------------------------------------------------


def test_wait_until_raises_in_time_if_the_condition_is_not_met(client: Client) -> None:
    began = time.monotonic()
    with pytest.raises(TimeoutError, match=r"not met within 0\.2 s .*connected"):
        client.wait_until(lambda game_state: game_state.n < 0, timeout=0.2)
    assert 0.2 <= time.monotonic() - began < 1.0


def test_try_to_waits_for_attributes_and_keys_that_do_not_exist_yet(backend: Backend, client: Client) -> None:
    def later() -> None:
        backend.game_state_store.push_update(GameStateUpdate(0, players={}))
        time.sleep(0.05)
        backend.game_state_store.push_update(GameStateUpdate(0, players={7: {"x": 5}}))

    threading.Thread(target=later).start()
    assert client.try_to(lambda game_state: game_state.players[7]["x"], timeout=WAIT) == 5
    assert client.try_to(lambda game_state: None) is None


def test_try_to_raises_timeout_error_that_names_what_is_missing(client: Client) -> None:
    with pytest.raises(TimeoutError, match="no attribute 'nowhere'"):
        client.try_to(lambda game_state: game_state.nowhere, timeout=0.1)


def test_try_to_lets_every_other_error_through_at_once(client: Client) -> None:
    def divide(game_state: GameState) -> float:
        return 1 / 0

    def of_something_else(game_state: GameState) -> Any:
        return (5).nothing  # type: ignore[attr-defined]

    began = time.monotonic()
    with pytest.raises(ZeroDivisionError):
        client.try_to(divide, timeout=WAIT)
    with pytest.raises(AttributeError):
        client.try_to(of_something_else, timeout=WAIT)
    assert time.monotonic() - began < 1.0


def test_before_the_first_state_the_state_is_empty_and_waiting_for_it_works() -> None:
    client, port = Client(), free_port()
    client.connect_in_thread(port, "127.0.0.1")
    with client.access_game_state() as game_state:
        assert game_state == GameState()
    backend = game()
    client.dispatch_event("SET_BAR", 9, retries=RELIABLE)
    threading.Timer(0.3, lambda: backend.run_in_thread("127.0.0.1", port)).start()
    assert client.try_to(lambda game_state: game_state.n, timeout=WAIT) >= 0
    client.wait_until(lambda game_state: game_state.bar == 9, timeout=WAIT)
    client.disconnect()
    backend.shutdown()


def test_within_an_access_block_the_state_does_not_change(client: Client) -> None:
    with client.access_game_state() as game_state:
        before = game_state.n
        seen = client.snapshots
        eventually(lambda: client.snapshots[-1].tick > seen[-1].tick + 3)
        assert game_state.n == before
    with client.access_game_state() as game_state:
        assert game_state.n > before


def test_waiting_on_the_networks_own_thread_is_refused_with_a_sentence(backend: Backend, client: Client) -> None:
    raised: list[Any] = []

    def handler() -> None:
        try:
            client.wait_until(lambda game_state: False)
        except RuntimeError as error:
            raised.append(error)

    client.register_event_handler("WAIT", handler)
    backend.server.dispatch_event("WAIT", retries=RELIABLE)
    eventually(lambda: raised)
    assert "on the thread that receives the states" in str(raised[0])


# -- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retries", [0, 3, RELIABLE])
def test_ack_callbacks_run_as_functions_and_as_coroutines(backend: Backend, client: Client, retries: int) -> None:
    acked: list[Any] = []

    async def slowly(*args: Any) -> None:
        await asyncio.sleep(0.01)
        acked.append(args)

    client.register_event_handler("NEWS", lambda: None)
    client.dispatch_event("RESET_FOO", retries=retries, ack_callback=lambda: acked.append(()))
    client.dispatch_event("RESET_FOO", retries=retries, ack_callback=slowly)
    backend.server.dispatch_event("NEWS", retries=retries, ack_callback=lambda connection: acked.append((connection,)))
    backend.server.dispatch_event("NEWS", target_client=client.address, retries=retries, ack_callback=slowly)
    eventually(lambda: len(acked) == 4)
    assert client.address is not None
    connection = backend.server.connections[client.address]
    assert sorted(len(args) for args in acked) == [0, 0, 1, 1]
    assert all(args[0] is connection for args in acked if args)


def test_handlers_may_be_coroutine_functions_everywhere() -> None:
    seen: list[str] = []

    async def at_machine(x: int, game_state: GameState) -> dict[str, Any]:
        await asyncio.sleep(0.01)
        return {"x": x}

    async def at_server(x: int) -> None:
        await asyncio.sleep(0.01)
        seen.append("server")

    async def at_client(x: int) -> None:
        await asyncio.sleep(0.01)
        seen.append("client")

    backend, client = game(E=at_machine), Client()
    backend.server.register_event_handler("E", at_server)
    client.register_event_handler("F", at_client)
    backend.run_in_thread("127.0.0.1")
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    client.dispatch_event("E", 5, retries=RELIABLE)
    client.wait_until(lambda game_state: game_state.x == 5, timeout=WAIT)
    backend.server.dispatch_event("F", 1, retries=RELIABLE)
    eventually(lambda: sorted(seen) == ["client", "server"])
    client.disconnect()
    backend.shutdown()


def test_events_can_be_dispatched_from_many_threads_at_once() -> None:
    heard: list[Any] = []
    backend, client = game(E=lambda who, n: heard.append((who, n)) or None), Client()
    backend.run_in_thread("127.0.0.1")
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")

    def send(who: int) -> None:
        for n in range(100):
            client.dispatch_event("E", who, n, retries=RELIABLE)

    threads = [threading.Thread(target=send, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    eventually(lambda: len(heard) == 400)
    for who in range(4):
        assert [n for sender, n in heard if sender == who] == list(range(100))
    client.disconnect()
    backend.shutdown()


# -- what goes wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
def test_a_dead_port_raises_after_the_time_out_with_a_plain_sentence(host: str) -> None:
    client = Client()
    began = time.monotonic()
    with pytest.raises(ConnectionFailed, match="Nobody answers there") as caught:
        client.connect(free_port(), host, connect_timeout=0.4)
    assert 0.4 <= time.monotonic() - began < 2.0
    assert isinstance(caught.value, ConnectionError)
    assert isinstance(caught.value, PygaseError)
    assert caught.value.reason is DisconnectReason.NO_ANSWER
    assert client.status == "disconnected"


def test_a_dead_port_ends_the_thread_and_tells_the_client_why() -> None:
    client, told = Client(), []
    client.register_event_handler(DISCONNECTED, lambda reason, detail: told.append(reason))
    thread = client.connect_in_thread(free_port(), "127.0.0.1", connect_timeout=0.3)
    assert thread.daemon
    assert client.status == "connecting"
    thread.join(WAIT)
    assert not thread.is_alive()
    assert isinstance(client.error, ConnectionFailed)
    assert client.disconnect_reason is DisconnectReason.NO_ANSWER
    assert told == [DisconnectReason.NO_ANSWER]


def test_an_unknown_host_name_is_an_error_with_what_to_do() -> None:
    with pytest.raises(AddressNotUsable, match=r"is not known .* check the spelling"):
        Client().connect(8080, "no-such-host.invalid")
    client = Client()
    client.connect_in_thread(8080, "no-such-host.invalid").join(WAIT)
    assert isinstance(client.error, AddressNotUsable)
    assert client.status == "disconnected"


@pytest.mark.parametrize("port", [0, -1, 65536, "8080", None, True])
def test_a_port_that_is_none_is_refused(port: Any) -> None:
    client = Client()
    with pytest.raises(TypeError if port is None else ValueError, match="port"):
        client.connect(port, "127.0.0.1")
    assert client.status == "disconnected"


def test_a_port_in_use_is_an_error_that_says_what_to_do(backend: Backend) -> None:
    port = backend.server.port
    assert port
    second = game()
    for run in (
        lambda: second.run("127.0.0.1", port),
        lambda: second.run_in_thread("127.0.0.1", port),
        lambda: Server(GameStateStore()).run(port, "127.0.0.1"),
        lambda: Server(GameStateStore()).run_in_thread(port, "127.0.0.1"),
        lambda: asyncio.run(awaited(lambda: second.run("127.0.0.1", port))),
    ):
        with pytest.raises(AddressInUse, match=f"port {port} is already in use.*or 0 for any free one") as caught:
            run()
        assert isinstance(caught.value, OSError)
    thread = second.run_in_thread("127.0.0.1", 0)  # and now it can be run elsewhere
    assert second.server.port
    second.shutdown()
    thread.join(WAIT)


async def awaited(call: Callable[[], Any]) -> Any:
    return await call()


def test_an_address_that_is_not_ours_is_an_error_that_says_what_to_do() -> None:
    with pytest.raises(AddressNotUsable, match=r"use 'localhost' for this machine"):
        game().run("192.0.2.1", 0)


def test_a_server_is_running_already(backend: Backend) -> None:
    with pytest.raises(RuntimeError, match="already"):
        backend.run_in_thread("127.0.0.1", 0)
    with pytest.raises(RuntimeError, match="already"):
        backend.server.run(0)
    assert backend.server.port


def test_disconnecting_while_connecting_ends_the_thread() -> None:
    for pause in (0.0, 0.05):
        client = Client()
        thread = client.connect_in_thread(free_port(), "127.0.0.1")
        time.sleep(pause)
        client.disconnect()
        thread.join(WAIT)
        assert not thread.is_alive()
        assert client.status == "disconnected"
        assert client.error is None


def test_disconnecting_a_client_that_is_not_connected_does_nothing() -> None:
    Client().disconnect()
    Client().disconnect(shutdown_server=True)


def test_shutting_down_what_does_not_run_does_nothing() -> None:
    began = time.monotonic()
    game().shutdown()
    Server(GameStateStore()).shutdown()
    assert GameStateMachine(GameStateStore()).stop() is True
    assert time.monotonic() - began < 1.0


def test_a_server_restarts_on_its_port_and_a_client_connects_again() -> None:
    backend, client = game(), Client()
    port = free_port()
    for round_number in range(3):
        server_thread = backend.run_in_thread("127.0.0.1", port, 0.01)
        thread = client.connect_in_thread(port, "127.0.0.1")
        client.wait_until(lambda game_state, n=3 * round_number: game_state.n > n, timeout=WAIT)
        backend.shutdown()
        thread.join(WAIT)
        server_thread.join(WAIT)
        assert not thread.is_alive()
        assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN
        assert client.error is None


def test_the_host_shuts_the_server_down_and_a_guest_does_not(backend: Backend, client: Client) -> None:
    guest = Client()
    guest.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    guest.wait_until(lambda game_state: game_state.n > 0, timeout=WAIT)
    guest.disconnect(shutdown_server=True)
    assert guest.status == "disconnected"
    assert backend.server.port
    client.disconnect(shutdown_server=True)
    eventually(lambda: backend.server.port is None)


def test_a_handler_that_raises_leaves_server_and_client_running(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> None:
        raise RuntimeError("the game has a bug")

    backend, client = game(BREAK=broken), Client()
    client.register_event_handler("BREAK", broken)
    backend.run_in_thread("127.0.0.1")
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    with caplog.at_level(logging.ERROR, "pygase"):
        client.dispatch_event("BREAK", retries=RELIABLE)
        eventually(lambda: "event 'BREAK'" in caplog.text)
        backend.server.dispatch_event("BREAK", retries=RELIABLE)
        eventually(lambda: caplog.text.count("the game has a bug") >= 2)
    n = client.try_to(lambda game_state: game_state.n, timeout=WAIT)
    client.wait_until(lambda game_state: game_state.n > n + 3, timeout=WAIT)
    client.disconnect()
    backend.shutdown()


def test_noise_on_the_socket_harms_nobody(backend: Backend, client: Client) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in (b"", b"\0", b"\xff" * 1200, b"shut_me_down", b"\x06" * 60_000):
            stranger.sendto(data, ("127.0.0.1", backend.server.port or 0))
    eventually(lambda: sum(backend.server.dropped.values()) >= 4)
    n = client.try_to(lambda game_state: game_state.n)
    client.wait_until(lambda game_state: game_state.n > n + 3, timeout=WAIT)


def test_a_debug_backend_ends_with_the_games_exception_and_tells_its_clients() -> None:
    def broken(game_state: GameState, dt: float) -> dict[str, Any]:
        if game_state.n == 5 and connected.wait(WAIT):
            raise RuntimeError("the game has a bug")
        return {"n": game_state.n + 1}

    connected = threading.Event()
    backend = Backend(GameState(n=0), broken, debug=True)
    backend.game_state_machine.register_event_handler(CLIENT_CONNECTED, lambda: connected.set())
    raised: list[BaseException] = []
    port = free_port()

    def serve() -> None:
        try:
            backend.run("127.0.0.1", port, 0.05)
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = Client()
    client.connect_in_thread(port, "127.0.0.1")
    thread.join(WAIT)
    assert [str(error) for error in raised] == ["the game has a bug"]
    eventually(lambda: client.status == "disconnected")


# -- asyncio programs ------------------------------------------------------------------------------------------------


async def until(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        await asyncio.sleep(0.002)


def test_everything_can_be_awaited_in_one_asyncio_program() -> None:
    store = GameStateStore(GameState(n=0))
    machine, server, client = GameStateMachine(store), Server(store), Client()
    machine.time_step = lambda game_state, dt: {"n": game_state.n + 1}  # type: ignore[method-assign]

    async def serve() -> None:
        await server.run(0, "127.0.0.1", machine)

    async def loop() -> None:
        await machine.run_game_loop(0.01)

    async def main() -> None:
        serving, looping = asyncio.create_task(serve()), asyncio.create_task(loop())
        await until(lambda: server.port)
        connecting = asyncio.create_task(client.connect(server.port, "127.0.0.1"))
        await until(lambda: client.snapshots and client.snapshots[-1].state["n"] > 3)
        assert await machine.stop() is True
        await looping
        await until(lambda: client.snapshots[-1].state["game_status"] == GameStatus.get("Paused"))
        assert await client.disconnect() is None
        await connecting
        assert client.status == "disconnected"
        assert await server.shutdown() is None
        await serving
        assert server.port is None

    asyncio.run(main())


def test_completions_may_be_tasks_too_or_be_left_alone() -> None:
    backend, client = game(), Client()

    async def main() -> None:
        serving = asyncio.create_task(backend.run("127.0.0.1", 0))
        await until(lambda: backend.server.port)
        connecting = asyncio.create_task(client.connect(backend.server.port, "127.0.0.1"))
        await until(lambda: client.status == "connected")
        await asyncio.create_task(client.disconnect())
        await connecting
        backend.shutdown()  # not awaited: it happens all the same
        await asyncio.wait_for(serving, WAIT)

    asyncio.run(main())


def test_cancelling_the_tasks_ends_both_sides_properly() -> None:
    backend, client, witness = game(), Client(), Client()

    async def main() -> None:
        serving = asyncio.create_task(backend.run("127.0.0.1", 0))
        await until(lambda: backend.server.port)
        port = backend.server.port
        connecting = [asyncio.create_task(c.connect(port, "127.0.0.1")) for c in (client, witness)]
        await until(lambda: client.status == witness.status == "connected")
        connecting[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting[0]
        assert client.status == "disconnected"
        await until(lambda: len(backend.server.connections) == 1)
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(serving, WAIT)
        await asyncio.wait_for(connecting[1], WAIT)
        assert witness.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN
        assert backend.game_state_store.get_game_state().is_paused()

    asyncio.run(main())
    thread = backend.run_in_thread("127.0.0.1", 0)  # and it can be run again
    backend.shutdown()
    thread.join(WAIT)


def test_a_dead_port_raises_in_an_asyncio_program_too() -> None:
    async def main() -> None:
        with pytest.raises(ConnectionFailed):
            await Client().connect(free_port(), "127.0.0.1", connect_timeout=0.3)

    asyncio.run(main())


def test_a_paused_backend_keeps_its_clients(backend: Backend, client: Client) -> None:
    assert backend.game_state_machine.stop(timeout=WAIT)
    client.wait_until(lambda game_state: game_state.is_paused(), timeout=WAIT)
    backend.game_state_store.push_update(GameStateUpdate(0, note="paused"))
    client.wait_until(lambda game_state: game_state.note == "paused", timeout=WAIT)
    thread = backend.game_state_machine.run_game_loop_in_thread(0.01)
    n = client.try_to(lambda game_state: game_state.n)
    client.wait_until(lambda game_state: game_state.n > n + 3 and not game_state.is_paused(), timeout=WAIT)
    backend.game_state_machine.stop(timeout=WAIT)
    thread.join(WAIT)


class Proactor(asyncio.SelectorEventLoop):
    """A loop that, like Windows' default one, cannot watch sockets."""

    add_reader = asyncio.AbstractEventLoop.add_reader  # type: ignore[assignment]
    remove_reader = asyncio.AbstractEventLoop.remove_reader  # type: ignore[assignment]

    def _add_reader(self, fd: Any, callback: Any, *args: Any) -> Any:  # its own wake-up pipe still works
        return super()._add_reader(fd, callback, *args)  # type: ignore[misc]


def test_on_a_loop_that_cannot_watch_sockets_a_thread_listens() -> None:
    backend, client = game(), Client()
    listening: list[bool] = []

    async def main() -> None:
        serving = asyncio.create_task(backend.run("127.0.0.1", 0, 0.01))
        await until(lambda: backend.server.port)
        connecting = asyncio.create_task(client.connect(backend.server.port, "127.0.0.1"))
        client.dispatch_event("SET_BAR", 5, retries=RELIABLE)
        await until(lambda: client.snapshots and client.snapshots[-1].state["bar"] == 5)
        drivers = (backend.server.plumbing.run.driver, client.plumbing.driver)
        listening.extend(isinstance(d, LoopDriver) and d._listener is not None for d in drivers)
        await client.disconnect()
        await connecting
        backend.shutdown()
        await asyncio.wait_for(serving, WAIT)

    with asyncio.Runner(loop_factory=Proactor) as runner:
        runner.run(main())
    assert listening == [True, True]
    eventually(lambda: not any(t.name == "pygase-listener" for t in threading.enumerate()))


# -- without threads -------------------------------------------------------------------------------------------------


def test_a_client_can_be_pumped_from_the_games_own_loop(backend: Backend) -> None:
    client, acked, told = Client(), [], []
    client.register_event_handler(CONNECTED, lambda: told.append("connected"))
    client.register_event_handler("NEWS", lambda text: told.append(text))
    before = threading.active_count()
    client.open(backend.server.port or 0, "127.0.0.1")
    client.dispatch_event("SET_BAR", 5, retries=RELIABLE, ack_callback=lambda: acked.append(1))

    def pumped_until(condition: Callable[[], Any]) -> None:
        eventually(lambda: client.pump() or condition())

    pumped_until(lambda: acked and client.snapshots and client.snapshots[-1].state["bar"] == 5)
    backend.server.dispatch_event("NEWS", "hello", retries=RELIABLE)
    pumped_until(lambda: told == ["connected", "hello"])
    assert client.status == "connected"
    assert threading.active_count() <= before
    client.wait_until(lambda game_state: game_state.n > 0, timeout=WAIT)
    client.disconnect()
    assert client.status == "disconnected"
    eventually(lambda: not backend.server.connections)
    client.pump()  # harmless, for the last frames


def test_a_pumped_client_notices_that_nobody_answers() -> None:
    client = Client()
    client.open(free_port(), "127.0.0.1", connect_timeout=0.2)
    eventually(lambda: client.pump() or client.status == "disconnected")
    assert isinstance(client.error, ConnectionFailed)


def test_pumping_a_client_that_has_a_thread_is_refused(client: Client) -> None:
    with pytest.raises(RuntimeError, match="opened with open"):
        client.pump()


def test_opening_at_an_unknown_host_leaves_the_client_disconnected() -> None:
    client = Client()
    with pytest.raises(AddressNotUsable):
        client.open(8080, "no-such-host.invalid")
    assert client.status == "disconnected"


# -- processes -------------------------------------------------------------------------------------------------------

SERVER_PROGRAM = """
from pygase import Backend, GameState
backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
backend.run("127.0.0.1", 0, on_bound=lambda server: print(server.port, flush=True))
"""

CLIENT_PROGRAM = """
from pygase import Client
client = Client()
client.connect_in_thread(%d, "127.0.0.1")
print("the main thread is done", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_ends_a_blocking_backend_and_its_clients_are_told() -> None:
    process = subprocess.Popen([sys.executable, "-c", SERVER_PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        client = Client()
        client.connect_in_thread(port, "127.0.0.1")
        client.wait_until(lambda game_state: game_state.n > 3, timeout=WAIT)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=WAIT)
    finally:
        process.kill()
        process.communicate()
    assert b"KeyboardInterrupt" in errors
    eventually(lambda: client.status == "disconnected")
    assert client.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN


BLOCKING_CLIENT_PROGRAM = """
from pygase import CONNECTED, Client
client = Client()
client.register_event_handler(CONNECTED, lambda: print("connected", flush=True))
client.connect(%d, "127.0.0.1")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for a single process")
def test_ctrl_c_ends_a_blocking_client_and_the_server_is_told(backend: Backend) -> None:
    left: list[DisconnectReason] = []
    backend.game_state_machine.register_event_handler(CLIENT_LEFT, lambda reason: left.append(reason) or None)
    process = subprocess.Popen(
        [sys.executable, "-c", BLOCKING_CLIENT_PROGRAM % backend.server.port],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"connected\n"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=WAIT)
    finally:
        process.kill()
        process.communicate()
    assert b"KeyboardInterrupt" in errors
    eventually(lambda: left)
    assert left == [DisconnectReason.CLOSED]


def test_a_program_ends_with_its_main_thread_whether_anybody_answers_or_not(backend: Backend) -> None:
    for port in (free_port(), backend.server.port):
        done = subprocess.run(
            [sys.executable, "-c", CLIENT_PROGRAM % port], capture_output=True, timeout=2 * WAIT, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip() == b"the main thread is done"
        assert done.stderr == b""
