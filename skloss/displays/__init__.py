"""Pictures of trainings, searches and predictions; TensorFlow is never needed.

All follow scikit-learn's displays: the constructor takes numbers, ``plot(ax=None)``
draws them and returns the display, which keeps its artists, and the class methods
compute the numbers of what has been fitted.
"""

from skloss.displays.fold_curves import FoldCurvesDisplay
from skloss.displays.loss_curves import LossCurveDisplay
from skloss.displays.metric_curves import MetricCurveDisplay
from skloss.displays.probability import ProbabilityDisplay
from skloss.displays.ranking import PrecisionRecallCurvesDisplay, RocCurvesDisplay
from skloss.displays.search_display import SearchDisplay
from skloss.displays.threshold import ThresholdDisplay

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
