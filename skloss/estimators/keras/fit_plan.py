"""Plan a fit of ``KerasClassifier``: its rows, its hold-out and its weights.

Rows are held out by whoever comes first: ``X_val`` or a Pipeline, ``validation_data``
of Keras, ``validation_fraction``, and at last ``validation_split``.
"""

import math
import warnings
from collections.abc import Mapping
from numbers import Real
from typing import Any

import numpy as np

from skloss.estimators.base import HoldOut, checked_weight
from skloss.estimators.checks import (
    class_weights,
    encode_known,
    warns_of_resampled,
)
from skloss.estimators.fit_record import Job
from skloss.estimators.keras.keras_fitting import KerasJob
from skloss.estimators.keras.wrapper import listed
from skloss.exceptions import TailValidationWarning
from skloss.holdout import stratified_holdout
from skloss.training import Rows

__all__ = ["keras_job"]

# From a warning here to the line that called ``fit``.
_TO_CALLER = 8
_OWN_ENCODER = "the class has a feature_encoder of its own"


def keras_job(
    classifier: Any,
    X: np.ndarray,
    y: Any,
    sample_weight: Any,
    holdout: HoldOut,
    groups: Any,
    kwargs: Mapping[str, Any],
    *,
    is_partial: bool,
) -> KerasJob:
    """Collect the rows of a fit, and what ``keras.Model.fit`` would be told besides.

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
    kwargs : mapping
        Arguments of the call for ``keras.Model.fit``.
    is_partial : bool
        Whether it is one more epoch, without a hold-out.
    """
    codes = encode_known(classifier.classes_, y, "y")
    arguments = classifier._fit_arguments(kwargs)
    epochs, first_epoch = arguments.pop("epochs"), arguments.pop("initial_epoch", 0)
    if is_partial:
        epochs, first_epoch = 1, classifier.current_epoch
    own, given = classifier._callbacks(), arguments.pop("callbacks", None)
    callbacks = [*own, *listed(given)]
    holdout = _given_holdout(classifier, holdout, arguments)
    weight = checked_weight(sample_weight, X)
    by_class = _weights_of_classes(classifier, codes)
    rows = Rows(X.reshape(len(X), -1), codes, weight).at(
        _rows_that_count(type(classifier).__name__, codes, weight, by_class)
    )
    fraction = None if is_partial else classifier.validation_fraction
    kept, held, source = _split(
        classifier, X, rows, holdout, groups, fraction, arguments
    )
    training = rows if kept is None else rows.at(kept)
    if held is None:
        validation = _validation_rows(classifier, holdout)
    else:
        validation = rows.at(held).compact()
    return KerasJob(
        rows=Job(
            training=training,
            original=_original_rows(classifier, holdout, training),
            validation=validation,
            source=source,
            is_partial=is_partial,
        ),
        weight=_loss_weight(training, by_class),
        epochs=int(epochs),
        arguments=arguments,
        fit=lambda watch: _fit_by_keras(
            classifier,
            # Keras itself cuts the tail off all rows.
            rows if source == "tail" else training,
            None if source == "tail" else validation,
            by_class,
            arguments,
            warm_start=is_partial or classifier.warm_start,
            epochs=int(epochs),
            initial_epoch=int(first_epoch),
            callbacks=[*callbacks, watch],
        ),
        callbacks=tuple(type(callback).__name__ for callback in callbacks),
        obstacle=_OWN_ENCODER if classifier._has_own_encoder else None,
    )


def _fit_by_keras(
    classifier: Any,
    rows: Rows,
    validation: Rows | None,
    by_class: np.ndarray | None,
    arguments: Mapping[str, Any],
    **plan: Any,
) -> None:
    network, prepared = classifier._network, classifier._prepared
    given = dict(arguments)
    if validation is not None:
        held = (
            prepared(validation.X),
            network.targets(validation.y),
            validation.sample_weight,
        )
        given |= {"validation_data": held, "validation_split": 0.0}
    elif "validation_split" not in given:
        given["validation_split"] = 0.0
    rows = rows.compact()
    weight = _loss_weight(rows, by_class)
    classifier._fit_keras_model(
        prepared(rows.X),
        network.targets(rows.y),
        sample_weight=None if weight is None else weight.astype(np.float32),
        **plan,
        **given,
    )


# ---------------------------------------------------------------------- rows held out


def _given_holdout(
    classifier: Any, holdout: HoldOut, arguments: dict[str, Any]
) -> HoldOut:
    """Take Keras' own ``validation_data`` for X_val and y_val."""
    given = arguments.pop("validation_data", None)
    if given is None or holdout.X_val is not None:
        return holdout
    X_val, y_val, *weight = given
    y_val = _labels_of(classifier.classes_, y_val)
    return HoldOut.given(X_val, y_val, weight[0] if weight else None)


def _labels_of(classes: np.ndarray, y: Any) -> np.ndarray:
    """Labels, where they came encoded for Keras, as scikeras asks for."""
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] == len(classes):
        return classes[y.argmax(axis=1)]
    if y.dtype.kind in "iuf" and not np.isin(y, classes).all():
        codes = np.arange(len(classes))
        return classes[y.astype(int).ravel()] if np.isin(y, codes).all() else y
    return y


def _split(
    classifier: Any,
    X: np.ndarray,
    rows: Rows,
    holdout: HoldOut,
    groups: Any,
    fraction: Any,
    arguments: dict[str, Any],
) -> tuple[np.ndarray | None, np.ndarray | None, str]:
    """Positions to train on and to hold out, None where they are all or given."""
    split = arguments.pop("validation_split", None)
    if holdout.X_val is not None or holdout.source == "pipeline":
        return None, None, holdout.source
    labels, chosen = classifier.classes_[rows.y], _positions(rows)
    if isinstance(fraction, Real):
        kept, held = stratified_holdout(
            rows.y,
            float(fraction),
            classifier.random_state,
            groups if groups is None else np.asarray(groups)[chosen],
        )
        resampled = warns_of_resampled(X[chosen], labels, stacklevel=_TO_CALLER)
        return kept, held, "resampled" if resampled else "internal"
    if not split:
        return None, None, "none"
    arguments["validation_split"] = split
    cut = math.floor(len(rows) * (1 - split))
    if not 0 < cut < len(rows):
        raise ValueError(
            f"validation_split={split} of {len(rows)} rows leaves none on one "
            "side: change it, or set validation_fraction instead."
        )
    _warn_of_tail(split, labels[cut:], classifier.classes_)
    warns_of_resampled(X[chosen], labels, stacklevel=_TO_CALLER)
    return np.arange(cut), np.arange(cut, len(rows)), "tail"


def _warn_of_tail(split: float, labels: np.ndarray, classes: np.ndarray) -> None:
    shown = ", ".join(
        f"{np.count_nonzero(labels == label)} of {label!r}"
        for label in classes.tolist()
    )
    warnings.warn(
        f"validation_split={split} takes the last {len(labels)} rows as they stand, "
        f"unshuffled, here {shown}; behind a sampler these are synthetic ones. Set "
        "validation_fraction, pass X_val and y_val, or use skloss.Pipeline.",
        TailValidationWarning,
        stacklevel=_TO_CALLER,
    )


def _validation_rows(classifier: Any, holdout: HoldOut) -> Rows | None:
    if holdout.X_val is None:
        return None
    X = classifier._rows(holdout.X_val, "X_val", reset=False)
    y = encode_known(classifier.classes_, np.asarray(holdout.y_val), "y_val")
    if len(X) != len(y):
        raise ValueError(
            f"X_val has {len(X)} rows but y_val has {len(y)} labels: pass one "
            "label per row."
        )
    return Rows(X.reshape(len(X), -1), y, checked_weight(holdout.weight_val, X))


def _original_rows(classifier: Any, holdout: HoldOut, training: Rows) -> Rows:
    if holdout.X_original is None:
        return training
    X = classifier._rows(holdout.X_original, "X", reset=False)
    y = encode_known(classifier.classes_, np.asarray(holdout.y_original), "y")
    return Rows(X.reshape(len(X), -1), y, holdout.weight_original)


def _positions(rows: Rows) -> Any:
    """Where rows stand among those given to ``fit``."""
    return slice(None) if rows.positions is None else rows.positions


# ---------------------------------------------------------------------------- weights


def _weights_of_classes(classifier: Any, codes: np.ndarray) -> np.ndarray | None:
    given, classes = classifier.class_weight, classifier.classes_
    if given is None:
        return None
    if isinstance(given, Mapping):
        given = {**dict.fromkeys(classes.tolist(), 1.0), **given}
    return class_weights(type(classifier).__name__, given, classes, codes)


def _loss_weight(rows: Rows, by_class: np.ndarray | None) -> np.ndarray | None:
    """Weight of each row in the loss, None if all are one."""
    if by_class is None:
        return rows.sample_weight
    own = by_class[rows.y]
    return own if rows.sample_weight is None else own * rows.sample_weight


def _rows_that_count(
    owner: str,
    codes: np.ndarray,
    weight: np.ndarray | None,
    by_class: np.ndarray | None,
) -> np.ndarray | None:
    """Positions of rows that have any weight, None if all have."""
    total = _loss_weight(Rows(np.empty(0), codes, weight), by_class)
    if total is None or (total > 0).all():
        return None
    if not (total > 0).any():
        raise ValueError(
            f"{owner} has nothing to train on: all rows have weight zero; give some a "
            "sample_weight or class_weight above zero."
        )
    return np.flatnonzero(total > 0)
