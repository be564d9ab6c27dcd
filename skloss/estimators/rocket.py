"""``RocketClassifier``: kernels that are not trained, for series."""

from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_random_state
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from skloss.estimators.all_or_nothing import all_or_nothing
from skloss.estimators.checked_rows import CheckedRowsMixin
from skloss.estimators.checks import (
    class_weights,
    encode_labels,
    warns_of_resampled,
)
from skloss.estimators.fit_job import Job
from skloss.estimators.fit_rows import (
    HoldOut,
    Split,
    checked_weight,
    fit_rows,
    loss_weight,
)
from skloss.estimators.held_out_rows import read_held_out
from skloss.estimators.parameter_names import ParameterNamesMixin
from skloss.estimators.rocket_fitting import RocketFit, fit_rocket
from skloss.estimators.series_choice import SCALINGS, limited_threads
from skloss.estimators.series_rows import SeriesRowsMixin
from skloss.holdout import check_no_gaps, stratified_holdout
from skloss.record import TrainingRecord
from skloss.record.group_names import group_name
from skloss.rocket import POOLINGS, RocketKernels
from skloss.sklearn_bases import BaseEstimator, ClassifierMixin
from skloss.sklearn_compat import Interval, StrOptions, fit_context
from skloss.training import Rows, Settings
from skloss.training.outputs import probabilities

__all__ = ["RocketClassifier"]

# From a warning in `fit` to the line that called it.
_TO_CALLER = 4


class RocketClassifier(
    SeriesRowsMixin,
    CheckedRowsMixin,
    ParameterNamesMixin,
    ClassifierMixin,
    BaseEstimator,
):
    """Kernels of MiniRocket or MultiRocket, and a ridge regression with probabilities.

    Each series is convolved with many fixed kernels; the shares of time points at which
    a convolution is above a threshold are the features of a ridge regression for each
    class [1]_, or some of them [3]_. Its penalty, and one scale that turns its outputs
    into probabilities, are chosen by the cross-entropy of predictions for rows that the
    regression has not seen: each row by all other rows or, where groups are given, by
    all other groups, in closed form [2]_. So no row is held out, and yet every row is
    validated.

    Series come as in :class:`CNN1DClassifier`. It needs no TensorFlow.

    Parameters
    ----------
    n_kernels : int, default=10_000
        Number of features, rounded down to a multiple of 84, and at least 84. With
        ``pooling="multi"`` these numbers are 672.
    pooling : {"ppv", "multi"}, default="ppv"
        What is read of a convolution and a threshold. "ppv" is MiniRocket: the share of
        time points above it. "multi" is MultiRocket: also by how much they are above it
        on average, their mean time, and the longest stretch of them; half of the
        features are of the series, and half of the differences of neighboring time
        points. That takes about twice as long; MultiRocket as published has
        ``n_kernels=50_000``.
    scale_series : {"auto", "zscore"} or None, default="auto"
        "zscore" scales each series by itself, as :class:`skloss.SeriesScaler` does.
        "auto" does so unless unseen rows are clearly better predicted with their level
        and amplitude, by a trial on at most 1,000 training rows.
    n_channels : int, default=1
        Values per time step of folded series.
    channels_first : bool or None, default=None
        Whether series come as ``(n, channels, timesteps)``, as aeon and sktime have
        them, or folded from it. None is as False, with a
        :class:`~skloss.exceptions.SeriesOrderWarning` where there are more channels
        than time steps.
    class_weight : None, "balanced", "effective" or dict from label to weight, \
            default=None
        Weight of each class in the regression and in the choice of the penalty, never
        in the curves; a dict must name every label. "effective" is that of
        :class:`DenseClassifier` with its default ``effective_beta``.
    pos_label : label, default=None
        Positive class of two, the one that F1, precision, recall and the like are of.
        None is the rarer class if it has at most 40 % of the rows, and ``classes_[1]``
        otherwise.
    validation_fraction : float in (0, 1), default=0.1
        Share of each class that is held out behind a sampler in
        :class:`skloss.Pipeline`: rows that a sampler has made of others cannot be left
        out one by one. Not used without a sampler.
    n_jobs : int, default=None
        Threads of convolutions and linear algebra; None is one, -1 one for each core.
    random_state : int, RandomState or None, default=None
        Seed of the rows that thresholds are taken from, and of the hold-out.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Labels.
    pos_label_ : label or None
        Positive class; None if there are more than two classes.
    record_ : TrainingRecord
        What was asked, what was seen, the curves, and what came out.
    history_ : dict of str to list of float
        The curves of ``record_``, one value for each ``penalty``, from strong to weak;
        curves with ``val_`` are of left-out or held-out rows.
    penalty_ : float
        Penalty chosen.
    oob_decision_function_ : ndarray of shape (n, n_classes)
        Probabilities of the rows of ``fit``, each by the slopes of a regression of the
        other rows or groups, and the mean of all; NaN for rows without weight. There is
        none where rows were held out.
    scales_series_ : bool
        Whether each series is scaled by itself.
    kernels_ : RocketKernels
        Dilations, channels and thresholds.
    difference_kernels_ : RocketKernels or None
        The same for the differences, with ``pooling="multi"``.
    n_features_in_ : int
        Number of columns; of time steps for rows with channels.
    feature_names_in_ : ndarray of str
        Names of the columns, if X had any.

    See Also
    --------
    CNN1DClassifier : A network whose kernels are trained.

    Notes
    -----
    Series of fewer than nine time steps are padded with zeros. Time and memory grow
    with the square of the number of rows, or of kernels if these are fewer.

    References
    ----------
    .. [1] Dempster, Schmidt and Webb, "MiniRocket: a very fast (almost) deterministic
       transform for time series classification", KDD 2021.
    .. [2] Dempster, Webb and Schmidt, "Prevalidated ridge regression is a highly-
       efficient drop-in replacement for logistic regression for high-dimensional
       data", 2024.
    .. [3] Tan, Dempster, Bergmeir and Webb, "MultiRocket: multiple pooling operators
       and transformations for fast and effective time series classification", 2022.

    Examples
    --------
    >>> from skloss import RocketClassifier
    >>> from skloss.datasets import load_heartbeats
    >>> beats = load_heartbeats()
    >>> classifier = RocketClassifier(n_kernels=840, random_state=0)
    >>> classifier = classifier.fit(beats.data, beats.target, groups=beats.groups)
    >>> classifier.predict_proba(beats.data[:5]).shape
    (5, 2)
    """

    # With metadata routing, groups that are passed once reach the fit, too.
    __metadata_request__fit: ClassVar[dict[str, bool]] = {"groups": True}

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "n_kernels": [Interval(Integral, 1, None, closed="left")],
        "pooling": [StrOptions(set(POOLINGS))],
        "scale_series": [StrOptions(set(SCALINGS)), None],
        **SeriesRowsMixin._series_constraints,
        "class_weight": [dict, str, "array-like", None],
        "pos_label": [Real, str, "boolean", None],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "n_jobs": [Integral, None],
        "random_state": ["random_state"],
    }

    classes_: Any
    _fitted: RocketFit
    _left_out: np.ndarray | None

    def __init__(
        self,
        n_kernels: int = 10_000,
        *,
        pooling: Literal["ppv", "multi"] = "ppv",
        scale_series: Literal["auto", "zscore"] | None = "auto",
        n_channels: int = 1,
        channels_first: bool | None = None,
        class_weight: Mapping[Any, float] | str | None = None,
        pos_label: Any = None,
        validation_fraction: float = 0.1,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_kernels = n_kernels
        self.pooling = pooling
        self.scale_series = scale_series
        self.n_channels = n_channels
        self.channels_first = channels_first
        self.class_weight = class_weight
        self.pos_label = pos_label
        self.validation_fraction = validation_fraction
        self.n_jobs = n_jobs
        self.random_state = random_state

    # ------------------------------------------------------------------------- fitting

    @fit_context(prefer_skip_nested_validation=True)
    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        *,
        X_val: ArrayLike | None = None,
        y_val: ArrayLike | None = None,
        sample_weight_val: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Choose kernels and penalty, and fit the regression.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, timesteps, channels)
            Series, finite numbers.
        y : array-like of shape (n,)
            Labels, of two or more classes.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows, on top of ``class_weight``.
        X_val, y_val : array-likes, optional
            Rows held out by yourself; they choose the penalty and the scale.
        sample_weight_val : array-like, optional
            Weights of the held-out rows.
        groups : array-like of shape (n,), optional
            Groups, such as patients: their rows are left out together. Without them,
            and with several rows of a person or a machine, the curves look better than
            the classifier is on a new one, and the penalty is too small.

        Returns
        -------
        self
            The fitted classifier.
        """
        holdout = HoldOut.given(X_val, y_val, sample_weight_val)
        with all_or_nothing(self):
            X, y = self._check_rows(X, y, reset=True)
            weight = checked_weight(sample_weight, X)
            source = holdout.source
            if X_val is None:
                resampled = warns_of_resampled(X, y, stacklevel=_TO_CALLER)
                source = "resampled" if resampled else "left out"
            state = None if groups is None else "kept"
            split = Split(source=source, groups=state, group_name=group_name(groups))
            return self._fit(X, y, weight, split, holdout, groups)

    @fit_context(prefer_skip_nested_validation=True)
    def fit_held_out(
        self,
        X: ArrayLike,
        y: ArrayLike,
        holdout: HoldOut,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
    ) -> Self:
        """Fit on rows as a sampler left them, and choose by original ones.

        This is what :class:`skloss.Pipeline` calls; call :meth:`fit` yourself.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels to train on.
        holdout : HoldOut
            Original rows, transformed as ``X`` was but never resampled.
        sample_weight : array-like of shape (n,), optional
            Weights of the rows of ``X``.
        groups : array-like, optional
            Not used: the hold-out has kept them together.

        Returns
        -------
        self
            The fitted classifier.
        """
        with all_or_nothing(self):
            X, y = self._check_rows(X, y, reset=True)
            weight = checked_weight(sample_weight, X)
            return self._fit(X, y, weight, Split(source=holdout.source), holdout)

    def split_before_sampler(
        self, X: ArrayLike, y: ArrayLike, groups: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rows to train on and rows to hold out where a sampler follows.

        Parameters
        ----------
        X, y : array-likes
            Rows and labels: each class gives the same share.
        groups : array-like of shape (n,), optional
            Groups that must stay together.

        Returns
        -------
        tuple of two ndarrays of int
            Sorted positions.
        """
        fraction = float(self.validation_fraction)
        return stratified_holdout(y, fraction, self.random_state, groups)

    def _fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        weight: np.ndarray | None,
        split: Split,
        holdout: HoldOut,
        groups: ArrayLike | None = None,
    ) -> Self:
        owner = type(self).__name__
        self.classes_, codes = encode_labels(owner, y)
        shape = self._input_shape(X)
        by_class = None
        if self.class_weight is not None:
            by_class = class_weights(owner, self.class_weight, self.classes_, codes)
        given = Rows(X.reshape(len(X), -1), codes, weight)
        in_loss = loss_weight(given, by_class)
        # The regression has no place for rows without weight.
        kept = None if in_loss is None else np.flatnonzero(in_loss)
        if kept is not None and len(kept) == len(X):
            kept = None
        rows = fit_rows(given.at(kept).compact(), split, holdout, self._read_held_out)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        job = Job(
            self,
            rows,
            loss_weight(rows.training, by_class),
            Settings(monitor="val_loss_at_train_prior", seed=seed),
            class_weight=by_class,
            given_class_weight=self.class_weight,
        )
        together = None if groups is None else _rows_of_groups(X, groups, kept)
        with limited_threads(self.n_jobs):
            self._fitted = fit_rocket(job, shape, together)
        self._left_out = _at_all_rows(self._fitted.left_out, kept, len(X))
        return self

    def _read_held_out(
        self, X: ArrayLike, y: ArrayLike, weight: Any, suffix: str
    ) -> Rows:
        return read_held_out(self._read_rows, self.classes_, X, y, weight, suffix)

    def _fitted_shape(self) -> tuple[int, ...] | None:
        return self._fitted.features.input_shape if hasattr(self, "_fitted") else None

    # ---------------------------------------------------------------------- prediction

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probability of each class.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, timesteps, channels)
            Series.

        Returns
        -------
        ndarray of shape (n, n_classes)
            Float64, rows sum to one, columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        X = self._validated(X)
        features = self._fitted.features(X.reshape(len(X), -1), self.n_jobs)
        return probabilities(self._fitted.head.outputs(features))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Most probable class; for two classes the second above one half.

        Parameters
        ----------
        X : array-like of shape (n, n_features) or (n, timesteps, channels)
            Series.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        chances = self.predict_proba(X)
        return self.classes_[chances.argmax(axis=1)]

    # ------------------------------------------------------------------ what was fitted

    @property
    def record_(self) -> TrainingRecord:
        """What was asked, what was seen, the curves, and what came out."""
        return self._fitted.record

    @property
    def history_(self) -> dict[str, list[float]]:
        """Curves by name, one value per penalty."""
        return self.record_.history

    @property
    def pos_label_(self) -> Any:
        """Positive class of two, the one that F1 and the like are of; None of more."""
        positive = self.record_.positive
        return None if positive is None else self.classes_[positive]

    @property
    def penalty_(self) -> float:
        """Penalty chosen."""
        return self._fitted.penalty

    @property
    def oob_decision_function_(self) -> np.ndarray:
        """Probabilities of the rows of ``fit``, each by a regression of the others.

        Of shape (n, n_classes); NaN for rows without weight.
        """
        check_is_fitted(self)
        if self._left_out is None:
            raise AttributeError(
                "There is no oob_decision_function_: rows were held out, instead of "
                "leaving each one out. Pass no X_val, and put no sampler in front."
            )
        return self._left_out

    @property
    def scales_series_(self) -> bool:
        """Whether each series is scaled by itself."""
        return self._fitted.features.scales

    @property
    def kernels_(self) -> RocketKernels:
        """Dilations, channels and thresholds."""
        return self._fitted.features.kernels

    @property
    def difference_kernels_(self) -> RocketKernels | None:
        """Kernels of the differences; None with ``pooling="ppv"``."""
        return self._fitted.features.differences

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_fitted")


def _rows_of_groups(
    X: np.ndarray, groups: ArrayLike, kept: np.ndarray | None
) -> list[np.ndarray]:
    """Positions of the rows of each group, among those that are kept."""
    check_no_gaps("groups", np.asarray(groups))
    names = column_or_1d(groups)
    check_consistent_length(X, names)
    names, numbers = np.unique(
        names if kept is None else names[kept], return_inverse=True
    )
    if len(names) < 2:
        raise ValueError(
            f"groups holds only one group, {names.tolist()[0]!r}: leave groups out, or "
            "pass rows of several."
        )
    return [np.flatnonzero(numbers == number) for number in range(len(names))]


def _at_all_rows(
    chances: np.ndarray | None, kept: np.ndarray | None, n_rows: int
) -> np.ndarray | None:
    """Fill in NaN for rows without weight."""
    if chances is None or kept is None:
        return chances
    filled = np.full((n_rows, chances.shape[1]), np.nan)
    filled[kept] = chances
    return filled
