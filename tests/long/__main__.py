"""The long tests: sessions, datagrams of noise, and searches for inputs and programs that break a property.

::

    python -m tests.long                                   everything, in full
    python -m tests.long sessions --count 200 --seed 5000  200 sessions, from seed 5000 on
    python -m tests.long fuzz --datagrams 10000000         ten million datagrams, open and encrypted
    python -m tests.long fuzz --only endpoint --encrypted  one kind: decoders, endpoint, game or sockets
    python -m tests.long model --count 10000               ten thousand programs of players, cables and servers
    python -m tests.long packed --count 5000000            packed deltas of five million pairs of states
    python -m tests.long properties                        the tests by hypothesis, with 1,000 examples each

It prints every failure with the arguments that repeat it, and returns 1 if there was one. A seed does the same each
time, on every machine.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from typing import Final

from tests.long.work import PAIRS, ROUND, Pairs, compare_packed, fuzz, play_session, rounds, run_all, search, searches

SESSIONS: Final = 1_000
PROGRAMS: Final = 10_000
DATAGRAMS: Final = 1_000_000
PAIRS_IN_ALL: Final = 1_000_000


def run_sessions(options: argparse.Namespace) -> int:
    """Play sessions. Return the number of those that failed."""
    seeds = range(options.seed, options.seed + (options.count or SESSIONS))
    return run_all("sessions", play_session, seeds, options.processes)


def run_fuzz(options: argparse.Namespace) -> int:
    """Send noise. Return the number of rounds that failed."""
    jobs = rounds(options.datagrams, options.seed, encrypted=options.encrypted, only=options.only)
    failed = 0
    for kind in ROUND:
        of_kind = [job for job in jobs if job.kind == kind]
        failed += run_all(f"fuzz, {kind}", fuzz, of_kind, options.processes) if of_kind else 0
    return failed


def run_model(options: argparse.Namespace) -> int:
    """Run programs against the model. Return the number of searches that failed."""
    jobs = searches(options.count or PROGRAMS, options.seed, encrypted=options.encrypted)
    return run_all("model", search, jobs, options.processes)


def compare_packed_deltas(options: argparse.Namespace) -> int:
    """Compare packed deltas with plain ones. Return the number of pieces of work that failed."""
    end = options.seed + (options.count or PAIRS_IN_ALL)
    jobs = [Pairs(begin, min(PAIRS, end - begin)) for begin in range(options.seed, end, PAIRS)]
    return run_all("packed", compare_packed, jobs, options.processes)


def search_properties(options: argparse.Namespace) -> int:
    """Run the suite's tests by hypothesis with many examples. Return the number of failed runs: 0 or 1."""
    arguments = ["-m", "hypothesis", "--hypothesis-profile=long", "--timeout=0", "-q", f"-n={options.processes}"]
    return int(subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode != 0)


WORK: Final = {
    "sessions": run_sessions,
    "fuzz": run_fuzz,
    "model": run_model,
    "packed": compare_packed_deltas,
    "properties": search_properties,
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=[*WORK, "all"], default="all")
    parser.add_argument("--count", type=int, help="how many sessions, programs of the model, or pairs of states")
    parser.add_argument("--datagrams", type=int, default=DATAGRAMS, help="how many datagrams of noise")
    parser.add_argument("--only", choices=list(ROUND), help="the kind of fuzzing")
    parser.add_argument("--encrypted", action="store_true", help="encrypt every connection of fuzz or model")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    chosen = list(WORK) if options.what == "all" else [options.what]
    return 1 if sum(WORK[name](options) for name in chosen) else 0


if __name__ == "__main__":
    sys.exit(main())
