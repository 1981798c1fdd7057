"""PyGaSe beside other libraries for Python: CPU time, bytes, latency and memory of a server, on one workload.

::

    python -m benchmarks.peers [--cells 8x20,64x20] [--rounds 3] [--seconds 4] [--quick]
                               [--compiled PYTHON] [--peers enet,websockets]

The workload: 64 entities of six fields; a quarter of them moves every tick, and each client sends one input a tick, at
moments spread evenly over the tick. The server is a process alone on the first core; its players are one process on the
second. All servers of a cell run in turns, round after round, and the ratio is that of one round: what the machine does
meanwhile hits all alike. The yardstick is a bare Python loop that drains its socket once a tick and sends each client
one datagram as long as PyGaSe's.

Each library stands in an environment of its own, with pinned versions, which the first run makes (see
``benchmarks/_peers/environments.py``). Servers do what their library's own pages recommend for a game: the programs
``benchmarks/_peers/serve_*.py`` say what that is. ``--compiled`` adds a row for a compiled wheel: the Python that has
it, or ``build`` to build one.

What the columns mean:

- CPU: the whole process of the server, by client and tick of the rate that was asked for. "× bare" is what counts.
- bytes down and up: by client and tick, all that the library sends, acknowledgements too, without the heads of IP and
  UDP (28 bytes a datagram) or TCP (40 to 52 a segment, and TCP's own acknowledgements).
- datagrams: both ways together, by client and tick.
- latency: from the moment at which the game begins to make a state (what has arrived was handled before) until a
  waiting client has it, undecoded.
- memory (RSS): of the server's process in RAM; ``benchmarks/scale.py`` measures what a client adds.
- wakes: how often the server's process slept, by tick; ticks/s: how many it made.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ._peers import environments
from ._peers.environments import MSGPACK
from ._peers.run import Figures, RunFailed, Side, datagram_sizes, run
from ._peers.table import latencies_of, markdown, median_of, ratio_of
from ._peers.workload import Load

WEBSOCKETS = ("websockets==17.4", "uvloop==0.23.0", MSGPACK)
ENET = ("pyenet==1.3.17", MSGPACK)


@dataclass(frozen=True)
class Peer:
    """A server that is measured: its name, a word for ``--peers``, its two programs, and how they are run.

    ``packages`` stand in an environment of their own. Without any, both programs run from this checkout.
    """

    name: str
    word: str
    program: str
    packages: tuple[str, ...] = ()
    sends: str = "changes"
    python: str | None = None
    arguments: tuple[str, ...] = ()

    def sides(self) -> tuple[Side, Side]:
        """Return the server and its players, ready to start; raise ``CannotInstall`` if they cannot be."""
        server, players = f"serve_{self.program}.py", f"play_{self.program}.py"
        if self.packages:
            python = environments.python_with(self.packages)
            return Side(server, python, self.arguments), Side(players, python)
        own = Side(players, from_checkout=True)
        if self.python is not None:
            return Side(server, self.python, self.arguments), own
        return Side(server, from_checkout=True, arguments=self.arguments), own


BARE = Peer("bare loop", "bare", "bare")
CHECKOUT = Peer("PyGaSe, this checkout", "pygase", "pygase")
PRECISE = replace(CHECKOUT, name="PyGaSe, this checkout, precision 0.01", arguments=("precise",))
OTHERS = [
    Peer("ENet + msgpack, changes", "enet", "enet", ENET),
    Peer("ENet + msgpack, changes, waiting", "enet-waits", "enet", ENET, arguments=("waits",)),
    Peer("ENet + msgpack, whole state", "enet-whole", "enet", ENET, "everything"),
    Peer("websockets + uvloop + msgpack, changes", "websockets", "websockets", WEBSOCKETS),
    Peer("websockets + uvloop + msgpack, whole state", "websockets-whole", "websockets", WEBSOCKETS, "everything"),
    Peer("websockets + msgpack, changes", "websockets-plain", "websockets", WEBSOCKETS, arguments=("plain",)),
    Peer("mpgameserver + msgpack, changes", "mpgameserver", "mpgameserver", ("mpgameserver==0.2.4", MSGPACK)),
    Peer("PyGaSe 0.3.1", "old", "pygase_0", ("pygase==0.3.1",)),
]


@dataclass
class Entry:
    """What the rounds of one server brought: figures, or the reason why there are none."""

    peer: Peer
    sides: tuple[Side, Side] | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        self.rounds: list[Figures] = []
        try:
            self.sides = self.peer.sides()
        except environments.CannotInstall as failure:
            self.reason = f"cannot be installed here: {failure}"

    def introduce(self) -> None:
        """Print which PyGaSe this is, or which packages."""
        packages = ", ".join(self.peer.packages)
        about = self.sides[0].about_pygase() if self.sides and self.peer.program == "pygase" else packages
        print(f"  {self.peer.name}: {self.reason or about or 'plain Python'}", flush=True)

    def begin_cell(self) -> None:
        """Forget the rounds of the cell before, and that it did not run there."""
        self.rounds.clear()
        if self.sides is not None:
            self.reason = ""

    def measure(self, load: Load, extra: tuple[str, str] | None = None) -> None:
        """Run it once, unless it failed before; ``extra`` is one more argument for each program."""
        if self.sides is None or self.reason:
            return
        server, players = self.sides
        if extra is not None:
            server, players = replace(server, arguments=extra[:1]), replace(players, arguments=extra[1:])
        try:
            self.rounds.append(run(replace(load, sends=self.peer.sends), server, players))
        except RunFailed as failure:
            self.reason = f"does not run here: {failure}"
        self._say()

    def _say(self) -> None:
        if self.reason:
            print(f"    {self.peer.name}: {self.reason}", flush=True)
        else:
            last = self.rounds[-1]
            print(f"    {self.peer.name:36} {last.micros:8.2f} µs, {last.ticks_per_second:.2f} ticks/s", flush=True)


def measure(load: Load, entries: Sequence[Entry], bare: Entry, rounds: int) -> None:
    """Run all servers in turns. The first entry is PyGaSe: the bare loop moves datagrams as long as its own.

    These two must run, the others may fail.
    """
    first, *others = (entry for entry in entries if entry is not bare)
    for number in range(rounds):
        print(f"  round {number + 1} of {rounds}", flush=True)
        first.measure(load)
        if not first.reason:
            down, up = datagram_sizes(first.rounds[-1])
            bare.measure(load, (str(down), str(up)))
        if first.reason or bare.reason:
            raise SystemExit("without PyGaSe and the bare loop there is nothing to compare with")
        for entry in others:
            entry.measure(load)


HEAD = (
    *("server", "CPU µs", "× bare", "bytes down", "bytes up", "datagrams"),
    *("latency ms", "99 %", "RSS MB", "wakes/tick", "ticks/s"),
)


def table(entries: Sequence[Entry], bare: Entry) -> str:
    """Return the table of one cell, and the servers that are not in it with their reasons."""
    rows = [_row(entry, bare) for entry in entries if entry.rounds and not entry.reason]
    missing = [f"{entry.peer.name}: {entry.reason}" for entry in entries if entry.reason]
    return "\n".join([markdown(HEAD, rows), *missing])


def _row(entry: Entry, bare: Entry) -> list[str]:
    rounds = entry.rounds
    half, most = latencies_of(rounds)
    numbers = [
        f"{median_of(rounds, lambda figures: figures.micros):.1f}",
        f"{ratio_of(rounds, bare.rounds):.2f}",
        f"{median_of(rounds, lambda figures: figures.down_bytes):.0f}",
        f"{median_of(rounds, lambda figures: figures.up_bytes):.0f}",
        "TCP" if entry.peer.program == "websockets" else f"{median_of(rounds, _datagrams):.2f}",
        f"{half:.2f}",
        f"{most:.2f}",
        f"{median_of(rounds, lambda figures: figures.resident_bytes) / 1e6:.1f}",
        f"{median_of(rounds, lambda figures: figures.wakes_a_tick):.1f}",
        f"{median_of(rounds, lambda figures: figures.ticks_per_second):.1f}",
    ]
    return [entry.peer.name, *numbers]


def _datagrams(figures: Figures) -> float:
    return figures.up_datagrams + figures.down_datagrams


def chosen(words: str | None, compiled: str | None) -> list[Peer]:
    """Return the servers to measure, in their order: PyGaSe first, then the bare loop."""
    own = [CHECKOUT, BARE, PRECISE]
    if compiled:
        python = environments.pygase_wheel() if compiled == "build" else compiled
        own += [replace(peer, name=peer.name.replace("this checkout", "compiled"), python=python) for peer in own[::2]]
    named = words.split(",") if words is not None else [peer.word for peer in OTHERS]
    unknown = set(named) - {peer.word for peer in OTHERS} - {""}
    if unknown:
        raise SystemExit(f"--peers: {', '.join(sorted(unknown))} is none of {', '.join(peer.word for peer in OTHERS)}")
    return [*own, *(peer for peer in OTHERS if peer.word in named)]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="8x20,64x20", help="clients x ticks per second, several with commas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=4.0, help="measured in each run, after the warm-up")
    parser.add_argument("--quick", action="store_true", help="one cell, one round of two seconds: to see that it runs")
    parser.add_argument("--compiled", metavar="PYTHON", help="one that has a compiled wheel, or the word build")
    parser.add_argument("--peers", help="words with commas: " + ", ".join(peer.word for peer in OTHERS))
    options = parser.parse_args()
    cells = [cell.split("x") for cell in options.cells.split(",")]
    if options.quick:
        cells, options.rounds, options.seconds = cells[:1], 1, 2.0
    entries = [Entry(peer) for peer in chosen(options.peers, options.compiled)]
    for entry in entries:
        entry.introduce()
    for clients, hz in cells:
        load = Load(int(clients), float(hz), options.seconds)
        print(f"{clients} clients at {hz} Hz", flush=True)
        for entry in entries:
            entry.begin_cell()
        measure(load, entries, entries[1], options.rounds)
        print(f"\n{table(entries, entries[1])}\n", flush=True)


if __name__ == "__main__":
    main()
