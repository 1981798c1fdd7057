"""The documented path of what is defined in :mod:`pygase.timeline.history`."""

from .timeline.history import StateHistory

__all__ = ["StateHistory"]
