"""Between two ticks only what cannot wait wakes a server. All in virtual time, whose transports have the two sockets of
Linux."""

from collections import Counter
from typing import Any

import pytest

from pygase import RELIABLE, Backend, Client, ClientConfig, GameState, ServerConfig
from pygase._server.run import ServerRun
from pygase.testing import Link, SimulatedNetwork

SERVER = ("127.0.0.1", 8080)
LATENCY = 0.005


class Game:
    """A game whose clients send something at regular times, each at its own moment of the tick.

    :ivar sent: the number of datagrams by sender; ``read``: the times at which the server has read its sockets.
    """

    def __init__(
        self, interval: float = 0.05, players: int = 3, changing: bool = True, encryption: str = "off"
    ) -> None:
        self.interval = interval
        self.network = SimulatedNetwork(7, Link(latency=LATENCY))
        self.sent: Counter[Any] = Counter()
        self.inputs: dict[int, list[Any]] = {}

        def step(game_state: Any, dt: float, inputs: dict[int, Any]) -> Any:
            for client_id, played in inputs.items():
                self.inputs.setdefault(client_id, []).append(played)
            return {"n": game_state.n + 1} if changing else None

        self.heard: list[Any] = []
        handlers = {"HI": lambda *args: self.heard.append((self.network.now, args))}
        config = ServerConfig(encryption=encryption)
        self.backend = Backend(GameState(n=0), step, handlers, config=config)
        self.network.serve(self.backend, interval=interval)
        self.clients = [self.join() for _ in range(players)]
        self.network.run(1.0)

    def join(self) -> Client:
        client = Client(config=ClientConfig(encryption=self.backend.server.config.encryption))
        self.network.connect(client)
        return client

    @property
    def run(self) -> ServerRun:
        return self.backend.server.plumbing.run

    def count(self) -> None:
        self.sent.clear()
        self.network.on_datagram = lambda data, sender, receiver: self.sent.update([sender])

    def play(self, seconds: float, *, inputs: bool = False, every: float | None = None) -> None:
        every = every or self.interval
        begin = self.network.now
        for turn in range(round(seconds / every)):
            for number, client in enumerate(self.clients):
                at = begin + turn * every + every * (number + 0.5) / len(self.clients)
                give = (lambda c: c.send_input({"n": 1})) if inputs else (lambda c: c.dispatch_event("HI"))
                self.network.call_at(at, lambda c=client, g=give: g(c))
        self.network.run(seconds)


@pytest.mark.parametrize("encryption", ["off", "auto"])
@pytest.mark.parametrize("inputs", [True, False], ids=["inputs", "events"])
@pytest.mark.parametrize("interval", [1 / 60, 0.02, 0.05, 0.1])
def test_there_is_one_datagram_a_tick_each_way_and_none_for_an_acknowledgement(
    interval: float, inputs: bool, encryption: str
) -> None:
    game = Game(interval, encryption=encryption)
    game.play(1.0, inputs=inputs)
    game.count()
    game.play(3.0, inputs=inputs)
    ticks = 3.0 / interval
    for sent in [game.sent[SERVER] / 3, *(game.sent[game.network.address_of(client)] for client in game.clients)]:
        assert ticks - 2 <= sent <= ticks + 1.5, (sent, ticks)


@pytest.mark.parametrize("interval", [1 / 60, 0.05, 0.1])
def test_single_inputs_are_acknowledged_before_they_are_sent_again(interval: float) -> None:
    """Also where a tick is longer than the shortest time-out."""
    game = Game(interval, players=1)
    game.play(1.0, inputs=True)
    game.count()
    game.play(6.0, inputs=True, every=0.57)
    address = game.network.address_of(game.clients[0])
    states = 6.0 / interval
    assert game.sent[address] <= states + 11 + 2, "one for each input, and the acknowledgements of the states"


@pytest.mark.parametrize("interval", [0.02, 0.05, 0.1])
@pytest.mark.parametrize("changing", [True, False])
def test_a_reliable_event_is_acknowledged_in_time_for_no_resend(interval: float, changing: bool) -> None:
    game = Game(interval, changing=changing)
    took: list[float] = []
    for number in range(40):
        at = game.network.now + 0.1 + number * 0.0137
        game.network.run(at - game.network.now)
        sent_at = game.network.now
        game.clients[0].dispatch_event(
            "HI", retries=RELIABLE, ack_callback=lambda at=sent_at: took.append(game.network.now - at)
        )
    game.network.run(1.0)
    assert len(took) == 40
    assert max(took) <= 0.025 + 2 * LATENCY + 0.001
    assert len(game.heard) == 40


def test_a_server_rests_while_it_has_players_and_ticks() -> None:
    game = Game(players=0)
    assert not game.run.driver.rests, "the first player gets in at once"
    client = game.join()
    game.network.run(0.5)
    assert game.run.driver.rests
    game.backend.game_state_machine.stop()
    game.network.run(0.2)
    assert not game.run.driver.rests, "nobody reads at a tick any more"
    game.backend.game_state_machine.plumbing.loop.claim(game.interval)
    client.disconnect()
    game.network.run(0.2)


def test_a_server_that_everybody_has_left_listens_again() -> None:
    game = Game(players=1)
    assert game.run.driver.rests
    game.clients[0].disconnect()
    game.network.run(0.2)
    assert not game.run.driver.rests


def test_nothing_waits_for_a_tick_that_is_far_off() -> None:
    game = Game(interval=0.5)
    assert not game.run.driver.rests
    game.count()
    sent_at, acked = game.network.now, list[float]()
    game.clients[0].dispatch_event("HI", retries=2, ack_callback=lambda: acked.append(game.network.now - sent_at))
    game.network.run(0.1)
    assert len(acked) == 1


def test_a_handler_of_the_server_itself_does_not_wait_for_a_tick() -> None:
    game = Game(interval=0.1, players=1)
    heard: list[float] = []
    game.backend.server.register_event_handler("NOW", lambda: heard.append(game.network.now))
    game.network.run(0.3)
    for number in range(5):
        game.network.run(0.0213 + number * 0.01)
        sent_at = game.network.now
        game.clients[0].dispatch_event("NOW")
        game.network.run(0.03)
        assert heard.pop() == pytest.approx(sent_at + LATENCY, abs=0.001)


def test_a_newcomer_gets_in_at_once_while_the_server_rests() -> None:
    for late in (0.001, 0.021, 0.05, 0.093):
        game = Game(interval=0.1)
        game.network.run(late)
        begin, newcomer = game.network.now, game.join()
        game.network.run_until(lambda client=newcomer: client.status == "connected")
        assert game.network.now - begin <= 4 * LATENCY + 0.002


def test_the_round_trip_and_the_margin_of_inputs_are_those_of_the_link_and_not_of_the_reading() -> None:
    game = Game(interval=0.05, players=1)
    game.play(6.0, inputs=True)
    (connection,) = game.backend.server.clients.values()
    assert connection.stats.rtt == pytest.approx(2 * LATENCY, abs=0.001)
    assert game.clients[0].stats.rtt == pytest.approx(2 * LATENCY, abs=0.001)
    (played,) = game.inputs.values()
    numbers = [each.number for each in played[-60:]]
    assert numbers == list(range(numbers[0], numbers[0] + 60)), "each tick has its own input"
    assert {each.repeats for each in played[-60:]} == {0}


def test_a_client_that_falls_silent_is_lost_in_time_while_the_server_rests() -> None:
    game = Game(interval=0.05, players=2)
    game.network.partition(game.clients[0])
    at = game.network.now
    lost = game.backend.server.plumbing.run.endpoint.table.lost
    game.network.run_until(lambda: bool(lost))
    assert 4.0 <= game.network.now - at <= 5.2
