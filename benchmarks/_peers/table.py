"""Medians and tables: pure functions, tested by ``tests/test_peer_tables.py``."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence

from .run import Figures


def percentile(values: Iterable[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed; NaN of no values."""
    ordered = sorted(values)
    if not ordered:
        return float("nan")
    return ordered[max(-int(-share * len(ordered) // 1) - 1, 0)]


def median_of(rounds: Sequence[Figures], read: Callable[[Figures], float]) -> float:
    """Return the median of one figure over the rounds."""
    return statistics.median(read(figures) for figures in rounds)


def ratio_of(rounds: Sequence[Figures], bare: Sequence[Figures]) -> float:
    """Return the median, over the rounds, of the CPU time in bare loops of the same round."""
    return statistics.median(ours.micros / least.micros for ours, least in zip(rounds, bare, strict=True))


def latencies_of(rounds: Sequence[Figures]) -> tuple[float, float]:
    """Return the median and the 99th percentile of all rounds' latencies together, in milliseconds."""
    pooled = [seconds * 1e3 for figures in rounds for seconds in figures.latencies]
    return percentile(pooled, 0.5), percentile(pooled, 0.99)


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown whose columns are as wide as their widest cell."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    padded = [[cell.ljust(width) for cell, width in zip(line, widths, strict=True)] for line in lines]
    written = ["| " + " | ".join(line) + " |" for line in padded]
    written.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(written)


def waits_of(begun: Sequence[float], interval: float) -> list[float]:
    """Return by how many seconds each tick begins after its moment of a fixed grid.

    The grid is the one that the earliest tick stands on: no tick begins before its moment.
    """
    if not begun:
        return []
    offsets = [(at - begun[0] + interval / 2) % interval for at in begun]
    earliest = min(offsets)
    return [offset - earliest for offset in offsets]


def on_time(begun: Sequence[float], interval: float, grace: float) -> float:
    """Return the share of the grid's moments at which a tick began, at most ``grace`` seconds late.

    A moment without a tick of its own is late, however many ticks follow it.
    """
    if not begun:
        return 0.0
    waits = waits_of(begun, interval)
    moments = [round((at - wait - (begun[0] - waits[0])) / interval) for at, wait in zip(begun, waits, strict=True)]
    in_time = {moment for moment, wait in zip(moments, waits, strict=True) if wait <= grace}
    return len(in_time) / (moments[-1] + 1)
