"""The wire tree: the game stays exact, and every client has exactly what the server says that it has."""

import random
from typing import Any

import pytest

from pygase import Backend, Client, GameState, GameStateUpdate, Predictor
from pygase._server.state_keeper import Commit
from pygase._server.wire_tree import WireTree
from pygase._state.delta import diff
from pygase._state.merging import UpdateReader, merged
from pygase._state.precision import Precision, rounded_part
from pygase._state.tree import TO_DELETE, Tree
from pygase.errors import InvalidValue
from pygase.testing import Link, SimulatedNetwork
from tests.support.trees import exact

DECLARED = {"ents.*.x": 0.01, "ents.*.pos": 0.1}


def keeper_of(backend: Backend) -> Any:
    return backend.game_state_store.plumbing


def sent_tree(keeper: Any) -> Tree:
    tree: Tree = keeper.wire.follow(keeper.committed).tree
    return tree


def test_what_moves_less_than_a_step_each_tick_does_not_stand_still() -> None:
    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        return {"ents": {1: {"x": game_state.ents[1]["x"] + 0.004}}}

    network, client = SimulatedNetwork(seed=3), Client()
    backend = Backend(GameState(ents={1: {"x": 0.0}}), time_step, precision={"ents.*.x": 0.01})
    network.serve(backend, interval=0.02)
    network.connect(client)
    network.run(10.0)
    truth = keeper_of(backend).committed.tree["ents"][1]["x"]
    assert truth == pytest.approx(0.004 * 500, abs=0.01)
    assert client.snapshots[-1].state["ents"][1]["x"] == pytest.approx(truth, abs=0.02)
    assert {snapshot.state["ents"][1]["x"] for snapshot in client.snapshots} <= {n / 100 for n in range(210)}
    skipped = [b.tick - a.tick for a, b in zip(client.snapshots, client.snapshots[1:], strict=False)]
    assert max(skipped) >= 2, "a tick that changes no number by a step sends nothing"


def test_nothing_declared_is_the_same_tree() -> None:
    backend = Backend(GameState(x=0.123), lambda game_state, dt: {})
    keeper = keeper_of(backend)
    assert keeper.wire.follow(keeper.committed) is keeper.committed


def random_change(rng: random.Random) -> dict[str, Any]:
    key, value = rng.randrange(8), rng.uniform(-50.0, 50.0)
    return rng.choice(
        [
            {"ents": {key: {"x": value, "hp": rng.randrange(5)}}},
            {"ents": {key: {"pos": [value, rng.random()]}}},
            {"ents": {key: TO_DELETE}},
            {"ents": {key: {"x": rng.choice([None, float("nan"), 3, 1e300, -0.001])}}},
            {"ents": {key: 7.7}},
            {"free": value, "ents": {key: {"x": TO_DELETE}}},
            {},
        ]
    )


def commits(rng: random.Random, count: int) -> list[Commit]:
    reader, tree, made = UpdateReader(), Tree(), []
    for tick in range(count):
        delta = reader.attribute_changes(tree, random_change(rng), "update")
        before, tree = tree, merged(tree, delta, {}) if delta else tree
        made.append(Commit(tick, tick * 0.02, 0.02, tree, before, delta))
    return made


@pytest.mark.parametrize("skips", [False, True])
def test_it_is_the_rounded_tree_and_its_delta_leads_there(skips: bool, seed: int) -> None:
    rng, precision = random.Random(seed), Precision.parse(DECLARED)
    assert precision.root is not None
    wire = WireTree(precision)
    known, *others = commits(rng, 400)
    known, unchanged = wire.follow(known), 0
    for commit in others:
        if skips and rng.random() < 0.3:
            continue
        sent = wire.follow(commit)
        assert exact(sent.tree) == exact(rounded_part(commit.tree, precision.root)), seed
        if sent.tree is known.tree:
            unchanged += 1
        else:
            delta = sent.delta_from(known.tree)
            assert delta
            assert exact(delta) == exact(diff(known.tree, sent.tree)), seed
            assert exact(merged(known.tree, delta, {})) == exact(sent.tree), seed
        known = sent
    assert 0 < unchanged < 200


def test_an_unchanged_part_keeps_its_identity() -> None:
    wire, reader = WireTree(Precision.parse(DECLARED)), UpdateReader()
    tree: Tree = {"ents": {1: {"x": 1.234}, 2: {"x": 5.0, "pos": [1.0]}}}
    first = wire.follow(Commit.of(tree, 1, 0.0, 0.0)).tree
    delta = reader.changes(tree, {"ents": {1: {"x": 1.233}, 2: {"pos": [1.04]}}}, "update")
    after = merged(tree, delta, {})
    second = wire.follow(Commit(2, 0.02, 0.02, after, tree, delta))
    assert second.tree is first
    assert second.delta == {}


LINKS = [
    Link(latency=0.001),
    Link(latency=0.05, jitter=0.03, loss=0.1),
    Link(latency=0.1, jitter=0.1, loss=0.2, duplicate=0.1, reorder=0.1),
]


@pytest.mark.parametrize("link", LINKS)
def test_every_received_state_is_the_servers_wire_tree_of_that_tick(link: Link, seed: int) -> None:
    rng = random.Random(seed)
    network, sent = SimulatedNetwork(seed, link), dict[int, Any]()
    backend = Backend(
        GameState(ents={}, free=0.5, big={n: {"x": n / 7} for n in range(300)}),
        lambda game_state, dt: random_change(rng),
        precision={**DECLARED, "big.*.x": 0.3},
    )
    keeper = keeper_of(backend)
    keeper.subscribe(lambda: sent.update({keeper.committed.tick: sent_tree(keeper)}))
    network.serve(backend, interval=0.05)
    sent[keeper.committed.tick] = sent_tree(keeper)
    clients = [Client() for _ in range(3)]
    checked = dict[tuple[int, int], bool]()
    for client in clients:
        network.connect(client)
    for _ in range(60):
        network.run(0.25)
        for index, client in enumerate(clients):
            for snapshot in client.snapshots:
                if (index, snapshot.tick) not in checked:
                    checked[index, snapshot.tick] = exact(snapshot.state) == exact(sent[snapshot.tick])
    assert len(checked) > 200
    assert clients[0].connection is not None
    assert all(checked.values()), seed
    assert clients[0].connection.precision == {**DECLARED, "big.*.x": 0.3}


def test_the_history_has_what_players_saw() -> None:
    backend = Backend(GameState(ents={1: {"x": 0.123}}), lambda game_state, dt: {}, precision=DECLARED)
    history = backend.game_state_machine.keep_history()
    network = SimulatedNetwork()
    network.serve(backend)
    network.run(0.1)
    assert history.at(None)["ents"][1]["x"] == 0.12
    backend.game_state_store.push_update(GameStateUpdate(ents={1: {"x": 0.567}}))
    network.run(0.1)
    assert history.at(None)["ents"][1]["x"] == 0.57
    assert keeper_of(backend).committed.tree["ents"][1]["x"] == 0.567


def test_the_games_own_state_stays_exact() -> None:
    seen = []

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        seen.append(game_state.ents[1]["x"])
        return {}

    backend = Backend(GameState(ents={1: {"x": 0.123}}), time_step, precision=DECLARED)
    network = SimulatedNetwork()
    network.serve(backend)
    network.run(0.1)
    assert set(seen) == {0.123}
    assert backend.game_state_store.get_game_state().ents[1]["x"] == 0.123


def test_a_wrong_precision_is_refused_when_the_backend_is_made() -> None:
    with pytest.raises(InvalidValue, match="a number from 1e-09"):
        Backend(GameState(x=0.0), lambda game_state, dt: {}, precision={"x": 0})


# -- prediction --------------------------------------------------------------------------------------------------------


def walk(mine: dict[str, Any], way: float) -> dict[str, Any]:
    return {**mine, "x": mine["x"] + way}


def predicted(precision: dict[str, float] | None) -> Predictor:
    """Play 200 ticks: the truth is what the server has, rounded; half the inputs are answered ten ticks later."""
    predictor = Predictor(walk, lambda state: state["me"], precision=precision)
    rng, truth, places = random.Random(5), {"x": 0.0}, Precision.parse({"x": 0.01}).root
    assert places is not None
    predictor.reconcile({"me": rounded_part(truth, places)}, None)
    ways = [rng.uniform(-1.0, 1.0) for _ in range(200)]
    for number, way in enumerate(ways):
        predictor.predict(way, number)
        if number >= 10:
            truth = walk(truth, ways[number - 10])
            predictor.reconcile({"me": rounded_part(truth, places)}, number - 10)
    return predictor


def test_a_prediction_that_is_right_within_the_precision_is_no_error() -> None:
    assert predicted({"x": 0.01}).corrections == 0
    assert predicted({"x": 0.01}).visible_error == 0.0
    assert predicted(None).corrections > 100, "without it, each state seems to correct the prediction"


def test_a_real_error_is_corrected_in_spite_of_the_precision() -> None:
    predictor = predicted({"x": 0.01})
    predictor.reconcile({"me": {"x": 50.0}}, 199)
    assert predictor.predicted == {"x": 50.0}
    assert predictor.corrections == 1


def test_a_part_that_is_a_number_has_the_path_of_a_star() -> None:
    predictor = Predictor(lambda mine, way: mine + way, lambda state: state["me"], precision={"*": 0.1})
    predictor.reconcile({"me": 1.0}, None)
    predictor.predict(0.04, 0)
    predictor.reconcile({"me": 1.0}, 0)
    assert (predictor.predicted, predictor.corrections) == (1.04, 0)
    predictor.precision = {}
    predictor.predict(0.04, 1)
    predictor.reconcile({"me": 1.1}, 1)
    assert predictor.corrections == 1
