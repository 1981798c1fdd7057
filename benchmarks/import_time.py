"""The time of `import pygase` and of its first names, beside a bare interpreter and `import asyncio`.

::

    python -m benchmarks.import_time [--runs 30] [--modules 15]

Each measurement is a new interpreter from start to end, as for somebody who types `python game.py`. The programs take
turns, so that a busy moment of the machine affects all of them. The median counts, and its difference to the bare
interpreter's. The target is 100 ms for pygase. `--modules` lists the most expensive modules, measured by
`python -X importtime` in one more run.

Bytecode is cached, as after any first start (pip compiles on installation). The cache is a directory of this run's own,
so that neither the shell's settings nor older caches matter.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
TARGET_MS = 100.0
PROGRAMS = {
    "bare interpreter": "pass",
    "import asyncio": "import asyncio",
    "import pygase": "import pygase",
    "pygase.Client": "from pygase import Client",
    "pygase.Backend": "from pygase import Backend",
    "import pygase_pygame": "import pygase_pygame",
}


class Module(NamedTuple):
    """One line of `-X importtime`: microseconds of the module alone, and with the modules that it imported first."""

    own_us: int
    with_imports_us: int
    name: str


def environment(cache: str) -> dict[str, str]:
    """Return the environment of a measured interpreter: this one's, with bytecode in `cache` and no extras."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {**kept, "PYTHONPYCACHEPREFIX": cache, "PYTHONPATH": str(ROOT)}


def run(program: str, env: dict[str, str], *options: str) -> tuple[float, str]:
    """Run `program` in a new interpreter. Return its time in milliseconds, and its stderr."""
    started_at = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *options, "-c", program], env=env, check=True, capture_output=True, text=True
    )
    return (time.perf_counter() - started_at) * 1e3, done.stderr


def measure(runs: int, env: dict[str, str]) -> dict[str, float]:
    """Return the median of `runs` measurements of each of PROGRAMS, in milliseconds, by name."""
    for program in PROGRAMS.values():
        run(program, env)  # fills the bytecode cache
    times: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    for _ in range(runs):
        for name, program in PROGRAMS.items():
            times[name].append(run(program, env)[0])
    return {name: statistics.median(values) for name, values in times.items()}


def modules(program: str, env: dict[str, str]) -> list[Module]:
    """Return the imports of `program`, most expensive first. The tracing slows all of them down."""
    _, report = run(program, env, "-X", "importtime")
    lines = (line.removeprefix("import time:").split("|") for line in report.splitlines() if "|" in line)
    found = [Module(int(own), int(total), name.strip()) for own, total, name in lines if own.strip().isdigit()]
    return sorted(found, key=lambda module: module.own_us, reverse=True)


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--runs", type=int, default=30, help="measurements of each program (default: 30)")
    parser.add_argument("--modules", type=int, default=0, help="list so many of the costliest modules")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as cache:
        env = environment(cache)
        medians = measure(max(options.runs, 1), env)
        costliest = modules(PROGRAMS["import pygase"], env)[: options.modules]
    bare = medians["bare interpreter"]
    for name, median in medians.items():
        print(f"{name:20} {median:7.1f} ms   {median - bare:+7.1f} ms")
    over = medians["import pygase"] - bare
    print(f"target: at most +{TARGET_MS:.0f} ms for import pygase: {'kept' if over <= TARGET_MS else 'MISSED'}")
    for module in costliest:
        print(f"{module.own_us / 1e3:7.1f} ms alone {module.with_imports_us / 1e3:7.1f} ms with imports  {module.name}")


if __name__ == "__main__":
    main()
