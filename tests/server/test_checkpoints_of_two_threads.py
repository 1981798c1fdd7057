"""A game loop on a thread of its own, beside the network's: each saved checkpoint fits together."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pygase import CLIENT_CONNECTED, RELIABLE, Backend, Client, GameState
from pygase._server.checkpoint import Checkpoint, decode
from tests.support.programs import wait_until

pytestmark = pytest.mark.integration

Start = Callable[[Backend], None]


def apart(backend: Backend) -> None:
    """Run server and game loop by themselves, as the reference allows."""
    backend.server.run_in_thread(0, "127.0.0.1", event_wire=backend.game_state_machine)
    backend.game_state_machine.run_game_loop_in_thread(0.005)


def resumed(backend: Backend) -> None:
    """Pause the game, and let another thread go on with it."""
    backend.run_in_thread("127.0.0.1", 0, 0.005)
    assert backend.game_state_machine.stop(timeout=10.0)
    backend.game_state_machine.run_game_loop_in_thread(0.005)


@pytest.fixture(params=[apart, resumed])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    def hit(client_id: int, game_state: GameState) -> dict[str, dict[int, int]]:
        time.sleep(0.002)  # so that most of the time a tick is under way
        return {"hits": {client_id: game_state.hits[client_id] + 1}}

    backend = Backend(
        GameState(hits={}),
        lambda game_state, dt: {},
        {CLIENT_CONNECTED: lambda client_id: {"hits": {client_id: 0}}, "HIT": hit},
        checkpoint=tmp_path / "game",
        checkpoint_interval=0.05,
    )
    start: Start = request.param
    start(backend)
    yield backend
    backend.game_state_machine.stop(timeout=10.0)
    backend.server.shutdown()


def test_each_save_has_every_reliable_event_of_a_client_once(backend: Backend, tmp_path: Path) -> None:
    """Each event that the table counts as received is either in the state or among the unhandled ones."""
    client = Client()
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    wait_until(lambda: client.status == "connected")
    saves: dict[float, Checkpoint] = {}
    end = time.monotonic() + 2.0
    while time.monotonic() < end or len(saves) < 5:
        assert time.monotonic() < end + 20.0, "too few saves"
        client.dispatch_event("HIT", retries=RELIABLE)
        saved = decode((tmp_path / "game").read_bytes(), 1_000)
        if saved.clients:
            saves[saved.wall_time] = saved
        time.sleep(0.001)
    client.disconnect()
    for saved in saves.values():
        (record,) = saved.clients
        assert record.peer.received == saved.state["hits"].get(1, 0) + len(record.unhandled)
    assert max(saved.state["hits"].get(1, 0) for saved in saves.values()) > 20
