"""What pygame gives is no input, and the error says what to write."""

from __future__ import annotations

from typing import Any

import pygame
import pytest

from pygase import Backend, GameState
from pygase.testing import SimulatedNetwork
from pygase_pygame import Controls
from pygase_pygame.controls.raw_input import check_input
from pygase_pygame.headless import Headless

pytestmark = pytest.mark.usefixtures("display")

KEY = pygame.event.Event(pygame.KEYDOWN, key=pygame.K_a)


@pytest.mark.parametrize("tick", [None, 1 / 60])
@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (lambda: pygame.key.get_pressed(), r"got pygame.key.get_pressed\(\).*name those of your game.*keys\[pygame"),
        (lambda: KEY, r"got an event of pygame.*controls.handle\(event\).*send_input\(controls.take\(\)\)"),
        (lambda: [KEY], r"got an event of pygame"),
        (lambda: Controls(left=pygame.K_a), r"got the controls themselves: write session.send_input\(controls.take"),
    ],
    ids=["all keys", "an event", "events", "controls"],
)
def test_what_pygame_gives_is_refused(tick: float | None, given: Any, advice: str) -> None:
    network = SimulatedNetwork(seed=1)
    network.serve(Backend(GameState(x=0), lambda game_state, dt: None), interval=1 / 60)
    with Headless(network) as stage:
        session = stage.join(tick=tick)
        with pytest.raises(TypeError, match=advice):
            session.send_input(given())


@pytest.mark.parametrize("state", [Controls(left=pygame.K_a).take(), {"a": 1}, [0, 1], -1, None, [], (True, False)])
def test_whatever_can_be_sent_passes(state: Any) -> None:
    check_input(state)
