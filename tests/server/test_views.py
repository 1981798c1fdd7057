"""Views: who sees what."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase._server.slow_ticks import TIME_STEP, VIEW, SlowTicks
from pygase.testing import Link, SimulatedNetwork
from tests.support.document_decoder import PAGE, Document, Onlooker
from tests.support.trees import exact

OPEN = ClientConfig(encryption="off")
DOCUMENT = Document(PAGE.read_text(encoding="utf-8"))


class Table:
    """A card game with hidden hands: everybody sees their own cards, and how many the others have."""

    def __init__(self, seed: int = 0, link: Link | None = None, clients: int = 3, **options: Any) -> None:
        self.rng = random.Random(seed)
        self.network = SimulatedNetwork(seed, link or Link(latency=0.02))
        self.seen: dict[int, dict[int, Any]] = {}
        options = {"view": self.see, **options}
        config = ServerConfig(encryption="off")
        state = GameState(hands={}, turn=0)
        self.backend = Backend(state, self.time_step, {CLIENT_CONNECTED: self.enter}, config=config, **options)
        self.keeper = self.backend.game_state_store.plumbing
        self.address = self.network.serve(self.backend, interval=0.05)
        self.datagrams: list[tuple[bytes, Any]] = []
        self.onlooker = Onlooker(DOCUMENT, self.address, (link or Link(latency=0.02)).latency, None)
        self.network.on_datagram = self.observe
        self.clients = [Client(config=OPEN) for _ in range(clients)]
        for number, client in enumerate(self.clients):
            self.network.connect(client, address=("127.0.0.1", 50001 + number))

    def observe(self, data: bytes, sender: Any, receiver: Any) -> None:
        self.datagrams.append((data, receiver))
        self.onlooker.observe(data, sender, receiver, self.network.now)

    def enter(self, client_id: int) -> dict[str, Any]:
        return {"hands": {client_id: self.cards(client_id)}}

    def cards(self, client_id: int) -> list[str]:
        return [f"secret-{client_id}-{self.rng.randrange(10**9)}" for _ in range(5)]

    def time_step(self, game_state: Any, dt: float) -> dict[str, Any]:
        update: dict[str, Any] = {"turn": game_state.turn + 1}
        if game_state.hands and game_state.turn % 3 == 0:
            client_id = self.rng.choice(list(game_state.hands))
            update["hands"] = {client_id: self.cards(client_id)}
        return update

    def see(self, tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        hands = {key: hand if key == client_id else len(hand) for key, hand in tree["hands"].items()}
        view = {**tree, "hands": hands}
        self.seen.setdefault(client_id, {})[self.keeper.committed.tick] = view
        return view


LINKS = [Link(latency=0.001), Link(latency=0.08, jitter=0.05, loss=0.15, duplicate=0.05, reorder=0.05)]


@pytest.mark.parametrize("link", LINKS)
def test_each_client_has_exactly_what_its_view_returned(link: Link, seed: int) -> None:
    table = Table(seed, link)
    checked = 0
    for _ in range(40):
        table.network.run(0.5)
        for client in table.clients:
            for snapshot in client.snapshots[-10:]:
                assert client.id is not None
                assert exact(snapshot.state) == exact(table.seen[client.id][snapshot.tick]), seed
                checked += 1
    assert checked > 500
    hands = table.clients[0].snapshots[-1].state["hands"]
    assert {type(hand) for key, hand in hands.items() if key != table.clients[0].id} == {int}


def secrets_in(value: Any) -> set[str]:
    """Return the secrets anywhere in a decoded value."""
    if isinstance(value, dict):
        return set().union(*(secrets_in(item) for pair in value.items() for item in pair)) if value else set()
    if isinstance(value, (list, tuple)):
        return set().union(*map(secrets_in, value)) if value else set()
    return {value} if isinstance(value, str) and value.startswith("secret-") else set()


@pytest.mark.parametrize("link", LINKS)
def test_no_byte_of_anothers_hand_is_sent(link: Link, seed: int) -> None:
    """All datagrams are searched: as bytes, and decoded by the page of the protocol alone, with what is compressed."""
    table = Table(seed, link)
    table.network.run(20.0)
    by_address = {client.address: client.id for client in table.clients}
    found = 0
    for data, receiver in table.datagrams:
        for owner in by_address.values():
            is_there = f"secret-{owner}-".encode() in data
            assert not is_there or by_address[receiver] == owner, seed
            found += is_there
    assert found > 20, "the search finds the secrets that may be sent"
    for address, states in table.onlooker.states.items():
        for state in states.values():
            assert {secret.split("-")[1] for secret in secrets_in(state)} <= {str(by_address[address])}, seed


def test_nor_in_a_large_state_that_travels_in_fragments_or_in_bulk(seed: int) -> None:
    rng = random.Random(seed)
    own = {n: [f"secret-{n}-{rng.randrange(10**12)}" for _ in range(400)] for n in (1, 2, 3)}

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        if rng.random() < 0.2:
            own[rng.randrange(3) + 1][rng.randrange(400)] = f"secret-{rng.randrange(3) + 1}-x"
        return {"own": {n: list(mine) for n, mine in own.items()}, "turn": game_state.turn + 1}

    def see(tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        return {"own": {client_id: tree["own"][client_id]}, "turn": tree["turn"]}

    own = {n: [text.replace("-x", f"-{n}") for text in mine] for n, mine in own.items()}
    network = SimulatedNetwork(seed, Link(latency=0.02, loss=0.1))
    backend = Backend(GameState(own=own, turn=0), time_step, view=see, config=ServerConfig(encryption="off"))
    address = network.serve(backend, interval=0.05)
    onlooker = Onlooker(DOCUMENT, address, 0.02, None)
    network.on_datagram = lambda data, sender, receiver: onlooker.observe(data, sender, receiver, network.now)
    clients = [Client(config=OPEN) for _ in range(3)]
    for number, client in enumerate(clients):
        network.connect(client, address=("127.0.0.1", 50001 + number))
    network.run(8.0)
    assert any(onlooker.seen[way] for way in ("BULK_SNAPSHOT in fragments", "SNAPSHOT in fragments"))
    for client in clients:
        states = onlooker.states[client.address]
        assert len(states) > 3
        assert all(list(state["own"]) == [client.id] for state in states.values())


def test_what_leaves_the_view_disappears_at_the_client_and_comes_back() -> None:
    visible = {1, 2, 3}
    backend = Backend(
        GameState(things={n: {"x": n} for n in (1, 2, 3)}),
        lambda game_state, dt: {},
        view=lambda tree, client_id: {**tree, "things": {n: tree["things"][n] for n in sorted(visible)}},
    )
    network, client = SimulatedNetwork(5, Link(latency=0.05, loss=0.2)), Client()
    network.serve(backend)
    network.connect(client)
    for wanted in ({1, 2, 3}, {2}, set(), {1, 3}):
        visible.clear()
        visible.update(wanted)
        network.run(2.0)
        assert set(client.snapshots[-1].state["things"]) == wanted


def views_of(network: SimulatedNetwork, see: Callable[..., Any], clients: int = 2, **state: Any) -> list[Client]:
    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        return {"turn": game_state.turn + 1}

    backend = Backend(GameState(turn=0, **state), time_step, view=see, debug=False)
    network.serve(backend, interval=0.05)
    made = [Client() for _ in range(clients)]
    for client in made:
        network.connect(client)
    return made


def test_a_view_that_raises_is_reported_and_its_client_sees_what_it_saw_last(caplog: pytest.LogCaptureFixture) -> None:
    failing = set[int]()

    def see(tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        return {"me": client_id // (client_id not in failing), "turn": tree["turn"]}

    network = SimulatedNetwork()
    first, second = views_of(network, see)
    network.run(1.0)
    failing.add(1)
    network.run(1.0)
    assert "the view (test_views.py, line" in caplog.text
    assert "for client 1: raised ZeroDivisionError" in caplog.text
    assert first.snapshots[-1].state["me"] == 1
    assert second.snapshots[-1].state["turn"] > first.snapshots[-1].state["turn"] + 15
    failing.clear()
    network.run(1.0)
    assert first.snapshots[-1].state["turn"] == second.snapshots[-1].state["turn"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (None, "must return a dict of state attributes"),
        ([1], "must return a dict of state attributes"),
        ({"x": object()}, "what the view returned.x is of type object"),
        ({1: 2}, "on the top level keys are attribute names"),
        ({"time_order": 3}, "time_order"),
        ({"x": {"y": {(1, 2): 3}}}, "keys must be str or int"),
    ],
)
def test_a_view_that_returns_nonsense_is_reported_and_nothing_is_sent(
    answer: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    network = SimulatedNetwork()
    clients = views_of(network, lambda tree, client_id: answer, secret="hidden")
    network.run(1.0)
    assert words in caplog.text
    assert [client.snapshots for client in clients] == [(), ()]


def test_in_debug_mode_the_exception_of_a_view_is_raised() -> None:
    network = SimulatedNetwork()
    backend = Backend(GameState(), lambda game_state, dt: {}, view=lambda tree, client_id: 1 / 0, debug=True)
    network.serve(backend)
    network.connect(Client())
    with pytest.raises(ZeroDivisionError) as caught:
        network.run(1.0)
    assert "raised by the view (test_views.py" in "".join(caught.value.__notes__)


@pytest.mark.parametrize(("view", "words"), [(3, "view must be a function"), (lambda tree: tree, "yours takes")])
def test_a_view_that_cannot_be_called_is_refused(view: Any, words: str) -> None:
    with pytest.raises(TypeError, match=words):
        Backend(GameState(), lambda game_state, dt: {}, view=view)


def encodings(network: SimulatedNetwork, monkeypatch: pytest.MonkeyPatch, run: Callable[[], None]) -> int:
    from pygase._protocol.snapshots import SnapshotRing

    made, real = [], SnapshotRing._encode

    def counted(ring: SnapshotRing, *args: Any) -> bytes:
        made.append(1)
        return real(ring, *args)

    with monkeypatch.context() as patch:
        patch.setattr(SnapshotRing, "_encode", counted)
        run()
    return len(made)


@pytest.mark.interpreted
@pytest.mark.parametrize("whole", [True, False])
def test_one_object_for_many_clients_is_one_encoding(whole: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also for a client that came later, and the same for those who see the whole tree."""
    teams: list[dict[str, Any]] = [{}, {}]

    def see(tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        team = client_id % 2
        if teams[team].get("turn") != tree["turn"]:
            teams[team] = {"turn": tree["turn"], "team": team}
        return tree if whole else teams[team]

    network = SimulatedNetwork(2, Link(latency=0.001))
    clients = views_of(network, see, clients=6, big={n: n for n in range(50)})
    network.run(1.0)
    late = Client()
    network.connect(late)
    network.run(1.0)
    before = late.snapshots[-1].tick
    made = encodings(network, monkeypatch, lambda: network.run(5.0))
    ticks = late.snapshots[-1].tick - before
    assert 99 <= ticks <= 101
    assert made / (1 if whole else 2) - ticks in (0, 1), "the last one may be on its way"
    assert all(len(client.snapshots) == client.config.kept_snapshots for client in clients)
    assert late.snapshots[-1].tick == clients[0].snapshots[-1].tick


def test_a_view_in_which_nothing_changes_sends_nothing() -> None:
    """The world goes on, and each answer is a new dict: yet the client gets a bare packet now and then."""
    network = SimulatedNetwork(2, Link(latency=0.001))
    client, _ = views_of(network, lambda tree, client_id: {"name": "a", "list": [1, 2], "of": {"x": client_id * 0.5}})
    network.run(2.0)
    before = network.bytes_sent[("127.0.0.1", 8080)]
    network.run(10.0)
    assert (network.bytes_sent[("127.0.0.1", 8080)] - before) / 10 / 2 < 60
    assert client.snapshots[-1].resting


def test_an_event_of_a_tick_that_changes_nothing_in_the_view_is_not_held_back() -> None:
    """An event waits for the state of its tick. A client whose view rests has the newest one already."""
    network, heard, client = SimulatedNetwork(2, Link(latency=0.01)), [], Client()
    backend = Backend(
        GameState(turn=0),
        lambda game_state, dt: {"turn": game_state.turn + 1},
        {"ASK": lambda: backend.server.dispatch_event("ANSWER")},
        view=lambda tree, client_id: {"name": "a"},
    )
    network.serve(backend, interval=0.05)
    client.register_event_handler("ANSWER", lambda: heard.append(network.now))
    network.connect(client)
    network.run(2.0)
    asked_at = network.now
    client.dispatch_event("ASK")
    network.run(1.0)
    assert [at - asked_at < 0.12 for at in heard] == [True]


def test_views_go_with_precision() -> None:
    backend = Backend(
        GameState(things={n: {"x": 0.123} for n in (1, 2)}),
        lambda game_state, dt: {},
        precision={"things.*.x": 0.01},
        view=lambda tree, client_id: {"things": {client_id: tree["things"][client_id]}},
    )
    network = SimulatedNetwork()
    network.serve(backend)
    clients = [Client(), Client()]
    for client in clients:
        network.connect(client)
    network.run(1.0)
    assert [client.snapshots[-1].state for client in clients] == [{"things": {n: {"x": 0.12}}} for n in (1, 2)]


def test_a_server_whose_game_is_paused_shows_newcomers_their_view() -> None:
    backend = Backend(GameState(x=1), lambda game_state, dt: {}, view=lambda tree, client_id: {"you": client_id})
    network = SimulatedNetwork()
    network.serve(backend)
    network.run(0.2)
    backend.game_state_machine.stop()
    network.run(0.2)
    client = Client()
    network.connect(client)
    network.run(1.0)
    assert client.snapshots[-1].state == {"you": 1}


def test_a_lost_client_that_comes_back_sees_its_view(seed: int) -> None:
    table = Table(seed)
    table.network.on_datagram = None  # the onlooker knows nothing of connections that go on
    table.network.run(2.0)
    client = table.clients[0]
    table.network.partition(client)
    table.network.run(8.0)
    table.network.partition(client, on=False)
    table.network.run(5.0)
    assert client.status == "connected"
    assert client.id is not None
    assert exact(client.snapshots[-1].state) == exact(table.seen[client.id][client.snapshots[-1].tick])
    assert table.keeper.committed.tick - client.snapshots[-1].tick < 5


def test_the_states_of_a_view_are_dropped_once_they_are_acknowledged() -> None:
    table = Table()
    table.network.run(20.0)
    peers = table.backend.server.plumbing.run.endpoint.peers.values()
    assert max(len(peer.snapshots.ring.ring) for peer in peers) < 8


def test_a_view_that_makes_the_ticks_slow_is_named(caplog: pytest.LogCaptureFixture) -> None:
    now, ticks = [0.0], [0]
    slow = SlowTicks(lambda: ticks[0], lambda: now[0], lambda name: name)
    for _ in range(40):
        now[0] += 0.1
        ticks[0] += 1
        if slow.is_watching:
            slow.note_call(TIME_STEP, 0.001)
            slow.note_call(VIEW, 0.09)
        slow.late(4, 0.1, 0.02)
    assert "the slowest part is the view, with 90 ms in each" in caplog.text
