"""The documented path of :mod:`pygase.timeline.ticks`."""

from .timeline.ticks import FixedTimestep

__all__ = ["FixedTimestep"]
