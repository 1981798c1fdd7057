"""What a client may not see is in no byte that is sent to it: views that change at random, on bad lines, over resumed
connections and restarts.

Each value of the world is a text that occurs nowhere else, and so is each key. All datagrams are searched for them.
"""

import random
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, RELIABLE, TO_DELETE, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase.testing import Link, SimulatedNetwork
from tests.support.document_decoder import PAGE, Document, Onlooker
from tests.support.trees import exact

OPEN = ClientConfig(encryption="off")
DOCUMENT = Document(PAGE.read_text(encoding="utf-8"))
MARK = re.compile(rb"<(?:key|secret|event) [a-z0-9 ]{1,40}>")
LINKS = [Link(latency=0.01), Link(latency=0.06, jitter=0.05, loss=0.2, duplicate=0.05, reorder=0.1)]


def marks_in(value: Any) -> set[str]:
    """Return the marked texts anywhere in a value, keys included."""
    if isinstance(value, dict):
        return set().union(*(marks_in(item) for pair in value.items() for item in pair))
    if isinstance(value, (list, tuple)):
        return set().union(*map(marks_in, value))
    return {value} if isinstance(value, str) and value.startswith("<") else set()


def marks_sent(data: bytes) -> set[str]:
    """Return the marked texts of a datagram, also those behind the beginning of something compressed."""
    found = {match.decode() for match in MARK.findall(data)}
    at = data.find(b"\x78\x01")
    while at >= 0:
        try:
            found |= marks_sent(zlib.decompressobj().decompress(data[at:]))
        except zlib.error:
            pass  # two bytes that look like the beginning of it
        at = data.find(b"\x78\x01", at + 1)
    return found


class Game:
    """Things with secrets, and a view for each client that changes at random.

    :ivar shown: what the views have returned: by client and tick; ``allowed``: all texts of these, by client.
    """

    def __init__(self, seed: int, link: Link, things: int = 30, checkpoint: Path | None = None) -> None:
        self.rng = random.Random(seed)
        self.network = SimulatedNetwork(seed, link)
        self.shown: dict[int, dict[int, Any]] = {}
        self.allowed: dict[int, set[str]] = {}
        self.visible: dict[int, set[str]] = {}
        self.things, self.count = things, 0
        self.checkpoint = checkpoint
        self.clients: list[Client] = []
        self.sent: list[tuple[Any, int, set[str]]] = []
        self.ids: dict[Any, int] = {}
        self.onlooker: Onlooker | None = None
        self.start()

    def start(self) -> None:
        ents = {f"<key {n}>": self.thing() for n in range(self.things)}
        self.backend = Backend(
            GameState(ents=ents, turn=0),
            self.time_step,
            {CLIENT_CONNECTED: lambda client_id: {"turn": 0}},
            config=ServerConfig(encryption="off"),
            view=self.see,
            precision={"ents.*.x": 0.01},
            checkpoint=self.checkpoint,
        )
        self.address = self.network.serve(self.backend, interval=0.05)
        self.network.on_datagram = self.observe

    def secret(self) -> str:
        self.count += 1
        return f"<secret {self.count}>"

    def thing(self) -> dict[str, Any]:
        return {"mark": self.secret(), "x": self.rng.uniform(-9.0, 9.0), "in": {self.secret(): [1, self.secret()]}}

    def join(self, number: int) -> Client:
        client = Client(config=OPEN)
        self.clients.append(client)
        self.network.connect(client, address=("127.0.0.1", 50001 + number))
        return client

    def time_step(self, game_state: Any, dt: float) -> dict[str, Any]:
        rng, ents = self.rng, game_state.ents
        update: dict[str, Any] = {}
        for key in rng.sample(list(ents), min(len(ents), 5)):
            update[key] = rng.choice(
                [{"x": rng.uniform(-9.0, 9.0)}, {"mark": self.secret()}, {"in": {self.secret(): self.secret()}}]
            )
        if rng.random() < 0.3:
            update[f"<key {self.secret()[1:-1]}>"] = self.thing()
            update[rng.choice(list(ents))] = TO_DELETE
        for client in self.backend.server.clients:
            if rng.random() < 0.2:
                event = f"<event {client} {self.secret()[1:-1]}>"
                self.allowed.setdefault(client, set()).add(event)
                self.backend.server.dispatch_event("DEALT", event, target_client=client, retries=RELIABLE)
        return {"ents": update, "turn": game_state.turn + 1}

    def see(self, tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        rng, ents = self.rng, tree["ents"]
        visible = self.visible.setdefault(client_id, set())
        if rng.random() < 0.03:
            visible.clear()
        if rng.random() < 0.03:
            visible.update(ents)
        for key in rng.sample(list(ents), min(len(ents), 3)):
            visible ^= {key}
        view = {"turn": tree["turn"], "ents": {key: self.part(ents[key]) for key in sorted(visible & ents.keys())}}
        if rng.random() < 0.02:
            raise LookupError("a view that fails now and then")
        self.allowed.setdefault(client_id, set()).update(marks_in(view))
        tick = self.backend.game_state_store.plumbing.committed.tick
        self.shown.setdefault(client_id, {})[tick] = view
        return view

    def part(self, thing: dict[str, Any]) -> Any:
        """Return a thing, or a part of it: a client may see that it is there, and not all of it."""
        draw = self.rng.random()
        if draw < 0.1:
            return {"x": thing["x"]}
        return thing if draw < 0.9 else {**thing, "in": len(thing["in"])}

    def observe(self, data: bytes, sender: Any, receiver: Any) -> None:
        if self.onlooker is not None:
            self.onlooker.observe(data, sender, receiver, self.network.now)
        if sender == self.address:
            self.check(data, receiver)

    def check(self, data: bytes, receiver: Any) -> None:
        """Check a datagram at the moment at which it leaves: what its client may see later counts for nothing."""
        found = marks_sent(data)
        peer = self.backend.server.plumbing.run.endpoint.by_address.get(receiver)
        client_id = self.ids[receiver] = peer.client_id if peer is not None else 0
        self.sent.append((receiver, client_id, found))
        hidden = found - self.allowed.get(client_id, set())
        assert not hidden, f"{hidden} sent to client {client_id} at {self.network.now:.2f} s"

    def check_states(self) -> int:
        """Compare the newest states of all clients with what their views have returned; return their number."""
        checked = 0
        for client in self.clients:
            for snapshot in client.snapshots[-8:]:
                view = self.shown[client.id or 0].get(snapshot.tick)
                if view is not None:
                    assert exact(snapshot.state) == exact(view)
                    checked += 1
        return checked


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("things", [6, 40, 300])
def test_a_view_that_changes_at_random(link: Link, things: int, seed: int) -> None:
    """300 things travel in fragments, and in bulk; the states are also decoded by the page of the protocol alone."""
    game = Game(seed, link, things)
    game.onlooker = Onlooker(DOCUMENT, game.address, link.latency, None)
    for number in range(3):
        game.join(number)
    checked = 0
    for _ in range(10):
        game.network.run(0.5)
        checked += game.check_states()
    assert checked > 40
    assert sum(len(found) for _, _, found in game.sent) > 200, "the search finds what may be sent"
    for address, states in game.onlooker.states.items():
        for state in states.values():
            assert marks_in(state) <= game.allowed[game.ids[address]], seed


def test_a_client_that_comes_back_and_another_one_at_its_place(seed: int) -> None:
    """The other one has the address of the first, and must not get a delta to what that one has seen."""
    game = Game(seed, LINKS[0])
    first, second = game.join(0), game.join(1)
    for turn in range(4):
        game.network.run(1.0)
        game.network.partition(first)
        game.network.run(7.0 if turn % 2 else 1.0)
        game.network.partition(first, on=False)
        game.network.run(2.0)
        assert game.check_states() > 0, seed
    before = first.id
    game.network.kill(first)
    game.clients.remove(first)
    other = game.join(0)
    game.network.run(2.0)
    assert other.id not in (before, None)
    assert game.check_states() > 0
    assert second.snapshots[-1].tick == other.snapshots[-1].tick


def test_a_server_that_goes_on_from_its_checkpoint(seed: int, tmp_path: Path) -> None:
    game = Game(seed, LINKS[0], checkpoint=tmp_path / "game.pygase")
    clients = [game.join(0), game.join(1)]
    for _ in range(3):
        game.network.run(7.0)
        game.network.kill(game.backend)
        game.network.run(1.0)
        game.visible.clear()  # a new process knows nothing of what it has shown
        game.start()
        game.network.run(3.0)
        assert game.check_states() > 0, seed
        assert [client.status for client in clients] == ["connected", "connected"]


class LeakingGame(Game):
    """A game whose view shows one thing more than it says."""

    def see(self, tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        return {**super().see(tree, client_id), "more": next(iter(tree["ents"].values()))["mark"]}


def test_the_search_would_find_what_a_view_should_not_show(seed: int) -> None:
    game = LeakingGame(seed, LINKS[0])
    game.join(0)
    with pytest.raises(AssertionError, match="sent to client 1"):
        game.network.run(9.0)
