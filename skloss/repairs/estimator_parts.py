"""Parts of an unfitted estimator: its classifier, and the way that leads there."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from numpy.random import RandomState
from sklearn.base import clone
from sklearn.utils import check_random_state

__all__ = ["Parts", "is_sampler", "parts_of", "with_other_seeds"]


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


def with_other_seeds(estimator: Any, number: int) -> Any:
    """Copy an estimator, with the ``number``-th seeds drawn from each of its seeds.

    Parameters
    ----------
    estimator : estimator
        It stays as it is.
    number : int
        0 leaves the seeds. What has no seed stays without.

    Examples
    --------
    >>> from sklearn.neural_network import MLPClassifier
    >>> network = MLPClassifier(random_state=0)
    >>> [with_other_seeds(network, number).random_state for number in (0, 1, 1, 2)]
    [0, 209652396, 209652396, 398764591]
    """
    other = clone(estimator)
    seeds = {
        name: int(
            check_random_state(deepcopy(seed)).randint(2**31 - 1, size=number)[-1]
        )
        for name, seed in other.get_params().items()
        if number
        and name.rpartition("__")[2] == "random_state"
        and isinstance(seed, Integral | RandomState)
    }
    return other.set_params(**seeds)


def _wraps(inner: Any) -> bool:
    """Whether it is a classifier around another one."""
    inside = getattr(inner, "estimator", None)
    return hasattr(inside, "fit") and hasattr(inside, "get_params")
