"""A whole world predicted through the adapter: real servers, sessions and bots in virtual time."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    TO_DELETE,
    Backend,
    Client,
    GameState,
    Glide,
    Happening,
    Whole,
    WorldPrediction,
    WorldPredictor,
    step_world,
)
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Session

pytestmark = pytest.mark.usefixtures("display")

TICK = 1 / 60
FAR = Link(latency=0.075, jitter=0.01, loss=0.03)
GLIDE = [Glide("cars.*", "x", snap=200.0), Glide("ball", "x", snap=200.0)]


def step(world: dict[str, Any], inputs: Mapping[int, Any], tell: Any) -> dict[str, Any]:
    """The rules of one tick, for both sides: cars on a line push a ball."""
    ball = world["ball"]
    for who, car in world["cars"].items():
        car["x"] += 4.0 * (inputs.get(who) or 0)
        gap = ball["x"] - car["x"]
        if abs(gap) < 30.0:
            ball["v"] = 8.0 if gap > 0 else -8.0
            tell("hit", who)
    ball["v"] *= 0.97
    ball["x"] += ball["v"]
    return world


class Game:
    """The server. ``worlds`` has each world by (client id, number of that client's last input in it)."""

    def __init__(self, **options: Any) -> None:
        start = {"cars": {}, "ball": {"x": 500.0, "v": 0.0}}
        handlers = {CLIENT_CONNECTED: self.enter, CLIENT_LEFT: self.leave}
        options = {"share_inputs": True, **options}
        self.backend = Backend(GameState(world=start), self.step, handlers, **options)
        self.worlds: dict[tuple[int, int], Any] = {}
        self.hits: list[tuple[int, int]] = []
        self.ticks = 0

    def enter(self, client_id: int, profile: Any = None) -> dict[str, Any]:
        return {} if (profile or {}).get("watch") else {"world": {"cars": {client_id: {"x": 200.0 * client_id}}}}

    def leave(self, client_id: int) -> dict[str, Any]:
        return {"world": {"cars": {client_id: TO_DELETE}}}

    def step(self, game_state: GameState, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
        self.ticks += 1
        world = step_world(step, game_state.world, inputs, lambda what, who: self.hits.append((self.ticks, who)))
        for who, each in inputs.items():
            self.worlds[who, each.number] = world
        return {"world": Whole(world)}


class Player:
    """A session, and what it saw and heard."""

    def __init__(self, network: SimulatedNetwork, profile: Any = None, link: Link | None = None, **options: Any):
        client = Client()
        predict = WorldPrediction(options.pop("step", step), "world", glide=GLIDE, **options)
        self.session = Session(
            client,
            clock=network.clock,
            connect=lambda: network.connect(client, profile=profile, link=link),
            tick=TICK,
            predict=predict,
        )
        self.session.connect()
        self.heard: list[Happening] = []
        self.view: Any = None

    @property
    def predictor(self) -> WorldPredictor:
        found = self.session.prediction
        assert isinstance(found, WorldPredictor)
        return found

    def frame(self, keys: Any) -> None:
        if keys is not None:
            self.session.send_input(keys)
        self.view = self.session.view()
        self.heard += self.session.happenings()


def play(network: SimulatedNetwork, seconds: float, players: Mapping[Player, Any]) -> None:
    """Let time pass; ``players`` has what each presses, or a function of the frame's number."""
    for frame in range(round(seconds / TICK)):
        network.run(TICK)
        for player, keys in players.items():
            player.frame(keys(frame) if callable(keys) else keys)


def begun(link: Link = FAR, count: int = 1, **options: Any) -> tuple[SimulatedNetwork, Game, list[Player]]:
    network = SimulatedNetwork(7, link)
    game = Game()
    network.serve(game.backend, interval=TICK)
    players = [Player(network, **options) for _ in range(count)]
    play(network, 2.0, dict.fromkeys(players, 0))
    return network, game, players


def test_the_key_and_the_ball_answer_in_their_own_frame_at_158_ms() -> None:
    network, game, (me,) = begun()
    start = me.view.world["cars"][1]["x"]
    play(network, TICK, {me: 1})
    assert me.view.world["cars"][1]["x"] > start
    for _ in range(200):
        play(network, TICK, {me: 1})
        if me.view.world["ball"]["x"] != 500.0:
            break
    assert abs(me.view.world["ball"]["x"] - me.view.world["cars"][1]["x"]) < 40.0
    assert [(each.what, each.who, each.taken_back) for each in me.heard] == [("hit", 1, False)]
    assert not game.hits  # the server has not seen it yet


def test_the_prediction_is_the_servers_world_at_the_same_input() -> None:
    network, game, (me,) = begun()
    play(network, 4.0, {me: lambda frame: (frame // 20) % 3 - 1})
    number, predicted = me.predictor.number, me.predictor.predicted
    play(network, 1.0, {me: 0})
    assert game.worlds[1, number]["cars"].keys() == predicted["cars"].keys()
    errors = me.predictor.errors
    assert errors["cars.1"].p99 == errors["ball"].p99 == 0.0
    assert errors["cars.1"].measured > 50


def test_a_bots_plan_is_predicted_to_the_last_bit() -> None:
    network, game, (me,) = begun()

    def drive(game_state: GameState, client_id: int) -> int:
        return 1 if game_state.world["ball"]["x"] > game_state.world["cars"][client_id]["x"] else -1

    bot = game.backend.bot(drive, ahead=16)
    play(network, 1.0, {me: 0})
    play(network, 8.0, {me: lambda frame: (frame // 30) % 3 - 1})
    errors = me.predictor.errors
    assert errors[f"cars.{bot}"].p99 < 0.5
    assert errors["ball"].p99 < 0.5


def test_input_delay_halves_the_errors_of_others() -> None:
    def p99(delay: int) -> float:
        network, _, (one, two) = begun(count=2, input_delay=delay)
        play(network, 10.0, {one: 0, two: lambda frame: (frame * 7919 // 97) % 3 - 1 if frame % 2 else 0})
        return one.predictor.errors["cars.2"].p99

    assert 0.0 < p99(4) <= 0.8 * p99(0)


def test_input_delay_auto_waits_for_a_far_server_only() -> None:
    assert begun(Link(latency=0.01), input_delay="auto")[2][0].predictor.delay == 0
    assert begun(Link(latency=0.15), input_delay="auto")[2][0].predictor.delay == 4


def test_players_come_and_go_and_the_others_go_on() -> None:
    network, _, (me,) = begun()
    other = Player(network)
    play(network, 2.0, {me: 0, other: 0})
    assert set(me.view.world["cars"]) == set(other.view.world["cars"]) == {1, 2}
    play(network, 1.0, {me: 0, other: 1})
    assert me.view.world["cars"][2]["x"] == pytest.approx(other.view.world["cars"][2]["x"], abs=80.0)
    other.session.close()
    play(network, 2.0, {me: 0})
    assert set(me.view.world["cars"]) == {1}
    assert set(me.predictor.errors) == {"cars.1", "ball"}


def test_a_player_who_resumes_is_predicted_again() -> None:
    network, _, (me,) = begun()
    network.partition(me.session.client)
    play(network, 7.0, {me: 0})
    assert me.session.status == "reconnecting"
    network.partition(me.session.client, on=False)
    play(network, 5.0, {me: 0})
    assert me.session.status == "connected"
    start = me.view.world["cars"][1]["x"]
    play(network, TICK, {me: 1})
    assert me.view.world["cars"][1]["x"] > start
    assert me.session.me == 1


def test_a_spectator_who_sends_nothing_sees_smooth_movement() -> None:
    network, _, (me,) = begun()
    watcher = Player(network, profile={"watch": True})
    play(network, 2.0, {me: 0, watcher: None})
    seen = []
    for _ in range(40):
        play(network, TICK, {me: -1, watcher: None})
        seen.append(watcher.view.world["cars"][1]["x"])
    assert all(b <= a for a, b in pairwise(seen))
    assert seen[-1] < seen[0] - 80.0
    assert set(watcher.view.world["cars"]) == {1}


def test_a_spectator_who_sends_inputs_has_no_body_and_sees_the_predicted_world() -> None:
    network, _, (me,) = begun()
    watcher = Player(network, profile={"watch": True})
    play(network, 3.0, {me: 0, watcher: 0})
    play(network, 1.0, {me: -1, watcher: 0})
    assert watcher.predictor.ahead > 5
    assert set(watcher.view.world["cars"]) == {1}


def test_a_silence_stops_the_world_and_says_so() -> None:
    network, game, (me,) = begun()
    play(network, 1.0, {me: -1})
    network.partition(me.session.client)
    play(network, 1.0, {me: -1})
    assert me.session.is_stalled
    assert "The game waits" in me.session.reason
    stands = me.view.world["cars"][1]["x"]
    play(network, 0.5, {me: -1})
    assert me.view.world["cars"][1]["x"] == stands
    network.partition(me.session.client, on=False)
    play(network, 3.0, {me: 0})
    assert not me.session.is_stalled
    number, predicted = me.predictor.number, me.predictor.predicted["cars"][1]["x"]
    play(network, 1.0, {me: 0})
    assert game.worlds[1, number]["cars"][1]["x"] == predicted


def test_a_step_that_raises_at_the_client_ends_no_program() -> None:
    def fragile(world: dict[str, Any], inputs: Mapping[int, Any], tell: Any) -> dict[str, Any]:
        return step(world, {}, tell) if inputs.get(1) != "bad" else world["no such key"]

    network, _, (me,) = begun(step=fragile)
    network.run(0.1)
    with me.session.guard():
        me.frame("bad")
    assert me.session.status == "lost"
    assert me.session.reason


def contacts_of(hits: list[tuple[int, int]], owner: int) -> int:
    """Return how often a player touched the ball: ticks that follow each other closely are one touch."""
    ticks = [tick for tick, who in hits if who == owner]
    return sum(b - a > 8 for a, b in pairwise([-99, *ticks]))


def test_hits_are_heard_once_and_agree_with_the_server() -> None:
    network, game, (one, two) = begun(count=2)

    def chase(player: Player) -> Any:
        def keys(frame: int) -> int:
            ball = player.view.world["ball"]["x"]
            return (ball > player.view.world["cars"][player.session.me]["x"]) * 2 - 1

        return keys

    play(network, 12.0, {one: chase(one), two: lambda frame: (frame // 25) % 2 * 2 - 1})
    mine = [each for each in one.heard if each.who == one.session.me]
    wrong = sum(each.taken_back for each in mine)
    contacts = contacts_of(game.hits, 1)
    assert contacts > 5
    assert abs(len(mine) - 2 * wrong - contacts) <= 2
    assert wrong <= 1


def test_declared_precision_is_no_error_and_no_correction_to_be_seen() -> None:
    network = SimulatedNetwork(7, FAR)
    game = Game(precision={"world.cars.*.x": 0.01, "world.ball.x": 0.01, "world.ball.v": 0.01})
    network.serve(game.backend, interval=TICK)
    me = Player(network)
    play(network, 3.0, {me: 0})
    play(network, 4.0, {me: lambda frame: (frame // 40) % 3 - 1})
    assert me.predictor.precision == {"cars.*.x": 0.01, "ball.x": 0.01, "ball.v": 0.01}
    assert me.predictor.errors["cars.1"].p99 == 0.0


def test_predict_must_be_one_of_the_two() -> None:
    with pytest.raises(TypeError, match="WorldPrediction"):
        Session(Client(), tick=TICK, predict="world")  # type: ignore[arg-type]


def near(world: Mapping[str, Any], me: int | None) -> dict[str, Any]:
    """The ball, and the cars that can meet mine soon."""
    mine = world["cars"].get(me, {"x": 0.0})["x"]
    return {**world, "cars": {who: car for who, car in world["cars"].items() if abs(car["x"] - mine) < 100.0}}


def test_of_sixty_cars_those_near_are_predicted_and_the_others_are_seen_a_moment_late() -> None:
    network = SimulatedNetwork(7, FAR)
    game = Game()
    for number in range(60):
        game.backend.bot(lambda game_state: 1, profile={"name": f"Bot {number}"})
    network.serve(game.backend, interval=TICK)
    player = Player(network, near=near)
    play(network, 2.0, {player: 0})
    me = player.session.me
    before = player.view["world"]["cars"][me]["x"]
    play(network, TICK, {player: 1})
    assert player.view["world"]["cars"][me]["x"] > before, "mine answers at once"
    assert len(player.view["world"]["cars"]) == 61
    assert len(player.predictor.predicted["cars"]) < 8
    truth = game.backend.game_state_store.get_game_state().world["cars"]
    late = [truth[who]["x"] - car["x"] for who, car in player.view["world"]["cars"].items() if who != me]
    assert sorted(late)[30] > 0.0, "most are interpolated"
