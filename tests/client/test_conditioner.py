"""A bad link laid over a connection that is really there: alone, over a transport that a test steps, between server and
client in virtual time, and over sockets.
"""

import math
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pygase import (
    CLIENT_LEFT,
    CONNECTED,
    RELIABLE,
    Backend,
    Client,
    ConnectionFailed,
    DisconnectReason,
    GameState,
)
from pygase._client import conditioner as conditioner_module
from pygase._client.conditioner import Conditioner
from pygase._io.clocks import random_sources
from pygase._io.pumping import pumped_platform
from pygase._io.udp import ClientTransport
from pygase._protocol.client_peer import ClientProtocol
from pygase.checks import Destination
from pygase.links import LINKS, Link
from pygase.testing import ManualClock, SimulatedNetwork

WAIT = 10.0
"""Seconds that anything may take on a busy machine."""

HOME, AWAY = ("127.0.0.1", 1), ("127.0.0.1", 2)


# -- alone -------------------------------------------------------------------------------------------------------------


def conditioner(link: Link | None, seed: int = 1) -> Conditioner:
    made = Conditioner(*random_sources(seed))
    made.link = link
    return made


def through(made: Conditioner, way: str, count: int, interval: float = 0.01) -> list[tuple[int, float]]:
    """Let numbered datagrams pass one way, looking whenever one is due; return (number, delay) as they arrive."""
    put = made.send if way == "there" else made.receive
    due = made.due_to_send if way == "there" else made.due_to_receive
    arrived: list[tuple[int, float]] = []
    for number in range(count):
        now = number * interval
        while made.next_at <= now:
            at = made.next_at
            arrived += [(int(data), at - int(data) * interval) for data, _ in due(at)]
        put(b"%d" % number, AWAY, now)
    while made.next_at < math.inf:
        at = made.next_at
        arrived += [(int(data), at - int(data) * interval) for data, _ in due(at)]
    return arrived


@pytest.mark.parametrize("way", ["there", "back"])
class TestEachWay:
    def test_all_is_delayed_by_the_latency_exactly(self, way: str) -> None:
        arrived = through(conditioner(Link(latency=0.08)), way, 200)
        assert [number for number, _ in arrived] == list(range(200))
        assert [delay for _, delay in arrived] == pytest.approx([0.08] * 200)

    def test_jitter_adds_up_to_so_much(self, way: str, seed: int) -> None:
        delays = [delay for _, delay in through(conditioner(Link(latency=0.08, jitter=0.04), seed), way, 2000)]
        assert len(delays) == 2000
        assert 0.08 - 1e-9 <= min(delays) < 0.082
        assert 0.118 < max(delays) <= 0.12 + 1e-9
        assert sum(delays) / 2000 == pytest.approx(0.1, abs=0.002)

    def test_so_many_are_lost_and_so_many_doubled(self, way: str, seed: int) -> None:
        arrived = through(conditioner(Link(latency=0.05, loss=0.2, duplicate=0.1), seed), way, 5000)
        assert len({number for number, _ in arrived}) == pytest.approx(4000, abs=150)
        assert len(arrived) == pytest.approx(4400, abs=200)

    def test_what_a_narrow_link_cannot_take_queues_and_is_then_dropped(self, way: str) -> None:
        made = conditioner(Link(bandwidth=1000, queue_bytes=500))
        put, due = (made.send, made.due_to_send) if way == "there" else (made.receive, made.due_to_receive)
        for _ in range(20):
            put(bytes(100), AWAY, 0.0)
        assert len(due(0.31)) == 3
        assert len(due(10.0)) == 3  # 500 bytes waited when the seventh arrived, and no more do

    def test_the_other_way_sees_nothing_of_it(self, way: str) -> None:
        made = conditioner(Link(latency=0.1))
        (made.send if way == "there" else made.receive)(b"x", AWAY, 0.0)
        other = made.due_to_receive if way == "there" else made.due_to_send
        assert other(math.inf) == []
        assert made.held == ((1, 0) if way == "there" else (0, 1))

    def test_memory_is_bounded_in_number_and_in_bytes(self, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(conditioner_module, "MAX_UNDER_WAY", 10)
        monkeypatch.setattr(conditioner_module, "MAX_UNDER_WAY_BYTES", 5000)
        made = conditioner(Link(latency=1e9, duplicate=0.5))
        put, due = (made.send, made.due_to_send) if way == "there" else (made.receive, made.due_to_receive)
        for size, held in ((1000, 5), (1, 10)):
            for _ in range(100):
                put(bytes(size), AWAY, 0.0)
            assert sum(made.held) == held
            assert len(due(math.inf)) == held  # what has left makes room


def test_the_same_seed_brings_the_same_weather_and_each_way_its_own() -> None:
    link = Link(latency=0.01, jitter=0.02, loss=0.3)
    there = through(conditioner(link, 4), "there", 300)
    assert there == through(conditioner(link, 4), "there", 300)
    assert there != through(conditioner(link, 5), "there", 300)
    assert there != through(conditioner(link, 4), "back", 300)


def test_one_way_has_the_same_weather_whatever_goes_the_other_way() -> None:
    link = Link(latency=0.01, jitter=0.02, loss=0.3)
    made = conditioner(link, 4)
    for number in range(100):
        made.receive(b"%d" % number, AWAY, number * 0.01)
    made.due_to_receive(math.inf)
    assert through(made, "there", 300) == through(conditioner(link, 4), "there", 300)


class TestSwitching:
    def test_without_a_link_all_passes_at_once(self) -> None:
        made = conditioner(None)
        assert made.idle
        made.send(b"x", AWAY, 5.0)
        assert not made.idle
        assert made.due_to_send(5.0) == [(b"x", AWAY)]
        assert made.idle

    def test_when_it_is_taken_away_all_under_way_arrives_at_once_in_order_and_first(self, rng: random.Random) -> None:
        made = conditioner(Link(latency=1.0, in_order=True, jitter=0.5), rng.randrange(99))
        for number in range(50):
            made.send(b"%d" % number, AWAY, number * 0.01)
        assert made.due_to_send(0.5) == []
        made.link = None
        made.send(b"50", AWAY, 0.5)
        assert [int(data) for data, _ in made.due_to_send(0.5)] == list(range(51))
        assert made.idle

    def test_off_and_on_again_before_anybody_looked_loses_nothing(self) -> None:
        made = conditioner(Link(latency=1.0))
        made.send(b"first", AWAY, 0.0)
        made.link = None
        made.send(b"second", AWAY, 0.1)
        made.link = Link(latency=0.3)
        made.send(b"third", AWAY, 0.2)
        assert [data for data, _ in made.due_to_send(0.2)] == [b"first", b"second"]
        assert made.next_at == pytest.approx(0.5)
        assert [data for data, _ in made.due_to_send(0.5)] == [b"third"]

    def test_another_link_holds_from_then_on_and_what_is_under_way_keeps_its_time(self) -> None:
        made = conditioner(Link(latency=0.5))
        made.receive(b"slow", AWAY, 0.0)
        made.link = Link(latency=0.1)
        made.receive(b"fast", AWAY, 0.1)
        assert made.due_to_receive(0.19) == []
        assert [data for data, _ in made.due_to_receive(0.2)] == [b"fast"]
        assert made.next_at == pytest.approx(0.5)

    def test_from_any_preset_to_any_other_nothing_is_overtaken(self) -> None:
        """Except the datagrams that ``awful`` delays on purpose."""
        for name, first in LINKS.items():
            for other, second in LINKS.items():
                made = conditioner(Link(latency=first.latency, jitter=first.jitter, in_order=True))
                for number in range(30):
                    if number == 15:
                        made.link = Link(latency=second.latency, jitter=second.jitter, in_order=True)
                    made.send(b"%d" % number, AWAY, number * 0.016)
                arrived = [int(data) for data, _ in made.due_to_send(math.inf)]
                assert arrived == list(range(30)), (name, other)


# -- over a transport that a test steps --------------------------------------------------------------------------------


class SteppedTransport:
    """Has two addresses. It returns the datagrams of a test, and records the sent ones with time and address."""

    def __init__(self, clock: ManualClock) -> None:
        self.sockets: list[Any] = []
        self.incoming: deque[tuple[bytes, Any]] = deque()
        self.sent: list[tuple[float, Any]] = []
        self.address = HOME
        self.closed = False
        self._clock = clock

    def take_timed(self, now: float) -> list[tuple[bytes, Any, float]]:
        taken = [(data, address, now) for data, address in self.incoming]
        self.incoming.clear()
        return taken

    def send(self, data: bytes, address: Any) -> None:
        assert not self.closed
        self.sent.append((self._clock.now, address))

    def try_next(self) -> None:
        self.address = AWAY if self.address == HOME else HOME

    def close(self) -> None:
        self.closed = True


def stepped(link: Any) -> tuple[Client, SteppedTransport, ManualClock]:
    """Return a client that begins to connect over a transport without anybody at its other end."""
    clock = ManualClock(100.0)
    client, transport = Client(), SteppedTransport(clock)
    client.condition(link, seed=1)
    session = client.plumbing.claim(Destination(1, "there"), client.config)
    session.begin(transport, replace(pumped_platform(session.ended), clock=clock))
    return client, transport, clock


def test_a_datagram_leaves_when_it_has_got_through_and_the_driver_is_told_when() -> None:
    client, transport, clock = stepped(Link(latency=0.1))
    assert transport.sent == []
    assert client.plumbing.endpoint.advance() == pytest.approx(100.1)
    clock.advance(0.0999)
    client.pump()
    assert transport.sent == []
    clock.advance(0.0002)
    client.pump()
    assert transport.sent == [(pytest.approx(100.1, abs=0.001), HOME)]


def test_each_request_goes_to_the_address_that_was_in_use_when_it_was_sent() -> None:
    client, transport, clock = stepped(Link(latency=0.1))
    for _ in range(100):
        clock.advance(0.01)
        client.pump()
    times = [at for at, _ in transport.sent]
    assert [address for _, address in transport.sent] == [HOME, AWAY] * (len(times) // 2)
    assert times == pytest.approx([100.1, 100.35, 100.6, 100.85], abs=0.04)


def test_what_comes_in_is_held_back_as_well_and_released_by_the_timer_alone(monkeypatch: Any) -> None:
    client, transport, clock = stepped(Link(latency=0.1))
    connection = client.plumbing.endpoint
    seen: list[float] = []
    monkeypatch.setattr(ClientProtocol, "receive_datagram", lambda self, data, now: seen.append(now))
    clock.advance(0.15)
    transport.incoming.append((b"hello", HOME))
    assert connection.receive() == 1
    connection.advance()
    assert seen == []
    clock.advance(0.1)
    connection.advance()  # nothing new has arrived, so a driver calls this and not receive
    assert seen == [pytest.approx(100.25)]


def test_without_a_link_there_is_nothing_between_connection_and_socket() -> None:
    client, transport, _ = stepped(None)
    assert not client.plumbing.endpoint.is_conditioned
    assert len(transport.sent) == 1
    client.condition("satellite")
    assert client.plumbing.endpoint.is_conditioned
    client.condition(None)
    assert not client.plumbing.endpoint.is_conditioned


def test_taken_away_it_lets_everything_go_at_once() -> None:
    client, transport, clock = stepped("latency=10s")
    for _ in range(100):
        clock.advance(0.01)
        client.pump()
    assert transport.sent == []
    client.condition("off")
    assert len(transport.sent) >= 4
    assert {at for at, _ in transport.sent} == {clock.now}


def test_closing_the_socket_lets_out_what_was_under_way() -> None:
    client, transport, _ = stepped("latency=10s")
    client.plumbing.endpoint.release()
    assert len(transport.sent) == 1
    assert transport.closed
    client.plumbing.endpoint.release()


@pytest.mark.parametrize(("wrong", "error"), [("wlan", ValueError), ("loss=5", ValueError), (80, TypeError)])
def test_what_is_no_link_is_refused_at_once_and_changes_nothing(wrong: Any, error: type[Exception]) -> None:
    client = Client()
    client.condition("wifi")
    with pytest.raises(error, match=r"latency=80ms|loss=5%"):
        client.condition(wrong)
    assert client.link == LINKS["wifi"]


def test_a_sockets_transport_sends_where_it_is_told() -> None:
    transport = ClientTransport("127.0.0.1", 9)
    try:
        sent: list[Any] = []
        sock: Any = type("Sock", (), {"sendto": lambda self, data, address: sent.append(address)})()
        transport.by_family = dict.fromkeys(transport.by_family, sock)
        transport.send(b"x")
        transport.send(b"x", transport.address)
        assert sent == [("127.0.0.1", 9)] * 2
    finally:
        transport.close()


# -- server and client in virtual time ---------------------------------------------------------------------------------


class World:
    """A server that records the events and the reasons of departures. Its clients are on perfect links."""

    def __init__(self, seed: int = 0) -> None:
        self.network = SimulatedNetwork(seed)
        self.got: list[int] = []
        self.left: list[DisconnectReason] = []
        self.backend = Backend(
            GameState(n=0),
            lambda game_state, dt: {"n": game_state.n + 1},
            {
                "NUMBER": lambda number: self.got.append(number),
                CLIENT_LEFT: lambda reason: self.left.append(reason),
            },
        )
        self.network.serve(self.backend)

    def join(self, link: Any = None, seed: int | None = 7) -> Client:
        client = Client()
        client.condition(link, seed=seed)
        self.network.connect(client)
        return client

    def rtt(self, client: Client, seconds: float = 4.0) -> float:
        for _ in range(int(seconds / 0.05)):
            client.dispatch_event("NUMBER", -1)
            self.network.run(0.05)
        return client.stats.rtt


def test_the_round_trip_takes_twice_the_latency_and_falls_again_when_it_is_taken_away() -> None:
    world = World()
    client = world.join()
    assert world.rtt(client) < 0.01
    client.condition(Link(latency=0.08))
    assert world.rtt(client) == pytest.approx(0.16, abs=0.005)
    client.condition(None)
    assert world.rtt(client) < 0.01


def test_the_measured_loss_is_that_of_the_way_there() -> None:
    world = World()
    client = world.join("latency=20ms loss=20%")
    world.rtt(client, 20.0)
    assert client.stats.loss == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("name", LINKS)
def test_a_client_connects_and_stays_connected_on_every_preset(name: str, seed: int) -> None:
    world = World(seed)
    client = world.join(name, seed)
    world.network.run_until(lambda: client.status == "connected", 5.0)
    world.network.run(30.0)
    assert client.status == "connected"
    behind = world.backend.game_state_store.get_game_state().n - client.snapshots[-1].state["n"]
    assert 0 <= behind * 0.02 < 1.0


def test_switched_all_the_time_it_loses_and_swaps_no_reliable_event(seed: int) -> None:
    world, chance = World(seed), random.Random(seed)
    client = world.join("wifi", seed)
    choices = [*LINKS, None, "latency=10ms loss=30% duplicate=10% reorder=10%"]
    for number in range(200):
        client.condition(chance.choice(choices))
        client.dispatch_event("NUMBER", number, retries=RELIABLE)
        world.network.run(chance.random() * 0.2)
    client.condition(None)
    world.network.run(2.0)
    assert world.got == list(range(200))
    assert not client.plumbing.endpoint.is_conditioned


def test_taken_away_no_event_that_was_under_way_is_lost_or_late() -> None:
    """Not even an unreliable one."""
    world = World()
    client = world.join()
    world.network.run(1.0)
    client.condition("latency=1s")
    for number in range(60):
        client.dispatch_event("NUMBER", number)
        world.network.run(1 / 60)
    assert world.got == []
    client.condition(None)
    world.network.run(0.05)
    assert world.got == list(range(60))


def test_it_may_be_switched_from_a_handler() -> None:
    world = World()
    client = Client()
    client.register_event_handler(CONNECTED, lambda: client.condition("latency=50ms"))
    world.network.connect(client)
    assert world.rtt(client) == pytest.approx(0.1, abs=0.005)


def test_the_goodbye_gets_through_a_slow_link() -> None:
    world = World()
    client = world.join("latency=0.8s")
    world.network.run(4.0)
    assert client.status == "connected"
    client.disconnect()
    world.network.run(0.5)
    assert client.status == "disconnected"
    assert world.left == [DisconnectReason.CLOSED]


def test_it_may_be_switched_before_during_and_after_a_connection_and_holds_for_the_next() -> None:
    world = World()
    client = Client()
    assert client.link is None
    client.condition("mobile")
    world.network.connect(client)
    client.condition(Link(latency=0.2))
    assert client.status == "connecting"
    world.network.run_until(lambda: client.status == "connected", 3.0)
    client.disconnect()
    world.network.run(1.0)
    for link in ("awful", None, "latency=100ms"):
        client.condition(link)
    world.network.connect(client)
    assert world.rtt(client) == pytest.approx(0.2, abs=0.005)
    assert client.link == Link(latency=0.1)


def test_a_link_on_which_nothing_arrives_fails_like_any_other() -> None:
    world = World()
    client = world.join("loss=100%")
    world.network.run(6.0)
    assert client.status == "disconnected"
    assert isinstance(client.error, ConnectionFailed)
    assert client.disconnect_reason is DisconnectReason.NO_ANSWER


# -- over sockets ------------------------------------------------------------------------------------------------------


def eventually(condition: Callable[[], Any], what: str, turn: Callable[[], Any] = lambda: None) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, what
        turn()
        time.sleep(0.005)


def rises_and_falls(client: Client, turn: Callable[[], Any]) -> None:
    def speak() -> None:
        turn()
        client.dispatch_event("NUMBER", -1)

    eventually(lambda: client.status == "connected", "no connection", turn)
    eventually(lambda: 0 < client.stats.rtt < 0.04, "no round trip measured", speak)
    client.condition("latency=60ms")
    eventually(lambda: 0.115 < client.stats.rtt < 0.16, "it did not rise", speak)
    client.condition(None)
    eventually(lambda: client.stats.rtt < 0.04, "it did not fall", speak)
    eventually(lambda: not client.plumbing.endpoint.is_conditioned, "something is left", speak)


def a_backend() -> Backend:
    return Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1}, {"NUMBER": lambda number: None})


@pytest.mark.integration
@pytest.mark.parametrize("how", ["thread", "pump", "blocking"])
def test_over_sockets_the_round_trip_rises_and_falls(how: str) -> None:
    backend, client = a_backend(), Client()
    backend.run_in_thread("127.0.0.1", 0, 0.01)
    port = backend.server.port
    assert port is not None
    if how == "pump":
        client.open(port, "127.0.0.1")
    elif how == "thread":
        client.connect_in_thread(port, "127.0.0.1")
    else:
        threading.Thread(target=client.connect, args=(port, "127.0.0.1"), daemon=True).start()
    try:
        rises_and_falls(client, client.pump if how == "pump" else lambda: None)
    finally:
        client.disconnect()
        backend.shutdown()


@pytest.mark.integration
def test_over_sockets_it_is_switched_at_any_moment_of_connecting_and_disconnecting() -> None:
    backend = a_backend()
    backend.run_in_thread("127.0.0.1", 0, 0.01)
    port = backend.server.port
    assert port is not None
    try:
        for _ in range(5):
            client = Client()
            thread = client.connect_in_thread(port, "127.0.0.1")
            for link in ("wifi", None, "latency=20ms", None, "mobile") * 20:
                client.condition(link)
            eventually(lambda client=client: client.status == "connected", "no connection")  # type: ignore[misc]
            client.disconnect()
            client.condition("awful")
            thread.join(WAIT)
            assert not thread.is_alive()
            assert client.error is None
            client.condition(None)
    finally:
        backend.shutdown()


# -- the guide ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LINKS)
def test_the_guides_table_has_the_figures_of_the_presets_and_the_round_trip_that_is_measured(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "bad-links.md").read_text(encoding="utf-8")
    (row,) = (line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    _, delay, _, room, rtt = [cell.strip() for cell in row.strip("|").split("|")][1:]
    link = LINKS[name]
    assert delay == f"{link.latency * 1000:g} ms + up to {link.jitter * 1000:g} ms"
    rate, _, unit = room.partition(" ")
    assert link.bandwidth == (None if room == "any" else parse_rate(float(rate), unit))
    world = World()
    measured = [world.rtt(world.join(name, seed), 20.0) for seed in range(2)]
    assert sum(measured) / 2 * 1000 == pytest.approx(float(rtt.removesuffix(" ms")), rel=0.15, abs=1)


def parse_rate(rate: float, unit: str) -> float:
    return rate * {"kbit/s": 125, "Mbit/s": 125_000}[unit]
