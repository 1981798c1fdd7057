"""A client's last events reach the server before its goodbye, on links of every kind."""

from collections.abc import Callable
from typing import Any

import pytest

from pygase import CLIENT_LEFT, DISCONNECTED, RELIABLE, Backend, Client, DisconnectReason, GameState
from pygase._io.leaving import LAST_WORDS
from pygase.testing import Link, SimulatedNetwork


def disconnect(client: Client) -> None:
    client.disconnect()


def end_of_program(client: Client) -> None:
    client.plumbing.session.leave()


each_end = pytest.mark.parametrize("end", [disconnect, end_of_program])


class Visit:
    """One client at a server that records its events."""

    def __init__(self, seed: int, link: Link) -> None:
        self.heard: list[Any] = []
        backend = Backend(
            GameState(n=0),
            lambda game_state, dt: {"n": game_state.n + 1},
            {"LAST": self.heard.append, CLIENT_LEFT: lambda reason: self.heard.append(reason)},
        )
        self.network, self.client, self.server = SimulatedNetwork(seed, link), Client(), backend.server
        self.network.serve(backend)
        self.network.connect(self.client)

    def connect(self) -> None:
        self.network.run_until(lambda: self.client.snapshots)

    def end(self, end: Callable[[Client], None]) -> float:
        """Hang up; return how many virtual seconds that took."""
        began_at = self.network.now
        end(self.client)
        self.network.run_until(lambda: self.client.status == "disconnected", 2.0)
        took = self.network.now - began_at
        self.network.run(0.5)
        return took


@each_end
@pytest.mark.parametrize("retries", [0, 3, RELIABLE])
def test_no_goodbye_overtakes_an_event_where_none_is_lost(end: Callable[[Client], None], retries: int) -> None:
    for seed in range(30):
        visit = Visit(seed, Link(latency=0.02, jitter=0.06))
        visit.connect()
        visit.client.dispatch_event("LAST", seed, retries=retries)
        took = visit.end(end)
        assert visit.heard == [seed, DisconnectReason.CLOSED], seed
        assert 0.02 < took < 0.3


@each_end
def test_a_lost_event_is_resent_until_half_a_second_is_over(end: Callable[[Client], None]) -> None:
    """Also for a program that has only just connected, without any measurement of its link.

    With half lost each way, one sending delivers 50 of 100, and two deliver 75.
    """
    arrived, took = 0, list[float]()
    for seed in range(100):
        visit = Visit(seed, Link(latency=0.02))
        visit.connect()
        visit.network.set_link(visit.client, Link(latency=0.02, loss=0.5))
        visit.client.dispatch_event("LAST", seed, retries=RELIABLE)
        took.append(visit.end(end))
        arrived += seed in visit.heard
    assert arrived >= 87
    assert max(took) <= LAST_WORDS + 0.01


@each_end
def test_a_client_that_still_connects_gets_its_words_out_once_it_stands(end: Callable[[Client], None]) -> None:
    visit = Visit(1, Link(latency=0.05))
    visit.client.dispatch_event("LAST", 1)
    took = visit.end(end)
    assert visit.heard == [1, DisconnectReason.CLOSED]
    assert 0.2 < took < 0.4  # two round trips to connect, one for the event


def test_disconnect_of_a_client_that_still_connects_and_has_nothing_to_say_gives_up_at_once() -> None:
    visit = Visit(1, Link(latency=0.05))
    visit.network.run(0.12)
    assert visit.end(disconnect) == 0.0


def test_at_the_programs_end_such_a_client_says_goodbye_if_the_server_has_let_it_in() -> None:
    visit = Visit(1, Link(latency=0.05))
    visit.network.run(0.16)  # the server's answer is under way
    assert len(visit.server.connections) == 1
    visit.end(end_of_program)
    assert visit.heard == [DisconnectReason.CLOSED]
    assert not visit.server.connections


@each_end
def test_where_nobody_answers_half_a_second_is_all(end: Callable[[Client], None]) -> None:
    visit = Visit(1, Link(latency=0.01))
    visit.connect()
    visit.network.partition(visit.client)
    for number in range(20):
        visit.client.dispatch_event("LAST", number, retries=RELIABLE)
    assert visit.end(end) == pytest.approx(LAST_WORDS, abs=0.01)
    lonely = Visit(1, Link(loss=1.0))
    lonely.client.dispatch_event("LAST", 1, retries=RELIABLE)
    assert lonely.end(end) == pytest.approx(LAST_WORDS, abs=0.01)
    assert lonely.client.disconnect_reason is DisconnectReason.CLOSED


@each_end
def test_a_client_that_has_said_nothing_just_before_leaves_at_once(end: Callable[[Client], None]) -> None:
    visit = Visit(1, Link(latency=0.05))
    visit.connect()
    visit.client.dispatch_event("LAST", 1)
    visit.network.run(0.2)
    assert visit.end(end) < 0.001


@each_end
def test_much_said_at_once_leaves_before_the_goodbye(end: Callable[[Client], None]) -> None:
    """More than may leave in one burst."""
    visit = Visit(1, Link(latency=0.01))
    visit.connect()
    for number in range(100):
        visit.client.dispatch_event("LAST", number)
        visit.client.dispatch_event("NOISE", "x" * 3000)
    visit.end(end)
    assert visit.heard == [*range(100), DisconnectReason.CLOSED]


def test_at_the_programs_end_the_main_thread_takes_no_socket_from_a_goodbye() -> None:
    """While the network's thread closes the connection, the main thread pumps until the session has ended."""
    visit = Visit(1, Link(latency=0.02))
    visit.connect()
    session, ended = visit.client.plumbing.session, list[bool]()

    def pump() -> None:  # after the connection is closed, before its goodbye is sent
        session.pump()
        ended.append(session.ended.done())

    visit.client.register_event_handler(DISCONNECTED, pump)
    visit.client.dispatch_event("LAST", "a")
    visit.end(end_of_program)
    assert ended == [False]
    assert visit.heard == ["a", DisconnectReason.CLOSED]
