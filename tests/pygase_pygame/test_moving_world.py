"""A player who stands on a lift is predicted exactly, and stands on it in each picture."""

from collections.abc import Mapping
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, GameState, InvalidValue, Predictor
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Prediction
from pygase_pygame.headless import Headless

TICK = 1 / 60


def shift(lift: Mapping[str, Any]) -> dict[str, float]:
    speed = lift["speed"] if 0 < lift["y"] + lift["speed"] < 100 else -lift["speed"]
    return {"y": lift["y"] + speed, "speed": speed}


def move_lifts(world: Any) -> dict[str, Any]:
    return {"lifts": {key: shift(lift) for key, lift in world.lifts.items()}}


def carried(mine: dict[str, Any], keys: Any, world: Any) -> dict[str, Any]:
    """Stand on the lift, where it is after the tick. The server moves it before the players or after them."""
    return {**mine, "y": shift(world.lifts["a"])["y"]}


def time_step(game_state: Any, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
    riding = {number: carried(game_state.players[number], {}, game_state) for number in inputs}
    return {"players": riding, **move_lifts(game_state)}


def backend() -> Backend:
    made = Backend(GameState(players={}, lifts={"a": {"y": 50.0, "speed": 3.5}}, other=0.0), time_step)
    made.on(CLIENT_CONNECTED)(lambda client_id: {"players": {client_id: {"y": 50.0}}})
    return made


@pytest.mark.parametrize("link", [Link(latency=0.0), Link(latency=0.05), Link(latency=0.15, jitter=0.01)], ids=str)
@pytest.mark.parametrize("frame_rate", [60.0, 144.0])
def test_who_rides_a_lift_is_never_corrected_and_stands_on_it_in_each_picture(
    link: Link, frame_rate: float, seed: int
) -> None:
    network = SimulatedNetwork(seed=seed, link=link)
    network.serve(backend(), interval=TICK)
    beside: list[float] = []
    with Headless(network, frame_rate=frame_rate) as stage:
        session = stage.join(tick=TICK, predict=Prediction(carried, "players.{me}", moves=move_lifts))

        def frame() -> None:
            session.send_input({})
            view = session.view()
            if session.me in view.get("players", {}):
                beside.append(abs(view.players[session.me]["y"] - view.lifts["a"]["y"]))

        stage.run(5.0, frame)
        before, seen = session.predictor.corrections, len(beside)
        stage.run(6.0, frame)
        assert session.predictor.corrections == before
        assert len(beside) > 6 * frame_rate * 0.9
        assert max(beside[seen:]) < 1e-9


def test_without_its_rules_the_lift_is_seen_a_few_ticks_late(seed: int) -> None:
    """So the test above can fail."""
    network = SimulatedNetwork(seed=seed, link=Link(latency=0.05))
    network.serve(backend(), interval=TICK)
    with Headless(network) as stage:
        session = stage.join(tick=TICK, predict=Prediction(carried, "players.{me}"))
        stage.run(5.0, lambda: (session.send_input({}), session.view()))
        assert session.predictor.corrections > 100


def predictor(moves: Any) -> Predictor:
    made = Predictor(carried, lambda state: state["players"]["ann"], moves=moves)
    made.reconcile({"players": {"ann": {"y": 0.0}}, "lifts": {"a": {"y": 50.0, "speed": 1.0}}}, None)
    return made


def test_the_world_goes_on_with_each_tick_and_back_with_each_state() -> None:
    predicted = predictor(move_lifts)
    assert predicted.moved() == {"lifts": {"a": {"y": 50.0, "speed": 1.0}}}
    for number in range(3):
        predicted.predict(None, number)
    assert predicted.predicted == {"y": 53.0}
    assert predicted.moved() == {"lifts": {"a": {"y": 53.0, "speed": 1.0}}}
    assert predicted.moved(0.5)["lifts"]["a"]["y"] == 53.5
    predicted.coast()
    assert predicted.moved()["lifts"]["a"]["y"] == 54.0
    predicted.reconcile({"players": {"ann": {"y": 50.0}}, "lifts": {"a": {"y": 20.0, "speed": 2.0}}}, 1, tick=1)
    assert (predicted.predicted, predicted.moved()["lifts"]["a"]["y"]) == ({"y": 22.0}, 22.0)
    predicted.reset()
    assert predicted.moved() == {}


def test_without_moves_nothing_is_moved() -> None:
    assert predictor(None).moved() == {}


def test_a_world_that_is_only_drawn_goes_on_as_well() -> None:
    def stay(mine: Any, keys: Any) -> Any:
        return mine

    predicted = Predictor(stay, lambda state: state["mine"], moves=move_lifts)
    for tick in range(2):
        lift = {"y": 50.0 + tick, "speed": 1.0}
        predicted.reconcile({"mine": 1.0, "lifts": {"a": lift}}, tick - 1, tick=tick)
        for number in range(2) if not tick else []:
            predicted.predict(None, number)
    assert predicted.pending == 1
    assert predicted.moved()["lifts"]["a"]["y"] == 52.0


@pytest.mark.parametrize(
    ("moves", "error", "words"),
    [
        ("up", TypeError, "moves must be a function"),
        (lambda world: {"lifts": object()}, InvalidValue, "what moves returned"),
    ],
)
def test_moves_that_make_no_sense_are_refused(moves: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        predictor(moves).predict(None, 0)
