"""Parts of an unfitted estimator: its classifier, and the way that leads there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Parts", "is_sampler", "parts_of"]


@dataclass(frozen=True)
class Parts:
    """The classifier at the end of an estimator.

    Parameters
    ----------
    classifier : estimator
        The classifier.
    prefix : str
        What stands before its parameters, such as ``"estimator__cnn__"``.
    pipeline : Pipeline or None
        The innermost pipeline around it.
    place : str
        Expression of that pipeline, or of the classifier without one, such as
        ``"estimator.estimator"``.
    parent : estimator or None
        The wrapper whose ``estimator`` stands at `place`; None for the outermost.
    """

    classifier: Any
    prefix: str = ""
    pipeline: Any = None
    place: str = "estimator"
    parent: Any = None


def parts_of(estimator: Any) -> Parts:
    """Look through pipelines and wrappers for the classifier.

    Examples
    --------
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skloss import DenseClassifier
    >>> parts = parts_of(make_pipeline(StandardScaler(), DenseClassifier()))
    >>> parts.classifier, parts.prefix
    (DenseClassifier(), 'denseclassifier__')
    """
    inner, here, prefix = estimator, "estimator", ""
    pipeline = parent = None
    place = here
    while True:
        if hasattr(inner, "steps"):
            if pipeline is not None:
                parent = None  # it stands in another pipeline
            pipeline, place = inner, here
            name, inner = inner.steps[-1]
            prefix, here = f"{prefix}{name}__", f"{here}.steps[-1][1]"
        elif _wraps(inner):
            parent, pipeline, inner = inner, None, inner.estimator
            prefix, here = f"{prefix}estimator__", f"{here}.estimator"
        else:
            place = here if pipeline is None else place
            return Parts(inner, prefix, pipeline, place, parent)


def is_sampler(step: object) -> bool:
    """Whether a step of a pipeline resamples rows."""
    return hasattr(step, "fit_resample")


def _wraps(inner: Any) -> bool:
    """Whether it is a classifier around another one."""
    inside = getattr(inner, "estimator", None)
    return hasattr(inside, "fit") and hasattr(inside, "get_params")
