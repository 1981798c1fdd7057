"""The build backend: setuptools, and mypy where a wheel is to be compiled. ``setup.py`` asks the same functions.

A wheel holds the protocol compiled by mypyc. An editable install never does: it runs the .py files that are written,
so it does not need mypy either. ``requires`` in pyproject.toml cannot distinguish the two, hooks of a backend can.
"""

import os
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403 (a backend is its module's names)
from setuptools.errors import BaseError, CompileError

MYPY = "mypy[mypyc]>=2.4,<2.5"
"""mypyc promises nothing from one release to the next about what it compiles, so a new one is tried before it is taken.
.ci/run runs the tests on what this range builds."""

ROOT = Path(__file__).resolve().parent.parent

GROUP = "pygase"
"""mypyc puts all modules into one library, which it names after this: ``pygase__mypyc``, at the top level."""

COMPILED_ROOMS = ["pygase/_protocol"]
"""Folders in which mypyc compiles every module that does not stand in INTERPRETED."""

COMPILED_MODULES = [
    "pygase/_state/codec.py",
    "pygase/_state/delta.py",
    "pygase/_state/sizes.py",
    "pygase/_state/tree.py",
]
"""Single modules that mypyc compiles. What else is in ``_state`` makes the classes that users see and derive from."""

INTERPRETED = {
    "pygase/_protocol/__init__.py": "has nothing but a docstring",
    "pygase/_protocol/acknowledged.py": "has a subclass of bytes, which mypyc cannot compile",
}
"""Modules of the compiled rooms that stay interpreted, each with the reason."""


def get_requires_for_build_wheel(config_settings: Any = None) -> list[str]:
    """Return what the build of a wheel needs beside setuptools: mypy, unless mypyc will not run."""
    needed: list[str] = build_meta.get_requires_for_build_wheel(config_settings)
    return needed if why_interpreted() else [*needed, MYPY]


def compiled_sources() -> list[str]:
    """Return the paths, from the root of the project, of the modules that mypyc compiles."""
    found = [file.relative_to(ROOT).as_posix() for room in COMPILED_ROOMS for file in ROOT.glob(f"{room}/*.py")]
    return sorted(set(found) - INTERPRETED.keys() | set(COMPILED_MODULES))


def why_pure() -> str | None:
    """Return the reason to compile nothing at all, or None if there is none."""
    if os.environ.get("PYGASE_PUREPYTHON", "0") not in ("", "0"):
        return "PYGASE_PUREPYTHON is set"
    return None if _has_compiler() else "there is no C compiler that finds Python.h"


def why_interpreted() -> str | None:
    """Return the reason to leave mypyc out of a wheel, or None if there is none."""
    if sys.implementation.name != "cpython":
        return f"mypyc compiles for CPython, not for {sys.implementation.name}"
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        return "mypyc's modules rely on the global lock, which this Python does not have"
    return why_pure()


def _has_compiler() -> bool:
    """Tell whether a C file that includes Python.h can be compiled, by trying it."""
    from distutils.ccompiler import new_compiler  # setuptools brings it
    from distutils.sysconfig import customize_compiler

    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\n", encoding="ascii")
        compiler = new_compiler()
        customize_compiler(compiler)
        try:
            compiler.compile([str(source)], output_dir=folder, include_dirs=[sysconfig.get_path("include")])
        except (BaseError, CompileError):
            return False
    return True
