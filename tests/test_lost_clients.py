"""The cable is pulled, and plugged in again: whole programs in virtual time."""

import json
import logging
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    CONNECTED,
    DISCONNECTED,
    RECONNECTED,
    RECONNECTING,
    RELIABLE,
    Backend,
    Client,
    DisconnectReason,
    GameState,
    PlayerInput,
    ServerConfig,
)
from pygase._protocol.wire import DATA, ENCRYPTED, URGENT
from pygase.connection import ConnectionStatus
from pygase.testing import Link, SimulatedNetwork

NAMES = {
    CLIENT_CONNECTED: "connected",
    CLIENT_LOST: "lost",
    CLIENT_RESUMED: "resumed",
    CLIENT_LEFT: "left",
    CONNECTED: "Connected",
    RECONNECTING: "Reconnecting",
    RECONNECTED: "Reconnected",
    DISCONNECTED: "Disconnected",
}
INTERVAL = 1 / 60


class World:
    """A game that counts its ticks and keeps the players' inputs, and one player."""

    def __init__(self, seed: int = 0, *, loss: float = 0.0, **config: Any) -> None:
        self.link = Link(latency=0.03, jitter=0.01, loss=loss)
        self.network = SimulatedNetwork(seed=seed, link=self.link)
        state = GameState(tick=0, ballast="x" * 800)
        self.backend = Backend(state, self.time_step, config=ServerConfig(**config))
        self.inputs: list[dict[int, PlayerInput]] = []
        self.news: list[str] = []
        self.details: dict[str, dict[str, Any]] = {}
        self.at_server: list[int] = []
        self.at_client: list[int] = []
        self.said = {"client": 0, "server": 0}
        self.backend.game_state_machine.register_event_handler("SAY", self.on_say)
        server = self.backend.server
        for event_type in (CLIENT_CONNECTED, CLIENT_LOST, CLIENT_RESUMED, CLIENT_LEFT):
            server.register_event_handler(event_type, self.noting(event_type))
        self.network.serve(self.backend, interval=INTERVAL)
        self.client = self.new_client()

    def new_client(self) -> Client:
        client = Client()
        client.register_event_handler("SAY", lambda number: self.at_client.append(number))
        for event_type in (CONNECTED, RECONNECTING, RECONNECTED, DISCONNECTED):
            client.register_event_handler(event_type, self.noting(event_type))
        return client

    def noting(self, event_type: str) -> Callable[..., None]:
        def note(**kwargs: Any) -> None:
            self.news.append(NAMES[event_type])
            self.details[NAMES[event_type]] = kwargs

        return note

    def time_step(self, game_state: GameState, dt: float, inputs: dict[int, PlayerInput]) -> dict[str, Any]:
        self.inputs.append(inputs)
        return {"tick": game_state.tick + 1}

    def on_say(self, number: int) -> dict[str, Any]:
        self.at_server.append(number)
        return {}

    def join(self, **options: Any) -> "World":
        self.network.connect(self.client, **options)
        self.network.run(1.0)
        assert self.client.status == "connected"
        return self

    def say(self) -> None:
        self.said["client"] += 1
        self.client.dispatch_event("SAY", self.said["client"], retries=RELIABLE)
        self.said["server"] += 1
        self.backend.server.dispatch_event("SAY", self.said["server"], retries=RELIABLE)

    def play(self, seconds: float, *, says: bool = True) -> None:
        """Inputs at 60 Hz, and an event each way ten times a second."""
        for tick in range(int(seconds * 60)):
            self.client.send_input(tick)
            if says and tick % 6 == 0:
                self.say()
            self.network.run(INTERVAL)

    def cut(self, seconds: float) -> None:
        self.network.partition(self.client)
        self.play(seconds)
        self.network.partition(self.client, False)

    def at(self, side: str) -> list[str]:
        """The news of the server, whose names begin with a small letter, or of the client."""
        return [name for name in self.news if name.islower() is (side == "server")]

    @property
    def heard_all(self) -> bool:
        return self.at_server == list(range(1, self.said["client"] + 1)) and self.at_client == list(
            range(1, self.said["server"] + 1)
        )


@pytest.mark.parametrize("loss", [0.0, 0.2])
@pytest.mark.parametrize("seconds", [2.0, 10.0, 29.0, 31.0])
def test_a_player_goes_on_after_the_cable_was_pulled(seconds: float, loss: float, seed: int) -> None:
    world = World(seed, loss=loss).join()
    world.play(2.0)
    world.cut(seconds)
    world.play(3.0)
    world.network.set_link(world.client, Link(latency=0.03))
    world.network.run(4.0)
    assert world.heard_all
    assert world.client.id == 1
    if seconds < 5.0:
        assert world.news == ["connected", "Connected"]
    else:
        assert world.at("server") == ["connected", "lost", "resumed"]
        assert world.at("client") == ["Connected", "Reconnecting", "Reconnected"]
    assert world.client.snapshots[-1].state["tick"] > 60 * seconds


def test_a_player_who_stays_away_too_long_leaves() -> None:
    world = World().join()
    world.play(1.0)
    world.network.partition(world.client)
    world.network.run(34.0)
    assert str(world.client.status) == "reconnecting"
    assert "left" not in world.news
    world.network.run(3.0)
    assert str(world.client.status) == "disconnected"
    assert world.client.disconnect_reason is DisconnectReason.TIMED_OUT
    assert world.at("server") == ["connected", "lost", "left"]
    assert world.at("client") == ["Connected", "Reconnecting", "Disconnected"]
    assert world.details["left"]["reason"] is DisconnectReason.TIMED_OUT
    assert world.backend.server.clients == {}


def test_the_log_has_a_line_for_each_client_that_vanishes_or_is_back(caplog: pytest.LogCaptureFixture) -> None:
    """Even if several vanish in one second; in virtual time everything here happens in one."""
    with caplog.at_level(logging.INFO, "pygase"):
        world = World(resume_seconds=12.0).join()
        other = world.new_client()
        world.network.connect(other)
        world.network.run(1.0)
        for away in (True, False, True):
            for client in (world.client, other):
                world.network.partition(client, away)
            world.network.run(8.0)
        world.network.run(20.0)
    for client_id in (1, 2):
        lines = [record.getMessage() for record in caplog.records]
        words = [line.partition(") ")[2] for line in lines if line.startswith(f"client {client_id} (")]
        assert [each for each in words if each != "has connected"] == [
            "no longer answers; its place is kept for 12 s",
            "is back",
            f"has left: {DisconnectReason.TIMED_OUT.sentence}",
        ]


def test_the_faces_show_a_lost_client() -> None:
    world = World().join()
    server, client = world.backend.server, world.client
    connection = server.clients[1]
    world.network.partition(client)
    assert client.reconnecting_seconds_left is None
    world.network.run(8.0)
    assert connection.is_lost
    assert server.clients == {1: connection}
    assert list(server.connections.values()) == [connection]
    assert connection.status == ConnectionStatus.get("Reconnecting")
    assert client.status == "reconnecting"
    assert client.connection is not None
    assert client.connection.status == ConnectionStatus.get("Reconnecting")
    left = client.reconnecting_seconds_left
    assert left is not None
    assert 26.0 < left < 29.0
    assert world.details["Reconnecting"]["seconds_left"] == pytest.approx(30.0, abs=0.1)
    world.network.run(2.0)
    assert client.reconnecting_seconds_left == pytest.approx(left - 2.0)
    world.network.partition(client, False)
    world.network.run(2.0)
    assert server.clients == {1: connection}
    assert not connection.is_lost
    assert connection.status == ConnectionStatus.get("Connected")
    assert client.status == "connected"
    assert client.reconnecting_seconds_left is None


def test_a_lost_player_gives_no_inputs_and_a_returned_one_gives_them_in_time() -> None:
    world = World(max_input_repeat=60.0).join()
    world.play(3.0, says=False)
    world.network.partition(world.client)
    world.play(6.0, says=False)
    world.inputs.clear()
    world.play(3.0, says=False)
    assert world.inputs
    assert all(inputs == {} for inputs in world.inputs)
    world.network.partition(world.client, False)
    world.network.run_until(lambda: world.client.status == "connected", timeout=2.0)
    world.play(1.0, says=False)
    world.inputs.clear()
    world.play(2.0, says=False)
    fresh = [inputs[1] for inputs in world.inputs if 1 in inputs and inputs[1].repeats == 0]
    assert len(fresh) > 0.97 * len(world.inputs)
    numbers = [given.number for given in fresh]
    assert numbers == sorted(set(numbers))
    assert world.client.input_applied(world.client.snapshots[-1].tick) is not None
    assert 0.99 < world.client.input_pace < 1.01


def test_the_first_state_after_the_return_is_a_delta() -> None:
    world = World().join()
    world.network.partition(world.client)
    world.network.run(20.0)
    sizes: list[int] = []
    world.network.partition(world.client, False)
    own = world.network.address_of(world.client)

    def note(data: bytes, sender: Any, receiver: Any) -> None:
        if receiver == own and data[0] in (DATA, ENCRYPTED, URGENT):
            sizes.append(len(data))

    world.network.on_datagram = note
    tick = world.client.snapshots[-1].tick
    world.network.run_until(lambda: world.client.snapshots[-1].tick > tick, timeout=2.0)
    assert max(sizes) < 200  # the whole state has more than 800 bytes


def test_unreliable_events_of_a_silence_are_dropped() -> None:
    world = World().join()
    world.network.partition(world.client)
    world.network.run(6.0)
    for number in range(5):
        world.client.dispatch_event("SAY", number)
        world.backend.server.dispatch_event("SAY", number)
    world.network.partition(world.client, False)
    world.network.run(3.0)
    assert world.at_server == world.at_client == []


def test_reliable_events_wait_for_a_lost_client_within_bounds() -> None:
    world = World(max_queued_messages=50).join()
    world.network.partition(world.client)
    world.network.run(6.0)
    for number in range(51):
        world.backend.server.dispatch_event("SAY", number, retries=RELIABLE)
    world.network.run(1.0)
    assert world.news[-1] == "left"
    assert world.details["left"]["reason"] is DisconnectReason.OVERLOADED


def test_the_bytes_of_reliable_events_that_wait_for_a_lost_client_are_bounded_too() -> None:
    """Each time that it is lost."""
    world = World(resume_seconds=60.0).join()
    sizes: list[int] = []
    world.client.register_event_handler("MAP", lambda tiles: sizes.append(len(tiles)))
    for _ in range(2):
        world.network.partition(world.client)
        world.network.run(6.0)
        for _ in range(15):
            world.backend.server.dispatch_event("MAP", bytes(250_000), retries=RELIABLE)
        world.network.partition(world.client, False)
        world.network.run(10.0)
    assert sizes == [250_000] * 30
    world.network.partition(world.client)
    world.network.run(6.0)
    for _ in range(17):
        world.backend.server.dispatch_event("MAP", bytes(250_000), retries=RELIABLE)
    world.network.run(1.0)
    assert world.news[-1] == "left"
    assert world.details["left"]["reason"] is DisconnectReason.OVERLOADED


def test_a_goodbye_ends_it_at_once() -> None:
    world = World().join()
    world.client.disconnect()
    world.network.run(0.5)
    assert world.news == ["connected", "Connected", "Disconnected", "left"]
    assert world.details["left"]["reason"] is DisconnectReason.CLOSED


def test_a_client_that_disconnects_while_it_reconnects_ends_at_once() -> None:
    world = World().join()
    world.network.partition(world.client)
    world.network.run(7.0)
    world.client.disconnect()
    world.network.run(0.1)
    assert world.client.status == "disconnected"
    assert world.client.disconnect_reason is DisconnectReason.CLOSED


def test_a_player_who_leaves_while_the_client_reconnects_frees_the_seat_at_once() -> None:
    """The cable is back, and the client would try again in a moment."""
    world = World().join()
    world.network.partition(world.client)
    world.network.run(9.0)
    assert world.client.status == "reconnecting"
    world.network.partition(world.client, False)
    world.client.disconnect()
    world.network.run(0.2)
    assert world.at("server") == ["connected", "lost", "left"]
    assert world.details["left"]["reason"] is DisconnectReason.CLOSED
    assert world.backend.server.clients == {}


def test_a_program_that_ends_while_its_client_reconnects_frees_the_seat() -> None:
    """It waits for a last chance of its events, and then says goodbye."""
    world = World().join()
    world.network.partition(world.client)
    world.network.run(9.0)
    world.network.partition(world.client, False)
    world.client.plumbing.session.leave()
    world.network.run(1.0)
    assert world.details["left"]["reason"] is DisconnectReason.CLOSED
    assert world.backend.server.clients == {}


def test_a_kick_removes_a_lost_client() -> None:
    world = World().join()
    world.network.partition(world.client)
    world.network.run(7.0)
    world.backend.server.kick(1)
    world.network.run(0.1)
    assert world.details["left"]["reason"] is DisconnectReason.KICKED
    world.network.partition(world.client, False)
    world.network.run(2.0)
    assert world.client.disconnect_reason is DisconnectReason.NOT_RESUMABLE


def test_without_resume_seconds_everything_is_as_it_was() -> None:
    world = World(resume_seconds=0).join()
    world.network.partition(world.client)
    world.network.run(7.0)
    assert world.at("server") == ["connected", "left"]
    assert world.at("client") == ["Connected", "Disconnected"]
    assert world.client.disconnect_reason is DisconnectReason.TIMED_OUT


def test_a_pumped_client_reconnects_as_well() -> None:
    world = World()
    world.network.connect(world.client, pumped=True)

    def frames(seconds: float) -> None:
        for _ in range(int(seconds * 60)):
            world.client.pump()
            world.network.run(INTERVAL)

    frames(1.0)
    world.network.partition(world.client)
    frames(7.0)
    assert world.client.status == "reconnecting"
    world.network.partition(world.client, False)
    frames(2.0)
    assert world.client.status == "connected"
    assert world.at("server") == ["connected", "lost", "resumed"]
    assert world.at("client") == ["Connected", "Reconnecting", "Reconnected"]


def test_the_servers_shutdown_reaches_lost_clients_handlers() -> None:
    world = World().join()
    world.network.partition(world.client)
    world.network.run(7.0)
    world.backend.server.shutdown()
    world.network.run(0.5)
    assert world.details["left"]["reason"] is DisconnectReason.SERVER_SHUTDOWN


# -- a program that is started again -----------------------------------------------------------------------------------


def killed(world: World) -> None:
    """Kill the client's process."""
    world.network.kill(world.client)
    world.network.run(0.5)


def started_again(world: World, path: Path, wait: float = 0.0) -> Client:
    world.network.run(wait)
    world.client = world.new_client()
    world.at_client.clear()
    world.network.connect(world.client, resume=path)
    world.network.run(2.0)
    return world.client


@pytest.mark.parametrize("wait", [0.0, 20.0])
def test_a_program_that_was_killed_is_the_same_client_again(tmp_path: Path, wait: float) -> None:
    path = tmp_path / "place"
    world = World().join(resume=path)
    world.play(0.5)
    world.network.run(0.5)
    assert world.heard_all
    killed(world)
    world.backend.server.dispatch_event("SAY", 100, retries=RELIABLE)
    again = started_again(world, path, wait)
    assert again.id == 1
    assert again.status == "connected"
    assert world.news == ["connected", "Connected", "lost", "resumed", "Connected"] or wait
    assert world.details["resumed"]["is_new_process"] is True
    assert world.at_client == [100]
    world.at_server.clear()
    again.dispatch_event("SAY", 7, retries=RELIABLE)
    world.network.run(0.5)
    assert world.at_server == [7]
    assert again.snapshots[-1].state["tick"] > 0


def test_a_program_that_is_started_again_may_have_another_profile(tmp_path: Path) -> None:
    path = tmp_path / "place"
    world = World().join(resume=path, profile={"name": "Ann"})
    killed(world)
    world.client = world.new_client()
    world.network.connect(world.client, resume=path, profile={"name": "Anna"})
    world.network.run(1.0)
    assert world.client.id == 1
    assert world.backend.server.clients[1].profile == {"name": "Anna"}


def test_a_program_that_is_started_too_late_is_a_new_player(tmp_path: Path) -> None:
    path = tmp_path / "place"
    world = World(resume_seconds=5.0).join(resume=path)
    killed(world)
    again = started_again(world, path, wait=15.0)
    assert again.id == 2
    assert again.status == "connected"


def test_the_file_is_private_changes_with_each_acceptance_and_ends_with_a_goodbye(tmp_path: Path) -> None:
    path = tmp_path / "place"
    world = World().join(resume=path)
    if sys.platform != "win32":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = json.loads(path.read_text())
    assert first["client_id"] == 1
    world.cut(7.0)
    world.network.run(2.0)
    second = json.loads(path.read_text())
    assert second["secret"] != first["secret"]
    world.client.disconnect()
    world.network.run(0.5)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words", "is_kept"),
    [
        (b'{"pygase": "resume", "server": ["127.0.0.1", 80', "is damaged", False),
        (b"", "is damaged", False),
        (b'{"pygase": "resume", "client_id": "x", "secret": "zz", "server": [], "game": ""}', "is damaged", False),
        (b"my diary", "is not a file of PyGaSe", True),
        (bytes(range(256)) * 40, "is not a file of PyGaSe", True),
    ],
    ids=["torn", "empty", "wrong", "foreign", "binary"],
)
def test_a_torn_or_foreign_file_is_reported_and_the_client_connects_anew(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, words: str, is_kept: bool
) -> None:
    path = tmp_path / "place"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING, "pygase"):
        world = World().join(resume=path)
    assert words in caplog.text
    assert world.client.id == 1
    assert (path.read_bytes() == content) is is_kept
    world.client.disconnect()
    world.network.run(0.5)
    assert path.exists() is is_kept


def test_the_file_of_another_game_is_not_shown_to_this_one(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "place"
    world = World().join(resume=path)
    fields = json.loads(path.read_text())
    killed(world)
    path.write_text(json.dumps({**fields, "server": ["example.org", 8080]}))
    assert started_again(world, path).id == 2


def test_a_path_that_cannot_be_written_is_an_error_at_the_call(tmp_path: Path) -> None:
    world = World()
    with pytest.raises(ValueError, match="there is no folder"):
        world.network.connect(world.client, resume=tmp_path / "nowhere" / "place")
    with pytest.raises(ValueError, match="is a folder"):
        world.network.connect(world.client, resume=tmp_path)
    world.join()
