"""``error_floor``: the lowest error and loss that the columns allow, estimated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from scipy.stats import norm

from skloss.model_selection.neighbor_bounds import (
    Bounds,
    neighbor_bounds,
    share_interval,
)

__all__ = ["ErrorFloor", "Posterior", "error_floor"]

_MOST_ROWS = 5000
_FOLDS = 5
_SMALLEST = 1e-6  # a probability of zero has no logarithm


@dataclass(frozen=True)
class Posterior:
    """What cross-validated probabilities of the best learner say.

    Parameters
    ----------
    learner : str
        The learner of the lowest loss.
    error : float
        Mean of one minus the largest probability: the estimate of the lowest error.
    interval : tuple of float
        Its interval, by the number of rows.
    reached : float
        Share of rows that the learner gets wrong, an upper bound of the lowest error.
    reached_interval : tuple of float
        Its interval.
    loss : float
        Cross-entropy of the probabilities in nats, an upper bound of the lowest loss.
    loss_interval : tuple of float
        Its interval.
    """

    learner: str
    error: float
    interval: tuple[float, float]
    reached: float
    reached_interval: tuple[float, float]
    loss: float
    loss_interval: tuple[float, float]


@dataclass(frozen=True, repr=False)
class ErrorFloor:
    """Two estimates of the lowest error that any classifier of these columns reaches.

    Parameters
    ----------
    neighbors : Bounds
        Bounds by nearest neighbours, after Cover and Hart.
    posterior : Posterior
        Estimate by cross-validated probabilities of the best of several learners.
    constant_error : float
        Error of always guessing the largest class.
    n_rows : int
        Rows that were used.
    """

    neighbors: Bounds
    posterior: Posterior
    constant_error: float
    n_rows: int

    @property
    def error(self) -> float:
        """The estimate of the lowest error; that of the posterior."""
        return self.posterior.error

    @property
    def low(self) -> float:
        """Lower bound: Cover and Hart's, but never above what is reached."""
        return min(self.neighbors.low_interval[0], self.posterior.interval[0])

    @property
    def high(self) -> float:
        """Upper bound: the lower of the two errors that were reached."""
        reached = self.neighbors.high_interval[1], self.posterior.reached_interval[1]
        return min(reached)

    @property
    def loss(self) -> float:
        """The lowest cross-entropy that was reached, in nats."""
        return self.posterior.loss

    def __repr__(self) -> str:
        near, post = self.neighbors, self.posterior
        return (
            f"Lowest error {self.error:.3f} ({self.low:.3f} to {self.high:.3f}), "
            f"lowest loss at most {self.loss:.3f} nats; by {self.n_rows:,} rows\n"
            f"  nearest neighbours   {near.low:.3f} to {near.high:.3f}\n"
            f"  probabilities of     {post.error:.3f} "
            f"({post.interval[0]:.3f} to {post.interval[1]:.3f}); "
            f"{post.reached:.3f} is reached by {post.learner}\n"
            f"  largest class        {self.constant_error:.3f}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the estimates as plain values."""
        from dataclasses import asdict

        return {
            "error": self.error,
            "low": self.low,
            "high": self.high,
            "loss": self.loss,
            **asdict(self),
        }


def error_floor(
    X: ArrayLike,
    y: ArrayLike,
    *,
    estimator: Any = None,
    cv: Any = _FOLDS,
    random_state: int | np.random.RandomState | None = None,
) -> ErrorFloor:
    """Estimate the lowest error that any classifier can reach with these columns.

    Where rows of two classes look alike, no network can tell them apart. The floor says
    whether a better network is worth looking for.

    Parameters
    ----------
    X : array-like of shape (n, ...)
        Rows, finite numbers; series are flattened.
    y : array-like of shape (n,)
        Labels, of two or more classes.
    estimator : classifier with ``predict_proba``, default=None
        The learner of the posterior. None takes the best by cross-validated loss of
        logistic regression, the same with squares and products of the columns, extra
        trees and gradient boosting.
    cv : int or cross-validator, default=5
        Folds of the posterior.
    random_state : int, RandomState or None, default=None
        Seed of the folds and the learners.

    Returns
    -------
    ErrorFloor

    Raises
    ------
    ValueError
        If X has gaps or does not fit y, or a class has fewer rows than there are folds.

    See Also
    --------
    label_issues : Rows whose label is probably wrong, which no network can learn.

    Notes
    -----
    Both estimates fail in known ways.

    - *Nearest neighbours* hold for rows without end. With few rows in many columns the
      nearest row is far away, its error is too high, and so are both bounds. With 1,000
      rows of Gaussian clouds they hold in 2 and mostly in 10 columns. In 50 columns the
      lower bound is far above the truth, also if 48 of them say nothing.
    - *Probabilities* are as good as the learner. In 2 and 10 columns the estimate was
      within 0.02 of the truth, in 50 columns up to 0.11 above it: three clouds a class
      cannot be learned from 1,000 rows there. The intervals are those of the rows, and
      do not know what a better learner would reach. Probabilities that are too sure
      would make it too low, hence they are scaled by one temperature.
    - Both take wrong labels for overlap: the floor is that of the labels as they are.

    At most 5,000 rows are used, with the shares of the classes.

    References
    ----------
    T. Cover and P. Hart, Nearest neighbor pattern classification, IEEE Transactions on
    Information Theory 13, 1967. K. Fukunaga and L. Hostetler, k-nearest-neighbor
    Bayes-risk estimation, ibid. 21, 1975: the mean of one minus the largest
    probability. T. Ishida et al., Is the performance of my deep network too good to be
    true?, ICLR 2023.

    Examples
    --------
    Two clouds at a distance of 2, whose lowest error is 0.159:

    >>> import numpy as np
    >>> from skloss import error_floor
    >>> rng = np.random.default_rng(0)
    >>> y = np.repeat([0, 1], 500)
    >>> X = rng.normal(size=(1000, 2)) + 2 * y[:, None] * [1, 0]
    >>> floor = error_floor(X, y, random_state=0)
    >>> bool(0.13 < floor.error < 0.19), floor.low < 0.159 < floor.high
    (True, True)
    """
    X, codes = _checked(X, y)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    counts = np.bincount(codes)
    with threadpool_limits(1):
        posterior = _posterior(X, codes, estimator, cv, random_state)
        return ErrorFloor(
            neighbor_bounds(X, codes),
            posterior,
            float(1 - counts.max() / counts.sum()),
            len(codes),
        )


def _checked(X: ArrayLike, y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.utils.validation import check_array, check_consistent_length

    from skloss.holdout import stratified_sample

    options = {"dtype": np.float64, "allow_nd": True, "input_name": "X"}
    rows: np.ndarray = check_array(X, **options)
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise ValueError(f"y must have one label per row, got shape {labels.shape}.")
    check_consistent_length(rows, labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError("y has a single class; at least two are needed.")
    sample = np.asarray(stratified_sample(codes, _MOST_ROWS))
    return rows.reshape(len(rows), -1)[sample], codes[sample]


def _posterior(
    X: np.ndarray, y: np.ndarray, estimator: Any, cv: Any, random_state: Any
) -> Posterior:
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.utils import check_random_state

    seed = int(check_random_state(random_state).randint(2**31 - 1))
    if isinstance(cv, int):
        if np.bincount(y).min() < cv:
            raise ValueError(
                f"cv={cv} needs {cv} rows of every class, got {np.bincount(y).min()}; "
                "lower cv."
            )
        cv = StratifiedKFold(cv, shuffle=True, random_state=seed)
    learners: Mapping[str, Any] = _learners(X, seed)
    if estimator is not None:
        learners = {type(estimator).__name__: estimator}
    best: tuple[float, str, np.ndarray] | None = None
    for name, learner in learners.items():
        found = cross_val_predict(learner, X, y, cv=cv, method="predict_proba")
        found = _tempered(found, y)
        loss = float(_losses(found, y).mean())
        if best is None or loss < best[0]:
            best = loss, name, found
    assert best is not None  # noqa: S101 - there is always a learner
    return _described(best[1], best[2], y)


def _learners(X: np.ndarray, seed: int) -> dict[str, Any]:
    from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    learners: dict[str, Any] = {
        "logistic regression": make_pipeline(
            StandardScaler(), LogisticRegression(max_iter=1000)
        ),
        "extra trees": ExtraTreesClassifier(
            200, min_samples_leaf=3, max_features=None, random_state=seed
        ),
        "gradient boosting": HistGradientBoostingClassifier(
            max_iter=100, early_stopping=True, random_state=seed
        ),
    }
    if X.shape[1] <= 20:  # else there are more products than rows
        learners["logistic regression of squares and products"] = make_pipeline(
            StandardScaler(),
            PolynomialFeatures(include_bias=False),
            StandardScaler(),
            LogisticRegression(C=0.3, max_iter=1000),
        )
    return learners


def _tempered(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Scale the logits by the one temperature of the lowest loss."""
    logits = np.log(np.clip(probabilities, _SMALLEST, None))
    rows = np.arange(len(y))

    def loss(log_scale: float) -> float:
        scaled = log_softmax(np.exp(log_scale) * logits, axis=1)
        return float(-scaled[rows, y].mean())

    found = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return np.asarray(softmax(np.exp(found.x) * logits, axis=1))


def _losses(probabilities: np.ndarray, y: np.ndarray) -> np.ndarray:
    own = probabilities[np.arange(len(y)), y]
    return -np.log(np.clip(own, _SMALLEST, None))


def _described(learner: str, probabilities: np.ndarray, y: np.ndarray) -> Posterior:
    unsure = 1 - probabilities.max(axis=1)
    wrong = probabilities.argmax(axis=1) != y
    losses = _losses(probabilities, y)
    return Posterior(
        learner,
        float(unsure.mean()),
        _interval(unsure),
        float(wrong.mean()),
        share_interval(wrong),
        float(losses.mean()),
        _interval(losses),
    )


def _interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float]:
    half = norm.ppf((1 + confidence) / 2) * values.std(ddof=1) / np.sqrt(len(values))
    mean = float(values.mean())
    return max(0.0, mean - float(half)), mean + float(half)
