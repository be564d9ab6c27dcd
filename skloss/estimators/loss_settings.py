"""The loss of a fit, from an estimator's parameters: class weights and logit shift."""

from typing import TYPE_CHECKING, Any

import numpy as np

from skloss.estimators.checks import class_weights
from skloss.estimators.fit_rows import FitRows
from skloss.training import LOSSES, Settings, loss_name

if TYPE_CHECKING:
    from skloss.estimators.base import BaseNeuralClassifier

__all__ = ["given_weights", "logit_shift", "loss_words", "weights_of_classes"]


def weights_of_classes(
    estimator: "BaseNeuralClassifier", rows: FitRows, positive: int | None
) -> np.ndarray | None:
    """Weight of each class in the loss; None if all are one.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its ``class_weight`` and, of the focal loss, its ``focal_alpha``.
    rows : FitRows
        The rows.
    positive : int or None
        Number of the positive class of two.
    """
    by_class, given = None, estimator.class_weight
    # Weights by the rows drawn are all one where as many are drawn of each class.
    if given is not None and not (
        estimator.balanced_batches and isinstance(given, str)
    ):
        by_class = class_weights(
            type(estimator).__name__,
            given,
            estimator.classes_,
            rows.training.y,
            float(estimator.effective_beta),
        )
    alpha = _alpha(estimator, positive)
    if alpha is None:
        return by_class
    return alpha if by_class is None else alpha * by_class


def _alpha(
    estimator: "BaseNeuralClassifier", positive: int | None
) -> np.ndarray | None:
    alpha = estimator.focal_alpha
    if estimator.loss != "focal" or alpha is None:
        return None
    if positive is None:
        raise ValueError(
            f"The 'focal_alpha' parameter of {type(estimator).__name__} is the weight "
            "of the positive class of two, but y has "
            f"{len(estimator.classes_)} classes: set class_weight to 'balanced', "
            "'effective' or a dict from label to weight instead."
        )
    weights = np.full(2, 1 - float(alpha))
    weights[positive] = float(alpha)
    return weights


def given_weights(
    estimator: "BaseNeuralClassifier", by_class: np.ndarray | None
) -> Any:
    """Class weights as the user gave them; those of ``focal_alpha`` as a dict."""
    if by_class is None or estimator.class_weight is not None:
        return estimator.class_weight
    return dict(zip(estimator.classes_.tolist(), by_class.tolist(), strict=True))


def logit_shift(
    estimator: "BaseNeuralClassifier", prior: np.ndarray, n_rows: int
) -> tuple[float, ...] | None:
    """Return what the logit-adjusted loss adds to each logit; None of another loss.

    Parameters
    ----------
    estimator : BaseNeuralClassifier
        Its ``loss`` and ``logit_tau``.
    prior : ndarray of shape (n_classes,)
        Share of each class in the loss.
    n_rows : int
        Rows trained on: a class that has none of them yet counts as less than one row.
    """
    if estimator.loss != "logit_adjusted":
        return None
    logs = np.log(np.where(prior > 0, prior, 1 / (n_rows + 1)))
    shift = float(estimator.logit_tau) * logs
    return tuple((shift[1:] - shift[:1] if len(shift) == 2 else shift).tolist())


def loss_words(settings: Settings) -> str | None:
    """Name the loss for a text; None if it is the cross-entropy."""
    name = loss_name(settings.loss)
    words = LOSSES.get(name, name) if isinstance(settings.loss, str) else name
    if settings.loss != "crossentropy":
        return f"smoothed {words}" if settings.label_smoothing else words
    return "label smoothing" if settings.label_smoothing else None
