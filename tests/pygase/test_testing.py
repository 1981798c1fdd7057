"""The simulated network itself: exactly as bad as its link."""

import itertools
from typing import Any

import pytest

from pygase import Backend, Client, GameState
from pygase.testing import Link, ManualClock, SimulatedNetwork

SERVER, CLIENT = ("127.0.0.1", 8080), ("127.0.0.1", 50001)


def arrivals(link: Link, count: int = 1000, interval: float = 0.01, size: int = 100, seed: int = 3) -> list[Any]:
    """Send numbered datagrams over one link; return (number, delay) of each that arrives, in that order."""
    network = SimulatedNetwork(seed, link)
    transport = network._add(CLIENT, None)
    received: list[Any] = []

    def on_readable() -> None:
        received.extend((int(data[:8]), network.now) for data, _ in transport.take())

    for sock in transport.sockets:
        transport.loop.add_reader(sock, on_readable)
    for number in range(count):
        network.call_at(
            number * interval, lambda n=number: network._send(b"%08d" % n + bytes(size - 8), SERVER, CLIENT)
        )
    network.run(count * interval + 100.0)
    return [(number, at - number * interval) for number, at in received]


def test_a_clock_stands_still_until_it_is_told_to_go_on() -> None:
    clock = ManualClock(5.0)
    assert clock() == clock.now == 5.0
    clock.advance(0.5)
    assert clock() == 5.5
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance(-0.1)


def test_a_perfect_link_delivers_everything_once_in_order_and_at_once() -> None:
    assert arrivals(Link()) == [(n, pytest.approx(0.0)) for n in range(1000)]


def test_latency_and_jitter_delay_and_let_datagrams_overtake_each_other() -> None:
    received = arrivals(Link(latency=0.1, jitter=0.05))
    delays = [delay for _, delay in received]
    assert 0.1 <= min(delays) < 0.105
    assert 0.145 < max(delays) <= 0.15
    assert [n for n, _ in received] != sorted(n for n, _ in received)
    assert len(received) == 1000


def test_the_share_that_is_lost_or_doubled_is_the_one_asked_for() -> None:
    assert len(arrivals(Link(loss=0.3), 5000)) == pytest.approx(3500, abs=120)
    assert arrivals(Link(loss=1.0)) == []
    assert len(arrivals(Link(duplicate=0.2), 5000)) == pytest.approx(6000, abs=120)


def test_bursts_of_loss_are_bursts() -> None:
    numbers = [n for n, _ in arrivals(Link(burst_loss=0.01, burst_length=10.0), 10_000)]
    gaps = [b - a - 1 for a, b in itertools.pairwise(numbers) if b - a > 1]
    assert 50 < len(gaps) < 150
    assert 5 < sum(gaps) / len(gaps) < 15


def test_what_is_reordered_is_held_back() -> None:
    received = arrivals(Link(latency=0.01, reorder=0.1))
    late = [delay for _, delay in received if delay > 0.011]
    assert len(late) == pytest.approx(100, abs=40)
    assert all(delay == pytest.approx(0.04) for delay in late)


def test_a_narrow_link_queues_and_then_drops() -> None:
    fitting = arrivals(Link(bandwidth=20_000), size=100, interval=0.01)
    assert len(fitting) == 1000
    assert max(delay for _, delay in fitting) == pytest.approx(0.005)
    flooded = arrivals(Link(bandwidth=5_000, queue_bytes=2_500), size=100, interval=0.01)
    assert len(flooded) == pytest.approx(500, abs=40)
    assert 0.4 < max(delay for _, delay in flooded) <= 0.55


@pytest.mark.parametrize(
    "wrong",
    [
        {"loss": 1.5},
        {"duplicate": -0.1},
        {"reorder": 2},
        {"burst_loss": -1},
        {"latency": -1},
        {"jitter": -0.1},
        {"bandwidth": 0},
    ],
)
def test_a_link_that_makes_no_sense_is_refused_by_name(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"Link.{next(iter(wrong))}"):
        Link(**wrong)


def play(seed: int = 0) -> tuple[SimulatedNetwork, Backend, list[Client]]:
    network = SimulatedNetwork(seed, Link(latency=0.01), start=50.0)
    backend = Backend(GameState(n=0), lambda game_state, dt: {"n": game_state.n + 1})
    network.serve(backend, interval=0.1)
    clients = [Client(), Client()]
    for client in clients:
        network.connect(client)
    network.run(1.0)
    return network, backend, clients


def test_time_passes_only_when_it_is_let() -> None:
    network, backend, _ = play()
    assert network.now == 51.0
    n = backend.game_state_store.get_game_state().n
    assert n in (9, 10)
    network.run(10.0)
    assert backend.game_state_store.get_game_state().n == n + 100
    assert network.now == 61.0


def test_run_until_stops_at_the_moment_or_raises_in_time() -> None:
    network, backend, _ = play()
    network.run_until(lambda: backend.game_state_store.get_game_state().n == 20)
    assert network.now == pytest.approx(52.0)
    with pytest.raises(TimeoutError, match="within 3 virtual seconds"):
        network.run_until(lambda: False, timeout=3)
    assert network.now <= 55.0


def test_a_partition_cuts_one_client_off_and_ends_when_it_is_told_to() -> None:
    network, _, (cut_off, other) = play()
    network.partition(cut_off)
    before = [client.snapshots[-1].tick for client in (cut_off, other)]
    network.run(2.0)
    assert cut_off.snapshots[-1].tick <= before[0] + 1
    assert other.snapshots[-1].tick >= before[1] + 19
    network.partition(cut_off, False)
    network.run(2.0)
    assert cut_off.snapshots[-1].tick == other.snapshots[-1].tick


def test_the_weather_of_one_client_can_change() -> None:
    network, _, (far, near) = play()
    network.set_link(far, Link(latency=0.2))
    for _ in range(30):
        far.dispatch_event("PING")
        network.run(0.2)
    assert far.stats.rtt > 0.3
    assert near.stats.rtt < 0.03


def test_a_port_is_taken_by_one_server() -> None:
    network, _, _ = play()
    with pytest.raises(ValueError, match="port 8080 is taken"):
        network.serve(Backend(GameState(), lambda game_state, dt: None))


def test_a_client_of_another_network_is_refused() -> None:
    with pytest.raises(ValueError, match="not been connected by this network"):
        SimulatedNetwork().partition(Client())


def test_its_text_tells_how_to_repeat_it() -> None:
    assert "seed=7" in repr(SimulatedNetwork(7, Link(loss=0.5)))
    assert "loss=0.5" in repr(SimulatedNetwork(7, Link(loss=0.5)))


def test_a_killed_server_says_nothing_and_another_one_takes_its_address() -> None:
    network, backend, clients = play()
    network.run(1.0)
    sent: list[Any] = []
    network.on_datagram = lambda data, sender, receiver: sent.append(sender)
    network.kill(backend)
    network.run(1.0)
    assert SERVER not in sent
    assert backend.server.connections, "a killed process does not learn that it has ended"
    network.serve(Backend(GameState(), lambda game_state, dt: {}))
    network.run_until(lambda: SERVER in sent)
    assert all(client.status != "connecting" for client in clients)


def test_a_killed_client_falls_silent_without_a_goodbye() -> None:
    network, backend, (client, *others) = play()
    network.run(1.0)
    own = network.address_of(client)
    before, silent_from = network.bytes_sent[own], network.now
    network.kill(client)
    network.run(3.0)
    assert network.bytes_sent[own] == before
    assert len(backend.server.connections) == 1 + len(others), "it is missed after the time-out only"
    network.run_until(lambda: len(backend.server.connections) == len(others), timeout=60.0)
    assert network.now - silent_from > 4.9


def test_only_a_party_of_the_network_can_be_killed() -> None:
    with pytest.raises(ValueError, match="on this network can be killed"):
        SimulatedNetwork().kill(Client())
