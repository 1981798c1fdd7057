"""The house stays livable: small modules and classes, no reaching into others, one name for one thing."""

import ast
import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.support.house import class_sizes, constants, lines_of, reach_ins

ROOT = Path(__file__).resolve().parent.parent

MOST_LINES = 450
MOST_LINES_OF = {
    **dict.fromkeys(
        ["pygase/backend.py", "pygase/client.py", "pygase/connection.py", "pygase/event.py", "pygase/server.py"], 400
    ),
    "pygase/gamestate.py": 400,
    "pygase/store.py": 400,
    "pygase/machine.py": 320,
    "pygase/_io/runner.py": 250,
}
MOST_METHODS = 30
MOST_ATTRIBUTES = 15
FLAT_RECORDS = {
    "ConnectionStats": "one field for each measurement of a connection",
    "PeerRecord": "the numbers of one connection that each tick touches, in one object for the cache's sake",
    "ServerConfig": "one field for each setting of a server",
}
"""Classes that are nothing but values side by side, and may have more attributes: name, reason."""

MOST_REACH_INS = {"pygase": 5, "pygase_pygame": 0, "games": 0, "tests": 60}

TWO_MEANINGS = {
    "CONNECTED": "public names: an event of pygase, and a type of pygame events",
    "DISCONNECTED": "public names: an event of pygase, and a type of pygame events",
    "MODULES": "each package's own table of names that are imported on first use",
}
"""Constants of one name with several values: name, reason."""


def texts(*folders: str) -> dict[str, str]:
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in files}


LIBRARY = texts("pygase", "pygase_pygame")


def test_no_module_is_too_long() -> None:
    sizes = {path: lines_of(source) for path, source in LIBRARY.items()}
    assert {path: size for path, size in sizes.items() if size > MOST_LINES_OF.get(path, MOST_LINES)} == {}


def test_no_class_does_too_much() -> None:
    sizes = [size for path, source in LIBRARY.items() for size in class_sizes(path, source)]
    assert len(sizes) > 100
    assert [size for size in sizes if size.methods > MOST_METHODS] == []
    assert [size for size in sizes if size.attributes > MOST_ATTRIBUTES and size.name not in FLAT_RECORDS] == []


@pytest.mark.parametrize("package", MOST_REACH_INS)
def test_nobody_reaches_into_another_file(package: str) -> None:
    found = [reach for path, source in texts(package).items() for reach in reach_ins(path, source)]
    listed = "\n".join(f"{reach.path}:{reach.line} {reach.name}" for reach in found)
    assert len(found) <= MOST_REACH_INS[package], listed


def test_no_life_cycle_is_asserted() -> None:
    """`assert self.x is not None` says that an object has two lives; two objects have one each."""
    asserted = [
        f"{path}:{node.lineno}"
        for path, source in LIBRARY.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Assert) and re.search(r"self\.[\w.]+ is not None", ast.unparse(node.test))
    ]
    assert asserted == []


def test_one_constant_means_one_thing() -> None:
    several = {name: places for name, places in constants(LIBRARY).items() if len(set(places.values())) > 1}
    assert {name: places for name, places in several.items() if name not in TWO_MEANINGS} == {}


def test_no_two_modules_have_one_name() -> None:
    modules = defaultdict(list)
    for path in LIBRARY:
        modules[path.rpartition("/")[2]].append(path)
    shared = {name: paths for name, paths in modules.items() if len(paths) > 1 and not name.startswith("__")}
    assert {name: paths for name, paths in shared.items() if name not in SHARED_MODULES} == {}


SHARED_MODULES = {
    "history.py": "the documented path of timeline.history",
    "interpolation.py": "the documented path of timeline.interpolation",
    "prediction.py": "the documented path of timeline.prediction",
    "ticks.py": "the documented path of timeline.ticks",
    "session.py": "a client's connection, and a player's in a pygame loop",
}


def test_no_two_public_classes_have_one_name() -> None:
    classes = defaultdict(set)
    for path, source in LIBRARY.items():
        for node in ast.parse(source).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                classes[node.name].add(path)
    assert {name: paths for name, paths in classes.items() if len(paths) > 1} == {}


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("other._secret", ["_secret"]),
        ("self._own; cls._own", []),
        ("def f(other):\n    other._x = 1", ["_x"]),
        ("class A:\n    def set(self):\n        self._x = 1\n    def like(self, other):\n        return other._x", []),
        ("class A:\n    __slots__ = ('_x',)\nother._x", []),
        ("from .wire import _unpack", ["_unpack"]),
        ("from ._protocol import wire\nfrom .. import _io", []),
        ("other.__dict__", []),
    ],
)
def test_what_counts_as_reaching_in(source: str, names: list[str]) -> None:
    assert [reach.name for reach in reach_ins("a.py", source)] == names
