"""A server process is killed, and another one goes on from its checkpoint: real sockets, real files."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pygase import EVENTS_LOST, RELIABLE, Client
from pygase._protocol.crypto import why_not
from pygase._server.checkpoint import decode
from tests.support.programs import Program, wait_until

pytestmark = pytest.mark.integration

SERVER = """
import sys
from pygase import CLIENT_CONNECTED, Backend, GameState
from pygase._protocol.crypto import why_not

def bound(server):
    print("bound", server.port, "-" if why_not() else server.invite("127.0.0.1"), flush=True)

Backend(
    GameState(hits={}),
    lambda game_state, dt: {},
    {
        CLIENT_CONNECTED: lambda client_id: {"hits": {client_id: 0}},
        "HIT": lambda client_id, game_state: {"hits": {client_id: game_state.hits[client_id] + 1}},
    },
    checkpoint=sys.argv[2],
    checkpoint_interval=300.0,
).run("127.0.0.1", int(sys.argv[1]), on_bound=bound)
"""


class Servers:
    """One process after the other, with the same port and checkpoint.

    :ivar invite: the present one's; "-" if it cannot encrypt.
    """

    def __init__(self, checkpoint: Path) -> None:
        self.port, self.invite = 0, ""
        self._checkpoint = checkpoint
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", SERVER, str(self.port), str(self._checkpoint)]
        self._program = Program(command=command)
        _, port, self.invite = self._program.read_until("bound").split()
        self.port = int(port)

    def kill(self) -> None:
        self._program.process.kill()
        self._program.process.wait()
        assert self._program.process.stdout
        self._program.process.stdout.close()


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[Servers]:
    servers = Servers(tmp_path / "game.checkpoint")
    yield servers
    servers.kill()


@pytest.fixture
def client() -> Iterator[Client]:
    client = Client()
    yield client
    client.disconnect()


def hits_of(client: Client) -> int | None:
    with client.access_game_state() as game_state:
        hits: dict[int, int] = game_state.get("hits", {})
        return hits.get(client.id or 0)


def test_events_that_died_with_the_process_are_counted_and_the_next_ones_arrive(
    servers: Servers, client: Client, tmp_path: Path
) -> None:
    lost: list[int] = []
    client.register_event_handler(EVENTS_LOST, lambda count: lost.append(count))
    client.connect_in_thread(servers.port, "127.0.0.1")
    wait_until(lambda: hits_of(client) == 0)
    file = tmp_path / "game.checkpoint"
    wait_until(lambda: len(decode(file.read_bytes(), 1_000).clients) == 1)
    acked: list[bool] = []
    for _ in range(3):
        client.dispatch_event("HIT", retries=RELIABLE, ack_callback=lambda: acked.append(True))
    wait_until(lambda: len(acked) == 3 and hits_of(client) == 3)
    servers.kill()
    servers.start()
    wait_until(lambda: lost and client.status == "connected" and hits_of(client) == 0, 15.0)
    assert (lost, client.id) == ([3], 1)
    client.dispatch_event("HIT", retries=RELIABLE)
    wait_until(lambda: hits_of(client) == 1)


@pytest.mark.skipif(bool(why_not()), reason=f"no encryption: {why_not()}")
def test_an_invite_stays_valid(servers: Servers, client: Client) -> None:
    """The checkpoint keeps the identity of a server that has no file of its own for it."""
    invite = servers.invite
    servers.kill()
    servers.start()
    assert servers.invite == invite
    client.connect_in_thread(invite=invite)
    wait_until(lambda: client.status == "connected")
    assert client.is_encrypted
