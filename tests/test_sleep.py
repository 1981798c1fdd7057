"""A process that slept (a closed lid, a debugger, SIGSTOP) does not take the others for lost."""

import signal
import subprocess
import sys
import time
from typing import Any

import pytest

from pygase import CLIENT_LEFT, RELIABLE, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase._protocol.sleep import ASLEEP, SleepWatch
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame.joining import OWN_PLAYER

PATIENT = ClientConfig(timeout=60.0)


class Game:
    """A game in virtual time whose players send an event in each of their frames."""

    def __init__(self, players: int = 2, interval: float = 0.02, client: ClientConfig = PATIENT, **config: Any) -> None:
        self.left = list[str]()
        self.heard = 0
        config.setdefault("resume_seconds", 0.0)
        handlers = {CLIENT_LEFT: lambda reason: self.left.append(reason.name), "HI": self._hi}
        step = {"n": lambda game_state: game_state.n + 1}
        self.backend = Backend(
            GameState(n=0), lambda game_state, dt: {"n": step["n"](game_state)}, handlers, config=ServerConfig(**config)
        )
        self.network = SimulatedNetwork(4, Link(latency=0.02))
        self.network.serve(self.backend, interval=interval)
        self.clients = [Client(config=client) for _ in range(players)]
        for client_ in self.clients:
            self.network.connect(client_)
        self.play(1.0)

    def _hi(self) -> None:
        self.heard += 1

    def play(self, seconds: float, *, silent: tuple[Client, ...] = ()) -> None:
        for _ in range(round(seconds * 30)):
            self.network.run(1 / 30)
            for client in self.clients:
                if client not in silent:
                    client.dispatch_event("HI")


@pytest.mark.parametrize("seconds", [1.5, 4.0, 7.0, 30.0])
@pytest.mark.parametrize("interval", [1 / 20, 1 / 60, 3.0])
def test_a_server_that_slept_keeps_its_players(interval: float, seconds: float) -> None:
    game = Game(interval=interval)
    game.network.suspend(game.backend, seconds)
    game.play(seconds + 2.0)
    assert game.left == []
    assert [client.status for client in game.clients] == ["connected"] * 2
    ticks = [client.snapshots[-1].tick for client in game.clients]
    game.play(max(0.5, 2 * interval))
    assert all(client.snapshots[-1].tick > tick for client, tick in zip(game.clients, ticks, strict=True))


def test_a_player_who_vanished_while_the_server_slept_is_reported_afterwards() -> None:
    game = Game()
    game.network.suspend(game.backend, 7.0)
    game.network.partition(game.clients[0])
    game.play(7.5)
    assert game.left == []
    game.play(5.0)
    assert game.left == ["TIMED_OUT"]


def test_a_server_that_sleeps_before_every_turn_still_notices_who_is_gone() -> None:
    """For example a server whose every tick takes two seconds."""
    game = Game(timeout=3.0, heartbeat_interval=0.5)
    game.network.partition(game.clients[0])
    for _ in range(10):
        game.network.suspend(game.backend, 2.0)
        game.play(2.05)
    assert game.left == ["TIMED_OUT"]


@pytest.mark.parametrize("seconds", [1.5, 4.0, 8.0])
def test_a_player_who_slept_keeps_the_server(seconds: float) -> None:
    game = Game(timeout=60.0, client=ClientConfig(timeout=2.0))
    game.network.suspend(game.clients[0], seconds)
    game.play(seconds + 3.0)
    assert game.clients[0].status == "connected"
    assert game.clients[0].snapshots[-1].tick == pytest.approx(game.clients[1].snapshots[-1].tick, abs=3)


def test_both_may_sleep_at_once() -> None:
    game = Game()
    for party in (game.backend, *game.clients):
        game.network.suspend(party, 12.0)
    game.network.run(12.0)
    game.play(3.0)
    assert game.left == []
    assert [client.status for client in game.clients] == ["connected"] * 2


def test_a_player_who_sleeps_while_connecting_connects_afterwards() -> None:
    game, late = Game(), Client()
    game.network.connect(late, connect_timeout=1.0)
    game.network.suspend(late, 5.0)
    game.network.run(6.0)
    assert late.status == "connected"


def test_what_lay_in_the_socket_measures_no_round_trip() -> None:
    game = Game(timeout=60.0)
    connections = game.backend.server.connections
    before = [connections[client.address].latency for client in game.clients]  # type: ignore[index]
    for party in (game.backend, game.clients[0]):
        game.network.suspend(party, 7.0)
        game.play(8.0)
        for client, rtt in zip(game.clients, before, strict=True):
            assert connections[client.address].latency < 2 * rtt + 0.05  # type: ignore[index]
            assert client.stats.rtt < 0.2


def test_reliable_events_of_a_player_arrive_at_a_server_that_slept() -> None:
    game, got = Game(), list[int]()
    game.backend.game_state_machine.register_event_handler("COUNT", got.append)
    game.network.suspend(game.backend, 7.0)
    for number in range(50):
        game.clients[0].dispatch_event("COUNT", number, retries=RELIABLE)
        game.network.run(0.1)
    game.network.run(4.0)
    assert got == list(range(50))


@pytest.mark.parametrize("held_up", ["server", "player"])
def test_a_hosting_player_and_its_own_server_never_take_each_other_for_lost(held_up: str) -> None:
    """One of two threads of a process is stopped, as by a breakpoint. The other one receives nothing for long."""
    game, own = Game(), Client(config=OWN_PLAYER)
    game.clients.append(own)
    game.network.connect(own, host_token=game.backend.server.own_token)
    game.play(1.0)
    game.network.suspend(game.backend if held_up == "server" else own, 50.0)
    game.play(52.0, silent=(own,))
    assert game.left == []
    assert own.status == "connected"
    assert game.backend.server.connections[own.address].is_host  # type: ignore[index]
    assert own.snapshots[-1].tick == pytest.approx(game.clients[0].snapshots[-1].tick, abs=3)


def test_a_hosting_player_who_comes_back_takes_the_place_that_nobody_would_have_cleared() -> None:
    game = Game(players=0)
    token, players = game.backend.server.own_token, [Client(config=OWN_PLAYER) for _ in range(2)]
    game.network.connect(players[0], host_token=token)
    game.play(1.0)
    players[0].plumbing.endpoint.release()  # gone without a goodbye
    game.play(60.0)
    assert len(game.backend.server.connections) == 1
    game.network.connect(players[1], host_token=token)
    game.play(1.0)
    assert game.left == ["REPLACED"]
    assert game.backend.server.host_client == players[1].address


def test_to_run_late_by_less_than_a_second_is_no_sleep_and_to_wait_for_nothing_is_none() -> None:
    watch = SleepWatch()
    assert watch.ran(100.0, None) == 0.0
    assert watch.ran(105.0, 104.2) == 0.0
    assert watch.ran(200.0, None) == 0.0  # nothing was late
    assert watch.ran(201.0, 100.0) == 0.0  # long overdue, with a recent run
    assert watch.overslept(204.0, 202.5) == 1.5 > ASLEEP
    assert watch.ran(204.0, 202.5) == 1.5
    assert watch.ran(204.1, 202.5) == 0.0


# -- real processes --------------------------------------------------------------------------------------------------

HOSTED = """
import time
from pygase import *
b = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1},
            {CLIENT_LEFT: lambda reason: print("left", reason.name, flush=True)},
            config=ServerConfig(timeout=1.2, heartbeat_interval=0.2))
b.run_in_thread("127.0.0.1", 0)
c = Client(config=ClientConfig(timeout=1.2, heartbeat_interval=0.2))
c.register_event_handler(DISCONNECTED, lambda reason: print("lost", reason.name, flush=True))
c.connect_in_thread(port=b.server.port)
c.wait_until(lambda state: state.n > 0, timeout=10)
print(b.server.port, flush=True)
input()
with c.access_game_state() as state:
    n = state.n
c.wait_until(lambda state: state.n > n + 3, timeout=10)
print("plays on", flush=True)
input()
"""


@pytest.mark.integration
@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="this system has no SIGSTOP")
def test_a_process_with_a_server_and_its_own_player_sleeps_and_plays_on_with_everybody() -> None:
    program = subprocess.Popen(
        [sys.executable, "-c", HOSTED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert program.stdin is not None
    assert program.stdout is not None
    guest = Client(config=ClientConfig(timeout=30.0, heartbeat_interval=0.2))
    try:
        guest.connect_in_thread(int(program.stdout.readline()), "127.0.0.1")
        guest.wait_until(lambda state: state.n > 0, timeout=10.0)
        program.send_signal(signal.SIGSTOP)
        time.sleep(3.0)
        program.send_signal(signal.SIGCONT)
        time.sleep(1.0)
        program.stdin.write("\n")
        assert program.stdout.readline() == "plays on\n"
        with guest.access_game_state() as state:
            n = state.n
        guest.wait_until(lambda state: state.n > n + 3, timeout=10.0)
    finally:
        guest.disconnect()
        program.kill()
        program.communicate()
