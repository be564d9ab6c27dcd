"""Checks that a constraint cannot express, each with one clear sentence."""

import warnings
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse
from sklearn.utils.validation import column_or_1d

from skloss.exceptions import ResampledValidationWarning
from skloss.holdout import (
    check_kept,
    check_no_gaps,
    class_codes,
    count_codes,
    looks_resampled,
)
from skloss.nearest_name import did_you_mean
from skloss.optimizers import OPTIMIZERS, UNCOMPILED
from skloss.sparse_rows import dense_rows, flat_rows, is_sparse

__all__ = [
    "check_callbacks",
    "check_choice",
    "check_finite",
    "check_labels",
    "check_optimizer",
    "check_rates",
    "check_sizes",
    "class_weights",
    "encode_known",
    "encode_labels",
    "refuse_sparse",
    "warns_of_resampled",
]

_MOST_DENSE_VALUES = 2**24


def check_choice(
    owner: str, parameter: str, value: str, choices: Collection[str]
) -> str:
    """Return the value if it is a choice; else name the choices and the nearest one."""
    if value in choices:
        return value
    hint = did_you_mean(str(value), choices)
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(
        f"The {parameter!r} parameter of {owner} must be one of {listed}. "
        f"Got {value!r} instead.{hint}"
    )


def check_optimizer(owner: str, value: str) -> None:
    """Refuse optimizers that the engine has no update rule for."""
    if value in UNCOMPILED:
        raise ValueError(
            f"The 'optimizer' parameter of {owner} cannot be {value!r}, which has no "
            "compiled update rule: choose another one, or train a Keras network with "
            f"it by skloss.KerasClassifier(model, optimizer={value!r})."
        )
    check_choice(owner, "optimizer", value, list(OPTIMIZERS))


def check_callbacks(owner: str, value: Any) -> tuple[Any, ...]:
    """Callbacks as a tuple; a single one need not stand in a list."""
    callbacks = (value,) if callable(value) else tuple(value or ())
    for callback in callbacks:
        if not callable(callback):
            raise ValueError(
                f"The 'callbacks' parameter of {owner} must be a function of the "
                f"epoch's row, or a list of them. Got {callback!r} instead."
            )
    return callbacks


def check_finite(
    name: str, X: Any, offer: str = "", columns: Sequence[Any] = ()
) -> None:
    """Say where a value is missing or infinite, and what to do about it.

    ``offer`` is what the classifier itself can do about NaN, and ``columns`` are names
    of the columns.
    """
    # The sum is finite only if all values are, and takes no array of answers.
    values = X.data if issparse(X) else X
    with np.errstate(all="ignore"):
        if np.isfinite(values.sum()) or np.isfinite(values).all():
            return
    if issparse(X):
        bad = np.zeros(X.shape[0], bool)
        bad[np.repeat(np.arange(len(bad)), np.diff(X.indptr))[~np.isfinite(values)]] = 1
    else:
        bad = ~np.isfinite(X.reshape(len(X), -1)).all(axis=1)
    kind, mend = (
        ("NaN", f"{offer}impute them, for instance with SimpleImputer as first step,")
        if np.isnan(values).any()
        else ("infinity, or a value too large for float32,", "clip or scale them,")
    )
    first = int(bad.argmax())
    place = f"first in row {first}"
    if len(columns):
        place += f", column {columns[int((~np.isfinite(X[first])).argmax())]!r}"
    raise ValueError(
        f"{name} contains {kind} in {bad.sum()} of {len(bad)} rows, {place}: {mend} "
        "or drop these rows."
    )


def check_labels(owner: str, y: Any) -> None:
    """Refuse labels that are missing, mixed, several for one row, or of odd types."""
    check_no_gaps("y", y)
    labels = np.asarray(y)
    shape = labels.shape
    if len(shape) > 1 and shape[1] != 1:
        raise ValueError(
            f"y has shape {shape}, but {owner} takes one label for each row: pass "
            "y.argmax(axis=1) for one-hot rows, or put the classifier into "
            "sklearn.multioutput.MultiOutputClassifier for several labels per row."
        )
    check_kept("y", y)


def check_sizes(
    owner: str, parameter: str, value: Any, length: int | None = None
) -> tuple[int, ...]:
    """Whole numbers of at least one; a single number stands for ``length`` of them."""
    several = isinstance(value, Sequence | np.ndarray)
    sizes = tuple(value) if several else (value,) * (1 if length is None else length)
    if not all(_is_whole(size) and size >= 1 for size in sizes):
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must be a whole number of at "
            f"least 1, or a sequence of them. Got {value!r} instead."
        )
    if length is not None and len(sizes) != length:
        raise ValueError(
            f"The {parameter!r} parameter of {owner} has {len(sizes)} entries, but "
            f"there are {length} to be set: give one number, or one per layer or block."
        )
    return tuple(int(size) for size in sizes)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def check_rates(
    owner: str, value: Any, takes_number: Sequence[bool]
) -> tuple[float, ...]:
    """Dropout rates in [0, 1), one per place; a number at each place that takes it."""
    several = isinstance(value, Sequence | np.ndarray)
    rates = tuple(value) if several else (value,)
    if not all(
        isinstance(rate, (int, float, np.number)) and 0 <= rate < 1 for rate in rates
    ):
        raise ValueError(
            f"The 'dropout' parameter of {owner} is the share of values set to zero "
            "and must be in [0, 1), or a sequence of such numbers. "
            f"Got {value!r} instead."
        )
    if not several:
        return tuple(float(value) if takes else 0.0 for takes in takes_number)
    if len(rates) != len(takes_number):
        raise ValueError(
            f"The 'dropout' parameter of {owner} has {len(rates)} entries, but there "
            f"are {len(takes_number)} places for dropout: give one number, or one per "
            "place."
        )
    return tuple(float(rate) for rate in rates)


def encode_labels(owner: str, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes in order, and each row's class number."""
    classes, encoded = class_codes(y)
    if len(classes) < 2:
        raise ValueError(
            f"{owner} needs rows of at least two classes to train, but y holds only "
            f"one class: {classes.tolist()[0]!r}; add rows of another."
        )
    return classes, encoded


def encode_known(classes: np.ndarray, y: ArrayLike, name: str) -> np.ndarray:
    """Class number of each row, all of classes that were seen in training."""
    labels = column_or_1d(y)
    try:
        position = np.searchsorted(classes, labels)
    except TypeError:  # numbers among strings: none of them is a class
        position = np.zeros(len(labels), dtype=np.intp)
    position = np.minimum(position, len(classes) - 1)
    unknown = classes[position] != labels
    if unknown.any():
        unseen = sorted(set(labels[unknown].tolist()), key=repr)
        raise ValueError(
            f"{name} holds labels that were not seen in training, {unseen!r}: drop "
            f"their rows, or use the known labels {classes.tolist()!r}."
        )
    return position.astype(np.int32)


def class_weights(
    owner: str,
    class_weight: object,
    classes: np.ndarray,
    encoded: np.ndarray,
    effective_beta: float = 0.999,
) -> np.ndarray:
    """Weight of each class, in the order of the classes."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):
        check_choice(owner, "class_weight", class_weight, ["balanced", "effective"])
        counts = np.maximum(count_codes(encoded, len(classes)), 1)
        if class_weight == "effective":
            return _effective_weights(counts, effective_beta)
        return len(encoded) / (len(classes) * counts)
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must be None, 'balanced', "
            "'effective' or a dict from label to weight, got a "
            f"{type(class_weight).__name__}; make one from an array in the order of "
            "the labels by dict(zip(classes, weights))."
        )
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    missing = [label for label in labels if label not in class_weight]
    if unknown or missing:
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must have one weight for each "
            f"label of y, which are {labels}; unknown: {unknown}, missing: {missing}."
        )
    weights = np.array([class_weight[label] for label in labels], dtype=float)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must hold finite weights of at "
            f"least 0, not all of them 0. Got {dict(class_weight)!r} instead."
        )
    return weights


def _effective_weights(counts: np.ndarray, beta: float) -> np.ndarray:
    """Weights of Cui et al. (CVPR 2019), of mean one over the rows.

    A class of ``n`` rows counts as ``(1 - beta ** n) / (1 - beta)`` rows: as ``n`` for
    beta near one, and as one row, whatever its size, for beta 0.
    """
    # In logarithms, since ``1 - beta ** n`` loses its digits for beta near one.
    log_beta = np.log(beta) if beta > 0 else -np.inf
    weights = (1 - beta) / -np.expm1(counts * log_beta)
    return weights * counts.sum() / (weights @ counts)


def refuse_sparse(owner: str, X: Any, name: str) -> None:
    """Refuse sparse rows, and say how to make them dense."""
    if is_sparse(X):
        dense = "toarray()" if issparse(X) else "sparse.to_dense()"
        raise TypeError(
            f"{owner} takes no sparse data as {name}: make it dense by {name}.{dense}, "
            f"or in a pipeline by FunctionTransformer(lambda X: X.{dense}) or, with "
            "fewer columns, by TruncatedSVD; DenseClassifier takes sparse tables as "
            "they are."
        )


def warns_of_resampled(X: Any, y: np.ndarray, stacklevel: int = 4) -> bool:
    """Warn if the rows that a hold-out is split off look made by a sampler.

    Sparse rows are looked at if they fit into memory.
    """
    if issparse(X) and np.prod(X.shape, dtype=float) > _MOST_DENSE_VALUES:
        return False
    rows = flat_rows(dense_rows(X))
    if not looks_resampled(np.nan_to_num(rows) if np.isnan(rows).any() else rows, y):
        return False
    warnings.warn(
        "X holds rows that a sampler has made, and the validation rows are now "
        "split off from among them: the validation curves will look far better "
        "than the network is. Use skloss.Pipeline (or skloss.make_pipeline), which "
        "holds rows out before any sampler, or pass X_val and y_val.",
        ResampledValidationWarning,
        stacklevel=stacklevel,
    )
    return True
