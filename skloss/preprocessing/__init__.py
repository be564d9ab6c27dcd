"""Transformers in front of a network."""

from skloss.preprocessing.scaled_series import ROUNDING, ScaledSeries, scaled_series
from skloss.preprocessing.series_scaler import SeriesScaler

__all__ = ["ROUNDING", "ScaledSeries", "SeriesScaler", "scaled_series"]
