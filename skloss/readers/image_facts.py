"""Facts about images: whether their values are of one range."""

from typing import Any

import numpy as np

from skloss.diagnosis.case import Case
from skloss.readers.subsampling import Facts, evenly

__all__ = ["image_facts"]

_N_IMAGES = 5_000
_FAR_ABOVE = 16  # of one


def image_facts(case: Case, X: Any) -> Facts:
    """Measure the ranges of images.

    Parameters
    ----------
    case : Case
        Case with the layers of the network.
    X : array-like or None
        Rows as they were given.

    Returns
    -------
    dict
        Fields of `RowFacts`; empty if the network is not for images.
    """
    first = next((layer for layer in case.layers or () if layer.has_kernel), None)
    if X is None or first is None or first.kind != "conv":
        return {}
    if len(first.output_shape or ()) != 3:
        return {}
    rows = np.asarray(X)
    if rows.dtype.kind not in "biuf" or not len(rows):
        return {}
    rows = rows[evenly(len(rows), _N_IMAGES)].reshape(-1, int(np.prod(rows.shape[1:])))
    largest = np.abs(rows).max(axis=1)
    is_whole = (rows == np.round(rows)).all(axis=1)
    fractions = np.mean((largest <= 1) & ~is_whole)
    wholes = np.mean((largest >= _FAR_ABOVE) & is_whole)
    return {"two_ranges_share": float(min(fractions, wholes))}
