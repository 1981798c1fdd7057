"""Who a player is: an id in handlers, wires, inputs and calls. Old programs that know clients by address go on."""

import logging
from typing import Any

import pytest

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    TO_DELETE,
    Backend,
    Client,
    DisconnectReason,
    GameState,
    GameStateStore,
    Server,
)
from pygase._diagnostics import log_lines
from pygase.event import UniversalEventHandler
from pygase.testing import SimulatedNetwork
from tests.support.playing import eventually

HOUSE = "203.0.113.7"
"""The IP address of two players behind one router."""


class Hall:
    """A game, and clients at addresses that the test chooses."""

    def __init__(self, **handlers: Any) -> None:
        self.network = SimulatedNetwork(5)
        self.backend = Backend(GameState(players={}), lambda game_state, dt: {}, handlers)
        self.server = self.backend.server
        self.network.serve(self.backend)
        self.heard: dict[Client, list[Any]] = {}

    def join(self, host: str = HOUSE, port: int = 0) -> Client:
        client = Client()
        self.heard[client] = []
        client.register_event_handler("E", self.heard[client].append)
        self.network.connect(client, address=(host, port or 6000 + len(self.heard)))
        self.network.run(0.3)
        return client

    def says(self, *args: Any, **kwargs: Any) -> list[list[Any]]:
        """Dispatch an event of the server, and return what each client has heard."""
        for heard in self.heard.values():
            heard.clear()
        self.server.dispatch_event("E", *args, **kwargs)
        self.network.run(0.3)
        return list(self.heard.values())


# -- the id ----------------------------------------------------------------------------------------------------------


def test_a_client_has_no_id_before_the_connection_and_keeps_it_after() -> None:
    hall, client = Hall(), Client()
    assert client.id is None
    hall.network.connect(client)
    assert client.id is None
    hall.network.run(0.3)
    assert client.id == 1
    client.disconnect()
    hall.network.run(0.3)
    assert client.id == 1
    hall.network.connect(client)
    hall.network.run(0.3)
    assert client.id == 2


def test_no_id_is_given_twice_though_the_server_is_run_again() -> None:
    hall = Hall()
    hall.join(), hall.join()
    hall.backend.shutdown()
    hall.network.run(0.3)
    hall.network.serve(hall.backend)
    assert hall.join().id == 3
    hall.backend.shutdown()
    hall.network.run(0.3)
    hall.network.serve(hall.backend)
    assert hall.join().id == 4


def test_clients_and_connections_hold_the_same_connections() -> None:
    hall = Hall()
    first, second = hall.join(), hall.join()
    server = hall.server
    assert list(server.clients) == [1, 2] == [first.id, second.id]
    assert list(server.connections) == [first.address, second.address]
    assert list(server.connections.values()) == list(server.clients.values())
    connection = server.clients[1]
    assert (connection.client_id, connection.client_address, connection.remote_address) == (
        1,
        first.address,
        first.address,
    )
    assert not connection.is_lost
    first.disconnect()
    hall.network.run(0.3)
    assert list(server.clients) == [2]
    assert list(server.connections) == [second.address]


def test_former_clients_stay_after_a_shutdown_until_somebody_connects_from_there() -> None:
    hall = Hall()
    hall.join(port=6001), hall.join(port=6002)
    hall.backend.shutdown()
    hall.network.run(0.3)
    assert list(hall.server.clients) == [1, 2]
    hall.network.serve(hall.backend)
    hall.join(port=6001)
    assert sorted(hall.server.clients) == [2, 3]
    assert hall.server.connections[HOUSE, 6001] is hall.server.clients[3]
    assert len(hall.server.connections) == 2


def test_the_host_is_known_by_id_and_by_address() -> None:
    network, server = SimulatedNetwork(), Server(GameStateStore())
    assert (server.host_id, server.host_client) == (None, None)
    network.serve(server)
    guest, host = Client(), Client()
    network.connect(guest, address=("10.0.0.5", 5))
    network.connect(host, host_token=server.host_token)
    network.run(0.3)
    assert (server.host_id, server.host_client) == (host.id, host.address)
    assert server.clients[host.id].is_host  # type: ignore[index]


# -- handlers --------------------------------------------------------------------------------------------------------


def test_handlers_get_the_id_and_those_of_old_programs_the_address() -> None:
    seen: list[Any] = []
    hall = Hall(
        NEW=lambda x, client_id: seen.append((x, client_id)),
        OLD=lambda x, client_address: seen.append((x, client_address)),
        BOTH=lambda client_address, game_state, client_id: seen.append((client_id, client_address)),
        ALL=lambda **kwargs: seen.append((kwargs["client_id"], kwargs["client_address"])),
    )
    hall.join()
    client = hall.join()
    for name, args in (("NEW", [7]), ("OLD", [8]), ("BOTH", []), ("ALL", [])):
        client.dispatch_event(name, *args, retries=3)
        hall.network.run(0.2)
    assert seen == [(7, 2), (8, client.address), (2, client.address), (2, client.address)]


def test_a_client_cannot_pose_as_another_by_an_id() -> None:
    seen: list[Any] = []
    hall = Hall(NEW=lambda client_id: seen.append(client_id))
    hall.server.register_event_handler("NEW", lambda client_id: seen.append(client_id))
    hall.join()
    client = hall.join()
    client.dispatch_event("NEW", client_id=1)
    client.dispatch_event("NEW", 1)
    hall.network.run(0.3)
    assert seen == [2, 2]
    assert hall.backend.game_state_machine.plumbing.handlers.failures["wrong arguments"] == 1


def test_a_program_of_old_runs_on_addresses_alone() -> None:
    """It keeps its players by the text of their addresses, sends to addresses, and kicks one."""
    players: dict[Any, str] = {}

    def enter(client_address: Any) -> dict[str, Any]:
        players[client_address] = "Ann"
        hall.server.dispatch_event("E", "welcome", target_client=client_address)
        return {"players": {str(client_address): {"x": 0}}}

    def leave(client_address: Any, reason: DisconnectReason) -> dict[str, Any]:
        del players[client_address]
        return {"players": {str(client_address): TO_DELETE}}

    def move(x: int, client_address: Any, game_state: GameState) -> dict[str, Any]:
        me = str(client_address)
        return {"players": {me: {"x": game_state.players[me]["x"] + x}}}

    hall = Hall(**{CLIENT_CONNECTED: enter, CLIENT_LEFT: leave, "MOVE": move})
    ann, bob = hall.join(), hall.join()
    assert list(hall.heard.values()) == [["welcome"], ["welcome"]]
    bob.dispatch_event("MOVE", 5)
    hall.network.run(0.3)
    with ann.access_game_state() as state:
        assert state.players == {str(ann.address): {"x": 0}, str(bob.address): {"x": 5}}
    assert hall.says(1, target_client=[ann.address, bob.address]) == [[1], [1]]
    hall.server.kick(bob.address)
    hall.network.run(0.3)
    assert bob.disconnect_reason is DisconnectReason.KICKED
    assert players == {ann.address: "Ann"} == {hall.server.clients[1].client_address: "Ann"}


def test_a_wire_that_hands_events_to_an_old_handler_goes_on() -> None:
    """The handler takes an address and no id, though the wire finds both among the keyword arguments."""
    seen: list[Any] = []

    class Wire:
        def __init__(self) -> None:
            self.handlers = UniversalEventHandler()
            self.handlers.register_event_handler("OLD", lambda x, client_address: seen.append((x, client_address)))
            self.handlers.register_event_handler("NEW", lambda x, client_id: seen.append((x, client_id)))
            self.handlers.register_event_handler("BARE", lambda x: seen.append(x))

        def _push_event(self, event: Any) -> None:
            self.handlers.handle(event)

    network, server, client = SimulatedNetwork(), Server(GameStateStore()), Client()
    network.serve(server, event_wire=Wire())
    network.connect(client)
    network.run(0.3)
    for number, name in enumerate(("OLD", "NEW", "BARE")):
        client.dispatch_event(name, number)
    network.run(0.3)
    assert seen == [(0, client.address), (1, 1), 2]


# -- calls -----------------------------------------------------------------------------------------------------------


def test_an_event_goes_to_ids_addresses_and_lists_of_both_each_client_once() -> None:
    hall = Hall()
    a, b, c = hall.join(), hall.join(), hall.join()
    assert hall.says(1, target_client=2) == [[], [1], []]
    assert hall.says(2, target_client=[1, 3, 3]) == [[2], [], [2]]
    assert hall.says(3, target_client={b.id, a.id}) == [[3], [3], []]
    assert hall.says(4, target_client=[c.address, 3, c.id]) == [[], [], [4]]
    assert hall.says(5, target_client=hall.server.clients) == [[5], [5], [5]]
    assert hall.says(6, target_client=[]) == [[], [], []]


def test_an_id_that_is_not_there_is_named_and_the_others_get_the_event(caplog: pytest.LogCaptureFixture) -> None:
    hall = Hall()
    hall.join()
    assert hall.says(1, target_client=[7, 1]) == [[1]]
    hall.server.kick(9)
    hall.network.run(0.3)
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING] == [
        "event 'E' was not sent: no client is connected with the id 7 (any more)",
        "nobody was kicked: no client is connected with the id 9 (any more)",
    ]


@pytest.mark.parametrize("how", ["id", "address", "list"])
def test_one_of_two_behind_a_router_is_kicked_and_the_other_plays_on(how: str) -> None:
    hall = Hall()
    ann, bob = hall.join(), hall.join()
    hall.server.kick({"id": ann.id, "address": ann.address, "list": [ann.id]}[how], "bye")
    hall.network.run(0.3)
    assert (ann.disconnect_reason, ann.disconnect_detail) == (DisconnectReason.KICKED, "bye")
    assert bob.status == "connected"
    assert hall.join().id == 3


# -- two clients with one IP address ---------------------------------------------------------------------------------


def test_a_ban_by_id_means_one_client_and_not_its_neighbour(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pygase")
    hall = Hall()
    ann, bob = hall.join(), hall.join()
    hall.server.ban(ann.id, "rude")
    hall.network.run(0.3)
    assert (ann.disconnect_reason, ann.disconnect_detail) == (DisconnectReason.BANNED, "rude")
    assert bob.status == "connected"
    assert hall.server.banned == [1]
    assert hall.join().status == "connected", "nobody else behind that router is meant"
    assert "client 1 is banned by its id" in caplog.text
    assert "ban the IP address as well" in caplog.text
    hall.server.unban(1)
    assert hall.server.banned == []
    assert "client 1 is no longer banned" in caplog.text


def test_a_ban_by_address_means_all_who_come_from_there(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pygase")
    hall = Hall()
    ann, bob, far = hall.join(), hall.join(), hall.join("198.51.100.4")
    hall.server.ban(ann.address)
    hall.network.run(0.3)
    assert ann.disconnect_reason is DisconnectReason.BANNED
    assert bob.status == "connected", "an address with a port names one client"
    assert hall.join().disconnect_reason is DisconnectReason.BANNED
    hall.server.ban(HOUSE)
    hall.network.run(0.3)
    assert bob.disconnect_reason is DisconnectReason.BANNED
    assert far.status == "connected"
    assert f"the IP address {HOUSE} is banned: everyone who connects from there is refused" in caplog.text


def test_a_ban_by_network_means_all_its_addresses(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "pygase")
    hall = Hall()
    ann, far = hall.join(), hall.join("203.0.114.1")
    hall.server.ban("203.0.113.9/24", "all of you")
    hall.network.run(0.3)
    assert (ann.disconnect_reason, ann.disconnect_detail) == (DisconnectReason.BANNED, "all of you")
    assert far.status == "connected"
    assert hall.join("203.0.113.200").disconnect_reason is DisconnectReason.BANNED
    assert hall.server.banned == ["203.0.113.0/24"]
    assert "the network 203.0.113.0/24 is banned" in caplog.text
    hall.server.unban("203.0.113.200")
    assert "the network 203.0.113.0/24 around it is banned; unban('203.0.113.0/24') lifts that" in caplog.text
    assert hall.join("203.0.113.200").disconnect_reason is DisconnectReason.BANNED
    hall.server.unban("203.0.113.0/24")
    assert hall.join("203.0.113.200").status == "connected"


def test_bans_in_a_list_are_lifted_as_they_are_listed() -> None:
    server = Server(GameStateStore())
    server.ban([7, "198.51.100.0/24", ("10.0.0.2", 5), "192.0.2.1", 3])
    assert server.banned == [3, 7, "10.0.0.2", "192.0.2.1", "198.51.100.0/24"]
    server.unban(server.banned)
    assert server.banned == []


def test_the_log_tells_two_clients_with_one_ip_address_apart(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO, "pygase")
    hall = Hall()
    monkeypatch.setattr(log_lines, "monotonic", hall.network.clock)
    ann = hall.join()
    hall.network.run(1.0)  # one line of a kind a second
    bob = hall.join()
    bob.dispatch_event("NOBODY KNOWS")
    ann.disconnect()
    hall.network.run(0.3)
    lines = [record.getMessage() for record in caplog.records]
    assert f"client 1 ({HOUSE}:6001) has connected" in lines
    assert f"client 2 ({HOUSE}:6002) has connected" in lines
    assert f"client 1 ({HOUSE}:6001) has left: The connection was closed." in lines
    (ignored,) = [line for line in lines if "NOBODY KNOWS" in line]
    assert f"from client 2 ({HOUSE}:6002) was ignored" in ignored


# -- another address -------------------------------------------------------------------------------------------------


def test_connections_follow_a_client_to_its_present_address() -> None:
    seen: list[Any] = []
    hall = Hall(
        HERE=lambda client_id, client_address: seen.append((client_id, client_address)),
        **{CLIENT_LEFT: lambda client_id, client_address: seen.append((client_id, client_address))},
    )
    client = hall.join(port=6001)
    connection, run = hall.server.clients[1], hall.server.plumbing.run
    run.endpoint.move_peer(run.endpoint.peers[1], ("198.51.100.9", 444))
    run.incoming.handle_inbox()
    assert hall.server.connections == {("198.51.100.9", 444): connection}
    assert hall.server.clients == {1: connection}
    assert connection.client_address == ("198.51.100.9", 444)
    run.endpoint.move_peer(run.endpoint.peers[1], (HOUSE, 6001))
    client.dispatch_event("HERE")
    hall.network.run(0.3)
    hall.server.kick(("198.51.100.9", 444))  # where it was: nobody
    hall.network.run(0.3)
    assert client.status == "connected"
    hall.server.kick((HOUSE, 6001))
    hall.network.run(0.3)
    assert client.disconnect_reason is DisconnectReason.KICKED
    assert seen == [(1, (HOUSE, 6001))] * 2
    assert hall.server.connections == hall.server.clients == {}


# -- for real --------------------------------------------------------------------------------------------------------


@pytest.mark.integration
def test_over_real_sockets_two_clients_of_one_machine_are_two_players() -> None:
    """An old handler, a new one and inputs by id; the profile; an event for one; a kick of one."""
    seen: list[Any] = []
    applied: dict[int, Any] = {}

    def enter(client_id: int, client_address: Any, profile: dict[str, Any]) -> dict[str, Any]:
        seen.append((client_id, client_address))
        return {"players": {client_id: profile}}

    def time_step(game_state: GameState, dt: float, inputs: dict[int, Any]) -> dict[str, Any]:
        applied.update((client_id, given.value) for client_id, given in inputs.items())
        return {}

    handlers = {CLIENT_CONNECTED: enter, "OLD": lambda x, client_address: seen.append((x, client_address))}
    backend = Backend(GameState(players={}), time_step, handlers)
    backend.run_in_thread("127.0.0.1", 0, interval=1 / 60)
    port = backend.server.port
    assert port is not None
    clients = [Client(), Client()]
    heard: list[Any] = []
    clients[1].register_event_handler("E", heard.append)
    try:
        for client, name in zip(clients, ("Ann", "Bob"), strict=True):
            client.connect_in_thread(port, "127.0.0.1", profile={"name": name})
            client.wait_until(lambda state, client=client: client.id in state.players, timeout=10.0)  # type: ignore[misc]
        ann, bob = clients
        assert (ann.id, bob.id) == (1, 2)
        bob.wait_until(lambda state: state.players == {1: {"name": "Ann"}, 2: {"name": "Bob"}}, timeout=10.0)

        def steered() -> bool:
            ann.send_input("up"), bob.send_input("down")
            return applied == {1: "up", 2: "down"}

        eventually(steered)
        bob.dispatch_event("OLD", "x", retries=5)
        eventually(lambda: len(seen) > 2)
        assert seen == [(1, ann.address), (2, bob.address), ("x", bob.address)]
        backend.server.dispatch_event("E", "for Bob", target_client=bob.id, retries=5)
        eventually(lambda: heard == ["for Bob"])
        backend.server.kick(1)
        eventually(lambda: ann.status == "disconnected")
        assert ann.disconnect_reason is DisconnectReason.KICKED
        assert (bob.status, list(backend.server.clients)) == ("connected", [2])
    finally:
        for client in clients:
            client.disconnect()
        backend.shutdown()
