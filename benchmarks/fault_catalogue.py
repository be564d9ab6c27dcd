"""Catalogue of faults. Each is put alone into a training that is healthy otherwise."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np
from example_trainings import (
    IMBALANCED,
    SERIES,
    SEVERAL,
    TABLES,
    Rows,
    Run,
    convolutions,
    dense,
    dropped,
    halves,
    keras_fit,
    normalized,
    search,
    skloss_fit,
    usual,
)
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from keras import callbacks, layers, optimizers
from keras.initializers import Constant, RandomNormal
from sklearn.model_selection import StratifiedKFold, train_test_split
from sklearn.preprocessing import MinMaxScaler

# ------------------------------------------------------------------- faults of the rows


def with_nans(rows: Rows) -> Rows:
    X, rng = rows.X.copy(), np.random.default_rng(0)
    bad = rng.random(len(X)) < 0.03
    X[bad, rng.integers(0, X.shape[1], bad.sum())] = np.nan
    return replace(rows, X=X)


def as_whole_numbers(X: np.ndarray) -> np.ndarray:
    """Scale values to between 0 and 1 and cast them to whole numbers."""
    unit = (X - X.min()) / (1.01 * (X.max() - X.min()))
    return unit.astype(int).astype(np.float32)


def unscaled(X: np.ndarray) -> np.ndarray:
    return X * np.logspace(0, 4, X.shape[1], dtype=np.float32)


def as_codes(rows: Rows) -> Rows:
    """Cut columns into eight categories, numbered in a random order."""
    edges = np.quantile(rows.X, np.linspace(0, 1, 9)[1:-1], axis=0)
    rng = np.random.default_rng(0)
    names = [rng.permutation(8) for _ in range(rows.X.shape[1])]

    def code(X: np.ndarray) -> np.ndarray:
        columns = [
            names[c][np.searchsorted(edges[:, c], X[:, c])] for c in range(X.shape[1])
        ]
        return np.stack(columns, axis=1).astype(np.float32)

    return rows.on_all(code)


def as_columns(rows: Rows) -> Rows:
    """Give every category of `as_codes` a column."""

    def spread(X: np.ndarray) -> np.ndarray:
        return np.hstack([code == X for code in range(8)]).astype(np.float32)

    return as_codes(rows).on_all(spread)


def conflicting(rows: Rows) -> Rows:
    """Add a fifth of the rows again, with another label."""
    chosen = np.random.default_rng(0).permutation(len(rows.X))[: len(rows.X) // 5]
    X = np.concatenate([rows.X, rows.X[chosen]])
    return replace(rows, X=X, y=np.append(rows.y, 1 - rows.y[chosen]))


def misaligned(rows: Rows) -> Rows:
    """Labels that belong to other rows."""
    rng = np.random.default_rng(0)
    return replace(rows, y=rng.permutation(rows.y), y_val=rng.permutation(rows.y_val))


def majority_validation(rows: Rows) -> Rows:
    keep = rows.y_val == np.bincount(rows.y_val).argmax()
    return replace(rows, X_val=rows.X_val[keep], y_val=rows.y_val[keep])


def resampled_before_split(rows: Rows, sampler: Any) -> Rows:
    X, X_val, y, y_val = halves(*sampler.fit_resample(*rows.whole()), 0.25)
    return replace(rows, X=X, y=y, X_val=X_val, y_val=y_val)


def resampled(rows: Rows, sampler: Any) -> Rows:
    """Training rows resampled, as it should be done."""
    X, y = sampler.fit_resample(rows.X, rows.y)
    return replace(rows, X=X, y=y)


def validated_on_training(rows: Rows) -> Rows:
    n = len(rows.y_val)
    return replace(rows, X_val=rows.X[:n], y_val=rows.y[:n])


def sorted_tail(rows: Rows) -> Rows:
    X, y = rows.whole()
    order = np.argsort(y, kind="stable")
    return replace(rows, X=X[order], y=y[order], X_val=None, y_val=None)


def scaled_otherwise(rows: Rows) -> Rows:
    return replace(rows, X_val=MinMaxScaler().fit_transform(rows.X_val))


def from_elsewhere(rows: Rows) -> Rows:
    """Validate on the rows of each class that are largest in one column."""
    X, y = rows.whole()
    is_val = np.zeros(len(y), bool)
    for label in np.unique(y):
        members = np.flatnonzero(y == label)
        is_val[members[np.argsort(X[members, 0])[-len(members) // 4 :]]] = True
    return replace(rows, X=X[~is_val], y=y[~is_val], X_val=X[is_val], y_val=y[is_val])


def few_to_validate(rows: Rows, n: int = 20) -> Rows:
    _, X_val, _, y_val = train_test_split(
        rows.X_val, rows.y_val, test_size=n, stratify=rows.y_val, random_state=0
    )
    return replace(rows, X_val=X_val, y_val=y_val)


def with_noise(rows: Rows, n_rows: int, n_columns: int) -> Rows:
    """Few rows and many columns that say nothing."""
    rng = np.random.default_rng(0)

    def widen(X: np.ndarray) -> np.ndarray:
        return np.hstack([X, rng.normal(size=(len(X), n_columns))]).astype(np.float32)

    return rows.cut(n_rows).on_all(widen)


def held_out(rows: Rows, n: int) -> Rows:
    """Keep n validation rows."""
    return replace(rows, X_val=rows.X_val[:n], y_val=rows.y_val[:n])


def by_site(rows: Rows) -> Rows:
    """Rows site by site; the last fifth measured the other way round."""
    n = len(rows.X) // 5
    X = rows.X.copy()
    X[-n:] *= -1
    return held_out(replace(rows, X=X), 0)


# ----------------------------------------------------------------- faults of the labels


def one_hot(y: np.ndarray) -> np.ndarray:
    return np.eye(int(y.max()) + 1, dtype=np.float32)[y]


def at_least(y: np.ndarray) -> np.ndarray:
    """Several labels a row: whether the class number is at least 1, 2, ..."""
    return (y[:, None] >= np.arange(1, y.max() + 1)).astype(np.float32)


def weights(rows: Rows, factor: float = 1.0) -> dict[int, float]:
    """Balanced class weights, those of the minority multiplied."""
    counts = np.bincount(rows.y)
    balanced = dict(enumerate((len(rows.y) / (len(counts) * counts)).tolist()))
    rarest = int(counts.argmin())
    return balanced | {rarest: balanced[rarest] * factor}


def swapped(rows: Rows) -> dict[int, float]:
    """Strong weights on the wrong class."""
    rarest = int(np.bincount(rows.y).argmin())
    return {rarest: 1.0, 1 - rarest: 100.0}


def f1(y_true: Any, y_pred: Any) -> Any:
    """F1 of one batch, as found in many notebooks."""
    ops = keras.ops
    hits = ops.sum(ops.round(y_pred) * ops.cast(y_true, "float32"))
    called, there = ops.sum(ops.round(y_pred)), ops.sum(ops.cast(y_true, "float32"))
    return 2 * hits / (called + there + 1e-7)


# ----------------------------------------------------------------------------- the list


@dataclass(frozen=True)
class Fault:
    """A fault, the rule that names it, and the data sets that it is put into.

    ``also`` are names that are as true of it as the rule's, ``twin`` is the healthy
    training that it is compared with.
    """

    rule: str
    make: Callable[[Rows], Run]
    sets: tuple[str, ...] = TABLES
    variant: str = ""
    also: tuple[str, ...] = ()
    twin: str = ""

    @property
    def title(self) -> str:
        """Rule and variant."""
        return f"{self.rule} ({self.variant})" if self.variant else self.rule

    @property
    def healthy(self) -> str:
        """Title of the healthy training."""
        kind = "skloss" if "skloss" in self.variant else "Keras"
        return self.twin or f"healthy ({kind})"


def sgd(rate: float, momentum: float = 0.0) -> Any:
    return optimizers.SGD(rate, momentum=momentum)


def stopped_by(rows: Rows, monitor: str) -> Run:
    """Weigh the minority too much, and keep the epoch that is best by a curve."""
    return skloss_fit(
        rows,
        monitor=monitor,
        early_stopping=True,
        width=256,
        learning_rate=0.02,
        class_weight=weights(rows, 5.0),
    )


def deep_dropout() -> list[Any]:
    return dropped((16,) * 11, (0.5, *(0.2,) * 10))


def logits_bce() -> Any:
    return keras.losses.BinaryCrossentropy(from_logits=True)


DATA = [
    Fault("nan-in-inputs", lambda r: keras_fit(with_nans(r))),
    Fault(
        "single-class-target",
        lambda r: keras_fit(r, encode=lambda y: (y / 255).astype(int)),
        variant="divided by 255, cast to int",
    ),
    Fault(
        "target-encoding-mismatch",
        lambda r: keras_fit(r, encode=lambda y: 2 * y - 1),
        variant="-1 and 1",
    ),
    Fault(
        "target-encoding-mismatch",
        lambda r: keras_fit(r, encode=lambda y: (y / 255).astype(np.float32)),
        variant="divided by 255",
        also=("labels-scaled",),
    ),
    Fault(
        "constant-inputs",
        lambda r: keras_fit(r.on_all(as_whole_numbers)),
        variant="cast to int",
    ),
    Fault("unscaled-inputs", lambda r: keras_fit(r.on_all(unscaled))),
    Fault(
        "unscaled-inputs", lambda r: skloss_fit(r.on_all(unscaled)), variant="skloss"
    ),
    Fault(
        "weak-input-variation", lambda r: keras_fit(r.on_all(lambda X: 10 + X / 100))
    ),
    Fault(
        "categorical-as-ordinal",
        lambda r: keras_fit(as_codes(r)),
        twin="healthy (one-hot codes)",
    ),
    Fault("conflicting-labels", lambda r: keras_fit(conflicting(r))),
]

HOLDOUT = [
    Fault("minority-absent", lambda r: keras_fit(majority_validation(r)), IMBALANCED),
    Fault(
        "resample-before-split",
        lambda r: keras_fit(resampled_before_split(r, SMOTE(random_state=0))),
        IMBALANCED,
        "SMOTE",
    ),
    Fault(
        "resample-before-split",
        lambda r: keras_fit(
            resampled_before_split(r, RandomOverSampler(random_state=0))
        ),
        IMBALANCED,
        "copies",
        also=("train-rows-in-validation",),
    ),
    Fault("train-rows-in-validation", lambda r: keras_fit(validated_on_training(r))),
    Fault(
        "unshuffled-tail-validation",
        lambda r: keras_fit(sorted_tail(r), validation_split=0.2),
    ),
    Fault("test-scaling-mismatch", lambda r: keras_fit(scaled_otherwise(r))),
    Fault("feature-shift", lambda r: keras_fit(from_elsewhere(r))),
    Fault(
        "train-val-prior-shift",
        lambda r: keras_fit(
            resampled(r, RandomUnderSampler(random_state=0)), epochs=60
        ),
        IMBALANCED,
        "undersampled",
    ),
    Fault(
        "noisy-validation",
        lambda r: keras_fit(
            few_to_validate(r), callbacks=[callbacks.EarlyStopping(patience=5)]
        ),
    ),
]

NETWORK = [
    Fault("linear-stack", lambda r: keras_fit(r, *dense((32, 16, 16), "linear"))),
    Fault(
        "linear-stack",
        lambda r: skloss_fit(r, width=32, depth=3, activation="linear"),
        variant="skloss",
    ),
    Fault(
        "linear-conv",
        lambda r: keras_fit(r, *convolutions((16, 32), "linear"), *dense((32,))),
        SERIES,
    ),
    Fault(
        "linear-first-layer",
        lambda r: keras_fit(r, *dense((32,), "linear"), *dense((16, 16))),
    ),
    Fault("dropout-excess", lambda r: keras_fit(r, *deep_dropout())),
    Fault(
        "dropout-excess",
        lambda r: skloss_fit(r, width=16, depth=11, dropout=(0.5, *(0.2,) * 10)),
        variant="skloss",
    ),
    Fault(
        "batchnorm-after-dropout",
        lambda r: keras_fit(
            r, layers.Dense(32, activation="relu"), layers.Dropout(0.5), *normalized(16)
        ),
    ),
    Fault(
        "shrinking-channels", lambda r: keras_fit(r, *convolutions((32, 8, 2))), SERIES
    ),
    Fault("under-capacity", lambda r: keras_fit(r, *dense((2,))), SEVERAL),
    Fault("under-capacity", lambda r: skloss_fit(r, width=2), SEVERAL, "skloss"),
    Fault(
        "constant-init",
        lambda r: keras_fit(r, *usual(r, kernel_initializer=Constant(0.1))),
    ),
    Fault(
        "large-init",
        lambda r: keras_fit(r, *usual(r, kernel_initializer=RandomNormal(stddev=2.0))),
    ),
]

HEAD = [
    Fault(
        "softmax-one-unit",
        lambda r: keras_fit(r, head=layers.Dense(1, activation="softmax")),
    ),
    Fault(
        "binary-head-for-multiclass",
        lambda r: keras_fit(
            r, head=layers.Dense(1, activation="sigmoid"), loss="binary_crossentropy"
        ),
        SEVERAL,
    ),
    Fault(
        "relu-output", lambda r: keras_fit(r, head=layers.Dense(1, activation="relu"))
    ),
    Fault(
        "linear-output",
        lambda r: keras_fit(r, head=layers.Dense(1), loss="mean_squared_error"),
        also=("mse-for-classification",),
    ),
    Fault(
        "linear-output-without-from-logits",
        lambda r: keras_fit(r, head=layers.Dense(1)),
    ),
    Fault(
        "sigmoid-output-multiclass",
        lambda r: keras_fit(
            r,
            head=layers.Dense(r.n_classes, activation="sigmoid"),
            loss="categorical_crossentropy",
            encode=one_hot,
        ),
        SEVERAL,
    ),
    Fault(
        "class-count-mismatch",
        lambda r: keras_fit(
            r, head=layers.Dense(r.n_classes + 10, activation="softmax")
        ),
        SEVERAL,
        "ten units too many",
    ),
    Fault(
        "single-unit-categorical-ce",
        lambda r: keras_fit(
            r, loss="categorical_crossentropy", encode=lambda y: y[:, None]
        ),
    ),
    Fault(
        "bce-on-softmax2",
        lambda r: keras_fit(
            r,
            head=layers.Dense(2, activation="softmax"),
            loss="binary_crossentropy",
            encode=one_hot,
        ),
    ),
    Fault(
        "softmax-on-multilabel",
        lambda r: replace(
            keras_fit(
                r,
                head=layers.Dense(r.n_classes - 1, activation="softmax"),
                loss="binary_crossentropy",
                metrics=["binary_accuracy"],
                encode=at_least,
            ),
            predict=None,
        ),
        SEVERAL,
    ),
]

CONFIGURATION = [
    Fault("mse-for-classification", lambda r: keras_fit(r, loss="mean_squared_error")),
    Fault(
        "wrong-loss",
        lambda r: keras_fit(r, loss="kl_divergence"),
        variant="KL divergence on one unit",
    ),
    Fault("sigmoid-with-from-logits", lambda r: keras_fit(r, loss=logits_bce())),
    Fault(
        "softmax-with-from-logits",
        lambda r: keras_fit(
            r, loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        ),
        SEVERAL,
    ),
    Fault(
        "class-weight-without-effect",
        lambda r: keras_fit(
            r, class_weight={str(label): w for label, w in weights(r).items()}
        ),
        IMBALANCED,
        "text as keys",
    ),
    Fault(
        "double-balancing",
        lambda r: keras_fit(
            resampled(r, SMOTE(random_state=0)), class_weight=weights(r)
        ),
        IMBALANCED,
    ),
    Fault(
        "double-balancing",
        lambda r: skloss_fit(r, SMOTE(random_state=0), class_weight=weights(r)),
        IMBALANCED,
        "skloss.Pipeline",
    ),
    Fault("batchwise-metric", lambda r: keras_fit(r, metrics=[f1]), IMBALANCED),
    Fault(
        "bce-accuracy-on-multiclass",
        lambda r: keras_fit(
            r, loss="binary_crossentropy", metrics=["binary_accuracy"], encode=one_hot
        ),
        SEVERAL,
    ),
    Fault(
        "accuracy-as-criterion",
        lambda r: keras_fit(
            r,
            callbacks=[
                callbacks.EarlyStopping(
                    "val_accuracy", patience=5, restore_best_weights=True
                )
            ],
        ),
        IMBALANCED,
    ),
    Fault(
        "batch-too-large",
        lambda r: keras_fit(
            r, batch_size=len(r.X), epochs=15, optimizer=optimizers.Adam()
        ),
    ),
    Fault(
        "batch-too-large",
        lambda r: skloss_fit(r, batch_size=4096, epochs=15, learning_rate=1e-3),
        variant="skloss",
    ),
    Fault(
        "batch-too-small",
        lambda r: keras_fit(
            r.cut(250), batch_size=1, epochs=10, optimizer=optimizers.Adam(0.01)
        ),
        twin="healthy (250 rows)",
    ),
    Fault(
        "batchnorm-tiny-batch",
        lambda r: keras_fit(r.cut(250), *normalized(32, 16), batch_size=2, epochs=10),
        twin="healthy (250 rows)",
    ),
    Fault(
        "batchnorm-momentum-lag",
        lambda r: keras_fit(r, *normalized(32, 16, momentum=0.999), epochs=10),
    ),
]

OPTIMIZATION = [
    Fault(
        "nonfinite-loss",
        lambda r: keras_fit(r, optimizer=sgd(1e6)),
        variant="rate of 1e6",
        also=("lr-too-high",),
    ),
    Fault(
        "lr-too-high",
        lambda r: keras_fit(r, optimizer=optimizers.Adam(1.0)),
        variant="Adam 1",
    ),
    Fault("lr-too-high", lambda r: keras_fit(r, optimizer=sgd(10.0)), variant="SGD 10"),
    Fault("lr-too-high", lambda r: skloss_fit(r, learning_rate=1.0), variant="skloss"),
    Fault(
        "late-divergence",
        lambda r: keras_fit(
            r, callbacks=[callbacks.LearningRateScheduler(lambda e: 3e-3 * 1.4**e)]
        ),
        variant="growing rate",
        also=("lr-too-high",),
    ),
    Fault("lr-too-low", lambda r: keras_fit(r, optimizer=optimizers.Adam(1e-6))),
    Fault("lr-too-low", lambda r: skloss_fit(r, learning_rate=1e-6), variant="skloss"),
    Fault("vanishing-gradients", lambda r: keras_fit(r, *dense((16,) * 12, "sigmoid"))),
    Fault(
        "vanishing-gradients",
        lambda r: skloss_fit(r, width=16, depth=12, activation="sigmoid"),
        variant="skloss",
    ),
    Fault(
        "exploding-gradients",
        lambda r: keras_fit(
            r,
            *dense((64,) * 10, kernel_initializer=RandomNormal(stddev=0.5)),
            optimizer=sgd(0.01),
        ),
        also=("large-init", "nonfinite-loss"),
    ),
    Fault(
        "dead-relu",
        lambda r: keras_fit(r, *usual(r, bias_initializer=Constant(-10.0))),
        variant="bias of -10",
    ),
    Fault(
        "saturating-hidden",
        lambda r: keras_fit(
            r, *dense((32, 16), "tanh", bias_initializer=Constant(10.0))
        ),
        variant="bias of 10",
    ),
    Fault(
        "loss-oscillation",
        lambda r: keras_fit(r, optimizer=sgd(0.5, 0.9), epochs=40),
        also=("lr-too-high",),
    ),
    Fault(
        "loss-at-constant-guess",
        lambda r: keras_fit(misaligned(r), *dense((8,)), epochs=12),
        variant="labels of other rows",
        also=("majority-collapse", "underfit"),
    ),
    Fault(
        "too-few-epochs", lambda r: keras_fit(r, epochs=4, optimizer=optimizers.Adam())
    ),
    Fault(
        "too-few-epochs",
        lambda r: skloss_fit(r, epochs=3, learning_rate=1e-3),
        variant="skloss",
    ),
]

GENERALIZATION = [
    Fault(
        "majority-collapse",
        lambda r: keras_fit(r, *usual(r, kernel_regularizer=keras.regularizers.L2(1))),
        IMBALANCED,
        "L2 of 1",
        also=("underfit",),
    ),
    Fault(
        "threshold-not-tuned",
        lambda r: keras_fit(r, class_weight=swapped(r)),
        IMBALANCED,
        "weights swapped",
    ),
    Fault(
        "all-positive",
        lambda r: keras_fit(r, class_weight=weights(r, 300.0)),
        IMBALANCED,
        "weight of 300",
        also=("threshold-not-tuned",),
    ),
    Fault(
        "all-positive",
        lambda r: skloss_fit(r, class_weight=weights(r, 1e4)),
        IMBALANCED,
        "weight of 10,000, skloss",
        also=("threshold-not-tuned",),
    ),
    Fault(
        "underfit",
        lambda r: keras_fit(r, *usual(r, kernel_regularizer=keras.regularizers.L2(1))),
        SEVERAL,
        "L2 of 1",
        also=("majority-collapse",),
    ),
    Fault(
        "overfit",
        lambda r: keras_fit(with_noise(r, 60, 60), *dense((256, 256)), epochs=80),
    ),
    Fault(
        "overfit",
        lambda r: skloss_fit(
            held_out(with_noise(r, 60, 60), 140),
            width=(256, 256),
            epochs=80,
            early_stopping=False,
            validation_fraction=0.7,
        ),
        variant="skloss",
    ),
    Fault(
        "train-val-gap",
        lambda r: keras_fit(with_noise(r, 80, 100), *dense((128,)), epochs=12),
        also=("overfit",),
    ),
    Fault(
        "early-stopping-too-early",
        lambda r: keras_fit(
            r,
            optimizer=optimizers.Adam(3e-4),
            metrics=[keras.metrics.Recall(name="recall")],
            epochs=60,
            callbacks=[callbacks.EarlyStopping("val_recall", mode="max", patience=2)],
        ),
        IMBALANCED,
        "patience of 2 on recall",
    ),
    Fault(
        "val-loss-misleads",
        lambda r: stopped_by(r, "val_loss"),
        variant="skloss",
        twin="healthy (stopped by MCC)",
    ),
]

SEARCH = [
    Fault("search-by-accuracy", lambda r: search(r, "accuracy"), IMBALANCED, "skloss"),
    Fault(
        "folds-disagree",
        lambda r: search(by_site(r), "matthews_corrcoef", StratifiedKFold(5)),
        variant="one site reversed, skloss",
    ),
]

FAULTS = {
    fault.title: fault
    for family in (
        DATA,
        HOLDOUT,
        NETWORK,
        HEAD,
        CONFIGURATION,
        OPTIMIZATION,
        GENERALIZATION,
        SEARCH,
    )
    for fault in family
}
TWINS: dict[str, Callable[[Rows], Run]] = {
    "healthy (Keras)": keras_fit,
    "healthy (250 rows)": lambda r: keras_fit(r.cut(250), epochs=60),
    "healthy (one-hot codes)": lambda r: keras_fit(as_columns(r)),
    "healthy (skloss)": skloss_fit,
    "healthy (stopped by MCC)": lambda r: stopped_by(r, "val_mcc"),
}
