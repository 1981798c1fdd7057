"""Games on thin lines, in virtual time: states become rarer before they become old. A sample of
``python -m benchmarks.thin_lines``."""

from __future__ import annotations

import random

import pytest

from benchmarks._greedy import GreedyFlow
from benchmarks.bytes import angles, key_presses
from benchmarks.bytes import played as bytes_of
from benchmarks.thin_lines import Run, World, line, quantile
from pygase import Backend, Client, ClientConfig, GameState
from pygase.testing import Link, SimulatedNetwork


def played(world: World, kbit: float, *, seconds: float = 10.0, seed: int = 0, clients: int = 1, **link: float) -> Run:
    run = Run(world, line(kbit, **link), seed=seed, clients=clients)
    run.run(5.0 + seconds)
    return run


@pytest.mark.parametrize("hz", [20.0, 60.0])
def test_on_64_kbit_a_state_is_less_than_a_second_old_and_nothing_is_lost(hz: float, seed: int) -> None:
    run = played(World(hz=hz), 64, seed=seed)
    assert run.seen[0].age(0.95, 5.0) <= 0.8
    assert run.lost == 0.0
    assert quantile(run.queues[1000:], 0.95) < 0.4


def test_on_256_kbit_the_round_trip_stays_within_100_ms_of_its_floor(seed: int) -> None:
    """The queue down, at 60 Hz, in half of all moments; in 95 of 100 it is 130 ms at most."""
    run = played(World(hz=60.0), 256, seed=seed)
    assert quantile(run.queues[1000:], 0.5) <= 0.1
    assert quantile(run.queues[1000:], 0.95) <= 0.13
    assert run.lost == 0.0


@pytest.mark.parametrize("hz", [20.0, 60.0])
def test_on_1000_kbit_no_state_is_skipped(hz: float, seed: int) -> None:
    run = played(World(hz=hz), 1000, seed=seed)
    assert run.seen[0].states_per_second(5.0) >= 0.99 * hz


@pytest.mark.parametrize(("before", "after"), [(1000, 64), (64, 1000)])
def test_after_a_step_all_is_well_within_three_seconds(before: float, after: float, seed: int) -> None:
    run = played(World(), before, seed=seed)
    run.bottleneck.set_link(line(after))
    run.run(10.0)
    good = 0.8 if after < before else 0.15
    assert run.seen[0].good_again_after(15.0, good) <= 3.0


def test_two_clients_share_a_thin_line_evenly(seed: int) -> None:
    run = played(World(hz=60.0), 256, seconds=20.0, clients=2, seed=seed)
    rates = [seen.states_per_second(10.0) for seen in run.seen]
    assert min(rates) > 0.6 * max(rates)
    assert run.lost < 0.01


def test_beside_a_download_states_go_on_and_after_it_they_are_young_again(seed: int) -> None:
    run = played(World(hz=60.0), 256, seconds=5.0, seed=seed)
    flow = GreedyFlow(run.network, run.bottleneck)
    run.run(30.0)
    assert run.seen[0].states_per_second(20.0, 40.0) > 4.0
    flow.end()
    run.run(15.0)
    assert run.seen[0].age(0.95, 50.0, 55.0) < 0.3


def test_jitter_and_loss_are_not_taken_for_a_queue(seed: int) -> None:
    for figures in ({"jitter": 0.02}, {"loss": 0.05}, {"jitter": 0.02, "loss": 0.02}):
        run = played(World(), 1000, seed=seed, **figures)
        arriving = 20.0 * (1.0 - figures.get("loss", 0.0))
        assert run.seen[0].states_per_second(5.0) > 0.95 * arriving - 1.0, figures


@pytest.mark.parametrize("player", ["keys", "angles"])
def test_a_player_of_chase_takes_few_bytes_up_on_a_bad_line(player: str) -> None:
    """At 120 ms and 20 % loss. A player by angles gives another one in every fourth tick."""
    from games.chase.__main__ import GAME
    from pygase_pygame.app.game import Hosting

    rng = random.Random(3)
    steer = key_presses(rng) if player == "keys" else angles(rng, 4)
    backend = GAME.serve(Hosting(2))
    _, up = bytes_of(backend, GAME.tick, Link(latency=0.12, loss=0.2), 6.0, steer, GAME.name)
    assert up <= 8_000
    for client_id in backend.server.clients:
        counts = backend.server.player_inputs.counts(client_id)
        assert counts.applied > 400
        assert counts.repeated + counts.late < 8


def test_a_world_that_rests_takes_110_bytes_a_second_both_ways_with_all_headers() -> None:
    """IP and UDP take 28 bytes of each datagram."""
    network, sizes, client = SimulatedNetwork(1, Link(latency=0.01)), [], Client(config=ClientConfig(encryption="off"))
    network.serve(Backend(GameState(a=1), lambda game_state, dt: {}), 1 / 60)
    network.connect(client)
    network.run(3.0)
    network.on_datagram = lambda data, sender, receiver: sizes.append(len(data) + 28)
    network.run(60.0)
    assert client.status == "connected"
    assert 50 < sum(sizes) / 60 <= 110
