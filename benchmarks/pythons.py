"""A server's CPU time on Python 3.11, 3.12 and 3.13, pure and compiled, in one table.

::

    python -m benchmarks.pythons [--versions 3.11,3.12,3.13] [--cells 8x20,64x20] [--rounds 3] [--seconds 4]
                                 [--pure-only] [--quick]

The workload is that of ``benchmarks/peers.py``. For each version that is on this machine, by ``pyenv`` or on the path,
it builds two wheels of this checkout, a pure one and one compiled by mypyc, each in an environment of its own. To
compile takes some minutes. The wheels are kept until a file of the library changes. The bare loop of a ratio is
run by the same Python, in the same round.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ._peers import environments
from ._peers.run import Figures, Side, datagram_sizes, run
from ._peers.table import markdown, median_of, ratio_of
from ._peers.workload import Load

PLAYERS = Side("play_pygase.py", from_checkout=True)


@dataclass
class Python:
    """One version: the Python of each of its wheels, and the rounds of each cell by the name of a server."""

    version: str
    wheels: dict[str, str]
    rounds: dict[tuple[str, Load], list[Figures]] = field(default_factory=dict)

    def measure(self, load: Load) -> None:
        """Run each wheel once, and the bare loop with datagrams as long as the last wheel's."""
        for name, python in self.wheels.items():
            last = self._note(name, load, run(load, Side("serve_pygase.py", python), PLAYERS))
        down, up = datagram_sizes(last)
        bare = Side("serve_bare.py", next(iter(self.wheels.values())), (str(down),))
        self._note("bare", load, run(load, bare, Side("play_bare.py", arguments=(str(up),))))

    def _note(self, name: str, load: Load, figures: Figures) -> Figures:
        print(f"    {self.version} {name:8} {figures.micros:8.2f} µs", flush=True)
        self.rounds.setdefault((name, load), []).append(figures)
        return figures

    def rows(self, loads: Sequence[Load]) -> Iterator[list[str]]:
        """Yield a line of the table for each wheel."""
        for name in self.wheels:
            cells = [self._cells(name, load) for load in loads]
            yield [self.version, name, *(cell for pair in cells for cell in pair)]

    def _cells(self, name: str, load: Load) -> tuple[str, str]:
        found, bare = self.rounds[name, load], self.rounds["bare", load]
        return f"{median_of(found, lambda figures: figures.micros):.1f}", f"{ratio_of(found, bare):.2f}"


def prepared(versions: Sequence[str], kinds: Sequence[str]) -> list[Python]:
    """Build the wheels of each version, two versions at a time; say which one is left out, and why."""

    def prepare(version: str) -> Python | None:
        print(f"  {version}: building {' and '.join(kinds)}, unless they are there", flush=True)
        try:
            wheels = {kind: environments.pygase_wheel(version, compiled=kind == "compiled") for kind in kinds}
        except environments.CannotInstall as failure:
            print(f"  {version} is left out: {failure}", flush=True)
            return None
        return Python(version, wheels)

    with ThreadPoolExecutor(max_workers=2) as pool:
        return [python for python in pool.map(prepare, versions) if python is not None]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--versions", default="3.11,3.12,3.13")
    parser.add_argument("--cells", default="8x20,64x20", help="clients x ticks per second, several with commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="measured in each run, after the warm-up")
    parser.add_argument("--pure-only", action="store_true", help="do not compile")
    parser.add_argument("--quick", action="store_true", help="one cell, one round of two seconds: to see that it runs")
    options = parser.parse_args()
    cells = [cell.split("x") for cell in options.cells.split(",")]
    if options.quick:
        cells, options.rounds, options.seconds = cells[:1], 1, 2.0
    loads = [Load(int(clients), float(hz), options.seconds) for clients, hz in cells]
    kinds = ["pure"] if options.pure_only else ["pure", "compiled"]
    pythons = prepared(options.versions.split(","), kinds)
    for load in loads:
        for number in range(options.rounds):
            print(f"  {load.clients} clients at {load.hz:g} Hz, round {number + 1} of {options.rounds}", flush=True)
            for python in pythons:
                python.measure(load)
    titles = [title for load in loads for title in (f"{load.clients} x {load.hz:g} Hz: µs", "× bare")]
    print("\n" + markdown(("Python", "wheel", *titles), [row for python in pythons for row in python.rows(loads)]))


if __name__ == "__main__":
    main()
