"""Arrange the rows of a ``KerasClassifier`` fit, and the arguments for Keras.

Rows are held out by whoever comes first: ``X_val`` or a Pipeline, ``validation_data``
of Keras, ``validation_fraction``, and at last ``validation_split``.
"""

import math
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from skloss.estimators.checks import class_weights, encode_known
from skloss.estimators.fit_rows import (
    FitRows,
    HoldOut,
    Split,
    checked_weight,
    loss_weight,
)
from skloss.estimators.keras.model_calls import listed
from skloss.estimators.sampler import sampled_rows
from skloss.exceptions import TailValidationWarning
from skloss.training import Rows

if TYPE_CHECKING:
    from skloss.estimators.keras.classifier import KerasClassifier

__all__ = ["KerasCall", "KerasRows", "keras_call", "keras_rows"]

# From a warning here to the line that called ``fit``.
_TO_CALLER = 8


@dataclass(frozen=True)
class KerasCall:
    """What ``keras.Model.fit`` is told besides the rows."""

    arguments: Mapping[str, Any]
    epochs: int
    initial_epoch: int
    callbacks: tuple[Any, ...]
    class_weight: Any = None


@dataclass(frozen=True)
class KerasRows:
    """The rows of a fit, and the positions of those that are trained on.

    ``given`` are all rows that count; Keras itself cuts the tail off these. ``kept``
    are the positions of the training rows among those given to ``fit``, before any
    sampler; None is all.
    """

    rows: FitRows
    given: Rows
    by_class: np.ndarray | None
    holdout: HoldOut
    kept: np.ndarray | None = None

    @property
    def weight(self) -> np.ndarray | None:
        """Weights of the training rows in the loss, with those of the classes."""
        return loss_weight(self.rows.training, self.by_class)


def keras_call(
    classifier: "KerasClassifier", kwargs: Mapping[str, Any], *, is_partial: bool
) -> KerasCall:
    """Collect the arguments for ``keras.Model.fit``.

    Parameters
    ----------
    classifier : KerasClassifier
        Its parameters are read, nothing is set.
    kwargs : mapping
        Arguments of the call of ``fit``.
    is_partial : bool
        Whether it is one more epoch.
    """
    arguments = classifier._fit_arguments(kwargs)
    epochs, first_epoch = arguments.pop("epochs"), arguments.pop("initial_epoch", 0)
    class_weight = arguments.pop("class_weight")
    if is_partial:
        epochs, first_epoch = 1, classifier.current_epoch
    own, given = classifier._callbacks(), arguments.pop("callbacks", None)
    callbacks = (*own, *listed(given))
    return KerasCall(arguments, int(epochs), int(first_epoch), callbacks, class_weight)


def keras_rows(
    classifier: "KerasClassifier",
    X: np.ndarray,
    y: ArrayLike,
    sample_weight: ArrayLike | None,
    holdout: HoldOut,
    groups: ArrayLike | None,
    arguments: dict[str, Any],
    *,
    class_weight: Any,
    is_partial: bool,
) -> KerasRows:
    """Arrange the rows of a fit.

    Parameters
    ----------
    classifier : KerasClassifier
        Its parameters and its network are read, nothing is set.
    X, y : array-likes
        Validated rows and labels.
    sample_weight : array-like or None
        Weights of the rows.
    holdout : HoldOut
        Rows held out by the caller, if any.
    groups : array-like or None
        Groups that must stay together.
    arguments : dict
        Arguments for ``keras.Model.fit``; those that hold rows out are taken out.
    class_weight : None, "balanced" or mapping
        Weights of the labels, of the call or of the classifier.
    is_partial : bool
        Whether it is one more epoch, without a hold-out.
    """
    codes = encode_known(classifier.classes_, y, "y")
    holdout = _given_holdout(classifier, holdout, arguments)
    weight = checked_weight(sample_weight, X)
    by_class = _weights_of_classes(classifier, class_weight, codes)
    rows = Rows(X.reshape(len(X), -1), codes, weight).at(
        _rows_that_count(type(classifier).__name__, codes, weight, by_class)
    )
    fraction = None if is_partial else classifier.validation_fraction
    if fraction == "auto" and classifier.validation_rows != "stratified":
        fraction = classifier._holdout_fraction()
    split = _split(classifier, X, rows, holdout, groups, fraction, arguments)
    arranged = classifier._arranged(rows, split, holdout, is_partial)
    kept, sampled = arranged.training.positions, sampled_rows(classifier, arranged)
    if classifier.sampler is not None and isinstance(class_weight, str):
        by_class = _weights_of_classes(classifier, class_weight, sampled.training.y)
    return KerasRows(sampled, rows, by_class, holdout, kept)


# ---------------------------------------------------------------------- rows held out


def _given_holdout(
    classifier: "KerasClassifier", holdout: HoldOut, arguments: dict[str, Any]
) -> HoldOut:
    """Take Keras' own ``validation_data`` for X_val and y_val."""
    given = arguments.pop("validation_data", None)
    if given is not None and holdout.X_val is None:
        holdout = HoldOut.of_keras(given)
    if holdout.source != "validation_data":
        return holdout
    return replace(holdout, y_val=_labels_of(classifier.classes_, holdout.y_val))


def _labels_of(classes: np.ndarray, y: ArrayLike) -> np.ndarray:
    """Labels, where they came encoded for Keras, as scikeras asks for."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == len(classes):
        return classes[y.argmax(axis=1)]
    if y.dtype.kind in "iuf" and not np.isin(y, classes).all():
        codes = np.arange(len(classes))
        return classes[y.astype(int).ravel()] if np.isin(y, codes).all() else y
    return y


def _split(
    classifier: "KerasClassifier",
    X: np.ndarray,
    rows: Rows,
    holdout: HoldOut,
    groups: ArrayLike | None,
    fraction: object,
    arguments: dict[str, Any],
) -> Split:
    share = arguments.pop("validation_split", None)
    if holdout.X_val is not None or holdout.source == "pipeline":
        return Split(source=holdout.source)
    labels, chosen = classifier.classes_[rows.y], _positions(rows)
    if isinstance(fraction, Real):
        groups = groups if groups is None else np.asarray(groups)[chosen]
        positions = classifier._chosen_rows(X[chosen], labels, float(fraction), groups)
        return classifier._split_off(X[chosen], labels, positions, _TO_CALLER, groups)
    if not share:
        return Split()
    arguments["validation_split"] = share
    cut = math.floor(len(rows) * (1 - share))
    if not 0 < cut < len(rows):
        raise ValueError(
            f"validation_split={share} of {len(rows)} rows leaves none on one "
            "side: change it, or set validation_fraction instead."
        )
    if groups is not None:
        names = np.asarray(groups)[chosen]
        if np.isin(names[:cut], names[cut:]).any():
            raise ValueError(
                f"validation_split={share} takes the last rows and cannot keep groups "
                "together: set validation_fraction instead."
            )
    _warn_of_tail(share, labels[cut:], classifier.classes_)
    positions = np.arange(cut), np.arange(cut, len(rows))
    split = classifier._split_off(X[chosen], labels, positions, _TO_CALLER, groups)
    return replace(split, source="tail")


def _warn_of_tail(share: float, labels: np.ndarray, classes: np.ndarray) -> None:
    shown = ", ".join(
        f"{np.count_nonzero(labels == label)} of {label!r}"
        for label in classes.tolist()
    )
    warnings.warn(
        f"validation_split={share} takes the last {len(labels)} rows as they stand, "
        f"unshuffled, here {shown}; behind a sampler these are synthetic ones. Set "
        "validation_fraction, pass X_val and y_val, or use skloss.Pipeline.",
        TailValidationWarning,
        stacklevel=_TO_CALLER,
    )


def _positions(rows: Rows) -> Any:
    """Where rows stand among those given to ``fit``."""
    return slice(None) if rows.positions is None else rows.positions


# ---------------------------------------------------------------------------- weights


def _weights_of_classes(
    classifier: "KerasClassifier", given: Any, codes: np.ndarray
) -> np.ndarray | None:
    classes = classifier.classes_
    # Weights by the rows drawn are all one where as many are drawn of each class.
    if given is None or (classifier.balanced_batches and isinstance(given, str)):
        return None
    if isinstance(given, Mapping):
        given = {**dict.fromkeys(classes.tolist(), 1.0), **given}
    return class_weights(type(classifier).__name__, given, classes, codes)


def _rows_that_count(
    owner: str,
    codes: np.ndarray,
    weight: np.ndarray | None,
    by_class: np.ndarray | None,
) -> np.ndarray | None:
    """Positions of rows that have any weight, None if all have."""
    total = loss_weight(Rows(np.empty(0), codes, weight), by_class)
    if total is None or (total > 0).all():
        return None
    if not (total > 0).any():
        raise ValueError(
            f"{owner} has nothing to train on: all rows have weight zero; give some a "
            "sample_weight or class_weight above zero."
        )
    return np.flatnonzero(total > 0)
