"""Transformers in front of a network."""

from skloss.preprocessing.series_scaler import SeriesScaler

__all__ = ["SeriesScaler"]
