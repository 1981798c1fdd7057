"""A server dies, and a new process goes on from its checkpoint: in virtual time."""

import logging
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    RELIABLE,
    TO_DELETE,
    Backend,
    CheckpointUnusable,
    Client,
    ClientConfig,
    DisconnectReason,
    GameState,
    Server,
    ServerConfig,
)
from pygase._protocol.client_peer import ClientProtocol
from pygase._server.checkpoint import Checkpoint, decode, encode
from pygase.testing import Link, SimulatedNetwork
from tests.server.test_checkpoint_file import EXAMPLE

INTERVAL = 5.0


class World:
    """A network, and one server after the other with the same checkpoint.

    The game counts its ticks, and the hits of each player.

    :param interval: seconds between its ticks.
    """

    def __init__(
        self, path: Path | None, seed: int = 1, *, config: ServerConfig | None = None, interval: float = 0.02
    ) -> None:
        self.interval = interval
        self.path = path
        self.config = config
        self.network = SimulatedNetwork(seed, Link(latency=0.02))
        self.events: list[Any] = []
        self.backend = self.start()

    def start(self, initial: GameState | None = None, **backend: Any) -> Backend:
        """Start a process. The log of its events begins anew."""
        self.events = events = []

        def joined(client_id: int) -> dict[str, Any]:
            events.append(("connected", client_id))
            return {"players": {client_id: 0}}

        def left(client_id: int, reason: DisconnectReason) -> dict[str, Any]:
            events.append(("left", client_id, reason))
            return {"players": {client_id: TO_DELETE}}

        def hit(client_id: int, game_state: GameState) -> dict[str, Any]:
            return {"players": {client_id: game_state.players[client_id] + 1}}

        handlers: dict[str, Callable[..., Any]] = {
            CLIENT_CONNECTED: joined,
            CLIENT_LEFT: left,
            CLIENT_LOST: lambda client_id: events.append(("lost", client_id)),
            CLIENT_RESUMED: lambda client_id: events.append(("resumed", client_id)),
            "HIT": hit,
        }
        if self.path is not None:
            backend = {"checkpoint": self.path, "checkpoint_interval": INTERVAL, **backend}
        self.backend = Backend(
            initial or GameState(ticks=0, players={}),
            lambda game_state, dt: {"ticks": game_state.ticks + 1},
            handlers,
            config=self.config,
            **backend,
        )
        self.network.serve(self.backend, interval=self.interval)
        return self.backend

    def restart(self, after: float = 3.0, **backend: Any) -> None:
        """Kill the process, and start another one after some seconds."""
        self.network.kill(self.backend)
        self.network.run(after)
        self.start(**backend)

    def join(self, count: int = 1) -> list[Client]:
        clients = [Client() for _ in range(count)]
        for client in clients:
            self.network.connect(client)
        self.network.run_until(lambda: all(client.status == "connected" for client in clients))
        return clients

    @property
    def players(self) -> dict[int, int]:
        players: dict[int, int] = self.backend.game_state_store.get_game_state().players
        return players

    @property
    def tick(self) -> int:
        return self.backend.game_state_store.plumbing.committed.tick

    def saved(self) -> Checkpoint:
        assert self.path is not None
        return decode(self.path.read_bytes(), 100_000)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "game.checkpoint")


def shown(client: Client) -> dict[int, int]:
    with client.access_game_state() as game_state:
        players: dict[int, int] = game_state.players
        return players


@pytest.mark.parametrize("dead_for", [0.0, 3.0, 12.0, 29.0])
def test_every_player_is_back_with_its_id_and_its_seat_within_two_seconds(world: World, dead_for: float) -> None:
    clients = world.join(5)
    for client in clients:
        client.dispatch_event("HIT", retries=RELIABLE)
    world.network.run(INTERVAL + 1.0)
    ids = [client.id for client in clients]
    world.restart(dead_for)
    began = world.network.now
    world.network.run_until(lambda: len([e for e in world.events if e[0] == "resumed"]) == 5, 2.0)
    assert world.network.now - began <= 2.0
    world.network.run(0.2)
    assert [client.status for client in clients] == ["connected"] * 5
    assert [client.id for client in clients] == ids == [1, 2, 3, 4, 5]
    assert world.players == dict.fromkeys(ids, 1)
    assert [shown(client) for client in clients] == [world.players] * 5
    assert set(world.events) == {(name, id_) for name in ("lost", "resumed") for id_ in ids}


def test_ticks_never_go_back_for_a_client_and_at_most_one_interval_is_lost(world: World) -> None:
    (client,) = world.join()
    world.network.run(22.2)
    before, ticks_before = world.tick, shown_ticks(client)
    world.restart(0.3)
    assert world.tick > before
    assert world.backend.game_state_store.get_game_state().ticks >= ticks_before - INTERVAL / 0.02 - 5
    newest = [before]
    for _ in range(50):
        world.network.run(0.1)
        newest.append(client.snapshots[-1].tick)
    assert newest == sorted(newest)
    assert newest[-1] > newest[0]


def shown_ticks(client: Client) -> int:
    with client.access_game_state() as game_state:
        ticks: int = game_state.ticks
        return ticks


def test_a_client_that_does_not_come_back_leaves_after_resume_seconds(world: World) -> None:
    gone, stays = world.join(2)
    world.network.run(1.5)
    world.network.kill(gone)
    world.restart()
    world.network.run(29.0)
    assert ("left", 1, DisconnectReason.TIMED_OUT) not in world.events
    world.network.run(2.0)
    assert [e for e in world.events if e[1] == 1] == [("lost", 1), ("left", 1, DisconnectReason.TIMED_OUT)]
    assert world.players == {2: 0}
    assert stays.status == "connected"


def test_no_id_is_given_twice_and_ids_are_reserved_in_blocks(world: World) -> None:
    first = world.join(2)
    assert [client.id for client in first] == [1, 2]
    world.restart()
    (late,) = world.join()
    assert late.id == 65
    world.restart()
    assert world.join()[0].id == 65 + 64


def test_a_whole_class_joins_at_once_beyond_a_block(world: World) -> None:
    clients = world.join(200)
    assert sorted(client.id or 0 for client in clients) == list(range(1, 201))
    world.restart(0.0)
    assert (world.join()[0].id or 0) > 200


def test_a_join_and_a_leave_are_saved_within_a_second(world: World) -> None:
    world.network.run(0.9)
    (client,) = world.join()
    world.network.run(1.0)
    assert [record.peer.client_id for record in world.saved().clients] == [1]
    client.disconnect()
    world.network.run(1.0)
    assert world.saved().clients == ()


def test_the_game_of_a_rested_state_is_not_saved_again_and_again(tmp_path: Path) -> None:
    backend = Backend(GameState(score=0), lambda game_state, dt: None, checkpoint=tmp_path / "game")
    network = SimulatedNetwork()
    network.serve(backend)
    network.run(INTERVAL + 1.0)
    before = (tmp_path / "game").stat().st_mtime_ns
    network.run(30.0)
    assert (tmp_path / "game").stat().st_mtime_ns == before


# -- events ------------------------------------------------------------------------------------------------------------


def test_reliable_events_arrive_once_and_in_order_across_the_restart_if_they_were_not_acknowledged(
    world: World,
) -> None:
    (client,) = world.join()
    got: list[int] = []
    client.register_event_handler("NEWS", got.append)
    world.network.run(INTERVAL + 1.0)
    world.network.partition(client)
    for number in range(5):
        world.backend.server.dispatch_event("NEWS", number, retries=RELIABLE)
        client.dispatch_event("HIT", retries=RELIABLE)
    world.network.run(INTERVAL + 0.1)
    world.restart()
    world.network.partition(client, on=False)
    world.network.run(3.0)
    assert got == [0, 1, 2, 3, 4]
    assert world.players == {1: 5}
    world.backend.server.dispatch_event("NEWS", 5, retries=RELIABLE)
    client.dispatch_event("HIT", retries=RELIABLE)
    world.network.run(1.0)
    assert got == [0, 1, 2, 3, 4, 5]
    assert world.players == {1: 6}


def test_the_client_learns_the_number_of_acknowledged_events_that_are_lost_with_the_interval(world: World) -> None:
    from pygase import EVENTS_LOST

    (client,) = world.join()
    lost: list[int] = []
    client.register_event_handler(EVENTS_LOST, lambda count: lost.append(count))
    world.network.run(2 * INTERVAL)
    while world.network.now % INTERVAL > 0.5:
        world.network.run(0.05)
    at_save = world.saved()
    while world.saved() == at_save:
        world.network.run(0.02)
    for _ in range(3):
        client.dispatch_event("HIT", retries=RELIABLE)
    world.network.run(1.0)
    assert world.players == {1: 3}
    world.restart()
    world.network.run(3.0)
    assert (world.players, lost) == ({1: 0}, [3])
    client.dispatch_event("HIT", retries=RELIABLE)
    world.network.run(1.0)
    assert world.players == {1: 1}


# -- the game and its table --------------------------------------------------------------------------------------------


def test_after_a_planned_end_the_game_learns_that_its_clients_have_left(world: World) -> None:
    clients = world.join(2)
    world.network.run(1.0)
    world.backend.shutdown()
    world.network.run(1.0)
    assert [client.disconnect_reason for client in clients] == [DisconnectReason.SERVER_SHUTDOWN] * 2
    assert world.players == {1: 0, 2: 0}
    world.start()
    world.network.run(0.1)
    assert world.events == [("left", id_, DisconnectReason.SERVER_SHUTDOWN) for id_ in (1, 2)]
    assert world.players == {}
    assert world.join()[0].id == 3


def test_a_client_that_joins_a_paused_game_is_not_forgotten_by_the_game(world: World) -> None:
    world.join()
    world.network.run(1.0)
    world.backend.game_state_machine.stop()
    world.network.run(0.5)
    (late,) = world.join()
    late.dispatch_event("HIT", retries=RELIABLE)
    world.network.run(INTERVAL + 1.0)
    assert world.players == {1: 0}
    world.restart(1.0)
    world.network.run(2.0)
    assert ("connected", 2) in world.events
    assert world.players == {1: 0, 2: 1}


def test_the_saved_state_replaces_the_initial_one_and_the_log_says_so(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.join()
    world.network.run(1.0)
    with caplog.at_level(logging.INFO, "pygase"):
        world.restart(initial=GameState(ticks=0, players={}, lives=3, level="castle"))
    assert world.players == {1: 0}
    lines = [record.getMessage() for record in caplog.records]
    assert any("its state replaces initial_game_state" in line for line in lines)
    assert len([line for line in lines if "of the saved game has a place for 30 s" in line]) == 1
    assert any("has no 'level', 'lives', which initial_game_state has" in line for line in lines)


def test_a_checkpoint_of_another_game_or_a_torn_one_is_refused_when_the_backend_is_made(world: World) -> None:
    world.network.run(1.0)
    assert world.path is not None
    with pytest.raises(CheckpointUnusable, match="is of the game '', and this game is 'chess'"):
        world.start(game="chess")
    world.path.write_bytes(world.path.read_bytes()[:-5])
    before = world.path.read_bytes()
    with pytest.raises(CheckpointUnusable, match="is cut off"):
        world.start()
    assert world.path.read_bytes() == before


@pytest.mark.parametrize("seconds", [0, -1.0, float("nan"), float("inf"), "5", True])
def test_an_impossible_interval_is_refused(tmp_path: Path, seconds: Any) -> None:
    with pytest.raises(ValueError, match="checkpoint_interval must be a positive number of seconds"):
        Backend(GameState(), lambda game_state, dt: None, checkpoint=tmp_path / "game", checkpoint_interval=seconds)


def test_the_game_time_goes_on(world: World) -> None:
    world.network.run(11.0)
    world.restart()
    assert 9.0 < world.backend.game_state_machine.game_time < 11.0


# -- without a checkpoint ----------------------------------------------------------------------------------------------


def test_without_a_checkpoint_the_clients_of_the_old_process_learn_it_soon_and_in_words() -> None:
    world = World(None)
    (client,) = world.join()
    world.network.run(1.0)
    world.restart(1.0)
    world.network.run(4.0)
    assert client.status == "disconnected"
    assert client.disconnect_reason is DisconnectReason.NOT_RESUMABLE


def test_a_server_alone_needs_no_checkpoint() -> None:
    network = SimulatedNetwork()
    from pygase import GameStateStore

    server = Server(GameStateStore(GameState(score=1)))
    network.serve(server)
    client = Client()
    network.connect(client)
    network.run(1.0)
    assert client.status == "connected"


def test_bans_outlive_the_process(world: World) -> None:
    world.join(2)
    world.network.run(1.0)
    server, network = world.backend.server, "198.51.100.0/24"
    for who in (2, "192.0.2.1", "192.0.2.2", network):
        server.ban(who)
    server.unban("192.0.2.2")
    world.network.run(1.0)
    world.restart(1.0)
    server = world.backend.server
    assert server.banned == [2, "192.0.2.1", network]
    banned = Client()
    world.network.connect(banned, address=("198.51.100.7", 1))
    world.network.run(2.0)
    assert banned.disconnect_reason is DisconnectReason.BANNED
    server.unban(network)
    world.network.run(1.0)
    world.restart(1.0)
    assert world.backend.server.banned == [2, "192.0.2.1"]


def test_a_client_that_the_program_bans_before_it_runs_does_not_come_back(tmp_path: Path) -> None:
    path = tmp_path / "game"
    world = World(path)
    clients = world.join(2)
    world.network.run(1.0)
    world.network.kill(world.backend)
    backend = Backend(GameState(ticks=0, players={}), lambda game_state, dt: None, checkpoint=path)
    backend.server.ban(1)
    world.network.serve(backend)
    world.network.run(3.0)
    assert [client.status for client in clients] == ["disconnected", "connected"]
    assert clients[0].disconnect_reason is DisconnectReason.NOT_RESUMABLE


def test_a_client_that_leaves_while_it_reconnects_to_the_new_process_frees_its_seat_at_once(world: World) -> None:
    (client,) = world.join()
    world.network.run(1.0)
    world.network.kill(world.backend)
    world.network.run_until(lambda: client.status == "reconnecting")
    world.network.run(2.0)
    world.start()
    client.disconnect()
    world.network.run(0.2)
    assert world.events == [("lost", 1), ("left", 1, DisconnectReason.CLOSED)]
    assert world.players == {}


# -- encryption --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encryption", ["off", "auto", "required"])
def test_players_are_back_with_and_without_encryption(tmp_path: Path, encryption: str) -> None:
    if encryption != "off":
        pytest.importorskip("cryptography")
    world = World(tmp_path / "game", config=ServerConfig(encryption=encryption))
    clients = world.join(3)
    world.network.run(1.0)
    encrypted = [client.is_encrypted for client in clients]
    assert encrypted == [encryption != "off"] * 3
    world.restart()
    world.network.run(2.0)
    assert [client.status for client in clients] == ["connected"] * 3
    assert [client.is_encrypted for client in clients] == encrypted
    assert [event for event in world.events if event[0] == "resumed"] == [("resumed", id_) for id_ in (1, 2, 3)]


def test_an_encrypted_connection_of_the_old_process_is_not_resumed_openly(world: World) -> None:
    pytest.importorskip("cryptography")
    (client,) = world.join()
    world.network.run(1.0)
    assert client.is_encrypted
    seat = client.plumbing.endpoint.protocol.way_in.seat
    world.network.kill(client)
    world.restart()
    robber = ClientProtocol(
        now=world.network.now,
        random_bytes=random.Random(1).randbytes,
        config=ClientConfig(encryption="off"),
        seat=seat._replace(is_fresh=True, identity=b""),
    )
    endpoint, address = world.backend.server.plumbing.run.endpoint, ("127.0.0.1", 1)
    for _ in range(5):
        for data in robber.datagrams_to_send(now=world.network.now):
            endpoint.receive_datagram(data, address, now=world.network.now)
        for data, to in endpoint.datagrams_to_send(now=world.network.now):
            if to == address:
                robber.receive_datagram(data, now=world.network.now)
        world.network.run(0.3)
    assert not robber.connected or robber.way_in.seat.client_id != 1
    assert 1 in endpoint.table.lost


# -- with the real clock and disk --------------------------------------------------------------------------------------


@pytest.mark.integration
def test_a_backend_runs_again_and_again_with_one_file(tmp_path: Path) -> None:
    path = tmp_path / "game.checkpoint"
    for number in range(3):
        backend = Backend(
            GameState(runs=0),
            lambda game_state, dt: None,
            {"RUN": lambda game_state: {"runs": game_state.runs + 1}},
            checkpoint=path,
        )
        assert backend.game_state_store.get_game_state().runs == 2 * number
        for again in range(2):
            backend.run_in_thread("127.0.0.1", 0)
            client = Client()
            client.connect_in_thread(port=backend.server.port, hostname="127.0.0.1")
            client.dispatch_event("RUN", retries=RELIABLE)
            expected = 2 * number + again + 1
            client.wait_until(lambda game_state, expected=expected: game_state.runs == expected, 5.0)
            assert client.id == expected
            client.disconnect()
            backend.shutdown()
    assert {file.name for file in tmp_path.iterdir()} == {"game.checkpoint", ".game.checkpoint.lock"}


@pytest.mark.integration
def test_two_backends_with_one_file_exclude_each_other(tmp_path: Path) -> None:
    one, other = (Backend(GameState(), lambda game_state, dt: None, checkpoint=tmp_path / "game") for _ in range(2))
    one.run_in_thread("127.0.0.1", 0)
    try:
        with pytest.raises(CheckpointUnusable, match="another running server uses the checkpoint"):
            other.run_in_thread("127.0.0.1", 0)
    finally:
        one.shutdown()


@pytest.mark.integration
def test_after_a_restart_of_the_machine_no_client_sees_time_go_back(tmp_path: Path) -> None:
    saved_at = time.monotonic() + 100_000.0
    loaded = EXAMPLE._replace(game="", time=saved_at, wall_time=time.time() - 3.0, clients=())
    (tmp_path / "game").write_bytes(encode(loaded))
    backend = Backend(GameState(), lambda game_state, dt: None, checkpoint=tmp_path / "game")
    backend.run_in_thread("127.0.0.1", 0)
    try:
        client = Client()
        client.connect_in_thread(port=backend.server.port, hostname="127.0.0.1")
        client.wait_until(lambda game_state: "ball" in game_state, 5.0)
        shown = client.snapshots[-1].time
        assert saved_at + 2.5 < shown < saved_at + 20.0
        client.disconnect()
    finally:
        backend.shutdown()


@pytest.mark.integration
def test_a_full_disk_is_logged_and_the_game_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pygase._server.checkpoint_file.replace_file", full)
    world = World(tmp_path / "game", interval=0.1)
    clients = world.join(70)  # more than a block of ids
    world.network.run(12.0)
    assert all(client.status == "connected" for client in clients)
    assert len([record for record in caplog.records if "could not be saved" in record.getMessage()]) == 1
    monkeypatch.undo()
    world.network.run(6.0)
    assert len(world.saved().clients) == 70
    assert world.join()[0].id == 1  # since ids can be reserved again


@pytest.mark.integration
def test_no_id_is_given_twice_although_the_disk_was_full_when_the_process_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(tmp_path / "game", interval=0.1)
    world.join(2)
    world.network.run(1.0)

    def full(path: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pygase._server.checkpoint_file.replace_file", full)
    given = [client.id for client in world.join(80)]
    monkeypatch.undo()
    world.restart(1.0)
    given += [client.id for client in world.join(80)]
    monkeypatch.setattr("pygase._server.checkpoint_file.replace_file", full)
    world.network.run(6.0)
    given += [client.id for client in world.join(80)]
    assert len(set(given) | {1, 2}) == 242
    assert max(filter(None, given)) < 2**32
