"""``OutOfBagThresholdClassifier``: a threshold tuned on rows that were held out."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import MetaEstimatorMixin, clone
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metadata_routing import (
    MetadataRouter,
    MethodMapping,
    process_routing,
)
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skloss.metrics.thresholds import THRESHOLD_METRICS, tuned_threshold
from skloss.positive_class import positive_class
from skloss.record.find import FIT_ONCE
from skloss.sklearn_bases import BaseEstimator, ClassifierMixin
from skloss.sklearn_compat import (
    HasMethods,
    StrOptions,
    fit_context,
    routing_enabled,
)

__all__ = ["OutOfBagThresholdClassifier"]


@dataclass(eq=False, repr=False)
class OutOfBagThresholdClassifier(ClassifierMixin, MetaEstimatorMixin, BaseEstimator):
    """Classifier of two classes with a threshold of out-of-bag rows.

    scikit-learn's ``TunedThresholdClassifierCV`` fits a classifier several times to
    choose a threshold, and by default once more to keep it. A classifier that has
    predicted held-out rows anyway needs one fit.

    Parameters
    ----------
    estimator : classifier
        Classifier that has ``oob_decision_function_`` after ``fit``, or a pipeline that
        ends in one: a classifier of skloss with ``n_members``, so that every row was
        held out, or a ``RandomForestClassifier(oob_score=True)``. One network gives the
        rows of its ``validation_fraction``, which are few. Samplers stand in a
        :class:`skloss.Pipeline`, or are the classifier's ``sampler``.
    metric : {"mcc", "f1"}, default="mcc"
        What is to be high. :func:`skloss.metrics.tuned_threshold` has the method.
    pos_label : label, default=None
        Positive class. None is the rarer one if it has at most 40 % of the rows, and
        the second one otherwise.

    Attributes
    ----------
    estimator_ : classifier
        The fitted classifier.
    best_threshold_ : float
        Rows with this probability of the positive class or a higher one are positive.
    pos_label_ : label
        Positive class.
    classes_ : ndarray of shape (2,)
        Labels.
    n_features_in_ : int
        Number of columns, if ``estimator_`` knows it.
    feature_names_in_ : ndarray of str
        Names of the columns, if ``estimator_`` knows them.

    See Also
    --------
    skloss.displays.ThresholdDisplay : Metrics versus the threshold.
    sklearn.model_selection.TunedThresholdClassifierCV : The same by cross-validation.

    Examples
    --------
    >>> from sklearn.metrics import matthews_corrcoef
    >>> from sklearn.model_selection import train_test_split
    >>> from skloss import DenseClassifier, OutOfBagThresholdClassifier
    >>> from skloss.datasets import make_rare_events
    >>> X, y = make_rare_events(random_state=0)
    >>> X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    >>> members = DenseClassifier(
    ...     n_members=5, validation_fraction=0.2, epochs=20, random_state=0
    ... )
    >>> tuned = OutOfBagThresholdClassifier(members).fit(X, y)
    >>> tuned.best_threshold_ < 0.4
    True
    >>> for model in (tuned.estimator_, tuned):
    ...     print(round(matthews_corrcoef(y_test, model.predict(X_test)), 1))
    0.5
    0.6
    """

    _parameter_constraints: ClassVar[dict[str, list[Any]]] = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "metric": [StrOptions(set(THRESHOLD_METRICS))],
    }

    estimator: Any
    _: KW_ONLY
    metric: str = "mcc"
    pos_label: Any = None

    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike, **params: Any) -> Self:
        """Fit the classifier, and choose the threshold.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Training rows.
        y : array-like of shape (n,)
            Labels of two classes.
        **params
            Passed to ``fit`` of the classifier, such as ``groups``. A ``sample_weight``
            counts in the choice of the threshold, too.

        Returns
        -------
        self
            The fitted classifier.

        Raises
        ------
        ValueError
            If there are not two classes, or if no rows of one of them were held out of
            those given.
        """
        classes, codes = _two_classes(y)
        counts = np.bincount(codes)
        positive = positive_class(counts, classes.tolist(), self.pos_label)
        if routing_enabled():
            params = process_routing(self, "fit", **params).estimator.fit
        fitted = clone(self.estimator).fit(X, y, **params)
        chances = _held_out(fitted, len(codes))[:, positive]
        weight = params.get("sample_weight")
        self.best_threshold_ = self._choose(codes == positive, chances, weight)
        self.estimator_, self.classes_ = fitted, classes
        self.pos_label_ = classes[positive]
        for name in ("n_features_in_", "feature_names_in_"):
            if hasattr(fitted, name):
                setattr(self, name, getattr(fitted, name))
        return self

    def _choose(
        self, truth: np.ndarray, chances: np.ndarray, sample_weight: Any
    ) -> float:
        """Choose the threshold by the rows that were held out."""
        weight = np.ones(len(truth))
        if sample_weight is not None:
            weight = np.asarray(sample_weight, float)
        known = ~np.isnan(chances) & (weight > 0)
        truth = truth[known]
        if truth.all() or not truth.any():
            raise ValueError(
                f"Of {len(truth)} held-out rows of positive sample_weight "
                f"{int(truth.sum())} are of the positive class, but rows of both "
                "classes are needed. Give the classifier n_members, and a "
                "validation_fraction of 1 / n_members, so that every row is held out."
            )
        return tuned_threshold(truth, chances[known], self.metric, weight[known])

    def predict_proba(self, X: ArrayLike) -> np.ndarray:
        """Probability of each class, by the classifier.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n, 2)
            Columns in the order of ``classes_``.
        """
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict_proba(X))

    def predict(self, X: ArrayLike) -> np.ndarray:
        """Positive class from ``best_threshold_`` on, and else the other one.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Rows.

        Returns
        -------
        ndarray of shape (n,)
            Labels.
        """
        chances = self.predict_proba(X)
        number = int(self.classes_[1] == self.pos_label_)
        is_positive = chances[:, number] >= self.best_threshold_
        return self.classes_[np.where(is_positive, number, 1 - number)]

    def get_metadata_routing(self) -> MetadataRouter:
        """Return what is passed on to the classifier."""
        mapping = MethodMapping().add(caller="fit", callee="fit")
        return MetadataRouter(owner=self).add(
            estimator=self.estimator, method_mapping=mapping
        )

    def __sklearn_tags__(self) -> Any:
        tags, inner = super().__sklearn_tags__(), get_tags(self.estimator)
        tags.input_tags = inner.input_tags
        tags.classifier_tags.multi_class = False
        return tags


def _two_classes(y: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Labels of two classes, and the number of each row's class."""
    labels = column_or_1d(y, warn=True)
    assert_all_finite(labels, input_name="y")
    check_classification_targets(labels)
    classes, codes = np.unique(labels, return_inverse=True)
    if len(classes) > 2:
        raise ValueError(
            "Only binary classification is supported. The type of the target is "
            f"multiclass: y holds {len(classes)} classes, and a threshold is for two. "
            "Fit the classifier alone."
        )
    if len(classes) < 2:
        raise ValueError("y holds only one class, but a threshold is for two.")
    return classes, codes


def _fitted_here(model: Any) -> Any:
    """Return the classifier behind pipelines and searches, whose probabilities are its.

    Not that within a calibration, which gives others.
    """
    if hasattr(model, "steps"):
        return _fitted_here(model.steps[-1][1])
    if hasattr(model, "best_estimator_"):
        return _fitted_here(model.best_estimator_)
    if type(model).__name__ in FIT_ONCE:
        return _fitted_here(model.estimator_)
    return model


def _held_out(fitted: Any, n_rows: int) -> np.ndarray:
    """Out-of-bag probabilities of the rows given to ``fit``."""
    classifier = _fitted_here(fitted)
    name = type(classifier).__name__
    if name == "FrozenEstimator":
        raise ValueError(
            "A FrozenEstimator was not fitted on these rows, so that it is not known "
            "which of them it has seen. Pass the classifier itself. Or choose the "
            "threshold by skloss.metrics.tuned_threshold on rows that were not trained "
            "on, and keep it by a FixedThresholdClassifier."
        )
    chances = getattr(classifier, "oob_decision_function_", None)
    if chances is None:
        raise ValueError(
            "OutOfBagThresholdClassifier needs probabilities of rows that were held "
            f"out, but {name} has no oob_decision_function_ after fit. A network has "
            "it unless validation_fraction is None or X_val is passed, a random forest "
            "with oob_score=True. For other classifiers there is scikit-learn's "
            "TunedThresholdClassifierCV."
        )
    if len(chances) != n_rows:
        raise ValueError(
            f"{name} was given {len(chances)} rows by the steps in front of it, not "
            f"the {n_rows} rows of fit, so that held-out rows cannot be told apart. "
            "With a sampler in front, make the pipeline of skloss.Pipeline."
        )
    return np.asarray(chances, float)
