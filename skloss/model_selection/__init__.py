"""Pipelines that hold out validation rows before any sampler is applied."""

from skloss.model_selection.pipeline import Pipeline, make_pipeline

__all__ = ["Pipeline", "make_pipeline"]
