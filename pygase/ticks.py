"""The documented path of what is defined in :mod:`pygase.timeline.ticks`."""

from .timeline.ticks import FixedTimestep

__all__ = ["FixedTimestep"]
