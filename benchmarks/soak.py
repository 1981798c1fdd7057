"""A game for minutes or hours on real sockets, with everything going wrong now and then.

::

    python -m benchmarks.soak --minutes 20

A server with a checkpoint, a crowd of clients in one process, and clients in processes of their own play over a line
that loses, delays, doubles and cuts. Clients join, leave, get new addresses, and are killed and started again; the
server is killed (kill -9) and started again from its checkpoint. At the end the line is repaired and everybody rests.
Then all states are compared, and what each process has kept. It prints a report, and returns 1 if something is wrong.

It needs Linux: it reads /proc.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks._soak_game import RESUME_SECONDS
from benchmarks._soak_line import Line

CROWD: Final = 8
LONE: Final = 3
JUDGED_AFTER: Final = 240.0
"""Seconds that a process must have lived to be judged by its memory. Only the second half of its life counts: in the
first one caches, pools and the rings of past states fill."""
MOST_GROWTH: Final = 200.0
"""KB a minute by which the memory of a process may grow. A copy of the state that is kept for each tick would be 3,000
of them."""
SETTLES_WITHIN: Final = RESUME_SECONDS + 15.0
REPORTS_WITHIN: Final = 60.0
"""Seconds in which a process starts, reports or ends, also on a machine that is busy with other things."""

Report = dict[str, Any]


class Process:
    """A process that obeys lines and reports in lines."""

    def __init__(self, module: str, *arguments: object) -> None:
        self.started_at = time.monotonic()
        self.memory: list[tuple[float, float]] = []
        self._reports: list[Report] = []
        self._arrived = threading.Condition()
        command = [sys.executable, "-m", module, *map(str, arguments)]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            with self._arrived:
                self._reports.append(json.loads(line))
                self._arrived.notify_all()
        self._child.stdout.close()

    def tell(self, command: str) -> None:
        """Send a command, to a process that may be gone."""
        try:
            assert self._child.stdin is not None
            self._child.stdin.write(f"{command}\n")
            self._child.stdin.flush()
        except OSError:
            pass

    def wait_for(self, key: str) -> Report | None:
        """Return the next report with this key, and forget all before it; None if none arrives in time."""

        def with_key() -> list[Report]:
            return [report for report in self._reports if key in report]

        with self._arrived:
            self._arrived.wait_for(with_key, REPORTS_WITHIN)
            found = with_key()
            self._reports.clear()
            return found[-1] if found else None

    def report(self) -> Report | None:
        """Ask for a report."""
        self.tell("report")
        return self.wait_for("memory")

    def sample_memory(self) -> None:
        """Note the memory, if the process lives."""
        try:
            lines = Path(f"/proc/{self._child.pid}/status").read_text().splitlines()
            memory = next((float(line.split()[1]) for line in lines if line.startswith("VmRSS")), 0.0)
        except OSError:
            return
        if memory:
            self.memory.append(((time.monotonic() - self.started_at) / 60.0, memory))

    def growth(self) -> float | None:
        """Return the growth of the memory in KB a minute, by least squares; None if it lived too short a time."""
        age = self.memory[-1][0] if self.memory else 0.0
        if age < JUDGED_AFTER / 60.0:
            return None
        times, sizes = zip(*[(at, size) for at, size in self.memory if at > age / 2], strict=True)
        return statistics.linear_regression(times, sizes).slope

    def kill(self) -> None:
        """kill -9."""
        self._child.kill()
        self._child.wait()

    def end(self) -> Report | None:
        """Let it end by itself; return its last report."""
        self.tell("end")
        last = self.wait_for("ended")
        try:
            self._child.wait(REPORTS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
            return None
        return last


class Soak:
    """See the module.

    :ivar faults: what was wrong, as sentences.
    """

    def __init__(self, folder: Path, encryption: str, seed: int) -> None:
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self.growths: list[tuple[str, float]] = []
        self.back_after: list[float] = []
        self._folder, self._encryption = folder, encryption
        self._rng = random.Random(seed)
        self._port = _free_port()
        self.line = Line(self._port, seed)
        self.server = self._start_server()
        self.crowd = Process("benchmarks._soak_crowd", self.line.port, CROWD, encryption, seed)
        self.lone = [self._start_lone(number) for number in range(LONE)]

    def _start_server(self) -> Process:
        server = Process("benchmarks._soak_game", self._port, self._folder / "checkpoint", self._encryption)
        if server.wait_for("bound") is None:
            self.faults.append("the server did not start")
        return server

    def _start_lone(self, number: int) -> Process:
        seat = self._folder / f"seat-{number}"
        return Process("benchmarks._soak_crowd", self.line.port, 1, self._encryption, 1_000 + number, seat)

    # -- what goes wrong -----------------------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Play, and let things go wrong."""
        mishaps: list[tuple[Callable[[], None], float]] = [
            (self.line.give_new_address, 3.0),
            (lambda: self.line.cut(self._rng.choice([1.0, 4.0, 8.0])), 7.0),
            (self._restart_server, 25.0),
            (self._restart_lone, 17.0),
            (self._check_faults, 20.0),
        ]
        now = time.monotonic()
        end, due = now + seconds, [now + every for _, every in mishaps]
        quiet_from = end - min(seconds / 2, 3 * JUDGED_AFTER)  # the last server lives long enough to be judged
        while time.monotonic() < end and not self.faults:
            time.sleep(1.0)
            for process in (self.server, self.crowd, *self.lone):
                process.sample_memory()
            for index, (mishap, every) in enumerate(mishaps):
                if time.monotonic() >= due[index]:
                    due[index] = time.monotonic() + every * self._rng.uniform(0.5, 1.5)
                    if mishap != self._restart_server or time.monotonic() < quiet_from:
                        mishap()

    def _restart_server(self) -> None:
        self._note_growth("server", self.server)
        self._collect(self.server)
        self.server.kill()
        self.counts["server killed"] += 1
        time.sleep(self._rng.choice([0.1, 1.0, 3.0]))
        self.server = self._start_server()
        back_at = time.monotonic()
        self._wait_for_everybody(back_at)

    def _wait_for_everybody(self, back_at: float) -> None:
        """Note how long it takes until nobody is lost any more. Some may be cut off at the moment."""
        while time.monotonic() < back_at + 8.0:
            report = self.server.report()
            if report is not None and not report["lost"]:
                self.back_after.append(time.monotonic() - back_at)
                return
            time.sleep(0.1)

    def _restart_lone(self) -> None:
        number = self._rng.randrange(LONE)
        self._note_growth("client", self.lone[number])
        self._collect(self.lone[number])
        self.lone[number].kill()
        self.counts["client killed"] += 1
        time.sleep(self._rng.choice([0.0, 1.0]))
        self.lone[number] = self._start_lone(number)

    def _note_growth(self, name: str, process: Process) -> None:
        growth = process.growth()
        if growth is not None:
            self.growths.append((name, growth))

    def _check_faults(self) -> None:
        for process in (self.server, self.crowd, *self.lone):
            self._collect(process)

    def _collect(self, process: Process) -> Report | None:
        """Take a process's report, with its faults."""
        report = process.report()
        if report is None:
            self.faults.append("a process did not report")
            return None
        self.faults += report["faults"]
        return report

    # -- the end -----------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Repair the line, send nothing more, and compare everything as soon as it has settled."""
        self.line.repair()
        for process in (self.server, self.crowd, *self.lone):
            process.tell("rest")
        deadline = time.monotonic() + SETTLES_WITHIN
        problems = ["nothing settled"]
        while problems and time.monotonic() < deadline:
            time.sleep(1.0)
            problems = self._differences()
        self.faults += problems

    def _differences(self) -> list[str]:
        """Return what still differs between the server and its clients."""
        server = self.server.report()
        reports = [process.report() for process in (self.crowd, *self.lone)]
        if server is None or None in reports:
            return ["a process did not report"]
        visitors = [visitor for report in reports if report is not None for visitor in report["visitors"]]
        found = [f"client {v['id']} is {v['status']}, {v['reason']}" for v in visitors if v["status"] != "connected"]
        ids = sorted(v["id"] for v in visitors if v["id"] is not None)
        if ids != server["present"] or server["lost"]:
            found.append(f"clients {ids}; the server has {server['present']}, and lost {server['lost']}")
        for visitor in visitors:
            found += _differences_of(visitor, server)
        return found

    def end(self) -> None:
        """End all processes, and see whether something of them is left."""
        for name, process in (("server", self.server), ("crowd", self.crowd), *(("client", p) for p in self.lone)):
            self._note_growth(name, process)
            report = self._collect(process)
            if report is not None and "checked" in report:
                self.counts["states checked"] += report["checked"]
                self.counts["visits"] += report["visits"]
                self.counts.update({f"thrown out, {why}": n for why, n in report["thrown_out"].items()})
        for process in (self.crowd, *self.lone):
            self._check_leaks(process.end())
        before = self.server.report()
        last = self.server.end()
        if last is None or before is None:
            self.faults.append("the server did not end")
        else:
            self.faults += [f"{last['tasks'] - 1} tasks are left"] if last["tasks"] > 1 else []
            self.counts["files of the server at the end"] = before["files"]
            self.counts["threads of the server at the end"] = before["threads"]
        self.line.close()
        self.counts.update(self.line.counts)
        worst = [f"{name}: {growth:+.0f} KB a minute" for name, growth in self.growths if growth > MOST_GROWTH]
        self.faults += worst

    def _check_leaks(self, last: Report | None) -> None:
        if last is None:
            self.faults.append("a process of clients did not end")
        elif last["leaked_threads"] or last["leaked_files"] > 0:
            self.faults.append(f"left over: {last['leaked_threads']} threads, {last['leaked_files']} files")

    def kill_all(self) -> None:
        """Leave nothing behind, whatever has happened."""
        for process in (self.server, self.crowd, *self.lone):
            process.kill()


def _differences_of(visitor: Report, server: Report) -> list[str]:
    found = []
    if visitor["check"] != server["check"]:
        found.append(f"client {visitor['id']} has another state")
    player = server["players"].get(str(visitor["id"]))
    if player is None:
        return [*found, f"client {visitor['id']} has no player"]
    if visitor["sent"] and (player["process"], player["letters"]) != (visitor["process"], visitor["sent"]):
        found.append(f"client {visitor['id']}: {visitor['sent']} letters sent, {player['letters']} arrived")
    if visitor["sent"] and player["gaps"] != visitor["lost"]:
        found.append(f"client {visitor['id']}: {player['gaps']} letters missing, {visitor['lost']} announced")
    return found


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def main(arguments: list[str] | None = None) -> int:
    """Run it, and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--seed", type=int, default=1)
    has = importlib.util.find_spec("cryptography") is not None
    parser.add_argument("--encryption", choices=["required", "off"], default="required" if has else "off")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="pygase-soak-") as folder:
        soak = Soak(Path(folder), options.encryption, options.seed)
        try:
            soak.run(options.minutes * 60.0)
            if not soak.faults:
                soak.rest()
            soak.end()
        finally:
            soak.kill_all()
    print(_text(soak, (time.monotonic() - began) / 60.0, options))
    return 1 if soak.faults else 0


def _text(soak: Soak, minutes: float, options: argparse.Namespace) -> str:
    """Return the report."""
    lines = [
        f"soak: {minutes:.1f} minutes, encryption {options.encryption}, seed {options.seed}, {os.cpu_count()} cores"
    ]
    lines += [f"  {name}: {count:,}" for name, count in sorted(soak.counts.items())]
    if soak.back_after:
        lines.append(
            f"  seconds until nobody was lost, after the server's return: median "
            f"{statistics.median(soak.back_after):.2f}, most {max(soak.back_after):.2f} ({len(soak.back_after)} times)"
        )
    for name in sorted({name for name, _ in soak.growths}):
        found = [growth for other, growth in soak.growths if other == name]
        lines.append(f"  memory of a {name}: {max(found):+.0f} KB a minute at most, of {len(found)} measured")
    lines += [f"  WRONG: {fault}" for fault in soak.faults[:20]] or ["  nothing is wrong"]
    if not soak.growths:
        lines.append(f"  memory: no process lived for {JUDGED_AFTER:.0f} s, and none was judged")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
