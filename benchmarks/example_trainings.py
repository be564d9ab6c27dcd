"""Example trainings as people write them, healthy unless told otherwise."""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import data_sets
import keras
import numpy as np
from data_sets import BEATS, MADE, has_keel, has_ucr
from keras import layers, optimizers
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler

from skloss import CNN1DClassifier, DenseClassifier, make_pipeline

TABLES = ("page-blocks0", "segment0", "yeast3", "vehicle1", "breast_cancer")
IMBALANCED = ("page-blocks0", "segment0", "yeast3", "vowel0", "Wafer")
SEVERAL = ("digits", "vehicle", "vowel", "satimage", "segment")
SERIES = ("Wafer", "ECG200", "Strawberry", "PowerCons", "ElectricDevices")
# One set of each kind that comes with skloss or scikit-learn.
SHIPPED = {
    TABLES: "breast_cancer",
    IMBALANCED: "rare 5 %",
    SEVERAL: "digits",
    SERIES: BEATS,
}
MOST_ROWS = {False: 1250, True: 750}  # of training and validation, by is_series
MOST_TEST_ROWS = 1500


# --------------------------------------------------------------------------------- rows


@dataclass(frozen=True)
class Rows:
    """Scaled rows of three sides, and class numbers."""

    X: np.ndarray
    y: np.ndarray
    X_val: np.ndarray | None
    y_val: np.ndarray | None
    X_test: np.ndarray
    y_test: np.ndarray
    is_series: bool = False

    @property
    def n_classes(self) -> int:
        """Count the classes."""
        return int(self.y_test.max()) + 1

    def whole(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows of training and validation together."""
        return np.concatenate([self.X, self.X_val]), np.append(self.y, self.y_val)

    def on_all(self, change: Callable[[np.ndarray], np.ndarray]) -> "Rows":
        """Change the values of all sides."""
        names = ("X", "X_val", "X_test")
        return replace(self, **{name: change(getattr(self, name)) for name in names})

    def cut(self, n: int) -> "Rows":
        """Keep ``n`` training rows, with the shares of the classes."""
        X, _, y, _ = train_test_split(
            self.X, self.y, train_size=n, stratify=self.y, random_state=0
        )
        return replace(self, X=X, y=y)


def is_available(name: str, folder: Path | None) -> bool:
    """Whether a data set comes with the packages, or is there."""
    if name in (*MADE, BEATS):
        return True
    return has_ucr(name, folder) or (name not in SERIES and has_keel())


@cache
def load(name: str, folder: Path | None) -> Rows:
    """Read a data set, split it by class and scale it by its training rows."""
    X, y, is_series = _read(name, folder)
    y = np.unique(y, return_inverse=True)[1]
    most = MOST_ROWS[is_series]
    share = max(0.25, 1 - most / len(y))
    X, X_test, y, y_test = halves(X, y, share)
    X, X_val, y, y_val = halves(X, y, 0.4)
    scaler = StandardScaler().fit(X)
    X, X_val, X_test = (
        scaler.transform(part).astype(np.float32)
        for part in (X, X_val, X_test[:MOST_TEST_ROWS])
    )
    return Rows(X, y, X_val, y_val, X_test, y_test[:MOST_TEST_ROWS], is_series)


def _read(name: str, folder: Path | None) -> tuple[np.ndarray, np.ndarray, bool]:
    if name in (*MADE, BEATS):
        X, y = data_sets.made(name)
        return X, 1 - y if name == "breast_cancer" else y, name == BEATS
    if has_ucr(name, folder):
        X, y = data_sets.ucr_whole(name, folder)
        rarest = min(np.unique(y), key=lambda label: (y == label).sum())
        return X[:, :: 1 + X.shape[1] // 160], y == rarest, True
    X, y = data_sets.keel(name, "balanced" if name in SEVERAL else "imbalanced")
    return X, y, False


def halves(X: np.ndarray, y: np.ndarray, share: float) -> list[np.ndarray]:
    return train_test_split(X, y, test_size=share, stratify=y, random_state=0)


# ---------------------------------------------------------------------------- trainings


@dataclass(frozen=True)
class Run:
    """A training, what ``diagnose`` is told of it, and what it says of test rows."""

    source: Any
    arguments: dict[str, Any]
    predict: Callable[[], np.ndarray] | None


def keras_fit(
    rows: Rows,
    *hidden: Any,
    head: Any = None,
    loss: Any = None,
    optimizer: Any = None,
    metrics: Iterable[Any] = ("accuracy",),
    encode: Callable[[np.ndarray], np.ndarray] | None = None,
    **fit: Any,
) -> Run:
    """Train as people do in Keras; what is not given is right."""
    several, shape = rows.n_classes > 2, rows.X.shape[1:]
    last = ("softmax", rows.n_classes) if several else ("sigmoid", 1)
    kind = "sparse_categorical_crossentropy" if several else "binary_crossentropy"
    model = keras.Sequential(
        [
            keras.Input((*shape, 1) if rows.is_series else shape),
            *(hidden or usual(rows)),
            head or layers.Dense(last[1], activation=last[0]),
        ]
    )
    optimizer = optimizer or optimizers.Adam(3e-3)
    model.compile(optimizer, loss or kind, metrics=list(metrics))
    X, X_val, X_test = (
        part[..., None] if rows.is_series and part is not None else part
        for part in (rows.X, rows.X_val, rows.X_test)
    )
    y, y_val = (
        encode(part) if encode and part is not None else part
        for part in (rows.y, rows.y_val)
    )
    usual_epochs = 30 if several else 20
    fit = {"epochs": usual_epochs, "batch_size": 32, "shuffle": True} | fit
    validation = {} if X_val is None else {"validation_data": (X_val, y_val)}
    history = model.fit(
        X, y, verbose=0, validation_batch_size=2048, **validation, **fit
    )
    arguments = {"X": X, "y": y, "history": history.history, "fit_params": fit}
    if X_val is not None:
        arguments |= {"X_val": X_val, "y_val": y_val}
    return Run(model, arguments, lambda: _labels(model.predict(X_test, verbose=0)))


def _labels(outputs: np.ndarray) -> np.ndarray:
    outputs = np.nan_to_num(outputs)
    return (outputs[:, 0] > 0.5) if outputs.shape[1] == 1 else outputs.argmax(axis=1)


def usual(rows: Rows, **options: Any) -> list[Any]:
    """Hidden layers that suit the rows."""
    if rows.is_series:
        return [*convolutions((16, 32), **options), *dense((32,), **options)]
    return dense((32, 16), **options)


def dense(units: Iterable[int], activation: str = "relu", **options: Any) -> list[Any]:
    return [layers.Dense(n, activation=activation, **options) for n in units]


def convolutions(
    filters: Iterable[int], activation: str = "relu", **options: Any
) -> list[Any]:
    """Convolutions, each pooled, and the values flattened."""
    found = []
    for n in filters:
        options = {"padding": "same", "activation": activation} | options
        found += [layers.Conv1D(n, 7, **options), layers.MaxPooling1D()]
    return [*found, layers.Flatten()]


def dropped(units: Iterable[int], rates: Iterable[float]) -> list[Any]:
    """Dense layers with dropout behind each."""
    pairs = zip(dense(units), rates, strict=True)
    return [layer for one, rate in pairs for layer in (one, layers.Dropout(rate))]


def normalized(*units: int, **options: Any) -> list[Any]:
    """Dense layers with batch normalization behind each."""
    return [
        layer
        for one in dense(units)
        for layer in (one, layers.BatchNormalization(**options))
    ]


def skloss_fit(rows: Rows, *before: Any, **parameters: Any) -> Run:
    """Train a classifier of skloss, behind samplers if they are given."""
    classifier = _classifier(rows, **parameters)
    X, y = rows.whole()
    fitted = (make_pipeline(*before, classifier) if before else classifier).fit(X, y)
    return Run(fitted, {"X": X, "y": y}, lambda: fitted.predict(rows.X_test))


def _classifier(rows: Rows, **parameters: Any) -> Any:
    usual = {"validation_fraction": 0.4, "random_state": 0}
    usual["epochs"] = 15 if rows.is_series else 40
    kind = CNN1DClassifier if rows.is_series else DenseClassifier
    return kind(**usual | parameters)


def search(rows: Rows, scoring: str, cv: Any = 3) -> Run:
    """Search for a learning rate."""
    X, y = rows.whole()
    classifier = _classifier(rows, epochs=15, validation_fraction=None)
    grid = {"learning_rate": [1e-3, 5e-3]}
    fitted = GridSearchCV(classifier, grid, scoring=scoring, cv=cv).fit(X, y)
    return Run(fitted, {"X": X, "y": y}, lambda: fitted.predict(rows.X_test))
