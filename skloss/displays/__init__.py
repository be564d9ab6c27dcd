"""Pictures of trainings, searches and predictions; TensorFlow is never needed.

All follow scikit-learn's displays: the constructor takes numbers, ``plot(ax=None)``
draws them and returns the display, which keeps its artists, and the class methods
compute the numbers of what has been fitted.
"""

from skloss.displays._losses import LossCurveDisplay
from skloss.displays._metrics import MetricCurveDisplay

__all__ = ["LossCurveDisplay", "MetricCurveDisplay"]
