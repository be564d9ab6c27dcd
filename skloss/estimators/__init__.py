"""Neural classifiers as scikit-learn estimators."""

from skloss.estimators._base import BaseNeuralClassifier, HoldOut
from skloss.estimators._cnn1d import CNN1DClassifier
from skloss.estimators._dense import DenseClassifier
from skloss.estimators._fitting import MOST_MEASURED_ROWS

__all__ = [
    "MOST_MEASURED_ROWS",
    "BaseNeuralClassifier",
    "CNN1DClassifier",
    "DenseClassifier",
    "HoldOut",
]
