"""Neural classifiers as scikit-learn estimators."""

from skloss.estimators._base import (
    MOST_NATURAL_ROWS,
    BaseNeuralClassifier,
    HoldOut,
)
from skloss.estimators._cnn1d import CNN1DClassifier
from skloss.estimators._dense import DenseClassifier

__all__ = [
    "MOST_NATURAL_ROWS",
    "BaseNeuralClassifier",
    "CNN1DClassifier",
    "DenseClassifier",
    "HoldOut",
]
