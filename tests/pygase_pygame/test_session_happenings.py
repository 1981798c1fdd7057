"""Whole games in virtual time: a shot is heard in the frame of its key, once, and is taken back if it was wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pygame
import pytest

from pygase import CLIENT_CONNECTED, RELIABLE, Backend, GameState, Happening
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import SERVER_EVENT, Controls, Prediction
from pygase_pygame.headless import Headless

TICK = 1 / 60


def move(mine: dict[str, Any], keys: Mapping[str, bool], tell: Any) -> dict[str, Any]:
    """Walk, and shoot with a cool-down of a fifth of a second."""
    mine["x"] += keys["right"]
    mine["wait"] = max(mine["wait"] - 1, 0)
    if keys["fire"] and not mine["wait"]:
        mine["wait"] = 12
        tell("SHOT", mine["x"])
    return mine


class Game:
    """Everybody may shoot. `jam` stops all guns, and no client can know it."""

    def __init__(self) -> None:
        self.jam = False
        self.fired: list[tuple[int, int]] = []
        self.backend = Backend(GameState(players={}), self.step, {CLIENT_CONNECTED: self.enter})

    def enter(self, client_id: int) -> dict[str, Any]:
        return {"players": {client_id: {"x": 0, "wait": 0}}}

    def step(self, game_state: GameState, dt: float, inputs: Mapping[int, Any]) -> dict[str, Any]:
        players = {}
        for client_id, each in inputs.items():

            def tell(what: str, *args: Any, who: int = client_id, number: int = each.number) -> None:
                self.fired.append((who, number))
                self.backend.server.dispatch_event(what, who, *args, retries=RELIABLE)

            keys = {**each.value, "fire": False} if self.jam else each.value
            players[client_id] = move(dict(game_state.players[client_id]), keys, tell)
        return {"players": players}


class Player:
    """A window: keys, and the frames in which something happened."""

    def __init__(self, stage: Headless, **options: Any) -> None:
        options = {"predict": Prediction(move, "players.{me}"), "happenings": ["SHOT"], "tick": TICK, **options}
        self.session = stage.join(interpolate=["players.*.x"], **options)
        self.controls = Controls(right=pygame.K_RIGHT, fire=pygame.K_SPACE)
        self.frame_number = 0
        self.heard: list[tuple[int, Happening]] = []
        self.events: list[str] = []
        self.takes_keys = True

    def frame(self) -> None:
        self.frame_number += 1
        for event in pygame.event.get():
            if self.takes_keys:
                self.controls.handle(event)
            if event.type == SERVER_EVENT:
                self.events.append(event.name)
        self.session.send_input(self.controls.take())
        self.session.view()
        self.heard += [(self.frame_number, each) for each in self.session.happenings()]

    def shots(self, who: int | None = None) -> list[tuple[int, Happening]]:
        who = self.session.me if who is None else who
        return [(frame, each) for frame, each in self.heard if each.who == who]


@pytest.mark.parametrize("frame_rate", [60.0, 144.0])
@pytest.mark.parametrize("loss", [0.0, 0.1])
def test_a_shot_is_heard_in_the_frame_of_its_key_and_never_again(frame_rate: float, loss: float) -> None:
    game = Game()
    network = SimulatedNetwork(seed=3, link=Link(latency=0.06, jitter=0.01, loss=loss))
    network.serve(game.backend, interval=TICK)
    with Headless(network, frame_rate=frame_rate) as stage:
        player = Player(stage)
        stage.run(2.0, player.frame)
        pressed = []
        for _ in range(20):
            stage.run(0.37, player.frame)
            pressed.append(player.frame_number + 1)
            stage.tap(pygame.K_SPACE)
            stage.step(1, player.frame)
        stage.run(3.0, player.frame)
    assert [frame for frame, _ in player.shots()] == pressed
    assert all(each.what == "SHOT" and not each.taken_back and each.late == 0.0 for _, each in player.shots())
    assert len(game.fired) == 20
    assert player.events == []


def test_a_held_trigger_is_heard_once_for_each_shot() -> None:
    game = Game()
    network = SimulatedNetwork(seed=4, link=Link(latency=0.08, jitter=0.02, loss=0.05))
    network.serve(game.backend, interval=TICK)
    with Headless(network) as stage:
        player = Player(stage)
        stage.run(2.0, player.frame)
        stage.press(pygame.K_SPACE)
        stage.run(10.0, player.frame)
        stage.release(pygame.K_SPACE)
        stage.run(3.0, player.frame)
    assert 49 <= len(game.fired) <= 51
    heard = [each for _, each in player.shots()]
    assert len([each for each in heard if not each.taken_back]) - len(
        [each for each in heard if each.taken_back]
    ) == len(game.fired)


def test_others_hear_it_with_the_view_and_those_who_predict_nothing_as_well() -> None:
    game = Game()
    network = SimulatedNetwork(seed=5, link=Link(latency=0.05))
    network.serve(game.backend, interval=TICK)
    with Headless(network) as stage:
        shooter = Player(stage)
        watchers = [Player(stage), Player(stage, predict=None), Player(stage, predict=None, tick=None)]
        for each in watchers:
            each.takes_keys = False

        def frame() -> None:
            shooter.frame()  # takes the keys
            for each in watchers:
                each.frame()

        stage.run(3.0, frame)
        shooter.controls.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_SPACE))
        shooter.controls.handle(pygame.event.Event(pygame.KEYUP, key=pygame.K_SPACE))
        stage.run(3.0, frame)
    (own,) = shooter.shots()
    for watcher in watchers:
        ((frame_number, happening),) = watcher.shots(shooter.session.me)
        assert happening.late == 0.0
        assert happening.args == own[1].args
        assert own[0] + 6 < frame_number < own[0] + 20


def test_a_shot_that_the_server_knows_nothing_of_is_taken_back_once() -> None:
    game = Game()
    network = SimulatedNetwork(seed=6, link=Link(latency=0.05))
    network.serve(game.backend, interval=TICK)
    with Headless(network) as stage:
        player = Player(stage)
        stage.run(2.0, player.frame)
        game.jam = True
        stage.tap(pygame.K_SPACE)
        stage.run(5.0, player.frame)
    assert game.fired == []
    (at, first), (later, last) = player.shots()
    assert not first.taken_back
    assert last == first._replace(taken_back=True)
    assert later - at < 90


def test_a_shot_that_was_not_predicted_is_heard_nevertheless() -> None:
    """The player's program knows nothing of the gun: the event alone reports it."""
    game = Game()
    network = SimulatedNetwork(seed=7, link=Link(latency=0.05))
    network.serve(game.backend, interval=TICK)
    with Headless(network) as stage:
        player = Player(stage, predict=Prediction(lambda mine, keys: mine, "players.{me}"))
        stage.run(2.0, player.frame)
        stage.tap(pygame.K_SPACE)
        stage.run(2.0, player.frame)
    assert [each.what for _, each in player.shots()] == ["SHOT"]


def test_what_the_picture_foretells_is_not_heard_again() -> None:
    game = Game()
    network = SimulatedNetwork(seed=8, link=Link(latency=0.05))
    network.serve(game.backend, interval=TICK)
    with Headless(network) as stage:
        player = Player(stage, predict=Prediction(lambda mine, keys: mine, "players.{me}"))
        stage.run(2.0, player.frame)
        stage.tap(pygame.K_SPACE)
        stage.step(1, player.frame)
        player.session.foretell("SHOT", player.session.me, 1, 2)
        stage.run(4.0, player.frame)
    assert [each.args for _, each in player.shots()] == [(1, 2)]


def test_a_text_instead_of_a_list_is_refused() -> None:
    network = SimulatedNetwork(seed=1)
    network.serve(Game().backend, interval=TICK)
    with (
        Headless(network) as stage,
        pytest.raises(TypeError, match='happenings must be a list of event types, such as \\["SHOT"\\]'),
    ):
        stage.join(happenings="SHOT")
