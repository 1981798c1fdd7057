"""Games are found between machines: three hosts, each in a network namespace of its own, so nothing leaves this one.

::

    one ──┬── net 0 (10.71.0.x) ──┬── two        one: "Anna" and "Berta", and "Hidden" bound to localhost
          └── net 1 (10.72.0.x) ──┤              two: "Carl", in net 0 only
                                  └── seeker     in both nets; here the games are looked for
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pygase._protocol import crypto
from tests.support.documents import programs

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
NETS = {"one": (0, 1), "two": (0,), "seeker": (0, 1), "hermit": (), "dead": ()}
"""Which host is in which nets. One has nothing but its loopback, and one not even that."""

HOST = """
import sys
from pygase import Backend, GameState, ServerConfig

backends = []
for spec in sys.argv[1:]:
    name, bound_to = spec.split("=")
    backend = Backend(
        GameState(ball=1), lambda game_state, dt: {}, game="pong", password="secret", config=ServerConfig(max_clients=4)
    )
    backend.announce(name, info={"by": name[0]})
    backend.run_in_thread(bound_to)
    backends.append(backend)
print("ready", flush=True)
sys.stdin.read()  # until whoever started this is done
for backend in backends:
    backend.shutdown()
"""

FIND = """
import json, sys, threading, time
from pygase import Browser, Client, discover
from pygase._io import lan
from pygase.addresses import is_loopback

wanted, ways = int(sys.argv[1]), sys.argv[2:]
if ways:  # only these: by broadcast, or by multicast
    lan.everyone_from = lambda address: () if is_loopback(address) else ways
started_at = time.monotonic()
with Browser("pong") as browser:
    while len(browser.games) < wanted and time.monotonic() < started_at + 5:
        time.sleep(0.0005)
    seconds = time.monotonic() - started_at
    problem = browser.problem
games = discover("pong")
others = discover("chase", 0.5)
statuses = []
for found in games:
    client = Client(game="pong", password="secret")
    client.connect_in_thread(found.port, found.address)
    client.wait_until(lambda game_state: game_state.ball == 1, timeout=5.0)
    statuses.append(client.status)
    client.disconnect()
print(json.dumps({
    "seconds": seconds,
    "problem": problem,
    "games": [[g.name, g.address, g.players, g.max_players, g.password, g.version_ok, g.info["by"]] for g in games],
    "pings": [g.ping for g in games],
    "others": len(others),
    "statuses": statuses,
}))
"""

ALONE = """
import logging, socket, sys
from pygase import DISCOVERY_PORT, Backend, Browser, GameState, discover

class Lines(logging.Handler):
    def emit(self, record):
        print(record.levelname, record.getMessage(), flush=True)

logging.getLogger("pygase").addHandler(Lines())
if "taken" in sys.argv:
    taken = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    taken.bind(("", DISCOVERY_PORT))
backend = Backend(GameState(), lambda game_state, dt: {})
backend.announce("Anna")
backend.run_in_thread("0.0.0.0")
print("serves", backend.server.port is not None)
backend.announce("Anna again")
print("found", len(discover(timeout=0.4)))
backend.shutdown()
"""

COMES_AND_GOES = """
import threading
from pygase import Backend, GameState, discover

def found():
    settled = threading.Event()
    if backend.server.port is not None:  # what was announced from this thread takes effect on the server's
        driver = backend.server.plumbing.run.driver
        driver.call(lambda: driver.defer(settled.set))
        settled.wait()
    return [game.name for game in discover(timeout=0.4)]

backend = Backend(GameState(), lambda game_state, dt: {})
print(found())
backend.announce("Anna")
print(found())
backend.run_in_thread()
print(found())
backend.announce("Berta")
print(found())
backend.announce("Carl", port=12345)
print(found(), [game.name for game in discover(timeout=0.4, port=12345)])
backend.announce("Dora")
print(found())
backend.server.stop_announcing()
print(found())
backend.announce("Emil")
print(found())
backend.shutdown()
print(found())
backend.run_in_thread()
print(found())
backend.shutdown()
"""


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True, timeout=20)


class Lan:
    """Hosts and the two nets between them, made of namespaces with unique names."""

    def __init__(self) -> None:
        self.names = {host: f"pygase-{os.getpid()}-{host}" for host in ("switch", *NETS)}

    def build(self) -> None:
        for host, name in self.names.items():
            ip("netns", "add", name)
            if host != "dead":
                ip("-n", name, "link", "set", "lo", "up")
        switch = self.names["switch"]
        for net in (0, 1):
            ip("-n", switch, "link", "add", f"net{net}", "type", "bridge")
            ip("-n", switch, "link", "set", f"net{net}", "up")
        for number, (host, nets) in enumerate(NETS.items(), 1):
            for net in nets:
                self._plug_in(host, net, f"10.7{net + 1}.0.{number}/24")

    def _plug_in(self, host: str, net: int, address: str) -> None:
        switch, name, here, there = self.names["switch"], self.names[host], f"eth{net}", f"{host}{net}"
        ip("-n", switch, "link", "add", there, "type", "veth", "peer", "name", here, "netns", name)
        ip("-n", switch, "link", "set", there, "master", f"net{net}", "up")
        ip("-n", name, "address", "add", address, "dev", here)
        ip("-n", name, "link", "set", here, "up")

    def remove(self) -> None:
        for name in self.names.values():
            subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True, timeout=20)

    def start(self, host: str, script: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a Python program on a host."""
        command = ["ip", "netns", "exec", self.names[host], sys.executable, "-c", script, *arguments]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(command, cwd=ROOT, text=True, **pipes)

    def run(self, host: str, script: str, *arguments: str) -> tuple[str, str]:
        """Run a Python program on a host to its end. Return its output and its errors."""
        with ended(self.start(host, script, *arguments)) as program:
            out, err = program.communicate(timeout=40)
            assert program.returncode == 0, err
            return out, err


@contextlib.contextmanager
def ended(program: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A program that does not outlive the block."""
    try:
        yield program
    finally:
        try:
            if program.poll() is None:
                program.communicate("", timeout=10)
        except subprocess.TimeoutExpired:
            program.kill()
            program.communicate()


def why_not() -> str:
    """Return why this machine cannot have namespaces made by us, or ``""``."""
    if sys.platform != "linux" or shutil.which("ip") is None:
        return "needs Linux and its program ip"
    if os.geteuid() != 0:
        return "needs to be root, to make network namespaces"
    return ""


@pytest.fixture(scope="module")
def lan() -> Iterator[Lan]:
    if why_not():
        pytest.skip(why_not())
    made = Lan()
    try:
        try:
            made.build()
        except subprocess.CalledProcessError as error:
            pytest.skip(f"may not make network namespaces here: {error.stderr.strip()}")
        yield made
    finally:
        made.remove()


@pytest.fixture(scope="module")
def hosts(lan: Lan) -> Iterator[Lan]:
    """The servers run."""
    with (
        ended(lan.start("one", HOST, "Anna=0.0.0.0", "Berta=0.0.0.0", "Hidden=localhost")) as one,
        ended(lan.start("two", HOST, "Carl=10.71.0.2")) as two,
    ):
        for host in (one, two):
            assert host.stdout is not None
            assert host.stdout.readline() == "ready\n", host.communicate("")
        yield lan


@pytest.mark.parametrize("ways", [(), ("255.255.255.255",), ("239.255.80.71",)], ids=["both", "broadcast", "multicast"])
def test_all_games_of_other_hosts_are_found_within_a_second_each_once_and_can_be_joined(
    hosts: Lan, ways: tuple[str, ...]
) -> None:
    out, err = hosts.run("seeker", FIND, "3", *ways)
    report = json.loads(out)
    print(report)
    assert report["seconds"] < 1.0
    rows = sorted(report["games"])
    assert [(row[0], *row[2:]) for row in rows] == [
        ("Anna", 0, 4, True, True, "A"),
        ("Berta", 0, 4, True, True, "B"),
        ("Carl", 0, 4, True, True, "C"),
    ]
    assert {row[1] for row in rows[:2]} <= {"10.71.0.1", "10.72.0.1"}
    assert rows[2][1] == "10.71.0.2"
    assert report["statuses"] == ["connected"] * 3
    assert all(0 < ping < 1.0 for ping in report["pings"])
    unusual = [line for line in err.splitlines() if not (crypto.why_not() and "the password's proof was sent" in line)]
    assert (report["others"], report["problem"], unusual) == (0, "", [])


def test_on_its_own_machine_a_server_of_localhost_is_found_as_well_and_all_by_the_loopback(hosts: Lan) -> None:
    out, _ = hosts.run("one", FIND, "4")
    addresses = {row[0]: row[1] for row in json.loads(out)["games"]}
    assert addresses == {
        "Anna": "127.0.0.1",
        "Berta": "127.0.0.1",
        "Hidden": "127.0.0.1",
        "Carl": "10.71.0.2",
    }


def test_without_any_network_there_is_a_warning_and_the_game_goes_on(lan: Lan) -> None:
    out, err = lan.run("dead", ALONE)
    assert err == ""
    announced, serves, searched, found = out.splitlines()
    assert announced == "WARNING the game is announced, but this machine is in no network at the moment"
    assert searched.startswith("WARNING games on other machines cannot be found: this machine is in no network")
    assert (serves, found) == ("serves True", "found 0")


def test_a_discovery_port_in_use_is_a_warning_that_says_what_to_do_and_the_game_goes_on(lan: Lan) -> None:
    out, err = lan.run("hermit", ALONE, "taken")
    lines = out.splitlines()
    assert err == ""
    assert "WARNING the game is not announced on the local network: UDP port 19733 cannot be used" in lines[0]
    assert "Address already in use" in lines[0]
    assert "serves True" in lines
    assert lines[-1] == "found 0"


def test_a_game_is_found_while_it_runs_and_is_announced_by_its_newest_name(lan: Lan) -> None:
    out, _ = lan.run("hermit", COMES_AND_GOES)
    assert out.splitlines() == [
        "[]",
        "[]",
        "['Anna']",
        "['Berta']",
        "[] ['Carl']",
        "['Dora']",
        "[]",
        "['Emil']",
        "[]",
        "['Emil']",
    ]


def test_the_programs_of_the_guide_find_each_other(lan: Lan) -> None:
    guide = programs((ROOT / "docs" / "discovery.md").read_text(encoding="utf-8"))
    host = lan.start("two", guide["lan_host.py"])
    try:
        for _ in range(20):  # a second each, until the host has started
            out, err = lan.run("seeker", guide["lan_find.py"])
            if out:
                break
    finally:
        host.kill()
        host.communicate()
    found, status = out.splitlines()
    assert found.startswith("Anna's clock: 0 of 256 players, ")
    assert (status, err) == ("connected", "")
