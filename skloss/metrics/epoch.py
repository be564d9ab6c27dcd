"""All metrics of a set of rows at the end of an epoch."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from skloss.metrics.confusion import ConfusionCounts, confusion_matrix
from skloss.metrics.losses import class_prior, loss_at_prior, per_class_loss
from skloss.metrics.ranking import average_precision

__all__ = ["epoch_metrics"]

_NO_PRIORS: Mapping[str, ArrayLike] = MappingProxyType({})


def epoch_metrics(
    y: ArrayLike,
    probabilities: ArrayLike,
    row_loss: ArrayLike,
    n_classes: int,
    *,
    positive: int = 1,
    priors: Mapping[str, ArrayLike] = _NO_PRIORS,
    sample_weight: ArrayLike | None = None,
) -> dict[str, float]:
    """Compute all metrics of a set of rows at the end of an epoch.

    Parameters
    ----------
    y : array-like of int, shape (n,)
        True classes, 0 to ``n_classes - 1``.
    probabilities : array-like of float, shape (n, K)
        Predicted probabilities. The class with the highest one is the predicted class;
        of equal ones it is the first.
    row_loss : array-like of float, shape (n,)
        Loss of each row.
    n_classes : int
        Number of classes K.
    positive : int, default=1
        Number of the positive class of two.
    priors : mapping of str to array-like of shape (K,), default={}
        Priors; the loss at each is returned as ``loss_at_<name>_prior``.
    sample_weight : array-like of float, shape (n,), default=None
        Weights of the rows in all metrics.

    Returns
    -------
    metrics : dict of str to float
        ``loss``, ``loss_at_<name>_prior``, ``accuracy``, ``mcc``, ``f1``,
        ``precision``, ``recall``, ``fpr``, ``average_precision`` (of the positive
        class, or the mean over all K classes, each versus the rest),
        ``loss_class_<c>`` and, for two classes, ``tp``, ``fp``, ``fn``, ``tn``.

    Examples
    --------
    >>> p = [[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]]
    >>> metrics = epoch_metrics(
    ...     [0, 0, 1], p, [0.1, 0.9, 0.2], 2, priors={"train": [0.5, 0.5]}
    ... )
    >>> metrics["loss_at_train_prior"], metrics["precision"], metrics["fp"]
    (0.35, 0.5, 1.0)
    """
    y = np.asarray(y, dtype=np.intp)
    probabilities = np.asarray(probabilities)
    matrix = confusion_matrix(y, probabilities.argmax(axis=1), n_classes, sample_weight)
    counts = ConfusionCounts(matrix, positive)
    per_class = per_class_loss(row_loss, y, n_classes, sample_weight)
    metrics = {
        "loss": loss_at_prior(per_class, class_prior(y, n_classes, sample_weight))
    }
    for name, prior in priors.items():
        metrics[f"loss_at_{name}_prior"] = loss_at_prior(per_class, prior)
    for name in ("accuracy", "mcc", "f1", "precision", "recall", "fpr"):
        metrics[name] = getattr(counts, name)
    positives = (positive,) if n_classes == 2 else range(n_classes)
    metrics["average_precision"] = sum(
        average_precision(y == c, probabilities[:, c], sample_weight) for c in positives
    ) / len(positives)
    metrics |= {f"loss_class_{c}": float(loss) for c, loss in enumerate(per_class)}
    if n_classes == 2:
        (tn, fp), (fn, tp) = matrix.astype(float).tolist()
        if not positive:
            tn, fp, fn, tp = tp, fn, fp, tn
        metrics |= {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    return metrics
