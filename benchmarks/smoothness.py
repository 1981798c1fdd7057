"""How local a networked game feels: the promised figures and the measured ones.

::

    python -m benchmarks.smoothness [--seeds 6] [--only prediction]

Whole games run in virtual time on simulated links, so the figures are the same on every machine and in every run: the
seeds are 0, 1, 2 … Only the costs, at the end, use the real clock; they are the fastest of many runs.

"ok" refers to the worst game of all seeds, unless the row says otherwise; "MISSED" marks a figure that is not reached.
Rows without either are for comparison.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks import _smooth_playback as playback
from benchmarks import _smooth_players as players
from benchmarks import _smooth_shots as shots
from benchmarks.view_smoothness import (
    BURSTY,
    ENTITIES,
    FORMS,
    FRAME_RATES,
    GOOD,
    JITTERY,
    SHAKY,
    TICK_RATES,
    Smoothness,
    cost,
    measure,
)
from pygase import Client
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Session


class Row(NamedTuple):
    """A figure: its name, the wanted value, the measured one, and whether it is reached."""

    what: str
    wanted: str
    measured: str
    ok: bool


Rows = Iterator[Row]


def quantile(values: list[float], share: float) -> float:
    """Return the value that a share of all values does not exceed."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


# -- time ------------------------------------------------------------------------------------------------------------
def shared_clock(seeds: range) -> Rows:
    """The error of the shared clock."""
    for tick_rate in (20, 60):
        errors = [
            quantile([abs(error) for error in playback.clock_errors(seed, drift=drift, tick_rate=tick_rate)], 0.99)
            for seed, drift in zip(seeds, itertools.cycle((playback.DRIFT, -playback.DRIFT)), strict=False)
        ]
        yield Row(
            f"server_time(), 80 ± 40 ms each way, 100 ppm, {tick_rate} ticks/s: p99 after 5 s",
            "≤ 5 ms",
            f"{max(errors) * 1e3:.2f} ms",
            max(errors) <= 0.005,
        )


# -- interpolation ---------------------------------------------------------------------------------------------------
def delay(seeds: range) -> Rows:
    """The delay of the picture."""
    for name, link in (("5 ms", GOOD), ("± 5 ms", SHAKY)):
        longest = [
            max(measure(link, tick_rate, 60, seconds=30.0, seed=seed).longest_delay for seed in seeds)
            for tick_rate in TICK_RATES
        ]
        yield Row(
            f"interpolation delay, 1 % loss, {name} jitter, at 20, 30, 60 ticks/s",
            "≤ 2.2 intervals",
            ", ".join(f"{delay:.2f}" for delay in longest) + " at most",
            max(longest) <= 2.2,
        )


def losses(seeds: range) -> Rows:
    """Stalls of the picture."""
    for count in (1, 2):
        runs = [
            playback.lose_in_a_row(count, tick_rate, frame_rate, seed)
            for tick_rate, frame_rate, seed in itertools.product(TICK_RATES, FRAME_RATES, seeds)
        ]
        stalls, slowest, fastest = (
            sum(r.stalls for r in runs),
            min(r.slowest for r in runs),
            max(r.fastest for r in runs),
        )
        yield Row(
            f"{count} lost in a row each second, 20/30/60 ticks, 30/60/144 frames a second",
            "no stall",
            f"{stalls} stalls, frames move {100 * slowest:.1f} to {100 * fastest:.1f} % of the even way",
            stalls == 0 and slowest > 0.5,
        )


def speed(seeds: range) -> Rows:
    """Jumps of the playback when the link changes."""
    speeds = [
        speed
        for tick_rate, seed in itertools.product(TICK_RATES, seeds)
        for speed in playback.playback_speeds(tick_rate, seed)
    ]
    yield Row(
        "playback speed while jitter goes from 2 to 80 ms and back, with 5 % loss",
        "95 to 105 %",
        f"{100 * min(speeds):.1f} to {100 * max(speeds):.1f} %",
        min(speeds) >= 0.95 - 1e-6 and max(speeds) <= 1.05 + 1e-6,
    )


def rest(seeds: range) -> Rows:
    """Differences of view and state while nothing moves."""

    def session(network: SimulatedNetwork, client: Client) -> Session:
        made = Session(client, clock=network.clock, connect=lambda: network.connect(client), interpolate=["ball.x"])
        made.connect()
        network.run_until(lambda: made.view().ready, 5.0)
        return made

    different = sum(playback.differences_at_rest(seed, session) for seed in range(5 * len(seeds)))
    yield Row(
        f"views of {5 * len(seeds)} resting worlds that are not the very state, 20 ms jitter, 10 % loss",
        "0",
        str(different),
        different == 0,
    )


def evenness(seeds: range) -> Rows:
    """Evenness of movement. For bursts the median game counts; the worst one has a row of its own."""
    for tick_rate in TICK_RATES:
        runs = [
            [measure(JITTERY, tick_rate, frame_rate, seconds=30.0, seed=s) for s in seeds] for frame_rate in FRAME_RATES
        ]
        yield _even(f"20 ms jitter, {tick_rate} ticks/s, at 30, 60, 144 frames/s", 0.03, runs, 1.0)
    games = list[Smoothness]()
    for tick_rate in TICK_RATES:
        runs = [[measure(BURSTY, tick_rate, frame_rate, seed=s) for s in seeds] for frame_rate in FRAME_RATES]
        yield _even(f"5 % lost in bursts, {tick_rate} ticks/s, at 30, 60, 144 frames/s, median", 0.10, runs, 0.5)
        games += itertools.chain(*runs)
    yield _even(f"5 % lost in bursts, nine of ten of these {len(games)} games", 0.10, [games], 0.9)
    yield _even(f"5 % lost in bursts, the unluckiest of these {len(games)} games", 0.10, [games], 1.0)


def _even(what: str, wanted: float, runs: list[list[Smoothness]], share: float) -> Row:
    """Return the row for the evenness of a share of the games, without the worst ones."""
    spreads = [quantile([run.spread for run in kind], share) for kind in runs]
    told = ", ".join(f"{100 * spread:.2f} %" for spread in spreads)
    return Row(f"spread of movement, {what}", f"≤ {wanted * 100:.0f} %", told, max(spreads) <= wanted)


# -- inputs ----------------------------------------------------------------------------------------------------------
def inputs(seeds: range) -> Rows:
    """Arrival of inputs, and the gain of inputs that are sent too fast."""
    fates = [players.fate_of_inputs(Link(latency=0.05, jitter=0.01, loss=0.2), seed) for seed in seeds]
    sent, arrived = sum(fate.sent for fate in fates), sum(fate.arrived for fate in fates)
    applied, repeated = sum(fate.applied for fate in fates), sum(fate.repeated for fate in fates)
    yield Row(f"of {sent:,} inputs, 20 % loss, 10 ms jitter: never arrived", "0", str(sent - arrived), sent == arrived)
    yield Row(
        "the same: applied, and none late for its tick (then the one before is repeated)",
        "100 %, 0 ticks",
        f"{100 * applied / sent:.2f} %, {repeated} ticks",
        applied == sent and not repeated,
    )
    way = max(players.walk_of_a_fast_sender(seed) for seed in seeds)
    yield Row("way of a player who sends twice as fast, by an honest one's", "≤ 1", f"{way:.6f}", way <= 1.0 + 1e-9)


# -- prediction ------------------------------------------------------------------------------------------------------
def prediction(seeds: range) -> Rows:
    """Delay and errors of the player's own, predicted part."""
    late = [max(players.frames_to_picture(players.RTT_100_LOSSY, rate, seed)) for rate in FRAME_RATES for seed in seeds]
    yield Row("from input to picture, 100 ms RTT, 5 % loss", "0 frames", f"{max(late)} frames", max(late) == 0)
    waits = players.frames_to_picture(players.RTT_100, 60, 0, predict=False)
    yield Row("(for comparison, not predicted, at 60 frames/s)", "", f"{statistics.fmean(waits):.1f} frames", True)
    for what, link, hands in (
        ("100 ms RTT, no loss, a stick that never rests", players.RTT_100, players.stick),
        ("100 ms RTT, 5 % loss, keys", players.RTT_100_LOSSY, players.keys),
        ("100 ms RTT, 5 % loss, a stick that never rests", players.RTT_100_LOSSY, players.stick),
    ):
        runs = [players.corrections(link, seed, hands) for seed in seeds]
        count, ticks, late_inputs = (
            sum(v) for v in zip(*((r.count, r.ticks, r.late_inputs) for r in runs), strict=True)
        )
        yield Row(
            f"corrections, {what}",
            "0",
            f"{count} in {ticks:,} ticks ({late_inputs} inputs came late)",
            count == 0,
        )


def pushes(seeds: range) -> Rows:
    """The picture of a player that is pushed."""
    seen = [players.push(players.RTT_100_LOSSY, seed) for seed in range(4 * len(seeds))]
    seconds, swing = max(push.seconds for push in seen), max(max(push.back, push.beyond) for push in seen)
    yield Row(
        "a push by another player: 95 % of it are shown within", "about 0.1 s", f"{seconds:.3f} s", seconds <= 0.15
    )
    yield Row("a push: how far the picture swings back or beyond", "0", f"{100 * swing:.2f} %", swing <= 1e-9)
    off = max(push.off for push in seen)
    yield Row("a push: picture and truth in the end", "equal", "equal" if off == 0 else f"{off:.3g} off", off == 0)


# -- rewind ----------------------------------------------------------------------------------------------------------
def rewind(seeds: range) -> Rows:
    """Hits of shots that hit on the shooter's screen."""
    count = 40 * len(seeds)
    fired = [shot for seed in seeds for shot in shots.shots_at_what_is_seen(seed, count=40)]
    hits, without = sum(shot.hits for shot in fired), sum(shot.hits_without_rewind for shot in fired)
    yield Row(
        f"of {count} shots that hit on a screen at 150 ms RTT, hit on the server",
        "all",
        f"{hits} ({without} without rewind)",
        hits == count,
    )
    off = max(shot.rewound for shot in fired) / shots.SPEED
    yield Row("(the same: screen and judge are apart by at most)", "", f"{off * 1e3:.2f} ms of movement", True)
    old = [shot for seed in seeds for shot in shots.shots_with_claims(seed, [1.5, 3.0, 60.0, 1e6])]
    back = [shot.now - shot.judged_at for shot in old]
    yield Row(
        "a shot that claims to see an older world than its link explains is judged as of so long before its tick",
        "≤ 0.15 s RTT + 4 × jitter + 0.3 s",
        f"{min(back):.2f} to {max(back):.2f} s",
        max(back) < shots.EXPLAINED,
    )


# -- costs -----------------------------------------------------------------------------------------------------------
def costs(seeds: range) -> Rows:
    """Costs on this machine, by the real clock."""
    for whole, what in ((False, "the own paddle"), (True, "the whole match")):
        ms = players.replay_cost(whole_match=whole)
        yield Row(f"{players.REPLAYED} replayed ticks of Pong's rules, {what}", "≤ 1 ms", f"{ms:.3f} ms", ms <= 1.0)
    for form in FORMS:
        taken = cost(form)
        yield Row(
            f"a view of {ENTITIES} entities, {form}",
            "≤ 0.5 ms",
            f"{taken.interpolated:.3f} ms",
            taken.interpolated <= 0.5,
        )


FIGURES: dict[str, Callable[[range], Rows]] = {
    "clock": shared_clock,
    "delay": delay,
    "losses": losses,
    "speed": speed,
    "rest": rest,
    "evenness": evenness,
    "inputs": inputs,
    "prediction": prediction,
    "pushes": pushes,
    "rewind": rewind,
    "costs": costs,
}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5, help="games of each kind")
    parser.add_argument("--only", choices=FIGURES, action="append", help="measure these only")
    options = parser.parse_args(arguments)
    started, missed, count = time.perf_counter(), 0, 0
    for name in options.only or FIGURES:
        for row in FIGURES[name](range(options.seeds)):
            count, missed = count + bool(row.wanted), missed + (not row.ok)
            verdict = ("ok" if row.ok else "MISSED") if row.wanted else ""
            print(f"{row.what:84s} {row.wanted:>16s}   {row.measured:52s} {verdict}".rstrip(), flush=True)
    print(f"\n{missed} of {count} missed; {options.seeds} seeds, {time.perf_counter() - started:.0f} s")


if __name__ == "__main__":
    main()
