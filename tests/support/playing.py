"""Runs the programs of the pages in processes of their own, and lets a test press their keys."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from pygase import Client
from tests.support.documents import ROOT

STARTING = 20.0
"""Seconds that a process may take on a busy machine."""

_PLAYER = """
import functools, os, runpy, sys, threading, time

import pygame
import pygase_pygame
from pygase._io import lan

program, port = sys.argv[1:]
lan.get_available_ip_addresses = lambda: ["127.0.0.1"]  # nobody else on the network is to be asked
pygase_pygame.ConnectScreen = functools.partial(pygase_pygame.ConnectScreen, remember=False, default_port=int(port))

def play():
    while pygame.display.get_surface() is None:
        time.sleep(0.01)
    for line in sys.stdin:
        how, what = line.split()
        time.sleep(0.05)  # some frames
        if how == "type":
            pygame.event.post(pygame.event.Event(pygame.TEXTINPUT, text=what))
        if how in ("tap", "press"):
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.key.key_code(what), mod=0, unicode=""))
        if how in ("tap", "release"):
            pygame.event.post(pygame.event.Event(pygame.KEYUP, key=pygame.key.key_code(what), mod=0))

threading.Thread(target=play, daemon=True).start()
runpy.run_path(program, run_name="__main__")
"""
"""Runs a program unchanged, and obeys the commands on its standard input: `tap KEY`, `press KEY`, `type TEXT` …"""


class Player:
    """A program with an invisible window, and a user at its keyboard."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def does(self, *actions: str) -> None:
        """Do these things one after the other: `tap KEY`, `press KEY`, `release KEY` or `type TEXT`."""
        assert self.process.stdin is not None
        self.process.stdin.writelines(f"{action}\n" for action in actions)
        self.process.stdin.flush()

    def closes_the_window(self) -> tuple[int, str, str]:
        """Close the window; return exit status, and all that was printed to the standard output and error."""
        self.process.terminate()  # SDL turns this into closing the window
        return self.ends()

    def repeats(self, action: str) -> tuple[int, str, str]:
        """Do something again and again until the program ends; return the same."""
        with suppress(BrokenPipeError):
            while self.process.poll() is None:
                self.does(action)
                time.sleep(0.2)
        return self.ends()

    def ends(self) -> tuple[int, str, str]:
        """Wait until the program ends; return the same."""
        printed, complaints = self.process.communicate(timeout=STARTING)
        return self.process.returncode, printed, complaints


@contextmanager
def running(code: str, folder: Path, name: str = "program.py") -> Iterator[subprocess.Popen[str]]:
    """Run the program `code` in a process of its own for as long as the block lasts."""
    (folder / name).write_text(code, encoding="utf-8")
    with _process(folder / name) as process:
        yield process


@contextmanager
def played(code: str, folder: Path, port: int) -> Iterator[Player]:
    """Do the same with a program that has a window. `port` is the suggestion of a connect screen."""
    (folder / "game.py").write_text(code, encoding="utf-8")
    (folder / "player.py").write_text(_PLAYER, encoding="utf-8")
    with _process(folder / "player.py", str(folder / "game.py"), str(port)) as process:
        yield Player(process)


@contextmanager
def _process(*command: Any) -> Iterator[subprocess.Popen[str]]:
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(
        [sys.executable, *command], env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def connected(port: int, **options: Any) -> Iterator[Client]:
    """Let a client of this process be connected for as long as the block lasts."""
    client = Client(**options)
    client.connect_in_thread(port=port, connect_timeout=STARTING)
    try:
        yield client
    finally:
        client.disconnect()


def eventually(condition: Callable[[], Any]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + STARTING
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
