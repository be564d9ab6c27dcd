"""Neural classifiers for rare events, with loss curves that can be trusted.

Names are loaded when first used: ``import skloss`` imports neither TensorFlow nor
matplotlib nor scikit-learn.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "CNN1DClassifier": "skloss.estimators",
    "CNN2DClassifier": "skloss.estimators",
    "DenseClassifier": "skloss.estimators",
    "KerasClassifier": "skloss.estimators",
    "OutOfBagThresholdClassifier": "skloss.model_selection",
    "Pipeline": "skloss.model_selection",
    "RecurrentClassifier": "skloss.estimators",
    "ReduceLROnPlateau": "skloss.training",
    "RocketClassifier": "skloss.estimators",
    "SeriesScaler": "skloss.preprocessing",
    "TrainingRecord": "skloss.record",
    "datasets": "skloss",
    "diagnose": "skloss.readers",
    "diagnosis": "skloss",
    "displays": "skloss",
    "error_floor": "skloss.model_selection",
    "exceptions": "skloss",
    "explain_gap": "skloss.readers",
    "io": "skloss",
    "label_issues": "skloss.model_selection",
    "load": "skloss.io",
    "make_pipeline": "skloss.model_selection",
    "metrics": "skloss",
    "preprocessing": "skloss",
    "repair": "skloss.repairs",
    "report": "skloss.reports",
    "save": "skloss.io",
    "streams": "skloss",
    "to_onnx": "skloss.io",
}

__all__ = ["__version__", *_HOME]


def __getattr__(name: str) -> Any:
    """Import the home of a public name and return the name from there."""
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'skloss' has no attribute {name!r}")
    if home == "skloss":
        return import_module(f"skloss.{name}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
