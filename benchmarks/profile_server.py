"""Where the time of a server's tick goes, as text.

::

    python -m benchmarks.profile_server [--clients 8] [--hz 20] [--seconds 8] [--python PYTHON] [--lines 30] [--quick]

The workload is that of ``benchmarks/peers.py``. Three runs of the same server:

1. alone: the CPU time of a tick, and how often the process slept in it;
2. under ``perf``, if it is installed: the shares of the kernel, of Python itself and of compiled modules, and the
   functions in them. A share times the CPU time of a tick is the time in the table;
3. under cProfile: for each function of Python, and each one of C that Python calls, how often a tick calls it, and the
   time in it. The profiler makes each call dearer: read these times as shares, and the number of calls as exact.

``--python`` is the Python of an environment with another PyGaSe, such as a compiled wheel; ``build`` builds one. perf
sees into compiled modules, cProfile does not.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from ._peers import environments
from ._peers.run import Figures, Side, run
from ._peers.table import markdown
from ._peers.workload import Load

PLAYERS = Side("play_pygase.py", from_checkout=True)
SAMPLE_NANOSECONDS = 100_000
"""CPU time between two samples. A frequency instead starts anew whenever the process wakes, and finds nothing."""


def by_functions(figures: Figures, lines: int) -> str:
    """Return the table of cProfile: the functions with most time of their own."""
    found = sorted(figures.profile, key=lambda line: line[2], reverse=True)
    rows = [
        (f"{own * 1e6:.1f}", f"{total * 1e6:.1f}", f"{calls:.1f}", name) for name, calls, own, total in found[:lines]
    ]
    return markdown(("own µs", "with callees", "calls", "function"), rows)


class Perf:
    """Samples a process into a file, and reads the file."""

    def __init__(self, folder: str, seconds: float) -> None:
        self._file = str(Path(folder) / "perf.data")
        self._seconds = seconds
        self._process: subprocess.Popen[bytes] | None = None

    def watch(self, pid: int) -> None:
        """Sample a process for as long as the run is measured, a little less."""
        command = ["perf", "record", "-q", "-e", "cpu-clock", "-c", str(SAMPLE_NANOSECONDS), "-o", self._file]
        rest = ["-p", str(pid), "--", "sleep", str(self._seconds * 0.9)]
        self._process = subprocess.Popen([*command, *rest], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def table(self, sort: str, tick_micros: float, lines: int) -> str:
        """Return the shares by ``sort`` (``dso``, or ``dso,symbol``) as a table, with the time a tick spends there."""
        if self._process is not None:
            self._process.wait(self._seconds + 20)
        command = ["perf", "report", "-i", self._file, "--stdio", "--sort", sort, "-g", "none"]
        done = subprocess.run(command, capture_output=True, text=True)
        shares = list(shares_of(done.stdout))[:lines]
        rows = [(f"{share:.1f} %", f"{share / 100 * tick_micros:.1f}", place) for share, place in shares]
        return markdown(("share", "µs a tick", sort.replace(",", " and ")), rows)


def shares_of(report: str) -> Iterator[tuple[float, str]]:
    """Yield each line of a report of perf: the share in percent, and the place that has it."""
    for line in report.splitlines():
        share, _, place = line.strip().partition("%")
        if place and not line.startswith("#"):
            yield float(share), " ".join(place.split()).removesuffix(" - -")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--hz", type=float, default=20.0)
    parser.add_argument("--seconds", type=float, default=8.0, help="of each run")
    parser.add_argument("--lines", type=int, default=30, help="lines of each table")
    parser.add_argument("--python", metavar="PYTHON", help="one that has another PyGaSe, or the word build")
    parser.add_argument("--quick", action="store_true", help="two seconds a run: to see that it runs")
    options = parser.parse_args()
    load = Load(options.clients, options.hz, 2.0 if options.quick else options.seconds)
    server = Side("serve_pygase.py", from_checkout=True)
    if options.python is not None:
        python = environments.pygase_wheel() if options.python == "build" else options.python
        server = Side("serve_pygase.py", python)
    report(load, server, options.lines)


def report(load: Load, server: Side, lines: int) -> None:
    """Run the server three times, and print what each brought."""
    print(server.about_pygase())
    print(f"{load.clients} clients at {load.hz:g} Hz", flush=True)
    plain = run(load, server, PLAYERS)
    tick_micros = plain.micros * load.clients
    print(f"a tick: {tick_micros:.0f} µs of CPU time, {plain.micros:.1f} by client; sleeps: {plain.wakes_a_tick:.2f}\n")
    if shutil.which("perf"):
        with tempfile.TemporaryDirectory() as folder:
            perf = Perf(folder, load.seconds)
            run(load, server, PLAYERS, watch=perf.watch)
            print(perf.table("dso", tick_micros, lines), "\n")
            print(perf.table("dso,symbol", tick_micros, lines), "\n", flush=True)
    else:
        print("perf is not installed: no shares of the kernel and of compiled code\n", file=sys.stderr)
    profiled = run(load, replace(server, arguments=("profiled",)), PLAYERS)
    print(by_functions(profiled, lines))


if __name__ == "__main__":
    main()
