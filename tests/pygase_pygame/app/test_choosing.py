"""Without an address on the command line, the only game is joined, or the player chooses. After a loss the player
chooses.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pygame
import pytest

from pygase_pygame.app import choosing, play
from pygase_pygame.app.choosing import Choosing, only_game
from pygase_pygame.app.connector import GameConnector
from pygase_pygame.app.game_screen import SessionOptions
from pygase_pygame.app.window import Window
from tests.support.demo import DEMO


class FakeBrowser:
    """Finds the games of a test; nothing leaves this machine."""

    def __init__(self, *addresses: str) -> None:
        self.games = tuple(SimpleNamespace(address=address, port=7700) for address in addresses)
        self.problem = ""

    def __enter__(self) -> "FakeBrowser":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Search."""

    def stop(self) -> None:
        """Search no more."""


@pytest.fixture
def window(monkeypatch: pytest.MonkeyPatch) -> Iterator[Window]:
    monkeypatch.setattr(choosing, "SEARCH_SECONDS", 0.05)
    with Window("Demo") as window:
        yield window


def connector() -> GameConnector:
    return GameConnector(DEMO, argparse.Namespace(link=None, name="Ada"), SessionOptions())


def pressed(*keys: int, text: str = "") -> list[pygame.event.Event]:
    events = [pygame.event.Event(pygame.TEXTINPUT, text=letter) for letter in text]
    return events + [pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode="") for key in keys]


@pytest.mark.parametrize(
    ("there", "chosen"),
    [((), None), (("10.0.0.7",), ("10.0.0.7", 7700)), (("10.0.0.7", "10.0.0.8"), None)],
)
def test_a_game_is_joined_unasked_if_it_is_the_only_one(window: Window, there: tuple[str, ...], chosen: Any) -> None:
    assert only_game(window, DEMO, FakeBrowser(*there)) == chosen


def test_closing_the_window_while_it_searches_is_not_forgotten(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "SEARCH_SECONDS", 1e9)
    pygame.event.post(pygame.event.Event(pygame.QUIT))
    assert only_game(window, DEMO, FakeBrowser()) is None
    chooser = Choosing(window, DEMO, connector(), "Ada", remember=False, browser=FakeBrowser())
    assert chooser.run() is None


def test_esc_leaves_the_screen(window: Window) -> None:
    chooser = Choosing(window, DEMO, connector(), "Ada", remember=False, browser=FakeBrowser())
    assert chooser.frame([])
    assert chooser.name == "Ada"
    assert not chooser.frame(pressed(pygame.K_ESCAPE))


def test_a_name_that_was_typed_now_counts_more_than_the_one_of_the_last_time(window: Window, tmp_path: Path) -> None:
    (tmp_path / "demo.json").write_text('{"name": "Bob"}')
    chooser = Choosing(window, DEMO, connector(), "Ada", remember=tmp_path / "demo.json", browser=FakeBrowser())
    assert chooser.name == "Ada"


def test_a_game_that_is_opened_on_the_screen_is_its_hosts(window: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[tuple[int, str]] = []

    def host(self: GameConnector, port: int, name: str) -> Any:
        opened.append((port, name))
        raise ValueError("Not today.")

    monkeypatch.setattr(GameConnector, "host", host)
    chooser = Choosing(window, DEMO, connector(), "Ada", remember=False, browser=FakeBrowser())
    chooser.frame(pressed(pygame.K_UP, text=""))  # to the name
    chooser.frame(pressed(text="!"))
    chooser.frame(pressed(pygame.K_RETURN, pygame.K_TAB, pygame.K_TAB, pygame.K_RETURN))  # to the page for hosts
    chooser.frame(pressed(pygame.K_RETURN))
    assert opened == [(7699, "Ada!")]


class Scripted:
    """Takes the place of the choice: returns the answers of a test, and records the reasons."""

    def __init__(self, *sessions: Any) -> None:
        self.name = "Ada"
        self.asked: list[str] = []
        self._sessions = list(sessions)

    def run(self, message: str = "") -> Any:
        """Return the next session."""
        self.asked.append(message)
        return self._sessions.pop(0) if self._sessions else None


def test_after_a_loss_one_chooses_again_and_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """The port of the first session is dead: it is refused or times out, and Esc goes back."""
    ended = []

    class Refused:
        backend = None

        @property
        def reason(self) -> str:
            return "You have left the game." if ended else "Nobody answers."

        def close(self) -> None:
            ended.append("closed")

    chooser = Scripted()
    monkeypatch.setattr(choosing, "Choosing", lambda *_: chooser)
    monkeypatch.setattr(GameConnector, "join", lambda *_, **__: Refused())
    monkeypatch.setattr(play, "GameLoop", lambda window, screen: SimpleNamespace(run=lambda: "back"))
    play.play(DEMO, argparse.Namespace(name="Ada", link=None, mute=True), ("localhost", 7700))
    assert chooser.asked == ["Nobody answers."]
    assert ended == ["closed"]


IN_A_NAMESPACE = """
import subprocess, sys
from pygase import Client

host = subprocess.Popen(
    [sys.executable, "-m", "games.hello", "host", "--headless", "--no-bot", "--port", "7700"],
    stdout=subprocess.PIPE, text=True,
)
while "Ctrl-C" not in host.stdout.readline():
    pass
client = Client(game="hello")
client.connect_in_thread(7700, "127.0.0.1")
client.wait_until(lambda state: hasattr(state, "seats"), timeout=10)
guest = subprocess.Popen([sys.executable, "-m", "games.hello", "join", "--name", "Ada"])
try:
    client.wait_until(lambda state: any(p["name"] == "Ada" for p in state.seats.values()), timeout=10)
    print("Ada has found it")
finally:
    guest.kill()
    host.kill()
    guest.wait()
    host.wait()
"""


def _alone(*command: str) -> list[str]:
    return ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]


@pytest.mark.integration
@pytest.mark.skipif(
    not (shutil.which("unshare") and shutil.which("ip"))
    or subprocess.run(_alone("true"), capture_output=True).returncode,
    reason="takes the right to make a network namespace, so that nothing is asked on the real network",
)
def test_join_without_an_address_finds_the_game_on_the_network() -> None:
    run = subprocess.run(
        _alone(sys.executable, "-c", IN_A_NAMESPACE), capture_output=True, text=True, timeout=50, env={**os.environ}
    )
    assert "Ada has found it" in run.stdout, run.stdout + run.stderr
