"""Scores with 95 % intervals, from confusion counts or from the scores of folds."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from skloss.metrics import ConfusionCounts

__all__ = [
    "METRICS",
    "Score",
    "bounded",
    "of_counts",
    "of_difference",
    "of_folds",
    "of_group_difference",
    "of_groups",
    "times_drawn",
    "totals",
]

METRICS = {"mcc": "MCC", "f1": "F1", "precision": "precision", "recall": "recall"}
_LEVEL = 0.95
_N_DRAWS = 2_000
_FEWEST_DRAWS = 200
_MOST_DRAWN = 2 * 10**7  # numbers drawn at once, a bound of the memory
_SEED = 0


@dataclass(frozen=True)
class Score:
    """A value and its 95 % interval; the bounds are None if there is no interval.

    Examples
    --------
    >>> Score(0.594, 0.45, 0.7), Score(0.5)
    (0.59 (0.45 to 0.70), 0.50)
    """

    value: float
    low: float | None = None
    high: float | None = None

    def __repr__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.value:.2f}"
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def of_counts(table: ArrayLike, positive: int = 1) -> dict[str, Score]:
    r"""Compute the metrics of a confusion matrix, with intervals.

    Each class keeps its number of rows. The shares :math:`p_c` of the classes predicted
    for its rows are drawn from their posterior given the counts :math:`n_c`,

    .. math:: p_c \sim \mathrm{Dirichlet}(n_c + a_c)

    where :math:`a_c` is 1/2 for the right class and 1/2 shared by the others. The
    share of right predictions thus has Jeffreys' prior. This is a stratified Bayesian
    bootstrap, so that no error among ten rows does not mean that errors are impossible.

    Parameters
    ----------
    table : array-like of shape (K, K)
        Confusion matrix: true classes in the rows, predicted classes in the columns.
    positive : int, default=1
        Number of the positive class of two.

    Returns
    -------
    scores : dict of str to Score
        Scores under the names in `METRICS`.

    Examples
    --------
    >>> of_counts([[470, 5], [10, 15]])["mcc"]
    0.66 (0.49 to 0.78)
    >>> of_counts([[475, 0], [0, 25]])["mcc"].low < 0.97
    True
    """
    counts = np.asarray(table, float)
    values = _metrics(counts, positive)
    drawn = _metrics(_draws(counts, _prior(len(counts))), positive)
    return {name: bounded(values[name], drawn[name]) for name in METRICS}


def of_difference(tables: ArrayLike, positive: int = 1) -> dict[str, Score]:
    """Compute the differences of the metrics of two classifiers on the same rows.

    Parameters
    ----------
    tables : array-like of shape (K, K, K)
        Counts of rows by true class, by the class that the first classifier predicts,
        and by the class that the second one predicts.
    positive : int, default=1
        Number of the positive class of two.

    Returns
    -------
    scores : dict of str to Score
        Scores of the first less those of the second, under the names in `METRICS`.
        There are no intervals if there are too many classes.

    Examples
    --------
    >>> same = [[[90, 0], [0, 5]], [[2, 0], [0, 3]]]
    >>> of_difference(same)["mcc"].value
    0.0
    """
    joint = np.asarray(tables, float)
    n_classes = len(joint)
    prior = _prior(n_classes)
    # Summed over one classifier, this is the prior of the other one.
    both = prior[:, :, None] * prior[:, None, :]
    shape = (n_classes, n_classes**2)
    drawn = _draws(joint.reshape(shape), both.reshape(shape))
    drawn = drawn.reshape(-1, n_classes, n_classes, n_classes)
    own_drawn, other_drawn = (
        _metrics(drawn.sum(axis=axis), positive) for axis in (3, 2)
    )
    own, other = (_metrics(joint.sum(axis=axis), positive) for axis in (2, 1))
    return {
        name: bounded(own[name] - other[name], own_drawn[name] - other_drawn[name])
        for name in METRICS
    }


def of_groups(tables: ArrayLike, positive: int = 1) -> dict[str, Score]:
    """Compute the metrics of all rows, with intervals from a bootstrap of groups.

    As many groups as there are, such as patients, are drawn with replacement, each with
    all its rows. Rows of one group resemble each other, so a bootstrap of rows would
    give intervals that are too narrow (Field and Welsh, 2007).

    Parameters
    ----------
    tables : array-like of shape (n_groups, K, K)
        Confusion matrix of each group: true classes in the rows, predicted classes in
        the columns.
    positive : int, default=1
        Number of the positive class of two.

    Returns
    -------
    scores : dict of str to Score
        Scores under the names in `METRICS`; no intervals if there is one group.

    Examples
    --------
    >>> of_groups([[[90, 2], [3, 5]], [[80, 0], [9, 11]], [[99, 1], [0, 0]]])["mcc"]
    0.67 (0.00 to 0.70)
    """
    counts = np.asarray(tables, float)
    values = _metrics(counts.sum(axis=0), positive)
    drawn = _metrics(_drawn_groups(counts), positive)
    return {name: bounded(values[name], drawn[name]) for name in METRICS}


def of_group_difference(
    tables: ArrayLike, others: ArrayLike, positive: int = 1
) -> dict[str, Score]:
    """Compute the differences of the metrics of two classifiers, with the same draws.

    Parameters
    ----------
    tables, others : array-like of shape (n_groups, K, K)
        Confusion matrix of each group, of the first and of the second classifier.
    positive : int, default=1
        Number of the positive class of two.

    Returns
    -------
    scores : dict of str to Score
        Scores of the first less those of the second, under the names in `METRICS`.

    Examples
    --------
    >>> same = [[[90, 2], [3, 5]], [[80, 0], [9, 11]]]
    >>> of_group_difference(same, same)["mcc"]
    0.00 (0.00 to 0.00)
    """
    both = [np.asarray(one, float) for one in (tables, others)]
    own, other = (_metrics(one.sum(axis=0), positive) for one in both)
    own_drawn, other_drawn = (_metrics(_drawn_groups(one), positive) for one in both)
    return {
        name: bounded(own[name] - other[name], own_drawn[name] - other_drawn[name])
        for name in METRICS
    }


def of_folds(values: ArrayLike, least: float, most: float = 1.0) -> Score:
    r"""Compute the mean over folds, with an interval.

    .. math:: \bar x \pm t_{k-1}\, s \sqrt{\tfrac{1}{k} + \tfrac{1}{k-1}}

    The second term corrects for folds that share training rows (Nadeau and Bengio,
    2003). It is the number of test rows divided by the number of training rows.

    Parameters
    ----------
    values : array-like of shape (n_folds,)
        One score per fold.
    least, most : float
        Bounds of the metric.

    Returns
    -------
    score : Score
        Mean and interval; no interval if there is one fold.

    Examples
    --------
    >>> of_folds([0.5, 0.6, 0.55], least=-1.0)
    0.55 (0.35 to 0.75)
    """
    from scipy.stats import t

    folds = np.asarray(values, float)
    k, mean = len(folds), float(folds.mean())
    if k < 2 or not np.isfinite(mean):
        return Score(mean)
    error = float(folds.std(ddof=1)) * sqrt(1 / k + 1 / (k - 1))
    half = float(t.ppf((1 + _LEVEL) / 2, k - 1)) * error
    return Score(mean, max(mean - half, least), min(mean + half, most))


def totals(table: ArrayLike, positive: int = 1) -> dict[str, Score]:
    """Compute the metrics of a confusion matrix without intervals, as of a guess.

    Examples
    --------
    >>> totals([[95, 0], [5, 0]])["mcc"]
    0.00
    """
    values = _metrics(np.asarray(table, float), positive)
    return {name: Score(float(values[name])) for name in METRICS}


def _prior(n_classes: int) -> np.ndarray:
    """Prior counts: for each class half a right row and half a wrong row."""
    wrong = np.full((n_classes, n_classes), 0.5 / (n_classes - 1))
    np.fill_diagonal(wrong, 0.5)
    return wrong


def _draws(counts: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Draw tables of counts from the posterior, ``(n_draws, *counts.shape)``."""
    rng = np.random.default_rng(_SEED)
    n_draws = int(min(_N_DRAWS, _MOST_DRAWN // counts.size))
    drawn = [
        rng.dirichlet(row + more, n_draws) * row.sum()
        for row, more in zip(counts, prior, strict=True)
    ]
    return np.stack(drawn, axis=1)


def _drawn_groups(counts: np.ndarray) -> np.ndarray:
    """Draw groups with replacement and sum their tables, ``(n_draws, K, K)``."""
    n_draws = int(min(_N_DRAWS, _MOST_DRAWN // max(len(counts), counts[0].size)))
    return np.tensordot(times_drawn(len(counts), n_draws), counts, axes=1)


def times_drawn(n_groups: int, n_draws: int) -> np.ndarray:
    """Draw groups with replacement; count how often each is, ``(n_draws, n_groups)``.

    There are no draws of a single group.
    """
    rng = np.random.default_rng(_SEED)
    n_draws = n_draws if n_groups > 1 else 0
    return rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), n_draws)


def _metrics(tables: np.ndarray, positive: int) -> dict[str, np.ndarray]:
    """`METRICS` of confusion matrices, ``(..., K, K)``, each of shape ``(...)``."""
    if tables.ndim == 2:
        one = ConfusionCounts(tables, positive)
        return {name: np.asarray(getattr(one, name)) for name in METRICS}
    hits = np.diagonal(tables, axis1=-2, axis2=-1)
    truth, predicted = tables.sum(axis=-1), tables.sum(axis=-2)
    total = truth.sum(axis=-1)
    spread = [total**2 - (part**2).sum(axis=-1) for part in (truth, predicted)]
    covariance = hits.sum(axis=-1) * total - (truth * predicted).sum(axis=-1)
    scale = np.sqrt(np.maximum(spread[0] * spread[1], 0))
    kept = [positive] if tables.shape[-1] == 2 else slice(None)
    return {
        "mcc": _ratio(covariance, scale),
        "f1": _ratio(2 * hits, truth + predicted)[..., kept].mean(axis=-1),
        "precision": _ratio(hits, predicted)[..., kept].mean(axis=-1),
        "recall": _ratio(hits, truth)[..., kept].mean(axis=-1),
    }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(np.shape(part)), where=whole > 0)


def bounded(value: np.ndarray, drawn: np.ndarray) -> Score:
    """Interval of the draws, widened where it does not contain the value."""
    one = float(value)
    if len(drawn) < _FEWEST_DRAWS:
        return Score(one)
    low, high = np.quantile(drawn, ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2))
    return Score(one, min(float(low), one), max(float(high), one))
