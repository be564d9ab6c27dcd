"""Types that files of skops may hold beside those that skops itself trusts."""

from typing import Any

import imblearn.combine
import imblearn.over_sampling
import imblearn.pipeline
import imblearn.under_sampling
from sklearn import model_selection
from sklearn.base import BaseEstimator
from sklearn.metrics import get_scorer, get_scorer_names

from skloss.io.kinds import data_kinds, estimator_kinds
from skloss.model_selection import OutOfBagThresholdClassifier, Pipeline
from skloss.record import TrainingRecord

__all__ = ["STEP_TYPES", "TRUSTED_TYPES"]

_SAMPLERS = (imblearn.over_sampling, imblearn.under_sampling, imblearn.combine)
# The one function in the pipelines of `skloss search`.
_FUNCTIONS = ("skloss.search.table_steps.date_parts",)
# Arrays, and types of arrays, in encoders of categories; skops reads them by SciPy.
_ARRAYS = (
    "numpy.dtype",
    "numpy.number",  # as make_column_selector has it
    *(
        f"scipy.sparse._{kind}.{kind}_{form}"
        for kind in ("csc", "csr")
        for form in ("array", "matrix")
    ),
)
# What calibration, tuned thresholds and searches keep beside estimators.
_PARTS = (
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.calibration._TemperatureScaling",
    "sklearn.compose._column_transformer.make_column_selector",
    "sklearn.metrics._scorer._CurveScorer",
    "sklearn.metrics._scorer._PassthroughScorer",
    "sklearn.metrics._scorer._Scorer",
    "sklearn.utils._bunch.Bunch",
    "sklearn.utils._metadata_requests.MetadataRequest",
    "sklearn.utils._metadata_requests.MethodMetadataRequest",
)
# Fitted samplers have them. scikit-learn searches a tree without a look at its bounds,
# so that a tree of a stranger's may end the process when rows are looked up in it; no
# code is run. Files of `skloss.save` keep no fitted sampler, and need none of these.
_TREES = (
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
)


def _name(kind: Any) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _samplers() -> list[type]:
    found = [getattr(home, name) for home in _SAMPLERS for name in home.__all__]
    return [kind for kind in found if issubclass(kind, BaseEstimator)]


def _splitters() -> list[type]:
    found = [getattr(model_selection, name) for name in model_selection.__all__]
    return [kind for kind in found if hasattr(kind, "get_n_splits")]


def _metrics() -> list[Any]:
    return [get_scorer(name)._score_func for name in get_scorer_names()]


STEP_TYPES: list[str] = sorted(
    {
        *map(_name, estimator_kinds().values()),
        *map(_name, data_kinds().values()),
        *map(_name, (OutOfBagThresholdClassifier, Pipeline, TrainingRecord)),
        _name(imblearn.pipeline.Pipeline),
        *map(_name, _samplers()),
        *map(_name, _splitters()),
        *map(_name, _metrics()),
        *_ARRAYS,
        *_FUNCTIONS,
        *_PARTS,
    }
)
"""Types that steps within files of `skloss.save` may be made of."""

TRUSTED_TYPES: list[str] = sorted({*STEP_TYPES, *_TREES})
"""For ``trusted=`` of `skops.io.load`, and for MLflow's ``skops_trusted_types=``."""
