"""Records of trainings: what they hold, and how curves of any origin are read."""

from skloss.record.description import Layer, SplitMetrics, Training
from skloss.record.history import read_curves
from skloss.record.history_files import parse_keras_log
from skloss.record.training_record import TrainingRecord

__all__ = [
    "Layer",
    "SplitMetrics",
    "Training",
    "TrainingRecord",
    "parse_keras_log",
    "read_curves",
]
