"""A game loop on a thread of its own, beside the network's: each saved checkpoint fits together."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pygase import CLIENT_CONNECTED, CLIENT_LEFT, RELIABLE, Backend, Client, GameState
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


# -- the end -----------------------------------------------------------------------------------------------------------


def server_first(backend: Backend) -> None:
    backend.server.shutdown()
    wait_for_ticks(backend)
    assert backend.game_state_machine.stop(timeout=10.0)


def game_first(backend: Backend) -> None:
    assert backend.game_state_machine.stop(timeout=10.0)
    backend.server.shutdown()


def both_at_once(backend: Backend) -> None:
    backend.game_state_machine.plumbing.loop.request_stop()
    backend.server.shutdown()
    assert backend.game_state_machine.stop(timeout=10.0)


def backend_itself(backend: Backend) -> None:
    backend.shutdown()


def wait_for_ticks(backend: Backend) -> None:
    n = backend.game_state_store.get_game_state().n
    wait_until(lambda: backend.game_state_store.get_game_state().n > n + 3)


def counting(file: Path, seconds: float = 1_000.0) -> Backend:
    """A game whose state changes in each tick, and that saves at its beginning and at its end."""
    handlers = {
        CLIENT_CONNECTED: lambda client_id: {"seats": {client_id: "taken"}},
        CLIENT_LEFT: lambda client_id: {"seats": {client_id: "free"}},
    }
    state = GameState(n=0, seats={})
    step = lambda game_state, dt: {"n": game_state.n + 1}  # noqa: E731
    return Backend(state, step, handlers, checkpoint=file, checkpoint_interval=seconds)


ENDS = [(apart, server_first), (apart, game_first), (apart, both_at_once), (resumed, backend_itself)]


@pytest.mark.parametrize(("start", "end"), ENDS)
def test_the_last_state_is_in_the_file_when_both_have_ended(start: Start, end: Start, tmp_path: Path) -> None:
    backend, client = counting(tmp_path / "game"), Client()
    start(backend)
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    client.wait_until(lambda state: state.seats == {1: "taken"}, timeout=5.0)
    wait_for_ticks(backend)
    end(backend)
    saved = decode((tmp_path / "game").read_bytes(), 1_000)
    last = backend.game_state_store.plumbing.committed
    assert (saved.tick, saved.state) == (last.tick, last.tree)
    seats = {**saved.state["seats"], **{record.peer.client_id: "leaves" for record in saved.clients}}
    assert seats[1] in ("free", "leaves")  # the next process knows it, even if no tick has handled it


def test_a_server_that_ends_alone_saves_and_may_run_again(tmp_path: Path) -> None:
    """The game goes on meanwhile: its last state comes into the file at its own end."""
    backend = counting(tmp_path / "game")
    apart(backend)
    wait_for_ticks(backend)
    backend.server.shutdown()
    saved = decode((tmp_path / "game").read_bytes(), 1_000)
    assert saved.state["n"] > 3
    backend.server.run_in_thread(0, "127.0.0.1", event_wire=backend.game_state_machine)
    server_first(backend)
    assert decode((tmp_path / "game").read_bytes(), 1_000).state["n"] > saved.state["n"]
    assert Backend(GameState(), lambda game_state, dt: {}, checkpoint=tmp_path / "game").game_state_store is not None


def test_the_last_save_of_a_server_waits_for_the_tick_under_way(tmp_path: Path) -> None:
    """An event that a tick has begun to handle is in the saved state, and not lost between the two."""
    begun = threading.Event()

    def slow(game_state: GameState) -> dict[str, bool]:
        begun.set()
        time.sleep(0.2)
        return {"has_happened": True}

    backend = counting(tmp_path / "game")
    backend.game_state_machine.register_event_handler("SLOW", slow)
    apart(backend)
    client = Client()
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    wait_until(lambda: client.status == "connected")
    client.dispatch_event("SLOW", retries=RELIABLE)
    assert begun.wait(5.0)
    backend.server.shutdown()
    saved = decode((tmp_path / "game").read_bytes(), 1_000)
    assert backend.game_state_machine.stop(timeout=10.0)
    assert saved.state["has_happened"]


def test_a_game_that_outlives_its_server_leaves_another_servers_file_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    backend = counting(tmp_path / "game")
    apart(backend)
    backend.server.shutdown()
    heir = counting(tmp_path / "game")
    heir.run_in_thread("127.0.0.1", 0)
    assert backend.game_state_machine.stop(timeout=10.0)
    assert "its last state is not saved: another running server uses the checkpoint" in caplog.text
    heir.shutdown()
