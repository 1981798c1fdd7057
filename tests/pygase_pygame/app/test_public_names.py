"""The public names are imported when they are used, so that a server without a window needs no pygame."""

import subprocess
import sys
from types import ModuleType

import pytest

import pygase_pygame
from pygase_pygame import app


@pytest.mark.parametrize("package", [pygase_pygame, app])
def test_every_public_name_can_be_imported_and_is_listed(package: ModuleType) -> None:
    assert [name for name in package.__all__ if not hasattr(package, name)] == []
    assert set(package.__all__) <= set(dir(package))


@pytest.mark.parametrize("package", [pygase_pygame, app])
def test_a_name_that_is_none_is_refused_as_ever(package: ModuleType) -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nonsense'"):
        _ = package.Nonsense


def without_pygame(script: str) -> str:
    """Run a script in a process in which pygame cannot be imported; return the last line that it prints."""
    hide = "import sys, importlib.util as u; find = u.find_spec; sys.modules['pygame'] = None\n"
    hide += "u.find_spec = lambda name, *rest: None if name == 'pygame' else find(name, *rest)\n"
    run = subprocess.run([sys.executable, "-c", hide + script], capture_output=True, text=True, check=False)
    return (run.stdout + run.stderr).strip().splitlines()[-1]


@pytest.mark.integration
def test_without_pygame_the_command_line_of_a_game_can_be_imported() -> None:
    assert without_pygame("from pygase_pygame.app import Company, Game, Number, cli; print('imported')") == "imported"


@pytest.mark.integration
@pytest.mark.parametrize("script", ["from pygase_pygame import join", "import pygase_pygame; pygase_pygame.Session"])
def test_without_pygame_other_names_say_what_to_install(script: str) -> None:
    assert without_pygame(script).startswith("ImportError: pygase_pygame needs pygame or pygame-ce, and neither is")
