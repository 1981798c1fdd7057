"""Imports point downward, and `import pygase` imports nothing unnecessary.

The rules are the tables in `tests/support/architecture.py`. Half of the tests here check the real files. The other half
show that the checker finds violations.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.architecture import (
    CHANCE,
    PURE,
    SOCKETS,
    THREADS_AND_CLOCKS,
    circles,
    floor_of,
    imports_of,
    violations,
)

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("pygase", "pygase_pygame", "games")
SOMEWHERE = re.compile(
    r"(?<![\w.}/-])/(work|home|root|Users|opt|tmp)/\w|\.\./shared|\bissue #?\d{1,3}\b", re.IGNORECASE
)
"""A path on one machine, or the number of a ticket."""


def real_sources() -> dict[str, str]:
    files = [file for package in PACKAGES for file in sorted((ROOT / package).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


class TestRealFiles:
    def test_no_import_breaks_a_rule(self) -> None:
        assert violations(real_sources()) == []

    def test_no_module_imports_itself_by_way_of_others(self) -> None:
        assert circles(real_sources()) == []

    def test_the_checker_has_seen_them(self) -> None:
        """Guards the two tests above: an empty list of files would break no rule."""
        sources = real_sources()
        assert "pygase/utils.py" in sources
        assert any(
            found.imported == "msgpack" for found in imports_of("pygase/utils.py", sources["pygase/utils.py"], set())
        )

    @pytest.mark.integration
    @staticmethod
    def loaded_by(program: str) -> list[str]:
        """Return the modules that `program` imports. Those without a file do not count: msgpack's compiled part makes
        some."""
        script = (
            f"import sys; before = set(sys.modules); {program};"
            "new = {name: sys.modules[name] for name in set(sys.modules) - before};"
            "print(*(name for name, module in new.items() if getattr(module, '__file__', None)))"
        )
        command = [sys.executable, "-c", script]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()

    @pytest.mark.integration
    def test_importing_pygase_imports_no_module_before_it_is_used(self) -> None:
        ours = {name for name in self.loaded_by("import pygase") if name.startswith(("pygase", "msgpack"))}
        assert ours == {"pygase", "pygase.utils"}

    @pytest.mark.integration
    @pytest.mark.parametrize(
        ("name", "module", "unnecessary"),
        [("Client", "pygase.client", "pygase._server"), ("Backend", "pygase.backend", "pygase._client")],
    )
    def test_a_face_brings_in_msgpack_and_nothing_else(self, name: str, module: str, unnecessary: str) -> None:
        loaded = self.loaded_by(f"from pygase import {name}")
        assert module in loaded
        others = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names)
        assert others == {"pygase", "msgpack"}
        late = {"asyncio", "random", "pygase.discovery", "pygase.timeline.interpolation", "pygase.links"}
        assert late.isdisjoint(loaded), "what not every program needs is imported when it is needed"
        assert not [name for name in loaded if name.startswith(unnecessary)]

    def test_no_text_names_a_place_on_one_machine(self) -> None:
        """A path of one machine or the number of a ticket means nothing to a reader."""
        folders = [*PACKAGES, "tests", "docs", "benchmarks", ".ci"]
        files = [*ROOT.glob("*.*"), *(file for folder in folders for file in (ROOT / folder).rglob("*"))]
        texts = [file for file in files if file.suffix in ("", ".py", ".md", ".toml", ".txt") and file.is_file()]
        named = [
            f"{file.relative_to(ROOT)}: {match[0]}"
            for file in texts
            if file != Path(__file__)
            for match in SOMEWHERE.finditer(file.read_text(encoding="utf-8"))
        ]
        assert named == []


BROKEN = [
    # the arrow
    ("pygase/utils.py", "from .client import Client", "from the ground to the faces"),
    ("pygase/utils.py", "from pygase.client import Client", "from the ground to the faces"),
    ("pygase/utils.py", "from . import client", "from the ground to the faces"),
    ("pygase/_protocol/acks.py", "from .. import client", "from the protocol to the faces"),
    ("pygase/_protocol/__init__.py", "from ..client import Client", "from the protocol to the faces"),
    (
        "pygase/_protocol/acks.py",
        "def f():\n    import pygase._io.udp",
        "from the protocol to sockets and clocks",
    ),
    ("pygase/client.py", "from pygase import Server", "from the faces to the public names"),
    (
        "pygase/backend.py",
        "import importlib\nimportlib.import_module('pygase.testing')",
        "from the faces to the tools",
    ),
    (
        "pygase/config.py",
        "if TYPE_CHECKING:\n    from .client import Client",
        "from the ground to the faces",
    ),
    ("pygase/__init__.py", "import pygase_pygame", "from the public names to the adapter"),
    ("pygase/client.py", "import games.pong.rules", "from the faces to the games"),
    ("pygase_pygame/view.py", "from games.pong import rules", "from the adapter to the games"),
    ("pygase_pygame/app/hud.py", "from games.pong import rules", "from the shell of a whole game to the games"),
    ("pygase_pygame/ui/menu.py", "from ..app import hud", "from the adapter to the shell of a whole game"),
    # rooms with rules of their own
    ("pygase/_protocol/acks.py", "from ..event import Event", "it moves plain trees"),
    ("pygase/_protocol/acks.py", "from ..gamestate import GameState", "it moves plain trees"),
    ("pygase/client.py", "import socket", "sockets, clock and chance come from _io"),
    (
        "pygase/server.py",
        "def f():\n    from time import monotonic",
        "sockets, clock and chance come from _io",
    ),
    (
        "pygase/client.py",
        "try:\n    import pygame\nexcept ImportError:\n    pass",
        "the library works without a window",
    ),
    ("pygase_pygame/view.py", "from pygase import client", "only the names that `pygase` itself has"),
    ("pygase_pygame/view.py", "import pygase._io.udp", "only the names that `pygase` itself has"),
    ("games/pong/server.py", "from pygase._io import udp", "the library's own"),
    ("games/pong/rules.py", "import pygame", "rules are pure"),
    ("games/pong/rules.py", "import pygame.draw as draw", "rules are pure"),
    ("games/pong/rules.py", "from pygase import GameState", "rules are pure"),
    ("games/pong/rules.py", "from pygase_pygame import join", "rules are pure"),
    ("games/pong/rules.py", "from .server import serve", "rules know nobody"),
    ("games/pong/rules.py", "def f():\n    from games.pong import client", "rules know nobody"),
    # other people's code
    ("pygase/utils.py", "import msgpack", "the ground is standard library only"),
    ("pygase/config.py", "def f():\n    import msgpack", "the ground is standard library only"),
    ("pygase/client.py", "import numpy.linalg", "no dependency of ours"),
    ("pygase/client.py", "__import__('numpy')", "no dependency of ours"),
    ("pygase_pygame/view.py", "import msgpack", "no dependency of ours"),
    ("games/pong/client.py", "async def f():\n    from numpy import array", "no dependency of ours"),
    # nobody's room
    ("pygase/attic.py", "", "pygase.attic stands on no floor"),
]

INNOCENT = [
    ("pygase/utils.py", "import threading\ndef f():\n    import msgpack"),
    (
        "pygase/_protocol/acks.py",
        "from . import wire\nfrom .wire import Reader\nfrom ..errors import MalformedPacket",
    ),
    ("pygase/_protocol/acks.py", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import random"),
    ("pygase/_io/udp.py", "import asyncio, socket, time, secrets\nfrom ..config import ServerConfig"),
    ("pygase/client.py", "import msgpack\nfrom .connection import ClientConnection"),
    ("pygase/__init__.py", "from .client import Client\nfrom . import errors"),
    ("pygase_pygame/view.py", "import pygame\nfrom pygase import Client"),
    ("games/pong/rules.py", "import math\nfrom collections.abc import Mapping"),
    ("games/pong/server.py", "from games.pong import rules\nfrom pygase import Backend"),
    ("pygase/utils.py", "# import pygase.client\ntext = 'import pygame'"),
]

NEIGHBOURS = dict.fromkeys(
    [
        *[
            "pygase/__init__.py",
            "pygase/client.py",
            "pygase/testing.py",
            "pygase/errors.py",
            "pygase/config.py",
        ],
        *["pygase_pygame/app/hud.py", "pygase/_io/udp.py", "pygase/_protocol/wire.py"],
        *["pygase/event.py", "pygase/gamestate.py"],
        *["pygase/connection.py", "games/pong/server.py", "games/pong/client.py", "games/pong/rules.py"],
    ],
    "",
)


class TestChecker:
    """Violations that it must find, and code that it must accept."""

    @pytest.mark.parametrize(("path", "source", "complaint"), BROKEN)
    def test_notices(self, path: str, source: str, complaint: str) -> None:
        assert any(complaint in found for found in violations({**NEIGHBOURS, path: source}))

    @pytest.mark.parametrize(("path", "source"), INNOCENT)
    def test_leaves_alone(self, path: str, source: str) -> None:
        assert violations({**NEIGHBOURS, path: source}) == []

    @pytest.mark.parametrize("room", PURE)
    @pytest.mark.parametrize("module", [*THREADS_AND_CLOCKS, *SOCKETS, *CHANCE, "pygame"])
    def test_pure_rooms_stay_pure_even_inside_functions(self, room: str, module: str) -> None:
        path = room.replace(".", "/") + ".py"
        for source in (f"import {module}", f"from {module} import x", f"def f():\n    import {module}"):
            assert len(violations({path: source})) >= 1

    def test_a_complaint_names_file_and_line(self) -> None:
        (complaint,) = violations({"pygase/event.py": "\n\nimport time\n"})
        assert complaint.startswith("pygase/event.py:3: pygase.event imports time: ")

    def test_a_circle_is_noticed_and_an_import_at_run_time_is_none(self) -> None:
        circle = {
            "pygase/event.py": "from . import gamestate",
            "pygase/gamestate.py": "from .event import Event",
        }
        assert circles(circle) == ["pygase.event", "pygase.gamestate"]
        later = {**circle, "pygase/gamestate.py": "def f():\n    from .event import Event"}
        assert circles(later) == []

    @pytest.mark.parametrize(
        "text", ["see /home/anna/notes", "in `/tmp/x`", "../shared/plan.md", "Issue #7", "issue 12"]
    )
    def test_places_on_one_machine_are_noticed(self, text: str) -> None:
        assert SOMEWHERE.search(text)

    @pytest.mark.parametrize("text", ["cpython issue 127057", "https://example.org/home/x", "the issue is", "a/work/b"])
    def test_other_paths_and_numbers_are_left_alone(self, text: str) -> None:
        assert not SOMEWHERE.search(text)

    def test_floors_rise_from_the_ground_to_the_games(self) -> None:
        way_up = [
            "pygase.utils",
            "pygase._protocol.wire",
            "pygase._io",
            "pygase",
            "pygase_pygame.view",
            "pygase_pygame.app.hud",
            "games.pong",
        ]
        heights = [floor_of(module) for module in way_up]
        assert heights == sorted(set(heights))
