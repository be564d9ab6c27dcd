"""A sampler within a classifier: it sees the training rows after the hold-out."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from skloss.estimators.checks import encode_known
from skloss.estimators.fit_rows import FitRows
from skloss.holdout.resampled_weights import RowOrigins, origins
from skloss.training import Rows

if TYPE_CHECKING:
    from skloss.estimators.neural_classifier import NeuralClassifierMixin

__all__ = ["check_codes", "sampled_rows"]


def sampled_rows(estimator: "NeuralClassifierMixin", rows: FitRows) -> FitRows:
    """Rows of a fit with its training rows as the classifier's sampler leaves them.

    Parameters
    ----------
    estimator : classifier of skloss
        Its ``sampler`` is cloned; one without a seed takes that of the classifier.
    rows : FitRows
        The rows; the original ones and those held out stay as they are.
    """
    if estimator.sampler is None:
        return rows
    owner, sampler = type(estimator).__name__, _sampler(estimator)
    training = rows.training.compact()
    labels = estimator.classes_[training.y]
    try:
        X, y = sampler.fit_resample(training.X, labels)
    except ValueError as error:
        counts = dict(zip(*_counted(labels), strict=True))
        raise ValueError(
            f"{type(sampler).__name__}, the sampler of {owner}, cannot resample the "
            f"{len(training)} rows trained on (by class: {counts}): {error} Hold out "
            "fewer rows by validation_fraction, or change the sampler."
        ) from error
    codes = encode_known(estimator.classes_, y, "y of the sampler")
    lost = np.setdiff1d(training.y, codes)
    if len(lost):
        raise ValueError(
            f"{type(sampler).__name__}, the sampler of {owner}, left no row of "
            f"{estimator.classes_[lost].tolist()}: change its sampling_strategy."
        )
    weight = training.sample_weight
    if weight is not None:
        followed = RowOrigins()
        followed.follow(origins(training.X, labels, X, y, sampler))
        weight = followed.weights(weight, labels, y)
    if X.dtype.kind == "f":
        X = X.astype(np.float32, copy=False)
    names = (*(rows.samplers or ()), type(sampler).__name__)
    return replace(rows, training=Rows(X, codes, weight), samplers=names)


def check_codes(owner: str, rows: FitRows, positions: list[int]) -> None:
    """Refuse rows of a sampler that has mixed the codes of categories."""
    if rows.training is rows.original:
        return
    codes = rows.training.values(np.arange(len(rows.training)))[:, positions]
    if (codes != np.floor(codes)).any(where=~np.isnan(codes)):
        made = ", ".join(rows.samplers or ()) or "The sampler"
        raise ValueError(
            f"{made} has mixed the categories of {owner}: use RandomOverSampler, "
            f"SMOTENC with categorical_features={positions}, or balanced_batches=True."
        )


def _counted(labels: np.ndarray) -> tuple[list[Any], list[int]]:
    names, counts = np.unique(labels, return_counts=True)
    return names.tolist(), counts.tolist()


def _sampler(estimator: "NeuralClassifierMixin") -> Any:
    given, seed = estimator.sampler, estimator.random_state
    sampler = clone(given)
    unseeded = sampler.get_params().get("random_state", seed) is None
    if unseeded and seed is not None:
        sampler.set_params(random_state=seed)
    return sampler
