"""The documented path of :mod:`pygase.timeline.prediction`."""

from .timeline.prediction import Predictor

__all__ = ["Predictor"]
