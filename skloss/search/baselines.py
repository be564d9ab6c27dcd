"""Baselines of a search: a constant guess, a logistic regression, boosted trees."""

from __future__ import annotations

from typing import Any

from imblearn.pipeline import Pipeline
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from skloss.reports.baseline_scores import LOGISTIC, MAJORITY, TREES

__all__ = ["baselines_behind"]

_MOST_STEPS = 300


def baselines_behind(pipeline: Any, seed: int) -> dict[str, Any]:
    """Put each baseline in the place of the network of a pipeline.

    Trees come without the sampler: they need none, and most samplers harm them.

    Parameters
    ----------
    pipeline : Pipeline
        Steps and network.
    seed : int
        Random seed of the trees.

    Returns
    -------
    dict of str to estimator
        Estimators that are not fitted, by name.
    """
    steps = [(name, clone(step, safe=False)) for name, step in pipeline.steps[:-1]]
    plain = [one for one in steps if not hasattr(one[1], "fit_resample")]
    logistic = LogisticRegression(max_iter=_MOST_STEPS)
    trees = HistGradientBoostingClassifier(random_state=seed)
    return {
        LOGISTIC: Pipeline([*steps, ("scale", StandardScaler()), ("model", logistic)]),
        TREES: Pipeline([*plain, ("model", trees)]),
        MAJORITY: DummyClassifier(strategy="most_frequent"),
    }
