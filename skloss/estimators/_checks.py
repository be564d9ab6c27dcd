"""Checks of parameters that a constraint cannot express, each with one clear sentence."""

from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import numpy as np

__all__ = [
    "check_callbacks",
    "check_choice",
    "check_finite",
    "check_rates",
    "check_sizes",
    "class_weights",
    "encode_labels",
]


def check_choice(
    owner: str, parameter: str, value: str, choices: Collection[str]
) -> str:
    """Return the value if it is a choice; else name the choices and the nearest one."""
    if value in choices:
        return value
    near = get_close_matches(str(value), list(choices), n=1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    listed = ", ".join(repr(choice) for choice in choices)
    raise ValueError(
        f"The {parameter!r} parameter of {owner} must be one of {listed}. "
        f"Got {value!r} instead.{hint}"
    )


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


def check_finite(name: str, X: np.ndarray) -> None:
    """Say where a value is missing or infinite, and what to do about it."""
    if np.isfinite(X).all():
        return
    bad = ~np.isfinite(X.reshape(len(X), -1)).all(axis=1)
    kind, mend = (
        ("NaN", "impute them, for instance with SimpleImputer as first step,")
        if np.isnan(X).any()
        else ("infinity, or a value too large for float32,", "clip or scale them,")
    )
    raise ValueError(
        f"{name} contains {kind} in {bad.sum()} of {len(X)} rows, first in row "
        f"{bad.argmax()}: {mend} or drop these rows."
    )


def check_sizes(
    owner: str, parameter: str, value: Any, length: int | None = None
) -> tuple[int, ...]:
    """Whole numbers of at least one; a single number stands for ``length`` of them."""
    if isinstance(value, Integral) and not isinstance(value, bool):
        value = [value] * (1 if length is None else length)
    sizes = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,)
    if not all(isinstance(size, Integral) and size >= 1 for size in sizes):
        raise ValueError(
            f"The {parameter!r} parameter of {owner} must be a whole number of at least "
            f"1, or a sequence of them. Got {value!r} instead."
        )
    if length is not None and len(sizes) != length:
        raise ValueError(
            f"The {parameter!r} parameter of {owner} has {len(sizes)} entries, but there "
            f"are {length} to be set: give one number, or one per layer or block."
        )
    return tuple(int(size) for size in sizes)


def check_rates(owner: str, value: Any, length: int) -> tuple[float, ...]:
    """Dropout rates in [0, 1), one per place."""
    rates = tuple(value) if isinstance(value, Sequence | np.ndarray) else (value,)
    if not all(isinstance(rate, Real) and 0 <= rate < 1 for rate in rates):
        raise ValueError(
            f"The 'dropout' parameter of {owner} is the share of values set to zero and "
            f"must be in [0, 1), or a sequence of such numbers. Got {value!r} instead."
        )
    if len(rates) != length:
        raise ValueError(
            f"The 'dropout' parameter of {owner} has {len(rates)} entries, but there are "
            f"{length} places for dropout: give one number, or one per place."
        )
    return tuple(float(rate) for rate in rates)


def encode_labels(owner: str, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes in order, and each row's class number."""
    classes, encoded = np.unique(y, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(
            f"{owner} needs rows of at least two classes to train, but y holds only "
            f"one class: {classes.tolist()[0]!r}; add rows of another."
        )
    return classes, encoded.astype(np.int32)


def class_weights(
    owner: str, class_weight: Any, classes: np.ndarray, encoded: np.ndarray
) -> np.ndarray:
    """Weight of each class, in the order of the classes."""
    if class_weight is None:
        return np.ones(len(classes))
    if isinstance(class_weight, str):
        check_choice(owner, "class_weight", class_weight, ["balanced"])
        counts = np.bincount(encoded, minlength=len(classes))
        return len(encoded) / (len(classes) * np.maximum(counts, 1))
    if not isinstance(class_weight, Mapping):
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must be None, 'balanced' or a "
            f"dict from label to weight, got a {type(class_weight).__name__}; make one "
            "from an array in the order of the labels by dict(zip(classes, weights))."
        )
    labels = classes.tolist()
    unknown = [label for label in class_weight if label not in labels]
    missing = [label for label in labels if label not in class_weight]
    if unknown or missing:
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must have one weight for each label "
            f"of y, which are {labels}; unknown: {unknown}, missing: {missing}."
        )
    weights = np.array([class_weight[label] for label in labels], dtype=float)
    if not (np.isfinite(weights).all() and (weights >= 0).all() and weights.any()):
        raise ValueError(
            f"The 'class_weight' parameter of {owner} must hold finite weights of at "
            f"least 0, not all of them 0. Got {dict(class_weight)!r} instead."
        )
    return weights
