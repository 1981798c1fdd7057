"""The documented path of :mod:`pygase.timeline.interpolation`."""

from .timeline.interpolation import AdaptiveClock, FixedDelayClock, PlaybackStats, SnapshotBuffer

__all__ = ["AdaptiveClock", "FixedDelayClock", "PlaybackStats", "SnapshotBuffer"]
