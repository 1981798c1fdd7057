"""Interest: each client sees what is near, and everything that it sees is right."""

import random
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, GameState, Interest, Snapshot
from pygase._state.interest_grid import LEAVE_SHARE, InterestGrid
from pygase._state.merging import UpdateReader, merged
from pygase._state.sights import STATES_A_LOOK, Sights
from pygase._state.tree import TO_DELETE, Tree
from pygase.testing import Link, SimulatedNetwork
from tests.support.trees import exact

RADIUS = 100.0
CLIENTS = (1, 2, 3, 4)


def square(tree: Tree, key: Any, own: Any) -> float:
    a, b = tree["ents"][key], tree["ents"][own]
    return float((a["x"] - b["x"]) ** 2 + (a["y"] - b["y"]) ** 2)


class World:
    """Things that walk, appear and go; the clients' own have the keys of the clients."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.reader = UpdateReader()
        self.tree: Tree = {"ents": {key: self.thing() for key in range(1, 120)}, "turn": 0}

    def thing(self) -> dict[str, Any]:
        return {"x": self.rng.uniform(-500.0, 500.0), "y": self.rng.uniform(-500, 500), "hp": 3}

    def step(self) -> Tree:
        """Let a tick pass, and return its delta."""
        rng, ents = self.rng, self.tree["ents"]
        update: dict[Any, Any] = {}
        for key in rng.sample(sorted(key for key in ents if "x" in ents[key]), 30):
            update[key] = {"x": ents[key]["x"] + rng.uniform(-9, 9), "y": ents[key]["y"] + rng.uniform(-9, 9)}
        if rng.random() < 0.4:
            update[rng.randrange(5, 300)] = rng.choice([TO_DELETE, self.thing(), {"hp": 1}])
        if rng.random() < 0.05:
            update[rng.choice(CLIENTS)] = self.thing()
        turn = {"turn": self.tree["turn"] + 1} if rng.random() < 0.5 else {}
        delta = self.reader.attribute_changes(self.tree, {"ents": update, **turn}, "update")
        self.tree = merged(self.tree, delta, {}) if delta else self.tree
        return delta


def own_key(tree: Tree, client_id: int) -> int:
    return client_id


@pytest.mark.parametrize("knows_deltas", [True, False])
def test_a_client_sees_the_worlds_records_of_all_that_is_near(knows_deltas: bool, seed: int) -> None:
    world, sights, seen = World(seed), Sights("ents", "x", "y", RADIUS, own_key), dict[int, Tree]()
    for tick in range(1, 400):
        delta = world.step()
        sights.follow(world.tree, delta if knows_deltas and tick > 1 else None)
        for client_id in CLIENTS:
            if tick % 50 == client_id:
                continue  # a client that is not asked for, as one that is lost
            before = seen.get(client_id, {})
            tree, change = sights.tree_for(client_id, before)
            ents, things = tree["ents"], world.tree["ents"]
            assert {key: tree[key] for key in tree if key != "ents"} == {"turn": world.tree["turn"]}
            assert all(ents[key] is things[key] for key in ents), seed
            assert client_id in ents
            if change is not None:
                assert exact(merged(before, change, {}) if change else before) == exact(tree), seed
            if (tick + client_id) % STATES_A_LOOK == 0:
                placed = {key for key, thing in things.items() if "x" in thing}
                near = {key for key in placed if square(world.tree, key, client_id) <= RADIUS**2}
                far = {key for key in placed if square(world.tree, key, client_id) > (LEAVE_SHARE * RADIUS) ** 2}
                assert near <= ents.keys(), seed
                assert not far & ents.keys(), seed
            seen[client_id] = tree


def test_the_delta_is_known_in_the_usual_case() -> None:
    world, sights = World(1), Sights("ents", "x", "y", RADIUS, own_key)
    sights.follow(world.tree, None)
    tree, change = sights.tree_for(1, {})
    assert change is None
    for _ in range(50):
        delta = world.step()
        sights.follow(world.tree, delta)
        tree, change = sights.tree_for(1, tree)
        assert change is not None
    rests = world.tree.copy()
    sights.follow(rests, {})
    assert sights.tree_for(1, tree) == (tree, {})


def test_a_thing_at_the_edge_does_not_come_and_go() -> None:
    grid = InterestGrid(100.0, "x", "y")
    for key, x in (("in", 99.0), ("edge", 105.0), ("out", 113.0)):
        grid.put(key, {"x": x, "y": 0})
    assert list(grid.near((0.0, 0.0), {})) == ["in"]
    assert set(grid.near((0.0, 0.0), {"edge": 1, "out": 1})) == {"in", "edge"}
    grid.put("in", {"x": float("nan"), "y": 0})
    grid.remove("edge")
    grid.remove("nobody")
    assert not grid.near((0.0, 0.0), {"edge": 1})
    assert grid.place("in") is None


@pytest.mark.parametrize("radius", [0.5, 1e-300, 300.0, 1e300])
def test_numbers_that_are_too_large_for_a_grid_count_as_no_place(radius: float) -> None:
    """A client may move its own thing there. No number of a state may end the ticks of the server."""
    grid = InterestGrid(radius, "x", "y")
    for x in (1.7e308, -1.7e308, 5e-324, 2**64 - 1, -(2**63), 1e200, True, "1", None, float("inf")):
        grid.put("far", {"x": x, "y": 0.0})
        grid.put("near", {"x": 0.0, "y": 0.0})
        for centre in ((float(x) if type(x) in {int, float} else 0.0, 0.0), (0.0, 0.0)):
            assert set(grid.near(centre, {})) <= {"far", "near"}
        assert "near" in grid.near((0.0, 0.0), {})


def test_a_look_costs_what_is_near_and_not_what_there_is() -> None:
    grid = InterestGrid(10.0, "x", "y")
    for key in range(10_000):
        grid.put(key, {"x": key % 100 * 50.0, "y": key // 100 * 50.0})
    assert sum(map(len, grid.cells_around(500.0, 500.0))) == 1
    assert list(grid.near((500.0, 500.0), {})) == [1010]


def is_expected(client: Client, snapshot: Snapshot, expected: dict[tuple[int, int], Any]) -> bool:
    """Return whether it is known what the server has sent, and check that this has arrived."""
    tree = expected.get((client.id or 0, snapshot.tick))
    assert tree is None or exact(snapshot.state) == exact(tree)
    return tree is not None


@pytest.mark.parametrize("link", [Link(latency=0.01), Link(latency=0.06, jitter=0.03, loss=0.15, reorder=0.05)])
def test_as_the_view_of_a_backend_every_client_gets_what_it_sees(link: Link, seed: int) -> None:
    rng, expected = random.Random(seed), dict[tuple[int, int], Any]()
    interest = Interest("ents", position=("x", "y"), radius=RADIUS)

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        moved = {}
        for key, thing in game_state.ents.items():
            if rng.random() < 0.3:
                moved[key] = {"x": thing["x"] + rng.uniform(-9, 9), "y": thing["y"] + rng.uniform(-9, 9)}
        return {"ents": moved}

    def enter(client_id: int) -> dict[str, Any]:
        return {"ents": {client_id: {"x": 0.0, "y": 0.0}}}

    ents = {key: {"x": rng.uniform(-300.0, 300.0), "y": rng.uniform(-300.0, 300.0)} for key in range(100, 200)}
    backend = Backend(
        GameState(ents=ents), time_step, {CLIENT_CONNECTED: enter}, view=interest, precision={"ents.*.*": 0.01}
    )
    network, keeper = SimulatedNetwork(seed, link), backend.game_state_store.plumbing
    network.serve(backend, interval=0.05)
    clients = [Client() for _ in range(3)]
    for client in clients:
        network.connect(client)
    checked = 0
    for _ in range(200):
        network.run(0.05)
        for peer in backend.server.plumbing.run.endpoint.peers.values():
            ring = peer.snapshots.ring
            expected[peer.client_id, ring.tick - 1] = ring.tree
        for client in clients:
            checked += sum(is_expected(client, snapshot, expected) for snapshot in client.snapshots[-2:])
    assert checked > 300
    truth = keeper.wire.follow(keeper.committed).tree
    for client in clients:
        state = client.snapshots[-1].state
        assert 0 < len(state["ents"]) < 60
        assert state["ents"].keys() <= truth["ents"].keys()


def test_a_place_may_stand_for_an_own_thing() -> None:
    interest = Interest("ents", radius=10, me=lambda tree, client_id: (50.0, 0.0) if client_id == 1 else None)
    tree = {"ents": {1: {"x": 0.0, "y": 0.0}, 2: {"x": 45, "y": 3}, 3: {}, 4: 5}, "turn": 1}
    assert interest(tree, 1) == {"ents": {2: {"x": 45, "y": 3}}, "turn": 1}
    assert interest(tree, 2) == {"ents": {}, "turn": 1}
    assert Interest("missing", radius=1)(tree, 1) == {**tree, "missing": {}}


def test_a_view_of_ones_own_may_ask_it() -> None:
    interest = Interest("ents", radius=10)
    tree = {"ents": {1: {"x": 0.0, "y": 0.0}, 2: {"x": 4, "y": 3}, 3: {"x": 99, "y": 0}}, "secret": 1}
    assert {**interest(tree, 1), "secret": None} == {"ents": {1: tree["ents"][1], 2: {"x": 4, "y": 3}}, "secret": None}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"table": 3}, "the name of the attribute"),
        ({"position": "xy"}, "the two keys"),
        ({"position": ("x",)}, "the two keys"),
        ({"radius": 0}, "a distance above 0"),
        ({"radius": float("inf")}, "a distance above 0"),
        ({"radius": True}, "a distance above 0"),
        ({"me": 7}, "me must be a function"),
    ],
)
def test_wrong_parameters_are_refused(options: dict[str, Any], words: str) -> None:
    options = {"table": "ents", "radius": 10, **options}
    with pytest.raises((TypeError, ValueError), match=words):
        Interest(options.pop("table"), **options)


@pytest.mark.parametrize("change", [{"x": 5000.0}, {"x": RADIUS * (LEAVE_SHARE + 0.01)}, {"x": None}, TO_DELETE])
def test_what_jumps_away_or_hides_is_not_seen_in_the_same_state(change: Any) -> None:
    """A game hides a thing by taking its place away. Its new place must not be sent until the next look."""
    for client_id in range(STATES_A_LOOK):
        reader, own = UpdateReader(), {"x": 0.0, "y": 0.0}
        tree: Tree = {"ents": {"me": own, "spy": {"x": 90.0, "y": 0.0}, "tree": {"x": 1.0, "y": 0.0}}}
        sights = Sights("ents", "x", "y", RADIUS, lambda tree, client_id: "me")
        sights.follow(tree, None)
        seen, _ = sights.tree_for(client_id, {})
        assert "spy" in seen["ents"]
        delta = reader.attribute_changes(tree, {"ents": {"spy": change}}, "update")
        sights.follow(merged(tree, delta, {}), delta)
        after, leads = sights.tree_for(client_id, seen)
        assert set(after["ents"]) == {"me", "tree"}
        assert leads == {"ents": {"spy": TO_DELETE}}
