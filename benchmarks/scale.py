"""How many clients one core serves: 1,000 at 20 ticks a second, 250 at 60, on the workload of ``benchmarks/peers.py``.

::

    python -m benchmarks.scale [--cells 1000x20,250x60] [--seconds 10] [--compiled PYTHON] [--quick]

The server is alone on the first core, all its clients are one process on the second. For each cell it prints

- the share of ticks on time: a tick is on time if its time step begins within a quarter of an interval of its moment
  on a fixed grid, and a moment without a tick is late (``on_time`` in ``benchmarks/_peers/table.py``). The time step
  comes after the inputs, so a tick with more of them counts as later;
- how late ticks are, and how long a state takes to a client;
- the share of a core that the server takes, and the share that the clients take: near 100 % they are the limit;
- whether the clients kept up: by how much the state of the slowest one advanced, as a share of the ticks;
- memory: by how much more the server's process grows with all clients than with ten, for each client.

``--compiled`` measures a compiled wheel too: the Python that has it, or ``build`` to build one.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from ._peers import environments
from ._peers.run import Figures, Side, run
from ._peers.table import latencies_of, markdown, on_time, percentile, waits_of
from ._peers.workload import Load

FEW = 10
TIMES = ("late ms", "99 %", "state ms", "99 %")
HEAD = ("server", "clients", "ticks/s", "on time", *TIMES, "core", "clients' core", "KB a client", "kept up")
PLAYERS = Side("play_pygase.py", from_checkout=True)


def row(name: str, server: Side, load: Load) -> list[str]:
    """Measure one cell; return its line of the table."""
    many = run(load, server, PLAYERS)
    few = run(replace(load, clients=FEW, seconds=min(load.seconds, 3.0)), server, PLAYERS)
    interval = 1 / load.hz
    late = [wait * 1e3 for wait in waits_of(many.begun, interval)]
    half, most = latencies_of([many])
    return [
        name,
        f"{load.clients} at {load.hz:g} Hz",
        f"{many.ticks_per_second:.2f}",
        f"{on_time(many.begun, interval, interval / 4):.2%}",
        f"{percentile(late, 0.5):.2f}",
        f"{percentile(late, 0.99):.2f}",
        f"{half:.2f}",
        f"{most:.2f}",
        f"{many.share:.0%}",
        f"{many.players_share:.0%}",
        f"{_bytes_a_client(many, few, load) / 1e3:.1f}",
        f"{many.kept_up:.1%}",
    ]


def _bytes_a_client(many: Figures, few: Figures, load: Load) -> float:
    return (many.resident_bytes - few.resident_bytes) / (load.clients - FEW)


def servers(compiled: str | None) -> dict[str, Side]:
    """Return the servers to measure by name."""
    found = {"checkout": Side("serve_pygase.py", from_checkout=True)}
    if compiled is not None:
        python = environments.pygase_wheel() if compiled == "build" else compiled
        found["compiled"] = Side("serve_pygase.py", python)
    return found


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cells", default="1000x20,250x60", help="clients x ticks per second, several with commas")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--compiled", metavar="PYTHON", help="one that has a compiled wheel, or the word build")
    parser.add_argument("--quick", action="store_true", help="two seconds a cell: to see that it runs")
    options = parser.parse_args()
    seconds = 2.0 if options.quick else options.seconds
    cells = [cell.split("x") for cell in options.cells.split(",")]
    loads = [Load(int(clients), float(hz), seconds) for clients, hz in cells]
    rows = []
    measured = servers(options.compiled)
    for name, server in measured.items():
        print(f"{name}: {server.about_pygase()}")
    for load in loads:
        for name, server in measured.items():
            print(f"{name}: {load.clients} clients at {load.hz:g} Hz", flush=True)
            rows.append(row(name, server, load))
    print("\n" + markdown(HEAD, rows))


if __name__ == "__main__":
    main()
