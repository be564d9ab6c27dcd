"""Frames of polars in front of samplers, which know those of pandas only."""

from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["SampledFramesMemory"]


class SampledFramesMemory:
    """A joblib.Memory that gives samplers frames of pandas in place of polars' frames.

    imbalanced-learn fits each step through the ``memory`` of its pipeline.
    """

    def __init__(self, memory: Any) -> None:
        self._memory = memory

    @property
    def location(self) -> Any:
        """Folder of the cache; None if there is no cache."""
        return self._memory.location

    def cache(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Cache the results of a function."""
        cached = self._memory.cache(function)

        def fit_one(step: Any, X: Any, y: Any, **options: Any) -> Any:
            if not hasattr(step, "fit_resample"):
                return cached(step, X, y, **options)
            if _is_polars(y):
                y = np.asarray(y)
            if not _is_polars(X):
                return cached(step, X, y, **options)
            rows, labels, fitted = cached(step, _of_pandas(X), y, **options)
            columns = {name: rows[name].to_numpy() for name in rows}
            return type(X)(columns), labels, fitted

        return fit_one


def _is_polars(values: Any) -> bool:
    return type(values).__module__.partition(".")[0] == "polars"


def _of_pandas(X: Any) -> Any:
    import pandas as pd

    frame = pd.DataFrame({name: X[name].to_numpy() for name in X.columns})
    named = [c for c in X.columns if str(X[c].dtype).startswith(("Cat", "Enum"))]
    return frame.astype(dict.fromkeys(named, "category"))
