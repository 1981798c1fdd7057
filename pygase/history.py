"""The documented path of :mod:`pygase.timeline.history`."""

from .timeline.history import StateHistory

__all__ = ["StateHistory"]
