"""Tools for testing games: a client without a screen, keys without a keyboard, time without waiting."""

from __future__ import annotations

from typing import Any

import pygame
import pytest

from pygase import Backend, GameState
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Controls, Session
from pygase_pygame.headless import Headless

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def walk(game_state: GameState, dt: float, inputs: dict[Any, Any]) -> dict[str, Any]:
    steps = sum(player.value["right"] for player in inputs.values())
    return {"x": game_state.x + 2.0 * steps}


def network(seed: int = 0, latency: float = 0.05) -> SimulatedNetwork:
    made = SimulatedNetwork(seed=seed, link=Link(latency=latency))
    made.serve(Backend(GameState(x=100.0), walk), interval=1 / 60)
    return made


class Game:
    """A white square that walks right while a key is held."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.controls = Controls(right=pygame.K_RIGHT)
        self.running = True

    def frame(self) -> bool:
        for event in pygame.event.get():
            self.controls.handle(event)
            self.running = self.running and event.type != pygame.QUIT
        self.session.send_input(self.controls.state)
        view, screen = self.session.view(), pygame.display.get_surface()
        screen.fill(BLACK)
        if view.ready:
            screen.fill(WHITE, (round(view.x), 100, 20, 20))
        pygame.display.flip()
        return self.running


def test_a_key_pressed_by_a_test_moves_what_is_on_the_screen(seed):
    with Headless(network(seed)) as stage:
        game = Game(stage.join(interpolate=["x"], tick=1 / 60))
        stage.run(2.0, game.frame)
        assert stage.find(WHITE) == pygame.Rect(100, 100, 20, 20)
        assert stage.pixel((110, 110)) == WHITE
        assert stage.pixel((90, 110)) == BLACK
        stage.press(pygame.K_RIGHT)
        stage.run(1.0, game.frame)
        stage.release(pygame.K_RIGHT)
        stage.run(1.0, game.frame)
        found = stage.find(WHITE)
        assert found.left == pytest.approx(100 + 120, abs=4)
        assert found.size == (20, 20)


def test_the_same_seed_gives_the_same_picture(seed):
    def picture() -> bytes:
        with Headless(network(seed, latency=0.1)) as stage:
            game = Game(stage.join(interpolate=["x"], tick=1 / 60))
            stage.press(pygame.K_RIGHT)
            stage.run(1.5, game.frame)
            return pygame.image.tobytes(stage.screen, "RGB")

    assert picture() == picture()


def test_time_passes_frame_by_frame_and_ends_when_the_game_does(seed):
    with Headless(network(seed), frame_rate=50) as stage:
        before = stage.clock()
        game = Game(stage.join())
        stage.run(1.0, game.frame)
        assert stage.frames == 50
        assert stage.clock() - before == pytest.approx(1.0)
        stage.close_window()
        stage.run(1.0, game.frame)
        assert stage.frames == 51


def test_what_does_not_come_true_is_told(seed):
    with Headless(network(seed)) as stage:
        session = stage.join()
        stage.run_until(lambda: session.status == "connected")
        with pytest.raises(TimeoutError, match=r"0\.5 virtual seconds"):
            stage.run_until(lambda: session.status == "lost", timeout=0.5)


def test_all_that_a_player_can_do_arrives_as_pygame_tells_it():
    with Headless(SimulatedNetwork(seed=1)) as stage:
        pygame.event.clear()
        stage.tap(pygame.K_a)
        stage.type("Ä")
        stage.click((3, 4))
        stage.scroll(y=-1)
        stage.press_pad(0)
        stage.release_pad(0)
        stage.push_hat(0, 1)
        stage.push_stick(1, -0.5)
        stage.unplug()
        stage.lose_focus()
        stage.close_window()
        events = pygame.event.get()
        assert [event.type for event in events] == [
            *[pygame.KEYDOWN, pygame.KEYUP, pygame.TEXTINPUT],
            *[pygame.MOUSEMOTION, pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.MOUSEWHEEL],
            *[pygame.JOYBUTTONDOWN, pygame.JOYBUTTONUP, pygame.JOYHATMOTION, pygame.JOYAXISMOTION],
            *[pygame.JOYDEVICEREMOVED, pygame.WINDOWFOCUSLOST, pygame.QUIT],
        ]
        assert events[0].unicode == "a"
        assert events[2].text == "Ä"
        assert events[4].pos == (3, 4)


def test_the_window_can_get_another_size_and_a_picture_be_saved(tmp_path):
    with Headless(SimulatedNetwork(seed=1), size=(320, 200)) as stage:
        assert stage.screen.get_size() == (320, 200)
        stage.resize((400, 300))
        assert stage.screen.get_size() == (400, 300)
        stage.screen.fill((1, 2, 3))
        stage.save(tmp_path / "screen.png")
        assert pygame.image.load(tmp_path / "screen.png").get_at((399, 299))[:3] == (1, 2, 3)
    assert not pygame.display.get_init()
    with pytest.raises(RuntimeError, match="context manager"):
        stage.screen  # noqa: B018


def test_pygame_goes_on_where_it_had_begun_before(display):
    with Headless(SimulatedNetwork(seed=1)):
        pass
    assert pygame.display.get_init()


def test_a_real_window_is_refused(display, monkeypatch):
    monkeypatch.setattr(pygame.display, "get_driver", lambda: "x11")
    with pytest.raises(RuntimeError, match="SDL_VIDEODRIVER"), Headless(SimulatedNetwork(seed=1)):
        pass


def test_a_frame_rate_of_nothing_is_refused():
    with pytest.raises(ValueError, match="frame_rate"):
        Headless(SimulatedNetwork(), frame_rate=0)


def test_the_colour_that_is_looked_for_may_be_a_little_off():
    with Headless(SimulatedNetwork(seed=1)) as stage:
        stage.screen.fill(BLACK)
        stage.screen.fill((100, 100, 100), (5, 6, 7, 8))
        assert stage.find((101, 100, 99)) is None
        assert stage.find((101, 100, 99), tolerance=2) == pygame.Rect(5, 6, 7, 8)
