"""Plots of trainings, searches and predictions; none of them needs TensorFlow.

All classes follow the displays of scikit-learn. The constructor takes numbers.
``plot(ax=None)`` draws them, keeps the artists and returns the display. The class
methods compute the numbers from a fitted estimator, a record or predictions.
"""

from skloss.displays.fold_curves import FoldCurvesDisplay
from skloss.displays.loss_curves import LossCurveDisplay
from skloss.displays.loss_gap import LossGapDisplay
from skloss.displays.metric_curves import MetricCurveDisplay
from skloss.displays.probability import ProbabilityDisplay
from skloss.displays.ranking import PrecisionRecallCurvesDisplay, RocCurvesDisplay
from skloss.displays.search_display import SearchDisplay
from skloss.displays.threshold import ThresholdDisplay

__all__ = [
    "FoldCurvesDisplay",
    "LossCurveDisplay",
    "LossGapDisplay",
    "MetricCurveDisplay",
    "PrecisionRecallCurvesDisplay",
    "ProbabilityDisplay",
    "RocCurvesDisplay",
    "SearchDisplay",
    "ThresholdDisplay",
]
