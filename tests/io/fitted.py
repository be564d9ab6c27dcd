"""Fitted estimators of every public kind, small, for the tests of files."""

from functools import cache

import numpy as np
import pandas as pd
from imblearn.over_sampling import SMOTE
from keras_networks import binary
from sklearn.compose import make_column_transformer
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import skloss
from skloss.datasets import make_rare_events


def table():
    X, y = make_rare_events(300, prevalence=0.3, random_state=0)
    return X, y


def series(n_channels=2):
    rng = np.random.default_rng(0)
    y = np.array(["calm", "gale", "storm"])[np.arange(120) % 3]
    X = rng.normal(size=(120, 24, n_channels))
    X[y == "gale"] += np.sin(np.arange(24))[:, None]
    return X, y


def mixed_table():
    X, y = table()
    frame = pd.DataFrame(X[:, :3], columns=["size", "share", "age"])
    frame["city"] = np.array(["Bern", "Köln", "Łódź"])[np.arange(len(X)) % 3]
    return frame, np.where(y == 1, "fraud", "fine")


def _dense(**parameters):
    settings = {"width": 6, "depth": 2, "epochs": 2, "random_state": 0}
    return skloss.DenseClassifier(**{**settings, **parameters})


def _cnn(**parameters):
    settings = {"filters": (4, 4), "kernel_size": 3, "epochs": 2, "random_state": 0}
    return skloss.CNN1DClassifier(**{**settings, **parameters})


def _columns():
    return make_column_transformer(
        (StandardScaler(), ["size", "share", "age"]),
        (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        sparse_threshold=0,
    )


def _frame():
    X, y = table()
    return pd.DataFrame(X).add_prefix("Größe "), y


CASES = {
    "dense": lambda: (_dense(dropout=0.1, batch_norm=True), *table()),
    "dense of a frame": lambda: (_dense(activation="gelu"), *_frame()),
    "dense of a schedule": lambda: (
        _dense(
            learning_rate_schedule=skloss.ReduceLROnPlateau("loss", patience=1),
            class_weight={0: 1.0, 1: 3.0},
            scoring=["roc_auc"],
            random_state=np.random.RandomState(3),
        ),
        *table(),
    ),
    "dense with members": lambda: (
        _dense(n_members=2, validation_fraction=0.5, class_weight="balanced"),
        *table(),
    ),
    "logistic": lambda: (_dense(width=(), depth=None), *table()),
    "cnn1d": lambda: (_cnn(head=(5,), batch_norm=True), *series()),
    "cnn1d of one channel": lambda: (
        _cnn(global_pooling="average", dropout=0.2, padding="valid"),
        *series(1),
    ),
    "cnn1d, channels first": lambda: (
        _cnn(channels_first=True, n_channels=2, global_pooling="max"),
        series()[0].transpose(0, 2, 1),
        series()[1],
    ),
    "inception": lambda: (
        skloss.CNN1DClassifier(architecture="inception", epochs=1, random_state=0),
        *series(1),
    ),
    "lite": lambda: (
        skloss.CNN1DClassifier(architecture="lite", epochs=1, random_state=0),
        *series(),
    ),
    "cnn1d behind fixed filters": lambda: (_cnn(front_end="filters"), *series()),
    "cnn1d behind fixed kernels": lambda: (_cnn(front_end="rocket"), *series()),
    "calibrated": lambda: (
        _dense(
            calibration="temperature", class_weight="balanced", prior_correction=True
        ),
        *table(),
    ),
    "cnn2d": lambda: (
        skloss.CNN2DClassifier(
            filters=((3,), (3, 4)),
            residual=True,
            batch_norm=True,
            augment={"flip": "horizontal"},
            epochs=2,
            pool_size=1,
            head=(),
            random_state=0,
        ),
        series()[0][..., None],
        series()[1],
    ),
    "recurrent": lambda: (
        skloss.RecurrentClassifier(
            3, bidirectional=True, pooling="attention", epochs=2, random_state=0
        ),
        *series(),
    ),
    "recurrent behind convolutions": lambda: (
        skloss.RecurrentClassifier(
            3, cell="gru", depth=2, filters=(3,), epochs=2, random_state=0
        ),
        *series(),
    ),
    "rocket": lambda: (skloss.RocketClassifier(168, random_state=0), *series()),
    "rocket of two classes": lambda: (
        skloss.RocketClassifier(168, scale_series="zscore", random_state=0),
        series()[0],
        series()[1] == "gale",
    ),
    "rocket of four numbers": lambda: (
        skloss.RocketClassifier(1344, pooling="multi", random_state=0),
        *series(),
    ),
    "keras": lambda: (
        skloss.KerasClassifier(
            binary,
            loss="binary_crossentropy",
            optimizer="adam",
            hidden_layer_sizes=(5,),
            epochs=2,
            class_weight="balanced",
            prior_correction=True,
            random_state=0,
        ),
        *table(),
    ),
    "pipeline": lambda: (
        skloss.make_pipeline(StandardScaler(), SMOTE(random_state=0), _dense()),
        *table(),
    ),
    "pipeline of columns": lambda: (
        skloss.make_pipeline(_columns(), SMOTE(random_state=0), _dense()),
        *mixed_table(),
    ),
    "pipeline of series": lambda: (
        skloss.make_pipeline(
            skloss.SeriesScaler(2), skloss.RocketClassifier(84, random_state=0)
        ),
        series()[0].reshape(120, -1),
        series()[1],
    ),
}


@cache
def fitted(case):
    """Return a fitted estimator and its rows; do not change them."""
    estimator, X, y = CASES[case]()
    return estimator.fit(X, y), X, y
