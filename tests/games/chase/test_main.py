"""`python -m games.chase` serves without pygame, with the wanted number of bots."""

import subprocess
import sys

import pytest

from games.chase.__main__ import GAME
from games.chase.client import ChaseScreen
from games.chase.rules import MOST_RUNNERS
from pygase_pygame.app import cli, play
from pygase_pygame.app.game import Hosting


def test_the_game_finds_its_window() -> None:
    assert play.load_screen(GAME) is ChaseScreen


@pytest.mark.parametrize("bots", [0, 4, 15])
def test_as_many_bots_run_as_are_asked_for(bots: int) -> None:
    backend = GAME.serve(Hosting(bots))
    people = backend.game_state_store.get_game_state().people
    assert len(people) == bots
    assert all(number < 0 for number in people)


def test_there_is_always_room_for_the_host() -> None:
    assert GAME.most_bots == MOST_RUNNERS - 1


def test_a_server_does_without_pygame() -> None:
    code = "import sys, games.chase.__main__; sys.exit('pygame' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=50).returncode == 0


def test_help_tells_the_options(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.run(GAME, ["host", "--help"])
    told = capsys.readouterr().out
    assert all(word in told for word in ("--bots", "from 0 to 15", "--headless", "--link", "--name"))
