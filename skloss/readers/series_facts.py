"""Facts about series: what scales them, and how their levels and amplitudes differ."""

from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.readers.subsampling import Facts, evenly
from skloss.record.find import Found

__all__ = ["series_facts"]

_OF_COLUMNS = (
    "StandardScaler",
    "MinMaxScaler",
    "MaxAbsScaler",
    "RobustScaler",
    "QuantileTransformer",
    "PowerTransformer",
)
_N_SERIES = 5_000
_FEWEST_STEPS = 8


def series_facts(found: Found, case: Case, X: Any) -> Facts:
    """Measure series in front of the scaler of columns that a network stands behind.

    Parameters
    ----------
    found : Found
        Classifier, and the transformers before it.
    case : Case
        Case with the layers of the network.
    X : array-like or None
        Rows as they were given.

    Returns
    -------
    dict
        Fields of `RowFacts`; empty if the network is not for series or scales them by
        itself, or if no step scales columns.
    """
    layers = case.layers or ()
    first = next((layer for layer in layers if layer.has_kernel), None)
    scales = bool(layers) and layers[0].kind == "normalization"
    if X is None or first is None or first.kind != "conv" or scales:
        return {}
    rows = X
    for step in found.transformers:
        if type(step).__name__ in _OF_COLUMNS:
            return _levels(type(step).__name__, found.classifier, rows)
        rows = step.transform(rows)
    return {}


def _levels(scaler: str, classifier: Any, X: Any) -> Facts:
    rows = np.asarray(X)
    if rows.ndim != 2 or rows.dtype.kind not in "biuf" or len(rows) < 2:
        return {}
    n_channels = int(getattr(classifier, "n_channels", 1))
    if rows.shape[1] % n_channels or rows.shape[1] < _FEWEST_STEPS * n_channels:
        return {}
    rows = rows[evenly(len(rows), _N_SERIES)].astype(float)
    is_first = bool(getattr(classifier, "channels_first", False))
    shape = (n_channels, -1) if is_first else (-1, n_channels)
    series = rows.reshape(len(rows), *shape)
    axis = 2 if is_first else 1
    means, spreads = series.mean(axis=axis), series.std(axis=axis)
    typical = np.median(spreads, axis=0)
    low, high = np.percentile(spreads, [10, 90], axis=0)
    varies = (typical > 0) & (low > 0)
    if not np.isfinite(rows).all() or not varies.any():
        return {}
    return {
        "column_scaler": scaler,
        "series_levels": float(np.max((means.std(axis=0) / typical)[varies])),
        "series_amplitudes": float(np.max((high / low)[varies])),
    }
