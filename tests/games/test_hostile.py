"""Whatever a client that was tampered with sends, no game stumbles over it, and the others play on."""

import contextlib
import importlib
import math
import random
from typing import Any

import pytest

from games.common.game import Game, Hosting
from pygase import RELIABLE, Client, MessageTooLarge
from pygase.testing import SimulatedNetwork
from pygase.utils import Sqn

EVENTS = {
    "hello": ("JOIN",),
    "pong": ("JOIN", "GUEST", "AGAIN"),
    "chase": ("JOIN",),
    "arena": ("JOIN", "CHAT"),
    "canvas": ("JOIN", "ENTER", "INK", "UNDO", "CLEAR"),
}
NUMBERS = (0, 1, -1, 2, 400, 10**6, 2**31, 2**63 - 1, -(2**63), 1.0, -0.0, 0.5, 1e308, math.nan, math.inf, -math.inf)
OTHERS = (None, True, False, Sqn(1), Sqn(40_000), "", "right", "Ada", "\x00", "x" * 100, b"", bytes(12), b"k" * 16)
KEYS = ("x", "y", "dash", "left", "me", 0, 1)


def anything(rng: random.Random, depth: int = 0) -> Any:
    """Return a number, a word, bytes, or a list or dict of such: often of the length that some game expects."""
    kind = rng.random() + depth / 4
    if kind < 0.35:
        return [anything(rng, depth + 1) for _ in range(rng.choice((0, 1, 2, 2, 3, 3, 4, 4, 30)))]
    if kind < 0.5:
        return {key: anything(rng, depth + 1) for key in rng.sample(KEYS, rng.randrange(5))}
    return rng.choice(NUMBERS if rng.random() < 0.6 else OTHERS)


@pytest.mark.parametrize("name", EVENTS)
def test_no_input_and_no_event_raises_or_disturbs_anybody(
    name: str, rng: random.Random, caplog: pytest.LogCaptureFixture
) -> None:
    game: Game = importlib.import_module(f"games.{name}.__main__").GAME
    network = SimulatedNetwork(seed=1)
    backend = game.serve(Hosting(min(1, game.most_bots)))
    network.serve(backend, interval=game.tick)
    ada, mallory = Client(game=name), Client(game=name)
    for client in (ada, mallory):
        network.connect(client)
        client.dispatch_event("JOIN", "Ada", retries=RELIABLE)
    network.run(0.3)
    for _ in range(150):
        with contextlib.suppress(MessageTooLarge):  # which the client itself says
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
