"""Nothing that a manipulated client sends stops a game, and the others play on."""

import contextlib
import importlib
import random

import pytest

from pygase import RELIABLE, Client, MessageTooLarge
from pygase.testing import SimulatedNetwork
from pygase_pygame.app.game import Game, Hosting
from tests.games.trees import anything

EVENTS = {
    "hello": ("JOIN",),  # no game knows it
    "pong": ("JOIN", "GUEST", "READY", "PLAY", "TEAM"),
    "derby": ("JOIN", "READY", "PLAY", "TEAM"),
    "chase": ("JOIN", "READY", "PLAY"),
    "arena": ("JOIN", "CHAT", "READY", "PLAY"),
    "canvas": ("JOIN", "INK", "UNDO", "UNDO_ALL", "CLEAR"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_no_input_and_no_event_raises_or_disturbs_anybody(
    name: str, rng: random.Random, caplog: pytest.LogCaptureFixture
) -> None:
    game: Game = importlib.import_module(f"games.{name}.__main__").GAME
    network = SimulatedNetwork(seed=1)
    backend = game.serve(Hosting(min(1, game.most_bots)))
    network.serve(backend, interval=game.tick)
    ada, mallory = Client(game=name), Client(game=name)
    for client, name_of_client in ((ada, "Ada"), (mallory, anything(rng))):
        network.connect(client, profile={"name": name_of_client})
    network.run(0.3)
    for _ in range(150):
        with contextlib.suppress(MessageTooLarge):  # the client itself refuses those
            mallory.send_input(anything(rng))
        what = [anything(rng) for _ in range(rng.randrange(4))]
        mallory.dispatch_event(rng.choice(EVENTS[name]), *what, retries=RELIABLE)
        network.run(1 / 60)
    before = backend.game_state_store.get_game_state().time_order
    network.run(1.0)
    assert "raised" not in caplog.text
    assert "Traceback" not in caplog.text
    assert ada.status == "connected"
    assert backend.game_state_store.get_game_state().time_order > before
    backend.shutdown()
