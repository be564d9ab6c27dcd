from skloss import (
    datasets,
    diagnosis,
    displays,
    exceptions,
    io,
    metrics,
    preprocessing,
    streams,
)
from skloss.estimators.cnn1d import CNN1DClassifier
from skloss.estimators.cnn2d import CNN2DClassifier
from skloss.estimators.dense import DenseClassifier
from skloss.estimators.keras import KerasClassifier
from skloss.estimators.recurrent import RecurrentClassifier
from skloss.estimators.rocket import RocketClassifier
from skloss.io import load, save, to_onnx
from skloss.model_selection import (
    OutOfBagThresholdClassifier,
    Pipeline,
    error_floor,
    label_issues,
    make_pipeline,
)
from skloss.preprocessing import SeriesScaler
from skloss.readers import diagnose, explain_gap
from skloss.record import TrainingRecord
from skloss.repairs import repair
from skloss.reports import report
from skloss.training import ReduceLROnPlateau

__version__: str

__all__ = [
    "CNN1DClassifier",
    "CNN2DClassifier",
    "DenseClassifier",
    "KerasClassifier",
    "OutOfBagThresholdClassifier",
    "Pipeline",
    "RecurrentClassifier",
    "ReduceLROnPlateau",
    "RocketClassifier",
    "SeriesScaler",
    "TrainingRecord",
    "__version__",
    "datasets",
    "diagnose",
    "diagnosis",
    "displays",
    "error_floor",
    "exceptions",
    "explain_gap",
    "io",
    "label_issues",
    "load",
    "make_pipeline",
    "metrics",
    "preprocessing",
    "repair",
    "report",
    "save",
    "streams",
    "to_onnx",
]
