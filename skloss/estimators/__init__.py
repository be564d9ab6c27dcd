"""Neural classifiers as scikit-learn estimators."""

from typing import TYPE_CHECKING, Any

from skloss.estimators.base import BaseNeuralClassifier
from skloss.estimators.cnn1d import CNN1DClassifier
from skloss.estimators.cnn2d import CNN2DClassifier
from skloss.estimators.dense import DenseClassifier
from skloss.estimators.epoch_logger import EpochLogger
from skloss.estimators.fit_job import MOST_MEASURED_ROWS
from skloss.estimators.fit_rows import HoldOut
from skloss.estimators.recurrent import RecurrentClassifier
from skloss.estimators.rocket import RocketClassifier
from skloss.estimators.streamed_fit import StreamedFit

if TYPE_CHECKING:
    from skloss.estimators.keras import KerasClassifier

__all__ = [
    "MOST_MEASURED_ROWS",
    "BaseNeuralClassifier",
    "CNN1DClassifier",
    "CNN2DClassifier",
    "DenseClassifier",
    "EpochLogger",
    "HoldOut",
    "KerasClassifier",
    "RecurrentClassifier",
    "RocketClassifier",
    "StreamedFit",
]


def __getattr__(name: str) -> Any:
    """Import `KerasClassifier` at its first use: it imports scikeras, and so Keras."""
    if name == "KerasClassifier":
        from skloss.estimators.keras import KerasClassifier

        return KerasClassifier
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
