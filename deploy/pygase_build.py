"""The build backend: setuptools, with what pyproject.toml cannot express.

- A wheel holds the protocol compiled by mypyc. An editable install never does: it runs the .py files of the checkout.
  So it needs no mypy either. ``requires`` in pyproject.toml cannot distinguish the two, hooks of a backend can.
- ``_batches.c`` is compiled where there is a C compiler.
- A source distribution holds the games, the tests and the pages as well.
"""

import os
import sys
import sysconfig
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setuptools import Extension, setup
from setuptools.build_meta import _BuildMetaBackend
from setuptools.command.sdist import sdist
from setuptools.errors import BaseError, CompileError

MYPY = "mypy[mypyc]>=2.4,<2.5"
"""mypyc promises nothing from one release to the next about what it compiles, so a new one is tried before it is taken.
.ci/run runs the tests on what this range builds."""

ROOT = Path(__file__).resolve().parent.parent

QUICK = "-Wno-misleading-indentation"
"""The C file that mypyc writes has 60 MB. For this warning, which -Wall turns on, gcc reads its lines again and again:
it takes 26 s without it and 240 s with it."""

GROUP = "pygase"
"""mypyc puts all modules into one library, which it names after this: ``pygase__mypyc``, at the top level."""

COMPILED_ROOMS = ["pygase/_protocol"]
"""Folders in which mypyc compiles every module that does not stand in INTERPRETED."""

COMPILED_MODULES = [
    "pygase/_io/tickers.py",
    "pygase/_server/between_ticks.py",
    "pygase/_server/draft.py",
    "pygase/_server/event_handling.py",
    "pygase/_server/event_queue.py",
    "pygase/_server/failures.py",
    "pygase/_server/incoming.py",
    "pygase/_server/initial_state.py",
    "pygase/_server/loop.py",
    "pygase/_server/machine_plumbing.py",
    "pygase/_server/outgoing.py",
    "pygase/_server/players.py",
    "pygase/_server/remote_client.py",
    "pygase/_server/run.py",
    "pygase/_server/state_keeper.py",
    "pygase/_server/state_pace.py",
    "pygase/_server/time_step.py",
    "pygase/_server/turns.py",
    "pygase/_server/updates.py",
    "pygase/_server/wire_tree.py",
    "pygase/_state/codec.py",
    "pygase/_state/delta.py",
    "pygase/_state/event_codec.py",
    "pygase/_state/interest_grid.py",
    "pygase/_state/known_deltas.py",
    "pygase/_state/merging.py",
    "pygase/_state/packed_layout.py",
    "pygase/_state/packed_reader.py",
    "pygase/_state/packed_writer.py",
    "pygase/_state/precision.py",
    "pygase/_state/shared_inputs.py",
    "pygase/_state/sights.py",
    "pygase/_state/sizes.py",
    "pygase/_state/tree.py",
]
"""Single modules that mypyc compiles: those through which each tick of a server runs.

The rest of ``_state`` makes classes that users see and derive from. The rest of ``_server`` and ``_io`` runs seldom, or
checks users' data.
"""

INTERPRETED = {
    "pygase/_protocol/__init__.py": "has nothing but a docstring",
    "pygase/_protocol/acknowledged.py": "has a subclass of bytes, which mypyc cannot compile",
}
"""Modules of the compiled rooms that stay interpreted, each with the reason."""


SOURCES = ["assets", "benchmarks", "deploy", "docs", "games", "tests", ".ci"]
"""Folders that a source distribution holds beside the two libraries."""


class SourceDistribution(sdist):
    """A source distribution with all that a checkout has."""

    def make_distribution(self) -> None:
        """Pack the files."""
        for folder in SOURCES:
            self.filelist.graft(folder)
        for pattern in ("*.py[cod]", "*.so"):
            self.filelist.global_exclude(pattern)
        super().make_distribution()


class Backend(_BuildMetaBackend):
    """The hooks that pip calls."""

    def run_setup(self, setup_script: str = "setup.py") -> None:
        """Run setuptools. There is no setup script."""
        # A folder `build` that stays in the checkout would put deleted modules into the next wheel.
        with TemporaryDirectory() as folder:
            setup(
                ext_modules=extensions(folder),
                cmdclass={"sdist": SourceDistribution},
                options={"build": {"build_base": folder}},
            )

    def get_requires_for_build_wheel(self, config_settings: Any = None) -> list[str]:
        """Return what the build of a wheel needs beside setuptools: mypy, unless mypyc will not run."""
        needed = self.get_requires_for_build_editable(config_settings)
        return needed if why_interpreted() else [*needed, MYPY]

    def get_requires_for_build_editable(self, config_settings: Any = None) -> list[str]:
        """Return what an editable install needs beside setuptools: no mypy."""
        needed: list[str] = super().get_requires_for_build_wheel(config_settings)
        return needed


def extensions(folder: str) -> list[Extension]:
    """Return the extension modules to build.

    :param folder: the folder for the C files that mypyc writes.
    """
    reason = why_pure()
    if reason:
        say(f"a pure build, nothing is compiled: {reason}")
        return []
    batches = Extension("pygase._io._batches", ["pygase/_io/_batches.c"], optional=True)
    return [batches, *compiled_modules(folder)] if _is_wheel() else [batches]


def compiled_modules(folder: str) -> list[Extension]:
    """Return the extension modules that mypyc makes of the sources."""
    reason = why_interpreted()
    if reason:
        say(f"a build without mypyc: {reason}")
        return []
    try:
        from mypyc.build import mypycify
    except ImportError:
        say("a build without mypyc: mypy is not installed")
        return []
    sources = compiled_sources()
    say(f"mypyc compiles {len(sources)} modules")
    optimisation = os.environ.get("MYPYC_OPT_LEVEL", "3")  # 0 or 1 build in half the time, for tests
    options = ["--strict", f"--cache-dir={folder}/mypy", *sources]
    made: list[Extension] = mypycify(
        options, opt_level=optimisation, debug_level="0", group_name=GROUP, target_dir=folder
    )
    for extension in made:
        if f"-O{optimisation}" in extension.extra_compile_args:  # gcc or clang
            extension.extra_compile_args.append(QUICK)
    return made


def say(sentence: str) -> None:
    """Print one line in the log of a wheel's build, once: pip asks for metadata and requirements first."""
    if _is_wheel():
        print(f"pygase: {sentence}", file=sys.stderr)


def _is_wheel() -> bool:
    """Return whether setuptools builds a wheel, and neither an editable install nor a source distribution."""
    return "bdist_wheel" in sys.argv


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
    """Return whether a C file that includes Python.h can be compiled, by trying it."""
    from distutils.ccompiler import new_compiler  # setuptools brings it
    from distutils.sysconfig import customize_compiler

    with TemporaryDirectory() as folder:
        source = Path(folder, "probe.c")
        source.write_text("#include <Python.h>\n", encoding="ascii")
        compiler = new_compiler()
        customize_compiler(compiler)
        try:
            compiler.compile([str(source)], output_dir=folder, include_dirs=[sysconfig.get_path("include")])
        except (BaseError, CompileError):
            return False
    return True


_backend = Backend()
build_editable = _backend.build_editable
build_sdist = _backend.build_sdist
build_wheel = _backend.build_wheel
get_requires_for_build_editable = _backend.get_requires_for_build_editable
get_requires_for_build_sdist = _backend.get_requires_for_build_sdist
get_requires_for_build_wheel = _backend.get_requires_for_build_wheel
prepare_metadata_for_build_editable = _backend.prepare_metadata_for_build_editable
prepare_metadata_for_build_wheel = _backend.prepare_metadata_for_build_wheel
