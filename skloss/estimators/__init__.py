"""Neural classifiers as scikit-learn estimators."""

from skloss.estimators._base import BaseNeuralClassifier, HoldOut
from skloss.estimators._cnn1d import CNN1DClassifier
from skloss.estimators._dense import DenseClassifier

__all__ = ["BaseNeuralClassifier", "CNN1DClassifier", "DenseClassifier", "HoldOut"]
