"""What is compiled, and when: ``_batches.c`` where there is a C compiler, the protocol only in a wheel.

Everything else about the package stands in pyproject.toml.
"""

import os
import sys
from tempfile import TemporaryDirectory

from pygase_build import GROUP, compiled_sources, why_interpreted, why_pure
from setuptools import Extension, setup


def extensions(folder: str) -> list[Extension]:
    """Return the extension modules to build; says in one line what they are.

    :param folder: where to write the C files that mypyc makes.
    """
    reason = why_pure()
    if reason:
        print(f"pygase: a pure build, nothing is compiled: {reason}", file=sys.stderr)
        return []
    batches = Extension("pygase._io._batches", ["pygase/_io/_batches.c"], optional=True)
    if "bdist_wheel" not in sys.argv:  # an editable install, or a source distribution
        return [batches]
    reason = why_interpreted()
    if reason:
        print(f"pygase: a build without mypyc: {reason}", file=sys.stderr)
        return [batches]
    try:
        from mypyc.build import mypycify
    except ImportError:
        print("pygase: a build without mypyc: mypy is not installed", file=sys.stderr)
        return [batches]
    sources = compiled_sources()
    print(f"pygase: mypyc compiles {len(sources)} modules", file=sys.stderr)
    options = ["--strict", f"--cache-dir={folder}/mypy"]
    optimisation = os.environ.get("MYPYC_OPT_LEVEL", "3")  # 0 or 1 build in half the time, for tests
    modules = mypycify(
        [*options, *sources], opt_level=optimisation, debug_level="0", group_name=GROUP, target_dir=folder
    )
    return [batches, *modules]


# A folder `build` that stays in the checkout would put deleted modules into the next wheel.
with TemporaryDirectory() as folder:
    setup(ext_modules=extensions(folder), options={"build": {"build_base": folder}})
