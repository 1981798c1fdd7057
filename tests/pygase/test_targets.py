"""The recipients of an event, banned clients, and the handler that counts."""

import logging
from collections.abc import Callable
from typing import Any

import pytest

from pygase import Backend, Client, DisconnectReason, GameState, GameStateStore, Server
from pygase.checks import as_targets
from pygase.event import UniversalEventHandler
from pygase.testing import SimulatedNetwork


class Hall:
    """A server with some clients, and the events that they have had."""

    def __init__(self, clients: int = 3) -> None:
        self.network = SimulatedNetwork()
        self.backend = Backend(GameState(), lambda game_state, dt: {})
        self.server = self.backend.server
        self.network.serve(self.backend)
        self.heard: dict[Any, list[int]] = {}
        self.clients = [self.join((f"10.0.0.{number + 1}", 7000 + number)) for number in range(clients)]

    def join(self, address: Any) -> Client:
        client = Client()
        heard = self.heard.setdefault(address, [])
        client.register_event_handler("E", heard.append)
        self.network.connect(client, address=address)
        self.network.run(0.3)
        return client


A, B, C = ("10.0.0.1", 7000), ("10.0.0.2", 7001), ("10.0.0.3", 7002)


@pytest.mark.parametrize(
    ("target", "who"),
    [
        ("all", [A, B, C]),
        (A, [A]),
        (list(A), [A]),
        ([A], [A]),
        ([A, C], [A, C]),
        ((A, C), [A, C]),
        ((B, C), [B, C]),
        ({A, B}, [A, B]),
        (frozenset({B}), [B]),
        ({A: "anything", C: None}, [A, C]),
        ([list(A), list(B)], [A, B]),
        ([A, A, list(A)], [A]),
        ([], []),
        ((), []),
        (set(), []),
    ],
)
def test_an_event_reaches_exactly_those_that_it_is_for_and_each_once(target: Any, who: list[Any]) -> None:
    hall = Hall()
    acked: list[Any] = []
    hall.server.dispatch_event("E", 1, target_client=target, retries=2, ack_callback=acked.append)
    hall.network.run(0.5)
    assert {address: [1] for address in who} == {address: got for address, got in hall.heard.items() if got}
    assert sorted(connection.remote_address for connection in acked) == who


def test_of_a_list_those_that_are_gone_are_named_and_the_others_get_it(caplog: pytest.LogCaptureFixture) -> None:
    hall = Hall()
    gone = ("10.9.9.9", 1)
    hall.server.dispatch_event("E", 5, target_client=[A, gone, C])
    hall.network.run(0.3)
    assert [hall.heard[address] for address in (A, B, C)] == [[5], [], [5]]
    assert [str(gone) in record.getMessage() for record in caplog.records] == [True]


@pytest.mark.parametrize("address", [("1.2.3.4", 5), ("fe80::1", 5, 0, 2), ["1.2.3.4", 5]])
def test_an_address_is_no_list_of_clients_though_it_is_a_tuple(address: Any) -> None:
    assert as_targets(address) == [tuple(address)]


@pytest.mark.parametrize(
    "wrong",
    [
        "everyone",
        "",
        None,
        True,
        1.0,
        b"all",
        ("1.2.3.4",),
        ("1.2.3.4", "5"),
        (5, "1.2.3.4"),
        [A, "all"],
        [A, None],
        [1, True],
    ],
)
def test_whatever_else_is_refused_at_once_with_how_to_write_it(wrong: Any) -> None:
    with pytest.raises(
        TypeError, match=r"must be 'all', a client's id such as 1, its address .*, or a list of them; got"
    ):
        Hall(0).server.dispatch_event("E", target_client=wrong)


# -- ban and unban ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("banned", [B, list(B), "10.0.0.2", ("10.0.0.2", 1)])
def test_a_ban_from_before_the_server_runs_holds(banned: Any) -> None:
    backend, network = Backend(GameState(), lambda game_state, dt: {}), SimulatedNetwork()
    backend.server.ban(banned)
    assert backend.server.banned == ["10.0.0.2"]
    network.serve(backend)
    refused, welcome = Client(), Client()
    network.connect(refused, address=B)
    network.connect(welcome, address=A)
    network.run(0.5)
    assert (refused.status, refused.disconnect_reason) == ("disconnected", DisconnectReason.BANNED)
    assert welcome.status == "connected"


def test_a_ban_outlasts_a_restart_and_unban_ends_it() -> None:
    hall = Hall(2)
    hall.server.ban(B, "rude")
    hall.network.run(0.3)
    assert [client.status for client in hall.clients] == ["connected", "disconnected"]
    hall.backend.shutdown()
    hall.network.run(0.3)
    hall.network.serve(hall.backend)
    assert hall.join(("10.0.0.2", 99)).disconnect_reason is DisconnectReason.BANNED
    hall.server.unban(("10.0.0.2", 12345))
    assert hall.server.banned == []
    assert hall.join(B).status == "connected"
    hall.server.unban("10.7.7.7")  # unbanning a client that is not banned does nothing


def test_an_ip_address_as_text_bans_all_who_play_from_there() -> None:
    hall = Hall(2)
    sister = hall.join(("10.0.0.2", 9999))
    hall.server.ban("10.0.0.2")
    hall.network.run(0.3)
    assert [client.status for client in (*hall.clients, sister)] == ["connected", "disconnected", "disconnected"]


@pytest.mark.parametrize(
    ("banned", "comes_from"),
    [
        ("10.0.0.2", ("::ffff:10.0.0.2", 7001, 0, 0)),
        (("::ffff:10.0.0.2", 7001, 0, 0), ("10.0.0.2", 5)),
        ("FE80:0::1", ("fe80::1%eth0", 5, 0, 2)),
        (("fe80::1%eth0", 5, 0, 2), ("fe80::1%wlan0", 6, 0, 3)),
    ],
)
def test_one_machine_has_one_spelling(banned: Any, comes_from: Any) -> None:
    hall = Hall(0)
    hall.server.ban(banned)
    assert hall.join(comes_from).disconnect_reason is DisconnectReason.BANNED


@pytest.mark.parametrize(
    ("wrong", "error"), [("localhost", ValueError), ("", ValueError), (None, TypeError), ((1.2,), TypeError)]
)
def test_who_cannot_be_banned_is_refused_with_how_to_write_it(wrong: Any, error: type[Exception]) -> None:
    server = Server(GameStateStore())
    for call in (server.ban, server.unban):
        with pytest.raises(error, match="expected a client's id"):
            call(wrong)
    assert server.banned == []


# -- a second handler for a type -------------------------------------------------------------------------------------


def make_machine() -> Any:
    return Backend(GameState(), lambda game_state, dt: {}).game_state_machine


@pytest.mark.parametrize(
    "make",
    [UniversalEventHandler, Client, make_machine, lambda: Server(GameStateStore())],
    ids=["handler", "client", "machine", "server"],
)
def test_a_later_handler_replaces_an_earlier_one_and_that_is_logged_once_a_type(
    make: Callable[[], Any], caplog: pytest.LogCaptureFixture
) -> None:
    registrar = make()

    def first() -> None: ...

    def second() -> None: ...

    for handler in (first, first, second, first, second):
        registrar.register_event_handler("E", handler)
    registrar.register_event_handler("F", first)
    registrar.register_event_handler("F", second)
    told = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [message[: message.index(" replaces")] for message in told] == [
        f"a second handler for events of the type {name!r}" for name in ("E", "F")
    ]


def test_the_later_handler_is_the_one_that_is_called() -> None:
    hall, called = Hall(1), list[str]()
    for name in ("first", "second"):
        hall.clients[0].register_event_handler("E", lambda n, name=name: called.append(name))
    hall.server.dispatch_event("E", 1)
    hall.network.run(0.3)
    assert called == ["second"]
