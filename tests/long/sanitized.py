"""Fuzzing with the C code under AddressSanitizer and UndefinedBehaviorSanitizer.

::

    python -m tests.long.sanitized --datagrams 1000000

It builds a wheel in which ``_batches.c`` and the C code that mypyc makes are compiled with
``-fsanitize=address,undefined``, installs it in a new environment outside the checkout, and runs the decoders, the
endpoints and the sockets of ``python -m tests.long fuzz`` on it, the packed deltas of ``python -m tests.long packed``,
and the tests of ``_batches.c``. A fault ends the run with the sanitizer's report.

It needs Linux and gcc with its libasan and libubsan.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
# mypyc's own header shifts 1 into the sign bit, which gcc defines. Python's headers rely on the same.
FLAGS: Final = (
    "-fsanitize=address,undefined -fno-sanitize=shift-base -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g"
)

# Python frees nothing at its end, so leaks of the process mean nothing. Its own allocator would hide single objects
# from the sanitizer, so PYTHONMALLOC turns it off. The sanitizer keeps freed memory for a while, here less of it
# than a round may grow by.
RUN_WITH: Final = {
    "ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:allocator_may_return_null=1:quarantine_size_mb=16",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "PYTHONMALLOC": "malloc",
}
PACKAGES: Final = ["msgpack", "cryptography", "pytest", "pytest-timeout", "pytest-xdist", "hypothesis"]
ROUNDS: Final[list[tuple[str, float, list[str]]]] = [
    ("decoders", 0.6, []),
    ("endpoint", 0.19, []),
    ("endpoint", 0.19, ["--encrypted"]),
    ("sockets", 0.02, []),
]
"""Kind, share and further arguments of each part of the run."""

PAIRS: Final = 0.005
"""Pairs of states for packed deltas, as a share of the datagrams."""


def library(name: str) -> str:
    """Return the path of one of the compiler's libraries."""
    found = subprocess.run(["gcc", f"-print-file-name={name}"], check=True, capture_output=True, text=True)
    return found.stdout.strip()


def build(folder: Path) -> None:
    """Build the wheel and install it, and put the tests into a folder without ``pygase``."""
    folder.mkdir(exist_ok=True)
    environment = os.environ | {"CFLAGS": FLAGS, "LDFLAGS": "-fsanitize=address,undefined", "MYPYC_OPT_LEVEL": "0"}
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = folder / "source"
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".git", "*.so", "__pycache__", "*.egg-info", ".*_cache")
    )
    wheel = ["wheel", "--no-deps", "--wheel-dir", folder, source]
    subprocess.run([*pip, *wheel], check=True, env=environment)
    subprocess.run([*pip, "install", *folder.glob("pygase-*.whl"), *PACKAGES], check=True)
    (folder / "run").mkdir()
    for name in ("tests", "docs", "pyproject.toml"):
        (source / name).rename(folder / "run" / name)


def run(python: Path, folder: Path, arguments: list[str]) -> int:
    """Run Python with the sanitizers. Return its exit code."""
    preload = f"{library('libasan.so')}:{library('libubsan.so')}"
    environment = os.environ | RUN_WITH | {"LD_PRELOAD": preload}
    environment.pop("PYTHONPATH", None)
    return subprocess.run([python, *arguments], cwd=folder / "run", env=environment, check=False).returncode


def main(arguments: list[str] | None = None) -> int:
    """Build and run. Return 1 if something is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.long.sanitized", description=__doc__.partition("\n")[0])
    parser.add_argument("--datagrams", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="build there, or run what was built there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="pygase-sanitized-") as name:
        folder, began = options.folder or Path(name), time.monotonic()
        python = folder / "venv" / "bin" / "python"
        if not python.exists():
            build(folder)
            print(f"built in {time.monotonic() - began:.0f} s", flush=True)
        shown = "import pygase; info = pygase.build_info(); print(info); assert info.compiled and info.batches"
        failed = run(python, folder, ["-c", shown])
        alone = ["--seed", str(options.seed), "--processes", "1"]
        for kind, share, mode in ROUNDS:
            size = ["--datagrams", str(int(options.datagrams * share))]
            failed |= run(python, folder, ["-m", "tests.long", "fuzz", "--only", kind, *size, *mode, *alone])
        pairs = ["--count", str(int(options.datagrams * PAIRS))]
        failed |= run(python, folder, ["-m", "tests.long", "packed", *pairs, *alone])
        failed |= run(python, folder, ["-m", "pytest", "-q", "-n", "0", "tests/io/test_batches.py"])
    print("the sanitizers have found nothing" if not failed else "FAILED", flush=True)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
