"""A sample of the thousand sessions of ``python -m tests.long sessions``, and the tests of its parts."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pygase import Backend, Client, GameState
from pygase._protocol.played_inputs import PlayerInput
from pygase.testing import Link, SimulatedNetwork
from tests.support.sessions import (
    LOOSE,
    ORDERED,
    RETRIED,
    TIME_WRAP,
    InputAccount,
    Parameters,
    Session,
    Stream,
    parameters,
    play,
    random_update,
)

SAMPLE = (1_002, 1_011, 1_017)
"""Few losses, bursts, 17 % loss; counters of 16 and 32 bits that wrap, duplicates and disorder; up to four players."""


@pytest.mark.parametrize("seed", SAMPLE)
def test_everybody_has_the_servers_state_and_every_reliable_event(seed: int) -> None:
    """After half a minute of loss, jitter, duplicates and disorder, with arrivals and departures, and some rest.

    The sessions of ``tests.long`` last a minute.
    """
    params = parameters(seed, seconds=30.0)
    print(params)
    assert play(params) == []


def test_a_session_happens_the_same_way_each_time() -> None:
    """A seed that fails once fails again."""
    runs = [Session(parameters(3, seconds=10.0)) for _ in range(2)]
    assert [run.run() for run in runs] == [[], []]
    first, second = runs
    assert first.network.delivered == second.network.delivered > 500
    assert first.network.lost == second.network.lost
    assert [p.up.got for p in first.players] == [p.up.got for p in second.players]
    assert [p.inputs.sent for p in first.players] == [p.inputs.sent for p in second.players]


def test_sessions_differ_in_all_that_matters() -> None:
    """A thousand seeds reach the extremes: 30 % loss, bursts, 200 ms of jitter, duplicates, one player and four."""
    all_of_them = [parameters(seed) for seed in range(1_000)]
    losses = [_loss(params) for params in all_of_them]
    assert 0.29 < max(losses) <= 0.3 + 1e-9
    assert max(params.link.jitter for params in all_of_them) > 0.19
    assert {params.players for params in all_of_them} == {1, 2, 3, 4}
    assert {params.first_sequence > 0 for params in all_of_them} == {True, False}, "16 bits wrap in some of them"
    assert {params.start > TIME_WRAP - 60.0 for params in all_of_them} == {True, False}, "32 bits of time, too"
    for name in ("burst_loss", "loss", "duplicate", "reorder"):
        assert sum(getattr(params.link, name) > 0.02 for params in all_of_them) > 150, name


def _loss(params: Parameters) -> float:
    """Return the share of lost datagrams: lost at random, or in bursts of a mean length."""
    link = params.link
    in_burst = link.burst_loss * link.burst_length / (1 + link.burst_loss * link.burst_length)
    return link.loss + in_burst


def test_updates_reach_every_kind_of_change() -> None:
    """Creations, deletions, dicts that become scalars and scalars that become dicts all occur."""
    rng = random.Random(5)
    updates = [random_update(rng, {"a": {"b": 1}, "b": 2}) for _ in range(500)]
    assert {type(update["a"]).__name__ for update in updates if "a" in update} >= {"dict", "list", "float", "_ToDelete"}
    assert any(isinstance(update.get("b"), dict) for update in updates)


@pytest.mark.parametrize(
    ("kind", "sent", "got"),
    [
        (ORDERED, [1, 2, 3], [1, 3, 2]),
        (ORDERED, [1, 2, 3], [1, 2]),
        (ORDERED, [1, 2], [1, 2, 2]),
        (RETRIED, [1, 2], [1, 1]),
        (LOOSE, [1, 2], [2, 2]),
        (LOOSE, [1], [7]),
    ],
)
def test_an_account_tells_of_what_is_lost_doubled_or_disordered(kind: str, sent: list[int], got: list[int]) -> None:
    """A check of the judge of all these sessions."""
    stream = Stream()
    stream.sent[kind], stream.got[kind] = sent, got
    stream.acked.update(stream.sent[ORDERED])
    assert stream.problems(complete=True)


@pytest.mark.parametrize(
    "played",
    [
        [PlayerInput("b", 1, 0, None)],
        [PlayerInput("b", 2, 0, None), PlayerInput("a", 1, 0, None)],
        [PlayerInput("a", 1, 0, None), PlayerInput("a", 1, 0, None)],
        [PlayerInput("a", 1, 0, None), PlayerInput("b", 2, 1, None)],
        [PlayerInput("a", 1, 0, 6.0)],
        [PlayerInput("c", 3, 0, None)],
    ],
    ids=["another value", "out of order", "twice", "repeated too early", "view time", "never sent"],
)
def test_an_account_tells_of_inputs_that_are_not_what_was_sent(played: list[PlayerInput]) -> None:
    """A check of the judge of inputs."""
    account = InputAccount()
    account.send(1, "a", 5.0)
    account.send(2, "b", None)
    for each in played:
        account.apply(each)
    assert account.faults


def test_an_account_is_content_with_inputs_in_order_and_the_last_one_again() -> None:
    """Even if one is missing: it arrived too late."""
    account = InputAccount()
    for number in range(1, 4):
        account.send(number, number, None)
    for each in (PlayerInput(1, 1, 0, None), PlayerInput(1, 2, 1, None), PlayerInput(3, 3, 0, None)):
        account.apply(each)
    assert account.faults == []
    assert account.fresh == 2


def test_inputs_are_sent_in_most_sessions_and_nearly_all_are_applied() -> None:
    """So the sessions test the inputs, too."""
    assert 700 < sum(parameters(seed).inputs for seed in range(1_000)) < 900
    session = Session(parameters(1_002, seconds=20.0))
    assert session.parameters.inputs
    assert session.run() == []
    sent, fresh = session.players[0].inputs.newest, session.players[0].inputs.fresh
    assert sent > 300
    assert fresh > 0.9 * sent


def test_a_client_with_another_state_is_noticed() -> None:
    """The judge compares the states themselves: a byte of difference is a fault."""
    session = Session(parameters(3, seconds=5.0))
    session.network.run(4.0)
    player = session.players[0]
    snapshot = player.client.snapshots[-1]
    snapshot.state["players"] = {"somebody": "else"}
    assert session._differs(player)
    session._check_newest(player)
    assert any("differs at players" in fault for fault in session.faults)


def test_all_times_of_a_session_are_of_the_simulated_clock() -> None:
    """Also the time of the very first state, which was made before the simulation began."""
    network = SimulatedNetwork(link=Link(latency=0.001), start=50.0)
    network.serve(Backend(GameState(a=1), lambda game_state, dt: {}))
    client = Client()
    network.connect(client)
    network.run(1.0)
    assert [snapshot.tick for snapshot in client.snapshots] == [0, 1, 2]
    assert [snapshot.time for snapshot in client.snapshots] == pytest.approx([50.0, 50.0, 50.02])
    assert [snapshot.resting for snapshot in client.snapshots] == [False, False, True]


@pytest.mark.parametrize(
    "view_time", [float("nan"), float("inf"), -1e300, 10**400, "5.0", True], ids=lambda value: repr(value)[:9]
)
def test_what_is_no_view_time_is_refused_and_costs_no_number(view_time: Any) -> None:
    """Otherwise the numbers of ``send_input`` would differ from those on the wire from then on."""
    network = SimulatedNetwork(link=Link(latency=0.01))
    network.serve(Backend(GameState(n=0), lambda game_state, dt, inputs: {"n": len(inputs)}))
    client = Client()
    network.connect(client)
    network.run(0.5)
    with pytest.raises((ValueError, TypeError), match="view_time must be seconds of the server's time or None"):
        client.send_input("left", view_time=view_time)
    assert client.send_input("left", view_time=network.now) == 1
    network.run(1.5)
    assert client.input_applied(client.snapshots[-1].tick) == 1
