"""The pieces of work of the long tests. Each one is done by a process of its own, and is repeated by its seed."""

from __future__ import annotations

import importlib.util
import logging
import multiprocessing
import random
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from pygase._io import udp
from tests.protocol.test_fuzz import run_round
from tests.support.fuzzing.decoding import DecoderFuzzer
from tests.support.fuzzing.siege import Siege
from tests.support.fuzzing.sockets import SocketFuzzer
from tests.support.packed_trees import check_twins
from tests.support.sessions import parameters, play

ROUND: Final = {"decoders": 100_000, "endpoint": 20_000, "game": 10_000, "sockets": 20_000}
"""Datagrams of a round of each kind."""

PAIRS: Final = 10_000
"""Pairs of states of one piece of work."""

PROGRAMS: Final = 100
"""Programs of one search."""

SHARES: Final = {"decoders": 0.6, "endpoint": 0.36, "game": 0.02, "sockets": 0.02}
"""Shares of a long run: the most of what is fast, and some of what is whole."""

MOST_GROWTH: Final = 32 * 1024 * 1024
"""Bytes by which a round may enlarge the process, once it has warmed up."""

Job = TypeVar("Job")


class Outcome(NamedTuple):
    """What became of a piece of work: its name, how much it did, and its faults."""

    what: str
    done: int
    problems: Sequence[str]


class Round(NamedTuple):
    """A round of fuzzing: "decoders", "endpoint" (two honest clients under attack), "game" (a whole game), or
    "sockets" (real ones)."""

    kind: str
    seed: int
    datagrams: int
    encrypted: bool = False

    def __str__(self) -> str:
        mode = " --encrypted" if self.encrypted else ""
        return f"fuzz --only {self.kind} --seed {self.seed} --datagrams {self.datagrams}{mode}"


def play_session(seed: int) -> Outcome:
    """Play one session."""
    logging.disable(logging.ERROR)
    params = parameters(seed)
    return _done(f"sessions --count 1 --seed {seed}; {params}", 1, lambda: play(params))


def fuzz(job: Round) -> Outcome:
    """Do one round of fuzzing."""
    return _done(str(job), job.datagrams, lambda: _fuzz(job))


class Search(NamedTuple):
    """Random programs of the model, from one seed on."""

    seed: int
    programs: int
    encrypted: bool = False

    def __str__(self) -> str:
        return f"model --seed {self.seed} --count {self.programs}{' --encrypted' * self.encrypted}"


def search(job: Search) -> Outcome:
    """Run programs against the model."""
    from tests.support.model.programs import run_programs  # only here: fuzzing does without hypothesis

    logging.disable(logging.ERROR)
    return _done(str(job), job.programs, lambda: run_programs(job.seed, job.programs, encrypted=job.encrypted))


def searches(programs: int, seed: int, *, encrypted: bool) -> list[Search]:
    """Return the searches of a run. Without ``encrypted`` every second one that can be is encrypted all the same."""
    found: list[Search] = []
    for number, begin in enumerate(range(0, programs, PROGRAMS), seed):
        is_sealed = encrypted or (can_encrypt() and programs > PROGRAMS and number % 2 == 1)
        found.append(Search(number, min(PROGRAMS, programs - begin), is_sealed))
    return found


def can_encrypt() -> bool:
    """Return whether the package for encryption is installed."""
    return importlib.util.find_spec("cryptography") is not None


class Pairs(NamedTuple):
    """Random pairs of states for packed deltas, from one seed on."""

    seed: int
    count: int

    def __str__(self) -> str:
        return f"packed --seed {self.seed} --count {self.count}"


def compare_packed(job: Pairs) -> Outcome:
    """Compare packed deltas with plain ones, and damage them."""
    return _done(str(job), job.count, lambda: _compare_packed(job))


def _compare_packed(job: Pairs) -> Sequence[str]:
    for seed in range(job.seed, job.seed + job.count):
        try:
            check_twins(random.Random(seed))
        except Exception:
            return [f"packed --seed {seed} --count 1: {traceback.format_exc()}"]
    return ()


def _done(what: str, size: int, work: Callable[[], Sequence[str]]) -> Outcome:
    try:
        return Outcome(what, size, work())
    except Exception:
        return Outcome(what, 0, [traceback.format_exc()])


def _fuzz(job: Round) -> Sequence[str]:
    if job.kind == "game":
        run_round(job.seed, job.datagrams)
        return ()
    if job.kind == "decoders":
        return _grown(DecoderFuzzer(job.seed).run, job.datagrams)
    if job.kind == "sockets":
        return _fuzz_sockets(job)
    siege = Siege(job.seed, encrypted=job.encrypted)
    problems = _grown(siege.run, job.datagrams)
    siege.check()
    return problems


def _fuzz_sockets(job: Round) -> Sequence[str]:
    if not udp.in_batches():
        return ()
    fuzzer = SocketFuzzer(job.seed)
    try:
        return _grown(fuzzer.run, job.datagrams)
    finally:
        fuzzer.close()


def _grown(run: Callable[[int], None], count: int) -> Sequence[str]:
    """Do a third of the work, then the rest. Return the fault if that made the process larger."""
    run(count // 3)
    before = resident_bytes()
    run(count - count // 3)
    grown = resident_bytes() - before
    return [f"the process has grown by {grown:,} bytes"] if grown > MOST_GROWTH else ()


def resident_bytes() -> int:
    """Return the memory that this process occupies; 0 where there is no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


def rounds(datagrams: int, seed: int, *, encrypted: bool, only: str | None = None) -> list[Round]:
    """Return the rounds of a run. Without ``encrypted`` every second one that can be is encrypted all the same."""
    found: list[Round] = []
    both = can_encrypt() and only is None
    for kind, share in SHARES.items() if only is None else [(only, 1.0)]:
        left, number = int(datagrams * share), seed
        while left > 0:
            is_sealed = kind == "endpoint" and (encrypted or (both and number % 2 == 1))
            found.append(Round(kind, number, min(left, ROUND[kind]), is_sealed))
            left, number = left - ROUND[kind], number + 1
    return found


def run_all(name: str, work: Callable[[Job], Outcome], jobs: Iterable[Job], processes: int) -> int:
    """Do all jobs, on several processor cores. Print the failures and return their number."""
    started_at, done, failed, reported_at = time.monotonic(), 0, 0, time.monotonic()
    with multiprocessing.get_context("spawn").Pool(processes, maxtasksperchild=50) as pool:
        for outcome in pool.imap_unordered(work, jobs):
            done += outcome.done
            if outcome.problems:
                failed += 1
                print(f"\npython -m tests.long {outcome.what} FAILED", *outcome.problems, sep="\n  ", flush=True)
            if time.monotonic() - reported_at > 10.0:
                reported_at = time.monotonic()
                print(f"{name}: {done:,} done, {failed} failed, {reported_at - started_at:.0f} s", flush=True)
    seconds = time.monotonic() - started_at
    print(f"{name}: {done:,} in all, {failed} failed, {seconds:.0f} s, {done / seconds:,.0f} a second", flush=True)
    return failed
