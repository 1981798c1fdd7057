"""Measures the sources: reach-ins across files, large modules, functions and classes. The bounds are in the tests."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from typing import NamedTuple


class ReachIn(NamedTuple):
    """`path` uses the underscored name `name` of another file's object, in the line `line`."""

    path: str
    line: int
    name: str


class ClassSize(NamedTuple):
    """How many methods and instance attributes a class defines itself."""

    path: str
    name: str
    methods: int
    attributes: int


@cache
def _parsed(source: str) -> list[ast.AST]:
    """Return the nodes of a file, each one before those in it."""
    return list(ast.walk(ast.parse(source)))


def reach_ins(path: str, source: str) -> list[ReachIn]:
    """Return each use of ``x._y`` in a file, where ``x`` is not self or cls, and the file does not define ``_y``.

    ``from x import _y`` counts. Names with two underscores at both ends are Python's own.
    """
    nodes = _parsed(source)
    own = set(_defined(nodes))
    return [ReachIn(path, line, name) for line, name in sorted(_used(nodes)) if _is_private(name) and name not in own]


def _is_private(name: str) -> bool:
    return name.startswith("_") and not (name.startswith("__") and name.endswith("__")) and name != "_"


def _used(nodes: list[ast.AST]) -> Iterator[tuple[int, str]]:
    for node in nodes:
        if isinstance(node, ast.Attribute):
            if not _is_self(node.value):
                yield node.lineno, node.attr
        elif isinstance(node, ast.ImportFrom):
            module = (node.module or "").rpartition(".")[2]
            if not _is_private(module):  # else it is a room, and its own names are meant for the package
                yield from ((node.lineno, alias.name) for alias in node.names if not _is_room(node, alias.name))


def _is_self(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def _is_room(node: ast.ImportFrom, name: str) -> bool:
    return (node.module or "pygase") == "pygase" and name in (
        "_io",
        "_protocol",
        "_state",
        "_client",
        "_server",
        "_lan",
        "_relay",
    )


def _defined(nodes: list[ast.AST]) -> Iterator[str]:
    """Yield the names that a file gives to functions, classes, variables, and attributes of self."""
    for node in nodes:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
            yield from (text for text in _slots(node))
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and _is_self(node.value):
            yield node.attr


def _slots(node: ast.AST) -> Iterator[str]:
    for statement in getattr(node, "body", ()):
        targets = getattr(statement, "targets", [])
        if isinstance(statement, ast.Assign) and [getattr(target, "id", "") for target in targets] == ["__slots__"]:
            yield from (
                text.value
                for text in ast.walk(statement.value)
                if isinstance(text, ast.Constant) and isinstance(text.value, str)
            )


def class_sizes(path: str, source: str) -> list[ClassSize]:
    """Return the size of each class of a file. A property counts as one method, with or without a setter."""
    return [
        ClassSize(path, node.name, len(_methods(node)), len(_attributes(node)))
        for node in _parsed(source)
        if isinstance(node, ast.ClassDef)
    ]


def _methods(node: ast.ClassDef) -> set[str]:
    return {item.name for item in node.body if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef))}


def _attributes(node: ast.ClassDef) -> set[str]:
    """The names assigned to ``self.name`` in its methods, and the fields of a dataclass or named tuple."""
    fields = {
        item.target.id
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and not any(word in ast.unparse(item.annotation) for word in ("ClassVar", "Final"))
    }
    stored = {
        item.attr
        for method in node.body
        if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef))
        for item in ast.walk(method)
        if isinstance(item, ast.Attribute)
        and isinstance(item.ctx, ast.Store)
        and isinstance(item.value, ast.Name)
        and item.value.id == "self"
    }
    return fields | stored


def lines_of(source: str) -> int:
    """Return how many lines a file has."""
    return len(source.splitlines())


def docstring_words(source: str) -> int:
    """Return how many words the docstrings of a file have, those below attributes and constants included."""
    return sum(
        len(node.value.value.split())
        for node in _parsed(source)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    )


def constants(sources: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return, by name, the module constants (``NAME = value``, in capitals) with their value in each file."""
    found: dict[str, dict[str, str]] = {}
    for path, source in sources.items():
        for name, value in _assigned(_parsed(source)[0]):
            if name.lstrip("_").isupper():
                found.setdefault(name.lstrip("_"), {})[path] = ast.unparse(value)
    return found


def _assigned(module: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    assert isinstance(module, ast.Module)
    for node in module.body:
        if isinstance(node, ast.Assign):
            yield from ((target.id, node.value) for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value
