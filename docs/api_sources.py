"""Reads the sources for docs/make_api.py: which names a module has, where each is defined, what stands there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

Definition = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Assign | ast.AnnAssign | ast.Module


class Found(NamedTuple):
    """A definition, the dotted name of its module, and the docstring that belongs to it."""

    node: Definition
    module: str
    doc: str


class Sources:
    """The parsed sources of a project.

    :param root: the folder that holds the packages.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self.module = cache(self._parse)
        self.imports = cache(self._imports)
        self.resolve = cache(self._resolve)

    def exported(self, module: str) -> list[str]:
        """Return what ``__all__`` lists; without it, every name that the module defines without an underscore."""
        tree = self.module(module)
        for node in tree.body:
            if isinstance(node, ast.Assign) and _target(node) == "__all__":
                listed: list[str] = ast.literal_eval(node.value)
                return listed
        return [name for name, node in _definitions(tree) if not name.startswith("_") and _is_documented(tree, node)]

    def is_package(self, name: str) -> bool:
        """Return whether a dotted name is a package, and neither a module nor a name in one."""
        return (self._root / name.replace(".", "/") / "__init__.py").exists()

    def modules_of(self, package: str) -> list[str]:
        """Return the dotted names of a package's public modules."""
        files = sorted((self._root / package.replace(".", "/")).glob("[!_]*.py"))
        return [f"{package}.{file.stem}" for file in files]

    def rooms(self, package: str) -> dict[str, list[str]]:
        """Return the modules of a package and of the packages in it: ``folder → dotted names``."""
        folder = self._root / package.replace(".", "/")
        files = [file for file in sorted(folder.glob("*.py")) if file.stem != "__init__"]
        here = {package.replace(".", "/"): [package, *(f"{package}.{file.stem}" for file in files)]}
        inner = sorted(child.name for child in folder.iterdir() if (child / "__init__.py").exists())
        for name in inner:
            here.update(self.rooms(f"{package}.{name}"))
        return here

    def find(self, name: str) -> Found:
        """Return the definition of a dotted name, such as ``pygase.Client``.

        :raises LookupError: if there is none.
        """
        resolved = self.resolve(name)
        if self._file(resolved) is not None:
            tree = self.module(resolved)
            return Found(tree, resolved, ast.get_docstring(tree) or "")
        module, _, last = resolved.rpartition(".")
        tree = self.module(module)
        for each, node in _definitions(tree):
            if each == last:
                return Found(node, module, docstring(node, tree))
        raise LookupError(f"{name} is defined nowhere")

    def bases(self, found: Found) -> Iterator[Found]:
        """Yield the base classes of a class that are defined in this project, nearest first."""
        if not isinstance(found.node, ast.ClassDef):
            return
        for base in found.node.bases:
            try:
                there = self.find(f"{found.module}.{ast.unparse(base)}")
            except LookupError:
                continue
            yield there
            yield from self.bases(there)

    def _resolve(self, name: str) -> str:
        """Return the dotted name under which something is defined, following imports and aliases."""
        module, _, last = name.rpartition(".")
        if self._file(name) is not None or self._file(module) is None:
            return name
        imported = self.imports(module).get(last)
        if imported is not None:
            return self.resolve(imported)
        defined = dict(_definitions(self.module(module)))
        value = getattr(defined.get(last), "value", None)
        if isinstance(value, ast.Name) and (value.id in defined or value.id in self.imports(module)):
            return self.resolve(f"{module}.{value.id}")
        return name

    def _imports(self, module: str) -> dict[str, str]:
        """Return what a module imports from this project, also for types only: ``name → dotted name``."""
        tree = self.module(module)
        guarded = [node for each in tree.body if isinstance(each, ast.If) for node in each.body]
        return {
            alias.asname or alias.name: f"{self._origin(module, node)}.{alias.name}"
            for node in (*tree.body, *guarded)
            if isinstance(node, ast.ImportFrom) and self._file(self._origin(module, node)) is not None
            for alias in node.names
        }

    def _origin(self, module: str, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = module if self.is_package(module) else module.rpartition(".")[0]
        parts = package.split(".")
        return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])

    def _file(self, module: str) -> Path | None:
        path = self._root / module.replace(".", "/")
        return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.exists()), None)

    def _parse(self, module: str) -> ast.Module:
        file = self._file(module)
        if file is None:
            raise LookupError(f"there is no module {module}")
        return ast.parse(file.read_text(encoding="utf-8"))


def docstring(node: ast.AST, parent: ast.Module | ast.ClassDef | ast.FunctionDef) -> str:
    """Return a definition's docstring; for an assignment, the string in the line after it."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef, ast.Module)):
        return ast.get_docstring(node) or ""
    following = parent.body[parent.body.index(node) + 1 :] if isinstance(node, ast.stmt) else []
    after = following[0] if following else None
    if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant) and isinstance(after.value.value, str):
        return "\n".join(line.strip() for line in after.value.value.splitlines())
    return ""


def _definitions(tree: ast.Module) -> Iterator[tuple[str, Definition]]:
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            yield _target(node), node


def _is_documented(tree: ast.Module, node: Definition) -> bool:
    """Constants without a docstring, such as a logger, are nobody's business."""
    return not isinstance(node, (ast.Assign, ast.AnnAssign)) or bool(docstring(node, tree))


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else ""
