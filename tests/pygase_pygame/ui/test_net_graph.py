"""The net graph: its figures of a connection, and the marks of its strip for early, late and lost."""

from __future__ import annotations

from typing import Any

import pygame
import pytest

from pygase import Backend, ConnectionStats, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import NetGraph, Prediction, Session
from pygase_pygame.headless import Headless
from pygase_pygame.ui.lettering import Lettering
from pygase_pygame.ui.palette import NIGHT, ORANGE, RED, SKY, YELLOW
from tests.pygase_pygame.conftest import FakeClient

F3 = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_F3)


def move(mine: dict[str, float], value: float) -> dict[str, float]:
    return {"x": mine["x"] + value}


class World:
    """A ball that rolls, and players that walk. The server pushes them from time to time."""

    def __init__(self, pushes: bool = False) -> None:
        self.ticks, self.pushes = 0, pushes
        self.backend = Backend(GameState(ball=0.0, players={}), self.step)

    def step(self, game_state: GameState, dt: float, inputs: dict[Any, Any]) -> dict[str, Any]:
        self.ticks += 1
        players = {}
        for client_id, given in inputs.items():
            mine = move(game_state.players.get(client_id, {"x": 0.0}), given.value)
            players[client_id] = {"x": mine["x"] + 5.0 * (self.pushes and self.ticks % 60 == 0)}
        return {"ball": game_state.ball + dt, "players": players}


def stage_with(seed: int, link: Link, pushes: bool = False) -> Headless:
    network = SimulatedNetwork(seed=seed, link=link)
    network.serve(World(pushes).backend, interval=1 / 60)
    return Headless(network, size=(640, 400))


def play(stage: Headless, seconds: float, **options: Any) -> NetGraph:
    session = stage.join(interpolate=["ball"], tick=1 / 60, **options)
    graph = NetGraph(session, clock=stage.clock, visible=True)

    def frame() -> None:
        session.send_input(1.0)
        session.view()
        stage.screen.fill((250, 250, 250))
        graph.draw(stage.screen)

    stage.run(seconds, frame)
    return graph


def strip(stage: Headless) -> pygame.Surface:
    """The chart alone: the panel's lower part."""
    panel = stage.find(NIGHT)
    assert panel is not None
    return stage.screen.subsurface((panel.left, panel.bottom - 80, panel.width, 80))


def count(surface: pygame.Surface, colour: tuple[int, int, int]) -> int:
    return pygame.mask.from_threshold(surface, colour, (1, 1, 1, 255)).count()


def test_f3_shows_it_and_hides_it_again(display, client: FakeClient):
    graph = NetGraph(Session(client))
    assert graph.draw(display) is None
    assert graph.handle(F3)
    rect = graph.draw(display)
    assert rect is not None
    assert display.get_rect().contains(rect)
    assert not graph.handle(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_F4))
    assert not graph.handle(pygame.event.Event(pygame.KEYUP, key=pygame.K_F3))
    assert graph.handle(F3)
    assert graph.draw(display) is None


@pytest.fixture
def client() -> FakeClient:
    client = FakeClient()
    client.stats = ConnectionStats()  # type: ignore[attr-defined]
    return client


@pytest.mark.parametrize("corner", ["topleft", "topright", "bottomleft", "bottomright"])
@pytest.mark.parametrize("size", [(480, 320), (960, 640), (100, 80)])
def test_it_is_drawn_in_its_corner(display, client, corner, size):
    surface = pygame.Surface(size)
    graph = NetGraph(Session(client), visible=True, corner=corner)
    rect = graph.draw(surface)
    assert rect is not None
    if size[0] > 300:
        horizontal = rect.left == 8 if "left" in corner else rect.right == size[0] - 8
        vertical = rect.top == 8 if "top" in corner else rect.bottom == size[1] - 8
        assert horizontal
        assert vertical


def test_another_corner_is_refused(client):
    with pytest.raises(ValueError, match="'middle'"):
        NetGraph(Session(client), corner="middle")


def test_the_figures_are_those_of_the_connection(seed):
    with stage_with(seed, Link(latency=0.05)) as stage:
        graph = play(stage, 5.0, predict=Prediction(move, "players.{me}"))
        texts = graph.figures(stage.clock())
        rtt = int(texts["ping"].split()[0])
        assert 100 <= rtt <= 140
        assert "60 packets/s" in texts["in"]
        assert texts["lost"] == "0.0% of ours, 0.0% of states"
        assert texts["trouble"] == "stood still 0×, bridged 0"
        assert texts["predicted"].endswith("ahead, you off 0.00, p99 0.00")
        behind = graph.session.buffer.stats(now=stage.clock()).delay
        assert texts["picture"].startswith(f"{behind * 1000:.0f} ms behind")


def test_what_was_predicted_wrong_is_measured_against_the_truth(seed):
    with stage_with(seed, Link(latency=0.05), pushes=True) as stage:
        graph = play(stage, 5.0, predict=Prediction(move, "players.{me}"))
        text = graph.figures(stage.clock())["predicted"]
        assert graph.session.predictor.corrections >= 3
        errors = graph.session.prediction.errors[""]
        assert errors.p99 >= 5.0
        assert text.endswith(f"ahead, you off {errors.p50:.2f}, p99 {errors.p99:.2f}")


def test_on_a_good_link_all_bars_go_up(seed):
    with stage_with(seed, Link(latency=0.03, jitter=0.005)) as stage:
        play(stage, 5.0)
        chart = strip(stage)
        assert count(chart, SKY) > 300
        assert count(chart, RED) == count(chart, YELLOW) == count(chart, ORANGE) == 0


def test_on_a_link_that_loses_there_are_crosses(seed):
    with stage_with(seed, Link(latency=0.03, loss=0.2)) as stage:
        play(stage, 5.0)
        assert count(strip(stage), ORANGE) >= 10


def test_what_is_later_than_the_picture_can_bear_goes_down_in_red(seed):
    with stage_with(seed, Link(latency=0.03)) as stage:
        session = stage.join(interpolate=["ball"], delay=0.02)
        graph = NetGraph(session, clock=stage.clock, visible=True)
        stage.run(1.0, lambda: (session.view(), graph.draw(stage.screen)))
        stage.network.set_link(session.client, Link(latency=0.13))
        stage.run(0.5, lambda: (session.view(), graph.draw(stage.screen)))
        assert count(strip(stage), RED) > 0


def test_shown_later_it_begins_with_what_has_just_arrived(seed):
    with stage_with(seed, Link(latency=0.03)) as stage:
        session = stage.join(interpolate=["ball"])
        stage.run(3.0, session.view)
        graph = NetGraph(session, clock=stage.clock, visible=True)
        graph.draw(stage.screen)
        assert count(strip(stage), SKY) > 100


def test_after_a_reconnect_the_strip_goes_on(seed):
    with stage_with(seed, Link(latency=0.03)) as stage:
        graph = play(stage, 2.0)
        session = graph.session
        stage.network.partition(session.client)
        stage.run_until(lambda: session.status == "lost", lambda: (session.view(), graph.draw(stage.screen)), 40.0)
        assert graph.figures(stage.clock())["ping"]
        session.retry()
        stage.run_until(lambda: session.status == "connected", session.poll)
        before = graph.newest
        stage.run(1.0, lambda: (session.view(), graph.draw(stage.screen)))
        assert graph.newest is session.client.snapshots[-1] is not before


def test_it_renders_one_line_a_frame_at_most(seed, monkeypatch):
    with stage_with(seed, Link(latency=0.05, jitter=0.03, loss=0.05)) as stage:
        graph = play(stage, 2.0)
        rendered: list[str] = []
        write = Lettering.line
        monkeypatch.setattr(
            Lettering, "line", lambda self, text, *rest: rendered.append(text) or write(self, text, *rest)
        )
        most = 0
        for _ in range(120):
            stage.step(1, graph.session.view)
            del rendered[:]
            graph.draw(stage.screen)
            most = max(most, len(rendered))
        assert most == 1


def test_at_ten_frames_a_second_every_line_is_written_too(seed):
    with stage_with(seed, Link(latency=0.05, jitter=0.03, loss=0.05)) as stage:
        graph = play(stage, 0.5)
        for _ in range(30):
            stage.step(6, graph.session.view)
            graph.draw(stage.screen)
        assert len(graph.written) == 8
