"""Pipelines that hold out before any sampler, and what the columns allow at best."""

from skloss.model_selection.error_floor import ErrorFloor, error_floor
from skloss.model_selection.pipeline import Pipeline, make_pipeline

__all__ = ["ErrorFloor", "Pipeline", "error_floor", "make_pipeline"]
