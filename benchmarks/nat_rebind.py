"""The hole in a game whose router forgets its mapping, with a real router: Linux' own NAT in a network namespace.

::

    python -m benchmarks.nat_rebind [--rebinds 20] [--rtt-ms 50] [--encryption off]

    client ── router (nftables: masquerade random) ── line of rtt / 2 each way ── server

Client and server are processes that send an event each tick (60 a second), both ways. ``conntrack -F`` makes the router
forget its mapping, so that the client's next datagram gets another port. The hole is the longest time without a new
state at the client around that moment. Everything is in namespaces of its own that are removed in the end.

Needs Linux, root, and the programs ip, nft and conntrack.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent

SERVER_HOST = "10.73.2.2"
WAN_HOST = "10.73.2.1"

_HOSTS = ("client", "router", "line", "server")

_CABLES = (
    ("router", "lan", "client", "eth"),
    ("line", "left", "router", "wan"),
    ("line", "right", "server", "eth"),
)
"""(host, its interface, host, its interface) of each cable."""

_ADDRESSES = (
    ("client", "eth", "10.73.1.2/24"),
    ("router", "lan", "10.73.1.1/24"),
    ("router", "wan", f"{WAN_HOST}/24"),
    ("server", "eth", f"{SERVER_HOST}/24"),
)


class Rebinds(NamedTuple):
    """The outcome of a run.

    :ivar holes: the longest time without a state around each rebinding, seconds.
    :ivar usual: the longest time without a state elsewhere, seconds.
    :ivar ports: the client's public ports, as the server saw them one after the other.
    :ivar rtt: the round trip that the client measured, seconds.
    :ivar is_encrypted: whether the packets were.
    :ivar ends: reasons of disconnections, of either side; none if all is well.
    :ivar events: number of events that were received, both ways together.
    :ivar wrong: number of them that were lost, doubled or out of order.
    """

    holes: list[float]
    usual: float
    ports: list[int]
    rtt: float
    is_encrypted: bool
    ends: list[str]
    events: int
    wrong: int


def why_not() -> str:
    """Return what this machine lacks for the measurement, or ``""``."""
    if sys.platform != "linux":
        return "needs Linux"
    lacking = [program for program in ("ip", "nft", "conntrack") if shutil.which(program) is None]
    if lacking:
        return f"needs {' and '.join(lacking)}; install iproute2, nftables and conntrack"
    return "" if os.geteuid() == 0 else "needs to be root, to make network namespaces"


class Street:
    """The four namespaces and the cables between them.

    :param delay: seconds that a frame takes on the line, each way.
    """

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._names = {host: f"pygase-nat-{os.getpid()}-{host}" for host in _HOSTS}
        self._running = contextlib.ExitStack()

    def __enter__(self) -> Street:
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._running.close()
        for name in self._names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True, timeout=20)

    def _build(self) -> None:
        for name in self._names.values():
            _run("ip", "netns", "add", name)
        for one, here, other, there in _CABLES:
            self.ip(one, "link", "add", here, "type", "veth", "peer", "name", there, "netns", self._names[other])
            self.ip(one, "link", "set", here, "up")
            self.ip(other, "link", "set", there, "up")
        for host, interface, address in _ADDRESSES:
            self.ip(host, "address", "add", address, "dev", interface)
        self.ip("client", "route", "add", "default", "via", "10.73.1.1")
        for host, interface in (("router", "wan"), ("server", "eth")):
            code = f"from benchmarks._delay_line import fill_in_checksums; fill_in_checksums({interface!r})"
            self.inside(host, sys.executable, "-c", code)
        self.inside("router", "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
        chain = "{ type nat hook postrouting priority 100 ; }"
        rules = f"add table ip nat; add chain ip nat out {chain}; add rule ip nat out oifname wan masquerade random"
        self.inside("router", "nft", rules)
        line = self._running.enter_context(
            self.program("line", "benchmarks._delay_line", "left", "right", str(self._delay))
        )
        first_line(line)

    def ip(self, host: str, *arguments: str) -> None:
        _run("ip", "-n", self._names[host], *arguments)

    def inside(self, host: str, *command: str) -> None:
        _run("ip", "netns", "exec", self._names[host], *command)

    def forget(self) -> None:
        """Make the router forget its mappings."""
        self.inside("router", "conntrack", "-F")

    def renumber(self, address: str, pause: float = 0.0) -> None:
        """Give the client's machine another address (with ``/24``), after ``pause`` seconds without any."""
        self.ip("client", "address", "flush", "dev", "eth")
        time.sleep(pause)
        self.ip("client", "address", "add", address, "dev", "eth")
        self.ip("client", "route", "replace", "default", "via", "10.73.1.1")

    @contextlib.contextmanager
    def program(self, host: str, module: str, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Run a module on a host, for as long as the block lasts."""
        command = ["ip", "netns", "exec", self._names[host], sys.executable, "-m", module, *arguments]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=ROOT, text=True, **pipes)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


def _run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=20)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


def first_line(process: subprocess.Popen[str]) -> str:
    """Return the first line that a program prints.

    :raises OSError: if it ends without one.
    """
    line = process.stdout.readline() if process.stdout is not None else ""
    if not line:
        raise OSError(f"{' '.join(process.args)} ended at once")  # type: ignore[arg-type]
    return line.strip()


def measure(
    rebinds: int,
    rtt: float,
    *,
    pause: float = 1.5,
    encryption: str = "auto",
    change: Callable[[Street], None] = Street.forget,
) -> Rebinds:
    """Play through a router that forgets its mapping some times.

    :param rtt: of the line, seconds; ``pause``: seconds between two rebindings.
    :param encryption: of the client; see ClientConfig.
    :param change: happens each time instead.
    """
    players = "benchmarks._nat_players"
    with Street(rtt / 2) as street, street.program("server", players, "server", SERVER_HOST) as server:
        port = first_line(server)
        with street.program("client", players, "client", SERVER_HOST, port, encryption) as client:
            first_line(client)
            flushed = []
            for number in range(rebinds):
                time.sleep(pause + number * 0.0041)  # at another moment of the tick each time
                flushed.append(time.monotonic())
                change(street)
            time.sleep(pause)
            played = json.loads(client.communicate(timeout=20)[0])
            served = json.loads(server.communicate(timeout=20)[0])
    return _outcome(flushed, played, served, pause)


def _outcome(flushed: list[float], played: dict[str, Any], served: dict[str, Any], pause: float) -> Rebinds:
    gaps = list(itertools.pairwise(played["arrivals"]))
    around = [[b - a for a, b in gaps if at - 0.1 < b and a < at + pause - 0.2] for at in flushed]
    elsewhere = [b - a for a, b in gaps if not any(at - 0.1 < b and a < at + pause - 0.2 for at in flushed)]
    missing = played["sent"] - served["received"] + served["sent"] - played["received"]
    return Rebinds(
        [max(gap) for gap in around],
        max(elsewhere),
        [port for _, _, port in served["addresses"]],
        played["rtt"],
        played["is_encrypted"],
        played["ends"] + served["ends"],
        played["received"] + served["received"],
        played["wrong"] + served["wrong"] + missing,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rebinds", type=int, default=20, help="how often the router forgets its mapping")
    parser.add_argument("--rtt-ms", type=float, default=50.0, help="round trip of the line")
    parser.add_argument("--encryption", default="auto", choices=["auto", "required", "off"], help="of the client")
    chosen = parser.parse_args()
    if why_not():
        sys.exit(f"benchmarks.nat_rebind {why_not()}")
    outcome = measure(chosen.rebinds, chosen.rtt_ms / 1000, encryption=chosen.encryption)
    holes = sorted(1000 * hole for hole in outcome.holes)
    print(f"round trip measured by the client: {1000 * outcome.rtt:.1f} ms; 60 ticks a second")
    print(f"encrypted: {'yes' if outcome.is_encrypted else 'no'}")
    print(f"rebindings: {chosen.rebinds}; public ports seen by the server: {len(set(outcome.ports))}")
    print(f"hole: median {statistics.median(holes):.0f} ms, longest {holes[-1]:.0f} ms, shortest {holes[0]:.0f} ms")
    print(f"longest gap elsewhere: {1000 * outcome.usual:.0f} ms")
    print(f"disconnections: {outcome.ends or 'none'}; events: {outcome.events}, wrong: {outcome.wrong}")


if __name__ == "__main__":
    main()
