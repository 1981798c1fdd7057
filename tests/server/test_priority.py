"""Budget and priority: a client whose line is too thin for whole states gets the urgent parts of them first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from pygase import Backend, Client, ClientConfig, GameState, Interest, ServerConfig
from pygase.errors import InvalidValue
from pygase.testing import Link, SimulatedNetwork
from tests.server.test_views import encodings
from tests.support.trees import exact

OPEN = ClientConfig(encryption="off")
PATTERNS = {"ents.*": 1.0, "ents.{me}": 10.0}
COUNT = 64


class Swarm:
    """A server of entities that all move, and clients whose connections take a few bytes a second.

    Each entity notes its tick. Client 1 owns entity 1, which notes the player's last input.

    :ivar sent: the state of each tick, as it was sent to each client.
    """

    def __init__(
        self, seed: int = 0, *, ceiling: float = 4000.0, link: Link | None = None, clients: int = 1, **options: Any
    ) -> None:
        self.network = SimulatedNetwork(seed, link or Link(latency=0.03))
        self.is_moving = True
        config = ServerConfig(encryption="off", max_bytes_per_second=ceiling)
        ents = {n: {"x": n * 1.5, "y": n * 2.5, "tick": 0, "input": 0} for n in range(1, COUNT + 1)}
        options = {"priority": PATTERNS, **options}
        self.backend = Backend(GameState(ents=ents, turn=0), self.time_step, config=config, **options)
        self.keeper = self.backend.game_state_store.plumbing
        self.network.serve(self.backend, interval=0.05)
        self.clients = [Client(config=OPEN) for _ in range(clients)]
        for client in self.clients:
            self.network.connect(client)
        self.sent: dict[tuple[int, int], Any] = {}

    def time_step(self, game_state: Any, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
        turn = game_state.turn + self.is_moving
        ents = {}
        if self.is_moving:
            for n in range(1, COUNT + 1):
                ent = game_state.ents[n]
                ents[n] = {"x": ent["x"] + 0.13, "y": ent["y"] - 0.07, "tick": turn}
        for client_id, given in inputs.items():
            ents.setdefault(client_id, {})["input"] = given.number
        return {"ents": ents, "turn": turn}

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / 0.01)):
            self.network.run(0.01)
            wire = self.keeper.wire.follow(self.keeper.committed).tree
            for peer in self.backend.server.plumbing.run.endpoint.peers.values():
                tick, parts = peer.snapshots.ring.tick, peer.snapshots.parts
                self.sent.setdefault((peer.client_id, tick - 1), peer.snapshots.ring.tree or wire)
                for late in range(tick - 3, tick + 1):
                    part = parts.sent(late) if parts is not None else None
                    if part is not None:
                        self.sent[peer.client_id, late - 1] = part

    def check(self, client: Client) -> int:
        """Compare the client's newest states with those that were sent; return how many parts are among them."""
        assert client.id is not None
        parts = 0
        for snapshot in client.snapshots[-20:]:
            if (client.id, snapshot.tick) in self.sent:
                assert exact(snapshot.state) == exact(self.sent[client.id, snapshot.tick])
                ticks = {ent["tick"] for ent in snapshot.state["ents"].values()}
                parts += len(ticks) > 1
        return parts


LINKS = [Link(latency=0.03), Link(latency=0.08, jitter=0.05, loss=0.1, duplicate=0.05, reorder=0.05)]


@pytest.mark.parametrize("link", LINKS)
def test_a_short_client_has_exactly_the_states_that_were_sent_and_nothing_goes_back(link: Link, seed: int) -> None:
    swarm = Swarm(seed, link=link)
    client, parts, before = swarm.clients[0], 0, dict.fromkeys(range(1, COUNT + 1), 0)
    for _ in range(30):
        swarm.run(0.5)
        parts += swarm.check(client)
        ents = client.snapshots[-1].state["ents"] if client.snapshots else {}
        for key, ent in ents.items():
            assert ent["tick"] >= before[key]
            before[key] = ent["tick"]
    assert parts > 100
    assert client.snapshots[-1].state["turn"] - min(before.values()) < 60, "nothing starves"


def test_each_state_has_the_clients_own_thing_so_the_report_on_its_inputs_is_right() -> None:
    swarm = Swarm(3, link=Link(latency=0.04, jitter=0.02, loss=0.05))
    client = swarm.clients[0]
    swarm.run(1.0)
    compared = 0
    for number in range(1, 200):
        client.send_input(number)
        swarm.run(0.05)
        for snapshot in client.snapshots[-1:]:
            applied = client.input_applied(snapshot.tick)
            if applied is not None:
                assert snapshot.state["ents"][client.id]["input"] == applied
                compared += 1
    assert compared > 100
    assert swarm.check(client) > 5


@pytest.mark.interpreted
def test_clients_that_are_not_short_share_one_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm = Swarm(ceiling=math.inf, link=Link(latency=0.001), clients=4)
    swarm.run(1.0)
    made = encodings(swarm.network, monkeypatch, lambda: swarm.network.run(5.0))
    assert 99 <= made <= 102
    assert not any(peer.snapshots.is_partial for peer in swarm.backend.server.plumbing.run.endpoint.peers.values())


def test_a_world_that_comes_to_rest_is_completed() -> None:
    swarm = Swarm()
    swarm.run(3.0)
    assert swarm.check(swarm.clients[0]) > 5
    swarm.is_moving = False
    swarm.run(6.0)
    newest = swarm.clients[0].snapshots[-1]
    assert exact(newest.state) == exact(swarm.keeper.committed.tree)
    assert newest.resting
    before = swarm.network.bytes_sent[("127.0.0.1", 8080)]
    swarm.network.run(10.0)
    assert (swarm.network.bytes_sent[("127.0.0.1", 8080)] - before) / 10 < 60


def test_a_paused_game_is_shown_whole() -> None:
    swarm = Swarm()
    swarm.run(3.0)
    swarm.backend.game_state_machine.stop()
    swarm.network.run(5.0)
    assert exact(swarm.clients[0].snapshots[-1].state) == exact(swarm.keeper.committed.tree)


def test_a_client_that_is_lost_and_comes_back_goes_on(seed: int) -> None:
    swarm = Swarm(seed)
    client = swarm.clients[0]
    swarm.run(3.0)
    swarm.network.partition(client)
    swarm.run(8.0)
    swarm.network.partition(client, on=False)
    swarm.run(5.0)
    assert client.status == "connected"
    assert swarm.check(client) > 5


def see_half(tree: dict[str, Any], client_id: int) -> dict[str, Any]:
    return {**tree, "ents": {n: ent for n, ent in tree["ents"].items() if n <= COUNT // 2}}


@pytest.mark.parametrize("view", [see_half, Interest("ents", radius=100)])
def test_priority_goes_with_views_and_precision(view: Any, seed: int) -> None:
    precision = {"ents.*.x": 0.01, "ents.*.y": 0.01}
    swarm = Swarm(seed, ceiling=1600.0, view=view, precision=precision, clients=2)
    swarm.run(3.0)
    parts = 0
    for _ in range(10):
        swarm.run(0.5)
        parts += sum(swarm.check(client) for client in swarm.clients)
    assert parts > 40
    for client in swarm.clients:
        assert 5 < len(client.snapshots[-1].state["ents"]) < COUNT


def test_a_function_says_what_is_urgent() -> None:
    calls = set()

    def weigh(client_id: int, path: tuple[str | int, ...], record: Any) -> float:
        calls.add((client_id, path, type(record)))
        return 50.0 if path == ("ents", 9) else 1.0

    swarm = Swarm(priority=weigh)
    swarm.run(2.0)
    lags: dict[int, list[int]] = {9: [], 30: []}
    for _ in range(100):
        swarm.run(0.05)
        state = swarm.clients[0].snapshots[-1].state
        for key, found in lags.items():
            found.append(state["turn"] - state["ents"][key]["tick"])
    assert sum(lags[9]) < sum(lags[30]) / 3
    assert (1, ("ents", 9), dict) in calls
    assert (1, ("turn",), int) in calls


@pytest.mark.parametrize("answer", [0, -1.0, "much", None, math.nan, True])
def test_a_function_with_a_wrong_answer_is_reported_and_the_game_goes_on(
    answer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    swarm = Swarm(priority=lambda client_id, path, record: answer, debug=False)
    swarm.run(3.0)
    assert "the priority (test_priority.py, line" in caplog.text
    assert "must be a weight from 0.001 to 1000" in caplog.text
    assert swarm.check(swarm.clients[0]) > 5


def test_in_debug_mode_the_exception_of_the_function_is_raised() -> None:
    swarm = Swarm(priority=lambda client_id, path, record: 1 / 0, debug=True)
    with pytest.raises(ZeroDivisionError) as caught:
        swarm.run(3.0)
    assert "raised by the priority (test_priority.py" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(
    ("priority", "words"),
    [
        (3, r'must be a dict of paths and weights, such as {"ents.\*": 1.0'),
        ({"ents..x": 1.0}, "is malformed"),
        ({7: 1.0}, 'a path is a str such as "players'),
        ({"*": 1.0}, "must begin with the name of a state attribute"),
        ({"ents.{you}": 1.0}, r'the only key in braces is "\{me\}"'),
        ({"ents.*": 0}, r"priority\['ents.\*'\] must be a weight from 0.001 to 1000"),
        ({"ents.*": "high"}, "must be a weight from 0.001 to 1000"),
        ({"ents.*": True}, "must be a weight from 0.001 to 1000"),
    ],
)
def test_a_priority_that_makes_no_sense_is_refused(priority: Any, words: str) -> None:
    with pytest.raises(InvalidValue, match=words):
        Backend(GameState(), lambda game_state, dt: {}, priority=priority)


def test_a_function_that_cannot_be_called_is_refused() -> None:
    wrong: Callable[..., float] = lambda path: 1.0  # noqa: E731
    with pytest.raises(TypeError, match=r"called with \(client_id, path, record\); yours takes \(path\)"):
        Backend(GameState(), lambda game_state, dt: {}, priority=wrong)


def test_priority_goes_with_a_checkpoint(tmp_path: Any) -> None:
    """A restarted server gives its clients a whole state, and then parts again."""
    path = tmp_path / "game.checkpoint"
    swarm = Swarm(checkpoint=path, checkpoint_interval=0.5)
    swarm.run(4.0)
    assert swarm.check(swarm.clients[0]) > 5
    swarm.backend.shutdown()
    swarm.network.run(0.5)
    again = Swarm(checkpoint=path)
    again.run(4.0)
    assert again.check(again.clients[0]) > 5
