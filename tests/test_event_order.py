"""State before events: a handler at the client finds the state of the tick that sent the event, or a later one."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from pygase import CLIENT_CONNECTED, RELIABLE, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase.gamestate import GameStateUpdate
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import SERVER_EVENT, Session

LINKS = {
    "lan": Link(latency=0.001),
    "wifi": Link(latency=0.01, jitter=0.03, loss=0.03),
    "mobile": Link(latency=0.06, jitter=0.08, loss=0.1, duplicate=0.05, reorder=0.1),
}
RETRIES = [0, 3, RELIABLE]


class Counting:
    """A game whose state counts ticks. Each event names the count of the state that must arrive before it.

    Events are sent from the time step, from a handler, from the handler of CLIENT_CONNECTED, and from outside.
    """

    def __init__(self, **config: Any) -> None:
        handlers = {"ASK": self._asked, CLIENT_CONNECTED: self._connected}
        self.backend = Backend(GameState(n=0, asked=0, size=""), self._step, handlers, config=ServerConfig(**config))
        self.sent = 0
        self.seen: list[tuple[str, int, Any]] = []
        """Of each handled event: its origin, the count that must arrive before it, and the count in the client's state.
        """

    def _say(self, where: str, count: int, retries: int, **target: Any) -> None:
        self.sent += 1
        self.backend.server.dispatch_event("COUNT", where, count, retries=retries, **target)

    def _step(self, game_state: GameState, dt: float) -> dict[str, Any]:
        count = game_state.n + 1
        if count % 7 == 0:
            self._say("time_step", count, RETRIES[count % 3])
        return {"n": count}

    def _asked(self, retries: int, game_state: GameState) -> dict[str, Any]:
        self._say("handler", game_state.n + 1, retries)
        return {"asked": game_state.asked + 1}

    def _connected(self, client_address: Any, game_state: GameState) -> dict[str, Any]:
        for retries in RETRIES:
            self._say("CLIENT_CONNECTED", game_state.n + 1, retries, target_client=client_address)
        return {"size": "large " * 1000}  # several datagrams

    def listen(self, client: Client) -> Client:
        def count(where: str, count: int) -> None:
            with client.access_game_state() as state:
                self.seen.append((where, count, getattr(state, "n", None)))

        client.register_event_handler("COUNT", count)
        return client

    def check(self, *wheres: str) -> None:
        assert {where for where, _, _ in self.seen} >= set(wheres)
        early = [seen for seen in self.seen if seen[2] is None or seen[2] < seen[1]]
        assert not early, f"{len(early)} of {len(self.seen)} came before their state, such as {early[:3]}"


@pytest.mark.parametrize("interval", [1 / 20, 1 / 50, 1 / 60])
@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("seed", range(2))
def test_every_event_finds_its_state_on_every_link(link: str, interval: float, seed: int) -> None:
    game, network = Counting(), SimulatedNetwork(seed, LINKS[link])
    network.serve(game.backend, interval=interval)
    clients = [game.listen(Client(config=ClientConfig(event_patience=2.0))) for _ in range(2)]
    for client in clients:
        network.connect(client)
    for number in range(100):
        network.run(0.04)
        clients[number % 2].dispatch_event("ASK", RETRIES[number % 3], retries=RETRIES[number % 3])
    network.run(3.0)
    game.check("time_step", "handler", "CLIENT_CONNECTED")


def test_an_event_from_outside_a_tick_finds_the_state_of_that_moment() -> None:
    """Pushed and sent from a thread that runs no tick."""
    game, network = Counting(), SimulatedNetwork(1, Link(latency=0.02))
    network.serve(game.backend)
    client = game.listen(Client())
    network.connect(client)
    network.run(0.5)
    for count in range(1000, 1020):
        game.backend.game_state_store.push_update(GameStateUpdate(0, n=count))
        game._say("outside", count, 0)
        network.run(0.005)
    network.run(1.0)
    game.check("outside")


def test_an_event_does_not_wait_where_nothing_has_changed() -> None:
    """A world at rest sends no state, so no event waits for one."""
    backend = Backend(
        GameState(n=0), lambda game_state, dt: {}, {"ASK": lambda: backend.server.dispatch_event("ANSWER")}
    )
    network, client, answers = SimulatedNetwork(1, Link(latency=0.02)), Client(), list[float]()
    network.serve(backend)
    client.register_event_handler("ANSWER", lambda: answers.append(network.now))
    network.connect(client)
    network.run(2.0)
    for _ in range(5):
        before = network.now
        client.dispatch_event("ASK")
        network.run(1.0)
        assert answers.pop() - before == pytest.approx(0.06, abs=0.0201)  # a round trip, and the wait for the tick
    assert not answers


def test_an_event_waits_no_longer_than_its_patience_for_a_state_that_does_not_get_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every snapshot is lost, no event is. Each event is late by the client's patience, and none is lost."""
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
    network, late = SimulatedNetwork(1, Link(latency=0.01)), list[float]()
    network.serve(backend)
    client = Client(config=ClientConfig(event_patience=0.2))
    client.register_event_handler("SENT", lambda at: late.append(network.now - at))
    network.connect(client)
    network.run(0.5)
    monkeypatch.setattr(SnapshotReceiver, "receive", lambda self, body, kind: None)
    network.run(0.05)
    for _ in range(10):
        backend.server.dispatch_event("SENT", network.now, retries=RELIABLE)
        network.run(0.05)
    network.run(1.0)
    assert late == pytest.approx([0.21] * 10, abs=0.025)


def test_what_waits_is_handled_before_the_end_of_the_connection_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    log = list[str]()
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
    network = SimulatedNetwork(1, Link(latency=0.01))
    network.serve(backend)
    client = Client(config=ClientConfig(event_patience=60.0))
    client.register_event_handler("LAST", lambda: log.append("event"))
    client.register_event_handler("pygase:disconnected", lambda reason: log.append(reason.name))
    network.connect(client)
    network.run(0.5)
    monkeypatch.setattr(SnapshotReceiver, "receive", lambda self, body, kind: None)
    network.run(0.05)
    backend.server.dispatch_event("LAST", retries=RELIABLE)
    network.run(0.2)
    assert log == []
    backend.shutdown()
    network.run(0.5)
    assert log == ["event", "SERVER_SHUTDOWN"]


@pytest.mark.parametrize("link", LINKS)
def test_in_the_adapter_the_loop_finds_the_state_when_it_gets_the_event(link: str, pygame_events: None) -> None:
    game, network = Counting(), SimulatedNetwork(2, LINKS[link])
    network.serve(game.backend, interval=1 / 60)
    client = Client(config=ClientConfig(event_patience=2.0))
    session = Session(client, clock=lambda: network.now)
    network.connect(client)
    for frame in range(200):
        network.run(1 / 60)
        for event in pygame.event.get(SERVER_EVENT):
            game.seen.append((event.args[0], event.args[1], session.newest.get("n")))
        session.view()
        if frame % 5 == 0:
            client.dispatch_event("ASK", RETRIES[frame % 3])
    game.check("time_step", "handler", "CLIENT_CONNECTED")


@pytest.fixture
def pygame_events() -> Iterator[None]:
    pygame.init()
    pygame.display.set_mode((10, 10))
    pygame.event.clear()
    yield
    pygame.quit()


# -- real sockets ----------------------------------------------------------------------------------------------------


def ask_and_wait(game: Counting, client: Client, pump: Any) -> None:
    """Let the game answer for a second."""
    end, number = time.monotonic() + 1.0, 0
    while time.monotonic() < end:
        client.dispatch_event("ASK", RETRIES[number % 3], retries=RETRIES[number % 3])
        number += 1
        for _ in range(5):
            pump()
            time.sleep(0.004)


@pytest.mark.integration
@pytest.mark.parametrize("link", [None, "latency=20ms jitter=20ms loss=5%"])
@pytest.mark.parametrize("interval", [0.02, 1 / 60])
@pytest.mark.parametrize("form", ["thread", "pump"])
def test_on_real_sockets(form: str, interval: float, link: str | None) -> None:
    game = Counting()
    game.backend.run_in_thread("127.0.0.1", 0, interval)
    client = game.listen(Client(config=ClientConfig(event_patience=2.0)))
    client.condition(link, seed=4)
    port = game.backend.server.port
    assert port is not None
    try:
        if form == "thread":
            client.connect_in_thread(port, "127.0.0.1")
            client.wait_until(lambda state: state.n > 0, timeout=5.0)
            ask_and_wait(game, client, lambda: None)
        else:
            client.open(port, "127.0.0.1")
            ask_and_wait(game, client, client.pump)
        client.disconnect()
        game.check("time_step", "handler", "CLIENT_CONNECTED")
    finally:
        client.disconnect()
        game.backend.shutdown()


@pytest.mark.integration
def test_on_real_sockets_with_a_game_loop_on_a_thread_of_its_own() -> None:
    """Server and game loop are created and run separately, as the reference allows."""
    game = Counting()
    server, machine = game.backend.server, game.backend.game_state_machine
    server.run_in_thread(0, "127.0.0.1", event_wire=machine)
    loop = machine.run_game_loop_in_thread(0.01)
    client = game.listen(Client(config=ClientConfig(event_patience=2.0)))
    assert server.port is not None
    try:
        client.connect_in_thread(server.port, "127.0.0.1")
        client.wait_until(lambda state: state.n > 0, timeout=5.0)
        ask_and_wait(game, client, lambda: None)
        game.check("time_step", "handler", "CLIENT_CONNECTED")
        assert threading.active_count() >= 3
    finally:
        client.disconnect()
        machine.stop()
        loop.join(2.0)
        server.shutdown()
