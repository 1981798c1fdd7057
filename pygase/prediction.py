"""The documented path of what is defined in :mod:`pygase.timeline.prediction`."""

from .timeline.prediction import Predictor

__all__ = ["Predictor"]
