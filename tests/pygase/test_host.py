"""Ending a server: with the host token from anywhere; as the first on its machine only if the server wants that."""

from typing import Any

import pytest

from pygase import Backend, Client, GameState, ServerConfig
from pygase.testing import SimulatedNetwork

HERE, ELSEWHERE = ("127.0.0.1", 5000), ("203.0.113.5", 5000)


def a_backend(**config: Any) -> Backend:
    return Backend(GameState(n=0), lambda game_state, dt: {}, config=ServerConfig(**config))


def host_after(client_address: Any, chosen: bool | None, bound: str, token: str = "") -> bool:
    """Have one client join a server bound to an address. Return whether it is the host."""
    backend, network, client = a_backend(local_host=chosen), SimulatedNetwork(), Client()
    server = backend.server
    network.serve(backend, hostname=bound)
    network.connect(client, address=client_address, host_token=token and server.host_token)
    network.run(0.5)
    assert client.status == "connected"
    assert (server.host_client == client_address) == server.connections[client_address].is_host
    return server.host_client == client_address


@pytest.mark.parametrize(
    ("bound", "chosen", "is_host"),
    [
        ("127.0.0.1", None, True),
        ("127.0.1.1", None, True),
        ("::1", None, True),
        ("::ffff:127.0.0.1", None, True),
        ("0.0.0.0", None, False),
        ("::", None, False),
        ("192.168.0.7", None, False),
        ("0.0.0.0", True, True),
        ("::", True, True),
        ("127.0.0.1", False, False),
    ],
)
def test_the_first_client_from_the_servers_machine_is_the_host_where_local_host_is_on(
    bound: str, chosen: bool | None, is_host: bool
) -> None:
    assert host_after(HERE, chosen, bound) == is_host


@pytest.mark.parametrize("bound", ["127.0.0.1", "0.0.0.0"])
@pytest.mark.parametrize("chosen", [None, True, False])
@pytest.mark.parametrize("address", [HERE, ELSEWHERE])
def test_the_token_makes_a_host_whatever_else_is_set(bound: str, chosen: bool | None, address: Any) -> None:
    assert host_after(address, chosen, bound, token="yes")


@pytest.mark.parametrize("chosen", [None, True, False])
def test_somebody_from_elsewhere_without_the_token_never_is(chosen: bool | None) -> None:
    assert not host_after(ELSEWHERE, chosen, "127.0.0.1")


def test_a_config_set_between_two_runs_holds_from_the_next() -> None:
    backend, network = a_backend(), SimulatedNetwork()
    hosts: list[bool] = []
    for chosen in (None, False, True):
        backend.server.config = ServerConfig(local_host=chosen)
        network.serve(backend)
        client = Client()
        network.connect(client)
        network.run(0.5)
        hosts.append(backend.server.host_client == client.address)
        backend.shutdown()
        network.run(0.5)
    assert hosts == [True, False, True]


@pytest.mark.parametrize("wrong", [1, 0, "yes", "127.0.0.1"])
def test_local_host_is_yes_no_or_none(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"ServerConfig\.local_host must be True, False or None, got"):
        ServerConfig(local_host=wrong)


@pytest.mark.integration
@pytest.mark.parametrize(("hostname", "is_host"), [("127.0.0.1", True), ("0.0.0.0", False), ("", False)])
def test_on_real_sockets(hostname: str, is_host: bool) -> None:
    backend, client = a_backend(), Client()
    backend.run_in_thread(hostname, 0)
    client.connect_in_thread(backend.server.port or 0, "127.0.0.1")
    client.wait_until(lambda game_state: game_state.n == 0, timeout=5.0)
    assert (backend.server.host_client == client.address) == is_host
    client.disconnect()
    backend.shutdown()
