"""The long tests: 1,000 sessions, a million datagrams, and a search for inputs that break a property.

::

    python -m tests.long                                   all three, in full
    python -m tests.long sessions --count 200 --seed 5000  200 sessions, from seed 5000 on
    python -m tests.long fuzz --count 100000               100,000 datagrams
    python -m tests.long properties                        the tests by hypothesis, with 1,000 examples each

It prints the seed and the parameters of every failure, and returns 1 if there was one. A seed does the same each time,
on every machine: repeat a failure with ``sessions --count 1 --seed SEED`` or ``fuzz --count 1 --seed SEED``.
"""

from __future__ import annotations

import argparse
import logging
import multiprocessing
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Final

from tests.protocol.test_fuzz import ROUND_DATAGRAMS, run_round
from tests.support.sessions import parameters, play

SESSIONS: Final = 1_000
DATAGRAMS: Final = 1_000_000

Outcome = tuple[int, str, list[str]]


def play_session(seed: int) -> Outcome:
    """Play one session. Return its seed, its parameters and its faults."""
    logging.disable(logging.ERROR)
    params = parameters(seed)
    try:
        return seed, str(params), play(params)
    except Exception:
        return seed, str(params), [traceback.format_exc()]


def fuzz_round(seed: int) -> Outcome:
    """Send one round of noise. Return its seed, its size and its faults."""
    what = f"{ROUND_DATAGRAMS} datagrams"
    try:
        run_round(seed)
    except Exception:
        return seed, what, [traceback.format_exc()]
    return seed, what, []


def run_all(name: str, work: Callable[[int], Outcome], seeds: Iterable[int], processes: int) -> int:
    """Do the work for every seed on several processor cores. Print the failures and return their number."""
    started_at, done, failed = time.monotonic(), 0, 0
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=50) as pool:
        for seed, what, problems in pool.imap_unordered(work, seeds):
            done += 1
            if problems:
                failed += 1
                print(f"\n{name}: seed {seed} FAILED; {what}", *problems, sep="\n  ", flush=True)
            if done % 50 == 0:
                elapsed = time.monotonic() - started_at
                print(f"{name}: {done} done, {failed} failed, {elapsed:.0f} s", flush=True)
    print(f"{name}: {done} in all, {failed} failed, {time.monotonic() - started_at:.0f} s", flush=True)
    return failed


def search_properties(processes: int) -> int:
    """Run the suite's tests by hypothesis with many examples. Return the number of failed runs: 0 or 1."""
    options = ["-m", "hypothesis", "--hypothesis-profile=long", "--timeout=0", "-q", f"-n={processes}"]
    return int(subprocess.run([sys.executable, "-m", "pytest", *options], check=False).returncode != 0)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.long", description=__doc__.partition("\n")[0])
    parser.add_argument("what", nargs="?", choices=["sessions", "fuzz", "properties", "all"], default="all")
    parser.add_argument("--count", type=int, help="how many sessions, or datagrams of noise")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args(arguments)
    failed = 0
    if options.what in ("sessions", "all"):
        count = options.count or SESSIONS
        seeds = range(options.seed, options.seed + count)
        failed += run_all("sessions", play_session, seeds, options.processes)
    if options.what in ("fuzz", "all"):
        rounds = -(-(options.count or DATAGRAMS) // ROUND_DATAGRAMS)
        failed += run_all("fuzz", fuzz_round, range(options.seed, options.seed + rounds), options.processes)
    if options.what in ("properties", "all"):
        failed += search_properties(options.processes)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
