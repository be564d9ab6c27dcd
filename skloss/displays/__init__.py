"""Pictures of a training record, drawn by matplotlib; TensorFlow is never needed."""

from skloss.displays._curves import LossCurveDisplay, MetricCurveDisplay

__all__ = ["LossCurveDisplay", "MetricCurveDisplay"]
