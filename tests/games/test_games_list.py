"""`python -m games` lists every game with its description and its command."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import games.__main__ as listing

FOLDER = Path(listing.__file__).parent
GAMES = listing.games(FOLDER)


def test_every_folder_that_can_be_run_is_listed_and_nothing_else() -> None:
    assert {"hello", "pong"} <= GAMES.keys()
    assert GAMES.keys() == {file.parent.name for file in FOLDER.glob("*/__main__.py")}
    assert "common" not in GAMES


@pytest.mark.parametrize("name", GAMES)
def test_every_game_says_on_one_short_line_what_it_is(name: str) -> None:
    assert 10 < len(GAMES[name]) <= 80
    assert "\n" not in GAMES[name]
    assert "`" not in GAMES[name]


def test_the_list_says_how_to_start(capsys: Any) -> None:
    assert listing.main([]) == 0
    text = capsys.readouterr().out
    assert "python -m games.NAME host" in text
    assert "python -m games.NAME join" in text
    lines = [line.strip() for line in text.splitlines()]
    assert all(any(line.startswith(name) and line.endswith(about) for line in lines) for name, about in GAMES.items())


def test_who_names_a_game_here_is_told_what_to_type(capsys: Any) -> None:
    assert listing.main(["pong"]) == 2
    assert "type: python -m games.pong host" in capsys.readouterr().out
    assert listing.main(["chess"]) == 2
    told = capsys.readouterr().out
    assert "No game is 'chess'." in told
    assert "games.chess" not in told


def test_a_folder_without_games_makes_an_empty_list(tmp_path: Path) -> None:
    assert listing.games(tmp_path) == {}


@pytest.mark.integration
def test_it_runs_without_pygame() -> None:
    script = "import sys; sys.modules['pygame'] = None; import runpy; runpy.run_module('games', run_name='__main__')"
    run = subprocess.run([sys.executable, "-c", script], cwd=FOLDER.parent, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert "hello" in run.stdout
