"""Reads the imports of a tree of sources and finds violations of the house's rules.

One arrow, always downward: a module may import modules of its own floor or below, never from above. Some rooms have
further rules. The tables are the rules; the code below them applies them.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import NamedTuple

SERVING = ["pygase.backend", "pygase.store", "pygase.machine", "pygase.server"]

FLOORS: list[tuple[str, list[str]]] = [
    # lowest first; a name is a module, or a package with everything in it (but `pygase` only its __init__)
    (
        "the ground",
        [
            *["pygase.utils", "pygase.addresses", "pygase.invites", "pygase.errors", "pygase.config", "pygase.names"],
            "pygase._diagnostics",
        ],
    ),
    ("plain values", ["pygase._state", "pygase.links"]),
    ("events and state", ["pygase.event", "pygase.gamestate", "pygase.registering"]),
    ("the protocol", ["pygase._protocol"]),
    ("protocols beside it", ["pygase._lan", "pygase._relay"]),
    ("past states", ["pygase.timeline"]),
    ("sockets and clocks", ["pygase._io"]),
    ("parts of the faces", ["pygase.checks", "pygase._client", "pygase._server", "pygase.connection"]),
    ("the faces", ["pygase.client", "pygase.discovery", "pygase.installation", "pygase.seats", *SERVING]),
    ("documented paths", ["pygase.history", "pygase.interpolation", "pygase.prediction", "pygase.ticks"]),
    ("the public names", ["pygase"]),
    ("many games in a process", ["pygase.rooms"]),
    ("the tools", ["pygase.testing", "pygase.repeating", "pygase.__main__", "pygase._pyinstaller"]),
    ("the adapter", ["pygase_pygame"]),
    ("the shell of a whole game", ["pygase_pygame.app"]),
    ("the games", ["games"]),
]

PURE = [
    *[
        "pygase._state",
        "pygase._protocol",
        "pygase._lan",
        "pygase._relay",
        "pygase.timeline",
        "pygase.event",
        "pygase.gamestate",
    ],
    *["pygase.links", "pygase._client.conditioner", "pygase._io.nat"],
    *[
        "pygase._server.watching",
        "pygase._server.reused_keys",
        "pygase._server.changes_in_place",
        "pygase._server.slow_ticks",
    ],
    *["pygase._server.checkpoint", "pygase._server.checkpoint_text"],
    "pygase.seats",
]
THREADS_AND_CLOCKS = ["asyncio", "threading", "time", "concurrent"]
SOCKETS = ["socket", "select", "selectors"]
CHANCE = ["random", "secrets"]


class Never(NamedTuple):
    """`rooms` must not import `what`, for the reason `why`."""

    rooms: list[str]
    what: list[str]
    why: str


NEVER = [
    Never(
        PURE,
        [*THREADS_AND_CLOCKS, *SOCKETS, *CHANCE],
        "time and chance are arguments, so a test can repeat them",
    ),
    Never(["pygase._protocol"], ["pygase.event", "pygase.gamestate"], "it moves plain trees and messages"),
    Never(
        ["pygase.checks", "pygase.connection", "pygase.client", "pygase.discovery", *SERVING],
        [*SOCKETS, *CHANCE, "time"],
        "sockets, clock and chance come from _io, which a simulation replaces",
    ),
    Never(["pygase"], ["pygame"], "the library works without a window"),
    Never(["pygase_pygame"], ["pygase.*"], "the adapter sees only the names that `pygase` itself has"),
    Never(["pygase_pygame"], ["games", "assets"], "it is installed without them"),
    Never(["games"], ["pygase._*"], "what begins with an underscore is the library's own"),
    Never(
        ["games.*.rules"],
        ["pygame", "pygase", "pygase_pygame"],
        "rules are pure: server and prediction run them",
    ),
    Never(
        ["games.*.rules"],
        ["games.*.client", "games.*.server", "games.*.bot", "games.*.__main__"],
        "rules know nobody who plays by them",
    ),
]

THIRD_PARTY = {"pygase": {"msgpack"}, "pygase_pygame": {"pygame"}, "games": {"pygame"}}
"""The allowed imports of each package, beside the standard library and ourselves."""

INSIDE_FUNCTIONS_ONLY = {
    ("pygase.utils", "msgpack"): "Sendable, alone on the ground, needs it, and only when used",
    ("pygase._protocol.crypto", "cryptography"): "an extra: imported when the first key is made, and nowhere else",
}
"""Exceptions, each with its reason: the ground imports nothing but the standard library, the others THIRD_PARTY."""


class Import(NamedTuple):
    """`importer` imports `imported`, both dotted module names, in the line `line` of its source."""

    importer: str
    imported: str
    line: int
    inside_function: bool
    types_only: bool  # under `if TYPE_CHECKING:`, so it never runs


def violations(sources: Mapping[str, str]) -> list[str]:
    """Return a sentence for each import that breaks a rule, and for each module that stands nowhere.

    `sources` has the text of each file by its path from the root of the project, with `/`.
    """
    modules = {module_name(path) for path in sources}
    lost = [f"{module} stands on no floor: give it one in FLOORS" for module in modules if floor_of(module) is None]
    found = [complaint for path in sources for complaint in _complaints(path, sources[path], modules)]
    return sorted(lost) + found


def circles(sources: Mapping[str, str]) -> list[str]:
    """Return each module that imports itself through others, counting only imports that run at import time."""
    modules = {module_name(path) for path in sources}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for path, source in sources.items():
        for found in imports_of(path, source, modules):
            if found.imported in modules and not found.inside_function and not found.types_only:
                graph[found.importer].add(found.imported)
    return sorted(module for module in modules if module in _reachable(graph, module))


def module_name(path: str) -> str:
    """Return the dotted name of the module in the file `path`."""
    parts = PurePosixPath(path).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def floor_of(module: str) -> int | None:
    """Return the height of the floor on which `module` stands, None if it stands on none."""
    heights = {room: height for height, (_, rooms) in enumerate(FLOORS) for room in rooms}
    while module not in heights:
        module, dot, _ = module.rpartition(".")
        if not dot or module == "pygase":
            return None
    return heights[module]


def imports_of(path: str, source: str, modules: set[str]) -> Iterator[Import]:
    """Yield every import in `source`, at any depth. `modules` separates submodules from other names."""
    importer = module_name(path)
    package = importer if path.endswith("__init__.py") else importer.rpartition(".")[0]
    for node, inside_function, types_only in _walk(ast.parse(source), False, False):
        for imported in _imported_by(node, package, modules):
            yield Import(importer, imported, getattr(node, "lineno", 0), inside_function, types_only)


def _walk(node: ast.AST, inside_function: bool, types_only: bool) -> Iterator[tuple[ast.AST, bool, bool]]:
    yield node, inside_function, types_only
    inside_function = inside_function or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda))
    guarded = node.body if isinstance(node, ast.If) and _is_type_checking(node.test) else []
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, inside_function, types_only or child in guarded)


def _is_type_checking(test: ast.expr) -> bool:
    return getattr(test, "id", getattr(test, "attr", None)) == "TYPE_CHECKING"


def _imported_by(node: ast.AST, package: str, modules: set[str]) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
        base = ".".join([*above, *([node.module] if node.module else [])])
        for alias in node.names:
            submodule = f"{base}.{alias.name}"
            yield submodule if submodule in modules else base
    elif isinstance(node, ast.Call) and _is_import_call(node.func) and node.args:
        name = node.args[0]
        if isinstance(name, ast.Constant) and isinstance(name.value, str):
            yield name.value


def _is_import_call(function: ast.expr) -> bool:
    return getattr(function, "id", getattr(function, "attr", None)) in ("__import__", "import_module")


def _complaints(path: str, source: str, modules: set[str]) -> Iterator[str]:
    for found in imports_of(path, source, modules):
        for complaint in (*_upward(found), *_never(found), *_third_party(found)):
            yield f"{path}:{found.line}: {found.importer} imports {found.imported}: {complaint}"


def _upward(found: Import) -> Iterator[str]:
    here, there = floor_of(found.importer), floor_of(found.imported)
    if here is not None and there is not None and there > here:
        yield f"it points upward, from {FLOORS[here][0]} to {FLOORS[there][0]}"


def _never(found: Import) -> Iterator[str]:
    for rule in NEVER:
        if not _is_in(found.importer, rule.rooms) or not _is_in(found.imported, rule.what):
            continue
        if found.types_only and floor_of(found.imported) is None:
            continue  # naming a type of the standard library runs nothing
        yield rule.why


def _third_party(found: Import) -> Iterator[str]:
    top = found.imported.partition(".")[0]
    if top in sys.stdlib_module_names or top in THIRD_PARTY:
        return
    if found.inside_function and (found.importer, top) in INSIDE_FUNCTIONS_ONLY:
        return
    if floor_of(found.importer) == 0:
        yield "the ground is standard library only"
    elif top not in THIRD_PARTY.get(found.importer.partition(".")[0], set()):
        yield "no dependency of ours"


def _is_in(module: str, rooms: Iterable[str]) -> bool:
    return any(fnmatchcase(module, room) or fnmatchcase(module, room + ".*") for room in rooms)


def _reachable(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(graph[module])
    return seen
