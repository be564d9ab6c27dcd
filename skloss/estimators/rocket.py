"""``RocketClassifier``: kernels that are not trained, for series."""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, ClassVar, Self, cast

import numpy as np
from joblib import effective_n_jobs
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, column_or_1d

from skloss.estimators.all_or_nothing import all_or_nothing
from skloss.estimators.checks import class_weights, encode_labels, warns_of_resampled
from skloss.estimators.fit_rows import FitRows, HoldOut, checked_weight, fit_rows
from skloss.estimators.rocket_record import RocketFit, rocket_record
from skloss.estimators.series_rows import SeriesRowsMixin
from skloss.holdout import stratified_holdout
from skloss.record import TrainingRecord
from skloss.rocket import (
    FEWEST_TIMESTEPS,
    PENALTIES,
    HeadPath,
    Heldout,
    RidgeFit,
    RocketKernels,
)
from skloss.sklearn_compat import Interval, StrOptions, fit_context
from skloss.training import Rows
from skloss.training.outputs import probabilities

__all__ = ["RocketClassifier"]
