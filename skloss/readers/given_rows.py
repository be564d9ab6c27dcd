"""Compare the rows that somebody gives with those that ``fit`` was given.

A record of skloss knows how many rows its fit was given, where the held-out rows stood
among them, and what the network said of these.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import issparse

from skloss.protocols import FittedClassifier
from skloss.readers.label_facts import labels_of_classes
from skloss.record import TrainingRecord
from skloss.record.find import FIT_ONCE, Found
from skloss.sklearn_compat import safe_indexing
from skloss.sparse_rows import sparse_frame

__all__ = ["check_given_rows", "held_out_positions", "is_fitted_on_all", "predictor"]

_MOST_COMPARED = 256
_TOLERANCE = 1e-3  # of a probability; another backend differs by 1e-6


def is_fitted_on_all(found: Found) -> bool:
    """Whether the rows given to the outermost wrapper reached the classifier's fit.

    Wrappers that fit several classifiers give each a part of the rows, and a sampler in
    a pipeline of another library changes them before they are held out.
    """
    record = found.record
    if record is None or found.is_of_fold:
        return False
    splits_first = record.data.get("holdout") == "pipeline"
    return all(
        hasattr(wrapper, "best_estimator_")
        or type(wrapper).__name__ in FIT_ONCE
        or (hasattr(wrapper, "steps") and (splits_first or not _resamples(wrapper)))
        for wrapper in found.wrappers
    )


def _resamples(pipeline: Any) -> bool:
    return any(hasattr(step, "fit_resample") for _, step in pipeline.steps)


def check_given_rows(found: Found, X: Any, y: ArrayLike) -> tuple[str, ...]:
    """Refuse rows that ``fit`` was not given, and note where that cannot be told.

    Raises
    ------
    ValueError
        If they are not the rows that ``fit`` was given.
    """
    record = found.record
    n_given = None if record is None or X is None else record.data.get("n_given")
    if record is None or n_given is None:
        return ()
    classes = np.asarray(found.classifier.classes_)
    if not np.isin(labels_of_classes(classes, y, "y"), classes).all():
        return ()  # which is an error of its own
    reason = _difference(found, record, int(n_given), X, y)
    if reason is None:
        return ()
    if is_fitted_on_all(found):
        raise ValueError(
            f"X and y are not the rows that fit was given: {reason}. Pass the rows of "
            "fit, or none; rows of a test set can be passed as X_val and y_val."
        )
    if found.notes:  # they say that it was fitted on a part of the rows
        return ()
    return (f"X and y are taken for the rows of the fit, although {reason}",)


def _difference(
    found: Found, record: TrainingRecord, n_given: int, X: Any, y: ArrayLike
) -> str | None:
    """Say how the rows differ from those of the fit; None if they do not."""
    n_rows = len(y)  # type: ignore[arg-type]
    positions = record.data.get("held_out_rows")
    n_held = 0 if positions is None else len(positions)
    if n_rows not in (n_given, n_given - n_held):
        told = f" ({n_held} of them were held out)" if n_held else ""
        return f"it was given {n_given} rows{told}, and X has {n_rows}"
    if n_rows == n_given and n_held:
        return _difference_of_members(found, record, np.asarray(positions), X, y)
    return None


def _difference_of_members(
    found: Found, record: TrainingRecord, positions: np.ndarray, X: Any, y: ArrayLike
) -> str | None:
    """Compare the held-out rows of each member, which it predicts by itself."""
    members = found.members
    if len(members) == 1:
        return _difference_of_held_out(found, record, positions, X, y)
    for member in members:
        own = member.record
        if own is None or own.data.get("held_out_rows") is None:
            continue
        held = np.asarray(own.data["held_out_rows"], np.intp)
        differs = _difference_of_held_out(member, own, held, X, y)
        if differs is not None:
            return differs
    return None


def held_out_positions(
    found: Found, X: Any, y: ArrayLike, groups: Any = None
) -> np.ndarray | None:
    """Return where the held-out rows stand in X; None if that is not certain.

    Positions that the record does not have are drawn again by the classifier, which
    gives the same rows with an int as ``random_state``. Labels and predictions tell
    whether they are the same.
    """
    record, classifier = found.record, found.classifier
    if record is None or record.outcome.get("validation_truth") is None:
        return None
    known = record.data.get("held_out_rows")
    if known is not None and record.data.get("n_given") == len(y):  # type: ignore[arg-type]
        positions = np.asarray(known, np.intp)
    elif hasattr(classifier, "split_validation"):
        drawn = classifier.split_validation(X, np.asarray(y), groups)
        if drawn is None:
            return None
        positions = drawn[1]
    else:
        return None
    differs = _difference_of_members(found, record, positions, X, y)
    return positions if differs is None else None


def _difference_of_held_out(
    found: Found, record: TrainingRecord, positions: np.ndarray, X: Any, y: ArrayLike
) -> str | None:
    """Say how the held-out rows differ in labels or predictions; None if not."""
    truth = np.asarray(record.outcome.get("validation_truth"))
    scores = np.asarray(record.outcome.get("validation_scores"), float)
    classes = np.asarray(found.classifier.classes_)
    labels = labels_of_classes(classes, y, "y")[positions]
    if len(truth) != len(positions) or not np.array_equal(classes[truth], labels):
        return "the labels of the rows that were held out differ"
    if record.outcome.get("refit"):
        return None  # the weights are those of another training
    every = max(1, len(positions) // _MOST_COMPARED)
    rows = found.transform(safe_indexing(X, positions[::every]))
    predicted = predictor(found.classifier)(rows)
    seen = scores[::every]
    # One column is that of either class, whichever is the positive one.
    columns = predicted.T if seen.ndim == 1 else (predicted,)
    if any(np.allclose(seen, one, atol=_TOLERANCE, equal_nan=True) for one in columns):
        return None
    return "the predictions of the rows that were held out differ from those recorded"


def predictor(classifier: FittedClassifier) -> Callable[[np.ndarray], np.ndarray]:
    """Predict arrays, with their names back where the classifier knows names."""
    if getattr(classifier, "is_categorical_", None) is not None:
        chances = classifier.predict_proba
        return lambda rows: chances(classifier._as_given(rows))  # type: ignore[attr-defined]
    names = getattr(classifier, "feature_names_in_", None)
    if names is None:
        return classifier.predict_proba

    def predict(rows: Any) -> np.ndarray:
        if issparse(rows):
            return classifier.predict_proba(sparse_frame(rows, names))
        import pandas as pd

        return classifier.predict_proba(pd.DataFrame(rows, columns=names))

    return predict
