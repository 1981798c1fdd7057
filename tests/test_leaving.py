"""Lost players are reported to the game: in virtual time and on real sockets, in the same order."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, RELIABLE, Backend, Client, GameState, Server, ServerConfig
from pygase.gamestate import GameStateUpdate
from pygase.store import GameStateStore
from pygase.testing import Link, SimulatedNetwork

QUICK = ServerConfig(timeout=0.6, heartbeat_interval=0.1, resume_seconds=0.0)
INTERVALS = [1 / 20, 1 / 30, 1 / 40, 1 / 50, 1 / 60, 1 / 128]


class Simulated:
    """A game and its players in virtual time."""

    def __init__(self, backend: Backend, interval: float) -> None:
        self.network = SimulatedNetwork(3, Link(latency=0.001))
        self.backend = backend
        self.network.serve(backend, interval=interval)

    def join(self, client: Client) -> None:
        self.network.connect(client)

    def vanish(self, client: Client) -> None:
        self.network.partition(client)

    def wait(self, condition: Callable[[], Any]) -> None:
        self.network.run_until(condition, 5.0)

    def close(self) -> None:
        """Nothing to close."""


class Real:
    """The same with sockets, threads and the real clock."""

    def __init__(self, backend: Backend, interval: float) -> None:
        self.backend = backend
        self.clients: list[Client] = []
        backend.run_in_thread("127.0.0.1", 0, interval)

    def join(self, client: Client) -> None:
        self.clients.append(client)
        port = self.backend.server.port
        assert port is not None
        client.connect_in_thread(port, "127.0.0.1")

    def vanish(self, client: Client) -> None:
        session = client.plumbing.session
        session.line.driver.call(session.finish)  # the socket is closed without a goodbye

    def wait(self, condition: Callable[[], Any]) -> None:
        end = time.monotonic() + 5.0
        while not condition():
            assert time.monotonic() < end, "the condition was not met within 5 s"
            time.sleep(0.005)

    def close(self) -> None:
        for client in self.clients:
            client.disconnect()
        self.backend.shutdown()


WORLDS = [Simulated, pytest.param(Real, marks=pytest.mark.integration)]


def counting(reported: list[str]) -> Backend:
    """A game whose state changes in each tick. It reports arrivals and departures."""
    return Backend(
        GameState(n=0),
        lambda game_state, dt: {"n": game_state.n + 1},
        {
            CLIENT_CONNECTED: lambda: reported.append("connected"),
            CLIENT_LEFT: lambda reason: reported.append(reason.name),
        },
        config=QUICK,
    )


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize("world", WORLDS)
def test_the_last_player_who_vanishes_is_reported_while_the_state_changes_in_each_tick(
    world: Any, interval: float
) -> None:
    reported: list[str] = []
    backend = counting(reported)
    game, client = world(backend, interval), Client()
    try:
        game.join(client)
        game.wait(lambda: "connected" in reported and client.snapshots)
        game.vanish(client)
        game.wait(lambda: len(reported) > 1)
        assert reported == ["connected", "TIMED_OUT"]
        assert not backend.server.connections
    finally:
        game.close()


@pytest.mark.parametrize("world", WORLDS)
def test_each_of_several_players_who_vanish_one_after_the_other_is_reported(world: Any) -> None:
    reported: list[str] = []
    game, clients = world(counting(reported), 1 / 50), [Client() for _ in range(4)]
    try:
        for client in clients:
            game.join(client)
        game.wait(lambda: all(client.snapshots for client in clients))
        for number, client in enumerate(clients, 1):
            game.vanish(client)
            game.wait(lambda number=number: reported.count("TIMED_OUT") == number)
        assert not game.backend.server.connections
    finally:
        game.close()


def test_a_server_without_a_game_loop_reports_the_last_player_to_its_own_handler() -> None:
    """Even if the only updates are pushed by others."""
    store, reported = GameStateStore(GameState(n=0)), []
    server = Server(store, config=QUICK)
    server.register_event_handler(CLIENT_LEFT, lambda reason: reported.append(reason.name))
    network, client = SimulatedNetwork(1, Link(latency=0.01)), Client()
    network.serve(server)
    network.connect(client)
    network.run_until(lambda: client.snapshots, 2.0)
    network.partition(client)
    for n in range(60):
        store.push_update(GameStateUpdate(0, n=n))
        network.run(1 / 50)
    assert reported == ["TIMED_OUT"]
    assert not server.connections


@pytest.mark.parametrize("interval", [1 / 20, 1 / 60])
def test_one_script_is_reported_in_one_order_in_virtual_time_and_on_real_sockets(interval: float) -> None:
    assert played(Simulated, interval) == SCRIPT


@pytest.mark.integration
@pytest.mark.parametrize("interval", [1 / 20, 1 / 60])
def test_one_script_is_reported_in_that_order_on_real_sockets(interval: float) -> None:
    assert played(Real, interval) == SCRIPT


SCRIPT = [
    "server: Ann has connected",
    "Ann: state 0",
    "Ann: WELCOME",
    "server: Ann says 1",
    "Ann: state 1",
    "Ann: ECHO 1",
    "server: Bob has connected",
    "Bob: state 1",
    "Bob: WELCOME",
    "server: Bob says 2",
    "Ann: state 3",
    "Ann: ECHO 2",
    "server: Ann has left: TIMED_OUT",
    "server: Bob says 4",
    "Bob: state 7",
    "Bob: ECHO 4",
    "server: Bob has left: CLOSED",
]
"""What the script leads to. Of ``state`` and ``ECHO`` only those of one player at a time are noted: nobody promises in
which order two players receive."""


def played(world: Any, interval: float) -> list[str]:
    """Play the script. Return the reports of both sides in order."""
    log: list[str] = []
    names: dict[Any, str] = {}
    arriving = iter(["Ann", "Bob"])

    def arrived(client_address: Any) -> None:
        names[client_address] = next(arriving)
        log.append(f"server: {names[client_address]} has connected")
        backend.server.dispatch_event("WELCOME", target_client=client_address, retries=RELIABLE)

    def left(client_address: Any, reason: Any) -> None:
        log.append(f"server: {names[client_address]} has left: {reason.name}")

    def say(number: int, client_address: Any, game_state: Any) -> dict[str, Any]:
        log.append(f"server: {names[client_address]} says {number}")
        backend.server.dispatch_event("ECHO", number, retries=3)
        return {"sum": game_state.sum + number}

    handlers = {CLIENT_CONNECTED: arrived, CLIENT_LEFT: left, "SAY": say}
    backend = Backend(GameState(sum=0), lambda game_state, dt: {}, handlers, config=QUICK)
    game = world(backend, interval)
    speaker = ["Ann"]

    def player(name: str) -> Client:
        client = Client()

        def note(what: str) -> None:
            if speaker[0] == name:
                with client.access_game_state() as state:
                    log.extend([f"{name}: state {state.sum}", f"{name}: {what}"])

        client.register_event_handler("WELCOME", lambda: note("WELCOME"))
        client.register_event_handler("ECHO", lambda number: note(f"ECHO {number}"))
        return client

    ann, bob = player("Ann"), player("Bob")
    try:
        game.join(ann)
        game.wait(lambda: log[-1:] == ["Ann: WELCOME"])
        ann.dispatch_event("SAY", 1, retries=RELIABLE)
        game.wait(lambda: log[-1:] == ["Ann: ECHO 1"])
        speaker[0] = "Bob"
        game.join(bob)
        game.wait(lambda: log[-1:] == ["Bob: WELCOME"])
        speaker[0] = "Ann"
        bob.dispatch_event("SAY", 2, retries=2)
        game.wait(lambda: log[-1:] == ["Ann: ECHO 2"])
        game.vanish(ann)
        game.wait(lambda: log[-1].endswith("TIMED_OUT"))
        speaker[0] = "Bob"
        bob.dispatch_event("SAY", 4)
        game.wait(lambda: log[-1:] == ["Bob: ECHO 4"])
        bob.disconnect()
        game.wait(lambda: log[-1].endswith("CLOSED"))
        return log
    finally:
        game.close()
