"""A copy of Hello runs anywhere, under another name, with nothing but the two installed libraries."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgpack
import pygame
import pytest

import pygase
import pygase_pygame
from games import hello
from pygase import Client
from tests.support.programs import Program, guest, wait_for_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder elsewhere with the copy in it, and one in which the libraries alone are installed."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(hello.__file__).parent, tmp_path / "mine" / "circles", ignore=ignored)
    for library in (pygase, pygase_pygame):
        shutil.copytree(Path(library.__file__).parent, tmp_path / "site" / library.__name__, ignore=ignored)
    return tmp_path / "mine"


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """What a Python that has no site-packages needs to find these libraries and nothing of this checkout."""
    site = [str(folder.parent / "site"), *{str(Path(one.__file__).parent.parent) for one in (pygame, msgpack)}]
    headless = {"SDL_VIDEODRIVER": "dummy", "SDL_AUDIODRIVER": "dummy", "PYGAME_HIDE_SUPPORT_PROMPT": "1"}
    return {**os.environ, **headless, "PYTHONPATH": os.pathsep.join(site)}


@pytest.fixture
def started() -> Iterator[list[Program]]:
    programs: list[Program] = []
    yield programs
    for program in programs:
        program.process.kill()
        program.process.communicate()


def play(folder: Path, environment: dict[str, str], *arguments: str) -> Program:
    return Program(command=[sys.executable, "-S", "-m", "circles", *arguments], folder=folder, environment=environment)


@pytest.mark.integration
def test_nothing_of_the_checkout_is_in_reach(folder: Path, environment: dict[str, str]) -> None:
    script = "import pygase_pygame.app, importlib.util as u, sys; sys.exit(u.find_spec('games') is not None)"
    run = subprocess.run([sys.executable, "-S", "-c", script], cwd=folder, env=environment, timeout=60, check=False)
    assert run.returncode == 0


@pytest.mark.integration
@pytest.mark.skipif(os.name != "posix", reason="ends them with SIGINT")
def test_the_copy_is_hosted_and_joined(
    folder: Path, environment: dict[str, str], started: list[Program], port: int
) -> None:
    host = play(folder, environment, "host", "--no-bot", "--bind", "127.0.0.1", "--port", str(port), "--name", "Ada")
    started.append(host)
    host.read_until(f"python -m circles join 127.0.0.1:{port}")
    client: Client = guest("hello", port)
    wait_for_names(client, "Player", "Ada", timeout=30)
    bob = play(folder, environment, "join", f"127.0.0.1:{port}", "--name", "Bob")
    started.append(bob)
    wait_for_names(client, "Player", "Ada", "Bob", timeout=30)
    assert bob.ends(signal.SIGINT) == 0
    wait_for_names(client, "Player", "Ada")
    assert host.ends(signal.SIGINT) == 0
    client.disconnect()
