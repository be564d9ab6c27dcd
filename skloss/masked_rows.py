"""Masked arrays of NumPy: what is masked is missing."""

from typing import Any

import numpy as np

__all__ = ["unmasked"]


def unmasked(values: Any, gap: float | None = np.nan) -> Any:
    """Return an array with gaps where it is masked; others stay as they are.

    NumPy and scikit-learn take the values under a mask as if there were none.

    Examples
    --------
    >>> unmasked(np.ma.masked_array([1, 2], [False, True]))
    array([ 1., nan])
    """
    if not np.ma.is_masked(values):
        return values
    is_number = gap is not None and values.dtype.kind in "biu"
    kind: Any = np.float64 if is_number else object
    if gap is not None and values.dtype.kind == "f":
        kind = values.dtype
    found = np.array(values.data, kind)
    found[np.ma.getmaskarray(values)] = gap
    return found
