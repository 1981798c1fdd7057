"""Client, Server and Backend together, in virtual time."""

import itertools
import logging
from typing import Any

import pytest

from pygase import (
    ANY_EVENT,
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CONNECTED,
    DISCONNECTED,
    RELIABLE,
    TO_DELETE,
    Backend,
    Client,
    ClientConfig,
    ConnectionFailed,
    ConnectionStatus,
    DisconnectReason,
    Event,
    GameState,
    GameStateMachine,
    GameStateStore,
    GameStateUpdate,
    InvalidValue,
    MessageTooLarge,
    Server,
    ServerConfig,
    ServerConnection,
)
from pygase._state.codec import pack
from pygase.testing import Link, SimulatedNetwork

INTERVAL = 0.02


class Game:
    """A backend on a simulated network, and the events of its clients."""

    def __init__(self, seed: int = 0, link: Link | None = None, **backend: Any) -> None:
        self.network = SimulatedNetwork(seed, link or Link(latency=0.01))
        backend.setdefault("initial_game_state", GameState(n=0, players={}))
        backend.setdefault("time_step_function", lambda game_state, dt: {"n": game_state.n + 1})
        self.backend = Backend(**backend)
        self.server = self.backend.server
        self.network.serve(self.backend, INTERVAL)

    def on(self, event_type: str, handler: Any) -> None:
        self.backend.game_state_machine.register_event_handler(event_type, handler)

    def join(self, client: Client | None = None, **connect: Any) -> Client:
        client = client or Client()
        self.network.connect(client, **connect)
        self.network.run_until(lambda: client.status == "connected" and client.snapshots)
        return client

    def run(self, seconds: float = 0.5) -> None:
        self.network.run(seconds)


def recorder(client: Client, event_type: str) -> list[Any]:
    heard: list[Any] = []
    client.register_event_handler(event_type, lambda *args, **kwargs: heard.append((args, kwargs)))
    return heard


def state_of(client: Client) -> GameState:
    with client.access_game_state() as game_state:
        return game_state


# -- connecting and leaving ------------------------------------------------------------------------------------------


def test_a_client_that_never_connected_is_disconnected_and_has_an_empty_state() -> None:
    client = Client()
    assert (client.status, client.connection, client.error, client.disconnect_reason) == (
        "disconnected",
        None,
        None,
        None,
    )
    assert client.address is None
    assert client.snapshots == ()
    assert state_of(client) == GameState()
    assert client.stats.rtt == 0.0


def test_a_client_connects_and_both_sides_know_of_each_other() -> None:
    game = Game()
    arrived: list[Any] = []
    game.on(CLIENT_CONNECTED, lambda client_address: arrived.append(client_address) or None)
    client = Client()
    connected = recorder(client, CONNECTED)
    game.network.connect(client)
    assert client.status == "connecting"
    game.run()
    assert client.status == "connected"
    assert connected == [((), {})]
    assert arrived == [client.address] == list(game.server.connections)
    connection = game.server.connections[client.address]
    assert isinstance(connection, ServerConnection)
    assert connection.remote_address == client.address
    assert connection.status == client.connection.status == ConnectionStatus.get("Connected")


def test_the_server_is_told_who_left_and_why() -> None:
    game = Game()
    left: list[Any] = []
    game.on(CLIENT_LEFT, lambda reason, client_address: left.append((client_address, reason)) or None)
    hung_up, vanished = game.join(), game.join()
    ended = recorder(hung_up, DISCONNECTED)
    hung_up.disconnect()
    assert hung_up.disconnect_reason is DisconnectReason.CLOSED
    game.network.partition(vanished)
    game.run(37.0)  # 5 s of silence, and then 30 s in which it could come back
    assert left == [
        (hung_up.address, DisconnectReason.CLOSED),
        (vanished.address, DisconnectReason.TIMED_OUT),
    ]
    assert game.server.connections == {}
    assert hung_up.status == vanished.status == "disconnected"
    assert vanished.disconnect_reason is DisconnectReason.TIMED_OUT
    assert len(ended) == 1


def test_built_in_events_find_handlers_that_take_the_state_too() -> None:
    game = Game()
    game.on(
        CLIENT_CONNECTED,
        lambda client_address, game_state, dt: {"players": {client_address[1]: {"since": game_state.n, "dt": dt}}},
    )
    game.on(CLIENT_LEFT, lambda client_address, reason: {"players": {client_address[1]: TO_DELETE}})
    first, second = game.join(), game.join()
    game.run()
    assert set(state_of(second).players) == {first.address[1], second.address[1]}
    first.disconnect()
    game.run()
    assert set(state_of(second).players) == {second.address[1]}


@pytest.mark.parametrize("own", [CLIENT_CONNECTED, CLIENT_LEFT, "pygase:shutdown", "pygase:anything"])
def test_a_client_cannot_send_pygases_own_events(own: str) -> None:
    game = Game()
    called: list[Any] = []
    game.on(own, lambda **kwargs: called.append(kwargs) or None)
    stranger = game.join(address=("10.9.9.9", 1000))
    called.clear()
    stranger.plumbing.endpoint.queue_event(pack([own]), 0, None)  # one that does not ask
    stranger.plumbing.driver.wake()
    game.run()
    assert called == []
    assert game.server.port == 8080
    assert game.server.dropped["reserved event type"] == 1


@pytest.mark.parametrize(
    ("backend", "client", "reason"),
    [
        ({"game": "pong"}, {"game": "chess"}, DisconnectReason.WRONG_GAME),
        ({"password": "a"}, {"password": "b"}, DisconnectReason.WRONG_PASSWORD),
        ({"config": ServerConfig(max_clients=1)}, {}, DisconnectReason.SERVER_FULL),
    ],
)
def test_a_refused_client_knows_why_at_once(backend: Any, client: Any, reason: DisconnectReason) -> None:
    game = Game(**backend)
    game.join(Client(**{key: backend[key] for key in ("game", "password") if key in backend}))
    refused = Client(**client)
    told = recorder(refused, DISCONNECTED)
    game.network.connect(refused)
    game.run(0.2)
    assert refused.status == "disconnected"
    assert refused.disconnect_reason is reason
    assert isinstance(refused.error, ConnectionFailed)
    assert isinstance(refused.error, ConnectionError)
    assert refused.error.reason is reason
    assert str(refused.error).startswith(reason.sentence)
    assert told == [((), {"reason": reason, "detail": refused.disconnect_detail})]


def test_where_nobody_answers_the_client_gives_up_with_a_sentence() -> None:
    network = SimulatedNetwork()
    client = Client(config=ClientConfig(connect_timeout=3.0))
    network.connect(client)
    network.run(2.9)
    assert client.status == "connecting"
    network.run(0.2)
    assert client.status == "disconnected"
    assert client.disconnect_reason is DisconnectReason.NO_ANSWER
    assert "Nobody answers there" in str(client.error)
    assert "localhost:8080" in str(client.error)


def test_connect_timeout_overrides_the_config() -> None:
    network = SimulatedNetwork()
    client = Client()
    network.connect(client, connect_timeout=0.5)
    network.run(0.6)
    assert client.status == "disconnected"


def test_a_client_that_is_there_before_the_server_gets_in() -> None:
    network = SimulatedNetwork(link=Link(latency=0.01))
    client = Client()
    network.connect(client)
    network.run(2.0)
    network.serve(Backend(GameState(x=1), lambda game_state, dt: None), INTERVAL)
    network.run(0.5)
    assert state_of(client).x == 1


def test_disconnecting_while_connecting_ends_it_without_an_error() -> None:
    network = SimulatedNetwork()
    client = Client()
    network.connect(client)
    network.run(0.3)
    client.disconnect()
    network.run(0.1)
    assert client.status == "disconnected"
    assert client.error is None
    sent = sum(network.bytes_sent.values())
    network.run(10.0)
    assert sum(network.bytes_sent.values()) == sent


def test_a_client_can_connect_again_and_begins_afresh() -> None:
    game = Game()
    client = game.join()
    client.disconnect()
    game.run()
    assert client.snapshots  # still to be looked at
    game.network.connect(client)
    assert client.snapshots == ()
    assert client.disconnect_reason is None
    assert client.status == "connecting"
    game.run()
    assert client.status == "connected"
    assert state_of(client).n > 10


def test_a_connected_client_cannot_be_connected_once_more() -> None:
    game = Game()
    client = game.join()
    with pytest.raises(RuntimeError, match="disconnect"):
        client.connect(8080)
    with pytest.raises(RuntimeError, match="disconnect"):
        client.connect_in_thread(8080)
    with pytest.raises(RuntimeError, match="disconnect"):
        client.open(8080)
    game.run()
    assert client.status == "connected"


@pytest.mark.parametrize("resume_seconds", [0.0, 30.0])
def test_a_client_that_restarts_on_its_old_port_is_let_in_and_its_former_self_is_gone(resume_seconds: float) -> None:
    game = Game(config=ServerConfig(resume_seconds=resume_seconds))
    left: list[Any] = []
    game.on(CLIENT_LEFT, lambda reason: left.append(reason) or None)
    first = game.join(address=("127.0.0.1", 4000))
    game.run()
    first.plumbing.endpoint.release()  # it crashes
    game.join(address=("127.0.0.1", 4000))
    game.run()
    assert left == ([] if resume_seconds else [DisconnectReason.REPLACED])
    assert list(game.server.connections) == [("127.0.0.1", 4000)]
    assert game.server.connections["127.0.0.1", 4000].client_id == 2
    assert {client_id: each.is_lost for client_id, each in game.server.clients.items()} == (
        {1: True, 2: False} if resume_seconds else {2: False}
    )


def test_a_kicked_client_reads_why_and_a_banned_one_does_not_come_back() -> None:
    game = Game()
    noisy, rude = game.join(address=("10.0.0.1", 1)), game.join(address=("10.0.0.2", 1))
    game.server.kick(noisy.address, "too noisy")
    game.server.ban(rude.address, "too rude")
    game.run()
    assert (noisy.disconnect_reason, noisy.disconnect_detail) == (DisconnectReason.KICKED, "too noisy")
    assert (rude.disconnect_reason, rude.disconnect_detail) == (DisconnectReason.BANNED, "too rude")
    assert noisy.error is None  # there was a connection
    game.join(noisy, address=("10.0.0.1", 1))
    game.network.connect(rude, address=("10.0.0.2", 9))
    game.run()
    assert rude.disconnect_reason is DisconnectReason.BANNED


# -- the end of the server -------------------------------------------------------------------------------------------


def test_when_the_server_shuts_down_everyone_is_told() -> None:
    game = Game()
    clients = [game.join() for _ in range(3)]
    game.backend.shutdown()
    game.run()
    assert {client.disconnect_reason for client in clients} == {DisconnectReason.SERVER_SHUTDOWN}
    assert (game.server.port, game.server.hostname) == (None, None)
    assert game.backend.game_state_store.get_game_state().is_paused()


def test_a_restarted_server_remembers_its_connections_and_lets_clients_in_again() -> None:
    game = Game()
    client = game.join()
    address = client.address
    game.backend.shutdown()
    game.run()
    assert list(game.server.connections) == [address]
    assert game.server.connections[address].status == ConnectionStatus.get("Disconnected")
    n = game.backend.game_state_store.get_game_state().n
    game.network.serve(game.backend, INTERVAL)
    game.join(client)
    game.run()
    assert state_of(client).n > n
    assert game.server.connections[client.address].status == ConnectionStatus.get("Connected")


def test_the_host_can_shut_the_server_down() -> None:
    game = Game()
    host, guest = game.join(), game.join()
    assert game.server.host_client == host.address
    assert game.server.connections[host.address].is_host
    assert not game.server.connections[guest.address].is_host
    host.disconnect(shutdown_server=True)
    game.run()
    assert game.server.port is None
    assert guest.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN
    assert host.status == "disconnected"


@pytest.mark.parametrize("address", [("127.0.0.1", 1), ("10.0.0.9", 1)])
def test_a_guest_cannot_though_it_hangs_up(address: Any) -> None:
    game = Game()
    game.join()
    guest = game.join(address=address)
    guest.disconnect(shutdown_server=True)
    game.run()
    assert game.server.port == 8080
    assert guest.status == "disconnected"
    assert guest.address not in game.server.connections


def test_a_stranger_with_the_host_token_can() -> None:
    game = Game()
    stranger = game.join(address=("10.0.0.9", 1), host_token=game.server.host_token)
    assert game.server.host_client == stranger.address
    stranger.disconnect(shutdown_server=True)
    game.run()
    assert game.server.port is None


def test_without_any_client_there_is_no_host() -> None:
    game = Game()
    assert game.server.host_client is None
    game.join(address=("10.0.0.9", 1))
    assert game.server.host_client is None


# -- the state -------------------------------------------------------------------------------------------------------


def test_the_client_has_the_servers_state_a_latency_later() -> None:
    game = Game()
    client = game.join()
    game.run(2.0)
    mine, theirs = state_of(client), game.backend.game_state_store.get_game_state()
    assert 0 <= theirs.n - mine.n <= 1
    assert mine.time_order == theirs.time_order - (theirs.n - mine.n)
    assert not mine.is_paused()


def test_snapshots_count_ticks_and_tell_their_times() -> None:
    game = Game(link=Link(latency=0.05))
    client = game.join()
    game.run(2.0)
    ticks = [snapshot.tick for snapshot in client.snapshots]
    assert ticks == list(range(ticks[0], ticks[0] + 64))
    for snapshot in client.snapshots:
        assert snapshot.received_at - snapshot.time == pytest.approx(0.05, abs=2e-4)
        assert snapshot.state["n"] + 1 == snapshot.tick
    assert client.snapshots[-1].tick == game.backend.game_state_store.plumbing.committed.tick - 2


def test_snapshots_that_were_handed_out_never_change() -> None:
    game = Game()
    client = game.join()
    kept = client.snapshots
    seen = [dict(snapshot.state) for snapshot in kept]
    game.run()
    assert client.snapshots is not kept
    assert [dict(snapshot.state) for snapshot in kept] == seen


def test_what_a_user_does_to_a_state_never_reaches_what_comes_next() -> None:
    game = Game(initial_game_state=GameState(n=0, players={1: {"pos": [0, 0], "name": "Anna"}}))
    client = game.join()
    mine = state_of(client)
    mine.players[1]["pos"].append(99)
    mine.players[1]["name"] = "Mallory"
    mine.n = -1000
    game.run()
    assert state_of(client).players == {1: {"pos": [0, 0], "name": "Anna"}}
    assert client.snapshots[-1].state["players"] == {1: {"pos": [0, 0], "name": "Anna"}}
    assert state_of(client).n > 0


def test_tuples_arrive_as_lists_and_everything_else_as_it_was() -> None:
    state = GameState(n=0, a=(1, (2.5,)), b=b"x", c={1: None, "1": True}, d=2**64 - 1, e=-0.0)
    client = Game(initial_game_state=state).join()
    mine = state_of(client)
    assert mine.a == [1, [2.5]]
    assert (mine.b, mine.c, mine.d, str(mine.e)) == (b"x", {1: None, "1": True}, 2**64 - 1, "-0.0")


def test_time_order_wraps_from_65535_to_1_without_anybody_noticing() -> None:
    game = Game(initial_game_state=GameState(65500, n=0))
    client = game.join()
    orders = []
    for _ in range(100):
        game.run(INTERVAL)
        orders.append(state_of(client).time_order)
    assert 65535 in [int(order) for order in orders]
    assert 1 in [int(order) for order in orders]
    assert all(a < b for a, b in itertools.pairwise(orders))
    ticks = [snapshot.tick for snapshot in client.snapshots]
    assert ticks == sorted(ticks)
    assert ticks[-1] > 65535
    assert state_of(client).n >= 99


def test_a_state_that_rests_costs_nothing_but_heartbeats() -> None:
    game = Game(time_step_function=lambda game_state, dt: None)
    game.join()
    game.run(2.0)
    before = sum(game.network.bytes_sent.values())
    game.run(10.0)
    assert sum(game.network.bytes_sent.values()) - before < 3000


def test_updates_pushed_from_outside_reach_the_clients_of_a_server_alone() -> None:
    """No machine: another part pushes the updates, even updates without a time."""
    network = SimulatedNetwork(link=Link(latency=0.01))
    store = GameStateStore(GameState(x=0))
    server = Server(store)
    network.serve(server)
    client = Client()
    network.connect(client)
    network.run(1.0)
    for x in range(1, 20):
        store.push_update(GameStateUpdate(0, x=x, **{f"k{x}": x}))
        network.run(0.0 if x % 2 else 0.1)
    network.run(1.0)
    assert vars(state_of(client)) == vars(store.get_game_state())
    assert state_of(client).k1 == 1


def test_a_client_in_a_bad_network_converges(seed: int) -> None:
    weather = Link(latency=0.05, jitter=0.1, loss=0.2, duplicate=0.05, reorder=0.1)
    game = Game(seed, weather, time_step_function=lambda game_state, dt: None)
    game.on("MOVE", lambda x, client_address: {"players": {client_address[1]: {"x": x}}})
    clients = [game.join() for _ in range(4)]
    for x in range(100):
        for client in clients:
            client.dispatch_event("MOVE", x, retries=RELIABLE)
        game.run(0.05)
    game.run(10.0)
    expected = {client.address[1]: {"x": 99} for client in clients}
    assert [state_of(client).players for client in clients] == [expected] * 4


# -- events ----------------------------------------------------------------------------------------------------------


def test_events_pass_both_ways_with_all_that_they_carry() -> None:
    game = Game()
    heard: list[Any] = []
    game.on("SHOT", lambda *args, **kwargs: heard.append((args, kwargs)) or None)
    client = game.join()
    answers = recorder(client, "HIT")
    client.dispatch_event("SHOT", 1, (2, 3), power={"a": [None]})
    game.run(0.1)
    ((args, kwargs),) = heard
    assert args == (1, [2, 3])
    assert kwargs["power"] == {"a": [None]}
    assert kwargs["client_address"] == client.address
    game.server.dispatch_event("HIT", 5, by="Anna")
    game.run(0.1)
    assert answers == [((5,), {"by": "Anna"})]


def test_an_event_goes_to_all_or_to_one() -> None:
    game = Game()
    clients = [game.join() for _ in range(3)]
    heard = [recorder(client, "NEWS") for client in clients]
    game.server.dispatch_event("NEWS", "all")
    game.server.dispatch_event("NEWS", "one", target_client=clients[1].address)
    game.server.dispatch_event("NEWS", "list", target_client=list(clients[2].address))
    game.run(0.1)
    assert [[args[0] for args, _ in news] for news in heard] == [["all"], ["all", "one"], ["all", "list"]]


def test_an_event_to_somebody_who_is_gone_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "pygase"):
        game = Game()
        game.server.dispatch_event("NEWS", target_client=("127.0.0.1", 99))
        game.run(0.1)
    assert "no client is connected from ('127.0.0.1', 99)" in caplog.text


def test_an_event_of_a_handler_leaves_in_the_tick_of_the_change_that_caused_it() -> None:
    game = Game(time_step_function=lambda game_state, dt: None)

    def on_goal() -> dict[str, Any]:
        game.server.dispatch_event("CHEER")
        return {"goals": 1}

    game.on("GOAL", on_goal)
    client = game.join()
    seen: list[Any] = []
    client.register_event_handler("CHEER", lambda: seen.append(game.network.now))
    game.run(0.5)  # (a heartbeat would leave after a second)
    arrived: list[float] = []
    game.network.on_datagram = lambda data, sender, receiver: (
        arrived.append(game.network.now) if (sender == ("127.0.0.1", 8080)) else None
    )
    client.dispatch_event("GOAL")
    game.network.run_until(lambda: seen)
    assert client.snapshots[-1].received_at == seen[0]
    assert len(arrived) == 1


def test_events_before_the_connection_wait_for_it_in_order() -> None:
    game = Game()
    heard: list[int] = []
    game.on("N", lambda n: heard.append(n) or None)
    client = Client()
    client.dispatch_event("N", 0, retries=RELIABLE)
    game.network.connect(client)
    client.dispatch_event("N", 1, retries=RELIABLE)
    game.run()
    client.dispatch_event("N", 2, retries=RELIABLE)
    game.run()
    assert heard == [0, 1, 2]


@pytest.mark.parametrize("retries", [0, 3, RELIABLE])
def test_ack_callbacks_are_called_once_when_the_peer_has_the_event(retries: int) -> None:
    game = Game(link=Link(latency=0.05))
    game.on("E", lambda **context: None)
    client = game.join()
    acked: list[Any] = []
    start = game.network.now
    client.dispatch_event("E", retries=retries, ack_callback=lambda: acked.append(game.network.now - start))
    game.run(2.0)
    assert len(acked) == 1
    assert 0.1 <= acked[0] <= 0.2
    by: list[Any] = []
    game.server.dispatch_event("F", retries=retries, ack_callback=by.append)
    client.register_event_handler("F", lambda: None)
    game.run(2.0)
    assert by == [game.server.connections[client.address]]


def test_a_broadcasts_callback_is_called_for_each_client() -> None:
    game = Game()
    clients = [game.join() for _ in range(3)]
    for client in clients:
        client.register_event_handler("E", lambda: None)
    acked: list[ServerConnection] = []
    game.server.dispatch_event("E", retries=2, ack_callback=acked.append)
    game.run(1.0)
    assert sorted(connection.remote_address for connection in acked) == sorted(c.address for c in clients)


def test_ack_callbacks_may_be_coroutine_functions() -> None:
    game = Game()
    client = game.join()
    acked: list[Any] = []

    async def on_ack(*args: Any) -> None:
        acked.append(args)

    game.on("E", lambda: None)
    client.register_event_handler("E", lambda: None)
    client.dispatch_event("E", ack_callback=on_ack)
    game.server.dispatch_event("E", ack_callback=on_ack)
    game.run(1.0)
    assert sorted(map(len, acked)) == [0, 1]


def test_a_callback_or_handler_that_raises_is_logged_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    def broken(*args: Any) -> None:
        raise RuntimeError("the game has a bug")

    async def broken_later(*args: Any) -> None:
        raise RuntimeError("a later bug")

    game = Game()
    game.on("E", lambda: None)
    client = game.join()
    client.register_event_handler("E", broken)
    client.dispatch_event("E", ack_callback=broken)
    game.server.dispatch_event("E", ack_callback=broken)
    game.server.register_event_handler("SELF", broken)
    client.dispatch_event("SELF")
    with caplog.at_level(logging.ERROR, "pygase"):
        game.run(1.0)
    assert sum("the game has a bug" in (record.exc_text or "") for record in caplog.records) == 4
    assert client.status == "connected"


def test_a_lost_event_is_resent_as_often_as_retries_says_and_handled_once(seed: int) -> None:
    for retries, loss in ((0, 0.3), (4, 0.3), (RELIABLE, 0.3)):
        game = Game(seed, Link(latency=0.01, loss=loss))
        heard: list[int] = []
        game.on("N", lambda n, heard=heard: heard.append(n) or None)
        client = game.join()
        for n in range(200):
            client.dispatch_event("N", n, retries=retries)
            game.run(0.02)
        game.run(10.0)
        assert len(set(heard)) == len(heard)
        share = len(heard) / 200
        assert 0.5 < share < 0.9 if retries == 0 else share > 0.97
        assert retries != RELIABLE or heard == list(range(200))


@pytest.mark.parametrize("wrong", [-2, 1.5, "3", None, True])
def test_retries_that_make_no_sense_are_refused(wrong: Any) -> None:
    game = Game()
    for dispatch in (Client().dispatch_event, game.server.dispatch_event):
        with pytest.raises(ValueError, match="retries must be"):
            dispatch("E", retries=wrong)
        with pytest.raises(TypeError, match="ack_callback must be a function"):
            dispatch("E", ack_callback=5)


def test_data_that_cannot_be_sent_or_is_too_large_is_an_error_where_it_is_made() -> None:
    game = Game()
    client = game.join()
    for dispatch in (client.dispatch_event, game.server.dispatch_event):
        with pytest.raises(InvalidValue, match=r"event 'E': kwargs\.who is of type set"):
            dispatch("E", who={1})
        with pytest.raises(MessageTooLarge, match="at most 262,144"):
            dispatch("E", bytes(262_144))
    game.run()
    assert client.status == "connected"


@pytest.mark.parametrize("retries", [0, RELIABLE])
def test_an_event_as_large_as_allowed_passes(retries: int) -> None:
    game = Game()
    heard: list[int] = []
    game.on("E", lambda data: heard.append(len(data)) or None)
    client = game.join()
    client.dispatch_event("E", bytes(262_000), retries=retries)
    game.run(3.0)
    assert heard == [262_000]


def test_a_handler_for_any_event_gets_everything_with_its_type() -> None:
    game = Game()
    client = Client()
    everything = recorder(client, ANY_EVENT)
    special = recorder(client, "SPECIAL")
    game.join(client)
    game.server.dispatch_event("NEWS", 1, x=2)
    game.server.dispatch_event("SPECIAL", 3)
    game.run(0.1)
    game.server.kick(client.address, "bye")
    game.run(0.1)
    assert everything == [
        ((CONNECTED,), {}),
        (("NEWS", 1), {"x": 2}),
        (("SPECIAL", 3), {}),
        ((DISCONNECTED, DisconnectReason.KICKED, "bye"), {}),
    ]
    assert special == [((3,), {})]


def test_unknown_events_are_logged_and_counted_on_both_sides(caplog: pytest.LogCaptureFixture) -> None:
    game = Game()
    client = game.join()
    with caplog.at_level(logging.WARNING, "pygase"):
        client.dispatch_event("NOBODY KNOWS")
        game.server.dispatch_event("NOBODY CARES")
        game.run(0.1)
    assert "'NOBODY KNOWS'" in caplog.text
    assert "'NOBODY CARES'" in caplog.text


def test_no_client_can_pose_as_another() -> None:
    game = Game()
    heard: list[Any] = []
    game.on("E", lambda client_address, game_state: heard.append((client_address, type(game_state))) or None)
    client = game.join()
    client.dispatch_event("E", client_address=("6.6.6.6", 6), game_state={"n": 10**6})
    game.run(0.1)
    assert heard == [(client.address, GameState)]


def test_the_servers_own_handlers_are_called_beside_the_machines() -> None:
    game = Game()
    at_server: list[Any] = []
    at_machine: list[Any] = []
    game.server.register_event_handler("BOTH", lambda x, client_address: at_server.append((x, client_address)))
    game.server.register_event_handler("SERVER", lambda x: at_server.append(x))
    game.on("BOTH", lambda x: at_machine.append(x) or None)
    client = game.join()
    client.dispatch_event("BOTH", 1, retries=RELIABLE)
    client.dispatch_event("SERVER", 2, retries=RELIABLE)
    game.run(0.1)
    assert at_server == [(1, client.address), 2]
    assert at_machine == [1]


def test_any_object_with_push_event_can_be_the_event_wire() -> None:
    pushed: list[Any] = []

    class Wire:
        def _push_event(self, event: Any) -> None:
            pushed.append((event.type, event.handler_args, event.handler_kwargs, event.client_id))

    client = through_a_wire(Wire())
    assert client.address
    assert pushed == [
        ("E", [1], {"more": 2, "client_id": 1, "client_address": client.address}, 1),
        ("F", [], {"client_id": 1, "client_address": client.address}, 1),
    ]


def through_a_wire(wire: Any) -> Client:
    """Let a client connect, send two events, and leave. The second event carries a false sender."""
    network = SimulatedNetwork()
    server = Server(GameStateStore())
    network.serve(server, event_wire=wire)
    client = Client()
    network.connect(client)
    network.run(0.2)
    client.dispatch_event("E", 1, more=2)
    client.dispatch_event("F", client_id=66, client_address=("10.0.0.66", 6))
    network.run(0.2)
    client.disconnect()
    network.run(0.2)
    return client


@pytest.mark.parametrize("known", [[], [CLIENT_LEFT], [CLIENT_CONNECTED, CLIENT_LEFT]])
def test_a_wire_gets_built_in_events_only_if_it_says_that_it_knows_them(known: list[str]) -> None:
    pushed: list[str] = []

    class Wire:
        def _push_event(self, event: Any) -> None:
            pushed.append(event.type)

        def has_event_type(self, event_type: str) -> bool:
            return event_type in known

    through_a_wire(Wire())
    assert [event_type for event_type in pushed if event_type.startswith("pygase:")] == known
    assert [event_type for event_type in pushed if not event_type.startswith("pygase:")] == ["E", "F"]


def test_a_machine_with_a_push_event_of_its_own_is_told_the_sender_and_its_handlers_need_not_take_it() -> None:
    seen: list[Any] = []
    handled: list[Any] = []

    class Watching(GameStateMachine):
        def _push_event(self, event: Any) -> None:
            names = ("client_id", "client_address")
            seen.append((event.type, *[event.handler_kwargs.get(name) for name in names]))
            super()._push_event(event)

    machine = Watching(GameStateStore())
    machine.time_step = lambda game_state, dt: {}
    machine.register_event_handler("E", lambda n, more: handled.append((n, more)))
    machine.register_event_handler("F", lambda client_id: handled.append(client_id))
    machine.register_event_handler(CLIENT_LEFT, lambda reason, client_address: handled.append((reason, client_address)))
    client = through_a_wire(machine)
    machine.plumbing.tick(0.02, 0.02)
    assert seen == [(name, 1, client.address) for name in ("E", "F", CLIENT_LEFT)]
    assert handled == [(1, 2), 1, (DisconnectReason.CLOSED, client.address)]


def test_an_event_that_a_wire_makes_anew_keeps_its_sender() -> None:
    senders: list[Any] = []
    machine = GameStateMachine(GameStateStore())
    machine.time_step = lambda game_state, dt: {}
    machine.register_event_handler("E", lambda n, more, client_address: senders.append(client_address))
    machine.register_event_handler("F", lambda client_id: senders.append(client_id))

    class Renaming:
        def _push_event(self, event: Any) -> None:
            machine._push_event(Event(event.type, *event.handler_args, **event.handler_kwargs))

    client = through_a_wire(Renaming())
    machine.plumbing.tick(0.02, 0.02)
    assert senders == [client.address, 1]


# -- waiting for the state -------------------------------------------------------------------------------------------


def test_stats_tell_of_the_line(seed: int) -> None:
    game = Game(seed, Link(latency=0.04, loss=0.1))
    game.on("E", lambda: None)
    client = game.join()
    for _ in range(500):
        client.dispatch_event("E")
        game.run(INTERVAL)
    stats = client.stats
    assert stats.rtt == pytest.approx(0.08, abs=0.01)
    assert 0.03 < stats.loss < 0.25
    assert stats.packets_sent > 400
    assert game.server.connections[client.address].latency == pytest.approx(0.08, abs=0.01)
    client.stats  # noqa: B018  (rates are measured between two looks)
    game.run(2.0)
    assert client.stats.packets_received_per_second == pytest.approx(45, abs=10)


def test_two_networks_of_one_seed_are_the_same_to_the_last_datagram() -> None:
    def record(seed: int) -> list[Any]:
        game = Game(seed, Link(latency=0.02, jitter=0.05, loss=0.1))
        sent: list[Any] = []
        game.network.on_datagram = lambda data, sender, receiver: sent.append((game.network.now, data))
        game.server.host_token = "fixed"
        game.join()
        game.run(1.0)
        return sent

    assert record(1) == record(1)
    assert record(1) != record(2)
