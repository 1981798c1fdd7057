"""docs/protocol.md describes the bytes on the wire: whole recorded sessions are decoded by that page alone.

`python -m tests.protocol.test_document` prints the page's example, for use after a change of the protocol.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import blake2b, scrypt
from typing import Any

import msgpack
import pytest

from pygase import Backend, Client, DisconnectReason, GameState
from pygase._protocol import sequence, wire
from pygase._protocol.channels import RELIABLE, WINDOW_BYTES, WINDOW_MESSAGES
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.crypto import why_not
from pygase._protocol.endpoint import ServerEndpoint
from pygase._protocol.identity import ServerIdentity
from pygase._protocol.inputs import MAX_INPUT_BYTES, MAX_INPUTS
from pygase._protocol.peer_events import StateReceived
from pygase._protocol.played_inputs import PlayerInput
from pygase._protocol.skips import MIN_SKIP_DISTANCE
from pygase._state.event_codec import encode_event
from pygase._state.packed_layout import MAX_PACKED_BYTES
from pygase._state.tree import MAX_DEPTH, TO_DELETE
from pygase.config import ClientConfig, ConnectionConfig, ServerConfig
from pygase.testing import Link, Nat, SimulatedNetwork
from tests.support.document_decoder import (
    PAGE,
    TO_CLIENT,
    TO_SERVER,
    Document,
    Onlooker,
    Packed,
    Undecodable,
    applied,
    example,
    fields_of,
    inputs_of,
    named,
    rendered,
    shown,
)
from tests.support.document_packed import unpacked

DOCUMENT = Document(PAGE.read_text(encoding="utf-8"))
BIG_TEXT = "".join(chr(97 + i * i % 26) for i in range(3000))


# -- a whole session on the simulated network ------------------------------------------------------------------------


@dataclass
class Session:
    """A game with several clients. All its traffic is recorded and decoded on the way.

    :ivar committed: the server's own states by their tick on the wire, with `game_status`.
    :ivar handled: the arguments of each side's handlers.
    """

    seed: int
    link: Link
    password: str | None = "sesame"
    encryption: str = "off"
    config: ServerConfig | None = None
    share_inputs: bool = False
    updates: list[dict[str, Any]] = field(default_factory=list)
    committed: dict[int, Any] = field(default_factory=dict)
    handled: list[tuple[str, Any]] = field(default_factory=list)
    played: dict[Any, list[PlayerInput]] = field(default_factory=dict)
    played_in: dict[int, dict[int, PlayerInput]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.network = SimulatedNetwork(self.seed, self.link, start=1000.0)
        secrets = None
        if self.encryption != "off":
            from tests.support.document_secrets import Secrets  # needs the package cryptography

            secrets = Secrets(DOCUMENT)
            chance = self.network._rng
            chance.randbytes = secrets.recorded(chance.randbytes)  # type: ignore[method-assign]
        self.backend = Backend(
            GameState(players={}, texts=["ä", b"\x00\xff", None, True, -1, 2**63, 0.1], nested={1: {"deep": {}}}),
            self._time_step,
            event_handlers={name: self._handler(name) for name in ("SAY", "ONCE", "ORDERED", "BIG")},
            game="pong",
            password=self.password,
            config=self.config,
            share_inputs=self.share_inputs,
        )
        self.server = self.backend.server
        self.backend.game_state_store.plumbing.subscribe(self._commit)
        self.address = self.network.serve(self.backend, interval=0.02)
        self._commit()
        self.onlooker = Onlooker(DOCUMENT, self.address, self.link.latency, secrets)
        self.network.on_datagram = lambda data, sender, receiver: self.onlooker.observe(
            data, sender, receiver, self.network.now
        )

    def _time_step(self, game_state: GameState, dt: float, inputs: dict[Any, PlayerInput]) -> dict[str, Any] | None:
        self.played_in[self.backend.game_state_store.plumbing.tick_of_caller + 1] = inputs
        for client_id, played in inputs.items():
            self.played.setdefault(client_id, []).append(played)
        return self.updates.pop(0) if self.updates else None

    def _commit(self) -> None:
        commit = self.backend.game_state_store.plumbing.committed
        self.committed[commit.tick + 1] = commit.tree

    def _handler(self, name: str) -> Callable[..., None]:
        return lambda *args, **kwargs: self.handled.append((name, args[0] if args else None))

    def join(self, port: int, nat: Nat | None = None, **options: Any) -> Client:
        usual = {"game": "pong", "password": self.password, "config": ClientConfig(encryption=self.encryption)}
        client = Client(**{**usual, **options})
        for name in ("SAY", "ONCE", "ORDERED", "BIG"):
            client.register_event_handler(name, self._handler(f"client {name}"))
        self.network.connect(client, address=("127.0.0.1", port), nat=nat)
        return client

    def check_states(self) -> None:
        """Every state that was sent, put together by the page, is the server's own of that tick."""
        assert self.onlooker.states
        for states in self.onlooker.states.values():
            for tick, state in states.items():
                assert same(state, self.committed[tick]), f"tick {tick}"


def same(a: Any, b: Any) -> bool:
    """Return whether two states are equal to the last bit and type, in any order of keys."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and repr(a) == repr(b)


def send_inputs(session: Session, client: Client, count: int) -> dict[int, tuple[Any, float | None]]:
    """Let a client send inputs, one a tick, some equal to the last, some with view times. Return them."""
    rng, sent = random.Random(session.seed), dict[int, tuple[Any, float | None]]()
    value: Any = None
    for step in range(count):
        if step % 3 == 0:
            value = rng.choice([{"x": rng.random(), "keys": [1, "fire"]}, step, None, b"\xff" * rng.randint(0, 100)])
        now = session.network.now
        view_time = rng.choice([None, now - 0.1, now - 0.1, now - 2.0, now - 9.0]) if step // 20 % 2 else None
        sent[client.send_input(value, view_time=view_time)] = value, view_time
        session.network.run(0.02)
    return sent


def all_kinds_of_events(session: Session, client: Client) -> None:
    """Both sides send events on every channel, short ones and some that take fragments."""
    for dispatch_event in (client.dispatch_event, partial(session.server.dispatch_event, target_client=client.address)):
        for i in range(5):
            dispatch_event("SAY", i)
            dispatch_event("ONCE", i, retries=3)
            dispatch_event("ORDERED", i, retries=RELIABLE)
        dispatch_event("BIG", BIG_TEXT)
        dispatch_event("BIG", BIG_TEXT, retries=3)
        dispatch_event("BIG", BIG_TEXT, retries=RELIABLE, note="named")


def changing_states(rng: random.Random) -> list[dict[str, Any]]:
    """Updates that take a packet, some packets, and many; with deletions, new dicts and markers."""
    small = [{"players": {i % 3: {"x": i / 7, "name": f"p{i}"}}} for i in range(20)]
    noise = {i: rng.randbytes(30) for i in range(60)}
    return [
        *small,
        {"players": {1: TO_DELETE}, "nested": {1: {"deep": {"er": {}}}}},
        {"noise": noise},  # some packets
        *small,
        {"noise": TO_DELETE, "level": {i: f"tile {i % 7}" for i in range(4000)}},  # many, and compresses well
        *small,
        {"level": TO_DELETE, "nested": {1: TO_DELETE, "x": {"new": 1}}},
        {"nested": {"x": 5}},
    ]


def played(session: Session) -> Client:
    """Play a session in which everything happens that the page describes, short of ACKS and of trouble."""
    network = session.network
    session.join(50101, password="open")
    session.join(50102, game="chess")
    client = session.join(50001)
    skips = client.plumbing.endpoint.protocol.skips
    skips.within = 8
    skips.plan(0)  # so that it leaves out a number while it sends inputs
    network.run_until(lambda: client.status == "connected")
    network.run(0.5)
    all_kinds_of_events(session, client)
    session.updates = changing_states(random.Random(session.seed))
    late = session.join(50002)
    nat = Nat()
    mover = session.join(50003, nat)
    nat.rebind(at=network.now + 3.0)
    network.run(6.0)
    send_inputs(session, client, 100)
    network.run(4.0)
    all_kinds_of_events(session, client)
    network.run(6.0)
    network.partition(mover)
    network.run_until(lambda: mover.status == "reconnecting")
    network.partition(mover, False)
    mover.disconnect()
    late.disconnect()
    network.run(0.5)
    network.inject(
        bytes([6]) + late.plumbing.endpoint.protocol.token + bytes(14), ("127.0.0.1", 50002), ("127.0.0.1", 8080)
    )
    network.run(0.5)
    return client


@pytest.mark.parametrize("encryption", ["off", "required"])
def test_a_whole_session_is_decoded_by_the_page_and_every_byte_is_accounted_for(encryption: str, seed: int) -> None:
    encrypted = encryption == "required"
    if encrypted:
        pytest.importorskip("cryptography")
    session = Session(seed, Link(latency=0.02), encryption=encryption)
    client = played(session)
    assert session.onlooker.states[client.address].keys() >= {s.tick + 1 for s in client.snapshots}
    session.server.shutdown()
    session.network.run(0.5)
    session.check_states()
    seen = session.onlooker.seen
    datagrams = set(DOCUMENT.datagram_kinds.values()) - {"reserved", *({"ENCRYPTED", "URGENT"}, {"DATA"})[encrypted]}
    messages = set(DOCUMENT.message_kinds.values()) - {"ACKS"}  # no need on a good network
    ways = {"EVENT in fragments", "EVENT_ONCE in fragments", "EVENT_ORDERED in fragments", "DELTA in fragments"}
    ways |= {"BULK_SNAPSHOT in fragments", "full state", "delta", "packed delta", "compressed state", "empty packet"}
    ways |= {"number left out", "inputs with view times", "inputs without view times", "input sent anew"}
    assert datagrams | messages | ways <= {name for name, count in seen.items() if count}


@pytest.mark.parametrize("variant", range(4))
def test_so_is_a_session_on_a_bad_network(variant: int, seed: int) -> None:
    link = Link(latency=0.03, jitter=0.03, loss=0.15, duplicate=0.05, reorder=0.05)
    session = Session(seed, link, encryption="off" if why_not() else ["off", "required"][variant % 2])
    client = played(session)
    session.check_states()
    assert session.onlooker.seen["sent anew"]
    assert client.snapshots[-1].state == session.backend.game_state_store.plumbing.committed.tree


def test_the_events_in_the_packets_are_those_that_handlers_get(seed: int) -> None:
    session = Session(seed, Link(latency=0.02))
    client = session.join(50001)
    session.network.run(1.0)
    all_kinds_of_events(session, client)
    session.network.run(3.0)
    for way, prefix in ((TO_SERVER, ""), (TO_CLIENT, "client ")):
        sent = session.onlooker.direction(client.address, way).events
        assert [event for kind, event in sent if kind == 3] == [
            *[["ORDERED", [i]] for i in range(5)],
            ["BIG", [BIG_TEXT], {"note": "named"}],
        ]
        handled = [
            (name.removeprefix("client "), arg)
            for name, arg in session.handled
            if name.startswith("client ") == bool(prefix)
        ]
        assert sorted(handled) == sorted((event[0], event[1][0]) for _, event in sent)


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_the_inputs_in_the_packets_are_those_that_the_game_gets(loss: float, seed: int) -> None:
    """Number, value and view time. The client reports the server's feedback to its user."""
    session = Session(seed, Link(latency=0.02, jitter=0.03, loss=loss))
    client = session.join(50001)
    session.network.run_until(lambda: client.status == "connected")
    session.network.run(0.5)
    session.updates = [{"n": n} for n in range(150)]
    sent = send_inputs(session, client, 200)
    session.network.run(2.0)
    seen = session.onlooker.inputs[client.address]
    assert list(sent) == list(range(1, 201))
    assert seen.keys() == sent.keys()
    for number, (value, view_time) in sent.items():
        assert repr(seen[number][0]) == repr(value)
        if view_time is None or seen[number][1] is not None:
            assert seen[number][1] == (None if view_time is None else round(view_time * 10_000) % 2**32)
    client_id = session.server.connections[client.address].client_id
    applied = [played for played in session.played[client_id] if not played.repeats]
    assert len(applied) > 150
    exact = 0
    for played in applied:
        value, units = seen[played.number]
        assert repr(played.value) == repr(value)
        if units is None or played.view_time is not None:  # (a message cannot hold all of them if they are far apart)
            assert (played.view_time is None) == (units is None)
            # (a claim that the latency does not explain is not believed, and a later time counts)
            assert played.view_time is None or units is None or played.view_time > units / 10_000 - 1e-4
            exact += units is not None and played.view_time == pytest.approx(units / 10_000, abs=1e-4)
    assert exact > 20
    told = session.onlooker.told[client.address]
    assert told[-1][:2] == (client.snapshots[-1].tick + 1, 200)
    of_tick: dict[int, set[int]] = {}
    for tick, number, _ in told:
        of_tick.setdefault(tick - 1, set()).add(number)
    assert all(
        client.input_applied(tick) in {None, *of_tick.get(tick, ())} for tick in range(client.snapshots[-1].tick)
    )
    paces = [1 + max(-0.03, min(0.03, 0.003 * (1 - margin))) for _, _, margin in told[-9:]]  # (some of them got lost)
    assert min(abs(client.input_pace - each) for each in paces) < 1e-9


def shared_by_the_page(entry: bytes) -> list[Any]:
    """Read an entry of the shared inputs by the page."""
    inputs: list[Any] = []
    while entry:
        ticks, size = entry[0], entry[1]
        inputs += [msgpack.unpackb(entry[2 : 2 + size], strict_map_key=False)] * ticks
        entry = entry[2 + size :]
    return inputs


@pytest.mark.parametrize("loss", [0.0, 0.2])
def test_the_shared_inputs_in_the_states_are_those_that_the_game_gets(loss: float, seed: int) -> None:
    """Of each tick in which the game's part changes, with those that wait."""
    session = Session(seed, Link(latency=0.02, jitter=0.01, loss=loss), share_inputs=True)
    clients = [session.join(50001 + i) for i in range(2)]
    session.network.run(1.0)
    session.updates = [{"n": n} for n in range(150)]
    send_inputs(session, clients[0], 100)
    checked = waiting = 0
    for states in session.onlooker.states.values():
        for tick, state in states.items():
            for client_id, entry in state[0].items():
                inputs = shared_by_the_page(entry)
                played = session.played_in[tick][client_id]
                assert repr(inputs) == repr([played.value, *played.ahead])
                checked += 1
                waiting += len(inputs) > 1
    assert checked > 100
    assert waiting > 30


def test_packets_full_of_messages_keep_to_the_limits_in_both_directions(seed: int) -> None:
    session = Session(seed, Link(latency=0.02))
    client = session.join(50001)
    session.network.run(1.0)
    for i in range(400):
        client.dispatch_event("SAY", "x" * (i % 90), retries=i % 3)
        session.server.dispatch_event("SAY", "x" * (i % 90), retries=i % 3)
    session.network.run(3.0)  # the onlooker checks each datagram
    assert session.onlooker.seen["EVENT"] + session.onlooker.seen["EVENT_ONCE"] >= 800


def test_refusals_carry_reason_and_detail_of_the_page(seed: int) -> None:
    session = Session(seed, Link(latency=0.02))
    played(session)
    refusals = session.onlooker.refusals
    assert DOCUMENT.reasons[refusals["127.0.0.1", 50101]["reason"]] == "WRONG_PASSWORD"
    assert DOCUMENT.reasons[refusals["127.0.0.1", 50102]["reason"]] == "WRONG_GAME"
    assert "pong" in refusals["127.0.0.1", 50102]["detail"]


def test_a_goodbye_carries_the_reason_of_the_page(seed: int) -> None:
    session = Session(seed, Link())
    leaver, kicked, stayer = (session.join(50001 + i) for i in range(3))
    session.network.run(1.0)
    leaver.disconnect()
    session.server.kick(kicked.address or (), "Nö.")
    session.network.run(0.5)
    session.server.shutdown()
    session.network.run(0.5)
    goodbyes = [
        session.onlooker.direction(address, way).closed
        for address, way in ((leaver.address, TO_SERVER), (kicked.address, TO_CLIENT), (stayer.address, TO_CLIENT))
    ]
    assert [(DOCUMENT.reasons[each["reason"]], each["detail"]) for each in goodbyes if each] == [
        ("CLOSED", ""),
        ("KICKED", "Nö."),
        ("SERVER_SHUTDOWN", ""),
    ]


def test_the_round_trip_by_the_rule_of_the_page_is_that_of_the_network(seed: int) -> None:
    session = Session(seed, Link(latency=0.04))
    client = session.join(50001)
    session.network.run(1.0)
    session.updates = [{"n": i} for i in range(100)]
    session.network.run(4.0)
    for way in (TO_SERVER, TO_CLIENT):
        measured = session.onlooker.direction(client.address, way).round_trips
        assert len(measured) > 3
        assert measured == pytest.approx([0.08] * len(measured), abs=0.0003)
    assert client.stats.rtt == pytest.approx(0.08, abs=0.0003)


def test_an_idle_connection_sends_the_heartbeats_of_the_page(seed: int) -> None:
    session = Session(seed, Link(latency=0.01))
    client = session.join(50001)
    session.network.run(20.0)
    for way in (TO_SERVER, TO_CLIENT):
        silences = session.onlooker.direction(client.address, way).silences[5:]
        assert len(silences) >= 10
        assert max(silences) == pytest.approx(DOCUMENT.limits["heartbeat_interval"], abs=0.01)


def test_the_password_is_proved_as_the_page_says(seed: int) -> None:
    session = Session(seed, Link())
    client = session.join(50001)
    session.network.run(0.5)
    response = session.onlooker.responses[client.address]
    salt = session.onlooker.challenges[client.address]["salt"]
    assert response["password_proof"] == proof("sesame", salt, response)
    assert session.onlooker.acceptances[client.address]["address"] == list(client.address or ())


def proof(password: str, salt: bytes, response: dict[str, Any]) -> bytes:
    key = scrypt(password.encode(), salt=salt, n=32768, r=8, p=1, maxmem=2**27, dklen=32)
    return blake2b(response["cookie"] + response["nonce"], digest_size=16, key=key).digest()


def test_a_goodbye_without_a_connection_has_the_proof_of_the_page(seed: int) -> None:
    session = Session(seed, Link(latency=0.02))
    client = session.join(50001)
    session.network.run(1.0)
    session.network.partition(client)
    session.network.run_until(lambda: client.status == "reconnecting")
    session.network.partition(client, False)
    client.disconnect()
    session.network.run(0.2)
    accepted = session.onlooker.acceptances["127.0.0.1", 50001]
    (goodbye,) = session.onlooker.goodbyes
    key = blake2b(accepted["resume_secret"], digest_size=16, key=b"pygase resume").digest()
    text = b"pygase goodbye" + accepted["client_id"].to_bytes(4, "big")
    assert goodbye["client_id"] == accepted["client_id"]
    assert goodbye["mac"] == blake2b(text, digest_size=16, key=key).digest()
    assert session.server.clients == {}


def test_a_restarted_client_without_a_place_replaces_its_old_connection(seed: int) -> None:
    session = Session(seed, Link(), config=ServerConfig(resume_seconds=0))
    first = session.join(50001)
    session.network.run(0.5)
    token = session.onlooker.acceptances["127.0.0.1", 50001]["token"]
    first.plumbing.endpoint.release()  # gone without a word
    session.join(50001)
    closes = session.onlooker.direction(("127.0.0.1", 50001), TO_CLIENT)
    session.network.run(0.5)
    assert closes.closed is not None
    assert DOCUMENT.reasons[closes.closed["reason"]] == "REPLACED"
    assert session.onlooker.acceptances["127.0.0.1", 50001]["token"] != token
    session.check_states()


# -- the pure core: what only a burst brings, and the example --------------------------------------------------------


def example_client(now: float) -> ClientProtocol:
    return ClientProtocol(
        now=now,
        random_bytes=lambda size: bytes(range(size)),
        config=ClientConfig(encryption="off"),
        game="pong",
        password="sesame",
    )


class Pair:
    """A server and a client without a network: their packets are decoded, and delivered when the test says so.

    The random bytes are those of the page's example.
    """

    CLIENT, SERVER = ("127.0.0.1", 50000), ("127.0.0.1", 8080)

    def __init__(self) -> None:
        salt, token = bytes(range(0xC0, 0xD0)), bytes(range(0xA0, 0xA8))
        server_bytes: Iterator[bytes] = iter([bytes(range(32)), salt, token, bytes(2), bytes(range(0xB0, 0xC0))])
        self.server = ServerEndpoint(
            random_bytes=lambda size: next(server_bytes)[:size],
            config=ServerConfig(encryption="off"),
            game="pong",
            password="sesame",
            reset_key=b"r" * 32,
            identity=ServerIdentity(bytes(48)),
        )
        self.now = 1000.0
        self.client = example_client(self.now)
        self.onlooker = Onlooker(DOCUMENT, self.SERVER)
        self.sent: list[tuple[str, bytes]] = []

    def client_sends(self) -> list[bytes]:
        datagrams = self.client.datagrams_to_send(now=self.now)
        for data in datagrams:
            self.sent.append((TO_SERVER, data))
            self.onlooker.observe(data, self.CLIENT, self.SERVER, self.now)
        return datagrams

    def server_sends(self) -> list[bytes]:
        datagrams = [data for data, _ in self.server.datagrams_to_send(now=self.now)]
        for data in datagrams:
            self.sent.append((TO_CLIENT, data))
            self.onlooker.observe(data, self.SERVER, self.CLIENT, self.now)
        return datagrams

    def exchange(self) -> list[Any]:
        """Each side sends its packets, the client first; 10 ms each way. Return the client's events."""
        up = self.client_sends()
        self.now = round(self.now + 0.01, 6)
        for data in up:
            self.server.receive_datagram(data, self.CLIENT, now=self.now)
        down = self.server_sends()
        self.now = round(self.now + 0.01, 6)
        for data in down:
            self.client.receive_datagram(data, now=self.now)
        return self.news()

    def news(self) -> list[Any]:
        return list(iter(self.client.next_event, None))

    def push(self, tick: int, tree: dict[Any, Any]) -> None:
        self.server.push_state(tick, tree, time=self.now, span=0.02)
        for peer in self.server.peers.values():
            peer.record.next_at = 0.0


@pytest.mark.parametrize(("noise_bytes", "acks"), [(20_000, 0), (60_000, 1)], ids=["ack_bits", "ACKS"])
def test_acknowledged_is_exactly_what_has_arrived(noise_bytes: int, acks: int, rng: random.Random) -> None:
    """A burst of packets has losses. If ack_bits cannot name all of them, ACKS does."""
    pair = Pair()
    pair.exchange()
    pair.exchange()
    window = pair.server.peers[1].snapshots.window
    window.watch(pair.now)
    window.size_bytes = 100_000.0  # as after other large states
    pair.push(1, {"noise": rng.randbytes(noise_bytes)})
    burst = pair.server_sends()
    arrived = [data for data in burst if rng.random() < 0.8] + burst[-1:]
    for data in arrived:
        pair.client.receive_datagram(data, now=pair.now)
    pair.client_sends()
    assert pair.onlooker.seen["ACKS"] == acks
    numbers = {int.from_bytes(data[9:11], "big") for data in arrived}
    assert len(numbers) > (32 if acks else 1)
    assert pair.onlooker.direction(pair.CLIENT, TO_CLIENT).acked == numbers


def messages_of(datagrams: list[bytes], way: str = TO_SERVER) -> list[list[str]]:
    """The names of the messages in each packet."""
    return [[DOCUMENT.message_kinds[m[0].value] for m in DOCUMENT.split_messages(data[23:], way)] for data in datagrams]


def connected_pair() -> Pair:
    pair = Pair()
    for _ in range(3):
        pair.exchange()
    assert pair.client.connected
    return pair


def test_inputs_leave_at_once_and_go_along_again_until_they_are_acknowledged() -> None:
    """They are in every packet that leaves. If several leave together, they are in the first one with room."""
    pair = connected_pair()
    client = pair.client
    client.queue_input(b"\x01", None)
    client.queue_input(b"\x02", 999.0)
    first = pair.client_sends()
    assert messages_of(first) == [["INPUTS"]]
    assert pair.client_sends() == []
    client.queue_event(b"\x91\xa1a", 0, None, now=pair.now)
    assert messages_of(pair.client_sends()) == [["INPUTS", "EVENT"]]
    client.queue_event(b"\x91\xda\x09\xc4" + bytes(2500), RELIABLE, None, now=pair.now)
    assert messages_of(pair.client_sends()) == [["FRAGMENT"], ["FRAGMENT"], ["FRAGMENT", "INPUTS"]]
    pair.now += 1.0  # a heartbeat; nothing has been resent for the time-out either
    client.queue_input(b"\x03", None)
    assert "INPUTS" in messages_of(pair.client_sends())[0]
    assert pair.onlooker.inputs[pair.CLIENT] == {1: (1, None), 2: (2, 9_990_000), 3: (3, None)}
    pair.server.receive_datagram(first[0], pair.CLIENT, now=pair.now)  # only the first two have arrived
    pair.now += 0.03
    for data in pair.server_sends():
        client.receive_datagram(data, now=pair.now)
    client.queue_event(b"\x91\xa1a", 0, None, now=pair.now)
    pair.client_sends()
    last = DOCUMENT.split_messages(pair.sent[-1][1][23:], TO_SERVER)
    inputs = next(named(fields) for fields in last if fields[0].value == 9)
    assert inputs["inputs"] == [(3, None)]


def test_what_is_told_of_inputs_leaves_once_before_the_state_and_never_alone() -> None:
    pair = connected_pair()
    pair.push(1, {"n": 1})
    peer = pair.server.by_address[pair.CLIENT]
    peer.report_input_state(7, -0.75)
    assert messages_of(pair.server_sends(), TO_CLIENT) == [["INPUT_STATE", "SNAPSHOT"]]
    assert pair.onlooker.told[pair.CLIENT] == [(1, 7, -0.75)]
    pair.exchange()
    pair.exchange()
    peer.report_input_state(8, 1.0)
    assert pair.server_sends() == []
    peer.queue_event(b"\x91\xa1a", 0, None, now=pair.now)
    assert messages_of(pair.server_sends(), TO_CLIENT) == [["INPUT_STATE", "EVENT"]]
    pair.now += 1.0
    assert "INPUT_STATE" not in str(messages_of(pair.server_sends(), TO_CLIENT))


def test_more_inputs_than_the_page_allows_make_the_client_give_up_the_oldest(rng: random.Random) -> None:
    """64 small ones, 1,112 bytes of large ones, each with 3 more."""
    for size, kept in ((1, 64), (100, 10), (253, 4)):
        pair = connected_pair()
        for _ in range(100):
            pair.client.queue_input(b"\xc4" + bytes([size - 2]) + rng.randbytes(size - 2) if size > 1 else b"\x01", 9.0)
        pair.client_sends()
        assert sorted(pair.onlooker.inputs[pair.CLIENT]) == list(range(101 - kept, 101))


def played_example() -> Pair:
    """Play the page's example."""
    pair = Pair()
    pair.exchange()  # request, challenge
    pair.push(1, {"ball": {"x": 0.5, "y": 0.25}, "score": [0, 0], "message": "go"})
    pair.exchange()  # response, acceptance and the first state
    pair.client.queue_event(encode_event("SCORE", (0,), {"by": "Ann"}, 1000), RELIABLE, None, now=pair.now)
    pair.client_sends()
    pair.now = round(pair.now + 0.01, 6)
    pair.server.receive_datagram(pair.sent[-1][1], pair.CLIENT, now=pair.now)
    pair.push(2, {"ball": {"x": 0.75, "y": 0.25}, "score": [1, 0]})
    pair.server_sends()
    pair.now = round(pair.now + 0.01, 6)
    pair.client.receive_datagram(pair.sent[-1][1], now=pair.now)
    pair.client.close(now=pair.now)
    pair.client_sends()
    del pair.sent[-2:]  # the goodbye is sent three times
    return pair


def printed_example() -> str:
    """Return the page's example as its text."""
    blocks = []
    for way, data in played_example().sent:
        name = DOCUMENT.datagram_kinds[data[0]]
        blocks.append(f"**{name}**, {way}, {len(data)} bytes\n\n```hex\n{rendered(DOCUMENT.decode(data, way))}```\n")
    return "\n".join(blocks)


def test_the_example_decodes_to_what_stands_beside_it() -> None:
    shown_datagrams = example(DOCUMENT.page)
    assert len(shown_datagrams) == 8
    for each in shown_datagrams:
        fields = DOCUMENT.decode(each.data, each.way)
        assert [(f.name, f.raw, shown(f)) for f in fields] == each.fields


def test_the_example_is_what_pygase_sends() -> None:
    assert [(each.way, each.data) for each in example(DOCUMENT.page)] == played_example().sent


def test_a_client_that_gets_the_examples_datagrams_has_the_states_that_they_tell_of() -> None:
    client = example_client(0.0)
    for each in example(DOCUMENT.page):
        if each.way == TO_CLIENT:
            client.receive_datagram(each.data, now=0.0)
            client.queue_event(
                b"\x91\xa1x", 0, None, now=0.0
            )  # the server acknowledges packets that this client must have sent
        client.datagrams_to_send(now=0.0)
    news = iter(client.next_event, None)
    states = [event.state.tree for event in news if isinstance(event, StateReceived)]
    deltas = [
        named(DOCUMENT.split_messages(each.data[23:], TO_CLIENT)[-1])["payload"]
        for each in example(DOCUMENT.page)
        if each.way == TO_CLIENT and each.data[0] == 6
    ]
    expected: list[dict[Any, Any]] = []
    state: dict[Any, Any] = {}
    for delta in deltas:
        state = unpacked(state, delta.data) if isinstance(delta, Packed) else applied(state, delta)
        expected.append(state)
    assert states == expected
    assert states[-1] == {"ball": {"x": 0.75, "y": 0.25}, "score": [1, 0]}


# -- the page's other tables -----------------------------------------------------------------------------------------


def test_limits_are_those_of_the_code() -> None:
    values: dict[str, float] = {"RECEIVE_WINDOW": sequence.RECEIVE_WINDOW, "WINDOW_MESSAGES": WINDOW_MESSAGES}
    values |= {"MIN_SKIP_DISTANCE": MIN_SKIP_DISTANCE}
    values |= {"WINDOW_BYTES": WINDOW_BYTES, "MAX_DEPTH": MAX_DEPTH}
    values |= {"MAX_PACKED_BYTES": MAX_PACKED_BYTES}
    values |= {"MAX_INPUTS": MAX_INPUTS, "MAX_INPUT_BYTES": MAX_INPUT_BYTES}
    for name, value in DOCUMENT.limits.items():
        sources = (wire, ClientConfig(), ServerConfig())
        expected = [getattr(source, name) for source in sources if hasattr(source, name)] or [values[name]]
        assert set(expected) == {value}, name


def test_reasons_are_those_of_the_code() -> None:
    assert {reason.value: reason.name for reason in DisconnectReason} == DOCUMENT.reasons


def test_kinds_are_those_of_the_code() -> None:
    for kinds in (DOCUMENT.datagram_kinds, DOCUMENT.message_kinds):
        named_kinds = {kind: name for kind, name in kinds.items() if name != "reserved"}
        assert {kind: getattr(wire, name) for kind, name in named_kinds.items()} == {kind: kind for kind in named_kinds}
    assert "reserved" not in DOCUMENT.datagram_kinds.values()


def test_every_kind_has_a_table_of_its_own() -> None:
    used = {kind for kind, name in DOCUMENT.datagram_kinds.items() if name != "reserved"}
    assert {kind for kind, _ in DOCUMENT.datagrams} == used | DOCUMENT.relay_kinds.keys()
    assert not used & DOCUMENT.relay_kinds.keys()
    assert DOCUMENT.messages.keys() == DOCUMENT.message_kinds.keys()
    assert DOCUMENT.bodies.keys() == {kind for (kind, _), rows in DOCUMENT.datagrams.items() if rows[-1].type == "body"}


@pytest.mark.parametrize("config", [ClientConfig(), ServerConfig()], ids=["client", "server"])
def test_both_sides_have_the_same_defaults_where_the_page_names_one(config: ConnectionConfig) -> None:
    for name in ("max_message_bytes", "max_state_bytes", "timeout", "heartbeat_interval", "ack_delay"):
        assert getattr(config, name) == DOCUMENT.limits[name]


class TestReader:
    """The reader notices when page and bytes do not agree, so that the tests above can fail."""

    def test_a_byte_in_no_table(self) -> None:
        challenge = next(each.data for each in example(DOCUMENT.page) if each.data[0] == 2)
        with pytest.raises(Undecodable, match="1 bytes are in no table"):
            DOCUMENT.decode(challenge + b"\0", TO_CLIENT)

    def test_a_byte_missing(self) -> None:
        challenge = next(each.data for each in example(DOCUMENT.page) if each.data[0] == 2)
        with pytest.raises(Undecodable, match="salt of 17 bytes at 30 reaches beyond the end"):
            DOCUMENT.decode(challenge[:-1], TO_CLIENT)

    def test_an_offset_that_is_not_where_the_field_is(self) -> None:
        changed = Document(DOCUMENT.page.replace("| 13 | 16 | `cookie`", "| 14 | 16 | `cookie`"))
        challenge = next(each.data for each in example(DOCUMENT.page) if each.data[0] == 2)
        with pytest.raises(Undecodable, match="cookie is said to be at 14, but is at 13"):
            changed.decode(challenge, TO_CLIENT)

    def test_a_field_of_another_size(self) -> None:
        rows = DOCUMENT.datagrams[2, ""]
        changed = [row._replace(size="5") if row.name == "issued_at" else row for row in rows]
        with pytest.raises(Undecodable):
            fields_of(changed, bytes(31))

    @pytest.mark.parametrize(
        ("count", "data"),
        [(0, b""), (65, b"\x01\x01" * 65), (2, b"\x01\x01"), (1, b"\xff"), (1, b"\x02\x01"), (1, b"\x01\x01\x01")],
        ids=["none", "too many", "one missing", "like none", "cut off", "too long"],
    )
    def test_inputs_that_are_not_what_their_count_says(self, count: int, data: bytes) -> None:
        with pytest.raises(Undecodable):
            inputs_of(data, count)

    def test_unknown_kinds(self) -> None:
        for kind in (0, 12, 200):
            with pytest.raises(Undecodable, match="unknown kind"):
                DOCUMENT.decode(bytes([kind]) + bytes(100), TO_CLIENT)


if __name__ == "__main__":
    print(printed_example())
