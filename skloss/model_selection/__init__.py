"""Pipelines that hold out before any sampler, and what the columns allow at best."""

from skloss.model_selection.error_floor import ErrorFloor, error_floor
from skloss.model_selection.label_issues import LabelIssues, label_issues
from skloss.model_selection.out_of_bag_threshold import OutOfBagThresholdClassifier
from skloss.model_selection.pipeline import Pipeline, make_pipeline

__all__ = [
    "ErrorFloor",
    "LabelIssues",
    "OutOfBagThresholdClassifier",
    "Pipeline",
    "error_floor",
    "label_issues",
    "make_pipeline",
]
