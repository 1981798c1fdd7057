"""The command line knows the arena: its server, its screen, and the largest number of bots."""

import pytest

from games.arena import server
from games.arena.__main__ import GAME
from games.arena.client import ArenaScreen
from games.arena.rules import CREW, TICKS_PER_SECOND
from pygase.testing import SimulatedNetwork
from pygase_pygame.app import cli
from pygase_pygame.app.game import Hosting
from pygase_pygame.app.play import load_screen
from pygase_pygame.app.sounds import wave


def test_it_serves_an_arena_with_as_many_bots_as_asked_for() -> None:
    network = SimulatedNetwork(seed=1)
    backend = GAME.serve(Hosting(bots=CREW - 1))
    network.serve(backend, interval=GAME.tick)
    network.run(1.0)
    state = backend.game_state_store.get_game_state()
    assert len(state.ships) == CREW - 1
    assert GAME.name == server.GAME_NAME
    assert GAME.tick == 1 / TICKS_PER_SECOND


def test_its_window_is_the_arenas() -> None:
    assert load_screen(GAME) is ArenaScreen


@pytest.mark.parametrize("bots", [str(CREW), "-1", "many"])
def test_more_bots_than_fit_in_beside_the_host_are_refused(bots: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.run(GAME, ["host", "--bots", bots])
    assert str(CREW - 1) in capsys.readouterr().err


def test_every_sound_can_be_heard() -> None:
    for name, tones in ArenaScreen.sounds.items():
        samples = wave(tones)
        assert len(samples) > 1_000, name
        assert any(samples), name
