"""For PyInstaller, which finds this by the entry point ``pyinstaller40``: the modules of PyGaSe that it cannot see.

PyInstaller reads the imports of Python files. A wheel has compiled modules, whose imports it cannot read. Nothing here
imports PyInstaller, and nothing of PyGaSe imports this.
"""

from __future__ import annotations

import importlib.util
from importlib.machinery import all_suffixes
from pathlib import Path
from typing import Final

COMPILED: Final = "pygase__mypyc"
"""The library of all compiled modules, at the top level, where an installation has one."""

_HERE: Final = Path(__file__).parent


def hook_dirs() -> list[str]:
    """Return the folders of the hooks. PyInstaller calls this, and runs ``hook-pygase.py`` for a program that imports
    pygase."""
    return [str(_HERE)]


def hidden_imports() -> list[str]:
    """Return the names of all modules of PyGaSe, and of the library of the compiled ones."""
    compiled = [COMPILED] if importlib.util.find_spec(COMPILED) is not None else []
    return sorted({"pygase", *_modules_below(_HERE.parent)}) + compiled


def _modules_below(package: Path) -> set[str]:
    """Return the dotted names of the Python files and extension modules in a package's folder, but for these hooks."""
    suffixes = sorted(all_suffixes(), key=len, reverse=True)  # ".cpython-311-x86_64-linux-gnu.so" before ".so"
    found = set()
    for file in package.rglob("*"):
        suffix = next((each for each in suffixes if file.name.endswith(each)), None)
        if suffix is not None and _HERE not in file.parents and "__pycache__" not in file.parts:
            parts = [*file.relative_to(package).parent.parts, file.name.removesuffix(suffix)]
            found.add(".".join([package.name, *[part for part in parts if part != "__init__"]]))
    return found
