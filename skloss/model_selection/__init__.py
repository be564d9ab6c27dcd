"""Pipelines that hold original rows out before any sampler sees the data."""

from skloss.model_selection.pipeline import Pipeline, make_pipeline

__all__ = ["Pipeline", "make_pipeline"]
