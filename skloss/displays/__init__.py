"""Pictures of trainings, searches and predictions; TensorFlow is never needed.

All follow scikit-learn's displays: the constructor takes numbers, ``plot(ax=None)``
draws them and returns the display, which keeps its artists, and the class methods
compute the numbers of what has been fitted.
"""

from skloss.displays._folds import FoldCurvesDisplay
from skloss.displays._losses import LossCurveDisplay
from skloss.displays._metrics import MetricCurveDisplay
from skloss.displays._probabilities import ProbabilityDisplay
from skloss.displays._rankings import PrecisionRecallCurvesDisplay, RocCurvesDisplay
from skloss.displays._search import SearchDisplay
from skloss.displays._thresholds import ThresholdDisplay

__all__ = [
    "FoldCurvesDisplay",
    "LossCurveDisplay",
    "MetricCurveDisplay",
    "PrecisionRecallCurvesDisplay",
    "ProbabilityDisplay",
    "RocCurvesDisplay",
    "SearchDisplay",
    "ThresholdDisplay",
]
