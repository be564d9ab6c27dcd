"""Find the classifier inside pipelines, searches and other wrappers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from skloss.exceptions import RecordFormatError
from skloss.record.training_record import TrainingRecord
from skloss.sparse_rows import indexable

__all__ = [
    "FIT_ONCE",
    "Found",
    "NotFoundError",
    "curves_of",
    "find_classifier",
    "find_record",
    "is_cross_validation",
    "median_fold",
]


# Wrappers that fit their classifier once, on all rows, whatever they choose.
FIT_ONCE = ("FixedThresholdClassifier", "OutOfBagThresholdClassifier")


class NotFoundError(ValueError):
    """A wrapper holds no fitted classifier."""


@dataclass(frozen=True, eq=False)
class Found:
    """A classifier, and what stands around it.

    Parameters
    ----------
    classifier : object
        The classifier at the end.
    transformers : tuple of estimators
        The steps before it that transform rows, in their order; samplers are not among
        them.
    wrappers : tuple of objects
        What it stands in, the outermost first.
    is_of_fold : bool
        Whether it was trained on a fold of the rows that its wrapper was given.
    notes : tuple of str
        What was chosen on the way.
    """

    classifier: Any
    transformers: tuple[Any, ...] = ()
    wrappers: tuple[Any, ...] = ()
    is_of_fold: bool = False
    notes: tuple[str, ...] = ()

    @property
    def estimator(self) -> Any:
        """The classifier, with the pipeline around it where there is one."""
        return next((w for w in self.wrappers if hasattr(w, "steps")), self.classifier)

    @property
    def search(self) -> Any:
        """The outermost search that it won; None if there is none."""
        return next((w for w in self.wrappers if hasattr(w, "cv_results_")), None)

    @property
    def record(self) -> TrainingRecord | None:
        """Its record; None where it is no classifier of skloss."""
        return getattr(self.classifier, "record_", None)

    @property
    def members(self) -> tuple[Found, ...]:
        """Each network of a classifier of several as a classifier of its own."""
        members = getattr(self.classifier, "members_", ())
        if len(members) < 2:
            return (self,)
        return tuple(replace(self, classifier=member) for member in members)

    def transform(self, X: ArrayLike | None) -> Any:
        """Return rows as the classifier sees them; None stays None."""
        if X is None:
            return None
        for step in self.transformers:
            X = step.transform(X)
        if getattr(self.classifier, "is_categorical_", None) is not None:
            return self.classifier.as_numbers(X)
        X = indexable(X)
        return X if issparse(X) else np.asarray(X)


def find_classifier(source: Any) -> Found:
    """Look through wrappers, in any order, for the classifier at the end.

    Parameters
    ----------
    source : object
        A classifier, a pipeline that ends in one, or a fitted search, a
        ``FixedThresholdClassifier``, ``TunedThresholdClassifierCV``,
        ``OutOfBagThresholdClassifier``, ``CalibratedClassifierCV`` or
        ``FrozenEstimator`` around any of these; or the dict of
        ``cross_validate(return_estimator=True)``.

    Returns
    -------
    Found
        Of a search the winner, of a cross-validation the fold with the median of the
        first score, of several calibrated classifiers the first one.

    Raises
    ------
    NotFoundError
        If a search was fitted with ``refit=False``, or a cross-validation kept no
        estimators.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skloss import DenseClassifier
    >>> found = find_classifier(make_pipeline(StandardScaler(), DenseClassifier()))
    >>> found.classifier, found.transformers
    (DenseClassifier(), (StandardScaler(),))
    """
    if isinstance(source, Mapping):
        fold = _median_estimator(source)
        return replace(_inside(source, fold), is_of_fold=True)
    if type(source).__name__ == "FrozenEstimator":  # it has all attributes of the inner
        return _inside(source, source.estimator)
    if hasattr(source, "record_"):
        return Found(source)
    if hasattr(source, "steps"):
        return _at_end_of(source)
    if getattr(source, "calibrated_classifiers_", None):
        return _in_calibration(source)
    if hasattr(source, "best_estimator_"):
        return _inside(source, source.best_estimator_)
    if hasattr(source, "cv_results_"):
        raise NotFoundError(
            f"{type(source).__name__} has no best_estimator_, since it was fitted with "
            "refit=False: fit it with refit=True."
        )
    if hasattr(source, "estimator_"):
        return _inside(source, source.estimator_)
    return Found(source)


def find_record(source: object) -> TrainingRecord:
    """Find the record of a fitted classifier of skloss, through all wrappers.

    Parameters
    ----------
    source : object
        A record itself, the path of a saved one or of curves, or what `find_classifier`
        takes. Of scikeras' KerasClassifier and scikit-learn's MLPClassifier a record of
        the curves alone is made.

    Returns
    -------
    TrainingRecord

    Raises
    ------
    NotFoundError
        If there is none.
    """
    if isinstance(source, TrainingRecord):
        return source
    if isinstance(source, str | PathLike):
        return _load(source)
    found = find_classifier(source)
    curves = curves_of(found.classifier)
    if found.record is None and curves:
        return TrainingRecord.from_history(curves)
    if found.record is None:
        raise NotFoundError(
            f"{type(found.classifier).__name__} has no record_: fit a skloss "
            "classifier, or a pipeline or search that ends in one, before drawing its "
            "curves."
        )
    return found.record


def curves_of(classifier: Any) -> dict[str, Any]:
    """Return the curves of a classifier of another library; empty of one of skloss.

    scikit-learn's ``MLPClassifier`` may end with an epoch more in one of its curves.
    """
    if hasattr(classifier, "record_"):
        return {}
    losses = getattr(classifier, "loss_curve_", None)
    if losses is None:
        kept = getattr(classifier, "history_", None)
        return dict(kept) if isinstance(kept, Mapping) else {}
    curves = {"loss": losses}
    scores = getattr(classifier, "validation_scores_", None)
    if scores is not None:
        curves["val_accuracy"] = scores
    shortest = min(map(len, curves.values()))
    return {name: np.asarray(c, float)[:shortest] for name, c in curves.items()}


def is_cross_validation(source: object) -> bool:
    """Whether it is what ``cross_validate`` gave, with or without estimators."""
    return isinstance(source, Mapping) and any(
        str(name).startswith("test_") for name in source
    )


def median_fold(results: Mapping[str, Any]) -> int:
    """Return the number of the fold with the median of the first score."""
    first = next(name for name in results if name.startswith("test_"))
    return int(np.argsort(np.asarray(results[first], float))[len(results[first]) // 2])


def _load(path: str | PathLike[str]) -> TrainingRecord:
    try:
        return TrainingRecord.load(path)
    except RecordFormatError:
        return TrainingRecord.from_history(path)


def _inside(wrapper: object, inner: object) -> Found:
    found = find_classifier(inner)
    transformers = found.transformers
    if hasattr(wrapper, "transform") and hasattr(wrapper, "estimator_"):
        transformers = (wrapper, *transformers)  # selects columns, as RFE does
    return replace(
        found, wrappers=(wrapper, *found.wrappers), transformers=transformers
    )


def _at_end_of(pipeline: Any) -> Found:
    *before, (_, last) = pipeline.steps
    found = _inside(pipeline, last)
    transforming = (step for _, step in before if hasattr(step, "transform"))
    return replace(found, transformers=(*transforming, *found.transformers))


def _in_calibration(calibration: Any) -> Found:
    """Take the first of several classifiers, each trained on a fold of its own."""
    calibrated = calibration.calibrated_classifiers_
    found = _inside(calibration, calibrated[0].estimator)
    if len(calibrated) == 1:
        return found
    note = (
        f"the first of {len(calibrated)} classifiers of "
        f"{type(calibration).__name__} was read; each was trained on its own fold"
    )
    return replace(found, is_of_fold=True, notes=(note, *found.notes))


def _median_estimator(results: Mapping[str, Any]) -> Any:
    if "estimator" not in results:
        raise NotFoundError(
            "These results of cross_validate hold no estimators. Call it with "
            "return_estimator=True."
        )
    return results["estimator"][median_fold(results)]
