"""Inputs from end to end: Client.send_input → one a tick in time_step → which of them a state includes."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any

import pytest

from pygase import Backend, Client, ClientConfig, GameState, GameStateStore, Server
from pygase._protocol.inputs import InputSender, InputState
from pygase._protocol.peer_events import InputsReceived
from pygase._protocol.wire import CLIENT_HEADER, DATA, INPUTS, MESSAGE_HEADER, message
from pygase._server.players import MAX_REPEATED
from pygase.testing import Link, SimulatedNetwork

HZ = 60


class World:
    """A server whose time step notes the inputs that it gets, and clients that send one a tick."""

    def __init__(
        self, link: Link, seed: int = 1, clients: int = 1, hz: float = HZ, config: ClientConfig | None = None
    ) -> None:
        self.hz = hz
        """Inputs a second that clients make."""
        self.network = SimulatedNetwork(seed, link)
        self.got: list[dict[Any, Any]] = []
        self.backend = Backend(GameState(sums={}, turn=0), self.time_step)
        self.network.serve(self.backend, interval=1 / HZ)
        self.clients = [Client(config=config) for _ in range(clients)]
        for client in self.clients:
            self.network.connect(client)
        self.network.run_until(lambda: all(c.status == "connected" for c in self.clients), 5.0)
        self.ids = {client: client.id for client in self.clients}
        self.sent: list[int] = []
        self.playing = True
        self.make: Callable[[int], Any] = lambda number: number
        for client in self.clients:
            self._play(client)

    def time_step(self, game_state: GameState, dt: float, inputs: dict[Any, Any]) -> dict[str, Any]:
        self.got.append(dict(inputs))
        sums = {client_id: each.number for client_id, each in inputs.items()}
        return {"sums": sums, "turn": game_state.turn + 1}

    def _play(self, client: Client) -> None:
        """Send an input each tick of the client's own, at the pace that the server wants."""
        if self.playing and client.status == "connected":
            self.sent.append(client.send_input(self.make(len(self.sent) + 1), view_time=client.server_time()))
        self.network.call_at(self.network.now + 1 / self.hz / client.input_pace, lambda: self._play(client))


def of(world: World, client: Client) -> list[Any]:
    """Return this client's input of each tick that had one."""
    client_id = world.ids[client]
    return [inputs[client_id] for inputs in world.got if client_id in inputs]


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_each_tick_gets_the_next_input_of_a_player_whatever_the_link(loss: float) -> None:
    world = World(Link(latency=0.05, jitter=0.01, loss=loss), seed=7)
    world.network.run(20.0)
    (client,) = world.clients
    played = of(world, client)[HZ:]
    assert len(played) > 18 * HZ
    steps = [b.number - a.number for a, b in itertools.pairwise(played)]
    assert steps.count(1) >= 0.99 * len(steps), "numbers and ticks count up together"
    fresh = [each for each in played if not each.repeats]
    assert len(fresh) >= 0.98 * len(played)
    assert all(each.value == each.number for each in fresh), "an input is applied under its own number"


def test_numbers_count_up_from_one_and_nothing_is_sent_without_a_connection() -> None:
    lonely = Client()
    assert lonely.send_input("up") == 0
    world = World(Link(latency=0.02))
    world.network.run(1.0)
    assert world.sent == list(range(1, len(world.sent) + 1))


def test_a_client_knows_which_of_its_inputs_each_state_includes() -> None:
    world = World(Link(latency=0.05, jitter=0.02, loss=0.1), seed=3, clients=2)
    world.network.run(6.0)
    for client in world.clients:
        told = 0
        for snapshot in client.snapshots:
            applied = client.input_applied(snapshot.tick)
            if applied is not None:
                told += 1
                assert snapshot.state["sums"].get(client.id, 0) == applied
        assert told > 0.9 * len(client.snapshots)


def test_while_the_world_rests_the_newest_state_includes_more_and_more_inputs() -> None:
    network = SimulatedNetwork(1, Link(latency=0.03))
    backend = Backend(GameState(x=0), lambda game_state, dt, inputs: {})
    network.serve(backend, interval=1 / HZ)
    client = Client()
    network.connect(client)
    network.run_until(lambda: bool(client.snapshots), 5.0)
    seen = []
    for _ in range(2 * HZ):
        client.send_input({"left": False})
        network.run(1 / HZ)
        seen.append(client.input_applied(client.snapshots[-1].tick) or 0)
    assert seen == sorted(seen)
    assert seen[-1] > 1.7 * HZ


def test_the_view_time_reaches_the_time_step_and_is_never_in_the_future() -> None:
    world = World(Link(latency=0.05))
    world.network.run(3.0)
    (client,) = world.clients
    now = world.network.now
    last = of(world, client)[-1]
    assert last.view_time is not None
    assert 0.04 <= now - last.view_time <= 0.2
    assert world.backend.server.connections[client.address].stats.interpolation_delay == pytest.approx(
        now - last.view_time, abs=0.05
    )


def test_a_player_who_stops_sending_is_repeated_for_a_second_and_then_left_out() -> None:
    world = World(Link(latency=0.02))
    world.network.run(2.0)
    world.playing = False
    world.network.run(3.0)
    (client,) = world.clients
    after = [inputs.get(world.ids[client]) for inputs in world.got[-int(2.9 * HZ) :]]
    repeated = [each for each in after if each is not None and each.repeats]
    assert len(repeated) == pytest.approx(MAX_REPEATED * HZ, abs=4)
    assert after[-1] is None
    world.playing = True
    world.network.run(1.0)
    assert world.got[-1][world.ids[client]].repeats == 0, "and is back with the first input"


def test_who_sends_twice_as_fast_gets_no_more_ticks() -> None:
    network = SimulatedNetwork(1, Link(latency=0.02))
    steps: list[int] = []

    def time_step(game_state: GameState, dt: float, inputs: dict[Any, Any]) -> dict[str, Any]:
        steps.append(len(inputs))
        return {"turn": game_state.turn + 1}

    backend = Backend(GameState(turn=0), time_step)
    network.serve(backend, interval=1 / HZ)
    client = Client()
    network.connect(client)
    network.run_until(lambda: client.status == "connected", 5.0)
    for _ in range(4 * HZ):
        client.send_input("x")
        network.run(1 / HZ / 2)
    assert max(steps) == 1
    assert backend.server.connections[client.address].input_counts.applied <= 2 * HZ + 2


def test_a_handler_may_send_an_input_even_while_another_is_being_sent() -> None:
    """In a pumped client, sending an input also runs the connection, which may call a handler."""
    world, client = World(Link()), Client()
    world.playing = False
    world.network.connect(client, pumped=True)
    for _ in range(100):
        client.pump()
        world.network.run(0.01)
    numbers: list[int] = []
    client.register_event_handler("NOW", lambda: numbers.append(client.send_input("handler")))
    world.backend.server.dispatch_event("NOW")
    world.network.run(0.1)
    first = client.send_input("main")
    assert numbers == [first + 1]


def test_an_input_that_cannot_be_sent_is_refused_at_once_in_words() -> None:
    world = World(Link())
    (client,) = world.clients
    with pytest.raises(TypeError, match="input"):
        client.send_input({"socket": object()})
    with pytest.raises(ValueError, match="253"):
        client.send_input("x" * 300)


def test_a_time_step_without_inputs_is_called_as_ever(caplog: pytest.LogCaptureFixture) -> None:
    network = SimulatedNetwork(1, Link())
    backend = Backend(GameState(x=0), lambda game_state, dt: {"x": game_state.x + 1})
    network.serve(backend, interval=1 / HZ)
    client = Client()
    network.connect(client)
    with caplog.at_level(logging.WARNING, "pygase"):
        for _ in range(HZ):
            client.send_input("nobody reads this")
            network.run(1 / HZ)
    assert client.snapshots[-1].state["x"] > 50
    assert "inputs" in caplog.text, "the game's author is told once that nobody takes them"
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("hz", "fate"), [(50, "repeated"), (75, "left out")])
def test_who_makes_more_or_fewer_inputs_than_there_are_ticks_is_told_so_once(
    hz: float, fate: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(Link(latency=0.05, jitter=0.02, loss=0.02), hz=hz, clients=2)
    with caplog.at_level(logging.WARNING):
        world.network.run(30.0)
    (record,) = caplog.records
    assert fate in record.message
    assert "60.0 ticks" in record.message


@pytest.mark.parametrize("loss", [0.0, 0.05, 0.2])
def test_nothing_is_said_of_rates_that_fit_nor_of_a_player_who_pauses(
    loss: float, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(Link(latency=0.1, jitter=0.05, loss=loss), seed=3)
    with caplog.at_level(logging.WARNING):
        world.network.run(25.0)
        world.playing = False
        world.network.run(3.0)
        world.playing = True
        world.network.run(25.0)
    assert not caplog.records


def test_buffers_follow_a_game_loop_that_is_started_anew_with_another_interval() -> None:
    world = World(Link())
    world.network.run(1.0)
    world.backend.game_state_machine.interval = 1 / 20
    world.network.run(1.0)
    (player,) = world.backend.server.player_inputs._players.by_id.values()
    assert player.buffer.interval == 1 / 20


def test_what_a_time_step_does_to_an_input_does_not_change_the_next_one() -> None:
    world = World(Link())
    world.make = lambda number: {"fire": True}
    seen = []

    def time_step(game_state: GameState, dt: float, inputs: dict[Any, Any]) -> dict[str, Any]:
        for each in inputs.values():
            seen.append(each.value.pop("fire"))
        return {}

    world.backend.game_state_machine.time_step = time_step
    world.network.run(1.0)
    assert len(seen) > 50
    assert all(seen)


def test_of_several_messages_with_inputs_in_a_packet_the_server_takes_the_first() -> None:
    """Otherwise a packet of a thousand tiny inputs would cost a hundred times more than it cost its sender."""
    world = World(Link(), config=ClientConfig(encryption="off"))  # its packets are put together here
    world.playing = False
    world.network.run(1.0)
    endpoint: Any = world.backend.server.plumbing.run.endpoint
    (peer,) = endpoint.peers.values()
    sender = InputSender(first_number=1000)
    sender.queue(b"\x01")
    body, _ = sender.message_body(1000) or (b"", 0)
    for sequence in (1, 2):
        header = CLIENT_HEADER.pack(DATA, peer.token, (peer.record.latest + 1) & 0xFFFF, 0xFFFF, 0, 0xFFFF, 0)
        endpoint.receive_datagram(header + message(INPUTS, body) * 20, peer.address, now=world.network.now)
        came = [event for _, event in endpoint.inbox if isinstance(event, InputsReceived)]
        assert (len(came), peer.record.packets_dropped) == (sequence, sequence)


def test_reading_the_statistics_of_a_connection_changes_nothing_that_the_network_thread_works_with() -> None:
    world = World(Link(latency=0.03))
    world.network.run(1.0)
    ((_, connection),) = world.backend.server.connections.items()
    (peer,) = world.backend.server.plumbing.run.endpoint.peers.values()
    world.network.run_until(lambda: peer.record.acked_tick != peer.record.settled_tick)
    before = peer.record.baseline_tick, peer.snapshots.baseline, peer.tracked[2]
    age = connection.stats.snapshot_age
    assert peer.record.acked_tick != peer.record.settled_tick
    assert (peer.record.baseline_tick, peer.snapshots.baseline, peer.tracked[2]) == before
    peer.settle_acked_tick()
    assert connection.stats.snapshot_age == age == pytest.approx(0.06, abs=0.04)


def test_a_player_who_left_leaves_nothing_behind() -> None:
    world = World(Link())
    world.network.run(1.0)
    world.clients[0].disconnect()
    world.network.run(0.5)
    assert world.got[-1] == {}
    assert not world.backend.server.player_inputs._players.by_id


def test_the_server_time_is_the_clock_of_the_snapshots() -> None:
    world = World(Link(latency=0.08, jitter=0.02), seed=5)
    world.network.run(1.0)
    errors = []
    for _ in range(200):
        world.network.run(0.05)
        told = world.clients[0].server_time()
        assert told is not None
        errors.append(abs(told - world.network.now))
    assert sorted(errors)[int(0.99 * len(errors))] < 0.005


WRAP = 2**32 * 1e-4
"""Seconds after which times on the wire wrap around."""


@pytest.mark.parametrize("start", [0.0, WRAP - 5.0, 3 * WRAP - 5.0])
def test_all_clients_know_the_same_time_whenever_they_come_on_a_machine_that_runs_for_weeks(start: float) -> None:
    network = SimulatedNetwork(1, Link(latency=0.03), start=start)
    network.serve(Backend(GameState(turn=0), lambda game_state, dt: {"turn": game_state.turn + 1}))
    clients = []
    for _ in range(3):
        clients.append(Client())
        network.connect(clients[-1])
        network.run(4.0)
    for client in clients:
        assert client.server_time() == pytest.approx(network.now, abs=1e-3)
        assert client.snapshots[-1].time == pytest.approx(network.now, abs=0.06)


def test_a_state_of_days_ago_is_not_taken_for_one_of_the_future() -> None:
    network = SimulatedNetwork(1, Link(latency=0.03), start=100.0)
    network.serve(Server(GameStateStore(GameState(a=1))))
    network.run(3 * 86_400)
    client = Client()
    network.connect(client)
    network.run(1.0)
    assert client.snapshots[-1].time == pytest.approx(100.0, abs=1e-3)


def test_the_server_time_is_not_known_before_a_round_trip() -> None:
    assert Client().server_time() is None


def test_history_keeps_what_was_seen() -> None:
    world = World(Link(latency=0.05))
    history = world.backend.game_state_machine.keep_history(1.0)
    world.network.run(2.0)
    state = history.at(world.network.now - 0.5)
    assert world.backend.game_state_store.get_game_state().turn - state["turn"] == pytest.approx(30, abs=2)


def test_a_history_that_was_wanted_before_the_server_began_is_kept_all_the_same() -> None:
    backend = Backend(GameState(turn=0), lambda game_state, dt: {"turn": game_state.turn + 1})
    history = backend.game_state_machine.keep_history(1.0)
    network = SimulatedNetwork(1, Link(), start=3.0)
    network.serve(backend, interval=1 / HZ)
    network.run(2.0)
    assert history.newest == pytest.approx(network.now, abs=2 / HZ)
    assert history.at(network.now - 0.5)["turn"] == pytest.approx(90, abs=2)


def test_nobody_is_told_of_a_state_before_its_inputs_are_known() -> None:
    """A game loop on another thread settles a state, and only then says which inputs it has taken."""
    world = World(Link())
    world.network.run(1.0)
    players = world.backend.server.player_inputs
    (peer,) = [player.peer for player in players._players.by_id.values()]
    peer.note = b""
    players.settle(7)
    players.report(8)
    assert peer.note == b""
    players.settle(8)
    players.report(8)
    told = InputState.decode(peer.note[MESSAGE_HEADER.size :])
    assert told.applied == players._players.by_id[peer.client_id].buffer.applied_number
